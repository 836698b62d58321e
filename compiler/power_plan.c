/* power_plan.c - one test of the specification as the simulator plays it. */
#include "config.h"
#include "power_parts.h"

#include <math.h>

#define RATE_MAX 0.98   /* as the simulator's */
#define LEVEL_MIN 0.02  /* of a gauge that falls */
#define EXCESS_MAX 1000 /* times the limit */

bool
plan_counts(const struct guardrail *g)
{
    return g->metric.kind != METRIC_GAUGE && g->metric.kind != METRIC_PROMQL;
}

bool
plan_is_test(const struct bound *b)
{
    return b->level == LEVEL_HARD && !side_is_backstop(b->side);
}

static uint32_t
slots_of(const struct model *m, int64_t ms)
{
    int64_t n = ms / m->sampling_ms;

    return n < 1 ? 1 : n > SIM_SLOTS_MAX ? SIM_SLOTS_MAX : (uint32_t)n;
}

uint32_t
plan_max_slots(const struct model *m, const struct phase *phase)
{
    return slots_of(m, phase->max_ms > phase->min_ms ? phase->max_ms : phase->min_ms);
}

static double
quantile_rate(const struct plan *p)
{
    return 1 - gr_dec_double(p->g->metric.quantile);
}

/* A quantile's effect, canary's over control's, as a factor on the share of observations above control's quantile. */
static double
quantile_factor(const struct plan *p, double effect)
{
    double q = gr_dec_double(p->g->metric.quantile), least = 1e-3;

    return sim_quantile_share(q, p->rated.spread, effect > least ? effect : least) / (1 - q);
}

static double
literal_of(const struct plan *p)
{
    return gr_dec_double(p->literal);
}

/* The effect of a quantile at k times the limit; points are relative to the quantile's usual value. */
static double
quantile_effect(const struct plan *p, double k)
{
    double l = literal_of(p);

    return p->g->limit.against == AGAINST_CONTROL_POINTS ? 1 + k * l / p->rated.value : 1 + k * (l - 1);
}

static double
bad_floor(const struct plan *p)
{
    double floor = gr_dec_double(p->g->limit.floor);

    return p->rated.bad > floor ? p->rated.bad : floor;
}

/* The canary's rate of bad events at the limit. */
static double
limit_rate(const struct plan *p)
{
    double l = literal_of(p), good = 1 - p->rated.bad;
    bool points = p->g->limit.against == AGAINST_CONTROL_POINTS;

    if (p->g->metric.kind == METRIC_RATIO_GOOD)
        return 1 - (points ? good + l : good * l);
    return points ? p->rated.bad + l : bad_floor(p) * l;
}

static double
clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

double
plan_excess(const struct plan *p, double k)
{
    double bad = p->rated.bad;

    if (p->g->metric.kind == METRIC_HISTOGRAM)
        return quantile_factor(p, quantile_effect(p, k));
    if (plan_counts(p->g))
        return clamp(bad + k * (limit_rate(p) - bad), bad * 1e-3, RATE_MAX) / bad;
    if (p->test.points)
        return 1 + k * p->test.limit;
    return clamp(1 + k * (p->test.limit - 1), LEVEL_MIN, 1e5);
}

/* Worse is more bad events, a higher quantile; of a limit below, less. */
double
plan_factor(const struct plan *p, double factor)
{
    bool less = side_is_lower(p->bound->side) != (p->g->metric.kind == METRIC_RATIO_GOOD);
    double f = less ? 1 / factor : factor;

    if (p->g->metric.kind == METRIC_HISTOGRAM)
        return quantile_factor(p, f);
    if (plan_counts(p->g))
        return clamp(p->rated.bad * f, 0, RATE_MAX) / p->rated.bad;
    return p->test.points ? 1 + factor * p->test.limit : f;
}

double
plan_excess_max(const struct plan *p)
{
    double l = literal_of(p), room, step;

    if (p->g->metric.kind == METRIC_HISTOGRAM) {
        step = quantile_effect(p, 1) - 1;
        return step < 0 ? (1 - LEVEL_MIN) / -step : 20 / step;
    }
    if (plan_counts(p->g)) {
        step = limit_rate(p) - p->rated.bad;
        room = step > 0 ? RATE_MAX - p->rated.bad : p->rated.bad;
        return fabs(step) > 0 ? clamp(room / fabs(step), 0, EXCESS_MAX) : EXCESS_MAX;
    }
    if (p->test.points)
        return EXCESS_MAX;
    return l < 1 ? clamp((1 - LEVEL_MIN) / (1 - l), 0, EXCESS_MAX) : clamp(100 / (l - 1), 0, EXCESS_MAX);
}

double
plan_clearness(const struct plan *p)
{
    double rate = p->test.rate, d, v;

    if (!p->playable)
        return -1;
    if (!plan_counts(p->g)) {
        d = fabs(plan_excess(p, 2) - 1);
        return p->test.noise > 0 ? d / p->test.noise : EXCESS_MAX;
    }
    d = fabs(plan_excess(p, 2) - 1) * rate;
    v = p->rated.dispersion * rate * (1 - rate) * (1 / p->test.canary_total + 1 / p->test.control_total);
    return d / sqrt(v / p->test.slots);
}

static void
set_counts(struct plan *p, const struct model *m)
{
    const struct guardrail *g = p->g;
    double slot_s = (double)m->sampling_ms / 1000;
    struct sim_test *t = &p->test;

    t->kind = g->metric.kind == METRIC_RATIO_GOOD ? SIM_GOOD : SIM_BAD;
    t->canary_total = p->rated.canary_per_second * slot_s;
    t->control_total = p->rated.control_per_second * slot_s;
    t->rate = g->metric.kind == METRIC_HISTOGRAM ? quantile_rate(p) : p->rated.bad;
    t->min_events = g->evidence.min_events;
    t->min_total = g->evidence.min_total;
    t->floor = g->metric.kind == METRIC_RATIO_BAD ? gr_dec_double(g->limit.floor) : 0;
    t->limit = literal_of(p);
    t->points = g->limit.against == AGAINST_CONTROL_POINTS;
    if (g->metric.kind == METRIC_HISTOGRAM && !(t->points && !(p->rated.value > 0))) {
        t->points = false;
        t->limit = quantile_factor(p, quantile_effect(p, 1));
    }
    p->playable = t->canary_total > 0 && t->control_total > 0 && t->canary_total < 1e9 &&
                  t->control_total < 1e12 && t->rate > 0 && t->rate < 1 &&
                  !(g->metric.kind == METRIC_HISTOGRAM && t->points);
}

/* Of a limit in points 1 stands for the limit, so that no level has to be known. */
static void
set_gauge(struct plan *p)
{
    struct sim_test *t = &p->test;
    double l = literal_of(p);

    t->kind = SIM_GAUGE;
    t->points = p->g->limit.against == AGAINST_CONTROL_POINTS;
    p->scale = t->points && fabs(l) > 0 ? fabs(l) : 1;
    t->limit = l / p->scale;
    t->noise = p->rated.noise / p->scale;
    t->rho = p->rated.autocorrelation;
    p->playable = t->noise < 1e3;
}

void
plan_init(struct plan *p, const struct which *w, struct how how)
{
    const struct model *m = w->m;
    const struct guardrail *g = w->g;
    uint32_t min_slots = slots_of(m, w->phase->min_ms);

    *p = (struct plan){.g = g,
                       .phase = w->phase,
                       .slice = w->slice,
                       .bound = model_bound(m, g, w->base, w->slice),
                       .literal = model_literal(m, g, w->base, w->slice),
                       .rated = rates_of(w->r, g, w->slice, w->phase, how.grow),
                       .scale = 1,
                       .min_slots = min_slots};
    p->rule = g->evidence.kind == EVIDENCE_SEQUENTIAL ? SIM_EVIDENCE
              : plan_counts(g)                        ? SIM_MIN_COUNT
                                                      : SIM_NAIVE;
    p->test.lower = side_is_lower(w->base->side);
    p->test.slots = how.slots > 0 ? how.slots : min_slots;
    p->test.window = g->window_ms > 0 ? slots_of(m, g->window_ms) : how.extended ? min_slots : p->test.slots;
    p->test.threshold = w->threshold > 0 ? w->threshold : model_evidence_threshold(m, LEVEL_HARD);
    if (plan_counts(g))
        set_counts(p, m);
    else
        set_gauge(p);
}
