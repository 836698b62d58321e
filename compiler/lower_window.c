/* lower_window.c - slots pooled over the rolling window, coverage, and the effect that limits are compared with.
 *
 * One rule each, with one branch per distinct window length. Pooling adds parts first and divides then: an average of ratios or of
 * percentiles would be wrong. Windows cannot mix phases or releases, because slots carry both as labels; `and … guardrail:open` cuts
 * off the phases that ended. */
#include "config.h"
#include "lower.h"

uint64_t
lower_window_slots(const struct lower *lo, const struct guardrail *g, const struct phase *p)
{
    return model_window_slots(lo->m, g, p);
}

int64_t
lower_range_ms(const struct lower *lo, uint64_t slots)
{
    int64_t sampling = model_ms(lo->m, lo->m->sampling_ms);

    return (int64_t)slots * sampling - sampling / 2;
}

int64_t
lower_test_range_ms(const struct lower *lo)
{
    int64_t longest = lo->m->sampling_ms;

    for (size_t i = 0; i < lo->m->n_phases; i++) {
        const struct phase *p = &lo->m->phases[i];
        if (p->max_ms > longest)
            longest = p->max_ms;
        if (p->min_ms > longest)
            longest = p->min_ms;
    }
    return model_ms(lo->m, longest);
}

/* -- one branch per window length ------------------------------------------------------------------------------------------- */

/* A set of guardrails that look back over `slots` slots: those with an explicit window in all their phases, or those without in the
 * phases of one minimum duration. */
struct length {
    uint64_t slots;
    int64_t window_ms; /* explicit; 0: the phase's */
    uint32_t phases;   /* when window_ms is 0 */
    lower_pick *kind;
    const void *of;      /* kind's argument */
    lower_pick *implied; /* whose series they are anyway */
};

static bool
has_length(const struct guardrail *g, const void *arg)
{
    const struct length *l = arg;

    return l->kind(g, l->of) && g->window_ms == l->window_ms &&
           (l->window_ms > 0 || (g->phases & l->phases) != 0);
}

/* Calls put(lo, length's matchers, …) for every distinct length among the guardrails of one kind. */
typedef void put_length(struct lower *lo, const char *matchers, const struct length *l);

static void
each_explicit(struct lower *lo, lower_pick *kind, const void *of, lower_pick *implied, put_length *put)
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct guardrail *g = &m->guardrails[i];
        struct length l = {.window_ms = g->window_ms, .kind = kind, .of = of, .implied = implied};
        bool first = g->window_ms > 0 && kind(g, of);

        for (size_t k = 0; first && k < i; k++)
            first = !has_length(&m->guardrails[k], &l);
        if (!first)
            continue;
        l.slots = lower_window_slots(lo, g, &m->phases[0]);
        put(lo, lower_which_of(lo, implied, has_length, &l), &l);
    }
}

static void
each_phase_length(struct lower *lo, lower_pick *kind, const void *of, lower_pick *implied, put_length *put)
{
    const struct model *m = lo->m;
    static const struct guardrail none = {.window_ms = 0};
    uint32_t left = 0;

    for (size_t i = 0; i < m->n_guardrails; i++)
        if (kind(&m->guardrails[i], of) && m->guardrails[i].window_ms == 0)
            left |= m->guardrails[i].phases;
    for (size_t i = 0; i < m->n_phases; i++) {
        struct length l = {.slots = lower_window_slots(lo, &none, &m->phases[i]),
                           .kind = kind,
                           .of = of,
                           .implied = implied};
        const char *which;
        size_t from = lo->expr.n;

        if (!(left & (UINT32_C(1) << i)))
            continue;
        for (size_t j = i; j < m->n_phases; j++)
            if ((left & (UINT32_C(1) << j)) && lower_window_slots(lo, &none, &m->phases[j]) == l.slots)
                l.phases |= UINT32_C(1) << j;
        left &= ~l.phases;
        if ((which = lower_which_of(lo, implied, has_length, &l)) == NULL)
            continue;
        gr_buf_puts(&lo->expr, which);
        gr_buf_puts(&lo->expr, lower_phases(lo, l.phases, false));
        put(lo, lower_cut(lo, from), &l);
    }
}

static void
each_length(struct lower *lo, lower_pick *kind, const void *of, lower_pick *implied, put_length *put)
{
    each_explicit(lo, kind, of, implied, put);
    each_phase_length(lo, kind, of, implied, put);
}

static const char *
range(struct lower *lo, uint64_t slots)
{
    return lower_duration(lo, lower_range_ms(lo, slots));
}

/* -- pooled windows ------------------------------------------------------------------------------------------------------- */

static void
put_sum(struct lower *lo, const char *matchers, const struct length *l)
{
    lower_branch(lo, "sum_over_time(guardrail:slot:sum{$S$1$3}[$2])", matchers, range(lo, l->slots),
                 lower_any(lo, is_histogram, NULL) ? ",part!=\"bucket\"" : "", NULL);
}

static void
put_value(struct lower *lo, const char *matchers, const struct length *l)
{
    lower_branch(lo, "avg_over_time(guardrail:slot:value{$S$1}[$2])", matchers, range(lo, l->slots), NULL);
}

/* `and on (…) guardrail:open` behind all that was composed. */
static void
only_open(struct lower *lo)
{
    size_t from = 0;
    const char *all;

    if (lo->expr.n == 0)
        return;
    all = lower_cut(lo, from);
    lower_put(lo, "($1)\nand on ($P) guardrail:open{$S}", all, NULL);
}

static bool
has_quantile(const struct guardrail *g, const void *arg)
{
    return is_histogram(g, NULL) && gr_dec_cmp(g->metric.quantile, *(const struct gr_dec *)arg) == 0;
}

static void
put_buckets(struct lower *lo, const char *matchers, const struct length *l)
{
    lower_branch(lo, "sum_over_time(guardrail:slot:sum{$S$1,part=\"bucket\"}[$2])", matchers,
                 range(lo, l->slots), NULL);
}

/* One branch per distinct quantile: histogram_quantile() takes a scalar. The pooled buckets are not recorded: they are most of the series
 * that a specification with histograms would have, and nothing else reads them. */
static void
quantiles(struct lower *lo)
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct gr_dec *q = &m->guardrails[i].metric.quantile;
        bool first = is_histogram(&m->guardrails[i], NULL);
        const char *before, *buckets;

        for (size_t k = 0; first && k < i; k++)
            first = !has_quantile(&m->guardrails[k], q);
        if (!first)
            continue;
        before = lower_cut(lo, 0);
        each_length(lo, has_quantile, q, is_histogram, put_buckets);
        buckets = lower_cut(lo, 0);
        lower_put(lo, "$1", before, NULL);
        lower_branch(lo, "sum without (part) (histogram_quantile($2, $1)) > -Inf < +Inf", buckets,
                     lower_dec(lo, *q), NULL);
    }
}

static void
pooled(struct lower *lo)
{
    lower_branches(lo, "\n  or ");
    each_length(lo, is_ratio, NULL, is_ratio, put_sum);
    only_open(lo);
    lower_record(lo, "guardrail:window:sum");

    lower_branches(lo, "\n  or ");
    if (lower_any(lo, is_ratio, NULL))
        lower_branch(lo,
                     "guardrail:window:sum{$S,part=~\"bad|good\"}"
                     " / ignoring (part) (guardrail:window:sum{$S,part=\"total\"} > 0 < +Inf) > -Inf < +Inf",
                     NULL);
    quantiles(lo);
    each_length(lo, is_value, NULL, is_value, put_value);
    only_open(lo);
    lower_record(lo, "guardrail:window:value");
}

/* -- coverage --------------------------------------------------------------------------------------------------------------- */

static void
put_sum_count(struct lower *lo, const char *matchers, const struct length *l)
{
    lower_branch(
        lo, "count_over_time(guardrail:slot:sum{$S$1,part=~\"total|bucket\",le=~\"|\\\\+Inf\"}[$2]) / $3",
        matchers, range(lo, l->slots), lower_uint(lo, l->slots), NULL);
}

static void
put_value_count(struct lower *lo, const char *matchers, const struct length *l)
{
    lower_branch(lo, "count_over_time(guardrail:slot:value{$S$1}[$2]) / $3", matchers, range(lo, l->slots),
                 lower_uint(lo, l->slots), NULL);
}

/* Share of the expected slots: where control is compared the smaller of the cohorts' (a control that vanished half an hour ago must not
 * look covered) while the canary reports at all; elsewhere the canary's. */
static void
coverage(struct lower *lo)
{
    const char *counts, *which;

    lower_branches(lo, "\n  or ");
    each_length(lo, is_sum, NULL, is_sum, put_sum_count);
    each_length(lo, is_value, NULL, is_value, put_value_count);
    counts = lower_cut(lo, 0);
    lower_put(lo, "max without (part, le) (\n  $1)\nand on ($P) guardrail:open{$S}", counts, NULL);
    lower_record(lo, "guardrail:coverage:cohort");
    lower_branches(lo, "\nor ");
    if ((which = lower_which(lo, is_fixed, NULL)) != NULL)
        lower_branch(lo, "sum without (cohort) (guardrail:coverage:cohort{$S$1,cohort=~$T})", which, NULL);
    if (lower_any(lo, is_compared, NULL)) /* all others */
        lower_branch(lo,
                     "min without (cohort) (guardrail:coverage:cohort{$S$1})\n"
                     "and ignoring (cohort) guardrail:coverage:cohort{$S,cohort=$C}",
                     lower_not_early(lo), NULL);
    lower_record(lo, "guardrail:coverage");
}

/* -- effect ------------------------------------------------------------------------------------------------------------------ */

static bool
has_floor(const struct guardrail *g, const void *arg)
{
    return g->limit.against == AGAINST_CONTROL_RELATIVE && g->limit.floor.mant != 0 &&
           gr_dec_cmp(g->limit.floor, *(const struct gr_dec *)arg) == 0;
}

static bool
has_no_floor(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return g->limit.against == AGAINST_CONTROL_RELATIVE && g->limit.floor.mant == 0;
}

static bool
is_points(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return g->limit.against == AGAINST_CONTROL_POINTS;
}

static void
floors(struct lower *lo)
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct gr_dec *floor = &m->guardrails[i].limit.floor;
        bool first = has_floor(&m->guardrails[i], floor);

        for (size_t k = 0; first && k < i; k++)
            first = !has_floor(&m->guardrails[k], floor);
        if (first)
            lower_branch(lo,
                         "guardrail:window:value{$S$1,cohort=$C}\n"
                         "  / ignoring (cohort) clamp_min(guardrail:window:value{$S$1,cohort=$K}, $2)",
                         lower_which(lo, has_floor, floor), lower_dec(lo, *floor), NULL);
    }
}

/* Relative: canary ÷ control, NOT minus 1: 11/10 − 1 > 0.1 is true in floating point, 11/10 > 1.1 is not, and "exactly at the limit is
 * inside". A ratio's control is raised to its floor; elsewhere a control of zero, or so near to it that the
 * quotient overflows, gives no effect, hence insufficient, never Inf. */
static void
effect(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    floors(lo);
    if ((which = lower_which(lo, has_no_floor, NULL)) != NULL)
        lower_branch(lo,
                     "guardrail:window:value{$S$1,cohort=$C}\n"
                     "  / ignoring (cohort) (guardrail:window:value{$S$1,cohort=$K} > 0) < +Inf",
                     which, NULL);
    if ((which = lower_which(lo, is_points, NULL)) != NULL)
        lower_branch(lo,
                     "guardrail:window:value{$S$1,cohort=$C}\n"
                     "  - ignoring (cohort) guardrail:window:value{$S$1,cohort=$K}",
                     which, NULL);
    if ((which = lower_which(lo, is_fixed, NULL)) != NULL)
        lower_branch(lo, "sum without (cohort) (guardrail:window:value{$S$1,cohort=~$T})", which, NULL);
    lower_record(lo, "guardrail:effect");
}

void
lower_windows(struct lower *lo)
{
    pooled(lo);
    coverage(lo);
    effect(lo);
}
