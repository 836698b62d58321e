#include "config.h"
#include "test_webhook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "bench.h"
#include "breach.h"
#include "fixture.h"
#include "tests/unit/fault.h"
#include "webhook/enact.h"
#include "webhook/known.h"
#include "webhook/outbox.h"

static struct bench bench;

/* A release that stands in phase_1. */
static void
start(const char *cluster, const char *id)
{
    bench_call(&bench, breach_start, &(struct breach_release){&bench.policies, cluster, id, "test", 1000},
               GR_OK);
}

static void
setup(void)
{
    bench_make(&bench);
    start("equities", "d1");
}

static void
teardown(void)
{
    bench_remove(&bench);
}

static void
post_at(const char *status, const char *level, const char *id, const char *cluster, int64_t now_ms)
{
    struct gr_buf b = GR_BUF_INIT(4096);

    breach_print(&b, status, level, id, cluster);
    ck_assert_int_eq(breach_post(&bench.app, gr_buf_str(&b), now_ms), GR_OK);
    gr_buf_fini(&b);
}

#define NOW INT64_C(1795435600000)
static void
post(const char *status, const char *level, const char *id)
{
    post_at(status, level, id, "equities", NOW);
}

#define COUNT(where) bench_number(&bench, "SELECT count(*) FROM effect WHERE " where)

START_TEST(a_hard_breach_rolls_back_once)
{
    for (int i = 0; i < 3; i++)
        post_at("firing", "hard", "d1", "equities", NOW + i);
    ck_assert_int_eq(COUNT("kind = 'rollback' AND state = 'ready'"), 1);
    ck_assert_int_eq(COUNT("kind = 'page' AND state = 'ready'"), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM release WHERE state = 'rolling_back'"), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM inbox"), 3);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM record WHERE body LIKE '%begun%'"), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT seen_ms - created_ms FROM effect WHERE kind = 'rollback'"),
                     0); /* ended: not asked again */
}
END_TEST

struct escalation {
    int64_t now_ms;
    size_t count;
};
static enum gr_err
run_escalations(struct db *db, void *arg)
{
    struct escalation *e = arg;

    return enact_escalations(db, &bench.app, bench.arena, e->now_ms, &e->count);
}

static size_t
escalated_at(int64_t now_ms)
{
    struct escalation e = {.now_ms = now_ms};

    bench_call(&bench, run_escalations, &e, GR_OK);
    return e.count;
}

static enum gr_err
take_pages(struct db *db, void *arg)
{
    struct release_act act = {.by = GR_STR("kim"), .reason = GR_STR("on it"), .now_ms = NOW + 1000};
    struct gr_buf why = GR_BUF_INIT(1024);
    struct release_acked *acked = arg;
    struct release r;
    enum gr_err err = release_find(db, &bench.policies, GR_STR("d1"), &r);

    if (err == GR_OK)
        err = release_ack(db, &r, GR_STR(""), &act, acked, &why);
    gr_buf_fini(&why);
    return err;
}

/* The policy says: after 5 minutes to the commander. */
START_TEST(a_page_that_nobody_takes_goes_to_the_next_once)
{
    struct release_acked acked = {0, 0};

    post_at("firing", "hard", "d1", "equities", NOW);
    ck_assert_uint_eq(escalated_at(NOW + 299999), 0);
    if (_i) {
        bench_call(&bench, take_pages, &acked, GR_OK);
        ck_assert_int_eq(acked.pages, 1);
        ck_assert_uint_eq(escalated_at(NOW + 300000), 0);
        return;
    }
    ck_assert_uint_eq(escalated_at(NOW + 300000), 1);
    ck_assert_int_eq(COUNT("action = 'commander' AND kind = 'page' AND state = 'ready' AND"
                           " reason LIKE 'nobody acknowledged page in time: hard breach%'"),
                     1);
    ck_assert_uint_eq(escalated_at(NOW + 300000000), 0);
    post_at("firing", "hard", "d1", "equities", NOW + 300001);
    ck_assert_uint_eq(escalated_at(NOW + 900000000), 0);
}
END_TEST

START_TEST(resolved_changes_nothing)
{
    post("resolved", "hard", "d1");
    ck_assert_int_eq(COUNT("1"), 0);
    post("firing", "hard", "d1");
    post("resolved", "hard", "d1");
    ck_assert_int_eq(COUNT("kind = 'rollback' AND state = 'ready'"), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM release WHERE state = 'rolling_back'"), 1);
}
END_TEST

START_TEST(a_soft_breach_extends_and_notifies)
{
    post_at("firing", "soft", "d1", "equities", NOW);
    ck_assert_int_eq(COUNT("kind = 'extend' AND state = 'done'"), 1);
    ck_assert_int_eq(COUNT("kind = 'notify' AND state = 'ready' AND target = 'slack'"), 1);
    ck_assert_int_eq(COUNT("kind = 'ticket' AND state = 'ready' AND target = 'jira'"), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT extend_ms FROM release"), NOW);
    post_at("firing", "soft", "d1", "equities", NOW + KNOWN_MS);
    ck_assert_int_eq(bench_number(&bench, "SELECT extend_ms FROM release"), NOW + KNOWN_MS);
    post_at("firing", "soft", "d1", "equities", NOW + KNOWN_MS + 50); /* as good as the one before */
    ck_assert_int_eq(bench_number(&bench, "SELECT extend_ms FROM release"), NOW + KNOWN_MS);
    post_at("resolved", "soft", "d1", "equities", NOW + KNOWN_MS + 90);
    ck_assert_int_eq(bench_number(&bench, "SELECT extend_ms FROM release"), NOW + KNOWN_MS + 90);
    ck_assert_int_eq(COUNT("kind = 'notify'"), 1);
}
END_TEST

#define SEEN bench_number(&bench, "SELECT max(seen_ms) FROM effect WHERE kind = 'notify'")
/* A repeat that changes nothing costs no statement but the one that keeps it, and is written down again after a second. */
START_TEST(a_repeat_is_only_kept)
{
    post_at("firing", "soft", "d1", "equities", NOW);
    for (int i = 1; i < 5; i++)
        post_at("firing", "soft", "d1", "equities", NOW + i);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM inbox"), 5);
    ck_assert_int_eq(SEEN, NOW + 1); /* of the second: the first one's episode had no row yet */
    post_at("firing", "soft", "d1", "equities", NOW + 1 + KNOWN_MS);
    ck_assert_int_eq(SEEN, NOW + 1 + KNOWN_MS);
    ck_assert_int_eq(COUNT("kind = 'notify'"), 1);
}
END_TEST

static enum gr_err
run_void(struct db *db, void *arg)
{
    const int64_t *id = arg;

    return outbox_void(db, *id, GR_STR("test"), NOW);
}

/* The key of an effect that came to nothing is free at once. */
START_TEST(a_repeat_sees_a_void_effect)
{
    int64_t id;

    for (int i = 0; i < 3; i++)
        post_at("firing", "soft", "d1", "equities", NOW + i);
    id = bench_number(&bench, "SELECT id FROM effect WHERE kind = 'notify'");
    bench_call(&bench, run_void, &id, GR_OK);
    post_at("firing", "soft", "d1", "equities", NOW + 3);
    ck_assert_int_eq(COUNT("kind = 'notify' AND state = 'ready'"), 1);
    ck_assert_int_eq(COUNT("kind = 'notify'"), 2);
}
END_TEST

/* A resolve ends the episode: what fires after it, within the same second, is no repeat of what fired before. */
START_TEST(a_repeat_sees_the_end_of_its_episode)
{
    for (int i = 0; i < 3; i++)
        post_at("firing", "soft", "d1", "equities", NOW + i);
    post_at("resolved", "soft", "d1", "equities", NOW + 3);
    ck_assert_int_eq(bench_number(&bench, "SELECT open FROM episode"), 0);
    post_at("firing", "soft", "d1", "equities", NOW + 4);
    ck_assert_int_eq(bench_number(&bench, "SELECT seen_ms FROM episode"), NOW + 4);
}
END_TEST

/* The same alert three times in one job that is refused in the end. */
static enum gr_err
run_and_refuse(struct db *db, void *arg)
{
    for (int i = 0; i < 3; i++) {
        enum gr_err err = enact_batch(db, arg);

        if (err != GR_OK)
            return err;
    }
    return GR_ESTATE;
}

START_TEST(what_was_undone_is_not_known)
{
    struct gr_buf b = GR_BUF_INIT(4096), error = GR_BUF_INIT(1024);
    struct intake_batch batch = {.count = 0};
    struct enact_job job = {
        .app = &bench.app, .arena = bench.arena, .source = "alerts", .batch = &batch, .now_ms = NOW};

    breach_print(&b, "firing", "hard", "d1", "equities");
    job.body = gr_buf_str(&b);
    ck_assert_int_eq(intake_parse(bench.arena, job.body, NOW, &batch, &error), GR_OK);
    bench_call(&bench, run_and_refuse, &job, GR_ESTATE);
    ck_assert_int_eq(COUNT("1"), 0);
    bench_call(&bench, enact_batch, &job, GR_OK);
    ck_assert_int_eq(COUNT("kind = 'rollback'"), 1);
    gr_buf_fini(&b);
    gr_buf_fini(&error);
}
END_TEST

/* The alerts that arrived are dealt with; what was cut off holds promotion and pages, once. */
START_TEST(a_cut_notification_holds_and_pages)
{
    struct gr_buf b = GR_BUF_INIT(4096);

    breach_print(&b, "firing", "soft", "d1", "equities");
    fixture_replace(&b, "\"version\":\"4\"", "\"version\":\"4\",\"truncatedAlerts\":3");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(breach_post(&bench.app, gr_buf_str(&b), NOW + i), GR_OK);
    ck_assert_int_eq(COUNT("kind = 'page' AND key LIKE '%/truncated/%' AND state = 'ready'"), 1);
    ck_assert_int_eq(COUNT("kind = 'extend'"), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT promotion_hold LIKE 'Alertmanager cut 3 %' FROM release"),
                     1);
    gr_buf_fini(&b);
}
END_TEST

static enum gr_err
run_watchdog(struct db *db, void *arg)
{
    const enum watchdog_news *news = arg;

    return enact_watchdog(db, &bench.app, bench.arena, *news, NOW);
}

START_TEST(each_outage_pages_once)
{
    static const struct {
        enum watchdog_news news;
        int pages, records;
    } story[] = {{WATCHDOG_OVER, 0, 0},    {WATCHDOG_OUTAGE, 1, 1}, {WATCHDOG_OUTAGE, 1, 1},
                 {WATCHDOG_NOTHING, 1, 1}, {WATCHDOG_OVER, 1, 2},   {WATCHDOG_OVER, 1, 2},
                 {WATCHDOG_OUTAGE, 2, 3}};

    for (size_t i = 0; i < GR_COUNT(story); i++) {
        enum watchdog_news news = story[i].news;

        bench_call(&bench, run_watchdog, &news, GR_OK);
        ck_assert_int_eq(COUNT("kind = 'page' AND key LIKE 'page|blind|demo|%' AND state = 'ready'"),
                         story[i].pages);
        ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM chain WHERE event LIKE 'watchdog is %'"),
                         story[i].records);
    }
    ck_assert_int_eq(COUNT("kind = 'rollback'"), 0);
    ck_assert_int_eq(bench_number(&bench, "SELECT outages * 10 + open FROM watchdog"), 21);
}
END_TEST

START_TEST(modes_that_only_write_down)
{
    bench.conf.mode = _i ? MODE_DRY_RUN : MODE_OBSERVE;
    post("firing", "hard", "d1");
    ck_assert_int_eq(COUNT("state = 'observed'"), 2);
    ck_assert_int_eq(COUNT("state <> 'observed'"), 0);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM release WHERE state = 'running'"), 1);
}
END_TEST

static const struct {
    const char *name, *id, *cluster;
} strangers[] = {
    {"unknown deployment", "d9", "equities"},
    {"another stream's deployment", "d1", "crypto"},
    {"hostile id", "../../etc/passwd;$(reboot)", "equities"},
};
START_TEST(strangers_run_nothing)
{
    post_at("firing", "hard", strangers[_i].id, strangers[_i].cluster, NOW);
    ck_assert_msg(COUNT("kind = 'rollback'") == 0, "%s", strangers[_i].name);
    ck_assert_int_ge(COUNT("kind = 'page'"), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM release WHERE state = 'running'"), 1);
}
END_TEST

START_TEST(another_stream_may_roll_back_at_the_same_time)
{
    start("crypto", "d2");
    post_at("firing", "hard", "d1", "equities", NOW);
    post_at("firing", "hard", "d2", "crypto", NOW);
    ck_assert_int_eq(COUNT("kind = 'rollback' AND state = 'ready'"), 2);
}
END_TEST

static enum gr_err
run_prune(struct db *db, void *arg)
{
    return enact_prune(db, NOW + ENACT_KEEP_MS, ENACT_KEEP_MS, arg);
}

START_TEST(old_evidence_is_pruned)
{
    int64_t n = 0, audited;

    post_at("firing", "hard", "d1", "equities", NOW - 1);
    post_at("firing", "hard", "d1", "equities", NOW + 1);
    audited = bench_number(&bench, "SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM record)"
                                   " + (SELECT count(*) FROM effect) + (SELECT count(*) FROM release)");
    bench_call(&bench, run_prune, &n, GR_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM inbox"), 1);
    ck_assert_int_eq(bench_number(&bench,
                                  "SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM record)"
                                  " + (SELECT count(*) FROM effect) + (SELECT count(*) FROM release)"),
                     audited);
    bench_call(&bench, run_prune, &n, GR_OK);
    ck_assert_int_eq(n, 0);
}
END_TEST

static enum gr_err
fill_inbox(struct db *db, void *arg)
{
    (void)arg;
    return db_exec(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)"
                       " INSERT INTO inbox(rx_ms, source, sha256, alerts, body)"
                       " SELECT i, CASE i % 2 WHEN 0 THEN 'alerts' ELSE 'watchdog' END, 's', 1,"
                       " zeroblob(CASE WHEN i > 200 THEN 300000 ELSE 10 END) FROM n");
}

/* However much is due: a hundred rows or a megabyte at a time, and in the end all of it. */
START_TEST(pruning_is_done_in_bites)
{
    int64_t n = 0, most = 0, bites = 0, sum = 0;

    bench_call(&bench, fill_inbox, NULL, GR_OK);
    do {
        bench_call(&bench, run_prune, &n, GR_OK);
        most = n > most ? n : most;
        sum += n;
        bites++;
    } while (n > 0);
    ck_assert_int_eq(sum, 250);
    ck_assert_int_eq(most, ENACT_PRUNE_ROWS);
    ck_assert_int_ge(bites, 2 + 50 * 300000 / ENACT_PRUNE_BYTES / 2); /* four large ones at a time */
}
END_TEST

/* Whatever allocation fails: no promise without rows, no rows without a promise, no leak; then it works. */
START_TEST(without_memory_nothing_is_promised)
{
    struct gr_buf b = GR_BUF_INIT(4096);
    enum gr_err err = GR_ENOMEM;
    bool failed = true;
    unsigned n = 0;

    breach_print(&b, "firing", "hard", "d1", "equities");
    while (failed) {
        int64_t before = bench_number(&bench, "SELECT count(*) FROM inbox");
        fault_arm(FAULT_REALLOC, ++n, _i != 0, ENOMEM);
        err = breach_post(&bench.app, gr_buf_str(&b), NOW);
        failed = fault_hit();
        fault_off();
        ck_assert_msg(fault_live() == 0, "allocation %u: %ld blocks left", n, fault_live());
        ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM inbox"), before + (err == GR_OK));
        ck_assert_msg(err == GR_OK || err == GR_ENOMEM, "allocation %u: %s", n, gr_err_name(err));
        ck_assert_int_eq(COUNT("kind = 'rollback'"), bench_number(&bench, "SELECT count(*) > 0 FROM inbox"));
    }
    ck_assert_int_eq(err, GR_OK);
    ck_assert_uint_gt(n, 10);
    gr_buf_fini(&b);
}
END_TEST

Suite *
enact_suite(void)
{
    Suite *suite = suite_create("enact");
    TCase *tc = tcase_create("enact");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_hard_breach_rolls_back_once);
    tcase_add_loop_test(tc, a_page_that_nobody_takes_goes_to_the_next_once, 0, 2);
    tcase_add_test(tc, resolved_changes_nothing);
    tcase_add_test(tc, a_soft_breach_extends_and_notifies);
    tcase_add_test(tc, a_repeat_is_only_kept);
    tcase_add_test(tc, a_repeat_sees_a_void_effect);
    tcase_add_test(tc, a_repeat_sees_the_end_of_its_episode);
    tcase_add_test(tc, what_was_undone_is_not_known);
    tcase_add_test(tc, a_cut_notification_holds_and_pages);
    tcase_add_test(tc, each_outage_pages_once);
    tcase_add_loop_test(tc, modes_that_only_write_down, 0, 2);
    tcase_add_loop_test(tc, strangers_run_nothing, 0, GR_COUNT(strangers));
    tcase_add_test(tc, another_stream_may_roll_back_at_the_same_time);
    tcase_add_test(tc, old_evidence_is_pruned);
    tcase_add_test(tc, pruning_is_done_in_bites);
    tcase_add_loop_test(tc, without_memory_nothing_is_promised, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
