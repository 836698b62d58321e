/* policy_read.c - from the JSON document to struct policy: everything but the actions. */
#include "config.h"
#include "policy_json.h"

#include <float.h>
#include <stdlib.h>

#include "expand.h"
#include "guardrail/hash.h"
#include "guardrail/number.h"
#include "runner.h"

#define DURATION_MS_MAX INT64_C(315360000000)

static const char *const level_names[POLICY_LEVELS] = {"hard", "soft", "no_data"};

const char *
policy_level_name(enum policy_level level)
{
    GR_ASSERT((size_t)level < POLICY_LEVELS);
    return level_names[level];
}

enum gr_err
policy_level_parse(struct gr_str s, enum policy_level *out)
{
    for (size_t i = 0; i < POLICY_LEVELS; i++)
        if (gr_str_is(s, level_names[i])) {
            *out = (enum policy_level)i;
            return GR_OK;
        }
    return GR_ENOENT;
}

static void
read_hash(struct policy_reader *r, const struct gr_node *root)
{
    struct gr_str hash;

    if (!pj_text(r, root, "spec_hash", REQUIRED, &hash))
        return;
    for (size_t i = 0; i < hash.n; i++)
        if (hash.n != GR_SHA256_HEX ||
            !((hash.p[i] >= '0' && hash.p[i] <= '9') || (hash.p[i] >= 'a' && hash.p[i] <= 'f'))) {
            pj_fail(r, GR0601, gr_node_get(root, "spec_hash")->span, "\"spec_hash\" must be 64 hex digits");
            return;
        }
    r->p->spec_hash = hash;
}

static void
read_head(struct policy_reader *r, const struct gr_node *root)
{
    const struct gr_node *retention = pj_member(r, root, "retention", OPTIONAL, GR_NODE_MAP);
    const struct gr_node *dashboards = pj_member(r, root, "dashboards", OPTIONAL, GR_NODE_MAP);
    struct policy *p = r->p;

    (void)pj_text(r, root, "compiler", OPTIONAL, &p->compiler);
    (void)pj_name(r, root, "spec", REQUIRED, &p->spec);
    read_hash(r, root);
    p->time_scale = 1;
    (void)pj_int(r, root, "time_scale", OPTIONAL, 1, 1000000, &p->time_scale);
    (void)pj_text(r, root, "owner", OPTIONAL, &p->owner);
    (void)pj_int(r, root, "sampling_ms", REQUIRED, 1, DURATION_MS_MAX, &p->sampling_ms);
    (void)pj_int(r, retention, "decisions_ms", OPTIONAL, 1, DURATION_MS_MAX, &p->retention_ms);
    (void)pj_text(r, dashboards, "overview_uid", OPTIONAL, &p->overview_uid);
}

/* Names that a release label may not take: the alerts carry them for something else. */
static bool
is_own_label(struct gr_str name)
{
    static const char *const own[] = {GR_LABEL_SPEC, GR_LABEL_GUARDRAIL,  GR_LABEL_GROUP, GR_LABEL_LEVEL,
                                      GR_LABEL_SIDE, GR_LABEL_DEPLOYMENT, GR_LABEL_PHASE, "alertname"};

    for (size_t i = 0; i < GR_COUNT(own); i++)
        if (gr_str_is(name, own[i]))
            return true;
    return false;
}

static void
check_label_names(struct policy_reader *r, const struct gr_node *list)
{
    gr_node_each (item, list) {
        if (item->kind == GR_NODE_SCALAR && (!pj_is_label_name(item->text) || is_own_label(item->text)))
            pj_fail(r, GR0104, item->span, "this cannot be the name of a label here");
    }
}

static void
read_streams(struct policy_reader *r, const struct gr_node *root)
{
    const struct gr_node *names = pj_member(r, root, "release_labels", REQUIRED, GR_NODE_LIST);
    const struct gr_node *list = pj_member(r, root, "streams", REQUIRED, GR_NODE_LIST);
    struct label_set *streams;
    size_t n = 0, i = 0;

    check_label_names(r, names);
    (void)pj_texts(r, names, 16, &r->p->release_labels, &r->p->release_label_count);
    if (list && list->count == 0)
        pj_fail(r, GR0108, list->span, "at least one release stream is needed");
    if (!(streams = pj_array(r, list, 1000, sizeof *streams, &n)))
        return;
    gr_node_each (item, list) {
        if (!pj_labels(r, item, &streams[i]))
            return;
        for (size_t k = 0; k < r->p->release_label_count; k++)
            if (!labels_get(streams[i], r->p->release_labels[k]).p)
                pj_fail(r, GR0601, item->span, "the release label " GR_FMT " is missing",
                        GR_ARG(r->p->release_labels[k]));
        if (streams[i].count != r->p->release_label_count)
            pj_fail(r, GR0601, item->span, "a stream has exactly the release labels");
        for (size_t k = 0; k < i; k++)
            if (labels_equal(streams[k], streams[i]))
                pj_fail(r, GR0106, item->span, "this stream is listed twice");
        i++;
    }
    r->p->streams = streams;
    r->p->stream_count = n;
}

static void
read_cohorts(struct policy_reader *r, const struct gr_node *root)
{
    const struct gr_node *cohorts = pj_member(r, root, "cohorts", OPTIONAL, GR_NODE_MAP);
    const struct gr_node *flows = pj_member(r, root, "flows", OPTIONAL, GR_NODE_MAP);

    (void)pj_text(r, cohorts, "label", REQUIRED, &r->p->cohort_label);
    (void)pj_text(r, cohorts, "canary", REQUIRED, &r->p->canary);
    (void)pj_text(r, cohorts, "control", REQUIRED, &r->p->control);
    (void)pj_text(r, flows, "label", REQUIRED, &r->p->flow_label);
    (void)pj_texts(r, pj_member(r, flows, "values", REQUIRED, GR_NODE_LIST), 256, &r->p->flows,
                   &r->p->flow_count);
}

static bool
flow_known(const struct policy *p, struct gr_str name)
{
    for (size_t i = 0; i < p->flow_count; i++)
        if (gr_str_eq(p->flows[i], name))
            return true;
    return p->flow_count == 0 && name.n == 0;
}

static void
read_traffic(struct policy_reader *r, const struct gr_node *map, struct policy_phase *phase)
{
    const struct gr_node *list =
        pj_member(r, map, "traffic", phase->shadow ? OPTIONAL : REQUIRED, GR_NODE_MAP);
    struct policy_share *shares;
    size_t n = 0, i = 0;

    if (!(shares = pj_array(r, list, 256, sizeof *shares, &n)))
        return;
    gr_node_each (item, list) {
        struct policy_share *share = &shares[i++];

        share->flow = gr_arena_dup(r->arena, item->key);
        if (!flow_known(r->p, item->key))
            pj_fail(r, GR0302, item->key_span, "no flow has this name");
        if (item->kind != GR_NODE_SCALAR || item->style != GR_STYLE_PLAIN ||
            gr_parse_double(item->text, &share->ratio) != GR_OK || share->ratio < 0 || share->ratio > 1)
            pj_fail(r, GR0209, item->span, "a traffic share is a number from 0 to 1");
        else if (phase->shadow && share->ratio > 0)
            pj_fail(r, GR0601, item->span, "a shadow phase takes no traffic");
    }
    if (n != (r->p->flow_count > 0 ? r->p->flow_count : 1) && !(phase->shadow && n == 0))
        pj_fail(r, GR0601, list->span, "every flow needs a share");
    phase->traffic = shares;
    phase->traffic_count = n;
}

static void
read_checks(struct policy_reader *r, const struct gr_node *list, const struct policy_check **out,
            size_t *count)
{
    static const char *const failures[] = {"abort"};
    struct policy_check *checks;
    size_t n = 0, i = 0, one = 0;

    if (!(checks = pj_array(r, list, 64, sizeof *checks, &n)))
        return;
    gr_node_each (item, list) {
        struct policy_check *check = &checks[i++];

        if (item->kind != GR_NODE_MAP) {
            pj_fail(r, GR0103, item->span, "a check is a map");
            continue;
        }
        (void)pj_name(r, item, "name", REQUIRED, &check->name);
        policy_read_argv(r, pj_member(r, item, "run", REQUIRED, GR_NODE_LIST), PLACES_RELEASE, &check->argv);
        check->aborts = pj_choice(r, item, "on_failure", OPTIONAL, failures, GR_COUNT(failures), &one);
        (void)pj_int(r, item, "timeout_ms", REQUIRED, 1, RUNNER_TIMEOUT_MS_MAX, &check->timeout_ms);
    }
    *out = checks;
    *count = n;
}

static void
read_phase(struct policy_reader *r, const struct gr_node *map, struct policy_phase *phase, bool last)
{
    if (map->kind != GR_NODE_MAP) {
        pj_fail(r, GR0103, map->span, "a phase is a map");
        return;
    }
    (void)pj_name(r, map, "name", REQUIRED, &phase->name);
    (void)pj_bool(r, map, "shadow", &phase->shadow);
    (void)pj_bool(r, map, "final", &phase->final);
    if (phase->final != last)
        pj_fail(r, GR0316, map->span, "the last phase is final, and no other");
    if (phase->final && phase->shadow)
        pj_fail(r, GR0601, map->span, "the final phase cannot be a shadow");
    (void)pj_int(r, map, "min_duration_ms", last ? OPTIONAL : REQUIRED, last ? 0 : 1, DURATION_MS_MAX,
                 &phase->min_duration_ms);
    (void)pj_int(r, map, "max_duration_ms", OPTIONAL, 0, DURATION_MS_MAX, &phase->max_duration_ms);
    if (phase->max_duration_ms != 0 && phase->max_duration_ms < phase->min_duration_ms)
        pj_fail(r, GR0209, gr_node_get(map, "max_duration_ms")->span,
                "the maximum is shorter than the minimum");
    read_traffic(r, map, phase);
    read_checks(r, pj_member(r, map, "checks", OPTIONAL, GR_NODE_LIST), &phase->checks, &phase->check_count);
    read_checks(r, pj_member(r, map, "requires", OPTIONAL, GR_NODE_LIST), &phase->requires,
                &phase->require_count);
}

static struct policy_phase *
read_phases(struct policy_reader *r, const struct gr_node *root)
{
    const struct gr_node *list = pj_member(r, root, "phases", REQUIRED, GR_NODE_LIST);
    struct policy_phase *phases;
    size_t n = 0, i = 0;

    if (list && list->count == 0)
        pj_fail(r, GR0108, list->span, "at least one phase is needed");
    if (!(phases = pj_array(r, list, POLICY_PHASES_MAX, sizeof *phases, &n)))
        return NULL;
    gr_node_each (item, list) {
        phases[i].index = i;
        read_phase(r, item, &phases[i], i + 1 == n);
        for (size_t k = 0; k < i; k++)
            if (phases[i].name.n > 0 && gr_str_eq(phases[k].name, phases[i].name))
                pj_fail(r, GR0106, item->span, "two phases are named " GR_FMT, GR_ARG(phases[i].name));
        i++;
    }
    r->p->phases = phases;
    r->p->phase_count = n;
    return phases;
}

static void
read_enter(struct policy_reader *r, const struct gr_node *map, struct policy_enter *e)
{
    const struct gr_node *run, *post;
    int64_t retries = 3;

    if (map->kind != GR_NODE_MAP) {
        pj_fail(r, GR0103, map->span, "a step is a map");
        return;
    }
    (void)pj_name(r, map, "name", REQUIRED, &e->name);
    run = pj_member(r, map, "run", OPTIONAL, GR_NODE_LIST);
    post = pj_member(r, map, "post", OPTIONAL, GR_NODE_SCALAR);
    if ((run != NULL) + (post != NULL) != 1)
        pj_fail(r, GR0107, map->span, "a step has exactly one of \"run\" and \"post\"");
    else if (run)
        policy_read_argv(r, run, PLACES_TRAFFIC, &e->argv);
    else if (!(e->post = policy_action(r->p, post->text)) || e->post->kind != ACTION_HTTP)
        pj_fail(r, GR0304, post->span, "no action of the kind http has this name");
    (void)pj_int(r, map, "timeout_ms", REQUIRED, 1, post ? POLICY_ENTER_POST_MS : RUNNER_TIMEOUT_MS_MAX,
                 &e->timeout_ms);
    (void)pj_int(r, map, "retries", OPTIONAL, 0, 10, &retries);
    e->retries = (uint32_t)retries;
}

static void
read_on_enter(struct policy_reader *r, const struct gr_node *list, struct policy_phase *phase)
{
    struct policy_enter *rows;
    size_t n = 0, i = 0;

    if (!list || !(rows = pj_array(r, list, POLICY_ENTER_MAX, sizeof *rows, &n)))
        return;
    gr_node_each (item, list) {
        read_enter(r, item, &rows[i]);
        for (size_t k = 0; k < i; k++)
            if (rows[i].name.n > 0 && gr_str_eq(rows[k].name, rows[i].name))
                pj_fail(r, GR0106, item->span, "two steps are named " GR_FMT, GR_ARG(rows[i].name));
        i++;
    }
    phase->on_enter = rows;
    phase->enter_count = n;
}

/* When the actions are known. */
static void
read_enters(struct policy_reader *r, const struct gr_node *root, struct policy_phase *phases)
{
    const struct gr_node *list = gr_node_get(root, "phases");
    size_t i = 0;

    if (!list || !phases || r->p->phase_count != list->count)
        return;
    gr_node_each (item, list) {
        if (item->kind == GR_NODE_MAP)
            read_on_enter(r, pj_member(r, item, "on_enter", OPTIONAL, GR_NODE_LIST), &phases[i]);
        i++;
    }
}

static void
read_guardrail_phases(struct policy_reader *r, const struct gr_node *map, struct policy_guardrail *g)
{
    const struct gr_node *list = pj_member(r, map, "phases", REQUIRED, GR_NODE_LIST);

    gr_node_each (item, list) {
        const struct policy_phase *phase =
            item->kind == GR_NODE_SCALAR ? policy_phase(r->p, item->text) : NULL;

        if (phase)
            g->phase_mask |= UINT64_C(1) << phase->index;
        else if (r->p->phases)
            pj_fail(r, GR0301, item->span, "no phase has this name");
    }
    if (list && list->count == 0)
        pj_fail(r, GR0108, list->span, "a guardrail needs a phase");
}

static void
read_use(struct policy_reader *r, const struct gr_node *node, struct policy_use *use)
{
    static const char *const verbs[] = {"hold", "extend", "halt", "abort"};

    for (size_t i = 0; i < GR_COUNT(verbs); i++)
        if (gr_str_is(node->text, verbs[i])) {
            use->verb = (enum policy_verb)i;
            return;
        }
    use->verb = VERB_ACTION;
    use->action = policy_action(r->p, node->text);
    if (!use->action)
        pj_fail(r, GR0304, node->span, "no action has this name");
}

static bool
same_use(const struct policy_use *a, const struct policy_use *b)
{
    bool rollbacks =
        a->action && b->action && a->action->kind == ACTION_ROLLBACK && b->action->kind == ACTION_ROLLBACK;

    return a->verb == b->verb && (a->action == b->action || rollbacks);
}

static void
read_uses(struct policy_reader *r, const struct gr_node *on, enum policy_level level,
          struct policy_guardrail *g)
{
    const struct gr_node *list = pj_member(r, on, level_names[level], OPTIONAL, GR_NODE_LIST);
    struct policy_use *uses;
    size_t n = 0, i = 0;

    if (!(uses = pj_array(r, list, POLICY_USES_MAX, sizeof *uses, &n)))
        return;
    gr_node_each (item, list) {
        if (item->kind != GR_NODE_SCALAR) {
            pj_fail(r, GR0103, item->span, "an action's name is expected here");
            return;
        }
        read_use(r, item, &uses[i]);
        for (size_t k = 0; k < i; k++)
            if (same_use(&uses[k], &uses[i]))
                pj_fail(r, GR0106, item->span, "the same action twice, or two rollbacks");
        i++;
    }
    g->on[level].uses = uses;
    g->on[level].count = n;
}

static void
read_limits(struct policy_reader *r, const struct gr_node *map, struct policy_guardrail *g)
{
    static const char *const sides[] = {"upper", "lower", "backstop", "backstop_lower"};
    const struct gr_node *list = pj_member(r, map, "limits", REQUIRED, GR_NODE_LIST);
    struct policy_limit *limits;
    size_t n = 0, i = 0, level = 0, side = 0;

    if (list && list->count == 0)
        pj_fail(r, GR0108, list->span, "a guardrail has at least one limit");
    if (!(limits = pj_array(r, list, 64, sizeof *limits, &n)))
        return;
    gr_node_each (item, list) {
        struct policy_limit *limit = &limits[i++];

        if (item->kind != GR_NODE_MAP) {
            pj_fail(r, GR0103, item->span, "a limit is a map");
            continue;
        }
        if (pj_choice(r, item, "level", REQUIRED, level_names, 2,
                      &level)) /* only hard and soft have limits */
            limit->level = (enum policy_level)level;
        if (pj_choice(r, item, "side", REQUIRED, sides, GR_COUNT(sides), &side))
            limit->side = gr_str(sides[side]);
        (void)pj_text(r, item, "text", REQUIRED, &limit->text);
    }
    g->limits = limits;
    g->limit_count = n;
}

static bool
slice_label_known(const struct policy_guardrail *g, struct gr_str name)
{
    for (size_t i = 0; i < g->slice_label_count; i++)
        if (gr_str_eq(g->slice_labels[i], name))
            return true;
    return false;
}

/* Dynamic labels are slice labels too, whether or not the file lists them there. */
static void
join_dynamic(struct policy_reader *r, struct policy_guardrail *g)
{
    struct gr_str *all = gr_arena_array(r->arena, g->slice_label_count + g->dynamic_label_count, sizeof *all);
    size_t n = 0;

    if (!all) {
        r->no_memory = true;
        return;
    }
    for (; n < g->slice_label_count; n++)
        all[n] = g->slice_labels[n];
    for (size_t i = 0; i < g->dynamic_label_count; i++) {
        g->slice_labels = all;
        g->slice_label_count = n;
        if (!slice_label_known(g, g->dynamic_labels[i]))
            all[n++] = g->dynamic_labels[i];
    }
    g->slice_labels = all;
    g->slice_label_count = n;
}

static void
read_guardrail(struct policy_reader *r, const struct gr_node *map, struct policy_guardrail *g)
{
    static const char *const holds[] = {"hold"}, *const allows[] = {"allow"};
    const struct gr_node *on, *snapshot, *slices, *dynamic;
    size_t one;

    if (map->kind != GR_NODE_MAP) {
        pj_fail(r, GR0103, map->span, "a guardrail is a map");
        return;
    }
    (void)pj_name(r, map, "name", REQUIRED, &g->name);
    g->source = g->name;
    (void)pj_text(r, map, "group", OPTIONAL, &g->group);
    if (pj_text(r, map, "source", OPTIONAL, &g->source) && g->source.n == 0)
        g->source = g->name;
    (void)pj_text(r, map, "runbook_url", OPTIONAL, &g->runbook_url);
    read_guardrail_phases(r, map, g);
    slices = pj_member(r, map, "slice_labels", OPTIONAL, GR_NODE_LIST);
    dynamic = pj_member(r, map, "dynamic_labels", OPTIONAL, GR_NODE_LIST);
    check_label_names(r, slices);
    check_label_names(r, dynamic);
    (void)pj_texts(r, slices, 32, &g->slice_labels, &g->slice_label_count);
    (void)pj_texts(r, dynamic, 32, &g->dynamic_labels, &g->dynamic_label_count);
    join_dynamic(r, g);
    on = pj_member(r, map, "on", REQUIRED, GR_NODE_MAP);
    for (size_t i = 0; i < POLICY_LEVELS; i++)
        read_uses(r, on, (enum policy_level)i, g);
    read_limits(r, map, g);
    g->common_cause_hold = pj_choice(r, map, "common_cause", OPTIONAL, holds, GR_COUNT(holds), &one);
    g->thin_allow = pj_choice(r, map, "thin", OPTIONAL, allows, GR_COUNT(allows), &one);
    g->snapshot_scale = 1;
    if ((snapshot = pj_member(r, map, "snapshot", OPTIONAL, GR_NODE_MAP))) {
        (void)pj_text(r, snapshot, "query", REQUIRED, &g->snapshot_query);
        (void)pj_double(r, snapshot, "scale", OPTIONAL, -DBL_MAX, DBL_MAX, &g->snapshot_scale);
        (void)pj_text(r, snapshot, "unit", OPTIONAL, &g->snapshot_unit);
    }
}

static int
by_name(const void *a, const void *b)
{
    const struct policy_guardrail *const *x = a, *const *y = b;
    int order = gr_str_cmp((*x)->name, (*y)->name);

    return order != 0 ? order : ((*x)->index > (*y)->index) - ((*x)->index < (*y)->index);
}

static void
index_guardrails(struct policy_reader *r, const struct gr_node *list)
{
    size_t n = r->p->guardrail_count, i = 0;
    const struct policy_guardrail **order = gr_arena_array(r->arena, n, sizeof(void *));

    if (!order) {
        r->no_memory = true;
        return;
    }
    for (; i < n; i++)
        order[i] = &r->p->guardrails[i];
    qsort(order, n, sizeof(void *), by_name);
    r->p->guardrails_by_name = order;
    for (i = 1; i < n; i++)
        if (order[i]->name.n > 0 && gr_str_eq(order[i - 1]->name, order[i]->name))
            pj_fail(r, GR0106, list->span, "two guardrails are named " GR_FMT, GR_ARG(order[i]->name));
}

static void
read_guardrails(struct policy_reader *r, const struct gr_node *root)
{
    const struct gr_node *list = pj_member(r, root, "guardrails", REQUIRED, GR_NODE_LIST);
    struct policy_guardrail *guardrails;
    size_t n = 0, i = 0;

    if (list && list->count == 0)
        pj_fail(r, GR0108, list->span, "at least one guardrail is needed");
    if (!(guardrails = pj_array(r, list, POLICY_GUARDRAILS_MAX, sizeof *guardrails, &n)))
        return;
    gr_node_each (item, list) {
        guardrails[i].index = i;
        read_guardrail(r, item, &guardrails[i]);
        i++;
    }
    r->p->guardrails = guardrails;
    r->p->guardrail_count = n;
    index_guardrails(r, list);
}

/* A guardrail without slices has one series: no list, [] and [{}] all say so. */
static void
read_slices(struct policy_reader *r, const struct gr_node *list, struct policy_expected *e)
{
    size_t n = 0, i = 0;
    struct label_set *slices = pj_array(r, list, 10000, sizeof *slices, &n);

    if (n == 0) {
        if (!(slices = gr_arena_array(r->arena, 1, sizeof *slices)))
            r->no_memory = true;
        n = 1;
    }
    if (r->no_memory)
        return; /* the list may be longer than what there is */
    gr_node_each (item, list) {
        if (!pj_labels(r, item, &slices[i]))
            return;
        for (size_t k = 0; k < slices[i].count && e->guardrail; k++)
            if (!slice_label_known(e->guardrail, slices[i].items[k].name))
                pj_fail(r, GR0303, item->span, "the guardrail has no slice label " GR_FMT,
                        GR_ARG(slices[i].items[k].name));
        i++;
    }
    e->slices = slices;
    e->slice_count = n;
}

static void
read_expected_row(struct policy_reader *r, const struct gr_node *map, struct policy_expected *e)
{
    struct gr_str name;

    if (map->kind != GR_NODE_MAP) {
        pj_fail(r, GR0103, map->span, "a map is expected here");
        return;
    }
    if (pj_labels(r, pj_member(r, map, "stream", REQUIRED, GR_NODE_MAP), &e->stream) &&
        !policy_stream(r->p, e->stream) && r->p->streams)
        pj_fail(r, GR0601, gr_node_get(map, "stream")->span, "this is none of the streams");
    if (pj_text(r, map, "guardrail", REQUIRED, &name)) {
        e->guardrail = policy_guardrail(r->p, name);
        if (!e->guardrail && r->p->guardrails)
            pj_fail(r, GR0601, gr_node_get(map, "guardrail")->span, "no guardrail has this name");
    }
    read_slices(r, pj_member(r, map, "slices", OPTIONAL, GR_NODE_LIST), e);
}

static void
read_expected(struct policy_reader *r, const struct gr_node *root)
{
    const struct gr_node *list = pj_member(r, root, "expected", REQUIRED, GR_NODE_LIST);
    struct policy_expected *rows;
    size_t n = 0, i = 0;

    if (list && list->count == 0)
        pj_fail(r, GR0108, list->span, "a policy that expects nothing could prove nothing");
    if (!(rows = pj_array(r, list, 100000, sizeof *rows, &n)))
        return;
    gr_node_each (item, list) {
        read_expected_row(r, item, &rows[i++]);
    }
    r->p->expected = rows;
    r->p->expected_count = n;
}

static bool
uses_action(const struct policy_guardrail *g, enum policy_level level, const struct policy_action *action)
{
    for (size_t u = 0; u < g->on[level].count; u++)
        if (g->on[level].uses[u].action == action)
            return true;
    return false;
}

/* The actions of one sort that any guardrail uses at a level, each once, the first few by name. */
static size_t
collect_pagers(const struct policy *p, const struct policy_action **out, bool slack, enum policy_level level)
{
    size_t n = 0;

    for (size_t i = 0; i < p->action_count && n < POLICY_PAGERS_MAX; i++) {
        const struct policy_action *action = &p->actions[i];
        bool fits = slack ? action->kind == ACTION_SLACK
                          : action->kind == ACTION_PAGERDUTY || action->kind == ACTION_OPSGENIE ||
                                action->kind == ACTION_JSM;

        for (size_t k = 0; fits && k < p->guardrail_count; k++)
            if (uses_action(&p->guardrails[k], level, action)) {
                out[n++] = action;
                break;
            }
    }
    return n;
}

static void
find_pagers(struct policy_reader *r)
{
    const struct policy_action **pagers = gr_arena_array(r->arena, r->p->action_count, sizeof(void *));

    if (!pagers) {
        r->no_memory = true;
        return;
    }
    for (size_t level = 0; level < POLICY_LEVELS && r->p->pager_count == 0; level++) {
        r->p->pager_count = collect_pagers(r->p, pagers, false, (enum policy_level)level);
        if (r->p->pager_count == 0)
            r->p->pager_count = collect_pagers(r->p, pagers, true, (enum policy_level)level);
    }
    r->p->pagers = pagers;
}

void
policy_read(struct policy_reader *r, const struct gr_node *root)
{
    struct policy_phase *phases;
    int64_t format;

    if (!root || root->kind != GR_NODE_MAP) {
        pj_fail(r, GR0601, root ? root->span : GR_SPAN_NONE, "a policy is a JSON object");
        return;
    }
    if (!pj_int(r, root, "format", REQUIRED, GR_POLICY_FORMAT, GR_POLICY_FORMAT, &format))
        return; /* another format: nothing behind it means what we think */
    read_head(r, root);
    read_streams(r, root);
    read_cohorts(r, root);
    phases = read_phases(r, root);
    policy_read_actions(r, pj_member(r, root, "actions", REQUIRED, GR_NODE_MAP));
    read_enters(r, root, phases);
    read_guardrails(r, root);
    read_expected(r, root);
    if (!r->bad && !r->no_memory)
        find_pagers(r);
}
