/* emit_rules.c - the back end for Prometheus: prometheus/rules.yml. */
#include "config.h"
#include "backend.h"

#include "guardrail/quote.h"
#include "lower.h"
#include "outnames.h"

#define RULES_BYTES_MAX (256u << 20)
#define RULE_BYTES_USUAL ((size_t)720)
#define WORK_BYTES_MAX ((size_t)1 << 30)

/* Moves what b holds to the arena and empties b. */
static struct gr_str
settle(struct lower *lo, struct gr_buf *b)
{
    struct gr_str s = gr_buf_err(b) == GR_OK ? gr_arena_dup(lo->keep, gr_buf_str(b)) : GR_STR_NONE;

    if (!s.p)
        lo->err = GR_ENOMEM;
    gr_buf_reset(b);
    return s;
}

static struct gr_str
quoted(struct lower *lo, struct gr_buf *b, struct gr_str value)
{
    gr_quote_promql(b, value);
    return settle(lo, b);
}

/* What templates call $S, $R, $P, $C, $K, $T, $Y and $Z (lower.h). */
static void
variables(struct lower *lo)
{
    const struct model *m = lo->m;
    struct gr_buf b = GR_BUF_INIT(LOWER_EXPR_BYTES_MAX);

    gr_buf_puts(&b, "spec=");
    gr_quote_promql(&b, m->spec);
    lo->spec = settle(lo, &b);
    for (size_t i = 0; i < m->release_labels.n; i++) {
        gr_buf_puts(&b, i > 0 ? ", " : "");
        gr_buf_put(&b, m->release_labels.v[i]);
    }
    lo->release = settle(lo, &b);
    gr_buf_put(&b, lo->release);
    gr_buf_puts(&b, ", deployment_id, phase");
    lo->pure = settle(lo, &b);
    lo->canary = quoted(lo, &b, m->canary);
    lo->control = quoted(lo, &b, m->control);
    gr_quote_regex(&b, m->canary);
    gr_buf_puts(&b, "|" COHORT_STREAM);
    lo->subject = settle(lo, &b);
    lo->subject = quoted(lo, &b, lo->subject);
    for (size_t i = 0; i < m->n_dynamic; i++) {
        gr_buf_puts(&b, ", ");
        gr_buf_put(&b, m->dynamic[i].label);
    }
    lo->dynamic_more = settle(lo, &b);
    if (m->n_dynamic > 0)
        gr_buf_printf(&b, "ignoring (" GR_FMT ") ",
                      GR_ARG(gr_str_sub(lo->dynamic_more, 2, lo->dynamic_more.n)));
    lo->dynamic = settle(lo, &b);
    gr_buf_fini(&b);
}

static enum gr_err
lower(struct lower *lo)
{
    variables(lo);
    lo->file = gr_rulefile_create(lo->keep);
    lo->group = gr_rulefile_group(lo->file, lo->m->spec, model_ms(lo->m, lo->m->sampling_ms));
    if (!lo->group)
        return GR_ENOMEM;
    lower_phase(lo);
    lower_slots(lo);
    lower_windows(lo);
    lower_limits(lo);
    lower_evidence(lo);
    lower_share(lo);
    lower_verdict(lo);
    lower_alerts(lo);
    lower_watch(lo);
    if (lo->err == GR_OK && (lo->err = gr_arena_status(lo->arena)) == GR_OK)
        lo->err = gr_arena_status(lo->keep);
    return lo->err == GR_OK ? lower_prove(lo->file) : lo->err;
}

enum gr_err
rules_lower(const struct model *m, struct gr_rulefile **out)
{
    struct lower lo = {.m = m, .keep = m->arena, .expr = GR_BUF_INIT(LOWER_EXPR_BYTES_MAX)};
    enum gr_err err;

    if (m->rules) {
        *out = m->rules;
        return GR_OK;
    }
    if (!(lo.arena = gr_arena_create(WORK_BYTES_MAX)))
        return GR_ENOMEM;
    if ((err = lower(&lo)) == GR_OK)
        *out = lo.file;
    gr_arena_free(lo.arena);
    gr_buf_fini(&lo.expr);
    return err;
}

enum gr_err
emit_rules(const struct model *m, struct tree *t)
{
    struct gr_rulefile *file = NULL;
    struct gr_buf header = GR_BUF_INIT(4096), out = GR_BUF_INIT(RULES_BYTES_MAX);
    enum gr_err err = rules_lower(m, &file);

    if (err == GR_OK) {
        file->anchors = m->n_guardrails > MODEL_MANY;
        backend_header(m, &header);
        /* Room for all of it at once, by what a rule takes in a large file: growing would copy what is there. */
        for (size_t i = 0; i < file->count; i++)
            (void)!gr_buf_room(&out, RULE_BYTES_USUAL * file->groups[i]->count);
        gr_rulefile_write(&out, file, gr_str_sub(gr_buf_str(&header), 2, header.n)); /* it adds "# " itself */
        file->anchors = false; /* other targets spell everything out */
        if ((err = gr_buf_err(&header)) == GR_OK && (err = gr_buf_err(&out)) == GR_OK)
            err = tree_add(t, GR_STR("prometheus/rules.yml"), &out);
    }
    gr_buf_fini(&header);
    gr_buf_fini(&out);
    return err;
}
