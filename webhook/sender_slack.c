/* sender_slack.c - Slack incoming webhooks.
 *
 *     {"text": "Hard breach: … - summary",          for notifications
 *      "link_names": false, "unfurl_links": false, "unfurl_media": false,
 *      "blocks": [header: the title
 *                 section: summary and description
 *                 section with fields: deployment, stream, phase, slice, metric, limit
 *                 section: what guardraild does, and why
 *                 context: reference, time, record, links]}
 *
 * Foreign text is cut to Slack's limits after escaping, and stays some way below the undocumented total of about 13 000. The secret is
 * the address; there is no idempotency key, so the reference is shown: a message that came twice can be told. */
#include "config.h"
#include "sender_text.h"

#include "guardrail/duration.h"
#include "guardrail/quote.h"

#define HEADER_MAX 150u /* Slack's */
#define TEXT_MAX 500u
#define SECTION_MAX 2500u /* Slack: 3000 */
#define FIELD_MAX 300u    /* Slack: 2000 */
#define ACTION_MAX 900u   /* two of them in one section */
#define CONTEXT_MAX 300u

/* Appends a JSON string that holds what is in text, and empties text. */
static void
put_json(struct gr_buf *b, struct gr_buf *text)
{
    if (gr_buf_err(text) != GR_OK)
        b->err = gr_buf_err(text);
    gr_quote_json(b, gr_buf_str(text));
    gr_buf_reset(text);
}

/* "*Name*\n`value`" as one field; nothing for an empty value. */
static void
put_field(struct gr_buf *b, struct gr_buf *text, bool *first, const char *name, struct gr_str value)
{
    if (value.n == 0)
        return;
    gr_buf_puts(b, *first ? "" : ",");
    *first = false;
    gr_buf_printf(text, "*%s*\n`", name);
    sender_put(text, value, gr_quote_slack, FIELD_MAX);
    gr_buf_putc(text, '`');
    gr_buf_puts(b, "{\"type\":\"mrkdwn\",\"text\":");
    put_json(b, text);
    gr_buf_putc(b, '}');
}

static void
put_fields(struct gr_buf *b, struct gr_buf *text, const struct message *m)
{
    struct gr_buf stream = GR_BUF_INIT(1 << 20), slice = GR_BUF_INIT(1 << 20);
    size_t before = b->n;
    bool first = true;

    labels_print(&stream, m->stream);
    labels_print(&slice, m->slice);
    gr_buf_puts(b, ",{\"type\":\"section\",\"fields\":[");
    put_field(b, text, &first, "Deployment", m->deployment_id);
    put_field(b, text, &first, "Release", gr_buf_str(&stream));
    put_field(b, text, &first, "Phase", m->phase);
    put_field(b, text, &first, "Where", gr_buf_str(&slice));
    put_field(b, text, &first, "Metric", m->source);
    put_field(b, text, &first, "Limit", m->limit);
    gr_buf_puts(b, "]}");
    if (first && gr_buf_err(b) == GR_OK)
        gr_buf_cut(b, before); /* no field: Slack refuses an empty list */
    if (gr_buf_err(&stream) != GR_OK || gr_buf_err(&slice) != GR_OK)
        b->err = GR_ENOMEM;
    gr_buf_fini(&stream);
    gr_buf_fini(&slice);
}

static void
put_section(struct gr_buf *b, struct gr_buf *text)
{
    if (text->n == 0)
        return;
    gr_buf_puts(b, ",{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":");
    put_json(b, text);
    gr_buf_puts(b, "}}");
}

/* "name words" behind a newline if there is something before it. */
static void
put_words(struct gr_buf *text, const char *name, struct gr_str words, size_t max)
{
    if (words.n == 0)
        return;
    gr_buf_puts(text, text->n > 0 ? "\n" : "");
    gr_buf_puts(text, name);
    sender_put(text, words, gr_quote_slack, max);
}

static void
put_link(struct gr_buf *text, const char *name, struct gr_str url)
{
    if (!sender_link_ok(url))
        return;
    gr_buf_puts(text, " | <");
    gr_quote_slack(text, url);
    gr_buf_printf(text, "|%s>", name);
}

static void
put_context(struct gr_buf *b, struct gr_buf *text, const struct message *m)
{
    gr_time_print(text, m->at_ms);
    if (m->reference.n > 0) {
        gr_buf_puts(text, " | ref: `");
        sender_put(text, m->reference, gr_quote_slack, CONTEXT_MAX);
        gr_buf_putc(text, '`');
    }
    if (m->record_path.n > 0) {
        gr_buf_puts(text, " | record: `");
        sender_put(text, m->record_path, gr_quote_slack, CONTEXT_MAX);
        gr_buf_putc(text, '`');
    }
    if (m->audit_head.n > 0) {
        gr_buf_puts(text, " | audit: `");
        sender_put(text, m->audit_head, gr_quote_slack, CONTEXT_MAX);
        gr_buf_putc(text, '`');
    }
    put_link(text, "runbook", m->runbook_url);
    put_link(text, "dashboard", m->dashboard_url);
    gr_buf_puts(b, ",{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":");
    put_json(b, text);
    gr_buf_puts(b, "}]}");
}

void
slack_encode(struct gr_buf *b, const struct policy_action *action, const struct message *m,
             struct gr_str secret)
{
    struct gr_buf title = GR_BUF_INIT(1 << 16), text = GR_BUF_INIT(1 << 16);

    (void)action; /* the address fixes the channel */
    (void)secret;
    sender_title(&title, m);
    sender_put(&text, gr_buf_str(&title), gr_quote_slack, HEADER_MAX);
    if (m->summary.n > 0) {
        gr_buf_puts(&text, " - ");
        sender_put(&text, m->summary, gr_quote_slack, TEXT_MAX);
    }
    gr_buf_puts(b, "{\"text\":");
    put_json(b, &text);
    gr_buf_puts(b, ",\"link_names\":false,\"unfurl_links\":false,\"unfurl_media\":false,\"blocks\":[{"
                   "\"type\":\"header\",\"text\":"
                   "{\"type\":\"plain_text\",\"emoji\":false,\"text\":");
    sender_put(&text, gr_buf_str(&title), gr_quote_slack, HEADER_MAX);
    put_json(b, &text);
    gr_buf_puts(b, "}}");
    put_words(&text, "", m->summary, SECTION_MAX / 2);
    put_words(&text, "", m->description, SECTION_MAX / 2 - 1);
    put_section(b, &text);
    put_fields(b, &text, m);
    put_words(&text, "*guardraild:* ", m->action, ACTION_MAX);
    put_words(&text, "*Why:* ", m->reason, ACTION_MAX);
    put_section(b, &text);
    put_context(b, &text, m);
    gr_buf_puts(b, "]}");
    if (gr_buf_err(&title) != GR_OK)
        b->err = gr_buf_err(&title);
    gr_buf_fini(&title);
    gr_buf_fini(&text);
}

/* Success is 200 with the body "ok", and nothing else: any web page answers 200. */
enum sender_answer
slack_classify(long status, struct gr_str body)
{
    if (status == 200 && gr_str_is(gr_str_trim(body), "ok"))
        return SENDER_DONE;
    if (status == 429 || status == 408 || status >= 500)
        return SENDER_LATER;
    return SENDER_NEVER;
}
