/* prove_neutral.h - further reasons why a changed rule is the same: of numbers, of short ranges, of joins whose sides choose alike.
 *
 *   - 0 may be added as well as taken away;
 *   - `A < B or B`: in a tie both are the same number, so `<=` will do;
 *   - a factor's sign is not seen in an even power;
 *   - of what every evaluation records there is one sample in a range shorter than the time between two: any such range and function shows it;
 *   - each group of `by` is one series where what is grouped has been grouped by these labels, or fewer of them;
 *   - what is let in on the right of `and` or `unless` has no partner, because everything on the left has the matcher that was dropped;
 *   - no other guardrail has a limit on the side that is selected;
 *   - values are the canary's and control's where there is no backstop: what is let in on the left of `unless` beside the canary's is control's, which
 *     the right takes away. */
#ifndef GUARDRAIL_COMPILER_PROVE_NEUTRAL_H
#define GUARDRAIL_COMPILER_PROVE_NEUTRAL_H
#include "model.h"
#include "mutate.h"

/* As prove_equal(), which asks here too. m: NULL where no model is known. */
const char *prove_neutral(const struct model *m, const struct mutate_change *c);
#endif
