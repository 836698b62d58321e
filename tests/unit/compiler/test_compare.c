/* Every aspect that can change, both ways: what one edit of a specification is called, and that it is one change. */
#include "config.h"
#include "compare.h"
#include "specs.h"
#include "test_compiler.h"

#include "guardrail/sys.h"

static const char base[] =
    "apiVersion: guardrail/v1\n"
    "spec: demo\n"
    "owner: jane@example.com\n"
    "runbook: https://example.com/{guardrail}\n"
    "release: {labels: [cluster]}\n"
    "cohorts: {label: track, canary: canary, control: control, control_traffic: rest, compare_within: "
    "[venue, flow]}\n"
    "expect:\n"
    "  - {cluster: equities, venue: [XNAS, XNYS]}\n"
    "  - {cluster: crypto, venue: [BINANCE]}\n"
    "dynamic_slices: {bucket: {at_most: 16}}\n"
    "sampling: 2m\n"
    "scrape_interval: 30s\n"
    "false_rollback_budget: 1%\n"
    "false_alarm_budget: 10%\n"
    "flows: {label: flow, values: [mm, agency]}\n"
    "phases:\n"
    "  - {name: pre, shadow: true, min_duration: 16m, checks: [{name: replay, run: [bin/replay]}]}\n"
    "  - {name: p1, traffic: {mm: 1%, agency: 0.5%}, min_duration: 20m}\n"
    "  - {name: p2, traffic: {mm: 5%, agency: 2%}, min_duration: 44m}\n"
    "  - {name: ga, traffic: {mm: 100%, agency: 100%}, final: true, requires: {tickets: {run: "
    "[bin/tickets]}}}\n"
    "guardrails:\n"
    "  - name: errors\n"
    "    group: core\n"
    "    source: e.rate\n"
    "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
    "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%, backstop: 5%}\n"
    "    overrides:\n"
    "      - {where: {venue: XNAS}, hard: +30%}\n"
    "    evidence: {min_events: 5, min_total: 300}\n"
    "  - name: cpu\n"
    "    group: rest\n"
    "    compare_within: []\n"
    "    metric: {gauge: cpu_ratio, unit: ratio, reduce: max}\n"
    "    limit: {against: fixed, bad: at_or_above, soft: 80%, hard: 90%}\n"
    "    evidence: {confirm: {hard: 2 of 3, soft: 2 of 4}}\n"
    "    window: 8m\n"
    "    phases: [p1, p2]\n"
    "    on: {hard: [rollback, page], soft: [extend, notify]}\n"
    "  - name: latency\n"
    "    metric: {histogram: lat_seconds, quantile: 0.95, buckets: [0.001, 0.00105, 0.0011], show: ms}\n"
    "    slice: [bucket]\n"
    "    limit: {against: control, soft: +10%, hard: +20%}\n"
    "  - name: pnl\n"
    "    metric: {gauge: pnl_bps, unit: bps, signed: true}\n"
    "    limit: {against: fixed, bad: outside, soft: ±5bps, hard: ±8bps}\n"
    "  - name: fill\n"
    "    mandatory: false\n"
    "    metric: {ratio: {good: filled_total, total: orders_total}, weights: {label: tier, values: {a: 2, b: "
    "1}}}\n"
    "    only: {flow: agency}\n"
    "    on: {hard: [other, page], soft: [extend, boss], no_data: [hold, page2]}\n"
    "    limit: {against: control, soft: -3%, hard: -5%, floor: 10%}\n"
    "on: {hard: [rollback, page], soft: [extend, notify], no_data: [hold, notify]}\n"
    "actions:\n"
    "  rollback:\n"
    "    steps:\n"
    "      - {name: drain, run: [bin/drain], timeout: 10s, probe: [bin/drained], retries: 2}\n"
    "      - {name: undo, run: [bin/undo], on_failure: page}\n"
    "      - {name: verify, promql: 'sum(up)', below: 1, no_data: fail, within: 2m}\n"
    "  other: {steps: [{name: nothing, run: [bin/true]}]}\n"
    "  page: {pagerduty: {service: prod, routing_key_file: p.key}, escalate_after: 5m, escalate_to: boss}\n"
    "  boss: {pagerduty: {service: command, routing_key_file: b.key}}\n"
    "  page2: {pagerduty: {service: other, routing_key_file: o.key}}\n"
    "  notify: {slack: {channel: \"#ops\", webhook_url_file: slack.url}}\n"
    "webhook: {url: \"http://127.0.0.1:9095\"}\n"
    "dashboards: {folder: Demo}\n"
    "tracing: {canary_sampling: 100%, retention: 72h}\n"
    "logs: {fields: [deployment_id, phase], per_order: canary}\n"
    "reports: {daily: {to: [ops, risk]}, monthly: {to: [review]}}\n"
    "retention: {decisions: 12 months, archive: {within: 24h, vault: bucket}}\n"
    "governance: {change_log: log.md}\n";

enum { L = 1, C = 2, U = 4 }; /* loosens, coverage, unproven */
static const struct row {
    const char *what, *with, *guardrail, *key, *of;
    enum change_kind there;
    unsigned there_flags;
    enum change_kind back;
    unsigned back_flags;
} rows[] = {
    /* the specification */
    {"spec: demo", "spec: other", "", "spec", "", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"jane@", "joe@", "", "owner", "", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"example.com/{g", "example.org/{g", "", "runbook", "", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"label: track", "label: lane", "", "cohorts.label", "", CHANGE_CHANGED, U, CHANGE_CHANGED, U},
    {"canary: canary,", "canary: new,", "", "cohorts.canary", "", CHANGE_CHANGED, U, CHANGE_CHANGED, U},
    {"control: control,", "control: old,", "", "cohorts.control", "", CHANGE_CHANGED, U, CHANGE_CHANGED, U},
    {"venue: [XNAS, XNYS]", "venue: [XNAS]", "", "expect", "", CHANGE_LOOSER, L | C, CHANGE_TIGHTER, 0},
    {"  - {cluster: crypto, venue: [BINANCE]}\n", "", "", "expect", "", CHANGE_LOOSER, L | C, CHANGE_TIGHTER,
     0},
    {"at_most: 16", "at_most: 32", "", "dynamic_slices", "bucket", CHANGE_SLOWER, 0, CHANGE_FASTER, 0},
    {"sampling: 2m", "sampling: 4m", "", "sampling", "", CHANGE_SLOWER, L, CHANGE_FASTER, 0},
    {"interval: 30s", "interval: 40s", "", "scrape_interval", "", CHANGE_SLOWER, L, CHANGE_FASTER, 0},
    {"rollback_budget: 1%", "rollback_budget: 2%", "", "false_rollback_budget", "", CHANGE_FASTER, 0,
     CHANGE_SLOWER, L},
    {"alarm_budget: 10%", "alarm_budget: 5%", "", "false_alarm_budget", "", CHANGE_SLOWER, L, CHANGE_FASTER,
     0},
    {"false_alarm_budget: 10%\n", "", "", "false_alarm_budget", "", CHANGE_SLOWER, L, CHANGE_FASTER, 0},
    /* phases */
    {"min_duration: 20m", "min_duration: 18m", "", "phases.min_duration", "p1", CHANGE_LOOSER, L | C,
     CHANGE_TIGHTER, 0},
    {"min_duration: 16m,", "min_duration: 16m, max_duration: 2h,", "", "phases.max_duration", "pre",
     CHANGE_SLOWER, L, CHANGE_FASTER, 0},
    {"mm: 1%", "mm: 2%", "", "phases.traffic", "p1/mm", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {", checks: [{name: replay, run: [bin/replay]}]", "", "", "phases.checks", "pre/replay", CHANGE_REMOVED,
     L | C, CHANGE_TIGHTER, 0},
    {"run: [bin/replay]", "run: [bin/replay, all]", "", "phases.checks", "pre/replay", CHANGE_CHANGED, 0,
     CHANGE_CHANGED, 0},
    {", requires: {tickets: {run: [bin/tickets]}}", "", "", "phases.requires", "ga/tickets", CHANGE_REMOVED,
     L | C, CHANGE_TIGHTER, 0},
    {"run: [bin/replay]", "run: [bin/replay], on_failure: abort", "", "phases.checks", "pre/replay",
     CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"\non: {hard:", "\ntraffic: {on_enter: [{name: split, run: [bin/split]}]}\non: {hard:", "",
     "traffic.on_enter", "split", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    /* actions */
    {"\non: {hard: [rollback, page],", "\non: {hard: [rollback, page, notify],", "", "on.hard", "",
     CHANGE_TIGHTER, 0, CHANGE_LOOSER, L},
    {"no_data: [hold, notify]", "no_data: [hold]", "", "on.no_data", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"soft: [extend, notify], no_data", "soft: [hold, notify], no_data", "", "on.soft", "", CHANGE_TIGHTER, 0,
     CHANGE_LOOSER, L},
    {"service: prod", "service: test", "", "actions.settings", "page/service", CHANGE_REROUTED, 0,
     CHANGE_REROUTED, 0},
    {"routing_key_file: p.key", "routing_key_file: q.key", "", "actions.settings", "page/routing_key_file",
     CHANGE_REROUTED, 0, CHANGE_REROUTED, 0},
    {"escalate_after: 5m", "escalate_after: 9m", "", "actions.escalate_after", "page", CHANGE_SLOWER, L,
     CHANGE_FASTER, 0},
    {"escalate_to: boss", "escalate_to: page2", "", "actions.escalate_to", "page", CHANGE_REROUTED, 0,
     CHANGE_REROUTED, 0},
    {", escalate_after: 5m, escalate_to: boss", "", "", "actions.escalate_to", "page", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"      - {name: undo, run: [bin/undo], on_failure: page}\n", "", "", "actions.steps", "rollback",
     CHANGE_LOOSER, L, CHANGE_ADDED, 0},
    {"run: [bin/drain]", "run: [bin/drain, now]", "", "actions.steps.run", "rollback/drain", CHANGE_CHANGED,
     0, CHANGE_CHANGED, 0},
    {"timeout: 10s", "timeout: 20s", "", "actions.steps.timeout", "rollback/drain", CHANGE_SLOWER, L,
     CHANGE_FASTER, 0},
    {"probe: [bin/drained],", "idempotent: true,", "", "actions.steps.probe", "rollback/drain", CHANGE_LOOSER,
     L, CHANGE_TIGHTER, 0},
    {"retries: 2", "retries: 1", "", "actions.steps.retries", "rollback/drain", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"on_failure: page", "on_failure: continue", "", "actions.steps.on_failure", "rollback/undo",
     CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"no_data: fail", "no_data: ok", "", "actions.steps.no_data", "rollback/verify", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"within: 2m}", "within: 3m}", "", "actions.steps.within", "rollback/verify", CHANGE_SLOWER, L,
     CHANGE_FASTER, 0},
    {"below: 1,", "below: 2,", "", "actions.steps.run", "rollback/verify", CHANGE_CHANGED, 0, CHANGE_CHANGED,
     0},
    {"127.0.0.1:9095\"", "127.0.0.1:9096\"", "", "webhook.url", "", CHANGE_REROUTED, 0, CHANGE_REROUTED, 0},
    {"9095\"}", "9095\", token_file: t}", "", "webhook.token_file", "", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    /* what is seen and kept */
    {"folder: Demo", "folder: Other", "", "dashboards.folder", "", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"folder: Demo", "folder: Demo, grafana_url: \"https://g\"", "", "dashboards.grafana_url", "",
     CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"canary_sampling: 100%", "canary_sampling: 50%", "", "tracing.canary_sampling", "", CHANGE_LOOSER, L | C,
     CHANGE_TIGHTER, 0},
    {"retention: 72h", "retention: 48h", "", "tracing.retention", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"[deployment_id, phase]", "[deployment_id]", "", "logs.fields", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"per_order: canary", "per_order: none", "", "logs.per_order", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"to: [ops, risk]", "to: [ops]", "", "reports.daily.to", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"to: [review]", "to: [board]", "", "reports.monthly.to", "", CHANGE_REROUTED, 0, CHANGE_REROUTED, 0},
    {"retention: 72h", "retention: 72h, other_sampling: 1%", "", "tracing.other_sampling", "", CHANGE_CHANGED,
     0, CHANGE_CHANGED, 0},
    {"retention: 72h", "retention: 72h, attribute: lane", "", "tracing.attribute", "", CHANGE_CHANGED, 0,
     CHANGE_CHANGED, 0},
    {"per_order: canary", "per_order: canary, order_field: id", "", "logs.order_field", "", CHANGE_CHANGED, 0,
     CHANGE_CHANGED, 0},
    {"governance: {change_log: log.md}\n", "governance: {change_log: log.md}\nreaction_target: 90m\n", "",
     "reaction_target", "", CHANGE_TIGHTER, 0, CHANGE_LOOSER, L},
    {"    window: 8m\n", "    window: 8m\n    reaction_target: 90m\n", "cpu", "reaction_target", "",
     CHANGE_TIGHTER, 0, CHANGE_LOOSER, L},
    {"governance: {change_log: log.md}\n", "governance: {change_log: log.md}\nkubernetes: {namespace: obs}\n",
     "", "kubernetes", "namespace", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"decisions: 12 months", "decisions: 6 months", "", "retention.decisions", "", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"within: 24h", "within: 48h", "", "retention.archive.within", "", CHANGE_SLOWER, L, CHANGE_FASTER, 0},
    {"vault: bucket", "vault: pail", "", "retention.archive.vault", "", CHANGE_REROUTED, 0, CHANGE_REROUTED,
     0},
    {"governance: {change_log: log.md}\n", "", "", "governance.change_log", "", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    /* a guardrail */
    {"mandatory: false", "mandatory: true", "fill", "mandatory", "", CHANGE_TIGHTER, 0, CHANGE_LOOSER, L},
    {"bad: failures_total", "bad: errors_total", "errors", "metric", "", CHANGE_CHANGED, U, CHANGE_CHANGED,
     U},
    {"reduce: max", "reduce: avg", "cpu", "metric.reduce", "", CHANGE_CHANGED, U, CHANGE_CHANGED, U},
    {"quantile: 0.95", "quantile: 0.9", "latency", "metric.quantile", "", CHANGE_CHANGED, U, CHANGE_CHANGED,
     U},
    {"{a: 2, b: 1}", "{a: 3, b: 1}", "fill", "metric.weights", "", CHANGE_CHANGED, U, CHANGE_CHANGED, U},
    {"0.00105, 0.0011]", "0.00106, 0.0011]", "latency", "metric.buckets", "", CHANGE_CHANGED, 0,
     CHANGE_CHANGED, 0},
    {", show: ms", "", "latency", "metric.show", "", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"    compare_within: []\n", "    compare_within: [venue]\n", "cpu", "compare_within", "", CHANGE_TIGHTER,
     0, CHANGE_LOOSER, L | C},
    {"    slice: [bucket]\n", "    slice: [bucket]\n    only: {flow: mm}\n", "latency", "only", "flow",
     CHANGE_LOOSER, L | C, CHANGE_TIGHTER, 0},
    {"only: {flow: agency}", "only: {flow: mm}", "fill", "only", "flow", CHANGE_LOOSER, L | C, CHANGE_LOOSER,
     L | C},
    {"phases: [p1, p2]", "phases: [p2]", "cpu", "phases", "", CHANGE_LOOSER, L | C, CHANGE_TIGHTER, 0},
    {"group: core", "group: other", "errors", "group", "", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"source: e.rate", "source: e.ratio", "errors", "source", "", CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    {"    source: e.rate\n", "    source: e.rate\n    runbook: https://x/y\n", "errors", "runbook", "",
     CHANGE_CHANGED, 0, CHANGE_CHANGED, 0},
    /* limits */
    {"hard: +40%", "hard: +50%", "errors", "limit.hard", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"soft: +25%", "soft: +26%", "errors", "limit.soft", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"backstop: 5%", "backstop: 6%", "errors", "limit.backstop", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {", backstop: 5%", "", "errors", "limit.backstop", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"floor: 0.05%", "floor: 0.06%", "errors", "limit.floor", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"floor: 10%", "floor: 20%", "fill", "limit.floor", "", CHANGE_TIGHTER, 0, CHANGE_LOOSER, L},
    {"soft: -3%, hard: -5%", "soft: -3%, hard: -6%", "fill", "limit.hard", "", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"soft: ±5bps, hard: ±8bps", "soft: ±5bps, hard: ±9bps", "pnl", "limit.hard", "", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"soft: ±5bps, hard: ±8bps", "soft: ±5bps", "pnl", "limit.hard", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"soft: +10%, hard: +20%", "hard: +20%", "latency", "limit.soft", "", CHANGE_LOOSER, L, CHANGE_TIGHTER,
     0},
    {"venue: XNAS}, hard: +30%", "venue: XNAS}, hard: +35%", "errors", "overrides.hard", "", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"    overrides:\n      - {where: {venue: XNAS}, hard: +30%}\n", "", "errors", "overrides.hard", "",
     CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"    limit: {against: control, soft: +10%, hard: +20%}",
     "    limit: {against: fixed, bad: above, soft: 1ms, hard: 2ms}", "latency", "limit.against", "",
     CHANGE_CHANGED, U, CHANGE_CHANGED, U},
    {"soft: 80%, hard: 90%}", "soft: 80%, hard: 90%, common_cause: hold}", "cpu", "limit.common_cause", "",
     CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    /* evidence */
    {"min_events: 5", "min_events: 6, kind: point", "errors", "evidence.kind", "", CHANGE_FASTER, 0,
     CHANGE_SLOWER, L},
    {"min_events: 5", "min_events: 9", "errors", "evidence.min_events", "", CHANGE_SLOWER, L, CHANGE_FASTER,
     0},
    {"min_total: 300", "min_total: 200", "errors", "evidence.min_total", "", CHANGE_FASTER, 0, CHANGE_SLOWER,
     L},
    {"hard: 2 of 3", "hard: 3 of 3", "cpu", "evidence.confirm.hard", "", CHANGE_SLOWER, L, CHANGE_FASTER, 0},
    {"soft: 2 of 4", "soft: 2 of 3", "cpu", "evidence.confirm.soft", "", CHANGE_SLOWER, L, CHANGE_FASTER, 0},
    {"hard: 2 of 3", "hard: 1 of 1", "cpu", "evidence.confirm.hard", "", CHANGE_CHANGED, U, CHANGE_CHANGED,
     U},
    {"min_total: 300", "min_total: 300, traffic_share: ignore", "errors", "evidence.traffic_share", "",
     CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {", control_traffic: rest", "", "", "cohorts.control_traffic", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"control_traffic: rest", "control_traffic: equal", "", "cohorts.control_traffic", "", CHANGE_CHANGED, 0,
     CHANGE_CHANGED, 0},
    {"control_traffic: rest", "control_traffic: rest, share_tolerance: 30%", "", "cohorts.share_tolerance",
     "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"min_total: 300", "min_total: 300, thin: allow", "errors", "evidence.thin", "", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"window: 8m", "window: 4m", "cpu", "window", "", CHANGE_FASTER, 0, CHANGE_SLOWER, L},
    {"    window: 8m\n", "", "cpu", "window", "", CHANGE_SLOWER, L, CHANGE_FASTER, 0},
    /* what a guardrail does */
    {"on: {hard: [rollback, page], soft: [extend, notify]}\n  - name: lat",
     "on: {hard: [halt, page], soft: [extend, notify]}\n  - name: lat", "cpu", "on.hard", "", CHANGE_LOOSER,
     L, CHANGE_TIGHTER, 0},
    {"on: {hard: [rollback, page], soft: [extend, notify]}\n  - name: lat",
     "on: {hard: [other, page], soft: [extend, notify]}\n  - name: lat", "cpu", "on.hard", "", CHANGE_CHANGED,
     U, CHANGE_CHANGED, U},
    {"on: {hard: [rollback, page], soft: [extend, notify]}\n  - name: lat",
     "on: {hard: [rollback, page2], soft: [extend, notify]}\n  - name: lat", "cpu", "on.hard", "",
     CHANGE_REROUTED, 0, CHANGE_REROUTED, 0},
    {"on: {hard: [rollback, page], soft: [extend, notify]}\n  - name: lat",
     "on: {hard: [rollback, notify], soft: [extend, notify]}\n  - name: lat", "cpu", "on.hard", "",
     CHANGE_LOOSER, L, CHANGE_LOOSER, L},
    {"on: {hard: [rollback, page], soft: [extend, notify]}\n  - name: lat",
     "on: {hard: [rollback, page], soft: [hold, notify]}\n  - name: lat", "cpu", "on.soft", "",
     CHANGE_TIGHTER, 0, CHANGE_LOOSER, L},
    {"on: {hard: [rollback, page], soft: [extend, notify]}\n  - name: lat",
     "on: {hard: [rollback, page], soft: [notify]}\n  - name: lat", "cpu", "on.soft", "", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"on: {hard: [rollback, page], soft: [extend, notify]}\n  - name: lat",
     "on: {hard: [rollback, page], soft: []}\n  - name: lat", "cpu", "on.soft", "", CHANGE_LOOSER, L,
     CHANGE_TIGHTER, 0},
    {"soft: [extend, notify]}\n  - name: lat", "soft: [extend, notify], no_data: []}\n  - name: lat", "cpu",
     "on.no_data", "", CHANGE_LOOSER, L, CHANGE_TIGHTER, 0},
    {"soft: [extend, notify]}\n  - name: lat",
     "soft: [extend, notify], no_data: [halt, notify]}\n  - name: lat", "cpu", "on.no_data", "",
     CHANGE_TIGHTER, 0, CHANGE_LOOSER, L},
};

/* -- one edit, one change ------------------------------------------------------------------------------------------------ */

/* page2 is an action that nothing uses unless the edit does; the last line of the base makes it used. */
static void
read_spec(struct specs *s, const char *what, const char *with)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);
    struct gr_str text = gr_str(base);
    size_t at = what ? gr_str_find(text, gr_str(what), 0) : text.n;

    ck_assert_msg(at != SIZE_MAX, "\"%s\" is not in the base", what);
    gr_buf_put(&b, gr_str_sub(text, 0, at));
    if (what) {
        gr_buf_puts(&b, with);
        gr_buf_put(&b, gr_str_sub(text, at + strlen(what), text.n));
    }
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    specs_read(s, GR_STR("test.yml"), gr_buf_str(&b));
    ck_assert_msg(s->err == GR_OK, "\"%s\": %s: %s", with ? with : "", s->n ? s->findings[0].code : "",
                  s->n ? s->findings[0].message : "");
    gr_buf_fini(&b);
}

static struct facts *
facts_from(struct specs *s)
{
    struct facts *f = NULL;

    ck_assert_int_eq(facts_of_model(s->arena, s->model, &f), GR_OK);
    return f;
}

/* What only follows from others, or is about the action that an edit begins to use. */
static bool
incidental(const struct change *c)
{
    return c->aspect == ASPECT_REACTION || c->aspect == ASPECT_HARD_TESTS || c->aspect == ASPECT_SOFT_TESTS;
}

static const struct change *
only_change(const struct changes *c, const struct row *r)
{
    const struct change *found = NULL;
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++) {
        if (incidental(&c->v[i]))
            continue;
        if (gr_str_is(c->v[i].key, r->key) && gr_str_is(c->v[i].of, r->of))
            found = &c->v[i];
        n++;
    }
    ck_assert_msg(found != NULL, "%s: no change of %s %s (%zu others)", r->with, r->key, r->of, n);
    return found;
}

static void
check_change(const struct row *r, const struct facts *from, const struct facts *to, struct gr_arena *a,
             enum change_kind kind, unsigned flags)
{
    struct changes changes;
    const struct change *c;

    ck_assert_int_eq(compare(a, from, to, &changes), GR_OK);
    c = only_change(&changes, r);
    ck_assert_msg(c->kind == kind, "%s: %s is %s, not %s", r->with, r->key, change_kind_name(c->kind),
                  change_kind_name(kind));
    ck_assert_msg(gr_str_is(c->guardrail, r->guardrail), "%s: about " GR_FMT, r->with, GR_ARG(c->guardrail));
    ck_assert_msg(c->loosens == ((flags & L) != 0), "%s: loosens %d", r->with, c->loosens);
    ck_assert_msg(c->coverage == ((flags & C) != 0), "%s: coverage %d", r->with, c->coverage);
    ck_assert_msg(c->unproven == ((flags & U) != 0), "%s: unproven %d", r->with, c->unproven);
    ck_assert(!gr_str_eq(c->before, c->after));
}

START_TEST(every_edit_both_ways)
{
    const struct row *r = &rows[_i];
    struct specs old, new;
    struct facts *from, *to;

    read_spec(&old, NULL, NULL);
    read_spec(&new, r->what, r->with);
    from = facts_from(&old);
    to = facts_from(&new);
    check_change(r, from, to, new.arena, r->there, r->there_flags);
    check_change(r, to, from, new.arena, r->back, r->back_flags);
    specs_fini(&old);
    specs_fini(&new);
}
END_TEST

/* Rows whose edit must be one line and no other, apart from what follows from it. */
START_TEST(one_edit_is_one_change)
{
    static const char *const more[] = {"only", "min_events", "idempotent", "expect"};
    const struct row *r = &rows[_i];
    struct specs old, new;
    struct changes changes;
    size_t n = 0;

    for (size_t i = 0; i < GR_COUNT(more); i++)
        if (strstr(r->with, more[i]) || strstr(r->key, more[i]))
            return;
    read_spec(&old, NULL, NULL);
    read_spec(&new, r->what, r->with);
    ck_assert_int_eq(compare(new.arena, facts_from(&old), facts_from(&new), &changes), GR_OK);
    for (size_t i = 0; i < changes.n; i++) {
        n += !incidental(&changes.v[i]);
        ck_assert_msg(incidental(&changes.v[i]) || gr_str_is(changes.v[i].key, r->key), "%s: also " GR_FMT,
                      r->with, GR_ARG(changes.v[i].key));
    }
    ck_assert_msg(n == 1, "%s: %zu changes", r->with, n);
    specs_fini(&old);
    specs_fini(&new);
}
END_TEST

START_TEST(same_meaning)
{
    struct specs old, new;
    struct changes changes;

    read_spec(&old, NULL, NULL);
    read_spec(&new, "sampling: 2m", "sampling: 120s # the same");
    ck_assert_int_eq(compare(new.arena, facts_from(&old), facts_from(&new), &changes), GR_OK);
    ck_assert_uint_eq(changes.n, 0);
    specs_fini(&old);
    specs_fini(&new);
}
END_TEST

/* -- guardrails, phases -------------------------------------------------------------------------------------------------- */

static const struct edit {
    const char *name, *what, *with,
        *want; /* "kind guardrail key before>after;" of each change, those that follow left out */
} edits[] = {
    {"a guardrail less",
     "  - name: pnl\n    metric: {gauge: pnl_bps, unit: bps, signed: true}\n    limit: {against: fixed, bad: "
     "outside, "
     "soft: ±5bps, hard: ±8bps}\n",
     "", "removed pnl guardrails hard ±8bps, soft ±5bps>;"},
    {"a phase less is told once", "  - {name: p1, traffic: {mm: 1%, agency: 0.5%}, min_duration: 20m}\n", "",
     NULL},
    {"both slices of an override", "where: {venue: XNAS}, hard: +30%", "where: {venue: XNAS}, hard: +32%",
     "looser errors overrides.hard +30%>+32%;"},
    {"the override goes to another slice", "where: {venue: XNAS}, hard: +30%",
     "where: {venue: XNYS}, hard: +30%",
     "looser errors overrides.hard +30%>+40%;tighter errors overrides.hard +40%>+30%;"},
    {"the base limit, beside an override", "hard: +40%", "hard: +45%", "looser errors limit.hard +40%>+45%;"},
    {"another unit, the same limit", "{gauge: pnl_bps, unit: bps, signed: true}",
     "{gauge: pnl_bps, unit: percent, signed: true}", "changed pnl metric.unit bps>percent;"},
};

static void
put_changes(const struct changes *c, struct gr_buf *b)
{
    for (size_t i = 0; i < c->n; i++)
        if (!incidental(&c->v[i]))
            gr_buf_printf(b, "%s " GR_FMT " " GR_FMT " " GR_FMT ">" GR_FMT ";",
                          change_kind_name(c->v[i].kind), GR_ARG(c->v[i].guardrail), GR_ARG(c->v[i].key),
                          GR_ARG(c->v[i].before), GR_ARG(c->v[i].after));
}

START_TEST(edits_in_full)
{
    const struct edit *e = &edits[_i];
    struct specs old, new;
    struct changes changes;
    struct gr_buf b = GR_BUF_INIT(65536);

    read_spec(&old, NULL, NULL);
    if (!e->want) { /* cpu names p1, too */
        specs_fini(&old);
        return;
    }
    read_spec(&new, e->what, e->with);
    ck_assert_int_eq(compare(new.arena, facts_from(&old), facts_from(&new), &changes), GR_OK);
    put_changes(&changes, &b);
    ck_assert_msg(strcmp(gr_buf_cstr(&b), e->want) == 0, "%s: %s", e->name, gr_buf_cstr(&b));
    gr_buf_fini(&b);
    specs_fini(&old);
    specs_fini(&new);
}
END_TEST

Suite *
compare_suite(void)
{
    Suite *s = suite_create("compare");
    TCase *tc = tcase_create("compare");

    tcase_add_loop_test(tc, every_edit_both_ways, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, one_edit_is_one_change, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, edits_in_full, 0, GR_COUNT(edits));
    tcase_add_test(tc, same_meaning);
    suite_add_tcase(s, tc);
    return s;
}
