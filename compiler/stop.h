/* stop.h - ending a long run at the user's word, with its children and its temporary files.
 *
 *     stop_watch();
 *     while (!stop_asked() && …)
 *         … poll with stop_poll() …
 *     … clean up …
 *     stop_finish();
 *
 * Between stop_watch() and stop_finish() SIGINT, SIGTERM and SIGHUP are held back, and let through only while stop_poll() waits: nothing is
 * interrupted elsewhere. stop_finish() lets the signal do what it would have done. One watch at a time. */
#ifndef GUARDRAIL_COMPILER_STOP_H
#define GUARDRAIL_COMPILER_STOP_H
#include <poll.h>
#include <stdbool.h>

void stop_watch(void);
/* Whether one of the signals has come, or waits to come. */
bool stop_asked(void);
/* As poll(2); returns early when a signal comes. Without a watch it is poll(2). */
int stop_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
void stop_finish(void);
#endif
