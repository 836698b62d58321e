/* promtool.c - see promtool.h. */
#include "config.h"
#include "promtool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "guardrail/sys.h"
#include "stop.h"

int64_t
promtool_clock_ms(void)
{
    struct timespec t;

    return clock_gettime(CLOCK_MONOTONIC, &t) == 0 ? (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 : 0;
}

const char *
promtool_program(const char *given)
{
    return given && *given ? given : "promtool";
}

void
promtool_start(struct promtool_run *r, const char *const *argv)
{
    int ends[2], err;

    if (r->out.max == 0)
        gr_buf_init(&r->out, PROMTOOL_BYTES_MAX);
    gr_buf_reset(&r->out);
    r->running = false;
    r->end = PROMTOOL_MACHINE;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    err = child_start(argv, ends[1], ends[1], &r->pid);
    (void)close(ends[1]);
    if (err != 0) {
        (void)close(ends[0]);
        r->end = err == ENOENT || err == EACCES || err == ENOTDIR ? PROMTOOL_ABSENT : PROMTOOL_MACHINE;
        return;
    }
    r->fd = ends[0];
    r->running = true;
    r->deadline_ms = promtool_clock_ms() + PROMTOOL_TIMEOUT_MS;
}

static void
reap(struct promtool_run *r, bool late)
{
    int status = 0;
    pid_t got;

    if (late)
        (void)kill(-r->pid, SIGKILL);
    do
        got = waitpid(r->pid, &status, 0);
    while (got < 0 && errno == EINTR);
    (void)close(r->fd);
    r->running = false;
    if (late)
        r->end = PROMTOOL_TIMEOUT;
    else if (got == r->pid && WIFEXITED(status))
        r->end = WEXITSTATUS(status) == 0 ? PROMTOOL_PASSED : PROMTOOL_FAILED;
    else
        r->end = PROMTOOL_MACHINE;
}

/* Takes what there is. Whether the run has ended. */
static bool
take(struct promtool_run *r)
{
    char part[65536];
    ssize_t n = gr_sys.read(r->fd, part, sizeof part);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    if (n > 0) {
        if (r->out.n + (size_t)n <= PROMTOOL_BYTES_MAX)
            gr_buf_put(&r->out, (struct gr_str){part, (size_t)n});
        if (!r->until || gr_str_find(gr_buf_str(&r->out), gr_str(r->until), 0) >= r->out.n)
            return false;
        reap(r, true);
        r->end = PROMTOOL_FAILED;
        return true;
    }
    reap(r, false);
    return true;
}

bool
promtool_wait(struct promtool_run *const *runs, size_t n)
{
    struct pollfd fds[PROMTOOL_JOBS_MAX];
    int64_t now = promtool_clock_ms(), least = PROMTOOL_TIMEOUT_MS;
    bool ended = false;

    GR_ASSERT(n <= GR_COUNT(fds));
    for (size_t i = 0; i < n; i++) {
        fds[i] = (struct pollfd){.fd = runs[i]->running ? runs[i]->fd : -1, .events = POLLIN};
        if (runs[i]->running && runs[i]->deadline_ms - now < least)
            least = runs[i]->deadline_ms - now;
    }
    (void)stop_poll(fds, (nfds_t)n, least < 0 ? 0 : (int)least);
    now = promtool_clock_ms();
    for (size_t i = 0; i < n; i++) {
        if (!runs[i]->running)
            continue;
        if (fds[i].revents != 0)
            ended = take(runs[i]) || ended;
        else if (now >= runs[i]->deadline_ms) {
            reap(runs[i], true);
            ended = true;
        }
    }
    return ended;
}

void
promtool_stop(struct promtool_run *r)
{
    if (r->running)
        reap(r, true);
}
