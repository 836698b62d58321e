#include "config.h"
#include "scratch.h"

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardrail/file.h"

/* nftw's callback takes no context; tests run on one thread. */
static struct gr_buf *listing;
static size_t listing_skip;

void
scratch_make(struct scratch *s)
{
    struct gr_buf b = GR_BUF_INIT(PATH_MAX);
    char cwd[PATH_MAX];

    ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
    gr_buf_printf(&b, "%s/scratch-XXXXXX", cwd);
    ck_assert_ptr_nonnull(mkdtemp(b.p));
    s->dir = gr_buf_take(&b);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void
scratch_remove(struct scratch *s)
{
    ck_assert_int_eq(nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(s->dir);
    s->dir = NULL;
}

const char *
scratch_path(struct scratch *s, const char *name)
{
    static char path[PATH_MAX];

    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", s->dir, name), (int)sizeof path);
    return path;
}

void
scratch_write(struct scratch *s, const char *name, const char *text)
{
    char *path = strdup(scratch_path(s, name)), *slash;

    ck_assert_ptr_nonnull(path);
    slash = strrchr(path, '/');
    *slash = '\0';
    ck_assert_int_eq(gr_dir_make(path), GR_OK);
    *slash = '/';
    ck_assert_int_eq(gr_file_write(path, gr_str(text), 0644), GR_OK);
    free(path);
}

bool
scratch_has(struct scratch *s, const char *name, const char *text)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);
    bool has;

    if (!text)
        return access(scratch_path(s, name), F_OK) != 0;
    has = gr_file_read(scratch_path(s, name), &b) == GR_OK && gr_str_is(gr_buf_str(&b), text);
    gr_buf_fini(&b);
    return has;
}

static int
list_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    if (kind != FTW_D)
        gr_buf_printf(listing, "%s\n", path + listing_skip);
    return 0;
}

static int
by_text(const void *a, const void *b)
{
    return gr_str_cmp(*(const struct gr_str *)a, *(const struct gr_str *)b);
}

void
scratch_list(struct scratch *s, struct gr_buf *out)
{
    struct gr_buf found = GR_BUF_INIT(1u << 20);
    struct gr_str lines[256], rest, line;
    size_t n = 0;

    listing = &found;
    listing_skip = strlen(s->dir) + 1;
    ck_assert_int_eq(nftw(s->dir, list_one, 16, FTW_PHYS), 0);
    rest = gr_buf_str(&found);
    while (gr_str_next(&rest, '\n', &line))
        if (line.n > 0 && n < GR_COUNT(lines))
            lines[n++] = line;
    qsort(lines, n, sizeof *lines, by_text);
    for (size_t i = 0; i < n; i++)
        gr_buf_printf(out, GR_FMT "\n", GR_ARG(lines[i]));
    gr_buf_fini(&found);
}
