/* promql_literal.c - the values of numbers, durations and strings. */
#include "config.h"
#include "promql_tree.h"

#include <math.h>

#include "guardrail/number.h"

/* ---- numbers ---- */

static unsigned
digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* Whole numbers in base 8 or 16 that fit 63 bits, as Go's ParseInt reads them. */
static enum gr_err
whole(struct gr_str digits, unsigned base, double *out)
{
    uint64_t v = 0;

    if (digits.n == 0)
        return GR_ESYNTAX;
    for (size_t i = 0; i < digits.n; i++) {
        unsigned d = digit_value(digits.p[i]);

        if (d >= base)
            return GR_ESYNTAX;
        if (v > ((uint64_t)INT64_MAX - d) / base)
            return GR_ERANGE;
        v = v * base + d;
    }
    *out = (double)v;
    return GR_OK;
}

static bool
same_letters(struct gr_str s, const char *lower)
{
    if (s.n != strlen(lower))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] | 0x20) != lower[i])
            return false;
    return true;
}

enum gr_err
promql_number(struct gr_str s, double *out)
{
    if (same_letters(s, "inf")) {
        *out = (double)INFINITY;
        return GR_OK;
    }
    if (same_letters(s, "nan")) {
        *out = (double)NAN;
        return GR_OK;
    }
    if (s.n > 1 && s.p[0] == '0') {
        if (s.p[1] == 'x' || s.p[1] == 'X')
            return whole(gr_str_sub(s, 2, s.n), 16, out);
        if (whole(gr_str_sub(s, 1, s.n), 8, out) == GR_OK)
            return GR_OK; /* 010 is 8, but 08 is 8 too: what is no octal number is read as a decimal one */
    }
    return gr_parse_double(s, out);
}

/* ---- durations ---- */

/* Prometheus counts in 64-bit nanoseconds. */
#define DURATION_MS_MAX (INT64_MAX / 1000000)

enum gr_err
promql_duration(struct gr_str s, int64_t *ms)
{
    static const struct {
        struct gr_str name;
        int64_t ms;
    } units[] = {
        {GR_STR_INIT("y"), INT64_C(31536000000)},
        {GR_STR_INIT("w"), 604800000},
        {GR_STR_INIT("d"), 86400000},
        {GR_STR_INIT("h"), 3600000},
        {GR_STR_INIT("m"), 60000},
        {GR_STR_INIT("s"), 1000},
        {GR_STR_INIT("ms"), 1},
    };
    int64_t total = 0;
    size_t i = 0, next_unit = 0;

    while (i < s.n) {
        size_t start = i, unit_end;
        int64_t count = 0;

        for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            count = count > DURATION_MS_MAX ? count : count * 10 + (s.p[i] - '0');
        for (unit_end = i; unit_end < s.n && !(s.p[unit_end] >= '0' && s.p[unit_end] <= '9');)
            unit_end++;
        while (next_unit < GR_COUNT(units) && !gr_str_eq(units[next_unit].name, gr_str_sub(s, i, unit_end)))
            next_unit++;
        if (i == start || next_unit == GR_COUNT(units))
            return GR_ESYNTAX;
        if (count > DURATION_MS_MAX / units[next_unit].ms ||
            total > DURATION_MS_MAX - count * units[next_unit].ms)
            return GR_ERANGE;
        total += count * units[next_unit++].ms;
        i = unit_end;
    }
    if (total == 0)
        return s.n == 0 ? GR_ESYNTAX : GR_ERANGE;
    *ms = total;
    return GR_OK;
}

/* ---- strings ---- */

static size_t
put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* One escape, which the lexer has checked; p is behind the backslash. Returns how many bytes of p it took. No
 * escape is shorter than what it stands for. */
static size_t
put_escape(const char *p, char *out, size_t *written)
{
    static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    const char *letter = *p ? strchr(letters, *p) : NULL;
    unsigned base = 16, digits = *p == 'x' ? 2 : *p == 'u' ? 4 : 8;
    uint32_t value = 0;
    size_t used = 1;

    if (letter) {
        out[(*written)++] = values[letter - letters];
        return 1;
    }
    if (*p >= '0' && *p <= '7')
        base = 8, digits = 3, used = 0;
    else if (*p != 'x' && *p != 'u' && *p != 'U') {
        out[(*written)++] = *p;
        return 1;
    }
    for (unsigned i = 0; i < digits; i++)
        value = value * base + digit_value(p[used++]);
    if (base == 8 || *p == 'x')
        out[(*written)++] = (char)value; /* one byte, whatever it is */
    else
        *written += put_utf8(out + *written, value);
    return used;
}

enum gr_err
promql_decode(struct gr_arena *a, struct gr_str quoted, struct gr_str *out)
{
    struct gr_str body = gr_str_sub(quoted, 1, quoted.n - 1);
    size_t n = 0;
    char *text;

    if (quoted.p[0] == '`' || !memchr(quoted.p, '\\', quoted.n)) {
        *out = gr_arena_dup(a, body);
        return out->p ? GR_OK : GR_ENOMEM;
    }
    if ((text = gr_arena_alloc(a, body.n + 1)) == NULL)
        return GR_ENOMEM;
    for (size_t i = 0; i < body.n;) {
        if (body.p[i] != '\\') {
            text[n++] = body.p[i++];
            continue;
        }
        i++;
        i += put_escape(body.p + i, text, &n);
    }
    *out = (struct gr_str){text, n};
    return GR_OK;
}
