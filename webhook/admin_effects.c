#include "config.h"
#include "admin.h"

#include <inttypes.h>
#include <stdio.h>
#include "audit.h"
#include "outbox.h"
#include "sender.h"

/* One change of rows of the outbox on its way through the store. */
struct turn {
    struct request *q;
    struct release_act act;
    int64_t id; /* 0: all of them */
    enum { RETRY, DROP, TAKE } what;
    int64_t count;
    struct gr_buf why;
};

/* Only what somebody can send: the rest would wait for ever. */
static enum gr_err
revive(struct db *db, struct turn *t)
{
    size_t targets;
    const struct sender_target *const *senders = sender_targets(&targets);
    int64_t count = 0;
    enum gr_err err;

    for (size_t i = 0; i < targets; i++) {
        if ((err = outbox_revive(db, t->id, policy_action_kind_name(senders[i]->kind), t->act.now_ms,
                                 &count)) != GR_OK)
            return err;
        t->count += count;
    }
    return GR_OK;
}

static const struct {
    const char *event, *none;
} words[] = {
    [RETRY] = {"dead letter sent again", "no such dead letter, or this version cannot send to its target"},
    [DROP] = {"dead letter dropped", "no such dead letter"},
    [TAKE] = {"page acknowledged", "no such page, or it is acknowledged already"},
};

static enum gr_err
run_turn(struct db *db, void *arg)
{
    struct turn *t = arg;
    struct gr_buf detail = GR_BUF_INIT(RELEASE_WHY_BYTES + 64);
    char deployment[RELEASE_ID_BYTES] = "";
    enum gr_err err = GR_OK;

    gr_buf_reset(&t->why);
    t->count = 0;
    if (t->id > 0 && (err = outbox_deployment(db, t->id, deployment, sizeof deployment)) == GR_ENOENT)
        err = GR_OK; /* said below */
    if (err == GR_OK && t->what == RETRY)
        err = revive(db, t);
    else if (err == GR_OK && t->what == DROP)
        err = outbox_drop(db, t->id, t->act.now_ms, &t->count);
    else if (err == GR_OK)
        err = outbox_take(db, t->id, t->act.by, t->act.now_ms, &t->count);
    if (err == GR_OK && t->count == 0 && t->id > 0) {
        gr_buf_puts(&t->why, words[t->what].none);
        err = GR_ESTATE;
    }
    if (err == GR_OK && t->count > 0) {
        if (t->id > 0)
            gr_buf_printf(&detail, "%" PRId64 ": ", t->id);
        else
            gr_buf_printf(&detail, "all %" PRId64 ": ", t->count);
        gr_buf_put(&detail, t->act.reason);
        if ((err = gr_buf_err(&detail)) == GR_OK)
            err = audit_add(db, t->act.now_ms, t->act.by, words[t->what].event, gr_str(deployment),
                            gr_buf_str(&detail));
    }
    gr_buf_fini(&detail);
    return err;
}

static void
handle(struct request *q, struct turn *t, bool numbered)
{
    struct jw w = JW_INIT(&q->out);
    const struct gr_node *map;
    enum gr_err err;

    t->q = q;
    t->why = (struct gr_buf)GR_BUF_INIT(1024);
    if ((numbered && !admin_read_number(q, &t->id)) || !admin_read_act(q, &t->act, t->what != RETRY, &map))
        return;
    if (t->what == RETRY && !app_acts(q->app)) {
        request_error(q, 409, "mode %s sends nothing", daemon_mode_name(q->app->conf->mode));
        return;
    }
    if ((err = store_call(q->app->store, run_turn, t)) != GR_OK) {
        request_error_of(q, err, gr_buf_cstr(&t->why));
    } else {
        app_wake(q->app);
        request_answer(q, 200);
        jw_open(&w, NULL, '{');
        jw_text(&w, "done", words[t->what].event);
        jw_i64(&w, "count", t->count);
        jw_close(&w, '}');
        gr_buf_putc(&q->out, '\n');
    }
    gr_buf_fini(&t->why);
}

void
admin_letters_retry(struct request *q)
{
    handle(q, &(struct turn){.what = RETRY}, false);
}

void
admin_letter_retry(struct request *q)
{
    handle(q, &(struct turn){.what = RETRY}, true);
}

void
admin_letter_drop(struct request *q)
{
    handle(q, &(struct turn){.what = DROP}, true);
}

void
admin_ack_page(struct request *q)
{
    handle(q, &(struct turn){.what = TAKE}, true);
}
