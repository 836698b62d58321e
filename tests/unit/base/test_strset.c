#include "config.h"
#include "test_base.h"

#include <stdio.h>
#include "guardrail/strset.h"

START_TEST(each_text_is_kept_once)
{
    struct gr_arena *a = gr_arena_create(1u << 24);
    struct gr_strset set = GR_STRSET_INIT(a);
    struct gr_strset_entry *first[1000], *e;
    char text[64];

    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 1000; i++) {
            int n =
                snprintf(text, sizeof text, "%.*s%d", i % 40, "0123456789012345678901234567890123456789", i);

            e = gr_strset_add(&set, (struct gr_str){text, (size_t)n});
            ck_assert_ptr_nonnull(e);
            first[i] = round == 0 ? e : first[i];
            ck_assert_ptr_eq(e, first[i]); /* also after the table grew */
            ck_assert_str_eq(e->text.p, text);
            ck_assert_uint_eq(e->uses, (size_t)round + 1);
        }
    ck_assert_uint_eq(set.count, 1000);
    ck_assert_uint_eq(set.n_slots, 2048);
    e = gr_strset_add(&set, GR_STR_NONE);
    ck_assert(e && e->text.n == 0);
    ck_assert_ptr_eq(gr_strset_add(&set, GR_STR("")), e);
    ck_assert_ptr_ne(gr_strset_add(&set, GR_STR("a\0b")), gr_strset_add(&set, GR_STR("a\0c")));
    gr_arena_free(a);
}
END_TEST

/* A text that collides with too many others takes the place of one: both stay valid, only kept twice when they come again. */
START_TEST(collisions_are_bounded)
{
    struct gr_arena *a = gr_arena_create(1u << 24);
    struct gr_strset_entry taken = {.hash = 1, .text = GR_STR("taken")}, *e;
    struct gr_strset set = {
        .arena = a, .n_slots = 64, .slots = gr_arena_array(a, 64, sizeof(struct gr_strset_entry *))};

    for (size_t i = 0; i < 64; i++)
        set.slots[i] = &taken;
    e = gr_strset_add(&set, GR_STR("new"));
    ck_assert(e && gr_str_is(e->text, "new") && e->uses == 1);
    ck_assert_ptr_eq(gr_strset_add(&set, GR_STR("new")), e);
    ck_assert_uint_eq(e->uses, 2);
    ck_assert_uint_eq(set.count, 0);
    gr_arena_free(a);
}
END_TEST

START_TEST(memory_ends)
{
    bool enough = false;

    for (size_t ceiling = 0; !enough; ceiling += 8) {
        struct gr_arena *a = gr_arena_create(ceiling);
        struct gr_strset set = GR_STRSET_INIT(a);
        struct gr_strset_entry *e = gr_strset_add(&set, GR_STR("text"));

        enough = e != NULL;
        ck_assert_int_eq(enough, gr_arena_status(a) == GR_OK);
        ck_assert_uint_le(set.count, enough ? 1 : 0);
        gr_arena_free(a);
        ck_assert_uint_lt(ceiling, 1u << 16);
    }
}
END_TEST

Suite *
strset_suite(void)
{
    Suite *s = suite_create("strset");
    TCase *tc = tcase_create("strset");

    tcase_add_test(tc, each_text_is_kept_once);
    tcase_add_test(tc, collisions_are_bounded);
    tcase_add_test(tc, memory_ends);
    suite_add_tcase(s, tc);
    return s;
}
