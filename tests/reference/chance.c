/* chance.c - evidence: is the difference between canary and control more than chance? The formulas are those that compiler/evidence_math.h
 * defines (and gives the sources of); the arithmetic is our own, straight from the slots. */
#include "config.h"
#include "parts.h"

#include "compiler/evidence_math.h" /* the constants */

#include <math.h>

struct spread {               /* of one recorded number per slot */
    double n, mean, variance; /* the population's */
};

/* Of the slots from evaluation `from` to k. Two passes: what Prometheus does in one is not repeated here. */
static struct spread
spread_of(const struct cell *c, size_t from, size_t k, bool scores)
{
    struct spread s = {0};

    for (size_t i = from; i <= k; i++)
        if (same_era(c, i, k) && (scores ? c->note[i].has_score : c->note[i].has_delta)) {
            s.n += 1;
            s.mean += scores ? c->note[i].score : c->note[i].delta;
        }
    s.mean /= s.n > 0 ? s.n : 1;
    for (size_t i = from; i <= k; i++)
        if (same_era(c, i, k) && (scores ? c->note[i].has_score : c->note[i].has_delta)) {
            double off = (scores ? c->note[i].score : c->note[i].delta) - s.mean;

            s.variance += off * off / s.n;
        }
    return s;
}

size_t
pairs_since_start(const struct run *r, const struct cell *c, size_t k)
{
    size_t n = 0;

    for (size_t i = since_start(r, k); i <= k; i++)
        n += same_era(c, i, k) && c->note[i].has_delta;
    return n;
}

/* The first bucket edge at or above control's own quantile since the phase's start; n_edges when there is none. Of buckets that do not ascend, as a
 * histogram's do, any edge may be the first. */
static size_t
control_edge(const struct run *r, const struct cell *c, size_t k, bool *near_edge)
{
    double below = 0;

    struct pool control = slots_pool(r, c, LANE_CONTROL, since_start(r, k), k);
    double q = gr_dec_double(c->g->metric.quantile);
    size_t found = r->n_edges;

    if (!control.sum.on || !(control.sum.total > 0))
        return r->n_edges;
    for (size_t i = 0; i < r->n_edges; i++) {
        double share = control.sum.count[i] / control.sum.total;

        if (!control.sum.has[i])
            continue;
        if (fabs(share - q) <= NEAR || !(share >= below - NEAR))
            *near_edge = true;
        below = share;
        if (share >= q && found == r->n_edges)
            found = i;
    }
    return found;
}

struct tally
tally_of(const struct run *r, const struct cell *c, enum lane lane, size_t k, bool *near_edge)
{
    const struct metric *metric = &c->g->metric;
    struct pool p = slots_pool(r, c, lane, since_start(r, k), k);
    struct tally t = {.known = p.sum.on, .total = p.sum.total, .weight = p.sum.total};

    if (!t.known)
        return t;
    if (metric->kind == METRIC_HISTOGRAM) {
        size_t edge = control_edge(r, c, k, near_edge);

        t.known = edge < r->n_edges && p.sum.has[edge] && p.sum.total > 0;
        t.bad = t.known ? p.sum.total - p.sum.count[edge] : 0;
        return t;
    }
    t.bad = metric->kind == METRIC_RATIO_GOOD ? p.sum.total - p.sum.part : p.sum.part;
    if (metric->n_weights) {
        double share = t.bad / p.sum.total;

        t.known = p.sum.square > 0 && p.sum.total > 0;
        t.total = t.known ? p.sum.total * p.sum.total / p.sum.square : 0;
        t.bad = t.known ? share * t.total : 0;
    }
    return t;
}

/* -- what each slot records --------------------------------------------------------------------------------------------- */

/* The slot's share of bad events. */
static bool
slot_share(const struct run *r, const struct cell *c, enum lane lane, size_t k, struct note *note,
           double *share)
{
    const struct slot *s = &c->slot[lane][k];
    size_t edge;

    if (!s->on || !(s->total > 0))
        return false;
    if (c->g->metric.kind != METRIC_HISTOGRAM) {
        *share = s->part / s->total;
        return true;
    }
    edge = control_edge(r, c, k, &note->near_edge);
    if (edge == r->n_edges || !s->has[edge])
        return false;
    *share = 1 - s->count[edge] / s->total;
    return true;
}

void
chance_note(const struct run *r, struct cell *c, size_t k)
{
    const struct slot *canary = &c->slot[LANE_CANARY][k], *control = &c->slot[LANE_CONTROL][k];
    struct note *note = &c->note[k];
    double a, b;

    if (!is_against_control(c->g) || !canary->on || !control->on)
        return;
    if (is_counted(c->g)) {
        note->has_score =
            slot_share(r, c, LANE_CANARY, k, note, &a) && slot_share(r, c, LANE_CONTROL, k, note, &b);
        if (note->has_score)
            note->score = (a - b) / (1 / canary->total + 1 / control->total);
    } else if (c->g->limit.against == AGAINST_CONTROL_POINTS) {
        note->has_delta = true;
        note->delta = canary->value - control->value;
    } else if (control->value > 0) {
        note->has_delta = true;
        note->delta = canary->value / control->value - 1;
        note->near_edge = control->value <= NEAR;
    }
}

/* -- the test ------------------------------------------------------------------------------------------------------------- */

static double
log_lambda(double d, double v, double tau, double nu)
{
    double wide = v + tau * tau;

    return 0.5 * log(v / wide) + (nu + 1) / 2 * log((nu + d * d / v) / (nu + d * d / wide));
}

static struct chance
chance_of_counts(const struct run *r, const struct cell *c, size_t k)
{
    struct chance out = {0};
    struct tally a = tally_of(r, c, LANE_CANARY, k, &out.near_edge);
    struct tally b = tally_of(r, c, LANE_CONTROL, k, &out.near_edge);
    struct spread u = spread_of(c, since_start(r, k), k, true);
    double pooled, plain, own = 0, score_weight, nu, phi;

    for (size_t i = since_start(r, k); i <= k; i++)
        out.near_edge = out.near_edge || (same_era(c, i, k) && c->note[i].near_edge);
    if (!a.known || !b.known || !(a.total > 0) || !(b.total > 0) || !(u.n > 0))
        return out;
    out.d = a.bad / a.total - b.bad / b.total;
    if (c->g->metric.kind == METRIC_RATIO_GOOD)
        out.d = -out.d;
    pooled = (a.bad + b.bad) / (a.total + b.total);
    if (!(pooled > 0 && pooled < 1))
        return out;
    plain = pooled * (1 - pooled) * (1 / a.total + 1 / b.total);
    for (int i = 0; i < 2; i++) {
        const struct tally *t = i ? &b : &a;
        double rate = (t->bad + 0.5) / (t->total + 1);

        own += rate * (1 - rate) / t->total;
    }
    score_weight = 1 / (1 / a.weight + 1 / b.weight);
    nu = EVIDENCE_COUNT_PRIOR + u.n - 1;
    phi = (EVIDENCE_COUNT_PRIOR * EVIDENCE_COUNT_DISPERSION +
           u.n * u.n * u.variance / (score_weight * score_weight * own)) /
          nu;
    /* Of a slot that is beyond all numbers it is NaN, which says nothing. */
    out.evidence = log_lambda(out.d, (phi < 1 ? 1 : phi) * plain, pooled, nu);
    out.known = isfinite(out.evidence);
    return out;
}

/* The variance since the phase's start; that of the newest slots, inflated, where all of them are there and it is smaller. */
static double
pairs_variance(const struct cell *c, const struct spread *all, size_t k)
{
    struct spread newest;
    double inflated;

    if (k + 1 < EVIDENCE_GAUGE_RECENT)
        return all->variance;
    newest = spread_of(c, k + 1 - EVIDENCE_GAUGE_RECENT, k, false);
    inflated = EVIDENCE_GAUGE_RECENT_FACTOR * newest.variance;
    return newest.n > EVIDENCE_GAUGE_RECENT - 0.5 && inflated < all->variance ? inflated : all->variance;
}

/* The size of difference that is looked for: the hard limit, else the soft one; +25 % is 0.25. */
static double
looked_for(const struct guardrail *g)
{
    const struct bound *b = &g->limit.bounds[0];
    double limit = gr_dec_double(b->literal);

    return fabs(g->limit.against == AGAINST_CONTROL_RELATIVE ? limit - 1 : limit);
}

static struct chance
chance_of_pairs(const struct run *r, const struct cell *c, size_t k)
{
    struct spread delta = spread_of(c, since_start(r, k), k, false);
    double limit = looked_for(c->g), prior = EVIDENCE_GAUGE_SPREAD * limit;
    double nu = EVIDENCE_GAUGE_PRIOR + (delta.n - 1) / 2;
    struct chance out = {.d = delta.mean};
    double v;

    for (size_t i = since_start(r, k); i <= k; i++)
        out.near_edge = out.near_edge || (same_era(c, i, k) && c->note[i].near_edge);
    if (delta.n < EVIDENCE_PAIRS_MIN)
        return out;
    v = EVIDENCE_GAUGE_INFLATION *
        (EVIDENCE_GAUGE_PRIOR * prior * prior + delta.n * pairs_variance(c, &delta, k) / 2) / (nu * delta.n);
    out.evidence = log_lambda(delta.mean, v, EVIDENCE_GAUGE_TAU * limit, nu);
    out.known = isfinite(out.evidence);
    return out;
}

struct chance
chance_of(const struct run *r, const struct cell *c, size_t k)
{
    return is_counted(c->g) ? chance_of_counts(r, c, k) : chance_of_pairs(r, c, k);
}

/* -- the budget ----------------------------------------------------------------------------------------------------------- */

/* Tests of one guardrail: one for each slice that is expected in the phase, and side; dynamic values as many as may come. */
static double
tests_of(const struct model *m, const struct guardrail *g, enum level level)
{
    double values = 1, tests = 0;

    for (size_t i = 0; i < g->dynamic.n; i++)
        for (size_t j = 0; j < m->n_dynamic; j++)
            if (gr_str_eq(g->dynamic.v[i], m->dynamic[j].label))
                values *= m->dynamic[j].at_most;
    for (size_t p = 0; p < m->n_phases; p++)
        for (size_t s = 0; (g->phases >> p & 1) && s < g->n_expected; s++)
            for (size_t b = 0; b < g->limit.n_bounds; b++)
                if (g->limit.bounds[b].level == level && g->limit.bounds[b].side < SIDE_BACKSTOP &&
                    !flow_is_idle(m, &g->expected[s].labels, &m->phases[p]) &&
                    model_applies(m, g, &g->limit.bounds[b], &g->expected[s]))
                    tests += values;
    return tests;
}

double
chance_threshold(const struct run *r, enum level level)
{
    double budget =
        gr_dec_double(level == LEVEL_HARD ? r->m->false_rollback_budget : r->m->false_alarm_budget);
    double tests = 0;

    for (size_t i = 0; i < r->m->n_guardrails; i++) {
        const struct guardrail *g = &r->m->guardrails[i];

        if (is_against_control(g) && g->evidence.kind == EVIDENCE_SEQUENTIAL)
            tests += tests_of(r->m, g, level);
    }
    return log(tests / (2 * budget));
}
