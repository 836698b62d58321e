#include "config.h"
#include "rollback.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include "enact.h"
#include "engine.h"
#include "expand.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "jread.h"
#include "metrics.h"
#include "prom.h"
#include "release.h"

#define TURN_MS 200 /* how often a wait looks whether it shall end */
#define PROM_ASK_MS 5000
#define RECHECK_RETRY_MS 5000
#define RECHECK_TRIES 12 /* a minute without Prometheus: then a person decides */
#define DETAIL_BYTES_MAX 2048
#define BY_HAND_BYTES_MAX 1500 /* of a page: what its receivers show */

enum step_end { ENDED_DONE, ENDED_FAILED, ENDED_UNKNOWN, ENDED_STOPPED, ENDED_CANCELLED };

struct run {
    const struct rollback_env *env;
    struct gr_arena *arena;
    const struct outbox_effect *effect;
    const struct policy_action *action;
    struct release release;
    struct outbox_step *journal; /* as found */
    size_t journal_count;
    struct expand_values values;
    struct release_breach breach;
    int64_t cancel; /* outbox_cancel_asked, as last read */
    struct gr_str cancel_by, cancel_reason;
    uint_fast64_t cancels; /* of the app, when that was read */
    /* The job that runs next. */
    struct outbox_step step;
    struct {
        const char *state; /* of the effect */
        bool complete, page, notice, unconfirmed, operator_hold, cancelled;
        struct gr_str reason, by_hand; /* by_hand: what a person may type instead; empty: nothing */
    } end;
};

static void
nap(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};

    (void)nanosleep(&ts, NULL); /* shorter is no harm */
}

static bool
stopping(const struct run *r)
{
    return atomic_load(r->env->stop);
}

/* A job that must get through: a full disk or a foreign lock may pass, a failed store will not. False: give
 * up, leave all as it is. */
static bool
insist(struct run *r, store_fn *fn)
{
    enum gr_err err;

    while ((err = store_call(r->env->app->store, fn, r)) != GR_OK) {
        log_event(r->env->app->log, AT_ERROR, "the journal cannot be written", "deployment_id",
                  r->effect->deployment_id.p, "error", gr_err_name(err), (char *)NULL);
        if ((err != GR_EBUSY && err != GR_ENOSPC && err != GR_EAGAIN && err != GR_ENOMEM) || stopping(r))
            return false;
        nap(TURN_MS);
    }
    return true;
}

/* ---- jobs on the store's thread ---- */

static enum gr_err
job_load(struct db *db, void *arg)
{
    struct run *r = arg;
    enum gr_err err;

    if ((err = release_get(db, r->env->app->policies, r->effect->release_id, &r->release)) != GR_OK)
        return err;
    return outbox_steps(db, r->arena, r->effect->id, &r->journal, &r->journal_count);
}

static enum gr_err
job_reload(struct db *db, void *arg)
{
    struct run *r = arg;

    return release_get(db, r->env->app->policies, r->effect->release_id, &r->release);
}

static enum gr_err
job_ask_cancel(struct db *db, void *arg)
{
    struct run *r = arg;

    return outbox_cancel_asked(db, r->arena, r->effect->id, &r->cancel, &r->cancel_by, &r->cancel_reason);
}

/* An operator may have asked for the end, in the middle of a step. The store is asked only if somebody asked for something. */
static bool
forced(struct run *r)
{
    uint_fast64_t now = atomic_load(&r->env->app->cancels);

    if (now != r->cancels && store_call(r->env->app->store, job_ask_cancel, r) == GR_OK)
        r->cancels = now;
    return r->cancel >= 2;
}

static enum gr_err
job_begin(struct db *db, void *arg)
{
    struct run *r = arg;

    return outbox_step_begin(db, &r->step);
}

static enum gr_err
job_end_step(struct db *db, void *arg)
{
    struct run *r = arg;

    return outbox_step_end(db, &r->step);
}

static enum gr_err
job_page(struct db *db, void *arg)
{
    struct run *r = arg;
    struct gr_str reason = r->end.reason, key = gr_arena_printf(r->arena, "%" PRId64 "|%s|%" PRId64,
                                                                r->effect->id, r->end.state, r->step.n);

    if (r->end.by_hand.n > 0)
        reason = gr_arena_printf(r->arena, GR_FMT "; " GR_FMT, GR_ARG(reason), GR_ARG(r->end.by_hand));
    if (!key.p || !reason.p)
        return GR_ENOMEM;
    return enact_page(db, r->env->app, r->arena, &r->release,
                      &(struct enact_page){.key = key.p,
                                           .kind = "held",
                                           .reason = reason,
                                           .guardrail = r->effect->guardrail,
                                           .now_ms = app_now_ms()});
}

static enum gr_err
change_release(struct db *db, struct run *r)
{
    struct release_act act = {.by = GR_STR("guardraild"), .reason = r->end.reason, .now_ms = app_now_ms()};
    enum gr_err err;

    if ((err = job_reload(db, r)) != GR_OK)
        return err;
    if (r->end.operator_hold)
        return GR_OK;
    if (r->end.cancelled) {
        act.by = r->cancel_by;
        act.reason = r->cancel_reason;
        return release_cancelled(db, &r->release, &act);
    }
    if (r->end.unconfirmed)
        return release_unconfirmed(db, &r->release, &act, &r->breach);
    return release_rolled_back(db, &r->release, r->end.complete, r->effect->id, &act, &r->breach);
}

static enum gr_err
job_finish(struct db *db, void *arg)
{
    struct run *r = arg;
    int64_t now = app_now_ms();
    struct gr_str key;
    enum gr_err err;

    if (r->end.unconfirmed)
        err = outbox_void(db, r->effect->id, r->end.reason, now);
    else
        err =
            outbox_finish(db, r->effect->id, r->end.state, r->end.complete ? GR_STR("") : r->end.reason, now);
    if (err != GR_OK || (err = change_release(db, r)) != GR_OK)
        return err;
    if (r->end.page && (err = job_page(db, r)) != GR_OK)
        return err;
    if (!r->end.notice)
        return GR_OK;
    key = gr_arena_printf(r->arena, "%" PRId64 "|outcome|%" PRId64, r->effect->id, r->effect->attempts);
    if (!key.p)
        return GR_ENOMEM;
    return enact_notice(db, r->env->app, r->arena, &r->release,
                        &(struct enact_page){.key = key.p,
                                             .kind = "outcome",
                                             .ok = r->end.complete,
                                             .reason = r->end.reason,
                                             .guardrail = r->effect->guardrail,
                                             .now_ms = now});
}

static void
finish(struct run *r)
{
    log_event(r->env->app->log, r->end.complete ? AT_INFO : AT_ERROR, "rollback ended", "deployment_id",
              r->effect->deployment_id.p, "state", r->end.state, "reason", r->end.reason.p, (char *)NULL);
    /* If not: the effect stays running, and the next start comes here again by the journal. */
    (void)insist(r, job_finish);
    app_wake(r->env->app);
}

static void
finish_cancelled(struct run *r)
{
    r->end.state = "cancelled";
    r->end.cancelled = r->end.notice = true;
    r->end.page = false; /* who did it knows */
    r->end.reason = gr_arena_printf(r->arena, "the rollback was cancelled by " GR_FMT ": " GR_FMT,
                                    GR_ARG(r->cancel_by), GR_ARG(r->cancel_reason));
    if (!r->end.reason.p)
        r->end.reason = GR_STR("the rollback was cancelled");
    finish(r);
}

static void
finish_failed(struct run *r, const char *state, struct gr_str reason)
{
    r->end.state = state;
    r->end.complete = false;
    r->end.page = r->end.notice = true;
    r->end.reason = reason.p ? reason : GR_STR("the rollback could not be carried out");
    finish(r);
}

/* ---- one step ---- */

static bool
step_began(struct run *r)
{
    r->step.started_ms = app_now_ms();
    r->step.state = STEP_RUNNING;
    metrics_add(r->env->app->metrics, COUNT_STEPS, 1);
    log_event(r->env->app->log, AT_INFO, "step begins", "deployment_id", r->effect->deployment_id.p, "step",
              r->step.name.p, "command", r->step.command.p, (char *)NULL);
    return insist(r, job_begin);
}

static bool
step_ended(struct run *r, enum step_state state, struct gr_str detail)
{
    r->step.ended_ms = app_now_ms();
    r->step.state = state;
    r->step.detail = detail.p ? detail : GR_STR("");
    if (state != STEP_DONE)
        metrics_add(r->env->app->metrics, COUNT_STEPS_FAILED, 1);
    log_event(r->env->app->log, state == STEP_DONE ? AT_INFO : AT_WARN, "step ended", "deployment_id",
              r->effect->deployment_id.p, "step", r->step.name.p, "state", step_state_name(state), "detail",
              r->step.detail.p, (char *)NULL);
    return insist(r, job_end_step);
}

/* What a later rollback, or this one after a crash, has more of. */
static uint64_t
fence_of(const struct outbox_effect *e)
{
    return (uint64_t)e->id << 16 | (e->attempts < 0xffff ? (uint64_t)e->attempts : 0xffff);
}

/* Of the step, whoever runs it and how often: the effect's key holds spec, stream, deployment and arming. */
static enum gr_err
idempotency_key(struct run *r, char out[GR_SHA256_HEX + 1])
{
    struct gr_buf b = GR_BUF_INIT(16384);
    enum gr_err err;

    gr_buf_put(&b, r->effect->key);
    gr_buf_printf(&b, "|step %" PRId64, r->step.n);
    if ((err = gr_buf_err(&b)) == GR_OK)
        err = gr_sha256_hex(gr_buf_str(&b), out);
    gr_buf_fini(&b);
    return err;
}

/* Runs programs to their end, unless everything is cancelled. GR_EAGAIN: nothing was started. */
static enum gr_err
run_programs(struct run *r, const struct policy_argv *commands, size_t count, int64_t timeout_ms,
             const char *step, struct runner_result *result)
{
    char id[24], key[GR_SHA256_HEX + 1] = "";
    bool cancelled = false;
    enum gr_err err;

    if (idempotency_key(r, key) != GR_OK)
        return GR_EAGAIN;
    (void)snprintf(id, sizeof id, "%" PRId64, r->effect->id);
    err = runner_submit(r->env->runner, (uint64_t)r->effect->id,
                        &(struct runner_request){.commands = commands,
                                                 .command_count = count,
                                                 .timeout_ms = timeout_ms,
                                                 .deployment_id = gr_str(r->release.deployment_id),
                                                 .guardrail = r->effect->guardrail,
                                                 .phase = gr_str(r->release.phase),
                                                 .effect_id = gr_str(id),
                                                 .step = gr_str(step),
                                                 .fence = fence_of(r->effect),
                                                 .idempotency_key = gr_str(key),
                                                 .attempt = (uint32_t)r->step.attempt});
    if (err != GR_OK)
        return err;
    while ((err = runner_next(r->env->runner, TURN_MS, result)) == GR_ETIMEOUT)
        if ((atomic_load(r->env->cancel) || forced(r)) && !cancelled)
            cancelled =
                runner_cancel(r->env->runner, (uint64_t)r->effect->id) == GR_OK; /* else it has just ended */
    return err;
}

static struct gr_str
describe(struct run *r, const struct runner_result *result)
{
    struct gr_buf b = GR_BUF_INIT(DETAIL_BYTES_MAX);
    struct gr_str out;

    runner_result_print(&b, result);
    out = gr_arena_dup(r->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out;
}

static enum gr_err
expand_commands(struct run *r, const struct policy_step *s, struct policy_argv *out, struct gr_str *bad)
{
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < s->command_count && err == GR_OK; i++)
        err = expand_argv(r->arena, &s->commands[i], &r->values, &out[i], bad);
    return err;
}

/* "kustomize build x | kubectl apply -f -", for people, who may type it at a shell; never parsed again. */
static struct gr_str
command_text(struct run *r, const struct policy_argv *commands, size_t count)
{
    struct gr_buf b = GR_BUF_INIT(16u << 10);
    struct gr_str out;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < commands[i].count; k++) {
            if (k || i)
                gr_buf_puts(&b, k ? " " : " | ");
            gr_quote_shell(&b, commands[i].args[k]);
        }
    out = gr_arena_dup(r->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out;
}

static enum step_end
attempt_programs(struct run *r, const struct policy_step *s)
{
    struct policy_argv commands[POLICY_COMMANDS_MAX];
    struct runner_result result = RUNNER_RESULT_INIT;
    struct gr_str bad = GR_STR_NONE;
    enum step_end end = ENDED_STOPPED;
    enum gr_err err;

    if (expand_commands(r, s, commands, &bad) != GR_OK)
        return ENDED_UNKNOWN; /* was expanded once already: no memory now */
    r->step.command = command_text(r, commands, s->command_count);
    if (!step_began(r))
        return ENDED_STOPPED;
    err = run_programs(r, commands, s->command_count, s->timeout_ms, s->name.p, &result);
    r->step.tail = gr_buf_str(&result.tail);
    r->step.output_sha256 = err == GR_OK ? gr_str(result.output_sha256) : GR_STR("");
    if (err == GR_ERANGE || err == GR_EAGAIN || err == GR_EEXIST) { /* nothing was started */
        end = step_ended(r, STEP_FAILED, gr_str(gr_err_name(err))) ? ENDED_FAILED : ENDED_STOPPED;
    } else if (err == GR_EIO) { /* the runner is gone, and the daemon ends: the next start judges it */
        end = ENDED_STOPPED;
    } else if (err != GR_OK || result.outcome == RUNNER_LOST) {
        end = ENDED_UNKNOWN; /* the row stays without outcome */
    } else if (result.outcome == RUNNER_CANCELLED && r->cancel >= 2) {
        end = step_ended(r, STEP_AMBIGUOUS, GR_STR("ended by force; nobody knows how far it came"))
                  ? ENDED_CANCELLED
                  : ENDED_STOPPED;
    } else if (result.outcome == RUNNER_CANCELLED) {
        end = ENDED_STOPPED; /* we are going down; the next start judges it */
    } else if (result.outcome == RUNNER_SUCCEEDED) {
        end = step_ended(r, STEP_DONE, describe(r, &result)) ? ENDED_DONE : ENDED_STOPPED;
    } else {
        end = step_ended(r, STEP_FAILED, describe(r, &result)) ? ENDED_FAILED : ENDED_STOPPED;
    }
    runner_result_fini(&result);
    return end;
}

static struct gr_str
bound_text(struct run *r, const struct policy_step *s, const struct prom_vector *v, enum prom_check check,
           const struct prom_error *error)
{
    struct gr_buf b = GR_BUF_INIT(DETAIL_BYTES_MAX);
    struct gr_str out;

    if (error->text[0]) {
        gr_buf_puts(&b, error->text);
    } else if (v->count == 0) {
        gr_buf_puts(&b, check == PROM_HOLDS ? "no data, which the policy takes as done" : "no data");
    } else {
        gr_buf_puts(&b, check == PROM_HOLDS ? "holds: " : "does not hold: ");
        gr_double_print(&b, v->samples[0].value);
        gr_buf_puts(&b, s->has_below ? ", wanted below " : ", wanted above ");
        gr_double_print(&b, s->bound);
    }
    out = gr_arena_dup(r->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out;
}

/* One question; true when the step's condition holds. */
static bool
ask_bound(struct run *r, const struct policy_step *s, struct gr_str query, int64_t deadline_ms,
          struct gr_str *text)
{
    struct gr_arena *a = gr_arena_create(16u << 20);
    struct prom_vector v = {NULL, 0};
    struct prom_error error = {""};
    enum prom_check check = PROM_FAILS;
    enum gr_err err = GR_ENOMEM;

    if (a)
        err = prom_query(r->env->http, r->env->app->conf->prometheus_url.p, query, 0, deadline_ms, a, &v,
                         &error);
    if (err == GR_OK) {
        check = prom_check_bound(&v, s->has_below, s->bound);
        if (check == PROM_NO_DATA && s->no_data == NO_DATA_OK)
            check = PROM_HOLDS;
    } else {
        metrics_add(r->env->app->metrics, COUNT_PROM_ERRORS, 1);
        if (error.text[0] == '\0')
            (void)snprintf(error.text, sizeof error.text, "%s", gr_err_name(err));
    }
    *text = bound_text(r, s, &v, check, &error);
    gr_arena_free(a);
    return err == GR_OK && check == PROM_HOLDS;
}

static enum step_end
attempt_query(struct run *r, const struct policy_step *s)
{
    int64_t end_ms = gr_http_now_ms() + s->within_ms, pause_ms = s->within_ms / 50;
    struct gr_str query = GR_STR_NONE, text = GR_STR_NONE, bad;

    if (expand_text(r->arena, s->query, &r->values, &query, &bad) != GR_OK)
        return ENDED_UNKNOWN;
    r->step.command = query;
    if (!step_began(r))
        return ENDED_STOPPED;
    if (r->env->app->conf->prometheus_url.n == 0)
        return step_ended(r, STEP_FAILED, GR_STR("no prometheus_url is configured")) ? ENDED_FAILED
                                                                                     : ENDED_STOPPED;
    pause_ms = pause_ms < TURN_MS ? TURN_MS : pause_ms > 2000 ? 2000 : pause_ms;
    for (;;) {
        int64_t now = gr_http_now_ms();
        if (ask_bound(r, s, query, now + PROM_ASK_MS, &text))
            return step_ended(r, STEP_DONE, text) ? ENDED_DONE : ENDED_STOPPED;
        if (stopping(r))
            return ENDED_STOPPED; /* a question can be asked again */
        if (forced(r))
            return step_ended(r, STEP_AMBIGUOUS, GR_STR("ended by force")) ? ENDED_CANCELLED : ENDED_STOPPED;
        if (now >= end_ms)
            return step_ended(r, STEP_FAILED, text) ? ENDED_FAILED : ENDED_STOPPED;
        nap(pause_ms < end_ms - now ? pause_ms : end_ms - now);
    }
}

/* ---- a step whose outcome nobody knows ---- */

enum probed { PROBED_DONE, PROBED_NOT_DONE, PROBED_UNKNOWN };

static enum probed
probe(struct run *r, const struct policy_step *s)
{
    struct runner_result result = RUNNER_RESULT_INIT;
    struct policy_argv argv;
    struct gr_str bad;
    enum probed probed = PROBED_UNKNOWN;

    if (expand_argv(r->arena, &s->probe, &r->values, &argv, &bad) == GR_OK &&
        run_programs(r, &argv, 1, s->timeout_ms, "probe", &result) == GR_OK && result.member_count == 1 &&
        result.members[0].end == RUNNER_EXITED && result.outcome != RUNNER_TIMED_OUT &&
        result.outcome != RUNNER_CANCELLED) {
        if (result.members[0].code == 0)
            probed = PROBED_DONE;
        else if (result.members[0].code == 1)
            probed = PROBED_NOT_DONE;
    }
    runner_result_fini(&result);
    return probed;
}

/* Closes the open row of the journal. DONE: go on behind the step; FAILED: run it again; UNKNOWN: stop for a
 * person. */
static enum step_end
settle(struct run *r, const struct policy_step *s)
{
    r->step.tail = GR_STR_NONE;
    if (s->kind == STEP_QUERY || s->idempotent)
        return step_ended(r, STEP_AMBIGUOUS, GR_STR("interrupted; may be run again")) ? ENDED_FAILED
                                                                                      : ENDED_STOPPED;
    if (s->probe.count > 0)
        switch (probe(r, s)) {
        case PROBED_DONE:
            return step_ended(r, STEP_DONE, GR_STR("interrupted; done, says the probe")) ? ENDED_DONE
                                                                                         : ENDED_STOPPED;
        case PROBED_NOT_DONE:
            return step_ended(r, STEP_FAILED, GR_STR("interrupted; not done, says the probe"))
                       ? ENDED_FAILED
                       : ENDED_STOPPED;
        case PROBED_UNKNOWN:
            break;
        }
    if (atomic_load(r->env->cancel) || runner_gone(r->env->runner))
        return ENDED_STOPPED;
    return step_ended(r, STEP_AMBIGUOUS, GR_STR("interrupted; nobody knows whether it ran")) ? ENDED_UNKNOWN
                                                                                             : ENDED_STOPPED;
}

/* ---- the steps in order ---- */

static const struct outbox_step *
last_attempt(const struct run *r, size_t n)
{
    const struct outbox_step *found = NULL;

    for (size_t i = 0; i < r->journal_count; i++)
        if (r->journal[i].n == (int64_t)n)
            found = &r->journal[i];
    return found;
}

/* Where the journal stands with a step. True: it is over, *end says how; false: begin attempt
 * r->step.attempt. */
static bool
judge_journal(struct run *r, const struct policy_step *s, size_t n, enum step_end *end)
{
    const struct outbox_step *last = last_attempt(r, n);

    r->step =
        (struct outbox_step){.effect_id = r->effect->id, .n = (int64_t)n, .attempt = 1, .name = s->name};
    if (!last)
        return false;
    r->step.attempt = last->attempt;
    r->step.started_ms = last->started_ms;
    r->step.command = last->command;
    switch (last->state) {
    case STEP_DONE:
        *end = ENDED_DONE;
        return true;
    case STEP_RUNNING:
        *end = settle(r, s);
        if (*end != ENDED_FAILED)
            return true;
        r->step.attempt++; /* an interruption is not the step's fault: it costs no retry */
        return false;
    case STEP_AMBIGUOUS:
        if (s->kind != STEP_QUERY && !s->idempotent) {
            *end = ENDED_UNKNOWN;
            return true;
        }
        r->step.attempt++;
        return false;
    case STEP_FAILED:
    case STEP_STATES:
        break;
    }
    *end = ENDED_FAILED;
    r->step.attempt++;
    return last->attempt > s->retries;
}

static enum step_end
run_step(struct run *r, const struct policy_step *s, size_t n)
{
    int64_t last_attempt_number;
    enum step_end end;

    if (judge_journal(r, s, n, &end))
        return end;
    last_attempt_number = r->step.attempt + s->retries;
    for (;; r->step.attempt++) {
        end = s->kind == STEP_QUERY ? attempt_query(r, s) : attempt_programs(r, s);
        if (end == ENDED_UNKNOWN) { /* the runner lost it: as after a crash */
            end = settle(r, s);
            if (end == ENDED_FAILED && r->step.attempt < last_attempt_number)
                continue;
        }
        if (end != ENDED_FAILED || r->step.attempt >= last_attempt_number || stopping(r))
            return end == ENDED_FAILED && stopping(r) && r->step.attempt < last_attempt_number ? ENDED_STOPPED
                                                                                               : end;
        nap(TURN_MS);
    }
}

/* Between steps an operator may have put a hand on it. */
static bool
may_go_on(struct run *r)
{
    struct release_view view;
    struct gr_str why = GR_STR_NONE;

    if (!insist(r, job_reload) || !insist(r, job_ask_cancel))
        return false;
    if (r->cancel > 0) {
        finish_cancelled(r);
        return false;
    }
    view = release_view_of(&r->release);
    if (decide_still_valid(&view, (uint32_t)r->effect->epoch, &why))
        return true;
    r->end.operator_hold = r->release.held;
    r->end.state = "held";
    r->end.reason = why;
    r->end.page = !r->release.held; /* who holds it knows */
    finish(r);
    return false;
}

/* "by hand: bin/drain --all; not done either: redeploy, verify". The step that ends the rollback is the last one in r->step. */
static struct gr_str
by_hand(struct run *r, const struct policy_step *s, bool ends)
{
    struct gr_buf b = GR_BUF_INIT(65536);
    struct gr_str out;
    size_t n = (size_t)r->step.n + 1;

    gr_buf_puts(&b, s->kind == STEP_QUERY ? "to be looked at: " : "by hand: ");
    gr_buf_put(&b, r->step.command);
    if (b.n > BY_HAND_BYTES_MAX) {
        size_t cut = BY_HAND_BYTES_MAX;

        while (cut > 0 && ((unsigned char)b.p[cut] & 0xc0) == 0x80)
            cut--; /* not within a character */
        gr_buf_cut(&b, cut);
        gr_buf_puts(&b, "… (whole: guardrailctl release show)");
    }
    for (size_t i = n; ends && i < r->action->step_count; i++) {
        gr_buf_puts(&b, i == n ? "; not done either: " : ", ");
        gr_buf_put(&b, r->action->steps[i].name);
    }
    out = gr_buf_err(&b) == GR_OK ? gr_arena_dup(r->arena, gr_buf_str(&b)) : GR_STR_NONE;
    gr_buf_fini(&b);
    return out;
}

static void
run_steps(struct run *r)
{
    const struct policy_action *action = r->action;

    for (size_t n = 0; n < action->step_count; n++) {
        const struct policy_step *s = &action->steps[n];
        enum step_end end;

        if (stopping(r) || !may_go_on(r))
            return;
        end = run_step(r, s, n);
        if (end == ENDED_STOPPED)
            return;
        if (end == ENDED_CANCELLED) {
            finish_cancelled(r);
            return;
        }
        if (end == ENDED_UNKNOWN) {
            r->end.by_hand = by_hand(r, s, true);
            finish_failed(
                r, "ambiguous",
                gr_arena_printf(r->arena,
                                "step " GR_FMT
                                " was interrupted and nobody knows whether it ran: look, then go on by hand",
                                GR_ARG(s->name)));
            return;
        }
        if (end != ENDED_FAILED)
            continue;
        r->end.reason = gr_arena_printf(r->arena, "step " GR_FMT " failed: " GR_FMT, GR_ARG(s->name),
                                        GR_ARG(r->step.detail));
        if (s->on_failure == ON_FAILURE_ABORT) {
            r->end.by_hand = by_hand(r, s, true);
            finish_failed(r, "failed", r->end.reason);
            return;
        }
        if (s->on_failure == ON_FAILURE_PAGE) {
            r->end.state = "step";
            r->end.by_hand = by_hand(r, s, false);
            (void)insist(r, job_page); /* the rollback matters more than its page */
            r->end.by_hand = GR_STR_NONE;
            app_wake(r->env->app);
        }
    }
    r->end.state = "done";
    r->end.complete = r->end.notice = true;
    r->end.page = false;
    r->end.reason = gr_arena_printf(r->arena, GR_FMT "; every step is done", GR_ARG(r->effect->reason));
    if (!r->end.reason.p)
        r->end.reason = GR_STR("every step is done");
    finish(r);
}

/* ---- before the first step ---- */

/* Every placeholder of every step, before anything is run. */
static bool
expands(struct run *r)
{
    for (size_t n = 0; n < r->action->step_count; n++) {
        const struct policy_step *s = &r->action->steps[n];
        struct policy_argv commands[POLICY_COMMANDS_MAX];
        struct gr_str bad = GR_STR_NONE, text;
        enum gr_err err = expand_commands(r, s, commands, &bad);

        if (err == GR_OK && s->probe.count)
            err = expand_argv(r->arena, &s->probe, &r->values, &commands[0], &bad);
        if (err == GR_OK && s->kind == STEP_QUERY)
            err = expand_text(r->arena, s->query, &r->values, &text, &bad);
        if (err != GR_OK) {
            finish_failed(r, "failed",
                          gr_arena_printf(r->arena,
                                          "step " GR_FMT ": the value of {" GR_FMT "} is not allowed",
                                          GR_ARG(s->name), GR_ARG(bad)));
            return false;
        }
    }
    return true;
}

/* Whether Prometheus, asked now, still says hard. */
static enum gr_err
ask_hard(struct run *r, bool *hard, struct prom_error *error)
{
    struct gr_buf q = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    struct prom_vector v = {NULL, 0};
    enum gr_err err;

    gr_buf_puts(&q, GR_SERIES_VERDICT "{" GR_LABEL_SPEC "=");
    gr_quote_promql(&q, r->release.policy->spec);
    gr_buf_puts(&q, "," GR_LABEL_DEPLOYMENT "=");
    gr_quote_promql(&q, gr_str(r->release.deployment_id));
    gr_buf_puts(&q, "," GR_LABEL_GUARDRAIL "=");
    gr_quote_promql(&q, r->effect->guardrail);
    gr_buf_puts(&q, "} == 3");
    err = gr_buf_err(&q);
    if (err == GR_OK && r->env->app->conf->prometheus_url.n == 0)
        err = GR_ENET;
    if (err == GR_OK)
        err = prom_query(r->env->http, r->env->app->conf->prometheus_url.p, gr_buf_str(&q), 0,
                         gr_http_now_ms() + PROM_ASK_MS, r->arena, &v, error);
    *hard = v.count > 0;
    gr_buf_fini(&q);
    return err;
}

static enum gr_err
job_put_back(struct db *db, void *arg)
{
    struct run *r = arg;

    return outbox_retry(db, r->effect->id, app_now_ms() + RECHECK_RETRY_MS, r->end.reason);
}

/* True: go on. */
static bool
recheck(struct run *r)
{
    struct prom_error error = {""};
    bool hard = false;
    enum gr_err err = ask_hard(r, &hard, &error);

    if (err == GR_OK && hard)
        return true;
    r->end.reason = err == GR_OK
                        ? GR_STR("an old alert asked for a rollback, and Prometheus shows no hard breach now")
                        : GR_STR("an old alert asked for a rollback, and Prometheus cannot be asked");
    if (err != GR_OK && r->effect->attempts < RECHECK_TRIES) {
        (void)insist(r, job_put_back);
        return false;
    }
    r->end.state = "void";
    r->end.unconfirmed = r->end.page = true;
    finish(r);
    return false;
}

static void
read_breach(struct run *r)
{
    const struct gr_node *payload = NULL;

    r->breach.guardrail = r->effect->guardrail;
    r->breach.level = r->effect->level;
    r->breach.side = GR_STR("");
    if (jread(r->arena, r->effect->payload, &payload) == GR_OK) {
        r->breach.side = jread_str(payload, "side");
        r->breach.slice = jread_labels(r->arena, payload, "slice");
    }
}

void
rollback_run(const struct rollback_env *env, struct gr_arena *a, const struct outbox_effect *e)
{
    struct run *r = gr_arena_alloc(a, sizeof *r);
    bool stale = app_now_ms() - e->seen_ms > ENGINE_FRESH_MS;

    if (!r)
        return; /* stays running; looked at again at the next start */
    *r = (struct run){.env = env, .arena = a, .effect = e, .cancels = atomic_load(&env->app->cancels)};
    if (!insist(r, job_load))
        return;
    read_breach(r);
    r->action = r->release.policy ? policy_action(r->release.policy, e->action) : NULL;
    if (!r->action || r->action->kind != ACTION_ROLLBACK) {
        finish_failed(r, "failed", GR_STR("the policy that the release is pinned to has no such rollback"));
        return;
    }
    r->values = (struct expand_values){.deployment_id = gr_str(r->release.deployment_id),
                                       .spec = r->release.policy->spec,
                                       .phase = gr_str(r->release.phase),
                                       .guardrail = e->guardrail,
                                       .stream = *r->release.stream_row};
    if (r->journal_count == 0 && (!may_go_on(r) || !expands(r) || ((e->recheck || stale) && !recheck(r))))
        return;
    log_event(env->app->log, AT_WARN, r->journal_count ? "rollback goes on" : "rollback begins",
              "deployment_id", e->deployment_id.p, "stream", e->stream.p, "guardrail", e->guardrail.p,
              "reason", e->reason.p, (char *)NULL);
    run_steps(r);
}
