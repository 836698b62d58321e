/* alerts.h - which alerts fire: hard at once, soft held for two slots after it ends, no data after two slots of it. */
#ifndef REFERENCE_ALERTS_H
#define REFERENCE_ALERTS_H
#include "evaluate.h"
#include "oracle.h"

struct alert {
    struct gr_str key;
    int64_t hold_ms, keep_ms; /* `for`, `keep_firing_for` */
    bool pending, firing, kept;
    int64_t since_ms, kept_ms; /* when it became active; when it began to be kept firing */
    bool seen;                 /* in this evaluation */
};
struct alerts {
    struct alert *v;
    size_t n, cap;
};
/* One evaluation: what is judged at t_ms. Appends the keys of what fires, as promtool's ALERTS. */
bool alerts_step(struct gr_arena *a, struct alerts *all, const struct evaluation *e, int64_t t_ms,
                 int64_t sampling_ms, struct readings *out);
/* name{labels of stream, slice, guardrail, phase and deployment, and what `more` holds}: pairs sorted by name. */
struct gr_str reading_key(struct gr_arena *a, const char *name, const struct judged *j,
                          const struct pair *more, size_t n_more);
#endif
