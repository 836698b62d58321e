/* request.h - one HTTP request between the server that received it and the handler that answers it, and the
 * table of routes. */
#ifndef GUARDRAIL_WEBHOOK_REQUEST_H
#define GUARDRAIL_WEBHOOK_REQUEST_H
#include "app.h"
#include "enact.h"
#include "guardrail/arena.h"
#include "guardrail/buf.h"

#define REQUEST_OUT_BYTES_MAX (32u << 20)

enum role { ROLE_NONE, ROLE_READ, ROLE_INGEST, ROLE_ADMIN, ROLES };
const char *role_name(enum role role); /* "none" … */

struct request;
/* Fills in status and body (request_answer, request_error). Runs on a thread of the desk and may wait. */
typedef void route_fn(struct request *q);
enum route_work {
    WORK_HERE,   /* on the server's thread: must not wait */
    WORK_INTAKE, /* checked on the server's thread, then handed to the store */
    WORK_DESK    /* on a thread of the desk */
};
struct route {
    const char *method, *path; /* "{id}" stands for one path part */
    enum role role;
    enum route_work work;
    route_fn *handle; /* NULL for WORK_INTAKE */
};
extern const struct route routes[];
extern const size_t route_count;
/* The route of a path and method; the path's {id} goes to id (size bytes). GR_ENOENT: no such path;
 * GR_ESTATE: another method, and
 * *allow names the ones there are. */
#define ROUTE_ALLOW_BYTES 32
GR_MUST_USE enum gr_err route_find(const char *method, const char *path, char *id, size_t size,
                                   const struct route **out, char allow[ROUTE_ALLOW_BYTES]);

struct request {
    struct app *app;
    const struct route *route;
    char id[RELEASE_ID_BYTES]; /* of the path; "" if it has none */
    struct gr_buf body;
    struct gr_arena *arena; /* made when the work begins */
    int status;
    struct gr_buf out;
    const char *content_type;
    /* WORK_INTAKE */
    struct intake_batch batch;
    struct enact_job job;
    /* Calls back when answered; set by the server. */
    void (*answered)(struct request *q);
    void *server_data;
    bool urgent;          /* goes before others at the desk: an operator's */
    struct request *next; /* in the desk's queue */
};
/* Starts a JSON answer: what is written to q->out is the body. */
void request_answer(struct request *q, int status);
/* {"error": "…"} in place of whatever was written. */
void request_error(struct request *q, int status, const char *fmt, ...) GR_PRINTF(3, 4);
/* 400, 409, 413, 503 … for what the store or a check said; text may be NULL. */
void request_error_of(struct request *q, enum gr_err err, const char *text);
#endif
