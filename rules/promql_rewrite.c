/* promql_rewrite.c - changing trees in place: matchers, nodes, durations. */
#include "config.h"
#include "promql_tree.h"

/* ---- matchers ---- */

struct adding {
    struct gr_arena *arena;
    const struct gr_promql_add *add;
    enum gr_err err;
};

/* GR_OK, GR_EUSER on conflict, GR_ENOMEM. */
static enum gr_err
add_one(struct adding *w, struct gr_promql *e, const struct gr_promql_matcher *m)
{
    struct gr_promql_selector *s = &e->u.selector;
    const struct gr_promql_matcher by_name = {
        .name = GR_STR("__name__"), .op = GR_PROMQL_IS, .value = s->metric, .where = e->where};
    const struct gr_promql_matcher *have = gr_promql_matcher_on(e, m->name);

    if (s->metric.n > 0 && gr_str_is(m->name, "__name__"))
        have = &by_name;
    if (!have)
        return promql_append_matcher(w->arena, s, m) ? GR_OK : GR_ENOMEM;
    if (promql_same_matcher(have, m))
        return GR_OK;
    if (w->add->conflict)
        w->add->conflict(e, have, m, w->add->ctx);
    return GR_EUSER;
}

static bool
add_to_selector(struct gr_promql *e, void *ctx)
{
    struct adding *w = ctx;

    if (w->add->wants && !w->add->wants(e, w->add->ctx))
        return true;
    for (size_t i = 0; i < w->add->count; i++) {
        enum gr_err err = add_one(w, e, &w->add->matchers[i]);

        if (err != GR_OK)
            w->err = err;
        if (err == GR_ENOMEM)
            return false;
    }
    return true;
}

enum gr_err
gr_promql_add_matchers(struct gr_arena *a, struct gr_promql *e, const struct gr_promql_add *add)
{
    struct adding w = {.arena = a, .add = add};

    gr_promql_selectors(e, add_to_selector, &w);
    return w.err;
}

/* ---- nodes ---- */

/* Whether it was below e; heights on the way are measured again. */
static bool
replace_below(struct gr_promql *e, const struct gr_promql *from, struct gr_promql *to)
{
    for (size_t i = 0; i < e->count; i++) {
        if (e->child[i] == from)
            e->child[i] = to;
        else if (!replace_below(e->child[i], from, to))
            continue;
        promql_measure(e);
        return true;
    }
    return false;
}

enum gr_err
gr_promql_replace(struct gr_promql **root, struct gr_promql *from, struct gr_promql *to)
{
    if (*root == from) {
        *root = to;
        return GR_OK;
    }
    if (!replace_below(*root, from, to))
        return GR_ENOENT;
    if ((*root)->height <= GR_PROMQL_HEIGHT_MAX)
        return GR_OK;
    replace_below(*root, to, from);
    return GR_ELIMIT;
}

/* ---- durations ---- */

struct mapping {
    gr_promql_duration_fn *map;
    void *ctx;
    enum gr_err err;
};

/* A range or a step, 0 if there is none. */
static void
map_length(struct mapping *w, enum gr_promql_duration what, int64_t *ms)
{
    int64_t mapped;

    if (*ms == 0)
        return;
    mapped = w->map(what, *ms, w->ctx);
    if (mapped > 0)
        *ms = mapped;
    else
        w->err = GR_ERANGE;
}

static bool
map_node(struct gr_promql *e, void *ctx)
{
    struct mapping *w = ctx;
    struct gr_promql_shift *shift = NULL;

    if (e->kind == GR_PROMQL_SELECTOR) {
        map_length(w, GR_PROMQL_RANGE, &e->u.selector.range_ms);
        shift = &e->u.selector.shift;
    } else if (e->kind == GR_PROMQL_SUBQUERY) {
        map_length(w, GR_PROMQL_RANGE, &e->u.subquery.range_ms);
        map_length(w, GR_PROMQL_STEP, &e->u.subquery.step_ms);
        shift = &e->u.subquery.shift;
    }
    if (shift && shift->offset_ms != 0)
        shift->offset_ms = w->map(GR_PROMQL_OFFSET, shift->offset_ms, w->ctx);
    return true;
}

enum gr_err
gr_promql_map_durations(struct gr_promql *e, gr_promql_duration_fn *map, void *ctx)
{
    struct mapping w = {.map = map, .ctx = ctx};

    gr_promql_visit(e, map_node, &w);
    return w.err;
}

struct range_change {
    int64_t from_ms, to_ms;
    size_t changed;
};

static int64_t
change_range(enum gr_promql_duration what, int64_t ms, void *ctx)
{
    struct range_change *c = ctx;

    if (what != GR_PROMQL_RANGE || (c->from_ms != 0 && c->from_ms != ms))
        return ms;
    c->changed++;
    return c->to_ms;
}

size_t
gr_promql_set_ranges(struct gr_promql *e, int64_t from_ms, int64_t to_ms)
{
    struct range_change c = {.from_ms = from_ms, .to_ms = to_ms};
    enum gr_err err;

    GR_ASSERT(from_ms >= 0 && to_ms > 0);
    err = gr_promql_map_durations(e, change_range, &c);
    GR_ASSERT(err == GR_OK);
    return c.changed;
}
