/* prove_trim.c - see prove_trim.h. */
#include "config.h"
#include "prove_trim.h"

#include "prove.h"
#include "prove_rules.h"

/* ---- words ---- */

static bool
has(const struct prove_words *w, struct gr_str s)
{
    for (size_t i = 0; i < w->n; i++)
        if (gr_str_eq(w->v[i], s))
            return true;
    return false;
}

static enum gr_err
add(struct gr_arena *a, struct prove_words *w, struct gr_str s)
{
    struct gr_str *v = w->v;

    if (has(w, s))
        return GR_OK;
    if (w->n == w->cap && !(v = gr_arena_grow(a, v, w->n, &w->cap, sizeof *v)))
        return GR_ENOMEM;
    w->v = v;
    w->v[w->n] = gr_arena_dup(a, s);
    return w->v[w->n++].p ? GR_OK : GR_ENOMEM;
}

/* ---- the rules ---- */

static void
forget(struct prove_rules *r, struct gr_str label)
{
    for (size_t i = 1; i < r->n_labels; i++)
        if (gr_str_eq(r->labels[i], label)) {
            r->labels[i] = r->labels[--r->n_labels];
            return;
        }
}

/* Labels that a function gives values. Of guardrail nobody does: then nothing is known at all. */
static bool
makes_labels(struct gr_promql *e, void *ctx)
{
    struct prove_rules *r = ctx;

    if (e->kind == GR_PROMQL_CALL && e->count > 1 &&
        (gr_str_is(e->u.function->name, "label_replace") || gr_str_is(e->u.function->name, "label_join"))) {
        if (e->child[1]->kind != GR_PROMQL_STRING || gr_str_is(e->child[1]->u.text, "guardrail"))
            r->n_labels = 0;
        else
            forget(r, e->child[1]->u.text);
    }
    if (e->kind == GR_PROMQL_AGGREGATE && e->u.aggregate.op == GR_PROMQL_COUNT_VALUES)
        r->n_labels = 0;
    return true;
}

enum gr_err
prove_rules_read(struct gr_arena *a, const struct model *m, const struct gr_rule_group *group,
                 struct gr_str guardrail, bool shares, struct prove_rules *out)
{
    *out = (struct prove_rules){.arena = a, .group = group, .guardrail = guardrail, .n_labels = 2};
    out->labels[0] = GR_STR("guardrail");
    out->labels[1] = GR_STR("phase");
    for (size_t i = 0; i < m->release_labels.n && out->n_labels < PROVE_TRIM_LABELS; i++)
        out->labels[out->n_labels++] = m->release_labels.v[i];
    if (!(out->trees = gr_arena_array(a, group->count + 1, sizeof(void *))))
        return GR_ENOMEM;
    for (size_t i = 0; i < group->count; i++) {
        const struct gr_rule *r = group->rules[i];

        if (!prove_concerns(r, guardrail) || (!shares && prove_is_share(r)))
            continue;
        if (!(out->trees[i] = prove_parse(a, r->expr)))
            return GR_ENOMEM;
        gr_promql_visit(out->trees[i], makes_labels, out);
        for (size_t k = 0; k < r->labels.count; k++)
            forget(out, r->labels.items[k].key);
    }
    return GR_OK;
}

/* ---- what a part has ---- */

/* `phase=\"x\"` in a series as a part writes it, quoted for YAML. */
static enum gr_err
read_label(const struct prove_rules *r, struct gr_str series, size_t label, struct prove_trimmed *out)
{
    const struct gr_str name = r->labels[label], behind = GR_STR("=\\\"");
    size_t at = 0, end;

    while ((at = gr_str_find(series, name, at)) < series.n) {
        size_t value = at + name.n + behind.n;

        if (at > 0 && (series.p[at - 1] == '{' || series.p[at - 1] == ',') &&
            gr_str_starts(gr_str_sub(series, at + name.n, series.n), behind)) {
            end = gr_str_find(series, GR_STR("\\"), value);
            if (end + 1 < series.n && series.p[end + 1] == '"' && out->values[label].n < PROVE_TRIM_VALUES)
                return add(r->arena, &out->values[label], gr_str_sub(series, value, end));
            out->open[label] = true; /* an escape in it */
            return GR_OK;
        }
        at += name.n;
    }
    return GR_OK;
}

static enum gr_err
read_series(const struct prove_rules *r, struct gr_str file, struct prove_trimmed *out)
{
    struct gr_str rest = file, line;
    const struct gr_str mark = GR_STR("  - series: \"");
    enum gr_err err = GR_OK;

    while (err == GR_OK && gr_str_next(&rest, '\n', &line)) {
        struct gr_str series;

        if (!gr_str_starts(line, mark))
            continue;
        series = gr_str_sub(line, mark.n, line.n);
        err = add(r->arena, &out->series, gr_str_sub(series, 0, gr_str_find(series, GR_STR("{"), 0)));
        for (size_t i = 0; i < r->n_labels && err == GR_OK; i++)
            err = read_label(r, series, i, out);
    }
    return err;
}

/* ---- what is empty ---- */

/* Whether the matcher takes nothing that is in the part. Of what is not a list of plain words nobody knows. */
static bool
takes_none(const struct prove_trimmed *t, const struct gr_promql_matcher *m)
{
    struct gr_str rest = m->value, word;
    size_t label = 0;

    while (label < t->rules->n_labels && !gr_str_eq(t->rules->labels[label], m->name))
        label++;
    if (label == t->rules->n_labels || t->open[label] || m->value.n == 0 ||
        (m->op != GR_PROMQL_IS && m->op != GR_PROMQL_LIKE))
        return false;
    if (m->op == GR_PROMQL_IS)
        return !has(&t->values[label], m->value);
    for (size_t i = 0; i < m->value.n; i++)
        if (strchr("\\^$.[]()?*+{}", m->value.p[i]))
            return false;
    while (gr_str_next(&rest, '|', &word))
        if (word.n == 0 || has(&t->values[label], word))
            return false;
    return m->value.p[m->value.n - 1] != '|';
}

static bool
is_empty(const struct prove_trimmed *t, const struct gr_promql *selector)
{
    struct gr_str metric = gr_promql_metric(selector);

    if (metric.n > 0 && !has(&t->names, metric) && !gr_str_starts(metric, GR_STR("ALERTS")))
        return true;
    for (size_t i = 0; i < selector->u.selector.count; i++)
        if (takes_none(t, &selector->u.selector.matchers[i]))
            return true;
    return false;
}

static bool prune(const struct prove_trimmed *t, struct gr_promql **at);

static bool
prune_binary(const struct prove_trimmed *t, struct gr_promql **at)
{
    struct gr_promql *e = *at;
    bool left = prune(t, &e->child[0]), right = prune(t, &e->child[1]);

    if (e->u.binary.op == GR_PROMQL_OR) {
        if (left != right)
            *at = e->child[left ? 1 : 0];
        return left && right;
    }
    if (e->u.binary.op == GR_PROMQL_UNLESS) {
        if (right && !left)
            *at = e->child[0];
        return left;
    }
    return left || right;
}

/* absent(…), vector(…) and scalars make something of nothing. */
static bool
prune_call(const struct prove_trimmed *t, struct gr_promql *e)
{
    bool empty = false;

    if (gr_str_starts(e->u.function->name, GR_STR("absent")) || e->u.function->result != GR_PROMQL_T_VECTOR)
        return false;
    for (size_t i = 0; i < e->count; i++) {
        enum gr_promql_type type = gr_promql_type(e->child[i]);

        if (type == GR_PROMQL_T_VECTOR || type == GR_PROMQL_T_MATRIX)
            empty = prune(t, &e->child[i]) || empty;
    }
    return empty;
}

/* Leaves out what is empty; true: all of it is. */
static bool
prune(const struct prove_trimmed *t, struct gr_promql **at)
{
    struct gr_promql *e = *at;

    switch (e->kind) {
    case GR_PROMQL_SELECTOR:
        return is_empty(t, e);
    case GR_PROMQL_PAREN:
    case GR_PROMQL_UNARY:
        return prune(t, &e->child[0]);
    case GR_PROMQL_AGGREGATE:
        return prune(t, &e->child[e->count - 1]);
    case GR_PROMQL_BINARY:
        return prune_binary(t, at);
    case GR_PROMQL_CALL:
        return prune_call(t, e);
    case GR_PROMQL_SUBQUERY:
    case GR_PROMQL_NUMBER:
    case GR_PROMQL_STRING:
    default:
        return false;
    }
}

/* The rest of an expression, in `a`; without text if nothing is left. */
static enum gr_err
rest_of(struct gr_arena *a, const struct prove_trimmed *t, const struct gr_promql *tree, struct gr_str *out)
{
    struct gr_arena *work = gr_arena_create((size_t)16 << 20);
    struct gr_buf b = GR_BUF_INIT(GR_PROMQL_BYTES_MAX);
    struct gr_promql *e = work ? gr_promql_clone(work, tree) : NULL;
    bool empty = e && prune(t, &e);

    *out = GR_STR_NONE;
    if (e && !empty) {
        gr_promql_print(&b, e);
        *out = gr_arena_dup(a, gr_buf_str(&b));
    }
    gr_buf_fini(&b);
    gr_arena_free(work);
    return empty || out->n > 0 ? GR_OK : GR_ENOMEM;
}

/* The part's series, and what rules record that are not left out. */
static enum gr_err
name_all(struct gr_arena *a, struct prove_trimmed *t, bool every)
{
    const struct gr_rule_group *g = t->rules->group;
    struct prove_words names = {NULL, 0, 0};
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < t->series.n && err == GR_OK; i++)
        err = add(a, &names, t->series.v[i]);
    for (size_t i = 0; i < g->count && err == GR_OK; i++)
        if (t->rules->trees[i] && g->rules[i]->kind == GR_RULE_RECORD && (every || t->exprs[i].n > 0))
            err = add(a, &names, g->rules[i]->name);
    t->names = names;
    return err;
}

/* All rules, `at` with another tree: first as if all were recorded, then without what nobody records any more, until nothing more goes. */
static enum gr_err
trim_all(struct gr_arena *a, struct prove_trimmed *t, size_t at, const struct gr_promql *tree)
{
    const struct gr_rule_group *g = t->rules->group;
    size_t before;
    enum gr_err err = name_all(a, t, true);

    do {
        before = t->names.n;
        for (size_t i = 0; i < g->count && err == GR_OK; i++)
            if (t->rules->trees[i])
                err = rest_of(a, t, i == at ? tree : t->rules->trees[i], &t->exprs[i]);
        if (err == GR_OK)
            err = name_all(a, t, false);
    } while (err == GR_OK && t->names.n < before);
    t->bytes = 0;
    for (size_t i = 0; i < g->count; i++)
        t->bytes += t->exprs[i].n;
    return err;
}

enum gr_err
prove_trim(const struct prove_rules *r, struct gr_str file, struct prove_trimmed *out)
{
    enum gr_err err;

    *out = (struct prove_trimmed){.rules = r};
    if (!(out->exprs = gr_arena_array(r->arena, r->group->count + 1, sizeof *out->exprs)))
        return GR_ENOMEM;
    err = r->n_labels > 0 ? add(r->arena, &out->values[0], r->guardrail) : GR_OK;
    if (err == GR_OK)
        err = read_series(r, file, out);
    return err == GR_OK ? trim_all(r->arena, out, SIZE_MAX, NULL) : err;
}

enum gr_err
prove_trim_changed(struct gr_arena *a, const struct prove_trimmed *t, size_t at, const struct gr_promql *tree,
                   const struct gr_str **exprs)
{
    const struct gr_rule *rule = t->rules->group->rules[at];
    struct prove_trimmed changed = *t;
    struct gr_str rest;
    enum gr_err err = rest_of(a, t, tree, &rest);

    *exprs = NULL;
    if (err != GR_OK || gr_str_eq(rest, t->exprs[at]))
        return err;
    if (!(changed.exprs = gr_arena_array(a, t->rules->group->count + 1, sizeof *changed.exprs)))
        return GR_ENOMEM;
    for (size_t i = 0; i < t->rules->group->count; i++)
        changed.exprs[i] = t->exprs[i];
    changed.exprs[at] = rest;
    if (rule->kind == GR_RULE_RECORD && !has(&t->names, rule->name)) /* nobody has recorded it yet */
        err = trim_all(a, &changed, at, tree);
    *exprs = changed.exprs;
    return err;
}
