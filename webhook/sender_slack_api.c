/* sender_slack_api.c - Slack with a token: chat.postMessage, a thread for each guardrail of a deployment, and its first message told anew.
 *
 *     first message of a topic    chat.postMessage; where it stands (channel, ts) goes into the store
 *     later ones                  chat.update of the first with the present state and the newest title, then chat.postMessage in its thread, shown
 *                                 in the channel, too, if it is critical
 *
 * Updating is idempotent and comes first, so that trying again posts nothing twice. Posting is not: Slack documents no idempotency key. So every message
 * carries its mark in `metadata`, and before a second attempt the thread (conversations.replies) or the channel (conversations.history, only if the policy names it by
 * its id) is looked through for it. The token may lack the scope for that (channels:history): then a message whose answer was lost may stand
 * there twice. Slack refuses with status 200 and {"ok": false, "error": …}. */
#include "config.h"
#include "sender_call.h"
#include "sender_text.h"

#include <stdio.h>
#include "guardrail/quote.h"
#include "jread.h"
#include "jw.h"

#define SLACK_URL "https://slack.com/api"
#define EVENT_TYPE "guardrail_message"
#define BODY_BYTES_MAX (1u << 17)
#define ARENA_BYTES_MAX (16u << 20)
#define LOOK_BACK_S 60
#define LOOK_MAX 200

struct slack {
    struct sender_call *call;
    struct gr_arena *arena;
    struct gr_buf mark;
    struct gr_str thread; /* ts; empty: a message of its own */
    bool begins;          /* the topic's first */
};

/* -- questions ----------------------------------------------------------------------------------------------------------- */

/* Errors that pass by themselves; all others stay. */
static bool
passes(struct gr_str error)
{
    static const char *const transient[] = {"ratelimited",         "rate_limited", "internal_error",
                                            "service_unavailable", "fatal_error",  "request_timeout"};

    for (size_t i = 0; i < GR_COUNT(transient); i++)
        if (gr_str_is(error, transient[i]))
            return true;
    return false;
}

/* Slack's answer, when it is yes. NULL: *result says why not; *error is Slack's word for it, or empty. */
static const struct gr_node *
answered(struct slack *s, const char *what, struct gr_str *error)
{
    struct sender_call *c = s->call;
    const struct gr_node *root = NULL;
    struct gr_buf shown = GR_BUF_INIT(256);

    *error = GR_STR_NONE;
    if (jread(s->arena, gr_buf_str(&c->response.body), &root) != GR_OK || root->kind != GR_NODE_MAP ||
        !gr_node_get(root, "ok")) {
        sender_say(c, SENDER_NEVER, "%s: the answer is not Slack's", what);
        return NULL;
    }
    if (jread_bool(root, "ok"))
        return root;
    *error = jread_str(root, "error");
    sender_put(&shown, *error, gr_quote_log, 100);
    sender_say(c, passes(*error) ? SENDER_LATER : SENDER_NEVER, "%s: %s", what,
               shown.n > 0 ? gr_buf_cstr(&shown) : "refused without a reason");
    if (c->result->answer == SENDER_LATER)
        c->result->retry_after_ms = c->response.retry_after_ms;
    gr_buf_fini(&shown);
    return NULL;
}

/* One method; body empty: a GET of `rest`, its query included. */
static const struct gr_node *
ask(struct slack *s, const char *what, const char *rest, const struct gr_buf *body, struct gr_str *error)
{
    struct sender_call *c = s->call;
    struct gr_buf url = GR_BUF_INIT(8192);
    const struct gr_node *root = NULL;

    *error = GR_STR_NONE;
    gr_buf_puts(&url, c->env->slack_url && c->env->slack_url[0] != '\0' ? c->env->slack_url : SLACK_URL);
    gr_buf_puts(&url, rest);
    if (sender_built(c, gr_buf_err(&url)) && (!body || sender_built(c, gr_buf_err(body))) &&
        sender_ask(c, &(struct sender_question){.what = what,
                                                .post = body != NULL,
                                                .url = gr_buf_str(&url),
                                                .body = body ? gr_buf_str(body) : GR_STR_NONE}) ==
            SENDER_DONE)
        root = answered(s, what, error);
    gr_buf_fini(&url);
    return root;
}

/* -- messages ------------------------------------------------------------------------------------------------------------ */

static void
put_metadata(struct gr_buf *b, struct gr_str mark)
{
    gr_buf_puts(b, ",\"metadata\":{\"event_type\":\"" EVENT_TYPE "\",\"event_payload\":{\"key\":");
    gr_quote_json(b, mark);
    gr_buf_puts(b, "}}");
}

/* "member": "text" */
static void
put_member(struct gr_buf *b, const char *name, struct gr_str text)
{
    gr_buf_printf(b, "\"%s\":", name);
    gr_quote_json(b, text);
    gr_buf_putc(b, ',');
}

/* The first message with the present state. Only "later" counts: what cannot be updated is still followed. */
static bool
update_head(struct slack *s)
{
    const struct message *m = s->call->m, *head = m->head;
    struct gr_buf b = GR_BUF_INIT(BODY_BYTES_MAX), mark = GR_BUF_INIT(64);
    struct gr_str error;
    bool go_on = true;

    gr_buf_putc(&b, '{');
    put_member(&b, "channel", m->thread_channel);
    put_member(&b, "ts", m->thread_ts);
    slack_put_members(&b, head, m);
    sender_mark(&mark, head->key.n > 0 ? head->key : head->dedup_key);
    put_metadata(&b, gr_buf_str(&mark));
    gr_buf_putc(&b, '}');
    if (!ask(s, "update", "/chat.update", &b, &error))
        go_on = s->call->result->answer == SENDER_NEVER;
    gr_buf_fini(&mark);
    gr_buf_fini(&b);
    return go_on;
}

/* Names and ids may both be posted to, but only ids be looked into. */
static bool
is_id(struct gr_str channel)
{
    if (channel.n < 9 || !strchr("CGD", channel.p[0]))
        return false;
    for (size_t i = 1; i < channel.n; i++)
        if (!((channel.p[i] >= 'A' && channel.p[i] <= 'Z') || (channel.p[i] >= '0' && channel.p[i] <= '9')))
            return false;
    return true;
}

static void
keep_place(struct slack *s, struct gr_str channel, struct gr_str ts)
{
    struct sender_result *r = s->call->result;

    if (!s->begins || channel.n >= sizeof r->channel || ts.n >= sizeof r->ts || ts.n == 0)
        return;
    memcpy(r->channel, channel.p, channel.n);
    memcpy(r->ts, ts.p, ts.n);
}

/* Whether an earlier attempt has arrived. *later: it could not be asked now, and *result says so. */
static bool
is_there(struct slack *s, bool *later)
{
    const struct message *m = s->call->m;
    struct gr_str channel = s->thread.n > 0 ? m->thread_channel : s->call->action->channel, error;
    struct gr_buf query = GR_BUF_INIT(1024);
    const struct gr_node *root, *list;
    bool found = false;

    *later = false;
    if (!is_id(channel))
        return false;
    gr_buf_puts(&query,
                s->thread.n > 0 ? "/conversations.replies?channel=" : "/conversations.history?channel=");
    gr_http_encode(&query, channel);
    if (s->thread.n > 0) {
        gr_buf_puts(&query, "&ts=");
        gr_http_encode(&query, s->thread);
    }
    gr_buf_printf(&query, "&oldest=%lld&limit=%d&include_all_metadata=true",
                  (long long)(m->first_ms / 1000 - LOOK_BACK_S), LOOK_MAX);
    root = ask(s, "look", gr_buf_cstr(&query), NULL, &error);
    *later = !root && s->call->result->answer == SENDER_LATER;
    list = gr_node_get(root, "messages");
    if (list && list->kind == GR_NODE_LIST)
        gr_node_each (item, list) {
            const struct gr_node *payload = gr_node_get(gr_node_get(item, "metadata"), "event_payload");

            if (found || !gr_str_eq(jread_str(payload, "key"), gr_buf_str(&s->mark)))
                continue;
            found = true;
            keep_place(s, channel, jread_str(item, "ts"));
        }
    gr_buf_fini(&query);
    return found;
}

/* True: done, or *result says why not. False: its thread is gone. */
static bool
post(struct slack *s)
{
    const struct message *m = s->call->m;
    struct gr_buf b = GR_BUF_INIT(BODY_BYTES_MAX);
    const struct gr_node *root;
    struct gr_str error;
    bool gone;

    gr_buf_putc(&b, '{');
    put_member(&b, "channel", s->thread.n > 0 ? m->thread_channel : s->call->action->channel);
    if (s->thread.n > 0) {
        put_member(&b, "thread_ts", s->thread);
        if (strcmp(sender_severity(m), "critical") == 0)
            gr_buf_puts(&b, "\"reply_broadcast\":true,");
    }
    gr_buf_puts(&b, "\"mrkdwn\":false,\"unfurl_links\":false,\"unfurl_media\":false,");
    slack_put_members(&b, m, m);
    put_metadata(&b, gr_buf_str(&s->mark));
    gr_buf_putc(&b, '}');
    root = ask(s, "post", "/chat.postMessage", &b, &error);
    gr_buf_fini(&b);
    gone = s->thread.n > 0 &&
           (gr_str_is(error, "thread_not_found") || gr_str_is(error, "cannot_reply_to_message"));
    if (!root)
        return !gone;
    if (jread_str(root, "ts").n == 0) {
        sender_say(s->call, SENDER_NEVER, "post: the answer is not Slack's");
        return true;
    }
    keep_place(s, jread_str(root, "channel"), jread_str(root, "ts"));
    sender_say(s->call, SENDER_DONE, s->thread.n > 0 ? "posted in its thread" : "posted");
    return true;
}

static void
run(struct slack *s)
{
    bool later = false;

    if (s->thread.n > 0 && s->call->m->head && !update_head(s))
        return;
    if (s->call->m->attempt > 1 && is_there(s, &later)) {
        sender_say(s->call, SENDER_DONE, "posted before");
        return;
    }
    if (later || post(s))
        return;
    s->thread = GR_STR_NONE; /* somebody deleted the first message */
    s->begins = true;
    (void)post(s); /* has no thread: true */
}

void
slack_send(struct sender_call *c)
{
    struct slack s = {
        .call = c, .thread = c->m->thread_ts, .begins = c->m->thread_ts.n == 0, .mark = GR_BUF_INIT(64)};
    const struct message *m = c->m;

    if (c->action->webhook_url_file.n > 0) {
        sender_post(c);
        return;
    }
    gr_buf_puts(&c->header, "Bearer ");
    gr_buf_put(&c->header, c->secret);
    s.arena = gr_arena_create(ARENA_BYTES_MAX);
    sender_mark(&s.mark, m->key.n > 0 ? m->key : m->dedup_key.n > 0 ? m->dedup_key : m->reference);
    if (!s.arena || gr_buf_err(&s.mark) != GR_OK)
        sender_say(c, SENDER_LATER, "out of memory");
    else
        run(&s);
    gr_arena_free(s.arena);
    gr_buf_fini(&s.mark);
}

bool
slack_secret_ok(const struct policy_action *action, struct gr_str secret, bool allow_http)
{
    if (action->webhook_url_file.n > 0)
        return sender_url_secret_ok(secret, allow_http);
    return gr_str_starts(secret, GR_STR("xox")) && sender_token_ok(action, secret, allow_http);
}

bool
slack_follows(const struct policy_action *action, enum message_kind kind)
{
    return action->webhook_url_file.n == 0 && sender_follows_both(action, kind);
}
