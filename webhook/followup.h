/* followup.h - what follows a message: that somebody took it, that it is over, or that its target would not have it.
 *
 * A page that was delivered and acknowledged here is acknowledged at its target, too. It is resolved there when its release has ended (rolled back, aborted, general)
 * and the alerts of its guardrail are over or silent for FOLLOWUP_QUIET_MS; never because an alert resolved alone: after a drain the canary has no
 * traffic, and its alerts resolve by themselves. What told of an outage of the watchdog is over with the outage. All of it follows from what the
 * store holds, so nothing is forgotten in a crash. What a target refused for good is told to somebody else. */
#ifndef GUARDRAIL_WEBHOOK_FOLLOWUP_H
#define GUARDRAIL_WEBHOOK_FOLLOWUP_H
#include "app.h"
#include "outbox.h"

#define FOLLOWUP_ACKED "acknowledge" /* kinds of effects */
#define FOLLOWUP_OVER "resolve"
#define FOLLOWUP_QUIET_MS INT64_C(1200000) /* longer than Alertmanager waits before it repeats anything */

/* The key of the message that an effect follows; any other effect's own key. */
struct gr_str followup_of(const struct outbox_effect *e);
/* Of one that tells an acknowledgement: who. Else empty. */
struct gr_str followup_by(const struct outbox_effect *e);
/* A message was delivered. */
GR_MUST_USE enum gr_err followup_told(struct db *db, const struct policy_action *action,
                                      const struct outbox_effect *e);
/* A message was refused for good: it goes to the action's escalate_to, or, of a page, to another pager. */
GR_MUST_USE enum gr_err followup_dead(struct db *db, const struct app *app, struct gr_arena *a,
                                      const struct outbox_effect *e, struct gr_str error, int64_t now_ms);
/* Adds the messages that follow from acknowledgements and ended releases. *count: how many. */
GR_MUST_USE enum gr_err followup_add(struct db *db, const struct app *app, struct gr_arena *a, int64_t now_ms,
                                     size_t *count);
#endif
