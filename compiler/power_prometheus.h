/* power_prometheus.h - asks a Prometheus the questions of a rates file (power_ask.h).
 *
 * Instant queries, one after the other over one connection, all for the same moment. Bounded: POWER_QUERIES_MAX of them, each with a deadline, all
 * together with another, an answer of at most GR_HTTP_RESPONSE_BYTES_MAX. Redirects are not followed, and a token goes over https or to
 * this machine only.
 * What Prometheus does not know about one question (no series, NaN, a query that it refuses) is that question's `why`; what says that nobody can be
 * asked (no connection, no permission, an answer that is not Prometheus') ends the asking. */
#ifndef GUARDRAIL_COMPILER_POWER_PROMETHEUS_H
#define GUARDRAIL_COMPILER_POWER_PROMETHEUS_H
#include "power_ask.h"

#define POWER_QUERIES_MAX 2000u
#define POWER_QUERY_MS 30000 /* one answer; Prometheus itself gives up after two minutes */
#define POWER_ALL_MS 600000
#define POWER_TOKEN_BYTES_MAX 8192u

struct power_prometheus {
    const char *url;     /* http://host:9090, perhaps with a path; no user, no query */
    struct gr_str token; /* empty: none */
    const char *ca_file; /* NULL: the system's */
    int64_t at_s;        /* Unix seconds; > 0 */
    int64_t query_ms, all_ms;
};
/* What is wrong with a URL that one wants to ask, with or without a token; NULL: nothing. */
const char *power_url_refuse(const char *url, bool token);
/* Fills answers in. GR_OK: at least one question is answered. GR_ENOENT: none is; else GR_ENET, GR_ETIMEOUT, GR_EACCES (401, 403), GR_ESYNTAX
 * (no answer of Prometheus'), GR_ELIMIT, GR_ENOMEM. Unless it is GR_OK *trouble says what happened, for people. */
GR_MUST_USE enum gr_err power_prometheus_ask(struct power_asks *asks, const struct power_prometheus *how,
                                             struct gr_buf *trouble);
/* One answer: GR_OK and *out (may be NaN); GR_ENOENT (no series) and GR_EUSER (refused) with the reason; what ends the asking as above. */
GR_MUST_USE enum gr_err power_prometheus_parse(struct gr_str body, long status, double *out,
                                               struct gr_buf *why);
#endif
