/* Entering phases whose traffic guardraild splits itself, and deviations from the schedule. */
#include "config.h"
#include "test_webhook.h"

#include <string.h>
#include "bench.h"
#include "fixture.h"
#include "webhook/outbox.h"

static struct bench bench;

/* The checked-in policy; phases 1 to 3 have a step that splits the traffic. */
static void
setup(void)
{
    struct gr_buf text = GR_BUF_INIT(GR_POLICY_BYTES_MAX);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct policy *p = NULL;
    static const char *const traffic[] = {"\"traffic\": {\"making\": 0.01,",
                                          "\"traffic\": {\"making\": 0.05,", "\"traffic\": {\"making\": 1,"};

    fixture_text(&text);
    for (size_t i = 0; i < GR_COUNT(traffic); i++) {
        struct gr_buf with = GR_BUF_INIT(4096);
        gr_buf_printf(&with,
                      "\"on_enter\": [{\"name\": \"split\", \"run\": [\"bin/split\", \"{phase}\", "
                      "\"{traffic_share}\"], \"timeout_ms\": 1000, \"retries\": 1}], %s",
                      traffic[i]);
        fixture_replace(&text, traffic[i], gr_buf_cstr(&with));
        gr_buf_fini(&with);
    }
    ck_assert_int_eq(policy_parse(GR_STR("p"), gr_buf_str(&text), sources, d, &p), GR_OK);
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_buf_fini(&text);
    bench_make_with(&bench, p);
}

static void
teardown(void)
{
    bench_remove(&bench);
}

enum verb {
    START,
    ADVANCE,
    OVERRIDE,
    OPEN_GATE,
    ENTERED,
    NOT_ENTERED,
    DEVIATE,
    HALT,
    ROLL_BACK,
    ABORT,
    CANCEL,
    RESUME,
    ACK,
    HOLD
};
struct act {
    enum verb verb;
    int64_t now_ms;
    bool observing;
    const char *commander, *phase;
    struct release_deviation deviation;
    struct release r;
    struct gr_buf why;
};

static enum gr_err
run(struct db *db, void *arg)
{
    struct act *a = arg;
    struct release_act by = {.by = GR_STR("jane"),
                             .reason = GR_STR("because"),
                             .commander = a->commander ? gr_str(a->commander) : GR_STR(""),
                             .now_ms = a->now_ms,
                             .drive = !a->observing};
    struct release_enter enter = {.by = GR_STR("jane"), .note = GR_STR("because"), .commander = by.commander};
    struct release_breach breach = {
        .guardrail = GR_STR("error_rate"), .level = GR_STR("hard"), .side = GR_STR("upper")};
    struct release_acked acked;
    bool asked = false;
    enum gr_err err;

    gr_buf_reset(&a->why);
    if (a->verb == START)
        return release_start(db, &bench.policies, fixture_labels(bench.arena, "cluster=equities"),
                             GR_STR("d1"), &by, &a->r, &a->why);
    if ((err = release_find(db, &bench.policies, GR_STR("d1"), &a->r)) != GR_OK)
        return err;
    switch (a->verb) {
    case ADVANCE:
    case OVERRIDE:
        return release_advance(db, &a->r, a->r.version, a->verb == OVERRIDE, &by, &a->why);
    case OPEN_GATE:
        return release_override(db, &a->r, a->now_ms + 60000, &by, &a->why);
    case ENTERED:
        return release_entered(db, &a->r, a->phase, &enter, &by);
    case NOT_ENTERED:
        return release_not_entered(db, &a->r, true, &by);
    case DEVIATE:
        return release_deviate(db, &a->r, &a->deviation, &by, &a->why);
    case HALT:
        return release_halt(db, &a->r, &by, &breach);
    case ROLL_BACK:
        return release_rolling_back(db, &a->r, &by, &breach);
    case ABORT:
        return release_abort(db, &a->r, &by, &a->why);
    case CANCEL:
        return release_cancel(db, &a->r, false, &asked, &by, &a->why);
    case RESUME:
        return release_resume(db, &a->r, &by, &a->why);
    case ACK:
        return release_ack(db, &a->r, GR_STR(""), &by, &acked, &a->why);
    case HOLD:
        return release_hold(db, &a->r, a->now_ms + 1000, &by, &a->why);
    case START:
        break;
    }
    return GR_ESTATE;
}

static enum gr_err
act(struct act *a)
{
    enum gr_err err;

    gr_buf_init(&a->why, 4096);
    err = store_call(bench.app.store, run, a);
    if (err == GR_ESTATE && a->verb != ENTERED)
        ck_assert_msg(a->why.n > 0, "refused without words");
    gr_buf_fini(&a->why);
    return err;
}
#define ACT(...) act(&(struct act){__VA_ARGS__})

static struct release
look(void)
{
    struct act a = {.verb = ENTERED, .phase = "none"};

    (void)act(&a); /* refused, but read */
    return a.r;
}

static enum gr_err
run_sql(struct db *db, void *sql)
{
    return db_exec(db, sql);
}

static void
bench_sql(struct bench *b, const char *sql)
{
    bench_call(b, run_sql, (void *)(uintptr_t)sql, GR_OK);
}

struct claim {
    const char *target;
    int got;
};

static enum gr_err
run_claim(struct db *db, void *arg)
{
    struct claim *c = arg;
    struct outbox_effect e;
    enum gr_err err = outbox_claim(db, bench.arena, c->target, 1000000, &e);

    c->got = err == GR_OK;
    return err == GR_ENOENT ? GR_OK : err;
}

static int
bench_claims(struct bench *b, const char *target)
{
    struct claim c = {.target = target};

    bench_call(b, run_claim, &c, GR_OK);
    return c.got;
}

static enum gr_err
add_rollback(struct db *db, void *arg)
{
    bool added;

    return outbox_add(db,
                      &(struct outbox_effect){.key = GR_STR("r"),
                                              .kind = GR_STR("rollback"),
                                              .target = GR_STR(OUTBOX_TARGET_ROLLBACK),
                                              .release_id = *(int64_t *)arg,
                                              .state = GR_STR("ready")},
                      990000, &added);
}

static void
bench_add_rollback(struct bench *b, int64_t release_id)
{
    bench_call(b, add_rollback, &release_id, GR_OK);
}

START_TEST(a_phase_counts_when_its_split_is_in_force)
{
    struct release r;

    ck_assert_int_eq(ACT(.verb = START, .now_ms = 1000), GR_OK);
    ck_assert_str_eq(look().entering, ""); /* a shadow phase has no traffic */
    ck_assert_int_eq(ACT(.verb = ADVANCE, .now_ms = 2000), GR_OK);
    r = look();
    ck_assert_str_eq(r.phase, "preflight");
    ck_assert_str_eq(r.entering, "phase_1");
    ck_assert(r.had_traffic);                                          /* there may be some already */
    ck_assert_int_eq(ACT(.verb = ADVANCE, .now_ms = 2500), GR_ESTATE); /* once is enough */
    ck_assert_int_eq(
        bench_number(&bench, "SELECT count(*) FROM effect WHERE target = 'enter' AND state = 'ready'"), 1);
    ck_assert_int_eq(ACT(.verb = ENTERED, .phase = "phase_2", .now_ms = 3000), GR_ESTATE); /* not that one */
    ck_assert_int_eq(ACT(.verb = ENTERED, .phase = "phase_1", .now_ms = 3000), GR_OK);
    r = look();
    ck_assert_str_eq(r.phase, "phase_1");
    ck_assert_str_eq(r.entering, "");
    ck_assert_int_eq(r.phase_ms, 3000);
    ck_assert_int_eq(
        bench_number(&bench, "SELECT count(*) FROM record WHERE body LIKE '%\"decision\":\"promote\"%'"), 1);
    ck_assert_int_eq(ACT(.verb = ENTERED, .phase = "phase_1", .now_ms = 3000), GR_ESTATE);
}
END_TEST

/* Modes that carry nothing out only write down that there was something to do. */
START_TEST(observing_enters_at_once)
{
    ck_assert_int_eq(ACT(.verb = START, .observing = true), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE, .observing = true), GR_OK);
    ck_assert_str_eq(look().phase, "phase_1");
    ck_assert_int_eq(
        bench_number(&bench, "SELECT count(*) FROM effect WHERE target = 'enter' AND state = 'observed'"), 1);
}
END_TEST

static const struct {
    const char *name;
    enum verb verb;
    enum release_state state;
} winners[] = {
    {"rollback", ROLL_BACK, RELEASE_ROLLING_BACK},
    {"halt", HALT, RELEASE_HALTED},
    {"abort", ABORT, RELEASE_ABORTED},
    {"cancel", CANCEL, RELEASE_RUNNING},
};
START_TEST(whatever_else_happens_wins)
{
    struct release r;

    ck_assert_int_eq(ACT(.verb = START), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE), GR_OK);
    ck_assert_int_eq(ACT(.verb = winners[_i].verb), GR_OK);
    r = look();
    ck_assert_int_eq(r.state, winners[_i].state);
    ck_assert_str_eq(r.entering, "");
    ck_assert_int_eq(ACT(.verb = ENTERED, .phase = "phase_1"), GR_ESTATE);
    ck_assert_str_eq(look().phase, "preflight");
}
END_TEST

/* A rollback is not begun while a program may still move traffic. */
START_TEST(a_rollback_waits_for_the_running_split)
{
    ck_assert_int_eq(ACT(.verb = START), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE), GR_OK);
    ck_assert_int_eq(bench_claims(&bench, OUTBOX_TARGET_ROLLBACK), 0);
    bench_add_rollback(&bench, look().id);
    ck_assert_int_eq(bench_claims(&bench, OUTBOX_TARGET_ENTER), 1); /* running now */
    ck_assert_int_eq(bench_claims(&bench, OUTBOX_TARGET_ROLLBACK), 0);
    bench_sql(&bench, "UPDATE effect SET state = 'cancelled' WHERE target = 'enter'");
    ck_assert_int_eq(bench_claims(&bench, OUTBOX_TARGET_ROLLBACK), 1);
    /* Whatever became of the split: a rollback does not wait for ever. */
    bench_sql(&bench, "UPDATE effect SET state = 'running' WHERE target = 'enter'");
    bench_sql(&bench, "UPDATE effect SET state = 'ready', created_ms = 984000 WHERE target = 'rollback'");
    ck_assert_int_eq(bench_claims(&bench, OUTBOX_TARGET_ROLLBACK), 1);
}
END_TEST

START_TEST(a_failed_split_holds)
{
    struct release r;

    ck_assert_int_eq(ACT(.verb = START), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE), GR_OK);
    ck_assert_int_eq(ACT(.verb = NOT_ENTERED), GR_OK);
    r = look();
    ck_assert_str_eq(r.phase, "preflight");
    ck_assert_str_eq(r.promotion_hold, "because");
    ck_assert_str_eq(r.entering, "");
    ck_assert_int_eq(ACT(.verb = RESUME), GR_OK);
    ck_assert_str_eq(look().entering, ""); /* preflight has no split to go back to */
    ck_assert_int_eq(ACT(.verb = ADVANCE), GR_OK);
    ck_assert_int_eq(ACT(.verb = ENTERED, .phase = "phase_1", .now_ms = 5000), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE), GR_OK);
    bench_sql(&bench, "UPDATE effect SET state = 'failed' WHERE target = 'enter'");
    ck_assert_int_eq(ACT(.verb = NOT_ENTERED), GR_OK);
    ck_assert_int_eq(ACT(.verb = RESUME, .now_ms = 6000), GR_OK);
    ck_assert_str_eq(look().entering, "phase_1"); /* the split of where it stands is put back */
    ck_assert_int_eq(ACT(.verb = ENTERED, .phase = "phase_1", .now_ms = 7000), GR_OK);
    r = look();
    ck_assert_int_eq(r.phase_ms, 7000);
    ck_assert_int_eq(r.phase_n, 2);
}
END_TEST

/* General availability is sealed when all traffic is there, and not before; nothing changes afterwards. */
START_TEST(sealed_is_the_end)
{
    static const enum verb verbs[] = {ADVANCE, OVERRIDE, OPEN_GATE, DEVIATE, ABORT, CANCEL, RESUME, HOLD};
    int64_t records, version;

    ck_assert_int_eq(ACT(.verb = START, .observing = true), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE, .observing = true), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE, .observing = true), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE), GR_OK);
    ck_assert_int_eq(look().state, RELEASE_RUNNING);
    ck_assert_int_eq(ACT(.verb = ENTERED, .phase = "general"), GR_OK);
    ck_assert_int_eq(look().state, RELEASE_SEALED);
    records = bench_number(&bench, "SELECT count(*) FROM record");
    version = look().version;
    for (size_t i = 0; i < GR_COUNT(verbs); i++)
        ck_assert_int_eq(ACT(.verb = verbs[i], .commander = "kim"), GR_ESTATE);
    ck_assert_int_eq(ACT(.verb = HALT), GR_OK); /* guardraild's own: nothing comes of them */
    ck_assert_int_eq(ACT(.verb = ROLL_BACK), GR_OK);
    bench_sql(
        &bench,
        "INSERT INTO episode(subject, release_id, number, open, opened_ms, seen_ms, ended_ms, guardrail,"
        " level, slice, phase) SELECT 's', id, 1, 0, 1, 1, 1, 'error_rate', 'soft', '', 'phase_1' FROM "
        "release");
    ck_assert_int_eq(ACT(.verb = ACK), GR_OK); /* somebody may still take a page */
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM record"), records);
    ck_assert_int_eq(look().version, version);
    ck_assert_int_eq(look().state, RELEASE_SEALED);
}
END_TEST

/* ---- off the schedule ---- */

START_TEST(off_the_schedule_needs_a_commander)
{
    struct release r;

    ck_assert_int_eq(ACT(.verb = START, .now_ms = 1000, .observing = true), GR_OK);
    ck_assert_int_eq(ACT(.verb = OVERRIDE, .now_ms = 2000, .observing = true), GR_ESTATE);
    ck_assert_int_eq(ACT(.verb = OPEN_GATE, .now_ms = 2000, .observing = true), GR_ESTATE);
    ck_assert_int_eq(ACT(.verb = OVERRIDE, .now_ms = 2000, .commander = "kim", .observing = true), GR_OK);
    ck_assert_int_eq(
        bench_number(&bench, "SELECT count(*) FROM phase WHERE commander = 'kim' AND override = 1"), 1);
    ck_assert_int_eq(
        bench_number(&bench, "SELECT count(*) FROM record WHERE body LIKE '%\"commander\":\"kim\"%'"), 1);
    r = look();
    ck_assert_int_eq(ACT(.verb = OVERRIDE, .now_ms = 2000 + r.phase_row->min_duration_ms, .observing = true),
                     GR_OK); /* in time */
    r = look();
    ck_assert_int_eq(
        ACT(.verb = OVERRIDE, .now_ms = r.phase_ms + r.phase_row->max_duration_ms + 1, .observing = true),
        GR_ESTATE); /* too late */
}
END_TEST

START_TEST(a_phase_can_last_shorter_or_longer)
{
    struct release r;
    int64_t min;

    ck_assert_int_eq(ACT(.verb = START, .now_ms = 1000), GR_OK);
    min = look().phase_row->min_duration_ms;
    ck_assert_int_eq(ACT(.verb = DEVIATE, .commander = "kim", .deviation = {.lasts_ms = 60000}), GR_OK);
    r = look();
    ck_assert_int_eq(release_ripe_ms(&r), 61000);
    r.extend_ms = 2000; /* what a soft breach asks for is the policy's */
    ck_assert_int_eq(release_ripe_ms(&r), 2000 + min);
    ck_assert_int_eq(ACT(.verb = DEVIATE, .commander = "kim", .deviation = {.lasts_ms = 4 * min}), GR_OK);
    ck_assert_int_eq(ACT(.verb = DEVIATE, .commander = "kim", .deviation = {.lasts_ms = 4 * min + 1}),
                     GR_ESTATE);
    r = look();
    ck_assert_int_eq(release_ripe_ms(&r), 1000 + 4 * min);
    ck_assert_int_eq(release_late_ms(&r), 1000 + 4 * min);
    ck_assert_int_eq(
        bench_number(&bench, "SELECT count(*) FROM record WHERE body LIKE '%\"decision\":\"deviation\"%'"),
        2);
    ck_assert_int_eq(ACT(.verb = ADVANCE, .now_ms = 5000, .observing = true), GR_OK);
    r = look();
    ck_assert(!release_deviates(&r)); /* of that phase alone */
    ck_assert_int_eq(release_ripe_ms(&r), 5000 + r.phase_row->min_duration_ms);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM phase WHERE n = 2 AND commander = 'kim'"), 1);
}
END_TEST

START_TEST(phases_can_be_skipped)
{
    ck_assert_int_eq(ACT(.verb = START), GR_OK);
    ck_assert_int_eq(ACT(.verb = DEVIATE, .commander = "kim", .deviation = {.to = GR_STR("nowhere")}),
                     GR_ESTATE);
    ck_assert_int_eq(ACT(.verb = DEVIATE, .commander = "kim", .deviation = {.to = GR_STR("preflight")}),
                     GR_ESTATE);
    ck_assert_int_eq(ACT(.verb = DEVIATE, .commander = "kim", .deviation = {.to = GR_STR("phase_2")}), GR_OK);
    ck_assert_int_eq(ACT(.verb = ADVANCE, .observing = true), GR_OK);
    ck_assert_str_eq(look().phase, "phase_2");
    ck_assert_int_eq(ACT(.verb = ADVANCE, .observing = true), GR_OK);
    ck_assert_str_eq(look().phase, "general");
}
END_TEST

START_TEST(other_shares_begin_the_phase_anew)
{
    struct gr_buf shares = GR_BUF_INIT(256);
    struct release r;

    ck_assert_int_eq(ACT(.verb = START, .now_ms = 1000), GR_OK);
    ck_assert_int_eq(
        ACT(.verb = DEVIATE, .commander = "kim", .deviation = {.share = GR_STR("{\"making\":0.02}")}),
        GR_ESTATE); /* a shadow phase has none */
    ck_assert_int_eq(ACT(.verb = ADVANCE, .now_ms = 2000, .observing = true), GR_OK);
    ck_assert_int_eq(ACT(.verb = DEVIATE, .commander = "kim", .now_ms = 3000,
                         .deviation = {.share = GR_STR("{\"making\":0.02}")}),
                     GR_OK);
    r = look();
    ck_assert_str_eq(r.entering, "phase_1");
    ck_assert_int_eq(r.phase_ms, 2000);
    ck_assert_int_eq(ACT(.verb = ENTERED, .phase = "phase_1", .now_ms = 4000), GR_OK);
    r = look();
    ck_assert_int_eq(r.phase_ms, 4000);
    release_print_shares(&shares, &r, r.phase_row);
    ck_assert_str_eq(gr_buf_cstr(&shares), "making=0.02,agency=0.005");
    gr_buf_reset(&shares);
    release_print_shares(&shares, &r, release_next(&r)); /* the plan of the next one stands */
    ck_assert_str_eq(gr_buf_cstr(&shares), "making=0.05,agency=0.02");
    gr_buf_fini(&shares);
}
END_TEST

Suite *
schedule_suite(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tc = tcase_create("schedule");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_phase_counts_when_its_split_is_in_force);
    tcase_add_test(tc, observing_enters_at_once);
    tcase_add_loop_test(tc, whatever_else_happens_wins, 0, GR_COUNT(winners));
    tcase_add_test(tc, a_rollback_waits_for_the_running_split);
    tcase_add_test(tc, a_failed_split_holds);
    tcase_add_test(tc, sealed_is_the_end);
    tcase_add_test(tc, off_the_schedule_needs_a_commander);
    tcase_add_test(tc, a_phase_can_last_shorter_or_longer);
    tcase_add_test(tc, phases_can_be_skipped);
    tcase_add_test(tc, other_shares_begin_the_phase_anew);
    suite_add_tcase(suite, tc);
    return suite;
}
