/* sender_alerts.c - Opsgenie, and Jira Service Management, which took over its API: /v2/alerts below base_url, GenieKey.
 *
 * An acknowledgement or the end of it is said to the alert of that alias: …/ALIAS/acknowledge, …/ALIAS/close. 202 only promises: what came of it stands at /v2/alerts/requests/ID a moment later, and is asked for a few times. An alert is one as
 * long as it is open and has the same alias, so sending again what may have arrived changes nothing. */
#include "config.h"
#include "sender_call.h"
#include "sender_text.h"

#include "guardrail/duration.h"
#include "guardrail/hash.h"
#include "jread.h"
#include "jw.h"

#define MESSAGE_MAX 130u /* Opsgenie's */
#define ALIAS_MAX 512u
#define DESCRIPTION_MAX 15000u
#define PART_MAX 4000u  /* of the description */
#define DETAIL_MAX 500u /* fourteen of them in 8000 characters */
#define SOURCE_MAX 100u
#define ENTITY_MAX 512u
#define BODY_MAX (1u << 20)
#define ASKS_MAX 4
#define PAUSE_MS 500

static const char *
priority(const struct message *m)
{
    const char *s = sender_severity(m);

    return strcmp(s, "critical") == 0 ? "P1" : strcmp(s, "warning") == 0 ? "P3" : "P5";
}

/* A member, cut; nothing for an empty text. */
static void
put(struct jw *w, const char *name, struct gr_str text, size_t max)
{
    struct gr_buf cut = GR_BUF_INIT(1 << 16);

    if (text.n == 0)
        return;
    sender_put(&cut, text, sender_plain, max);
    jw_str(w, name, gr_buf_str(&cut));
    if (gr_buf_err(&cut) != GR_OK)
        w->b->err = gr_buf_err(&cut);
    gr_buf_fini(&cut);
}

static void
put_labels(struct jw *w, const char *name, struct label_set labels)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20);

    labels_print(&text, labels);
    put(w, name, gr_buf_str(&text), DETAIL_MAX);
    if (gr_buf_err(&text) != GR_OK)
        w->b->err = gr_buf_err(&text);
    gr_buf_fini(&text);
}

static void
put_paragraph(struct gr_buf *b, const char *name, struct gr_str text)
{
    if (text.n == 0)
        return;
    gr_buf_puts(b, b->n > 0 ? "\n\n" : "");
    gr_buf_puts(b, name);
    sender_put(b, text, sender_plain, PART_MAX - 100);
}

static void
put_command(void *arg, const char *what, struct gr_str command)
{
    struct gr_buf *text = arg;

    if (text->n + command.n < DESCRIPTION_MAX - 200)
        gr_buf_printf(text, "%s%s: " GR_FMT, text->n > 0 ? "\n" : "", what, GR_ARG(command));
}

static void
put_description(struct jw *w, const struct message *m)
{
    struct gr_buf text = GR_BUF_INIT(1 << 16), action = GR_BUF_INIT(1 << 20);

    sender_action(&action, m);
    put_paragraph(&text, "", m->summary);
    put_paragraph(&text, "", m->description);
    put_paragraph(&text, "guardraild: ", gr_buf_str(&action));
    if (text.n < DESCRIPTION_MAX - PART_MAX)
        put_paragraph(&text, "Why: ", m->reason);
    if (text.n < DESCRIPTION_MAX - PART_MAX)
        put_paragraph(&text, "Now: ", m->now);
    gr_buf_puts(&text, text.n > 0 ? "\n" : "");
    sender_commands(m, put_command, &text);
    if (gr_buf_err(&action) != GR_OK)
        w->b->err = gr_buf_err(&action);
    gr_buf_fini(&action);
    jw_str(w, "description", gr_buf_str(&text));
    if (gr_buf_err(&text) != GR_OK)
        w->b->err = gr_buf_err(&text);
    gr_buf_fini(&text);
}

static void
put_details(struct jw *w, const struct message *m)
{
    struct sender_link links[SENDER_LINKS_MAX];
    size_t n = sender_links(m, links);

    jw_open(w, "details", '{');
    put(w, "level", gr_str(policy_level_name(m->level)), DETAIL_MAX);
    put(w, "deployment_id", m->deployment_id, DETAIL_MAX);
    put_labels(w, "release", m->stream);
    put(w, "phase", m->phase, DETAIL_MAX);
    put(w, "guardrail", m->guardrail, DETAIL_MAX);
    put(w, "metric", m->source, DETAIL_MAX);
    put_labels(w, "where", m->slice);
    put(w, "limit", m->limit, DETAIL_MAX);
    put(w, "record", m->record_path, DETAIL_MAX);
    put(w, "audit", m->audit_head, DETAIL_MAX);
    put(w, "reference", m->reference, DETAIL_MAX);
    for (size_t i = 0; i < n; i++)
        if (links[i].url.n <= DETAIL_MAX) /* a cut one leads nowhere */
            put(w, links[i].name, links[i].url, DETAIL_MAX);
    jw_close(w, '}');
}

/* A key that is too long keeps its readable head and ends in the hash of the whole. */
static void
print_alias(struct gr_buf *b, const struct message *m)
{
    struct gr_str key = m->dedup_key.n > 0 ? m->dedup_key : m->reference;
    char hex[GR_SHA256_HEX + 1];

    if (key.n <= ALIAS_MAX)
        sender_plain(b, key);
    else if (gr_sha256_hex(key, hex) != GR_OK)
        b->err = GR_ENOMEM;
    else {
        sender_put(b, key, sender_plain, ALIAS_MAX - GR_SHA256_HEX - 1);
        gr_buf_printf(b, "-%s", hex);
    }
}

static void
put_alias(struct jw *w, const struct message *m)
{
    struct gr_buf text = GR_BUF_INIT(1024);

    print_alias(&text, m);
    if (text.n > 0)
        jw_str(w, "alias", gr_buf_str(&text));
    if (gr_buf_err(&text) != GR_OK)
        w->b->err = gr_buf_err(&text);
    gr_buf_fini(&text);
}

static void
encode(struct gr_buf *b, const struct policy_action *action, const struct message *m)
{
    struct jw w = JW_INIT(b);
    struct gr_buf title = GR_BUF_INIT(1 << 20);

    sender_title(&title, m);
    jw_open(&w, NULL, '{');
    put(&w, "message", gr_buf_str(&title), MESSAGE_MAX);
    put_alias(&w, m);
    jw_text(&w, "priority", priority(m));
    jw_text(&w, "source", "guardraild");
    put(&w, "entity", m->deployment_id, ENTITY_MAX);
    if (action->team.n > 0) {
        jw_open(&w, "responders", '[');
        jw_open(&w, NULL, '{');
        jw_text(&w, "type", "team");
        jw_str(&w, "name", action->team);
        jw_close(&w, '}');
        jw_close(&w, ']');
    }
    jw_open(&w, "tags", '[');
    jw_text(&w, NULL, "guardrail");
    put(&w, NULL, gr_str(policy_level_name(m->level)), 50);
    jw_close(&w, ']');
    put_description(&w, m);
    put_details(&w, m);
    jw_close(&w, '}');
    if (gr_buf_err(&title) != GR_OK)
        b->err = gr_buf_err(&title);
    gr_buf_fini(&title);
}

/* What is told about an alert that is there. */
static bool
follows(const struct message *m)
{
    return m->kind == MESSAGE_ACKED || m->kind == MESSAGE_CLOSED;
}

/* /v2/alerts, or what is done to the alert of that alias. */
static void
print_url(struct gr_buf *url, const struct sender_call *c)
{
    struct gr_buf alias = GR_BUF_INIT(1024);

    sender_url(url, c->action, "/v2/alerts");
    if (follows(c->m)) {
        print_alias(&alias, c->m);
        gr_buf_putc(url, '/');
        gr_http_encode(url, gr_buf_str(&alias));
        gr_buf_puts(url, c->m->kind == MESSAGE_ACKED ? "/acknowledge" : "/close");
        gr_buf_puts(url, "?identifierType=alias");
        if (gr_buf_err(&alias) != GR_OK)
            url->err = gr_buf_err(&alias);
    }
    gr_buf_fini(&alias);
}

/* Who did it, and why. */
static void
encode_note(struct gr_buf *b, const struct message *m)
{
    struct jw w = JW_INIT(b);

    jw_open(&w, NULL, '{');
    put(&w, "user", m->by, SOURCE_MAX);
    jw_text(&w, "source", "guardraild");
    put(&w, "note", m->reason, PART_MAX);
    jw_close(&w, '}');
}

/* What came of a request: an answer to the question, or none (yet). */
static void
look(struct sender_call *c, struct gr_arena *a, struct gr_str id)
{
    int64_t pause = c->env->settle_ms > 0 ? c->env->settle_ms : PAUSE_MS;
    struct gr_buf url = GR_BUF_INIT(8192);
    const struct gr_node *root = NULL;
    bool known = false;

    sender_url(&url, c->action, "/v2/alerts/requests/");
    gr_http_encode(&url, id);
    for (int i = 0; i < ASKS_MAX && !known && gr_buf_err(&url) == GR_OK && sender_wait(c, pause); i++)
        known = sender_ask(c, &(struct sender_question){.what = "outcome", .url = gr_buf_str(&url)}) ==
                    SENDER_DONE &&
                jread(a, gr_buf_str(&c->response.body), &root) == GR_OK;
    gr_buf_fini(&url);
    root = gr_node_get(root, "data");
    c->result->status = 202;
    c->result->retry_after_ms = -1;
    c->result->maybe_sent = false;
    if (known && !jread_bool(root, "isSuccess") && !jread_bool(root, "success") && follows(c->m))
        sender_say(c, SENDER_DONE, "no alert of it is open there");
    else if (known && !jread_bool(root, "isSuccess") && !jread_bool(root, "success"))
        sender_say(c, SENDER_NEVER, "accepted, but nothing came of it");
    else
        sender_say(c, SENDER_DONE, known ? "there" : "accepted; what came of it is not known yet");
}

void
alerts_send(struct sender_call *c)
{
    struct gr_buf url = GR_BUF_INIT(8192), body = GR_BUF_INIT(BODY_MAX);
    struct gr_arena *a = gr_arena_create(BODY_MAX * 8);
    const struct gr_node *root = NULL;
    enum gr_err err;

    gr_buf_puts(&c->header, "GenieKey ");
    gr_buf_put(&c->header, c->secret);
    print_url(&url, c);
    if (follows(c->m))
        encode_note(&body, c->m);
    else
        encode(&body, c->action, c->m);
    err = a ? gr_buf_err(&body) : GR_ENOMEM;
    if (err == GR_OK)
        err = gr_buf_err(&url);
    if (sender_built(c, err) &&
        sender_ask(c,
                   &(struct sender_question){
                       .what = "alert", .post = true, .url = gr_buf_str(&url), .body = gr_buf_str(&body)}) ==
            SENDER_DONE) {
        if (c->response.status != 202 || jread(a, gr_buf_str(&c->response.body), &root) != GR_OK ||
            jread_str(root, "requestId").n == 0)
            sender_say(c, SENDER_NEVER, "status %ld, but the answer is not Opsgenie's", c->response.status);
        else
            look(c, a, jread_str(root, "requestId"));
    }
    gr_arena_free(a);
    gr_buf_fini(&url);
    gr_buf_fini(&body);
}
