/* sender.h - messages to people's systems: one row per kind of target, which encodes, classifies the answer and states the limits.
 *
 * Slack (incoming webhooks and chat.postMessage), PagerDuty Events v2, Jira (Cloud and Data Center), Opsgenie and its successor JSM, and JSON over HTTP. To add a
 * target: one file with its functions, one row in sender.c.
 * Every foreign text is quoted for its target here; secrets come from private files below secrets_dir, at every send (so a
 * rotated one is used at once), and stand in no log, error or record. Sending again what may have arrived: PagerDuty drops it by the dedup
 * key, Opsgenie by the alias, HTTP receivers by the Idempotency-Key; Jira is searched first, Slack's API
 * too where its scopes allow; an incoming webhook may show it twice, so each message carries its reference. Called from the senders' thread. */
#ifndef GUARDRAIL_WEBHOOK_SENDER_H
#define GUARDRAIL_WEBHOOK_SENDER_H
#include "guardrail/http_client.h"
#include "policy.h"

#define SENDER_DEDUP_BYTES_MAX 255u

enum message_kind {
    MESSAGE_BREACH,  /* a guardrail broke; `action` says what guardraild does about it */
    MESSAGE_HELD,    /* something needs a human: withheld, ambiguous, unknown */
    MESSAGE_OUTCOME, /* how a rollback went */
    MESSAGE_BLIND,   /* no watchdog: the guardrails do not see */
    MESSAGE_TEST,    /* drill */
    MESSAGE_ACKED,   /* somebody has taken what an earlier message told; `by` who */
    MESSAGE_CLOSED,  /* what an earlier message told is over */
    MESSAGE_KINDS
};
const char *message_kind_name(enum message_kind kind); /* "breach" … "acknowledged", "over" */
/* What guardraild does about a breach. */
enum message_act { ACT_NONE, ACT_HOLD, ACT_EXTEND, ACT_HALT, ACT_ABORT, ACT_ROLLBACK, MESSAGE_ACTS };
const char *message_act_name(enum message_act act); /* "rollback" …; "" for none */
/* Everything a message may say; empty texts are left out. All borrowed, all foreign until quoted. */
struct message {
    enum message_kind kind;
    enum policy_level level; /* fixes severity: hard critical, soft and no_data warning */
    bool ok;                 /* MESSAGE_OUTCOME: the rollback was complete */
    bool page;               /* somebody is to acknowledge it */
    bool known;              /* there is a release of this deployment */
    bool halted;             /* … and it is halted */
    enum message_act act;
    int64_t confirm_by_ms; /* the act waits for a person until then; 0: it does not */
    struct gr_str spec, deployment_id, phase, guardrail, source;
    struct label_set stream, slice;
    struct gr_str summary, description; /* the alert's annotations: observed value, control, limit, counts */
    struct gr_str limit;                /* the policy's text of the limit: "+40% over control" */
    struct gr_str action;               /* what guardraild did or will do, a sentence */
    struct gr_str reason;               /* why, a sentence (effect.reason, decision.text) */
    struct gr_str now;                  /* how the release stands, a sentence */
    struct gr_str by;                   /* MESSAGE_ACKED: who */
    struct gr_str record_path;          /* the decision record */
    struct gr_str
        audit_head; /* "14:2c26b46b68ffc68f": newest record of the audit log (guardrailctl verify --head) */
    struct gr_str runbook_url,
        dashboard_url; /* shown as links only if https:// or http:// and free of blanks, quotes and <>| */
    struct gr_str
        ack_url; /* a signed link that takes the page, once, until it expires (link.h); a link as above, or empty */
    struct gr_str reference; /* "G-17", the effect's id as people see it */
    struct gr_str key;       /* the effect's own; empty: dedup_key */
    struct gr_str
        dedup_key; /* of the message that is told, acknowledged or over; longer than the target allows: cut and hashed */
    struct gr_str
        incident;     /* what messages about the same breach share, whatever the episode; empty: dedup_key */
    int64_t attempt;  /* from 1; 0 counts as 1. Later ones may follow one that arrived unnoticed */
    int64_t at_ms;    /* Unix ms */
    int64_t first_ms; /* when it was decided to tell, Unix ms; nothing of it is at the target from before */
    /* Slack's API: where the first message of the topic stands (empty: this is the first), and what it says, to be told anew with the present
     * state. */
    struct gr_str thread_channel, thread_ts;
    const struct message *head; /* NULL: this is the first, or the first is not known any more */
    struct gr_str body;         /* http: this JSON, instead of what its row encodes; empty: none */
};

enum sender_answer { SENDER_DONE, SENDER_LATER, SENDER_NEVER };
const char *sender_answer_name(enum sender_answer answer); /* "done", "later", "never" */
struct sender_result {
    enum sender_answer answer;
    long status;              /* HTTP, 0 without an answer */
    int64_t retry_after_ms;   /* LATER: at least this; -1: the caller's back-off */
    bool maybe_sent;          /* LATER: the peer may have got it */
    char channel[64], ts[40]; /* DONE, of a first message in Slack: where it stands; else empty */
    char text[200];           /* why, printable, no secrets */
};
struct sender_call; /* sender_call.h */
struct sender_target {
    enum policy_action_kind kind;
    const char *name;
    bool secret_optional;
    size_t body_bytes_max;
    int64_t interval_ms; /* between two messages to one key, averaged */
    uint32_t burst;
    int64_t age_ms_max; /* older ones go to the dead letters */
    /* NULL: one POST of what `encode` gives, judged by `classify`. */
    void (*send)(struct sender_call *call);
    /* The body (JSON) for a message; secret: the trimmed content of the secret file. */
    void (*encode)(struct gr_buf *b, const struct policy_action *action, const struct message *m,
                   struct gr_str secret);
    /* Which messages about earlier ones this action wants (MESSAGE_ACKED, MESSAGE_CLOSED). NULL: none. */
    bool (*follows)(const struct policy_action *action, enum message_kind kind);
    /* Whether the secret has its form (a URL, a 32-character key). */
    bool (*secret_ok)(const struct policy_action *action, struct gr_str secret, bool allow_http);
    enum sender_answer (*classify)(long status, struct gr_str body);
};
/* The row, or NULL: this kind cannot be sent yet. */
const struct sender_target *sender_target(enum policy_action_kind kind);
const struct sender_target *const *sender_targets(size_t *count);

struct sender_env {
    struct gr_http_client *http; /* of the calling thread */
    const char *secrets_dir;
    bool allow_http;                    /* a Slack URL may be http: tests and demo */
    const char *pagerduty_url;          /* NULL: https://events.pagerduty.com/v2/enqueue */
    const char *slack_url;              /* NULL: https://slack.com/api */
    const struct gr_str *private_hosts; /* whom `http` actions may reach though their addresses are private */
    size_t private_host_count;
    const atomic_bool *stop; /* set: no waiting any more; NULL: none */
    int64_t
        settle_ms; /* how long Jira's index may lag, and before outcomes are asked for again; 0: as documented */
};
/* Sends once. Never fails by itself: what goes wrong is in *result (a missing or open secret file is NEVER; no memory, LATER). */
void sender_send(const struct sender_env *env, const struct policy_action *action, const struct message *m,
                 int64_t deadline_ms, struct sender_result *result);
/* Whether the action's secret file is there, private and well-formed: for --check-config and SIGHUP. GR_OK, GR_ENOENT, GR_EACCES,
 * GR_ESYNTAX (its form), GR_ESTATE (kind not supported yet), GR_EIO, GR_ELIMIT, GR_ENOMEM. */
GR_MUST_USE enum gr_err sender_check(const struct sender_env *env, const struct policy_action *action);
/* Whether something is told to this action when an earlier message is acknowledged or over. */
bool sender_follows(const struct policy_action *action, enum message_kind kind);
/* What the target counts messages by: pace.h's key. */
struct gr_str sender_pace_key(const struct policy_action *action);
/* The file's name below secrets_dir that the action needs; empty for kinds without. */
struct gr_str sender_secret_file(const struct policy_action *action);
#endif
