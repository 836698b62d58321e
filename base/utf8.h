/* utf8.h - one code point at a time, for the readers and quoters of base/. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include "guardrail/base.h"

/* Decodes the code point at the start of s. Returns its length in bytes (1 to 4), or 0 when s is empty or does not start
 * with a valid one (stray or missing continuation bytes, overlong forms, surrogates, above U+10FFFF); then *cp is kept. */
size_t utf8_decode(struct gr_str s, uint32_t *cp);
/* Writes cp (no surrogate, at most U+10FFFF) to out, returns the bytes written. */
size_t utf8_encode(uint32_t cp, char out[4]);
/* Characters that a person cannot see or that change how others are shown: controls (C0, DEL, C1), line and paragraph
 * separators, zero-width characters, bidirectional marks and overrides, byte order mark, tags, non-characters. */
bool utf8_is_hidden(uint32_t cp);
/* How many of the n bytes at p, from the first on, are ASCII. Most texts are nothing else. */
static inline size_t
utf8_ascii(const char *p, size_t n)
{
    size_t at = 0;
    uint64_t eight;

    for (; n - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, p + at, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < n && (unsigned char)p[at] < 0x80)
        at++;
    return at;
}
#endif
