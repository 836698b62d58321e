/* rollback.h - carries out one rollback, step by step, with a journal that survives a crash between any two
 * instructions. */
#ifndef GUARDRAIL_WEBHOOK_ROLLBACK_H
#define GUARDRAIL_WEBHOOK_ROLLBACK_H
#include "app.h"
#include "guardrail/http_client.h"
#include "outbox.h"
#include "runner.h"

struct rollback_env {
    struct app *app;
    struct runner *runner;
    struct gr_http_client *http;
    const atomic_bool *stop;   /* begin no further step */
    const atomic_bool *cancel; /* end the running one too */
};
/* The effect was claimed (state running) and is ended, or put back, by this. When the store does not answer
 * any more, or the process
 * stops, it is left as it is: the next start goes on from the journal. Blocks for as long as the steps take.
 * */
void rollback_run(const struct rollback_env *env, struct gr_arena *a, const struct outbox_effect *e);
#endif
