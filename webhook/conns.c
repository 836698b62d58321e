#include "config.h"
#include "conns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/tcp.h> /* has more than netinet/tcp.h */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include "guardrail/sys.h"

#define REAP_MS 200
#define POLL_MS 10
#define SETTLE_MS 100 /* for who was accepted just now and is not in the list yet */
#define SLOW_MS 1000  /* what takes longer gives way sooner */

struct conn {
    enum conn_group group;
    enum conn_state state;
    int fd;
    int64_t since_ms, deadline_ms; /* monotonic; deadline 0: none */
    int64_t began_ms;              /* the request, with its first byte that we know of */
    uint64_t received;             /* bytes, when it became idle */
    char address[INET6_ADDRSTRLEN];
    unsigned char key[16]; /* what is counted together */
    struct conn *prev, *next;
};

struct conns {
    struct conns_limits limits;
    struct metrics *metrics;
    pthread_mutex_t mutex;     /* guards all below, and the connections */
    pthread_cond_t reap;       /* the reaper's: it looks by the clock and is woken only to end */
    pthread_cond_t quiet;      /* of those who wait for requests to end, who are few and seldom there */
    atomic_uint waiting;       /* how many that are; changed with the mutex */
    struct conn *first, *last; /* the newest and the oldest */
    atomic_size_t working;     /* grows with the mutex, falls without: see conns_worked */
    bool stopping;
    pthread_t reaper;
};

static int64_t
monotonic_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
wait_until(struct conns *all, pthread_cond_t *cond, int64_t at_ms)
{
    struct timespec ts = {.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000L};

    (void)pthread_cond_timedwait(cond, &all->mutex, &ts); /* early or late: the caller looks again */
}

/* With the mutex, after a change: six times a request, so nobody is woken for nothing. */
static void
tell(struct conns *all)
{
    if (all->waiting > 0)
        pthread_cond_broadcast(&all->quiet);
}

/* The bytes that the kernel has received for it, 0 if it does not say. */
static uint64_t
received(const struct conn *c)
{
    struct tcp_info info;
    socklen_t n = sizeof info;

    memset(&info, 0, sizeof info);
    if (c->group != CONN_TCP || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
        return 0;
    return info.tcpi_bytes_received;
}

/* libmicrohttpd sees the end and closes. The descriptor cannot be closed (and used again) meanwhile: conns_remove takes the same lock
 * first. */
static void
shut(struct conns *all, struct conn *c, enum metrics_counter why)
{
    (void)shutdown(c->fd, SHUT_RDWR);
    c->state = CONN_CLOSING;
    c->deadline_ms = 0;
    metrics_add(all->metrics, why, 1);
}

static bool
enter(struct conns *all, struct conn *c, enum conn_state state)
{
    const struct conns_limits *l = &all->limits;
    const int64_t in_ms[] = {
        [CONN_HEADERS] = l->headers_ms, [CONN_IDLE] = l->idle_ms,    [CONN_BODY] = l->request_ms,
        [CONN_ANSWER] = l->answer_ms,   [CONN_WORKING] = INT64_C(0), [CONN_CLOSING] = INT64_C(0)};
    int64_t now = monotonic_ms();

    if (c->state == CONN_CLOSING)
        return false;
    if (c->state == CONN_HEADERS && state == CONN_HEADERS)
        return true;
    if (state == CONN_WORKING)
        all->working++;
    if (state == CONN_IDLE)
        c->received = received(c);
    if (state == CONN_HEADERS)
        c->began_ms = now;
    c->state = state;
    c->since_ms = now;
    c->deadline_ms = in_ms[state] ? (state == CONN_BODY ? c->began_ms : now) + in_ms[state] : 0;
    return true;
}

/* ---- the reaper ---- */

static void *
reaper_main(void *arg)
{
    struct conns *all = arg;

    pthread_mutex_lock(&all->mutex);
    while (!all->stopping) {
        int64_t now = monotonic_ms();

        for (struct conn *c = all->first; c; c = c->next) {
            /* The first bytes of a further request: they are not told to us before its first line is whole. */
            if (c->state == CONN_IDLE && received(c) > c->received)
                (void)enter(all, c, CONN_HEADERS);
            if (c->deadline_ms && now >= c->deadline_ms)
                shut(all, c, COUNT_REAPED);
        }
        wait_until(all, &all->reap, now + REAP_MS);
    }
    pthread_mutex_unlock(&all->mutex);
    return NULL;
}

enum gr_err
conns_start(const struct conns_limits *limits, struct metrics *metrics, struct conns **out)
{
    struct conns *all = gr_sys.realloc(NULL, sizeof *all);
    pthread_condattr_t attr;
    int rc;

    if (!all)
        return GR_ENOMEM;
    memset(all, 0, sizeof *all);
    all->limits = *limits;
    all->metrics = metrics;
    if (pthread_condattr_init(&attr) != 0)
        goto no_attr;
    if (pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 || pthread_cond_init(&all->reap, &attr) != 0)
        goto no_reap;
    if (pthread_cond_init(&all->quiet, &attr) != 0)
        goto no_quiet;
    if (pthread_mutex_init(&all->mutex, NULL) != 0)
        goto no_mutex;
    (void)pthread_condattr_destroy(&attr);
    if ((rc = pthread_create(&all->reaper, NULL, reaper_main, all)) == 0) {
        *out = all;
        return GR_OK;
    }
    (void)pthread_mutex_destroy(&all->mutex);
    (void)pthread_cond_destroy(&all->quiet);
    (void)pthread_cond_destroy(&all->reap);
    gr_sys.free(all);
    return gr_err_from_errno(rc);
no_mutex:
    (void)pthread_cond_destroy(&all->quiet);
no_quiet:
    (void)pthread_cond_destroy(&all->reap);
no_reap:
    (void)pthread_condattr_destroy(&attr);
no_attr:
    gr_sys.free(all);
    return GR_ENOMEM;
}

void
conns_stop(struct conns *all)
{
    if (!all)
        return;
    pthread_mutex_lock(&all->mutex);
    GR_ASSERT(!all->first);
    all->stopping = true;
    pthread_cond_broadcast(&all->reap);
    pthread_mutex_unlock(&all->mutex);
    pthread_join(all->reaper, NULL);
    (void)pthread_mutex_destroy(&all->mutex);
    (void)pthread_cond_destroy(&all->quiet);
    (void)pthread_cond_destroy(&all->reap);
    gr_sys.free(all);
}

/* ---- coming and going ---- */

static void
set_address(struct conn *c, const struct sockaddr *address)
{
    if (!address)
        return;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        memcpy(c->key, &v4.sin_addr, sizeof v4.sin_addr);
        (void)inet_ntop(AF_INET, &v4.sin_addr, c->address, sizeof c->address); /* fits */
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        memcpy(c->key, &v6.sin6_addr, IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? 16 : 8);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, c->address, sizeof c->address);
    }
}

#define RANK_MAX 5
/* How willingly it is given up, 0: not at all. */
static int
rank(const struct conn *c, int64_t now)
{
    switch (c->state) {
    case CONN_HEADERS:
        if (c->group == CONN_TCP && received(c) == 0)
            return RANK_MAX;
        return now - c->since_ms > SLOW_MS ? 4 : 2;
    case CONN_IDLE:
        return 3;
    case CONN_BODY:
        return 1;
    case CONN_ANSWER:
        return now - c->since_ms > SLOW_MS ? 1 : 0;
    case CONN_WORKING:
    case CONN_CLOSING:
        break;
    }
    return 0;
}

/* Of those that count together with c (same address: one key), the one to give up, the oldest of its rank; NULL if there is none. In a flood
 * of silent connections the search ends at the first. */
static struct conn *
weakest(const struct conns *all, const struct conn *c, bool same_address)
{
    struct conn *found = NULL;
    int64_t now = monotonic_ms();
    int best = 0, r;

    for (struct conn *o = all->last; o && best < RANK_MAX; o = o->prev)
        if (o != c && o->group == c->group && (!same_address || memcmp(o->key, c->key, sizeof o->key) == 0) &&
            (r = rank(o, now)) > best) {
            best = r;
            found = o;
        }
    return found;
}

/* How many of c's group (and address) there are. Who is just taking an answer is as good as gone. */
static size_t
count_with(const struct conns *all, const struct conn *c, bool same_address)
{
    int64_t now = monotonic_ms();
    size_t n = 0;

    for (const struct conn *o = all->first; o; o = o->next)
        n += o->group == c->group && o->state != CONN_CLOSING &&
             (o->state != CONN_ANSWER || now - o->since_ms > SLOW_MS) &&
             (!same_address || memcmp(o->key, c->key, sizeof o->key) == 0);
    return n;
}

/* Holds the caps after c came. */
static void
make_room(struct conns *all, struct conn *c)
{
    bool tcp = c->group == CONN_TCP;
    bool crowded = tcp && count_with(all, c, true) > all->limits.per_address;
    struct conn *goes;

    if (!crowded && count_with(all, c, false) <= (tcp ? all->limits.connections : CONNS_LOCAL_MAX))
        return;
    goes = weakest(all, c, crowded);
    shut(all, goes ? goes : c, COUNT_DISPLACED);
}

struct conn *
conns_add(struct conns *all, enum conn_group group, int fd, const struct sockaddr *address)
{
    struct conn *c = gr_sys.realloc(NULL, sizeof *c);

    if (!c) {
        (void)shutdown(fd, SHUT_RDWR); /* no memory to watch it: it may not stay */
        return NULL;
    }
    memset(c, 0, sizeof *c);
    c->group = group;
    c->fd = fd;
    set_address(c, address);
    pthread_mutex_lock(&all->mutex);
    c->next = all->first;
    if (all->first)
        all->first->prev = c;
    else
        all->last = c;
    all->first = c;
    c->state = CONN_IDLE;
    (void)enter(all, c, CONN_HEADERS);
    make_room(all, c);
    pthread_mutex_unlock(&all->mutex);
    return c;
}

void
conns_remove(struct conns *all, struct conn *c)
{
    pthread_mutex_lock(&all->mutex);
    if (c->prev)
        c->prev->next = c->next;
    else
        all->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        all->last = c->prev;
    if (c->state != CONN_CLOSING)
        tell(all);
    pthread_mutex_unlock(&all->mutex);
    gr_sys.free(c);
}

const char *
conn_address(const struct conn *c)
{
    return c ? c->address : "";
}

bool
conn_enter(struct conns *all, struct conn *c, enum conn_state state)
{
    bool stays;

    if (!c)
        return false;
    pthread_mutex_lock(&all->mutex);
    stays = enter(all, c, state);
    tell(all);
    pthread_mutex_unlock(&all->mutex);
    return stays;
}

void
conns_worked(struct conns *all)
{
    /* Nobody waits but when the server ends. Who begins to wait just now is not told, and looks again soon (POLL_MS). After the last request is
     * done, whoever waited may free all of this at once: so nothing is touched behind the count. */
    if (atomic_load(&all->waiting) == 0) {
        atomic_fetch_sub(&all->working, 1);
        return;
    }
    pthread_mutex_lock(&all->mutex);
    atomic_fetch_sub(&all->working, 1);
    pthread_cond_broadcast(&all->quiet);
    pthread_mutex_unlock(&all->mutex);
}

/* ---- waiting ---- */

static bool
any_half(const struct conns *all)
{
    for (const struct conn *c = all->first; c; c = c->next)
        if (c->state == CONN_HEADERS || c->state == CONN_BODY || c->state == CONN_ANSWER)
            return true;
    return false;
}

void
conns_drain(struct conns *all, int64_t timeout_ms, int64_t wait_half_ms)
{
    int64_t now = monotonic_ms(), end = now + timeout_ms, half_end = now + wait_half_ms,
            settled = now + SETTLE_MS;

    pthread_mutex_lock(&all->mutex);
    all->waiting++;
    while ((now = monotonic_ms()) < end &&
           (all->working > 0 || (now < half_end && (now < settled || any_half(all)))))
        wait_until(all, &all->quiet,
                   all->working > 0 ? (end - now < POLL_MS ? end : now + POLL_MS)
                   : now < settled  ? settled
                                    : half_end);
    all->waiting--;
    pthread_mutex_unlock(&all->mutex);
}

void
conns_rest(struct conns *all)
{
    pthread_mutex_lock(&all->mutex);
    all->waiting++;
    while (all->working > 0)
        wait_until(all, &all->quiet, monotonic_ms() + POLL_MS);
    all->waiting--;
    pthread_mutex_unlock(&all->mutex);
}
