#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "fault.h"
#include "test_fleet.h"

/* The built program with these arguments; *out reads what it prints, on both streams. */
static pid_t
start(const char *const *args, FILE **out)
{
    const char *folder = getenv("GR_BUILDDIR");
    struct gr_buf path = GR_BUF_INIT(4096);
    char *argv[8] = {NULL};
    int from[2];
    pid_t pid;

    gr_buf_printf(&path, "%s/tests/fleet/fleet", folder != NULL ? folder : ".");
    ck_assert_int_eq(pipe(from), 0);
    if ((pid = fork()) == 0) {
        argv[0] = path.p;
        for (size_t i = 0; args[i] != NULL && i + 2 < GR_COUNT(argv); i++)
            argv[i + 1] = (char *)(uintptr_t)args[i];
        dup2(from[1], 1);
        dup2(from[1], 2);
        close(from[0]);
        close(from[1]);
        execv(path.p, argv);
        _exit(127);
    }
    ck_assert_int_gt(pid, 0);
    close(from[1]);
    *out = fdopen(from[0], "r");
    ck_assert_ptr_nonnull(*out);
    gr_buf_fini(&path);
    return pid;
}

static int
ended(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct row {
    const char *args[4];
    int status;
    const char *want; /* a part of what it prints */
} rows[] = {
    {{"--help"}, 0, "error_rate     xN +N -N N  share of orders"},
    {{"--port", "65536"}, 2, "--port wants a number from 0 to 65535"},
    {{"--port", "x"}, 2, "--port wants a number"},
    {{"--seed", "-1"}, 2, "--seed wants a number"},
    {{"--rps", "0"}, 2, "--rps wants a number from 0.001 to 1e+07"},
    {{"--speed", "0"}, 2, "--speed wants a number"},
    {{"--share", "agency 2"}, 2, "--share: line 1: \"2\""},
    {{"--fault", "eror_rate x2"},
     2,
     "--fault: line 1: unknown fault kind \"eror_rate\", did you mean error_rate?"},
    {{"--unknown"}, 2, "--help lists the options"},
    {{"extra"}, 2, "unexpected argument \"extra\""},
    {{"--port"}, 2, "--help lists the options"},
};

START_TEST(arguments_are_checked)
{
    const struct row *r = &rows[_i];
    char text[8192];
    FILE *out;
    pid_t pid = start(r->args, &out);
    size_t n = fread(text, 1, sizeof(text) - 1, out);

    text[n] = '\0';
    fclose(out);
    ck_assert_int_eq(ended(pid), r->status);
    ck_assert_msg(strstr(text, r->want) != NULL, "%s %s: %s", r->args[0], r->args[1] ? r->args[1] : "", text);
}
END_TEST

START_TEST(every_kind_is_in_the_help)
{
    static const char *const args[] = {"--help", NULL};
    char text[8192];
    FILE *out;
    pid_t pid = start(args, &out);
    size_t n = fread(text, 1, sizeof(text) - 1, out);

    text[n] = '\0';
    fclose(out);
    ck_assert_int_eq(ended(pid), 0);
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
        ck_assert_msg(strstr(text, fault_kinds[i].help) != NULL, "%s", fault_kinds[i].name);
}
END_TEST

static const int signals[] = {SIGTERM, SIGINT};

START_TEST(serves_until_told_to_stop)
{
    static const char *const args[] = {"--seed", "3", "--manual", NULL};
    char line[128] = "";
    struct gr_buf state;
    FILE *out;
    pid_t pid = start(args, &out);

    ck_assert_ptr_nonnull(fgets(line, sizeof(line), out));
    ck_assert_msg(strncmp(line, "listening on 127.0.0.1:", 23) == 0 && strtol(line + 23, NULL, 10) > 0, "%s",
                  line);
    state = ask_for((uint16_t)strtol(line + 23, NULL, 10), "GET", "/state", GR_STR_NONE);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&state), "{\"seed\":3,\"rps\":400,\"simulated_seconds\":0,"));
    gr_buf_fini(&state);
    ck_assert_int_eq(kill(pid, signals[_i]), 0);
    ck_assert_int_eq(ended(pid), 0);
    fclose(out);
}
END_TEST

Suite *
main_suite(void)
{
    Suite *s = suite_create("main");
    TCase *tc = tcase_create("main");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, arguments_are_checked, 0, GR_COUNT(rows));
    tcase_add_test(tc, every_kind_is_in_the_help);
    tcase_add_loop_test(tc, serves_until_told_to_stop, 0, GR_COUNT(signals));
    suite_add_tcase(s, tc);
    return s;
}
