#include "config.h"
#include "clock.h"
#include "test_compiler.h"

static const struct row {
    const char *text;
    enum gr_err date, time; /* as a date alone, as a date or time */
    int64_t s;
} rows[] = {
    {"1970-01-01", GR_OK, GR_OK, 0},
    {"2026-11-23", GR_OK, GR_OK, 1795392000},
    {"2028-02-29", GR_OK, GR_OK, 1835395200},
    {"9999-12-31", GR_OK, GR_OK, 253402214400},
    {"2026-02-29", GR_ERANGE, GR_ERANGE, 0},
    {"2026-13-01", GR_ERANGE, GR_ERANGE, 0},
    {"2026-00-10", GR_ERANGE, GR_ERANGE, 0},
    {"1969-12-31", GR_ERANGE, GR_ERANGE, 0},
    {"2026-1-1", GR_ESYNTAX, GR_ESYNTAX, 0},
    {"31.12.2026", GR_ESYNTAX, GR_ESYNTAX, 0},
    {"2026-11-23 ", GR_ESYNTAX, GR_ESYNTAX, 0},
    {"", GR_ESYNTAX, GR_ESYNTAX, 0},
    {"2026-11-23T00:00:01Z", GR_ESYNTAX, GR_OK, 1795392001},
    {"2026-11-23T01:00:00.9+01:00", GR_ESYNTAX, GR_OK, 1795392000},
    {"2026-11-23T00:00", GR_ESYNTAX, GR_ESYNTAX, 0},
    {"1969-12-31T23:59:59Z", GR_ESYNTAX, GR_ERANGE, 0},
};

START_TEST(times_parse)
{
    const struct row *r = &rows[_i];
    int64_t date = -1, time = -1;

    ck_assert_int_eq(clock_date(gr_str(r->text), &date), r->date);
    ck_assert_int_eq(date, r->date == GR_OK ? r->s : -1);
    ck_assert_int_eq(clock_time(gr_str(r->text), &time), r->time);
    ck_assert_int_eq(time, r->time == GR_OK ? r->s : -1);
}
END_TEST

START_TEST(dates_print)
{
    const struct row *r = &rows[_i];
    struct gr_buf b = GR_BUF_INIT(40);

    if (r->date != GR_OK)
        return;
    gr_buf_puts(&b, "on ");
    clock_put_date(&b, r->s + CLOCK_DAY_S - 1);
    ck_assert_str_eq(gr_buf_cstr(&b) + 3, r->text);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(today_is_a_date)
{
    ck_assert_int_eq(clock_today() % CLOCK_DAY_S, 0);
    ck_assert_int_gt(clock_today(), 1700000000);
}
END_TEST

Suite *
clock_suite(void)
{
    Suite *s = suite_create("clock");
    TCase *tc = tcase_create("clock");

    tcase_add_loop_test(tc, times_parse, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, dates_print, 0, GR_COUNT(rows));
    tcase_add_test(tc, today_is_a_date);
    suite_add_tcase(s, tc);
    return s;
}
