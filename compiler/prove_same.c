/* prove_same.c - see prove_same.h. */
#include "config.h"
#include "prove_same.h"

#include <math.h>

#include "prove.h"

#define DEEP 12u /* rules that record what others read */

static bool
is_scalar(const struct gr_promql *e)
{
    return gr_promql_type(e) == GR_PROMQL_T_SCALAR;
}

static const struct gr_promql *
bare(const struct gr_promql *e)
{
    while (e->kind == GR_PROMQL_PAREN)
        e = e->child[0];
    return e;
}

static bool
below(const struct gr_promql *e, const struct gr_promql *part)
{
    if (e == part)
        return true;
    for (size_t i = 0; i < e->count; i++)
        if (below(e->child[i], part))
            return true;
    return false;
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
calculates(const struct gr_promql *e)
{
    return e->kind == GR_PROMQL_BINARY && !gr_promql_op_compares(e->u.binary.op) &&
           !gr_promql_op_sets(e->u.binary.op) && is_scalar(e->child[0]) != is_scalar(e->child[1]);
}

static bool
joins_all(const struct gr_promql *e, enum gr_promql_op op)
{
    return e->kind == GR_PROMQL_BINARY && e->u.binary.op == op && !e->u.binary.has_matching;
}

/* ---- branches for a label's values and for the others ---- */

static bool
same_matcher(const struct gr_promql_matcher *a, const struct gr_promql_matcher *b)
{
    return gr_str_eq(a->name, b->name) && a->op == b->op && gr_str_eq(a->value, b->value);
}

static bool
opposite(const struct gr_promql_matcher *a, const struct gr_promql_matcher *b)
{
    static const enum gr_promql_match other[] = {[GR_PROMQL_IS] = GR_PROMQL_IS_NOT,
                                                 [GR_PROMQL_IS_NOT] = GR_PROMQL_IS,
                                                 [GR_PROMQL_LIKE] = GR_PROMQL_NOT_LIKE,
                                                 [GR_PROMQL_NOT_LIKE] = GR_PROMQL_LIKE};

    return gr_str_eq(a->name, b->name) && other[a->op] == b->op && gr_str_eq(a->value, b->value);
}

/* Whether the selector is `part` with the opposite of the matcher that it has lost. */
static bool
complements(const struct gr_promql *selector, const struct mutate_change *c)
{
    const struct gr_promql_selector *s = &selector->u.selector, *p = &c->part->u.selector;
    size_t found = 0;

    if (selector->kind != GR_PROMQL_SELECTOR || s->count != p->count + 1 || s->range_ms != 0 ||
        p->range_ms != 0 || s->shift.offset_ms != 0 || p->shift.offset_ms != 0 ||
        s->shift.at != GR_PROMQL_AT_NONE || p->shift.at != GR_PROMQL_AT_NONE ||
        !gr_str_eq(gr_promql_metric(selector), gr_promql_metric(c->part)))
        return false;
    for (size_t i = 0; i < s->count; i++) {
        bool known = opposite(&s->matchers[i], &c->dropped);

        for (size_t k = 0; k < p->count && !known; k++)
            known = same_matcher(&s->matchers[i], &p->matchers[k]);
        found += known;
    }
    return found == s->count;
}

/* The selector whose series e has all of, each with its labels; values may be others. */
static const struct gr_promql *
carried(const struct gr_promql *e)
{
    for (;;) {
        e = bare(e);
        if (!calculates(e))
            return e;
        e = e->child[is_scalar(e->child[0]) ? 1 : 0];
    }
}

/* Whether one of the branches of `or` has all series that `part` has got more of. */
static bool
has_them(const struct gr_promql *e, const struct mutate_change *c)
{
    e = bare(e);
    if (joins_all(e, GR_PROMQL_OR))
        return has_them(e->child[0], c) || has_them(e->child[1], c);
    return complements(carried(e), c);
}

static bool
is_number(const struct gr_promql *e, double *v)
{
    bool minus = e->kind == GR_PROMQL_UNARY && e->u.sign == '-';

    if (minus)
        e = e->child[0];
    if (e->kind != GR_PROMQL_NUMBER)
        return false;
    *v = minus ? -e->u.number : e->u.number;
    return true;
}

/* `part > x`, or with another comparison that keeps what is beyond a number, *x. */
static const struct gr_promql *
compared(const struct gr_promql *e, double *x)
{
    e = bare(e);
    return e->kind == GR_PROMQL_BINARY && !e->u.binary.return_bool &&
                   (e->u.binary.op == GR_PROMQL_GT || e->u.binary.op == GR_PROMQL_GE ||
                    e->u.binary.op == GR_PROMQL_LT || e->u.binary.op == GR_PROMQL_LE) &&
                   is_number(e->child[1], x)
               ? e
               : NULL;
}

/* `part > 1.1 or complement > 1.08`: whatever more the first keeps, the second would keep as well. */
static bool
keeps_less(const struct gr_promql *left, const struct gr_promql *right, const struct mutate_change *c)
{
    const struct gr_promql *a, *b;
    double x = 0, y = 0;

    while (joins_all(bare(left), GR_PROMQL_OR)) /* the last before the other */
        left = bare(left)->child[1];
    if (!(a = compared(left, &x)) || !(b = compared(right, &y)) || a->u.binary.op != b->u.binary.op ||
        bare(a->child[0]) != c->part || !complements(bare(b->child[0]), c))
        return false;
    return a->u.binary.op == GR_PROMQL_GT || a->u.binary.op == GR_PROMQL_GE ? y <= x : y >= x;
}

static bool
split_by_label(const struct gr_promql *e, const struct mutate_change *c)
{
    if (joins_all(e, GR_PROMQL_OR)) {
        if (below(e->child[1], c->part) && carried(e->child[1]) == c->part && has_them(e->child[0], c))
            return true;
        if (below(e->child[0], c->part) && keeps_less(e->child[0], e->child[1], c))
            return true;
    }
    for (size_t i = 0; i < e->count; i++)
        if (split_by_label(e->child[i], c))
            return true;
    return false;
}

/* ---- one part that counts all ---- */

static bool
plain(struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr("\\^$.[]()?*+{}", s.p[i]))
            return false;
    return true;
}

/* Words of = or of =~ that is a list of plain names. false: it is another matcher. */
static bool
is_list(const struct gr_promql_matcher *m)
{
    return (m->op == GR_PROMQL_IS || m->op == GR_PROMQL_LIKE) && plain(m->value);
}

static bool
in_list(const struct gr_promql_matcher *m, struct gr_str word)
{
    struct gr_str rest = m->value, one;

    if (m->op == GR_PROMQL_IS)
        return gr_str_eq(m->value, word);
    while (gr_str_next(&rest, '|', &one))
        if (gr_str_eq(one, word))
            return true;
    return false;
}

enum part { PART_TOTAL = 1, PART_SHARE = 2, PART_SQUARE = 4, PART_BUCKET = 8 };

/* Parts of a guardrail's slots that the matcher takes. */
static unsigned
parts_of(const struct guardrail *g, const struct gr_promql_matcher *m)
{
    unsigned all = 0;

    if (g->metric.kind == METRIC_HISTOGRAM)
        return !m || in_list(m, GR_STR("bucket")) ? PART_BUCKET : 0;
    if (g->metric.kind != METRIC_RATIO_BAD && g->metric.kind != METRIC_RATIO_GOOD)
        return 0;
    all |= !m || in_list(m, GR_STR("total")) ? PART_TOTAL : 0;
    all |= !m || in_list(m, g->metric.kind == METRIC_RATIO_BAD ? GR_STR("bad") : GR_STR("good")) ? PART_SHARE
                                                                                                 : 0;
    if (g->metric.n_weights > 0)
        all |= !m || in_list(m, GR_STR("square")) ? PART_SQUARE : 0;
    return all;
}

/* Only the bucket +Inf, where there are buckets. */
static bool
counts_all(const struct gr_promql *selector)
{
    const struct gr_promql_matcher *le = gr_promql_matcher_on(selector, GR_STR("le"));

    if (gr_str_is(gr_promql_metric(selector), "guardrail:test:sum"))
        return true; /* it is recorded so */
    return le && ((le->op == GR_PROMQL_IS && gr_str_is(le->value, "+Inf")) ||
                  (le->op == GR_PROMQL_LIKE && gr_str_is(le->value, "|\\+Inf")));
}

/* Parts that a selector has of a guardrail, added to *found. false: nobody knows. */
static bool
selected(const struct gr_promql *selector, const struct guardrail *g, unsigned *found)
{
    const struct gr_promql_matcher *who = gr_promql_matcher_on(selector, GR_STR("guardrail")),
                                   *part = gr_promql_matcher_on(selector, GR_STR("part"));
    struct gr_str metric = gr_promql_metric(selector);
    unsigned more;

    if ((who && !is_list(who)) || (part && !is_list(part)))
        return false;
    if (who && !in_list(who, g->name))
        return true;
    if (gr_str_is(metric, "guardrail:slot:value"))
        return true; /* of gauges and expressions, which have no parts */
    if (!gr_str_is(metric, "guardrail:slot:sum") && !gr_str_is(metric, "guardrail:test:sum"))
        return false;
    more = parts_of(g, part);
    *found |= more;
    return more != PART_BUCKET || counts_all(selector);
}

/* The same of everything that e is made of. */
static bool
made_of(const struct gr_promql *e, const struct guardrail *g, unsigned *found)
{
    if (e->kind == GR_PROMQL_SELECTOR)
        return selected(e, g, found);
    if (e->kind == GR_PROMQL_PAREN)
        return made_of(e->child[0], g, found);
    if (e->kind == GR_PROMQL_CALL)
        return e->count == 1 && gr_str_ends(e->u.function->name, GR_STR("_over_time")) &&
               made_of(e->child[0], g, found);
    if (calculates(e))
        return made_of(e->child[is_scalar(e->child[0]) ? 1 : 0], g, found);
    return joins_all(e, GR_PROMQL_OR) && made_of(e->child[0], g, found) && made_of(e->child[1], g, found);
}

static bool
without_parts(const struct gr_promql *e)
{
    if (e->kind != GR_PROMQL_AGGREGATE || e->u.aggregate.clause != GR_PROMQL_WITHOUT)
        return false;
    for (size_t i = 0; i < e->u.aggregate.count; i++)
        if (!gr_str_is(e->u.aggregate.labels[i], "part") && !gr_str_is(e->u.aggregate.labels[i], "le"))
            return false;
    return true;
}

static bool
single_part(const struct model *m, const struct gr_promql *e)
{
    if (!without_parts(e))
        return false;
    for (size_t i = 0; i < m->n_guardrails; i++) {
        unsigned found = 0;

        if (!made_of(e->child[e->count - 1], &m->guardrails[i], &found) || (found & (found - 1)) != 0)
            return false;
    }
    return true;
}

/* One aggregation for another, each of which is of one series that series itself. */
static bool
of_one(const struct mutate_change *c)
{
    static const char *const same[] = {"max", "min", "sum"};
    bool before = false, after = false;

    if (!gr_str_starts(c->what, GR_STR("aggregation: ")))
        return false;
    for (size_t i = 0; i < GR_COUNT(same); i++) {
        before = before || gr_str_starts(c->before, gr_str(same[i]));
        after = after || gr_str_eq(gr_str_sub(c->what, 13, c->what.n), gr_str(same[i]));
    }
    return before && after;
}

/* guardrail:test:edge is what equals the least of all edges. */
static bool
ties(const struct mutate_change *c)
{
    const struct gr_promql *e = c->part, *x = bare(e->child[e->count - 1]);

    return without_parts(e) && e->u.aggregate.op != GR_PROMQL_SUM &&
           !gr_str_starts(c->before, GR_STR("sum")) && x->kind == GR_PROMQL_SELECTOR &&
           gr_str_is(gr_promql_metric(x), "guardrail:test:edge") && x->u.selector.range_ms == 0;
}

/* `sum without (c) (a{c="1"} or ignoring (c) b{c="2"})`: the first, or where it is not there the second. */
static bool
first_or_second(const struct gr_promql *e)
{
    const struct gr_promql *x = bare(e->child[e->count - 1]);
    const struct gr_promql_binary *b = &x->u.binary;

    if (e->u.aggregate.clause != GR_PROMQL_WITHOUT || e->u.aggregate.count != 1 ||
        x->kind != GR_PROMQL_BINARY || b->op != GR_PROMQL_OR || !b->has_matching || b->on ||
        b->label_count != 1 || !gr_str_eq(b->labels[0], e->u.aggregate.labels[0]))
        return false;
    for (size_t i = 0; i < 2; i++) {
        const struct gr_promql *side = bare(x->child[i]);
        const struct gr_promql_matcher *m = gr_promql_matcher_on(side, b->labels[0]);

        if (side->kind != GR_PROMQL_SELECTOR || !m || m->op != GR_PROMQL_IS)
            return false;
    }
    return true;
}

/* ---- how many limits there are ---- */

/* Where there is an effect, a guardrail has a limit for each level and side, and for a backstop there may be one. */
static bool
has_so_many(const struct guardrail *g, double n)
{
    double least = 0, most = (double)g->limit.n_bounds;

    for (size_t i = 0; i < g->limit.n_bounds; i++)
        least += !side_is_backstop(g->limit.bounds[i].side);
    return n >= least && n <= most;
}

/* `effect and (count without (level, side) (limit{guardrail=…}) == n or …)`, without the matcher: no other guardrail has n of them. */
static bool
others_have_not(const struct model *m, const struct mutate_change *c)
{
    const struct gr_promql *count = over_bare(c->tree, c->part),
                           *is = count ? over_bare(c->tree, count) : NULL, *e = is;
    double n = 0;

    if (!gr_str_is(c->dropped.name, "guardrail") || !is_list(&c->dropped) ||
        !gr_str_is(gr_promql_metric(c->part), "guardrail:limit") || !is ||
        count->kind != GR_PROMQL_AGGREGATE || count->u.aggregate.op != GR_PROMQL_COUNT ||
        count->u.aggregate.clause != GR_PROMQL_WITHOUT || count->u.aggregate.count != 2 ||
        is->kind != GR_PROMQL_BINARY || is->u.binary.op != GR_PROMQL_EQ || is->u.binary.return_bool ||
        !is_number(is->child[1], &n))
        return false;
    for (size_t i = 0; i < 2; i++)
        if (!gr_str_is(count->u.aggregate.labels[i], "level") &&
            !gr_str_is(count->u.aggregate.labels[i], "side"))
            return false;
    while ((e = over_bare(c->tree, e)) != NULL && joins_all(e, GR_PROMQL_OR))
        continue;
    if (!e || !joins_all(e, GR_PROMQL_AND) || !below(e->child[1], c->part) ||
        !gr_str_is(gr_promql_metric(bare(e->child[0])), "guardrail:effect"))
        return false;
    for (size_t i = 0; i < m->n_guardrails; i++)
        if (!in_list(&c->dropped, m->guardrails[i].name) && has_so_many(&m->guardrails[i], n))
            return false;
    return true;
}

/* ---- denominators ---- */

/* Labels that a join ignores have one value each in its right side, so that more series there make no second partner. */
static bool
one_partner(const struct gr_promql *join, const struct gr_promql *right)
{
    const struct gr_promql_binary *b = &join->u.binary;

    if (b->has_matching && b->on)
        return false;
    for (size_t i = 0; i < b->label_count; i++) {
        const struct gr_promql_matcher *m = gr_promql_matcher_on(right, b->labels[i]);

        if (!m || m->op != GR_PROMQL_IS)
            return false;
    }
    return true;
}

/* `x / (y >= 0) > -Inf < +Inf`, or `x / (y >= 0 < +Inf) …`, where it was y > 0: what is divided by 0 is NaN or infinite. */
static bool
zero_goes(const struct mutate_change *c)
{
    const struct gr_promql *y = c->part, *divisor, *e;
    bool low = false, high = false;
    double edge = 0;

    if (!gr_str_is(c->what, "operator: >=") || y->kind != GR_PROMQL_BINARY || y->u.binary.return_bool ||
        y->child[1]->kind != GR_PROMQL_NUMBER || fabs(y->child[1]->u.number) > 0 ||
        bare(y->child[0])->kind != GR_PROMQL_SELECTOR)
        return false;
    divisor = y;
    while ((e = over_bare(c->tree, divisor)) != NULL && compared(e, &edge) && isinf(edge))
        divisor = e;
    if (!e || e->kind != GR_PROMQL_BINARY || e->u.binary.op != GR_PROMQL_DIV ||
        bare(e->child[1]) != divisor || !one_partner(e, bare(y->child[0])))
        return false;
    while ((e = over_bare(c->tree, e)) != NULL && compared(e, &edge)) {
        low = low || (isinf(edge) && edge < 0 && e->u.binary.op == GR_PROMQL_GT);
        high = high || (isinf(edge) && edge > 0 && e->u.binary.op == GR_PROMQL_LT);
    }
    return low && high;
}

/* ---- joins inside an aggregation ---- */

/* `sum without (x) (a or ignoring (x) b)`, where nobody sees the sum: b's series that have a partner are in its group. */
static bool
grouped_anyway(const struct mutate_change *c)
{
    const struct gr_str dropped = GR_STR("ignoring: dropped ");
    const struct gr_promql *e = c->part, *agg;
    struct gr_str label = gr_str_sub(c->what, dropped.n, c->what.n);

    if (!gr_str_starts(c->what, dropped) || e->kind != GR_PROMQL_BINARY || e->u.binary.op != GR_PROMQL_OR ||
        e->u.binary.label_count > 0 || !(agg = over_bare(c->tree, e)) || agg->kind != GR_PROMQL_AGGREGATE ||
        agg->count != 1 || agg->u.aggregate.clause != GR_PROMQL_WITHOUT ||
        agg->u.aggregate.op == GR_PROMQL_COUNT_VALUES)
        return false;
    for (size_t i = 0; i < agg->u.aggregate.count; i++)
        if (gr_str_eq(agg->u.aggregate.labels[i], label))
            return prove_unseen(c->tree, agg);
    return false;
}

const char *
prove_same(const struct model *m, const struct mutate_change *c)
{
    if (c->dropped.name.n > 0 && c->part->kind == GR_PROMQL_SELECTOR && split_by_label(c->tree, c))
        return "the other branch of `or` is for all other values of the label: it has, or would keep, the "
               "same series";
    if (c->part->kind == GR_PROMQL_AGGREGATE && of_one(c)) {
        if (m && single_part(m, c->part))
            return "each group is a single series: a guardrail has one part that counts all";
        if (ties(c))
            return "edges that tie show the same value";
        if (first_or_second(c->part))
            return "each group is a single series: the second is there only where the first is not";
    }
    if (m && c->dropped.name.n > 0 && others_have_not(m, c))
        return "no other guardrail has so many limits";
    if (zero_goes(c))
        return "what is divided by 0 is NaN or infinite, and does not go on";
    if (grouped_anyway(c))
        return "only whether the group is there is seen, and the partners are in one group";
    return NULL;
}

/* ---- what is recorded ---- */

/* Whether whatever `own` takes, `d` takes. */
static bool
implies(const struct gr_promql_matcher *own, const struct gr_promql_matcher *d)
{
    struct gr_str rest = own->value, word;

    if (own->op == d->op && gr_str_eq(own->value, d->value))
        return true;
    if (!is_list(own) || !plain(d->value))
        return false;
    if (own->op == GR_PROMQL_IS)
        return d->op == GR_PROMQL_IS || d->op == GR_PROMQL_LIKE ? in_list(d, own->value)
               : d->op == GR_PROMQL_IS_NOT                      ? !gr_str_eq(d->value, own->value)
                                                                : false;
    while (gr_str_next(&rest, '|', &word))
        if (!(d->op == GR_PROMQL_IS || d->op == GR_PROMQL_LIKE ? in_list(d, word)
              : d->op == GR_PROMQL_IS_NOT                      ? !gr_str_eq(d->value, word)
                                                               : false))
            return false;
    return true;
}

static bool
keeps(const struct gr_promql *e, struct gr_str label)
{
    bool listed = false;

    if (e->kind == GR_PROMQL_AGGREGATE && e->u.aggregate.op == GR_PROMQL_COUNT_VALUES)
        return false; /* which sets a label */
    if (e->kind == GR_PROMQL_AGGREGATE) {
        for (size_t i = 0; i < e->u.aggregate.count; i++)
            listed = listed || gr_str_eq(e->u.aggregate.labels[i], label);
        return (e->u.aggregate.clause == GR_PROMQL_BY) == listed;
    }
    if (e->kind != GR_PROMQL_CALL)
        return e->kind == GR_PROMQL_PAREN || e->kind == GR_PROMQL_UNARY;
    if (gr_str_is(e->u.function->name, "label_replace"))
        return e->child[1]->kind == GR_PROMQL_STRING && !gr_str_eq(e->child[1]->u.text, label);
    return gr_str_ends(e->u.function->name, GR_STR("_over_time")) ||
           gr_str_is(e->u.function->name, "increase") ||
           gr_str_is(e->u.function->name, "histogram_quantile") ||
           gr_str_is(e->u.function->name, "clamp_min") || gr_str_is(e->u.function->name, "clamp_max");
}

struct records {
    const struct gr_rulefile *rules;
    const struct gr_rule *changed;
    const struct gr_promql_matcher *d;
    struct gr_arena *arena;
};

static bool recorded_so(const struct records *r, const struct gr_promql *selector, unsigned depth);

static bool
includes(const struct gr_promql_binary *b, struct gr_str label)
{
    for (size_t i = 0; i < b->include_count; i++)
        if (gr_str_eq(b->include[i], label))
            return true;
    return false;
}

/* Whether a rule's own labels keep its series from the selector. */
static bool
is_out(const struct gr_rule *rule, const struct gr_promql *selector)
{
    for (size_t i = 0; i < rule->labels.count; i++) {
        const struct gr_promql_matcher *m = gr_promql_matcher_on(selector, rule->labels.items[i].key);

        if (m && m->op == GR_PROMQL_IS && !gr_str_eq(m->value, rule->labels.items[i].value))
            return true;
    }
    return false;
}

/* Whether every series of e fulfils the matcher. */
static bool
gives(const struct records *r, const struct gr_promql *e, unsigned depth)
{
    const struct gr_promql_matcher *own;
    bool left, right;

    if (e->kind == GR_PROMQL_SELECTOR) {
        own = gr_promql_matcher_on(e, r->d->name);
        return (own && implies(own, r->d)) || recorded_so(r, e, depth + 1);
    }
    if (e->kind != GR_PROMQL_BINARY)
        return e->count > 0 && keeps(e, r->d->name) &&
               gives(r,
                     e->child[e->kind == GR_PROMQL_CALL && e->count > 1 && is_scalar(e->child[0]) ? 1
                              : e->kind == GR_PROMQL_AGGREGATE ? e->count - 1
                                                               : 0],
                     depth);
    left = !is_scalar(e->child[0]) && gives(r, e->child[0], depth);
    right = !is_scalar(e->child[1]) && gives(r, e->child[1], depth);
    if (e->u.binary.op == GR_PROMQL_OR)
        return left && right;
    if (e->u.binary.op == GR_PROMQL_UNLESS || is_scalar(e->child[1]))
        return left;
    if (is_scalar(e->child[0]))
        return right;
    if (e->u.binary.group == GR_PROMQL_GROUP_LEFT)
        return includes(&e->u.binary, r->d->name)
                   ? right /* the label comes from there */
                   : left || (right && gr_promql_matched_on(&e->u.binary, r->d->name));
    return gr_promql_matched_on(&e->u.binary, r->d->name) ? left || right
                                                          : e->u.binary.op == GR_PROMQL_AND && left;
}

static bool
recorded_so(const struct records *r, const struct gr_promql *selector, unsigned depth)
{
    const struct gr_rule_group *g = r->rules->groups[0];
    struct gr_str metric = gr_promql_metric(selector);
    bool any = false;

    if (depth > DEEP || !gr_str_starts(metric, GR_STR("guardrail:")) ||
        (r->changed && gr_str_eq(metric, r->changed->name)))
        return false;
    for (size_t i = 0; i < g->count; i++) {
        const struct gr_rule *rule = g->rules[i];
        const struct gr_promql *e;
        bool given = false, good = false;

        if (rule->kind != GR_RULE_RECORD || !gr_str_eq(rule->name, metric) || is_out(rule, selector))
            continue;
        any = true;
        for (size_t k = 0; k < rule->labels.count; k++)
            if (gr_str_eq(rule->labels.items[k].key, r->d->name)) {
                struct gr_promql_matcher own = {
                    .name = r->d->name, .op = GR_PROMQL_IS, .value = rule->labels.items[k].value};
                given = true;
                good = plain(own.value) && implies(&own, r->d);
            }
        if (!given && (e = prove_parse(r->arena, rule->expr)) != NULL)
            good = gives(r, e, depth);
        if (!good)
            return false;
    }
    return any;
}

const char *
prove_recorded(const struct gr_rulefile *rules, const struct gr_rule *rule, const struct mutate_change *c)
{
    struct records r = {.rules = rules, .changed = rule, .d = &c->dropped};
    bool good;

    if (c->dropped.name.n == 0 || gr_str_is(c->dropped.name, "spec") || c->part->kind != GR_PROMQL_SELECTOR ||
        !gr_promql_matcher_on(c->part, GR_STR("spec")) || rules->count == 0 ||
        !(r.arena = gr_arena_create((size_t)64 << 20)))
        return NULL;
    good = recorded_so(&r, c->part, 0);
    gr_arena_free(r.arena);
    return good ? "the rules record nothing that the matcher shuts out" : NULL;
}

/* ---- what has just been recorded, on the right of `and` ---- */

/* Whether the series of `part` still have the label, each its own value, in what e gives. */
static bool
carries(const struct gr_promql *e, const struct gr_promql *part, struct gr_str label)
{
    size_t i = 0;

    if (e == part)
        return true;
    while (i < e->count && !below(e->child[i], part))
        i++;
    if (i == e->count || !carries(e->child[i], part, label))
        return false;
    if (e->kind != GR_PROMQL_BINARY)
        return keeps(e, label);
    if (is_scalar(e->child[1 - i]))
        return !gr_promql_op_compares(e->u.binary.op);
    if (e->u.binary.op == GR_PROMQL_OR)
        return !e->u.binary.has_matching;
    return e->u.binary.op == GR_PROMQL_MUL && e->u.binary.group == GR_PROMQL_GROUP_LEFT &&
           includes(&e->u.binary, label) == (i == 1);
}

/* Whether the selector may read what the rule itself records. */
static bool
is_same_rule(const struct gr_rule *rule, const struct gr_promql *selector)
{
    return gr_str_eq(gr_promql_metric(selector), rule->name) && !is_out(rule, selector);
}

const char *
prove_beside(const struct gr_rulefile *rules, const struct gr_rule *rule, const struct mutate_change *c)
{
    const struct gr_promql *e = bare(c->tree), *recorded;
    struct records r = {.rules = rules, .changed = rule, .d = &c->dropped};
    bool good;

    while (e->kind == GR_PROMQL_BINARY && e->u.binary.op == GR_PROMQL_OR && below(e->child[0], c->part))
        e = bare(e->child[0]);
    if (c->dropped.name.n == 0 || !gr_str_is(rule->name, "guardrail:slot:sum") || rules->count == 0 ||
        e->kind != GR_PROMQL_BINARY || e->u.binary.op != GR_PROMQL_AND ||
        !gr_promql_matched_on(&e->u.binary, c->dropped.name))
        return NULL;
    recorded = bare(e->child[1]);
    if (recorded->kind != GR_PROMQL_SELECTOR ||
        !gr_str_starts(gr_promql_metric(recorded), GR_STR("guardrail:slot:")) ||
        is_same_rule(rule, recorded) || !(r.arena = gr_arena_create((size_t)64 << 20)))
        return NULL;
    r.changed = NULL; /* what it records itself is not what it reads */
    good = recorded == c->part
               ? gives(&r, e->child[0], 0)
               : carries(e->child[0], c->part, c->dropped.name) && recorded_so(&r, recorded, 0);
    gr_arena_free(r.arena);
    return good ? "what has just been recorded beside it has no partner for what the matcher shuts out"
                : NULL;
}
