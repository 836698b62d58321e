/* sender_jira.c - Jira: an issue for each breach, comments when it comes again.
 *
 * The secret tells which Jira it is: "email:token" is Cloud (REST v3, basic, texts as documents), a bare token Data Center (REST v2,
 * Bearer, wiki texts). Nothing is idempotent there, so an issue carries two labels, gr-<32 hex> of the effect's key and of the
 * incident's, and both are searched before anything is created:
 *     the effect's own label           it has arrived before: done
 *     the incident's, issue not done   a comment
 *     the incident's, issue done       the transition `reopen` and a comment, if the policy names one and the workflow has it
 *     neither                          create
 *     it is over, issue not done    the transition `close` and a comment
 * The index lags: a message that may have arrived (any attempt but the first) is searched twice, ten seconds apart. Comments carry the mark of their
 * effect and are looked through before one is made again. */
#include "config.h"
#include "sender_call.h"
#include "sender_text.h"

#include "guardrail/duration.h"
#include "guardrail/quote.h"
#include "jread.h"
#include "jw.h"

#define SETTLE_MS 10000
#define SUMMARY_MAX 255u
#define TEXT_MAX 4000u /* of one text; all of them stay below Jira's 32767 */
#define FACT_MAX 400u
#define ARENA_BYTES_MAX (16u << 20)

struct jira {
    struct sender_call *call;
    struct gr_arena *arena;
    bool cloud;
    struct gr_buf effect, incident; /* the two labels */
    struct gr_str key;              /* of the issue found */
    bool own, done;                 /* it is this very message's; its status is a final one */
};

/* -- requests ------------------------------------------------------------------------------------------------------------ */

static void
base64(struct gr_buf *b, struct gr_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t v = 0;

        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < s.n ? (unsigned char)s.p[i + k] : 0u);
        gr_buf_putc(b, digits[v >> 18]);
        gr_buf_putc(b, digits[v >> 12 & 63]);
        gr_buf_putc(b, i + 1 < s.n ? digits[v >> 6 & 63] : '=');
        gr_buf_putc(b, i + 2 < s.n ? digits[v & 63] : '=');
    }
}

static void
authorize(struct jira *j)
{
    struct sender_call *c = j->call;
    size_t at = gr_str_find(c->secret, GR_STR("@"), 0);

    j->cloud = at != SIZE_MAX && gr_str_find(c->secret, GR_STR(":"), at) != SIZE_MAX;
    gr_buf_puts(&c->header, j->cloud ? "Basic " : "Bearer ");
    if (j->cloud)
        base64(&c->header, c->secret);
    else
        gr_buf_put(&c->header, c->secret);
}

/* Below /rest/api/N; a body makes it a POST. True: 2xx. */
static bool
ask(struct jira *j, const char *what, struct gr_str path, struct gr_str body)
{
    struct gr_buf url = GR_BUF_INIT(8192);
    bool ok = false;

    sender_url(&url, j->call->action, j->cloud ? "/rest/api/3" : "/rest/api/2");
    gr_buf_put(&url, path);
    if (gr_buf_err(&url) != GR_OK)
        sender_say(j->call, SENDER_NEVER, "%s: the address is too long", what);
    else
        ok = sender_ask(j->call,
                        &(struct sender_question){
                            .what = what, .post = body.p != NULL, .url = gr_buf_str(&url), .body = body}) ==
             SENDER_DONE;
    gr_buf_fini(&url);
    return ok;
}

/* The answer as a tree; NULL: it is none of Jira's, and *result says so. */
static const struct gr_node *
answer(struct jira *j, const char *what)
{
    const struct gr_node *root = NULL;

    if (jread(j->arena, gr_buf_str(&j->call->response.body), &root) == GR_OK && root->kind == GR_NODE_MAP)
        return root;
    sender_say(j->call, SENDER_NEVER, "%s: the answer is not Jira's", what);
    return NULL;
}

/* Whether the text could be built; otherwise *result says why not. */
static bool
built(struct jira *j, const struct gr_buf *b)
{
    return sender_built(j->call, gr_buf_err(b));
}

/* -- texts --------------------------------------------------------------------------------------------------------------- */

/* Paragraphs and facts, as a document or as wiki text. */
struct page {
    struct jw *w;     /* Cloud */
    struct gr_buf *b; /* Data Center */
    bool list;        /* facts are being listed */
};

static void
put_run(struct page *p, struct gr_str text, const char *mark, struct gr_str href)
{
    jw_open(p->w, NULL, '{');
    jw_text(p->w, "type", "text");
    jw_str(p->w, "text", text);
    if (mark) {
        jw_open(p->w, "marks", '[');
        jw_open(p->w, NULL, '{');
        jw_text(p->w, "type", mark);
        if (href.n > 0) {
            jw_open(p->w, "attrs", '{');
            jw_str(p->w, "href", href);
            jw_close(p->w, '}');
        }
        jw_close(p->w, '}');
        jw_close(p->w, ']');
    }
    jw_close(p->w, '}');
}

static void
open_block(struct page *p, const char *type)
{
    jw_open(p->w, NULL, '{');
    jw_text(p->w, "type", type);
    jw_open(p->w, "content", '[');
}

static void
close_block(struct page *p)
{
    jw_close(p->w, ']');
    jw_close(p->w, '}');
}

/* Name and text; a text alone without a name; a link with an address. */
static void
put_line(struct page *p, const char *name, struct gr_str text, size_t max, struct gr_str href)
{
    struct gr_buf cut = GR_BUF_INIT(1 << 16);

    sender_put(&cut, text, sender_plain, max);
    if (p->w) {
        open_block(p, "paragraph");
        if (name)
            put_run(p, gr_str(name), "strong", GR_STR_NONE);
        put_run(p, gr_buf_str(&cut), href.n > 0 ? "link" : NULL, href);
        close_block(p);
        if (gr_buf_err(&cut) != GR_OK)
            p->w->b->err = gr_buf_err(&cut);
    } else {
        if (name) /* bold ends at a letter, not at a blank */
            gr_buf_printf(p->b, "*%.*s* ", (int)strlen(name) - 1, name);
        if (href.n > 0)
            gr_buf_printf(p->b, "[" GR_FMT "|" GR_FMT "]", GR_ARG(text), GR_ARG(href));
        else
            gr_quote_wiki(p->b, gr_buf_str(&cut));
        gr_buf_puts(p->b, p->list ? "\n" : "\n\n");
        if (gr_buf_err(&cut) != GR_OK)
            p->b->err = gr_buf_err(&cut);
    }
    gr_buf_fini(&cut);
}

static void
put_text(struct page *p, struct gr_str text, size_t max)
{
    if (text.n > 0)
        put_line(p, NULL, text, max, GR_STR_NONE);
}

static void
put_fact(struct page *p, const char *name, struct gr_str text, struct gr_str href)
{
    if (text.n == 0)
        return;
    if (!p->list && p->w)
        open_block(p, "bulletList");
    p->list = true;
    if (p->w)
        open_block(p, "listItem");
    else
        gr_buf_puts(p->b, "* ");
    put_line(p, name, text, FACT_MAX, href);
    if (p->w)
        close_block(p);
}

static void
end_facts(struct page *p)
{
    if (p->list && p->w)
        close_block(p);
    else if (p->list)
        gr_buf_puts(p->b, "\n");
    p->list = false;
}

static void
put_labels(struct page *p, const char *name, struct label_set labels)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20);

    labels_print(&text, labels);
    put_fact(p, name, gr_buf_str(&text), GR_STR_NONE);
    if (gr_buf_err(&text) != GR_OK)
        (p->w ? p->w->b : p->b)->err = gr_buf_err(&text);
    gr_buf_fini(&text);
}

static void
put_link(struct page *p, const char *name, struct gr_str url)
{
    bool wiki = !p->w && (gr_str_find(url, GR_STR("]"), 0) != SIZE_MAX ||
                          gr_str_find(url, GR_STR("{"), 0) != SIZE_MAX);

    if (sender_link_ok(url) && !wiki)
        put_fact(p, NULL, gr_str(name), url);
}

static void
put_command(void *arg, const char *what, struct gr_str command)
{
    struct gr_buf *text = arg;

    if (text->n + command.n < TEXT_MAX)
        gr_buf_printf(text, "%s%s: " GR_FMT, text->n > 0 ? "\n" : "", what, GR_ARG(command));
}

/* As they are: a wiki would make dashes of options. Nothing but plain names stands in them. */
static void
put_commands(struct page *p, const struct message *m)
{
    struct gr_buf text = GR_BUF_INIT(1 << 16);

    sender_commands(m, put_command, &text);
    if (text.n > 0 && p->w) {
        open_block(p, "codeBlock");
        put_run(p, gr_buf_str(&text), NULL, GR_STR_NONE);
        close_block(p);
    } else if (text.n > 0) {
        gr_buf_printf(p->b, "{noformat}\n" GR_FMT "\n{noformat}\n", GR_ARG(gr_buf_str(&text)));
    }
    if (gr_buf_err(&text) != GR_OK)
        (p->w ? p->w->b : p->b)->err = gr_buf_err(&text);
    gr_buf_fini(&text);
}

static void
put_facts(struct page *p, const struct jira *j)
{
    const struct message *m = j->call->m;
    struct gr_buf time = GR_BUF_INIT(64), action = GR_BUF_INIT(1 << 20);
    struct sender_link links[SENDER_LINKS_MAX];
    size_t n = sender_links(m, links);

    put_fact(p, "Deployment: ", m->deployment_id, GR_STR_NONE);
    put_labels(p, "Release: ", m->stream);
    put_fact(p, "Phase: ", m->phase, GR_STR_NONE);
    put_labels(p, "Where: ", m->slice);
    put_fact(p, "Metric: ", m->source, GR_STR_NONE);
    put_fact(p, "Limit: ", m->limit, GR_STR_NONE);
    sender_action(&action, m);
    put_fact(p, "guardraild: ", gr_buf_str(&action), GR_STR_NONE);
    put_fact(p, "Why: ", m->reason, GR_STR_NONE);
    put_fact(p, "Now: ", m->now, GR_STR_NONE);
    gr_time_print(&time, m->at_ms);
    put_fact(p, "At: ", gr_buf_str(&time), GR_STR_NONE);
    put_fact(p, "Reference: ", m->reference, GR_STR_NONE);
    put_fact(p, "Record: ", m->record_path, GR_STR_NONE);
    put_fact(p, "Audit log: ", m->audit_head, GR_STR_NONE);
    put_fact(p, "Mark: ", gr_buf_str(&j->effect), GR_STR_NONE);
    for (size_t i = 0; i < n; i++)
        put_link(p, links[i].name, links[i].url);
    end_facts(p);
    put_commands(p, m);
    if (gr_buf_err(&action) != GR_OK)
        (p->w ? p->w->b : p->b)->err = gr_buf_err(&action);
    gr_buf_fini(&action);
    gr_buf_fini(&time);
}

/* That it is over: the rest stands above. */
static void
put_end(struct page *p, const struct jira *j)
{
    const struct message *m = j->call->m;
    struct gr_buf time = GR_BUF_INIT(64);

    put_text(p, m->reason, TEXT_MAX);
    put_fact(p, "Now: ", m->now, GR_STR_NONE);
    gr_time_print(&time, m->at_ms);
    put_fact(p, "At: ", gr_buf_str(&time), GR_STR_NONE);
    put_fact(p, "Mark: ", gr_buf_str(&j->effect), GR_STR_NONE);
    end_facts(p);
    gr_buf_fini(&time);
}

/* The member `name`: the message's text in Jira's form. first: a line above it, or NULL. */
static void
put_page(struct jira *j, struct jw *w, const char *name, struct gr_str first)
{
    const struct message *m = j->call->m;
    struct gr_buf wiki = GR_BUF_INIT(1 << 20);
    struct page p = {.w = j->cloud ? w : NULL, .b = &wiki};

    if (j->cloud) {
        jw_open(w, name, '{');
        jw_text(w, "type", "doc");
        jw_i64(w, "version", 1);
        jw_open(w, "content", '[');
    }
    put_text(&p, first, TEXT_MAX);
    if (m->kind == MESSAGE_CLOSED) {
        put_end(&p, j);
    } else {
        put_text(&p, m->summary, TEXT_MAX);
        put_text(&p, m->description, TEXT_MAX);
        put_facts(&p, j);
    }
    if (j->cloud) {
        jw_close(w, ']');
        jw_close(w, '}');
    } else {
        jw_str(w, name, gr_buf_str(&wiki));
        if (gr_buf_err(&wiki) != GR_OK)
            w->b->err = gr_buf_err(&wiki);
    }
    gr_buf_fini(&wiki);
}

/* -- search -------------------------------------------------------------------------------------------------------------- */

/* One issue of the answer: ours before all, then the newest that is not done, then the newest. */
static void
consider(struct jira *j, const struct gr_node *issue)
{
    const struct gr_node *fields = gr_node_get(issue, "fields");
    const struct gr_node *labels = gr_node_get(fields, "labels");
    struct gr_str category = jread_str(gr_node_get(gr_node_get(fields, "status"), "statusCategory"), "key");
    bool own = false, done = gr_str_is(category, "done");

    if (labels && labels->kind == GR_NODE_LIST)
        gr_node_each (label, labels)
            own |= label->kind == GR_NODE_SCALAR && gr_str_eq(label->text, gr_buf_str(&j->effect));
    if (j->key.n > 0 && (j->own || (!own && (done || !j->done))))
        return;
    j->key = jread_str(issue, "key");
    j->own = own;
    j->done = done;
}

/* False: *result says why. */
static bool
search(struct jira *j)
{
    struct gr_buf jql = GR_BUF_INIT(4096), body = GR_BUF_INIT(8192), project = GR_BUF_INIT(1024);
    struct jw w = JW_INIT(&body);
    const struct gr_node *root = NULL, *issues;

    gr_quote_json(&project, j->call->action->project); /* JQL escapes " and \ in the same way */
    gr_buf_printf(&jql, "project = %s AND labels in (\"%s\", \"%s\") ORDER BY created DESC",
                  gr_buf_cstr(&project), gr_buf_cstr(&j->effect), gr_buf_cstr(&j->incident));
    jw_open(&w, NULL, '{');
    jw_str(&w, "jql", gr_buf_str(&jql));
    jw_i64(&w, "maxResults", 50);
    jw_open(&w, "fields", '[');
    jw_text(&w, NULL, "labels");
    jw_text(&w, NULL, "status");
    jw_close(&w, ']');
    jw_close(&w, '}');
    j->key = GR_STR_NONE;
    if (built(j, &jql) && built(j, &body) &&
        ask(j, "search", j->cloud ? GR_STR("/search/jql") : GR_STR("/search"), gr_buf_str(&body)))
        root = answer(j, "search");
    issues = gr_node_get(root, "issues");
    if (root && (!issues || issues->kind != GR_NODE_LIST)) {
        sender_say(j->call, SENDER_NEVER, "search: the answer is not Jira's");
        root = NULL;
    }
    if (root)
        gr_node_each (issue, issues)
            consider(j, issue);
    gr_buf_fini(&project);
    gr_buf_fini(&jql);
    gr_buf_fini(&body);
    return root != NULL;
}

/* -- what is done -------------------------------------------------------------------------------------------------------- */

static void
create(struct jira *j)
{
    const struct policy_action *a = j->call->action;
    struct gr_buf body = GR_BUF_INIT(1 << 20), title = GR_BUF_INIT(1 << 20), cut = GR_BUF_INIT(1024);
    struct jw w = JW_INIT(&body);
    const struct gr_node *root;

    sender_headline(&title, j->call->m);
    sender_put(&cut, gr_buf_str(&title), sender_plain, SUMMARY_MAX);
    jw_open(&w, NULL, '{');
    jw_open(&w, "fields", '{');
    jw_open(&w, "project", '{');
    jw_str(&w, "key", a->project);
    jw_close(&w, '}');
    jw_open(&w, "issuetype", '{');
    jw_str(&w, "name", a->issue_type.n > 0 ? a->issue_type : GR_STR("Task"));
    jw_close(&w, '}');
    jw_str(&w, "summary", gr_buf_str(&cut));
    put_page(j, &w, "description", GR_STR_NONE);
    jw_open(&w, "labels", '[');
    jw_text(&w, NULL, "guardrail");
    jw_str(&w, NULL, gr_buf_str(&j->effect));
    if (!gr_str_eq(gr_buf_str(&j->effect), gr_buf_str(&j->incident)))
        jw_str(&w, NULL, gr_buf_str(&j->incident));
    jw_close(&w, ']');
    jw_close(&w, '}');
    jw_close(&w, '}');
    if (built(j, &title) && built(j, &cut) && built(j, &body) &&
        ask(j, "create", GR_STR("/issue"), gr_buf_str(&body))) {
        root = answer(j, "create"); /* made all the same: what it says is only for the log */
        sender_say(j->call, SENDER_DONE, "created " GR_FMT, GR_ARG(jread_str(root, "key")));
    }
    gr_buf_fini(&title);
    gr_buf_fini(&cut);
    gr_buf_fini(&body);
}

/* Below the issue found; false: its key is none, or no memory. */
static bool
issue_path(struct jira *j, struct gr_buf *path, const char *what)
{
    gr_buf_puts(path, "/issue/");
    gr_http_encode(path, j->key);
    gr_buf_puts(path, what);
    return built(j, path);
}

/* Whether this message stands there as a comment. False also when *result says that it could not be told: then `failed`. */
static bool
is_commented(struct jira *j, bool *failed)
{
    struct gr_buf path = GR_BUF_INIT(1024);
    bool found = false;

    *failed = !issue_path(j, &path, "/comment?orderBy=-created&maxResults=100") ||
              !ask(j, "comments", gr_buf_str(&path), GR_STR_NONE);
    if (!*failed)
        found = gr_str_find(gr_buf_str(&j->call->response.body), gr_buf_str(&j->effect), 0) != SIZE_MAX;
    gr_buf_fini(&path);
    return found;
}

static void
comment(struct jira *j)
{
    struct gr_buf path = GR_BUF_INIT(1024), body = GR_BUF_INIT(1 << 20), title = GR_BUF_INIT(1 << 20);
    struct jw w = JW_INIT(&body);
    bool failed = false;

    if (j->call->m->attempt > 1 && is_commented(j, &failed)) {
        sender_say(j->call, SENDER_DONE, "commented on " GR_FMT " before", GR_ARG(j->key));
    } else if (!failed) {
        sender_title(&title, j->call->m);
        jw_open(&w, NULL, '{');
        put_page(j, &w, "body", gr_buf_str(&title));
        jw_close(&w, '}');
        if (built(j, &title) && built(j, &body) && issue_path(j, &path, "/comment") &&
            ask(j, "comment", gr_buf_str(&path), gr_buf_str(&body)))
            sender_say(j->call, SENDER_DONE, "commented on " GR_FMT, GR_ARG(j->key));
    }
    gr_buf_fini(&title);
    gr_buf_fini(&path);
    gr_buf_fini(&body);
}

/* The id of the transition of that name; none: the workflow does not have it there. False: *result says why. */
static bool
find_transition(struct jira *j, struct gr_str name, struct gr_str *id)
{
    struct gr_buf path = GR_BUF_INIT(1024);
    const struct gr_node *root = NULL, *list;

    if (issue_path(j, &path, "/transitions") && ask(j, "transitions", gr_buf_str(&path), GR_STR_NONE))
        root = answer(j, "transitions");
    gr_buf_fini(&path);
    *id = GR_STR_NONE;
    list = gr_node_get(root, "transitions");
    if (list && list->kind == GR_NODE_LIST)
        gr_node_each (t, list)
            if (gr_str_eq(jread_str(t, "name"), name))
                *id = jread_str(t, "id");
    return root != NULL;
}

static bool
do_transition(struct jira *j, struct gr_str id)
{
    struct gr_buf path = GR_BUF_INIT(1024), body = GR_BUF_INIT(1024);
    struct jw w = JW_INIT(&body);
    bool ok;

    jw_open(&w, NULL, '{');
    jw_open(&w, "transition", '{');
    jw_str(&w, "id", id);
    jw_close(&w, '}');
    jw_close(&w, '}');
    ok = built(j, &body) && issue_path(j, &path, "/transitions") &&
         ask(j, "transition", gr_buf_str(&path), gr_buf_str(&body));
    gr_buf_fini(&path);
    gr_buf_fini(&body);
    return ok;
}

/* The issue is done and its breach is back. */
static void
come_again(struct jira *j)
{
    struct gr_str id = GR_STR_NONE, name = j->call->action->reopen;

    if (name.n > 0 && !find_transition(j, name, &id))
        return;
    if (id.n == 0)
        create(j);
    else if (do_transition(j, id))
        comment(j);
}

/* The breach is over: the transition that the policy names, and a comment that says why. */
static void
close_issue(struct jira *j)
{
    struct gr_str id = GR_STR_NONE;

    if (j->key.n == 0)
        sender_say(j->call, SENDER_DONE, "there is no issue of it");
    else if (j->done)
        sender_say(j->call, SENDER_DONE, GR_FMT " is done already", GR_ARG(j->key));
    else if (!find_transition(j, j->call->action->close, &id))
        return;
    else if (id.n == 0)
        sender_say(j->call, SENDER_NEVER, GR_FMT " has no such transition now: " GR_FMT, GR_ARG(j->key),
                   GR_ARG(j->call->action->close));
    else if (do_transition(j, id))
        comment(j);
}

static void
run(struct jira *j)
{
    int64_t settle = j->call->env->settle_ms > 0 ? j->call->env->settle_ms : SETTLE_MS;

    if (!search(j))
        return;
    if (j->call->m->kind == MESSAGE_CLOSED) {
        close_issue(j);
        return;
    }
    if (!j->own && j->call->m->attempt > 1 && (!sender_wait(j->call, settle) || !search(j)))
        return;
    if (j->own)
        sender_say(j->call, SENDER_DONE, "created " GR_FMT " before", GR_ARG(j->key));
    else if (j->key.n > 0)
        j->done ? come_again(j) : comment(j);
    else
        create(j);
}

void
jira_send(struct sender_call *c)
{
    struct jira j = {.call = c,
                     .arena = gr_arena_create(ARENA_BYTES_MAX),
                     .effect = GR_BUF_INIT(64),
                     .incident = GR_BUF_INIT(64)};
    struct gr_str told = c->m->dedup_key.n > 0 ? c->m->dedup_key : c->m->reference;

    sender_mark(&j.effect, c->m->kind == MESSAGE_CLOSED && c->m->key.n > 0 ? c->m->key : told);
    sender_mark(&j.incident, c->m->incident.n > 0 ? c->m->incident : told);
    authorize(&j);
    if (!j.arena || gr_buf_err(&j.effect) != GR_OK || gr_buf_err(&j.incident) != GR_OK)
        sender_say(c, SENDER_LATER, "out of memory");
    else if (j.effect.n == 0)
        sender_say(c, SENDER_NEVER, "a message without a key would be created again and again");
    else
        run(&j);
    gr_arena_free(j.arena);
    gr_buf_fini(&j.effect);
    gr_buf_fini(&j.incident);
}

bool
jira_follows(const struct policy_action *action, enum message_kind kind)
{
    return kind == MESSAGE_CLOSED && action->close.n > 0;
}
