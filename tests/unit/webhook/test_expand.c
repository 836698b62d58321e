#include "config.h"
#include "fixture.h"
#include "test_webhook.h"
#include "webhook/expand.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A128 A16 A16 A16 A16 A16 A16 A16 A16

static const struct value_row {
    struct gr_str value;
    bool ok;
} value_rows[] = {
    {GR_STR_INIT("tp-2024.05_16"), true},
    {GR_STR_INIT("7"), true},
    {GR_STR_INIT(A128), true},
    {GR_STR_INIT(A128 "a"), false},
    {GR_STR_INIT(""), false},
    {GR_STR_INIT("-rf"), false},
    {GR_STR_INIT(".hidden"), false},
    {GR_STR_INIT("../etc"), false},
    {GR_STR_INIT("a/b"), false},
    {GR_STR_INIT("/etc/passwd"), false},
    {GR_STR_INIT("a b"), false},
    {GR_STR_INIT("a\n"), false}, /* "$" alone would let it pass */
    {GR_STR_INIT("a\nb"), false},
    {GR_STR_INIT("a\0b"), false},
    {GR_STR_INIT("$(id)"), false},
    {GR_STR_INIT("a$(id)"), false},
    {GR_STR_INIT("a`id`"), false},
    {GR_STR_INIT("a;id"), false},
    {GR_STR_INIT("a\"} or up{x=\""), false},
    {GR_STR_INIT("{spec}"), false},
    {GR_STR_INIT("\xc3\xa9"), false},
    {GR_STR_INIT("\xff"), false},
    {GR_STR_INIT("a\x1b[31m"), false},
};

START_TEST(values_match_the_pattern)
{
    const struct value_row *r = &value_rows[_i];

    ck_assert_msg(expand_value_ok(r->value) == r->ok, "row %d: " GR_FMT, _i, GR_ARG(r->value));
}
END_TEST

static const struct text_row {
    const char *text, *want; /* NULL: refused, and then `bad` is the placeholder named */
    const char *bad;
} text_rows[] = {
    {"plain", "plain", NULL},
    {"", "", NULL},
    {"{deployment_id}", "tp-1", NULL},
    {"--cluster={cluster},{phase}", "--cluster=equities,phase_1", NULL},
    {"{spec}{guardrail}", "demoerror_rate", NULL},
    {"x{track=\"canary\",cluster=\"{cluster}\"}", "x{track=\"canary\",cluster=\"equities\"}", NULL},
    {"{\"spec\":{}}", "{\"spec\":{}}", NULL}, /* no placeholders: JSON passes */
    {"{ spec }", "{ spec }", NULL},
    {"{{spec}}", "{demo}", NULL},
    {"--shares={traffic_share}", "--shares=agency=0.005,making=0.01", NULL},
    {"{spec", "{spec", NULL},
    {"{1spec}", "{1spec}", NULL},
    {"{unknown}", NULL, "unknown"},
    {"a {spec} {evil} b", NULL, "evil"},
};

static struct expand_values
values(struct gr_arena *a)
{
    return (struct expand_values){
        .traffic_share = GR_STR("agency=0.005,making=0.01"),
        .deployment_id = GR_STR("tp-1"),
        .spec = GR_STR("demo"),
        .phase = GR_STR("phase_1"),
        .guardrail = GR_STR("error_rate"),
        .stream = fixture_labels(a, "cluster=equities,evil=$(id)"),
    };
}

START_TEST(text_expands)
{
    const struct text_row *r = &text_rows[_i];
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct expand_values v = values(a);
    struct gr_str out = GR_STR("untouched"), bad = GR_STR_NONE;
    enum gr_err err = expand_text(a, gr_str(r->text), &v, &out, &bad);

    ck_assert_int_eq(err, r->want ? GR_OK : GR_ERANGE);
    ck_assert_msg(gr_str_is(out, r->want ? r->want : "untouched"), "%s: " GR_FMT, r->text, GR_ARG(out));
    ck_assert(r->want || gr_str_is(bad, r->bad));
    gr_arena_free(a);
}
END_TEST

START_TEST(the_program_is_literal)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct expand_values v = values(a);
    const struct gr_str args[] = {GR_STR_INIT("bin/{spec}"), GR_STR_INIT("{spec}"), GR_STR_INIT("")};
    struct policy_argv in = {args, 3}, out = {NULL, 0};

    ck_assert_int_eq(expand_argv(a, &in, &v, &out, NULL), GR_OK);
    ck_assert_uint_eq(out.count, 3);
    ck_assert(gr_str_is(out.args[0], "bin/{spec}"));
    ck_assert(gr_str_is(out.args[1], "demo"));
    ck_assert_uint_eq(out.args[2].n, 0);
    gr_arena_free(a);
}
END_TEST

START_TEST(one_bad_value_refuses_all)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct expand_values v = values(a);
    const struct gr_str args[] = {GR_STR_INIT("p"), GR_STR_INIT("{spec}"), GR_STR_INIT("{evil}")};
    struct policy_argv in = {args, 3}, out = {NULL, 0};
    struct gr_str bad = GR_STR_NONE;

    ck_assert_int_eq(expand_argv(a, &in, &v, &out, &bad), GR_ERANGE);
    ck_assert_ptr_null(out.args);
    ck_assert(gr_str_is(bad, "evil"));
    gr_arena_free(a);
}
END_TEST

START_TEST(length_is_bounded)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct expand_values v = values(a);
    struct gr_buf b = GR_BUF_INIT(1 << 20);
    struct gr_str out;

    while (b.n < EXPAND_ARG_BYTES_MAX)
        gr_buf_putc(&b, 'x');
    ck_assert_int_eq(expand_text(a, gr_buf_str(&b), &v, &out, NULL), GR_OK);
    gr_buf_putc(&b, 'x');
    ck_assert_int_eq(expand_text(a, gr_buf_str(&b), &v, &out, NULL), GR_ELIMIT);
    gr_buf_fini(&b);
    gr_arena_free(a);
}
END_TEST

/* Of a phase without traffic there are none: nothing is run with an empty share. */
START_TEST(no_shares_are_refused)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct expand_values v = values(a);
    struct gr_str out, bad = GR_STR_NONE;

    v.traffic_share = GR_STR_NONE;
    ck_assert_int_eq(expand_text(a, GR_STR("{traffic_share}"), &v, &out, &bad), GR_ERANGE);
    ck_assert(gr_str_is(bad, "traffic_share"));
    gr_arena_free(a);
}
END_TEST

Suite *
expand_suite(void)
{
    Suite *s = suite_create("expand");
    TCase *tc = tcase_create("expand");

    tcase_add_loop_test(tc, values_match_the_pattern, 0, GR_COUNT(value_rows));
    tcase_add_test(tc, no_shares_are_refused);
    tcase_add_loop_test(tc, text_expands, 0, GR_COUNT(text_rows));
    tcase_add_test(tc, the_program_is_literal);
    tcase_add_test(tc, one_bad_value_refuses_all);
    tcase_add_test(tc, length_is_bounded);
    suite_add_tcase(s, tc);
    return s;
}
