/* release_phase.c - of release.h: phases, how long they last, how they are entered, and what is off their schedule. */
#include "config.h"
#include "release_row.h"

#include "guardrail/duration.h"
#include "guardrail/number.h"
#include "jread.h"
#include "jw.h"
#include "outbox.h"

bool
release_deviates(const struct release *r)
{
    return r->dev_n > 0 && r->dev_n == r->phase_n;
}

/* An extension by a soft breach is the policy's, whatever the phase was to last. */
int64_t
release_ripe_ms(const struct release *r)
{
    int64_t extended, ripe;

    if (!r->phase_row)
        return INT64_MAX;
    ripe = r->phase_ms +
           (release_deviates(r) && r->dev_min_ms > 0 ? r->dev_min_ms : r->phase_row->min_duration_ms);
    extended = r->extend_ms > 0 ? r->extend_ms + r->phase_row->min_duration_ms : 0;
    return extended > ripe ? extended : ripe;
}

int64_t
release_late_ms(const struct release *r)
{
    int64_t max = r->phase_row ? r->phase_row->max_duration_ms : 0;

    return max > 0 ? r->phase_ms + max : INT64_MAX;
}

bool
release_off_schedule(const struct release *r, int64_t now_ms)
{
    return now_ms < release_ripe_ms(r) || now_ms > release_late_ms(r);
}

const struct policy_phase *
release_next(const struct release *r)
{
    const struct policy_phase *to =
        release_deviates(r) && r->dev_next[0] ? policy_phase(r->policy, gr_str(r->dev_next)) : NULL;

    return to && to->index > r->phase_row->index ? to : &r->policy->phases[r->phase_row->index + 1];
}

/* dev_share is ours: {"flow":0.05,…}, flows of the policy alone. */
double
release_share(const struct release *r, const struct policy_phase *p, const struct policy_share *share)
{
    struct gr_arena *a;
    const struct gr_node *map = NULL;
    double ratio = share->ratio;

    if (p != r->phase_row || !release_deviates(r) || r->dev_share[0] == '\0')
        return ratio;
    if ((a = gr_arena_create(256u << 10)) && jread(a, gr_str(r->dev_share), &map) == GR_OK)
        ratio = jread_double(map, share->flow.n > 0 ? share->flow.p : "all", ratio);
    gr_arena_free(a);
    return ratio;
}

void
release_print_shares(struct gr_buf *b, const struct release *r, const struct policy_phase *p)
{
    for (size_t i = 0; i < p->traffic_count; i++) {
        gr_buf_puts(b, i > 0 ? "," : "");
        if (p->traffic[i].flow.n > 0) {
            gr_buf_put(b, p->traffic[i].flow);
            gr_buf_putc(b, '=');
        }
        gr_double_print(b, release_share(r, p, &p->traffic[i]));
    }
}

enum gr_err
release_phase_leave(struct db *db, const struct release *r, int64_t now_ms)
{
    sqlite3_stmt *st = db_use(db, "UPDATE phase SET left_ms = ?3 WHERE release_id = ?1 AND n = ?2");

    db_bind_i64(db, st, 1, r->id);
    db_bind_i64(db, st, 2, r->phase_n);
    db_bind_i64(db, st, 3, now_ms);
    return db_run(db, st);
}

/* Fills the phase into r and adds its history row; the caller saves r. */
enum gr_err
release_phase_enter(struct db *db, struct release *r, const struct policy_phase *phase, bool override,
                    const struct release_act *act)
{
    sqlite3_stmt *st;

    release_copy(r->phase, sizeof r->phase, phase->name);
    r->phase_row = phase;
    r->phase_n++;
    r->phase_ms = act->now_ms;
    r->extend_ms = 0;
    r->promotion_hold[0] = '\0';
    r->had_traffic = r->had_traffic || !phase->shadow;
    st = db_use(db, "INSERT INTO phase(release_id, n, phase, entered_ms, approver, note, override, commander)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, ''))");
    db_bind_i64(db, st, 1, r->id);
    db_bind_i64(db, st, 2, r->phase_n);
    db_bind_text(db, st, 3, r->phase);
    db_bind_i64(db, st, 4, act->now_ms);
    db_bind_str(db, st, 5, act->by.p ? act->by : GR_STR(""));
    db_bind_str(db, st, 6, act->reason.p ? act->reason : GR_STR(""));
    db_bind_i64(db, st, 7, override);
    db_bind_str(db, st, 8, act->commander.p ? act->commander : GR_STR(""));
    return db_run(db, st);
}

/* ---- entering a phase ---- */

static void
print_enter(struct gr_buf *b, const struct release_enter *e)
{
    struct jw w = JW_INIT(b);

    jw_open(&w, NULL, '{');
    jw_str(&w, "by", e->by);
    jw_str(&w, "note", e->note);
    jw_str(&w, "commander", e->commander.p ? e->commander : GR_STR(""));
    jw_bool(&w, "override", e->override);
    jw_close(&w, '}');
}

/* The effect that enter.c carries out. Its key has the row's version: each try is one of its own. The caller saves r. */
enum gr_err
release_split_begin(struct db *db, struct release *r, const struct policy_phase *phase, bool override,
                    const struct release_act *act)
{
    struct gr_buf key = GR_BUF_INIT(8192), payload = GR_BUF_INIT(65536);
    struct outbox_effect e = {.kind = GR_STR("enter"),
                              .target = GR_STR(OUTBOX_TARGET_ENTER),
                              .release_id = r->id,
                              .deployment_id = gr_str(r->deployment_id),
                              .stream = gr_str(r->stream),
                              .phase = phase->name,
                              .reason = act->reason.p ? act->reason : GR_STR(""),
                              .state = gr_str(act->drive ? "ready" : "observed"),
                              .epoch = r->armed_epoch,
                              .not_before_ms = act->now_ms};
    bool added;
    enum gr_err err;

    gr_buf_printf(&key, "enter|" GR_FMT "|%s|%s|" GR_FMT "|%lld", GR_ARG(r->policy->spec), r->stream,
                  r->deployment_id, GR_ARG(phase->name), (long long)r->version);
    print_enter(&payload, &(struct release_enter){.override = override,
                                                  .by = act->by,
                                                  .note = act->reason.p ? act->reason : GR_STR(""),
                                                  .commander = act->commander});
    e.key = gr_buf_str(&key);
    e.payload = gr_buf_str(&payload);
    if ((err = gr_buf_err(&key)) == GR_OK && (err = gr_buf_err(&payload)) == GR_OK)
        err = outbox_add(db, &e, act->now_ms, &added);
    gr_buf_fini(&key);
    gr_buf_fini(&payload);
    if (err == GR_OK && act->drive) {
        release_copy(r->entering, sizeof r->entering, phase->name);
        r->had_traffic =
            true; /* from now on there may be some, whatever comes of it: no abort by itself any more */
    }
    return err;
}

/* The next phase begins now. */
static enum gr_err
promote(struct db *db, struct release *r, const struct policy_phase *next, bool override,
        const struct release_act *act)
{
    enum gr_err err;

    /* The record speaks of the phase that ends: its start, its shares, its values. */
    if ((err = release_note(db, r, override ? "override" : "promote", next->name.p, act, NULL, 0)) != GR_OK)
        return err;
    if ((err = release_phase_leave(db, r, act->now_ms)) != GR_OK)
        return err;
    if ((err = release_phase_enter(db, r, next, override, act)) != GR_OK)
        return err;
    r->entering[0] = '\0';
    if (next->final) {
        r->state = RELEASE_SEALED;
        r->ended_ms = act->now_ms;
        if ((err = release_note(db, r, "seal", "sealed", act, NULL, 0)) != GR_OK)
            return err;
    }
    if ((err = release_save(db, r)) != GR_OK)
        return err;
    if ((err = release_log(db, r, override ? "release override" : "release advance", act)) != GR_OK ||
        !next->final)
        return err;
    return audit_end_file(db, act->now_ms, gr_str(r->deployment_id), GR_STR("the release is general"));
}

static enum gr_err
may_advance(const struct release *r, int64_t version, bool override, const struct release_act *act,
            struct gr_buf *why)
{
    if (r->state != RELEASE_RUNNING)
        return release_refuse(why, "the release is not running but ", release_state_name(r->state));
    if (!r->policy)
        return release_refuse(why, "the policy that the release is pinned to is not loaded", "");
    if (r->version != version)
        return release_refuse(why, "the release changed while the gate was asked; ask again", "");
    if (r->entering[0])
        return release_refuse(why, "the traffic split is being applied for ", r->entering);
    if (r->confirm_by_ms > 0)
        return release_refuse(why, "a rollback or abort waits for a person: confirm or deny it first", "");
    if (override && act->commander.n == 0 && release_off_schedule(r, act->now_ms) &&
        !release_overridden(r, act->now_ms))
        return release_refuse(why, RELEASE_NEEDS_COMMANDER, "");
    GR_ASSERT(!r->phase_row->final); /* a final phase is sealed, not running */
    return GR_OK;
}

enum gr_err
release_advance(struct db *db, struct release *r, int64_t version, bool override,
                const struct release_act *act, struct gr_buf *why)
{
    const struct policy_phase *next;
    struct release_act with = *act;
    enum gr_err err;

    if ((err = may_advance(r, version, override, act, why)) != GR_OK)
        return err;
    next = release_next(r);
    if (with.commander.n == 0 && release_deviates(r))
        with.commander = gr_str(r->dev_by);
    if (next->enter_count > 0 && (err = release_split_begin(db, r, next, override, &with)) != GR_OK)
        return err;
    if (next->enter_count == 0 || !act->drive)
        return promote(db, r, next, override, &with);
    if ((err = release_save(db, r)) != GR_OK)
        return err;
    return release_log(
        db, r, override ? "release override: applying the split" : "release advance: applying the split",
        act);
}

/* The first phase, or other shares in the middle of one: its clock starts when the split is in force. */
static enum gr_err
restart_clock(struct db *db, struct release *r, int64_t now_ms)
{
    sqlite3_stmt *st = db_use(db, "UPDATE phase SET entered_ms = ?3 WHERE release_id = ?1 AND n = ?2");
    enum gr_err err;

    db_bind_i64(db, st, 1, r->id);
    db_bind_i64(db, st, 2, r->phase_n);
    db_bind_i64(db, st, 3, now_ms);
    if ((err = db_run(db, st)) != GR_OK)
        return err;
    r->phase_ms = now_ms;
    r->entering[0] = '\0';
    return release_save(db, r);
}

enum gr_err
release_entered(struct db *db, struct release *r, const char *phase, const struct release_enter *e,
                const struct release_act *act)
{
    struct release_act as = {
        .by = e->by, .reason = e->note, .commander = e->commander, .now_ms = act->now_ms};
    const struct policy_phase *next;
    enum gr_err err;

    if (r->state != RELEASE_RUNNING || !r->policy || strcmp(r->entering, phase) != 0 ||
        !(next = policy_phase(r->policy, gr_str(phase))))
        return GR_ESTATE;
    if ((err = release_log(db, r, "traffic split applied", act)) != GR_OK)
        return err;
    return next == r->phase_row ? restart_clock(db, r, act->now_ms) : promote(db, r, next, e->override, &as);
}

enum gr_err
release_not_entered(struct db *db, struct release *r, bool failed, const struct release_act *act)
{
    enum gr_err err;

    r->entering[0] = '\0';
    if (release_state_active(r->state) && failed)
        release_copy(r->promotion_hold, sizeof r->promotion_hold, act->reason);
    if ((err = release_save(db, r)) != GR_OK ||
        (err = release_log(db, r, failed ? "traffic split failed" : "traffic split ended", act)) != GR_OK)
        return err;
    return release_state_active(r->state) ? release_note(db, r, "hold", "split_not_applied", act, NULL, 0)
                                          : GR_OK;
}

/* ---- off the schedule ---- */

static enum gr_err
check_deviation(const struct release *r, const struct release_deviation *d, struct gr_buf *why)
{
    const struct policy_phase *to = d->to.n > 0 ? policy_phase(r->policy, d->to) : NULL;

    if (r->entering[0])
        return release_refuse(why, "the traffic split is being applied for ", r->entering);
    if (d->to.n > 0 && !to) {
        gr_buf_printf(why, "the policy has no phase \"" GR_FMT "\"", GR_ARG(d->to));
        return GR_ESTATE;
    }
    if (to && to->index <= r->phase_row->index)
        return release_refuse(why, "phases do not run backwards: the release stands in ", r->phase);
    if (r->phase_row->max_duration_ms > 0 && d->lasts_ms > r->phase_row->max_duration_ms) {
        gr_buf_puts(why, "after ");
        gr_duration_print(why, r->phase_row->max_duration_ms);
        gr_buf_puts(why, " everything in this phase is overdue: let it last no longer");
        return GR_ESTATE;
    }
    if (d->share.n > 0 && r->phase_row->traffic_count == 0)
        return release_refuse(why, "this phase has no traffic: ", r->phase);
    return GR_OK;
}

/* "lasts 30m instead of 20m; phase canary_3 follows; shares agency=0.01,making=0.02" */
static void
describe_deviation(struct gr_buf *b, const struct release *r, const struct release_deviation *d)
{
    if (d->lasts_ms > 0) {
        gr_buf_puts(b, "lasts ");
        gr_duration_print(b, d->lasts_ms);
        gr_buf_puts(b, " instead of ");
        gr_duration_print(b, r->phase_row->min_duration_ms);
    }
    if (d->to.n > 0)
        gr_buf_printf(b, "%sphase " GR_FMT " follows", b->n > 0 ? "; " : "", GR_ARG(d->to));
    if (d->share.n > 0) {
        gr_buf_printf(b, "%sshares ", b->n > 0 ? "; " : "");
        release_print_shares(b, r, r->phase_row);
    }
}

static enum gr_err
save_deviation(struct db *db, const struct release *r)
{
    sqlite3_stmt *st =
        db_use(db, "UPDATE release SET dev_n = ?2, dev_min_ms = nullif(?3, 0), dev_share = nullif(?4, ''),"
                   " dev_next = nullif(?5, ''), dev_by = ?6 WHERE id = ?1");

    db_bind_i64(db, st, 1, r->id);
    db_bind_i64(db, st, 2, r->dev_n);
    db_bind_i64(db, st, 3, r->dev_min_ms);
    db_bind_text(db, st, 4, r->dev_share);
    db_bind_text(db, st, 5, r->dev_next);
    db_bind_text(db, st, 6, r->dev_by);
    return db_run(db, st);
}

enum gr_err
release_deviate(struct db *db, struct release *r, const struct release_deviation *d,
                const struct release_act *act, struct gr_buf *why)
{
    struct gr_buf text = GR_BUF_INIT(8192);
    enum gr_err err;

    GR_ASSERT(act->commander.n > 0);
    if (r->state != RELEASE_RUNNING)
        return release_refuse(why, "only a running release has a schedule; this one is ",
                              release_state_name(r->state));
    if (!r->policy)
        return release_refuse(why, "the policy that the release is pinned to is not loaded", "");
    if ((err = check_deviation(r, d, why)) != GR_OK)
        return err;
    if (!release_deviates(r)) { /* what was allowed in an earlier phase ended with it */
        r->dev_min_ms = 0;
        r->dev_share[0] = r->dev_next[0] = '\0';
    }
    r->dev_n = r->phase_n;
    release_copy(r->dev_by, sizeof r->dev_by, act->commander);
    if (d->lasts_ms > 0)
        r->dev_min_ms = d->lasts_ms;
    if (d->to.n > 0)
        release_copy(r->dev_next, sizeof r->dev_next, d->to);
    if (d->share.n > 0)
        release_copy(r->dev_share, sizeof r->dev_share, d->share);
    describe_deviation(&text, r, d);
    if ((err = gr_buf_err(&text)) == GR_OK && (err = save_deviation(db, r)) == GR_OK &&
        (err = release_log(db, r, "deviation from the schedule", act)) == GR_OK)
        err = release_note(db, r, "deviation", gr_buf_cstr(&text), act, NULL, 0);
    gr_buf_fini(&text);
    if (err != GR_OK)
        return err;
    if (d->share.n == 0)
        return release_save(db, r);
    if (r->phase_row->enter_count > 0 &&
        (err = release_split_begin(db, r, r->phase_row, false, act)) != GR_OK)
        return err;
    return r->entering[0] ? release_save(db, r) : restart_clock(db, r, act->now_ms);
}

/* The split of the phase that the release stands in was not applied: it is tried again. (That of a next phase is, by advance.) */
enum gr_err
release_split_again(struct db *db, struct release *r, const struct release_act *act)
{
    sqlite3_stmt *st;
    bool row, failed;
    enum gr_err err;

    if (r->state != RELEASE_RUNNING || !r->policy || r->entering[0] || r->phase_row->enter_count == 0)
        return GR_OK;
    st = db_use(
        db, "SELECT state IN ('failed', 'cancelled') FROM effect WHERE release_id = ?1 AND target = 'enter'"
            " ORDER BY id DESC LIMIT 1");
    db_bind_i64(db, st, 1, r->id);
    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    failed = row && db_i64(st, 0) != 0;
    db_end(st);
    if (!failed)
        return GR_OK;
    return release_split_begin(db, r, r->phase_row, false, act);
}
