#include "config.h"
#include "metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include "auditor.h"
#include "enact.h"
#include "engine.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "guardrail/sys.h"
#include "outbox.h"
#include "recorder.h"
#include "release.h"
#include "request.h"

#define SERIES_BYTES_MAX (16u << 20)
#define ROUTES_MAX 64u
#define CIRCUITS_MAX 64u

static const int codes[] = {200, 201, 400, 401, 403, 404, 405, 409,
                            410, 411, 413, 415, 421, 503, 0}; /* 0: any other */

struct metrics {
    atomic_uint_fast64_t counters[METRICS_COUNTERS];
    atomic_uint_fast64_t requests[ROUTES_MAX + 1][GR_COUNT(codes)]; /* [route_count]: no route */
    pthread_mutex_t mutex;                                          /* guards the last good text */
    struct gr_buf last;
    bool stale;
};

static const struct {
    const char *name, *help;
} counters[METRICS_COUNTERS] = {
    [COUNT_ALERTS] = {"guardraild_alerts_total", "Alerts accepted and stored."},
    [COUNT_ALERTS_IGNORED] = {"guardraild_alerts_ignored_total",
                              "Accepted alerts that are not guardraild's to act on."},
    [COUNT_EFFECTS_NEW] = {"guardraild_effects_new_total", "Effects that alerts led to."},
    [COUNT_EFFECTS_KNOWN] = {"guardraild_effects_known_total",
                             "Effects asked for again that had happened before."},
    [COUNT_REAPED] = {"guardraild_connections_reaped_total", "Connections ended at a deadline."},
    [COUNT_DISPLACED] = {"guardraild_connections_displaced_total",
                         "Connections closed to make room for others."},
    [COUNT_AUTH_REFUSED] = {"guardraild_auth_refused_total",
                            "Requests without the token or certificate that they need."},
    [COUNT_RATE_REFUSED] = {"guardraild_rate_refused_total", "Requests past the rate, answered 503."},
    [COUNT_RELOADS] = {"guardraild_credential_reloads_total", "Credentials read anew and used since."},
    [COUNT_RELOAD_FAILURES] = {"guardraild_credential_reload_failures_total",
                               "New credentials not used because a file is wrong; the old ones stay."},
    [COUNT_STEPS] = {"guardraild_steps_total", "Attempts of rollback steps."},
    [COUNT_STEPS_FAILED] = {"guardraild_steps_failed_total",
                            "Attempts of rollback steps that did not succeed."},
    [COUNT_SENT] = {"guardraild_messages_sent_total", "Messages delivered."},
    [COUNT_SEND_RETRIES] = {"guardraild_message_retries_total", "Messages put back to be sent again."},
    [COUNT_PROM_ERRORS] = {"guardraild_prometheus_errors_total",
                           "Questions to Prometheus without an answer."},
};

struct metrics *
metrics_create(void)
{
    struct metrics *m = gr_sys.realloc(NULL, sizeof *m);

    if (!m)
        return NULL;
    memset(m, 0, sizeof *m);
    gr_buf_init(&m->last, SERIES_BYTES_MAX);
    if (pthread_mutex_init(&m->mutex, NULL) != 0) {
        gr_sys.free(m);
        return NULL;
    }
    return m;
}

void
metrics_free(struct metrics *m)
{
    if (!m)
        return;
    gr_buf_fini(&m->last);
    (void)pthread_mutex_destroy(&m->mutex);
    gr_sys.free(m);
}

void
metrics_add(struct metrics *m, enum metrics_counter which, uint64_t n)
{
    atomic_fetch_add(&m->counters[which], n);
}

void
metrics_request(struct metrics *m, const char *method, const char *path, int status)
{
    size_t route = 0, code = 0;

    GR_ASSERT(route_count <= ROUTES_MAX);
    while (route < route_count &&
           (strcmp(routes[route].path, path) != 0 || strcmp(routes[route].method, method) != 0))
        route++;
    while (codes[code] != 0 && codes[code] != status)
        code++;
    atomic_fetch_add(&m->requests[route][code], 1);
}

/* ---- the text ---- */

static void
head(struct gr_buf *b, const char *name, const char *type, const char *help)
{
    gr_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_label(struct gr_buf *b, const char *name, struct gr_str value, bool first)
{
    if (!first)
        gr_buf_putc(b, ',');
    gr_buf_puts(b, name);
    gr_buf_puts(b, "=\"");
    gr_quote_exposition(b, value);
    gr_buf_putc(b, '"');
}

/* {spec="…",<release labels>,deployment_id="…" and leaves the brace open. */
static void
put_release_labels(struct gr_buf *b, const struct release *r)
{
    gr_buf_putc(b, '{');
    put_label(b, GR_LABEL_SPEC, r->policy->spec, true);
    for (size_t i = 0; i < r->stream_row->count; i++)
        put_label(b, r->stream_row->items[i].name.p, r->stream_row->items[i].value, false);
    put_label(b, GR_LABEL_DEPLOYMENT, gr_str(r->deployment_id), false);
}

/* Exposition wants the samples of one name together, so each name has its own buffer. */
struct series {
    struct app *app;
    struct gr_buf phase, start, share, accepted, state, hold, rollback, rollback_end, failed;
    struct outbox_counts counts;
    struct audit_head audit;
    uint32_t storm_streams, storm_max;
};

/* A release that is being rolled back still stands in its phase; one that was rolled back or aborted stands
 * in none. */
static bool
stands_in_phase(const struct release *r)
{
    return release_state_active(r->state) || r->state == RELEASE_SEALED;
}

static enum gr_err
put_starts(struct db *db, struct series *s, const struct release *r)
{
    /* Of a phase that was entered more than once, the last time. */
    sqlite3_stmt *st = db_use(
        db, "SELECT phase, max(entered_ms) FROM phase WHERE release_id = ?1 GROUP BY phase ORDER BY max(n)");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        gr_buf_puts(&s->start, GR_SERIES_PHASE_START);
        put_release_labels(&s->start, r);
        put_label(&s->start, GR_LABEL_PHASE, db_text(st, 0), false);
        gr_buf_puts(&s->start, "} ");
        gr_double_print(&s->start, (double)db_i64(st, 1) / 1000.0);
        gr_buf_putc(&s->start, '\n');
    }
    return err;
}

static enum gr_err
put_accepted(struct db *db, struct series *s, const struct release *r)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT DISTINCT guardrail, level FROM episode WHERE release_id = ?1 AND guardrail <> ''"
                   " ORDER BY guardrail, level");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        gr_buf_puts(&s->accepted, GR_SERIES_ACCEPTED);
        put_release_labels(&s->accepted, r);
        put_label(&s->accepted, GR_LABEL_GUARDRAIL, db_text(st, 0), false);
        put_label(&s->accepted, GR_LABEL_LEVEL, db_text(st, 1), false);
        gr_buf_puts(&s->accepted, "} 1\n");
    }
    return err;
}

static void
put_rollback_time(struct gr_buf *b, const char *name, const struct release *r, sqlite3_stmt *st,
                  const char *state, int64_t ms)
{
    gr_buf_puts(b, name);
    put_release_labels(b, r);
    put_label(b, GR_LABEL_GUARDRAIL, db_text(st, 0), false);
    put_label(b, GR_LABEL_LEVEL, db_text(st, 1), false);
    if (state)
        put_label(b, "state", gr_str(state), false);
    gr_buf_puts(b, "} ");
    gr_double_print(b, (double)ms / 1000.0);
    gr_buf_putc(b, '\n');
}

/* The last rollback that was to be carried out: of the newest arming. What waits for a person has no end yet. */
static enum gr_err
put_rollback(struct db *db, struct series *s, const struct release *r)
{
    static const char *const ends[] = {"done", "failed", "ambiguous", "cancelled", "denied", "dead"};
    sqlite3_stmt *st =
        db_use(db, "SELECT guardrail, level, state, created_ms, coalesce(done_ms, 0) FROM effect"
                   " WHERE release_id = ?1 AND target = 'rollback' AND kind = 'rollback'"
                   " AND state NOT IN ('void', 'observed') ORDER BY epoch DESC LIMIT 1");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    if ((err = db_step(db, st, &row)) != GR_OK || !row)
        return err;
    put_rollback_time(&s->rollback, GR_SERIES_ROLLBACK_START, r, st, NULL, db_i64(st, 3));
    for (size_t i = 0; i < GR_COUNT(ends) && db_i64(st, 4) > 0; i++)
        if (gr_str_is(db_text(st, 2), ends[i]))
            put_rollback_time(&s->rollback_end, GR_SERIES_ROLLBACK_END, r, st, ends[i], db_i64(st, 4));
    db_end(st);
    return GR_OK;
}

#define COMMAND_BYTES_MAX 400u /* of a label; the journal has the whole */

/* Of a release that is halted because its newest rollback stopped: the step and its command. */
static enum gr_err
put_failed(struct db *db, struct series *s, const struct release *r)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT coalesce(s.name, ''), coalesce(s.argv, '') FROM effect e LEFT JOIN step s ON"
                   " s.effect_id = e.id WHERE e.id = (SELECT max(id) FROM effect WHERE release_id = ?1"
                   " AND target = 'rollback') AND e.state IN ('failed', 'ambiguous')"
                   " ORDER BY s.n DESC, s.attempt DESC LIMIT 1");
    struct gr_str command;
    size_t n;
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, r->id);
    if ((err = db_step(db, st, &row)) != GR_OK || !row)
        return err;
    command = db_text(st, 1);
    n = command.n < COMMAND_BYTES_MAX ? command.n : COMMAND_BYTES_MAX;
    while (n < command.n && n > 0 && ((unsigned char)command.p[n] & 0xc0) == 0x80)
        n--; /* not within a character */
    gr_buf_puts(&s->failed, GR_SERIES_ROLLBACK_FAILED);
    put_release_labels(&s->failed, r);
    put_label(&s->failed, "step", db_text(st, 0), false);
    put_label(&s->failed, "command", gr_str_sub(command, 0, n), false);
    gr_buf_puts(&s->failed, "} 1\n");
    db_end(st);
    return GR_OK;
}

static enum gr_err
put_release(struct db *db, const struct release *r, void *arg)
{
    struct series *s = arg;
    bool stands = stands_in_phase(r);
    enum gr_err err;

    if (!r->policy) /* ended under a policy that is not loaded any more */
        return GR_OK;
    for (size_t i = 0; i < r->policy->phase_count; i++) {
        const struct policy_phase *phase = &r->policy->phases[i];
        gr_buf_puts(&s->phase, GR_SERIES_PHASE);
        put_release_labels(&s->phase, r);
        put_label(&s->phase, GR_LABEL_PHASE, phase->name, false);
        gr_buf_printf(&s->phase, "} %d\n", stands && phase == r->phase_row);
    }
    for (size_t i = 0; stands && i < r->phase_row->traffic_count; i++) {
        gr_buf_puts(&s->share, GR_SERIES_SHARE);
        put_release_labels(&s->share, r);
        put_label(&s->share, "flow", r->phase_row->traffic[i].flow, false);
        gr_buf_puts(&s->share, "} ");
        gr_double_print(&s->share, release_share(r, r->phase_row, &r->phase_row->traffic[i]));
        gr_buf_putc(&s->share, '\n');
    }
    gr_buf_puts(&s->state, "guardraild_release_info");
    put_release_labels(&s->state, r);
    put_label(&s->state, "state", gr_str(release_state_name(r->state)), false);
    gr_buf_printf(&s->state, ",held=\"%s\"} 1\n", r->held || r->promotion_hold[0] ? "true" : "false");
    if (r->held && r->hold_until_ms) {
        gr_buf_puts(&s->hold, "guardraild_hold_until_seconds");
        put_release_labels(&s->hold, r);
        gr_buf_printf(&s->hold, "} %" PRId64 "\n", r->hold_until_ms / 1000);
    }
    if (r->state == RELEASE_HALTED && (err = put_failed(db, s, r)) != GR_OK)
        return err;
    if ((err = put_starts(db, s, r)) != GR_OK)
        return err;
    if ((err = put_rollback(db, s, r)) != GR_OK)
        return err;
    return put_accepted(db, s, r);
}

static enum gr_err
read_series(struct db *db, void *arg)
{
    struct series *s = arg;
    enum gr_err err;

    gr_buf_reset(&s->phase);
    gr_buf_reset(&s->start);
    gr_buf_reset(&s->share);
    gr_buf_reset(&s->accepted);
    gr_buf_reset(&s->state);
    gr_buf_reset(&s->hold);
    gr_buf_reset(&s->failed);
    gr_buf_reset(&s->rollback);
    gr_buf_reset(&s->rollback_end);
    if ((err = release_each(db, s->app->policies, true, 10000, put_release, s)) != GR_OK)
        return err;
    if ((err = outbox_count(db, &s->counts)) != GR_OK || (err = audit_head(db, &s->audit)) != GR_OK)
        return err;
    s->storm_max = s->app->conf->breaker.streams;
    return enact_storm(db, s->app, app_now_ms(), &s->storm_streams);
}

static void
print_breaker(struct gr_buf *b, const struct series *s)
{
    head(b, "guardraild_breaker_streams", "gauge",
         "Release streams whose rollback began within the breaker's window.");
    gr_buf_printf(b, "guardraild_breaker_streams %" PRIu32 "\n", s->storm_streams);
    head(b, "guardraild_breaker_open", "gauge",
         "1 while the storm breaker holds further rollbacks for a person.");
    gr_buf_printf(b, "guardraild_breaker_open %d\n", s->storm_streams >= s->storm_max);
    head(b, "guardraild_audit_records", "gauge",
         "Records of the audit log; also the number of its newest one.");
    gr_buf_printf(b, "guardraild_audit_records %" PRId64 "\n", s->audit.seq);
}

static void
print_effects(struct gr_buf *b, const struct outbox_counts *c, int64_t now_ms)
{
    int64_t dead = 0;

    head(b, "guardraild_effects", "gauge", "Effects in the store by target and state.");
    for (size_t i = 0; i < c->count; i++) {
        gr_buf_puts(b, "guardraild_effects{");
        put_label(b, "target", gr_str(c->rows[i].target), true);
        put_label(b, "state", gr_str(c->rows[i].state), false);
        gr_buf_printf(b, "} %" PRId64 "\n", c->rows[i].count);
        if (strcmp(c->rows[i].state, "dead") == 0)
            dead += c->rows[i].count;
    }
    head(b, "guardraild_dead_letters", "gauge", "Effects given up; guardrailctl deadletter list names them.");
    gr_buf_printf(b, "guardraild_dead_letters %" PRId64 "\n", dead);
    head(b, "guardraild_queue_age_seconds", "gauge",
         "Age of the oldest effect that waits to be carried out.");
    gr_buf_puts(b, "guardraild_queue_age_seconds ");
    /* Our clock may have gone back since. */
    gr_double_print(b, c->oldest_due_ms > 0 && c->oldest_due_ms < now_ms
                           ? (double)(now_ms - c->oldest_due_ms) / 1000.0
                           : 0.0);
    gr_buf_putc(b, '\n');
}

static void
print_circuits(struct app *app, struct gr_buf *b)
{
    struct courier_rest rests[CIRCUITS_MAX];
    size_t n = app->engine ? engine_circuits(app->engine, rests, CIRCUITS_MAX) : 0;

    head(b, "guardraild_target_resting_seconds", "gauge",
         "How long an action is left alone, for its target does not answer or asked for it.");
    for (size_t i = 0; i < n; i++) {
        gr_buf_puts(b, "guardraild_target_resting_seconds{");
        put_label(b, "target", gr_str(rests[i].target), true);
        put_label(b, "action", gr_str(rests[i].action), false);
        gr_buf_puts(b, "} ");
        gr_double_print(b, (double)rests[i].rest_ms / 1000.0);
        gr_buf_putc(b, '\n');
    }
}

/* The part that comes from the store, or its last good text. */
static void
print_stored(struct app *app, struct gr_buf *out)
{
    struct metrics *m = app->metrics;
    struct series s = {.app = app,
                       .phase = GR_BUF_INIT(SERIES_BYTES_MAX),
                       .start = GR_BUF_INIT(SERIES_BYTES_MAX),
                       .share = GR_BUF_INIT(SERIES_BYTES_MAX),
                       .accepted = GR_BUF_INIT(SERIES_BYTES_MAX),
                       .state = GR_BUF_INIT(SERIES_BYTES_MAX),
                       .hold = GR_BUF_INIT(SERIES_BYTES_MAX),
                       .failed = GR_BUF_INIT(SERIES_BYTES_MAX),
                       .rollback = GR_BUF_INIT(SERIES_BYTES_MAX),
                       .rollback_end = GR_BUF_INIT(SERIES_BYTES_MAX)};
    struct gr_buf text = GR_BUF_INIT(SERIES_BYTES_MAX);
    bool fresh = store_call(app->store, read_series, &s) == GR_OK;

    if (fresh) {
        head(&text, GR_SERIES_PHASE, "gauge",
             "1 for the phase that a release stands in, 0 for every other phase.");
        gr_buf_put(&text, gr_buf_str(&s.phase));
        head(&text, GR_SERIES_PHASE_START, "gauge", "When a phase was entered, in Unix seconds.");
        gr_buf_put(&text, gr_buf_str(&s.start));
        head(&text, GR_SERIES_SHARE, "gauge", "Planned canary share of the phase, 0 to 1.");
        gr_buf_put(&text, gr_buf_str(&s.share));
        head(&text, GR_SERIES_ACCEPTED, "gauge", "Breaches that guardraild has taken on.");
        gr_buf_put(&text, gr_buf_str(&s.accepted));
        head(&text, "guardraild_release_info", "gauge", "State of a release.");
        gr_buf_put(&text, gr_buf_str(&s.state));
        head(&text, "guardraild_hold_until_seconds", "gauge",
             "When an operator's hold ends, in Unix seconds.");
        gr_buf_put(&text, gr_buf_str(&s.hold));
        head(&text, GR_SERIES_ROLLBACK_FAILED, "gauge",
             "1 while a release is halted because its rollback stopped at this step.");
        gr_buf_put(&text, gr_buf_str(&s.failed));
        head(&text, GR_SERIES_ROLLBACK_START, "gauge",
             "When the last rollback was asked for, in Unix seconds.");
        gr_buf_put(&text, gr_buf_str(&s.rollback));
        head(&text, GR_SERIES_ROLLBACK_END, "gauge", "When the last rollback ended, in Unix seconds.");
        gr_buf_put(&text, gr_buf_str(&s.rollback_end));
        print_effects(&text, &s.counts, app_now_ms());
        print_breaker(&text, &s);
        fresh = gr_buf_err(&text) == GR_OK && gr_buf_err(&s.phase) == GR_OK &&
                gr_buf_err(&s.start) == GR_OK && gr_buf_err(&s.share) == GR_OK &&
                gr_buf_err(&s.accepted) == GR_OK && gr_buf_err(&s.state) == GR_OK &&
                gr_buf_err(&s.hold) == GR_OK && gr_buf_err(&s.failed) == GR_OK &&
                gr_buf_err(&s.rollback) == GR_OK && gr_buf_err(&s.rollback_end) == GR_OK;
    }
    pthread_mutex_lock(&m->mutex);
    if (fresh) {
        gr_buf_reset(&m->last);
        gr_buf_put(&m->last, gr_buf_str(&text));
    }
    m->stale = !fresh;
    gr_buf_put(out, gr_buf_str(&m->last));
    pthread_mutex_unlock(&m->mutex);
    head(out, "guardraild_series_stale", "gauge",
         "1 while the store does not answer and the series above are the last known.");
    gr_buf_printf(out, "guardraild_series_stale %d\n", !fresh);
    gr_buf_fini(&s.phase);
    gr_buf_fini(&s.start);
    gr_buf_fini(&s.share);
    gr_buf_fini(&s.accepted);
    gr_buf_fini(&s.state);
    gr_buf_fini(&s.hold);
    gr_buf_fini(&s.failed);
    gr_buf_fini(&s.rollback);
    gr_buf_fini(&s.rollback_end);
    gr_buf_fini(&text);
}

static void
print_policy(struct app *app, struct gr_buf *out)
{
    const struct policy *p = policies_current(app->policies);

    head(out, GR_SERIES_POLICY, "gauge", "The policy in force and the mode.");
    gr_buf_puts(out, GR_SERIES_POLICY "{");
    put_label(out, GR_LABEL_SPEC, p->spec, true);
    put_label(out, "spec_hash", p->spec_hash, false);
    put_label(out, "mode", gr_str(daemon_mode_name(app->conf->mode)), false);
    gr_buf_puts(out, "} 1\n");
    head(out, "guardraild_policy_stale", "gauge",
         "1 while the policy's file could not be used and the one read before is in force.");
    gr_buf_printf(out, "guardraild_policy_stale %d\n", atomic_load(&app->policy_stale));
    head(out, "guardraild_config_stale", "gauge",
         "1 while the configuration's file is wrong, or has settings that wait for a restart.");
    gr_buf_printf(out, "guardraild_config_stale %d\n", atomic_load(&app->config_stale));
    head(out, "guardraild_build_info", "gauge", "The program's version and its SQLite's.");
    gr_buf_printf(out, "guardraild_build_info{version=\"%s\",sqlite=\"%s\"} 1\n", PACKAGE_VERSION,
                  store_engine_version());
    head(out, "guardraild_start_time_seconds", "gauge", "When the process started, in Unix seconds.");
    gr_buf_puts(out, "guardraild_start_time_seconds ");
    gr_double_print(out, (double)app->started_ms / 1000.0);
    gr_buf_putc(out, '\n');
    head(out, "guardraild_watchdog_last_seconds", "gauge",
         "The watchdog's last beat, in Unix seconds; 0: none since the start.");
    gr_buf_puts(out, "guardraild_watchdog_last_seconds ");
    gr_double_print(out, (double)atomic_load(&app->watchdog.unix_ms) / 1000.0);
    gr_buf_putc(out, '\n');
    head(out, "guardraild_blind", "gauge", "1 when the watchdog has been silent for too long.");
    gr_buf_printf(out, "guardraild_blind %d\n", app_blind(app));
}

static void
print_store(struct app *app, struct gr_buf *out)
{
    struct store_state st;
    uint64_t sum = 0;

    store_state(app->store, &st);
    head(out, "guardraild_store_up", "gauge", "1 when the last transaction was committed.");
    gr_buf_printf(out, "guardraild_store_up %d\n", !st.failed && st.last == GR_OK);
    head(out, "guardraild_store_errors_total", "counter", "Transactions that were not committed.");
    gr_buf_printf(out, "guardraild_store_errors_total %" PRIu64 "\n", st.errors);
    head(out, "guardraild_store_low", "gauge",
         "1 while the disk's reserve is reached and alerts are refused.");
    gr_buf_printf(out, "guardraild_store_low %d\n", st.low);
    head(out, "guardraild_store_free_bytes", "gauge",
         "Free bytes of the disk below the store; -1: not known.");
    gr_buf_printf(out, "guardraild_store_free_bytes %" PRId64 "\n", st.free_bytes);
    head(out, "guardraild_store_queue", "gauge", "Jobs that wait for the store.");
    gr_buf_printf(out, "guardraild_store_queue %zu\n", st.queued);
    head(out, "guardraild_commit_seconds", "histogram",
         "Time from the start of a transaction to its commit.");
    for (size_t i = 0; i < GR_COUNT(store_latency_ms); i++) {
        sum += st.latency_count[i];
        gr_buf_puts(out, "guardraild_commit_seconds_bucket{le=\"");
        gr_double_print(out, store_latency_ms[i] / 1000.0);
        gr_buf_printf(out, "\"} %" PRIu64 "\n", sum);
    }
    sum += st.latency_count[GR_COUNT(store_latency_ms)];
    gr_buf_printf(out,
                  "guardraild_commit_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\nguardraild_commit_seconds_sum ",
                  sum);
    gr_double_print(out, st.latency_sum_ms / 1000.0);
    gr_buf_printf(out, "\nguardraild_commit_seconds_count %" PRIu64 "\n", sum);
}

static void
print_counters(struct app *app, struct gr_buf *out)
{
    struct metrics *m = app->metrics;
    struct auditor_state audit = {.written_seq = 0};

    for (size_t i = 0; i < METRICS_COUNTERS; i++) {
        head(out, counters[i].name, "counter", counters[i].help);
        gr_buf_printf(out, "%s %" PRIu64 "\n", counters[i].name, (uint64_t)atomic_load(&m->counters[i]));
    }
    head(out, "guardraild_credentials_stale", "gauge",
         "1 while credential files are wrong and the ones read before are used.");
    gr_buf_printf(out, "guardraild_credentials_stale %d\n", atomic_load(&app->credentials_stale));
    if (atomic_load(&app->tls_expires_s) != 0) {
        head(out, "guardraild_tls_certificate_expiry_seconds", "gauge",
             "When the own certificate expires, in Unix seconds.");
        gr_buf_printf(out, "guardraild_tls_certificate_expiry_seconds %" PRId64 "\n",
                      (int64_t)atomic_load(&app->tls_expires_s));
    }
    head(out, "guardraild_log_lines_lost_total", "counter", "Log lines that could not be written.");
    gr_buf_printf(out, "guardraild_log_lines_lost_total %" PRIu64 "\n", log_lost(app->log));
    head(out, "guardraild_record_failures_total", "counter",
         "Decision records that could not be written at a try.");
    gr_buf_printf(out, "guardraild_record_failures_total %" PRIu64 "\n",
                  app->recorder ? recorder_failures(app->recorder) : (uint64_t)0);
    if (app->auditor)
        auditor_state(app->auditor, &audit);
    head(out, "guardraild_audit_written_records", "gauge",
         "Records of the audit log that stand in its files.");
    gr_buf_printf(out, "guardraild_audit_written_records %" PRId64 "\n", audit.written_seq);
    head(out, "guardraild_audit_failures_total", "counter",
         "Tries at writing the audit log's files that did not succeed.");
    gr_buf_printf(out, "guardraild_audit_failures_total %" PRIu64 "\n", audit.failures);
    head(out, "guardraild_http_requests_total", "counter", "Requests by route and answer.");
    for (size_t r = 0; r <= route_count; r++)
        for (size_t c = 0; c < GR_COUNT(codes); c++) {
            uint64_t n = atomic_load(&m->requests[r][c]);
            if (n == 0)
                continue;
            gr_buf_printf(
                out, "guardraild_http_requests_total{method=\"%s\",route=\"%s\",code=\"%d\"} %" PRIu64 "\n",
                r < route_count ? routes[r].method : "", r < route_count ? routes[r].path : "", codes[c], n);
        }
}

void
metrics_print(struct app *app, struct gr_buf *out)
{
    print_stored(app, out);
    print_policy(app, out);
    print_store(app, out);
    print_circuits(app, out);
    print_counters(app, out);
}
