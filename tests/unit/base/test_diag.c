#include "config.h"
#include "guardrail/diag.h"

#include <errno.h>

#include "../fault.h"
#include "test_base.h"

static struct gr_sources *sources;
static struct gr_diags *diags;
static uint32_t file;

static void
setup(void)
{
    sources = gr_sources_create();
    ck_assert_ptr_nonnull(sources);
    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f.yml"), GR_STR("one\ntwo\nthree\n"), &file), GR_OK);
    diags = gr_diags_create(sources);
    ck_assert_ptr_nonnull(diags);
}

static void
teardown(void)
{
    gr_diags_free(diags);
    gr_sources_free(sources);
}

static struct gr_span
at(uint32_t start)
{
    return (struct gr_span){file, start, start + 1};
}

static size_t
times_printed(const char *what)
{
    struct gr_buf b = GR_BUF_INIT(8 << 20);
    size_t n = 0;

    gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &b);
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    for (size_t i = 0; (i = gr_str_find(gr_buf_str(&b), gr_str(what), i)) != SIZE_MAX; i++)
        n++;
    gr_buf_fini(&b);
    return n;
}

START_TEST(codes_are_sorted_unique_and_explained)
{
    for (int i = 0; i < GR_CODE_COUNT; i++) {
        const struct gr_code_info *info = gr_code_info((enum gr_code)i);

        ck_assert(i == 0 || strcmp(gr_code_info((enum gr_code)(i - 1))->code, info->code) < 0);
        ck_assert_uint_eq(strlen(info->code), 6);
        ck_assert(strlen(info->name) > 0 && strlen(info->help) > 0);
        ck_assert_ptr_null(strchr(info->help, '\n'));
        ck_assert_uint_eq(strspn(info->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(info->name));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(gr_code_info((enum gr_code)j)->name, info->name);
    }
    ck_assert_str_eq(gr_code_info(GR0103)->code, "GR0103");
}
END_TEST

START_TEST(status_follows_the_worst)
{
    ck_assert_int_eq(gr_diags_status(diags), GR_OK);
    gr_diag(diags, GR0312, at(0), GR_STR_NONE, "a warning");
    ck_assert_int_eq(gr_diags_status(diags), GR_OK);
    gr_diag(diags, GR0103, at(0), GR_STR_NONE, "an error");
    ck_assert_int_eq(gr_diags_status(diags), GR_EUSER);
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_WARNING), 1);
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), 1);
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_NOTE), 0);
}
END_TEST

START_TEST(equal_findings_are_one)
{
    gr_diag(diags, GR0103, at(4), GR_STR_NONE, "same %d", 1);
    gr_diag_note(diags, at(0), "note");
    gr_diag(diags, GR0103, at(4), GR_STR("other fix"), "same %d", 1);
    gr_diag_note(diags, at(0), "note");
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), 1);
    ck_assert_uint_eq(times_printed("same 1"), 1);
    ck_assert_uint_eq(times_printed("note: note"), 1); /* the second note had nothing to belong to */
    gr_diag(diags, GR0103, at(4), GR_STR_NONE, "same %d", 2);
    gr_diag(diags, GR0103, at(5), GR_STR_NONE, "same %d", 1);
    gr_diag(diags, GR0104, at(4), GR_STR_NONE, "same %d", 1);
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), 4);
}
END_TEST

START_TEST(a_note_needs_a_finding)
{
    gr_diag_note(diags, at(0), "alone");
    ck_assert_uint_eq(times_printed("alone"), 0);
    ck_assert_int_eq(gr_diags_status(diags), GR_OK);
}
END_TEST

START_TEST(count_is_limited)
{
    for (unsigned i = 0; i < GR_DIAGS_MAX; i++)
        gr_diag(diags, GR0103, at(0), GR_STR_NONE, "finding %u;", i);
    ck_assert_uint_eq(times_printed("GR0103"), GR_DIAGS_MAX);
    ck_assert_uint_eq(times_printed("not shown"), 0);
    gr_diag(diags, GR0103, at(0), GR_STR_NONE, "finding %u;", 7); /* equal to one that is kept */
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), GR_DIAGS_MAX);
    gr_diag(diags, GR0103, at(0), GR_STR_NONE, "one too many");
    gr_diag_note(diags, at(0), "of the one too many");
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), GR_DIAGS_MAX + 1);
    ck_assert_uint_eq(times_printed("too many"), 0);
    ck_assert_uint_eq(times_printed("and 1 more, not shown"), 1);
    ck_assert_int_eq(gr_diags_status(diags), GR_EUSER);
}
END_TEST

START_TEST(notes_are_limited)
{
    gr_diag(diags, GR0103, at(0), GR_STR_NONE, "finding");
    for (int i = 0; i < 20; i++)
        gr_diag_note(diags, at(0), "number %d", i);
    ck_assert_uint_eq(times_printed("note: number"), 16);
    ck_assert_uint_eq(times_printed("note: number 15\n"), 1);
}
END_TEST

/* _i: bytes of the text; 4096 are kept, a longer one is cut. */
START_TEST(texts_are_limited)
{
    struct gr_buf text = GR_BUF_INIT(10000);
    bool cut = _i > 4096;

    gr_buf_printf(&text, "%0*d", _i, 0);
    gr_diag(diags, GR0103, at(0), gr_buf_str(&text), "%s", gr_buf_cstr(&text));
    gr_diag_note(diags, at(0), "%s", gr_buf_cstr(&text));
    gr_buf_cut(&text, cut ? 4093 : (size_t)_i);
    gr_buf_puts(&text, cut ? "\xe2\x80\xa6\n" : "\n");
    ck_assert_uint_eq(times_printed(gr_buf_cstr(&text)), 3);
    gr_buf_fini(&text);
}
END_TEST

/* More bytes than printf can count; the compiler would say so if it knew. */
static const char *volatile too_much = "%99999999999d";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

START_TEST(more_than_printf_can_count_is_left_out)
{
    gr_diag(diags, GR0103, at(0), GR_STR_NONE, too_much, 1);
    ck_assert_uint_eq(times_printed("GR0103 error: \n"), 1);
}
END_TEST
#pragma GCC diagnostic pop

START_TEST(a_text_is_cut_between_characters)
{
    struct gr_buf text = GR_BUF_INIT(10000);

    for (int i = 0; i < 2000; i++)
        gr_buf_puts(&text, "\xe6\x97\xa5");
    gr_diag(diags, GR0103, at(0), GR_STR_NONE, "%s", gr_buf_cstr(&text));
    ck_assert_uint_eq(times_printed("\xe6\x97\xa5\xe2\x80\xa6\n"), 1);
    gr_buf_fini(&text);
}
END_TEST

START_TEST(findings_can_be_looked_at)
{
    struct gr_diag_view v = {.where = {7, 7, 7}};

    ck_assert(!gr_diags_get(diags, 0, &v));
    ck_assert_uint_eq(v.where.file, 7);
    gr_diag(diags, GR0312, at(4), GR_STR("fix"), "two");
    gr_diag(diags, GR0103, at(0), GR_STR_NONE, "one");
    ck_assert(gr_diags_get(diags, 1, &v));
    ck_assert_int_eq(v.code, GR0312);
    ck_assert(gr_str_is(v.message, "two") && gr_str_is(v.fix, "fix"));
    ck_assert(gr_diags_get(diags, 0, &v) && gr_str_is(v.message, "one") && v.fix.n == 0);
    ck_assert(!gr_diags_get(diags, 2, &v));
}
END_TEST

START_TEST(any_allocation_may_fail)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        struct gr_diags *d;

        ck_assert_uint_lt(n, 10);
        fault_arm(FAULT_REALLOC, n, _i, ENOMEM);
        d = gr_diags_create(sources);
        failed = fault_hit();
        if (d) {
            gr_diag(d, GR0103, at(0), GR_STR_NONE, "one");
            gr_diag_note(d, at(1), "note");
            gr_diag(d, GR0312, at(4), GR_STR("fix"), "two");
            failed = fault_hit();
            ck_assert_int_eq(gr_diags_status(d), failed ? GR_ENOMEM : GR_EUSER);
            ck_assert_uint_eq(gr_diags_count(d, GR_SEV_ERROR), 1);
            ck_assert_uint_eq(gr_diags_count(d, GR_SEV_WARNING), 1);
        }
        gr_diags_free(d);
        fault_off();
        ck_assert_int_eq(fault_live(), 0);
    }
    gr_diags_free(NULL);
}
END_TEST

START_TEST(lists_merge)
{
    struct gr_diags *from = gr_diags_create(sources);

    ck_assert_ptr_nonnull(from);
    gr_diag(diags, GR0103, at(4), GR_STR_NONE, "in both");
    gr_diag(from, GR0103, at(4), GR_STR_NONE, "in both");
    gr_diag(from, GR0312, at(0), GR_STR("mend it"), "50%% more");
    gr_diag_note(from, at(8), "here, too: %%s");
    gr_diags_merge(diags, from);
    ck_assert_uint_eq(times_printed("in both"), 1);
    ck_assert_uint_eq(times_printed("f.yml:1:1: GR0312 warning: 50% more"), 1);
    ck_assert_uint_eq(times_printed("help: mend it"), 1);
    ck_assert_uint_eq(times_printed("f.yml:3:1: note: here, too: %s"), 1);
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), 1);
    for (unsigned i = 0; i < GR_DIAGS_MAX + 5; i++)
        gr_diag(from, GR0103, at(0), GR_STR_NONE, "number %u", i);
    gr_diags_merge(diags, from);
    ck_assert_uint_eq(times_printed("more, not shown"), 1);
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), GR_DIAGS_MAX + 6);
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_WARNING), 1);
    gr_diags_free(from);
}
END_TEST

Suite *
diag_suite(void)
{
    Suite *s = suite_create("diag");
    TCase *tc = tcase_create("diag");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, codes_are_sorted_unique_and_explained);
    tcase_add_test(tc, status_follows_the_worst);
    tcase_add_test(tc, equal_findings_are_one);
    tcase_add_test(tc, a_note_needs_a_finding);
    tcase_add_test(tc, count_is_limited);
    tcase_add_test(tc, notes_are_limited);
    tcase_add_loop_test(tc, texts_are_limited, 4095, 4099);
    tcase_add_test(tc, more_than_printf_can_count_is_left_out);
    tcase_add_test(tc, a_text_is_cut_between_characters);
    tcase_add_test(tc, findings_can_be_looked_at);
    tcase_add_test(tc, lists_merge);
    tcase_add_loop_test(tc, any_allocation_may_fail, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
