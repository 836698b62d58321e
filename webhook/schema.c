#include "config.h"
#include "schema.h"

/* Version 1. Times are Unix milliseconds. STRICT: a value of the wrong type is an error of ours, not a conversion.
 *
 * inbox    raw evidence, one row per accepted request
 * policy   every policy that a release is pinned to, whole
 * release  one row per deployment; a deployment belongs to one stream, a stream has at most one active
 * release
 * phase    the phases a release entered, in order
 * check    outcomes of the programs that a phase asks for
 * episode  breaches: one row per subject (decide.h), the newest episode of it
 * effect   the outbox; `key` is what makes an effect happen once. States:
 *            ready retry running        will be or is being carried out
 *            done failed dead           finished: carried out; a step failed; given up (dead letter)
 *            held ambiguous             waits for a person
 *            void                       never begun, and will not be; its key is free again
 *            waiting                    for a person's confirmation, until not_before_ms
 *            denied                     a person said no, or nobody said yes to what is not hard
 *            cancelled                  a person ended the rollback before its end
 *            dropped                    a dead letter that an operator put away
 *            observed                   modes observe and dry-run: only written down
 * link     one-time links that were used
 * step     the journal: a row is committed before a program starts, its outcome after it ended
 * record   decision records that are to be written, or were
 * audit    who did what, append only */
static const char *const schema_steps[] = {
    "CREATE TABLE inbox(id INTEGER PRIMARY KEY, rx_ms INTEGER NOT NULL, source TEXT NOT NULL, sha256 TEXT "
    "NOT NULL,"
    " alerts INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"

    "CREATE TABLE policy(sha256 TEXT PRIMARY KEY, spec_hash TEXT NOT NULL, seen_ms INTEGER NOT NULL, body "
    "BLOB NOT NULL)"
    " STRICT;"

    "CREATE TABLE release(id INTEGER PRIMARY KEY, spec TEXT NOT NULL, stream TEXT NOT NULL, deployment_id "
    "TEXT NOT NULL,"
    " state TEXT NOT NULL, phase TEXT NOT NULL, phase_n INTEGER NOT NULL, phase_ms INTEGER NOT NULL,"
    " started_ms INTEGER NOT NULL, ended_ms INTEGER, started_by TEXT NOT NULL, reason TEXT NOT NULL,"
    " armed_epoch INTEGER NOT NULL, armed_ms INTEGER NOT NULL, had_traffic INTEGER NOT NULL,"
    " held INTEGER NOT NULL DEFAULT 0, hold_by TEXT, hold_reason TEXT, hold_ms INTEGER,"
    " promotion_hold TEXT, extend_ms INTEGER, halt_reason TEXT,"
    " policy_sha256 TEXT NOT NULL REFERENCES policy(sha256), version INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(spec, deployment_id)) STRICT;"
    "CREATE UNIQUE INDEX release_one_active ON release(spec, stream)"
    " WHERE state IN ('running', 'halted', 'rolling_back');"

    "CREATE TABLE phase(release_id INTEGER NOT NULL REFERENCES release(id), n INTEGER NOT NULL, phase TEXT "
    "NOT NULL,"
    " entered_ms INTEGER NOT NULL, left_ms INTEGER, approver TEXT NOT NULL, note TEXT NOT NULL,"
    " override INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(release_id, n)) STRICT;"

    "CREATE TABLE check_result(release_id INTEGER NOT NULL REFERENCES release(id), phase_n INTEGER NOT NULL,"
    " name TEXT NOT NULL, passed INTEGER NOT NULL, ended_ms INTEGER NOT NULL, detail TEXT NOT NULL,"
    " PRIMARY KEY(release_id, phase_n, name)) STRICT;"

    "CREATE TABLE episode(subject TEXT PRIMARY KEY, release_id INTEGER, number INTEGER NOT NULL, open "
    "INTEGER NOT NULL,"
    " opened_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, guardrail TEXT NOT "
    "NULL,"
    " level TEXT NOT NULL, slice TEXT NOT NULL, phase TEXT NOT NULL) STRICT;"
    "CREATE INDEX episode_release ON episode(release_id);"

    "CREATE TABLE effect(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, action TEXT,"
    " target TEXT NOT NULL, release_id INTEGER REFERENCES release(id), deployment_id TEXT NOT NULL, stream "
    "TEXT NOT NULL,"
    " guardrail TEXT NOT NULL, level TEXT NOT NULL, phase TEXT NOT NULL, reason TEXT NOT NULL,"
    " epoch INTEGER NOT NULL, recheck INTEGER NOT NULL, state TEXT NOT NULL, not_before_ms INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT, payload TEXT NOT NULL, inbox_id INTEGER,"
    " created_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, started_ms INTEGER, done_ms INTEGER) STRICT;"
    "CREATE INDEX effect_due ON effect(target, not_before_ms) WHERE state IN ('ready', 'retry');"
    "CREATE INDEX effect_release ON effect(release_id);"

    "CREATE TABLE step(effect_id INTEGER NOT NULL REFERENCES effect(id), n INTEGER NOT NULL, attempt INTEGER "
    "NOT NULL,"
    " name TEXT NOT NULL, argv TEXT NOT NULL, state TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms "
    "INTEGER,"
    " detail TEXT, tail BLOB, output_sha256 TEXT, PRIMARY KEY(effect_id, n, attempt)) STRICT;"

    "CREATE TABLE record(id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), n "
    "INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, body TEXT NOT NULL, metrics TEXT, written_ms INTEGER, UNIQUE(release_id, n)) "
    "STRICT;"
    "CREATE INDEX record_due ON record(id) WHERE written_ms IS NULL;"

    "CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, ts_ms INTEGER NOT NULL, actor TEXT NOT NULL,"
    " event TEXT NOT NULL, deployment_id TEXT NOT NULL, detail TEXT NOT NULL) STRICT;",

    /* Version 2: what is too old is found without reading the rest. */
    "CREATE INDEX inbox_age ON inbox(source, rx_ms);",

    /* Version 3.
     * chain     the audit log (audit.h), which takes over what stood in audit: append only, and not by good will
     *           alone. file, place, bytes: where it stands among the files written out
     * watchdog  whether an outage was paged and is not over (watchdog.h); one row */
    "CREATE TABLE chain(seq INTEGER PRIMARY KEY, file INTEGER NOT NULL, place INTEGER NOT NULL, bytes "
    "INTEGER "
    "NOT NULL, ts_ms INTEGER NOT NULL, event TEXT NOT NULL, deployment_id TEXT NOT NULL, policy TEXT, "
    "hash TEXT NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE INDEX chain_file ON chain(file);"
    "CREATE TRIGGER chain_stays BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'append only'); END;"
    "CREATE TRIGGER chain_as_it_is BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'append only'); END;"
    "CREATE TABLE watchdog(id INTEGER PRIMARY KEY CHECK (id = 1), outages INTEGER NOT NULL, open INTEGER NOT "
    "NULL) STRICT;"
    "INSERT INTO watchdog VALUES (1, 0, 0);",

    /* Version 4: what people say.
     * episode.acked       number of the newest episode that somebody has reviewed after its end
     * effect.acked_ms     a page that somebody has taken
     * release.override_*  the gate is opened until then, in the phase of that number */
    "CREATE INDEX effect_rollback ON effect(release_id, epoch) WHERE target = 'rollback';"
    "ALTER TABLE episode ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE episode ADD COLUMN acked_by TEXT;"
    "ALTER TABLE episode ADD COLUMN acked_ms INTEGER;"
    "ALTER TABLE effect ADD COLUMN acked_by TEXT;"
    "ALTER TABLE effect ADD COLUMN acked_ms INTEGER;"
    "ALTER TABLE release ADD COLUMN override_by TEXT;"
    "ALTER TABLE release ADD COLUMN override_reason TEXT;"
    "ALTER TABLE release ADD COLUMN override_until_ms INTEGER;"
    "ALTER TABLE release ADD COLUMN override_n INTEGER;",

    /* Version 5: what waits for a person, and until when (confirm.h). */
    "CREATE INDEX effect_waiting ON effect(not_before_ms) WHERE state = 'waiting';",

    /* Version 6: when an operator's hold ends by itself; who cancels a rollback that runs, and whether in the middle of a step (2)
     * or before the next one (1). */
    "ALTER TABLE release ADD COLUMN hold_until_ms INTEGER;"
    "CREATE INDEX release_hold_end ON release(hold_until_ms) WHERE held = 1;"
    "ALTER TABLE effect ADD COLUMN cancel INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE effect ADD COLUMN cancel_by TEXT;"
    "ALTER TABLE effect ADD COLUMN cancel_reason TEXT;",

    /* Version 7: when a page that nobody takes goes to the next person; NULL: it does not, or has done so. */
    ("ALTER TABLE effect ADD COLUMN escalate_ms INTEGER;"
     "CREATE INDEX effect_escalate ON effect(escalate_ms) WHERE escalate_ms IS NOT NULL AND acked_ms IS "
     "NULL;"),

    /* Version 8: signed links that were used (link.h), until they would have expired; and what the status page asks for at each view, without reading
     * the rest. */
    ("CREATE TABLE link(nonce TEXT PRIMARY KEY, effect_id INTEGER NOT NULL, used_ms INTEGER NOT NULL,"
     " until_ms INTEGER NOT NULL, used_by TEXT NOT NULL, reason TEXT NOT NULL) STRICT;"
     "CREATE INDEX link_until ON link(until_ms);"
     "CREATE INDEX effect_dead ON effect(id) WHERE state = 'dead';"
     "CREATE INDEX effect_page ON effect(created_ms) WHERE kind = 'page' AND acked_ms IS NULL;"),

    /* Version 9: what the storm breaker and the cool-down count at each alert that is decided, without reading what is long over. */
    ("CREATE INDEX effect_storm ON effect(created_ms) WHERE target = 'rollback';"
     "CREATE INDEX release_back ON release(stream, ended_ms) WHERE state = 'rolled_back';"),

    /* Version 10: what follows a message.
     * effect.follow      0 nothing; 1 it was delivered; 2 that it was acknowledged is told, too; 3 and that it is over
     * effect.revived_ms  when an operator sent a dead letter again: its age counts from then
     * thread             Slack's: what of an action and topic (courier.c) was posted first, and where */
    ("ALTER TABLE effect ADD COLUMN follow INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE effect ADD COLUMN revived_ms INTEGER;"
     "CREATE INDEX effect_follow ON effect(release_id) WHERE follow IN (1, 2);"
     "CREATE INDEX effect_acked ON effect(id) WHERE follow = 1 AND acked_ms IS NOT NULL;"
     "CREATE TABLE thread(action TEXT NOT NULL, topic TEXT NOT NULL, effect_id INTEGER NOT NULL, channel "
     "TEXT "
     "NOT NULL, ts TEXT NOT NULL, PRIMARY KEY(action, topic)) STRICT;"),

    /* Version 11: what applies a traffic split, and deviations from the schedule.
     * release.entering  the phase whose split is being applied (enter.c)
     * release.dev_*     in force while the release stands in the phase of number dev_n: its minimum, its shares (JSON, flow to
     *                   ratio), the phase that follows; and the incident commander who allowed it
     * phase.commander   the same, of a promotion off the schedule */
    ("ALTER TABLE release ADD COLUMN entering TEXT;"
     "ALTER TABLE release ADD COLUMN dev_n INTEGER;"
     "ALTER TABLE release ADD COLUMN dev_min_ms INTEGER;"
     "ALTER TABLE release ADD COLUMN dev_share TEXT;"
     "ALTER TABLE release ADD COLUMN dev_next TEXT;"
     "ALTER TABLE release ADD COLUMN dev_by TEXT;"
     "ALTER TABLE phase ADD COLUMN commander TEXT;"),
};

const struct schema schema_current = {schema_steps, GR_COUNT(schema_steps)};

/* ---- from version to version ---- */

static enum gr_err
one_number(struct db *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = db_use(db, sql);
    enum gr_err err;
    bool row;

    if ((err = db_step(db, st, &row)) == GR_OK)
        *out = row ? db_i64(st, 0) : 0;
    db_end(st);
    return err;
}

/* -1: tables, but not ours. */
static enum gr_err
find_version(struct db *db, int64_t *version)
{
    int64_t ours = 0, tables = 0;
    enum gr_err err;

    if ((err = one_number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'", &ours)) !=
        GR_OK)
        return err;
    if (ours)
        return one_number(db, "SELECT coalesce(max(version), 0) FROM schema_version", version);
    err = one_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    *version = tables ? -1 : 0;
    return err;
}

static enum gr_err
run_steps(struct db *db, const struct schema *schema, int64_t version)
{
    sqlite3_stmt *st;
    int64_t broken = 0;
    enum gr_err err;

    if ((err = db_exec(
             db, "CREATE TABLE IF NOT EXISTS schema_version(version INTEGER PRIMARY KEY) STRICT;")) != GR_OK)
        return err;
    for (; version < schema->version; version++) {
        if ((err = db_exec(db, schema->steps[version])) != GR_OK)
            return err;
        if (sqlite3_get_autocommit(db->h)) /* the step ended our transaction: a bug in it */
            return GR_EIO;
        st = db_use(db, "INSERT INTO schema_version(version) VALUES (?1)");
        db_bind_i64(db, st, 1, version + 1);
        if ((err = db_run(db, st)) != GR_OK)
            return err;
    }
    if ((err = one_number(db, "SELECT count(*) FROM pragma_foreign_key_check", &broken)) != GR_OK)
        return err;
    return broken ? GR_EIO : GR_OK;
}

enum gr_err
schema_migrate(struct db *db, const struct schema *schema, int64_t *from)
{
    enum gr_err err;

    if ((err = db_exec(db, "BEGIN IMMEDIATE")) != GR_OK)
        return err;
    if ((err = find_version(db, from)) == GR_OK) {
        if (*from < 0 || *from > schema->version)
            err = GR_ESTATE;
        else if (*from < schema->version)
            err = run_steps(db, schema, *from);
    }
    if (err == GR_OK)
        return db_exec(db, "COMMIT");
    (void)sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL); /* if not now, then when the file is closed */
    return err;
}
