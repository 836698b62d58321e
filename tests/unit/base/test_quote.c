#include "config.h"
#include "guardrail/quote.h"

#include "../../../base/utf8.h"
#include "guardrail/node.h"
#include "test_base.h"
#include "tree.h"

typedef void quote_fn(struct gr_buf *b, struct gr_str s);

/* Every code point by its class: what gets escaped must not depend on neighbours. NUL and invalid bytes are in the text. */
static const struct {
    quote_fn *quote;
    const char *name;
    struct gr_str text;
    const char *want;
} rows[] = {
    {gr_quote_json, "empty", GR_STR_INIT(""), "\"\""},
    {gr_quote_json, "plain", GR_STR_INIT("a b/é€😀"), "\"a b/é€😀\""},
    {gr_quote_json, "escapes", GR_STR_INIT("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
    {gr_quote_json, "controls", GR_STR_INIT("\x00\x1f\x7f"), "\"\\u0000\\u001f\\u007f\""},
    {gr_quote_json, "line separators", GR_STR_INIT("\xe2\x80\xa8\xe2\x80\xa9"), "\"\\u2028\\u2029\""},
    {gr_quote_json, "invalid", GR_STR_INIT("a\xff\xc3z\xed\xa0\x80"),
     "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {gr_quote_json, "overlong", GR_STR_INIT("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {gr_quote_json, "cut character", GR_STR_INIT("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},

    {gr_quote_promql, "empty", GR_STR_INIT(""), "\"\""},
    {gr_quote_promql, "escapes", GR_STR_INIT("a\"b\\c\nd\te"), "\"a\\\"b\\\\c\\nd\\te\""},
    {gr_quote_promql, "controls", GR_STR_INIT("\x00\r\x1b\x7f"), "\"\\x00\\x0d\\x1b\\x7f\""},
    {gr_quote_promql, "C1", GR_STR_INIT("\xc2\x85"), "\"\\xc2\\x85\""},
    {gr_quote_promql, "invalid", GR_STR_INIT("a\xffz"), "\"a\\xffz\""},
    {gr_quote_promql, "UTF-8", GR_STR_INIT("é'`{}"), "\"é'`{}\""},

    {gr_quote_regex, "all", GR_STR_INIT("\\.+*?()|[]{}^$"), "\\\\\\.\\+\\*\\?\\(\\)\\|\\[\\]\\{\\}\\^\\$"},
    {gr_quote_regex, "none", GR_STR_INIT("a-b_c:d/e#é \"'~"), "a-b_c:d/e#é \"'~"},
    {gr_quote_regex, "empty", GR_STR_INIT(""), ""},

    {gr_quote_exposition, "escapes", GR_STR_INIT("a\\b\"c\nd'e\t"), "a\\\\b\\\"c\\nd'e\t"},
    {gr_quote_exposition, "NUL and invalid", GR_STR_INIT("a\x00\xff"), "a\xef\xbf\xbd\xef\xbf\xbd"},

    {gr_quote_slack, "entities", GR_STR_INIT("<!channel> & *b*"), "&lt;!channel&gt; &amp; *b*"},
    {gr_quote_slack, "code", GR_STR_INIT("```x`"), "'''x'"},
    {gr_quote_slack, "one line", GR_STR_INIT("a\r\nb\tc"), "a  b c"},
    {gr_quote_wiki, "markup", GR_STR_INIT("{code} [~user] *b* a_b !x! \\\\"),
     "\\{code\\} \\[\\~user\\] \\*b\\* a\\_b \\!x\\! \\\\\\\\"},
    {gr_quote_wiki, "names stay", GR_STR_INIT("gr-0a/tp-1 (50%), 5 < 6 & \"q\""),
     "gr-0a/tp-1 (50%), 5 < 6 & \"q\""},
    {gr_quote_wiki, "one line", GR_STR_INIT("a\r\nb\x1b\xff"), "a  b\xef\xbf\xbd\xef\xbf\xbd"},
    {gr_quote_slack, "hidden", GR_STR_INIT("a\x1b\xe2\x80\xae\xff"), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},

    {gr_quote_log, "plain", GR_STR_INIT("a \"b\" é😀"), "a \"b\" é😀"},
    {gr_quote_log, "backslash", GR_STR_INIT("\\n"), "\\\\n"},
    {gr_quote_log, "controls", GR_STR_INIT("\x00\r\n\t\x1b[31m\x7f"), "\\x00\\x0d\\x0a\\x09\\x1b[31m\\x7f"},
    {gr_quote_log, "invalid", GR_STR_INIT("\xff\xc2"), "\\xff\\xc2"},
    {gr_quote_log, "C1", GR_STR_INIT("\xc2\x9b"), "\\u{009b}"},
    {gr_quote_log, "overrides", GR_STR_INIT("\xe2\x80\xae\xe2\x81\xa6\xef\xbb\xbf"),
     "\\u{202e}\\u{2066}\\u{feff}"},
    {gr_quote_log, "tags", GR_STR_INIT("\xf3\xa0\x81\x81"), "\\u{e0041}"},
    {gr_quote_log, "last of all", GR_STR_INIT("\xf4\x8f\xbf\xbf"), "\\u{10ffff}"},

    {gr_quote_lines, "lines", GR_STR_INIT("a\\b\n\tc é\n"), "a\\b\n\\x09c é\n"},
    {gr_quote_lines, "controls", GR_STR_INIT("\x00\r\x1b[31m\xff\xe2\x80\xae"),
     "\\x00\\x0d\\x1b[31m\\xff\\u{202e}"},

    {gr_quote_html, "entities", GR_STR_INIT("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"},
    {gr_quote_html, "blanks", GR_STR_INIT("a\nb\tc\rd"), "a\nb\tc&#13;d"},
    {gr_quote_html, "impossible", GR_STR_INIT("\x00\x1b\xff"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},

    {gr_quote_github, "escapes", GR_STR_INIT("50%: a,\r\nb \"c\" ::error::"),
     "50%25: a,%0D%0Ab \"c\" ::error::"},
    {gr_quote_github_property, "escapes", GR_STR_INIT("50%: a,\r\nb \"c\" ::error::"),
     "50%25%3A a%2C%0D%0Ab \"c\" %3A%3Aerror%3A%3A"},
    {gr_quote_github_property, "hidden", GR_STR_INIT("a\x1b\xe2\x80\xae\xff"),
     "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {gr_quote_github, "hidden", GR_STR_INIT("a\x1b\xe2\x80\xae\xff"),
     "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},

    {gr_quote_uri, "relative", GR_STR_INIT("a-b/c_d.~yml"), "a-b/c_d.~yml"},
    {gr_quote_uri, "absolute", GR_STR_INIT("/a b"), "file:///a%20b"},
    {gr_quote_uri, "bytes", GR_STR_INIT("\x00%?#\xc3\xa9\xff\"\\:"), "%00%25%3F%23%C3%A9%FF%22%5C%3A"},
    {gr_quote_shell, "words", GR_STR_INIT("bin/drain-sessions"), "bin/drain-sessions"},
    {gr_quote_shell, "an option", GR_STR_INIT("--grace=10s"), "--grace=10s"},
    {gr_quote_shell, "nothing", GR_STR_INIT(""), "''"},
    {gr_quote_shell, "blanks and a dollar", GR_STR_INIT("a $b"), "'a $b'"},
    {gr_quote_shell, "a quote", GR_STR_INIT("it's"), "'it'\\''s'"},
    {gr_quote_shell, "home", GR_STR_INIT("~root"), "'~root'"},
    {gr_quote_uri, "standard input", GR_STR_INIT("-"), "-"},

    {gr_quote_yaml, "word", GR_STR_INIT("canary"), "canary"},
    {gr_quote_yaml, "words", GR_STR_INIT("two  words"), "two  words"},
    {gr_quote_yaml, "UTF-8", GR_STR_INIT("Größe 😀"), "Größe 😀"},
    {gr_quote_yaml, "series", GR_STR_INIT("guardrail:slot:errors"), "guardrail:slot:errors"},
    {gr_quote_yaml, "address", GR_STR_INIT("https://x.example/y#z"), "https://x.example/y#z"},
    {gr_quote_yaml, "duration", GR_STR_INIT("15m"), "15m"},
    {gr_quote_yaml, "percent", GR_STR_INIT("+25%"), "+25%"},
    {gr_quote_yaml, "inner quotes", GR_STR_INIT("it's \"so\""), "it's \"so\""},
    {gr_quote_yaml, "inner signs", GR_STR_INIT("a=b&c*d!e|f>g%h@i\\j"), "a=b&c*d!e|f>g%h@i\\j"},
    {gr_quote_yaml, "empty", GR_STR_INIT(""), "\"\""},
    {gr_quote_yaml, "blank in front", GR_STR_INIT(" a"), "\" a\""},
    {gr_quote_yaml, "blank behind", GR_STR_INIT("a "), "\"a \""},
    {gr_quote_yaml, "colon behind", GR_STR_INIT("a:"), "\"a:\""},
    {gr_quote_yaml, "colon and blank", GR_STR_INIT("a: b"), "\"a: b\""},
    {gr_quote_yaml, "comment", GR_STR_INIT("a #b"), "\"a #b\""},
    {gr_quote_yaml, "flow", GR_STR_INIT("a,b"), "\"a,b\""},
    {gr_quote_yaml, "selector", GR_STR_INIT("up{a=\"b\"}"), "\"up{a=\\\"b\\\"}\""},
    {gr_quote_yaml, "lines", GR_STR_INIT("a\nb\r\tc"), "\"a\\nb\\r\\tc\""},
    {gr_quote_yaml, "backslash alone", GR_STR_INIT("\\"), "\\"},
    {gr_quote_yaml, "backslash quoted", GR_STR_INIT("- \\"), "\"- \\\\\""},
    {gr_quote_yaml, "controls", GR_STR_INIT("\x01\x7f\xc2\x85"), "\"\\u0001\\u007f\\u0085\""},
    {gr_quote_yaml, "separators", GR_STR_INIT("\xe2\x80\xa8\xef\xbb\xbf"), "\"\\u2028\\ufeff\""},
    {gr_quote_yaml, "astral", GR_STR_INIT("\xf3\xa0\x81\x81"), "\"\\U000e0041\""},
    {gr_quote_yaml, "invalid", GR_STR_INIT("\xff"), "\"\xef\xbf\xbd\""},
    {gr_quote_yaml, "document", GR_STR_INIT("---"), "\"---\""},
};

START_TEST(quotes_as_the_table_says)
{
    struct gr_buf b = GR_BUF_INIT(1000);

    rows[_i].quote(&b, rows[_i].text);
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    ck_assert_msg(gr_str_is(gr_buf_str(&b), rows[_i].want), "%s: gave %s", rows[_i].name, gr_buf_cstr(&b));
    gr_buf_fini(&b);
}
END_TEST

/* What YAML 1.1 or some reader of it takes for something else than text. */
static const char *const not_plain[] = {
    "y",
    "N",
    "yes",
    "No",
    "ON",
    "off",
    "True",
    "FALSE",
    "null",
    "Null",
    "~",
    "nil",
    "none",
    ".inf",
    "-.INF",
    ".NaN",
    "nan",
    "Inf",
    "0",
    "12",
    "-12",
    "+1",
    "1.5",
    ".5",
    "1e3",
    "1E-3",
    "1_000",
    "0x1F",
    "0o17",
    "0b101",
    "017",
    "12:30",
    "12:30:45.5",
    "1.",
    "+.5",
    "+1.5e+10",
    "-",
    "- a",
    "-a",
    "?",
    "? a",
    ":",
    ": a",
    ",",
    "[a]",
    "{a}",
    "#a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "'a'",
    "\"a\"",
    "%a",
    "@a",
    "`a`",
    "=",
    "<<",
    "a?b",
    "...",
    "0x1p4",
    "1:20",
    "2024-01-31",
    "2024-01-31T10:00:00Z",
    "2024-01-31 10:00:00",
    "a, b",
    "a]",
    "0X1f",
    "\t",
    "a\tb",
    "a\n",
    "\xc2\xa0\xe2\x80\x8b",
    "190:20:30",
    "0.",
    "+0",
    "9e",
    "+12_3",
};

START_TEST(yaml_quotes_what_is_not_text)
{
    struct gr_buf b = GR_BUF_INIT(1000);

    gr_quote_yaml(&b, gr_str(not_plain[_i]));
    ck_assert_msg(gr_buf_cstr(&b)[0] == '"', "%s", gr_buf_cstr(&b));
    gr_buf_fini(&b);
}
END_TEST

/* Reads [ text, "text": { text: text } ] back, in brackets and in lines. */
static void
check_yaml_round_trip(struct gr_str text)
{
    struct gr_buf quoted = GR_BUF_INIT(4000), doc = GR_BUF_INIT(20000), tree = GR_BUF_INIT(40000),
                  want = GR_BUF_INIT(40000);
    struct gr_buf json = GR_BUF_INIT(8000);

    gr_quote_yaml(&quoted, text);
    gr_quote_json(&json, text);
    gr_buf_printf(&doc, "[%s, {%s: %s}]\n", gr_buf_cstr(&quoted), gr_buf_cstr(&quoted), gr_buf_cstr(&quoted));
    gr_buf_printf(&want, "[s%s, {%s: s%s}]", gr_buf_cstr(&json), gr_buf_cstr(&json), gr_buf_cstr(&json));
    ck_assert_int_eq(tree_read(&tree, gr_yaml_read, gr_buf_str(&doc), NULL, true), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&tree), gr_buf_cstr(&want));
    gr_buf_reset(&doc);
    gr_buf_reset(&tree);
    gr_buf_printf(&doc, "- %s\n- %s: %s # c\n", gr_buf_cstr(&quoted), gr_buf_cstr(&quoted),
                  gr_buf_cstr(&quoted));
    ck_assert_int_eq(tree_read(&tree, gr_yaml_read, gr_buf_str(&doc), NULL, true), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&tree), gr_buf_cstr(&want));
    gr_buf_fini(&quoted);
    gr_buf_fini(&doc);
    gr_buf_fini(&tree);
    gr_buf_fini(&want);
    gr_buf_fini(&json);
}

/* What YAML treats specially, and a few that it does not. */
static const char set[] = "aZ0 -:#,'\"\\{}[]&*!|>%@`?~=<.+_\n\t\xc3";

START_TEST(yaml_reads_back_short_texts)
{
    char text[3];

    /* _i chooses the first character; all that follow it, twice. */
    for (size_t i = 0; i < sizeof set - 1; i++)
        for (size_t k = 0; k < sizeof set - 1; k++) {
            text[0] = set[_i];
            text[1] = set[i];
            text[2] = set[k];
            for (size_t n = k > 0 ? 3 : i > 0 ? 2 : 1; n <= 3; n++)
                if (gr_str_is_utf8((struct gr_str){text, n}))
                    check_yaml_round_trip((struct gr_str){text, n});
        }
}
END_TEST

START_TEST(yaml_reads_back_every_kind_of_character)
{
    char text[6] = "a";

    for (uint32_t cp = 1; cp <= 0x10ffff; cp += cp < 0x3000 ? 1 : 0x3fd)
        if (cp < 0xd800 || cp > 0xdfff) {
            size_t n = utf8_encode(cp, text + 1);

            text[n + 1] = 'z';
            check_yaml_round_trip((struct gr_str){text, n + 2});
            check_yaml_round_trip((struct gr_str){text + 1, n});
        }
}
END_TEST

START_TEST(full_buffer_keeps_its_error)
{
    struct gr_buf b = GR_BUF_INIT(4);

    gr_quote_json(&b, GR_STR("abcdef"));
    ck_assert_int_eq(gr_buf_err(&b), GR_ELIMIT);
    gr_buf_fini(&b);
    gr_buf_init(&b, 8);
    gr_quote_json(&b, GR_STR("abcdef")); /* exactly full */
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    gr_buf_fini(&b);
}
END_TEST

Suite *
quote_suite(void)
{
    Suite *s = suite_create("quote");
    TCase *tc = tcase_create("quote");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, quotes_as_the_table_says, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, yaml_quotes_what_is_not_text, 0, GR_COUNT(not_plain));
    tcase_add_loop_test(tc, yaml_reads_back_short_texts, 0, (int)sizeof set - 1);
    tcase_add_test(tc, yaml_reads_back_every_kind_of_character);
    tcase_add_test(tc, full_buffer_keeps_its_error);
    suite_add_tcase(s, tc);
    return s;
}
