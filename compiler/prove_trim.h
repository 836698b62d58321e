/* prove_trim.h - the rules of one guardrail without what can only be empty in one part of its tests.
 *
 * promtool's time is that of the rules; in a rule that all guardrails share, most branches select another guardrail, a phase or a stream that is not
 * in the part. A branch is left out where it is proved empty there: a selector wants, of a label to which no rule gives a value of
 * its own, only values that no series of the part has; or a name that neither a series of the part has nor a rule that is left records.
 * An operator, a function or an aggregation of what is empty is empty as well, as Prometheus has it; absent(), vector() and scalars are not.
 * A rule without anything left is left out. What the rules record is the same, in a third of the time. */
#ifndef GUARDRAIL_COMPILER_PROVE_TRIM_H
#define GUARDRAIL_COMPILER_PROVE_TRIM_H
#include "guardrail/promql.h"
#include "guardrail/rulefile.h"
#include "model.h"

#define PROVE_TRIM_LABELS 10u
#define PROVE_TRIM_VALUES 4000u /* of one label in one part; where there are more, it is not looked at */

/* The rules of a guardrail, read once. */
struct prove_rules {
    struct gr_arena *arena; /* borrowed */
    const struct gr_rule_group *group;
    struct gr_promql **trees; /* of each rule of the group; NULL: it is not this guardrail's */
    struct gr_str guardrail;
    struct gr_str labels
        [PROVE_TRIM_LABELS]; /* to which no rule gives a value; the first is "guardrail", which all of them give this one's name */
    size_t n_labels;
};
struct prove_words {
    struct gr_str *v;
    size_t n, cap;
};
/* What a part has, and what is left of the rules there. */
struct prove_trimmed {
    const struct prove_rules *rules;
    struct prove_words values[PROVE_TRIM_LABELS];
    bool open[PROVE_TRIM_LABELS];     /* values of this label are not known */
    struct prove_words series, names; /* of the part's series; and these with what is recorded */
    struct gr_str *exprs;             /* of each rule of the group; without text: it is left out */
    size_t bytes;                     /* of all of them */
};
/* shares: with the rules that record the canary's share of the traffic. GR_ENOMEM. */
GR_MUST_USE enum gr_err prove_rules_read(struct gr_arena *a, const struct model *m,
                                         const struct gr_rule_group *group, struct gr_str guardrail,
                                         bool shares, struct prove_rules *out);
/* file: the part's tests, as prove_put_part writes them. */
GR_MUST_USE enum gr_err prove_trim(const struct prove_rules *r, struct gr_str file,
                                   struct prove_trimmed *out);
/* What is left where rule `at` has another expression: *exprs as above, in `a`, or NULL if it is all the same, so that the
 * part cannot tell them apart. */
GR_MUST_USE enum gr_err prove_trim_changed(struct gr_arena *a, const struct prove_trimmed *t, size_t at,
                                           const struct gr_promql *tree, const struct gr_str **exprs);
#endif
