#include "config.h"
#include "link_take.h"

#include <inttypes.h>
#include <stdio.h>
#include "guardrail/duration.h"

#define TAKEN_MAX 64u /* messages about one breach: its actions, and whom they escalated to */
#define FORGET_ROWS 100

/* ---- messages about one breach ---- */

/* What the keys of messages about the same breach share (decide.c, enact.c):
 *     …/<guardrail>/<level>/<slice>/<kind>/<action>/<episode>     up to the slice, and the episode
 *     page|<what>|<action>                                        <what>
 * and either may have "|escalated|<action>" behind it. */
struct breach {
    struct gr_str before, after;
};

static struct gr_str
cut_last(struct gr_str s, char sep, struct gr_str *last)
{
    size_t n = s.n;

    while (n > 0 && s.p[n - 1] != sep)
        n--;
    *last = gr_str_sub(s, n, s.n);
    return gr_str_sub(s, 0, n > 0 ? n - 1 : 0);
}

static struct breach
breach_of(struct gr_str key)
{
    size_t escalated = gr_str_find(key, GR_STR("|escalated|"), 0), bar;
    struct gr_str last, rest, skipped;

    if (escalated != SIZE_MAX)
        key = gr_str_sub(key, 0, escalated);
    if ((bar = gr_str_find(key, GR_STR("|"), 0)) != SIZE_MAX) {
        rest = cut_last(key, '|', &last);
        return (struct breach){gr_str_sub(rest, bar + 1 < rest.n ? bar + 1 : rest.n, rest.n), GR_STR("|")};
    }
    rest = cut_last(key, '/', &last);
    rest = cut_last(rest, '/', &skipped);
    rest = cut_last(rest, '/', &skipped);
    return (struct breach){rest, last};
}

static bool
same_breach(struct gr_str a, struct gr_str b)
{
    struct breach x = breach_of(a), y = breach_of(b);

    return gr_str_eq(a, b) ||
           (x.before.n > 0 && gr_str_eq(x.before, y.before) && gr_str_eq(x.after, y.after));
}

struct untaken {
    int64_t ids[TAKEN_MAX];
    size_t count;
};

static enum gr_err
find_untaken(struct db *db, const struct outbox_effect *e, struct untaken *out)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT id, key FROM effect WHERE (id = ?1 OR (release_id = ?2 AND guardrail = ?3"
                   " AND level = ?4)) AND (kind = 'page' OR escalate_ms IS NOT NULL)"
                   " AND state <> 'observed' AND acked_ms IS NULL ORDER BY id");
    enum gr_err err;
    bool row;

    out->count = 0;
    db_bind_i64(db, st, 1, e->id);
    db_bind_i64(db, st, 2, e->release_id ? e->release_id : -1);
    db_bind_str(db, st, 3, e->guardrail);
    db_bind_str(db, st, 4, e->level);
    while ((err = db_step(db, st, &row)) == GR_OK && row)
        if (out->count < TAKEN_MAX && same_breach(e->key, db_text(st, 1)))
            out->ids[out->count++] = db_i64(st, 0);
    return err;
}

enum gr_err
link_wanted(struct db *db, const struct outbox_effect *e, bool *wanted)
{
    struct untaken list;
    enum gr_err err = find_untaken(db, e, &list);

    if (err == GR_OK)
        *wanted = list.count > 0;
    return err;
}

/* ---- one link ---- */

static struct gr_str
keep(struct gr_arena *a, sqlite3_stmt *st, int column)
{
    return gr_arena_dup(a, db_text(st, column));
}

static enum gr_err
read_use(struct db *db, struct gr_arena *a, const struct link *l, struct link_page *out)
{
    sqlite3_stmt *st = db_use(db, "SELECT used_ms, used_by FROM link WHERE nonce = ?1");
    char nonce[LINK_NONCE_HEX + 1];
    enum gr_err err;
    bool row;

    link_nonce_hex(l, nonce);
    db_bind_text(db, st, 1, nonce);
    if ((err = db_step(db, st, &row)) != GR_OK || !row)
        return err;
    out->used_ms = db_i64(st, 0);
    out->used_by = keep(a, st, 1);
    db_end(st);
    return db->err;
}

enum gr_err
link_look(struct db *db, struct gr_arena *a, const struct link *l, struct link_page *out)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT key, kind, coalesce(action, ''), coalesce(release_id, 0), deployment_id, stream,"
                   " guardrail, level, phase, reason, state, created_ms, coalesce(escalate_ms, 0),"
                   " coalesce(acked_ms, 0), coalesce(acked_by, '') FROM effect WHERE id = ?1");
    struct untaken list;
    enum gr_err err;

    memset(out, 0, sizeof *out);
    db_bind_i64(db, st, 1, l->effect_id);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    out->effect = (struct outbox_effect){.id = l->effect_id,
                                         .key = keep(a, st, 0),
                                         .kind = keep(a, st, 1),
                                         .action = keep(a, st, 2),
                                         .release_id = db_i64(st, 3),
                                         .deployment_id = keep(a, st, 4),
                                         .stream = keep(a, st, 5),
                                         .guardrail = keep(a, st, 6),
                                         .level = keep(a, st, 7),
                                         .phase = keep(a, st, 8),
                                         .reason = keep(a, st, 9),
                                         .state = keep(a, st, 10),
                                         .created_ms = db_i64(st, 11)};
    out->escalate_ms = db_i64(st, 12);
    out->taken_ms = db_i64(st, 13);
    out->taken_by = keep(a, st, 14);
    db_end(st);
    if ((err = gr_arena_status(a)) != GR_OK)
        return err;
    if ((err = link_fits(l, out->effect.stream, out->effect.key)) != GR_OK ||
        (err = find_untaken(db, &out->effect, &list)) != GR_OK)
        return err;
    out->waiting = (int64_t)list.count;
    return read_use(db, a, l, out);
}

/* A link that has expired is refused for that: its row is of no more use. */
static enum gr_err
forget(struct db *db, int64_t now_ms)
{
    sqlite3_stmt *st =
        db_use(db, "DELETE FROM link WHERE nonce IN (SELECT nonce FROM link WHERE until_ms < ?1 LIMIT ?2)");

    db_bind_i64(db, st, 1, now_ms - INT64_C(86400000)); /* our clock may go back */
    db_bind_i64(db, st, 2, FORGET_ROWS);
    return db_run(db, st);
}

static enum gr_err
note_use(struct db *db, const struct link *l, const struct release_act *act)
{
    sqlite3_stmt *st = db_use(db, "INSERT INTO link(nonce, effect_id, used_ms, until_ms, used_by, reason)"
                                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    char nonce[LINK_NONCE_HEX + 1];

    link_nonce_hex(l, nonce);
    db_bind_text(db, st, 1, nonce);
    db_bind_i64(db, st, 2, l->effect_id);
    db_bind_i64(db, st, 3, act->now_ms);
    db_bind_i64(db, st, 4, l->expires_ms);
    db_bind_str(db, st, 5, act->by);
    db_bind_str(db, st, 6, act->reason);
    return db_run(db, st);
}

/* One record for each page, as guardrailctl ack --page leaves. */
static enum gr_err
take_one(struct db *db, int64_t id, const struct link_page *page, const struct release_act *act)
{
    struct gr_buf detail = GR_BUF_INIT(RELEASE_WHY_BYTES + 64);
    int64_t count = 0;
    enum gr_err err = outbox_take(db, id, act->by, act->now_ms, &count);

    if (err == GR_OK) {
        gr_buf_printf(&detail, "%" PRId64 ", by link: ", id);
        gr_buf_put(&detail, act->reason);
        err = gr_buf_err(&detail);
    }
    if (err == GR_OK)
        err = audit_add(db, act->now_ms, act->by, "page acknowledged", page->effect.deployment_id,
                        gr_buf_str(&detail));
    gr_buf_fini(&detail);
    return err;
}

enum gr_err
link_take(struct db *db, struct gr_arena *a, const struct link *l, const struct release_act *act,
          struct link_page *out, struct gr_buf *why)
{
    struct untaken list;
    enum gr_err err;

    if ((err = link_look(db, a, l, out)) != GR_OK)
        return err;
    if (out->used_ms > 0) {
        gr_buf_puts(why, "this link was used by ");
        gr_buf_put(why, out->used_by);
        gr_buf_puts(why, " at ");
        gr_time_print(why, out->used_ms);
        return GR_ESTATE;
    }
    if ((err = find_untaken(db, &out->effect, &list)) != GR_OK)
        return err;
    if (list.count == 0) {
        gr_buf_puts(why, "somebody took this page already");
        return GR_ESTATE;
    }
    for (size_t i = 0; i < list.count; i++)
        if ((err = take_one(db, list.ids[i], out, act)) != GR_OK)
            return err;
    if ((err = note_use(db, l, act)) != GR_OK)
        return err;
    return forget(db, act->now_ms);
}
