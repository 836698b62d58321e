/* test_rulefile.c - building the model: order, replaced pairs, failing memory. */
#include "config.h"
#include "test_rules.h"

#include "guardrail/rulefile.h"

START_TEST(builds_in_order)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_rule_group *g = gr_rulefile_group(f, GR_STR("g"), 120000);
    char name[] = "r0";
    struct gr_rule *r = NULL;

    for (int i = 0; i < 20; i++) {
        name[1] = (char)('a' + i);
        r = gr_rulefile_rule(f, g, GR_RULE_RECORD, gr_str(name), GR_STR("up"));
        ck_assert_ptr_nonnull(r);
    }
    ck_assert_uint_eq(f->count, 1);
    ck_assert_uint_eq(g->count, 20);
    ck_assert(gr_str_is(g->rules[0]->name, "ra")); /* texts are copied */
    ck_assert(g->rules[19] == r);
    gr_rule_label(f, r, GR_STR("a"), GR_STR("1"));
    gr_rule_label(f, r, GR_STR("b"), GR_STR("2"));
    gr_rule_label(f, r, GR_STR("a"), GR_STR("3"));
    ck_assert_uint_eq(r->labels.count, 2);
    ck_assert(gr_str_is(r->labels.items[0].value, "3"));
    gr_arena_free(a);
}
END_TEST

START_TEST(null_is_passed_on)
{
    ck_assert_ptr_null(gr_rulefile_group(NULL, GR_STR("g"), 0));
    ck_assert_ptr_null(gr_rulefile_rule(NULL, NULL, GR_RULE_ALERT, GR_STR("r"), GR_STR("up")));
    gr_rule_label(NULL, NULL, GR_STR("a"), GR_STR("b"));
    gr_rule_annotation(NULL, NULL, GR_STR("a"), GR_STR("b"));
    gr_rule_comment(NULL, NULL, GR_STR("a"));
    gr_rule_group_comment(NULL, NULL, GR_STR("a"));
}
END_TEST

/* Every allocation fails once; the arena remembers. */
START_TEST(memory_ends)
{
    enum gr_err err = GR_ENOMEM;

    for (size_t ceiling = 0; err != GR_OK; ceiling += 8) {
        struct gr_arena *a = gr_arena_create(ceiling);
        struct gr_rulefile *f = gr_rulefile_create(a);
        struct gr_rule_group *g = gr_rulefile_group(f, GR_STR("group"), 0);
        struct gr_rule *r = gr_rulefile_rule(f, g, GR_RULE_ALERT, GR_STR("rule"), GR_STR("up"));

        gr_rule_label(f, r, GR_STR("label"), GR_STR("value"));
        gr_rule_annotation(f, r, GR_STR("annotation"), GR_STR("value"));
        gr_rule_comment(f, r, GR_STR("comment"));
        gr_rule_group_comment(f, g, GR_STR("comment"));
        err = gr_arena_status(a);
        if (err == GR_OK)
            ck_assert(r && r->labels.count == 1 && r->annotations.count == 1 && r->comment.n > 0 &&
                      g->comment.n > 0);
        gr_arena_free(a);
        ck_assert_uint_lt(ceiling, 1 << 16);
    }
}
END_TEST

Suite *
rulefile_suite(void)
{
    Suite *s = suite_create("rulefile");
    TCase *tc = tcase_create("model");

    tcase_add_test(tc, builds_in_order);
    tcase_add_test(tc, null_is_passed_on);
    tcase_add_test(tc, memory_ends);
    suite_add_tcase(s, tc);
    return s;
}
