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
#include "jw.h"
#include "replay.h"

#define FILE_BYTES_MAX (256u << 20)
#define HASH_SHOWN_MIN 8u

/* What is found out, for people and for --json. */
struct work {
    const struct ctl *c;
    struct gr_buf said; /* sentences, a line each */
    struct audit_check check;
    struct replay *replay;
};

/* ---- the files of a log ---- */

/* What is done with each file; number 0: unknown. */
typedef enum ctl_exit file_fn(struct work *w, const char *name, int64_t number, struct gr_str text);

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
one_file(const char *path, file_fn *fn, struct work *w)
{
    struct gr_buf text = GR_BUF_INIT(FILE_BYTES_MAX);
    enum gr_err err = gr_file_read(path, &text);
    enum ctl_exit status;

    if (err != GR_OK)
        status = cannot(path, err);
    else
        status = fn(w, strcmp(path, "-") == 0 ? "standard input" : base_name(path),
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
each_file(const char *path, int64_t last, file_fn *fn, struct work *w)
{
    struct gr_buf name = GR_BUF_INIT(4096);
    enum ctl_exit status = CTL_OK;
    struct stat st;

    if (!is_folder(path))
        return one_file(path, fn, w);
    for (int64_t n = 1; status == CTL_OK; n++) {
        gr_buf_reset(&name);
        gr_buf_printf(&name, "%s/%06" PRId64 ".jsonl", path, n);
        if (gr_buf_err(&name) != GR_OK)
            status = cannot(path, gr_buf_err(&name));
        else if (stat(gr_buf_cstr(&name), &st) == 0 || n == 1)
            status = one_file(gr_buf_cstr(&name), fn, w);
        else if (n <= last) {
            gr_buf_printf(&w->said,
                          "%06" PRId64 ".jsonl: the file is not here, and head.json names one behind it\n",
                          n);
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
check_file(struct work *w, const char *name, int64_t number, struct gr_str text)
{
    if (audit_check_text(&w->check, number, text))
        return CTL_OK;
    gr_buf_printf(&w->said, "%s: %s\n", name, w->check.why);
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
find_head(struct work *w, int64_t *last)
{
    const struct ctl *c = w->c;
    struct audit_check *check = &w->check;
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
            gr_buf_printf(&w->said, "%s is not here: nothing says where the log ends; give --head\n",
                          gr_buf_cstr(&path));
            status = CTL_REFUSED;
        }
    } else if (err == GR_EUSER) {
        gr_buf_printf(&w->said, "%s was changed: it is not JSON\n", gr_buf_cstr(&path));
        status = CTL_REFUSED;
    } else if (err != GR_OK) {
        status = cannot(gr_buf_cstr(&path), err);
    } else {
        *last = jread_i64(root, "file", 0);
        check->want_seq = jread_i64(root, "seq", 0);
        check->want_hash = jread_str(root, "hash");
        if (*last < 1 || check->want_seq < 1 || check->want_hash.n != GR_SHA256_HEX) {
            gr_buf_printf(&w->said, "%s was changed: it names no record\n", gr_buf_cstr(&path));
            status = CTL_REFUSED;
        }
    }
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    return status;
}

/* The chain holds; is its end there, too? A file that is over says so itself, an open one needs somebody who vouches for its end. */
static enum ctl_exit
judge_end(struct work *w, int64_t last)
{
    const struct ctl *c = w->c;
    const struct audit_check *check = &w->check;
    bool vouched = check->want_seq > 0 && (is_folder(c->id) || c->head || check->file == last);

    if (vouched && !check->met) {
        gr_buf_printf(&w->said,
                      "record %" PRId64 " is not here: the log was cut off after record %" PRId64 "\n",
                      check->want_seq, check->seq);
        return CTL_REFUSED;
    }
    if (!vouched && !check->ended) {
        gr_buf_printf(&w->said,
                      "the chain holds up to record %" PRId64
                      ", but nothing says whether more followed; give --head\n",
                      check->seq);
        return CTL_REFUSED;
    }
    gr_buf_printf(&w->said, "ok: %" PRId64 " records, up to %" PRId64 ":%s\n", check->records, check->seq,
                  check->hash);
    return CTL_OK;
}

/* {"ok", "records", "seq", "hash", "broken"}, as GET /v1/audit. */
static void
print_verified(struct gr_buf *b, const struct work *w, bool ok)
{
    struct jw out = JW_INIT(b);

    jw_open(&out, NULL, '{');
    jw_bool(&out, "ok", ok);
    jw_i64(&out, "records", w->check.records);
    jw_i64(&out, "seq", w->check.seq);
    jw_text(&out, "hash", w->check.hash);
    if (ok)
        jw_null(&out, "broken");
    else
        jw_str(&out, "broken", gr_str_trim(gr_buf_str(&w->said)));
    jw_close(&out, '}');
    gr_buf_putc(b, '\n');
}

/* What was said, or its JSON, to standard output. */
static enum ctl_exit
tell(struct gr_buf *b, enum ctl_exit status)
{
    bool ok = gr_buf_err(b) == GR_OK && fputs(gr_buf_cstr(b), stdout) >= 0 && fflush(stdout) == 0;

    return ok ? status : CTL_MACHINE;
}

enum ctl_exit
ctl_verify(const struct ctl *c)
{
    struct work w = {.c = c, .said = GR_BUF_INIT(1u << 20)};
    struct gr_buf json = GR_BUF_INIT(4u << 20);
    enum ctl_exit status = CTL_OK;
    int64_t last = 0;

    if (c->head && !read_head(c->head, &w.check)) {
        (void)fprintf(stderr,
                      "guardrailctl: --head takes a record's number and at least 8 digits of its hash, as "
                      "14:2c26b46b\nTry guardrailctl --help.\n");
        return CTL_USAGE;
    }
    if (!c->head && strcmp(c->id, "-") != 0)
        status = find_head(&w, &last);
    if (status == CTL_OK)
        status = each_file(c->id, last, check_file, &w);
    if (status == CTL_OK)
        status = judge_end(&w, last);
    if (c->json && (status == CTL_OK || status == CTL_REFUSED)) {
        print_verified(&json, &w, status == CTL_OK);
        status = tell(&json, status);
    } else {
        status = tell(&w.said, status);
    }
    gr_buf_fini(&w.said);
    gr_buf_fini(&json);
    return status;
}

/* verify --store */
void
ctl_print_audit(struct gr_buf *b, const struct gr_node *root, const struct ctl *c)
{
    (void)c;
    if (jread_bool(root, "ok"))
        gr_buf_printf(b, "ok: " GR_FMT " records in the store, up to " GR_FMT ":" GR_FMT "\n",
                      GR_ARG(jread_str(root, "records")), GR_ARG(jread_str(root, "seq")),
                      GR_ARG(jread_str(root, "hash")));
    else
        gr_buf_printf(b, "the store: " GR_FMT "\n", GR_ARG(jread_str(root, "broken")));
}

/* ---- replay ---- */

static enum ctl_exit
replay_file(struct work *w, const char *name, int64_t number, struct gr_str text)
{
    enum gr_err err = replay_text(w->replay, name, text, &w->said);

    (void)number;
    return err == GR_OK ? CTL_OK : cannot(name, err);
}

/* The folder of the policies: as given, or where the log lies. NULL: no memory. */
static const char *
policies_folder(const struct ctl *c)
{
    if (c->policies)
        return c->policies;
    if (is_folder(c->id))
        return c->id;
    if (base_name(c->id) == c->id)
        return ".";
    return gr_arena_dup(c->arena, gr_str_sub(gr_str(c->id), 0, (size_t)(base_name(c->id) - c->id))).p;
}

/* {"ok", "records", "decisions", "different", "differences": ["…"]} */
static void
print_replayed(struct gr_buf *b, const struct work *w)
{
    struct jw out = JW_INIT(b);
    struct gr_str rest = gr_buf_str(&w->said), line;

    jw_open(&out, NULL, '{');
    jw_bool(&out, "ok", w->replay->different == 0);
    jw_i64(&out, "records", w->replay->records);
    jw_i64(&out, "decisions", w->replay->decisions);
    jw_i64(&out, "different", w->replay->different);
    jw_open(&out, "differences", '[');
    while (rest.n > 0 && gr_str_next(&rest, '\n', &line))
        if (line.n > 0)
            jw_str(&out, NULL, line);
    jw_close(&out, ']');
    jw_close(&out, '}');
    gr_buf_putc(b, '\n');
}

enum ctl_exit
ctl_replay(const struct ctl *c)
{
    struct work w = {.c = c, .said = GR_BUF_INIT(64u << 20)};
    struct gr_buf json = GR_BUF_INIT(256u << 20);
    const char *folder;
    enum ctl_exit status;

    if (!c->policies && strcmp(c->id, "-") == 0) {
        (void)fprintf(
            stderr,
            "guardrailctl: replay of standard input needs --policies DIR\nTry guardrailctl --help.\n");
        return CTL_USAGE;
    }
    w.replay = gr_arena_alloc(c->arena, sizeof *w.replay);
    folder = policies_folder(c);
    if (!w.replay || !folder)
        return cannot("replay", GR_ENOMEM);
    *w.replay = (struct replay){.folder = folder};
    if ((status = each_file(c->id, 0, replay_file, &w)) == CTL_OK)
        status = w.replay->different > 0 ? CTL_REFUSED : CTL_OK;
    if (c->json && (status == CTL_OK || status == CTL_REFUSED)) {
        print_replayed(&json, &w);
        status = tell(&json, status);
    } else {
        if (status == CTL_OK || status == CTL_REFUSED)
            gr_buf_printf(&w.said,
                          "%" PRId64 " decisions in %" PRId64 " records, %" PRId64 " of them differ\n",
                          w.replay->decisions, w.replay->records, w.replay->different);
        status = tell(&w.said, status);
    }
    replay_fini(w.replay);
    gr_buf_fini(&w.said);
    gr_buf_fini(&json);
    return status;
}
