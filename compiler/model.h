/* model.h - a guardrail spec, read, checked and resolved: what every back end reads.
 *
 * spec_read() (spec.h) builds it from the document; nothing changes it afterwards. Everything lives in one arena. Names are unique and
 * checked, references are resolved to indexes, quantities are converted to the metric's unit, defaults are filled in, durations are in
 * milliseconds and NOT yet divided by time_scale: use model_ms(). Arrays are in the order of the spec. */
#ifndef GUARDRAIL_COMPILER_MODEL_H
#define GUARDRAIL_COMPILER_MODEL_H
#include "guardrail/arena.h"
#include "guardrail/node.h"
#include "guardrail/number.h"
#include "guardrail/promql.h"
#include "guardrail/quantity.h"
#include "guardrail/rulefile.h"
#include "guardrail/source.h"

/* Past so many guardrails, outputs are for programs: rules cite texts that occur again, the policy has a line for each. */
#define MODEL_MANY 200u
#define MODEL_GUARDRAILS_MAX 20000u
#define MODEL_PHASES_MAX 32u   /* phase sets are bits of a uint32_t */
#define MODEL_SLICES_MAX 1000u /* expected slices per guardrail and stream shape */
#define MODEL_LABELS_MAX 16u   /* labels of one slice or stream */
#define MODEL_STREAMS_MAX 1000u
#define ALERTMANAGER_MINOR_MIN 25u /* Debian 12 */
#define ALERTMANAGER_MINOR_MAX 34u /* the newest whose configuration we know */

struct strs {
    struct gr_str *v;
    size_t n;
};
struct pair {
    struct gr_str key, value;
};
struct pairs { /* label = value, sorted by key */
    struct pair *v;
    size_t n;
};

/* -- metrics ------------------------------------------------------------------------------------------------------------- */
enum metric_kind {
    METRIC_RATIO_BAD,  /* bad / total: more is worse */
    METRIC_RATIO_GOOD, /* good / total: less is worse */
    METRIC_GAUGE,
    METRIC_HISTOGRAM, /* a quantile of a classic histogram */
    METRIC_PROMQL     /* one expression, evaluated per cohort */
};
enum reduce { REDUCE_AVG, REDUCE_MAX, REDUCE_MIN };
struct weight {
    struct gr_str value;
    struct gr_dec weight;
};
struct metric {
    enum metric_kind kind;
    struct gr_span span;
    struct gr_promql
        *part; /* bad or good counter, the gauge, the histogram's base name, or the whole expression */
    struct gr_promql *total; /* ratios */
    struct gr_dec quantile;  /* histogram; in (0, 1) */
    struct gr_dec
        *buckets; /* histogram; declared edges, ascending, in the metric's own unit; n_buckets may be 0 */
    size_t n_buckets;
    enum reduce reduce; /* gauge */
    bool is_signed;
    const struct gr_unit *unit; /* of the value as computed (ratio for ratios, s for *_seconds histograms) */
    const struct gr_unit *show; /* of the value as people read it; = unit by default */
    struct gr_str weight_label; /* ratios; empty without weights */
    struct weight *weights;
    size_t n_weights;
    struct strs labels; /* declared with `labels:`; n == 0: not declared */
    struct strs common; /* promql: metric names that get no cohort matcher */
};

/* -- limits -------------------------------------------------------------------------------------------------------------- */
enum against { AGAINST_CONTROL_RELATIVE, AGAINST_CONTROL_POINTS, AGAINST_FIXED };
enum level { LEVEL_HARD, LEVEL_SOFT, LEVEL_NO_DATA, LEVEL_COUNT };
enum side { SIDE_UPPER, SIDE_LOWER, SIDE_BACKSTOP, SIDE_BACKSTOP_LOWER };
/* One comparison with a literal. effect: canary ÷ control (relative), canary − control (points), canary (fixed, backstop); upper
 * and backstop breach when effect > literal (>= if inclusive), lower and the lower backstop when effect < literal (<=). */
struct bound {
    enum level level; /* hard or soft */
    enum side side;
    bool inclusive;
    struct gr_dec
        literal; /* the base limit: 1.25 for +25 %, 0.95 for -5 %, 5 for ±5bps upper, in the metric's unit */
    struct gr_str text; /* as the spec writes it, "+25%" */
    struct gr_span span;
    bool
        only_overrides; /* there is no base limit of this level and side: it holds where model_applies() says so, and literal, text
                            and span are the loosest override's */
};
struct override {
    struct pairs where;   /* labels of the slice or stream */
    struct bound *bounds; /* only tighter ones */
    size_t n_bounds;
    struct gr_span span;
};
/* What control gets of the traffic that the canary does not get: all of it, as much as the canary, or some. */
enum control_traffic { CONTROL_SAMPLE, CONTROL_REST, CONTROL_EQUAL };
enum evidence_kind { EVIDENCE_SEQUENTIAL, EVIDENCE_POINT };
struct evidence {
    enum evidence_kind kind; /* of comparisons with control; fixed limits use confirm */
    uint32_t min_events;     /* bad events of the canary; ratios and histograms; default 5 */
    uint32_t min_total;      /* observations in each cohort; default 200 */
    uint32_t hard_k, hard_n; /* fixed limits: confirm k of n; default 1 of 1 (on the windowed value) */
    uint32_t soft_k, soft_n; /* default 2 of 3 recorded slots */
    bool thin_allow;
    bool share_ignored; /* its totals do not follow the traffic */
};
struct limit {
    enum against against;
    struct bound *bounds; /* hard before soft, upper before lower before backstop */
    size_t n_bounds;
    struct gr_dec floor; /* ratio: control is raised to it; 0 when absent */
    struct override *overrides;
    size_t n_overrides;
    bool common_cause_hold;
};

/* -- guardrails ---------------------------------------------------------------------------------------------------------- */
/* One slice that must report: values of the guardrail's compare_within labels, sorted by label. */
struct slice {
    uint32_t stream; /* index in model.streams */
    struct pairs labels;
};
struct guardrail {
    struct gr_str name, group, source, runbook; /* runbook with {guardrail} filled in */
    struct gr_span span;                        /* of the name */
    struct metric metric;
    struct limit limit;
    struct evidence evidence;
    struct strs
        compare_within;  /* sorted; labels a slice has besides the release labels; empty with scope stream */
    struct strs dynamic; /* sorted; `slice:` labels whose values are not enumerated */
    struct pairs only;   /* matchers every selector gets */
    bool stream_scope;   /* one value per release stream: no cohort matcher */
    bool mandatory;
    uint32_t phases;            /* bit i: phase i */
    int64_t reaction_target_ms; /* of its hard limits; 0: none */
    int64_t window_ms;          /* 0: the phase's minimum duration; see model_window_ms */
    struct slice *expected;     /* every stream's slices, `only` applied, in the order of `expect` */
    size_t n_expected;
    struct strs on[LEVEL_COUNT]; /* action names or built-ins */
    const struct gr_node *node; /* where it is written, for places of its keys; NULL in models made by hand */
};

/* -- phases -------------------------------------------------------------------------------------------------------------- */
struct program { /* checks, requires, steps */
    struct gr_str name;
    struct strs *argv; /* one per member of the pipeline; n_argv == 1 for run */
    size_t n_argv;
    int64_t timeout_ms;
    bool aborts; /* of checks: an exit status other than 0 ends the release */
};
struct share {
    struct gr_str flow; /* empty without flows */
    struct gr_dec ratio;
    struct gr_str text; /* "0.5%" */
};
struct phase {
    struct gr_str name;
    struct gr_span span;
    bool shadow, final;
    int64_t min_ms, max_ms; /* final: 0, 0 */
    struct share *traffic;  /* one per flow; n == 0 when shadow */
    size_t n_traffic;
    struct program *checks, *requires;
    size_t n_checks, n_requires;
    const struct gr_node *node; /* as in struct guardrail */
};

/* -- actions ------------------------------------------------------------------------------------------------------------- */
enum action_kind {
    ACTION_ROLLBACK,
    ACTION_PAGERDUTY,
    ACTION_SLACK,
    ACTION_JIRA,
    ACTION_OPSGENIE,
    ACTION_JSM,
    ACTION_HTTP
};
enum on_failure { ON_FAILURE_ABORT, ON_FAILURE_CONTINUE, ON_FAILURE_PAGE };
struct enter_step {         /* traffic.on_enter */
    struct program program; /* n_argv == 0: a POST to the action `post` */
    struct gr_str post;
    uint32_t retries;
};
struct step {
    struct program program; /* n_argv == 0: a query */
    bool is_pipeline;
    struct strs probe;
    enum on_failure on_failure;
    bool idempotent;
    uint32_t retries;
    struct gr_promql *query; /* with {placeholders} inside label values; NULL for programs */
    struct gr_str query_text;
    struct gr_dec threshold;
    bool below; /* else above */
    bool no_data_ok;
    int64_t within_ms;
};
struct action {
    struct gr_str name;
    struct gr_span span;
    enum action_kind kind;
    struct step *steps; /* rollback */
    size_t n_steps;
    struct pairs
        settings; /* targets: service, routing_key_file, channel, webhook_url_file, project, … as written */
    int64_t escalate_after_ms; /* 0: none */
    struct gr_str escalate_to;
    const struct gr_node *node; /* as in struct guardrail */
};

/* -- the whole ----------------------------------------------------------------------------------------------------------- */
struct stream { /* one entry of expect: release label values, sorted; and what slices it lists */
    struct pairs release;
    struct gr_str *slice_labels; /* venue … */
    struct strs *slice_values;   /* parallel */
    size_t n_slice_labels;
    struct gr_span span;
};
struct waiver {              /* one that is in force: something is looser than in the base because of it */
    struct gr_str guardrail; /* empty: of parts of the specification */
    struct strs parts;       /* expect, phases … */
    struct gr_str approved_by, ticket, reason, expires; /* the last day, 2026-12-31 */
    int64_t until_s;                                    /* the first second after that day, UTC */
    struct gr_span span;
};
struct dynamic_slice {
    struct gr_str label;
    uint32_t at_most;
};
/* What --target operator needs to know. Texts are legal names, labels and values of Kubernetes. */
struct kubernetes {
    struct gr_span span;     /* of the section's key; empty without one */
    struct gr_str namespace; /* where the objects live; default "monitoring" */
    struct pairs labels;     /* on every object */
    struct pairs rule_selector, alertmanager_selector,
        dashboard_selector;          /* labels by which the operator or the sidecar picks an object */
    struct gr_str folder_annotation; /* of dashboards; default "grafana_folder" */
    struct gr_str secret;   /* the Secret that holds Alertmanager's keys; default "guardrail-<spec>" */
    bool namespace_matcher; /* Alertmanager adds one to each AlertmanagerConfig, so alerts need the label */
};
/* Which services a release's traffic is split between, and who splits it. */
enum shadow_traffic { SHADOW_NONE, SHADOW_MIRROR };
struct deploy {
    bool given;
    struct gr_span span;
    struct gr_str namespace; /* of routes and analysis templates; empty: not stated in them */
    struct gr_str canary_service, control_service;
    uint32_t port;
    struct gr_str gateway, gateway_namespace; /* the latter may be empty */
    struct strs hostnames;
    struct gr_str flow_header,
        flow_path; /* how a flow is told; the path holds {flow}; one of them is empty */
    enum shadow_traffic shadow;
    bool argo_rollouts;
    struct gr_str prometheus_url, guardraild_url;
    struct gr_str token_secret; /* the Secret with guardraild's read token; empty: none is sent */
};
#define WEIGHT_DIGITS_MAX 6 /* HTTPRoute weights are at most 1,000,000 */
struct model {
    struct gr_arena *arena; /* borrowed */
    struct gr_str spec, owner;
    struct gr_str spec_hash;    /* 64 hex digits, of the meaning: comments and layout play no part */
    struct strs release_labels; /* sorted */
    struct gr_str cohort_label, canary, control;
    struct strs compare_within; /* default of guardrails; sorted */
    enum control_traffic control_traffic;
    struct gr_dec share_tolerance; /* of the planned share; a ratio */
    struct stream *streams;
    size_t n_streams;
    struct dynamic_slice *dynamic;
    size_t n_dynamic;
    int64_t sampling_ms, scrape_ms;
    struct gr_dec false_rollback_budget,
        false_alarm_budget;   /* ratios; 0: not stated; alarms default to rollback's */
    struct gr_str flow_label; /* empty without flows */
    struct strs flows;
    struct strs on[LEVEL_COUNT]; /* what guardrails have that say nothing themselves */
    const struct gr_node *root;  /* the document; NULL in models made by hand */
    struct phase *phases;
    size_t n_phases;
    struct enter_step *on_enter; /* of every phase with traffic */
    size_t n_on_enter;
    struct guardrail *guardrails;
    size_t n_guardrails;
    struct action *actions;
    size_t n_actions;
    struct gr_str webhook_url, webhook_token_file; /* where Alertmanager reaches guardraild */
    struct gr_str dashboards_folder, grafana_url;
    struct {
        bool given;
        struct gr_dec canary_sampling; /* ratio; 0: not stated */
        struct gr_dec other_sampling;  /* of all other traces */
        int64_t retention_ms;          /* 0: not stated */
        struct gr_str attribute;       /* of spans: tells the cohort; default: the cohort label */
    } tracing;
    struct strs log_fields;
    struct gr_str order_field;    /* of log records: those that have it are about one order */
    struct gr_str per_order_logs; /* none, canary or all; empty without a section `logs` */
    struct strs daily_report_to, monthly_report_to;
    struct {
        int64_t decisions_ms, archive_within_ms;
        struct gr_str vault;
    } retention;
    struct gr_str change_log;
    struct kubernetes kubernetes;
    struct deploy deploy;
    const struct model *base; /* what the topmost overlay adapts; NULL: there is none */
    struct waiver *waivers;   /* of all overlays, those of the lowest first */
    size_t n_waivers;
    uint32_t time_scale; /* 1 … 1000; from --time-scale */
    uint32_t
        alertmanager_minor; /* of Alertmanager 0.x, from --alertmanager-version; 0: ALERTMANAGER_MINOR_MIN */
    struct gr_rulefile
        *rules; /* what rules_lower() made of it, kept for the next who asks; NULL: nothing is kept */
};

/* ms / time_scale, at least 1 (0 stays 0). */
int64_t model_ms(const struct model *m, int64_t ms);
/* The tightest limit that applies to bound `b` of guardrail `g` on a slice of `expect`, or on a slice outside it (slice == NULL: the
 * tightest of all overrides and the base). */
struct gr_dec model_literal(const struct model *m, const struct guardrail *g, const struct bound *b,
                            const struct slice *slice);
/* Whether bound `b` is in force on a slice: always, unless only overrides state it. slice == NULL: outside `expect`, always. */
bool model_applies(const struct model *m, const struct guardrail *g, const struct bound *b,
                   const struct slice *slice);
/* The same as it is written: b itself, or the bound of an override. */
const struct bound *model_bound(const struct model *m, const struct guardrail *g, const struct bound *b,
                                const struct slice *slice);
/* Of a bound's override: whether a is tighter than b on that side. */
bool model_tighter(enum side side, struct gr_dec a, struct gr_dec b);
/* How much longer than after a slot and a scrape comparisons of guardrail g have to wait in a new phase, because its expression looks further
 * back than a slot (ranges, offsets, subqueries): else what was before the phase would spill over. Scaled; 0 for most. */
int64_t model_gate_more_ms(const struct model *m, const struct guardrail *g);
/* What the canary's share of the observations of guardrail g should be in a phase: of those with this flow (or all of the guardrail's, where
 * its slices have no flow: then `flow` is ignored). False where nothing is planned: control is a sample of unknown size, the guardrail counts
 * nothing, compares nothing or says `traffic_share: ignore`, the phase has no traffic, or several flows with shares of their own are pooled. */
bool model_planned_share(const struct model *m, const struct guardrail *g, const struct phase *p,
                         struct gr_str flow, struct gr_dec *out);
/* Whether it is planned in any of the guardrail's phases. */
bool model_checks_share(const struct model *m, const struct guardrail *g);
/* What the guardrail's window is in a phase, in whole slots (a phase of 45m sampled every 2m has a window of 44m); not yet divided by
 * time_scale. In a final phase it is the guardrail's own, which it must have there. */
int64_t model_window_ms(const struct model *m, const struct guardrail *g, const struct phase *p);
/* The same in slots of `sampling`, at least 1; in a final phase that of the longest other one. */
uint64_t model_window_slots(const struct model *m, const struct guardrail *g, const struct phase *p);
/* Whether the canary gets any of a flow's traffic in a phase; an empty flow: of any. */
bool model_has_traffic(const struct phase *p, struct gr_str flow);
const struct action *model_action(const struct model *m, struct gr_str name);
/* hold, extend, halt, abort. */
bool model_action_builtin(struct gr_str name);
/* How many (guardrail, slice, phase, side) tests against control the spec has at a level, of guardrails with sequential evidence;
 * dynamic slices count at_most times. */
uint64_t model_tests(const struct model *m, enum level level);
/* The evidence threshold ln(1/(2 alpha)), alpha = budget / tests (3-semantics, "Evidence"); 0 when no budget is stated. */
double model_evidence_threshold(const struct model *m, enum level level);
const char *level_name(enum level level); /* hard, soft, no_data */
const char *side_name(enum side side);    /* upper, lower, backstop, backstop_lower */
bool side_is_lower(enum side side);       /* what lies below is beyond it */
bool side_is_backstop(enum side side);
#endif
