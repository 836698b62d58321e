#include "config.h"
#include "enact.h"

#include <inttypes.h>
#include "decide_json.h"
#include "guardrail/hash.h"
#include "jw.h"
#include "known.h"
#include "outbox.h"

#define PAYLOAD_BYTES_MAX (256u << 10)

/* ---- the raw request ---- */

static enum gr_err
add_inbox(struct db *db, struct enact_job *job)
{
    char hash[GR_SHA256_HEX + 1];
    sqlite3_stmt *st;
    enum gr_err err;

    if ((err = gr_sha256_hex(job->body, hash)) != GR_OK)
        return err;
    st = db_use(db, "INSERT INTO inbox(rx_ms, source, sha256, alerts, body) VALUES (?1, ?2, ?3, ?4, ?5)");
    db_bind_i64(db, st, 1, job->now_ms);
    db_bind_text(db, st, 2, job->source);
    db_bind_text(db, st, 3, hash);
    db_bind_i64(db, st, 4, (int64_t)job->batch->count);
    db_bind_lent(db, st, 5, job->body);
    if ((err = db_run(db, st)) == GR_OK)
        job->inbox_id = db_last_id(db);
    return err;
}

/* ---- episodes ---- */

/* *at: the row, 0 for none. */
static enum gr_err
load_episode(struct db *db, struct gr_str subject, struct decide_episode *out, int64_t *at)
{
    sqlite3_stmt *st = db_use(db, "SELECT number, open, ended_ms, rowid FROM episode WHERE subject = ?1");
    enum gr_err err;
    bool row;

    *out = (struct decide_episode){0};
    *at = 0;
    db_bind_str(db, st, 1, subject);
    if ((err = db_step(db, st, &row)) != GR_OK || !row)
        return err;
    out->number = (uint32_t)db_i64(st, 0);
    out->open = db_i64(st, 1) != 0;
    out->ended_ms = db_i64(st, 2);
    *at = db_i64(st, 3);
    db_end(st);
    return GR_OK;
}

static enum gr_err
save_episode(struct db *db, struct gr_str subject, const struct decide_episode *e, const struct release *r,
             const struct decision *d, const struct intake_alert *alert)
{
    sqlite3_stmt *st = db_use(
        db,
        "INSERT INTO episode(subject, release_id, number, open, opened_ms, seen_ms, ended_ms, guardrail, "
        "level,"
        " slice, phase) VALUES (?1, nullif(?2, 0), ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10)"
        " ON CONFLICT(subject) DO UPDATE SET release_id = excluded.release_id, seen_ms = excluded.seen_ms,"
        " opened_ms = CASE WHEN excluded.number <> number THEN excluded.opened_ms ELSE opened_ms END,"
        " phase = CASE WHEN excluded.number <> number THEN excluded.phase ELSE phase END,"
        " number = excluded.number, open = excluded.open, ended_ms = excluded.ended_ms");
    struct gr_buf slice = GR_BUF_INIT(16u << 10);
    struct gr_str phase = labels_get(alert->decide.labels, GR_STR(GR_LABEL_PHASE));
    enum policy_level level; /* the alert's own: a decision for a release that has ended looks at none */
    bool known =
        d->guardrail && d->reason != REASON_UNKNOWN_LEVEL &&
        policy_level_parse(labels_get(alert->decide.labels, GR_STR(GR_LABEL_LEVEL)), &level) == GR_OK;
    enum gr_err err;

    labels_print_key(&slice, d->slice);
    db_bind_str(db, st, 1, subject);
    db_bind_i64(db, st, 2, r ? r->id : 0);
    db_bind_i64(db, st, 3, e->number);
    db_bind_i64(db, st, 4, e->open);
    db_bind_i64(db, st, 5, alert->decide.received_ms);
    db_bind_i64(db, st, 6, e->ended_ms);
    db_bind_str(db, st, 7, d->guardrail ? d->guardrail->name : GR_STR(""));
    db_bind_text(db, st, 8, known ? policy_level_name(level) : "");
    db_bind_str(db, st, 9, gr_buf_str(&slice).p ? gr_buf_str(&slice) : GR_STR(""));
    db_bind_str(db, st, 10, phase.p ? phase : GR_STR(""));
    err = db_run(db, st);
    gr_buf_fini(&slice);
    return err;
}

/* ---- what a message will say ---- */

static const char *
confirm_sentence(const struct effect *e, enum policy_level level)
{
    if (e->kind == EFFECT_ABORT)
        return level == LEVEL_HARD
                   ? "waits for a person to abort it (guardrailctl release confirm, or deny); aborts it if "
                     "nobody answers in time"
                   : "waits for a person to abort it (guardrailctl release confirm, or deny)";
    return level == LEVEL_HARD
               ? "waits for a person to roll it back (guardrailctl release confirm, or deny); rolls it back "
                 "if nobody answers in time"
               : "waits for a person to roll it back (guardrailctl release confirm, or deny)";
}

static bool
only_informs(const struct decision *d)
{
    return d->outcome != DECIDED_HELD && (d->reason == REASON_OTHER_PHASE || d->reason == REASON_FINAL);
}

/* The same for machines, by message_act_name: the first effect that does something to the release. *waits: for a confirmation. */
static const char *
act_name(const struct decision *d, bool *waits)
{
    static const char *const names[EFFECT_KINDS] = {[EFFECT_ROLLBACK] = "rollback",
                                                    [EFFECT_ABORT] = "abort",
                                                    [EFFECT_HALT] = "halt",
                                                    [EFFECT_EXTEND] = "extend"};

    *waits = false;
    for (size_t i = 0; i < d->effect_count; i++)
        if (names[d->effects[i].kind] && d->effects[i].how != HOW_RECORD) {
            *waits = d->effects[i].how == HOW_CONFIRM;
            return names[d->effects[i].kind];
        }
    return only_informs(d) ? "" : "hold";
}

static const char *
action_sentence(const struct decision *d)
{
    for (size_t i = 0; i < d->effect_count; i++) {
        const struct effect *e = &d->effects[i];
        bool record = e->how == HOW_RECORD;

        if (e->how == HOW_CONFIRM)
            return confirm_sentence(e, d->level);
        switch (e->kind) {
        case EFFECT_ROLLBACK:
            return record ? "would roll the release back" : "rolls the release back";
        case EFFECT_ABORT:
            return record ? "would abort the release" : "aborts the release";
        case EFFECT_HALT:
            return record ? "would halt the release" : "halts the release";
        case EFFECT_EXTEND:
            return record ? "would extend the phase" : "extends the phase";
        case EFFECT_HOLD:
        case EFFECT_PAGE:
        case EFFECT_NOTIFY:
        case EFFECT_TICKET:
        case EFFECT_KINDS:
            break;
        }
    }
    if (only_informs(d))
        return "changes nothing for this";
    return d->outcome == DECIDED_HELD ? "holds; a person must decide" : "holds promotion";
}

static struct gr_str
limit_text(const struct decision *d, struct gr_str side)
{
    if (d->guardrail)
        for (size_t i = 0; i < d->guardrail->limit_count; i++) {
            const struct policy_limit *l = &d->guardrail->limits[i];
            if (l->level == d->level && (side.n == 0 || gr_str_eq(l->side, side)))
                return l->text;
        }
    return GR_STR("");
}

/* The message's own part; the sender adds what the effect's row says. */
static struct gr_str
payload_of(const struct enact_job *job, const struct intake_alert *alert, const struct decision *d)
{
    bool waits;
    const char *act = act_name(d, &waits);
    struct gr_buf b = GR_BUF_INIT(PAYLOAD_BYTES_MAX);
    struct jw w = JW_INIT(&b);
    struct gr_str side = labels_get(alert->decide.labels, GR_STR(GR_LABEL_SIDE)), out;

    jw_open(&w, NULL, '{');
    jw_text(&w, "kind", d->outcome == DECIDED_HELD ? "held" : "breach");
    jw_str(&w, "source", d->guardrail ? d->guardrail->source : GR_STR(""));
    jw_labels(&w, "slice", d->slice);
    jw_str(&w, "side", side);
    jw_str(&w, "limit", limit_text(d, side));
    jw_str(&w, "summary", labels_get(alert->annotations, GR_STR("summary")));
    jw_str(&w, "description", labels_get(alert->annotations, GR_STR("description")));
    jw_str(&w, "runbook_url", labels_get(alert->annotations, GR_STR("runbook_url")));
    jw_str(&w, "dashboard_url", labels_get(alert->annotations, GR_STR("dashboard_url")));
    jw_text(&w, "action", action_sentence(d));
    jw_text(&w, "act", act);
    if (waits)
        jw_i64(&w, "confirm_by_ms", job->now_ms + job->app->conf->confirm_ms);
    jw_i64(&w, "at_ms", alert->decide.received_ms);
    jw_close(&w, '}');
    out = gr_buf_err(&b) == GR_OK ? gr_arena_dup(job->arena, gr_buf_str(&b)) : GR_STR_NONE;
    gr_buf_fini(&b);
    return out;
}

/* ---- effects ---- */

/* When a message goes to the next person; 0: never. */
static int64_t
escalation_ms(const struct policy_action *action, int64_t now_ms)
{
    return action && action->escalate_to && action->escalate_after_ms > 0 ? now_ms + action->escalate_after_ms
                                                                          : 0;
}

/* The target column. */
static const char *
target_of(const struct effect *e)
{
    switch (e->kind) {
    case EFFECT_ROLLBACK:
        return OUTBOX_TARGET_ROLLBACK;
    case EFFECT_PAGE:
    case EFFECT_NOTIFY:
    case EFFECT_TICKET:
        return policy_action_kind_name(e->action->kind);
    case EFFECT_HOLD:
    case EFFECT_EXTEND:
    case EFFECT_HALT:
    case EFFECT_ABORT:
    case EFFECT_KINDS:
        break;
    }
    return OUTBOX_TARGET_NONE;
}

static enum gr_err
add_effect(struct db *db, struct enact_job *job, const struct effect *e, const struct release *r,
           struct outbox_effect *row, bool *added)
{
    enum gr_err err;

    row->key = e->key;
    row->kind = gr_str(effect_kind_name(e->kind));
    row->action = e->action ? e->action->name : GR_STR("");
    row->target = gr_str(target_of(e));
    row->reason = e->reason;
    row->recheck = e->recheck;
    row->last_error = GR_STR("");
    row->release_id = r ? r->id : 0;
    row->epoch = r ? r->armed_epoch : 0;
    row->not_before_ms = job->now_ms;
    row->escalate_ms = e->how == HOW_DO ? escalation_ms(e->action, job->now_ms) : 0;
    if (e->how == HOW_RECORD || (e->how == HOW_CONFIRM && !r)) {
        row->state = GR_STR("observed");
    } else if (e->how == HOW_CONFIRM) {
        row->state = GR_STR("waiting");
        row->not_before_ms = job->now_ms + job->app->conf->confirm_ms;
    } else {
        row->state = gr_str_is(row->target, OUTBOX_TARGET_NONE) ? GR_STR("done") : GR_STR("ready");
    }
    if ((err = outbox_add(db, row, job->now_ms, added)) != GR_OK)
        return err;
    *(*added ? &job->effects_new : &job->effects_known) += 1;
    if (*added)
        log_event(job->app->log, AT_INFO, "effect", "kind", row->kind.p, "state", row->state.p, "action",
                  row->action.p, "deployment_id", row->deployment_id.p, "guardrail", row->guardrail.p,
                  "level", row->level.p, "key", row->key.p, "reason", row->reason.p, (char *)NULL);
    return GR_OK;
}

/* What an effect does to the release itself, with the row and in the same transaction. */
static enum gr_err
change_release(struct db *db, struct enact_job *job, const struct effect *e, struct release *r,
               const struct decision *d, struct gr_str side, bool added)
{
    struct release_act act = {.by = GR_STR("guardraild"), .reason = e->reason, .now_ms = job->now_ms};
    struct release_breach breach = {.guardrail = d->guardrail ? d->guardrail->name : GR_STR(""),
                                    .level = gr_str(d->guardrail ? policy_level_name(d->level) : ""),
                                    .side = side,
                                    .slice = d->slice};
    struct gr_buf why = GR_BUF_INIT(1024);
    enum gr_err err = GR_OK;

    if (e->how != HOW_DO || !r || (!added && e->kind != EFFECT_EXTEND))
        return GR_OK;
    switch (e->kind) {
    case EFFECT_HOLD:
        err = release_promotion_hold(db, r, &act);
        break;
    case EFFECT_EXTEND:
        if (added ||
            job->now_ms - r->extend_ms >= KNOWN_MS) /* else the last sign of it is as good as this one */
            err = release_extend(db, r, job->now_ms);
        break;
    case EFFECT_HALT:
        err = release_halt(db, r, &act, &breach);
        break;
    case EFFECT_ABORT:
        err = release_abort(db, r, &act, &why);
        if (err == GR_ESTATE)
            err = GR_OK; /* it has ended meanwhile, by an alert of the same batch */
        break;
    case EFFECT_ROLLBACK:
        err = release_rolling_back(db, r, &act, &breach);
        break;
    case EFFECT_PAGE:
    case EFFECT_NOTIFY:
    case EFFECT_TICKET:
    case EFFECT_KINDS:
        break;
    }
    gr_buf_fini(&why);
    return err;
}

/* ---- one alert ---- */

static enum gr_err
count_rows(struct db *db, const char *sql, const struct release *r, int64_t since_ms, uint32_t *out)
{
    sqlite3_stmt *st = db_use(db, sql);
    enum gr_err err;
    bool row;

    db_bind_text(db, st, 1, r->stream);
    db_bind_i64(db, st, 2, since_ms);
    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    *out = row ? (uint32_t)db_i64(st, 0) : 0;
    db_end(st);
    return GR_OK;
}

enum gr_err
enact_storm(struct db *db, const struct app *app, int64_t now_ms, uint32_t *streams)
{
    const struct policy *p = policies_current(app->policies);
    sqlite3_stmt *st = db_use(db, "SELECT count(DISTINCT stream) FROM effect WHERE target = 'rollback' AND "
                                  "state NOT IN ('observed', 'void', 'denied')"
                                  " AND created_ms > ?1");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, now_ms - app->conf->breaker.window_ms / (p->time_scale > 0 ? p->time_scale : 1));
    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    *streams = row ? (uint32_t)db_i64(st, 0) : 0;
    db_end(st);
    return GR_OK;
}

/* The breaker's view. Windows shrink with the policy's time scale, like everything in a demo. */
static enum gr_err
load_storm(struct db *db, const struct conf_breaker *breaker, const struct release *r,
           struct decide_input *in)
{
    int64_t scale = in->policy->time_scale > 0 ? in->policy->time_scale : 1;
    uint32_t own = 0;
    enum gr_err err;

    in->storm_max = breaker->streams;
    err = count_rows(db,
                     "SELECT count(DISTINCT stream) FROM effect WHERE target = 'rollback' AND state NOT IN "
                     "('observed', 'void', 'denied')"
                     " AND stream <> ?1 AND created_ms > ?2",
                     r, in->now_ms - breaker->window_ms / scale, &in->storm_streams);
    if (err != GR_OK)
        return err;
    err = count_rows(
        db, "SELECT count(*) FROM release WHERE stream = ?1 AND state = 'rolled_back' AND ended_ms > ?2", r,
        in->now_ms - breaker->cool_down_ms / scale, &own);
    in->stream_cooling = own > 0;
    return err;
}

static struct gr_str
label_of(const struct intake_alert *alert, const char *name)
{
    struct gr_str s = labels_get(alert->decide.labels, gr_str(name));

    return s.p ? s : GR_STR("");
}

/* Texts that foreign labels gave are not NUL-terminated by contract; rows and logs want them so. */
static struct gr_str
own_label(struct gr_arena *a, const struct intake_alert *alert, const char *name)
{
    return gr_arena_dup(a, label_of(alert, name));
}

/* The places of the new effects: [0,2]. False: there are none. */
static bool
print_added(struct gr_buf *b, const struct decision *d, const bool *added)
{
    struct jw w = JW_INIT(b);
    bool any = false;

    jw_open(&w, NULL, '[');
    for (size_t i = 0; i < d->effect_count; i++)
        if (added[i]) {
            jw_i64(&w, NULL, (int64_t)i);
            any = true;
        }
    jw_close(&w, ']');
    return any;
}

static bool
same_episode(const struct decide_input *in, const struct decision *d)
{
    const struct decide_episode *was = &in->episode, *is = &d->episode;

    return was->number == is->number && was->open == is->open && was->ended_ms == is->ended_ms;
}

/* Into the audit log, unless nothing comes of it: Alertmanager repeats what fires every few minutes. */
static enum gr_err
note_decision(struct db *db, struct enact_job *job, const struct decide_input *in, const struct decision *d,
              const bool *added)
{
    struct gr_buf text = GR_BUF_INIT(AUDIT_RECORD_BYTES_MAX), fresh = GR_BUF_INIT(1024);
    const char *sha256 = policies_sha256(job->app->policies, in->policy);
    enum gr_err err = GR_OK;

    if (print_added(&fresh, d, added) || !same_episode(in, d)) {
        decide_json_print(&text, in, sha256, d);
        if ((err = gr_buf_err(&text)) == GR_OK && (err = gr_buf_err(&fresh)) == GR_OK)
            err = audit_append(db, &(struct audit_entry){.at_ms = in->now_ms,
                                                         .actor = GR_STR("guardraild"),
                                                         .event = "decision",
                                                         .deployment_id = labels_get(
                                                             in->alert.labels, GR_STR(GR_LABEL_DEPLOYMENT)),
                                                         .decision = gr_buf_str(&text),
                                                         .added = gr_buf_str(&fresh),
                                                         .policy_sha256 = sha256});
        job->noted++;
    }
    gr_buf_fini(&text);
    gr_buf_fini(&fresh);
    return err;
}

/* Effects are rows before the release changes, and the decision is on record before its consequences. */
static enum gr_err
apply(struct db *db, struct enact_job *job, const struct intake_alert *alert, struct release *r,
      const struct decide_input *in, const struct decision *d)
{
    struct gr_arena *a = job->arena;
    struct gr_str stream = gr_arena_dup(a, gr_str(r ? r->stream : ""));
    struct outbox_effect row = {.deployment_id = own_label(a, alert, GR_LABEL_DEPLOYMENT),
                                .stream = stream,
                                .guardrail = own_label(a, alert, GR_LABEL_GUARDRAIL),
                                .level = own_label(a, alert, GR_LABEL_LEVEL),
                                .phase = own_label(a, alert, GR_LABEL_PHASE),
                                .payload = payload_of(job, alert, d),
                                .not_before_ms = job->now_ms,
                                .inbox_id = job->inbox_id};
    bool added[DECIDE_EFFECTS_MAX] = {false};
    enum gr_err err;

    if (!row.payload.p) /* a message without words would be worse than another try */
        return GR_ENOMEM;
    for (size_t i = 0; i < d->effect_count; i++)
        if ((err = add_effect(db, job, &d->effects[i], r, &row, &added[i])) != GR_OK)
            return err;
    if ((err = note_decision(db, job, in, d, added)) != GR_OK)
        return err;
    for (size_t i = 0; i < d->effect_count; i++)
        if ((err = change_release(db, job, &d->effects[i], r, d, label_of(alert, GR_LABEL_SIDE), added[i])) !=
            GR_OK)
            return err;
    return gr_arena_status(a);
}

/* Whether a repeat of the alert would come to nothing, too, as long as no row that it hangs on changes: nothing did now, and time alone
 * will not make another decision of it. */
static bool
changes_nothing(const struct decide_input *in, const struct decision *d)
{
    return in->alert.firing && same_episode(in, d) && d->reason != REASON_STORM &&
           d->reason != REASON_COOLING;
}

/* All that deciding looks at (decide.h), but for the rows. */
static void
describe(struct known_text *t, const struct enact_job *job, const struct decide_alert *alert)
{
    const struct policy *current = policies_current(job->app->policies);

    t->n = 0;
    known_put(t, (struct gr_str){(const char *)&current, sizeof current});
    known_put_i64(t, job->app->conf->mode);
    known_put_i64(t, job->batch->truncated);
    known_put_i64(t, alert->firing);
    known_put_i64(t, alert->starts_at_ms);
    known_put_i64(t, alert->ends_at_ms);
    known_put(t, alert->spec_hash);
    known_put(t, alert->common_cause);
    for (size_t i = 0; i < alert->labels.count; i++) {
        known_put(t, alert->labels.items[i].name);
        known_put(t, alert->labels.items[i].value);
    }
}

static enum gr_err
enact_alert(struct db *db, struct enact_job *job, const struct intake_alert *alert,
            const struct known_text *text, struct decision *d)
{
    const struct policies *p = job->app->policies;
    struct decide_input in = {.policy = policies_current(p),
                              .alert = alert->decide,
                              .truncated = job->batch->truncated,
                              .mode = job->app->conf->mode,
                              .now_ms = job->now_ms};
    struct gr_buf subject = GR_BUF_INIT(64u << 10);
    struct release r;
    struct gr_str deployment = own_label(job->arena, alert, GR_LABEL_DEPLOYMENT);
    size_t added = job->effects_new;
    int64_t episode = 0;
    bool known;
    enum gr_err err;

    err = deployment.n ? release_find(db, p, deployment, &r) : GR_ENOENT;
    if (err != GR_OK && err != GR_ENOENT)
        return err;
    if ((known = err == GR_OK)) {
        in.release = release_view_of(&r);
        if (r.policy)
            in.policy = r.policy;
        else /* ended long ago: only its state matters */
            in.release.phase = &in.policy->phases[0];
        if ((err = load_storm(db, &job->app->conf->breaker, &r, &in)) != GR_OK)
            return err;
    }
    decide_subject(in.policy, alert->decide.labels, &subject);
    if ((err = gr_buf_err(&subject)) != GR_OK ||
        (err = load_episode(db, gr_buf_str(&subject), &in.episode, &episode)) != GR_OK)
        goto done;
    if ((err = decide(&in, job->arena, d)) != GR_OK)
        goto done;
    log_event(job->app->log, AT_DEBUG, "alert decided", "deployment_id", deployment.n ? deployment.p : NULL,
              "reason", decide_reason_name(d->reason), "text", d->text.p, (char *)NULL);
    if (d->episode.number > 0 &&
        (err = save_episode(db, gr_buf_str(&subject), &d->episode, known ? &r : NULL, d, alert)) != GR_OK)
        goto done;
    if (!same_episode(&in, d))
        known_episode(db->known, episode);
    /* The end of a soft breach counts as its last sign: the extension runs from there. */
    if (!alert->decide.firing && known && r.extend_ms > 0 &&
        gr_str_is(label_of(alert, GR_LABEL_LEVEL), "soft") &&
        (err = release_extend(db, &r, job->now_ms)) != GR_OK)
        goto done;
    err = apply(db, job, alert, known ? &r : NULL, &in, d);
    if (err == GR_OK && job->effects_new == added && changes_nothing(&in, d))
        known_note(db->known, text, episode, job->now_ms, d->effect_count);
done:
    gr_buf_fini(&subject);
    return err;
}

/* Alerts that are none of ours, or for which guardraild is not the one to act, are kept as evidence only. */
static bool
concerns_us(const struct intake_alert *alert)
{
    static const char *const others[] = {GR_ALERT_WATCHDOG, GR_ALERT_DAEMON_DOWN, GR_ALERT_PHASE_UNKNOWN,
                                         GR_ALERT_UNHANDLED};

    for (size_t i = 0; i < GR_COUNT(others); i++)
        if (gr_str_is(alert->alertname, others[i]))
            return false;
    return label_of(alert, GR_LABEL_GUARDRAIL).n > 0;
}

enum gr_err
enact_batch(struct db *db, void *arg)
{
    struct enact_job *job = arg;
    struct known_text text;
    struct decision *d = NULL; /* one for all of them: it is large, and there are many requests at once */
    size_t effects;
    enum gr_err err;

    job->effects_new = job->effects_known = job->ignored = job->noted = 0;
    if ((err = add_inbox(db, job)) != GR_OK)
        return err;
    for (size_t i = 0; i < job->batch->count; i++) {
        const struct intake_alert *alert = &job->batch->alerts[i];

        if (!concerns_us(alert)) {
            job->ignored++;
            continue;
        }
        describe(&text, job, &alert->decide);
        if (known_repeat(db->known, &text, job->now_ms, &effects))
            job->effects_known += effects;
        else if (!d && !(d = gr_arena_alloc(job->arena, sizeof *d)))
            return GR_ENOMEM;
        else if ((err = enact_alert(db, job, alert, &text, d)) != GR_OK)
            return err;
    }
    return GR_OK;
}

/* ---- messages of guardraild's own ---- */

static enum gr_err
add_own(struct db *db, const struct app *app, struct gr_arena *a, const struct release *r,
        const struct enact_page *page, const struct policy_action *action, const char *effect_kind)
{
    struct gr_buf b = GR_BUF_INIT(PAYLOAD_BYTES_MAX);
    struct jw w = JW_INIT(&b);
    bool added;
    struct outbox_effect row = {.kind = gr_str(effect_kind),
                                .action = action->name,
                                .target = gr_str(policy_action_kind_name(action->kind)),
                                .release_id = r ? r->id : 0,
                                .deployment_id = gr_str(r ? r->deployment_id : ""),
                                .stream = gr_str(r ? r->stream : ""),
                                .phase = gr_str(r ? r->phase : ""),
                                .guardrail = page->guardrail,
                                .level = page->level.n ? page->level : GR_STR("hard"),
                                .reason = page->reason,
                                .epoch = r ? r->armed_epoch : 0,
                                .escalate_ms = app_acts(app) ? escalation_ms(action, page->now_ms) : 0,
                                .not_before_ms = page->now_ms};
    enum gr_err err;

    row.key = gr_arena_printf(a, "%s|%s|" GR_FMT, effect_kind, page->key, GR_ARG(action->name));
    /* Observing means: no call to the outside. That the guardrails are blind is no less true then, but it is
     * on /metrics. */
    row.state = !app_acts(app) ? GR_STR("observed") : GR_STR("ready");
    row.last_error = GR_STR("");
    jw_open(&w, NULL, '{');
    jw_text(&w, "kind", page->kind);
    jw_bool(&w, "ok", page->ok);
    jw_i64(&w, "at_ms", page->now_ms);
    jw_close(&w, '}');
    row.payload = gr_buf_str(&b);
    if ((err = gr_buf_err(&b)) == GR_OK && (err = gr_arena_status(a)) == GR_OK)
        err = outbox_add(db, &row, page->now_ms, &added);
    gr_buf_fini(&b);
    return err;
}

enum gr_err
enact_page(struct db *db, const struct app *app, struct gr_arena *a, const struct release *r,
           const struct enact_page *page)
{
    const struct policy *p = r && r->policy ? r->policy : policies_current(app->policies);
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < p->pager_count && err == GR_OK; i++)
        err = add_own(db, app, a, r, page, p->pagers[i], "page");
    if (p->pager_count == 0)
        log_event(app->log, AT_ERROR, "nobody to page", "reason", page->reason.p, (char *)NULL);
    return err;
}

enum gr_err
enact_notice(struct db *db, const struct app *app, struct gr_arena *a, const struct release *r,
             const struct enact_page *page)
{
    const struct policy *p = r && r->policy ? r->policy : policies_current(app->policies);
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < p->action_count && err == GR_OK; i++)
        if (p->actions[i].kind == ACTION_SLACK)
            err = add_own(db, app, a, r, page, &p->actions[i], "notify");
    return err;
}

/* ---- pages that nobody takes ---- */

static enum gr_err
escalate(struct db *db, const struct app *app, struct gr_arena *a, const struct outbox_effect *e,
         int64_t now_ms)
{
    const struct policy *p = policies_current(app->policies);
    const struct policy_action *from, *to;
    struct outbox_effect row = *e;
    struct release r = {.policy = NULL};
    bool added;
    enum gr_err err = e->release_id ? release_get(db, app->policies, e->release_id, &r) : GR_OK;

    if (err != GR_OK)
        return err;
    from = policy_action(r.policy ? r.policy : p, e->action);
    if (!from || !(to = from->escalate_to))
        return GR_OK; /* the policy has changed since */
    row.key = gr_arena_printf(a, GR_FMT "|escalated|" GR_FMT, GR_ARG(e->key), GR_ARG(to->name));
    row.kind = GR_STR("page");
    row.action = to->name;
    row.target = gr_str(policy_action_kind_name(to->kind));
    row.state = GR_STR("ready");
    row.last_error = GR_STR("");
    row.reason = gr_arena_printf(a, "nobody acknowledged " GR_FMT " in time: " GR_FMT, GR_ARG(from->name),
                                 GR_ARG(e->reason));
    row.not_before_ms = now_ms;
    row.escalate_ms = escalation_ms(to, now_ms);
    if (!row.key.p || !row.reason.p)
        return GR_ENOMEM;
    if ((err = outbox_add(db, &row, now_ms, &added)) != GR_OK)
        return err;
    log_event(app->log, AT_WARN, "nobody acknowledged a page", "deployment_id", e->deployment_id.p, "action",
              from->name.p, "next", to->name.p, (char *)NULL);
    return audit_add(db, now_ms, GR_STR("guardraild"), "page escalated", e->deployment_id, row.reason);
}

enum gr_err
enact_escalations(struct db *db, const struct app *app, struct gr_arena *a, int64_t now_ms, size_t *count)
{
    struct outbox_effect e;
    enum gr_err err = GR_OK;

    for (*count = 0; *count < 100 && err == GR_OK; ++*count) {
        if ((err = outbox_escalating(db, a, now_ms, &e)) != GR_OK)
            return err == GR_ENOENT ? GR_OK : err;
        err = escalate(db, app, a, &e, now_ms);
    }
    return err;
}

/* ---- holds that end ---- */

enum gr_err
enact_holds(struct db *db, const struct app *app, struct gr_arena *a, int64_t now_ms, size_t *count)
{
    struct release r;
    struct gr_str key;
    enum gr_err err = GR_OK;

    for (*count = 0; *count < 100 && err == GR_OK; ++*count) {
        if ((err = release_hold_end(db, app->policies, now_ms, &r)) != GR_OK)
            return err == GR_ENOENT ? GR_OK : err;
        log_event(app->log, AT_WARN, "a hold has ended", "deployment_id", r.deployment_id, (char *)NULL);
        if (!(key = gr_arena_printf(a, "hold|%" PRId64 "|%" PRId64, r.id, r.version)).p)
            return GR_ENOMEM;
        err = enact_notice(db, app, a, &r,
                           &(struct enact_page){.key = key.p,
                                                .kind = "held",
                                                .reason = GR_STR("the operator's hold has ended: rollbacks "
                                                                 "begin by themselves again"),
                                                .now_ms = now_ms});
    }
    return err;
}

/* ---- outages of the watchdog ---- */

enum gr_err
enact_outage(struct db *db, int64_t *number, bool *open)
{
    sqlite3_stmt *st = db_use(db, "SELECT outages, open FROM watchdog");
    enum gr_err err;
    bool row;

    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    *number = row ? db_i64(st, 0) : 0;
    *open = row && db_i64(st, 1) != 0;
    db_end(st);
    return GR_OK;
}

static enum gr_err
save_outage(struct db *db, int64_t number, bool open)
{
    sqlite3_stmt *st = db_use(db, "UPDATE watchdog SET outages = ?1, open = ?2");

    db_bind_i64(db, st, 1, number);
    db_bind_i64(db, st, 2, open);
    return db_run(db, st);
}

static enum gr_err
page_outage(struct db *db, const struct app *app, struct gr_arena *a, int64_t number, int64_t now_ms)
{
    struct gr_str key = gr_arena_printf(a, "blind|" GR_FMT "|%" PRId64,
                                        GR_ARG(policies_current(app->policies)->spec), number);

    if (!key.p)
        return GR_ENOMEM;
    return enact_page(db, app, a, NULL,
                      &(struct enact_page){.key = key.p,
                                           .kind = "blind",
                                           .reason = GR_STR("no beat of the watchdog for five minutes: the "
                                                            "guardrails are blind"),
                                           .now_ms = now_ms});
}

enum gr_err
enact_watchdog(struct db *db, const struct app *app, struct gr_arena *a, enum watchdog_news news,
               int64_t now_ms)
{
    bool begins = news == WATCHDOG_OUTAGE, open = false;
    int64_t number = 0;
    enum gr_err err;

    if ((err = enact_outage(db, &number, &open)) != GR_OK || news == WATCHDOG_NOTHING || open == begins)
        return err;
    number += begins;
    if ((err = save_outage(db, number, begins)) != GR_OK)
        return err;
    if ((err = audit_add(db, now_ms, GR_STR("guardraild"), begins ? "watchdog is silent" : "watchdog is back",
                         GR_STR(""), GR_STR(""))) != GR_OK)
        return err;
    return begins ? page_outage(db, app, a, number, now_ms) : GR_OK;
}

/* ---- keeping the evidence bounded ---- */

struct old {
    int64_t ids[ENACT_PRUNE_ROWS];
    size_t count;
    int64_t bytes;
};

/* By the index, and length() does not read the body's pages. */
static enum gr_err
find_old(struct db *db, const char *source, int64_t before_ms, struct old *old)
{
    sqlite3_stmt *st = db_use(db, "SELECT id, length(body) FROM inbox WHERE source = ?1 AND rx_ms < ?2"
                                  " ORDER BY rx_ms LIMIT ?3");
    enum gr_err err = GR_OK;
    bool row = false;

    db_bind_text(db, st, 1, source);
    db_bind_i64(db, st, 2, before_ms);
    db_bind_i64(db, st, 3, (int64_t)(ENACT_PRUNE_ROWS - old->count));
    while (old->bytes < ENACT_PRUNE_BYTES && (err = db_step(db, st, &row)) == GR_OK && row) {
        old->ids[old->count++] = db_i64(st, 0);
        old->bytes += db_i64(st, 1);
    }
    db_end(st);
    return err;
}

enum gr_err
enact_prune(struct db *db, int64_t now_ms, int64_t keep_ms, int64_t *count)
{
    struct old old = {.count = 0};
    enum gr_err err;

    if ((err = find_old(db, "watchdog", now_ms - ENACT_BEAT_KEEP_MS, &old)) == GR_OK)
        err = find_old(db, "alerts", now_ms - keep_ms, &old);
    for (size_t i = 0; i < old.count && err == GR_OK; i++) {
        sqlite3_stmt *st = db_use(db, "DELETE FROM inbox WHERE id = ?1");
        db_bind_i64(db, st, 1, old.ids[i]);
        err = db_run(db, st);
    }
    *count = err == GR_OK ? (int64_t)old.count : 0;
    return err;
}
