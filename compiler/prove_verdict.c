/* prove_verdict.c - limits, breaches and the verdict of one slice after one evaluation: docs/rule-reference.md, "Verdict". */
#include "config.h"
#include "prove.h"

#include <math.h>

static bool
present(double v)
{
    return isnan(v) || isinf(v) || v > PROVE_NONE; /* -Inf is a sample */
}

static bool
is_counted(const struct guardrail *g)
{
    return g->metric.kind != METRIC_GAUGE && g->metric.kind != METRIC_PROMQL;
}

/* Of a slice that `expect` does not list: the tightest of all, but for overrides that name another value of a dynamic label. */
double
prove_literal_outside(const struct guardrail *g, const struct bound *b, struct pairs labels)
{
    struct gr_dec best = b->literal;

    for (size_t i = 0; i < g->limit.n_overrides; i++) {
        const struct override *o = &g->limit.overrides[i];
        bool applies = true;

        for (size_t k = 0; k < o->where.n; k++)
            for (size_t d = 0; d < g->dynamic.n; d++)
                for (size_t l = 0; l < labels.n && gr_str_eq(g->dynamic.v[d], o->where.v[k].key); l++)
                    if (gr_str_eq(labels.v[l].key, o->where.v[k].key) &&
                        !gr_str_eq(labels.v[l].value, o->where.v[k].value))
                        applies = false;
        for (size_t k = 0; applies && k < o->n_bounds; k++)
            if (o->bounds[k].level == b->level && o->bounds[k].side == b->side &&
                model_tighter(b->side, o->bounds[k].literal, best))
                best = o->bounds[k].literal;
    }
    return gr_dec_double(best);
}

/* The literal that holds for a slice: of one that `expect` lists its own, elsewhere the tightest that its dynamic labels leave open.
 * Infinite where only overrides state the limit and none applies. */
static double
literal_of(const struct prove_world *w, const struct prove_cell *c, const struct bound *b)
{
    struct slice s = {c->expected ? c->expected->stream : 0, c->labels};

    if (!c->expected)
        return prove_literal_outside(w->g, b, c->labels);
    if (!model_applies(w->m, w->g, b, &s))
        return side_is_lower(b->side) ? -(double)INFINITY : (double)INFINITY;
    return gr_dec_double(model_literal(w->m, w->g, b, &s));
}

static bool
beyond(const struct bound *b, double v, double literal)
{
    if (!present(v))
        return false;
    if (side_is_lower(b->side))
        return b->inclusive ? v <= literal : v < literal;
    return b->inclusive ? v >= literal : v > literal;
}

/* What a backstop looks at: the canary's own value, the early one's until there is a gated slot. */
static double
backstop_value(const double *by_cohort)
{
    return present(by_cohort[PROVE_CANARY]) ? by_cohort[PROVE_CANARY] : by_cohort[PROVE_EARLY];
}

static uint32_t
needed(const struct guardrail *g, const struct bound *b, uint32_t *of)
{
    *of = b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n;
    return b->level == LEVEL_HARD ? g->evidence.hard_k : g->evidence.soft_k;
}

/* k of the last n slots beyond the limit. The series shows how many. */
static double
confirmed(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t i, size_t k)
{
    const struct bound *b = &w->g->limit.bounds[i];
    uint32_t n, least = needed(w->g, b, &n);
    double count = 0;

    for (size_t h = 0; h < 2; h++) {
        double v = prove_slot_value(w, c, (enum prove_cohort)h, k);
        if (beyond(b, v, literal_of(w, c, b)))
            c->over[h][i][k] = v;
    }
    for (size_t j = 0; j <= k; j++)
        if (s->active[j] == s->active[k] && present(c->over[0][i][j]) &&
            (double)(w->step_ms * (int64_t)(k - j)) < ((double)n - 0.5) * (double)w->m->sampling_ms)
            count += 1;
    return count >= least && count > 0 && present(c->state[k].enough) ? count : PROVE_NONE;
}

/* Fewer events than prove anything; of a histogram's backstop, fewer observations than would hold so many bad ones. */
static bool
few_events(const struct prove_world *w, const struct prove_state *st, const struct bound *b)
{
    const struct guardrail *g = w->g;
    double have = st->bad[PROVE_CANARY], q = gr_dec_double(g->metric.quantile),
           least = g->evidence.min_events;

    if (side_is_backstop(b->side) && g->metric.kind == METRIC_HISTOGRAM &&
        st->spoilt[present(st->total[PROVE_CANARY]) ? PROVE_CANARY : PROVE_EARLY])
        return true;
    if (!is_counted(g) || g->evidence.min_events == 0)
        return false;
    if (side_is_backstop(b->side)) { /* where NaN is too few, and so is what has no end */
        have = backstop_value(g->metric.kind == METRIC_HISTOGRAM ? st->total : st->bad);
        if (g->metric.kind == METRIC_HISTOGRAM) {
            double part = 1;
            for (size_t i = 0; i < g->limit.n_bounds; i++) {
                if (g->limit.bounds[i].side == SIDE_BACKSTOP)
                    part = fmin(part, 1 - q);
                else if (g->limit.bounds[i].side == SIDE_BACKSTOP_LOWER)
                    part = fmin(part, q);
            }
            least = ceil(least / part * (1 - 1e-9));
        }
        return present(have) && (!(have >= least) || isinf(have));
    }
    return present(have) && have < least;
}

double
prove_threshold(const struct model *m, enum level level)
{
    double t = model_evidence_threshold(m, level);

    t = t > 0 ? t : model_evidence_threshold(m, level == LEVEL_HARD ? LEVEL_SOFT : LEVEL_HARD);
    return rint(t * 1e4) / 1e4;
}

/* Whether it is no accident that the effect lies on the bound's bad side. */
static bool
tested(const struct prove_world *w, const struct prove_state *st, const struct bound *b)
{
    if (w->g->evidence.kind != EVIDENCE_SEQUENTIAL)
        return true;
    return present(st->evidence) && st->evidence > prove_threshold(w->m, b->level) &&
           (b->side == SIDE_LOWER ? st->difference < 0 : st->difference > 0);
}

double
prove_proved(const struct prove_world *w, const struct prove_cell *c, const struct bound *b, size_t k)
{
    const struct guardrail *g = w->g;
    const struct prove_state *st = &c->state[k];
    bool outside = false;

    for (size_t i = 0; i < g->limit.n_bounds; i++)
        outside = outside || present(st->breach[i]) || !present(st->limit[i]);
    if (!outside || !present(st->effect) || !present(st->enough))
        return PROVE_NONE;
    if (g->limit.against == AGAINST_FIXED)
        return g->evidence.hard_n == 1 || g->evidence.soft_n == 1 ? st->effect : PROVE_NONE;
    return tested(w, st, b) && !few_events(w, st, b) ? st->effect : PROVE_NONE;
}

static double
supported(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t i, size_t k)
{
    const struct guardrail *g = w->g;
    const struct bound *b = &g->limit.bounds[i];
    const struct prove_state *st = &c->state[k];
    uint32_t n;

    if (side_is_backstop(b->side))
        return present(st->breach[i]) && !few_events(w, st, b) ? st->breach[i] : PROVE_NONE;
    if (g->limit.against == AGAINST_FIXED) {
        (void)needed(g, b, &n);
        if (n > 1)
            return confirmed(w, s, c, i, k);
        return present(st->breach[i]) && present(st->enough) ? st->breach[i] : PROVE_NONE;
    }
    return present(st->breach[i]) && present(st->enough) && !few_events(w, st, b) && tested(w, st, b)
               ? st->breach[i]
               : PROVE_NONE;
}

static int
verdict_of(const struct prove_world *w, const struct prove_stream *s, const struct prove_state *st, size_t k)
{
    bool soft = false, breach = false, limits = true;

    for (size_t i = 0; i < w->g->limit.n_bounds; i++) {
        if (present(st->supported[i]) && w->g->limit.bounds[i].level == LEVEL_HARD)
            return 3;
        soft = soft || present(st->supported[i]);
        breach = breach || present(st->breach[i]);
        limits = limits && present(st->limit[i]);
    }
    if (soft)
        return 2;
    if (present(st->effect) && present(st->enough) && st->coverage >= 0.9 && limits && !breach &&
        !prove_overdue(w, s, k))
        return 0;
    return present(st->coverage) ? 1 : -1;
}

static const char *
reason_of(const struct prove_world *w, const struct prove_stream *s, const struct prove_cell *c, size_t k)
{
    const struct prove_state *st = &c->state[k];
    bool breach = false, canary = prove_has_slot(w, c, PROVE_CANARY, k),
         control = prove_has_slot(w, c, PROVE_CONTROL, k);

    if (prove_expects(w, s, c->expected, k) && !canary && w->g->dynamic.n == 0)
        return "missing";
    if (w->g->limit.against != AGAINST_FIXED &&
        ((canary && !control) || (present(st->window[PROVE_CANARY]) && !present(st->effect))))
        return "no_control";
    if (st->verdict != 1)
        return NULL;
    if (prove_overdue(w, s, k))
        return "overdue";
    for (size_t i = 0; i < w->g->limit.n_bounds; i++)
        breach = breach || present(st->breach[i]);
    return breach ? "suspect" : "thin";
}

/* An expected slice of which no value of its dynamic labels is known. */
static void
judge_row(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    bool covered = false, slot = false;

    for (size_t i = 0; i < s->n_cells && !s->cells[i].row; i++) {
        if (s->cells[i].expected != c->expected)
            continue;
        covered = covered || present(s->cells[i].state[k].coverage);
        slot = slot || prove_has_slot(w, &s->cells[i], PROVE_CANARY, k);
    }
    if (!prove_expects(w, s, c->expected, k))
        return;
    c->state[k].verdict = covered ? -1 : 1;
    c->state[k].reason = slot ? NULL : "missing";
}

void
prove_judge(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    struct prove_state *st = &c->state[k];

    if (c->row) {
        judge_row(w, s, c, k);
        return;
    }

    for (size_t i = 0; i < w->g->limit.n_bounds; i++) {
        const struct bound *b = &w->g->limit.bounds[i];
        double v = side_is_backstop(b->side) ? backstop_value(st->window) : st->effect;

        if (present(v))
            st->limit[i] = literal_of(w, c, b);
        if (present(v) && beyond(b, v, st->limit[i]))
            st->breach[i] = st->limit[i];
        st->supported[i] = supported(w, s, c, i, k);
    }
    st->verdict = verdict_of(w, s, st, k);
    if (st->verdict < 0 && prove_expects(w, s, c->expected, k) && w->g->dynamic.n == 0)
        st->verdict = 1;
    st->reason = reason_of(w, s, c, k);
}
