/* record.h - reports_dir/release_decisions/<deployment_id>.yaml: one YAML document per decision, in the playbook's schema.
 *
 * The file is always written whole from the decisions the store holds (temporary file, fsync, rename, fsync of the folder), so
 * writing twice gives the same bytes and a crash between commit and write is mended by writing again. Sealed at general
 * availability: mode 0444, and any later write that would change it is refused. One document:
 *
 *     ---
 *     decision: rollback                      promote rollback abort hold halt override deviation …
 *     timestamp: 2024-05-16T21:31:04Z         when it was decided
 *     deployment_id: tp-2024-05-16-1
 *     spec: tradepulse
 *     spec_hash: "…"
 *     release: {cluster: equities}            (as a block)
 *     phase: canary_phase_2                   the playbook's fields from here on
 *     approver: jane.doe@tradepulse.ai        or guardraild
 *     commander: kim@tradepulse.ai            who allowed a deviation from the schedule; left out otherwise
 *     start_timestamp: 2024-05-16T21:15:00Z   of the phase
 *     traffic_share:
 *       market_making: 0.05
 *       agency: 0.02
 *     metrics_snapshot:                       the worst slice's value by source name, in the unit people read
 *       execution.match.latency.p99_ms: 6.8   null: there was no value
 *     metrics_by_slice:                       each value with guardrail, slice, unit, verdict
 *     notes: "…"
 *     reason: "…"
 *     guardrail, level, limit, slice          the breach that led to it, if any
 *     on_call: {acknowledged_by, at}          null until someone acknowledged
 *     steps:                                  of a rollback: name, command, result, started, duration_ms, attempt
 *     outcome: rolled_back                    or incomplete, held, … ; empty is left out
 */
#ifndef GUARDRAIL_WEBHOOK_RECORD_H
#define GUARDRAIL_WEBHOOK_RECORD_H
#include "policy.h"

#define RECORD_BYTES_MAX (16u << 20)

struct record_metric {
    struct gr_str source, guardrail, unit;
    struct label_set slice;
    double value; /* in unit; NaN: no value */
    bool worst;   /* the one that metrics_snapshot shows for its source (the first if several are marked) */
    int verdict;  /* enum gr_verdict; -1: unknown, left out */
};
struct record_step {
    struct gr_str name;
    struct gr_str command; /* as run: "deploy/bin/drain-sessions tp-1"; for a query its text */
    struct gr_str result;  /* "exit 0", "timed out after 10000 ms", "held" */
    bool ok;
    int64_t started_ms; /* Unix; 0: not started, left out */
    int64_t duration_ms;
    uint32_t attempt;            /* 0: left out */
    struct gr_str output_sha256; /* may be empty */
};
struct record_decision {
    struct gr_str decision;        /* a word [a-z_]+ */
    int64_t at_ms, phase_start_ms; /* Unix ms; phase_start 0: left null */
    struct gr_str spec, spec_hash, phase, approver;
    struct gr_str commander; /* the incident commander who allowed what is off the schedule; may be empty */
    struct label_set stream;
    const struct policy_share *traffic;
    size_t traffic_count;
    const struct record_metric *metrics;
    size_t metric_count;
    struct gr_str snapshot_error; /* why there is no snapshot; empty: there is one */
    struct gr_str notes, reason;
    struct gr_str guardrail, level, limit; /* empty: no breach led to it */
    struct label_set slice;
    struct gr_str ack_by; /* empty: not acknowledged */
    int64_t ack_ms;
    const struct record_step *steps;
    size_t step_count;
    struct gr_str outcome;
};
/* Whether an id may name a file: GR_POLICY_VALUE_PATTERN. */
bool record_id_ok(struct gr_str deployment_id);
/* Appends one document, "---" line included. */
void record_print(struct gr_buf *b, struct gr_str deployment_id, const struct record_decision *decision);
/* Appends the file's path: <reports_dir>/release_decisions/<deployment_id>.yaml. The id must be ok. */
void record_path(struct gr_buf *b, const char *reports_dir, struct gr_str deployment_id);
/* Writes the file from all decisions, oldest first; sealed: mode 0444 and no change any more. GR_ERANGE: the id may not name a file;
 * GR_ESTATE: the file is sealed and would change; GR_EEXIST: a file stands where the folder should; GR_EIO, GR_ENOSPC, GR_EACCES, GR_ELIMIT, GR_ENOMEM: the old file stands. */
GR_MUST_USE enum gr_err record_write(const char *reports_dir, struct gr_str deployment_id,
                                     const struct record_decision *decisions, size_t count, bool sealed);
#endif
