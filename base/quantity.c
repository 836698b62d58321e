#include "config.h"
#include "guardrail/quantity.h"

/* Sorted by name. To add a unit: one row here, one in its test. */
static const struct gr_unit units[] = {
    {"bps", "bps bp", GR_DIM_RATIO, {1, -4}, "suffix:bp", " bps"},
    {"bytes", "B bytes", GR_DIM_BYTES, {1, 0}, "bytes", " B"},
    {"count", "", GR_DIM_COUNT, {1, 0}, "short", ""},
    {"hours", "h hour hours", GR_DIM_TIME, {36, 2}, "h", " h"},
    {"minutes", "min m minute minutes", GR_DIM_TIME, {6, 1}, "m", " min"},
    {"ms", "ms", GR_DIM_TIME, {1, -3}, "ms", " ms"},
    {"percent", "% percent", GR_DIM_RATIO, {1, -2}, "percent", "%"},
    {"pp", "pp", GR_DIM_RATIO, {1, -2}, "suffix:pp", " pp"},
    {"ratio", "", GR_DIM_RATIO, {1, 0}, "percentunit", ""},
    {"s", "s second seconds", GR_DIM_TIME, {1, 0}, "s", " s"},
    {"score", "", GR_DIM_SCORE, {1, 0}, "none", ""},
    {"us", "us", GR_DIM_TIME, {1, -6}, "µs", " µs"},
};

const struct gr_unit *
gr_units(size_t *count)
{
    *count = GR_COUNT(units);
    return units;
}

const struct gr_unit *
gr_unit_by_name(struct gr_str name)
{
    for (size_t i = 0; i < GR_COUNT(units); i++)
        if (gr_str_is(name, units[i].name))
            return &units[i];
    return NULL;
}

const struct gr_unit *
gr_unit_by_suffix(struct gr_str suffix)
{
    for (size_t i = 0; i < GR_COUNT(units); i++) {
        struct gr_str rest = gr_str(units[i].suffixes), piece;

        if (!memmem(rest.p, rest.n, suffix.p, suffix.n))
            continue;
        while (gr_str_next(&rest, ' ', &piece))
            if (piece.n > 0 && gr_str_eq(piece, suffix))
                return &units[i];
    }
    return NULL;
}

enum gr_err
gr_unit_convert(struct gr_dec value, const struct gr_unit *from, const struct gr_unit *to, struct gr_dec *out)
{
    struct gr_dec base;
    enum gr_err err;

    if (from->dim != to->dim)
        return GR_ERANGE;
    if (from == to) {
        *out = value;
        return GR_OK;
    }
    if ((err = gr_dec_mul(value, from->scale, &base)) != GR_OK)
        return err;
    return gr_dec_div(base, to->scale, out);
}

/* Two bytes may stand for one sign: the longer spelling comes first. */
static const struct {
    struct gr_str text;
    enum gr_sign sign;
} signs[] = {
    {GR_STR_INIT("+-"), GR_SIGN_BOTH},
    {GR_STR_INIT("+\xe2\x88\x92"), GR_SIGN_BOTH}, /* U+2212, the typographic minus */
    {GR_STR_INIT("\xc2\xb1"), GR_SIGN_BOTH},      /* U+00B1 */
    {GR_STR_INIT("+"), GR_SIGN_PLUS},
    {GR_STR_INIT("-"), GR_SIGN_MINUS},
    {GR_STR_INIT("\xe2\x88\x92"), GR_SIGN_MINUS},
};

static enum gr_sign
take_sign(struct gr_str *rest)
{
    for (size_t i = 0; i < GR_COUNT(signs); i++)
        if (gr_str_starts(*rest, signs[i].text)) {
            *rest = gr_str_sub(*rest, signs[i].text.n, rest->n);
            return signs[i].sign;
        }
    return GR_SIGN_NONE;
}

enum gr_err
gr_quantity_parse(struct gr_str s, struct gr_quantity *out, struct gr_str *bad_unit)
{
    struct gr_quantity q = {.sign = GR_SIGN_NONE};
    struct gr_str rest = s;
    size_t n = 0;
    enum gr_err err;

    q.sign = take_sign(&rest);
    while (n < rest.n && ((rest.p[n] >= '0' && rest.p[n] <= '9') || rest.p[n] == '.'))
        n++;
    if ((err = gr_dec_parse(gr_str_sub(rest, 0, n), &q.value)) != GR_OK)
        return err;
    rest = gr_str_sub(rest, n, rest.n);
    if (rest.n > 1 && rest.p[0] == ' ')
        rest = gr_str_sub(rest, 1, rest.n);
    if (rest.n > 0 && !(q.unit = gr_unit_by_suffix(rest))) {
        *bad_unit = rest;
        return GR_ENOENT;
    }
    if (q.sign == GR_SIGN_MINUS)
        q.value = gr_dec_neg(q.value);
    *out = q;
    return GR_OK;
}
