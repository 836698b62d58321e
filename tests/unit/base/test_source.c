#include "config.h"
#include "guardrail/source.h"

#include <errno.h>

#include "../fault.h"
#include "guardrail/sys.h"
#include "test_base.h"

/* "a", "é日" with CR LF, "", "last" */
static const char sample[] = "a\n\xc3\xa9\xe6\x97\xa5\r\n\nlast";

static const struct {
    uint32_t offset, line, column;
} places[] = {
    {0, 1, 1}, {1, 1, 2},  {2, 2, 1},  {4, 2, 2},  {7, 2, 3},  {8, 2, 4},
    {9, 3, 1}, {10, 4, 1}, {12, 4, 3}, {14, 4, 5}, {15, 4, 5}, {UINT32_MAX, 4, 5},
};

START_TEST(offsets_become_places)
{
    struct gr_sources *s = gr_sources_create();
    struct gr_place at;
    uint32_t file = 0;

    ck_assert_int_eq(gr_sources_add(s, GR_STR("f"), gr_str(sample), &file), GR_OK);
    at = gr_sources_place(s, file, places[_i].offset);
    ck_assert_uint_eq(at.line, places[_i].line);
    ck_assert_uint_eq(at.column, places[_i].column);
    gr_sources_free(s);
}
END_TEST

START_TEST(lines_have_no_line_end)
{
    struct gr_sources *s = gr_sources_create();
    uint32_t file = 0, empty = 0;

    ck_assert_int_eq(gr_sources_add(s, GR_STR("f"), gr_str(sample), &file), GR_OK);
    ck_assert_int_eq(gr_sources_add(s, GR_STR("e"), GR_STR_NONE, &empty), GR_OK);
    ck_assert_uint_eq(file, 1);
    ck_assert_uint_eq(empty, 2);
    ck_assert(gr_str_is(gr_sources_line(s, file, 1), "a"));
    ck_assert(gr_str_is(gr_sources_line(s, file, 2), "\xc3\xa9\xe6\x97\xa5"));
    ck_assert(gr_str_is(gr_sources_line(s, file, 3), ""));
    ck_assert(gr_str_is(gr_sources_line(s, file, 4), "last"));
    ck_assert(gr_str_is(gr_sources_line(s, file, 5), ""));
    ck_assert(gr_str_is(gr_sources_line(s, file, 0), ""));
    ck_assert(gr_str_is(gr_sources_line(s, empty, 1), ""));
    ck_assert_uint_eq(gr_sources_place(s, empty, 0).line, 1);
    gr_sources_free(s);
}
END_TEST

START_TEST(texts_are_copied_and_stay)
{
    struct gr_sources *s = gr_sources_create();
    char name[] = "name", text[] = "text";
    const struct gr_source *first;
    uint32_t file = 0, other = 0;

    ck_assert_int_eq(gr_sources_add(s, gr_str(name), gr_str(text), &file), GR_OK);
    first = gr_sources_get(s, file);
    name[0] = text[0] = 'X';
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(gr_sources_add(s, GR_STR("other"), GR_STR("x"), &other), GR_OK);
    ck_assert_ptr_eq(gr_sources_get(s, file), first);
    ck_assert(gr_str_is(first->name, "name") && gr_str_is(first->text, "text"));
    gr_sources_free(s);
}
END_TEST

START_TEST(file_count_is_limited)
{
    struct gr_sources *s = gr_sources_create();
    uint32_t file = 0;

    for (unsigned i = 0; i < GR_SOURCES_MAX; i++)
        ck_assert_int_eq(gr_sources_add(s, GR_STR("f"), GR_STR(""), &file), GR_OK);
    ck_assert_uint_eq(file, GR_SOURCES_MAX);
    ck_assert_int_eq(gr_sources_add(s, GR_STR("f"), GR_STR(""), &file), GR_ELIMIT);
    ck_assert_uint_eq(file, GR_SOURCES_MAX);
    gr_sources_free(s);
}
END_TEST

START_TEST(file_size_is_limited)
{
    struct gr_sources *s = gr_sources_create();
    size_t n = (size_t)GR_SOURCE_BYTES_MAX + 1;
    char *big = gr_sys.realloc(NULL, n);
    uint32_t file = 0;

    ck_assert_ptr_nonnull(big);
    memset(big, 'x', n);
    ck_assert_int_eq(gr_sources_add(s, GR_STR("f"), (struct gr_str){big, n}, &file), GR_ELIMIT);
    ck_assert_uint_eq(file, 0);
    ck_assert_int_eq(gr_sources_add(s, GR_STR("f"), (struct gr_str){big, n - 1}, &file), GR_OK);
    gr_sys.free(big);
    gr_sources_free(s);
}
END_TEST

START_TEST(spans_join)
{
    struct gr_span a = {1, 5, 8}, b = {1, 2, 6}, none = GR_SPAN_NONE, got = gr_span_join(a, b);

    ck_assert(got.file == 1 && got.start == 2 && got.end == 8);
    got = gr_span_join(none, a);
    ck_assert(got.file == 1 && got.start == 5 && got.end == 8);
    got = gr_span_join(a, none);
    ck_assert(got.file == 1 && got.start == 5 && got.end == 8);
    ck_assert_uint_eq(gr_span_join(none, none).file, 0);
}
END_TEST

START_TEST(any_allocation_may_fail)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        struct gr_sources *s;
        uint32_t file = 77;
        enum gr_err err = GR_ENOMEM;

        ck_assert_uint_lt(n, 10);
        fault_arm(FAULT_REALLOC, n, _i, ENOMEM);
        s = gr_sources_create();
        if (s)
            err = gr_sources_add(s, GR_STR("f"), gr_str(sample), &file);
        failed = fault_hit();
        ck_assert_int_eq(err, failed ? GR_ENOMEM : GR_OK);
        ck_assert_uint_eq(file, failed ? 77 : 1);
        gr_sources_free(s);
        fault_off();
        ck_assert_int_eq(fault_live(), 0);
    }
}
END_TEST

Suite *
source_suite(void)
{
    Suite *s = suite_create("source");
    TCase *tc = tcase_create("source");

    tcase_add_loop_test(tc, offsets_become_places, 0, GR_COUNT(places));
    tcase_add_test(tc, lines_have_no_line_end);
    tcase_add_test(tc, texts_are_copied_and_stay);
    tcase_add_test(tc, file_count_is_limited);
    tcase_add_test(tc, file_size_is_limited);
    tcase_add_test(tc, spans_join);
    tcase_add_loop_test(tc, any_allocation_may_fail, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
