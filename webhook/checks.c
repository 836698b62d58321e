#include "config.h"
#include "checks.h"

#include <pthread.h>
#include "enact.h"
#include "expand.h"
#include "guardrail/quote.h"
#include "guardrail/sys.h"

struct checks {
    struct runner *runner; /* borrowed; used under the mutex */
    pthread_mutex_t mutex;
};

enum gr_err
checks_create(struct runner *runner, struct checks **out)
{
    struct checks *c = gr_sys.realloc(NULL, sizeof *c);

    if (!c)
        return GR_ENOMEM;
    c->runner = runner;
    if (pthread_mutex_init(&c->mutex, NULL) != 0) {
        gr_sys.free(c);
        return GR_ENOMEM;
    }
    *out = c;
    return GR_OK;
}

void
checks_free(struct checks *c)
{
    if (!c)
        return;
    (void)pthread_mutex_destroy(&c->mutex);
    gr_sys.free(c);
}

struct outcome {
    const struct app *app;
    struct gr_arena *arena;
    const struct release *release;
    struct gr_str name;
    bool passed;
    bool said_no; /* the program ran to its end, and its exit status is not 0 */
    int64_t ended_ms;
    struct gr_str detail;
    bool known; /* load: there was a row */
};

static enum gr_err
store_outcome(struct db *db, void *arg)
{
    const struct outcome *o = arg;
    sqlite3_stmt *st =
        db_use(db, "INSERT INTO check_result(release_id, phase_n, name, passed, ended_ms, detail)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(release_id, phase_n, name)"
                   " DO UPDATE SET passed = ?4, ended_ms = ?5, detail = ?6");

    db_bind_i64(db, st, 1, o->release->id);
    db_bind_i64(db, st, 2, o->release->phase_n);
    db_bind_str(db, st, 3, o->name);
    db_bind_i64(db, st, 4, o->passed);
    db_bind_i64(db, st, 5, o->ended_ms);
    db_bind_str(db, st, 6, o->detail.p ? o->detail : GR_STR(""));
    return db_run(db, st);
}

static enum gr_err
load_outcome(struct db *db, void *arg)
{
    struct outcome *o = arg;
    sqlite3_stmt *st =
        db_use(db, "SELECT passed FROM check_result WHERE release_id = ?1 AND phase_n = ?2 AND name = ?3");
    enum gr_err err;

    db_bind_i64(db, st, 1, o->release->id);
    db_bind_i64(db, st, 2, o->release->phase_n);
    db_bind_str(db, st, 3, o->name);
    if ((err = db_step(db, st, &o->known)) != GR_OK)
        return err;
    o->passed = o->known && db_i64(st, 0) != 0;
    db_end(st);
    return GR_OK;
}

/* Waits in short turns, so that a shutdown can cancel a check of ten minutes. */
static enum gr_err
run_and_wait(struct app *app, struct runner *runner, const struct runner_request *request,
             struct runner_result *result)
{
    bool cancelled = false;
    enum gr_err err;

    if ((err = runner_submit(runner, 1, request)) != GR_OK)
        return err;
    while ((err = runner_next(runner, 200, result)) == GR_ETIMEOUT)
        if (atomic_load(&app->draining) && !cancelled)
            cancelled = runner_cancel(runner, 1) == GR_OK; /* else it has just ended, and its result comes */
    return err;
}

static enum gr_err
run_one(struct app *app, struct gr_arena *a, const struct release *r, const struct policy_check *check,
        struct outcome *o)
{
    struct expand_values values = {.deployment_id = gr_str(r->deployment_id),
                                   .spec = r->policy->spec,
                                   .phase = gr_str(r->phase),
                                   .stream = *r->stream_row};
    struct runner_result result = RUNNER_RESULT_INIT;
    struct gr_buf text = GR_BUF_INIT(4096);
    struct policy_argv argv;
    struct gr_str bad = GR_STR_NONE;
    enum gr_err err;

    o->passed = o->said_no = false;
    o->app = app;
    o->arena = a;
    err = expand_argv(a, &check->argv, &values, &argv, &bad);
    if (err == GR_OK)
        err = run_and_wait(app, app->checks->runner,
                           &(struct runner_request){.commands = &argv,
                                                    .command_count = 1,
                                                    .timeout_ms = check->timeout_ms,
                                                    .deployment_id = gr_str(r->deployment_id),
                                                    .phase = gr_str(r->phase),
                                                    .step = check->name,
                                                    .attempt = 1},
                           &result);
    if (err == GR_OK) {
        o->passed = result.outcome == RUNNER_SUCCEEDED;
        o->said_no = result.outcome == RUNNER_FAILED && result.member_count == 1 &&
                     result.members[0].end == RUNNER_EXITED;
        runner_result_print(&text, &result);
        if (!o->passed && result.tail.n) { /* the last words often say why */
            gr_buf_puts(&text, ": ");
            gr_quote_log(
                &text, gr_str_trim(gr_str_sub(gr_buf_str(&result.tail),
                                              result.tail.n > 200 ? result.tail.n - 200 : 0, result.tail.n)));
        }
    } else {
        gr_buf_puts(&text,
                    err == GR_ERANGE && bad.n ? "a placeholder's value is not allowed: " : gr_err_name(err));
        gr_buf_put(&text, bad);
    }
    o->detail = gr_arena_dup(a, gr_buf_str(&text));
    o->ended_ms = app_now_ms();
    log_event(app->log, o->passed ? AT_INFO : AT_WARN, "check ended", "deployment_id", r->deployment_id,
              "check", check->name.p, "outcome", o->detail.p, (char *)NULL);
    runner_result_fini(&result);
    gr_buf_fini(&text);
    return err == GR_ERANGE ? GR_OK : err;
}

/* The release ends, before it had traffic. Somebody else may have changed it meanwhile: then that stays. */
static enum gr_err
abort_release(struct db *db, void *arg)
{
    const struct outcome *o = arg;
    struct release r;
    struct gr_buf why = GR_BUF_INIT(1024);
    struct release_act act = {.by = GR_STR("guardraild"),
                              .reason = gr_arena_printf(o->arena, "check " GR_FMT " failed: " GR_FMT,
                                                        GR_ARG(o->name), GR_ARG(o->detail)),
                              .now_ms = o->ended_ms};
    struct gr_str key = gr_arena_printf(o->arena, "%lld|check|%lld", (long long)o->release->id,
                                        (long long)o->release->phase_n);
    enum gr_err err = act.reason.p && key.p ? GR_OK : GR_ENOMEM;

    if (err == GR_OK && (err = release_get(db, o->app->policies, o->release->id, &r)) == GR_OK &&
        r.phase_n == o->release->phase_n && (err = release_abort(db, &r, &act, &why)) == GR_OK)
        err = enact_notice(db, o->app, o->arena, &r,
                           &(struct enact_page){.key = key.p,
                                                .kind = "held",
                                                .reason = act.reason,
                                                .level = GR_STR("hard"),
                                                .now_ms = o->ended_ms});
    gr_buf_fini(&why);
    return err == GR_ESTATE ? GR_OK : err;
}

static enum gr_err
run_all(struct app *app, struct gr_arena *a, const struct release *r, struct gate *g)
{
    const struct policy_phase *phase = r->phase_row, *next = release_next(r);
    enum gr_err err;

    for (size_t i = 0; i < phase->check_count; i++) {
        struct outcome o = {.release = r, .name = phase->checks[i].name};
        if ((err = store_call(app->store, load_outcome, &o)) != GR_OK)
            return err;
        if (o.passed)
            continue;
        if ((err = run_one(app, a, r, &phase->checks[i], &o)) != GR_OK ||
            (err = store_call(app->store, store_outcome, &o)) != GR_OK)
            return err;
        if (o.said_no && phase->checks[i].aborts)
            return store_call(app->store, abort_release, &o);
    }
    for (size_t i = 0; i < next->require_count; i++) {
        struct outcome o = {.release = r, .name = next->requires[i].name};
        if ((err = run_one(app, a, r, &next->requires[i], &o)) != GR_OK)
            return err;
        if (!o.passed)
            gate_reason(g, a, GR_FMT " requires " GR_FMT ": " GR_FMT, GR_ARG(next->name), GR_ARG(o.name),
                        GR_ARG(o.detail));
    }
    return GR_OK;
}

enum gr_err
checks_run(struct app *app, struct gr_arena *a, const struct release *r, struct gate *g)
{
    enum gr_err err;

    if (!r->policy || r->phase_row->final)
        return GR_OK;
    if (pthread_mutex_trylock(&app->checks->mutex) != 0)
        return GR_EAGAIN;
    err = run_all(app, a, r, g);
    pthread_mutex_unlock(&app->checks->mutex);
    return err;
}
