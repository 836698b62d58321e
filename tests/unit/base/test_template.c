#include "config.h"
#include "guardrail/template.h"
#include "test_base.h"

static const struct row {
    const char *name, *text;
    enum gr_err want;
    const char *what, *about; /* of GR_EUSER */
} rows[] = {
    {"plain", "{\"text\":\"{title}: {summary}\"}", GR_OK, NULL, NULL},
    {"deep", "{\"a\":[{\"b\":[\"{where}\",1,true,null]}]}", GR_OK, NULL, NULL},
    {"braces", "{\"a\":\"{ title } {} {a-b} {\"}", GR_OK, NULL, NULL},
    {"unknown", "{\"a\":\"{titel}\"}", GR_EUSER, "there is no placeholder of this name", "titel"},
    {"unknown in a list", "{\"a\":[\"x{y}z\"]}", GR_EUSER, "there is no placeholder of this name", "y"},
    {"in a key", "{\"{title}\":1}", GR_EUSER, "placeholders stand in values, not in keys", "{title}"},
    {"a bare one", "{\"a\":{title}}", GR_EUSER, "it is no JSON, or nested deeper than 8", ""},
    {"a list", "[\"{title}\"]", GR_EUSER, "it is no JSON object", ""},
    {"a text", "\"{title}\"", GR_EUSER, "it is no JSON object", ""},
    {"nothing", "", GR_EUSER, "it is no JSON, or nested deeper than 8", ""},
    {"two", "{} {}", GR_EUSER, "it is no JSON, or nested deeper than 8", ""},
    {"too deep", "{\"a\":[[[[[[[[[1]]]]]]]]]}", GR_EUSER, "it is no JSON, or nested deeper than 8", ""},
    {"an escaped brace is one", "{\"a\":\"\\u007btitle}\"}", GR_OK, NULL, NULL},
};

START_TEST(reads)
{
    const struct row *r = &rows[_i];
    struct gr_arena *a = gr_arena_create(1 << 22);
    struct gr_template_fault fault;
    const struct gr_node *root = NULL;
    enum gr_err got = gr_template_read(a, gr_str(r->text), &root, &fault);

    ck_assert_msg(got == r->want, "%s: %s, %s", r->name, gr_err_name(got), fault.what ? fault.what : "");
    ck_assert((root != NULL) == (got == GR_OK));
    if (got == GR_EUSER) {
        ck_assert_str_eq(fault.what, r->what);
        ck_assert(gr_str_is(fault.name, r->about));
    }
    gr_arena_free(a);
}
END_TEST

/* At the limit, and one beyond it. */
START_TEST(size)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20);
    struct gr_arena *a = gr_arena_create(1 << 22);
    struct gr_template_fault fault;
    const struct gr_node *root = NULL;

    gr_buf_puts(&text, "{\"a\":\"");
    while (text.n < GR_TEMPLATE_BYTES_MAX - 2 + (size_t)_i)
        gr_buf_putc(&text, 'x');
    gr_buf_puts(&text, "\"}");
    ck_assert_int_eq(gr_template_read(a, gr_buf_str(&text), &root, &fault), _i == 0 ? GR_OK : GR_EUSER);
    gr_buf_fini(&text);
    gr_arena_free(a);
}
END_TEST

START_TEST(names)
{
    for (size_t i = 0; i < GR_TEMPLATE_NAMES; i++) {
        ck_assert_int_eq(gr_template_name(gr_str(gr_template_names[i])), (int)i);
        ck_assert(i == 0 || strcmp(gr_template_names[i - 1], gr_template_names[i]) < 0);
    }
    ck_assert_int_eq(gr_template_name(GR_STR("x")), GR_TEMPLATE_NAMES);
}
END_TEST

START_TEST(next)
{
    struct gr_str text = GR_STR("a{b}{{c}d{e"), name;
    size_t at = 0, from = 0;

    ck_assert(gr_template_next(text, &at, &from, &name));
    ck_assert(gr_str_is(name, "b") && from == 1 && at == 4);
    ck_assert(gr_template_next(text, &at, &from, &name));
    ck_assert(gr_str_is(name, "c") && from == 5 && at == 8);
    ck_assert(!gr_template_next(text, &at, &from, &name));
    ck_assert_uint_eq(at, text.n);
}
END_TEST

Suite *
template_suite(void)
{
    Suite *s = suite_create("template");
    TCase *tc = tcase_create("template");

    tcase_add_loop_test(tc, reads, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, size, 0, 2);
    tcase_add_test(tc, names);
    tcase_add_test(tc, next);
    suite_add_tcase(s, tc);
    return s;
}
