#include "config.h"
#include "test_webhook.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench.h"
#include "fixture.h"
#include "guardrail/file.h"
#include "webhook/recorder.h"

static struct bench bench;

static enum gr_err
run_start(struct db *db, void *arg)
{
    struct release_act act = {
        .by = GR_STR("jane"), .reason = GR_STR("first: \"try\"\nsecond line"), .now_ms = 1000};
    struct gr_buf why = GR_BUF_INIT(1024);
    enum gr_err err = release_start(db, &bench.policies, fixture_labels(bench.arena, "cluster=equities"),
                                    GR_STR("d1"), &act, arg, &why);

    gr_buf_fini(&why);
    return err;
}

static enum gr_err
run_abort(struct db *db, void *arg)
{
    struct release_act act = {.by = GR_STR("jane"), .reason = GR_STR("enough"), .now_ms = 2000};
    struct gr_buf why = GR_BUF_INIT(1024);
    enum gr_err err = release_abort(db, arg, &act, &why);

    gr_buf_fini(&why);
    return err;
}

static struct release release;
static char path[400];

static void
setup(void)
{
    bench_make(&bench);
    bench_call(&bench, run_start, &release, GR_OK);
    (void)snprintf(path, sizeof path, "%s/release_decisions/d1.yaml", bench.folder);
}

static void
teardown(void)
{
    bench_remove(&bench);
}

static struct recorder *
start(const char *dir)
{
    struct recorder *r = NULL;

    ck_assert_int_eq(recorder_start(&(struct recorder_options){.store = bench.app.store,
                                                               .policies = &bench.policies,
                                                               .reports_dir = dir},
                                    &r),
                     GR_OK);
    return r;
}

static void
read_record(struct gr_buf *b)
{
    gr_buf_reset(b);
    ck_assert_int_eq(gr_file_read(path, b), GR_OK);
}

START_TEST(written_whole_each_time)
{
    struct gr_buf first = GR_BUF_INIT(1u << 20), second = GR_BUF_INIT(1u << 20);
    struct recorder *r = start(bench.folder);

    ck_assert(recorder_wait(r, 10000));
    read_record(&first);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&first), "decision: start\n"));
    bench_call(&bench, run_abort, &release, GR_OK);
    ck_assert(recorder_wait(r, 10000));
    read_record(&second);
    ck_assert(gr_str_starts(gr_buf_str(&second), gr_buf_str(&first)));
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&second), "decision: abort\n"));
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM record WHERE written_ms IS NULL"), 0);
    ck_assert_uint_eq(recorder_failures(r), 0);
    recorder_stop(r);
    gr_buf_fini(&first);
    gr_buf_fini(&second);
}
END_TEST

START_TEST(what_a_crash_left_is_written_at_the_next_start)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);
    struct recorder *r = start(bench.folder);

    ck_assert(recorder_wait(r, 10000)); /* nothing was asked of this one before */
    read_record(&b);
    recorder_stop(r);
    gr_buf_fini(&b);
}
END_TEST

static enum gr_err
run_unconfirmed(struct db *db, void *arg)
{
    struct release_act act = {.by = GR_STR("guardraild"), .reason = GR_STR("not confirmed"), .now_ms = 1500};
    struct release_breach breach = {
        .guardrail = GR_STR("error_rate"), .level = GR_STR("hard"), .side = GR_STR("")};

    enum gr_err err = release_rolling_back(db, arg, &act, &breach);

    return err == GR_OK ? release_unconfirmed(db, arg, &act, &breach) : err;
}

/* Each waits for the values of those after it, and that is no failure. */
START_TEST(many_at_once)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);
    struct recorder *r;

    for (int i = 0; i < 20; i++)
        bench_call(&bench, run_unconfirmed, &release, GR_OK);
    r = start(bench.folder);
    ck_assert(recorder_wait(r, 10000));
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM record WHERE written_ms IS NULL"), 0);
    ck_assert_uint_eq(recorder_failures(r), 0);
    read_record(&b);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&b), "not confirmed"));
    recorder_stop(r);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(no_folder_is_told_and_tried_again)
{
    char file[300];
    struct recorder *r;

    (void)snprintf(file, sizeof file, "%s/not-a-folder", bench.folder);
    fixture_file(bench.folder, "not-a-folder", "x", 0600);
    r = start(file);
    ck_assert(!recorder_wait(r, 1000));
    ck_assert_uint_ge(recorder_failures(r), 1);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM record WHERE written_ms IS NULL"), 1);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert(recorder_wait(r, 10000));
    recorder_stop(r);
}
END_TEST

Suite *
recorder_suite(void)
{
    Suite *suite = suite_create("recorder");
    TCase *tc = tcase_create("recorder");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, written_whole_each_time);
    tcase_add_test(tc, what_a_crash_left_is_written_at_the_next_start);
    tcase_add_test(tc, many_at_once);
    tcase_add_test(tc, no_folder_is_told_and_tried_again);
    suite_add_tcase(suite, tc);
    return suite;
}
