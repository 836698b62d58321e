#include "config.h"
#include "test_webhook.h"

#include "bench.h"
#include "fixture.h"
#include "webhook/courier.h"

#define DAY_MS INT64_C(86400000)

static struct bench bench;
static struct gr_http_client *http;
static struct courier *courier;
static atomic_bool stop;

static void
setup(void)
{
    struct gr_http_options options = {.allow_http = true};

    bench_make(&bench);
    bench.conf.allow_http = true;
    bench.conf.secrets_dir = gr_str(bench.folder);
    fixture_file(bench.folder, "slack.url", "http://127.0.0.1:1/\n", 0600);
    atomic_store(&stop, false);
    ck_assert_int_eq(gr_http_global_init(), GR_OK);
    ck_assert_int_eq(gr_http_client_create(&options, &http), GR_OK);
    ck_assert_int_eq(courier_create(&bench.app, sender_target(ACTION_SLACK), &stop, &courier), GR_OK);
}

static void
teardown(void)
{
    courier_free(courier);
    gr_http_client_free(http);
    gr_http_global_fini();
    bench_remove(&bench);
}

struct row {
    const char *key;
    int64_t age_ms, revived_ago_ms; /* revived: -1 never */
};
static enum gr_err
run_add(struct db *db, void *arg)
{
    const struct row *r = arg;
    struct outbox_effect e = {.key = gr_str(r->key),
                              .kind = GR_STR("notify"),
                              .action = GR_STR("notify"),
                              .target = GR_STR("slack"),
                              .state = GR_STR("ready"),
                              .reason = GR_STR("why")};
    sqlite3_stmt *st;
    bool added;
    enum gr_err err = outbox_add(db, &e, app_now_ms() - r->age_ms, &added);

    if (err != GR_OK || r->revived_ago_ms < 0)
        return err;
    st = db_use(db, "UPDATE effect SET revived_ms = ?1");
    db_bind_i64(db, st, 1, app_now_ms() - r->revived_ago_ms);
    return db_run(db, st);
}

static enum gr_err
run_claim(struct db *db, void *arg)
{
    return outbox_claim(db, bench.arena, "slack", app_now_ms(), arg);
}

static void
send_one(void)
{
    struct outbox_effect e;

    bench_call(&bench, run_claim, &e, GR_OK);
    courier_send(courier, http, bench.arena, &e);
}

static int64_t
in_state(const char *where)
{
    return bench_number(&bench,
                        gr_arena_printf(bench.arena, "SELECT count(*) FROM effect WHERE %s", where).p);
}

/* What is too old is not sent; an operator who sends it again means it. */
START_TEST(age)
{
    static const struct {
        int64_t age_ms, revived_ago_ms;
        const char *where;
    } rows[] = {
        {0, -1, "state = 'retry' AND attempts = 1"},
        {DAY_MS - 60000, -1, "state = 'retry'"},
        {DAY_MS + 60000, -1, "state = 'dead' AND last_error LIKE 'too old%'"},
        {9 * DAY_MS, 1000, "state = 'retry'"},
        {9 * DAY_MS, DAY_MS + 60000, "state = 'dead' AND last_error LIKE 'too old%'"},
    };

    bench_call(&bench, run_add, &(struct row){"k", rows[_i].age_ms, rows[_i].revived_ago_ms}, GR_OK);
    send_one();
    ck_assert_msg(in_state(rows[_i].where) == 1, "%d", _i);
}
END_TEST

/* Three at once, then one a second: the fourth was not tried, and what waits waits with it. */
START_TEST(pace)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e"};

    for (size_t i = 0; i < GR_COUNT(keys); i++)
        bench_call(&bench, run_add, &(struct row){keys[i], 0, -1}, GR_OK);
    for (int i = 0; i < 4; i++)
        send_one();
    ck_assert_int_eq(in_state("attempts = 1"), 3);
    ck_assert_int_eq(in_state("key = 'd' AND state = 'retry' AND attempts = 0"), 1);
    ck_assert_int_eq(in_state("key = 'e' AND state = 'ready' AND not_before_ms ="
                              " (SELECT not_before_ms FROM effect WHERE key = 'd')"),
                     1);
}
END_TEST

/* A long queue is not moved every second: what it waits for is waited for. */
START_TEST(a_crowd)
{
    for (int i = 0; i < 120; i++)
        bench_call(&bench, run_add, &(struct row){gr_arena_printf(bench.arena, "%d", i).p, 0, -1}, GR_OK);
    for (int i = 0; i < 4; i++)
        send_one();
    ck_assert_int_eq(in_state("attempts = 1"), 4);
    ck_assert_int_eq(in_state("state = 'ready' AND not_before_ms = 0"), 116);
}
END_TEST

START_TEST(no_such_action)
{
    struct outbox_effect e;

    bench_call(&bench, run_add, &(struct row){"k", 0, -1}, GR_OK);
    bench_call(&bench, run_claim, &e, GR_OK);
    e.action = GR_STR("gone");
    courier_send(courier, http, bench.arena, &e);
    ck_assert_int_eq(in_state("state = 'dead' AND last_error = 'the policy has no such action any more'"), 1);
}
END_TEST

Suite *
courier_suite(void)
{
    Suite *s = suite_create("courier");
    TCase *tc = tcase_create("courier");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, age, 0, 5);
    tcase_add_test(tc, pace);
    tcase_add_test(tc, a_crowd);
    tcase_add_test(tc, no_such_action);
    suite_add_tcase(s, tc);
    return s;
}
