/* prove_rules.h - rule files for tests: the rules of one guardrail alone.
 *
 * promtool evaluates every loaded rule for every case, so cases of a guardrail load that guardrail's rules: those with its label, and
 * the ones that all guardrails share as they stand (they select by label; with one guardrail's slots they cost little). Annotations are left
 * out: each would be expanded, with its queries, for each alert that fires. The group that watches is tested alone. */
#ifndef GUARDRAIL_COMPILER_PROVE_RULES_H
#define GUARDRAIL_COMPILER_PROVE_RULES_H
#include "guardrail/node.h"
#include "guardrail/rulefile.h"
#include "prove.h"

/* The group whose name ends with "-watch"; NULL: there is none. */
const struct gr_rule_group *prove_watch_group(const struct gr_rulefile *file);
/* Appends a rule file. guardrail: empty for the group that watches. shares: with the rules that record the canary's share of the traffic,
 * which most samples do not keep to. exprs: of each rule of the group, instead of its own; a rule without text is left out; NULL: all are as they
 * are. a: for what is needed meanwhile. */
GR_MUST_USE enum gr_err prove_put_rules(struct gr_buf *b, struct gr_arena *a, const struct gr_rulefile *file,
                                        struct gr_str guardrail, bool shares, const struct gr_str *exprs);
bool prove_is_share(const struct gr_rule *r);
/* Rules as `guardrailc compile` has written them; what is no rule is passed over. GR_ESYNTAX: there is none. */
GR_MUST_USE enum gr_err prove_read_rules(struct gr_arena *a, const struct gr_node *root,
                                         struct gr_rulefile **out);
#endif
