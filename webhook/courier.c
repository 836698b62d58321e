#include "config.h"
#include "courier.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include "circuit.h"
#include "followup.h"
#include "guardrail/duration.h"
#include "guardrail/sys.h"
#include "jread.h"
#include "link_take.h"
#include "metrics.h"
#include "pace.h"
#include "page.h"
#include "record.h"
#include "release.h"

#define BACKOFF_BASE_MS 1000
#define BACKOFF_CAP_MS 300000
#define SEND_MS 15000 /* one attempt */
#define CROWD 100     /* so many of one action are moved at once */

struct courier {
    struct app *app;
    const struct sender_target *target;
    const char *name; /* of the target, in the store */
    const atomic_bool *stop;
    struct pace pace;
    pthread_mutex_t mutex; /* guards the circuit: others ask which actions rest */
    struct circuit circuit;
};

enum gr_err
courier_create(struct app *app, const struct sender_target *target, const atomic_bool *stop,
               struct courier **out)
{
    struct courier *c = gr_sys.realloc(NULL, sizeof *c);

    if (!c)
        return GR_ENOMEM;
    memset(c, 0, sizeof *c);
    c->app = app;
    c->target = target;
    c->name = policy_action_kind_name(target->kind);
    c->stop = stop;
    if (pthread_mutex_init(&c->mutex, NULL) != 0) {
        gr_sys.free(c);
        return GR_ENOMEM;
    }
    *out = c;
    return GR_OK;
}

void
courier_free(struct courier *c)
{
    if (!c)
        return;
    (void)pthread_mutex_destroy(&c->mutex);
    gr_sys.free(c);
}

size_t
courier_resting(struct courier *c, struct courier_rest *out, size_t max)
{
    int64_t now = gr_http_now_ms();
    size_t n = 0;

    pthread_mutex_lock(&c->mutex);
    for (size_t i = 0; i < CIRCUIT_ROWS && n < max; i++) {
        const struct circuit_row *row = &c->circuit.rows[i];

        if (row->action[0] == '\0' || row->rest_until_ms <= now)
            continue;
        out[n] = (struct courier_rest){.target = c->name, .rest_ms = row->rest_until_ms - now};
        memcpy(out[n].action, row->action, sizeof out[n].action);
        n++;
    }
    pthread_mutex_unlock(&c->mutex);
    return n;
}

/* ---- what it says ---- */

struct sending {
    struct courier *courier;
    struct gr_arena *arena;
    const struct outbox_effect *effect;
    const struct policy *policy;
    const struct policy_action *action;
    struct release release;
    bool has_release, has_breach, has_thread;
    bool linked;                 /* the message carries a link that takes the page */
    struct outbox_effect breach; /* whose words an outcome repeats */
    struct outbox_thread thread;
    struct outbox_effect first; /* of the thread */
    struct gr_str topic;
    struct audit_head audit;
    struct sender_result result;
    int64_t retry_ms, rest_ms; /* rest_ms: the action rests for so long; 0: it does not */
    bool untried, crowded;
    const char *state;
};

/* What stands in one thread of Slack: all about a guardrail of a deployment; of what concerns neither, each by itself. */
static struct gr_str
topic_of(struct gr_arena *a, const struct outbox_effect *e)
{
    if (e->deployment_id.n == 0 && e->guardrail.n == 0)
        return followup_of(e);
    return gr_arena_printf(a, GR_FMT "/" GR_FMT "/" GR_FMT, GR_ARG(e->stream), GR_ARG(e->deployment_id),
                           GR_ARG(e->guardrail));
}

/* Messages of guardraild's own say little by themselves: the newest breach of their guardrail says what it is about. */
static enum gr_err
load_breach(struct db *db, struct sending *s)
{
    const struct outbox_effect *e = s->effect;
    enum gr_err err;

    if (e->release_id == 0 || e->guardrail.n == 0 || e->inbox_id != 0)
        return GR_OK;
    err = outbox_breach(db, s->arena, e->release_id, e->guardrail, e->id, &s->breach);
    s->has_breach = err == GR_OK;
    return err == GR_ENOENT ? GR_OK : err;
}

static enum gr_err
load_thread(struct db *db, struct sending *s)
{
    enum gr_err err;

    if (s->courier->target->kind != ACTION_SLACK)
        return GR_OK;
    if (!(s->topic = topic_of(s->arena, s->effect)).p)
        return GR_ENOMEM;
    err = outbox_thread(db, s->arena, s->effect->action, s->topic, &s->thread);
    if (err == GR_OK)
        err = outbox_get(db, s->arena, s->thread.effect_id, &s->first);
    s->has_thread = err == GR_OK;
    return err == GR_ENOENT ? GR_OK : err;
}

static enum gr_err
job_load(struct db *db, void *arg)
{
    struct sending *s = arg;
    enum gr_err err;

    if ((err = audit_head(db, &s->audit)) != GR_OK || (err = load_breach(db, s)) != GR_OK ||
        (err = load_thread(db, s)) != GR_OK)
        return err;
    if (s->courier->app->conf->ack_key_file.n > 0 && (err = link_wanted(db, s->effect, &s->linked)) != GR_OK)
        return err;
    if (s->effect->release_id == 0)
        return GR_OK;
    err = release_get(db, s->courier->app->policies, s->effect->release_id, &s->release);
    s->has_release = err == GR_OK;
    return err == GR_ENOENT ? GR_OK : err;
}

static enum message_kind
kind_of(const struct outbox_effect *e, const struct gr_node *payload)
{
    struct gr_str s = jread_str(payload, "kind");

    if (gr_str_is(e->kind, FOLLOWUP_ACKED))
        return MESSAGE_ACKED;
    if (gr_str_is(e->kind, FOLLOWUP_OVER))
        return MESSAGE_CLOSED;
    if (gr_str_is(s, "held"))
        return MESSAGE_HELD;
    if (gr_str_is(s, "outcome"))
        return MESSAGE_OUTCOME;
    return gr_str_is(s, "blind") ? MESSAGE_BLIND : MESSAGE_BREACH;
}

static enum message_act
act_of(struct gr_str name)
{
    for (size_t i = 0; i < MESSAGE_ACTS; i++)
        if (gr_str_is(name, message_act_name((enum message_act)i)))
            return (enum message_act)i;
    return ACT_NONE;
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

/* How the release stands, as a sentence. */
static struct gr_str
release_words(const struct sending *s)
{
    const struct release *r = &s->release;
    struct gr_buf b = GR_BUF_INIT(4096);
    struct gr_str out;

    switch (r->state) {
    case RELEASE_RUNNING:
        gr_buf_printf(&b, "the release runs in %s", r->phase);
        break;
    case RELEASE_HALTED:
        gr_buf_printf(&b, "the release is halted in %s", r->phase);
        break;
    case RELEASE_ROLLING_BACK:
        gr_buf_puts(&b, "the release is being rolled back");
        break;
    case RELEASE_ROLLED_BACK:
        gr_buf_puts(&b, "the release was rolled back");
        break;
    case RELEASE_ABORTED:
        gr_buf_puts(&b, "the release was aborted");
        break;
    case RELEASE_SEALED:
        gr_buf_puts(&b, "the release is general");
        break;
    case RELEASE_NONE:
    case RELEASE_STATES:
        break;
    }
    if (r->ended_ms > 0) {
        gr_buf_puts(&b, " at ");
        gr_time_print(&b, r->ended_ms);
    }
    if (r->held)
        gr_buf_printf(&b, "; held by %s", r->hold_by);
    else if (r->promotion_hold[0] != '\0' && release_state_active(r->state))
        gr_buf_puts(&b, "; promotion is held");
    out = gr_arena_dup(s->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out;
}

/* What the alert behind it said. */
static void
fill_words(struct gr_arena *a, const struct gr_node *p, struct message *m)
{
    m->source = jread_str(p, "source");
    m->slice = jread_labels(a, p, "slice");
    m->summary = jread_str(p, "summary");
    m->description = jread_str(p, "description");
    m->limit = jread_str(p, "limit");
    m->runbook_url = jread_str(p, "runbook_url");
    m->dashboard_url = jread_str(p, "dashboard_url");
}

static void
fill_release(const struct sending *s, struct message *m)
{
    struct gr_buf path = GR_BUF_INIT(4096);

    m->known = true;
    m->halted = s->release.state == RELEASE_HALTED;
    m->now = release_words(s);
    if (s->release.stream_row)
        m->stream = *s->release.stream_row;
    record_path(&path, s->courier->app->conf->reports_dir.p, gr_str(s->release.deployment_id));
    m->record_path = gr_arena_dup(s->arena, gr_buf_str(&path));
    gr_buf_fini(&path);
}

/* A fresh link for each try; empty without keys or randomness, for the message matters more. */
static struct gr_str
make_link(const struct sending *s)
{
    const struct app *app = s->courier->app;
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

/* What an effect says, whichever; the breach behind it, or NULL. */
static void
fill_effect(const struct sending *s, const struct outbox_effect *e, const struct outbox_effect *breach,
            struct message *m)
{
    const struct gr_node *p = NULL, *words = NULL;
    struct gr_str told = followup_of(e);

    if (jread(s->arena, e->payload, &p) != GR_OK)
        p = NULL; /* what the row says is still a message */
    *m = (struct message){.kind = kind_of(e, p),
                          .ok = jread_bool(p, "ok"),
                          .page = gr_str_is(e->kind, "page"),
                          .act = act_of(jread_str(p, "act")),
                          .confirm_by_ms = jread_i64(p, "confirm_by_ms", 0),
                          .spec = s->policy->spec,
                          .deployment_id = e->deployment_id,
                          .phase = e->phase,
                          .guardrail = e->guardrail,
                          .action = jread_str(p, "action"),
                          .reason = e->reason,
                          .by = followup_by(e),
                          .reference = gr_arena_printf(s->arena, "G-%" PRId64, e->id),
                          .key = e->key,
                          .dedup_key = told,
                          .incident = incident_of(told),
                          .attempt = e->attempts,
                          .at_ms = jread_i64(p, "at_ms", e->created_ms),
                          .first_ms = e->created_ms};
    fill_words(s->arena, p, m);
    if (breach && jread(s->arena, breach->payload, &words) == GR_OK)
        fill_words(s->arena, words, m);
    if (m->kind == MESSAGE_ACKED || m->kind == MESSAGE_CLOSED) {
        m->action = GR_STR_NONE; /* was told */
        m->at_ms = e->created_ms;
    }
    if (s->audit.seq > 0) /* half a hash is enough to know a record by */
        m->audit_head = gr_arena_printf(s->arena, "%" PRId64 ":%.16s", s->audit.seq, s->audit.hash);
    if (policy_level_parse(e->level, &m->level) != GR_OK)
        m->level = LEVEL_HARD;
    if (s->has_release)
        fill_release(s, m);
}

/* Somebody else hears of it, a while later. */
static bool
told_again(const struct outbox_effect *e)
{
    return gr_str_find(e->key, GR_STR("|escalated|"), 0) != SIZE_MAX ||
           gr_str_find(e->key, GR_STR("|undelivered|"), 0) != SIZE_MAX;
}

static void
fill_message(const struct sending *s, struct message *m, struct message *head)
{
    fill_effect(s, s->effect, s->has_breach ? &s->breach : NULL, m);
    if (s->linked)
        m->ack_url = make_link(s);
    if (m->kind == MESSAGE_BREACH && !told_again(s->effect))
        m->now = GR_STR_NONE; /* its act says it, and how far that has come a moment later is chance */
    if (!s->has_thread)
        return;
    fill_effect(s, &s->first, NULL, head);
    m->thread_channel = s->thread.channel;
    m->thread_ts = s->thread.ts;
    m->head = head;
}

/* ---- what came of it ---- */

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

static bool
too_old(const struct sending *s)
{
    const struct outbox_effect *e = s->effect;
    int64_t since = e->revived_ms > e->created_ms ? e->revived_ms : e->created_ms;

    return app_now_ms() - since > s->courier->target->age_ms_max;
}

static void
judge(struct sending *s)
{
    const struct outbox_effect *e = s->effect;
    struct app *app = s->courier->app;

    s->state = "done";
    s->retry_ms = 0;
    if (s->result.answer == SENDER_DONE) {
        metrics_add(app->metrics, COUNT_SENT, 1);
    } else if (s->result.answer == SENDER_NEVER || too_old(s)) {
        s->state = "dead";
    } else {
        s->retry_ms = s->result.retry_after_ms > 0 ? s->result.retry_after_ms : backoff_ms(e->attempts);
        metrics_add(app->metrics, COUNT_SEND_RETRIES, 1);
    }
    log_event(app->log, s->result.answer == SENDER_DONE ? AT_INFO : AT_WARN,
              s->result.answer == SENDER_DONE ? "message sent"
              : strcmp(s->state, "dead") != 0 ? "message put back"
                                              : "dead letter",
              "target", s->courier->name, "action", e->action.p, "deployment_id", e->deployment_id.p, "key",
              e->key.p, "why", s->result.text, (char *)NULL);
}

/* Whether the action rests from now on: its target asked for it, or does not answer. 4xx are answers. */
static void
note_outcome(struct sending *s)
{
    struct courier *c = s->courier;
    const struct sender_result *r = &s->result;
    bool asked = r->answer == SENDER_LATER && r->retry_after_ms > 0, opened;
    bool failed = r->answer == SENDER_LATER && (r->status == 0 || r->status == 408 || r->status >= 500);
    int64_t now = gr_http_now_ms();

    pthread_mutex_lock(&c->mutex);
    if (asked)
        circuit_pause(&c->circuit, s->effect->action, r->retry_after_ms, now);
    opened = circuit_note(&c->circuit, s->effect->action, failed, now);
    s->rest_ms = circuit_rest_ms(&c->circuit, s->effect->action, now);
    pthread_mutex_unlock(&c->mutex);
    if (opened)
        log_event(c->app->log, AT_WARN, "a target does not answer: it is left alone for a while", "target",
                  c->name, "action", s->effect->action.p, (char *)NULL);
    if (r->answer == SENDER_LATER && s->retry_ms < s->rest_ms)
        s->retry_ms = s->rest_ms;
}

static enum gr_err
settle_done(struct db *db, struct sending *s)
{
    const struct outbox_effect *e = s->effect;
    struct outbox_thread thread = {
        .effect_id = e->id, .channel = gr_str(s->result.channel), .ts = gr_str(s->result.ts)};
    enum gr_err err;

    if ((err = outbox_finish(db, e->id, "done", GR_STR(""), app_now_ms())) != GR_OK)
        return err;
    if (thread.ts.n > 0 && (err = outbox_thread_begin(db, e->action, s->topic, &thread)) != GR_OK)
        return err;
    return followup_told(db, s->action, e);
}

static enum gr_err
job_settle(struct db *db, void *arg)
{
    struct sending *s = arg;
    const struct outbox_effect *e = s->effect;
    int64_t until = app_now_ms() + s->rest_ms; /* the same for all, so that they keep their order */
    enum gr_err err;

    if (s->rest_ms > 0 && (err = outbox_postpone(db, s->courier->name, e->action, until)) != GR_OK)
        return err;
    if (s->untried)
        return outbox_unclaim(db, e->id, until);
    if (s->result.answer == SENDER_DONE)
        return settle_done(db, s);
    if (strcmp(s->state, "done") == 0)
        return outbox_retry(db, e->id, app_now_ms() + s->retry_ms, gr_str(s->result.text));
    if ((err = outbox_finish(db, e->id, s->state, gr_str(s->result.text), app_now_ms())) != GR_OK)
        return err;
    return followup_dead(db, s->courier->app, s->arena, e, gr_str(s->result.text), app_now_ms());
}

static void
nap(const struct courier *c, int64_t ms)
{
    struct timespec ts = {.tv_nsec = 50 * 1000000L};

    for (; ms > 0 && !atomic_load(c->stop); ms -= 50)
        (void)nanosleep(&ts, NULL);
}

static void
settle(struct sending *s)
{
    struct courier *c = s->courier;
    enum gr_err err;

    while ((err = store_call(c->app->store, job_settle, s)) != GR_OK && !atomic_load(c->stop) &&
           err != GR_EIO)
        nap(c, 200); /* else it would be sent twice */
    if (err == GR_OK && !s->untried && strcmp(s->state, "dead") == 0)
        app_wake(c->app); /* somebody else is told */
}

static void
deliver(struct sending *s, struct gr_http_client *http)
{
    struct app *app = s->courier->app;
    struct sender_env env = {.http = http,
                             .secrets_dir = app->conf->secrets_dir.p ? app->conf->secrets_dir.p : ".",
                             .allow_http = app->conf->allow_http,
                             .pagerduty_url = app->conf->pagerduty_url.p,
                             .slack_url = app->conf->slack_url.p,
                             .private_hosts = app->conf->private_hosts.v,
                             .private_host_count = app->conf->private_hosts.n,
                             .stop = s->courier->stop};
    struct message m, head;

    fill_message(s, &m, &head);
    sender_send(&env, s->action, &m, gr_http_now_ms() + SEND_MS, &s->result);
}

/* What is not sent at all; false: it may be. */
static bool
refuse(struct sending *s)
{
    if (!s->action || s->action->kind != s->courier->target->kind)
        s->result =
            (struct sender_result){.answer = SENDER_NEVER, .text = "the policy has no such action any more"};
    else if (too_old(s))
        s->result =
            (struct sender_result){.answer = SENDER_NEVER, .text = "too old: nobody is told of it now"};
    else
        return false;
    return true;
}

static int64_t
rest_of(struct courier *c, struct gr_str action)
{
    int64_t ms;

    pthread_mutex_lock(&c->mutex);
    ms = circuit_rest_ms(&c->circuit, action, gr_http_now_ms());
    pthread_mutex_unlock(&c->mutex);
    return ms;
}

static bool
load(struct sending *s)
{
    struct courier *c = s->courier;
    enum gr_err err;

    while ((err = store_call(c->app->store, job_load, s)) != GR_OK) {
        if (err == GR_EIO || atomic_load(c->stop))
            return false; /* stays running until the next start */
        nap(c, 200);
    }
    s->policy = s->has_release && s->release.policy ? s->release.policy : policies_current(c->app->policies);
    s->action = policy_action(s->policy, s->effect->action);
    return true;
}

static enum gr_err
job_crowd(struct db *db, void *arg)
{
    struct sending *s = arg;

    return outbox_crowded(db, s->courier->name, s->effect->action, CROWD, &s->crowded);
}

/* 0: it is the message's turn. Else how long its key has to wait: meanwhile others go first, and what waits for the same action waits in the
 * store. Where that is too much to be moved every second it waits here, and holds up the others for that moment. */
static int64_t
take_turn(struct sending *s)
{
    struct courier *c = s->courier;
    const struct sender_target *t = c->target;
    struct gr_str key = sender_pace_key(s->action);
    int64_t ms = pace_take(&c->pace, key, t->interval_ms, t->burst, gr_http_now_ms());

    if (ms > 0 && store_call(c->app->store, job_crowd, s) == GR_OK && s->crowded)
        while (ms > 0 && !atomic_load(c->stop)) {
            nap(c, ms);
            ms = pace_take(&c->pace, key, t->interval_ms, t->burst, gr_http_now_ms());
        }
    return ms;
}

void
courier_send(struct courier *c, struct gr_http_client *http, struct gr_arena *a,
             const struct outbox_effect *e)
{
    struct sending *s = gr_arena_alloc(a, sizeof *s);
    bool refused;

    if (!s)
        return;
    *s = (struct sending){.courier = c, .arena = a, .effect = e, .rest_ms = rest_of(c, e->action)};
    if (s->rest_ms == 0) {
        if (!load(s))
            return;
        if (!(refused = refuse(s)))
            s->rest_ms = take_turn(s);
        if (!refused && s->rest_ms == 0)
            deliver(s, http);
    }
    if ((s->untried = s->rest_ms > 0)) {
        settle(s);
        return;
    }
    judge(s);
    note_outcome(s);
    settle(s);
}
