/* Panels and queries. */
#include "config.h"
#include "grafana.h"

#include "guardrail/policy.h"
#include "outnames.h"

const struct mapping verdict_mappings[4] = {
    {GR_VERDICT_HEALTHY, "✔ HEALTHY", COLOR_GOOD},
    {GR_VERDICT_INSUFFICIENT, "? INSUFFICIENT", COLOR_UNKNOWN},
    {GR_VERDICT_SOFT, "▲ SOFT", COLOR_WARN},
    {GR_VERDICT_HARD, "✖ HARD", COLOR_BAD},
};
#define NO_DATA_TEXT "NO DATA"
#define NO_DATA_INDEX 9

void
dash_settle(struct dash *d, struct gr_buf *b)
{
    dash_note(d, gr_buf_err(b));
    gr_buf_reset(b);
}

void
dash_note(struct dash *d, enum gr_err err)
{
    if (d->err == GR_OK)
        d->err = err;
}

/* -- queries ------------------------------------------------------------------------------------------------------------- */

/* A variable's matcher. optional: series without the label are taken as well. */
static void
match_variable(struct dash *d, struct gr_str label, const char *variable, size_t n, bool optional)
{
    gr_buf_printf(&d->expr, "," GR_FMT "=~\"${%.*s}%s\"", GR_ARG(label), (int)n, variable,
                  optional ? "|" : "");
}

void
query_select(struct dash *d, const char *series, const struct sel *s)
{
    const struct strs *release = &d->m->release_labels;
    const struct strs *slices = s->guardrail ? &s->guardrail->compare_within : &d->slices;

    gr_buf_printf(&d->expr, "%s{", series);
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    if (s->guardrail) {
        gr_buf_putc(&d->expr, ',');
        outname_matcher(&d->expr, GR_LABEL_GUARDRAIL, s->guardrail->name);
    }
    if (s->phase) {
        gr_buf_putc(&d->expr, ',');
        outname_matcher(&d->expr, GR_LABEL_PHASE, s->phase->name);
    }
    gr_buf_puts(&d->expr, s->more ? s->more : "");
    for (size_t i = 0; i < release->n; i++)
        match_variable(d, release->v[i], release->v[i].p, release->v[i].n, false);
    match_variable(d, GR_STR(GR_LABEL_DEPLOYMENT), "deployment", strlen("deployment"), false);
    for (size_t i = 0; i < slices->n && !s->no_slices; i++)
        match_variable(d, slices->v[i], slices->v[i].p, slices->v[i].n, !s->guardrail);
    gr_buf_putc(&d->expr, '}');
}

struct gr_str
dash_label(const struct dash *d, const struct guardrail *g, size_t i)
{
    struct strs sets[] = {d->m->release_labels, g ? g->compare_within : d->slices,
                          g ? g->dynamic : (struct strs){0}};

    for (size_t s = 0; s < GR_COUNT(sets); s++) {
        if (i < sets[s].n)
            return sets[s].v[i];
        i -= sets[s].n;
    }
    return !g && i < d->m->n_dynamic ? d->m->dynamic[i].label : GR_STR_NONE;
}

void
query_labels(struct dash *d, const struct guardrail *g)
{
    struct gr_str label;

    for (size_t i = 0; (label = dash_label(d, g, i)).n > 0; i++)
        gr_buf_printf(&d->expr, "%s" GR_FMT, i > 0 ? ", " : "", GR_ARG(label));
}

static size_t
expected_labels(const struct dash *d, const struct guardrail *g)
{
    return d->m->release_labels.n + (g ? g->compare_within.n : d->slices.n);
}

void
query_expected(struct dash *d, const struct guardrail *g)
{
    for (size_t i = 0; i < expected_labels(d, g); i++)
        gr_buf_printf(&d->expr, "%s" GR_FMT, i > 0 ? ", " : "", GR_ARG(dash_label(d, g, i)));
}

/* The first n labels, the release labels last. */
static void
put_legend(struct dash *d, const struct guardrail *g, size_t n)
{
    for (size_t i = d->m->release_labels.n; i < n && dash_label(d, g, i).n > 0; i++)
        gr_buf_printf(&d->text, " {{" GR_FMT "}}", GR_ARG(dash_label(d, g, i)));
    for (size_t i = 0; i < d->m->release_labels.n; i++)
        gr_buf_printf(&d->text, " {{" GR_FMT "}}", GR_ARG(d->m->release_labels.v[i]));
}

void
legend_labels(struct dash *d, const struct guardrail *g)
{
    put_legend(d, g, SIZE_MAX);
}

void
legend_expected(struct dash *d, const struct guardrail *g)
{
    put_legend(d, g, expected_labels(d, g));
}

void
query_stream(struct dash *d)
{
    for (size_t i = 0; i < d->m->release_labels.n; i++)
        gr_buf_printf(&d->expr, GR_FMT ", ", GR_ARG(d->m->release_labels.v[i]));
    gr_buf_puts(&d->expr, GR_LABEL_DEPLOYMENT);
}

void
legend_stream(struct dash *d)
{
    for (size_t i = 0; i < d->m->release_labels.n; i++)
        gr_buf_printf(&d->text, "{{" GR_FMT "}} ", GR_ARG(d->m->release_labels.v[i]));
    gr_buf_puts(&d->text, d->m->release_labels.n > 0 ? "· {{deployment_id}}" : "{{deployment_id}}");
}

/* max by (L) (V) * on (L) group_left (_rank) count_values by (L) ("_rank", 3 - W), where W is the worst verdict of the whole range;
 * count_values turns it into a label and has the value 1. '_' sorts before every lower-case letter. */
void
query_worst_first(struct dash *d, const char *labels, const struct sel *s)
{
    gr_buf_printf(&d->expr, "max by (%s) (", labels);
    query_select(d, GR_SERIES_VERDICT, s);
    gr_buf_printf(
        &d->expr,
        ") * on (%s) group_left (_rank) count_values by (%s) (\"_rank\", %d - max by (%s) (max_over_time(",
        labels, labels, GR_VERDICT_HARD, labels);
    query_select(d, GR_SERIES_VERDICT, s);
    gr_buf_puts(&d->expr, "[$__range] @ end())))");
    if (s->worst == 0)
        return;
    gr_buf_printf(&d->expr, " and on (%s) topk(%d, max by (%s) (max_over_time(", labels, s->worst, labels);
    query_select(d, GR_SERIES_VERDICT, s);
    gr_buf_puts(&d->expr, "[$__range] @ end())))");
}

/* -- panels -------------------------------------------------------------------------------------------------------------- */

static void
put_grid(struct dash *d, cJSON *panel, int x, int y, int w, int h)
{
    cJSON *grid = jsonout_object(&d->j, panel, "gridPos");

    jsonout_num(&d->j, grid, "x", x);
    jsonout_num(&d->j, grid, "y", y);
    jsonout_num(&d->j, grid, "w", w);
    jsonout_num(&d->j, grid, "h", h);
}

cJSON *
panel_add(struct dash *d, const struct panel *p)
{
    cJSON *panel = jsonout_object(&d->j, d->panels, NULL);

    jsonout_num(&d->j, panel, "id", p->id > 0 ? (double)p->id : (double)d->next_id++);
    jsonout_cstr(&d->j, panel, "type", p->type);
    jsonout_str(&d->j, panel, "title", p->title);
    jsonout_str(&d->j, panel, "description", p->description);
    put_grid(d, panel, p->x, d->y, p->w, p->h);
    dash_datasource(d, panel);
    (void)jsonout_array(&d->j, panel, "targets");
    d->next_ref = 'A';
    return panel;
}

void
panel_target(struct dash *d, cJSON *panel, const char *legend, bool instant, bool table)
{
    cJSON *t = jsonout_object(&d->j, cJSON_GetObjectItemCaseSensitive(panel, "targets"), NULL);

    jsonout_fmt(&d->j, t, "refId", "%c", d->next_ref++);
    dash_datasource(d, t);
    jsonout_str(&d->j, t, "expr", gr_buf_str(&d->expr));
    jsonout_str(&d->j, t, "legendFormat", legend ? gr_str(legend) : gr_buf_str(&d->text));
    jsonout_bool(&d->j, t, "instant", instant);
    jsonout_bool(&d->j, t, "range", !instant);
    if (table)
        jsonout_cstr(&d->j, t, "format", "table");
    d->queries++;
    dash_settle(d, &d->expr);
    dash_settle(d, &d->text);
}

static void
put_no_data_mapping(struct dash *d, cJSON *mappings)
{
    cJSON *m = jsonout_object(&d->j, mappings, NULL), *options, *result;

    jsonout_cstr(&d->j, m, "type", "special");
    options = jsonout_object(&d->j, m, "options");
    jsonout_cstr(&d->j, options, "match", "null+nan");
    result = jsonout_object(&d->j, options, "result");
    jsonout_cstr(&d->j, result, "text", NO_DATA_TEXT);
    jsonout_cstr(&d->j, result, "color", COLOR_NO_DATA);
    jsonout_num(&d->j, result, "index", NO_DATA_INDEX);
}

cJSON *
panel_field(struct dash *d, cJSON *panel, const char *unit, cJSON **mappings)
{
    cJSON *config = jsonout_object(&d->j, panel, "fieldConfig");
    cJSON *defaults = jsonout_object(&d->j, config, "defaults"), *thresholds, *step, *list;

    (void)jsonout_array(&d->j, config, "overrides");
    jsonout_cstr(&d->j, defaults, "unit", unit);
    jsonout_cstr(&d->j, defaults, "noValue", NO_DATA_TEXT);
    thresholds = jsonout_object(&d->j, defaults, "thresholds");
    jsonout_cstr(&d->j, thresholds, "mode", "absolute");
    step = jsonout_object(&d->j, jsonout_array(&d->j, thresholds, "steps"), NULL);
    jsonout_cstr(&d->j, step, "color", "text");
    jsonout_null(&d->j, step, "value");
    list = jsonout_array(&d->j, defaults, "mappings");
    put_no_data_mapping(d, list);
    if (mappings)
        *mappings = list;
    return defaults;
}

cJSON *
panel_options(struct dash *d, cJSON *panel)
{
    return jsonout_object(&d->j, panel, "options");
}

void
mappings_add(struct dash *d, cJSON *mappings, const struct mapping *rows, size_t n)
{
    cJSON *m = jsonout_object(&d->j, mappings, NULL), *options;

    jsonout_cstr(&d->j, m, "type", "value");
    options = jsonout_object(&d->j, m, "options");
    for (size_t i = 0; i < n; i++) {
        struct gr_buf key = GR_BUF_INIT(32);
        cJSON *result;

        gr_buf_printf(&key, "%d", rows[i].value);
        result = jsonout_object(&d->j, options, gr_buf_cstr(&key));
        jsonout_cstr(&d->j, result, "text", rows[i].text);
        jsonout_cstr(&d->j, result, "color", rows[i].color);
        jsonout_num(&d->j, result, "index", (double)i);
        gr_buf_fini(&key);
    }
}

cJSON *
panel_override(struct dash *d, cJSON *panel, const char *matcher, const char *options)
{
    cJSON *config = cJSON_GetObjectItemCaseSensitive(panel, "fieldConfig");
    cJSON *o = jsonout_object(&d->j, cJSON_GetObjectItemCaseSensitive(config, "overrides"), NULL), *m;

    m = jsonout_object(&d->j, o, "matcher");
    jsonout_cstr(&d->j, m, "id", matcher);
    jsonout_cstr(&d->j, m, "options", options);
    return jsonout_array(&d->j, o, "properties");
}

void
property_str(struct dash *d, cJSON *properties, const char *id, const char *v)
{
    cJSON *p = jsonout_object(&d->j, properties, NULL);

    jsonout_cstr(&d->j, p, "id", id);
    jsonout_cstr(&d->j, p, "value", v);
}

void
property_num(struct dash *d, cJSON *properties, const char *id, double v)
{
    cJSON *p = jsonout_object(&d->j, properties, NULL);

    jsonout_cstr(&d->j, p, "id", id);
    jsonout_num(&d->j, p, "value", v);
}

void
property_color(struct dash *d, cJSON *properties, const char *color)
{
    cJSON *p = jsonout_object(&d->j, properties, NULL), *value;

    jsonout_cstr(&d->j, p, "id", "color");
    value = jsonout_object(&d->j, p, "value");
    jsonout_cstr(&d->j, value, "mode", "fixed");
    jsonout_cstr(&d->j, value, "fixedColor", color);
}

/* -- rows ---------------------------------------------------------------------------------------------------------------- */

cJSON *
row_begin_as(struct dash *d, uint32_t id, struct gr_str title, bool collapsed)
{
    cJSON *row = jsonout_object(&d->j, d->panels, NULL), *inside;

    jsonout_num(&d->j, row, "id", (double)id);
    jsonout_cstr(&d->j, row, "type", "row");
    jsonout_str(&d->j, row, "title", title);
    jsonout_bool(&d->j, row, "collapsed", collapsed);
    put_grid(d, row, 0, d->y++, GRID_WIDTH, 1);
    inside = jsonout_array(&d->j, row, "panels");
    if (collapsed)
        d->panels = inside;
    return row;
}

cJSON *
row_begin(struct dash *d, struct gr_str title, bool collapsed)
{
    return row_begin_as(d, (uint32_t)d->next_id++, title, collapsed);
}

/* What is folded away takes no place. */
void
row_end(struct dash *d, cJSON *row)
{
    const cJSON *y = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(row, "gridPos"), "y");

    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "collapsed")) &&
        cJSON_IsNumber(y)) /* unless memory ended */
        d->y = (int)y->valuedouble + 1;
    d->panels = cJSON_GetObjectItemCaseSensitive(d->root, "panels");
}

/* -- verdicts ------------------------------------------------------------------------------------------------------------ */

/* Nobody expects verdicts before a phase and after it: there the strip says NO DATA in a faint purple, or it would outshine the breach. */
static void
quiet_no_data(struct dash *d, cJSON *defaults)
{
    const cJSON *mapping = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(defaults, "mappings"), 0);
    cJSON *result =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(mapping, "options"), "result");

    cJSON_DeleteItemFromObjectCaseSensitive(result, "color");
    jsonout_cstr(&d->j, result, "color", COLOR_GAP);
}

void
timeline_options(struct dash *d, cJSON *panel, bool legend)
{
    cJSON *defaults =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(panel, "fieldConfig"), "defaults");
    cJSON *custom = jsonout_object(&d->j, defaults, "custom"), *o = panel_options(d, panel), *sub;

    quiet_no_data(d, defaults);
    jsonout_num(&d->j, custom, "fillOpacity", 80);
    jsonout_num(&d->j, custom, "lineWidth", 0);
    jsonout_cstr(&d->j, o, "showValue", "auto");
    jsonout_num(&d->j, o, "rowHeight", 0.85);
    jsonout_bool(&d->j, o, "mergeValues", true);
    jsonout_cstr(&d->j, o, "alignValue", "left");
    sub = jsonout_object(&d->j, o, "legend");
    jsonout_cstr(&d->j, sub, "displayMode", "list");
    jsonout_cstr(&d->j, sub, "placement", "bottom");
    jsonout_bool(&d->j, sub, "showLegend", legend);
    (void)jsonout_array(&d->j, sub, "calcs");
    sub = jsonout_object(&d->j, o, "tooltip");
    jsonout_cstr(&d->j, sub, "mode", "single");
    jsonout_cstr(&d->j, sub, "sort", "none");
    jsonout_num(&d->j, o, "perPage", 24); /* older Grafana draws all at once */
}

void
verdict_timeline(struct dash *d, const struct panel *p, const char *labels, const struct sel *s)
{
    cJSON *panel = panel_add(d, p), *mappings;

    query_worst_first(d, labels, s);
    panel_target(d, panel, NULL, false, false);
    (void)panel_field(d, panel, "none", &mappings);
    mappings_add(d, mappings, verdict_mappings, GR_COUNT(verdict_mappings));
    timeline_options(d, panel, true);
}

void
stat_options(struct dash *d, cJSON *panel, const char *text_mode)
{
    cJSON *o = panel_options(d, panel), *sub;

    jsonout_cstr(&d->j, o, "colorMode", "background_solid");
    jsonout_cstr(&d->j, o, "graphMode", "none");
    jsonout_cstr(&d->j, o, "justifyMode", "center");
    jsonout_cstr(&d->j, o, "orientation", "auto");
    jsonout_cstr(&d->j, o, "textMode", text_mode);
    jsonout_bool(&d->j, o, "wideLayout", false); /* the name above: the answer is large */
    jsonout_bool(&d->j, o, "showPercentChange", false);
    sub = jsonout_object(&d->j, o, "reduceOptions");
    jsonout_cstr(&d->j, jsonout_array(&d->j, sub, "calcs"), NULL,
                 "last"); /* not lastNotNull: an end is an end */
    jsonout_bool(&d->j, sub, "values", false);
    jsonout_cstr(&d->j, sub, "fields", "");
}
