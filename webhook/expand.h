/* expand.h - {placeholder} substitution in arguments and queries; the only way a value from outside gets there.
 *
 * A placeholder is '{', a name [A-Za-z_][A-Za-z0-9_]*, '}': whole or part of an argument, never in the program. Any other brace is
 * literal. A value must match GR_POLICY_VALUE_PATTERN (PCRE2, no JIT, match limits), so it can neither start with '-' or '/', nor
 * hold blanks, quotes, braces, "$", ";" or line ends; else the whole expansion is refused and nothing is run. */
#ifndef GUARDRAIL_WEBHOOK_EXPAND_H
#define GUARDRAIL_WEBHOOK_EXPAND_H
#include "policy.h"

#define EXPAND_ARG_BYTES_MAX 16384u /* one argument or query, expanded */

#define EXPAND_TRAFFIC_SHARE "traffic_share"
struct expand_values {
    struct gr_str deployment_id, spec, phase, guardrail;
    struct gr_str
        traffic_share; /* from the policy: flows and numbers, "agency=0.005,making=0.01"; not matched against the pattern */
    struct label_set stream; /* {<release label>} */
};
/* Whether s may stand for a placeholder. False too when the matcher has no memory or reaches a limit: unsafe is the answer. */
bool expand_value_ok(struct gr_str s);
/* The first placeholder's name at or after *at, moving *at behind it; false at the end. For validation. */
bool expand_next(struct gr_str text, size_t *at, struct gr_str *name);
/* argv with its placeholders filled in, in the arena; args[0] is taken literally. GR_ERANGE: a value is missing or does not match
 * (*bad names the placeholder, borrowed from argv); GR_ELIMIT, GR_ENOMEM. bad may be NULL. */
GR_MUST_USE enum gr_err expand_argv(struct gr_arena *a, const struct policy_argv *argv,
                                    const struct expand_values *values, struct policy_argv *out,
                                    struct gr_str *bad);
/* The same for one text, as a query. Values that match the pattern need no quoting inside a PromQL string. */
GR_MUST_USE enum gr_err expand_text(struct gr_arena *a, struct gr_str text,
                                    const struct expand_values *values, struct gr_str *out,
                                    struct gr_str *bad);
#endif
