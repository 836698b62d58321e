/* fuzz_quantity.c - any bytes as a quantity: signs hold, and a unit that converts there converts back. */
#include "config.h"
#include "fuzz.h"

#include "guardrail/quantity.h"

static void
check_conversions(const struct gr_quantity *q)
{
    size_t count;
    const struct gr_unit *units = gr_units(&count);

    for (size_t i = 0; i < count; i++) {
        struct gr_dec there, back;

        if (gr_unit_convert(q->value, q->unit, &units[i], &there) != GR_OK)
            continue;
        GR_ASSERT(units[i].dim == q->unit->dim);
        GR_ASSERT((there.mant > 0) == (q->value.mant > 0) && (there.mant < 0) == (q->value.mant < 0));
        /* Thirds of an hour were rounded on the way; everything else is exact. */
        if (gr_unit_convert(there, &units[i], q->unit, &back) == GR_OK && there.exp > -16 &&
            units[i].scale.mant == 1)
            GR_ASSERT(gr_dec_cmp(back, q->value) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str text = {(const char *)data, n}, bad = GR_STR_NONE;
    struct gr_quantity q;
    enum gr_err err = gr_quantity_parse(text, &q, &bad);

    GR_ASSERT(err == GR_OK || err == GR_ESYNTAX || err == GR_ERANGE || err == GR_ENOENT);
    GR_ASSERT((err == GR_ENOENT) == (bad.n > 0));
    GR_ASSERT(err != GR_ENOENT || gr_str_ends(text, bad));
    if (err != GR_OK)
        return 0;
    GR_ASSERT(q.sign == GR_SIGN_MINUS ? q.value.mant <= 0 : q.value.mant >= 0);
    if (q.unit)
        check_conversions(&q);
    return 0;
}
