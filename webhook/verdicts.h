/* verdicts.h - what Prometheus says of a release's guardrails, now and over the last half hour: for people to look at. The gate
 * asks for itself (gate.h).
 *
 * A row for each slice that the policy expects in the release's phase, and for each further one that Prometheus has; a line for each
 * guardrail of the phase, over time. Not on the store's thread: it waits for Prometheus, VERDICTS_MS at most. */
#ifndef GUARDRAIL_WEBHOOK_VERDICTS_H
#define GUARDRAIL_WEBHOOK_VERDICTS_H
#include "app.h"
#include "guardrail/arena.h"
#include "jw.h"
#include "release.h"

#define VERDICTS_MS INT64_C(3000)
#define VERDICTS_POINTS 30u
#define VERDICTS_STEP_MS INT64_C(60000) /* divided by the policy's time scale */

struct verdict_row {
    const struct policy_guardrail *guardrail;
    struct label_set slice;
    int verdict;          /* enum gr_verdict; -1: none */
    struct gr_str reason; /* why it is insufficient ("thin"); may be empty */
};
struct verdict_line {
    const struct policy_guardrail *guardrail;
    int verdicts[VERDICTS_POINTS];   /* the worst of its slices, oldest first; -1: none */
    double effects[VERDICTS_POINTS]; /* the same of guardrail:effect; NaN: none */
};
struct verdicts {
    struct verdict_row *rows; /* in the policy's order */
    size_t row_count;
    struct verdict_line *lines;
    size_t line_count;
    int64_t at_ms, step_ms;
    char error[240]; /* Prometheus could not be asked; rows and lines are then empty. "": all is well */
};
/* "healthy", "insufficient", "soft", "hard"; "none" for anything else. */
const char *verdict_name(int verdict);
/* r: of release_get, running or not; without policy or phase there is nothing. Texts live in the arena or the policy. */
void verdicts_ask(struct app *app, struct gr_arena *a, const struct release *r, int64_t now_ms,
                  struct verdicts *out);
/* "at", "step_ms", "error", "guardrails": [{"guardrail", "verdict": the worst one, "slices": [{"slice", "verdict", "reason"}],
 * "verdicts": […], "effects": […]}] into an object that is open. */
void verdicts_print(struct jw *w, const struct verdicts *v);
#endif
