/* prove_equal.c - see prove_equal.h. */
#include "config.h"
#include "prove_equal.h"

#include <math.h>

#include "guardrail/number.h"
#include "prove_neutral.h"
#include "prove_same.h"

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

/* What is recorded of a phase for each cohort: the canary and control, and the matcher takes no others. */
static bool
has_cohorts(const struct model *spec, const struct gr_promql *e, const struct gr_promql_matcher *m)
{
    struct gr_str rest = m->value, word;
    unsigned found = 0;

    if (!spec || !gr_str_starts(gr_promql_metric(e), GR_STR("guardrail:cohort:")) ||
        !gr_str_eq(m->name, spec->cohort_label) || m->op != GR_PROMQL_LIKE)
        return false;
    while (gr_str_next(&rest, '|', &word))
        found |= gr_str_eq(word, spec->canary) ? 1u : gr_str_eq(word, spec->control) ? 2u : 0u;
    return found == 3;
}

/* Whether every series of e fulfils the matcher, because its selectors say the same. */
static bool
fulfils(const struct model *spec, const struct gr_promql *e, const struct gr_promql_matcher *m)
{
    const struct gr_promql_matcher *own;
    bool left, right;

    if (e->kind == GR_PROMQL_SELECTOR) {
        own = gr_promql_matcher_on(e, m->name);
        if (!own && has_cohorts(spec, e, m))
            return true;
        return own && own->op == m->op && gr_str_eq(own->value, m->value);
    }
    if (e->kind != GR_PROMQL_BINARY) {
        for (size_t i = 0; keeps(e, m->name) && i < e->count; i++)
            if (fulfils(spec, e->child[i], m))
                return true;
        return false;
    }
    left = fulfils(spec, e->child[0], m);
    right = fulfils(spec, e->child[1], m);
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
meets(const struct model *spec, const struct gr_promql *e, size_t i, const struct gr_promql_matcher *m)
{
    const struct gr_promql_binary *b = &e->u.binary;

    if (is_scalar(e->child[1 - i]))
        return GO_ON;
    if (!gr_promql_matched_on(b, m->name)) /* what is let through keeps its labels */
        return i == 0 && (b->op == GR_PROMQL_AND || b->op == GR_PROMQL_UNLESS) ? GO_ON : UNKNOWN;
    if (b->op == GR_PROMQL_OR)
        return GO_ON;
    if (fulfils(spec, e->child[1 - i], m) && !(b->op == GR_PROMQL_UNLESS && i == 0))
        return GONE;
    if (gr_promql_op_sets(b->op))
        return i == 0 ? GO_ON : UNKNOWN;
    return GO_ON; /* matched on, so the result has the label */
}

/* UNKNOWN also where `part` is not below e. */
static enum fate
fate(const struct model *spec, const struct gr_promql *e, const struct gr_promql *part,
     const struct gr_promql_matcher *m, bool *found)
{
    if (e == part) {
        *found = true;
        return GO_ON;
    }
    for (size_t i = 0; i < e->count; i++) {
        enum fate f = fate(spec, e->child[i], part, m, found);

        if (!*found)
            continue;
        if (f != GO_ON)
            return f;
        if (e->kind == GR_PROMQL_BINARY)
            return meets(spec, e, i, m);
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

/* `venue!="mutant"` instead of `venue!=""`: slices without the label, of which there are none, are let in, and those are shut out that are called so. */
static bool
lets_nothing_in(const struct model *m, const struct mutate_change *c)
{
    const struct gr_str what = GR_STR("matcher: another value "),
                        label = gr_str_sub(c->what, what.n, c->what.n);
    const struct gr_promql_matcher *now;
    struct mutate_change dropped = *c;
    struct gr_buf b = GR_BUF_INIT(4096);
    bool was;

    if (!gr_str_starts(c->what, what) || c->part->kind != GR_PROMQL_SELECTOR ||
        !(now = gr_promql_matcher_on(c->part, label)) || now->op != GR_PROMQL_IS_NOT)
        return false;
    gr_buf_put(&b, label);
    gr_buf_puts(&b, "!=\"\"");
    was = gr_buf_err(&b) == GR_OK && gr_str_find(c->before, gr_buf_str(&b), 0) < c->before.n;
    gr_buf_fini(&b);
    for (size_t i = 0; i < m->n_guardrails; i++)
        for (size_t k = 0; k < m->guardrails[i].n_expected; k++)
            was = was && !gr_str_eq(value_of(m, &m->guardrails[i].expected[k], label), now->value);
    dropped.dropped = (struct gr_promql_matcher){.name = label, .op = GR_PROMQL_IS_NOT, .value = GR_STR("")};
    return was && shuts_out_nothing(m, &dropped);
}

/* Words of a matcher that is = or a list of plain names. */
static bool
names(const struct gr_promql_matcher *m, struct gr_str word)
{
    struct gr_str rest = m->value, one;

    if (m->op == GR_PROMQL_IS)
        return gr_str_eq(m->value, word);
    while (m->op == GR_PROMQL_LIKE && gr_str_next(&rest, '|', &one))
        if (gr_str_eq(one, word))
            return true;
    return false;
}

/* Whether the dropped matcher took this value. Only of plain ones it is known. */
static bool
took(const struct gr_promql_matcher *m, const char *value)
{
    for (size_t i = 0; i < m->value.n; i++)
        if (strchr("\\^$.[]()?*+{}", m->value.p[i]))
            return false;
    return names(m, gr_str(value)) || (m->op == GR_PROMQL_IS_NOT && !gr_str_is(m->value, value));
}

/* Of limits and what is beyond them: whether those of a guardrail are all as the matcher had them. */
static bool
all_bounds(const struct guardrail *g, const struct gr_promql_matcher *d)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (!took(d, gr_str_is(d->name, "side") ? side_name(g->limit.bounds[i].side)
                                                : level_name(g->limit.bounds[i].level)))
            return false;
    return g->limit.n_bounds > 0;
}

/* Of slots: whether a guardrail of this kind has only such parts. */
static bool
all_parts(const struct guardrail *g, const struct gr_promql_matcher *d)
{
    switch (g->metric.kind) {
    case METRIC_HISTOGRAM:
        return took(d, "bucket");
    case METRIC_RATIO_BAD:
    case METRIC_RATIO_GOOD:
        return took(d, "total") && took(d, g->metric.kind == METRIC_RATIO_BAD ? "bad" : "good") &&
               (g->metric.n_weights == 0 || took(d, "square"));
    case METRIC_GAUGE:
    case METRIC_PROMQL:
    default:
        return false;
    }
}

/* `cohort!="early"`, of guardrails without a backstop: only these have slots before the gate. The matcher was left out, or has another value. */
static bool
nobody_early(const struct model *m, const struct mutate_change *c)
{
    const struct gr_promql_matcher *which = gr_promql_matcher_on(c->part, GR_STR("guardrail")),
                                   *now = gr_promql_matcher_on(c->part, GR_STR("cohort"));

    if (c->part->kind != GR_PROMQL_SELECTOR ||
        gr_str_find(c->before, GR_STR("cohort!=\"early\""), 0) >= c->before.n ||
        !(gr_str_is(c->what, "matcher: dropped cohort") ||
          (gr_str_is(c->what, "matcher: another value cohort") && now && gr_str_is(now->value, "mutant"))) ||
        (which && which->op != GR_PROMQL_IS && which->op != GR_PROMQL_LIKE))
        return false;
    for (size_t i = 0; i < m->n_guardrails; i++)
        for (size_t k = 0; k < m->guardrails[i].limit.n_bounds; k++)
            if (side_is_backstop(m->guardrails[i].limit.bounds[k].side) &&
                (!which || names(which, m->guardrails[i].name)))
                return false;
    return true;
}

/* A matcher on side, level or part, of a selector that names its guardrails: whether these have nothing else. */
static const char *
had_nothing_else(const struct model *m, const struct mutate_change *change)
{
    const struct gr_promql_matcher *d = &change->dropped,
                                   *which = gr_promql_matcher_on(change->part, GR_STR("guardrail"));
    struct gr_str metric = gr_promql_metric(change->part);
    bool limits = (gr_str_is(d->name, "side") || gr_str_is(d->name, "level")) &&
                  (gr_str_is(metric, "guardrail:limit") || gr_str_is(metric, "guardrail:breach") ||
                   gr_str_is(metric, "guardrail:supported") || gr_str_is(metric, "guardrail:slot:over")),
         parts = gr_str_is(d->name, "part") &&
                 (gr_str_is(metric, "guardrail:slot:sum") || gr_str_is(metric, "guardrail:test:sum") ||
                  gr_str_is(metric, "guardrail:window:sum"));
    size_t found = 0;

    if ((!limits && !parts) || !which || (which->op != GR_PROMQL_IS && which->op != GR_PROMQL_LIKE))
        return NULL;
    for (size_t i = 0; i < m->n_guardrails; i++) {
        if (!names(which, m->guardrails[i].name))
            continue;
        if (!(limits ? all_bounds(&m->guardrails[i], d) : all_parts(&m->guardrails[i], d)))
            return NULL;
        found++;
    }
    if (found == 0)
        return NULL;
    return limits ? "these guardrails have no limit that the matcher shuts out"
                  : "slots of these guardrails have no part that the matcher shuts out";
}

/* ---- values that are 1, or not seen ---- */

/* Whether every series of e shows 1: what is recorded of a phase. */
static bool
is_one(const struct gr_promql *e)
{
    struct gr_str metric = gr_promql_metric(e);

    if (e->kind == GR_PROMQL_SELECTOR)
        return e->u.selector.range_ms == 0 &&
               (gr_str_is(metric, "guardrail:gate") || gr_str_is(metric, "guardrail:open") ||
                gr_str_is(metric, "guardrail:begun") ||
                gr_str_starts(metric, GR_STR("guardrail:cohort:"))); /* the same with a cohort's labels */
    if (e->kind == GR_PROMQL_PAREN ||
        (e->kind == GR_PROMQL_CALL && gr_str_is(e->u.function->name, "label_replace")))
        return is_one(e->child[0]);
    if (e->kind != GR_PROMQL_BINARY)
        return false;
    if (e->u.binary.op == GR_PROMQL_OR)
        return is_one(e->child[0]) && is_one(e->child[1]);
    return (e->u.binary.op == GR_PROMQL_AND || e->u.binary.op == GR_PROMQL_UNLESS) && is_one(e->child[0]);
}

static bool
is_number(const struct gr_promql *e, double v)
{
    return e->kind == GR_PROMQL_PAREN
               ? is_number(e->child[0], v)
               : e->kind == GR_PROMQL_NUMBER && !(e->u.number < v) && !(e->u.number > v);
}

/* Whether a result has a series wherever its operand has one, whatever that shows. */
static bool
passes_presence(const struct gr_promql *e)
{
    if (e->kind == GR_PROMQL_PAREN || e->kind == GR_PROMQL_UNARY)
        return true;
    if (e->kind == GR_PROMQL_AGGREGATE)
        return e->count == 1 && e->u.aggregate.op != GR_PROMQL_COUNT_VALUES;
    return e->kind == GR_PROMQL_CALL && (gr_str_is(e->u.function->name, "label_replace") ||
                                         gr_str_ends(e->u.function->name, GR_STR("_over_time")));
}

/* Arithmetic with a number: a result for each series. */
static bool
calculates(const struct gr_promql *e)
{
    return e->kind == GR_PROMQL_BINARY && !gr_promql_op_compares(e->u.binary.op) &&
           !gr_promql_op_sets(e->u.binary.op) && is_scalar(e->child[0]) != is_scalar(e->child[1]);
}

/* What becomes of the value of a part: seen, or only whether it is there. */
enum sight { SEEN, UNSEEN, ELSEWHERE };
static enum sight
sight(const struct gr_promql *e, const struct gr_promql *part)
{
    if (e == part)
        return SEEN;
    for (size_t i = 0; i < e->count; i++) {
        enum sight s = sight(e->child[i], part);

        if (s == ELSEWHERE)
            continue;
        if (s == UNSEEN)
            return UNSEEN;
        if (e->kind == GR_PROMQL_BINARY) {
            enum gr_promql_op op = e->u.binary.op;
            if (i == 1 && (op == GR_PROMQL_AND || op == GR_PROMQL_UNLESS))
                return UNSEEN;
            if (op == GR_PROMQL_MUL && is_number(e->child[1 - i], 0))
                return UNSEEN;
            if (calculates(e))
                return SEEN;
            return e->u.binary.op == GR_PROMQL_OR || (i == 0 && gr_promql_op_sets(op)) ? SEEN : ELSEWHERE;
        }
        return passes_presence(e) ? SEEN : ELSEWHERE;
    }
    return ELSEWHERE;
}

bool
prove_unseen(const struct gr_promql *e, const struct gr_promql *part)
{
    return sight(e, part) == UNSEEN;
}

/* A change from one aggregation or function over time to another: each has a result exactly where there is anything. */
static bool
same_presence(const struct mutate_change *c)
{
    static const char *const aggs[] = {"max", "min", "sum"};
    bool known = false;

    if (gr_str_starts(c->what, GR_STR("literal: ")))
        return true; /* where it may stand, sight() knows */
    if (gr_str_is(c->what, "operator: *") || gr_str_is(c->what, "operator: /") ||
        gr_str_is(c->what, "operator: +") || gr_str_is(c->what, "operator: -"))
        return calculates(c->part);
    if (gr_str_is(c->what, "function: rate"))
        return gr_str_starts(c->before, GR_STR("increase(")); /* the same samples, by the second */
    if (gr_str_starts(c->what, GR_STR("function: ")))
        return gr_str_ends(c->what, GR_STR("_over_time")) && c->part->kind == GR_PROMQL_CALL;
    if (!gr_str_starts(c->what, GR_STR("aggregation: ")))
        return false;
    for (size_t i = 0; i < GR_COUNT(aggs); i++)
        known = known || gr_str_eq(gr_str_sub(c->what, 13, c->what.n), gr_str(aggs[i]));
    return known;
}

/* ---- aggregations of one series ---- */

/* Cohorts of which a guardrail has one: its own canary, or that of a stream. */
static bool
one_cohort(const struct gr_promql *e, void *unused)
{
    const struct gr_promql_matcher *m = gr_promql_matcher_on(e, GR_STR("cohort"));

    (void)unused;
    return m && m->op == GR_PROMQL_LIKE && gr_str_ends(m->value, GR_STR("|stream")) &&
           gr_promql_matcher_on(e, GR_STR("guardrail"));
}

struct cohorts {
    bool all, any;
};
static bool
each_has_one(struct gr_promql *e, void *ctx)
{
    struct cohorts *c = ctx;

    c->any = true;
    c->all = c->all && one_cohort(e, NULL);
    return true;
}

/* Whether each group of `without (…)` is one series: a label that is left out has one value, or none. dropped: only this label is asked
 * about, and it must not be there. */
static bool
lone(struct gr_promql *e, struct gr_str dropped)
{
    struct gr_arena *a = gr_arena_create((size_t)16 << 20);
    struct gr_promql_labels l;
    bool good = a && gr_promql_labels(a, e->child[e->count - 1], NULL, NULL, &l) == GR_OK;

    for (size_t i = 0; good && i < (dropped.n ? 1 : e->u.aggregate.count); i++) {
        struct gr_str name = dropped.n ? dropped : e->u.aggregate.labels[i];
        struct cohorts c = {true, false};
        bool listed = false, fixed = false;

        for (size_t k = 0; k < l.count; k++)
            if (gr_str_eq(l.labels[k].name, name)) {
                listed = true;
                fixed = l.labels[k].presence == GR_PROMQL_ABSENT ||
                        (dropped.n == 0 && l.labels[k].presence == GR_PROMQL_CERTAIN && l.labels[k].fixed);
            }
        if (dropped.n == 0 && !fixed && gr_str_is(name, "cohort")) {
            gr_promql_selectors(e->child[e->count - 1], each_has_one, &c);
            fixed = c.any && c.all;
        }
        good = listed || fixed ? fixed : !l.open;
    }
    gr_arena_free(a);
    return good;
}

/* max and min of values that are all the same: a comparison with a number has left no other. */
static bool
of_equals(const struct gr_promql *e)
{
    const struct gr_promql *x = e->child[e->count - 1];

    while (x->kind == GR_PROMQL_PAREN)
        x = x->child[0];
    return x->kind == GR_PROMQL_BINARY && x->u.binary.op == GR_PROMQL_EQ && !x->u.binary.return_bool &&
           x->child[1]->kind == GR_PROMQL_NUMBER;
}

static const char *
of_aggregation(struct mutate_change *c)
{
    struct gr_promql *e = c->part;
    const char *without = "without: dropped ";
    size_t n = strlen(without);

    if (e->kind != GR_PROMQL_AGGREGATE)
        return NULL;
    if (gr_str_starts(c->what, gr_str(without)) && lone(e, gr_str_sub(c->what, n, c->what.n)))
        return "the label is not there any more: the join inside has left it out";
    if (!gr_str_starts(c->what, GR_STR("aggregation: ")))
        return NULL;
    if (!gr_str_starts(c->before, GR_STR("count")) && e->u.aggregate.clause == GR_PROMQL_WITHOUT &&
        lone(e, GR_STR_NONE) && same_presence(c))
        return "each group is a single series: the labels left out have one value";
    if ((gr_str_starts(c->before, GR_STR("max")) || gr_str_starts(c->before, GR_STR("min"))) &&
        (e->u.aggregate.op == GR_PROMQL_MAX || e->u.aggregate.op == GR_PROMQL_MIN) && of_equals(e))
        return "all series have the same value: a comparison has left no other";
    return NULL;
}

/* `by` without a label of which all series have the one value that the rule gives the result anyway, and that no join above asks for. */
static bool
labelled_anyway(const struct model *spec, const struct gr_rule *rule, const struct mutate_change *c)
{
    struct gr_str by = GR_STR("by: dropped "), name = gr_str_sub(c->what, by.n, c->what.n);
    const struct gr_promql *e = c->tree;

    if (!gr_str_starts(c->what, by))
        return false;
    for (; e != c->part;
         e = e->child[0]) /* down the left sides of joins on other labels, and of comparisons */
        if (e->count == 0 || (e->kind != GR_PROMQL_PAREN && e->kind != GR_PROMQL_BINARY) ||
            (e->kind == GR_PROMQL_BINARY && !is_scalar(e->child[1]) &&
             (e->u.binary.op == GR_PROMQL_OR || !e->u.binary.has_matching || !e->u.binary.on ||
              gr_promql_matched_on(&e->u.binary, name))))
            return false;
    for (size_t i = 0; i < rule->labels.count; i++) {
        struct gr_promql_matcher m = {rule->labels.items[i].key, GR_PROMQL_IS, rule->labels.items[i].value,
                                      GR_SPAN_NONE};
        if (gr_str_eq(m.name, name) && fulfils(spec, e->child[0], &m))
            return true;
    }
    return false;
}

/* ---- the newest of several ---- */

/* The aggregation whose parameter this is; NULL: none. */
static const struct gr_promql *
parameter_of(const struct gr_promql *e, const struct gr_promql *part)
{
    if (e->kind == GR_PROMQL_AGGREGATE && e->count == 2 && e->child[0] == part)
        return e;
    for (size_t i = 0; i < e->count; i++) {
        const struct gr_promql *found = parameter_of(e->child[i], part);
        if (found)
            return found;
    }
    return NULL;
}

static bool
chooses(const struct gr_promql *e)
{
    return e->kind == GR_PROMQL_AGGREGATE &&
           (e->u.aggregate.op == GR_PROMQL_TOPK || e->u.aggregate.op == GR_PROMQL_BOTTOMK);
}

/* topk(1.01, …) is topk(1, …). */
static bool
same_whole_number(const struct mutate_change *c)
{
    const struct gr_promql *e = c->part->kind == GR_PROMQL_NUMBER ? parameter_of(c->tree, c->part) : NULL;
    double before;

    return e && chooses(e) && gr_parse_double(c->before, &before) == GR_OK && before >= 1 &&
           !(floor(before) < floor(c->part->u.number)) && !(floor(before) > floor(c->part->u.number));
}

/* Whether a value is a whole number: a count (guardrail:test:slots is one), or of several the sum, the most or the least. */
static bool
is_whole(const struct gr_promql *e)
{
    if (e->kind == GR_PROMQL_SELECTOR)
        return e->u.selector.range_ms == 0 && gr_str_is(gr_promql_metric(e), "guardrail:test:slots");
    if (e->kind == GR_PROMQL_PAREN)
        return is_whole(e->child[0]);
    if (e->kind == GR_PROMQL_CALL)
        return gr_str_is(e->u.function->name, "count_over_time");
    return e->kind == GR_PROMQL_AGGREGATE &&
           (e->u.aggregate.op == GR_PROMQL_COUNT ||
            ((e->u.aggregate.op == GR_PROMQL_SUM || e->u.aggregate.op == GR_PROMQL_MAX ||
              e->u.aggregate.op == GR_PROMQL_MIN) &&
             is_whole(e->child[0])));
}

/* A count that is compared with 1.98 instead of 2. */
static bool
counts_alike(const struct gr_promql *e, const struct mutate_change *c)
{
    double before, after = c->part->kind == GR_PROMQL_NUMBER ? c->part->u.number : 0;

    for (size_t i = 0; i < e->count; i++)
        if (counts_alike(e->child[i], c))
            return true;
    if (e->kind != GR_PROMQL_BINARY || c->part->kind != GR_PROMQL_NUMBER || e->child[1] != c->part ||
        !is_whole(e->child[0]) || gr_parse_double(c->before, &before) != GR_OK)
        return false;
    if (e->u.binary.op == GR_PROMQL_GE || e->u.binary.op == GR_PROMQL_LT) {
        before = ceil(before);
        after = ceil(after);
    } else if (e->u.binary.op == GR_PROMQL_GT || e->u.binary.op == GR_PROMQL_LE) {
        before = floor(before);
        after = floor(after);
    } else {
        return false;
    }
    return !(before < after) && !(before > after);
}

/* topk by (a, b), which keeps all labels, without a label that has one value in all series. */
static bool
groups_stay(const struct mutate_change *c)
{
    struct gr_str by = GR_STR("by: dropped "), name = gr_str_sub(c->what, by.n, c->what.n);
    struct gr_arena *a;
    struct gr_promql_labels l;
    bool fixed = false;

    if (!gr_str_starts(c->what, by) || !chooses(c->part) || !(a = gr_arena_create((size_t)16 << 20)))
        return false;
    if (gr_promql_labels(a, c->part->child[1], NULL, NULL, &l) == GR_OK)
        for (size_t i = 0; i < l.count; i++)
            if (gr_str_eq(l.labels[i].name, name))
                fixed = l.labels[i].presence == GR_PROMQL_CERTAIN && l.labels[i].fixed;
    gr_arena_free(a);
    return fixed;
}

/* ---- ranges ---- */

/* `last_over_time(x[other]) and count_over_time(x[r]) >= n`: the newest of n within r is the newest in any longer range, and in a shorter one
 * that holds the slots of which n in r cannot all miss: with slots one sampling interval apart r holds r / slot + 1. */
static bool
counted_within(const struct gr_promql *e, const struct gr_promql *part, int64_t slot_ms)
{
    const struct gr_promql *last, *count, *x;
    int64_t range, least;

    for (size_t i = 0; i < e->count; i++)
        if (counted_within(e->child[i], part, slot_ms))
            return true;
    if (e->kind != GR_PROMQL_BINARY || e->u.binary.op != GR_PROMQL_AND || e->u.binary.has_matching)
        return false;
    last = e->child[0];
    count = e->child[1];
    if (last->kind != GR_PROMQL_CALL || !gr_str_is(last->u.function->name, "last_over_time") ||
        last->child[0] != part || count->kind != GR_PROMQL_BINARY || count->u.binary.op != GR_PROMQL_GE ||
        count->u.binary.return_bool || count->child[1]->kind != GR_PROMQL_NUMBER ||
        count->child[1]->u.number < 1)
        return false;
    x = count->child[0];
    if (x->kind != GR_PROMQL_CALL || !gr_str_is(x->u.function->name, "count_over_time") ||
        x->child[0]->kind != GR_PROMQL_SELECTOR || part->kind != GR_PROMQL_SELECTOR)
        return false;
    least = range = x->child[0]->u.selector.range_ms;
    if (slot_ms > 0 && count->child[1]->u.number < 1e6)
        least = (range / slot_ms + 1 - (int64_t)ceil(count->child[1]->u.number)) * slot_ms + 1;
    if (part->u.selector.range_ms < (least < range ? least : range) || part->u.selector.range_ms <= 1)
        return false;
    if (!gr_str_eq(gr_promql_metric(part), gr_promql_metric(x->child[0])) ||
        part->u.selector.count != x->child[0]->u.selector.count)
        return false;
    for (size_t i = 0; i < part->u.selector.count; i++)
        if (!fulfils(NULL, x->child[0], &part->u.selector.matchers[i]))
            return false;
    return true;
}

const char *
prove_equal(const struct model *m, const struct gr_rule *rule, struct mutate_change *change)
{
    bool found = false;
    const char *why;

    if (gr_str_is(change->what, "operator: /") && change->part->count == 2 && is_one(change->part->child[1]))
        return "the phase's series is 1, so it may as well divide";
    if ((gr_str_is(change->what, "operator: /") || gr_str_is(change->what, "operator: *")) &&
        change->part->count == 2 && is_number(change->part->child[1], 1))
        return "it is 1, so it may as well divide or multiply";
    if ((why = of_aggregation(change)) != NULL)
        return why;
    if (same_presence(change) && sight(change->tree, change->part) == UNSEEN)
        return "its value is not seen: only whether it is there";
    if (same_whole_number(change))
        return "so many series are a whole number of them";
    if (counts_alike(change->tree, change))
        return "a count is a whole number";
    if (groups_stay(change))
        return "all series have one value of the label, so the groups are the same, and each series keeps "
               "its labels";
    if (labelled_anyway(m, rule, change))
        return "all series have the value that the rule gives this label anyway";
    if (gr_str_starts(change->what, GR_STR("range: ")) &&
        counted_within(change->tree, change->part, m ? model_ms(m, m->sampling_ms) : 0))
        return "the newest of those counted is within this range, too";
    if (m && nobody_early(m, change))
        return "these guardrails have no backstop, so nothing of theirs is early";
    if ((why = prove_same(m, change)) != NULL || (why = prove_neutral(m, change)) != NULL)
        return why;
    if (m && gr_str_is(rule->name, "guardrail:expected") && lets_nothing_in(m, change))
        return "`expect` lists no slice without the label, and none that is called so";
    if (change->dropped.name.n == 0)
        return NULL;
    if (fate(m, change->tree, change->part, &change->dropped, &found) == GONE)
        return "what the matcher shuts out has no partner in a join: the other side has the same matcher, "
               "and they match on the label";
    if (gr_str_is(rule->name, "guardrail:expected") && shuts_out_nothing(m, change))
        return "`expect` lists no slice that the matcher shuts out";
    return m ? had_nothing_else(m, change) : NULL;
}
