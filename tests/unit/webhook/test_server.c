#include "config.h"
#include "test_webhook.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "bench.h"
#include "faultvfs.h"
#include "fixture.h"
#include "webhook/metrics.h"
#include "webhook/server.h"

#define BODY                                                                                                 \
    "{\"version\":\"4\",\"groupKey\":\"k\",\"status\":\"firing\",\"receiver\":\"r\",\"groupLabels\":{},"     \
    "\"commonLabels\":{},\"commonAnnotations\":{},\"externalURL\":\"u\",\"alerts\":[{\"status\":\"firing\"," \
    "\"labels\":{\"alertname\":\"GuardrailHardBreach\",\"spec\":\"demo\",\"cluster\":\"equities\","          \
    "\"deployment_id\":\"d1\",\"guardrail\":\"error_rate\",\"level\":\"hard\",\"phase\":\"preflight\"},"     \
    "\"annotations\":{},\"startsAt\":\"2026-11-23T14:05:09Z\",\"endsAt\":\"0001-01-01T00:00:00Z\","          \
    "\"generatorURL\":\"\",\"fingerprint\":\"\"}]}"

static struct bench bench;
static struct credentials *credentials;
static uint16_t port;
static struct desk *desk;
static struct server *server;

static enum gr_err
start_release(struct db *db, void *arg)
{
    struct gr_buf why = GR_BUF_INIT(1024);
    struct release r;
    enum gr_err err = release_start(
        db, &bench.policies, fixture_labels(bench.arena, "cluster=equities"), GR_STR("d1"),
        &(struct release_act){.by = GR_STR("jane"), .reason = GR_STR(""), .now_ms = 1}, &r, &why);

    (void)arg;
    gr_buf_fini(&why);
    return err;
}

static void
setup(void)
{
    struct listen_fds fds = LISTEN_FDS_INIT;
    struct server_limits limits = server_limits_default;
    struct gr_buf why;

    faultvfs_install();
    bench_make(&bench);
    bench_call(&bench, start_release, NULL, GR_OK);
    ck_assert_int_eq(desk_start(&desk), GR_OK);
    why = (struct gr_buf)GR_BUF_INIT(1024);
    ck_assert_int_eq(credentials_load(&(struct credentials_files){.sans = {{NULL, 0}}}, &credentials, &why),
                     GR_OK);
    ck_assert_int_eq(listen_tcp("127.0.0.1", 0, &fds.tcp), GR_OK);
    port = listen_port(fds.tcp);
    limits.conns.headers_ms = 400;
    limits.conns.request_ms = 800;
    limits.conns.idle_ms = 700;
    limits.conns.answer_ms = 2000;
    ck_assert_int_eq(server_start(&(struct server_options){.app = &bench.app,
                                                           .desk = desk,
                                                           .credentials = credentials,
                                                           .fds = fds,
                                                           .admin_socket = "",
                                                           .limits = limits},
                                  &server),
                     GR_OK);
}

static void
teardown(void)
{
    server_drain(server, 1000);
    desk_stop(desk);
    server_stop(server);
    credentials_drop(credentials);
    bench_remove(&bench);
}

static int
dial(void)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(port)};
    struct timeval limit = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* The status of what comes next, or 0 when the peer closed. */
static int
read_status(int fd)
{
    char text[4096];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    int status = 0;

    if (n < 12)
        return 0;
    for (int i = 9; i < 12; i++)
        status = 10 * status + (text[i] - '0');
    return status;
}

static int
ask(const char *text)
{
    int fd = dial(), status;

    ck_assert_int_eq((int)send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
    status = read_status(fd);
    (void)close(fd);
    return status;
}

static int
post_body(const char *path, const char *body)
{
    char text[4096];

    ck_assert_int_lt(
        snprintf(text, sizeof text,
                 "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                 "Connection: close\r\n\r\n%s",
                 path, strlen(body), body),
        (int)sizeof text);
    return ask(text);
}

static int
get(const char *path)
{
    char text[512];

    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    return ask(text);
}

#define INBOX "SELECT count(*) FROM inbox"
#define ROLLBACKS "SELECT count(*) FROM effect WHERE kind = 'rollback'"

START_TEST(accepted_once_stored_each_time)
{
    ck_assert_int_eq(post_body("/v1/alerts", BODY), 200);
    ck_assert_int_eq(post_body("/v1/alerts", BODY), 200);
    ck_assert_int_eq(bench_number(&bench, INBOX), 2);
    ck_assert_int_eq(bench_number(&bench, ROLLBACKS), 1);
    ck_assert_int_eq(get("/readyz"), 200);
}
END_TEST

START_TEST(a_locked_store_is_503)
{
    sqlite3 *other;

    ck_assert_int_eq(sqlite3_open(bench.database, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(post_body("/v1/alerts", BODY), 503);
    ck_assert_int_eq(get("/readyz"), 503);
    ck_assert_int_eq(get("/healthz"), 200);
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    ck_assert_int_eq(bench_number(&bench, INBOX), 0);
    ck_assert_int_eq(post_body("/v1/alerts", BODY), 200);
    ck_assert_int_eq(get("/readyz"), 200);
}
END_TEST

static const struct {
    const char *name;
    int write, sync;
    bool heals;
} faults[] = {
    {"disk full", SQLITE_FULL, 0, true},
    {"write fails", SQLITE_IOERR_WRITE, 0, false},
    {"fsync fails", 0, SQLITE_IOERR_FSYNC, false},
};
START_TEST(a_store_that_cannot_write_is_503)
{
    faultvfs.fail_write = faults[_i].write;
    faultvfs.fail_sync = faults[_i].sync;
    ck_assert_msg(post_body("/v1/alerts", BODY) == 503, "%s", faults[_i].name);
    ck_assert_int_eq(get("/readyz"), 503);
    faultvfs.fail_write = faultvfs.fail_sync = 0;
    ck_assert_msg(post_body("/v1/alerts", BODY) == (faults[_i].heals ? 200 : 503), "%s", faults[_i].name);
    ck_assert_int_eq(get("/readyz"), faults[_i].heals ? 200 : 503);
    if (faults[_i].heals)
        ck_assert_int_eq(bench_number(&bench, INBOX), 1);
}
END_TEST

START_TEST(the_release_series_outlive_the_store)
{
    struct gr_buf text = GR_BUF_INIT(1u << 20);

    metrics_print(&bench.app, &text);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&text), "deployment_id=\"d1\",phase=\"preflight\"} 1\n"));
    faultvfs.fail_sync = SQLITE_IOERR_FSYNC;
    ck_assert_int_eq(post_body("/v1/alerts", BODY), 503);
    gr_buf_reset(&text);
    metrics_print(&bench.app, &text);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&text), "deployment_id=\"d1\",phase=\"preflight\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&text), "guardraild_series_stale 1\n"));
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&text), "guardraild_store_up 0\n"));
    gr_buf_fini(&text);
}
END_TEST

START_TEST(draining_is_503)
{
    atomic_store(&bench.app.draining, true);
    ck_assert_int_eq(post_body("/v1/alerts", BODY), 503);
    ck_assert_int_eq(get("/readyz"), 503);
    ck_assert_int_eq(get("/healthz"), 200);
    atomic_store(&bench.app.draining, false);
    ck_assert_int_eq(bench_number(&bench, INBOX), 0);
}
END_TEST

/* What is sent, and that the connection is over within the deadlines (0.4, 0.8, 0.7 s here) and not before
 * an answer. */
static const struct {
    const char *name, *text;
    int status; /* 0: closed without an answer */
} slow[] = {
    {"nothing", "", 0},
    {"half a request line", "POST /v1/al", 0},
    {"half the headers", "POST /v1/alerts HTTP/1.1\r\nHost: x\r\n", 0},
    {"half the body",
     "POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
     0},
    {"idle after an answer", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200},
};
START_TEST(slow_peers_are_cut_off)
{
    int fd = dial();
    char c;

    ck_assert_int_eq((int)send(fd, slow[_i].text, strlen(slow[_i].text), MSG_NOSIGNAL),
                     (int)strlen(slow[_i].text));
    if (slow[_i].status)
        ck_assert_int_eq(read_status(fd), slow[_i].status);
    ck_assert_msg(recv(fd, &c, 1, 0) <= 0, "%s: more came",
                  slow[_i].name); /* a time-out of 10 s also ends this: */
    ck_assert_int_ne(send(fd, "x", 1, MSG_NOSIGNAL) < 0 ? 0 : (int)recv(fd, &c, 1, 0), 1);
    (void)close(fd);
}
END_TEST

static void *
post_many(void *arg)
{
    for (int i = 0; i < 10; i++)
        if (post_body("/v1/alerts", BODY) == 200)
            ++*(int *)arg;
    return NULL;
}

START_TEST(a_hundred_at_once_are_one_rollback)
{
    pthread_t threads[10];
    int ok[10] = {0}, sum = 0;

    for (size_t i = 0; i < GR_COUNT(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_many, &ok[i]), 0);
    for (size_t i = 0; i < GR_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        sum += ok[i];
    }
    ck_assert_int_eq(sum, 100);
    ck_assert_int_eq(bench_number(&bench, INBOX), 100);
    ck_assert_int_eq(bench_number(&bench, ROLLBACKS), 1);
}
END_TEST

START_TEST(one_address_one_server)
{
    int fd = -1;

    ck_assert_int_eq(listen_tcp("127.0.0.1", port, &fd), GR_EBUSY);
    ck_assert_int_eq(fd, -1);
}
END_TEST

Suite *
server_suite(void)
{
    Suite *suite = suite_create("server");
    TCase *tc = tcase_create("server");

    tcase_set_timeout(tc, 20);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, accepted_once_stored_each_time);
    tcase_add_test(tc, a_locked_store_is_503);
    tcase_add_loop_test(tc, a_store_that_cannot_write_is_503, 0, GR_COUNT(faults));
    tcase_add_test(tc, the_release_series_outlive_the_store);
    tcase_add_test(tc, draining_is_503);
    tcase_add_loop_test(tc, slow_peers_are_cut_off, 0, GR_COUNT(slow));
    tcase_add_test(tc, a_hundred_at_once_are_one_rollback);
    tcase_add_test(tc, one_address_one_server);
    suite_add_tcase(suite, tc);
    return suite;
}
