#include "config.h"
#include "fixture.h"
#include "test_webhook.h"

static const struct key_row {
    const char *name, *labels, *key;
} key_rows[] = {
    {"none", "", "-"},
    {"one", "cluster=equities", "cluster=equities"},
    {"sorted", "venue=XNAS,cluster=a.b_c-d", "cluster=a.b_c-d,venue=XNAS"},
    {"an empty value is a dash", "venue=", "venue=-"},
    {"so a dash is escaped", "venue=-", "venue=%2D"},
    {"what separates is escaped", "a=x/y%z", "a=x%2Fy%25z"},
    {"blanks and bytes above ASCII", "a=\xc3\xa9 !", "a=%C3%A9%20%21"},
};

START_TEST(keys_are_canonical)
{
    const struct key_row *r = &key_rows[_i];
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_buf b = GR_BUF_INIT(1024);

    labels_print_key(&b, fixture_labels(a, r->labels));
    ck_assert_msg(gr_str_is(gr_buf_str(&b), r->key), "%s: %s", r->name, gr_buf_cstr(&b));
    gr_buf_fini(&b);
    gr_arena_free(a);
}
END_TEST

static const struct set_row {
    const char *a, *b;
    bool equal, within;
} set_rows[] = {
    {"", "", true, true},
    {"", "x=1", false, true},
    {"x=1", "", false, false},
    {"x=1", "x=1", true, true},
    {"x=1", "x=2", false, false},
    {"x=1", "y=1", false, false},
    {"x=1", "x=1,y=2", false, true},
    {"x=", "y=2", false, false}, /* an absent label is not an empty one */
    {"x=", "x=", true, true},
};

START_TEST(sets_compare)
{
    const struct set_row *r = &set_rows[_i];
    struct gr_arena *arena = gr_arena_create(1 << 20);
    struct label_set a = fixture_labels(arena, r->a), b = fixture_labels(arena, r->b);

    ck_assert_int_eq(labels_equal(a, b), r->equal);
    ck_assert_int_eq(labels_equal(b, a), r->equal);
    ck_assert_int_eq(labels_within(a, b), r->within);
    gr_arena_free(arena);
}
END_TEST

START_TEST(a_name_twice_is_refused)
{
    struct label items[] = {{GR_STR_INIT("b"), GR_STR_INIT("1")},
                            {GR_STR_INIT("a"), GR_STR_INIT("2")},
                            {GR_STR_INIT("b"), GR_STR_INIT("3")}};

    ck_assert_int_eq(labels_sort(items, 3), GR_EEXIST);
    ck_assert_int_eq(labels_sort(items, 2), GR_OK);
}
END_TEST

START_TEST(picks_what_is_there)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct label_set all = fixture_labels(a, "a=1,b=2,c=3"), got;
    const struct gr_str names[] = {GR_STR_INIT("c"), GR_STR_INIT("x"), GR_STR_INIT("a")};

    ck_assert_int_eq(labels_pick(a, all, names, GR_COUNT(names), &got), GR_OK);
    ck_assert(labels_equal(got, fixture_labels(a, "a=1,c=3")));
    ck_assert(gr_str_is(got.items[0].name, "a")); /* sorted as well */
    ck_assert_ptr_null(labels_get(all, GR_STR("x")).p);
    gr_arena_free(a);
}
END_TEST

START_TEST(prints_for_people)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_buf b = GR_BUF_INIT(64);

    labels_print(&b, fixture_labels(a, "venue=X Y,cluster=e"));
    ck_assert_str_eq(gr_buf_cstr(&b), "cluster=e, venue=X Y");
    gr_buf_fini(&b);
    gr_arena_free(a);
}
END_TEST

Suite *
labels_suite(void)
{
    Suite *s = suite_create("labels");
    TCase *tc = tcase_create("labels");

    tcase_add_loop_test(tc, keys_are_canonical, 0, GR_COUNT(key_rows));
    tcase_add_loop_test(tc, sets_compare, 0, GR_COUNT(set_rows));
    tcase_add_test(tc, a_name_twice_is_refused);
    tcase_add_test(tc, picks_what_is_there);
    tcase_add_test(tc, prints_for_people);
    suite_add_tcase(s, tc);
    return s;
}
