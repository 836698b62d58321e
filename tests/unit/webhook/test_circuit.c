#include "config.h"
#include "test_webhook.h"
#include "webhook/circuit.h"

#include <stdio.h>

#define A GR_STR("slack-a")
#define B GR_STR("slack-b")

START_TEST(rests_after_five)
{
    struct circuit c = {0};

    for (uint32_t i = 1; i < CIRCUIT_FAILURES; i++)
        ck_assert(!circuit_note(&c, A, true, 1000));
    ck_assert_int_eq(circuit_rest_ms(&c, A, 1000), 0);
    ck_assert(circuit_note(&c, A, true, 1000));
    ck_assert_int_eq(circuit_rest_ms(&c, A, 1000), CIRCUIT_REST_MS);
    ck_assert_int_eq(circuit_rest_ms(&c, B, 1000), 0); /* no other is concerned */
    ck_assert_int_eq(circuit_rest_ms(&c, A, 1000 + CIRCUIT_REST_MS), 0);
    ck_assert(circuit_note(&c, A, true, 1000 + CIRCUIT_REST_MS)); /* one try, and again */
    ck_assert_int_eq(circuit_rest_ms(&c, A, 1001 + CIRCUIT_REST_MS), CIRCUIT_REST_MS - 1);
}
END_TEST

START_TEST(success_forgets)
{
    struct circuit c = {0};

    for (uint32_t i = 1; i < CIRCUIT_FAILURES; i++)
        ck_assert(!circuit_note(&c, A, true, 1000));
    ck_assert(!circuit_note(&c, A, false, 1000));
    ck_assert(!circuit_note(&c, A, true, 1000));
    ck_assert(!circuit_note(&c, B, false, 1000)); /* of whom nothing is known */
    ck_assert_int_eq(circuit_rest_ms(&c, A, 1000), 0);
}
END_TEST

START_TEST(pauses_as_asked)
{
    struct circuit c = {0};

    circuit_pause(&c, A, 7000, 1000);
    ck_assert_int_eq(circuit_rest_ms(&c, A, 1000), 7000);
    circuit_pause(&c, A, 2000, 1000); /* the longer one holds */
    ck_assert_int_eq(circuit_rest_ms(&c, A, 1000), 7000);
    ck_assert_int_eq(circuit_rest_ms(&c, A, 8000), 0);
}
END_TEST

START_TEST(more_actions_than_rows)
{
    struct circuit c = {0};
    char name[16];

    for (unsigned i = 0; i <= CIRCUIT_ROWS; i++) {
        (void)snprintf(name, sizeof name, "a%u", i);
        circuit_pause(&c, gr_str(name), 1000, 1000 + (int64_t)i);
    }
    ck_assert_int_eq(circuit_rest_ms(&c, GR_STR("a0"), 1000), 0); /* the oldest */
    ck_assert_int_eq(circuit_rest_ms(&c, GR_STR("a1"), 1001), 1000);
    ck_assert_int_eq(circuit_rest_ms(&c, gr_str(name), 1000 + CIRCUIT_ROWS), 1000);
}
END_TEST

Suite *
circuit_suite(void)
{
    Suite *s = suite_create("circuit");
    TCase *tc = tcase_create("circuit");

    tcase_add_test(tc, rests_after_five);
    tcase_add_test(tc, success_forgets);
    tcase_add_test(tc, pauses_as_asked);
    tcase_add_test(tc, more_actions_than_rows);
    suite_add_tcase(s, tc);
    return s;
}
