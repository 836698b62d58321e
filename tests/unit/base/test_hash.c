#include "config.h"
#include "guardrail/hash.h"

#include "test_base.h"

/* FIPS 180-4's own examples. */
static const struct {
    const char *text, *want;
} rows[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

START_TEST(known_answers)
{
    char hex[GR_SHA256_HEX + 1];

    ck_assert_int_eq(gr_sha256_hex(gr_str(rows[_i].text), hex), GR_OK);
    ck_assert_str_eq(hex, rows[_i].want);
}
END_TEST

START_TEST(empty_without_memory)
{
    char hex[GR_SHA256_HEX + 1];

    ck_assert_int_eq(gr_sha256_hex(GR_STR_NONE, hex), GR_OK);
    ck_assert_str_eq(hex, rows[0].want);
}
END_TEST

Suite *
hash_suite(void)
{
    Suite *s = suite_create("hash");
    TCase *tc = tcase_create("sha256");

    tcase_add_loop_test(tc, known_answers, 0, GR_COUNT(rows));
    tcase_add_test(tc, empty_without_memory);
    suite_add_tcase(s, tc);
    return s;
}
