/* policies.h - the policy in force, and the older ones that releases still running are pinned to.
 *
 * Built once at start-up, before threads; immutable after that, so any thread may read it. Owns the
 * policies. */
#ifndef GUARDRAIL_WEBHOOK_POLICIES_H
#define GUARDRAIL_WEBHOOK_POLICIES_H
#include "guardrail/hash.h"
#include "policy.h"
#include "store.h"

struct policies {
    struct policies_item {
        char sha256[GR_SHA256_HEX + 1]; /* of the file's bytes */
        struct policy *policy;          /* owned */
    } * items;                          /* [0] is the policy in force */
    size_t count;
};
/* Takes `current` over (also on failure), writes it to the store's table, and loads the pinned ones of
 * releases that have not ended.
 * Call before or after store_start, not from the store's thread. GR_EIO: a pinned policy cannot be read any
 * more (reason says). */
GR_MUST_USE enum gr_err policies_load(struct policies *out, struct policy *current, struct store *s,
                                      int64_t now_ms, struct log *log);
void policies_fini(struct policies *p);
const struct policy *policies_current(const struct policies *p);
/* The hash of a policy of these. */
const char *policies_sha256(const struct policies *p, const struct policy *policy);
/* NULL: not loaded, for its releases have ended. */
const struct policy *policies_find(const struct policies *p, const char *sha256);
#endif
