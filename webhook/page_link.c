/* page_link.c - what opens when somebody follows an acknowledgement link: a form (GET, which changes nothing: chat programs fetch links to
 * show what is behind them), and its answer (POST). The link is the right to do it; there is nothing to sign in to.
 *
 * The address must be that of public_url: a link that was made for one guardraild is not taken by another name of it. */
#include "config.h"
#include "form.h"
#include "link_take.h"
#include "page_parts.h"

#include <inttypes.h>
#include <stdio.h>

struct visit {
    struct request *q;
    struct link link;
    struct link_page page;
    struct release_act act;
    struct gr_buf why;
};

/* ---- who comes with what ---- */

enum gr_err
page_link_keys(const struct conf *conf, struct link_keys *keys)
{
    struct gr_buf path = GR_BUF_INIT(4096);
    enum gr_err err;

    gr_buf_printf(&path, GR_FMT "/" GR_FMT, GR_ARG(conf->secrets_dir.n ? conf->secrets_dir : GR_STR(".")),
                  GR_ARG(conf->ack_key_file));
    if ((err = gr_buf_err(&path)) == GR_OK)
        err = link_keys_load(keys, gr_buf_cstr(&path));
    gr_buf_fini(&path);
    return err;
}

/* False: the request is answered. */
static bool
open_link(struct visit *v)
{
    struct request *q = v->q;
    const struct conf *conf = q->app->conf;
    struct link_keys keys = LINK_KEYS_INIT;
    enum gr_err err;

    if (conf->ack_key_file.n == 0) {
        request_error(q, 404, "acknowledgement links are not in use here");
        return false;
    }
    if (!link_host_ok(conf->public_url, gr_str(q->host))) {
        request_error(q, 421, "acknowledgement links are answered at " GR_FMT " alone",
                      GR_ARG(conf->public_url));
        return false;
    }
    if ((err = page_link_keys(conf, &keys)) != GR_OK) {
        log_event(q->app->log, AT_ERROR, "the key of acknowledgement links cannot be read", "file",
                  conf->ack_key_file.p, "error", gr_err_name(err), (char *)NULL);
        request_error(q, 503, "the key of acknowledgement links cannot be read; use guardrailctl ack");
    } else if ((err = link_read(&v->link, &keys, conf->public_url, gr_str(q->id), app_now_ms())) ==
               GR_ERANGE) {
        request_error(q, 410, "it has expired; use guardrailctl ack --page G-%" PRId64, v->link.effect_id);
    } else if (err == GR_EACCES) {
        request_error(
            q, 403,
            "this link is not valid: it was shortened or changed on its way, or its key has been replaced");
    } else if (err != GR_OK) {
        request_error_of(q, err, NULL);
    }
    link_keys_fini(&keys);
    return err == GR_OK;
}

static void
refuse(struct visit *v, enum gr_err err)
{
    if (err == GR_ENOENT)
        request_error(v->q, 403, "this link is not valid here: there is no such page");
    else if (err == GR_ESTATE)
        request_error(v->q, 410, "%s", gr_buf_cstr(&v->why));
    else
        request_error_of(v->q, err, NULL);
}

/* ---- the form ---- */

static void
put_page(struct visit *v, int64_t now_ms)
{
    struct gr_buf *b = &v->q->out;
    const struct outbox_effect *e = &v->page.effect;

    html_put(b, "<div class=\"card %s\">\n<div class=\"title\"><h2>", page_level_sign(e->level).class);
    html_cut(b, e->guardrail.n > 0 ? e->guardrail : e->kind, PAGE_TEXT_BYTES);
    html_put(b, "</h2> ");
    if (e->level.n > 0)
        part_sign(b, page_level_sign(e->level));
    html_put(b, "</div>\n<dl>\n<dt>Page</dt><dd>G-%" PRId64 ", since ", e->id);
    html_time(b, e->created_ms, now_ms);
    html_put(b, " UTC</dd>\n");
    if (e->deployment_id.n > 0) {
        html_put(b, "<dt>Deployment</dt><dd>");
        html_cut(b, e->deployment_id, PAGE_TEXT_BYTES);
        html_put(b, "</dd>\n");
    }
    if (e->phase.n > 0) {
        html_put(b, "<dt>Phase</dt><dd>");
        html_cut(b, e->phase, PAGE_TEXT_BYTES);
        html_put(b, "</dd>\n");
    }
    html_put(b, "<dt>Why</dt><dd>");
    html_cut(b, e->reason, RELEASE_WHY_BYTES);
    html_put(b, "</dd>\n");
    if (v->page.taken_ms > 0) {
        html_put(b, "<dt>Taken</dt><dd>by ");
        html_cut(b, v->page.taken_by, PAGE_TEXT_BYTES);
        html_put(b, " at ");
        html_time(b, v->page.taken_ms, now_ms);
        html_put(b, " UTC</dd>\n");
    } else if (v->page.escalate_ms > 0) {
        html_put(b, "<dt>Next person</dt><dd>at ");
        html_time(b, v->page.escalate_ms, now_ms);
        html_put(b, " UTC, unless somebody takes it</dd>\n");
    }
    html_put(b, "</dl>\n</div>\n");
}

/* wrong: what is to be mended in what was sent; NULL for the first time. */
static void
put_form(struct visit *v, int status, const char *wrong)
{
    struct gr_buf *b = &v->q->out;
    int64_t now = app_now_ms();
    bool open = v->page.used_ms == 0 && v->page.waiting > 0;

    page_begin(v->q, status, &(struct page_head){.title = "Acknowledge a page – guardraild", .form = true});
    html_put(b, "<main>\n<h1>Acknowledge a page</h1>\n");
    put_page(v, now);
    if (!open) {
        html_put(b, "<p><span class=\"chip good\"><span aria-hidden=\"true\">✓</span> taken</span> "
                    "There is nothing left to acknowledge.</p>\n");
    } else {
        if (wrong)
            html_put(
                b,
                "<p id=\"wrong\" role=\"alert\"><span class=\"chip bad\"><span aria-hidden=\"true\">✕</span> "
                "not sent</span> %s</p>\n",
                wrong);
        html_put(
            b,
            "<p>You say that you are looking at it: nobody else is called for this breach. That stops no "
            "rollback, opens no gate, and is no review of a breach that is over.</p>\n"
            "<form method=\"post\" action=\"%s%s\">\n"
            "<label for=\"by\">Your name</label>\n"
            "<input id=\"by\" name=\"by\" required maxlength=\"%u\" autocomplete=\"name\" value=\"" GR_FMT
            "\">\n<label for=\"reason\">Reason</label>\n"
            "<textarea id=\"reason\" name=\"reason\" required rows=\"3\" maxlength=\"%u\">\n" GR_FMT
            "</textarea>\n<div><button type=\"submit\">Acknowledge</button></div>\n</form>\n"
            "<p class=\"soft\">The link can be used once, until ",
            LINK_PATH, v->q->id, RELEASE_WHO_BYTES - 1, GR_ARG(v->act.by), RELEASE_WHY_BYTES - 1,
            GR_ARG(v->act.reason));
        html_time(b, v->link.expires_ms, now);
        html_put(b, " UTC. Your name and the reason go into the audit log.</p>\n");
    }
    html_put(b, "</main>\n");
    page_end(v->q);
}

static enum gr_err
run_look(struct db *db, void *arg)
{
    struct visit *v = arg;

    return link_look(db, v->q->arena, &v->link, &v->page);
}

void
page_link_show(struct request *q)
{
    struct visit v = {.q = q};
    enum gr_err err;

    if (!open_link(&v))
        return;
    if ((err = store_call(q->app->store, run_look, &v)) != GR_OK)
        refuse(&v, err);
    else
        put_form(&v, 200, NULL);
}

/* ---- the answer ---- */

static enum gr_err
run_take(struct db *db, void *arg)
{
    struct visit *v = arg;

    gr_buf_reset(&v->why);
    return link_take(db, v->q->arena, &v->link, &v->act, &v->page, &v->why);
}

/* NULL: all is well. */
static const char *
read_form(struct visit *v)
{
    struct request *q = v->q;
    struct gr_str body = gr_buf_str(&q->body);
    struct gr_str by, reason;

    if (form_field(q->arena, body, "by", &by) != GR_OK ||
        form_field(q->arena, body, "reason", &reason) != GR_OK)
        return "the form came broken";
    if (form_line(q->arena, by, &v->act.by) != GR_OK || form_line(q->arena, reason, &v->act.reason) != GR_OK)
        return "name and reason must be text without control characters";
    if (v->act.by.n == 0 || v->act.reason.n == 0)
        return "a name and a reason are needed";
    if (v->act.by.n >= RELEASE_WHO_BYTES)
        return "the name is too long";
    if (v->act.reason.n >= RELEASE_WHY_BYTES)
        return "the reason is too long";
    return gr_str_is(v->act.by, "guardraild") ? "the name must be a person's" : NULL;
}

static void
put_done(struct visit *v)
{
    struct gr_buf *b = &v->q->out;

    page_begin(v->q, 200, &(struct page_head){.title = "Acknowledged – guardraild"});
    html_put(b, "<main>\n<h1>Acknowledged</h1>\n");
    put_page(v, v->act.now_ms);
    html_put(b,
             "<p><span class=\"chip good\"><span aria-hidden=\"true\">✓</span> acknowledged</span> by " GR_FMT
             ": " GR_FMT "</p>\n<p>%" PRId64 " message%s about this breach go%s to nobody further.",
             GR_ARG(v->act.by), GR_ARG(v->act.reason), v->page.waiting, v->page.waiting == 1 ? "" : "s",
             v->page.waiting == 1 ? "es" : "");
    if (v->page.effect.release_id > 0)
        html_put(b, " <a href=\"/releases/" GR_FMT "\">The release</a>",
                 GR_ARG(v->page.effect.deployment_id));
    html_put(b, "</p>\n</main>\n");
    page_end(v->q);
}

void
page_link_take(struct request *q)
{
    struct visit v = {.q = q, .why = GR_BUF_INIT(2048)};
    const char *wrong;
    enum gr_err err;

    if (!open_link(&v))
        return;
    wrong = read_form(&v);
    v.act.now_ms = app_now_ms();
    err = store_call(q->app->store, wrong ? run_look : run_take, &v);
    if (err != GR_OK) {
        refuse(&v, err);
    } else if (wrong) {
        put_form(&v, 400, wrong);
    } else {
        app_wake(q->app);
        log_event(q->app->log, AT_INFO, "page acknowledged by link", "deployment_id",
                  v.page.effect.deployment_id.p, "by", v.act.by.p, (char *)NULL);
        put_done(&v);
    }
    gr_buf_fini(&v.why);
}
