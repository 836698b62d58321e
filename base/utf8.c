/* utf8.c - decoding, encoding and classifying single code points. */
#include "config.h"
#include "utf8.h"

/* The forms by first byte: how many bytes follow, and the smallest code point that needs so many. */
static const struct form {
    unsigned char mask, lead, more;
    uint32_t min;
} forms[] = {
    {0x80, 0x00, 0, 0},
    {0xe0, 0xc0, 1, 0x80},
    {0xf0, 0xe0, 2, 0x800},
    {0xf8, 0xf0, 3, 0x10000},
};

static const struct form *
form_of(unsigned char first)
{
    for (size_t i = 0; i < GR_COUNT(forms); i++)
        if ((first & forms[i].mask) == forms[i].lead)
            return &forms[i];
    return NULL;
}

size_t
utf8_decode(struct gr_str s, uint32_t *cp)
{
    const struct form *f = s.n ? form_of((unsigned char)s.p[0]) : NULL;
    uint32_t c;

    if (!f || s.n <= f->more)
        return 0;
    c = (uint32_t)(unsigned char)s.p[0] & ~(uint32_t)f->mask;
    for (size_t i = 1; i <= f->more; i++) {
        unsigned char byte = (unsigned char)s.p[i];
        if ((byte & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (byte & 0x3fu);
    }
    if (c < f->min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *cp = c;
    return (size_t)f->more + 1;
}

size_t
utf8_encode(uint32_t cp, char out[4])
{
    size_t more = cp < 0x80 ? 0 : cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;

    GR_ASSERT(cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff));
    for (size_t i = more; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3f));
    out[0] = (char)(forms[more].lead | cp);
    return more + 1;
}

bool
utf8_is_hidden(uint32_t cp)
{
    static const struct range {
        uint32_t first, last;
    } ranges[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };

    if ((cp & 0xfffe) == 0xfffe)
        return true;
    for (size_t i = 0; i < GR_COUNT(ranges); i++)
        if (cp >= ranges[i].first && cp <= ranges[i].last)
            return true;
    return false;
}
