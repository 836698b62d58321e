/* lower_evidence.c - is the difference more than chance? The mixture sequential probability ratio test in PromQL.
 *
 * Johari, Koomen, Pekelis, Walsh, "Always Valid Inference", Operations Research 70(3), 2022; see 3-semantics.md, "Evidence":
 *
 *     d = p_canary − p_control            V = p(1−p)(1/n_canary + 1/n_control)       p = pooled rate of bad events, τ = p
 *     log Λ = ½ ln(V/(V+τ²)) + d²τ² / (2V(V+τ²))        evidence: d on the bad side and log Λ > ln(1/(2α))
 *
 * Summed from the START of the phase (the phase label keeps it pure): over a sliding window the test would not be valid. Gauges: d and
 * V from paired slot differences. Not corrected here for events that cluster (V is the binomial one). */
#include "config.h"
#include "lower.h"

static bool
is_weighted(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return g->metric.n_weights > 0;
}

static bool
is_plain_sum(const struct guardrail *g, const void *arg)
{
    return is_sum(g, arg) && !is_weighted(g, arg);
}

static bool
is_compared_histogram(const struct guardrail *g, const void *arg)
{
    return is_histogram(g, arg) && is_compared(g, arg);
}

static bool
is_compared_sum(const struct guardrail *g, const void *arg)
{
    return is_sum(g, arg) && is_compared(g, arg);
}

static bool
is_compared_good(const struct guardrail *g, const void *arg)
{
    return g->metric.kind == METRIC_RATIO_GOOD && is_compared(g, arg);
}

static bool
is_compared_bad_sum(const struct guardrail *g, const void *arg)
{
    return is_compared_sum(g, arg) && !is_compared_good(g, arg);
}

static bool
is_compared_value(const struct guardrail *g, const void *arg)
{
    return is_value(g, arg) && is_compared(g, arg);
}

const char *
lower_threshold(struct lower *lo, enum level level)
{
    double t;
    size_t from = lo->expr.n;

    if (lo->threshold[level])
        return lo->threshold[level];
    t = model_evidence_threshold(lo->m, level);
    if (t <= 0)
        t = model_evidence_threshold(lo->m, level == LEVEL_HARD ? LEVEL_SOFT : LEVEL_HARD);
    gr_buf_printf(&lo->expr, "%.4f", t);
    if (lo->keep) {
        struct gr_str kept = gr_arena_dup(lo->keep, gr_str_sub(gr_buf_str(&lo->expr), from, lo->expr.n));

        gr_buf_cut(&lo->expr, from);
        return lo->threshold[level] = kept.p ? kept.p : ""; /* the arena remembers */
    }
    return lo->threshold[level] = lower_cut(lo, from);
}

/* -- totals and bad events ------------------------------------------------------------------------------------------------- */

static bool
tests_quantile(const struct guardrail *g, const void *arg)
{
    return is_compared_histogram(g, NULL) && gr_dec_cmp(g->metric.quantile, *(const struct gr_dec *)arg) == 0;
}

/* The first bucket edge at or above control's own quantile, found without turning le into a number, which PromQL cannot. (Never the
 * share "expected" above it, 1 − q: with coarse edges that is blind.) */
static void
edges(struct lower *lo)
{
    const struct model *m = lo->m;

    lower_put(lo,
              "guardrail:test:sum{$S,part=\"bucket\"}\n"
              "  / ignoring (le) group_left () (guardrail:test:sum{$S,part=\"bucket\",le=\"+Inf\"} > 0)",
              NULL);
    lower_record(lo, "guardrail:test:cdf");
    lower_branches(lo, "\nor ");
    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct gr_dec *q = &m->guardrails[i].metric.quantile;
        bool first = is_compared_histogram(&m->guardrails[i], NULL);

        for (size_t k = 0; first && k < i; k++)
            first = !tests_quantile(&m->guardrails[k], q);
        if (first)
            lower_branch(lo,
                         "(guardrail:test:cdf{$S$1,cohort=$K} >= $2)\n"
                         "  == ignoring (le) group_left () min without (le)"
                         " (guardrail:test:cdf{$S$1,cohort=$K} >= $2)",
                         lower_which(lo, tests_quantile, q), lower_dec(lo, *q), NULL);
    }
    lower_record(lo, "guardrail:test:edge");
}

/* Observations per cohort. Weighted ratios count their effective sample size, (Σ w n)² / Σ w² n (Kish 1965). */
static void
totals(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, is_plain_sum, NULL)) != NULL)
        lower_branch(lo,
                     "sum without (part, le) (guardrail:test:sum{$S$1,part=\"total\"}\n"
                     "  or guardrail:test:sum{$S$1,part=\"bucket\",le=\"+Inf\"})",
                     which, NULL);
    if ((which = lower_which(lo, is_weighted, NULL)) != NULL)
        lower_branch(lo,
                     "sum without (part) (guardrail:test:sum{$S$1,part=\"total\"} ^ 2\n"
                     "  / ignoring (part) (guardrail:test:sum{$S$1,part=\"square\"} > 0))",
                     which, NULL);
    lower_record(lo, "guardrail:test:total");
}

static bool
is_bad_ratio(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return g->metric.kind == METRIC_RATIO_BAD && g->metric.n_weights == 0;
}

static bool
is_weighted_bad(const struct guardrail *g, const void *arg)
{
    return g->metric.kind == METRIC_RATIO_BAD && is_weighted(g, arg);
}

static bool
is_good_ratio(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return g->metric.kind == METRIC_RATIO_GOOD;
}

/* Bad events per cohort: counted, or the bad share of the (effective) total; for a histogram the observations above control's edge,
 * both cohorts counted at the same edge. Several edges tie where control's buckets are empty: max takes the first of them, because the
 * share above falls with the edge (min would take the last, +Inf, where nothing is ever above). */
static void
bads(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, is_bad_ratio, NULL)) != NULL)
        lower_branch(lo, "sum without (part) (guardrail:test:sum{$S$1,part=\"bad\"})", which, NULL);
    if ((which = lower_which(lo, is_weighted_bad, NULL)) != NULL)
        lower_branch(
            lo,
            "sum without (part) (guardrail:test:sum{$S$1,part=\"bad\"}\n"
            "  / ignoring (part) (guardrail:test:sum{$S$1,part=\"total\"} > 0)) * guardrail:test:total{$S$1}",
            which, NULL);
    if ((which = lower_which(lo, is_good_ratio, NULL)) != NULL)
        lower_branch(lo,
                     "(1 - sum without (part) (guardrail:test:sum{$S$1,part=\"good\"}\n"
                     "  / ignoring (part) (guardrail:test:sum{$S$1,part=\"total\"} > 0))) * "
                     "guardrail:test:total{$S$1}",
                     which, NULL);
    if ((which = lower_which(lo, is_compared_histogram, NULL)) != NULL)
        lower_branch(lo,
                     "max without (part, le) (1 - guardrail:test:cdf{$S$1}"
                     " and ignoring (cohort) guardrail:test:edge{$S$1})\n"
                     "  * guardrail:test:total{$S$1}",
                     which, NULL);
    lower_record(lo, "guardrail:test:bad");
}

/* -- difference, variance, prior ------------------------------------------------------------------------------------------- */

static const char *
from_start(struct lower *lo)
{
    return lower_duration(lo, lower_test_range_ms(lo));
}

/* Difference in the direction of the effect: of a ratio of good events it is the bad rate's with the sign turned. */
static void
difference(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, is_compared_bad_sum, NULL)) != NULL)
        lower_branch(lo,
                     "guardrail:test:rate{$S$1,cohort=$C}"
                     " - ignoring (cohort) guardrail:test:rate{$S$1,cohort=$K}",
                     which, NULL);
    if ((which = lower_which(lo, is_compared_good, NULL)) != NULL)
        lower_branch(lo,
                     "sum without (cohort) (guardrail:test:rate{$S$1,cohort=$K})"
                     " - sum without (cohort) (guardrail:test:rate{$S$1,cohort=$C})",
                     which, NULL);
    if (lower_any(lo, is_compared_value, NULL))
        lower_branch(lo, "avg_over_time(guardrail:slot:delta{$S}[$1]) and on ($P) guardrail:open{$S}",
                     from_start(lo), NULL);
    lower_record(lo, "guardrail:test:d");
}

/* The size of difference that the gauge test looks for: the hard limit (or the only one), as a relative or absolute difference. */
static struct gr_dec
gauge_tau(const struct guardrail *g)
{
    struct gr_dec t = g->limit.bounds[0].literal;

    if (g->limit.against == AGAINST_CONTROL_RELATIVE && gr_dec_add(t, GR_DEC(-1, 0), &t) != GR_OK)
        return GR_DEC(0, 0);
    return t.mant < 0 ? gr_dec_neg(t) : t;
}

static bool
has_tau(const struct guardrail *g, const void *arg)
{
    return is_compared_value(g, NULL) && gr_dec_cmp(gauge_tau(g), *(const struct gr_dec *)arg) == 0;
}

/* Calls put() for each distinct tau among gauges. */
static void
each_tau(struct lower *lo, void (*put)(struct lower *lo, const char *which, struct gr_dec tau))
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        struct gr_dec tau;
        bool first = is_compared_value(&m->guardrails[i], NULL);

        if (!first)
            continue;
        tau = gauge_tau(&m->guardrails[i]);
        for (size_t k = 0; first && k < i; k++)
            first = !has_tau(&m->guardrails[k], &tau);
        if (first)
            put(lo, lower_which(lo, has_tau, &tau), tau);
    }
}

static const char *
square_of(struct lower *lo, struct gr_dec v, struct gr_dec factor)
{
    if (gr_dec_mul(v, factor, &v) != GR_OK || gr_dec_mul(v, v, &v) != GR_OK)
        lo->err = GR_ERANGE;
    return lower_dec(lo, v);
}

/* stdvar_over_time() is the population's variance, so ÷ (n − 1) gives that of the mean. The floor, (τ/25)²: a constant difference has
 * variance 0, and −Inf + Inf = NaN would never be evidence, however large the breach. */
static void
put_gauge_variance(struct lower *lo, const char *which, struct gr_dec tau)
{
    lower_branch(lo,
                 "clamp_min(stdvar_over_time(guardrail:slot:delta{$S$1}[$2])"
                 " / (count_over_time(guardrail:slot:delta{$S$1}[$2]) - 1 > 0), $3)\n"
                 "  and on ($P) guardrail:open{$S}",
                 which, from_start(lo), square_of(lo, tau, GR_DEC(4, -2)), NULL);
}

static void
put_gauge_tau2(struct lower *lo, const char *which, struct gr_dec tau)
{
    lower_branch(lo, "guardrail:test:v{$S$1} * 0 + $2", which, square_of(lo, tau, GR_DEC(1, 0)), NULL);
}

static void
variance(struct lower *lo)
{
    bool sums = lower_any(lo, is_compared_sum, NULL);

    lower_branches(lo, "\nor ");
    if (sums)
        lower_branch(lo,
                     "guardrail:test:pooled{$S} * (1 - guardrail:test:pooled{$S})"
                     " * sum without (cohort) (1 / (guardrail:test:total{$S$1} > 0))",
                     lower_not_early(lo), NULL);
    each_tau(lo, put_gauge_variance);
    lower_record(lo, "guardrail:test:v");
    lower_branches(lo, "\nor ");
    if (sums)
        lower_branch(lo, "guardrail:test:pooled{$S} ^ 2", NULL);
    each_tau(lo, put_gauge_tau2);
    lower_record(lo, "guardrail:test:tau2");
}

static void
log_lambda(struct lower *lo)
{
    lower_put(lo,
              "0.5 * ln(guardrail:test:v{$S} / (guardrail:test:v{$S} + guardrail:test:tau2{$S}))\n"
              "+ guardrail:test:d{$S} ^ 2 * guardrail:test:tau2{$S}\n"
              "  / (2 * guardrail:test:v{$S} * (guardrail:test:v{$S} + guardrail:test:tau2{$S}))",
              NULL);
    lower_record(lo, "guardrail:evidence");
}

/* -- enough --------------------------------------------------------------------------------------------------------------- */

static bool
has_min_total(const struct guardrail *g, const void *arg)
{
    return is_compared_sum(g, NULL) && g->evidence.min_total == *(const uint32_t *)arg;
}

static bool
has_fixed_min_total(const struct guardrail *g, const void *arg)
{
    return is_sum(g, NULL) && is_fixed(g, NULL) && g->evidence.min_total == *(const uint32_t *)arg;
}

static bool
is_sequential_value(const struct guardrail *g, const void *arg)
{
    return is_value(g, arg) && is_sequential(g, arg);
}

static bool
is_point_value(const struct guardrail *g, const void *arg)
{
    return is_value(g, arg) && is_point(g, arg);
}

static bool
is_fixed_value(const struct guardrail *g, const void *arg)
{
    return is_value(g, arg) && is_fixed(g, arg);
}

/* A NaN in a counter makes all sums since the phase's start NaN. The test is blind from then on, and a release must not pass for it. */
#define NO_NAN(of)                                                                                           \
    " unless ignoring (cohort, part, le) guardrail:test:sum{$S$1" of "} != guardrail:test:sum{$S$1" of "}"

/* One branch per distinct min_total among the guardrails that has() picks. */
static void
put_min_totals(struct lower *lo, lower_pick *has, const char *template)
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        const uint32_t *least = &m->guardrails[i].evidence.min_total;
        bool first = has(&m->guardrails[i], least);

        for (size_t k = 0; first && k < i; k++)
            first = !has(&m->guardrails[k], least);
        if (first)
            lower_branch(lo, template, lower_which(lo, has, least), lower_uint(lo, *least),
                         lower_not_early(lo), NULL);
    }
}

/* Enough to say anything at all: min_total observations in each cohort (of the canary alone where nothing is compared); five paired slots
 * (one where any excursion is to fire); a fixed limit on a gauge needs only to be covered. */
static void
enough(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    put_min_totals(lo, has_min_total,
                   "min without (cohort) (guardrail:test:total{$S$1$3}) >= $2\n " NO_NAN("$3"));
    put_min_totals(
        lo, has_fixed_min_total,
        "sum without (cohort) (guardrail:test:total{$S$1,cohort=~$T}) >= $2\n " NO_NAN(",cohort=~$T"));
    if ((which = lower_which(lo, is_sequential_value, NULL)) != NULL)
        lower_branch(lo,
                     "(count_over_time(guardrail:slot:delta{$S$1}[$2]) >= $3 and on ($P) guardrail:open{$S})",
                     which, from_start(lo), lower_uint(lo, LOWER_PAIRS_MIN), NULL);
    if ((which = lower_which(lo, is_point_value, NULL)) != NULL)
        lower_branch(lo, "(count_over_time(guardrail:slot:delta{$S$1}[$2]) and on ($P) guardrail:open{$S})",
                     which, from_start(lo), NULL);
    if ((which = lower_which(lo, is_fixed_value, NULL)) != NULL)
        lower_branch(lo, "guardrail:coverage{$S$1}", which, NULL);
    lower_record(lo, "guardrail:enough");
}

void
lower_evidence(struct lower *lo)
{
    if (lower_any(lo, is_sum, NULL)) {
        lower_put(lo, "sum_over_time(guardrail:slot:sum{$S}[$1]) and on ($P) guardrail:open{$S}",
                  from_start(lo), NULL);
        lower_record(lo, "guardrail:test:sum");
        if (lower_any(lo, is_compared_histogram, NULL))
            edges(lo);
        totals(lo);
        bads(lo);
    }
    if (lower_any(lo, is_compared_sum, NULL)) {
        const char *which = lower_which(lo, is_compared_sum, NULL);
        lower_put(lo,
                  "sum without (cohort) (guardrail:test:bad{$S$1$2}) / sum without (cohort) "
                  "(guardrail:test:total{$S$1$2})",
                  which, lower_not_early(lo), NULL);
        lower_record(lo, "guardrail:test:pooled");
        lower_put(lo, "guardrail:test:bad{$S$1} / (guardrail:test:total{$S$1} > 0)", which, NULL);
        lower_record(lo, "guardrail:test:rate");
    }
    if (lower_any(lo, is_compared, NULL)) {
        difference(lo);
        variance(lo);
        log_lambda(lo);
    }
    enough(lo);
}
