/* test_promql_regex.c - what is a regular expression to Prometheus, and which match the empty string. That
 * the first column is right is what promtool said (test_promql_diff.c draws from the same pieces). */
#include "config.h"
#include "test_rules.h"

#include "guardrail/promql.h"

enum { BAD, FULL, EMPTY }; /* refused; taken, does not match ""; taken, matches "" */

static const struct row {
    const char *re;
    int want;
    size_t at; /* of a refused one: the offending byte */
} rows[] = {
    {"", EMPTY, 0},
    {"a", FULL, 0},
    {".*", EMPTY, 0},
    {".+", FULL, 0},
    {"a|", EMPTY, 0},
    {"a|b*", EMPTY, 0},
    {"a|b", FULL, 0},
    {"a*b?", EMPTY, 0},
    {"a*b", FULL, 0},
    {"(a*)+", EMPTY, 0},
    {"(a|b+)", FULL, 0},
    {"(a|)b", FULL, 0},
    {"(a|)b{0,3}", EMPTY, 0},
    {"a{0}", EMPTY, 0},
    {"a{1,}", FULL, 0},
    {"^$", EMPTY, 0},
    {"\\A\\z", EMPTY, 0},
    {"\\b", FULL, 0},
    {"\\B", EMPTY, 0},
    {"()", EMPTY, 0},
    {"(?i)", EMPTY, 0},
    {"(?i:a)", FULL, 0},
    {"(?P<n>a)(?P<n>b)", FULL, 0},
    {"\\Q\\E", EMPTY, 0},
    {"\\Qa+\\E*", FULL, 0},
    {"\\Qa\\E*", EMPTY, 0},
    {"[]a]", FULL, 0},
    {"[^]a]*", EMPTY, 0},
    {"[[:alpha:]]", FULL, 0},
    {"[[:a]", FULL, 0},
    {"[a-]", FULL, 0},
    {"[\\d-a]", FULL, 0},
    {"{", FULL, 0},
    {"a{,3}", FULL, 0},
    {"a{01}", FULL, 0},
    {"a{1,2", FULL, 0},
    {"}", FULL, 0},
    {"]", FULL, 0},
    {"\\pL\\p{Greek}\\P{^Lu}", FULL, 0},
    {"\\x41\\x{1F600}\\012\\07", FULL, 0},
    {"\\_\\-", FULL, 0},
    {"x{1000}", FULL, 0},
    {"(x{10}){100}", FULL, 0},
    {"((x{0}){1000}){1000}", BAD, 14},
    {"(x{1000}){0}", EMPTY, 0},
    {"a*(?i)*", EMPTY, 0},
    {"(", BAD, 1},
    {")", BAD, 0},
    {")(", BAD, 0},
    {"a)", BAD, 1},
    {"[", BAD, 0},
    {"[a", BAD, 0},
    {"[]", BAD, 0},
    {"[z-a]", BAD, 1},
    {"[a-\\d]", BAD, 3},
    {"[[:nope:]]", BAD, 1},
    {"*", BAD, 0},
    {"a|*", BAD, 2},
    {"(*)", BAD, 1},
    {"(?i)*", BAD, 4},
    {"a**", BAD, 2},
    {"a*+", BAD, 2},
    {"a??*", BAD, 3},
    {"a{2}{3}", BAD, 4},
    {"a{1001}", BAD, 1},
    {"a{2,1}", BAD, 1},
    {"a{99999999999999999999}", BAD, 1},
    {"(x{2}){501}", BAD, 6},
    {"(?=x)", BAD, 0},
    {"a(?!x)", BAD, 1},
    {"(?<n>x)", BAD, 0},
    {"(?P<>x)", BAD, 0},
    {"(?P<a-b>x)", BAD, 0},
    {"(?P<n", BAD, 0},
    {"(?i", BAD, 0},
    {"(?i-)", BAD, 0},
    {"(?--i)", BAD, 0},
    {"\\", BAD, 0},
    {"a\\1", BAD, 1},
    {"\\8", BAD, 0},
    {"\\Qabc", BAD, 0},
    {"\\E", BAD, 0},
    {"\\C", BAD, 0},
    {"\\p", BAD, 0},
    {"\\pX", BAD, 0},
    {"\\p{Nope}", BAD, 0},
    {"\\p{Greek", BAD, 0},
    {"\\x4", BAD, 0},
    {"\\x{}", BAD, 0},
    {"\\x{110000}", BAD, 0},
    {"\\\xc3\xa9", BAD, 0},
    {"\xff", BAD, 0},
};

START_TEST(regex)
{
    const struct row *r = &rows[_i];
    bool empty = false;
    size_t at = 0;
    const char *why = NULL;
    enum gr_err err = gr_promql_regex(gr_str(r->re), &empty, &at, &why);

    ck_assert_msg(err == (r->want == BAD ? GR_ESYNTAX : GR_OK), "%s: %s %s", r->re, gr_err_name(err),
                  why ? why : "");
    if (r->want == BAD) {
        ck_assert_msg(at == r->at, "%s: at %zu, not %zu", r->re, at, r->at);
        ck_assert(why && *why);
    } else {
        ck_assert_msg(empty == (r->want == EMPTY), "%s: matches empty: %d", r->re, empty);
    }
}
END_TEST

START_TEST(nested_groups_are_bounded)
{
    struct gr_buf b = GR_BUF_INIT(10000);
    bool empty;
    size_t at;
    const char *why;

    for (int depth = 249; depth <= 250; depth++) {
        gr_buf_reset(&b);
        for (int i = 0; i < depth; i++)
            gr_buf_putc(&b, '(');
        for (int i = 0; i < depth; i++)
            gr_buf_putc(&b, ')');
        ck_assert_int_eq(gr_promql_regex(gr_buf_str(&b), &empty, &at, &why),
                         depth == 249 ? GR_OK : GR_ESYNTAX);
    }
    gr_buf_fini(&b);
}
END_TEST

Suite *
promql_regex_suite(void)
{
    Suite *s = suite_create("promql_regex");
    TCase *tc = tcase_create("syntax");

    tcase_add_loop_test(tc, regex, 0, GR_COUNT(rows));
    tcase_add_test(tc, nested_groups_are_bounded);
    suite_add_tcase(s, tc);
    return s;
}
