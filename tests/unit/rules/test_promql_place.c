/* test_promql_place.c - findings point into the file, whatever the scalar's style. The word to find is $,
 * which PromQL has not. */
#include "config.h"
#include "test_rules.h"

#include "guardrail/node.h"

static const struct row {
    const char *name, *yaml, *place; /* place: what the finding starts with */
} rows[] = {
    {"plain", "e: a + $\n", "f:1:8:"},
    {"quoted", "e: \"a + $\"\n", "f:1:9:"},
    {"single quotes", "e: 'a + $'\n", "f:1:9:"},
    {"escaped quotes", "e: \"a{b=\\\"c\\\"} + $\"\n", "f:1:18:"},
    {"doubled quotes", "e: 'a{b=''c''} + $'\n", "f:1:18:"},
    {"escaped line end", "e: \"a +\\n$\"\n", "f:1:10:"},
    {"literal block", "e: |\n  a\n    + $\n", "f:3:7:"},
    {"literal block, stripped", "e: |-\n  a + b\n\n  + $\n", "f:4:5:"},
    {"folded block", "e: >-\n  a{b=\"c d\"}\n  + $\n", "f:3:5:"},
    {"folded block with a comment behind the indicator", "e: >- # x\n  a\n  + $\n", "f:3:5:"},
    {"folded block, more indented", "e: >\n  a\n    + b\n  + $\n", "f:4:5:"},
    {"plain on two lines", "e: a\n  + $\n", "f:2:5:"},
    {"quoted on two lines", "e: \"a\n  + $\"\n", "f:2:5:"},
    {"two bytes a character", "e: |\n  a{b=\"\xc3\xa9\"}\n  + $\n", "f:3:5:"},
    {"another escape: the whole scalar", "e: \"a{b=\\\"\\x41\\\"} + $\"\n", "f:1:4:"},
};

START_TEST(places)
{
    const struct row *r = &rows[_i];
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_buf b = GR_BUF_INIT(1 << 16);
    struct gr_promql *e = NULL;
    struct gr_node *root = NULL;
    const struct gr_node *node;
    uint32_t file;

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f"), gr_str(r->yaml), &file), GR_OK);
    ck_assert_int_eq(gr_yaml_read(a, sources, file, &gr_node_limits_default, diags, &root), GR_OK);
    node = gr_node_get(root, "e");
    ck_assert_int_eq(gr_promql_parse(a, node->text, node->span, diags, &e), GR_EUSER);
    gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &b);
    ck_assert_msg(strncmp(gr_buf_cstr(&b), r->place, strlen(r->place)) == 0, "%s: %s", r->name,
                  gr_buf_cstr(&b));
    gr_buf_fini(&b);
    gr_diags_free(diags);
    gr_sources_free(sources);
    gr_arena_free(a);
}
END_TEST

START_TEST(end_of_a_block)
{
    struct parsed p;
    struct gr_promql *e = NULL;
    struct gr_str file = GR_STR("|\n  foo +\n  bar\n");

    parsed_init(&p, file);
    ck_assert_int_eq(gr_promql_parse(p.arena, GR_STR("foo +\nbar\n"),
                                     (struct gr_span){1, 0, (uint32_t)file.n}, p.diags, &e),
                     GR_OK);
    ck_assert_uint_eq(e->child[1]->where.start, 12);
    ck_assert_uint_eq(e->child[1]->where.end, 15);
    parsed_fini(&p);
}
END_TEST

Suite *
promql_place_suite(void)
{
    Suite *s = suite_create("promql_place");
    TCase *tc = tcase_create("yaml");

    tcase_add_loop_test(tc, places, 0, GR_COUNT(rows));
    tcase_add_test(tc, end_of_a_block);
    suite_add_tcase(s, tc);
    return s;
}
