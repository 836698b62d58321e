/* spec_actions.c - what can be done: rollbacks step by step, and whom to tell. */
#include "config.h"
#include "outnames.h"
#include "spec_parts.h"

#define STEP_WITHIN_MS 60000

/* Targets in the order of enum action_kind; their settings are kept as written. */
static const struct {
    const char *key;
    enum action_kind kind;
} targets[] = {
    {"pagerduty", ACTION_PAGERDUTY}, {"slack", ACTION_SLACK}, {"jira", ACTION_JIRA},
    {"opsgenie", ACTION_OPSGENIE},   {"jsm", ACTION_JSM},     {"http", ACTION_HTTP},
};

/* What is not stated, of a target's settings. */
static const struct {
    enum action_kind kind;
    const char *key, *value;
} defaults[] = {
    {ACTION_JIRA, "issue_type", "Task"},
    {ACTION_OPSGENIE, "base_url", "https://api.opsgenie.com"},
    {ACTION_JSM, "base_url", "https://api.atlassian.com/jsm/ops/integration"},
};

/* ---- steps ---- */

static void
refuse_with(struct spec *s, const struct gr_node *node, const char *key, const char *why)
{
    const struct gr_node *entry = spec_get(s, node, key);

    if (entry)
        gr_diag(s->d, GR0107, entry->key_span, GR_STR("remove it"), "%s", why);
}

static void
read_query(struct spec *s, const struct gr_node *node, const struct gr_node *query, struct step *out)
{
    static const char *const of_programs[] = {"timeout", "probe", "idempotent", "retries"};
    struct strs known = known_placeholders(s, PLACEHOLDERS_BREACH);

    out->query_text = query->text;
    if (s->m->release_labels.n > 0)
        (void)check_placeholders(s, query, &known);
    if (gr_promql_parse(s->a, query->text, query->span, s->d, &out->query) == GR_OK &&
        gr_promql_type(out->query) != GR_PROMQL_T_VECTOR && gr_promql_type(out->query) != GR_PROMQL_T_SCALAR)
        gr_diag(s->d, GR0402, out->query->where, GR_STR("write an expression whose result is one number"),
                "the query is of type %s", gr_promql_type_name(gr_promql_type(out->query)));
    if (!spec_has(node, "below") && !spec_has(node, "above"))
        gr_diag(s->d, GR0102, query->key_span, GR_STR("add `below:` or `above:` with a number"),
                "a query needs the key \"below\" or \"above\"");
    out->below = spec_has(node, "below");
    out->threshold = spec_number(s, node, out->below ? "below" : "above");
    out->no_data_ok = gr_str_is(spec_text(s, node, "no_data"), "ok");
    out->within_ms = spec_duration(s, node, "within", STEP_WITHIN_MS);
    for (size_t i = 0; i < GR_COUNT(of_programs); i++)
        refuse_with(s, node, of_programs[i], "this is for programs, not for queries");
}

static void
read_command(struct spec *s, const struct gr_node *node, struct step *out)
{
    static const char *const of_queries[] = {"below", "above", "no_data", "within"};
    const struct gr_node *probe = spec_get(s, node, "probe"), *retries = spec_get(s, node, "retries");

    (void)read_program(s, node, PLACEHOLDERS_BREACH, &out->program);
    out->is_pipeline = spec_has(node, "pipeline");
    if (probe)
        out->probe = read_argv(s, probe, PLACEHOLDERS_BREACH);
    out->idempotent = spec_bool(s, node, "idempotent", false);
    out->retries = spec_count(s, node, "retries", 0);
    if (retries && out->retries > 0 && !out->idempotent && !probe)
        gr_diag(s->d, GR0107, retries->key_span,
                GR_STR("add `idempotent: true` if it may run twice, or a `probe`"),
                "a step that must not run twice cannot be tried again");
    for (size_t i = 0; i < GR_COUNT(of_queries); i++)
        refuse_with(s, node, of_queries[i], "this is for queries, not for programs");
}

static void
read_step(struct spec *s, const struct gr_node *node, struct step *out)
{
    static const char *const failures[] = {"abort", "continue", "page", NULL};
    const struct gr_node *query = spec_get(s, node, "promql");
    int failure = spec_choice(s, node, "on_failure", failures, ON_FAILURE_ABORT);

    out->on_failure = failure < 0 ? ON_FAILURE_ABORT : (enum on_failure)failure;
    if (query)
        read_query(s, node, query, out);
    else if (spec_get(s, node, "run") || spec_get(s, node, "pipeline"))
        read_command(s, node, out);
    out->program.name = spec_text(s, node, "name");
}

static void
read_steps(struct spec *s, const struct gr_node *list, struct action *a)
{
    a->kind = ACTION_ROLLBACK;
    if (!(a->steps = gr_arena_array(s->a, list->count, sizeof *a->steps)))
        return;
    spec_refuse_same_names(s, list, "step");
    gr_node_each (item, list)
        if (!spec_poisoned(s, item))
            read_step(s, item, &a->steps[a->n_steps++]);
}

/* ---- targets ---- */

static void
read_settings(struct spec *s, const struct gr_node *map, struct action *a)
{
    if (!(a->settings.v = gr_arena_array(s->a, map->count + GR_COUNT(defaults), sizeof *a->settings.v)))
        return;
    gr_node_each (entry, map)
        if (!spec_poisoned(s, entry))
            a->settings.v[a->settings.n++] = (struct pair){entry->key, entry->text};
    for (size_t i = 0; i < GR_COUNT(defaults); i++)
        if (a->kind == defaults[i].kind && !spec_has(map, defaults[i].key))
            a->settings.v[a->settings.n++] =
                (struct pair){gr_str(defaults[i].key), gr_str(defaults[i].value)};
    pairs_sort(&a->settings);
}

/* Where new accounts cannot be had any more, and the old ones end. */
static void
check_opsgenie(struct spec *s, const struct gr_node *target, const struct action *a)
{
    const struct gr_node *url = spec_get(s, target, "base_url");
    struct gr_str base = outname_setting(a, "base_url");

    if (a->kind == ACTION_OPSGENIE && (gr_str_starts(base, GR_STR("https://api.opsgenie.com")) ||
                                       gr_str_starts(base, GR_STR("https://api.eu.opsgenie.com"))))
        gr_diag(s->d, GR0319, url ? url->span : target->key_span,
                GR_STR("write `jsm:` with the key of an integration there"),
                "Opsgenie is sold no more and ends on 5 April 2027");
}

static void
read_escalation(struct spec *s, const struct gr_node *node, struct action *a)
{
    const struct gr_node *after = spec_get(s, node, "escalate_after"), *to = spec_get(s, node, "escalate_to");
    bool pages = a->kind == ACTION_PAGERDUTY || a->kind == ACTION_OPSGENIE || a->kind == ACTION_JSM;

    a->escalate_after_ms = spec_duration(s, node, "escalate_after", 0);
    a->escalate_to = to ? to->text : GR_STR_NONE;
    if (!pages && (after || to))
        gr_diag(s->d, GR0107, after ? after->key_span : to->key_span,
                GR_STR("escalate from pagerduty, opsgenie or jsm"),
                "only a page is acknowledged, so only a page escalates");
    else if (spec_has(node, "escalate_after") != spec_has(node, "escalate_to"))
        gr_diag(s->d, GR0102,
                after ? after->key_span
                : to  ? to->key_span
                      : a->span,
                GR_STR("state both `escalate_after:` and `escalate_to:`"),
                "an escalation needs the keys \"escalate_after\" and \"escalate_to\"");
}

static void
read_action(struct spec *s, const struct gr_node *node, struct action *a)
{
    const struct gr_node *steps = spec_get(s, node, "steps");

    a->node = node;
    a->name = node->key;
    a->span = node->key_span;
    if (model_action_builtin(a->name))
        gr_diag(s->d, GR0106, a->span, GR_STR("give it another name"), "\"" GR_FMT "\" is a built-in action",
                GR_ARG(a->name));
    if (steps)
        read_steps(s, steps, a);
    for (size_t i = 0; !steps && i < GR_COUNT(targets); i++) {
        const struct gr_node *target = spec_get(s, node, targets[i].key);

        if (!target)
            continue;
        a->kind = targets[i].kind;
        read_settings(s, target, a);
        check_opsgenie(s, target, a);
        break;
    }
    if (steps || a->settings.v)
        read_escalation(s, node, a);
}

void
read_actions(struct spec *s)
{
    const struct gr_node *map = spec_get(s, s->root, "actions");
    struct model *m = s->m;

    s->actions_ok = map || !spec_has(s->root, "actions");
    if (!map || !(m->actions = gr_arena_array(s->a, map->count, sizeof *m->actions)))
        return;
    gr_node_each (entry, map) {
        struct action *a = &m->actions[m->n_actions++];

        /* Its name is known even if the rest is wrong, so that nobody calls it unknown. */
        a->name = entry->key;
        a->span = entry->key_span;
        if (!spec_poisoned(s, entry))
            read_action(s, entry, a);
    }
}
