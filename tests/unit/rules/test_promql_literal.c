/* test_promql_literal.c - the values of numbers, durations and strings. */
#include "config.h"
#include "test_rules.h"

#include <math.h>

#include "promql_tree.h"

static const struct number_row {
    const char *text;
    enum gr_err want;
    double value;
} numbers[] = {
    {"1", GR_OK, 1},
    {"0", GR_OK, 0},
    {"1.5", GR_OK, 1.5},
    {".5", GR_OK, 0.5},
    {"1.", GR_OK, 1},
    {"1e3", GR_OK, 1000},
    {"1.E-2", GR_OK, 0.01},
    {"0x1F", GR_OK, 31},
    {"0XaB", GR_OK, 171},
    {"0x7fffffffffffffff", GR_OK, 9223372036854775807.0},
    {"0x8000000000000000", GR_ERANGE, 0},
    {"0x", GR_ESYNTAX, 0},
    {"0x1.8", GR_ESYNTAX, 0},
    {"010", GR_OK, 8},
    {"08", GR_OK, 8},
    {"018", GR_OK, 18},
    {"010.5", GR_OK, 10.5},
    {"00", GR_OK, 0},
    {"0777777777777777777777", GR_OK, 9223372036854775807.0},
    {"01777777777777777777777", GR_OK, 1777777777777777777777.0},
    {"9223372036854775808", GR_OK, 9223372036854775808.0},
    {"inf", GR_OK, (double)INFINITY},
    {"InF", GR_OK, (double)INFINITY},
    {"1e400", GR_ERANGE, 0},
    {"1e-400", GR_OK, 0},
    {"1e", GR_ESYNTAX, 0},
};

START_TEST(number_values)
{
    const struct number_row *r = &numbers[_i];
    double v = -77;
    enum gr_err err = promql_number(gr_str(r->text), &v);

    ck_assert_msg(err == r->want, "%s: %s", r->text, gr_err_name(err));
    if (err == GR_OK)
        ck_assert_double_eq(v, r->value);
    else
        ck_assert_double_eq(v, -77);
}
END_TEST

START_TEST(nan_is_a_number)
{
    double v = 0;

    ck_assert_int_eq(promql_number(GR_STR("NaN"), &v), GR_OK);
    ck_assert(isnan(v));
}
END_TEST

static const struct duration_row {
    const char *text;
    enum gr_err want;
    int64_t ms;
} durations[] = {
    {"5m", GR_OK, 300000},
    {"1h30m", GR_OK, 5400000},
    {"500ms", GR_OK, 500},
    {"1y2w3d4h5m6s7ms", GR_OK, 33019506007},
    {"05m", GR_OK, 300000},
    {"0h5m", GR_OK, 300000},
    {"100000ms", GR_OK, 100000},
    {"292y", GR_OK, INT64_C(292) * 31536000000},
    {"9223372036854ms", GR_OK, 9223372036854},
    {"9223372036855ms", GR_ERANGE, 0},
    {"293y", GR_ERANGE, 0},
    {"292y9223372036854ms", GR_ERANGE, 0},
    {"99999999999999999999y", GR_ERANGE, 0},
    {"0s", GR_ERANGE, 0},
    {"0y0ms", GR_ERANGE, 0},
    {"", GR_ESYNTAX, 0},
    {"5", GR_ESYNTAX, 0},
    {"m", GR_ESYNTAX, 0},
    {"5ys", GR_ESYNTAX, 0},
    {"1m5h", GR_ESYNTAX, 0},
    {"1h1h", GR_ESYNTAX, 0},
    {"1.5h", GR_ESYNTAX, 0},
    {"1M", GR_ESYNTAX, 0},
};

START_TEST(duration_values)
{
    const struct duration_row *r = &durations[_i];
    int64_t ms = -77;
    enum gr_err err = promql_duration(gr_str(r->text), &ms);

    ck_assert_msg(err == r->want, "%s: %s", r->text, gr_err_name(err));
    ck_assert_int_eq(ms, err == GR_OK ? r->ms : -77);
}
END_TEST

static const struct string_row {
    const char *quoted;
    struct gr_str want;
} strings[] = {
    {"\"\"", GR_STR_INIT("")},
    {"\"a b\"", GR_STR_INIT("a b")},
    {"'it\\'s'", GR_STR_INIT("it's")},
    {"`a\\n\"`", GR_STR_INIT("a\\n\"")},
    {"\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\"", GR_STR_INIT("\a\b\f\n\r\t\v\\\"")},
    {"\"\\101\\x41\\u0041\\U00000041\"", GR_STR_INIT("AAAA")},
    {"\"\\xe9\\351\"", GR_STR_INIT("\xe9\xe9")},
    {"\"\\u00e9\\u20ac\\U0001f600\"", GR_STR_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")},
    {"\"\\000x\"", GR_STR_INIT("\0x")},
};

START_TEST(string_values)
{
    const struct string_row *r = &strings[_i];
    struct gr_arena *a = gr_arena_create(1 << 16);
    struct gr_str got;

    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(promql_decode(a, gr_str(r->quoted), &got), GR_OK);
    ck_assert_msg(gr_str_eq(got, r->want), "%s gave '" GR_FMT "'", r->quoted, GR_ARG(got));
    gr_arena_free(a);
}
END_TEST

Suite *
promql_literal_suite(void)
{
    Suite *s = suite_create("promql_literal");
    TCase *tc = tcase_create("values");

    tcase_add_loop_test(tc, number_values, 0, GR_COUNT(numbers));
    tcase_add_test(tc, nan_is_a_number);
    tcase_add_loop_test(tc, duration_values, 0, GR_COUNT(durations));
    tcase_add_loop_test(tc, string_values, 0, GR_COUNT(strings));
    suite_add_tcase(s, tc);
    return s;
}
