#include "config.h"
#include "test_webhook.h"
#include "webhook/pace.h"

#include <stdio.h>

#define A GR_STR("#deploy-ops")
#define B GR_STR("#risk")

START_TEST(a_burst_then_the_pace)
{
    struct pace p = {0};

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pace_take(&p, A, 1000, 3, 5000), 0);
    ck_assert_int_eq(pace_take(&p, A, 1000, 3, 5000), 1001);
    ck_assert_int_eq(pace_take(&p, B, 1000, 3, 5000), 0); /* no other is concerned */
    ck_assert_int_eq(pace_take(&p, A, 1000, 3, 5400), 601);
    ck_assert_int_eq(pace_take(&p, A, 1000, 3, 6001), 0);
    ck_assert_int_gt(pace_take(&p, A, 1000, 3, 6001), 0);
}
END_TEST

START_TEST(fills_no_further_than_the_burst)
{
    struct pace p = {0};

    ck_assert_int_eq(pace_take(&p, A, 1000, 2, 0), 0);
    ck_assert_int_eq(pace_take(&p, A, 1000, 2, 1000000), 0);
    ck_assert_int_eq(pace_take(&p, A, 1000, 2, 1000000), 0);
    ck_assert_int_gt(pace_take(&p, A, 1000, 2, 1000000), 0);
}
END_TEST

START_TEST(no_limit)
{
    struct pace p = {0};

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(pace_take(&p, A, 0, 1, 0) + pace_take(&p, GR_STR(""), 1000, 1, 0), 0);
}
END_TEST

START_TEST(a_clock_that_goes_back)
{
    struct pace p = {0};

    ck_assert_int_eq(pace_take(&p, A, 1000, 1, 5000), 0);
    ck_assert_int_gt(pace_take(&p, A, 1000, 1, 4000), 0);
    ck_assert_int_eq(pace_take(&p, A, 1000, 1, 5001), 0);
}
END_TEST

START_TEST(more_keys_than_rows)
{
    struct pace p = {0};
    char key[2 * PACE_KEY_BYTES];

    ck_assert_int_eq(pace_take(&p, A, 100000, 1, 0), 0);
    for (unsigned i = 1; i <= PACE_ROWS; i++) {
        (void)snprintf(key, sizeof key, "%u", i);
        ck_assert_int_eq(pace_take(&p, gr_str(key), 100000, 1, (int64_t)i), 0);
    }
    ck_assert_int_eq(pace_take(&p, A, 100000, 1, 100), 0); /* forgotten, as the oldest */
    ck_assert_int_gt(pace_take(&p, gr_str(key), 100000, 1, 100), 0);
    memset(key, 'k', sizeof key);
    ck_assert_int_eq(pace_take(&p, (struct gr_str){key, sizeof key}, 100000, 1, 200), 0);
    ck_assert_int_gt(pace_take(&p, (struct gr_str){key, sizeof key}, 100000, 1, 200), 0);
}
END_TEST

Suite *
pace_suite(void)
{
    Suite *s = suite_create("pace");
    TCase *tc = tcase_create("pace");

    tcase_add_test(tc, a_burst_then_the_pace);
    tcase_add_test(tc, fills_no_further_than_the_burst);
    tcase_add_test(tc, no_limit);
    tcase_add_test(tc, a_clock_that_goes_back);
    tcase_add_test(tc, more_keys_than_rows);
    suite_add_tcase(s, tc);
    return s;
}
