#include "config.h"
#include "guardrail/json.h"

#include <math.h>

#include "failing.h"
#include "guardrail/node.h"
#include "test_base.h"
#include "tree.h"

static const struct {
    const char *text, *pretty, *canonical;
} rows[] = {
    {"null", "null\n", "null"},
    {" true", "true\n", "true"},
    {"false ", "false\n", "false"},
    {"\"a\\u0041\\n\"", "\"aA\\n\"\n", "\"aA\\n\""},
    {"\"\"", "\"\"\n", "\"\""},
    {"[]", "[]\n", "[]"},
    {"{}", "{}\n", "{}"},
    {"[1,2]", "[\n  1,\n  2\n]\n", "[1,2]"},
    {"{\"b\":1,\"a\":[],\"aa\":{}}", "{\n  \"b\": 1,\n  \"a\": [],\n  \"aa\": {}\n}\n",
     "{\"a\":[],\"aa\":{},\"b\":1}"},
    {"{\"a\":{\"d\":[{}],\"c\":null}}",
     "{\n  \"a\": {\n    \"d\": [\n      {}\n    ],\n    \"c\": null\n  }\n}\n",
     "{\"a\":{\"c\":null,\"d\":[{}]}}"},
    {"{\"\xc3\xa4\":1,\"z\":2,\"Z\":3,\"\":4}",
     "{\n  \"\xc3\xa4\": 1,\n  \"z\": 2,\n  \"Z\": 3,\n  \"\": 4\n}\n",
     "{\"\":4,\"Z\":3,\"z\":2,\"\xc3\xa4\":1}"},
    {"0", "0\n", "0"},
    {"-0", "0\n", "0"},
    {"-1", "-1\n", "-1"},
    {"1e3", "1000\n", "1000"},
    {"0.1", "0.1\n", "0.1"},
    {"1.5e-7", NULL, NULL},
    {"9007199254740992", "9007199254740992\n", "9007199254740992"},
    {"-9007199254740992", "-9007199254740992\n", "-9007199254740992"},
    {"1e300", NULL, NULL},
    {"[0.3333333333333333, 2.2250738585072014e-308, 1.7976931348623157e308, 5e-324]", NULL, NULL},
};

static cJSON *
parse(struct gr_str text)
{
    struct gr_json_limits limits = {10000, 100, 1000};
    struct gr_json_error error;
    cJSON *json = NULL;
    enum gr_err err = gr_json_parse(text, &limits, &json, &error);

    ck_assert_int_eq(err, GR_OK);
    return json;
}

START_TEST(prints_as_the_table_says)
{
    struct gr_buf pretty = GR_BUF_INIT(10000), canonical = GR_BUF_INIT(10000);
    cJSON *json = parse(gr_str(rows[_i].text));

    gr_json_print(&pretty, json);
    gr_json_print_canonical(&canonical, json);
    if (rows[_i].pretty)
        ck_assert_str_eq(gr_buf_cstr(&pretty), rows[_i].pretty);
    if (rows[_i].canonical)
        ck_assert_str_eq(gr_buf_cstr(&canonical), rows[_i].canonical);
    cJSON_Delete(json);
    gr_buf_fini(&pretty);
    gr_buf_fini(&canonical);
}
END_TEST

/* Printed, read and printed again: the same tree, the same bytes. The pretty form, read by either reader, is the
 * same document: YAML takes JSON. */
START_TEST(round_trip)
{
    struct gr_buf first = GR_BUF_INIT(10000), second = GR_BUF_INIT(10000);
    struct gr_buf yaml = GR_BUF_INIT(10000), nodes = GR_BUF_INIT(10000);
    cJSON *json = parse(gr_str(rows[_i].text)), *again;

    gr_json_print(&first, json);
    again = parse(gr_buf_str(&first));
    ck_assert(cJSON_Compare(json, again, true));
    gr_json_print(&second, again);
    ck_assert_str_eq(gr_buf_cstr(&first), gr_buf_cstr(&second));
    ck_assert_int_eq(tree_read(&yaml, gr_yaml_read, gr_buf_str(&first), NULL, true), GR_OK);
    ck_assert_int_eq(tree_read(&nodes, gr_json_read, gr_buf_str(&first), NULL, true), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&yaml), gr_buf_cstr(&nodes));
    cJSON_Delete(again);
    gr_buf_reset(&first);
    gr_buf_reset(&second);
    gr_json_print_canonical(&first, json);
    again = parse(gr_buf_str(&first));
    gr_json_print_canonical(&second, again);
    ck_assert_str_eq(gr_buf_cstr(&first), gr_buf_cstr(&second));
    cJSON_Delete(again);
    cJSON_Delete(json);
    gr_buf_fini(&first);
    gr_buf_fini(&second);
    gr_buf_fini(&yaml);
    gr_buf_fini(&nodes);
}
END_TEST

START_TEST(what_json_cannot_say)
{
    struct gr_buf b = GR_BUF_INIT(1000);
    cJSON *json = cJSON_CreateArray();

    cJSON_AddItemToArray(json, cJSON_CreateNumber((double)NAN));
    cJSON_AddItemToArray(json, cJSON_CreateNumber(-HUGE_VAL));
    cJSON_AddItemToArray(json, cJSON_CreateString("\xff"));
    gr_json_print_canonical(&b, json);
    ck_assert_str_eq(gr_buf_cstr(&b), "[null,null,\"\xef\xbf\xbd\"]");
    cJSON_Delete(json);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(no_memory_or_room_is_an_error)
{
    cJSON *json = parse(GR_STR("{\"b\":[1,{\"d\":0,\"c\":0}],\"a\":2}"));
    struct gr_buf b = GR_BUF_INIT(1000);
    bool fired = true;

    for (size_t nth = 1; fired; nth++) {
        struct gr_buf out = GR_BUF_INIT(1000);

        failing_start(nth, false);
        gr_json_print_canonical(&out, json);
        fired = failing_stop();
        ck_assert_int_eq(gr_buf_err(&out), fired ? GR_ENOMEM : GR_OK);
        gr_buf_fini(&out);
    }
    gr_json_print(&b, json);
    for (size_t max = 0; max <= b.n; max++) {
        struct gr_buf out = GR_BUF_INIT(max);

        gr_json_print(&out, json);
        ck_assert_int_eq(gr_buf_err(&out), max < b.n ? GR_ELIMIT : GR_OK);
        gr_buf_fini(&out);
    }
    gr_buf_fini(&b);
    cJSON_Delete(json);
}
END_TEST

Suite *
json_print_suite(void)
{
    Suite *s = suite_create("json_print");
    TCase *tc = tcase_create("json_print");

    tcase_add_loop_test(tc, prints_as_the_table_says, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, round_trip, 0, GR_COUNT(rows));
    tcase_add_test(tc, what_json_cannot_say);
    tcase_add_test(tc, no_memory_or_room_is_an_error);
    suite_add_tcase(s, tc);
    return s;
}
