#include "config.h"
#include "test_webhook.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "faultvfs.h"
#include "fixture.h"
#include "guardrail/file.h"
#include "webhook/store.h"

static char folder[256];
static char database[600];

static void
setup(void)
{
    faultvfs_install();
    fixture_dir(folder, sizeof folder);
    (void)snprintf(database, sizeof database, "%s/store.db", folder);
}

static void
teardown(void)
{
    fixture_remove(folder);
}

/* schema_current and what a later version may do: add a column, move rows into a new table, rebuild one that
 * others refer to. */
static const char *const later[] = {
    "ALTER TABLE effect ADD COLUMN priority INTEGER NOT NULL DEFAULT 0; UPDATE effect SET priority = "
    "length(key)",
    "CREATE TABLE policy_new(sha256 TEXT PRIMARY KEY, spec_hash TEXT NOT NULL, seen_ms INTEGER NOT NULL,"
    " body BLOB NOT NULL, bytes INTEGER NOT NULL) STRICT;"
    "INSERT INTO policy_new SELECT sha256, spec_hash, seen_ms, body, length(body) FROM policy;"
    "DROP TABLE policy; ALTER TABLE policy_new RENAME TO policy",
};
static const char *steps[64];

static struct schema
with_steps(const char *const *more, size_t count)
{
    size_t n = (size_t)schema_current.version;

    ck_assert_uint_le(n + count, GR_COUNT(steps));
    for (size_t i = 0; i < n; i++)
        steps[i] = schema_current.steps[i];
    for (size_t i = 0; i < count; i++)
        steps[n + i] = more[i];
    return (struct schema){steps, (int64_t)(n + count)};
}

static enum gr_err
open_with(const struct schema *schema, struct store **out, char *reason)
{
    return store_open(out, &(struct store_options){.path = database, .busy_timeout_ms = 50, .schema = schema},
                      reason);
}

/* One number from the file, without the store. */
static int64_t
ask(const char *sql)
{
    sqlite3 *h;
    sqlite3_stmt *st;
    int64_t n = -1;

    ck_assert_int_eq(sqlite3_open(database, &h), SQLITE_OK);
    if (sqlite3_prepare_v2(h, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        n = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st);
    ck_assert_int_eq(sqlite3_close(h), SQLITE_OK);
    return n;
}

static void
run_sql(const char *sql)
{
    sqlite3 *h;
    char *error = NULL;

    ck_assert_int_eq(sqlite3_open(database, &h), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(h, sql, NULL, NULL, &error) == SQLITE_OK, "%s", error);
    ck_assert_int_eq(sqlite3_close(h), SQLITE_OK);
}

/* A store that version 1 wrote, as it lay there: with a log that was not folded in yet. */
static void
restore_version_1(void)
{
    const char *srcdir = getenv("GR_SRCDIR");
    struct gr_buf path = GR_BUF_INIT(4096), sql = GR_BUF_INIT(1u << 20);

    (void)unlink(database);
    gr_buf_printf(&path, "%s/tests/unit/webhook/store_v1.sql", srcdir ? srcdir : "..");
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &sql), GR_OK);
    run_sql("PRAGMA journal_mode=WAL");
    run_sql(gr_buf_cstr(&sql));
    gr_buf_fini(&sql);
    gr_buf_fini(&path);
}

/* What a migration must not touch, as one number. */
static int64_t
evidence(void)
{
    return ask(
        "SELECT (SELECT sum(length(body)) FROM inbox) + (SELECT sum(length(key) + length(payload)) FROM "
        "effect)"
        " + (SELECT sum(length(argv)) FROM step) + (SELECT sum(length(body)) FROM record)"
        " + (SELECT sum(length(event)) FROM audit) + (SELECT sum(length(body)) FROM policy)"
        " + (SELECT count(*) FROM episode) + (SELECT count(*) FROM release) + (SELECT count(*) FROM phase)");
}

START_TEST(a_new_file_gets_every_step)
{
    struct store *s = NULL;

    ck_assert_int_eq(open_with(NULL, &s, NULL), GR_OK);
    store_close(s);
    ck_assert_int_eq(ask("SELECT count(*) FROM schema_version"), schema_current.version);
    ck_assert_int_eq(ask("SELECT max(version) FROM schema_version"), schema_current.version);
}
END_TEST

START_TEST(version_1_is_brought_up)
{
    struct store *s = NULL;
    int64_t before;

    restore_version_1();
    before = evidence();
    ck_assert_int_gt(before, 10000);
    ck_assert_int_eq(open_with(NULL, &s, NULL), GR_OK);
    store_close(s);
    ck_assert_int_eq(ask("SELECT max(version) FROM schema_version"), schema_current.version);
    ck_assert_int_eq(evidence(), before);
}
END_TEST

START_TEST(a_table_may_be_rebuilt)
{
    struct schema next = with_steps(later, GR_COUNT(later));
    struct store *s = NULL;
    char reason[STORE_REASON_BYTES] = "";
    int64_t before;

    restore_version_1();
    before = evidence();
    ck_assert_msg(open_with(&next, &s, reason) == GR_OK, "%s", reason);
    store_close(s);
    s = NULL;
    ck_assert_int_eq(evidence(), before);
    ck_assert_int_gt(ask("SELECT min(priority) FROM effect"), 0);
    ck_assert_int_gt(ask("SELECT min(bytes) FROM policy"), 0);
    ck_assert_int_eq(open_with(NULL, &s, reason), GR_ESTATE); /* back to the older guardraild */
    ck_assert_ptr_nonnull(strstr(reason, "newer"));
    ck_assert_ptr_null(s);
    ck_assert_int_eq(evidence(), before);
}
END_TEST

/* In a child: the migration dies at its nth write, truncate or sync. Whether it did. */
static bool
dies_at(const struct schema *schema, int nth)
{
    struct store *s = NULL;
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        faultvfs.kill_at = nth;
        if (open_with(schema, &s, NULL) != GR_OK)
            _exit(3);
        store_close(s);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "point %d: status %d", nth, status);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

START_TEST(a_kill_leaves_the_old_or_the_new)
{
    struct schema next = with_steps(later, GR_COUNT(later));
    struct store *s = NULL;
    int64_t before, version, old_seen = 0, new_seen = 0;
    int n;

    restore_version_1();
    before = evidence();
    for (n = 1;; n++) {
        restore_version_1();
        if (!dies_at(&next, n))
            break;
        version = ask("SELECT max(version) FROM schema_version");
        ck_assert_msg(version == 1 || version == next.version, "point %d: version %lld", n,
                      (long long)version);
        ck_assert_int_eq(evidence(), before);
        ck_assert_int_eq(ask("SELECT count(*) FROM pragma_table_info('policy') WHERE name = 'bytes'"),
                         version > 1);
        old_seen += version == 1;
        new_seen += version > 1;
        ck_assert_int_eq(open_with(&next, &s, NULL), GR_OK); /* and the next start goes through */
        store_close(s);
        ck_assert_int_eq(ask("SELECT max(version) FROM schema_version"), next.version);
        ck_assert_int_eq(evidence(), before);
    }
    ck_assert_int_gt(old_seen, 3);
    ck_assert_int_gt(new_seen, 0);
}
END_TEST

static const struct {
    const char *name, *step;
} broken[] = {
    {"not SQL", "CREATE TABEL x(y)"},
    {"half of it works", "CREATE TABLE x(y INTEGER) STRICT; INSERT INTO nowhere VALUES (1)"},
    {"leaves a row without its release", "DELETE FROM release"},
    {"closes the transaction", "COMMIT"},
};
START_TEST(a_step_that_fails_changes_nothing)
{
    struct schema next = with_steps(&broken[_i].step, 1);
    struct store *s = NULL;
    char reason[STORE_REASON_BYTES] = "";
    int64_t before;

    restore_version_1();
    before = evidence();
    ck_assert_msg(open_with(&next, &s, reason) != GR_OK, "%s", broken[_i].name);
    ck_assert_ptr_null(s);
    ck_assert_ptr_nonnull(strstr(reason, "up to date"));
    ck_assert_int_eq(evidence(), before);
    ck_assert_int_eq(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'x'"), 0);
    ck_assert_int_eq(
        ask("SELECT count(*) FROM schema_version WHERE version = (SELECT count(*) FROM schema_version)"), 1);
    ck_assert_msg(open_with(NULL, &s, reason) == GR_OK, "%s", reason); /* the older one still can */
    store_close(s);
}
END_TEST

START_TEST(another_program_s_file_is_refused)
{
    struct store *s = NULL;
    char reason[STORE_REASON_BYTES] = "";

    run_sql("CREATE TABLE recipes(name TEXT); INSERT INTO recipes VALUES ('soup')");
    ck_assert_int_eq(open_with(NULL, &s, reason), GR_ESTATE);
    ck_assert_ptr_nonnull(strstr(reason, "no store of guardraild"));
    ck_assert_int_eq(ask("SELECT count(*) FROM sqlite_schema"), 1);
}
END_TEST

Suite *
schema_suite(void)
{
    Suite *suite = suite_create("schema");
    TCase *tc = tcase_create("schema");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_new_file_gets_every_step);
    tcase_add_test(tc, version_1_is_brought_up);
    tcase_add_test(tc, a_table_may_be_rebuilt);
    tcase_add_test(tc, a_kill_leaves_the_old_or_the_new);
    tcase_add_loop_test(tc, a_step_that_fails_changes_nothing, 0, GR_COUNT(broken));
    tcase_add_test(tc, another_program_s_file_is_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
