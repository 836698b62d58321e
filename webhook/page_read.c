#include "config.h"
#include "page_data.h"

#include <stdlib.h>
#include "enact.h"

/* One more row of a list; NULL without memory. */
#define MORE(d, list)                                                                                        \
    ((list)->count < (list)->cap || ((list)->v = gr_arena_grow((d)->arena, (list)->v, (list)->count,         \
                                                               &(list)->cap, sizeof *(list)->v)) != NULL     \
         ? &(list)->v[(list)->count++]                                                                       \
         : NULL)

static struct gr_str
keep(struct page_data *d, sqlite3_stmt *st, int column)
{
    return gr_arena_dup(d->arena, db_text(st, column));
}

/* ---- one release ---- */

static enum gr_err
read_phases(struct db *db, struct page_data *d, struct page_one *o)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT phase, entered_ms, coalesce(left_ms, 0), approver, note, override FROM phase"
                   " WHERE release_id = ?1 ORDER BY n LIMIT ?2");
    struct page_phase *p;
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, o->release.id);
    db_bind_i64(db, st, 2, PAGE_ROWS_MAX);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (!(p = MORE(d, &o->phases)))
            return GR_ENOMEM;
        *p = (struct page_phase){.name = keep(d, st, 0),
                                 .entered_ms = db_i64(st, 1),
                                 .left_ms = db_i64(st, 2),
                                 .approver = keep(d, st, 3),
                                 .note = keep(d, st, 4),
                                 .override = db_i64(st, 5) != 0};
    }
    return err;
}

/* Open ones first. The overview has only those. */
static enum gr_err
read_breaches(struct db *db, struct page_data *d, struct page_one *o, bool all)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT guardrail, level, slice, phase, open, opened_ms, seen_ms, coalesce(acked_by, ''),"
                   " acked = number, count(*) OVER () FROM episode WHERE release_id = ?1 AND (open = 1 OR ?2)"
                   " ORDER BY open DESC, CASE level WHEN 'hard' THEN 0 WHEN 'soft' THEN 1 ELSE 2 END,"
                   " opened_ms DESC, guardrail, slice LIMIT ?3");
    struct page_breach *b;
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, o->release.id);
    db_bind_i64(db, st, 2, all);
    db_bind_i64(db, st, 3, all ? PAGE_ROWS_MAX : PAGE_BREACHES);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (!(b = MORE(d, &o->breaches)))
            return GR_ENOMEM;
        *b = (struct page_breach){.guardrail = keep(d, st, 0),
                                  .level = keep(d, st, 1),
                                  .slice = keep(d, st, 2),
                                  .phase = keep(d, st, 3),
                                  .open = db_i64(st, 4) != 0,
                                  .opened_ms = db_i64(st, 5),
                                  .seen_ms = db_i64(st, 6),
                                  .acked_by = keep(d, st, 7),
                                  .reviewed = db_i64(st, 8) != 0};
        o->breaches.total = db_i64(st, 9);
    }
    return err;
}

/* Of the newest rollback, unless all are wanted. */
static enum gr_err
read_steps(struct db *db, struct page_data *d, struct page_one *o, bool all)
{
    sqlite3_stmt *st = db_use(
        db, "SELECT s.effect_id, s.name, s.attempt, s.argv, s.state, s.started_ms,"
            " coalesce(s.ended_ms, 0), coalesce(s.detail, ''), count(*) OVER ()"
            " FROM effect e JOIN step s ON s.effect_id = e.id WHERE e.release_id = ?1 AND"
            " (?2 OR e.id = (SELECT max(id) FROM effect WHERE release_id = ?1 AND target = 'rollback'))"
            " ORDER BY s.effect_id, s.n, s.attempt LIMIT ?3");
    struct page_step *s;
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, o->release.id);
    db_bind_i64(db, st, 2, all);
    db_bind_i64(db, st, 3, all ? PAGE_ROWS_MAX : PAGE_STEPS);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (!(s = MORE(d, &o->steps)))
            return GR_ENOMEM;
        *s = (struct page_step){.effect_id = db_i64(st, 0),
                                .name = keep(d, st, 1),
                                .attempt = db_i64(st, 2),
                                .command = keep(d, st, 3),
                                .state = keep(d, st, 4),
                                .started_ms = db_i64(st, 5),
                                .ended_ms = db_i64(st, 6),
                                .detail = keep(d, st, 7)};
        o->steps.total = db_i64(st, 8);
    }
    return err;
}

#define EFFECT                                                                                               \
    "SELECT id, kind, coalesce(action, ''), state, attempts, coalesce(last_error, ''), created_ms,"          \
    " coalesce(done_ms, 0), reason, guardrail, level, coalesce(acked_by, ''), coalesce(escalate_ms, 0),"     \
    " deployment_id, count(*) OVER () FROM effect"

static void
fill_effect(struct page_data *d, sqlite3_stmt *st, struct page_effect *e)
{
    *e = (struct page_effect){.id = db_i64(st, 0),
                              .kind = keep(d, st, 1),
                              .action = keep(d, st, 2),
                              .state = keep(d, st, 3),
                              .attempts = db_i64(st, 4),
                              .error = keep(d, st, 5),
                              .created_ms = db_i64(st, 6),
                              .done_ms = db_i64(st, 7),
                              .reason = keep(d, st, 8),
                              .guardrail = keep(d, st, 9),
                              .level = keep(d, st, 10),
                              .acked_by = keep(d, st, 11),
                              .escalate_ms = db_i64(st, 12),
                              .deployment_id = keep(d, st, 13)};
}

static enum gr_err
read_effects(struct db *db, struct page_data *d, struct page_one *o)
{
    sqlite3_stmt *st = db_use(db, EFFECT " WHERE release_id = ?1 ORDER BY id DESC LIMIT ?2");
    struct page_effect *e;
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, o->release.id);
    db_bind_i64(db, st, 2, PAGE_ROWS_MAX);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (!(e = MORE(d, &o->effects)))
            return GR_ENOMEM;
        fill_effect(d, st, e);
        o->effects.total = db_i64(st, 14);
    }
    return err;
}

/* ---- many releases ---- */

static enum page_mood
mood_of(const struct release *r, enum page_mood breach)
{
    enum page_mood own = MOOD_RUNS;

    if (!release_state_active(r->state))
        return MOOD_ENDED;
    if (r->state == RELEASE_ROLLING_BACK)
        own = MOOD_ROLLS_BACK;
    else if (r->state == RELEASE_HALTED)
        own = MOOD_HALTED;
    else if (r->confirm_by_ms > 0)
        own = MOOD_WAITS;
    else if (r->held || r->promotion_hold[0])
        own = MOOD_HELD;
    return own > breach ? own : breach;
}

struct listing {
    struct page_data *d;
    PAGE_LIST(page_brief) all;
};

static enum gr_err
list_one(struct db *db, const struct release *r, void *arg)
{
    struct listing *l = arg;
    struct page_brief *b = MORE(l->d, &l->all);

    (void)db;
    if (!b)
        return GR_ENOMEM;
    *b = (struct page_brief){.id = r->id,
                             .started_ms = r->started_ms,
                             .ended_ms = r->ended_ms,
                             .deployment_id = gr_arena_dup(l->d->arena, gr_str(r->deployment_id)),
                             .stream = gr_arena_dup(l->d->arena, gr_str(r->stream)),
                             .phase = gr_arena_dup(l->d->arena, gr_str(r->phase)),
                             .state = r->state,
                             .mood = mood_of(r, MOOD_ENDED)};
    return GR_OK;
}

static enum page_mood
mood_of_level(struct gr_str level)
{
    return gr_str_is(level, "hard") ? MOOD_HARD : gr_str_is(level, "soft") ? MOOD_SOFT : MOOD_NO_DATA;
}

static int
by_id(const void *a, const void *b)
{
    const struct page_brief *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static int
by_urgency(const void *a, const void *b)
{
    const struct page_brief *x = a, *y = b;

    if (x->mood != y->mood)
        return x->mood > y->mood ? -1 : 1;
    return (x->started_ms < y->started_ms) - (x->started_ms > y->started_ms);
}

/* The worst open breach counts for how urgent a release is. */
static enum gr_err
weigh_breaches(struct db *db, struct page_data *d, struct page_brief *list, size_t count)
{
    sqlite3_stmt *st = db_use(db, "SELECT e.release_id, e.level, count(*) FROM release r CROSS JOIN episode e"
                                  " ON e.release_id = r.id WHERE e.open = 1 AND r.state IN ('running', "
                                  "'halted', 'rolling_back') GROUP BY e.release_id, e.level");
    enum gr_err err;
    bool row;

    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        struct page_brief key = {.id = db_i64(st, 0)};
        struct page_brief *b = count ? bsearch(&key, list, count, sizeof *list, by_id) : NULL;
        enum page_mood mood = mood_of_level(db_text(st, 1));

        d->open_breaches += db_i64(st, 2);
        if (b && b->mood != MOOD_ENDED && b->mood < mood)
            b->mood = mood;
    }
    return err;
}

static enum gr_err
list_releases(struct db *db, struct page_data *d)
{
    struct listing l = {.d = d};
    struct page_brief *b;
    enum gr_err err;

    if ((err = release_each(db, d->app->policies, true, PAGE_ACTIVE_MAX, list_one, &l)) != GR_OK)
        return err;
    if (l.all.count > 0)
        qsort(l.all.v, l.all.count, sizeof *l.all.v, by_id);
    if ((err = weigh_breaches(db, d, l.all.v, l.all.count)) != GR_OK)
        return err;
    if (l.all.count > 0)
        qsort(l.all.v, l.all.count, sizeof *l.all.v, by_urgency);
    for (size_t i = 0; i < l.all.count; i++) {
        bool ended = l.all.v[i].mood == MOOD_ENDED;

        d->moods[l.all.v[i].mood]++;
        if (ended && d->ended.count >= PAGE_ENDED)
            continue;
        if (!(b = ended ? MORE(d, &d->ended) : MORE(d, &d->active)))
            return GR_ENOMEM;
        *b = l.all.v[i];
    }
    d->active.total = (int64_t)d->active.count;
    d->ended.total = d->moods[MOOD_ENDED];
    return GR_OK;
}

static enum gr_err
read_one(struct db *db, struct page_data *d, const struct release *r, bool all)
{
    struct page_one *o = MORE(d, &d->shown);
    enum page_mood worst = MOOD_ENDED;
    enum gr_err err;

    if (!o)
        return GR_ENOMEM;
    memset(o, 0, sizeof *o);
    o->release = *r;
    if ((err = read_phases(db, d, o)) != GR_OK || (err = read_breaches(db, d, o, all)) != GR_OK ||
        (err = read_steps(db, d, o, all)) != GR_OK)
        return err;
    for (size_t i = 0; i < o->breaches.count; i++)
        if (o->breaches.v[i].open && mood_of_level(o->breaches.v[i].level) > worst)
            worst = mood_of_level(o->breaches.v[i].level);
    o->mood = mood_of(r, worst);
    return all ? read_effects(db, d, o) : GR_OK;
}

/* ---- messages ---- */

static enum gr_err
read_letters(struct db *db, struct page_data *d)
{
    sqlite3_stmt *st = db_use(db, EFFECT " WHERE state = 'dead' ORDER BY id DESC LIMIT ?1");
    struct page_effect *e;
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, PAGE_LETTERS);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (!(e = MORE(d, &d->letters)))
            return GR_ENOMEM;
        fill_effect(d, st, e);
        d->letters.total = db_i64(st, 14);
    }
    return err;
}

/* Of the last day: older ones are history. */
static enum gr_err
read_untaken(struct db *db, struct page_data *d)
{
    sqlite3_stmt *st = db_use(db, EFFECT " WHERE kind = 'page' AND acked_ms IS NULL AND state <> 'observed'"
                                         " AND created_ms > ?1 ORDER BY created_ms DESC LIMIT ?2");
    struct page_effect *e;
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, d->now_ms - INT64_C(86400000));
    db_bind_i64(db, st, 2, PAGE_LETTERS);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (!(e = MORE(d, &d->untaken)))
            return GR_ENOMEM;
        fill_effect(d, st, e);
        d->untaken.total = db_i64(st, 14);
    }
    return err;
}

static enum gr_err
read_waiting(struct db *db, struct page_data *d)
{
    sqlite3_stmt *st = db_use(
        db, "SELECT count(*), coalesce(min(created_ms), 0) FROM effect WHERE state IN ('ready', 'retry')");
    enum gr_err err;
    bool row;

    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    d->waiting = row ? db_i64(st, 0) : 0;
    d->oldest_waiting_ms = row ? db_i64(st, 1) : 0;
    db_end(st);
    return db->err;
}

static enum gr_err
read_overview(struct db *db, struct page_data *d)
{
    enum gr_err err;

    if ((err = list_releases(db, d)) != GR_OK || (err = read_letters(db, d)) != GR_OK ||
        (err = read_untaken(db, d)) != GR_OK || (err = read_waiting(db, d)) != GR_OK)
        return err;
    for (size_t i = d->from; i < d->active.count && d->shown.count < PAGE_RELEASES; i++) {
        struct release *r = gr_arena_alloc(d->arena, sizeof *r);

        if (!r)
            return GR_ENOMEM;
        if ((err = release_get(db, d->app->policies, d->active.v[i].id, r)) != GR_OK ||
            (err = read_one(db, d, r, false)) != GR_OK)
            return err;
    }
    return enact_storm(db, d->app, d->now_ms, &d->storm_streams);
}

enum gr_err
page_read(struct db *db, void *data)
{
    struct page_data *d = data;
    struct page_data fresh = {.app = d->app,
                              .arena = d->arena,
                              .now_ms = d->now_ms,
                              .deployment_id = d->deployment_id,
                              .from = d->from};
    struct release *r;
    enum gr_err err;

    *d = fresh;
    if (d->deployment_id.n == 0)
        return read_overview(db, d);
    if (!(r = gr_arena_alloc(d->arena, sizeof *r)))
        return GR_ENOMEM;
    if ((err = release_find(db, d->app->policies, d->deployment_id, r)) != GR_OK)
        return err;
    if ((err = read_one(db, d, r, true)) != GR_OK)
        return err;
    return gr_arena_status(d->arena);
}
