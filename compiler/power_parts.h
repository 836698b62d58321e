/* power_parts.h - one test as the simulator wants it (power_plan.c), and what the printers of power share. */
#ifndef GUARDRAIL_COMPILER_POWER_PARTS_H
#define GUARDRAIL_COMPILER_POWER_PARTS_H
#include "power.h"

/* Which test: one (guardrail, phase, slice, side). */
struct which {
    const struct model *m;
    const struct rates *r;
    const struct guardrail *g;
    const struct phase *phase;
    const struct slice *slice;
    const struct bound *base; /* the one in force is looked up */
    double threshold; /* of evidence, the same for all; 0: it is counted, over the whole specification */
};
/* In what circumstances; all 0 but grow = 1: the phase as it stands, at its minimum. */
struct how {
    double grow;    /* factor on the canary's share */
    uint32_t slots; /* the phase lasts so long; 0: its minimum */
    bool
        extended; /* it was meant to last its minimum, so the window is as long as that; else the window grows with it */
};
struct plan {
    const struct guardrail *g;
    const struct phase *phase;
    const struct slice *slice;
    const struct bound *bound; /* in force */
    struct gr_dec literal;     /* in force */
    struct rated rated;
    struct sim_test test;
    double scale; /* gauges with a limit in points: what 1 stands for, in the metric's unit */
    enum sim_rule rule;
    bool playable; /* test can be played */
    uint32_t min_slots;
};
void plan_init(struct plan *p, const struct which *w, struct how how);
bool plan_counts(const struct guardrail *g); /* counters, not gauges */
bool plan_is_test(const struct bound *b);    /* hard, no backstop */
uint32_t plan_max_slots(const struct model *m, const struct phase *phase);
/* The simulator's regression that makes the effect 1 + k (limit - 1), or k limit. */
double plan_excess(const struct plan *p, double k);
/* ... for one of the factors that everyone asks about, turned to the side of the limit. */
double plan_factor(const struct plan *p, double factor);
double plan_excess_max(const struct plan *p); /* the largest k that makes sense */
/* The difference at twice the limit in standard deviations at the end of the phase: to find the worst slice by. */
double plan_clearness(const struct plan *p);

void power_slice(const struct power *p, const struct power_row *r,
                 struct gr_buf *b);                   /* "equities XNAS agency" */
const char *power_blind_name(enum power_blind blind); /* for JSON */
#endif
