/* cmd_fmt.c - guardrailc fmt: specifications in their canonical layout.
 *
 *     guardrailc fmt SPEC…           rewrites those that differ; the rest is not touched
 *     guardrailc fmt --check SPEC…   names on standard output those that would be
 *     guardrailc fmt --diff SPEC…    shows, as patch(1) reads it, what would
 *     guardrailc fmt - < SPEC        to standard output
 *
 * The summary goes to standard error where standard output carries something that is read by programs. */
#include "config.h"
#include "command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "guardrail/file.h"
#include "guardrail/quote.h"
#include "layout.h"
#include "linediff.h"
#include "spec.h"

#define ARENA_BYTES_MAX ((size_t)512 << 20) /* of one file */
#define OUT_BYTES_MAX ((size_t)64 << 20)
_Static_assert(LAYOUT_NODES_MAX == SPEC_NODES_MAX, "what can be checked can be laid out");

const struct option_row fmt_options[] = {
    {"check", 0, NULL, "change nothing, name the files that would be; exit status 1 if any"},
    {"diff", 0, NULL, "change nothing, show the changes; exit status 1 if any"},
    COMMON_OPTIONS,
};

struct fmt_run {
    const struct command *self;
    struct session s;
    bool check, diff;
    size_t changed, same, refused;
    int code;
};

static void
worsen(struct fmt_run *r, int code)
{
    r->code = code > r->code ? code : r->code;
}

static void
put_out(struct fmt_run *r, struct gr_str text)
{
    if (fwrite(text.p ? text.p : "", 1, text.n, stdout) == text.n && fflush(stdout) == 0)
        return;
    complain(r->self, "standard output cannot be written");
    worsen(r, EXIT_MACHINE);
}

/* A name of a file, as it may be shown. */
static void
put_name(struct fmt_run *r, const char *path)
{
    struct gr_buf b = GR_BUF_INIT(8192);

    gr_quote_log(&b, gr_str(path));
    gr_buf_putc(&b, '\n');
    put_out(r, gr_buf_str(&b));
    gr_buf_fini(&b);
}

static void
put_diff(struct fmt_run *r, const char *path, struct gr_str before, struct gr_str after)
{
    struct gr_buf b = GR_BUF_INIT(OUT_BYTES_MAX);

    if (linediff_put(&b, path, before, after) == GR_OK) {
        put_out(r, gr_buf_str(&b));
    } else {
        complain(r->self, "%s", gr_err_name(GR_ENOMEM));
        worsen(r, EXIT_MACHINE);
    }
    gr_buf_fini(&b);
}

/* Replaces the file that path leads to, through symbolic links, and keeps its mode and, where that is allowed, its owner.
 * False, and a complaint, when it is as before. */
static bool
replace(struct fmt_run *r, const char *path, struct gr_str text)
{
    char *real = realpath(path, NULL);
    struct stat st;
    enum gr_err err;

    if (!real || stat(real, &st) != 0 || access(real, W_OK) != 0)
        err = gr_err_from_errno(errno);
    else if (!S_ISREG(st.st_mode))
        err = GR_ESTATE;
    else
        err = gr_file_write(real, text, st.st_mode & 0777);
    if (err == GR_ESTATE)
        complain(r->self, "%s is no regular file; use - for standard input", path);
    else if (err != GR_OK)
        complain(r->self, "cannot write %s: %s", path, gr_err_name(err));
    else if ((st.st_uid != geteuid() || st.st_gid != getegid()) && chown(real, st.st_uid, st.st_gid) != 0)
        complain(r->self, "%s is yours now: its owner could not be kept", path);
    free(real);
    if (err != GR_OK)
        worsen(r, EXIT_MACHINE);
    return err == GR_OK;
}

/* The canonical form is there. */
static void
deliver(struct fmt_run *r, const char *path, struct gr_str before, struct gr_str after)
{
    bool same = gr_str_eq(before, after), stream = strcmp(path, "-") == 0;

    *(same ? &r->same : &r->changed) += 1;
    if (stream && !r->check && !r->diff)
        put_out(r, after);
    if (same)
        return;
    if (r->diff) {
        put_diff(r, path, before, after);
    } else if (r->check && r->s.style.format == GR_DIAG_TEXT) {
        put_name(r, path);
    } else if (!r->check && !stream && !replace(r, path, after)) {
        r->changed--;
        r->refused++;
    }
    if (r->check || r->diff)
        worsen(r, EXIT_FINDINGS);
}

static void
format_one(struct fmt_run *r, const char *path)
{
    struct gr_arena *a = gr_arena_create(ARENA_BYTES_MAX);
    struct gr_buf out = GR_BUF_INIT(OUT_BYTES_MAX);
    uint32_t file = 0;
    int code = session_source(&r->s, path, SPEC_BYTES_MAX, &file);
    enum gr_err err = GR_ENOMEM;

    if (code == EXIT_CLEAN && a)
        err = layout_format(a, r->s.sources, file, r->s.diags, &out);
    if (err == GR_OK && out.n > SPEC_BYTES_MAX) {
        gr_diag(r->s.diags, GR0002, (struct gr_span){file, 0, 0}, GR_STR("split it, and `include` the parts"),
                "laid out, it would be larger than %u bytes", SPEC_BYTES_MAX);
        err = GR_EUSER;
    }
    r->refused += code != EXIT_CLEAN || err != GR_OK;
    if (code != EXIT_CLEAN) {
        worsen(r, code);
    } else if (err == GR_OK) {
        deliver(r, path, gr_sources_get(r->s.sources, file)->text, gr_buf_str(&out));
    } else if (err == GR_EUSER) {
        worsen(r, EXIT_FINDINGS);
    } else if (err == GR_ESTATE) {
        complain(r->self,
                 "%s is left as it is: laid out, it would not mean the same. This is a bug in guardrailc; "
                 "please report it with the file",
                 path);
        worsen(r, EXIT_MACHINE);
    } else {
        complain(r->self, "%s: %s", path, gr_err_name(err));
        worsen(r, EXIT_MACHINE);
    }
    gr_buf_fini(&out);
    gr_arena_free(a);
}

static void
summary(const struct fmt_run *r, bool stream)
{
    bool dry = r->check || r->diff;
    FILE *to = dry ? stderr : stdout;

    if (r->s.quiet || r->s.style.format != GR_DIAG_TEXT || (stream && !dry))
        return;
    fprintf(to, "%zu file%s%s reformatted, %zu unchanged", r->changed, r->changed == 1 ? "" : "s",
            dry ? " would be" : "", r->same);
    if (r->refused > 0)
        fprintf(to, ", %zu refused", r->refused);
    fputc('\n', to);
}

/* The findings of "fmt -" go to standard error: standard output is for the specification. */
static void
report_aside(struct fmt_run *r)
{
    struct gr_buf b = GR_BUF_INIT(OUT_BYTES_MAX);

    if (gr_diags_count(r->s.diags, GR_SEV_ERROR) == 0)
        return;
    gr_diags_print(r->s.diags, r->s.style, &b);
    (void)!fwrite(gr_buf_cstr(&b), 1, b.n, stderr); /* the exit status says it too */
    gr_buf_fini(&b);
}

int
fmt_run(const struct command *self, const struct options *o)
{
    struct fmt_run r = {.self = self,
                        .check = options_get(self->options, o, "check") != NULL,
                        .diff = options_get(self->options, o, "diff") != NULL};
    bool stream = false;

    if (o->n_operands == 0)
        return usage(self, "which SPEC?");
    for (size_t i = 0; i < o->n_operands; i++)
        stream = stream || strcmp(o->operands[i], "-") == 0;
    if (stream && o->n_operands > 1)
        return usage(self, "- goes alone");
    if ((r.code = session_init(&r.s, self, o)) != EXIT_CLEAN)
        return r.code;
    for (size_t i = 0; i < o->n_operands; i++)
        format_one(&r, o->operands[i]);
    if (stream && !r.check && !r.diff)
        report_aside(&r);
    else
        r.code = session_report(&r.s, r.code);
    summary(&r, stream);
    session_fini(&r.s);
    return r.code;
}
