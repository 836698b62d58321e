/* test_promql_lex.c - the words of an expression, and the lexer's states. */
#include "config.h"
#include "test_rules.h"

#include "promql_lex.h"

/* One letter a word, as in the table below. */
static const char letters[] = {
    [TOK_EOF] = '.',      [TOK_BAD] = '!',      [TOK_NUMBER] = 'n',      [TOK_DURATION] = 'd',
    [TOK_STRING] = 's',   [TOK_NAME] = 'a',     [TOK_METRIC_NAME] = 'm', [TOK_LPAREN] = '(',
    [TOK_RPAREN] = ')',   [TOK_LBRACE] = '{',   [TOK_RBRACE] = '}',      [TOK_LBRACKET] = '[',
    [TOK_RBRACKET] = ']', [TOK_COMMA] = ',',    [TOK_COLON] = ':',       [TOK_AT] = '@',
    [TOK_EQUAL] = '=',    [TOK_LIKE] = '~',     [TOK_NOT_LIKE] = 'u',    [TOK_OP] = '+',
    [TOK_AGG] = 'g',      [TOK_OFFSET] = 'o',   [TOK_BY] = 'b',          [TOK_WITHOUT] = 'w',
    [TOK_ON] = 'O',       [TOK_IGNORING] = 'I', [TOK_GROUP_LEFT] = 'L',  [TOK_GROUP_RIGHT] = 'R',
    [TOK_BOOL] = 'B',     [TOK_START] = 'S',    [TOK_END] = 'E',
};
static const struct row {
    const char *name, *text, *want;
} rows[] = {
    {"empty", "", "."},
    {"blanks and comments", " \t\r\n# x\n#y", "."},
    {"comment up to CR", "#x\r1", "n."},
    {"names", "a _b A1 a:b :c", "aaamm."},
    {"keywords in any case", "sum SUM By oFFset bool ON ignoring group_left GROUP_RIGHT start end without",
     "ggboBOILRSEw."},
    {"word operators", "and or unless atan2 AND", "+++++."},
    {"no keyword with a colon", "sum:x and:", "mm."},
    {"longer than every keyword", "count_values_of_something", "a."},
    {"numbers", "1 1.5 .5 1. 0x1F 1e5 1E-5 inf NaN 0 1.e3", "nnnnnnnnnnn."},
    {"durations", "5m 1h30m 500ms 1y2w 5ys 1.5h", "dddddd."},
    {"not a number", "1x", "!"},
    {"unit and more", "5mx", "!"},
    {"year is first", "5m1y", "!"},
    {"underscore", "1_000", "!"},
    {"underscore at the end", "1_", "!"},
    {"point alone", ".", "!"},
    {"operators", "+ - * / % ^ == != < <= > >= =", "++++++++++++=."},
    {"no space needed", "a+-b", "a++a."},
    {"exclamation mark", "!", "!"},
    {"regex operator outside", "a=~", "a!"},
    {"strings", "\"a\" 'b' `c\n` \"\\\"\" '\\''", "sssss."},
    {"open string", "\"a", "!"},
    {"open raw string", "`a", "!"},
    {"line end in a string", "\"a\nb\"", "!"},
    {"escapes", "\"\\a\\b\\f\\n\\r\\t\\v\\\\\\101\\x41\\u00e9\\U0001f600\"", "s."},
    {"unknown escape", "\"\\q\"", "!"},
    {"other quote", "\"\\'\"", "!"},
    {"octal too large", "\"\\400\"", "!"},
    {"octal too short", "\"\\40\"", "!"},
    {"surrogate", "\"\\ud800\"", "!"},
    {"beyond Unicode", "\"\\U00110000\"", "!"},
    {"escape at the end", "\"\\", "!"},
    {"hex at the end", "\"\\x4", "!"},
    {"UTF-8", "\"\xc3\xa9\"", "s."},
    {"bad UTF-8", "\"\xc3\"", "!"},
    {"replacement character", "`\xef\xbf\xbd`", "!"},
    {"not ASCII outside", "\xc3\xa9", "!"},
    {"braces", "{a=\"b\",sum!='c',d=~`e`,f!~\"g\"}", "{a=s,a+s,a~s,aus}."},
    {"keywords in braces are names", "{by,inf,offset}", "{a,a,a}."},
    {"no colon in braces", "{a:b", "{a!"},
    {"no number in braces", "{1", "{!"},
    {"no brace in braces", "{{", "{!"},
    {"comment in braces", "{#x\na}", "{a}."},
    {"open brace", "{a", "{a!"},
    {"half an operator in braces", "{a!b", "{a!"},
    {"after braces", "{}sum", "{}g."},
    {"range", "[5m]", "[d]."},
    {"range with blanks", "[ 5m ]", "[d]."},
    {"comment at once", "[#\n5m]", "[!"},
    {"comment later", "[5m#\n]", "[d]."},
    {"no duration", "[]", "[!"},
    {"no unit", "[5]", "[!"},
    {"name", "[a]", "[!"},
    {"arithmetic", "[(5m)]", "[!"},
    {"subquery", "[5m:1m]", "[d:d]."},
    {"any letter is a colon", "[5m x 1m]", "[d:d]."},
    {"two colons", "[5m::]", "[d:!"},
    {"bracket in bracket", "[5m[", "[d!"},
    {"closed twice", "[5m]]", "[d]!"},
    {"colon after brackets", "[5m]a:b", "[d]m."},
};

START_TEST(words)
{
    const struct row *r = &rows[_i];
    struct lexer lex = {.text = gr_str(r->text)};
    char got[200];
    size_t n = 0;
    uint32_t last = 0;
    struct token t;

    do {
        t = lexer_next(&lex);
        ck_assert_uint_ge(t.start, last);
        ck_assert_uint_ge(t.end, t.start);
        ck_assert_uint_le(t.end, lex.text.n);
        last = t.end;
        got[n++] = letters[t.kind];
    } while (t.kind != TOK_EOF && t.kind != TOK_BAD && n < sizeof got - 1);
    got[n] = '\0';
    ck_assert_msg(strcmp(got, r->want) == 0, "%s: '%s' gave %s, not %s", r->name, r->text, got, r->want);
    if (t.kind == TOK_BAD)
        ck_assert((!lex.why || *lex.why) && (lex.code == GR0401 || lex.code == GR0403));
}
END_TEST

START_TEST(nul_is_no_word)
{
    struct lexer lex = {.text = {"a\0b", 3}};

    ck_assert_int_eq(lexer_next(&lex).kind, TOK_NAME);
    ck_assert_int_eq(lexer_next(&lex).kind, TOK_BAD);
}
END_TEST

START_TEST(values_of_words)
{
    struct lexer lex = {.text = GR_STR("topk unless")};
    struct token t = lexer_next(&lex);

    ck_assert_uint_eq(t.value, GR_PROMQL_TOPK);
    ck_assert(gr_str_is(token_text(&lex, t), "topk"));
    ck_assert_uint_eq(lexer_next(&lex).value, GR_PROMQL_UNLESS);
}
END_TEST

Suite *
promql_lex_suite(void)
{
    Suite *s = suite_create("promql_lex");
    TCase *tc = tcase_create("words");

    tcase_add_loop_test(tc, words, 0, GR_COUNT(rows));
    tcase_add_test(tc, nul_is_no_word);
    tcase_add_test(tc, values_of_words);
    suite_add_tcase(s, tc);
    return s;
}
