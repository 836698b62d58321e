/* reaction.h - how long it takes, at worst, from a breach to the first step of what answers it, term by term.
 *
 * What is assumed, so that "worst" has an end:
 * - Every part works: targets are scraped, Prometheus evaluates on time, Alertmanager and guardraild are up, guardraild is in mode auto and
 *   nobody holds the release.
 * - A fixed limit (and a backstop) may be broken at any moment and by ever so little, so the whole rolling window must fill with slots
 *   beyond the limit; with `confirm: k of n`, n > 1, it is k single slots. A breach that goes further crosses sooner.
 * - A limit against control is broken by the version itself, hence from the start of the phase, and clearly: the test decides in the first
 *   slot in which it may (five paired slots for gauges; one slot for counters, if it holds min_total observations and min_events bad
 *   ones). How likely that is depends on traffic and is not a matter of time alone. One that begins later must fill the window too:
 *   late_ms.
 *
 * Terms, with s = scrape interval, T = sampling (the interval of the rule group and the length of a slot), W = slots of the window
 * (model_window_ms / T), m = slots that the evidence needs; all divided by time_scale:
 *
 *     scrape     s         until Prometheus has a sample of it
 *     slot       T         until the next evaluation of the rule group
 *     gate       T         compared: the first slot that lies inside the phase as a whole; fixed: the first slot that holds nothing of the
 *                          time before the breach (0 for `reduce: max` against an upper and `min` against a lower limit, where one
 *                          sample makes a slot)
 *     evidence   (m−1)·T   m = W for windowed fixed limits, k for k of n, 5 for sequential gauges, else 1 (3-semantics, "Evidence")
 *     rules      1 s       an allowance for evaluating the group; all rules of a guardrail stand in one group, so no interval is added
 *     for                  the alert's own `for` (0 but for no data: two slots)
 *     dispatch             the longer of group_wait and group_interval of its route: the alert may join a group that was sent just now
 *     delivery   1 s       an allowance: POST on the same machine and the durable commit
 *     first step 1 s       an allowance: what is checked before the first step (guardraild looks for due work at least every second) */
#ifndef GUARDRAIL_COMPILER_REACTION_H
#define GUARDRAIL_COMPILER_REACTION_H
#include "model.h"

enum reaction_what {
    REACTION_SCRAPE,
    REACTION_SLOT,
    REACTION_GATE,
    REACTION_EVIDENCE,
    REACTION_RULES,
    REACTION_FOR,
    REACTION_DISPATCH,
    REACTION_DELIVERY,
    REACTION_STEP,
    REACTION_TERMS
};
struct reaction {
    int64_t ms[REACTION_TERMS]; /* each divided by time_scale already, allowances excepted */
    int64_t total_ms;
    int64_t
        late_ms; /* compared: the total for a breach that begins in the middle of the phase; else = total_ms */
    uint64_t window_slots;   /* W */
    uint64_t evidence_slots; /* m */
    bool needs_traffic;      /* m holds if a slot has min_total observations (and min_events bad ones) */
};
/* "scrape", "slot", … */
const char *reaction_term(enum reaction_what what);
/* The reaction to one bound of a guardrail (NULL: to missing data) in one phase, which should be one of g->phases. */
struct reaction reaction_of(const struct model *m, const struct guardrail *g, const struct bound *b,
                            const struct phase *p);
/* The slowest over all phases of the guardrail and all bounds of a level, backstops left out where there is another bound (they stand
 * behind it); *phase and *bound (either may be NULL) are where. total_ms 0: the guardrail has no such level. LEVEL_NO_DATA: until its
 * alert is handled. */
struct reaction reaction_worst(const struct model *m, const struct guardrail *g, enum level level,
                               const struct phase **phase, const struct bound **bound);
#endif
