/* server.h - HTTP in, by libmicrohttpd: one TCP listener, one unix socket for operators.
 *
 * Decided before a body is read: route, role, framing headers, size. Refused: two of a framing header,
 * Transfer-Encoding on a POST,
 * a body without Content-Length, a GET with a body. Each connection has one absolute deadline at a time (5 s
 * for the headers, 10 s for the
 * request, 60 s between requests, 10 s to take an answer); a reaper shuts the socket down, for
 * libmicrohttpd's own timeout counts
 * only inactivity. While a request is being worked on, the connection sleeps and has no deadline.
 * On the unix socket every role is allowed: its file mode (0660) is the lock. */
#ifndef GUARDRAIL_WEBHOOK_SERVER_H
#define GUARDRAIL_WEBHOOK_SERVER_H
#include "desk.h"
#include "tokens.h"

#define SERVER_CONNECTIONS_MAX 128u
#define SERVER_HEADER_BYTES_MAX (32u << 10)

struct server_limits {
    int64_t headers_ms, request_ms, idle_ms, answer_ms;
};
extern const struct server_limits server_limits_default;

struct server;
struct server_options {
    struct app *app;
    struct desk *desk;
    const struct tokens *tokens; /* borrowed */
    struct gr_str host;          /* numeric */
    uint16_t port;               /* 0: any */
    const char *admin_socket;    /* "": none */
    struct server_limits limits;
};
/* Binds and serves. GR_EBUSY: the address or the socket is in use. */
GR_MUST_USE enum gr_err server_start(const struct server_options *o, struct server **out);
uint16_t server_port(const struct server *s);
/* No new connections; waits up to timeout_ms for the requests that are being worked on. Stop the desk after
 * this, then server_stop. */
void server_drain(struct server *s, int64_t timeout_ms);
void server_stop(struct server *s); /* accepts NULL */
#endif
