/* promql_check.c - the types, and the rules of matching and of selectors, as Prometheus checks them after
 * parsing. */
#include "config.h"
#include "promql_tree.h"

struct check {
    struct gr_diags *diags;
    bool failed;
};

#define REPORT(c, where, ...)                                                                                \
    do {                                                                                                     \
        gr_diag((c)->diags, GR0402, where, GR_STR_NONE, __VA_ARGS__);                                        \
        (c)->failed = true;                                                                                  \
    } while (0)

#define SIGNATURE_MAX 400u /* longer than any; with no memory the message ends without it */

static enum gr_promql_type check_expr(struct check *c, const struct gr_promql *e);

static bool
is_operand(enum gr_promql_type t)
{
    return t == GR_PROMQL_T_SCALAR || t == GR_PROMQL_T_VECTOR;
}

/* How to get what is wanted. */
static struct gr_str
way(const struct gr_promql *e, enum gr_promql_type got, enum gr_promql_type want)
{
    if (want == GR_PROMQL_T_MATRIX && got == GR_PROMQL_T_VECTOR)
        return e->kind == GR_PROMQL_SELECTOR ? GR_STR("add a range behind it, as [5m]")
                                             : GR_STR("make it a subquery, as (…)[1h:5m]");
    if (want == GR_PROMQL_T_VECTOR && got == GR_PROMQL_T_MATRIX)
        return GR_STR("leave out the range, or reduce it with rate(…) or a function …_over_time(…)");
    if (want == GR_PROMQL_T_VECTOR && got == GR_PROMQL_T_SCALAR)
        return GR_STR("vector(…) makes an instant vector of a scalar");
    if (want == GR_PROMQL_T_SCALAR && got == GR_PROMQL_T_VECTOR)
        return GR_STR("scalar(…) makes a scalar of an instant vector with one series");
    return GR_STR_NONE;
}

static void
expect(struct check *c, const struct gr_promql *e, enum gr_promql_type want, struct gr_str whose)
{
    enum gr_promql_type got = check_expr(c, e);

    if (got == want)
        return;
    gr_diag(c->diags, GR0402, e->where, way(e, got, want), "\"" GR_FMT "\" expects %s %s here, got %s %s",
            GR_ARG(whose), want == GR_PROMQL_T_VECTOR ? "an" : "a", gr_promql_type_name(want),
            got == GR_PROMQL_T_VECTOR ? "an" : "a", gr_promql_type_name(got));
    c->failed = true;
}

static void
check_selector(struct check *c, const struct gr_promql *e)
{
    const struct gr_promql_selector *s = &e->u.selector;
    bool fixed = s->metric.n > 0;

    for (size_t i = 0; i < s->count; i++) {
        if (s->metric.n > 0 && gr_str_is(s->matchers[i].name, "__name__"))
            REPORT(c, s->matchers[i].where,
                   "the metric's name is set twice: before the braces and by __name__");
        else if (!fixed)
            fixed = !promql_matches_empty(&s->matchers[i]);
    }
    if (!fixed)
        REPORT(c, e->where,
               "the selector would take every series: name the metric, or match a label against a value that "
               "is not empty");
}

/* f takes `want` arguments, or at least or at most so many. */
static void
report_count(struct check *c, const struct gr_promql *e, size_t want)
{
    const struct gr_promql_function *f = e->u.function;
    struct gr_buf signature = GR_BUF_INIT(SIGNATURE_MAX);

    promql_signature(&signature, f);
    REPORT(c, e->where, "\"" GR_FMT "\" takes %s%zu argument%s, got %zu: %s", GR_ARG(f->name),
           f->variadic == 0  ? ""
           : e->count < want ? "at least "
                             : "at most ",
           want, want == 1 ? "" : "s", e->count, gr_buf_cstr(&signature));
    gr_buf_fini(&signature);
}

static void
check_call(struct check *c, const struct gr_promql *e)
{
    const struct gr_promql_function *f = e->u.function;
    size_t least = f->variadic == 0 ? f->arg_count : f->arg_count - 1u;
    size_t most = f->variadic < 0 ? SIZE_MAX : f->variadic == 0 ? least : least + (size_t)f->variadic;

    if (e->count < least || e->count > most)
        report_count(c, e, e->count < least ? least : most);
    for (size_t i = 0; i < e->count; i++) {
        size_t slot = i < f->arg_count ? i : f->arg_count - 1u;

        if (i >= f->arg_count && f->variadic == 0)
            break; /* one too many: reported */
        expect(c, e->child[i], f->args[slot], f->name);
    }
}

static void
check_aggregate(struct check *c, const struct gr_promql *e)
{
    struct gr_str name = gr_promql_agg_name(e->u.aggregate.op);

    if (e->count == 2)
        expect(c, e->child[0], promql_agg_param(e->u.aggregate.op), name);
    expect(c, e->child[e->count - 1], GR_PROMQL_T_VECTOR, name);
}

/* The matching clauses between two instant vectors, or where there are none. */
static void
check_matching(struct check *c, const struct gr_promql_binary *b, bool vectors)
{
    bool sets = gr_promql_op_sets(b->op);
    struct gr_str op = gr_promql_op_name(b->op);

    for (size_t i = 0; b->on && i < b->label_count; i++)
        for (size_t k = 0; k < b->include_count; k++)
            if (gr_str_eq(b->labels[i], b->include[k]))
                REPORT(c, b->op_where, "label \"" GR_FMT "\" stands in on and in group_%s at once",
                       GR_ARG(b->labels[i]), b->group == GR_PROMQL_GROUP_LEFT ? "left" : "right");
    if (!vectors && b->label_count > 0)
        REPORT(c, b->op_where, "%s is for two instant vectors", b->on ? "on" : "ignoring");
    if (vectors && sets && b->group != GR_PROMQL_ONE_TO_ONE)
        REPORT(c, b->op_where, "\"" GR_FMT "\" takes no group_left or group_right", GR_ARG(op));
    if (b->return_bool && !gr_promql_op_compares(b->op))
        REPORT(c, b->op_where, "bool is for comparisons only");
}

static enum gr_promql_type
check_binary(struct check *c, const struct gr_promql *e)
{
    const struct gr_promql_binary *b = &e->u.binary;
    enum gr_promql_type left = check_expr(c, e->child[0]), right = check_expr(c, e->child[1]);
    bool scalars = left == GR_PROMQL_T_SCALAR && right == GR_PROMQL_T_SCALAR;
    struct gr_str op = gr_promql_op_name(b->op);

    for (size_t i = 0; i < 2; i++) {
        enum gr_promql_type t = i == 0 ? left : right;

        if (!is_operand(t))
            REPORT(c, e->child[i]->where, "\"" GR_FMT "\" expects scalars or instant vectors, got a %s",
                   GR_ARG(op), gr_promql_type_name(t));
    }
    check_matching(c, b, left == GR_PROMQL_T_VECTOR && right == GR_PROMQL_T_VECTOR);
    if (scalars && gr_promql_op_compares(b->op) && !b->return_bool)
        REPORT(c, b->op_where, "a comparison of two scalars needs bool behind the operator");
    if ((left == GR_PROMQL_T_SCALAR || right == GR_PROMQL_T_SCALAR) && gr_promql_op_sets(b->op))
        REPORT(c, b->op_where, "\"" GR_FMT "\" is for two instant vectors; vector(…) makes one of a scalar",
               GR_ARG(op));
    return scalars ? GR_PROMQL_T_SCALAR : GR_PROMQL_T_VECTOR;
}

static enum gr_promql_type
check_unary(struct check *c, const struct gr_promql *e)
{
    enum gr_promql_type t = check_expr(c, e->child[0]);

    if (!is_operand(t))
        REPORT(c, e->where, "a sign stands before a scalar or an instant vector, not a %s",
               gr_promql_type_name(t));
    return t;
}

/* Depth is bounded by GR_PROMQL_HEIGHT_MAX. */
static enum gr_promql_type
check_expr(struct check *c, const struct gr_promql *e)
{
    switch (e->kind) {
    case GR_PROMQL_NUMBER:
        return GR_PROMQL_T_SCALAR;
    case GR_PROMQL_STRING:
        return GR_PROMQL_T_TEXT;
    case GR_PROMQL_SELECTOR:
        check_selector(c, e);
        return gr_promql_type(e);
    case GR_PROMQL_SUBQUERY:
        expect(c, e->child[0], GR_PROMQL_T_VECTOR, GR_STR("[:]"));
        return GR_PROMQL_T_MATRIX;
    case GR_PROMQL_CALL:
        check_call(c, e);
        return e->u.function->result;
    case GR_PROMQL_AGGREGATE:
        check_aggregate(c, e);
        return GR_PROMQL_T_VECTOR;
    case GR_PROMQL_BINARY:
        return check_binary(c, e);
    case GR_PROMQL_UNARY:
        return check_unary(c, e);
    case GR_PROMQL_PAREN:
        return check_expr(c, e->child[0]);
    }
    return GR_PROMQL_T_NONE;
}

enum gr_err
gr_promql_check(const struct gr_promql *e, struct gr_diags *diags)
{
    struct check c = {.diags = diags};

    check_expr(&c, e);
    return c.failed ? GR_EUSER : GR_OK;
}

enum gr_promql_type
gr_promql_type(const struct gr_promql *e)
{
    switch (e->kind) {
    case GR_PROMQL_NUMBER:
        return GR_PROMQL_T_SCALAR;
    case GR_PROMQL_STRING:
        return GR_PROMQL_T_TEXT;
    case GR_PROMQL_SELECTOR:
        return e->u.selector.range_ms != 0 ? GR_PROMQL_T_MATRIX : GR_PROMQL_T_VECTOR;
    case GR_PROMQL_SUBQUERY:
        return GR_PROMQL_T_MATRIX;
    case GR_PROMQL_CALL:
        return e->u.function->result;
    case GR_PROMQL_AGGREGATE:
        return GR_PROMQL_T_VECTOR;
    case GR_PROMQL_BINARY:
        if (gr_promql_type(e->child[0]) == GR_PROMQL_T_SCALAR &&
            gr_promql_type(e->child[1]) == GR_PROMQL_T_SCALAR)
            return GR_PROMQL_T_SCALAR;
        return GR_PROMQL_T_VECTOR;
    case GR_PROMQL_UNARY:
    case GR_PROMQL_PAREN:
        return gr_promql_type(e->child[0]);
    }
    return GR_PROMQL_T_NONE;
}
