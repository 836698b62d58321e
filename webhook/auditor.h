/* auditor.h - writes the audit log (audit.h) out as files, a moment after the commit:
 *
 *     reports_dir/audit/000001.jsonl         0444 once it has its end, 0640 before
 *     reports_dir/audit/policy-<sha256>.json every policy that a decision in a file needs: the log can be replayed from here alone
 *     reports_dir/audit/head.json            {"file":1,"hash":"…","seq":7}: where the last file ends so far
 *
 * The store is the truth: a file is always written whole from it (temporary file, fsync, rename), so a crash in between is mended by
 * writing again, and a damaged last file is put right at the next start. One thread of its own. */
#ifndef GUARDRAIL_WEBHOOK_AUDITOR_H
#define GUARDRAIL_WEBHOOK_AUDITOR_H
#include "audit.h"
#include "store.h"

#define AUDITOR_FOLDER "audit"
#define AUDITOR_HEAD "head.json"

struct auditor;
struct auditor_options {
    struct store *store;     /* borrowed, as all here */
    const char *reports_dir; /* the folder audit is made in it */
    struct log *log;
};
GR_MUST_USE enum gr_err auditor_start(const struct auditor_options *o, struct auditor **out);
/* There is something to write. Any thread. */
void auditor_wake(struct auditor *a);
/* Writes what is left, then ends. Accepts NULL. */
void auditor_stop(struct auditor *a);
struct auditor_state {
    int64_t written_seq; /* the newest record that stands in a file */
    uint64_t failures;   /* tries that did not succeed */
};
void auditor_state(struct auditor *a, struct auditor_state *out);
#endif
