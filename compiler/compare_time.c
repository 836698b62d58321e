/* compare_time.c - windows, confirmation, and how long it takes to react. */
#include "config.h"
#include "compare_parts.h"

#include <math.h>
#include <stdlib.h>

static const struct fact *
spec_fact(const struct facts *f, enum aspect aspect, struct gr_str of)
{
    return facts_find(f->v, f->n, aspect, of);
}

static const struct fact *
own(const struct fact_guardrail *g, enum aspect aspect)
{
    return facts_find(g->v, g->n, aspect, GR_STR_NONE);
}

/* ---- windows ---- */

static double
ms_of(const struct fact *f)
{
    return f ? gr_dec_double(f->number) : 0;
}

/* As model_window_ms; 0: the phase has none. */
static double
window_in(const struct facts *f, const struct fact *stated, struct gr_str phase)
{
    double ms = stated ? ms_of(stated) : ms_of(spec_fact(f, ASPECT_PHASE_MIN, phase));
    double slot = ms_of(spec_fact(f, ASPECT_SAMPLING, GR_STR_NONE));

    return slot > 0 ? floor(ms / slot) * slot : ms;
}

static const struct strs *
phases_of(const struct facts *f, const struct fact_guardrail *g)
{
    static const struct strs none = {NULL, 0};
    const struct fact *phases = own(g, ASPECT_PHASES);

    if (!phases)
        phases = spec_fact(f, ASPECT_PHASES_ALL, GR_STR_NONE);
    return phases ? &phases->items : &none;
}

/* Only where it is stated: else the phases' own durations say it. */
void
compare_window(struct comparison *c)
{
    const struct fact *old = own(c->old_g, ASPECT_WINDOW), *new = own(c->new_g, ASPECT_WINDOW);
    const struct strs *before = phases_of(c->from, c->old_g), *after = phases_of(c->to, c->new_g);
    bool longer = false, shorter = false;

    if (!old && !new)
        return;
    for (size_t i = 0; i < after->n; i++) {
        double a, b;

        if (!items_have(before, after->v[i]))
            continue;
        a = window_in(c->from, old, after->v[i]);
        b = window_in(c->to, new, after->v[i]);
        longer = longer || b > a;
        shorter = shorter || b < a;
    }
    if (longer || shorter)
        tell_pair(c, ASPECT_WINDOW, verdict_of(ASPECT_WINDOW, longer ? 1 : -1), old, new,
                  old ? old->text : GR_STR("the phase's"), new ? new->text : GR_STR("the phase's"));
}

static bool
is_default_max(const struct facts *f, struct gr_str phase)
{
    return ms_of(spec_fact(f, ASPECT_PHASE_MAX, phase)) <= 4 * ms_of(spec_fact(f, ASPECT_PHASE_MIN, phase)) &&
           ms_of(spec_fact(f, ASPECT_PHASE_MAX, phase)) >= 4 * ms_of(spec_fact(f, ASPECT_PHASE_MIN, phase));
}

bool
max_follows_min(const struct comparison *c, struct gr_str phase)
{
    return is_default_max(c->from, phase) && is_default_max(c->to, phase);
}

/* ---- k of n ---- */

static bool
k_of_n(struct gr_str text, int64_t *k, int64_t *n)
{
    size_t at = gr_str_find(text, GR_STR(" of "), 0);

    return at != SIZE_MAX && gr_parse_i64(gr_str_sub(text, 0, at), 1, 1000000, k) == GR_OK &&
           gr_parse_i64(gr_str_sub(text, at + 4, text.n), 1, 1000000, n) == GR_OK;
}

/* Whatever makes k of n true makes k2 of n2 true: no more slots are asked for, and no fewer may be missing. */
static bool
implies(int64_t k, int64_t n, int64_t k2, int64_t n2)
{
    return k2 <= k && n2 - k2 >= n - k;
}

void
compare_confirm(struct comparison *c, enum aspect aspect, struct gr_str before, struct gr_str after,
                const struct fact *old, const struct fact *new)
{
    int64_t k, n, k2, n2;
    enum verdict verdict = V_UNPROVEN;

    if (gr_str_eq(before, after))
        return;
    if (k_of_n(before, &k, &n) && k_of_n(after, &k2, &n2)) {
        if (implies(k, n, k2, n2))
            verdict = verdict_of(aspect, -1);
        else if (implies(k2, n2, k, n))
            verdict = verdict_of(aspect, 1);
    }
    tell_pair(c, aspect, verdict, old, new, before, after);
}

/* ---- reaction ---- */

struct shift {
    const struct fact *old, *new;
    const struct fact_guardrail *old_g, *new_g;
};

static int
by_times(const void *a, const void *b)
{
    const struct shift *x = a, *y = b;
    int o = gr_dec_cmp(x->old->number, y->old->number), n = gr_dec_cmp(x->new->number, y->new->number);

    if (o != 0 || n != 0)
        return o != 0 ? o : n;
    return (x->new_g > y->new_g) - (x->new_g < y->new_g); /* of one array: the order of the specification */
}

#define NAMES_SHOWN 5u

static struct gr_str
names_text(struct comparison *c, const struct shift *v, size_t n)
{
    struct gr_buf b = GR_BUF_INIT(65536);

    gr_buf_printf(&b, "%zu guardrails: ", n);
    for (size_t i = 0; i < n && i < NAMES_SHOWN; i++)
        gr_buf_printf(&b, "%s" GR_FMT, i ? ", " : "", GR_ARG(v[i].new_g->name));
    if (n > NAMES_SHOWN)
        gr_buf_printf(&b, ", and %zu more", n - NAMES_SHOWN);
    return facts_keep(c->a, &b);
}

static void
tell_shift(struct comparison *c, const struct shift *v, size_t n)
{
    int direction = gr_dec_cmp(v->new->number, v->old->number);
    size_t at = c->n;

    c->old_g = n == 1 ? v->old_g : NULL;
    c->new_g = n == 1 ? v->new_g : NULL;
    c->place = n == 1 ? (uint32_t)(v->new_g - c->to->guardrails) + 1 : 0;
    tell_pair(c, ASPECT_REACTION, verdict_of(ASPECT_REACTION, direction), NULL, NULL, v->old->text,
              v->new->text);
    if (n > 1 && c->n > at)
        c->v[at].of = names_text(c, v, n);
}

static int
by_name(const void *a, const void *b)
{
    return gr_str_cmp((*(const struct fact_guardrail *const *)a)->name,
                      (*(const struct fact_guardrail *const *)b)->name);
}

/* One edit of a phase shifts many guardrails alike: one change for all that have the same times. */
void
compare_reactions(struct comparison *c, const struct fact_guardrail **olds)
{
    struct shift *v = gr_arena_array(c->a, c->to->n_guardrails, sizeof *v);
    size_t n = 0;

    for (size_t i = 0; v && i < c->to->n_guardrails; i++) {
        const struct fact_guardrail *g = &c->to->guardrails[i];
        const struct fact_guardrail **found =
            c->from->n_guardrails > 0 ? bsearch(&g, olds, c->from->n_guardrails, sizeof(*olds), by_name)
                                      : NULL;
        struct shift s = {.new = own(g, ASPECT_REACTION), .new_g = g};

        if (!found || !s.new || !(s.old = own(*found, ASPECT_REACTION)) ||
            gr_dec_cmp(s.old->number, s.new->number) == 0)
            continue;
        s.old_g = *found;
        v[n++] = s;
    }
    if (n > 0)
        qsort(v, n, sizeof *v, by_times);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && gr_dec_cmp(v[i].old->number, v[end].old->number) == 0 &&
                          gr_dec_cmp(v[i].new->number, v[end].new->number) == 0;)
            end++;
        tell_shift(c, &v[i], end - i);
    }
    c->old_g = c->new_g = NULL;
}
