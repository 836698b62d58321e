/* confirm.h - rollbacks and aborts that wait for a person (mode confirm).
 *
 * An effect that is to be confirmed is a row in state "waiting", due when the wait ends; so it outlives a restart, and only rows decide.
 * A person says yes (it begins) or no (state "denied": its key stays in use, so that Alertmanager's repeats do not ask again; the
 * release is armed anew by a person). When nobody says anything until it is due, a hard breach is rolled back as in mode auto, and
 * anything else is put away. A wait whose release has ended meanwhile is put away, too.
 *
 * All functions run on the store's thread inside a job. */
#ifndef GUARDRAIL_WEBHOOK_CONFIRM_H
#define GUARDRAIL_WEBHOOK_CONFIRM_H
#include "app.h"
#include "release.h"

/* GR_ESTATE with words in why: nothing waits, or the release's state does not allow it. The arena takes what is read. */
GR_MUST_USE enum gr_err confirm_yes(struct db *db, struct gr_arena *a, struct release *r,
                                    const struct release_act *act, struct gr_buf *why);
GR_MUST_USE enum gr_err confirm_no(struct db *db, struct gr_arena *a, struct release *r,
                                   const struct release_act *act, struct gr_buf *why);
/* Ends the waits that are due. *count: how many. */
GR_MUST_USE enum gr_err confirm_expire(struct db *db, const struct app *app, struct gr_arena *a,
                                       int64_t now_ms, size_t *count);
#endif
