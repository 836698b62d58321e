/* facts_guardrail.c - what a specification says about one guardrail. */
#include "config.h"
#include "facts_parts.h"

#include <stdlib.h>

#include "guardrail/promql.h"
#include "reaction.h"

/* ---- metric ---- */

static struct gr_str
promql_text(struct facts_out *o, const struct gr_promql *e)
{
    struct gr_buf b = GR_BUF_INIT(GR_PROMQL_BYTES_MAX);

    if (e)
        gr_promql_print(&b, e);
    return facts_keep(o->a, &b);
}

static void
put_source(struct facts_out *o, const struct metric *m)
{
    static const char *const names[] = {[METRIC_RATIO_BAD] = "ratio bad ",
                                        [METRIC_RATIO_GOOD] = "ratio good ",
                                        [METRIC_GAUGE] = "gauge ",
                                        [METRIC_HISTOGRAM] = "histogram ",
                                        [METRIC_PROMQL] = "promql "};
    struct gr_str part = promql_text(o, m->part), total = promql_text(o, m->total);

    facts_text(o, ASPECT_METRIC, GR_STR_NONE, NULL,
               gr_arena_printf(o->a, "%s" GR_FMT "%s" GR_FMT, names[m->kind], GR_ARG(part),
                               total.n ? " total " : "", GR_ARG(total)));
}

static void
put_lists(struct facts_out *o, const struct metric *m)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);

    for (size_t i = 0; i < m->n_weights; i++) {
        gr_buf_printf(&b, "%s" GR_FMT "=" GR_FMT " ", i ? ", " : "", GR_ARG(m->weight_label),
                      GR_ARG(m->weights[i].value));
        gr_dec_print(&b, m->weights[i].weight);
    }
    facts_text(o, ASPECT_WEIGHTS, GR_STR_NONE, NULL, facts_keep(o->a, &b));
    for (size_t i = 0; i < m->n_buckets; i++) {
        gr_buf_puts(&b, i ? ", " : "");
        gr_dec_print(&b, m->buckets[i]);
    }
    facts_text(o, ASPECT_BUCKETS, GR_STR_NONE, NULL, facts_keep(o->a, &b));
    facts_items(o, ASPECT_LABELS, GR_STR_NONE, NULL, m->labels);
    facts_items(o, ASPECT_COMMON, GR_STR_NONE, NULL, m->common);
}

static void
put_metric(struct facts_out *o, const struct metric *m)
{
    static const char *const reduces[] = {[REDUCE_AVG] = "avg", [REDUCE_MAX] = "max", [REDUCE_MIN] = "min"};

    put_source(o, m);
    if (m->kind == METRIC_GAUGE)
        facts_text(o, ASPECT_REDUCE, GR_STR_NONE, NULL, gr_str(reduces[m->reduce]));
    if (m->kind == METRIC_HISTOGRAM)
        facts_number(o, ASPECT_QUANTILE, GR_STR_NONE, NULL, m->quantile, facts_dec(o->a, m->quantile));
    if (m->unit)
        facts_text(o, ASPECT_UNIT, GR_STR_NONE, NULL, gr_str(m->unit->name));
    if (m->show && m->show != m->unit)
        facts_text(o, ASPECT_SHOW, GR_STR_NONE, NULL, gr_str(m->show->name));
    facts_flag(o, ASPECT_SIGNED, GR_STR_NONE, NULL, m->is_signed);
    put_lists(o, m);
}

/* ---- limits ---- */

static int
by_key(const void *a, const void *b)
{
    return gr_str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* A slice of `expect`, with room for the labels of `extra`. */
static struct pairs
labels_of(struct facts_out *o, const struct slice *s, const struct pairs *extra)
{
    const struct pairs *parts[] = {&o->m->streams[s->stream].release, &s->labels, extra};
    size_t n = 0;
    struct pairs out = {NULL, 0};

    for (size_t i = 0; i < GR_COUNT(parts); i++)
        n += parts[i] ? parts[i]->n : 0;
    if (!(out.v = gr_arena_array(o->a, n, sizeof *out.v)))
        return out;
    for (size_t i = 0; i < GR_COUNT(parts); i++)
        for (size_t k = 0; parts[i] && k < parts[i]->n; k++)
            out.v[out.n++] = parts[i]->v[k];
    qsort(out.v, out.n, sizeof *out.v, by_key);
    return out;
}

static bool
has_pair(const struct pairs *p, const struct pair *x)
{
    for (size_t i = 0; i < p->n; i++)
        if (gr_str_eq(p->v[i].key, x->key))
            return gr_str_eq(p->v[i].value, x->value);
    return false;
}

static bool
has_pairs(const struct pairs *p, const struct pairs *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (!has_pair(p, &all->v[i]))
            return false;
    return true;
}

/* The tightest of the base limit and the overrides that name nothing else; NULL: none is in force. Unlike model_bound, which has to
 * take a dynamic label for any of its values: here such a slice stands for the values that no override names. */
static const struct bound *
effective(const struct guardrail *g, const struct bound *b, const struct pairs *labels)
{
    const struct bound *best = b->only_overrides ? NULL : b;

    for (size_t i = 0; i < g->limit.n_overrides; i++) {
        const struct override *ov = &g->limit.overrides[i];

        for (size_t k = 0; k < ov->n_bounds; k++) {
            const struct bound *own = &ov->bounds[k];

            if (own->level == b->level && own->side == b->side &&
                (!best || model_tighter(b->side, own->literal, best->literal)) &&
                has_pairs(labels, &ov->where))
                best = own;
        }
    }
    return best;
}

static int
by_labels(const void *a, const void *b)
{
    return facts_pairs_cmp(&((const struct fact_slice *)a)->labels, &((const struct fact_slice *)b)->labels);
}

/* Slices by which a guardrail's limits are told: those of `expect`, and for each dynamic value that an override names, one more. */
struct cells {
    struct pairs *v;
    size_t n, cap;
    size_t plain; /* the first so many are those of `expect` */
};

static bool
add_cell(struct facts_out *o, struct cells *cells, struct pairs labels)
{
    struct pairs *v = cells->v;

    if (cells->n == cells->cap && !(v = gr_arena_grow(o->a, v, cells->n, &cells->cap, sizeof *v)))
        return false;
    cells->v = v;
    v[cells->n++] = labels;
    return true;
}

/* The labels of an override that are dynamic; false: the others do not fit the slice, or there are none. */
static bool
dynamic_part(struct facts_out *o, const struct override *ov, const struct guardrail *g,
             const struct pairs *slice, struct pairs *out)
{
    *out = (struct pairs){gr_arena_array(o->a, ov->where.n, sizeof *out->v), 0};
    for (size_t i = 0; out->v && i < ov->where.n; i++) {
        bool dynamic = false;

        for (size_t k = 0; k < g->dynamic.n; k++)
            dynamic = dynamic || gr_str_eq(g->dynamic.v[k], ov->where.v[i].key);
        if (dynamic)
            out->v[out->n++] = ov->where.v[i];
        else if (!has_pair(slice, &ov->where.v[i]))
            return false;
    }
    return out->n > 0;
}

static void
list_cells(struct facts_out *o, const struct guardrail *g, struct cells *cells)
{
    struct pairs extra;

    for (size_t i = 0; i < g->n_expected; i++)
        if (!add_cell(o, cells, labels_of(o, &g->expected[i], NULL)))
            return;
    cells->plain = cells->n;
    for (size_t i = 0; g->dynamic.n > 0 && i < cells->plain; i++)
        for (size_t k = 0; k < g->limit.n_overrides; k++)
            if (dynamic_part(o, &g->limit.overrides[k], g, &cells->v[i], &extra) &&
                !add_cell(o, cells, labels_of(o, &g->expected[i], &extra)))
                return;
}

/* What holds for every slice that is not listed: the base limit, or, when overrides apply to all, the loosest of them. NULL: nothing. */
static const struct bound *
usual_bound(const struct guardrail *g, const struct bound *b, const struct cells *cells)
{
    const struct bound *loosest = NULL;

    for (size_t i = 0; i < cells->plain; i++) {
        const struct bound *one = effective(g, b, &cells->v[i]);

        if (one == b || !one)
            return one;
        if (!loosest || model_tighter(b->side, loosest->literal, one->literal))
            loosest = one;
    }
    return loosest ? loosest : b;
}

static void
put_slices(struct facts_out *o, const struct guardrail *g, const struct bound *b, const struct cells *cells,
           struct fact_limit *l)
{
    size_t cap = 0, n = 0;

    for (size_t i = 0; i < cells->n; i++) {
        const struct bound *one = effective(g, b, &cells->v[i]);
        struct fact_slice *v = l->slices;

        if (!one || (!l->partial && gr_dec_cmp(one->literal, l->literal) == 0))
            continue;
        if (l->n_slices == cap && !(v = gr_arena_grow(o->a, l->slices, l->n_slices, &cap, sizeof *v)))
            return;
        l->slices = v;
        v[l->n_slices++] = (struct fact_slice){cells->v[i], one->literal, one->text, one->span};
    }
    if (l->n_slices > 1)
        qsort(l->slices, l->n_slices, sizeof *l->slices, by_labels);
    for (size_t i = 0; i < l->n_slices; i++) /* two overrides may name the same dynamic value */
        if (n == 0 || by_labels(&l->slices[n - 1], &l->slices[i]) != 0)
            l->slices[n++] = l->slices[i];
    l->n_slices = n;
}

static void
put_limits(struct facts_out *o, const struct guardrail *g, struct fact_guardrail *out)
{
    const struct limit *limit = &g->limit;
    struct cells cells = {.v = NULL};

    if (!(out->limits = gr_arena_array(o->a, limit->n_bounds, sizeof *out->limits)))
        return;
    out->n_limits = limit->n_bounds;
    if (limit->n_overrides > 0)
        list_cells(o, g, &cells);
    for (size_t i = 0; i < limit->n_bounds; i++) {
        const struct bound *b = &limit->bounds[i], *usual = b, *outside = b;
        struct fact_limit *l = &out->limits[i];

        if (limit->n_overrides > 0) {
            usual = usual_bound(g, b, &cells);
            outside = model_bound(o->m, g, b, NULL);
        }
        *l = (struct fact_limit){
            .level = b->level, .side = b->side, .inclusive = b->inclusive, .partial = !usual};
        if (!usual)
            usual = outside;
        l->literal = usual->literal;
        l->text = usual->text;
        l->span = usual->span;
        l->outside.literal = outside->literal;
        l->outside.text = outside->text;
        l->outside.span = outside->span;
        put_slices(o, g, b, &cells, l);
    }
}

static void
put_where(struct facts_out *o, const struct limit *l, struct fact_guardrail *out)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n_overrides; i++)
        n += l->overrides[i].where.n;
    if (n == 0 || !(out->where.v = gr_arena_array(o->a, n, sizeof *out->where.v)))
        return;
    for (size_t i = 0; i < l->n_overrides; i++)
        for (size_t k = 0; k < l->overrides[i].where.n; k++) {
            struct gr_str key = l->overrides[i].where.v[k].key;
            size_t j = 0;

            while (j < out->where.n && !gr_str_eq(out->where.v[j], key))
                j++;
            if (j == out->where.n)
                out->where.v[out->where.n++] = key; /* at most MODEL_LABELS_MAX different ones */
        }
}

/* ---- the rest ---- */

static void
put_slicing(struct facts_out *o, const struct guardrail *g)
{
    facts_text(o, ASPECT_SCOPE, GR_STR_NONE, NULL, g->stream_scope ? GR_STR("stream") : GR_STR("cohort"));
    if (!g->stream_scope && !facts_same_items(&g->compare_within, &o->m->compare_within)) {
        if (g->compare_within.n > 0)
            facts_items(o, ASPECT_COMPARE_WITHIN, GR_STR_NONE, NULL, g->compare_within);
        else
            facts_none(o, ASPECT_COMPARE_WITHIN, GR_STR_NONE, NULL);
    }
    facts_items(o, ASPECT_SLICE, GR_STR_NONE, NULL, g->dynamic);
    for (size_t i = 0; i < g->only.n; i++)
        facts_text(o, ASPECT_ONLY, g->only.v[i].key, NULL, g->only.v[i].value);
}

static void
put_phases(struct facts_out *o, const struct guardrail *g, uint32_t usual)
{
    struct strs names = {NULL, 0};

    if (g->phases == usual || !(names.v = gr_arena_array(o->a, o->m->n_phases, sizeof *names.v)))
        return;
    for (size_t i = 0; i < o->m->n_phases; i++)
        if (g->phases >> i & 1u)
            names.v[names.n++] = o->m->phases[i].name;
    facts_items(o, ASPECT_PHASES, GR_STR_NONE, NULL, names);
}

static struct gr_str
k_of_n(struct facts_out *o, uint32_t k, uint32_t n)
{
    return gr_arena_printf(o->a, "%u of %u", (unsigned)k, (unsigned)n);
}

static void
put_evidence(struct facts_out *o, const struct guardrail *g)
{
    const struct evidence *e = &g->evidence;
    bool usual = (e->kind == EVIDENCE_SEQUENTIAL) == (o->m->false_rollback_budget.mant != 0);

    if (g->limit.against != AGAINST_FIXED && !usual)
        facts_number(o, ASPECT_EVIDENCE_KIND, GR_STR_NONE, NULL, gr_dec_int(e->kind == EVIDENCE_SEQUENTIAL),
                     e->kind == EVIDENCE_SEQUENTIAL ? GR_STR("sequential") : GR_STR("point"));
    facts_count(o, ASPECT_MIN_EVENTS, GR_STR_NONE, NULL, e->min_events);
    facts_count(o, ASPECT_MIN_TOTAL, GR_STR_NONE, NULL, e->min_total);
    if (g->limit.against == AGAINST_FIXED) {
        facts_text(o, ASPECT_CONFIRM_HARD, GR_STR_NONE, NULL, k_of_n(o, e->hard_k, e->hard_n));
        facts_text(o, ASPECT_CONFIRM_SOFT, GR_STR_NONE, NULL, k_of_n(o, e->soft_k, e->soft_n));
    }
    facts_flag(o, ASPECT_THIN, GR_STR_NONE, NULL, e->thin_allow);
    facts_flag(o, ASPECT_TRAFFIC_SHARE, GR_STR_NONE, NULL, e->share_ignored);
}

static void
put_handling(struct facts_out *o, const struct guardrail *g)
{
    const struct gr_node *runbook = gr_node_get(g->node, "runbook");

    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        enum aspect aspect = (enum aspect)(ASPECT_ON_HARD + level);

        if (facts_same_items(&g->on[level], &o->m->on[level]))
            continue;
        if (g->on[level].n > 0)
            facts_items(o, aspect, GR_STR_NONE, NULL, g->on[level]);
        else
            facts_none(o, aspect, GR_STR_NONE, NULL); /* "nothing" is not "as the specification as a whole" */
    }
    facts_text(o, ASPECT_GROUP, GR_STR_NONE, NULL, g->group);
    if (!gr_str_eq(g->source, g->name))
        facts_text(o, ASPECT_SOURCE, GR_STR_NONE, NULL, g->source);
    if (runbook || !g->node)
        facts_text(o, ASPECT_RUNBOOK, GR_STR_NONE, NULL, g->runbook);
}

/* Until something is rolled back, or where there is no hard limit, until somebody is told. */
static void
put_reaction(struct facts_out *o, const struct guardrail *g)
{
    struct reaction r = reaction_worst(o->m, g, LEVEL_HARD, NULL, NULL);

    if (r.total_ms == 0)
        r = reaction_worst(o->m, g, LEVEL_SOFT, NULL, NULL);
    facts_ms(o, ASPECT_REACTION, GR_STR_NONE, NULL, r.total_ms);
}

static const char *const against_names[] = {
    [AGAINST_CONTROL_RELATIVE] = "control, relative",
    [AGAINST_CONTROL_POINTS] = "control, in points",
    [AGAINST_FIXED] = "fixed",
};

enum gr_err
facts_guardrail(struct gr_arena *a, const struct model *m, uint32_t default_phases, const struct guardrail *g,
                struct fact_guardrail *out)
{
    struct facts_out o = {.a = a, .m = m, .node = g->node, .span = g->span};

    *out = (struct fact_guardrail){.name = g->name, .span = g->span};
    facts_flag(&o, ASPECT_MANDATORY, GR_STR_NONE, NULL, g->mandatory);
    put_metric(&o, &g->metric);
    put_slicing(&o, g);
    put_phases(&o, g, default_phases);
    facts_text(&o, ASPECT_AGAINST, GR_STR_NONE, NULL, gr_str(against_names[g->limit.against]));
    put_limits(&o, g, out);
    put_where(&o, &g->limit, out);
    facts_number(&o, ASPECT_FLOOR, GR_STR_NONE, NULL, g->limit.floor, facts_percent(a, g->limit.floor));
    facts_flag(&o, ASPECT_COMMON_CAUSE, GR_STR_NONE, NULL, g->limit.common_cause_hold);
    put_evidence(&o, g);
    facts_ms(&o, ASPECT_WINDOW, GR_STR_NONE, NULL, g->window_ms);
    if (g->reaction_target_ms != facts_reaction_target(m))
        facts_ms(&o, ASPECT_REACTION_TARGET, GR_STR_NONE, NULL, g->reaction_target_ms);
    put_handling(&o, g);
    put_reaction(&o, g);
    facts_sort(o.v, o.n);
    out->v = o.v;
    out->n = o.n;
    return gr_arena_status(a);
}
