/* release.h - all comparisons with control of a specification, played together: is a healthy release rolled back?
 *
 * Every (guardrail, slice, phase) with a limit of the level against control is one test, dynamic slices counted at_most times, as the budget counts them (model_tests).
 * Tests are played independently of each other; a release is rolled back by the first that fires. */
#ifndef GUARDRAIL_TESTS_SIMULATION_RELEASE_H
#define GUARDRAIL_TESTS_SIMULATION_RELEASE_H
#include "model.h"
#include "simulate.h"

/* What a specification does not say. */
struct assumptions {
    double
        observations; /* of the canary, per slot and slice; control has as many more as the phase's share says */
    double bad;       /* bad events per request, ratios of bad events */
    double unfilled;  /* the same, ratios of good events */
    double spread;    /* log standard deviation of latencies and ages */
    double noise;     /* of a slot of a gauge, in hard limits: 0.5 is 12.5 % under a limit of +25 % */
    double rho;       /* of gauges */
    enum level level; /* LEVEL_HARD or LEVEL_SOFT: whose limits and budget */
};
#define ASSUME                                                                                               \
    (struct assumptions)                                                                                     \
    {                                                                                                        \
        .observations = 200, .bad = 0.01, .unfilled = 0.1, .spread = 0.5, .noise = 0.5, .rho = 0.6           \
    }

#define RELEASE_TESTS_MAX 4096u
struct release_test {
    struct sim_test test;
    const struct guardrail *guardrail; /* borrowed */
    uint32_t least;                    /* slots of the phase's minimum duration */
    uint64_t copies;                   /* dynamic slices */
};
struct release {
    struct release_test tests[RELEASE_TESTS_MAX];
    size_t n;
};
/* GR_ELIMIT: more than RELEASE_TESTS_MAX. Phases last their maximum. */
GR_MUST_USE enum gr_err release_of(struct release *out, const struct model *m, const struct assumptions *a);

enum which { WHICH_ALL, WHICH_COUNTS, WHICH_GAUGES };
struct release_tally {
    uint64_t rollouts;
    uint64_t least[SIM_RULES]; /* rolled back within the phases' minimum durations */
    uint64_t whole[SIM_RULES]; /* ... at any time, phases running for their maximum */
    uint64_t fired[SIM_RULES]; /* tests that fired, whole phases */
};
GR_MUST_USE enum gr_err release_play(struct release_tally *out, const struct release *r, enum which which,
                                     const struct sim_world *world, uint64_t rollouts, struct sim_rng *rng);
#endif
