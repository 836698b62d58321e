/* mutate.h - small changes of an expression, one at a time: what a test of it must notice.
 *
 * Kinds: literals (a hundredth more, a hundredth less, the sign; one more or less of 0), matchers (negated, dropped, another value), ranges
 * (half, double, a slot more, a slot less), operators (+ - * / ^, comparisons, and or unless), bool, labels of on, ignoring, group_left, by and
 * without (dropped), on and ignoring (exchanged), aggregations and functions (another one; label_replace left out). Changes that Prometheus would
 * not load are left out. */
#ifndef GUARDRAIL_COMPILER_MUTATE_H
#define GUARDRAIL_COMPILER_MUTATE_H
#include "guardrail/promql.h"

struct mutate_change {
    struct gr_promql *tree; /* of the changed expression */
    struct gr_promql *part; /* the node of it that was changed */
    struct gr_promql_matcher
        dropped;                 /* the matcher that was left out; without a name: it was another change */
    struct gr_str what;          /* "matcher spec dropped"; in the arena */
    struct gr_str before, after; /* the part that was changed, printed */
};
/* The change number n of an expression, counting from 0. GR_ENOENT: there are not so many. GR_EUSER: Prometheus would not load it. GR_ENOMEM. */
GR_MUST_USE enum gr_err mutate_nth(struct gr_arena *a, const struct gr_promql *e, size_t n, int64_t slot_ms,
                                   struct mutate_change *out);
#endif
