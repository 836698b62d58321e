/* explain_json.c - what a guardrail will do, for programs. The form is in explain.h. */
#include "config.h"
#include "explain.h"

#include "jsonout.h"
#include "lower.h"

struct out {
    struct jsonout j;
    const struct explain *x;
    struct gr_buf text;
    cJSON *rules;
};

static void
put_text(struct out *o, cJSON *parent, const char *key)
{
    if (o->text.n > 0)
        jsonout_str(&o->j, parent, key, gr_buf_str(&o->text));
    else
        jsonout_null(&o->j, parent, key);
    gr_buf_reset(&o->text);
}

static void
put_ms(struct out *o, cJSON *parent, const char *key, int64_t ms)
{
    jsonout_num(&o->j, parent, key, (double)ms);
}

static void
put_place(struct out *o, cJSON *parent, const char *key, struct gr_span span)
{
    cJSON *at;

    if (span.file == 0) {
        jsonout_null(&o->j, parent, key);
        return;
    }
    at = jsonout_object(&o->j, parent, key);
    jsonout_str(&o->j, at, "file", gr_sources_get(o->x->sources, span.file)->name);
    jsonout_num(&o->j, at, "line", gr_sources_place(o->x->sources, span.file, span.start).line);
}

static void
put_pairs(struct out *o, cJSON *object, const struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++)
        jsonout_str(&o->j, object, jsonout_key(&o->j, p->v[i].key), p->v[i].value);
}

static void
put_strs(struct out *o, cJSON *parent, const char *key, struct strs list)
{
    cJSON *array = jsonout_array(&o->j, parent, key);

    for (size_t i = 0; i < list.n; i++)
        jsonout_str(&o->j, array, NULL, list.v[i]);
}

/* -- limits --------------------------------------------------------------------------------------------------------------------- */

static void
put_limit(struct out *o, cJSON *array, const struct bound *base, const struct limit_group *group)
{
    const struct bound *replaced = explain_replaced(o->x, base, group);
    cJSON *limit = jsonout_object(&o->j, array, NULL), *list;

    jsonout_cstr(&o->j, limit, "level", level_name(base->level));
    jsonout_cstr(&o->j, limit, "side", side_name(base->side));
    jsonout_str(&o->j, limit, "text", group->bound->text);
    jsonout_num(&o->j, limit, "value", gr_dec_double(group->bound->literal));
    put_place(o, limit, "at", group->bound->span);
    if (group->by) {
        cJSON *by = jsonout_object(&o->j, limit, "override");

        put_pairs(o, jsonout_object(&o->j, by, "where"), &group->by->where);
        if (base->only_overrides)
            jsonout_null(&o->j, by, "base");
        else
            jsonout_str(&o->j, by, "base", base->text);
        put_place(o, by, "base_at", base->only_overrides ? GR_SPAN_NONE : base->span);
    } else {
        jsonout_null(&o->j, limit, "override");
    }
    if (replaced) {
        cJSON *object = jsonout_object(&o->j, limit, "replaces");

        jsonout_str(&o->j, object, "text", replaced->text);
        put_place(o, object, "at", replaced->span);
    } else {
        jsonout_null(&o->j, limit, "replaces");
    }
    list = jsonout_array(&o->j, limit, "slices");
    for (size_t i = 0; i < group->n_slices; i++) {
        cJSON *slice = jsonout_object(&o->j, list, NULL);

        put_pairs(o, slice, &o->x->m->streams[group->slices[i]->stream].release);
        put_pairs(o, slice, &group->slices[i]->labels);
    }
    jsonout_bool(&o->j, limit, "outside_expect", group->outside);
}

static enum gr_err
put_limits(struct out *o, cJSON *parent)
{
    cJSON *array = jsonout_array(&o->j, parent, "limits");

    for (size_t i = 0; i < o->x->g->limit.n_bounds; i++) {
        const struct bound *base = &o->x->g->limit.bounds[i];
        struct limit_groups groups;
        enum gr_err err = explain_limits(o->x, base, &groups);

        if (err != GR_OK)
            return err;
        for (size_t k = 0; k < groups.n; k++)
            put_limit(o, array, base, &groups.v[k]);
    }
    return GR_OK;
}

static void
put_waivers(struct out *o, cJSON *parent)
{
    cJSON *array = jsonout_array(&o->j, parent, "waivers");

    for (size_t i = 0; i < o->x->m->n_waivers; i++) {
        const struct waiver *w = &o->x->m->waivers[i];
        cJSON *object;

        if (!gr_str_eq(w->guardrail, o->x->g->name))
            continue;
        object = jsonout_object(&o->j, array, NULL);
        jsonout_str(&o->j, object, "approved_by", w->approved_by);
        jsonout_str(&o->j, object, "ticket", w->ticket);
        jsonout_str(&o->j, object, "reason", w->reason);
        jsonout_str(&o->j, object, "expires", w->expires);
        put_place(o, object, "at", w->span);
    }
}

/* -- evidence, phases ------------------------------------------------------------------------------------------------------------- */

static bool
has_level(const struct guardrail *g, enum level level)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level)
            return true;
    return false;
}

/* Tests of a level share its budget. */
static void
put_budget(struct out *o, cJSON *parent, enum level level)
{
    const struct model *m = o->x->m;
    struct gr_dec budget = level == LEVEL_SOFT ? m->false_alarm_budget : m->false_rollback_budget;
    uint64_t tests = model_tests(m, level);
    cJSON *object;

    if (!is_sequential(o->x->g, NULL) || !has_level(o->x->g, level)) {
        jsonout_null(&o->j, parent, level_name(level));
        return;
    }
    object = jsonout_object(&o->j, parent, level_name(level));
    jsonout_num(&o->j, object, "tests", (double)tests);
    jsonout_num(&o->j, object, "alpha", gr_dec_double(budget) / (double)(tests ? tests : 1));
    jsonout_num(&o->j, object, "threshold", model_evidence_threshold(m, level));
}

static void
put_evidence(struct out *o, cJSON *parent)
{
    const struct guardrail *g = o->x->g;
    cJSON *object = jsonout_object(&o->j, parent, "evidence"), *tests, *confirm;

    jsonout_cstr(&o->j, object, "kind",
                 is_fixed(g, NULL)        ? "confirm"
                 : is_sequential(g, NULL) ? "sequential"
                                          : "point");
    tests = jsonout_object(&o->j, object, "tests");
    put_budget(o, tests, LEVEL_HARD);
    put_budget(o, tests, LEVEL_SOFT);
    confirm = jsonout_object(&o->j, object, "confirm");
    for (unsigned level = LEVEL_HARD; level <= LEVEL_SOFT; level++) {
        if (is_fixed(g, NULL) && has_level(g, (enum level)level))
            explain_evidence(g, (enum level)level, &o->text);
        put_text(o, confirm, level_name((enum level)level));
    }
    if (is_sum(g, NULL)) {
        jsonout_num(&o->j, object, "min_events", g->evidence.min_events);
        jsonout_num(&o->j, object, "min_total", g->evidence.min_total);
    } else {
        jsonout_null(&o->j, object, "min_events");
        jsonout_null(&o->j, object, "min_total");
    }
}

static void
put_phases(struct out *o, cJSON *parent)
{
    cJSON *array = jsonout_array(&o->j, parent, "phases");

    for (size_t i = 0; i < o->x->m->n_phases; i++) {
        const struct phase *p = &o->x->m->phases[i];
        struct coverage c = explain_coverage(o->x->m, o->x->g, p);
        cJSON *object;

        if (!(o->x->phases >> i & 1u))
            continue;
        object = jsonout_object(&o->j, array, NULL);
        jsonout_str(&o->j, object, "name", p->name);
        put_ms(o, object, "min_duration_ms", model_ms(o->x->m, p->min_ms));
        put_ms(o, object, "window_ms", (int64_t)c.slots * model_ms(o->x->m, o->x->m->sampling_ms));
        jsonout_num(&o->j, object, "slots", (double)c.slots);
        jsonout_num(&o->j, object, "needed_slots", (double)c.needed);
        put_ms(o, object, "covered_ms", c.sure_ms);
    }
}

/* -- levels ------------------------------------------------------------------------------------------------------------------------- */

static void
put_alert(struct out *o, cJSON *array, const struct alert *a)
{
    struct hit hits[ROUTES_HITS_MAX];
    size_t n = routes_hits(o->x->routes, a, hits);
    cJSON *object = jsonout_object(&o->j, array, NULL), *list;
    const struct inhibition *by;
    const struct alert *source;

    jsonout_str(&o->j, object, "alert", a->name);
    if (a->bound)
        jsonout_cstr(&o->j, object, "side", side_name(a->bound->side));
    else
        jsonout_null(&o->j, object, "side");
    list = jsonout_array(&o->j, object, "routes");
    for (size_t i = 0; i < n; i++) {
        cJSON *route = jsonout_object(&o->j, list, NULL);

        jsonout_cstr(&o->j, route, "receiver", hits[i].receiver->name);
        put_ms(o, route, "group_wait_ms", hits[i].timing->group_wait_ms);
        put_ms(o, route, "group_interval_ms", hits[i].timing->group_interval_ms);
        put_ms(o, route, "repeat_interval_ms", hits[i].timing->repeat_interval_ms);
        put_strs(o, route, "group_by", *hits[i].group_by);
    }
    if (routes_muted_by(o->x->routes, &o->x->alerts, a, &by, &source))
        jsonout_str(&o->j, object, "muted_by", source->name);
    else
        jsonout_null(&o->j, object, "muted_by");
}

static void
put_reaction(struct out *o, cJSON *array, const struct bound *b, const struct phase *p)
{
    struct reaction r = reaction_of(o->x->m, o->x->g, b, p);
    cJSON *object = jsonout_object(&o->j, array, NULL), *terms;

    if (b)
        jsonout_cstr(&o->j, object, "side", side_name(b->side));
    else
        jsonout_null(&o->j, object, "side");
    jsonout_str(&o->j, object, "phase", p->name);
    put_ms(o, object, "total_ms", r.total_ms);
    put_ms(o, object, "late_ms", r.late_ms);
    terms = jsonout_object(&o->j, object, "terms");
    for (unsigned i = 0; i < REACTION_TERMS; i++)
        put_ms(o, terms, reaction_term((enum reaction_what)i), r.ms[i]);
}

static void
put_level(struct out *o, cJSON *array, enum level level)
{
    const struct explain *x = o->x;
    cJSON *object = jsonout_object(&o->j, array, NULL), *list;

    jsonout_cstr(&o->j, object, "level", level_name(level));
    put_strs(o, object, "actions", x->g->on[level]);
    list = jsonout_array(&o->j, object, "alerts");
    for (size_t i = 0; i < x->alerts.n; i++)
        if (x->alerts.v[i].g == x->g && x->alerts.v[i].level == level)
            put_alert(o, list, &x->alerts.v[i]);
    list = jsonout_array(&o->j, object, "reactions");
    for (size_t i = 0; i < x->m->n_phases; i++) {
        if (!(x->phases >> i & 1u))
            continue;
        if (level == LEVEL_NO_DATA)
            put_reaction(o, list, NULL, &x->m->phases[i]);
        for (size_t k = 0; k < x->g->limit.n_bounds; k++)
            if (x->g->limit.bounds[k].level == level)
                put_reaction(o, list, &x->g->limit.bounds[k], &x->m->phases[i]);
    }
}

static void
put_rule(const struct explained_rule *r, void *context)
{
    struct out *o = context;
    cJSON *object = jsonout_object(&o->j, o->rules, NULL), *labels;

    jsonout_str(&o->j, object, "name", r->rule->name);
    labels = jsonout_object(&o->j, object, "labels");
    for (size_t i = 0; i < r->rule->labels.count; i++)
        jsonout_str(&o->j, labels, jsonout_key(&o->j, r->rule->labels.items[i].key),
                    r->rule->labels.items[i].value);
    jsonout_str(&o->j, object, "expr", r->expr);
}

static enum gr_err
put_guardrail(struct out *o, cJSON *root)
{
    const struct guardrail *g = o->x->g;
    cJSON *object = jsonout_object(&o->j, root, "guardrail"), *levels;
    enum gr_err err;

    jsonout_str(&o->j, object, "name", g->name);
    jsonout_str(&o->j, object, "group", g->group);
    put_place(o, object, "at", g->span);
    jsonout_cstr(&o->j, object, "against", is_fixed(g, NULL) ? "fixed" : "control");
    if ((err = put_limits(o, object)) != GR_OK)
        return err;
    put_waivers(o, object);
    put_evidence(o, object);
    put_phases(o, object);
    levels = jsonout_array(&o->j, object, "levels");
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        if (level == LEVEL_NO_DATA || has_level(g, (enum level)level))
            put_level(o, levels, (enum level)level);
    o->rules = jsonout_array(&o->j, object, "rules");
    return explain_rules(o->x, put_rule, o);
}

/* -- the whole ------------------------------------------------------------------------------------------------------------------------- */

static void
put_receivers(struct out *o, cJSON *parent, const struct guardrail *g)
{
    cJSON *array = jsonout_array(&o->j, parent, "receivers");

    for (size_t i = 0; i < o->x->alerts.n; i++) {
        struct hit hits[ROUTES_HITS_MAX];
        size_t n;

        if (o->x->alerts.v[i].g != g)
            continue;
        n = routes_hits(o->x->routes, &o->x->alerts.v[i], hits);
        for (size_t k = 0; k < n; k++)
            jsonout_cstr(&o->j, array, NULL, hits[k].receiver->name);
        return; /* the first stands for the most severe level */
    }
}

static void
put_summary(struct out *o, cJSON *array, const struct guardrail *g, int64_t worst_ms)
{
    const struct phase *where = NULL;
    struct reaction r = reaction_worst(o->x->m, g, LEVEL_HARD, &where, NULL);
    cJSON *object = jsonout_object(&o->j, array, NULL), *windows;

    jsonout_str(&o->j, object, "name", g->name);
    jsonout_str(&o->j, object, "group", g->group);
    jsonout_cstr(&o->j, object, "against", is_fixed(g, NULL) ? "fixed" : "control");
    explain_bounds(g, LEVEL_SOFT, &o->text);
    put_text(o, object, "soft");
    explain_bounds(g, LEVEL_HARD, &o->text);
    put_text(o, object, "hard");
    windows = jsonout_array(&o->j, object, "windows_ms");
    for (size_t i = 0; i < o->x->m->n_phases; i++)
        if (g->phases >> i & 1u)
            put_ms(o, windows, NULL,
                   (int64_t)model_window_slots(o->x->m, g, &o->x->m->phases[i]) *
                       model_ms(o->x->m, o->x->m->sampling_ms));
    explain_evidence(g, r.total_ms > 0 ? LEVEL_HARD : LEVEL_SOFT, &o->text);
    put_text(o, object, "evidence");
    if (where) {
        put_ms(o, object, "reaction_ms", r.total_ms);
        jsonout_str(&o->j, object, "reaction_phase", where->name);
    } else {
        jsonout_null(&o->j, object, "reaction_ms");
        jsonout_null(&o->j, object, "reaction_phase");
    }
    jsonout_bool(&o->j, object, "worst", where && r.total_ms == worst_ms);
    put_receivers(o, object, g);
}

static void
put_spec(struct out *o, cJSON *root)
{
    const struct model *m = o->x->m;
    cJSON *array = jsonout_array(&o->j, root, "guardrails");
    int64_t worst_ms = 0;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        int64_t ms = reaction_worst(m, &m->guardrails[i], LEVEL_HARD, NULL, NULL).total_ms;
        worst_ms = ms > worst_ms ? ms : worst_ms;
    }
    for (size_t i = 0; i < m->n_guardrails; i++)
        put_summary(o, array, &m->guardrails[i], worst_ms);
}

enum gr_err
explain_json(const struct explain *x, struct gr_buf *b)
{
    struct out o = {.x = x, .text = GR_BUF_INIT(1u << 20)};
    enum gr_err err = GR_OK, finished;
    cJSON *root;

    jsonout_init(&o.j);
    root = jsonout_root(&o.j);
    jsonout_num(&o.j, root, "format_version", 1);
    jsonout_str(&o.j, root, "spec", x->m->spec);
    if (x->g)
        err = put_guardrail(&o, root);
    else
        put_spec(&o, root);
    if (gr_buf_err(&o.text) != GR_OK)
        err = gr_buf_err(&o.text);
    gr_buf_fini(&o.text);
    finished = jsonout_finish(&o.j, root, b);
    return err == GR_OK ? finished : err;
}
