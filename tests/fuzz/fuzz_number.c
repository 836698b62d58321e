/* fuzz_number.c - "a,b" as numbers: what is printed reads back as the same, and the arithmetic of decimals agrees with
 * itself and, closely enough, with binary floating point. */
#include "config.h"
#include "fuzz.h"

#include <math.h>

#include "guardrail/number.h"

static bool
same(struct gr_dec a, struct gr_dec b)
{
    return a.mant == b.mant && a.exp == b.exp;
}

static void
check_dec(struct gr_dec a)
{
    struct gr_buf b = GR_BUF_INIT(100);
    struct gr_dec again, sum;

    GR_ASSERT(a.mant % 10 != 0 || (a.mant == 0 && a.exp == 0));
    GR_ASSERT(a.exp >= -18 && a.exp <= 18);
    gr_dec_print(&b, a);
    GR_ASSERT(gr_dec_parse(gr_buf_str(&b), &again) == GR_OK && same(a, again));
    GR_ASSERT(gr_dec_cmp(a, again) == 0);
    GR_ASSERT(gr_dec_add(a, gr_dec_neg(a), &sum) == GR_OK && sum.mant == 0);
    gr_buf_fini(&b);
}

static bool
near(double a, double b)
{
    return fabs(a - b) <= 1e-14 * (fabs(a) + fabs(b)) + 1e-18;
}

static void
check_pair(struct gr_dec a, struct gr_dec b)
{
    struct gr_dec x, y;
    double da = gr_dec_double(a), db = gr_dec_double(b);
    int order = gr_dec_cmp(a, b);

    GR_ASSERT((order < 0) == (gr_dec_cmp(b, a) > 0));
    GR_ASSERT(order <= 0 || da >= db);
    GR_ASSERT((order == 0) == same(a, b));
    if (gr_dec_add(a, b, &x) == GR_OK) {
        GR_ASSERT(gr_dec_add(b, a, &y) == GR_OK && same(x, y));
        check_dec(x);
        if (gr_dec_add(x, gr_dec_neg(b), &y) == GR_OK)
            GR_ASSERT(same(y, a));
    }
    if (gr_dec_mul(a, b, &x) == GR_OK) {
        GR_ASSERT(gr_dec_mul(b, a, &y) == GR_OK && same(x, y));
        check_dec(x);
        GR_ASSERT(near(gr_dec_double(x), da * db));
        if (b.mant != 0)
            GR_ASSERT(gr_dec_div(x, b, &y) == GR_OK && same(y, a));
    }
    if (b.mant != 0 && gr_dec_div(a, b, &x) == GR_OK) {
        check_dec(x);
        GR_ASSERT(near(gr_dec_double(x), da / db));
    }
}

static void
check_double(struct gr_str s)
{
    struct gr_buf b = GR_BUF_INIT(100);
    double v, again;

    if (gr_parse_double(s, &v) != GR_OK)
        return;
    GR_ASSERT(isfinite(v));
    gr_double_print(&b, v);
    GR_ASSERT(gr_parse_double(gr_buf_str(&b), &again) == GR_OK && memcmp(&v, &again, sizeof v) == 0);
    gr_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str rest = {(const char *)data, n}, piece;
    struct gr_dec last = {0, 0}, dec;
    int64_t i;

    while (gr_str_next(&rest, ',', &piece)) {
        check_double(piece);
        if (gr_parse_i64(piece, INT64_MIN, INT64_MAX, &i) == GR_OK && i > INT64_MIN)
            GR_ASSERT(gr_dec_parse(piece, &dec) != GR_OK || same(dec, gr_dec_int(i)));
        if (gr_dec_parse(piece, &dec) != GR_OK)
            continue;
        check_dec(dec);
        check_pair(dec, last);
        last = dec;
    }
    return 0;
}
