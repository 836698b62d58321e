/* cmd_power.c - guardrailc power: what can the guardrails see, and how often are they wrong? */
#include "config.h"
#include "command.h"

#include <math.h>
#include <stdio.h>

#include "guardrail/file.h"
#include "power.h"

#define OUT_BYTES_MAX (64u << 20)

const struct option_row power_options[] = {
    {"rates", 0, "FILE", "what the system is expected to see; what it leaves out is assumed"},
    {"write-rates", 0, NULL, "print a rates file to begin with, with the queries that fill it"},
    {"all", 0, NULL, "every slice, not only the worst of each guardrail and phase"},
    {"max-false-rollback", 0, "SHARE", "fail above this, as 1%, instead of above the spec's budget"},
    {"svg", 0, "FILE", "write a picture, too"},
    {"rollouts", 0, "N", "healthy rollouts to simulate (default: two seconds' worth, at most 20000)"},
    {"seed", 0, "N", "of the random numbers (default 1)"},
    SPEC_OPTIONS,
    COMMON_OPTIONS,
};

struct ask {
    const char *rates, *svg;
    bool template;
    double cap; /* NAN: the budget */
    struct power_options options;
};

static int
read_number(const struct command *self, const struct options *o, const char *name, uint64_t max,
            uint64_t *out)
{
    const char *text = options_get(self->options, o, name);
    uint64_t v = 0;

    if (!text)
        return EXIT_CLEAN;
    if (gr_parse_u64(gr_str(text), max, &v) != GR_OK || v == 0)
        return usage(self, "--%s is a whole number from 1 to %llu, not '%s'", name, (unsigned long long)max,
                     text);
    *out = v;
    return EXIT_CLEAN;
}

static int
read_cap(const struct command *self, const struct options *o, double *out)
{
    const char *text = options_get(self->options, o, "max-false-rollback");
    struct gr_quantity q;
    struct gr_str bad;

    *out = (double)NAN;
    if (!text)
        return EXIT_CLEAN;
    if (gr_quantity_parse(gr_str(text), &q, &bad) == GR_OK && q.sign == GR_SIGN_NONE &&
        (!q.unit || q.unit->dim == GR_DIM_RATIO))
        *out = gr_dec_double(q.value) * (q.unit ? gr_dec_double(q.unit->scale) : 1);
    if (*out > 0 && *out < 1)
        return EXIT_CLEAN;
    return usage(self, "--max-false-rollback is a share such as 1%%, between 0 and 100%%, not '%s'", text);
}

static int
read_ask(const struct command *self, const struct options *o, struct ask *a)
{
    uint64_t rollouts = 0, seed = 1;
    int code;

    if (o->n_operands != 1)
        return usage(self, "one SPEC is wanted, %zu given", o->n_operands);
    a->rates = options_get(self->options, o, "rates");
    a->svg = options_get(self->options, o, "svg");
    a->template = options_get(self->options, o, "write-rates") != NULL;
    a->options.all = options_get(self->options, o, "all") != NULL;
    if (a->template && (a->rates || a->svg))
        return usage(self, "--write-rates only prints a file to begin with: leave out %s",
                     a->rates ? "--rates" : "--svg");
    if (a->rates && strcmp(a->rates, "-") == 0 && strcmp(o->operands[0], "-") == 0)
        return usage(self, "the SPEC and the rates cannot both be standard input");
    if (a->svg && strcmp(a->svg, "-") == 0)
        return usage(self, "--svg wants a file: the report goes to standard output");
    if ((code = read_number(self, o, "rollouts", POWER_ROLLOUTS_MAX, &rollouts)) != EXIT_CLEAN ||
        (code = read_number(self, o, "seed", UINT32_MAX, &seed)) != EXIT_CLEAN ||
        (code = read_cap(self, o, &a->cap)) != EXIT_CLEAN)
        return code;
    a->options.rollouts = (uint32_t)rollouts;
    a->options.seed = seed;
    return EXIT_CLEAN;
}

static int
machine(const struct command *self, enum gr_err err)
{
    complain(self, "%s", gr_err_name(err));
    return EXIT_MACHINE;
}

static int
print(const struct command *self, struct gr_buf *out, enum gr_err err)
{
    if (err == GR_OK)
        err = gr_buf_err(out);
    if (err == GR_OK && (fwrite(gr_buf_cstr(out), 1, out->n, stdout) != out->n || fflush(stdout) != 0))
        err = GR_EIO;
    return err == GR_OK ? EXIT_CLEAN : machine(self, err);
}

/* EXIT_CLEAN and *out, or the exit code; findings wait. */
static int
load_rates(const struct command *self, struct session *s, const struct ask *a, struct model *m,
           struct rates **out)
{
    uint32_t file = 0;
    enum gr_err err;
    int code;

    if (!a->rates) {
        err = rates_none(s->arena, m, out);
        if (err == GR_ELIMIT)
            complain(self, "expect has more than %u combinations of slices and flows", RATES_CELLS_MAX);
        return err == GR_OK ? EXIT_CLEAN : EXIT_MACHINE;
    }
    if ((code = session_source(s, a->rates, RATES_BYTES_MAX, &file)) != EXIT_CLEAN)
        return code;
    err = rates_read(s->arena, s->sources, file, m, s->diags, out);
    return err == GR_OK ? EXIT_CLEAN : err == GR_EUSER ? EXIT_FINDINGS : EXIT_MACHINE;
}

static int
write_picture(const struct command *self, const struct power *p, const struct ask *a)
{
    struct gr_buf b = GR_BUF_INIT(OUT_BYTES_MAX);
    enum gr_err err;

    power_svg(p, a->cap, &b);
    err = gr_buf_err(&b);
    if (err == GR_OK)
        err = gr_file_write(a->svg, gr_buf_str(&b), 0644);
    gr_buf_fini(&b);
    if (err == GR_OK)
        return EXIT_CLEAN;
    complain(self, "cannot write %s: %s", a->svg, gr_err_name(err));
    return EXIT_MACHINE;
}

static int
report(const struct command *self, const struct session *s, const struct ask *a, const struct model *m,
       const struct rates *r)
{
    struct gr_buf out = GR_BUF_INIT(OUT_BYTES_MAX);
    struct power p;
    enum gr_err err = GR_OK;
    double cap;
    int code;

    if (a->template) {
        code = print(self, &out, power_template(m, r, &out));
        gr_buf_fini(&out);
        return code;
    }
    if ((err = power_run(&p, m, r, a->options)) != GR_OK)
        return machine(self, err);
    if (s->style.format == GR_DIAG_JSON)
        err = power_json(&p, a->cap, &out);
    else
        power_text(&p, a->cap, &out);
    code = print(self, &out, err);
    gr_buf_fini(&out);
    if (code == EXIT_CLEAN && a->svg)
        code = write_picture(self, &p, a);
    cap = power_cap(&p, a->cap);
    if (code == EXIT_CLEAN && !isnan(cap) && p.tests > 0 && sim_upper(p.false_max, p.rollouts) > cap)
        code = EXIT_FINDINGS;
    return code;
}

int
power_run_command(const struct command *self, const struct options *o)
{
    struct ask a = {.cap = (double)NAN};
    struct rates *r = NULL;
    struct model *m = NULL;
    struct session s;
    int code = read_ask(self, o, &a);

    if (code != EXIT_CLEAN || (code = session_init(&s, self, o)) != EXIT_CLEAN)
        return code;
    if (s.style.format != GR_DIAG_TEXT && s.style.format != GR_DIAG_JSON)
        code = usage(self, "the report comes as text or json, not as sarif or github");
    else if ((code = session_spec(&s, o->operands[0], 1, &m)) != EXIT_CLEAN ||
             (code = load_rates(self, &s, &a, m, &r)) != EXIT_CLEAN)
        code = session_report(&s, code);
    else if (s.style.format != GR_DIAG_TEXT || gr_diags_count(s.diags, GR_SEV_WARNING) == 0 || a.template ||
             (code = session_report(&s, code)) == EXIT_CLEAN)
        code = report(self, &s, &a, m, r);
    session_fini(&s);
    return code;
}
