/* simulate.h - phases of releases by chance: how often do the rules roll back a healthy one, how often do they catch a bad one?
 *
 * One test is one (guardrail, slice, phase, side) compared with control, as the rules see it: slot by slot, beyond the limit on the rolling
 * window AND enough events AND evidence since the phase's start. A world says what the traffic is like. sim_phase() plays one phase;
 * sim_estimate() many. The generator is passed in, there is no clock and no global: same seed, same numbers, on one machine and compiler.
 *
 * Dispersion phi: the variance of a slot's bad events is phi times the binomial one, whatever the rate (negative binomial, independent between slots and
 * cohorts). A quantile is simulated as the ratio of observations above control's own quantile: see sim_quantile_share(). Gauges are
 * first-order autoregressive around their level. Cost: about 10 ns per slot and cohort, after a set-up of
 * about 0.1 ms (100 ms for worlds that move and leak). */
#ifndef GUARDRAIL_COMPILER_SIMULATE_H
#define GUARDRAIL_COMPILER_SIMULATE_H
#include "chance.h"

#define SIM_SLOTS_MAX 4096u

enum sim_kind {
    SIM_BAD,   /* ratio of bad events, or share above a quantile: effect = canary's rate / control's */
    SIM_GOOD,  /* ratio of good events: effect = (1 - canary's bad rate) / (1 - control's) */
    SIM_GAUGE, /* effect = canary / control */
};
struct sim_test {
    enum sim_kind kind;
    double canary_total, control_total; /* observations per slot (effective, if weighted); gauges: unused */
    double rate; /* BAD events per observation of a healthy cohort, (0, 1); gauges: unused */
    double noise,
        rho; /* gauges: standard deviation of one slot's canary/control - 1, and its lag-1 autocorrelation */
    double limit; /* compared with the effect: 1.4 for +40 %, 0.95 for -5 % */
    bool lower;   /* beyond is below the limit */
    bool points;  /* effect is canary - control instead: 0.03 for +3pp */
    double floor; /* SIM_BAD: control is raised to it */
    double min_events, min_total;
    double threshold; /* log L must exceed it: model_evidence_threshold() */
    uint32_t window;  /* slots of the rolling window; >= 1 */
    uint32_t slots;   /* slots the phase lasts; 1 ... SIM_SLOTS_MAX */
};
/* Zero everywhere but dispersion and regression (both 1) is a plain healthy world. */
struct sim_world {
    double dispersion; /* phi >= 1 */
    double regression; /* factor on the canary's bad rate (SIM_BAD, SIM_GOOD) or level (gauges); 1: healthy */
    uint32_t onset;    /* slots before the regression begins */
    uint32_t leak;     /* slots it takes to grow from nothing to full size; 0: at once */
    double
        shared; /* log standard deviation of a factor on both cohorts' rates, drawn anew each slot (clusters that hit both) */
    double diurnal;  /* amplitude, [0, 1): both cohorts' rates and traffic move by 1 +- so much ... */
    uint32_t period; /* ... over so many slots, from a random place in it */
    double missing;  /* probability that a slot was not recorded */
    double
        restart; /* probability that a slot sees the canary restart: it loses a uniform share of its counts */
};
/* Ways to decide, all played on the same events. */
enum sim_rule {
    SIM_EVIDENCE,  /* what the rules do */
    SIM_PLAIN,     /* the textbook formula: no correction for clustered events or few slots */
    SIM_NAIVE,     /* the first slot's end at which the windowed effect is beyond the limit */
    SIM_FOR_3,     /* ... at three in a row */
    SIM_MIN_COUNT, /* ... with min_events and min_total */
    SIM_RULES
};
const char *
sim_rule_name(enum sim_rule rule); /* "evidence", "textbook", "naive", "for: 3 slots", "minimum count" */

struct sim_phase; /* a test in a world, its distributions tabulated */
/* GR_ERANGE: a number is outside what its comment says. */
GR_MUST_USE enum gr_err sim_phase_create(struct sim_phase **out, const struct sim_test *test,
                                         const struct sim_world *world);
void sim_phase_free(struct sim_phase *p);
/* Plays one phase. first: the slot, from 1, at whose end each rule first fires; 0: never. */
void sim_phase_play(const struct sim_phase *p, struct sim_rng *rng, uint32_t first[SIM_RULES]);

struct sim_tally {
    uint64_t trials;
    uint64_t fired[SIM_RULES];
    uint64_t slots[SIM_RULES]; /* sum of the slots at which they fired, for the mean */
};
/* Plays so many phases and adds them up. Same errors as sim_phase_create(). */
GR_MUST_USE enum gr_err sim_estimate(struct sim_tally *out, const struct sim_test *test,
                                     const struct sim_world *world, uint64_t trials, struct sim_rng *rng);

/* The share of observations above control's q-quantile when the canary's values are `factor` times control's, for log-normal values with
 * log standard deviation spread (0.5: the 99th percentile is 3.2 times the median). With factor = limit: the rate at the limit. */
double sim_quantile_share(double q, double spread, double factor);
#endif
