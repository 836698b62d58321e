#include "config.h"
#include "test_compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "guardrail/base.h"

/* All that it writes, and how it ends; err is what child_start says. */
struct ran {
    int err, status;
    bool own_group;
    char text[200];
};

static struct ran
run(const char *program, const char *script, bool messages)
{
    const char *const argv[] = {program, "-c", script, NULL};
    struct ran r = {.status = -1};
    int ends[2];
    size_t n = 0;
    ssize_t got;
    pid_t pid = -1;

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    r.err = child_start(argv, ends[1], messages ? ends[1] : -1, &pid);
    ck_assert_int_eq(close(ends[1]), 0);
    if (r.err == 0) {
        r.own_group = getpgid(pid) == pid;
        while (n < sizeof r.text - 1 && (got = read(ends[0], r.text + n, sizeof r.text - 1 - n)) > 0)
            n += (size_t)got;
        ck_assert_int_eq(waitpid(pid, &r.status, 0), pid);
    }
    ck_assert_int_eq(close(ends[0]), 0);
    return r;
}

static const struct {
    const char *name, *script;
    bool messages;
    const char *text;
    int exit;
} rows[] = {
    {"its output", "echo a; echo b >&2", false, "a\n", 0},
    {"its messages as well", "echo a; echo b >&2", true, "a\nb\n", 0},
    {"its exit status", "exit 7", false, "", 7},
    {"nothing to read", "cat; echo end", false, "end\n", 0},
};
START_TEST(runs)
{
    struct ran r = run("sh", rows[_i].script, rows[_i].messages);

    ck_assert_msg(r.err == 0 && r.own_group, "%s: %d", rows[_i].name, r.err);
    ck_assert_str_eq(r.text, rows[_i].text);
    ck_assert(WIFEXITED(r.status) && WEXITSTATUS(r.status) == rows[_i].exit);
}
END_TEST

START_TEST(there_is_no_such_program)
{
    ck_assert_int_eq(run("no-such-program-anywhere", "x", false).err, ENOENT);
}
END_TEST

/* A signal that we hold back ends it all the same. */
START_TEST(signals_reach_it)
{
    sigset_t term, old;
    struct ran r;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &term, &old), 0);
    r = run("sh", "kill -TERM $$; echo alive", false);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    ck_assert_int_eq(r.err, 0);
    ck_assert_str_eq(r.text, "");
    ck_assert(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGTERM);
}
END_TEST

Suite *
child_suite(void)
{
    Suite *s = suite_create("child");
    TCase *tc = tcase_create("child");

    tcase_add_loop_test(tc, runs, 0, GR_COUNT(rows));
    tcase_add_test(tc, there_is_no_such_program);
    tcase_add_test(tc, signals_reach_it);
    suite_add_tcase(s, tc);
    return s;
}
