/* stop.c - see stop.h. */
#include "config.h"
#include "stop.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "guardrail/base.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t came; /* of a handler: nothing else reaches it */
static struct {
    bool on;
    sigset_t before;
    struct sigaction old[GR_COUNT(signals)];
} watch;

static void
note(int number)
{
    came = number;
}

static void
fill(sigset_t *set)
{
    (void)sigemptyset(set);
    for (size_t i = 0; i < GR_COUNT(signals); i++)
        (void)sigaddset(set, signals[i]);
}

/* A signal that is ignored, as nohup does it, stays so. */
void
stop_watch(void)
{
    struct sigaction take = {.sa_handler = note};
    sigset_t held;

    if (watch.on)
        return;
    came = 0;
    fill(&held);
    (void)sigemptyset(&take.sa_mask);
    (void)sigprocmask(SIG_BLOCK, &held, &watch.before);
    for (size_t i = 0; i < GR_COUNT(signals); i++)
        if (sigaction(signals[i], NULL, &watch.old[i]) == 0 && watch.old[i].sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &take, NULL);
    watch.on = true;
}

bool
stop_asked(void)
{
    sigset_t waiting;

    if (!watch.on || came != 0)
        return came != 0;
    if (sigpending(&waiting) != 0)
        return false;
    for (size_t i = 0; i < GR_COUNT(signals); i++)
        if (sigismember(&waiting, signals[i]) == 1)
            return true;
    return false;
}

int
stop_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct timespec t = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};

    if (!watch.on)
        return poll(fds, n, timeout_ms);
    return ppoll(fds, n, timeout_ms < 0 ? NULL : &t, &watch.before);
}

void
stop_finish(void)
{
    if (!watch.on)
        return;
    for (size_t i = 0; i < GR_COUNT(signals); i++)
        (void)sigaction(signals[i], &watch.old[i], NULL);
    if (came != 0)
        (void)raise(came); /* held back until the next line */
    (void)sigprocmask(SIG_SETMASK, &watch.before, NULL);
    watch.on = false;
}
