/* sender_pagerduty.c - PagerDuty Events v2: trigger, acknowledge, resolve. The last two say their keys alone.
 *
 *     {"routing_key": …, "event_action": "trigger", "dedup_key": …, "client": "guardraild",
 *      "payload": {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details": {…}},
 *      "links": [{"href", "text"}]}
 *
 * 202 says accepted, not opened. The dedup key makes a trigger idempotent only while its incident is open, so effects are unique
 * by our own record, not by it. */
#include "config.h"
#include "sender_text.h"

#include "guardrail/duration.h"
#include "guardrail/hash.h"
#include "guardrail/quote.h"

#define SUMMARY_MAX 1024u /* PagerDuty's */
#define SHORT_MAX 255u
#define DETAIL_MAX 4000u
#define KEY_HEAD_BYTES 180u /* of a key that is too long; 180 + 1 + 64 <= 255 */

/* ,"name":"text" - nothing for an empty text. The cut is made before quoting: the limits count characters, not escapes. */
static void
put_member(struct gr_buf *b, const char *name, struct gr_str text, size_t max)
{
    struct gr_buf cut = GR_BUF_INIT(1 << 16);

    if (text.n == 0)
        return;
    sender_put(&cut, text, sender_plain, max);
    gr_buf_printf(b, ",\"%s\":", name);
    gr_quote_json(b, gr_buf_str(&cut));
    if (gr_buf_err(&cut) != GR_OK)
        b->err = gr_buf_err(&cut);
    gr_buf_fini(&cut);
}

static void
put_labels(struct gr_buf *b, const char *name, struct label_set labels)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20);

    labels_print(&text, labels);
    put_member(b, name, gr_buf_str(&text), DETAIL_MAX);
    if (gr_buf_err(&text) != GR_OK)
        b->err = gr_buf_err(&text);
    gr_buf_fini(&text);
}

/* A key that is too long keeps its readable head and ends in the hash of the whole. */
static void
put_key(struct gr_buf *b, struct gr_str key)
{
    struct gr_buf text = GR_BUF_INIT(512);
    char hex[GR_SHA256_HEX + 1];

    if (key.n == 0)
        return;
    if (key.n <= SENDER_DEDUP_BYTES_MAX) {
        sender_plain(&text, key);
    } else if (gr_sha256_hex(key, hex) == GR_OK) {
        sender_plain(&text, gr_str_sub(key, 0, KEY_HEAD_BYTES)); /* keys are ASCII */
        gr_buf_printf(&text, "-%s", hex);
    } else {
        b->err = GR_ENOMEM;
    }
    gr_buf_puts(b, ",\"dedup_key\":");
    gr_quote_json(b, gr_buf_str(&text));
    if (gr_buf_err(&text) != GR_OK)
        b->err = gr_buf_err(&text);
    gr_buf_fini(&text);
}

static void
put_summary(struct gr_buf *b, const struct message *m)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20);

    sender_headline(&text, m);
    gr_buf_puts(b, "\"severity\":");
    gr_quote_json(b, gr_str(sender_severity(m)));
    put_member(b, "summary", gr_buf_str(&text), SUMMARY_MAX);
    gr_buf_reset(&text);
    gr_buf_put(&text, m->spec.n > 0 ? m->spec : GR_STR("guardrail"));
    if (m->stream.count > 0) {
        gr_buf_putc(&text, ' ');
        labels_print(&text, m->stream);
    }
    put_member(b, "source", gr_buf_str(&text), SHORT_MAX);
    gr_buf_reset(&text);
    gr_time_print(&text, m->at_ms);
    put_member(b, "timestamp", gr_buf_str(&text), SHORT_MAX);
    gr_buf_fini(&text);
}

static void
put_command(void *arg, const char *what, struct gr_str command)
{
    put_member(arg, what, command, DETAIL_MAX);
}

static void
put_details(struct gr_buf *b, const struct message *m)
{
    struct gr_buf action = GR_BUF_INIT(1 << 20);

    gr_buf_puts(b, ",\"custom_details\":{\"level\":");
    gr_quote_json(b, gr_str(policy_level_name(m->level)));
    put_member(b, "deployment_id", m->deployment_id, SHORT_MAX);
    put_labels(b, "release", m->stream);
    put_member(b, "phase", m->phase, SHORT_MAX);
    put_member(b, "guardrail", m->guardrail, SHORT_MAX);
    put_member(b, "metric", m->source, SHORT_MAX);
    put_labels(b, "where", m->slice);
    put_member(b, "limit", m->limit, SHORT_MAX);
    put_member(b, "description", m->description, DETAIL_MAX);
    sender_action(&action, m);
    put_member(b, "guardraild", gr_buf_str(&action), DETAIL_MAX);
    put_member(b, "why", m->reason, DETAIL_MAX);
    put_member(b, "now", m->now, DETAIL_MAX);
    sender_commands(m, put_command, b);
    put_member(b, "record", m->record_path, DETAIL_MAX);
    put_member(b, "audit", m->audit_head, SHORT_MAX);
    put_member(b, "reference", m->reference, SHORT_MAX);
    gr_buf_putc(b, '}');
    if (gr_buf_err(&action) != GR_OK)
        b->err = gr_buf_err(&action);
    gr_buf_fini(&action);
}

static void
put_links(struct gr_buf *b, const struct message *m)
{
    struct sender_link links[SENDER_LINKS_MAX];
    size_t n = sender_links(m, links);

    for (size_t i = 0; i < n; i++) {
        gr_buf_puts(b, i == 0 ? ",\"links\":[{\"href\":" : ",{\"href\":");
        gr_quote_json(b, links[i].url);
        gr_buf_printf(b, ",\"text\":\"%s\"}", links[i].name);
    }
    if (n > 0)
        gr_buf_putc(b, ']');
}

void
pagerduty_encode(struct gr_buf *b, const struct policy_action *action, const struct message *m,
                 struct gr_str secret)
{
    const char *event = m->kind == MESSAGE_ACKED    ? "acknowledge"
                        : m->kind == MESSAGE_CLOSED ? "resolve"
                                                    : "trigger";

    (void)action; /* the key names the service */
    gr_buf_printf(b, "{\"event_action\":\"%s\",\"routing_key\":", event);
    gr_quote_json(b, secret);
    put_key(b, m->dedup_key.n > 0 ? m->dedup_key : m->reference);
    if (strcmp(event, "trigger") != 0) { /* no more than that is said of an incident that is there */
        gr_buf_putc(b, '}');
        return;
    }
    gr_buf_puts(b, ",\"client\":\"guardraild\"");
    gr_buf_puts(b, ",\"payload\":{");
    put_summary(b, m);
    put_member(b, "component", m->deployment_id, SHORT_MAX);
    put_member(b, "group", m->spec, SHORT_MAX);
    put_member(b, "class", m->guardrail, SHORT_MAX);
    put_details(b, m);
    gr_buf_putc(b, '}');
    put_links(b, m);
    gr_buf_putc(b, '}');
}

bool
pagerduty_key_ok(const struct policy_action *action, struct gr_str secret, bool allow_http)
{
    (void)action;
    (void)allow_http;
    for (size_t i = 0; i < secret.n; i++)
        if (!((secret.p[i] >= '0' && secret.p[i] <= '9') || (secret.p[i] >= 'a' && secret.p[i] <= 'z') ||
              (secret.p[i] >= 'A' && secret.p[i] <= 'Z')))
            return false;
    return secret.n == 32;
}

enum sender_answer
pagerduty_classify(long status, struct gr_str body)
{
    (void)body;
    if (status == 202)
        return SENDER_DONE;
    if (status == 429 || status == 408 || status >= 500)
        return SENDER_LATER;
    return SENDER_NEVER;
}
