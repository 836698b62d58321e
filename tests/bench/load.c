/* load - posts JSON to an HTTP server over kept-alive connections and measures how it is answered.
 *
 *     load PORT PATH BODY-FILE CONNECTIONS SECONDS [PID [GROUPS]]
 *
 * One thread, epoll; each connection has one request under way. Sixteen '@' in the body are replaced by a number that is another for every request, and
 * each eight '%' by the number of a group: the groups have their turn one after the other, GROUPS (100) of them; 0: each request is a group of its own.
 * Prints one line: accepted/s, p50 and p99 in ms (from the send to the last byte of the answer), requests, other answers, failed connections, and with
 * PID that process's resident memory in KiB at the start, after half of the time, and at the end, and its processor time in microseconds a request (which a busy
 * machine does not change as it does the rest). The first tenth of the time is not counted. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "guardrail/base.h"
#include "guardrail/file.h"
#include "guardrail/number.h"

#define CONNECTIONS_MAX 1024
#define ANSWER_MAX 4096
#define BUCKETS 200000 /* of 10 us: two seconds */
#define MARKS_MAX 64
#define GROUPS 100

struct connection {
    int fd;
    size_t sent, got;
    int64_t begin_us;
    char *request; /* its own copy: the number differs */
    char answer[ANSWER_MAX + 1];
};
struct load {
    uint16_t port;
    int epoll;
    size_t n, request_n, number_at;      /* SIZE_MAX: the body has no number */
    size_t marks[MARKS_MAX], mark_count; /* where the group's number goes */
    uint64_t groups;
    uint64_t number, accepted, other, failed;
    int64_t count_from_us;
    struct connection *connections;
    uint32_t *latency;
};

static int64_t
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
watch(const struct load *l, struct connection *c, int op, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    (void)epoll_ctl(l->epoll, op, c->fd, &e);
}

static bool
open_connection(struct load *l, struct connection *c)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(l->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1;

    if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
        connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
        return false;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0;
}

/* Sends what is left of the request. */
static bool
go_on(struct load *l, struct connection *c)
{
    while (c->sent < l->request_n) {
        ssize_t n = send(c->fd, c->request + c->sent, l->request_n - c->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        c->sent += (size_t)n;
    }
    return true;
}

static void
put_hex(char *to, size_t digits, uint64_t v)
{
    for (; digits-- > 0; v >>= 4)
        to[digits] = "0123456789abcdef"[v & 15];
}

static bool
begin(struct load *l, struct connection *c)
{
    uint64_t number = l->number++;

    if (l->number_at != SIZE_MAX)
        put_hex(c->request + l->number_at, 16, number);
    for (size_t i = 0; i < l->mark_count; i++)
        put_hex(c->request + l->marks[i], 8, l->groups ? number % l->groups : number);
    c->sent = c->got = 0;
    c->begin_us = now_us();
    return go_on(l, c);
}

/* 0: not all is there; else the status; -1: not an answer. */
static int
status_of(struct connection *c)
{
    const char *end, *length;
    unsigned long body = 0;

    c->answer[c->got] = '\0';
    if (!(end = strstr(c->answer, "\r\n\r\n")))
        return c->got == ANSWER_MAX ? -1 : 0;
    length = strcasestr(c->answer, "\r\nContent-Length:");
    if (length && length < end)
        body = strtoul(length + 17, NULL, 10);
    if ((size_t)(end + 4 - c->answer) + body > c->got)
        return c->got == ANSWER_MAX ? -1 : 0;
    return strncmp(c->answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(c->answer + 9, NULL, 10) : -1;
}

static void
count(struct load *l, const struct connection *c, int status)
{
    int64_t now = now_us(), bucket = (now - c->begin_us) / 10;

    if (now < l->count_from_us)
        return;
    if (status != 200) {
        l->other++;
        return;
    }
    l->accepted++;
    l->latency[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

/* False: the connection is over. */
static bool
receive(struct load *l, struct connection *c)
{
    for (;;) {
        ssize_t n = recv(c->fd, c->answer + c->got, ANSWER_MAX - c->got, 0);
        int status;

        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        c->got += (size_t)n;
        if ((status = status_of(c)) == 0)
            continue;
        if (status < 0)
            return false;
        count(l, c, status);
        if (!begin(l, c))
            return false;
    }
}

static void
again(struct load *l, struct connection *c)
{
    l->failed++;
    if (c->fd >= 0)
        (void)close(c->fd);
    if (open_connection(l, c) && begin(l, c))
        watch(l, c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLET);
}

static void
run(struct load *l, int64_t until_us)
{
    struct epoll_event events[64];

    while (now_us() < until_us) {
        int n = epoll_wait(l->epoll, events, 64, 100);

        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;

            if (((events[i].events & EPOLLOUT) != 0 && !go_on(l, c)) || !receive(l, c))
                again(l, c);
        }
    }
}

static double
quantile_ms(const struct load *l, double q)
{
    uint64_t want = (uint64_t)((double)l->accepted * q), seen = 0;

    for (size_t i = 0; i < BUCKETS; i++)
        if ((seen += l->latency[i]) > want)
            return ((double)i + 0.5) / 100;
    return (double)NAN;
}

static long
resident_kib(const char *pid)
{
    struct gr_buf path = GR_BUF_INIT(64), text = GR_BUF_INIT(1u << 16);
    long kib = 0;
    size_t at;

    gr_buf_printf(&path, "/proc/%s/status", pid);
    if (gr_file_read(gr_buf_cstr(&path), &text) == GR_OK &&
        (at = gr_str_find(gr_buf_str(&text), GR_STR("VmRSS:"), 0)) != SIZE_MAX)
        kib = strtol(text.p + at + 6, NULL, 10);
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    return kib;
}

/* Processor time in ticks, that of children it has waited for included. */
static long
ticks_of(const char *pid)
{
    struct gr_buf path = GR_BUF_INIT(64), text = GR_BUF_INIT(4096);
    struct gr_str rest = GR_STR_NONE, field;
    long sum = 0;

    gr_buf_printf(&path, "/proc/%s/stat", pid);
    if (gr_file_read(gr_buf_cstr(&path), &text) == GR_OK && memrchr(text.p, ')', text.n))
        rest = gr_str((const char *)memrchr(text.p, ')', text.n) + 2); /* the state, field 3 */
    for (int i = 3; i <= 17 && gr_str_next(&rest, ' ', &field); i++)
        if (i >= 14)
            sum += strtol(field.p, NULL, 10); /* ends at the blank */
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    return sum;
}

static bool
prepare(struct load *l, const char *path, const char *file)
{
    struct gr_buf body = GR_BUF_INIT(1u << 20), request = GR_BUF_INIT(2u << 20);
    bool ok = gr_file_read(file, &body) == GR_OK;

    gr_buf_printf(
        &request,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: Alertmanager/0.25.0\r\nContent-Length: "
        "%zu\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n",
        path, l->port, body.n);
    gr_buf_put(&request, gr_buf_str(&body));
    ok = ok && gr_buf_err(&request) == GR_OK;
    l->request_n = request.n;
    l->number_at = gr_str_find(gr_buf_str(&request), GR_STR("@@@@@@@@@@@@@@@@"), 0);
    for (size_t at = 0; l->mark_count < MARKS_MAX &&
                        (at = gr_str_find(gr_buf_str(&request), GR_STR("%%%%%%%%"), at)) != SIZE_MAX;
         at += 8)
        l->marks[l->mark_count++] = at;
    for (size_t i = 0; ok && i < l->n; i++) {
        struct connection *c = &l->connections[i];

        if ((ok = (c->request = malloc(request.n)) != NULL)) {
            memcpy(c->request, request.p, request.n);
            ok = open_connection(l, c) && begin(l, c);
            watch(l, c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLET);
        }
    }
    gr_buf_fini(&body);
    gr_buf_fini(&request);
    return ok;
}

int
main(int argc, char **argv)
{
    struct load l = {.epoll = epoll_create1(EPOLL_CLOEXEC), .groups = GROUPS};
    const char *pid = argc > 6 ? argv[6] : NULL;
    uint64_t port, seconds, n;
    int64_t start;
    long kib[3] = {0}, ticks = 0;

    if (argc < 6 || gr_parse_u64(gr_str(argv[1]), 65535, &port) != GR_OK ||
        gr_parse_u64(gr_str(argv[4]), CONNECTIONS_MAX, &n) != GR_OK ||
        gr_parse_u64(gr_str(argv[5]), 3600, &seconds) != GR_OK || n == 0 || seconds == 0 ||
        (argc > 7 && gr_parse_u64(gr_str(argv[7]), 1000000, &l.groups) != GR_OK))
        return 2;
    l.port = (uint16_t)port;
    l.n = n;
    /* No number of an earlier run, nor its lower half: 65,536 a second. */
    l.number = (uint64_t)time(NULL) << 32 | ((uint64_t)time(NULL) & 0xffff) << 16;
    l.connections = calloc(n, sizeof *l.connections);
    l.latency = calloc(BUCKETS, sizeof *l.latency);
    if (!l.connections || !l.latency || !prepare(&l, argv[2], argv[3]))
        return 3;
    start = now_us();
    l.count_from_us = start + (int64_t)seconds * 100000;
    kib[0] = pid ? resident_kib(pid) : 0;
    ticks = pid ? ticks_of(pid) : 0;
    run(&l, start + (int64_t)seconds * 550000);
    kib[1] = pid ? resident_kib(pid) : 0;
    run(&l, start + (int64_t)seconds * 1000000);
    kib[2] = pid ? resident_kib(pid) : 0;
    ticks = pid ? ticks_of(pid) - ticks : 0;
    return printf("%.0f %.2f %.2f %llu %llu %llu %ld %ld %ld %.0f\n",
                  (double)l.accepted / ((double)seconds * 0.9), quantile_ms(&l, 0.5), quantile_ms(&l, 0.99),
                  (unsigned long long)l.accepted, (unsigned long long)l.other, (unsigned long long)l.failed,
                  kib[0], kib[1], kib[2],
                  l.accepted > 0
                      ? (double)ticks * 1e6 / (double)sysconf(_SC_CLK_TCK) * 0.9 / (double)l.accepted
                      : 0) < 0
               ? 3
               : 0;
}
