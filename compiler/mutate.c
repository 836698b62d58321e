/* mutate.c - see mutate.h. Each node of the tree offers some changes; they are numbered in the order of the visit, and one is made. */
#include "config.h"
#include "mutate.h"

#include <math.h>

struct hunt {
    struct gr_arena *arena;
    size_t left; /* changes still to be passed over */
    int64_t slot_ms;
    bool done, failed;
    struct gr_promql *hit;
    struct gr_promql_matcher dropped;
    struct gr_str what, before;
};

static struct gr_str
printed(struct hunt *h, const struct gr_promql *e)
{
    struct gr_buf b = GR_BUF_INIT(GR_PROMQL_BYTES_MAX);
    struct gr_str s;

    gr_promql_print(&b, e);
    s = gr_arena_dup(h->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    if (!s.p)
        h->failed = true;
    return s;
}

/* Whether this is the change to make. */
static bool
turn(struct hunt *h, struct gr_promql *e, const char *what, struct gr_str detail)
{
    if (h->done || h->left-- > 0)
        return false;
    h->done = true;
    h->hit = e;
    h->before = printed(h, e);
    h->what = gr_arena_printf(h->arena, "%s%s" GR_FMT, what, detail.n ? " " : "", GR_ARG(detail));
    return true;
}

/* -- numbers, matchers, ranges ----------------------------------------------------------------------------------------------- */

static void
number(struct hunt *h, struct gr_promql *e)
{
    double v = e->u.number;

    if (!isfinite(v))
        return;
    if (turn(h, e, fabs(v) > 0 ? "literal: a hundredth more" : "literal: one more", GR_STR_NONE))
        e->u.number = fabs(v) > 0 ? v * 1.01 : 1;
    if (turn(h, e, fabs(v) > 0 ? "literal: a hundredth less" : "literal: one less", GR_STR_NONE))
        e->u.number = fabs(v) > 0 ? v * 0.99 : -1;
    if (fabs(v) > 0 && turn(h, e, "literal: sign", GR_STR_NONE))
        e->u.number = -v;
}

static void
drop(void *list, size_t *count, size_t i, size_t size)
{
    char *p = list;

    memmove(p + i * size, p + (i + 1) * size, (*count - i - 1) * size);
    (*count)--;
}

static void
selector(struct hunt *h, struct gr_promql *e)
{
    static const enum gr_promql_match negated[] = {[GR_PROMQL_IS] = GR_PROMQL_IS_NOT,
                                                   [GR_PROMQL_IS_NOT] = GR_PROMQL_IS,
                                                   [GR_PROMQL_LIKE] = GR_PROMQL_NOT_LIKE,
                                                   [GR_PROMQL_NOT_LIKE] = GR_PROMQL_LIKE};
    struct gr_promql_selector *s = &e->u.selector;
    int64_t range = s->range_ms;

    for (size_t i = 0; i < s->count && !h->done; i++) {
        struct gr_promql_matcher *m = &s->matchers[i];

        if (turn(h, e, "matcher: negated", m->name))
            m->op = negated[m->op];
        else if (turn(h, e, "matcher: another value", m->name))
            m->value = GR_STR("mutant");
        else if (turn(h, e, "matcher: dropped", m->name)) {
            h->dropped = *m;
            drop(s->matchers, &s->count, i, sizeof *s->matchers);
        }
    }
    if (range <= 0)
        return;
    if (turn(h, e, "range: half", GR_STR_NONE))
        s->range_ms = range / 2;
    if (turn(h, e, "range: double", GR_STR_NONE))
        s->range_ms = range * 2;
    if (turn(h, e, "range: a slot more", GR_STR_NONE))
        s->range_ms = range + h->slot_ms;
    if (range > h->slot_ms && turn(h, e, "range: a slot less", GR_STR_NONE))
        s->range_ms = range - h->slot_ms;
}

/* -- operators ---------------------------------------------------------------------------------------------------------------- */

static const struct {
    enum gr_promql_op op, to[2]; /* the second may be the first again */
} operators[] = {
    {GR_PROMQL_ADD, {GR_PROMQL_SUB, GR_PROMQL_SUB}},   {GR_PROMQL_SUB, {GR_PROMQL_ADD, GR_PROMQL_ADD}},
    {GR_PROMQL_MUL, {GR_PROMQL_DIV, GR_PROMQL_DIV}},   {GR_PROMQL_DIV, {GR_PROMQL_MUL, GR_PROMQL_MUL}},
    {GR_PROMQL_POW, {GR_PROMQL_MUL, GR_PROMQL_MUL}},   {GR_PROMQL_EQ, {GR_PROMQL_NE, GR_PROMQL_NE}},
    {GR_PROMQL_NE, {GR_PROMQL_EQ, GR_PROMQL_EQ}},      {GR_PROMQL_GT, {GR_PROMQL_GE, GR_PROMQL_LT}},
    {GR_PROMQL_GE, {GR_PROMQL_GT, GR_PROMQL_LE}},      {GR_PROMQL_LT, {GR_PROMQL_LE, GR_PROMQL_GT}},
    {GR_PROMQL_LE, {GR_PROMQL_LT, GR_PROMQL_GE}},      {GR_PROMQL_AND, {GR_PROMQL_OR, GR_PROMQL_UNLESS}},
    {GR_PROMQL_OR, {GR_PROMQL_AND, GR_PROMQL_UNLESS}}, {GR_PROMQL_UNLESS, {GR_PROMQL_AND, GR_PROMQL_OR}},
};

static void
binary(struct hunt *h, struct gr_promql *e)
{
    struct gr_promql_binary *b = &e->u.binary;
    enum gr_promql_op op = b->op;

    for (size_t i = 0; i < GR_COUNT(operators); i++)
        for (size_t k = 0; k < 2 && operators[i].op == op && !h->done; k++)
            if ((k == 0 || operators[i].to[1] != operators[i].to[0]) &&
                turn(h, e, "operator:", gr_promql_op_name(operators[i].to[k])))
                b->op = operators[i].to[k];
    if (b->return_bool && turn(h, e, "bool: dropped", GR_STR_NONE))
        b->return_bool = false;
    for (size_t i = 0; b->has_matching && i < b->label_count && !h->done; i++)
        if (turn(h, e, b->on ? "on: dropped" : "ignoring: dropped", b->labels[i]))
            drop(b->labels, &b->label_count, i, sizeof *b->labels);
    if (b->has_matching && turn(h, e, b->on ? "on: ignoring" : "ignoring: on", GR_STR_NONE))
        b->on = !b->on;
    for (size_t i = 0; i < b->include_count && !h->done; i++)
        if (turn(h, e, "group: dropped", b->include[i]))
            drop(b->include, &b->include_count, i, sizeof *b->include);
}

/* -- aggregations, functions -------------------------------------------------------------------------------------------------- */

static void
aggregate(struct hunt *h, struct gr_promql *e)
{
    static const struct {
        enum gr_promql_agg op, to;
    } others[] = {{GR_PROMQL_SUM, GR_PROMQL_MAX},   {GR_PROMQL_MAX, GR_PROMQL_MIN},
                  {GR_PROMQL_MIN, GR_PROMQL_MAX},   {GR_PROMQL_AVG, GR_PROMQL_MAX},
                  {GR_PROMQL_COUNT, GR_PROMQL_SUM}, {GR_PROMQL_TOPK, GR_PROMQL_BOTTOMK}};
    struct gr_promql_aggregate *a = &e->u.aggregate;
    enum gr_promql_agg op = a->op;

    for (size_t i = 0; i < GR_COUNT(others); i++)
        if (others[i].op == op && turn(h, e, "aggregation:", gr_promql_agg_name(others[i].to)))
            a->op = others[i].to;
    for (size_t i = 0; i < a->count && !h->done; i++)
        if (turn(h, e, a->clause == GR_PROMQL_BY ? "by: dropped" : "without: dropped", a->labels[i]))
            drop(a->labels, &a->count, i, sizeof *a->labels);
}

static void
call(struct hunt *h, struct gr_promql *e)
{
    static const char *const others[][2] = {
        {"avg_over_time", "max_over_time"},
        {"clamp_max", "clamp_min"},
        {"clamp_min", "clamp_max"},
        {"count_over_time", "sum_over_time"},
        {"increase", "rate"},
        {"increase", "delta"},
        {"last_over_time", "min_over_time"},
        {"ln", "log2"},
        {"max_over_time", "min_over_time"},
        {"min_over_time", "max_over_time"},
        {"stdvar_over_time", "avg_over_time"},
        {"sum_over_time", "max_over_time"},
    };
    struct gr_str name = e->u.function->name;

    for (size_t i = 0; i < GR_COUNT(others) && !h->done; i++)
        if (gr_str_is(name, others[i][0]) && turn(h, e, "function:", gr_str(others[i][1])))
            e->u.function = gr_promql_function(gr_str(others[i][1]));
    if (gr_str_is(name, "label_replace") && turn(h, e, "label_replace: left out", GR_STR_NONE)) {
        struct gr_promql **child = gr_arena_array(h->arena, 1, sizeof *child);

        if (!child) {
            h->failed = true;
            return;
        }
        child[0] = e->child[0];
        e->kind = GR_PROMQL_PAREN;
        e->child = child;
        e->count = 1;
    }
}

static bool
visit(struct gr_promql *e, void *ctx)
{
    struct hunt *h = ctx;

    if (h->done)
        return false;
    switch (e->kind) {
    case GR_PROMQL_NUMBER:
        number(h, e);
        break;
    case GR_PROMQL_SELECTOR:
        selector(h, e);
        break;
    case GR_PROMQL_BINARY:
        binary(h, e);
        break;
    case GR_PROMQL_AGGREGATE:
        aggregate(h, e);
        break;
    case GR_PROMQL_CALL:
        call(h, e);
        break;
    case GR_PROMQL_STRING:
    case GR_PROMQL_SUBQUERY:
    case GR_PROMQL_UNARY:
    case GR_PROMQL_PAREN:
    default:
        break;
    }
    return !h->done;
}

enum gr_err
mutate_nth(struct gr_arena *a, const struct gr_promql *e, size_t n, int64_t slot_ms,
           struct mutate_change *out)
{
    struct hunt h = {.arena = a, .left = n, .slot_ms = slot_ms};
    struct gr_sources *sources = NULL;
    struct gr_diags *diags = NULL;
    struct gr_promql *tree = gr_promql_clone(a, e);
    enum gr_err err = GR_ENOMEM;

    if (!tree)
        return GR_ENOMEM;
    gr_promql_visit(tree, visit, &h);
    if (!h.done)
        return GR_ENOENT;
    out->tree = tree;
    out->part = h.hit;
    out->dropped = h.dropped;
    out->what = h.what;
    out->before = h.before;
    out->after = printed(&h, h.hit);
    if (!h.failed && (sources = gr_sources_create()) != NULL && (diags = gr_diags_create(sources)) != NULL)
        err = gr_promql_check(tree, diags);
    gr_diags_free(diags);
    gr_sources_free(sources);
    return err;
}
