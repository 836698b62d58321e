#include "config.h"
#include "guardrail/buf.h"

#include <errno.h>

#include "../fault.h"
#include "guardrail/sys.h"
#include "test_base.h"

START_TEST(appends)
{
    struct gr_buf b = GR_BUF_INIT(1000);

    ck_assert_str_eq(gr_buf_cstr(&b), "");
    ck_assert_uint_eq(gr_buf_str(&b).n, 0);
    gr_buf_put(&b, GR_STR("ab"));
    gr_buf_puts(&b, "cd");
    gr_buf_putc(&b, 'e');
    gr_buf_printf(&b, "%d-%s", 5, "f");
    gr_buf_put(&b, GR_STR_NONE);
    ck_assert_str_eq(gr_buf_cstr(&b), "abcde5-f");
    ck_assert_uint_eq(b.n, 8);
    gr_buf_cut(&b, 2);
    ck_assert_str_eq(gr_buf_cstr(&b), "ab");
    gr_buf_put(&b, (struct gr_str){"\0x", 2});
    ck_assert_uint_eq(b.n, 4);
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    gr_buf_fini(&b);
    ck_assert_uint_eq(b.max, 1000); /* ready for another use */
    gr_buf_puts(&b, "again");
    ck_assert_str_eq(gr_buf_cstr(&b), "again");
    gr_buf_fini(&b);
}
END_TEST

/* _i: the ceiling. At it, one past it. */
START_TEST(ceiling_holds_and_the_error_sticks)
{
    size_t max = (size_t)_i;
    struct gr_buf b = GR_BUF_INIT(max);

    for (size_t i = 0; i < max; i++)
        gr_buf_putc(&b, 'x');
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    gr_buf_putc(&b, 'y');
    ck_assert_int_eq(gr_buf_err(&b), GR_ELIMIT);
    ck_assert_uint_eq(b.n, max);
    gr_buf_cut(&b, 0);
    gr_buf_puts(&b, "");
    gr_buf_printf(&b, "%d", 1);
    ck_assert_uint_eq(b.n, 0);
    ck_assert_ptr_null(gr_buf_room(&b, 0));
    ck_assert_ptr_null(gr_buf_take(&b));
    gr_buf_reset(&b);
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(a_failed_append_changes_nothing)
{
    struct gr_buf b = GR_BUF_INIT(6);

    gr_buf_puts(&b, "abc");
    gr_buf_printf(&b, "%s", "defg");
    ck_assert_str_eq(gr_buf_cstr(&b), "abc");
    ck_assert_int_eq(gr_buf_err(&b), GR_ELIMIT);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(room_is_filled_by_the_caller)
{
    struct gr_buf b = GR_BUF_INIT(SIZE_MAX);
    char *p;

    gr_buf_puts(&b, "ab");
    p = gr_buf_room(&b, 200);
    ck_assert_ptr_nonnull(p);
    memset(p, 'z', 200);
    b.n += 200;
    ck_assert_uint_eq(strlen(gr_buf_cstr(&b)), 202);
    ck_assert_ptr_null(gr_buf_room(&b, SIZE_MAX - 202));
    ck_assert_int_eq(gr_buf_err(&b), GR_ENOMEM);
    ck_assert_uint_eq(b.n, 202);
    gr_buf_fini(&b);
}
END_TEST

/* More bytes than printf can count; the compiler would say so if it knew. */
static const char *volatile too_much = "%99999999999d";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

START_TEST(more_than_printf_can_count_is_refused)
{
    struct gr_buf b = GR_BUF_INIT(SIZE_MAX);

    gr_buf_puts(&b, "kept");
    gr_buf_printf(&b, too_much, 1);
    ck_assert_int_eq(gr_buf_err(&b), GR_ELIMIT);
    ck_assert_str_eq(gr_buf_cstr(&b), "kept");
    gr_buf_fini(&b);
}
END_TEST
#pragma GCC diagnostic pop

START_TEST(take_moves_the_memory_out)
{
    struct gr_buf b = GR_BUF_INIT(100);
    char *p;

    ck_assert_ptr_null(gr_buf_take(&b));
    gr_buf_puts(&b, "mine");
    p = gr_buf_take(&b);
    ck_assert_str_eq(p, "mine");
    ck_assert_str_eq(gr_buf_cstr(&b), "");
    gr_buf_fini(&b);
    gr_sys.free(p);
}
END_TEST

START_TEST(appends_cost_few_allocations)
{
    struct gr_buf b = GR_BUF_INIT(1 << 20);

    fault_watch();
    for (int i = 0; i < 1 << 20; i++)
        gr_buf_putc(&b, 'x');
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    ck_assert_uint_lt(fault_count(FAULT_REALLOC), 20);
    gr_buf_fini(&b);
    fault_off();
    ck_assert_int_eq(fault_live(), 0);
}
END_TEST

START_TEST(any_allocation_may_fail)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        struct gr_buf b = GR_BUF_INIT(1000);

        ck_assert_uint_lt(n, 20);
        fault_arm(FAULT_REALLOC, n, _i, ENOMEM);
        for (int i = 0; i < 100; i++)
            gr_buf_printf(&b, "%04d ", i);
        failed = fault_hit();
        ck_assert_int_eq(gr_buf_err(&b), failed ? GR_ENOMEM : GR_OK);
        ck_assert_uint_eq(b.n % 5, 0);
        ck_assert_uint_eq(strlen(gr_buf_cstr(&b)), b.n);
        gr_buf_fini(&b);
        fault_off();
        ck_assert_int_eq(fault_live(), 0);
    }
}
END_TEST

START_TEST(integers)
{
    static const struct {
        int64_t v;
        const char *text;
    } rows[] = {{0, "0"},
                {7, "7"},
                {10, "10"},
                {-1, "-1"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    struct gr_buf b = GR_BUF_INIT(100);

    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_buf_reset(&b);
        gr_buf_put_i64(&b, rows[i].v);
        ck_assert_str_eq(gr_buf_cstr(&b), rows[i].text);
    }
    gr_buf_reset(&b);
    gr_buf_put_u64(&b, UINT64_MAX);
    ck_assert_str_eq(gr_buf_cstr(&b), "18446744073709551615");
    gr_buf_fini(&b);
}
END_TEST

/* Room in a buffer that is asked to be large: the advice to the kernel changes nothing. */
START_TEST(large)
{
    struct gr_buf b = GR_BUF_INIT((size_t)64 << 20);
    size_t bytes = (size_t)20 << 20;

    gr_buf_puts(&b, "start");
    ck_assert_ptr_nonnull(gr_buf_room(&b, bytes));
    memset(b.p + b.n, 'x', bytes);
    b.n += bytes;
    gr_buf_puts(&b, "end");
    ck_assert_uint_eq(b.n, bytes + 8);
    ck_assert(gr_str_starts(gr_buf_str(&b), GR_STR("startx")) && gr_str_ends(gr_buf_str(&b), GR_STR("xend")));
    gr_buf_fini(&b);
}
END_TEST

Suite *
buf_suite(void)
{
    Suite *s = suite_create("buf");
    TCase *tc = tcase_create("buf");

    tcase_add_test(tc, integers);
    tcase_add_test(tc, large);
    tcase_add_test(tc, appends);
    tcase_add_loop_test(tc, ceiling_holds_and_the_error_sticks, 0, 3);
    tcase_add_loop_test(tc, ceiling_holds_and_the_error_sticks, 63, 66);
    tcase_add_test(tc, a_failed_append_changes_nothing);
    tcase_add_test(tc, room_is_filled_by_the_caller);
    tcase_add_test(tc, more_than_printf_can_count_is_refused);
    tcase_add_test(tc, take_moves_the_memory_out);
    tcase_add_test(tc, appends_cost_few_allocations);
    tcase_add_loop_test(tc, any_allocation_may_fail, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
