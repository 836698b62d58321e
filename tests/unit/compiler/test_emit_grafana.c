#include "config.h"
#include "test_compiler.h"

#include <ctype.h>
#include <stdlib.h>

#include "../base/failing.h"
#include "backend.h"
#include "grafana.h"
#include "guardrail/json.h"
#include "guardrail/promql.h"
#include "outnames.h"
#include "testmodel.h"

#define S(text) GR_STR_INIT(text)
#define FOLDER "grafana/dashboards/Demo/Canary/"
static const struct gr_json_limits limits = {16u << 20, 64, 1u << 20};

/* -- what every dashboard must be ---------------------------------------------------------------------------------------- */

static const char *const dashboards[] = {FOLDER "demo-overview.json", FOLDER "demo-dark.json",
                                         FOLDER "demo-p1.json", FOLDER "demo-p2.json",
                                         FOLDER "demo-audit.json"};
#define AUDIT 4

static cJSON *
emit(const struct model *m, const char *path)
{
    struct gr_json_error where;
    struct tree *t;
    cJSON *root = NULL;

    ck_assert_int_eq(gr_json_parse(testmodel_emit(m, emit_grafana, path, &t), &limits, &root, &where), GR_OK);
    tree_free(t);
    return root;
}

static double
num(const cJSON *object, const char *name)
{
    const cJSON *v = gr_json_get(object, name);

    ck_assert_msg(cJSON_IsNumber(v), "%s is no number", name);
    return v->valuedouble;
}

static bool
str_is(const cJSON *object, const char *name, const char *want)
{
    return gr_str_is(gr_json_str(object, name), want);
}

/* "NO DATA" in purple (on timelines, where there is much of it, faint) and a neutral base: Grafana's own base colour is green. */
static void
check_no_data(const cJSON *panel)
{
    const cJSON *defaults = gr_json_get(gr_json_get(panel, "fieldConfig"), "defaults"), *mapping;
    const cJSON *step = cJSON_GetArrayItem(gr_json_get(gr_json_get(defaults, "thresholds"), "steps"), 0);
    bool found = false;

    cJSON_ArrayForEach(mapping, gr_json_get(defaults, "mappings"))
    {
        const cJSON *options = gr_json_get(mapping, "options");

        if (str_is(mapping, "type", "special"))
            found = str_is(options, "match", "null+nan") &&
                    str_is(gr_json_get(options, "result"), "text", "NO DATA") &&
                    str_is(gr_json_get(options, "result"), "color",
                           str_is(panel, "type", "state-timeline") ? COLOR_GAP : "purple");
        cJSON *value;
        cJSON_ArrayForEach(value, options) /* text beside every colour */
            if (str_is(mapping, "type", "value"))
                ck_assert(gr_json_str(value, "text").n > 0 && gr_json_str(value, "color").n > 0);
    }
    ck_assert_msg(found, "no NO DATA mapping");
    ck_assert(str_is(step, "color", "text"));
    ck_assert(cJSON_IsNull(gr_json_get(step, "value")));
}

/* Our own front end takes the query; Grafana's $__ durations stand for an hour. */
static void
check_query(const char *expr)
{
    static const char *const macros[] = {"$__range", "$__rate_interval"};
    struct gr_buf text = GR_BUF_INIT(1u << 20);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_arena *a = gr_arena_create(16u << 20);
    struct gr_promql *tree;

    for (const char *p = expr; *p;) {
        size_t skip = 0;

        for (size_t i = 0; i < GR_COUNT(macros); i++)
            if (strncmp(p, macros[i], strlen(macros[i])) == 0)
                skip = strlen(macros[i]);
        if (skip > 0)
            gr_buf_puts(&text, "1h");
        else
            gr_buf_putc(&text, *p);
        p += skip > 0 ? skip : 1;
    }
    ck_assert_msg(gr_promql_parse(a, gr_buf_str(&text), GR_SPAN_NONE, d, &tree) == GR_OK, "no PromQL: %s",
                  gr_buf_cstr(&text));
    gr_arena_free(a);
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_buf_fini(&text);
}

static int
check_targets(const cJSON *panel)
{
    const cJSON *target;
    int n = 0;

    cJSON_ArrayForEach(target, gr_json_get(panel, "targets"))
    {
        ck_assert(str_is(gr_json_get(target, "datasource"), "uid", "${datasource}"));
        ck_assert(cJSON_IsString(gr_json_get(target, "legendFormat")));
        ck_assert(gr_json_str(target, "refId").n == 1);
        check_query(gr_json_get(target, "expr")->valuestring);
        n++;
    }
    ck_assert_int_gt(n, 0);
    return n;
}

struct grid {
    int x, y, w, h;
};
struct walk {
    struct grid grids[200];
    int ids[200],
        level[200]; /* level: of which list of panels; a folded row's panels lie over what follows it */
    size_t n;
    int levels, visible; /* visible: queries */
};

static void
check_place(struct walk *w, const cJSON *panel, int level)
{
    const cJSON *g = gr_json_get(panel, "gridPos");
    struct grid at = {(int)num(g, "x"), (int)num(g, "y"), (int)num(g, "w"), (int)num(g, "h")};
    int id = (int)num(panel, "id");

    ck_assert_int_le(at.x + at.w, GRID_WIDTH);
    ck_assert_uint_lt(w->n, GR_COUNT(w->grids));
    for (size_t i = 0; i < w->n; i++) {
        const struct grid *o = &w->grids[i];

        ck_assert_int_ne(w->ids[i], id);
        ck_assert_msg(level != w->level[i] || at.x >= o->x + o->w || o->x >= at.x + at.w ||
                          at.y >= o->y + o->h || o->y >= at.y + at.h,
                      "panels %d and %d overlap", w->ids[i], id);
    }
    w->ids[w->n] = id;
    w->level[w->n] = level;
    w->grids[w->n++] = at;
}

static void
check_panels(struct walk *w, const cJSON *list, bool hidden)
{
    const cJSON *panel;
    int level = w->levels++;

    cJSON_ArrayForEach(panel, list)
    {
        check_place(w, panel, level);
        ck_assert(gr_json_str(panel, "title").n > 0);
        if (str_is(panel, "type", "row")) {
            check_panels(w, gr_json_get(panel, "panels"), cJSON_IsTrue(gr_json_get(panel, "collapsed")));
            continue;
        }
        ck_assert(gr_json_str(panel, "description").n > 0);
        ck_assert(str_is(gr_json_get(panel, "datasource"), "uid", "${datasource}"));
        ck_assert(gr_json_str(gr_json_get(gr_json_get(panel, "fieldConfig"), "defaults"), "unit").n > 0);
        check_no_data(panel);
        w->visible += hidden ? 0 * check_targets(panel) : check_targets(panel);
    }
}

START_TEST(dashboard_is_what_experts_expect)
{
    struct testmodel *t = testmodel_make();
    cJSON *root = emit(&t->m, dashboards[_i]);
    struct walk w = {0};
    const cJSON *variables = gr_json_get(gr_json_get(root, "templating"), "list"), *v;

    ck_assert(cJSON_IsFalse(gr_json_get(root, "editable")));
    ck_assert(str_is(root, "timezone", "utc"));
    ck_assert_int_eq((int)num(root, "graphTooltip"), 1);
    ck_assert_ptr_null(gr_json_get(root, "id"));
    ck_assert_ptr_null(gr_json_get(root, "version"));
    ck_assert(gr_json_str(root, "uid").n <= UID_BYTES_MAX);
    ck_assert(str_is(cJSON_GetArrayItem(variables, 0), "name", "datasource"));
    ck_assert(str_is(cJSON_GetArrayItem(variables, 0), "label", "Data source"));
    ck_assert(str_is(cJSON_GetArrayItem(variables, 1), "name", "cluster"));
    ck_assert(str_is(cJSON_GetArrayItem(variables, 2), "name", "deployment"));
    /* flow, venue; instance, of the daemon's own series */
    ck_assert_int_eq(cJSON_GetArraySize(variables), _i == AUDIT ? 6 : 5);
    cJSON_ArrayForEach(v, variables) if (str_is(v, "type", "query"))
        ck_assert_int_eq((int)num(v, "refresh"), 2);
    ck_assert_int_eq(cJSON_GetArraySize(gr_json_get(gr_json_get(root, "annotations"), "list")), 4);
    cJSON_ArrayForEach(v, gr_json_get(gr_json_get(root, "annotations"), "list"))
    {
        check_query(gr_json_get(v, "expr")->valuestring);
        ck_assert(cJSON_IsTrue(gr_json_get(v, "useValueForTime")) && cJSON_IsTrue(gr_json_get(v, "enable")));
        ck_assert(
            gr_str_ends(gr_json_str(v, "expr"), GR_STR(" * 1000"))); /* Grafana's times are milliseconds */
        ck_assert(gr_json_str(v, "titleFormat").n > 0 && gr_json_str(v, "textFormat").n > 0);
    }
    cJSON_ArrayForEach(v, gr_json_get(root, "links"))
        ck_assert(cJSON_IsTrue(gr_json_get(v, "keepTime")) && cJSON_IsTrue(gr_json_get(v, "includeVars")));
    check_panels(&w, gr_json_get(root, "panels"), false);
    ck_assert_int_le(w.visible, QUERIES_MAX);
    ck_assert_int_gt(w.visible, 1);
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* The daemon's own series are asked for by instance, all others by spec: another spec's must not get in. */
START_TEST(audit_asks_for_nothing_foreign)
{
    struct testmodel *t = testmodel_make();
    cJSON *root = emit(&t->m, dashboards[AUDIT]);
    const cJSON *v = cJSON_GetArrayItem(gr_json_get(gr_json_get(root, "templating"), "list"), 5);
    const cJSON *panel, *target;
    int seen = 0;

    ck_assert(str_is(v, "name", "instance"));
    ck_assert_ptr_null(gr_json_get(v, "allValue")); /* All: these, and no other */
    cJSON_ArrayForEach(v, gr_json_get(gr_json_get(root, "templating"), "list"))
    {
        if (str_is(v, "name", "flow") || str_is(v, "name", "venue"))
            ck_assert_int_eq((int)num(v, "hide"), 2); /* carried on by links, of no use here */
    }
    cJSON_ArrayForEach(panel, gr_json_get(root, "panels"))
    {
        cJSON_ArrayForEach(target, gr_json_get(panel, "targets"))
        {
            struct gr_str expr = gr_json_str(target, "expr");

            for (size_t at = 0; (at = gr_str_find(expr, GR_STR("{"), at)) != SIZE_MAX; at++, seen++) {
                struct gr_str inside = gr_str_sub(expr, at + 1, expr.n);

                if (at > 0 && expr.p[at - 1] == '$') /* a variable */
                    continue;
                ck_assert_msg(gr_str_starts(inside, GR_STR("instance=~\"${instance}\"")) ||
                                  gr_str_starts(inside, GR_STR("spec=\"demo\"")),
                              GR_FMT, GR_ARG(expr));
            }
        }
    }
    ck_assert_int_gt(seen, 30);
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* -- particular things --------------------------------------------------------------------------------------------------- */

/* The panel of that title, also inside rows; NULL if there is none. */
static const cJSON *
find_panel(const cJSON *list, const char *title)
{
    const cJSON *panel, *found = NULL;

    cJSON_ArrayForEach(panel, list)
    {
        if (str_is(panel, "title", title) && !str_is(panel, "type", "row"))
            return panel;
        if (!found)
            found = find_panel(gr_json_get(panel, "panels"), title);
    }
    return found;
}

#define SEL(g, more, slices)                                                                                 \
    "{spec=\"demo\",guardrail=\"" g "\",phase=\"p2\"" more                                                   \
    ",cluster=~\"${cluster}\",deployment_id=~\"${deployment}\"" slices "}"
#define BOTH ",flow=~\"${flow}\",venue=~\"${venue}\""
#define VENUE ",venue=~\"${venue}\""
#define LIMITS ",side=~\"upper|lower\""
#define BACKSTOP ",side=~\"backstop.*\""
#define CONTROL " * ignoring (level, side, cohort) group_left () "
static const struct {
    const char *panel, *unit, *value, *limit;
} limit_rows[] = {
    {"errors", "percentunit", "guardrail:window:value" SEL("errors", ",cohort!=\"early\"", BOTH),
     "guardrail:limit" SEL("errors", LIMITS, BOTH) CONTROL "clamp_min(guardrail:window:value" SEL(
         "errors", ",cohort=\"control\"", BOTH) ", 0.0005) or guardrail:limit" SEL("errors", BACKSTOP, BOTH)},
    {"age", "s", "guardrail:window:value" SEL("age", "", VENUE),
     "guardrail:limit" SEL("age", LIMITS, VENUE) CONTROL
     "guardrail:window:value" SEL("age", ",cohort=\"control\"", VENUE)},
    {"cpu", "percentunit", "guardrail:window:value" SEL("cpu", "", ""), "guardrail:limit" SEL("cpu", "", "")},
    {"pnl", "suffix:bp", "guardrail:window:value" SEL("pnl", "", BOTH),
     "guardrail:limit" SEL("pnl", "", BOTH)},
    {"refdata", "m", "guardrail:window:value" SEL("refdata", "", ""),
     "guardrail:limit" SEL("refdata", "", "")},
};

START_TEST(limits_lie_where_they_are)
{
    struct testmodel *t = testmodel_make();
    cJSON *root = emit(&t->m, FOLDER "demo-p2.json");
    const cJSON *panel = find_panel(gr_json_get(root, "panels"), limit_rows[_i].panel), *targets;

    ck_assert_ptr_nonnull(panel);
    targets = gr_json_get(panel, "targets");
    ck_assert_str_eq(gr_json_get(cJSON_GetArrayItem(targets, 0), "expr")->valuestring, limit_rows[_i].value);
    ck_assert_str_eq(gr_json_get(cJSON_GetArrayItem(targets, 1), "expr")->valuestring, limit_rows[_i].limit);
    ck_assert(
        str_is(gr_json_get(gr_json_get(panel, "fieldConfig"), "defaults"), "unit", limit_rows[_i].unit));
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* A spec of one stream, without any labels to tell things apart. */
START_TEST(no_labels_at_all)
{
    struct testmodel *t = testmodel_make();
    struct walk w = {0};
    cJSON *root;

    t->m.release_labels.n = 0;
    t->m.n_dynamic = 0;
    for (size_t i = 0; i < t->m.n_guardrails; i++)
        t->guardrails[i].compare_within.n = t->guardrails[i].dynamic.n = 0;
    root = emit(&t->m, dashboards[_i]);
    check_panels(&w, gr_json_get(root, "panels"), false);
    ck_assert_int_eq(cJSON_GetArraySize(gr_json_get(gr_json_get(root, "templating"), "list")),
                     _i == AUDIT ? 3 : 2);
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* DASH_MANY guardrails in a phase have panels of their own, one more and they share a row that Grafana repeats. */
START_TEST(many_guardrails_share_a_row)
{
    struct testmodel *t = testmodel_make();
    struct guardrail *many = gr_arena_array(t->arena, DASH_MANY + 1, sizeof *many);
    bool shared = _i > (int)DASH_MANY;
    const cJSON *panels, *panel, *row = NULL, *choice;
    struct walk w = {0};
    cJSON *root;

    for (size_t i = 0; i < DASH_MANY + 1; i++) {
        many[i] = t->guardrails[i % 3];
        many[i].name = gr_arena_printf(t->arena, "g%03zu", i);
    }
    t->m.guardrails = many;
    t->m.n_guardrails = (size_t)_i;
    root = emit(&t->m, FOLDER "demo-p1.json");
    panels = gr_json_get(root, "panels");
    ck_assert_int_eq(find_panel(panels, "g049") == NULL, shared);
    cJSON_ArrayForEach(panel, panels) if (gr_json_get(panel, "repeat")) row = panel;
    ck_assert_int_eq(row != NULL, shared);
    choice = cJSON_GetArrayItem(gr_json_get(gr_json_get(root, "templating"), "list"), 5);
    ck_assert_int_eq(choice != NULL, shared);
    if (shared) {
        ck_assert(str_is(row, "repeat", "guardrail") && str_is(choice, "name", "guardrail"));
        ck_assert(cJSON_IsFalse(gr_json_get(choice, "includeAll")));
        ck_assert(
            str_is(gr_json_get(choice, "query"), "query",
                   "query_result(sort_desc(max by (guardrail) (guardrail:verdict{spec=\"demo\",phase=\"p1\","
                   "cluster=~\"${cluster}\",deployment_id=~\"${deployment}\"})))"));
        check_panels(&w, panels, false);
        ck_assert_uint_lt(w.n, 14);
        panel = find_panel(panels, "Worst slice of each guardrail");
        panel = cJSON_GetArrayItem(gr_json_get(panel, "targets"), 0);
        ck_assert_ptr_nonnull(
            strstr(gr_json_get(panel, "expr")->valuestring, "and on (guardrail) topk(50, "));
        panel = gr_json_get(find_panel(panels, "Effect and limits"), "targets");
        ck_assert(str_is(
            cJSON_GetArrayItem(panel, 0), "expr",
            "guardrail:effect{spec=\"demo\",phase=\"p1\",guardrail=~\"${guardrail}\",cluster=~\"${cluster}\","
            "deployment_id=~\"${deployment}\",flow=~\"${flow}|\",venue=~\"${venue}|\"}"));
    }
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* -- where links lead ---------------------------------------------------------------------------------------------------- */

/* Each panel and row of `list` (and in its rows) has the id that it has in `other`. Returns how many are in both. */
static int
same_ids(const cJSON *list, const cJSON *other)
{
    const cJSON *a, *b;
    int n = 0;

    cJSON_ArrayForEach(a, list)
    {
        cJSON_ArrayForEach(b, other)
        {
            if (!gr_str_eq(gr_json_str(a, "title"), gr_json_str(b, "title")) ||
                !gr_str_eq(gr_json_str(a, "type"), gr_json_str(b, "type")))
                continue;
            ck_assert_msg((int)num(a, "id") == (int)num(b, "id"), "%s: %d and %d",
                          gr_json_get(a, "title")->valuestring, (int)num(a, "id"), (int)num(b, "id"));
            n += 1 + same_ids(gr_json_get(a, "panels"), gr_json_get(b, "panels"));
        }
    }
    return n;
}

/* The last guardrail stands first, and the first one is gone: nobody else's panels have other ids. */
START_TEST(ids_stay_when_guardrails_come_and_go)
{
    struct testmodel *t = testmodel_make();
    cJSON *before = emit(&t->m, FOLDER "demo-p2.json"), *after;
    size_t n = t->m.n_guardrails - 1;
    struct guardrail *fewer = gr_arena_array(t->arena, n, sizeof *fewer);

    for (size_t i = 0; i < n; i++)
        fewer[i] = t->guardrails[i == 0 ? n : i];
    t->m.guardrails = fewer;
    t->m.n_guardrails = n;
    after = emit(&t->m, FOLDER "demo-p2.json");
    ck_assert_ptr_null(find_panel(gr_json_get(after, "panels"), "errors"));
    ck_assert_int_gt(same_ids(gr_json_get(before, "panels"), gr_json_get(after, "panels")), 15);
    cJSON_Delete(before);
    cJSON_Delete(after);
    testmodel_free(t);
}
END_TEST

/* Names whose hashes are the same have ids of their own all the same, whatever their order; all ids are positive 32-bit numbers. */
START_TEST(names_that_meet_have_ids_of_their_own)
{
    struct guardrail g[] = {{.name = S("g9446")}, {.name = S("other")}, {.name = S("g8794")}};
    struct guardrail back[] = {g[2], g[1], g[0]};
    struct model m = {.guardrails = g, .n_guardrails = GR_COUNT(g)},
                 alone = {.guardrails = g, .n_guardrails = 1};
    uint32_t first = outname_panel(&m, &g[2]), second = outname_panel(&m, &g[0]);

    ck_assert_uint_eq(first, outname_panel(&alone, &g[0])); /* they do meet */
    ck_assert_uint_eq(second, first + OUTNAME_PANELS);
    ck_assert_uint_ne(outname_panel(&m, &g[1]), first);
    m.guardrails = back;
    ck_assert_uint_eq(outname_panel(&m, &back[0]), first);
    ck_assert_uint_eq(outname_panel(&m, &back[2]), second);
    ck_assert_uint_lt(second, UINT32_C(1) << 31);
    ck_assert_uint_lt(outname_row(GR_STR("g")), UINT32_C(1) << 30);
    ck_assert_uint_ge(first, UINT32_C(1) << 30);
}
END_TEST

/* The properties of a panel's column. */
static const cJSON *
property(const cJSON *panel, const char *column, const char *id)
{
    const cJSON *o, *p;

    cJSON_ArrayForEach(o, gr_json_get(gr_json_get(panel, "fieldConfig"), "overrides"))
    {
        if (!str_is(gr_json_get(o, "matcher"), "options", column))
            continue;
        cJSON_ArrayForEach(p, gr_json_get(o, "properties"))
        {
            if (str_is(p, "id", id))
                return gr_json_get(p, "value");
        }
    }
    return NULL;
}

static const char *const linked[] = {"Why not", "Where each guardrail stands, worst first"};

/* The column of names leads to the panel that the name is mapped to, with time, data source and variables. */
START_TEST(a_row_leads_to_its_panel)
{
    struct testmodel *t = testmodel_make();
    cJSON *root = emit(&t->m, FOLDER "demo-overview.json"), *phase = emit(&t->m, FOLDER "demo-p2.json");
    const cJSON *panel = find_panel(gr_json_get(root, "panels"), linked[_i]), *target, *ids;

    ck_assert(str_is(cJSON_GetArrayItem(property(panel, "Guardrail", "links"), 0), "url",
                     "/d/demo-${__data.fields.Phase}?viewPanel=${__data.fields.panel}&${__url_time_range}&"
                     "${datasource:queryparam}&var-deployment=${__data.fields.Deployment}&var-cluster="
                     "${__data.fields.cluster}&${flow:queryparam}&${venue:queryparam}"));
    ids = gr_json_get(cJSON_GetArrayItem(property(panel, "panel", "mappings"), 0), "options");
    target = find_panel(gr_json_get(phase, "panels"), "pnl");
    ck_assert_int_eq((int)strtol(gr_json_get(gr_json_get(ids, "pnl"), "text")->valuestring, NULL, 10),
                     (int)num(target, "id"));
    cJSON_Delete(root);
    cJSON_Delete(phase);

    t->m.spec = GR_STR("a_name_of_thirty_eight_bytes_no_more_x"); /* "-p1" is too much */
    root = emit(&t->m, FOLDER "a_name_of_thirty_eight_bytes_no_more_x-overview.json");
    panel = find_panel(gr_json_get(root, "panels"), linked[_i]);
    ck_assert_ptr_null(property(panel, "Guardrail", "links"));
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* No state is told by its colour alone: each has a sign of its own. */
START_TEST(states_have_signs)
{
    struct testmodel *t = testmodel_make();
    cJSON *root = emit(&t->m, FOLDER "demo-overview.json");
    const cJSON *panel = find_panel(gr_json_get(root, "panels"), "May this release go on?"), *m, *state;
    int n = 0;

    cJSON_ArrayForEach(m, gr_json_get(gr_json_get(gr_json_get(panel, "fieldConfig"), "defaults"), "mappings"))
    {
        if (!str_is(m, "type", "value"))
            continue;
        cJSON_ArrayForEach(state, gr_json_get(m, "options"))
        {
            struct gr_str text = gr_json_str(state, "text");

            ck_assert_msg(!isalnum((unsigned char)text.p[0]) || gr_str_starts(text, GR_STR("NO DATA")),
                          GR_FMT, GR_ARG(text));
            n++;
        }
    }
    ck_assert_int_eq(n, 10);
    for (size_t i = 0; i < GR_COUNT(verdict_mappings); i++)
        ck_assert(!isalnum((unsigned char)verdict_mappings[i].text[0]));
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* `thin: allow` is nothing against a release, as for guardraild's gate; other reasons are. */
START_TEST(thin_may_be_allowed)
{
    struct testmodel *t = testmodel_make();
    const cJSON *panel;
    const char *expr;
    cJSON *root;

    t->guardrails[0].evidence.thin_allow = true;
    root = emit(&t->m, FOLDER "demo-overview.json");
    panel = find_panel(gr_json_get(root, "panels"), "May this release go on?");
    expr = gr_json_get(cJSON_GetArrayItem(gr_json_get(panel, "targets"), 0), "expr")->valuestring;
    ck_assert_ptr_nonnull(
        strstr(expr, "guardrail:insufficient{spec=\"demo\",reason=\"thin\",guardrail=\"errors\","));
    ck_assert_ptr_nonnull(strstr(expr, "} * 0 + 0, \"why\", \"thin_allowed\", "));
    ck_assert_ptr_nonnull(
        strstr(expr, "guardrail:insufficient{spec=\"demo\",reason=\"thin\",guardrail!=\"errors\","));
    ck_assert_ptr_nonnull(strstr(expr, "guardrail:insufficient{spec=\"demo\",reason!=\"thin\",cluster"));
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* What can be chosen is what the variables before it left. */
START_TEST(variables_are_chained)
{
    struct testmodel *t = testmodel_make();
    cJSON *root = emit(&t->m, FOLDER "demo-p2.json");
    const cJSON *list = gr_json_get(gr_json_get(root, "templating"), "list");

    ck_assert(
        str_is(gr_json_get(cJSON_GetArrayItem(list, 2), "query"), "query",
               "label_values(guardrail_release_phase{spec=\"demo\",cluster=~\"$cluster\"}, deployment_id)"));
    ck_assert(str_is(gr_json_get(cJSON_GetArrayItem(list, 4), "query"), "query",
                     "label_values(guardrail:verdict{spec=\"demo\",cluster=~\"$cluster\",deployment_id=~"
                     "\"$deployment\",flow=~\"$flow\"}, venue)"));
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* Evidence against its thresholds: a panel for what is tested, none for fixed limits; 0 where nothing is outside. */
START_TEST(evidence_has_its_thresholds)
{
    struct testmodel *t = testmodel_make();
    cJSON *root;
    const cJSON *panel, *steps;

    t->m.false_rollback_budget = (struct gr_dec){1, -2};
    root = emit(&t->m, FOLDER "demo-p2.json");
    panel = find_panel(gr_json_get(root, "panels"), "errors: evidence");
    ck_assert_ptr_nonnull(panel);
    ck_assert_ptr_nonnull(
        strstr(gr_json_get(cJSON_GetArrayItem(gr_json_get(panel, "targets"), 0), "expr")->valuestring,
               "} or guardrail:effect{"));
    steps = gr_json_get(gr_json_get(gr_json_get(gr_json_get(panel, "fieldConfig"), "defaults"), "thresholds"),
                        "steps");
    ck_assert_int_eq(cJSON_GetArraySize(steps), 3);
    ck_assert_double_eq_tol(num(cJSON_GetArrayItem(steps, 2), "value"),
                            model_evidence_threshold(&t->m, LEVEL_HARD), 1e-9);
    ck_assert_ptr_null(find_panel(gr_json_get(root, "panels"), "pnl: evidence"));
    ck_assert_ptr_nonnull(find_panel(gr_json_get(root, "panels"), "pnl: coverage"));
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* "2 of 3" is decided by single slots: they are drawn, and said to be what counts. */
START_TEST(confirmed_limits_show_their_slots)
{
    struct testmodel *t = testmodel_make();
    const cJSON *panel, *targets;
    cJSON *root;

    for (size_t i = 0; i < t->m.n_guardrails; i++)
        t->guardrails[i].evidence.soft_k = 2, t->guardrails[i].evidence.soft_n = 3;
    root = emit(&t->m, FOLDER "demo-p2.json");
    panel = find_panel(gr_json_get(root, "panels"), "pnl");
    targets = gr_json_get(panel, "targets");
    ck_assert_int_eq(cJSON_GetArraySize(targets), 3);
    ck_assert(str_is(cJSON_GetArrayItem(targets, 1), "expr",
                     "guardrail:slot:value" SEL("pnl", ",cohort=\"canary\"", BOTH)));
    ck_assert(str_is(cJSON_GetArrayItem(targets, 1), "legendFormat",
                     "slot of {{cohort}} {{flow}} {{venue}} {{cluster}}"));
    ck_assert_uint_ne(gr_str_find(gr_json_str(panel, "description"), GR_STR("A soft breach takes 2 of 3"), 0),
                      SIZE_MAX);
    panel = find_panel(gr_json_get(root, "panels"), "errors"); /* against control: the test decides */
    ck_assert_int_eq(cJSON_GetArraySize(gr_json_get(panel, "targets")), 2);
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

START_TEST(points_are_added_to_control)
{
    struct testmodel *t = testmodel_make();
    const cJSON *panel;
    cJSON *root;

    t->guardrails[1].limit.against = AGAINST_CONTROL_POINTS;
    root = emit(&t->m, FOLDER "demo-p2.json");
    panel = find_panel(gr_json_get(root, "panels"), "age");
    ck_assert_ptr_nonnull(
        strstr(gr_json_get(cJSON_GetArrayItem(gr_json_get(panel, "targets"), 1), "expr")->valuestring,
               " + ignoring (level, side, cohort) group_left () guardrail:window:value"));
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

START_TEST(phases_have_their_own_guardrails)
{
    struct testmodel *t = testmodel_make();
    cJSON *p1 = emit(&t->m, FOLDER "demo-p1.json"), *dark = emit(&t->m, FOLDER "demo-dark.json");
    struct tree *tree = tree_create();

    ck_assert_ptr_nonnull(find_panel(gr_json_get(p1, "panels"), "errors"));
    ck_assert_ptr_null(find_panel(gr_json_get(p1, "panels"), "pnl"));
    ck_assert_ptr_null(find_panel(gr_json_get(dark, "panels"), "errors"));
    ck_assert_ptr_nonnull(find_panel(gr_json_get(dark, "panels"), "refdata"));
    ck_assert_int_eq(emit_grafana(&t->m, tree), GR_OK);
    ck_assert_ptr_null(tree_get(tree, GR_STR(FOLDER "demo-full.json")).p); /* no guardrail watches it */
    ck_assert_ptr_nonnull(tree_get(tree, GR_STR(FOLDER ".lint")).p);
    tree_free(tree);
    cJSON_Delete(p1);
    cJSON_Delete(dark);
    testmodel_free(t);
}
END_TEST

static const struct {
    const char *folder, *path;
    enum gr_err err;
} folders[] = {
    {"TradePulse/Canary", "grafana/dashboards/TradePulse/Canary/demo-overview.json", GR_OK},
    {"One", "grafana/dashboards/One/demo-overview.json", GR_OK},
    {"/a/b/", "grafana/dashboards/a/b/demo-overview.json", GR_OK},
    {"", "grafana/dashboards/demo/demo-overview.json", GR_OK},
    {"../../etc", NULL, GR_ERANGE},
    {"a//b", NULL, GR_ERANGE},
};

START_TEST(folder_becomes_a_tree)
{
    struct testmodel *t = testmodel_make();
    struct tree *tree = tree_create();

    t->m.dashboards_folder = gr_str(folders[_i].folder);
    ck_assert_int_eq(emit_grafana(&t->m, tree), folders[_i].err);
    if (folders[_i].path)
        ck_assert_ptr_nonnull(tree_get(tree, gr_str(folders[_i].path)).p);
    tree_free(tree);
    testmodel_free(t);
}
END_TEST

static const struct {
    const char *spec, *what, *want;
} uids[] = {
    {"demo", "overview", "demo-overview"},
    {"a2345678901234567890123456789012", "1234567", "a2345678901234567890123456789012-1234567"},  /* 40 */
    {"a2345678901234567890123456789012", "12345678", "a234567890123456789012345678901-57d8b733"}, /* 41 */
    {"a2345678901234567890123456789012", "12345679", NULL},
};

START_TEST(uid_is_short_and_unique)
{
    struct model m = {.spec = gr_str(uids[_i].spec)};
    struct gr_buf b = GR_BUF_INIT(1000);

    ck_assert_int_eq(outname_uid(&m, gr_str(uids[_i].what), &b), GR_OK);
    ck_assert_uint_le(b.n, UID_BYTES_MAX);
    if (uids[_i].want)
        ck_assert_str_eq(gr_buf_cstr(&b), uids[_i].want);
    else
        ck_assert_str_ne(gr_buf_cstr(&b), uids[_i - 1].want);
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    uint32_t scale;
    const char *from, *refresh, *interval;
} scales[] = {
    {1, "now-130m", "30s", "timeInterval: 30s\n"},
    {10, "now-13m", "5s", "timeInterval: 3s\n"},
    {1000, "now-5m", "5s", "timeInterval: 30ms\n"},
};

START_TEST(time_scale_reaches_dashboards)
{
    struct testmodel *t = testmodel_make();
    struct tree *tree;
    cJSON *root;

    t->m.time_scale = scales[_i].scale;
    root = emit(&t->m, FOLDER "demo-overview.json");
    ck_assert_str_eq(gr_json_get(gr_json_get(root, "time"), "from")->valuestring, scales[_i].from);
    ck_assert_str_eq(gr_json_get(root, "refresh")->valuestring, scales[_i].refresh);
    ck_assert_ptr_nonnull(strstr(
        testmodel_emit(&t->m, emit_grafana, "grafana/provisioning/datasources/guardrail.yaml", &tree).p,
        scales[_i].interval));
    tree_free(tree);
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* -- no memory ----------------------------------------------------------------------------------------------------------- */

static enum gr_err (*const emitters[])(const struct model *m, struct tree *t) = {emit_alertmanager,
                                                                                 emit_policy};

/* Each allocation in turn; for the dashboards, which take thousands, a few of them. */
START_TEST(allocations_fail)
{
    bool grafana = _i == (int)GR_COUNT(emitters), more = true;
    size_t failures = 0;

    for (size_t nth = 1; more; nth += grafana ? 1 + nth / 3 : 1) {
        struct testmodel *t = testmodel_make();
        struct tree *tree = tree_create();
        enum gr_err err;

        failing_start(nth, nth % 2 == 0);
        err = grafana ? emit_grafana(&t->m, tree) : emitters[_i](&t->m, tree);
        more = failing_stop();
        ck_assert_msg(err == (more ? GR_ENOMEM : GR_OK), "allocation %zu: %s", nth, gr_err_name(err));
        failures += more;
        tree_free(tree);
        testmodel_free(t);
    }
    ck_assert_uint_gt(failures, 10);
}
END_TEST

Suite *
emit_grafana_suite(void)
{
    Suite *s = suite_create("emit_grafana");
    TCase *tc = tcase_create("dashboards");

    tcase_add_loop_test(tc, dashboard_is_what_experts_expect, 0, (int)GR_COUNT(dashboards));
    tcase_add_test(tc, audit_asks_for_nothing_foreign);
    tcase_add_loop_test(tc, limits_lie_where_they_are, 0, (int)GR_COUNT(limit_rows));
    tcase_add_loop_test(tc, no_labels_at_all, 0, (int)GR_COUNT(dashboards));
    tcase_add_loop_test(tc, many_guardrails_share_a_row, (int)DASH_MANY, (int)DASH_MANY + 2);
    tcase_add_test(tc, ids_stay_when_guardrails_come_and_go);
    tcase_add_test(tc, names_that_meet_have_ids_of_their_own);
    tcase_add_loop_test(tc, a_row_leads_to_its_panel, 0, (int)GR_COUNT(linked));
    tcase_add_test(tc, states_have_signs);
    tcase_add_test(tc, thin_may_be_allowed);
    tcase_add_test(tc, variables_are_chained);
    tcase_add_test(tc, evidence_has_its_thresholds);
    tcase_add_test(tc, confirmed_limits_show_their_slots);
    tcase_add_test(tc, points_are_added_to_control);
    tcase_add_test(tc, phases_have_their_own_guardrails);
    tcase_add_loop_test(tc, folder_becomes_a_tree, 0, (int)GR_COUNT(folders));
    tcase_add_loop_test(tc, uid_is_short_and_unique, 0, (int)GR_COUNT(uids));
    tcase_add_loop_test(tc, time_scale_reaches_dashboards, 0, (int)GR_COUNT(scales));
    suite_add_tcase(s, tc);
    tc = tcase_create("memory");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, allocations_fail, 0, (int)GR_COUNT(emitters) + 1);
    suite_add_tcase(s, tc);
    return s;
}
