#include "config.h"
#include "test_webhook.h"

#include "bench.h"
#include "fixture.h"
#include "webhook/followup.h"

static struct bench bench;

static void
setup(void)
{
    bench_make(&bench);
}

static void
teardown(void)
{
    bench_remove(&bench);
}

static enum gr_err
run_sql(struct db *db, void *arg)
{
    return db_exec(db, arg);
}

static void
sql(const char *text)
{
    bench_call(&bench, run_sql, (void *)(uintptr_t)text, GR_OK);
}

/* A release in a state, and a page of it that was delivered. */
static void
told(const char *state, const char *action, const char *target)
{
    struct gr_str text = gr_arena_printf(
        bench.arena,
        "INSERT INTO release(id, spec, stream, deployment_id, state, phase, phase_n, phase_ms, started_ms, "
        "started_by, reason, armed_epoch, armed_ms, had_traffic, policy_sha256)"
        " VALUES (1, 'demo', 'cluster=equities', 'd1', '%s', 'phase_1', 1, 1, 1, 'jane', '', 1, 1, 1,"
        " (SELECT sha256 FROM policy));"
        "INSERT INTO effect(id, key, kind, action, target, release_id, deployment_id, stream, guardrail, "
        "level,"
        " phase, reason, epoch, recheck, state, not_before_ms, payload, created_ms, seen_ms, follow)"
        " VALUES (7, 'k', 'page', '%s', '%s', 1, 'd1', '', 'error_rate', 'hard', 'phase_1', 'why', 1, 0,"
        " 'done', 0, '{\"summary\":\"s\"}', 1, 1, 1);",
        state, action, target);

    sql(text.p);
}

struct turn {
    int64_t now_ms;
    size_t count;
};
static enum gr_err
run_follow(struct db *db, void *arg)
{
    struct turn *t = arg;

    return followup_add(db, &bench.app, bench.arena, t->now_ms, &t->count);
}

static int64_t
follow(int64_t now_ms)
{
    struct turn t = {.now_ms = now_ms};

    bench_call(&bench, run_follow, &t, GR_OK);
    return (int64_t)t.count;
}

static int64_t
effects(const char *where)
{
    struct gr_str text = gr_arena_printf(bench.arena, "SELECT count(*) FROM effect WHERE %s", where);

    return bench_number(&bench, text.p);
}

START_TEST(acknowledged_once)
{
    told("running", "page", "pagerduty");
    ck_assert_int_eq(follow(1000), 0);
    sql("UPDATE effect SET acked_by = 'jane', acked_ms = 900");
    ck_assert_int_eq(follow(1000), 1);
    ck_assert_int_eq(effects("kind = 'acknowledge' AND key = 'k|acknowledged' AND state = 'ready' AND"
                             " reason = 'acknowledged by jane' AND payload LIKE '%summary%'"),
                     1);
    ck_assert_int_eq(follow(2000), 0);
    ck_assert_int_eq(effects("id > 7"), 1);
}
END_TEST

/* Jira wants to hear of the end alone, and only if the policy names a transition; what is not told is settled all the same. */
START_TEST(nobody_wants_it)
{
    told("rolled_back", "ticket", "jira");
    sql("UPDATE effect SET acked_by = 'jane', acked_ms = 900");
    ck_assert_int_eq(follow(1000), 2);
    ck_assert_int_eq(effects("id > 7"), 0);
    ck_assert_int_eq(effects("follow = 3"), 1);
}
END_TEST

static const struct over_row {
    const char *name, *state;
    int open;       /* the episode: -1 there is none */
    int64_t ago_ms; /* since it was last seen */
    const char *of; /* its guardrail */
    int64_t followed;
} over_rows[] = {
    {"runs", "running", 0, 0, "error_rate", 0},
    {"halted", "halted", 0, 0, "error_rate", 0},
    {"rolls back", "rolling_back", 0, 0, "error_rate", 0},
    {"rolled back, the alert goes on", "rolled_back", 1, 0, "error_rate", 0},
    {"rolled back, the alert is over", "rolled_back", 0, 0, "error_rate", 1},
    {"rolled back, silent", "rolled_back", 1, FOLLOWUP_QUIET_MS, "error_rate", 1},
    {"rolled back, not yet silent", "rolled_back", 1, FOLLOWUP_QUIET_MS - 1, "error_rate", 0},
    {"aborted", "aborted", -1, 0, "error_rate", 1},
    {"general", "sealed", 0, 0, "error_rate", 1},
    {"another guardrail's goes on", "rolled_back", 1, 0, "refdata", 1},
    {"one that the policy does not know goes on", "rolled_back", 1, 0, "", 0},
};

START_TEST(over)
{
    const struct over_row *r = &over_rows[_i];
    const int64_t now = INT64_C(100000000);

    told(r->state, "page", "pagerduty");
    if (r->open >= 0)
        sql(gr_arena_printf(bench.arena,
                            "INSERT INTO episode(subject, release_id, number, open, opened_ms, seen_ms, "
                            "ended_ms, guardrail, level, slice, phase) VALUES ('s', 1, 1, %d, 1, %lld, 0, "
                            "'%s', 'hard', '', 'phase_1')",
                            r->open, (long long)(now - r->ago_ms), r->of)
                .p);
    ck_assert_msg(follow(now) == r->followed, "%s", r->name);
    ck_assert_int_eq(effects("kind = 'resolve' AND key = 'k|over'"), r->followed);
    ck_assert_int_eq(follow(now), 0);
}
END_TEST

START_TEST(an_outage)
{
    sql("INSERT INTO effect(id, key, kind, action, target, deployment_id, stream, guardrail, level, phase, "
        "reason, epoch, recheck, state, not_before_ms, payload, created_ms, seen_ms, follow) VALUES (7, "
        "'page|blind|demo|1|page', 'page', 'page', 'pagerduty', '', '', '', 'hard', '', 'why', 0, 0, 'done', "
        "0, "
        "'{}', 1, 1, 1); UPDATE watchdog SET open = 1;");
    ck_assert_int_eq(follow(1000), 0);
    sql("UPDATE watchdog SET open = 0");
    ck_assert_int_eq(follow(1000), 1);
    ck_assert_int_eq(effects("kind = 'resolve' AND reason = 'the watchdog is back for good'"), 1);
}
END_TEST

/* Who takes the page takes the newest notice of each action, once for each acknowledgement; in Slack all is over at once. */
START_TEST(notices)
{
    told("running", "page", "pagerduty");
    sql("INSERT INTO effect(id, key, kind, action, target, release_id, deployment_id, stream, guardrail, "
        "level, "
        "phase, reason, epoch, recheck, state, not_before_ms, payload, created_ms, seen_ms, follow)"
        " SELECT id + 1, key || id, 'notify', 'notify', 'slack', release_id, deployment_id, stream, "
        "guardrail, "
        "level, phase, reason, epoch, recheck, state, not_before_ms, payload, created_ms, seen_ms, 1 FROM "
        "effect;"
        "INSERT INTO effect(id, key, kind, action, target, release_id, deployment_id, stream, guardrail, "
        "level, "
        "phase, reason, epoch, recheck, state, not_before_ms, payload, created_ms, seen_ms, follow)"
        " SELECT id + 1, key || id, 'notify', 'notify', 'slack', release_id, deployment_id, stream, "
        "guardrail, "
        "level, phase, reason, epoch, recheck, state, not_before_ms, payload, created_ms, seen_ms, 1 FROM "
        "effect"
        " WHERE id = 8;"
        "UPDATE effect SET acked_by = 'jane', acked_ms = 900 WHERE id = 7");
    ck_assert_int_gt(follow(1000), 0);
    ck_assert_int_eq(effects("id IN (8, 9) AND acked_ms = 900"), 1);
    ck_assert_int_eq(effects("id = 9 AND acked_by = 'jane'"), 1);
}
END_TEST

struct dead {
    int64_t id;
};
static enum gr_err
run_dead(struct db *db, void *arg)
{
    struct dead *d = arg;
    struct outbox_effect e;
    enum gr_err err = outbox_get(db, bench.arena, d->id, &e);

    return err == GR_OK ? followup_dead(db, &bench.app, bench.arena, &e, GR_STR("status 400"), 1000) : err;
}

START_TEST(dead_letters)
{
    told("running", "page", "pagerduty"); /* escalates to the commander */
    sql("UPDATE effect SET escalate_ms = 5000");
    bench_call(&bench, run_dead, &(struct dead){7}, GR_OK);
    ck_assert_int_eq(effects("id > 7 AND action = 'commander' AND kind = 'page' AND"
                             " reason = 'page could not be told (status 400): why'"),
                     1);
    ck_assert_int_eq(effects("id = 7 AND escalate_ms IS NOT NULL"), 0); /* it has been told already */
    bench_call(&bench, run_dead, &(struct dead){7}, GR_OK);
    ck_assert_int_eq(effects("id > 7"), 1);
    /* The commander has nobody behind him: another pager is told; and then it ends. */
    sql("UPDATE effect SET id = 20 WHERE id > 7");
    bench_call(&bench, run_dead, &(struct dead){20}, GR_OK);
    ck_assert_int_eq(effects("id > 20"), 0);
}
END_TEST

START_TEST(dead_letters_of_notices)
{
    told("running", "notify", "slack");
    sql("UPDATE effect SET kind = 'notify'");
    bench_call(&bench, run_dead, &(struct dead){7}, GR_OK);
    ck_assert_int_eq(effects("id > 7"), 0); /* nobody is woken for a notice */
    sql("UPDATE effect SET kind = 'page'");
    bench_call(&bench, run_dead, &(struct dead){7}, GR_OK);
    ck_assert_int_eq(effects("id > 7 AND target = 'pagerduty'"), 1);
    sql("UPDATE effect SET kind = 'resolve', key = 'x|over' WHERE id = 7");
    bench_call(&bench, run_dead, &(struct dead){7}, GR_OK);
    ck_assert_int_eq(effects("id > 7"), 1);
}
END_TEST

START_TEST(whose)
{
    struct outbox_effect e = {.key = GR_STR("a/b|acknowledged"),
                              .kind = GR_STR("acknowledge"),
                              .reason = GR_STR("acknowledged by jane")};

    ck_assert(gr_str_is(followup_of(&e), "a/b") && gr_str_is(followup_by(&e), "jane"));
    e = (struct outbox_effect){.key = GR_STR("a/b|over"), .kind = GR_STR("resolve"), .reason = GR_STR("x")};
    ck_assert(gr_str_is(followup_of(&e), "a/b") && followup_by(&e).n == 0);
    e.kind = GR_STR("page");
    ck_assert(gr_str_is(followup_of(&e), "a/b|over"));
}
END_TEST

Suite *
followup_suite(void)
{
    Suite *s = suite_create("followup");
    TCase *tc = tcase_create("followup");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, acknowledged_once);
    tcase_add_test(tc, nobody_wants_it);
    tcase_add_loop_test(tc, over, 0, GR_COUNT(over_rows));
    tcase_add_test(tc, an_outage);
    tcase_add_test(tc, notices);
    tcase_add_test(tc, dead_letters);
    tcase_add_test(tc, dead_letters_of_notices);
    tcase_add_test(tc, whose);
    suite_add_tcase(s, tc);
    return s;
}
