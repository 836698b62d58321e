/* policy_actions.c - the "actions" of policy.json: rollback steps with their programs, and targets of messages. */
#include "config.h"
#include "policy_json.h"

#include <float.h>

#include "expand.h"
#include "guardrail/template.h"
#include "runner.h"

static const char *const kind_names[ACTION_KINDS] = {"rollback", "pagerduty", "slack", "jira",
                                                     "opsgenie", "jsm",       "http"};
static const char *const verb_names[] = {"hold", "extend", "halt", "abort"};

const char *
policy_action_kind_name(enum policy_action_kind kind)
{
    GR_ASSERT((size_t)kind < ACTION_KINDS);
    return kind_names[kind];
}

static void
check_placeholders(struct policy_reader *r, struct gr_str text, struct gr_span where,
                   enum policy_places places)
{
    struct gr_str name;
    size_t at = 0;

    while (expand_next(text, &at, &name)) {
        bool known = gr_str_is(name, GR_LABEL_DEPLOYMENT) || gr_str_is(name, GR_LABEL_SPEC) ||
                     gr_str_is(name, GR_LABEL_PHASE) ||
                     (places == PLACES_BREACH && gr_str_is(name, GR_LABEL_GUARDRAIL)) ||
                     (places == PLACES_TRAFFIC && gr_str_is(name, EXPAND_TRAFFIC_SHARE));

        for (size_t i = 0; !known && i < r->p->release_label_count; i++)
            known = gr_str_eq(name, r->p->release_labels[i]);
        if (!known)
            pj_fail(r, GR0315, where, "{" GR_FMT "} has no meaning here", GR_ARG(name));
    }
}

void
policy_read_argv(struct policy_reader *r, const struct gr_node *list, enum policy_places places,
                 struct policy_argv *out)
{
    size_t n = 0, i = 0, at = 0;
    struct gr_str *args, name;

    if (list && list->kind != GR_NODE_LIST) {
        pj_fail(r, GR0103, list->span, "a program with its arguments is a list of strings");
        return;
    }
    if (list && list->count == 0)
        pj_fail(r, GR0108, list->span, "a program is needed");
    if (!(args = pj_array(r, list, POLICY_ARGS_MAX, sizeof *args, &n)) || n == 0)
        return;
    gr_node_each (item, list) {
        if (!pj_string(r, item, &args[i]))
            return;
        if (i > 0)
            check_placeholders(r, args[i], item->span, places);
        else if (!runner_program_ok(args[0]))
            pj_fail(
                r, GR0602, item->span,
                "a program is an absolute path, a path below actions_dir without \"..\", or a plain name");
        else if (expand_next(args[0], &at, &name))
            pj_fail(r, GR0602, item->span, "a program's name takes no placeholder");
        i++;
    }
    *out = (struct policy_argv){args, n};
}

static void
read_pipeline(struct policy_reader *r, const struct gr_node *list, struct policy_step *step)
{
    size_t n = 0, i = 0;
    struct policy_argv *commands;

    if (list->count < 2) {
        pj_fail(r, GR0108, list->span, "a pipeline has at least two programs");
        return;
    }
    if (!(commands = pj_array(r, list, POLICY_COMMANDS_MAX, sizeof *commands, &n)))
        return;
    gr_node_each (item, list) {
        policy_read_argv(r, item, PLACES_BREACH, &commands[i++]);
    }
    step->kind = STEP_PIPELINE;
    step->commands = commands;
    step->command_count = n;
}

static void
read_query(struct policy_reader *r, const struct gr_node *map, struct policy_step *step)
{
    static const char *const no_data_names[] = {"fail", "ok"};
    size_t no_data = NO_DATA_FAIL;

    step->kind = STEP_QUERY;
    (void)pj_text(r, map, "query", REQUIRED, &step->query);
    check_placeholders(r, step->query, gr_node_get(map, "query")->span, PLACES_BREACH);
    step->has_below = pj_double(r, map, "below", OPTIONAL, -DBL_MAX, DBL_MAX, &step->bound);
    step->has_above = pj_double(r, map, "above", OPTIONAL, -DBL_MAX, DBL_MAX, &step->bound);
    if (step->has_below == step->has_above)
        pj_fail(r, GR0107, map->span, "a query needs exactly one of \"below\" and \"above\"");
    (void)pj_choice(r, map, "no_data", OPTIONAL, no_data_names, GR_COUNT(no_data_names), &no_data);
    step->no_data = (enum policy_no_data)no_data;
    (void)pj_int(r, map, "within_ms", REQUIRED, 1, RUNNER_TIMEOUT_MS_MAX, &step->within_ms);
}

static void
read_run(struct policy_reader *r, const struct gr_node *list, struct policy_step *step)
{
    struct policy_argv *command = gr_arena_alloc(r->arena, sizeof *command);

    if (!command) {
        r->no_memory = true;
        return;
    }
    policy_read_argv(r, list, PLACES_BREACH, command);
    step->kind = STEP_RUN;
    step->commands = command;
    step->command_count = 1;
}

static void
read_step_body(struct policy_reader *r, const struct gr_node *map, struct policy_step *step)
{
    const struct gr_node *run = pj_member(r, map, "run", OPTIONAL, GR_NODE_LIST);
    const struct gr_node *pipeline = pj_member(r, map, "pipeline", OPTIONAL, GR_NODE_LIST);
    const struct gr_node *query = pj_member(r, map, "query", OPTIONAL, GR_NODE_SCALAR);

    if ((run != NULL) + (pipeline != NULL) + (query != NULL) != 1)
        pj_fail(r, GR0107, map->span, "a step has exactly one of \"run\", \"pipeline\" and \"query\"");
    else if (run)
        read_run(r, run, step);
    else if (pipeline)
        read_pipeline(r, pipeline, step);
    else
        read_query(r, map, step);
    if (!query)
        (void)pj_int(r, map, "timeout_ms", REQUIRED, 1, RUNNER_TIMEOUT_MS_MAX, &step->timeout_ms);
}

static void
read_step(struct policy_reader *r, const struct gr_node *map, struct policy_step *step)
{
    static const char *const failure_names[] = {"abort", "continue", "page"};
    const struct gr_node *probe;
    size_t on_failure = ON_FAILURE_ABORT;
    int64_t retries = 0;

    if (map->kind != GR_NODE_MAP) {
        pj_fail(r, GR0103, map->span, "a step is a map");
        return;
    }
    (void)pj_name(r, map, "name", REQUIRED, &step->name);
    read_step_body(r, map, step);
    if ((probe = pj_member(r, map, "probe", OPTIONAL, GR_NODE_LIST)))
        policy_read_argv(r, probe, PLACES_BREACH, &step->probe);
    (void)pj_choice(r, map, "on_failure", OPTIONAL, failure_names, GR_COUNT(failure_names), &on_failure);
    step->on_failure = (enum policy_on_failure)on_failure;
    (void)pj_bool(r, map, "idempotent", &step->idempotent);
    (void)pj_int(r, map, "retries", OPTIONAL, 0, 10, &retries);
    step->retries = (uint32_t)retries;
}

static void
read_rollback(struct policy_reader *r, const struct gr_node *map, struct policy_action *action)
{
    const struct gr_node *list = pj_member(r, map, "steps", REQUIRED, GR_NODE_LIST);
    size_t n = 0, i = 0;
    struct policy_step *steps;

    if (list && list->count == 0)
        pj_fail(r, GR0108, list->span, "a rollback needs at least one step");
    if (!(steps = pj_array(r, list, POLICY_STEPS_MAX, sizeof *steps, &n)))
        return;
    gr_node_each (item, list) {
        read_step(r, item, &steps[i]);
        for (size_t k = 0; k < i; k++)
            if (steps[i].name.n > 0 && gr_str_eq(steps[k].name, steps[i].name))
                pj_fail(r, GR0106, item->span, "two steps are named " GR_FMT, GR_ARG(steps[i].name));
        i++;
    }
    action->steps = steps;
    action->step_count = n;
}

static void
read_base_url(struct policy_reader *r, const struct gr_node *map, struct policy_action *action)
{
    if (!pj_text(r, map, "base_url", REQUIRED, &action->base_url))
        return;
    if (!gr_str_starts(action->base_url, GR_STR("https://")) &&
        !gr_str_starts(action->base_url, GR_STR("http://")))
        pj_fail(r, GR0602, gr_node_get(map, "base_url")->span, "a base_url begins with https://");
}

static void
read_slack(struct policy_reader *r, const struct gr_node *map, struct policy_action *action)
{
    bool url = pj_name(r, map, "webhook_url_file", OPTIONAL, &action->webhook_url_file);
    bool token = pj_name(r, map, "token_file", OPTIONAL, &action->token_file);

    (void)pj_text(r, map, "channel", token ? REQUIRED : OPTIONAL, &action->channel);
    if (!url && !token)
        pj_fail(r, GR0102, map->span, "a slack action needs \"webhook_url_file\" or \"token_file\"");
    else if (url && token)
        pj_fail(r, GR0107, map->span, "\"webhook_url_file\" and \"token_file\" exclude each other");
}

static void
read_template(struct policy_reader *r, const struct gr_node *map, struct policy_action *action)
{
    const struct gr_node *root;
    struct gr_template_fault fault;
    enum gr_err err;

    if (!pj_text(r, map, "body", OPTIONAL, &action->body))
        return;
    err = gr_template_read(r->arena, action->body, &root, &fault);
    if (err == GR_EUSER)
        pj_fail(r, GR0315, gr_node_get(map, "body")->span, "the body: %s%s" GR_FMT, fault.what,
                fault.name.n > 0 ? ": " : "", GR_ARG(fault.name));
    else if (err != GR_OK)
        r->no_memory = true;
}

/* The members of each kind; escalate_to is resolved when all actions are known. */
static void
read_action(struct policy_reader *r, const struct gr_node *map, struct policy_action *action)
{
    size_t kind = 0;

    if (!pj_choice(r, map, "kind", REQUIRED, kind_names, GR_COUNT(kind_names), &kind))
        return;
    action->kind = (enum policy_action_kind)kind;
    switch (action->kind) {
    case ACTION_ROLLBACK:
        read_rollback(r, map, action);
        break;
    case ACTION_PAGERDUTY:
        (void)pj_text(r, map, "service", OPTIONAL, &action->service);
        (void)pj_name(r, map, "routing_key_file", REQUIRED, &action->routing_key_file);
        break;
    case ACTION_SLACK:
        read_slack(r, map, action);
        break;
    case ACTION_JIRA:
        (void)pj_text(r, map, "project", REQUIRED, &action->project);
        (void)pj_text(r, map, "issue_type", OPTIONAL, &action->issue_type);
        (void)pj_text(r, map, "reopen", OPTIONAL, &action->reopen);
        (void)pj_text(r, map, "close", OPTIONAL, &action->close);
        read_base_url(r, map, action);
        (void)pj_name(r, map, "token_file", REQUIRED, &action->token_file);
        break;
    case ACTION_OPSGENIE:
    case ACTION_JSM:
        (void)pj_text(r, map, "team", OPTIONAL, &action->team);
        read_base_url(r, map, action);
        (void)pj_name(r, map, "token_file", REQUIRED, &action->token_file);
        break;
    case ACTION_HTTP:
        read_base_url(r, map, action);
        (void)pj_name(r, map, "token_file", OPTIONAL, &action->token_file);
        read_template(r, map, action);
        break;
    case ACTION_KINDS:
        GR_ASSERT(false && "a kind of the table");
    }
    (void)pj_int(r, map, "escalate_after_ms", OPTIONAL, 1, INT64_C(86400000), &action->escalate_after_ms);
}

static void
resolve_escalation(struct policy_reader *r, const struct gr_node *map, struct policy_action *action)
{
    struct gr_str name;
    const struct policy_action *target;

    if (!pj_text(r, map, "escalate_to", OPTIONAL, &name))
        return;
    target = policy_action(r->p, name);
    if (!target)
        pj_fail(r, GR0304, gr_node_get(map, "escalate_to")->span, "no action is named \"" GR_FMT "\"",
                GR_ARG(name));
    else if (target->kind == ACTION_ROLLBACK)
        pj_fail(r, GR0601, gr_node_get(map, "escalate_to")->span,
                "an escalation goes to people, not to a rollback");
    else
        action->escalate_to = target;
}

/* A chain longer than there are actions runs in a circle. */
static void
check_circle(struct policy_reader *r, const struct gr_node *map, const struct policy_action *action)
{
    const struct policy_action *at = action->escalate_to;

    for (size_t i = 0; at && i < r->p->action_count; i++) {
        if (at == action) {
            pj_fail(r, GR0601, gr_node_get(map, "escalate_to")->span, "escalations run in a circle");
            return;
        }
        at = at->escalate_to;
    }
}

static struct policy_action *
place_by_name(struct policy_action *actions, size_t count, struct gr_str name)
{
    size_t at = count;

    for (; at > 0 && gr_str_cmp(actions[at - 1].name, name) > 0; at--)
        actions[at] = actions[at - 1];
    actions[at] = (struct policy_action){.name = name};
    return &actions[at];
}

/* By name, in a table still being sorted in. */
static struct policy_action *
find(struct policy_action *actions, size_t count, struct gr_str name)
{
    for (size_t i = 0; i < count; i++)
        if (gr_str_eq(actions[i].name, name))
            return &actions[i];
    return NULL;
}

void
policy_read_actions(struct policy_reader *r, const struct gr_node *list)
{
    size_t n = 0, count = 0;
    struct policy_action *actions = pj_array(r, list, 256, sizeof *actions, &n), *action;

    if (!actions)
        return;
    gr_node_each (item, list) {
        struct gr_str name = gr_arena_dup(r->arena, item->key);

        if (!expand_value_ok(name))
            pj_fail(r, GR0104, item->key_span, "an action's name must match %s", GR_POLICY_VALUE_PATTERN);
        for (size_t i = 0; i < GR_COUNT(verb_names); i++)
            if (gr_str_is(name, verb_names[i]))
                pj_fail(r, GR0601, item->key_span, "%s is a built-in action", verb_names[i]);
        if (item->kind != GR_NODE_MAP)
            pj_fail(r, GR0103, item->span, "an action is a map");
        (void)place_by_name(actions, count++, name);
    }
    r->p->actions = actions; /* sorted, and from here on nothing moves, so pointers into it hold */
    r->p->action_count = count;
    gr_node_each (item, list) {
        if (item->kind == GR_NODE_MAP && (action = find(actions, count, item->key)))
            read_action(r, item, action);
    }
    gr_node_each (item, list) {
        if (item->kind == GR_NODE_MAP && (action = find(actions, count, item->key)))
            resolve_escalation(r, item, action);
    }
    gr_node_each (item, list) {
        if (item->kind == GR_NODE_MAP && (action = find(actions, count, item->key)))
            check_circle(r, item, action);
    }
}
