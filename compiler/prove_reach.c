/* prove_reach.c - see prove_reach.h. */
#include "config.h"
#include "prove_reach.h"

#include "prove.h"

struct look {
    struct gr_str guardrail;
    const struct gr_promql *but; /* this selector is passed over */
    bool taken, blind;           /* a selector takes the guardrail; there is one at all that does not */
};

/* Names stand as alternatives; what else a regular expression may be, takes it. */
static bool
takes(const struct gr_promql_matcher *m, struct gr_str guardrail)
{
    struct gr_str rest = m->value, word;

    if (m->op == GR_PROMQL_IS)
        return gr_str_eq(m->value, guardrail) || gr_str_is(m->value, PROVE_STRANGER);
    if (m->op != GR_PROMQL_LIKE || m->value.n == 0)
        return true;
    while (gr_str_next(&rest, '|', &word)) {
        if (gr_str_eq(word, guardrail) || gr_str_is(word, PROVE_STRANGER) || word.n == 0)
            return true;
        for (size_t i = 0; i < word.n; i++)
            if (strchr("\\^$.[]()?*+{}", word.p[i]))
                return true;
    }
    return false;
}

static bool
look_at(struct gr_promql *e, void *ctx)
{
    struct look *l = ctx;
    const struct gr_promql_matcher *m = gr_promql_matcher_on(e, GR_STR("guardrail"));

    if (e == l->but)
        return true;
    if (!m || takes(m, l->guardrail))
        l->taken = true;
    else
        l->blind = true;
    return !l->taken;
}

/* absent(…), vector(…) and time() make something of nothing. */
static bool
makes_something(const struct gr_promql *e)
{
    if (e->kind == GR_PROMQL_NUMBER || e->kind == GR_PROMQL_STRING)
        return false;
    if (e->kind == GR_PROMQL_CALL &&
        (gr_str_starts(e->u.function->name, GR_STR("absent")) || gr_str_is(e->u.function->name, "vector") ||
         (gr_promql_type(e) == GR_PROMQL_T_SCALAR && e->count > 0)))
        return true;
    for (size_t i = 0; i < e->count; i++)
        if (makes_something(e->child[i]))
            return true;
    return false;
}

/* Whether e is a vector, and empty in the guardrail's tests. But: a selector that counts as `was` does; NULL: none. */
static bool
is_blind(struct gr_promql *e, struct gr_str guardrail, const struct gr_promql *but, struct gr_promql *was)
{
    struct look l = {.guardrail = guardrail, .but = but};

    gr_promql_selectors(e, look_at, &l);
    if (but && !l.taken)
        gr_promql_selectors(was, look_at, &l);
    return !l.taken && l.blind && !makes_something(e);
}

struct change {
    const struct gr_promql *part;
    struct gr_promql *was;
    struct gr_str guardrail;
    bool found;
};

/* Whether a part of e around the change is empty, both before and after. */
static bool
hidden(struct gr_promql *e, struct change *c)
{
    if (e == c->part)
        c->found = true;
    for (size_t i = 0; i < e->count && !c->found; i++)
        if (hidden(e->child[i], c))
            return true;
    return c->found && is_blind(e, c->guardrail, NULL, NULL) &&
           (c->part->kind != GR_PROMQL_SELECTOR || is_blind(e, c->guardrail, c->part, c->was));
}

bool
prove_reaches(const struct mutate_change *change, struct gr_promql *before, struct gr_str guardrail)
{
    struct change c = {change->part, before, guardrail, false};

    return !before || !hidden(change->tree, &c);
}
