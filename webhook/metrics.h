/* metrics.h - what guardraild counts about itself, and the text of /metrics.
 *
 * Counters are atomics and may be raised on any thread. The series about releases (guardrail/policy.h names
 * them) come from the store; when
 * it does not answer, the last good text is shown: a store in trouble must not look to Prometheus like the
 * end of every release. */
#ifndef GUARDRAIL_WEBHOOK_METRICS_H
#define GUARDRAIL_WEBHOOK_METRICS_H
#include "app.h"
#include "guardrail/buf.h"

enum metrics_counter {
    COUNT_ALERTS,         /* alerts accepted */
    COUNT_ALERTS_IGNORED, /* of them: none of ours */
    COUNT_EFFECTS_NEW,
    COUNT_EFFECTS_KNOWN, /* asked for again, happened before */
    COUNT_REAPED,        /* connections that outlived a deadline */
    COUNT_STEPS,         /* attempts of rollback steps */
    COUNT_STEPS_FAILED,
    COUNT_SENT, /* messages delivered */
    COUNT_SEND_RETRIES,
    COUNT_DISPLACED,       /* connections closed to make room */
    COUNT_AUTH_REFUSED,    /* requests without the token or certificate that they need */
    COUNT_RATE_REFUSED,    /* requests past the rate */
    COUNT_RELOADS,         /* credentials read anew and used */
    COUNT_RELOAD_FAILURES, /* and not used, for one of the files is wrong */
    COUNT_PROM_ERRORS,     /* questions to Prometheus without an answer */
    METRICS_COUNTERS
};
struct metrics;
GR_MUST_USE struct metrics *metrics_create(void);
void metrics_free(struct metrics *m);
void metrics_add(struct metrics *m, enum metrics_counter which, uint64_t n);
/* One answered request. path: the route's, or "" for none. */
void metrics_request(struct metrics *m, const char *method, const char *path, int status);
/* Appends the whole text. Asks the store; not on its thread. */
void metrics_print(struct app *app, struct gr_buf *out);
#endif
