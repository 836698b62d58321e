/* prove_watch.h - tests of the rules that watch: of the group SPEC-watch, whose alerts tell that guardraild, a phase, a verdict is not there.
 *
 * The group reads series of guardraild and of the guardrails; here they are given as they stand, one stream for each situation, and the alerts
 * (with what they show) are those that docs/rule-reference.md, "Alerts", names. Waivers' dates are left out: tests begin in 1970. */
#ifndef GUARDRAIL_COMPILER_PROVE_WATCH_H
#define GUARDRAIL_COMPILER_PROVE_WATCH_H
#include "guardrail/buf.h"
#include "model.h"

/* How many situations there are for this specification. */
size_t prove_watch_cases(const struct model *m);
/* A test file of promtool. rules: the name of the rule file beside it. */
void prove_watch_put(struct gr_buf *b, const struct model *m, const char *rules);
#endif
