/* Unit tests of confine.c: what the main process can no longer do, and what it still can. Each in a process of its own. */
#include "config.h"
#include "test_webhook.h"

#include <errno.h>
#include <pthread.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "webhook/confine.h"
#include "webhook/runner.h"

#define NO_FILTER 77
#define VALGRIND_GAVE_UP 101 /* it cannot go on after an execve that was refused */
static char *const arguments[] = {(char *)(uintptr_t) "false", NULL};
static char *const nothing[] = {NULL};

static int
try_execve(void)
{
    return execve("/bin/false", arguments, nothing);
}

static int
try_execveat(void)
{
    return (int)syscall(SYS_execveat, AT_FDCWD, "/bin/false", arguments, nothing, 0);
}

static int
try_execvp(void)
{
    return execvp("false", arguments);
}

/* glibc's posix_spawn and system come down to clone with CLONE_VFORK. */
static int
try_spawn(void)
{
    pid_t pid;
    int rc = posix_spawn(&pid, "/bin/false", NULL, NULL, arguments, nothing);

    errno = rc;
    return rc == 0 ? 0 : -1;
}

static int
try_fork(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid;
}

static int
try_ptrace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
try_unshare(void)
{
    return unshare(CLONE_FS);
}

static int
try_io_uring(void)
{
    return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static void *
nothing_much(void *arg)
{
    return arg;
}

static int
try_thread(void)
{
    pthread_t t;
    int rc = pthread_create(&t, NULL, nothing_much, NULL);

    return rc == 0 && pthread_join(t, NULL) == 0 ? 0 : -1;
}

static void *
exec_there(void *arg)
{
    *(int *)arg = try_execve() == -1 ? errno : 0;
    return NULL;
}

/* A thread made after the filter has it too. */
static int
try_exec_in_thread(void)
{
    pthread_t t;
    int got = 0;

    if (pthread_create(&t, NULL, exec_there, &got) != 0 || pthread_join(t, NULL) != 0)
        return 0;
    errno = got;
    return -1;
}

static int
try_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 ? close(fd) : -1;
}

static int
try_file(void)
{
    FILE *f = tmpfile();

    return f ? fclose(f) : -1;
}

static int
try_state(void)
{
    struct rlimit core = {1, 1};

    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_SECCOMP) == 2 &&
                   (confine_spares_fork() || prctl(PR_GET_DUMPABLE) == 0) &&
                   getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0
               ? 0
               : -1;
}

static const struct row {
    const char *name;
    int (*act)(void);
    int error;   /* 0: must succeed */
    bool spared; /* sanitizer builds allow it */
} rows[] = {
    {"execve", try_execve, EPERM, false},
    {"execveat", try_execveat, EPERM, false},
    {"execvp", try_execvp, EPERM, false},
    {"posix_spawn", try_spawn, EPERM, false},
    {"fork", try_fork, EPERM, true},
    {"ptrace", try_ptrace, EPERM, true},
    {"unshare", try_unshare, EPERM, false},
    {"io_uring_setup", try_io_uring, EPERM, false},
    {"execve in a thread", try_exec_in_thread, EPERM, false},
    {"a thread", try_thread, 0, false},
    {"a socket", try_socket, 0, false},
    {"a file", try_file, 0, false},
    {"the rest is set", try_state, 0, false},
};

/* 0: as wanted; 1: otherwise; NO_FILTER: there can be none here. */
static int
confined(const struct row *r)
{
    enum confine_state state = CONFINE_STATES;
    int got;

    if (confine_self(&state) != GR_OK)
        return 1;
    if (state != CONFINE_ON)
        return NO_FILTER;
    errno = 0;
    got = r->act();
    if (r->error == 0)
        return got == 0 ? 0 : 1;
    return got == -1 && errno == r->error ? 0 : 1;
}

static int
status_of(pid_t pid)
{
    int status = 0;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

START_TEST(filter)
{
    const struct row *r = &rows[_i];
    pid_t pid;
    int status;

    if (r->spared && confine_spares_fork())
        return;
    if ((pid = fork()) == 0)
        _exit(confined(r));
    ck_assert_int_gt(pid, 0);
    if ((status = status_of(pid)) == NO_FILTER) {
        (void)fprintf(stderr, "%s: skipped, no filter can be installed here\n", r->name);
        return;
    }
    if (status == VALGRIND_GAVE_UP && strncmp(r->name, "exec", 4) == 0)
        return;
    ck_assert_msg(status == 0, "%s: not as wanted", r->name);
}
END_TEST

/* Without the filter each refused row but the kernel's own refusals goes through: the rows can fail. */
START_TEST(rows_mean_something)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(try_execve() == -1 ? 2 : 0); /* becomes false, which ends with 1 */
    ck_assert_int_eq(status_of(pid), 1);
    if ((pid = fork()) == 0)
        _exit(try_spawn() == 0 ? 0 : 1);
    ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* In a process of its own: a runner forked before still runs programs for a confined parent. */
static int
runs_by_runner(void)
{
    const struct gr_str args[] = {GR_STR_INIT("/bin/sh"), GR_STR_INIT("-c"),
                                  GR_STR_INIT("/bin/true && exit 7")};
    struct policy_argv command = {args, GR_COUNT(args)};
    struct runner_result result = RUNNER_RESULT_INIT;
    enum confine_state state = CONFINE_STATES;
    struct runner *r = NULL;
    int ok = 1;

    if (runner_start(&(struct runner_options){.actions_dir = "/"}, &r) == GR_OK &&
        confine_self(&state) == GR_OK &&
        runner_run(r, &(struct runner_request){.commands = &command, .command_count = 1, .timeout_ms = 20000},
                   &result) == GR_OK)
        ok = result.members[0].end == RUNNER_EXITED && result.members[0].code == 7 ? 0 : 1;
    runner_result_fini(&result);
    runner_stop(r);
    return ok;
}

START_TEST(runner_still_runs)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(runs_by_runner());
    ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(confine_state_name(CONFINE_ON), "on");
    for (int s = CONFINE_NO_ARCHITECTURE; s < CONFINE_STATES; s++)
        ck_assert_msg(strncmp(confine_state_name((enum confine_state)s), "off: ", 5) == 0, "state %d", s);
}
END_TEST

Suite *
confine_suite(void)
{
    Suite *s = suite_create("confine");
    TCase *tc = tcase_create("confine");

    tcase_add_loop_test(tc, filter, 0, GR_COUNT(rows));
    tcase_add_test(tc, rows_mean_something);
    tcase_add_test(tc, runner_still_runs);
    tcase_add_test(tc, names);
    suite_add_tcase(s, tc);
    return s;
}
