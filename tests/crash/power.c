/* power: simulated power loss. Runs the real store on a disk that is recorded (diskvfs.h), then opens the images that a power cut
 * could have left behind, and looks whether all that was acknowledged before the cut is there, whole, and nothing else.
 *
 * power [IMAGES [SEED [LIE]]]: LIE none (default), log, all, folder: syncs that the disk claims and does not make; then the
 * figures must show losses, or this program proves nothing. Prints a line of figures. Status 0: as it must be. */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "diskvfs.h"
#include "guardrail/number.h"
#include "webhook/store.h"

#define JOBS 240
#define PRUNE_AT 100 /* this job deletes … */
#define PRUNE_TO 60  /* … the rows up to here, so that pages are used anew */
#define REFUSED(i) ((i) % 13 == 0)
#define SESSIONS 3

static char work[64] = "power.XXXXXX", image[96], path[128];

/* One job: rows in three tables, that must be there together. */
struct work {
    int64_t id;
    size_t sure_at; /* operations recorded when its caller heard GR_OK; 0: not yet */
};
static struct work works[JOBS + 1];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int waiting;

/* ---- recording ---- */

/* From a handful of bytes to several pages, each byte telling whose it is. */
static size_t
body_of(int64_t id, char *out)
{
    size_t n = (size_t)(id * 7919 % 9000) + 8;

    for (size_t i = 0; i < n; i++)
        out[i] = (char)('a' + (id + (int64_t)i * 31) % 26);
    return n;
}

static enum gr_err
write_rows(struct db *db, void *arg)
{
    struct work *w = arg;
    static char body[9016]; /* jobs run one after the other */
    size_t n = body_of(w->id, body);
    sqlite3_stmt *st;
    enum gr_err err;

    st = db_use(
        db, "INSERT INTO inbox(id, rx_ms, source, sha256, alerts, body) VALUES (?1, 1, 'alerts', '', 1, ?2)");
    db_bind_i64(db, st, 1, w->id);
    db_bind_blob(db, st, 2, (struct gr_str){body, n});
    if ((err = db_run(db, st)) != GR_OK)
        return err;
    st = db_use(db, "INSERT INTO policy(sha256, spec_hash, seen_ms, body) VALUES ('counter', '', ?1, x'00')"
                    " ON CONFLICT(sha256) DO UPDATE SET seen_ms = ?1");
    db_bind_i64(db, st, 1, w->id);
    if ((err = db_run(db, st)) != GR_OK || REFUSED(w->id))
        return err != GR_OK ? err : GR_ESTATE;
    if (w->id == PRUNE_AT && (err = db_exec(db, "DELETE FROM inbox WHERE id <= 60")) != GR_OK)
        return err;
    st = db_use(db, "INSERT INTO check_result(release_id, phase_n, name, passed, ended_ms, detail)"
                    " VALUES (1, ?1, 'x', 1, 1, hex(randomblob(40)))");
    db_bind_i64(db, st, 1, w->id);
    return db_run(db, st);
}

/* check_result belongs to a release. */
static enum gr_err
make_release(struct db *db, void *arg)
{
    (void)arg;
    return db_exec(db,
                   "INSERT INTO policy(sha256, spec_hash, seen_ms, body) VALUES ('p', '', 0, x'00');"
                   "INSERT INTO release(id, spec, stream, deployment_id, state, phase, phase_n, phase_ms, "
                   "started_ms, started_by, reason, armed_epoch, armed_ms, had_traffic, policy_sha256)"
                   " VALUES (1, 's', 't', 'd', 'running', 'p', 0, 0, 0, '', '', 0, 0, 0, 'p')");
}

static void
on_done(void *arg, enum gr_err err)
{
    struct work *w = arg;

    GR_ASSERT(err == (REFUSED(w->id) ? GR_ESTATE : GR_OK));
    pthread_mutex_lock(&mutex);
    if (err == GR_OK)
        w->sure_at = diskvfs_count();
    waiting--;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
}

/* One life of the store: opened, some jobs alone and some in one commit, closed. */
static bool
one_session(int64_t *next, int64_t last)
{
    struct store *s = NULL;
    bool first = *next == 1;

    /* The log is folded in every few commits instead of every few hundred. */
    if (store_open(&s, &(struct store_options){.path = path, .checkpoint_pages = 24}, NULL) != GR_OK ||
        store_start(s) != GR_OK)
        return false;
    if (first && store_call(s, make_release, NULL) != GR_OK)
        return false;
    while (*next <= last) {
        int64_t burst = *next % 4 == 0 ? 6 : 1;
        pthread_mutex_lock(&mutex);
        for (; burst > 0 && *next <= last; burst--, (*next)++) {
            works[*next].id = *next;
            waiting++;
            if (store_post(s, write_rows, &works[*next], on_done) != GR_OK)
                return false;
        }
        while (waiting > 0)
            pthread_cond_wait(&cond, &mutex);
        pthread_mutex_unlock(&mutex);
    }
    store_close(s);
    return true;
}

static bool
record(enum disk_lie lie)
{
    int64_t next = 1;

    diskvfs_record(work, lie);
    for (int i = 1; i <= SESSIONS; i++)
        if (!one_session(&next, (int64_t)JOBS * i / SESSIONS))
            return false;
    diskvfs_end();
    return true;
}

/* ---- judging ---- */

struct found {
    bool rows[JOBS + 2], halves[JOBS + 2];
    bool spoilt;
    int64_t counter;
};

static enum gr_err
find_rows(struct db *db, void *arg)
{
    struct found *f = arg;
    static char body[9016];
    sqlite3_stmt *st = db_use(db, "SELECT id, body FROM inbox");
    enum gr_err err;
    bool row;

    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        int64_t id = db_i64(st, 0);
        struct gr_str text = {sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1)};
        if (id < 1 || id > JOBS || text.n != body_of(id, body) || memcmp(text.p, body, text.n) != 0)
            f->spoilt = true;
        else
            f->rows[id] = true;
    }
    if (err != GR_OK)
        return err;
    st = db_use(db, "SELECT phase_n FROM check_result");
    while ((err = db_step(db, st, &row)) == GR_OK && row)
        f->halves[db_i64(st, 0)] = true;
    if (err != GR_OK)
        return err;
    st = db_use(db, "SELECT seen_ms FROM policy WHERE sha256 = 'counter'");
    if ((err = db_step(db, st, &row)) == GR_OK && row)
        f->counter = db_i64(st, 0);
    db_end(st);
    return err;
}

enum verdict { GOOD, DOES_NOT_OPEN, LOST, HALF, VERDICTS };

/* All jobs up to some m are there, and nothing of the later ones. */
static enum verdict
judge_rows(const struct found *f, size_t at)
{
    int64_t m = f->counter;

    for (int64_t i = 1; i <= JOBS; i++)
        if (works[i].sure_at && works[i].sure_at <= at && i > m)
            return LOST;
    if (f->spoilt)
        return HALF;
    for (int64_t i = 1; i <= JOBS; i++) {
        bool wanted = i <= m && !REFUSED(i), pruned = m >= PRUNE_AT && i <= PRUNE_TO;
        if (f->halves[i] != wanted || f->rows[i] != (wanted && !pruned))
            return HALF;
    }
    return GOOD;
}

static enum verdict
judge(size_t at)
{
    static struct found f;
    struct store *s = NULL;
    enum verdict v = DOES_NOT_OPEN;

    memset(&f, 0, sizeof f);
    if (store_open(&s, &(struct store_options){.path = path}, NULL) == GR_OK && store_start(s) == GR_OK &&
        store_call(s, find_rows, &f) == GR_OK)
        v = judge_rows(&f, at);
    store_close(s);
    return v;
}

/* ---- all of it ---- */

static void
clean(void)
{
    static const char *const names[] = {"", "-wal", "-shm", "-journal", ".lock", ".reserve"};
    const char *folders[] = {image, work};
    char name[160];

    for (size_t f = 0; f < GR_COUNT(folders); f++) {
        for (size_t i = 0; i < GR_COUNT(names); i++) {
            (void)snprintf(name, sizeof name, "%s/store.db%s", folders[f], names[i]);
            (void)unlink(name);
        }
        (void)rmdir(folders[f]);
    }
}

/* As many images as wanted, spread over all points, each point at least tried with what was synced and nothing more. */
static bool
play(int64_t wanted, uint64_t seed, size_t counts[VERDICTS], size_t *images)
{
    struct disk_player *p = disk_player_create();
    double step = (double)wanted / (double)(diskvfs_count() + 1), due = 0;
    size_t at = 0;

    if (!p)
        return false;
    do {
        for (due += step; due >= 1; due -= 1, ++*images) {
            enum disk_cut cut = (enum disk_cut)(*images % DISK_CUTS);
            enum verdict v = DOES_NOT_OPEN;
            if (!disk_player_image(p, image, cut, seed + *images))
                return false;
            v = judge(at);
            counts[v]++;
            if (v != GOOD && counts[v] == 1)
                fprintf(stderr, "power: image %zu (after operation %zu, cut %d): %s\n", *images, at, (int)cut,
                        v == LOST   ? "an acknowledged job is lost"
                        : v == HALF ? "half a transaction"
                                    : "it does not open");
        }
        at++;
    } while (disk_player_step(p));
    disk_player_free(p);
    return true;
}

int
main(int argc, char **argv)
{
    static const char *const lies[] = {"none", "log", "all", "folder"};
    int64_t wanted = 600, seed = 1;
    size_t counts[VERDICTS] = {0}, images = 0;
    enum disk_lie lie = LIE_NOT;
    bool bad;

    for (size_t i = 0; argc > 3 && i < GR_COUNT(lies); i++)
        if (strcmp(argv[3], lies[i]) == 0)
            lie = (enum disk_lie)i;
    if ((argc > 1 && gr_parse_i64(gr_str(argv[1]), 1, 10000000, &wanted) != GR_OK) ||
        (argc > 2 && gr_parse_i64(gr_str(argv[2]), 0, INT64_MAX / 2, &seed) != GR_OK))
        return 2;
    if (!mkdtemp(work))
        return 99;
    (void)snprintf(image, sizeof image, "%s.image", work);
    (void)snprintf(path, sizeof path, "%s/store.db", work);
    diskvfs_install();
    if (mkdir(image, 0700) != 0 || !record(lie)) {
        fprintf(stderr, "power: the store does not work at all\n");
        clean();
        return 99;
    }
    (void)snprintf(path, sizeof path, "%s/store.db", image);
    if (!play(wanted, (uint64_t)seed, counts, &images)) {
        fprintf(stderr, "power: an image cannot be written\n");
        clean();
        return 99;
    }
    clean();
    bad = counts[DOES_NOT_OPEN] + counts[LOST] + counts[HALF] > 0;
    printf("power: lie %s: %zu images of %zu operations (%d jobs, seed %lld): %zu good, %zu do not open, %zu "
           "lost what was "
           "acknowledged, %zu with half a transaction\n",
           lies[lie], images, diskvfs_count(), JOBS, (long long)seed, counts[GOOD], counts[DOES_NOT_OPEN],
           counts[LOST], counts[HALF]);
    return bad == (lie != LIE_NOT) ? 0 : 1;
}
