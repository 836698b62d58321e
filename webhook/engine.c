#include "config.h"
#include "engine.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include "confirm.h"
#include "courier.h"
#include "enact.h"
#include "enter.h"
#include "followup.h"
#include "guardrail/sys.h"
#include "outbox.h"
#include "rollback.h"
#include "sender.h"

#define ARENA_BYTES_MAX (64u << 20)
#define IDLE_MS 1000 /* looks for due retries at least so often */
#define SENDERS_MAX 8u
#define PRUNE_MS 60000

struct worker {
    struct engine *engine;
    const char *target;      /* of the effects it takes */
    struct courier *courier; /* owned; NULL: an executor */
    struct runner *runner;   /* executors only; borrowed */
    pthread_t thread;
    bool started;
    uint64_t seen; /* wake-ups it has answered */
};

struct engine {
    struct app *app;
    atomic_bool stop, cancel;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t cond;
    uint64_t wakes;
    size_t busy;
    struct worker workers[ENGINE_EXECUTORS + 1 + SENDERS_MAX];
    size_t count;
    pthread_t ticker;
    bool ticking;
};

/* ---- claiming ---- */

struct claim {
    struct gr_arena *arena;
    const char *target;
    struct outbox_effect effect;
};

static enum gr_err
job_claim(struct db *db, void *arg)
{
    struct claim *c = arg;

    return outbox_claim(db, c->arena, c->target, app_now_ms(), &c->effect);
}

/* Until there may be something, or a second is over. */
static void
rest(struct worker *w)
{
    struct engine *e = w->engine;
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_MS / 1000;
    pthread_mutex_lock(&e->mutex);
    while (e->wakes == w->seen && !atomic_load(&e->stop))
        if (pthread_cond_timedwait(&e->cond, &e->mutex, &until) != 0)
            break;
    w->seen = e->wakes;
    pthread_mutex_unlock(&e->mutex);
}

static void
nap(struct engine *e, int64_t ms)
{
    struct timespec ts = {.tv_nsec = 50 * 1000000L};

    for (; ms > 0 && !atomic_load(&e->stop); ms -= 50)
        (void)nanosleep(&ts, NULL);
}

/* ---- the threads ---- */

static void
busy(struct engine *e, bool on)
{
    pthread_mutex_lock(&e->mutex);
    e->busy = on ? e->busy + 1 : e->busy - 1;
    pthread_cond_broadcast(&e->cond);
    pthread_mutex_unlock(&e->mutex);
}

/* One effect; false when there was none. */
static bool
work_once(struct worker *w, struct gr_http_client *http)
{
    struct engine *e = w->engine;
    struct claim c = {.arena = gr_arena_create(ARENA_BYTES_MAX), .target = w->target};
    bool ready =
        !w->runner || !runner_gone(w->runner); /* without one nothing is begun: main ends the process */
    bool found = c.arena && ready && store_call(e->app->store, job_claim, &c) == GR_OK;

    if (found) {
        busy(e, true);
        if (w->courier)
            courier_send(w->courier, http, c.arena, &c.effect);
        else if (strcmp(w->target, OUTBOX_TARGET_ENTER) == 0)
            enter_run(
                &(struct enter_env){
                    .app = e->app, .runner = w->runner, .http = http, .stop = &e->stop, .cancel = &e->cancel},
                c.arena, &c.effect);
        else
            rollback_run(
                &(struct rollback_env){
                    .app = e->app, .runner = w->runner, .http = http, .stop = &e->stop, .cancel = &e->cancel},
                c.arena, &c.effect);
        busy(e, false);
    }
    gr_arena_free(c.arena);
    return found;
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    struct engine *e = w->engine;
    struct gr_http_client *http = NULL;
    bool targets = w->courier || strcmp(w->target, OUTBOX_TARGET_ENTER) == 0;
    bool plain = targets ? e->app->conf->allow_http
                         : true; /* Prometheus is often spoken to in the clear on loopback */

    while (!atomic_load(&e->stop)) {
        if (!http && gr_http_client_create(
                         &(struct gr_http_options){.allow_http = plain,
                                                   .ca_file = targets ? e->app->conf->target_ca_file.p : NULL,
                                                   .stop = &e->cancel},
                         &http) != GR_OK)
            rest(w);
        else if (!work_once(w, http))
            rest(w);
    }
    gr_http_client_free(http);
    return NULL;
}

/* ---- the watchdog's absence ---- */

struct outage {
    struct app *app;
    struct gr_arena *arena;
    enum watchdog_news news;
};

static enum gr_err
job_watchdog(struct db *db, void *arg)
{
    struct outage *o = arg;

    return enact_watchdog(db, o->app, o->arena, o->news, app_now_ms());
}

static enum gr_err
job_outage(struct db *db, void *arg)
{
    struct app *app = arg;
    int64_t number;
    bool open = false;
    enum gr_err err = enact_outage(db, &number, &open);

    if (err == GR_OK)
        watchdog_init(&app->watchdog, app_boot_ms(), open);
    return err;
}

static void
look_at_watchdog(struct engine *e)
{
    struct outage o = {.app = e->app, .news = watchdog_look(&e->app->watchdog, app_boot_ms())};

    if (o.news == WATCHDOG_NOTHING || !(o.arena = gr_arena_create(1u << 20)))
        return;
    if (store_call(e->app->store, job_watchdog, &o) == GR_OK) {
        watchdog_told(&e->app->watchdog, o.news);
        log_event(e->app->log, o.news == WATCHDOG_OUTAGE ? AT_ERROR : AT_INFO,
                  o.news == WATCHDOG_OUTAGE ? "the guardrails are blind: the watchdog is silent"
                                            : "the watchdog is back for good",
                  (char *)NULL);
        app_wake(e->app);
    }
    gr_arena_free(o.arena);
}

struct pruning {
    struct app *app;
    int64_t count;
};

static enum gr_err
job_prune(struct db *db, void *arg)
{
    struct pruning *p = arg;

    return enact_prune(db, app_now_ms(), p->app->conf->evidence_retention_ms, &p->count);
}

/* In small bites, with room for alerts between them; what is left after 200 of them has its turn next time. */
static void
prune(struct engine *e)
{
    struct pruning p = {.app = e->app};
    char total[24];
    int64_t sum = 0;

    for (int i = 0; i < 200 && !atomic_load(&e->stop) && store_call(e->app->store, job_prune, &p) == GR_OK &&
                    p.count > 0;
         i++) {
        sum += p.count;
        nap(e, 50);
    }
    if (sum == 0)
        return;
    (void)snprintf(total, sizeof total, "%" PRId64, sum);
    log_event(e->app->log, AT_INFO, "raw requests past their retention were deleted", "count", total,
              (char *)NULL);
}

/* What people said for a time, were asked for and did not answer, or were told and did not take. */
static const struct chore {
    enum gr_err (*run)(struct db *db, const struct app *app, struct gr_arena *a, int64_t now_ms,
                       size_t *count);
    bool acts; /* only in the modes that act */
} chores[] = {
    {enact_holds, false},
    {confirm_expire, true},
    {enact_escalations, true},
    {followup_add, true},
};

struct turn {
    const struct chore *chore;
    struct app *app;
    struct gr_arena *arena;
    size_t count;
};

static enum gr_err
job_chore(struct db *db, void *arg)
{
    struct turn *t = arg;

    return t->chore->run(db, t->app, t->arena, app_now_ms(), &t->count);
}

static void
do_chores(struct engine *e)
{
    for (size_t i = 0; i < GR_COUNT(chores); i++) {
        struct turn t = {.chore = &chores[i], .app = e->app};

        if ((chores[i].acts && !app_acts(e->app)) || !(t.arena = gr_arena_create(ARENA_BYTES_MAX)))
            continue;
        if (store_call(e->app->store, job_chore, &t) == GR_OK && t.count > 0)
            app_wake(e->app);
        gr_arena_free(t.arena);
    }
}

static void *
ticker_main(void *arg)
{
    struct engine *e = arg;
    int64_t prune_ms = gr_http_now_ms() + PRUNE_MS;

    while (!atomic_load(&e->stop)) {
        look_at_watchdog(e);
        do_chores(e);
        if (gr_http_now_ms() >= prune_ms) {
            prune(e);
            prune_ms = gr_http_now_ms() + PRUNE_MS;
        }
        nap(e, 1000);
    }
    return NULL;
}

/* ---- start and stop ---- */

static enum gr_err
job_recover(struct db *db, void *arg)
{
    return outbox_recover(db, arg);
}

static enum gr_err
start_workers(struct engine *e)
{
    int rc;

    for (size_t i = 0; i < e->count; i++) {
        if ((rc = pthread_create(&e->workers[i].thread, NULL, worker_main, &e->workers[i])) != 0)
            return gr_err_from_errno(rc);
        e->workers[i].started = true;
    }
    if ((rc = pthread_create(&e->ticker, NULL, ticker_main, e)) != 0)
        return gr_err_from_errno(rc);
    e->ticking = true;
    return GR_OK;
}

static enum gr_err
list_workers(struct engine *e, const struct engine_options *o)
{
    size_t count;
    const struct sender_target *const *senders = sender_targets(&count);
    enum gr_err err;

    for (size_t i = 0; i < ENGINE_EXECUTORS; i++)
        e->workers[e->count++] =
            (struct worker){.engine = e, .target = OUTBOX_TARGET_ROLLBACK, .runner = o->runners[i]};
    e->workers[e->count++] =
        (struct worker){.engine = e, .target = OUTBOX_TARGET_ENTER, .runner = o->enter_runner};
    GR_ASSERT(count <= SENDERS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct worker *w = &e->workers[e->count];

        *w = (struct worker){.engine = e, .target = policy_action_kind_name(senders[i]->kind)};
        if ((err = courier_create(e->app, senders[i], &e->stop, &w->courier)) != GR_OK)
            return err;
        e->count++;
    }
    return GR_OK;
}

enum gr_err
engine_start(const struct engine_options *o, struct engine **out)
{
    struct engine *e = gr_sys.realloc(NULL, sizeof *e);
    int64_t recovered = 0;
    enum gr_err err;

    if (!e)
        return GR_ENOMEM;
    memset(e, 0, sizeof *e);
    e->app = o->app;
    if (pthread_mutex_init(&e->mutex, NULL) != 0 || pthread_cond_init(&e->cond, NULL) != 0) {
        gr_sys.free(e);
        return GR_ENOMEM;
    }
    if ((err = store_call(o->app->store, job_outage, o->app)) != GR_OK ||
        (err = store_call(o->app->store, job_recover, &recovered)) != GR_OK)
        goto failed;
    if (recovered > 0)
        log_event(o->app->log, AT_WARN, "effects were running when the process ended; their journal is read",
                  (char *)NULL);
    /* In every other mode nothing is carried out, not even what waits from before. */
    if (app_acts(o->app) && (err = list_workers(e, o)) != GR_OK)
        goto failed;
    *out = e; /* before the threads, which find it there */
    if ((err = start_workers(e)) != GR_OK)
        goto failed;
    return GR_OK;
failed:
    *out = NULL;
    engine_stop(e, 0);
    return err;
}

void
engine_wake(struct engine *e)
{
    pthread_mutex_lock(&e->mutex);
    e->wakes++;
    pthread_cond_broadcast(&e->cond);
    pthread_mutex_unlock(&e->mutex);
}

size_t
engine_circuits(struct engine *e, struct courier_rest *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < e->count; i++)
        if (e->workers[i].courier)
            n += courier_resting(e->workers[i].courier, out + n, max - n);
    return n;
}

void
engine_stop(struct engine *e, int64_t timeout_ms)
{
    struct timespec until;

    if (!e)
        return;
    atomic_store(&e->stop, true);
    engine_wake(e);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    pthread_mutex_lock(&e->mutex);
    while (e->busy > 0 && pthread_cond_timedwait(&e->cond, &e->mutex, &until) == 0)
        continue;
    pthread_mutex_unlock(&e->mutex);
    atomic_store(&e->cancel, true);
    for (size_t i = 0; i < e->count; i++)
        if (e->workers[i].started)
            pthread_join(e->workers[i].thread, NULL);
    if (e->ticking)
        pthread_join(e->ticker, NULL);
    for (size_t i = 0; i < e->count; i++)
        courier_free(e->workers[i].courier);
    (void)pthread_mutex_destroy(&e->mutex);
    (void)pthread_cond_destroy(&e->cond);
    gr_sys.free(e);
}
