/* sender_call.h - one message on its way: for senders that need more than one POST of what their row encodes.
 *
 * A row with `send` gets the whole call, asks what it has to with sender_ask, and leaves the verdict in *result. */
#ifndef GUARDRAIL_WEBHOOK_SENDER_CALL_H
#define GUARDRAIL_WEBHOOK_SENDER_CALL_H
#include "sender.h"

#define SENDER_MARK_HEX 32u

struct sender_call {
    const struct sender_env *env;
    const struct sender_target *target;
    const struct policy_action *action;
    const struct message *m;
    struct gr_str secret;             /* trimmed; empty where the action has none */
    int64_t deadline_ms;              /* of the whole; a sender that must wait moves it */
    struct gr_buf header;             /* the Authorization header's value; wiped by sender_send */
    struct gr_http_response response; /* of the last question */
    struct sender_result *result;
};
/* Sets the verdict and its text, cut where it does not fit. */
void sender_say(struct sender_call *c, enum sender_answer answer, const char *fmt, ...) GR_PRINTF(3, 4);
/* One request with c->header as Authorization; `what` ("search") begins the text. The answer by sender_classify; *result has text, status and
 * Retry-After, and maybe_sent where no answer came. headers: may be NULL. */
struct sender_question {
    const char *what;
    bool post; /* a JSON body; else GET */
    struct gr_str url, body;
    const struct gr_http_header *more; /* one further header, or NULL */
    bool guarded;                      /* the address must be public, or allowed by the configuration */
};
enum sender_answer sender_ask(struct sender_call *c, const struct sender_question *q);
/* 2xx done; 408, 425, 429 and 5xx later; all else never. */
enum sender_answer sender_classify(long status, struct gr_str body);
/* Waits; false: guardraild stops meanwhile, and *result says later. */
bool sender_wait(struct sender_call *c, int64_t ms);
/* base_url without slashes at its end, and path. */
void sender_url(struct gr_buf *b, const struct policy_action *action, const char *path);
/* "gr-" and half the SHA-256 of a key: a mark that a search finds again. Nothing for an empty key. */
void sender_mark(struct gr_buf *b, struct gr_str key);

/* One POST of what the row encodes, judged by its classify. */
void sender_post(struct sender_call *c);
/* A body that could not be built: never, or later without memory. True: there was no error. */
bool sender_built(struct sender_call *c, enum gr_err err);

/* sender_template.c: the body of an `http` action that has a template, which the policy's reader has checked. */
void template_print(struct gr_buf *b, struct gr_str text, const struct message *m);

/* sender_slack_api.c, sender_jira.c, sender_alerts.c (Opsgenie, JSM), sender_http.c: the functions of their rows. */
void slack_send(struct sender_call *c);
void jira_send(struct sender_call *c);
void alerts_send(struct sender_call *c);
void http_send(struct sender_call *c);
#endif
