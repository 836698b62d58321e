/* enact.h - from alerts to rows: one transaction that holds the raw request, what was decided (decide.h),
 * the effects that follow, and
 * the changes of the release. Either all of it is durable and Alertmanager hears 200, or nothing of it is
 * there. */
#ifndef GUARDRAIL_WEBHOOK_ENACT_H
#define GUARDRAIL_WEBHOOK_ENACT_H
#include "app.h"
#include "intake.h"
#include "release.h"

#define ENACT_KEEP_MS INT64_C(7776000000)    /* raw requests are kept for 90 days, if nothing else is set */
#define ENACT_BEAT_KEEP_MS INT64_C(86400000) /* those of the watchdog for one */

/* One accepted request on its way through the store. */
struct enact_job {
    const struct app *app;
    struct gr_arena *arena; /* borrowed; takes what deciding allocates */
    struct gr_str body;     /* raw evidence */
    const char *source;     /* "alerts", "watchdog" */
    const struct intake_batch *batch;
    int64_t now_ms;
    /* Filled in by the job; to be believed only if it was committed. */
    int64_t inbox_id;
    size_t effects_new, effects_known, ignored;
    size_t noted; /* decisions that changed something and so are in the audit log */
};
/* A store_fn. */
GR_MUST_USE enum gr_err enact_batch(struct db *db, void *job);

/* What watchdog_look told, on record: pages once for each outage, whatever is told twice. What the store knows of outages
 * outlives a restart: enact_outage says how many there were, and whether the last one is open. */
GR_MUST_USE enum gr_err enact_watchdog(struct db *db, const struct app *app, struct gr_arena *a,
                                       enum watchdog_news news, int64_t now_ms);
GR_MUST_USE enum gr_err enact_outage(struct db *db, int64_t *number, bool *open);

/* How many release streams had a rollback begun within the breaker's window. */
GR_MUST_USE enum gr_err enact_storm(struct db *db, const struct app *app, int64_t now_ms, uint32_t *streams);

/* Pages that nobody took in time go to the action that the policy names, once each. *count: how many. */
GR_MUST_USE enum gr_err enact_escalations(struct db *db, const struct app *app, struct gr_arena *a,
                                          int64_t now_ms, size_t *count);
/* Ends operators' holds whose time is over, and tells. *count: how many. */
GR_MUST_USE enum gr_err enact_holds(struct db *db, const struct app *app, struct gr_arena *a, int64_t now_ms,
                                    size_t *count);

/* Deletes raw requests of alerts that are older than keep_ms, and those of the watchdog after ENACT_BEAT_KEEP_MS: at most
 * ENACT_PRUNE_ROWS, and as soon as ENACT_PRUNE_BYTES are reached no further, so that no alert waits long for it. Nothing
 * but raw requests is ever deleted. *count: how many; 0: there are no more. On the store's thread. */
#define ENACT_PRUNE_ROWS 100
#define ENACT_PRUNE_BYTES INT64_C(1048576)
GR_MUST_USE enum gr_err enact_prune(struct db *db, int64_t now_ms, int64_t keep_ms, int64_t *count);

/* A page that guardraild raises by itself (a rollback that failed, an ambiguous step, no watchdog): one
 * effect per pager of the policy.
 * key: what makes it happen once; release may be NULL. */
struct enact_page {
    const char *key, *kind; /* kind: "held", "outcome", "blind" */
    struct gr_str reason, guardrail, level;
    bool ok;
    int64_t now_ms;
};
GR_MUST_USE enum gr_err enact_page(struct db *db, const struct app *app, struct gr_arena *a,
                                   const struct release *r, const struct enact_page *page);
/* The same as a message to every slack action that the policy's guardrails use. */
GR_MUST_USE enum gr_err enact_notice(struct db *db, const struct app *app, struct gr_arena *a,
                                     const struct release *r, const struct enact_page *page);
#endif
