/* facts_spec.c - what a specification says as a whole: phases, actions, budgets, what is kept. */
#include "config.h"
#include "facts_parts.h"

#include <math.h>

#include "guardrail/duration.h"

static struct gr_str
joined(struct facts_out *o, struct gr_str a, const char *between, struct gr_str b)
{
    return gr_arena_printf(o->a, GR_FMT "%s" GR_FMT, GR_ARG(a), between, GR_ARG(b));
}

/* ---- who and what ---- */

static struct gr_str
root_text(const struct model *m, const char *key)
{
    const struct gr_node *node = gr_node_get(m->root, key);

    return node && node->kind == GR_NODE_SCALAR ? node->text : GR_STR_NONE;
}

static size_t
expected_items(const struct stream *s)
{
    size_t n = 1;

    for (size_t i = 0; i < s->n_slice_labels; i++)
        n += s->slice_values[i].n;
    return n;
}

/* "cluster=equities", and "cluster=equities venue=XNAS" for each value that reports there. */
static void
put_expect(struct facts_out *o)
{
    const struct model *m = o->m;
    struct strs items = {NULL, 0};
    size_t n = 0;

    for (size_t i = 0; i < m->n_streams; i++)
        n += expected_items(&m->streams[i]);
    if (!(items.v = gr_arena_array(o->a, n, sizeof *items.v)))
        return;
    for (size_t i = 0; i < m->n_streams; i++) {
        const struct stream *s = &m->streams[i];
        struct gr_str name = GR_STR_NONE;

        for (size_t k = 0; k < s->release.n; k++)
            name = gr_arena_printf(o->a, GR_FMT "%s" GR_FMT "=" GR_FMT, GR_ARG(name), k ? " " : "",
                                   GR_ARG(s->release.v[k].key), GR_ARG(s->release.v[k].value));
        items.v[items.n++] = name;
        for (size_t k = 0; k < s->n_slice_labels; k++)
            for (size_t j = 0; j < s->slice_values[k].n; j++)
                items.v[items.n++] =
                    gr_arena_printf(o->a, GR_FMT " " GR_FMT "=" GR_FMT, GR_ARG(name),
                                    GR_ARG(s->slice_labels[k]), GR_ARG(s->slice_values[k].v[j]));
    }
    facts_items(o, ASPECT_EXPECT, GR_STR_NONE, NULL, items);
}

static void
put_head(struct facts_out *o)
{
    const struct model *m = o->m;

    facts_text(o, ASPECT_SPEC, GR_STR_NONE, NULL, m->spec);
    facts_text(o, ASPECT_OWNER, GR_STR_NONE, NULL, m->owner);
    facts_text(o, ASPECT_RUNBOOK_ALL, GR_STR_NONE, NULL, root_text(m, "runbook"));
    facts_count(o, ASPECT_TIME_SCALE, GR_STR_NONE, NULL, m->time_scale ? m->time_scale : 1);
    facts_items(o, ASPECT_RELEASE_LABELS, GR_STR_NONE, NULL, m->release_labels);
    facts_text(o, ASPECT_COHORT_LABEL, GR_STR_NONE, NULL, m->cohort_label);
    facts_text(o, ASPECT_CANARY, GR_STR_NONE, NULL, m->canary);
    facts_text(o, ASPECT_CONTROL, GR_STR_NONE, NULL, m->control);
    facts_items(o, ASPECT_COMPARE_WITHIN_ALL, GR_STR_NONE, NULL, m->compare_within);
    if (m->control_traffic != CONTROL_SAMPLE) {
        facts_text(o, ASPECT_CONTROL_TRAFFIC, GR_STR_NONE, NULL,
                   m->control_traffic == CONTROL_REST ? GR_STR("rest") : GR_STR("equal"));
        facts_number(o, ASPECT_SHARE_TOLERANCE, GR_STR_NONE, NULL, m->share_tolerance,
                     facts_percent(o->a, m->share_tolerance));
    }
    put_expect(o);
    for (size_t i = 0; i < m->n_dynamic; i++)
        facts_count(o, ASPECT_DYNAMIC_SLICES, m->dynamic[i].label, NULL, m->dynamic[i].at_most);
    facts_text(o, ASPECT_FLOW_LABEL, GR_STR_NONE, NULL, m->flow_label);
    facts_items(o, ASPECT_FLOWS, GR_STR_NONE, NULL, m->flows);
    facts_ms(o, ASPECT_SAMPLING, GR_STR_NONE, NULL, m->sampling_ms);
    facts_ms(o, ASPECT_SCRAPE, GR_STR_NONE, NULL, m->scrape_ms);
}

/* The threshold of one test in hundredths, with what it comes from: "1% over 156 tests". */
static void
put_tests(struct facts_out *o, enum aspect aspect, const char *path, enum level level, struct gr_dec budget)
{
    uint64_t tests = model_tests(o->m, level);
    double threshold = model_evidence_threshold(o->m, level);

    if (tests == 0 || budget.mant == 0)
        return;
    facts_number(o, aspect, GR_STR_NONE, path, gr_dec_int(llround(threshold * 100)),
                 gr_arena_printf(o->a, GR_FMT " over %llu test%s", GR_ARG(facts_percent(o->a, budget)),
                                 (unsigned long long)tests, tests == 1 ? "" : "s"));
}

static void
put_budgets(struct facts_out *o)
{
    const struct model *m = o->m;

    if (m->false_rollback_budget.mant != 0)
        facts_number(o, ASPECT_ROLLBACK_BUDGET, GR_STR_NONE, NULL, m->false_rollback_budget,
                     facts_percent(o->a, m->false_rollback_budget));
    /* The other one follows it where it is not stated. */
    if (m->false_alarm_budget.mant != 0 && gr_dec_cmp(m->false_alarm_budget, m->false_rollback_budget) != 0)
        facts_number(o, ASPECT_ALARM_BUDGET, GR_STR_NONE, NULL, m->false_alarm_budget,
                     facts_percent(o->a, m->false_alarm_budget));
    put_tests(o, ASPECT_HARD_TESTS, "false_rollback_budget", LEVEL_HARD, m->false_rollback_budget);
    if (gr_dec_cmp(m->false_alarm_budget, m->false_rollback_budget) != 0)
        put_tests(o, ASPECT_SOFT_TESTS, "false_alarm_budget", LEVEL_SOFT, m->false_alarm_budget);
}

/* ---- phases ---- */

/* [a, b] | [c] */
static struct gr_str
argv_text(struct facts_out *o, const struct strs *argv, size_t n)
{
    struct gr_str out = GR_STR_NONE;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < argv[i].n; k++)
            out = gr_arena_printf(o->a, GR_FMT "%s" GR_FMT "%s", GR_ARG(out),
                                  k > 0   ? ", "
                                  : i > 0 ? " | ["
                                          : "[",
                                  GR_ARG(argv[i].v[k]), k + 1 == argv[i].n ? "]" : "");
    return out;
}

static void
put_programs(struct facts_out *o, enum aspect aspect, const struct phase *p, const char *path,
             const struct program *programs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct gr_str run = argv_text(o, programs[i].argv, programs[i].n_argv);
        struct gr_buf b = GR_BUF_INIT(64);

        gr_duration_print(&b, programs[i].timeout_ms);
        facts_text(o, aspect, joined(o, p->name, "/", programs[i].name), path,
                   gr_arena_printf(o->a, GR_FMT " within " GR_FMT "%s", GR_ARG(run),
                                   GR_ARG(facts_keep(o->a, &b)),
                                   programs[i].aborts ? ", or the release is aborted" : ""));
    }
}

static void
put_phase(struct facts_out *o, const struct phase *p)
{
    facts_flag(o, ASPECT_PHASE_SHADOW, p->name, "shadow", p->shadow);
    facts_flag(o, ASPECT_PHASE_FINAL, p->name, "final", p->final);
    facts_ms(o, ASPECT_PHASE_MIN, p->name, "min_duration", p->min_ms);
    facts_ms(o, ASPECT_PHASE_MAX, p->name, "max_duration", p->max_ms);
    for (size_t i = 0; i < p->n_traffic; i++) {
        const struct share *s = &p->traffic[i];

        struct gr_str of = s->flow.n ? joined(o, p->name, "/", s->flow) : p->name;
        struct gr_str path = s->flow.n ? joined(o, GR_STR("traffic"), ".", s->flow) : GR_STR("traffic");

        if (s->ratio.mant != 0 && path.p)
            facts_number(o, ASPECT_PHASE_TRAFFIC, of, path.p, s->ratio, facts_percent(o->a, s->ratio));
    }
    put_programs(o, ASPECT_PHASE_CHECKS, p, "checks", p->checks, p->n_checks);
    put_programs(o, ASPECT_PHASE_REQUIRES, p, "requires", p->requires, p->n_requires);
}

static void
put_on_enter(struct facts_out *o)
{
    for (size_t i = 0; i < o->m->n_on_enter; i++) {
        const struct enter_step *e = &o->m->on_enter[i];
        struct gr_str what = e->program.n_argv > 0 ? argv_text(o, e->program.argv, e->program.n_argv)
                                                   : gr_arena_printf(o->a, "post " GR_FMT, GR_ARG(e->post));
        struct gr_buf b = GR_BUF_INIT(64);

        gr_duration_print(&b, e->program.timeout_ms);
        facts_text(o, ASPECT_ON_ENTER, e->program.name, "traffic.on_enter",
                   gr_arena_printf(o->a, GR_FMT " within " GR_FMT ", %u retries", GR_ARG(what),
                                   GR_ARG(facts_keep(o->a, &b)), e->retries));
    }
}

uint32_t
facts_default_phases(const struct model *m)
{
    uint32_t set = 0;

    for (size_t i = 0; i < m->n_phases; i++)
        if (!m->phases[i].final && model_has_traffic(&m->phases[i], GR_STR_NONE))
            set |= UINT32_C(1) << i;
    return set;
}

static void
put_phases(struct facts_out *o)
{
    struct strs names = {gr_arena_array(o->a, o->m->n_phases, sizeof *names.v), 0};
    struct strs usual = {gr_arena_array(o->a, o->m->n_phases, sizeof *usual.v), 0};
    uint32_t set = facts_default_phases(o->m);
    const struct gr_node *root = o->node;

    if (!names.v || !usual.v)
        return;
    for (size_t i = 0; i < o->m->n_phases; i++) {
        names.v[names.n++] = o->m->phases[i].name;
        if (set >> i & 1u)
            usual.v[usual.n++] = o->m->phases[i].name;
    }
    facts_items(o, ASPECT_PHASE, GR_STR_NONE, NULL, names);
    facts_items(o, ASPECT_PHASES_ALL, GR_STR_NONE, NULL, usual);
    for (size_t i = 0; i < o->m->n_phases; i++) {
        o->node = o->m->phases[i].node;
        o->span = o->m->phases[i].span;
        put_phase(o, &o->m->phases[i]);
    }
    o->node = root;
    o->span = GR_SPAN_NONE;
}

/* ---- actions ---- */

static const char *const kinds[] = {
    [ACTION_ROLLBACK] = "rollback", [ACTION_PAGERDUTY] = "pagerduty", [ACTION_SLACK] = "slack",
    [ACTION_JIRA] = "jira",         [ACTION_OPSGENIE] = "opsgenie",   [ACTION_JSM] = "jsm",
    [ACTION_HTTP] = "http",
};
static const char *const failures[] = {
    [ON_FAILURE_ABORT] = "abort", [ON_FAILURE_CONTINUE] = "continue", [ON_FAILURE_PAGE] = "page"};

static struct gr_str
query_text(struct facts_out *o, const struct step *s)
{
    return gr_arena_printf(o->a, GR_FMT " %s " GR_FMT, GR_ARG(s->query_text), s->below ? "below" : "above",
                           GR_ARG(facts_dec(o->a, s->threshold)));
}

static void
put_step(struct facts_out *o, const struct action *a, const struct step *s)
{
    struct gr_str of = joined(o, a->name, "/", s->program.name);
    bool program = s->program.n_argv > 0;

    facts_text(o, ASPECT_STEP_RUN, of, "steps",
               program ? argv_text(o, s->program.argv, s->program.n_argv) : query_text(o, s));
    facts_ms(o, ASPECT_STEP_TIMEOUT, of, "steps", program ? s->program.timeout_ms : 0);
    facts_text(o, ASPECT_STEP_PROBE, of, "steps", argv_text(o, &s->probe, 1));
    facts_text(o, ASPECT_STEP_ON_FAILURE, of, "steps", gr_str(failures[s->on_failure]));
    facts_flag(o, ASPECT_STEP_IDEMPOTENT, of, "steps", s->idempotent);
    facts_count(o, ASPECT_STEP_RETRIES, of, "steps", s->retries);
    facts_flag(o, ASPECT_STEP_NO_DATA, of, "steps", s->no_data_ok);
    facts_ms(o, ASPECT_STEP_WITHIN, of, "steps", program ? 0 : s->within_ms);
}

static void
put_action(struct facts_out *o, const struct action *a)
{
    struct strs steps = {gr_arena_array(o->a, a->n_steps + 1, sizeof *steps.v), 0};
    const char *kind = kinds[a->kind];

    facts_text(o, ASPECT_ACTION_KIND, a->name, kind, gr_str(kind));
    for (size_t i = 0; i < a->settings.n; i++)
        facts_text(o, ASPECT_ACTION_SETTING, joined(o, a->name, "/", a->settings.v[i].key), kind,
                   a->settings.v[i].value);
    facts_ms(o, ASPECT_ESCALATE_AFTER, a->name, "escalate_after", a->escalate_after_ms);
    facts_text(o, ASPECT_ESCALATE_TO, a->name, "escalate_to", a->escalate_to);
    for (size_t i = 0; steps.v && i < a->n_steps; i++)
        steps.v[steps.n++] = a->steps[i].program.name;
    facts_items(o, ASPECT_STEPS, a->name, "steps", steps);
    for (size_t i = 0; i < a->n_steps; i++)
        put_step(o, a, &a->steps[i]);
}

static void
put_actions(struct facts_out *o)
{
    struct strs names = {gr_arena_array(o->a, o->m->n_actions + 1, sizeof *names.v), 0};
    const struct gr_node *root = o->node;

    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        facts_items(o, (enum aspect)(ASPECT_ON_HARD_ALL + level), GR_STR_NONE, NULL, o->m->on[level]);
    for (size_t i = 0; names.v && i < o->m->n_actions; i++)
        names.v[names.n++] = o->m->actions[i].name;
    facts_items(o, ASPECT_ACTION, GR_STR_NONE, NULL, names);
    for (size_t i = 0; i < o->m->n_actions; i++) {
        o->node = o->m->actions[i].node;
        o->span = o->m->actions[i].span;
        put_action(o, &o->m->actions[i]);
    }
    o->node = root;
    o->span = GR_SPAN_NONE;
}

/* ---- the rest ---- */

/* Sections that say where things run: each value as it is written, by its path. Three deep, as deep as these go. */
static void
put_leaves(struct facts_out *o, enum aspect aspect, const struct gr_node *node, struct gr_str path,
           unsigned depth)
{
    struct gr_str text = GR_STR_NONE;

    if (!node || depth > 3)
        return;
    gr_node_each (item, node) {
        if (node->kind == GR_NODE_MAP)
            put_leaves(o, aspect, item, path.n ? joined(o, path, ".", item->key) : item->key, depth + 1);
        else if (item->kind == GR_NODE_SCALAR)
            text = text.n ? joined(o, text, ", ", item->text) : item->text;
    }
    facts_text(o, aspect, path, NULL, node->kind == GR_NODE_SCALAR ? node->text : text);
}

int64_t
facts_reaction_target(const struct model *m)
{
    int64_t ms = 0;

    return gr_duration_parse(root_text(m, "reaction_target"), &ms) == GR_OK ? ms : 0;
}

static void
put_waivers(struct facts_out *o)
{
    for (size_t i = 0; i < o->m->n_waivers; i++) {
        const struct waiver *w = &o->m->waivers[i];
        struct gr_str of = w->guardrail;

        for (size_t k = 0; k < w->parts.n; k++)
            of = of.n ? joined(o, of, ", ", w->parts.v[k]) : w->parts.v[k];
        o->span = w->span;
        facts_number(o, ASPECT_WAIVERS, of, "waivers.", gr_dec_int(w->until_s),
                     gr_arena_printf(o->a, "until " GR_FMT " (" GR_FMT ", " GR_FMT ")", GR_ARG(w->expires),
                                     GR_ARG(w->approved_by), GR_ARG(w->ticket)));
    }
    o->span = GR_SPAN_NONE;
}

static void
put_tail(struct facts_out *o)
{
    static const char *const per_order[] = {"none", "canary", "all"};
    const struct model *m = o->m;

    facts_text(o, ASPECT_WEBHOOK_URL, GR_STR_NONE, NULL, m->webhook_url);
    facts_text(o, ASPECT_WEBHOOK_TOKEN, GR_STR_NONE, NULL, m->webhook_token_file);
    facts_text(o, ASPECT_DASHBOARDS, GR_STR_NONE, NULL, m->dashboards_folder);
    facts_text(o, ASPECT_GRAFANA, GR_STR_NONE, NULL, m->grafana_url);
    facts_number(o, ASPECT_TRACES, GR_STR_NONE, NULL, m->tracing.canary_sampling,
                 facts_percent(o->a, m->tracing.canary_sampling));
    facts_ms(o, ASPECT_TRACES_KEPT, GR_STR_NONE, NULL, m->tracing.retention_ms);
    if (m->tracing.given)
        facts_number(o, ASPECT_TRACES_OTHER, GR_STR_NONE, NULL, m->tracing.other_sampling,
                     facts_percent(o->a, m->tracing.other_sampling));
    if (!gr_str_eq(m->tracing.attribute, m->cohort_label))
        facts_text(o, ASPECT_TRACES_ATTRIBUTE, GR_STR_NONE, NULL, m->tracing.attribute);
    facts_items(o, ASPECT_LOG_FIELDS, GR_STR_NONE, NULL, m->log_fields);
    for (size_t i = 0; i < GR_COUNT(per_order); i++)
        if (gr_str_is(m->per_order_logs, per_order[i]))
            facts_number(o, ASPECT_PER_ORDER, GR_STR_NONE, NULL, gr_dec_int((int64_t)i), m->per_order_logs);
    facts_text(o, ASPECT_ORDER_FIELD, GR_STR_NONE, NULL, m->order_field);
    facts_items(o, ASPECT_DAILY, GR_STR_NONE, NULL, m->daily_report_to);
    facts_items(o, ASPECT_MONTHLY, GR_STR_NONE, NULL, m->monthly_report_to);
    facts_ms(o, ASPECT_DECISIONS_KEPT, GR_STR_NONE, NULL, m->retention.decisions_ms);
    facts_ms(o, ASPECT_ARCHIVE_WITHIN, GR_STR_NONE, NULL, m->retention.archive_within_ms);
    facts_text(o, ASPECT_VAULT, GR_STR_NONE, NULL, m->retention.vault);
    put_leaves(o, ASPECT_KUBERNETES, gr_node_get(m->root, "kubernetes"), GR_STR_NONE, 0);
    put_leaves(o, ASPECT_DEPLOY, gr_node_get(m->root, "deploy"), GR_STR_NONE, 0);
    facts_ms(o, ASPECT_REACTION_TARGET_ALL, GR_STR_NONE, NULL, facts_reaction_target(m));
    put_waivers(o);
    facts_text(o, ASPECT_CHANGE_LOG, GR_STR_NONE, NULL, m->change_log);
    if (m->false_rollback_budget.mant != 0)
        facts_number(o, ASPECT_EVIDENCE_ALL, GR_STR_NONE, NULL, gr_dec_int(1), GR_STR("sequential"));
    else
        facts_number(o, ASPECT_EVIDENCE_ALL, GR_STR_NONE, NULL, gr_dec_int(0), GR_STR("point"));
}

/* Waivers of two overlays for the same guardrail: the one that holds longest. */
static size_t
without_doubles(struct fact *v, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct fact *last = kept > 0 ? &v[kept - 1] : NULL;

        if (!last || last->aspect != v[i].aspect || !gr_str_eq(last->of, v[i].of))
            v[kept++] = v[i];
        else if (gr_dec_cmp(v[i].number, last->number) > 0)
            *last = v[i];
    }
    return kept;
}

void
facts_spec(struct facts_out *o)
{
    put_head(o);
    put_budgets(o);
    put_phases(o);
    put_on_enter(o);
    put_actions(o);
    put_tail(o);
    facts_sort(o->v, o->n);
    o->n = without_doubles(o->v, o->n);
}
