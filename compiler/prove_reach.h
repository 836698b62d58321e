/* prove_reach.h - whose tests a changed rule can reach. */
#ifndef GUARDRAIL_COMPILER_PROVE_REACH_H
#define GUARDRAIL_COMPILER_PROVE_REACH_H
#include "mutate.h"

/* Whether the tests of a guardrail can tell the changed expression from the emitted one. They cannot where both are empty there: all
 * series in those tests that name a guardrail name this one or PROVE_STRANGER, and some part around the change has only selectors that
 * want another. before: the changed part as it was; NULL: not known, so they may. */
bool prove_reaches(const struct mutate_change *change, struct gr_promql *before, struct gr_str guardrail);
#endif
