/* torture: every allocation and every system call fails in turn, on the way from a request's body to the decision record.
 *
 * torture [EVERY]: the first failing point of each kind, then about each EVERYth (default 1: all). One run is: open the store, read the policy, parse the body, enact it
 * (what intake answers with 200), claim the rollback, begin and end its step, finish it, write the record, close. For every kind of
 * call and every error it may give, the 1st, 2nd, 3rd … such call fails, once or from then on, until a run is not hit any more.
 * Wanted each time: no crash, no leak of memory or descriptors, a store that opens afterwards, everything there that was
 * acknowledged, and of nothing only a half. Prints a line per kind. Status 0: as it must be. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "guardrail/file.h"
#include "guardrail/number.h"
#include "guardrail/sys.h"
#include "tests/unit/fault.h"
#include "webhook/enact.h"
#include "webhook/metrics.h"
#include "webhook/outbox.h"
#include "webhook/record.h"

#define NOW INT64_C(1795435600000)

/* ---- SQLite's calls ---- */

enum call {
    NO_CALL,
    MEMORY,
    OPEN,
    ACCESS,
    STAT,
    FSTAT,
    TRUNCATE,
    FCNTL,
    PREAD,
    PWRITE,
    UNLINK,
    FOLDER,
    MMAP,
    FDATASYNC,
    CALLS
};
static struct {
    enum call call;
    unsigned nth;
    bool sticky;
    int error; /* 0: short */
    atomic_uint counts[CALLS];
    atomic_bool hit;
} sq;

static bool
fails(enum call call)
{
    unsigned n = atomic_fetch_add(&sq.counts[call], 1) + 1;

    if (call != sq.call || n < sq.nth || (n > sq.nth && !sq.sticky))
        return false;
    atomic_store(&sq.hit, true);
    errno = sq.error;
    return true;
}

static sqlite3_mem_methods real_memory;
static void *
on_malloc(int n)
{
    return fails(MEMORY) ? NULL : real_memory.xMalloc(n);
}
static void *
on_realloc(void *p, int n)
{
    return fails(MEMORY) ? NULL : real_memory.xRealloc(p, n);
}

/* The disk's sync is left out, for time: only whether it fails matters here. The name is the linker's: SQLite calls it. */
int
fdatasync(int fd)
{
    (void)fd;
    return fails(FDATASYNC) ? -1 : 0;
}

int
fsync(int fd)
{
    (void)fd;
    return 0; /* as above; the failing ones come from fault.c */
}

/* SQLite's patience with locks that never come: ten seconds each time. */
int
usleep(useconds_t us)
{
    (void)us;
    return 0;
}

static int (*real_open)(const char *, int, int);
static int (*real_access)(const char *, int);
static int (*real_stat)(const char *, struct stat *);
static int (*real_fstat)(int, struct stat *);
static int (*real_ftruncate)(int, off_t);
static int (*real_fcntl)(int, int, ...);
static ssize_t (*real_pread)(int, void *, size_t, off64_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_unlink)(const char *);
static int (*real_folder)(const char *, int *);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

static int
on_open(const char *path, int flags, int mode)
{
    return fails(OPEN) ? -1 : real_open(path, flags, mode);
}
static int
on_access(const char *path, int mode)
{
    return fails(ACCESS) ? -1 : real_access(path, mode);
}
static int
on_stat(const char *path, struct stat *out)
{
    return fails(STAT) ? -1 : real_stat(path, out);
}
static int
on_fstat(int fd, struct stat *out)
{
    return fails(FSTAT) ? -1 : real_fstat(fd, out);
}
static int
on_ftruncate(int fd, off_t n)
{
    return fails(TRUNCATE) ? -1 : real_ftruncate(fd, n);
}
static int
on_fcntl(int fd, int op, ...)
{
    va_list more;
    void *arg;

    va_start(more, op);
    arg = va_arg(more, void *);
    va_end(more);
    return fails(FCNTL) ? -1 : real_fcntl(fd, op, arg);
}
static ssize_t
on_pread(int fd, void *p, size_t n, off64_t at)
{
    if (!fails(PREAD))
        return real_pread(fd, p, n, at);
    return sq.error == 0 ? real_pread(fd, p, n > 1 ? n / 2 : n, at) : -1;
}
static ssize_t
on_pwrite(int fd, const void *p, size_t n, off64_t at)
{
    if (!fails(PWRITE))
        return real_pwrite(fd, p, n, at);
    return sq.error == 0 ? real_pwrite(fd, p, n > 1 ? n / 2 : n, at) : -1;
}
static int
on_unlink(const char *path)
{
    return fails(UNLINK) ? -1 : real_unlink(path);
}
static int
on_folder(const char *path, int *fd)
{
    return fails(FOLDER) ? SQLITE_CANTOPEN : real_folder(path, fd);
}
static void *
on_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    return fails(MMAP) ? MAP_FAILED : real_mmap(at, n, protection, flags, fd, offset);
}

#define HOOK(vfs, name, real, on)                                                                            \
    do {                                                                                                     \
        real = (__typeof__(real))(vfs)->xGetSystemCall(vfs, name);                                           \
        GR_ASSERT(real);                                                                                     \
        GR_ASSERT((vfs)->xSetSystemCall(vfs, name, (sqlite3_syscall_ptr)on) == SQLITE_OK);                   \
    } while (0)

static void
hook_sqlite(void)
{
    sqlite3_mem_methods memory;
    sqlite3_vfs *vfs;

    GR_ASSERT(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) == SQLITE_OK);
    memory = real_memory;
    memory.xMalloc = on_malloc;
    memory.xRealloc = on_realloc;
    GR_ASSERT(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) == SQLITE_OK);
    vfs = sqlite3_vfs_find(NULL);
    GR_ASSERT(vfs);
    HOOK(vfs, "open", real_open, on_open);
    HOOK(vfs, "access", real_access, on_access);
    HOOK(vfs, "stat", real_stat, on_stat);
    HOOK(vfs, "fstat", real_fstat, on_fstat);
    HOOK(vfs, "ftruncate", real_ftruncate, on_ftruncate);
    HOOK(vfs, "fcntl", real_fcntl, on_fcntl);
    HOOK(vfs, "pread64", real_pread, on_pread);
    HOOK(vfs, "pwrite64", real_pwrite, on_pwrite);
    HOOK(vfs, "unlink", real_unlink, on_unlink);
    HOOK(vfs, "openDirectory", real_folder, on_folder);
    HOOK(vfs, "mmap", real_mmap, on_mmap);
}

/* ---- one run ---- */

static char folder[64] = "torture.XXXXXX", path[128], record_file[160];
static int64_t reserve_bytes = 1 << 20; /* so that there is a ballast */
static struct gr_buf policy_path = GR_BUF_INIT(4096), body = GR_BUF_INIT(8192),
                     template = GR_BUF_INIT(16u << 20);
static struct gr_buf old_record = GR_BUF_INIT(1u << 20), new_record = GR_BUF_INIT(1u << 20);

struct life {
    struct conf conf;
    struct policies policies;
    struct app app;
    struct gr_arena *arena;
    struct outbox_effect effect;
    struct outbox_step step;
    bool enacted, claimed, begun, ended, finished, recorded; /* acknowledged */
};

static struct policy *
read_policy(enum gr_err *err)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct policy *p = NULL;

    *err = d ? policy_load(gr_buf_cstr(&policy_path), sources, d, &p) : GR_ENOMEM;
    gr_diags_free(d);
    gr_sources_free(sources);
    return p;
}

static bool
open_life(struct life *l)
{
    struct policy *p;
    enum gr_err err;

    l->conf.mode = MODE_AUTO;
    l->conf.reports_dir = gr_str(folder);
    l->app.conf = &l->conf;
    l->app.started_ms = NOW;
    if (!(l->arena = gr_arena_create(32u << 20)) || !(l->app.metrics = metrics_create()))
        return false;
    if (store_open(
            &l->app.store,
            &(struct store_options){.path = path, .busy_timeout_ms = 1, .reserve_bytes = reserve_bytes},
            NULL) != GR_OK ||
        store_start(l->app.store) != GR_OK)
        return false;
    if (!(p = read_policy(&err)) || policies_load(&l->policies, p, l->app.store, NOW, NULL) != GR_OK)
        return false;
    l->app.policies = &l->policies;
    return true;
}

static void
close_life(struct life *l)
{
    store_close(l->app.store);
    if (l->app.policies)
        policies_fini(&l->policies);
    metrics_free(l->app.metrics);
    gr_arena_free(l->arena);
}

static enum gr_err
job_claim(struct db *db, void *arg)
{
    struct life *l = arg;

    return outbox_claim(db, l->arena, OUTBOX_TARGET_ROLLBACK, NOW, &l->effect);
}

static enum gr_err
job_begin(struct db *db, void *arg)
{
    struct life *l = arg;

    l->step = (struct outbox_step){.effect_id = l->effect.id,
                                   .attempt = 1,
                                   .name = GR_STR("freeze"),
                                   .command = GR_STR("freeze d1"),
                                   .started_ms = NOW};
    return outbox_step_begin(db, &l->step);
}

static enum gr_err
job_end(struct db *db, void *arg)
{
    struct life *l = arg;

    l->step.state = STEP_DONE;
    l->step.ended_ms = NOW + 1;
    l->step.detail = GR_STR("exit 0");
    return outbox_step_end(db, &l->step);
}

static enum gr_err
job_finish(struct db *db, void *arg)
{
    struct life *l = arg;
    struct release_act act = {.by = GR_STR("guardraild"), .reason = GR_STR("done"), .now_ms = NOW + 2};
    struct release_breach breach = {
        .guardrail = GR_STR("error_rate"), .level = GR_STR("hard"), .side = GR_STR("upper")};
    struct release r;
    enum gr_err err = outbox_finish(db, l->effect.id, "done", GR_STR(""), NOW + 2);

    if (err == GR_OK)
        err = release_get(db, &l->policies, l->effect.release_id, &r);
    return err == GR_OK ? release_rolled_back(db, &r, true, l->effect.id, &act, &breach) : err;
}

static bool
enact(struct life *l)
{
    struct gr_buf error = GR_BUF_INIT(1024);
    struct intake_batch batch = {.count = 0};
    enum gr_err err = intake_parse(l->arena, gr_buf_str(&body), NOW, &batch, &error);

    if (err == GR_OK)
        err = store_call(l->app.store, enact_batch,
                         &(struct enact_job){.app = &l->app,
                                             .arena = l->arena,
                                             .body = gr_buf_str(&body),
                                             .source = "alerts",
                                             .batch = &batch,
                                             .now_ms = NOW});
    gr_buf_fini(&error);
    return err == GR_OK;
}

static const struct record_decision decisions[] = {
    {.decision = GR_STR_INIT("start"),
     .at_ms = 1000,
     .spec = GR_STR_INIT("demo"),
     .phase = GR_STR_INIT("preflight"),
     .approver = GR_STR_INIT("jane")},
    {.decision = GR_STR_INIT("rollback"),
     .at_ms = NOW,
     .spec = GR_STR_INIT("demo"),
     .phase = GR_STR_INIT("phase_1"),
     .approver = GR_STR_INIT("guardraild"),
     .outcome = GR_STR_INIT("rolled_back")},
};

static void
live(struct life *l)
{
    if (!open_life(l) || !(l->enacted = enact(l)))
        goto done;
    if (!(l->claimed = store_call(l->app.store, job_claim, l) == GR_OK) ||
        !(l->begun = store_call(l->app.store, job_begin, l) == GR_OK) ||
        !(l->ended = store_call(l->app.store, job_end, l) == GR_OK))
        goto done;
    l->finished = store_call(l->app.store, job_finish, l) == GR_OK;
    l->recorded = record_write(folder, GR_STR("d1"), decisions, 2, false) == GR_OK;
done:
    close_life(l);
}

/* ---- judging ---- */

struct facts {
    int64_t inbox, rollbacks, steps, steps_done, effects_done, rolled_back, records;
};

static enum gr_err
read_facts(struct db *db, void *arg)
{
    struct facts *f = arg;
    sqlite3_stmt *st = db_use(
        db, "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM effect WHERE kind = 'rollback'),"
            " (SELECT count(*) FROM step), (SELECT count(*) FROM step WHERE state = 'done'),"
            " (SELECT count(*) FROM effect WHERE kind = 'rollback' AND state = 'done'),"
            " (SELECT count(*) FROM release WHERE state = 'rolled_back'),"
            " (SELECT count(*) FROM record)");
    enum gr_err err;
    bool row;

    if ((err = db_step(db, st, &row)) == GR_OK)
        *f = (struct facts){db_i64(st, 0), db_i64(st, 1), db_i64(st, 2), db_i64(st, 3),
                            db_i64(st, 4), db_i64(st, 5), db_i64(st, 6)};
    db_end(st);
    return err;
}

static bool
file_is(const struct gr_buf *want)
{
    struct gr_buf got = GR_BUF_INIT(1u << 20);
    bool same = gr_file_read(record_file, &got) == GR_OK && gr_str_eq(gr_buf_str(&got), gr_buf_str(want));

    gr_buf_fini(&got);
    return same;
}

/* NULL: all as it must be. Two records are there from before, of the start and the first phase; a third comes with the end. */
static const char *
judge(const struct life *l)
{
    struct facts f = {0};
    struct store *s = NULL;
    const char *wrong = NULL;
    char reason[STORE_REASON_BYTES] = "";

    if (store_open(&s, &(struct store_options){.path = path, .busy_timeout_ms = 50}, reason) != GR_OK ||
        store_start(s) != GR_OK || store_call(s, read_facts, &f) != GR_OK)
        wrong = "the store does not open afterwards";
    else if (l->enacted && f.inbox != 1)
        wrong = "an acknowledged alert is lost";
    else if (f.inbox != f.rollbacks || f.inbox > 1)
        wrong = "half a request is stored";
    else if ((l->begun && f.steps != 1) || (!l->claimed && f.steps))
        wrong = "the step's beginning is not as it was said";
    else if (l->ended && f.steps_done != 1)
        wrong = "the step's end is lost";
    else if (l->finished && f.effects_done != 1)
        wrong = "the end of the rollback is lost";
    else if (f.effects_done != f.rolled_back || f.records != 2 + f.rolled_back + (f.inbox ? 1 : 0))
        wrong = "half an end is stored";
    store_close(s);
    if (!wrong && (l->recorded ? !file_is(&new_record) : !file_is(&old_record) && !file_is(&new_record)))
        wrong = "the record is not what was promised";
    return wrong;
}

static int
open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    return n;
}

/* ---- all of it ---- */

static void
lay_out(void)
{
    static const char *const gone[] = {"-wal", "-shm", "-journal", ".reserve"};
    char name[160];

    for (size_t i = 0; i < GR_COUNT(gone); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, gone[i]);
        (void)unlink(name);
    }
    GR_ASSERT(gr_file_write(path, gr_buf_str(&template), 0600) == GR_OK);
    GR_ASSERT(gr_file_write(record_file, gr_buf_str(&old_record), 0644) == GR_OK);
}

/* A row is a way to fail. To add one: a row. */
static const struct source {
    const char *name;
    enum call call; /* of SQLite, or NO_CALL and then of gr_sys */
    enum fault_call sys;
    int error; /* 0: short */
} sources[] = {
    {"allocation", NO_CALL, FAULT_REALLOC, ENOMEM},
    {"open EMFILE", NO_CALL, FAULT_OPEN, EMFILE},
    {"open EACCES", NO_CALL, FAULT_OPEN, EACCES},
    {"close EIO", NO_CALL, FAULT_CLOSE, EIO},
    {"close EINTR", NO_CALL, FAULT_CLOSE, EINTR},
    {"read EIO", NO_CALL, FAULT_READ, EIO},
    {"read EINTR", NO_CALL, FAULT_READ, EINTR},
    {"read short", NO_CALL, FAULT_READ, FAULT_SHORT},
    {"write EIO", NO_CALL, FAULT_WRITE, EIO},
    {"write ENOSPC", NO_CALL, FAULT_WRITE, ENOSPC},
    {"write EINTR", NO_CALL, FAULT_WRITE, EINTR},
    {"write short", NO_CALL, FAULT_WRITE, FAULT_SHORT},
    {"fsync EIO", NO_CALL, FAULT_FSYNC, EIO},
    {"fsync ENOSPC", NO_CALL, FAULT_FSYNC, ENOSPC},
    {"rename EIO", NO_CALL, FAULT_RENAME, EIO},
    {"unlink EIO", NO_CALL, FAULT_UNLINK, EIO},
    {"mkdir ENOSPC", NO_CALL, FAULT_MKDIR, ENOSPC},
    {"flock EINTR", NO_CALL, FAULT_FLOCK, EINTR},
    {"flock ENOLCK", NO_CALL, FAULT_FLOCK, ENOLCK},
    {"statfs EIO", NO_CALL, FAULT_STATFS, EIO},
    {"fallocate ENOSPC", NO_CALL, FAULT_FALLOCATE, ENOSPC},
    {"SQLite allocation", MEMORY, FAULT_CALLS, ENOMEM},
    {"SQLite open EMFILE", OPEN, FAULT_CALLS, EMFILE},
    {"SQLite open EINTR", OPEN, FAULT_CALLS, EINTR},
    {"SQLite access EIO", ACCESS, FAULT_CALLS, EIO},
    {"SQLite stat EIO", STAT, FAULT_CALLS, EIO},
    {"SQLite fstat EIO", FSTAT, FAULT_CALLS, EIO},
    {"SQLite ftruncate EIO", TRUNCATE, FAULT_CALLS, EIO},
    {"SQLite ftruncate EINTR", TRUNCATE, FAULT_CALLS, EINTR},
    {"SQLite fcntl ENOLCK", FCNTL, FAULT_CALLS, ENOLCK},
    {"SQLite fcntl EAGAIN", FCNTL, FAULT_CALLS, EAGAIN},
    {"SQLite fcntl EINTR", FCNTL, FAULT_CALLS, EINTR},
    {"SQLite pread EIO", PREAD, FAULT_CALLS, EIO},
    {"SQLite pread EINTR", PREAD, FAULT_CALLS, EINTR},
    {"SQLite pread short", PREAD, FAULT_CALLS, 0},
    {"SQLite pwrite EIO", PWRITE, FAULT_CALLS, EIO},
    {"SQLite pwrite ENOSPC", PWRITE, FAULT_CALLS, ENOSPC},
    {"SQLite pwrite EINTR", PWRITE, FAULT_CALLS, EINTR},
    {"SQLite pwrite short", PWRITE, FAULT_CALLS, 0},
    {"SQLite unlink EIO", UNLINK, FAULT_CALLS, EIO},
    {"SQLite open folder", FOLDER, FAULT_CALLS, EIO},
    {"SQLite mmap ENOMEM", MMAP, FAULT_CALLS, ENOMEM},
    {"SQLite fdatasync EIO", FDATASYNC, FAULT_CALLS, EIO},
    {"SQLite fdatasync ENOSPC", FDATASYNC, FAULT_CALLS, ENOSPC},
    {"SQLite fdatasync EINTR", FDATASYNC, FAULT_CALLS, EINTR},
};

static char doing[128] = "the start";

static void
on_abort(int signal)
{
    (void)signal;
    (void)!write(2, "\ntorture: crashed at ", 21);
    (void)!write(2, doing, strlen(doing));
    (void)!write(2, "\n", 1);
}

static const char *
one_run(const struct source *source, unsigned nth, bool sticky, bool *hit, struct life *l)
{
    int files = open_files();
    int64_t memory = sqlite3_memory_used();

    lay_out();
    *l = (struct life){.arena = NULL};
    fault_arm(source->call == NO_CALL ? source->sys : FAULT_CALLS, nth, sticky, source->error);
    sq.call = source->call;
    sq.nth = nth;
    sq.sticky = sticky;
    sq.error = source->error;
    for (size_t i = 0; i < CALLS; i++)
        atomic_store(&sq.counts[i], 0);
    atomic_store(&sq.hit, false);
    live(l);
    sq.call = NO_CALL;
    fault_off();
    *hit = fault_hit() || atomic_load(&sq.hit);
    if (fault_live() != 0)
        return "memory is lost";
    if (sqlite3_memory_used() > memory)
        return "memory of SQLite is lost";
    if (open_files() != files)
        return "a descriptor is lost";
    return judge(l);
}

struct sum {
    size_t runs, points, enacted, failed;
};

static unsigned
after(unsigned n, unsigned every)
{
    return n + 1 + (every > 1 ? (unsigned)random() % (2 * every - 1) : 0);
}

static void
one_source(const struct source *source, unsigned every, struct sum *total)
{
    struct sum sum = {0};

    reserve_bytes =
        source->sys == FAULT_UNLINK ? 0 : 1 << 20; /* without a reserve, an old ballast is removed */
    /* SQLite takes up an interrupted call again, as often as it takes: never ending interruptions would be our fault. */
    for (int sticky = 0; sticky < (source->error == EINTR ? 1 : 2); sticky++) {
        bool hit = true;
        for (unsigned n = 1; hit && sum.failed < 3; n = after(n, every)) {
            struct life l;
            const char *wrong;
            (void)snprintf(doing, sizeof doing, "%s, number %u%s", source->name, n,
                           sticky ? " and all later" : "");
            wrong = one_run(source, n, sticky != 0, &hit, &l);
            sum.runs++;
            sum.points += hit;
            sum.enacted += hit && l.enacted;
            if (!wrong && !hit && !l.finished)
                wrong = "not hit, and yet it failed";
            if (wrong) {
                sum.failed++;
                printf("FAIL: %s: %s\n", doing, wrong);
            }
        }
    }
    if (sum.points == 0) {
        sum.failed++;
        printf("FAIL: %s: never reached\n", source->name);
    }
    printf("%-24s %6zu points, %6zu of them acknowledged the alert, %zu failures\n", source->name, sum.points,
           sum.enacted, sum.failed);
    total->runs += sum.runs;
    total->points += sum.points;
    total->failed += sum.failed;
}

static enum gr_err
make_release(struct db *db, void *arg)
{
    struct life *l = arg;
    struct label cluster = {GR_STR("cluster"), GR_STR("equities")};
    struct release_act act = {
        .by = GR_STR("jane"), .reason = GR_STR("test"), .commander = GR_STR("kim"), .now_ms = 1000};
    struct gr_buf why = GR_BUF_INIT(1024);
    struct release r;
    enum gr_err err =
        release_start(db, &l->policies, (struct label_set){&cluster, 1}, GR_STR("d1"), &act, &r, &why);

    if (err == GR_OK)
        err = release_advance(db, &r, r.version, true, &act, &why);
    gr_buf_fini(&why);
    return err;
}

/* The store in which a release waits for its alert, and the record before and after. */
static bool
prepare(void)
{
    struct life l = {.arena = NULL};
    bool ok;

    gr_buf_printf(&policy_path, "%s/tests/unit/webhook/policy.json",
                  getenv("GR_SRCDIR") ? getenv("GR_SRCDIR") : ".");
    gr_buf_puts(
        &body,
        "{\"version\":\"4\",\"groupKey\":\"k\",\"status\":\"firing\",\"receiver\":\"r\",\"groupLabels\":{},"
        "\"commonLabels\":{},\"commonAnnotations\":{},\"externalURL\":\"u\",\"alerts\":[{\"status\":"
        "\"firing\","
        "\"labels\":{\"alertname\":\"A\",\"spec\":\"demo\",\"cluster\":\"equities\",\"deployment_id\":\"d1\","
        "\"guardrail\":\"error_rate\",\"level\":\"hard\",\"phase\":\"phase_1\",\"venue\":\"XNAS\",\"flow\":"
        "\"making\"},\"annotations\":{\"summary\":\"s\"},\"startsAt\":\"2026-11-23T14:05:09Z\","
        "\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"\",\"fingerprint\":\"\"}]}");
    ok = open_life(&l) && store_call(l.app.store, make_release, &l) == GR_OK;
    close_life(&l);
    ok = ok && gr_file_read(path, &template) == GR_OK;
    ok = ok && record_write(folder, GR_STR("d1"), decisions, 1, false) == GR_OK &&
         gr_file_read(record_file, &old_record) == GR_OK;
    return ok && record_write(folder, GR_STR("d1"), decisions, 2, false) == GR_OK &&
           gr_file_read(record_file, &new_record) == GR_OK;
}

static void
clean(void)
{
    static const char *const names[] = {"store.db",
                                        "store.db-wal",
                                        "store.db-shm",
                                        "store.db-journal",
                                        "store.db.lock",
                                        "store.db.reserve",
                                        "release_decisions/d1.yaml"};
    char name[160];

    for (size_t i = 0; i < GR_COUNT(names); i++) {
        (void)snprintf(name, sizeof name, "%s/%s", folder, names[i]);
        (void)unlink(name);
    }
    (void)snprintf(name, sizeof name, "%s/release_decisions", folder);
    (void)rmdir(name);
    if (rmdir(folder) != 0)
        printf("kept for a look: %s\n", folder);
}

int
main(int argc, char **argv)
{
    struct sigaction abort_action = {.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND};
    int64_t every = 1;
    struct sum total = {0};

    if (argc > 1 && gr_parse_i64(gr_str(argv[1]), 1, 1000000, &every) != GR_OK)
        return 2;
    srandom((unsigned)getpid());
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    hook_sqlite();
    if (!mkdtemp(folder) || sigaction(SIGABRT, &abort_action, NULL) != 0)
        return 99;
    (void)snprintf(path, sizeof path, "%s/store.db", folder);
    (void)snprintf(record_file, sizeof record_file, "%s/release_decisions/d1.yaml", folder);
    if (!prepare()) {
        printf("torture: it does not even work without faults\n");
        return 99;
    }
    for (size_t i = 0; i < GR_COUNT(sources); i++)
        one_source(&sources[i], (unsigned)every, &total);
    clean();
    printf("torture: %zu runs, %zu failing points (every %lld), %zu failures\n", total.runs, total.points,
           (long long)every, total.failed);
    return total.failed || total.points == 0 ? 1 : 0;
}
