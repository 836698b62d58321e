/* release.h - the state machine of releases over the store, and its rows.
 *
 *     (start) → running: phase … phase → sealed (the final phase was entered)
 *     running → halted                 a guardrail asked for it, or a rollback failed; no promotion any more
 *     running, halted → rolling_back → rolled_back, or halted when a step failed or is unknown
 *     running, halted → aborted
 *
 * A phase whose policy has on_enter counts as entered when its steps are done: until then the release stands in the phase before,
 * with `entering` set, and enter.c carries the steps out. Whatever else changes the state meanwhile wins, and they end. The first phase
 * has none before it: it is entered at once, and its clock starts anew when they are done.
 *
 * All functions run on the store's thread, inside a job's transaction (store.h); they read no clock. What is
 * not possible in the
 * present state is GR_ESTATE with a sentence in `why`, and nothing is changed. Each transition adds an audit
 * row and a decision
 * that recorder.h will write down. */
#ifndef GUARDRAIL_WEBHOOK_RELEASE_H
#define GUARDRAIL_WEBHOOK_RELEASE_H
#include "audit.h"
#include "db.h"
#include "decide.h"
#include "guardrail/hash.h"
#include "policies.h"

#define RELEASE_ID_BYTES 129
#define RELEASE_STREAM_BYTES 1024
#define RELEASE_WHO_BYTES 201
#define RELEASE_WHY_BYTES 1001
#define RELEASE_SHARES_BYTES 4096
#define RELEASE_LASTS_MS_MAX INT64_C(604800000)

struct release {
    int64_t id;
    char deployment_id[RELEASE_ID_BYTES];
    char stream[RELEASE_STREAM_BYTES]; /* labels_print_key of the release labels */
    enum release_state state;
    char phase[RELEASE_ID_BYTES];
    int64_t phase_n, phase_ms; /* how many phases were entered; when this one was */
    int64_t started_ms, ended_ms;
    int64_t armed_epoch, armed_ms;
    bool had_traffic;      /* a phase with traffic was entered, or its split begun */
    bool held;             /* an operator holds the automation */
    int64_t hold_until_ms; /* 0: until resumed (older stores) */
    char hold_by[RELEASE_WHO_BYTES], hold_reason[RELEASE_WHY_BYTES];
    char promotion_hold[RELEASE_WHY_BYTES]; /* empty: none */
    char halt_reason[RELEASE_WHY_BYTES];
    /* The gate's reasons count for nothing until then, while the release stands in phase override_n; 0: they count. */
    char override_by[RELEASE_WHO_BYTES], override_reason[RELEASE_WHY_BYTES];
    int64_t override_until_ms, override_n;
    int64_t confirm_by_ms; /* a rollback or abort waits for a person until then (confirm.h); 0: none */
    bool spent;        /* a rollback was asked for since it was last armed: no further one begins by itself */
    int64_t extend_ms; /* the last sign of a soft breach in this phase; 0: none */
    char entering[RELEASE_ID_BYTES]; /* its split is being applied; empty: none */
    /* What deviates from the schedule while the release stands in phase dev_n (release_deviates). */
    int64_t dev_n, dev_min_ms;
    char dev_share[RELEASE_SHARES_BYTES], dev_next[RELEASE_ID_BYTES], dev_by[RELEASE_WHO_BYTES];
    char policy_sha256[GR_SHA256_HEX + 1];
    int64_t version; /* grows with every change of the row */
    /* Filled in from the pinned policy; NULL when that is not loaded (ended releases only). */
    const struct policy *policy;
    const struct policy_phase *phase_row;
    const struct label_set *stream_row;
};

/* Who did it and why; texts are cut by nobody: the caller refuses longer ones than the fields above. */
struct release_act {
    struct gr_str by, reason;
    struct gr_str commander; /* who allows what is off the schedule; may be empty */
    int64_t now_ms;
    bool drive; /* on_enter is carried out (modes that act); else only written down */
};
/* What a pending promotion will be written down with (the effect's payload). */
struct release_enter {
    bool override;
    struct gr_str by, note, commander;
};
bool release_state_active(enum release_state s); /* running, halted or rolling back */
GR_MUST_USE enum gr_err release_state_parse(struct gr_str s, enum release_state *out);

/* GR_ENOENT: none. */
GR_MUST_USE enum gr_err release_find(struct db *db, const struct policies *p, struct gr_str deployment_id,
                                     struct release *out);
GR_MUST_USE enum gr_err release_get(struct db *db, const struct policies *p, int64_t id, struct release *out);
/* Newest first; calls each for at most limit rows. scope: only the active ones and, per stream, the last
 * ended one. */
typedef enum gr_err release_each_fn(struct db *db, const struct release *r, void *arg);
GR_MUST_USE enum gr_err release_each(struct db *db, const struct policies *p, bool scope, size_t limit,
                                     release_each_fn *fn, void *arg);
/* What decide.h looks at. */
struct release_view release_view_of(const struct release *r);

/* Starts a release in the first phase of the policy in force. why: of GR_ESTATE (stream unknown or taken, id
 * used). */
GR_MUST_USE enum gr_err release_start(struct db *db, const struct policies *p, struct label_set stream,
                                      struct gr_str deployment_id, const struct release_act *act,
                                      struct release *out, struct gr_buf *why);
/* Enters the next phase; the gate was asked before. version: of the row the gate judged; another one is
 * GR_ESTATE. */
GR_MUST_USE enum gr_err release_advance(struct db *db, struct release *r, int64_t version, bool override,
                                        const struct release_act *act, struct gr_buf *why);
/* The phase that follows; of a release that runs and has a policy. */
const struct policy_phase *release_next(const struct release *r);
/* Whether a promotion now would be off the schedule: before the minimum, extensions included, or after the maximum. */
bool release_off_schedule(const struct release *r, int64_t now_ms);
/* The steps of on_enter are done: the phase is entered. GR_ESTATE: it is not to be entered any more. */
GR_MUST_USE enum gr_err release_entered(struct db *db, struct release *r, const char *phase,
                                        const struct release_enter *e, const struct release_act *act);
/* They are not, and will not be: the release stays where it is and promotion is held. failed: by themselves; else something else has
 * ended them. */
GR_MUST_USE enum gr_err release_not_entered(struct db *db, struct release *r, bool failed,
                                            const struct release_act *act);
/* Off the schedule, by the word of an incident commander (act->commander, never empty): texts and numbers that are 0 stay as they are. */
struct release_deviation {
    int64_t
        lasts_ms; /* the phase's minimum, shorter or longer; at most its maximum, after which the rules call all overdue */
    struct gr_str to;    /* the phase that follows, some are skipped */
    struct gr_str share; /* JSON, flow to ratio: what the canary gets in this phase; its clock starts anew */
};
GR_MUST_USE enum gr_err release_deviate(struct db *db, struct release *r, const struct release_deviation *d,
                                        const struct release_act *act, struct gr_buf *why);
/* Whether it does, in this phase. */
bool release_deviates(const struct release *r);
/* The share of phase p, deviation included. */
double release_share(const struct release *r, const struct policy_phase *p, const struct policy_share *share);
/* "agency=0.005,making=0.01", or "0.01" without flows. */
void release_print_shares(struct gr_buf *b, const struct release *r, const struct policy_phase *p);
GR_MUST_USE enum gr_err release_abort(struct db *db, struct release *r, const struct release_act *act,
                                      struct gr_buf *why);
/* until_ms: when it ends by itself, at most RELEASE_HOLD_MS_MAX from now: a hold that is forgotten leaves a release unprotected. */
#define RELEASE_HOLD_MS_MAX INT64_C(14400000)
GR_MUST_USE enum gr_err release_hold(struct db *db, struct release *r, int64_t until_ms,
                                     const struct release_act *act, struct gr_buf *why);
/* The hold of one release whose time is over has ended; *out is that release. GR_ENOENT: there is none. */
GR_MUST_USE enum gr_err release_hold_end(struct db *db, const struct policies *p, int64_t now_ms,
                                         struct release *out);
/* Ends a rollback before its end: at once if it waits, else before its next step, or with force in the middle of one (*asked: the
 * executor will do it, and call release_cancelled). The release is halted then, and not armed. */
GR_MUST_USE enum gr_err release_cancel(struct db *db, struct release *r, bool force, bool *asked,
                                       const struct release_act *act, struct gr_buf *why);
GR_MUST_USE enum gr_err release_cancelled(struct db *db, struct release *r, const struct release_act *act);
/* Ends an operator's hold and a promotion hold; a rollback that waited for that goes on. A halted release
 * runs again. It is not armed anew. */
GR_MUST_USE enum gr_err release_resume(struct db *db, struct release *r, const struct release_act *act,
                                       struct gr_buf *why);
/* Arms a running or halted release anew: the next hard breach rolls it back though an earlier rollback was tried. */
GR_MUST_USE enum gr_err release_rearm(struct db *db, struct release *r, const struct release_act *act,
                                      struct gr_buf *why);
/* Opens the gate of the present phase until then, whatever is known against it; not a hold. At most RELEASE_OVERRIDE_MS_MAX. */
#define RELEASE_OVERRIDE_MS_MAX INT64_C(14400000)
GR_MUST_USE enum gr_err release_override(struct db *db, struct release *r, int64_t until_ms,
                                         const struct release_act *act, struct gr_buf *why);
bool release_overridden(const struct release *r, int64_t now_ms);
/* Somebody has reviewed the breaches that are over, and takes the pages. guardrail: empty, or those of this one alone.
 * GR_ESTATE: there is nothing to acknowledge. */
struct release_acked {
    int64_t reviews, pages;
};
GR_MUST_USE enum gr_err release_ack(struct db *db, const struct release *r, struct gr_str guardrail,
                                    const struct release_act *act, struct release_acked *out,
                                    struct gr_buf *why);

/* The breach behind a change made by guardraild itself; texts may be empty. */
struct release_breach {
    struct gr_str guardrail, level, side;
    struct label_set slice;
};
GR_MUST_USE enum gr_err release_rolling_back(struct db *db, struct release *r, const struct release_act *act,
                                             const struct release_breach *breach);
/* complete: every step is done → rolled_back. Otherwise → halted, promotion impossible until a person
 * resumes or aborts. */
GR_MUST_USE enum gr_err release_rolled_back(struct db *db, struct release *r, bool complete,
                                            int64_t effect_id, const struct release_act *act,
                                            const struct release_breach *breach);
/* A person said no to a rollback or abort: nothing changes, and it is on record. */
GR_MUST_USE enum gr_err release_denied(struct db *db, struct release *r, const struct release_act *act,
                                       const struct release_breach *breach);
/* A rollback that was not begun and will not be, for Prometheus does not confirm the breach: runs on,
 * promotion held. */
GR_MUST_USE enum gr_err release_unconfirmed(struct db *db, struct release *r, const struct release_act *act,
                                            const struct release_breach *breach);
GR_MUST_USE enum gr_err release_halt(struct db *db, struct release *r, const struct release_act *act,
                                     const struct release_breach *breach);
/* No promotion until resumed. */
GR_MUST_USE enum gr_err release_promotion_hold(struct db *db, struct release *r,
                                               const struct release_act *act);
/* A soft breach was seen (or ended) at now_ms: the phase runs on. */
GR_MUST_USE enum gr_err release_extend(struct db *db, struct release *r, int64_t now_ms);

/* When the minimum duration, extensions included, is over. */
int64_t release_ripe_ms(const struct release *r);
/* When its maximum is. */
int64_t release_late_ms(const struct release *r);
#endif
