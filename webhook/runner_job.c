/* runner_job.c - the supervisor of one job: starts its programs, keeps their output, ends them. A process of its own, one thread. */
#include "config.h"
#include "runner_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gnutls/crypto.h>

#include "runner_procs.h"

#define ARENA_BYTES (4u << 20)
#define LEFTOVER_MS 5000 /* for processes that a SIGKILL has not ended yet */
#define ENVIRONMENT_MAX 128u

struct job {
    const struct runner_setup *setup;
    const struct runner_request *request;
    struct gr_arena *arena;
    char **environment;
    int signals, output;             /* the read ends */
    pid_t group;                     /* 0: none started */
    pid_t pids[POLICY_COMMANDS_MAX]; /* 0: not started, or reaped */
    size_t running;
    struct runner_result result;
    gnutls_hash_hd_t hash;
    char *tail; /* the last of the output: [0, tail_n) of twice RUNNER_TAIL_BYTES_MAX */
    size_t tail_n;
    bool hung_up; /* the daemon closed its end */
};

/* -- output ------------------------------------------------------------------------------------------------------------- */

static void
keep_output(struct job *j, const char *p, size_t n)
{
    const size_t max = RUNNER_TAIL_BYTES_MAX;

    j->result.output_bytes += n;
    if (j->hash && gnutls_hash(j->hash, p, n) != 0) {
        gnutls_hash_deinit(j->hash, NULL);
        j->hash = NULL; /* no hash is better than a wrong one */
    }
    if (j->tail_n + n > 2 * max) { /* n <= max: see read_output */
        memmove(j->tail, j->tail + j->tail_n - max, max);
        j->tail_n = max;
    }
    memcpy(j->tail + j->tail_n, p, n);
    j->tail_n += n;
}

/* All that is there now; closes the pipe at its end. */
static void
read_output(struct job *j)
{
    char part[16384];
    ssize_t n;

    while (j->output >= 0) {
        n = read(j->output, part, sizeof part);
        if (n > 0) {
            keep_output(j, part, (size_t)n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            return;
        } else {
            (void)close(j->output);
            j->output = -1;
        }
    }
}

static void
finish_output(struct job *j)
{
    const size_t max = RUNNER_TAIL_BYTES_MAX;
    size_t from = j->tail_n > max ? j->tail_n - max : 0;
    unsigned char digest[32];

    gr_buf_put(&j->result.tail, (struct gr_str){j->tail + from, j->tail_n - from});
    if (!j->hash)
        return;
    gnutls_hash_deinit(j->hash, digest);
    j->hash = NULL;
    for (size_t i = 0; i < sizeof digest; i++) {
        j->result.output_sha256[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        j->result.output_sha256[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    j->result.output_sha256[GR_SHA256_HEX] = '\0';
}

/* -- starting ------------------------------------------------------------------------------------------------------------ */

static bool
add_variable(struct job *j, size_t *at, const char *name, struct gr_str value)
{
    struct gr_str entry = gr_arena_printf(j->arena, "%s=" GR_FMT, name, GR_ARG(value));

    if (!entry.p || *at + 1 >= ENVIRONMENT_MAX)
        return false;
    j->environment[(*at)++] = (char *)(uintptr_t)entry.p; /* execve takes char *, and changes nothing */
    return true;
}

static bool
make_environment(struct job *j)
{
    const struct runner_request *r = j->request;
    struct gr_str attempt = gr_arena_printf(j->arena, "%u", r->attempt);
    struct gr_str fence = gr_arena_printf(j->arena, "%llu", (unsigned long long)r->fence);
    bool ok = attempt.p && fence.p;
    size_t at = 0;

    if (!(j->environment = gr_arena_array(j->arena, ENVIRONMENT_MAX, sizeof *j->environment)))
        return false;
    ok = ok && add_variable(j, &at, "PATH", gr_str(j->setup->path)) &&
         add_variable(j, &at, "LANG", GR_STR("C")) &&
         add_variable(j, &at, "GR_DEPLOYMENT_ID", r->deployment_id) &&
         add_variable(j, &at, "GR_GUARDRAIL", r->guardrail) && add_variable(j, &at, "GR_PHASE", r->phase) &&
         add_variable(j, &at, "GR_EFFECT_ID", r->effect_id) && add_variable(j, &at, "GR_STEP", r->step) &&
         add_variable(j, &at, "GR_ATTEMPT", attempt) &&
         add_variable(j, &at, "GR_DRY_RUN", r->dry_run ? GR_STR("1") : GR_STR("0"));
    if (r->fence > 0)
        ok = ok && add_variable(j, &at, "GR_FENCE", fence);
    if (r->idempotency_key.n > 0)
        ok = ok && add_variable(j, &at, "GR_IDEMPOTENCY_KEY", r->idempotency_key);
    for (const char *const *extra = j->setup->environment; ok && extra && *extra; extra++) {
        ok = at + 1 < ENVIRONMENT_MAX;
        if (ok)
            j->environment[at++] = (char *)(uintptr_t)*extra;
    }
    return ok;
}

static char **
make_argv(struct job *j, const struct policy_argv *command)
{
    char **argv = gr_arena_array(j->arena, command->count + 1, sizeof *argv);

    for (size_t i = 0; argv && i < command->count; i++) {
        struct gr_str copy = gr_arena_dup(j->arena, command->args[i]);

        if (!copy.p)
            return NULL;
        argv[i] = (char *)(uintptr_t)copy.p;
    }
    return argv;
}

/* 0, or why this cannot be executed. */
static int
executable(const struct job *j, const char *path)
{
    struct stat st;

    if (fstatat(j->setup->folder, path, &st, 0) != 0)
        return errno == ENOTDIR ? ENOENT : errno;
    if (!S_ISREG(st.st_mode) || faccessat(j->setup->folder, path, X_OK, AT_EACCESS) != 0)
        return EACCES;
    return 0;
}

/* The path to execute: as named if it holds a '/', else the first executable in the fixed PATH. NULL: *error says why. */
static const char *
find_program(struct job *j, const char *name, int *error)
{
    struct gr_str rest = gr_str(j->setup->path), folder, path;

    *error = ENOENT;
    if (strchr(name, '/')) {
        *error = executable(j, name);
        return *error == 0 ? name : NULL;
    }
    while (gr_str_next(&rest, ':', &folder)) {
        if (folder.n == 0 || folder.p[0] != '/')
            continue;
        path = gr_arena_printf(j->arena, GR_FMT "/%s", GR_ARG(folder), name);
        if (!path.p) {
            *error = ENOMEM;
            return NULL;
        }
        if (executable(j, path.p) == 0)
            return path.p;
    }
    return NULL;
}

struct member {
    const char *path;
    char **argv;
    int in, out, err; /* its descriptors; the parent closes what is its own */
    int status;       /* where it reports that execve failed */
};

/* In the new process, between fork and execve: system calls only. */
static void
become(const struct job *j, const struct member *m, pid_t supervisor)
{
    struct rlimit no_core = {0, 0};
    int error;

    procs_default_signals();
    if (setpgid(0, j->group) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == supervisor &&
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && setrlimit(RLIMIT_CORE, &no_core) == 0 &&
        fchdir(j->setup->folder) == 0 && dup2(m->in, 0) == 0 && dup2(m->out, 1) == 1 &&
        dup2(m->err, 2) == 2) {
        (void)umask(022);
        if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0 ||
            errno == ENOSYS) /* all of ours are O_CLOEXEC already */
            (void)execve(m->path, m->argv, j->environment);
    }
    error = errno;
    (void)!write(m->status, &error, sizeof error); /* nobody left to tell if this fails */
    _exit(127);
}

/* 0 when execve took place, else errno: the pipe closes at execve, or carries the number. */
static int
exec_error(int fd)
{
    int error = 0;
    ssize_t n;

    do
        n = read(fd, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof error ? (error != 0 ? error : EIO) : 0;
}

static int
start_member(struct job *j, size_t i, struct member *m)
{
    pid_t supervisor = getpid(), pid;
    int status[2], error;

    if (pipe2(status, O_CLOEXEC) != 0)
        return errno;
    m->status = status[1];
    if ((pid = fork()) == 0)
        become(j, m, supervisor);
    error = pid < 0 ? errno : 0;
    (void)close(status[1]);
    if (pid > 0) {
        if (j->group == 0)
            j->group = pid;
        (void)setpgid(pid, j->group); /* both sides do it; whoever comes second fails harmlessly */
        error = exec_error(status[0]);
        j->pids[i] = pid;
        j->running++;
    }
    (void)close(status[0]);
    return error;
}

/* Every program is looked up before any is started: a pipeline of which one is missing does nothing at all. */
static bool
look_up(struct job *j, struct member *members)
{
    bool ok = true;

    for (size_t i = 0; i < j->request->command_count; i++) {
        struct runner_member *result = &j->result.members[i];
        int error = ENOMEM;

        *result = (struct runner_member){RUNNER_UNSTARTED, 0};
        if ((members[i].argv = make_argv(j, &j->request->commands[i])))
            members[i].path = find_program(j, members[i].argv[0], &error);
        if (!members[i].path) {
            result->code = error;
            ok = false;
        }
    }
    j->result.member_count = j->request->command_count;
    return ok;
}

static void
close_if(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* Starts member i between the pipe from its left neighbour (*left, taken) and one to its right. False: it did not start. */
static bool
start_between(struct job *j, size_t i, struct member *m, int *left, int output)
{
    bool last = i + 1 == j->request->command_count;
    int right[2] = {-1, -1}, error = 0;

    m->in = *left;
    m->err = output;
    if (!last && pipe2(right, O_CLOEXEC) != 0)
        error = errno;
    m->out = last ? output : right[1];
    if (error == 0)
        error = start_member(j, i, m);
    (void)close(*left);
    close_if(right[1]);
    *left = right[0];
    if (error != 0)
        j->result.members[i] = (struct runner_member){RUNNER_UNSTARTED, error};
    return error == 0;
}

static bool
start_all(struct job *j, int output)
{
    struct member members[POLICY_COMMANDS_MAX] = {0};
    int left;
    bool ok;

    if (!look_up(j, members) || (left = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
        return false;
    ok = true;
    for (size_t i = 0; ok && i < j->request->command_count; i++)
        ok = start_between(j, i, &members[i], &left, output);
    close_if(left);
    return ok;
}

/* -- ending -------------------------------------------------------------------------------------------------------------- */

static void
record_end(struct job *j, pid_t pid, int status)
{
    for (size_t i = 0; i < j->request->command_count; i++) {
        struct runner_member *m = &j->result.members[i];

        if (j->pids[i] != pid)
            continue;
        j->pids[i] = 0;
        j->running--;
        if (m->end == RUNNER_UNSTARTED && m->code != 0)
            continue; /* it was our own child up to execve */
        if (WIFEXITED(status))
            *m = (struct runner_member){RUNNER_EXITED, WEXITSTATUS(status)};
        else
            *m = (struct runner_member){RUNNER_SIGNALED, WTERMSIG(status)};
    }
}

static void
reap(struct job *j)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        record_end(j, pid, status);
}

/* While its leader, the first member, is not reaped the group's number cannot be another's. After that each member by itself; what
 * they have started is ended with the job. */
static void
signal_group(const struct job *j, int signal)
{
    if (j->running == 0)
        return;
    if (j->pids[0] != 0) {
        (void)kill(-j->group, signal);
        return;
    }
    for (size_t i = 0; i < j->request->command_count; i++)
        if (j->pids[i] != 0)
            (void)kill(j->pids[i], signal);
}

/* Whether we are told to end: SIGTERM from the runner, or the daemon gone. */
static bool
told_to_end(struct job *j)
{
    struct signalfd_siginfo info;
    bool told = false;

    while (read(j->signals, &info, sizeof info) == (ssize_t)sizeof info)
        told = told || info.ssi_signo == SIGTERM;
    return told;
}

/* Waits for output, the end of a child, or a reason to end, up to `until`. */
static bool
wait_some(struct job *j, int64_t until)
{
    int64_t left = until - wire_now_ms();
    struct pollfd p[3] = {{.fd = j->signals, .events = POLLIN},
                          {.fd = j->output, .events = POLLIN},
                          {.fd = j->hung_up ? -1 : j->setup->socket, .events = 0}};
    bool told = false;

    if (poll(p, 3, left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left) <= 0)
        return false;
    if (p[1].revents != 0)
        read_output(j);
    if (p[0].revents != 0)
        told = told_to_end(j);
    if (p[2].revents & (POLLHUP | POLLERR))
        told = j->hung_up = true;
    return told;
}

static void
supervise(struct job *j, int64_t started, int64_t grace_ms)
{
    int64_t until = started + j->request->timeout_ms;
    bool ending = false, killed = false;

    while (j->running > 0) {
        bool told = wait_some(j, until), late;

        reap(j);
        late = wire_now_ms() >= until;
        if (j->running == 0 || (!told && !late))
            continue;
        if (!ending) {
            j->result.outcome = told ? RUNNER_CANCELLED : RUNNER_TIMED_OUT;
            ending = true;
            signal_group(j, SIGTERM);
            until = wire_now_ms() + grace_ms;
        } else if (late) {
            signal_group(j, SIGKILL);
            if (killed)
                (void)procs_kill_children(NULL, 0); /* a member that left the group */
            killed = true;
            until = wire_now_ms() + 100;
        }
    }
}

static void
settle_outcome(struct job *j)
{
    if (j->result.outcome != RUNNER_SUCCEEDED)
        return;
    for (size_t i = 0; i < j->result.member_count; i++)
        if (j->result.members[i].end != RUNNER_EXITED || j->result.members[i].code != 0)
            j->result.outcome = RUNNER_FAILED;
}

/* False: there is not even a pipe. */
static bool
prepare(struct job *j, int output[2])
{
    if (gnutls_hash_init(&j->hash, GNUTLS_DIG_SHA256) != 0)
        j->hash = NULL;
    if (!(j->arena = gr_arena_create(ARENA_BYTES)) ||
        !(j->tail = gr_arena_alloc(j->arena, (size_t)2 * RUNNER_TAIL_BYTES_MAX)))
        return false;
    if (!make_environment(j) || (j->signals = procs_signal_fd()) < 0 || pipe2(output, O_CLOEXEC) != 0)
        return false;
    return fcntl(output[0], F_SETFL, O_NONBLOCK) == 0;
}

int
runner_job_main(const struct runner_setup *setup, uint64_t id, const struct runner_request *request,
                int64_t grace_ms)
{
    struct job j = {
        .setup = setup, .request = request, .signals = -1, .output = -1, .result = RUNNER_RESULT_INIT};
    struct gr_buf message = GR_BUF_INIT(WIRE_BYTES_MAX);
    int64_t started = wire_now_ms();
    int output[2] = {-1, -1};
    bool ok;

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    j.result.id = id;
    ok = prepare(&j, output) && start_all(&j, output[1]);
    close_if(output[1]);
    j.output = output[0];
    if (ok) {
        supervise(&j, started, grace_ms);
    } else {
        j.result.outcome = RUNNER_NOT_STARTED;
        signal_group(&j, SIGKILL);
        while (j.running > 0) {
            (void)wait_some(&j, wire_now_ms() + 100);
            reap(&j);
        }
    }
    ok = procs_end_children(LEFTOVER_MS);
    read_output(&j);
    if (j.tail)
        finish_output(&j);
    settle_outcome(&j);
    j.result.duration_ms = wire_now_ms() - started;
    if (ok)
        ok = wire_put_result(&message, &j.result) == GR_OK &&
             wire_send(setup->socket, gr_buf_str(&message)) == GR_OK;
    gr_buf_fini(&message);
    runner_result_fini(&j.result);
    gr_arena_free(j.arena);
    return ok || j.hung_up ? 0 : 1;
}
