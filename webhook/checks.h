/* checks.h - runs the programs that a phase (`checks`) and its successor (`requires`) ask for, and stores
 * what they said.
 *
 * By `release advance` only, on a thread of the desk; one advance at a time (GR_EAGAIN otherwise), with a
 * runner of their own, so that no check
 * ever delays a rollback. */
#ifndef GUARDRAIL_WEBHOOK_CHECKS_H
#define GUARDRAIL_WEBHOOK_CHECKS_H
#include "gate.h"
#include "runner.h"

struct checks;
GR_MUST_USE enum gr_err checks_create(struct runner *runner, struct checks **out); /* runner: borrowed */
void checks_free(struct checks *c);
/* Runs the phase's checks that have not passed yet, then what the next phase requires. Those of `requires`
 * that fail become reasons in g;
 * the others are in the store for the gate to see. GR_EAGAIN: another advance runs its checks. */
GR_MUST_USE enum gr_err checks_run(struct app *app, struct gr_arena *a, const struct release *r,
                                   struct gate *g);
#endif
