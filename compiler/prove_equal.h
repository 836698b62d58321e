/* prove_equal.h - changes of rules that change nothing, and why. */
#ifndef GUARDRAIL_COMPILER_PROVE_EQUAL_H
#define GUARDRAIL_COMPILER_PROVE_EQUAL_H
#include "guardrail/rulefile.h"
#include "model.h"
#include "mutate.h"

/* Why no input can tell the changed rule from the emitted one; NULL: it is not known to be the same.
 * Each reason is proved from the changed tree, the model or the rule's own labels:
 *   - what a dropped matcher shut out finds no partner in a join; `expect` lists nothing of the kind; the guardrails that the selector names have
 *     no such side, level or part;
 *   - a slot may be divided by its phase's series, which is 1;
 *   - an aggregation or a function over time has a result wherever another has, and what it shows is not seen: it stands on the right of `and` or
 *     `unless`, or is multiplied by 0 (annotations are not rules: they are not proved here);
 *   - each group of an aggregation is one series, or all its values are the same;
 *   - a label dropped from `without` is not there any more; one dropped from `by` is given by the rule, and no join asks for it;
 *   - a count is a whole number, topk takes one, and its groups stay when a label of which all series have one value is no longer listed;
 *   - what prove_same.h and prove_neutral.h list;
 *   - last_over_time of another range in which the newest of so many counted slots stands as well. */
const char *prove_equal(const struct model *m, const struct gr_rule *rule, struct mutate_change *change);
#endif
