/* promql_tree.c - making, walking, copying and comparing trees.
 *
 * Recursion is as deep as the tree is high, which promql_measure keeps below GR_PROMQL_HEIGHT_MAX. */
#include "config.h"
#include "promql_tree.h"

#include <math.h>

/* ---- make ---- */

struct gr_promql *
promql_node(struct gr_arena *a, enum gr_promql_kind kind, size_t children)
{
    struct gr_promql *e = gr_arena_alloc(a, sizeof *e);

    if (!e)
        return NULL;
    e->kind = kind;
    e->height = 1;
    e->count = children;
    if (children > 0 && (e->child = gr_arena_array(a, children, sizeof(struct gr_promql *))) == NULL)
        return NULL;
    return e;
}

bool
promql_measure(struct gr_promql *e)
{
    uint32_t height = 0;

    for (size_t i = 0; i < e->count; i++)
        if (e->child[i]->height > height)
            height = e->child[i]->height;
    e->height = height + 1;
    return e->height <= GR_PROMQL_HEIGHT_MAX;
}

static struct gr_promql *
measured(struct gr_promql *e)
{
    return promql_measure(e) ? e : NULL;
}

struct gr_promql *
gr_promql_number(struct gr_arena *a, double value)
{
    struct gr_promql *e = promql_node(a, GR_PROMQL_NUMBER, 0);

    if (e)
        e->u.number = value;
    return e;
}

struct gr_promql *
gr_promql_text(struct gr_arena *a, struct gr_str value)
{
    struct gr_promql *e = promql_node(a, GR_PROMQL_STRING, 0);

    if (!e)
        return NULL;
    e->u.text = gr_arena_dup(a, value);
    return e->u.text.p ? e : NULL;
}

/* Copies strings one by one; false without memory. An empty list stays NULL. */
static bool
copy_names(struct gr_arena *a, const struct gr_str *from, size_t count, struct gr_str **to)
{
    struct gr_str *copy = NULL;

    if (count > 0 && (copy = gr_arena_array(a, count, sizeof *copy)) == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        copy[i] = gr_arena_dup(a, from[i]);
        if (!copy[i].p)
            return false;
    }
    *to = copy;
    return true;
}

bool
promql_append_matcher(struct gr_arena *a, struct gr_promql_selector *s, const struct gr_promql_matcher *m)
{
    struct gr_promql_matcher copy = {.op = m->op, .where = m->where};
    void *grown;

    copy.name = gr_arena_dup(a, m->name);
    copy.value = gr_arena_dup(a, m->value);
    if (!copy.name.p || !copy.value.p)
        return false;
    if (s->count == s->cap) {
        if ((grown = gr_arena_grow(a, s->matchers, s->count, &s->cap, sizeof copy)) == NULL)
            return false;
        s->matchers = grown;
    }
    s->matchers[s->count++] = copy;
    return true;
}

/* Whether a metric's name can stand before the braces. */
static bool
is_bare_metric(struct gr_str name)
{
    struct token t;

    if (name.n == 0 || (name.p[0] >= '0' && name.p[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] != ':' && !promql_is_label((struct gr_str){name.p + i, 1}) &&
            !(name.p[i] >= '0' && name.p[i] <= '9'))
            return false;
    if (!promql_keyword(name, &t))
        return true;
    return t.kind == TOK_AGG || t.kind == TOK_BY || t.kind == TOK_WITHOUT || t.kind == TOK_OFFSET ||
           t.kind == TOK_START || t.kind == TOK_END ||
           (t.kind == TOK_OP && gr_promql_op_sets((enum gr_promql_op)t.value));
}

struct gr_promql *
gr_promql_select(struct gr_arena *a, struct gr_str metric, const struct gr_promql_matcher *matchers,
                 size_t count, int64_t range_ms)
{
    struct gr_promql *e = promql_node(a, GR_PROMQL_SELECTOR, 0);
    const struct gr_promql_matcher by_name = {
        .name = GR_STR("__name__"), .op = GR_PROMQL_IS, .value = metric};

    if (!e)
        return NULL;
    e->u.selector.range_ms = range_ms;
    if (is_bare_metric(metric)) {
        e->u.selector.metric = gr_arena_dup(a, metric);
        if (!e->u.selector.metric.p)
            return NULL;
    } else if (metric.n > 0 && !promql_append_matcher(a, &e->u.selector, &by_name)) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (!promql_append_matcher(a, &e->u.selector, &matchers[i]))
            return NULL;
    return e;
}

struct gr_promql *
gr_promql_call(struct gr_arena *a, const char *name, struct gr_promql *const *args, size_t count)
{
    struct gr_promql *e = promql_node(a, GR_PROMQL_CALL, count);
    const struct gr_promql_function *f = gr_promql_function(gr_str(name));

    GR_ASSERT(f != NULL);
    if (!e)
        return NULL;
    e->u.function = f;
    for (size_t i = 0; i < count; i++)
        if ((e->child[i] = args[i]) == NULL)
            return NULL;
    return measured(e);
}

struct gr_promql *
gr_promql_aggregation(struct gr_arena *a, enum gr_promql_agg op, enum gr_promql_clause clause,
                      const struct gr_str *labels, size_t count, struct gr_promql *param,
                      struct gr_promql *vector)
{
    bool has_param = promql_agg_param(op) != GR_PROMQL_T_NONE;
    struct gr_promql *e = promql_node(a, GR_PROMQL_AGGREGATE, has_param ? 2 : 1);

    if (!e || !vector || (has_param && !param))
        return NULL;
    GR_ASSERT(has_param == (param != NULL));
    e->u.aggregate.op = op;
    e->u.aggregate.clause = clause;
    e->u.aggregate.count = count;
    if (!copy_names(a, labels, count, &e->u.aggregate.labels))
        return NULL;
    e->child[0] = param;
    e->child[e->count - 1] = vector;
    return measured(e);
}

struct gr_promql *
gr_promql_binary(struct gr_arena *a, enum gr_promql_op op, struct gr_promql *left, struct gr_promql *right)
{
    struct gr_promql *e = promql_node(a, GR_PROMQL_BINARY, 2);

    if (!e || !left || !right)
        return NULL;
    e->u.binary.op = op;
    e->child[0] = left;
    e->child[1] = right;
    return measured(e);
}

/* ---- walk ---- */

void
gr_promql_visit(struct gr_promql *e, gr_promql_visit_fn *visit, void *ctx)
{
    if (!visit(e, ctx))
        return;
    for (size_t i = 0; i < e->count; i++)
        gr_promql_visit(e->child[i], visit, ctx);
}

struct selector_walk {
    gr_promql_selector_fn *visit;
    void *ctx;
    bool stopped;
};

static bool
visit_selector(struct gr_promql *e, void *ctx)
{
    struct selector_walk *w = ctx;

    if (!w->stopped && e->kind == GR_PROMQL_SELECTOR)
        w->stopped = !w->visit(e, w->ctx);
    return !w->stopped;
}

void
gr_promql_selectors(struct gr_promql *e, gr_promql_selector_fn *visit, void *ctx)
{
    struct selector_walk w = {.visit = visit, .ctx = ctx};

    gr_promql_visit(e, visit_selector, &w);
}

const struct gr_promql_matcher *
gr_promql_matcher_on(const struct gr_promql *e, struct gr_str label)
{
    if (e->kind != GR_PROMQL_SELECTOR)
        return NULL;
    for (size_t i = 0; i < e->u.selector.count; i++)
        if (gr_str_eq(e->u.selector.matchers[i].name, label))
            return &e->u.selector.matchers[i];
    return NULL;
}

struct gr_str
gr_promql_metric(const struct gr_promql *e)
{
    if (e->kind != GR_PROMQL_SELECTOR)
        return GR_STR_NONE;
    if (e->u.selector.metric.n > 0)
        return e->u.selector.metric;
    for (size_t i = 0; i < e->u.selector.count; i++) {
        const struct gr_promql_matcher *m = &e->u.selector.matchers[i];

        if (m->op == GR_PROMQL_IS && gr_str_is(m->name, "__name__"))
            return m->value;
    }
    return GR_STR_NONE;
}

/* ---- copy, compare ---- */

static bool
clone_parts(struct gr_arena *a, struct gr_promql *copy, const struct gr_promql *e)
{
    switch (e->kind) {
    case GR_PROMQL_STRING:
        copy->u.text = gr_arena_dup(a, e->u.text);
        return copy->u.text.p != NULL;
    case GR_PROMQL_SELECTOR:
        copy->u.selector.matchers = NULL;
        copy->u.selector.count = copy->u.selector.cap = 0;
        copy->u.selector.metric = gr_arena_dup(a, e->u.selector.metric);
        for (size_t i = 0; i < e->u.selector.count; i++)
            if (!promql_append_matcher(a, &copy->u.selector, &e->u.selector.matchers[i]))
                return false;
        return copy->u.selector.metric.p != NULL;
    case GR_PROMQL_AGGREGATE:
        return copy_names(a, e->u.aggregate.labels, e->u.aggregate.count, &copy->u.aggregate.labels);
    case GR_PROMQL_BINARY:
        return copy_names(a, e->u.binary.labels, e->u.binary.label_count, &copy->u.binary.labels) &&
               copy_names(a, e->u.binary.include, e->u.binary.include_count, &copy->u.binary.include);
    case GR_PROMQL_NUMBER:
    case GR_PROMQL_SUBQUERY:
    case GR_PROMQL_CALL:
    case GR_PROMQL_UNARY:
    case GR_PROMQL_PAREN:
        break;
    }
    return true;
}

struct gr_promql *
gr_promql_clone(struct gr_arena *a, const struct gr_promql *e)
{
    struct gr_promql *copy = promql_node(a, e->kind, e->count), **child;

    if (!copy)
        return NULL;
    child = copy->child;
    *copy = *e;
    copy->child = child;
    for (size_t i = 0; i < e->count; i++)
        if ((copy->child[i] = gr_promql_clone(a, e->child[i])) == NULL)
            return NULL;
    return clone_parts(a, copy, e) ? copy : NULL;
}

static bool
same_names(const struct gr_str *a, size_t a_count, const struct gr_str *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!gr_str_eq(a[i], b[i]))
            return false;
    return true;
}

/* The same double, bit for bit, but all NaNs are one. */
static bool
same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static bool
same_shift(const struct gr_promql_shift *a, const struct gr_promql_shift *b)
{
    return a->offset_ms == b->offset_ms && a->at == b->at &&
           (a->at != GR_PROMQL_AT_TIME || same_number(a->at_s, b->at_s));
}

bool
promql_same_matcher(const struct gr_promql_matcher *a, const struct gr_promql_matcher *b)
{
    return a->op == b->op && gr_str_eq(a->name, b->name) && gr_str_eq(a->value, b->value);
}

static bool
same_selector(const struct gr_promql_selector *a, const struct gr_promql_selector *b)
{
    if (!gr_str_eq(a->metric, b->metric) || a->range_ms != b->range_ms || !same_shift(&a->shift, &b->shift) ||
        a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!promql_same_matcher(&a->matchers[i], &b->matchers[i]))
            return false;
    return true;
}

static bool
same_binary(const struct gr_promql_binary *a, const struct gr_promql_binary *b)
{
    return a->op == b->op && a->return_bool == b->return_bool && a->has_matching == b->has_matching &&
           a->on == b->on && a->group == b->group &&
           same_names(a->labels, a->label_count, b->labels, b->label_count) &&
           same_names(a->include, a->include_count, b->include, b->include_count);
}

static bool
same_parts(const struct gr_promql *a, const struct gr_promql *b)
{
    switch (a->kind) {
    case GR_PROMQL_NUMBER:
        return same_number(a->u.number, b->u.number);
    case GR_PROMQL_STRING:
        return gr_str_eq(a->u.text, b->u.text);
    case GR_PROMQL_SELECTOR:
        return same_selector(&a->u.selector, &b->u.selector);
    case GR_PROMQL_SUBQUERY:
        return a->u.subquery.range_ms == b->u.subquery.range_ms &&
               a->u.subquery.step_ms == b->u.subquery.step_ms &&
               same_shift(&a->u.subquery.shift, &b->u.subquery.shift);
    case GR_PROMQL_CALL:
        return a->u.function == b->u.function;
    case GR_PROMQL_AGGREGATE:
        return a->u.aggregate.op == b->u.aggregate.op && a->u.aggregate.clause == b->u.aggregate.clause &&
               same_names(a->u.aggregate.labels, a->u.aggregate.count, b->u.aggregate.labels,
                          b->u.aggregate.count);
    case GR_PROMQL_BINARY:
        return same_binary(&a->u.binary, &b->u.binary);
    case GR_PROMQL_UNARY:
        return a->u.sign == b->u.sign;
    case GR_PROMQL_PAREN:
        return true;
    }
    return false;
}

bool
gr_promql_equal(const struct gr_promql *a, const struct gr_promql *b)
{
    if (a->kind != b->kind || a->count != b->count || a->height != b->height || !same_parts(a, b))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!gr_promql_equal(a->child[i], b->child[i]))
            return false;
    return true;
}
