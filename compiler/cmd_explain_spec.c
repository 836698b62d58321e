/* cmd_explain_spec.c - guardrailc explain SPEC [GUARDRAIL]: what will it do? */
#include "config.h"
#include "command.h"

#include <stdio.h>
#include "explain.h"
#include "guardrail/quote.h"

#define OUT_BYTES_MAX (64u << 20)

/* What is asked for. `--slice a=b c=d` gives the second part as an operand. */
struct ask {
    const char *guardrail, *phase;
    struct gr_buf slice;
};

static int
read_ask(const struct command *self, const struct options *o, struct ask *a)
{
    const char *slice = options_get(self->options, o, "slice");

    a->phase = options_get(self->options, o, "phase");
    for (size_t i = 0; self->options[i].name; i++)
        if (strcmp(self->options[i].name, "slice") == 0 && o->times[i] > 1)
            return usage(self, "give one --slice with all labels: --slice cluster=equities,venue=XNAS");
    gr_buf_puts(&a->slice, slice ? slice : "");
    for (size_t i = 1; i < o->n_operands; i++) {
        if (slice && strchr(o->operands[i], '=')) {
            gr_buf_printf(&a->slice, ",%s", o->operands[i]);
            continue;
        }
        if (a->guardrail)
            return usage(self, "one guardrail at a time: '%s' or '%s'?", a->guardrail, o->operands[i]);
        a->guardrail = o->operands[i];
    }
    if (!a->guardrail && (slice || a->phase))
        return usage(self, "of which guardrail? Name it behind the SPEC");
    return gr_buf_err(&a->slice) == GR_OK ? EXIT_CLEAN : EXIT_MACHINE;
}

static int
explain(const struct command *self, const struct session *s, struct model *m, const struct ask *a)
{
    struct gr_buf out = GR_BUF_INIT(OUT_BYTES_MAX), text = GR_BUF_INIT(OUT_BYTES_MAX);
    struct gr_buf complaint = GR_BUF_INIT(65536);
    struct explain x;
    enum gr_err err = explain_init(&x, m, s->sources);
    int code = EXIT_MACHINE;

    if (err == GR_OK && a->guardrail)
        err = explain_choose(&x, a->guardrail, a->phase, a->slice.n > 0 ? gr_buf_cstr(&a->slice) : NULL,
                             &complaint);
    if (err == GR_EUSER) {
        gr_quote_lines(&text, gr_buf_str(&complaint));
        code = usage(self, "%s", gr_buf_cstr(&text));
        goto done;
    }
    if (err == GR_OK && s->style.format == GR_DIAG_JSON)
        err = explain_json(&x, &out);
    else if (err == GR_OK)
        (a->guardrail ? explain_guardrail_text : explain_spec_text)(&x, &text);
    if (err == GR_OK)
        err = gr_buf_err(&text);
    if (err == GR_OK)
        gr_quote_lines(&out, gr_buf_str(&text)); /* names and reasons are anybody's */
    if (err == GR_OK)
        err = gr_buf_err(&out);
    if (err == GR_OK && (fwrite(gr_buf_cstr(&out), 1, out.n, stdout) != out.n || fflush(stdout) != 0))
        err = GR_EIO;
    if (err == GR_OK)
        code = EXIT_CLEAN;
    else
        complain(self, "%s", gr_err_name(err));
done:
    gr_buf_fini(&complaint);
    gr_buf_fini(&text);
    gr_buf_fini(&out);
    return code;
}

int
explain_spec_run(const struct command *self, const struct options *o)
{
    struct ask a = {.slice = GR_BUF_INIT(65536)};
    struct model *m = NULL;
    struct session s;
    int code = session_init(&s, self, o);

    if (code != EXIT_CLEAN)
        return code;
    if (s.style.format != GR_DIAG_TEXT && s.style.format != GR_DIAG_JSON)
        code = usage(self, "guardrails are explained as text or json, not as sarif or github");
    if (code == EXIT_CLEAN)
        code = read_ask(self, o, &a);
    if (code == EXIT_CLEAN && (code = session_spec(&s, o->operands[0], 1, &m)) != EXIT_CLEAN)
        code = session_report(&s, code);
    else if (code == EXIT_CLEAN)
        code = explain(self, &s, m, &a);
    gr_buf_fini(&a.slice);
    session_fini(&s);
    return code;
}
