/* sender_slack.c - what a message looks like in Slack, and incoming webhooks. sender_slack_api.c posts the same with a token.
 *
 *     {"text": "Hard breach: … - summary",          for notifications
 *      "mrkdwn": false, "link_names": false, "unfurl_links": false, "unfurl_media": false,
 *      "blocks": [header: the title
 *                 section: summary and description, plain
 *                 section with fields: where, limit, deployment, stream, phase, metric
 *                 section: what guardraild does, why, and how the release stands, plain
 *                 section: links, with names
 *                 section: commands to paste
 *                 context: time, reference, record, audit log]}
 *
 * Foreign text is cut to Slack's limits after escaping, and stays some way below the undocumented total of about 13 000. It is plain text or a
 * code span, so that nothing in it is markup. A webhook's secret is the address; there is no idempotency key, so the reference is shown: a message that came
 * twice can be told. */
#include "config.h"
#include "sender_text.h"

#include "guardrail/duration.h"
#include "guardrail/quote.h"

#define HEADER_MAX 150u /* Slack's */
#define TEXT_MAX 500u
#define SECTION_MAX 2500u /* Slack: 3000 */
#define FIELD_MAX 300u    /* Slack: 2000 */
#define ACTION_MAX 900u   /* three of them in one section */
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
    put_field(b, text, &first, "Where", gr_buf_str(&slice));
    put_field(b, text, &first, "Limit", m->limit);
    put_field(b, text, &first, "Deployment", m->deployment_id);
    put_field(b, text, &first, "Release", gr_buf_str(&stream));
    put_field(b, text, &first, "Phase", m->phase);
    put_field(b, text, &first, "Metric", m->source);
    gr_buf_puts(b, "]}");
    if (first && gr_buf_err(b) == GR_OK)
        gr_buf_cut(b, before); /* no field: Slack refuses an empty list */
    if (gr_buf_err(&stream) != GR_OK || gr_buf_err(&slice) != GR_OK)
        b->err = GR_ENOMEM;
    gr_buf_fini(&stream);
    gr_buf_fini(&slice);
}

static void
put_section(struct gr_buf *b, struct gr_buf *text, const char *type)
{
    if (text->n == 0)
        return;
    gr_buf_printf(b, ",{\"type\":\"section\",\"text\":{\"type\":\"%s\",\"text\":", type);
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
put_acts(struct gr_buf *b, struct gr_buf *text, const struct message *m)
{
    struct gr_buf action = GR_BUF_INIT(1 << 20);

    sender_action(&action, m);
    put_words(text, "guardraild: ", gr_buf_str(&action), ACTION_MAX);
    put_words(text, "Why: ", m->reason, ACTION_MAX);
    put_words(text, "Now: ", m->now, ACTION_MAX);
    put_section(b, text, "plain_text");
    if (gr_buf_err(&action) != GR_OK)
        b->err = gr_buf_err(&action);
    gr_buf_fini(&action);
}

static void
put_links(struct gr_buf *b, struct gr_buf *text, const struct message *m)
{
    struct sender_link links[SENDER_LINKS_MAX];
    size_t n = sender_links(m, links);

    for (size_t i = 0; i < n && text->n + links[i].url.n * 5 < SECTION_MAX; i++) {
        gr_buf_puts(text, i > 0 ? "  |  <" : "<");
        gr_quote_slack(text, links[i].url);
        gr_buf_printf(text, "|%s>", links[i].name);
    }
    put_section(b, text, "mrkdwn");
}

static void
put_command(void *arg, const char *what, struct gr_str command)
{
    struct gr_buf *text = arg;

    if (text->n + command.n > SECTION_MAX)
        return;
    gr_buf_printf(text, "%s%s: `", text->n > 0 ? "\n" : "", what);
    gr_quote_slack(text, command);
    gr_buf_putc(text, '`');
}

static void
put_code(struct gr_buf *text, const char *name, struct gr_str value)
{
    if (value.n == 0)
        return;
    gr_buf_printf(text, " | %s: `", name);
    sender_put(text, value, gr_quote_slack, CONTEXT_MAX);
    gr_buf_putc(text, '`');
}

static void
put_context(struct gr_buf *b, struct gr_buf *text, const struct message *m)
{
    gr_time_print(text, m->at_ms);
    put_code(text, "ref", m->reference);
    put_code(text, "record", m->record_path);
    put_code(text, "audit", m->audit_head);
    gr_buf_puts(b, ",{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":");
    put_json(b, text);
    gr_buf_puts(b, "}]}");
}

static void
put_body(struct gr_buf *b, struct gr_buf *text, const struct message *m, const struct message *newest)
{
    bool acts_first = m->kind == MESSAGE_HELD || m->kind == MESSAGE_OUTCOME;

    if (acts_first)
        put_acts(b, text, m);
    put_words(text, "", m->summary, SECTION_MAX / 2);
    put_words(text, "", m->description, SECTION_MAX / 2 - 1);
    put_section(b, text, "plain_text");
    put_fields(b, text, m);
    if (!acts_first)
        put_acts(b, text, m);
    put_links(b, text, m);
    sender_commands(newest, put_command, text);
    put_section(b, text, "mrkdwn");
}

void
slack_put_members(struct gr_buf *b, const struct message *m, const struct message *newest)
{
    struct gr_buf title = GR_BUF_INIT(1 << 16), text = GR_BUF_INIT(1 << 16);

    sender_headline(&title, newest);
    sender_put(&text, gr_buf_str(&title), gr_quote_slack, TEXT_MAX);
    gr_buf_puts(b, "\"text\":");
    put_json(b, &text);
    gr_buf_puts(b, ",\"link_names\":false,\"blocks\":[{\"type\":\"header\",\"text\":"
                   "{\"type\":\"plain_text\",\"emoji\":false,\"text\":");
    gr_buf_reset(&title);
    sender_title(&title, newest);
    sender_put(&text, gr_buf_str(&title), gr_quote_slack, HEADER_MAX);
    put_json(b, &text);
    gr_buf_puts(b, "}}");
    if (m->kind == MESSAGE_ACKED || m->kind == MESSAGE_CLOSED)
        put_acts(b, &text, m); /* the rest stands above it in the thread */
    else
        put_body(b, &text, m, newest);
    put_context(b, &text, m);
    gr_buf_putc(b, ']');
    if (gr_buf_err(&title) != GR_OK)
        b->err = gr_buf_err(&title);
    if (gr_buf_err(&text) != GR_OK)
        b->err = gr_buf_err(&text);
    gr_buf_fini(&title);
    gr_buf_fini(&text);
}

/* -- incoming webhooks ----------------------------------------------------------------------------------------------------- */

void
slack_encode(struct gr_buf *b, const struct policy_action *action, const struct message *m,
             struct gr_str secret)
{
    (void)action; /* the address fixes the channel */
    (void)secret;
    gr_buf_puts(b, "{\"mrkdwn\":false,\"unfurl_links\":false,\"unfurl_media\":false,");
    slack_put_members(b, m, m);
    gr_buf_putc(b, '}');
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
