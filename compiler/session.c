/* session.c - what the commands share: reading a specification, reporting findings. */
#include "config.h"
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "clock.h"
#include "guardrail/file.h"
#include "guardrail/number.h"
#include "guardrail/pages.h"
#include "guardrail/quote.h"
#include "routes.h"

/* A specification of SPEC_BYTES_MAX and all that is compiled from it. */
#define ARENA_BYTES_MAX ((size_t)1 << 30)

void
complain(const struct command *self, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "guardrailc %s: ", self->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

int
usage(const struct command *self, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "guardrailc %s: ", self->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nTry 'guardrailc %s --help'.\n", self->name);
    return EXIT_USAGE;
}

/* when: auto, always, never. */
static bool
wants_color(int when)
{
    const char *no_color = getenv("NO_COLOR");

    if (when > 0)
        return when == 1;
    return !(no_color && *no_color) && isatty(STDOUT_FILENO) == 1;
}

static const char *
page(enum gr_code code)
{
    const struct gr_page *p = gr_page(code);

    return p ? p->why : NULL;
}

int
choose(const struct command *self, const struct options *o, const char *name, int absent)
{
    struct gr_buf complaint = GR_BUF_INIT(4096);
    int choice = options_choice(self->options, o, name, absent, &complaint);

    if (choice < 0)
        usage(self, "%s", gr_buf_cstr(&complaint));
    gr_buf_fini(&complaint);
    return choice;
}

/* The choices of --format stand in the order of enum gr_diag_format. */
static int
read_style(struct session *s, const struct command *self, const struct options *o)
{
    int format = choose(self, o, "format", GR_DIAG_TEXT);
    int color = format < 0 ? -1 : choose(self, o, "color", 0);

    if (color < 0)
        return EXIT_USAGE;
    s->style = (struct gr_diag_style){.format = (enum gr_diag_format)format,
                                      .color = format == GR_DIAG_TEXT && wants_color(color),
                                      .tool = "guardrailc",
                                      .page = page};
    return EXIT_CLEAN;
}

static int
take_now(struct session *s, const struct command *self, const struct options *o)
{
    const char *now = options_has(self->options, "now") ? options_get(self->options, o, "now") : NULL;

    s->now_s = clock_today();
    if (now && clock_time(gr_str(now), &s->now_s) != GR_OK)
        return usage(self,
                     "--now is a date such as 2026-11-23, or a time such as 2026-11-23T17:00:00Z, not '%s'",
                     now);
    return EXIT_CLEAN;
}

/* Of --alertmanager-version, if the command has it. */
static int
take_alertmanager(struct session *s, const struct command *self, const struct options *o)
{
    const char *text = options_has(self->options, "alertmanager-version")
                           ? options_get(self->options, o, "alertmanager-version")
                           : NULL;
    struct gr_str rest = gr_str(text), major, minor = GR_STR_NONE, patch;
    uint64_t v = 0, ignored;

    if (!text)
        return EXIT_CLEAN;
    if (rest.n > 1 && rest.p[0] == 'v')
        rest = gr_str_sub(rest, 1, rest.n);
    if (!gr_str_next(&rest, '.', &major) || !gr_str_next(&rest, '.', &minor) || !gr_str_is(major, "0") ||
        gr_parse_u64(minor, 100000, &v) != GR_OK ||
        (gr_str_next(&rest, '.', &patch) && gr_parse_u64(patch, 100000, &ignored) != GR_OK) || rest.p)
        return usage(self, "--alertmanager-version is a version such as 0.28, not '%s'", text);
    if (v < ALERTMANAGER_MINOR_MIN)
        return usage(self, "--alertmanager-version %s is not supported: 0.%u (Debian 12) is the oldest", text,
                     ALERTMANAGER_MINOR_MIN);
    if (v > ALERTMANAGER_MINOR_MAX)
        return usage(self, "--alertmanager-version %s is not known yet: 0.%u is the newest; it will do", text,
                     ALERTMANAGER_MINOR_MAX);
    s->alertmanager_minor = (uint32_t)v;
    return EXIT_CLEAN;
}

int
session_init(struct session *s, const struct command *self, const struct options *o)
{
    int code;

    *s = (struct session){.quiet = options_get(self->options, o, "quiet") != NULL};
    if ((code = read_style(s, self, o)) != EXIT_CLEAN || (code = take_now(s, self, o)) != EXIT_CLEAN ||
        (code = take_alertmanager(s, self, o)) != EXIT_CLEAN)
        return code;
    s->arena = gr_arena_create(ARENA_BYTES_MAX);
    s->sources = gr_sources_create();
    s->diags = s->sources ? gr_diags_create(s->sources) : NULL;
    if (s->arena && s->diags)
        return EXIT_CLEAN;
    complain(self, "%s", gr_err_name(GR_ENOMEM));
    session_fini(s);
    return EXIT_MACHINE;
}

void
session_fini(struct session *s)
{
    gr_diags_free(s->diags);
    gr_sources_free(s->sources);
    gr_arena_free(s->arena);
    *s = (struct session){.quiet = false};
}

int
session_part(struct session *part, const struct session *whole, const struct command *self)
{
    *part = *whole;
    part->arena = gr_arena_create(ARENA_BYTES_MAX);
    part->diags = part->arena ? gr_diags_create(whole->sources) : NULL;
    if (part->diags)
        return EXIT_CLEAN;
    complain(self, "%s", gr_err_name(GR_ENOMEM));
    session_part_fini(part);
    return EXIT_MACHINE;
}

void
session_part_fini(struct session *part)
{
    gr_diags_free(part->diags);
    gr_arena_free(part->arena);
    part->diags = NULL;
    part->arena = NULL;
}

/* The file cannot be taken in: a finding without a line. reading: that is what failed, not the table of files. */
static int
unreadable(struct session *s, const char *path, size_t bytes_max, bool reading, enum gr_err err)
{
    struct gr_buf name = GR_BUF_INIT(8192);

    if (err == GR_ENOMEM)
        return EXIT_MACHINE;
    gr_quote_log(&name, gr_str(path));
    if (err == GR_ELIMIT && !reading)
        gr_diag(s->diags, GR0002, GR_SPAN_NONE, GR_STR("give fewer files at once"),
                "%s is one file too many: at most %u are read", gr_buf_cstr(&name), GR_SOURCES_MAX);
    else if (err == GR_ELIMIT)
        gr_diag(s->diags, GR0002, GR_SPAN_NONE, GR_STR("split it"), "%s is larger than %zu bytes",
                gr_buf_cstr(&name), bytes_max);
    else
        gr_diag(s->diags, GR0001, GR_SPAN_NONE, GR_STR("check the path and its permissions"),
                "cannot read %s: %s", gr_buf_cstr(&name), load_files.why(NULL, path, err));
    gr_buf_fini(&name);
    return EXIT_USAGE;
}

int
session_source(struct session *s, const char *path, size_t bytes_max, uint32_t *file)
{
    struct gr_buf text = GR_BUF_INIT(bytes_max);
    enum gr_err err = load_files.read(NULL, path, false, &text);
    bool reading = err != GR_OK;

    if (err == GR_OK)
        err = gr_sources_add(s->sources, gr_str(path), gr_buf_str(&text), file);
    gr_buf_fini(&text);
    return err == GR_OK ? EXIT_CLEAN : unreadable(s, path, bytes_max, reading, err);
}

struct spec_options
session_spec_options(const struct session *s, uint32_t time_scale)
{
    return (struct spec_options){.time_scale = time_scale, .now_s = s->now_s};
}

int
session_spec_from(struct session *s, const struct load_reader *reader, const char *path, uint32_t time_scale,
                  struct model **out)
{
    struct spec_options options = session_spec_options(s, time_scale);
    enum gr_err err;

    options.reader = reader;
    err = spec_open(s->arena, s->sources, path, options, s->diags, out);
    if (err == GR_OK) {
        (*out)->alertmanager_minor = s->alertmanager_minor;
        return EXIT_CLEAN;
    }
    return err == GR_EUSER ? EXIT_FINDINGS : err == GR_ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
}

int
session_spec(struct session *s, const char *path, uint32_t time_scale, struct model **out)
{
    return session_spec_from(s, NULL, path, time_scale, out);
}

int
session_prove(struct session *s, struct model *m, int code)
{
    enum gr_err err;

    if (code != EXIT_CLEAN)
        return code;
    err = routes_check(m, s->diags);
    if (err == GR_ELIMIT)
        gr_diag(
            s->diags, GR0002, GR_SPAN_NONE, GR_STR("split it: release streams can have a specification each"),
            "the rules of this specification would have an expression longer than %u bytes, or nested too "
            "deeply: too many different windows, quantiles or minima",
            (unsigned)GR_PROMQL_BYTES_MAX);
    else if (err != GR_OK)
        return EXIT_MACHINE;
    return gr_diags_count(s->diags, GR_SEV_ERROR) > 0 ? EXIT_FINDINGS : EXIT_CLEAN;
}

int
session_report(struct session *s, int code)
{
    struct gr_buf out = GR_BUF_INIT(64u << 20);
    bool any = gr_diags_count(s->diags, GR_SEV_ERROR) + gr_diags_count(s->diags, GR_SEV_WARNING) +
                   gr_diags_count(s->diags, GR_SEV_NOTE) >
               0;

    if (s->style.format == GR_DIAG_JSON || s->style.format == GR_DIAG_SARIF || any)
        gr_diags_print(s->diags, s->style, &out);
    if (gr_buf_err(&out) != GR_OK || fwrite(gr_buf_cstr(&out), 1, out.n, stdout) != out.n ||
        fflush(stdout) != 0)
        code = EXIT_MACHINE;
    gr_buf_fini(&out);
    if (code == EXIT_MACHINE)
        fprintf(stderr, "guardrailc: out of memory, or output could not be written; nothing was changed\n");
    return code;
}
