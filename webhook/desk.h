/* desk.h - a few threads that answer requests which have to wait: for the store, for Prometheus, for a
 * program.
 *
 * The queue is bounded: beyond it requests are refused at once (503), but for urgent ones, which the admin socket bounds. */
#ifndef GUARDRAIL_WEBHOOK_DESK_H
#define GUARDRAIL_WEBHOOK_DESK_H
#include "request.h"

#define DESK_THREADS                                                                                         \
    5 /* the first for urgent requests alone; of the others one may run a phase's checks for minutes */
#define DESK_QUEUE_MAX 128

struct desk;
GR_MUST_USE enum gr_err desk_start(struct desk **out);
/* Urgent requests go before the others. GR_EAGAIN: full or stopping; nothing was taken. Otherwise q->answered is called exactly once, on a thread
 * of the desk. */
GR_MUST_USE enum gr_err desk_post(struct desk *d, struct request *q);
/* Answers what waits with 503, lets running handlers end, joins. Accepts NULL. */
void desk_stop(struct desk *d);
#endif
