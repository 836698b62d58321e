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

#define CAN(role) (1u << ROLE_##role)
static const struct {
    const char *header;
    unsigned roles;
} rows[] = {
    {"Bearer ingest-0123456789", CAN(INGEST)},
    {"bearer  ingest-0123456789 ", CAN(INGEST)},
    {"Bearer ingest-old-012345", CAN(INGEST)},
    {"Bearer ingest-012345678", 0},
    {"Bearer ingest-01234567899", 0},
    {"Basic ingest-0123456789", 0},
    {"Beareringest-0123456789", 0},
    {"Bearer ", 0},
    {"", 0},
    {NULL, 0},
    {"Bearer read-01234567890", CAN(READ)},
    {"Bearer admin-0123456789", CAN(READ) | CAN(ADMIN)},
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
    ck_assert_msg(tokens_roles(&t, rows[_i].header) == rows[_i].roles, "%s",
                  rows[_i].header ? rows[_i].header : "(none)");
}
END_TEST

/* base64 of "name:token". */
static const struct {
    const char *header;
    unsigned roles;
} basics[] = {
    {"Basic amFuZTpyZWFkLTAxMjM0NTY3ODkw", CAN(READ)}, /* jane:read-01234567890 */
    {"basic  OnJlYWQtMDEyMzQ1Njc4OTA= ", CAN(READ)},   /* :read-01234567890 */
    {"Basic eDphZG1pbi0wMTIzNDU2Nzg5", CAN(READ)},     /* x:admin-0123456789 */
    {"Basic eDppbmdlc3QtMDEyMzQ1Njc4OQ==", 0},         /* x:ingest-0123456789 */
    {"Basic cmVhZC0wMTIzNDU2Nzg5MA==", 0},             /* read-01234567890 */
    {"Basic cmVhZC0wMTIzNDU2Nzg5MDo=", 0},             /* read-01234567890: */
    {"Basic eDpyZWFkLTAxMjM0NTY3ODk=", 0},             /* x:read-0123456789 */
    {"Basic eDp5OnJlYWQtMDEyMzQ1Njc4OTA=", 0},         /* x:y:read-01234567890 */
    {"Bearer read-01234567890", 0},
    {"Basic !!!!", 0},
    {"Basic ", 0},
    {"Basic", 0},
    {"", 0},
    {NULL, 0},
};
START_TEST(a_browser_proves_read_alone)
{
    struct tokens t = {0};

    fixture_file(folder, "token", "ingest-0123456789\n", 0600);
    ck_assert_int_eq(tokens_load(&t, ROLE_INGEST, path), GR_OK);
    fixture_file(folder, "token", "admin-0123456789\n", 0600);
    ck_assert_int_eq(tokens_load(&t, ROLE_ADMIN, path), GR_OK);
    fixture_file(folder, "token", "read-01234567890\n", 0600);
    ck_assert_int_eq(tokens_load(&t, ROLE_READ, path), GR_OK);
    ck_assert_msg(tokens_basic(&t, basics[_i].header) == basics[_i].roles, "%s",
                  basics[_i].header ? basics[_i].header : "(none)");
}
END_TEST

START_TEST(without_files_nothing_is_proved)
{
    struct tokens t = {0};

    ck_assert_int_eq(tokens_load(&t, ROLE_INGEST, ""), GR_OK);
    ck_assert_uint_eq(tokens_roles(&t, "Bearer 0123456789abcdef"), 0);
    ck_assert(!t.roles[ROLE_INGEST].configured);
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
    tcase_add_loop_test(tc, a_browser_proves_read_alone, 0, GR_COUNT(basics));
    tcase_add_test(tc, without_files_nothing_is_proved);
    suite_add_tcase(suite, tc);
    return suite;
}
