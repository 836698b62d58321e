/* test_pages.c - the examples in the pages of findings: a bad one has its finding and no other, a good one none. */
#include "config.h"
#include "guardrail/pages.h"

#include "../pagetext.h"
#include "specs.h"
#include "test_compiler.h"

static void
read_example(struct specs *s, const char *text)
{
    struct gr_buf whole = GR_BUF_INIT(1u << 20);

    pagetext_complete(&whole, gr_str(gr_page_frame), gr_str(text));
    ck_assert_int_eq(gr_buf_err(&whole), GR_OK);
    specs_read(s, GR_STR("example.yml"), gr_buf_str(&whole));
    gr_buf_fini(&whole);
}

START_TEST(examples)
{
    const struct gr_page *page = gr_page((enum gr_code)_i);
    const char *code = gr_code_info((enum gr_code)_i)->code;
    struct specs s;

    if (!page || page->kind != GR_PAGE_SPEC)
        return;
    read_example(&s, page->bad);
    ck_assert_msg(s.n > 0, "%s: the bad example has no finding", code);
    for (size_t i = 0; i < s.n; i++)
        ck_assert_msg(strcmp(s.findings[i].code, code) == 0, "%s: the bad example also has %s, line %zu: %s",
                      code, s.findings[i].code, s.findings[i].line, s.findings[i].message);
    specs_fini(&s);
    read_example(&s, page->good);
    for (size_t i = 0; i < s.n; i++)
        ck_abort_msg("%s: the good example has %s, line %zu: %s", code, s.findings[i].code,
                     s.findings[i].line, s.findings[i].message);
    ck_assert_int_eq(s.err, GR_OK);
    specs_fini(&s);
}
END_TEST

START_TEST(frame_is_good)
{
    struct specs s;

    read_example(&s, "");
    ck_assert_uint_eq(s.n, 0);
    specs_fini(&s);
}
END_TEST

Suite *
pages_suite(void)
{
    Suite *s = suite_create("pages");
    TCase *tc = tcase_create("pages");

    tcase_add_test(tc, frame_is_good);
    tcase_add_loop_test(tc, examples, 0, GR_CODE_COUNT);
    suite_add_tcase(s, tc);
    return s;
}
