/* prove_rules.c - the rules of one guardrail alone, as they are emitted or with one of them changed; and rules from a file. */
#include "config.h"
#include "prove_rules.h"

#include "guardrail/duration.h"

bool
prove_concerns(const struct gr_rule *r, struct gr_str guardrail)
{
    for (size_t i = 0; i < r->labels.count; i++)
        if (gr_str_is(r->labels.items[i].key, "guardrail"))
            return gr_str_eq(r->labels.items[i].value, guardrail);
    return true;
}

bool
prove_is_share(const struct gr_rule *r)
{
    return gr_str_starts(r->name, GR_STR("guardrail:share"));
}

struct gr_promql *
prove_parse(struct gr_arena *a, struct gr_str expr)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    struct gr_promql *e = NULL;

    if (diags && gr_promql_parse(a, expr, GR_SPAN_NONE, diags, &e) != GR_OK)
        e = NULL;
    gr_diags_free(diags);
    gr_sources_free(sources);
    return e;
}

const struct gr_rule_group *
prove_watch_group(const struct gr_rulefile *file)
{
    for (size_t i = 1; i < file->count; i++)
        if (gr_str_ends(file->groups[i]->name, GR_STR("-watch")))
            return file->groups[i];
    return NULL;
}

/* What an alert shows as its value, as a series; promtool does not tell it otherwise. */
static struct gr_rule *
shown(struct gr_arena *a, const struct gr_rule *alert)
{
    struct gr_rule *r = gr_arena_alloc(a, sizeof *r);
    size_t n = alert->labels.count;

    if (!r)
        return NULL;
    *r = *alert;
    r->kind = GR_RULE_RECORD;
    r->name = GR_STR("guardrail:alert");
    r->for_ms = r->keep_firing_for_ms = 0;
    if (!(r->labels.items = gr_arena_array(a, n + 1, sizeof *r->labels.items)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        r->labels.items[i] = alert->labels.items[i];
    r->labels.items[n] = (struct gr_rule_pair){GR_STR("alert"), alert->name, NULL};
    r->labels.count = n + 1;
    return r;
}

enum gr_err
prove_put_rules(struct gr_buf *b, struct gr_arena *a, const struct gr_rulefile *file, struct gr_str guardrail,
                bool shares, const struct gr_str *exprs)
{
    struct gr_rulefile part = *file;
    struct gr_rule_group group, *groups[1] = {&group};

    const struct gr_rule_group *from = guardrail.n > 0 ? file->groups[0] : prove_watch_group(file);

    GR_ASSERT(file->count > 0 && from);
    group = *from;
    group.rules = gr_arena_array(a, 2 * group.count + 1, sizeof *group.rules);
    group.count = 0;
    for (size_t i = 0; group.rules && i < from->count; i++) {
        struct gr_rule *r = from->rules[i], *copy;

        if (guardrail.n > 0 && (!prove_concerns(r, guardrail) || (!shares && prove_is_share(r))))
            continue;
        if (exprs && exprs[i].n == 0)
            continue;
        if (!(copy = gr_arena_alloc(a, sizeof *copy)))
            return GR_ENOMEM;
        *copy = *r;
        copy->annotations.count =
            0; /* templates that ask Prometheus: most of the time, and nothing of the rule */
        copy->comment = GR_STR_NONE;
        if (exprs)
            copy->expr = exprs[i];
        group.rules[group.count++] = copy;
        if (copy->kind == GR_RULE_ALERT && !(group.rules[group.count++] = shown(a, copy)))
            return GR_ENOMEM;
    }
    if (!group.rules)
        return GR_ENOMEM;
    part.groups = groups;
    part.count = 1;
    part.anchors = false;
    gr_rulefile_write(b, &part, GR_STR("Rules of one guardrail, for its tests."));
    return gr_buf_err(b);
}

/* ---- from a file ---- */

static int64_t
duration(const struct gr_node *n)
{
    int64_t ms = 0;

    return n && n->kind == GR_NODE_SCALAR && gr_duration_parse(n->text, &ms) == GR_OK ? ms : 0;
}

static void
read_rule(struct gr_rulefile *f, struct gr_rule_group *g, const struct gr_node *n)
{
    const struct gr_node *record = gr_node_get(n, "record"), *alert = gr_node_get(n, "alert"),
                         *expr = gr_node_get(n, "expr"), *name = record ? record : alert;
    struct gr_rule *r;

    if (!name || !expr || name->kind != GR_NODE_SCALAR || expr->kind != GR_NODE_SCALAR)
        return;
    r = gr_rulefile_rule(f, g, record ? GR_RULE_RECORD : GR_RULE_ALERT, name->text, expr->text);
    if (!r)
        return;
    r->for_ms = duration(gr_node_get(n, "for"));
    r->keep_firing_for_ms = duration(gr_node_get(n, "keep_firing_for"));
    gr_node_each (label, gr_node_get(n, "labels"))
        if (label->kind == GR_NODE_SCALAR)
            gr_rule_label(f, r, label->key, label->text);
}

enum gr_err
prove_read_rules(struct gr_arena *a, const struct gr_node *root, struct gr_rulefile **out)
{
    struct gr_rulefile *f = gr_rulefile_create(a);

    gr_node_each (group, gr_node_get(root, "groups")) {
        const struct gr_node *name = gr_node_get(group, "name");
        struct gr_rule_group *g =
            gr_rulefile_group(f, name && name->kind == GR_NODE_SCALAR ? name->text : GR_STR("rules"),
                              duration(gr_node_get(group, "interval")));

        gr_node_each (rule, gr_node_get(group, "rules"))
            read_rule(f, g, rule);
    }
    if (gr_arena_status(a) != GR_OK)
        return GR_ENOMEM;
    if (!f || f->count == 0 || f->groups[0]->count == 0)
        return GR_ESYNTAX;
    *out = f;
    return GR_OK;
}
