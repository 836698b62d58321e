#include "config.h"
#include "guardrail/duration.h"

#include "guardrail/number.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* Largest first: a text's units must come in this order. A month is 30 days and a year 365, as in Prometheus. */
static const struct {
    struct gr_str names[4];
    int64_t ms;
} units[] = {
    {{GR_STR_INIT("y"), GR_STR_INIT("year"), GR_STR_INIT("years")}, 365 * DAY_MS},
    {{GR_STR_INIT("month"), GR_STR_INIT("months")}, 30 * DAY_MS},
    {{GR_STR_INIT("w"), GR_STR_INIT("week"), GR_STR_INIT("weeks")}, 7 * DAY_MS},
    {{GR_STR_INIT("d"), GR_STR_INIT("day"), GR_STR_INIT("days")}, DAY_MS},
    {{GR_STR_INIT("h"), GR_STR_INIT("hour"), GR_STR_INIT("hours")}, HOUR_MS},
    {{GR_STR_INIT("m"), GR_STR_INIT("min"), GR_STR_INIT("minute"), GR_STR_INIT("minutes")}, MINUTE_MS},
    {{GR_STR_INIT("s"), GR_STR_INIT("second"), GR_STR_INIT("seconds")}, SECOND_MS},
    {{GR_STR_INIT("ms")}, 1},
};

/* Row of the unit, or GR_COUNT(units). */
static size_t
unit_row(struct gr_str name)
{
    for (size_t i = 0; i < GR_COUNT(units); i++)
        for (size_t j = 0; j < GR_COUNT(units[i].names) && units[i].names[j].n > 0; j++)
            if (gr_str_eq(name, units[i].names[j]))
                return i;
    return GR_COUNT(units);
}

static struct gr_str
take_class(struct gr_str *rest, char low, char high)
{
    size_t n = 0;
    struct gr_str got;

    while (n < rest->n && rest->p[n] >= low && rest->p[n] <= high)
        n++;
    got = gr_str_sub(*rest, 0, n);
    *rest = gr_str_sub(*rest, n, rest->n);
    return got;
}

static void
skip_blank(struct gr_str *rest)
{
    if (gr_str_starts(*rest, GR_STR(" ")))
        *rest = gr_str_sub(*rest, 1, rest->n);
}

/* The form is judged to the end before the size, so that "99999999999y1x" is bad syntax. */
enum gr_err
gr_duration_parse(struct gr_str s, int64_t *ms)
{
    struct gr_str rest = s;
    size_t next_row = 0; /* units before it are used up */
    bool over = s.n == 0;
    int64_t sum = 0;

    do {
        struct gr_str digits = take_class(&rest, '0', '9');
        uint64_t count;
        size_t row;

        skip_blank(&rest);
        row = unit_row(take_class(&rest, 'a', 'z'));
        if (digits.n == 0 || row < next_row || row == GR_COUNT(units))
            return GR_ESYNTAX;
        next_row = row + 1;
        if (gr_parse_u64(digits, (uint64_t)((GR_DURATION_MS_MAX - sum) / units[row].ms), &count) == GR_OK)
            sum += (int64_t)count * units[row].ms;
        else
            over = true;
        if (rest.n > 1)
            skip_blank(&rest);
    } while (rest.n > 0);
    if (over || sum == 0)
        return GR_ERANGE;
    *ms = sum;
    return GR_OK;
}

void
gr_duration_pattern(struct gr_buf *b)
{
    gr_buf_puts(b, "^(?=[0-9])");
    for (size_t i = 0; i < GR_COUNT(units); i++) {
        gr_buf_puts(b, "(?:[0-9]+ ?(?:");
        for (size_t j = 0; j < GR_COUNT(units[i].names) && units[i].names[j].n > 0; j++) {
            gr_buf_puts(b, j ? "|" : "");
            gr_buf_put(b, units[i].names[j]);
        }
        gr_buf_puts(b, ")(?: ?(?=[0-9])|$))?");
    }
    gr_buf_putc(b, '$');
}

/* As Prometheus' own model.Duration prints: years and weeks only where they come out even, never months. */
void
gr_duration_print(struct gr_buf *b, int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
        bool exact;
    } forms[] = {
        {"y", 365 * DAY_MS, true}, {"w", 7 * DAY_MS, true}, {"d", DAY_MS, false}, {"h", HOUR_MS, false},
        {"m", MINUTE_MS, false},   {"s", SECOND_MS, false}, {"ms", 1, false},
    };

    GR_ASSERT(ms >= 0);
    if (ms == 0)
        gr_buf_puts(b, "0s");
    for (size_t i = 0; i < GR_COUNT(forms); i++) {
        if (ms < forms[i].ms || (forms[i].exact && ms % forms[i].ms != 0))
            continue;
        gr_buf_put_i64(b, ms / forms[i].ms);
        gr_buf_puts(b, forms[i].name);
        ms %= forms[i].ms;
    }
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, year >= 0. Years are counted from March, so that the leap day
 * is the last one; a 400-year era has 146097 days. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t from_march = month > 2 ? month - 3 : month + 9;
    int64_t y = month > 2 ? year + 400 : year + 399; /* one era up: January of year 0 stays positive */
    int64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468 - 146097;
}

static bool
is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
days_in(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

#define YEAR_9999_END_S INT64_C(253402300799)

void
gr_time_print(struct gr_buf *b, int64_t unix_ms)
{
    int64_t s = unix_ms < 0 ? 0 : unix_ms / 1000, days, year = 1970, month = 1;

    s = s > YEAR_9999_END_S ? YEAR_9999_END_S : s;
    days = s / 86400;
    s %= 86400;
    year += days / 366; /* never too far; at most a few years short */
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    while (month < 12 && days_of(year, month + 1, 1) <= days)
        month++;
    gr_buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, (int)month,
                  (int)(days - days_of(year, month, 1) + 1), (int)(s / 3600), (int)(s / 60 % 60),
                  (int)(s % 60));
}

/* Reads fixed-width numbers by a pattern: '0' is a digit of the next field, anything else stands for itself. */
static bool
take_pattern(struct gr_str *rest, const char *pattern, int64_t *fields)
{
    size_t n = strlen(pattern);

    if (rest->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = rest->p[i];

        if (pattern[i] != '0') {
            if (c != pattern[i])
                return false;
            fields++;
            *fields = 0;
        } else if (c < '0' || c > '9') {
            return false;
        } else {
            *fields = *fields * 10 + (c - '0');
        }
    }
    *rest = gr_str_sub(*rest, n, rest->n);
    return true;
}

/* ".123456" as milliseconds; nothing is 0. False if there is a point without a digit. */
static bool
take_fraction(struct gr_str *rest, int64_t *ms)
{
    struct gr_str digits;

    *ms = 0;
    if (!gr_str_starts(*rest, GR_STR(".")))
        return true;
    *rest = gr_str_sub(*rest, 1, rest->n);
    digits = take_class(rest, '0', '9');
    for (size_t i = 0; i < 3; i++)
        *ms = *ms * 10 + (i < digits.n ? digits.p[i] - '0' : 0);
    return digits.n > 0;
}

enum gr_err
gr_time_parse(struct gr_str s, int64_t *unix_ms)
{
    int64_t t[6] = {0}, offset[2] = {0}, ms, minutes;
    struct gr_str rest = s;
    bool west;

    if (!take_pattern(&rest, "0000-00-00T00:00:00", t) || !take_fraction(&rest, &ms) || rest.n == 0)
        return GR_ESYNTAX;
    west = rest.p[0] == '-';
    if (!gr_str_is(rest, "Z")) {
        bool east = rest.p[0] == '+';

        rest = gr_str_sub(rest, 1, rest.n);
        if ((!west && !east) || !take_pattern(&rest, "00:00", offset) || rest.n > 0)
            return GR_ESYNTAX;
    }
    if (t[1] < 1 || t[1] > 12 || t[2] < 1 || t[2] > days_in(t[0], t[1]) || t[3] > 23 || t[4] > 59 ||
        t[5] > 59 || offset[0] > 23 || offset[1] > 59)
        return GR_ERANGE;
    minutes = (days_of(t[0], t[1], t[2]) * 24 + t[3]) * 60 + t[4];
    minutes -= (offset[0] * 60 + offset[1]) * (west ? -1 : 1);
    *unix_ms = (minutes * 60 + t[5]) * 1000 + ms;
    return GR_OK;
}
