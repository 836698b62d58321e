#include "config.h"
#include "test_compiler.h"

#include "../base/failing.h"
#include "jsonout.h"

static enum gr_err
build(struct gr_buf *b)
{
    struct jsonout j;
    cJSON *root, *list, *object;

    jsonout_init(&j);
    root = jsonout_root(&j);
    jsonout_cstr(&j, root, "text", "a");
    jsonout_str(&j, root, "slice", gr_str_sub(GR_STR("xabcx"), 1, 4));
    jsonout_fmt(&j, root, "format", "%d/%s", 7, "x");
    jsonout_num(&j, root, "number", 0.005);
    jsonout_bool(&j, root, "yes", true);
    jsonout_null(&j, root, "nothing");
    list = jsonout_array(&j, root, jsonout_key(&j, GR_STR("list")));
    jsonout_num(&j, list, NULL, 1);
    object = jsonout_object(&j, list, NULL);
    jsonout_str(&j, object, "empty", GR_STR_NONE);
    return jsonout_finish(&j, root, b);
}

#define WANT                                                                                                 \
    "{\n  \"text\": \"a\",\n  \"slice\": \"abc\",\n  \"format\": \"7/x\",\n  \"number\": 0.005,\n  "         \
    "\"yes\": true,\n"                                                                                       \
    "  \"nothing\": null,\n  \"list\": [\n    1,\n    {\n      \"empty\": \"\"\n    }\n  ]\n}\n"

START_TEST(tree_is_built)
{
    struct gr_buf b = GR_BUF_INIT(1000);

    ck_assert_int_eq(build(&b), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&b), WANT);
    gr_buf_fini(&b);
}
END_TEST

/* Once and from then on: never half a tree, never a leak (sanitizers see that). */
START_TEST(every_allocation_fails)
{
    bool more = true;
    size_t nth = 0;

    while (more) {
        struct gr_buf b = GR_BUF_INIT(1000);
        enum gr_err err;

        failing_start(++nth, _i == 1);
        err = build(&b);
        more = failing_stop();
        ck_assert_int_eq(err, more ? GR_ENOMEM : GR_OK);
        ck_assert(more || gr_str_is(gr_buf_str(&b), WANT));
        gr_buf_fini(&b);
    }
    ck_assert_uint_gt(nth, 15);
}
END_TEST

START_TEST(output_is_bounded)
{
    struct gr_buf b = GR_BUF_INIT(10);

    ck_assert_int_eq(build(&b), GR_ELIMIT);
    gr_buf_fini(&b);
}
END_TEST

Suite *
jsonout_suite(void)
{
    Suite *s = suite_create("jsonout");
    TCase *tc = tcase_create("build");

    tcase_add_test(tc, tree_is_built);
    tcase_add_loop_test(tc, every_allocation_fails, 0, 2);
    tcase_add_test(tc, output_is_bounded);
    suite_add_tcase(s, tc);
    return s;
}
