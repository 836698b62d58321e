/* test_promql_table.c - the tables of names agree with each other and with the lexer. */
#include "config.h"
#include "test_rules.h"

#include "promql_lex.h"

START_TEST(every_function_is_found)
{
    static const char *const some[] = {"abs",    "holt_winters", "label_join", "time",
                                       "vector", "year",         "pi",         "absent_over_time"};

    for (size_t i = 0; i < GR_COUNT(some); i++) {
        const struct gr_promql_function *f = gr_promql_function(gr_str(some[i]));

        ck_assert_msg(f && gr_str_is(f->name, some[i]), "%s", some[i]);
    }
    ck_assert_ptr_null(gr_promql_function(GR_STR("Rate")));
    ck_assert_ptr_null(gr_promql_function(GR_STR("")));
    ck_assert_ptr_null(gr_promql_function(GR_STR("zzz")));
}
END_TEST

/* The table is searched by bisection; every name that the suggestion list offers must be found, so the order
 * is right. */
START_TEST(table_is_sorted)
{
    const struct gr_promql_function *first = gr_promql_function(GR_STR("abs"));
    const struct gr_promql_function *last = gr_promql_function(GR_STR("year"));

    ck_assert_int_eq(last - first, 69);
    for (const struct gr_promql_function *f = first; f < last; f++)
        ck_assert_msg(gr_str_cmp(f[0].name, f[1].name) < 0, GR_FMT, GR_ARG(f[1].name));
    for (const struct gr_promql_function *f = first; f <= last; f++) {
        ck_assert_uint_le(f->arg_count, GR_COUNT(f->args));
        for (size_t i = 0; i < f->arg_count; i++)
            ck_assert_int_ne(f->args[i], GR_PROMQL_T_NONE);
        ck_assert_ptr_null(promql_newer_name(f->name));
    }
}
END_TEST

START_TEST(names_of_operators_are_words)
{
    for (unsigned op = GR_PROMQL_ADD; op <= GR_PROMQL_UNLESS; op++) {
        struct lexer lex = {.text = gr_promql_op_name((enum gr_promql_op)op)};
        struct token t = lexer_next(&lex);

        ck_assert_int_eq(t.kind, TOK_OP);
        ck_assert_uint_eq(t.value, op);
        ck_assert_uint_ge(promql_op_strength((enum gr_promql_op)op), 1);
        ck_assert_uint_le(promql_op_strength((enum gr_promql_op)op), 6);
    }
    for (unsigned op = GR_PROMQL_AVG; op <= GR_PROMQL_TOPK; op++) {
        struct lexer lex = {.text = gr_promql_agg_name((enum gr_promql_agg)op)};
        struct token t = lexer_next(&lex);

        ck_assert_int_eq(t.kind, TOK_AGG);
        ck_assert_uint_eq(t.value, op);
    }
}
END_TEST

START_TEST(suggestions)
{
    ck_assert(gr_str_is(promql_nearest_function(GR_STR("rte")), "rate"));
    ck_assert(gr_str_is(promql_nearest_function(GR_STR("histogram_quantil")), "histogram_quantile"));
    ck_assert(gr_str_is(promql_nearest_function(GR_STR("summ")), "sum"));
    ck_assert_uint_eq(promql_nearest_function(GR_STR("nothing_like_it")).n, 0);
    ck_assert_ptr_nonnull(promql_newer_name(GR_STR("limitk")));
    ck_assert_ptr_null(promql_newer_name(GR_STR("limit")));
}
END_TEST

Suite *
promql_table_suite(void)
{
    Suite *s = suite_create("promql_table");
    TCase *tc = tcase_create("tables");

    tcase_add_test(tc, every_function_is_found);
    tcase_add_test(tc, table_is_sorted);
    tcase_add_test(tc, names_of_operators_are_words);
    tcase_add_test(tc, suggestions);
    suite_add_tcase(s, tc);
    return s;
}
