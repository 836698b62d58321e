#include "config.h"
#include "test_webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guardrail/file.h"
#include "webhook/html.h"

static const struct {
    const char *text, *want;
} escapes[] = {
    {"plain", "<b title=\"plain\">plain</b>"},
    {"<script>alert(1)</script>",
     "<b title=\"&lt;script&gt;alert(1)&lt;/script&gt;\">&lt;script&gt;alert(1)&lt;/script&gt;</b>"},
    {"\" onmouseover=\"x", "<b title=\"&quot; onmouseover=&quot;x\">&quot; onmouseover=&quot;x</b>"},
    {"' onclick='x", "<b title=\"&#39; onclick=&#39;x\">&#39; onclick=&#39;x</b>"},
    {"&lt;", "<b title=\"&amp;lt;\">&amp;lt;</b>"},
    {"a\xff"
     "b",
     "<b title=\"a\xef\xbf\xbd"
     "b\">a\xef\xbf\xbd"
     "b</b>"},
    {"a\x1b[31m", "<b title=\"a\xef\xbf\xbd[31m\">a\xef\xbf\xbd[31m</b>"},
    {"a\xe2\x80\xae"
     "b",
     "<b title=\"a\xef\xbf\xbd"
     "b\">a\xef\xbf\xbd"
     "b</b>"},
    {"100%s %n", "<b title=\"100%s %n\">100%s %n</b>"},
};
START_TEST(text_stays_text)
{
    struct gr_str s = gr_str(escapes[_i].text);
    struct gr_buf b = GR_BUF_INIT(4096);

    html_put(&b, "<b title=\"%s\">" GR_FMT "</b>", escapes[_i].text, GR_ARG(s));
    ck_assert_str_eq(gr_buf_cstr(&b), escapes[_i].want);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(numbers_are_printed)
{
    struct gr_buf b = GR_BUF_INIT(4096);

    html_put(&b, "%d %u %zu %" PRId64 " %lld %% %s|", -1, 2u, (size_t)3, INT64_MIN, 5LL, "");
    ck_assert_str_eq(gr_buf_cstr(&b), "-1 2 3 -9223372036854775808 5 % |");
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    const char *text;
    size_t max;
    const char *want;
} cuts[] = {
    {"abc", 3, "abc"},
    {"abcd", 3, "abc…"},
    {"a\xc3\xa4"
     "b",
     2, "a…"},
    {"", 3, ""},
    {"<<<", 1, "&lt;…"},
};
START_TEST(long_text_is_cut_at_a_character)
{
    struct gr_buf b = GR_BUF_INIT(4096);

    html_cut(&b, gr_str(cuts[_i].text), cuts[_i].max);
    ck_assert_str_eq(gr_buf_cstr(&b), cuts[_i].want);
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    int64_t ms;
    const char *want;
} spans[] = {
    {-5, "0 s"},      {59999, "59 s"},        {60000, "1 min"},      {3599999, "59 min"},
    {3600000, "1 h"}, {7500000, "2 h 5 min"}, {86400000, "1 d 0 h"}, {INT64_C(100) * 3600000, "4 d 4 h"},
};
START_TEST(spans_are_short)
{
    struct gr_buf b = GR_BUF_INIT(64);

    html_span(&b, spans[_i].ms);
    ck_assert_str_eq(gr_buf_cstr(&b), spans[_i].want);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(times_have_their_date_only_on_other_days)
{
    const int64_t now = INT64_C(1795435509000); /* 2026-11-23T12:05:09Z */
    struct gr_buf b = GR_BUF_INIT(4096);

    html_time(&b, now, now);
    ck_assert_str_eq(gr_buf_cstr(&b), "<time datetime=\"2026-11-23T12:05:09Z\">12:05:09</time>");
    gr_buf_reset(&b);
    html_time(&b, now - 86400000, now);
    ck_assert_str_eq(gr_buf_cstr(&b), "<time datetime=\"2026-11-22T12:05:09Z\">2026-11-22 12:05:09</time>");
    gr_buf_reset(&b);
    html_time(&b, 0, now);
    ck_assert_str_eq(gr_buf_cstr(&b), "");
    gr_buf_fini(&b);
}
END_TEST

/* Text comes into a page by html.h alone: no file of the pages writes to a buffer of its own accord. What is listed writes words, not pages,
 * or the style. */
static const struct {
    const char *file, *allowed[3];
} files[] = {
    {"page.c", {NULL}},
    {"page_link.c", {"gr_buf_printf(&path,", NULL}},
    {"page_matrix.c", {NULL}},
    {"page_parts.c", {"gr_buf_puts(&stream,", NULL}},
    {"page_style.c", {"gr_buf_puts(b, style);", NULL}},
};
START_TEST(pages_are_written_by_html_put_alone)
{
    struct gr_buf path = GR_BUF_INIT(4096), text = GR_BUF_INIT(1 << 20);
    const char *root = getenv("GR_SRCDIR");

    gr_buf_printf(&path, "%s/webhook/%s", root ? root : ".", files[_i].file);
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &text), GR_OK);
    for (const char *at = gr_buf_cstr(&text); (at = strstr(at, "gr_buf_p")) != NULL; at++) {
        bool ok = strncmp(at, "gr_buf_puts", 11) != 0 && strncmp(at, "gr_buf_putc", 11) != 0 &&
                  strncmp(at, "gr_buf_put(", 11) != 0 && strncmp(at, "gr_buf_printf", 13) != 0;

        for (size_t i = 0; files[_i].allowed[i]; i++)
            ok |= strncmp(at, files[_i].allowed[i], strlen(files[_i].allowed[i])) == 0;
        ck_assert_msg(ok, "%s: %.40s", files[_i].file, at);
    }
    gr_buf_fini(&path);
    gr_buf_fini(&text);
}
END_TEST

Suite *
html_suite(void)
{
    Suite *s = suite_create("html");
    TCase *tc = tcase_create("html");

    tcase_add_loop_test(tc, text_stays_text, 0, GR_COUNT(escapes));
    tcase_add_test(tc, numbers_are_printed);
    tcase_add_loop_test(tc, long_text_is_cut_at_a_character, 0, GR_COUNT(cuts));
    tcase_add_loop_test(tc, spans_are_short, 0, GR_COUNT(spans));
    tcase_add_test(tc, times_have_their_date_only_on_other_days);
    tcase_add_loop_test(tc, pages_are_written_by_html_put_alone, 0, GR_COUNT(files));
    suite_add_tcase(s, tc);
    return s;
}
