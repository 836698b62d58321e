/* courier.h - one message after another to one kind of target: what it says, when it may go, what the answer means.
 *
 * A courier belongs to the thread that calls courier_send; courier_resting may be asked by any. It keeps the pace of each key (pace.h) and leaves
 * alone, for a while, whoever does not answer (circuit.h). What waits for either goes back into the store, so nothing else waits for it. */
#ifndef GUARDRAIL_WEBHOOK_COURIER_H
#define GUARDRAIL_WEBHOOK_COURIER_H
#include "app.h"
#include "outbox.h"
#include "sender.h"

struct courier;
/* stop: set when guardraild ends; borrowed, as app and target. */
GR_MUST_USE enum gr_err courier_create(struct app *app, const struct sender_target *target,
                                       const atomic_bool *stop, struct courier **out);
void courier_free(struct courier *c); /* accepts NULL */
/* Carries out one claimed effect and writes down what came of it. */
void courier_send(struct courier *c, struct gr_http_client *http, struct gr_arena *a,
                  const struct outbox_effect *e);

struct courier_rest {
    const char *target;
    char action[132];
    int64_t rest_ms; /* how long it still rests */
};
/* The actions that are left alone now; how many. */
size_t courier_resting(struct courier *c, struct courier_rest *out, size_t max);
#endif
