/* guardrailctl verify and replay: an audit log's files, without guardraild. */
#include "config.h"
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include "audit.h"
#include "auditor.h"
#include "guardrail/file.h"
#include "guardrail/number.h"
#include "jread.h"
#include "replay.h"

#define FILE_BYTES_MAX (256u << 20)
#define HASH_SHOWN_MIN 8u

/* ---- the files of a log ---- */

/* What is done with each file; number 0: unknown. */
typedef enum ctl_exit file_fn(void *arg, const char *name, int64_t number, struct gr_str text);

static enum ctl_exit
cannot(const char *path, enum gr_err err)
{
    (void)fprintf(stderr, "guardrailctl: %s: %s\n", path, gr_err_name(err));
    return err == GR_ENOENT || err == GR_EACCES || err == GR_ELIMIT ? CTL_USAGE : CTL_MACHINE;
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* 000012.jsonl → 12 */
static int64_t
number_of(const char *name)
{
    struct gr_str s = gr_str(name);
    int64_t n = 0;

    return s.n > 6 && gr_str_is(gr_str_sub(s, s.n - 6, s.n), ".jsonl") &&
                   gr_parse_i64(gr_str_sub(s, 0, s.n - 6), 1, INT64_MAX, &n) == GR_OK
               ? n
               : 0;
}

static enum ctl_exit
one_file(const char *path, file_fn *fn, void *arg)
{
    struct gr_buf text = GR_BUF_INIT(FILE_BYTES_MAX);
    enum gr_err err = gr_file_read(path, &text);
    enum ctl_exit status;

    if (err != GR_OK)
        status = cannot(path, err);
    else
        status = fn(arg, strcmp(path, "-") == 0 ? "standard input" : base_name(path),
                    number_of(base_name(path)), gr_buf_str(&text));
    gr_buf_fini(&text);
    return status;
}

static bool
is_folder(const char *path)
{
    struct stat st;

    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* All files of a folder up to `last`, which head.json names, and beyond it as far as they go; or the one file. */
static enum ctl_exit
each_file(const char *path, int64_t last, file_fn *fn, void *arg)
{
    struct gr_buf name = GR_BUF_INIT(4096);
    enum ctl_exit status = CTL_OK;
    struct stat st;

    if (!is_folder(path))
        return one_file(path, fn, arg);
    for (int64_t n = 1; status == CTL_OK; n++) {
        gr_buf_reset(&name);
        gr_buf_printf(&name, "%s/%06" PRId64 ".jsonl", path, n);
        if (gr_buf_err(&name) != GR_OK)
            status = cannot(path, gr_buf_err(&name));
        else if (stat(gr_buf_cstr(&name), &st) == 0 || n == 1)
            status = one_file(gr_buf_cstr(&name), fn, arg);
        else if (n <= last) {
            (void)printf("%06" PRId64 ".jsonl: the file is not here, and head.json names one behind it\n", n);
            status = CTL_REFUSED;
        } else {
            break;
        }
    }
    gr_buf_fini(&name);
    return status;
}

/* ---- verify ---- */

static enum ctl_exit
check_file(void *arg, const char *name, int64_t number, struct gr_str text)
{
    struct audit_check *c = arg;

    if (audit_check_text(c, number, text))
        return CTL_OK;
    (void)printf("%s: %s\n", name, c->why);
    return CTL_REFUSED;
}

/* SEQ:HASH, as much of the hash as is there. */
static bool
read_head(const char *text, struct audit_check *c)
{
    struct gr_str s = gr_str(text);
    size_t at = gr_str_find(s, GR_STR(":"), 0);

    if (at == SIZE_MAX || gr_parse_i64(gr_str_sub(s, 0, at), 1, INT64_MAX, &c->want_seq) != GR_OK)
        return false;
    c->want_hash = gr_str_sub(s, at + 1, s.n);
    for (size_t i = 0; i < c->want_hash.n; i++)
        if (!((c->want_hash.p[i] >= '0' && c->want_hash.p[i] <= '9') ||
              (c->want_hash.p[i] >= 'a' && c->want_hash.p[i] <= 'f')))
            return false;
    return c->want_hash.n >= HASH_SHOWN_MIN && c->want_hash.n <= GR_SHA256_HEX;
}

/* head.json in the folder, or beside the file. */
static enum ctl_exit
find_head(const struct ctl *c, struct audit_check *check, int64_t *last)
{
    struct gr_buf path = GR_BUF_INIT(4096), text = GR_BUF_INIT(4096);
    const struct gr_node *root = NULL;
    enum ctl_exit status = CTL_OK;
    enum gr_err err;

    if (is_folder(c->id))
        gr_buf_printf(&path, "%s/" AUDITOR_HEAD, c->id);
    else
        gr_buf_printf(&path, "%.*s" AUDITOR_HEAD, (int)(base_name(c->id) - c->id), c->id);
    if ((err = gr_buf_err(&path)) == GR_OK && (err = gr_file_read(gr_buf_cstr(&path), &text)) == GR_OK)
        err = jread(c->arena, gr_buf_str(&text), &root);
    if (err == GR_ENOENT) {
        if (is_folder(c->id)) {
            (void)printf("%s is not here: nothing says where the log ends; give --head\n",
                         gr_buf_cstr(&path));
            status = CTL_REFUSED;
        }
    } else if (err == GR_EUSER) {
        (void)printf("%s was changed: it is not JSON\n", gr_buf_cstr(&path));
        status = CTL_REFUSED;
    } else if (err != GR_OK) {
        status = cannot(gr_buf_cstr(&path), err);
    } else {
        *last = jread_i64(root, "file", 0);
        check->want_seq = jread_i64(root, "seq", 0);
        check->want_hash = jread_str(root, "hash");
        if (*last < 1 || check->want_seq < 1 || check->want_hash.n != GR_SHA256_HEX) {
            (void)printf("%s was changed: it names no record\n", gr_buf_cstr(&path));
            status = CTL_REFUSED;
        }
    }
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    return status;
}

/* The chain holds; is its end there, too? A file that is over says so itself, an open one needs somebody who vouches for its end. */
static enum ctl_exit
judge_end(const struct ctl *c, const struct audit_check *check, int64_t last)
{
    bool vouched = check->want_seq > 0 && (is_folder(c->id) || c->head || check->file == last);

    if (vouched && !check->met) {
        (void)printf("record %" PRId64 " is not here: the log was cut off after record %" PRId64 "\n",
                     check->want_seq, check->seq);
        return CTL_REFUSED;
    }
    if (!vouched && !check->ended) {
        (void)printf("the chain holds up to record %" PRId64
                     ", but nothing says whether more followed; give --head\n",
                     check->seq);
        return CTL_REFUSED;
    }
    (void)printf("ok: %" PRId64 " records, up to %" PRId64 ":%s\n", check->records, check->seq, check->hash);
    return CTL_OK;
}

enum ctl_exit
ctl_verify(const struct ctl *c)
{
    struct audit_check check = {.seq = 0};
    enum ctl_exit status = CTL_OK;
    int64_t last = 0;

    if (c->head && !read_head(c->head, &check)) {
        (void)fprintf(stderr,
                      "guardrailctl: --head takes a record's number and at least 8 digits of its hash, as "
                      "14:2c26b46b\nTry guardrailctl --help.\n");
        return CTL_USAGE;
    }
    if (!c->head && strcmp(c->id, "-") != 0)
        status = find_head(c, &check, &last);
    if (status == CTL_OK)
        status = each_file(c->id, last, check_file, &check);
    if (status == CTL_OK)
        status = judge_end(c, &check, last);
    return fflush(stdout) == 0 ? status : CTL_MACHINE;
}

/* verify --store */
void
ctl_print_audit(struct gr_buf *b, const struct gr_node *root)
{
    if (jread_bool(root, "ok"))
        gr_buf_printf(b, "ok: " GR_FMT " records in the store, up to " GR_FMT ":" GR_FMT "\n",
                      GR_ARG(jread_str(root, "records")), GR_ARG(jread_str(root, "seq")),
                      GR_ARG(jread_str(root, "hash")));
    else
        gr_buf_printf(b, "the store: " GR_FMT "\n", GR_ARG(jread_str(root, "broken")));
}

/* ---- replay ---- */

static enum ctl_exit
replay_file(void *arg, const char *name, int64_t number, struct gr_str text)
{
    struct gr_buf report = GR_BUF_INIT(64u << 20);
    enum gr_err err = replay_text(arg, name, text, &report);
    enum ctl_exit status = err == GR_OK ? CTL_OK : cannot(name, err);

    (void)number;
    if (fputs(gr_buf_cstr(&report), stdout) < 0)
        status = CTL_MACHINE;
    gr_buf_fini(&report);
    return status;
}

enum ctl_exit
ctl_replay(const struct ctl *c)
{
    struct replay *r = gr_arena_alloc(c->arena, sizeof *r);
    const char *folder = c->policies;
    enum ctl_exit status;

    if (!folder && strcmp(c->id, "-") == 0) {
        (void)fprintf(
            stderr,
            "guardrailctl: replay of standard input needs --policies DIR\nTry guardrailctl --help.\n");
        return CTL_USAGE;
    }
    if (!folder)
        folder =
            is_folder(c->id) ? c->id
            : base_name(c->id) == c->id
                ? "."
                : gr_arena_dup(c->arena, gr_str_sub(gr_str(c->id), 0, (size_t)(base_name(c->id) - c->id))).p;
    if (!r || !folder)
        return cannot("replay", GR_ENOMEM);
    *r = (struct replay){.folder = folder};
    status = each_file(c->id, 0, replay_file, r);
    if (status == CTL_OK) {
        (void)printf("%" PRId64 " decisions in %" PRId64 " records, %" PRId64 " of them differ\n",
                     r->decisions, r->records, r->different);
        status = r->different > 0 ? CTL_REFUSED : CTL_OK;
    }
    replay_fini(r);
    return fflush(stdout) == 0 ? status : CTL_MACHINE;
}
