#include "config.h"
#include "backend.h"

#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "jsonstream.h"
#include "outnames.h"
#include "timescale.h"

struct out {
    const struct model *m;
    struct jsonstream j;
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
put_text(struct out *o, struct json_at object, const char *key)
{
    note(o, gr_buf_err(&o->text));
    jsonstream_str(&o->j, object, gr_str(key), gr_buf_str(&o->text));
    gr_buf_reset(&o->text);
}

static void
put_strs(struct out *o, struct json_at parent, const char *key, const struct strs *s)
{
    struct json_at list = jsonstream_array(&o->j, parent, gr_str(key));

    for (size_t i = 0; i < s->n; i++)
        jsonstream_str(&o->j, list, GR_STR_NONE, s->v[i]);
}

static void
put_pairs(struct out *o, struct json_at object, const struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++)
        jsonstream_str(&o->j, object, p->v[i].key, p->v[i].value);
}

static void
put_ms(struct out *o, struct json_at parent, const char *key, int64_t ms)
{
    jsonstream_num(&o->j, parent, gr_str(key), (double)ms); /* durations end at ten years: far below 2^53 */
}

/* -- head, phases -------------------------------------------------------------------------------------------------------- */

static void
put_head(struct out *o, struct json_at root)
{
    const struct model *m = o->m;
    struct json_at list, cohorts, flows;

    jsonstream_num(&o->j, root, GR_STR("format"), GR_POLICY_FORMAT);
    jsonstream_str(&o->j, root, GR_STR("compiler"), GR_STR("guardrail " PACKAGE_VERSION));
    jsonstream_str(&o->j, root, GR_STR("spec"), m->spec);
    jsonstream_str(&o->j, root, GR_STR("spec_hash"), m->spec_hash);
    jsonstream_num(&o->j, root, GR_STR("time_scale"), m->time_scale);
    jsonstream_str(&o->j, root, GR_STR("owner"), m->owner);
    put_strs(o, root, "release_labels", &m->release_labels);
    list = jsonstream_array(&o->j, root, GR_STR("streams"));
    for (size_t i = 0; i < m->n_streams; i++)
        put_pairs(o, jsonstream_object(&o->j, list, GR_STR_NONE), &m->streams[i].release);
    cohorts = jsonstream_object(&o->j, root, GR_STR("cohorts"));
    jsonstream_str(&o->j, cohorts, GR_STR("label"), m->cohort_label);
    jsonstream_str(&o->j, cohorts, GR_STR("canary"), m->canary);
    jsonstream_str(&o->j, cohorts, GR_STR("control"), m->control);
    put_ms(o, root, "sampling_ms", model_ms(m, m->sampling_ms));
    if (m->flow_label.n == 0)
        return;
    flows = jsonstream_object(&o->j, root, GR_STR("flows"));
    jsonstream_str(&o->j, flows, GR_STR("label"), m->flow_label);
    put_strs(o, flows, "values", &m->flows);
}

/* Time limits of programs stand as the spec has them: a program runs no faster in a demo. */
static void
put_program(struct out *o, struct json_at object, const struct program *p, bool is_pipeline)
{
    jsonstream_str(&o->j, object, GR_STR("name"), p->name);
    if (is_pipeline) {
        struct json_at list = jsonstream_array(&o->j, object, GR_STR("pipeline"));

        for (size_t i = 0; i < p->n_argv; i++)
            put_strs(o, list, NULL, &p->argv[i]);
    } else {
        put_strs(o, object, "run", &p->argv[0]);
    }
    put_ms(o, object, "timeout_ms", p->timeout_ms);
}

static void
put_check(struct out *o, struct json_at object, const struct program *p)
{
    put_program(o, object, p, false);
    if (p->aborts)
        jsonstream_str(&o->j, object, GR_STR("on_failure"), GR_STR("abort"));
}

static void
put_programs(struct out *o, struct json_at parent, const char *key, const struct program *p, size_t n)
{
    struct json_at list = jsonstream_array(&o->j, parent, gr_str(key));

    for (size_t i = 0; i < n; i++)
        put_check(o, jsonstream_object(&o->j, list, GR_STR_NONE), &p[i]);
}

/* Each phase with traffic carries them: a pinned policy is read phase by phase. */
static void
put_on_enter(struct out *o, struct json_at parent)
{
    struct json_at list = jsonstream_array(&o->j, parent, GR_STR("on_enter"));

    for (size_t i = 0; i < o->m->n_on_enter; i++) {
        const struct enter_step *e = &o->m->on_enter[i];
        struct json_at object = jsonstream_object(&o->j, list, GR_STR_NONE);

        if (e->program.n_argv > 0) {
            put_program(o, object, &e->program, false);
        } else {
            jsonstream_str(&o->j, object, GR_STR("name"), e->program.name);
            jsonstream_str(&o->j, object, GR_STR("post"), e->post);
            put_ms(o, object, "timeout_ms", e->program.timeout_ms);
        }
        jsonstream_num(&o->j, object, GR_STR("retries"), e->retries);
    }
}

static void
put_phases(struct out *o, struct json_at root)
{
    struct json_at list = jsonstream_array(&o->j, root, GR_STR("phases"));

    for (size_t i = 0; i < o->m->n_phases; i++) {
        const struct phase *p = &o->m->phases[i];
        struct json_at object = jsonstream_object(&o->j, list, GR_STR_NONE), traffic;

        jsonstream_str(&o->j, object, GR_STR("name"), p->name);
        jsonstream_bool(&o->j, object, GR_STR("shadow"), p->shadow);
        jsonstream_bool(&o->j, object, GR_STR("final"), p->final);
        put_ms(o, object, "min_duration_ms", model_ms(o->m, p->min_ms));
        put_ms(o, object, "max_duration_ms", model_ms(o->m, p->max_ms));
        traffic = jsonstream_object(&o->j, object, GR_STR("traffic"));
        for (size_t k = 0; k < p->n_traffic; k++)
            jsonstream_num(&o->j, traffic, p->traffic[k].flow, gr_dec_double(p->traffic[k].ratio));
        put_programs(o, object, "checks", p->checks, p->n_checks);
        put_programs(o, object, "requires", p->requires, p->n_requires);
        if (p->n_traffic > 0 && o->m->n_on_enter > 0)
            put_on_enter(o, object);
    }
}

/* -- guardrails ---------------------------------------------------------------------------------------------------------- */

/* The bound in words: "+40% over control", "-5% against control", "below 10%", "at or above 5min", "5% whatever control says". */
static void
put_limit_text(struct out *o, struct json_at object, const struct limit *l, const struct bound *b)
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
put_limits(struct out *o, struct json_at parent, const struct limit *l)
{
    struct json_at list = jsonstream_array(&o->j, parent, GR_STR("limits"));

    for (size_t i = 0; i < l->n_bounds; i++) {
        struct json_at object = jsonstream_object(&o->j, list, GR_STR_NONE);

        jsonstream_str(&o->j, object, GR_STR("level"), gr_str(level_name(l->bounds[i].level)));
        jsonstream_str(&o->j, object, GR_STR("side"), gr_str(side_name(l->bounds[i].side)));
        put_limit_text(o, object, l, &l->bounds[i]);
    }
}

/* What the release log quotes: the canary's value over the window, as people read it. */
static void
put_snapshot(struct out *o, struct json_at parent, const struct guardrail *g)
{
    struct json_at object = jsonstream_object(&o->j, parent, GR_STR("snapshot"));
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
    jsonstream_num(&o->j, object, GR_STR("scale"), gr_dec_double(scale));
    jsonstream_str(&o->j, object, GR_STR("unit"),
                   g->metric.show ? gr_str_trim(gr_str(g->metric.show->label)) : GR_STR_NONE);
}

static void
put_guardrail(struct out *o, struct json_at list, const struct guardrail *g)
{
    struct json_at object = jsonstream_object(&o->j, list, GR_STR_NONE), sub;

    jsonstream_str(&o->j, object, GR_STR("name"), g->name);
    jsonstream_str(&o->j, object, GR_STR("group"), g->group);
    jsonstream_str(&o->j, object, GR_STR("source"), g->source);
    jsonstream_str(&o->j, object, GR_STR("runbook_url"), g->runbook);
    sub = jsonstream_array(&o->j, object, GR_STR("phases"));
    for (size_t i = 0; i < o->m->n_phases; i++)
        if (g->phases & (UINT32_C(1) << i))
            jsonstream_str(&o->j, sub, GR_STR_NONE, o->m->phases[i].name);
    put_strs(o, object, "slice_labels", &g->compare_within);
    put_strs(o, object, "dynamic_labels", &g->dynamic);
    sub = jsonstream_object(&o->j, object, GR_STR("on"));
    for (int level = LEVEL_HARD; level < LEVEL_COUNT; level++)
        put_strs(o, sub, level_name((enum level)level), &g->on[level]);
    put_limits(o, object, &g->limit);
    if (g->limit.common_cause_hold)
        jsonstream_str(&o->j, object, GR_STR("common_cause"), gr_str("hold"));
    if (g->evidence.thin_allow)
        jsonstream_str(&o->j, object, GR_STR("thin"), gr_str("allow"));
    put_snapshot(o, object, g);
}

/* One row per (stream, guardrail) that has slices there; a guardrail of the whole stream has one slice without labels. */
static void
put_expected(struct out *o, struct json_at list, const struct guardrail *g, uint32_t stream)
{
    struct json_at slices = {0, 0}; /* none yet: the root alone has depth 0 */

    for (size_t i = 0; i < g->n_expected; i++) {
        if (g->expected[i].stream != stream)
            continue;
        if (slices.depth == 0) {
            struct json_at object = jsonstream_object(&o->j, list, GR_STR_NONE);

            put_pairs(o, jsonstream_object(&o->j, object, GR_STR("stream")), &o->m->streams[stream].release);
            jsonstream_str(&o->j, object, GR_STR("guardrail"), g->name);
            slices = jsonstream_array(&o->j, object, GR_STR("slices"));
        }
        put_pairs(o, jsonstream_object(&o->j, slices, GR_STR_NONE), &g->expected[i].labels);
    }
}

/* -- actions ------------------------------------------------------------------------------------------------------------- */

static void
put_query(struct out *o, struct json_at object, const struct step *s)
{
    struct gr_promql *e;

    if (o->m->time_scale <= 1 || !s->query) {
        jsonstream_str(&o->j, object, GR_STR("query"), s->query_text);
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
put_step(struct out *o, struct json_at list, const struct step *s)
{
    struct json_at object = jsonstream_object(&o->j, list, GR_STR_NONE);

    if (s->program.n_argv > 0) {
        put_program(o, object, &s->program, s->is_pipeline);
        if (s->probe.n > 0)
            put_strs(o, object, "probe", &s->probe);
    } else {
        jsonstream_str(&o->j, object, GR_STR("name"), s->program.name);
        put_query(o, object, s);
        jsonstream_num(&o->j, object, s->below ? GR_STR("below") : GR_STR("above"),
                       gr_dec_double(s->threshold));
        jsonstream_str(&o->j, object, GR_STR("no_data"), gr_str(s->no_data_ok ? "ok" : "fail"));
        put_ms(o, object, "within_ms", model_ms(o->m, s->within_ms));
    }
    jsonstream_str(&o->j, object, GR_STR("on_failure"), gr_str(on_failure_names[s->on_failure]));
    if (s->program.n_argv == 0)
        return;
    jsonstream_bool(&o->j, object, GR_STR("idempotent"), s->idempotent);
    jsonstream_num(&o->j, object, GR_STR("retries"), s->retries);
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
put_settings(struct out *o, struct json_at object, const struct action *a)
{
    for (size_t i = 0; i < a->settings.n; i++) {
        struct gr_str key = a->settings.v[i].key;

        for (size_t k = 0; k < GR_COUNT(members); k++)
            if (a->kind == members[k].kind && gr_str_is(key, members[k].key)) {
                key = gr_str(members[k].member);
                break;
            }
        jsonstream_str(&o->j, object, key, a->settings.v[i].value);
    }
}

static void
put_action(struct out *o, struct json_at actions, const struct action *a)
{
    struct json_at object = jsonstream_object(&o->j, actions, a->name);

    jsonstream_str(&o->j, object, GR_STR("kind"), gr_str(kind_names[a->kind]));
    put_settings(o, object, a);
    if (a->kind == ACTION_ROLLBACK) {
        struct json_at steps = jsonstream_array(&o->j, object, GR_STR("steps"));

        for (size_t i = 0; i < a->n_steps; i++)
            put_step(o, steps, &a->steps[i]);
    }
    if (a->escalate_after_ms > 0)
        put_ms(o, object, "escalate_after_ms", model_ms(o->m, a->escalate_after_ms));
    if (a->escalate_to.n > 0)
        jsonstream_str(&o->j, object, GR_STR("escalate_to"), a->escalate_to);
}

/* -- the whole ----------------------------------------------------------------------------------------------------------- */

static void
put_tail(struct out *o, struct json_at root)
{
    struct json_at object = jsonstream_object(&o->j, root, GR_STR("actions"));

    for (size_t i = 0; i < o->m->n_actions; i++)
        put_action(o, object, &o->m->actions[i]);
    note(o, outname_uid(o->m, GR_STR("overview"), &o->text));
    put_text(o, jsonstream_object(&o->j, root, GR_STR("dashboards")), "overview_uid");
    if (o->m->retention.decisions_ms > 0) /* how long records are kept; a demo shortens that as well */
        put_ms(o, jsonstream_object(&o->j, root, GR_STR("retention")), "decisions_ms",
               model_ms(o->m, o->m->retention.decisions_ms));
}

enum gr_err
emit_policy(const struct model *m, struct tree *t)
{
    struct out o = {.m = m, .text = GR_BUF_INIT(GR_POLICY_BYTES_MAX)};
    struct gr_buf b = GR_BUF_INIT(GR_POLICY_BYTES_MAX);
    struct json_at root, list;
    enum gr_err err;

    root = jsonstream_begin(&o.j, &b);
    if (m->n_guardrails > MODEL_MANY)
        o.j.flat = 2; /* a line for each */
    put_head(&o, root);
    put_phases(&o, root);
    list = jsonstream_array(&o.j, root, GR_STR("guardrails"));
    for (size_t i = 0; i < m->n_guardrails; i++)
        put_guardrail(&o, list, &m->guardrails[i]);
    list = jsonstream_array(&o.j, root, GR_STR("expected"));
    for (uint32_t s = 0; s < m->n_streams; s++)
        for (size_t i = 0; i < m->n_guardrails; i++)
            put_expected(&o, list, &m->guardrails[i], s);
    put_tail(&o, root);
    jsonstream_end(&o.j);
    err = gr_buf_err(&b);
    if (err == GR_OK)
        err = o.err;
    if (err == GR_OK)
        err = tree_add(t, GR_STR("guardraild/policy.json"), &b);
    gr_buf_fini(&o.text);
    gr_buf_fini(&b);
    return err;
}
