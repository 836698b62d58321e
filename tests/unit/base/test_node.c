#include "config.h"
#include "guardrail/node.h"

#include <stdio.h>

#include "failing.h"
#include "test_base.h"

#include "tree.h"

static const struct {
    const char *name;
    node_read_fn *read;
    const char *text;
    struct gr_node_limits limits;
    const char *want; /* the finding, or NULL: accepted */
} limit_rows[] = {
    {"YAML depth, at it", gr_yaml_read, "a: [b]", {2, 9, 9}, NULL},
    {"YAML depth, past it",
     gr_yaml_read,
     "a: [[b]]",
     {2, 9, 9},
     "GR0002@4<[> nested deeper than 2 levels +fix"},
    {"YAML depth of a key",
     gr_yaml_read,
     "? [[b]]",
     {2, 9, 9},
     "GR0002@3<[> nested deeper than 2 levels +fix"},
    {"YAML no depth", gr_yaml_read, "a", {0, 9, 9}, NULL},
    {"YAML values, at it", gr_yaml_read, "[a, b]", {9, 3, 9}, NULL},
    {"YAML values, past it",
     gr_yaml_read,
     "[a, b, é]",
     {9, 3, 9},
     "GR0002@7<é> more than 3 values in one document +fix"},
    {"YAML values in a list",
     gr_yaml_read,
     "[a, [], b]",
     {9, 2, 9},
     "GR0002@4<[> more than 2 values in one document +fix"},
    {"YAML text, at it", gr_yaml_read, "{abc: def}", {9, 9, 3}, NULL},
    {"YAML text, past it",
     gr_yaml_read,
     "{abc: defg}",
     {9, 9, 3},
     "GR0002@6<d> text of 4 bytes; at most 3 are allowed +fix"},
    {"YAML key, past it",
     gr_yaml_read,
     "{abcd: def}",
     {9, 9, 3},
     "GR0002@1<a> text of 4 bytes; at most 3 are allowed +fix"},
    {"YAML goes on behind long text",
     gr_yaml_read,
     "[abcd, *x]",
     {9, 9, 3},
     "GR0002@1<a> text of 4 bytes; at most 3 are allowed +fix; GR0005@7<*x> aliases are not allowed +fix"},
    {"YAML text counts decoded", gr_yaml_read, "\"\\u00e9\\u0041\"", {9, 9, 3}, NULL},
    {"JSON depth, at it", gr_json_read, "{\"a\": [1]}", {2, 9, 9}, NULL},
    {"JSON depth, past it",
     gr_json_read,
     "{\"a\": [{}]}",
     {2, 9, 9},
     "GR0002@7<{> nested deeper than 2 levels +fix"},
    {"JSON values, at it", gr_json_read, "[1, 2]", {9, 3, 9}, NULL},
    {"JSON values, past it",
     gr_json_read,
     "[1, 2, 3]",
     {9, 3, 9},
     "GR0002@7<3> more than 3 values in one document +fix"},
    {"JSON text, at it", gr_json_read, "{\"abc\": \"\\u00e9\\u0041\"}", {9, 9, 3}, NULL},
    {"JSON text, past it",
     gr_json_read,
     "\"abcd\"",
     {9, 9, 3},
     "GR0002@0<\"> text of 4 bytes; at most 3 are allowed +fix"},
    {"JSON number, past it",
     gr_json_read,
     "1234",
     {9, 9, 3},
     "GR0002@0<1> text of 4 bytes; at most 3 are allowed +fix"},
};

START_TEST(limits_hold)
{
    struct gr_buf got = GR_BUF_INIT(10000);
    enum gr_err err =
        tree_read(&got, limit_rows[_i].read, gr_str(limit_rows[_i].text), &limit_rows[_i].limits, false);

    ck_assert_int_eq(err, limit_rows[_i].want ? GR_EUSER : GR_OK);
    if (limit_rows[_i].want)
        ck_assert_msg(gr_str_is(gr_buf_str(&got), limit_rows[_i].want), "%s: %s", limit_rows[_i].name,
                      gr_buf_cstr(&got));
    gr_buf_fini(&got);
}
END_TEST

/* The default depth, and the scanner's own, with brackets that never close. */
START_TEST(deep_brackets_are_refused)
{
    static const struct {
        node_read_fn *read;
        size_t limit, count;
        enum gr_err want;
    } rows[] = {
        {gr_yaml_read, 32, 32, GR_OK},       {gr_yaml_read, 32, 33, GR_EUSER},
        {gr_json_read, 32, 32, GR_OK},       {gr_json_read, 32, 33, GR_EUSER},
        {gr_json_read, 9999, 1000, GR_OK},   {gr_json_read, 9999, 1001, GR_EUSER},
        {gr_yaml_read, 32, 50000, GR_EUSER}, {gr_json_read, 9999, 50000, GR_EUSER},
    };
    struct gr_buf text = GR_BUF_INIT(200000), got = GR_BUF_INIT(10000000);

    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        struct gr_node_limits limits = {rows[i].limit, 100000, 100};

        gr_buf_reset(&text);
        for (size_t k = 0; k < rows[i].count; k++)
            gr_buf_putc(&text, '[');
        for (size_t k = 0; k < rows[i].count; k++)
            gr_buf_putc(&text, ']');
        ck_assert_int_eq(tree_read(&got, rows[i].read, gr_buf_str(&text), &limits, true), rows[i].want);
    }
    gr_buf_fini(&text);
    gr_buf_fini(&got);
}
END_TEST

/* More entries than fit on the stack of the check, with the repeated ones far apart. */
START_TEST(large_map_with_duplicates)
{
    static const size_t sizes[] = {15, 16, 17, 18, 1000, 50000};
    size_t count = sizes[_i];
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_arena *a = gr_arena_create(100u << 20);
    struct gr_buf text = GR_BUF_INIT(10u << 20);
    struct gr_node *root = NULL;
    size_t i = 0;
    uint32_t file;

    gr_buf_puts(&text, "{");
    for (i = 0; i < count - 2; i++)
        gr_buf_printf(&text, "k%zu: %zu, ", i, i);
    gr_buf_puts(&text, "k1: x, k0: y}\n");
    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f"), gr_buf_str(&text), &file), GR_OK);
    ck_assert_int_eq(gr_yaml_read(a, sources, file, NULL, d, &root), GR_EUSER);
    ck_assert_uint_eq(gr_diags_count(d, GR_SEV_ERROR), 2);
    ck_assert_uint_eq(root->count, count - 2);
    i = 0;
    gr_node_each (item, root) {
        char key[32];

        snprintf(key, sizeof key, "k%zu", i++);
        ck_assert(gr_str_is(item->key, key) && gr_str_is(item->text, key + 1)); /* the first of two wins */
    }
    ck_assert_uint_eq(i, count - 2);
    gr_buf_fini(&text);
    gr_arena_free(a);
    gr_diags_free(d);
    gr_sources_free(sources);
}
END_TEST

static const struct {
    node_read_fn *read;
    const char *text;
} alloc_rows[] = {
    {gr_yaml_read, "a: [b, 'c']\nd: |\n  e\nf: {g: ~}\n"},
    {gr_yaml_read, "a: *x\na: !t y\n? [k]\n: v\nb: [\n"},
    {gr_yaml_read,
     "{a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0, h: 0, i: 0, j: 0, k: 0, l: 0, m: 0, n: 0, o: 0, p: 0, "
     "q: 0, a: 1}"},
    {gr_yaml_read, "a: \xff"},
    {gr_yaml_read, ""},
    {gr_json_read, "{\"a\": [1, true, null, \"\\u00e9\"], \"\\n\": {}}"},
    {gr_json_read, "{\"a\": 1, \"a\": \"\\u0000\"}"},
};

/* Allocation 1, 2, 3 … fails, once or from then on: the answer is GR_ENOMEM or what it is with memory enough. */
START_TEST(failing_allocations)
{
    struct gr_buf want = GR_BUF_INIT(10000), got = GR_BUF_INIT(10000);
    struct gr_str text = gr_str(alloc_rows[_i].text);
    enum gr_err right = tree_read(&want, alloc_rows[_i].read, text, NULL, false);
    bool fired = true;

    for (size_t nth = 1; fired; nth++)
        for (int on = 0; on < 2; on++) {
            enum gr_err err;

            ck_assert_ptr_nonnull(gr_buf_room(&got, 9000)); /* so that printing does not allocate */
            gr_buf_reset(&got);
            failing_start(nth, on);
            err = tree_read(&got, alloc_rows[_i].read, text, NULL, false);
            fired = failing_stop();
            ck_assert_msg(err == GR_ENOMEM || err == right, "allocation %zu: %s", nth, gr_err_name(err));
            if (!fired) {
                ck_assert_int_eq(err, right);
                ck_assert_str_eq(gr_buf_cstr(&got), gr_buf_cstr(&want));
            }
        }
    gr_buf_fini(&want);
    gr_buf_fini(&got);
}
END_TEST

START_TEST(small_arena_is_no_memory)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_node *root;
    enum gr_err err = GR_ENOMEM;
    uint32_t file;
    size_t ceiling;

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f"), GR_STR("{\"a\": [1, \"b\"]}"), &file), GR_OK);
    for (ceiling = 0; err == GR_ENOMEM && ceiling < 10000; ceiling += 8) {
        struct gr_arena *a = gr_arena_create(ceiling);

        err = (ceiling & 8 ? gr_yaml_read : gr_json_read)(a, sources, file, NULL, d, &root);
        gr_arena_free(a);
    }
    ck_assert_int_eq(err, GR_OK);
    ck_assert_uint_gt(ceiling, 100);
    gr_diags_free(d);
    gr_sources_free(sources);
}
END_TEST

START_TEST(get_and_names)
{
    struct gr_node b = {.kind = GR_NODE_SCALAR, .key = GR_STR("b")};
    struct gr_node a = {.kind = GR_NODE_NULL, .key = GR_STR("a"), .next = &b};
    struct gr_node map = {.kind = GR_NODE_MAP, .first = &a, .count = 2};
    struct gr_node list = {.kind = GR_NODE_LIST, .first = &a, .count = 2};

    ck_assert_ptr_eq(gr_node_get(&map, "a"), &a);
    ck_assert_ptr_eq(gr_node_get(&map, "b"), &b);
    ck_assert_ptr_null(gr_node_get(&map, "B"));
    ck_assert_ptr_null(gr_node_get(&list, "a"));
    ck_assert_ptr_null(gr_node_get(&b, "a"));
    ck_assert_ptr_null(gr_node_get(NULL, "a"));
    ck_assert_str_eq(gr_node_kind_name(GR_NODE_NULL), "nothing");
    ck_assert_str_eq(gr_node_kind_name(GR_NODE_SCALAR), "a scalar");
    ck_assert_str_eq(gr_node_kind_name(GR_NODE_LIST), "a list");
    ck_assert_str_eq(gr_node_kind_name(GR_NODE_MAP), "a map");
}
END_TEST

Suite *
node_suite(void)
{
    Suite *s = suite_create("node");
    TCase *tc = tcase_create("node");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, limits_hold, 0, GR_COUNT(limit_rows));
    tcase_add_test(tc, deep_brackets_are_refused);
    tcase_add_loop_test(tc, large_map_with_duplicates, 0, 6);
    tcase_add_loop_test(tc, failing_allocations, 0, GR_COUNT(alloc_rows));
    tcase_add_test(tc, small_arena_is_no_memory);
    tcase_add_test(tc, get_and_names);
    suite_add_tcase(s, tc);
    return s;
}
