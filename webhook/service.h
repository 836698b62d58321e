/* service.h - what a service manager is told, in systemd's protocol (sd_notify(3)): one datagram of "NAME=value" lines to the socket
 * that NOTIFY_SOCKET names. Without one, telling does nothing. */
#ifndef GUARDRAIL_WEBHOOK_SERVICE_H
#define GUARDRAIL_WEBHOOK_SERVICE_H
#include "guardrail/base.h"

struct service {
    int fd;              /* connected; -1: nobody listens */
    int64_t watchdog_ms; /* a beat is wanted more often than this; 0: none is */
};
/* Reads and removes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Call in main before threads start. */
void service_begin(struct service *s);
void service_end(struct service *s);
/* "READY=1", "STOPPING=1", "WATCHDOG=1\nSTATUS=…". Cannot fail: a manager that does not listen learns it by its own time-outs. */
void service_tell(const struct service *s, const char *text);
/* RELOADING=1 with the time that Type=notify-reload wants. */
void service_tell_reloading(const struct service *s);
#endif
