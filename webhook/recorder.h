/* recorder.h - decision records: noted in the store together with the transition, completed and written a
 * moment later.
 *
 * record_note runs in the transaction of the transition, so no decision is ever without its row. The
 * recorder's thread then asks
 * Prometheus for the values at the moment of the decision, adds them to the row, and writes the file whole
 * from all rows of
 * the deployment (record.h); a crash in between is mended by doing that again. */
#ifndef GUARDRAIL_WEBHOOK_RECORDER_H
#define GUARDRAIL_WEBHOOK_RECORDER_H
#include "release.h"

struct record_note {
    const char *decision;    /* "promote" … */
    const char *outcome;     /* NULL: none */
    struct gr_str commander; /* who allowed what is off the schedule; may be empty */
    struct gr_str by, text;  /* text: a person's note, or our reason when by_daemon */
    bool by_daemon;
    const struct release_breach *breach; /* NULL: none */
    int64_t effect_id;                   /* the rollback whose steps belong to it; 0: none */
    int64_t at_ms;
};
/* On the store's thread. The phase is the one that r stands in now. */
GR_MUST_USE enum gr_err record_note(struct db *db, const struct release *r, const struct record_note *note);

struct recorder;
struct recorder_options {
    struct store *store; /* borrowed, as all here */
    const struct policies *policies;
    const char *reports_dir;
    struct gr_str prometheus_url; /* empty: no snapshots */
    struct log *log;
};
GR_MUST_USE enum gr_err recorder_start(const struct recorder_options *o, struct recorder **out);
/* There is something to write. Any thread. */
void recorder_wake(struct recorder *r);
/* Waits until nothing was left to write after this call began, or the timeout. For answers to operators. */
bool recorder_wait(struct recorder *r, int64_t timeout_ms);
void recorder_stop(struct recorder *r); /* accepts NULL */
uint64_t recorder_failures(struct recorder *r);
#endif
