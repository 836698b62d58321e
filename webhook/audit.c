#include "config.h"
#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "jw.h"

#define FILE_BEGINS "file begins"
#define FILE_ENDS "file ends"

#define LINE_BYTES (9 + GR_SHA256_HEX + 11 + 2) /* of a line, besides its record */

static const char no_hash[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* ---- one record ---- */

static enum gr_err
chain_hash(const char *prev, struct gr_str record, char out[GR_SHA256_HEX + 1])
{
    struct gr_buf b = GR_BUF_INIT(AUDIT_RECORD_BYTES_MAX + 2 * GR_SHA256_HEX);
    enum gr_err err;

    gr_buf_puts(&b, prev);
    gr_buf_put(&b, record);
    if ((err = gr_buf_err(&b)) == GR_OK)
        err = gr_sha256_hex(gr_buf_str(&b), out);
    gr_buf_fini(&b);
    return err;
}

/* Members in the order of their names: prev and seq come last, which audit_check_line relies on. */
static void
print_record(struct gr_buf *b, const struct audit_entry *e, const struct audit_head *last)
{
    struct jw w = JW_INIT(b);

    jw_open(&w, NULL, '{');
    jw_str(&w, "actor", e->actor.p ? e->actor : GR_STR(""));
    jw_i64(&w, "at_ms", e->at_ms);
    if (e->decision.n)
        jw_raw(&w, "decision", e->decision);
    jw_str(&w, "deployment_id", e->deployment_id.p ? e->deployment_id : GR_STR(""));
    if (!e->decision.n)
        jw_str(&w, "detail", e->detail.p ? e->detail : GR_STR(""));
    jw_text(&w, "event", e->event);
    if (e->decision.n)
        jw_raw(&w, "new", e->added);
    jw_text(&w, "prev", last->hash);
    jw_i64(&w, "seq", last->seq + 1);
    jw_close(&w, '}');
}

static enum gr_err
insert(struct db *db, const struct audit_entry *e, const struct audit_head *at, struct gr_str record)
{
    sqlite3_stmt *st = db_use(
        db, "INSERT INTO chain(seq, file, place, bytes, ts_ms, event, deployment_id, policy, hash, body)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");

    db_bind_i64(db, st, 1, at->seq);
    db_bind_i64(db, st, 2, at->file);
    db_bind_i64(db, st, 3, at->count);
    db_bind_i64(db, st, 4, at->bytes);
    db_bind_i64(db, st, 5, e->at_ms);
    db_bind_text(db, st, 6, e->event);
    db_bind_str(db, st, 7, e->deployment_id.p ? e->deployment_id : GR_STR(""));
    db_bind_text(db, st, 8, e->policy_sha256);
    db_bind_text(db, st, 9, at->hash);
    db_bind_str(db, st, 10, record);
    return db_run(db, st);
}

/* Appends to the file that `at` says, and moves `at` on. */
static enum gr_err
append_here(struct db *db, const struct audit_entry *e, struct audit_head *at)
{
    struct gr_buf record = GR_BUF_INIT(AUDIT_RECORD_BYTES_MAX);
    char hash[GR_SHA256_HEX + 1];
    enum gr_err err;

    print_record(&record, e, at);
    if ((err = gr_buf_err(&record)) == GR_OK &&
        (err = chain_hash(at->hash, gr_buf_str(&record), hash)) == GR_OK) {
        memcpy(at->hash, hash, sizeof at->hash);
        at->seq++;
        at->count++;
        at->bytes += (int64_t)record.n;
        err = insert(db, e, at, gr_buf_str(&record));
    }
    gr_buf_fini(&record);
    return err;
}

static enum gr_err
begin_file(struct db *db, int64_t now_ms, struct audit_head *at)
{
    char number[32];

    at->file++;
    at->count = at->bytes = 0;
    (void)snprintf(number, sizeof number, "%" PRId64, at->file);
    return append_here(
        db,
        &(struct audit_entry){
            .at_ms = now_ms, .actor = GR_STR("guardraild"), .event = FILE_BEGINS, .detail = gr_str(number)},
        at);
}

static enum gr_err
end_here(struct db *db, int64_t now_ms, struct gr_str deployment_id, struct gr_str why, struct audit_head *at)
{
    return append_here(db,
                       &(struct audit_entry){.at_ms = now_ms,
                                             .actor = GR_STR("guardraild"),
                                             .event = FILE_ENDS,
                                             .deployment_id = deployment_id,
                                             .detail = why},
                       at);
}

/* The last record, and whether it ended its file. */
static enum gr_err
load_head(struct db *db, struct audit_head *out, bool *ended)
{
    sqlite3_stmt *st = db_use(db, "SELECT seq, file, place, bytes, hash, event = '" FILE_ENDS
                                  "' FROM chain ORDER BY seq DESC LIMIT 1");
    enum gr_err err;
    bool row;

    *out = (struct audit_head){.seq = 0};
    memcpy(out->hash, no_hash, sizeof out->hash);
    *ended = true;
    if ((err = db_step(db, st, &row)) != GR_OK || !row)
        return err;
    out->seq = db_i64(st, 0);
    out->file = db_i64(st, 1);
    out->count = db_i64(st, 2);
    out->bytes = db_i64(st, 3);
    db_copy(db, st, 4, out->hash, sizeof out->hash);
    *ended = db_i64(st, 5) != 0;
    db_end(st);
    return db->err;
}

enum gr_err
audit_head(struct db *db, struct audit_head *out)
{
    bool ended;

    return load_head(db, out, &ended);
}

enum gr_err
audit_append(struct db *db, const struct audit_entry *e)
{
    struct audit_head at;
    bool ended;
    enum gr_err err;

    if ((err = load_head(db, &at, &ended)) != GR_OK)
        return err;
    if (ended && (err = begin_file(db, e->at_ms, &at)) != GR_OK)
        return err;
    if ((err = append_here(db, e, &at)) != GR_OK)
        return err;
    if (at.count + 1 < AUDIT_FILE_RECORDS_MAX && at.bytes < AUDIT_FILE_BYTES_MAX)
        return GR_OK;
    return end_here(db, e->at_ms, GR_STR(""), GR_STR("the file is full"), &at);
}

enum gr_err
audit_add(struct db *db, int64_t now_ms, struct gr_str actor, const char *event, struct gr_str deployment_id,
          struct gr_str detail)
{
    return audit_append(db, &(struct audit_entry){.at_ms = now_ms,
                                                  .actor = actor,
                                                  .event = event,
                                                  .deployment_id = deployment_id,
                                                  .detail = detail});
}

enum gr_err
audit_end_file(struct db *db, int64_t now_ms, struct gr_str deployment_id, struct gr_str why)
{
    struct audit_head at;
    bool ended;
    enum gr_err err;

    if ((err = load_head(db, &at, &ended)) != GR_OK || ended)
        return err;
    return end_here(db, now_ms, deployment_id, why, &at);
}

/* ---- the start ---- */

struct old_row {
    int64_t seq, ts_ms;
    struct gr_str actor, event, deployment_id, detail;
};

/* One row of the table that stood before the chain; GR_ENOENT: no more. */
static enum gr_err
next_old(struct db *db, struct gr_arena *a, int64_t after, struct old_row *out)
{
    sqlite3_stmt *st = db_use(db, "SELECT seq, ts_ms, actor, event, deployment_id, detail FROM audit"
                                  " WHERE seq > ?1 ORDER BY seq LIMIT 1");
    enum gr_err err;

    db_bind_i64(db, st, 1, after);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    *out = (struct old_row){.seq = db_i64(st, 0),
                            .ts_ms = db_i64(st, 1),
                            .actor = gr_arena_dup(a, db_text(st, 2)),
                            .event = gr_arena_dup(a, db_text(st, 3)),
                            .deployment_id = gr_arena_dup(a, db_text(st, 4)),
                            .detail = gr_arena_dup(a, db_text(st, 5))};
    db_end(st);
    return gr_arena_status(a);
}

static enum gr_err
take_over(struct db *db)
{
    struct old_row old = {.seq = 0};
    enum gr_err err = GR_OK;

    while (err == GR_OK) {
        struct gr_arena *a = gr_arena_create(1u << 20);

        err = a ? next_old(db, a, old.seq, &old) : GR_ENOMEM;
        if (err == GR_OK)
            err = audit_add(db, old.ts_ms, old.actor, old.event.p, old.deployment_id, old.detail);
        gr_arena_free(a);
    }
    return err == GR_ENOENT ? GR_OK : err;
}

enum gr_err
audit_begin(struct db *db, int64_t now_ms)
{
    struct audit_head at;
    enum gr_err err;

    if ((err = audit_head(db, &at)) != GR_OK)
        return err;
    if (at.seq == 0 && (err = take_over(db)) != GR_OK)
        return err;
    return audit_add(db, now_ms, GR_STR("guardraild"), "guardraild starts", GR_STR(""),
                     GR_STR(PACKAGE_VERSION));
}

/* ---- reading ---- */

static void
print_line(struct gr_buf *b, struct gr_str hash, struct gr_str record)
{
    gr_buf_puts(b, "{\"hash\":\"");
    gr_buf_put(b, hash);
    gr_buf_puts(b, "\",\"record\":");
    gr_buf_put(b, record);
    gr_buf_puts(b, "}\n");
}

enum gr_err
audit_file_size(struct db *db, int64_t file, int64_t *bytes)
{
    sqlite3_stmt *st = db_use(db, "SELECT place, bytes, event = '" FILE_ENDS
                                  "' FROM chain WHERE file = ?1 ORDER BY seq DESC LIMIT 1");
    enum gr_err err;
    bool row;

    *bytes = 0;
    db_bind_i64(db, st, 1, file);
    if ((err = db_step(db, st, &row)) != GR_OK || !row)
        return err;
    if (db_i64(st, 2))
        *bytes = db_i64(st, 1) + db_i64(st, 0) * LINE_BYTES;
    db_end(st);
    return GR_OK;
}

enum gr_err
audit_read_file(struct db *db, int64_t file, struct gr_buf *out, bool *ended)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT hash, body, event = '" FILE_ENDS "' FROM chain WHERE file = ?1 ORDER BY seq");
    enum gr_err err;
    bool row;

    *ended = false;
    db_bind_i64(db, st, 1, file);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        print_line(out, db_text(st, 0), db_text(st, 1));
        *ended = db_i64(st, 2) != 0;
    }
    return err == GR_OK ? gr_buf_err(out) : err;
}

/* ---- checking ---- */

static bool
broken(struct audit_check *c, const char *what)
{
    (void)snprintf(c->why, sizeof c->why, "record %" PRId64 " %s", c->seq + 1, what);
    return false;
}

/* A line taken apart. body: the record without its last two members. */
struct parts {
    struct gr_str hash, record, body, prev;
    int64_t seq;
};

/* {"hash":"H","record":R}, by place: H has a fixed length, and R ends in ,"prev":"P","seq":N} */
static bool
take_apart(struct gr_str line, struct parts *p)
{
    static const struct gr_str head = GR_STR_INIT("{\"hash\":\""), middle = GR_STR_INIT("\",\"record\":{"),
                               prev_is = GR_STR_INIT(",\"prev\":\""), seq_is = GR_STR_INIT("\",\"seq\":");
    size_t from = head.n + GR_SHA256_HEX, at = line.n, fixed = prev_is.n + GR_SHA256_HEX + seq_is.n;

    if (line.n < from + middle.n + fixed + 3 || !gr_str_starts(line, head) ||
        !gr_str_starts(gr_str_sub(line, from, line.n), middle) || line.p[line.n - 1] != '}' ||
        line.p[line.n - 2] != '}')
        return false;
    p->hash = gr_str_sub(line, head.n, from);
    from += middle.n - 1;
    p->record = gr_str_sub(line, from, line.n - 1);
    for (at = line.n - 2; at > from && line.p[at - 1] >= '0' && line.p[at - 1] <= '9'; at--)
        ;
    if (at < from + fixed || gr_parse_i64(gr_str_sub(line, at, line.n - 2), 1, INT64_MAX, &p->seq) != GR_OK)
        return false;
    p->prev = gr_str_sub(line, at - seq_is.n - GR_SHA256_HEX, at - seq_is.n);
    p->body = gr_str_sub(line, from, at - fixed);
    return gr_str_eq(gr_str_sub(line, at - seq_is.n, at), seq_is) &&
           gr_str_eq(gr_str_sub(line, at - fixed, at - fixed + prev_is.n), prev_is);
}

/* "event" is the last member of a body, but of decisions, which end in "new": no text of a label can look like it. */
static bool
has_event(const struct parts *p, const char *event, struct gr_str *before)
{
    char text[64];
    size_t n = (size_t)snprintf(text, sizeof text, "\",\"event\":\"%s\"", event), at = p->body.n - n;

    if (p->body.n < n || !gr_str_is(gr_str_sub(p->body, at, p->body.n), text))
        return false;
    *before = gr_str_sub(p->body, 0, at);
    return true;
}

void
audit_check_file(struct audit_check *c, int64_t number)
{
    c->first = true;
    c->ended = false;
    c->file = number;
    if (number == 1 && !c->began) { /* the chain's beginning is known */
        c->began = true;
        c->seq = 0;
        memcpy(c->hash, no_hash, sizeof c->hash);
    }
}

/* …,"detail":"7","event":"file begins" */
static bool
begins_well(struct audit_check *c, const struct parts *p)
{
    static const struct gr_str detail = GR_STR_INIT(",\"detail\":\"");
    struct gr_str before = GR_STR_NONE;
    int64_t number = 0;
    size_t at;

    if (!has_event(p, FILE_BEGINS, &before))
        return false;
    for (at = before.n; at > 0 && before.p[at - 1] >= '0' && before.p[at - 1] <= '9'; at--)
        ;
    if (at < detail.n || !gr_str_eq(gr_str_sub(before, at - detail.n, at), detail) ||
        gr_parse_i64(gr_str_sub(before, at, before.n), 1, INT64_MAX, &number) != GR_OK)
        return false;
    if (c->file != 0 && c->file != number)
        return false;
    c->file = number;
    return true;
}

/* The hash is not what should follow: was the record changed, or others taken away or moved? */
static bool
wrong_hash(struct audit_check *c, const struct parts *p)
{
    char prev[GR_SHA256_HEX + 1], hash[GR_SHA256_HEX + 1], text[100];

    memcpy(prev, p->prev.p, GR_SHA256_HEX);
    prev[GR_SHA256_HEX] = '\0';
    if (chain_hash(prev, p->record, hash) != GR_OK || !gr_str_is(p->hash, hash) || p->seq == c->seq + 1)
        return broken(c, "was changed: its hash is not that of its text and the record before");
    (void)snprintf(text, sizeof text, "is not where it should be: record %" PRId64 " stands there", p->seq);
    return broken(c, text);
}

bool
audit_check_line(struct audit_check *c, struct gr_str line)
{
    struct parts p = {.seq = 0};
    struct gr_str unused;
    char want[GR_SHA256_HEX + 1];

    if (!take_apart(line, &p))
        return broken(c, "was changed: it has not the form of a record");
    if (!c->began) { /* in the middle of a chain: what it follows is only known from itself */
        c->began = true;
        c->seq = p.seq - 1;
        memcpy(c->hash, p.prev.p, GR_SHA256_HEX);
        c->hash[GR_SHA256_HEX] = '\0';
    }
    if (chain_hash(c->hash, p.record, want) != GR_OK)
        return broken(c, "could not be checked: out of memory");
    if (!gr_str_is(p.hash, want))
        return wrong_hash(c, &p);
    if (p.seq != c->seq + 1 || !gr_str_is(p.prev, c->hash))
        return broken(c, "was changed: it does not name its place");
    if (c->ended)
        return broken(c, "stands behind the end of its file");
    if (c->first ? !begins_well(c, &p) : has_event(&p, FILE_BEGINS, &unused))
        return broken(c, c->first ? "is not the beginning of this file" : "begins a file inside another");
    c->first = false;
    c->ended = has_event(&p, FILE_ENDS, &unused);
    c->seq = p.seq;
    c->records++;
    memcpy(c->hash, want, sizeof c->hash);
    if (c->want_seq == p.seq && !(c->met = gr_str_starts(gr_str(c->hash), c->want_hash))) {
        (void)snprintf(c->why, sizeof c->why, "record %" PRId64 " is not the one that is vouched for", p.seq);
        return false;
    }
    return true;
}

bool
audit_check_text(struct audit_check *c, int64_t number, struct gr_str text)
{
    size_t at = 0, end;

    audit_check_file(c, number);
    if (text.n == 0)
        return broken(c, "is not here: the file is empty");
    for (; at < text.n; at = end + 1) {
        if ((end = gr_str_find(text, GR_STR("\n"), at)) == SIZE_MAX)
            return broken(c, "is cut off: its line has no end");
        if (!audit_check_line(c, gr_str_sub(text, at, end)))
            return false;
    }
    return true;
}

bool
audit_check_store(struct db *db, struct audit_check *c, int64_t limit, bool *more, enum gr_err *err)
{
    sqlite3_stmt *st = db_use(db, "SELECT hash, body, file FROM chain WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    struct gr_buf line = GR_BUF_INIT(AUDIT_RECORD_BYTES_MAX + 256);
    int64_t n = 0;
    bool row, good = true;

    db_bind_i64(db, st, 1, c->seq);
    db_bind_i64(db, st, 2, limit);
    while (good && (*err = db_step(db, st, &row)) == GR_OK && row) {
        n++;
        if (c->records == 0 || c->file != db_i64(st, 2))
            audit_check_file(c, db_i64(st, 2));
        gr_buf_reset(&line);
        print_line(&line, db_text(st, 0), db_text(st, 1));
        if ((*err = gr_buf_err(&line)) != GR_OK)
            break;
        good = audit_check_line(c, gr_str_sub(gr_buf_str(&line), 0, line.n - 1));
    }
    db_end(st);
    *more = n == limit;
    gr_buf_fini(&line);
    return good && *err == GR_OK;
}
