/* standin_check.h - what the targets of messages accept, without sockets: Slack's incoming webhooks and PagerDuty's Events v2 as pure
 * functions, Jira and Opsgenie/JSM with what they keep.
 *
 * Each takes a request and gives the status and the body that the real one documents. Stricter than the real ones in what
 * guardraild promises besides: no member that is not documented, every &, < and > of foreign text escaped, no mentions. */
#ifndef GUARDRAIL_TEST_STANDIN_CHECK_H
#define GUARDRAIL_TEST_STANDIN_CHECK_H
#include <cjson/cJSON.h>
#include "guardrail/buf.h"

#define STANDIN_BODY_MAX (1u << 20)

struct standin_answer {
    unsigned status;
    struct gr_buf body; /* as the real one answers */
    const char *why;    /* static text for the person who debugs; "" when accepted */
    cJSON *message;     /* accepted: the parsed body, to be kept (cJSON_Delete); else NULL */
};
void standin_answer_fini(struct standin_answer *answer);
/* 200 ok; 400 invalid_payload, no_text, invalid_blocks, msg_blocks_too_long. */
void standin_slack(struct gr_str body, struct standin_answer *answer);
/* What is wrong with a message's members, as Slack's word for it (`malformed` where the real one would take what guardraild never sends), or NULL.
 * *why: for the person who debugs. */
const char *standin_slack_fault(const cJSON *json, const char *names, const char *malformed,
                                const char **why);
/* 202 with the dedup key; 400 invalid event; 413 when larger than 512 KB. */
void standin_pagerduty(struct gr_str body, struct standin_answer *answer);

/* -- targets with a memory ----------------------------------------------------------------------------------------------- */

struct standin_request {
    const char *method, *path;                    /* the path decoded, below the target's own */
    const char *authorization, *content_type;     /* NULL: none */
    const char *identifier;                       /* the query's identifierType; NULL: none */
    const char *idempotency;                      /* the header Idempotency-Key; NULL: none */
    const char *channel, *ts, *oldest, *metadata; /* of the query; metadata: include_all_metadata */
    struct gr_str body;
};

/* Jira below /cloud (REST v3, basic bot@example.org:cloud-token) and /dc (REST v2, Bearer dc-token-0123456789): search, create, read,
 * comment and transition; the project DEPLOY with issues of the types Task and Bug, in To Do, In Progress or Done. Searches find
 * what is younger than the last `lag` of them not yet. */
struct standin_jira {
    cJSON *issues; /* [{"key","summary","labels","status","comments","age"}] */
    int64_t lag;   /* searches that an issue stays unseen; set by the owner */
};
bool standin_jira_init(struct standin_jira *j);
void standin_jira_fini(struct standin_jira *j);
void standin_jira(struct standin_jira *j, const struct standin_request *r, struct standin_answer *answer);

/* Opsgenie and Jira Service Management: /v2/alerts, /v2/alerts/ALIAS/close and …/acknowledge, /v2/alerts/requests/ID; GenieKey
 * 00000000-0000-4000-8000-000000000000. What a request came to is known after `lag` questions. */
struct standin_alerts {
    cJSON *alerts;   /* [{"alias","status","count","message"}] */
    cJSON *requests; /* [{"id","asked","ok","status"}] */
    int64_t lag;
};
bool standin_alerts_init(struct standin_alerts *a);
void standin_alerts_fini(struct standin_alerts *a);
void standin_alerts(struct standin_alerts *s, const struct standin_request *r, struct standin_answer *answer);

/* Slack's API: chat.postMessage, chat.update, conversations.history and .replies; Bearer xoxb-standin-0123456789. #deploy-ops is C0123456789; C0ARCHIVED0 is
 * archived, to C0NOTINHERE nobody was invited. Refusals have status 200 and {"ok": false}. */
struct standin_slack_api {
    cJSON *posts;  /* [{"channel","ts","thread_ts","broadcast","updates","key","message"}] */
    int64_t clock; /* of the next ts */
    bool blind;    /* may not read: missing_scope */
};
bool standin_slack_api_init(struct standin_slack_api *s);
void standin_slack_api_fini(struct standin_slack_api *s);
void standin_slack_api(struct standin_slack_api *s, const struct standin_request *r,
                       struct standin_answer *answer);

/* Somebody's own receiver: JSON with an Idempotency-Key, below /token with Bearer hook-token-0123456789; says 200 to a key that it knows and keeps it
 * once. */
struct standin_hook {
    cJSON *keys;
};
bool standin_hook_init(struct standin_hook *h);
void standin_hook_fini(struct standin_hook *h);
void standin_hook(struct standin_hook *h, const struct standin_request *r, struct standin_answer *answer);

/* -- what the checks share ----------------------------------------------------------------------------------------------- */

/* The body as a JSON object, or NULL. */
cJSON *standin_parse(struct gr_str body);
/* Characters, as the limits count. */
size_t standin_characters(struct gr_str s);
/* Whether every member of an object is one of the names (space-separated). */
bool standin_only(const cJSON *object, const char *names);
bool standin_absent_or_string(const cJSON *object, const char *name, size_t max);
bool standin_is_choice(struct gr_str s, const char *names);
#endif
