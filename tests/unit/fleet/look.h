/* look.h - what the tests of the fleet read from a world: numbers over all series that a filter selects.
 *
 * A filter is written as in a fault line, "track=canary venue=XNAS"; the empty one selects everything. A
 * wrong filter or no memory ends the test. */
#ifndef TEST_FLEET_LOOK_H
#define TEST_FLEET_LOOK_H
#include "world.h"

/* A world with shares of 15 % and 5 %; the caller frees it. */
struct world *look_world(uint64_t seed, double rps);
/* A fault from its line. */
struct fault look_fault(const struct world *w, const char *line);
/* Breaks it. */
void look_break(struct world *w, const char *line);
/* All events, and the part that counts. */
uint64_t look_total(const struct world *w, enum family_id id, const char *filter);
uint64_t look_part(const struct world *w, enum family_id id, const char *filter);
/* The quantile of the pooled histogram since the start, interpolated in its bucket as Prometheus does. */
double look_quantile(const struct world *w, enum family_id id, const char *filter, double q);
/* The mean, smallest and largest value of the gauges. */
double look_mean(const struct world *w, enum family_id id, const char *filter);
double look_min(const struct world *w, enum family_id id, const char *filter);
double look_max(const struct world *w, enum family_id id, const char *filter);
/* pnl_unrealized_drift_bps - hedge_beta × market_return_bps of one venue and cohort. */
double look_drift(const struct world *w, const char *venue, const char *track);
#endif
