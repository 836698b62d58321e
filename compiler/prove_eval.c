/* prove_eval.c - from raw samples to slots, windows, effect and evidence, as docs/rule-reference.md says. */
#include "config.h"
#include "prove.h"

#include <math.h>

#include "evidence_math.h"

#define GAP_S 300.0 /* a phase survives so long without a scrape */

double
prove_time_s(const struct prove_world *w, size_t k)
{
    return (double)k * (double)w->step_ms / 1000;
}

static double
scrape_s(const struct prove_world *w)
{
    return (double)w->m->scrape_ms / 1000;
}

static double
sampling_s(const struct prove_world *w)
{
    return (double)w->m->sampling_ms / 1000;
}

static bool
is_counted(const struct guardrail *g)
{
    return g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD ||
           g->metric.kind == METRIC_HISTOGRAM;
}

static bool
backstopped(const struct guardrail *g)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (side_is_backstop(g->limit.bounds[i].side))
            return true;
    return false;
}

/* -- phases ------------------------------------------------------------------------------------------------------------------ */

/* The last scrape of [from, to) at or before t that is not older than `age`; or -1. */
static int64_t
last_scrape(const struct prove_world *w, double t, double age, size_t from, size_t to)
{
    int64_t i = (int64_t)floor(t / scrape_s(w) + 1e-9);
    double at;

    if (i >= (int64_t)to)
        i = (int64_t)to - 1;
    at = (double)i * scrape_s(w);
    if (i < (int64_t)from || at < t - age || (w->left_open && at <= t - age))
        return -1;
    return i;
}

static void
find_active(struct prove_world *w, struct prove_stream *s, size_t k)
{
    double t = prove_time_s(w, k), newest = 0;

    s->active[k] = -1;
    for (size_t e = 0; e < s->n_exports; e++) {
        const struct prove_export *x = &s->exports[e];
        int64_t i = last_scrape(w, t, GAP_S, x->from, x->to);

        if (i < 0 || i < (int64_t)x->on || i >= (int64_t)x->off ||
            last_scrape(w, t, GAP_S, x->from, x->start_to) < 0)
            continue;
        if (s->active[k] < 0 || x->start_s > newest) {
            s->active[k] = (int)e;
            newest = x->start_s;
        }
    }
}

const struct prove_export *
prove_active(const struct prove_stream *s, size_t k)
{
    return s->active[k] < 0 ? NULL : &s->exports[s->active[k]];
}

bool
prove_gate(const struct prove_world *w, const struct prove_stream *s, size_t k)
{
    const struct prove_export *x = prove_active(s, k);

    return x && x->start_s <= prove_time_s(w, k) - sampling_s(w) - scrape_s(w);
}

bool
prove_overdue(const struct prove_world *w, const struct prove_stream *s, size_t k)
{
    const struct prove_export *x = prove_active(s, k);
    int64_t max = x ? w->m->phases[x->phase].max_ms : 0;

    return max > 0 && prove_time_s(w, k) - x->start_s > (double)max / 1000;
}

static bool
watched(const struct prove_world *w, const struct prove_stream *s, size_t k)
{
    const struct prove_export *x = prove_active(s, k);

    return x && (w->g->phases >> x->phase & 1u);
}

bool
prove_expects(const struct prove_world *w, const struct prove_stream *s, const struct slice *slice, size_t k)
{
    const struct phase *p;

    if (!slice || !watched(w, s, k))
        return false;
    p = &w->m->phases[prove_active(s, k)->phase];
    for (size_t i = 0; i < slice->labels.n && w->m->flow_label.n > 0; i++)
        if (gr_str_eq(slice->labels.v[i].key, w->m->flow_label))
            for (size_t j = 0; j < p->n_traffic; j++)
                if (gr_str_eq(p->traffic[j].flow, slice->labels.v[i].value) && p->traffic[j].ratio.mant == 0)
                    return false;
    return true;
}

/* -- ranges of samples ------------------------------------------------------------------------------------------------------- */

struct range {
    const double *v;
    size_t first, last; /* scrapes that may hold samples */
    double start, end;  /* seconds */
    bool any;
};

static struct range
range_at(const struct prove_world *w, const double *v, double end, double length)
{
    struct range r = {.v = v, .start = end - length, .end = end};
    double first = ceil(r.start / scrape_s(w) - 1e-9);

    if (w->left_open && first * scrape_s(w) <= r.start + 1e-9)
        first += 1;
    r.first = first < 0 ? 0 : (size_t)first;
    r.last = (size_t)floor(end / scrape_s(w) + 1e-9);
    if (r.last >= w->scrapes)
        r.last = w->scrapes - 1;
    r.any = v != NULL;
    return r;
}

static bool
present(double v)
{
    return isnan(v) || isinf(v) || v > PROVE_NONE; /* -Inf is a sample */
}

/* Prometheus' own extrapolation to the ends of the range (promql/functions.go, extrapolatedRate). */
static double
extrapolated(const struct prove_world *w, const struct range *r, double increase, double first_v,
             size_t first, size_t last, size_t n)
{
    double to_start = (double)first * scrape_s(w) - r->start, to_end = r->end - (double)last * scrape_s(w);
    double sampled = (double)(last - first) * scrape_s(w), average = sampled / (double)(n - 1), to = sampled;

    if (increase > 0 && first_v >= 0) {
        double to_zero = sampled * (first_v / increase);
        if (to_zero < to_start)
            to_start = to_zero;
    }
    to += to_start < average * 1.1 ? to_start : average / 2;
    to += to_end < average * 1.1 ? to_end : average / 2;
    return increase * (to / sampled);
}

static double
increase(const struct prove_world *w, const double *v, double end)
{
    struct range r = range_at(w, v, end, sampling_s(w) + scrape_s(w));
    size_t n = 0, first = 0, last = 0;
    double sum = 0;

    for (size_t i = r.first; r.any && i <= r.last; i++) {
        if (!present(v[i]))
            continue;
        if (n == 0)
            first = i;
        else if (v[i] < v[last])
            sum += v[last];
        last = i;
        n++;
    }
    if (n < 2)
        return PROVE_NONE;
    sum += v[last] - v[first];
    return extrapolated(w, &r, sum, v[first], first, last, n);
}

/* Kahan and Neumaier, as Prometheus adds up. */
static void
add_kahan(double inc, double *sum, double *c)
{
    double t = *sum + inc;

    *c += fabs(*sum) >= fabs(inc) ? *sum - t + inc : inc - t + *sum;
    *sum = t;
}

struct mean {
    double mean, c, n;
};

static void
add_mean(struct mean *a, double v)
{
    a->n += 1;
    add_kahan(v / a->n - a->mean / a->n, &a->mean, &a->c);
}

static double
reduced(const struct prove_world *w, const double *v, double end)
{
    struct range r = range_at(w, v, end, sampling_s(w));
    struct mean mean = {0, 0, 0};
    double most = PROVE_NONE;

    for (size_t i = r.first; r.any && i <= r.last; i++) {
        if (!present(v[i]))
            continue;
        add_mean(&mean, v[i]);
        if (mean.n < 2 || isnan(most) || (w->g->metric.reduce == REDUCE_MAX ? v[i] > most : v[i] < most))
            most = v[i];
    }
    if (mean.n < 1)
        return PROVE_NONE;
    most = w->g->metric.reduce == REDUCE_AVG ? mean.mean + mean.c : most;
    return isfinite(most) ? most : PROVE_NONE;
}

/* -- slots ------------------------------------------------------------------------------------------------------------------- */

/* Parts of a slot: of ratios 0 is the total, 1 bad or good, 2 the squares; of histograms the buckets; else 0 the value. */
enum { TOTAL = 0, PART = 1, SQUARE = 2 };

/* Sum over instances and weights of one counter; which: TOTAL or PART among a weight's two. */
static double
counted(const struct prove_world *w, const struct prove_cell *c, size_t cohort, size_t which, bool squares,
        double end)
{
    const struct metric *mt = &w->g->metric;
    size_t tiers = mt->n_weights > 0 ? mt->n_weights : 1;
    double sum = PROVE_NONE;

    for (size_t t = 0; t < tiers; t++)
        for (size_t i = 0; i < PROVE_INSTANCES; i++) {
            double inc = increase(w, c->raw[cohort][2 * t + which][i], end);
            double weight = mt->n_weights > 0 ? gr_dec_double(mt->weights[t].weight) : 1;

            if (present(inc))
                sum = (present(sum) ? sum : 0) + inc * (squares ? weight * weight : weight);
        }
    return sum;
}

static double
share(const struct prove_world *w)
{
    return sampling_s(w) / (sampling_s(w) + scrape_s(w));
}

static void
ratio_slot(const struct prove_world *w, struct prove_cell *c, size_t from, size_t to, size_t k)
{
    double t = prove_time_s(w, k), total = counted(w, c, from, TOTAL, false, t),
           part = counted(w, c, from, PART, false, t), square = counted(w, c, from, TOTAL, true, t);
    bool good = w->g->metric.kind == METRIC_RATIO_GOOD;

    if (good && present(part))
        c->good[to][k] = part * share(w);
    if (present(total) && (!good || present(part))) {
        c->slot[to][TOTAL][k] = total * share(w);
        c->slot[to][PART][k] = (present(part) ? part : total * 0) * share(w);
    }
    if (w->g->metric.n_weights > 0 && present(square))
        c->slot[to][SQUARE][k] = square * share(w);
}

static void
value_slot(const struct prove_world *w, struct prove_cell *c, size_t from, size_t to, size_t k)
{
    double t = prove_time_s(w, k), v[PROVE_INSTANCES], most = PROVE_NONE;
    struct mean mean = {0, 0, 0};

    for (size_t i = 0; i < PROVE_INSTANCES; i++) {
        if (w->g->metric.kind == METRIC_PROMQL) {
            int64_t at = c->raw[from][0][i] ? last_scrape(w, t, GAP_S, 0, w->scrapes) : -1;
            while (at >= 0 && !present(c->raw[from][0][i][at]))
                at--;
            v[i] = at < 0 || (double)at * scrape_s(w) < t - GAP_S
                       ? PROVE_NONE
                       : prove_expression(w, c->raw[from][0][i][at]);
            v[i] = isfinite(v[i]) ? v[i] : PROVE_NONE;
        } else {
            v[i] = reduced(w, c->raw[from][0][i], t);
        }
        if (!present(v[i]))
            continue;
        mean.n += 1;
        mean.mean = mean.n < 2 ? v[i] : mean.mean + (v[i] / mean.n - mean.mean / mean.n);
        if (mean.n < 2 || (w->g->metric.reduce == REDUCE_MAX ? v[i] > most : v[i] < most))
            most = v[i];
    }
    if (mean.n > 0)
        c->slot[to][0][k] = w->g->metric.reduce == REDUCE_AVG ? mean.mean : most;
}

static void
one_slot(const struct prove_world *w, struct prove_cell *c, size_t from, size_t to, size_t k)
{
    if (w->g->metric.kind == METRIC_HISTOGRAM) {
        for (size_t e = 0; e < w->n_edges; e++) {
            double sum = PROVE_NONE;

            for (size_t i = 0; i < PROVE_INSTANCES; i++) {
                double inc = increase(w, c->raw[from][e][i], prove_time_s(w, k));
                if (present(inc))
                    sum = (present(sum) ? sum : 0) + inc;
            }
            if (present(sum))
                c->slot[to][e][k] = sum * share(w);
        }
    } else if (is_counted(w->g)) {
        ratio_slot(w, c, from, to, k);
    } else {
        value_slot(w, c, from, to, k);
    }
}

/* Comparisons count once the gate is open, fixed limits at once; of guardrails with a backstop the canary's slots before the gate are
 * a cohort of their own. */
static void
record_slots(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    bool gate = prove_gate(w, s, k);

    if (!watched(w, s, k))
        return;
    if (backstopped(w->g)) {
        one_slot(w, c, PROVE_CANARY, gate ? PROVE_CANARY : PROVE_EARLY, k);
        if (gate)
            one_slot(w, c, PROVE_CONTROL, PROVE_CONTROL, k);
    } else if (gate || w->g->limit.against == AGAINST_FIXED) {
        one_slot(w, c, PROVE_CANARY, PROVE_CANARY, k);
        if (!w->g->stream_scope)
            one_slot(w, c, PROVE_CONTROL, PROVE_CONTROL, k);
    }
}

bool
prove_has_slot(const struct prove_world *w, const struct prove_cell *c, enum prove_cohort cohort, size_t k)
{
    size_t part = w->g->metric.kind == METRIC_HISTOGRAM ? w->n_edges - 1 : 0;

    return present(c->slot[cohort][part][k]);
}

/* -- windows ----------------------------------------------------------------------------------------------------------------- */

uint64_t
prove_slots(const struct prove_world *w, size_t phase)
{
    return model_window_slots(w->m, w->g, &w->m->phases[phase]);
}

#define FOREVER 0

/* Whether a slot of step j counts at step k: the same phase of the same release, and less than `slots` samplings old (0: since the
 * phase's start). */
static bool
within(const struct prove_world *w, const struct prove_stream *s, size_t j, size_t k, double slots)
{
    double age = prove_time_s(w, k) - prove_time_s(w, j);

    return s->active[j] == s->active[k] && age < (slots > 0 ? (slots - 0.5) * sampling_s(w) : w->test_s);
}

/* Sum of one part's slots; PROVE_NONE without any. *n: how many. */
static double
pooled(const struct prove_world *w, const struct prove_stream *s, const double *slots, size_t k,
       double length, double *n)
{
    double sum = 0, c = 0;

    *n = 0;
    for (size_t j = 0; j <= k; j++)
        if (within(w, s, j, k, length) && present(slots[j])) {
            add_kahan(slots[j], &sum, &c);
            *n += 1;
        }
    return *n <= 0 ? PROVE_NONE : isinf(sum) ? sum : sum + c; /* as sum_over_time() */
}

/* histogram_quantile() of cumulated buckets (promql/quantile.go). A count below that of a lower edge is raised to it. */
static double
quantile(const struct prove_world *w, const double *cumulated)
{
    double count[GR_COUNT(w->edges)], q = gr_dec_double(w->g->metric.quantile), all, rank, low, in_bucket;
    size_t b = 0;

    for (size_t i = 0, most = 0; i < w->n_edges; i++) {
        count[i] = cumulated[i];
        if (count[i] > count[most])
            most = i;
        else if (count[i] < count[most])
            count[i] = count[most];
    }
    all = count[w->n_edges - 1];
    rank = q * all;

    if (fabs(all) <= 0) /* of NaN it makes the last edge */
        return PROVE_NONE;
    for (size_t end = w->n_edges - 1; b < end;) { /* by halves: where a bucket is NaN, the way decides */
        size_t half = (b + end) / 2;
        if (count[half] >= rank)
            end = half;
        else
            b = half + 1;
    }
    if (b == w->n_edges - 1)
        return w->edges[w->n_edges - 2];
    if (b == 0 && w->edges[0] <= 0)
        return w->edges[0];
    low = b > 0 ? w->edges[b - 1] : 0;
    in_bucket = count[b] - (b > 0 ? count[b - 1] : 0);
    rank -= b > 0 ? count[b - 1] : 0;
    return low + (w->edges[b] - low) * (rank / in_bucket);
}

static double
value_of(const struct prove_world *w, const double *part)
{
    double v;

    if (w->g->metric.kind == METRIC_HISTOGRAM) {
        v = quantile(w, part);
        return isfinite(v) ? v : PROVE_NONE;
    }
    if (!(part[TOTAL] > 0) || isinf(part[TOTAL]) || !present(part[PART]))
        return PROVE_NONE;
    v = part[PART] / part[TOTAL];
    return isfinite(v) ? v : PROVE_NONE;
}

double
prove_slot_value(const struct prove_world *w, const struct prove_cell *c, enum prove_cohort cohort, size_t k)
{
    double part[PROVE_PARTS];

    for (size_t p = 0; p < w->n_parts; p++)
        part[p] = c->slot[cohort][p][k];
    return is_counted(w->g) ? value_of(w, part) : part[0];
}

static void
window(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t cohort,
       size_t k)
{
    struct prove_state *st = &c->state[k];
    const struct prove_export *x = prove_active(s, k);
    uint64_t slots = x ? prove_slots(w, x->phase) : 1;
    double part[PROVE_PARTS], n = 0, seen = 0;
    struct mean mean = {0, 0, 0};

    if (is_counted(w->g)) {
        for (size_t p = 0; p < w->n_parts; p++) {
            part[p] = pooled(w, s, c->slot[cohort][p], k, (double)slots, &n);
            if (p == (w->g->metric.kind == METRIC_HISTOGRAM ? w->n_edges - 1 : TOTAL))
                seen = n;
        }
        st->window[cohort] = seen > 0 ? value_of(w, part) : PROVE_NONE;
    } else {
        for (size_t j = 0; j <= k; j++)
            if (within(w, s, j, k, (double)slots) && present(c->slot[cohort][0][j]))
                add_mean(&mean, c->slot[cohort][0][j]);
        seen = mean.n;
        st->window[cohort] = seen > 0 ? mean.mean + mean.c : PROVE_NONE;
    }
    st->covered[cohort] = seen > 0 ? seen / (double)slots : PROVE_NONE;
}

static double
effect_of(const struct prove_world *w, const struct prove_state *st)
{
    const struct limit *l = &w->g->limit;
    double canary = st->window[PROVE_CANARY], control = st->window[PROVE_CONTROL], e;

    if (!present(canary) || (l->against != AGAINST_FIXED && !present(control)))
        return PROVE_NONE;
    if (l->against == AGAINST_FIXED)
        return canary;
    if (l->against == AGAINST_CONTROL_POINTS)
        return canary - control;
    if (l->floor.mant != 0)
        return canary / fmax(control, gr_dec_double(l->floor));
    if (!(control > 0))
        return PROVE_NONE;
    e = canary / control;
    return isfinite(e) ? e : PROVE_NONE;
}

static double
coverage_of(const struct prove_world *w, const struct prove_state *st)
{
    double canary = st->covered[PROVE_CANARY], control = st->covered[PROVE_CONTROL];

    if (!present(canary) || w->g->limit.against == AGAINST_FIXED || !present(control))
        return canary;
    return canary < control ? canary : control;
}

/* -- evidence ---------------------------------------------------------------------------------------------------------------- */

/* NaN, too: it makes the quotient NaN. */
static bool
divides(double x)
{
    return present(x) && !(fabs(x) <= 0);
}

/* Observations and bad events since the phase's start. edge: of histograms, the first at or above control's quantile. */
static void
test_sums(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    struct prove_state *st = &c->state[k];
    const struct metric *mt = &w->g->metric;
    double sum[PROVE_COHORTS][PROVE_PARTS], n = 0, q = gr_dec_double(mt->quantile);
    size_t last = w->n_edges - 1, edge = last;

    for (size_t h = 0; h < PROVE_COHORTS; h++) {
        for (size_t p = 0; p < w->n_parts; p++)
            sum[h][p] = pooled(w, s, c->slot[h][p], k, FOREVER, &n);
        if (mt->kind == METRIC_HISTOGRAM) {
            st->total[h] = sum[h][last];
            continue;
        }
        st->total[h] = sum[h][TOTAL];
        if (mt->n_weights > 0 && present(sum[h][TOTAL]))
            st->total[h] =
                divides(sum[h][SQUARE]) ? sum[h][TOTAL] * sum[h][TOTAL] / sum[h][SQUARE] : PROVE_NONE;
        st->bad[h] = sum[h][PART];
        if (present(st->bad[h]) && (mt->n_weights > 0 || mt->kind == METRIC_RATIO_GOOD)) {
            double part = divides(sum[h][TOTAL]) ? sum[h][PART] / sum[h][TOTAL] : PROVE_NONE;
            part = mt->kind == METRIC_RATIO_GOOD && present(part) ? 1 - part : part;
            st->bad[h] = present(part) && present(st->total[h]) ? part * st->total[h] : PROVE_NONE;
        }
    }
    if (mt->kind != METRIC_HISTOGRAM || !(sum[PROVE_CONTROL][last] > 0) || isinf(sum[PROVE_CONTROL][last]))
        return;
    for (size_t e = last; e-- > 0;) /* the share least above, where buckets do not grow */
        if (sum[PROVE_CONTROL][e] / sum[PROVE_CONTROL][last] >= q &&
            sum[PROVE_CONTROL][e] <= sum[PROVE_CONTROL][edge])
            edge = e;
    for (size_t h = 0; h < PROVE_COHORTS && w->g->limit.against != AGAINST_FIXED; h++)
        if (sum[h][last] > 0)
            st->bad[h] = (1 - sum[h][edge] / sum[h][last]) * st->total[h];
}

/* Number, mean and variance (the population's) of what so many of the newest slots recorded as their difference;
 * FOREVER: all since the phase's start. */
static struct evidence_pairs
differences(const struct prove_world *w, const struct prove_stream *s, const struct prove_cell *c, size_t k,
            double slots)
{
    struct mean mean = {0, 0, 0};
    double squares = 0, m;

    for (size_t j = 0; j <= k; j++)
        if (within(w, s, j, k, slots) && present(c->delta[j]))
            add_mean(&mean, c->delta[j]);
    m = mean.mean + mean.c;
    for (size_t j = 0; j <= k; j++)
        if (within(w, s, j, k, slots) && present(c->delta[j]))
            squares += (c->delta[j] - m) * (c->delta[j] - m);
    return (struct evidence_pairs){
        .slots = mean.n, .mean = m, .stdvar = mean.n > 0 ? squares / mean.n : 0, .recent = -1};
}

static void
evidence_counted(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    struct prove_state *st = &c->state[k];
    struct evidence_pairs slots = differences(w, s, c, k, FOREVER);
    struct evidence_counts e = {.slots = slots.slots, .stdvar = slots.stdvar};
    struct evidence_cohort *cohorts[] = {&e.canary, &e.control};
    double p, n;

    for (size_t h = 0; h < 2; h++) {
        if (!(st->total[h] > 0) || !present(st->bad[h]))
            return;
        cohorts[h]->bad = st->bad[h];
        cohorts[h]->total = cohorts[h]->weight = st->total[h];
        if (w->g->metric.n_weights > 0)
            cohorts[h]->weight = pooled(w, s, c->slot[h][TOTAL], k, FOREVER, &n);
    }
    st->difference = evidence_counts_difference(&e);
    if (w->g->metric.kind == METRIC_RATIO_GOOD)
        st->difference = -st->difference;
    p = (e.canary.bad + e.control.bad) / (e.canary.total + e.control.total);
    if (e.slots > 0 && p * (1 - p) > 0)
        st->evidence = evidence_counts(&e);
}

static double
limit_of(const struct guardrail *g)
{
    double t = gr_dec_double(g->limit.bounds[0].literal);

    return fabs(g->limit.against == AGAINST_CONTROL_RELATIVE ? t - 1 : t);
}

/* As evidence_pairs(), which says nothing before the fifth slot; the series is there from the first, and not enough by itself. */
static void
evidence_paired(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    struct prove_state *st = &c->state[k];
    struct evidence_pairs e = differences(w, s, c, k, FOREVER);
    struct evidence_pairs recent = differences(w, s, c, k, EVIDENCE_GAUGE_RECENT);
    double limit = limit_of(w->g), spread = EVIDENCE_GAUGE_SPREAD * limit,
           nu = EVIDENCE_GAUGE_PRIOR + (e.slots - 1) / 2, v;

    if (e.slots < 1)
        return;
    if (w->g->evidence.kind == EVIDENCE_POINT) {
        st->enough = e.slots;
        return;
    }
    st->difference = e.mean;
    if (e.slots >= EVIDENCE_PAIRS_MIN)
        st->enough = e.slots;
    if (recent.slots >= EVIDENCE_GAUGE_RECENT)
        e.stdvar = fmin(e.stdvar, EVIDENCE_GAUGE_RECENT_FACTOR * recent.stdvar);
    v = EVIDENCE_GAUGE_INFLATION * (EVIDENCE_GAUGE_PRIOR * spread * spread + e.slots * e.stdvar / 2) /
        (nu * e.slots);
    st->evidence = evidence_log(e.mean, v, EVIDENCE_GAUGE_TAU * limit, nu);
}

/* What is not finite since the phase's start makes the sums so for good. */
static void
enough_counted(const struct prove_world *w, struct prove_state *st, bool nan)
{
    double least = st->total[PROVE_CANARY];

    if (w->g->limit.against != AGAINST_FIXED && present(st->total[PROVE_CONTROL]))
        least = present(least) ? fmin(least, st->total[PROVE_CONTROL]) : st->total[PROVE_CONTROL];
    if (!nan && present(least) && least >= w->g->evidence.min_total)
        st->enough = least;
}

static void
find_nan(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    for (size_t h = 0; h < PROVE_COHORTS; h++)
        for (size_t p = 0; p < w->n_parts; p++)
            for (size_t j = 0; j <= k; j++)
                if (within(w, s, j, k, FOREVER) && !isfinite(c->slot[h][p][j]))
                    c->state[k].spoilt[h] = true;
}

/* -- one cell ---------------------------------------------------------------------------------------------------------------- */

static void
record_delta(const struct prove_world *w, struct prove_cell *c, size_t k)
{
    double canary = c->slot[PROVE_CANARY][0][k], control = c->slot[PROVE_CONTROL][0][k];

    if (is_counted(w->g) || !present(canary) || !present(control))
        return;
    if (w->g->limit.against == AGAINST_CONTROL_RELATIVE && control > 0)
        c->delta[k] = isfinite(canary / control) ? canary / control - 1 : PROVE_NONE;
    else if (w->g->limit.against == AGAINST_CONTROL_POINTS)
        c->delta[k] = canary - control;
}

/* Control's share up to an edge since the phase's start. */
static double
share_up_to(const struct prove_world *w, const struct prove_stream *s, const struct prove_cell *c, size_t e,
            size_t k)
{
    double n, all = pooled(w, s, c->slot[PROVE_CONTROL][w->n_edges - 1], k, FOREVER, &n);

    return all > 0 ? pooled(w, s, c->slot[PROVE_CONTROL][e], k, FOREVER, &n) / all : PROVE_NONE;
}

/* The first bucket edge at or above control's own quantile since the phase's start; n_edges without one. */
static size_t
edge_at(const struct prove_world *w, const struct prove_stream *s, const struct prove_cell *c, size_t k)
{
    double q = gr_dec_double(w->g->metric.quantile);

    for (size_t e = 0; e < w->n_edges; e++)
        if (share_up_to(w, s, c, e, k) >= q)
            return e;
    return w->n_edges;
}

/* A cohort's count of one slot up to the edge; of edges that tie, the least. */
static double
slot_up_to(const struct prove_world *w, const struct prove_stream *s, const struct prove_cell *c, size_t h,
           size_t edge, size_t k)
{
    double least = c->slot[h][edge][k], tied = share_up_to(w, s, c, edge, k);

    for (size_t e = edge + 1; e < w->n_edges; e++)
        if (fabs(share_up_to(w, s, c, e, k) - tied) <= 0 && present(c->slot[h][e][k]))
            least = fmin(least, c->slot[h][e][k]);
    return least;
}

/* u of evidence_math.h, of this slot. A quantile's rate is the share up to the edge: only the sign differs. */
static void
record_score(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    bool histogram = w->g->metric.kind == METRIC_HISTOGRAM;
    size_t all = histogram ? w->n_edges - 1 : TOTAL, part = histogram ? edge_at(w, s, c, k) : PART;
    double rate[2], total[2];

    for (size_t h = 0; h < 2; h++) {
        total[h] = c->slot[h][all][k];
        if (!(total[h] > 0) || (histogram && part == w->n_edges) || !present(c->slot[h][part][k]))
            return;
        rate[h] = (histogram ? slot_up_to(w, s, c, h, part, k) : c->slot[h][part][k]) / total[h];
    }
    c->delta[k] =
        evidence_score(rate[PROVE_CANARY], rate[PROVE_CONTROL], total[PROVE_CANARY], total[PROVE_CONTROL]);
}

static void
take_feed(const struct prove_world *w, const struct prove_feed *f, struct prove_state *st)
{
    st->effect = f->effect;
    st->coverage = f->coverage;
    st->evidence = f->evidence;
    st->difference = f->difference;
    st->enough = w->g->limit.against == AGAINST_FIXED && !is_counted(w->g) ? f->coverage : f->enough;
    st->bad[PROVE_CANARY] = f->bad;
    st->window[PROVE_CANARY] = f->window;
}

static void
step(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k)
{
    struct prove_state *st = &c->state[k];

    *st = (struct prove_state){.coverage = PROVE_NONE,
                               .effect = PROVE_NONE,
                               .evidence = PROVE_NONE,
                               .difference = PROVE_NONE,
                               .enough = PROVE_NONE,
                               .verdict = -1,
                               .reason = NULL};
    for (size_t h = 0; h < PROVE_COHORTS; h++)
        st->window[h] = st->covered[h] = st->total[h] = st->bad[h] = PROVE_NONE;
    for (size_t i = 0; i < PROVE_BOUNDS; i++)
        st->limit[i] = st->breach[i] = st->supported[i] = PROVE_NONE;
    if (!prove_active(s, k))
        return;
    if (c->feed) {
        if (!c->feed->left_behind && !(fabs(c->feed->stranger) > 0) && !c->feed->proved &&
            !c->feed->weightless)
            take_feed(w, c->feed, st);
        prove_judge(w, s, c, k);
        return;
    }
    record_slots(w, s, c, k);
    record_delta(w, c, k);
    for (size_t h = 0; h < PROVE_COHORTS; h++)
        window(w, s, c, h, k);
    st->effect = effect_of(w, st);
    st->coverage = coverage_of(w, st);
    if (is_counted(w->g)) {
        test_sums(w, s, c, k);
        if (w->g->limit.against != AGAINST_FIXED && w->g->evidence.kind == EVIDENCE_SEQUENTIAL) {
            record_score(w, s, c, k);
            evidence_counted(w, s, c, k);
        }
        find_nan(w, s, c, k);
        enough_counted(w, st,
                       st->spoilt[PROVE_CANARY] ||
                           (w->g->limit.against != AGAINST_FIXED && st->spoilt[PROVE_CONTROL]));
    } else if (w->g->limit.against == AGAINST_FIXED) {
        st->enough = st->coverage;
    } else {
        evidence_paired(w, s, c, k);
    }
    prove_judge(w, s, c, k);
}

static double *
row(struct prove_world *w)
{
    double *v = gr_arena_array(w->arena, w->steps, sizeof *v);

    for (size_t i = 0; v && i < w->steps; i++)
        v[i] = PROVE_NONE;
    if (!v)
        w->err = GR_ENOMEM;
    return v;
}

static void
cell(struct prove_world *w, const struct prove_stream *s, struct prove_cell *c)
{
    for (size_t h = 0; h < PROVE_COHORTS; h++)
        for (size_t p = 0; p < w->n_parts; p++)
            c->slot[h][p] = row(w);
    for (size_t h = 0; h < PROVE_COHORTS; h++)
        c->good[h] = row(w);
    c->delta = row(w);
    for (size_t i = 0; i < 2 * w->g->limit.n_bounds; i++)
        c->over[i % 2][i / 2] = row(w);
    if (!(c->state = gr_arena_array(w->arena, w->steps, sizeof *c->state)))
        w->err = GR_ENOMEM;
    for (size_t k = 0; w->err == GR_OK && k < w->steps; k++)
        step(w, s, c, k);
}

void
prove_evaluate(struct prove_world *w)
{
    for (size_t i = 0; w->err == GR_OK && i < w->n_streams; i++) {
        struct prove_stream *s = &w->streams[i];

        if (!(s->active = gr_arena_array(w->arena, w->steps, sizeof *s->active))) {
            w->err = GR_ENOMEM;
            return;
        }
        for (size_t k = 0; k < w->steps; k++)
            find_active(w, s, k);
        for (size_t k = 0; w->err == GR_OK && k < s->n_cells; k++)
            cell(w, s, &s->cells[k]);
    }
}
