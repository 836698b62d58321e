/* test_promql_pretty.c - the form on several lines: as Prometheus' own formatter breaks it (its answers are kept in
 * tests/data/promql-pretty.txt: "# expression", what Prometheus 2.42 made of it, an empty line), within limits, and the same
 * tree when it is read again. */
#include "config.h"
#include "test_rules.h"

#include <errno.h>
#include <stdlib.h>

#include "../fault.h"
#include "guardrail/file.h"
#include "promql_gen.h"

#define GENERATED 1500u

static const struct row {
    size_t width;
    const char *text, *want; /* NULL: the text itself */
} rows[] = {
    {100, "time()", NULL},
    {0, "time()", NULL},
    {0, "foo", NULL},
    {0, "`a\nb`", "\"a\\nb\""},
    {5, "a + b", NULL},
    {4, "a + b", "  a\n+\n  b"},
    {4, "a+b+c", "    a\n  +\n    b\n+\n  c"},
    {9, "a + b + c", NULL},
    {8, "a + b + c", "  a + b\n+\n  c"},
    {8, "a == bool on (x) bb", "  a\n== bool on (x)\n  bb"},
    {8, "a * on (x) group_left bb", "  a\n* on (x) group_left ()\n  bb"},
    {8, "sum(a) by (b, c)", "sum by (b, c) (\n  a\n)"},
    {8, "topk(5, abcdef)", "topk(\n  5,\n  abcdef\n)"},
    {8, "rate(abcdef[5m])", "rate(\n  abcdef[5m]\n)"},
    {8, "(abcdefgh)", "(\n  abcdefgh\n)"},
    {8, "(abcdefgh)[5m:1m] offset 1h", "(\n  abcdefgh\n)[5m:1m] offset 1h"},
    {8, "-(abcdefgh)", "-(\n  abcdefgh\n)"},
    {8, "--sum(abcdefgh)", "--sum(\n  abcdefgh\n)"},
    {8, "-abcdefgh", NULL},
    {8, "-abcd ^ efgh", "-abcd\n^\n  efgh"},
    {8, "x+-(abcdefgh)", "  x\n+\n  -(\n    abcdefgh\n  )"},
    {8, "sum(rate(abcdefgh{x=\"y\"}[5m]))", "sum(\n  rate(\n    abcdefgh{x=\"y\"}[5m]\n  )\n)"},
};

static void
pretty(struct gr_buf *b, const struct gr_promql *e, size_t width)
{
    gr_buf_reset(b);
    gr_promql_pretty(b, e, width);
    ck_assert_int_eq(gr_buf_err(b), GR_OK);
}

START_TEST(broken)
{
    const struct row *r = &rows[_i];
    struct gr_buf b = GR_BUF_INIT(1 << 16);
    struct parsed p;

    parsed_must(&p, r->text);
    pretty(&b, p.expr, r->width);
    ck_assert_str_eq(gr_buf_cstr(&b), r->want ? r->want : r->text);
    parsed_fini(&p);
    gr_buf_fini(&b);
}
END_TEST

/* Parentheses that only the printer sees are broken as all others. */
START_TEST(built)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_promql *x = gr_promql_select(a, GR_STR("xxx"), NULL, 0, 0);
    struct gr_promql *sum = gr_promql_binary(a, GR_PROMQL_ADD, x, x);
    struct gr_promql *product = gr_promql_binary(a, GR_PROMQL_MUL, sum, x);
    struct gr_promql sign = {.kind = GR_PROMQL_UNARY, .height = 9, .count = 1, .u = {.sign = '-'}};
    struct gr_buf b = GR_BUF_INIT(1 << 16);

    ck_assert_ptr_nonnull(product);
    sign.child = &sum;
    pretty(&b, product, 10);
    ck_assert_str_eq(gr_buf_cstr(&b), "  (\n    xxx + xxx\n  )\n*\n  xxx");
    pretty(&b, &sign, 10);
    ck_assert_str_eq(gr_buf_cstr(&b), "-(\n  xxx + xxx\n)");
    gr_arena_free(a);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(as_prometheus)
{
    struct gr_buf path = GR_BUF_INIT(4096), text = GR_BUF_INIT(1 << 20), b = GR_BUF_INIT(1 << 16);
    const char *srcdir = getenv("GR_SRCDIR");
    struct gr_str rest;
    size_t count = 0;

    gr_buf_printf(&path, "%s/tests/data/promql-pretty.txt", srcdir ? srcdir : "..");
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &text), GR_OK);
    rest = gr_buf_str(&text);
    while (gr_str_starts(rest, GR_STR("# "))) {
        size_t line = gr_str_find(rest, GR_STR("\n"), 0), end = gr_str_find(rest, GR_STR("\n\n"), 0);
        struct parsed p;

        ck_assert_uint_ne(end, SIZE_MAX);
        parsed_init(&p, gr_str_sub(rest, 2, line));
        ck_assert_msg(p.err == GR_OK, "%s", parsed_message(&p));
        pretty(&b, p.expr, 100);
        ck_assert_msg(gr_str_eq(gr_buf_str(&b), gr_str_sub(rest, line + 1, end)), GR_FMT "\nis\n%s",
                      GR_ARG(gr_str_sub(rest, 2, line)), gr_buf_cstr(&b));
        parsed_fini(&p);
        rest = gr_str_sub(rest, end + 2, rest.n);
        count++;
    }
    ck_assert_uint_eq(rest.n, 0);
    ck_assert_uint_ge(count, 30);
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    gr_buf_fini(&b);
}
END_TEST

/* Any expression at any width. */
static void
round_trip(const struct parsed *first, size_t width)
{
    struct gr_buf b = GR_BUF_INIT(1 << 22), again = GR_BUF_INIT(1 << 22);
    struct parsed second;
    struct gr_str rest, line;

    pretty(&b, first->expr, width);
    rest = gr_buf_str(&b);
    while (gr_str_next(&rest, '\n', &line))
        ck_assert_msg(line.n > 0 && line.p[line.n - 1] != ' ', "blanks: %s", gr_buf_cstr(&b));
    parsed_init(&second, gr_buf_str(&b));
    ck_assert_msg(second.err == GR_OK, "%s", parsed_message(&second));
    ck_assert_msg(gr_promql_equal(first->expr, second.expr), "%s", gr_buf_cstr(&b));
    pretty(&again, second.expr, width);
    ck_assert_str_eq(gr_buf_cstr(&b), gr_buf_cstr(&again));
    parsed_fini(&second);
    gr_buf_fini(&b);
    gr_buf_fini(&again);
}

START_TEST(generated)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20);
    struct gen g = {.state = 20261124, .out = &text, .errors_in = 60};
    size_t taken = 0;

    for (unsigned i = 0; i < GENERATED; i++) {
        struct parsed p;

        gr_buf_reset(&text);
        gen_expression(&g, false);
        parsed_init(&p, gr_buf_str(&text));
        if (p.err == GR_OK) {
            round_trip(&p, gen_below(&g, 80));
            taken++;
        }
        parsed_fini(&p);
    }
    ck_assert_uint_gt(taken, GENERATED / 2);
    gr_buf_fini(&text);
}
END_TEST

/* The text stays a multiple of the tree, however high that is, and takes no time to speak of: 3,999 levels. */
START_TEST(high)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20), b = GR_BUF_INIT(1 << 20);
    struct parsed p;

    gr_buf_puts(&text, "x");
    for (unsigned i = 0; i < 3998; i++)
        gr_buf_puts(&text, "+x");
    parsed_init(&p, gr_buf_str(&text));
    ck_assert_msg(p.err == GR_OK, "%s", parsed_message(&p));
    pretty(&b, p.expr, 100);
    ck_assert_uint_lt(b.n, 3999u * 2 * 124);
    parsed_fini(&p);
    gr_buf_fini(&text);
    gr_buf_fini(&b);
}
END_TEST

/* Too little room, and each allocation failing: the buffer says so. */
START_TEST(without_memory)
{
    const char *text = "sum by (venue) (rate(orders_total[5m]) > 0) / on (venue) group_left () limit";
    struct parsed p;
    bool failed = true;

    parsed_must(&p, text);
    for (size_t max = 0; max < 60; max++) {
        struct gr_buf b = GR_BUF_INIT(max);

        gr_promql_pretty(&b, p.expr, 20);
        ck_assert_int_eq(gr_buf_err(&b), GR_ELIMIT);
        gr_buf_fini(&b);
    }
    for (unsigned n = 1; failed; n++) {
        struct gr_buf b = GR_BUF_INIT(1 << 16);

        fault_arm(FAULT_REALLOC, n, false, ENOMEM);
        gr_promql_pretty(&b, p.expr, 20);
        failed = fault_hit();
        ck_assert_int_eq(gr_buf_err(&b), failed ? GR_ENOMEM : GR_OK);
        gr_buf_fini(&b);
        fault_off();
        ck_assert_int_eq(fault_live(), 0);
        ck_assert_uint_lt(n, 100);
    }
    parsed_fini(&p);
}
END_TEST

Suite *
promql_pretty_suite(void)
{
    Suite *s = suite_create("promql_pretty");
    TCase *tc = tcase_create("pretty");

    tcase_add_loop_test(tc, broken, 0, GR_COUNT(rows));
    tcase_add_test(tc, built);
    tcase_add_test(tc, as_prometheus);
    tcase_add_test(tc, generated);
    tcase_add_test(tc, high);
    tcase_add_test(tc, without_memory);
    suite_add_tcase(s, tc);
    return s;
}
