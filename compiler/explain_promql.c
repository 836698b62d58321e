/* explain_promql.c - the rules of one guardrail. A rule that serves many has a branch for each window length, quantile and kind: those that
 * ask for other guardrails or phases are cut out of its tree, and what is left is printed. */
#include "config.h"
#include "explain.h"

#include "guardrail/policy.h"
#include "lower.h"

#define WIDTH 100u
#define EXPR_BYTES_MAX (8u << 20)

/* What is shown, in the order of the rule group. */
static const char *const shown[] = {
    "guardrail:slot:good", "guardrail:slot:sum",   "guardrail:slot:value",   "guardrail:slot:delta",
    "guardrail:slot:over", "guardrail:window:sum", "guardrail:window:value", "guardrail:effect",
    "guardrail:enough",    "guardrail:evidence",   "guardrail:proved",       GR_ALERT_HARD,
    GR_ALERT_SOFT,
};

static bool
is_shown(struct gr_str name)
{
    for (size_t i = 0; i < GR_COUNT(shown); i++)
        if (gr_str_is(name, shown[i]))
            return true;
    return false;
}

static const struct gr_str *
label_of(const struct gr_rule *rule, const char *key)
{
    for (size_t i = 0; i < rule->labels.count; i++)
        if (gr_str_is(rule->labels.items[i].key, key))
            return &rule->labels.items[i].value;
    return NULL;
}

/* -- cutting ---------------------------------------------------------------------------------------------------------------- */

/* Whether a regular expression that is a plain text, quoted with backslashes, stands for the value. */
static bool
stands_for(struct gr_str quoted, struct gr_str value)
{
    size_t n = 0;

    for (size_t i = 0; i < quoted.n; i++, n++) {
        if (quoted.p[i] == '\\' && i + 1 < quoted.n)
            i++;
        if (n == value.n || quoted.p[i] != value.p[n])
            return false;
    }
    return n == value.n;
}

/* Our own matchers are plain values, or alternations of quoted ones; no name holds a bar. */
static bool
names(const struct gr_promql_matcher *m, struct gr_str value)
{
    struct gr_str rest = m->value, one;

    if (m->op == GR_PROMQL_IS || m->op == GR_PROMQL_IS_NOT)
        return gr_str_eq(m->value, value);
    while (gr_str_next(&rest, '|', &one))
        if (stands_for(one, value))
            return true;
    return false;
}

static bool
accepts(const struct gr_promql_matcher *m, struct gr_str value)
{
    return names(m, value) == (m->op == GR_PROMQL_IS || m->op == GR_PROMQL_LIKE);
}

static bool
accepts_phases(const struct explain *x, const struct gr_promql_matcher *m)
{
    for (size_t i = 0; i < x->m->n_phases; i++)
        if ((x->phases >> i & 1u) && accepts(m, x->m->phases[i].name))
            return true;
    return false;
}

static void
name_guardrail(const struct explain *x, struct gr_promql_matcher *m)
{
    m->op = GR_PROMQL_IS;
    m->value = x->g->name;
}

/* A point gauge has no test, and one paired slot is what it asks for. */
static bool
has_delta(const struct guardrail *g, const void *arg)
{
    return is_sequential(g, arg) || (is_value(g, arg) && is_compared(g, arg));
}

static bool
tests_counts(const struct guardrail *g, const void *arg)
{
    return is_sum(g, arg) && is_sequential(g, arg);
}

/* Series that only some kinds of guardrails have. */
static const struct {
    const char *series;
    lower_pick *has;
} kinds[] = {
    {"guardrail:slot:sum", is_sum},          {"guardrail:window:sum", is_sum},
    {"guardrail:test:sum", is_sum},          {"guardrail:test:total", is_sum},
    {"guardrail:test:bad", is_sum},          {"guardrail:slot:value", is_value},
    {"guardrail:slot:delta", has_delta},     {"guardrail:test:slots", has_delta},
    {"guardrail:test:n", tests_counts},      {"guardrail:test:rate", tests_counts},
    {"guardrail:test:pooled", tests_counts}, {"guardrail:test:d", is_sequential},
    {"guardrail:test:nu", is_sequential},    {"guardrail:test:phi", tests_counts},
    {"guardrail:test:v", is_sequential},     {"guardrail:test:tau2", is_sequential},
    {"guardrail:evidence", is_sequential},
};

static bool
has_series(const struct model *m, const struct guardrail *g, struct gr_str series)
{
    if (gr_str_starts(series, GR_STR("guardrail:share")) && !model_checks_share(m, g))
        return false;
    for (size_t i = 0; i < GR_COUNT(kinds); i++)
        if (gr_str_is(series, kinds[i].series) && !kinds[i].has(g, NULL))
            return false;
    return true;
}

/* Whether any part that the guardrail's slots have passes. */
static bool
accepts_parts(const struct guardrail *g, const struct gr_promql_matcher *m)
{
    if (is_histogram(g, NULL))
        return accepts(m, GR_STR("bucket"));
    return accepts(m, g->metric.kind == METRIC_RATIO_GOOD ? GR_STR("good") : GR_STR("bad")) ||
           accepts(m, GR_STR("total")) || (g->metric.n_weights > 0 && accepts(m, GR_STR("square")));
}

/* Whether a selector can have series of the guardrail. Its matcher then names that one alone. */
static bool
concerns(const struct explain *x, struct gr_promql *e)
{
    if (!has_series(x->m, x->g, gr_promql_metric(e)))
        return false;
    for (size_t i = 0; i < e->u.selector.count; i++) {
        struct gr_promql_matcher *m = &e->u.selector.matchers[i];

        if (gr_str_is(m->name, "part") && !accepts_parts(x->g, m))
            return false;
        if (gr_str_is(m->name, GR_LABEL_PHASE) && !accepts_phases(x, m))
            return false;
        if (!gr_str_is(m->name, GR_LABEL_GUARDRAIL))
            continue;
        if (!accepts(m, x->g->name))
            return false;
        name_guardrail(x, m);
    }
    return true;
}

static struct gr_promql *cut(const struct explain *x, struct gr_promql *e);

/* An operand that is gone takes the whole with it, but for `or`, and for the right side of `unless`. */
static struct gr_promql *
cut_binary(const struct explain *x, struct gr_promql *e)
{
    struct gr_promql *left = cut(x, e->child[0]), *right = cut(x, e->child[1]);

    if (e->u.binary.op == GR_PROMQL_OR && (!left || !right))
        return left ? left : right;
    if (e->u.binary.op == GR_PROMQL_UNLESS && left && !right)
        return left;
    if (!left || !right)
        return NULL;
    e->child[0] = left;
    e->child[1] = right;
    return e;
}

static struct gr_promql *
cut(const struct explain *x, struct gr_promql *e)
{
    if (e->kind == GR_PROMQL_BINARY)
        return cut_binary(x, e);
    if (e->kind == GR_PROMQL_SELECTOR)
        return concerns(x, e) ? e : NULL;
    for (size_t i = 0; i < e->count; i++)
        if (!(e->child[i] = cut(x, e->child[i])))
            return NULL;
    return e;
}

/* -- the rules ----------------------------------------------------------------------------------------------------------------- */

static enum gr_err
show(const struct explain *x, const struct gr_rule *rule, explain_rule_fn *see, void *context)
{
    struct gr_buf b = GR_BUF_INIT(EXPR_BYTES_MAX);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    struct gr_promql *e = NULL;
    enum gr_err err = diags ? gr_promql_parse(x->m->arena, rule->expr, GR_SPAN_NONE, diags, &e) : GR_ENOMEM;

    GR_ASSERT(err != GR_EUSER);
    if (err == GR_OK && (e = cut(x, e)) != NULL) {
        while (e->kind == GR_PROMQL_PAREN)
            e = e->child[0];
        gr_promql_pretty(&b, e, WIDTH);
        if ((err = gr_buf_err(&b)) == GR_OK)
            see(&(struct explained_rule){rule, gr_str_trim(gr_buf_str(&b))}, context);
    }
    gr_buf_fini(&b);
    gr_diags_free(diags);
    gr_sources_free(sources);
    return err;
}

enum gr_err
explain_rules(const struct explain *x, explain_rule_fn *see, void *context)
{
    const struct gr_rulefile *file = x->m->rules;
    enum gr_err err = GR_OK;

    for (size_t g = 0; g < file->count; g++)
        for (size_t i = 0; err == GR_OK && i < file->groups[g]->count; i++) {
            const struct gr_rule *rule = file->groups[g]->rules[i];
            const struct gr_str *name = label_of(rule, GR_LABEL_GUARDRAIL);

            if (is_shown(rule->name) && (!name || gr_str_eq(*name, x->g->name)))
                err = show(x, rule, see, context);
        }
    return err;
}
