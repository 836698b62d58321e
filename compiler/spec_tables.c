/* spec_tables.c - the spec language: one table for each mapping. To add a key: a row here, and the reader of
 * its part. */
#include "config.h"
#include "spec_keys.h"

#define KEYS(name, what)                                                                                     \
    static const struct keys name##_keys = {what, name##_rows, GR_COUNT(name##_rows), NULL, KEY_TEXT}
/* A mapping with free names, all of whose values look like the row `value`. */
#define DICT(name, what, names, value) static const struct keys name##_keys = {what, NULL, 0, &value, names}

static const char *const api_versions[] = {"guardrail/v1", NULL};
static const char *const against_choices[] = {"control", "fixed", NULL};
static const char *const bad_choices[] = {"above", "below", "outside", "at_or_above", "at_or_below", NULL};
static const char *const hold_choices[] = {"hold", NULL};
static const char *const reduce_choices[] = {"avg", "max", "min", NULL};
static const char *const scope_choices[] = {"cohort", "stream", NULL};
static const char *const kind_choices[] = {"sequential", "point", NULL};
static const char *const thin_choices[] = {"hold", "allow", NULL};
static const char *const failure_choices[] = {"abort", "continue", "page", NULL};
static const char *const no_data_choices[] = {"fail", "ok", NULL};
static const char *const shadow_choices[] = {"none", "mirror", NULL};
static const char *const per_order_choices[] = {"none", "canary", "all", NULL};

/* ---- who and where ---- */

static const struct key release_rows[] = {
    {.name = "labels",
     .type = KEY_LABEL,
     .shape = SHAPE_LIST,
     .flags = KEY_REQUIRED,
     .help = "the labels that tell release streams apart, as [cluster]"},
};
KEYS(release, "release");

static const struct key cohorts_rows[] = {
    {.name = "label",
     .type = KEY_LABEL,
     .flags = KEY_REQUIRED,
     .help = "the label that tells canary from control"},
    {.name = "canary", .type = KEY_TEXT, .flags = KEY_REQUIRED, .help = "its value on the new version"},
    {.name = "control",
     .type = KEY_TEXT,
     .flags = KEY_REQUIRED,
     .help = "its value on concurrent, matched baseline traffic"},
    {.name = "compare_within",
     .type = KEY_LABEL,
     .shape = SHAPE_LIST,
     .flags = KEY_MAY_BE_EMPTY,
     .help = "labels inside which canary and control are compared, as [venue, flow]"},
};
KEYS(cohorts, "cohorts");

static const struct key expect_value = {
    .name = "a label", .type = KEY_TEXT, .shape = SHAPE_ONE_OR_LIST, .help = "the values that must report"};
DICT(expect, "an entry of expect", KEY_LABEL, expect_value);

static const struct key dynamic_rows[] = {
    {.name = "at_most",
     .type = KEY_COUNT,
     .flags = KEY_REQUIRED,
     .min = 1,
     .max = 100000,
     .help = "how many values the label has at most; the error budget is split over them"},
};
KEYS(dynamic, "a dynamic slice");
static const struct key dynamic_value = {
    .name = "a label", .type = KEY_MAP, .map = &dynamic_keys, .help = "write {at_most: 16}"};
DICT(dynamic_slices, "dynamic_slices", KEY_LABEL, dynamic_value);

static const struct key flows_rows[] = {
    {.name = "label", .type = KEY_LABEL, .flags = KEY_REQUIRED, .help = "the label that tells flows apart"},
    {.name = "values", .type = KEY_NAME, .shape = SHAPE_LIST, .flags = KEY_REQUIRED, .help = "the flows"},
};
KEYS(flows, "flows");

/* ---- phases ---- */

static const struct key check_rows[] = {
    {.name = "name", .type = KEY_NAME, .flags = KEY_REQUIRED, .help = "what the check is called"},
    {.name = "run", .type = KEY_ARGV, .flags = KEY_REQUIRED, .help = "[program, argument, …]; exit 0 passes"},
    {.name = "timeout", .type = KEY_DURATION, .help = "how long it may run; default 1m"},
};
KEYS(check, "a check");
static const struct key require_rows[] = {
    {.name = "run", .type = KEY_ARGV, .flags = KEY_REQUIRED, .help = "[program, argument, …]; exit 0 passes"},
    {.name = "timeout", .type = KEY_DURATION, .help = "how long it may run; default 1m"},
};
KEYS(require, "a requirement");
static const struct key require_value = {.name = "a requirement",
                                         .type = KEY_MAP,
                                         .map = &require_keys,
                                         .help = "write {run: [program, argument, …]}"};
DICT(requires, "requires", KEY_NAME, require_value);

static const struct key share_value = {
    .name = "a flow", .type = KEY_SHARE, .help = "the canary's share, as in 0.5%"};
DICT(traffic, "traffic", KEY_NAME, share_value);

static const struct key phase_rows[] = {
    {.name = "name", .type = KEY_NAME, .flags = KEY_REQUIRED, .help = "what the phase is called"},
    {.name = "shadow", .type = KEY_BOOL, .help = "the canary sees no live traffic"},
    {.name = "final", .type = KEY_BOOL, .help = "the last phase; entering it seals the decision log"},
    {.name = "traffic",
     .type = KEY_MAP,
     .map = &traffic_keys,
     .scalar = &share_value,
     .help = "the canary's share of each flow, as {market_making: 1%, agency: 0.5%}, or one share"},
    {.name = "min_duration",
     .type = KEY_DURATION,
     .help = "the shortest time in the phase; also the window of its metrics"},
    {.name = "max_duration", .type = KEY_DURATION, .help = "the longest; default 4 times min_duration"},
    {.name = "checks",
     .type = KEY_MAP,
     .shape = SHAPE_LIST,
     .map = &check_keys,
     .help = "programs that must pass before the phase can end"},
    {.name = "requires",
     .type = KEY_MAP,
     .map = &requires_keys,
     .help = "programs that must pass before the phase can begin, by name"},
};
KEYS(phase, "a phase");

/* ---- guardrails ---- */

static const struct key ratio_rows[] = {
    {.name = "bad", .type = KEY_PROMQL, .group = 1, .help = "a counter of what went wrong"},
    {.name = "good", .type = KEY_PROMQL, .group = 1, .help = "a counter of what went well"},
    {.name = "total", .type = KEY_PROMQL, .flags = KEY_REQUIRED, .help = "a counter of everything"},
};
KEYS(ratio, "a ratio");

static const struct key weight_value = {.name = "a value", .type = KEY_NUMBER, .help = "its weight, as in 3"};
DICT(weight_values, "values", KEY_TEXT, weight_value);
static const struct key weights_rows[] = {
    {.name = "label",
     .type = KEY_LABEL,
     .flags = KEY_REQUIRED,
     .help = "the label whose values weigh differently"},
    {.name = "values",
     .type = KEY_MAP,
     .flags = KEY_REQUIRED,
     .map = &weight_values_keys,
     .help = "{value: weight, …}"},
};
KEYS(weights, "weights");

static const struct key metric_rows[] = {
    {.name = "ratio",
     .type = KEY_MAP,
     .group = 1,
     .map = &ratio_keys,
     .help = "{bad: …, total: …} or {good: …, total: …}"},
    {.name = "gauge", .type = KEY_PROMQL, .group = 1, .help = "a selector of gauges"},
    {.name = "histogram", .type = KEY_PROMQL, .group = 1, .help = "a classic histogram, without _bucket"},
    {.name = "promql", .type = KEY_PROMQL, .group = 1, .help = "an expression, evaluated for each cohort"},
    {.name = "quantile", .type = KEY_NUMBER, .help = "of a histogram, as in 0.99"},
    {.name = "buckets", .type = KEY_NUMBER, .shape = SHAPE_LIST, .help = "the histogram's edges, ascending"},
    {.name = "reduce",
     .type = KEY_CHOICE,
     .choices = reduce_choices,
     .help = "of gauges: avg (default), max or min"},
    {.name = "weights",
     .type = KEY_MAP,
     .map = &weights_keys,
     .help = "of ratios: {label: …, values: {value: weight}}"},
    {.name = "unit", .type = KEY_UNIT, .help = "the unit of the value"},
    {.name = "show", .type = KEY_UNIT, .help = "the unit in which people read it; default: unit"},
    {.name = "signed", .type = KEY_BOOL, .help = "the value can be negative; forbids relative limits"},
    {.name = "labels", .type = KEY_LABEL, .shape = SHAPE_LIST, .help = "the labels that its series carry"},
    {.name = "common",
     .type = KEY_TEXT,
     .shape = SHAPE_LIST,
     .help = "of promql: metrics that have no cohort"},
};
KEYS(metric, "a metric");

static const struct key where_value = {.name = "a label", .type = KEY_TEXT, .help = "one value"};
DICT(where, "where", KEY_LABEL, where_value);
DICT(only, "only", KEY_LABEL, where_value);

static const struct key limit_rows[] = {
    {.name = "against",
     .type = KEY_CHOICE,
     .flags = KEY_REQUIRED,
     .choices = against_choices,
     .help = "control, or fixed"},
    {.name = "bad",
     .type = KEY_CHOICE,
     .choices = bad_choices,
     .help = "of fixed limits, the bad side: above, below, outside, at_or_above or at_or_below"},
    {.name = "soft", .type = KEY_QUANTITY, .help = "the limit for review"},
    {.name = "hard", .type = KEY_QUANTITY, .help = "the limit for rollback"},
    {.name = "floor", .type = KEY_QUANTITY, .help = "control counts as at least this, as in 0.05%"},
    {.name = "backstop",
     .type = KEY_QUANTITY,
     .help = "a fixed hard limit, whatever control says, on the side of the others"},
    {.name = "common_cause",
     .type = KEY_CHOICE,
     .choices = hold_choices,
     .help = "hold: no rollback while control is beyond the same fixed limit or backstop, but hold and page"},
};
KEYS(limit, "a limit");

static const struct key override_rows[] = {
    {.name = "where", .type = KEY_MAP, .flags = KEY_REQUIRED, .map = &where_keys, .help = "{label: value}"},
    {.name = "soft", .type = KEY_QUANTITY, .help = "a tighter soft limit"},
    {.name = "hard", .type = KEY_QUANTITY, .help = "a tighter hard limit"},
    {.name = "backstop", .type = KEY_QUANTITY, .help = "a tighter backstop"},
    {.name = "waiver",
     .type = KEY_TEXT,
     .flags = KEY_NOT_YET,
     .help = "who allowed a looser limit, and until when"},
};
KEYS(override, "an override");

static const struct key confirm_rows[] = {
    {.name = "hard",
     .type = KEY_K_OF_N,
     .help = "slots beyond the hard limit; default 1 of 1, of the windowed value"},
    {.name = "soft", .type = KEY_K_OF_N, .help = "slots beyond the soft limit; default 2 of 3"},
};
KEYS(confirm, "confirm");
static const struct key evidence_rows[] = {
    {.name = "kind",
     .type = KEY_CHOICE,
     .choices = kind_choices,
     .help = "sequential, or point: the first excursion fires"},
    {.name = "min_events",
     .type = KEY_COUNT,
     .min = 1,
     .max = 1000000000,
     .help = "bad events of the canary; default 5"},
    {.name = "min_total",
     .type = KEY_COUNT,
     .min = 1,
     .max = 1000000000,
     .help = "observations in each cohort; default 200"},
    {.name = "confirm",
     .type = KEY_MAP,
     .map = &confirm_keys,
     .help = "of fixed limits: {hard: 1 of 1, soft: 2 of 3}"},
    {.name = "thin",
     .type = KEY_CHOICE,
     .choices = thin_choices,
     .help = "allow: too little data does not hold a promotion"},
};
KEYS(evidence, "evidence");
static const struct key evidence_kind = {
    .name = "kind", .type = KEY_CHOICE, .choices = kind_choices, .help = "sequential or point"};

static const struct key on_rows[] = {
    {.name = "hard",
     .type = KEY_NAME,
     .shape = SHAPE_LIST,
     .flags = KEY_REQUIRED,
     .help = "actions when a hard limit is breached, as [rollback, page]"},
    {.name = "soft",
     .type = KEY_NAME,
     .shape = SHAPE_LIST,
     .flags = KEY_MAY_BE_EMPTY,
     .help = "actions when a soft limit is breached; default [extend]"},
    {.name = "no_data",
     .type = KEY_NAME,
     .shape = SHAPE_LIST,
     .flags = KEY_MAY_BE_EMPTY,
     .help = "actions when a guardrail cannot tell; default [hold]"},
};
KEYS(on, "on");
static const struct key guardrail_on_rows[] = {
    {.name = "hard",
     .type = KEY_NAME,
     .shape = SHAPE_LIST,
     .help = "actions when the hard limit is breached"},
    {.name = "soft",
     .type = KEY_NAME,
     .shape = SHAPE_LIST,
     .flags = KEY_MAY_BE_EMPTY,
     .help = "actions when the soft limit is breached"},
    {.name = "no_data",
     .type = KEY_NAME,
     .shape = SHAPE_LIST,
     .flags = KEY_MAY_BE_EMPTY,
     .help = "actions when the guardrail cannot tell"},
};
KEYS(guardrail_on, "on");

static const struct key guardrail_rows[] = {
    {.name = "name", .type = KEY_NAME, .flags = KEY_REQUIRED, .help = "what the guardrail is called"},
    {.name = "group", .type = KEY_NAME, .help = "its group; default: that of the guardrail before it"},
    {.name = "source",
     .type = KEY_TEXT,
     .help = "the metric's name for people; default: the guardrail's name"},
    {.name = "runbook", .type = KEY_URL, .help = "what to do; {guardrail} stands for the name"},
    {.name = "metric",
     .type = KEY_MAP,
     .flags = KEY_REQUIRED,
     .map = &metric_keys,
     .help = "what is measured"},
    {.name = "limit",
     .type = KEY_MAP,
     .flags = KEY_REQUIRED,
     .map = &limit_keys,
     .help = "what it must not exceed"},
    {.name = "overrides",
     .type = KEY_MAP,
     .shape = SHAPE_LIST,
     .map = &override_keys,
     .help = "tighter limits for some slices"},
    {.name = "evidence",
     .type = KEY_MAP,
     .flags = KEY_MAY_BE_EMPTY,
     .map = &evidence_keys,
     .scalar = &evidence_kind,
     .help = "how much it takes to call a breach"},
    {.name = "compare_within",
     .type = KEY_LABEL,
     .shape = SHAPE_LIST,
     .flags = KEY_MAY_BE_EMPTY,
     .help = "instead of the default of cohorts, as [venue], or [] for hosts"},
    {.name = "slice", .type = KEY_LABEL, .shape = SHAPE_LIST, .help = "further labels, of dynamic_slices"},
    {.name = "only", .type = KEY_MAP, .map = &only_keys, .help = "the part it applies to, as {flow: agency}"},
    {.name = "scope",
     .type = KEY_CHOICE,
     .choices = scope_choices,
     .help = "stream: one value per release stream"},
    {.name = "phases",
     .type = KEY_NAME,
     .shape = SHAPE_LIST,
     .help = "when it applies; default: the phases with traffic that are not final"},
    {.name = "window", .type = KEY_DURATION, .help = "instead of the phase's minimum duration"},
    {.name = "mandatory", .type = KEY_BOOL, .help = "an overlay may tighten, never loosen; default true"},
    {.name = "on", .type = KEY_MAP, .map = &guardrail_on_keys, .help = "actions, instead of the spec's"},
    {.name = "waiver",
     .type = KEY_TEXT,
     .flags = KEY_NOT_YET,
     .help = "who allowed a looser limit, and until when"},
};
KEYS(guardrail, "a guardrail");

/* ---- actions ---- */

static const struct key step_rows[] = {
    {.name = "name", .type = KEY_NAME, .flags = KEY_REQUIRED, .help = "what the step is called"},
    {.name = "run", .type = KEY_ARGV, .group = 1, .help = "[program, argument, …]"},
    {.name = "pipeline",
     .type = KEY_ARGV,
     .shape = SHAPE_LIST,
     .group = 1,
     .help = "[[program, argument, …], [program, …]], the output of one into the next"},
    {.name = "promql",
     .type = KEY_PROMQL,
     .group = 1,
     .help = "a query whose value must fall below or rise above a number"},
    {.name = "timeout", .type = KEY_DURATION, .help = "how long a program may run; default 1m"},
    {.name = "probe",
     .type = KEY_ARGV,
     .help = "a program that tells whether the step is done already: exit 0 says yes"},
    {.name = "on_failure",
     .type = KEY_CHOICE,
     .choices = failure_choices,
     .help = "abort (default), continue or page"},
    {.name = "idempotent",
     .type = KEY_BOOL,
     .help = "the step may run again when it is not known whether it ran"},
    {.name = "retries", .type = KEY_COUNT, .min = 0, .max = 10, .help = "how often it is tried again"},
    {.name = "below", .type = KEY_NUMBER, .group = 2, .help = "the query's value must be below this"},
    {.name = "above", .type = KEY_NUMBER, .group = 2, .help = "the query's value must be above this"},
    {.name = "no_data",
     .type = KEY_CHOICE,
     .choices = no_data_choices,
     .help = "what an empty result means: fail (default) or ok"},
    {.name = "within", .type = KEY_DURATION, .help = "how long to wait for it; default 1m"},
};
KEYS(step, "a step");

static const struct key pagerduty_rows[] = {
    {.name = "service", .type = KEY_TEXT, .flags = KEY_REQUIRED, .help = "the PagerDuty service"},
    {.name = "routing_key_file",
     .type = KEY_PATH,
     .flags = KEY_REQUIRED,
     .help = "a file with the integration's key"},
};
KEYS(pagerduty, "pagerduty");
static const struct key slack_rows[] = {
    {.name = "channel", .type = KEY_TEXT, .flags = KEY_REQUIRED, .help = "the channel, as \"#deploy-ops\""},
    {.name = "webhook_url_file",
     .type = KEY_PATH,
     .flags = KEY_REQUIRED,
     .help = "a file with the incoming webhook's URL"},
};
KEYS(slack, "slack");
static const struct key jira_rows[] = {
    {.name = "project", .type = KEY_TEXT, .flags = KEY_REQUIRED, .help = "the project's key"},
    {.name = "issue_type", .type = KEY_TEXT, .help = "default Task"},
    {.name = "base_url", .type = KEY_URL, .flags = KEY_REQUIRED, .help = "where Jira is"},
    {.name = "token_file", .type = KEY_PATH, .flags = KEY_REQUIRED, .help = "a file with the token"},
};
KEYS(jira, "jira");
static const struct key opsgenie_rows[] = {
    {.name = "team", .type = KEY_TEXT, .help = "who gets it"},
    {.name = "base_url", .type = KEY_URL, .help = "default https://api.opsgenie.com"},
    {.name = "api_key_file", .type = KEY_PATH, .flags = KEY_REQUIRED, .help = "a file with the key"},
};
KEYS(opsgenie, "opsgenie");
static const struct key jsm_rows[] = {
    {.name = "team", .type = KEY_TEXT, .help = "who gets it"},
    {.name = "base_url", .type = KEY_URL, .help = "default https://api.atlassian.com/jsm/ops/integration"},
    {.name = "api_key_file",
     .type = KEY_PATH,
     .flags = KEY_REQUIRED,
     .help = "a file with the integration's key"},
};
KEYS(jsm, "jsm");
static const struct key http_rows[] = {
    {.name = "url", .type = KEY_URL, .flags = KEY_REQUIRED, .help = "where the message is posted"},
    {.name = "token_file", .type = KEY_PATH, .help = "a file with a bearer token"},
};
KEYS(http, "http");

static const struct key action_rows[] = {
    {.name = "steps",
     .type = KEY_MAP,
     .shape = SHAPE_LIST,
     .group = 1,
     .map = &step_keys,
     .help = "a rollback, step by step"},
    {.name = "pagerduty",
     .type = KEY_MAP,
     .group = 1,
     .map = &pagerduty_keys,
     .help = "{service: …, routing_key_file: …}"},
    {.name = "slack",
     .type = KEY_MAP,
     .group = 1,
     .map = &slack_keys,
     .help = "{channel: …, webhook_url_file: …}"},
    {.name = "jira",
     .type = KEY_MAP,
     .group = 1,
     .map = &jira_keys,
     .help = "{project: …, base_url: …, token_file: …}"},
    {.name = "opsgenie", .type = KEY_MAP, .group = 1, .map = &opsgenie_keys, .help = "{api_key_file: …}"},
    {.name = "http", .type = KEY_MAP, .group = 1, .map = &http_keys, .help = "{url: …}"},
    {.name = "jsm",
     .type = KEY_MAP,
     .group = 1,
     .map = &jsm_keys,
     .help = "{api_key_file: …}; Opsgenie's successor"},
    {.name = "escalate_after",
     .type = KEY_DURATION,
     .help = "a page that nobody acknowledged so long goes on"},
    {.name = "escalate_to", .type = KEY_NAME, .help = "to this action"},
};
KEYS(action, "an action");
static const struct key action_value = {.name = "an action",
                                        .type = KEY_MAP,
                                        .map = &action_keys,
                                        .help =
                                            "write {slack: {channel: …, webhook_url_file: …}} or the like"};
DICT(actions, "actions", KEY_NAME, action_value);

/* ---- around it ---- */

static const struct key webhook_rows[] = {
    {.name = "url",
     .type = KEY_URL,
     .help = "where Alertmanager reaches guardraild; default http://127.0.0.1:9095"},
    {.name = "token_file", .type = KEY_PATH, .help = "a file with the bearer token that it sends"},
};
KEYS(webhook, "webhook");
static const struct key dashboards_rows[] = {
    {.name = "folder",
     .type = KEY_PATH,
     .help = "Grafana's folder, as Team/Canary; default: the spec's name"},
    {.name = "grafana_url", .type = KEY_URL, .help = "for the links in alerts"},
};
KEYS(dashboards, "dashboards");
static const struct key tracing_rows[] = {
    {.name = "canary_sampling", .type = KEY_SHARE, .help = "the share of canary traces that are kept"},
    {.name = "other_sampling", .type = KEY_SHARE, .help = "the share of all others; default 5%"},
    {.name = "retention", .type = KEY_DURATION, .help = "how long spans are kept"},
    {.name = "attribute",
     .type = KEY_TEXT,
     .help = "the attribute of spans that tells the cohort; default: the cohort label"},
};
KEYS(tracing, "tracing");
static const struct key logs_rows[] = {
    {.name = "fields", .type = KEY_TEXT, .shape = SHAPE_LIST, .help = "what canary pods add to their logs"},
    {.name = "per_order", .type = KEY_CHOICE, .choices = per_order_choices, .help = "who logs each order"},
    {.name = "order_field",
     .type = KEY_TEXT,
     .help = "the field that marks a record as one order's; default order_id"},
};
KEYS(logs, "logs");
static const struct key report_rows[] = {
    {.name = "to", .type = KEY_TEXT, .shape = SHAPE_LIST, .flags = KEY_REQUIRED, .help = "who gets it"},
};
KEYS(report, "a report");
static const struct key reports_rows[] = {
    {.name = "daily", .type = KEY_MAP, .map = &report_keys, .help = "{to: [team, …]}"},
    {.name = "monthly", .type = KEY_MAP, .map = &report_keys, .help = "{to: [team, …]}"},
};
KEYS(reports, "reports");
static const struct key archive_rows[] = {
    {.name = "within", .type = KEY_DURATION, .flags = KEY_REQUIRED, .help = "of the release becoming final"},
    {.name = "vault", .type = KEY_TEXT, .flags = KEY_REQUIRED, .help = "where it goes"},
};
KEYS(archive, "archive");
static const struct key retention_rows[] = {
    {.name = "decisions", .type = KEY_DURATION, .help = "how long decision logs are kept, as 12 months"},
    {.name = "archive", .type = KEY_MAP, .map = &archive_keys, .help = "{within: 24h, vault: …}"},
};
KEYS(retention, "retention");
static const struct key governance_rows[] = {
    {.name = "change_log", .type = KEY_PATH, .help = "where threshold changes are signed off"},
};
KEYS(governance, "governance");

/* ---- where it runs ---- */

static const struct key object_label_value = {
    .name = "a label", .type = KEY_TEXT, .help = "its value, as \"1\""};
DICT(object_labels, "labels of an object", KEY_TEXT, object_label_value);
static const struct key kubernetes_rows[] = {
    {.name = "namespace", .type = KEY_TEXT, .help = "where the objects live; default monitoring"},
    {.name = "labels", .type = KEY_MAP, .map = &object_labels_keys, .help = "labels of every object"},
    {.name = "rule_selector",
     .type = KEY_MAP,
     .flags = KEY_MAY_BE_EMPTY,
     .map = &object_labels_keys,
     .help = "the labels that Prometheus' ruleSelector asks for; default {release: prometheus}"},
    {.name = "alertmanager_selector",
     .type = KEY_MAP,
     .flags = KEY_MAY_BE_EMPTY,
     .map = &object_labels_keys,
     .help = "the labels that alertmanagerConfigSelector asks for; default: none"},
    {.name = "dashboard_selector",
     .type = KEY_MAP,
     .flags = KEY_MAY_BE_EMPTY,
     .map = &object_labels_keys,
     .help = "the labels that Grafana's sidecar asks for; default {grafana_dashboard: \"1\"}"},
    {.name = "folder_annotation",
     .type = KEY_TEXT,
     .help = "the sidecar's folderAnnotation; default grafana_folder"},
    {.name = "secret",
     .type = KEY_TEXT,
     .help = "the Secret with Alertmanager's keys; default guardrail- and the spec's name"},
    {.name = "namespace_matcher",
     .type = KEY_BOOL,
     .help = "Alertmanager matches the namespace of each AlertmanagerConfig; default true"},
};
KEYS(kubernetes, "kubernetes");

static const struct key deploy_rows[] = {
    {.name = "namespace", .type = KEY_TEXT, .help = "of the services; default: whatever kubectl is told"},
    {.name = "canary_service",
     .type = KEY_TEXT,
     .help = "the canary's Service; default: the spec's name and the canary's cohort"},
    {.name = "control_service",
     .type = KEY_TEXT,
     .help = "everybody else's; default: the spec's name and the control's cohort"},
    {.name = "port", .type = KEY_COUNT, .min = 1, .max = 65535, .help = "of both services; default 80"},
    {.name = "gateway", .type = KEY_TEXT, .help = "the Gateway; default: the spec's name"},
    {.name = "gateway_namespace", .type = KEY_TEXT, .help = "its namespace; default: that of the services"},
    {.name = "hostnames",
     .type = KEY_TEXT,
     .shape = SHAPE_LIST,
     .help = "the hosts that are routed; default: all"},
    {.name = "flow_header",
     .type = KEY_TEXT,
     .group = 2,
     .help = "the request header whose value is the flow; default x- and the flow label"},
    {.name = "flow_path", .type = KEY_TEXT, .group = 2, .help = "or the path, as /orders/{flow}"},
    {.name = "shadow",
     .type = KEY_CHOICE,
     .choices = shadow_choices,
     .help = "of shadow phases: none (default), or mirror: the canary gets a copy of each request"},
    {.name = "argo_rollouts",
     .type = KEY_BOOL,
     .help = "also write AnalysisTemplates for Argo Rollouts; default false"},
    {.name = "prometheus_url",
     .type = KEY_URL,
     .help = "where Argo Rollouts reaches Prometheus; default: the operator's service"},
    {.name = "guardraild_url", .type = KEY_URL, .help = "where it reaches guardraild; default: webhook.url"},
    {.name = "token_secret",
     .type = KEY_TEXT,
     .help = "the Secret whose key `token` is guardraild's read token; default: no token is sent"},
};
KEYS(deploy, "deploy");

/* ---- the document ---- */

static const struct key root_rows[] = {
    {.name = "apiVersion",
     .type = KEY_CHOICE,
     .flags = KEY_REQUIRED,
     .choices = api_versions,
     .help = "guardrail/v1"},
    {.name = "spec", .type = KEY_NAME, .flags = KEY_REQUIRED, .help = "the spec's name"},
    {.name = "owner", .type = KEY_TEXT, .help = "whom to ask"},
    {.name = "runbook", .type = KEY_URL, .help = "what to do; {guardrail} stands for the guardrail's name"},
    {.name = "release",
     .type = KEY_MAP,
     .flags = KEY_REQUIRED,
     .map = &release_keys,
     .help = "{labels: [cluster]}"},
    {.name = "cohorts",
     .type = KEY_MAP,
     .flags = KEY_REQUIRED,
     .map = &cohorts_keys,
     .help = "{label: track, canary: canary, control: control, compare_within: [venue]}"},
    {.name = "expect",
     .type = KEY_MAP,
     .shape = SHAPE_LIST,
     .flags = KEY_REQUIRED,
     .map = &expect_keys,
     .help = "what must report, as [{cluster: equities, venue: [XNAS, XNYS]}]"},
    {.name = "dynamic_slices",
     .type = KEY_MAP,
     .map = &dynamic_slices_keys,
     .help = "{symbol_bucket: {at_most: 16}}"},
    {.name = "sampling",
     .type = KEY_DURATION,
     .flags = KEY_REQUIRED,
     .help = "how often the rules are evaluated, as 2m"},
    {.name = "scrape_interval",
     .type = KEY_DURATION,
     .flags = KEY_REQUIRED,
     .help = "how often Prometheus scrapes, as 30s"},
    {.name = "false_rollback_budget",
     .type = KEY_SHARE,
     .help = "the probability of rolling back a healthy release, as 1%"},
    {.name = "false_alarm_budget",
     .type = KEY_SHARE,
     .help = "the same for soft breaches; default: false_rollback_budget"},
    {.name = "flows",
     .type = KEY_MAP,
     .map = &flows_keys,
     .help = "{label: flow, values: [market_making, agency]}"},
    {.name = "phases",
     .type = KEY_MAP,
     .shape = SHAPE_LIST,
     .flags = KEY_REQUIRED,
     .map = &phase_keys,
     .help = "the steps of a release"},
    {.name = "guardrails",
     .type = KEY_MAP,
     .shape = SHAPE_LIST,
     .flags = KEY_REQUIRED,
     .map = &guardrail_keys,
     .help = "what is watched"},
    {.name = "on",
     .type = KEY_MAP,
     .flags = KEY_REQUIRED,
     .map = &on_keys,
     .help = "{hard: [rollback, page]}"},
    {.name = "actions",
     .type = KEY_MAP,
     .flags = KEY_MAY_BE_EMPTY,
     .map = &actions_keys,
     .help = "what can be done, by name"},
    {.name = "webhook", .type = KEY_MAP, .map = &webhook_keys, .help = "{url: …, token_file: …}"},
    {.name = "dashboards", .type = KEY_MAP, .map = &dashboards_keys, .help = "{folder: …, grafana_url: …}"},
    {.name = "tracing",
     .type = KEY_MAP,
     .map = &tracing_keys,
     .help = "{canary_sampling: 100%, retention: 72h}"},
    {.name = "logs",
     .type = KEY_MAP,
     .map = &logs_keys,
     .help = "{fields: [deployment_id], per_order: canary}"},
    {.name = "reports",
     .type = KEY_MAP,
     .map = &reports_keys,
     .help = "{daily: {to: […]}, monthly: {to: […]}}"},
    {.name = "retention",
     .type = KEY_MAP,
     .map = &retention_keys,
     .help = "{decisions: 12 months, archive: {…}}"},
    {.name = "governance", .type = KEY_MAP, .map = &governance_keys, .help = "{change_log: …}"},
    {.name = "deploy",
     .type = KEY_MAP,
     .map = &deploy_keys,
     .help = "{canary_service: …, control_service: …, gateway: …}"},
    {.name = "kubernetes",
     .type = KEY_MAP,
     .map = &kubernetes_keys,
     .help = "{namespace: …, rule_selector: {release: …}}"},
    {.name = "extends", .type = KEY_PATH, .flags = KEY_NOT_YET, .help = "the spec that this one adapts"},
    {.name = "waivers",
     .type = KEY_MAP,
     .flags = KEY_NOT_YET,
     .help = "who allowed looser limits, and until when"},
};
const struct keys spec_keys = {"a spec", root_rows, GR_COUNT(root_rows), NULL, KEY_TEXT};
