/* clock.c - dates and times of the proleptic Gregorian calendar, UTC. */
#include "config.h"
#include "clock.h"

#include <time.h>

#include "guardrail/number.h"

/* Days from 1970-01-01 to a date: years are counted from March, so that the leap day is the last of its year, in eras of 400 years
 * (146,097 days) that all look alike. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1, era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool
is_leap(uint64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Exactly two or four digits at `at`. */
static bool
digits(struct gr_str text, size_t at, size_t n, uint64_t *out)
{
    struct gr_str part = gr_str_sub(text, at, at + n);

    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] < '0' || part.p[i] > '9')
            return false;
    return part.n == n && gr_parse_u64(part, 9999, out) == GR_OK;
}

enum gr_err
clock_date(struct gr_str text, int64_t *s)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t year, month, day;

    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' || !digits(text, 0, 4, &year) ||
        !digits(text, 5, 2, &month) || !digits(text, 8, 2, &day))
        return GR_ESYNTAX;
    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > (uint64_t)lengths[month - 1] + (month == 2 && is_leap(year)))
        return GR_ERANGE;
    *s = days_of((int64_t)year, (int64_t)month, (int64_t)day) * CLOCK_DAY_S;
    return GR_OK;
}

/* "Z", "+01:00"; seconds east of UTC. */
static enum gr_err
offset(struct gr_str text, int64_t *s)
{
    uint64_t hours, minutes;

    if (gr_str_is(text, "Z")) {
        *s = 0;
        return GR_OK;
    }
    if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':' ||
        !digits(text, 1, 2, &hours) || !digits(text, 4, 2, &minutes))
        return GR_ESYNTAX;
    if (hours > 23 || minutes > 59)
        return GR_ERANGE;
    *s = (int64_t)(hours * 3600 + minutes * 60) * (text.p[0] == '-' ? -1 : 1);
    return GR_OK;
}

enum gr_err
clock_time(struct gr_str text, int64_t *s)
{
    uint64_t hour, minute, second;
    int64_t day, east;
    enum gr_err err;

    if (text.n == 10)
        return clock_date(text, s);
    if (text.n < 20 || text.p[10] != 'T' || text.p[13] != ':' || text.p[16] != ':' ||
        !digits(text, 11, 2, &hour) || !digits(text, 14, 2, &minute) || !digits(text, 17, 2, &second))
        return GR_ESYNTAX;
    if ((err = clock_date(gr_str_sub(text, 0, 10), &day)) != GR_OK ||
        (err = offset(gr_str_sub(text, 19, text.n), &east)) != GR_OK)
        return err;
    if (hour > 23 || minute > 59 || second > 59)
        return GR_ERANGE;
    day += (int64_t)(hour * 3600 + minute * 60 + second) - east;
    if (day < 0)
        return GR_ERANGE;
    *s = day;
    return GR_OK;
}

void
clock_put_date(struct gr_buf *b, int64_t s)
{
    /* days_of, solved for the date */
    int64_t z = s / CLOCK_DAY_S + 719468, era = z / 146097, of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    int64_t day = of_year - (153 * m + 2) / 5 + 1, month = m < 10 ? m + 3 : m - 9;

    GR_ASSERT(s >= 0);
    gr_buf_printf(b, "%04lld-%02lld-%02lld", (long long)(y + era * 400 + (month <= 2)), (long long)month,
                  (long long)day);
}

int64_t
clock_today(void)
{
    int64_t now = (int64_t)time(NULL);

    return now > 0 ? now - now % CLOCK_DAY_S : 0;
}
