/* prove_equal.h - changes of rules that change nothing, and why. */
#ifndef GUARDRAIL_COMPILER_PROVE_EQUAL_H
#define GUARDRAIL_COMPILER_PROVE_EQUAL_H
#include "guardrail/rulefile.h"
#include "model.h"
#include "mutate.h"

/* Why no input can tell the changed rule from the emitted one; NULL: it is not known to be the same.
 * A matcher that was left out is proved superfluous from the tree: what it shut out finds no partner in a join, or `expect` lists nothing of the kind;
 * a slot may be divided by its phase's series, which is 1. */
const char *prove_equal(const struct model *m, const struct gr_rule *rule,
                        const struct mutate_change *change);
#endif
