/* policies.h - the policy in force, and the older ones that releases still running are pinned to.
 *
 * Built at start-up, before threads. Later policies_reload may add one and make it the one in force: it does so on the store's thread,
 * so a job sees one and the same from its beginning to its end; other threads take policies_current once and keep it. Nothing is taken
 * away before the end, so any thread may read what it has found. Owns the policies. */
#ifndef GUARDRAIL_WEBHOOK_POLICIES_H
#define GUARDRAIL_WEBHOOK_POLICIES_H
#include <stdatomic.h>
#include "guardrail/buf.h"
#include "guardrail/hash.h"
#include "policy.h"
#include "store.h"

struct policies {
    struct policies_item {
        char sha256[GR_SHA256_HEX + 1]; /* of the file's bytes */
        struct policy *policy;          /* owned */
    } * items;
    atomic_size_t count, current; /* items[current] is the policy in force */
};
/* Takes `current` over (also on failure), writes it to the store's table, and loads the pinned ones of
 * releases that have not ended.
 * Call before or after store_start, not from the store's thread. GR_EIO: a pinned policy cannot be read any
 * more (reason says). */
GR_MUST_USE enum gr_err policies_load(struct policies *out, struct policy *current, struct store *s,
                                      int64_t now_ms, struct log *log);
/* Takes `fresh` over (also on failure) and puts it in force for releases that start from now on. Not from the store's thread, and from
 * one thread alone. GR_ESTATE, GR_ELIMIT: refused, why says so; other errors are the store's. *changed: false if it was in force. */
GR_MUST_USE enum gr_err policies_reload(struct policies *p, struct policy *fresh, struct store *s,
                                        int64_t now_ms, bool *changed, struct gr_buf *why);
void policies_fini(struct policies *p);
const struct policy *policies_current(const struct policies *p);
/* The hash of a policy of these. */
const char *policies_sha256(const struct policies *p, const struct policy *policy);
/* NULL: not loaded, for its releases have ended. */
const struct policy *policies_find(const struct policies *p, const char *sha256);
#endif
