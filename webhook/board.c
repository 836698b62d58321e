#include "config.h"
#include "board.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include "guardrail/http_client.h"
#include "guardrail/sys.h"
#include "metrics.h"

#define ARENA_BYTES_MAX (16u << 20) /* of what is kept of one answer */

struct board_item {
    atomic_uint holders;
    struct gr_arena *arena;
    int64_t asked_ms; /* of the clock that nobody sets */
    struct verdicts verdicts;
};

struct entry {
    int64_t release_id, phase_n;
    const struct policy *policy;
    int64_t wanted_ms;
    struct board_item *item; /* held; NULL: none */
};

struct board_cache {
    struct metrics *metrics; /* borrowed */
    pthread_mutex_t mutex;   /* guards all below; never held while somebody waits for Prometheus */
    pthread_cond_t asked;    /* nobody asks any more */
    struct entry entries[BOARD_KEPT];
    bool asking;                      /* somebody does, and uses http */
    int64_t silent_until;             /* Prometheus failed: not asked until then */
    char error[VERDICTS_ERROR_BYTES]; /* how */
    struct gr_http_client *http;
};

/* ---- items ---- */

static void
item_drop(struct board_item *item)
{
    if (!item || atomic_fetch_sub(&item->holders, 1) > 1)
        return;
    gr_arena_free(item->arena);
    gr_sys.free(item);
}

static struct board_item *
item_create(int64_t boot_ms)
{
    struct board_item *item = gr_sys.realloc(NULL, sizeof *item);

    if (!item)
        return NULL;
    memset(item, 0, sizeof *item);
    atomic_init(&item->holders, 1);
    item->asked_ms = boot_ms;
    if (!(item->arena = gr_arena_create(ARENA_BYTES_MAX))) {
        gr_sys.free(item);
        return NULL;
    }
    return item;
}

static struct board_item *
item_unknown(const struct board_want *want, const char *error)
{
    struct board_item *item = item_create(want->boot_ms);

    if (item && verdicts_unknown(item->arena, want->release, error, &item->verdicts) != GR_OK) {
        item_drop(item);
        return NULL;
    }
    return item;
}

void
board_drop(const struct board_item *item)
{
    item_drop((struct board_item *)(uintptr_t)item);
}

const struct verdicts *
board_of(const struct board_item *item)
{
    return &item->verdicts;
}

/* ---- the cache ---- */

static bool
init_locks(struct board_cache *c)
{
    pthread_condattr_t a;
    bool made;

    if (pthread_condattr_init(&a) != 0)
        return false;
    made = pthread_condattr_setclock(&a, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&c->asked, &a) == 0;
    (void)pthread_condattr_destroy(&a);
    if (made && pthread_mutex_init(&c->mutex, NULL) != 0) {
        (void)pthread_cond_destroy(&c->asked);
        return false;
    }
    return made;
}

enum gr_err
board_create(struct metrics *m, struct board_cache **out)
{
    struct board_cache *c = gr_sys.realloc(NULL, sizeof *c);

    if (!c)
        return GR_ENOMEM;
    memset(c, 0, sizeof *c);
    c->metrics = m;
    c->silent_until = INT64_MIN;
    if (!init_locks(c)) {
        gr_sys.free(c);
        return GR_ENOMEM;
    }
    *out = c;
    return GR_OK;
}

void
board_free(struct board_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < BOARD_KEPT; i++)
        item_drop(c->entries[i].item);
    gr_http_client_free(c->http);
    (void)pthread_cond_destroy(&c->asked);
    (void)pthread_mutex_destroy(&c->mutex);
    gr_sys.free(c);
}

/* The release's entry, or the one that was not wanted for longest. */
static struct entry *
entry_of(struct board_cache *c, const struct board_want *want)
{
    const struct release *r = want->release;
    struct entry *e = &c->entries[0];

    for (size_t i = 0; i < BOARD_KEPT; i++) {
        if (c->entries[i].item && c->entries[i].release_id == r->id && c->entries[i].phase_n == r->phase_n &&
            c->entries[i].policy == r->policy) {
            c->entries[i].wanted_ms = want->boot_ms;
            return &c->entries[i];
        }
        if (!c->entries[i].item || (e->item && c->entries[i].wanted_ms < e->wanted_ms))
            e = &c->entries[i];
    }
    item_drop(e->item);
    *e = (struct entry){
        .release_id = r->id, .phase_n = r->phase_n, .policy = r->policy, .wanted_ms = want->boot_ms};
    return e;
}

/* What was asked for, and not longer ago than that. */
static bool
serves(const struct entry *e, const struct board_want *want, int64_t age_ms)
{
    return e->item && want->boot_ms - e->item->asked_ms < age_ms &&
           (e->item->verdicts.over_time || !want->over_time);
}

/* On the one thread that asks. */
static enum gr_err
ask(struct board_cache *c, const struct board_want *want, struct board_item *item)
{
    struct verdicts_asking k = {.url = want->prometheus_url,
                                .release = want->release,
                                .now_ms = want->now_ms,
                                .over_time = want->over_time,
                                .deadline_ms =
                                    gr_http_now_ms() + (want->over_time ? BOARD_LINES_MS : BOARD_ASK_MS)};
    enum gr_err err = GR_OK;

    if (!c->http)
        err = gr_http_client_create(&(struct gr_http_options){.allow_http = true}, &c->http);
    k.http = c->http;
    return err == GR_OK ? verdicts_ask(&k, item->arena, &item->verdicts) : err;
}

static struct board_item *
renew(struct board_cache *c, const struct board_want *want)
{
    struct board_item *item = item_create(want->boot_ms);
    char error[VERDICTS_ERROR_BYTES];
    struct entry *e;
    enum gr_err err = item ? ask(c, want, item) : GR_ENOMEM;
    bool failed = err != GR_OK || item->verdicts.line_error[0] != '\0';

    if (failed && c->metrics)
        metrics_add(c->metrics, COUNT_PROM_ERRORS, 1);
    if (err != GR_OK) {
        (void)snprintf(error, sizeof error, "%s",
                       item && item->verdicts.error[0] ? item->verdicts.error : gr_err_name(err));
        item_drop(item);
        item = item_unknown(want, error);
    }
    pthread_mutex_lock(&c->mutex);
    c->asking = false;
    pthread_cond_broadcast(&c->asked);
    if (err != GR_OK) {
        c->silent_until = want->boot_ms + BOARD_FRESH_MS;
        memcpy(c->error, error, sizeof error);
    }
    if (item) {
        e = entry_of(c, want);
        item_drop(e->item);
        atomic_fetch_add(&item->holders, 1);
        e->item = item;
    }
    pthread_mutex_unlock(&c->mutex);
    return item;
}

/* The mutex is held, and let go meanwhile. */
static void
wait_for_others(struct board_cache *c)
{
    int64_t until = gr_http_now_ms() + BOARD_LINES_MS;
    struct timespec ts = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};

    while (c->asking && pthread_cond_timedwait(&c->asked, &c->mutex, &ts) == 0)
        ;
}

const struct board_item *
board_get(struct board_cache *c, const struct board_want *want)
{
    struct board_item *item = NULL;
    char error[VERDICTS_ERROR_BYTES] = "it is being asked";
    struct entry *e;
    bool ours = false;

    if (want->prometheus_url.n == 0)
        return item_unknown(want, "no prometheus_url is configured");
    pthread_mutex_lock(&c->mutex);
    if (want->over_time && c->asking)
        wait_for_others(c);
    e = entry_of(c, want);
    if (serves(e, want, BOARD_FRESH_MS)) {
        item = e->item;
    } else if (want->boot_ms < c->silent_until) {
        memcpy(error, c->error, sizeof error);
    } else if (c->asking) {
        if (serves(e, want, BOARD_OLD_MS) && e->item->verdicts.known)
            item = e->item;
    } else {
        ours = c->asking = true;
    }
    if (item)
        atomic_fetch_add(&item->holders, 1);
    pthread_mutex_unlock(&c->mutex);
    if (ours)
        return renew(c, want);
    return item ? item : item_unknown(want, error);
}
