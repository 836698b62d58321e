/* audit.h - the audit log: everything that was decided or done to a release, in one chain of hashes that nobody can change without
 * being noticed.
 *
 * A record is one line of JSON, members in the order of their names, whole numbers only, no space between them:
 *
 *     {"hash":"<64 hex>","record":{"actor":"jane","at_ms":1795435600000,"deployment_id":"d42","detail":"…",
 *      "event":"release hold","prev":"<64 hex>","seq":7}}
 *
 * hash is SHA-256 of the 64 characters of `prev` followed by the bytes of `record`; prev is the hash of the record before, 64 zeros
 * for the first. An event "decision" has `decision` instead of `detail` (decide_json.h) and `new`, the places of those of its effects
 * that had not been asked for before. Decisions that changed nothing (Alertmanager's repeats) are not in the log.
 *
 * The store has all records, and refuses to change or delete one; there is no pruning. auditor.h writes them out as files
 * 000001.jsonl, 000002.jsonl …: each begins with an event "file begins" and, when it is full or a release became general, ends with
 * "file ends" and becomes read-only.
 *
 * Functions with a db run on the store's thread inside a job. */
#ifndef GUARDRAIL_WEBHOOK_AUDIT_H
#define GUARDRAIL_WEBHOOK_AUDIT_H
#include "db.h"
#include "guardrail/arena.h"
#include "guardrail/buf.h"
#include "guardrail/hash.h"

#define AUDIT_RECORD_BYTES_MAX (16u << 20)
#define AUDIT_FILE_RECORDS_MAX 1000           /* a file is written whole each time */
#define AUDIT_FILE_BYTES_MAX INT64_C(1048576) /* of records; the last one may go beyond it */

struct audit_entry {
    int64_t at_ms;
    struct gr_str actor;
    const char *event;
    struct gr_str deployment_id, detail; /* may be empty; detail is left out with a decision */
    struct gr_str decision, added;       /* JSON; empty: none */
    const char *policy_sha256;           /* that the decision needs to be made again; NULL: none */
};
GR_MUST_USE enum gr_err audit_append(struct db *db, const struct audit_entry *e);
/* An event with words. */
GR_MUST_USE enum gr_err audit_add(struct db *db, int64_t now_ms, struct gr_str actor, const char *event,
                                  struct gr_str deployment_id, struct gr_str detail);
/* Ends the file; the next record begins another. Nothing if it holds none. */
GR_MUST_USE enum gr_err audit_end_file(struct db *db, int64_t now_ms, struct gr_str deployment_id,
                                       struct gr_str why);
/* Once, at the start of the daemon: takes over what versions before the chain wrote, and notes the start. */
GR_MUST_USE enum gr_err audit_begin(struct db *db, int64_t now_ms);

struct audit_head {
    int64_t seq, file, count; /* count, bytes: of the file so far; all 0: there is no record */
    int64_t bytes;
    char hash[GR_SHA256_HEX + 1]; /* 64 zeros: there is no record */
};
GR_MUST_USE enum gr_err audit_head(struct db *db, struct audit_head *out);
/* How large a file will be that has ended; 0: it has not. Without reading it. */
GR_MUST_USE enum gr_err audit_file_size(struct db *db, int64_t file, int64_t *bytes);
/* Appends a file's lines. *ended: its last record is there. */
GR_MUST_USE enum gr_err audit_read_file(struct db *db, int64_t file, struct gr_buf *out, bool *ended);

/* ---- checking ---- */

/* The state of reading one chain. Begin with {0}; then next_file before each file, line for each line, and end_file. */
struct audit_check {
    int64_t seq, file; /* of the last good record; of the file it stands in */
    int64_t records;
    char hash[GR_SHA256_HEX + 1];
    bool began, first, ended;
    /* Optional: a record that must be among those read, by number and (the beginning of) its hash; met says whether it was. */
    int64_t want_seq;
    struct gr_str want_hash;
    bool met;
    char why[200]; /* what is wrong with which record */
};
/* number: what the file's name says; 0: unknown, taken from its first record. */
void audit_check_file(struct audit_check *c, int64_t number);
/* One line without its newline. False: it is broken, c->why says how. */
bool audit_check_line(struct audit_check *c, struct gr_str line);
/* The whole text of one file. False: c->why. */
bool audit_check_text(struct audit_check *c, int64_t number, struct gr_str text);
/* The next `limit` records of the store, or all that are left. False with GR_OK in *err: c->why. *more: there may be more. */
bool audit_check_store(struct db *db, struct audit_check *c, int64_t limit, bool *more, enum gr_err *err);
#endif
