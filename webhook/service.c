#include "config.h"
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "guardrail/number.h"
#include "guardrail/sys.h"

/* A path, or "@NAME" for a name in the abstract namespace. */
static int
connect_to(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    int fd;

    if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof a.sun_path)
        return -1;
    memcpy(a.sun_path, name, n);
    if (name[0] == '@')
        a.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 &&
        connect(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0)
        return fd;
    if (fd >= 0)
        (void)gr_sys.close(fd);
    return -1;
}

void
service_begin(struct service *s)
{
    const char *socket_name = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"),
               *pid = getenv("WATCHDOG_PID");
    uint64_t v = 0, p = 0;

    *s = (struct service){.fd = socket_name ? connect_to(socket_name) : -1};
    if (s->fd >= 0 && usec && gr_parse_u64(gr_str(usec), INT64_MAX, &v) == GR_OK &&
        (!pid || (gr_parse_u64(gr_str(pid), INT32_MAX, &p) == GR_OK && p == (uint64_t)getpid())))
        s->watchdog_ms = (int64_t)(v / 1000);
    (void)unsetenv("NOTIFY_SOCKET"); /* these fail for malformed names only */
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void
service_end(struct service *s)
{
    if (s->fd >= 0)
        (void)gr_sys.close(s->fd);
    *s = (struct service){.fd = -1};
}

void
service_tell(const struct service *s, const char *text)
{
    if (s->fd >= 0)
        (void)send(s->fd, text, strlen(text), MSG_NOSIGNAL);
}

void
service_tell_reloading(const struct service *s)
{
    struct timespec ts;
    char text[64];

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    service_tell(s, text);
}
