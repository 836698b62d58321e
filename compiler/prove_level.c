/* prove_level.c - samples whose effect is as wanted: exactly, where floating point allows.
 *
 * Ratios: totals are equal in both cohorts (10^6 a scrape), so a quotient of rates is one of whole numbers and rounds to the very double
 * that the limit's decimal is. Gauges: control is 100, so that +15 % is 115. Histograms interpolate and are never exact: they come within a
 * millionth, on the inner side. */
#include "config.h"
#include "prove.h"

#include <math.h>

#define TOTAL 1000000.0
#define FRACTION 65536.0 /* of an event: sums of such are exact */

static bool
is_ratio(const struct guardrail *g)
{
    return g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD;
}

static double
backstop(const struct guardrail *g)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].side == SIDE_BACKSTOP)
            return gr_dec_double(g->limit.bounds[i].literal);
    return 0;
}

/* Decimals such as 1.15 × 100 come out whole. */
static double
tidy(double v)
{
    return rint(v * 1e9) / 1e9;
}

/* Control's own ratio: above its floor, and so low that the canary stays below a backstop at the highest effect that is asked for. */
static double
control_ratio(const struct guardrail *g)
{
    static const double choices[] = {0.8, 0.01, 0.1, 0.001, 0.0001};
    double floor = gr_dec_double(g->limit.floor), most = backstop(g) > 0 ? backstop(g) : 1, highest = 1.02;

    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (!side_is_backstop(g->limit.bounds[i].side))
            highest = fmax(highest, gr_dec_double(g->limit.bounds[i].literal) * 1.02);
    for (size_t i = g->metric.kind == METRIC_RATIO_GOOD ? 0 : 1; i < GR_COUNT(choices); i++)
        if (choices[i] > 1.5 * floor && choices[i] * highest < 0.95 * most)
            return choices[i];
    return fmax(1.05 * floor, 1e-4);
}

/* -- histograms -------------------------------------------------------------------------------------------------------------- */

static double
highest_effect(const struct guardrail *g)
{
    double most = 1.1;

    for (size_t i = 0; i < g->limit.n_bounds && g->limit.against == AGAINST_CONTROL_RELATIVE; i++)
        if (!side_is_backstop(g->limit.bounds[i].side))
            most = fmax(most, gr_dec_double(g->limit.bounds[i].literal) * 1.05);
    return backstop(g) > 0 ? fmax(most, 4.4) : fmax(most, 2.2);
}

/* The edge at which control's quantile lies. */
static double
usual(const struct guardrail *g)
{
    double lit = g->limit.n_bounds > 0 ? fabs(gr_dec_double(g->limit.bounds[0].literal)) : 1;

    if (backstop(g) > 0)
        return backstop(g) / 4;
    if (g->limit.against == AGAINST_CONTROL_RELATIVE)
        return 0.01;
    return g->limit.against == AGAINST_FIXED ? lit / 1.1 : lit * 4;
}

void
prove_level_init(struct prove_world *w)
{
    double q = gr_dec_double(w->g->metric.quantile), low = usual(w->g);

    w->n_parts = w->g->metric.n_weights > 0 ? 3 : is_ratio(w->g) ? 2 : 1;
    if (w->g->metric.kind != METRIC_HISTOGRAM)
        return;
    w->edges[0] = low / 2;
    w->edges[1] = low;
    w->edges[2] = low * (1 + (highest_effect(w->g) - 1) * 1.25 / q);
    w->edges[3] = (double)INFINITY;
    w->n_edges = w->n_parts = 4;
}

/* Buckets whose quantile is v, between half the usual and the last edge. Solved for the count below the edge under v. */
static void
buckets(const struct prove_world *w, double v, double *out)
{
    double q = gr_dec_double(w->g->metric.quantile), low = w->edges[0], edge = w->edges[1], up = w->edges[2],
           f;

    out[0] = 0;
    out[2] = out[3] = TOTAL;
    f = (v - edge) / (up - edge);
    if (f > 0) {
        out[1] = ceil(TOTAL * (q - f) / (1 - f));
        return;
    }
    f = (v - low) / (edge - low); /* share of the bucket below the edge */
    if (f > q) {
        out[1] = ceil(q * TOTAL / f);
        return;
    }
    out[1] = TOTAL;
    out[0] = ceil(TOTAL * (q - f) / (1 - f));
}

/* -- one cohort -------------------------------------------------------------------------------------------------------------- */

/* Shares differ from weight to weight, so that weights matter; together they make p. */
static void
set_ratio(const struct prove_world *w, double p, double *out)
{
    const struct metric *mt = &w->g->metric;
    double first, second, moved;

    if (mt->n_weights == 0) {
        out[0] = TOTAL;
        out[1] = rint(p * TOTAL);
        return;
    }
    for (size_t t = 0; t < mt->n_weights; t++) {
        out[2 * t] = TOTAL * (double)(t + 1);
        out[2 * t + 1] = rint(p * out[2 * t]);
    }
    if (mt->n_weights < 2)
        return;
    first = gr_dec_double(mt->weights[0].weight);
    second = gr_dec_double(mt->weights[1].weight);
    moved = rint(0.01 * TOTAL);
    out[1] -= moved * second;
    out[3] += moved * first;
}

static void
set(const struct prove_world *w, double v, double *out)
{
    if (is_ratio(w->g))
        set_ratio(w, v, out);
    else if (w->g->metric.kind == METRIC_HISTOGRAM)
        buckets(w, v, out);
    else if (w->g->metric.kind == METRIC_PROMQL)
        out[0] = tidy((v - prove_expression(w, 0)) / (prove_expression(w, 1) - prove_expression(w, 0)));
    else
        out[0] = v;
}

static double
usual_control(const struct prove_world *w)
{
    if (is_ratio(w->g))
        return control_ratio(w->g);
    return w->g->metric.kind == METRIC_HISTOGRAM ? usual(w->g) : 100;
}

struct prove_level
prove_level_effect(const struct prove_world *w, double effect)
{
    struct prove_level l = {0};
    double control = usual_control(w), canary;

    switch (w->g->limit.against) {
    case AGAINST_FIXED:
        control = canary = effect;
        break;
    case AGAINST_CONTROL_POINTS:
        control = w->g->metric.kind == METRIC_HISTOGRAM ? control : effect > 0 ? effect : -2 * effect;
        canary = w->g->metric.kind == METRIC_HISTOGRAM ? control + effect : effect > 0 ? 2 * effect : -effect;
        break;
    case AGAINST_CONTROL_RELATIVE:
    default:
        canary = tidy(effect * control);
        break;
    }
    set(w, control, l.v[PROVE_CONTROL]);
    set(w, canary, l.v[PROVE_CANARY]);
    return l;
}

struct prove_level
prove_level_value(const struct prove_world *w, double value)
{
    struct prove_level l = {0};

    set(w, value, l.v[PROVE_CONTROL]);
    set(w, value, l.v[PROVE_CANARY]);
    return l;
}

struct prove_level
prove_level_floor(const struct prove_world *w, double effect)
{
    struct prove_level l = {0};
    double floor = gr_dec_double(w->g->limit.floor);

    set(w, floor / 2, l.v[PROVE_CONTROL]);
    set(w, tidy(floor * effect), l.v[PROVE_CANARY]);
    return l;
}

struct prove_level
prove_level_scaled(const struct prove_world *w, struct prove_level l, double factor)
{
    bool whole = is_ratio(w->g) || w->g->metric.kind == METRIC_HISTOGRAM;

    for (size_t h = 0; h < 2; h++)
        for (size_t p = 0; whole && p < PROVE_PARTS; p++)
            l.v[h][p] = rint(l.v[h][p] * factor * FRACTION) / FRACTION;
    return l;
}
