#include "config.h"
#include "test_webhook.h"

#include <stdio.h>
#include <string.h>
#include "fixture.h"
#include "webhook/form.h"
#include "webhook/link.h"

#define ORIGIN GR_STR("https://guardraild.example.org")
#define KEY_A "0123456789abcdef0123456789abcdef"
#define KEY_B "fedcba9876543210fedcba9876543210"

static const int64_t now = INT64_C(1795435509000);

static void
load(struct link_keys *k, const char *text, enum gr_err want)
{
    char folder[256], path[300];

    fixture_dir(folder, sizeof folder);
    fixture_file(folder, "ack.key", text, 0600);
    (void)snprintf(path, sizeof path, "%s/ack.key", folder);
    *k = (struct link_keys)LINK_KEYS_INIT;
    ck_assert_int_eq(link_keys_load(k, path), want);
    fixture_remove(folder);
}

static struct link
a_link(void)
{
    struct link l = {.effect_id = 17, .expires_ms = now + 60000};

    memset(l.nonce, 0x5a, sizeof l.nonce);
    ck_assert_int_eq(link_name(&l, GR_STR("cluster=equities"), GR_STR("demo/x/page/1")), GR_OK);
    return l;
}

static struct gr_str
token_of(const struct gr_buf *url)
{
    return gr_str_sub(gr_buf_str(url), ORIGIN.n + strlen(LINK_PATH), url->n);
}

START_TEST(a_link_opens_again)
{
    struct link_keys k;
    struct link l = a_link(), got;
    struct gr_buf url = GR_BUF_INIT(1024);
    char hex[LINK_NONCE_HEX + 1];

    load(&k, KEY_A "\n", GR_OK);
    ck_assert_int_eq(link_print(&url, &k, ORIGIN, &l), GR_OK);
    ck_assert(gr_str_starts(gr_buf_str(&url), GR_STR("https://guardraild.example.org/ack/")));
    ck_assert_uint_eq(token_of(&url).n, LINK_TOKEN_CHARS);
    ck_assert_int_eq(link_read(&got, &k, ORIGIN, token_of(&url), now), GR_OK);
    ck_assert_int_eq(got.effect_id, 17);
    ck_assert_int_eq(got.expires_ms, now + 60000);
    link_nonce_hex(&got, hex);
    ck_assert_str_eq(hex, "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    ck_assert_int_eq(link_fits(&got, GR_STR("cluster=equities"), GR_STR("demo/x/page/1")), GR_OK);
    ck_assert_int_eq(link_fits(&got, GR_STR("cluster=crypto"), GR_STR("demo/x/page/1")), GR_ENOENT);
    ck_assert_int_eq(link_fits(&got, GR_STR("cluster=equities"), GR_STR("demo/x/page/2")), GR_ENOENT);
    ck_assert_int_eq(link_fits(&got, GR_STR("cluster=equitiesd"), GR_STR("emo/x/page/1")), GR_ENOENT);
    ck_assert_int_eq(link_read(&got, &k, ORIGIN, token_of(&url), now + 59999), GR_OK);
    ck_assert_int_eq(link_read(&got, &k, ORIGIN, token_of(&url), now + 60000), GR_ERANGE);
    ck_assert_int_eq(got.effect_id, 17);
    ck_assert_int_eq(link_read(&got, &k, GR_STR("https://other.example.org"), token_of(&url), now),
                     GR_EACCES);
    link_keys_fini(&k);
    gr_buf_fini(&url);
}
END_TEST

/* No single character of a token can be another one, and none can be missing. */
START_TEST(a_changed_link_does_not_open)
{
    struct link_keys k;
    struct link l = a_link(), got;
    struct gr_buf url = GR_BUF_INIT(1024);
    struct gr_str token;

    load(&k, KEY_A "\n", GR_OK);
    ck_assert_int_eq(link_print(&url, &k, ORIGIN, &l), GR_OK);
    token = token_of(&url);
    for (size_t i = 0; i < token.n; i++) {
        char *at = url.p + ORIGIN.n + strlen(LINK_PATH) + i, kept = *at;

        for (const char *c = "AZaz09-_./=%+ "; *c; c++) {
            if (*c == kept)
                continue;
            *at = *c;
            ck_assert_int_eq(link_read(&got, &k, ORIGIN, token, now), GR_EACCES);
        }
        *at = kept;
        ck_assert_int_eq(link_read(&got, &k, ORIGIN, gr_str_sub(token, 0, i), now), GR_EACCES);
    }
    gr_buf_putc(&url, 'A');
    ck_assert_int_eq(link_read(&got, &k, ORIGIN, token_of(&url), now), GR_EACCES);
    ck_assert_int_eq(link_read(&got, &k, ORIGIN, GR_STR(""), now), GR_EACCES);
    link_keys_fini(&k);
    gr_buf_fini(&url);
}
END_TEST

/* The new key on the first line, the old one behind it, until its links have expired. */
START_TEST(keys_are_rotated)
{
    struct link_keys old, both, fresh;
    struct link l = a_link(), got;
    struct gr_buf by_old = GR_BUF_INIT(1024), by_new = GR_BUF_INIT(1024);

    load(&old, KEY_A "\n", GR_OK);
    load(&both, KEY_B "\n" KEY_A "\n", GR_OK);
    load(&fresh, KEY_B, GR_OK);
    ck_assert_int_eq(link_print(&by_old, &old, ORIGIN, &l), GR_OK);
    ck_assert_int_eq(link_print(&by_new, &both, ORIGIN, &l), GR_OK);
    ck_assert_int_eq(link_read(&got, &both, ORIGIN, token_of(&by_old), now), GR_OK);
    ck_assert_int_eq(link_read(&got, &both, ORIGIN, token_of(&by_new), now), GR_OK);
    ck_assert_int_eq(link_read(&got, &fresh, ORIGIN, token_of(&by_new), now), GR_OK);
    ck_assert_int_eq(link_read(&got, &fresh, ORIGIN, token_of(&by_old), now), GR_EACCES);
    ck_assert_int_eq(link_read(&got, &old, ORIGIN, token_of(&by_new), now), GR_EACCES);
    link_keys_fini(&old);
    link_keys_fini(&both);
    link_keys_fini(&fresh);
    gr_buf_fini(&by_old);
    gr_buf_fini(&by_new);
}
END_TEST

static const struct {
    const char *text;
    enum gr_err want;
} key_files[] = {
    {"\n\n" KEY_A "\n\n", GR_OK},
    {KEY_A "\n" KEY_A "\n" KEY_A "\n" KEY_A "\n", GR_OK},
    {KEY_A "\n" KEY_A "\n" KEY_A "\n" KEY_A "\n" KEY_A "\n", GR_ESYNTAX},
    {"0123456789abcdef0123456789abcde\n", GR_ESYNTAX},
    {"\n", GR_ESYNTAX},
    {"", GR_ESYNTAX},
};
START_TEST(key_files_are_checked)
{
    struct link_keys k;

    load(&k, key_files[_i].text, key_files[_i].want);
    link_keys_fini(&k);
}
END_TEST

static const struct {
    const char *origin;
    bool want;
} origin_rows[] = {
    {"https://guardraild.example.org", true},
    {"https://guardraild.example.org:9095", true},
    {"https://[2001:db8::1]:9095", true},
    {"http://localhost:9095", true},
    {"http://127.0.0.1:9095", true},
    {"http://[::1]", true},
    {"http://guardraild.example.org", false},
    {"https://guardraild.example.org/x", false},
    {"https://", false},
    {"https://a:b", false},
    {"https://a:0", false},
    {"https://a:65536", false},
    {"https://u@a", false},
    {"https://a?b", false},
    {"https://a b", false},
    {"ftp://a", false},
    {"a", false},
    {"", false},
    {"https://a:1:2", false},
    {"https://a\"b", false},
};
START_TEST(origins)
{
    ck_assert_msg(link_origin_ok(gr_str(origin_rows[_i].origin)) == origin_rows[_i].want, "%s",
                  origin_rows[_i].origin);
}
END_TEST

static const struct {
    const char *origin, *host;
    bool want;
} hosts[] = {
    {"https://a.example.org", "a.example.org", true},
    {"https://a.example.org", "A.Example.ORG", true},
    {"https://a.example.org", "a.example.org:443", true},
    {"https://a.example.org:443", "a.example.org", true},
    {"https://a.example.org", "a.example.org:9095", false},
    {"https://a.example.org:9095", "a.example.org:9095", true},
    {"https://a.example.org:9095", "a.example.org", false},
    {"https://a.example.org", "a.example.org.evil.org", false},
    {"https://a.example.org", "b.example.org", false},
    {"https://a.example.org", "", false},
    {"https://a.example.org", "a.example.org:x", false},
    {"https://[::1]:9", "[::1]:9", true},
    {"http://localhost", "localhost:80", true},
};
START_TEST(the_host_must_be_ours)
{
    ck_assert_msg(link_host_ok(gr_str(hosts[_i].origin), gr_str(hosts[_i].host)) == hosts[_i].want, "%s %s",
                  hosts[_i].origin, hosts[_i].host);
}
END_TEST

static const struct {
    const char *body, *name;
    enum gr_err want;
    const char *value;
} forms[] = {
    {"by=jane&reason=on+it", "reason", GR_OK, "on it"},
    {"by=jane&reason=on+it", "by", GR_OK, "jane"},
    {"by=jane", "reason", GR_OK, ""},
    {"", "by", GR_OK, ""},
    {"by=a%26b%3Dc%25", "by", GR_OK, "a&b=c%"},
    {"by=%C3%A4", "by", GR_OK, "\xc3\xa4"},
    {"b%79=x", "by", GR_OK, "x"},
    {"by", "by", GR_OK, ""},
    {"by=a=b", "by", GR_OK, "a=b"},
    {"by=a&by=b", "by", GR_ESYNTAX, NULL},
    {"by=%", "by", GR_ESYNTAX, NULL},
    {"by=%4", "by", GR_ESYNTAX, NULL},
    {"by=%41", "by", GR_OK, "A"},
    {"by=%zz", "by", GR_ESYNTAX, NULL},
    {"by=%00", "by", GR_ESYNTAX, NULL},
    {"by=%ff", "by", GR_ESYNTAX, NULL},
    {"a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&by=x", "by", GR_OK, "x"},
    {"a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&by=x", "by", GR_ESYNTAX, NULL},
};
START_TEST(forms_are_read)
{
    struct gr_arena *a = gr_arena_create(1 << 16);
    struct gr_str value = GR_STR_NONE;

    ck_assert_int_eq(form_field(a, gr_str(forms[_i].body), forms[_i].name, &value), forms[_i].want);
    if (forms[_i].value)
        ck_assert_str_eq(value.p, forms[_i].value);
    gr_arena_free(a);
}
END_TEST

static const struct {
    const char *text;
    enum gr_err want;
    const char *line;
} lines[] = {
    {" a\r\nb\tc ", GR_OK, "a b c"}, {"a\nb", GR_OK, "a b"}, {"a\x1b", GR_ESYNTAX, NULL},
    {"\x7f", GR_ESYNTAX, NULL},      {"", GR_OK, ""},        {"\r\n", GR_OK, ""},
};
START_TEST(lines_are_lines)
{
    struct gr_arena *a = gr_arena_create(1 << 16);
    struct gr_str line;

    ck_assert_int_eq(form_line(a, gr_str(lines[_i].text), &line), lines[_i].want);
    if (lines[_i].line)
        ck_assert(gr_str_is(line, lines[_i].line));
    gr_arena_free(a);
}
END_TEST

Suite *
link_suite(void)
{
    Suite *s = suite_create("link");
    TCase *tc = tcase_create("link");

    tcase_add_test(tc, a_link_opens_again);
    tcase_add_test(tc, a_changed_link_does_not_open);
    tcase_add_test(tc, keys_are_rotated);
    tcase_add_loop_test(tc, key_files_are_checked, 0, GR_COUNT(key_files));
    tcase_add_loop_test(tc, origins, 0, GR_COUNT(origin_rows));
    tcase_add_loop_test(tc, the_host_must_be_ours, 0, GR_COUNT(hosts));
    tcase_add_loop_test(tc, forms_are_read, 0, GR_COUNT(forms));
    tcase_add_loop_test(tc, lines_are_lines, 0, GR_COUNT(lines));
    suite_add_tcase(s, tc);
    return s;
}
