#include "config.h"
#include "schema.h"

/* Times are Unix milliseconds. STRICT: a value of the wrong type is an error of ours, not a conversion.
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
 *            observed                   modes observe and dry-run: only written down
 * step     the journal: a row is committed before a program starts, its outcome after it ended
 * record   decision records that are to be written, or were
 * audit    who did what, append only */
const char *const schema_steps[STORE_SCHEMA_VERSION] = {
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
};
