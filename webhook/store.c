#include "config.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include "disk.h"
#include "known.h"
#include "guardrail/sys.h"

struct job {
    store_fn *fn;
    store_done_fn *done;
    void *arg;
    enum gr_err err;
};

struct store {
    struct db db;    /* the store's thread only, once it runs */
    struct log *log; /* borrowed */
    int lock_fd;
    struct disk disk;                /* the store's thread only, once it runs */
    int log_pages, checkpoint_pages; /* likewise: in the log since it was folded in; when that is due */
    pthread_t thread;
    bool running;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;
    bool closing;
    struct job queue[STORE_QUEUE_MAX]; /* a ring */
    size_t head, count;
    struct store_state state;
};

/* The first SQLite in which several connections cannot damage a WAL database any more (the WAL-reset bug). */
#define STORE_ENGINE_FIXED 3051003

const double store_latency_ms[11] = {0.5, 1, 2, 5, 10, 20, 50, 100, 250, 1000, 2500};

const char *
store_engine_version(void)
{
    return sqlite3_libversion();
}

void
store_engine_init(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* if it comes too late all works as before */
}

static double
monotonic_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
    return (double)ts.tv_sec * 1000.0 + (double)ts.tv_nsec / 1e6;
}

/* ---- opening ---- */

static void
say(char *reason, const char *what, const char *detail)
{
    if (reason)
        (void)snprintf(reason, STORE_REASON_BYTES, "%s%s%s", what, detail[0] ? ": " : "", detail);
}

/* The name of a new file is durable only when its folder is. */
static enum gr_err
sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
    enum gr_err err;
    int fd;

    if (n >= sizeof folder)
        return GR_ELIMIT;
    memcpy(folder, slash ? path : ".", n);
    folder[n] = '\0';
    fd = gr_sys.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return gr_err_from_errno(errno);
    err = gr_sys.fsync(fd) == 0 ? GR_OK : GR_EIO;
    (void)gr_sys.close(fd); /* nothing was written through it */
    return err;
}

/* The file is made by us and not by SQLite, so that its mode (which the WAL inherits) does not hang on the
 * umask. */
static enum gr_err
make_file(const char *path)
{
    int fd = gr_sys.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return gr_err_from_errno(errno);
    return gr_sys.close(fd) == 0 ? sync_folder(path) : GR_EIO;
}

static enum gr_err
take_lock(struct store *s, const char *path)
{
    char name[4096];
    int n = snprintf(name, sizeof name, "%s.lock", path);

    if (n < 0 || (size_t)n >= sizeof name)
        return GR_ELIMIT;
    s->lock_fd = gr_sys.open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return gr_err_from_errno(errno);
    if (gr_sys.flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? GR_EBUSY : gr_err_from_errno(errno);
    return GR_OK;
}

/* WAL with synchronous=FULL: each commit is fsynced before we say so. The rest distrusts a damaged or
 * hostile file. */
static enum gr_err
configure(struct db *db, int64_t busy_timeout_ms)
{
    int rc = sqlite3_busy_timeout(db->h, (int)busy_timeout_ms);

    if (rc != SQLITE_OK)
        return db_err_of(rc);
    (void)sqlite3_extended_result_codes(db->h, 1);
    (void)sqlite3_db_config(db->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return db_exec(db, "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
                       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;");
}

static enum gr_err
pragma_is(struct db *db, const char *sql, const char *want)
{
    sqlite3_stmt *st = db_use(db, sql);
    enum gr_err err;
    bool row;

    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    err = row && gr_str_is(db_text(st, 0), want) ? GR_OK : GR_EIO;
    db_end(st);
    return err;
}

/* SQLite would fold its log in by itself, before the callers hear of their commit, and keep an error to itself. */
static int
on_commit(void *arg, sqlite3 *h, const char *name, int pages)
{
    struct store *s = arg;

    (void)h;
    (void)name;
    s->log_pages = pages;
    return SQLITE_OK;
}

/* What to do about a file that cannot be believed. It is never repaired or replaced by us: it is evidence, and perhaps
 * the only copy. */
#define DAMAGED                                                                                              \
    "the store is damaged and was left as it is. Keep it (with its -wal), then restore a backup or start "   \
    "with an empty one; see docs/operations.md"

static enum gr_err
bring_up(struct store *s, const struct store_options *o, char *reason)
{
    const struct schema *schema = o->schema ? o->schema : &schema_current;
    int64_t from = 0;
    char numbers[96];
    enum gr_err err = schema_migrate(&s->db, schema, &from);

    (void)snprintf(numbers, sizeof numbers, "schema version %lld, this one knows up to %lld", (long long)from,
                   (long long)schema->version);
    if (err == GR_ESTATE && from < 0)
        say(reason, "this is no store of guardraild: it holds other tables", o->path);
    else if (err == GR_ESTATE)
        say(reason,
            "the store was written by a newer guardraild; use that one, or restore the backup from before",
            numbers);
    else if (err != GR_OK)
        say(reason, "cannot bring the store's tables up to date", s->db.message);
    else if (from > 0 && from < schema->version)
        log_event(s->log, AT_INFO, "the store was brought up to date", "detail", numbers, (char *)NULL);
    return err;
}

static enum gr_err
open_database(struct store *s, const struct store_options *o, char *reason)
{
    enum gr_err err;
    int rc = sqlite3_open_v2(o->path, &s->db.h,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);

    if (rc != SQLITE_OK) {
        say(reason, "cannot open the store", sqlite3_errstr(rc));
        return db_err_of(rc);
    }
    if ((err = configure(&s->db, o->busy_timeout_ms)) != GR_OK) {
        bool damaged = (s->db.rc & 0xff) == SQLITE_NOTADB || (s->db.rc & 0xff) == SQLITE_CORRUPT;
        say(reason, damaged ? DAMAGED : "cannot prepare the store", s->db.message);
        return err;
    }
    if ((err = pragma_is(&s->db, "PRAGMA quick_check(1)", "ok")) != GR_OK) {
        say(reason, DAMAGED, s->db.message[0] ? s->db.message : "quick_check");
        return err;
    }
    if ((err = pragma_is(&s->db, "PRAGMA journal_mode", "wal")) != GR_OK) {
        say(reason, "the file system does not allow write-ahead logging", s->db.message);
        return err;
    }
    s->checkpoint_pages = o->checkpoint_pages > 0 ? o->checkpoint_pages : STORE_CHECKPOINT_PAGES;
    (void)sqlite3_wal_hook(s->db.h, on_commit, s);
    if ((s->db.known = known_create()) != NULL) /* without, each repeat is decided in full */
        known_watch(s->db.known, s->db.h);
    if ((err = bring_up(s, o, reason)) != GR_OK)
        return err;
    return db_exec(&s->db, "PRAGMA foreign_keys=ON");
}

/* With the mutex, or before the thread runs. */
static void
publish_disk(struct store *s)
{
    if (s->disk.low != s->state.low)
        log_event(s->log, s->disk.low ? AT_ERROR : AT_INFO,
                  s->disk.low ? "the disk's reserve is reached: nothing new is accepted"
                              : "the disk has room again",
                  (char *)NULL);
    s->state.free_bytes = s->disk.free_bytes;
    s->state.low = s->disk.low;
    s->state.ballast = s->disk.held;
}

/* What is known about the ground that the store stands on. */
static enum gr_err
check_disk(struct store *s, const struct store_options *o, char *reason)
{
    enum gr_err err = disk_init(&s->disk, o->path, o->reserve_bytes);
    const struct disk_kind *kind = s->disk.kind;

    if (err == GR_ESTATE && reason)
        (void)snprintf(reason, STORE_REASON_BYTES, "the store must lie on a local disk; this is %s: %s",
                       kind->name, kind->why);
    if (err != GR_OK)
        return err;
    if (kind)
        log_event(s->log, AT_WARN, "the store should lie on a local disk", "file_system", kind->name, "why",
                  kind->why, (char *)NULL);
    if (o->reserve_bytes > 0 && !s->disk.held)
        log_event(s->log, AT_WARN, "the disk has no room for the store's ballast", "file", s->disk.ballast,
                  (char *)NULL);
    publish_disk(s);
    if (sqlite3_libversion_number() < STORE_ENGINE_FIXED)
        log_event(s->log, AT_INFO,
                  "this SQLite may damage a file that several connections write to; guardraild has one only, "
                  "and so must everybody else",
                  "sqlite", sqlite3_libversion(), "mended_in", "3.51.3", (char *)NULL);
    return GR_OK;
}

static void
store_destroy(struct store *s)
{
    db_finish(&s->db);
    if (s->db.h &&
        s->state.failed) /* the log stays for the next process to judge: a failed fsync is not tried again */
        (void)sqlite3_db_config(s->db.h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (s->db.h && sqlite3_close(s->db.h) != SQLITE_OK)
        log_event(s->log, AT_ERROR, "store did not close cleanly", (char *)NULL);
    known_free(s->db.known);
    if (s->lock_fd >= 0)
        (void)gr_sys.close(s->lock_fd); /* holds no data; closing frees the lock */
    (void)pthread_mutex_destroy(&s->mutex);
    (void)pthread_cond_destroy(&s->wake);
    gr_sys.free(s);
}

static bool
init_locks(struct store *s)
{
    pthread_condattr_t a;
    bool made;

    if (pthread_condattr_init(&a) != 0)
        return false;
    made = pthread_condattr_setclock(&a, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&s->wake, &a) == 0;
    (void)pthread_condattr_destroy(&a);
    if (made && pthread_mutex_init(&s->mutex, NULL) != 0) {
        (void)pthread_cond_destroy(&s->wake);
        return false;
    }
    return made;
}

enum gr_err
store_open(struct store **out, const struct store_options *o, char *reason)
{
    struct store *s = gr_sys.realloc(NULL, sizeof *s);
    enum gr_err err;

    if (!s)
        return GR_ENOMEM;
    memset(s, 0, sizeof *s);
    s->lock_fd = -1;
    s->log = o->log;
    if (!init_locks(s)) {
        gr_sys.free(s);
        return GR_ENOMEM;
    }
    if ((err = take_lock(s, o->path)) != GR_OK) {
        say(reason, err == GR_EBUSY ? "another process holds the store's lock" : "cannot lock the store",
            o->path);
        goto done;
    }
    if ((err = make_file(o->path)) != GR_OK) {
        say(reason, "cannot create the store", gr_err_name(err));
        goto done;
    }
    if ((err = check_disk(s, o, reason)) != GR_OK)
        goto done;
    if ((err = open_database(s, o, reason)) != GR_OK)
        goto done;
    *out = s;
    s = NULL;
done:
    if (s)
        store_destroy(s);
    return err;
}

/* ---- the owning thread ---- */

/* One job in its savepoint. Its own refusal (GR_ESTATE, GR_EEXIST …) is undone and kept; trouble of the
 * database is
 * returned, and then the whole transaction is lost. */
static enum gr_err
run_job(struct db *db, struct job *job)
{
    enum gr_err trouble;

    if ((trouble = db_do(db, "SAVEPOINT job")) != GR_OK)
        return trouble;
    job->err = job->fn(db, job->arg);
    if (db->err == GR_EEXIST || db->err == GR_ELIMIT) /* the job's statement, not the database */
        job->err = db->err;
    else if (db->err != GR_OK)
        return db->err;
    db_clear(db);
    if (job->err != GR_OK) {
        known_forget(db->known);
        if ((trouble = db_do(db, "ROLLBACK TO job")) != GR_OK)
            return trouble;
    }
    return db_do(db, "RELEASE job");
}

#define FULL "the disk is full: the ballast was given up, nothing new is accepted"

static enum gr_err
run_batch(struct store *s, struct job *jobs, size_t count)
{
    struct db *db = &s->db;
    enum gr_err err;

    db_clear(db);
    err = db_do(db, "BEGIN IMMEDIATE");
    for (size_t i = 0; i < count && err == GR_OK; i++)
        err = run_job(db, &jobs[i]);
    if (err == GR_OK)
        err = db_do(db, "COMMIT");
    if (err == GR_OK)
        return GR_OK;
    known_forget(db->known);
    if (err == GR_ENOSPC && disk_release(&s->disk))
        log_event(s->log, AT_ERROR, FULL, (char *)NULL);
    log_event(s->log, AT_ERROR, "store transaction failed", "error", gr_err_name(err), "detail", db->message,
              (char *)NULL);
    /* Not a retry: whatever COMMIT reached, nobody was told that it is there. */
    if (!sqlite3_get_autocommit(db->h))
        (void)sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        jobs[i].err = err;
    return err;
}

static void
count_batch(struct store *s, enum gr_err err, size_t jobs, double elapsed_ms)
{
    struct store_state *st = &s->state;
    size_t bucket = 0;

    st->last = err;
    st->jobs += jobs;
    if (err != GR_OK) {
        st->errors++;
        if (err == GR_EIO)
            st->failed = true;
        return;
    }
    st->commits++;
    st->latency_sum_ms += elapsed_ms;
    while (bucket < GR_COUNT(store_latency_ms) && elapsed_ms > store_latency_ms[bucket])
        bucket++;
    st->latency_count[bucket]++;
}

/* Worth it when nothing else is to be done. */
static bool
log_is_long(const struct store *s)
{
    return s->log_pages > 0 && s->log_pages >= s->checkpoint_pages / STORE_CHECKPOINT_IDLE;
}

/* With the mutex. Waits for jobs, but no longer than the disk may go unwatched, or the log wait for a pause. */
static void
wait_for_jobs(struct store *s)
{
    int64_t wait_ms = log_is_long(s) ? STORE_IDLE_MS : DISK_LOOK_MS;
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&s->wake, &s->mutex, &until); /* the caller looks why it ended */
}

/* Takes what waits, at most a batch; 0 after a while without any. False: closing and empty. */
static bool
take_jobs(struct store *s, struct job *jobs, size_t *count, bool *failed)
{
    size_t n = 0;
    bool going;

    pthread_mutex_lock(&s->mutex);
    if (s->count == 0 && !s->closing)
        wait_for_jobs(s);
    going = s->count > 0 || !s->closing;
    while (s->count > 0 && n < STORE_BATCH_MAX) {
        jobs[n++] = s->queue[s->head];
        s->head = (s->head + 1) % STORE_QUEUE_MAX;
        s->count--;
    }
    *failed = s->state.failed;
    *count = n;
    pthread_mutex_unlock(&s->mutex);
    return going;
}

/* After the callers were answered: nobody waits for it. idle: there was nothing to do just now. */
static enum gr_err
fold_log_in(struct store *s, bool idle)
{
    enum gr_err err = GR_OK;
    int rc;

    if (s->log_pages < s->checkpoint_pages && !(idle && log_is_long(s)))
        return GR_OK;
    rc = sqlite3_wal_checkpoint_v2(s->db.h, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    s->log_pages = 0; /* if it failed, the next commit says the number again */
    if (rc != SQLITE_OK) {
        err = db_err_of(rc);
        log_event(s->log, AT_ERROR, "the log of the store could not be folded in", "error", gr_err_name(err),
                  "detail", sqlite3_errmsg(s->db.h), (char *)NULL);
    }
    if (err == GR_ENOSPC && disk_release(&s->disk))
        log_event(s->log, AT_ERROR, FULL, (char *)NULL);
    return err;
}

static void *
store_main(void *arg)
{
    struct store *s = arg;
    struct job jobs[STORE_BATCH_MAX];
    bool failed;
    size_t n;

    while (take_jobs(s, jobs, &n, &failed)) {
        double start = monotonic_ms();
        enum gr_err err = GR_EIO;

        disk_look(&s->disk, start);
        if (n > 0 && !failed)
            err = run_batch(s, jobs, n);
        pthread_mutex_lock(&s->mutex);
        if (n > 0)
            count_batch(s, err, n, monotonic_ms() - start);
        publish_disk(s);
        pthread_mutex_unlock(&s->mutex);
        for (size_t i = 0; i < n; i++)
            jobs[i].done(jobs[i].arg, err == GR_OK ? jobs[i].err : err);
        if (!failed && fold_log_in(s, n == 0) == GR_EIO) {
            pthread_mutex_lock(&s->mutex);
            s->state.errors++;
            s->state.last = GR_EIO;
            s->state.failed = true;
            pthread_mutex_unlock(&s->mutex);
        }
    }
    return NULL;
}

enum gr_err
store_start(struct store *s)
{
    int rc = pthread_create(&s->thread, NULL, store_main, s);

    if (rc != 0)
        return gr_err_from_errno(rc);
    s->running = true;
    return GR_OK;
}

void
store_close(struct store *s)
{
    if (!s)
        return;
    if (s->running) {
        pthread_mutex_lock(&s->mutex);
        s->closing = true;
        pthread_cond_broadcast(&s->wake);
        pthread_mutex_unlock(&s->mutex);
        pthread_join(s->thread, NULL);
    }
    store_destroy(s);
}

/* ---- callers ---- */

static enum gr_err
enqueue(struct store *s, store_fn *fn, void *arg, store_done_fn *done, bool new_evidence)
{
    enum gr_err err = GR_OK;

    pthread_mutex_lock(&s->mutex);
    if (s->closing)
        err = GR_ESTATE;
    else if (s->state.failed)
        err = GR_EIO;
    else if (s->state.low && new_evidence)
        err = GR_ENOSPC;
    else if (s->count == STORE_QUEUE_MAX)
        err = GR_EAGAIN;
    else {
        s->queue[(s->head + s->count) % STORE_QUEUE_MAX] = (struct job){.fn = fn, .done = done, .arg = arg};
        s->count++;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->mutex);
    return err;
}

enum gr_err
store_post(struct store *s, store_fn *fn, void *arg, store_done_fn *done)
{
    return enqueue(s, fn, arg, done, true);
}

/* A caller that waits: it owns this on its stack and leaves only after `finished`. */
struct waiter {
    store_fn *fn;
    void *arg;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool finished;
    enum gr_err err;
};

static enum gr_err
waiter_run(struct db *db, void *arg)
{
    struct waiter *w = arg;

    return w->fn(db, w->arg);
}

static void
waiter_done(void *arg, enum gr_err err)
{
    struct waiter *w = arg;

    pthread_mutex_lock(&w->mutex);
    w->err = err;
    w->finished = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

enum gr_err
store_call(struct store *s, store_fn *fn, void *arg)
{
    struct waiter w = {.fn = fn, .arg = arg};
    enum gr_err err;

    GR_ASSERT(!s->running || !pthread_equal(pthread_self(), s->thread));
    if (pthread_mutex_init(&w.mutex, NULL) != 0)
        return GR_ENOMEM;
    if (pthread_cond_init(&w.cond, NULL) != 0) {
        (void)pthread_mutex_destroy(&w.mutex);
        return GR_ENOMEM;
    }
    if ((err = enqueue(s, waiter_run, &w, waiter_done, false)) == GR_OK) {
        pthread_mutex_lock(&w.mutex);
        while (!w.finished)
            pthread_cond_wait(&w.cond, &w.mutex);
        pthread_mutex_unlock(&w.mutex);
        err = w.err;
    }
    (void)pthread_cond_destroy(&w.cond);
    (void)pthread_mutex_destroy(&w.mutex);
    return err;
}

void
store_state(struct store *s, struct store_state *out)
{
    pthread_mutex_lock(&s->mutex);
    *out = s->state;
    out->queued = s->count;
    pthread_mutex_unlock(&s->mutex);
}
