#include "config.h"
#include "recorder.h"

#include <pthread.h>
#include <time.h>
#include "app.h"
#include "guardrail/sys.h"
#include "guardrail/http_client.h"
#include "jread.h"
#include "jw.h"
#include "outbox.h"
#include "record.h"
#include "snapshot.h"

#define BODY_BYTES_MAX (1u << 20)
#define ARENA_BYTES_MAX (128u << 20)
#define RETRY_MS 5000
#define DECISIONS_MAX 2000u /* of one deployment */

/* ---- noting, on the store's thread ---- */

static enum gr_err
print_steps(struct db *db, struct jw *w, int64_t effect_id)
{
    struct gr_arena *a = gr_arena_create(16u << 20);
    struct outbox_step *steps = NULL;
    size_t count = 0;
    enum gr_err err = a ? outbox_steps(db, a, effect_id, &steps, &count) : GR_ENOMEM;

    jw_open(w, "steps", '[');
    for (size_t i = 0; err == GR_OK && i < count; i++) {
        const struct outbox_step *s = &steps[i];
        jw_open(w, NULL, '{');
        jw_str(w, "name", s->name);
        jw_str(w, "command", s->command);
        jw_str(w, "result", s->detail.n ? s->detail : gr_str(step_state_name(s->state)));
        jw_bool(w, "ok", s->state == STEP_DONE);
        jw_i64(w, "started_ms", s->started_ms);
        jw_i64(w, "duration_ms", s->ended_ms ? s->ended_ms - s->started_ms : 0);
        jw_i64(w, "attempt", s->attempt);
        jw_str(w, "output_sha256", s->output_sha256);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    gr_arena_free(a);
    return err;
}

static struct gr_str
limit_of(const struct release *r, const struct release_breach *b)
{
    const struct policy_guardrail *g = policy_guardrail(r->policy, b->guardrail);

    for (size_t i = 0; g && i < g->limit_count; i++)
        if (gr_str_is(b->level, policy_level_name(g->limits[i].level)) &&
            gr_str_eq(g->limits[i].side, b->side))
            return g->limits[i].text;
    return GR_STR("");
}

static enum gr_err
print_body(struct db *db, struct gr_buf *b, const struct release *r, const struct record_note *n)
{
    struct jw w = JW_INIT(b);
    enum gr_err err = GR_OK;

    jw_open(&w, NULL, '{');
    jw_text(&w, "decision", n->decision);
    jw_text(&w, "outcome", n->outcome ? n->outcome : "");
    jw_str(&w, "approver", n->by);
    if (n->commander.n > 0)
        jw_str(&w, "commander", n->commander);
    jw_str(&w, n->by_daemon ? "reason" : "notes", n->text);
    jw_text(&w, "phase", r->phase);
    jw_i64(&w, "phase_ms", r->phase_ms);
    jw_str(&w, "spec", r->policy->spec);
    jw_str(&w, "spec_hash", r->policy->spec_hash);
    jw_labels(&w, "stream", *r->stream_row);
    jw_open(&w, "traffic", '{');
    for (size_t i = 0; i < r->phase_row->traffic_count; i++)
        jw_double(&w, r->phase_row->traffic[i].flow.p,
                  release_share(r, r->phase_row, &r->phase_row->traffic[i]));
    jw_close(&w, '}');
    if (n->breach) {
        jw_str(&w, "guardrail", n->breach->guardrail);
        jw_str(&w, "level", n->breach->level);
        jw_str(&w, "limit", limit_of(r, n->breach));
        jw_labels(&w, "slice", n->breach->slice);
    }
    if (n->effect_id)
        err = print_steps(db, &w, n->effect_id);
    jw_close(&w, '}');
    return err == GR_OK ? gr_buf_err(b) : err;
}

enum gr_err
record_note(struct db *db, const struct release *r, const struct record_note *note)
{
    struct gr_buf body = GR_BUF_INIT(BODY_BYTES_MAX);
    sqlite3_stmt *st;
    enum gr_err err;

    if (!r->policy) /* a release that ended long ago, or a damaged row: nothing that may change any more */
        return GR_ESTATE;
    if ((err = print_body(db, &body, r, note)) != GR_OK)
        goto done;
    st = db_use(db, "INSERT INTO record(release_id, n, at_ms, body) VALUES (?1,"
                    " (SELECT coalesce(max(n), 0) + 1 FROM record WHERE release_id = ?1), ?2, ?3)");
    db_bind_i64(db, st, 1, r->id);
    db_bind_i64(db, st, 2, note->at_ms);
    db_bind_str(db, st, 3, gr_buf_str(&body));
    err = db_run(db, st);
done:
    gr_buf_fini(&body);
    return err;
}

/* ---- writing, on the recorder's thread ---- */

struct recorder {
    struct recorder_options o;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint_fast64_t failures;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t cond;
    uint64_t asked, served;
    bool stopping;
    /* The thread's own: rows up to here had their turn in this round, so none keeps the others waiting. */
    int64_t after_id;
};

/* One pass over one deployment. */
struct pass {
    struct recorder *recorder;
    struct gr_arena *arena;
    int64_t record_id, at_ms;
    struct release release;
    bool need_metrics;
    struct gr_str body, metrics;
    struct row {
        int64_t id, at_ms;
        struct gr_str body, metrics;
    } * rows;
    size_t count;
    bool complete; /* all rows of the deployment are among them */
};

/* The oldest row that is not written. */
static enum gr_err
next_due(struct db *db, void *arg)
{
    struct pass *p = arg;
    sqlite3_stmt *st =
        db_use(db, "SELECT id, release_id, at_ms, body, metrics IS NULL FROM record WHERE written_ms IS NULL"
                   " AND id > ?1 ORDER BY id LIMIT 1");
    int64_t release_id;
    enum gr_err err;

    db_bind_i64(db, st, 1, p->recorder->after_id);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    p->record_id = db_i64(st, 0);
    release_id = db_i64(st, 1);
    p->at_ms = db_i64(st, 2);
    p->body = gr_arena_dup(p->arena, db_text(st, 3));
    p->need_metrics = db_i64(st, 4) != 0;
    db_end(st);
    if ((err = release_get(db, p->recorder->o.policies, release_id, &p->release)) != GR_OK)
        return err == GR_ENOENT ? GR_EIO : err;
    return gr_arena_status(p->arena);
}

static enum gr_err
store_metrics(struct db *db, void *arg)
{
    struct pass *p = arg;
    sqlite3_stmt *st = db_use(db, "UPDATE record SET metrics = ?2 WHERE id = ?1");

    db_bind_i64(db, st, 1, p->record_id);
    db_bind_str(db, st, 2, p->metrics);
    return db_run(db, st);
}

/* All decisions so far, up to the first that has no values yet. */
static enum gr_err
load_rows(struct db *db, void *arg)
{
    struct pass *p = arg;
    sqlite3_stmt *st =
        db_use(db, "SELECT id, at_ms, body, metrics FROM record WHERE release_id = ?1 ORDER BY n");
    enum gr_err err;
    bool row;

    if (!(p->rows = gr_arena_array(p->arena, DECISIONS_MAX, sizeof *p->rows)))
        return GR_ENOMEM;
    p->count = 0;
    p->complete = true;
    db_bind_i64(db, st, 1, p->release.id);
    while ((err = db_step(db, st, &row)) == GR_OK && row && p->complete) {
        if (db_is_null(st, 3) || p->count == DECISIONS_MAX)
            p->complete = false;
        else
            p->rows[p->count++] = (struct row){.id = db_i64(st, 0),
                                               .at_ms = db_i64(st, 1),
                                               .body = gr_arena_dup(p->arena, db_text(st, 2)),
                                               .metrics = gr_arena_dup(p->arena, db_text(st, 3))};
    }
    db_end(st);
    return err == GR_OK ? gr_arena_status(p->arena) : err;
}

static enum gr_err
mark_written(struct db *db, void *arg)
{
    struct pass *p = arg;
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < p->count && err == GR_OK; i++) {
        sqlite3_stmt *st =
            db_use(db, "UPDATE record SET written_ms = ?2 WHERE id = ?1 AND written_ms IS NULL");
        db_bind_i64(db, st, 1, p->rows[i].id);
        db_bind_i64(db, st, 2, app_now_ms());
        err = db_run(db, st);
    }
    return err;
}

static enum gr_err
take_snapshot(struct recorder *r, struct pass *p)
{
    struct gr_buf text = GR_BUF_INIT(RECORD_BYTES_MAX);
    struct gr_http_client *http = NULL;
    const struct gr_node *body = NULL;
    const struct policy_phase *phase = NULL;
    enum gr_err err;

    if ((err = jread(p->arena, p->body, &body)) != GR_OK)
        goto done;
    if (p->release.policy)
        phase = policy_phase(p->release.policy, jread_str(body, "phase"));
    if (!phase) {
        gr_buf_puts(&text, "{\"metrics\":[],\"error\":\"the policy of that time is not loaded\"}");
    } else {
        if (r->o.prometheus_url.n > 0 &&
            (err = gr_http_client_create(&(struct gr_http_options){.allow_http = true, .stop = &r->stop},
                                         &http)) != GR_OK)
            goto done;
        snapshot_take(http, r->o.prometheus_url,
                      &(struct snapshot_subject){.policy = p->release.policy,
                                                 .stream = *p->release.stream_row,
                                                 .deployment_id = gr_str(p->release.deployment_id),
                                                 .phase = phase,
                                                 .at_ms = p->at_ms},
                      p->arena, &text);
    }
    if ((err = gr_buf_err(&text)) != GR_OK)
        goto done;
    p->metrics = gr_arena_dup(p->arena, gr_buf_str(&text));
    if ((err = gr_arena_status(p->arena)) == GR_OK)
        err = store_call(r->o.store, store_metrics, p);
done:
    gr_http_client_free(http);
    gr_buf_fini(&text);
    return err;
}

static enum gr_err
read_steps(struct gr_arena *a, const struct gr_node *list, struct record_decision *d)
{
    struct record_step *steps;
    size_t n = 0;

    if (!list || list->kind != GR_NODE_LIST || list->count == 0)
        return GR_OK;
    if (!(steps = gr_arena_array(a, list->count, sizeof *steps)))
        return GR_ENOMEM;
    gr_node_each (v, list)
        steps[n++] = (struct record_step){.name = jread_str(v, "name"),
                                          .command = jread_str(v, "command"),
                                          .result = jread_str(v, "result"),
                                          .ok = jread_bool(v, "ok"),
                                          .started_ms = jread_i64(v, "started_ms", 0),
                                          .duration_ms = jread_i64(v, "duration_ms", 0),
                                          .attempt = (uint32_t)jread_i64(v, "attempt", 0),
                                          .output_sha256 = jread_str(v, "output_sha256")};
    d->steps = steps;
    d->step_count = n;
    return GR_OK;
}

static enum gr_err
read_shares(struct gr_arena *a, const struct gr_node *map, struct record_decision *d)
{
    struct policy_share *shares;
    size_t n = 0;
    double ratio;

    if (!map || map->kind != GR_NODE_MAP || map->count == 0)
        return GR_OK;
    if (!(shares = gr_arena_array(a, map->count, sizeof *shares)))
        return GR_ENOMEM;
    gr_node_each (v, map) {
        ratio = jread_double(map, v->key.p, 0);
        shares[n++] = (struct policy_share){.flow = v->key, .ratio = ratio};
    }
    d->traffic = shares;
    d->traffic_count = n;
    return GR_OK;
}

static enum gr_err
read_decision(struct gr_arena *a, const struct row *row, struct record_decision *d)
{
    const struct gr_node *b = NULL;
    enum gr_err err;

    if ((err = jread(a, row->body, &b)) != GR_OK)
        return err;
    *d = (struct record_decision){.decision = jread_str(b, "decision"),
                                  .at_ms = row->at_ms,
                                  .phase_start_ms = jread_i64(b, "phase_ms", 0),
                                  .spec = jread_str(b, "spec"),
                                  .spec_hash = jread_str(b, "spec_hash"),
                                  .phase = jread_str(b, "phase"),
                                  .approver = jread_str(b, "approver"),
                                  .commander = jread_str(b, "commander"),
                                  .stream = jread_labels(a, b, "stream"),
                                  .notes = jread_str(b, "notes"),
                                  .reason = jread_str(b, "reason"),
                                  .guardrail = jread_str(b, "guardrail"),
                                  .level = jread_str(b, "level"),
                                  .limit = jread_str(b, "limit"),
                                  .slice = jread_labels(a, b, "slice"),
                                  .outcome = jread_str(b, "outcome")};
    if ((err = read_shares(a, gr_node_get(b, "traffic"), d)) != GR_OK ||
        (err = read_steps(a, gr_node_get(b, "steps"), d)) != GR_OK)
        return err;
    return snapshot_read(a, row->metrics, &d->metrics, &d->metric_count, &d->snapshot_error);
}

static enum gr_err
write_file(struct recorder *r, struct pass *p)
{
    struct record_decision *list = gr_arena_array(p->arena, p->count, sizeof *list);
    enum gr_err err;

    if (!list)
        return GR_ENOMEM;
    for (size_t i = 0; i < p->count; i++)
        if ((err = read_decision(p->arena, &p->rows[i], &list[i])) != GR_OK)
            return err;
    err = record_write(r->o.reports_dir, gr_str(p->release.deployment_id), list, p->count,
                       p->release.state == RELEASE_SEALED && p->complete);
    if (err == GR_ESTATE) {
        log_event(r->o.log, AT_ERROR, "a sealed decision record differs from the store; it stays as it is",
                  "deployment_id", p->release.deployment_id, (char *)NULL);
        err = GR_OK; /* not ours to change, and no reason to try for ever */
    }
    return err;
}

static bool
has_row(const struct pass *p, int64_t id)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].id == id)
            return true;
    return false;
}

/* GR_ENOENT: nothing is due. */
static enum gr_err
one_pass(struct recorder *r)
{
    struct pass p = {.recorder = r, .arena = gr_arena_create(ARENA_BYTES_MAX)};
    enum gr_err err;

    if (!p.arena)
        return GR_ENOMEM;
    if ((err = store_call(r->o.store, next_due, &p)) != GR_OK)
        goto done;
    if (p.need_metrics && (err = take_snapshot(r, &p)) != GR_OK)
        goto done;
    if ((err = store_call(r->o.store, load_rows, &p)) != GR_OK)
        goto done;
    if ((err = write_file(r, &p)) != GR_OK)
        goto done;
    err = store_call(r->o.store, mark_written, &p);
    /* A newer decision without values is no trouble: it is due itself, and writes the file again. An older one is: its turn comes first. */
    if (err == GR_OK && !has_row(&p, p.record_id))
        err = GR_EAGAIN;
    if (err == GR_OK)
        log_event(r->o.log, AT_INFO, "decision recorded", "deployment_id", p.release.deployment_id, "phase",
                  p.release.phase, (char *)NULL);
done:
    if (err != GR_OK && err != GR_ENOENT)
        log_event(r->o.log, AT_ERROR, "a decision record could not be written; trying again", "deployment_id",
                  p.release.deployment_id[0] ? p.release.deployment_id : NULL, "error", gr_err_name(err),
                  (char *)NULL);
    if (p.record_id)
        r->after_id = p.record_id;
    gr_arena_free(p.arena);
    return err;
}

/* One turn for every row that is due. GR_OK: all are written. */
static enum gr_err
one_round(struct recorder *r)
{
    enum gr_err err, worst = GR_OK;
    int64_t before;

    r->after_id = 0;
    do {
        before = r->after_id;
        err = one_pass(r);
        if (err != GR_OK && err != GR_ENOENT)
            worst = err;
    } while (err != GR_ENOENT && r->after_id != before && !atomic_load(&r->stop));
    return worst;
}

static void *
recorder_main(void *arg)
{
    struct recorder *r = arg;
    struct timespec until;
    enum gr_err err;
    uint64_t asked;

    pthread_mutex_lock(&r->mutex);
    while (!r->stopping) {
        asked = r->asked;
        pthread_mutex_unlock(&r->mutex);
        err = one_round(r);
        pthread_mutex_lock(&r->mutex);
        if (err == GR_OK)
            r->served = asked;
        else
            atomic_fetch_add(&r->failures, 1);
        pthread_cond_broadcast(&r->cond);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += RETRY_MS / 1000;
        while (!r->stopping && r->asked == asked)
            if (pthread_cond_timedwait(&r->cond, &r->mutex, &until) != 0)
                break;
    }
    pthread_mutex_unlock(&r->mutex);
    return NULL;
}

enum gr_err
recorder_start(const struct recorder_options *o, struct recorder **out)
{
    struct recorder *r = gr_sys.realloc(NULL, sizeof *r);
    int rc;

    if (!r)
        return GR_ENOMEM;
    memset(r, 0, sizeof *r);
    r->o = *o;
    if (pthread_mutex_init(&r->mutex, NULL) != 0 || pthread_cond_init(&r->cond, NULL) != 0) {
        gr_sys.free(r);
        return GR_ENOMEM;
    }
    if ((rc = pthread_create(&r->thread, NULL, recorder_main, r)) != 0) {
        (void)pthread_mutex_destroy(&r->mutex);
        (void)pthread_cond_destroy(&r->cond);
        gr_sys.free(r);
        return gr_err_from_errno(rc);
    }
    *out = r;
    return GR_OK;
}

void
recorder_wake(struct recorder *r)
{
    pthread_mutex_lock(&r->mutex);
    r->asked++;
    pthread_cond_broadcast(&r->cond);
    pthread_mutex_unlock(&r->mutex);
}

bool
recorder_wait(struct recorder *r, int64_t timeout_ms)
{
    struct timespec until;
    uint64_t mine;
    bool served;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    pthread_mutex_lock(&r->mutex);
    mine = ++r->asked;
    pthread_cond_broadcast(&r->cond);
    while (r->served < mine && !r->stopping && pthread_cond_timedwait(&r->cond, &r->mutex, &until) == 0)
        continue;
    served = r->served >= mine;
    pthread_mutex_unlock(&r->mutex);
    return served;
}

void
recorder_stop(struct recorder *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->mutex);
    r->stopping = true;
    atomic_store(&r->stop, true);
    pthread_cond_broadcast(&r->cond);
    pthread_mutex_unlock(&r->mutex);
    pthread_join(r->thread, NULL);
    (void)pthread_mutex_destroy(&r->mutex);
    (void)pthread_cond_destroy(&r->cond);
    gr_sys.free(r);
}

uint64_t
recorder_failures(struct recorder *r)
{
    return atomic_load(&r->failures);
}
