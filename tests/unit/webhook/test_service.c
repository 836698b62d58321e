#include "config.h"
#include "test_webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "fixture.h"
#include "webhook/listen.h"
#include "webhook/service.h"

/* In the abstract namespace, which needs no file and no short path. */
static int
manager(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(a.sun_path, name, n);
    a.sun_path[0] = '\0';
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                     0);
    return fd;
}

/* name of the socket (%d: our pid), WATCHDOG_USEC, WATCHDOG_PID, the interval */
static const struct {
    const char *name, *usec, *pid;
    int64_t watchdog_ms;
    bool heard;
} rows[] = {
    {"here", "30000000", "us", 30000, true},
    {"here", "30000000", NULL, 30000, true},
    {"here", "30000000", "1", 0, true},
    {"here", NULL, NULL, 0, true},
    {"here", "x", NULL, 0, true},
    {"here", "1000000", "us", 1000, true},
    {"/nonexistent/notify", "1000000", "us", 0, false},
    {"relative", "1000000", "us", 0, false},
    {NULL, "1000000", "us", 0, false},
};
START_TEST(the_manager_is_told)
{
    struct service s;
    char name[64], us[24], text[64] = "";
    int fd = -1;

    (void)snprintf(us, sizeof us, "%d", (int)getpid());
    (void)snprintf(name, sizeof name, "%s", rows[_i].name ? rows[_i].name : "");
    if (rows[_i].heard) {
        (void)snprintf(name, sizeof name, "@guardrail-test-%d", (int)getpid());
        fd = manager(name);
    }
    if (rows[_i].name)
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
    if (rows[_i].usec)
        ck_assert_int_eq(setenv("WATCHDOG_USEC", rows[_i].usec, 1), 0);
    if (rows[_i].pid)
        ck_assert_int_eq(setenv("WATCHDOG_PID", strcmp(rows[_i].pid, "us") == 0 ? us : rows[_i].pid, 1), 0);
    service_begin(&s);
    ck_assert(!getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"));
    ck_assert_int_eq(s.watchdog_ms, rows[_i].watchdog_ms);
    ck_assert_int_eq(s.fd >= 0, rows[_i].heard);
    service_tell(&s, "READY=1");
    if (rows[_i].heard) {
        ck_assert_int_eq(recv(fd, text, sizeof text - 1, MSG_DONTWAIT), 7);
        ck_assert_str_eq(text, "READY=1");
        service_tell_reloading(&s);
        ck_assert_int_gt(recv(fd, text, sizeof text - 1, MSG_DONTWAIT), 27);
        ck_assert_int_eq(strncmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    }
    service_end(&s);
    service_tell(&s, "nobody hears this");
    if (fd >= 0)
        (void)close(fd);
}
END_TEST

START_TEST(sockets)
{
    char folder[256], path[300];
    int first = -1, second = -1;

    ck_assert_int_eq(listen_tcp("localhost", 0, &first), GR_ESYNTAX);
    ck_assert_int_eq(listen_tcp("127.0.0.1", 0, &first), GR_OK);
    ck_assert(listen_loopback(first) && listen_port(first) != 0);
    ck_assert_int_eq(listen_tcp("127.0.0.1", listen_port(first), &second), GR_EBUSY);
    ck_assert_int_eq(second, -1);
    ck_assert_int_eq(listen_tcp("0.0.0.0", 0, &second), GR_OK);
    ck_assert(!listen_loopback(second));
    (void)close(first);
    (void)close(second);

    fixture_dir(folder, sizeof folder);
    (void)snprintf(path, sizeof path, "%s/s", folder);
    ck_assert_int_eq(listen_local(path, &first), GR_OK);
    ck_assert_int_eq(listen_local(path, &second), GR_OK); /* the first is taken for left over */
    ck_assert(listen_loopback(second) && listen_port(second) == 0);
    (void)close(first);
    (void)close(second);
    (void)unlink(path);
    fixture_file(folder, "s", "a file", 0600);
    ck_assert_int_eq(listen_local(path, &first), GR_EEXIST);
    memset(path, 'x', 200);
    path[200] = '\0';
    ck_assert_int_eq(listen_local(path, &first), GR_ELIMIT);
    ck_assert(!listen_loopback(-1));
    fixture_remove(folder);
}
END_TEST

/* Of somebody else's environment nothing is taken, and nothing of it is left. */
START_TEST(not_for_us)
{
    struct listen_fds fds = LISTEN_FDS_INIT;
    struct gr_buf why = GR_BUF_INIT(256);

    ck_assert_int_eq(setenv("LISTEN_PID", "1", 1), 0);
    ck_assert_int_eq(setenv("LISTEN_FDS", "2", 1), 0);
    ck_assert_int_eq(listen_take(&fds, &why), GR_OK);
    ck_assert(fds.tcp == -1 && fds.local == -1 && !fds.tcp_inherited && !getenv("LISTEN_PID") &&
              !getenv("LISTEN_FDS"));
    gr_buf_fini(&why);
}
END_TEST

Suite *
service_suite(void)
{
    Suite *suite = suite_create("service");
    TCase *tc = tcase_create("service");

    tcase_add_loop_test(tc, the_manager_is_told, 0, GR_COUNT(rows));
    tcase_add_test(tc, sockets);
    tcase_add_test(tc, not_for_us);
    suite_add_tcase(suite, tc);
    return suite;
}
