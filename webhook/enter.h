/* enter.h - applies the traffic split of a phase: its on_enter, step by step, journaled, before the phase counts as entered.
 *
 * Steps set a state (the shares are absolute), so one that was interrupted runs again. Each is tried `retries` times more, after 1, 2,
 * 4 … 30 s. When all are done the release enters the phase (release_entered); when one has failed for good the release stays where it
 * is, promotion is held and somebody is paged. Whatever else ends the release's run (a rollback, a halt, an abort, a cancel) wins: the
 * running step is ended, at most 5 s later, and a rollback begins its first step only then (outbox_claim). */
#ifndef GUARDRAIL_WEBHOOK_ENTER_H
#define GUARDRAIL_WEBHOOK_ENTER_H
#include "app.h"
#include "guardrail/http_client.h"
#include "outbox.h"
#include "runner.h"

struct enter_env {
    struct app *app;
    struct runner *runner;
    struct gr_http_client *http;
    const atomic_bool *stop;   /* begin no further step */
    const atomic_bool *cancel; /* end the running one too */
};
/* The effect was claimed (state running) and is ended by this; when the process stops it is left, and the next start goes on from
 * the journal. Blocks for as long as the steps take. */
void enter_run(const struct enter_env *env, struct gr_arena *a, const struct outbox_effect *e);
#endif
