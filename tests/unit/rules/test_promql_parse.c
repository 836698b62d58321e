/* test_promql_parse.c - what parses, what does not, what is said about it and where; limits; failing memory.
 * */
#include "config.h"
#include "test_rules.h"

#include <errno.h>

#include "../fault.h"

static const char *const taken[] = {
    "1",
    "-1",
    "+Inf",
    "0x1f",
    "\"text\"",
    "'text'",
    "`text`",
    "foo",
    "foo{}",
    "{a=\"b\"}",
    "{a!=\"\"}",
    "{a=~\".+\"}",
    "{__name__=\"foo\"}",
    "foo{a=\"b\",}",
    "foo{sum=\"x\",by=\"y\",on=\"z\"}",
    "job:rate:5m",
    ":x",
    "sum",
    "by",
    "without",
    "start",
    "end",
    "offset",
    "or",
    "and",
    "unless",
    "sum + by",
    "or or or",
    "foo[5m]",
    "foo[ 5m ]",
    "foo[5m] offset 1h",
    "foo offset -5m",
    "foo @ 1603774568",
    "foo @ -1.5",
    "foo @ start()",
    "foo @ END ( )",
    "foo[5m] @ end() offset 5m",
    "foo offset 5m @ 10",
    "foo offset 5m[5m:]",
    "foo[5m:]",
    "foo[5m:1m] @ 5 offset 1m",
    "rate(foo[5m])[1h:1m]",
    "(foo + bar)[5m:1m]",
    "foo[5m:]  # comment",
    "1 + 2 * 3 ^ 4 ^ 5",
    "1 == bool 2",
    "foo == on (a) bar",
    "foo > bool on () bar",
    "foo * ignoring (a, b,) group_left bar",
    "foo * on (a) group_right (b, c) bar",
    "foo and on (a) bar",
    "foo or ignoring () bar",
    "1 + on () 2",
    "foo atan2 bar",
    "sum(foo)",
    "sum by (a) (foo)",
    "sum(foo) without (a, b)",
    "SUM BY (sum, by, on, atan2, group_left) (foo)",
    "topk(5, foo)",
    "quantile by (a) (0.9, foo)",
    "count_values(\"x\", foo)",
    "time()",
    "pi()",
    "hour()",
    "hour(foo)",
    "round(foo)",
    "round(foo, 5)",
    "label_join(foo, \"a\", \",\")",
    "label_join(foo, \"a\", \",\", \"b\", \"c\", \"d\")",
    "label_replace(foo, \"a\", \"$1\", \"b\", \"(.*)\")",
    "histogram_quantile(0.9, sum by (le) (rate(foo_bucket[5m])))",
    "absent(foo{a=\"b\"})",
    "scalar(foo) > bool 1",
    "-(-1)",
    "--1",
    "- -foo",
    "2 ^ -1 * 3",
    "vector(1)[5m:]",
    "foo @ start()[5m]",
};

START_TEST(takes)
{
    struct parsed p;

    parsed_must(&p, taken[_i]);
    ck_assert_ptr_nonnull(p.expr);
    ck_assert_uint_eq(gr_diags_count(p.diags, GR_SEV_ERROR), 0);
    parsed_fini(&p);
}
END_TEST

/* code and place as printed ("1:5: GR0401"), and words that the message must have. */
static const struct refused {
    const char *text, *place, *says;
} refused[] = {
    {"", "1:1: GR0401", "no expression"},
    {" # nothing", "1:1: GR0401", "no expression"},
    {"foo bar", "1:5: GR0401", "unexpected name \"bar\""},
    {"foo +", "1:6: GR0401", "ends"},
    {"* foo", "1:1: GR0401", "unexpected operator \"*\""},
    {"(foo", "1:5: GR0401", "\")\""},
    {"foo)", "1:4: GR0401", "unexpected \")\""},
    {"foo{", "1:5: GR0401", "\"}\" is missing"},
    {"foo{a}", "1:6: GR0401", "=, !=, =~ or !~"},
    {"foo{a==\"b\"}", "1:7: GR0401", "value in quotes"},
    {"foo{a=b}", "1:7: GR0401", "value in quotes"},
    {"foo{a=\"b\" c=\"d\"}", "1:11: GR0401", "\",\" or \"}\""},
    {"foo{,}", "1:5: GR0401", "label name"},
    {"foo{a=~\"(\"}", "1:8: GR0401", "\")\" is missing"},
    {"foo{a=~\"x(?=y)\"}", "1:8: GR0401", "look-around"},
    {"foo{a=\"b\"}{c=\"d\"}", "1:11: GR0401", "unexpected \"{\""},
    {"foo[5m", "1:7: GR0401", "\":\" or \"]\""},
    {"foo[]", "1:5: GR0401", "duration"},
    {"foo[0s]", "1:5: GR0401", "greater than 0"},
    {"foo[1m5h]", "1:5: GR0401", "order"},
    {"foo[5ms5m]", "1:5: GR0401", "order"},
    {"sum(foo)[5m]", "1:9: GR0401", "subquery is written [5m:]"},
    {"foo offset 5m[5m]", "1:14: GR0401", "offset comes behind"},
    {"foo @ 5 [5m]", "1:9: GR0401", "@ comes behind"},
    {"foo offset", "1:11: GR0401", "duration"},
    {"foo offset 5m offset 5m", "1:15: GR0401", "second offset"},
    {"foo @ 1 @ 2", "1:9: GR0401", "second @"},
    {"foo @ bar", "1:7: GR0401", "start() or end()"},
    {"foo @ Inf", "1:7: GR0401", "out of range"},
    {"foo @ start", "1:12: GR0401", "\"(\""},
    {"(foo) offset 5m", "1:7: GR0401", "behind a selector or a subquery"},
    {"1 @ 5", "1:3: GR0401", "behind a selector or a subquery"},
    {"sum(foo) by a", "1:13: GR0401", "list of labels"},
    {"sum by (a b) (foo)", "1:11: GR0401", "\",\" or \")\""},
    {"sum by (without) (foo)", "1:9: GR0401", "label name"},
    {"sum by (a:b) (foo)", "1:9: GR0401", "label name"},
    {"sum by (,) (foo)", "1:9: GR0401", "label name"},
    {"sum()", "1:1: GR0401", "takes 1 argument, got 0"},
    {"topk(foo)", "1:1: GR0401", "takes 2 arguments, got 1"},
    {"sum(foo,)", "1:9: GR0401", "unexpected \")\""},
    {"foo * group_left bar", "1:7: GR0401", "on (…) or ignoring (…) before it"},
    {"foo * on (a) group_left (bar + 1)", "1:30: GR0401", "\",\" or \")\""},
    {"rat(foo[5m])", "1:1: GR0401", "did you mean \"rate\""},
    {"nosuchthing(foo)", "1:1: GR0401", "unknown function \"nosuchthing\"\n"},
    {"a:b(foo)", "1:4: GR0401", "unexpected \"(\""},
    {"on", "1:1: GR0401", "unexpected"},
    {"1e400", "1:1: GR0401", "too large"},
    {"0xg", "1:1: GR0401", "bad number"},
    {"5m", "1:1: GR0401", "unexpected duration"},
    {"\"\\q\"", "1:2: GR0401", "unknown escape"},
    {"foo\n  + $x", "2:5: GR0401", "unexpected character"},
    /* later versions */
    {"foo[300]", "1:5: GR0403", "2.54"},
    {"foo offset 300", "1:12: GR0403", "2.54"},
    {"foo[5m + 1m]", "1:8: GR0403", "3.4"},
    {"foo[(5m)]", "1:5: GR0403", "3.4"},
    {"foo offset (5m)", "1:12: GR0403", "3.4"},
    {"{\"foo\"}", "1:2: GR0403", "3.0"},
    {"foo{\"a b\"=\"c\"}", "1:5: GR0403", "3.0"},
    {"sum by (\"a b\") (foo)", "1:9: GR0403", "3.0"},
    {"1_000", "1:1: GR0403", "2.52"},
    {"mad_over_time(foo[5m])", "1:1: GR0403", "2.45"},
    {"limitk(1, foo)", "1:1: GR0403", "2.54"},
    {"limit_ratio by (a) (1, foo)", "1:1: GR0403", "2.54"},
    {"sort_by_label(foo, \"a\")", "1:1: GR0403", "2.49"},
    {"start()", "1:1: GR0403", "3.6"},
    {"foo smoothed", "1:5: GR0403", "3.7"},
};

START_TEST(refuses)
{
    const struct refused *r = &refused[_i];
    struct parsed p;
    const char *message;

    parsed_init(&p, gr_str(r->text));
    message = parsed_message(&p);
    ck_assert_msg(p.err == GR_EUSER, "'%s' parsed", r->text);
    ck_assert_ptr_null(p.expr);
    ck_assert_uint_eq(gr_diags_count(p.diags, GR_SEV_ERROR), 1);
    ck_assert_msg(strstr(message, r->place), "'%s' should be at %s: %s", r->text, r->place, message);
    ck_assert_msg(strstr(message, r->says), "'%s' should say '%s': %s", r->text, r->says, message);
    parsed_fini(&p);
}
END_TEST

/* ---- places ---- */

static bool
spans_nest(struct gr_promql *e, void *ctx)
{
    struct gr_span file = *(struct gr_span *)ctx;

    ck_assert_uint_lt(e->start, e->end);
    ck_assert_uint_eq(e->where.file, file.file);
    ck_assert_uint_eq(e->where.start, file.start + e->start);
    ck_assert_uint_eq(e->where.end, file.start + e->end);
    for (size_t i = 0; i < e->count; i++)
        ck_assert(e->child[i]->start >= e->start && e->child[i]->end <= e->end);
    return true;
}

START_TEST(spans)
{
    struct parsed p;
    struct gr_span file = {1, 0, 0};
    const char *text = "sum by (a) (rate(foo{b=\"c\"}[5m] offset 1m)) / (bar + 1) ^ -2";

    parsed_must(&p, text);
    gr_promql_visit(p.expr, spans_nest, &file);
    ck_assert_uint_eq(p.expr->start, 0);
    ck_assert_uint_eq(p.expr->end, strlen(text));
    ck_assert_uint_eq(p.expr->u.binary.op_where.start, 44);
    ck_assert_uint_eq(p.expr->child[0]->child[0]->child[0]->start, 17);
    ck_assert_uint_eq(p.expr->child[0]->child[0]->child[0]->end, 41);
    ck_assert_uint_eq(p.expr->child[0]->child[0]->child[0]->u.selector.matchers[0].where.start, 21);
    parsed_fini(&p);
}
END_TEST

/* Styles of YAML are in test_promql_place.c; here: no place, and one that does not hold the text. */
START_TEST(origin)
{
    struct parsed p;
    struct gr_promql *e = NULL;
    struct gr_span elsewhere = {1, 3, 9};

    parsed_init(&p, GR_STR("0 + 1 + 2"));
    ck_assert_int_eq(gr_promql_parse(p.arena, GR_STR("1+foo"), elsewhere, p.diags, &e), GR_OK);
    ck_assert_uint_eq(e->child[1]->where.start, 3);
    ck_assert_uint_eq(e->child[1]->where.end, 9);
    e = NULL;
    ck_assert_int_eq(gr_promql_parse(p.arena, GR_STR("1+foo"), GR_SPAN_NONE, p.diags, &e), GR_OK);
    ck_assert_uint_eq(e->child[1]->where.file, 0);
    ck_assert_uint_eq(e->child[1]->start, 2);
    parsed_fini(&p);
}
END_TEST

/* ---- trees ---- */

START_TEST(precedence)
{
    static const struct {
        const char *text, *same;
    } pairs[] = {
        {"1 + 2 * 3", "1 + (2 * 3)"},
        {"1 - 2 - 3", "(1 - 2) - 3"},
        {"2 ^ 3 ^ 4", "2 ^ (3 ^ 4)"},
        {"-a ^ b", "-(a ^ b)"},
        {"-a * b", "(-a) * b"},
        {"2 ^ -a * b", "(2 ^ (-a)) * b"},
        {"a or b and c", "a or (b and c)"},
        {"a unless b and c", "(a unless b) and c"},
        {"a > b + c", "a > (b + c)"},
        {"a == b == c", "(a == b) == c"},
        {"a atan2 b * c", "(a atan2 b) * c"},
        {"a and b > c", "a and (b > c)"},
        {"a % b ^ c", "a % (b ^ c)"},
    };
    struct parsed a, b;

    parsed_must(&a, pairs[_i].text);
    parsed_must(&b, pairs[_i].same);
    for (struct parsed *p = &b; p; p = p == &b ? &a : NULL) { /* drop parentheses */
        for (size_t i = 0; i < p->expr->count; i++)
            if (p->expr->child[i]->kind == GR_PROMQL_PAREN)
                p->expr->child[i] = p->expr->child[i]->child[0];
    }
    ck_assert_int_eq(a.expr->kind, b.expr->kind);
    for (size_t i = 0; i < a.expr->count; i++)
        ck_assert_msg(a.expr->child[i]->kind == b.expr->child[i]->kind, "%s", pairs[_i].text);
    parsed_fini(&a);
    parsed_fini(&b);
}
END_TEST

START_TEST(signs_before_numbers_are_theirs)
{
    struct parsed p;

    parsed_must(&p, "- -1.5");
    ck_assert_int_eq(p.expr->kind, GR_PROMQL_NUMBER);
    ck_assert_double_eq(p.expr->u.number, 1.5);
    parsed_fini(&p);
    parsed_must(&p, "-(1)");
    ck_assert_int_eq(p.expr->kind, GR_PROMQL_UNARY);
    parsed_fini(&p);
}
END_TEST

/* ---- limits ---- */

static void
fill(struct gr_buf *b, const char *left, const char *middle, const char *right, size_t n)
{
    gr_buf_reset(b);
    for (size_t i = 0; i < n; i++)
        gr_buf_puts(b, left);
    gr_buf_puts(b, middle);
    for (size_t i = 0; i < n; i++)
        gr_buf_puts(b, right);
    ck_assert_int_eq(gr_buf_err(b), GR_OK);
}

/* All that walks a tree, on the highest ones: the stack must do. */
static void
exercise(struct parsed *p)
{
    struct gr_buf b = GR_BUF_INIT(1 << 20);
    struct gr_promql *copy = gr_promql_clone(p->arena, p->expr);
    struct gr_promql_labels labels;

    ck_assert(copy && gr_promql_equal(copy, p->expr));
    ck_assert_int_eq(gr_promql_check(copy, p->diags), GR_OK);
    ck_assert_int_eq(gr_promql_labels(p->arena, copy, NULL, NULL, &labels), GR_OK);
    ck_assert_int_ne(gr_promql_type(copy), GR_PROMQL_T_NONE);
    gr_promql_print(&b, copy);
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    gr_buf_fini(&b);
}

static const struct limit_row {
    const char *name, *left, *middle, *right;
    size_t most;
} limits[] = {
    {"parentheses", "(", "1", ")", GR_PROMQL_NESTING_MAX - 1},
    {"signs", "-", "a", "", GR_PROMQL_NESTING_MAX - 1},
    {"powers", "a ^ ", "a", "", GR_PROMQL_NESTING_MAX - 1},
    {"calls", "abs(", "a", ")", GR_PROMQL_NESTING_MAX - 1},
    {"chain", "", "a", "+a", GR_PROMQL_HEIGHT_MAX - 1},
    {"labels", "sum by (a", "", ") (a)", 1},
};

START_TEST(depth)
{
    const struct limit_row *r = &limits[_i];
    struct gr_buf b = GR_BUF_INIT(1 << 20);
    struct parsed p;

    for (size_t past = 0; past <= (r->most > 1); past++) {
        fill(&b, r->left, r->middle, r->right, r->most + past);
        parsed_init(&p, gr_buf_str(&b));
        ck_assert_msg(p.err == (past ? GR_EUSER : GR_OK), "%s: %s", r->name, parsed_message(&p));
        if (!past)
            exercise(&p);
        if (past)
            ck_assert_ptr_nonnull(strstr(parsed_message(&p), "GR0002"));
        parsed_fini(&p);
    }
    gr_buf_fini(&b);
}
END_TEST

START_TEST(lists)
{
    struct gr_buf b = GR_BUF_INIT(1 << 20);
    struct parsed p;

    for (unsigned kind = 0; kind < 2; kind++) {
        for (unsigned past = 0; past < 2; past++) {
            gr_buf_reset(&b);
            gr_buf_puts(&b, kind ? "sum by (" : "foo{");
            for (unsigned i = 0; i < GR_PROMQL_LABELS_MAX + past; i++)
                gr_buf_puts(&b, kind ? "a," : "a=\"\",");
            gr_buf_puts(&b, kind ? ") (a)" : "}");
            parsed_init(&p, gr_buf_str(&b));
            ck_assert_int_eq(p.err, past ? GR_EUSER : GR_OK);
            parsed_fini(&p);
        }
    }
    gr_buf_fini(&b);
}
END_TEST

START_TEST(bytes)
{
    struct gr_buf b = GR_BUF_INIT(GR_PROMQL_BYTES_MAX + 1);
    struct parsed p;

    fill(&b, "", "a", " ", GR_PROMQL_BYTES_MAX - 1);
    parsed_init(&p, gr_buf_str(&b));
    ck_assert_int_eq(p.err, GR_OK);
    parsed_fini(&p);
    gr_buf_putc(&b, ' ');
    parsed_init(&p, gr_buf_str(&b));
    ck_assert_int_eq(p.err, GR_EUSER);
    ck_assert_ptr_nonnull(strstr(parsed_message(&p), "GR0002"));
    parsed_fini(&p);
    gr_buf_fini(&b);
}
END_TEST

/* ---- memory ---- */

static const char long_text[] = "label_replace(sum by (a, b, c) (rate(foo{a=\"b\\n\",c=~\"d\"}[5m] offset "
                                "1m)), \"x\", \"$1\", \"y\", \"(.*)\") "
                                "* on (a, b) group_left (d) (-last_over_time(bar[5m:1m] @ start()) > bool 1) "
                                "or topk(1, count_values(\"v\", foo))";

/* The arena ends at ever later places: GR_ENOMEM, never a finding, until it parses. */
START_TEST(arena_ends)
{
    enum gr_err err = GR_ENOMEM;
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_str text = GR_STR("sum by (a) (rate(foo{a=\"\\n\",b=~\"c\"}[5m])) + on (a) group_left (b) "
                                "-last_over_time(bar[5m:]) or topk(1, x)");
    size_t ceiling = 0;

    while (err != GR_OK && ceiling < 1 << 20) {
        struct gr_arena *a = gr_arena_create(ceiling);
        struct gr_promql *e = NULL;

        ck_assert_ptr_nonnull(a);
        err = gr_promql_parse(a, text, GR_SPAN_NONE, diags, &e);
        ck_assert_int_eq(err, e ? GR_OK : GR_ENOMEM);
        ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), 0);
        gr_arena_free(a);
        ceiling += 8;
    }
    ck_assert_uint_gt(ceiling, 500);
    gr_diags_free(diags);
    gr_sources_free(sources);
}
END_TEST

START_TEST(memory_fails)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        bool failed = true;

        for (unsigned n = 1; failed; n++) {
            struct gr_sources *sources;
            struct gr_diags *diags;
            struct gr_arena *a;
            struct gr_promql *e = NULL;

            fault_arm(FAULT_REALLOC, n, sticky, ENOMEM);
            sources = gr_sources_create();
            diags = sources ? gr_diags_create(sources) : NULL;
            a = gr_arena_create(1 << 20);
            if (diags && a) {
                enum gr_err err = gr_promql_parse(a, gr_str(long_text), GR_SPAN_NONE, diags, &e);

                ck_assert_int_eq(err, fault_hit() ? GR_ENOMEM : GR_OK);
                ck_assert((e != NULL) == (err == GR_OK));
            }
            gr_arena_free(a);
            gr_diags_free(diags);
            gr_sources_free(sources);
            failed = fault_hit();
            fault_off();
            ck_assert_int_eq(fault_live(), 0);
        }
    }
}
END_TEST

/* At most about 200 bytes of memory for each byte of text, whatever the text. */
START_TEST(memory_is_bounded)
{
    static const char *const pieces[] = {"a+", "-", "(", "a,", "{a=\"\"}+", "foo[5m]+", "1^"};
    struct gr_buf b = GR_BUF_INIT(1 << 20);

    for (size_t i = 0; i < GR_COUNT(pieces); i++) {
        struct parsed p;

        fill(&b, pieces[i], "a", "", 3000);
        parsed_init(&p, gr_buf_str(&b));
        ck_assert_uint_le(gr_arena_used(p.arena), 200 * b.n + 4096);
        parsed_fini(&p);
    }
    gr_buf_fini(&b);
}
END_TEST

Suite *
promql_parse_suite(void)
{
    Suite *s = suite_create("promql_parse");
    TCase *tc = tcase_create("texts"), *places = tcase_create("places and trees"),
          *bounds = tcase_create("bounds");

    tcase_add_loop_test(tc, takes, 0, GR_COUNT(taken));
    tcase_add_loop_test(tc, refuses, 0, GR_COUNT(refused));
    tcase_add_test(places, spans);
    tcase_add_test(places, origin);
    tcase_add_loop_test(places, precedence, 0, 13);
    tcase_add_test(places, signs_before_numbers_are_theirs);
    tcase_add_loop_test(bounds, depth, 0, GR_COUNT(limits));
    tcase_add_test(bounds, lists);
    tcase_add_test(bounds, bytes);
    tcase_add_test(bounds, arena_ends);
    tcase_add_test(bounds, memory_fails);
    tcase_add_test(bounds, memory_is_bounded);
    suite_add_tcase(s, tc);
    suite_add_tcase(s, places);
    suite_add_tcase(s, bounds);
    return s;
}
