/* power.h - what the guardrails of a specification can see: `guardrailc power`.
 *
 * From a model and the rates it is expected to meet (rates.h), phases are played by chance (simulate.h): how often a healthy release is
 * rolled back by a comparison with control, how surely a bad one is caught, and what it would take where it is not. Only hard limits against
 * control are tests; fixed limits and backstops are policies, of which the report says how long they take.
 *
 * Of each guardrail, phase and side the worst slice is shown: the one whose difference at twice the limit is the fewest standard deviations
 * (all of them on request). The false-rollback figures are of all slices together. Same model, rates, seed: same figures. */
#ifndef GUARDRAIL_COMPILER_POWER_H
#define GUARDRAIL_COMPILER_POWER_H
#include "rates.h"
#include "simulate.h"

#define POWER_ROLLOUTS 2000u /* of the whole specification */
#define POWER_ROLLOUTS_MAX 1000000u
#define POWER_TRIALS 1000u   /* phases with a regression, for each figure */
#define POWER_WANTED 0.95    /* what counts as seen */
#define POWER_LONGER_MAX 32u /* times the minimum duration; longer phases are not looked for */

struct power_options {
    uint64_t seed;
    uint32_t rollouts; /* 0: POWER_ROLLOUTS, or fewer where that would take long */
    bool all;          /* rows of all slices, not only the worst */
    /* Told after each guardrail of each phase, out of how many; NULL: nobody is. */
    void (*tell)(void *arg, size_t done, size_t of);
    void *arg;
};
/* Regressions that everyone asks about: the factor on bad events, on a quantile, on a gauge's level; of a gauge with a limit in points, a
 * shift by so many times the limit. */
#define POWER_FACTORS 3u
extern const double power_factors[POWER_FACTORS]; /* 1.4, 2, 4 */

enum power_blind {                      /* why twice the limit is not seen */
                   POWER_SEES,          /* it is */
                   POWER_NO_TRAFFIC,    /* the rates say that nothing comes */
                   POWER_NO_VALUE,      /* a quantile's limit in points, and its usual value is not stated */
                   POWER_TOO_FEW_TOTAL, /* the phase ends below min_total observations */
                   POWER_TOO_FEW_BAD,   /* ... below min_events bad ones, on average at twice the limit */
                   POWER_IMPOSSIBLE, /* not even the worst regression is seen: the evidence that the budget asks for cannot be had */
                   POWER_THIN /* the difference drowns in chance */
};
struct power_row {
    const struct guardrail *g;
    const struct phase *phase;
    const struct slice *slice;
    const struct bound *bound; /* in force on the slice */
    struct rated rated;
    bool point;                              /* evidence: point */
    uint32_t slots, max_slots;               /* of the phase, at its minimum and maximum */
    double canary_total, control_total, bad; /* per slot; gauges 0. bad: expected of a healthy canary */
    uint64_t false_min,
        false_max; /* rollouts in which the guardrail rolled back here, any slice, by min and max */
    double detect[POWER_FACTORS], late; /* by the minimum; late: 4x beginning half way */
    uint32_t median_slots;              /* until 4x is seen; 0: not in half of the phases */
    bool inside[POWER_FACTORS];         /* the factor stays inside the limit: it is not to be caught */
    double twice;                       /* of twice the limit */
    double sees;                        /* times the limit that are seen; 0: none */
    double share_now;                   /* the largest share of a flow that the slice sees */
    double share;    /* ... with which twice the limit is seen, all shares grown alike; 0: none up to half */
    uint32_t longer; /* slots of a phase in which it is seen; 0: none to POWER_LONGER_MAX times the minimum */
    enum power_blind blind;
};
struct power {
    const struct model *m;
    const struct rates *rates;
    struct power_options options;
    struct power_row *rows; /* by phase, then guardrail */
    size_t n;
    uint64_t tests; /* hard ones against control that were played */
    uint32_t rollouts;
    bool lowered;                  /* fewer than POWER_ROLLOUTS */
    uint64_t false_min, false_max; /* rollouts rolled back, phases at their minimum and maximum */
    unsigned assumed;              /* all of the rows' */
};
/* GR_ENOMEM. */
GR_MUST_USE enum gr_err power_run(struct power *out, const struct model *m, const struct rates *rates,
                                  struct power_options options);
/* The limit's size k times over, in words: "+80%", "-9.6%", "+6bps". */
void power_effect(const struct power_row *r, double k, struct gr_buf *b);
/* Probability that a regression of factor f (an index of power_factors) from the start of the first phase is caught by the end of the last,
 * in the worst slice of each; or of the first phase alone. NAN: it stays inside the limit. */
double power_caught(const struct power *p, const struct guardrail *g, size_t factor, bool first_only);
/* Whether the specification has hard comparisons of this guardrail at all. */
bool power_compares(const struct guardrail *g);
/* The budget, or `cap` if it is not NAN; NAN: neither. */
double power_cap(const struct power *p, double cap);

/* For a specification without a budget: how often a healthy phase of this guardrail ends by its letter, at `requests` canary requests a
 * slot and 1 % bad events, independent. Negative: it is no comparison of counts, or it has no phase. */
double power_of_letter(const struct model *m, const struct guardrail *g, double requests,
                       const struct phase **phase);

void power_text(const struct power *p, double cap, struct gr_buf *b);
GR_MUST_USE enum gr_err power_json(const struct power *p, double cap, struct gr_buf *b);
void power_svg(const struct power *p, double cap, struct gr_buf *b);
#endif
