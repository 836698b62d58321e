/* cmd_check.c - guardrailc check: all diagnostics of specifications, no output. */
#include "config.h"
#include "command.h"

#include <stdio.h>

const struct option_row check_options[] = {
    {"strict", 0, NULL, "warnings fail too"},
    ALERTMANAGER_OPTION,
    SPEC_OPTIONS,
    COMMON_OPTIONS,
};

static void
success(const struct session *s, const char *path, const struct model *m)
{
    if (!s->quiet && s->style.format == GR_DIAG_TEXT)
        printf("%s: SUCCESS: %zu guardrail%s, %zu phases, %zu release stream%s\n", path, m->n_guardrails,
               m->n_guardrails == 1 ? "" : "s", m->n_phases, m->n_streams, m->n_streams == 1 ? "" : "s");
}

/* Text is printed a specification at a time; the formats of machines are one document, to which its findings are added. */
static int
check_one(const struct command *self, const struct options *o, struct session *all, const char *path)
{
    struct session s;
    struct model *m = NULL;
    int code = session_part(&s, all, self);

    if (code != EXIT_CLEAN)
        return code;
    code = session_spec(&s, path, 1, &m);
    code = session_prove(&s, m, code);
    if (code == EXIT_CLEAN && options_get(self->options, o, "strict") &&
        gr_diags_count(s.diags, GR_SEV_WARNING) > 0)
        code = EXIT_FINDINGS;
    if (s.style.format == GR_DIAG_TEXT)
        code = session_report(&s, code);
    else
        gr_diags_merge(all->diags, s.diags);
    if (code == EXIT_CLEAN)
        success(&s, path, m);
    session_part_fini(&s);
    return code;
}

int
check_run(const struct command *self, const struct options *o)
{
    struct session all;
    int worst;

    if (o->n_operands == 0)
        return usage(self, "which SPEC?");
    if ((worst = session_init(&all, self, o)) != EXIT_CLEAN)
        return worst;
    for (size_t i = 0; i < o->n_operands; i++) {
        int code = check_one(self, o, &all, o->operands[i]);
        worst = code > worst ? code : worst;
    }
    if (all.style.format != GR_DIAG_TEXT)
        worst = session_report(&all, worst);
    session_fini(&all);
    return worst;
}
