/* db.h - a thin skin over one SQLite connection: statements prepared once, and an error that sticks.
 *
 * Used only on the thread that owns the connection (store.h). Binding needs no check one by one: db_step and
 * db_run return
 * the first error since db_clear. Texts and blobs that come back are borrowed until the statement's next
 * use. */
#ifndef GUARDRAIL_WEBHOOK_DB_H
#define GUARDRAIL_WEBHOOK_DB_H
#include <sqlite3.h>
#include "guardrail/base.h"

#define DB_STATEMENTS_MAX 192

struct known;
struct db {
    sqlite3 *h;          /* owned by the store */
    struct known *known; /* likewise; NULL: repeats are not remembered (known.h) */
    enum gr_err err;     /* sticks until db_clear */
    int rc;              /* SQLite's extended code of that error */
    char message[160];
    struct {
        const char *sql; /* a literal: compared by its address first, then by its text */
        sqlite3_stmt *st;
    } cache[DB_STATEMENTS_MAX];
    size_t cached;
};

/* Busy and locked: GR_EBUSY; full: GR_ENOSPC; constraint: GR_EEXIST; no memory: GR_ENOMEM; all else: GR_EIO.
 * */
GR_MUST_USE enum gr_err db_err_of(int rc);
void db_clear(struct db *db);
/* Frees the prepared statements; the connection stays open. */
void db_finish(struct db *db);
/* One or more statements without parameters or rows. */
GR_MUST_USE enum gr_err db_exec(struct db *db, const char *sql);
/* The prepared statement of a literal, reset and with nothing bound; NULL after an error. Not to be used
 * nested. */
sqlite3_stmt *db_use(struct db *db, const char *sql);
void db_bind_str(struct db *db, sqlite3_stmt *st, int i, struct gr_str s); /* p == NULL binds NULL */
void db_bind_text(struct db *db, sqlite3_stmt *st, int i, const char *s);  /* NULL binds NULL */
void db_bind_blob(struct db *db, sqlite3_stmt *st, int i, struct gr_str s);
/* The same without a copy: the bytes must stay until the statement was run, and it must be run once. */
void db_bind_lent(struct db *db, sqlite3_stmt *st, int i, struct gr_str s);
void db_bind_i64(struct db *db, sqlite3_stmt *st, int i, int64_t v);
/* Next row: *row says whether there is one. The statement is reset when there is none. */
GR_MUST_USE enum gr_err db_step(struct db *db, sqlite3_stmt *st, bool *row);
/* The first row of a statement that may have none: GR_ENOENT. Ended with db_end. */
GR_MUST_USE enum gr_err db_one(struct db *db, sqlite3_stmt *st);
/* Runs a statement that gives no rows (or whose rows do not matter). */
GR_MUST_USE enum gr_err db_run(struct db *db, sqlite3_stmt *st);
/* Prepares (once) and runs a statement without parameters: for what is run over and over. */
GR_MUST_USE enum gr_err db_do(struct db *db, const char *sql);
/* Ends the use of a statement before its last row. */
void db_end(sqlite3_stmt *st);
struct gr_str db_text(sqlite3_stmt *st, int column); /* p == NULL for NULL */
int64_t db_i64(sqlite3_stmt *st, int column);
bool db_is_null(sqlite3_stmt *st, int column);
/* Copies a text column into a fixed field with a NUL; what does not fit sets GR_ELIMIT. */
void db_copy(struct db *db, sqlite3_stmt *st, int column, char *out, size_t size);
/* Rows changed by the last statement. */
int64_t db_changes(struct db *db);
int64_t db_last_id(struct db *db);
#endif
