#include "config.h"
#include "verdicts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "gate.h"
#include "guardrail/quote.h"
#include "metrics.h"
#include "prom.h"

/* Samples by guardrail, so that each expected slice is looked for among its own alone. */
struct entry {
    const struct policy_guardrail *guardrail;
    const struct prom_sample *sample;
    bool taken;
};
struct asking {
    struct app *app;
    struct gr_arena *arena;
    struct gr_http_client *http;
    const struct release *release;
    int64_t deadline_ms;
    struct verdicts *out;
    struct entry *entries;
    size_t entry_count;
    struct prom_vector reasons;
};

const char *
verdict_name(int verdict)
{
    static const char *const names[] = {[GR_VERDICT_HEALTHY] = "healthy",
                                        [GR_VERDICT_INSUFFICIENT] = "insufficient",
                                        [GR_VERDICT_SOFT] = "soft",
                                        [GR_VERDICT_HARD] = "hard"};

    return verdict >= 0 && (size_t)verdict < GR_COUNT(names) ? names[verdict] : "none";
}

static int
verdict_of(double value)
{
    return value > -0.5 && value < 3.5 ? (int)(value + 0.5) : -1;
}

/* ---- asking ---- */

static bool
failed(struct asking *k, enum gr_err err, const struct prom_error *error)
{
    if (err == GR_OK)
        return false;
    metrics_add(k->app->metrics, COUNT_PROM_ERRORS, 1);
    (void)snprintf(k->out->error, sizeof k->out->error, "%s",
                   error->text[0] ? error->text : gr_err_name(err));
    return true;
}

static bool
ask_now(struct asking *k, const char *series, struct prom_vector *out)
{
    struct gr_buf query = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    struct prom_error error = {""};
    enum gr_err err;

    gr_buf_puts(&query, series);
    gr_buf_putc(&query, '{');
    gate_matchers(&query, k->release);
    gr_buf_putc(&query, '}');
    if ((err = gr_buf_err(&query)) == GR_OK)
        err = prom_query(k->http, k->app->conf->prometheus_url.p, gr_buf_str(&query), 0, k->deadline_ms,
                         k->arena, out, &error);
    gr_buf_fini(&query);
    return !failed(k, err, &error);
}

static bool
lower_only(const struct policy_guardrail *g)
{
    for (size_t i = 0; i < g->limit_count; i++)
        if (!gr_str_is(g->limits[i].side, "lower") && !gr_str_is(g->limits[i].side, "backstop_lower"))
            return false;
    return g->limit_count > 0;
}

/* max by (guardrail) (V), or of effects with nothing but lower limits the smallest:
 * max by (guardrail) (E{guardrail!~"a|b"}) or min by (guardrail) (E{guardrail=~"a|b"}) */
static void
put_worst(struct gr_buf *b, const struct asking *k, const char *series, bool effects)
{
    const struct policy *p = k->release->policy;
    struct gr_buf names = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);

    for (size_t i = 0; effects && i < p->guardrail_count; i++)
        if (lower_only(&p->guardrails[i])) {
            gr_buf_puts(&names, names.n > 0 ? "|" : "");
            gr_quote_regex(&names, p->guardrails[i].name);
        }
    for (int low = 0; low < (names.n > 0 ? 2 : 1); low++) {
        gr_buf_printf(b, "%s by (" GR_LABEL_GUARDRAIL ") (%s{", low ? " or min" : "max", series);
        gate_matchers(b, k->release);
        if (names.n > 0) {
            gr_buf_puts(b, "," GR_LABEL_GUARDRAIL);
            gr_buf_puts(b, low ? "=~" : "!~");
            gr_quote_promql(b, gr_buf_str(&names));
        }
        gr_buf_puts(b, "})");
    }
    gr_buf_fini(&names);
}

static bool
ask_range(struct asking *k, const char *series, bool effects, struct prom_matrix *out)
{
    struct gr_buf query = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    struct prom_range range = {.step_ms = k->out->step_ms, .points = VERDICTS_POINTS};
    struct prom_error error = {""};
    enum gr_err err;

    range.start_ms = k->out->at_ms - (int64_t)(VERDICTS_POINTS - 1) * range.step_ms;
    put_worst(&query, k, series, effects);
    if ((err = gr_buf_err(&query)) == GR_OK)
        err = prom_query_range(k->http, k->app->conf->prometheus_url.p, gr_buf_str(&query), &range,
                               k->deadline_ms, k->arena, out, &error);
    gr_buf_fini(&query);
    return !failed(k, err, &error);
}

/* ---- rows ---- */

static int
by_guardrail(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->guardrail->index != y->guardrail->index)
        return x->guardrail->index < y->guardrail->index ? -1 : 1;
    return x->sample < y->sample ? -1 : x->sample > y->sample; /* places in one array: the answer's order */
}

static bool
sort_samples(struct asking *k, const struct prom_vector *v)
{
    if (!(k->entries = gr_arena_array(k->arena, v->count + 1, sizeof *k->entries)))
        return false;
    for (size_t i = 0; i < v->count; i++) {
        struct gr_str name = labels_get(v->samples[i].labels, GR_STR(GR_LABEL_GUARDRAIL));
        const struct policy_guardrail *g = name.n > 0 ? policy_guardrail(k->release->policy, name) : NULL;

        if (g)
            k->entries[k->entry_count++] = (struct entry){.guardrail = g, .sample = &v->samples[i]};
    }
    qsort(k->entries, k->entry_count, sizeof *k->entries, by_guardrail);
    return true;
}

/* The first of a guardrail's own; entry_count if there is none. */
static size_t
first_of(const struct asking *k, const struct policy_guardrail *g)
{
    size_t low = 0, high = k->entry_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (k->entries[middle].guardrail->index < g->index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct gr_str
reason_of(const struct asking *k, const struct policy_guardrail *g, struct label_set slice)
{
    for (size_t i = 0; i < k->reasons.count && i < GATE_REASONED_MAX; i++)
        if (gr_str_eq(labels_get(k->reasons.samples[i].labels, GR_STR(GR_LABEL_GUARDRAIL)), g->name) &&
            labels_within(slice, k->reasons.samples[i].labels))
            return labels_get(k->reasons.samples[i].labels, GR_STR("reason"));
    return GR_STR("");
}

static void
add_row(struct asking *k, const struct policy_guardrail *g, struct label_set slice, int verdict)
{
    struct verdict_row *row = &k->out->rows[k->out->row_count++];

    *row = (struct verdict_row){.guardrail = g, .slice = slice, .verdict = verdict, .reason = GR_STR("")};
    if (verdict == GR_VERDICT_INSUFFICIENT)
        row->reason = reason_of(k, g, slice);
}

static void
add_expected(struct asking *k, const struct policy_expected *e)
{
    for (size_t i = 0; i < e->slice_count; i++) {
        int verdict = -1;

        if (gate_slice_idle(k->release, e->slices[i]))
            continue;
        for (size_t n = first_of(k, e->guardrail);
             n < k->entry_count && k->entries[n].guardrail == e->guardrail; n++)
            if (labels_within(e->slices[i], k->entries[n].sample->labels)) {
                k->entries[n].taken = true;
                if (verdict_of(k->entries[n].sample->value) > verdict)
                    verdict = verdict_of(k->entries[n].sample->value);
            }
        add_row(k, e->guardrail, e->slices[i], verdict);
    }
}

/* What the policy does not list: slices that were found while it runs. */
static void
add_others(struct asking *k)
{
    struct label_set slice;

    for (size_t i = 0; i < k->entry_count; i++) {
        const struct policy_guardrail *g = k->entries[i].guardrail;

        if (k->entries[i].taken)
            continue;
        if (labels_pick(k->arena, k->entries[i].sample->labels, g->slice_labels, g->slice_label_count,
                        &slice) != GR_OK)
            slice = LABELS_NONE;
        add_row(k, g, slice, verdict_of(k->entries[i].sample->value));
    }
}

static int
in_policy_order(const void *a, const void *b)
{
    const struct verdict_row *x = a, *y = b;

    return x->guardrail->index < y->guardrail->index ? -1 : x->guardrail->index > y->guardrail->index;
}

static bool
make_rows(struct asking *k)
{
    const struct release *r = k->release;
    const struct policy_expected *e;
    size_t most = k->entry_count;

    for (size_t at = 0; (e = policy_expected_next(r->policy, *r->stream_row, r->phase_row, &at));)
        most += e->slice_count;
    if (!(k->out->rows = gr_arena_array(k->arena, most + 1, sizeof *k->out->rows)))
        return false;
    for (size_t at = 0; (e = policy_expected_next(r->policy, *r->stream_row, r->phase_row, &at));)
        add_expected(k, e);
    add_others(k);
    qsort(k->out->rows, k->out->row_count, sizeof *k->out->rows, in_policy_order);
    return true;
}

/* ---- lines ---- */

static const double *
values_of(const struct prom_matrix *m, struct gr_str guardrail)
{
    for (size_t i = 0; i < m->count; i++)
        if (gr_str_eq(labels_get(m->lines[i].labels, GR_STR(GR_LABEL_GUARDRAIL)), guardrail))
            return m->lines[i].values;
    return NULL;
}

static bool
make_lines(struct asking *k, const struct prom_matrix *verdicts, const struct prom_matrix *effects)
{
    const struct release *r = k->release;

    if (!(k->out->lines = gr_arena_array(k->arena, r->policy->guardrail_count + 1, sizeof *k->out->lines)))
        return false;
    for (size_t i = 0; i < r->policy->guardrail_count; i++) {
        const struct policy_guardrail *g = &r->policy->guardrails[i];
        struct verdict_line *line = &k->out->lines[k->out->line_count];
        const double *v, *e;

        if (!policy_guardrail_active(g, r->phase_row))
            continue;
        line->guardrail = g;
        v = values_of(verdicts, g->name);
        e = values_of(effects, g->name);
        for (size_t n = 0; n < VERDICTS_POINTS; n++) {
            line->verdicts[n] = v ? verdict_of(v[n]) : -1;
            line->effects[n] = e ? e[n] : (double)NAN;
        }
        k->out->line_count++;
    }
    return true;
}

static bool
any_insufficient(const struct prom_vector *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (verdict_of(v->samples[i].value) == GR_VERDICT_INSUFFICIENT)
            return true;
    return false;
}

static void
ask_all(struct asking *k)
{
    struct prom_vector v = {NULL, 0};
    struct prom_matrix verdicts = {NULL, 0}, effects = {NULL, 0};

    if (!ask_now(k, GR_SERIES_VERDICT, &v) ||
        (any_insufficient(&v) && !ask_now(k, "guardrail:insufficient", &k->reasons)) ||
        !ask_range(k, GR_SERIES_VERDICT, false, &verdicts) ||
        !ask_range(k, "guardrail:effect", true, &effects))
        return;
    if (!sort_samples(k, &v) || !make_rows(k) || !make_lines(k, &verdicts, &effects)) {
        k->out->row_count = k->out->line_count = 0;
        (void)snprintf(k->out->error, sizeof k->out->error, "%s", gr_err_name(GR_ENOMEM));
    }
}

void
verdicts_ask(struct app *app, struct gr_arena *a, const struct release *r, int64_t now_ms,
             struct verdicts *out)
{
    struct asking k = {.app = app, .arena = a, .release = r, .out = out};
    enum gr_err err;

    memset(out, 0, sizeof *out);
    out->at_ms = now_ms;
    out->step_ms = VERDICTS_STEP_MS;
    if (!r->policy || !r->phase_row || !r->stream_row)
        return;
    out->step_ms = VERDICTS_STEP_MS / r->policy->time_scale;
    if (out->step_ms < 1000)
        out->step_ms = 1000;
    k.deadline_ms = gr_http_now_ms() + VERDICTS_MS;
    if (app->conf->prometheus_url.n == 0)
        (void)snprintf(out->error, sizeof out->error, "no prometheus_url is configured");
    else if ((err = gr_http_client_create(&(struct gr_http_options){.allow_http = true}, &k.http)) != GR_OK)
        (void)snprintf(out->error, sizeof out->error, "%s", gr_err_name(err));
    else
        ask_all(&k);
    gr_http_client_free(k.http);
}

/* ---- as JSON ---- */

static void
print_guardrail(struct jw *w, const struct verdicts *v, const struct verdict_line *line, size_t *at)
{
    size_t first = *at, end = first;
    int worst = -1;

    while (end < v->row_count && v->rows[end].guardrail == line->guardrail) {
        if (v->rows[end].verdict > worst)
            worst = v->rows[end].verdict;
        end++;
    }
    jw_open(w, NULL, '{');
    jw_str(w, "guardrail", line->guardrail->name);
    jw_text(w, "verdict", verdict_name(worst));
    jw_open(w, "slices", '[');
    for (size_t i = first; i < end; i++) {
        jw_open(w, NULL, '{');
        jw_labels(w, "slice", v->rows[i].slice);
        jw_text(w, "verdict", verdict_name(v->rows[i].verdict));
        if (v->rows[i].reason.n > 0)
            jw_str(w, "reason", v->rows[i].reason);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_open(w, "verdicts", '[');
    for (size_t i = 0; i < VERDICTS_POINTS; i++)
        if (line->verdicts[i] < 0)
            jw_null(w, NULL);
        else
            jw_i64(w, NULL, line->verdicts[i]);
    jw_close(w, ']');
    jw_open(w, "effects", '[');
    for (size_t i = 0; i < VERDICTS_POINTS; i++)
        jw_double(w, NULL, line->effects[i]);
    jw_close(w, ']');
    jw_close(w, '}');
    *at = end;
}

void
verdicts_print(struct jw *w, const struct verdicts *v)
{
    size_t at = 0;

    jw_time(w, "at", v->at_ms);
    jw_i64(w, "step_ms", v->step_ms);
    jw_text(w, "error", v->error[0] ? v->error : NULL);
    jw_open(w, "guardrails", '[');
    for (size_t i = 0; i < v->line_count; i++) {
        while (at < v->row_count && v->rows[at].guardrail->index < v->lines[i].guardrail->index)
            at++; /* of a guardrail that the phase does not look at */
        print_guardrail(w, v, &v->lines[i], &at);
    }
    jw_close(w, ']');
}
