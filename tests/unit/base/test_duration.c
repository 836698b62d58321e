#include "config.h"
#include "guardrail/duration.h"

#include "test_base.h"

static const struct {
    const char *text;
    enum gr_err want;
    int64_t ms;
    const char *print;
} durations[] = {
    {"90s", GR_OK, 90000, "1m30s"},
    {"1h30m", GR_OK, 5400000, "1h30m"},
    {"15min", GR_OK, 900000, "15m"},
    {"2m", GR_OK, 120000, "2m"},
    {"15 minutes", GR_OK, 900000, "15m"},
    {"1 minute", GR_OK, 60000, "1m"},
    {"72h", GR_OK, 259200000, "3d"},
    {"12 months", GR_OK, INT64_C(31104000000), "360d"},
    {"1d", GR_OK, 86400000, "1d"},
    {"2w", GR_OK, 1209600000, "2w"},
    {"8d", GR_OK, 691200000, "8d"},
    {"500ms", GR_OK, 500, "500ms"},
    {"1m500ms", GR_OK, 60500, "1m500ms"},
    {"28s500ms", GR_OK, 28500, "28s500ms"},
    {"1y", GR_OK, INT64_C(31536000000), "1y"},
    {"1h 30m", GR_OK, 5400000, "1h30m"},
    {"1 hour 30 minutes", GR_OK, 5400000, "1h30m"},
    {"0h5m", GR_OK, 300000, "5m"},
    {"10y", GR_OK, GR_DURATION_MS_MAX, "10y"},
    {"10y1ms", GR_ERANGE, 0, NULL},
    {"0s", GR_ERANGE, 0, NULL},
    {"99999999999999999999s", GR_ERANGE, 0, NULL},
    {"99999999999999999999s1x", GR_ESYNTAX, 0, NULL},
    {"", GR_ESYNTAX, 0, NULL},
    {"5", GR_ESYNTAX, 0, NULL},
    {"1h5", GR_ESYNTAX, 0, NULL},
    {"30m1h", GR_ESYNTAX, 0, NULL},
    {"1m1m", GR_ESYNTAX, 0, NULL},
    {"1m1min", GR_ESYNTAX, 0, NULL},
    {"-5m", GR_ESYNTAX, 0, NULL},
    {"+5m", GR_ESYNTAX, 0, NULL},
    {"1.5h", GR_ESYNTAX, 0, NULL},
    {"5x", GR_ESYNTAX, 0, NULL},
    {"m", GR_ESYNTAX, 0, NULL},
    {"5M", GR_ESYNTAX, 0, NULL},
    {" 5m", GR_ESYNTAX, 0, NULL},
    {"5m ", GR_ESYNTAX, 0, NULL},
    {"5  m", GR_ESYNTAX, 0, NULL},
    {"5\tm", GR_ESYNTAX, 0, NULL},
};

START_TEST(durations_parse_and_print)
{
    struct gr_buf b = GR_BUF_INIT(100);
    int64_t ms = -1, again = -2;
    enum gr_err err = gr_duration_parse(gr_str(durations[_i].text), &ms);

    ck_assert_msg(err == durations[_i].want, "\"%s\" gave %s", durations[_i].text, gr_err_name(err));
    ck_assert_int_eq(ms, err == GR_OK ? durations[_i].ms : -1);
    if (err != GR_OK)
        return;
    gr_duration_print(&b, ms);
    ck_assert_str_eq(gr_buf_cstr(&b), durations[_i].print);
    ck_assert_int_eq(gr_duration_parse(gr_buf_str(&b), &again), GR_OK);
    ck_assert_int_eq(again, ms);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(zero_prints)
{
    struct gr_buf b = GR_BUF_INIT(100);

    gr_duration_print(&b, 0);
    ck_assert_str_eq(gr_buf_cstr(&b), "0s");
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    const char *text;
    enum gr_err want;
    int64_t ms;
    const char *print;
} times[] = {
    {"1970-01-01T00:00:00Z", GR_OK, 0, "1970-01-01T00:00:00Z"},
    {"2026-11-23T14:05:09Z", GR_OK, INT64_C(1795442709000), "2026-11-23T14:05:09Z"},
    {"2026-11-23T14:05:09.123Z", GR_OK, INT64_C(1795442709123), "2026-11-23T14:05:09Z"},
    {"2026-11-23T14:05:09.1Z", GR_OK, INT64_C(1795442709100), "2026-11-23T14:05:09Z"},
    {"2026-11-23T14:05:09.9999999Z", GR_OK, INT64_C(1795442709999), "2026-11-23T14:05:09Z"},
    {"2026-11-23T15:35:09+01:30", GR_OK, INT64_C(1795442709000), "2026-11-23T14:05:09Z"},
    {"2026-11-22T23:05:09.5-15:00", GR_OK, INT64_C(1795442709500), "2026-11-23T14:05:09Z"},
    {"2000-02-29T23:59:59Z", GR_OK, INT64_C(951868799000), "2000-02-29T23:59:59Z"},
    {"2000-03-01T00:00:00-00:00", GR_OK, INT64_C(951868800000), "2000-03-01T00:00:00Z"},
    {"2100-12-31T12:00:00Z", GR_OK, INT64_C(4133937600000), "2100-12-31T12:00:00Z"},
    {"9999-12-31T23:59:59.999Z", GR_OK, INT64_C(253402300799999), "9999-12-31T23:59:59Z"},
    /* Alertmanager's "not yet": before what we print */
    {"0001-01-01T00:00:00Z", GR_OK, INT64_C(-62135596800000), "1970-01-01T00:00:00Z"},
    {"0000-01-01T00:00:00Z", GR_OK, INT64_C(-62167219200000), "1970-01-01T00:00:00Z"},
    {"2100-02-29T00:00:00Z", GR_ERANGE, 0, NULL},
    {"2023-02-29T00:00:00Z", GR_ERANGE, 0, NULL},
    {"2023-00-01T00:00:00Z", GR_ERANGE, 0, NULL},
    {"2023-13-01T00:00:00Z", GR_ERANGE, 0, NULL},
    {"2023-04-31T00:00:00Z", GR_ERANGE, 0, NULL},
    {"2023-04-00T00:00:00Z", GR_ERANGE, 0, NULL},
    {"2023-04-01T24:00:00Z", GR_ERANGE, 0, NULL},
    {"2023-04-01T00:60:00Z", GR_ERANGE, 0, NULL},
    {"2023-04-01T00:00:60Z", GR_ERANGE, 0, NULL},
    {"2023-04-01T00:00:00+24:00", GR_ERANGE, 0, NULL},
    {"2023-04-01T00:00:00+00:60", GR_ERANGE, 0, NULL},
    {"2023-04-01T00:00:00", GR_ESYNTAX, 0, NULL},
    {"2023-04-01T00:00:00.Z", GR_ESYNTAX, 0, NULL},
    {"2023-04-01T00:00:00z", GR_ESYNTAX, 0, NULL},
    {"2023-04-01 00:00:00Z", GR_ESYNTAX, 0, NULL},
    {"2023-04-01T00:00:00+0100", GR_ESYNTAX, 0, NULL},
    {"2023-04-01T00:00:00+01:00x", GR_ESYNTAX, 0, NULL},
    {"2023-04-01T00:00:00Zx", GR_ESYNTAX, 0, NULL},
    {"23-04-01T00:00:00Z", GR_ESYNTAX, 0, NULL},
    {"2023-4-1T00:00:00Z", GR_ESYNTAX, 0, NULL},
    {"", GR_ESYNTAX, 0, NULL},
    {"-023-04-01T00:00:00Z", GR_ESYNTAX, 0, NULL},
};

START_TEST(times_parse_and_print)
{
    struct gr_buf b = GR_BUF_INIT(100);
    int64_t ms = 77;
    enum gr_err err = gr_time_parse(gr_str(times[_i].text), &ms);

    ck_assert_msg(err == times[_i].want, "\"%s\" gave %s", times[_i].text, gr_err_name(err));
    ck_assert_int_eq(ms, err == GR_OK ? times[_i].ms : 77);
    if (err != GR_OK)
        return;
    gr_time_print(&b, ms);
    ck_assert_str_eq(gr_buf_cstr(&b), times[_i].print);
    gr_buf_fini(&b);
}
END_TEST

/* Every day of some centuries, leap and not: the calendar goes up without a gap, there and back. */
START_TEST(calendar_round_trips)
{
    struct gr_buf b = GR_BUF_INIT(100);

    for (int64_t day = 0; day < 366 * 450; day++) {
        int64_t ms = day * 86400000, back = -1;

        gr_buf_reset(&b);
        gr_time_print(&b, ms);
        ck_assert_int_eq(gr_time_parse(gr_buf_str(&b), &back), GR_OK);
        ck_assert_int_eq(back, ms);
    }
    gr_buf_fini(&b);
}
END_TEST

START_TEST(times_past_the_last_year_print_as_its_end)
{
    struct gr_buf b = GR_BUF_INIT(100);

    gr_time_print(&b, INT64_MAX);
    ck_assert_str_eq(gr_buf_cstr(&b), "9999-12-31T23:59:59Z");
    gr_buf_fini(&b);
}
END_TEST

Suite *
duration_suite(void)
{
    Suite *s = suite_create("duration");
    TCase *tc = tcase_create("duration");

    tcase_add_loop_test(tc, durations_parse_and_print, 0, GR_COUNT(durations));
    tcase_add_test(tc, zero_prints);
    suite_add_tcase(s, tc);
    tc = tcase_create("time");
    tcase_add_loop_test(tc, times_parse_and_print, 0, GR_COUNT(times));
    tcase_add_test(tc, calendar_round_trips);
    tcase_add_test(tc, times_past_the_last_year_print_as_its_end);
    suite_add_tcase(s, tc);
    return s;
}
