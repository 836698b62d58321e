/* cmd_explain.c - guardrailc explain: what a finding means. */
#include "config.h"
#include "command.h"

#include <stdio.h>

#include "guardrail/rulelint.h"

const struct option_row explain_options[] = {
    COMMON_OPTIONS,
};

static void
put_example(const char *title, const char *text)
{
    struct gr_str rest = gr_str(text), line;

    printf("\n%s:\n\n", title);
    while (gr_str_next(&rest, '\n', &line))
        if (line.n > 0)
            printf("    " GR_FMT "\n", GR_ARG(line));
}

static void
explain(enum gr_code code)
{
    static const char *const severities[] = {
        [GR_SEV_NOTE] = "note", [GR_SEV_WARNING] = "warning", [GR_SEV_ERROR] = "error"};
    const struct gr_code_info *info = gr_code_info(code);
    const struct gr_lint_page *page = gr_lint_page(code);

    printf("%s %s (%s)\n\n%s.\n", info->code, info->name, severities[info->severity], info->help);
    if (!page)
        return;
    printf("\n%s", page->why);
    put_example("Bad", page->bad);
    put_example("Good", page->good);
    if (info->severity != GR_SEV_ERROR)
        printf("\n%sTo suppress one: # guardrail ignore %s: the reason\n",
               page->on ? "" : "Off unless given to --enable. ", info->code);
}

static int
unknown(const struct command *self, const char *text)
{
    struct gr_str names[GR_CODE_COUNT], near;

    for (int i = 0; i < GR_CODE_COUNT; i++)
        names[i] = gr_str(gr_code_info((enum gr_code)i)->name);
    near = gr_str_nearest(gr_str(text), names, GR_CODE_COUNT);
    if (near.n > 0)
        return usage(self, "there is no finding '%s'; did you mean '" GR_FMT "'?", text, GR_ARG(near));
    return usage(self, "there is no finding '%s'", text);
}

int
explain_run(const struct command *self, const struct options *o)
{
    if (o->n_operands == 0)
        return usage(self, "which finding?");
    for (size_t i = 0; i < o->n_operands; i++) {
        enum gr_code code = gr_lint_code(gr_str(o->operands[i]));

        if (code == GR_CODE_COUNT)
            return unknown(self, o->operands[i]);
        if (i > 0)
            putchar('\n');
        explain(code);
    }
    return fflush(stdout) == 0 ? EXIT_CLEAN : EXIT_MACHINE;
}
