#include "config.h"
#include "test_compiler.h"

#include "outnames.h"

static const struct {
    const char *values[3];
    size_t n;
    const char *want;
} matchers[] = {
    {{"a"}, 1, "x=\"a\""},
    {{"a", "b"}, 2, "x=~\"a|b\""},
    {{"a.b", "c|d"}, 2, "x=~\"a\\\\.b|c\\\\|d\""},
    {{"a.b"}, 1, "x=\"a.b\""},
    {{"say \"hi\""}, 1, "x=\"say \\\"hi\\\"\""},
    {{"back\\slash", "b"}, 2, "x=~\"back\\\\\\\\slash|b\""},
};

START_TEST(matcher_is_exact)
{
    struct gr_str values[3];
    struct gr_buf b = GR_BUF_INIT(1000);

    for (size_t i = 0; i < matchers[_i].n; i++)
        values[i] = gr_str(matchers[_i].values[i]);
    outname_matcher_any(&b, "x", values, matchers[_i].n);
    ck_assert_str_eq(gr_buf_cstr(&b), matchers[_i].want);
    gr_buf_fini(&b);
}
END_TEST

/* A list that does not fit is an error, not a shorter list. */
START_TEST(matcher_reports_its_limit)
{
    struct gr_str values[] = {GR_STR("aaaaaaaa"), GR_STR("bbbbbbbb")};
    struct gr_buf b = GR_BUF_INIT(12);

    outname_matcher_any(&b, "x", values, 2);
    ck_assert_int_eq(gr_buf_err(&b), GR_ELIMIT);
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    const char *file, *want;
} secrets[] = {
    {"pd.key", "secrets/pd.key"}, {"/run/keys/pd", "/run/keys/pd"}, {"team/pd.key", "secrets/team/pd.key"}};

START_TEST(secret_is_beside_the_configuration)
{
    struct gr_buf b = GR_BUF_INIT(100);

    outname_secret(&b, gr_str(secrets[_i].file));
    ck_assert_str_eq(gr_buf_cstr(&b), secrets[_i].want);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(canary_of_a_stream_is_the_stream)
{
    struct model m = {.canary = GR_STR_INIT("v2")};
    struct guardrail compared = {0}, stream = {.stream_scope = true};

    ck_assert(gr_str_is(outname_canary(&m, &compared), "v2"));
    ck_assert(gr_str_is(outname_canary(&m, &stream), "stream"));
}
END_TEST

START_TEST(setting_is_found_or_empty)
{
    struct pair v[] = {{GR_STR_INIT("channel"), GR_STR_INIT("#ops")}};
    struct action a = {.settings = {v, 1}};

    ck_assert(gr_str_is(outname_setting(&a, "channel"), "#ops"));
    ck_assert_uint_eq(outname_setting(&a, "chan").n, 0);
}
END_TEST

Suite *
outnames_suite(void)
{
    Suite *s = suite_create("outnames");
    TCase *tc = tcase_create("names");

    tcase_add_loop_test(tc, matcher_is_exact, 0, (int)GR_COUNT(matchers));
    tcase_add_test(tc, matcher_reports_its_limit);
    tcase_add_loop_test(tc, secret_is_beside_the_configuration, 0, (int)GR_COUNT(secrets));
    tcase_add_test(tc, canary_of_a_stream_is_the_stream);
    tcase_add_test(tc, setting_is_found_or_empty);
    suite_add_tcase(s, tc);
    return s;
}
