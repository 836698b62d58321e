/* Tables: what is a column, how its cells look, where a row leads. */
#include "config.h"
#include "grafana.h"

#include <inttypes.h>

#include "outnames.h"

static void
sort_rows(struct dash *d, cJSON *list, const char *field)
{
    cJSON *t = jsonout_object(&d->j, list, NULL), *o, *sort;

    jsonout_cstr(&d->j, t, "id", "sortBy");
    o = jsonout_object(&d->j, t, "options");
    (void)jsonout_object(&d->j, o, "fields");
    sort = jsonout_object(&d->j, jsonout_array(&d->j, o, "sort"), NULL);
    jsonout_cstr(&d->j, sort, "field", field);
    jsonout_bool(&d->j, sort, "desc", true);
}

void
table_columns(struct dash *d, cJSON *panel, bool merge, const char *worst_first, const struct column *columns,
              size_t n)
{
    cJSON *list = jsonout_array(&d->j, panel, "transformations"), *t, *o, *hide, *rename, *order;
    struct gr_str label;
    int at = 0;

    if (merge) {
        t = jsonout_object(&d->j, list, NULL);
        jsonout_cstr(&d->j, t, "id", "merge");
        (void)jsonout_object(&d->j, t, "options");
    }
    if (worst_first)
        sort_rows(d, list, worst_first);
    t = jsonout_object(&d->j, list, NULL);
    jsonout_cstr(&d->j, t, "id", "organize");
    o = jsonout_object(&d->j, t, "options");
    hide = jsonout_object(&d->j, o, "excludeByName");
    jsonout_bool(&d->j, hide, "Time", true);
    rename = jsonout_object(&d->j, o, "renameByName");
    order = jsonout_object(&d->j, o, "indexByName");
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; !columns[i].field && (label = dash_label(d, NULL, k)).n > 0; k++)
            jsonout_num(&d->j, order, jsonout_key(&d->j, label), at++);
        if (!columns[i].field)
            continue;
        if (!columns[i].title) {
            jsonout_bool(&d->j, hide, columns[i].field, true);
            continue;
        }
        jsonout_num(&d->j, order, columns[i].field, at++);
        jsonout_cstr(&d->j, rename, columns[i].field, columns[i].title);
    }
}

void
table_options(struct dash *d, cJSON *panel, const char *sort_by, bool descending)
{
    cJSON *o = panel_options(d, panel), *sort;

    jsonout_bool(&d->j, o, "showHeader", true);
    jsonout_cstr(&d->j, o, "cellHeight", "sm");
    if (!sort_by)
        return;
    sort = jsonout_object(&d->j, jsonout_array(&d->j, o, "sortBy"), NULL);
    jsonout_cstr(&d->j, sort, "displayName", sort_by);
    jsonout_bool(&d->j, sort, "desc", descending);
}

void
table_cells(struct dash *d, cJSON *defaults)
{
    cJSON *custom = jsonout_object(&d->j, defaults, "custom");

    jsonout_cstr(&d->j, custom, "align", "auto");
    jsonout_cstr(&d->j, jsonout_object(&d->j, custom, "cellOptions"), "type", "auto");
    jsonout_bool(&d->j, custom, "inspect", false);
}

static void
background(struct dash *d, cJSON *properties)
{
    cJSON *p = jsonout_object(&d->j, properties, NULL), *value;

    jsonout_cstr(&d->j, p, "id", "custom.cellOptions");
    value = jsonout_object(&d->j, p, "value");
    jsonout_cstr(&d->j, value, "type", "color-background");
    jsonout_cstr(&d->j, value, "mode", "basic");
}

/* The list of mappings of a column. */
static cJSON *
mappings_of(struct dash *d, cJSON *properties)
{
    cJSON *p = jsonout_object(&d->j, properties, NULL);

    jsonout_cstr(&d->j, p, "id", "mappings");
    return jsonout_array(&d->j, p, "value");
}

void
table_states(struct dash *d, cJSON *panel, const char *column, const struct mapping *rows, size_t n)
{
    cJSON *properties = panel_override(d, panel, "byName", column);

    background(d, properties);
    mappings_add(d, mappings_of(d, properties), rows, n);
}

void
table_words(struct dash *d, cJSON *panel, const char *column, const struct word *rows, size_t n)
{
    cJSON *properties = panel_override(d, panel, "byName", column), *m, *options, *result;

    background(d, properties);
    m = jsonout_object(&d->j, mappings_of(d, properties), NULL);
    jsonout_cstr(&d->j, m, "type", "value");
    options = jsonout_object(&d->j, m, "options");
    for (size_t i = 0; i < n; i++) {
        result = jsonout_object(&d->j, options, rows[i].word);
        jsonout_cstr(&d->j, result, "text", rows[i].text);
        jsonout_cstr(&d->j, result, "color", rows[i].color);
        jsonout_num(&d->j, result, "index", (double)i);
    }
}

cJSON *
table_column(struct dash *d, cJSON *panel, const char *column, int width)
{
    cJSON *properties = panel_override(d, panel, "byName", column);

    if (width > 0)
        property_num(d, properties, "custom.width", width);
    return properties;
}

void
table_empty_labels(struct dash *d, cJSON *panel)
{
    property_str(d, panel_override(d, panel, "byType", "string"), "noValue", "–");
}

void
table_no_value(struct dash *d, cJSON *properties, const char *text)
{
    cJSON *m = jsonout_object(&d->j, mappings_of(d, properties), NULL), *options, *result;

    jsonout_cstr(&d->j, m, "type", "special");
    options = jsonout_object(&d->j, m, "options");
    jsonout_cstr(&d->j, options, "match", "null+nan");
    result = jsonout_object(&d->j, options, "result");
    jsonout_cstr(&d->j, result, "text", text);
    jsonout_cstr(&d->j, result, "color", "text");
    jsonout_num(&d->j, result, "index", 0);
}

/* -- where a row leads ----------------------------------------------------------------------------------------------------- */

/* The uid of a dashboard is "<spec>-<phase>", unless that is too long. */
static bool
uids_follow(const struct dash *d)
{
    for (size_t i = 0; i < d->m->n_phases; i++)
        if (d->m->spec.n + 1 + d->m->phases[i].name.n > UID_BYTES_MAX)
            return false;
    return true;
}

/* In a link, ${__data.fields.X} is the cell's text in the same row, after mapping. */
static void
put_link(struct dash *d, cJSON *properties, bool many)
{
    cJSON *p = jsonout_object(&d->j, properties, NULL), *link;

    jsonout_cstr(&d->j, p, "id", "links");
    link = jsonout_object(&d->j, jsonout_array(&d->j, p, "value"), NULL);
    jsonout_cstr(&d->j, link, "title", "Canary against control");
    gr_buf_printf(&d->text, "/d/" GR_FMT "-${__data.fields.Phase}?", GR_ARG(d->m->spec));
    gr_buf_puts(&d->text, many ? "var-guardrail=${__data.fields." PANEL_LABEL "}"
                               : "viewPanel=${__data.fields." PANEL_LABEL "}");
    gr_buf_puts(&d->text, "&${__url_time_range}&${datasource:queryparam}&var-deployment="
                          "${__data.fields.Deployment}");
    for (size_t i = 0; i < d->m->release_labels.n; i++)
        gr_buf_printf(&d->text, "&var-" GR_FMT "=${__data.fields." GR_FMT "}",
                      GR_ARG(d->m->release_labels.v[i]), GR_ARG(d->m->release_labels.v[i]));
    for (size_t i = 0; i < d->slices.n; i++)
        gr_buf_printf(&d->text, "&${" GR_FMT ":queryparam}", GR_ARG(d->slices.v[i]));
    jsonout_str(&d->j, link, "url", gr_buf_str(&d->text));
    jsonout_bool(&d->j, link, "targetBlank", false);
    dash_settle(d, &d->text);
}

void
table_hide(struct dash *d, cJSON *properties)
{
    cJSON *p = jsonout_object(&d->j, properties, NULL), *value;

    jsonout_cstr(&d->j, p, "id", "custom.hideFrom"); /* Grafana 12 and later */
    value = jsonout_object(&d->j, p, "value");
    jsonout_bool(&d->j, value, "viz", true);
    jsonout_bool(&d->j, value, "legend", false);
    jsonout_bool(&d->j, value, "tooltip", false);
    p = jsonout_object(&d->j, properties, NULL);
    jsonout_cstr(&d->j, p, "id", "custom.hidden");
    jsonout_bool(&d->j, p, "value", true);
}

void
table_guardrails(struct dash *d, cJSON *panel, const char *column, int width)
{
    bool many = false;
    cJSON *properties = table_column(d, panel, column, width), *m, *options, *result;

    for (size_t i = 0; i < d->m->n_phases; i++)
        many = many || outname_crowded(d->m, &d->m->phases[i]);
    if (uids_follow(d))
        put_link(d, properties, many);
    properties = panel_override(d, panel, "byName", PANEL_LABEL);
    table_hide(d, properties);
    property_str(d, properties, "noValue", "1"); /* a row of no guardrail: whether the release may go on */
    if (many)
        return;
    m = jsonout_object(&d->j, mappings_of(d, properties), NULL);
    jsonout_cstr(&d->j, m, "type", "value");
    options = jsonout_object(&d->j, m, "options");
    for (size_t i = 0; i < d->m->n_guardrails; i++) {
        result = jsonout_object(&d->j, options, jsonout_key(&d->j, d->m->guardrails[i].name));
        jsonout_fmt(&d->j, result, "text", "%" PRIu32, outname_panel(d->m, &d->m->guardrails[i]));
        jsonout_num(&d->j, result, "index", (double)i);
    }
}
