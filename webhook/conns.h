/* conns.h - the connections of one server: how many there may be, how long each may take, and who has to go first.
 *
 * Each connection has one absolute deadline at a time: for its headers (the TLS handshake included), for the whole request (from its
 * first byte), between requests, for taking the answer. A reaper shuts the socket down, for libmicrohttpd's own timeout counts only inactivity. While a
 * request is being worked on, the connection has no deadline.
 *
 * At a cap the newcomer displaces the connection of its group that has shown least: first those that have sent nothing, then those
 * whose headers take over a second, idle ones, those whose headers have just begun, those that are sending a body or take over a
 * second for an answer; the oldest of them. So peers that only hold connections open cannot keep others out. If all are at
 * work, the newcomer has to go.
 *
 * Addresses are counted as they are for IPv4, by their /64 for IPv6. */
#ifndef GUARDRAIL_WEBHOOK_CONNS_H
#define GUARDRAIL_WEBHOOK_CONNS_H
#include <sys/socket.h>
#include "metrics.h"

struct conns_limits {
    int64_t headers_ms, request_ms, idle_ms, answer_ms;
    unsigned connections, per_address; /* over TCP; the admin socket has CONNS_LOCAL_MAX of its own */
};
#define CONNS_LOCAL_MAX 32u

enum conn_group { CONN_TCP, CONN_LOCAL };
enum conn_state { CONN_HEADERS, CONN_IDLE, CONN_BODY, CONN_ANSWER, CONN_WORKING, CONN_CLOSING };

struct conns;
struct conn; /* lives from conns_add to conns_remove */
GR_MUST_USE enum gr_err conns_start(const struct conns_limits *limits, struct metrics *metrics,
                                    struct conns **out);
void conns_stop(struct conns *all); /* when no connection is left; accepts NULL */
/* A new connection; address may be NULL. NULL when there is no memory; then, and when there is no room, the socket is shut down. fd
 * must stay open until conns_remove. */
struct conn *conns_add(struct conns *all, enum conn_group group, int fd, const struct sockaddr *address);
void conns_remove(struct conns *all, struct conn *c);
/* The peer's address for the log, "" if there is none. */
const char *conn_address(const struct conn *c);
/* What it does from now on, and so its deadline; CONN_HEADERS keeps a deadline for headers that runs already. False, and nothing
 * done: it has been shut down meanwhile, or c is NULL; then it gets no answer. A connection at work is never shut down. */
bool conn_enter(struct conns *all, struct conn *c, enum conn_state state);
/* After each CONN_WORKING, when libmicrohttpd has been told to go on (so the connection may be gone by now). */
void conns_worked(struct conns *all);
/* Waits until no connection has a request in work or, at most wait_half_ms, half received or half answered. */
void conns_drain(struct conns *all, int64_t timeout_ms, int64_t wait_half_ms);
/* Waits until no request is in work. */
void conns_rest(struct conns *all);
#endif
