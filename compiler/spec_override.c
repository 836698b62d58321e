/* spec_override.c - tighter limits for some slices. The tightest limit that applies wins; an override may
 * only tighten. */
#include "config.h"
#include "spec_parts.h"

static const struct {
    const char *key;
    enum level level;
    bool backstop;
} kinds[] = {
    {"hard", LEVEL_HARD, false},
    {"soft", LEVEL_SOFT, false},
    {"backstop", LEVEL_HARD, true},
};

/* Labels by which a slice of this guardrail can be told. */
static struct strs
where_labels(struct spec *s, const struct draft *d)
{
    struct strs known = {NULL, 0};

    for (size_t i = 0; i < s->m->release_labels.n; i++)
        (void)strs_add(s, &known, s->m->release_labels.v[i]);
    for (size_t i = 0; i < d->g->compare_within.n; i++)
        (void)strs_add(s, &known, d->g->compare_within.v[i]);
    for (size_t i = 0; i < d->g->dynamic.n; i++)
        (void)strs_add(s, &known, d->g->dynamic.v[i]);
    return known;
}

static bool
read_where(struct spec *s, struct draft *d, const struct gr_node *map, struct override *o)
{
    struct strs known = where_labels(s, d);
    bool ok = true;

    if (!(o->where.v = gr_arena_array(s->a, map->count, sizeof *o->where.v)))
        return false;
    gr_node_each (entry, map) {
        if (spec_poisoned(s, entry)) {
            ok = false;
            continue;
        }
        if (!strs_has(&known, entry->key)) {
            if (d->slices_ok)
                gr_diag(s->d, GR0303, entry->key_span,
                        spec_suggest(s, entry->key, &known, "labels of its slices"),
                        "the guardrail's slices have no label \"" GR_FMT "\"", GR_ARG(entry->key));
            ok = false;
            continue;
        }
        ok = check_label_value(s, entry->key, entry) && ok;
        o->where.v[o->where.n++] = (struct pair){entry->key, entry->text};
    }
    pairs_sort(&o->where);
    return ok;
}

static const struct bound *
find_bound(const struct bound *bounds, size_t n, enum level level, enum side side)
{
    for (size_t i = 0; i < n; i++)
        if (bounds[i].level == level && bounds[i].side == side)
            return &bounds[i];
    return NULL;
}

/* The bounds that one key of an override gave, against the base limit. */
static bool
check_tightens(struct spec *s, const struct draft *d, const struct gr_node *value, const struct bound *b)
{
    const struct limit *l = &d->g->limit;
    const struct bound *base = find_bound(l->bounds, l->n_bounds, b->level, b->side);

    if (!base || !model_tighter(b->side, base->literal, b->literal))
        return true; /* without a base limit only these slices have one: that is tighter, too */
    gr_diag(s->d, GR0210, value->span,
            gr_arena_printf(s->a, "write " GR_FMT " or tighter", GR_ARG(base->text)),
            GR_FMT " is looser than the base limit, " GR_FMT, GR_ARG(b->text), GR_ARG(base->text));
    gr_diag_note(s->d, base->span, "the base limit is here");
    return false;
}

/* The limits of a slice to which only this override applies: hard must still lie beyond soft. */
static void
check_order(struct spec *s, const struct draft *d, const struct override *o)
{
    static const enum side sides[] = {SIDE_UPPER, SIDE_LOWER};
    const struct limit *l = &d->g->limit;

    for (size_t i = 0; i < GR_COUNT(sides); i++) {
        const struct bound *hard = find_bound(o->bounds, o->n_bounds, LEVEL_HARD, sides[i]);
        const struct bound *soft = find_bound(o->bounds, o->n_bounds, LEVEL_SOFT, sides[i]);
        const struct bound *own = hard ? hard : soft;

        hard = hard ? hard : find_bound(l->bounds, l->n_bounds, LEVEL_HARD, sides[i]);
        soft = soft ? soft : find_bound(l->bounds, l->n_bounds, LEVEL_SOFT, sides[i]);
        if (!own || !hard || !soft || !model_tighter(sides[i], hard->literal, soft->literal))
            continue;
        gr_diag(s->d, GR0205, own->span, GR_STR("tighten the soft limit of these slices too"),
                "here the hard limit " GR_FMT " is reached before the soft one, " GR_FMT, GR_ARG(hard->text),
                GR_ARG(soft->text));
        gr_diag_note(s->d, own == hard ? soft->span : hard->span, "the other limit is here");
        return;
    }
}

/* "backstop" and the others need a limit to tighten; control and fixed are as in the base. */
static bool
read_limits(struct spec *s, struct draft *d, const struct gr_node *node, struct override *o)
{
    struct bounds out = {NULL, 0};
    bool ok = true, any = false;

    for (size_t i = 0; i < GR_COUNT(kinds); i++) {
        const struct gr_node *value = spec_get(s, node, kinds[i].key);
        size_t from = out.n;

        any = any || spec_has(node, kinds[i].key);
        if (!value) {
            ok = ok && !spec_has(node, kinds[i].key);
            continue;
        }
        if (kinds[i].backstop && d->g->limit.against == AGAINST_FIXED) {
            gr_diag(s->d, GR0107, value->key_span, GR_STR("remove it"), "a fixed limit is its own backstop");
            ok = false;
            continue;
        }
        ok = read_bound(s, d, kinds[i].level, kinds[i].backstop, value, &out) && ok;
        for (size_t k = from; k < out.n; k++)
            if (!check_tightens(s, d, value, &out.v[k])) {
                ok = false;
                break; /* of a limit on both sides once is enough */
            }
    }
    if (!any)
        gr_diag(s->d, GR0102, spec_head(node), GR_STR("add `soft:`, `hard:` or `backstop:`"),
                "the override changes nothing");
    o->bounds = out.v;
    o->n_bounds = out.n;
    return ok;
}

/* ---- overrides together ---- */

/* A level or side that only overrides state becomes a bound of the limit, the loosest of them. */
static bool
add_bounds(struct spec *s, struct limit *l, const struct override *o)
{
    for (size_t i = 0; i < o->n_bounds; i++) {
        const struct bound *own = &o->bounds[i];
        struct bound *all = NULL;

        for (size_t k = 0; k < l->n_bounds && !all; k++)
            if (l->bounds[k].level == own->level && l->bounds[k].side == own->side)
                all = &l->bounds[k];
        if (all && !(all->only_overrides && model_tighter(own->side, all->literal, own->literal)))
            continue;
        if (!all) {
            struct bound *bigger = gr_arena_array(s->a, l->n_bounds + 1, sizeof *bigger);

            if (!bigger)
                return false;
            if (l->n_bounds > 0)
                memcpy(bigger, l->bounds, l->n_bounds * sizeof *bigger);
            l->bounds = bigger;
            all = &bigger[l->n_bounds++];
        }
        *all = *own;
        all->only_overrides = true;
    }
    return true;
}

/* Whether one slice can match both. */
static bool
compatible(const struct override *a, const struct override *b)
{
    for (size_t i = 0; i < a->where.n; i++) {
        const struct gr_str *other = pairs_get(&b->where, a->where.v[i].key);

        if (other && !gr_str_eq(*other, a->where.v[i].value))
            return false;
    }
    return true;
}

static bool
check_pair(struct spec *s, const struct override *a, const struct override *b)
{
    for (size_t i = 0; i < a->n_bounds; i++) {
        const struct bound *hard = &a->bounds[i];
        const struct bound *soft =
            hard->level == LEVEL_HARD ? find_bound(b->bounds, b->n_bounds, LEVEL_SOFT, hard->side) : NULL;
        const struct bound *own_hard;

        if (!soft || !model_tighter(hard->side, hard->literal, soft->literal))
            continue;
        own_hard = find_bound(a->bounds, a->n_bounds, LEVEL_SOFT, hard->side);
        if (own_hard && !model_tighter(hard->side, hard->literal, own_hard->literal))
            continue; /* its own soft limit is the tighter one */
        gr_diag(s->d, GR0205, hard->span, GR_STR("tighten the soft limit of these slices too"),
                "where both overrides match, the hard limit " GR_FMT
                " is reached before the soft one, " GR_FMT,
                GR_ARG(hard->text), GR_ARG(soft->text));
        gr_diag_note(s->d, soft->span, "the other override is here");
        return false;
    }
    return true;
}

#define PAIRS_MAX 1000u /* of so many overrides of a guardrail each pair is looked at */

static void
check_pairs(struct spec *s, const struct limit *l)
{
    size_t n = l->n_overrides < PAIRS_MAX ? l->n_overrides : PAIRS_MAX;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (k != i && compatible(&l->overrides[i], &l->overrides[k]) &&
                !check_pair(s, &l->overrides[i], &l->overrides[k]))
                return; /* of a guardrail once is enough */
}

/* Values of dynamic slices are not enumerated, so an override on one is told from the others by name: each combination of these values
 * and of those that nobody names is looked at. */
#define COMBINATIONS_MAX 256u

static void
check_combinations(struct spec *s, const struct draft *d)
{
    const struct limit *l = &d->g->limit;
    size_t all = 1;

    for (size_t i = 0; i < d->g->dynamic.n; i++) {
        struct strs named = {NULL, 0};

        for (size_t k = 0; k < l->n_overrides && named.n < COMBINATIONS_MAX; k++) {
            const struct gr_str *value = pairs_get(&l->overrides[k].where, d->g->dynamic.v[i]);

            if (value)
                (void)strs_add(s, &named, *value);
        }
        all *= named.n + 1;
        if (all <= COMBINATIONS_MAX)
            continue;
        gr_diag(s->d, GR0002, d->g->span, GR_STR("use fewer overrides, or a guardrail of their own"),
                "overrides name more than %u combinations of dynamic slices", COMBINATIONS_MAX);
        return;
    }
}

static bool
matches(const struct spec *s, const struct override *o, const struct slice *slice)
{
    for (size_t i = 0; i < o->where.n; i++) {
        const struct gr_str *have = pairs_get(&slice->labels, o->where.v[i].key);

        if (!have)
            have = pairs_get(&s->m->streams[slice->stream].release, o->where.v[i].key);
        if (have && !gr_str_eq(*have, o->where.v[i].value))
            return false;
    }
    return true;
}

/* Each value is expected somewhere, but not all of them in one slice, or not under `only`. */
static void
check_matches(struct spec *s, const struct draft *d, const struct gr_node *where, const struct override *o)
{
    for (size_t i = 0; i < d->g->n_expected; i++)
        if (matches(s, o, &d->g->expected[i]))
            return;
    gr_diag(s->d, GR0311, where->key_span, GR_STR("name labels and values of one expected slice"),
            "no expected slice of the guardrail matches");
}

/* Percent where the base limit is in points, or the other way round. */
static bool
same_kind(struct spec *s, const struct draft *d, const struct gr_node *node)
{
    static const char *const keys[] = {"hard", "soft"};
    bool ok = true;

    for (size_t i = 0; i < GR_COUNT(keys) && d->g->limit.against != AGAINST_FIXED; i++) {
        const struct gr_node *value = spec_get(s, node, keys[i]);
        bool relative = value && gr_str_find(value->text, GR_STR("%"), 0) != SIZE_MAX;

        if (!value || relative == (d->g->limit.against == AGAINST_CONTROL_RELATIVE))
            continue;
        gr_diag(s->d, GR0211, value->span, GR_STR("write it as the base limit is written"),
                relative ? "the base limit is in points, this one is in %%"
                         : "the base limit is in %%, this one is in points");
        ok = false;
    }
    return ok;
}

void
read_overrides(struct spec *s, struct draft *d)
{
    const struct gr_node *list = spec_get(s, d->node, "overrides");
    struct limit *l = &d->g->limit;
    bool ok = d->limit_ok;
    struct bounds sorted;

    if (!list || !(l->overrides = gr_arena_array(s->a, list->count, sizeof *l->overrides)))
        return;
    gr_node_each (item, list) {
        struct override *o = &l->overrides[l->n_overrides];
        const struct gr_node *where = spec_get(s, item, "where");

        if (spec_poisoned(s, item))
            continue;
        o->span = spec_head(item);
        if (!where || !read_where(s, d, where, o))
            ok = false;
        else if (d->slices_ok)
            check_matches(s, d, where, o);
        if (d->limit_ok && same_kind(s, d, item) && read_limits(s, d, item, o))
            check_order(s, d, o);
        else
            ok = false;
        l->n_overrides++;
    }
    if (!ok)
        return;
    for (size_t i = 0; i < l->n_overrides; i++)
        if (!add_bounds(s, l, &l->overrides[i]))
            return;
    sorted = (struct bounds){l->bounds, l->n_bounds};
    sort_bounds(&sorted);
    check_pairs(s, l);
    check_combinations(s, d);
}
