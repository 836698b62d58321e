#include "config.h"
#include "db.h"

#include <stdio.h>

enum gr_err
db_err_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return GR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return GR_EBUSY;
    case SQLITE_FULL:
        return GR_ENOSPC;
    case SQLITE_NOMEM:
        return GR_ENOMEM;
    case SQLITE_CONSTRAINT:
        return GR_EEXIST;
    case SQLITE_TOOBIG:
        return GR_ELIMIT;
    default:
        return GR_EIO;
    }
}

/* Keeps the first error: later ones are its consequences. */
static void
fail(struct db *db, int rc)
{
    if (db->err != GR_OK)
        return;
    db->rc = rc;
    db->err = db_err_of(rc);
    (void)snprintf(db->message, sizeof db->message, "%s (%d)",
                   db->h ? sqlite3_errmsg(db->h) : sqlite3_errstr(rc), rc);
}

void
db_clear(struct db *db)
{
    db->err = GR_OK;
    db->rc = SQLITE_OK;
    db->message[0] = '\0';
}

void
db_finish(struct db *db)
{
    for (size_t i = 0; i < db->cached; i++)
        (void)sqlite3_finalize(db->cache[i].st); /* repeats the last step's error, which was seen then */
    db->cached = 0;
}

enum gr_err
db_exec(struct db *db, const char *sql)
{
    int rc;

    if (db->err != GR_OK)
        return db->err;
    rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        fail(db, rc);
    return db->err;
}

/* The same literal nearly always has the same address; only one that is new or stands in two files is compared as text. */
static sqlite3_stmt *
prepared(const struct db *db, const char *sql)
{
    for (size_t i = 0; i < db->cached; i++)
        if (db->cache[i].sql == sql)
            return db->cache[i].st;
    for (size_t i = 0; i < db->cached; i++)
        if (strcmp(db->cache[i].sql, sql) == 0)
            return db->cache[i].st;
    return NULL;
}

sqlite3_stmt *
db_use(struct db *db, const char *sql)
{
    sqlite3_stmt *st;
    int rc;

    if (db->err != GR_OK)
        return NULL;
    if ((st = prepared(db, sql)) != NULL) {
        (void)sqlite3_reset(st); /* repeats the last step's error, which was seen then */
        (void)sqlite3_clear_bindings(st);
        return st;
    }
    GR_ASSERT(db->cached < DB_STATEMENTS_MAX);
    rc = sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
    if (rc != SQLITE_OK) {
        fail(db, rc);
        return NULL;
    }
    db->cache[db->cached].sql = sql;
    db->cache[db->cached++].st = st;
    return st;
}

static void
bound(struct db *db, int rc)
{
    if (rc != SQLITE_OK)
        fail(db, rc);
}

void
db_bind_str(struct db *db, sqlite3_stmt *st, int i, struct gr_str s)
{
    if (db->err == GR_OK)
        bound(db, s.p ? sqlite3_bind_text64(st, i, s.p, s.n, SQLITE_TRANSIENT, SQLITE_UTF8)
                      : sqlite3_bind_null(st, i));
}

void
db_bind_text(struct db *db, sqlite3_stmt *st, int i, const char *s)
{
    db_bind_str(db, st, i, gr_str(s));
}

void
db_bind_blob(struct db *db, sqlite3_stmt *st, int i, struct gr_str s)
{
    if (db->err == GR_OK)
        bound(db, sqlite3_bind_blob64(st, i, s.p ? s.p : "", s.n, SQLITE_TRANSIENT));
}

void
db_bind_lent(struct db *db, sqlite3_stmt *st, int i, struct gr_str s)
{
    if (db->err == GR_OK)
        bound(db, sqlite3_bind_blob64(st, i, s.p ? s.p : "", s.n, SQLITE_STATIC));
}

void
db_bind_i64(struct db *db, sqlite3_stmt *st, int i, int64_t v)
{
    if (db->err == GR_OK)
        bound(db, sqlite3_bind_int64(st, i, v));
}

enum gr_err
db_step(struct db *db, sqlite3_stmt *st, bool *row)
{
    int rc;

    *row = false;
    if (db->err != GR_OK)
        return db->err;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *row = true;
        return GR_OK;
    }
    if (rc != SQLITE_DONE)
        fail(db, rc);
    (void)sqlite3_reset(st); /* the code is the one of the step */
    return db->err;
}

enum gr_err
db_do(struct db *db, const char *sql)
{
    return db_run(db, db_use(db, sql));
}

enum gr_err
db_one(struct db *db, sqlite3_stmt *st)
{
    bool row;
    enum gr_err err = db_step(db, st, &row);

    return err == GR_OK && !row ? GR_ENOENT : err;
}

enum gr_err
db_run(struct db *db, sqlite3_stmt *st)
{
    bool row;
    enum gr_err err;

    do
        err = db_step(db, st, &row);
    while (err == GR_OK && row);
    return err;
}

void
db_end(sqlite3_stmt *st)
{
    if (st)
        (void)sqlite3_reset(st);
}

struct gr_str
db_text(sqlite3_stmt *st, int column)
{
    const void *p = sqlite3_column_blob(st, column); /* of a text: its UTF-8 bytes */
    int n = sqlite3_column_bytes(st, column);

    if (sqlite3_column_type(st, column) == SQLITE_NULL)
        return GR_STR_NONE;
    return (struct gr_str){p ? p : "", (size_t)n};
}

int64_t
db_i64(sqlite3_stmt *st, int column)
{
    return sqlite3_column_int64(st, column);
}

bool
db_is_null(sqlite3_stmt *st, int column)
{
    return sqlite3_column_type(st, column) == SQLITE_NULL;
}

void
db_copy(struct db *db, sqlite3_stmt *st, int column, char *out, size_t size)
{
    struct gr_str s = db_text(st, column);

    if (s.n >= size) {
        if (db->err == GR_OK)
            db->err = GR_ELIMIT;
        s.n = size - 1;
    }
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

int64_t
db_changes(struct db *db)
{
    return sqlite3_changes64(db->h);
}

int64_t
db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->h);
}
