#include "config.h"
#include "backend.h"

#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "jsonout.h"
#include "outnames.h"
#include "timescale.h"

struct out {
    const struct model *m;
    struct jsonout j;
    struct gr_buf text; /* at work */
    enum gr_err err;    /* the first failure outside j */
};

static void
note(struct out *o, enum gr_err err)
{
    if (o->err == GR_OK)
        o->err = err;
}

/* Adds o->text and empties it; its error is kept in mind. */
static void
put_text(struct out *o, cJSON *object, const char *key)
{
    note(o, gr_buf_err(&o->text));
    jsonout_str(&o->j, object, key, gr_buf_str(&o->text));
    gr_buf_reset(&o->text);
}

static void
put_strs(struct out *o, cJSON *parent, const char *key, const struct strs *s)
{
    cJSON *list = jsonout_array(&o->j, parent, key);

    for (size_t i = 0; i < s->n; i++)
        jsonout_str(&o->j, list, NULL, s->v[i]);
}

static void
put_pairs(struct out *o, cJSON *object, const struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++)
        jsonout_str(&o->j, object, jsonout_key(&o->j, p->v[i].key), p->v[i].value);
}

static void
put_ms(struct out *o, cJSON *parent, const char *key, int64_t ms)
{
    jsonout_num(&o->j, parent, key, (double)ms); /* durations end at ten years: far below 2^53 */
}

/* -- head, phases -------------------------------------------------------------------------------------------------------- */

static void
put_head(struct out *o, cJSON *root)
{
    const struct model *m = o->m;
    cJSON *list, *cohorts, *flows;

    jsonout_num(&o->j, root, "format", GR_POLICY_FORMAT);
    jsonout_cstr(&o->j, root, "compiler", "guardrail " PACKAGE_VERSION);
    jsonout_str(&o->j, root, "spec", m->spec);
    jsonout_str(&o->j, root, "spec_hash", m->spec_hash);
    jsonout_num(&o->j, root, "time_scale", m->time_scale);
    jsonout_str(&o->j, root, "owner", m->owner);
    put_strs(o, root, "release_labels", &m->release_labels);
    list = jsonout_array(&o->j, root, "streams");
    for (size_t i = 0; i < m->n_streams; i++)
        put_pairs(o, jsonout_object(&o->j, list, NULL), &m->streams[i].release);
    cohorts = jsonout_object(&o->j, root, "cohorts");
    jsonout_str(&o->j, cohorts, "label", m->cohort_label);
    jsonout_str(&o->j, cohorts, "canary", m->canary);
    jsonout_str(&o->j, cohorts, "control", m->control);
    put_ms(o, root, "sampling_ms", model_ms(m, m->sampling_ms));
    if (m->flow_label.n == 0)
        return;
    flows = jsonout_object(&o->j, root, "flows");
    jsonout_str(&o->j, flows, "label", m->flow_label);
    put_strs(o, flows, "values", &m->flows);
}

/* Time limits of programs stand as the spec has them: a program runs no faster in a demo. */
static void
put_program(struct out *o, cJSON *object, const struct program *p, bool is_pipeline)
{
    jsonout_str(&o->j, object, "name", p->name);
    if (is_pipeline) {
        cJSON *list = jsonout_array(&o->j, object, "pipeline");

        for (size_t i = 0; i < p->n_argv; i++)
            put_strs(o, list, NULL, &p->argv[i]);
    } else {
        put_strs(o, object, "run", &p->argv[0]);
    }
    put_ms(o, object, "timeout_ms", p->timeout_ms);
}

static void
put_programs(struct out *o, cJSON *parent, const char *key, const struct program *p, size_t n)
{
    cJSON *list = jsonout_array(&o->j, parent, key);

    for (size_t i = 0; i < n; i++)
        put_program(o, jsonout_object(&o->j, list, NULL), &p[i], false);
}

static void
put_phases(struct out *o, cJSON *root)
{
    cJSON *list = jsonout_array(&o->j, root, "phases");

    for (size_t i = 0; i < o->m->n_phases; i++) {
        const struct phase *p = &o->m->phases[i];
        cJSON *object = jsonout_object(&o->j, list, NULL), *traffic;

        jsonout_str(&o->j, object, "name", p->name);
        jsonout_bool(&o->j, object, "shadow", p->shadow);
        jsonout_bool(&o->j, object, "final", p->final);
        put_ms(o, object, "min_duration_ms", model_ms(o->m, p->min_ms));
        put_ms(o, object, "max_duration_ms", model_ms(o->m, p->max_ms));
        traffic = jsonout_object(&o->j, object, "traffic");
        for (size_t k = 0; k < p->n_traffic; k++)
            jsonout_num(&o->j, traffic, jsonout_key(&o->j, p->traffic[k].flow),
                        gr_dec_double(p->traffic[k].ratio));
        put_programs(o, object, "checks", p->checks, p->n_checks);
        put_programs(o, object, "requires", p->requires, p->n_requires);
    }
}

/* -- guardrails ---------------------------------------------------------------------------------------------------------- */

/* The bound in words: "+40% over control", "-5% against control", "below 10%", "at or above 5min", "5% whatever control says". */
static void
put_limit_text(struct out *o, cJSON *object, const struct limit *l, const struct bound *b)
{
    bool both = gr_str_starts(b->text, GR_STR("\xc2\xb1")) || gr_str_starts(b->text, GR_STR("+-"));
    const char *side = side_is_lower(b->side) ? "below " : "above ";

    if (side_is_backstop(b->side)) {
        gr_buf_printf(&o->text, "%s" GR_FMT " whatever control says",
                      both                     ? "outside "
                      : side_is_lower(b->side) ? "below "
                                               : "",
                      GR_ARG(b->text));
    } else if (l->against != AGAINST_FIXED) {
        gr_buf_put(&o->text, b->text);
        gr_buf_puts(&o->text, b->side == SIDE_UPPER && !both ? " over control" : " against control");
    } else if (both) {
        gr_buf_printf(&o->text, "outside " GR_FMT, GR_ARG(b->text));
    } else {
        gr_buf_printf(&o->text, "%s%s" GR_FMT, b->inclusive ? "at or " : "", side, GR_ARG(b->text));
    }
    gr_buf_puts(&o->text, b->only_overrides ? " in some slices" : "");
    put_text(o, object, "text");
}

static void
put_limits(struct out *o, cJSON *parent, const struct limit *l)
{
    cJSON *list = jsonout_array(&o->j, parent, "limits");

    for (size_t i = 0; i < l->n_bounds; i++) {
        cJSON *object = jsonout_object(&o->j, list, NULL);

        jsonout_cstr(&o->j, object, "level", level_name(l->bounds[i].level));
        jsonout_cstr(&o->j, object, "side", side_name(l->bounds[i].side));
        put_limit_text(o, object, l, &l->bounds[i]);
    }
}

/* What the release log quotes: the canary's value over the window, as people read it. */
static void
put_snapshot(struct out *o, cJSON *parent, const struct guardrail *g)
{
    cJSON *object = jsonout_object(&o->j, parent, "snapshot");
    struct gr_str cohorts[] = {o->m->canary, GR_STR(COHORT_STREAM)};
    struct gr_dec scale = GR_DEC(1, 0);

    gr_buf_puts(&o->text, "guardrail:window:value{");
    outname_matcher(&o->text, GR_LABEL_SPEC, o->m->spec);
    gr_buf_putc(&o->text, ',');
    outname_matcher(&o->text, GR_LABEL_GUARDRAIL, g->name);
    gr_buf_putc(&o->text, ',');
    outname_matcher_any(&o->text, "cohort", cohorts, GR_COUNT(cohorts));
    gr_buf_putc(&o->text, '}');
    put_text(o, object, "query");
    if (g->metric.unit && g->metric.show)
        note(o, gr_unit_convert(scale, g->metric.unit, g->metric.show, &scale));
    jsonout_num(&o->j, object, "scale", gr_dec_double(scale));
    jsonout_str(&o->j, object, "unit",
                g->metric.show ? gr_str_trim(gr_str(g->metric.show->label)) : GR_STR_NONE);
}

static void
put_guardrail(struct out *o, cJSON *list, const struct guardrail *g)
{
    cJSON *object = jsonout_object(&o->j, list, NULL), *sub;

    jsonout_str(&o->j, object, "name", g->name);
    jsonout_str(&o->j, object, "group", g->group);
    jsonout_str(&o->j, object, "source", g->source);
    jsonout_str(&o->j, object, "runbook_url", g->runbook);
    sub = jsonout_array(&o->j, object, "phases");
    for (size_t i = 0; i < o->m->n_phases; i++)
        if (g->phases & (UINT32_C(1) << i))
            jsonout_str(&o->j, sub, NULL, o->m->phases[i].name);
    put_strs(o, object, "slice_labels", &g->compare_within);
    put_strs(o, object, "dynamic_labels", &g->dynamic);
    sub = jsonout_object(&o->j, object, "on");
    for (int level = LEVEL_HARD; level < LEVEL_COUNT; level++)
        put_strs(o, sub, level_name((enum level)level), &g->on[level]);
    put_limits(o, object, &g->limit);
    if (g->limit.common_cause_hold)
        jsonout_cstr(&o->j, object, "common_cause", "hold");
    if (g->evidence.thin_allow)
        jsonout_cstr(&o->j, object, "thin", "allow");
    put_snapshot(o, object, g);
}

/* One row per (stream, guardrail) that has slices there; a guardrail of the whole stream has one slice without labels. */
static void
put_expected(struct out *o, cJSON *list, const struct guardrail *g, uint32_t stream)
{
    cJSON *slices = NULL;

    for (size_t i = 0; i < g->n_expected; i++) {
        if (g->expected[i].stream != stream)
            continue;
        if (!slices) {
            cJSON *object = jsonout_object(&o->j, list, NULL);

            put_pairs(o, jsonout_object(&o->j, object, "stream"), &o->m->streams[stream].release);
            jsonout_str(&o->j, object, "guardrail", g->name);
            slices = jsonout_array(&o->j, object, "slices");
        }
        put_pairs(o, jsonout_object(&o->j, slices, NULL), &g->expected[i].labels);
    }
}

/* -- actions ------------------------------------------------------------------------------------------------------------- */

static void
put_query(struct out *o, cJSON *object, const struct step *s)
{
    struct gr_promql *e;

    if (o->m->time_scale <= 1 || !s->query) {
        jsonout_str(&o->j, object, "query", s->query_text);
        return;
    }
    if (!(e = gr_promql_clone(o->m->arena, s->query))) {
        note(o, GR_ENOMEM);
        return;
    }
    timescale_apply(o->m, e);
    gr_promql_print(&o->text, e);
    put_text(o, object, "query");
}

static const char *const on_failure_names[] = {
    [ON_FAILURE_ABORT] = "abort",
    [ON_FAILURE_CONTINUE] = "continue",
    [ON_FAILURE_PAGE] = "page",
};

static void
put_step(struct out *o, cJSON *list, const struct step *s)
{
    cJSON *object = jsonout_object(&o->j, list, NULL);

    if (s->program.n_argv > 0) {
        put_program(o, object, &s->program, s->is_pipeline);
        if (s->probe.n > 0)
            put_strs(o, object, "probe", &s->probe);
    } else {
        jsonout_str(&o->j, object, "name", s->program.name);
        put_query(o, object, s);
        jsonout_num(&o->j, object, s->below ? "below" : "above", gr_dec_double(s->threshold));
        jsonout_cstr(&o->j, object, "no_data", s->no_data_ok ? "ok" : "fail");
        put_ms(o, object, "within_ms", model_ms(o->m, s->within_ms));
    }
    jsonout_cstr(&o->j, object, "on_failure", on_failure_names[s->on_failure]);
    if (s->program.n_argv == 0)
        return;
    jsonout_bool(&o->j, object, "idempotent", s->idempotent);
    jsonout_num(&o->j, object, "retries", s->retries);
}

static const char *const kind_names[] = {
    [ACTION_ROLLBACK] = "rollback", [ACTION_PAGERDUTY] = "pagerduty", [ACTION_SLACK] = "slack",
    [ACTION_JIRA] = "jira",         [ACTION_OPSGENIE] = "opsgenie",   [ACTION_JSM] = "jsm",
    [ACTION_HTTP] = "http",
};

/* Settings that guardraild knows by one name, whatever the target: where it is, and the file with what proves who asks. */
static const struct {
    enum action_kind kind;
    const char *key, *member;
} members[] = {
    {ACTION_OPSGENIE, "api_key_file", "token_file"},
    {ACTION_JSM, "api_key_file", "token_file"},
    {ACTION_HTTP, "url", "base_url"},
};

static void
put_settings(struct out *o, cJSON *object, const struct action *a)
{
    for (size_t i = 0; i < a->settings.n; i++) {
        struct gr_str key = a->settings.v[i].key;

        for (size_t k = 0; k < GR_COUNT(members); k++)
            if (a->kind == members[k].kind && gr_str_is(key, members[k].key)) {
                key = gr_str(members[k].member);
                break;
            }
        jsonout_str(&o->j, object, jsonout_key(&o->j, key), a->settings.v[i].value);
    }
}

static void
put_action(struct out *o, cJSON *actions, const struct action *a)
{
    cJSON *object = jsonout_object(&o->j, actions, jsonout_key(&o->j, a->name));

    jsonout_cstr(&o->j, object, "kind", kind_names[a->kind]);
    put_settings(o, object, a);
    if (a->kind == ACTION_ROLLBACK) {
        cJSON *steps = jsonout_array(&o->j, object, "steps");

        for (size_t i = 0; i < a->n_steps; i++)
            put_step(o, steps, &a->steps[i]);
    }
    if (a->escalate_after_ms > 0)
        put_ms(o, object, "escalate_after_ms", model_ms(o->m, a->escalate_after_ms));
    if (a->escalate_to.n > 0)
        jsonout_str(&o->j, object, "escalate_to", a->escalate_to);
}

/* -- the whole ----------------------------------------------------------------------------------------------------------- */

static void
put_tail(struct out *o, cJSON *root)
{
    cJSON *object = jsonout_object(&o->j, root, "actions");

    for (size_t i = 0; i < o->m->n_actions; i++)
        put_action(o, object, &o->m->actions[i]);
    note(o, outname_uid(o->m, GR_STR("overview"), &o->text));
    put_text(o, jsonout_object(&o->j, root, "dashboards"), "overview_uid");
    if (o->m->retention.decisions_ms > 0) /* how long records are kept; a demo shortens that as well */
        put_ms(o, jsonout_object(&o->j, root, "retention"), "decisions_ms",
               model_ms(o->m, o->m->retention.decisions_ms));
}

enum gr_err
emit_policy(const struct model *m, struct tree *t)
{
    struct out o = {.m = m, .text = GR_BUF_INIT(GR_POLICY_BYTES_MAX)};
    struct gr_buf b = GR_BUF_INIT(GR_POLICY_BYTES_MAX);
    cJSON *root, *list;
    enum gr_err err;

    jsonout_init(&o.j);
    root = jsonout_root(&o.j);
    put_head(&o, root);
    put_phases(&o, root);
    list = jsonout_array(&o.j, root, "guardrails");
    for (size_t i = 0; i < m->n_guardrails; i++)
        put_guardrail(&o, list, &m->guardrails[i]);
    list = jsonout_array(&o.j, root, "expected");
    for (uint32_t s = 0; s < m->n_streams; s++)
        for (size_t i = 0; i < m->n_guardrails; i++)
            put_expected(&o, list, &m->guardrails[i], s);
    put_tail(&o, root);
    err = jsonout_finish(&o.j, root, &b);
    if (err == GR_OK)
        err = o.err;
    if (err == GR_OK)
        err = tree_add(t, GR_STR("guardraild/policy.json"), &b);
    gr_buf_fini(&o.text);
    gr_buf_fini(&b);
    return err;
}
