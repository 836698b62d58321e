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

struct walk { /* what a counter did within a range */
    size_t count;
    size_t first, last; /* cells */
    double first_v, last_v, resets;
};

static struct walk
walk_counter(const struct world *w, const struct series *s, int64_t t_ms, int64_t range_ms)
{
    struct walk k = {0};
    size_t i, end;

    for (range_cells(w, t_ms, range_ms, &i, &end); i < end; i++) {
        if (s->at[i].kind != SAMPLE_VALUE)
            continue;
        if (k.count == 0) {
            k.first = i;
            k.first_v = s->at[i].v;
        } else if (s->at[i].v < k.last_v) {
            k.resets += k.last_v;
        }
        k.last = i;
        k.last_v = s->at[i].v;
        k.count++;
    }
    return k;
}

bool
prom_increase(const struct world *w, const struct series *s, int64_t t_ms, int64_t range_ms, double *out)
{
    struct walk k = walk_counter(w, s, t_ms, range_ms);
    double grown = k.last_v - k.first_v + k.resets;
    double step_s = (double)w->step_ms / 1000;
    double sampled, mean, to_start, to_end, covered;

    if (k.count < 2)
        return false;
    sampled = (double)(k.last - k.first) * step_s;
    mean = sampled / (double)(k.count - 1);
    to_start = (double)k.first * step_s - (double)(t_ms - range_ms) / 1000;
    to_end = (double)t_ms / 1000 - (double)k.last * step_s;
    if (grown > 0 && k.first_v >= 0) {
        double to_zero = sampled * (k.first_v / grown);

        if (to_zero < to_start)
            to_start = to_zero;
    }
    covered = sampled;
    covered += to_start < 1.1 * mean ? to_start : mean / 2;
    covered += to_end < 1.1 * mean ? to_end : mean / 2;
    *out = grown * (covered / sampled);
    return true;
}

bool
prom_over_time(const struct world *w, const struct series *s, int64_t t_ms, int64_t range_ms,
               enum over_time how, double *out)
{
    size_t i, end, count = 0;
    double v = 0;

    for (range_cells(w, t_ms, range_ms, &i, &end); i < end; i++) {
        double x = s->at[i].v;

        if (s->at[i].kind != SAMPLE_VALUE)
            continue;
        count++;
        if (how == OVER_AVG)
            v += x;
        else if (how == OVER_LAST || count == 1 || isnan(v) || (how == OVER_MAX ? x > v : x < v))
            v = x;
    }
    if (count == 0)
        return false;
    *out = how == OVER_AVG ? v / (double)count : v;
    return true;
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
