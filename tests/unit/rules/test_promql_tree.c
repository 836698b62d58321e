/* test_promql_tree.c - walking, copying, comparing, building. */
#include "config.h"
#include "test_rules.h"

/* What a tree prints as. */
static void
is(const struct gr_promql *e, const char *want)
{
    struct gr_buf b = GR_BUF_INIT(1 << 16);

    gr_promql_print(&b, e);
    ck_assert_str_eq(gr_buf_cstr(&b), want);
    gr_buf_fini(&b);
}

/* ---- walk ---- */

struct seen {
    struct gr_buf names;
    size_t stop_after, count;
};

static bool
note_selector(struct gr_promql *e, void *ctx)
{
    struct seen *s = ctx;

    gr_buf_put(&s->names, gr_promql_metric(e));
    gr_buf_putc(&s->names, ' ');
    return ++s->count != s->stop_after;
}

START_TEST(selectors_in_order)
{
    struct parsed p;
    struct seen s = {.names = GR_BUF_INIT(1000)}, first = {.names = GR_BUF_INIT(1000), .stop_after = 2};

    parsed_must(
        &p, "sum(rate(a[5m])) / {__name__=\"b\"} + topk(scalar(c), d) + {__name__=~\"e\"} - rate((f)[5m:])");
    gr_promql_selectors(p.expr, note_selector, &s);
    ck_assert_str_eq(gr_buf_cstr(&s.names), "a b c d  f ");
    gr_promql_selectors(p.expr, note_selector, &first);
    ck_assert_str_eq(gr_buf_cstr(&first.names), "a b ");
    gr_buf_fini(&s.names);
    gr_buf_fini(&first.names);
    parsed_fini(&p);
}
END_TEST

static bool
count_but_calls(struct gr_promql *e, void *ctx)
{
    ++*(size_t *)ctx;
    return e->kind != GR_PROMQL_CALL;
}

START_TEST(visit_can_leave_out)
{
    struct parsed p;
    size_t count = 0;

    parsed_must(&p, "rate(a[5m]) + (b)");
    gr_promql_visit(p.expr, count_but_calls, &count);
    ck_assert_uint_eq(count, 4); /* +, rate, parentheses, b */
    parsed_fini(&p);
}
END_TEST

START_TEST(matcher_lookup)
{
    struct parsed p;

    parsed_must(&p, "foo{a=\"1\",b=~\"2\",a!=\"3\"}");
    ck_assert(gr_str_is(gr_promql_matcher_on(p.expr, GR_STR("a"))->value, "1"));
    ck_assert_int_eq(gr_promql_matcher_on(p.expr, GR_STR("b"))->op, GR_PROMQL_LIKE);
    ck_assert_ptr_null(gr_promql_matcher_on(p.expr, GR_STR("c")));
    parsed_fini(&p);
    parsed_must(&p, "1");
    ck_assert_ptr_null(gr_promql_matcher_on(p.expr, GR_STR("a")));
    ck_assert_uint_eq(gr_promql_metric(p.expr).n, 0);
    parsed_fini(&p);
}
END_TEST

/* ---- copy and compare ---- */

static const char full[] =
    "label_replace(sum by (a) (rate(foo{a=\"b\",c=~\"d\"}[5m] offset 1m)), \"x\", \"$1\", \"y\", \"(.*)\") "
    "* on (a) group_left (d) (-last_over_time(bar[5m:1m] @ start()) > bool 1)";

START_TEST(clone_is_equal_and_apart)
{
    struct parsed p;
    struct gr_promql *copy;
    struct gr_promql_matcher m = {.name = GR_STR("t"), .op = GR_PROMQL_IS, .value = GR_STR("u")};
    struct gr_promql_add add = {.matchers = &m, .count = 1};

    parsed_must(&p, full);
    copy = gr_promql_clone(p.arena, p.expr);
    ck_assert_ptr_nonnull(copy);
    ck_assert(gr_promql_equal(copy, p.expr));
    is(copy, full);
    ck_assert_int_eq(gr_promql_add_matchers(p.arena, copy, &add), GR_OK);
    ck_assert(!gr_promql_equal(copy, p.expr));
    is(p.expr, full);
    parsed_fini(&p);
}
END_TEST

START_TEST(unequal)
{
    static const char *const all[] = {
        "1",
        "2",
        "-1",
        "foo",
        "bar",
        "\"x\"",
        "\"y\"",
        "foo[1m]",
        "foo[2m]",
        "foo offset 1m",
        "foo @ 1",
        "foo @ 2",
        "foo @ start()",
        "foo{a=\"b\"}",
        "foo{a!=\"b\"}",
        "foo{a=\"c\"}",
        "foo{b=\"b\"}",
        "foo{a=\"b\",a=\"b\"}",
        "foo[1m:]",
        "foo[1m:1m]",
        "foo[1m:] offset 1m",
        "abs(foo)",
        "ceil(foo)",
        "hour()",
        "hour(foo)",
        "sum(foo)",
        "avg(foo)",
        "sum by () (foo)",
        "sum by (a) (foo)",
        "sum without (a) (foo)",
        "sum by (b) (foo)",
        "foo + foo",
        "foo - foo",
        "foo > foo",
        "foo > bool foo",
        "foo + on () foo",
        "foo + ignoring () foo",
        "foo + on (a) foo",
        "foo + on (a) group_left () foo",
        "foo + on (a) group_right () foo",
        "foo + on (a) group_left (b) foo",
        "-foo",
        "+foo",
        "(foo)",
        "((foo))",
        "NaN",
        "Inf",
        "-0",
        "0",
    };

    for (size_t i = 0; i < GR_COUNT(all); i++) {
        for (size_t k = 0; k < GR_COUNT(all); k++) {
            struct parsed a, b;

            parsed_must(&a, all[i]);
            parsed_must(&b, all[k]);
            ck_assert_msg(gr_promql_equal(a.expr, b.expr) == (i == k), "%s and %s", all[i], all[k]);
            parsed_fini(&a);
            parsed_fini(&b);
        }
    }
}
END_TEST

/* ---- build ---- */

START_TEST(small_arena)
{
    struct gr_arena *small = gr_arena_create(4);
    struct parsed p;

    parsed_must(&p, "a + b");
    ck_assert_ptr_null(gr_promql_clone(small, p.expr));
    ck_assert_ptr_null(gr_promql_number(small, 1));
    ck_assert_ptr_null(gr_promql_binary(p.arena, GR_PROMQL_ADD, NULL, p.expr));
    ck_assert_ptr_null(gr_promql_call(p.arena, "abs", (struct gr_promql *[]){NULL}, 1));
    gr_arena_free(small);
    parsed_fini(&p);
}
END_TEST

/* Every builder, in ever larger arenas: NULL until all fits, then the whole. */
START_TEST(builders_without_memory)
{
    struct gr_promql_matcher m = {.name = GR_STR("label"), .op = GR_PROMQL_LIKE, .value = GR_STR("value")};
    struct gr_str by[] = {GR_STR_INIT("first"), GR_STR_INIT("second")};
    bool built = false;

    for (size_t ceiling = 0; !built; ceiling += 8) {
        struct gr_arena *a = gr_arena_create(ceiling);
        struct gr_promql *select = gr_promql_select(a, GR_STR("a metric"), &m, 1, 60000), *text, *e,
                         *copy = NULL;

        ck_assert_uint_lt(ceiling, 1 << 16);
        e = gr_promql_call(a, "rate", &select, 1);
        text = gr_promql_text(a, GR_STR("v"));
        e = gr_promql_aggregation(a, GR_PROMQL_COUNT_VALUES, GR_PROMQL_BY, by, 2, text, e);
        e = gr_promql_binary(a, GR_PROMQL_ADD, e, gr_promql_number(a, 1));
        if (e)
            copy = gr_promql_clone(a, e);
        ck_assert((gr_arena_status(a) == GR_OK) == (copy != NULL));
        if (copy)
            is(copy, "count_values by (first, second) (\"v\", rate({__name__=\"a "
                     "metric\",label=~\"value\"}[1m])) + 1");
        built = copy != NULL;
        gr_arena_free(a);
    }
}
END_TEST

Suite *
promql_tree_suite(void)
{
    Suite *s = suite_create("promql_tree");
    TCase *tc = tcase_create("trees");

    tcase_add_test(tc, selectors_in_order);
    tcase_add_test(tc, visit_can_leave_out);
    tcase_add_test(tc, matcher_lookup);
    tcase_add_test(tc, clone_is_equal_and_apart);
    tcase_add_test(tc, unequal);
    tcase_add_test(tc, small_arena);
    tcase_add_test(tc, builders_without_memory);
    suite_add_tcase(s, tc);
    return s;
}
