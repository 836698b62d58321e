#include "config.h"
#include "guardrail/node.h"

#include "guardrail/json.h"
#include "test_base.h"
#include "tree.h"

/* What tree_read says of a text: the whole tree with the bytes of every span, or the findings. */
static const struct {
    const char *name;
    struct gr_str text;
    const char *want;
} rows[] = {
    {"null", GR_STR_INIT(" null\n"), "null@1<null>"},
    {"true", GR_STR_INIT("true"), "p\"true\"@0<true>"},
    {"zero", GR_STR_INIT("0"), "p\"0\"@0<0>"},
    {"minus zero", GR_STR_INIT("-0"), "p\"-0\"@0<-0>"},
    {"numbers", GR_STR_INIT("[-1, 1.5, 1e3, 1E+3, 0.1e-3, 10]"),
     "[p\"-1\"@1<-1>, p\"1.5\"@5<1.5>, p\"1e3\"@10<1e3>, p\"1E+3\"@15<1E+3>, p\"0.1e-3\"@21<0.1e-3>, "
     "p\"10\"@29<10>]@0<[-1, 1.5, 1e3, 1E+3, 0.1e-3, 10]>"},
    {"long number", GR_STR_INIT("123456789012345678901234567890"),
     "p\"123456789012345678901234567890\"@0<123456789012345678901234567890>"},
    {"string", GR_STR_INIT("\"a b\""), "q\"a b\"@0<\"a b\">"},
    {"empty string", GR_STR_INIT("\"\""), "q\"\"@0<\"\">"},
    {"escapes", GR_STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
     "q\"\\\"\\\\/\\b\\f\\n\\r\\t\"@0<\"\\\\\"\\\\\\\\\\\\/\\\\b\\\\f\\\\n\\\\r\\\\t\">"},
    {"unicode escapes", GR_STR_INIT("[\"\\u00e9\\u20ac\\u0041\", \"\\uD83D\\uDE00x\"]"),
     "[q\"\xc3\xa9\xe2\x82\xac"
     "A\"@1<\"\\\\u00e9\\\\u20ac\\\\u0041\">, "
     "q\"\xf0\x9f\x98\x80x\"@23<\"\\\\uD83D\\\\uDE00x\">]@0<[\"\\\\u00e9\\\\u20ac\\\\u0041\", "
     "\"\\\\uD83D\\\\uDE00x\"]>"},
    {"raw UTF-8", GR_STR_INIT("{\"\xc3\xa4\": \"\xe2\x82\xac\xf0\x9f\x98\x80\"}"),
     "{\"\xc3\xa4\"@1<\"\xc3\xa4\">: "
     "q\"\xe2\x82\xac\xf0\x9f\x98\x80\"@7<\"\xe2\x82\xac\xf0\x9f\x98\x80\">}@0<{\"\xc3\xa4\": "
     "\"\xe2\x82\xac\xf0\x9f\x98\x80\"}>"},
    {"DEL may stand", GR_STR_INIT("\"\x7f\""), "q\"\\u007f\"@0<\"\\x7f\">"},
    {"map", GR_STR_INIT("{ \"a\" : 1 ,\r\n\t\"b\":{} }"),
     "{\"a\"@2<\"a\">: p\"1\"@8<1>, \"b\"@14<\"b\">: {}@18<{}>}@0<{ \"a\" : 1 ,\\x0d\\x0a\\x09\"b\":{} }>"},
    {"escaped key", GR_STR_INIT("{\"\\u0061\": 1}"),
     "{\"a\"@1<\"\\\\u0061\">: p\"1\"@11<1>}@0<{\"\\\\u0061\": 1}>"},
    {"nested", GR_STR_INIT("[[], [{}], {\"a\": [null, false]}]"),
     "[[]@1<[]>, [{}@6<{}>]@5<[{}]>, {\"a\"@12<\"a\">: [null@18<null>, p\"false\"@24<false>]@17<[null, "
     "false]>}@11<{\"a\": [null, false]}>]@0<[[], [{}], {\"a\": [null, false]}]>"},
    {"keys differ in case", GR_STR_INIT("{\"a\": 1, \"A\": 2}"),
     "{\"a\"@1<\"a\">: p\"1\"@6<1>, \"A\"@9<\"A\">: p\"2\"@14<2>}@0<{\"a\": 1, \"A\": 2}>"},
    {"empty key", GR_STR_INIT("{\"\": 1}"), "{\"\"@1<\"\">: p\"1\"@5<1>}@0<{\"\": 1}>"},
    {"empty text", GR_STR_INIT(""), "GR0007@0<> the text ends where a value is expected"},
    {"only blanks", GR_STR_INIT(" \n"), "GR0007@2<> the text ends where a value is expected"},
    {"byte order mark",
     GR_STR_INIT("\xef\xbb\xbf"
                 "1"),
     "GR0007@0<\\u{feff}> a byte order mark is not allowed +fix"},
    {"form feed",
     GR_STR_INIT("\x0c"
                 "1"),
     "GR0007@0<\\x0c> a value is expected here"},
    {"no-break space",
     GR_STR_INIT("\xc2\xa0"
                 "1"),
     "GR0007@0<\xc2\xa0> a value is expected here +fix"},
    {"two values", GR_STR_INIT("1 2"), "GR0007@2<2> nothing is allowed behind the value"},
    {"text behind", GR_STR_INIT("{} x"), "GR0007@3<x> nothing is allowed behind the value"},
    {"stray close", GR_STR_INIT("]"), "GR0007@0<]> a value is expected here"},
    {"wrong close", GR_STR_INIT("[1}"), "GR0007@2<}> a comma or ] is expected here"},
    {"wrong close of a map", GR_STR_INIT("{\"a\":1]"), "GR0007@6<]> a comma or } is expected here"},
    {"open list", GR_STR_INIT("[1"), "GR0007@2<> a comma or ] is expected here"},
    {"open list behind a comma", GR_STR_INIT("[1,"), "GR0007@3<> the text ends where a value is expected"},
    {"open map", GR_STR_INIT("{"), "GR0007@1<> a key in double quotes is expected here"},
    {"open map behind a key", GR_STR_INIT("{\"a\""), "GR0007@4<> a colon is expected behind the key"},
    {"open map behind a colon", GR_STR_INIT("{\"a\":"), "GR0007@5<> the text ends where a value is expected"},
    {"trailing comma", GR_STR_INIT("[1,]"), "GR0007@3<]> nothing is between the comma and the bracket +fix"},
    {"trailing comma in a map", GR_STR_INIT("{\"a\":1,}"),
     "GR0007@7<}> nothing is between the comma and the bracket +fix"},
    {"leading comma", GR_STR_INIT("[,1]"), "GR0007@1<,> a value is expected here"},
    {"two commas", GR_STR_INIT("[1,,2]"), "GR0007@3<,> a value is expected here"},
    {"no comma", GR_STR_INIT("[1 2]"), "GR0007@3<2> a comma or ] is expected here"},
    {"no comma in a map", GR_STR_INIT("{\"a\":1 \"b\":2}"), "GR0007@7<\"> a comma or } is expected here"},
    {"no colon", GR_STR_INIT("{\"a\" 1}"), "GR0007@5<1> a colon is expected behind the key"},
    {"key without quotes", GR_STR_INIT("{a:1}"), "GR0007@1<a> a key in double quotes is expected here"},
    {"number as key", GR_STR_INIT("{1:1}"), "GR0007@1<1> a key in double quotes is expected here"},
    {"single quotes", GR_STR_INIT("['a']"), "GR0007@1<'> a value is expected here +fix"},
    {"comment", GR_STR_INIT("[1 /* x */]"), "GR0007@3</> a comma or ] is expected here"},
    {"leading zero", GR_STR_INIT("01"), "GR0007@0<0> a number must not begin with a needless 0 +fix"},
    {"minus leading zero", GR_STR_INIT("-01"), "GR0007@1<0> a number must not begin with a needless 0 +fix"},
    {"plus", GR_STR_INIT("+1"), "GR0007@0<+> a value is expected here"},
    {"minus alone", GR_STR_INIT("[-]"), "GR0007@2<]> a digit is expected here"},
    {"no digit behind the point", GR_STR_INIT("1."), "GR0007@2<> a digit is expected behind the point"},
    {"no digit before the point", GR_STR_INIT(".5"), "GR0007@0<.> a value is expected here"},
    {"no exponent", GR_STR_INIT("1e"), "GR0007@2<> a digit is expected in the exponent"},
    {"no exponent behind a sign", GR_STR_INIT("1e+"), "GR0007@3<> a digit is expected in the exponent"},
    {"hexadecimal", GR_STR_INIT("0x1"), "GR0007@1<x> nothing is allowed behind the value"},
    {"NaN", GR_STR_INIT("NaN"), "GR0007@0<N> a value is expected here +fix"},
    {"Infinity", GR_STR_INIT("-Infinity"), "GR0007@1<I> a digit is expected here"},
    {"True", GR_STR_INIT("True"), "GR0007@0<T> a value is expected here +fix"},
    {"cut word", GR_STR_INIT("nul"), "GR0007@0<n> a value is expected here +fix"},
    {"word and more", GR_STR_INIT("nullx"), "GR0007@4<x> nothing is allowed behind the value"},
    {"open string", GR_STR_INIT("\"a"), "GR0007@0<\"> this string has no end +fix"},
    {"open string behind a backslash", GR_STR_INIT("\"a\\"), "GR0007@2<\\\\> unknown escape +fix"},
    {"line end in a string", GR_STR_INIT("\"a\nb\""), "GR0007@2<\\x0a> a line end inside a string +fix"},
    {"tab in a string", GR_STR_INIT("\"a\tb\""), "GR0007@2<\\x09> a control character inside a string +fix"},
    {"unknown escape", GR_STR_INIT("\"\\x41\""), "GR0007@1<\\\\x> unknown escape +fix"},
    {"escape of a wide character", GR_STR_INIT("\"\\\xc3\xa9\""),
     "GR0007@1<\\\\\xc3\xa9> unknown escape +fix"},
    {"short unicode escape", GR_STR_INIT("\"\\u12\""), "GR0007@1<\\\\u> \\u needs four hexadecimal digits"},
    {"bad unicode escape", GR_STR_INIT("\"\\u12g4\""), "GR0007@1<\\\\u> \\u needs four hexadecimal digits"},
    {"escaped NUL", GR_STR_INIT("[\"a\\u0000\"]"),
     "GR0003@3<\\\\u0000> text must not contain a NUL character +fix"},
    {"escaped NUL in a key", GR_STR_INIT("{\"\\u0000\":1}"),
     "GR0003@2<\\\\u0000> text must not contain a NUL character +fix"},
    {"high surrogate alone", GR_STR_INIT("\"\\ud800\""), "GR0007@1<\\\\ud800> half of a surrogate pair +fix"},
    {"low surrogate alone", GR_STR_INIT("\"\\udc00\""), "GR0007@1<\\\\udc00> half of a surrogate pair +fix"},
    {"high behind high", GR_STR_INIT("\"\\ud800\\ud800\\udc00\""),
     "GR0007@1<\\\\ud800> half of a surrogate pair +fix"},
    {"high, then a letter", GR_STR_INIT("\"\\ud800x\""), "GR0007@1<\\\\ud800> half of a surrogate pair +fix"},
    {"cut pair", GR_STR_INIT("\"\\ud800\\udc"), "GR0007@1<\\\\ud800> half of a surrogate pair +fix"},
    {"NUL byte", GR_STR_INIT("[1\x00]"), "GR0003@2<\\x00> byte 0x00 (NUL) is not allowed +fix"},
    {"invalid UTF-8", GR_STR_INIT("\"\xff\""), "GR0003@1<\\xff> byte 0xff is not valid UTF-8 here +fix"},
    {"raw surrogate", GR_STR_INIT("\"\xed\xa0\x80\""),
     "GR0003@1<\\xed> byte 0xed is not valid UTF-8 here +fix"},
    {"duplicate", GR_STR_INIT("{\"a\": 1, \"b\": 2, \"a\": 3}"),
     "GR0006@17<\"a\"> the key \"a\" is here twice +fix see@1<\"a\">"},
    {"duplicate by escape", GR_STR_INIT("{\"a\": 1, \"\\u0061\": 3}"),
     "GR0006@9<\"\\\\u0061\"> the key \"a\" is here twice +fix see@1<\"a\">"},
    {"duplicates at two levels", GR_STR_INIT("[{\"x\": {\"y\": 1, \"y\": 2}, \"x\": 1}]"),
     "GR0006@16<\"y\"> the key \"y\" is here twice +fix see@8<\"y\">; GR0006@25<\"x\"> the key \"x\" is here "
     "twice +fix see@2<\"x\">"},
    {"duplicate, then a fault", GR_STR_INIT("[{\"x\": 1, \"x\": 1}, ?]"),
     "GR0006@10<\"x\"> the key \"x\" is here twice +fix see@2<\"x\">; GR0007@19<?> a value is expected here"},
};

START_TEST(reads_as_the_table_says)
{
    struct gr_buf got = GR_BUF_INIT(100000);
    enum gr_err err = tree_read(&got, gr_json_read, rows[_i].text, NULL, false);

    ck_assert_msg(gr_str_is(gr_buf_str(&got), rows[_i].want), "%s: gave %s\nfor      %s", rows[_i].name,
                  gr_buf_cstr(&got), rows[_i].want);
    ck_assert_int_eq(err, strncmp(rows[_i].want, "GR", 2) == 0 ? GR_EUSER : GR_OK);
    gr_buf_fini(&got);
}
END_TEST

/* The wrapper of cJSON takes and refuses the same texts as the reader with positions. */
START_TEST(agrees_with_the_cjson_wrapper)
{
    struct gr_json_limits limits = {1000, 32, 1000};
    struct gr_json_error error = {SIZE_MAX, NULL};
    cJSON *json = NULL;
    enum gr_err err = gr_json_parse(rows[_i].text, &limits, &json, &error);

    if (strncmp(rows[_i].want, "GR", 2) == 0) {
        ck_assert_msg(err == GR_ESYNTAX, "%s: %s", rows[_i].name, gr_err_name(err));
        ck_assert_ptr_null(json);
        ck_assert_ptr_nonnull(error.message);
        ck_assert(error.offset <= rows[_i].text.n);
    } else {
        ck_assert_msg(err == GR_OK, "%s: %s: %s", rows[_i].name, gr_err_name(err), error.message);
        ck_assert_ptr_null(error.message);
    }
    cJSON_Delete(json);
}
END_TEST

/* Every prefix of every text, and every text with one byte put in: nothing crashes, spans stay in bounds, and the two
 * parsers agree. */
START_TEST(survives_cuts_and_insertions)
{
    static const char set[] = "\"[{}],:\\u0-.e \n\xc3";
    struct gr_str text = rows[_i].text;
    struct gr_buf got = GR_BUF_INIT(100000), other = GR_BUF_INIT(1000);
    struct gr_json_limits limits = {1000, 32, 1000};

    for (size_t at = 0; at <= text.n; at++)
        for (size_t i = 0; i < sizeof set; i++) {
            struct gr_json_error error;
            cJSON *json = NULL;
            enum gr_err err, other_err;

            gr_buf_reset(&got);
            gr_buf_reset(&other);
            gr_buf_put(&other, gr_str_sub(text, 0, at));
            if (set[i]) {
                gr_buf_putc(&other, set[i]);
                gr_buf_put(&other, gr_str_sub(text, at, text.n));
            }
            err = tree_read(&got, gr_json_read, gr_buf_str(&other), NULL, false);
            other_err = gr_json_parse(gr_buf_str(&other), &limits, &json, &error);
            if (other_err != GR_ELIMIT) /* 1e999 is well-formed, but no double */
                ck_assert_int_eq(other_err, err == GR_OK ? GR_OK : GR_ESYNTAX);
            else
                ck_assert_int_eq(err, GR_OK);
            cJSON_Delete(json);
        }
    gr_buf_fini(&got);
    gr_buf_fini(&other);
}
END_TEST

Suite *
node_json_suite(void)
{
    Suite *s = suite_create("node_json");
    TCase *tc = tcase_create("node_json");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, reads_as_the_table_says, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, agrees_with_the_cjson_wrapper, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, survives_cuts_and_insertions, 0, GR_COUNT(rows));
    suite_add_tcase(s, tc);
    return s;
}
