/* world.h - the simulated fleet itself: counters, histograms and gauges that move with simulated time.
 *
 * The world knows no clock: whoever drives it says how many simulated seconds pass. Orders arrive as a
 * Poisson process, `rps` a second for each venue and flow, the canary's share of them taken per venue and
 * flow. Gauges are a level plus Ornstein-Uhlenbeck noise (exact for any step), so the size of the steps does
 * not show in the statistics. Same options, same seed, same calls: same numbers. Not thread-safe; one thread
 * owns a world. */
#ifndef FLEET_WORLD_H
#define FLEET_WORLD_H
#include "fault.h"
#include "random.h"
#include "topology.h"

#define WORLD_RPS_MAX 1e7
#define WORLD_STEP_S_MAX 1e7

struct world_options {
    uint64_t seed;
    double rps; /* orders per simulated second for each venue and flow; 0 < rps <= WORLD_RPS_MAX */
};

/* The state of one series; which members count depends on its family's shape. */
struct point {
    struct rng rng;
    uint64_t total, part;           /* ratio: both counters; histogram: total is its count */
    uint64_t bucket[EDGES_MAX + 1]; /* histogram: not cumulative, the last is above the last edge */
    double sum;                     /* histogram, seconds */
    double noise;                   /* gauge: the present deviation from its level */
    double value;                   /* gauge: as exported, unless a nan fault hides it */
};

struct world {
    struct world_options options;
    struct topology topology;
    struct point points[SERIES_MAX]; /* one per series of the topology */
    struct faults faults;
    double share[VENUE_COUNT][FLOW_COUNT]; /* the canary's part of the orders, 0..1; control gets the rest */
    double now_s;                          /* simulated seconds since the start */
};

/* Allocates (owned by the caller, world_free). All counters are 0; shares are those of the playbook's first
 * phase. GR_ENOMEM. */
GR_MUST_USE enum gr_err world_create(struct world **out, const struct world_options *options);
void world_free(struct world *w); /* NULL is fine */

/* Lets seconds_s pass: 0 to WORLD_STEP_S_MAX, more is cut; 0 recomputes the gauges under the present faults.
 * */
void world_step(struct world *w, double seconds_s);
/* Adds the fault, or does it at once if its kind is not kept (reset). GR_ELIMIT when FAULTS_MAX are active.
 * */
GR_MUST_USE enum gr_err world_fault(struct world *w, const struct fault *f);
/* Drops all faults; counters, clock and shares stay. */
void world_heal(struct world *w);
#endif
