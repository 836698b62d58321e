/* outbox.h - the effects that wait, run or are over, and the journal of rollback steps; rows of the store.
 *
 * All functions run on the store's thread inside a job. An effect's key makes it happen once: adding it
 * again changes nothing but
 * the time it was last asked for. Texts that come out live in the arena given. */
#ifndef GUARDRAIL_WEBHOOK_OUTBOX_H
#define GUARDRAIL_WEBHOOK_OUTBOX_H
#include "db.h"
#include "guardrail/arena.h"

#define OUTBOX_TARGET_ROLLBACK "rollback"
#define OUTBOX_TARGET_ENTER "enter" /* a phase's on_enter (enter.h) */
#define OUTBOX_TARGET_NONE "none"   /* nothing to carry out: the change was made with the row */

struct outbox_effect {
    int64_t id;
    struct gr_str key, kind, action,
        target;         /* action: of the policy, may be empty; target: which worker takes it */
    int64_t release_id; /* 0: none */
    struct gr_str deployment_id, stream, guardrail, level, phase, reason;
    int64_t epoch;
    bool recheck;
    struct gr_str state, last_error, payload; /* payload: JSON, what a message says */
    int64_t attempts, created_ms, seen_ms, not_before_ms, inbox_id;
    struct gr_str acked_by;
    int64_t acked_ms, revived_ms; /* 0: never */
    int64_t escalate_ms; /* outbox_add: when it goes to the next person unless somebody takes it; 0: never */
};
/* state, not_before and the texts as given. *added: false if the key was there. */
GR_MUST_USE enum gr_err outbox_add(struct db *db, const struct outbox_effect *e, int64_t now_ms, bool *added);
/* Takes the effect of a target that is due longest: state running, one attempt more. Messages of one action about the same guardrail of a release
 * keep their order: none is taken while an earlier one waits or runs. Of a release's rollbacks one runs at a time, and none while a traffic split
 * of the release is still being ended, for 15 s at most. GR_ENOENT: none is due. */
GR_MUST_USE enum gr_err outbox_claim(struct db *db, struct gr_arena *a, const char *target, int64_t now_ms,
                                     struct outbox_effect *out);
/* Ends an effect: done, failed, dead, held, ambiguous. */
GR_MUST_USE enum gr_err outbox_finish(struct db *db, int64_t id, const char *state, struct gr_str error,
                                      int64_t now_ms);
/* Puts it back to be tried again. */
GR_MUST_USE enum gr_err outbox_retry(struct db *db, int64_t id, int64_t not_before_ms, struct gr_str error);
/* Takes a claim back: nothing was tried. */
GR_MUST_USE enum gr_err outbox_unclaim(struct db *db, int64_t id, int64_t not_before_ms);
/* What waits for an action waits until then, if it was due earlier. */
GR_MUST_USE enum gr_err outbox_postpone(struct db *db, const char *target, struct gr_str action,
                                        int64_t not_before_ms);
/* Whether more than `limit` wait for an action. */
GR_MUST_USE enum gr_err outbox_crowded(struct db *db, const char *target, struct gr_str action, int64_t limit,
                                       bool *crowded);
/* An effect of which nothing was done, and never will be: its key is free again. */
GR_MUST_USE enum gr_err outbox_void(struct db *db, int64_t id, struct gr_str why, int64_t now_ms);
/* The rollback that waits because an operator held the release goes on. */
GR_MUST_USE enum gr_err outbox_unhold(struct db *db, int64_t release_id, int64_t now_ms);
/* What waits for a confirmation: of a release (0: of any) and due by then. GR_ENOENT: nothing. */
GR_MUST_USE enum gr_err outbox_waiting(struct db *db, struct gr_arena *a, int64_t release_id, int64_t due_ms,
                                       struct outbox_effect *out);
/* Ends the rollback of a release that waits (state cancelled), or asks the executor to end the one that runs (*asked). GR_ENOENT: none. */
GR_MUST_USE enum gr_err outbox_cancel(struct db *db, int64_t release_id, bool force, struct gr_str by,
                                      struct gr_str reason, int64_t now_ms, int64_t *id, bool *asked);
/* Whether the executor was asked: 0 no, 1 before the next step, 2 at once. */
GR_MUST_USE enum gr_err outbox_cancel_asked(struct db *db, struct gr_arena *a, int64_t id, int64_t *how,
                                            struct gr_str *by, struct gr_str *reason);
/* The message that goes to the next person, for nobody took it by then; it will not be found again. GR_ENOENT: none. */
GR_MUST_USE enum gr_err outbox_escalating(struct db *db, struct gr_arena *a, int64_t due_ms,
                                          struct outbox_effect *out);
/* Dead letters (id 0: all) of a target go out again, at once. *count: how many there were. */
GR_MUST_USE enum gr_err outbox_revive(struct db *db, int64_t id, const char *target, int64_t now_ms,
                                      int64_t *count);
/* A dead letter that nobody wants any more. */
GR_MUST_USE enum gr_err outbox_drop(struct db *db, int64_t id, int64_t now_ms, int64_t *count);
/* Somebody takes a page. */
GR_MUST_USE enum gr_err outbox_take(struct db *db, int64_t id, struct gr_str by, int64_t now_ms,
                                    int64_t *count);
/* How far what follows a delivered message has come. */
enum outbox_follow { FOLLOW_NOTHING, FOLLOW_TOLD, FOLLOW_ACKED, FOLLOW_OVER };
GR_MUST_USE enum gr_err outbox_follow(struct db *db, int64_t id, enum outbox_follow stage);
/* One effect. GR_ENOENT: none, here and below. */
GR_MUST_USE enum gr_err outbox_get(struct db *db, struct gr_arena *a, int64_t id, struct outbox_effect *out);
/* The newest effect before that one which an alert of this guardrail gave. */
GR_MUST_USE enum gr_err outbox_breach(struct db *db, struct gr_arena *a, int64_t release_id,
                                      struct gr_str guardrail, int64_t before_id, struct outbox_effect *out);
/* A message that was delivered and acknowledged (FOLLOW_TOLD). */
GR_MUST_USE enum gr_err outbox_acked(struct db *db, struct gr_arena *a, struct outbox_effect *out);
/* Who took a page took what was said about it elsewhere, too: the newest notice of each action about the same guardrail of the release, unless
 * it was told at that very moment already. */
GR_MUST_USE enum gr_err outbox_acked_too(struct db *db, const struct outbox_effect *page);
/* It goes to nobody else by itself. */
GR_MUST_USE enum gr_err outbox_unescalate(struct db *db, int64_t id);
/* All that an action said about a guardrail of a release is followed up at once. */
GR_MUST_USE enum gr_err outbox_follow_all(struct db *db, const struct outbox_effect *e,
                                          enum outbox_follow stage);
/* One that was delivered and is over: its release has ended and no alert of its guardrail was seen since quiet_ms; or it told of an outage of
 * the watchdog that has ended. */
GR_MUST_USE enum gr_err outbox_over(struct db *db, struct gr_arena *a, int64_t quiet_ms,
                                    struct outbox_effect *out);
/* Where the first message about a topic stands in Slack. */
struct outbox_thread {
    int64_t effect_id; /* the message */
    struct gr_str channel, ts;
};
GR_MUST_USE enum gr_err outbox_thread(struct db *db, struct gr_arena *a, struct gr_str action,
                                      struct gr_str topic, struct outbox_thread *out);
GR_MUST_USE enum gr_err outbox_thread_begin(struct db *db, struct gr_str action, struct gr_str topic,
                                            const struct outbox_thread *thread);
/* The deployment that an effect belongs to, "" for none. GR_ENOENT: no such effect. */
GR_MUST_USE enum gr_err outbox_deployment(struct db *db, int64_t id, char *out, size_t size);
/* At start-up: what was running when the process ended is put back where it stood. *count: how many. */
GR_MUST_USE enum gr_err outbox_recover(struct db *db, int64_t *count);
/* The rows of a state (or of all, with NULL), newest first. */
typedef enum gr_err outbox_each_fn(const struct outbox_effect *e, void *arg);
GR_MUST_USE enum gr_err outbox_each(struct db *db, struct gr_arena *a, const char *state, size_t limit,
                                    outbox_each_fn *fn, void *arg);

enum step_state { STEP_RUNNING, STEP_DONE, STEP_FAILED, STEP_AMBIGUOUS, STEP_STATES };
const char *step_state_name(enum step_state s); /* "running" … */
struct outbox_step {
    int64_t effect_id, n, attempt; /* n: place in the policy's steps, from 0; attempt from 1 */
    struct gr_str name, command;
    enum step_state state;
    int64_t started_ms, ended_ms;
    struct gr_str detail, tail; /* "exit 3"; end of the output */
    struct gr_str output_sha256;
};
/* Before the program starts. */
GR_MUST_USE enum gr_err outbox_step_begin(struct db *db, const struct outbox_step *s);
/* After it ended. */
GR_MUST_USE enum gr_err outbox_step_end(struct db *db, const struct outbox_step *s);
/* All attempts in order. */
GR_MUST_USE enum gr_err outbox_steps(struct db *db, struct gr_arena *a, int64_t effect_id,
                                     struct outbox_step **out, size_t *count);

struct outbox_counts {
    struct {
        char target[24], state[16];
        int64_t count;
    } rows[64];
    size_t count;
    int64_t oldest_due_ms; /* created; 0: nothing waits */
};
GR_MUST_USE enum gr_err outbox_count(struct db *db, struct outbox_counts *out);
#endif
