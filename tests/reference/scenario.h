/* scenario.h - random specifications, and random worlds for a specification: what the property tests run on.
 *
 * Everything follows from a seed. Specifications are small (1 to 6 guardrails, 1 or 2 streams, 1 to 3 slices) and have every kind of
 * metric, limit and evidence, flows with shares of their own or with none yet, and events that two of them count; phases are short.
 * Worlds are made from the model, so they can be made for any specification whose expressions the evaluator takes: canaries that are
 * healthy, worse from the start, worse later, gone, back again; control gone or at zero; clustered events, counter resets, lost scrapes,
 * NaN and infinities, of a whole target or of one bucket or counter, denominators that hardly grow, slices outside `expect`; phases that
 * end, change, run over, are exported by two deployments or two daemons, or by none for a while. */
#ifndef REFERENCE_SCENARIO_H
#define REFERENCE_SCENARIO_H
#include "guardrail/buf.h"
#include "prom.h"
#include "tests/fleet/random.h"

/* Appends a specification. */
void scenario_spec(struct gr_buf *out, uint64_t seed);
/* Fills a world for evaluations 0 … count-1. False without memory. */
bool scenario_world(struct gr_arena *a, const struct model *m, uint64_t seed, uint64_t variant, size_t count,
                    struct world *out);
#endif
