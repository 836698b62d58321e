/* prove_same.h - more reasons why a changed rule is the same: of joins, of denominators, and of what the rules record.
 *
 *   - of two branches of `or`, one for the values of a label that a matcher takes and one for the others, the first may take all where it keeps fewer of
 *     them with the same value, and the second where the first has them already;
 *   - of a guardrail there is one part that counts all (a total, or the bucket +Inf), so that a sum without the label is that of one series;
 *   - of two series, joined by `or` without the label, there is one, so a sum without it is that one's;
 *   - where there is an effect, a guardrail has as many limits as it states, with or without its backstop's;
 *   - edges that tie in guardrail:test:edge show one value;
 *   - a denominator may be 0 where neither NaN nor infinity goes on;
 *   - a join inside an aggregation without a label need not look for partners that differ in it alone, where its value is not seen. */
#ifndef GUARDRAIL_COMPILER_PROVE_SAME_H
#define GUARDRAIL_COMPILER_PROVE_SAME_H
#include "guardrail/rulefile.h"
#include "model.h"
#include "mutate.h"

/* As prove_equal(), which asks here too. unseen: whether the value of the aggregation around a join is seen nowhere. */
const char *prove_same(const struct model *m, const struct mutate_change *c);
/* Whether a dropped matcher shuts out nothing that the rules record: each rule that records what the selector reads gives its series the label so, or reads
 * only such series itself. Series that other specifications record are another matter: never of `spec`, and only beside such a matcher. Whoever
 * has written such a series by hand is not asked, so this is for changes that no test has noticed. NULL: it is not known. */
const char *prove_recorded(const struct gr_rulefile *rules, const struct gr_rule *rule,
                           const struct mutate_change *c);
/* Of a rule of slots that keeps what has a partner among slots which another rule has just recorded, `… and guardrail:slot:sum{part="total"}`, perhaps with
 * more behind `or`: whether those shut out what a dropped matcher lets in, or the left side what is let in among them. NULL: it is not known. */
const char *prove_beside(const struct gr_rulefile *rules, const struct gr_rule *rule,
                         const struct mutate_change *c);
/* Whether the value of `part` within e is seen nowhere, only whether it is there (prove_equal.c). */
bool prove_unseen(const struct gr_promql *e, const struct gr_promql *part);
#endif
