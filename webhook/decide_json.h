/* decide_json.h - one decision as JSON for the audit log: all that decide() was given, and what it answered; and back again.
 *
 *     {"in":{"alert":{…},"episode":{…},"mode":"auto","now_ms":…,"policy":"<sha256>","release":{…},"storm_max":3,
 *            "storm_open":false,"storm_streams":0,"stream_cooling":false,"truncated":0},
 *      "out":{"effects":[{"action","how","key","kind","reason","recheck"}, …],"episode":{…},"outcome":"act",
 *             "reason":"policy","stale":false,"text":"…"}}
 *
 * Members stand in the order of their names, and the same values give the same bytes: a replayed decision is the recorded one exactly
 * when the two texts are equal. */
#ifndef GUARDRAIL_WEBHOOK_DECIDE_JSON_H
#define GUARDRAIL_WEBHOOK_DECIDE_JSON_H
#include "decide.h"
#include "guardrail/hash.h"
#include "guardrail/node.h"

void decide_json_print(struct gr_buf *b, const struct decide_input *in, const char *policy_sha256,
                       const struct decision *out);
/* The hash of the policy that a recorded decision needs; "" if there is none. */
struct gr_str decide_json_policy(const struct gr_node *decision);
/* What decide() was given; texts are borrowed from the tree, sets live in the arena. GR_EUSER: *why (static text) says what is wrong:
 * no such state, a phase that the policy does not know, labels that are not sorted. */
GR_MUST_USE enum gr_err decide_json_read(struct gr_arena *a, const struct gr_node *decision,
                                         const struct policy *policy, struct decide_input *out,
                                         const char **why);
#endif
