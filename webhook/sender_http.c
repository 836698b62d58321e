/* sender_http.c - JSON to an address of one's own: all that a message says, by name.
 *
 *     {"version": 1, "kind": "breach"|"held"|"outcome"|"blind"|"test"|"acknowledged"|"over", "level", "severity", "ok", "title", "spec",
 *      "deployment_id", "phase", "guardrail", "metric", "release": {…}, "where": {…}, "summary", "description", "limit", "action", "reason", "now", "by",
 *      "commands": [{"what", "run"}], "record", "audit", "ack_url", "runbook_url", "dashboard_url", "reference", "key", "at"}
 *
 * or what the action's template makes of it (sender_template.c). "key" is the same in all messages about one breach.
 * Idempotency-Key is the same for a message that is sent again. Only public addresses are spoken to, but for the hosts that the configuration
 * lists. */
#include "config.h"
#include "sender_call.h"
#include "sender_text.h"

#include "guardrail/hash.h"
#include "jw.h"

#define TEXT_MAX 8000u

static void
put(struct jw *w, const char *name, struct gr_str text)
{
    struct gr_buf cut = GR_BUF_INIT(1 << 16);

    if (text.n > 0)
        sender_put(&cut, text, sender_plain, TEXT_MAX);
    jw_str(w, name, gr_buf_str(&cut));
    if (gr_buf_err(&cut) != GR_OK)
        w->b->err = gr_buf_err(&cut);
    gr_buf_fini(&cut);
}

static void
put_command(void *arg, const char *what, struct gr_str command)
{
    struct jw *w = arg;

    jw_open(w, NULL, '{');
    jw_text(w, "what", what);
    jw_str(w, "run", command);
    jw_close(w, '}');
}

static void
encode(struct gr_buf *b, const struct message *m)
{
    struct jw w = JW_INIT(b);
    struct gr_buf title = GR_BUF_INIT(1 << 20), action = GR_BUF_INIT(1 << 20);

    sender_title(&title, m);
    sender_action(&action, m);
    jw_open(&w, NULL, '{');
    jw_i64(&w, "version", 1);
    jw_text(&w, "kind", message_kind_name(m->kind));
    jw_text(&w, "level", policy_level_name(m->level));
    jw_text(&w, "severity", sender_severity(m));
    jw_bool(&w, "ok", m->ok);
    put(&w, "title", gr_buf_str(&title));
    put(&w, "spec", m->spec);
    put(&w, "deployment_id", m->deployment_id);
    put(&w, "phase", m->phase);
    put(&w, "guardrail", m->guardrail);
    put(&w, "metric", m->source);
    jw_labels(&w, "release", m->stream);
    jw_labels(&w, "where", m->slice);
    put(&w, "summary", m->summary);
    put(&w, "description", m->description);
    put(&w, "limit", m->limit);
    put(&w, "action", gr_buf_str(&action));
    put(&w, "reason", m->reason);
    put(&w, "now", m->now);
    put(&w, "by", m->by);
    jw_open(&w, "commands", '[');
    sender_commands(m, put_command, &w);
    jw_close(&w, ']');
    put(&w, "record", m->record_path);
    put(&w, "audit", m->audit_head);
    put(&w, "ack_url", sender_link_ok(m->ack_url) ? m->ack_url : GR_STR_NONE);
    put(&w, "runbook_url", sender_link_ok(m->runbook_url) ? m->runbook_url : GR_STR_NONE);
    put(&w, "dashboard_url", sender_link_ok(m->dashboard_url) ? m->dashboard_url : GR_STR_NONE);
    put(&w, "reference", m->reference);
    put(&w, "key", m->dedup_key);
    jw_time(&w, "at", m->at_ms);
    jw_close(&w, '}');
    if (gr_buf_err(&title) != GR_OK)
        b->err = gr_buf_err(&title);
    if (gr_buf_err(&action) != GR_OK)
        b->err = gr_buf_err(&action);
    gr_buf_fini(&title);
    gr_buf_fini(&action);
}

void
http_send(struct sender_call *c)
{
    struct gr_buf url = GR_BUF_INIT(8192), body = GR_BUF_INIT(c->target->body_bytes_max);
    struct gr_str key = c->m->key.n > 0         ? c->m->key
                        : c->m->dedup_key.n > 0 ? c->m->dedup_key
                                                : c->m->reference;
    char hex[GR_SHA256_HEX + 1] = "";
    struct gr_http_header idempotency = {GR_STR("Idempotency-Key"), GR_STR_NONE};
    enum gr_err err = gr_sha256_hex(key, hex);

    idempotency.value = gr_str(hex);
    if (c->secret.n > 0) {
        gr_buf_puts(&c->header, "Bearer ");
        gr_buf_put(&c->header, c->secret);
    }
    gr_buf_put(&url, c->action->base_url); /* as it stands: a slash at its end may matter */
    if (c->m->body.n > 0)
        gr_buf_put(&body, c->m->body);
    else if (c->action->body.n > 0)
        template_print(&body, c->action->body, c->m);
    else
        encode(&body, c->m);
    if (err == GR_OK)
        err = gr_buf_err(&body);
    if (err == GR_OK)
        err = gr_buf_err(&url);
    if (sender_built(c, err))
        (void)sender_ask(c, &(struct sender_question){.what = "post",
                                                      .post = true,
                                                      .url = gr_buf_str(&url),
                                                      .body = gr_buf_str(&body),
                                                      .more = &idempotency,
                                                      .guarded = true}); /* the verdict is in *result */
    gr_buf_fini(&url);
    gr_buf_fini(&body);
}
