/* prom.c - see prom.h. */
#include "config.h"
#include "prom.h"

#include <math.h>

#define LOOKBACK_MS 300000

struct gr_str
label_of(const struct pairs *labels, struct gr_str name)
{
    for (size_t i = 0; i < labels->n; i++)
        if (gr_str_eq(labels->v[i].key, name))
            return labels->v[i].value;
    return GR_STR_NONE;
}

/* The cells [*first, *end) whose times lie in the range. */
static void
range_cells(const struct world *w, int64_t t_ms, int64_t range_ms, size_t *first, size_t *end)
{
    int64_t from = t_ms - range_ms + (w->left_open ? 1 : 0);

    *first = from <= 0 ? 0 : (size_t)((from + w->step_ms - 1) / w->step_ms);
    *end = t_ms < 0 ? 0 : (size_t)(t_ms / w->step_ms) + 1;
    if (*end > w->scrapes)
        *end = w->scrapes;
}

void
points_add(struct points *p, int64_t t_ms, double v)
{
    GR_ASSERT(p->n < POINTS_MAX);
    p->t_ms[p->n] = t_ms;
    p->v[p->n++] = v;
}

/* What a series has in a range. */
static struct points
points_of(const struct world *w, const struct series *s, int64_t t_ms, int64_t range_ms)
{
    struct points p = {.to_ms = t_ms, .range_ms = range_ms};
    size_t i, end;

    for (range_cells(w, t_ms, range_ms, &i, &end); i < end; i++)
        if (s->at[i].kind == SAMPLE_VALUE)
            points_add(&p, (int64_t)i * w->step_ms, s->at[i].v);
    return p;
}

/* rate(), increase() and, where drops are no resets, delta(). */
static bool
extrapolated(const struct points *p, bool counter, bool per_second, double *out)
{
    double grown, sampled, mean, to_start, to_end, covered;

    if (p->n < 2)
        return false;
    grown = p->v[p->n - 1] - p->v[0];
    for (size_t i = 1; counter && i < p->n; i++)
        if (p->v[i] < p->v[i - 1])
            grown += p->v[i - 1];
    sampled = (double)(p->t_ms[p->n - 1] - p->t_ms[0]) / 1000;
    mean = sampled / (double)(p->n - 1);
    to_start = (double)(p->t_ms[0] - (p->to_ms - p->range_ms)) / 1000;
    to_end = (double)(p->to_ms - p->t_ms[p->n - 1]) / 1000;
    if (counter && grown > 0 && p->v[0] >= 0) {
        double to_zero = sampled * (p->v[0] / grown);

        if (to_zero < to_start)
            to_start = to_zero;
    }
    covered = sampled;
    covered += to_start < 1.1 * mean ? to_start : mean / 2;
    covered += to_end < 1.1 * mean ? to_end : mean / 2;
    *out = grown * (covered / sampled);
    if (per_second)
        *out /= (double)p->range_ms / 1000;
    return true;
}

/* From the last two samples. */
static bool
newest_rate(const struct points *p, double *out)
{
    double last;

    if (p->n < 2)
        return false;
    last = p->v[p->n - 1];
    *out = (last < p->v[p->n - 2] ? last : last - p->v[p->n - 2]) /
           ((double)(p->t_ms[p->n - 1] - p->t_ms[p->n - 2]) / 1000);
    return true;
}

static bool
reduced(const struct points *p, enum over_time how, double *out)
{
    double v = 0;

    for (size_t i = 0; i < p->n; i++) {
        double x = p->v[i];

        if (how == OVER_AVG || how == OVER_SUM)
            v += x;
        else if (how == OVER_LAST || i == 0 || isnan(v) || (how == OVER_MAX ? x > v : x < v))
            v = x;
    }
    *out = how == OVER_AVG ? v / (double)p->n : v;
    return p->n > 0;
}

bool
prom_points(const struct points *p, enum over_time how, double *out)
{
    switch ((int)how) {
    case OVER_RATE:
    case OVER_INCREASE:
        return extrapolated(p, true, how == OVER_RATE, out);
    case OVER_DELTA:
        return extrapolated(p, false, false, out);
    case OVER_IRATE:
        return newest_rate(p, out);
    default:
        return reduced(p, how, out);
    }
}

bool
prom_over_time(const struct world *w, const struct series *s, int64_t t_ms, int64_t range_ms,
               enum over_time how, double *out)
{
    struct points p = points_of(w, s, t_ms, range_ms);

    return prom_points(&p, how, out);
}

bool
prom_instant(const struct world *w, const struct series *s, int64_t t_ms, double *out)
{
    size_t first, i;

    for (range_cells(w, t_ms, LOOKBACK_MS, &first, &i); i-- > first;) {
        if (s->at[i].kind == SAMPLE_STALE)
            return false;
        if (s->at[i].kind == SAMPLE_VALUE) {
            *out = s->at[i].v;
            return true;
        }
    }
    return false;
}

double
prom_quantile(double q, struct bucket *b, size_t n)
{
    double rank, most, below = 0, start = 0;
    size_t i = 0, end = n - 1;

    if (n < 2 || !isinf(b[n - 1].edge))
        return (double)NAN;
    most = b[0].count;
    for (size_t k = 1; k < n; k++)
        if (b[k].count < most)
            b[k].count = most;
        else if (b[k].count > most)
            most = b[k].count;
    if (fabs(b[n - 1].count) <= 0)
        return (double)NAN;
    rank = q * b[n - 1].count;
    while (
        i <
        end) { /* by halves, as sort.Search() does: where a count is NaN it matters which ones are looked at */
        size_t middle = i + (end - i) / 2;

        if (b[middle].count >= rank)
            end = middle;
        else
            i = middle + 1;
    }
    if (i == n - 1)
        return b[n - 2].edge;
    if (i == 0 && b[0].edge <= 0)
        return b[0].edge;
    if (i > 0) {
        below = b[i - 1].count;
        start = b[i - 1].edge;
    }
    return start + (b[i].edge - start) * ((rank - below) / (b[i].count - below));
}

/* Whether `value` is one of the alternatives of "a|b|c". */
static bool
one_of(struct gr_str words, struct gr_str value)
{
    for (size_t i = 0, from = 0; i <= words.n; i++) {
        if (i < words.n && words.p[i] != '|')
            continue;
        if (gr_str_eq((struct gr_str){words.p + from, i - from}, value))
            return true;
        from = i + 1;
    }
    return false;
}

bool
prom_matches(const struct gr_promql *selector, struct gr_str suffix, const struct series *s)
{
    const struct gr_promql_selector *e = &selector->u.selector;
    struct gr_str name = gr_promql_metric(selector);

    if (s->name.n != name.n + suffix.n || memcmp(s->name.p, name.p, name.n) != 0 ||
        (suffix.n && memcmp(s->name.p + name.n, suffix.p, suffix.n) != 0))
        return false;
    for (size_t i = 0; i < e->count; i++) {
        const struct gr_promql_matcher *m = &e->matchers[i];
        struct gr_str have = label_of(&s->labels, m->name);
        bool is = m->op == GR_PROMQL_IS || m->op == GR_PROMQL_LIKE;
        bool words = m->op == GR_PROMQL_LIKE || m->op == GR_PROMQL_NOT_LIKE;

        if (!gr_str_eq(m->name, GR_STR("__name__")) &&
            (words ? one_of(m->value, have) : gr_str_eq(m->value, have)) != is)
            return false;
    }
    return true;
}
