/* explain.c - choosing what is explained, and the facts that text and JSON share. */
#include "config.h"
#include "explain.h"

#include "backend.h"
#include "guardrail/duration.h"
#include "lower.h"

enum gr_err
explain_init(struct explain *x, struct model *m, const struct gr_sources *sources)
{
    enum gr_err err;

    *x = (struct explain){.m = m, .sources = sources};
    if ((err = rules_lower(m, &m->rules)) != GR_OK || (err = routes_build(m, &x->routes)) != GR_OK)
        return err;
    return routes_alerts(m, m->rules, &x->alerts);
}

/* -- choosing ----------------------------------------------------------------------------------------------------------------- */

static void
suggest(struct gr_buf *complaint, struct gr_str got, const struct gr_str *known, size_t n)
{
    struct gr_str near = gr_str_nearest(got, known, n);

    if (near.n > 0) {
        gr_buf_printf(complaint, "; did you mean '" GR_FMT "'?", GR_ARG(near));
        return;
    }
    for (size_t i = 0; i < n && i < 12; i++)
        gr_buf_printf(complaint, "%s" GR_FMT, i == 0 ? "; known are " : ", ", GR_ARG(known[i]));
    gr_buf_puts(complaint, n > 12 ? ", …" : "");
}

static enum gr_err
choose_guardrail(struct explain *x, const char *name, struct gr_buf *complaint)
{
    struct gr_str *names = gr_arena_array(x->m->arena, x->m->n_guardrails, sizeof *names);

    if (!names)
        return GR_ENOMEM;
    for (size_t i = 0; i < x->m->n_guardrails; i++) {
        names[i] = x->m->guardrails[i].name;
        if (gr_str_is(names[i], name))
            x->g = &x->m->guardrails[i];
    }
    if (x->g)
        return GR_OK;
    gr_buf_printf(complaint, "there is no guardrail '%s' in " GR_FMT, name, GR_ARG(x->m->spec));
    suggest(complaint, gr_str(name), names, x->m->n_guardrails);
    return GR_EUSER;
}

static enum gr_err
choose_phase(struct explain *x, const char *name, struct gr_buf *complaint)
{
    struct gr_str names[MODEL_PHASES_MAX];
    uint32_t all = x->g->phases;
    size_t n = 0;

    for (size_t i = 0; i < x->m->n_phases; i++) {
        if (all >> i & 1u)
            names[n++] = x->m->phases[i].name;
        if (name && gr_str_is(x->m->phases[i].name, name))
            x->phases = UINT32_C(1) << i;
    }
    if (!name || (x->phases & all) != 0) {
        x->phases = name ? x->phases : all;
        return GR_OK;
    }
    gr_buf_printf(complaint, "there is no phase '%s' in which " GR_FMT " applies", name, GR_ARG(x->g->name));
    suggest(complaint, gr_str(name), names, n);
    return GR_EUSER;
}

static const struct gr_str *
value_of(const struct explain *x, const struct slice *s, struct gr_str label)
{
    const struct pairs *const sets[] = {&s->labels, &x->m->streams[s->stream].release};

    for (size_t k = 0; k < GR_COUNT(sets); k++)
        for (size_t i = 0; i < sets[k]->n; i++)
            if (gr_str_eq(sets[k]->v[i].key, label))
                return &sets[k]->v[i].value;
    return NULL;
}

static bool
lists(struct strs set, struct gr_str s)
{
    for (size_t i = 0; i < set.n; i++)
        if (gr_str_eq(set.v[i], s))
            return true;
    return false;
}

/* One label=value of --slice. */
static enum gr_err
check_part(const struct explain *x, struct gr_str label, struct gr_str value, struct gr_buf *complaint)
{
    const struct strs *const sets[] = {&x->m->release_labels, &x->g->compare_within, &x->g->dynamic};
    struct gr_str known[3 * MODEL_LABELS_MAX];
    struct gr_str *values = gr_arena_array(x->m->arena, x->g->n_expected, sizeof *values);
    size_t n = 0, n_values = 0;

    if (!values)
        return GR_ENOMEM;
    for (size_t k = 0; k < GR_COUNT(sets); k++)
        for (size_t i = 0; i < sets[k]->n && n < GR_COUNT(known); i++)
            known[n++] = sets[k]->v[i];
    if (!lists((struct strs){known, n}, label)) {
        gr_buf_printf(complaint, "slices of " GR_FMT " have no label '" GR_FMT "'", GR_ARG(x->g->name),
                      GR_ARG(label));
        suggest(complaint, label, known, n);
        return GR_EUSER;
    }
    for (size_t i = 0; i < x->g->n_expected; i++) {
        const struct gr_str *have = value_of(x, &x->g->expected[i], label);

        if (have && gr_str_eq(*have, value))
            return GR_OK;
        if (have && !lists((struct strs){values, n_values}, *have))
            values[n_values++] = *have;
    }
    if (lists(x->g->dynamic, label))
        return GR_OK; /* any value */
    gr_buf_printf(complaint, "no slice of " GR_FMT " that is expected has " GR_FMT "=" GR_FMT,
                  GR_ARG(x->g->name), GR_ARG(label), GR_ARG(value));
    suggest(complaint, value, values, n_values);
    return GR_EUSER;
}

/* What --slice says of a label; NULL: nothing. */
static const struct gr_str *
chosen(const struct pairs *parts, struct gr_str label)
{
    for (size_t i = 0; i < parts->n; i++)
        if (gr_str_eq(parts->v[i].key, label))
            return &parts->v[i].value;
    return NULL;
}

static bool
is_chosen(const struct explain *x, const struct slice *s, const struct pairs *parts)
{
    for (size_t i = 0; i < parts->n; i++) {
        const struct gr_str *have = value_of(x, s, parts->v[i].key);

        if (have && !gr_str_eq(*have, parts->v[i].value))
            return false;
    }
    return true;
}

/* Values of a dynamic label that make a difference: the one chosen, or those that overrides name and, as an empty one, all others. */
static bool
dynamic_values(const struct explain *x, struct gr_str label, const struct pairs *parts, struct strs *out)
{
    const struct gr_str *one = chosen(parts, label);
    const struct limit *l = &x->g->limit;

    out->n = 0;
    if (!(out->v = gr_arena_array(x->m->arena, l->n_overrides + 1, sizeof *out->v)))
        return false;
    if (one) {
        out->v[out->n++] = *one;
        return true;
    }
    for (size_t i = 0; i < l->n_overrides; i++) {
        const struct gr_str *named = chosen(&l->overrides[i].where, label);

        if (named && !lists(*out, *named))
            out->v[out->n++] = *named;
    }
    if (out->n > 0)
        out->v[out->n++] = GR_STR_NONE;
    return true;
}

static struct slice *
with_label(const struct explain *x, const struct slice *s, struct gr_str label, struct gr_str value)
{
    struct slice *copy = gr_arena_alloc(x->m->arena, sizeof *copy);

    if (!copy || !(copy->labels.v = gr_arena_array(x->m->arena, s->labels.n + 1, sizeof *copy->labels.v)))
        return NULL;
    copy->stream = s->stream;
    for (size_t i = 0; i < s->labels.n; i++)
        copy->labels.v[copy->labels.n++] = s->labels.v[i];
    copy->labels.v[copy->labels.n++] = (struct pair){label, value};
    return copy;
}

/* Each slice once for every value of one dynamic label. */
static enum gr_err
spread(struct explain *x, struct gr_str label, const struct pairs *parts)
{
    struct strs values;
    const struct slice **v;
    size_t n = 0, count;

    if (!dynamic_values(x, label, parts, &values))
        return GR_ENOMEM;
    if (values.n == 0)
        return GR_OK;
    if (!gr_size_mul(x->n_slices, values.n, &count) || !(v = gr_arena_array(x->m->arena, count, sizeof *v)))
        return GR_ENOMEM;
    for (size_t i = 0; i < x->n_slices; i++)
        for (size_t k = 0; k < values.n; k++)
            if (!(v[n++] = with_label(x, x->slices[i], label, values.v[k])))
                return GR_ENOMEM;
    x->slices = v;
    x->n_slices = n;
    return GR_OK;
}

static enum gr_err
read_parts(const struct explain *x, const char *text, struct pairs *parts, struct gr_buf *complaint)
{
    struct gr_str rest = gr_str(text), part;

    parts->n = 0;
    if (!(parts->v = gr_arena_array(x->m->arena, rest.n / 2 + 1, sizeof *parts->v)))
        return GR_ENOMEM;
    while (gr_str_next(&rest, ',', &part)) {
        size_t equals = gr_str_find(part, GR_STR("="), 0);
        struct pair p = {gr_str_sub(part, 0, equals), gr_str_sub(part, equals + 1, part.n)};
        enum gr_err err;

        if (equals == SIZE_MAX || p.key.n == 0 || p.value.n == 0) {
            gr_buf_printf(complaint, "--slice takes label=value,…, not '" GR_FMT "'", GR_ARG(part));
            return GR_EUSER;
        }
        if (chosen(parts, p.key)) {
            gr_buf_printf(complaint, "--slice names " GR_FMT " twice", GR_ARG(p.key));
            return GR_EUSER;
        }
        if ((err = check_part(x, p.key, p.value, complaint)) != GR_OK)
            return err;
        parts->v[parts->n++] = p;
    }
    return GR_OK;
}

static enum gr_err
choose_slices(struct explain *x, const char *text, struct gr_buf *complaint)
{
    const struct guardrail *g = x->g;
    struct pairs parts;
    enum gr_err err = read_parts(x, text, &parts, complaint);

    if (err != GR_OK)
        return err;
    if (!(x->slices = gr_arena_array(x->m->arena, g->n_expected, sizeof *x->slices)))
        return GR_ENOMEM;
    for (size_t i = 0; i < g->n_expected; i++)
        if (is_chosen(x, &g->expected[i], &parts))
            x->slices[x->n_slices++] = &g->expected[i];
    x->all_slices = !text;
    x->outside = !text || x->n_slices == 0;
    for (size_t i = 0; err == GR_OK && i < g->dynamic.n; i++)
        err = spread(x, g->dynamic.v[i], &parts);
    return err;
}

enum gr_err
explain_choose(struct explain *x, const char *guardrail, const char *phase, const char *slice,
               struct gr_buf *complaint)
{
    enum gr_err err = choose_guardrail(x, guardrail, complaint);

    if (err == GR_OK)
        err = choose_phase(x, phase, complaint);
    return err == GR_OK ? choose_slices(x, slice, complaint) : err;
}

/* -- limits ------------------------------------------------------------------------------------------------------------------------- */

static const struct override *
override_of(const struct guardrail *g, const struct bound *b)
{
    for (size_t i = 0; i < g->limit.n_overrides; i++) {
        const struct override *o = &g->limit.overrides[i];
        if (b >= o->bounds && b < o->bounds + o->n_bounds)
            return o;
    }
    return NULL;
}

static struct limit_group *
group_for(const struct explain *x, struct limit_groups *out, size_t *cap, const struct bound *b)
{
    struct limit_group *v = out->v;

    for (size_t i = 0; i < out->n; i++)
        if (out->v[i].bound == b)
            return &out->v[i];
    if (out->n == *cap && !(v = gr_arena_grow(x->m->arena, v, out->n, cap, sizeof *v)))
        return NULL;
    out->v = v;
    v = &out->v[out->n];
    *v = (struct limit_group){.bound = b, .by = override_of(x->g, b)};
    if (!(v->slices = gr_arena_array(x->m->arena, x->n_slices, sizeof *v->slices)))
        return NULL;
    out->n++;
    return v;
}

enum gr_err
explain_limits(const struct explain *x, const struct bound *base, struct limit_groups *out)
{
    size_t cap = 0;

    *out = (struct limit_groups){.n = 0};
    for (size_t i = 0; i < x->n_slices; i++) {
        struct limit_group *group;

        if (!model_applies(x->m, x->g, base, x->slices[i]))
            continue;
        if (!(group = group_for(x, out, &cap, model_bound(x->m, x->g, base, x->slices[i]))))
            return GR_ENOMEM;
        group->slices[group->n_slices++] = x->slices[i];
    }
    if (x->outside) {
        struct limit_group *group = group_for(x, out, &cap, model_bound(x->m, x->g, base, NULL));

        if (!group)
            return GR_ENOMEM;
        group->outside = true;
    }
    return GR_OK;
}

static bool
same_where(const struct pairs *a, const struct pairs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!gr_str_eq(a->v[i].key, b->v[i].key) || !gr_str_eq(a->v[i].value, b->v[i].value))
            return false;
    return true;
}

static const struct bound *
find_bound(const struct bound *v, size_t n, const struct bound *like)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].level == like->level && v[i].side == like->side && !v[i].only_overrides)
            return &v[i];
    return NULL;
}

/* The same limit in a model below: of the guardrail, or of its override for the same slices. */
static const struct bound *
counterpart(const struct guardrail *g, const struct bound *base, const struct override *by)
{
    if (!by)
        return find_bound(g->limit.bounds, g->limit.n_bounds, base);
    for (size_t i = 0; i < g->limit.n_overrides; i++)
        if (same_where(&g->limit.overrides[i].where, &by->where))
            return find_bound(g->limit.overrides[i].bounds, g->limit.overrides[i].n_bounds, base);
    return NULL;
}

/* What an overlay does not touch keeps its place. */
const struct bound *
explain_replaced(const struct explain *x, const struct bound *base, const struct limit_group *group)
{
    for (const struct model *m = x->m->base; m; m = m->base)
        for (size_t i = 0; i < m->n_guardrails; i++) {
            const struct bound *b = gr_str_eq(m->guardrails[i].name, x->g->name)
                                        ? counterpart(&m->guardrails[i], base, group->by)
                                        : NULL;

            if (b && (b->span.file != group->bound->span.file || b->span.start != group->bound->span.start))
                return b;
        }
    return NULL;
}

/* -- coverage -------------------------------------------------------------------------------------------------------------------------- */

struct coverage
explain_coverage(const struct model *m, const struct guardrail *g, const struct phase *p)
{
    struct coverage c = {.slots = model_window_slots(m, g, p)};
    int64_t slot = model_ms(m, m->sampling_ms), scrape = model_ms(m, m->scrape_ms);

    c.needed = (c.slots * 9 + 9) / 10; /* the least that is 90 % */
    c.sure_ms =
        scrape + (is_compared(g, NULL) ? slot + model_gate_more_ms(m, g) : 0) + (int64_t)c.needed * slot;
    return c;
}

/* -- small texts ----------------------------------------------------------------------------------------------------------------------- */

void
explain_place(const struct explain *x, struct gr_span span, struct gr_buf *b)
{
    if (span.file == 0)
        return;
    gr_buf_put(b, gr_sources_get(x->sources, span.file)->name);
    gr_buf_printf(b, ":%u", (unsigned)gr_sources_place(x->sources, span.file, span.start).line);
}

void
explain_pairs(const struct pairs *release, const struct pairs *labels, struct gr_buf *b)
{
    const struct pairs *const sets[] = {release, labels};
    bool first = true;

    for (size_t k = 0; k < GR_COUNT(sets); k++)
        for (size_t i = 0; sets[k] && i < sets[k]->n; i++, first = false)
            gr_buf_printf(b, "%s" GR_FMT "=" GR_FMT "%s", first ? "" : " ", GR_ARG(sets[k]->v[i].key),
                          GR_ARG(sets[k]->v[i].value), sets[k]->v[i].value.n > 0 ? "" : "(any other)");
}

void
explain_evidence(const struct guardrail *g, enum level level, struct gr_buf *b)
{
    bool hard = level == LEVEL_HARD;

    if (is_fixed(g, NULL))
        gr_buf_printf(b, "%u of %u", (unsigned)(hard ? g->evidence.hard_k : g->evidence.soft_k),
                      (unsigned)(hard ? g->evidence.hard_n : g->evidence.soft_n));
    else
        gr_buf_puts(b, is_sequential(g, NULL) ? "sequential" : "point");
}

static bool
is_overridden(const struct guardrail *g, const struct bound *b)
{
    for (size_t i = 0; i < g->limit.n_overrides; i++)
        for (size_t k = 0; k < g->limit.overrides[i].n_bounds; k++)
            if (g->limit.overrides[i].bounds[k].level == b->level &&
                g->limit.overrides[i].bounds[k].side == b->side)
                return true;
    return false;
}

void
explain_bounds(const struct guardrail *g, enum level level, struct gr_buf *b)
{
    const struct bound *last = NULL;

    for (size_t i = 0; i < g->limit.n_bounds; i++) {
        const struct bound *bound = &g->limit.bounds[i];

        if (bound->level != level || side_is_backstop(bound->side) ||
            (last && gr_str_eq(last->text, bound->text))) /* the two sides of ±5bps */
            continue;
        gr_buf_printf(b, "%s" GR_FMT "%s", last ? " " : "", GR_ARG(bound->text),
                      is_overridden(g, bound) ? "~" : "");
        last = bound;
    }
}

void
explain_time(int64_t ms, struct gr_buf *b)
{
    gr_duration_print(b, ms < 10000 ? ms : (ms + 999) / 1000 * 1000);
}
