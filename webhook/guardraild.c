/* guardraild: takes Alertmanager's notifications, keeps the release phases, carries out the policy's actions.
 *
 * Order of the start: configuration and policy are read and checked; the runners are forked while there is
 * one thread and no
 * socket, and no secret was read; then the process gives up starting programs; then tokens, store, engine, listeners. Signals are blocked in every thread and read in one place, below. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "app.h"
#include "auditor.h"
#include "checks.h"
#include "conf.h"
#include "confine.h"
#include "credentials.h"
#include "engine.h"
#include "guardrail/diag.h"
#include "guardrail/file.h"
#include "guardrail/sys.h"
#include "guardrail/http_client.h"
#include "link.h"
#include "metrics.h"
#include "page.h"
#include "recorder.h"
#include "sender.h"
#include "server.h"
#include "service.h"
#include "board.h"

#define EXIT_FINDINGS 1
#define EXIT_USAGE 2
#define EXIT_MACHINE 3
#define DRAIN_MS 10000    /* requests in work */
#define FINISH_MS 20000   /* the running step; then it is ended and judged by its journal at the next start */
#define PROGRAMS_MS 20000 /* grace, and what the runner allows for the leftover */
#define BUSY_TIMEOUT_MS 1000 /* a foreign lock on the store: Alertmanager shall hear 503 within two seconds */
#define TICK_MS 2000         /* credential files are looked at so often */
#define RUNNERS (ENGINE_EXECUTORS + 2) /* one for checks, one for traffic splits */

struct options {
    const char *config, *port_file;
    bool check, allow_scaled;
};

/* The store's thread, as the service manager's watchdog sees it. */
struct pulse {
    atomic_bool asked;            /* a job of ours is on its way */
    atomic_int_fast64_t alive_ms; /* monotonic; when the last one came back */
};

struct daemon {
    struct options o;
    struct conf conf;
    struct gr_arena *arena;
    struct policy *policy; /* until policies has it */
    struct policies policies;
    enum log_level log_level; /* now; the configuration's at the start */
    struct credentials_files files;
    struct credentials *credentials;
    uint64_t stamp; /* of the credential files when they were last read */
    struct listen_fds fds;
    struct service service;
    struct pulse pulse;
    struct runner *runners[RUNNERS];
    int programs_fd; /* locked from the start of the first program to the end of the last, even when we are gone */
    struct app app;
    struct desk *desk;
    struct server *server;
    bool curl;
    sigset_t signals;
};

static const char usage[] =
    "Usage: guardraild --config FILE [--check-config] [--allow-scaled] [--port-file FILE]\n"
    "       guardraild --version | --help\n"
    "\n"
    "Takes Alertmanager's notifications, keeps release phases, and carries out what policy.json allows.\n"
    "\n"
    "  --config FILE     the configuration (guardraild.yml)\n"
    "  --check-config    read and check configuration, policy and secrets, then exit\n"
    "  --allow-scaled    accept a policy compiled with --time-scale in mode auto (tests, demos)\n"
    "  --port-file FILE  write the port that is listened on, once it is (for listen: 127.0.0.1:0)\n"
    "\n"
    "Exit status: 0 ended as asked, 1 findings in configuration or policy, 2 bad usage or unreadable file,\n"
    "3 the machine failed (store, socket, memory).\n"
    "\n"
    "Example:\n"
    "  guardraild --config /etc/guardrail/guardraild.yml --check-config\n";

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"check-config", no_argument, NULL, 'k'},
                                          {"allow-scaled", no_argument, NULL, 's'},
                                          {"port-file", required_argument, NULL, 'p'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'k':
            o->check = true;
            break;
        case 's':
            o->allow_scaled = true;
            break;
        case 'p':
            o->port_file = optarg;
            break;
        case 'V':
            return printf("guardraild %s\n", PACKAGE_VERSION) < 0 || fflush(stdout) != 0 ? EXIT_MACHINE : 0;
        case 'h':
            return fputs(usage, stdout) < 0 || fflush(stdout) != 0 ? EXIT_MACHINE : 0;
        default:
            (void)fputs("Try guardraild --help.\n", stderr);
            return EXIT_USAGE;
        }
    if (optind < argc || !o->config) {
        (void)fprintf(stderr, "guardraild: %s\nTry guardraild --help.\n",
                      o->config ? "takes no arguments besides its options" : "--config FILE is needed");
        return EXIT_USAGE;
    }
    return -1;
}

/* ---- configuration and policy ---- */

static int
report(const struct gr_diags *d, const char *path, enum gr_err err)
{
    struct gr_buf text = GR_BUF_INIT(8u << 20);
    int status = EXIT_MACHINE;

    if (gr_diags_count(d, GR_SEV_ERROR) + gr_diags_count(d, GR_SEV_WARNING) > 0) {
        gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &text);
        (void)fputs(gr_buf_cstr(&text), stderr); /* nowhere else to say it */
    }
    if (err == GR_OK)
        status = -1;
    else if (err == GR_EUSER)
        status = EXIT_FINDINGS;
    else {
        (void)fprintf(stderr, "guardraild: %s: %s\n", path, gr_err_name(err));
        if (err == GR_ENOENT || err == GR_EACCES || err == GR_ELIMIT)
            status = EXIT_USAGE;
    }
    gr_buf_fini(&text);
    return status;
}

static int
load_conf(struct daemon *d)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    int status = EXIT_MACHINE;

    d->arena = gr_arena_create(4u << 20);
    if (diags && d->arena)
        status = report(diags, d->o.config, conf_load(d->o.config, d->arena, sources, diags, &d->conf));
    gr_diags_free(diags);
    gr_sources_free(sources);
    return status;
}

/* A policy for tests and demos, in a mode that acts. */
static bool
scaled(const struct daemon *d, const struct policy *p)
{
    return p->time_scale > 1 && (d->conf.mode == MODE_AUTO || d->conf.mode == MODE_CONFIRM) &&
           !d->o.allow_scaled;
}

static int
load_policy(struct daemon *d)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    int status = EXIT_MACHINE;

    if (diags)
        status = report(diags, d->conf.policy_path.p,
                        policy_load(d->conf.policy_path.p, sources, diags, &d->policy));
    gr_diags_free(diags);
    gr_sources_free(sources);
    if (status == -1 && scaled(d, d->policy)) {
        (void)fprintf(stderr,
                      "guardraild: %s: GR0602: the policy's durations are divided by %lld; mode auto or "
                      "confirm refuses it without --allow-scaled\n",
                      d->conf.policy_path.p, (long long)d->policy->time_scale);
        status = EXIT_FINDINGS;
    }
    return status;
}

static int
load_credentials(struct daemon *d)
{
    struct gr_buf why = GR_BUF_INIT(4096);
    enum gr_err err;

    d->files = credentials_files_of(&d->conf);
    d->stamp = credentials_stamp(&d->files);
    err = credentials_load(&d->files, &d->credentials, &why);
    if (err == GR_OK) {
        if (credentials_tls(d->credentials))
            atomic_store(&d->app.tls_expires_s, tls_expires_s(credentials_tls(d->credentials)));
    } else {
        (void)fprintf(stderr, "guardraild: %s\n", why.n ? gr_buf_cstr(&why) : gr_err_name(err));
    }
    gr_buf_fini(&why);
    return err == GR_OK ? -1 : err == GR_ENOMEM || err == GR_EIO ? EXIT_MACHINE : EXIT_USAGE;
}

/* Messages go without links then. */
static bool
check_ack_key(const struct daemon *d, struct log *log)
{
    struct link_keys keys = LINK_KEYS_INIT;
    enum gr_err err = d->conf.ack_key_file.n > 0 ? page_link_keys(&d->conf, &keys) : GR_OK;

    link_keys_fini(&keys);
    if (err != GR_OK)
        log_event(log, AT_WARN,
                  "no acknowledgement links: their key file is missing, open to others, or has no line of 32 "
                  "to 1024 bytes",
                  "file", d->conf.ack_key_file.p, "error", gr_err_name(err), (char *)NULL);
    return err == GR_OK;
}

/* What will not work, said before it is needed. Not fatal: a rollback matters more than a message. */
static size_t
check_actions(struct daemon *d, const struct policy *p, struct log *log)
{
    struct sender_env env = {.secrets_dir = d->conf.secrets_dir.n ? d->conf.secrets_dir.p : ".",
                             .allow_http = d->conf.allow_http,
                             .pagerduty_url = d->conf.pagerduty_url.p};
    size_t bad = 0;

    for (size_t i = 0; i < p->action_count; i++) {
        const struct policy_action *a = &p->actions[i];
        enum gr_err err = a->kind == ACTION_ROLLBACK ? GR_OK : sender_check(&env, a);
        if (err == GR_OK)
            continue;
        bad++;
        log_event(log, AT_WARN, "action will fail: its secret file is missing, open to others, or malformed",
                  "action", a->name.p, "kind", policy_action_kind_name(a->kind), "file",
                  sender_secret_file(a).p, "error", gr_err_name(err), (char *)NULL);
    }
    if (p->pager_count == 0)
        log_event(log, AT_WARN, "the policy names nobody to page", (char *)NULL);
    return bad + !check_ack_key(d, log);
}

/* ---- start and end ---- */

static int
fail(const char *what, const char *detail)
{
    (void)fprintf(stderr, "guardraild: %s: %s\n", what, detail);
    return EXIT_MACHINE;
}

/* The file is opened before the runners are forked, so that they share its lock, and locked when the store is ours. */
static int
open_programs_lock(struct daemon *d)
{
    struct gr_buf path = GR_BUF_INIT(4096);

    gr_buf_printf(&path, "%s.programs", d->conf.store_path.p);
    if (gr_buf_err(&path) == GR_OK)
        d->programs_fd = gr_sys.open(gr_buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (d->programs_fd <= 0)
        (void)fail(gr_buf_cstr(&path), gr_err_name(gr_err_from_errno(errno)));
    gr_buf_fini(&path);
    return d->programs_fd > 0 ? -1 : EXIT_MACHINE;
}

/* A guardraild that was killed may have left a program that is being ended: it and its repetition must not run side by side. */
static int
wait_for_programs(struct daemon *d)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    int64_t deadline = app_now_ms() + PROGRAMS_MS;
    bool told = false;

    while (gr_sys.flock(d->programs_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail("the lock of running programs", gr_err_name(gr_err_from_errno(errno)));
        if (app_now_ms() >= deadline)
            return fail("start", "programs of an earlier guardraild are still running");
        if (!told)
            log_event(d->app.log, AT_WARN, "waits for programs of an earlier guardraild to end",
                      (char *)NULL);
        told = true;
        (void)nanosleep(&pause, NULL);
    }
    return -1;
}

static int
start_runners(struct daemon *d)
{
    struct runner_options o = {.actions_dir = d->conf.actions_dir.n ? d->conf.actions_dir.p : "/",
                               .path = d->conf.actions_path.p,
                               .lock_fd = d->programs_fd,
                               .environment = d->conf.actions_environment};
    enum gr_err err;

    for (size_t i = 0; i < RUNNERS; i++)
        if ((err = runner_start(&o, &d->runners[i])) != GR_OK) {
            (void)fail(err == GR_EUSER ? "actions_environment" : o.actions_dir,
                       err == GR_EUSER ? "a name is not allowed (no PATH, LANG, LD_*, GR_*)"
                                       : gr_err_name(err));
            return err == GR_ENOENT || err == GR_EUSER || err == GR_EACCES ? EXIT_USAGE : EXIT_MACHINE;
        }
    return -1;
}

/* After this no program can be started here, and no process. The runners are not concerned: they were forked before. */
static int
confine(struct daemon *d)
{
    enum confine_state state;

    if (confine_self(&state) != GR_OK)
        return fail("start", "privileges cannot be given up");
    log_event(d->app.log, state == CONFINE_ON ? AT_INFO : AT_WARN,
              state == CONFINE_ON ? "this process can start no program now"
                                  : "this process could start programs: only the runner should",
              "seccomp", confine_state_name(state), (char *)NULL);
    return -1;
}

static int
start_store(struct daemon *d)
{
    char reason[STORE_REASON_BYTES] = "";
    struct policy *policy = d->policy;
    enum gr_err err = store_open(&d->app.store,
                                 &(struct store_options){.path = d->conf.store_path.p,
                                                         .busy_timeout_ms = BUSY_TIMEOUT_MS,
                                                         .log = d->app.log,
                                                         .reserve_bytes = d->conf.store_reserve_bytes},
                                 reason);

    if (err != GR_OK)
        return fail(d->conf.store_path.p, reason[0] ? reason : gr_err_name(err));
    if ((err = store_start(d->app.store)) != GR_OK)
        return fail("store", gr_err_name(err));
    d->policy = NULL;
    if ((err = policies_load(&d->policies, policy, d->app.store, d->app.started_ms, d->app.log)) != GR_OK)
        return fail("policies", gr_err_name(err));
    d->app.policies = &d->policies;
    return -1;
}

static enum gr_err
begin_audit(struct db *db, void *arg)
{
    (void)arg;
    return audit_begin(db, app_now_ms());
}

static int
start_workers(struct daemon *d)
{
    struct engine_options eo = {.app = &d->app};
    enum gr_err err;

    if ((err = gr_dir_make(d->conf.reports_dir.p)) != GR_OK)
        return fail(d->conf.reports_dir.p, gr_err_name(err));
    if ((err = gr_http_global_init()) != GR_OK)
        return fail("libcurl", gr_err_name(err));
    d->curl = true;
    for (size_t i = 0; i < ENGINE_EXECUTORS; i++)
        eo.runners[i] = d->runners[i];
    eo.enter_runner = d->runners[ENGINE_EXECUTORS + 1];
    if ((err = store_call(d->app.store, begin_audit, NULL)) != GR_OK)
        return fail("audit", gr_err_name(err));
    if ((err = auditor_start(&(struct auditor_options){.store = d->app.store,
                                                       .reports_dir = d->conf.reports_dir.p,
                                                       .log = d->app.log},
                             &d->app.auditor)) != GR_OK ||
        (err = checks_create(d->runners[ENGINE_EXECUTORS], &d->app.checks)) != GR_OK ||
        (err = recorder_start(&(struct recorder_options){.store = d->app.store,
                                                         .policies = &d->policies,
                                                         .reports_dir = d->conf.reports_dir.p,
                                                         .prometheus_url = d->conf.prometheus_url,
                                                         .log = d->app.log},
                              &d->app.recorder)) != GR_OK ||
        (err = board_create(d->app.metrics, &d->app.board)) != GR_OK ||
        (err = engine_start(&eo, &d->app.engine)) != GR_OK || (err = desk_start(&d->desk)) != GR_OK)
        return fail("start", gr_err_name(err));
    return -1;
}

/* What was not handed over is bound here. -1: go on. */
static int
open_sockets(struct daemon *d)
{
    const char *path = d->conf.admin_socket.n ? d->conf.admin_socket.p : "";
    enum gr_err err = GR_OK;

    if (d->fds.tcp < 0)
        err = listen_tcp(d->conf.listen_host.p, d->conf.listen_port, &d->fds.tcp);
    if (err != GR_OK)
        return fail("listen", err == GR_EBUSY ? "the address is in use" : gr_err_name(err));
    if (d->fds.local < 0 && path[0] != '\0')
        err = listen_local(path, &d->fds.local);
    return err == GR_OK ? -1 : fail(path, gr_err_name(err));
}

static int
start_server(struct daemon *d)
{
    char text[16];
    struct server_limits limits = server_limits_default;
    enum gr_err err;
    int status = open_sockets(d);

    if (status != -1)
        return status;
    (void)snprintf(text, sizeof text, "%u", listen_port(d->fds.tcp));
    limits.conns.connections = d->conf.connections;
    limits.conns.per_address = d->conf.per_address;
    limits.rate = d->conf.rate;
    limits.burst = d->conf.burst;
    err = server_start(
        &(struct server_options){.app = &d->app,
                                 .desk = d->desk,
                                 .credentials = d->credentials,
                                 .fds = d->fds,
                                 .admin_socket = d->conf.admin_socket.n ? d->conf.admin_socket.p : "",
                                 .limits = limits},
        &d->server);
    if (err == GR_EACCES) {
        (void)fail(
            "the socket that was handed over",
            "others reach it, so it needs tls (cert_file, key_file), and for ingest and read a token file "
            "(auth) or client certificates (tls.client_san)");
        return EXIT_USAGE;
    }
    if (err != GR_OK)
        return fail("listen", gr_err_name(err));
    if (d->o.port_file) {
        char line[20];
        (void)snprintf(line, sizeof line, "%s\n", text);
        if ((err = gr_file_write(d->o.port_file, gr_str(line), 0644)) != GR_OK)
            return fail(d->o.port_file, gr_err_name(err));
    }
    log_event(d->app.log, AT_INFO, "guardraild listens", "version", PACKAGE_VERSION, "address",
              d->fds.tcp_inherited ? "handed over" : d->conf.listen_host.p, "port", text, "tls",
              credentials_tls(d->credentials) ? "yes" : "no", "mode", daemon_mode_name(d->conf.mode), "spec",
              policies_current(&d->policies)->spec.p, "sqlite", store_engine_version(), (char *)NULL);
    return -1;
}

/* In the order of need: first nothing new comes in, then what runs may end, then the store closes. */
static void
stop(struct daemon *d)
{
    if (d->server)
        server_drain(d->server, DRAIN_MS);
    desk_stop(d->desk);
    server_stop(d->server);
    engine_stop(d->app.engine, FINISH_MS);
    d->app.engine = NULL;
    recorder_stop(d->app.recorder);
    d->app.recorder = NULL;
    auditor_stop(d->app.auditor);
    d->app.auditor = NULL;
    store_close(d->app.store);
    checks_free(d->app.checks);
    board_free(d->app.board);
    for (size_t i = 0; i < RUNNERS; i++)
        runner_stop(d->runners[i]);
    if (d->programs_fd > 0)
        (void)close(d->programs_fd); /* holds no data */
    if (d->app.policies)
        policies_fini(&d->policies);
    policy_free(d->policy);
    metrics_free(d->app.metrics);
    if (d->curl)
        gr_http_global_fini();
    log_event(d->app.log, AT_INFO, "guardraild ended", (char *)NULL);
    log_free(d->app.log);
    credentials_drop(d->credentials);
    service_end(&d->service);
    gr_arena_free(d->arena);
}

/* Nothing can start a second one: this process cannot fork any more. A new start reads the journal. */
static bool
lost_runner(struct daemon *d)
{
    bool lost = false;

    for (size_t i = 0; i < RUNNERS; i++)
        lost = runner_ended(d->runners[i]) || lost;
    if (lost)
        log_event(d->app.log, AT_ERROR,
                  "a command runner has ended; guardraild ends too, so that a new start has one",
                  (char *)NULL);
    return lost;
}

/* ---- while it runs ---- */

static int64_t
monotonic_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static enum gr_err
pulse_run(struct db *db, void *arg)
{
    (void)db;
    (void)arg;
    return GR_OK;
}

/* On the store's thread: it is alive, whatever came of the transaction (a full disk is no reason to restart). */
static void
pulse_done(void *arg, enum gr_err err)
{
    struct pulse *p = arg;

    (void)err;
    atomic_store(&p->alive_ms, monotonic_ms());
    atomic_store(&p->asked, false);
}

/* The service manager hears of us as long as the store's thread comes back to us, and the store has not failed for good: that only a
 * restart can mend. */
static void
beat(struct daemon *d)
{
    struct store_state st;

    if (d->service.watchdog_ms == 0)
        return;
    store_state(d->app.store, &st);
    if (!st.failed && monotonic_ms() - atomic_load(&d->pulse.alive_ms) < d->service.watchdog_ms / 2)
        service_tell(&d->service, "WATCHDOG=1");
    if (!atomic_exchange(&d->pulse.asked, true) &&
        store_post(d->app.store, pulse_run, &d->pulse, pulse_done) != GR_OK)
        atomic_store(&d->pulse.asked, false); /* its queue is full: asked again at the next tick */
}

/* Reads the credential files anew if they changed, or if asked to; what is wrong leaves the old ones in use. */
static void
renew_credentials(struct daemon *d, bool asked)
{
    uint64_t stamp = credentials_stamp(&d->files);
    struct gr_buf why = GR_BUF_INIT(4096);
    struct credentials *fresh = NULL;
    enum gr_err err;

    if (stamp == d->stamp && !asked)
        return;
    d->stamp = stamp;
    err = credentials_load(&d->files, &fresh, &why);
    atomic_store(&d->app.credentials_stale, err != GR_OK);
    metrics_add(d->app.metrics, err == GR_OK ? COUNT_RELOADS : COUNT_RELOAD_FAILURES, 1);
    if (err != GR_OK) {
        log_event(d->app.log, AT_ERROR, "new credentials are not used, the old ones stay", "error",
                  why.n ? gr_buf_cstr(&why) : gr_err_name(err), (char *)NULL);
    } else {
        server_use(d->server, fresh);
        if (credentials_tls(fresh))
            atomic_store(&d->app.tls_expires_s, tls_expires_s(credentials_tls(fresh)));
        credentials_drop(d->credentials);
        d->credentials = fresh;
        log_event(d->app.log, AT_INFO, "credentials read anew", (char *)NULL);
    }
    gr_buf_fini(&why);
}

/* The first finding, or the error's name. */
static void
put_finding(const struct gr_diags *diags, enum gr_err err, struct gr_buf *why)
{
    struct gr_buf text = GR_BUF_INIT(8u << 20);
    struct gr_str rest, line;

    if (diags && err == GR_EUSER)
        gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &text);
    rest = gr_buf_str(&text);
    if (gr_buf_err(&text) == GR_OK && gr_str_next(&rest, '\n', &line) && line.n > 0)
        gr_buf_put(why, gr_str_sub(line, 0, 500));
    else
        gr_buf_puts(why, gr_err_name(err));
    gr_buf_fini(&text);
}

static enum gr_err
read_new_policy(struct daemon *d, struct policy **out, struct gr_buf *why)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    enum gr_err err = diags ? policy_load(d->conf.policy_path.p, sources, diags, out) : GR_ENOMEM;

    if (err != GR_OK)
        put_finding(diags, err, why);
    gr_diags_free(diags);
    gr_sources_free(sources);
    if (err == GR_OK && scaled(d, *out)) {
        gr_buf_puts(why, "its durations are divided, which this mode refuses without --allow-scaled");
        policy_free(*out);
        *out = NULL;
        err = GR_EUSER;
    }
    return err;
}

static enum gr_err
note_refused(struct db *db, void *arg)
{
    return audit_add(db, app_now_ms(), GR_STR("guardraild"), "policy refused", GR_STR(""),
                     gr_buf_str((const struct gr_buf *)arg));
}

/* Reads the policy anew and uses it whole, or keeps the one in force and says so. Releases stay with theirs in either case. */
static void
renew_policy(struct daemon *d)
{
    struct gr_buf why = GR_BUF_INIT(4096);
    struct policy *fresh = NULL;
    bool changed = false;
    enum gr_err err = read_new_policy(d, &fresh, &why);

    if (err == GR_OK)
        err = policies_reload(&d->policies, fresh, d->app.store, app_now_ms(), &changed, &why);
    atomic_store(&d->app.policy_stale, err != GR_OK);
    if (err != GR_OK) {
        if (why.n == 0)
            gr_buf_puts(&why, gr_err_name(err));
        log_event(d->app.log, AT_ERROR, "the new policy is not used, the one in force stays", "file",
                  d->conf.policy_path.p, "error", gr_buf_cstr(&why), (char *)NULL);
        if (store_call(d->app.store, note_refused, &why) != GR_OK)
            log_event(d->app.log, AT_ERROR, "the audit log could not be written", (char *)NULL);
    } else if (changed) {
        const struct policy *p = policies_current(&d->policies);

        log_event(d->app.log, AT_INFO, "a new policy is in force; releases that run stay with theirs",
                  "spec_hash", p->spec_hash.p, (char *)NULL);
        (void)check_actions(d, p, d->app.log);
    }
    if (d->app.auditor)
        auditor_wake(d->app.auditor);
    gr_buf_fini(&why);
}

/* Reads the configuration anew, to say what of it is used: the log's level. Everything else was set up once, before privileges were given
 * up, and is read by threads that run: it waits for a restart, by name. A file that is wrong changes nothing, and is told before the restart
 * that it would prevent. */
static void
look_at_conf(struct daemon *d)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    struct gr_arena *a = gr_arena_create(4u << 20);
    struct gr_buf text = GR_BUF_INIT(65536);
    struct conf fresh;
    size_t waiting = 0;
    enum gr_err err = diags && a ? conf_load(d->o.config, a, sources, diags, &fresh) : GR_ENOMEM;

    if (err != GR_OK) {
        put_finding(diags, err, &text);
        log_event(d->app.log, AT_ERROR,
                  "the configuration is wrong: what runs stays, and a restart would fail", "file",
                  d->o.config, "error", gr_buf_cstr(&text), (char *)NULL);
    } else {
        if (fresh.log_level != d->log_level) {
            d->log_level = fresh.log_level;
            log_set_level(d->app.log, fresh.log_level);
            log_event(d->app.log, AT_WARN, "the log has another level from now on", "level",
                      log_level_name(fresh.log_level), (char *)NULL);
        }
        if ((waiting = conf_changes(&d->conf, &fresh, false, &text)) > 0)
            log_event(d->app.log, AT_WARN, "settings have changed that need a restart", "file", d->o.config,
                      "settings", gr_buf_cstr(&text), (char *)NULL);
    }
    atomic_store(&d->app.config_stale, err != GR_OK || waiting > 0);
    gr_buf_fini(&text);
    gr_arena_free(a);
    gr_diags_free(diags);
    gr_sources_free(sources);
}

/* The one place where signals are read. */
static int
wait_for_end(struct daemon *d)
{
    int64_t tick =
        d->service.watchdog_ms && d->service.watchdog_ms / 4 < TICK_MS ? d->service.watchdog_ms / 4 : TICK_MS;
    struct timespec wait = {.tv_sec = (time_t)(tick / 1000), .tv_nsec = (long)(tick % 1000) * 1000000L};
    int got;

    atomic_store(&d->pulse.alive_ms, monotonic_ms());
    service_tell(&d->service, "READY=1");
    for (;;) {
        if (lost_runner(d))
            return EXIT_MACHINE;
        got = sigtimedwait(&d->signals, NULL, &wait);
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return EXIT_MACHINE;
        beat(d);
        if (got == SIGHUP) {
            service_tell_reloading(&d->service);
            log_event(d->app.log, AT_INFO,
                      "SIGHUP: policy and credentials are read anew, of the configuration the log's level",
                      (char *)NULL);
            look_at_conf(d);
            renew_policy(d);
        }
        renew_credentials(d, got == SIGHUP);
        if (got == SIGHUP)
            service_tell(&d->service, "READY=1");
        if (got == SIGTERM || got == SIGINT)
            break;
    }
    service_tell(&d->service, "STOPPING=1");
    log_event(d->app.log, AT_INFO, "asked to end", "signal", got == SIGTERM ? "TERM" : "INT", (char *)NULL);
    return 0;
}

static int
serve(struct daemon *d)
{
    int status;

    if ((status = open_programs_lock(d)) != -1 || (status = start_runners(d)) != -1)
        return status;
    if ((status = confine(d)) != -1 || (status = load_credentials(d)) != -1)
        return status;
    /* Only now: the runners set their own masks, and no thread exists before this. */
    if (pthread_sigmask(SIG_BLOCK, &d->signals, NULL) != 0)
        return fail("signals", "cannot be blocked");
    if ((status = start_store(d)) != -1 || (status = wait_for_programs(d)) != -1 ||
        (status = start_workers(d)) != -1)
        return status;
    (void)check_actions(d, policies_current(&d->policies), d->app.log);
    if ((status = start_server(d)) != -1)
        return status;
    return wait_for_end(d);
}

static int
run(struct daemon *d)
{
    int status;

    if ((status = load_conf(d)) != -1 || (status = load_policy(d)) != -1)
        return status;
    if (!(d->app.log = log_create(STDERR_FILENO, d->conf.log_format, d->conf.log_level)) ||
        !(d->app.metrics = metrics_create()))
        return fail("start", gr_err_name(GR_ENOMEM));
    d->app.conf = &d->conf;
    d->log_level = d->conf.log_level;
    d->app.started_ms = app_now_ms();
    watchdog_init(&d->app.watchdog, app_boot_ms(), false);
    if (d->o.check)
        return (status = load_credentials(d)) != -1           ? status
               : check_actions(d, d->policy, d->app.log) == 0 ? 0
                                                              : EXIT_FINDINGS;
    return serve(d);
}

int
main(int argc, char **argv)
{
    static struct daemon d; /* large, and lives as long as the process */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct gr_buf why = GR_BUF_INIT(1024);
    int status = read_options(argc, argv, &d.o);

    if (status != -1)
        return status;
    (void)umask(0027);
    (void)sigemptyset(&ignore.sa_mask);
    (void)sigemptyset(&d.signals);
    (void)sigaddset(&d.signals, SIGTERM);
    (void)sigaddset(&d.signals, SIGINT);
    (void)sigaddset(&d.signals, SIGHUP);
    (void)sigaddset(&d.signals, SIGCHLD);
    if (sigaction(SIGPIPE, &ignore, NULL) != 0)
        return fail("signals", "cannot be set");
    d.fds = (struct listen_fds)LISTEN_FDS_INIT;
    if (listen_take(&d.fds, &why) != GR_OK) {
        (void)fprintf(stderr, "guardraild: %s\n", gr_buf_cstr(&why));
        gr_buf_fini(&why);
        return EXIT_USAGE;
    }
    service_begin(&d.service);
    store_engine_init();
    status = run(&d);
    stop(&d);
    return status;
}
