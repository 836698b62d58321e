#include "config.h"
#include "guardrail/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../fault.h"
#include "test_base.h"

START_TEST(starts_with_the_real_calls)
{
    ck_assert_int_eq(memcmp(&gr_sys, &gr_sys_real, sizeof gr_sys), 0);
}
END_TEST

START_TEST(no_entry_is_missing)
{
    void *none = NULL;

    for (size_t i = 0; i < sizeof gr_sys_real; i += sizeof none)
        ck_assert(memcmp((const char *)&gr_sys_real + i, &none, sizeof none) != 0);
}
END_TEST

START_TEST(opening_opens)
{
    int dir = gr_sys.open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), fd;

    ck_assert_int_ge(dir, 0);
    fd = gr_sys.openat(dir, "dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(gr_sys.close(fd), 0);
    ck_assert_int_eq(gr_sys.close(dir), 0);
    ck_assert_int_eq(gr_sys.openat(-1, "dev", O_RDONLY | O_CLOEXEC, 0), -1);
}
END_TEST

/* The tool of the other tests: the nth call fails, once or from then on. */
START_TEST(faults_hit_the_call_they_are_armed_for)
{
    bool sticky = _i;

    fault_arm(FAULT_MKDIR, 2, sticky, ENOSPC);
    ck_assert_int_eq(gr_sys.mkdir("/", 0755), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_assert(!fault_hit());
    ck_assert_int_eq(gr_sys.mkdir("/", 0755), -1);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert(fault_hit());
    ck_assert_int_eq(gr_sys.mkdir("/", 0755), -1);
    ck_assert_int_eq(errno, sticky ? ENOSPC : EEXIST);
    ck_assert_uint_eq(fault_count(FAULT_MKDIR), 3);
    fault_off();
    ck_assert_int_eq(memcmp(&gr_sys, &gr_sys_real, sizeof gr_sys), 0);
}
END_TEST

START_TEST(live_blocks_are_counted)
{
    void *p;

    fault_watch();
    p = gr_sys.realloc(NULL, 1);
    ck_assert_int_eq(fault_live(), 1);
    p = gr_sys.realloc(p, 100);
    ck_assert_int_eq(fault_live(), 1);
    gr_sys.free(p);
    gr_sys.free(NULL);
    ck_assert_int_eq(fault_live(), 0);
    fault_off();
}
END_TEST

Suite *
sys_suite(void)
{
    Suite *s = suite_create("sys");
    TCase *tc = tcase_create("table");

    tcase_add_test(tc, starts_with_the_real_calls);
    tcase_add_test(tc, no_entry_is_missing);
    tcase_add_test(tc, opening_opens);
    tcase_add_loop_test(tc, faults_hit_the_call_they_are_armed_for, 0, 2);
    tcase_add_test(tc, live_blocks_are_counted);
    suite_add_tcase(s, tc);
    return s;
}
