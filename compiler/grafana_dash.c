/* The frame of a dashboard: head, variables, links. */
#include "config.h"
#include "grafana.h"

#include "guardrail/duration.h"
#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "outnames.h"

#define DASHBOARD_BYTES_MAX (16u << 20)
#define EXPR_BYTES_MAX (1u << 20)
#define REFRESH_MS INT64_C(30000)
#define REFRESH_FLOOR_MS INT64_C(5000) /* Grafana's own minimum */
#define SPAN_FLOOR_MS INT64_C(300000)
#define MINUTE_MS INT64_C(60000)

/* -- variables ----------------------------------------------------------------------------------------------------------- */

void
dash_datasource(struct dash *d, cJSON *object)
{
    cJSON *ds = jsonout_object(&d->j, object, "datasource");

    jsonout_cstr(&d->j, ds, "type", "prometheus");
    jsonout_cstr(&d->j, ds, "uid", "${datasource}");
}

static void
put_all(struct dash *d, cJSON *variable)
{
    cJSON *current = jsonout_object(&d->j, variable, "current"), *list;

    list = jsonout_array(&d->j, current, "text");
    jsonout_cstr(&d->j, list, NULL, "All");
    list = jsonout_array(&d->j, current, "value");
    jsonout_cstr(&d->j, list, NULL, "$__all");
}

static void
put_datasource_variable(struct dash *d, cJSON *list)
{
    cJSON *v = jsonout_object(&d->j, list, NULL), *current;

    jsonout_cstr(&d->j, v, "name", "datasource");
    jsonout_cstr(&d->j, v, "type", "datasource");
    jsonout_cstr(&d->j, v, "label", "Data source");
    jsonout_cstr(&d->j, v, "query", "prometheus");
    jsonout_num(&d->j, v, "refresh", 1);
    jsonout_num(&d->j, v, "hide", 0);
    current = jsonout_object(&d->j, v, "current");
    jsonout_cstr(&d->j, current, "text", "default");
    jsonout_cstr(&d->j, current, "value", "default");
}

/* label_values(d->expr, label). refresh 2: asked again when the time range changes, so that past releases can be chosen. */
static void
put_query_variable(struct dash *d, cJSON *list, struct gr_str name, struct gr_str label, const char *all,
                   int sort)
{
    cJSON *v = jsonout_object(&d->j, list, NULL), *query;

    jsonout_str(&d->j, v, "name", name);
    jsonout_cstr(&d->j, v, "type", "query");
    jsonout_str(&d->j, v, "label", name);
    dash_datasource(d, v);
    query = jsonout_object(&d->j, v, "query");
    jsonout_fmt(&d->j, query, "query", "label_values(%s, " GR_FMT ")", gr_buf_cstr(&d->expr), GR_ARG(label));
    jsonout_str(&d->j, query, "refId", name);
    jsonout_num(&d->j, v, "refresh", 2);
    jsonout_bool(&d->j, v, "multi", true);
    jsonout_bool(&d->j, v, "includeAll", true);
    if (all)
        jsonout_cstr(&d->j, v, "allValue", all);
    jsonout_num(&d->j, v, "sort", sort);
    jsonout_num(&d->j, v, "hide", 0);
    put_all(d, v);
    dash_settle(d, &d->expr);
}

void
query_phase_series(struct dash *d, size_t n)
{
    gr_buf_puts(&d->expr, GR_SERIES_PHASE "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    for (size_t i = 0; i < n; i++)
        gr_buf_printf(&d->expr, "," GR_FMT "=~\"$" GR_FMT "\"", GR_ARG(d->m->release_labels.v[i]),
                      GR_ARG(d->m->release_labels.v[i]));
    gr_buf_putc(&d->expr, '}');
}

/* `guardrail:verdict{spec="x",cluster=~"$cluster",deployment_id=~"$deployment",flow=~"$flow"}`: what the variables before it left, with the
 * first n slice labels; a guardrail without one of them is not left out, unless a value is chosen. */
static void
select_verdicts(struct dash *d, size_t n)
{
    gr_buf_puts(&d->expr, GR_SERIES_VERDICT "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    for (size_t i = 0; i < d->m->release_labels.n; i++)
        gr_buf_printf(&d->expr, "," GR_FMT "=~\"$" GR_FMT "\"", GR_ARG(d->m->release_labels.v[i]),
                      GR_ARG(d->m->release_labels.v[i]));
    gr_buf_puts(&d->expr, "," GR_LABEL_DEPLOYMENT "=~\"$deployment\"");
    for (size_t i = 0; i < n; i++)
        gr_buf_printf(&d->expr, "," GR_FMT "=~\"$" GR_FMT "\"", GR_ARG(d->slices.v[i]),
                      GR_ARG(d->slices.v[i]));
    gr_buf_putc(&d->expr, '}');
}

/* allValue .+ for labels that every series has; .* for slices, which a guardrail may lack. */
static void
put_variables(struct dash *d)
{
    cJSON *list = jsonout_array(&d->j, jsonout_object(&d->j, d->root, "templating"), "list");
    const struct strs *release = &d->m->release_labels;

    put_datasource_variable(d, list);
    for (size_t i = 0; i < release->n; i++) {
        query_phase_series(d, i);
        put_query_variable(d, list, release->v[i], release->v[i], ".+", 1);
    }
    query_phase_series(d, release->n);
    put_query_variable(d, list, GR_STR("deployment"), GR_STR(GR_LABEL_DEPLOYMENT), ".+", 2);
    for (size_t i = 0; i < d->slices.n; i++) {
        select_verdicts(d, i);
        put_query_variable(d, list, d->slices.v[i], d->slices.v[i], ".*", 1);
    }
}

void
dash_instances(struct dash *d)
{
    cJSON *list =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(d->root, "templating"), "list");

    gr_buf_puts(&d->expr, GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_putc(&d->expr, '}');
    put_query_variable(d, list, GR_STR("instance"), GR_STR("instance"), NULL,
                       1); /* All: these, and no other */
}

/* label_values() would give the first by name; query_result() keeps the order of the query (sort 0), and Grafana takes the first. */
void
dash_choice(struct dash *d, const struct phase *p)
{
    cJSON *list =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(d->root, "templating"), "list");
    cJSON *v = jsonout_object(&d->j, list, NULL), *query;

    jsonout_cstr(&d->j, v, "name", GR_LABEL_GUARDRAIL);
    jsonout_cstr(&d->j, v, "type", "query");
    jsonout_cstr(&d->j, v, "label", GR_LABEL_GUARDRAIL);
    dash_datasource(d, v);
    query = jsonout_object(&d->j, v, "query");
    query_select(d, GR_SERIES_VERDICT, &(struct sel){.phase = p, .no_slices = true});
    jsonout_fmt(&d->j, query, "query", "query_result(sort_desc(max by (" GR_LABEL_GUARDRAIL ") (%s)))",
                gr_buf_cstr(&d->expr));
    jsonout_cstr(&d->j, query, "refId", GR_LABEL_GUARDRAIL);
    jsonout_cstr(&d->j, v, "regex", "/" GR_LABEL_GUARDRAIL "=\"([^\"]+)\"/");
    jsonout_num(&d->j, v, "refresh", 2);
    jsonout_bool(&d->j, v, "multi", true);
    jsonout_bool(&d->j, v, "includeAll", false); /* all of them are too many to draw */
    jsonout_num(&d->j, v, "sort", 0);
    jsonout_num(&d->j, v, "hide", 0);
    dash_settle(d, &d->expr);
}

/* -- links --------------------------------------------------------------------------------------------------------------- */

static void
put_link(struct dash *d, cJSON *list, const char *type, const char *title, const char *url)
{
    cJSON *link = jsonout_object(&d->j, list, NULL), *tags;
    bool dashboards = strcmp(type, "dashboards") == 0;

    jsonout_cstr(&d->j, link, "type", type);
    jsonout_cstr(&d->j, link, "title", title);
    jsonout_cstr(&d->j, link, "tooltip", "");
    jsonout_cstr(&d->j, link, "icon", dashboards ? "dashboard" : "external link");
    tags = jsonout_array(&d->j, link, "tags");
    if (dashboards) {
        jsonout_cstr(&d->j, tags, NULL, "guardrail");
        jsonout_str(&d->j, tags, NULL, d->m->spec);
    }
    jsonout_bool(&d->j, link, "asDropdown", dashboards);
    jsonout_cstr(&d->j, link, "url", url);
    jsonout_bool(&d->j, link, "keepTime", true);
    jsonout_bool(&d->j, link, "includeVars", true);
    jsonout_bool(&d->j, link, "targetBlank", false);
}

/* To the spec's other dashboards with the same time and variables; from a phase straight back to the overview. */
static void
put_links(struct dash *d, bool overview)
{
    cJSON *list = jsonout_array(&d->j, d->root, "links");
    struct gr_buf uid = GR_BUF_INIT(DASHBOARD_BYTES_MAX);

    put_link(d, list, "dashboards", "All dashboards of this spec", "");
    gr_buf_puts(&uid, "/d/");
    dash_note(d, outname_uid(d->m, GR_STR("overview"), &uid));
    if (!overview)
        put_link(d, list, "link", "Overview", gr_buf_cstr(&uid));
    dash_settle(d, &uid);
    gr_buf_fini(&uid);
}

/* -- head ---------------------------------------------------------------------------------------------------------------- */

static bool
has_str(const struct strs *s, struct gr_str text)
{
    for (size_t i = 0; i < s->n; i++)
        if (gr_str_eq(s->v[i], text))
            return true;
    return false;
}

/* The union of the guardrails' compare_within, in byte order. */
static void
collect_slices(struct dash *d)
{
    size_t room = 0;

    for (size_t i = 0; i < d->m->n_guardrails; i++)
        room += d->m->guardrails[i].compare_within.n;
    if (!(d->slices.v = gr_arena_array(d->m->arena, room, sizeof *d->slices.v))) {
        dash_note(d, GR_ENOMEM);
        return;
    }
    for (size_t i = 0; i < d->m->n_guardrails; i++) {
        const struct strs *within = &d->m->guardrails[i].compare_within;

        for (size_t k = 0; k < within->n; k++) {
            size_t at = d->slices.n;

            if (has_str(&d->slices, within->v[k]))
                continue;
            for (; at > 0 && gr_str_cmp(d->slices.v[at - 1], within->v[k]) > 0; at--)
                d->slices.v[at] = d->slices.v[at - 1];
            d->slices.v[at] = within->v[k];
            d->slices.n++;
        }
    }
}

static int64_t
at_least(int64_t ms, int64_t floor_ms)
{
    return ms < floor_ms ? floor_ms : ms;
}

static void
put_time(struct dash *d, int64_t span_ms)
{
    int64_t span = at_least(model_ms(d->m, span_ms), SPAN_FLOOR_MS);
    int64_t refresh =
        at_least(at_least(model_ms(d->m, REFRESH_MS), REFRESH_FLOOR_MS), model_ms(d->m, d->m->scrape_ms));
    cJSON *time = jsonout_object(&d->j, d->root, "time");

    jsonout_fmt(&d->j, time, "from", "now-%lldm", (long long)((span + MINUTE_MS - 1) / MINUTE_MS));
    jsonout_cstr(&d->j, time, "to", "now");
    gr_duration_print(&d->text, refresh);
    jsonout_str(&d->j, d->root, "refresh", gr_buf_str(&d->text));
    dash_settle(d, &d->text);
}

void
dash_begin(struct dash *d, const struct model *m, struct gr_str what, int64_t span_ms, const char *purpose)
{
    cJSON *tags;

    *d = (struct dash){
        .m = m, .expr = GR_BUF_INIT(EXPR_BYTES_MAX), .text = GR_BUF_INIT(EXPR_BYTES_MAX), .next_id = 1};
    jsonout_init(&d->j);
    collect_slices(d);
    d->root = jsonout_root(&d->j);
    jsonout_fmt(&d->j, d->root, "title", GR_FMT " " GR_FMT, GR_ARG(m->spec), GR_ARG(what));
    dash_note(d, outname_uid(m, what, &d->text));
    jsonout_str(&d->j, d->root, "uid", gr_buf_str(&d->text));
    dash_settle(d, &d->text);
    jsonout_fmt(&d->j, d->root, "description",
                "%s Generated by guardrail " PACKAGE_VERSION " from spec " GR_FMT " (hash " GR_FMT
                "); do not edit.%s",
                purpose, GR_ARG(m->spec), GR_ARG(gr_str_sub(m->spec_hash, 0, 12)),
                m->time_scale > 1 ? " TIME SCALED: for tests and demos only." : "");
    tags = jsonout_array(&d->j, d->root, "tags");
    jsonout_cstr(&d->j, tags, NULL, "guardrail");
    jsonout_str(&d->j, tags, NULL, m->spec);
    jsonout_num(&d->j, d->root, "schemaVersion", 39);
    jsonout_cstr(&d->j, d->root, "timezone", "utc"); /* release evidence */
    jsonout_bool(&d->j, d->root, "editable", false);
    jsonout_num(&d->j, d->root, "graphTooltip", 1); /* shared crosshair */
    put_time(d, span_ms);
    put_links(d, gr_str_is(what, "overview"));
    dash_annotations(d);
    put_variables(d);
    d->panels = jsonout_array(&d->j, d->root, "panels");
}

enum gr_err
dash_end(struct dash *d, struct gr_buf *b)
{
    enum gr_err err;

    dash_settle(d, &d->expr);
    dash_settle(d, &d->text);
    if ((err = d->err) != GR_OK)
        d->j.failed = true; /* nothing is printed, all is freed */
    if (jsonout_finish(&d->j, d->root, b) != GR_OK && err == GR_OK)
        err = gr_buf_err(b) != GR_OK ? gr_buf_err(b) : GR_ENOMEM;
    gr_buf_fini(&d->expr);
    gr_buf_fini(&d->text);
    return err;
}
