/* runner.c - the daemon's side: forks the runner, sends jobs, takes results. */
#include "config.h"
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardrail/sys.h"
#include "runner_wire.h"

#define DEFAULT_GRACE_MS 5000
#define SOCKET_BYTES (256 * 1024) /* of each direction: one full message must always fit */

struct runner {
    int fd;
    pid_t pid;
    int64_t grace_ms;
    bool gone; /* nothing can be sent or received any more */
    uint64_t running[RUNNER_JOBS_MAX];
    size_t count;
    struct gr_buf message; /* at work */
};

const char *
runner_outcome_name(enum runner_outcome outcome)
{
    static const char *const names[RUNNER_OUTCOMES] = {"succeeded", "failed",      "timed-out",
                                                       "cancelled", "not-started", "lost"};

    GR_ASSERT((size_t)outcome < RUNNER_OUTCOMES);
    return names[outcome];
}

void
runner_result_fini(struct runner_result *result)
{
    gr_buf_fini(&result->tail);
}

bool
runner_program_ok(struct gr_str program)
{
    struct gr_str rest = program, part;

    if (program.n == 0 || program.n > 4096 || program.p[0] == '-' || program.p[program.n - 1] == '/')
        return false;
    while (gr_str_next(&rest, '/', &part))
        if (gr_str_is(part, "..") || gr_str_is(part, "."))
            return false;
    return true;
}

/* Counts a text in; false with a NUL in it or past the bound. */
static bool
text_ok(struct gr_str s, size_t *total)
{
    *total += s.n < RUNNER_REQUEST_BYTES_MAX ? s.n + 4 : RUNNER_REQUEST_BYTES_MAX + 1;
    return *total <= RUNNER_REQUEST_BYTES_MAX && (s.n == 0 || !memchr(s.p, '\0', s.n));
}

bool
runner_request_ok(const struct runner_request *r)
{
    const struct gr_str texts[] = {r->deployment_id, r->guardrail, r->phase,
                                   r->effect_id,     r->step,      r->idempotency_key};
    size_t total = 0;

    if (r->command_count < 1 || r->command_count > POLICY_COMMANDS_MAX || r->timeout_ms < 1 ||
        r->timeout_ms > RUNNER_TIMEOUT_MS_MAX)
        return false;
    for (size_t i = 0; i < GR_COUNT(texts); i++)
        if (!text_ok(texts[i], &total))
            return false;
    for (size_t i = 0; i < r->command_count; i++) {
        const struct policy_argv *c = &r->commands[i];

        if (c->count < 1 || c->count > POLICY_ARGS_MAX || !runner_program_ok(c->args[0]))
            return false;
        for (size_t k = 0; k < c->count; k++)
            if (!text_ok(c->args[k], &total))
                return false;
    }
    return true;
}

/* NAME=value with a name that cannot change how programs are found or loaded, or what we promise to set. */
static bool
environment_ok(const char *const *environment)
{
    static const char *const refused[] = {"PATH=", "LANG=", "LD_", "GR_"};

    for (; environment && *environment; environment++) {
        struct gr_str entry = gr_str(*environment);
        size_t at = gr_str_find(entry, GR_STR("="), 0);

        if (at == SIZE_MAX || at == 0)
            return false;
        for (size_t i = 0; i < GR_COUNT(refused); i++)
            if (gr_str_starts(entry, gr_str(refused[i])))
                return false;
    }
    return true;
}

/* Without close_range (an old kernel) one by one, as far as descriptors are ever numbered here. */
static void
close_from(int first)
{
    if (close_range((unsigned)first, ~0u, 0) == 0)
        return;
    for (int fd = first; fd < 65536; fd++)
        (void)close(fd); /* most were never open */
}

/* In the child: only the socket, the folder and the lock stay open, 0 to 2 are /dev/null. False: cannot go on. */
static bool
keep_only(struct runner_setup *setup)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int socket = fcntl(setup->socket, F_DUPFD_CLOEXEC, 16),
        folder = fcntl(setup->folder, F_DUPFD_CLOEXEC, 16),
        lock = setup->lock > 0 ? fcntl(setup->lock, F_DUPFD_CLOEXEC, 16) : -1;

    if (null < 0 || socket < 0 || folder < 0 || (setup->lock > 0 && lock < 0))
        return false;
    for (int fd = 0; fd < 3; fd++)
        if (null != fd && dup2(null, fd) < 0)
            return false;
    if (dup3(socket, 3, O_CLOEXEC) < 0 || dup3(folder, 4, O_CLOEXEC) < 0)
        return false;
    if (lock >= 0 && dup3(lock, 5, O_CLOEXEC) < 0)
        return false;
    setup->socket = 3;
    setup->folder = 4;
    close_from(lock >= 0 ? 6 : 5);
    return true;
}

/* The daemon's environment may hold what programs are not to see; theirs is built anew for each. This blanks /proc/PID/environ too. */
static void
forget_environment(void)
{
    for (char **e = environ; e && *e; e++)
        explicit_bzero(*e, strlen(*e));
    (void)clearenv();
}

/* A session of its own, so that Ctrl-C in the daemon's terminal reaches the daemon, which then ends the jobs in order. */
static void
be_runner(struct runner_setup *setup, pid_t parent)
{
    (void)setsid(); /* fails only for a group leader, which a fresh child is not */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent || !keep_only(setup))
        _exit(1);
    forget_environment();
    runner_child_main(setup);
    _exit(0);
}

static enum gr_err
make_sockets(int pair[2])
{
    int bytes = SOCKET_BYTES;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return gr_err_from_errno(errno);
    for (int i = 0; i < 2; i++) /* the system's maximum may be lower, and still enough: WIRE_BYTES_MAX */
        (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return GR_OK;
}

enum gr_err
runner_start(const struct runner_options *options, struct runner **out)
{
    struct runner_setup setup = {
        .socket = -1,
        .folder = -1,
        .lock = options->lock_fd,
        .path = options->path ? options->path : RUNNER_DEFAULT_PATH,
        .environment = options->environment,
        .grace_ms = options->grace_ms > 0 ? options->grace_ms : DEFAULT_GRACE_MS,
    };
    struct runner *r = NULL;
    int pair[2] = {-1, -1};
    pid_t parent = getpid();
    enum gr_err err = GR_OK;

    if (!environment_ok(options->environment))
        return GR_EUSER;
    if ((setup.folder = open(options->actions_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return errno == ENOTDIR ? GR_ENOENT : gr_err_from_errno(errno);
    if (!(r = gr_sys.realloc(NULL, sizeof *r)))
        err = GR_ENOMEM;
    if (err == GR_OK && (err = make_sockets(pair)) == GR_OK) {
        *r = (struct runner){
            .fd = pair[0], .grace_ms = setup.grace_ms, .message = GR_BUF_INIT(WIRE_BYTES_MAX)};
        setup.socket = pair[1];
        if ((r->pid = fork()) == 0) {
            gr_sys.free(r); /* the daemon's side of it */
            be_runner(&setup, parent);
        }
        if (r->pid < 0) {
            err = GR_EAGAIN;
            (void)close(pair[0]);
        }
        (void)close(pair[1]); /* the runner's end; nothing to lose in closing a socket */
    }
    (void)close(setup.folder);
    if (err == GR_OK)
        *out = r;
    else
        gr_sys.free(r);
    return err;
}

void
runner_stop(struct runner *r)
{
    if (!r)
        return;
    (void)close(r->fd);
    while (r->pid > 0 && waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    gr_buf_fini(&r->message);
    gr_sys.free(r);
}

int
runner_fd(const struct runner *r)
{
    return r->fd;
}

int64_t
runner_pid(const struct runner *r)
{
    return r->pid;
}

bool
runner_gone(struct runner *r)
{
    struct pollfd p = {.fd = r->fd, .events = 0};

    if (!r->gone && poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
        r->gone = r->count == 0; /* a result that waits is read first */
    return r->gone;
}

bool
runner_ended(struct runner *r)
{
    pid_t got;

    if (r->pid <= 0)
        return true;
    do
        got = waitpid(r->pid, NULL, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    r->pid = -1;
    return true;
}

static size_t
find(const struct runner *r, uint64_t id)
{
    size_t i = 0;

    while (i < r->count && r->running[i] != id)
        i++;
    return i;
}

/* Sends what stands in r->message. Any failure means that the runner is gone. */
static enum gr_err
send_message(struct runner *r)
{
    if (wire_send(r->fd, gr_buf_str(&r->message)) == GR_OK)
        return GR_OK;
    r->gone = true;
    return GR_EIO;
}

enum gr_err
runner_submit(struct runner *r, uint64_t id, const struct runner_request *request)
{
    enum gr_err err;

    if (r->gone)
        return GR_EIO;
    if (!runner_request_ok(request))
        return GR_ERANGE;
    if (find(r, id) < r->count)
        return GR_EEXIST;
    if (r->count == RUNNER_JOBS_MAX)
        return GR_EAGAIN;
    if ((err = wire_put_job(&r->message, id, r->grace_ms, request)) != GR_OK)
        return err == GR_ELIMIT ? GR_ERANGE : err;
    if ((err = send_message(r)) == GR_OK)
        r->running[r->count++] = id;
    return err;
}

enum gr_err
runner_cancel(struct runner *r, uint64_t id)
{
    enum gr_err err;

    if (find(r, id) == r->count)
        return GR_ENOENT;
    if (r->gone)
        return GR_EIO;
    wire_begin(&r->message, WIRE_CANCEL, id);
    if ((err = wire_end(&r->message)) != GR_OK)
        return err;
    return send_message(r);
}

/* What was received must be the result of a running job: the runner is ours, so anything else means that it is broken. */
static enum gr_err
take_result(struct runner *r, struct runner_result *result)
{
    enum wire_kind kind;
    struct wire_in in;
    uint64_t id;
    size_t at;
    enum gr_err err;

    if (!wire_open(gr_buf_str(&r->message), &in, &kind, &id) || kind != WIRE_RESULT ||
        (at = find(r, id)) == r->count)
        return GR_EIO;
    err = wire_get_result(&in, id, result);
    if (err == GR_ESYNTAX)
        return GR_EIO;
    r->running[at] = r->running[--r->count];
    return err;
}

/* GR_OK: something can be read; GR_ETIMEOUT. */
static enum gr_err
wait_readable(const struct runner *r, int64_t timeout_ms)
{
    int64_t deadline = wire_now_ms() + timeout_ms;
    struct pollfd p = {.fd = r->fd, .events = POLLIN};

    for (;;) {
        int64_t left = timeout_ms < 0 ? -1 : deadline - wire_now_ms();
        int n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : timeout_ms >= 0 && left < 0 ? 0 : (int)left);

        if (n > 0)
            return GR_OK;
        if (n < 0 && errno != EINTR)
            return GR_EIO;
        if (timeout_ms >= 0 && wire_now_ms() >= deadline)
            return GR_ETIMEOUT;
    }
}

enum gr_err
runner_next(struct runner *r, int64_t timeout_ms, struct runner_result *result)
{
    enum gr_err err;

    if (r->count == 0)
        return GR_ENOENT;
    if (r->gone)
        return GR_EIO;
    if ((err = wait_readable(r, timeout_ms)) == GR_ETIMEOUT)
        return err;
    if (err == GR_OK)
        err = wire_receive(r->fd, false, &r->message);
    if (err == GR_ENOMEM)
        return err;
    if (err == GR_OK)
        err = take_result(r, result);
    if (err == GR_OK || err == GR_ENOMEM)
        return err;
    r->gone = true;
    return GR_EIO;
}

enum gr_err
runner_run(struct runner *r, const struct runner_request *request, struct runner_result *result)
{
    enum gr_err err = runner_submit(r, 0, request);

    return err == GR_OK ? runner_next(r, -1, result) : err;
}

static void
print_member(struct gr_buf *b, const struct runner_member *m)
{
    switch (m->end) {
    case RUNNER_EXITED:
        gr_buf_printf(b, "exit %d", m->code);
        break;
    case RUNNER_SIGNALED:
        gr_buf_printf(b, "killed by signal %d", m->code);
        break;
    case RUNNER_UNSTARTED:
        gr_buf_puts(b, "not started");
        if (m->code != 0)
            gr_buf_printf(b, " (%s)", m->code == ENOENT ? "not found" : strerrordesc_np(m->code));
        break;
    }
}

void
runner_result_print(struct gr_buf *b, const struct runner_result *result)
{
    if (result->outcome == RUNNER_TIMED_OUT)
        gr_buf_printf(b, "timed out after %lld ms: ", (long long)result->duration_ms);
    else if (result->outcome == RUNNER_CANCELLED)
        gr_buf_puts(b, "cancelled: ");
    else if (result->outcome == RUNNER_LOST)
        gr_buf_puts(b, "lost: the outcome is unknown");
    for (size_t i = 0; i < result->member_count && result->outcome != RUNNER_LOST; i++) {
        gr_buf_puts(b, i > 0 ? " | " : "");
        print_member(b, &result->members[i]);
    }
}
