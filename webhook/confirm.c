#include "config.h"
#include "confirm.h"

#include <inttypes.h>
#include "enact.h"
#include "jread.h"
#include "outbox.h"

#define EXPIRE_MAX 100 /* of one transaction; the others have the next second */

static struct release_breach
breach_of(struct gr_arena *a, const struct outbox_effect *e)
{
    struct release_breach b = {.guardrail = e->guardrail, .level = e->level, .side = GR_STR("")};
    const struct gr_node *payload = NULL;

    if (jread(a, e->payload, &payload) == GR_OK) {
        b.side = jread_str(payload, "side");
        b.slice = jread_labels(a, payload, "slice");
    }
    return b;
}

/* Begins what waited. reason: why now. */
static enum gr_err
begin(struct db *db, struct gr_arena *a, struct release *r, const struct outbox_effect *e,
      const struct release_act *act, struct gr_buf *why)
{
    struct release_breach breach = breach_of(a, e);
    struct release_act both = *act;
    enum gr_err err;

    both.reason = gr_arena_printf(a, GR_FMT "; " GR_FMT, GR_ARG(e->reason), GR_ARG(act->reason));
    if (!both.reason.p)
        return GR_ENOMEM;
    if (gr_str_is(e->kind, "abort")) {
        if ((err = outbox_finish(db, e->id, "done", GR_STR(""), act->now_ms)) != GR_OK)
            return err;
        return release_abort(db, r, &both, why);
    }
    if ((err = outbox_retry(db, e->id, act->now_ms, GR_STR(""))) != GR_OK)
        return err;
    return release_rolling_back(db, r, &both, &breach);
}

static bool
may_begin(const struct release *r)
{
    return r->state == RELEASE_RUNNING || r->state == RELEASE_HALTED;
}

static enum gr_err
find(struct db *db, struct gr_arena *a, const struct release *r, struct outbox_effect *out,
     struct gr_buf *why)
{
    enum gr_err err = outbox_waiting(db, a, r->id, INT64_MAX, out);

    if (err == GR_ENOENT || (err == GR_OK && !may_begin(r))) {
        gr_buf_puts(why, "nothing waits for a confirmation");
        err = GR_ESTATE;
    }
    return err;
}

enum gr_err
confirm_yes(struct db *db, struct gr_arena *a, struct release *r, const struct release_act *act,
            struct gr_buf *why)
{
    struct outbox_effect e;
    struct release_act said = *act;
    enum gr_err err;

    if ((err = find(db, a, r, &e, why)) != GR_OK)
        return err;
    said.reason =
        gr_arena_printf(a, "confirmed by " GR_FMT ": " GR_FMT, GR_ARG(act->by), GR_ARG(act->reason));
    if (!said.reason.p)
        return GR_ENOMEM;
    if ((err = audit_add(db, act->now_ms, act->by, "release confirm", gr_str(r->deployment_id),
                         act->reason)) != GR_OK)
        return err;
    return begin(db, a, r, &e, &said, why);
}

enum gr_err
confirm_no(struct db *db, struct gr_arena *a, struct release *r, const struct release_act *act,
           struct gr_buf *why)
{
    struct outbox_effect e;
    struct release_breach breach;
    enum gr_err err;

    if ((err = find(db, a, r, &e, why)) != GR_OK)
        return err;
    breach = breach_of(a, &e);
    if ((err = outbox_finish(db, e.id, "denied", act->reason, act->now_ms)) != GR_OK)
        return err;
    return release_denied(db, r, act, &breach);
}

/* ---- when nobody says anything ---- */

static enum gr_err
put_away(struct db *db, const struct app *app, struct gr_arena *a, struct release *r,
         const struct outbox_effect *e, int64_t now_ms)
{
    struct gr_str text =
        gr_arena_printf(a, "%s was not carried out, for nobody confirmed it: " GR_FMT,
                        gr_str_is(e->kind, "abort") ? "an abort" : "a rollback", GR_ARG(e->reason));
    struct gr_str key = gr_arena_printf(a, "%" PRId64 "|unconfirmed", e->id);
    struct release_act act = {.by = GR_STR("guardraild"), .reason = text, .now_ms = now_ms};
    enum gr_err err;

    if (!text.p || !key.p)
        return GR_ENOMEM;
    if ((err = outbox_finish(db, e->id, "denied", GR_STR("nobody confirmed it"), now_ms)) != GR_OK ||
        (err = release_promotion_hold(db, r, &act)) != GR_OK)
        return err;
    return enact_page(db, app, a, r,
                      &(struct enact_page){.key = key.p,
                                           .kind = "held",
                                           .reason = text,
                                           .guardrail = e->guardrail,
                                           .level = e->level,
                                           .now_ms = now_ms});
}

static enum gr_err
expire_one(struct db *db, const struct app *app, struct gr_arena *a, const struct outbox_effect *e,
           int64_t now_ms)
{
    struct release_act act = {.by = GR_STR("guardraild"),
                              .reason = GR_STR("nobody confirmed or denied it in time"),
                              .now_ms = now_ms};
    struct gr_buf why = GR_BUF_INIT(1024);
    struct release r;
    enum gr_err err = release_get(db, app->policies, e->release_id, &r);

    if (err == GR_OK && !may_begin(&r))
        err = outbox_void(db, e->id, GR_STR("the release ended while it waited"), now_ms);
    else if (err == GR_OK && gr_str_is(e->level, "hard"))
        err = begin(db, a, &r, e, &act, &why);
    else if (err == GR_OK)
        err = put_away(db, app, a, &r, e, now_ms);
    gr_buf_fini(&why);
    return err;
}

enum gr_err
confirm_expire(struct db *db, const struct app *app, struct gr_arena *a, int64_t now_ms, size_t *count)
{
    struct outbox_effect e;
    enum gr_err err;

    for (*count = 0; *count < EXPIRE_MAX; ++*count) {
        if ((err = outbox_waiting(db, a, 0, now_ms, &e)) != GR_OK)
            return err == GR_ENOENT ? GR_OK : err;
        if ((err = expire_one(db, app, a, &e, now_ms)) != GR_OK)
            return err;
        log_event(app->log, AT_WARN, "nobody confirmed in time", "deployment_id", e.deployment_id.p, "kind",
                  e.kind.p, "level", e.level.p, (char *)NULL);
    }
    return GR_OK;
}
