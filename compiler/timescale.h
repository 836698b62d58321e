/* timescale.h - durations inside the user's PromQL are divided by --time-scale like all others: at 60, a rate over [2m] would remember
 * the canary's traffic for two hours of the demo's time. */
#ifndef GUARDRAIL_COMPILER_TIMESCALE_H
#define GUARDRAIL_COMPILER_TIMESCALE_H
#include "model.h"

/* Divides ranges, steps and offsets in the tree, in place; does nothing at time scale 1. */
void timescale_apply(const struct model *m, struct gr_promql *e);
#endif
