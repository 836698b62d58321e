/* model.c - questions that several back ends ask the model. */
#include "config.h"
#include "model.h"

#include <math.h>

int64_t
model_ms(const struct model *m, int64_t ms)
{
    int64_t scaled = ms / (m->time_scale ? m->time_scale : 1);

    return ms > 0 && scaled == 0 ? 1 : scaled;
}

bool
model_tighter(enum side side, struct gr_dec a, struct gr_dec b)
{
    int c = gr_dec_cmp(a, b);

    return side_is_lower(side) ? c > 0 : c < 0;
}

static const struct gr_str *
value_of(const struct pairs *p, struct gr_str key)
{
    for (size_t i = 0; i < p->n; i++)
        if (gr_str_eq(p->v[i].key, key))
            return &p->v[i].value;
    return NULL;
}

/* A label that the slice does not state (a dynamic one, or the slice is outside `expect`) may have any value,
 * so it matches: the tightest limit wins. */
static bool
override_applies(const struct model *m, const struct override *o, const struct slice *slice)
{
    if (!slice)
        return true;
    for (size_t i = 0; i < o->where.n; i++) {
        const struct gr_str *have = value_of(&slice->labels, o->where.v[i].key);

        if (!have)
            have = value_of(&m->streams[slice->stream].release, o->where.v[i].key);
        if (have && !gr_str_eq(*have, o->where.v[i].value))
            return false;
    }
    return true;
}

/* What an override says of a bound's level and side, or NULL. */
static const struct bound *
bound_of(const struct override *o, const struct bound *b)
{
    for (size_t i = 0; i < o->n_bounds; i++)
        if (o->bounds[i].level == b->level && o->bounds[i].side == b->side)
            return &o->bounds[i];
    return NULL;
}

const struct bound *
model_bound(const struct model *m, const struct guardrail *g, const struct bound *b,
            const struct slice *slice)
{
    const struct bound *best = b;

    for (size_t i = 0; i < g->limit.n_overrides; i++) {
        const struct override *o = &g->limit.overrides[i];
        const struct bound *own = bound_of(o, b);

        if (own && model_tighter(b->side, own->literal, best->literal) && override_applies(m, o, slice))
            best = own;
    }
    return best;
}

struct gr_dec
model_literal(const struct model *m, const struct guardrail *g, const struct bound *b,
              const struct slice *slice)
{
    return model_bound(m, g, b, slice)->literal;
}

uint64_t
model_window_slots(const struct model *m, const struct guardrail *g, const struct phase *p)
{
    int64_t window = g->window_ms > 0 ? g->window_ms : p->min_ms;

    /* A final phase has no minimum: its guardrails, if any, look back as far as the longest other phase. */
    for (size_t i = 0; window == 0 && i < m->n_phases; i++)
        if (m->phases[i].min_ms > window)
            window = m->phases[i].min_ms;
    return window < m->sampling_ms ? 1 : (uint64_t)(window / m->sampling_ms);
}

bool
model_applies(const struct model *m, const struct guardrail *g, const struct bound *b,
              const struct slice *slice)
{
    for (size_t i = 0; b->only_overrides && slice && i < g->limit.n_overrides; i++) {
        const struct override *o = &g->limit.overrides[i];

        if (bound_of(o, b) && override_applies(m, o, slice))
            return true;
    }
    return !b->only_overrides || !slice;
}

int64_t
model_window_ms(const struct model *m, const struct guardrail *g, const struct phase *p)
{
    int64_t ms = g->window_ms ? g->window_ms : p->min_ms;

    return ms / m->sampling_ms * m->sampling_ms;
}

const struct action *
model_action(const struct model *m, struct gr_str name)
{
    for (size_t i = 0; i < m->n_actions; i++)
        if (gr_str_eq(m->actions[i].name, name))
            return &m->actions[i];
    return NULL;
}

bool
model_action_builtin(struct gr_str name)
{
    return gr_str_is(name, "hold") || gr_str_is(name, "extend") || gr_str_is(name, "halt") ||
           gr_str_is(name, "abort");
}

bool
model_has_traffic(const struct phase *p, struct gr_str flow)
{
    for (size_t i = 0; i < p->n_traffic; i++)
        if (p->traffic[i].ratio.mant > 0 &&
            (flow.n == 0 || p->traffic[i].flow.n == 0 || gr_str_eq(p->traffic[i].flow, flow)))
            return true;
    return false;
}

/* How far back an expression looks at most. `@` has no part in it: it does not move with the phase. */
static int64_t
reach_ms(const struct gr_promql *e)
{
    int64_t own = 0, below = 0;

    for (size_t i = 0; i < e->count; i++) {
        int64_t child = reach_ms(e->child[i]);

        below = child > below ? child : below;
    }
    if (e->kind == GR_PROMQL_SELECTOR)
        own = e->u.selector.range_ms + e->u.selector.shift.offset_ms;
    else if (e->kind == GR_PROMQL_SUBQUERY)
        own = e->u.subquery.range_ms + e->u.subquery.shift.offset_ms;
    return own > 0 ? own + below : below;
}

int64_t
model_gate_more_ms(const struct model *m, const struct guardrail *g)
{
    int64_t reach;

    if (g->metric.kind != METRIC_PROMQL || g->limit.against == AGAINST_FIXED || !g->metric.part)
        return 0;
    reach = model_ms(m, reach_ms(g->metric.part)) - model_ms(m, m->sampling_ms);
    return reach > 0 ? reach : 0;
}

/* Ratios alone: a histogram's observations may well be made by each process for itself, whatever it serves. */
static bool
counts_traffic(const struct model *m, const struct guardrail *g)
{
    return m->control_traffic != CONTROL_SAMPLE && !g->evidence.share_ignored && !g->stream_scope &&
           g->limit.against != AGAINST_FIXED && g->dynamic.n == 0 &&
           (g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD);
}

bool
model_planned_share(const struct model *m, const struct guardrail *g, const struct phase *p,
                    struct gr_str flow, struct gr_dec *out)
{
    const struct gr_str *only = m->flow_label.n ? value_of(&g->only, m->flow_label) : NULL;
    const struct gr_dec *share = NULL;

    if (!counts_traffic(m, g))
        return false;
    if (only)
        flow = *only;
    for (size_t i = 0; i < p->n_traffic; i++) {
        const struct share *t = &p->traffic[i];

        if (flow.n > 0 && t->flow.n > 0 && !gr_str_eq(t->flow, flow))
            continue;
        if (t->ratio.mant == 0 || (share && gr_dec_cmp(*share, t->ratio) != 0))
            return false;
        share = &t->ratio;
    }
    if (!share)
        return false;
    *out = m->control_traffic == CONTROL_EQUAL ? GR_DEC(5, -1) : *share;
    return true;
}

bool
model_checks_share(const struct model *m, const struct guardrail *g)
{
    struct gr_dec share;

    for (size_t p = 0; p < m->n_phases; p++)
        for (size_t i = 0; (g->phases >> p & 1u) && i < m->phases[p].n_traffic; i++)
            if (model_planned_share(m, g, &m->phases[p], m->phases[p].traffic[i].flow, &share))
                return true;
    return false;
}

/* The flow that a slice belongs to, by its own label or by `only`; empty: any. */
static struct gr_str
slice_flow(const struct model *m, const struct guardrail *g, const struct slice *slice)
{
    const struct gr_str *flow = m->flow_label.n ? value_of(&slice->labels, m->flow_label) : NULL;

    if (!flow && m->flow_label.n)
        flow = value_of(&g->only, m->flow_label);
    return flow ? *flow : GR_STR_NONE;
}

static uint64_t
dynamic_factor(const struct model *m, const struct guardrail *g)
{
    uint64_t factor = 1;

    for (size_t i = 0; i < g->dynamic.n; i++)
        for (size_t j = 0; j < m->n_dynamic; j++)
            if (gr_str_eq(m->dynamic[j].label, g->dynamic.v[i]) && factor <= UINT32_MAX)
                factor *= m->dynamic[j].at_most;
    return factor;
}

/* Sides are tested one by one: a two-sided limit is two tests. */
static uint64_t
sides_at(const struct model *m, const struct guardrail *g, enum level level, const struct slice *slice)
{
    uint64_t sides = 0;

    for (size_t i = 0; i < g->limit.n_bounds; i++) {
        const struct bound *b = &g->limit.bounds[i];

        sides += b->level == level && !side_is_backstop(b->side) && model_applies(m, g, b, slice);
    }
    return sides;
}

static uint64_t
guardrail_tests(const struct model *m, const struct guardrail *g, enum level level)
{
    uint64_t pairs = 0;

    if (g->limit.against == AGAINST_FIXED || g->evidence.kind != EVIDENCE_SEQUENTIAL)
        return 0;
    for (size_t i = 0; i < g->n_expected; i++) {
        uint64_t phases = 0;

        for (size_t p = 0; p < m->n_phases; p++)
            phases +=
                (g->phases >> p & 1u) && model_has_traffic(&m->phases[p], slice_flow(m, g, &g->expected[i]));
        pairs += phases * sides_at(m, g, level, &g->expected[i]);
    }
    return pairs * dynamic_factor(m, g);
}

uint64_t
model_tests(const struct model *m, enum level level)
{
    uint64_t tests = 0;

    for (size_t i = 0; i < m->n_guardrails; i++)
        tests += guardrail_tests(m, &m->guardrails[i], level);
    return tests;
}

double
model_evidence_threshold(const struct model *m, enum level level)
{
    struct gr_dec budget = level == LEVEL_SOFT ? m->false_alarm_budget : m->false_rollback_budget;
    uint64_t tests = model_tests(m, level);

    if (budget.mant == 0)
        return 0;
    /* alpha = budget / tests, so 1 / (2 alpha) = tests / (2 budget). Without a test any threshold will do. */
    return log((double)(tests ? tests : 1) / (2 * gr_dec_double(budget)));
}

static const char *const level_names[] = {
    [LEVEL_HARD] = "hard", [LEVEL_SOFT] = "soft", [LEVEL_NO_DATA] = "no_data"};
static const char *const side_names[] = {[SIDE_UPPER] = "upper",
                                         [SIDE_LOWER] = "lower",
                                         [SIDE_BACKSTOP] = "backstop",
                                         [SIDE_BACKSTOP_LOWER] = "backstop_lower"};

const char *
level_name(enum level level)
{
    return level_names[level];
}

const char *
side_name(enum side side)
{
    return side_names[side];
}

bool
side_is_lower(enum side side)
{
    return side == SIDE_LOWER || side == SIDE_BACKSTOP_LOWER;
}

bool
side_is_backstop(enum side side)
{
    return side == SIDE_BACKSTOP || side == SIDE_BACKSTOP_LOWER;
}
