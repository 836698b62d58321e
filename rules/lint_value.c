/* lint_value.c - checks of values: divisions that poison an aggregate, comparisons that cannot be true. */
#include "config.h"
#include "lint.h"

/* Past this height the questions below, which look at subtrees again and again, are not asked. */
#define HEIGHT_MAX 200u

/* ---- 0/0 inside of an aggregation ---- */

/* Whether it is known that the divisor is never 0. */
static bool
is_guarded(const struct gr_promql *divisor)
{
    struct lint_range zero = {0, 0, false, false};
    double least;

    divisor = lint_bare(divisor);
    if (gr_promql_type(divisor) == GR_PROMQL_T_SCALAR)
        return true; /* one divisor for all: not this check's matter */
    if (divisor->kind == GR_PROMQL_BINARY && divisor->u.binary.op == GR_PROMQL_NE &&
        !divisor->u.binary.return_bool)
        return true;
    if (divisor->kind == GR_PROMQL_BINARY &&
        (divisor->u.binary.op == GR_PROMQL_AND || divisor->u.binary.op == GR_PROMQL_UNLESS))
        return true; /* a condition, whichever */
    if (lint_is(divisor, "clamp_min") && divisor->count == 2 && lint_constant(divisor->child[1], &least))
        return least > 0;
    return lint_range_empty(lint_range_cut(lint_range_of(divisor), zero));
}

/*
 * Whether a dividend is meant never to be 0: a constant, or products and powers of terms that a constant keeps from it, as `n + 0.5` keeps a
 * count that is 0. A term of exactly the negated constant is not thought of.
 */
static bool
is_kept_from_zero(const struct gr_promql *e)
{
    double value;

    e = lint_bare(e);
    if (lint_constant(e, &value))
        return value > 0 || value < 0;
    if (e->kind != GR_PROMQL_BINARY)
        return false;
    if (e->u.binary.op == GR_PROMQL_ADD)
        return (lint_constant(e->child[0], &value) && value > 0) ||
               (lint_constant(e->child[1], &value) && value > 0);
    if (e->u.binary.op == GR_PROMQL_POW)
        return is_kept_from_zero(e->child[0]);
    return e->u.binary.op == GR_PROMQL_MUL && is_kept_from_zero(e->child[0]) &&
           is_kept_from_zero(e->child[1]);
}

/* Both sides may be 0: only then is the result NaN, so 1/x never is. */
static bool
may_be_nan(const struct gr_promql *division)
{
    return !is_kept_from_zero(division->child[0]) && !is_guarded(division->child[1]);
}

/* The division whose result reaches the top unfiltered, or NULL. Comparisons drop NaN, but for !=. */
static const struct gr_promql *
open_division(const struct gr_promql *e)
{
    const struct gr_promql *found;
    const struct gr_promql_binary *b = &e->u.binary;

    e = lint_bare(e);
    b = &e->u.binary;
    if (e->kind == GR_PROMQL_UNARY || lint_is(e, "label_replace") || lint_is(e, "abs") || lint_is(e, "round"))
        return open_division(e->child[0]);
    if (e->kind != GR_PROMQL_BINARY || gr_promql_op_compares(b->op))
        return NULL;
    if (b->op == GR_PROMQL_DIV && may_be_nan(e))
        return e;
    if ((found = open_division(e->child[0])) != NULL || b->op == GR_PROMQL_AND || b->op == GR_PROMQL_UNLESS)
        return found;
    return open_division(e->child[1]);
}

static void
report_division(struct lint_check *c, const struct gr_promql *e, struct gr_str by)
{
    const struct gr_promql *division = open_division(e);

    if (division)
        lint_report(c->lint, GR0516, division->where,
                    GR_STR("divide the sums, or keep zeros out of the divisor: a / (b > 0)"),
                    "where both sides are 0 this is NaN, and then so is all of " GR_FMT "()", GR_ARG(by));
}

static bool
visit_aggregates(struct gr_promql *e, void *ctx)
{
    struct lint_check *c = ctx;

    if (e->kind == GR_PROMQL_AGGREGATE &&
        (e->u.aggregate.op == GR_PROMQL_SUM || e->u.aggregate.op == GR_PROMQL_AVG ||
         e->u.aggregate.op == GR_PROMQL_STDDEV || e->u.aggregate.op == GR_PROMQL_STDVAR))
        report_division(c, e->child[e->count - 1], gr_promql_agg_name(e->u.aggregate.op));
    if ((lint_is(e, "sum_over_time") || lint_is(e, "avg_over_time") || lint_is(e, "stddev_over_time")) &&
        lint_bare(e->child[0])->kind == GR_PROMQL_SUBQUERY)
        report_division(c, lint_bare(e->child[0])->child[0], e->u.function->name);
    return true;
}

void
lint_nan(struct lint_check *c)
{
    if (c->expr && c->expr->height <= HEIGHT_MAX)
        gr_promql_visit(c->expr, visit_aggregates, c);
}

/* ---- impossible comparisons ---- */

static void
report_impossible(struct lint_check *c, const struct gr_promql *e, const char *why)
{
    lint_report(c->lint, GR0517, e->where, GR_STR_NONE, "this is never true: %s", why);
}

static bool
is_presence(const struct gr_promql *e)
{
    e = lint_bare(e);
    return e->kind == GR_PROMQL_AGGREGATE && e->u.aggregate.op == GR_PROMQL_COUNT;
}

/* One comparison with a constant. */
static void
check_comparison(struct lint_check *c, const struct gr_promql *e)
{
    enum gr_promql_op op = e->u.binary.op;
    const struct gr_promql *left = e->child[0], *side;
    struct lint_range where, have;
    double value;
    bool turned = lint_constant(left, &value);

    side = turned ? e->child[1] : left;
    if ((turned && lint_constant(e->child[1], &value)) || (!turned && !lint_constant(e->child[1], &value)))
        return; /* two constants, or none */
    if (!lint_range_where(turned ? lint_turned(op) : op, value, &where))
        return;
    have = lint_range_of(side);
    if (lint_range_empty(have) || !lint_range_empty(lint_range_cut(have, where)))
        return; /* what is empty inside is reported there */
    if (is_presence(side))
        report_impossible(c, e, "count() of nothing is nothing, not 0; use absent(), or add `or vector(0)`");
    else if (lint_bare(side)->kind == GR_PROMQL_BINARY)
        report_impossible(c, e, "the two comparisons exclude each other");
    else
        report_impossible(c, e, "the left-hand side cannot have such a value");
}

/* A comparison of something with a constant. */
struct condition {
    const struct gr_promql *of, *e;
    struct lint_range where;
};
#define CONDITIONS_MAX 32u

static bool
condition_of(const struct gr_promql *e, struct condition *out)
{
    double value;
    enum gr_promql_op op;

    out->e = e = lint_bare(e);
    if (e->kind != GR_PROMQL_BINARY || !gr_promql_op_compares(e->u.binary.op) || e->u.binary.return_bool)
        return false;
    op = e->u.binary.op;
    if (lint_constant(e->child[1], &value)) {
        out->of = lint_bare(e->child[0]);
        return lint_range_where(op, value, &out->where);
    }
    out->of = lint_bare(e->child[1]);
    return lint_constant(e->child[0], &value) && lint_range_where(lint_turned(op), value, &out->where);
}

static size_t
conditions(const struct gr_promql *e, struct condition *out, size_t count)
{
    e = lint_bare(e);
    if (e->kind == GR_PROMQL_BINARY && e->u.binary.op == GR_PROMQL_AND && !e->u.binary.has_matching) {
        count = conditions(e->child[0], out, count);
        return conditions(e->child[1], out, count);
    }
    return count < CONDITIONS_MAX && condition_of(e, &out[count]) ? count + 1 : count;
}

/* x > 1 and x < 0 */
static void
check_conjunction(struct lint_check *c, const struct gr_promql *e)
{
    struct condition all[CONDITIONS_MAX];
    size_t count = conditions(e, all, 0);

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (lint_range_empty(lint_range_cut(all[i].where, all[k].where)) &&
                gr_promql_equal(all[i].of, all[k].of)) {
                report_impossible(c, all[i].e, "another condition of the same excludes it");
                return;
            }
}

static bool
visit_comparisons(struct gr_promql *e, void *ctx)
{
    struct lint_check *c = ctx;

    if (e->kind == GR_PROMQL_BINARY && gr_promql_op_compares(e->u.binary.op))
        check_comparison(c, e);
    if (e->kind == GR_PROMQL_BINARY && e->u.binary.op == GR_PROMQL_AND)
        check_conjunction(c, e);
    return true;
}

void
lint_impossible(struct lint_check *c)
{
    if (c->expr && c->expr->height <= HEIGHT_MAX)
        gr_promql_visit(c->expr, visit_comparisons, c);
}
