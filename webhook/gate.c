#include "config.h"
#include "gate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include "guardrail/duration.h"
#include "guardrail/quote.h"
#include "metrics.h"
#include "prom.h"

void
gate_reason(struct gate *g, struct gr_arena *a, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    if (g->count == GATE_REASONS_MAX) {
        g->more++;
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    g->reasons[g->count++] = gr_arena_dup(a, gr_str(text));
}

bool
gate_is_open(const struct gate *g)
{
    return g->count == 0 || (g->overridden && g->firm == 0);
}

/* ---- what the store knows ---- */

struct facts {
    struct app *app;
    struct gr_arena *arena;
    struct gr_str deployment_id;
    struct gate *gate;
    int64_t now_ms;
};

/* Breaches of the phase that runs now. A hard one blocks even when it is over: that an alert ended is no
 * proof of health. A soft one blocks until somebody has reviewed it. */
static enum gr_err
ask_episodes(struct db *db, struct facts *f)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT guardrail, level, slice, open FROM episode WHERE release_id = ?1 AND phase = ?2"
                   " AND (open = 1 OR level = 'hard' OR (level = 'soft' AND acked < number))"
                   " ORDER BY level, guardrail, slice");
    enum gr_err err;
    bool row;

    db_bind_i64(db, st, 1, f->gate->release.id);
    db_bind_text(db, st, 2, f->gate->release.phase);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        struct gr_str name = db_text(st, 0), level = db_text(st, 1), slice = db_text(st, 2);
        if (db_i64(st, 3))
            gate_reason(f->gate, f->arena, GR_FMT " " GR_FMT ": open %s " GR_FMT, GR_ARG(name), GR_ARG(slice),
                        gr_str_is(level, "no_data") ? "alert" : "breach", GR_ARG(level));
        else if (gr_str_is(level, "hard"))
            gate_reason(f->gate, f->arena, GR_FMT " " GR_FMT ": a hard breach in this phase", GR_ARG(name),
                        GR_ARG(slice));
        else
            gate_reason(f->gate, f->arena,
                        GR_FMT " " GR_FMT
                               ": a soft breach is over and waits for its review: guardrailctl ack %s",
                        GR_ARG(name), GR_ARG(slice), f->gate->release.deployment_id);
    }
    return err;
}

static enum gr_err
ask_checks(struct db *db, struct facts *f)
{
    const struct release *r = &f->gate->release;
    const struct policy_phase *phase = r->phase_row;
    enum gr_err err;
    bool row;

    for (size_t i = 0; phase && i < phase->check_count; i++) {
        sqlite3_stmt *st =
            db_use(db, "SELECT passed, detail FROM check_result WHERE release_id = ?1 AND phase_n = ?2"
                       " AND name = ?3");
        db_bind_i64(db, st, 1, r->id);
        db_bind_i64(db, st, 2, r->phase_n);
        db_bind_str(db, st, 3, phase->checks[i].name);
        if ((err = db_step(db, st, &row)) != GR_OK)
            return err;
        if (!row)
            gate_reason(f->gate, f->arena, "check " GR_FMT " was not run yet; release advance runs it",
                        GR_ARG(phase->checks[i].name));
        else if (!db_i64(st, 0))
            gate_reason(f->gate, f->arena, "check " GR_FMT " failed: " GR_FMT, GR_ARG(phase->checks[i].name),
                        GR_ARG(db_text(st, 1)));
        db_end(st);
    }
    return GR_OK;
}

static void
judge_state(struct facts *f)
{
    const struct release *r = &f->gate->release;
    struct gr_buf until = GR_BUF_INIT(64);

    if (r->hold_until_ms)
        gr_time_print(&until, r->hold_until_ms);
    if (r->state != RELEASE_RUNNING)
        gate_reason(f->gate, f->arena, "the release is %s%s%s", release_state_name(r->state),
                    r->halt_reason[0] ? ": " : "", r->halt_reason);
    if (r->held)
        gate_reason(f->gate, f->arena, "held by %s%s%s: %s", r->hold_by, r->hold_until_ms ? " until " : "",
                    gr_buf_cstr(&until), r->hold_reason);
    gr_buf_fini(&until);
    if (!r->policy && release_state_active(r->state))
        gate_reason(f->gate, f->arena, "the policy that the release is pinned to is not loaded");
    f->gate->overridden = release_overridden(r, f->now_ms);
    if (r->entering[0])
        gate_reason(f->gate, f->arena, "the traffic split of %s is being applied", r->entering);
    f->gate->firm = f->gate->count;
    if (r->promotion_hold[0])
        gate_reason(f->gate, f->arena, "promotion is held: %s", r->promotion_hold);
    if (r->confirm_by_ms > 0)
        gate_reason(f->gate, f->arena,
                    "a rollback or abort waits for a person: guardrailctl release confirm %s, or deny",
                    r->deployment_id);
    else if (r->spent && r->state == RELEASE_RUNNING && app_acts(f->app))
        gate_reason(f->gate, f->arena,
                    "it is not armed, for a rollback was asked for already: guardrailctl release rearm %s",
                    r->deployment_id);
}

static void
judge_time(struct facts *f)
{
    const struct release *r = &f->gate->release;
    struct gr_buf text = GR_BUF_INIT(64), until = GR_BUF_INIT(64);
    int64_t left_ms;

    if (!r->phase_row || r->state != RELEASE_RUNNING)
        return;
    left_ms = release_ripe_ms(r) - f->now_ms;
    if (left_ms > 0) {
        gr_duration_print(&text, left_ms < 1000 ? 1000 : left_ms / 1000 * 1000);
        gr_time_print(&until, release_ripe_ms(r));
        gate_reason(f->gate, f->arena, "%s of the minimum duration remain, until %s%s", gr_buf_cstr(&text),
                    gr_buf_cstr(&until), r->extend_ms ? ", extended after a soft breach" : "");
    }
    if (f->now_ms > release_late_ms(r))
        gate_reason(f->gate, f->arena,
                    "the phase outlived its maximum duration: only an incident commander lets it go on "
                    "(guardrailctl release advance %s --override --commander NAME)",
                    r->deployment_id);
    if (app_blind(f->app))
        gate_reason(f->gate, f->arena, "the watchdog is silent: the guardrails are blind");
    gr_buf_fini(&text);
    gr_buf_fini(&until);
}

static enum gr_err
ask_store(struct db *db, void *arg)
{
    struct facts *f = arg;
    enum gr_err err;

    f->gate->count = f->gate->more = 0;
    if ((err = release_find(db, f->app->policies, f->deployment_id, &f->gate->release)) != GR_OK)
        return err;
    judge_state(f);
    judge_time(f);
    if (f->gate->release.state != RELEASE_RUNNING)
        return GR_OK;
    if ((err = ask_episodes(db, f)) != GR_OK)
        return err;
    return ask_checks(db, f);
}

/* ---- what Prometheus knows ---- */

void
gate_matchers(struct gr_buf *b, const struct release *r)
{
    gr_buf_puts(b, GR_LABEL_SPEC "=");
    gr_quote_promql(b, r->policy->spec);
    for (size_t i = 0; i < r->stream_row->count; i++) {
        gr_buf_putc(b, ',');
        gr_buf_put(b, r->stream_row->items[i].name);
        gr_buf_putc(b, '=');
        gr_quote_promql(b, r->stream_row->items[i].value);
    }
    gr_buf_puts(b, "," GR_LABEL_PHASE "=");
    gr_quote_promql(b, gr_str(r->phase));
    gr_buf_puts(b, "," GR_LABEL_DEPLOYMENT "=");
    gr_quote_promql(b, gr_str(r->deployment_id));
}

/* `a|b`: the guardrails of the phase that may stay without enough data. */
static void
print_thin_names(struct gr_buf *b, const struct release *r)
{
    for (size_t i = 0; i < r->policy->guardrail_count; i++) {
        const struct policy_guardrail *g = &r->policy->guardrails[i];

        if (!g->thin_allow || !policy_guardrail_active(g, r->phase_row))
            continue;
        gr_buf_puts(b, b->n > 0 ? "|" : "");
        gr_quote_regex(b, g->name);
    }
}

/* V unless ignoring (reason) T or T * 0: the verdicts, but those that are insufficient for "thin" alone, where that is allowed, as 0.
 * guardrail:insufficient has one reason for each verdict, and "thin" is the last that it takes. */
enum gr_err
gate_query(struct gr_buf *b, const struct release *r)
{
    struct gr_buf names = GR_BUF_INIT(PROM_QUERY_BYTES_MAX), thin = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    enum gr_err err;

    gr_buf_puts(b, GR_SERIES_VERDICT "{");
    gate_matchers(b, r);
    gr_buf_putc(b, '}');
    print_thin_names(&names, r);
    if (names.n > 0) {
        gr_buf_puts(&thin, "guardrail:insufficient{");
        gate_matchers(&thin, r);
        gr_buf_puts(&thin, ",reason=\"thin\"," GR_LABEL_GUARDRAIL "=~");
        gr_quote_promql(&thin, gr_buf_str(&names));
        gr_buf_putc(&thin, '}');
        gr_buf_puts(b, " unless ignoring (reason) ");
        gr_buf_put(b, gr_buf_str(&thin));
        gr_buf_puts(b, " or ");
        gr_buf_put(b, gr_buf_str(&thin));
        gr_buf_puts(b, " * 0");
    }
    if ((err = gr_buf_err(&names)) == GR_OK && (err = gr_buf_err(&thin)) == GR_OK)
        err = gr_buf_err(b);
    gr_buf_fini(&names);
    gr_buf_fini(&thin);
    return err;
}

static struct gr_str
slice_text(struct gr_arena *a, struct label_set slice)
{
    struct gr_buf b = GR_BUF_INIT(4096);
    struct gr_str out;

    gr_buf_putc(&b, '{');
    labels_print(&b, slice);
    gr_buf_putc(&b, '}');
    out = gr_arena_dup(a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out.p ? out : GR_STR("{}");
}

static bool
is_zero(double v)
{
    return fabs(v) < 0.5; /* verdicts are 0, 1, 2, 3; NaN is not zero */
}

/* One guardrail's slices of which one thing is to be said. */
struct slices {
    struct gr_buf text;
    size_t count;
};

static void
slices_add(struct slices *l, struct gr_arena *a, struct label_set slice)
{
    if (l->count < GATE_SLICES_SHOWN) {
        gr_buf_puts(&l->text, l->count > 0 ? ", " : "");
        gr_buf_put(&l->text, slice_text(a, slice));
    }
    l->count++;
}

/* "error_rate {venue=XNAS}: insufficient (thin)", or "error_rate: insufficient (thin) in 12 slices: {…}, {…}, …". */
static void
slices_say(struct slices *l, struct gate *g, struct gr_arena *a, struct gr_str name, const char *what,
           struct gr_str why)
{
    const char *open = why.n > 0 ? " (" : "", *close = why.n > 0 ? ")" : "";

    if (l->count == 1)
        gate_reason(g, a, GR_FMT " %s: %s%s" GR_FMT "%s", GR_ARG(name), gr_buf_cstr(&l->text), what, open,
                    GR_ARG(why), close);
    else if (l->count > 1)
        gate_reason(g, a, GR_FMT ": %s%s" GR_FMT "%s in %zu slices: %s%s", GR_ARG(name), what, open,
                    GR_ARG(why), close, l->count, gr_buf_cstr(&l->text),
                    l->count > GATE_SLICES_SHOWN ? ", …" : "");
    gr_buf_fini(&l->text);
}

static struct label_set
slice_of(const struct gate *g, struct gr_arena *a, const struct prom_sample *s, struct gr_str name)
{
    const struct policy_guardrail *row = policy_guardrail(g->release.policy, name);
    struct label_set slice = LABELS_NONE;

    if (row && labels_pick(a, s->labels, row->slice_labels, row->slice_label_count, &slice) != GR_OK)
        slice = LABELS_NONE;
    return slice;
}

/* guardrail:insufficient's reason for a verdict; empty: it was not told. */
static struct gr_str
reason_of(const struct prom_vector *reasons, struct gr_str name, struct label_set slice)
{
    for (size_t i = 0; i < reasons->count; i++)
        if (gr_str_eq(labels_get(reasons->samples[i].labels, GR_STR(GR_LABEL_GUARDRAIL)), name) &&
            labels_within(slice, reasons->samples[i].labels))
            return labels_get(reasons->samples[i].labels, GR_STR("reason"));
    return GR_STR("");
}

/* What is to be said of one verdict. */
struct found {
    struct gr_str name, why;
    struct label_set slice;
    int verdict;
    bool said;
};

/* All of one guardrail of which the same is to be said are one reason; past the limit they are counted. */
static void
judge_samples(struct gate *g, struct gr_arena *a, const struct prom_vector *v,
              const struct prom_vector *reasons)
{
    static const char *const names[] = {"no valid verdict", "insufficient", "a soft breach", "a hard breach"};
    struct found *list = gr_arena_array(a, v->count ? v->count : 1, sizeof *list);
    size_t n = 0;

    for (size_t i = 0; list && i < v->count; i++) {
        const struct prom_sample *s = &v->samples[i];
        struct found f = {.name = labels_get(s->labels, GR_STR(GR_LABEL_GUARDRAIL))};

        if (is_zero(s->value))
            continue;
        f.verdict = s->value > 0.5 && s->value < 3.5 ? (int)(s->value + 0.5) : 0;
        f.slice = slice_of(g, a, s, f.name);
        if (f.verdict == 1 && n < GATE_REASONED_MAX)
            f.why = reason_of(reasons, f.name, f.slice);
        list[n++] = f;
    }
    for (size_t i = 0; i < n; i++) {
        struct slices l = {.text = GR_BUF_INIT(16384)};

        if (list[i].said)
            continue;
        if (g->count == GATE_REASONS_MAX) {
            g->more++;
            continue;
        }
        for (size_t k = i; k < n; k++)
            if (!list[k].said && list[k].verdict == list[i].verdict &&
                gr_str_eq(list[k].name, list[i].name) && gr_str_eq(list[k].why, list[i].why)) {
                slices_add(&l, a, list[k].slice);
                list[k].said = true;
            }
        slices_say(&l, g, a, list[i].name, names[list[i].verdict], list[i].why);
    }
}

static bool
is_there(const struct prom_vector *v, struct gr_str guardrail, struct label_set slice)
{
    for (size_t i = 0; i < v->count; i++)
        if (gr_str_eq(labels_get(v->samples[i].labels, GR_STR(GR_LABEL_GUARDRAIL)), guardrail) &&
            labels_within(slice, v->samples[i].labels))
            return true;
    return false;
}

bool
gate_slice_idle(const struct release *r, struct label_set slice)
{
    struct gr_str flow = r->policy->flow_label.n > 0 ? labels_get(slice, r->policy->flow_label) : GR_STR_NONE;

    for (size_t i = 0; flow.n > 0 && i < r->phase_row->traffic_count; i++)
        if (gr_str_eq(r->phase_row->traffic[i].flow, flow))
            return !(release_share(r, r->phase_row, &r->phase_row->traffic[i]) > 0);
    return false;
}

static void
judge_missing(struct gate *g, struct gr_arena *a, const struct prom_vector *v)
{
    const struct release *r = &g->release;
    const struct policy_expected *e;

    for (size_t at = 0; (e = policy_expected_next(r->policy, *r->stream_row, r->phase_row, &at));) {
        struct slices l = {.text = GR_BUF_INIT(16384)};

        for (size_t i = 0; i < e->slice_count; i++)
            if (!gate_slice_idle(r, e->slices[i]) && !is_there(v, e->guardrail->name, e->slices[i]))
                slices_add(&l, a, e->slices[i]);
        slices_say(&l, g, a, e->guardrail->name, "no verdict", GR_STR(""));
    }
}

static bool
any_insufficient(const struct prom_vector *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->samples[i].value > 0.5 && v->samples[i].value < 1.5)
            return true;
    return false;
}

/* Why verdicts are insufficient. Without an answer they are just that. */
static void
ask_reasons(struct app *app, struct gr_arena *a, struct gr_http_client *http, const struct release *r,
            struct prom_vector *out)
{
    struct gr_buf query = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    struct prom_error error = {""};

    gr_buf_puts(&query, "guardrail:insufficient{");
    gate_matchers(&query, r);
    gr_buf_putc(&query, '}');
    if (gr_buf_err(&query) != GR_OK || prom_query(http, app->conf->prometheus_url.p, gr_buf_str(&query), 0,
                                                  gr_http_now_ms() + GATE_PROM_MS, a, out, &error) != GR_OK)
        *out = (struct prom_vector){NULL, 0};
    gr_buf_fini(&query);
}

static void
ask_prometheus(struct app *app, struct gr_arena *a, struct gate *g)
{
    struct gr_buf query = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    struct gr_http_client *http = NULL;
    struct prom_vector v, reasons = {NULL, 0};
    struct prom_error error = {""};
    enum gr_err err;

    if (app->conf->prometheus_url.n == 0) {
        gate_reason(g, a, "no prometheus_url is configured: there is no proof of health");
        g->unknown = true;
        return;
    }
    if ((err = gate_query(&query, &g->release)) == GR_OK &&
        (err = gr_http_client_create(&(struct gr_http_options){.allow_http = true}, &http)) == GR_OK)
        err = prom_query(http, app->conf->prometheus_url.p, gr_buf_str(&query), 0,
                         gr_http_now_ms() + GATE_PROM_MS, a, &v, &error);
    if (err == GR_OK) {
        if (any_insufficient(&v))
            ask_reasons(app, a, http, &g->release, &reasons);
        judge_samples(g, a, &v, &reasons);
        judge_missing(g, a, &v);
    } else {
        g->unknown = true;
        metrics_add(app->metrics, COUNT_PROM_ERRORS, 1);
        gate_reason(g, a, "Prometheus could not be asked: %s", error.text[0] ? error.text : gr_err_name(err));
    }
    gr_http_client_free(http);
    gr_buf_fini(&query);
}

enum gr_err
gate_ask(struct app *app, struct gr_arena *a, struct gr_str deployment_id, int64_t now_ms, struct gate *out)
{
    struct facts f = {.app = app, .arena = a, .deployment_id = deployment_id, .gate = out, .now_ms = now_ms};
    enum gr_err err;

    memset(out, 0, sizeof *out);
    if ((err = store_call(app->store, ask_store, &f)) != GR_OK)
        return err;
    if (out->release.state == RELEASE_RUNNING && out->release.policy)
        ask_prometheus(app, a, out);
    return gr_arena_status(a);
}

static enum gr_err
job_find(struct db *db, void *arg)
{
    struct facts *f = arg;

    return release_find(db, f->app->policies, f->deployment_id, &f->gate->release);
}

enum gr_err
gate_ask_of(struct app *app, struct gr_arena *a, struct gr_str deployment_id, struct gr_str phase,
            int64_t now_ms, struct gate *out, bool *no_phase)
{
    struct facts f = {.app = app, .arena = a, .deployment_id = deployment_id, .gate = out, .now_ms = now_ms};
    const struct release *r = &out->release;
    const struct policy_phase *p;
    enum gr_err err;

    *no_phase = false;
    memset(out, 0, sizeof *out);
    if (phase.n == 0)
        return gate_ask(app, a, deployment_id, now_ms, out);
    if ((err = store_call(app->store, job_find, &f)) != GR_OK)
        return err;
    if (r->state == RELEASE_SEALED && !r->policy)
        return GR_OK; /* it has passed every phase, and its policy is gone */
    if (!r->policy)
        return gate_ask(app, a, deployment_id, now_ms, out);
    if (!(p = policy_phase(r->policy, phase))) {
        *no_phase = true;
        return GR_ENOENT;
    }
    if (r->state == RELEASE_SEALED || (r->state == RELEASE_RUNNING && p->index < r->phase_row->index))
        return GR_OK;
    if (r->state == RELEASE_RUNNING && p->index > r->phase_row->index) {
        gate_reason(out, a, "the release has not come to " GR_FMT ": it is in %s", GR_ARG(phase), r->phase);
        out->firm = out->count;
        return gr_arena_status(a);
    }
    return gate_ask(app, a, deployment_id, now_ms, out);
}
