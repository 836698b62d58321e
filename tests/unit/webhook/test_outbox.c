#include "config.h"
#include "test_webhook.h"

#include "bench.h"
#include "fixture.h"
#include "webhook/outbox.h"

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

struct add {
    const char *key, *target, *state;
    int64_t not_before_ms, now_ms;
    bool added;
};
static enum gr_err
run_add(struct db *db, void *arg)
{
    struct add *a = arg;
    struct outbox_effect e = {.key = gr_str(a->key),
                              .kind = GR_STR("notify"),
                              .target = gr_str(a->target),
                              .state = gr_str(a->state),
                              .not_before_ms = a->not_before_ms};

    return outbox_add(db, &e, a->now_ms, &a->added);
}

static bool
add(const char *key, const char *target, const char *state, int64_t not_before_ms, int64_t now_ms)
{
    struct add a = {key, target, state, not_before_ms, now_ms, false};

    bench_call(&bench, run_add, &a, GR_OK);
    return a.added;
}

struct claim {
    const char *target;
    int64_t now_ms;
    struct outbox_effect e;
};
static enum gr_err
run_claim(struct db *db, void *arg)
{
    struct claim *c = arg;

    return outbox_claim(db, bench.arena, c->target, c->now_ms, &c->e);
}

START_TEST(a_key_happens_once)
{
    ck_assert(add("k", "slack", "ready", 0, 10));
    ck_assert(!add("k", "slack", "ready", 0, 20));
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM effect"), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT created_ms FROM effect"), 10);
    ck_assert_int_eq(bench_number(&bench, "SELECT seen_ms FROM effect"), 20);
}
END_TEST

START_TEST(claimed_in_order_and_by_target)
{
    struct claim c = {.target = "slack", .now_ms = 100};

    ck_assert(add("late", "slack", "ready", 50, 1));
    ck_assert(add("early", "slack", "ready", 10, 1));
    ck_assert(add("future", "slack", "ready", 101, 1));
    ck_assert(add("other", "pagerduty", "ready", 1, 1));
    ck_assert(add("seen", "slack", "observed", 1, 1));
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "early"));
    ck_assert_int_eq(c.e.attempts, 1);
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "late"));
    bench_call(&bench, run_claim, &c, GR_ENOENT);
    c.now_ms = 101;
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "future"));
}
END_TEST

struct told {
    const char *key, *action, *guardrail;
    int64_t release_id;
};
static enum gr_err
run_tell(struct db *db, void *arg)
{
    const struct told *t = arg;
    struct outbox_effect e = {.key = gr_str(t->key),
                              .kind = GR_STR("notify"),
                              .target = GR_STR("slack"),
                              .action = gr_str(t->action),
                              .guardrail = gr_str(t->guardrail),
                              .release_id = t->release_id,
                              .state = GR_STR("ready")};
    bool added;

    return outbox_add(db, &e, 1, &added);
}

static enum gr_err
run_release(struct db *db, void *arg)
{
    (void)arg;
    return db_exec(db, "INSERT OR IGNORE INTO policy VALUES ('x', 'x', 0, x'00');"
                       "INSERT INTO release(id, spec, stream, deployment_id, state, phase, phase_n, phase_ms,"
                       " started_ms, started_by, reason, armed_epoch, armed_ms, had_traffic, policy_sha256)"
                       " VALUES (7, 'p', 's', 'd', 'running', 'x', 0, 0, 0, 'j', '', 1, 0, 0, 'x');");
}

static enum gr_err
run_retry(struct db *db, void *arg)
{
    return outbox_retry(db, *(int64_t *)arg, 500, GR_STR("later"));
}

static enum gr_err
run_finish(struct db *db, void *arg)
{
    return outbox_finish(db, *(int64_t *)arg, "done", GR_STR(""), 2);
}

/* What ends an incident does not overtake what began it, even when that is put back; others are not held up. */
START_TEST(messages_keep_their_order)
{
    static struct told told[] = {{"first", "a", "g", 7},
                                 {"second", "a", "g", 7},
                                 {"other guardrail", "a", "h", 7},
                                 {"other action", "b", "g", 7},
                                 {"no release", "a", "g", 0}};
    static const char *const order[] = {"first", "other guardrail", "other action", "no release"};
    struct claim c = {.target = "slack", .now_ms = 100};
    int64_t first = 0;

    bench_call(&bench, run_release, NULL, GR_OK);
    for (size_t i = 0; i < GR_COUNT(told); i++)
        bench_call(&bench, run_tell, &told[i], GR_OK);
    for (size_t i = 0; i < GR_COUNT(order); i++) {
        bench_call(&bench, run_claim, &c, GR_OK);
        ck_assert_msg(gr_str_is(c.e.key, order[i]), "%s instead of %s", c.e.key.p, order[i]);
        if (i == 0)
            first = c.e.id;
    }
    bench_call(&bench, run_claim, &c, GR_ENOENT); /* the first one runs */
    bench_call(&bench, run_retry, &first, GR_OK);
    bench_call(&bench, run_claim, &c, GR_ENOENT); /* and waits to be tried again */
    bench_call(&bench, run_finish, &first, GR_OK);
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "second"));
}
END_TEST

/* r1 and r2 belong to one release, r3 to another. */
static enum gr_err
run_belong(struct db *db, void *arg)
{
    enum gr_err err = run_release(db, arg);

    return err != GR_OK
               ? err
               : db_exec(
                     db,
                     "INSERT INTO release(id, spec, stream, deployment_id, state, phase, phase_n, phase_ms,"
                     " started_ms, started_by, reason, armed_epoch, armed_ms, had_traffic, policy_sha256)"
                     " SELECT 8, spec, 't', 'e', state, phase, 0, 0, 0, 'j', '', 1, 0, 0, 'x' FROM release;"
                     "UPDATE effect SET release_id = CASE key WHEN 'r3' THEN 8 ELSE 7 END;");
}

/* Two of one release never run side by side, whatever has led to the second; of two releases they do. */
START_TEST(one_rollback_of_a_release)
{
    struct claim c = {.target = "rollback", .now_ms = 100};
    int64_t first;

    ck_assert(add("r1", "rollback", "ready", 1, 1));
    ck_assert(add("r2", "rollback", "ready", 2, 2));
    ck_assert(add("r3", "rollback", "ready", 3, 3));
    bench_call(&bench, run_belong, NULL, GR_OK);
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "r1"));
    first = c.e.id;
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "r3"));
    bench_call(&bench, run_claim, &c, GR_ENOENT);
    bench_call(&bench, run_finish, &first, GR_OK);
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "r2"));
}
END_TEST

static enum gr_err
run_unclaim(struct db *db, void *arg)
{
    return outbox_unclaim(db, *(int64_t *)arg, 300);
}

static enum gr_err
run_postpone(struct db *db, void *arg)
{
    (void)arg;
    return outbox_postpone(db, "slack", GR_STR("a"), 200);
}

START_TEST(an_action_rests)
{
    static struct told told[] = {{"one", "a", "g", 0}, {"two", "a", "g", 0}, {"three", "b", "g", 0}};
    struct claim c = {.target = "slack", .now_ms = 100};

    for (size_t i = 0; i < GR_COUNT(told); i++)
        bench_call(&bench, run_tell, &told[i], GR_OK);
    bench_call(&bench, run_claim, &c, GR_OK);
    bench_call(&bench, run_unclaim, &c.e.id, GR_OK);
    bench_call(&bench, run_postpone, NULL, GR_OK);
    ck_assert_int_eq(bench_number(&bench, "SELECT sum(attempts) FROM effect"), 0);
    ck_assert_int_eq(bench_number(&bench, "SELECT not_before_ms FROM effect WHERE key = 'one'"), 300);
    ck_assert_int_eq(bench_number(&bench, "SELECT not_before_ms FROM effect WHERE key = 'two'"), 200);
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "three")); /* of another action */
    bench_call(&bench, run_claim, &c, GR_ENOENT);
    c.now_ms = 200;
    bench_call(&bench, run_claim, &c, GR_OK);
    ck_assert(gr_str_is(c.e.key, "two"));
}
END_TEST

static enum gr_err
run_recover(struct db *db, void *arg)
{
    return outbox_recover(db, arg);
}

START_TEST(what_ran_is_put_back_at_the_start)
{
    struct claim c = {.target = "slack", .now_ms = 100};
    int64_t n = 0;

    ck_assert(add("k", "slack", "ready", 0, 1));
    bench_call(&bench, run_claim, &c, GR_OK);
    bench_call(&bench, run_claim, &c, GR_ENOENT);
    ck_assert(add("later", "slack", "ready", 0, 2));
    bench_call(&bench, run_recover, &n, GR_OK);
    ck_assert_int_eq(n, 1);
    bench_call(&bench, run_claim, &c, GR_OK); /* not behind the one that came later */
    ck_assert(gr_str_is(c.e.key, "k"));
    ck_assert_int_eq(c.e.attempts, 2);
}
END_TEST

static enum gr_err
run_void(struct db *db, void *arg)
{
    return outbox_void(db, *(int64_t *)arg, GR_STR("why"), 5);
}

START_TEST(a_voided_key_is_free)
{
    struct claim c = {.target = "slack", .now_ms = 100};

    ck_assert(add("k", "slack", "ready", 0, 1));
    bench_call(&bench, run_claim, &c, GR_OK);
    bench_call(&bench, run_void, &c.e.id, GR_OK);
    ck_assert(add("k", "slack", "ready", 0, 1));
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM effect WHERE state = 'void'"), 1);
}
END_TEST

static enum gr_err
run_journal(struct db *db, void *arg)
{
    struct outbox_step s = {.effect_id = 1, .n = 0, .attempt = 1, .name = GR_STR("freeze"), .started_ms = 10},
                       *steps = NULL;
    size_t count = 0;
    enum gr_err err;

    (void)arg;
    if ((err = outbox_step_begin(db, &s)) != GR_OK)
        return err;
    s.state = STEP_FAILED;
    s.ended_ms = 20;
    s.detail = GR_STR("exit 3");
    if ((err = outbox_step_end(db, &s)) != GR_OK)
        return err;
    s.attempt = 2;
    s.started_ms = 30;
    if ((err = outbox_step_begin(db, &s)) != GR_OK ||
        (err = outbox_steps(db, bench.arena, 1, &steps, &count)) != GR_OK)
        return err;
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(steps[0].state, STEP_FAILED);
    ck_assert(gr_str_is(steps[0].detail, "exit 3"));
    ck_assert_int_eq(steps[1].state, STEP_RUNNING);
    ck_assert_int_eq(steps[1].ended_ms, 0);
    s.attempt = 3;
    return outbox_step_end(db, &s); /* never begun */
}

static enum gr_err
run_begin_twice(struct db *db, void *arg)
{
    struct outbox_step s = {.effect_id = 1, .attempt = 1, .name = GR_STR("freeze"), .started_ms = 10};
    enum gr_err err = outbox_step_begin(db, &s);

    (void)arg;
    return err == GR_OK ? outbox_step_begin(db, &s) : err;
}

START_TEST(the_journal)
{
    ck_assert(add("k", "rollback", "ready", 0, 1));
    bench_call(&bench, run_journal, NULL, GR_ENOENT);
    bench_call(&bench, run_begin_twice, NULL, GR_EEXIST); /* an attempt begins once */
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM step"), 0);
}
END_TEST

Suite *
outbox_suite(void)
{
    Suite *suite = suite_create("outbox");
    TCase *tc = tcase_create("outbox");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_key_happens_once);
    tcase_add_test(tc, claimed_in_order_and_by_target);
    tcase_add_test(tc, messages_keep_their_order);
    tcase_add_test(tc, one_rollback_of_a_release);
    tcase_add_test(tc, an_action_rests);
    tcase_add_test(tc, what_ran_is_put_back_at_the_start);
    tcase_add_test(tc, a_voided_key_is_free);
    tcase_add_test(tc, the_journal);
    suite_add_tcase(suite, tc);
    return suite;
}
