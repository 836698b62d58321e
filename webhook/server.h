/* server.h - HTTP in, by libmicrohttpd: one TCP listener, with TLS or without, and one unix socket for operators.
 *
 * Decided before a body is read: route, role, framing headers, size, rate. Refused: two of a framing header, Transfer-Encoding on a
 * POST, a body without Content-Length, a GET with a body, an escaped path. How many connections there may be and how long each may
 * take: conns.h. Requests past the rate are answered 503 with Retry-After; /healthz, /readyz and the unix socket have no rate, and
 * the unix socket has connections, a thread and a place at the desk of its own.
 * On the unix socket every role is allowed: its file mode (0660) is the lock. Over TCP a role is proved by a bearer token or by a
 * client certificate; a refused request is answered without its body being read. */
#ifndef GUARDRAIL_WEBHOOK_SERVER_H
#define GUARDRAIL_WEBHOOK_SERVER_H
#include "conns.h"
#include "credentials.h"
#include "desk.h"
#include "listen.h"

#define SERVER_HEADER_BYTES_MAX (32u << 10)

struct server_limits {
    struct conns_limits conns;
    unsigned rate, burst; /* requests a second over TCP, and at once; rate 0: no limit */
};
extern const struct server_limits server_limits_default;

struct server;
struct server_options {
    struct app *app;
    struct desk *desk;
    struct credentials *credentials; /* held by the server as well */
    struct listen_fds fds;           /* the server's from here on, also on failure */
    const char *admin_socket;        /* the path to remove in the end, "": none */
    struct server_limits limits;
};
/* Whether these credentials suffice for a listener that others than this machine reach: TLS, and a token or certificate for each
 * role that would be open without. */
bool server_guarded(const struct credentials *c);
/* Serves. GR_EACCES: fds.tcp is reachable from outside and not guarded. */
GR_MUST_USE enum gr_err server_start(const struct server_options *o, struct server **out);
/* From now on new connections use these, and so do new requests of those that there are. A server that began without TLS stays
 * without, one with TLS keeps it. */
void server_use(struct server *s, struct credentials *c);
/* No new connections; waits up to timeout_ms for the requests that are being worked on, and a short while for those that are
 * on their way. Stop the desk after this, then server_stop. */
void server_drain(struct server *s, int64_t timeout_ms);
void server_stop(struct server *s); /* accepts NULL */
#endif
