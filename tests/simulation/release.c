#include "config.h"
#include "release.h"

#include <math.h>

#include "guardrail/sys.h"

/* -- a specification's tests ----------------------------------------------------------------------------------------------- */

static struct gr_str
label(const struct pairs *p, struct gr_str key)
{
    for (size_t i = 0; i < p->n; i++)
        if (gr_str_eq(p->v[i].key, key))
            return p->v[i].value;
    return GR_STR_NONE;
}

/* 0: the phase has no traffic for the slice. */
static double
share_of(const struct model *m, const struct guardrail *g, const struct slice *s, const struct phase *p)
{
    struct gr_str flow = m->flow_label.n ? label(&s->labels, m->flow_label) : GR_STR_NONE;

    if (flow.n == 0 && m->flow_label.n)
        flow = label(&g->only, m->flow_label);
    for (size_t i = 0; i < p->n_traffic; i++)
        if (flow.n == 0 || p->traffic[i].flow.n == 0 || gr_str_eq(flow, p->traffic[i].flow))
            return gr_dec_double(p->traffic[i].ratio);
    return 0;
}

static uint64_t
copies_of(const struct model *m, const struct guardrail *g)
{
    uint64_t n = 1;

    for (size_t i = 0; i < g->dynamic.n; i++)
        for (size_t k = 0; k < m->n_dynamic; k++)
            if (gr_str_eq(m->dynamic[k].label, g->dynamic.v[i]))
                n *= m->dynamic[k].at_most;
    return n;
}

static void
set_metric(struct sim_test *t, const struct guardrail *g, double limit, const struct assumptions *a)
{
    double q = gr_dec_double(g->metric.quantile);

    t->limit = limit;
    switch (g->metric.kind) {
    case METRIC_RATIO_BAD:
        t->rate = a->bad;
        t->floor = gr_dec_double(g->limit.floor);
        break;
    case METRIC_RATIO_GOOD:
        t->kind = SIM_GOOD;
        t->rate = a->unfilled;
        break;
    case METRIC_HISTOGRAM:
        t->rate = 1 - q;
        t->limit = sim_quantile_share(q, a->spread, limit) / (1 - q);
        break;
    case METRIC_GAUGE:
    case METRIC_PROMQL:
        t->kind = SIM_GAUGE;
        t->noise = a->noise * fabs(t->points ? limit : limit - 1);
        t->rho = a->rho;
        break;
    }
}

static enum gr_err
add(struct release *r, const struct model *m, const struct guardrail *g, const struct slice *s,
    const struct phase *p, const struct bound *b, const struct assumptions *a)
{
    double share = share_of(m, g, s, p);
    struct release_test *t = &r->tests[r->n];

    if (share <= 0 || share >= 1 || b->level != a->level || side_is_backstop(b->side) ||
        !model_applies(m, g, b, s))
        return GR_OK;
    if (r->n == RELEASE_TESTS_MAX)
        return GR_ELIMIT;
    *t = (struct release_test){.guardrail = g, .copies = copies_of(m, g)};
    t->least = (uint32_t)(p->min_ms / m->sampling_ms);
    t->test = (struct sim_test){.canary_total = a->observations,
                                .control_total = a->observations * (1 - share) / share,
                                .lower = side_is_lower(b->side),
                                .points = g->limit.against == AGAINST_CONTROL_POINTS,
                                .min_events = g->evidence.min_events,
                                .min_total = g->evidence.min_total,
                                .threshold = model_evidence_threshold(m, a->level),
                                .window = (uint32_t)model_window_slots(m, g, p),
                                .slots = (uint32_t)(p->max_ms / m->sampling_ms)};
    set_metric(&t->test, g, gr_dec_double(model_literal(m, g, b, s)), a);
    r->n++;
    return GR_OK;
}

enum gr_err
release_of(struct release *out, const struct model *m, const struct assumptions *a)
{
    enum gr_err err = GR_OK;

    out->n = 0;
    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct guardrail *g = &m->guardrails[i];

        if (g->limit.against == AGAINST_FIXED || g->evidence.kind != EVIDENCE_SEQUENTIAL)
            continue;
        for (size_t s = 0; s < g->n_expected; s++)
            for (size_t p = 0; p < m->n_phases; p++)
                for (size_t b = 0; b < g->limit.n_bounds && err == GR_OK; b++)
                    if (g->phases >> p & 1u)
                        err = add(out, m, g, &g->expected[s], &m->phases[p], &g->limit.bounds[b], a);
    }
    return err;
}

/* -- played ----------------------------------------------------------------------------------------------------------------- */

#define LEAST 1u
#define WHOLE 2u

struct marks {
    uint8_t *of[SIM_RULES]; /* owned; [rollouts], LEAST and WHOLE */
};

static void
play(struct marks *marks, struct release_tally *tally, const struct release_test *t,
     const struct sim_phase *phase, struct sim_rng *rng)
{
    for (uint64_t i = 0; i < tally->rollouts; i++) {
        uint32_t first[SIM_RULES];

        sim_phase_play(phase, rng, first);
        for (int k = 0; k < SIM_RULES; k++) {
            if (first[k] == 0)
                continue;
            marks->of[k][i] |= first[k] <= t->least ? LEAST | WHOLE : WHOLE;
            tally->fired[k]++;
        }
    }
}

static void
count(struct release_tally *tally, const struct marks *marks)
{
    for (int k = 0; k < SIM_RULES; k++)
        for (uint64_t i = 0; i < tally->rollouts; i++) {
            tally->least[k] += (marks->of[k][i] & LEAST) != 0;
            tally->whole[k] += (marks->of[k][i] & WHOLE) != 0;
        }
}

enum gr_err
release_play(struct release_tally *out, const struct release *r, enum which which,
             const struct sim_world *world, uint64_t rollouts, struct sim_rng *rng)
{
    struct release_tally tally = {.rollouts = rollouts};
    struct marks marks = {{NULL}};
    enum gr_err err = GR_OK;

    for (int k = 0; k < SIM_RULES; k++) {
        if ((marks.of[k] = gr_sys.realloc(NULL, rollouts)) == NULL)
            err = GR_ENOMEM;
        else
            memset(marks.of[k], 0, rollouts);
    }
    for (size_t i = 0; i < r->n && err == GR_OK; i++) {
        struct sim_phase *phase;

        if (which != WHICH_ALL && (r->tests[i].test.kind == SIM_GAUGE) != (which == WHICH_GAUGES))
            continue;
        if ((err = sim_phase_create(&phase, &r->tests[i].test, world)) != GR_OK)
            break;
        for (uint64_t c = 0; c < r->tests[i].copies; c++)
            play(&marks, &tally, &r->tests[i], phase, rng);
        sim_phase_free(phase);
    }
    if (err == GR_OK) {
        count(&tally, &marks);
        *out = tally;
    }
    for (int k = 0; k < SIM_RULES; k++)
        gr_sys.free(marks.of[k]);
    return err;
}
