/* test_promql_hint.c - what is said of mistakes as people make them: each names the column, what was expected, and what was probably
 * meant. The texts are the point: they are compared as a whole. */
#include "config.h"
#include "test_rules.h"

static const struct row {
    const char *text;
    size_t column;
    const char *says;
} rows[] = {
    {"rat(foo[5m])", 1, "unknown function \"rat\", did you mean \"rate\"?"},
    {"rates(foo[5m])", 1, "unknown function \"rates\", did you mean \"rate\"?"},
    {"Rate(foo[5m])", 1, "unknown function \"Rate\", did you mean \"rate\"?"},
    {"RATE(foo[5m])", 1, "unknown function \"RATE\", did you mean \"rate\"?"},
    {"increse(foo[5m])", 1, "unknown function \"increse\", did you mean \"increase\"?"},
    {"histogram_quantil(0.9, foo)", 1,
     "unknown function \"histogram_quantil\", did you mean \"histogram_quantile\"?"},
    {"histogram_percentile(0.9, foo)", 1,
     "unknown function \"histogram_percentile\", did you mean \"histogram_quantile\"?"},
    {"average(foo)", 1, "unknown function \"average\", did you mean \"avg\"?"},
    {"mean(foo)", 1, "unknown function \"mean\", did you mean \"avg\"?"},
    {"avg_overtime(foo[5m])", 1, "unknown function \"avg_overtime\", did you mean \"avg_over_time\"?"},
    {"percentile(0.9, foo)", 1, "unknown function \"percentile\", did you mean \"quantile\"?"},
    {"absent_overtime(foo[5m])", 1,
     "unknown function \"absent_overtime\", did you mean \"absent_over_time\"?"},
    {"topk(foo)", 1, "\"topk\" takes 2 arguments, got 1: topk(scalar, instant vector)"},
    {"topk(5)", 1, "\"topk\" takes 2 arguments, got 1: topk(scalar, instant vector)"},
    {"topk()", 1, "\"topk\" takes 2 arguments, got 0: topk(scalar, instant vector)"},
    {"sum()", 1, "\"sum\" takes 1 argument, got 0: sum(instant vector)"},
    {"sum(foo, bar)", 1, "\"sum\" takes 1 argument, got 2: sum(instant vector)"},
    {"quantile(foo)", 1, "\"quantile\" takes 2 arguments, got 1: quantile(scalar, instant vector)"},
    {"count_values(foo)", 1,
     "\"count_values\" takes 2 arguments, got 1: count_values(string, instant vector)"},
    {"rate(foo[5m], 5)", 1, "\"rate\" takes 1 argument, got 2: rate(range vector)"},
    {"round()", 1, "\"round\" takes at least 1 argument, got 0: round(instant vector[, scalar])"},
    {"clamp(foo, 1)", 1, "\"clamp\" takes 3 arguments, got 2: clamp(instant vector, scalar, scalar)"},
    {"label_replace(foo, \"a\", \"$1\", \"b\")", 1,
     "\"label_replace\" takes 5 arguments, got 4: label_replace(instant vector, string, string, string, "
     "string)"},
    {"label_join(foo)", 1,
     "\"label_join\" takes at least 3 arguments, got 1: label_join(instant vector, string, string[, string, "
     "…])"},
    {"histogram_quantile(sum(foo), 0.9)", 20,
     "\"histogram_quantile\" expects a scalar here, got an instant vector"},
    {"histogram_quantile(foo, 0.9)", 20,
     "\"histogram_quantile\" expects a scalar here, got an instant vector"},
    {"rate(sum(foo)[5m])", 14, "a range is for a plain selector only; a subquery is written [5m:]"},
    {"rate(foo)", 6, "\"rate\" expects a range vector here, got an instant vector"},
    {"sum(foo[5m])", 5, "\"sum\" expects an instant vector here, got a range vector"},
    {"foo[5m] > 5", 1, "\">\" expects scalars or instant vectors, got a range vector"},
    {"foo * on (a) groupleft () bar", 14, "unknown function \"groupleft\", did you mean \"group_left\"?"},
    {"foo * on (a) group-left (b) bar", 20, "unknown function \"left\""},
    {"foo * on (a) group_let (b) bar", 14, "unknown function \"group_let\", did you mean \"group_left\"?"},
    {"foo * on a group_left bar", 10, "unexpected name \"a\" in a list of labels, expected \"(\""},
    {"foo * group_left (a) bar", 7,
     "unexpected \"group_left\" in an operator's clauses, expected on (…) or ignoring (…) before it"},
    {"foo * group_left bar", 7,
     "unexpected \"group_left\" in an operator's clauses, expected on (…) or ignoring (…) before it"},
    {"foo * ingoring (a) bar", 7, "unknown function \"ingoring\", did you mean \"ignoring\"?"},
    {"foo * with (a) bar", 7, "unknown function \"with\""},
    {"foo / by (job) bar", 10,
     "unexpected \"(\" in an expression, expected an operator or its end; between operands it is on (…) or "
     "ignoring (…)"},
    {"sum by job (foo)", 8, "unexpected name \"job\" in a list of labels, expected \"(\""},
    {"sum by (job foo)", 13, "unexpected name \"foo\" in a list of labels, expected \",\" or \")\""},
    {"sum by (\"job\") (foo)", 9, "quoted names of labels: needs Prometheus 3.0"},
    {"sum (foo) group by (job)", 11,
     "unexpected aggregation \"group\" in an expression, expected an operator or its end"},
    {"sum(foo) by job", 13, "unexpected name \"job\" in a list of labels, expected \"(\""},
    {"sum(foo) without job", 18, "unexpected name \"job\" in a list of labels, expected \"(\""},
    {"sum(foo) whithout (job)", 10,
     "unexpected name \"whithout\" in an expression, expected an operator or its end, did you mean "
     "\"without\"?"},
    {"sum(foo) byy (job)", 10,
     "unexpected name \"byy\" in an expression, expected an operator or its end, did you mean \"by\"?"},
    {"sum foo", 5,
     "unexpected name \"foo\" in an expression, expected an operator or its end; arguments stand in "
     "parentheses"},
    {"sum foo by (job)", 5,
     "unexpected name \"foo\" in an expression, expected an operator or its end; arguments stand in "
     "parentheses"},
    {"foo{job=api}", 9, "unexpected name \"api\" in a selector, expected a value in quotes"},
    {"foo{job==api}", 9, "unexpected \"=\" in a selector, expected a value in quotes, did you mean \"=\"?"},
    {"foo{job==\"api\"}", 9,
     "unexpected \"=\" in a selector, expected a value in quotes, did you mean \"=\"?"},
    {"foo{job:\"api\"}", 8,
     "unexpected character \":\" in a selector, expected =, !=, =~ or !~, did you mean \"=\"?"},
    {"foo{\"job\"=\"api\"}", 5, "quoted names of labels and metrics: needs Prometheus 3.0"},
    {"foo{job=\"api\" env=\"x\"}", 15, "unexpected name \"env\" in a selector, expected \",\" or \"}\""},
    {"foo{job=\"api\"; env=\"x\"}", 14,
     "unexpected character \";\" in a selector, expected \",\" or \"}\", did you mean \",\"?"},
    {"foo{job=\"api\" and env=\"x\"}", 15,
     "unexpected name \"and\" in a selector, expected \",\" or \"}\", did you mean \",\"?"},
    {"foo{job like \"api\"}", 9,
     "unexpected name \"like\" in a selector, expected =, !=, =~ or !~, did you mean \"=~\"?"},
    {"foo{job~\"api\"}", 8,
     "unexpected character \"~\" in a selector, expected =, !=, =~ or !~, did you mean \"=~\"?"},
    {"foo{job=~api.*}", 10, "unexpected name \"api\" in a selector, expected a value in quotes"},
    {"foo{job!=\"api\"", 15, "\"}\" is missing"},
    {"foo{job=\"api", 9, "the string is not closed"},
    {"foo(job=\"api\")", 1, "labels are matched in braces: \"foo{…}\""},
    {"foo[job=\"api\"]", 5, "bad duration: whole numbers with the units y, w, d, h, m, s, ms in this order"},
    {"foo.bar", 4,
     "unexpected character \".\" in an expression, expected an operator or its end; a metric's name has "
     "letters, digits, \"_\" and \":\" only"},
    {"foo-bar.baz", 8,
     "unexpected character \".\" in an expression, expected an operator or its end; a metric's name has "
     "letters, digits, \"_\" and \":\" only"},
    {"foo[5]", 5, "this range has no unit, as 5m has (seconds without one need Prometheus 2.54)"},
    {"foo[5min]", 5, "bad duration: whole numbers with the units y, w, d, h, m, s, ms in this order"},
    {"foo[5 m]", 5, "this range has no unit, as 5m has (seconds without one need Prometheus 2.54)"},
    {"foo[5m", 7, "the expression ends within brackets, expected \":\" or \"]\""},
    {"foo[]", 5, "a duration is expected here, as 5m"},
    {"foo[1.5h]", 5, "bad duration: whole numbers with the units y, w, d, h, m, s, ms in this order"},
    {"foo[-5m]", 5, "a duration is expected here, as 5m (arithmetic on durations needs Prometheus 3.4)"},
    {"foo[$__rate_interval]", 5,
     "a duration is expected here, as 5m; variables of a dashboard are not part of PromQL"},
    {"foo[$interval]", 5,
     "a duration is expected here, as 5m; variables of a dashboard are not part of PromQL"},
    {"rate(foo)[5m]", 10, "a range is for a plain selector only; a subquery is written [5m:]"},
    {"sum(foo) offset 5m", 10, "offset stands behind a selector or a subquery only"},
    {"foo offset 5", 12, "a duration without a unit (write 5m, not 300): needs Prometheus 2.54"},
    {"foo offset -", 13, "the expression ends within offset, expected a duration"},
    {"foo offset", 11, "the expression ends within offset, expected a duration"},
    {"foo[5m] offset", 15, "the expression ends within offset, expected a duration"},
    {"foo offset 5m[5m]", 14, "offset comes behind the range"},
    {"foo @ now()", 7, "unexpected name \"now\" in @, expected a Unix time in seconds, start() or end()"},
    {"foo @ -", 8, "the expression ends within @, expected a Unix time in seconds, start() or end()"},
    {"foo = 5", 5,
     "unexpected \"=\" in an expression, expected an operator or its end, did you mean \"==\"?"},
    {"foo === 5", 7,
     "unexpected \"=\" in an expression, expected a metric, a number, a function or \"(\", did you mean "
     "\"==\"?"},
    {"foo <> 5", 6,
     "unexpected operator \">\" in an expression, expected a metric, a number, a function or \"(\", did you "
     "mean \"!=\"?"},
    {"foo => 5", 5,
     "unexpected \"=\" in an expression, expected an operator or its end, did you mean \">=\"?"},
    {"foo =< 5", 5,
     "unexpected \"=\" in an expression, expected an operator or its end, did you mean \"<=\"?"},
    {"foo && bar", 5,
     "unexpected character \"&\" in an expression, expected an operator or its end, did you mean \"and\"?"},
    {"foo || bar", 5,
     "unexpected character \"|\" in an expression, expected an operator or its end, did you mean \"or\"?"},
    {"!foo", 1, "\"!=\" is expected here"},
    {"not foo", 5, "unexpected name \"foo\" in an expression, expected an operator or its end"},
    {"foo & bar", 5,
     "unexpected character \"&\" in an expression, expected an operator or its end, did you mean \"and\"?"},
    {"foo xor bar", 5,
     "unexpected name \"xor\" in an expression, expected an operator or its end, did you mean \"or\"?"},
    {"foo AND NOT bar", 13, "unexpected name \"bar\" in an expression, expected an operator or its end"},
    {"foo != bool 5 or", 17,
     "the expression ends too early, expected a metric, a number, a function or \"(\""},
    {"foo > bool", 11, "the expression ends too early, expected a metric, a number, a function or \"(\""},
    {"1 > 2", 3, "a comparison of two scalars needs bool behind the operator"},
    {"foo >", 6, "the expression ends too early, expected a metric, a number, a function or \"(\""},
    {"> 5", 1,
     "unexpected operator \">\" in an expression, expected a metric, a number, a function or \"(\""},
    {"(foo", 5, "the expression ends within parentheses, expected an operator or \")\""},
    {"foo)", 4, "unexpected \")\" in an expression, expected an operator or its end"},
    {"((foo)", 7, "the expression ends within parentheses, expected an operator or \")\""},
    {"foo bar", 5, "unexpected name \"bar\" in an expression, expected an operator or its end"},
    {"foo, bar", 4, "unexpected \",\" in an expression, expected an operator or its end"},
    {"foo; bar", 4, "unexpected character \";\" in an expression, expected an operator or its end"},
    {"'foo", 1, "the string is not closed"},
    {"\"foo", 1, "the string is not closed"},
    {"5m", 1,
     "unexpected duration \"5m\" in an expression, expected a metric, a number, a function or \"(\"; a "
     "duration stands in brackets or behind offset"},
    {"5%", 3, "the expression ends too early, expected a metric, a number, a function or \"(\""},
    {"100 %", 6, "the expression ends too early, expected a metric, a number, a function or \"(\""},
    {"1,000", 2, "unexpected \",\" in an expression, expected an operator or its end"},
    {"1.000.000", 6, "unexpected number \".000\" in an expression, expected an operator or its end"},
    {"1e", 1, "bad number"},
    {"foo ? 1 : 2", 5, "unexpected character \"?\" in an expression, expected an operator or its end"},
    {"foo == \"bar\"", 8, "\"==\" expects scalars or instant vectors, got a string"},
    {"foo > 5 then 1", 9, "unexpected name \"then\" in an expression, expected an operator or its end"},
    {"if foo > 5", 4, "unexpected name \"foo\" in an expression, expected an operator or its end"},
    {"{}", 1,
     "the selector would take every series: name the metric, or match a label against a value that is not "
     "empty"},
    {"{a=\"\"}", 1,
     "the selector would take every series: name the metric, or match a label against a value that is not "
     "empty"},
    {"foo{} {}", 7, "unexpected \"{\" in an expression, expected an operator or its end"},
    {"$foo", 1,
     "unexpected character \"$\" in an expression, expected a metric, a number, a function or \"(\"; "
     "variables of a dashboard are not part of PromQL"},
    {"{{ foo }}", 2, "unexpected character \"{\" in a selector, expected a label name or \"}\""},
    {"foo[5m:1m:1m]", 10, "a second \":\" in brackets"},
    {"foo[5m:]:", 9, "unexpected metric name \":\" in an expression, expected an operator or its end"},
    {"rate{foo}[5m]", 9, "unexpected \"}\" in a selector, expected =, !=, =~ or !~"},
    {"rate foo[5m]", 6,
     "unexpected name \"foo\" in an expression, expected an operator or its end; arguments stand in "
     "parentheses"},
    {"SELECT foo", 8, "unexpected name \"foo\" in an expression, expected an operator or its end"},
    {"foo WHERE a = 1", 5, "unexpected name \"WHERE\" in an expression, expected an operator or its end"},
    {"foo is null", 5,
     "unexpected name \"is\" in an expression, expected an operator or its end, did you mean \"==\"?"},
    {"foo in (a, b)", 5, "unexpected name \"in\" in an expression, expected an operator or its end"},
    {"foo like \"x\"", 5, "unexpected name \"like\" in an expression, expected an operator or its end"},
    {"foo{a=\"x\",,b=\"y\"}", 11, "unexpected \",\" in a selector, expected a label name or \"}\""},
    {"foo{,a=\"x\"}", 5, "unexpected \",\" in a selector, expected a label name or \"}\""},
    {"foo{a=\"\\d\"}", 8,
     "unknown escape; in quotes a regular expression's backslash is written twice, in backquotes once"},
    {"foo{a=~\"(x\"}", 8, "bad regular expression, at its character 3: \")\" is missing"},
    {"foo{a=~\"x{2,1}\"}", 8, "bad regular expression, at its character 2: the greater count comes second"},
    {"foo{a=~\"(?<n>x)\"}", 8,
     "bad regular expression, at its character 1: RE2 has no such group (no look-around)"},
    {"sum by (a,,b) (foo)", 11, "unexpected \",\" in a list of labels, expected a label name"},
    {"sum(foo,)", 9, "unexpected \")\" in an expression, expected a metric, a number, a function or \"(\""},
    {"time(5)", 1, "\"time\" takes 0 arguments, got 1: time()"},
    {"scalar(5)", 8, "\"scalar\" expects an instant vector here, got a scalar"},
    {"vector(foo)", 8, "\"vector\" expects a scalar here, got an instant vector"},
    {"day_of_weak(foo)", 1, "unknown function \"day_of_weak\", did you mean \"day_of_week\"?"},
    {"predict_linear(foo[1h])", 1,
     "\"predict_linear\" takes 2 arguments, got 1: predict_linear(range vector, scalar)"},
    {"predict_linear(foo, 3600)", 16,
     "\"predict_linear\" expects a range vector here, got an instant vector"},
    {"foo unless on bar", 15, "unexpected name \"bar\" in a list of labels, expected \"(\""},
    {"foo and ignoring(a) group_left bar", 5, "\"and\" takes no group_left or group_right"},
    {"foo or 0", 5, "\"or\" is for two instant vectors; vector(…) makes one of a scalar"},
    {"foo or vector()", 8, "\"vector\" takes 1 argument, got 0: vector(scalar)"},
};

START_TEST(said)
{
    const struct row *r = &rows[_i];
    struct gr_diag_view v = {.message = GR_STR_NONE};
    struct parsed p;
    size_t column = 1;

    parsed_init(&p, gr_str(r->text));
    ck_assert_msg(p.err == GR_EUSER, "'%s' was taken", r->text);
    ck_assert(gr_diags_get(p.diags, 0, &v));
    column += v.where.start; /* all of ASCII */
    ck_assert_msg(gr_str_is(v.message, r->says) && column == r->column, "'%s': %zu: " GR_FMT, r->text, column,
                  GR_ARG(v.message));
    parsed_fini(&p);
}
END_TEST

/* What is suggested instead is offered as the fix, too. */
START_TEST(fixes)
{
    static const struct {
        const char *text, *fix;
    } all[] = {
        {"rat(foo[5m])", "rate"},
        {"foo = 5", "=="},
        {"foo{a~\"b\"}", "=~"},
        {"sum(foo) wihtout (a)", "without"},
        {"rate(foo)", "add a range behind it, as [5m]"},
        {"rate(sum(foo))", "make it a subquery, as (…)[1h:5m]"},
        {"sum(foo[5m])", "leave out the range, or reduce it with rate(…) or a function …_over_time(…)"},
        {"abs(1)", "vector(…) makes an instant vector of a scalar"},
        {"vector(foo)", "scalar(…) makes a scalar of an instant vector with one series"},
        {"foo zzzzzz", "write an operator here, or remove what follows"},
        {"sum(foo", "write an operator, \",\" or \")\" here"},
        {"foo +", "write a metric, a number, a function or \"(\" here"},
        {"zzzzzz(foo)", "name a function of Prometheus, or a metric without parentheses"},
        {"", ""},
    };

    for (size_t i = 0; i < GR_COUNT(all); i++) {
        struct gr_diag_view v = {.message = GR_STR_NONE};
        struct parsed p;

        parsed_init(&p, gr_str(all[i].text));
        ck_assert(gr_diags_get(p.diags, 0, &v));
        ck_assert_msg(gr_str_is(v.fix, all[i].fix), "'%s': " GR_FMT, all[i].text, GR_ARG(v.fix));
        parsed_fini(&p);
    }
}
END_TEST

Suite *
promql_hint_suite(void)
{
    Suite *s = suite_create("promql_hint");
    TCase *tc = tcase_create("hints");

    tcase_add_loop_test(tc, said, 0, GR_COUNT(rows));
    tcase_add_test(tc, fixes);
    suite_add_tcase(s, tc);
    return s;
}
