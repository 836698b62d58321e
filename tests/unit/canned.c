#include "config.h"
#include "canned.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct canned {
    int listener, stop[2]; /* a byte in stop ends the thread */
    struct gr_str answer;  /* without choose */
    canned_fn *choose;
    void *arg;
    bool hang;
    char url[64];
    pthread_t thread;
    struct gr_buf requests; /* the thread's until it ended */
};

/* Waits until fd can be read; false when told to stop. */
static bool
wait_for(const struct canned *c, int fd)
{
    struct pollfd p[2] = {{.fd = c->stop[0], .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    while (poll(p, 2, -1) < 0 && errno == EINTR)
        ;
    return p[0].revents == 0;
}

/* Bytes still missing of the request that stands in text; SIZE_MAX while its headers are not complete. */
static size_t
missing(struct gr_str text)
{
    size_t end = gr_str_find(text, GR_STR("\r\n\r\n"), 0), length = 0, at;

    if (end == SIZE_MAX)
        return SIZE_MAX;
    at = gr_str_find(text, GR_STR("Content-Length: "), 0);
    if (at != SIZE_MAX && at < end)
        length = strtoul(text.p + at + 16, NULL, 10);
    return end + 4 + length > text.n ? end + 4 + length - text.n : 0;
}

static void
serve(struct canned *c, int fd)
{
    size_t start = c->requests.n, sent = 0;
    struct gr_str answer = c->answer;
    char part[4096];
    ssize_t n;

    while (missing(gr_str_sub(gr_buf_str(&c->requests), start, SIZE_MAX)) > 0) {
        if (!wait_for(c, fd) || (n = recv(fd, part, sizeof part, 0)) <= 0)
            return;
        gr_buf_put(&c->requests, (struct gr_str){part, (size_t)n});
    }
    if (c->choose)
        answer = c->choose(gr_str_sub(gr_buf_str(&c->requests), start, SIZE_MAX), c->arg);
    while (sent < answer.n && (n = send(fd, answer.p + sent, answer.n - sent, MSG_NOSIGNAL)) > 0)
        sent += (size_t)n;
    while (c->hang && wait_for(c, fd) && recv(fd, part, sizeof part, 0) > 0)
        ;
}

static void *
run(void *arg)
{
    struct canned *c = arg;

    while (wait_for(c, c->listener)) {
        int fd = accept(c->listener, NULL, NULL);

        if (fd < 0)
            continue;
        serve(c, fd);
        (void)close(fd);
    }
    return NULL;
}

static struct canned *
start(const struct canned *how)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct canned *c = calloc(1, sizeof *c);

    ck_assert_ptr_nonnull(c);
    *c = *how;
    gr_buf_init(&c->requests, 16 << 20);
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(c->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(c->listener, 8), 0);
    ck_assert_int_eq(getsockname(c->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(c->url, sizeof c->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    ck_assert_int_eq(pipe(c->stop), 0);
    ck_assert_int_eq(pthread_create(&c->thread, NULL, run, c), 0);
    return c;
}

struct canned *
canned_start(struct gr_str answer, bool hang)
{
    return start(&(struct canned){.answer = answer, .hang = hang});
}

struct canned *
canned_start_with(canned_fn *choose, void *arg, bool hang)
{
    return start(&(struct canned){.choose = choose, .arg = arg, .hang = hang});
}

const char *
canned_url(const struct canned *c)
{
    return c->url;
}

void
canned_stop(struct canned *c, struct gr_buf *b)
{
    ck_assert_int_eq(write(c->stop[1], "x", 1), 1);
    ck_assert_int_eq(pthread_join(c->thread, NULL), 0);
    (void)close(c->listener);
    (void)close(c->stop[0]);
    (void)close(c->stop[1]);
    if (b)
        gr_buf_put(b, gr_buf_str(&c->requests));
    gr_buf_fini(&c->requests);
    free(c);
}
