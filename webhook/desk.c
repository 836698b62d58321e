#include "config.h"
#include "desk.h"

#include <pthread.h>
#include "guardrail/sys.h"

struct desk {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;
    struct request *first;
    size_t queued;
    bool stopping;
    pthread_t threads[DESK_THREADS];
    size_t started;
};

static struct request *
take(struct desk *d, bool urgent, bool *stopping)
{
    struct request *q;

    pthread_mutex_lock(&d->mutex);
    while (!(d->first && (d->first->urgent || !urgent || d->stopping)) && !d->stopping)
        pthread_cond_wait(&d->wake, &d->mutex);
    if ((q = d->first) != NULL) {
        d->first = q->next;
        d->queued--;
    }
    *stopping = d->stopping;
    pthread_mutex_unlock(&d->mutex);
    return q;
}

static void
work(struct desk *d, bool urgent)
{
    struct request *q;
    bool stopping;

    while ((q = take(d, urgent, &stopping)) != NULL) {
        if (stopping)
            request_error(q, 503, "shutting down");
        else
            q->route->handle(q);
        q->answered(q);
    }
}

static void *
desk_main(void *arg)
{
    work(arg, false);
    return NULL;
}

/* Operators are heard while all others wait. */
static void *
urgent_main(void *arg)
{
    work(arg, true);
    return NULL;
}

enum gr_err
desk_start(struct desk **out)
{
    struct desk *d = gr_sys.realloc(NULL, sizeof *d);
    int rc = 0;

    if (!d)
        return GR_ENOMEM;
    memset(d, 0, sizeof *d);
    if (pthread_mutex_init(&d->mutex, NULL) != 0 || pthread_cond_init(&d->wake, NULL) != 0) {
        gr_sys.free(d);
        return GR_ENOMEM;
    }
    while (d->started < DESK_THREADS && rc == 0)
        if ((rc = pthread_create(&d->threads[d->started], NULL, d->started == 0 ? urgent_main : desk_main,
                                 d)) == 0)
            d->started++;
    if (rc != 0) {
        desk_stop(d);
        return gr_err_from_errno(rc);
    }
    *out = d;
    return GR_OK;
}

/* Urgent ones before all others, each kind in its order. */
static void
enqueue(struct desk *d, struct request *q)
{
    struct request **at = &d->first;

    while (*at && (!q->urgent || (*at)->urgent))
        at = &(*at)->next;
    q->next = *at;
    *at = q;
    d->queued++;
}

enum gr_err
desk_post(struct desk *d, struct request *q)
{
    enum gr_err err = GR_OK;

    pthread_mutex_lock(&d->mutex);
    if (d->stopping || (d->queued >= DESK_QUEUE_MAX && !q->urgent)) {
        err = GR_EAGAIN;
    } else {
        enqueue(d, q);
        pthread_cond_broadcast(&d->wake); /* not every thread takes every request */
    }
    pthread_mutex_unlock(&d->mutex);
    return err;
}

void
desk_stop(struct desk *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->mutex);
    d->stopping = true;
    pthread_cond_broadcast(&d->wake);
    pthread_mutex_unlock(&d->mutex);
    for (size_t i = 0; i < d->started; i++)
        pthread_join(d->threads[i], NULL);
    (void)pthread_mutex_destroy(&d->mutex);
    (void)pthread_cond_destroy(&d->wake);
    gr_sys.free(d);
}
