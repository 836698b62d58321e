/* prove_neutral.c - see prove_neutral.h. */
#include "config.h"
#include "prove_neutral.h"

#include <math.h>

static const struct gr_promql *
bare(const struct gr_promql *e)
{
    while (e->kind == GR_PROMQL_PAREN)
        e = e->child[0];
    return e;
}

/* The node over `part`; NULL: it is e itself, or not below it. */
static const struct gr_promql *
over(const struct gr_promql *e, const struct gr_promql *part)
{
    for (size_t i = 0; i < e->count; i++) {
        const struct gr_promql *found = e->child[i] == part ? e : over(e->child[i], part);

        if (found)
            return found;
    }
    return NULL;
}

/* The same over parentheses. */
static const struct gr_promql *
over_bare(const struct gr_promql *e, const struct gr_promql *part)
{
    const struct gr_promql *p = over(e, part);

    while (p && p->kind == GR_PROMQL_PAREN)
        p = over(e, p);
    return p;
}

static bool
below(const struct gr_promql *e, const struct gr_promql *part)
{
    return e == part || over(e, part) != NULL;
}

static bool
is_op(const struct gr_promql *e, enum gr_promql_op op)
{
    return e && e->kind == GR_PROMQL_BINARY && e->u.binary.op == op;
}

static bool
is_number(const struct gr_promql *e, double v)
{
    return e->kind == GR_PROMQL_NUMBER && fabs(e->u.number - v) <= 0;
}

static bool
prints_alike(const struct gr_promql *a, const struct gr_promql *b)
{
    struct gr_buf x = GR_BUF_INIT(GR_PROMQL_BYTES_MAX), y = GR_BUF_INIT(GR_PROMQL_BYTES_MAX);
    bool alike;

    gr_promql_print(&x, a);
    gr_promql_print(&y, b);
    alike = gr_buf_err(&x) == GR_OK && gr_buf_err(&y) == GR_OK && gr_str_eq(gr_buf_str(&x), gr_buf_str(&y));
    gr_buf_fini(&x);
    gr_buf_fini(&y);
    return alike;
}

/* ---- numbers ---- */

static bool
adds_nothing(const struct mutate_change *c)
{
    return (gr_str_is(c->what, "operator: -") || gr_str_is(c->what, "operator: +")) &&
           c->part->kind == GR_PROMQL_BINARY && is_number(bare(c->part->child[1]), 0);
}

/* `A <= B or B`, `A <= B and C or B`, where it was `<`; or the other way round. */
static bool
ties_alike(const struct mutate_change *c)
{
    const struct gr_promql *e = c->part, *up;

    if ((!gr_str_is(c->what, "operator: <=") && !gr_str_is(c->what, "operator: >=")) ||
        e->kind != GR_PROMQL_BINARY || e->u.binary.return_bool || e->u.binary.has_matching)
        return false;
    up = over_bare(c->tree, e);
    if (is_op(up, GR_PROMQL_AND) && bare(up->child[0]) == e && !up->u.binary.has_matching)
        up = over_bare(c->tree, up);
    return is_op(up, GR_PROMQL_OR) && !up->u.binary.has_matching && below(up->child[0], e) &&
           prints_alike(bare(e->child[1]), bare(up->child[1]));
}

/* Factors, sums of them, and their even power. */
static bool
squared(const struct mutate_change *c)
{
    const struct gr_promql *e = c->part, *up = NULL;

    if (!gr_str_is(c->what, "literal: sign"))
        return false;
    while ((up = over_bare(c->tree, e)) != NULL) {
        if (is_op(up, GR_PROMQL_POW))
            return bare(up->child[0]) == e && bare(up->child[1])->kind == GR_PROMQL_NUMBER &&
                   fabs(fmod(bare(up->child[1])->u.number, 2)) <= 0;
        if (!is_op(up, GR_PROMQL_MUL) && !is_op(up, GR_PROMQL_DIV) &&
            !(up->kind == GR_PROMQL_AGGREGATE && up->u.aggregate.op == GR_PROMQL_SUM))
            return false;
        e = up;
    }
    return false;
}

/* ---- one sample in a range ---- */

static bool
in_names(struct gr_str s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gr_str_is(s, names[i]))
            return true;
    return false;
}

/* Both what it was and what it has become, as `what` tells behind its colon. */
static bool
exchanged(const struct mutate_change *c, const char *kind, const char *const *names, size_t n)
{
    size_t name = 0;

    if (!gr_str_starts(c->what, gr_str(kind)))
        return false;
    while (name < c->before.n && c->before.p[name] != '(' && c->before.p[name] != ' ')
        name++;
    return in_names(gr_str_sub(c->before, 0, name), names, n) &&
           in_names(gr_str_sub(c->what, strlen(kind), c->what.n), names, n);
}

static bool
is_slot(const struct gr_promql *e)
{
    return e->kind == GR_PROMQL_SELECTOR && e->u.selector.shift.offset_ms == 0 &&
           e->u.selector.shift.at == GR_PROMQL_AT_NONE &&
           gr_str_starts(gr_promql_metric(e), GR_STR("guardrail:slot:"));
}

/* Ranges, before and after, that are shorter than a slot. */
static bool
short_range(const struct mutate_change *c, int64_t slot_ms)
{
    int64_t range = c->part->kind == GR_PROMQL_SELECTOR ? c->part->u.selector.range_ms : 0;

    return gr_str_is(c->what, "range: half") && is_slot(c->part) && range > 0 && 2 * range < slot_ms;
}

static bool
one_sample(const struct mutate_change *c, int64_t slot_ms)
{
    static const char *const shows[] = {"avg_over_time", "last_over_time", "max_over_time", "min_over_time",
                                        "sum_over_time"};
    const struct gr_promql *e = c->part;

    return e->kind == GR_PROMQL_CALL && e->count == 1 && is_slot(e->child[0]) &&
           e->child[0]->u.selector.range_ms > 0 && e->child[0]->u.selector.range_ms < slot_ms &&
           exchanged(c, "function: ", shows, GR_COUNT(shows));
}

/* ---- grouped before ---- */

static bool
listed(const struct gr_str *v, size_t n, struct gr_str s)
{
    for (size_t i = 0; i < n; i++)
        if (gr_str_eq(v[i], s))
            return true;
    return false;
}

static bool
grouped_before(const struct mutate_change *c)
{
    static const char *const same[] = {"avg", "max", "min", "sum"};
    const struct gr_promql *e = c->part, *x;

    if (e->kind != GR_PROMQL_AGGREGATE || e->u.aggregate.clause != GR_PROMQL_BY ||
        !exchanged(c, "aggregation: ", same, GR_COUNT(same)))
        return false;
    x = bare(e->child[e->count - 1]);
    while (x->kind == GR_PROMQL_BINARY && gr_promql_op_compares(x->u.binary.op) && !x->u.binary.return_bool &&
           bare(x->child[1])->kind == GR_PROMQL_NUMBER)
        x = bare(x->child[0]);
    if (x->kind != GR_PROMQL_AGGREGATE || x->u.aggregate.clause != GR_PROMQL_BY ||
        x->u.aggregate.op == GR_PROMQL_TOPK || x->u.aggregate.op == GR_PROMQL_BOTTOMK ||
        x->u.aggregate.op == GR_PROMQL_COUNT_VALUES)
        return false;
    for (size_t i = 0; i < x->u.aggregate.count; i++)
        if (!listed(e->u.aggregate.labels, e->u.aggregate.count, x->u.aggregate.labels[i]))
            return false;
    return true;
}

/* ---- what is let in on one side of a join ---- */

/* The innermost `and` or `unless` that has the part on the wanted side, with nothing but `or` between them. */
static const struct gr_promql *
join_over(const struct mutate_change *c, size_t side)
{
    const struct gr_promql *e = c->part, *up;

    while ((up = over_bare(c->tree, e)) != NULL && is_op(up, GR_PROMQL_OR) && !up->u.binary.has_matching)
        e = up;
    return (is_op(up, GR_PROMQL_AND) || is_op(up, GR_PROMQL_UNLESS)) && bare(up->child[side]) == e ? up
                                                                                                   : NULL;
}

/* Whether everything on the left has the dropped matcher: slots of values have neither part nor edge, those of counters always have a part; and no
 * guardrail has slots of both. */
static bool
all_matched(const struct gr_promql *e, const struct gr_promql *part, const struct gr_promql_matcher *dropped)
{
    const struct gr_promql_matcher *own;

    e = bare(e);
    if (is_op(e, GR_PROMQL_OR) && !e->u.binary.has_matching)
        return all_matched(e->child[0], part, dropped) && all_matched(e->child[1], part, dropped);
    if (e->kind != GR_PROMQL_SELECTOR)
        return false;
    if (gr_str_is(dropped->name, "guardrail") && is_slot(e) &&
        gr_str_is(gr_promql_metric(e), "guardrail:slot:value") !=
            gr_str_is(gr_promql_metric(part), "guardrail:slot:value"))
        return true;
    own = gr_promql_matcher_on(e, dropped->name);
    if (own && own->op == dropped->op && gr_str_eq(own->value, dropped->value))
        return true;
    return gr_str_is(gr_promql_metric(e), "guardrail:slot:value") &&
           (gr_str_is(dropped->name, "part") ||
            (gr_str_is(dropped->name, "le") && gr_str_starts(dropped->value, GR_STR("|"))));
}

static bool
no_partner(const struct mutate_change *c)
{
    const struct gr_promql *join = join_over(c, 1);

    return c->dropped.name.n > 0 && join && is_slot(c->part) &&
           gr_promql_matched_on(&join->u.binary, c->dropped.name) &&
           all_matched(join->child[0], c->part, &c->dropped);
}

/* Whether values may have other cohorts than the canary and control. */
static bool
has_more_cohorts(const struct model *m, const struct gr_promql *part)
{
    for (size_t i = 0; i < m->n_guardrails; i++) {
        if (m->guardrails[i].stream_scope && !gr_promql_matcher_on(part, GR_STR("guardrail")))
            return true;
        for (size_t k = 0; k < m->guardrails[i].limit.n_bounds; k++)
            if ((m->guardrails[i].metric.kind == METRIC_GAUGE ||
                 m->guardrails[i].metric.kind == METRIC_PROMQL) &&
                side_is_backstop(m->guardrails[i].limit.bounds[k].side))
                return true;
    }
    return false;
}

/* Whether one of the branches takes all values of control, whoever's. */
static bool
takes_control(const struct gr_promql *e, const struct model *m, const struct gr_promql *part)
{
    const struct gr_promql_matcher *cohort;

    e = bare(e);
    if (is_op(e, GR_PROMQL_OR) && !e->u.binary.has_matching)
        return takes_control(e->child[0], m, part) || takes_control(e->child[1], m, part);
    if (!is_slot(e) || !gr_str_is(gr_promql_metric(e), "guardrail:slot:value"))
        return false;
    cohort = gr_promql_matcher_on(e, GR_STR("cohort"));
    if (!cohort || cohort->op != GR_PROMQL_IS || !gr_str_eq(cohort->value, m->control))
        return false;
    for (size_t i = 0; i < e->u.selector.count; i++) {
        const struct gr_promql_matcher *own = &e->u.selector.matchers[i],
                                       *same = gr_promql_matcher_on(part, own->name);

        if (own != cohort && !(same && same->op == own->op && gr_str_eq(same->value, own->value)))
            return false;
    }
    return true;
}

static bool
control_goes(const struct model *m, const struct mutate_change *c)
{
    const struct gr_promql *join = join_over(c, 0);

    return gr_str_is(c->dropped.name, "cohort") && c->dropped.op == GR_PROMQL_IS &&
           is_op(join, GR_PROMQL_UNLESS) && !gr_promql_matched_on(&join->u.binary, c->dropped.name) &&
           is_slot(c->part) && gr_str_is(gr_promql_metric(c->part), "guardrail:slot:value") &&
           !has_more_cohorts(m, c->part) && takes_control(join->child[1], m, c->part);
}

/* ---- sides ---- */

static bool
names(const struct gr_promql_matcher *m, struct gr_str name)
{
    struct gr_str rest = m->value, one;

    while (gr_str_next(&rest, '|', &one))
        if (gr_str_eq(one, name))
            return true;
    return false;
}

/* `breach{guardrail="a",side="backstop"}`, where nobody else has such a side. */
static bool
nobody_else(const struct model *m, const struct mutate_change *c)
{
    const struct gr_promql_matcher *side;

    if (!gr_str_is(c->dropped.name, "guardrail") || c->part->kind != GR_PROMQL_SELECTOR ||
        (c->dropped.op != GR_PROMQL_IS && c->dropped.op != GR_PROMQL_LIKE) ||
        (!gr_str_is(gr_promql_metric(c->part), "guardrail:breach") &&
         !gr_str_is(gr_promql_metric(c->part), "guardrail:limit")) ||
        !(side = gr_promql_matcher_on(c->part, GR_STR("side"))) || side->op != GR_PROMQL_IS)
        return false;
    for (size_t i = 0; i < m->n_guardrails; i++)
        for (size_t k = 0; k < m->guardrails[i].limit.n_bounds; k++)
            if (!names(&c->dropped, m->guardrails[i].name) &&
                gr_str_is(side->value, side_name(m->guardrails[i].limit.bounds[k].side)))
                return false;
    return true;
}

const char *
prove_neutral(const struct model *m, const struct mutate_change *c)
{
    if (adds_nothing(c))
        return "0 may be added as well as taken away";
    if (ties_alike(c))
        return "in a tie both sides of `or` are the same number";
    if (squared(c))
        return "the sign is not seen in an even power";
    if (m && (short_range(c, model_ms(m, m->sampling_ms)) || one_sample(c, model_ms(m, m->sampling_ms))))
        return "the range is shorter than a slot, so it holds the newest alone";
    if (grouped_before(c))
        return "each group is a single series: it was grouped by these labels before";
    if (no_partner(c))
        return "what the matcher shuts out has no partner: all on the left has the same matcher";
    if (m && control_goes(m, c))
        return "what is let in is control's, and the right side of `unless` takes it away";
    if (m && nobody_else(m, c))
        return "no other guardrail has a limit on that side";
    return NULL;
}
