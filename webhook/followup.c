#include "config.h"
#include "followup.h"

#include "audit.h"
#include "enact.h"
#include "release.h"
#include "sender.h"

#define TURNS_MAX 100
#define ACKED_END "|acknowledged"
#define OVER_END "|over"
#define ACKED_BY "acknowledged by "
#define DEAD_PART "|undelivered|"

struct gr_str
followup_of(const struct outbox_effect *e)
{
    if (gr_str_is(e->kind, FOLLOWUP_ACKED) && gr_str_ends(e->key, GR_STR(ACKED_END)))
        return gr_str_sub(e->key, 0, e->key.n - strlen(ACKED_END));
    if (gr_str_is(e->kind, FOLLOWUP_OVER) && gr_str_ends(e->key, GR_STR(OVER_END)))
        return gr_str_sub(e->key, 0, e->key.n - strlen(OVER_END));
    return e->key;
}

struct gr_str
followup_by(const struct outbox_effect *e)
{
    bool told = gr_str_is(e->kind, FOLLOWUP_ACKED) && gr_str_starts(e->reason, GR_STR(ACKED_BY));

    return told ? gr_str_sub(e->reason, strlen(ACKED_BY), e->reason.n) : GR_STR_NONE;
}

static bool
is_followup(const struct outbox_effect *e)
{
    return gr_str_is(e->kind, FOLLOWUP_ACKED) || gr_str_is(e->kind, FOLLOWUP_OVER);
}

enum gr_err
followup_told(struct db *db, const struct policy_action *action, const struct outbox_effect *e)
{
    if (is_followup(e) || (!sender_follows(action, MESSAGE_ACKED) && !sender_follows(action, MESSAGE_CLOSED)))
        return GR_OK;
    return outbox_follow(db, e->id, FOLLOW_TOLD);
}

/* ---- acknowledged, over ---- */

/* The action as its release's policy has it; NULL: it has none of that name any more. *r: its release, if it has one. */
static enum gr_err
find_action(struct db *db, const struct app *app, const struct outbox_effect *e, struct release *r,
            const struct policy_action **out)
{
    enum gr_err err = e->release_id ? release_get(db, app->policies, e->release_id, r) : GR_OK;

    if (err != GR_OK)
        return err;
    *out = policy_action(r->policy ? r->policy : policies_current(app->policies), e->action);
    return GR_OK;
}

static struct gr_str
over_reason(const struct outbox_effect *e, const struct release *r)
{
    if (e->release_id == 0)
        return GR_STR("the watchdog is back for good");
    switch (r->state) {
    case RELEASE_ROLLED_BACK:
        return GR_STR("the release was rolled back and its alerts are over");
    case RELEASE_ABORTED:
        return GR_STR("the release was aborted and its alerts are over");
    case RELEASE_NONE:
    case RELEASE_STATES:
    case RELEASE_RUNNING:
    case RELEASE_HALTED:
    case RELEASE_ROLLING_BACK:
    case RELEASE_SEALED:
        break;
    }
    return GR_STR("the release is general and its alerts are over");
}

static enum gr_err
follow(struct db *db, const struct app *app, struct gr_arena *a, const struct outbox_effect *e, bool over,
       int64_t now_ms)
{
    const struct policy_action *action = NULL;
    struct release r = {.policy = NULL};
    struct outbox_effect row = *e;
    bool added;
    enum gr_err err;

    if ((err = find_action(db, app, e, &r, &action)) != GR_OK ||
        (err = outbox_follow(db, e->id, over ? FOLLOW_OVER : FOLLOW_ACKED)) != GR_OK)
        return err;
    if (!over && e->release_id && gr_str_is(e->kind, "page") && (err = outbox_acked_too(db, e)) != GR_OK)
        return err;
    /* In Slack it all stands in one thread. */
    if (over && e->release_id && action && action->kind == ACTION_SLACK &&
        (err = outbox_follow_all(db, e, FOLLOW_OVER)) != GR_OK)
        return err;
    if (!action || !sender_follows(action, over ? MESSAGE_CLOSED : MESSAGE_ACKED))
        return GR_OK;
    row.kind = over ? GR_STR(FOLLOWUP_OVER) : GR_STR(FOLLOWUP_ACKED);
    row.key = gr_arena_printf(a, GR_FMT "%s", GR_ARG(e->key), over ? OVER_END : ACKED_END);
    row.reason = over ? over_reason(e, &r) : gr_arena_printf(a, ACKED_BY GR_FMT, GR_ARG(e->acked_by));
    row.state = GR_STR("ready");
    row.last_error = GR_STR("");
    row.inbox_id = 0;
    row.escalate_ms = 0;
    row.not_before_ms = now_ms;
    if (!row.key.p || !row.reason.p)
        return GR_ENOMEM;
    return outbox_add(db, &row, now_ms, &added);
}

enum gr_err
followup_add(struct db *db, const struct app *app, struct gr_arena *a, int64_t now_ms, size_t *count)
{
    struct outbox_effect e;
    bool over = false;
    enum gr_err err = GR_OK;

    for (*count = 0; *count < TURNS_MAX && err == GR_OK; ++*count) {
        err = over ? GR_ENOENT : outbox_acked(db, a, &e);
        if (err == GR_ENOENT) {
            over = true;
            err = outbox_over(db, a, now_ms - FOLLOWUP_QUIET_MS, &e);
        }
        if (err != GR_OK)
            return err == GR_ENOENT ? GR_OK : err;
        err = follow(db, app, a, &e, over, now_ms);
    }
    return err;
}

/* ---- refused ---- */

/* Who hears of a page that its target refused, if the policy names nobody: another pager, once. */
static const struct policy_action *
another_pager(const struct policy *p, const struct policy_action *from, const struct outbox_effect *e)
{
    if (!gr_str_is(e->kind, "page") || gr_str_find(e->key, GR_STR(DEAD_PART), 0) != SIZE_MAX)
        return NULL;
    for (size_t i = 0; i < p->pager_count; i++)
        if (p->pagers[i] != from)
            return p->pagers[i];
    for (size_t i = 0; i < p->action_count; i++)
        if (p->actions[i].kind == ACTION_SLACK && &p->actions[i] != from)
            return &p->actions[i];
    return NULL;
}

enum gr_err
followup_dead(struct db *db, const struct app *app, struct gr_arena *a, const struct outbox_effect *e,
              struct gr_str error, int64_t now_ms)
{
    const struct policy_action *from = NULL, *to;
    struct release r = {.policy = NULL};
    struct outbox_effect row = *e;
    bool added;
    enum gr_err err;

    if (is_followup(e))
        return GR_OK;
    if ((err = find_action(db, app, e, &r, &from)) != GR_OK)
        return err;
    to = from ? from->escalate_to : NULL;
    if (!to)
        to = another_pager(r.policy ? r.policy : policies_current(app->policies), from, e);
    if (!to) {
        log_event(app->log, AT_ERROR, "a dead letter, and nobody else to tell", "action", e->action.p, "key",
                  e->key.p, (char *)NULL);
        return GR_OK;
    }
    row.key = gr_arena_printf(a, GR_FMT DEAD_PART GR_FMT, GR_ARG(e->key), GR_ARG(to->name));
    row.kind = GR_STR("page");
    row.action = to->name;
    row.target = gr_str(policy_action_kind_name(to->kind));
    row.state = GR_STR("ready");
    row.last_error = GR_STR("");
    row.reason = gr_arena_printf(a, GR_FMT " could not be told (" GR_FMT "): " GR_FMT, GR_ARG(e->action),
                                 GR_ARG(error), GR_ARG(e->reason));
    row.not_before_ms = now_ms;
    row.escalate_ms = to->escalate_to && to->escalate_after_ms > 0 ? now_ms + to->escalate_after_ms : 0;
    if (!row.key.p || !row.reason.p)
        return GR_ENOMEM;
    if ((err = outbox_unescalate(db, e->id)) != GR_OK ||
        (err = outbox_add(db, &row, now_ms, &added)) != GR_OK || !added)
        return err;
    return audit_add(db, now_ms, GR_STR("guardraild"), "dead letter told to another", e->deployment_id,
                     row.reason);
}
