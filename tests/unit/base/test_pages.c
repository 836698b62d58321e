/* test_pages.c - every code has a page, and its lines fit. That the examples hold is tested where they are checked: specs in
 * compiler/, rule files in rules/, guardraild's files in webhook/. */
#include "config.h"
#include "guardrail/pages.h"
#include "test_base.h"

static const char *
name_of(int code)
{
    return gr_code_info((enum gr_code)code)->code;
}

START_TEST(every_code_has_one)
{
    const struct gr_page *page = gr_page((enum gr_code)_i);

    ck_assert_msg(page != NULL,
                  "%s (%s) has no page: add PAGE(%s, KIND, why, bad example, mended example) to the "
                  "base/pages_*.def of its hundred, see pages.h, and run `make update-pages`",
                  name_of(_i), gr_code_info((enum gr_code)_i)->name, name_of(_i) + 2);
    ck_assert_msg(page->why[0] && page->bad[0] && page->good[0], "%s: something is empty", name_of(_i));
    ck_assert_msg(strcmp(page->bad, page->good) != 0, "%s: the examples are the same", name_of(_i));
}
END_TEST

static void
check_lines(int code, const char *text, size_t bytes_max)
{
    struct gr_str rest = gr_str(text), line;

    ck_assert_msg(gr_str_ends(rest, GR_STR("\n")), "%s: no line feed at the end", name_of(code));
    while (gr_str_next(&rest, '\n', &line)) {
        ck_assert_msg(line.n <= bytes_max, "%s: longer than %zu: \"" GR_FMT "\"", name_of(code), bytes_max,
                      GR_ARG(line));
        ck_assert_msg(line.n == 0 || line.p[line.n - 1] != ' ', "%s: a blank at the end", name_of(code));
    }
}

START_TEST(lines_fit)
{
    const struct gr_page *page = gr_page((enum gr_code)_i);

    ck_assert_uint_le(strlen(gr_code_info((enum gr_code)_i)->help), 80);
    if (!page)
        return; /* the other test says so */
    check_lines(_i, page->why, 80);
    check_lines(_i, page->bad, 76);
    check_lines(_i, page->good, 76);
}
END_TEST

Suite *
pages_suite(void)
{
    Suite *s = suite_create("pages");
    TCase *tc = tcase_create("pages");

    tcase_add_loop_test(tc, every_code_has_one, 0, GR_CODE_COUNT);
    tcase_add_loop_test(tc, lines_fit, 0, GR_CODE_COUNT);
    suite_add_tcase(s, tc);
    return s;
}
