#include "config.h"
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "guardrail/number.h"
#include "guardrail/sys.h"

#define FIRST_FD 3
#define TAKEN_MAX 16u /* more is a mistake in the socket unit */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static bool
address_of(int fd, union address *a)
{
    socklen_t n = sizeof *a;

    memset(a, 0, sizeof *a);
    return getsockname(fd, &a->any, &n) == 0;
}

static bool
prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static bool
listens(int fd)
{
    int yes = 0;
    socklen_t n = sizeof yes;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 && yes;
}

static enum gr_err
take_one(struct listen_fds *fds, int fd, struct gr_buf *why)
{
    union address a;
    bool local;
    int *slot;

    if (!listens(fd) || !address_of(fd, &a) || !prepare(fd) ||
        (a.any.sa_family != AF_UNIX && a.any.sa_family != AF_INET && a.any.sa_family != AF_INET6)) {
        gr_buf_printf(why, "descriptor %d, handed over by LISTEN_FDS, is no listening TCP or unix socket",
                      fd);
        return GR_EUSER;
    }
    local = a.any.sa_family == AF_UNIX;
    slot = local ? &fds->local : &fds->tcp;
    if (*slot >= 0) {
        gr_buf_printf(why, "LISTEN_FDS hands over more than one %s socket", local ? "unix" : "TCP");
        return GR_EUSER;
    }
    *slot = fd;
    *(local ? &fds->local_inherited : &fds->tcp_inherited) = true;
    return GR_OK;
}

enum gr_err
listen_take(struct listen_fds *fds, struct gr_buf *why)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    uint64_t n = 0, p = 0;
    enum gr_err err = GR_OK;
    bool ours = pid && count && gr_parse_u64(gr_str(pid), INT32_MAX, &p) == GR_OK && p == (uint64_t)getpid();

    if (ours && gr_parse_u64(gr_str(count), TAKEN_MAX, &n) != GR_OK) {
        gr_buf_printf(why, "LISTEN_FDS must be a number up to %u", TAKEN_MAX);
        err = GR_EUSER;
    }
    for (int fd = FIRST_FD; err == GR_OK && fd < FIRST_FD + (int)n; fd++)
        err = take_one(fds, fd, why);
    (void)unsetenv("LISTEN_PID"); /* these fail for malformed names only */
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return err;
}

static enum gr_err
failed(int *fd)
{
    enum gr_err err = errno == EADDRINUSE ? GR_EBUSY : gr_err_from_errno(errno);

    if (*fd >= 0)
        (void)gr_sys.close(*fd);
    *fd = -1;
    return err;
}

enum gr_err
listen_tcp(const char *host, uint16_t port, int *fd)
{
    union address a;
    socklen_t size;
    int on = 1;

    memset(&a, 0, sizeof a);
    if (inet_pton(AF_INET, host, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons(port);
        size = sizeof a.v4;
    } else if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port = htons(port);
        size = sizeof a.v6;
    } else {
        return GR_ESYNTAX;
    }
    *fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(*fd, &a.any, size) != 0 || listen(*fd, LISTEN_BACKLOG) != 0)
        return failed(fd);
    return GR_OK;
}

enum gr_err
listen_local(const char *path, int *fd)
{
    union address a;
    struct stat st;
    size_t n = strlen(path);

    memset(&a, 0, sizeof a);
    a.local.sun_family = AF_UNIX;
    if (n >= sizeof a.local.sun_path)
        return GR_ELIMIT;
    memcpy(a.local.sun_path, path, n);
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode))
            return GR_EEXIST;
        (void)gr_sys.unlink(path); /* if it stays, bind says so */
    }
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 || fchmod(*fd, 0660) != 0 || bind(*fd, &a.any, sizeof a.local) != 0 ||
        chmod(path, 0660) != 0 || listen(*fd, LISTEN_BACKLOG) != 0)
        return failed(fd);
    return GR_OK;
}

uint16_t
listen_port(int fd)
{
    union address a;

    if (!address_of(fd, &a) || (a.any.sa_family != AF_INET && a.any.sa_family != AF_INET6))
        return 0;
    return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

bool
listen_loopback(int fd)
{
    union address a;

    if (!address_of(fd, &a))
        return false;
    if (a.any.sa_family == AF_INET)
        return (ntohl(a.v4.sin_addr.s_addr) >> 24) == 127;
    return a.any.sa_family == AF_UNIX ||
           (a.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr));
}
