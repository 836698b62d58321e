/* expression.c - what a `promql` metric's expression is worth at one moment; evaluate.h says which ones are taken. */
#include "config.h"
#include "parts.h"

#include <math.h>
#include <stdlib.h>

static int
by_text(const void *a, const void *b)
{
    return gr_str_cmp(*(const struct gr_str *)a, *(const struct gr_str *)b);
}

void
gather_add(struct gather *to, enum gr_promql_agg how, double x)
{
    if (to->n++ == 0 || (isnan(to->v) && (how == GR_PROMQL_MAX || how == GR_PROMQL_MIN)))
        to->v = x;
    else if (how == GR_PROMQL_MAX)
        to->v = x > to->v ? x : to->v;
    else if (how == GR_PROMQL_MIN)
        to->v = x < to->v ? x : to->v;
    else
        to->v += x;
}

double
gather_value(const struct gather *from, enum gr_promql_agg how)
{
    return how == GR_PROMQL_AVG ? from->v / (double)from->n : from->v;
}

static struct vector
vector_make(const struct scope *s, size_t most)
{
    struct vector out = {.v = gr_arena_array(s->r->a, most + 1, sizeof *out.v)};

    GR_ASSERT(out.v);
    return out;
}

/* The element with these labels; n where there is none. */
static size_t
vector_find(const struct vector *in, const struct pairs *labels)
{
    size_t i = 0;

    while (i < in->n && !labels_equal(&in->v[i].labels, labels))
        i++;
    return i;
}

static struct vector
aggregate(const struct scope *s, const struct gr_promql *e, int64_t t_ms)
{
    struct vector in = expression_value(s, e->child[e->count - 1], t_ms), out = vector_make(s, in.n);
    struct strs by = {e->u.aggregate.labels, e->u.aggregate.count};
    struct gather *sums = gr_arena_array(s->r->a, in.n + 1, sizeof *sums);

    GR_ASSERT(sums);
    qsort(by.v, by.n, sizeof *by.v, by_text);
    for (size_t i = 0; i < in.n; i++) {
        struct pairs key = labels_pick(s->r->a, &in.v[i].labels, &by);
        size_t j = vector_find(&out, &key);

        if (j == out.n)
            out.v[out.n++].labels = key;
        gather_add(&sums[j], e->u.aggregate.op, in.v[i].v);
        out.v[j].v = gather_value(&sums[j], e->u.aggregate.op);
    }
    return out;
}

static double
apply(enum gr_promql_op op, double a, double b)
{
    switch ((int)op) {
    case GR_PROMQL_ADD:
        return a + b;
    case GR_PROMQL_SUB:
        return a - b;
    case GR_PROMQL_MUL:
        return a * b;
    default:
        return a / b;
    }
}

/* With a number, or with the element of equal labels. */
static struct vector
binary(const struct scope *s, const struct gr_promql *e, int64_t t_ms)
{
    struct vector left = expression_value(s, e->child[0], t_ms), right = {0}, out = vector_make(s, left.n);
    bool number = e->child[1]->kind == GR_PROMQL_NUMBER;

    GR_ASSERT(!e->u.binary.has_matching);
    if (!number)
        right = expression_value(s, e->child[1], t_ms);
    for (size_t i = 0; i < left.n; i++) {
        size_t j = vector_find(&right, &left.v[i].labels);

        if (!number && j == right.n)
            continue;
        out.v[out.n] = left.v[i];
        out.v[out.n++].v = apply(e->u.binary.op, left.v[i].v, number ? e->child[1]->u.number : right.v[j].v);
    }
    return out;
}

static enum over_time
over_time_named(struct gr_str name)
{
    static const struct {
        const char *name;
        enum over_time how;
    } functions[] = {{"avg_over_time", OVER_AVG}, {"max_over_time", OVER_MAX}, {"min_over_time", OVER_MIN},
                     {"sum_over_time", OVER_SUM}, {"rate", OVER_RATE},         {"increase", OVER_INCREASE},
                     {"delta", OVER_DELTA},       {"irate", OVER_IRATE}};
    size_t f = 0;

    while (f < GR_COUNT(functions) && !gr_str_is(name, functions[f].name))
        f++;
    GR_ASSERT(f < GR_COUNT(functions));
    return functions[f].how;
}

/* function(selector[range] offset …) */
static struct vector
over_samples(const struct scope *s, const struct gr_promql *selector, enum over_time how, int64_t t_ms)
{
    const struct world *w = s->r->w;
    const struct gr_promql_selector *range = &selector->u.selector;
    struct vector out = vector_make(s, w->n);

    for (size_t i = 0; i < w->n; i++)
        if (selector_takes(s->r, s->g, selector, GR_STR_NONE, &w->series[i], s->cohort) &&
            prom_over_time(w, &w->series[i], t_ms - range->shift.offset_ms, range->range_ms, how,
                           &out.v[out.n].v))
            out.v[out.n++].labels = w->series[i].labels;
    return out;
}

/* function((…)[range:step] offset …): the expression at every multiple of the step in the range, put together by labels. */
static struct vector
over_steps(const struct scope *s, const struct gr_promql *e, enum over_time how, int64_t t_ms)
{
    const struct gr_promql_subquery *q = &e->u.subquery;
    int64_t to_ms = t_ms - q->shift.offset_ms, from_ms = to_ms - q->range_ms + (s->r->w->left_open ? 1 : 0);
    struct vector found = vector_make(s, s->r->w->n), out = vector_make(s, s->r->w->n);
    struct points *points =
        calloc(s->r->w->n + 1, sizeof *points); /* too much for an arena that only grows */

    GR_ASSERT(points && q->step_ms > 0);
    for (int64_t at = from_ms - ((from_ms % q->step_ms) + q->step_ms) % q->step_ms; at <= to_ms;
         at += q->step_ms) {
        struct vector in = {0};

        if (at >= from_ms)
            in = expression_value(s, e->child[0], at);
        for (size_t i = 0; i < in.n; i++) {
            size_t j = vector_find(&found, &in.v[i].labels);

            if (j == found.n) {
                found.v[found.n++] = in.v[i];
                points[j] = (struct points){.to_ms = to_ms, .range_ms = q->range_ms};
            }
            points_add(&points[j], at, in.v[i].v);
        }
    }
    for (size_t i = 0; i < found.n; i++)
        if (prom_points(&points[i], how, &out.v[out.n].v))
            out.v[out.n++].labels = found.v[i].labels;
    free(points);
    return out;
}

static struct vector
newest(const struct scope *s, const struct gr_promql *e, int64_t t_ms)
{
    const struct world *w = s->r->w;
    struct vector out = vector_make(s, w->n);

    GR_ASSERT(e->kind == GR_PROMQL_SELECTOR && e->u.selector.range_ms == 0);
    for (size_t i = 0; i < w->n; i++)
        if (selector_takes(s->r, s->g, e, GR_STR_NONE, &w->series[i], s->cohort) &&
            prom_instant(w, &w->series[i], t_ms - e->u.selector.shift.offset_ms, &out.v[out.n].v))
            out.v[out.n++].labels = w->series[i].labels;
    return out;
}

struct vector
expression_value(const struct scope *s, const struct gr_promql *e, int64_t t_ms)
{
    switch ((int)e->kind) {
    case GR_PROMQL_PAREN:
        return expression_value(s, e->child[0], t_ms);
    case GR_PROMQL_AGGREGATE:
        return aggregate(s, e, t_ms);
    case GR_PROMQL_BINARY:
        return binary(s, e, t_ms);
    case GR_PROMQL_CALL:
        return (e->child[0]->kind == GR_PROMQL_SUBQUERY ? over_steps : over_samples)(
            s, e->child[0], over_time_named(e->u.function->name), t_ms);
    default:
        return newest(s, e, t_ms);
    }
}

int64_t
expression_reach_ms(const struct gr_promql *e)
{
    int64_t furthest = 0;

    for (size_t i = 0; i < e->count; i++)
        if (expression_reach_ms(e->child[i]) > furthest)
            furthest = expression_reach_ms(e->child[i]);
    if (e->kind == GR_PROMQL_SELECTOR)
        furthest += e->u.selector.range_ms + e->u.selector.shift.offset_ms;
    if (e->kind == GR_PROMQL_SUBQUERY)
        furthest += e->u.subquery.range_ms + e->u.subquery.shift.offset_ms;
    return furthest;
}
