/* The tables of the language: well-formed, and every key of them is legal somewhere. */
#include "config.h"
#include "spec_keys.h"
#include "specs.h"
#include "test_compiler.h"

#include "guardrail/sys.h"

static void
check_row(const struct keys *keys, const struct key *key)
{
    ck_assert_msg(key->name && key->name[0], "%s has a key without a name", keys->what);
    ck_assert_msg(key->help && key->help[0], "%s: %s has no help", keys->what, key->name);
    ck_assert_msg((key->type == KEY_CHOICE) == (key->choices != NULL), "%s: %s", keys->what, key->name);
    ck_assert_msg((key->type == KEY_MAP) == (key->map != NULL), "%s: %s", keys->what, key->name);
    ck_assert_msg(key->type != KEY_COUNT || key->min < key->max, "%s: %s", keys->what, key->name);
    ck_assert_msg(key_type_name(key->type) != NULL, "%s: %s", keys->what, key->name);
}

static size_t
check_keys(const struct keys *keys, size_t depth)
{
    size_t n = 0;

    ck_assert_uint_lt(depth, 10);
    ck_assert_msg((keys->n == 0) == (keys->any != NULL), "%s", keys->what);
    for (size_t i = 0; i < keys->n + (keys->any != NULL); i++) {
        const struct key *key = keys->any ? keys->any : &keys->rows[i];

        check_row(keys, key);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(!gr_str_is(gr_str(keys->rows[j].name), key->name), "%s: %s twice", keys->what,
                          key->name);
        ck_assert_ptr_eq(keys_find(keys, gr_str(key->name)), key);
        if (key->map)
            n += check_keys(key->map, depth + 1);
        n++;
    }
    return n;
}

START_TEST(tables_are_well_formed)
{
    ck_assert_uint_gt(check_keys(&spec_keys, 0), 100);
}
END_TEST

/* The manual has a line for each key, with the words of its row. */
static void
check_manual(const struct keys *keys, struct gr_str page, size_t *lines)
{
    for (size_t i = 0; i < keys->n; i++) {
        const struct key *key = &keys->rows[i];
        const char *need = key->flags & KEY_REQUIRED ? "required" : key->group == 1 ? "one of" : "";
        struct gr_buf line = GR_BUF_INIT(4096);

        gr_buf_printf(&line, "\n| `%s` | %s | %s |", key->name, need, key->help);
        ck_assert_msg(gr_str_find(page, gr_buf_str(&line), 0) != SIZE_MAX,
                      "docs/language.md lacks, for %s:%s", keys->what, gr_buf_cstr(&line));
        gr_buf_fini(&line);
        (*lines)++;
        if (key->map)
            check_manual(key->map, page, lines);
    }
    if (keys->any && keys->any->map)
        check_manual(keys->any->map, page, lines);
}

START_TEST(manual_has_every_key)
{
    char *page = specs_slurp("docs/language.md");
    size_t lines = 0;

    check_manual(&spec_keys, gr_str(page), &lines);
    ck_assert_uint_gt(lines, 100);
    gr_sys.free(page);
}
END_TEST

START_TEST(unknown_names_have_no_row)
{
    ck_assert_ptr_null(keys_find(&spec_keys, GR_STR("nothing")));
    ck_assert_ptr_null(keys_find(&spec_keys, GR_STR_NONE));
}
END_TEST

Suite *
spec_tables_suite(void)
{
    Suite *s = suite_create("spec_tables");
    TCase *tc = tcase_create("tables");

    tcase_add_test(tc, tables_are_well_formed);
    tcase_add_test(tc, manual_has_every_key);
    tcase_add_test(tc, unknown_names_have_no_row);
    suite_add_tcase(s, tc);
    return s;
}
