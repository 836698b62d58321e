/* server.c - see server.h. */
#include "config.h"
#include "server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <time.h>

#include "command.h"
#include "exposition.h"
#include "guardrail/number.h"
#include "guardrail/sys.h"

#define CONNECTIONS_MAX 64u /* Prometheus keeps one or two open; the rest is people and tests */
#define IDLE_TIMEOUT_S 120u /* above the longest scrape interval in use */

struct server {
    struct server_options options;
    struct MHD_Daemon *daemon; /* owned */
    uint16_t port;
    struct timespec last; /* until when the world has been advanced */
};

/* What one request has brought so far; owned by its connection, freed in completed(). */
struct request {
    const struct route *route;
    struct gr_buf body;
};

struct route {
    const char *path, *method, *type;
    /* The answer's text goes to *out; GR_EUSER: *out is the reason. */
    enum gr_err (*answer)(struct server *s, struct gr_str body, struct gr_buf *out);
};

static enum gr_err
get_metrics(struct server *s, struct gr_str body, struct gr_buf *out)
{
    (void)body;
    exposition_write(out, s->options.world);
    return GR_OK;
}

static enum gr_err
get_state(struct server *s, struct gr_str body, struct gr_buf *out)
{
    (void)body;
    state_write(out, s->options.world);
    return GR_OK;
}

static enum gr_err
then_state(struct server *s, enum gr_err err, struct gr_buf *out)
{
    if (err == GR_OK)
        state_write(out, s->options.world);
    return err;
}

static enum gr_err
post_fault(struct server *s, struct gr_str body, struct gr_buf *out)
{
    return then_state(s, command_fault(s->options.world, body, out), out);
}

static enum gr_err
post_share(struct server *s, struct gr_str body, struct gr_buf *out)
{
    return then_state(s, command_share(s->options.world, body, out), out);
}

static enum gr_err
post_step(struct server *s, struct gr_str body, struct gr_buf *out)
{
    return then_state(s, command_step(s->options.world, body, out), out);
}

static enum gr_err
post_reset(struct server *s, struct gr_str body, struct gr_buf *out)
{
    (void)body;
    world_heal(s->options.world);
    return then_state(s, GR_OK, out);
}

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain; charset=utf-8"
static const struct route routes[] = {
    {"/fault", "POST", JSON_TYPE, post_fault}, {"/metrics", "GET", EXPOSITION_TYPE, get_metrics},
    {"/reset", "POST", JSON_TYPE, post_reset}, {"/share", "POST", JSON_TYPE, post_share},
    {"/state", "GET", JSON_TYPE, get_state},   {"/step", "POST", JSON_TYPE, post_step},
};

static void
advance(struct server *s)
{
    struct timespec now;
    double passed_s;

    if (!(s->options.speed > 0))
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    passed_s = (double)(now.tv_sec - s->last.tv_sec) + (double)(now.tv_nsec - s->last.tv_nsec) / 1e9;
    world_step(s->options.world, passed_s * s->options.speed);
    s->last = now;
}

static enum MHD_Result
send_text(struct MHD_Connection *c, unsigned status, const char *type, struct gr_str text)
{
    /* The library takes a plain pointer, but only reads from it: it copies at once. */
    struct MHD_Response *r = MHD_create_response_from_buffer(
        text.n, (void *)(uintptr_t)(text.n ? text.p : ""), MHD_RESPMEM_MUST_COPY);
    enum MHD_Result done = MHD_NO;

    if (r == NULL)
        return MHD_NO;
    if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES)
        done = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result
answer(struct server *s, struct MHD_Connection *c, const struct request *q)
{
    struct gr_buf out = GR_BUF_INIT(EXPOSITION_BYTES_MAX);
    enum MHD_Result done;

    if (gr_buf_err(&q->body) == GR_ELIMIT)
        return send_text(c, MHD_HTTP_CONTENT_TOO_LARGE, TEXT_TYPE, GR_STR("the body is too long\n"));
    if (gr_buf_err(&q->body) != GR_OK)
        return send_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, TEXT_TYPE, GR_STR("out of memory\n"));
    advance(s);
    if (q->route->answer(s, gr_buf_str(&q->body), &out) != GR_OK) {
        gr_buf_putc(&out, '\n');
        done = send_text(c, MHD_HTTP_BAD_REQUEST, TEXT_TYPE, gr_buf_str(&out));
    } else if (gr_buf_err(&out) != GR_OK) {
        done = send_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, TEXT_TYPE,
                         GR_STR("the answer does not fit in memory\n"));
    } else {
        done = send_text(c, MHD_HTTP_OK, q->route->type, gr_buf_str(&out));
    }
    gr_buf_fini(&out);
    return done;
}

static bool
declares_too_much(struct MHD_Connection *c)
{
    uint64_t n;
    const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return length != NULL && gr_parse_u64(gr_str(length), COMMAND_BYTES_MAX, &n) != GR_OK;
}

/* The first look at a request, before its body: refuses at once, or makes *state. */
static enum MHD_Result
begin(struct MHD_Connection *c, const char *path, const char *method, void **state)
{
    const struct route *route = NULL;
    struct request *q;

    for (size_t i = 0; i < GR_COUNT(routes); i++) {
        if (strcmp(routes[i].path, path) == 0)
            route = &routes[i];
    }
    if (route == NULL)
        return send_text(c, MHD_HTTP_NOT_FOUND, TEXT_TYPE,
                         GR_STR("there are /metrics, /state, /fault, /share, /step and /reset\n"));
    if (strcmp(route->method, method) != 0)
        return send_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, TEXT_TYPE,
                         GR_STR("GET /metrics and /state, POST the others\n"));
    if (declares_too_much(c))
        return send_text(c, MHD_HTTP_CONTENT_TOO_LARGE, TEXT_TYPE, GR_STR("the body is too long\n"));
    q = gr_sys.realloc(NULL, sizeof(*q));
    if (q == NULL)
        return MHD_NO;
    q->route = route;
    gr_buf_init(&q->body, COMMAND_BYTES_MAX);
    *state = q;
    return MHD_YES;
}

static enum MHD_Result
handle(void *server, struct MHD_Connection *c, const char *path, const char *method, const char *version,
       const char *data, size_t *data_bytes, void **state)
{
    struct request *q = *state;

    (void)version;
    if (q == NULL)
        return begin(c, path, method, state);
    if (*data_bytes > 0) {
        gr_buf_put(&q->body,
                   (struct gr_str){data, *data_bytes}); /* past the limit the error sticks, nothing grows */
        *data_bytes = 0;
        return MHD_YES;
    }
    return answer(server, c, q);
}

static void
completed(void *server, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode how)
{
    struct request *q = *state;

    (void)server;
    (void)c;
    (void)how;
    if (q == NULL)
        return;
    gr_buf_fini(&q->body);
    gr_sys.free(q);
    *state = NULL;
}

enum gr_err
server_start(struct server **out, const struct server_options *options)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    struct server *s = gr_sys.realloc(NULL, sizeof(*s));
    const union MHD_DaemonInfo *info;

    if (s == NULL)
        return GR_ENOMEM;
    memset(s, 0, sizeof(*s));
    s->options = *options;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    clock_gettime(CLOCK_MONOTONIC, &s->last);
    /* Not MHD_OPTION_LISTENING_ADDRESS_REUSE: that is SO_REUSEPORT, by which two fleets would share one port. */
    s->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, options->port, NULL, NULL, handle, s,
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_CONNECTION_LIMIT,
                         CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
                         MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    info = s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL) {
        server_stop(s);
        return GR_ENET;
    }
    s->port = info->port;
    *out = s;
    return GR_OK;
}

uint16_t
server_port(const struct server *s)
{
    return s->port;
}

void
server_stop(struct server *s)
{
    if (s == NULL)
        return;
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon);
    gr_sys.free(s);
}
