/* lower_literal.c - comparing a series with the literal limit of each of its slices.
 *
 * Overrides on the labels of a slice are sorted into cells of equal literal. Values of static labels are those of `expect`; of dynamic
 * ones only those are known that an override names, and all the others are one more value, OTHER: the base limit holds there. */
#include "config.h"
#include "lower.h"

#define OVERRIDE_LABELS_MAX MODEL_LABELS_MAX

/* A label that overrides speak of. */
struct axis {
    struct gr_str label;
    bool dynamic;
    struct gr_str *named; /* dynamic: the values that overrides name, and OTHER behind them */
    size_t n_named, cap_named;
};
#define OTHER GR_STR_NONE /* no label has an empty value */

/* Slices of one literal (or without any) that agree on all labels but the last, which takes the listed values. */
struct cell {
    struct gr_dec literal;
    bool none; /* the bound does not apply: it has no base limit, and no override matches */
    struct gr_str fixed[OVERRIDE_LABELS_MAX];
    struct gr_str *last;
    size_t n_last, cap_last;
};
struct cells {
    struct axis axes[OVERRIDE_LABELS_MAX]; /* dynamic ones first */
    size_t n_axes, n_dynamic;
    struct cell *v; /* those with a literal other than the tightest */
    size_t n, cap;
};

static bool
is_dynamic(const struct guardrail *g, struct gr_str label)
{
    for (size_t i = 0; i < g->dynamic.n; i++)
        if (gr_str_eq(g->dynamic.v[i], label))
            return true;
    return false;
}

/* Adds a value unless it is there. */
static void
add_value(struct lower *lo, struct gr_str **v, size_t *n, size_t *cap, struct gr_str value)
{
    struct gr_str *bigger;

    for (size_t i = 0; i < *n; i++)
        if (gr_str_eq((*v)[i], value))
            return;
    if (*n == *cap) {
        if (!(bigger = gr_arena_grow(lo->arena, *v, *n, cap, sizeof *bigger))) {
            lo->err = GR_ENOMEM;
            return;
        }
        *v = bigger;
    }
    (*v)[(*n)++] = value;
}

static struct axis *
axis_for(struct lower *lo, struct cells *c, struct gr_str label, bool dynamic)
{
    for (size_t i = 0; i < c->n_axes; i++)
        if (gr_str_eq(c->axes[i].label, label))
            return &c->axes[i];
    if (c->n_axes == GR_COUNT(c->axes)) {
        lo->err = GR_ELIMIT;
        return NULL;
    }
    c->axes[c->n_axes] = (struct axis){.label = label, .dynamic = dynamic};
    return &c->axes[c->n_axes++];
}

static bool
changes(const struct override *o, const struct bound *b)
{
    for (size_t i = 0; i < o->n_bounds; i++)
        if (o->bounds[i].level == b->level && o->bounds[i].side == b->side)
            return true;
    return false;
}

/* Labels that overrides of this bound speak of. */
static void
add_axes(struct lower *lo, const struct guardrail *g, const struct bound *b, struct cells *c, bool dynamic)
{
    for (size_t i = 0; i < g->limit.n_overrides; i++) {
        const struct pairs *where = &g->limit.overrides[i].where;

        for (size_t k = 0; changes(&g->limit.overrides[i], b) && k < where->n; k++) {
            struct axis *a =
                is_dynamic(g, where->v[k].key) == dynamic ? axis_for(lo, c, where->v[k].key, dynamic) : NULL;

            if (a && dynamic)
                add_value(lo, &a->named, &a->n_named, &a->cap_named, where->v[k].value);
        }
    }
}

static struct gr_str
value_of(const struct lower *lo, const struct slice *s, struct gr_str label)
{
    const struct pairs *release = &lo->m->streams[s->stream].release;

    for (size_t i = 0; i < s->labels.n; i++)
        if (gr_str_eq(s->labels.v[i].key, label))
            return s->labels.v[i].value;
    for (size_t i = 0; i < release->n; i++)
        if (gr_str_eq(release->v[i].key, label))
            return release->v[i].value;
    return GR_STR_NONE;
}

static struct cell *
cell_for(struct lower *lo, struct cells *c, const struct slice *s, struct gr_dec literal, bool none)
{
    struct cell *v = c->v;

    for (size_t i = 0; i < c->n; i++) {
        bool same = c->v[i].none == none && gr_dec_cmp(c->v[i].literal, literal) == 0;
        for (size_t k = 0; same && k + 1 < c->n_axes; k++)
            same = gr_str_eq(c->v[i].fixed[k], value_of(lo, s, c->axes[k].label));
        if (same)
            return &c->v[i];
    }
    if (c->n == c->cap && !(v = gr_arena_grow(lo->arena, c->v, c->n, &c->cap, sizeof *v))) {
        lo->err = GR_ENOMEM;
        return NULL;
    }
    c->v = v;
    v = &c->v[c->n++];
    *v = (struct cell){.literal = literal, .none = none};
    for (size_t k = 0; k + 1 < c->n_axes; k++)
        v->fixed[k] = value_of(lo, s, c->axes[k].label);
    return v;
}

static void
add_slice(struct lower *lo, const struct guardrail *g, const struct bound *b, struct gr_dec tightest,
          struct cells *c, const struct slice *s)
{
    bool none = !model_applies(lo->m, g, b, s);
    struct gr_dec literal = none ? GR_DEC(0, 0) : model_literal(lo->m, g, b, s);
    struct cell *cell;

    if (!none && gr_dec_cmp(literal, tightest) == 0)
        return;
    if ((cell = cell_for(lo, c, s, literal, none)) != NULL)
        add_value(lo, &cell->last, &cell->n_last, &cell->cap_last,
                  value_of(lo, s, c->axes[c->n_axes - 1].label));
}

/* The slice with each combination of the dynamic labels' values. `at` counts through them like an odometer. */
static void
add_slices(struct lower *lo, const struct guardrail *g, const struct bound *b, struct gr_dec tightest,
           struct cells *c, const struct slice *base)
{
    size_t n = base->labels.n, at[OVERRIDE_LABELS_MAX] = {0}, i;
    struct slice s = {base->stream, {gr_arena_array(lo->arena, n + c->n_dynamic, sizeof *s.labels.v), 0}};

    if (!s.labels.v) {
        lo->err = GR_ENOMEM;
        return;
    }
    for (i = 0; i < n; i++)
        s.labels.v[i] = base->labels.v[i];
    s.labels.n = n + c->n_dynamic;
    do {
        for (i = 0; i < c->n_dynamic; i++)
            s.labels.v[n + i] = (struct pair){c->axes[i].label, c->axes[i].named[at[i]]};
        add_slice(lo, g, b, tightest, c, &s);
        for (i = c->n_dynamic; i > 0 && ++at[i - 1] == c->axes[i - 1].n_named; i--)
            at[i - 1] = 0;
    } while (lo->err == GR_OK && i > 0);
}

static void
cells_fill(struct lower *lo, const struct guardrail *g, const struct bound *b, struct gr_dec tightest,
           struct cells *c)
{
    add_axes(lo, g, b, c, true);
    c->n_dynamic = c->n_axes;
    for (size_t i = 0; i < c->n_dynamic; i++)
        add_value(lo, &c->axes[i].named, &c->axes[i].n_named, &c->axes[i].cap_named, OTHER);
    add_axes(lo, g, b, c, false);
    for (size_t i = 0; lo->err == GR_OK && c->n_axes > 0 && i < g->n_expected; i++)
        if (c->n_dynamic > 0)
            add_slices(lo, g, b, tightest, c, &g->expected[i]);
        else
            add_slice(lo, g, b, tightest, c, &g->expected[i]);
}

static bool
has(const struct gr_str *v, size_t n, struct gr_str value)
{
    for (size_t i = 0; i < n; i++)
        if (gr_str_eq(v[i], value))
            return true;
    return false;
}

/* `,venue=~"XNAS|XNYS"`, or its negation. Of a dynamic label the values that are not named can only be told by what they are not, and
 * so can the negation of those that are. */
static const char *
axis_matcher(struct lower *lo, const struct axis *a, const struct gr_str *v, size_t n, bool negated)
{
    bool other = has(v, n, OTHER) != negated; /* the wanted set has the values that are not named */
    struct gr_str *rest;
    size_t n_rest = 0;

    if (!a->dynamic)
        return lower_values(lo, a->label, v, n, negated);
    if (!(rest = gr_arena_array(lo->arena, a->n_named, sizeof *rest))) {
        lo->err = GR_ENOMEM;
        return "";
    }
    for (size_t i = 0; i + 1 < a->n_named; i++) /* all but OTHER */
        if ((has(v, n, a->named[i]) == negated) == other)
            rest[n_rest++] = a->named[i];
    return n_rest > 0 ? lower_values(lo, a->label, rest, n_rest, other) : "";
}

static const char *
cell_matchers(struct lower *lo, const struct cells *c, const struct cell *cell)
{
    size_t from = lo->expr.n;

    for (size_t k = 0; k + 1 < c->n_axes; k++)
        lower_put(lo, "$1", axis_matcher(lo, &c->axes[k], &cell->fixed[k], 1, false), NULL);
    lower_put(lo, "$1", axis_matcher(lo, &c->axes[c->n_axes - 1], cell->last, cell->n_last, false), NULL);
    return lower_cut(lo, from);
}

/* Everything that no cell speaks of: the tightest literal. */
static void
put_rest(struct lower *lo, const struct cells *c, const char *value)
{
    struct cell all = {.n_last = 0};

    if (c->n_axes == 1) {
        for (size_t i = 0; i < c->n; i++)
            for (size_t k = 0; k < c->v[i].n_last; k++)
                add_value(lo, &all.last, &all.n_last, &all.cap_last, c->v[i].last[k]);
        lower_put(lo, value, axis_matcher(lo, &c->axes[0], all.last, all.n_last, true), NULL);
        return;
    }
    lower_put(lo, "(", NULL);
    lower_put(lo, value, "", NULL);
    for (size_t i = 0; i < c->n; i++) {
        lower_put(lo, i == 0 ? " unless (" : " or ", NULL);
        lower_put(lo, value, cell_matchers(lo, c, &c->v[i]), NULL);
    }
    lower_put(lo, "))", NULL);
}

void
lower_per_literal(struct lower *lo, const struct guardrail *g, const struct bound *b, const char *value,
                  const char *op)
{
    struct gr_dec tightest = model_literal(lo->m, g, b, NULL);
    bool records =
        *op == '*'; /* a bound that does not apply is recorded as infinite, and compared with nothing */
    struct cells c = {.n_axes = 0};

    cells_fill(lo, g, b, tightest, &c);
    if (lo->err != GR_OK)
        return;
    if (c.n > 0)
        lower_put(lo, "(", NULL);
    for (size_t i = 0; i < c.n; i++) {
        const char *literal = !c.v[i].none             ? lower_dec(lo, c.v[i].literal)
                              : side_is_lower(b->side) ? "-Inf"
                                                       : "+Inf";

        if (c.v[i].none && !records)
            continue;
        lower_put(lo, value, cell_matchers(lo, &c, &c.v[i]), NULL);
        lower_put(lo, " $1 $2 or ", op, literal, NULL);
    }
    if (c.n > 0)
        put_rest(lo, &c, value);
    else
        lower_put(lo, value, "", NULL);
    lower_put(lo, c.n > 0 ? " $1 $2)" : " $1 $2", op, lower_dec(lo, tightest), NULL);
}
