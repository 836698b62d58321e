/* replay.h - makes the decisions of an audit log again, from the log and the policies beside it alone, and lists what comes out
 * differently. That nobody changed the log is another question (audit.h); this one finds a decision that does not follow from what
 * stands there: another program, a changed policy, a forged effect. */
#ifndef GUARDRAIL_WEBHOOK_REPLAY_H
#define GUARDRAIL_WEBHOOK_REPLAY_H
#include "guardrail/buf.h"
#include "guardrail/hash.h"
#include "policy.h"

#define REPLAY_POLICIES_MAX 256u

struct replay {
    const char *folder;                    /* borrowed: where policy-<sha256>.json lie */
    int64_t records, decisions, different; /* different: also those that could not be made again */
    struct {
        char sha256[GR_SHA256_HEX + 1];
        struct policy *policy; /* owned; NULL: cannot be used, which was said once */
    } policies[REPLAY_POLICIES_MAX];
    size_t policy_count;
};
/* Begin with {.folder = …}. The lines of one file; appends a line to `report` for each difference, begun with name. GR_ENOMEM, GR_EIO. */
GR_MUST_USE enum gr_err replay_text(struct replay *r, const char *name, struct gr_str text,
                                    struct gr_buf *report);
void replay_fini(struct replay *r);
#endif
