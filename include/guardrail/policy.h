/* policy.h - the shape of policy.json: what guardrailc allows guardraild to do. The one thing that passes between the rooms
 * compiler/ (writes it) and webhook/ (reads it). Both use these names; a test reads what the writer wrote.
 *
 * Durations are whole milliseconds (already divided by time_scale, except the time limits of programs, which run no faster in a
 * demo), shares are ratios 0..1. Unknown members are ignored by a reader of the same format number; a reader refuses another number.
 *
 * {
 *   "format": 1,
 *   "compiler": "guardrail 0.1.0",
 *   "spec": "tradepulse",
 *   "spec_hash": "64 hex digits",                       hash of the spec's meaning
 *   "time_scale": 1,                                    > 1: refused in mode auto without --allow-scaled
 *   "owner": "…",
 *   "release_labels": ["cluster"],                      what identifies one release stream
 *   "streams": [{"cluster": "equities"}, …],            the streams that are expected
 *   "cohorts": {"label": "track", "canary": "canary", "control": "control"},
 *   "sampling_ms": 120000,
 *   "flows": {"label": "flow", "values": ["market_making", "agency"]},          absent without flows
 *   "phases": [                                         in order; the last one is final
 *     {"name": "canary_phase_1", "shadow": false, "final": false, "min_duration_ms": 1200000, "max_duration_ms": 4800000,
 *      "traffic": {"market_making": 0.01, "agency": 0.005},                     without flows: {"": 0.01}
 *      "checks": [{"name": "replay", "run": ["deploy/bin/replay-feed", "{deployment_id}"], "timeout_ms": 600000,
 *                  "on_failure": "abort"}],                                    absent: the gate stays closed until it passes
 *      "requires": [{"name": "tickets_closed", "run": […], "timeout_ms": 60000}],
 *      "on_enter": [{"name": "split", "run": ["deploy/bin/set-split", "{phase}", "{traffic_share}"], "timeout_ms": 60000, "retries": 3},
 *                   {"name": "tell", "post": "router", "timeout_ms": 5000, "retries": 3}]}
 *   ],
 *   "guardrails": [
 *     {"name": "order_acceptance_error_rate", "group": "core_stability", "source": "execution.order_accept.failures",
 *      "runbook_url": "https://…", "phases": ["canary_phase_1", …], "slice_labels": ["venue", "flow"],
 *      "dynamic_labels": ["symbol_bucket"],             slices whose values are not known beforehand
 *      "on": {"hard": ["rollback", "page"], "soft": ["extend", "notify", "ticket"], "no_data": ["hold", "notify"]},
 *      "limits": [{"level": "hard", "side": "upper", "text": "+40% over control"}],      sides: upper lower backstop backstop_lower
 *      "common_cause": "hold",                          while control is beyond the same fixed limit: hold and page; may be absent
 *      "thin": "allow",                                 an insufficient verdict with the reason "thin" holds no promotion; may be absent
 *      "snapshot": {"query": "guardrail:window:value{spec=\"tradepulse\",guardrail=\"…\",cohort=\"canary\"}",
 *                   "scale": 1000, "unit": "ms"}}       value × scale is what people read, in that unit
 *   ],
 *   "expected": [                                       the verdict series that must be there and 0 before a promotion
 *     {"stream": {"cluster": "equities"}, "guardrail": "…", "slices": [{"venue": "XNAS", "flow": "agency"}, …]}
 *   ],
 *   "actions": {
 *     "rollback": {"kind": "rollback", "steps": [
 *        {"name": "freeze", "run": ["deploy/bin/freeze-intake", "{deployment_id}"], "timeout_ms": 15000,
 *         "probe": ["deploy/bin/intake-frozen", "{deployment_id}"], "on_failure": "abort", "idempotent": false, "retries": 0},
 *        {"name": "redeploy", "pipeline": [["kustomize", "build", "…"], ["kubectl", "apply", "-f", "-"]], …},
 *        {"name": "verify", "query": "sum(rate(…{cluster=\"{cluster}\"}[2m]))", "below": 0.01, "no_data": "ok",
 *         "within_ms": 120000}]},                       exactly one of run, pipeline, query; "below" or "above"
 *     "page": {"kind": "pagerduty", "service": "tradepulse-prod", "routing_key_file": "pagerduty.key",
 *              "escalate_after_ms": 300000, "escalate_to": "commander"},
 *     "notify": {"kind": "slack", "channel": "#deploy-ops", "webhook_url_file": "slack.url"},
 *     "ticket": {"kind": "jira", "project": "DEPLOY", "issue_type": "Task", "base_url": "…", "token_file": "jira.token"},
 *     "alert": {"kind": "jsm", "base_url": "…", "token_file": "jsm.key"},             the same of opsgenie and http
 *   },                                                  kinds: rollback pagerduty slack jira opsgenie jsm http
 *   "dashboards": {"overview_uid": "tradepulse-overview"},
 *   "retention": {"decisions_ms": 31104000000}
 * }
 *
 * Built-in actions need no entry under "actions": hold, extend, halt, abort. Placeholders in run, pipeline, probe and query:
 * {deployment_id}, {spec}, {phase}, {guardrail} and {<release label>}, in on_enter also {traffic_share}; values must match GR_POLICY_VALUE_PATTERN, else the
 * action is held. */
#ifndef GUARDRAIL_POLICY_H
#define GUARDRAIL_POLICY_H

#define GR_POLICY_FORMAT 1
#define GR_POLICY_BYTES_MAX (16u << 20)
#define GR_POLICY_VALUE_PATTERN "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"

/* Verdicts, as guardrail:verdict carries them. */
enum gr_verdict {
    GR_VERDICT_HEALTHY = 0,
    GR_VERDICT_INSUFFICIENT = 1,
    GR_VERDICT_SOFT = 2,
    GR_VERDICT_HARD = 3
};

/* Names that both sides spell: alert labels, series, alert names. */
#define GR_LABEL_SPEC "spec"
#define GR_LABEL_GUARDRAIL "guardrail"
#define GR_LABEL_GROUP "group"
#define GR_LABEL_LEVEL "level" /* hard, soft, no_data */
#define GR_LABEL_SIDE "side"   /* upper, lower, backstop, backstop_lower */
#define GR_LABEL_DEPLOYMENT "deployment_id"
#define GR_LABEL_PHASE "phase"

#define GR_ALERT_HARD "GuardrailHardBreach"
#define GR_ALERT_SOFT "GuardrailSoftBreach"
#define GR_ALERT_NO_DATA "GuardrailNoData"
#define GR_ALERT_WATCHDOG "GuardrailWatchdog"
#define GR_ALERT_DAEMON_DOWN "GuardrailDaemonDown"
#define GR_ALERT_PHASE_UNKNOWN "GuardrailPhaseUnknown"
#define GR_ALERT_UNHANDLED "GuardrailUnhandledBreach"
#define GR_ALERT_WAIVER_EXPIRED                                                                              \
    "GuardrailWaiverExpired" /* what a waiver loosened is deployed after its end */
#define GR_ALERT_VERDICT_MISSING "GuardrailVerdictMissing" /* the rules of a guardrail yield nothing at all */

/* What guardraild says of itself on /metrics and cannot be trusted to send. */
#define GR_ALERT_STORE_FAILING "GuardrailStoreFailing"
#define GR_ALERT_QUEUE_STUCK "GuardrailQueueStuck"
#define GR_ALERT_DEAD_LETTERS "GuardrailDeadLetters"
#define GR_ALERT_BLIND "GuardrailBlind"
#define GR_ALERT_BREAKER_OPEN "GuardrailBreakerOpen"
#define GR_ALERT_ROLLBACK_FAILED "GuardrailRollbackFailed"

/* On hard alerts of guardrails with `common_cause: hold`: has this value while control is beyond the same fixed limit. */
#define GR_ANNOTATION_COMMON_CAUSE "common_cause"
#define GR_COMMON_CAUSE_CONTROL "control"

/* Series that guardraild exports and the rules read. */
#define GR_SERIES_PHASE "guardrail_release_phase" /* {spec,<release labels>,deployment_id,phase} 0 or 1 */
#define GR_SERIES_PHASE_START                                                                                \
    "guardrail_release_phase_start_seconds" /* same labels; Unix seconds, of phases entered */
#define GR_SERIES_SHARE                                                                                      \
    "guardrail_release_traffic_share"             /* {…,flow} 0..1, planned share in the active phase */
#define GR_SERIES_POLICY "guardraild_policy_info" /* {spec,spec_hash,mode} 1 */
#define GR_SERIES_ACCEPTED                                                                                   \
    "guardraild_breach_accepted" /* {spec,<release labels>,deployment_id,guardrail,level} 1 */
#define GR_SERIES_ROLLBACK_START                                                                             \
    "guardraild_rollback_start_seconds" /* {the same} Unix seconds: a rollback was asked for */
#define GR_SERIES_ROLLBACK_END                                                                               \
    "guardraild_rollback_end_seconds"              /* {the same,state} Unix seconds: how and when it ended */
#define GR_SERIES_STORE_UP "guardraild_store_up"   /* 0 or 1, as all that follow without labels */
#define GR_SERIES_STORE_LOW "guardraild_store_low" /* 0 or 1 */
#define GR_SERIES_QUEUE_AGE "guardraild_queue_age_seconds"
#define GR_SERIES_DEAD_LETTERS "guardraild_dead_letters"
#define GR_SERIES_BLIND "guardraild_blind"               /* 0 or 1 */
#define GR_SERIES_BREAKER_OPEN "guardraild_breaker_open" /* 0 or 1 */
#define GR_SERIES_ROLLBACK_FAILED                                                                            \
    "guardraild_rollback_failed" /* {spec,<release labels>,deployment_id,step,command} 1 */
/* Series that the rules record and guardraild asks for. */
#define GR_SERIES_VERDICT                                                                                    \
    "guardrail:verdict" /* {spec,<release labels>,<slice labels>,guardrail,phase,deployment_id} */
#endif
