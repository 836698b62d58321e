/* ask.c - see ask.h. */
#include "config.h"
#include "ask.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX ((size_t)4 << 20)

int
ask_connect(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

struct gr_buf
ask(uint16_t port, struct gr_str request)
{
    struct gr_buf answer = GR_BUF_INIT(ANSWER_BYTES_MAX);
    int fd = ask_connect(port);
    ssize_t n;
    char *room;

    while (request.n > 0 && (n = send(fd, request.p, request.n, MSG_NOSIGNAL)) > 0)
        request = gr_str_sub(request, (size_t)n, request.n); /* an early refusal may end it */
    while ((room = gr_buf_room(&answer, 65536)) != NULL && (n = recv(fd, room, 65536, 0)) > 0)
        answer.n += (size_t)n;
    gr_buf_putc(&answer, '\0');
    close(fd);
    return answer;
}

struct gr_buf
ask_for(uint16_t port, const char *method, const char *path, struct gr_str body)
{
    struct gr_buf request = GR_BUF_INIT(1 << 20), answer;

    gr_buf_printf(&request,
                  "%s %s HTTP/1.1\r\nHost: fleet\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", method,
                  path, body.n);
    gr_buf_put(&request, body);
    answer = ask(port, gr_buf_str(&request));
    gr_buf_fini(&request);
    return answer;
}
