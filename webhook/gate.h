/* gate.h - may a release go on to its next phase? Promotion needs positive proof; every reason against it is
 * listed.
 *
 *  - the release runs, nobody and nothing holds it, no rollback waits
 *  - the phase's minimum duration is over, extensions by soft breaches included, and its maximum is not
 *  - no breach of this phase is open, it saw no hard one, and soft ones that are over were acknowledged
 *  - it is armed: a rollback that was tried is followed by a rearm (modes auto and confirm)
 *  - the phase's checks have passed
 *  - the watchdog is alive
 *  - Prometheus has every verdict series that the policy expects for stream and phase, and all are 0; with `thin: allow` one that is
 *    insufficient for no other reason than "thin" counts as 0
 * An operator's override opens the gate for a time, but no hold and no state.
 * What the next phase requires is asked by `release advance` alone, for it runs programs. */
#ifndef GUARDRAIL_WEBHOOK_GATE_H
#define GUARDRAIL_WEBHOOK_GATE_H
#include "app.h"
#include "release.h"

#define GATE_REASONS_MAX 50u       /* more are counted */
#define GATE_SLICES_SHOWN 5u       /* of one reason */
#define GATE_REASONED_MAX 2000u    /* insufficient verdicts that are told why: looked up one by one */
#define GATE_PROM_MS INT64_C(5000) /* Prometheus' time to answer */

struct gate {
    struct release release; /* as it was judged; its version goes to release_advance */
    struct gr_str reasons[GATE_REASONS_MAX];
    size_t count, more;
    size_t firm;     /* so many of them, the first ones, no override opens: state and hold */
    bool overridden; /* somebody opened the gate for a while (release.h); the reasons are told all the same */
    bool unknown;    /* Prometheus could not be asked */
};
/* No reason, or an override that covers them all. */
bool gate_is_open(const struct gate *g);
/* Texts live in the arena. GR_ENOENT: no such deployment; else what the store said. Not on the store's
 * thread. */
/* Of a certain phase: a release that is in a later one, or general, has passed it; one in an earlier phase has not come to it. GR_ENOENT,
 * too: its policy has no such phase, and *no_phase. Empty: the phase that the release stands in. */
GR_MUST_USE enum gr_err gate_ask_of(struct app *app, struct gr_arena *a, struct gr_str deployment_id,
                                    struct gr_str phase, int64_t now_ms, struct gate *out, bool *no_phase);
GR_MUST_USE enum gr_err gate_ask(struct app *app, struct gr_arena *a, struct gr_str deployment_id,
                                 int64_t now_ms, struct gate *out);
/* Appends the question for Prometheus, of a release with a policy, stream and phase. */
GR_MUST_USE enum gr_err gate_query(struct gr_buf *b, const struct release *r);
/* `spec="…",<release labels>,phase="…",deployment_id="…"`: the series of a release, which has a policy, in its phase. */
void gate_matchers(struct gr_buf *b, const struct release *r);
/* A slice of a flow that gets no traffic in the phase cannot report. */
bool gate_slice_idle(const struct release *r, struct label_set slice);
void gate_reason(struct gate *g, struct gr_arena *a, const char *fmt, ...) GR_PRINTF(3, 4);
#endif
