/* The runner with real programs: scripts written into the test's own folder, run by /bin/sh as their interpreter. Also covers
 * runner_child.c, runner_job.c and runner_procs.c, which only exist as other processes. */
#include "config.h"
#include "fixture.h"
#include "test_webhook.h"
#include "webhook/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardrail/file.h"
#include "guardrail/hash.h"
#include "webhook/runner_wire.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A256 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16

static char dir[64];
static char *full; /* its absolute path */
static struct gr_arena *arena;
static struct runner *runner;
static struct runner_result result;

static void
script(const char *name, const char *body)
{
    struct gr_str text = gr_arena_printf(arena, "#!/bin/sh\n%s\n", body);

    fixture_file(dir, name, text.p, 0755);
}

static const char *const environment[] = {"EXTRA=kept", NULL};

static void
setup(void)
{
    struct runner_options options = {.actions_dir = dir, .grace_ms = 200, .environment = environment};

    fixture_dir(dir, sizeof dir);
    ck_assert_ptr_nonnull(full = realpath(dir, NULL));
    arena = gr_arena_create(4 << 20);
    result = (struct runner_result)RUNNER_RESULT_INIT;
    ck_assert_int_eq(runner_start(&options, &runner), GR_OK);
}

static void
teardown(void)
{
    runner_stop(runner);
    runner_result_fini(&result);
    gr_arena_free(arena);
    fixture_remove(dir);
    free(full);
}

/* Commands from words: "left a b" and "right", NULL-terminated; no word holds a blank. */
static struct runner_request
request(const char *const *commands, int64_t timeout_ms)
{
    struct policy_argv *argv = gr_arena_array(arena, POLICY_COMMANDS_MAX, sizeof *argv);
    size_t n = 0;

    for (; commands[n]; n++) {
        struct gr_str *args = gr_arena_array(arena, 16, sizeof *args);
        struct gr_str rest = gr_str(commands[n]);

        while (gr_str_next(&rest, ' ', &args[argv[n].count]))
            argv[n].count++;
        argv[n].args = args;
    }
    return (struct runner_request){
        .commands = argv,
        .command_count = n,
        .timeout_ms = timeout_ms,
        .deployment_id = GR_STR("tp-1"),
        .guardrail = GR_STR("error_rate"),
        .phase = GR_STR("phase_1"),
        .effect_id = GR_STR("17"),
        .step = GR_STR("freeze"),
        .attempt = 2,
        .fence = 17 << 16 | 1,
        .idempotency_key = GR_STR("k1"),
    };
}

static void
run(const char *const *commands, int64_t timeout_ms, enum runner_outcome want)
{
    struct runner_request r = request(commands, timeout_ms);

    ck_assert_int_eq(runner_run(runner, &r, &result), GR_OK);
    ck_assert_msg(result.outcome == want, "%s: %s", runner_outcome_name(result.outcome),
                  gr_buf_cstr(&result.tail));
}

static void
run1(const char *command, int64_t timeout_ms, enum runner_outcome want)
{
    const char *const commands[] = {command, NULL};

    run(commands, timeout_ms, want);
}

static const char *
printed(void)
{
    struct gr_buf b = GR_BUF_INIT(1024);
    struct gr_str s;

    runner_result_print(&b, &result);
    s = gr_arena_dup(arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return s.p;
}

/* Whether the process is there and no zombie. */
static bool
alive(int64_t pid)
{
    struct gr_buf b = GR_BUF_INIT(4096);
    struct gr_str path = gr_arena_printf(arena, "/proc/%lld/stat", (long long)pid);
    bool there =
        gr_file_read(path.p, &b) == GR_OK && gr_str_find(gr_buf_str(&b), GR_STR(") Z "), 0) == SIZE_MAX;

    gr_buf_fini(&b);
    return there;
}

/* Waits for a file that a script writes its process id to. */
static int64_t
pid_from(const char *name)
{
    struct gr_str path = gr_arena_printf(arena, "%s/%s", dir, name);
    int64_t pid = 0;

    for (int i = 0; i < 5000 && pid == 0; i++) {
        struct gr_buf b = GR_BUF_INIT(64);

        if (gr_file_read(path.p, &b) == GR_OK && b.n > 0 && b.p[b.n - 1] == '\n')
            pid = strtol(b.p, NULL, 10);
        gr_buf_fini(&b);
        if (pid == 0)
            (void)usleep(2000);
    }
    ck_assert_msg(pid > 1, "%s was never written", name);
    return pid;
}

static void
wait_dead(int64_t pid)
{
    for (int i = 0; i < 5000 && alive(pid); i++)
        (void)usleep(2000);
    ck_assert_msg(!alive(pid), "process %lld survived", (long long)pid);
}

/* valgrind dies when an execve fails that looked possible, as with a missing interpreter. */
static bool
under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload && strstr(preload, "vgpreload");
}

START_TEST(succeeds_and_fails)
{
    char hex[GR_SHA256_HEX + 1];

    script("ok", "echo fine");
    script("three", "echo to stderr >&2; exit 3");
    script("dies", "kill -9 $$");
    ck_assert_int_eq(mkdir(gr_arena_printf(arena, "%s/bin", dir).p, 0755), 0);
    script("bin/deep", "echo deep");
    run1("bin/deep", 5000, RUNNER_SUCCEEDED);
    ck_assert_str_eq(gr_buf_cstr(&result.tail), "deep\n");
    ck_assert_str_eq(printed(), "exit 0");
    ck_assert_int_eq(gr_sha256_hex(GR_STR("deep\n"), hex), GR_OK);
    ck_assert_str_eq(result.output_sha256, hex);
    ck_assert_uint_eq(result.output_bytes, 5);
    run1(gr_arena_printf(arena, "%s/three", full).p, 5000, RUNNER_FAILED);
    ck_assert_str_eq(printed(), "exit 3");
    ck_assert_str_eq(gr_buf_cstr(&result.tail), "to stderr\n");
    run1(gr_arena_printf(arena, "%s/dies", full).p, 5000, RUNNER_FAILED);
    ck_assert_str_eq(printed(), "killed by signal 9");
}
END_TEST

START_TEST(what_cannot_start)
{
    const char *const half[] = {"touch made", "no-such-program", NULL};

    fixture_file(dir, "plain", "#!/bin/sh\n", 0644);
    fixture_file(dir, "nonsense",
                 "\x7f"
                 "no program\n",
                 0755);
    ck_assert_int_eq(mkdir(gr_arena_printf(arena, "%s/sub", dir).p, 0755), 0);
    fixture_file(dir, "sub/plain", "#!/bin/sh\n", 0644);
    fixture_file(dir, "sub/broken", "#!/no/such/interpreter\n", 0755);
    run1("no-such-program", 5000, RUNNER_NOT_STARTED);
    ck_assert_str_eq(printed(), "not started (not found)");
    run1("sub/none", 5000, RUNNER_NOT_STARTED);
    run1("sub", 5000, RUNNER_NOT_STARTED); /* a bare name: the folder is not in PATH */
    run1("sub/plain", 5000, RUNNER_NOT_STARTED);
    ck_assert_int_eq(result.members[0].code, EACCES);
    if (!under_valgrind()) {
        run1("sub/broken", 5000, RUNNER_NOT_STARTED);
        ck_assert_int_eq(result.members[0].code, ENOENT);
    }
    run1("sub/plain/x", 5000, RUNNER_NOT_STARTED);
    run(half, 5000, RUNNER_NOT_STARTED); /* the left one was not run either */
    ck_assert_int_ne(access(gr_arena_printf(arena, "%s/made", dir).p, F_OK), 0);
}
END_TEST

START_TEST(pipelines)
{
    const char *const good[] = {"echo one", "cat", "wc -c", NULL};
    const char *const left[] = {"false", "cat", NULL};
    const char *const right[] = {"true", "false", NULL}; /* the left one writes nothing: no SIGPIPE */
    const char *const closed[] = {"yes", "head -n1", NULL};
    const char *const starts_late[] = {"echo x", "sub/broken", NULL};

    run(good, 5000, RUNNER_SUCCEEDED);
    ck_assert_str_eq(gr_buf_cstr(&result.tail), "4\n");
    run(left, 5000, RUNNER_FAILED);
    ck_assert_str_eq(printed(), "exit 1 | exit 0");
    run(right, 5000, RUNNER_FAILED);
    ck_assert_str_eq(printed(), "exit 0 | exit 1");
    run(closed, 5000, RUNNER_FAILED); /* every status counts, SIGPIPE too */
    ck_assert_int_eq(result.members[0].end, RUNNER_SIGNALED);
    ck_assert_int_eq(result.members[0].code, SIGPIPE);
    ck_assert_int_eq(mkdir(gr_arena_printf(arena, "%s/sub", dir).p, 0755), 0);
    fixture_file(dir, "sub/broken", "#!/no/such/interpreter\n", 0755);
    if (!under_valgrind())
        run(starts_late, 5000, RUNNER_NOT_STARTED);
}
END_TEST

START_TEST(clean_environment)
{
    const char *const sorted[] = {"env", "sort", NULL};

    run(sorted, 5000, RUNNER_SUCCEEDED);
    ck_assert_str_eq(
        gr_buf_cstr(&result.tail),
        "EXTRA=kept\nGR_ATTEMPT=2\nGR_DEPLOYMENT_ID=tp-1\nGR_DRY_RUN=0\nGR_EFFECT_ID=17\nGR_FENCE=1114113\n"
        "GR_GUARDRAIL=error_rate\nGR_IDEMPOTENCY_KEY=k1\nGR_PHASE=phase_1\nGR_STEP=freeze\nLANG="
        "C\nPATH=" RUNNER_DEFAULT_PATH "\n");
}
END_TEST

START_TEST(dry_run_is_told)
{
    const char *const commands[] = {"printenv GR_DRY_RUN", NULL};
    struct runner_request r = request(commands, 5000);

    r.dry_run = true;
    ck_assert_int_eq(runner_run(runner, &r, &result), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&result.tail), "1\n");
}
END_TEST

/* Only 0, 1, 2 and the one that ls opens; standard input is empty; the folder is actions_dir; signals are default. */
START_TEST(clean_process)
{
    run1("ls /proc/self/fd", 5000, RUNNER_SUCCEEDED);
    ck_assert_str_eq(gr_buf_cstr(&result.tail), "0\n1\n2\n3\n");
    run1("cat", 5000, RUNNER_SUCCEEDED);
    ck_assert_uint_eq(result.output_bytes, 0);
    run1("pwd", 5000, RUNNER_SUCCEEDED);
    ck_assert_str_eq(gr_buf_cstr(&result.tail), gr_arena_printf(arena, "%s\n", full).p);
    run1("grep -E ^(SigBlk|SigIgn|NoNewPrivs): /proc/self/status", 5000, RUNNER_SUCCEEDED);
    ck_assert_str_eq(gr_buf_cstr(&result.tail),
                     "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nNoNewPrivs:\t1\n");
}
END_TEST

static const struct gr_str hostile[] = {
    GR_STR_INIT("$(touch made)"),
    GR_STR_INIT("`touch made`"),
    GR_STR_INIT("; touch made"),
    GR_STR_INIT("| touch made"),
    GR_STR_INIT("\ntouch made\n"),
    GR_STR_INIT("&& touch made"),
    GR_STR_INIT("> made"),
    GR_STR_INIT("../../etc/passwd"),
    GR_STR_INIT("* ? [a-z]"),
    GR_STR_INIT("~root"),
    GR_STR_INIT("%s%n"),
    GR_STR_INIT("\\"),
    GR_STR_INIT("'\""),
    GR_STR_INIT("-rf"),
    GR_STR_INIT("\x1b[31m"),
    GR_STR_INIT("\xff\xfe"),
    GR_STR_INIT(A256),
    GR_STR_INIT(""),
};

/* As arguments they arrive byte for byte; nothing reads them. (What label values may be is expand.h's matter.) */
START_TEST(hostile_arguments_are_literal)
{
    struct gr_str args[] = {GR_STR("printf"), GR_STR("[%s]"), hostile[_i]};
    struct policy_argv argv = {args, 3};
    struct runner_request r = {.commands = &argv, .command_count = 1, .timeout_ms = 5000};
    struct gr_str want = gr_arena_printf(arena, "[" GR_FMT "]", GR_ARG(hostile[_i]));

    ck_assert_int_eq(runner_run(runner, &r, &result), GR_OK);
    ck_assert_int_eq(result.outcome, RUNNER_SUCCEEDED);
    ck_assert(gr_str_eq(gr_buf_str(&result.tail), want));
    ck_assert_int_ne(access(gr_arena_printf(arena, "%s/made", dir).p, F_OK), 0);
}
END_TEST

/* As programs they are refused, or not found. */
START_TEST(hostile_programs)
{
    struct gr_str args[] = {hostile[_i]};
    struct policy_argv argv = {args, 1};
    struct runner_request r = {.commands = &argv, .command_count = 1, .timeout_ms = 5000};
    enum gr_err err = runner_run(runner, &r, &result);

    ck_assert(err == GR_ERANGE || (err == GR_OK && result.outcome == RUNNER_NOT_STARTED));
    ck_assert_int_ne(access(gr_arena_printf(arena, "%s/made", dir).p, F_OK), 0);
}
END_TEST

static const struct bad_row {
    const char *name;
    struct gr_str program, argument;
    size_t commands, args;
    int64_t timeout_ms;
} bad_rows[] = {
    {"no command", GR_STR_INIT("x"), GR_STR_INIT("y"), 0, 1, 1},
    {"no program", GR_STR_INIT("x"), GR_STR_INIT("y"), 1, 0, 1},
    {"no time", GR_STR_INIT("x"), GR_STR_INIT("y"), 1, 2, 0},
    {"too much time", GR_STR_INIT("x"), GR_STR_INIT("y"), 1, 2, RUNNER_TIMEOUT_MS_MAX + 1},
    {"too many commands", GR_STR_INIT("x"), GR_STR_INIT("y"), POLICY_COMMANDS_MAX + 1, 2, 1},
    {"too many arguments", GR_STR_INIT("x"), GR_STR_INIT("y"), 1, POLICY_ARGS_MAX + 1, 1},
    {"a NUL", GR_STR_INIT("x"), GR_STR_INIT("a\0b"), 1, 2, 1},
    {"a NUL in the program", GR_STR_INIT("x\0y"), GR_STR_INIT("a"), 1, 2, 1},
    {"a program that climbs", GR_STR_INIT("../x"), GR_STR_INIT("a"), 1, 2, 1},
    {"a program that climbs inside", GR_STR_INIT("a/../x"), GR_STR_INIT("a"), 1, 2, 1},
    {"an empty program", GR_STR_INIT(""), GR_STR_INIT("a"), 1, 2, 1},
};

START_TEST(bad_requests)
{
    const struct bad_row *b = &bad_rows[_i];
    struct gr_str args[POLICY_ARGS_MAX + 1];
    struct policy_argv argv[POLICY_COMMANDS_MAX + 1];
    struct runner_request r = {.commands = argv, .command_count = b->commands, .timeout_ms = b->timeout_ms};

    for (size_t i = 0; i < GR_COUNT(args); i++)
        args[i] = i == 0 ? b->program : b->argument;
    for (size_t i = 0; i < GR_COUNT(argv); i++)
        argv[i] = (struct policy_argv){args, b->args};
    ck_assert_msg(runner_submit(runner, 1, &r) == GR_ERANGE, "%s", b->name);
    ck_assert_int_eq(runner_next(runner, 0, &result), GR_ENOENT);
}
END_TEST

START_TEST(request_size)
{
    struct gr_str args[2] = {GR_STR("true"), GR_STR_NONE};
    struct policy_argv argv = {args, 2};
    struct runner_request r = {.commands = &argv, .command_count = 1, .timeout_ms = 5000};
    char *big = gr_arena_alloc(arena, RUNNER_REQUEST_BYTES_MAX);

    memset(big, 'x', RUNNER_REQUEST_BYTES_MAX);
    args[1] =
        (struct gr_str){big, RUNNER_REQUEST_BYTES_MAX - 8 * 4 - 4}; /* each of 8 texts costs 4 more bytes */
    ck_assert_int_eq(runner_run(runner, &r, &result), GR_OK);
    ck_assert_int_eq(result.outcome, RUNNER_SUCCEEDED);
    args[1].n++;
    ck_assert_int_eq(runner_submit(runner, 1, &r), GR_ERANGE);
}
END_TEST

/* It ignores TERM, has forked, and the fork ignores TERM too, in a session of its own. */
START_TEST(timeout_kills_all)
{
    int64_t child, parent;

    script("stubborn", "trap '' TERM\necho $$ >parent.pid\n"
                       "setsid sh -c 'trap \"\" TERM; echo $$ >child.pid; while :; do sleep 1; done' &\n"
                       "while :; do sleep 1; done");
    run1(gr_arena_printf(arena, "%s/stubborn", full).p, 1500, RUNNER_TIMED_OUT);
    ck_assert_int_ge(result.duration_ms, 1500);
    ck_assert_int_lt(result.duration_ms, 15000);
    ck_assert_int_eq(result.members[0].end, RUNNER_SIGNALED);
    ck_assert_int_eq(result.members[0].code, SIGKILL);
    parent = pid_from("parent.pid");
    child = pid_from("child.pid");
    ck_assert(!alive(parent)); /* at once: the result comes when all is over */
    ck_assert(!alive(child));
}
END_TEST

START_TEST(term_first)
{
    script("polite", "trap 'echo bye; exit 7' TERM\necho up\nwhile :; do sleep 0.05; done");
    run1(gr_arena_printf(arena, "%s/polite", full).p, 700, RUNNER_TIMED_OUT);
    ck_assert_int_eq(result.members[0].end, RUNNER_EXITED);
    ck_assert_int_eq(result.members[0].code, 7);
    ck_assert(
        gr_str_ends(gr_buf_str(&result.tail), GR_STR("bye\n"))); /* the shell may say "Terminated" before */
}
END_TEST

/* Every member gets the SIGTERM, whether the group's leader is still there (0) or not (1). */
START_TEST(term_reaches_all_members)
{
    const char *const both[] = {"sh polite.sh", "sh polite.sh", NULL}, *const one_left[] = {
                                                                           "true", "sh polite.sh", NULL};

    fixture_file(dir, "polite.sh", "trap 'exit 7' TERM\nwhile :; do sleep 0.05; done\n", 0644);
    run(_i == 0 ? both : one_left, 700, RUNNER_TIMED_OUT);
    ck_assert_int_eq(result.members[0].code, _i == 0 ? 7 : 0);
    ck_assert_int_eq(result.members[1].end, RUNNER_EXITED);
    ck_assert_int_eq(result.members[1].code, 7);
}
END_TEST

/* A program that leaves something behind does not leave it for long. */
START_TEST(nothing_survives_success)
{
    script("leaver", "setsid sh -c 'echo $$ >left.pid; exec sleep 100' >/dev/null 2>&1 &\n"
                     "while ! test -s left.pid; do sleep 0.01; done\nexit 0");
    run1(gr_arena_printf(arena, "%s/leaver", full).p, 10000, RUNNER_SUCCEEDED);
    ck_assert(!alive(pid_from("left.pid")));
}
END_TEST

/* A leftover that keeps the output open must not keep the job open. */
START_TEST(leftover_holds_the_output)
{
    script("holder", "sleep 100 &\necho done");
    run1(gr_arena_printf(arena, "%s/holder", full).p, 30000, RUNNER_SUCCEEDED);
    ck_assert_int_lt(result.duration_ms, 15000);
    ck_assert_str_eq(gr_buf_cstr(&result.tail), "done\n");
}
END_TEST

START_TEST(output_is_capped)
{
    const char *const commands[] = {"yes 0123456789abcde", "head -c 1000001", NULL};

    run(commands, 20000, RUNNER_FAILED); /* yes dies of SIGPIPE */
    ck_assert_uint_eq(result.output_bytes, 1000001);
    ck_assert_uint_eq(result.tail.n, RUNNER_TAIL_BYTES_MAX);
    ck_assert(gr_str_ends(gr_buf_str(&result.tail), GR_STR("abcde\n0")));
}
END_TEST

START_TEST(hash_is_of_all_output)
{
    struct gr_buf all = GR_BUF_INIT(1 << 20);
    char hex[GR_SHA256_HEX + 1];

    for (int i = 1; i <= 30000; i++)
        gr_buf_printf(&all, "%d\n", i);
    run1("seq 30000", 20000, RUNNER_SUCCEEDED);
    ck_assert_int_eq(gr_sha256_hex(gr_buf_str(&all), hex), GR_OK);
    ck_assert_uint_eq(result.output_bytes, all.n);
    ck_assert_uint_gt(all.n, 2 * RUNNER_TAIL_BYTES_MAX);
    ck_assert_str_eq(result.output_sha256, hex);
    ck_assert(gr_str_ends(gr_buf_str(&all), gr_buf_str(&result.tail)));
    gr_buf_fini(&all);
}
END_TEST

START_TEST(jobs_run_side_by_side)
{
    const char *const waits[] = {"sh wait.sh", NULL}, *const opens[] = {"touch gate", NULL};
    struct runner_request a = request(waits, 20000), b = request(opens, 20000);
    uint64_t first;

    fixture_file(dir, "wait.sh", "while ! test -e gate; do sleep 0.01; done\n", 0644);
    ck_assert_int_eq(runner_submit(runner, 1, &a), GR_OK);
    ck_assert_int_eq(runner_submit(runner, 1, &a), GR_EEXIST);
    ck_assert_int_eq(runner_next(runner, 20, &result), GR_ETIMEOUT);
    ck_assert_int_eq(runner_submit(runner, 2, &b), GR_OK);
    ck_assert_int_eq(runner_next(runner, -1, &result),
                     GR_OK); /* in either order: both end when the gate is there */
    ck_assert_int_eq(result.outcome, RUNNER_SUCCEEDED);
    first = result.id;
    ck_assert_int_eq(runner_next(runner, 20000, &result), GR_OK);
    ck_assert_int_eq(result.outcome, RUNNER_SUCCEEDED);
    ck_assert_uint_eq(result.id + first, 3);
    ck_assert_int_eq(runner_next(runner, 0, &result), GR_ENOENT);
}
END_TEST

START_TEST(cancel_ends_a_job)
{
    const char *const commands[] = {"sleep 100", NULL};
    struct runner_request r = request(commands, 60000);

    ck_assert_int_eq(runner_cancel(runner, 5), GR_ENOENT);
    ck_assert_int_eq(runner_submit(runner, 5, &r), GR_OK);
    ck_assert_int_eq(runner_cancel(runner, 5), GR_OK);
    ck_assert_int_eq(runner_next(runner, 20000, &result), GR_OK);
    ck_assert_int_eq(result.outcome, RUNNER_CANCELLED);
}
END_TEST

START_TEST(jobs_are_bounded)
{
    const char *const commands[] = {"sleep 100", NULL};
    struct runner_request r = request(commands, 60000);

    for (uint64_t id = 0; id < RUNNER_JOBS_MAX; id++)
        ck_assert_int_eq(runner_submit(runner, id, &r), GR_OK);
    ck_assert_int_eq(runner_submit(runner, 99, &r), GR_EAGAIN);
    for (uint64_t id = 0; id < RUNNER_JOBS_MAX; id++)
        ck_assert_int_eq(runner_cancel(runner, id), GR_OK);
    for (uint64_t id = 0; id < RUNNER_JOBS_MAX; id++) {
        ck_assert_int_eq(runner_next(runner, -1, &result), GR_OK);
        ck_assert_int_eq(result.outcome, RUNNER_CANCELLED);
    }
}
END_TEST

/* The supervisor killed from outside: the job is lost, and its programs die with it. */
START_TEST(a_lost_supervisor)
{
    const char *const commands[] = {"sh up.sh", NULL};
    struct runner_request r = request(commands, 60000);
    int64_t pid, supervisor;
    struct gr_buf b = GR_BUF_INIT(4096);
    struct gr_str rest, part;

    fixture_file(dir, "up.sh", "setsid sh -c 'echo $$ >up.pid; exec sleep 100' &\nwait\n", 0644);
    ck_assert_int_eq(runner_submit(runner, 1, &r), GR_OK);
    pid = pid_from("up.pid");
    ck_assert_int_eq(
        gr_file_read(gr_arena_printf(arena, "/proc/%lld/task/%lld/children", (long long)runner_pid(runner),
                                     (long long)runner_pid(runner))
                         .p,
                     &b),
        GR_OK);
    rest = gr_buf_str(&b);
    ck_assert(gr_str_next(&rest, ' ', &part));
    supervisor = strtol(part.p, NULL, 10);
    ck_assert_int_gt(supervisor, 1);
    ck_assert_int_eq(kill((pid_t)supervisor, SIGKILL), 0);
    ck_assert_int_eq(runner_next(runner, 20000, &result), GR_OK);
    ck_assert_int_eq(result.outcome, RUNNER_LOST);
    wait_dead(pid);
    run1("true", 5000, RUNNER_SUCCEEDED); /* the runner itself goes on */
    gr_buf_fini(&b);
}
END_TEST

START_TEST(a_killed_runner)
{
    const char *const commands[] = {"sh up.sh", NULL};
    struct runner_request r = request(commands, 60000);
    int64_t pid;

    fixture_file(dir, "up.sh", "echo $$ >up.pid; exec sleep 100\n", 0644);
    ck_assert_int_eq(runner_submit(runner, 1, &r), GR_OK);
    pid = pid_from("up.pid");
    ck_assert_int_eq(kill((pid_t)runner_pid(runner), SIGKILL), 0);
    wait_dead(pid); /* the supervisor gets SIGTERM by PDEATHSIG, ends its job and leaves */
    ck_assert_int_eq(kill((pid_t)runner_pid(runner), 0), 0); /* a zombie until runner_stop */
    for (int i = 0; i < 2; i++) { /* the supervisor may still deliver that its job was cancelled */
        enum gr_err err = runner_next(runner, 20000, &result);

        ck_assert(err == GR_EIO || err == GR_ENOENT || (err == GR_OK && result.outcome == RUNNER_CANCELLED));
    }
    ck_assert(runner_submit(runner, 2, &r) != GR_OK || runner_next(runner, 5000, &result) == GR_EIO);
    ck_assert_int_eq(runner_submit(runner, 3, &r), GR_EIO);
    ck_assert(runner_gone(runner));
    ck_assert(runner_ended(runner));
    ck_assert(runner_ended(runner)); /* reaped once, and still over */
}
END_TEST

/* One that dies with nothing to do is noticed before the next job. */
START_TEST(an_idle_runner_is_killed)
{
    ck_assert(!runner_gone(runner));
    ck_assert(!runner_ended(runner));
    ck_assert_int_eq(kill((pid_t)runner_pid(runner), SIGKILL), 0);
    while (!runner_ended(runner))
        sched_yield(); /* the kill is under way: no time limit but the test's */
    ck_assert(runner_gone(runner));
}
END_TEST

/* A lock that the daemon shares with its runner outlives the daemon's own descriptor, and ends with the last process of a job. */
START_TEST(the_lock_lasts_as_long_as_programs)
{
    struct gr_str path = gr_arena_printf(arena, "%s/programs", dir);
    struct runner_options options = {.actions_dir = dir, .grace_ms = 100};
    const char *const commands[] = {"sh up.sh", NULL};
    struct runner_request r = request(commands, 60000);
    struct runner *other;
    int fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600), probe = open(path.p, O_RDWR | O_CLOEXEC);
    int64_t pid;

    fixture_file(dir, "up.sh", "trap '' TERM; echo $$ >up.pid; while :; do sleep 1; done\n", 0644);
    options.lock_fd = fd;
    ck_assert_int_eq(runner_start(&options, &other), GR_OK);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0); /* after the fork: the runner holds it all the same */
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(runner_submit(other, 1, &r), GR_OK);
    pid = pid_from("up.pid");
    ck_assert_int_eq(flock(probe, LOCK_EX | LOCK_NB), -1);
    runner_stop(other);
    ck_assert(!alive(pid));
    ck_assert_int_eq(flock(probe, LOCK_EX | LOCK_NB), 0);
    (void)close(probe);
}
END_TEST

/* runner_stop while a job runs, as when the daemon leaves; the same path as when it dies. */
START_TEST(stop_ends_jobs)
{
    struct runner_options options = {.actions_dir = dir, .grace_ms = 100};
    const char *const commands[] = {"sh up.sh", NULL};
    struct runner_request r = request(commands, 60000);
    struct runner *other;
    int64_t pid;

    fixture_file(dir, "up.sh", "trap '' TERM; echo $$ >up.pid; while :; do sleep 1; done\n", 0644);
    ck_assert_int_eq(runner_start(&options, &other), GR_OK);
    ck_assert_int_eq(runner_submit(other, 1, &r), GR_OK);
    pid = pid_from("up.pid");
    runner_stop(other);
    ck_assert(!alive(pid));
}
END_TEST

/* A daemon that is killed: a child starts a runner and a job, then dies at once. */
START_TEST(daemon_killed)
{
    const char *const commands[] = {"sh up.sh", NULL};
    struct runner_options options = {.actions_dir = dir, .grace_ms = 100};
    struct runner_request r = request(commands, 60000);
    pid_t daemon;
    int status;

    fixture_file(dir, "up.sh", "trap '' TERM; echo $$ >up.pid; while :; do sleep 1; done\n", 0644);
    if ((daemon = fork()) == 0) {
        struct runner *own;

        if (runner_start(&options, &own) == GR_OK && runner_submit(own, 1, &r) == GR_OK)
            (void)pid_from("up.pid");
        (void)kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(daemon, &status, 0), daemon);
    wait_dead(pid_from("up.pid"));
}
END_TEST

START_TEST(bad_options)
{
    static const char *const path[] = {"PATH=/tmp", NULL}, *const preload[] = {"LD_PRELOAD=x", NULL};
    static const char *const own[] = {"GR_DRY_RUN=1", NULL}, *const none[] = {"NAME", NULL},
                             *const empty[] = {"=x", NULL};
    const char *const *const refused[] = {path, preload, own, none, empty};
    struct runner_options o = {.actions_dir = "no/such/folder"};
    struct runner *r = NULL;

    ck_assert_int_eq(runner_start(&o, &r), GR_ENOENT);
    o.actions_dir = "/dev/null";
    ck_assert_int_eq(runner_start(&o, &r), GR_ENOENT);
    o.actions_dir = dir;
    for (size_t i = 0; i < GR_COUNT(refused); i++) {
        o.environment = refused[i];
        ck_assert_int_eq(runner_start(&o, &r), GR_EUSER);
    }
    ck_assert_ptr_null(r);
    runner_stop(NULL);
}
END_TEST

/* Every message cut short, and with each byte changed: never a crash; what is accepted is within the bounds. */
START_TEST(messages_are_checked)
{
    const char *const commands[] = {"a b c", "d", NULL};
    struct runner_request r = request(commands, 1000), got;
    struct gr_buf b = GR_BUF_INIT(WIRE_BYTES_MAX);
    enum wire_kind kind;
    struct wire_in in;
    int64_t grace;
    uint64_t id;

    ck_assert_int_eq(wire_put_job(&b, 42, 100, &r), GR_OK);
    ck_assert(wire_open(gr_buf_str(&b), &in, &kind, &id) && kind == WIRE_JOB && id == 42);
    ck_assert_int_eq(wire_get_job(&in, arena, &grace, &got), GR_OK);
    ck_assert(got.command_count == 2 && gr_str_is(got.commands[0].args[2], "c") && got.attempt == 2);
    for (size_t n = 0; n < b.n; n++)
        ck_assert(!wire_open(gr_str_sub(gr_buf_str(&b), 0, n), &in, &kind, &id));
    for (size_t i = 0; i < b.n; i++) {
        struct gr_arena *a = gr_arena_create(1 << 20);

        b.p[i] = (char)~b.p[i];
        if (wire_open(gr_buf_str(&b), &in, &kind, &id) && kind == WIRE_JOB &&
            wire_get_job(&in, a, &grace, &got) == GR_OK)
            ck_assert(runner_request_ok(&got));
        b.p[i] = (char)~b.p[i];
        gr_arena_free(a);
    }
    gr_buf_fini(&b);
}
END_TEST

START_TEST(results_round_trip)
{
    struct runner_result r = RUNNER_RESULT_INIT, got = RUNNER_RESULT_INIT;
    struct gr_buf b = GR_BUF_INIT(WIRE_BYTES_MAX);
    enum wire_kind kind;
    struct wire_in in;
    uint64_t id;

    r.id = 7;
    r.outcome = RUNNER_TIMED_OUT;
    r.member_count = 2;
    r.members[1] = (struct runner_member){RUNNER_SIGNALED, 9};
    r.duration_ms = 1234;
    r.output_bytes = 3;
    memcpy(r.output_sha256, "abc", 4);
    gr_buf_put(&r.tail, GR_STR("a\0b"));
    ck_assert_int_eq(wire_put_result(&b, &r), GR_OK);
    ck_assert(wire_open(gr_buf_str(&b), &in, &kind, &id) && kind == WIRE_RESULT && id == 7);
    ck_assert_int_eq(wire_get_result(&in, id, &got), GR_OK);
    ck_assert(got.outcome == RUNNER_TIMED_OUT && got.member_count == 2 && got.members[1].code == 9);
    ck_assert(got.duration_ms == 1234 && gr_str_eq(gr_buf_str(&got.tail), GR_STR("a\0b")));
    ck_assert_str_eq(got.output_sha256, "abc");
    for (size_t n = WIRE_HEAD_BYTES; n < b.n; n++) {
        in = (struct wire_in){gr_str_sub(gr_buf_str(&b), WIRE_HEAD_BYTES, n), false};
        ck_assert_int_eq(wire_get_result(&in, id, &got), GR_ESYNTAX);
    }
    runner_result_fini(&r);
    runner_result_fini(&got);
    gr_buf_fini(&b);
}
END_TEST

Suite *
runner_suite(void)
{
    Suite *s = suite_create("runner");
    TCase *tc = tcase_create("programs");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, succeeds_and_fails);
    tcase_add_test(tc, what_cannot_start);
    tcase_add_test(tc, pipelines);
    tcase_add_test(tc, clean_environment);
    tcase_add_test(tc, dry_run_is_told);
    tcase_add_test(tc, clean_process);
    tcase_add_loop_test(tc, hostile_arguments_are_literal, 0, GR_COUNT(hostile));
    tcase_add_loop_test(tc, hostile_programs, 0, GR_COUNT(hostile));
    tcase_add_loop_test(tc, bad_requests, 0, GR_COUNT(bad_rows));
    tcase_add_test(tc, request_size);
    tcase_add_test(tc, timeout_kills_all);
    tcase_add_test(tc, term_first);
    tcase_add_loop_test(tc, term_reaches_all_members, 0, 2);
    tcase_add_test(tc, nothing_survives_success);
    tcase_add_test(tc, leftover_holds_the_output);
    tcase_add_test(tc, output_is_capped);
    tcase_add_test(tc, hash_is_of_all_output);
    tcase_add_test(tc, jobs_run_side_by_side);
    tcase_add_test(tc, cancel_ends_a_job);
    tcase_add_test(tc, jobs_are_bounded);
    tcase_add_test(tc, a_lost_supervisor);
    tcase_add_test(tc, a_killed_runner);
    tcase_add_test(tc, an_idle_runner_is_killed);
    tcase_add_test(tc, the_lock_lasts_as_long_as_programs);
    tcase_add_test(tc, stop_ends_jobs);
    tcase_add_test(tc, daemon_killed);
    tcase_add_test(tc, bad_options);
    tcase_add_test(tc, messages_are_checked);
    tcase_add_test(tc, results_round_trip);
    suite_add_tcase(s, tc);
    return s;
}
