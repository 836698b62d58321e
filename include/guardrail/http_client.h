/* http_client.h - one HTTP request at a time, with libcurl set the one safe way.
 *
 * https only unless allow_http; TLS >= 1.2, peer and name checked; no redirects, no proxy from the environment, no netrc, no
 * cookies, no user:password in URLs; the answer is capped; one absolute deadline covers everything. Hosts come from the
 * configuration and from secret files, never from labels. A client belongs to one thread; gr_http_global_init once in main. */
#ifndef GUARDRAIL_HTTP_CLIENT_H
#define GUARDRAIL_HTTP_CLIENT_H
#include <stdatomic.h>
#include "guardrail/buf.h"

#define GR_HTTP_RESPONSE_BYTES_MAX (1u << 20)
#define GR_HTTP_HEADERS_MAX 16u
#define GR_HTTP_CONNECT_MS_MAX 5000
#define GR_HTTP_RETRY_AFTER_MS_MAX INT64_C(3600000)

/* curl_global_init and its end. GR_ENOMEM. */
GR_MUST_USE enum gr_err gr_http_global_init(void);
void gr_http_global_fini(void);
/* Milliseconds of CLOCK_MONOTONIC, for deadlines. */
int64_t gr_http_now_ms(void);

struct gr_http_options {
    bool allow_http;        /* plain http too: tests, and Prometheus on loopback */
    const char *ca_file;    /* NULL: the system's */
    const char *user_agent; /* NULL: guardraild/<version> */
    const atomic_bool
        *stop; /* set from outside ends a running request with GR_ESTATE; NULL: none. Borrowed */
};
struct gr_http_client; /* opaque */
GR_MUST_USE enum gr_err gr_http_client_create(const struct gr_http_options *options,
                                              struct gr_http_client **out);
void gr_http_client_free(struct gr_http_client *c);

struct gr_http_header {
    struct gr_str name, value;
};
struct gr_http_request {
    bool post;         /* else GET */
    struct gr_str url; /* may be a secret: never in an error text */
    const struct gr_http_header *headers;
    size_t header_count;
    struct gr_str content_type, body; /* post only */
    int64_t deadline_ms;              /* on gr_http_now_ms's clock */
    /* Sent on a connection of its own: on a kept one that turns out to be closed, libcurl sends again by itself, and what was taken but not answered
     * would arrive twice. */
    bool once;
    /* Whatever the name resolves to must be a public address (not loopback, link-local, private, multicast), looked at when the connection is made;
     * but for the hosts listed. */
    bool guarded;
    const struct gr_str *private_hosts;
    size_t private_host_count;
};
struct gr_http_response {
    long status;
    int64_t retry_after_ms; /* from seconds or a date, cut at GR_HTTP_RETRY_AFTER_MS_MAX; -1: not stated */
    bool sent;              /* also valid on failure: the request may have reached the peer */
    struct gr_buf body;
    char error[160]; /* on failure: what happened, without URL, printable */
};
#define GR_HTTP_RESPONSE_INIT                                                                                \
    {                                                                                                        \
        .retry_after_ms = -1, .body = GR_BUF_INIT(GR_HTTP_RESPONSE_BYTES_MAX)                                \
    }
void gr_http_response_fini(struct gr_http_response *response);
/* GR_OK: an answer of any status came. GR_ERANGE: the request is not allowed (scheme, user in URL, CR, LF or NUL in URL or header,
 * too many headers, a guarded one to a private address) and nothing was sent; GR_ETIMEOUT; GR_ELIMIT: the answer is too large; GR_ENET: anything else on the way;
 * GR_ESTATE: stopped; GR_ENOMEM. */
GR_MUST_USE enum gr_err gr_http_perform(struct gr_http_client *c, const struct gr_http_request *request,
                                        struct gr_http_response *response);
/* Appends s percent-encoded for a form or a query string: all but [A-Za-z0-9._~-]. */
void gr_http_encode(struct gr_buf *b, struct gr_str s);
/* Parses a Retry-After value: whole seconds or an HTTP date. now_unix_ms: the wall clock. -1 if it is neither. */
int64_t gr_http_retry_after_parse(struct gr_str value, int64_t now_unix_ms);
#endif
