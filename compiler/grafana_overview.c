/* The overview: may this release go on, and if not, why.
 *
 *     go on? (per stream)          │ verdicts now      │ guardraild
 *     why not (table)              │ phases over time
 *     worst verdict per guardrail over time, worst first
 *     where each guardrail stands now (table), worst first
 *     ▸ every slice: why there is no verdict, verdicts over time, worst first
 *     ▸ traffic share */
#include "config.h"
#include "grafana.h"

#include "guardrail/policy.h"
#include "outnames.h"

#define ROWS_MAX "200" /* of a table */
#define ANSWER_TEXT                                                                                                  \
    "The worst thing known of each release: ✔ go on, … too early, ? not proved, ▲ soft breach, ‖ held, ✖ " \
    "hard breach, ■ stopped. "                                                                                     \
    "Only YES is a yes. The gate of guardraild has the last word, for it also knows the phase's checks, "            \
    "reviews of soft breaches "                                                                                      \
    "and extensions: guardrailctl gate DEPLOYMENT."
#define REASONS_TEXT                                                                                           \
    "All that speaks against a promotion, worst first. What to do: ✖ is rolled back by itself, watch it "    \
    "happen; ▲ look at the "                                                                                 \
    "guardrail (click its name) and review the breach; ‖ ask who holds it; ? wait, or find out why a slice " \
    "does not report."

/* Twice the time that the phases take at least: the whole rollout and what came before it. */
static int64_t
span(const struct model *m)
{
    int64_t sum = 0;

    for (size_t i = 0; i < m->n_phases; i++)
        sum += m->phases[i].min_ms;
    return 2 * sum;
}

/* Four counts, 0 only where there are verdicts at all. */
static void
verdict_counts(struct dash *d, int x, int w, int h)
{
    static const char *const names[] = {"✔ healthy", "? insufficient", "▲ soft", "✖ hard"};
    static const char *const colors[] = {COLOR_GOOD, COLOR_UNKNOWN, COLOR_WARN, COLOR_BAD};
    const struct sel all = {0};
    cJSON *panel = panel_add(
        d, &(struct panel){
               .type = "stat",
               .title = GR_STR("Verdicts now"),
               .description = GR_STR(
                   "How many guardrails × slices have which verdict. A count is grey while it is 0; no "
                   "tile says 0 when nothing reports."),
               .x = x,
               .w = w,
               .h = h});

    for (int v = GR_VERDICT_HARD; v >= GR_VERDICT_HEALTHY; v--) {
        gr_buf_puts(&d->expr, "count(");
        query_select(d, GR_SERIES_VERDICT, &all);
        gr_buf_printf(&d->expr, " == %d) or count(", v);
        query_select(d, GR_SERIES_VERDICT, &all);
        gr_buf_puts(&d->expr, ") * 0");
        panel_target(d, panel, names[v], true, false);
    }
    (void)panel_field(d, panel, "none", NULL);
    for (int v = GR_VERDICT_HARD; v >= GR_VERDICT_HEALTHY; v--) {
        cJSON *properties = panel_override(d, panel, "byName", names[v]), *p, *steps, *step;

        p = jsonout_object(&d->j, properties, NULL);
        jsonout_cstr(&d->j, p, "id", "thresholds");
        p = jsonout_object(&d->j, p, "value");
        jsonout_cstr(&d->j, p, "mode", "absolute");
        steps = jsonout_array(&d->j, p, "steps");
        step = jsonout_object(&d->j, steps, NULL);
        jsonout_cstr(&d->j, step, "color", "transparent");
        jsonout_null(&d->j, step, "value");
        step = jsonout_object(&d->j, steps, NULL);
        jsonout_cstr(&d->j, step, "color", colors[v]);
        jsonout_num(&d->j, step, "value", 1);
    }
    stat_options(d, panel, "value_and_name");
}

static void
daemon_stat(struct dash *d, int x, int w, int h)
{
    static const struct mapping rows[] = {
        {2, "✔ UP, this spec", COLOR_GOOD},
        {1, "▲ UP, OTHER SPEC", COLOR_WARN},
        {0, "✖ HEARS NO WATCHDOG", COLOR_BAD},
    };
    cJSON *panel =
        panel_add(d, &(struct panel){.type = "stat",
                                     .title = GR_STR("guardraild"),
                                     .description = GR_STR(
                                         "Whether the daemon that acts on breaches is there, hears the "
                                         "watchdog of Prometheus and Alertmanager, and works by "
                                         "the very spec that these rules and dashboards come from. Not so: "
                                         "nothing is rolled back by itself; look at the audit "
                                         "dashboard and at guardraild's log, and watch releases by hand."),
                                     .x = x,
                                     .w = w,
                                     .h = h});
    cJSON *mappings;

    gr_buf_puts(&d->expr, "max(guardraild_blind == 1 and on (instance, job) " GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_puts(&d->expr, "}) * 0 or max(" GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_putc(&d->expr, ',');
    outname_matcher(&d->expr, "spec_hash", d->m->spec_hash);
    gr_buf_puts(&d->expr, "}) * 2 or max(" GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_puts(&d->expr, "})");
    panel_target(d, panel, "guardraild", true, false);
    (void)panel_field(d, panel, "none", &mappings);
    mappings_add(d, mappings, rows, GR_COUNT(rows));
    stat_options(d, panel, "value");
}

/* -- phases -------------------------------------------------------------------------------------------------------------- */

/* One strip per stream and deployment: the active phase's number, shown as its name. */
static void
phase_query(struct dash *d)
{
    for (size_t i = 0; i < d->m->n_phases; i++) {
        gr_buf_puts(&d->expr, i > 0 ? " or max by (" : "max by (");
        query_stream(d);
        gr_buf_puts(&d->expr, ") (");
        query_select(d, GR_SERIES_PHASE, &(struct sel){.phase = &d->m->phases[i], .no_slices = true});
        gr_buf_printf(&d->expr, " == 1) * %zu", i + 1);
    }
}

static void
phase_timeline(struct dash *d, int x, int w, int h)
{
    static const char *const colors[] = {"#8ab8ff", "#5794f2", "#3274d9", "#1f60c4", "#1250b0", "#0d3f8f"};
    cJSON *panel = panel_add(
        d,
        &(struct panel){.type = "state-timeline",
                        .title = GR_STR("Phases"),
                        .description = GR_STR(
                            "Which phase each release was in, as guardraild exported it. A gap: not known."),
                        .x = x,
                        .w = w,
                        .h = h});
    cJSON *mappings;

    phase_query(d);
    legend_stream(d);
    panel_target(d, panel, NULL, false, false);
    (void)panel_field(d, panel, "none", &mappings);
    for (size_t i = 0; i < d->m->n_phases; i++) {
        struct gr_buf name = GR_BUF_INIT(1u << 16);
        struct mapping row = {(int)i + 1, NULL, colors[i < GR_COUNT(colors) ? i : GR_COUNT(colors) - 1]};

        gr_buf_put(&name, d->m->phases[i].name);
        row.text = gr_buf_cstr(&name);
        if (d->m->phases[i].final)
            row.color = "green";
        mappings_add(d, mappings, &row, 1);
        dash_settle(d, &name);
        gr_buf_fini(&name);
    }
    timeline_options(d, panel, false); /* the names stand in the strip */
}

/* -- tables -------------------------------------------------------------------------------------------------------------- */

/* The worst of what a spec with more than DASH_MANY guardrails has: nobody reads thousands of rows. */
static void
only_worst(struct dash *d)
{
    if (d->m->n_guardrails <= DASH_MANY)
        return;
    gr_buf_puts(&d->expr, " and on (guardrail, phase, deployment_id, ");
    query_labels(d, NULL);
    gr_buf_puts(&d->expr, ") topk(" ROWS_MAX ", max by (guardrail, phase, deployment_id, ");
    query_labels(d, NULL);
    gr_buf_puts(&d->expr, ") (");
    query_select(d, GR_SERIES_VERDICT, &(struct sel){0});
    gr_buf_puts(&d->expr, "))");
}

static void
table_query(struct dash *d, cJSON *panel, const char *series)
{
    bool first = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(panel, "targets")) == 0;

    gr_buf_puts(&d->expr, first ? "label_replace(max by (guardrail, phase, deployment_id, "
                                : "max by (guardrail, phase, deployment_id, ");
    query_labels(d, NULL);
    gr_buf_puts(&d->expr, ") (");
    query_select(d, series, &(struct sel){0});
    if (first)
        gr_buf_puts(&d->expr, "), \"" PANEL_LABEL "\", \"$1\", \"guardrail\", \"(.+)\"");
    gr_buf_putc(&d->expr, ')');
    panel_target(d, panel, "", true, true);
}

/* The limits of a level that compare effects; of two-sided ones the upper. */
static void
limit_query(struct dash *d, cJSON *panel, const char *upper, const char *lower)
{
    for (int i = 0; i < 2; i++) {
        gr_buf_puts(&d->expr, i == 0 ? "max by (guardrail, phase, deployment_id, "
                                     : " or min by (guardrail, phase, deployment_id, ");
        query_labels(d, NULL);
        gr_buf_puts(&d->expr, ") (");
        query_select(d, "guardrail:limit", &(struct sel){.more = i == 0 ? upper : lower});
        gr_buf_puts(&d->expr, " > -Inf < +Inf)");
        only_worst(d);
    }
    panel_target(d, panel, "", true, true);
}

static void
standing_table(struct dash *d, int h)
{
    static const struct column columns[] = {
        {"Value #A", "Verdict"},  {"guardrail", "Guardrail"}, {NULL, NULL},
        {"Value #B", "Effect"},   {"Value #C", "Soft limit"}, {"Value #D", "Hard limit"},
        {"Value #E", "Evidence"}, {"Value #F", "Coverage"},   {"deployment_id", "Deployment"},
        {"phase", "Phase"},
    };
    cJSON *panel = panel_add(
        d,
        &(struct panel){.type = "table",
                        .title = GR_STR("Where each guardrail stands, worst first"),
                        .description = GR_STR(
                            "The verdict now with what it rests on; a guardrail's name leads to its panel. "
                            "Effect and limits in the same terms: canary ÷ control for relative limits, "
                            "canary − control for points, the canary's value for fixed limits (of two-sided "
                            "ones the upper is shown). "
                            "Evidence: log likelihood ratio since the start of the phase; none inside the "
                            "limits, nor for fixed ones. "
                            "Coverage: share of the expected slots."),
                        .w = GRID_WIDTH,
                        .h = h});
    static const char *const numbers[] = {"Effect", "Soft limit", "Hard limit"};
    cJSON *defaults, *properties;

    table_query(d, panel, GR_SERIES_VERDICT);
    table_query(d, panel, "guardrail:effect");
    limit_query(d, panel, ",level=\"soft\",side=\"upper\"", ",level=\"soft\",side=\"lower\"");
    limit_query(d, panel, ",level=\"hard\",side=\"upper\"", ",level=\"hard\",side=\"lower\"");
    table_query(d, panel, "guardrail:evidence");
    table_query(d, panel, "guardrail:coverage");
    table_columns(d, panel, true, NULL, columns, GR_COUNT(columns));
    defaults = panel_field(d, panel, "none", NULL);
    table_cells(d, defaults);
    table_states(d, panel, "Verdict", verdict_mappings, GR_COUNT(verdict_mappings));
    table_column(d, panel, "Verdict", 140);
    table_empty_labels(d, panel);
    table_guardrails(d, panel, "Guardrail", 240);
    for (size_t i = 0; i < GR_COUNT(numbers); i++) {
        properties = table_column(d, panel, numbers[i], 90);
        property_num(d, properties, "decimals", 3);
        table_no_value(d, properties, "–");
    }
    properties = table_column(d, panel, "Coverage", 90);
    property_str(d, properties, "unit", "percentunit");
    property_num(d, properties, "decimals", 0);
    properties = table_column(d, panel, "Evidence", 90);
    property_num(d, properties, "decimals", 2);
    table_no_value(d, properties, "–");
    table_hide(d, table_column(d, panel, "Phase", 0)); /* links need it */
    table_options(d, panel, "Verdict", true);
}

static void
insufficient_table(struct dash *d, int h)
{
    static const struct column columns[] = {
        {"reason", "Reason"}, {"guardrail", "Guardrail"}, {"Value", NULL}};
    cJSON *panel = panel_add(
        d,
        &(struct panel){
            .type = "table",
            .title = GR_STR("Why there is no verdict"),
            .description = GR_STR(
                "Guardrails that are insufficient, and the reason. missing: an expected series does "
                "not report. no_control: nothing to compare with. traffic_share: the canary's share of the "
                "traffic is not the planned one. suspect: a point breach that the "
                "evidence does not support yet. thin: too few observations so far. overdue: the phase "
                "outlived its maximum duration."),
            .w = GRID_WIDTH,
            .h = h});
    cJSON *defaults;

    gr_buf_puts(&d->expr, "max by (reason, guardrail, ");
    query_labels(d, NULL);
    gr_buf_puts(&d->expr, ") (");
    query_select(d, "guardrail:insufficient", &(struct sel){0});
    gr_buf_putc(&d->expr, ')');
    panel_target(d, panel, "", true, true);
    table_columns(d, panel, false, NULL, columns, GR_COUNT(columns));
    defaults = panel_field(d, panel, "none", NULL);
    table_cells(d, defaults);
    reasons_column(d, panel, "Reason", 240);
    table_column(d, panel, "Guardrail", 260);
    table_empty_labels(d, panel);
    cJSON_DeleteItemFromObjectCaseSensitive(defaults, "noValue");
    jsonout_cstr(&d->j, defaults, "noValue",
                 "NO ROWS: nothing is insufficient, or nothing reports (then the first tile says NO DATA)");
    table_options(d, panel, "Reason", false);
}

/* -- the rest ------------------------------------------------------------------------------------------------------------ */

static int
clamp(size_t v, int low, int high)
{
    return v < (size_t)low ? low : v > (size_t)high ? high : (int)v;
}

static void
timelines(struct dash *d)
{
    struct gr_buf labels = GR_BUF_INIT(1u << 16);
    int h = clamp(3 + d->m->n_guardrails * 7 / 10, 5, 18);
    const struct sel all = {.worst = d->m->n_guardrails > DASH_MANY ? WORST_MAX : 0};
    cJSON *row;

    gr_buf_puts(&d->text, "{{guardrail}}");
    verdict_timeline(
        d,
        &(struct panel){.type = "state-timeline",
                        .title = GR_STR("Worst slice of each guardrail"),
                        .description = GR_STR("Verdicts over time, the worst of all slices; the worst "
                                              "guardrail of the shown time first (of more than 50, "
                                              "the 50 worst). In the phase's dashboard is what it rests on."),
                        .w = GRID_WIDTH,
                        .h = h},
        "guardrail", &all);
    d->y += h;
    standing_table(d, 12);
    d->y += 12;
    row = row_begin(d, GR_STR("Every slice"), true);
    insufficient_table(d, 9);
    d->y += 9;
    query_expected(d, NULL);
    gr_buf_printf(&labels, "guardrail, %s", gr_buf_cstr(&d->expr));
    dash_settle(d, &d->expr);
    gr_buf_puts(&d->text, "{{guardrail}}");
    legend_expected(d, NULL);
    verdict_timeline(
        d,
        &(struct panel){
            .type = "state-timeline",
            .title = GR_STR("Every guardrail and slice"),
            .description = GR_STR(
                "Verdicts over time for each guardrail and slice; "
                "the worst of the shown time first (of more than 50 guardrails, the 50 worst). Narrow it "
                "down with the variables above."),
            .w = GRID_WIDTH,
            .h = 18},
        gr_buf_cstr(&labels), &all);
    d->y += 18;
    row_end(d, row);
    dash_settle(d, &labels);
    gr_buf_fini(&labels);
}

enum gr_err
grafana_overview(const struct model *m, struct gr_buf *b)
{
    int h = clamp(2 + m->n_streams, 8, 10);
    struct dash d;

    dash_begin(&d, m, GR_STR("overview"), span(m), "May this release go on, and if not, why?");
    answer_stat(&d,
                &(struct panel){.type = "stat",
                                .title = GR_STR("May this release go on?"),
                                .description = GR_STR(ANSWER_TEXT),
                                .w = 12,
                                .h = 5},
                NULL);
    verdict_counts(&d, 12, 8, 5);
    daemon_stat(&d, 20, 4, 5);
    d.y += 5;
    reasons_table(&d,
                  &(struct panel){.type = "table",
                                  .title = GR_STR("Why not"),
                                  .description = GR_STR(REASONS_TEXT),
                                  .w = 15,
                                  .h = h},
                  NULL);
    phase_timeline(&d, 15, 9, h);
    d.y += h;
    timelines(&d);
    share_row(&d, NULL);
    return dash_end(&d, b);
}
