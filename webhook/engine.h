/* engine.h - carries effects out: rollbacks by a few executors, messages by one sender per kind of target,
 * watching the watchdog.
 *
 * Each worker is a thread that takes one effect at a time from the store and has its own HTTP client; each
 * executor has a runner of its own
 * (runner.h), forked before any thread. So a slow target delays no other and no rollback, and streams
 * roll back side by side.
 *
 * Rollback: for each step, in order: intent committed, program run, outcome committed. After a crash the
 * journal says where to go on:
 * a step with an outcome is over; one without is run again if idempotent, asked by its probe, or else
 * ambiguous, and then the
 * release is halted and a person paged. */
#ifndef GUARDRAIL_WEBHOOK_ENGINE_H
#define GUARDRAIL_WEBHOOK_ENGINE_H
#include "app.h"
#include "courier.h"
#include "runner.h"

#define ENGINE_EXECUTORS                                                                                     \
    4u /* rollbacks side by side: as many as the breaker lets begin, and one that a person begins */
#define ENGINE_FRESH_MS                                                                                      \
    INT64_C(600000) /* a rollback not begun for so long since its alert was last seen asks Prometheus first */

struct engine;
struct engine_options {
    struct app *app;
    struct runner *runners[ENGINE_EXECUTORS]; /* borrowed; one each */
    struct runner *enter_runner;              /* of traffic splits; borrowed */
};
/* Puts back what was running when the process ended, then starts the threads. */
GR_MUST_USE enum gr_err engine_start(const struct engine_options *o, struct engine **out);
void engine_wake(struct engine *e);
/* What is left alone for a while because its target does not answer or asked for it; at most max rows. Any thread. */
size_t engine_circuits(struct engine *e, struct courier_rest *out, size_t max);
/* Takes nothing new, gives what runs until timeout_ms, then cancels it (it is judged by its journal at the
 * next start). Accepts NULL. */
void engine_stop(struct engine *e, int64_t timeout_ms);
#endif
