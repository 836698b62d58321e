#include "config.h"
#include "verdicts.h"

#include <math.h>
#include <stdio.h>
#include "gate.h"
#include "guardrail/quote.h"

#define ANSWER_BYTES_MAX (64u << 20) /* what is kept of an answer is copied */

const char *
verdict_name(enum verdict verdict)
{
    static const char *const names[] = {[VERDICT_HEALTHY] = "healthy",
                                        [VERDICT_INSUFFICIENT] = "insufficient",
                                        [VERDICT_SOFT] = "soft",
                                        [VERDICT_HARD] = "hard"};

    return (size_t)verdict < GR_COUNT(names) && names[verdict] ? names[verdict] : "none";
}

/* ---- now: the question and the answer ---- */

enum gr_err
verdicts_query(struct gr_buf *b, const struct release *r)
{
    gr_buf_puts(b, "{__name__=~\"" GR_SERIES_VERDICT "|guardrail:insufficient\",");
    gate_matchers(b, r);
    gr_buf_putc(b, '}');
    return gr_buf_err(b);
}

static enum verdict
verdict_of(double v)
{
    static const enum verdict by_number[] = {VERDICT_HEALTHY, VERDICT_INSUFFICIENT, VERDICT_SOFT,
                                             VERDICT_HARD};

    if (!(v > -0.5 && v < 3.5) || fabs(v - round(v)) > 0.01)
        return VERDICT_NONE;
    return by_number[(int)(v + 0.5)];
}

struct reading {
    struct gr_arena *arena, *scratch;
    const struct release *release;
    struct verdict_cell *cells;
    bool *told; /* of each cell: a sample told its verdict */
    size_t count;
    bool cut;
};

static struct verdict_cell *
add_cell(struct reading *g, const struct policy_guardrail *row, struct label_set slice)
{
    if (g->count == VERDICTS_CELLS_MAX) {
        g->cut = true;
        return NULL;
    }
    g->cells[g->count] =
        (struct verdict_cell){.guardrail = row,
                              .slice = slice,
                              .verdict = gate_slice_idle(g->release, slice) ? VERDICT_IDLE : VERDICT_NONE,
                              .why = GR_STR("")};
    return &g->cells[g->count++];
}

static void
add_expected(struct reading *g)
{
    const struct release *r = g->release;
    const struct policy_expected *e;

    for (size_t at = 0; (e = policy_expected_next(r->policy, *r->stream_row, r->phase_row, &at));)
        for (size_t i = 0; i < e->slice_count; i++)
            (void)add_cell(g, e->guardrail, e->slices[i]);
}

/* Texts of the answer are gone with it. */
static enum gr_err
copy_slice(struct gr_arena *a, struct label_set from, struct label_set *out)
{
    struct label *items = gr_arena_array(a, from.count ? from.count : 1, sizeof *items);

    if (!items)
        return GR_ENOMEM;
    for (size_t i = 0; i < from.count; i++)
        items[i] = (struct label){gr_arena_dup(a, from.items[i].name), gr_arena_dup(a, from.items[i].value)};
    *out = (struct label_set){items, from.count};
    return gr_arena_status(a);
}

static enum gr_err
read_sample(struct reading *g, const struct prom_sample *s, const struct policy_guardrail *row, bool reason)
{
    struct label_set slice;
    struct verdict_cell *cell = NULL;
    enum verdict verdict = verdict_of(s->value);
    enum gr_err err = labels_pick(g->scratch, s->labels, row->slice_labels, row->slice_label_count, &slice);

    for (size_t i = 0; err == GR_OK && i < g->count && !cell; i++)
        if (g->cells[i].guardrail == row && labels_equal(g->cells[i].slice, slice))
            cell = &g->cells[i];
    if (err != GR_OK || (reason && (!cell || cell->verdict != VERDICT_INSUFFICIENT)))
        return err;
    if (reason) {
        cell->why = gr_arena_dup(g->arena, labels_get(s->labels, GR_STR("reason")));
        return gr_arena_status(g->arena);
    }
    if (!cell && ((err = copy_slice(g->arena, slice, &slice)) != GR_OK || !(cell = add_cell(g, row, slice))))
        return err;
    if (!g->told[cell - g->cells] || verdict > cell->verdict) /* twice the same slice: the worse one counts */
        cell->verdict = verdict;
    g->told[cell - g->cells] = true;
    return GR_OK;
}

static int
in_order(const void *a, const void *b)
{
    const struct verdict_cell *x = a, *y = b;

    return (x->guardrail->index > y->guardrail->index) - (x->guardrail->index < y->guardrail->index);
}

/* What says whose it is must be ours: a server that answers something else is not believed. */
static bool
is_ours(const struct release *r, struct label_set labels)
{
    struct gr_str id = labels_get(labels, GR_STR(GR_LABEL_DEPLOYMENT)),
                  phase = labels_get(labels, GR_STR(GR_LABEL_PHASE));

    return labels_within(*r->stream_row, labels) && (!id.p || gr_str_is(id, r->deployment_id)) &&
           (!phase.p || gr_str_is(phase, r->phase));
}

/* Reasons after verdicts, for they belong to insufficient ones. A sample of a guardrail that the policy does not know is not ours. */
enum gr_err
verdicts_read(struct gr_arena *a, struct gr_arena *scratch, const struct release *r,
              const struct prom_vector *v, struct verdicts *out)
{
    struct reading g = {.arena = a,
                        .scratch = scratch,
                        .release = r,
                        .cells = gr_arena_array(a, VERDICTS_CELLS_MAX, sizeof(struct verdict_cell)),
                        .told = gr_arena_array(a, VERDICTS_CELLS_MAX, sizeof(bool))};
    enum gr_err err = GR_OK;

    if (!g.cells || !g.told)
        return GR_ENOMEM;
    add_expected(&g);
    for (int reasons = 0; reasons < 2; reasons++)
        for (size_t i = 0; i < v->count; i++) {
            const struct prom_sample *s = &v->samples[i];
            struct gr_str name = labels_get(s->labels, GR_STR(GR_LABEL_GUARDRAIL));
            const struct policy_guardrail *row = name.n ? policy_guardrail(r->policy, name) : NULL;
            bool is_reason = labels_get(s->labels, GR_STR("reason")).p != NULL;

            if (row && is_reason == (reasons == 1) && is_ours(r, s->labels) &&
                (err = read_sample(&g, s, row, is_reason)) != GR_OK)
                return err;
        }
    for (size_t i = 1; i < g.count; i++) /* mostly sorted; equal ones keep their order */
        for (size_t k = i; k > 0 && in_order(&g.cells[k], &g.cells[k - 1]) < 0; k--) {
            struct verdict_cell swap = g.cells[k];
            g.cells[k] = g.cells[k - 1];
            g.cells[k - 1] = swap;
        }
    out->cells = g.cells;
    out->count = g.count;
    out->cut = g.cut;
    return gr_arena_status(a);
}

/* ---- over time: the worst of each guardrail ---- */

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
put_worst(struct gr_buf *b, const struct release *r, const char *series, bool effects)
{
    const struct policy *p = r->policy;
    struct gr_buf names = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);

    for (size_t i = 0; effects && i < p->guardrail_count; i++)
        if (lower_only(&p->guardrails[i])) {
            gr_buf_puts(&names, names.n > 0 ? "|" : "");
            gr_quote_regex(&names, p->guardrails[i].name);
        }
    for (int low = 0; low < (names.n > 0 ? 2 : 1); low++) {
        gr_buf_printf(b, "%s by (" GR_LABEL_GUARDRAIL ") (%s{", low ? " or min" : "max", series);
        gate_matchers(b, r);
        if (names.n > 0) {
            gr_buf_puts(b, "," GR_LABEL_GUARDRAIL);
            gr_buf_puts(b, low ? "=~" : "!~");
            gr_quote_promql(b, gr_buf_str(&names));
        }
        gr_buf_puts(b, "})");
    }
    gr_buf_fini(&names);
}

static enum gr_err
ask_range(const struct verdicts_asking *k, const struct verdicts *v, bool effects, struct gr_arena *a,
          struct prom_matrix *out, struct prom_error *error)
{
    struct gr_buf query = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    struct prom_range range = {.step_ms = v->step_ms, .points = VERDICTS_POINTS};
    enum gr_err err;

    range.start_ms = v->at_ms - (int64_t)(VERDICTS_POINTS - 1) * range.step_ms;
    put_worst(&query, k->release, effects ? "guardrail:effect" : GR_SERIES_VERDICT, effects);
    if ((err = gr_buf_err(&query)) == GR_OK)
        err = prom_query_range(k->http, k->url.p, gr_buf_str(&query), &range, k->deadline_ms, a, out, error);
    gr_buf_fini(&query);
    return err;
}

static const double *
values_of(const struct prom_matrix *m, struct gr_str guardrail)
{
    for (size_t i = 0; i < m->count; i++)
        if (gr_str_eq(labels_get(m->lines[i].labels, GR_STR(GR_LABEL_GUARDRAIL)), guardrail))
            return m->lines[i].values;
    return NULL;
}

static enum gr_err
make_lines(struct gr_arena *a, const struct release *r, const struct prom_matrix *verdicts,
           const struct prom_matrix *effects, struct verdicts *out)
{
    struct verdict_line *lines = gr_arena_array(a, r->policy->guardrail_count + 1, sizeof *lines);

    if (!lines)
        return GR_ENOMEM;
    out->line_count = 0;
    for (size_t i = 0; i < r->policy->guardrail_count; i++) {
        const struct policy_guardrail *g = &r->policy->guardrails[i];
        struct verdict_line *line = &lines[out->line_count];
        const double *v = values_of(verdicts, g->name), *e = values_of(effects, g->name);

        if (!policy_guardrail_active(g, r->phase_row))
            continue;
        line->guardrail = g;
        for (size_t n = 0; n < VERDICTS_POINTS; n++) {
            line->verdicts[n] = v ? verdict_of(v[n]) : VERDICT_NONE;
            line->effects[n] = e ? e[n] : (double)NAN;
        }
        out->line_count++;
    }
    out->lines = lines;
    return GR_OK;
}

/* ---- asking ---- */

static void
say(char out[VERDICTS_ERROR_BYTES], enum gr_err err, const struct prom_error *error)
{
    (void)snprintf(out, VERDICTS_ERROR_BYTES, "%s", error->text[0] ? error->text : gr_err_name(err));
}

static int64_t
step_of(const struct release *r)
{
    int64_t step_ms = VERDICTS_STEP_MS / r->policy->time_scale;

    return step_ms < 1000 ? 1000 : step_ms;
}

static enum gr_err
ask_now(const struct verdicts_asking *k, struct gr_arena *a, struct gr_arena *answer, struct verdicts *out,
        struct prom_error *error)
{
    struct gr_buf query = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    struct prom_vector v = {NULL, 0};
    enum gr_err err = verdicts_query(&query, k->release);

    if (err == GR_OK)
        err = prom_query(k->http, k->url.p, gr_buf_str(&query), 0, k->deadline_ms, answer, &v, error);
    if (err == GR_OK)
        err = verdicts_read(a, answer, k->release, &v, out);
    gr_buf_fini(&query);
    return err;
}

static enum gr_err
ask_lines(const struct verdicts_asking *k, struct gr_arena *a, struct gr_arena *answer, struct verdicts *out,
          struct prom_error *error)
{
    struct prom_matrix verdicts = {NULL, 0}, effects = {NULL, 0};
    enum gr_err err;

    if ((err = ask_range(k, out, false, answer, &verdicts, error)) != GR_OK ||
        (err = ask_range(k, out, true, answer, &effects, error)) != GR_OK)
        return err;
    return make_lines(a, k->release, &verdicts, &effects, out);
}

enum gr_err
verdicts_ask(const struct verdicts_asking *k, struct gr_arena *a, struct verdicts *out)
{
    struct gr_arena *answer = gr_arena_create(ANSWER_BYTES_MAX);
    struct prom_error error = {""};
    enum gr_err err;

    *out = (struct verdicts){.at_ms = k->now_ms, .step_ms = step_of(k->release), .over_time = k->over_time};
    err = answer ? ask_now(k, a, answer, out, &error) : GR_ENOMEM;
    out->known = err == GR_OK;
    if (err != GR_OK) {
        say(out->error, err, &error);
    } else if (k->over_time) {
        enum gr_err line_err = ask_lines(k, a, answer, out, &error);

        if (line_err != GR_OK)
            say(out->line_error, line_err, &error);
    }
    gr_arena_free(answer);
    return err;
}

enum gr_err
verdicts_unknown(struct gr_arena *a, const struct release *r, const char *error, struct verdicts *out)
{
    struct prom_vector none = {NULL, 0};

    *out = (struct verdicts){.step_ms = step_of(r), .over_time = true};
    (void)snprintf(out->error, sizeof out->error, "%s", error);
    return verdicts_read(a, a, r, &none, out);
}

/* ---- as JSON ---- */

/* 0 healthy, 1 insufficient, 2 soft, 3 hard, as Prometheus has it. */
static void
print_number(struct jw *w, enum verdict verdict)
{
    static const int64_t numbers[VERDICTS] = {
        [VERDICT_INSUFFICIENT] = 1, [VERDICT_SOFT] = 2, [VERDICT_HARD] = 3};

    if (verdict == VERDICT_NONE || verdict == VERDICT_IDLE)
        jw_null(w, NULL);
    else
        jw_i64(w, NULL, numbers[verdict]);
}

static void
print_slices(struct jw *w, const struct verdict_cell *cells, size_t count)
{
    jw_open(w, "slices", '[');
    for (size_t i = 0; i < count; i++) {
        if (cells[i].verdict == VERDICT_IDLE)
            continue;
        jw_open(w, NULL, '{');
        jw_labels(w, "slice", cells[i].slice);
        jw_text(w, "verdict", verdict_name(cells[i].verdict));
        if (cells[i].why.n > 0)
            jw_str(w, "reason", cells[i].why);
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

static void
print_guardrail(struct jw *w, const struct verdict_line *line, const struct verdict_cell *cells, size_t count)
{
    enum verdict worst = VERDICT_IDLE;

    for (size_t i = 0; i < count; i++)
        if (cells[i].verdict > worst)
            worst = cells[i].verdict;
    jw_open(w, NULL, '{');
    jw_str(w, "guardrail", line->guardrail->name);
    jw_text(w, "verdict", verdict_name(worst));
    print_slices(w, cells, count);
    jw_open(w, "verdicts", '[');
    for (size_t i = 0; i < VERDICTS_POINTS; i++)
        print_number(w, line->verdicts[i]);
    jw_close(w, ']');
    jw_open(w, "effects", '[');
    for (size_t i = 0; i < VERDICTS_POINTS; i++)
        jw_double(w, NULL, line->effects[i]);
    jw_close(w, ']');
    jw_close(w, '}');
}

void
verdicts_print(struct jw *w, const struct verdicts *v, int64_t now_ms)
{
    const char *error = v->error[0] ? v->error : v->line_error;
    size_t at = 0;

    jw_time(w, "at", v->at_ms);
    jw_i64(w, "age_ms", v->at_ms > 0 && now_ms > v->at_ms ? now_ms - v->at_ms : 0);
    jw_i64(w, "step_ms", v->step_ms);
    jw_text(w, "error", error[0] ? error : NULL);
    jw_bool(w, "cut", v->cut);
    jw_open(w, "guardrails", '[');
    for (size_t i = 0; i < v->line_count; i++) {
        size_t end;

        while (at < v->count && v->cells[at].guardrail->index < v->lines[i].guardrail->index)
            at++; /* of a guardrail that the phase does not look at */
        for (end = at; end < v->count && v->cells[end].guardrail == v->lines[i].guardrail;)
            end++;
        print_guardrail(w, &v->lines[i], &v->cells[at], end - at);
        at = end;
    }
    jw_close(w, ']');
}
