/* runner_child.c - the runner's main loop: one supervisor per job. Runs in the runner process, on its one thread. */
#include "config.h"
#include "runner_wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner_procs.h"

#define JOB_ARENA_BYTES (1u << 20)
#define LEFTOVER_MS 1000

struct jobs {
    const struct runner_setup *setup;
    int signals;
    bool ending; /* the daemon is gone or wants to stop: no new jobs */
    struct {
        uint64_t id;
        pid_t pid;
    } list[RUNNER_JOBS_MAX];
    size_t count;
    struct gr_buf message;
};

/* An answer for a job that has no supervisor to answer. If it cannot be sent the daemon is gone: nobody misses it. */
static void
answer(struct jobs *j, uint64_t id, enum runner_outcome outcome)
{
    struct runner_result result = RUNNER_RESULT_INIT;

    result.id = id;
    result.outcome = outcome;
    if (wire_put_result(&j->message, &result) != GR_OK ||
        wire_send(j->setup->socket, gr_buf_str(&j->message)) != GR_OK)
        j->ending = true;
    runner_result_fini(&result);
}

/* In the supervisor, which takes the request's arena. PDEATHSIG is SIGTERM: it then ends its job and leaves. */
static void
be_supervisor(struct jobs *j, uint64_t id, const struct runner_request *request, int64_t grace_ms,
              pid_t parent, struct gr_arena *a)
{
    int status;

    (void)close(j->signals);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
        _exit(1);
    status = runner_job_main(j->setup, id, request, grace_ms);
    gr_arena_free(a);
    _exit(status);
}

static void
start_job(struct jobs *j, uint64_t id, struct wire_in *in)
{
    struct gr_arena *a = gr_arena_create(JOB_ARENA_BYTES);
    struct runner_request request = {0};
    int64_t grace_ms = 0;
    pid_t parent = getpid(), pid = -1;

    if (a && !j->ending && j->count < RUNNER_JOBS_MAX && wire_get_job(in, a, &grace_ms, &request) == GR_OK)
        pid = fork();
    if (pid == 0)
        be_supervisor(j, id, &request, grace_ms, parent, a);
    if (pid > 0) {
        j->list[j->count].id = id;
        j->list[j->count++].pid = pid;
    } else {
        answer(j, id, RUNNER_NOT_STARTED);
    }
    gr_arena_free(a);
}

static void
cancel_job(struct jobs *j, uint64_t id)
{
    for (size_t i = 0; i < j->count; i++)
        if (j->list[i].id == id)
            (void)kill(j->list[i].pid,
                       SIGTERM); /* it is our child and not reaped: the pid is still its own */
}

static void
end_all(struct jobs *j)
{
    j->ending = true;
    for (size_t i = 0; i < j->count; i++)
        (void)kill(j->list[i].pid, SIGTERM);
}

static void
take_message(struct jobs *j)
{
    struct gr_buf b = GR_BUF_INIT(WIRE_BYTES_MAX);
    enum gr_err err = wire_receive(j->setup->socket, false, &b);
    enum wire_kind kind;
    struct wire_in in;
    uint64_t id;

    if (err == GR_ENOENT || err == GR_EIO)
        end_all(j);
    else if (err == GR_OK && wire_open(gr_buf_str(&b), &in, &kind, &id)) {
        if (kind == WIRE_JOB)
            start_job(j, id, &in);
        else if (kind == WIRE_CANCEL && wire_done(&in))
            cancel_job(j, id);
    }
    gr_buf_fini(&b);
}

/* Kills every child that is no supervisor: what a killed supervisor has left behind comes to us, the next subreaper. */
static void
kill_orphans(const struct jobs *j)
{
    pid_t spare[RUNNER_JOBS_MAX];

    for (size_t i = 0; i < j->count; i++)
        spare[i] = j->list[i].pid;
    procs_kill_children(spare, j->count);
}

/* True if it was a supervisor. One that ended without having answered was killed: what it ran is unknown. */
static bool
supervisor_ended(struct jobs *j, pid_t pid, int status)
{
    size_t at = 0;
    uint64_t id;

    while (at < j->count && j->list[at].pid != pid)
        at++;
    if (at == j->count)
        return false;
    id = j->list[at].id;
    j->list[at] = j->list[--j->count];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    kill_orphans(j);
    answer(j, id, RUNNER_LOST);
    return true;
}

/* An orphan that dies hands its own children to us, so each end of one is followed by another look. */
static void
reap(struct jobs *j)
{
    bool orphan = false;
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        orphan = !supervisor_ended(j, pid, status) || orphan;
    if (orphan)
        kill_orphans(j);
}

static void
take_signals(struct jobs *j)
{
    struct signalfd_siginfo info;

    while (read(j->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGTERM)
            end_all(j);
    reap(j); /* signals of one kind merge, so always look */
}

void
runner_child_main(const struct runner_setup *setup)
{
    struct jobs j = {.setup = setup, .message = GR_BUF_INIT(WIRE_BYTES_MAX)};
    struct pollfd p[2];

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* a kernel without it (before 3.4) is none we run on */
    procs_default_signals();
    if ((j.signals = procs_signal_fd()) < 0)
        return;
    while (!j.ending || j.count > 0) {
        p[0] = (struct pollfd){.fd = j.signals, .events = POLLIN};
        p[1] = (struct pollfd){.fd = j.ending ? -1 : setup->socket, .events = POLLIN};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        if (p[0].revents != 0)
            take_signals(&j);
        if (p[1].revents != 0)
            take_message(&j);
    }
    (void)procs_end_children(LEFTOVER_MS); /* what the last supervisor could not end, nobody can */
    gr_buf_fini(&j.message);
    (void)close(j.signals);
}
