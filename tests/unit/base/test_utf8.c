#include "config.h"
#include "../../../base/utf8.h"

#include "test_base.h"

static const struct {
    const char *name;
    struct gr_str text;
    size_t n;
    uint32_t cp;
} rows[] = {
    {"empty", GR_STR_INIT(""), 0, 0},
    {"NUL", GR_STR_INIT("\x00"), 1, 0},
    {"ASCII", GR_STR_INIT("az"), 1, 'a'},
    {"largest of one", GR_STR_INIT("\x7f"), 1, 0x7f},
    {"smallest of two", GR_STR_INIT("\xc2\x80"), 2, 0x80},
    {"largest of two", GR_STR_INIT("\xdf\xbf"), 2, 0x7ff},
    {"smallest of three", GR_STR_INIT("\xe0\xa0\x80"), 3, 0x800},
    {"below the surrogates", GR_STR_INIT("\xed\x9f\xbf"), 3, 0xd7ff},
    {"above the surrogates", GR_STR_INIT("\xee\x80\x80"), 3, 0xe000},
    {"largest of three", GR_STR_INIT("\xef\xbf\xbf"), 3, 0xffff},
    {"smallest of four", GR_STR_INIT("\xf0\x90\x80\x80"), 4, 0x10000},
    {"last of all", GR_STR_INIT("\xf4\x8f\xbf\xbf"), 4, 0x10ffff},
    {"past the last", GR_STR_INIT("\xf4\x90\x80\x80"), 0, 0},
    {"first surrogate", GR_STR_INIT("\xed\xa0\x80"), 0, 0},
    {"last surrogate", GR_STR_INIT("\xed\xbf\xbf"), 0, 0},
    {"stray continuation", GR_STR_INIT("\x80"), 0, 0},
    {"overlong of two", GR_STR_INIT("\xc1\xbf"), 0, 0},
    {"overlong of three", GR_STR_INIT("\xe0\x9f\xbf"), 0, 0},
    {"overlong of four", GR_STR_INIT("\xf0\x8f\xbf\xbf"), 0, 0},
    {"cut", GR_STR_INIT("\xe2\x82"), 0, 0},
    {"no continuation", GR_STR_INIT("\xe2\x82z"), 0, 0},
    {"five bytes", GR_STR_INIT("\xf8\x88\x80\x80\x80"), 0, 0},
    {"0xff", GR_STR_INIT("\xff\xff"), 0, 0},
};

START_TEST(decodes_and_encodes)
{
    uint32_t cp = 12345;
    size_t n = utf8_decode(rows[_i].text, &cp);
    char out[4];

    ck_assert_msg(n == rows[_i].n, "%s: %zu bytes", rows[_i].name, n);
    ck_assert_uint_eq(cp, n ? rows[_i].cp : 12345);
    if (n > 0) {
        ck_assert_uint_eq(utf8_encode(cp, out), n);
        ck_assert_mem_eq(out, rows[_i].text.p, n);
    }
}
END_TEST

/* The decoder and gr_str_is_utf8 agree on each pair of bytes. */
START_TEST(agrees_with_the_slice_check)
{
    for (unsigned v = 0; v < 0x10000; v++) {
        char p[2] = {(char)(v >> 8), (char)(v & 0xff)};
        uint32_t cp;
        size_t n = utf8_decode((struct gr_str){p, 2}, &cp);
        bool valid = n == 2 || (n == 1 && utf8_decode((struct gr_str){p + 1, 1}, &cp) == 1);

        ck_assert_msg(valid == gr_str_is_utf8((struct gr_str){p, 2}), "%04x", v);
    }
}
END_TEST

START_TEST(hidden_characters)
{
    static const uint32_t hidden[] = {0,      0x1f,   0x7f,    0x85,     0x9f,   0xad,
                                      0x200b, 0x200f, 0x2028,  0x202e,   0x2066, 0xfeff,
                                      0xfffe, 0xffff, 0x1fffe, 0x10ffff, 0xe0001};
    static const uint32_t seen[] = {0x20, 0x7e, 0xa0, 0xe9, 0x2010, 0x20ac, 0xfffd, 0x1f600, 0xe0100};

    for (size_t i = 0; i < GR_COUNT(hidden); i++)
        ck_assert_msg(utf8_is_hidden(hidden[i]), "%x", hidden[i]);
    for (size_t i = 0; i < GR_COUNT(seen); i++)
        ck_assert_msg(!utf8_is_hidden(seen[i]), "%x", seen[i]);
}
END_TEST

Suite *
utf8_suite(void)
{
    Suite *s = suite_create("utf8");
    TCase *tc = tcase_create("utf8");

    tcase_add_loop_test(tc, decodes_and_encodes, 0, GR_COUNT(rows));
    tcase_add_test(tc, agrees_with_the_slice_check);
    tcase_add_test(tc, hidden_characters);
    suite_add_tcase(s, tc);
    return s;
}
