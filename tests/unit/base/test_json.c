#include "config.h"
#include "guardrail/json.h"

#include <stdio.h>

#include "failing.h"
#include "guardrail/sys.h"
#include "test_base.h"

/* A text that ends where its memory ends, so that a sanitizer sees a read past it. */
static struct gr_str
exact(struct gr_str s)
{
    char *p = gr_sys.realloc(NULL, s.n ? s.n : 1);

    ck_assert_ptr_nonnull(p);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return (struct gr_str){p, s.n};
}

/* What RFC 8259 allows and refuses is in test_node_json.c, which runs its table through both parsers. Here: what differs. */
static const struct {
    const char *name;
    struct gr_str text;
    struct gr_json_limits limits;
    enum gr_err want;
    size_t offset;
    const char *message;
} rows[] = {
    {"bytes, at it", GR_STR_INIT("[1]"), {3, 9, 9}, GR_OK, 0, NULL},
    {"bytes, past it", GR_STR_INIT("[10]"), {3, 9, 9}, GR_ELIMIT, 3, "longer than allowed"},
    {"depth, at it", GR_STR_INIT("[{}]"), {99, 2, 9}, GR_OK, 0, NULL},
    {"depth, past it", GR_STR_INIT("[{\"a\":[]}]"), {99, 2, 9}, GR_ELIMIT, 6, "nested too deeply"},
    {"no depth", GR_STR_INIT("1"), {99, 0, 9}, GR_OK, 0, NULL},
    {"values, at it", GR_STR_INIT("{\"a\":1,\"b\":2}"), {99, 9, 3}, GR_OK, 0, NULL},
    {"values, past it", GR_STR_INIT("{\"a\":1,\"b\":[]}"), {99, 9, 2}, GR_ELIMIT, 11, "too many values"},
    {"digits, at it",
     GR_STR_INIT("[123456789012345678901234567890123456789012345678901234567890123]"),
     {99, 9, 9},
     GR_OK,
     0,
     NULL},
    {"digits, past it",
     GR_STR_INIT("[1234567890123456789012345678901234567890123456789012345678901234]"),
     {99, 9, 9},
     GR_ELIMIT,
     1,
     "a number with too many digits"},
    {"infinite number",
     GR_STR_INIT("[1, {\"a\": [2, -1e999]}, 3]"),
     {99, 9, 9},
     GR_ELIMIT,
     14,
     "a number too large"},
    {"tiny number", GR_STR_INIT("1e-999"), {99, 9, 9}, GR_OK, 0, NULL},
    {"duplicate",
     GR_STR_INIT("{\"a\":1,\"b\":2,\"a\":3}"),
     {99, 9, 9},
     GR_ESYNTAX,
     13,
     "a key that was there before"},
    {"duplicate inside",
     GR_STR_INIT("[{\"x\":[{}]}, {\"a\":{\"b\":{\"c\":1}, \"b\":2}}]"),
     {99, 9, 20},
     GR_ESYNTAX,
     32,
     "a key that was there before"},
    {"duplicate behind a map",
     GR_STR_INIT("{\"a\":{\"a\":{\"a\":1}},\"a\":2}"),
     {99, 9, 9},
     GR_ESYNTAX,
     19,
     "a key that was there before"},
    {"the first of two",
     GR_STR_INIT("{\"b\":1,\"a\":1,\"a\":1,\"b\":1}"),
     {99, 9, 9},
     GR_ESYNTAX,
     13,
     "a key that was there before"},
    {"same key, other map", GR_STR_INIT("[{\"a\":1},{\"a\":1}]"), {99, 9, 9}, GR_OK, 0, NULL},
    {"NUL escape",
     GR_STR_INIT("[\"a\\u0000b\"]"),
     {99, 9, 9},
     GR_ESYNTAX,
     3,
     "text must not contain a NUL character"},
    {"no NUL escape", GR_STR_INIT("[\"a\\\\u0000b\"]"), {99, 9, 9}, GR_OK, 0, NULL},
    {"NUL byte", GR_STR_INIT("1\x00"), {99, 9, 9}, GR_ESYNTAX, 1, "nothing is allowed behind the value"},
    {"invalid UTF-8",
     GR_STR_INIT("\"\xc0\xaf\""),
     {99, 9, 9},
     GR_ESYNTAX,
     1,
     "this byte is not valid UTF-8 here"},
    {"nothing", GR_STR_INIT(""), {99, 9, 9}, GR_ESYNTAX, 0, "the text ends where a value is expected"},
};

START_TEST(parses_as_the_table_says)
{
    struct gr_str text = exact(rows[_i].text);
    struct gr_json_error error = {SIZE_MAX, NULL};
    cJSON *json = NULL;
    enum gr_err err = gr_json_parse(text, &rows[_i].limits, &json, &error);

    ck_assert_msg(err == rows[_i].want, "%s: %s", rows[_i].name, gr_err_name(err));
    if (err == GR_OK) {
        ck_assert_ptr_nonnull(json);
        ck_assert_ptr_null(error.message);
    } else {
        ck_assert_ptr_null(json);
        ck_assert_str_eq(error.message, rows[_i].message);
        ck_assert_msg(error.offset == rows[_i].offset, "%s: offset %zu", rows[_i].name, error.offset);
    }
    cJSON_Delete(json);
    gr_sys.free((void *)(uintptr_t)text.p);
}
END_TEST

static cJSON *
parse(const char *text)
{
    struct gr_json_limits limits = {10u << 20, 1000, 1000000};
    struct gr_json_error error;
    cJSON *json = NULL;
    enum gr_err err = gr_json_parse(gr_str(text), &limits, &json, &error);

    ck_assert_int_eq(err, GR_OK);
    return json;
}

/* cJSON's own depth is ours. */
START_TEST(deepest)
{
    struct gr_buf text = GR_BUF_INIT(10000);
    struct gr_json_limits limits = {10000, 5000, 5000};
    struct gr_json_error error;

    for (size_t depth = 1000; depth <= 1001; depth++) {
        cJSON *json = NULL;

        gr_buf_reset(&text);
        for (size_t i = 0; i < depth; i++)
            gr_buf_putc(&text, '[');
        for (size_t i = 0; i < depth; i++)
            gr_buf_putc(&text, ']');
        ck_assert_int_eq(gr_json_parse(gr_buf_str(&text), &limits, &json, &error),
                         depth > 1000 ? GR_ELIMIT : GR_OK);
        cJSON_Delete(json);
    }
    gr_buf_fini(&text);
}
END_TEST

/* 100 000 keys: a comparison of each with each would run into the time limit. */
START_TEST(large_object)
{
    struct gr_buf text = GR_BUF_INIT(10u << 20);
    struct gr_json_limits limits = {10u << 20, 10, 1000000};
    struct gr_json_error error;
    cJSON *json = NULL;
    size_t last;

    gr_buf_putc(&text, '{');
    for (size_t i = 0; i < 100000; i++)
        gr_buf_printf(&text, "\"k%zu\":%zu,", i, i);
    last = text.n;
    gr_buf_puts(&text, "\"k\":0}");
    ck_assert_int_eq(gr_json_parse(gr_buf_str(&text), &limits, &json, &error), GR_OK);
    cJSON_Delete(json);
    gr_buf_cut(&text, last);
    gr_buf_puts(&text, "\"k7\":0}");
    ck_assert_int_eq(gr_json_parse(gr_buf_str(&text), &limits, &json, &error), GR_ESYNTAX);
    ck_assert_uint_eq(error.offset, last);
    gr_buf_fini(&text);
}
END_TEST

START_TEST(failing_allocations)
{
    const char *text =
        "{\"a\":[1,\"b\\n\",null],\"b\":{\"c\":true},\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,"
        "\"i\":0,\"j\":0,\"k\":0,\"l\":0,\"m\":0,\"n\":0,\"o\":0,\"p\":0,\"q\":0,\"r\":0}";
    struct gr_json_limits limits = {10000, 10, 100};
    struct gr_json_error error;
    bool fired = true;

    for (size_t nth = 1; fired; nth++)
        for (int on = 0; on < 2; on++) {
            cJSON *json = NULL;
            enum gr_err err;

            failing_start(nth, on);
            err = gr_json_parse(gr_str(text), &limits, &json, &error);
            cJSON_Delete(json);
            fired = failing_stop();
            ck_assert_int_eq(err, fired ? GR_ENOMEM : GR_OK);
            ck_assert_int_eq(json != NULL, err == GR_OK);
        }
}
END_TEST

START_TEST(look_ups)
{
    cJSON *json = parse("{\"a\": \"x\", \"A\": 1, \"e\": \"\", \"l\": [\"a\"], \"n\": null}");

    ck_assert(gr_str_is(gr_json_str(json, "a"), "x"));
    ck_assert_ptr_nonnull(gr_json_str(json, "e").p);
    ck_assert_uint_eq(gr_json_str(json, "e").n, 0);
    ck_assert_ptr_null(gr_json_str(json, "A").p);
    ck_assert_ptr_null(gr_json_str(json, "n").p);
    ck_assert_ptr_null(gr_json_str(json, "none").p);
    ck_assert(cJSON_IsNumber(gr_json_get(json, "A")));
    ck_assert_ptr_null(gr_json_get(json, "N"));
    ck_assert_ptr_null(gr_json_get(gr_json_get(json, "l"), "a"));
    ck_assert_ptr_null(gr_json_get(NULL, "a"));
    ck_assert_ptr_null(gr_json_str(NULL, "a").p);
    cJSON_Delete(json);
}
END_TEST

static const struct {
    const char *text;
    int64_t min, max;
    enum gr_err want;
    int64_t value;
} int_rows[] = {
    {"{\"v\":5}", 0, 10, GR_OK, 5},
    {"{\"v\":0}", 0, 10, GR_OK, 0},
    {"{\"v\":10}", 0, 10, GR_OK, 10},
    {"{\"v\":11}", 0, 10, GR_ERANGE, 0},
    {"{\"v\":-1}", 0, 10, GR_ERANGE, 0},
    {"{\"v\":-7}", -10, 10, GR_OK, -7},
    {"{\"v\":1.5}", 0, 10, GR_ERANGE, 0},
    {"{\"v\":1e1}", 0, 10, GR_OK, 10},
    {"{\"v\":9007199254740992}", INT64_MIN, INT64_MAX, GR_OK, 9007199254740992},
    {"{\"v\":9007199254740994}", INT64_MIN, INT64_MAX, GR_ERANGE, 0},
    {"{\"v\":-9007199254740992}", INT64_MIN, INT64_MAX, GR_OK, -9007199254740992},
    {"{\"v\":1e300}", INT64_MIN, INT64_MAX, GR_ERANGE, 0},
    {"{\"v\":\"5\"}", 0, 10, GR_ERANGE, 0},
    {"{\"v\":null}", 0, 10, GR_ERANGE, 0},
    {"{\"V\":5}", 0, 10, GR_ENOENT, 0},
    {"[5]", 0, 10, GR_ENOENT, 0},
};

START_TEST(integers)
{
    cJSON *json = parse(int_rows[_i].text);
    int64_t got = -99;

    ck_assert_int_eq(gr_json_i64(json, "v", int_rows[_i].min, int_rows[_i].max, &got), int_rows[_i].want);
    ck_assert_int_eq(got, int_rows[_i].want == GR_OK ? int_rows[_i].value : -99);
    cJSON_Delete(json);
}
END_TEST

Suite *
json_suite(void)
{
    Suite *s = suite_create("json");
    TCase *tc = tcase_create("json");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, parses_as_the_table_says, 0, GR_COUNT(rows));
    tcase_add_test(tc, deepest);
    tcase_add_test(tc, large_object);
    tcase_add_test(tc, failing_allocations);
    tcase_add_test(tc, look_ups);
    tcase_add_loop_test(tc, integers, 0, GR_COUNT(int_rows));
    suite_add_tcase(s, tc);
    return s;
}
