/* verdicts.h - what Prometheus says of a release's guardrails, now and over the last half hour, for people to look at: the questions,
 * and what is made of the answers. Who wants to know asks board.h, which keeps them for a while; the gate asks for itself (gate.h).
 *
 * There is a cell for every slice that the policy expects in the release's phase and for every further one that Prometheus has,
 * VERDICTS_CELLS_MAX at the most. No answer, no sample, NaN and numbers that are no verdict are all VERDICT_NONE. Over time there is a
 * line for each guardrail of the phase. */
#ifndef GUARDRAIL_WEBHOOK_VERDICTS_H
#define GUARDRAIL_WEBHOOK_VERDICTS_H
#include "guardrail/arena.h"
#include "jw.h"
#include "prom.h"
#include "release.h"

#define VERDICTS_CELLS_MAX 2000u
#define VERDICTS_POINTS 30u
#define VERDICTS_STEP_MS INT64_C(60000) /* divided by the policy's time scale */
#define VERDICTS_ERROR_BYTES 240u

enum verdict {
    VERDICT_IDLE,
    VERDICT_HEALTHY,
    VERDICT_INSUFFICIENT,
    VERDICT_NONE,
    VERDICT_SOFT,
    VERDICT_HARD,
    VERDICTS
};
/* "healthy", "insufficient", "soft", "hard"; "none" for anything else. */
const char *verdict_name(enum verdict verdict);
struct verdict_cell {
    const struct policy_guardrail *guardrail; /* of the release's policy */
    struct label_set slice;
    enum verdict verdict; /* idle: the flow gets no traffic in this phase */
    struct gr_str why;    /* of insufficient; may be empty */
};
struct verdict_line {
    const struct policy_guardrail *guardrail;
    enum verdict verdicts[VERDICTS_POINTS]; /* the worst of its slices, oldest first */
    double effects[VERDICTS_POINTS];        /* the same of guardrail:effect; NaN: none */
};
struct verdicts {
    const struct verdict_cell *cells; /* in the policy's order */
    size_t count;
    const struct verdict_line
        *lines; /* likewise; none where line_error says why, or where they were not asked for */
    size_t line_count;
    int64_t at_ms, step_ms; /* Unix, when it was asked; 0: it was not. Between points */
    bool known;             /* Prometheus answered: cells are true */
    bool cut;               /* there are more slices than cells */
    bool over_time;         /* lines were asked for */
    char error[VERDICTS_ERROR_BYTES], line_error[VERDICTS_ERROR_BYTES];
};

struct verdicts_asking {
    struct gr_http_client *http;
    struct gr_str url;             /* prometheus_url of the configuration */
    const struct release *release; /* with a policy */
    int64_t now_ms;                /* Unix */
    int64_t deadline_ms;           /* of gr_http_now_ms */
    bool over_time;
};
/* Asks and waits. What *out points to lives in the arena and in the policy. On failure out->error says what went wrong; that cells
 * are there and lines could not be had is no failure. Not on the store's thread. */
GR_MUST_USE enum gr_err verdicts_ask(const struct verdicts_asking *k, struct gr_arena *a,
                                     struct verdicts *out);
/* What is expected, and nothing known of it. */
GR_MUST_USE enum gr_err verdicts_unknown(struct gr_arena *a, const struct release *r, const char *error,
                                         struct verdicts *out);
/* "at", "age_ms", "step_ms", "error", "cut", "guardrails": [{"guardrail", "verdict": the worst one, "slices": [{"slice", "verdict",
 * "reason"}], "verdicts": […], "effects": […]}] into an object that is open. Idle slices are left out. */
void verdicts_print(struct jw *w, const struct verdicts *v, int64_t now_ms);

/* The two halves, for tests: the question, and what is made of an answer. scratch may go once it is read. */
GR_MUST_USE enum gr_err verdicts_query(struct gr_buf *b, const struct release *r);
GR_MUST_USE enum gr_err verdicts_read(struct gr_arena *a, struct gr_arena *scratch, const struct release *r,
                                      const struct prom_vector *v, struct verdicts *out);
#endif
