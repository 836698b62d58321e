#include "config.h"
#include "enter.h"

#include <inttypes.h>
#include <time.h>
#include "enact.h"
#include "expand.h"
#include "jread.h"
#include "jw.h"
#include "metrics.h"
#include "release.h"
#include "sender.h"

#define TURN_MS 100 /* how often a wait looks whether it shall end */
#define BACKOFF_MS 1000
#define BACKOFF_MS_MAX 30000
#define BODY_BYTES_MAX (64u << 10)

enum end {
    END_DONE,
    END_FAILED,    /* this attempt */
    END_HOPELESS,  /* and every further one */
    END_WITHDRAWN, /* the phase is not to be entered any more */
    END_LEFT       /* the process stops, or the store does not answer: the next start goes on */
};

struct entry {
    const struct enter_env *env;
    struct gr_arena *arena;
    const struct outbox_effect *effect;
    struct release release;
    const struct policy_phase *phase;
    struct expand_values values;
    struct outbox_step *journal; /* as found */
    size_t journal_count;
    bool newest;             /* no later effect has taken its place */
    struct outbox_step step; /* the one that runs */
    bool begun;              /* some step was */
    enum end end;
    struct gr_str reason;
};

static void
nap(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};

    (void)nanosleep(&ts, NULL); /* shorter is no harm */
}

/* A job that must get through, as a full disk may pass. False: leave all as it is. */
static bool
insist(struct entry *e, store_fn *fn)
{
    enum gr_err err;

    while ((err = store_call(e->env->app->store, fn, e)) != GR_OK) {
        log_event(e->env->app->log, AT_ERROR, "the journal cannot be written", "deployment_id",
                  e->effect->deployment_id.p, "error", gr_err_name(err), (char *)NULL);
        if ((err != GR_EBUSY && err != GR_ENOSPC && err != GR_EAGAIN && err != GR_ENOMEM) ||
            atomic_load(e->env->stop))
            return false;
        nap(TURN_MS);
    }
    return true;
}

/* ---- jobs on the store's thread ---- */

static enum gr_err
job_look(struct db *db, void *arg)
{
    struct entry *e = arg;
    sqlite3_stmt *st;
    bool row;
    enum gr_err err = release_get(db, e->env->app->policies, e->effect->release_id, &e->release);

    if (err != GR_OK)
        return err;
    st = db_use(db, "SELECT max(id) FROM effect WHERE release_id = ?1 AND target = 'enter'");
    db_bind_i64(db, st, 1, e->effect->release_id);
    if ((err = db_step(db, st, &row)) != GR_OK)
        return err;
    e->newest = row && db_i64(st, 0) == e->effect->id;
    db_end(st);
    return GR_OK;
}

static enum gr_err
job_load(struct db *db, void *arg)
{
    struct entry *e = arg;
    enum gr_err err = job_look(db, e);

    return err == GR_OK ? outbox_steps(db, e->arena, e->effect->id, &e->journal, &e->journal_count) : err;
}

static enum gr_err
job_begin(struct db *db, void *arg)
{
    struct entry *e = arg;

    return outbox_step_begin(db, &e->step);
}

static enum gr_err
job_end(struct db *db, void *arg)
{
    struct entry *e = arg;

    return outbox_step_end(db, &e->step);
}

/* Whether the phase is still to be entered, and by this effect. */
static bool
wanted(const struct entry *e)
{
    return e->release.state == RELEASE_RUNNING && e->newest &&
           gr_str_is(e->effect->phase, e->release.entering);
}

static bool
still_wanted(struct entry *e)
{
    return store_call(e->env->app->store, job_look, e) != GR_OK || wanted(e);
}

static enum gr_err
job_page(struct db *db, struct entry *e, int64_t now_ms)
{
    struct gr_str key = gr_arena_printf(e->arena, "%" PRId64 "|split", e->effect->id);

    if (!key.p)
        return GR_ENOMEM;
    return enact_page(
        db, e->env->app, e->arena, &e->release,
        &(struct enact_page){.key = key.p, .kind = "held", .reason = e->reason, .now_ms = now_ms});
}

static enum gr_err
enter(struct db *db, struct entry *e, const struct release_act *act)
{
    const struct gr_node *p = NULL;
    enum gr_err err = jread(e->arena, e->effect->payload, &p);

    if (err != GR_OK)
        return err == GR_EUSER ? GR_EIO : err;
    return release_entered(db, &e->release, e->effect->phase.p,
                           &(struct release_enter){.override = jread_bool(p, "override"),
                                                   .by = jread_str(p, "by"),
                                                   .note = jread_str(p, "note"),
                                                   .commander = jread_str(p, "commander")},
                           act);
}

/* A rollback looks after the traffic itself; of everything else that ended a split in its middle, people must know. */
static bool
needs_a_look(const struct entry *e)
{
    return e->begun && (e->release.state == RELEASE_HALTED || e->release.state == RELEASE_ABORTED);
}

static enum gr_err
withdraw(struct db *db, struct entry *e, const struct release_act *act)
{
    enum gr_err err;

    e->reason =
        gr_arena_printf(e->arena, "the traffic split of " GR_FMT " was given up (the release is %s)%s",
                        GR_ARG(e->effect->phase), release_state_name(e->release.state),
                        e->begun ? ": look which split is in force" : "");
    if (!e->reason.p)
        return GR_ENOMEM;
    if ((err = outbox_finish(db, e->effect->id, "cancelled", e->reason, act->now_ms)) != GR_OK)
        return err;
    if (e->newest && e->release.state == RELEASE_RUNNING && e->release.policy) {
        struct release_act as = {.by = act->by, .reason = e->reason, .now_ms = act->now_ms};
        return release_not_entered(db, &e->release, false, &as);
    }
    return needs_a_look(e) ? job_page(db, e, act->now_ms) : GR_OK;
}

static enum gr_err
job_finish(struct db *db, void *arg)
{
    struct entry *e = arg;
    struct release_act act = {.by = GR_STR("guardraild"), .reason = e->effect->phase, .now_ms = app_now_ms()};
    enum gr_err err = job_look(db, e);

    if (err != GR_OK)
        return err;
    if (e->end == END_WITHDRAWN || !wanted(e))
        return withdraw(db, e, &act);
    if (e->end == END_DONE) {
        if ((err = enter(db, e, &act)) != GR_OK)
            return err;
        return outbox_finish(db, e->effect->id, "done", GR_STR(""), act.now_ms);
    }
    act.reason = e->reason;
    if ((err = outbox_finish(db, e->effect->id, "failed", e->reason, act.now_ms)) != GR_OK ||
        (err = release_not_entered(db, &e->release, true, &act)) != GR_OK)
        return err;
    return job_page(db, e, act.now_ms);
}

/* ---- one attempt ---- */

static enum end
ended(struct entry *e, enum step_state state, struct gr_str detail, enum end end)
{
    e->step.ended_ms = app_now_ms();
    e->step.state = state;
    e->step.detail = detail.p ? detail : GR_STR("");
    if (state != STEP_DONE)
        metrics_add(e->env->app->metrics, COUNT_STEPS_FAILED, 1);
    log_event(e->env->app->log, state == STEP_DONE ? AT_INFO : AT_WARN, "traffic split: step ended",
              "deployment_id", e->effect->deployment_id.p, "phase", e->effect->phase.p, "step",
              e->step.name.p, "state", step_state_name(state), "detail", e->step.detail.p, (char *)NULL);
    return insist(e, job_end) ? end : END_LEFT;
}

static bool
began(struct entry *e, struct gr_str command)
{
    e->begun = true;
    e->step.command = command;
    e->step.started_ms = app_now_ms();
    e->step.state = STEP_RUNNING;
    metrics_add(e->env->app->metrics, COUNT_STEPS, 1);
    return insist(e, job_begin);
}

static struct gr_str
command_text(struct entry *e, const struct policy_argv *argv)
{
    struct gr_buf b = GR_BUF_INIT(16u << 10);
    struct gr_str out;

    for (size_t i = 0; i < argv->count; i++) {
        gr_buf_puts(&b, i > 0 ? " " : "");
        gr_buf_put(&b, argv->args[i]);
    }
    out = gr_arena_dup(e->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out.p ? out : GR_STR("");
}

/* Waits for the program; *withdrawn: it was ended because nobody wants it any more. */
static enum gr_err
run_program(struct entry *e, const struct policy_enter *s, const struct policy_argv *argv,
            struct runner_result *result, bool *withdrawn)
{
    bool cancelled = false;
    enum gr_err err = runner_submit(
        e->env->runner, (uint64_t)e->effect->id,
        &(struct runner_request){.commands = argv,
                                 .command_count = 1,
                                 .timeout_ms = s->timeout_ms,
                                 .deployment_id = e->effect->deployment_id,
                                 .phase = e->effect->phase,
                                 .effect_id = gr_arena_printf(e->arena, "%" PRId64, e->effect->id),
                                 .step = s->name,
                                 .attempt = (uint32_t)e->step.attempt});
    if (err != GR_OK)
        return err;
    while ((err = runner_next(e->env->runner, TURN_MS, result)) == GR_ETIMEOUT) {
        *withdrawn = *withdrawn || !still_wanted(e);
        if ((*withdrawn || atomic_load(e->env->cancel)) && !cancelled)
            cancelled = runner_cancel(e->env->runner, (uint64_t)e->effect->id) == GR_OK;
    }
    return err;
}

static enum end
attempt_program(struct entry *e, const struct policy_enter *s)
{
    struct runner_result result = RUNNER_RESULT_INIT;
    struct gr_buf text = GR_BUF_INIT(4096);
    struct policy_argv argv;
    struct gr_str bad = GR_STR_NONE;
    bool withdrawn = false;
    enum end end = END_LEFT;
    enum gr_err err;

    if ((err = expand_argv(e->arena, &s->argv, &e->values, &argv, &bad)) != GR_OK) {
        e->step.detail = gr_arena_printf(e->arena, "the value of {" GR_FMT "} is not allowed", GR_ARG(bad));
        return err == GR_ERANGE ? END_HOPELESS : END_LEFT;
    }
    if (!began(e, command_text(e, &argv)))
        return END_LEFT;
    err = run_program(e, s, &argv, &result, &withdrawn);
    e->step.output_sha256 = err == GR_OK ? gr_str(result.output_sha256) : GR_STR("");
    e->step.tail = gr_buf_str(&result.tail);
    if (err == GR_OK)
        runner_result_print(&text, &result);
    else
        gr_buf_puts(&text, gr_err_name(err));
    if (err == GR_EIO || (err == GR_OK && result.outcome == RUNNER_CANCELLED && !withdrawn))
        end = END_LEFT; /* we are going down: the next start runs it again */
    else if (err == GR_OK && result.outcome == RUNNER_SUCCEEDED)
        end = ended(e, STEP_DONE, gr_arena_dup(e->arena, gr_buf_str(&text)), END_DONE);
    else if (withdrawn)
        end = ended(e, STEP_AMBIGUOUS, GR_STR("ended, for the phase is not entered"), END_WITHDRAWN);
    else
        end = ended(e, STEP_FAILED, gr_arena_dup(e->arena, gr_buf_str(&text)), END_FAILED);
    gr_buf_fini(&text);
    runner_result_fini(&result);
    return end;
}

/* {"version": 1, "kind": "enter", "spec", "deployment_id", "release": {…}, "phase", "from", "traffic_share": {flow: ratio}, "key", "at"} */
static void
print_body(struct gr_buf *b, const struct entry *e, struct gr_str key)
{
    struct jw w = JW_INIT(b);

    jw_open(&w, NULL, '{');
    jw_i64(&w, "version", 1);
    jw_text(&w, "kind", "enter");
    jw_str(&w, "spec", e->release.policy->spec);
    jw_text(&w, "deployment_id", e->release.deployment_id);
    jw_labels(&w, "release", *e->release.stream_row);
    jw_str(&w, "phase", e->phase->name);
    jw_text(&w, "from", e->release.phase);
    jw_open(&w, "traffic_share", '{');
    for (size_t i = 0; i < e->phase->traffic_count; i++)
        jw_double(&w, e->phase->traffic[i].flow.n > 0 ? e->phase->traffic[i].flow.p : "all",
                  release_share(&e->release, e->phase, &e->phase->traffic[i]));
    jw_close(&w, '}');
    jw_str(&w, "key", key);
    jw_time(&w, "at", e->step.started_ms);
    jw_close(&w, '}');
}

static enum end
attempt_post(struct entry *e, const struct policy_enter *s)
{
    const struct conf *conf = e->env->app->conf;
    struct sender_env env = {.http = e->env->http,
                             .secrets_dir = conf->secrets_dir.p ? conf->secrets_dir.p : ".",
                             .allow_http = conf->allow_http,
                             .private_hosts = conf->private_hosts.v,
                             .private_host_count = conf->private_hosts.n,
                             .stop = e->env->cancel};
    struct gr_str key = gr_arena_printf(e->arena, GR_FMT "|" GR_FMT, GR_ARG(e->effect->key), GR_ARG(s->name));
    struct gr_buf body = GR_BUF_INIT(BODY_BYTES_MAX);
    struct sender_result result;
    enum end end = END_LEFT;

    if (!key.p || !began(e, gr_arena_printf(e->arena, "POST " GR_FMT, GR_ARG(s->post->name))))
        return END_LEFT;
    print_body(&body, e, key);
    if (gr_buf_err(&body) == GR_OK) {
        sender_send(&env, s->post,
                    &(struct message){.kind = MESSAGE_TEST, .body = gr_buf_str(&body), .dedup_key = key},
                    gr_http_now_ms() + s->timeout_ms, &result);
        if (result.answer == SENDER_DONE)
            end = ended(e, STEP_DONE, gr_arena_dup(e->arena, gr_str(result.text)), END_DONE);
        else if (result.answer == SENDER_LATER && atomic_load(e->env->cancel))
            end = END_LEFT;
        else
            end = ended(e, STEP_FAILED, gr_arena_dup(e->arena, gr_str(result.text)),
                        result.answer == SENDER_NEVER ? END_HOPELESS : END_FAILED);
    }
    gr_buf_fini(&body);
    return end;
}

/* ---- the steps in order ---- */

static const struct outbox_step *
last_attempt(const struct entry *e, size_t n)
{
    const struct outbox_step *found = NULL;

    for (size_t i = 0; i < e->journal_count; i++)
        if (e->journal[i].n == (int64_t)n)
            found = &e->journal[i];
    return found;
}

/* Before the next attempt. False: it ends, and *end says how. */
static bool
pause_before(struct entry *e, int64_t attempt, enum end *end)
{
    int64_t ms = attempt > 5 ? BACKOFF_MS_MAX : (int64_t)BACKOFF_MS << (attempt - 1);

    for (; ms > 0; ms -= TURN_MS) {
        if (atomic_load(e->env->stop)) {
            *end = END_LEFT;
            return false;
        }
        if (!still_wanted(e)) {
            *end = END_WITHDRAWN;
            return false;
        }
        nap(TURN_MS);
    }
    return true;
}

/* Closes what a crash left open: it may have run, and will run again. */
static bool
take_up(struct entry *e, const struct policy_enter *s, size_t n, enum end *end)
{
    const struct outbox_step *last = last_attempt(e, n);

    e->step = (struct outbox_step){
        .effect_id = e->effect->id, .n = (int64_t)n, .attempt = last ? last->attempt : 0, .name = s->name};
    if (!last)
        return true;
    e->begun = true;
    if (last->state == STEP_RUNNING) {
        e->step.command = last->command;
        e->step.started_ms = last->started_ms;
        *end = ended(e, STEP_AMBIGUOUS, GR_STR("interrupted; runs again"), END_FAILED);
        return *end != END_LEFT;
    }
    *end = END_DONE;
    return last->state != STEP_DONE;
}

static enum end
run_step(struct entry *e, const struct policy_enter *s, size_t n)
{
    enum end end = END_FAILED;

    if (!take_up(e, s, n, &end))
        return end;
    for (uint32_t tries = 0;;) {
        if (atomic_load(e->env->stop))
            return END_LEFT;
        if (!still_wanted(e))
            return END_WITHDRAWN;
        e->step.attempt++;
        end = s->post ? attempt_post(e, s) : attempt_program(e, s);
        if (end != END_FAILED || tries++ == s->retries)
            return end;
        if (!pause_before(e, (int64_t)tries, &end))
            return end;
    }
}

static void
run_steps(struct entry *e)
{
    e->end = END_DONE;
    for (size_t i = 0; i < e->phase->enter_count && e->end == END_DONE; i++)
        e->end = run_step(e, &e->phase->on_enter[i], i);
    if (e->end != END_FAILED && e->end != END_HOPELESS)
        return;
    e->reason = gr_arena_printf(e->arena,
                                "the traffic split of " GR_FMT " could not be applied: step " GR_FMT
                                " failed: " GR_FMT ". Look which split is in force; then release resume, and "
                                "release advance again",
                                GR_ARG(e->effect->phase), GR_ARG(e->step.name), GR_ARG(e->step.detail));
    if (!e->reason.p)
        e->reason = GR_STR("a traffic split could not be applied");
}

void
enter_run(const struct enter_env *env, struct gr_arena *a, const struct outbox_effect *effect)
{
    struct entry *e = gr_arena_alloc(a, sizeof *e);
    struct gr_buf shares = GR_BUF_INIT(RELEASE_SHARES_BYTES);

    if (!e)
        return; /* stays running; looked at again at the next start */
    *e = (struct entry){.env = env, .arena = a, .effect = effect, .end = END_WITHDRAWN};
    if (!insist(e, job_load))
        return;
    if (wanted(e) && e->release.policy && (e->phase = policy_phase(e->release.policy, effect->phase))) {
        release_print_shares(&shares, &e->release, e->phase);
        e->values = (struct expand_values){.deployment_id = effect->deployment_id,
                                           .spec = e->release.policy->spec,
                                           .phase = effect->phase,
                                           .traffic_share = gr_arena_dup(a, gr_buf_str(&shares)),
                                           .stream = *e->release.stream_row};
        log_event(env->app->log, AT_INFO, "traffic split: applying", "deployment_id", effect->deployment_id.p,
                  "phase", effect->phase.p, "shares", e->values.traffic_share.p, (char *)NULL);
        run_steps(e);
    }
    gr_buf_fini(&shares);
    if (e->end == END_LEFT)
        return;
    log_event(env->app->log, e->end == END_DONE ? AT_INFO : AT_WARN, "traffic split: ended", "deployment_id",
              effect->deployment_id.p, "phase", effect->phase.p, "outcome",
              e->end == END_DONE        ? "applied"
              : e->end == END_WITHDRAWN ? "given up"
                                        : "failed",
              (char *)NULL);
    (void)insist(e, job_finish); /* if not: the next start comes here again by the journal */
    app_wake(env->app);
}
