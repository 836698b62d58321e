#include "config.h"
#include "auditor.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include "guardrail/file.h"
#include "guardrail/sys.h"
#include "jw.h"
#include "policy.h"

#define RETRY_MS 1000
#define REST_MS_MAX 1000
#define FILE_BYTES_MAX (AUDIT_FILE_BYTES_MAX + AUDIT_RECORD_BYTES_MAX + AUDIT_FILE_RECORDS_MAX * 100u)
#define POLICIES_MAX 64u /* named by one file */

struct auditor {
    struct auditor_options o;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t cond;
    uint64_t asked;
    bool stopping;
    int64_t file; /* the one that is written; its predecessors are done. The thread's alone */
    int64_t seen; /* the newest record that is written out */
    atomic_int_fast64_t written;
    atomic_uint_fast64_t failures;
};

/* One file on its way out. */
struct pass {
    struct auditor *auditor;
    struct audit_head head;
    int64_t file;
    int64_t size; /* that it has when it has ended, and another follows; else 0 */
    struct gr_buf text;
    bool ended;
    struct {
        char sha256[GR_SHA256_HEX + 1];
    } policies[POLICIES_MAX];
    size_t policy_count;
    const char *want; /* the policy that is read next */
    struct gr_buf policy;
};

/* ---- on the store's thread ---- */

static enum gr_err
read_policies(struct db *db, struct pass *p)
{
    sqlite3_stmt *st = db_use(db, "SELECT DISTINCT policy FROM chain WHERE file = ?1 AND policy IS NOT NULL");
    enum gr_err err;
    bool row;

    p->policy_count = 0;
    db_bind_i64(db, st, 1, p->file);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (p->policy_count == POLICIES_MAX) {
            db_end(st);
            return GR_ELIMIT;
        }
        db_copy(db, st, 0, p->policies[p->policy_count].sha256, sizeof p->policies[0].sha256);
        p->policy_count++;
    }
    return err;
}

/* Whether the next file has ended and another follows: then its size is enough to know that it stands. */
static enum gr_err
job_size(struct db *db, void *arg)
{
    struct pass *p = arg;
    enum gr_err err = audit_head(db, &p->head);

    p->size = 0;
    return err == GR_OK && p->head.file > p->file ? audit_file_size(db, p->file, &p->size) : err;
}

static enum gr_err
job_read(struct db *db, void *arg)
{
    struct pass *p = arg;
    enum gr_err err;

    if ((err = audit_head(db, &p->head)) != GR_OK || p->head.seq <= p->auditor->seen)
        return err;
    gr_buf_reset(&p->text);
    if ((err = audit_read_file(db, p->file, &p->text, &p->ended)) != GR_OK)
        return err;
    return read_policies(db, p);
}

static enum gr_err
job_policy(struct db *db, void *arg)
{
    struct pass *p = arg;
    sqlite3_stmt *st = db_use(db, "SELECT body FROM policy WHERE sha256 = ?1");
    enum gr_err err;

    gr_buf_reset(&p->policy);
    db_bind_text(db, st, 1, p->want);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    gr_buf_put(&p->policy, db_text(st, 0));
    db_end(st);
    return gr_buf_err(&p->policy);
}

/* ---- files ---- */

static enum gr_err
write_named(struct auditor *a, struct gr_str name, struct gr_str text, mode_t mode)
{
    struct gr_buf path = GR_BUF_INIT(4096);
    enum gr_err err;

    gr_buf_printf(&path, "%s/" AUDITOR_FOLDER "/" GR_FMT, a->o.reports_dir, GR_ARG(name));
    if ((err = gr_buf_err(&path)) == GR_OK)
        err = gr_file_write(gr_buf_cstr(&path), text, mode);
    gr_buf_fini(&path);
    return err;
}

/* Whether a file is there with this size, read-only: it was written when it was whole, and need not be again. */
static bool
stands(struct auditor *a, struct gr_str name, size_t bytes)
{
    struct gr_buf path = GR_BUF_INIT(4096);
    struct stat st;
    bool there;

    gr_buf_printf(&path, "%s/" AUDITOR_FOLDER "/" GR_FMT, a->o.reports_dir, GR_ARG(name));
    there = gr_buf_err(&path) == GR_OK && lstat(gr_buf_cstr(&path), &st) == 0 && S_ISREG(st.st_mode) &&
            (st.st_mode & 0777) == 0444 && (size_t)st.st_size == bytes;
    gr_buf_fini(&path);
    return there;
}

static enum gr_err
write_policies(struct auditor *a, struct pass *p)
{
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < p->policy_count && err == GR_OK; i++) {
        char name[GR_SHA256_HEX + 16];
        int n = snprintf(name, sizeof name, "policy-%s.json", p->policies[i].sha256);

        p->want = p->policies[i].sha256;
        if ((err = store_call(a->o.store, job_policy, p)) == GR_OK &&
            !stands(a, (struct gr_str){name, (size_t)n}, p->policy.n))
            err = write_named(a, (struct gr_str){name, (size_t)n}, gr_buf_str(&p->policy), 0444);
    }
    return err;
}

static enum gr_err
write_head(struct auditor *a, const struct audit_head *h)
{
    struct gr_buf b = GR_BUF_INIT(256);
    struct jw w = JW_INIT(&b);
    enum gr_err err;

    jw_open(&w, NULL, '{');
    jw_i64(&w, "file", h->file);
    jw_text(&w, "hash", h->hash);
    jw_i64(&w, "seq", h->seq);
    jw_close(&w, '}');
    gr_buf_putc(&b, '\n');
    if ((err = gr_buf_err(&b)) == GR_OK)
        err = write_named(a, GR_STR(AUDITOR_HEAD), gr_buf_str(&b), 0640);
    gr_buf_fini(&b);
    return err;
}

static struct gr_str
file_name(const struct pass *p, char name[32])
{
    return (struct gr_str){name, (size_t)snprintf(name, 32, "%06" PRId64 ".jsonl", p->file)};
}

/* Policies first, then the file that needs them, then what vouches for its end. *more: another file follows. */
static enum gr_err
write_pass(struct auditor *a, struct pass *p, bool *more)
{
    char name[32];
    enum gr_err err;

    *more = false;
    p->file = a->file;
    if ((err = store_call(a->o.store, job_size, p)) != GR_OK)
        return err;
    if (p->size > 0 && stands(a, file_name(p, name), (size_t)p->size)) {
        a->file++;
        *more = true;
        return GR_OK;
    }
    if ((err = store_call(a->o.store, job_read, p)) != GR_OK || p->head.seq <= a->seen)
        return err;
    if ((err = write_policies(a, p)) != GR_OK ||
        (err = write_named(a, file_name(p, name), gr_buf_str(&p->text), p->ended ? 0444 : 0640)) != GR_OK)
        return err;
    if (p->ended && p->head.file > p->file) {
        a->file++;
        *more = true;
        return GR_OK;
    }
    if ((err = write_head(a, &p->head)) == GR_OK) {
        a->seen = p->head.seq;
        atomic_store(&a->written, p->head.seq);
    }
    return err;
}

static enum gr_err
write_all(struct auditor *a)
{
    struct pass p = {
        .auditor = a, .text = GR_BUF_INIT(FILE_BYTES_MAX), .policy = GR_BUF_INIT(GR_POLICY_BYTES_MAX)};
    struct gr_buf folder = GR_BUF_INIT(4096);
    bool more = true;
    enum gr_err err;

    gr_buf_printf(&folder, "%s/" AUDITOR_FOLDER, a->o.reports_dir);
    if ((err = gr_buf_err(&folder)) == GR_OK)
        err = gr_dir_make(gr_buf_cstr(&folder));
    while (err == GR_OK && more)
        err = write_pass(a, &p, &more);
    if (err != GR_OK)
        log_event(a->o.log, AT_ERROR, "the audit log could not be written out; trying again", "error",
                  gr_err_name(err), (char *)NULL);
    gr_buf_fini(&folder);
    gr_buf_fini(&p.text);
    gr_buf_fini(&p.policy);
    return err;
}

/* ---- the thread ---- */

static int64_t
monotonic_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct timespec
in_ms(int64_t ms)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail with this clock */
    ts.tv_sec += (time_t)(ms / 1000);
    ts.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (ts.tv_nsec >= 1000000000L) {
        ts.tv_nsec -= 1000000000L;
        ts.tv_sec++;
    }
    return ts;
}

/* A file is read whole on the store's thread and written whole: in a storm of decisions that must not take the time that alerts need, so a pass is
 * followed by a rest of four times its length. */
static void
rest(struct auditor *a, int64_t pass_ms)
{
    struct timespec until = in_ms(pass_ms < REST_MS_MAX / 4 ? pass_ms * 4 : REST_MS_MAX);

    while (!a->stopping && pthread_cond_timedwait(&a->cond, &a->mutex, &until) == 0)
        continue;
}

static void *
auditor_main(void *arg)
{
    struct auditor *a = arg;
    struct timespec until;
    bool last = false;
    uint64_t asked;
    int64_t start;

    pthread_mutex_lock(&a->mutex);
    while (!last) {
        last = a->stopping;
        asked = a->asked;
        pthread_mutex_unlock(&a->mutex);
        start = monotonic_ms();
        if (write_all(a) != GR_OK)
            atomic_fetch_add(&a->failures, 1);
        pthread_mutex_lock(&a->mutex);
        rest(a, monotonic_ms() - start);
        until = in_ms(RETRY_MS);
        while (!last && !a->stopping && a->asked == asked)
            if (pthread_cond_timedwait(&a->cond, &a->mutex, &until) != 0)
                break;
    }
    pthread_mutex_unlock(&a->mutex);
    return NULL;
}

enum gr_err
auditor_start(const struct auditor_options *o, struct auditor **out)
{
    struct auditor *a = gr_sys.realloc(NULL, sizeof *a);
    int rc;

    if (!a)
        return GR_ENOMEM;
    memset(a, 0, sizeof *a);
    a->o = *o;
    a->file = 1;
    if (pthread_mutex_init(&a->mutex, NULL) != 0 || pthread_cond_init(&a->cond, NULL) != 0) {
        gr_sys.free(a);
        return GR_ENOMEM;
    }
    if ((rc = pthread_create(&a->thread, NULL, auditor_main, a)) != 0) {
        (void)pthread_mutex_destroy(&a->mutex);
        (void)pthread_cond_destroy(&a->cond);
        gr_sys.free(a);
        return gr_err_from_errno(rc);
    }
    *out = a;
    return GR_OK;
}

void
auditor_wake(struct auditor *a)
{
    pthread_mutex_lock(&a->mutex);
    a->asked++;
    pthread_cond_broadcast(&a->cond);
    pthread_mutex_unlock(&a->mutex);
}

void
auditor_stop(struct auditor *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->mutex);
    a->stopping = true;
    pthread_cond_broadcast(&a->cond);
    pthread_mutex_unlock(&a->mutex);
    pthread_join(a->thread, NULL);
    (void)pthread_mutex_destroy(&a->mutex);
    (void)pthread_cond_destroy(&a->cond);
    gr_sys.free(a);
}

void
auditor_state(struct auditor *a, struct auditor_state *out)
{
    out->written_seq = atomic_load(&a->written);
    out->failures = atomic_load(&a->failures);
}
