#include "config.h"
#include "guardrail/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef __int128 wide;

#define DIGITS_MAX 18 /* significant digits of a struct gr_dec; 10^18 < INT64_MAX */
#define MANT_MAX INT64_C(999999999999999999)
#define EXP_MAX 18
#define DIV_DIGITS 17 /* of a quotient that had to be rounded */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum gr_err
gr_parse_u64(struct gr_str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    bool over = false;

    if (s.n == 0)
        return GR_ESYNTAX;
    for (size_t i = 0; i < s.n; i++) {
        uint64_t digit;

        if (!is_digit(s.p[i]))
            return GR_ESYNTAX;
        digit = (uint64_t)(s.p[i] - '0');
        over = over ||
               v > (UINT64_MAX - digit) / 10; /* go on: a bad character later is bad syntax all the same */
        v = v * 10 + digit;
    }
    if (over || v > max)
        return GR_ERANGE;
    *out = v;
    return GR_OK;
}

enum gr_err
gr_parse_i64(struct gr_str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = gr_str_starts(s, GR_STR("-"));
    uint64_t magnitude;
    int64_t v;
    enum gr_err err =
        gr_parse_u64(gr_str_sub(s, negative ? 1 : 0, s.n), (uint64_t)INT64_MAX + negative, &magnitude);

    if (err != GR_OK)
        return err;
    /* Negated as -(m - 1) - 1, so that the least number does not overflow on the way. */
    v = negative && magnitude > 0 ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    if (v < min || v > max)
        return GR_ERANGE;
    *out = v;
    return GR_OK;
}

/* Longer than any number someone writes by hand; a double's exact decimal form can be longer, but is never needed. */
#define DOUBLE_TEXT_MAX 400

/* [+-]digits[.digits][(e|E)[+-]digits], digits needed on one side of the point. */
static bool
is_decimal(struct gr_str s)
{
    size_t i = 0, digits = 0;

    i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
    for (; i < s.n && is_digit(s.p[i]); i++)
        digits++;
    if (i < s.n && s.p[i] == '.')
        for (i++; i < s.n && is_digit(s.p[i]); i++)
            digits++;
    if (digits == 0)
        return false;
    if (i == s.n || (s.p[i] != 'e' && s.p[i] != 'E'))
        return i == s.n;
    i++;
    i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
    if (i == s.n)
        return false;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    return i == s.n;
}

/* strtod reads the locale's decimal point; this puts it where the text has '.'. */
static bool
localised(struct gr_str s, char *out, size_t room)
{
    struct gr_str point = gr_str(localeconv()->decimal_point);
    size_t dot = gr_str_find(s, GR_STR("."), 0), head = dot == SIZE_MAX ? s.n : dot;
    struct gr_str tail = gr_str_sub(s, head + (dot != SIZE_MAX), s.n);

    if (s.n + point.n >= room)
        return false;
    memcpy(out, s.p, head);
    if (dot != SIZE_MAX) {
        memcpy(out + head, point.p, point.n);
        head += point.n;
    }
    if (tail.n)
        memcpy(out + head, tail.p, tail.n);
    out[head + tail.n] = '\0';
    return true;
}

enum gr_err
gr_parse_double(struct gr_str s, double *out)
{
    char text[DOUBLE_TEXT_MAX + 8], *end;
    double v;

    if (!is_decimal(s))
        return GR_ESYNTAX;
    if (s.n > DOUBLE_TEXT_MAX || !localised(s, text, sizeof text))
        return GR_ERANGE;
    v = strtod(text, &end);
    GR_ASSERT(*end == '\0');
    if (!isfinite(v))
        return GR_ERANGE;
    *out = v;
    return GR_OK;
}

/* mant × 10^exp as a normal struct gr_dec, exact or GR_ERANGE. */
static enum gr_err
dec_make(wide mant, int exp, struct gr_dec *out)
{
    if (mant == 0) {
        *out = GR_DEC(0, 0);
        return GR_OK;
    }
    while (mant % 10 == 0) {
        mant /= 10;
        exp++;
    }
    if (exp < -EXP_MAX || exp > EXP_MAX || mant > MANT_MAX || mant < -MANT_MAX)
        return GR_ERANGE;
    *out = GR_DEC((int64_t)mant, exp);
    return GR_OK;
}

/* Moves the digits at the front of *rest out. */
static struct gr_str
take_digits(struct gr_str *rest)
{
    size_t n = 0;
    struct gr_str digits;

    while (n < rest->n && is_digit(rest->p[n]))
        n++;
    digits = gr_str_sub(*rest, 0, n);
    *rest = gr_str_sub(*rest, n, rest->n);
    return digits;
}

static struct gr_str
without_leading_zeros(struct gr_str s)
{
    while (s.n > 0 && s.p[0] == '0')
        s = gr_str_sub(s, 1, s.n);
    return s;
}

static struct gr_str
without_trailing_zeros(struct gr_str s)
{
    while (s.n > 0 && s.p[s.n - 1] == '0')
        s.n--;
    return s;
}

static wide
append_digits(wide mant, struct gr_str digits)
{
    for (size_t i = 0; i < digits.n; i++)
        mant = mant * 10 + (digits.p[i] - '0');
    return mant;
}

enum gr_err
gr_dec_parse(struct gr_str s, struct gr_dec *out)
{
    bool negative = gr_str_starts(s, GR_STR("-"));
    struct gr_str rest = gr_str_sub(s, negative || gr_str_starts(s, GR_STR("+")) ? 1 : 0, s.n);
    struct gr_str whole = take_digits(&rest), part = GR_STR_NONE;
    size_t shift;
    wide mant;

    if (whole.n > 0 && gr_str_starts(rest, GR_STR("."))) {
        rest = gr_str_sub(rest, 1, rest.n);
        part = take_digits(&rest);
        if (part.n == 0)
            return GR_ESYNTAX;
    }
    if (whole.n == 0 || rest.n > 0)
        return GR_ESYNTAX;
    whole = without_leading_zeros(whole);
    part = without_trailing_zeros(part);
    shift = part.n; /* to the right; to the left if there is no fraction */
    if (part.n == 0) {
        shift = whole.n;
        whole = without_trailing_zeros(whole);
        shift -= whole.n;
    }
    if (shift > EXP_MAX)
        return GR_ERANGE;
    if (whole.n == 0)
        part = without_leading_zeros(part);
    else if (whole.n > DIGITS_MAX)
        return GR_ERANGE;
    if (whole.n + part.n > DIGITS_MAX)
        return GR_ERANGE;
    mant = append_digits(append_digits(0, whole), part);
    return dec_make(negative ? -mant : mant, part.n > 0 ? -(int)shift : (int)shift, out);
}

/* 10^n for 0 <= n <= 38. */
static wide
power_of_ten(int n)
{
    wide v = 1;

    GR_ASSERT(n >= 0 && n <= 38);
    while (n-- > 0)
        v *= 10;
    return v;
}

/* Two normal numbers whose exponents are further apart than this have no exact sum in a mantissa, and the one with the
 * larger exponent has the larger magnitude. Up to it, mant × 10^FAR fits in 128 bits. */
#define FAR 19

enum gr_err
gr_dec_add(struct gr_dec a, struct gr_dec b, struct gr_dec *out)
{
    struct gr_dec high = a.exp >= b.exp ? a : b, low = a.exp >= b.exp ? b : a;

    if (a.mant == 0 || b.mant == 0) {
        *out = a.mant == 0 ? b : a;
        return GR_OK;
    }
    if (high.exp - low.exp > FAR)
        return GR_ERANGE;
    return dec_make(high.mant * power_of_ten(high.exp - low.exp) + low.mant, low.exp, out);
}

enum gr_err
gr_dec_mul(struct gr_dec a, struct gr_dec b, struct gr_dec *out)
{
    return dec_make((wide)a.mant * b.mant, a.exp + b.exp, out);
}

static int
digit_count(wide v)
{
    int n = 0;

    for (; v > 0; v /= 10)
        n++;
    return n;
}

/* v / 10^drop, to the nearest. There is never a tie to break: something not zero was cut off behind v already. */
static wide
round_off(wide v, int drop)
{
    wide unit = power_of_ten(drop);

    return v / unit + (v % unit >= unit / 2);
}

/* Long division, digit by digit, until it comes out even or there is one digit more than is kept. */
enum gr_err
gr_dec_div(struct gr_dec a, struct gr_dec b, struct gr_dec *out)
{
    wide num = a.mant < 0 ? -(wide)a.mant : a.mant, den = b.mant < 0 ? -(wide)b.mant : b.mant;
    wide q, rest;
    int exp = a.exp - b.exp, drop;

    GR_ASSERT(den != 0);
    q = num / den;
    for (rest = num % den; rest != 0 && q <= MANT_MAX / 10; rest = rest * 10 % den) {
        q = q * 10 + rest * 10 / den;
        exp--;
    }
    if (rest != 0) {
        drop = digit_count(q) - DIV_DIGITS;
        drop = drop < -EXP_MAX - exp ? -EXP_MAX - exp : drop;
        if (drop > DIGITS_MAX)
            return GR_ERANGE; /* less than half of the smallest step */
        q = round_off(q, drop);
        exp += drop;
        if (q == 0)
            return GR_ERANGE;
    }
    return dec_make((a.mant < 0) != (b.mant < 0) ? -q : q, exp, out);
}

struct gr_dec
gr_dec_neg(struct gr_dec a)
{
    return GR_DEC(-a.mant, a.exp);
}

int
gr_dec_cmp(struct gr_dec a, struct gr_dec b)
{
    wide x = a.mant, y = b.mant;

    if (x == 0 || y == 0 || (x < 0) != (y < 0))
        return (x > y) - (x < y);
    if (a.exp - b.exp > FAR)
        return x > 0 ? 1 : -1;
    if (b.exp - a.exp > FAR)
        return x > 0 ? -1 : 1;
    if (a.exp > b.exp)
        x *= power_of_ten(a.exp - b.exp);
    else
        y *= power_of_ten(b.exp - a.exp);
    return (x > y) - (x < y);
}

/* By way of text: mant × 10^exp in binary would round twice. There is no decimal point in it, so no locale either. */
double
gr_dec_double(struct gr_dec a)
{
    char text[40];

    snprintf(text, sizeof text, "%jde%d", (intmax_t)a.mant, (int)a.exp);
    return strtod(text, NULL);
}

struct gr_dec
gr_dec_int(int64_t v)
{
    int32_t exp = 0;

    GR_ASSERT(v != INT64_MIN); /* it could not be negated */
    while (v != 0 && v % 10 == 0) {
        v /= 10;
        exp++;
    }
    return GR_DEC(v, exp);
}

void
gr_dec_print(struct gr_buf *b, struct gr_dec a)
{
    uint64_t mant = a.mant < 0 ? 0 - (uint64_t)a.mant : (uint64_t)a.mant;
    int point = a.exp < 0 ? -a.exp : 0; /* digits behind the point */
    char text[64];
    size_t at = sizeof text;

    if (a.mant < 0)
        gr_buf_putc(b, '-');
    if (a.exp > 0) {
        gr_buf_put_u64(b, mant);
        for (int i = 0; i < a.exp; i++)
            gr_buf_putc(b, '0');
        return;
    }
    for (int digits = 0; digits <= point || mant > 0;
         digits++, mant /= 10) { /* a digit before the point at least */
        if (digits == point && point > 0)
            text[--at] = '.';
        text[--at] = (char)('0' + mant % 10);
    }
    gr_buf_put(b, (struct gr_str){text + at, sizeof text - at});
}

/* Up to 15 digits every decimal survives the way through a double, so what %.15g prints (without trailing zeros) is the
 * shortest if it reads back; denormal numbers hold fewer. */
static void
double_text(double v, char *text, size_t room)
{
    double back;

    for (int digits = fabs(v) < DBL_MIN ? 1 : DBL_DIG; digits <= 17; digits++) {
        snprintf(text, room, "%.*g", digits, v);
        back = strtod(text, NULL);
        if (memcmp(&back, &v, sizeof v) == 0)
            return;
    }
}

void
gr_double_print(struct gr_buf *b, double v)
{
    struct gr_str point = gr_str(localeconv()->decimal_point), all;
    char text[40];
    size_t at;

    if (isnan(v)) {
        gr_buf_puts(b, "NaN");
        return;
    }
    if (isinf(v)) {
        gr_buf_puts(b, v > 0 ? "+Inf" : "-Inf");
        return;
    }
    double_text(v, text, sizeof text);
    all = gr_str(text);
    at = gr_str_find(all, point, 0);
    if (at == SIZE_MAX) {
        gr_buf_put(b, all);
        return;
    }
    gr_buf_put(b, gr_str_sub(all, 0, at));
    gr_buf_putc(b, '.');
    gr_buf_put(b, gr_str_sub(all, at + point.n, all.n));
}
