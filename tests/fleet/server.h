/* server.h - the fleet over HTTP, on 127.0.0.1 only.
 *
 *   GET  /metrics   Prometheus text format
 *   GET  /state     JSON: seed, simulated time, shares, active faults
 *   POST /fault     fault lines (fault.h)
 *   POST /share     share lines (command.h)
 *   POST /step      simulated seconds
 *   POST /reset     drops all faults; an empty body will do
 *
 * A POST answers 200 with the new state, or 400 with a sentence and changes nothing. 404, 405 and 413 otherwise.
 *
 * Thread: libmicrohttpd's single polling thread runs every handler and owns the world from server_start to
 * server_stop; nothing else may touch it in between. Before each answer the world is advanced by the
 * monotonic time that passed. */
#ifndef FLEET_SERVER_H
#define FLEET_SERVER_H
#include "world.h"

struct server;
struct server_options {
    struct world *world; /* borrowed until server_stop */
    uint16_t port;       /* 0: any free one */
    double speed;        /* simulated seconds per real second; 0: only POST /step moves time */
};
/* GR_ENET when the port cannot be had, GR_ENOMEM. */
GR_MUST_USE enum gr_err server_start(struct server **out, const struct server_options *options);
uint16_t server_port(const struct server *s);
void server_stop(struct server *s); /* NULL is fine */
#endif
