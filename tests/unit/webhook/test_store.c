#include "config.h"
#include "test_webhook.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "faultvfs.h"
#include "fixture.h"
#include "guardrail/sys.h"
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

static enum gr_err
open_at(struct store **out, char *reason)
{
    return store_open(out, &(struct store_options){.path = database, .busy_timeout_ms = 50}, reason);
}

static struct store *
open_started(void)
{
    struct store *s = NULL;

    ck_assert_int_eq(open_at(&s, NULL), GR_OK);
    ck_assert_int_eq(store_start(s), GR_OK);
    return s;
}

static enum gr_err
add_row(struct db *db, void *arg)
{
    sqlite3_stmt *st = db_use(
        db, "INSERT INTO audit(ts_ms, actor, event, deployment_id, detail) VALUES (1, 'a', ?1, '', '')");

    db_bind_text(db, st, 1, arg);
    return db_run(db, st);
}

static enum gr_err
add_then_refuse(struct db *db, void *arg)
{
    enum gr_err err = add_row(db, arg);

    return err == GR_OK ? GR_ESTATE : err;
}

static enum gr_err
add_twice(struct db *db, void *arg)
{
    sqlite3_stmt *st =
        db_use(db, "INSERT INTO policy(sha256, spec_hash, seen_ms, body) VALUES ('x', 'y', 1, x'00')");
    enum gr_err err = add_row(db, arg);

    return err == GR_OK && (err = db_run(db, st)) == GR_OK ? db_run(db, st) : err;
}

static enum gr_err
count_rows(struct db *db, void *arg)
{
    sqlite3_stmt *st = db_use(db, "SELECT count(*) FROM audit");
    bool row;
    enum gr_err err = db_step(db, st, &row);

    if (err == GR_OK)
        *(int64_t *)arg = db_i64(st, 0);
    db_end(st);
    return err;
}

static int64_t
rows(struct store *s)
{
    int64_t n = -1;

    ck_assert_int_eq(store_call(s, count_rows, &n), GR_OK);
    return n;
}

START_TEST(a_job_is_durable_when_it_says_so)
{
    struct store *s = open_started();
    struct stat st;

    ck_assert_int_eq(store_call(s, add_row, (char[]){"one"}), GR_OK);
    store_close(s);
    ck_assert_int_eq(stat(database, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    s = open_started();
    ck_assert_int_eq(rows(s), 1);
    store_close(s);
}
END_TEST

START_TEST(one_fsync_for_a_commit)
{
    struct store *s = open_started();
    int64_t n = 0;

    ck_assert_int_eq(store_call(s, add_row, (char[]){"one"}), GR_OK); /* the first one also heads the log */
    faultvfs.syncs = 0;
    ck_assert_int_eq(store_call(s, add_row, (char[]){"two"}), GR_OK);
    ck_assert_int_eq(faultvfs.syncs, 1);
    ck_assert_int_eq(store_call(s, count_rows, &n), GR_OK);
    ck_assert_int_eq(faultvfs.syncs, 1); /* reading costs none */
    store_close(s);
}
END_TEST

START_TEST(a_refused_job_is_undone_alone)
{
    struct store *s = open_started();

    ck_assert_int_eq(store_call(s, add_then_refuse, (char[]){"no"}), GR_ESTATE);
    ck_assert_int_eq(store_call(s, add_twice, (char[]){"no"}), GR_EEXIST);
    ck_assert_int_eq(store_call(s, add_row, (char[]){"yes"}), GR_OK);
    ck_assert_int_eq(rows(s), 1);
    store_close(s);
}
END_TEST

static char word[] = "x";
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static int outcomes[GR_ERR_COUNT], finished;

static enum gr_err
wait_for_gate(struct db *db, void *arg)
{
    (void)db;
    (void)arg;
    pthread_mutex_lock(&mutex);
    while (!gate_open)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return GR_OK;
}

static void
count_outcome(void *arg, enum gr_err err)
{
    (void)arg;
    pthread_mutex_lock(&mutex);
    outcomes[err]++;
    finished++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
}

/* Tests may share a process (CK_FORK=no). */
static void
close_gate(void)
{
    gate_open = false;
    finished = 0;
    memset(outcomes, 0, sizeof outcomes);
}

static void
open_gate_and_wait(int want)
{
    pthread_mutex_lock(&mutex);
    gate_open = true;
    pthread_cond_broadcast(&cond);
    while (finished < want)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
}

START_TEST(waiting_jobs_share_a_commit)
{
    struct store *s = open_started();

    close_gate();
    ck_assert_int_eq(store_call(s, add_row, (char[]){"first"}), GR_OK);
    ck_assert_int_eq(store_post(s, wait_for_gate, NULL, count_outcome), GR_OK);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(store_post(s, i % 5 ? add_row : add_then_refuse, word, count_outcome), GR_OK);
    faultvfs.syncs = 0;
    open_gate_and_wait(21);
    ck_assert_int_eq(outcomes[GR_OK], 17);
    ck_assert_int_eq(outcomes[GR_ESTATE], 4);
    ck_assert_int_le(faultvfs.syncs, 2); /* the gate's own transaction may hold some of them */
    ck_assert_int_eq(rows(s), 17);
    store_close(s);
}
END_TEST

START_TEST(the_queue_has_an_end)
{
    struct store *s = open_started();
    int taken = 0;

    close_gate();
    ck_assert_int_eq(store_post(s, wait_for_gate, NULL, count_outcome), GR_OK);
    while (taken < 2 * (int)STORE_QUEUE_MAX && store_post(s, add_row, word, count_outcome) == GR_OK)
        taken++;
    ck_assert_int_ge(taken, (int)STORE_QUEUE_MAX - 1);
    ck_assert_int_le(taken, (int)STORE_QUEUE_MAX + (int)STORE_BATCH_MAX);
    ck_assert_int_eq(store_post(s, add_row, word, count_outcome), GR_EAGAIN);
    open_gate_and_wait(taken + 1);
    ck_assert_int_eq(rows(s), taken);
    store_close(s);
}
END_TEST

START_TEST(closing_finishes_what_waits)
{
    struct store *s = open_started();

    close_gate();
    gate_open = true;
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(store_post(s, add_row, word, count_outcome), GR_OK);
    store_close(s);
    ck_assert_int_eq(outcomes[GR_OK], 50);
    s = open_started();
    ck_assert_int_eq(rows(s), 50);
    store_close(s);
}
END_TEST

START_TEST(a_foreign_lock_is_busy_and_heals)
{
    struct store *s = open_started();
    struct store_state st;
    sqlite3 *other;

    ck_assert_int_eq(sqlite3_open(database, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(store_call(s, add_row, (char[]){"no"}), GR_EBUSY);
    store_state(s, &st);
    ck_assert(!st.failed && st.last == GR_EBUSY && st.errors == 1);
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    ck_assert_int_eq(store_call(s, add_row, (char[]){"yes"}), GR_OK);
    ck_assert_int_eq(rows(s), 1);
    store_close(s);
}
END_TEST

START_TEST(a_full_disk_heals)
{
    struct store *s = open_started();

    faultvfs.fail_write = SQLITE_FULL;
    ck_assert_int_eq(store_call(s, add_row, (char[]){"no"}), GR_ENOSPC);
    ck_assert_int_eq(store_call(s, add_row, (char[]){"no"}), GR_ENOSPC);
    faultvfs.fail_write = 0;
    ck_assert_int_eq(store_call(s, add_row, (char[]){"yes"}), GR_OK);
    ck_assert_int_eq(rows(s), 1);
    store_close(s);
}
END_TEST

static int64_t free_bytes;

static int
say_statfs(const char *where, struct statfs *out)
{
    int got = gr_sys_real.statfs(where, out);

    out->f_bsize = 4096;
    out->f_bavail = (unsigned long)free_bytes / 4096;
    return got;
}

static bool
ballast_is_there(void)
{
    char name[640];

    (void)snprintf(name, sizeof name, "%s.reserve", database);
    return access(name, F_OK) == 0;
}

static void
wait_until_low_is(struct store *s, bool low)
{
    struct store_state st;

    for (store_state(s, &st); st.low != low; store_state(s, &st))
        (void)usleep(2000); /* the store's thread looks once a second; the CPU is for others meanwhile */
}

/* The last states get through: what was accepted is ended with the room of the ballast. */
START_TEST(a_full_disk_gives_up_the_ballast)
{
    struct store *s = NULL;

    free_bytes = INT64_C(1) << 30;
    gr_sys.statfs = say_statfs;
    ck_assert_int_eq(
        store_open(&s, &(struct store_options){.path = database, .reserve_bytes = 64 << 20}, NULL), GR_OK);
    ck_assert_int_eq(store_start(s), GR_OK);
    ck_assert(ballast_is_there());
    free_bytes = 1 << 20;
    wait_until_low_is(s, true);
    ck_assert(ballast_is_there());
    ck_assert_int_eq(store_post(s, add_row, word, count_outcome), GR_ENOSPC); /* nothing new … */
    ck_assert_int_eq(store_call(s, add_row, (char[]){"state"}), GR_OK);       /* … but states */
    faultvfs.fail_write = SQLITE_FULL;
    ck_assert_int_eq(store_call(s, add_row, (char[]){"state"}), GR_ENOSPC);
    ck_assert(!ballast_is_there());
    faultvfs.fail_write = 0; /* that room was enough */
    ck_assert_int_eq(store_call(s, add_row, (char[]){"state"}), GR_OK);
    free_bytes = INT64_C(1) << 30;
    wait_until_low_is(s, false);
    ck_assert(ballast_is_there());
    close_gate();
    gate_open = true;
    ck_assert_int_eq(store_post(s, add_row, word, count_outcome), GR_OK);
    ck_assert_int_eq(rows(s), 3);
    store_close(s);
    gr_sys = gr_sys_real;
}
END_TEST

static const struct {
    const char *name;
    int write, sync;
} fatal[] = {
    {"fsync", 0, SQLITE_IOERR_FSYNC},
    {"write", SQLITE_IOERR_WRITE, 0},
    {"corrupt", SQLITE_CORRUPT, 0},
};
START_TEST(after_an_io_error_nothing_is_promised)
{
    struct store *s = open_started();
    struct store_state st;

    ck_assert_int_eq(store_call(s, add_row, (char[]){"before"}), GR_OK);
    faultvfs.fail_write = fatal[_i].write;
    faultvfs.fail_sync = fatal[_i].sync;
    ck_assert_msg(store_call(s, add_row, (char[]){"no"}) == GR_EIO, "%s", fatal[_i].name);
    faultvfs.fail_write = faultvfs.fail_sync = 0;
    ck_assert_int_eq(store_call(s, add_row, (char[]){"no"}),
                     GR_EIO); /* it seems to work again: not believed */
    store_state(s, &st);
    ck_assert(st.failed);
    faultvfs.syncs = 0;
    store_close(s);
    ck_assert_int_eq(faultvfs.syncs, 0); /* nor is a sync tried again at the end */
    s = open_started();
    ck_assert_int_ge(rows(s), 1);
    store_close(s);
}
END_TEST

static void
wait_until_failed(struct store *s)
{
    struct store_state st;

    for (store_state(s, &st); !st.failed; store_state(s, &st))
        (void)usleep(2000); /* it is after the callers' answers */
}

/* SQLite keeps an error of its own checkpoints to itself. */
START_TEST(a_failed_checkpoint_is_final_too)
{
    struct store *s = NULL;
    enum gr_err err = GR_OK;

    ck_assert_int_eq(store_open(&s, &(struct store_options){.path = database, .checkpoint_pages = 2}, NULL),
                     GR_OK);
    ck_assert_int_eq(store_start(s), GR_OK);
    faultvfs.syncs = 0;
    ck_assert_int_eq(store_call(s, add_row, (char[]){"one"}), GR_OK);
    faultvfs.fail_database_sync = SQLITE_IOERR_FSYNC; /* of the database file: no commit needs it */
    while (err == GR_OK)
        err = store_call(s, add_row, (char[]){"more"});
    ck_assert_int_eq(err, GR_EIO);
    wait_until_failed(s);
    faultvfs.fail_database_sync = 0;
    ck_assert_int_eq(store_call(s, add_row, (char[]){"no"}), GR_EIO);
    store_close(s);
    s = open_started();
    ck_assert_int_ge(rows(s), 1);
    store_close(s);
}
END_TEST

START_TEST(one_process_at_a_time)
{
    struct store *s = open_started(), *second = NULL;
    char reason[STORE_REASON_BYTES] = "";

    ck_assert_int_eq(open_at(&second, reason), GR_EBUSY);
    ck_assert_ptr_nonnull(strstr(reason, "lock"));
    ck_assert_ptr_null(second);
    store_close(s);
    ck_assert_int_eq(open_at(&second, reason), GR_OK);
    store_close(second);
}
END_TEST

static enum gr_err
raise_version(struct db *db, void *arg)
{
    (void)arg;
    return db_exec(db, "INSERT INTO schema_version VALUES (999)");
}

START_TEST(a_newer_schema_is_refused)
{
    struct store *s = open_started();
    char reason[STORE_REASON_BYTES] = "";

    ck_assert_int_eq(store_call(s, raise_version, NULL), GR_OK);
    store_close(s);
    ck_assert_int_eq(open_at(&s, reason), GR_ESTATE);
    ck_assert_ptr_nonnull(strstr(reason, "newer"));
}
END_TEST

START_TEST(a_damaged_file_is_refused)
{
    struct store *s = open_started();
    char junk[4096], reason[STORE_REASON_BYTES] = "";
    struct stat before, after;
    int fd;

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(store_call(s, add_row, (char[]){"x"}), GR_OK);
    store_close(s);
    memset(junk, 0x5a, sizeof junk);
    fd = open(database, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    for (int page = 1; page < 8; page++) /* all but the head */
        ck_assert_int_eq((int)pwrite(fd, junk, sizeof junk, page * 4096L), (int)sizeof junk);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_ne(open_at(&s, reason), GR_OK);
    ck_assert_ptr_nonnull(strstr(reason, "damaged"));
    ck_assert_ptr_nonnull(strstr(reason, "backup"));
    fd = open(database, O_WRONLY | O_TRUNC | O_CLOEXEC);
    ck_assert_int_eq((int)write(fd, junk, sizeof junk), (int)sizeof junk);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(stat(database, &before), 0);
    ck_assert_int_ne(open_at(&s, reason), GR_OK);
    ck_assert_ptr_nonnull(strstr(reason, "damaged"));
    ck_assert_int_eq(stat(database, &after), 0); /* kept as it is */
    ck_assert(before.st_ino == after.st_ino && before.st_size == after.st_size);
}
END_TEST

START_TEST(no_folder)
{
    struct store *s = NULL;

    (void)snprintf(database, sizeof database, "%s/none/store.db", folder);
    ck_assert_int_eq(open_at(&s, NULL), GR_ENOENT);
    ck_assert_ptr_null(s);
}
END_TEST

Suite *
store_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_job_is_durable_when_it_says_so);
    tcase_add_test(tc, one_fsync_for_a_commit);
    tcase_add_test(tc, a_refused_job_is_undone_alone);
    tcase_add_test(tc, waiting_jobs_share_a_commit);
    tcase_add_test(tc, the_queue_has_an_end);
    tcase_add_test(tc, closing_finishes_what_waits);
    tcase_add_test(tc, a_foreign_lock_is_busy_and_heals);
    tcase_add_test(tc, a_full_disk_heals);
    tcase_add_test(tc, a_full_disk_gives_up_the_ballast);
    tcase_add_loop_test(tc, after_an_io_error_nothing_is_promised, 0, GR_COUNT(fatal));
    tcase_add_test(tc, a_failed_checkpoint_is_final_too);
    tcase_add_test(tc, one_process_at_a_time);
    tcase_add_test(tc, a_newer_schema_is_refused);
    tcase_add_test(tc, a_damaged_file_is_refused);
    tcase_add_test(tc, no_folder);
    suite_add_tcase(suite, tc);
    return suite;
}
