/* test_promql_check.c - the types and the rules of matching. All mistakes of an expression are reported, each
 * at its place. */
#include "config.h"
#include "test_rules.h"

static const struct row {
    const char *text, *place, *says;
} rows[] = {
    {"rate(foo)", "1:6: GR0402", "expects a range vector here, got an instant vector"},
    {"abs(1)", "1:5: GR0402", "expects an instant vector here, got a scalar"},
    {"abs(\"x\")", "1:5: GR0402", "got a string"},
    {"rate()", "1:1: GR0402", "takes 1 argument, got 0"},
    {"rate(foo[5m], 1)", "1:1: GR0402", "takes 1 argument, got 2"},
    {"round()", "1:1: GR0402", "takes at least 1 argument, got 0"},
    {"round(foo, 1, 2)", "1:1: GR0402", "takes at most 2 arguments, got 3"},
    {"hour(foo, bar)", "1:1: GR0402", "takes at most 1 argument, got 2"},
    {"label_join(foo, \"a\")", "1:1: GR0402", "at least 3"},
    {"label_join(foo, \"a\", \"b\", 5)", "1:27: GR0402", "expects a string"},
    {"label_replace(foo, \"a\", \"b\", \"c\", d)", "1:35: GR0402", "expects a string"},
    {"sum(1)", "1:5: GR0402", "expects an instant vector"},
    {"sum(foo[5m])", "1:5: GR0402", "got a range vector"},
    {"topk(foo, foo)", "1:6: GR0402", "expects a scalar"},
    {"count_values(1, foo)", "1:14: GR0402", "expects a string"},
    {"1 == 2", "1:3: GR0402", "needs bool"},
    {"(1) > (2)", "1:5: GR0402", "needs bool"},
    {"foo + bool bar", "1:5: GR0402", "for comparisons only"},
    {"1 and 2", "1:3: GR0402", "two instant vectors"},
    {"foo or 1", "1:5: GR0402", "two instant vectors"},
    {"foo and on (a) group_left (b) bar", "1:5: GR0402", "takes no group_left"},
    {"1 + on (a) foo", "1:3: GR0402", "on is for two instant vectors"},
    {"foo * on (a) group_left (a) bar", "1:5: GR0402", "stands in on and in group_left"},
    {"foo[5m] + 1", "1:1: GR0402", "got a range vector"},
    {"foo + \"x\"", "1:7: GR0402", "got a string"},
    {"-\"x\"", "1:1: GR0402", "not a string"},
    {"-foo[5m]", "1:1: GR0402", "not a range vector"},
    {"1[5m:]", "1:1: GR0402", "expects an instant vector here, got a scalar"},
    {"foo[5m][5m:]", "1:1: GR0402", "got a range vector"},
    {"{}", "1:1: GR0402", "every series"},
    {"{a=\"\"}", "1:1: GR0402", "every series"},
    {"{a!=\"b\",c=~\".*\",d!~\".+\"}", "1:1: GR0402", "every series"},
    {"foo{__name__=\"bar\"}", "1:5: GR0402", "set twice"},
    {"foo{__name__!=\"bar\"}", "1:5: GR0402", "set twice"},
};

START_TEST(refuses)
{
    const struct row *r = &rows[_i];
    struct parsed p;
    const char *message;

    parsed_init(&p, gr_str(r->text));
    message = parsed_message(&p);
    ck_assert_msg(p.err == GR_EUSER, "'%s' was taken", r->text);
    ck_assert_uint_eq(gr_diags_count(p.diags, GR_SEV_ERROR), 1);
    ck_assert_msg(strstr(message, r->place), "'%s' should be at %s: %s", r->text, r->place, message);
    ck_assert_msg(strstr(message, r->says), "'%s' should say '%s': %s", r->text, r->says, message);
    parsed_fini(&p);
}
END_TEST

START_TEST(reports_all)
{
    struct parsed p;

    parsed_init(&p, GR_STR("rate(foo) + sum(1) and {}"));
    ck_assert_int_eq(p.err, GR_EUSER);
    ck_assert_uint_eq(gr_diags_count(p.diags, GR_SEV_ERROR), 3);
    parsed_fini(&p);
}
END_TEST

START_TEST(types)
{
    static const struct {
        const char *text;
        enum gr_promql_type want;
    } all[] = {
        {"1 + 2", GR_PROMQL_T_SCALAR},     {"(time())", GR_PROMQL_T_SCALAR},
        {"1 + foo", GR_PROMQL_T_VECTOR},   {"-foo", GR_PROMQL_T_VECTOR},
        {"foo[5m]", GR_PROMQL_T_MATRIX},   {"foo[5m:]", GR_PROMQL_T_MATRIX},
        {"\"x\"", GR_PROMQL_T_TEXT},       {"sum(foo)", GR_PROMQL_T_VECTOR},
        {"vector(1)", GR_PROMQL_T_VECTOR}, {"scalar(foo)", GR_PROMQL_T_SCALAR},
    };
    struct parsed p;

    for (size_t i = 0; i < GR_COUNT(all); i++) {
        parsed_must(&p, all[i].text);
        ck_assert_msg(gr_promql_type(p.expr) == all[i].want, "%s: %s", all[i].text,
                      gr_promql_type_name(gr_promql_type(p.expr)));
        parsed_fini(&p);
    }
}
END_TEST

/* A rewritten tree is checked again. */
START_TEST(rewritten)
{
    struct parsed p;

    parsed_must(&p, "rate(foo[5m])");
    p.expr->child[0]->u.selector.range_ms = 0;
    ck_assert_int_eq(gr_promql_check(p.expr, p.diags), GR_EUSER);
    ck_assert_uint_eq(gr_diags_count(p.diags, GR_SEV_ERROR), 1);
    parsed_fini(&p);
}
END_TEST

Suite *
promql_check_suite(void)
{
    Suite *s = suite_create("promql_check");
    TCase *tc = tcase_create("types");

    tcase_add_loop_test(tc, refuses, 0, GR_COUNT(rows));
    tcase_add_test(tc, reports_all);
    tcase_add_test(tc, types);
    tcase_add_test(tc, rewritten);
    suite_add_tcase(s, tc);
    return s;
}
