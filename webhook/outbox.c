#include "config.h"
#include "outbox.h"

#include "known.h"

static const char *const step_states[STEP_STATES] = {"running", "done", "failed", "ambiguous"};

const char *
step_state_name(enum step_state s)
{
    return step_states[s];
}

static struct gr_str
or_empty(struct gr_str s)
{
    return s.p ? s : GR_STR("");
}

static enum gr_err
touch(struct db *db, struct gr_str key, int64_t now_ms)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET seen_ms = ?2 WHERE key = ?1");

    db_bind_str(db, st, 1, key);
    db_bind_i64(db, st, 2, now_ms);
    return db_run(db, st);
}

enum gr_err
outbox_add(struct db *db, const struct outbox_effect *e, int64_t now_ms, bool *added)
{
    sqlite3_stmt *st;
    enum gr_err err;

    /* What is resent is far more frequent than what is new, and an update costs less than an insert that comes to nothing. */
    if ((err = touch(db, e->key, now_ms)) != GR_OK)
        return err;
    *added = db_changes(db) == 0;
    if (!*added)
        return GR_OK;
    st = db_use(
        db, "INSERT INTO effect(key, kind, action, target, release_id, deployment_id, stream, guardrail, "
            "level, phase,"
            " reason, epoch, recheck, state, not_before_ms, last_error, payload, inbox_id, created_ms, "
            "seen_ms, escalate_ms, done_ms)"
            " VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
            " nullif(?18, 0), ?19, ?19, nullif(?20, 0), CASE WHEN ?14 IN ('ready', 'retry', 'waiting') THEN "
            "NULL ELSE ?19 END)");
    db_bind_str(db, st, 1, e->key);
    db_bind_str(db, st, 2, e->kind);
    db_bind_str(db, st, 3, or_empty(e->action));
    db_bind_str(db, st, 4, e->target);
    db_bind_i64(db, st, 5, e->release_id);
    db_bind_str(db, st, 6, or_empty(e->deployment_id));
    db_bind_str(db, st, 7, or_empty(e->stream));
    db_bind_str(db, st, 8, or_empty(e->guardrail));
    db_bind_str(db, st, 9, or_empty(e->level));
    db_bind_str(db, st, 10, or_empty(e->phase));
    db_bind_str(db, st, 11, or_empty(e->reason));
    db_bind_i64(db, st, 12, e->epoch);
    db_bind_i64(db, st, 13, e->recheck);
    db_bind_str(db, st, 14, e->state);
    db_bind_i64(db, st, 15, e->not_before_ms);
    db_bind_str(db, st, 16, or_empty(e->last_error));
    db_bind_str(db, st, 17, e->payload.p ? e->payload : GR_STR("{}"));
    db_bind_i64(db, st, 18, e->inbox_id);
    db_bind_i64(db, st, 19, now_ms);
    db_bind_i64(db, st, 20, e->escalate_ms);
    if (gr_str_is(e->target, OUTBOX_TARGET_ROLLBACK)) /* the storm breaker counts them */
        known_changed(db->known);
    return db_run(db, st);
}

#define EFFECT_COLUMNS                                                                                       \
    "id, key, kind, coalesce(action, ''), target, coalesce(release_id, 0), deployment_id, stream, "          \
    "guardrail, level, phase,"                                                                               \
    " reason, epoch, recheck, state, coalesce(last_error, ''), payload, attempts, created_ms, seen_ms, "     \
    "not_before_ms,"                                                                                         \
    " coalesce(inbox_id, 0), coalesce(acked_by, ''), coalesce(revived_ms, 0), coalesce(acked_ms, 0)"

static struct gr_str
keep(struct gr_arena *a, sqlite3_stmt *st, int column)
{
    return gr_arena_dup(a, db_text(st, column));
}

static void
read_effect(sqlite3_stmt *st, struct gr_arena *a, struct outbox_effect *e)
{
    *e = (struct outbox_effect){.id = db_i64(st, 0),
                                .key = keep(a, st, 1),
                                .kind = keep(a, st, 2),
                                .action = keep(a, st, 3),
                                .target = keep(a, st, 4),
                                .release_id = db_i64(st, 5),
                                .deployment_id = keep(a, st, 6),
                                .stream = keep(a, st, 7),
                                .guardrail = keep(a, st, 8),
                                .level = keep(a, st, 9),
                                .phase = keep(a, st, 10),
                                .reason = keep(a, st, 11),
                                .epoch = db_i64(st, 12),
                                .recheck = db_i64(st, 13) != 0,
                                .state = keep(a, st, 14),
                                .last_error = keep(a, st, 15),
                                .payload = keep(a, st, 16),
                                .attempts = db_i64(st, 17),
                                .created_ms = db_i64(st, 18),
                                .seen_ms = db_i64(st, 19),
                                .not_before_ms = db_i64(st, 20),
                                .inbox_id = db_i64(st, 21),
                                .acked_by = keep(a, st, 22),
                                .revived_ms = db_i64(st, 23),
                                .acked_ms = db_i64(st, 24)};
}

enum gr_err
outbox_claim(struct db *db, struct gr_arena *a, const char *target, int64_t now_ms, struct outbox_effect *out)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET state = 'running', attempts = attempts + 1,"
                                  " started_ms = coalesce(started_ms, ?2) WHERE id = (SELECT id FROM effect e"
                                  " WHERE target = ?1 AND state IN ('ready', 'retry') AND not_before_ms <= ?2"
                                  " AND (?1 <> 'rollback' OR NOT EXISTS (SELECT 1 FROM effect s"
                                  " WHERE s.release_id = e.release_id AND s.target = 'enter'"
                                  " AND s.state = 'running' AND e.created_ms > ?2 - 15000))"
                                  " AND (?1 = 'rollback' OR NOT EXISTS (SELECT 1 FROM effect p"
                                  " WHERE p.release_id = e.release_id AND p.id < e.id AND p.target = ?1"
                                  " AND p.action = e.action AND p.guardrail = e.guardrail"
                                  " AND p.state IN ('ready', 'retry', 'running')))"
                                  " AND (?1 <> 'rollback' OR NOT EXISTS (SELECT 1 FROM effect p"
                                  " WHERE p.release_id = e.release_id AND p.target = 'rollback'"
                                  " AND p.state = 'running'))"
                                  " ORDER BY not_before_ms, id LIMIT 1) RETURNING " EFFECT_COLUMNS);
    enum gr_err err;

    db_bind_text(db, st, 1, target);
    db_bind_i64(db, st, 2, now_ms);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    read_effect(st, a, out);
    if ((err = db_run(db, st)) != GR_OK) /* to its end: only then is the row changed for good */
        return err;
    return gr_arena_status(a);
}

enum gr_err
outbox_finish(struct db *db, int64_t id, const char *state, struct gr_str error, int64_t now_ms)
{
    sqlite3_stmt *st =
        db_use(db, "UPDATE effect SET state = ?2, last_error = ?3, done_ms = ?4 WHERE id = ?1");

    db_bind_i64(db, st, 1, id);
    db_bind_text(db, st, 2, state);
    db_bind_str(db, st, 3, or_empty(error));
    db_bind_i64(db, st, 4, now_ms);
    return db_run(db, st);
}

enum gr_err
outbox_retry(struct db *db, int64_t id, int64_t not_before_ms, struct gr_str error)
{
    sqlite3_stmt *st =
        db_use(db, "UPDATE effect SET state = 'retry', last_error = ?3, not_before_ms = ?2 WHERE id = ?1");

    db_bind_i64(db, st, 1, id);
    db_bind_i64(db, st, 2, not_before_ms);
    db_bind_str(db, st, 3, or_empty(error));
    return db_run(db, st);
}

enum gr_err
outbox_unclaim(struct db *db, int64_t id, int64_t not_before_ms)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET state = 'retry', attempts = attempts - 1,"
                                  " not_before_ms = ?2 WHERE id = ?1 AND state = 'running'");

    db_bind_i64(db, st, 1, id);
    db_bind_i64(db, st, 2, not_before_ms);
    return db_run(db, st);
}

enum gr_err
outbox_postpone(struct db *db, const char *target, struct gr_str action, int64_t not_before_ms)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET not_before_ms = ?3 WHERE target = ?1 AND action = ?2"
                                  " AND state IN ('ready', 'retry') AND not_before_ms < ?3");

    db_bind_text(db, st, 1, target);
    db_bind_str(db, st, 2, action);
    db_bind_i64(db, st, 3, not_before_ms);
    return db_run(db, st);
}

enum gr_err
outbox_crowded(struct db *db, const char *target, struct gr_str action, int64_t limit, bool *crowded)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT count(*) FROM (SELECT 1 FROM effect WHERE target = ?1 AND action = ?2"
                   " AND state IN ('ready', 'retry') LIMIT ?3)");
    enum gr_err err;
    bool row;

    db_bind_text(db, st, 1, target);
    db_bind_str(db, st, 2, action);
    db_bind_i64(db, st, 3, limit + 1);
    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    *crowded = row && db_i64(st, 0) > limit;
    db_end(st);
    return GR_OK;
}

enum gr_err
outbox_void(struct db *db, int64_t id, struct gr_str why, int64_t now_ms)
{
    sqlite3_stmt *st =
        db_use(db, "UPDATE effect SET state = 'void', key = key || '|void|' || id, last_error = ?2,"
                   " done_ms = ?3 WHERE id = ?1");

    known_changed(db->known);
    db_bind_i64(db, st, 1, id);
    db_bind_str(db, st, 2, or_empty(why));
    db_bind_i64(db, st, 3, now_ms);
    return db_run(db, st);
}

enum gr_err
outbox_unhold(struct db *db, int64_t release_id, int64_t now_ms)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET state = 'retry', not_before_ms = ?2, done_ms = NULL"
                                  " WHERE release_id = ?1 AND target = 'rollback' AND state = 'held'");

    db_bind_i64(db, st, 1, release_id);
    db_bind_i64(db, st, 2, now_ms);
    return db_run(db, st);
}

enum gr_err
outbox_waiting(struct db *db, struct gr_arena *a, int64_t release_id, int64_t due_ms,
               struct outbox_effect *out)
{
    sqlite3_stmt *st = db_use(db, "SELECT " EFFECT_COLUMNS " FROM effect WHERE state = 'waiting'"
                                  " AND not_before_ms <= ?2 AND (?1 = 0 OR release_id = ?1)"
                                  " ORDER BY not_before_ms, id LIMIT 1");
    enum gr_err err;

    db_bind_i64(db, st, 1, release_id);
    db_bind_i64(db, st, 2, due_ms);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    read_effect(st, a, out);
    db_end(st);
    return gr_arena_status(a);
}

static enum gr_err
find_rollback(struct db *db, int64_t release_id, int64_t *id, bool *runs)
{
    sqlite3_stmt *st = db_use(db, "SELECT id, state = 'running' FROM effect WHERE release_id = ?1"
                                  " AND target = 'rollback'"
                                  " AND state IN ('ready', 'retry', 'running', 'held', 'waiting')"
                                  " ORDER BY id DESC LIMIT 1");
    enum gr_err err;

    db_bind_i64(db, st, 1, release_id);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    *id = db_i64(st, 0);
    *runs = db_i64(st, 1) != 0;
    db_end(st);
    return GR_OK;
}

enum gr_err
outbox_cancel(struct db *db, int64_t release_id, bool force, struct gr_str by, struct gr_str reason,
              int64_t now_ms, int64_t *id, bool *asked)
{
    sqlite3_stmt *st;
    enum gr_err err;

    if ((err = find_rollback(db, release_id, id, asked)) != GR_OK)
        return err;
    if (!*asked)
        return outbox_finish(db, *id, "cancelled", reason, now_ms);
    st = db_use(
        db, "UPDATE effect SET cancel = max(cancel, ?2), cancel_by = ?3, cancel_reason = ?4 WHERE id = ?1");
    db_bind_i64(db, st, 1, *id);
    db_bind_i64(db, st, 2, force ? 2 : 1);
    db_bind_str(db, st, 3, by);
    db_bind_str(db, st, 4, reason);
    return db_run(db, st);
}

enum gr_err
outbox_cancel_asked(struct db *db, struct gr_arena *a, int64_t id, int64_t *how, struct gr_str *by,
                    struct gr_str *reason)
{
    sqlite3_stmt *st = db_use(db, "SELECT cancel, coalesce(cancel_by, ''), coalesce(cancel_reason, '')"
                                  " FROM effect WHERE id = ?1");
    enum gr_err err;
    bool row;

    *how = 0;
    db_bind_i64(db, st, 1, id);
    if ((err = db_step(db, st, &row)) != GR_OK || !row)
        return err;
    if ((*how = db_i64(st, 0)) > 0) {
        *by = keep(a, st, 1);
        *reason = keep(a, st, 2);
    }
    db_end(st);
    return gr_arena_status(a);
}

enum gr_err
outbox_escalating(struct db *db, struct gr_arena *a, int64_t due_ms, struct outbox_effect *out)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET escalate_ms = NULL WHERE id = (SELECT id FROM effect"
                                  " WHERE escalate_ms IS NOT NULL AND acked_ms IS NULL AND escalate_ms <= ?1"
                                  " ORDER BY escalate_ms LIMIT 1) RETURNING " EFFECT_COLUMNS);
    enum gr_err err;

    db_bind_i64(db, st, 1, due_ms);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    read_effect(st, a, out);
    if ((err = db_run(db, st)) != GR_OK)
        return err;
    return gr_arena_status(a);
}

enum gr_err
outbox_revive(struct db *db, int64_t id, const char *target, int64_t now_ms, int64_t *count)
{
    sqlite3_stmt *st =
        db_use(db, "UPDATE effect SET state = 'retry', not_before_ms = ?3, revived_ms = ?3,"
                   " done_ms = NULL WHERE state = 'dead' AND target = ?2 AND (?1 = 0 OR id = ?1)");
    enum gr_err err;

    db_bind_i64(db, st, 1, id);
    db_bind_text(db, st, 2, target);
    db_bind_i64(db, st, 3, now_ms);
    if ((err = db_run(db, st)) == GR_OK)
        *count = db_changes(db);
    return err;
}

enum gr_err
outbox_drop(struct db *db, int64_t id, int64_t now_ms, int64_t *count)
{
    sqlite3_stmt *st =
        db_use(db, "UPDATE effect SET state = 'dropped', done_ms = ?2 WHERE id = ?1 AND state = 'dead'");
    enum gr_err err;

    db_bind_i64(db, st, 1, id);
    db_bind_i64(db, st, 2, now_ms);
    if ((err = db_run(db, st)) == GR_OK)
        *count = db_changes(db);
    return err;
}

enum gr_err
outbox_take(struct db *db, int64_t id, struct gr_str by, int64_t now_ms, int64_t *count)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET acked_by = ?2, acked_ms = ?3 WHERE id = ?1"
                                  " AND (kind = 'page' OR escalate_ms IS NOT NULL)"
                                  " AND state <> 'observed' AND acked_ms IS NULL");
    enum gr_err err;

    db_bind_i64(db, st, 1, id);
    db_bind_str(db, st, 2, by);
    db_bind_i64(db, st, 3, now_ms);
    if ((err = db_run(db, st)) == GR_OK)
        *count = db_changes(db);
    return err;
}

enum gr_err
outbox_deployment(struct db *db, int64_t id, char *out, size_t size)
{
    sqlite3_stmt *st = db_use(db, "SELECT deployment_id FROM effect WHERE id = ?1");
    struct gr_str name;
    enum gr_err err;

    db_bind_i64(db, st, 1, id);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    name = db_text(st, 0);
    if (name.n < size) /* a longer one is a foreign label, and no deployment of ours */
        db_copy(db, st, 0, out, size);
    else
        out[0] = '\0';
    db_end(st);
    return db->err;
}

enum gr_err
outbox_follow(struct db *db, int64_t id, enum outbox_follow stage)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET follow = ?2 WHERE id = ?1");

    db_bind_i64(db, st, 1, id);
    db_bind_i64(db, st, 2, stage);
    return db_run(db, st);
}

/* The one row of a statement, or GR_ENOENT. */
static enum gr_err
one_effect(struct db *db, sqlite3_stmt *st, struct gr_arena *a, struct outbox_effect *out)
{
    enum gr_err err;

    if ((err = db_one(db, st)) != GR_OK)
        return err;
    read_effect(st, a, out);
    db_end(st);
    return gr_arena_status(a);
}

enum gr_err
outbox_get(struct db *db, struct gr_arena *a, int64_t id, struct outbox_effect *out)
{
    sqlite3_stmt *st = db_use(db, "SELECT " EFFECT_COLUMNS " FROM effect WHERE id = ?1");

    db_bind_i64(db, st, 1, id);
    return one_effect(db, st, a, out);
}

enum gr_err
outbox_breach(struct db *db, struct gr_arena *a, int64_t release_id, struct gr_str guardrail,
              int64_t before_id, struct outbox_effect *out)
{
    sqlite3_stmt *st = db_use(db, "SELECT " EFFECT_COLUMNS " FROM effect WHERE release_id = ?1"
                                  " AND guardrail = ?2 AND id < ?3 AND inbox_id IS NOT NULL"
                                  " ORDER BY id DESC LIMIT 1");

    db_bind_i64(db, st, 1, release_id);
    db_bind_str(db, st, 2, guardrail);
    db_bind_i64(db, st, 3, before_id);
    return one_effect(db, st, a, out);
}

enum gr_err
outbox_acked(struct db *db, struct gr_arena *a, struct outbox_effect *out)
{
    return one_effect(db,
                      db_use(db, "SELECT " EFFECT_COLUMNS " FROM effect WHERE follow = 1"
                                 " AND acked_ms IS NOT NULL ORDER BY id LIMIT 1"),
                      a, out);
}

enum gr_err
outbox_acked_too(struct db *db, const struct outbox_effect *page)
{
    sqlite3_stmt *st =
        db_use(db, "UPDATE effect SET acked_by = ?3, acked_ms = ?4 WHERE id IN (SELECT max(id) FROM effect e"
                   " WHERE release_id = ?1 AND guardrail = ?2 AND kind = 'notify' AND follow = 1"
                   " AND acked_ms IS NULL AND NOT EXISTS (SELECT 1 FROM effect q WHERE q.release_id = ?1"
                   " AND q.guardrail = ?2 AND q.kind = 'notify' AND q.action = e.action AND q.acked_ms = ?4)"
                   " GROUP BY action)");

    db_bind_i64(db, st, 1, page->release_id);
    db_bind_str(db, st, 2, page->guardrail);
    db_bind_str(db, st, 3, page->acked_by);
    db_bind_i64(db, st, 4, page->acked_ms);
    return db_run(db, st);
}

enum gr_err
outbox_unescalate(struct db *db, int64_t id)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET escalate_ms = NULL WHERE id = ?1");

    db_bind_i64(db, st, 1, id);
    return db_run(db, st);
}

enum gr_err
outbox_follow_all(struct db *db, const struct outbox_effect *e, enum outbox_follow stage)
{
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET follow = ?4 WHERE release_id = ?1 AND guardrail = ?2"
                                  " AND action = ?3 AND follow IN (1, 2)");

    db_bind_i64(db, st, 1, e->release_id);
    db_bind_str(db, st, 2, e->guardrail);
    db_bind_str(db, st, 3, e->action);
    db_bind_i64(db, st, 4, stage);
    return db_run(db, st);
}

enum gr_err
outbox_over(struct db *db, struct gr_arena *a, int64_t quiet_ms, struct outbox_effect *out)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT " EFFECT_COLUMNS " FROM effect e WHERE follow IN (1, 2) AND ("
                   "(release_id IS NOT NULL AND EXISTS (SELECT 1 FROM release r WHERE r.id = e.release_id"
                   " AND r.state IN ('rolled_back', 'aborted', 'sealed'))"
                   " AND NOT EXISTS (SELECT 1 FROM episode p WHERE p.release_id = e.release_id"
                   " AND p.guardrail IN (e.guardrail, '') AND p.open = 1 AND p.seen_ms > ?1))"
                   " OR (release_id IS NULL AND key LIKE 'page|blind|%' AND (SELECT open FROM watchdog) = 0))"
                   " LIMIT 1");

    db_bind_i64(db, st, 1, quiet_ms);
    return one_effect(db, st, a, out);
}

enum gr_err
outbox_thread(struct db *db, struct gr_arena *a, struct gr_str action, struct gr_str topic,
              struct outbox_thread *out)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT effect_id, channel, ts FROM thread WHERE action = ?1 AND topic = ?2");
    enum gr_err err;

    db_bind_str(db, st, 1, action);
    db_bind_str(db, st, 2, topic);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    *out =
        (struct outbox_thread){.effect_id = db_i64(st, 0), .channel = keep(a, st, 1), .ts = keep(a, st, 2)};
    db_end(st);
    return gr_arena_status(a);
}

enum gr_err
outbox_thread_begin(struct db *db, struct gr_str action, struct gr_str topic, const struct outbox_thread *t)
{
    sqlite3_stmt *st = db_use(db, "INSERT INTO thread(action, topic, effect_id, channel, ts)"
                                  " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(action, topic) DO UPDATE SET"
                                  " effect_id = excluded.effect_id, channel = excluded.channel,"
                                  " ts = excluded.ts");

    db_bind_str(db, st, 1, action);
    db_bind_str(db, st, 2, topic);
    db_bind_i64(db, st, 3, t->effect_id);
    db_bind_str(db, st, 4, t->channel);
    db_bind_str(db, st, 5, t->ts);
    return db_run(db, st);
}

enum gr_err
outbox_recover(struct db *db, int64_t *count)
{
    /* It keeps its place: it was due before all that waited behind it. */
    sqlite3_stmt *st = db_use(db, "UPDATE effect SET state = 'retry' WHERE state = 'running'");
    enum gr_err err;

    if ((err = db_run(db, st)) == GR_OK)
        *count = db_changes(db);
    return err;
}

enum gr_err
outbox_each(struct db *db, struct gr_arena *a, const char *state, size_t limit, outbox_each_fn *fn, void *arg)
{
    sqlite3_stmt *st = db_use(db, "SELECT " EFFECT_COLUMNS " FROM effect WHERE ?1 IS NULL OR state = ?1"
                                  " ORDER BY id DESC LIMIT ?2");
    struct outbox_effect e;
    enum gr_err err = GR_OK;
    bool row = false;

    db_bind_text(db, st, 1, state);
    db_bind_i64(db, st, 2, (int64_t)limit);
    while (err == GR_OK && (err = db_step(db, st, &row)) == GR_OK && row) {
        read_effect(st, a, &e);
        if ((err = gr_arena_status(a)) == GR_OK)
            err = fn(&e, arg);
    }
    db_end(st);
    return err;
}

/* ---- the journal ---- */

enum gr_err
outbox_step_begin(struct db *db, const struct outbox_step *s)
{
    sqlite3_stmt *st = db_use(db, "INSERT INTO step(effect_id, n, attempt, name, argv, state, started_ms)"
                                  " VALUES (?1, ?2, ?3, ?4, ?5, 'running', ?6)");

    db_bind_i64(db, st, 1, s->effect_id);
    db_bind_i64(db, st, 2, s->n);
    db_bind_i64(db, st, 3, s->attempt);
    db_bind_str(db, st, 4, s->name);
    db_bind_str(db, st, 5, or_empty(s->command));
    db_bind_i64(db, st, 6, s->started_ms);
    return db_run(db, st);
}

enum gr_err
outbox_step_end(struct db *db, const struct outbox_step *s)
{
    sqlite3_stmt *st =
        db_use(db, "UPDATE step SET state = ?4, ended_ms = ?5, detail = ?6, tail = ?7, output_sha256 = ?8"
                   " WHERE effect_id = ?1 AND n = ?2 AND attempt = ?3");
    enum gr_err err;

    db_bind_i64(db, st, 1, s->effect_id);
    db_bind_i64(db, st, 2, s->n);
    db_bind_i64(db, st, 3, s->attempt);
    db_bind_text(db, st, 4, step_states[s->state]);
    db_bind_i64(db, st, 5, s->ended_ms);
    db_bind_str(db, st, 6, or_empty(s->detail));
    db_bind_blob(db, st, 7, s->tail);
    db_bind_str(db, st, 8, or_empty(s->output_sha256));
    if ((err = db_run(db, st)) != GR_OK)
        return err;
    return db_changes(db) == 1 ? GR_OK : GR_ENOENT;
}

static enum step_state
parse_step_state(struct gr_str s)
{
    for (size_t i = 0; i < STEP_STATES; i++)
        if (gr_str_is(s, step_states[i]))
            return (enum step_state)i;
    return STEP_AMBIGUOUS; /* a state we do not know */
}

enum gr_err
outbox_steps(struct db *db, struct gr_arena *a, int64_t effect_id, struct outbox_step **out, size_t *count)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT n, attempt, name, argv, state, started_ms, coalesce(ended_ms, 0),"
                   " coalesce(detail, ''), coalesce(output_sha256, '') FROM step WHERE effect_id = ?1"
                   " ORDER BY n, attempt");
    struct outbox_step *steps = NULL, *grown;
    size_t n = 0, cap = 0;
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, effect_id);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (n == cap) {
            if (!(grown = gr_arena_grow(a, steps, n, &cap, sizeof *steps))) {
                db_end(st);
                return GR_ENOMEM;
            }
            steps = grown;
        }
        steps[n++] = (struct outbox_step){.effect_id = effect_id,
                                          .n = db_i64(st, 0),
                                          .attempt = db_i64(st, 1),
                                          .name = keep(a, st, 2),
                                          .command = keep(a, st, 3),
                                          .state = parse_step_state(db_text(st, 4)),
                                          .started_ms = db_i64(st, 5),
                                          .ended_ms = db_i64(st, 6),
                                          .detail = keep(a, st, 7),
                                          .output_sha256 = keep(a, st, 8)};
    }
    if (err != GR_OK)
        return err;
    *out = steps;
    *count = n;
    return gr_arena_status(a);
}

enum gr_err
outbox_count(struct db *db, struct outbox_counts *out)
{
    sqlite3_stmt *st = db_use(
        db, "SELECT target, state, count(*) FROM effect GROUP BY target, state ORDER BY target, state");
    enum gr_err err;
    bool row;

    memset(out, 0, sizeof *out);
    while ((err = db_step(db, st, &row)) == GR_OK && row && out->count < GR_COUNT(out->rows)) {
        db_copy(db, st, 0, out->rows[out->count].target, sizeof out->rows[0].target);
        db_copy(db, st, 1, out->rows[out->count].state, sizeof out->rows[0].state);
        out->rows[out->count++].count = db_i64(st, 2);
    }
    db_end(st);
    if (err != GR_OK)
        return err;
    st = db_use(db, "SELECT coalesce(min(created_ms), 0) FROM effect WHERE state IN ('ready', 'retry')");
    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    out->oldest_due_ms = db_i64(st, 0);
    db_end(st);
    return db->err;
}
