/* cmd_explain.c - guardrailc explain: what a finding means, or what a guardrail will do; the first operand decides. */
#include "config.h"
#include "command.h"

#include <stdio.h>
#include <unistd.h>

#include "guardrail/rulelint.h"
#include "page_print.h"

const struct option_row explain_options[] = {
    {"list", 0, NULL, "all findings, a line each"},
    {"markdown", 0, NULL, "all pages as one Markdown document"},
    {"slice", 0, "K=V,...", "of a guardrail: only what holds for these slices"},
    {"phase", 0, "PHASE", "of a guardrail: only this phase"},
    ALERTMANAGER_OPTION,
    SPEC_OPTIONS,
    COMMON_OPTIONS,
};

static int
unknown(const struct command *self, const char *text)
{
    struct gr_str names[GR_CODE_COUNT], near;

    for (int i = 0; i < GR_CODE_COUNT; i++)
        names[i] = gr_str(gr_code_info((enum gr_code)i)->name);
    near = gr_str_nearest(gr_str(text), names, GR_CODE_COUNT);
    if (near.n > 0)
        return usage(self, "there is no finding '%s'; did you mean '" GR_FMT "'?", text, GR_ARG(near));
    return usage(self, "there is no finding '%s', and no such file; --list shows all findings", text);
}

/* The findings that are asked for, or all. */
static int
find_codes(const struct command *self, const struct options *o, enum gr_code *codes, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < o->n_operands; i++) {
        enum gr_code code = gr_lint_code(gr_str(o->operands[i]));

        if (code == GR_CODE_COUNT)
            return unknown(self, o->operands[i]);
        if (*n < GR_CODE_COUNT)
            codes[(*n)++] = code;
    }
    for (int code = 0; o->n_operands == 0 && code < GR_CODE_COUNT; code++)
        codes[(*n)++] = (enum gr_code)code;
    return EXIT_CLEAN;
}

static enum gr_err
put_pages(const struct session *s, const enum gr_code *codes, size_t n, bool list, struct gr_buf *out)
{
    if (s->style.format == GR_DIAG_JSON)
        return page_print_json(codes, n, out);
    if (list)
        page_print_list(s->style.color, out);
    for (size_t i = 0; !list && i < n; i++) {
        gr_buf_puts(out, i > 0 ? "\n" : "");
        page_print(codes[i], s->style.color, out);
    }
    return gr_buf_err(out);
}

static int
explain_findings(const struct command *self, const struct options *o)
{
    bool list = options_get(self->options, o, "list") != NULL || o->n_operands == 0;
    struct gr_buf out = GR_BUF_INIT(16u << 20);
    enum gr_code codes[GR_CODE_COUNT];
    enum gr_err err = GR_OK;
    struct session s;
    size_t n;
    int code = session_init(&s, self, o);

    if (code != EXIT_CLEAN)
        return code;
    if ((code = find_codes(self, o, codes, &n)) != EXIT_CLEAN)
        goto done;
    if (s.style.format != GR_DIAG_TEXT && s.style.format != GR_DIAG_JSON) {
        code = usage(self, "pages come as text or json, not as sarif or github");
        goto done;
    }
    if (options_get(self->options, o, "markdown"))
        page_print_markdown(&out);
    else
        err = put_pages(&s, codes, n, list, &out);
    if (err != GR_OK || gr_buf_err(&out) != GR_OK || fwrite(gr_buf_cstr(&out), 1, out.n, stdout) != out.n ||
        fflush(stdout) != 0) {
        complain(self, "%s", gr_err_name(err == GR_OK ? GR_EIO : err));
        code = EXIT_MACHINE;
    }
done:
    gr_buf_fini(&out);
    session_fini(&s);
    return code;
}

/* What looks like a file, whether or not it is there. */
static bool
looks_like_path(const char *text)
{
    struct gr_str s = gr_str(text);

    return strcmp(text, "-") == 0 || strchr(text, '/') || gr_str_ends(s, GR_STR(".yml")) ||
           gr_str_ends(s, GR_STR(".yaml")) || gr_str_ends(s, GR_STR(".json"));
}

int
explain_run(const struct command *self, const struct options *o)
{
    const char *first = o->n_operands > 0 ? o->operands[0] : NULL;
    bool is_finding = first && gr_lint_code(gr_str(first)) != GR_CODE_COUNT;
    bool is_path = first && (looks_like_path(first) || access(first, F_OK) == 0);
    bool pages = options_get(self->options, o, "list") || options_get(self->options, o, "markdown");
    bool narrowed = options_get(self->options, o, "slice") || options_get(self->options, o, "phase");

    if (is_finding && is_path)
        return usage(self,
                     "'%s' is a finding, and a file as well: write ./%s for the file, or the finding's code",
                     first, first);
    if (is_path && pages)
        return usage(self, "--list and --markdown are about findings, not about a SPEC");
    if (!is_path && narrowed)
        return usage(self, "--slice and --phase go with a SPEC and a guardrail");
    return is_path ? explain_spec_run(self, o) : explain_findings(self, o);
}
