#include "config.h"
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "guardrail/number.h"
#include "guardrail/sys.h"
#include "metrics.h"

const struct server_limits server_limits_default = {
    .headers_ms = 5000, .request_ms = 10000, .idle_ms = 60000, .answer_ms = 10000};

/* For one request: the tree of an 8 MiB body and what deciding on it takes. */
#define ARENA_BYTES_MAX (192u << 20)

/* A connection as the reaper sees it. Lives from NOTIFY_STARTED to NOTIFY_CLOSED. */
struct conn {
    int fd;
    int64_t deadline_ms; /* monotonic; 0: none. Guarded by the server's mutex */
    struct conn *prev, *next;
};

struct listener {
    struct server *server;
    struct MHD_Daemon *mhd;
    bool trusted; /* the unix socket */
    int fd;       /* ours until MHD has it */
};

struct server {
    struct server_options o;
    struct listener tcp, local;
    uint16_t port;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t idle;
    struct conn *conns;
    size_t working; /* requests whose connection sleeps */
    bool stopping;
    pthread_t reaper;
    bool reaping;
};

enum progress { RECEIVING, WORKING, ANSWERED, REFUSED };
/* What MHD carries for us with each request. */
struct exchange {
    struct request q;
    struct server *server;
    struct MHD_Connection *mhd;
    struct conn *conn;
    enum progress progress;
};

static int64_t
monotonic_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- deadlines ---- */

static void
set_deadline(struct server *s, struct conn *c, int64_t in_ms)
{
    if (!c)
        return;
    pthread_mutex_lock(&s->mutex);
    c->deadline_ms = in_ms ? monotonic_ms() + in_ms : 0;
    pthread_mutex_unlock(&s->mutex);
}

static struct conn *
conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
              enum MHD_ConnectionNotificationCode code)
{
    struct listener *l = cls;
    struct server *s = l->server;
    struct conn *c = *socket_context;

    pthread_mutex_lock(&s->mutex);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info && (c = gr_sys.realloc(NULL, sizeof *c)) != NULL) {
            *c = (struct conn){.fd = info->connect_fd,
                               .deadline_ms = monotonic_ms() + s->o.limits.headers_ms,
                               .next = s->conns};
            if (s->conns)
                s->conns->prev = c;
            s->conns = c;
            *socket_context = c;
        } else if (info) {
            (void)shutdown(info->connect_fd, SHUT_RDWR); /* no memory to watch it: it may not stay */
        }
    } else if (c) {
        if (c->prev)
            c->prev->next = c->next;
        else
            s->conns = c->next;
        if (c->next)
            c->next->prev = c->prev;
        gr_sys.free(c);
        *socket_context = NULL;
    }
    pthread_mutex_unlock(&s->mutex);
}

/* The request line is there: from now on the headers' deadline counts, also on a connection used again. */
static void *
on_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct listener *l = cls;

    (void)uri;
    set_deadline(l->server, conn_of(mhd), l->server->o.limits.headers_ms);
    return NULL;
}

/* The file descriptor cannot be closed (and used again) meanwhile: NOTIFY_CLOSED takes the same lock first.
 * */
static void *
reaper_main(void *arg)
{
    struct server *s = arg;
    struct timespec next;

    pthread_mutex_lock(&s->mutex);
    while (!s->stopping) {
        int64_t now = monotonic_ms();
        for (struct conn *c = s->conns; c; c = c->next)
            if (c->deadline_ms && now >= c->deadline_ms) {
                (void)shutdown(c->fd, SHUT_RDWR); /* MHD sees the end and closes */
                c->deadline_ms = 0;
                metrics_add(s->o.app->metrics, COUNT_REAPED, 1);
            }
        (void)clock_gettime(CLOCK_REALTIME, &next);
        next.tv_nsec += 200 * 1000000L;
        next.tv_sec += next.tv_nsec / 1000000000L;
        next.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&s->idle, &s->mutex, &next);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

/* ---- answering ---- */

static enum MHD_Result
send_answer(struct exchange *x, bool close)
{
    struct request *q = &x->q;
    struct MHD_Response *r;
    enum MHD_Result result = MHD_NO;

    if (gr_buf_err(&q->out) != GR_OK)
        request_error(q, 503, "the answer does not fit");
    r = MHD_create_response_from_buffer(q->out.n, q->out.p, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    if (MHD_add_response_header(r, "Content-Type", q->content_type) == MHD_YES &&
        MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") == MHD_YES &&
        MHD_add_response_header(r, "Cache-Control", "no-store") == MHD_YES &&
        (!close || MHD_add_response_header(r, "Connection", "close") == MHD_YES) &&
        (q->status != 401 || MHD_add_response_header(r, "WWW-Authenticate", "Bearer") == MHD_YES))
        result = MHD_queue_response(x->mhd, (unsigned)q->status, r);
    MHD_destroy_response(r);
    set_deadline(x->server, x->conn, x->server->o.limits.answer_ms);
    metrics_request(x->server->o.app->metrics, q->route ? q->route->method : "",
                    q->route ? q->route->path : "", q->status);
    return result;
}

static enum MHD_Result
refuse(struct exchange *x)
{
    x->progress = REFUSED;
    return send_answer(x, true);
}

static void
on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode code)
{
    struct listener *l = cls;
    struct exchange *x = *con_cls;

    (void)code;
    set_deadline(l->server, conn_of(mhd), l->server->o.limits.idle_ms);
    if (!x)
        return;
    GR_ASSERT(x->progress != WORKING);
    gr_arena_free(x->q.arena);
    gr_buf_fini(&x->q.body);
    gr_buf_fini(&x->q.out);
    gr_sys.free(x);
    *con_cls = NULL;
}

/* ---- before the body ---- */

struct headers {
    const char *length, *encoding, *authorization, *type;
    unsigned lengths, encodings, hosts, authorizations, types, expects;
};

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct headers *h = cls;

    (void)kind;
    if (strcasecmp(name, "Content-Length") == 0)
        h->lengths++, h->length = value;
    else if (strcasecmp(name, "Transfer-Encoding") == 0)
        h->encodings++, h->encoding = value;
    else if (strcasecmp(name, "Host") == 0)
        h->hosts++;
    else if (strcasecmp(name, "Authorization") == 0)
        h->authorizations++, h->authorization = value;
    else if (strcasecmp(name, "Content-Type") == 0)
        h->types++, h->type = value;
    return MHD_YES;
}

/* application/json, with or without parameters. */
static bool
is_json(const char *type)
{
    struct gr_str s = gr_str(type), media;

    return gr_str_next(&s, ';', &media) && (media = gr_str_trim(media)).n == 16 &&
           strncasecmp(media.p, "application/json", 16) == 0;
}

/* False with the answer in q: what the framing headers must be. */
static bool
framing_ok(struct request *q, const struct headers *h)
{
    bool post = strcmp(q->route->method, "POST") == 0;
    uint64_t length = 0;

    if (h->lengths > 1 || h->encodings > 1 || h->hosts > 1 || h->authorizations > 1 || h->types > 1) {
        request_error(q, 400, "a header that may come once came twice");
    } else if (h->lengths && h->encodings) {
        request_error(q, 400, "Content-Length and Transfer-Encoding exclude each other");
    } else if (!post && (h->encodings || (h->lengths && strcmp(h->length, "0") != 0))) {
        request_error(q, 400, "this request takes no body");
    } else if (!post) {
        return true;
    } else if (!h->lengths) {
        request_error(q, 411, "Content-Length is required");
    } else if (gr_parse_u64(gr_str(h->length), UINT64_MAX, &length) != GR_OK) {
        request_error(q, 400, "Content-Length is no number");
    } else if (length > INTAKE_BYTES_MAX) {
        request_error(q, 413, "the body is larger than %u bytes", INTAKE_BYTES_MAX);
    } else if (!is_json(h->type)) {
        request_error(q, 415, "the body must be application/json");
    } else {
        return true;
    }
    return false;
}

static bool
role_ok(struct exchange *x, const struct listener *l, const struct headers *h)
{
    const struct tokens *t = x->server->o.tokens;
    const char *authorization = h->authorizations == 1 ? h->authorization : NULL;
    enum role role = x->q.route->role;

    if (l->trusted || tokens_allow(t, role, authorization))
        return true;
    if (tokens_known(t, authorization) || (role == ROLE_ADMIN && !t->roles[ROLE_ADMIN].configured))
        request_error(&x->q, 403, "this needs the role %s", role_name(role));
    else
        request_error(&x->q, 401, "a bearer token of the role %s is needed", role_name(role));
    return false;
}

static enum MHD_Result
first_call(struct listener *l, struct MHD_Connection *mhd, const char *url, const char *method,
           void **con_cls)
{
    struct exchange *x = gr_sys.realloc(NULL, sizeof *x);
    struct headers h = {.length = NULL};
    char allow[ROUTE_ALLOW_BYTES];
    enum gr_err err;

    if (!x)
        return MHD_NO; /* the connection is closed: Alertmanager tries again */
    memset(x, 0, sizeof *x);
    x->server = l->server;
    x->mhd = mhd;
    x->conn = conn_of(mhd);
    x->q.app = l->server->o.app;
    x->q.server_data = x;
    gr_buf_init(&x->q.body, INTAKE_BYTES_MAX);
    gr_buf_init(&x->q.out, REQUEST_OUT_BYTES_MAX);
    x->q.content_type = "application/json";
    *con_cls = x;
    set_deadline(x->server, x->conn, x->server->o.limits.request_ms);
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, on_header, &h);
    err = route_find(method, url, x->q.id, sizeof x->q.id, &x->q.route, allow);
    if (err == GR_ENOENT) {
        request_error(&x->q, 404, "no such page");
        return refuse(x);
    }
    if (err != GR_OK) {
        request_error(&x->q, 405, "the method is not allowed here; allowed: %s", allow);
        return refuse(x);
    }
    if (!role_ok(x, l, &h) || !framing_ok(&x->q, &h))
        return refuse(x);
    if (atomic_load(&x->q.app->draining) && x->q.route->role != ROLE_NONE) {
        request_error(&x->q, 503, "shutting down");
        return refuse(x);
    }
    return MHD_YES;
}

/* ---- the work ---- */

/* On any thread: wakes the connection, whose handler is then called again. */
static void
wake(struct exchange *x)
{
    struct server *s = x->server;
    struct MHD_Connection *mhd = x->mhd;

    x->progress = ANSWERED;
    MHD_resume_connection(mhd); /* x may be gone from here on */
    pthread_mutex_lock(&s->mutex);
    s->working--;
    pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->mutex);
}

static void
on_answered(struct request *q)
{
    wake(q->server_data);
}

static void
put_to_sleep(struct exchange *x)
{
    x->progress = WORKING;
    set_deadline(x->server, x->conn, 0);
    pthread_mutex_lock(&x->server->mutex);
    x->server->working++;
    pthread_mutex_unlock(&x->server->mutex);
    MHD_suspend_connection(x->mhd);
}

/* One line a request, however many alerts it holds; beats are told on /metrics alone. */
static void
log_accepted(const struct request *q)
{
    char alerts[24], known[24], created[24];

    if (strcmp(q->job.source, "watchdog") == 0)
        return;
    (void)snprintf(alerts, sizeof alerts, "%zu", q->batch.count);
    (void)snprintf(created, sizeof created, "%zu", q->job.effects_new);
    (void)snprintf(known, sizeof known, "%zu", q->job.effects_known);
    log_event(q->app->log, AT_INFO, "alerts stored", "alerts", alerts, "effects_new", created,
              "effects_known", known, (char *)NULL);
}

/* On the store's thread. */
static void
intake_done(void *arg, enum gr_err err)
{
    struct exchange *x = arg;
    struct request *q = &x->q;
    struct app *app = q->app;

    if (err != GR_OK) {
        request_error_of(q, err, NULL);
    } else {
        request_answer(q, 200);
        gr_buf_printf(&q->out, "{\"accepted\":%zu,\"effects\":%zu,\"inbox\":%lld}\n", q->batch.count,
                      q->job.effects_new, (long long)q->job.inbox_id);
        metrics_add(app->metrics, COUNT_ALERTS, q->batch.count);
        metrics_add(app->metrics, COUNT_ALERTS_IGNORED, q->job.ignored);
        metrics_add(app->metrics, COUNT_EFFECTS_NEW, q->job.effects_new);
        metrics_add(app->metrics, COUNT_EFFECTS_KNOWN, q->job.effects_known);
        log_accepted(q);
        if (intake_beats(&q->batch) > 0)
            atomic_store(&app->watchdog_ms, q->job.now_ms);
        app_wake(app);
    }
    wake(x);
}

static enum gr_err
intake_run(struct db *db, void *arg)
{
    struct exchange *x = arg;

    x->q.job.now_ms = app_now_ms(); /* it may have waited: the alerts carry when they came */
    return enact_batch(db, &x->q.job);
}

/* False: answered on the spot. */
static bool
start_intake(struct exchange *x)
{
    struct request *q = &x->q;
    struct gr_buf error = GR_BUF_INIT(1024);
    int64_t now = app_now_ms();
    enum gr_err err = intake_parse(q->arena, gr_buf_str(&q->body), now, &q->batch, &error);

    if (err != GR_OK)
        request_error_of(q, err, gr_buf_cstr(&error));
    gr_buf_fini(&error);
    if (err != GR_OK)
        return false;
    q->job = (struct enact_job){.app = q->app,
                                .arena = q->arena,
                                .body = gr_buf_str(&q->body),
                                .source = strcmp(q->route->path, "/v1/watchdog") == 0 ? "watchdog" : "alerts",
                                .batch = &q->batch,
                                .now_ms = now};
    put_to_sleep(x);
    if ((err = store_post(q->app->store, intake_run, x, intake_done)) != GR_OK) {
        request_error_of(q, err, NULL);
        wake(x);
    }
    return true;
}

static enum MHD_Result
start_work(struct exchange *x)
{
    struct request *q = &x->q;

    if (gr_buf_err(&q->body) != GR_OK || !(q->arena = gr_arena_create(ARENA_BYTES_MAX))) {
        request_error_of(q, gr_buf_err(&q->body) == GR_ELIMIT ? GR_ELIMIT : GR_ENOMEM, NULL);
        return send_answer(x, true);
    }
    switch (q->route->work) {
    case WORK_HERE:
        q->route->handle(q);
        break;
    case WORK_INTAKE:
        if (start_intake(x))
            return MHD_YES;
        break;
    case WORK_DESK:
        q->answered = on_answered;
        put_to_sleep(x);
        if (desk_post(x->server->o.desk, q) != GR_OK) {
            request_error(q, 503, "too much to do");
            wake(x);
        }
        return MHD_YES;
    }
    return send_answer(x, false);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
           const char *upload_data, size_t *upload_data_size, void **con_cls)
{
    struct exchange *x = *con_cls;

    (void)version;
    if (!x)
        return first_call(cls, mhd, url, method, con_cls);
    if (*upload_data_size > 0) {
        if (x->progress == RECEIVING)
            gr_buf_put(
                &x->q.body,
                (struct gr_str){upload_data, *upload_data_size}); /* its error is looked at in the end */
        *upload_data_size = 0;
        return MHD_YES;
    }
    switch (x->progress) {
    case RECEIVING:
        return start_work(x);
    case ANSWERED:
        return send_answer(x, false);
    case WORKING:
    case REFUSED:
        break;
    }
    return MHD_YES;
}

/* ---- listening ---- */

static enum gr_err
listen_tcp(struct server *s)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a;
    socklen_t size = sizeof a;
    int on = 1;

    memset(&a, 0, sizeof a);
    if (inet_pton(AF_INET, s->o.host.p, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons(s->o.port);
        size = sizeof a.v4;
    } else if (inet_pton(AF_INET6, s->o.host.p, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port = htons(s->o.port);
        size = sizeof a.v6;
    } else {
        return GR_ESYNTAX;
    }
    s->tcp.fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->tcp.fd < 0 || setsockopt(s->tcp.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(s->tcp.fd, &a.any, size) != 0 || listen(s->tcp.fd, 128) != 0)
        return errno == EADDRINUSE ? GR_EBUSY : gr_err_from_errno(errno);
    size = sizeof a;
    if (getsockname(s->tcp.fd, &a.any, &size) != 0)
        return gr_err_from_errno(errno);
    s->port = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
    return GR_OK;
}

/* A socket that nobody listens on any more is left over from a crash, for the store's lock says that we are
 * alone. */
static enum gr_err
listen_local(struct server *s)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;
    size_t n = strlen(s->o.admin_socket);

    if (n >= sizeof a.sun_path)
        return GR_ELIMIT;
    memcpy(a.sun_path, s->o.admin_socket, n);
    if (lstat(a.sun_path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode))
            return GR_EEXIST;
        (void)gr_sys.unlink(a.sun_path); /* if it stays, bind says so */
    }
    s->local.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->local.fd < 0 || fchmod(s->local.fd, 0660) != 0 ||
        bind(s->local.fd, (struct sockaddr *)&a, sizeof a) != 0 || chmod(a.sun_path, 0660) != 0 ||
        listen(s->local.fd, 16) != 0)
        return errno == EADDRINUSE ? GR_EBUSY : gr_err_from_errno(errno);
    return GR_OK;
}

static enum gr_err
serve(struct listener *l)
{
    l->mhd = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL, on_request, l,
        MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_CONNECTION_LIMIT, SERVER_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_HEADER_BYTES_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, l, MHD_OPTION_END);
    return l->mhd ? GR_OK : GR_EIO;
}

enum gr_err
server_start(const struct server_options *o, struct server **out)
{
    struct server *s = gr_sys.realloc(NULL, sizeof *s);
    enum gr_err err;
    int rc;

    if (!s)
        return GR_ENOMEM;
    memset(s, 0, sizeof *s);
    s->o = *o;
    s->tcp = (struct listener){.server = s, .fd = -1};
    s->local = (struct listener){.server = s, .fd = -1, .trusted = true};
    if (pthread_mutex_init(&s->mutex, NULL) != 0 || pthread_cond_init(&s->idle, NULL) != 0) {
        gr_sys.free(s);
        return GR_ENOMEM;
    }
    if ((err = listen_tcp(s)) != GR_OK || (err = serve(&s->tcp)) != GR_OK)
        goto failed;
    if (o->admin_socket[0] != '\0' && ((err = listen_local(s)) != GR_OK || (err = serve(&s->local)) != GR_OK))
        goto failed;
    if ((rc = pthread_create(&s->reaper, NULL, reaper_main, s)) != 0) {
        err = gr_err_from_errno(rc);
        goto failed;
    }
    s->reaping = true;
    *out = s;
    return GR_OK;
failed:
    server_stop(s);
    return err;
}

uint16_t
server_port(const struct server *s)
{
    return s->port;
}

/* ---- stopping ---- */

static void
quiesce(struct listener *l)
{
    if (!l->mhd)
        return;
    (void)MHD_quiesce_daemon(l->mhd); /* gives the socket back, which is ours already */
    if (l->fd >= 0)
        (void)gr_sys.close(l->fd);
    l->fd = -1;
}

void
server_drain(struct server *s, int64_t timeout_ms)
{
    struct timespec until;

    atomic_store(&s->o.app->draining, true);
    quiesce(&s->tcp);
    quiesce(&s->local);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    pthread_mutex_lock(&s->mutex);
    while (s->working > 0 && pthread_cond_timedwait(&s->idle, &s->mutex, &until) == 0)
        continue;
    pthread_mutex_unlock(&s->mutex);
}

static void
stop_listener(struct listener *l)
{
    if (l->mhd)
        MHD_stop_daemon(l->mhd);
    else if (l->fd >= 0)
        (void)gr_sys.close(l->fd);
    l->mhd = NULL;
    l->fd = -1;
}

void
server_stop(struct server *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    while (s->working >
           0) /* store and desk answer everything that they took; a sleeping connection would outlive MHD */
        pthread_cond_wait(&s->idle, &s->mutex);
    s->stopping = true;
    pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->mutex);
    if (s->reaping)
        pthread_join(s->reaper, NULL);
    stop_listener(&s->tcp);
    stop_listener(&s->local);
    if (s->o.admin_socket[0] != '\0')
        (void)gr_sys.unlink(s->o.admin_socket);
    (void)pthread_mutex_destroy(&s->mutex);
    (void)pthread_cond_destroy(&s->idle);
    gr_sys.free(s);
}
