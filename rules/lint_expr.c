/* lint_expr.c - what the checks ask about expressions. */
#include "config.h"
#include "lint.h"

#include <math.h>

const struct gr_promql *
lint_bare(const struct gr_promql *e)
{
    while (e->kind == GR_PROMQL_PAREN)
        e = e->child[0];
    return e;
}

bool
lint_is(const struct gr_promql *e, const char *function)
{
    return e->kind == GR_PROMQL_CALL && gr_str_is(e->u.function->name, function);
}

static bool
any_child_filters(const struct gr_promql *e)
{
    for (size_t i = 0; i < e->count; i++)
        if (lint_filters(e->child[i]))
            return true;
    return false;
}

static bool
binary_filters(const struct gr_promql *e)
{
    const struct gr_promql_binary *b = &e->u.binary;

    if (gr_promql_op_compares(b->op) && !b->return_bool)
        return true;
    if (b->op == GR_PROMQL_AND || b->op == GR_PROMQL_UNLESS)
        return true;
    if (b->op == GR_PROMQL_OR)
        return lint_filters(e->child[0]) && lint_filters(e->child[1]);
    return any_child_filters(e);
}

/* A series that a rule recorded may be there only under a condition; ALERTS is. */
static bool
selector_filters(const struct gr_promql *e)
{
    struct gr_str metric = gr_promql_metric(e);

    return (metric.n > 0 && memchr(metric.p, ':', metric.n)) || gr_str_starts(metric, GR_STR("ALERTS"));
}

bool
lint_filters(const struct gr_promql *e)
{
    switch (e->kind) {
    case GR_PROMQL_SELECTOR:
        return selector_filters(e);
    case GR_PROMQL_CALL:
        return lint_is(e, "absent") || lint_is(e, "absent_over_time") || any_child_filters(e);
    case GR_PROMQL_BINARY:
        return binary_filters(e);
    case GR_PROMQL_NUMBER:
    case GR_PROMQL_STRING:
    case GR_PROMQL_SUBQUERY:
    case GR_PROMQL_AGGREGATE:
    case GR_PROMQL_UNARY:
    case GR_PROMQL_PAREN:
        return any_child_filters(e);
    }
    return false;
}

static bool
fold(enum gr_promql_op op, double a, double b, double *value)
{
    switch ((int)op) {
    case GR_PROMQL_ADD:
        *value = a + b;
        return true;
    case GR_PROMQL_SUB:
        *value = a - b;
        return true;
    case GR_PROMQL_MUL:
        *value = a * b;
        return true;
    case GR_PROMQL_DIV:
        *value = a / b;
        return true;
    case GR_PROMQL_POW:
        *value = pow(a, b);
        return true;
    default:
        return false;
    }
}

bool
lint_constant(const struct gr_promql *e, double *value)
{
    double a, b;

    e = lint_bare(e);
    if (e->kind == GR_PROMQL_NUMBER) {
        *value = e->u.number;
        return true;
    }
    if (e->kind == GR_PROMQL_UNARY && lint_constant(e->child[0], &a)) {
        *value = e->u.sign == '-' ? -a : a;
        return true;
    }
    if (e->kind == GR_PROMQL_CALL && (lint_is(e, "vector") || lint_is(e, "scalar")) && e->count == 1)
        return lint_constant(e->child[0], value);
    return e->kind == GR_PROMQL_BINARY && lint_constant(e->child[0], &a) && lint_constant(e->child[1], &b) &&
           fold(e->u.binary.op, a, b, value);
}

/* ---- ranges ---- */

static const struct lint_range anything = {-HUGE_VAL, HUGE_VAL, false, false};

bool
lint_range_empty(struct lint_range r)
{
    return r.low > r.high || (!(r.low < r.high) && (r.low_open || r.high_open));
}

struct lint_range
lint_range_cut(struct lint_range a, struct lint_range b)
{
    struct lint_range r = a;

    if (b.low > r.low || (!(b.low < r.low) && b.low_open)) {
        r.low = b.low;
        r.low_open = b.low_open;
    }
    if (b.high < r.high || (!(b.high > r.high) && b.high_open)) {
        r.high = b.high;
        r.high_open = b.high_open;
    }
    return r;
}

bool
lint_range_where(enum gr_promql_op op, double value, struct lint_range *out)
{
    *out = anything;
    if (isnan(value)) { /* true of nothing, but for != */
        *out = (struct lint_range){0, 0, true, true};
        return op != GR_PROMQL_NE;
    }
    if (op == GR_PROMQL_EQ || op == GR_PROMQL_GT || op == GR_PROMQL_GE)
        out->low = value;
    if (op == GR_PROMQL_EQ || op == GR_PROMQL_LT || op == GR_PROMQL_LE)
        out->high = value;
    out->low_open = op == GR_PROMQL_GT;
    out->high_open = op == GR_PROMQL_LT;
    return gr_promql_op_compares(op) && op != GR_PROMQL_NE;
}

enum gr_promql_op
lint_turned(enum gr_promql_op op)
{
    switch ((int)op) {
    case GR_PROMQL_LT:
        return GR_PROMQL_GT;
    case GR_PROMQL_LE:
        return GR_PROMQL_GE;
    case GR_PROMQL_GT:
        return GR_PROMQL_LT;
    case GR_PROMQL_GE:
        return GR_PROMQL_LE;
    default:
        return op;
    }
}

static struct lint_range
call_range(const struct gr_promql *e)
{
    static const struct {
        const char *function;
        double low, high;
    } known[] = {
        {"absent", 1, 1},
        {"absent_over_time", 1, 1},
        {"abs", 0, HUGE_VAL},
        {"changes", 0, HUGE_VAL},
        {"count_over_time", 1, HUGE_VAL},
        {"day_of_month", 1, 31},
        {"day_of_week", 0, 6},
        {"day_of_year", 1, 366},
        {"days_in_month", 28, 31},
        {"hour", 0, 23},
        {"increase", 0, HUGE_VAL},
        {"irate", 0, HUGE_VAL},
        {"minute", 0, 59},
        {"month", 1, 12},
        {"present_over_time", 1, 1},
        {"rate", 0, HUGE_VAL},
        {"resets", 0, HUGE_VAL},
        {"sgn", -1, 1},
        {"stddev_over_time", 0, HUGE_VAL},
        {"stdvar_over_time", 0, HUGE_VAL},
    };
    static const char *const same[] = {"label_replace", "label_join", "sort", "sort_desc", "scalar"};

    for (size_t i = 0; i < GR_COUNT(known); i++)
        if (lint_is(e, known[i].function))
            return (struct lint_range){known[i].low, known[i].high, false, false};
    for (size_t i = 0; i < GR_COUNT(same); i++)
        if (lint_is(e, same[i]) && e->count > 0)
            return lint_range_of(e->child[0]);
    return anything;
}

static struct lint_range
aggregate_range(const struct gr_promql *e)
{
    struct lint_range r = lint_range_of(e->child[e->count - 1]);

    switch (e->u.aggregate.op) {
    case GR_PROMQL_COUNT:
        return (struct lint_range){1, HUGE_VAL, false, false};
    case GR_PROMQL_GROUP:
        return (struct lint_range){1, 1, false, false};
    case GR_PROMQL_STDDEV:
    case GR_PROMQL_STDVAR:
        return (struct lint_range){0, HUGE_VAL, false, false};
    case GR_PROMQL_SUM: /* at least one of it, whatever that is */
        if (r.low >= 0)
            r.high = HUGE_VAL;
        else if (r.high <= 0)
            r.low = -HUGE_VAL;
        else
            r = anything;
        return r;
    case GR_PROMQL_AVG:
    case GR_PROMQL_MIN:
    case GR_PROMQL_MAX:
    case GR_PROMQL_TOPK:
    case GR_PROMQL_BOTTOMK:
        return r;
    case GR_PROMQL_COUNT_VALUES:
        return (struct lint_range){1, HUGE_VAL, false, false};
    case GR_PROMQL_QUANTILE:
        return anything;
    }
    return anything;
}

static struct lint_range
compare_range(const struct gr_promql *e)
{
    const struct gr_promql_binary *b = &e->u.binary;
    struct lint_range where;
    double value;

    if (b->return_bool)
        return (struct lint_range){0, 1, false, false};
    if (lint_constant(e->child[1], &value) && lint_range_where(b->op, value, &where))
        return lint_range_cut(lint_range_of(e->child[0]), where);
    if (lint_constant(e->child[0], &value) && lint_range_where(lint_turned(b->op), value, &where))
        return lint_range_cut(lint_range_of(e->child[1]), where);
    return lint_range_of(e->child[0]);
}

static struct lint_range
binary_range(const struct gr_promql *e)
{
    const struct gr_promql_binary *b = &e->u.binary;
    struct lint_range r;
    double factor;

    if (gr_promql_op_compares(b->op))
        return compare_range(e);
    if (b->op == GR_PROMQL_AND || b->op == GR_PROMQL_UNLESS)
        return lint_range_of(e->child[0]);
    if ((b->op == GR_PROMQL_MUL || b->op == GR_PROMQL_DIV) && lint_constant(e->child[1], &factor) &&
        factor > 0 && isfinite(factor)) {
        r = lint_range_of(e->child[0]);
        r.low = b->op == GR_PROMQL_MUL ? r.low * factor : r.low / factor;
        r.high = b->op == GR_PROMQL_MUL ? r.high * factor : r.high / factor;
        return r;
    }
    return anything;
}

struct lint_range
lint_range_of(const struct gr_promql *e)
{
    double value;

    e = lint_bare(e);
    if (lint_constant(e, &value) && !isnan(value))
        return (struct lint_range){value, value, false, false};
    switch (e->kind) {
    case GR_PROMQL_SELECTOR:
        if (gr_str_is(gr_promql_metric(e), "up"))
            return (struct lint_range){0, 1, false, false};
        return anything;
    case GR_PROMQL_CALL:
        return call_range(e);
    case GR_PROMQL_AGGREGATE:
        return aggregate_range(e);
    case GR_PROMQL_BINARY:
        return binary_range(e);
    case GR_PROMQL_NUMBER:
    case GR_PROMQL_STRING:
    case GR_PROMQL_SUBQUERY:
    case GR_PROMQL_UNARY:
    case GR_PROMQL_PAREN:
        return anything;
    }
    return anything;
}
