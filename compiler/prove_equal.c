/* prove_equal.c - see prove_equal.h. */
#include "config.h"
#include "prove_equal.h"

/* ---- matchers that a join implies ---- */

static bool
listed(const struct gr_str *v, size_t n, struct gr_str label)
{
    for (size_t i = 0; i < n; i++)
        if (gr_str_eq(v[i], label))
            return true;
    return false;
}

/* Whether an aggregation or a function leaves the label as it was. */
static bool
keeps(const struct gr_promql *e, struct gr_str label)
{
    if (e->kind == GR_PROMQL_AGGREGATE)
        return (e->u.aggregate.clause == GR_PROMQL_BY) ==
               listed(e->u.aggregate.labels, e->u.aggregate.count, label);
    if (e->kind != GR_PROMQL_CALL)
        return e->kind == GR_PROMQL_PAREN || e->kind == GR_PROMQL_UNARY;
    if (gr_str_is(e->u.function->name, "label_replace"))
        return e->child[1]->kind == GR_PROMQL_STRING && !gr_str_eq(e->child[1]->u.text, label);
    return !gr_str_starts(e->u.function->name, GR_STR("absent"));
}

static bool
is_scalar(const struct gr_promql *e)
{
    return gr_promql_type(e) == GR_PROMQL_T_SCALAR;
}

/* Whether every series of e fulfils the matcher, because its selectors say the same. */
static bool
fulfils(const struct gr_promql *e, const struct gr_promql_matcher *m)
{
    const struct gr_promql_matcher *own;
    bool left, right;

    if (e->kind == GR_PROMQL_SELECTOR) {
        own = gr_promql_matcher_on(e, m->name);
        return own && own->op == m->op && gr_str_eq(own->value, m->value);
    }
    if (e->kind != GR_PROMQL_BINARY) {
        for (size_t i = 0; keeps(e, m->name) && i < e->count; i++)
            if (fulfils(e->child[i], m))
                return true;
        return false;
    }
    left = fulfils(e->child[0], m);
    right = fulfils(e->child[1], m);
    if (e->u.binary.op == GR_PROMQL_OR)
        return left && right;
    if (e->u.binary.op == GR_PROMQL_UNLESS || is_scalar(e->child[1]))
        return left;
    if (is_scalar(e->child[0]))
        return right;
    return gr_promql_matched_on(&e->u.binary, m->name) ? left || right
                                                       : e->u.binary.op == GR_PROMQL_AND && left;
}

/* What becomes, at an operator, of series on side `i` that the matcher shut out: they are gone, they go on, or nobody knows. */
enum fate { GONE, GO_ON, UNKNOWN };
static enum fate
meets(const struct gr_promql *e, size_t i, const struct gr_promql_matcher *m)
{
    const struct gr_promql_binary *b = &e->u.binary;

    if (is_scalar(e->child[1 - i]))
        return GO_ON;
    if (!gr_promql_matched_on(b, m->name))
        return UNKNOWN;
    if (b->op == GR_PROMQL_OR)
        return GO_ON;
    if (fulfils(e->child[1 - i], m) && !(b->op == GR_PROMQL_UNLESS && i == 0))
        return GONE;
    if (gr_promql_op_sets(b->op))
        return i == 0 ? GO_ON : UNKNOWN;
    return GO_ON; /* matched on, so the result has the label */
}

/* UNKNOWN also where `part` is not below e. */
static enum fate
fate(const struct gr_promql *e, const struct gr_promql *part, const struct gr_promql_matcher *m, bool *found)
{
    if (e == part) {
        *found = true;
        return GO_ON;
    }
    for (size_t i = 0; i < e->count; i++) {
        enum fate f = fate(e->child[i], part, m, found);

        if (!*found)
            continue;
        if (f != GO_ON)
            return f;
        if (e->kind == GR_PROMQL_BINARY)
            return meets(e, i, m);
        return keeps(e, m->name) ? GO_ON : UNKNOWN;
    }
    return UNKNOWN;
}

/* ---- slices that expect does not list ---- */

static struct gr_str
value_of(const struct model *m, const struct slice *s, struct gr_str label)
{
    const struct pairs *release = &m->streams[s->stream].release;

    for (size_t i = 0; i < s->labels.n; i++)
        if (gr_str_eq(s->labels.v[i].key, label))
            return s->labels.v[i].value;
    for (size_t i = 0; i < release->n; i++)
        if (gr_str_eq(release->v[i].key, label))
            return release->v[i].value;
    return GR_STR_NONE;
}

/* Whether plain matchers take a slice. Those on phases and the specification are passed over, regular expressions too. */
static bool
takes(const struct model *m, const struct gr_promql *selector, const struct slice *s)
{
    for (size_t i = 0; i < selector->u.selector.count; i++) {
        const struct gr_promql_matcher *own = &selector->u.selector.matchers[i];

        if (gr_str_is(own->name, "spec") || gr_str_is(own->name, "phase"))
            continue;
        if ((own->op == GR_PROMQL_IS || own->op == GR_PROMQL_IS_NOT) &&
            gr_str_eq(value_of(m, s, own->name), own->value) != (own->op == GR_PROMQL_IS))
            return false;
    }
    return true;
}

/* Of guardrail:slice, which `expect` fills: whether the dropped matcher shuts out nothing that is there. */
static bool
shuts_out_nothing(const struct model *m, const struct mutate_change *change)
{
    const struct gr_promql_matcher *d = &change->dropped;

    if (change->part->kind != GR_PROMQL_SELECTOR ||
        !gr_str_is(gr_promql_metric(change->part), "guardrail:slice") ||
        (d->op != GR_PROMQL_IS && d->op != GR_PROMQL_IS_NOT) || gr_str_is(d->name, "spec") ||
        gr_str_is(d->name, "phase"))
        return false;
    for (size_t i = 0; i < m->n_guardrails; i++)
        for (size_t k = 0; k < m->guardrails[i].n_expected; k++) {
            const struct slice *s = &m->guardrails[i].expected[k];

            if (takes(m, change->part, s) &&
                gr_str_eq(value_of(m, s, d->name), d->value) != (d->op == GR_PROMQL_IS))
                return false;
        }
    return true;
}

/* ---- joins with a phase ---- */

/* Whether the right side is nothing but guardrail:gate, guardrail:open or guardrail:cohort:…. */
static bool
multiplies_by_one(const struct gr_promql *e)
{
    struct gr_str metric = e->count == 2 ? gr_promql_metric(e->child[1]) : GR_STR_NONE;

    return e->kind == GR_PROMQL_BINARY && e->u.binary.group == GR_PROMQL_GROUP_LEFT &&
           (gr_str_is(metric, "guardrail:gate") || gr_str_is(metric, "guardrail:open") ||
            gr_str_starts(metric, GR_STR("guardrail:cohort:")));
}

const char *
prove_equal(const struct model *m, const struct gr_rule *rule, const struct mutate_change *change)
{
    bool found = false;

    if (gr_str_is(change->what, "operator: /") && multiplies_by_one(change->part))
        return "the phase's series is 1, so it may as well divide";
    if (change->dropped.name.n == 0)
        return NULL;
    if (fate(change->tree, change->part, &change->dropped, &found) == GONE)
        return "what the matcher shuts out has no partner in a join: the other side has the same matcher, "
               "and they match on the label";
    if (gr_str_is(rule->name, "guardrail:expected") && shuts_out_nothing(m, change))
        return "`expect` lists no slice that the matcher shuts out";
    return NULL;
}
