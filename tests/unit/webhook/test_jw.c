#include "config.h"
#include "test_webhook.h"

#include <math.h>
#include "fixture.h"
#include "webhook/jread.h"
#include "webhook/jw.h"

START_TEST(written_and_read_back)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_buf b = GR_BUF_INIT(4096);
    struct jw w = JW_INIT(&b);
    const struct gr_node *root = NULL;

    jw_open(&w, NULL, '{');
    jw_text(&w, "s", "a\"b\n");
    jw_text(&w, "none", NULL);
    jw_i64(&w, "i", INT64_C(-42));
    jw_double(&w, "d", 0.5);
    jw_double(&w, "nan", (double)NAN);
    jw_bool(&w, "t", true);
    jw_time(&w, "at", INT64_C(1795435509123));
    jw_time(&w, "never", 0);
    jw_open(&w, "list", '[');
    jw_i64(&w, NULL, 1);
    jw_open(&w, NULL, '{');
    jw_close(&w, '}');
    jw_close(&w, ']');
    jw_labels(&w, "labels", fixture_labels(a, "b=2,a=1"));
    jw_raw(&w, "raw", GR_STR("[1]"));
    jw_close(&w, '}');
    ck_assert_str_eq(gr_buf_cstr(&b),
                     "{\"s\":\"a\\\"b\\n\",\"none\":null,\"i\":-42,\"d\":0.5,\"nan\":null,\"t\":true,"
                     "\"at\":\"2026-11-23T12:05:09Z\",\"never\":null,\"list\":[1,{}],"
                     "\"labels\":{\"a\":\"1\",\"b\":\"2\"},\"raw\":[1]}");
    ck_assert_int_eq(jread(a, gr_buf_str(&b), &root), GR_OK);
    ck_assert(gr_str_is(jread_str(root, "s"), "a\"b\n"));
    ck_assert(gr_str_is(jread_str(root, "none"), ""));
    ck_assert(gr_str_is(jread_str(root, "absent"), ""));
    ck_assert_int_eq(jread_i64(root, "i", 0), -42);
    ck_assert_int_eq(jread_i64(root, "s", 7), 7);
    ck_assert(fabs(jread_double(root, "d", 0) - 0.5) < 1e-12);
    ck_assert(isnan(jread_double(root, "nan", (double)NAN)));
    ck_assert(jread_bool(root, "t") && !jread_bool(root, "absent"));
    ck_assert(labels_equal(jread_labels(a, root, "labels"), fixture_labels(a, "a=1,b=2")));
    ck_assert_uint_eq(jread_labels(a, root, "list").count, 0);
    gr_buf_fini(&b);
    gr_arena_free(a);
}
END_TEST

START_TEST(no_json)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    const struct gr_node *root = NULL;

    ck_assert_int_eq(jread(a, GR_STR("{"), &root), GR_EUSER);
    ck_assert_ptr_null(root);
    ck_assert(gr_str_is(jread_str(NULL, "x"), ""));
    gr_arena_free(a);
}
END_TEST

Suite *
jw_suite(void)
{
    Suite *suite = suite_create("jw");
    TCase *tc = tcase_create("jw");

    tcase_add_test(tc, written_and_read_back);
    tcase_add_test(tc, no_json);
    suite_add_tcase(suite, tc);
    return suite;
}
