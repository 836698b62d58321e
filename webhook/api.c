#include "config.h"
#include "api.h"

#include "audit.h"
#include "board.h"
#include "guardrail/diag.h"
#include "guardrail/duration.h"
#include "metrics.h"
#include "outbox.h"
#include "page.h"

/* To add one: a handler, a row here, its line in the man page. */
const struct route routes[] = {
    {"POST", "/v1/alerts", ROLE_INGEST, WORK_INTAKE, NULL},
    {"POST", "/v1/watchdog", ROLE_INGEST, WORK_INTAKE, NULL},
    {"GET", "/", ROLE_READ, WORK_PAGE, page_overview},
    {"GET", "/still", ROLE_READ, WORK_PAGE, page_still},
    {"GET", "/status/{id}", ROLE_READ, WORK_PAGE, page_number},
    {"GET", "/releases/{id}", ROLE_READ, WORK_PAGE, page_release},
    {"GET", "/ack/{id}", ROLE_NONE, WORK_PAGE, page_link_show},
    {"POST", "/ack/{id}", ROLE_NONE, WORK_FORM, page_link_take},
    {"GET", "/healthz", ROLE_NONE, WORK_HERE, api_healthz},
    {"GET", "/readyz", ROLE_NONE, WORK_HERE, api_readyz},
    {"GET", "/metrics", ROLE_READ, WORK_DESK, api_metrics},
    {"GET", "/v1/audit", ROLE_READ, WORK_DESK, api_audit},
    {"GET", "/v1/status", ROLE_READ, WORK_DESK, api_status},
    {"GET", "/v1/deadletters", ROLE_READ, WORK_DESK, api_deadletters},
    {"GET", "/v1/releases", ROLE_READ, WORK_DESK, api_releases},
    {"GET", "/v1/releases/{id}", ROLE_READ, WORK_DESK, api_release},
    {"GET", "/v1/releases/{id}/gate", ROLE_READ, WORK_DESK, api_gate},
    {"GET", "/v1/releases/{id}/verdicts", ROLE_READ, WORK_DESK, api_verdicts},
    {"POST", "/v1/releases/{id}/gate", ROLE_READ, WORK_DESK, api_gate_post},
    {"POST", "/v1/hooks/gate", ROLE_READ, WORK_DESK, hook_gate},
    {"POST", "/v1/hooks/rollback", ROLE_READ, WORK_DESK, hook_rollback},
    {"POST", "/v1/hooks/started", ROLE_READ, WORK_DESK, hook_started},
    {"POST", "/v1/releases", ROLE_ADMIN, WORK_DESK, admin_start},
    {"POST", "/v1/releases/{id}/advance", ROLE_ADMIN, WORK_DESK, admin_advance},
    {"POST", "/v1/releases/{id}/override", ROLE_ADMIN, WORK_DESK, admin_override},
    {"POST", "/v1/releases/{id}/deviate", ROLE_ADMIN, WORK_DESK, admin_deviate},
    {"POST", "/v1/releases/{id}/abort", ROLE_ADMIN, WORK_DESK, admin_abort},
    {"POST", "/v1/releases/{id}/hold", ROLE_ADMIN, WORK_DESK, admin_hold},
    {"POST", "/v1/releases/{id}/resume", ROLE_ADMIN, WORK_DESK, admin_resume},
    {"POST", "/v1/releases/{id}/rearm", ROLE_ADMIN, WORK_DESK, admin_rearm},
    {"POST", "/v1/releases/{id}/cancel", ROLE_ADMIN, WORK_DESK, admin_cancel},
    {"POST", "/v1/releases/{id}/confirm", ROLE_ADMIN, WORK_DESK, admin_confirm},
    {"POST", "/v1/releases/{id}/deny", ROLE_ADMIN, WORK_DESK, admin_deny},
    {"POST", "/v1/releases/{id}/ack", ROLE_ADMIN, WORK_DESK, admin_ack},
    {"POST", "/v1/pages/{id}/ack", ROLE_ADMIN, WORK_DESK, admin_ack_page},
    {"POST", "/v1/deadletters/retry", ROLE_ADMIN, WORK_DESK, admin_letters_retry},
    {"POST", "/v1/deadletters/{id}/retry", ROLE_ADMIN, WORK_DESK, admin_letter_retry},
    {"POST", "/v1/deadletters/{id}/drop", ROLE_ADMIN, WORK_DESK, admin_letter_drop},
};
const size_t route_count = GR_COUNT(routes);

/* ---- shapes ---- */

static void
print_shares(struct jw *w, const struct release *r)
{
    const struct policy_phase *phase = r->phase_row;

    jw_open(w, "traffic_share", '{');
    for (size_t i = 0; i < phase->traffic_count; i++)
        jw_double(w, phase->traffic[i].flow.n ? phase->traffic[i].flow.p : "all",
                  release_share(r, phase, &phase->traffic[i]));
    jw_close(w, '}');
}

static void
print_deviation(struct jw *w, const struct release *r)
{
    struct gr_buf lasts = GR_BUF_INIT(64);

    jw_open(w, "deviation", '{');
    jw_text(w, "commander", r->dev_by);
    if (r->dev_min_ms > 0) {
        gr_duration_print(&lasts, r->dev_min_ms);
        jw_text(w, "lasts", gr_buf_cstr(&lasts));
    }
    if (r->dev_next[0])
        jw_text(w, "next", r->dev_next);
    jw_bool(w, "share", r->dev_share[0] != '\0');
    jw_close(w, '}');
    gr_buf_fini(&lasts);
}

void
api_print_release(struct jw *w, const char *key, const struct release *r)
{
    jw_open(w, key, '{');
    jw_text(w, "deployment_id", r->deployment_id);
    if (r->stream_row)
        jw_labels(w, "stream", *r->stream_row);
    jw_text(w, "stream_key", r->stream);
    jw_text(w, "state", release_state_name(r->state));
    jw_text(w, "phase", r->phase);
    jw_time(w, "phase_started", r->phase_ms);
    jw_time(w, "started", r->started_ms);
    jw_time(w, "ended", r->ended_ms);
    if (r->state == RELEASE_RUNNING && r->phase_row) {
        jw_time(w, "earliest_promotion", release_ripe_ms(r));
        jw_time(w, "latest_promotion", release_late_ms(r) == INT64_MAX ? 0 : release_late_ms(r));
        if (r->policy)
            jw_str(w, "next_phase", release_next(r)->name);
    }
    jw_text(w, "entering", r->entering[0] ? r->entering : NULL);
    if (release_deviates(r))
        print_deviation(w, r);
    jw_bool(w, "extended", r->extend_ms > 0);
    jw_bool(w, "armed", !r->spent);
    jw_time(w, "confirm_by", r->confirm_by_ms);
    jw_bool(w, "held", r->held);
    jw_time(w, "hold_until", r->held ? r->hold_until_ms : 0);
    jw_text(w, "hold_by", r->hold_by[0] ? r->hold_by : NULL);
    jw_text(w, "hold_reason", r->hold_reason[0] ? r->hold_reason : NULL);
    jw_text(w, "promotion_hold", r->promotion_hold[0] ? r->promotion_hold : NULL);
    jw_text(w, "halt_reason", r->halt_reason[0] ? r->halt_reason : NULL);
    if (r->phase_row && r->policy) {
        print_shares(w, r);
        jw_i64(w, "phase_number", (int64_t)r->phase_row->index + 1);
        jw_i64(w, "phase_count", (int64_t)r->policy->phase_count);
        jw_str(w, "spec_hash", r->policy->spec_hash);
    }
    jw_close(w, '}');
}

void
api_print_gate(struct request *q, const struct gate *g, int status)
{
    struct jw w = JW_INIT(&q->out);
    bool promote = gate_is_open(g);

    request_answer(q, status);
    jw_open(&w, NULL, '{');
    jw_text(&w, "deployment_id", g->release.deployment_id);
    jw_text(&w, "phase", g->release.phase);
    jw_text(&w, "state", release_state_name(g->release.state));
    jw_bool(&w, "promote", promote);
    if (promote)
        jw_bool(
            &w, "open",
            true); /* there or not: a controller for which what is missing is asked for again can wait for it */
    jw_open(&w, "reasons", '[');
    for (size_t i = 0; i < g->count; i++)
        jw_str(&w, NULL, g->reasons[i]);
    if (g->more)
        jw_text(&w, NULL, "and more");
    jw_close(&w, ']');
    if (g->overridden) {
        jw_open(&w, "override", '{');
        jw_text(&w, "by", g->release.override_by);
        jw_text(&w, "reason", g->release.override_reason);
        jw_time(&w, "until", g->release.override_until_ms);
        jw_close(&w, '}');
    }
    if (status >= 400)
        jw_text(&w, "error", "the gate is closed");
    jw_close(&w, '}');
    gr_buf_putc(&q->out, '\n');
}

static void
copy_finding(const struct gr_diags *d, struct gr_buf *error)
{
    struct gr_buf text = GR_BUF_INIT(1u << 20);
    struct gr_str rest, line;

    gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &text);
    rest = gr_buf_str(&text);
    if (gr_buf_err(&text) == GR_OK && gr_str_next(&rest, '\n', &line))
        gr_buf_put(error, gr_str_sub(line, 0, 400));
    gr_buf_fini(&text);
}

enum gr_err
api_read_body(struct request *q, const struct gr_node **map, struct gr_buf *error)
{
    static const struct gr_node_limits limits = {.depth = 8, .nodes = 1000, .scalar_bytes = 8192};
    struct gr_sources *sources;
    struct gr_diags *d;
    struct gr_node *root = NULL;
    uint32_t file = 0;
    enum gr_err err = GR_ENOMEM;

    *map = NULL;
    if (q->body.n == 0)
        return GR_OK;
    sources = gr_sources_create();
    d = sources ? gr_diags_create(sources) : NULL;
    if (d && (err = gr_sources_add(sources, GR_STR("body"), gr_buf_str(&q->body), &file)) == GR_OK)
        err = gr_json_read(q->arena, sources, file, &limits, d, &root);
    if (err == GR_EUSER)
        copy_finding(d, error);
    if (err == GR_OK && (!root || root->kind != GR_NODE_MAP)) {
        gr_buf_puts(error, "the body must be an object");
        err = GR_EUSER;
    }
    if (err == GR_OK)
        *map = root;
    gr_diags_free(d);
    gr_sources_free(sources);
    return err;
}

/* ---- probes ---- */

void
api_healthz(struct request *q)
{
    request_answer(q, 200);
    gr_buf_puts(&q->out, "{\"status\":\"ok\"}\n");
}

/* Not ready: what would be refused with 503. A full disk or a foreign lock heal, and the next try says so. */
void
api_readyz(struct request *q)
{
    struct store_state st;

    store_state(q->app->store, &st);
    if (atomic_load(&q->app->draining))
        request_error(q, 503, "shutting down");
    else if (st.failed)
        request_error(q, 503, "the store failed: restart needed after the disk was looked at");
    else if (st.low)
        request_error(q, 503, "the disk below the store is nearly full: its reserve is reached");
    else if (st.last != GR_OK)
        request_error(q, 503, "the store: %s", gr_err_name(st.last));
    else
        api_healthz(q);
}

void
api_metrics(struct request *q)
{
    request_answer(q, 200);
    q->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_print(q->app, &q->out);
}

/* ---- reading ---- */

struct listing {
    struct request *q;
    struct jw *w;
    struct outbox_counts counts;
    uint32_t storm; /* streams */
};

static enum gr_err
print_one(struct db *db, const struct release *r, void *arg)
{
    struct listing *l = arg;

    (void)db;
    api_print_release(l->w, NULL, r);
    return gr_buf_err(l->w->b);
}

static enum gr_err
read_releases(struct db *db, void *arg)
{
    struct listing *l = arg;

    return release_each(db, l->q->app->policies, false, API_LIST_MAX, print_one, l);
}

void
api_releases(struct request *q)
{
    struct jw w = JW_INIT(&q->out);
    struct listing l = {.q = q, .w = &w};
    enum gr_err err;

    request_answer(q, 200);
    jw_open(&w, NULL, '{');
    jw_open(&w, "releases", '[');
    if ((err = store_call(q->app->store, read_releases, &l)) != GR_OK) {
        request_error_of(q, err, NULL);
        return;
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
    gr_buf_putc(&q->out, '\n');
}

static enum gr_err
print_phases(struct db *db, struct jw *w, const struct release *r)
{
    sqlite3_stmt *st = db_use(
        db,
        "SELECT phase, entered_ms, coalesce(left_ms, 0), approver, note, override, coalesce(commander, '')"
        " FROM phase"
        " WHERE release_id = ?1 ORDER BY n");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    jw_open(w, "phases", '[');
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        jw_open(w, NULL, '{');
        jw_str(w, "phase", db_text(st, 0));
        jw_time(w, "entered", db_i64(st, 1));
        jw_time(w, "left", db_i64(st, 2));
        jw_str(w, "approver", db_text(st, 3));
        jw_str(w, "note", db_text(st, 4));
        jw_bool(w, "override", db_i64(st, 5) != 0);
        if (db_text(st, 6).n > 0)
            jw_str(w, "commander", db_text(st, 6));
        jw_close(w, '}');
    }
    jw_close(w, ']');
    return err;
}

static enum gr_err
print_breaches(struct db *db, struct jw *w, const struct release *r)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT guardrail, level, slice, phase, open, opened_ms, seen_ms,"
                   " CASE WHEN acked = number THEN coalesce(acked_by, '') ELSE '' END FROM episode"
                   " WHERE release_id = ?1 ORDER BY opened_ms LIMIT 200");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    jw_open(w, "breaches", '[');
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        jw_open(w, NULL, '{');
        jw_str(w, "guardrail", db_text(st, 0));
        jw_str(w, "level", db_text(st, 1));
        jw_str(w, "slice", db_text(st, 2));
        jw_str(w, "phase", db_text(st, 3));
        jw_bool(w, "open", db_i64(st, 4) != 0);
        jw_time(w, "opened", db_i64(st, 5));
        jw_time(w, "last_seen", db_i64(st, 6));
        jw_str(w, "acknowledged_by", db_text(st, 7));
        jw_close(w, '}');
    }
    jw_close(w, ']');
    return err;
}

static enum gr_err
print_effects(struct db *db, struct jw *w, const struct release *r)
{
    sqlite3_stmt *st = db_use(
        db, "SELECT id, kind, coalesce(action, ''), state, attempts, coalesce(last_error, ''), created_ms,"
            " coalesce(done_ms, 0), reason, guardrail, level, coalesce(acked_by, '') FROM effect WHERE "
            "release_id = ?1"
            " ORDER BY id LIMIT 500");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    jw_open(w, "effects", '[');
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        jw_open(w, NULL, '{');
        jw_i64(w, "id", db_i64(st, 0));
        jw_str(w, "kind", db_text(st, 1));
        jw_str(w, "action", db_text(st, 2));
        jw_str(w, "state", db_text(st, 3));
        jw_i64(w, "attempts", db_i64(st, 4));
        jw_str(w, "error", db_text(st, 5));
        jw_time(w, "created", db_i64(st, 6));
        jw_time(w, "done", db_i64(st, 7));
        jw_str(w, "reason", db_text(st, 8));
        jw_str(w, "guardrail", db_text(st, 9));
        jw_str(w, "level", db_text(st, 10));
        jw_str(w, "acknowledged_by", db_text(st, 11));
        jw_close(w, '}');
    }
    jw_close(w, ']');
    return err;
}

static enum gr_err
print_steps(struct db *db, struct jw *w, const struct release *r)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT s.effect_id, s.name, s.attempt, s.argv, s.state, s.started_ms,"
                   " coalesce(s.ended_ms, 0), coalesce(s.detail, '') FROM step s JOIN effect e"
                   " ON e.id = s.effect_id WHERE e.release_id = ?1 ORDER BY s.effect_id, s.n, s.attempt");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    jw_open(w, "steps", '[');
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        jw_open(w, NULL, '{');
        jw_i64(w, "effect", db_i64(st, 0));
        jw_str(w, "name", db_text(st, 1));
        jw_i64(w, "attempt", db_i64(st, 2));
        jw_str(w, "command", db_text(st, 3));
        jw_str(w, "state", db_text(st, 4));
        jw_time(w, "started", db_i64(st, 5));
        jw_time(w, "ended", db_i64(st, 6));
        jw_i64(w, "duration_ms", db_i64(st, 6) ? db_i64(st, 6) - db_i64(st, 5) : 0);
        jw_str(w, "detail", db_text(st, 7));
        jw_close(w, '}');
    }
    jw_close(w, ']');
    return err;
}

static enum gr_err
read_release(struct db *db, void *arg)
{
    struct listing *l = arg;
    struct release r;
    enum gr_err err;

    if ((err = release_find(db, l->q->app->policies, gr_str(l->q->id), &r)) != GR_OK)
        return err;
    api_print_release(l->w, "release", &r);
    if ((err = print_phases(db, l->w, &r)) != GR_OK || (err = print_breaches(db, l->w, &r)) != GR_OK ||
        (err = print_effects(db, l->w, &r)) != GR_OK)
        return err;
    return print_steps(db, l->w, &r);
}

void
api_release(struct request *q)
{
    struct jw w = JW_INIT(&q->out);
    struct listing l = {.q = q, .w = &w};
    enum gr_err err;

    request_answer(q, 200);
    jw_open(&w, NULL, '{');
    if ((err = store_call(q->app->store, read_release, &l)) != GR_OK) {
        request_error_of(q, err, err == GR_ENOENT ? "no such deployment" : NULL);
        return;
    }
    jw_close(&w, '}');
    gr_buf_putc(&q->out, '\n');
}

void
api_gate(struct request *q)
{
    struct gate *g = gr_arena_alloc(q->arena, sizeof *g);
    bool no_phase = false;
    enum gr_err err =
        g ? gate_ask_of(q->app, q->arena, gr_str(q->id), gr_str(q->phase), app_now_ms(), g, &no_phase)
          : GR_ENOMEM;

    if (err == GR_OK)
        api_print_gate(q, g, 200);
    else
        request_error_of(q, err,
                         no_phase           ? "the policy has no such phase"
                         : err == GR_ENOENT ? "no such deployment"
                                            : NULL);
}

struct looking {
    struct request *q;
    struct release release;
};

static enum gr_err
find_release(struct db *db, void *arg)
{
    struct looking *l = arg;

    return release_find(db, l->q->app->policies, gr_str(l->q->id), &l->release);
}

static const struct board_item *
look_at_board(struct app *app, const struct release *r)
{
    return board_get(app->board, &(struct board_want){.prometheus_url = app->conf->prometheus_url,
                                                      .release = r,
                                                      .boot_ms = app_boot_ms(),
                                                      .now_ms = app_now_ms(),
                                                      .over_time = true});
}

void
api_verdicts(struct request *q)
{
    /* of a release whose policy is not loaded: nobody knows what to look for */
    static const struct verdicts nothing = {.step_ms = VERDICTS_STEP_MS};
    struct jw w = JW_INIT(&q->out);
    struct looking *l = gr_arena_alloc(q->arena, sizeof *l);
    const struct board_item *item = NULL;
    enum gr_err err = GR_ENOMEM;

    if (l) {
        *l = (struct looking){.q = q};
        err = store_call(q->app->store, find_release, l);
    }
    if (err == GR_OK && l->release.policy && !(item = look_at_board(q->app, &l->release)))
        err = GR_ENOMEM;
    if (err != GR_OK) {
        request_error_of(q, err, err == GR_ENOENT ? "no such deployment" : NULL);
        return;
    }
    request_answer(q, 200);
    jw_open(&w, NULL, '{');
    jw_text(&w, "deployment_id", l->release.deployment_id);
    jw_text(&w, "phase", l->release.phase);
    verdicts_print(&w, item ? board_of(item) : &nothing, app_now_ms());
    jw_close(&w, '}');
    gr_buf_putc(&q->out, '\n');
    board_drop(item);
}

static enum gr_err
print_letter(const struct outbox_effect *e, void *arg)
{
    struct listing *l = arg;

    jw_open(l->w, NULL, '{');
    jw_i64(l->w, "id", e->id);
    jw_str(l->w, "kind", e->kind);
    jw_str(l->w, "action", e->action);
    jw_str(l->w, "target", e->target);
    jw_str(l->w, "deployment_id", e->deployment_id);
    jw_str(l->w, "guardrail", e->guardrail);
    jw_str(l->w, "level", e->level);
    jw_time(l->w, "created", e->created_ms);
    jw_i64(l->w, "attempts", e->attempts);
    jw_str(l->w, "error", e->last_error);
    jw_str(l->w, "reason", e->reason);
    jw_close(l->w, '}');
    return gr_buf_err(l->w->b);
}

static enum gr_err
read_letters(struct db *db, void *arg)
{
    struct listing *l = arg;

    return outbox_each(db, l->q->arena, "dead", API_LIST_MAX, print_letter, l);
}

void
api_deadletters(struct request *q)
{
    struct jw w = JW_INIT(&q->out);
    struct listing l = {.q = q, .w = &w};
    enum gr_err err;

    request_answer(q, 200);
    jw_open(&w, NULL, '{');
    jw_open(&w, "deadletters", '[');
    if ((err = store_call(q->app->store, read_letters, &l)) != GR_OK) {
        request_error_of(q, err, NULL);
        return;
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
    gr_buf_putc(&q->out, '\n');
}

/* Some records at a time: others want the store, too. */
struct checking {
    struct audit_check check;
    bool more;
};

static enum gr_err
check_some(struct db *db, void *arg)
{
    struct checking *c = arg;
    enum gr_err err = GR_OK;

    if (!audit_check_store(db, &c->check, 200, &c->more, &err))
        c->more = false;
    return err;
}

void
api_audit(struct request *q)
{
    struct jw w = JW_INIT(&q->out);
    struct checking c = {.more = true};
    enum gr_err err = GR_OK;

    while (c.more && err == GR_OK)
        err = store_call(q->app->store, check_some, &c);
    if (err != GR_OK) {
        request_error_of(q, err, NULL);
        return;
    }
    request_answer(q, 200);
    jw_open(&w, NULL, '{');
    jw_bool(&w, "ok", c.check.why[0] == '\0');
    jw_i64(&w, "records", c.check.records);
    jw_i64(&w, "seq", c.check.seq);
    jw_text(&w, "hash", c.check.hash);
    jw_text(&w, "broken", c.check.why[0] ? c.check.why : NULL);
    jw_close(&w, '}');
    gr_buf_putc(&q->out, '\n');
}

static enum gr_err
read_status(struct db *db, void *arg)
{
    struct listing *l = arg;
    enum gr_err err;

    if ((err = outbox_count(db, &l->counts)) != GR_OK ||
        (err = enact_storm(db, l->q->app, app_now_ms(), &l->storm)) != GR_OK)
        return err;
    jw_open(l->w, "releases", '[');
    err = release_each(db, l->q->app->policies, true, API_LIST_MAX, print_one, l);
    jw_close(l->w, ']');
    return err;
}

void
api_status(struct request *q)
{
    struct jw w = JW_INIT(&q->out);
    struct listing l = {.q = q, .w = &w};
    const struct policy *p = policies_current(q->app->policies);
    struct store_state st;
    enum gr_err err;

    request_answer(q, 200);
    store_state(q->app->store, &st);
    jw_open(&w, NULL, '{');
    jw_text(&w, "version", PACKAGE_VERSION);
    jw_text(&w, "mode", daemon_mode_name(q->app->conf->mode));
    jw_str(&w, "spec", p->spec);
    jw_str(&w, "spec_hash", p->spec_hash);
    jw_time(&w, "started", q->app->started_ms);
    jw_time(&w, "watchdog", atomic_load(&q->app->watchdog.unix_ms));
    jw_bool(&w, "blind", app_blind(q->app));
    jw_text(&w, "store", st.failed ? "failed" : gr_err_name(st.last));
    if ((err = store_call(q->app->store, read_status, &l)) != GR_OK) {
        request_error_of(q, err, NULL);
        return;
    }
    jw_i64(&w, "breaker_streams", l.storm);
    jw_bool(&w, "breaker_open", l.storm >= q->app->conf->breaker.streams);
    jw_time(&w, "oldest_waiting_effect", l.counts.oldest_due_ms);
    jw_open(&w, "effects", '[');
    for (size_t i = 0; i < l.counts.count; i++) {
        jw_open(&w, NULL, '{');
        jw_text(&w, "target", l.counts.rows[i].target);
        jw_text(&w, "state", l.counts.rows[i].state);
        jw_i64(&w, "count", l.counts.rows[i].count);
        jw_close(&w, '}');
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
    gr_buf_putc(&q->out, '\n');
}
