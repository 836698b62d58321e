/* Every file of tests/data/specs: what the comments on its lines expect is found, and nothing else. */
#include "config.h"
#include "spec.h"
#include "specs.h"
#include "test_compiler.h"

#include "guardrail/sys.h"

#include <dirent.h>
#include <stdio.h>

#define FILES_MAX 1000
#define EXPECTS_MAX 32

struct files {
    char *name[FILES_MAX]; /* below the source folder */
    size_t n;
};
static struct files bad, good; /* filled before the tests run */

struct expect {
    uint32_t file;
    size_t line;
    struct gr_str code, text; /* text: empty when it does not matter */
    bool met;
};

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
list_files(struct files *f, const char *dir)
{
    const char *src = getenv("GR_SRCDIR");
    char path[4096];
    DIR *d;

    (void)snprintf(path, sizeof path, "%s/%s", src ? src : ".", dir);
    d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d)) && f->n < FILES_MAX;) {
        if (!gr_str_ends(gr_str(e->d_name), GR_STR(".yml")))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        f->name[f->n] = strdup(path);
        f->n += f->name[f->n] != NULL;
    }
    if (d)
        closedir(d);
    qsort(f->name, f->n, sizeof f->name[0], by_name);
}

/* GR0205 "+25%" GR0206 …; \" stands for a quote. */
static size_t
read_expects(struct gr_str text, uint32_t file, size_t line, struct expect *out, size_t n)
{
    while (text.n > 0) {
        size_t at = gr_str_find(text, GR_STR("GR"), 0), end;

        if (at == SIZE_MAX)
            break;
        ck_assert_uint_lt(n, EXPECTS_MAX);
        out[n] = (struct expect){.file = file, .line = line, .code = gr_str_sub(text, at, at + 6)};
        text = gr_str_sub(text, at + 6, text.n);
        if (gr_str_starts(text, GR_STR(" \""))) {
            for (end = 2; end < text.n && (text.p[end] != '"' || text.p[end - 1] == '\\');)
                end++;
            out[n].text = gr_str_sub(text, 2, end);
            text = gr_str_sub(text, end + 1, text.n);
        }
        n++;
    }
    return n;
}

/* Of the spec and of the files it names. */
static size_t
find_expects(const struct specs *s, struct expect *out)
{
    size_t n = 0;

    for (uint32_t file = 1; file <= s->files; file++) {
        struct gr_str rest = gr_sources_get(s->sources, file)->text, line;

        for (size_t number = 1; gr_str_next(&rest, '\n', &line); number++) {
            size_t at = gr_str_find(line, GR_STR("# expect:"), 0);

            if (at != SIZE_MAX)
                n = read_expects(gr_str_sub(line, at, line.n), file, number, out, n);
        }
    }
    return n;
}

/* Equal but for the backslashes in front of quotes. */
static bool
same_text(struct gr_str want, struct gr_str got)
{
    size_t j = 0;

    for (size_t i = 0; i < want.n; i++) {
        if (want.p[i] == '\\' && i + 1 < want.n && want.p[i + 1] == '"')
            continue;
        if (j >= got.n || want.p[i] != got.p[j++])
            return false;
    }
    return j == got.n;
}

static bool
meet(const struct specs *s, const struct finding *f, struct expect *e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!e[i].met && e[i].line == f->line &&
            gr_str_eq(gr_sources_get(s->sources, e[i].file)->name, f->file) &&
            gr_str_is(e[i].code, f->code) && (e[i].text.n == 0 || same_text(e[i].text, f->text))) {
            e[i].met = true;
            return true;
        }
    return false;
}

static void
check_file(const char *path, bool is_bad)
{
    struct expect expects[EXPECTS_MAX];
    struct specs s;
    size_t n;

    specs_read_file(&s, path);
    n = find_expects(&s, expects);
    ck_assert_msg((n > 0) == is_bad, "%s: %zu expectations", path, n);
    for (size_t i = 0; i < s.n; i++) {
        const struct finding *f = &s.findings[i];

        ck_assert_msg(meet(&s, f, expects, n), "%s:%zu: not expected: %s \"%.*s\": %s", path, f->line,
                      f->code, GR_ARG(f->text), f->message);
        ck_assert_msg((f->fix && f->fix[0]) || gr_str_starts(gr_str(f->code), GR_STR("GR04")),
                      "%s:%zu: %s has no fix", path, f->line, f->code);
    }
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(expects[i].met, "%s:%zu: %.*s \"%.*s\" was not found", path, expects[i].line,
                      GR_ARG(expects[i].code), GR_ARG(expects[i].text));
    ck_assert_msg(is_bad || s.err == GR_OK, "%s: %s", path, gr_err_name(s.err));
    specs_fini(&s);
}

START_TEST(bad_spec)
{
    check_file(bad.name[_i], true);
}
END_TEST

START_TEST(good_spec)
{
    check_file(good.name[_i], false);
}
END_TEST

/* What cannot stand in a specification that is text: other tests have it. */
static const struct {
    enum gr_code code;
    const char *where;
} elsewhere[] = {
    {GR0003, "bytes: test_bad_input.c"},
    {GR0007, "guardraild's policy: tests/unit/webhook/test_policy.c"},
    {GR0008, "rule files: tests/data/rules"},
    {GR0318, "guardraild's configuration: tests/unit/webhook/test_conf.c"},
};

/* Of reading, structure, quantities, meaning and PromQL. */
static bool
of_specs(enum gr_code code)
{
    for (size_t i = 0; i < GR_COUNT(elsewhere); i++)
        if (elsewhere[i].code == code)
            return false;
    return code < GR0501;
}

/* Whether a file has the code on a line, behind the mark. */
static bool
marked(const struct files *f, const char *mark, const char *code)
{
    bool found = false;

    for (size_t i = 0; i < f->n && !found; i++) {
        char *text = specs_slurp(f->name[i]);
        struct gr_str rest = gr_str(text), line;

        while (!found && gr_str_next(&rest, '\n', &line)) {
            size_t at = gr_str_find(line, gr_str(mark), 0);

            found = at != SIZE_MAX && gr_str_find(line, gr_str(code), at) != SIZE_MAX;
        }
        gr_sys.free(text);
    }
    return found;
}

/* Each finding has a file that shows it, and a line that comes close to it and must not have it. */
START_TEST(every_code_is_shown)
{
    const char *code = gr_code_info((enum gr_code)_i)->code;

    if (!of_specs((enum gr_code)_i))
        return;
    ck_assert_msg(
        marked(&bad, "# expect:", code),
        "no file under tests/data/specs/bad shows %s: add one with a line that ends in # expect: %s", code,
        code);
    ck_assert_msg(marked(&good, "# near:", code),
                  "no file under tests/data/specs/good comes close to %s: add a line that ends in # near: %s",
                  code, code);
}
END_TEST

START_TEST(corpus_is_there)
{
    ck_assert_uint_ge(bad.n, 150);
    ck_assert_uint_ge(good.n, 40);
}
END_TEST

Suite *
spec_corpus_suite(void)
{
    Suite *s = suite_create("spec_corpus");
    TCase *tc = tcase_create("files");

    list_files(&bad, "tests/data/specs/bad");
    list_files(&good, "tests/data/specs/good");
    tcase_add_test(tc, corpus_is_there);
    tcase_add_loop_test(tc, every_code_is_shown, 0, GR_CODE_COUNT);
    tcase_add_loop_test(tc, bad_spec, 0, (int)bad.n);
    tcase_add_loop_test(tc, good_spec, 0, (int)good.n);
    suite_add_tcase(s, tc);
    return s;
}
