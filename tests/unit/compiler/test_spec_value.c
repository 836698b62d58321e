#include "config.h"
#include "spec_parts.h"
#include "specs.h"
#include "test_compiler.h"

/* A value as YAML, a part of its decoded text, and what of the file that part is. */
static const struct {
    const char *yaml, *part, *want;
} places[] = {
    {"a: one two\n", "two", "two"},
    {"a: 'one two'\n", "two", "two"},
    {"a: \"one two\"\n", "one", "one"},
    {"a: \"o\\u006ee two\"\n", "two", "\"o\\u006ee two\""}, /* an escape: the whole value */
    {"a: ±5pct\n", "pct", "pct"},
    {"a: >-\n  one\n  two\n", "two", "two"},
    {"a: |\n  one\n    two\n", "two", "two"},
    {"a: one\n  two\n", "two", "two"},
};

START_TEST(parts_are_found_in_the_file)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct spec s = {.a = a, .sources = sources, .d = d};
    uint32_t file = 0;
    struct gr_node *root = NULL;
    struct gr_span span;
    struct gr_str got;
    size_t at;

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("t"), gr_str(places[_i].yaml), &file), GR_OK);
    ck_assert_int_eq(gr_yaml_read(a, sources, file, NULL, d, &root), GR_OK);
    at = gr_str_find(root->first->text, gr_str(places[_i].part), 0);
    ck_assert_uint_ne(at, SIZE_MAX);
    span = spec_within(&s, root->first, at, at + strlen(places[_i].part));
    got = gr_str_sub(gr_str(places[_i].yaml), span.start, span.end);
    ck_assert_msg(gr_str_is(got, places[_i].want), "%s: \"%.*s\"", places[_i].yaml, GR_ARG(got));
    gr_arena_free(a);
    gr_diags_free(d);
    gr_sources_free(sources);
}
END_TEST

START_TEST(sets_grow_and_sort)
{
    static const char *const names[] = {"d", "b", "a", "c", "b", "e", "d", "f", "g"};
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct spec s = {.a = a};
    struct strs set = {NULL, 0};

    for (size_t i = 0; i < GR_COUNT(names); i++)
        ck_assert(strs_add(&s, &set, gr_str(names[i])));
    ck_assert_uint_eq(set.n, 7);
    strs_sort(&set);
    for (size_t i = 0; i < set.n; i++)
        ck_assert_int_eq(set.v[i].p[0], "abcdefg"[i]);
    ck_assert(strs_has(&set, GR_STR("g")) && !strs_has(&set, GR_STR("h")));
    ck_assert(gr_str_is(strs_list(&s, &set), "a, b, c, d, e, f, g"));
    gr_arena_free(a);
}
END_TEST

static const struct {
    const char *text, *want; /* NULL: refused */
} ratios[] = {{"0.5%", "0.005"}, {"100%", "1"}, {"5bps", "0.0005"},
              {"0.5", NULL},     {"5ms", NULL}, {"x", NULL}};

START_TEST(ratios_are_exact)
{
    struct gr_dec v = {7, 0};
    enum gr_err err = spec_ratio(gr_str(ratios[_i].text), &v);

    ck_assert_int_eq(err == GR_OK, ratios[_i].want != NULL);
    ck_assert_str_eq(specs_dec(v), ratios[_i].want ? ratios[_i].want : "7");
}
END_TEST

Suite *
spec_value_suite(void)
{
    Suite *s = suite_create("spec_value");
    TCase *tc = tcase_create("values");

    tcase_add_loop_test(tc, parts_are_found_in_the_file, 0, GR_COUNT(places));
    tcase_add_test(tc, sets_grow_and_sort);
    tcase_add_loop_test(tc, ratios_are_exact, 0, GR_COUNT(ratios));
    suite_add_tcase(s, tc);
    return s;
}
