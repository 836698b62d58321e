#include "config.h"
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "command.h"
#include "exposition.h"
#include "guardrail/sys.h"
#include "look.h"
#include "test_fleet.h"

static struct server *
start(struct world *w, double speed)
{
    struct server *s = NULL;

    ck_assert_int_eq(server_start(&s, &(struct server_options){.world = w, .speed = speed}), GR_OK);
    ck_assert_uint_gt(server_port(s), 0);
    return s;
}

static const struct row {
    const char *method, *path, *body;
    int status;
    const char *want; /* a part of the answer */
} rows[] = {
    {"GET", "/metrics", "", 200, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
    {"GET", "/metrics", "", 200, "# TYPE execution_order_accept_requests_total counter\n"},
    {"GET", "/metrics?x=1", "", 200, "# TYPE"},
    {"GET", "/state", "", 200, "Content-Type: application/json\r\n"},
    {"GET", "/state", "", 200, "{\"seed\":41,"},
    {"POST", "/fault", "error_rate x2 track=canary venue=XNAS\ncpu 0.9", 200, "\"cpu 0.9\"]"},
    {"POST", "/fault", "error_rate x2\nnonsense", 400,
     "line 2: unknown fault kind \"nonsense\"; legal kinds: canary_gone"},
    {"POST", "/fault", "", 400, "no fault given"},
    {"POST", "/share", "market_making 0.5", 200, "\"market_making\":0.5"},
    {"POST", "/share", "market_making 5", 400, "ratio from 0 to 1"},
    {"POST", "/step", "30", 200, "\"simulated_seconds\":30"},
    {"POST", "/step", "soon", 400, "simulated seconds"},
    {"POST", "/reset", "", 200, "\"faults\":[]"},
    {"GET", "/", "", 404, "there are /metrics"},
    {"GET", "/metrics/", "", 404, "there are /metrics"},
    {"GET", "/fault", "", 405, "POST the others"},
    {"POST", "/metrics", "x", 405, "POST the others"},
    {"DELETE", "/fault", "", 405, "POST the others"},
};

START_TEST(request_is_answered)
{
    const struct row *r = &rows[_i];
    struct world *w = look_world(41, 400);
    struct server *s = start(w, 0);
    struct gr_buf got = ask_for(server_port(s), r->method, r->path, gr_str(r->body)), head = GR_BUF_INIT(64);

    gr_buf_printf(&head, "HTTP/1.1 %d ", r->status);
    ck_assert_msg(gr_str_starts(gr_buf_str(&got), gr_buf_str(&head)), "%s %s: %s", r->method, r->path,
                  gr_buf_cstr(&got));
    ck_assert_msg(strstr(gr_buf_cstr(&got), r->want) != NULL, "%s %s: %s", r->method, r->path,
                  gr_buf_cstr(&got));
    server_stop(s);
    world_free(w);
    gr_buf_fini(&got);
    gr_buf_fini(&head);
}
END_TEST

static void
check_status(struct gr_buf answer, const char *status)
{
    ck_assert_msg(strncmp(gr_buf_cstr(&answer), status, strlen(status)) == 0, "%s, not %s",
                  gr_buf_cstr(&answer), status);
    gr_buf_fini(&answer);
}

/* The largest body, and one byte more: with its length declared, and in chunks. */
START_TEST(body_is_bounded)
{
    struct gr_buf body = GR_BUF_INIT(1 << 16), chunked = GR_BUF_INIT(1 << 16);
    struct world *w = look_world(41, 400);
    struct server *s = start(w, 0);

    gr_buf_puts(&body, "cpu 0.9\n#");
    while (body.n < COMMAND_BYTES_MAX)
        gr_buf_putc(&body, '#');
    check_status(ask_for(server_port(s), "POST", "/fault", gr_buf_str(&body)), "HTTP/1.1 200 ");
    gr_buf_putc(&body, '#');
    check_status(ask_for(server_port(s), "POST", "/fault", gr_buf_str(&body)), "HTTP/1.1 413 ");
    gr_buf_printf(&chunked,
                  "POST /fault HTTP/1.1\r\nHost: fleet\r\nConnection: close\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                  body.n);
    gr_buf_put(&chunked, gr_buf_str(&body));
    gr_buf_puts(&chunked, "\r\n0\r\n\r\n");
    check_status(ask(server_port(s), gr_buf_str(&chunked)), "HTTP/1.1 413 ");
    check_status(ask(server_port(s), GR_STR("POST /fault HTTP/1.1\r\nHost: fleet\r\nConnection: close\r\n"
                                            "Content-Length: 99999999999999999999\r\n\r\n")),
                 "HTTP/1.1 413 ");
    server_stop(s);
    ck_assert_uint_eq(w->faults.count, 1);
    world_free(w);
    gr_buf_fini(&body);
    gr_buf_fini(&chunked);
}
END_TEST

START_TEST(clock_moves_time)
{
    struct world *w = look_world(41, 400);
    struct server *s = start(w, 1e6);

    check_status(ask_for(server_port(s), "GET", "/metrics", GR_STR_NONE), "HTTP/1.1 200 ");
    server_stop(s);
    ck_assert(w->now_s > 0);
    ck_assert_uint_gt(look_total(w, FAM_ORDER_ACCEPT, ""), 0);
    world_free(w);
}
END_TEST

START_TEST(taken_port_is_told)
{
    struct world *w = look_world(41, 400);
    struct server *s = NULL, *second = NULL;
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    ck_assert_int_eq(server_start(&s, &(struct server_options){.world = w, .port = ntohs(at.sin_port)}),
                     GR_ENET);
    ck_assert_ptr_null(s);
    s = start(w, 0);
    ck_assert_int_eq(server_start(&second, &(struct server_options){.world = w, .port = server_port(s)}),
                     GR_ENET);
    server_stop(s);
    server_stop(NULL);
    close(fd);
    world_free(w);
}
END_TEST

/* All of 127.0.0.0/8 is this machine; a server bound to every address would answer on 127.0.0.2. */
START_TEST(only_loopback_is_served)
{
    struct world *w = look_world(41, 400);
    struct server *s = start(w, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(server_port(s))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(fd);
    server_stop(s);
    world_free(w);
}
END_TEST

static size_t bytes_max; /* only the failing allocator below reads it */

static void *
small_realloc(void *p, size_t n)
{
    return n <= bytes_max ? gr_sys_real.realloc(p, n) : NULL;
}

START_TEST(no_memory_is_told)
{
    static const struct {
        size_t bytes_max;
        const char *path, *status;
    } cases[] = {
        {8192, "/metrics", "HTTP/1.1 503 "}, /* the answer does not fit */
        {8192, "/fault", "HTTP/1.1 503 "},   /* nor does the body */
        {1, "/metrics", ""},                 /* nothing at all: the connection is closed */
    };
    struct gr_buf body = GR_BUF_INIT(COMMAND_BYTES_MAX);
    struct world *w = look_world(41, 400);
    struct server *s = NULL;
    const char *path = cases[_i].path;
    int fd;
    struct gr_buf request = GR_BUF_INIT(1 << 16);
    char answer[64] = "";
    ssize_t n = 0, more;

    bytes_max = 1;
    gr_sys.realloc = small_realloc;
    ck_assert_int_eq(server_start(&s, &(struct server_options){.world = w}), GR_ENOMEM);
    gr_sys = gr_sys_real;
    s = start(w, 0);
    while (body.n < 12000)
        gr_buf_putc(&body, '#');
    if (strcmp(path, "/metrics") == 0)
        gr_buf_printf(&request, "GET %s HTTP/1.1\r\nHost: fleet\r\nConnection: close\r\n\r\n", path);
    else
        gr_buf_printf(&request,
                      "POST %s HTTP/1.1\r\nHost: fleet\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                      path, body.n, gr_buf_cstr(&body));
    fd = ask_connect(server_port(s));
    bytes_max = cases[_i].bytes_max;
    gr_sys.realloc = small_realloc;
    ck_assert_int_eq(send(fd, request.p, request.n, MSG_NOSIGNAL), (ssize_t)request.n);
    while (n < (ssize_t)sizeof(answer) - 1 &&
           (more = recv(fd, answer + n, sizeof(answer) - 1 - (size_t)n, 0)) > 0)
        n += more;
    server_stop(s);
    gr_sys = gr_sys_real;
    answer[n] = '\0';
    ck_assert_msg(strncmp(answer, cases[_i].status, strlen(cases[_i].status)) == 0, "%s", answer);
    ck_assert(*cases[_i].status != '\0' || n == 0);
    close(fd);
    world_free(w);
    gr_buf_fini(&body);
    gr_buf_fini(&request);
}
END_TEST

Suite *
server_suite(void)
{
    Suite *s = suite_create("server");
    TCase *tc = tcase_create("server");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, request_is_answered, 0, GR_COUNT(rows));
    tcase_add_test(tc, body_is_bounded);
    tcase_add_test(tc, clock_moves_time);
    tcase_add_test(tc, only_loopback_is_served);
    tcase_add_test(tc, taken_port_is_told);
    tcase_add_loop_test(tc, no_memory_is_told, 0, 3);
    suite_add_tcase(s, tc);
    return s;
}
