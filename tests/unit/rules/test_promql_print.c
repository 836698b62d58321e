/* test_promql_print.c - the canonical form: of texts, of built trees, and of every rule of the worked sketch.
 * */
#include "config.h"
#include "test_rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "guardrail/file.h"
#include "guardrail/node.h"

static const struct row {
    const char *text, *want; /* NULL: the text itself */
} rows[] = {
    {"1", NULL},
    {"- 1", "-1"},
    {"+Inf", "Inf"},
    {"-inf", "-Inf"},
    {"+Inf ^ 2", "+Inf ^ 2"},
    {"Inf ^ 2", NULL},
    {"nan", "NaN"},
    {"0x1F", "31"},
    {"010", "8"},
    {"1e3", "1000"},
    {"1e300", "1e+300"},
    {"0.1", NULL},
    {"1e-400", "0"},
    {"'it\\'s'", "\"it's\""},
    {"`a\\n\"`", "\"a\\\\n\\\"\""},
    {"\"\\u00e9\\ufffd\\x01\"", "\"\xc3\xa9\\xef\\xbf\\xbd\\x01\""},
    {"foo{}", "foo"},
    {"{a=\"b\"}", NULL},
    {"foo { a = 'b' , c =~ \"d|e\", f != '', g!~'h', }", "foo{a=\"b\",c=~\"d|e\",f!=\"\",g!~\"h\"}"},
    {"foo [ 90s ] OFFSET 60s @ 5", "foo[1m30s] @ 5 offset 1m"},
    {"foo offset -1w", "foo offset -1w"},
    {"foo @ 1603774568.5", NULL},
    {"foo @ START ( )", "foo @ start()"},
    {"foo @ start()[5m]", "foo[5m] @ start()"},
    {"foo[5m:]", NULL},
    {"foo[5m:30s] @ end() offset 1h", NULL},
    {"(a + b)[5m:]", NULL},
    {"sum(foo)by(a,b,)", "sum by (a, b) (foo)"},
    {"SUM Without () (foo)", "sum without () (foo)"},
    {"topk(5,foo)", "topk(5, foo)"},
    {"SUM", NULL},
    {"a+b", "a + b"},
    {"a==bool on(x)b", "a == bool on (x) b"},
    {"a*on(x)group_left b", "a * on (x) group_left () b"},
    {"a*ignoring(x)group_right(y,z)(b)", "a * ignoring (x) group_right (y, z) (b)"},
    {"a and on() b", "a and on () b"},
    {"((a))", NULL},
    {"- - a", "--a"},
    {"-(1)", NULL},
    {"2^-a^b", "2 ^ -a ^ b"},
    {"time()#x", "time()"},
};

START_TEST(canonical)
{
    const struct row *r = &rows[_i];
    struct parsed p;
    struct gr_buf b = GR_BUF_INIT(1 << 16);

    parsed_must(&p, r->text);
    gr_promql_print(&b, p.expr);
    ck_assert_str_eq(gr_buf_cstr(&b), r->want ? r->want : r->text);
    gr_buf_fini(&b);
    parsed_fini(&p);
}
END_TEST

/* ---- built trees get the parentheses they need ---- */

static void
must_print(struct gr_promql *e, const char *want)
{
    struct gr_buf b = GR_BUF_INIT(1 << 16);
    struct parsed p;

    ck_assert_ptr_nonnull(e);
    gr_promql_print(&b, e);
    ck_assert_str_eq(gr_buf_cstr(&b), want);
    parsed_must(&p, want);
    gr_buf_fini(&b);
    parsed_fini(&p);
}

START_TEST(built)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_promql *x = gr_promql_select(a, GR_STR("x"), NULL, 0, 0),
                     *y = gr_promql_select(a, GR_STR("y"), NULL, 0, 0);
    struct gr_promql *sum = gr_promql_binary(a, GR_PROMQL_ADD, x, y), *minus_one = gr_promql_number(a, -1.0);
    struct gr_promql *power = gr_promql_binary(a, GR_PROMQL_POW, x, y);
    struct gr_str by[] = {GR_STR_INIT("a"), GR_STR_INIT("b")};

    ck_assert(sum && minus_one && power);
    must_print(gr_promql_binary(a, GR_PROMQL_MUL, sum, sum), "(x + y) * (x + y)");
    must_print(gr_promql_binary(a, GR_PROMQL_SUB, sum, sum), "x + y - (x + y)");
    must_print(gr_promql_binary(a, GR_PROMQL_OR, sum, sum), "x + y or x + y");
    must_print(gr_promql_binary(a, GR_PROMQL_POW, power, power), "(x ^ y) ^ x ^ y");
    must_print(gr_promql_binary(a, GR_PROMQL_POW, minus_one, minus_one), "(-1) ^ -1");
    must_print(gr_promql_binary(a, GR_PROMQL_MUL, minus_one, minus_one), "-1 * -1");
    must_print(gr_promql_aggregation(a, GR_PROMQL_SUM, GR_PROMQL_BY, by, 2, NULL, sum),
               "sum by (a, b) (x + y)");
    must_print(gr_promql_aggregation(a, GR_PROMQL_TOPK, GR_PROMQL_ALL, NULL, 0, gr_promql_number(a, 3), x),
               "topk(3, x)");
    must_print(gr_promql_call(a, "clamp_min", (struct gr_promql *[]){sum, minus_one}, 2),
               "clamp_min(x + y, -1)");
    must_print(gr_promql_text(a, GR_STR("a\"b\n")), "\"a\\\"b\\n\"");
    must_print(gr_promql_select(a, GR_STR("on"), NULL, 0, 0), "{__name__=\"on\"}");
    must_print(gr_promql_select(a, GR_STR("a b"), NULL, 0, 60000), "{__name__=\"a b\"}[1m]");
    must_print(gr_promql_select(a, GR_STR("9a"), NULL, 0, 0), "{__name__=\"9a\"}");
    must_print(gr_promql_select(a, GR_STR("a9:"), NULL, 0, 0), "a9:");
    must_print(gr_promql_select(a, GR_STR("sum"), NULL, 0, 0), "sum");
    must_print(gr_promql_number(a, (double)INFINITY), "Inf");
    gr_arena_free(a);
}
END_TEST

/* A sign over each kind of operand, and a subquery over it: made by hand, as there is no builder for either.
 * */
START_TEST(signs_and_subqueries)
{
    static const struct {
        const char *inner, *sign, *subquery;
    } all[] = {
        {"a", "-a", "a[1m:]"},
        {"a * b", "-(a * b)", "(a * b)[1m:]"},
        {"a ^ b", "-a ^ b", "(a ^ b)[1m:]"},
        {"-a", "--a", "(-a)[1m:]"},
        {"sum(a)", "-sum(a)", "sum(a)[1m:]"},
    };
    struct gr_promql sign = {.kind = GR_PROMQL_UNARY, .count = 1, .u = {.sign = '-'}};
    struct gr_promql subquery = {
        .kind = GR_PROMQL_SUBQUERY, .count = 1, .u = {.subquery = {.range_ms = 60000}}};

    for (size_t i = 0; i < GR_COUNT(all); i++) {
        struct parsed p;

        parsed_must(&p, all[i].inner);
        sign.child = subquery.child = &p.expr;
        must_print(&sign, all[i].sign);
        must_print(&subquery, all[i].subquery);
        parsed_fini(&p);
    }
}
END_TEST

/* ---- the worked sketch: 50 rules of the kind that the compiler emits ---- */

static void
round_trip(struct gr_str text)
{
    struct parsed first, second;
    struct gr_buf b = GR_BUF_INIT(1 << 20), again = GR_BUF_INIT(1 << 20);

    parsed_init(&first, text);
    ck_assert_msg(first.err == GR_OK, "%s", parsed_message(&first));
    gr_promql_print(&b, first.expr);
    parsed_init(&second, gr_buf_str(&b));
    ck_assert_msg(second.err == GR_OK, "%s", parsed_message(&second));
    ck_assert(gr_promql_equal(first.expr, second.expr));
    gr_promql_print(&again, second.expr);
    ck_assert_str_eq(gr_buf_cstr(&b), gr_buf_cstr(&again));
    parsed_fini(&first);
    parsed_fini(&second);
    gr_buf_fini(&b);
    gr_buf_fini(&again);
}

START_TEST(sketch)
{
    struct gr_buf path = GR_BUF_INIT(4096), text = GR_BUF_INIT(1 << 20);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_arena *a = gr_arena_create(8 << 20);
    const char *srcdir = getenv("GR_SRCDIR");
    struct gr_node *root = NULL;
    uint32_t file;
    size_t count = 0;

    gr_buf_printf(&path, "%s/tests/data/lowering-sketch.yml", srcdir ? srcdir : "..");
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &text), GR_OK);
    ck_assert_int_eq(gr_sources_add(sources, GR_STR("sketch"), gr_buf_str(&text), &file), GR_OK);
    ck_assert_int_eq(gr_yaml_read(a, sources, file, &gr_node_limits_default, diags, &root), GR_OK);
    gr_node_each (group, gr_node_get(root, "groups")) {
        gr_node_each (rule, gr_node_get(group, "rules")) {
            round_trip(gr_node_get(rule, "expr")->text);
            count++;
        }
    }
    ck_assert_uint_ge(count, 45);
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    gr_arena_free(a);
    gr_diags_free(diags);
    gr_sources_free(sources);
}
END_TEST

Suite *
promql_print_suite(void)
{
    Suite *s = suite_create("promql_print");
    TCase *tc = tcase_create("print");

    tcase_add_loop_test(tc, canonical, 0, GR_COUNT(rows));
    tcase_add_test(tc, built);
    tcase_add_test(tc, signs_and_subqueries);
    tcase_add_test(tc, sketch);
    suite_add_tcase(s, tc);
    return s;
}
