#include "config.h"
#include "guardrail/diag.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "../fault.h"
#include "test_base.h"

static struct gr_sources *sources;
static struct gr_diags *diags;
static struct gr_buf out;

static void
setup(void)
{
    sources = gr_sources_create();
    ck_assert_ptr_nonnull(sources);
    diags = gr_diags_create(sources);
    ck_assert_ptr_nonnull(diags);
    gr_buf_init(&out, 1 << 20);
}

static void
teardown(void)
{
    gr_diags_free(diags);
    gr_sources_free(sources);
    gr_buf_fini(&out);
}

static uint32_t
add(const char *name, struct gr_str text)
{
    uint32_t file = 0;

    ck_assert_int_eq(gr_sources_add(sources, gr_str(name), text, &file), GR_OK);
    return file;
}

static const char *
printed(enum gr_diag_format format, bool color)
{
    gr_buf_reset(&out);
    gr_diags_print(diags, (struct gr_diag_style){.format = format, .color = color}, &out);
    ck_assert_int_eq(gr_buf_err(&out), GR_OK);
    return gr_buf_cstr(&out);
}

/* The drawing in diag.h. */
START_TEST(a_finding_looks_as_drawn)
{
    uint32_t f = add("guardrails.yml", GR_STR("a:\n  b:\n    unit: mz\n")),
             g = add("other.yml", GR_STR("1\n2\n3\n"));

    gr_diag(diags, GR0103, (struct gr_span){f, 18, 20}, GR_STR("did you mean \"ms\"?"), "unknown unit \"%s\"",
            "mz");
    gr_diag_note(diags, (struct gr_span){g, 4, 5}, "first defined here");
    gr_diag_note(diags, GR_SPAN_NONE, "without a place");
    ck_assert_str_eq(printed(GR_DIAG_TEXT, false), "guardrails.yml:3:11: GR0103 error: unknown unit \"mz\"\n"
                                                   "     3 |     unit: mz\n"
                                                   "       |           ^~\n"
                                                   "   help: did you mean \"ms\"?\n"
                                                   "other.yml:3:1: note: first defined here\n"
                                                   "note: without a place\n");
}
END_TEST

START_TEST(a_finding_without_a_place_is_short)
{
    gr_diag(diags, GR0312, GR_SPAN_NONE, GR_STR_NONE, "never used");
    ck_assert_str_eq(printed(GR_DIAG_TEXT, false),
                     "GR0312 warning: never used\n   help: without a budget the first excursion fires\n");
}
END_TEST

START_TEST(nothing_prints_nothing)
{
    ck_assert_str_eq(printed(GR_DIAG_TEXT, false), "");
    ck_assert_str_eq(printed(GR_DIAG_JSON, false),
                     "{\"format_version\":1,\"findings\":[],\"errors\":0,\"warnings\":0,\"dropped\":0}\n");
}
END_TEST

static const struct {
    const char *name;
    struct gr_str text;
    uint32_t start, end;
    const char *place, *line, *caret; /* line and caret without the gutter */
} carets[] = {
    {"whole word", GR_STR_INIT("a: word"), 3, 7, "1:4", " a: word", "   ^~~~"},
    {"empty span", GR_STR_INIT("a: word"), 3, 3, "1:4", " a: word", "   ^"},
    {"backward span", GR_STR_INIT("a: word"), 3, 1, "1:4", " a: word", "   ^"},
    {"end of line", GR_STR_INIT("a:\nb"), 2, 2, "1:3", " a:", "  ^"},
    {"end of text", GR_STR_INIT("a\n"), 2, 2, "2:1", "", "^"},
    {"past the end", GR_STR_INIT("ab"), 99, 120, "1:3", " ab", "  ^"},
    {"empty text", GR_STR_INIT(""), 0, 0, "1:1", "", "^"},
    {"several lines", GR_STR_INIT("a: b\nc: d"), 3, 9, "1:4", " a: b", "   ^"},
    {"tabs stay", GR_STR_INIT("\tk\tv"), 3, 4, "1:4", " \tk\tv", "\t \t^"},
    {"wide", GR_STR_INIT("\xe6\x97\xa5: \xe6\x9c\xac x"), 5, 8, "1:4", " \xe6\x97\xa5: \xe6\x9c\xac x",
     "    ^~"},
    {"combining", GR_STR_INIT("e\xcc\x81: x"), 5, 6, "1:5", " e\xcc\x81: x", "   ^"},
    {"accent", GR_STR_INIT("\xc3\xa9: x"), 4, 5, "1:4", " \xc3\xa9: x", "   ^"},
    {"colour", GR_STR_INIT("\033[31m: x"), 7, 8, "1:8", " \\x1b[31m: x", "          ^"},
    {"direction", GR_STR_INIT("\xe2\x80\xae: x"), 5, 6, "1:4", " \\u{202e}: x", "          ^"},
    {"bad byte", GR_STR_INIT("\xff: x"), 3, 4, "1:4", " \\xff: x", "      ^"},
    {"underlined escape", GR_STR_INIT("\033"), 0, 1, "1:1", " \\x1b", "^~~~"},
    {"CR LF", GR_STR_INIT("ab\r\ncd"), 1, 4, "1:2", " ab", " ^"},
};

START_TEST(carets_stand_below)
{
    struct gr_buf want = GR_BUF_INIT(1000);
    uint32_t f = add("f", carets[_i].text);

    gr_diag(diags, GR0103, (struct gr_span){f, carets[_i].start, carets[_i].end}, GR_STR("fix"), "text");
    gr_buf_printf(&want, "f:%s: GR0103 error: text\n     %c |%s\n       | %s\n   help: fix\n",
                  carets[_i].place, carets[_i].place[0], carets[_i].line, carets[_i].caret);
    ck_assert_msg(strcmp(printed(GR_DIAG_TEXT, false), gr_buf_cstr(&want)) == 0, "%s:\n%s", carets[_i].name,
                  gr_buf_cstr(&out));
    gr_buf_fini(&want);
}
END_TEST

#define ELLIPSIS "\xe2\x80\xa6"

/* A line of `length` x with one o at `at`: what is shown, and the column of the caret in it. */
static const struct {
    size_t length, at;
    bool cut_left, cut_right;
    size_t caret;
} longs[] = {
    {160, 80, false, false, 80},  {161, 80, true, false, 80},     {161, 0, false, true, 0},
    {161, 160, true, false, 160}, {1000, 0, false, true, 0},      {1000, 60, false, true, 60},
    {1000, 61, true, true, 61},   {1000, 500, true, true, 61},    {1000, 999, true, false, 160},
    {9000, 5000, true, true, 61}, {9000, 8999, true, false, 160}, {9000, 3, false, true, 3},
};

START_TEST(long_lines_are_cut_around_the_caret)
{
    struct gr_buf text = GR_BUF_INIT(10000), caret = GR_BUF_INIT(1000);
    struct gr_str rest, line;
    uint32_t f;

    for (size_t i = 0; i < longs[_i].length; i++)
        gr_buf_putc(&text, i == longs[_i].at ? 'o' : 'x');
    f = add("f", gr_buf_str(&text));
    gr_diag(diags, GR0103, (struct gr_span){f, (uint32_t)longs[_i].at, (uint32_t)longs[_i].at + 1},
            GR_STR_NONE, "text");
    printed(GR_DIAG_TEXT, false);
    rest = gr_buf_str(&out);
    ck_assert(gr_str_next(&rest, '\n', &line) && gr_str_next(&rest, '\n', &line));
    line = gr_str_sub(line, 9, line.n);
    ck_assert_int_eq(gr_str_starts(line, GR_STR(ELLIPSIS)), longs[_i].cut_left);
    ck_assert_int_eq(gr_str_ends(line, GR_STR(ELLIPSIS)), longs[_i].cut_right);
    ck_assert_uint_eq(line.n, 160 + 3u * (longs[_i].cut_left + longs[_i].cut_right));
    ck_assert_uint_eq(gr_str_find(line, GR_STR("o"), 0), longs[_i].caret + (longs[_i].cut_left ? 2 : 0));
    ck_assert(gr_str_next(&rest, '\n', &line));
    gr_buf_printf(&caret, "       | %*s", (int)longs[_i].caret + 1, "^");
    ck_assert(gr_str_is(line, gr_buf_cstr(&caret)));
    gr_buf_fini(&text);
    gr_buf_fini(&caret);
}
END_TEST

START_TEST(a_long_underline_ends_with_the_line_shown)
{
    struct gr_buf text = GR_BUF_INIT(10000);
    struct gr_str rest, line;
    uint32_t f;

    gr_buf_printf(&text, "%05000d", 0);
    f = add("f", gr_buf_str(&text));
    gr_diag(diags, GR0103, (struct gr_span){f, 0, 5000}, GR_STR_NONE, "text");
    printed(GR_DIAG_TEXT, false);
    rest = gr_buf_str(&out);
    for (int i = 0; i < 3; i++)
        ck_assert(gr_str_next(&rest, '\n', &line));
    ck_assert_uint_eq(line.n, 9 + 160);
    gr_buf_fini(&text);
}
END_TEST

START_TEST(far_cuts_fall_between_characters)
{
    struct gr_buf text = GR_BUF_INIT(20000);
    uint32_t f;

    for (int i = 0; i < 5000; i++)
        gr_buf_puts(&text, "\xe6\x97\xa5");
    f = add("f", gr_buf_str(&text));
    for (uint32_t i = 2499; i < 2503; i++)
        gr_diag(diags, GR0103, (struct gr_span){f, 3 * i, 3 * i + 3}, GR_STR_NONE, "text");
    ck_assert_ptr_null(strstr(printed(GR_DIAG_TEXT, false), "\\x")); /* no half character */
    gr_buf_fini(&text);
}
END_TEST

/* Foreign text comes in by name, message, fix, note and source line; none lets a control character through. */
START_TEST(no_control_character_gets_through)
{
    static const char evil[] = "\033[2J\r\a\xc2\x9b\xe2\x80\xae";
    uint32_t f = add(evil, gr_str(evil));

    gr_diag(diags, GR0103, (struct gr_span){f, 0, 3}, gr_str(evil), "a\nb%s", evil);
    gr_diag_note(diags, (struct gr_span){f, 0, 3}, "%s", evil);
    printed(GR_DIAG_TEXT, false);
    for (size_t i = 0; i < out.n; i++)
        ck_assert(out.p[i] == '\n' || ((unsigned char)out.p[i] >= 0x20 && (unsigned char)out.p[i] < 0x7f));
    ck_assert_ptr_nonnull(strstr(out.p, "error: a\\x0ab\\x1b[2J\\x0d\\x07\\u{9b}\\u{202e}\n"));
}
END_TEST

START_TEST(findings_are_sorted)
{
    uint32_t f = add("f", GR_STR("0123456789")), g = add("g", GR_STR("0123456789"));
    const char *text, *last = NULL;
    static const char *const order[] = {"[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "[7]"};

    gr_diag(diags, GR0103, (struct gr_span){g, 0, 1}, GR_STR_NONE, "[7]");
    gr_diag(diags, GR0103, (struct gr_span){f, 5, 7}, GR_STR_NONE, "[4]");
    gr_diag(diags, GR0103, (struct gr_span){f, 5, 6}, GR_STR_NONE, "[3]");
    gr_diag(diags, GR0104, (struct gr_span){f, 5, 7}, GR_STR_NONE, "[6]");
    gr_diag(diags, GR0103, (struct gr_span){f, 5, 7}, GR_STR_NONE, "[5]");
    gr_diag(diags, GR0103, (struct gr_span){f, 2, 9}, GR_STR_NONE, "[2]");
    gr_diag(diags, GR0601, GR_SPAN_NONE, GR_STR_NONE, "[1]");
    text = printed(GR_DIAG_TEXT, false);
    for (size_t i = 0; i < GR_COUNT(order); i++) {
        const char *here = strstr(text, order[i]);

        ck_assert_ptr_nonnull(here);
        ck_assert(!last || here > last);
        last = here;
    }
}
END_TEST

START_TEST(colour_adds_sequences_and_nothing_else)
{
    uint32_t f = add("f", GR_STR("a: b"));
    struct gr_buf plain = GR_BUF_INIT(1000), bare = GR_BUF_INIT(1000);

    gr_diag(diags, GR0103, (struct gr_span){f, 3, 4}, GR_STR_NONE, "text");
    gr_diag_note(diags, (struct gr_span){f, 0, 1}, "note");
    gr_buf_puts(&plain, printed(GR_DIAG_TEXT, false));
    ck_assert_ptr_nonnull(strstr(printed(GR_DIAG_TEXT, true), "\033[1;31merror:\033[0m text\n"));
    for (size_t i = 0; i < out.n; i++) {
        if (out.p[i] == '\033')
            i += strcspn(out.p + i, "m");
        else
            gr_buf_putc(&bare, out.p[i]);
    }
    ck_assert_str_eq(gr_buf_cstr(&bare), gr_buf_cstr(&plain));
    ck_assert_ptr_null(strchr(printed(GR_DIAG_JSON, true), '\033'));
    gr_buf_fini(&plain);
    gr_buf_fini(&bare);
}
END_TEST

START_TEST(json_is_as_documented)
{
    uint32_t f = add("f.yml", GR_STR("unit: mz\nx\n"));

    gr_diag(diags, GR0103, (struct gr_span){f, 6, 8}, GR_STR("say \"ms\""), "bad \033");
    gr_diag_note(diags, (struct gr_span){f, 9, 10}, "n1");
    gr_diag_note(diags, GR_SPAN_NONE, "n2");
    gr_diag(diags, GR0312, GR_SPAN_NONE, GR_STR_NONE, "unused");
    ck_assert_str_eq(
        printed(GR_DIAG_JSON, false),
        "{\"format_version\":1,\"findings\":["
        "{\"code\":\"GR0312\",\"severity\":\"warning\",\"name\":\"no-budget\",\"message\":\"unused\","
        "\"fix\":null,"
        "\"file\":null,\"line\":null,\"column\":null,\"end_line\":null,\"end_column\":null,\"notes\":[]},"
        "{\"code\":\"GR0103\",\"severity\":\"error\",\"name\":\"wrong-type\",\"message\":\"bad \\u001b\","
        "\"fix\":\"say "
        "\\\"ms\\\"\",\"file\":\"f.yml\",\"line\":1,\"column\":7,\"end_line\":1,\"end_column\":9,\"notes\":["
        "{\"message\":\"n1\",\"file\":\"f.yml\",\"line\":2,\"column\":1},"
        "{\"message\":\"n2\",\"file\":null,\"line\":null,\"column\":null}]}],"
        "\"errors\":1,\"warnings\":1,\"dropped\":0}\n");
}
END_TEST

START_TEST(json_is_json_whatever_comes_in)
{
    uint32_t f = add("\xff\"\\\n", GR_STR("\xff\033"));
    cJSON *json;

    gr_diag(diags, GR0103, (struct gr_span){f, 0, 9}, GR_STR("\x01\xc3"), "%s", "\"\\\xed\xa0\x80\t");
    json = cJSON_Parse(printed(GR_DIAG_JSON, false));
    ck_assert_ptr_nonnull(json);
    ck_assert(gr_str_is_utf8(gr_buf_str(&out)));
    cJSON_Delete(json);
}
END_TEST

START_TEST(printing_stops_where_the_buffer_does)
{
    uint32_t f = add("f", GR_STR("a: b"));
    bool failed = true;

    gr_diag(diags, GR0103, (struct gr_span){f, 3, 4}, GR_STR_NONE, "text");
    for (unsigned n = 1; failed; n++) {
        struct gr_buf b = GR_BUF_INIT(1000);

        fault_arm(FAULT_REALLOC, n, _i, ENOMEM);
        gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_JSON}, &b);
        failed = fault_hit();
        ck_assert_int_eq(gr_buf_err(&b), failed ? GR_ENOMEM : GR_OK);
        gr_buf_fini(&b);
        fault_off();
        ck_assert_int_eq(fault_live(), 0);
    }
}
END_TEST

Suite *
diag_print_suite(void)
{
    Suite *s = suite_create("diag_print");
    TCase *tc = tcase_create("text");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_finding_looks_as_drawn);
    tcase_add_test(tc, a_finding_without_a_place_is_short);
    tcase_add_test(tc, nothing_prints_nothing);
    tcase_add_loop_test(tc, carets_stand_below, 0, GR_COUNT(carets));
    tcase_add_loop_test(tc, long_lines_are_cut_around_the_caret, 0, GR_COUNT(longs));
    tcase_add_test(tc, a_long_underline_ends_with_the_line_shown);
    tcase_add_test(tc, far_cuts_fall_between_characters);
    tcase_add_test(tc, no_control_character_gets_through);
    tcase_add_test(tc, findings_are_sorted);
    tcase_add_test(tc, colour_adds_sequences_and_nothing_else);
    suite_add_tcase(s, tc);
    tc = tcase_create("json");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, json_is_as_documented);
    tcase_add_test(tc, json_is_json_whatever_comes_in);
    tcase_add_loop_test(tc, printing_stops_where_the_buffer_does, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
