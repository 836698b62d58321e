/* bare - what libmicrohttpd can do by itself, for comparison: takes requests as guardraild's server does (epoll, one thread), reads the body, answers
 * "ok", and does nothing else. Prints its port; ends on SIGTERM. */
#include "config.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "guardrail/base.h"

static enum MHD_Result
handle(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
       const char *data, size_t *size, void **state)
{
    static int seen;
    struct MHD_Response *r;
    enum MHD_Result result;

    (void)cls;
    (void)url;
    (void)method;
    (void)version;
    (void)data;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    if (*size > 0) {
        *size = 0;
        return MHD_YES;
    }
    if (!(r = MHD_create_response_from_buffer(2, (void *)(uintptr_t) "ok", MHD_RESPMEM_PERSISTENT)))
        return MHD_NO;
    result = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return result;
}

int
main(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const union MHD_DaemonInfo *info;
    struct MHD_Daemon *d;
    sigset_t set;
    int got;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return 3;
    d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, NULL, MHD_OPTION_SOCK_ADDR,
                         (struct sockaddr *)&any, MHD_OPTION_END);
    if (!d || !(info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)))
        return 3;
    if (printf("%u\n", info->port) < 0 || fflush(stdout) != 0)
        return 3;
    (void)sigwait(&set, &got);
    MHD_stop_daemon(d);
    return 0;
}
