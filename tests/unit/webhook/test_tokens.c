#include "config.h"
#include "test_webhook.h"

#include <stdio.h>
#include "fixture.h"
#include "webhook/tokens.h"

static char folder[256], path[512];

static void
setup(void)
{
    fixture_dir(folder, sizeof folder);
    (void)snprintf(path, sizeof path, "%s/token", folder);
}

static void
teardown(void)
{
    fixture_remove(folder);
}

static const struct {
    const char *name, *text;
    unsigned mode;
    enum gr_err want;
} files[] = {
    {"one", "0123456789abcdef\n", 0600, GR_OK},
    {"two, and a blank line", "0123456789abcdef\n\nfedcba9876543210\n", 0600, GR_OK},
    {"short", "0123456789abcde\n", 0600, GR_ESYNTAX},
    {"empty", "", 0600, GR_ESYNTAX},
    {"open to others", "0123456789abcdef\n", 0644, GR_EACCES},
};
START_TEST(loading)
{
    struct tokens t = {0};
    enum gr_err got;

    fixture_file(folder, "token", files[_i].text, files[_i].mode);
    got = tokens_load(&t, ROLE_INGEST, path);
    ck_assert_msg(got == files[_i].want, "%s: %s", files[_i].name, gr_err_name(got));
}
END_TEST

static const struct {
    const char *header;
    enum role wanted;
    bool allowed;
} rows[] = {
    {"Bearer ingest-0123456789", ROLE_INGEST, true},
    {"bearer  ingest-0123456789 ", ROLE_INGEST, true},
    {"Bearer ingest-old-012345", ROLE_INGEST, true},
    {"Bearer ingest-012345678", ROLE_INGEST, false},
    {"Bearer ingest-01234567899", ROLE_INGEST, false},
    {"Basic ingest-0123456789", ROLE_INGEST, false},
    {"Bearer ", ROLE_INGEST, false},
    {NULL, ROLE_INGEST, false},
    {"Bearer ingest-0123456789", ROLE_READ, false},
    {"Bearer ingest-0123456789", ROLE_ADMIN, false},
    {"Bearer admin-0123456789", ROLE_READ, true},
    {"Bearer admin-0123456789", ROLE_ADMIN, true},
    {"Bearer admin-0123456789", ROLE_INGEST, false},
    {NULL, ROLE_NONE, true},
};
START_TEST(roles)
{
    struct tokens t = {0};

    fixture_file(folder, "token", "ingest-0123456789\ningest-old-012345\n", 0600);
    ck_assert_int_eq(tokens_load(&t, ROLE_INGEST, path), GR_OK);
    fixture_file(folder, "token", "admin-0123456789\n", 0600);
    ck_assert_int_eq(tokens_load(&t, ROLE_ADMIN, path), GR_OK);
    fixture_file(folder, "token", "read-01234567890\n", 0600);
    ck_assert_int_eq(tokens_load(&t, ROLE_READ, path), GR_OK);
    ck_assert_msg(tokens_allow(&t, rows[_i].wanted, rows[_i].header) == rows[_i].allowed, "%s for %s",
                  rows[_i].header ? rows[_i].header : "(none)", role_name(rows[_i].wanted));
}
END_TEST

START_TEST(without_files_only_admin_is_closed)
{
    struct tokens t = {0};

    ck_assert_int_eq(tokens_load(&t, ROLE_INGEST, ""), GR_OK);
    ck_assert(tokens_allow(&t, ROLE_INGEST, NULL));
    ck_assert(tokens_allow(&t, ROLE_READ, NULL));
    ck_assert(!tokens_allow(&t, ROLE_ADMIN, NULL));
    ck_assert(!tokens_allow(&t, ROLE_ADMIN, "Bearer 0123456789abcdef"));
}
END_TEST

Suite *
tokens_suite(void)
{
    Suite *suite = suite_create("tokens");
    TCase *tc = tcase_create("tokens");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, loading, 0, GR_COUNT(files));
    tcase_add_loop_test(tc, roles, 0, GR_COUNT(rows));
    tcase_add_test(tc, without_files_only_admin_is_closed);
    suite_add_tcase(suite, tc);
    return suite;
}
