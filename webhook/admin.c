#include "config.h"
#include "admin.h"

#include <stdio.h>
#include "checks.h"
#include "confirm.h"
#include "expand.h"
#include "guardrail/duration.h"
#include "guardrail/number.h"
#include "recorder.h"

#define BY_BYTES_MAX (RELEASE_WHO_BYTES - 1u)
#define REASON_BYTES_MAX (RELEASE_WHY_BYTES - 1u)
/* An operator waits a little for the decision record, so that it is there when the command returns. */
#define RECORD_WAIT_MS 3000

/* One verb on its way through the store. */
struct verb {
    struct request *q;
    struct release_act act;
    enum gr_err (*change)(struct db *db, struct release *r, const struct release_act *act,
                          struct gr_buf *why);
    struct release release;
    struct gr_buf why;
    /* start */
    struct label_set stream;
    struct gr_str deployment_id;
    /* advance */
    int64_t version;
    bool override;
    /* override for a time, ack */
    int64_t until_ms;
    struct gr_str guardrail;
    struct release_acked acked;
    bool yes;   /* confirm; cancel by force */
    bool asked; /* cancel: the executor will end it */
};

/* ---- reading the request ---- */

bool
admin_read_text(struct request *q, const struct gr_node *map, const char *name, size_t max, bool needed,
                struct gr_str *out)
{
    const struct gr_node *n = gr_node_get(map, name);

    *out = GR_STR("");
    if (!n && !needed)
        return true;
    if (!n || n->kind != GR_NODE_SCALAR || n->style != GR_STYLE_QUOTED ||
        (needed && gr_str_trim(n->text).n == 0))
        request_error(q, 400, "\"%s\" must be a text%s", name, needed ? " that is not empty" : "");
    else if (n->text.n > max)
        request_error(q, 400, "\"%s\" is longer than %zu bytes", name, max);
    else {
        *out = n->text;
        return true;
    }
    return false;
}

bool
admin_read_act(struct request *q, struct release_act *act, bool reason_needed, const struct gr_node **map)
{
    struct gr_buf error = GR_BUF_INIT(1024);
    enum gr_err err = api_read_body(q, map, &error);

    if (err != GR_OK)
        request_error_of(q, err, gr_buf_cstr(&error));
    gr_buf_fini(&error);
    if (err != GR_OK || !admin_read_text(q, *map, "by", BY_BYTES_MAX, true, &act->by) ||
        !admin_read_text(q, *map, "reason", REASON_BYTES_MAX, reason_needed, &act->reason))
        return false;
    if (gr_str_is(act->by, "guardraild")) {
        request_error(q, 400, "\"by\" must name a person");
        return false;
    }
    act->now_ms = app_now_ms();
    act->drive = app_acts(q->app);
    return admin_read_text(q, *map, "commander", BY_BYTES_MAX, false, &act->commander);
}

bool
admin_read_until(struct request *q, const struct gr_node *map, int64_t max_ms, int64_t now_ms,
                 int64_t *until_ms)
{
    struct gr_str span, until;
    int64_t ms = 0;

    *until_ms = 0;
    if (!admin_read_text(q, map, "for", 64, false, &span) ||
        !admin_read_text(q, map, "until", 64, false, &until))
        return false;
    if (span.n == 0 && until.n == 0)
        return true;
    if (span.n > 0 && until.n > 0) {
        request_error(q, 400, "\"for\" and \"until\" exclude each other");
        return false;
    }
    if (span.n > 0 ? gr_duration_parse(span, &ms) != GR_OK : gr_time_parse(until, &ms) != GR_OK) {
        request_error(q, 400,
                      span.n > 0 ? "\"for\" takes a duration, as 30m"
                                 : "\"until\" takes a time, as 2026-11-23T22:30:00Z");
        return false;
    }
    if (until.n > 0)
        ms -= now_ms;
    if (ms < 1000 || ms > max_ms) {
        request_error(q, 400, "it must end in one second at least and %lld hours at most",
                      (long long)(max_ms / 3600000));
        return false;
    }
    *until_ms = now_ms + ms;
    return true;
}

bool
admin_read_number(struct request *q, int64_t *out)
{
    if (gr_parse_i64(gr_str(q->id), 1, INT64_MAX, out) == GR_OK)
        return true;
    request_error(q, 404, "\"%s\" is no number of an effect", q->id);
    return false;
}

static bool
read_stream(struct request *q, const struct gr_node *map, struct label_set *out)
{
    const struct gr_node *n = gr_node_get(map, "stream");
    struct label *items;
    size_t count = 0;

    if (!n || n->kind != GR_NODE_MAP || n->count == 0 || n->count > LABELS_MAX) {
        request_error(q, 400, "\"stream\" must be an object of release labels");
        return false;
    }
    if (!(items = gr_arena_array(q->arena, n->count, sizeof *items))) {
        request_error_of(q, GR_ENOMEM, NULL);
        return false;
    }
    gr_node_each (v, n) {
        if (v->kind != GR_NODE_SCALAR || v->style != GR_STYLE_QUOTED) {
            request_error(q, 400, "\"stream\" must be an object of texts");
            return false;
        }
        items[count++] = (struct label){v->key, v->text};
    }
    if (labels_sort(items, count) != GR_OK) {
        request_error(q, 400, "\"stream\" names a label twice");
        return false;
    }
    *out = (struct label_set){items, count};
    return true;
}

/* ---- answering ---- */

static void
answer(struct verb *v, enum gr_err err, int status)
{
    struct request *q = v->q;
    struct jw w = JW_INIT(&q->out);
    bool acked = v->acked.reviews + v->acked.pages > 0;

    if (err != GR_OK) {
        request_error_of(q, err, err == GR_ENOENT ? "no such deployment" : gr_buf_cstr(&v->why));
        return;
    }
    app_wake(q->app);
    request_answer(q, status);
    jw_open(&w, NULL, '{');
    api_print_release(&w, "release", &v->release);
    if (q->app->recorder)
        jw_bool(&w, "recorded", recorder_wait(q->app->recorder, RECORD_WAIT_MS));
    jw_bool(&w, "asked", v->asked);
    if (acked) {
        jw_i64(&w, "reviews", v->acked.reviews);
        jw_i64(&w, "pages", v->acked.pages);
    }
    jw_close(&w, '}');
    gr_buf_putc(&q->out, '\n');
}

/* ---- start ---- */

static enum gr_err
run_start(struct db *db, void *arg)
{
    struct verb *v = arg;

    gr_buf_reset(&v->why);
    return release_start(db, v->q->app->policies, v->stream, v->deployment_id, &v->act, &v->release, &v->why);
}

static void
name_streams(struct verb *v)
{
    const struct policy *p = policies_current(v->q->app->policies);

    if (policy_stream(p, v->stream))
        return;
    gr_buf_puts(&v->why, "; there is ");
    for (size_t i = 0; i < p->stream_count && i < 20; i++) {
        gr_buf_puts(&v->why, i ? "; " : "");
        labels_print(&v->why, p->streams[i]);
    }
}

void
admin_start(struct request *q)
{
    struct verb v = {.q = q, .why = GR_BUF_INIT(2048)};
    const struct gr_node *map;
    enum gr_err err;

    if (!admin_read_act(q, &v.act, false, &map) || !read_stream(q, map, &v.stream) ||
        !admin_read_text(q, map, "deployment_id", RELEASE_ID_BYTES - 1, true, &v.deployment_id))
        return;
    if (!expand_value_ok(v.deployment_id)) {
        request_error(q, 400,
                      "a deployment id is letters, digits, '.', '_' and '-', at most 128, and starts with a "
                      "letter or digit");
        return;
    }
    err = store_call(q->app->store, run_start, &v);
    if (err == GR_ESTATE)
        name_streams(&v);
    answer(&v, err, 201);
    gr_buf_fini(&v.why);
}

/* ---- advance ---- */

static enum gr_err
run_advance(struct db *db, void *arg)
{
    struct verb *v = arg;
    enum gr_err err;

    gr_buf_reset(&v->why);
    if ((err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release)) != GR_OK)
        return err;
    return release_advance(db, &v->release, v->version, v->override, &v->act, &v->why);
}

/* Programs first, for they take long; the gate last, so that what it saw is fresh; the version catches what
 * came between. */
static bool
gate_opens(struct verb *v, struct gate *g)
{
    struct request *q = v->q;
    struct gate programs = {.count = 0};
    enum gr_err err = gate_ask(q->app, q->arena, gr_str(q->id), app_now_ms(), g);
    bool overridden = g->overridden && g->firm == 0; /* then nothing else is asked */

    if (err == GR_OK && g->release.state == RELEASE_RUNNING && q->app->checks && !overridden) {
        err = checks_run(q->app, q->arena, &g->release, &programs);
        if (err == GR_EAGAIN) {
            request_error(q, 409, "another advance runs its checks; try again");
            return false;
        }
        if (err == GR_OK)
            err = gate_ask(q->app, q->arena, gr_str(q->id), app_now_ms(), g);
    }
    if (err != GR_OK) {
        request_error_of(q, err, err == GR_ENOENT ? "no such deployment" : NULL);
        return false;
    }
    for (size_t i = 0; i < programs.count; i++)
        gate_reason(g, q->arena, GR_FMT, GR_ARG(programs.reasons[i]));
    if (overridden && gate_is_open(g)) {
        v->override = true;
    } else if (g->count > 0) {
        log_event(q->app->log, AT_INFO, "gate closed", "deployment_id", q->id, "reason", g->reasons[0].p,
                  (char *)NULL);
        api_print_gate(q, g, 409);
        return false;
    }
    v->version = g->release.version;
    return true;
}

static enum gr_err
load_version(struct db *db, void *arg)
{
    struct verb *v = arg;
    enum gr_err err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release);

    v->version = v->release.version;
    return err;
}

static enum gr_err
run_override(struct db *db, void *arg)
{
    struct verb *v = arg;
    enum gr_err err;

    gr_buf_reset(&v->why);
    if ((err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release)) != GR_OK)
        return err;
    return release_override(db, &v->release, v->until_ms, &v->act, &v->why);
}

static void
advance(struct request *q, bool override)
{
    struct verb v = {.q = q, .override = override, .why = GR_BUF_INIT(2048)};
    struct gate *g = gr_arena_alloc(q->arena, sizeof *g);
    const struct gr_node *map;
    enum gr_err err = GR_OK;

    if (!g) {
        request_error_of(q, GR_ENOMEM, NULL);
        return;
    }
    if (!admin_read_act(q, &v.act, true, &map) ||
        (override && !admin_read_until(q, map, RELEASE_OVERRIDE_MS_MAX, v.act.now_ms, &v.until_ms)))
        return;
    if (v.until_ms > 0) {
        answer(&v, store_call(q->app->store, run_override, &v), 200);
        goto done;
    }
    if (override)
        err = store_call(q->app->store, load_version, &v);
    else if (!gate_opens(&v, g))
        goto done;
    v.act.now_ms = app_now_ms();
    if (err == GR_OK)
        err = store_call(q->app->store, run_advance, &v);
    answer(&v, err, 200);
done:
    gr_buf_fini(&v.why);
}

void
admin_advance(struct request *q)
{
    advance(q, false);
}

void
admin_override(struct request *q)
{
    advance(q, true);
}

/* ---- abort, hold, resume ---- */

static enum gr_err
run_change(struct db *db, void *arg)
{
    struct verb *v = arg;
    enum gr_err err;

    gr_buf_reset(&v->why);
    if ((err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release)) != GR_OK)
        return err;
    return v->change(db, &v->release, &v->act, &v->why);
}

static void
change(struct request *q,
       enum gr_err (*fn)(struct db *, struct release *, const struct release_act *, struct gr_buf *))
{
    struct verb v = {.q = q, .change = fn, .why = GR_BUF_INIT(2048)};
    const struct gr_node *map;

    if (admin_read_act(q, &v.act, true, &map))
        answer(&v, store_call(q->app->store, run_change, &v), 200);
    gr_buf_fini(&v.why);
}

void
admin_abort(struct request *q)
{
    change(q, release_abort);
}

static enum gr_err
run_hold(struct db *db, void *arg)
{
    struct verb *v = arg;
    enum gr_err err;

    gr_buf_reset(&v->why);
    if ((err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release)) != GR_OK)
        return err;
    return release_hold(db, &v->release, v->until_ms, &v->act, &v->why);
}

void
admin_hold(struct request *q)
{
    struct verb v = {.q = q, .why = GR_BUF_INIT(2048)};
    const struct gr_node *map;

    if (admin_read_act(q, &v.act, true, &map) &&
        admin_read_until(q, map, RELEASE_HOLD_MS_MAX, v.act.now_ms, &v.until_ms)) {
        if (v.until_ms == 0)
            v.until_ms = v.act.now_ms + RELEASE_HOLD_MS_MAX;
        answer(&v, store_call(q->app->store, run_hold, &v), 200);
    }
    gr_buf_fini(&v.why);
}

/* ---- cancel ---- */

static enum gr_err
run_cancel(struct db *db, void *arg)
{
    struct verb *v = arg;
    enum gr_err err;

    gr_buf_reset(&v->why);
    if ((err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release)) != GR_OK)
        return err;
    return release_cancel(db, &v->release, v->yes, &v->asked, &v->act, &v->why);
}

void
admin_cancel(struct request *q)
{
    struct verb v = {.q = q, .why = GR_BUF_INIT(2048)};
    const struct gr_node *map, *force;
    enum gr_err err;

    if (!admin_read_act(q, &v.act, true, &map))
        return;
    force = gr_node_get(map, "force");
    v.yes = force && force->kind == GR_NODE_SCALAR && gr_str_is(force->text, "true");
    err = store_call(q->app->store, run_cancel, &v);
    if (err == GR_OK && v.asked && v.yes)
        atomic_fetch_add(&q->app->cancels, 1);
    answer(&v, err, 200);
    gr_buf_fini(&v.why);
}

void
admin_resume(struct request *q)
{
    change(q, release_resume);
}

void
admin_rearm(struct request *q)
{
    change(q, release_rearm);
}

/* ---- confirm, deny ---- */

static enum gr_err
run_confirm(struct db *db, void *arg)
{
    struct verb *v = arg;
    enum gr_err err;

    gr_buf_reset(&v->why);
    if ((err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release)) != GR_OK)
        return err;
    return (v->yes ? confirm_yes : confirm_no)(db, v->q->arena, &v->release, &v->act, &v->why);
}

static void
confirm(struct request *q, bool yes)
{
    struct verb v = {.q = q, .yes = yes, .why = GR_BUF_INIT(2048)};
    const struct gr_node *map;

    if (admin_read_act(q, &v.act, true, &map))
        answer(&v, store_call(q->app->store, run_confirm, &v), 200);
    gr_buf_fini(&v.why);
}

void
admin_confirm(struct request *q)
{
    confirm(q, true);
}

void
admin_deny(struct request *q)
{
    confirm(q, false);
}

/* ---- ack ---- */

static enum gr_err
run_ack(struct db *db, void *arg)
{
    struct verb *v = arg;
    enum gr_err err;

    gr_buf_reset(&v->why);
    if ((err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release)) != GR_OK)
        return err;
    return release_ack(db, &v->release, v->guardrail, &v->act, &v->acked, &v->why);
}

void
admin_ack(struct request *q)
{
    struct verb v = {.q = q, .why = GR_BUF_INIT(2048)};
    const struct gr_node *map;

    if (admin_read_act(q, &v.act, true, &map) &&
        admin_read_text(q, map, "guardrail", 512, false, &v.guardrail))
        answer(&v, store_call(q->app->store, run_ack, &v), 200);
    gr_buf_fini(&v.why);
}
