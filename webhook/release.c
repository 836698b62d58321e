#include "config.h"
#include "release_row.h"

#include "guardrail/duration.h"
#include "outbox.h"
#include "recorder.h"

static const struct {
    const char *name;
    bool active;
} states[RELEASE_STATES] = {
    [RELEASE_NONE] = {"none", false},
    [RELEASE_RUNNING] = {"running", true},
    [RELEASE_HALTED] = {"halted", true},
    [RELEASE_ROLLING_BACK] = {"rolling_back", true},
    [RELEASE_ROLLED_BACK] = {"rolled_back", false},
    [RELEASE_ABORTED] = {"aborted", false},
    [RELEASE_SEALED] = {"sealed", false},
};

bool
release_state_active(enum release_state s)
{
    return states[s].active;
}

enum gr_err
release_state_parse(struct gr_str s, enum release_state *out)
{
    for (size_t i = RELEASE_RUNNING; i < RELEASE_STATES; i++)
        if (gr_str_is(s, states[i].name)) {
            *out = (enum release_state)i;
            return GR_OK;
        }
    return GR_ENOENT;
}

/* ---- rows ---- */

/* "+": by the few that wait for a person (effect_waiting), not by all effects of the release, of which there may be many thousands. */
#define RELEASE_COLUMNS                                                                                      \
    "id, deployment_id, stream, state, phase, phase_n, phase_ms, started_ms, coalesce(ended_ms, 0), "        \
    "armed_epoch, "                                                                                          \
    "armed_ms, had_traffic, held, coalesce(hold_by, ''), coalesce(hold_reason, ''), "                        \
    "coalesce(promotion_hold, ''), "                                                                         \
    "coalesce(halt_reason, ''), coalesce(extend_ms, 0), policy_sha256, version, "                            \
    "coalesce(override_by, ''), coalesce(override_reason, ''), coalesce(override_until_ms, 0), "             \
    "coalesce(override_n, 0), "                                                                              \
    "EXISTS (SELECT 1 FROM effect e WHERE e.release_id = release.id AND e.epoch = release.armed_epoch"       \
    " AND e.target = 'rollback' AND e.state <> 'void'), "                                                    \
    "coalesce((SELECT min(e.not_before_ms) FROM effect e WHERE e.state = 'waiting'"                          \
    " AND +e.release_id = release.id), 0), coalesce(hold_until_ms, 0), coalesce(entering, ''), "             \
    "coalesce(dev_n, 0), coalesce(dev_min_ms, 0), coalesce(dev_share, ''), coalesce(dev_next, ''), "         \
    "coalesce(dev_by, '')"

/* The stream of a policy whose key is this text; NULL when there is none. */
static enum gr_err
stream_of_key(const struct policy *p, const char *key, const struct label_set **out)
{
    struct gr_buf text = GR_BUF_INIT(RELEASE_STREAM_BYTES);
    enum gr_err err = GR_OK;

    *out = NULL;
    for (size_t i = 0; i < p->stream_count && !*out && err == GR_OK; i++) {
        gr_buf_reset(&text);
        labels_print_key(&text, p->streams[i]);
        err = gr_buf_err(&text);
        if (err == GR_OK && gr_str_is(gr_buf_str(&text), key))
            *out = &p->streams[i];
        if (err == GR_ELIMIT) /* longer than any key of ours */
            err = GR_OK;
    }
    gr_buf_fini(&text);
    return err;
}

static void
read_row(struct db *db, sqlite3_stmt *st, struct release *r)
{
    memset(r, 0, sizeof *r);
    r->id = db_i64(st, 0);
    db_copy(db, st, 1, r->deployment_id, sizeof r->deployment_id);
    db_copy(db, st, 2, r->stream, sizeof r->stream);
    if (release_state_parse(db_text(st, 3), &r->state) != GR_OK)
        r->state = RELEASE_HALTED; /* a state we do not know: nothing moves by itself */
    db_copy(db, st, 4, r->phase, sizeof r->phase);
    r->phase_n = db_i64(st, 5);
    r->phase_ms = db_i64(st, 6);
    r->started_ms = db_i64(st, 7);
    r->ended_ms = db_i64(st, 8);
    r->armed_epoch = db_i64(st, 9);
    r->armed_ms = db_i64(st, 10);
    r->had_traffic = db_i64(st, 11) != 0;
    r->held = db_i64(st, 12) != 0;
    db_copy(db, st, 13, r->hold_by, sizeof r->hold_by);
    db_copy(db, st, 14, r->hold_reason, sizeof r->hold_reason);
    db_copy(db, st, 15, r->promotion_hold, sizeof r->promotion_hold);
    db_copy(db, st, 16, r->halt_reason, sizeof r->halt_reason);
    r->extend_ms = db_i64(st, 17);
    db_copy(db, st, 18, r->policy_sha256, sizeof r->policy_sha256);
    r->version = db_i64(st, 19);
    db_copy(db, st, 20, r->override_by, sizeof r->override_by);
    db_copy(db, st, 21, r->override_reason, sizeof r->override_reason);
    r->override_until_ms = db_i64(st, 22);
    r->override_n = db_i64(st, 23);
    r->spent = db_i64(st, 24) != 0;
    r->confirm_by_ms = db_i64(st, 25);
    r->hold_until_ms = db_i64(st, 26);
    db_copy(db, st, 27, r->entering, sizeof r->entering);
    r->dev_n = db_i64(st, 28);
    r->dev_min_ms = db_i64(st, 29);
    db_copy(db, st, 30, r->dev_share, sizeof r->dev_share);
    db_copy(db, st, 31, r->dev_next, sizeof r->dev_next);
    db_copy(db, st, 32, r->dev_by, sizeof r->dev_by);
}

static enum gr_err
resolve(const struct policies *p, struct release *r)
{
    enum gr_err err;

    r->policy = policies_find(p, r->policy_sha256);
    if (!r->policy)
        return GR_OK;
    r->phase_row = policy_phase(r->policy, gr_str(r->phase));
    if ((err = stream_of_key(r->policy, r->stream, &r->stream_row)) != GR_OK)
        return err;
    if (!r->phase_row || !r->stream_row)
        r->policy = NULL;
    return GR_OK;
}

static enum gr_err
one_row(struct db *db, const struct policies *p, sqlite3_stmt *st, struct release *out)
{
    enum gr_err err;

    if ((err = db_one(db, st)) != GR_OK)
        return err;
    read_row(db, st, out);
    db_end(st);
    if (db->err != GR_OK)
        return db->err;
    return resolve(p, out);
}

enum gr_err
release_find(struct db *db, const struct policies *p, struct gr_str deployment_id, struct release *out)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT " RELEASE_COLUMNS " FROM release WHERE spec = ?1 AND deployment_id = ?2");

    db_bind_str(db, st, 1, policies_current(p)->spec);
    db_bind_str(db, st, 2, deployment_id.p ? deployment_id : GR_STR(""));
    return one_row(db, p, st, out);
}

enum gr_err
release_get(struct db *db, const struct policies *p, int64_t id, struct release *out)
{
    sqlite3_stmt *st = db_use(db, "SELECT " RELEASE_COLUMNS " FROM release WHERE id = ?1");

    db_bind_i64(db, st, 1, id);
    return one_row(db, p, st, out);
}

enum gr_err
release_each(struct db *db, const struct policies *p, bool scope, size_t limit, release_each_fn *fn,
             void *arg)
{
    sqlite3_stmt *st;
    struct release r;
    enum gr_err err = GR_OK;
    bool row = false;

    /* fn may use other statements, but not these two. */
    if (scope)
        st = db_use(db, "SELECT " RELEASE_COLUMNS " FROM release WHERE spec = ?1"
                        " AND (state IN ('running', 'halted', 'rolling_back') OR id IN"
                        " (SELECT max(id) FROM release WHERE spec = ?1"
                        "  AND state NOT IN ('running', 'halted', 'rolling_back') GROUP BY stream))"
                        " ORDER BY id DESC LIMIT ?2");
    else
        st = db_use(db, "SELECT " RELEASE_COLUMNS " FROM release WHERE spec = ?1 ORDER BY id DESC LIMIT ?2");
    db_bind_str(db, st, 1, policies_current(p)->spec);
    db_bind_i64(db, st, 2, (int64_t)limit);
    while (err == GR_OK && (err = db_step(db, st, &row)) == GR_OK && row) {
        read_row(db, st, &r);
        err = db->err == GR_OK ? resolve(p, &r) : db->err;
        if (err == GR_OK)
            err = fn(db, &r, arg);
    }
    db_end(st);
    return err;
}

struct release_view
release_view_of(const struct release *r)
{
    return (struct release_view){.state = r->state,
                                 .stream = r->stream_row ? *r->stream_row : LABELS_NONE,
                                 .phase = r->phase_row,
                                 .armed_epoch = (uint32_t)r->armed_epoch,
                                 .armed_ms = r->armed_ms,
                                 .held = r->held,
                                 .had_traffic = r->had_traffic};
}

/* ---- transitions ---- */

enum gr_err
release_refuse(struct gr_buf *why, const char *text, const char *detail)
{
    gr_buf_puts(why, text);
    gr_buf_puts(why, detail);
    return GR_ESTATE;
}

/* Writes the row's changing part back. */
enum gr_err
release_save(struct db *db, struct release *r)
{
    sqlite3_stmt *st = db_use(
        db,
        "UPDATE release SET state = ?2, phase = ?3, phase_n = ?4, phase_ms = ?5, ended_ms = nullif(?6, 0),"
        " had_traffic = ?7, held = ?8, hold_by = ?9, hold_reason = ?10, promotion_hold = ?11, halt_reason = "
        "?12,"
        " extend_ms = nullif(?13, 0), armed_epoch = ?15, armed_ms = ?16, entering = nullif(?17, ''),"
        " version = version + 1"
        " WHERE id = ?1 AND version = ?14");
    enum gr_err err;

    if (r->state != RELEASE_RUNNING)
        r->entering[0] = '\0'; /* whatever stops a release wins over a split that is being applied */
    db_bind_i64(db, st, 1, r->id);
    db_bind_text(db, st, 2, release_state_name(r->state));
    db_bind_text(db, st, 3, r->phase);
    db_bind_i64(db, st, 4, r->phase_n);
    db_bind_i64(db, st, 5, r->phase_ms);
    db_bind_i64(db, st, 6, r->ended_ms);
    db_bind_i64(db, st, 7, r->had_traffic);
    db_bind_i64(db, st, 8, r->held);
    db_bind_text(db, st, 9, r->hold_by);
    db_bind_text(db, st, 10, r->hold_reason);
    db_bind_text(db, st, 11, r->promotion_hold);
    db_bind_text(db, st, 12, r->halt_reason);
    db_bind_i64(db, st, 13, r->extend_ms);
    db_bind_i64(db, st, 14, r->version);
    db_bind_i64(db, st, 15, r->armed_epoch);
    db_bind_i64(db, st, 16, r->armed_ms);
    db_bind_text(db, st, 17, r->entering);
    if ((err = db_run(db, st)) != GR_OK)
        return err;
    GR_ASSERT(db_changes(db) == 1); /* r was read in this very transaction, or its version was compared */
    r->version++;
    return GR_OK;
}

void
release_copy(char *out, size_t size, struct gr_str s)
{
    if (s.n >= size) {
        s.n = size - 1;
        while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80) /* not inside a UTF-8 character */
            s.n--;
    }
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

enum gr_err
release_log(struct db *db, const struct release *r, const char *event, const struct release_act *act)
{
    return audit_add(db, act->now_ms, act->by, event, gr_str(r->deployment_id), act->reason);
}

enum gr_err
release_note(struct db *db, const struct release *r, const char *decision, const char *outcome,
             const struct release_act *act, const struct release_breach *breach, int64_t effect_id)
{
    return record_note(db, r,
                       &(struct record_note){.decision = decision,
                                             .outcome = outcome,
                                             .by = act->by,
                                             .text = act->reason,
                                             .commander = act->commander,
                                             .by_daemon = gr_str_is(act->by, "guardraild"),
                                             .breach = breach,
                                             .effect_id = effect_id,
                                             .at_ms = act->now_ms});
}

static enum gr_err
active_of_stream(struct db *db, struct gr_str spec, const char *stream, char *id, size_t size)
{
    sqlite3_stmt *st = db_use(db, "SELECT deployment_id FROM release WHERE spec = ?1 AND stream = ?2"
                                  " AND state IN ('running', 'halted', 'rolling_back')");
    enum gr_err err;

    db_bind_str(db, st, 1, spec);
    db_bind_text(db, st, 2, stream);
    if ((err = db_one(db, st)) != GR_OK)
        return err;
    db_copy(db, st, 0, id, size);
    db_end(st);
    return db->err;
}

static enum gr_err
insert_release(struct db *db, const struct policies *p, struct release *r, const struct release_act *act)
{
    sqlite3_stmt *st = db_use(db, "INSERT INTO release(spec, stream, deployment_id, state, phase, phase_n, "
                                  "phase_ms, started_ms, started_by,"
                                  " reason, armed_epoch, armed_ms, had_traffic, policy_sha256)"
                                  " VALUES (?1, ?2, ?3, 'running', '', 0, ?4, ?4, ?5, ?6, 1, ?4, 0, ?7)");
    enum gr_err err;

    db_bind_str(db, st, 1, policies_current(p)->spec);
    db_bind_text(db, st, 2, r->stream);
    db_bind_text(db, st, 3, r->deployment_id);
    db_bind_i64(db, st, 4, act->now_ms);
    db_bind_str(db, st, 5, act->by.p ? act->by : GR_STR(""));
    db_bind_str(db, st, 6, act->reason.p ? act->reason : GR_STR(""));
    db_bind_text(db, st, 7, r->policy_sha256);
    if ((err = db_run(db, st)) != GR_OK)
        return err;
    r->id = db_last_id(db);
    return GR_OK;
}

/* Whether stream and id are free; fills what a new row starts with. */
static enum gr_err
prepare_start(struct db *db, const struct policies *p, struct label_set stream, struct gr_str deployment_id,
              struct release *r, struct gr_buf *why)
{
    const struct policy *policy = policies_current(p);
    struct gr_buf key = GR_BUF_INIT(RELEASE_STREAM_BYTES - 1);
    struct release old;
    char other[RELEASE_ID_BYTES];
    enum gr_err err;

    memset(r, 0, sizeof *r);
    if (!(r->stream_row = policy_stream(policy, stream)))
        return release_refuse(why, "the policy knows no such release stream", "");
    labels_print_key(&key, *r->stream_row);
    err = gr_buf_err(&key);
    release_copy(r->stream, sizeof r->stream, gr_buf_str(&key));
    gr_buf_fini(&key);
    if (err != GR_OK)
        return err;
    if ((err = release_find(db, p, deployment_id, &old)) == GR_OK) {
        gr_buf_printf(why, "the deployment is already registered: stream %s, %s", old.stream,
                      states[old.state].name);
        return GR_ESTATE;
    }
    if (err != GR_ENOENT)
        return err;
    if ((err = active_of_stream(db, policy->spec, r->stream, other, sizeof other)) == GR_OK)
        return release_refuse(why, "the stream has an active release: ", other);
    if (err != GR_ENOENT)
        return err;
    release_copy(r->deployment_id, sizeof r->deployment_id, deployment_id);
    release_copy(r->policy_sha256, sizeof r->policy_sha256, gr_str(policies_sha256(p, policy)));
    r->policy = policy;
    r->state = RELEASE_RUNNING;
    return GR_OK;
}

enum gr_err
release_start(struct db *db, const struct policies *p, struct label_set stream, struct gr_str deployment_id,
              const struct release_act *act, struct release *out, struct gr_buf *why)
{
    struct release r;
    enum gr_err err;

    if ((err = prepare_start(db, p, stream, deployment_id, &r, why)) != GR_OK)
        return err;
    r.started_ms = r.armed_ms = act->now_ms;
    r.armed_epoch = 1;
    if ((err = insert_release(db, p, &r, act)) != GR_OK)
        return err;
    if ((err = release_phase_enter(db, &r, &r.policy->phases[0], false, act)) != GR_OK)
        return err;
    if (r.phase_row->final) {
        r.state = RELEASE_SEALED;
        r.ended_ms = act->now_ms;
    }
    if (r.phase_row->enter_count > 0 && (err = release_split_begin(db, &r, r.phase_row, false, act)) != GR_OK)
        return err;
    if ((err = release_save(db, &r)) != GR_OK)
        return err;
    if ((err = release_log(db, &r, "release start", act)) != GR_OK)
        return err;
    if ((err = release_note(db, &r, "start", NULL, act, NULL, 0)) != GR_OK)
        return err;
    *out = r;
    return GR_OK;
}

static enum gr_err
end_release(struct db *db, struct release *r, enum release_state state, const struct release_act *act)
{
    enum gr_err err;

    if ((err = release_phase_leave(db, r, act->now_ms)) != GR_OK)
        return err;
    r->state = state;
    r->ended_ms = act->now_ms;
    return release_save(db, r);
}

enum gr_err
release_abort(struct db *db, struct release *r, const struct release_act *act, struct gr_buf *why)
{
    enum gr_err err;

    if (r->state != RELEASE_RUNNING && r->state != RELEASE_HALTED)
        return release_refuse(why, "only a running or halted release can be aborted; this one is ",
                              release_state_name(r->state));
    if ((err = end_release(db, r, RELEASE_ABORTED, act)) != GR_OK)
        return err;
    if ((err = release_log(db, r, "release abort", act)) != GR_OK)
        return err;
    return release_note(db, r, "abort", "aborted", act, NULL, 0);
}

enum gr_err
release_hold(struct db *db, struct release *r, int64_t until_ms, const struct release_act *act,
             struct gr_buf *why)
{
    sqlite3_stmt *st;
    enum gr_err err;

    if (!release_state_active(r->state))
        return release_refuse(why, "the release has ended: ", release_state_name(r->state));
    r->held = true;
    release_copy(r->hold_by, sizeof r->hold_by, act->by);
    release_copy(r->hold_reason, sizeof r->hold_reason, act->reason);
    GR_ASSERT(until_ms - act->now_ms <= RELEASE_HOLD_MS_MAX);
    r->hold_until_ms = until_ms;
    st = db_use(db, "UPDATE release SET hold_ms = ?2, hold_until_ms = ?3 WHERE id = ?1");
    db_bind_i64(db, st, 1, r->id);
    db_bind_i64(db, st, 2, act->now_ms);
    db_bind_i64(db, st, 3, until_ms);
    if ((err = db_run(db, st)) != GR_OK)
        return err;
    if ((err = release_save(db, r)) != GR_OK)
        return err;
    if ((err = release_log(db, r, "release hold", act)) != GR_OK)
        return err;
    return release_note(db, r, "hold", "held", act, NULL, 0);
}

enum gr_err
release_resume(struct db *db, struct release *r, const struct release_act *act, struct gr_buf *why)
{
    enum gr_err err;

    if (!release_state_active(r->state))
        return release_refuse(why, "the release has ended: ", release_state_name(r->state));
    if (!r->held && r->promotion_hold[0] == '\0' && r->state != RELEASE_HALTED)
        return release_refuse(why, "nothing holds the release", "");
    if (r->state == RELEASE_HALTED)
        r->state = RELEASE_RUNNING;
    if ((err = outbox_unhold(db, r->id, act->now_ms)) != GR_OK)
        return err;
    r->held = false;
    r->hold_by[0] = r->hold_reason[0] = r->promotion_hold[0] = r->halt_reason[0] = '\0';
    if ((err = release_split_again(db, r, act)) != GR_OK || (err = release_save(db, r)) != GR_OK)
        return err;
    if ((err = release_log(db, r, "release resume", act)) != GR_OK)
        return err;
    return release_note(db, r, "resume", NULL, act, NULL, 0);
}

enum gr_err
release_hold_end(struct db *db, const struct policies *p, int64_t now_ms, struct release *out)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT " RELEASE_COLUMNS " FROM release WHERE held = 1 AND hold_until_ms <= ?1"
                   " AND state IN ('running', 'halted', 'rolling_back') LIMIT 1");
    struct release_act act = {.by = GR_STR("guardraild"), .now_ms = now_ms};
    struct gr_buf why = GR_BUF_INIT(4096);
    enum gr_err err;

    db_bind_i64(db, st, 1, now_ms);
    if ((err = one_row(db, p, st, out)) != GR_OK)
        return err;
    gr_buf_printf(&why, "the hold by %s has ended: %s", out->hold_by, out->hold_reason);
    act.reason = gr_buf_str(&why);
    out->held = false;
    out->hold_by[0] = out->hold_reason[0] = '\0';
    if ((err = gr_buf_err(&why)) == GR_OK && (err = outbox_unhold(db, out->id, now_ms)) == GR_OK &&
        (err = release_save(db, out)) == GR_OK && (err = release_log(db, out, "hold ended", &act)) == GR_OK)
        err = release_note(db, out, "resume", "hold_ended", &act, NULL, 0);
    gr_buf_fini(&why);
    return err;
}

/* ---- ending a rollback ---- */

enum gr_err
release_cancelled(struct db *db, struct release *r, const struct release_act *act)
{
    enum gr_err err;

    if (r->state == RELEASE_ROLLING_BACK) {
        r->state = RELEASE_HALTED;
        release_copy(r->halt_reason, sizeof r->halt_reason, act->reason);
    }
    r->confirm_by_ms = 0;
    if ((err = release_save(db, r)) != GR_OK)
        return err;
    return release_note(db, r, "cancel", "cancelled", act, NULL, 0);
}

enum gr_err
release_cancel(struct db *db, struct release *r, bool force, bool *asked, const struct release_act *act,
               struct gr_buf *why)
{
    int64_t id;
    enum gr_err err = outbox_cancel(db, r->id, force, act->by, act->reason, act->now_ms, &id, asked);

    if (err == GR_ENOENT && r->entering[0]) { /* enter.c sees it, and ends what runs */
        *asked = true;
        r->entering[0] = '\0';
        if ((err = release_save(db, r)) != GR_OK)
            return err;
        return release_log(db, r, "release cancel: the traffic split", act);
    }
    if (err == GR_ENOENT)
        return release_refuse(why, "no rollback of this release waits or runs", "");
    if (err != GR_OK ||
        (err = release_log(db, r, force ? "release cancel by force" : "release cancel", act)) != GR_OK)
        return err;
    return *asked ? GR_OK : release_cancelled(db, r, act);
}

enum gr_err
release_rearm(struct db *db, struct release *r, const struct release_act *act, struct gr_buf *why)
{
    enum gr_err err;

    if (r->state != RELEASE_RUNNING && r->state != RELEASE_HALTED)
        return release_refuse(why, "only a running or halted release can be armed; this one is ",
                              release_state_name(r->state));
    if (!r->spent)
        return release_refuse(why, "the release is armed", "");
    r->armed_epoch++;
    r->armed_ms = act->now_ms;
    r->spent = false;
    if ((err = release_save(db, r)) != GR_OK || (err = release_log(db, r, "release rearm", act)) != GR_OK)
        return err;
    return release_note(db, r, "rearm", NULL, act, NULL, 0);
}

bool
release_overridden(const struct release *r, int64_t now_ms)
{
    return now_ms < r->override_until_ms && r->override_n == r->phase_n;
}

enum gr_err
release_override(struct db *db, struct release *r, int64_t until_ms, const struct release_act *act,
                 struct gr_buf *why)
{
    struct gr_buf outcome = GR_BUF_INIT(64);
    sqlite3_stmt *st;
    enum gr_err err;

    if (r->state != RELEASE_RUNNING)
        return release_refuse(why, "only a running release has a gate; this one is ",
                              release_state_name(r->state));
    if (act->commander.n == 0 && release_off_schedule(r, act->now_ms))
        return release_refuse(why, RELEASE_NEEDS_COMMANDER, "");
    GR_ASSERT(until_ms - act->now_ms <= RELEASE_OVERRIDE_MS_MAX);
    release_copy(r->override_by, sizeof r->override_by, act->by);
    release_copy(r->override_reason, sizeof r->override_reason, act->reason);
    r->override_until_ms = until_ms;
    r->override_n = r->phase_n;
    st = db_use(db, "UPDATE release SET override_by = ?2, override_reason = ?3, override_until_ms = ?4,"
                    " override_n = ?5 WHERE id = ?1");
    db_bind_i64(db, st, 1, r->id);
    db_bind_text(db, st, 2, r->override_by);
    db_bind_text(db, st, 3, r->override_reason);
    db_bind_i64(db, st, 4, until_ms);
    db_bind_i64(db, st, 5, r->override_n);
    if ((err = db_run(db, st)) != GR_OK || (err = release_save(db, r)) != GR_OK)
        return err;
    if ((err = release_log(db, r, "gate opened by override", act)) != GR_OK)
        return err;
    gr_buf_puts(&outcome, "open until ");
    gr_time_print(&outcome, until_ms);
    if ((err = gr_buf_err(&outcome)) == GR_OK)
        err = release_note(db, r, "override", gr_buf_cstr(&outcome), act, NULL, 0);
    gr_buf_fini(&outcome);
    return err;
}

/* ---- acknowledging ---- */

static enum gr_err
count_open(struct db *db, const struct release *r, struct gr_str guardrail, int64_t *count)
{
    sqlite3_stmt *st = db_use(db, "SELECT count(*) FROM episode WHERE release_id = ?1 AND open = 1"
                                  " AND (?2 = '' OR guardrail = ?2)");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    db_bind_str(db, st, 2, guardrail.p ? guardrail : GR_STR(""));
    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    *count = row ? db_i64(st, 0) : 0;
    db_end(st);
    return GR_OK;
}

/* sql: a literal with ?1 the release, ?2 the guardrail or "", ?3 who, ?4 when. */
static enum gr_err
ack_rows(struct db *db, const char *sql, const struct release *r, struct gr_str guardrail,
         const struct release_act *act, int64_t *count)
{
    sqlite3_stmt *st = db_use(db, sql);
    enum gr_err err;

    db_bind_i64(db, st, 1, r->id);
    db_bind_str(db, st, 2, guardrail.p ? guardrail : GR_STR(""));
    db_bind_str(db, st, 3, act->by);
    db_bind_i64(db, st, 4, act->now_ms);
    if ((err = db_run(db, st)) == GR_OK)
        *count = db_changes(db);
    return err;
}

enum gr_err
release_ack(struct db *db, const struct release *r, struct gr_str guardrail, const struct release_act *act,
            struct release_acked *out, struct gr_buf *why)
{
    int64_t open = 0;
    enum gr_err err;

    /* A breach that goes on cannot have been reviewed; who takes its page will come back to it. */
    if ((err = ack_rows(db,
                        "UPDATE episode SET acked = number, acked_by = ?3, acked_ms = ?4"
                        " WHERE release_id = ?1 AND open = 0 AND acked < number"
                        " AND (?2 = '' OR guardrail = ?2)",
                        r, guardrail, act, &out->reviews)) != GR_OK ||
        (err = ack_rows(
             db,
             "UPDATE effect SET acked_by = ?3, acked_ms = ?4 WHERE release_id = ?1"
             " AND (kind = 'page' OR escalate_ms IS NOT NULL) AND state <> 'observed' AND acked_ms IS NULL"
             " AND (?2 = '' OR guardrail = ?2)",
             r, guardrail, act, &out->pages)) != GR_OK)
        return err;
    if (out->reviews + out->pages == 0) {
        if ((err = count_open(db, r, guardrail, &open)) != GR_OK)
            return err;
        return release_refuse(why, "there is nothing to acknowledge",
                              open ? ": the breach goes on, and is reviewed when it is over" : "");
    }
    if ((err = release_log(db, r, "acknowledged", act)) != GR_OK || r->state == RELEASE_SEALED || !r->policy)
        return err; /* a sealed record never changes */
    return release_note(db, r, "acknowledge", NULL, act,
                        &(struct release_breach){.guardrail = guardrail.p ? guardrail : GR_STR(""),
                                                 .level = GR_STR(""),
                                                 .side = GR_STR("")},
                        0);
}

/* ---- what guardraild does by itself ---- */

enum gr_err
release_rolling_back(struct db *db, struct release *r, const struct release_act *act,
                     const struct release_breach *breach)
{
    enum gr_err err;

    if (r->state != RELEASE_RUNNING && r->state != RELEASE_HALTED)
        return GR_OK;
    r->state = RELEASE_ROLLING_BACK;
    r->confirm_by_ms = 0;
    if ((err = release_save(db, r)) != GR_OK)
        return err;
    if ((err = release_log(db, r, "rollback begins", act)) != GR_OK)
        return err;
    return release_note(db, r, "rollback", "begun", act, breach, 0);
}

enum gr_err
release_rolled_back(struct db *db, struct release *r, bool complete, int64_t effect_id,
                    const struct release_act *act, const struct release_breach *breach)
{
    enum gr_err err;

    if (r->state != RELEASE_ROLLING_BACK)
        return GR_OK;
    if (complete) {
        err = end_release(db, r, RELEASE_ROLLED_BACK, act);
    } else {
        r->state = RELEASE_HALTED;
        release_copy(r->halt_reason, sizeof r->halt_reason, act->reason);
        err = release_save(db, r);
    }
    if (err != GR_OK)
        return err;
    if ((err = release_log(db, r, complete ? "rollback done" : "rollback incomplete", act)) != GR_OK)
        return err;
    return release_note(db, r, "rollback", complete ? "rolled_back" : "incomplete", act, breach, effect_id);
}

enum gr_err
release_denied(struct db *db, struct release *r, const struct release_act *act,
               const struct release_breach *breach)
{
    enum gr_err err;

    r->confirm_by_ms = 0;
    if ((err = release_save(db, r)) != GR_OK || (err = release_log(db, r, "release deny", act)) != GR_OK)
        return err;
    return release_note(db, r, "deny", "denied", act, breach, 0);
}

enum gr_err
release_unconfirmed(struct db *db, struct release *r, const struct release_act *act,
                    const struct release_breach *breach)
{
    enum gr_err err;

    if (r->state != RELEASE_ROLLING_BACK)
        return GR_OK;
    r->state = RELEASE_RUNNING;
    release_copy(r->promotion_hold, sizeof r->promotion_hold, act->reason);
    if ((err = release_save(db, r)) != GR_OK)
        return err;
    if ((err = release_log(db, r, "rollback not confirmed", act)) != GR_OK)
        return err;
    return release_note(db, r, "hold", "not_confirmed", act, breach, 0);
}

enum gr_err
release_halt(struct db *db, struct release *r, const struct release_act *act,
             const struct release_breach *breach)
{
    enum gr_err err;

    if (r->state != RELEASE_RUNNING)
        return GR_OK;
    r->state = RELEASE_HALTED;
    release_copy(r->halt_reason, sizeof r->halt_reason, act->reason);
    if ((err = release_save(db, r)) != GR_OK)
        return err;
    if ((err = release_log(db, r, "release halts", act)) != GR_OK)
        return err;
    return release_note(db, r, "halt", "halted", act, breach, 0);
}

enum gr_err
release_promotion_hold(struct db *db, struct release *r, const struct release_act *act)
{
    enum gr_err err;

    if (!release_state_active(r->state) || r->promotion_hold[0] != '\0')
        return GR_OK;
    release_copy(r->promotion_hold, sizeof r->promotion_hold, act->reason);
    if ((err = release_save(db, r)) != GR_OK)
        return err;
    return release_log(db, r, "promotion held", act);
}

enum gr_err
release_extend(struct db *db, struct release *r, int64_t now_ms)
{
    if (r->state != RELEASE_RUNNING || now_ms <= r->extend_ms)
        return GR_OK;
    r->extend_ms = now_ms;
    return release_save(db, r);
}
