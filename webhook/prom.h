/* prom.h - instant queries to Prometheus: for the gate, the verify steps and the snapshots.
 *
 * "No data" is an answer (GR_OK, no samples), never an error, and an error is never no data. Answers are bounded. Parsing does not
 * touch cJSON's global, so any thread may ask with its own struct gr_http_client. */
#ifndef GUARDRAIL_WEBHOOK_PROM_H
#define GUARDRAIL_WEBHOOK_PROM_H
#include "guardrail/http_client.h"
#include "labels.h"

#define PROM_SAMPLES_MAX 20000u
#define PROM_QUERY_BYTES_MAX 65536u

struct prom_sample {
    struct label_set labels; /* __name__ left out */
    double value;            /* may be NaN or infinite */
};
struct prom_vector {
    const struct prom_sample *samples;
    size_t count; /* 0: no data */
};
/* Over time: point i is at start_ms + i * step_ms. */
#define PROM_POINTS_MAX 100u
#define PROM_LINES_MAX 2000u
struct prom_range {
    int64_t start_ms, step_ms; /* Unix; step > 0 */
    size_t points;             /* 1 … PROM_POINTS_MAX */
};
struct prom_line {
    struct label_set labels;
    const double *values; /* as many as the range has points; NaN: none there */
};
struct prom_matrix {
    const struct prom_line *lines;
    size_t count;
};
/* What went wrong, for people; never holds a URL. */
struct prom_error {
    char text[240];
};
/* Asks POST <base_url>/api/v1/query. base_url: prometheus_url of the configuration, with or without a trailing '/'. A scalar result
 * is one sample without labels. time_ms: evaluation time, Unix; 0: now. Samples live in the arena.
 * GR_EUSER: Prometheus refuses the query (its message is in *error); GR_ENET, GR_ETIMEOUT, GR_ESTATE: as gr_http_perform, also GR_ENET for
 * status 5xx and 503; GR_ESYNTAX: the answer is not Prometheus'; GR_ELIMIT, GR_ENOMEM, GR_ERANGE. */
GR_MUST_USE enum gr_err prom_query(struct gr_http_client *c, const char *base_url, struct gr_str query,
                                   int64_t time_ms, int64_t deadline_ms, struct gr_arena *a,
                                   struct prom_vector *out, struct prom_error *error);
/* Asks POST <base_url>/api/v1/query_range; errors as above. */
GR_MUST_USE enum gr_err prom_query_range(struct gr_http_client *c, const char *base_url, struct gr_str query,
                                         const struct prom_range *range, int64_t deadline_ms,
                                         struct gr_arena *a, struct prom_matrix *out,
                                         struct prom_error *error);
/* The parser alone, for tests and fuzzing: the body of an answer with the given status. */
GR_MUST_USE enum gr_err prom_parse(struct gr_str body, long status, struct gr_arena *a,
                                   struct prom_vector *out, struct prom_error *error);

GR_MUST_USE enum gr_err prom_parse_range(struct gr_str body, long status, const struct prom_range *range,
                                         struct gr_arena *a, struct prom_matrix *out,
                                         struct prom_error *error);

/* One verify step: holds when every sample is finite and on the right side of the bound, strictly; no samples: no_data_ok. */
enum prom_check { PROM_HOLDS, PROM_FAILS, PROM_NO_DATA };
enum prom_check prom_check_bound(const struct prom_vector *v, bool below, double bound);
#endif
