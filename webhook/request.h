/* request.h - one HTTP request between the server that received it and the handler that answers it, and the
 * table of routes. */
#ifndef GUARDRAIL_WEBHOOK_REQUEST_H
#define GUARDRAIL_WEBHOOK_REQUEST_H
#include "app.h"
#include "enact.h"
#include "guardrail/arena.h"
#include "guardrail/buf.h"

#define REQUEST_OUT_BYTES_MAX (32u << 20)
#define REQUEST_CSP_BYTES 320u

enum role { ROLE_NONE, ROLE_READ, ROLE_INGEST, ROLE_ADMIN, ROLES };
const char *role_name(enum role role); /* "none" … */

struct request;
/* Fills in status and body (request_answer, request_error). Runs on a thread of the desk and may wait. */
typedef void route_fn(struct request *q);
enum route_work {
    WORK_HERE,   /* on the server's thread: must not wait */
    WORK_INTAKE, /* checked on the server's thread, then handed to the store */
    WORK_DESK,   /* on a thread of the desk */
    WORK_PAGE, /* the same, for people: answers, refusals too, are HTML, and the read role may be proved by HTTP Basic */
    WORK_FORM /* the same, with the body of an HTML form */
};
#define REQUEST_FORM_BYTES_MAX (16u << 10)
struct route {
    const char *method, *path; /* "{id}" stands for one path part */
    enum role role;
    enum route_work work;
    route_fn *handle; /* NULL for WORK_INTAKE */
};
extern const struct route routes[];
extern const size_t route_count;
/* Answers in HTML. */
bool route_is_page(const struct route *r);
/* Pages, and questions by POST: Flagger can send no header of one's own, but what its hooks' addresses hold before an "@". */
bool route_takes_basic(const struct route *r);
/* Probes ask so often and so badly that they have no rate and are heard to the end. */
bool route_is_probe(const struct route *r);
/* The route of a path and method; the path's {id} goes to id (size bytes). GR_ENOENT: no such path;
 * GR_ESTATE: another method, and
 * *allow names the ones there are. */
#define ROUTE_ALLOW_BYTES 32
GR_MUST_USE enum gr_err route_find(const char *method, const char *path, char *id, size_t size,
                                   const struct route **out, char allow[ROUTE_ALLOW_BYTES]);

struct request {
    struct app *app;
    const struct route *route;
    char id[RELEASE_ID_BYTES];    /* of the path; "" if it has none */
    char phase[RELEASE_ID_BYTES]; /* ?phase=NAME; "" if there is none */
    struct gr_buf body;
    struct gr_arena *arena; /* made when the work begins */
    int status;
    struct gr_buf out;
    const char *content_type;
    char csp[REQUEST_CSP_BYTES]; /* Content-Security-Policy and what else a page sends; "": none */
    char host[256];              /* the Host header, "" without one or when it is longer */
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
/* {"error": "…"} in place of whatever was written; of a page, a page that says it. */
void request_error(struct request *q, int status, const char *fmt, ...) GR_PRINTF(3, 4);
/* 400, 409, 413, 503 … for what the store or a check said; text may be NULL. */
void request_error_of(struct request *q, enum gr_err err, const char *text);
#endif
