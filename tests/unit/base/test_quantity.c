#include "config.h"
#include "guardrail/quantity.h"

#include "test_base.h"

static const struct {
    const char *text;
    enum gr_err want;
    enum gr_sign sign;
    struct gr_dec value;
    const char *unit; /* NULL: bare; with GR_ENOENT the unknown one */
} quantities[] = {
    {"0.05%", GR_OK, GR_SIGN_NONE, {5, -2}, "percent"},
    {"+25%", GR_OK, GR_SIGN_PLUS, {25, 0}, "percent"},
    {"-5%", GR_OK, GR_SIGN_MINUS, {-5, 0}, "percent"},
    {"\xc2\xb1"
     "5bps",
     GR_OK,
     GR_SIGN_BOTH,
     {5, 0},
     "bps"},
    {"+-5bps", GR_OK, GR_SIGN_BOTH, {5, 0}, "bps"},
    {"+\xe2\x88\x92"
     "5bps",
     GR_OK,
     GR_SIGN_BOTH,
     {5, 0},
     "bps"},
    {"\xe2\x88\x92"
     "5 bp",
     GR_OK,
     GR_SIGN_MINUS,
     {-5, 0},
     "bps"},
    {"5min", GR_OK, GR_SIGN_NONE, {5, 0}, "minutes"},
    {"5m", GR_OK, GR_SIGN_NONE, {5, 0}, "minutes"},
    {"80%", GR_OK, GR_SIGN_NONE, {8, 1}, "percent"},
    {"80 percent", GR_OK, GR_SIGN_NONE, {8, 1}, "percent"},
    {"0.35", GR_OK, GR_SIGN_NONE, {35, -2}, NULL},
    {"0", GR_OK, GR_SIGN_NONE, {0, 0}, NULL},
    {"-0", GR_OK, GR_SIGN_MINUS, {0, 0}, NULL},
    {"6.8ms", GR_OK, GR_SIGN_NONE, {68, -1}, "ms"},
    {"+3pp", GR_OK, GR_SIGN_PLUS, {3, 0}, "pp"},
    {"2 h", GR_OK, GR_SIGN_NONE, {2, 0}, "hours"},
    {"7us", GR_OK, GR_SIGN_NONE, {7, 0}, "us"},
    {"512B", GR_OK, GR_SIGN_NONE, {512, 0}, "bytes"},
    {"5mz", GR_ENOENT, GR_SIGN_NONE, {0, 0}, "mz"},
    {"5 parsecs", GR_ENOENT, GR_SIGN_NONE, {0, 0}, "parsecs"},
    {"5e3", GR_ENOENT, GR_SIGN_NONE, {0, 0}, "e3"},
    {"5ratio", GR_ENOENT, GR_SIGN_NONE, {0, 0}, "ratio"}, /* a name, no suffix */
    {"5% percent", GR_ENOENT, GR_SIGN_NONE, {0, 0}, "% percent"},
    {"5 ", GR_ENOENT, GR_SIGN_NONE, {0, 0}, " "},
    {"5  ms", GR_ENOENT, GR_SIGN_NONE, {0, 0}, " ms"},
    {"", GR_ESYNTAX, GR_SIGN_NONE, {0, 0}, NULL},
    {"%", GR_ESYNTAX, GR_SIGN_NONE, {0, 0}, NULL},
    {"--5%", GR_ESYNTAX, GR_SIGN_NONE, {0, 0}, NULL},
    {"-+5%", GR_ESYNTAX, GR_SIGN_NONE, {0, 0}, NULL},
    {"+ 5%", GR_ESYNTAX, GR_SIGN_NONE, {0, 0}, NULL},
    {".5%", GR_ESYNTAX, GR_SIGN_NONE, {0, 0}, NULL},
    {"1.2.3%", GR_ESYNTAX, GR_SIGN_NONE, {0, 0}, NULL},
    {"fast", GR_ESYNTAX, GR_SIGN_NONE, {0, 0}, NULL},
    {"1234567890123456789%", GR_ERANGE, GR_SIGN_NONE, {0, 0}, NULL},
};

START_TEST(quantities_parse)
{
    struct gr_quantity q = {.value = GR_DEC(77, 0)};
    struct gr_str bad = GR_STR_NONE;
    const char *unit = quantities[_i].unit;
    enum gr_err err = gr_quantity_parse(gr_str(quantities[_i].text), &q, &bad);

    ck_assert_msg(err == quantities[_i].want, "\"%s\" gave %s", quantities[_i].text, gr_err_name(err));
    ck_assert(gr_str_is(bad, err == GR_ENOENT ? unit : NULL));
    if (err != GR_OK) {
        ck_assert_int_eq(q.value.mant, 77);
        return;
    }
    ck_assert_int_eq(q.sign, quantities[_i].sign);
    ck_assert_int_eq(q.value.mant, quantities[_i].value.mant);
    ck_assert_int_eq(q.value.exp, quantities[_i].value.exp);
    ck_assert_str_eq(q.unit ? q.unit->name : "", unit ? unit : "");
}
END_TEST

START_TEST(table_is_sound)
{
    size_t count;
    const struct gr_unit *units = gr_units(&count);

    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        struct gr_str rest = gr_str(units[i].suffixes), piece;

        ck_assert(i == 0 || strcmp(units[i - 1].name, units[i].name) < 0);
        ck_assert_ptr_eq(gr_unit_by_name(gr_str(units[i].name)), &units[i]);
        ck_assert_int_gt(units[i].scale.mant, 0);
        ck_assert_int_ne(units[i].scale.mant % 10, 0);
        ck_assert_int_ne(units[i].dim, GR_DIM_NONE);
        ck_assert(strlen(units[i].grafana) > 0);
        while (units[i].suffixes[0] && gr_str_next(&rest, ' ', &piece)) {
            ck_assert_uint_gt(piece.n, 0);
            ck_assert_ptr_eq(gr_unit_by_suffix(piece), &units[i]); /* no other row has it */
        }
    }
    ck_assert_ptr_null(gr_unit_by_name(GR_STR("")));
    ck_assert_ptr_null(gr_unit_by_suffix(GR_STR("")));
    ck_assert_ptr_null(gr_unit_by_suffix(GR_STR("% percent")));
}
END_TEST

static const struct {
    const char *name, *grafana, *label;
} shown[] = {
    {"ratio", "percentunit", ""},
    {"percent", "percent", "%"},
    {"bps", "suffix:bp", " bps"},
    {"ms", "ms", " ms"},
    {"s", "s", " s"},
    {"minutes", "m", " min"},
    {"count", "short", ""},
    {"score", "none", ""},
};

START_TEST(units_are_shown_as_dashboards_know_them)
{
    const struct gr_unit *u = gr_unit_by_name(gr_str(shown[_i].name));

    ck_assert_ptr_nonnull(u);
    ck_assert_str_eq(u->grafana, shown[_i].grafana);
    ck_assert_str_eq(u->label, shown[_i].label);
}
END_TEST

static const struct {
    struct gr_dec value;
    const char *from, *to;
    enum gr_err want;
    struct gr_dec result;
} conversions[] = {
    {{5, -2}, "percent", "ratio", GR_OK, {5, -4}},
    {{5, 0}, "bps", "ratio", GR_OK, {5, -4}},
    {{5, 0}, "bps", "percent", GR_OK, {5, -2}},
    {{3, 0}, "pp", "percent", GR_OK, {3, 0}},
    {{25, -2}, "ratio", "bps", GR_OK, {25, 2}},
    {{5, 0}, "minutes", "s", GR_OK, {3, 2}},
    {{3, 1}, "minutes", "hours", GR_OK, {5, -1}},
    {{68, -1}, "ms", "s", GR_OK, {68, -4}},
    {{2, 0}, "s", "us", GR_OK, {2, 6}},
    {{-5, 0}, "s", "ms", GR_OK, {-5, 3}},
    {{999999999999999999, 18}, "ms", "ms", GR_OK, {999999999999999999, 18}},
    {{5, 0}, "ms", "ratio", GR_ERANGE, {0, 0}},
    {{5, 0}, "count", "score", GR_ERANGE, {0, 0}},
    {{999999999999999999, 18}, "hours", "us", GR_ERANGE, {0, 0}},
};

START_TEST(units_convert)
{
    struct gr_dec got = {77, 0};
    enum gr_err err = gr_unit_convert(conversions[_i].value, gr_unit_by_name(gr_str(conversions[_i].from)),
                                      gr_unit_by_name(gr_str(conversions[_i].to)), &got);

    ck_assert_int_eq(err, conversions[_i].want);
    ck_assert_int_eq(got.mant, err == GR_OK ? conversions[_i].result.mant : 77);
    ck_assert_int_eq(got.exp, err == GR_OK ? conversions[_i].result.exp : 0);
}
END_TEST

Suite *
quantity_suite(void)
{
    Suite *s = suite_create("quantity");
    TCase *tc = tcase_create("quantity");

    tcase_add_loop_test(tc, quantities_parse, 0, GR_COUNT(quantities));
    tcase_add_test(tc, table_is_sound);
    tcase_add_loop_test(tc, units_are_shown_as_dashboards_know_them, 0, GR_COUNT(shown));
    tcase_add_loop_test(tc, units_convert, 0, GR_COUNT(conversions));
    suite_add_tcase(s, tc);
    return s;
}
