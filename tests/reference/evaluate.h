/* evaluate.h - the reference evaluator: what a specification says about a world, from raw samples to verdicts and alerts.
 *
 * An independent reading of the semantics of guardrails: written from the design and docs/rule-reference.md, in plain loops over samples
 * and slots, where the compiler (lower_*.c) composes PromQL. It shares no code with that, only the model; so what both agree on is
 * what was meant. It is slow (each step walks the whole history) and takes the flows, dynamic slices and expressions that scenario.h makes,
 * not everything the language has:
 *
 *   expressions  selectors, rate, increase, irate, delta and avg/max/min/sum_over_time of a selector[range] or of a subquery with a step,
 *                offset, + - * / with a number or with what has the same labels, sum/avg/max/min by (…)
 *
 * Time starts at 0, and rules are evaluated at 0, sampling, 2 × sampling …, as promtool does. */
#ifndef REFERENCE_EVALUATE_H
#define REFERENCE_EVALUATE_H
#include "prom.h"

enum reason {
    REASON_MISSING,
    REASON_NO_CONTROL,
    REASON_TRAFFIC_SHARE,
    REASON_OVERDUE,
    REASON_SUSPECT,
    REASON_THIN,
    REASON_COUNT
};
extern const char *const reason_names[REASON_COUNT];
extern const char *const side_names[SIDE_BACKSTOP_LOWER + 1];
#define LEVEL_SIDE(level, side) (1u << ((unsigned)(level)*4u + (unsigned)(side)))

/* What holds of one guardrail, stream and slice at one evaluation. */
struct judged {
    const struct guardrail *g;
    struct pairs labels; /* of stream and slice, sorted */
    struct gr_str deployment, phase;
    bool verdict_known, effect_known, coverage_known, evidence_known;
    unsigned verdict; /* 0 … 3 */
    double effect, coverage, evidence;
    int reason;         /* an enum reason, or -1 */
    unsigned supported; /* LEVEL_SIDE bits of breaches with evidence */
    /* Something was compared with a limit that it equals but for rounding: Prometheus may decide it either way. near_edge: which bucket
     * edge the evidence counts above may be another, or control may be 0, so the evidence itself. */
    bool near, near_edge;
    /* A bucket of its histogram was NaN or infinite since the phase began. That makes it insufficient; whether as suspect or as thin is left open, since
     * histogram_quantile() makes some edge of such buckets, and which one means nothing. */
    bool spoilt;
};
struct evaluation {
    struct judged *v;
    size_t n, cap;
};
/* Of `count` evaluations. NULL without memory. Everything lies in the arena. */
struct evaluation *evaluate(struct gr_arena *a, const struct model *m, const struct world *w, size_t count);
#endif
