/* release_row.h - what the two files of release.h share: a release's row, its phases' rows, and what is written down of a change. On the
 * store's thread, in the transaction of the change. */
#ifndef GUARDRAIL_WEBHOOK_RELEASE_ROW_H
#define GUARDRAIL_WEBHOOK_RELEASE_ROW_H
#include "release.h"

#define RELEASE_NEEDS_COMMANDER                                                                              \
    "this is off the schedule (before the phase's minimum, or after its maximum): name the incident "        \
    "commander "                                                                                             \
    "who allows it (--commander)"

/* GR_ESTATE, with the sentence in why. */
enum gr_err release_refuse(struct gr_buf *why, const char *text, const char *detail);
/* Cut where it does not fit, and not inside a character. */
void release_copy(char *out, size_t size, struct gr_str s);
/* Writes the row's changing part back, as the next version. A release that does not run has no split under way any more. */
GR_MUST_USE enum gr_err release_save(struct db *db, struct release *r);
GR_MUST_USE enum gr_err release_log(struct db *db, const struct release *r, const char *event,
                                    const struct release_act *act);
GR_MUST_USE enum gr_err release_note(struct db *db, const struct release *r, const char *decision,
                                     const char *outcome, const struct release_act *act,
                                     const struct release_breach *breach, int64_t effect_id);

GR_MUST_USE enum gr_err release_phase_leave(struct db *db, const struct release *r, int64_t now_ms);
/* Fills the phase into r and adds its history row; the caller saves r. */
GR_MUST_USE enum gr_err release_phase_enter(struct db *db, struct release *r,
                                            const struct policy_phase *phase, bool override,
                                            const struct release_act *act);
/* Adds the effect that enter.c carries out, or in modes that do not act only writes it down; the caller saves r. */
GR_MUST_USE enum gr_err release_split_begin(struct db *db, struct release *r,
                                            const struct policy_phase *phase, bool override,
                                            const struct release_act *act);
/* The same for the phase that the release stands in, if its last split failed or was given up. */
GR_MUST_USE enum gr_err release_split_again(struct db *db, struct release *r, const struct release_act *act);
#endif
