/* test_pages.c - the examples in the pages of findings: a bad one has its finding and no other, a good one none. */
#include "config.h"
#include "guardrail/pages.h"

#include "../pagetext.h"
#include "specs.h"
#include "test_compiler.h"

#include <stdio.h>

static void
read_example(struct specs *s, const char *text)
{
    struct gr_buf whole = GR_BUF_INIT(1u << 20);

    pagetext_complete(&whole, gr_str(gr_page_frame), gr_str(text));
    ck_assert_int_eq(gr_buf_err(&whole), GR_OK);
    specs_read(s, GR_STR("example.yml"), gr_buf_str(&whole));
    gr_buf_fini(&whole);
}

#define FILES_MAX 8

static void
add_file(struct gr_buf *out, struct gr_str body)
{
    gr_buf_init(out, 1u << 20);
    if (gr_str_find(body, GR_STR("extends:"), 0) == SIZE_MAX)
        pagetext_complete(out, gr_str(gr_page_frame), body);
    else
        gr_buf_put(out, body);
    ck_assert_int_eq(gr_buf_err(out), GR_OK);
}

/* "# base.yml:" begins a file. Those that extend nothing are completed; the last one is read. */
static void
read_files(struct specs *s, const char *text)
{
    struct gr_str rest = gr_str(text), line, bodies[FILES_MAX];
    const char *texts[FILES_MAX + 1][2] = {{NULL, NULL}};
    struct gr_buf whole[FILES_MAX];
    char names[FILES_MAX][64];
    size_t n = 0;

    while (rest.n > 0 && gr_str_next(&rest, '\n', &line)) {
        const char *behind = line.p + line.n + 1;

        if (gr_str_starts(line, GR_STR("# ")) && gr_str_ends(line, GR_STR(".yml:"))) {
            ck_assert_uint_lt(n, FILES_MAX);
            (void)snprintf(names[n], sizeof names[0], "%.*s", (int)line.n - 3, line.p + 2);
            bodies[n++] = (struct gr_str){behind, 0};
        } else if (n > 0) {
            bodies[n - 1].n = (size_t)(behind - bodies[n - 1].p);
        }
    }
    for (size_t i = 0; i < n; i++) {
        add_file(&whole[i], bodies[i]);
        texts[i][0] = names[i];
        texts[i][1] = gr_buf_cstr(&whole[i]);
    }
    ck_assert_uint_gt(n, 1);
    specs_read_of(s, texts, names[n - 1], SPECS_NOW);
    for (size_t i = 0; i < n; i++)
        gr_buf_fini(&whole[i]);
}

static void
read_page(struct specs *s, const struct gr_page *page, const char *text)
{
    if (page->kind == GR_PAGE_FILES)
        read_files(s, text);
    else
        read_example(s, text);
}

START_TEST(examples)
{
    const struct gr_page *page = gr_page((enum gr_code)_i);
    const char *code = gr_code_info((enum gr_code)_i)->code;
    struct specs s;

    if (!page || (page->kind != GR_PAGE_SPEC && page->kind != GR_PAGE_FILES))
        return;
    read_page(&s, page, page->bad);
    ck_assert_msg(s.n > 0, "%s: the bad example has no finding", code);
    for (size_t i = 0; i < s.n; i++)
        ck_assert_msg(strcmp(s.findings[i].code, code) == 0, "%s: the bad example also has %s, line %zu: %s",
                      code, s.findings[i].code, s.findings[i].line, s.findings[i].message);
    specs_fini(&s);
    read_page(&s, page, page->good);
    for (size_t i = 0; i < s.n; i++)
        ck_abort_msg("%s: the good example has %s, line %zu: %s", code, s.findings[i].code,
                     s.findings[i].line, s.findings[i].message);
    ck_assert_int_eq(s.err, GR_OK);
    specs_fini(&s);
}
END_TEST

/* Examples that cannot be run as they stand: which tests make the finding happen. */
static const struct {
    enum gr_code code;
    const char *where;
} shown[] = {
    {GR0001, "tests/guardrailc.sh"}, {GR0003, "test_bad_input.c"}, {GR0610, "tests/diff.sh"},
    {GR0611, "tests/diff.sh"},       {GR0701, "test_routes.c"},    {GR0702, "test_routes.c"},
    {GR0703, "test_routes.c"},       {GR0704, "test_routes.c"},    {GR0705, "test_routes.c"},
    {GR0706, "test_routes.c"},       {GR0711, "test_target.c"},    {GR0712, "test_target.c"},
    {GR0713, "test_target.c"},       {GR0714, "test_target.c"},    {GR0715, "test_target.c"},
    {GR0801, "test_rates.c"},        {GR0802, "test_rates.c"},
};

START_TEST(shown_ones_have_tests)
{
    const struct gr_page *page = gr_page((enum gr_code)_i);
    bool known = !page || page->kind != GR_PAGE_SHOWN;

    for (size_t i = 0; i < GR_COUNT(shown); i++)
        known = known || (int)shown[i].code == _i;
    ck_assert_msg(
        known,
        "%s: its examples are only shown; write a test that makes it happen, and a row in test_pages.c",
        gr_code_info((enum gr_code)_i)->code);
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
    tcase_add_loop_test(tc, shown_ones_have_tests, 0, GR_CODE_COUNT);
    tcase_add_loop_test(tc, examples, 0, GR_CODE_COUNT);
    suite_add_tcase(s, tc);
    return s;
}
