#include "config.h"
#include "engine.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include "confirm.h"
#include "circuit.h"
#include "enact.h"
#include "guardrail/sys.h"
#include "jread.h"
#include "link_take.h"
#include "metrics.h"
#include "outbox.h"
#include "page.h"
#include "record.h"
#include "rollback.h"
#include "sender.h"

#define ARENA_BYTES_MAX (64u << 20)
#define IDLE_MS 1000 /* looks for due retries at least so often */
#define BACKOFF_BASE_MS 1000
#define BACKOFF_CAP_MS 300000
#define SEND_MS 15000 /* one attempt */
#define SENDERS_MAX 8u
#define PRUNE_MS 60000

struct worker {
    struct engine *engine;
    const char *target;                 /* of the effects it takes */
    const struct sender_target *sender; /* NULL: an executor */
    struct runner *runner;              /* executors only; borrowed */
    pthread_t thread;
    bool started;
    uint64_t seen; /* wake-ups it has answered */
    struct circuit circuit;
    struct circuit shown; /* a copy for others; the engine's mutex guards it */
    double tokens;        /* of the rate limit */
    int64_t filled_ms;
};

struct engine {
    struct app *app;
    atomic_bool stop, cancel;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t cond;
    uint64_t wakes;
    size_t busy;
    struct worker workers[ENGINE_EXECUTORS + SENDERS_MAX];
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

/* ---- messages ---- */

struct sending {
    struct worker *worker;
    struct gr_arena *arena;
    const struct outbox_effect *effect;
    const struct policy *policy;
    struct release release;
    bool has_release;
    bool linked; /* the message carries a link that takes the page */
    struct audit_head audit;
    struct sender_result result;
    int64_t retry_ms, rest_ms; /* rest_ms: the action rests for so long; 0: it does not */
    bool untried;
    const char *state;
};

static enum gr_err
job_load_release(struct db *db, void *arg)
{
    struct sending *s = arg;
    enum gr_err err;

    if ((err = audit_head(db, &s->audit)) != GR_OK)
        return err;
    if (s->worker->engine->app->conf->ack_key_file.n > 0 &&
        (err = link_wanted(db, s->effect, &s->linked)) != GR_OK)
        return err;
    if (s->effect->release_id == 0)
        return GR_OK;
    err = release_get(db, s->worker->engine->app->policies, s->effect->release_id, &s->release);
    s->has_release = err == GR_OK;
    return err == GR_ENOENT ? GR_OK : err;
}

static enum message_kind
kind_of(struct gr_str s)
{
    if (gr_str_is(s, "held"))
        return MESSAGE_HELD;
    if (gr_str_is(s, "outcome"))
        return MESSAGE_OUTCOME;
    return gr_str_is(s, "blind") ? MESSAGE_BLIND : MESSAGE_BREACH;
}

/* An effect's key without its episode: what comes again has the same. */
static struct gr_str
incident_of(struct gr_str key)
{
    size_t n = key.n;

    while (n > 0 && key.p[n - 1] >= '0' && key.p[n - 1] <= '9')
        n--;
    return n > 1 && n < key.n && key.p[n - 1] == '/' ? gr_str_sub(key, 0, n - 1) : key;
}

/* A fresh link for each try; empty without keys or randomness, for the message matters more. */
static struct gr_str
make_link(struct sending *s)
{
    const struct app *app = s->worker->engine->app;
    struct link l = {.effect_id = s->effect->id, .expires_ms = app_now_ms() + app->conf->ack_expiry_ms};
    struct link_keys keys = LINK_KEYS_INIT;
    struct gr_buf url = GR_BUF_INIT(1024);
    struct gr_str out = GR_STR("");
    enum gr_err err = page_link_keys(app->conf, &keys);

    if (err == GR_OK && getrandom(l.nonce, sizeof l.nonce, 0) != (ssize_t)sizeof l.nonce)
        err = GR_EIO;
    if (err == GR_OK && (err = link_name(&l, s->effect->stream, s->effect->key)) == GR_OK &&
        (err = link_print(&url, &keys, app->conf->public_url, &l)) == GR_OK)
        out = gr_arena_dup(s->arena, gr_buf_str(&url));
    if (err != GR_OK)
        log_event(app->log, AT_WARN, "a message goes without its acknowledgement link", "file",
                  app->conf->ack_key_file.p, "error", gr_err_name(err), (char *)NULL);
    link_keys_fini(&keys);
    gr_buf_fini(&url);
    return out;
}

static void
fill_message(struct sending *s, struct message *m)
{
    const struct outbox_effect *e = s->effect;
    const struct gr_node *p = NULL;
    struct gr_buf path = GR_BUF_INIT(4096);

    if (jread(s->arena, e->payload, &p) != GR_OK)
        p = NULL; /* what the row says is still a message */
    *m = (struct message){.kind = kind_of(jread_str(p, "kind")),
                          .ok = jread_bool(p, "ok"),
                          .spec = s->policy->spec,
                          .deployment_id = e->deployment_id,
                          .phase = e->phase,
                          .guardrail = e->guardrail,
                          .source = jread_str(p, "source"),
                          .slice = jread_labels(s->arena, p, "slice"),
                          .summary = jread_str(p, "summary"),
                          .description = jread_str(p, "description"),
                          .limit = jread_str(p, "limit"),
                          .action = jread_str(p, "action"),
                          .reason = e->reason,
                          .runbook_url = jread_str(p, "runbook_url"),
                          .dashboard_url = jread_str(p, "dashboard_url"),
                          .reference = gr_arena_printf(s->arena, "G-%" PRId64, e->id),
                          .dedup_key = e->key,
                          .incident = incident_of(e->key),
                          .attempt = e->attempts,
                          .at_ms = jread_i64(p, "at_ms", e->created_ms)};
    if (s->linked)
        m->ack_url = make_link(s);
    if (s->audit.seq > 0) /* half a hash is enough to know a record by */
        m->audit_head = gr_arena_printf(s->arena, "%" PRId64 ":%.16s", s->audit.seq, s->audit.hash);
    if (policy_level_parse(e->level, &m->level) != GR_OK)
        m->level = LEVEL_HARD;
    if (s->has_release && s->release.stream_row)
        m->stream = *s->release.stream_row;
    if (s->has_release) {
        record_path(&path, s->worker->engine->app->conf->reports_dir.p, gr_str(s->release.deployment_id));
        m->record_path = gr_arena_dup(s->arena, gr_buf_str(&path));
    }
    gr_buf_fini(&path);
}

/* Full jitter: anywhere from now to base × 2^n. */
static int64_t
backoff_ms(int64_t attempts)
{
    int64_t cap = BACKOFF_CAP_MS;
    uint32_t dice = 0;

    if (attempts < 9 && ((int64_t)BACKOFF_BASE_MS << attempts) < cap)
        cap = (int64_t)BACKOFF_BASE_MS << attempts;
    if (getrandom(&dice, sizeof dice, 0) != (ssize_t)sizeof dice)
        dice = UINT32_MAX / 2;
    return (int64_t)((double)cap * ((double)dice / (double)UINT32_MAX));
}

static void
judge(struct sending *s)
{
    const struct outbox_effect *e = s->effect;
    struct app *app = s->worker->engine->app;
    int64_t now = app_now_ms();

    s->state = "done";
    s->retry_ms = 0;
    if (s->result.answer == SENDER_DONE) {
        metrics_add(app->metrics, COUNT_SENT, 1);
    } else if (s->result.answer == SENDER_NEVER || now - e->created_ms > s->worker->sender->age_ms_max) {
        s->state = "dead";
    } else {
        s->retry_ms = s->result.retry_after_ms > 0 ? s->result.retry_after_ms : backoff_ms(e->attempts);
        metrics_add(app->metrics, COUNT_SEND_RETRIES, 1);
    }
    log_event(app->log, s->result.answer == SENDER_DONE ? AT_INFO : AT_WARN,
              s->result.answer == SENDER_DONE ? "message sent"
              : strcmp(s->state, "dead") != 0 ? "message put back"
                                              : "dead letter",
              "target", s->worker->target, "action", e->action.p, "deployment_id", e->deployment_id.p, "key",
              e->key.p, "why", s->result.text, (char *)NULL);
}

/* Whether the action rests from now on: its target asked for it, or does not answer. 4xx are answers. */
static void
note_outcome(struct sending *s)
{
    struct circuit *c = &s->worker->circuit;
    const struct sender_result *r = &s->result;
    bool asked = r->answer == SENDER_LATER && r->retry_after_ms > 0;
    bool failed = r->answer == SENDER_LATER && (r->status == 0 || r->status == 408 || r->status >= 500);
    int64_t now = gr_http_now_ms();

    if (asked)
        circuit_pause(c, s->effect->action, r->retry_after_ms, now);
    if (circuit_note(c, s->effect->action, failed, now))
        log_event(s->worker->engine->app->log, AT_WARN,
                  "a target does not answer: it is left alone for a while", "target", s->worker->target,
                  "action", s->effect->action.p, (char *)NULL);
    s->rest_ms = circuit_rest_ms(c, s->effect->action, now);
    if (r->answer == SENDER_LATER && s->retry_ms < s->rest_ms)
        s->retry_ms = s->rest_ms;
    pthread_mutex_lock(&s->worker->engine->mutex);
    s->worker->shown = *c;
    pthread_mutex_unlock(&s->worker->engine->mutex);
}

static enum gr_err
job_settle(struct db *db, void *arg)
{
    struct sending *s = arg;
    enum gr_err err;

    if (s->rest_ms > 0 &&
        (err = outbox_postpone(db, s->worker->target, s->effect->action, app_now_ms() + s->rest_ms)) != GR_OK)
        return err;
    if (s->untried)
        return outbox_unclaim(db, s->effect->id, app_now_ms() + s->rest_ms);
    if (s->result.answer != SENDER_DONE && strcmp(s->state, "done") == 0)
        return outbox_retry(db, s->effect->id, app_now_ms() + s->retry_ms, gr_str(s->result.text));
    return outbox_finish(db, s->effect->id, s->state,
                         s->result.answer == SENDER_DONE ? GR_STR("") : gr_str(s->result.text), app_now_ms());
}

static void
nap(struct engine *e, int64_t ms)
{
    struct timespec ts = {.tv_nsec = 50 * 1000000L};

    for (; ms > 0 && !atomic_load(&e->stop); ms -= 50)
        (void)nanosleep(&ts, NULL);
}

/* A bucket of `burst` that fills once an interval. */
static void
pace(struct worker *w)
{
    int64_t now = gr_http_now_ms();

    if (w->sender->interval_ms <= 0)
        return;
    w->tokens += (double)(now - w->filled_ms) / (double)w->sender->interval_ms;
    w->filled_ms = now;
    if (w->tokens > (double)w->sender->burst)
        w->tokens = (double)w->sender->burst;
    if (w->tokens < 1.0) {
        nap(w->engine, (int64_t)((1.0 - w->tokens) * (double)w->sender->interval_ms));
        w->tokens = 1.0;
        w->filled_ms = gr_http_now_ms();
    }
    w->tokens -= 1.0;
}

static void
settle(struct sending *s)
{
    struct engine *e = s->worker->engine;
    enum gr_err err;

    while ((err = store_call(e->app->store, job_settle, s)) != GR_OK && !atomic_load(&e->stop) &&
           err != GR_EIO)
        nap(e, 200); /* else it would be sent twice */
}

static void
send_effect(struct worker *w, struct gr_http_client *http, struct gr_arena *a, const struct outbox_effect *e)
{
    struct app *app = w->engine->app;
    struct sending *s = gr_arena_alloc(a, sizeof *s);
    const struct policy_action *action;
    struct message m;
    enum gr_err err;

    if (!s)
        return;
    *s = (struct sending){.worker = w,
                          .arena = a,
                          .effect = e,
                          .rest_ms = circuit_rest_ms(&w->circuit, e->action, gr_http_now_ms())};
    if ((s->untried = s->rest_ms > 0)) {
        settle(s);
        return;
    }
    while ((err = store_call(app->store, job_load_release, s)) != GR_OK) {
        if (err == GR_EIO || atomic_load(&w->engine->stop))
            return; /* stays running until the next start */
        nap(w->engine, 200);
    }
    s->policy = s->has_release && s->release.policy ? s->release.policy : policies_current(app->policies);
    action = policy_action(s->policy, e->action);
    if (!action || action->kind != w->sender->kind) {
        s->result =
            (struct sender_result){.answer = SENDER_NEVER, .text = "the policy has no such action any more"};
    } else {
        struct sender_env env = {.http = http,
                                 .secrets_dir = app->conf->secrets_dir.p ? app->conf->secrets_dir.p : ".",
                                 .allow_http = app->conf->allow_http,
                                 .pagerduty_url = app->conf->pagerduty_url.p,
                                 .private_hosts = app->conf->private_hosts.v,
                                 .private_host_count = app->conf->private_hosts.n,
                                 .stop = &w->engine->stop};
        fill_message(s, &m);
        pace(w);
        sender_send(&env, action, &m, gr_http_now_ms() + SEND_MS, &s->result);
    }
    judge(s);
    note_outcome(s);
    settle(s);
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
        if (w->sender)
            send_effect(w, http, c.arena, &c.effect);
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
    bool plain = w->sender ? e->app->conf->allow_http
                           : true; /* Prometheus is often spoken to in the clear on loopback */

    while (!atomic_load(&e->stop)) {
        if (!http &&
            gr_http_client_create(
                &(struct gr_http_options){.allow_http = plain,
                                          .ca_file = w->sender ? e->app->conf->target_ca_file.p : NULL,
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

static void
list_workers(struct engine *e, const struct engine_options *o)
{
    size_t count;
    const struct sender_target *const *senders = sender_targets(&count);

    for (size_t i = 0; i < ENGINE_EXECUTORS; i++)
        e->workers[e->count++] =
            (struct worker){.engine = e, .target = OUTBOX_TARGET_ROLLBACK, .runner = o->runners[i]};
    GR_ASSERT(count <= SENDERS_MAX);
    for (size_t i = 0; i < count; i++)
        e->workers[e->count++] = (struct worker){.engine = e,
                                                 .target = policy_action_kind_name(senders[i]->kind),
                                                 .sender = senders[i],
                                                 .tokens = (double)senders[i]->burst,
                                                 .filled_ms = gr_http_now_ms()};
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
    if (app_acts(o->app))
        list_workers(e, o); /* in every other mode nothing is carried out, not even what waits from before */
    *out = e;               /* before the threads, which find it there */
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
engine_circuits(struct engine *e, struct engine_circuit *out, size_t max)
{
    int64_t now = gr_http_now_ms(), rest;
    size_t n = 0;

    pthread_mutex_lock(&e->mutex);
    for (size_t i = 0; i < e->count; i++)
        for (size_t k = 0; e->workers[i].sender && k < CIRCUIT_ROWS && n < max; k++) {
            const struct circuit_row *row = &e->workers[i].shown.rows[k];

            if (row->action[0] == '\0' || (rest = row->rest_until_ms - now) <= 0)
                continue;
            memcpy(out[n].action, row->action, sizeof out[n].action);
            out[n++].rest_ms = rest;
        }
    pthread_mutex_unlock(&e->mutex);
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
    (void)pthread_mutex_destroy(&e->mutex);
    (void)pthread_cond_destroy(&e->cond);
    gr_sys.free(e);
}
