/* lower_evidence.c - is the difference more than chance? The mixture sequential probability ratio test in PromQL.
 *
 * The formulas, their sources and their constants are those of evidence_math.h, which names every symbol used here:
 *
 *     u, delta   guardrail:slot:delta        n          guardrail:test:slots
 *     N, B, r    guardrail:test:total, :bad, :rate      p          guardrail:test:pooled
 *     d, V, nu   guardrail:test:d, :v, :nu   tau^2      guardrail:test:tau2      phi   guardrail:test:phi
 *     log L      guardrail:evidence
 *
 * Summed from the START of the phase (the phase label keeps it pure): over a sliding window the test would not be valid. What has no value
 * (no observations, no bad event at all) is absent here and 0 there; neither is ever enough. Guardrails with `evidence: point` have
 * totals and bad events, which min_total and min_events ask for, and no test. */
#include "config.h"
#include "lower.h"

#include "evidence_math.h"

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
tests_sum(const struct guardrail *g, const void *arg)
{
    return is_sum(g, arg) && is_sequential(g, arg);
}

static bool
tests_plain_sum(const struct guardrail *g, const void *arg)
{
    return tests_sum(g, arg) && !is_weighted(g, arg);
}

static bool
tests_weighted(const struct guardrail *g, const void *arg)
{
    return tests_sum(g, arg) && is_weighted(g, arg);
}

static bool
tests_ratio(const struct guardrail *g, const void *arg)
{
    return is_ratio(g, arg) && is_sequential(g, arg);
}

static bool
tests_good(const struct guardrail *g, const void *arg)
{
    return g->metric.kind == METRIC_RATIO_GOOD && is_sequential(g, arg);
}

static bool
tests_bad_sum(const struct guardrail *g, const void *arg)
{
    return tests_sum(g, arg) && !tests_good(g, arg);
}

static bool
tests_histogram(const struct guardrail *g, const void *arg)
{
    return is_histogram(g, arg) && is_sequential(g, arg);
}

static bool
tests_value(const struct guardrail *g, const void *arg)
{
    return is_value(g, arg) && is_sequential(g, arg);
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

const char *
lower_from_start(struct lower *lo)
{
    return lower_duration(lo, lower_test_range_ms(lo));
}

/* -- totals and bad events ------------------------------------------------------------------------------------------------- */

static bool
tests_quantile(const struct guardrail *g, const void *arg)
{
    return is_compared_histogram(g, NULL) && gr_dec_cmp(g->metric.quantile, *(const struct gr_dec *)arg) == 0;
}

/* The first bucket edge at or above control's own quantile, found without turning le into a number, which PromQL cannot. (Never the
 * share "expected" above it, 1 − q: with coarse edges that is blind.) Buckets since the phase's start are summed where they are needed and
 * not recorded but for +Inf: they would be most of the series that a specification with histograms has. */
static void
edges(struct lower *lo)
{
    const struct model *m = lo->m;
    const char *range = lower_from_start(lo);

    lower_branches(lo, "\nor ");
    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct gr_dec *q = &m->guardrails[i].metric.quantile;
        bool first = is_compared_histogram(&m->guardrails[i], NULL);

        for (size_t k = 0; first && k < i; k++)
            first = !tests_quantile(&m->guardrails[k], q);
        if (first)
            lower_branch(lo,
                         "sum_over_time(guardrail:slot:sum{$S$1,part=\"bucket\",cohort=$K}[$3])\n"
                         "  / ignoring (le) group_left ()"
                         " (guardrail:test:sum{$S$1,part=\"bucket\",cohort=$K} > 0) >= $2",
                         lower_which(lo, tests_quantile, q), lower_dec(lo, *q), range, NULL);
    }
    lower_record(lo, "guardrail:test:cdf");
    lower_put(lo,
              "guardrail:test:cdf{$S,part=\"bucket\"} == ignoring (le) group_left ()"
              " min without (le) (guardrail:test:cdf{$S,part=\"bucket\"})",
              NULL);
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
                     "  or guardrail:test:sum{$S$1,part=\"bucket\"})",
                     which, NULL);
    if ((which = lower_which(lo, is_weighted, NULL)) != NULL)
        lower_branch(lo,
                     "sum without (part) (guardrail:test:sum{$S$1,part=\"total\"} ^ 2\n"
                     "  / ignoring (part) (guardrail:test:sum{$S$1,part=\"square\"} != 0))",
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

/* What the backstop's min_events asks for has to be NaN where a counter was, and not to go, so `!= 0` and not `> 0`.
 * Bad events per cohort: counted, or the bad share of the (effective) total; for a histogram the observations above control's edge,
 * both cohorts counted at the same edge. Several edges tie where control's buckets are empty: min takes the first of them, because the
 * share up to the edge grows with it (max would take the last, +Inf, above which nothing ever is). */
static void
bads(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, is_bad_ratio, NULL)) != NULL)
        lower_branch(lo, "sum without (part) (guardrail:test:sum{$S$1,part=\"bad\"})", which, NULL);
    if ((which = lower_which(lo, is_weighted_bad, NULL)) != NULL)
        lower_branch(lo,
                     "sum without (part) (guardrail:test:sum{$S$1,part=\"bad\"}\n"
                     "  / ignoring (part) (guardrail:test:sum{$S$1,part=\"total\"} != 0)) * "
                     "guardrail:test:total{$S$1}",
                     which, NULL);
    if ((which = lower_which(lo, is_good_ratio, NULL)) != NULL)
        lower_branch(lo,
                     "(1 - sum without (part) (guardrail:test:sum{$S$1,part=\"good\"}\n"
                     "  / ignoring (part) (guardrail:test:sum{$S$1,part=\"total\"} != 0))) * "
                     "guardrail:test:total{$S$1}",
                     which, NULL);
    if ((which = lower_which_of(lo, is_histogram, is_compared_histogram, NULL)) != NULL) {
        lower_branch(
            lo,
            "(1 - min without (part, le) "
            "((sum_over_time(guardrail:slot:sum{$S$1,part=\"bucket\",cohort!=$K}[$2])"
            " and ignoring (cohort) guardrail:test:edge{$S})\n"
            "    / ignoring (le) group_left () (guardrail:test:sum{$S$1,part=\"bucket\",cohort!=$K} > 0)))\n"
            "  * guardrail:test:total{$S}",
            which, lower_from_start(lo), NULL);
        lower_branch(lo, "(1 - min without (part, le) (guardrail:test:edge{$S})) * guardrail:test:total{$S}",
                     NULL);
    }
    lower_record(lo, "guardrail:test:bad");
}

/* -- one difference a slot ------------------------------------------------------------------------------------------------- */

/* A constant of evidence_math.h, or what is made of some; rounded, so that 0.4 * 0.4 is read as 0.16. */
static const char *
number(struct lower *lo, double v)
{
    size_t from = lo->expr.n;

    gr_buf_printf(&lo->expr, "%.12g", v);
    return lower_cut(lo, from);
}

static bool
is_paired(const struct guardrail *g, const void *arg)
{
    return is_value(g, NULL) && g->limit.against == *(const enum against *)arg;
}

/* u: the difference of the slot's rates, times the weight that the slot has. */
static void
ratio_scores(struct lower *lo, const char *which)
{
    lower_branch(lo,
                 "(guardrail:slot:sum{$S$1,part=~\"bad|good\",cohort=$C}\n"
                 "    / ignoring (part) (guardrail:slot:sum{$S$1,part=\"total\",cohort=$C} > 0)\n"
                 "  - ignoring (cohort) guardrail:slot:sum{$S$1,part=~\"bad|good\",cohort=$K}\n"
                 "    / ignoring (part) (guardrail:slot:sum{$S$1,part=\"total\",cohort=$K} > 0))\n"
                 "  / sum without (cohort, part) (1 / guardrail:slot:sum{$S$1,part=\"total\"})",
                 which, NULL);
}

/* The slot's share up to the edge stands for the share above it: only the sign differs, and nothing but the variance of u is used. */
static void
quantile_scores(struct lower *lo, const char *which)
{
#define UP_TO_EDGE(cohort, matching)                                                                         \
    "min without (part, le) ((guardrail:slot:sum{$S$1,cohort=" cohort "} and" matching                       \
    " guardrail:test:edge{$S$1})\n"                                                                          \
    "      / ignoring (le) group_left () (guardrail:slot:sum{$S$1,le=\"+Inf\",cohort=" cohort "} > 0))"
    lower_branch(
        lo,
        "(" UP_TO_EDGE("$C", " ignoring (cohort)") "\n  - ignoring (cohort) " UP_TO_EDGE(
            "$K", "") ")\n"
                      "  / sum without (cohort, part, le) (1 / guardrail:slot:sum{$S$1,le=\"+Inf\"})",
        which, NULL);
}

/* delta of gauges; `> 0`: no division by a zero control; `< +Inf`: by one so near to it that the quotient overflows. */
static void
paired_deltas(struct lower *lo)
{
    static const enum against relative = AGAINST_CONTROL_RELATIVE, points = AGAINST_CONTROL_POINTS;
    const char *which;

    if ((which = lower_which(lo, is_paired, &relative)) != NULL)
        lower_branch(lo,
                     "guardrail:slot:value{$S$1,cohort=$C}\n"
                     "  / ignoring (cohort) (guardrail:slot:value{$S$1,cohort=$K} > 0) - 1 < +Inf",
                     which, NULL);
    if ((which = lower_which(lo, is_paired, &points)) != NULL)
        lower_branch(lo,
                     "guardrail:slot:value{$S$1,cohort=$C}\n"
                     "  - ignoring (cohort) guardrail:slot:value{$S$1,cohort=$K}",
                     which, NULL);
}

static void
deltas(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, tests_ratio, NULL)) != NULL)
        ratio_scores(lo, which);
    if ((which = lower_which_of(lo, is_histogram, tests_histogram, NULL)) != NULL)
        quantile_scores(lo, which);
    paired_deltas(lo);
    if (!lower_record(lo, "guardrail:slot:delta"))
        return;
    lower_put(lo, "count_over_time(guardrail:slot:delta{$S}[$1]) and on ($P) guardrail:open{$S}",
              lower_from_start(lo), NULL);
    lower_record(lo, "guardrail:test:slots");
}

/* -- difference, variance, prior ------------------------------------------------------------------------------------------- */

/* Difference in the direction of the effect: of a ratio of good events it is the bad rate's with the sign turned. */
static void
difference(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, tests_bad_sum, NULL)) != NULL)
        lower_branch(lo,
                     "guardrail:test:rate{$S$1,cohort=$C}"
                     " - ignoring (cohort) guardrail:test:rate{$S$1,cohort=$K}",
                     which, NULL);
    if ((which = lower_which(lo, tests_good, NULL)) != NULL)
        lower_branch(lo,
                     "sum without (cohort) (guardrail:test:rate{$S$1,cohort=$K})"
                     " - sum without (cohort) (guardrail:test:rate{$S$1,cohort=$C})",
                     which, NULL);
    if ((which = lower_which(lo, tests_value, NULL)) != NULL)
        lower_branch(lo, "avg_over_time(guardrail:slot:delta{$S$1}[$2]) and guardrail:outside{$S}", which,
                     lower_from_start(lo), NULL);
    lower_record(lo, "guardrail:test:d");
}

/* The limit of evidence_math.h: the hard one (or the only one), as a relative or absolute difference. */
static struct gr_dec
gauge_limit(const struct guardrail *g)
{
    struct gr_dec t = g->limit.bounds[0].literal;

    if (g->limit.against == AGAINST_CONTROL_RELATIVE && gr_dec_add(t, GR_DEC(-1, 0), &t) != GR_OK)
        return GR_DEC(0, 0);
    return t.mant < 0 ? gr_dec_neg(t) : t;
}

static bool
has_gauge_limit(const struct guardrail *g, const void *arg)
{
    return tests_value(g, NULL) && gr_dec_cmp(gauge_limit(g), *(const struct gr_dec *)arg) == 0;
}

/* Calls put() for each distinct limit among gauges. rest: the last may stand for all guardrails that no branch before it has. */
static void
each_gauge_limit(struct lower *lo, bool rest,
                 void (*put)(struct lower *lo, const char *which, struct gr_dec limit))
{
    const struct model *m = lo->m;
    struct gr_dec limit = GR_DEC(0, 0), next;
    bool any = false;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        bool first = tests_value(&m->guardrails[i], NULL);

        if (!first)
            continue;
        next = gauge_limit(&m->guardrails[i]);
        for (size_t k = 0; first && k < i; k++)
            first = !has_gauge_limit(&m->guardrails[k], &next);
        if (first && any)
            put(lo, lower_which(lo, has_gauge_limit, &limit), limit);
        limit = first ? next : limit;
        any = any || first;
    }
    if (any)
        put(lo, rest && lo->expr.n > 0 ? "" : lower_which(lo, has_gauge_limit, &limit), limit);
}

/* nu: how many slots the estimate of the variance is worth. */
static void
freedom(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, tests_sum, NULL)) != NULL)
        lower_branch(lo, "(guardrail:test:slots{$S$1} and guardrail:outside{$S}) + $2", which,
                     number(lo, EVIDENCE_COUNT_PRIOR - 1), NULL);
    if ((which = lower_which(lo, tests_value, NULL)) != NULL)
        lower_branch(lo, "(guardrail:test:slots{$S$1} and guardrail:outside{$S}) / 2 + $2",
                     lo->expr.n > 0 ? "" : which, /* all others */
                     number(lo, EVIDENCE_GAUGE_PRIOR - 0.5), NULL);
    lower_record(lo, "guardrail:test:nu");
}

/* 1/T of both cohorts: weighted sums where the metric has weights, as u is made of them. */
static const char *
inverse_weights(struct lower *lo)
{
    const char *plain = lower_which(lo, tests_plain_sum, NULL), *weighted;
    size_t from = lo->expr.n;

    if (plain)
        lower_put(lo, "guardrail:test:n{$S$1}", plain, NULL);
    if ((weighted = lower_which(lo, tests_weighted, NULL)) != NULL)
        lower_put(lo,
                  plain ? " or guardrail:test:sum{$S$1,part=\"total\"$2}"
                        : "guardrail:test:sum{$S$1,part=\"total\"$2}",
                  weighted, lower_not_early(lo), NULL);
    return lower_cut(lo, from);
}

/* How much more the slots' differences vary than independent events would: never less than 1. */
static void
dispersion(struct lower *lo, const char *which)
{
    const char *range = lower_from_start(lo), *inverse = inverse_weights(lo);

    lower_put(lo,
              "clamp_min(($1 + ((guardrail:test:nu{$S$2} - $5) * sum without (cohort, part) (1 / ($3))) ^ 2\n"
              "    * stdvar_over_time(guardrail:slot:delta{$S$2}[$4])\n"
              "    / sum without (cohort) ((guardrail:test:rate{$S} * guardrail:test:n{$S} + 0.5)"
              " * ((1 - guardrail:test:rate{$S}) * guardrail:test:n{$S} + 0.5)\n"
              "      / ((guardrail:test:n{$S} + 1) ^ 2 * guardrail:test:n{$S})))\n"
              "  / guardrail:test:nu{$S}, 1)",
              number(lo, EVIDENCE_COUNT_PRIOR * EVIDENCE_COUNT_DISPERSION), which, inverse, range,
              number(lo, EVIDENCE_COUNT_PRIOR - 1), NULL);
    lower_record(lo, "guardrail:test:phi");
}

/* The prior guess is the floor of a gauge's variance: a constant difference has stdvar 0, and is evidence. */
static void
put_gauge_variance(struct lower *lo, const char *which, struct gr_dec limit)
{
    double guess = EVIDENCE_GAUGE_SPREAD * gr_dec_double(limit);

    lower_branch(lo,
                 "($2 + $3 * guardrail:test:slots{$S$1}\n"
                 "    * ($6 * stdvar_over_time(guardrail:slot:delta{$S$1}[$5])"
                 " < stdvar_over_time(guardrail:slot:delta{$S$1}[$4])\n"
                 "        and count_over_time(guardrail:slot:delta{$S$1}[$5]) >= $7\n"
                 "      or stdvar_over_time(guardrail:slot:delta{$S$1}[$4])))\n"
                 "  / (guardrail:test:nu{$S$1} * guardrail:test:slots{$S$1})",
                 which, number(lo, EVIDENCE_GAUGE_INFLATION * EVIDENCE_GAUGE_PRIOR * guess * guess),
                 number(lo, EVIDENCE_GAUGE_INFLATION / 2), lower_from_start(lo),
                 lower_duration(lo, lower_range_ms(lo, EVIDENCE_GAUGE_RECENT)),
                 number(lo, EVIDENCE_GAUGE_RECENT_FACTOR), lower_uint(lo, EVIDENCE_GAUGE_RECENT), NULL);
}

static void
put_gauge_tau2(struct lower *lo, const char *which, struct gr_dec limit)
{
    double tau = EVIDENCE_GAUGE_TAU * gr_dec_double(limit);

    lower_branch(lo, "guardrail:test:v{$S$1} * 0 + $2", which, number(lo, tau * tau), NULL);
}

/* `> 0`: no bad event anywhere (or no good one) leaves nothing to tell apart, and 0 / 0 would be NaN. */
static void
variance(struct lower *lo)
{
    bool sums = lower_any(lo, tests_sum, NULL);

    lower_branches(lo, "\nor ");
    if (sums)
        lower_branch(lo,
                     "guardrail:test:phi{$S} * guardrail:test:pooled{$S} * (1 - guardrail:test:pooled{$S})"
                     " * sum without (cohort) (1 / guardrail:test:n{$S}) > 0",
                     NULL);
    each_gauge_limit(lo, false, put_gauge_variance);
    lower_record(lo, "guardrail:test:v");
    lower_branches(lo, "\nor ");
    if (sums)
        lower_branch(lo, "guardrail:test:pooled{$S} ^ 2", NULL);
    each_gauge_limit(lo, true, put_gauge_tau2);
    lower_record(lo, "guardrail:test:tau2");
}

static void
log_lambda(struct lower *lo)
{
    lower_put(lo,
              "0.5 * ln(guardrail:test:v{$S} / (guardrail:test:v{$S} + guardrail:test:tau2{$S}))\n"
              "+ (guardrail:test:nu{$S} + 1) / 2\n"
              "  * ln((guardrail:test:nu{$S} + guardrail:test:d{$S} ^ 2 / guardrail:test:v{$S})\n"
              "    / (guardrail:test:nu{$S} + guardrail:test:d{$S} ^ 2"
              " / (guardrail:test:v{$S} + guardrail:test:tau2{$S})))",
              NULL);
    lower_record(lo, "guardrail:evidence");
}

/* -- enough --------------------------------------------------------------------------------------------------------------- */

static bool
is_compared_sum(const struct guardrail *g, const void *arg)
{
    return is_sum(g, arg) && is_compared(g, arg);
}

static bool
is_fixed_sum(const struct guardrail *g, const void *arg)
{
    return is_sum(g, arg) && is_fixed(g, arg);
}

static bool
has_min_total(const struct guardrail *g, const void *arg)
{
    return is_compared_sum(g, NULL) && g->evidence.min_total == *(const uint32_t *)arg;
}

static bool
has_fixed_min_total(const struct guardrail *g, const void *arg)
{
    return is_fixed_sum(g, NULL) && g->evidence.min_total == *(const uint32_t *)arg;
}

static bool
is_backstopped_histogram(const struct guardrail *g, const void *arg)
{
    return is_histogram(g, arg) && has_backstop(g, arg);
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

/* A NaN in a counter makes all sums since the phase's start NaN. The test is blind from then on, and a release must not pass for it. What is
 * recorded, hardly ever anything, are the slices with a NaN in this slot: to look at every bucket since the start would cost more than
 * most of what else is done. `* 0`: 0 of a sum, NaN of NaN and of what is infinite: where that is a denominator the ratio is 0, which looks healthy or is
 * below a limit. What a backstop looks at is told of each cohort alone: control's NaN does not disarm it. */
static void
not_numbers(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, is_compared_sum, NULL)) != NULL)
        lower_branch(lo, "sum without (cohort, part, le) (guardrail:slot:sum{$S$1$2}) * 0 != 0", which,
                     lower_not_early(lo), NULL);
    if ((which = lower_which(lo, is_fixed_sum, NULL)) != NULL)
        lower_branch(lo, "sum without (cohort, part, le) (guardrail:slot:sum{$S$1,cohort=~$T}) * 0 != 0",
                     which, NULL);
    if ((which = lower_which(lo, is_backstopped_histogram, NULL)) != NULL)
        lower_branch(lo, "sum without (part, le) (guardrail:slot:sum{$S$1,cohort!=$K}) * 0 != 0", which,
                     NULL);
    lower_record(lo, "guardrail:slot:nan");
}

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

/* Enough to say anything at all: min_total observations in each cohort (of the canary alone where nothing is compared), and no NaN; five paired
 * slots (one where any excursion is to fire); a fixed limit on a gauge needs only to be covered. */
static void
enough(struct lower *lo)
{
    const char *which;
    bool sums = lower_any(lo, is_sum, NULL);

    lower_branches(lo, "\n  or ");
    put_min_totals(lo, has_min_total, "min without (cohort) (guardrail:test:total{$S$1$3}) >= $2");
    put_min_totals(lo, has_fixed_min_total,
                   "sum without (cohort) (guardrail:test:total{$S$1,cohort=~$T}) >= $2");
    if (sums) {
        which = lower_cut(lo, 0);
        lower_put(lo, "($1)\nunless count_over_time(guardrail:slot:nan{$S}[$2])", which, lower_from_start(lo),
                  NULL);
        lo->separator = "\nor ";
    }
    if ((which = lower_which(lo, tests_value, NULL)) != NULL)
        lower_branch(lo, "guardrail:test:slots{$S$1} >= $2", which, lower_uint(lo, LOWER_PAIRS_MIN), NULL);
    if ((which = lower_which(lo, is_point_value, NULL)) != NULL)
        lower_branch(lo, "guardrail:test:slots{$S$1}", which, NULL);
    if ((which = lower_which(lo, is_fixed_value, NULL)) != NULL)
        lower_branch(lo, "guardrail:coverage{$S$1}", which, NULL);
    lower_record(lo, "guardrail:enough");
}

/* Rates and numbers of slices that are outside their limits: everything that follows is made of these, and mostly there are none. */
static void
pooled(struct lower *lo, const char *which)
{
    const char *early = lower_not_early(lo);

    lower_put(lo, "guardrail:test:total{$S$1$2} > 0 and ignoring (cohort) guardrail:outside{$S}", which,
              early, NULL);
    lower_record(lo, "guardrail:test:n");
    lower_put(lo, "guardrail:test:bad{$S} / guardrail:test:n{$S}", NULL);
    lower_record(lo, "guardrail:test:rate");
    lower_put(lo,
              "sum without (cohort) (guardrail:test:rate{$S} * guardrail:test:n{$S})"
              " / sum without (cohort) (guardrail:test:n{$S})",
              NULL);
    lower_record(lo, "guardrail:test:pooled");
}

void
lower_evidence(struct lower *lo)
{
    const char *which;

    if (lower_any(lo, is_sum, NULL)) {
        lower_put(
            lo,
            lower_any(lo, is_histogram, NULL)
                ? "sum_over_time(guardrail:slot:sum{$S,le=~\"|\\\\+Inf\"}[$1]) and on ($P) guardrail:open{$S}"
                : "sum_over_time(guardrail:slot:sum{$S}[$1]) and on ($P) guardrail:open{$S}",
            lower_from_start(lo), NULL);
        lower_record(lo, "guardrail:test:sum");
        if (lower_any(lo, is_compared_histogram, NULL))
            edges(lo);
        totals(lo);
        bads(lo);
    }
    deltas(lo);
    if ((which = lower_which(lo, tests_sum, NULL)) != NULL)
        pooled(lo, which);
    if (lower_any(lo, is_sequential, NULL)) {
        difference(lo);
        freedom(lo);
        if (which)
            dispersion(lo, which);
        variance(lo);
        log_lambda(lo);
    }
    not_numbers(lo);
    enough(lo);
}
