#include "config.h"
#include "guardrail/base.h"

#include "test_base.h"

static const struct {
    const char *a, *b;
    size_t max, want;
} distances[] = {
    {"", "", 2, 0}, {"a", "", 2, 1}, {"ms", "mz", 1, 1}, {"form", "from", 1, 1}, {"abc", "cba", 1, SIZE_MAX},
};

START_TEST(distance_is_bounded)
{
    size_t got = gr_str_distance(gr_str(distances[_i].a), gr_str(distances[_i].b), distances[_i].max);

    ck_assert_msg(got == distances[_i].want, "%s/%s gave %zu", distances[_i].a, distances[_i].b, got);
}
END_TEST

Suite *
str_suite(void)
{
    Suite *s = suite_create("str");
    TCase *tc = tcase_create("distance");

    tcase_add_loop_test(tc, distance_is_bounded, 0, GR_COUNT(distances));
    suite_add_tcase(s, tc);
    return s;
}
