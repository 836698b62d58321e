#include "config.h"
#include "snapshot.h"

#include <math.h>
#include "guardrail/quote.h"
#include "jread.h"
#include "jw.h"
#include "prom.h"

struct taker {
    struct gr_http_client *http;
    struct gr_str url;
    const struct snapshot_subject *s;
    struct gr_arena *arena;
    int64_t deadline_ms;
    struct prom_vector verdicts;
    struct prom_error error; /* the first */
};

static bool
ask(struct taker *t, struct gr_str query, struct prom_vector *out)
{
    struct prom_error error = {""};
    enum gr_err err =
        prom_query(t->http, t->url.p, query, t->s->at_ms, t->deadline_ms, t->arena, out, &error);

    if (err == GR_OK)
        return true;
    if (t->error.text[0] == '\0') {
        if (error.text[0])
            t->error = error;
        else
            memcpy(t->error.text, "no answer", sizeof "no answer");
    }
    return false;
}

/* A sample that says whose it is must be ours. */
static bool
is_ours(const struct snapshot_subject *s, struct label_set labels)
{
    struct gr_str id = labels_get(labels, GR_STR(GR_LABEL_DEPLOYMENT)),
                  phase = labels_get(labels, GR_STR(GR_LABEL_PHASE));

    return labels_within(s->stream, labels) && (!id.p || gr_str_eq(id, s->deployment_id)) &&
           (!phase.p || gr_str_eq(phase, s->phase->name));
}

static int
verdict_of(const struct taker *t, const struct policy_guardrail *g, struct label_set slice)
{
    for (size_t i = 0; i < t->verdicts.count; i++) {
        const struct prom_sample *v = &t->verdicts.samples[i];
        if (gr_str_eq(labels_get(v->labels, GR_STR(GR_LABEL_GUARDRAIL)), g->name) &&
            is_ours(t->s, v->labels) && labels_within(slice, v->labels) && v->value > -0.5 && v->value < 3.5)
            return (int)(v->value + 0.5);
    }
    return -1;
}

/* Higher is worse, unless the guardrail has lower limits only; a worse verdict beats any value. */
static bool
is_worse(const struct policy_guardrail *g, const struct record_metric *a, const struct record_metric *b)
{
    bool upper = false, lower = false;

    for (size_t i = 0; i < g->limit_count; i++) {
        upper |= gr_str_is(g->limits[i].side, "upper") || gr_str_is(g->limits[i].side, "backstop");
        lower |= gr_str_is(g->limits[i].side, "lower");
    }
    if (a->verdict != b->verdict)
        return a->verdict > b->verdict;
    if (upper && lower)
        return fabs(a->value) > fabs(b->value);
    return lower ? a->value < b->value : a->value > b->value;
}

static void
print_metric(struct jw *w, const struct record_metric *m)
{
    jw_open(w, NULL, '{');
    jw_str(w, "source", m->source);
    jw_str(w, "guardrail", m->guardrail);
    jw_str(w, "unit", m->unit);
    jw_labels(w, "slice", m->slice);
    jw_double(w, "value", m->value);
    jw_bool(w, "worst", m->worst);
    jw_i64(w, "verdict", m->verdict);
    jw_close(w, '}');
}

static void
take_one(struct taker *t, const struct policy_guardrail *g, struct jw *w)
{
    struct record_metric *list;
    struct prom_vector v = {NULL, 0};
    size_t n = 0, worst = 0;

    if (!ask(t, g->snapshot_query, &v) || !(list = gr_arena_array(t->arena, v.count + 1, sizeof *list)))
        return;
    for (size_t i = 0; i < v.count; i++) {
        struct record_metric *m = &list[n];
        if (!is_ours(t->s, v.samples[i].labels))
            continue;
        *m = (struct record_metric){.source = g->source,
                                    .guardrail = g->name,
                                    .unit = g->snapshot_unit,
                                    .value = v.samples[i].value * g->snapshot_scale};
        if (labels_pick(t->arena, v.samples[i].labels, g->slice_labels, g->slice_label_count, &m->slice) !=
            GR_OK)
            return;
        m->verdict = verdict_of(t, g, m->slice);
        if (n > 0 && is_worse(g, m, &list[worst]))
            worst = n;
        n++;
    }
    if (n == 0) /* nothing there is a fact too */
        list[n++] = (struct record_metric){.source = g->source,
                                           .guardrail = g->name,
                                           .unit = g->snapshot_unit,
                                           .value = (double)NAN,
                                           .verdict = -1};
    list[worst].worst = true;
    for (size_t i = 0; i < n; i++)
        print_metric(w, &list[i]);
}

static void
take_verdicts(struct taker *t)
{
    struct gr_buf query = GR_BUF_INIT(4096);

    gr_buf_puts(&query, GR_SERIES_VERDICT "{" GR_LABEL_SPEC "=");
    gr_quote_promql(&query, t->s->policy->spec);
    gr_buf_puts(&query, "," GR_LABEL_DEPLOYMENT "=");
    gr_quote_promql(&query, t->s->deployment_id);
    gr_buf_putc(&query, '}');
    if (gr_buf_err(&query) == GR_OK)
        (void)ask(t, gr_buf_str(&query), &t->verdicts); /* its error is kept */
    gr_buf_fini(&query);
}

void
snapshot_take(struct gr_http_client *http, struct gr_str prometheus_url, const struct snapshot_subject *s,
              struct gr_arena *a, struct gr_buf *out)
{
    struct taker t = {.http = http,
                      .url = prometheus_url,
                      .s = s,
                      .arena = a,
                      .deadline_ms = gr_http_now_ms() + SNAPSHOT_MS};
    struct jw w = JW_INIT(out);

    jw_open(&w, NULL, '{');
    jw_open(&w, "metrics", '[');
    if (!http || prometheus_url.n == 0) {
        memcpy(t.error.text, "no Prometheus is configured", sizeof "no Prometheus is configured");
    } else {
        take_verdicts(&t);
        for (size_t i = 0; i < s->policy->guardrail_count && t.error.text[0] == '\0'; i++) {
            const struct policy_guardrail *g = &s->policy->guardrails[i];
            if (g->snapshot_query.n > 0 && policy_guardrail_active(g, s->phase))
                take_one(&t, g, &w);
        }
    }
    jw_close(&w, ']');
    jw_text(&w, "error", t.error.text);
    jw_close(&w, '}');
}

enum gr_err
snapshot_read(struct gr_arena *a, struct gr_str json, const struct record_metric **metrics, size_t *count,
              struct gr_str *error)
{
    const struct gr_node *root = NULL, *list;
    struct record_metric *out;
    size_t n = 0;
    enum gr_err err;

    if ((err = jread(a, json, &root)) != GR_OK)
        return err;
    list = gr_node_get(root, "metrics");
    if (!list || list->kind != GR_NODE_LIST)
        return GR_EUSER;
    if (!(out = gr_arena_array(a, list->count, sizeof *out)))
        return GR_ENOMEM;
    gr_node_each (v, list)
        out[n++] = (struct record_metric){.source = jread_str(v, "source"),
                                          .guardrail = jread_str(v, "guardrail"),
                                          .unit = jread_str(v, "unit"),
                                          .slice = jread_labels(a, v, "slice"),
                                          .value = jread_double(v, "value", (double)NAN),
                                          .worst = jread_bool(v, "worst"),
                                          .verdict = (int)jread_i64(v, "verdict", -1)};
    *metrics = out;
    *count = n;
    *error = jread_str(root, "error");
    return gr_arena_status(a);
}
