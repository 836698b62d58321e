/* What guardraild decided and did, and whether it is fit to: for the review on the next morning, and for the SRE who wonders at night why
 * nothing happened.
 *
 *     can guardraild act? (a tile for each thing it needs)             │ mode
 *     rollbacks of the shown time, with the time each took             │ how many, the longest
 *     releases: phase, state, hold          │ breaches taken on, over time
 *     alerts and effects over time          │ delivery: effects by target and state
 *     commit latency │ ages: queue, watchdog │ messages and steps over time
 *     ▸ credentials, requests, disk (collapsed)
 *
 * Metrics of guardraild itself carry neither spec nor release: they are chosen by $instance, those that scrape this spec's policy. */
#include "config.h"
#include "grafana.h"

#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "outnames.h"

#define DAY_MS INT64_C(86400000)
#define CERTIFICATE_S (14 * 86400) /* as long as people need to get another */
#define INSTANCE "{instance=~\"${instance}\"}"
#define SINCE "[$__range]"

/* A stat that says nothing good or bad: no colour behind it. */
static void
plain_stat(struct dash *d, cJSON *panel, const char *text_mode)
{
    cJSON *o;

    stat_options(d, panel, text_mode);
    o = cJSON_GetObjectItemCaseSensitive(panel, "options");
    cJSON_DeleteItemFromObjectCaseSensitive(o, "colorMode");
    jsonout_cstr(&d->j, o, "colorMode", "none");
}

/* -- can it act? --------------------------------------------------------------------------------------------------------- */

/* Each is 1 in trouble and 0 without. What is absent has no tile, so "scraped" comes first. */
static const struct check {
    const char *name, *expr;
} checks[] = {
    {"scraped", "max(up" INSTANCE ") == bool 0"},
    {"store", "max(1 - " GR_SERIES_STORE_UP INSTANCE ")"},
    {"store errors", "max(increase(guardraild_store_errors_total" INSTANCE SINCE ")) > bool 0"},
    {"disk", "max(" GR_SERIES_STORE_LOW INSTANCE ")"},
    {"watchdog", "max(" GR_SERIES_BLIND INSTANCE ")"},
    {"storm breaker", "max(" GR_SERIES_BREAKER_OPEN INSTANCE ")"},
    {"dead letters", "max(" GR_SERIES_DEAD_LETTERS INSTANCE ") > bool 0"},
    {"audit log", "max(increase(guardraild_audit_failures_total" INSTANCE SINCE ")) > bool 0"},
    {"policy file", "max(guardraild_policy_stale" INSTANCE ")"},
    {"credentials", "max(guardraild_credentials_stale" INSTANCE ")"},
    {"certificate", "min(guardraild_tls_certificate_expiry_seconds" INSTANCE " - time()) < bool "},
};

/* 1 if a daemon has this spec but none the very rules that these dashboards are made with. */
static void
other_spec(struct dash *d)
{
    gr_buf_puts(&d->expr, "max(" GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_puts(&d->expr, "}) unless max(" GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_putc(&d->expr, ',');
    outname_matcher(&d->expr, "spec_hash", d->m->spec_hash);
    gr_buf_puts(&d->expr, "}) or max(" GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_puts(&d->expr, "}) * 0");
}

static void
checks_panel(struct dash *d, int w, int h)
{
    static const struct mapping rows[] = {{0, "✔ OK", COLOR_GOOD}, {1, "✖ TROUBLE", COLOR_BAD}};
    cJSON *panel = panel_add(
        d,
        &(struct panel){
            .type = "stat",
            .title = GR_STR("Can guardraild act?"),
            .description = GR_STR(
                "scraped: Prometheus reaches it. spec: it works by the very spec that this dashboard comes "
                "from. "
                "store: the last transaction was committed; errors: none failed in the shown time. disk: its "
                "reserve "
                "is not reached. watchdog: Prometheus' beat arrives. storm breaker: no further rollbacks "
                "wait for a "
                "person. dead letters: no message was given up. audit log: it could be written. policy file, "
                "credentials: the newest could be used. certificate: two weeks are left; only with TLS."),
            .w = w,
            .h = h});
    cJSON *mappings;

    for (size_t i = 0; i < GR_COUNT(checks); i++) {
        gr_buf_printf(&d->expr, "%slabel_replace(%s", i > 0 ? " or " : "", checks[i].expr);
        if (gr_str_is(GR_STR("certificate"), checks[i].name))
            gr_buf_printf(&d->expr, "%d", CERTIFICATE_S);
        gr_buf_printf(&d->expr, ", \"check\", \"%s\", \"\", \"\")", checks[i].name);
    }
    gr_buf_puts(&d->expr, " or label_replace(");
    other_spec(d);
    gr_buf_puts(&d->expr, ", \"check\", \"spec\", \"\", \"\")");
    panel_target(d, panel, "{{check}}", true, false);
    (void)panel_field(d, panel, "none", &mappings);
    mappings_add(d, mappings, rows, GR_COUNT(rows));
    stat_options(d, panel, "value_and_name");
}

static void
mode_panel(struct dash *d, int x, int w, int h)
{
    cJSON *panel =
        panel_add(d, &(struct panel){.type = "stat",
                                     .title = GR_STR("Mode"),
                                     .description = GR_STR(
                                         "What guardraild may do by itself: observe and dry-run only write "
                                         "down what would be done, confirm asks a person, auto acts."),
                                     .x = x,
                                     .w = w,
                                     .h = h});

    gr_buf_puts(&d->expr, "max by (mode) (" GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_puts(&d->expr, "})");
    panel_target(d, panel, "{{mode}}", true, false);
    (void)panel_field(d, panel, "none", NULL);
    plain_stat(d, panel, "name");
}

/* -- rollbacks ----------------------------------------------------------------------------------------------------------- */

/* "max by (cluster, deployment_id, guardrail, level<more>) (last_over_time(series{…}[$__range]))" */
static void
last_times(struct dash *d, const char *series, const char *more)
{
    gr_buf_puts(&d->expr, "max by (");
    query_stream(d);
    gr_buf_printf(&d->expr, ", guardrail, level%s) (last_over_time(", more);
    query_select(d, series, &(struct sel){.no_slices = true});
    gr_buf_puts(&d->expr, SINCE "))");
}

static void
on_rollback(struct dash *d)
{
    gr_buf_puts(&d->expr, " on (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", guardrail, level) ");
}

/* Seconds from the request to the end, by state; an end that lies before is of a rollback before that. */
static void
durations(struct dash *d)
{
    gr_buf_putc(&d->expr, '(');
    last_times(d, GR_SERIES_ROLLBACK_END, ", state");
    gr_buf_puts(&d->expr, " -");
    on_rollback(d);
    gr_buf_puts(&d->expr, "group_left () ");
    last_times(d, GR_SERIES_ROLLBACK_START, "");
    gr_buf_puts(&d->expr, ") >= 0");
}

static void
rollbacks_table(struct dash *d, int w, int h)
{
    static const struct column columns[] = {
        {"Value #A", "Asked for"},
        {"deployment_id", "Deployment"},
        {NULL, NULL},
        {"guardrail", "Guardrail"},
        {"level", "Level"},
        {"state", "How it ended"},
        {"Value #B", "Time to rollback"},
    };
    static const struct word words[] = {
        {"done", "✔ DONE", COLOR_GOOD},           {"failed", "✖ FAILED", COLOR_BAD},
        {"dead", "✖ FAILED", COLOR_BAD},          {"ambiguous", "? UNKNOWN", COLOR_BAD},
        {"cancelled", "– CANCELLED", COLOR_REST}, {"denied", "– DENIED", COLOR_REST},
        {"not over", "… NOT OVER", COLOR_WARN},
    };
    cJSON *panel = panel_add(
        d, &(struct panel){
               .type = "table",
               .title = GR_STR("Rollbacks"),
               .description = GR_STR(
                   "The last rollback of each release that was asked for in the shown time, the newest "
                   "first. Time to "
                   "rollback: from the alert that asked for it to the end of the last step, a person's "
                   "confirmation "
                   "included; of one that is not over, so far. UNKNOWN: nobody can tell whether a step ran."),
               .w = w,
               .h = h});
    cJSON *defaults, *properties;

    last_times(d, GR_SERIES_ROLLBACK_START, "");
    gr_buf_puts(&d->expr, " * 1000");
    panel_target(d, panel, "", true, true);
    durations(d);
    gr_buf_puts(&d->expr, " or label_replace((time() - ");
    last_times(d, GR_SERIES_ROLLBACK_START, "");
    gr_buf_puts(&d->expr, ") unless");
    on_rollback(d);
    gr_buf_putc(&d->expr, '(');
    durations(d);
    gr_buf_puts(&d->expr, "), \"state\", \"not over\", \"\", \"\")");
    panel_target(d, panel, "", true, true);
    table_columns(d, panel, true, "Value #A", columns, GR_COUNT(columns));
    defaults = panel_field(d, panel, "none", NULL);
    table_cells(d, defaults);
    cJSON_DeleteItemFromObjectCaseSensitive(defaults, "noValue");
    jsonout_cstr(&d->j, defaults, "noValue",
                 "No rollback in the shown time, or nothing reports: see the first tiles");
    properties = table_column(d, panel, "Asked for", 170);
    property_str(d, properties, "unit", "dateTimeAsIso");
    table_column(d, panel, "Guardrail", 260);
    table_column(d, panel, "Level", 70);
    table_words(d, panel, "How it ended", words, GR_COUNT(words));
    properties = table_column(d, panel, "Time to rollback", 130);
    property_str(d, properties, "unit", "s");
    property_num(d, properties, "decimals", 1);
    table_empty_labels(d, panel);
    table_options(d, panel, NULL, false);
}

/* 0 only where a daemon says so. */
static void
rollbacks_stat(struct dash *d, int x, int w, int h)
{
    cJSON *panel = panel_add(
        d,
        &(struct panel){.type = "stat",
                        .title = GR_STR("Time to rollback"),
                        .description = GR_STR("How many rollbacks ended in the shown time, and how long the "
                                              "longest took; 0 only while guardraild reports."),
                        .x = x,
                        .w = w,
                        .h = h});

    gr_buf_puts(&d->expr, "max(");
    durations(d);
    gr_buf_putc(&d->expr, ')');
    panel_target(d, panel, "longest", true, false);
    gr_buf_puts(&d->expr, "count(");
    durations(d);
    gr_buf_puts(&d->expr, ") or max(" GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_puts(&d->expr, "}) * 0");
    panel_target(d, panel, "rollbacks", true, false);
    (void)panel_field(d, panel, "none", NULL);
    property_str(d, panel_override(d, panel, "byName", "longest"), "unit", "s");
    plain_stat(d, panel, "value_and_name");
}

/* -- releases ------------------------------------------------------------------------------------------------------------ */

/* Words for values, without colour. */
static void
put_words(struct dash *d, cJSON *properties, const char *const words[][2], size_t n)
{
    cJSON *p = jsonout_object(&d->j, properties, NULL), *m, *options, *result;

    jsonout_cstr(&d->j, p, "id", "mappings");
    m = jsonout_object(&d->j, jsonout_array(&d->j, p, "value"), NULL);
    jsonout_cstr(&d->j, m, "type", "value");
    options = jsonout_object(&d->j, m, "options");
    for (size_t i = 0; i < n; i++) {
        result = jsonout_object(&d->j, options, words[i][0]);
        jsonout_cstr(&d->j, result, "text", words[i][1]);
        jsonout_num(&d->j, result, "index", (double)i);
    }
}

static void
releases_table(struct dash *d, int w, int h)
{
    static const struct column columns[] = {
        {"state", "State"}, {"deployment_id", "Deployment"}, {NULL, NULL},       {"phase", "Phase"},
        {"held", "Held"},   {"Value #B", "In it since"},     {"Value #A", NULL},
    };
    static const char *const held[][2] = {{"true", "■ HELD"}, {"false", "no"}};
    static const struct word states[] = {
        {"running", "▶ RUNNING", COLOR_GOOD},          {"halted", "■ HALTED", COLOR_WARN},
        {"rolling_back", "◀ ROLLING BACK", COLOR_BAD}, {"rolled_back", "◀ ROLLED BACK", COLOR_BAD},
        {"aborted", "✖ ABORTED", COLOR_REST},          {"sealed", "✔ SEALED", COLOR_GOOD},
    };
    cJSON *panel = panel_add(
        d, &(struct panel){.type = "table",
                           .title = GR_STR("Releases"),
                           .description =
                               GR_STR("Every active release and the last one of each stream, as guardraild "
                                      "has them. Held: an operator or a rule keeps it from going on."),
                           .w = w,
                           .h = h});
    cJSON *properties;

    gr_buf_puts(&d->expr, "max by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", state, held) (");
    query_select(d, "guardraild_release_info", &(struct sel){.no_slices = true});
    gr_buf_putc(&d->expr, ')');
    panel_target(d, panel, "", true, true);
    gr_buf_puts(&d->expr, "max by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", phase) (");
    query_select(d, GR_SERIES_PHASE_START, &(struct sel){.no_slices = true});
    gr_buf_puts(&d->expr, " * 1000 and ");
    query_select(d, GR_SERIES_PHASE, &(struct sel){.no_slices = true});
    gr_buf_puts(&d->expr, " == 1)");
    panel_target(d, panel, "", true, true);
    table_columns(d, panel, true, NULL, columns, GR_COUNT(columns));
    table_cells(d, panel_field(d, panel, "none", NULL));
    table_words(d, panel, "State", states, GR_COUNT(states));
    table_column(d, panel, "State", 140);
    put_words(d, table_column(d, panel, "Held", 80), held, GR_COUNT(held));
    table_no_value(d, table_column(d, panel, "Phase", 0), "–");
    properties = table_column(d, panel, "In it since", 170);
    property_str(d, properties, "unit", "dateTimeAsIso");
    table_no_value(d, properties, "–");
    table_empty_labels(d, panel);
    table_options(d, panel, NULL, false);
}

static void
breaches_timeline(struct dash *d, int x, int w, int h)
{
    static const struct mapping rows[] = {{GR_VERDICT_SOFT, "▲ SOFT", COLOR_WARN},
                                          {GR_VERDICT_HARD, "✖ HARD", COLOR_BAD}};
    cJSON *panel =
        panel_add(d, &(struct panel){.type = "state-timeline",
                                     .title = GR_STR("Breaches taken on"),
                                     .description = GR_STR(
                                         "From when guardraild knew of a breach, the worst of its slices; a "
                                         "soft one that became hard shows both. It stays for the rest of the "
                                         "release, for a breach must be reviewed."),
                                     .x = x,
                                     .w = w,
                                     .h = h});
    cJSON *mappings, *defaults;

    for (int level = GR_VERDICT_HARD; level >= GR_VERDICT_SOFT; level--) {
        gr_buf_puts(&d->expr, level == GR_VERDICT_HARD ? "max by (" : " or max by (");
        query_stream(d);
        gr_buf_puts(&d->expr, ", guardrail) (");
        query_select(d, GR_SERIES_ACCEPTED,
                     &(struct sel){.no_slices = true,
                                   .more = level == GR_VERDICT_HARD ? ",level=\"hard\"" : ",level=\"soft\""});
        gr_buf_printf(&d->expr, ") * %d", level);
    }
    gr_buf_puts(&d->text, "{{guardrail}} ");
    legend_stream(d);
    panel_target(d, panel, NULL, false, false);
    defaults = panel_field(d, panel, "none", &mappings);
    cJSON_DeleteItemFromObjectCaseSensitive(defaults, "noValue");
    jsonout_cstr(&d->j, defaults, "noValue", "No breach taken on, or nothing reports: see the first tiles");
    mappings_add(d, mappings, rows, GR_COUNT(rows));
    timeline_options(d, panel, false);
}

/* -- decisions, delivery, health ----------------------------------------------------------------------------------------- */

struct line {
    const char *expr, *legend, *color; /* color NULL: of the palette */
};
/* Counters as how many in each step; other things as they are. */
static void
lines_panel(struct dash *d, const struct panel *look, const char *unit, bool bars, const struct line *lines,
            size_t n)
{
    cJSON *panel = panel_add(d, look), *custom, *o, *sub;

    for (size_t i = 0; i < n; i++) {
        gr_buf_puts(&d->expr, lines[i].expr);
        panel_target(d, panel, lines[i].legend, false, false);
    }
    custom = jsonout_object(&d->j, panel_field(d, panel, unit, NULL), "custom");
    jsonout_cstr(&d->j, custom, "drawStyle", bars ? "bars" : "line");
    jsonout_num(&d->j, custom, "lineWidth", bars ? 0 : 2);
    jsonout_num(&d->j, custom, "fillOpacity", bars ? 90 : 0);
    jsonout_cstr(&d->j, custom, "showPoints", "never");
    jsonout_bool(&d->j, custom, "spanNulls", false);
    jsonout_num(&d->j, custom, "axisSoftMin", 0);
    if (strcmp(unit, "short") == 0)
        jsonout_num(&d->j, custom, "axisSoftMax", 1); /* all 0 is a line at the bottom */
    for (size_t i = 0; i < n; i++)
        if (lines[i].color)
            property_color(d, panel_override(d, panel, "byName", lines[i].legend), lines[i].color);
    o = panel_options(d, panel);
    sub = jsonout_object(&d->j, o, "legend");
    jsonout_cstr(&d->j, sub, "displayMode", "list");
    jsonout_cstr(&d->j, sub, "placement", "bottom");
    jsonout_bool(&d->j, sub, "showLegend", true);
    (void)jsonout_array(&d->j, sub, "calcs");
    sub = jsonout_object(&d->j, o, "tooltip");
    jsonout_cstr(&d->j, sub, "mode", "multi");
    jsonout_cstr(&d->j, sub, "sort", "desc");
}
#define PER_STEP(metric) "sum(increase(" metric INSTANCE "[$__rate_interval]))"

static void
decisions_panel(struct dash *d, int w, int h)
{
    static const struct line lines[] = {
        {PER_STEP("guardraild_alerts_total"), "alerts", COLOR_EARLY},
        {PER_STEP("guardraild_effects_new_total"), "new effects", COLOR_WARN},
    };

    lines_panel(d,
                &(struct panel){.type = "timeseries",
                                .title = GR_STR("Alerts and decisions"),
                                .description =
                                    GR_STR("Alerts that were stored, and effects that they led to, in each "
                                           "step of the time axis. Alertmanager repeats itself; what had "
                                           "happened before leads to nothing new."),
                                .w = w,
                                .h = h},
                "short", true, lines, GR_COUNT(lines));
}

/* One row for each target, one column for each state. */
static void
delivery_table(struct dash *d, int x, int w, int h)
{
    static const char *const nowhere[][2] = {{"none", "none: hold, extend, halt"}};
    cJSON *panel = panel_add(
        d, &(struct panel){.type = "table",
                           .title = GR_STR("Delivery by target"),
                           .description =
                               GR_STR("Where rollbacks and messages stand now, by target. done: delivered. "
                                      "ready, retry, running: under way. dead: given up, see guardrailctl "
                                      "deadletter list. held, waiting: for a person. observed: only "
                                      "written down. void: never begun."),
                           .x = x,
                           .w = w,
                           .h = h});
    cJSON *t, *o, *properties, *p, *value;

    gr_buf_puts(&d->expr, "sum by (target, state) (guardraild_effects" INSTANCE ")");
    panel_target(d, panel, "", true, true);
    t = jsonout_object(&d->j, jsonout_array(&d->j, panel, "transformations"), NULL);
    jsonout_cstr(&d->j, t, "id", "groupingToMatrix");
    o = jsonout_object(&d->j, t, "options");
    jsonout_cstr(&d->j, o, "columnField", "state");
    jsonout_cstr(&d->j, o, "rowField", "target");
    jsonout_cstr(&d->j, o, "valueField", "Value");
    jsonout_cstr(&d->j, o, "emptyValue", "zero");
    table_cells(d, panel_field(d, panel, "short", NULL));
    properties = panel_override(d, panel, "byName", "target\\state");
    property_str(d, properties, "displayName", "Target");
    put_words(d, properties, nowhere, GR_COUNT(nowhere));
    properties = panel_override(d, panel, "byRegexp", "/^(dead|failed|ambiguous)$/");
    p = jsonout_object(&d->j, properties, NULL);
    jsonout_cstr(&d->j, p, "id", "custom.cellOptions");
    jsonout_cstr(&d->j, jsonout_object(&d->j, p, "value"), "type", "color-text");
    p = jsonout_object(&d->j, properties, NULL);
    jsonout_cstr(&d->j, p, "id", "thresholds");
    value = jsonout_object(&d->j, p, "value");
    jsonout_cstr(&d->j, value, "mode", "absolute");
    o = jsonout_array(&d->j, value, "steps");
    value = jsonout_object(&d->j, o, NULL);
    jsonout_cstr(&d->j, value, "color", "text");
    jsonout_null(&d->j, value, "value");
    value = jsonout_object(&d->j, o, NULL);
    jsonout_cstr(&d->j, value, "color", COLOR_BAD);
    jsonout_num(&d->j, value, "value", 1);
    table_options(d, panel, NULL, false);
}

static void
health_panels(struct dash *d, int h)
{
    static const struct line commits[] = {
        {"histogram_quantile(0.99, sum by (le) (rate(guardraild_commit_seconds_bucket" INSTANCE
         "[$__rate_interval])))",
         "99th percentile", COLOR_WARN},
        {"histogram_quantile(0.5, sum by (le) (rate(guardraild_commit_seconds_bucket" INSTANCE
         "[$__rate_interval])))",
         "median", COLOR_EARLY},
    };
    static const struct line ages[] = {
        {"max(" GR_SERIES_QUEUE_AGE INSTANCE ")", "oldest effect that waits", COLOR_WARN},
        {"max(time() - (guardraild_watchdog_last_seconds" INSTANCE " > 0))", "last watchdog beat",
         COLOR_EARLY},
    };
    static const struct line sent[] = {
        {PER_STEP("guardraild_messages_sent_total"), "messages delivered", COLOR_GOOD},
        {PER_STEP("guardraild_message_retries_total"), "put back to be sent again", COLOR_WARN},
        {PER_STEP("guardraild_steps_failed_total"), "rollback steps failed", COLOR_BAD},
    };

    lines_panel(
        d,
        &(struct panel){.type = "timeseries",
                        .title = GR_STR("Commit latency"),
                        .description = GR_STR("From the start of a transaction to its commit; an alert is "
                                              "answered after it. No line: nothing was written."),
                        .w = 8,
                        .h = h},
        "s", false, commits, GR_COUNT(commits));
    lines_panel(d,
                &(struct panel){.type = "timeseries",
                                .title = GR_STR("Waiting and watchdog"),
                                .description =
                                    GR_STR("Age of the oldest rollback or message that waits to be carried "
                                           "out, and of the watchdog's last beat: five minutes without one "
                                           "and guardraild is blind. rests: a target that did not answer is "
                                           "left alone for so long."),
                                .x = 8,
                                .w = 8,
                                .h = h},
                "s", false, ages, GR_COUNT(ages));
    lines_panel(d,
                &(struct panel){.type = "timeseries",
                                .title = GR_STR("Messages and steps"),
                                .description =
                                    GR_STR("Messages delivered or put back, and attempts of rollback steps "
                                           "that did not succeed, in each step of the time axis."),
                                .x = 16,
                                .w = 8,
                                .h = h},
                "short", true, sent, GR_COUNT(sent));
}

static void
surroundings_row(struct dash *d, int h)
{
    static const struct line requests[] = {
        {"sum by (code) (increase(guardraild_http_requests_total" INSTANCE "[$__rate_interval]))", "{{code}}",
         NULL},
        {PER_STEP("guardraild_auth_refused_total"), "without token or certificate", COLOR_BAD},
        {PER_STEP("guardraild_rate_refused_total"), "past the rate", COLOR_WARN},
    };
    static const struct line failures[] = {
        {PER_STEP("guardraild_store_errors_total"), "transactions not committed", COLOR_BAD},
        {PER_STEP("guardraild_prometheus_errors_total"), "questions to Prometheus without answer",
         COLOR_WARN},
        {PER_STEP("guardraild_record_failures_total"), "decision records not written", NULL},
        {PER_STEP("guardraild_audit_failures_total"), "audit files not written", NULL},
        {PER_STEP("guardraild_credential_reload_failures_total"), "credentials not used", NULL},
        {PER_STEP("guardraild_log_lines_lost_total"), "log lines lost", NULL},
    };
    static const struct line disk[] = {
        {"min(guardraild_store_free_bytes" INSTANCE " >= 0)", "free", COLOR_EARLY}};
    cJSON *row = row_begin(d, GR_STR("Requests, failures, disk"), true);

    lines_panel(
        d,
        &(struct panel){.type = "timeseries",
                        .title = GR_STR("Requests by answer"),
                        .description = GR_STR("HTTP requests in each step of the time axis, by status code; "
                                              "and those that were refused."),
                        .w = 8,
                        .h = h},
        "short", false, requests, GR_COUNT(requests));
    lines_panel(
        d,
        &(struct panel){.type = "timeseries",
                        .title = GR_STR("What failed"),
                        .description = GR_STR("Failures in each step of the time axis; flat at 0 is well."),
                        .x = 8,
                        .w = 8,
                        .h = h},
        "short", false, failures, GR_COUNT(failures));
    lines_panel(
        d,
        &(struct panel){.type = "timeseries",
                        .title = GR_STR("Free on the store's disk"),
                        .description = GR_STR("At its reserve guardraild takes no more alerts, and says so."),
                        .x = 16,
                        .w = 8,
                        .h = h},
        "bytes", false, disk, GR_COUNT(disk));
    row_end(d, row);
}

/* Slices mean nothing to guardraild; the variables stay, unseen, so that links carry them there and back. */
static void
hide_slices(struct dash *d)
{
    cJSON *v;

    cJSON_ArrayForEach(
        v, cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(d->root, "templating"), "list"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(v, "name"));

        for (size_t i = 0; name && i < d->slices.n; i++)
            if (gr_str_is(d->slices.v[i], name)) {
                cJSON_DeleteItemFromObjectCaseSensitive(v, "hide");
                jsonout_num(&d->j, v, "hide", 2);
            }
    }
}

enum gr_err
grafana_audit(const struct model *m, struct gr_buf *b)
{
    struct dash d;

    dash_begin(&d, m, GR_STR("audit"), DAY_MS, "What guardraild decided and did, and whether it can act.");
    hide_slices(&d);
    dash_instances(&d);
    checks_panel(&d, 21, 5);
    mode_panel(&d, 21, 3, 5);
    d.y += 5;
    rollbacks_table(&d, 18, 6);
    rollbacks_stat(&d, 18, 6, 6);
    d.y += 6;
    releases_table(&d, 14, 7);
    breaches_timeline(&d, 14, 10, 7);
    d.y += 7;
    decisions_panel(&d, 12, 8);
    delivery_table(&d, 12, 12, 8);
    d.y += 8;
    health_panels(&d, 7);
    d.y += 7;
    surroundings_row(&d, 7);
    return dash_end(&d, b);
}
