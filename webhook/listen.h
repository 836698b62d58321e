/* listen.h - the sockets that are listened on: bound here, or handed over by who started the process (socket activation). */
#ifndef GUARDRAIL_WEBHOOK_LISTEN_H
#define GUARDRAIL_WEBHOOK_LISTEN_H
#include "guardrail/buf.h"

#define LISTEN_BACKLOG 1024 /* a flood of connections is sorted out by us, not by the kernel */

/* Descriptors, close-on-exec and non-blocking; -1: none. inherited_*: they outlive us, so their paths stay. */
struct listen_fds {
    int tcp, local;
    bool tcp_inherited, local_inherited;
};
#define LISTEN_FDS_INIT                                                                                      \
    {                                                                                                        \
        .tcp = -1, .local = -1                                                                               \
    }
/* Takes what LISTEN_PID and LISTEN_FDS of the environment name (from descriptor 3 on), one TCP and one unix stream socket at most,
 * and removes these variables. Call first in main, before anything is opened. GR_EUSER: *why says what does not fit. */
GR_MUST_USE enum gr_err listen_take(struct listen_fds *fds, struct gr_buf *why);
/* host: numeric. GR_EBUSY: the address is in use; GR_EACCES. */
GR_MUST_USE enum gr_err listen_tcp(const char *host, uint16_t port, int *fd);
/* Mode 0660. A socket file that is left over from a crash is replaced: call only while the store's lock says that we are alone.
 * GR_EEXIST: something else lies there. */
GR_MUST_USE enum gr_err listen_local(const char *path, int *fd);
uint16_t listen_port(int fd); /* 0 if it has none */
bool listen_loopback(int fd); /* reachable from this machine alone */
#endif
