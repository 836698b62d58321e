/* snapshot.h - the guardrails' values of one release at one moment, from Prometheus, as JSON for the store
 * and back.
 *
 *     {"error": "", "metrics": [{"source", "guardrail", "unit", "slice": {}, "value", "worst", "verdict"},
 * …]} */
#ifndef GUARDRAIL_WEBHOOK_SNAPSHOT_H
#define GUARDRAIL_WEBHOOK_SNAPSHOT_H
#include "guardrail/http_client.h"
#include "policy.h"
#include "record.h"

#define SNAPSHOT_MS INT64_C(10000) /* for all questions together */

struct snapshot_subject {
    const struct policy *policy;
    struct label_set stream;
    struct gr_str deployment_id;
    const struct policy_phase *phase;
    int64_t at_ms;
};
/* Always gives JSON; what could not be asked is in "error". prometheus_url may be empty. */
void snapshot_take(struct gr_http_client *http, struct gr_str prometheus_url,
                   const struct snapshot_subject *s, struct gr_arena *a, struct gr_buf *out);
/* Reads it back; texts in the arena. GR_EUSER: not the above. */
GR_MUST_USE enum gr_err snapshot_read(struct gr_arena *a, struct gr_str json,
                                      const struct record_metric **metrics, size_t *count,
                                      struct gr_str *error);
#endif
