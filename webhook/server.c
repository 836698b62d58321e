#include "config.h"
#include "server.h"

#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "framing.h"
#include "guardrail/sys.h"

const struct server_limits server_limits_default = {
    .conns = {.headers_ms = 5000,
              .request_ms = 10000,
              .idle_ms = 60000,
              .answer_ms = 10000,
              .connections = 64,
              .per_address = 16},
    .rate = 1000,
    .burst = 2000,
};

/* For one request: the tree of an 8 MiB body and what deciding on it takes. */
#define ARENA_BYTES_MAX (192u << 20)
/* libmicrohttpd may hold some more than our cap: displaced ones that it has not closed yet. */
#define SPARE_CONNECTIONS 192u
#define HALF_MS 2000         /* what a stop waits for requests that are on their way */
#define REFUSAL_LOG_MS 10000 /* one line about refused peers in so long */

/* One connection. Lives from NOTIFY_STARTED to NOTIFY_CLOSED. */
struct peer {
    struct conn *conn;
    gnutls_session_t session;      /* NULL without TLS */
    struct credentials *shown;     /* what its handshake used; held */
    struct credentials *judged_by; /* whose judgement `roles` is; held, or NULL */
    unsigned roles;
    int64_t until_s;
    size_t uri_bytes; /* of the request that is being read, as its first line has it */
};

/* Tokens of one listener; used on its thread alone. */
struct bucket {
    double level;
    int64_t at_ms;
};

/* What a request leaves behind for the next one, unless it grew: most cost no allocation of their own. */
#define SPARE_EXCHANGES 64u
#define SPARE_BYTES_MAX ((size_t)16 << 10)

struct exchange;
struct listener {
    struct server *server;
    struct exchange *spare; /* owned; on the listener's thread */
    unsigned spares;
    struct MHD_Daemon *mhd;
    enum conn_group group; /* CONN_LOCAL: every role is allowed */
    int fd;                /* ours until MHD has it */
    bool inherited;
    struct bucket bucket;
    int64_t refusal_logged_ms; /* monotonic; on the listener's thread */
    uint64_t refusals_unlogged;
};

struct server {
    struct server_options o;
    struct listener tcp, local;
    struct conns *conns;
    bool tls;
    atomic_bool leaving;   /* each answer ends its connection */
    pthread_mutex_t mutex; /* guards what follows */
    struct credentials *credentials;
};

enum progress { RECEIVING, WORKING, ANSWERED, REFUSED };
/* What MHD carries for us with each request. */
struct exchange {
    struct request q;
    struct server *server;
    struct MHD_Connection *mhd;
    struct peer *peer;
    enum progress progress;
    struct exchange *next; /* among the spare ones */
};

static int64_t
monotonic_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- connections ---- */

static struct credentials *
hold_current(struct server *s)
{
    struct credentials *c;

    pthread_mutex_lock(&s->mutex);
    c = credentials_hold(s->credentials);
    pthread_mutex_unlock(&s->mutex);
    return c;
}

static struct peer *
peer_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void
peer_free(struct server *s, struct peer *p)
{
    if (p->conn)
        conns_remove(s->conns, p->conn);
    credentials_drop(p->shown);
    credentials_drop(p->judged_by);
    gr_sys.free(p);
}

/* NULL: it was shut down. */
static struct peer *
peer_create(struct listener *l, struct MHD_Connection *mhd, int fd)
{
    struct server *s = l->server;
    struct peer *p = gr_sys.realloc(NULL, sizeof *p);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    p->conn = conns_add(s->conns, l->group, fd,
                        l->group == CONN_TCP && info ? (const struct sockaddr *)info->client_addr : NULL);
    p->shown = hold_current(s);
    if (l->group == CONN_TCP && s->tls) {
        info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        p->session = info ? info->tls_session : NULL;
    }
    if (!p->conn || (l->group == CONN_TCP && s->tls &&
                     (!p->session || tls_apply(credentials_tls(p->shown), p->session) != GR_OK))) {
        peer_free(s, p);
        return NULL;
    }
    return p;
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
              enum MHD_ConnectionNotificationCode code)
{
    struct listener *l = cls;
    const union MHD_ConnectionInfo *info;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info && !(*socket_context = peer_create(l, mhd, info->connect_fd)))
            (void)shutdown(info->connect_fd, SHUT_RDWR); /* nobody would watch it: it may not stay */
    } else if (*socket_context) {
        peer_free(l->server, *socket_context);
        *socket_context = NULL;
    }
}

/* The request line is there: from now on the headers' deadline counts, also on a connection used again. */
static void *
on_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct listener *l = cls;
    struct peer *p = peer_of(mhd);

    if (p)
        p->uri_bytes = strlen(uri);
    (void)conn_enter(l->server->conns, p ? p->conn : NULL,
                     CONN_HEADERS); /* first_call sees whether it may go on */
    return NULL;
}

/* No path of ours needs escapes, so one that has some fits no route; and none is cut at an escaped NUL. */
static size_t
keep_escapes(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

/* ---- answering ---- */

/* What a page is fenced in with: nothing of it is kept, embedded, or told to others. */
static bool
add_page_headers(struct MHD_Response *r, const struct request *q)
{
    static const struct {
        const char *name, *value;
    } rows[] = {
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Frame-Options", "DENY"},
        {"X-Robots-Tag", "noindex"},
    };

    for (size_t i = 0; i < GR_COUNT(rows); i++)
        if (MHD_add_response_header(r, rows[i].name, rows[i].value) != MHD_YES)
            return false;
    return MHD_add_response_header(r, "Content-Security-Policy", q->csp) == MHD_YES;
}

/* A browser asks its user for Basic, and keeps the answer: so it is taken only where nothing is changed, and asked for by pages alone. */
static const char *
challenge(const struct request *q)
{
    return q->route && route_is_page(q->route) ? "Basic realm=\"guardraild\", charset=\"UTF-8\"" : "Bearer";
}

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
        (!(close || atomic_load(&x->server->leaving)) ||
         MHD_add_response_header(r, "Connection", "close") == MHD_YES) &&
        (q->status != 503 || MHD_add_response_header(r, "Retry-After", "1") == MHD_YES) &&
        (q->csp[0] == '\0' || add_page_headers(r, q)) &&
        (q->status != 401 || MHD_add_response_header(r, "WWW-Authenticate", challenge(q)) == MHD_YES))
        result = MHD_queue_response(x->mhd, (unsigned)q->status, r);
    MHD_destroy_response(r);
    (void)conn_enter(x->server->conns, x->peer->conn, CONN_ANSWER); /* if it was shut down, it ends anyway */
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
exchange_free(struct exchange *x)
{
    gr_arena_free(x->q.arena);
    gr_buf_fini(&x->q.body);
    gr_buf_fini(&x->q.out);
    gr_sys.free(x);
}

/* Keeps it for another request if it is small. */
static void
exchange_done(struct listener *l, struct exchange *x)
{
    struct gr_arena *a = x->q.arena;

    if (l->spares == SPARE_EXCHANGES || x->q.body.cap > SPARE_BYTES_MAX || x->q.out.cap > SPARE_BYTES_MAX ||
        (a && (gr_arena_used(a) > SPARE_BYTES_MAX || gr_arena_status(a) != GR_OK))) {
        exchange_free(x);
        return;
    }
    if (a)
        gr_arena_reset(a);
    x->next = l->spare;
    l->spare = x;
    l->spares++;
}

static struct exchange *
exchange_begin(struct listener *l, struct MHD_Connection *mhd)
{
    struct exchange *x = l->spare, old;

    if (x) {
        l->spare = x->next;
        l->spares--;
        old = *x;
        memset(x, 0, sizeof *x);
        x->q.body = old.q.body;
        x->q.out = old.q.out;
        x->q.arena = old.q.arena;
        gr_buf_reset(&x->q.body);
        gr_buf_reset(&x->q.out);
    } else if ((x = gr_sys.realloc(NULL, sizeof *x)) != NULL) {
        memset(x, 0, sizeof *x);
        gr_buf_init(&x->q.body, INTAKE_BYTES_MAX);
        gr_buf_init(&x->q.out, REQUEST_OUT_BYTES_MAX);
    } else {
        return NULL;
    }
    x->server = l->server;
    x->mhd = mhd;
    x->peer = peer_of(mhd);
    x->q.app = l->server->o.app;
    x->q.server_data = x;
    x->q.content_type = "application/json";
    return x;
}

static void
on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode code)
{
    struct listener *l = cls;
    struct exchange *x = *con_cls;
    struct peer *p = peer_of(mhd);

    (void)code;
    (void)conn_enter(l->server->conns, p ? p->conn : NULL,
                     CONN_IDLE); /* if it was shut down, it ends anyway */
    if (!x)
        return;
    GR_ASSERT(x->progress != WORKING);
    exchange_done(l, x);
    *con_cls = NULL;
}

/* ---- who asks ---- */

/* What the peer's certificate allows, judged anew when the credentials changed or a certificate of its chain expired. */
static unsigned
certificate_roles(struct peer *p, struct credentials *current)
{
    int64_t now_s = app_now_ms() / 1000;

    if (!p->session)
        return 0;
    if (p->judged_by != current) {
        credentials_drop(p->judged_by);
        p->judged_by = credentials_hold(current);
        p->roles = credentials_roles(current, p->session, &p->until_s);
    }
    return now_s <= p->until_s ? p->roles : 0;
}

/* One line in a while, however many are refused. */
static void
note_refusal(struct listener *l, const struct exchange *x)
{
    int64_t now = monotonic_ms();
    char count[24];

    metrics_add(x->q.app->metrics, COUNT_AUTH_REFUSED, 1);
    l->refusals_unlogged++;
    if (l->refusal_logged_ms && now - l->refusal_logged_ms < REFUSAL_LOG_MS)
        return;
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)l->refusals_unlogged);
    l->refusal_logged_ms = now;
    l->refusals_unlogged = 0;
    log_event(x->q.app->log, AT_WARN, "requests refused for their credentials", "address",
              conn_address(x->peer->conn), "path", x->q.route->path, "needs", role_name(x->q.route->role),
              "count", count, (char *)NULL);
}

static bool
role_ok(struct exchange *x, struct listener *l, const struct framing *f)
{
    const char *authorization = f->authorizations == 1 ? f->authorization : NULL;
    enum role role = x->q.route->role;
    struct credentials *c;
    unsigned roles;
    bool open;

    if (l->group == CONN_LOCAL || role == ROLE_NONE)
        return true;
    c = hold_current(x->server);
    roles = tokens_roles(credentials_tokens(c), authorization) | certificate_roles(x->peer, c);
    if (route_takes_basic(x->q.route))
        roles |= tokens_basic(credentials_tokens(c), authorization);
    if (roles & 1u << ROLE_ADMIN)
        roles |= 1u << ROLE_READ;
    open = !credentials_guard(c, role) && role != ROLE_ADMIN;
    if (!open && !(roles & 1u << role)) {
        if (roles != 0 || !credentials_guard(c, role))
            request_error(&x->q, 403, "this needs the role %s", role_name(role));
        else if (route_is_page(x->q.route))
            request_error(&x->q, 401,
                          "sign in with any name and the read token as the password, or with a client "
                          "certificate");
        else
            request_error(&x->q, 401, "a bearer token or a client certificate of the role %s is needed",
                          role_name(role));
        note_refusal(l, x);
        open = false;
    } else {
        open = true;
    }
    credentials_drop(c);
    return open;
}

/* Health is asked for by probes, which must not take a busy process for a dead one. */
static bool
rate_ok(struct exchange *x, struct listener *l)
{
    const struct server_limits *limits = &x->server->o.limits;
    int64_t now = monotonic_ms();
    struct bucket *b = &l->bucket;

    if (l->group == CONN_LOCAL || limits->rate == 0 || route_is_probe(x->q.route))
        return true;
    b->level += (double)(now - b->at_ms) * limits->rate / 1000.0;
    b->at_ms = now;
    if (b->level > limits->burst)
        b->level = limits->burst;
    if (b->level < 1.0) {
        metrics_add(x->q.app->metrics, COUNT_RATE_REFUSED, 1);
        request_error(&x->q, 503, "more than %u requests a second", limits->rate);
        return false;
    }
    b->level -= 1.0;
    return true;
}

/* The path and the version lie in one buffer, as they were sent, and libmicrohttpd ends the path at a NUL. (If a further version of
 * it lays them out otherwise, nothing is found.) */
static bool
holds_nul(const struct peer *p, const char *url, const char *version)
{
    uintptr_t from = (uintptr_t)url, to = (uintptr_t)version;

    return to > from && to - from <= SERVER_HEADER_BYTES_MAX && to - from > p->uri_bytes + 1;
}

/* The one argument that a question may have. Names of phases need no escape, and keep_escapes leaves one as it is: unknown. */
static bool
phase_ok(struct MHD_Connection *mhd, struct request *q)
{
    const char *phase = MHD_lookup_connection_value(mhd, MHD_GET_ARGUMENT_KIND, "phase");
    size_t n = phase ? strlen(phase) : 0;

    if (n >= sizeof q->phase || (phase && n == 0))
        return false;
    if (n > 0)
        memcpy(q->phase, phase, n + 1);
    return true;
}

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    framing_add(cls, name, value);
    return MHD_YES;
}

static enum MHD_Result
first_call(struct listener *l, struct MHD_Connection *mhd, const char *url, const char *method,
           const char *version, void **con_cls)
{
    struct exchange *x = exchange_begin(l, mhd);
    struct framing f = {.length = NULL};
    char allow[ROUTE_ALLOW_BYTES];
    enum gr_err err;

    if (!x)
        return MHD_NO; /* the connection is closed: Alertmanager tries again */
    *con_cls = x;
    if (!x->peer || !conn_enter(x->server->conns, x->peer->conn, CONN_BODY))
        return MHD_NO; /* shut down meanwhile */
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, on_header, &f);
    if (holds_nul(x->peer, url, version)) {
        request_error(&x->q, 400, "a NUL in the path");
        return refuse(x);
    }
    err = route_find(method, url, x->q.id, sizeof x->q.id, &x->q.route, allow);
    if (err == GR_ENOENT) {
        request_error(&x->q, 404, "no such page");
        return refuse(x);
    }
    if (err != GR_OK) {
        request_error(&x->q, 405, "the method is not allowed here; allowed: %s", allow);
        return refuse(x);
    }
    x->q.urgent = l->group == CONN_LOCAL;
    if (f.host && strlen(f.host) < sizeof x->q.host)
        memcpy(x->q.host, f.host, strlen(f.host) + 1);
    if (!phase_ok(mhd, &x->q)) {
        request_error(&x->q, 400, "?phase= takes the name of a phase");
        return refuse(x);
    }
    if (!role_ok(x, l, &f) || !framing_ok(&f, &x->q) || !rate_ok(x, l))
        return refuse(x);
    if (atomic_load(&x->q.app->draining) && !route_is_probe(x->q.route)) {
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
    conns_worked(s->conns);
}

static void
on_answered(struct request *q)
{
    wake(q->server_data);
}

/* False: the connection was shut down just now. */
static bool
put_to_sleep(struct exchange *x)
{
    if (!conn_enter(x->server->conns, x->peer->conn, CONN_WORKING))
        return false;
    x->progress = WORKING;
    MHD_suspend_connection(x->mhd);
    return true;
}

/* One line a request, however many alerts it holds; beats are told on /metrics alone. What changes nothing (Alertmanager's repeats) is not
 * worth a line every time. */
static void
log_accepted(const struct request *q)
{
    enum log_level level = q->job.noted > 0 ? AT_INFO : AT_DEBUG;
    char alerts[24], known[24], created[24];

    if (strcmp(q->job.source, "watchdog") == 0 || !log_wants(q->app->log, level))
        return;
    (void)snprintf(alerts, sizeof alerts, "%zu", q->batch.count);
    (void)snprintf(created, sizeof created, "%zu", q->job.effects_new);
    (void)snprintf(known, sizeof known, "%zu", q->job.effects_known);
    log_event(q->app->log, level, "alerts stored", "alerts", alerts, "effects_new", created, "effects_known",
              known, (char *)NULL);
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
            watchdog_beat(&app->watchdog, app_boot_ms(), q->job.now_ms);
        if (q->job.noted > 0) /* else there is nothing new to do */
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

/* Takes the request to the store, or answers it on the spot. */
static enum MHD_Result
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
        return send_answer(x, false);
    q->job = (struct enact_job){.app = q->app,
                                .arena = q->arena,
                                .body = gr_buf_str(&q->body),
                                .source = strcmp(q->route->path, "/v1/watchdog") == 0 ? "watchdog" : "alerts",
                                .batch = &q->batch,
                                .now_ms = now};
    if (!put_to_sleep(x))
        return MHD_NO;
    if ((err = store_post(q->app->store, intake_run, x, intake_done)) != GR_OK) {
        request_error_of(q, err, NULL);
        wake(x);
    }
    return MHD_YES;
}

static enum MHD_Result
start_work(struct exchange *x)
{
    struct request *q = &x->q;

    if (gr_buf_err(&q->body) != GR_OK || (!q->arena && !(q->arena = gr_arena_create(ARENA_BYTES_MAX)))) {
        request_error_of(q, gr_buf_err(&q->body) == GR_ELIMIT ? GR_ELIMIT : GR_ENOMEM, NULL);
        return send_answer(x, true);
    }
    switch (q->route->work) {
    case WORK_HERE:
        q->route->handle(q);
        break;
    case WORK_INTAKE:
        return start_intake(x);
    case WORK_DESK:
    case WORK_PAGE:
    case WORK_FORM:
        q->answered = on_answered;
        if (!put_to_sleep(x))
            return MHD_NO;
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

    if (!x)
        return first_call(cls, mhd, url, method, version, con_cls);
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

/* ---- start and stop ---- */

static int
no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
               const gnutls_pk_algorithm_t *kinds, int kind_count, gnutls_pcert_st **certs, unsigned *count,
               gnutls_privkey_t *key)
{
    (void)session, (void)names, (void)name_count, (void)kinds, (void)kind_count, (void)certs, (void)count,
        (void)key;
    return -1;
}

/* With TLS, each session gets its credentials when its connection begins (peer_create), so that they can be changed; those that
 * libmicrohttpd itself has show nothing. */
static enum gr_err
serve(struct listener *l)
{
    const struct server *s = l->server;
    bool tls = l->group == CONN_TCP && s->tls;
    unsigned cap = l->group == CONN_TCP ? s->o.limits.conns.connections : CONNS_LOCAL_MAX;
    struct MHD_OptionItem secure[] = {{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)no_certificate},
                                      {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
                                      {MHD_OPTION_END, 0, NULL}};

    l->mhd = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | (tls ? MHD_USE_TLS : 0u), 0,
        NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_CONNECTION_LIMIT,
        cap + SPARE_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_HEADER_BYTES_MAX,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, l,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_ARRAY,
        tls ? secure : &secure[GR_COUNT(secure) - 1], MHD_OPTION_END);
    return l->mhd ? GR_OK : GR_EIO;
}

bool
server_guarded(const struct credentials *c)
{
    return credentials_tls(c) && credentials_guard(c, ROLE_INGEST) && credentials_guard(c, ROLE_READ);
}

enum gr_err
server_start(const struct server_options *o, struct server **out)
{
    struct server *s = gr_sys.realloc(NULL, sizeof *s);
    enum gr_err err = GR_ENOMEM;

    if (!s)
        return GR_ENOMEM; /* the descriptors end with the process */
    memset(s, 0, sizeof *s);
    s->o = *o;
    s->tls = credentials_tls(o->credentials) != NULL;
    s->credentials = credentials_hold(o->credentials);
    s->tcp = (struct listener){
        .server = s, .group = CONN_TCP, .fd = o->fds.tcp, .inherited = o->fds.tcp_inherited};
    s->tcp.bucket = (struct bucket){.level = o->limits.burst, .at_ms = monotonic_ms()};
    s->local = (struct listener){
        .server = s, .group = CONN_LOCAL, .fd = o->fds.local, .inherited = o->fds.local_inherited};
    if (pthread_mutex_init(&s->mutex, NULL) != 0) {
        credentials_drop(s->credentials);
        gr_sys.free(s);
        return GR_ENOMEM;
    }
    if (!listen_loopback(o->fds.tcp) && !server_guarded(o->credentials))
        err = GR_EACCES;
    else if ((err = conns_start(&o->limits.conns, o->app->metrics, &s->conns)) == GR_OK &&
             (err = serve(&s->tcp)) == GR_OK && (o->fds.local < 0 || (err = serve(&s->local)) == GR_OK)) {
        *out = s;
        return GR_OK;
    }
    server_stop(s);
    return err;
}

void
server_use(struct server *s, struct credentials *c)
{
    struct credentials *old;

    GR_ASSERT(s->tls == (credentials_tls(c) != NULL));
    pthread_mutex_lock(&s->mutex);
    old = s->credentials;
    s->credentials = credentials_hold(c);
    pthread_mutex_unlock(&s->mutex);
    credentials_drop(old);
}

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
    atomic_store(&s->leaving, true);
    quiesce(&s->tcp);
    quiesce(&s->local);
    conns_drain(s->conns, HALF_MS, HALF_MS);
    atomic_store(&s->o.app->draining, true);
    conns_drain(s->conns, timeout_ms, 0);
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
    for (struct exchange *x; (x = l->spare) != NULL;) {
        l->spare = x->next;
        exchange_free(x);
    }
    l->spares = 0;
}

void
server_stop(struct server *s)
{
    if (!s)
        return;
    if (s->conns)
        conns_rest(
            s->conns); /* store and desk answer everything that they took; a sleeping connection would outlive MHD */
    stop_listener(&s->tcp);
    stop_listener(&s->local);
    conns_stop(s->conns);
    if (s->o.admin_socket[0] != '\0' && !s->local.inherited)
        (void)gr_sys.unlink(s->o.admin_socket);
    credentials_drop(s->credentials);
    (void)pthread_mutex_destroy(&s->mutex);
    gr_sys.free(s);
}
