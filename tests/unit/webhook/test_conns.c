#include "config.h"
#include "test_webhook.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "webhook/conns.h"

/* Pairs of sockets: what guardraild holds, and its peer, which reads an end when it was shut down. */
#define PAIRS 12
static struct metrics *metrics;
static struct conns *all;
static int ours[PAIRS], theirs[PAIRS];
static struct conn *conns[PAIRS];

static void
start(struct conns_limits limits)
{
    metrics = metrics_create();
    ck_assert_ptr_nonnull(metrics);
    ck_assert_int_eq(conns_start(&limits, metrics, &all), GR_OK);
    for (size_t i = 0; i < PAIRS; i++) {
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ours[i] = pair[0];
        theirs[i] = pair[1];
        conns[i] = NULL;
    }
}

static void
end(void)
{
    for (size_t i = 0; i < PAIRS; i++) {
        if (conns[i])
            conns_remove(all, conns[i]);
        (void)close(ours[i]);
        (void)close(theirs[i]);
    }
    conns_stop(all);
    metrics_free(metrics);
}

static const struct conns_limits lasting = {60000, 60000, 60000, 60000, 4, 2};

static void
add(size_t i, const char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        conns[i] = conns_add(all, CONN_TCP, ours[i], (struct sockaddr *)&v4);
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
        conns[i] = conns_add(all, CONN_TCP, ours[i], (struct sockaddr *)&v6);
    }
    ck_assert_ptr_nonnull(conns[i]);
}

static bool
is_shut(size_t i)
{
    char c;
    return recv(theirs[i], &c, 1, MSG_DONTWAIT) == 0;
}

static void
enter(size_t i, enum conn_state state)
{
    ck_assert(conn_enter(all, conns[i], state));
}

/* Which of four, in these states, goes when a fifth comes; 4: the fifth itself. */
static const struct {
    const char *name;
    enum conn_state states[4];
    size_t goes;
} rows[] = {
    {"nothing sent, the oldest", {CONN_HEADERS, CONN_HEADERS, CONN_HEADERS, CONN_HEADERS}, 0},
    {"nothing sent before idle", {CONN_IDLE, CONN_IDLE, CONN_HEADERS, CONN_HEADERS}, 2},
    {"idle before a body", {CONN_BODY, CONN_IDLE, CONN_IDLE, CONN_BODY}, 1},
    {"a body before work", {CONN_WORKING, CONN_WORKING, CONN_BODY, CONN_BODY}, 2},
    {"all at work", {CONN_WORKING, CONN_WORKING, CONN_WORKING, CONN_WORKING}, 4},
};
START_TEST(the_weakest_goes)
{
    static const char *const from[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"};
    size_t working = 0;

    start(lasting);
    for (size_t i = 0; i < 4; i++) {
        add(i, from[i]);
        enter(i, CONN_BODY);
        enter(i, rows[_i].states[i] == CONN_HEADERS ? CONN_IDLE : rows[_i].states[i]);
        if (rows[_i].states[i] == CONN_HEADERS)
            enter(i, CONN_HEADERS);
        working += rows[_i].states[i] == CONN_WORKING;
    }
    add(4, from[4]);
    for (size_t i = 0; i < 5; i++)
        ck_assert_msg(is_shut(i) == (i == rows[_i].goes), "%s: %zu", rows[_i].name, i);
    ck_assert(!conn_enter(all, conns[rows[_i].goes], CONN_WORKING)); /* it gets no answer any more */
    while (working-- > 0)
        conns_worked(all);
    end();
}
END_TEST

/* Two of one address may stay; a third of it displaces the first, others do not. */
static const struct {
    const char *name, *first, *second, *third;
    bool crowded;
} addresses[] = {
    {"one address", "192.0.2.1", "192.0.2.1", "192.0.2.1", true},
    {"another address", "192.0.2.1", "192.0.2.1", "192.0.2.2", false},
    {"one /64", "2001:db8::1", "2001:db8::2", "2001:db8::ffff:3", true},
    {"another /64", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::3", false},
    {"IPv4 in IPv6, one", "::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.1", true},
    {"IPv4 in IPv6, another", "::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
};
START_TEST(addresses_are_counted)
{
    start(lasting);
    add(0, addresses[_i].first);
    add(1, addresses[_i].second);
    add(2, addresses[_i].third);
    ck_assert_msg(is_shut(0) == addresses[_i].crowded, "%s", addresses[_i].name);
    ck_assert(!is_shut(1) && !is_shut(2));
    ck_assert_str_eq(conn_address(conns[0]), addresses[_i].first);
    end();
}
END_TEST

START_TEST(the_admin_socket_has_its_own)
{
    start(lasting);
    for (size_t i = 0; i < 4; i++) {
        static const char *const from[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
        add(i, from[i]);
    }
    for (size_t i = 4; i < PAIRS; i++)
        ck_assert_ptr_nonnull(conns[i] = conns_add(all, CONN_LOCAL, ours[i], NULL));
    for (size_t i = 0; i < PAIRS; i++)
        ck_assert(!is_shut(i));
    ck_assert_str_eq(conn_address(conns[PAIRS - 1]), "");
    end();
}
END_TEST

START_TEST(deadlines_are_absolute)
{
    char c;

    start((struct conns_limits){100, 200, 100, 100, 64, 64});
    for (size_t i = 0; i < 4; i++)
        add(i, "192.0.2.1");
    enter(1, CONN_BODY);
    enter(2, CONN_ANSWER);
    enter(3, CONN_WORKING);
    enter(0, CONN_HEADERS); /* does not begin anew */
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(recv(theirs[i], &c, 1, 0), 0); /* waits for the end */
    ck_assert(!is_shut(3));                             /* who works has none */
    conns_worked(all);
    conns_drain(all, 1000, 1000);
    conns_rest(all);
    end();
}
END_TEST

START_TEST(nobody_is_nobody)
{
    start(lasting);
    ck_assert(!conn_enter(all, NULL, CONN_IDLE));
    ck_assert_str_eq(conn_address(NULL), "");
    end();
    conns_stop(NULL);
}
END_TEST

Suite *
conns_suite(void)
{
    Suite *suite = suite_create("conns");
    TCase *tc = tcase_create("conns");

    tcase_add_loop_test(tc, the_weakest_goes, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, addresses_are_counted, 0, GR_COUNT(addresses));
    tcase_add_test(tc, the_admin_socket_has_its_own);
    tcase_add_test(tc, deadlines_are_absolute);
    tcase_add_test(tc, nobody_is_nobody);
    suite_add_tcase(suite, tc);
    return suite;
}
