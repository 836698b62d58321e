#include "config.h"
#include "test_compiler.h"

#include <signal.h>
#include "jsonstream.h"

#define WANT                                                                                                 \
    "{\n  \"text\": \"a\\\"b\",\n  \"number\": 0.005,\n  \"yes\": true,\n  \"none\": [],\n  \"list\": [\n"   \
    "    1,\n    {\n      \"empty\": \"\",\n      \"inner\": {\n        \"\": 1\n      }\n    },\n    "      \
    "false\n  ],\n  \"last\": "                                                                              \
    "-7\n}\n"

#define FLAT                                                                                                 \
    "{\n  \"text\": \"a\\\"b\",\n  \"number\": 0.005,\n  \"yes\": true,\n  \"none\": [],\n"                  \
    "  \"list\": [1, {\"empty\": \"\", \"inner\": {\"\": 1}}, false],\n  \"last\": -7\n}\n"

static void
build(struct gr_buf *b, uint32_t flat)
{
    struct jsonstream j;
    struct json_at root = jsonstream_begin(&j, b), list, object;

    j.flat = flat;
    jsonstream_str(&j, root, GR_STR("text"), GR_STR("a\"b"));
    jsonstream_num(&j, root, GR_STR("number"), 0.005);
    jsonstream_bool(&j, root, GR_STR("yes"), true);
    (void)jsonstream_array(&j, root, GR_STR("none"));
    list = jsonstream_array(&j, root, GR_STR("list"));
    jsonstream_num(&j, list, GR_STR_NONE, 1);
    object = jsonstream_object(&j, list, GR_STR_NONE);
    jsonstream_str(&j, object, GR_STR("empty"), GR_STR_NONE);
    jsonstream_num(&j, jsonstream_object(&j, object, GR_STR("inner")), GR_STR_NONE, 1);
    jsonstream_bool(&j, list, GR_STR_NONE, false);
    jsonstream_num(&j, root, GR_STR("last"), -7);
    jsonstream_end(&j);
}

START_TEST(text_is_written)
{
    struct gr_buf b = GR_BUF_INIT(1000), small = GR_BUF_INIT(40);

    build(&b, 9);
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&b), WANT);
    gr_buf_reset(&b);
    build(&b, 1);
    ck_assert_str_eq(gr_buf_cstr(&b), FLAT);
    build(&small, 9);
    ck_assert_int_eq(gr_buf_err(&small), GR_ELIMIT);
    gr_buf_fini(&b);
    gr_buf_fini(&small);
}
END_TEST

/* Adding to a closed object, with a key to a list, too deep: bugs of the caller. */
START_TEST(misuse_is_a_bug)
{
    struct gr_buf b = GR_BUF_INIT(1000);
    struct jsonstream j;
    struct json_at root = jsonstream_begin(&j, &b), first = jsonstream_array(&j, root, GR_STR("a")), second;

    second = jsonstream_array(&j, root, GR_STR("b"));
    if (_i == 0)
        jsonstream_num(&j, first, GR_STR_NONE, 1);
    if (_i == 1)
        jsonstream_num(&j, second, GR_STR("key"), 1);
    for (int i = 0; i < 20; i++)
        second = jsonstream_array(&j, second, GR_STR_NONE);
}
END_TEST

Suite *
jsonstream_suite(void)
{
    Suite *s = suite_create("jsonstream");
    TCase *tc = tcase_create("build");

    tcase_add_test(tc, text_is_written);
    if (getenv("CK_FORK") == NULL)
        tcase_add_loop_test_raise_signal(tc, misuse_is_a_bug, SIGABRT, 0, 3);
    suite_add_tcase(s, tc);
    return s;
}
