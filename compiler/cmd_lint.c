/* cmd_lint.c - guardrailc lint: rule files from anywhere, and specifications. */
#include "config.h"
#include "command.h"

#include <stdio.h>
#include <stdlib.h>

#include "guardrail/buf.h"
#include "guardrail/duration.h"
#include "guardrail/file.h"
#include "guardrail/rulelint.h"
#include "spec.h"

const struct option_row lint_options[] = {
    {"annotations", 0, "LIST", "annotations that every alert must have (default summary,runbook_url)"},
    {"disable", 0, "LIST", "findings not to report: GR0513,plain-regex"},
    {"enable", 0, "LIST", "findings to report that are off by default, or \"all\""},
    {"fail-on", 0, "note|warning|error", "what makes the exit status 1 (default warning)"},
    {"min-severity", 0, "note|warning|error", "what is reported (default warning)"},
    {"scrape-interval", 0, "TIME", "how often targets are scraped (default 15s)"},
    SPEC_OPTIONS,
    COMMON_OPTIONS,
};

struct lint_run {
    const struct command *self;
    struct session s;
    struct gr_lint *lint;
    struct gr_lint_options options;
    enum gr_severity fail_on;
    size_t files, specs;
    int code;
};

/* ---- options ---- */

/* Switches the findings of a list. EXIT_CLEAN or EXIT_USAGE. */
static int
switch_findings(struct lint_run *r, const char *option, const char *list, bool off)
{
    struct gr_str rest = gr_str(list), word;

    while (rest.p && gr_str_next(&rest, ',', &word)) {
        enum gr_code code = gr_lint_code(gr_str_trim(word));

        if (!off && gr_str_is(gr_str_trim(word), "all")) {
            memset(r->options.off, 0, sizeof r->options.off);
        } else if (code == GR_CODE_COUNT) {
            return usage(r->self, "--%s: there is no finding '" GR_FMT "'", option, GR_ARG(word));
        } else if (off && gr_code_info(code)->severity == GR_SEV_ERROR) {
            return usage(r->self, "--%s: %s is an error and stays on", option, gr_code_info(code)->code);
        } else {
            r->options.off[code] = off;
            r->options.always[code] = !off; /* whoever asks for a note wants to see it */
        }
    }
    return EXIT_CLEAN;
}

static int
take_annotations(struct lint_run *r, const char *list)
{
    struct gr_str rest = gr_str(list), word;

    r->options.annotation_count = 0;
    while (rest.p && gr_str_next(&rest, ',', &word)) {
        word = gr_str_trim(word);
        if (word.n == 0)
            continue;
        if (r->options.annotation_count == GR_LINT_ANNOTATIONS_MAX)
            return usage(r->self, "--annotations: at most %u", GR_LINT_ANNOTATIONS_MAX);
        r->options.annotations[r->options.annotation_count++] = word;
    }
    return EXIT_CLEAN;
}

/* The choices of severities stand in the order of enum gr_severity. */
static int
take_options(struct lint_run *r, const struct options *o)
{
    const struct option_row *rows = r->self->options;
    int min = choose(r->self, o, "min-severity", GR_SEV_WARNING);
    int fail = min < 0 ? -1 : choose(r->self, o, "fail-on", GR_SEV_WARNING);
    const char *scrape = options_get(rows, o, "scrape-interval"),
               *annotations = options_get(rows, o, "annotations");
    int code;

    if (fail < 0)
        return EXIT_USAGE;
    gr_lint_defaults(&r->options);
    r->options.min_severity = (enum gr_severity)min;
    r->fail_on = (enum gr_severity)fail;
    if (r->fail_on < r->options.min_severity && options_get(rows, o, "fail-on"))
        r->options.min_severity = r->fail_on;
    if (scrape && gr_duration_parse(gr_str(scrape), &r->options.scrape_interval_ms) != GR_OK)
        return usage(r->self, "--scrape-interval: '%s' is no duration, such as 15s", scrape);
    if (annotations && (code = take_annotations(r, annotations)) != EXIT_CLEAN)
        return code;
    if ((code = switch_findings(r, "enable", options_get(rows, o, "enable"), false)) != EXIT_CLEAN)
        return code;
    return switch_findings(r, "disable", options_get(rows, o, "disable"), true);
}

/* ---- files ---- */

static void
worse(struct lint_run *r, int code)
{
    r->code = code > r->code ? code : r->code;
}

/* Whether the text is a specification: a line that begins with apiVersion: guardrail/. */
static bool
is_spec(struct gr_str text)
{
    struct gr_str line;

    while (gr_str_next(&text, '\n', &line)) {
        if (!gr_str_starts(line, GR_STR("apiVersion:")))
            continue;
        line = gr_str_trim(gr_str_sub(line, 11, line.n));
        if (line.n > 0 && (line.p[0] == '"' || line.p[0] == '\''))
            line = gr_str_sub(line, 1, line.n);
        return gr_str_starts(line, GR_STR("guardrail/"));
    }
    return false;
}

static void
lint_spec(struct lint_run *r, uint32_t file)
{
    struct model *m = NULL;
    enum gr_err err =
        spec_read(r->s.arena, r->s.sources, file, session_spec_options(&r->s, 1), r->s.diags, &m);

    r->specs++;
    if (err != GR_OK && err != GR_EUSER)
        worse(r, EXIT_MACHINE);
}

static void
lint_one(struct lint_run *r, const char *path)
{
    uint32_t file = 0;
    enum gr_err err;
    int code = session_source(&r->s, path, GR_SOURCE_BYTES_MAX, &file);

    if (code != EXIT_CLEAN) {
        worse(r, code);
        return;
    }
    r->files++;
    if (is_spec(gr_sources_get(r->s.sources, file)->text)) {
        lint_spec(r, file);
        return;
    }
    err = gr_lint_file(r->lint, file);
    if (err != GR_OK && err != GR_EUSER)
        worse(r, EXIT_MACHINE);
}

/* ---- the end ---- */

static size_t
failing(const struct lint_run *r)
{
    size_t n = 0;

    for (int severity = (int)r->fail_on; severity <= (int)GR_SEV_ERROR; severity++)
        n += gr_diags_count(r->s.diags, (enum gr_severity)severity);
    return n;
}

static void
summary(const struct lint_run *r)
{
    size_t rules = gr_lint_rules(r->lint), errors = gr_diags_count(r->s.diags, GR_SEV_ERROR);
    size_t warnings = gr_diags_count(r->s.diags, GR_SEV_WARNING),
           notes = gr_diags_count(r->s.diags, GR_SEV_NOTE);

    if (r->s.style.format != GR_DIAG_TEXT || r->s.quiet || r->code > EXIT_FINDINGS)
        return;
    printf("%s: %zu file%s, %zu rule%s", r->code == EXIT_CLEAN ? "SUCCESS" : "FAILED", r->files,
           r->files == 1 ? "" : "s", rules, rules == 1 ? "" : "s");
    if (r->specs > 0)
        printf(", %zu specification%s", r->specs, r->specs == 1 ? "" : "s");
    if (errors + warnings + notes > 0)
        printf(": %zu error%s, %zu warning%s, %zu note%s", errors, errors == 1 ? "" : "s", warnings,
               warnings == 1 ? "" : "s", notes, notes == 1 ? "" : "s");
    putchar('\n');
}

static void
finish(struct lint_run *r)
{
    if (r->code < EXIT_MACHINE && gr_lint_finish(r->lint) != GR_OK)
        worse(r, EXIT_MACHINE);
    if (r->code < EXIT_USAGE && gr_lint_rules(r->lint) == 0 && r->specs == 0 &&
        gr_diags_count(r->s.diags, GR_SEV_ERROR) == 0) /* or those say why */
        gr_diag(r->s.diags, GR0505, GR_SPAN_NONE, GR_STR("check which files were given"),
                "there is no rule in the %s", r->files == 1 ? "file" : "files");
    if (gr_diags_status(r->s.diags) == GR_ENOMEM)
        worse(r, EXIT_MACHINE);
    if (failing(r) > 0)
        worse(r, EXIT_FINDINGS);
    r->code = session_report(&r->s, r->code);
    summary(r);
}

int
lint_run(const struct command *self, const struct options *o)
{
    struct lint_run r = {.self = self};

    if (o->n_operands == 0)
        return usage(self, "which FILE?");
    if ((r.code = take_options(&r, o)) != EXIT_CLEAN || (r.code = session_init(&r.s, self, o)) != EXIT_CLEAN)
        return r.code;
    r.lint = gr_lint_create(&r.options, r.s.sources, r.s.diags);
    if (r.lint) {
        for (size_t i = 0; i < o->n_operands && r.code < EXIT_MACHINE; i++)
            lint_one(&r, o->operands[i]);
        finish(&r);
    } else {
        r.code = session_report(&r.s, EXIT_MACHINE);
    }
    gr_lint_free(r.lint);
    session_fini(&r.s);
    return r.code;
}
