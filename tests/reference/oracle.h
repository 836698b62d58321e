/* oracle.h - what real Prometheus makes of a world: promtool's test runner, which is its own rule manager and engine, loads the emitted
 * rules and is asked for all that they recorded at each evaluation. It is told to expect nothing, so it prints what there is. */
#ifndef REFERENCE_ORACLE_H
#define REFERENCE_ORACLE_H
#include "guardrail/buf.h"
#include "prom.h"

/* One sample of one series: its name and labels, sorted, as name{a=b,c=d}; without spec and group. */
struct reading {
    struct gr_str key;
    double v;
};
struct readings {
    struct reading *v;
    size_t n, cap;
};
/* Starts a file of tests for the rules in rules.yml beside it. */
void oracle_begin(struct gr_buf *b, int64_t sampling_ms);
/* One test: world number `id`, evaluations 0 … count-1. */
void oracle_world(struct gr_buf *b, const struct world *w, unsigned id, int64_t sampling_ms, size_t count);
/* Reads promtool's output: readings of world `id` at evaluation k, sorted by key, in all[id * count + k]; they borrow the text.
 * Returns false, with a message, where the output is not understood: a rule that failed, for one. */
bool oracle_read(struct gr_arena *a, struct gr_str output, unsigned worlds, size_t count, int64_t sampling_ms,
                 struct readings *all);
/* Adds one reading; false without memory. readings_sort() puts them in order. */
bool readings_add(struct gr_arena *a, struct readings *to, struct gr_str key, double v);
void readings_sort(struct readings *r);
#endif
