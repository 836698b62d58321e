/* store.h - the durable state: one SQLite file, one connection, one thread that owns it, group commit.
 *
 * Work comes as jobs. Jobs that wait are taken together, each runs in a savepoint of one transaction, and
 * only after that
 * transaction is durable (WAL, synchronous=FULL) do the callers hear GR_OK. A job that fails is undone
 * alone; when the
 * database itself fails, nobody hears GR_OK.
 *
 * After an I/O error or corruption the store is failed for good: every job is refused with GR_EIO (a failed
 * fsync is never tried
 * again). A full disk (GR_ENOSPC) and a foreign lock (GR_EBUSY) are answered job by job and heal when the
 * cause is gone;
 * store_state tells. Below the disk's reserve (disk.h) posted jobs, which bring new evidence, are refused with
 * GR_ENOSPC, while calls, which bring what was accepted to its end, go on. Only the store's thread runs jobs; jobs must not block on anything but the database. */
#ifndef GUARDRAIL_WEBHOOK_STORE_H
#define GUARDRAIL_WEBHOOK_STORE_H
#include "db.h"
#include "log.h"
#include "schema.h"

#define STORE_BATCH_MAX 64  /* jobs per transaction: beyond that the fsync is no longer what costs */
#define STORE_QUEUE_MAX 256 /* waiting jobs; twice the connections we serve and our own threads */
/* Folding the log in takes some ms a MiB, in which nothing is accepted: it is done when nothing else is to be done, from 2 MiB on, and under a load
 * that leaves no pause at 4 MiB. Longer logs would make fewer pauses but worse ones, which show in the 99th percentile of large bodies: of
 * 7 kB, a few hundred fill the log. */
#define STORE_CHECKPOINT_PAGES 1024
#define STORE_CHECKPOINT_IDLE 2 /* without work: at this fraction of it ... */
#define STORE_IDLE_MS 20        /* ... when there was none for so long */

struct store;
/* Runs inside the transaction. Anything but GR_OK undoes what it wrote. */
typedef enum gr_err store_fn(struct db *db, void *arg);
/* Runs on the store's thread after the outcome is durable. */
typedef void store_done_fn(void *arg, enum gr_err err);

struct store_options {
    const char *path; /* of the database; PATH.lock beside it is locked for as long as the store is open */
    int64_t busy_timeout_ms;     /* how long one transaction waits for a foreign lock */
    struct log *log;             /* borrowed; may be NULL */
    const struct schema *schema; /* NULL: schema_current */
    int64_t reserve_bytes;       /* of free disk, below which nothing new is accepted; 0: none */
    int checkpoint_pages;        /* of the log before it is folded in under load; 0: STORE_CHECKPOINT_PAGES */
};
/* Opens or creates (0600), locks, checks (quick_check), brings the schema up to date. Starts no thread.
 * GR_EBUSY: another process has the lock. GR_ESTATE: the file's schema is newer than ours, or it is not ours at all.
 * GR_EIO: damaged, and left as it is. reason (optional, STORE_REASON_BYTES) says what is wrong and what to do. */
#define STORE_REASON_BYTES 512
GR_MUST_USE enum gr_err store_open(struct store **out, const struct store_options *o, char *reason);
/* Starts the owning thread. */
GR_MUST_USE enum gr_err store_start(struct store *s);
/* Refuses new jobs, finishes the waiting ones, ends the thread, closes the file. Accepts NULL. */
void store_close(struct store *s);
/* Runs a job and waits for its outcome. GR_EAGAIN: the queue is full; GR_ESTATE: closing. Not from the
 * store's thread. */
GR_MUST_USE enum gr_err store_call(struct store *s, store_fn *fn, void *arg);
/* Hands a job with new evidence over. After GR_OK, done will be called exactly once; after anything else, never.
 * GR_ENOSPC: the disk's reserve is reached; otherwise as store_call. */
GR_MUST_USE enum gr_err store_post(struct store *s, store_fn *fn, void *arg, store_done_fn *done);

struct store_state {
    enum gr_err last;         /* outcome of the last transaction: GR_OK, GR_EBUSY, GR_ENOSPC, GR_EIO … */
    bool failed;              /* for good */
    uint64_t commits, errors; /* transactions */
    uint64_t jobs;
    size_t queued;
    int64_t free_bytes;         /* of the disk; -1: not known */
    bool low, ballast;          /* below the reserve; the ballast is there */
    uint64_t latency_count[12]; /* by upper bound, see store_latency_ms; the last one is +Inf */
    double latency_sum_ms;
};
extern const double store_latency_ms[11];
void store_state(struct store *s, struct store_state *out);
/* A number for the log that says which SQLite runs below. */
const char *store_engine_version(void);
/* Once, before the first store: SQLite keeps no statistics of its memory, which would take a lock at every allocation. */
void store_engine_init(void);
#endif
