#include "config.h"
#include "guardrail/base.h"

#include <errno.h>
#include <signal.h>

#include "test_base.h"

START_TEST(every_error_has_its_own_name)
{
    for (int i = 0; i < GR_ERR_COUNT; i++) {
        ck_assert(strlen(gr_err_name((enum gr_err)i)) > 0);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(gr_err_name((enum gr_err)i), gr_err_name((enum gr_err)j));
    }
    ck_assert_str_eq(gr_err_name(GR_ERR_COUNT), "unknown error");
}
END_TEST

static const struct {
    int errnum;
    enum gr_err want;
} errnums[] = {
    {0, GR_OK},          {ENOENT, GR_ENOENT}, {EACCES, GR_EACCES},     {EPERM, GR_EACCES},
    {ENOSPC, GR_ENOSPC}, {EDQUOT, GR_ENOSPC}, {ENOMEM, GR_ENOMEM},     {EEXIST, GR_EEXIST},
    {EAGAIN, GR_EAGAIN}, {EMFILE, GR_EAGAIN}, {ECONNREFUSED, GR_ENET}, {ETIMEDOUT, GR_ETIMEOUT},
    {EFBIG, GR_ELIMIT},  {EIO, GR_EIO},       {EDOM, GR_EIO},          {-1, GR_EIO},
};

START_TEST(errno_maps)
{
    ck_assert_int_eq(gr_err_from_errno(errnums[_i].errnum), errnums[_i].want);
}
END_TEST

START_TEST(assert_aborts)
{
    volatile bool no = false;

    GR_ASSERT(no);
}
END_TEST

static const struct {
    const char *a, *b;
    int want;
} orders[] = {
    {"", "", 0},    {"a", "", 1},     {"", "a", -1},     {"a", "b", -1},
    {"ab", "a", 1}, {"\xff", "a", 1}, {"abc", "abc", 0},
};

START_TEST(cmp_orders_by_byte_then_length)
{
    int c = gr_str_cmp(gr_str(orders[_i].a), gr_str(orders[_i].b));

    ck_assert_int_eq((c > 0) - (c < 0), orders[_i].want);
    ck_assert_int_eq(gr_str_eq(gr_str(orders[_i].a), gr_str(orders[_i].b)), orders[_i].want == 0);
}
END_TEST

START_TEST(empty_slices_without_memory)
{
    struct gr_str none = GR_STR_NONE, rest = GR_STR_NONE, piece;

    ck_assert(gr_str_eq(none, gr_str("")));
    ck_assert(gr_str_eq(gr_str(NULL), none));
    ck_assert_int_eq(gr_str_cmp(none, GR_STR("")), 0);
    ck_assert(gr_str_starts(none, none) && gr_str_ends(none, none));
    ck_assert_uint_eq(gr_str_find(none, none, 0), 0);
    ck_assert_uint_eq(gr_str_find(none, GR_STR("a"), 0), SIZE_MAX);
    ck_assert_uint_eq(gr_str_trim(none).n, 0);
    ck_assert_uint_eq(gr_str_sub(none, 1, 2).n, 0);
    ck_assert(gr_str_is_utf8(none));
    ck_assert(!gr_str_next(&rest, ',', &piece));
}
END_TEST

static const struct {
    const char *s, *what;
    size_t from, want;
} finds[] = {
    {"abcabc", "bc", 0, 1},       {"abcabc", "bc", 2, 4}, {"abcabc", "bc", 5, SIZE_MAX},
    {"abc", "abcd", 0, SIZE_MAX}, {"aaab", "aab", 0, 1},  {"abc", "", 3, 3},
    {"abc", "", 4, SIZE_MAX},     {"abc", "c", 2, 2},     {"ababac", "abac", 0, 2},
    {"abc", "c", 9, SIZE_MAX},
};

START_TEST(find_finds_the_first)
{
    size_t got = gr_str_find(gr_str(finds[_i].s), gr_str(finds[_i].what), finds[_i].from);

    ck_assert_msg(got == finds[_i].want, "%s in %s: %zu", finds[_i].what, finds[_i].s, got);
}
END_TEST

START_TEST(starts_ends_trim_sub)
{
    struct gr_str s = GR_STR("guardrail");

    ck_assert(gr_str_starts(s, GR_STR("guard")) && !gr_str_starts(s, GR_STR("rail")));
    ck_assert(gr_str_ends(s, GR_STR("rail")) && !gr_str_ends(s, GR_STR("guard")));
    ck_assert(!gr_str_starts(GR_STR("a"), s) && !gr_str_ends(GR_STR("a"), s));
    ck_assert(gr_str_is(gr_str_trim(GR_STR(" \t\r\n a b \n")), "a b"));
    ck_assert(gr_str_is(gr_str_trim(GR_STR(" \n ")), ""));
    ck_assert(gr_str_is(gr_str_sub(s, 5, 7), "ra"));
    ck_assert(gr_str_is(gr_str_sub(s, 5, 99), "rail"));
    ck_assert(gr_str_is(gr_str_sub(s, 99, 100), ""));
    ck_assert(gr_str_is(gr_str_sub(s, 7, 5), ""));
}
END_TEST

static const struct {
    const char *text, *pieces; /* joined by | */
} splits[] = {
    {"a,,b", "a||b|"}, {"", "|"}, {",", "||"}, {"abc", "abc|"}, {"a,", "a||"},
};

START_TEST(next_splits)
{
    struct gr_str rest = gr_str(splits[_i].text), piece;
    char got[32] = "";
    size_t n = 0;

    while (gr_str_next(&rest, ',', &piece)) {
        ck_assert_uint_lt(n + piece.n + 1, sizeof got);
        memcpy(got + n, piece.p, piece.n);
        n += piece.n;
        got[n++] = '|';
    }
    got[n] = '\0';
    ck_assert_str_eq(got, splits[_i].pieces);
}
END_TEST

static const struct {
    struct gr_str s;
    bool want;
} texts[] = {
    {GR_STR_INIT("plain"), true},
    {GR_STR_INIT("a\0b"), true},
    {GR_STR_INIT("\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80"), true},
    {GR_STR_INIT("\xf4\x8f\xbf\xbf"), true},
    {GR_STR_INIT("\xc3"), false},
    {GR_STR_INIT("\x80"), false},
    {GR_STR_INIT("\xc0\x80"), false},         /* overlong NUL */
    {GR_STR_INIT("\xe0\x9f\xbf"), false},     /* overlong */
    {GR_STR_INIT("\xf0\x8f\xbf\xbf"), false}, /* overlong */
    {GR_STR_INIT("\xed\xa0\x80"), false},     /* surrogate */
    {GR_STR_INIT("\xf4\x90\x80\x80"), false}, /* past U+10FFFF */
    {GR_STR_INIT("\xff"), false},
    {GR_STR_INIT("ok\xe6\x97"), false},
};

START_TEST(utf8_is_checked)
{
    ck_assert_int_eq(gr_str_is_utf8(texts[_i].s), texts[_i].want);
}
END_TEST

static const struct {
    const char *a, *b;
    size_t max, want;
} distances[] = {
    {"", "", 2, 0},
    {"a", "", 2, 1},
    {"ms", "mz", 1, 1},
    {"form", "from", 1, 1},
    {"abc", "cba", 1, SIZE_MAX},
    {"abc", "cba", 2, 2},
    {"ca", "abc", 3, 3}, /* 2 only where a swapped pair may be edited again */
    {"kitten", "sitting", 3, 3},
    {"kitten", "sitting", 2, SIZE_MAX},
    {"same", "same", 0, 0},
    {"same", "sane", 0, SIZE_MAX},
};

START_TEST(distance_is_bounded)
{
    struct gr_str a = gr_str(distances[_i].a), b = gr_str(distances[_i].b);

    ck_assert_uint_eq(gr_str_distance(a, b, distances[_i].max), distances[_i].want);
    ck_assert_uint_eq(gr_str_distance(b, a, distances[_i].max), distances[_i].want);
}
END_TEST

START_TEST(distance_gives_up_on_long_text)
{
    char a[129], b[129];

    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    b[64] = 'y';
    ck_assert_uint_eq(gr_str_distance((struct gr_str){a, 128}, (struct gr_str){b, 128}, 2), 1);
    ck_assert_uint_eq(gr_str_distance((struct gr_str){a, 129}, (struct gr_str){b, 129}, 2), SIZE_MAX);
    ck_assert_uint_eq(gr_str_distance((struct gr_str){a, 129}, (struct gr_str){a, 129}, 2), 0);
}
END_TEST

static const struct {
    const char *s, *want;
} nearests[] = {
    {"metirc", "metric"}, {"flws", "flows"},    {"phase", "phases"},    {"fl", ""}, {"zzzz", ""},
    {"flux", ""},         {"metric", "metric"}, {"actoins", "actions"}, {"", ""},   {"action", "actions"},
};

START_TEST(nearest_suggests)
{
    static const struct gr_str names[] = {GR_STR_INIT("metric"), GR_STR_INIT("metrics"), GR_STR_INIT("flows"),
                                          GR_STR_INIT("phases"), GR_STR_INIT("actions")};
    struct gr_str got = gr_str_nearest(gr_str(nearests[_i].s), names, GR_COUNT(names));

    ck_assert_msg(gr_str_is(got, nearests[_i].want), "%s gave " GR_FMT, nearests[_i].s, GR_ARG(got));
}
END_TEST

START_TEST(sizes_are_checked)
{
    size_t out = 7;

    ck_assert(!gr_size_add(SIZE_MAX, 1, &out) && out == 7);
    ck_assert(gr_size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    ck_assert(!gr_size_mul(SIZE_MAX / 2 + 1, 2, &out) && out == SIZE_MAX);
    ck_assert(gr_size_mul(SIZE_MAX / 2, 2, &out) && out == SIZE_MAX - 1);
    ck_assert(gr_size_mul(0, SIZE_MAX, &out) && out == 0);
}
END_TEST

Suite *
str_suite(void)
{
    Suite *s = suite_create("str");
    TCase *tc = tcase_create("errors");

    tcase_add_test(tc, every_error_has_its_own_name);
    tcase_add_loop_test(tc, errno_maps, 0, GR_COUNT(errnums));
    if (getenv("CK_FORK") == NULL)
        tcase_add_test_raise_signal(tc, assert_aborts, SIGABRT);
    suite_add_tcase(s, tc);
    tc = tcase_create("slices");
    tcase_add_loop_test(tc, cmp_orders_by_byte_then_length, 0, GR_COUNT(orders));
    tcase_add_test(tc, empty_slices_without_memory);
    tcase_add_loop_test(tc, find_finds_the_first, 0, GR_COUNT(finds));
    tcase_add_test(tc, starts_ends_trim_sub);
    tcase_add_loop_test(tc, next_splits, 0, GR_COUNT(splits));
    tcase_add_loop_test(tc, utf8_is_checked, 0, GR_COUNT(texts));
    tcase_add_test(tc, sizes_are_checked);
    suite_add_tcase(s, tc);
    tc = tcase_create("nearest");
    tcase_add_loop_test(tc, distance_is_bounded, 0, GR_COUNT(distances));
    tcase_add_test(tc, distance_gives_up_on_long_text);
    tcase_add_loop_test(tc, nearest_suggests, 0, GR_COUNT(nearests));
    suite_add_tcase(s, tc);
    return s;
}
