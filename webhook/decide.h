/* decide.h - what one alert means for one release: a pure function, no I/O, no clock, no memory but the arena given.
 *
 * Rules, the first that fits:
 *   resolved                                nothing; closes the episode, for information only
 *   another spec than the policy's          held: page (and hold the release if there is one)
 *   unknown deployment                      held: page
 *   sealed                                  held: page; but messages only for a guardrail of the final phase, in that phase
 *   rolling back, rolled back, aborted      nothing new
 *   labels of another stream, an unknown    held: hold and page
 *     guardrail, an unknown level
 *   soft or no_data from another phase      messages only; no hold, no extension of the phase that runs now
 *   otherwise                               the policy's actions for the guardrail and level, but a rollback or abort is withheld
 *                                           (hold and page instead) while an operator holds the release; a rollback also by
 *                                           an open storm breaker or a cooling stream; an abort also once there was traffic; both
 *                                           while control breaches, too, where the policy says `common_cause: hold`
 * A hard alert of a known, unsealed deployment acts whatever phase or spec hash it carries (Prometheus and guardraild reload at
 * different moments). Held never runs a command.
 *
 * Two different holds: EFFECT_HOLD stops promotion and nothing else, so a later hard breach still rolls back;
 * release_view.held is an operator's hand on the automation, which withholds the rollback.
 *
 * Staleness is not seen from startsAt (it is merged, moved and stays old while an alert fires). An alert that started before the
 * release was last armed, that repeats an episode already resolved, or that waited long in the inbox is acted on with
 * effect.recheck set: the executor asks Prometheus for the verdict first, and holds and pages if it is not hard.
 *
 * A clock that moved is staleness, too, for then nobody knows how old the alert is: it was received after now, before the release was
 * armed, or before the end of an episode already closed. In the last case a firing alert begins a new episode: a page too many is
 * better than a breach that nobody hears of. For the same reason an episode never ends after the notice of its end was received,
 * whatever endsAt says.
 *
 * A notification that Alertmanager cut short (`truncatedAlerts`, which the emitted configuration excludes) may lack a breach. Besides
 * what its alerts lead to, resolved ones included, the release's promotion is held and a person paged, once per arming; not for a
 * release that is being rolled back or has ended. */
#ifndef GUARDRAIL_WEBHOOK_DECIDE_H
#define GUARDRAIL_WEBHOOK_DECIDE_H
#include "policy.h"

#define DECIDE_EFFECTS_MAX 64u                  /* the policy's uses, all pagers twice, two holds */
#define DECIDE_INBOX_AGE_MS_MAX INT64_C(600000) /* an alert may wait 10 min in the inbox without a recheck */

enum release_state {
    RELEASE_NONE, /* no such deployment is registered */
    RELEASE_RUNNING,
    RELEASE_HALTED, /* no promotion until started again; canary traffic may still flow */
    RELEASE_ROLLING_BACK,
    RELEASE_ROLLED_BACK,
    RELEASE_ABORTED,
    RELEASE_SEALED, /* general availability */
    RELEASE_STATES
};
const char *release_state_name(enum release_state state); /* "running" … */

enum daemon_mode { MODE_OBSERVE, MODE_DRY_RUN, MODE_CONFIRM, MODE_AUTO, DAEMON_MODES };
const char *daemon_mode_name(enum daemon_mode mode); /* "observe", "dry-run", "confirm", "auto" */

/* A snapshot of the release that the alert's deployment_id names; all borrowed. */
struct release_view {
    enum release_state state;
    struct label_set stream;          /* exactly the policy's release labels */
    const struct policy_phase *phase; /* of the pinned policy; NULL only with RELEASE_NONE */
    uint32_t armed_epoch;             /* grows only by an operator's rearm */
    int64_t armed_ms;                 /* when: release start or the last rearm; Unix ms */
    bool held;                        /* an operator holds the automation (not: a promotion hold) */
    bool had_traffic;                 /* a phase that is no shadow was entered, or its split begun */
};
/* One alert as received. labels: all of them, sorted; the named ones below are looked up in it. */
struct decide_alert {
    bool firing;
    struct label_set labels;
    struct gr_str spec_hash;                       /* annotation; may be empty */
    struct gr_str common_cause;                    /* annotation; GR_COMMON_CAUSE_CONTROL or anything else */
    int64_t starts_at_ms, ends_at_ms, received_ms; /* Unix ms; ends_at 0 while firing */
};
/* The newest episode of the alert's subject (decide_subject), all zero if there was none. The store keeps it. */
struct decide_episode {
    uint32_t number; /* from 1 */
    bool open;
    int64_t ended_ms; /* ends_at of the resolve that closed it */
};
struct decide_input {
    const struct policy *policy; /* the pinned one of the release; the current one with RELEASE_NONE */
    struct release_view release;
    struct decide_alert alert;
    struct decide_episode episode;
    int64_t truncated; /* alerts that Alertmanager cut off the notification */
    enum daemon_mode mode;
    uint32_t storm_streams; /* other streams rolled back within the breaker's window (10 min) */
    uint32_t storm_max;     /* this many open the breaker (3); 0: no breaker */
    bool storm_open;        /* it is open already */
    bool stream_cooling;    /* this stream was rolled back within its cool-down */
    int64_t now_ms;
};

enum effect_kind {
    EFFECT_HOLD,     /* no promotion until someone looked */
    EFFECT_EXTEND,   /* the phase runs on by its minimum duration after the breach ended */
    EFFECT_HALT,     /* no promotion until started again */
    EFFECT_ABORT,    /* ends the release before traffic */
    EFFECT_ROLLBACK, /* runs action->steps */
    EFFECT_PAGE,     /* pagerduty, and opsgenie and jsm at level hard */
    EFFECT_NOTIFY,   /* slack, http */
    EFFECT_TICKET,   /* jira, opsgenie and jsm below hard */
    EFFECT_KINDS
};
const char *effect_kind_name(enum effect_kind kind); /* "hold" … "ticket" */
/* The daemon's mode applied to one effect. */
enum effect_how {
    HOW_DO,      /* carry it out */
    HOW_CONFIRM, /* mode confirm, rollback and abort: when a human confirms or the wait ends */
    HOW_RECORD   /* modes observe and dry-run: write down that it would have been done; no program, no call */
};
struct effect {
    enum effect_kind kind;
    enum effect_how how;
    const struct policy_action *action; /* NULL for hold, extend, halt, abort */
    struct gr_str key;                  /* unique: an effect with a key already stored is not new */
    struct gr_str reason; /* one sentence for people; holds foreign text, quote it for where it goes */
    bool recheck;         /* see above; rollback and abort only */
};

enum decide_outcome { DECIDED_NOTHING, DECIDED_ACT, DECIDED_HELD };
enum decide_reason {
    REASON_POLICY, /* the policy's actions as they stand */
    REASON_RESOLVED,
    REASON_OTHER_SPEC,
    REASON_UNKNOWN_DEPLOYMENT,
    REASON_SEALED,
    REASON_ENDED, /* rolling back, rolled back or aborted already */
    REASON_OTHER_STREAM,
    REASON_UNKNOWN_GUARDRAIL,
    REASON_UNKNOWN_LEVEL,
    REASON_OTHER_PHASE,
    REASON_NO_ACTION, /* the policy lists none for the level */
    REASON_OPERATOR_HOLD,
    REASON_STORM,
    REASON_COOLING,
    REASON_HAD_TRAFFIC,  /* abort asked for after traffic */
    REASON_COMMON_CAUSE, /* control breaches the same limit */
    REASON_FINAL,        /* a guardrail of the final phase, of a sealed release */
    DECIDE_REASONS
};
const char *
decide_reason_name(enum decide_reason reason); /* "unknown-deployment" …, for logs, metrics and the audit */
struct decision {
    enum decide_outcome outcome;
    enum decide_reason reason;
    struct gr_str text; /* one sentence: what was decided and why; foreign text inside */
    struct effect effects[DECIDE_EFFECTS_MAX];
    size_t effect_count;
    struct decide_episode episode; /* to be stored for the subject; equal to the input when nothing changed */
    bool stale;                    /* see recheck */
    const struct policy_guardrail *guardrail; /* NULL if unknown */
    enum policy_level level; /* valid when guardrail is set and reason is not REASON_UNKNOWN_LEVEL */
    struct label_set slice;  /* the guardrail's slice labels that the alert carries */
};
/* Appends the key that episodes are counted by: spec, stream, deployment, guardrail, level and slice; not the side, for a backstop and a
 * relative limit that break together are one breach. */
void decide_subject(const struct policy *policy, struct label_set alert_labels, struct gr_buf *out);
/* Fills *out, texts in the arena. GR_ENOMEM only. */
GR_MUST_USE enum gr_err decide(const struct decide_input *in, struct gr_arena *a, struct decision *out);

/* Just before a stored rollback starts (and between its steps): may it still run? True with *why empty, or false with *why saying
 * what changed (static text): sealed, ended otherwise, held by an operator, another epoch. */
bool decide_still_valid(const struct release_view *release, uint32_t epoch, struct gr_str *why);
#endif
