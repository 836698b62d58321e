/* compare_limit.c - limits, slice by slice: what is effective before and after, equal changes as one. */
#include "config.h"
#include "compare_parts.h"

#include <stdlib.h>

#include "guardrail/quantity.h"

/* One slice (or all that are not listed), before and after. */
struct pair_of {
    bool has_old, has_new; /* a limit is in force */
    struct gr_dec old, new;
    struct gr_str before, after;
    struct gr_span old_place, new_place;
    const struct pairs *labels;
};
/* One limit on both sides. */
struct work {
    struct comparison *c;
    const struct fact_limit *old, *new;
    const struct gr_unit *from, *to; /* the old literals are converted; NULL: they need not be */
    struct strs where;               /* labels that overrides of either distinguish */
};

static const struct fact *
own(const struct fact_guardrail *g, enum aspect aspect)
{
    return facts_find(g->v, g->n, aspect, GR_STR_NONE);
}

static struct gr_str
text_or(const struct fact_guardrail *g, enum aspect aspect)
{
    const struct fact *f = own(g, aspect);

    return f ? f->text : gr_str(aspect_absent(aspect));
}

static enum aspect
aspect_of(const struct fact_limit *l)
{
    return side_is_backstop(l->side) ? ASPECT_BACKSTOP : l->level == LEVEL_HARD ? ASPECT_HARD : ASPECT_SOFT;
}

/* ---- floor ---- */

/* Control is raised to the floor, so a higher one makes canary ÷ control smaller: an upper limit is reached later, a lower one sooner. */
enum verdict
floor_verdict(const struct comparison *c, int direction)
{
    bool upper = false, lower = false;

    for (size_t i = 0; i < c->new_g->n_limits; i++) {
        upper = upper || c->new_g->limits[i].side == SIDE_UPPER;
        lower = lower || c->new_g->limits[i].side == SIDE_LOWER;
    }
    if (upper && lower)
        return V_LOOSER; /* on one of its sides */
    return verdict_of(ASPECT_FLOOR, lower ? -direction : direction);
}

/* ---- one slice ---- */

/* <0: the new limit is looser, >0: tighter. */
static int
direction(const struct work *w, const struct pair_of *p)
{
    enum side side = w->new->side;

    if (p->has_old != p->has_new)
        return p->has_new ? 1 : -1;
    if (!p->has_old)
        return 0;
    if (model_tighter(side, p->new, p->old))
        return 1;
    if (model_tighter(side, p->old, p->new))
        return -1;
    return (int)w->new->inclusive - (int)w->old->inclusive;
}

static struct gr_dec
converted(const struct work *w, struct gr_dec v)
{
    struct gr_dec out;

    return w->from && gr_unit_convert(v, w->from, w->to, &out) == GR_OK ? out : v;
}

static void
set_old(const struct work *w, struct pair_of *p, const struct fact_slice *s)
{
    p->has_old = true;
    p->old = converted(w, s->literal);
    p->before = s->text;
    p->old_place = s->span;
}

static void
set_new(struct pair_of *p, const struct fact_slice *s)
{
    p->has_new = true;
    p->new = s->literal;
    p->after = s->text;
    p->new_place = s->span;
}

/* Of the slices that are not listed. */
static struct pair_of
base_pair(const struct work *w)
{
    struct fact_slice old = {{NULL, 0}, w->old->literal, w->old->text, w->old->span};
    struct fact_slice new = {{NULL, 0}, w->new->literal, w->new->text, w->new->span};
    struct pair_of p = {.has_old = false, .old_place = w->old->span, .new_place = w->new->span};

    if (!w->old->partial)
        set_old(w, &p, &old);
    if (!w->new->partial)
        set_new(&p, &new);
    return p;
}

/* ---- telling ---- */

/* "at 5min" breaches at the limit itself; told only where that is what changed. */
static struct gr_str
with_inclusive(const struct work *w, struct gr_str text, bool inclusive)
{
    if (w->old->inclusive == w->new->inclusive || text.n == 0)
        return text;
    return gr_arena_printf(w->c->a, "%s" GR_FMT, inclusive ? "at or beyond " : "beyond ", GR_ARG(text));
}

static struct change *
tell_limit(const struct work *w, const struct pair_of *p)
{
    enum aspect aspect = aspect_of(w->new);
    struct change *change = tell(w->c, aspect, verdict_of(aspect, direction(w, p)));

    if (!change)
        return NULL;
    change->has_side = true;
    change->level = w->new->level;
    change->side = w->new->side;
    change->before = with_inclusive(w, p->before, w->old->inclusive);
    change->after = with_inclusive(w, p->after, w->new->inclusive);
    change->old_place = p->old_place;
    change->new_place = p->new_place;
    return change;
}

static bool
same_pair(const struct pair_of *a, const struct pair_of *b)
{
    return a->has_old == b->has_old && a->has_new == b->has_new && gr_dec_cmp(a->old, b->old) == 0 &&
           gr_dec_cmp(a->new, b->new) == 0;
}

/* The part of a slice's labels by which overrides tell slices apart. */
static struct pairs
projected(const struct work *w, const struct pairs *labels)
{
    struct pairs out = {gr_arena_array(w->c->a, labels->n, sizeof *out.v), 0};

    for (size_t i = 0; out.v && i < labels->n; i++)
        if (items_have(&w->where, labels->v[i].key))
            out.v[out.n++] = labels->v[i];
    return out;
}

static int
by_pairs(const void *a, const void *b)
{
    return facts_pairs_cmp(a, b);
}

static void
tell_slices(const struct work *w, const struct pair_of *v, size_t n)
{
    static const char *const keys[] = {[LEVEL_HARD] = "overrides.hard", [LEVEL_SOFT] = "overrides.soft"};
    struct change *change = tell_limit(w, v);
    size_t kept = 0;

    if (!change || !(change->slices = gr_arena_array(w->c->a, n, sizeof *change->slices)))
        return;
    change->where = WHERE_SLICES;
    change->key = side_is_backstop(change->side) ? GR_STR("overrides.backstop") : gr_str(keys[change->level]);
    for (size_t i = 0; i < n; i++)
        change->slices[i] = projected(w, v[i].labels);
    qsort(change->slices, n, sizeof *change->slices, by_pairs);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || facts_pairs_cmp(&change->slices[kept - 1], &change->slices[i]) != 0)
            change->slices[kept++] = change->slices[i];
    change->n_slices = kept;
}

/* ---- one limit ---- */

/* Slices that either side lists, with what holds for them on both. Returns how many. */
static size_t
listed(const struct work *w, struct pair_of *v)
{
    const struct fact_slice *a = w->old->slices, *b = w->new->slices;
    size_t i = 0, k = 0, n = 0;

    while (i < w->old->n_slices || k < w->new->n_slices) {
        int o = i == w->old->n_slices   ? 1
                : k == w->new->n_slices ? -1
                                        : facts_pairs_cmp(&a[i].labels, &b[k].labels);

        v[n] = base_pair(w);
        v[n].labels = o <= 0 ? &a[i].labels : &b[k].labels;
        if (o <= 0)
            set_old(w, &v[n], &a[i++]);
        if (o >= 0)
            set_new(&v[n], &b[k++]);
        n++;
    }
    return n;
}

static int
by_values(const void *a, const void *b)
{
    const struct pair_of *x = a, *y = b;
    int o = gr_dec_cmp(x->old, y->old), n = gr_dec_cmp(x->new, y->new);

    int has = (int)x->has_old - (int)y->has_old;

    has = has != 0 ? has : (int)x->has_new - (int)y->has_new;
    return has != 0 ? has : o != 0 ? o : n != 0 ? n : facts_pairs_cmp(x->labels, y->labels);
}

/* Those outside `expect` changed too: as a change that is told already, or by themselves. */
static void
tell_outside(const struct work *w, size_t first, const struct pair_of *base)
{
    struct pair_of p = {.old_place = w->old->span, .new_place = w->new->span};
    struct comparison *c = w->c;
    struct change *change;

    if (w->old->outside.text.n > 0)
        set_old(w, &p, &w->old->outside);
    if (w->new->outside.text.n > 0)
        set_new(&p, &w->new->outside);
    if (direction(w, &p) == 0 || same_pair(&p, base))
        return;
    for (size_t i = first; i < c->n; i++)
        if (c->v[i].where == WHERE_SLICES &&
            gr_str_eq(c->v[i].before, with_inclusive(w, p.before, w->old->inclusive)) &&
            gr_str_eq(c->v[i].after, with_inclusive(w, p.after, w->new->inclusive))) {
            c->v[i].outside = true;
            return;
        }
    if ((change = tell_limit(w, &p)) != NULL)
        change->where = WHERE_OUTSIDE;
}

static void
compare_limit(const struct work *w)
{
    size_t max = w->old->n_slices + w->new->n_slices, n, first = w->c->n;
    struct pair_of *v = gr_arena_array(w->c->a, max, sizeof *v), base = base_pair(w);
    bool differ = false;
    struct change *change;

    if (!v)
        return;
    n = listed(w, v);
    if (n > 0)
        qsort(v, n, sizeof *v, by_values);
    for (size_t i = 0; i < n; i++)
        differ = differ || !same_pair(&v[i], &base);
    if (direction(w, &base) != 0 && (change = tell_limit(w, &base)) != NULL)
        change->where = differ ? WHERE_OTHERS : WHERE_ALL;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_pair(&v[i], &v[end]);)
            end++;
        if (direction(w, &v[i]) != 0)
            tell_slices(w, &v[i], end - i);
    }
    tell_outside(w, first, &base);
}

/* ---- all limits of a guardrail ---- */

/* The other side of a limit that only one of them has: in force nowhere. */
static struct fact_limit
nowhere(const struct fact_limit *l, struct gr_span span)
{
    return (struct fact_limit){
        .level = l->level, .side = l->side, .inclusive = l->inclusive, .partial = true, .span = span};
}

static bool
same_change(const struct change *a, const struct change *b)
{
    bool same = a->aspect == b->aspect && a->kind == b->kind && a->where == b->where &&
                a->n_slices == b->n_slices && gr_str_eq(a->before, b->before) &&
                gr_str_eq(a->after, b->after);

    for (size_t i = 0; same && i < a->n_slices; i++)
        same = facts_pairs_cmp(&a->slices[i], &b->slices[i]) == 0;
    return same;
}

/* ±5bps is one limit to people and two to us. */
static void
join_sides(struct comparison *c, size_t first)
{
    size_t n = first;

    for (size_t i = first; i < c->n; i++) {
        bool joined = false;

        for (size_t k = first; k < n && !joined; k++)
            if (c->v[k].side != c->v[i].side && same_change(&c->v[k], &c->v[i]))
                joined = c->v[k].both_sides = true;
        if (!joined)
            c->v[n++] = c->v[i];
    }
    c->n = n;
}

struct gr_str
limits_text(struct comparison *c, const struct fact_guardrail *g)
{
    struct gr_str out = GR_STR_NONE;

    for (size_t i = 0; i < g->n_limits; i++) {
        const struct fact_limit *l = &g->limits[i];

        if (i > 0 && l->side == SIDE_LOWER && l[-1].level == l->level && gr_str_eq(l[-1].text, l->text))
            continue;
        out = gr_arena_printf(c->a, GR_FMT "%s%s " GR_FMT, GR_ARG(out), i ? ", " : "",
                              side_is_backstop(l->side) ? "backstop" : level_name(l->level), GR_ARG(l->text));
    }
    return out;
}

/* Literals of another kind cannot be compared: relative, in points, fixed. */
static bool
against_changed(struct comparison *c)
{
    const struct fact *old = own(c->old_g, ASPECT_AGAINST), *new = own(c->new_g, ASPECT_AGAINST);
    struct gr_str a = text_or(c->old_g, ASPECT_AGAINST), b = text_or(c->new_g, ASPECT_AGAINST);

    if (gr_str_eq(a, b))
        return false;
    tell_pair(c, ASPECT_AGAINST, verdict_of(ASPECT_AGAINST, 0), old, new,
              gr_arena_printf(c->a, GR_FMT ": " GR_FMT, GR_ARG(a), GR_ARG(limits_text(c, c->old_g))),
              gr_arena_printf(c->a, GR_FMT ": " GR_FMT, GR_ARG(b), GR_ARG(limits_text(c, c->new_g))));
    return true;
}

/* Relative literals have no unit; others are converted where that is possible. */
static void
set_units(struct work *w)
{
    struct gr_str from = text_or(w->c->old_g, ASPECT_UNIT), to = text_or(w->c->new_g, ASPECT_UNIT);
    bool relative = gr_str_is(text_or(w->c->new_g, ASPECT_AGAINST), "control, relative");

    w->from = w->to = NULL;
    if (gr_str_eq(from, to) || (relative && !side_is_backstop(w->new->side)))
        return;
    w->from = gr_unit_by_name(from);
    w->to = gr_unit_by_name(to);
    if (!w->from || !w->to || w->from->dim != w->to->dim)
        w->from = NULL; /* the change of unit is told, as one that cannot be compared */
}

static void
set_where(struct work *w)
{
    const struct strs *both[] = {&w->c->old_g->where, &w->c->new_g->where};

    w->where.v = gr_arena_array(w->c->a, both[0]->n + both[1]->n, sizeof *w->where.v);
    for (size_t i = 0; w->where.v && i < 2; i++)
        for (size_t k = 0; k < both[i]->n; k++)
            if (!items_have(&w->where, both[i]->v[k]))
                w->where.v[w->where.n++] = both[i]->v[k];
}

static int
by_side(const struct fact_limit *a, const struct fact_limit *b)
{
    return a->level != b->level ? (int)a->level - (int)b->level : (int)a->side - (int)b->side;
}

void
compare_limits(struct comparison *c)
{
    struct work w = {.c = c};
    const struct fact_guardrail *a = c->old_g, *b = c->new_g;
    size_t i = 0, k = 0, first = c->n;

    if (against_changed(c))
        return;
    set_where(&w);
    while (i < a->n_limits || k < b->n_limits) {
        int o = i == a->n_limits ? 1 : k == b->n_limits ? -1 : by_side(&a->limits[i], &b->limits[k]);

        struct fact_limit none = o < 0   ? nowhere(&a->limits[i], b->span)
                                 : o > 0 ? nowhere(&b->limits[k], a->span)
                                         : (struct fact_limit){.partial = true};

        w.old = o > 0 ? &none : &a->limits[i];
        w.new = o < 0 ? &none : &b->limits[k];
        set_units(&w);
        compare_limit(&w);
        i += o <= 0;
        k += o >= 0;
    }
    join_sides(c, first);
}
