/* lower_literal.c - comparing a series with the literal limit of each of its slices. */
#include "config.h"
#include "lower.h"

#define OVERRIDE_LABELS_MAX MODEL_LABELS_MAX

/* Values of dynamic slices are not known here, so an override on one of them may apply to any slice: model_literal() takes it so, and
 * no matcher speaks of its label. */
static bool
is_dynamic(const struct guardrail *g, struct gr_str label)
{
    for (size_t i = 0; i < g->dynamic.n; i++)
        if (gr_str_eq(g->dynamic.v[i], label))
            return true;
    return false;
}

/* Slices of one literal that agree on all override labels but the last, which takes the listed values. */
struct cell {
    struct gr_dec literal;
    struct gr_str fixed[OVERRIDE_LABELS_MAX];
    struct gr_str *last;
    size_t n_last, cap_last;
};
struct cells {
    struct gr_str labels[OVERRIDE_LABELS_MAX]; /* that any override speaks of */
    size_t n_labels;
    struct cell *v; /* those with a literal other than the tightest */
    size_t n, cap;
};

static void
add_labels(struct lower *lo, const struct guardrail *g, struct cells *c)
{
    for (size_t i = 0; i < g->limit.n_overrides; i++) {
        const struct pairs *where = &g->limit.overrides[i].where;
        for (size_t k = 0; k < where->n; k++) {
            size_t j = 0;
            if (is_dynamic(g, where->v[k].key))
                continue;
            while (j < c->n_labels && !gr_str_eq(c->labels[j], where->v[k].key))
                j++;
            if (j == GR_COUNT(c->labels))
                lo->err = GR_ELIMIT;
            else if (j == c->n_labels)
                c->labels[c->n_labels++] = where->v[k].key;
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
cell_for(struct lower *lo, struct cells *c, const struct slice *s, struct gr_dec literal)
{
    struct cell *v = c->v;

    for (size_t i = 0; i < c->n; i++) {
        bool same = gr_dec_cmp(c->v[i].literal, literal) == 0;
        for (size_t k = 0; same && k + 1 < c->n_labels; k++)
            same = gr_str_eq(c->v[i].fixed[k], value_of(lo, s, c->labels[k]));
        if (same)
            return &c->v[i];
    }
    if (c->n == c->cap && !(v = gr_arena_grow(lo->arena, c->v, c->n, &c->cap, sizeof *v))) {
        lo->err = GR_ENOMEM;
        return NULL;
    }
    c->v = v;
    v = &c->v[c->n++];
    *v = (struct cell){.literal = literal};
    for (size_t k = 0; k + 1 < c->n_labels; k++)
        v->fixed[k] = value_of(lo, s, c->labels[k]);
    return v;
}

static void
cell_add(struct lower *lo, struct cell *cell, struct gr_str value)
{
    struct gr_str *v;

    for (size_t i = 0; i < cell->n_last; i++)
        if (gr_str_eq(cell->last[i], value))
            return;
    if (cell->n_last == cell->cap_last) {
        if (!(v = gr_arena_grow(lo->arena, cell->last, cell->n_last, &cell->cap_last, sizeof *v))) {
            lo->err = GR_ENOMEM;
            return;
        }
        cell->last = v;
    }
    cell->last[cell->n_last++] = value;
}

static void
cells_fill(struct lower *lo, const struct guardrail *g, const struct bound *b, struct gr_dec tightest,
           struct cells *c)
{
    add_labels(lo, g, c);
    for (size_t i = 0; lo->err == GR_OK && c->n_labels > 0 && i < g->n_expected; i++) {
        struct gr_dec literal = model_literal(lo->m, g, b, &g->expected[i]);
        struct cell *cell;

        if (gr_dec_cmp(literal, tightest) == 0)
            continue;
        if ((cell = cell_for(lo, c, &g->expected[i], literal)) != NULL)
            cell_add(lo, cell, value_of(lo, &g->expected[i], c->labels[c->n_labels - 1]));
    }
}

static const char *
cell_matchers(struct lower *lo, const struct cells *c, const struct cell *cell)
{
    size_t from = lo->expr.n;

    for (size_t k = 0; k + 1 < c->n_labels; k++)
        lower_put(lo, "$1", lower_values(lo, c->labels[k], &cell->fixed[k], 1, false), NULL);
    lower_put(lo, "$1", lower_values(lo, c->labels[c->n_labels - 1], cell->last, cell->n_last, false), NULL);
    return lower_cut(lo, from);
}

/* Everything that no cell speaks of: the tightest literal. */
static void
put_rest(struct lower *lo, const struct cells *c, const char *value)
{
    struct cell rest = {.n_last = 0};

    if (c->n_labels == 1) {
        for (size_t i = 0; i < c->n; i++)
            for (size_t k = 0; k < c->v[i].n_last; k++)
                cell_add(lo, &rest, c->v[i].last[k]);
        lower_put(lo, value, lower_values(lo, c->labels[0], rest.last, rest.n_last, true), NULL);
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
    struct cells c = {.n_labels = 0};

    cells_fill(lo, g, b, tightest, &c);
    if (lo->err != GR_OK)
        return;
    if (c.n > 0)
        lower_put(lo, "(", NULL);
    for (size_t i = 0; i < c.n; i++) {
        lower_put(lo, value, cell_matchers(lo, &c, &c.v[i]), NULL);
        lower_put(lo, " $1 $2 or ", op, lower_dec(lo, c.v[i].literal), NULL);
    }
    if (c.n > 0)
        put_rest(lo, &c, value);
    else
        lower_put(lo, value, "", NULL);
    lower_put(lo, c.n > 0 ? " $1 $2)" : " $1 $2", op, lower_dec(lo, tightest), NULL);
}
