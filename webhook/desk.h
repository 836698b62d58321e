/* desk.h - a few threads that answer requests which have to wait: for the store, for Prometheus, for a
 * program.
 *
 * The queue is bounded: beyond it requests are refused at once (503). */
#ifndef GUARDRAIL_WEBHOOK_DESK_H
#define GUARDRAIL_WEBHOOK_DESK_H
#include "request.h"

#define DESK_THREADS                                                                                         \
    4 /* one may run a phase's checks for minutes; the rest stay free for reading and holding */
#define DESK_QUEUE_MAX 128

struct desk;
GR_MUST_USE enum gr_err desk_start(struct desk **out);
/* GR_EAGAIN: full or stopping; nothing was taken. Otherwise q->answered is called exactly once, on a thread
 * of the desk. */
GR_MUST_USE enum gr_err desk_post(struct desk *d, struct request *q);
/* Answers what waits with 503, lets running handlers end, joins. Accepts NULL. */
void desk_stop(struct desk *d);
#endif
