#include "config.h"
#include "guardrail/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>

#include "test_base.h"

static const struct {
    const char *text;
    enum gr_err want;
    int64_t min, max, value;
} ints[] = {
    {"0", GR_OK, 0, 9, 0},
    {"9", GR_OK, 0, 9, 9},
    {"10", GR_ERANGE, 0, 9, 0},
    {"-1", GR_ERANGE, 0, 9, 0},
    {"-1", GR_OK, -1, 9, -1},
    {"-2", GR_ERANGE, -1, 9, 0},
    {"-0", GR_OK, 0, 9, 0},
    {"007", GR_OK, 0, 9, 7},
    {"9223372036854775807", GR_OK, INT64_MIN, INT64_MAX, INT64_MAX},
    {"9223372036854775808", GR_ERANGE, INT64_MIN, INT64_MAX, 0},
    {"-9223372036854775808", GR_OK, INT64_MIN, INT64_MAX, INT64_MIN},
    {"-9223372036854775809", GR_ERANGE, INT64_MIN, INT64_MAX, 0},
    {"99999999999999999999999", GR_ERANGE, INT64_MIN, INT64_MAX, 0},
    {"99999999999999999999999x", GR_ESYNTAX, INT64_MIN, INT64_MAX, 0},
    {"", GR_ESYNTAX, 0, 9, 0},
    {"-", GR_ESYNTAX, 0, 9, 0},
    {"+1", GR_ESYNTAX, 0, 9, 0},
    {"--1", GR_ESYNTAX, -9, 9, 0},
    {" 1", GR_ESYNTAX, 0, 9, 0},
    {"1 ", GR_ESYNTAX, 0, 9, 0},
    {"0x1", GR_ESYNTAX, 0, 9, 0},
    {"1.0", GR_ESYNTAX, 0, 9, 0},
    {"1e3", GR_ESYNTAX, 0, 9999, 0},
};

START_TEST(integers_parse)
{
    int64_t got = 77;
    enum gr_err err = gr_parse_i64(gr_str(ints[_i].text), ints[_i].min, ints[_i].max, &got);

    ck_assert_msg(err == ints[_i].want, "\"%s\" gave %s", ints[_i].text, gr_err_name(err));
    ck_assert_int_eq(got, err == GR_OK ? ints[_i].value : 77);
}
END_TEST

START_TEST(unsigned_integers_parse)
{
    uint64_t got = 77;

    ck_assert_int_eq(gr_parse_u64(GR_STR("18446744073709551615"), UINT64_MAX, &got), GR_OK);
    ck_assert(got == UINT64_MAX);
    ck_assert_int_eq(gr_parse_u64(GR_STR("18446744073709551616"), UINT64_MAX, &got), GR_ERANGE);
    ck_assert_int_eq(gr_parse_u64(GR_STR("5"), 4, &got), GR_ERANGE);
    ck_assert_int_eq(gr_parse_u64(GR_STR("-5"), 9, &got), GR_ESYNTAX);
    ck_assert_int_eq(gr_parse_u64((struct gr_str){"1\0", 2}, 9, &got), GR_ESYNTAX);
    ck_assert(got == UINT64_MAX);
}
END_TEST

static const struct {
    const char *text;
    enum gr_err want;
    double value;
} doubles[] = {
    {"0.5", GR_OK, 0.5},    {"-1e3", GR_OK, -1000},   {"+2.5E-1", GR_OK, 0.25}, {".5", GR_OK, 0.5},
    {"5.", GR_OK, 5},       {"1e308", GR_OK, 1e308},  {"1e309", GR_ERANGE, 0},  {"1e-999", GR_OK, 0},
    {"", GR_ESYNTAX, 0},    {".", GR_ESYNTAX, 0},     {"e5", GR_ESYNTAX, 0},    {"1e", GR_ESYNTAX, 0},
    {"1e+", GR_ESYNTAX, 0}, {"1.2.3", GR_ESYNTAX, 0}, {"0x10", GR_ESYNTAX, 0},  {"inf", GR_ESYNTAX, 0},
    {"nan", GR_ESYNTAX, 0}, {" 1", GR_ESYNTAX, 0},    {"1 ", GR_ESYNTAX, 0},    {"1,5", GR_ESYNTAX, 0},
};

START_TEST(doubles_parse)
{
    double got = 77;
    enum gr_err err = gr_parse_double(gr_str(doubles[_i].text), &got);

    ck_assert_msg(err == doubles[_i].want, "\"%s\" gave %s", doubles[_i].text, gr_err_name(err));
    ck_assert_double_eq(got, err == GR_OK ? doubles[_i].value : 77);
}
END_TEST

START_TEST(double_text_is_limited)
{
    char text[402];
    double got = 77;

    memset(text, '0', sizeof text);
    text[1] = '.';
    ck_assert_int_eq(gr_parse_double((struct gr_str){text, 400}, &got), GR_OK);
    ck_assert_int_eq(gr_parse_double((struct gr_str){text, 401}, &got), GR_ERANGE);
}
END_TEST

#define MANT_MAX INT64_C(999999999999999999)

static const struct {
    const char *text;
    enum gr_err want;
    struct gr_dec dec;
    const char *print; /* NULL: as the text */
} decs[] = {
    {"0", GR_OK, {0, 0}, NULL},
    {"-0.00", GR_OK, {0, 0}, "0"},
    {"1.25", GR_OK, {125, -2}, NULL},
    {"+1.250", GR_OK, {125, -2}, "1.25"},
    {"-8", GR_OK, {-8, 0}, NULL},
    {"0.0005", GR_OK, {5, -4}, NULL},
    {"1000", GR_OK, {1, 3}, NULL},
    {"00100.0", GR_OK, {1, 2}, "100"},
    {"10.5", GR_OK, {105, -1}, NULL},
    {"999999999999999999", GR_OK, {MANT_MAX, 0}, NULL},
    {"0.999999999999999999", GR_OK, {MANT_MAX, -18}, NULL},
    {"1234567890.12345678", GR_OK, {123456789012345678, -8}, NULL},
    {"1234567890.123456789", GR_ERANGE, {0, 0}, NULL},
    {"1000000000000000001", GR_ERANGE, {0, 0}, NULL},
    {"1000000000000000000", GR_OK, {1, 18}, NULL},
    {"10000000000000000000", GR_ERANGE, {0, 0}, NULL},
    {"999999999999999999000000000000000000", GR_OK, {MANT_MAX, 18}, NULL},
    {"0.000000000000000001", GR_OK, {1, -18}, NULL},
    {"0.0000000000000000001", GR_ERANGE, {0, 0}, NULL},
    {"1.50000000000000000000000000000000", GR_OK, {15, -1}, "1.5"},
    {"0000000000000000000000000000000002", GR_OK, {2, 0}, "2"},
    {"", GR_ESYNTAX, {0, 0}, NULL},
    {"+", GR_ESYNTAX, {0, 0}, NULL},
    {"1.", GR_ESYNTAX, {0, 0}, NULL},
    {".5", GR_ESYNTAX, {0, 0}, NULL},
    {"1.2.3", GR_ESYNTAX, {0, 0}, NULL},
    {"1e3", GR_ESYNTAX, {0, 0}, NULL},
    {"+-1", GR_ESYNTAX, {0, 0}, NULL},
    {"1 ", GR_ESYNTAX, {0, 0}, NULL},
    {" 1", GR_ESYNTAX, {0, 0}, NULL},
};

static bool
same(struct gr_dec a, struct gr_dec b)
{
    return a.mant == b.mant && a.exp == b.exp;
}

START_TEST(decimals_parse_and_print)
{
    struct gr_buf b = GR_BUF_INIT(100);
    struct gr_dec got = {77, 0}, again = {78, 0};
    enum gr_err err = gr_dec_parse(gr_str(decs[_i].text), &got);

    ck_assert_msg(err == decs[_i].want, "\"%s\" gave %s", decs[_i].text, gr_err_name(err));
    ck_assert(same(got, err == GR_OK ? decs[_i].dec : GR_DEC(77, 0)));
    if (err != GR_OK)
        return;
    gr_dec_print(&b, got);
    ck_assert_str_eq(gr_buf_cstr(&b), decs[_i].print ? decs[_i].print : decs[_i].text);
    ck_assert_int_eq(gr_dec_parse(gr_buf_str(&b), &again), GR_OK);
    ck_assert(same(got, again));
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    const char *a;
    char op;
    const char *b, *want; /* NULL: GR_ERANGE */
} sums[] = {
    {"1", '+', "0.25", "1.25"},
    {"0.1", '+', "0.2", "0.3"},
    {"5", '+', "-5", "0"},
    {"0", '+', "7.5", "7.5"},
    {"-7.5", '+', "0", "-7.5"},
    {"95", '+', "5", "100"},
    {"0.000000000000000001", '+', "0.1", "0.100000000000000001"},
    {"0.000000000000000001", '+', "1", NULL},
    {"1000000000000000000", '+', "0.000000000000000001", NULL}, /* exponents 36 apart */
    {"999999999999999999", '+', "1", "1000000000000000000"},
    {"999999999999999999", '+', "2", NULL},
    {"1", '+', "-0.999999999999999999", "0.000000000000000001"}, /* exponents 18 apart */
    {"1.25", '*', "0.8", "1"},
    {"-0.01", '*', "5", "-0.05"},
    {"0", '*', "5", "0"},
    {"999999999", '*', "999999999", "999999998000000001"},
    {"9999999999", '*', "9999999999", NULL},
    {"999999999999999999", '*', "999999999999999999", NULL},
    {"0.000000001", '*', "0.000000001", "0.000000000000000001"},
    {"0.000000001", '*', "0.0000000001", NULL},
    {"1", '/', "8", "0.125"},
    {"-1", '/', "8", "-0.125"},
    {"1", '/', "-8", "-0.125"},
    {"0", '/', "-8", "0"},
    {"30", '/', "0.5", "60"},
    {"1800", '/', "3600", "0.5"},
    {"1", '/', "3", "0.33333333333333333"},
    {"2", '/', "3", "0.66666666666666667"},
    {"200", '/', "3", "66.666666666666667"},
    {"1", '/', "7", "0.14285714285714286"},
    {"0.0005", '/', "86400", "0.000000005787037037"}, /* to the last place there is */
    {"0.000000000000000002", '/', "3", "0.000000000000000001"},
    {"0.000000000000000001", '/', "3", NULL},
    {"0.000000000000000001", '/', "999999999999999999000000000000000000", NULL},
    {"999999999999999999000000000000000000", '/', "0.000000000000000001", NULL},
    {"1", '/', "262144", "0.000003814697265625"}, /* exact: 2^-18 */
    {"999999999999999999", '/', "7", "142857142857142857"},
    {"999999999999999998", '/', "7", "142857142857142860"},
    {"999999999999999999000000000000000000", '/', "999999999999999998", "1000000000000000000"},
};

START_TEST(decimals_compute)
{
    struct gr_buf b = GR_BUF_INIT(100);
    struct gr_dec x, y, got = {77, 0};
    enum gr_err err;

    ck_assert_int_eq(gr_dec_parse(gr_str(sums[_i].a), &x), GR_OK);
    ck_assert_int_eq(gr_dec_parse(gr_str(sums[_i].b), &y), GR_OK);
    err = sums[_i].op == '+'   ? gr_dec_add(x, y, &got)
          : sums[_i].op == '*' ? gr_dec_mul(x, y, &got)
                               : gr_dec_div(x, y, &got);
    ck_assert_msg(err == (sums[_i].want ? GR_OK : GR_ERANGE), "%s %c %s gave %s", sums[_i].a, sums[_i].op,
                  sums[_i].b, gr_err_name(err));
    gr_dec_print(&b, got);
    ck_assert_str_eq(gr_buf_cstr(&b), sums[_i].want ? sums[_i].want : "77");
    gr_buf_fini(&b);
}
END_TEST

/* Ascending. */
static const char *const ladder[] = {
    "-999999999999999999000000000000000000",
    "-1000000000000000000",
    "-10",
    "-9.5",
    "-0.000000000000000001",
    "0",
    "0.000000000000000001",
    "0.000000000000000002",
    "0.1",
    "0.100000000000000001",
    "9.5",
    "10",
    "999999999999999999",
    "1000000000000000000",
    "999999999999999999000000000000000000",
};

START_TEST(decimals_compare)
{
    for (size_t i = 0; i < GR_COUNT(ladder); i++)
        for (size_t j = 0; j < GR_COUNT(ladder); j++) {
            struct gr_dec a, b;
            int c;

            ck_assert_int_eq(gr_dec_parse(gr_str(ladder[i]), &a), GR_OK);
            ck_assert_int_eq(gr_dec_parse(gr_str(ladder[j]), &b), GR_OK);
            c = gr_dec_cmp(a, b);
            ck_assert_msg((c > 0) - (c < 0) == (i > j) - (i < j), "%s / %s", ladder[i], ladder[j]);
            c = gr_dec_cmp(gr_dec_neg(b), gr_dec_neg(a));
            ck_assert_int_eq((c > 0) - (c < 0), (i > j) - (i < j));
        }
}
END_TEST

START_TEST(decimals_convert)
{
    struct gr_dec largest = gr_dec_int(INT64_MAX); /* 19 digits */

    ck_assert_int_lt(gr_dec_cmp(GR_DEC(1, 18), largest), 0);
    ck_assert_int_gt(gr_dec_cmp(GR_DEC(1, 19), largest), 0);
    ck_assert_int_gt(gr_dec_cmp(GR_DEC(-1, 18), gr_dec_neg(largest)), 0);
    ck_assert(same(gr_dec_int(0), GR_DEC(0, 0)));
    ck_assert(same(gr_dec_int(-1200), GR_DEC(-12, 2)));
    ck_assert(same(gr_dec_int(7), GR_DEC(7, 0)));
    ck_assert_double_eq(gr_dec_double(GR_DEC(125, -2)), 1.25);
    ck_assert_double_eq(gr_dec_double(GR_DEC(3, -1)), 0.3);
    ck_assert_double_eq(gr_dec_double(GR_DEC(1, -18)), 1e-18);
    ck_assert_double_eq(gr_dec_double(GR_DEC(MANT_MAX, 18)), 999999999999999999e18);
    ck_assert_double_eq(gr_dec_double(GR_DEC(-5, 0)), -5);
}
END_TEST

static const struct {
    double value;
    const char *want;
} prints[] = {
    {0, "0"},
    {-0.0, "-0"},
    {0.1, "0.1"},
    {1.25, "1.25"},
    {1.0 / 3, "0.3333333333333333"},
    {2.0 / 3, "0.6666666666666666"},
    {300000, "300000"},
    {1e21, "1e+21"},
    {0.1 + 0.2, "0.30000000000000004"},
    {5e-324, "5e-324"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {2.2250738585072014e-308, "2.2250738585072014e-308"},
    {(double)INFINITY, "+Inf"},
    {(double)-INFINITY, "-Inf"},
    {(double)NAN, "NaN"},
};

static void
check_print(size_t i)
{
    struct gr_buf b = GR_BUF_INIT(100);
    double back;

    gr_double_print(&b, prints[i].value);
    ck_assert_str_eq(gr_buf_cstr(&b), prints[i].want);
    if (isfinite(prints[i].value)) {
        ck_assert_int_eq(gr_parse_double(gr_buf_str(&b), &back), GR_OK);
        ck_assert_int_eq(memcmp(&back, &prints[i].value, sizeof back), 0);
    }
    gr_buf_fini(&b);
}

START_TEST(doubles_print)
{
    check_print((size_t)_i);
}
END_TEST

/* Where the machine has a locale with a comma; without one this proves nothing. */
START_TEST(locale_plays_no_part)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "da_DK.UTF-8", "de_DE"};

    for (size_t i = 0; i < GR_COUNT(names); i++)
        if (setlocale(LC_NUMERIC, names[i]))
            break;
    for (size_t i = 0; i < GR_COUNT(prints); i++)
        check_print(i);
    ck_assert_double_eq(gr_dec_double(GR_DEC(125, -2)), 1.25);
    setlocale(LC_NUMERIC, "C");
}
END_TEST

Suite *
number_suite(void)
{
    Suite *s = suite_create("number");
    TCase *tc = tcase_create("parse");

    tcase_add_loop_test(tc, integers_parse, 0, GR_COUNT(ints));
    tcase_add_test(tc, unsigned_integers_parse);
    tcase_add_loop_test(tc, doubles_parse, 0, GR_COUNT(doubles));
    tcase_add_test(tc, double_text_is_limited);
    suite_add_tcase(s, tc);
    tc = tcase_create("decimal");
    tcase_add_loop_test(tc, decimals_parse_and_print, 0, GR_COUNT(decs));
    tcase_add_loop_test(tc, decimals_compute, 0, GR_COUNT(sums));
    tcase_add_test(tc, decimals_compare);
    tcase_add_test(tc, decimals_convert);
    suite_add_tcase(s, tc);
    tc = tcase_create("print");
    tcase_add_loop_test(tc, doubles_print, 0, GR_COUNT(prints));
    tcase_add_test(tc, locale_plays_no_part);
    suite_add_tcase(s, tc);
    return s;
}
