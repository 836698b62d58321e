/* deploy/tracing_config.yaml, deploy/tempo_retention.yaml, deploy/log_enrichment.yaml: which traces are kept and for how long, and what the
 * canary's log records carry. The first and the last are parts of a configuration of the OpenTelemetry Collector (contrib), which merges
 * several --config files; receivers and exporters are the installation's own.
 *
 * Which pod is a canary is read from its label (the spec's cohort label), what changes during a release from its annotations
 * guardrail/<field>, which whoever moves the release on sets. The share of traffic follows from phase and flow and is written here. */
#include "config.h"
#include "emit_deploy.h"

#include "backend.h"
#include "guardrail/quote.h"
#include "kube.h"

#define TEXT_BYTES_MAX 65536u

static void
put_head(const struct model *m, struct gr_buf *b, const char *what)
{
    backend_header(m, b);
    gr_buf_printf(b, "\n%s", what);
}

/* "    - {tag_name: T, key: K, from: pod}" */
static void
put_extract(struct gr_buf *b, struct gr_str tag, const char *prefix, struct gr_str key)
{
    struct gr_buf full = GR_BUF_INIT(TEXT_BYTES_MAX);

    gr_buf_printf(&full, "%s" GR_FMT, prefix, GR_ARG(key));
    gr_buf_puts(b, "        - {tag_name: ");
    gr_quote_yaml(b, tag);
    gr_buf_puts(b, ", key: ");
    gr_quote_yaml(b, gr_buf_str(&full));
    gr_buf_puts(b, ", from: pod}\n");
    gr_buf_fini(&full);
}

/* -- traces ---------------------------------------------------------------------------------------------------------------- */

static void
put_percentage(struct gr_buf *b, struct gr_dec ratio)
{
    struct gr_dec percent;

    if (gr_dec_mul(ratio, GR_DEC(1, 2), &percent) != GR_OK) { /* not with the digits that a share can have */
        b->err = GR_ERANGE;
        return;
    }
    gr_buf_puts(b, "{sampling_percentage: ");
    gr_dec_print(b, percent);
    gr_buf_puts(b, "}");
}

static void
put_cohort(const struct model *m, struct gr_buf *b, bool others)
{
    gr_buf_puts(b, "{key: ");
    gr_quote_yaml(b, m->tracing.attribute);
    gr_buf_puts(b, ", values: [");
    gr_quote_yaml(b, m->canary);
    gr_buf_puts(b, others ? "], invert_match: true}" : "]}");
}

/* A share of one side: cohort and chance both have to say yes. */
static void
put_share(const struct model *m, struct gr_buf *b, bool others, struct gr_dec ratio)
{
    gr_buf_printf(
        b,
        "      - name: %s\n        type: and\n        and:\n          and_sub_policy:\n"
        "            - name: cohort\n              type: string_attribute\n              string_attribute: ",
        others ? "others" : "canary");
    put_cohort(m, b, others);
    gr_buf_puts(
        b, "\n            - name: share\n              type: probabilistic\n              probabilistic: ");
    put_percentage(b, ratio);
    gr_buf_putc(b, '\n');
}

/* Any policy that samples wins: with all of the canary kept, the chance of the others need not leave it out. */
static void
put_policies(const struct model *m, struct gr_buf *b)
{
    if (gr_dec_cmp(m->tracing.canary_sampling, GR_DEC(1, 0)) < 0) {
        put_share(m, b, false, m->tracing.canary_sampling);
        put_share(m, b, true, m->tracing.other_sampling);
        return;
    }
    gr_buf_puts(b, "      - name: canary\n        type: string_attribute\n        string_attribute: ");
    put_cohort(m, b, false);
    gr_buf_puts(b, "\n      - name: others\n        type: probabilistic\n        probabilistic: ");
    put_percentage(b, m->tracing.other_sampling);
    gr_buf_putc(b, '\n');
}

static enum gr_err
emit_sampling(const struct model *m, struct tree *t)
{
    struct gr_buf b = GR_BUF_INIT(KUBE_FILE_MAX);
    enum gr_err err;

    put_head(m, &b,
             "# Tail sampling for an OpenTelemetry Collector (contrib), merged with your own file: "
             "--config=base.yaml --config=tracing_config.yaml\n"
             "# All spans of a trace must reach the same collector: put the loadbalancing exporter "
             "(routing_key: traceID) in front of several.\n"
             "# Canary pods must not sample themselves (OTEL_TRACES_SAMPLER=always_on): what an SDK drops "
             "cannot be kept here.\n"
             "processors:\n  k8sattributes:\n    extract:\n      labels:\n");
    put_extract(&b, m->tracing.attribute, "", m->cohort_label);
    gr_buf_puts(&b, "  tail_sampling:\n    decision_wait: 10s\n    num_traces: 50000\n    policies:\n");
    put_policies(m, &b);
    gr_buf_puts(&b, "  batch: {}\nservice:\n  pipelines:\n    traces:\n      processors: [k8sattributes, "
                    "tail_sampling, batch]\n");
    err = tree_add(t, GR_STR("deploy/tracing_config.yaml"), &b);
    gr_buf_fini(&b);
    return err;
}

/* Tempo reads Go's durations, whose largest unit is the hour. A time scale is for rules; spans are kept as long as the spec says. */
static enum gr_err
emit_retention(const struct model *m, struct tree *t)
{
    struct gr_buf b = GR_BUF_INIT(KUBE_FILE_MAX);
    enum gr_err err;

    put_head(m, &b,
             "# Retention of spans in Grafana Tempo: merge it into Tempo's configuration. It holds for all "
             "tenants; to keep other services' spans\n"
             "# for another time, give canaries a tenant of their own and state it as that tenant's override "
             "(overrides: block_retention).\n"
             "compactor:\n  compaction:\n    block_retention: ");
    kube_duration(&b, m->tracing.retention_ms);
    gr_buf_putc(&b, '\n');
    err = tree_add(t, GR_STR("deploy/tempo_retention.yaml"), &b);
    gr_buf_fini(&b);
    return err;
}

enum gr_err
emit_tracing(const struct model *m, struct tree *t)
{
    enum gr_err err = GR_OK;

    if (m->tracing.given && m->tracing.canary_sampling.mant > 0)
        err = emit_sampling(m, t);
    if (err == GR_OK && m->tracing.given && m->tracing.retention_ms > 0)
        err = emit_retention(m, t);
    return err;
}

/* -- logs ------------------------------------------------------------------------------------------------------------------ */

/* Whether a statement may stand as it is: printable ASCII, nothing that ends a plain scalar. Ours all begin with a letter. */
static bool
is_plain(struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return false;
    return gr_str_find(s, GR_STR(": "), 0) == SIZE_MAX && gr_str_find(s, GR_STR(" #"), 0) == SIZE_MAX;
}

/* One statement or condition of OTTL, as an item of a list; empties text. */
static void
put_item(struct gr_buf *b, int indent, struct gr_buf *text)
{
    gr_buf_printf(b, "%*s- ", indent, "");
    if (is_plain(gr_buf_str(text)))
        gr_buf_put(b, gr_buf_str(text));
    else
        gr_quote_yaml(b, gr_buf_str(text));
    gr_buf_putc(b, '\n');
    if (gr_buf_err(text) != GR_OK)
        b->err = gr_buf_err(text);
    gr_buf_reset(text);
}

static void
put_attribute(struct gr_buf *b, const char *of, struct gr_str name)
{
    gr_buf_printf(b, "%sattributes[", of);
    gr_quote_json(b, name);
    gr_buf_puts(b, "]");
}

static void
put_field(struct gr_buf *b, struct gr_buf *text, struct gr_str field)
{
    gr_buf_puts(text, "set(");
    put_attribute(text, "", field);
    gr_buf_puts(text, ", ");
    put_attribute(text, "resource.", field);
    gr_buf_puts(text, ")");
    put_item(b, 10, text);
}

static void
put_phase_share(const struct model *m, struct gr_buf *b, struct gr_buf *text, const struct phase *p,
                const struct share *share)
{
    gr_buf_puts(text, "set(attributes[\"traffic_share\"], ");
    gr_dec_print(text, share ? share->ratio : GR_DEC(0, 0));
    if (!share || gr_dec_cmp(share->ratio, GR_DEC(1, 0)) == 0 || share->ratio.mant == 0)
        gr_buf_puts(text, ".0"); /* always a number of the same kind */
    gr_buf_puts(text, ") where resource.attributes[\"phase\"] == ");
    gr_quote_json(text, p->name);
    if (share && share->flow.n > 0) {
        gr_buf_puts(text, " and ");
        put_attribute(text, "", m->flow_label);
        gr_buf_puts(text, " == ");
        gr_quote_json(text, share->flow);
    }
    put_item(b, 10, text);
}

static void
put_shares(const struct model *m, struct gr_buf *b, struct gr_buf *text)
{
    for (size_t i = 0; i < m->n_phases; i++) {
        const struct phase *p = &m->phases[i];

        if (p->n_traffic == 0)
            put_phase_share(m, b, text, p, NULL);
        for (size_t k = 0; k < p->n_traffic; k++)
            put_phase_share(m, b, text, p, &p->traffic[k]);
    }
}

static bool
is_share(struct gr_str field)
{
    return gr_str_is(field, "traffic_share");
}

/* traffic_share needs the phase, whether or not that is a field too. */
static void
put_annotations(const struct model *m, struct gr_buf *b)
{
    bool share = false, phase = false;

    gr_buf_puts(b, "      annotations:\n");
    for (size_t i = 0; i < m->log_fields.n; i++) {
        share = share || is_share(m->log_fields.v[i]);
        phase = phase || gr_str_is(m->log_fields.v[i], "phase");
        if (!is_share(m->log_fields.v[i]))
            put_extract(b, m->log_fields.v[i], "guardrail/", m->log_fields.v[i]);
    }
    if (share && !phase)
        put_extract(b, GR_STR("phase"), "guardrail/", GR_STR("phase"));
}

static void
put_is_canary(const struct model *m, struct gr_buf *text, const char *op)
{
    put_attribute(text, "resource.", m->cohort_label);
    gr_buf_printf(text, " %s ", op);
    gr_quote_json(text, m->canary);
}

static void
put_transform(const struct model *m, struct gr_buf *b, struct gr_buf *text)
{
    gr_buf_puts(b, "  transform/canary:\n    error_mode: ignore\n    log_statements:\n      - context: log\n "
                   "       conditions:\n");
    put_is_canary(m, text, "==");
    put_item(b, 10, text);
    gr_buf_puts(b, "        statements:\n");
    for (size_t i = 0; i < m->log_fields.n; i++)
        if (is_share(m->log_fields.v[i]))
            put_shares(m, b, text);
        else
            put_field(b, text, m->log_fields.v[i]);
}

/* What the filter names is dropped. */
static void
put_filter(const struct model *m, struct gr_buf *b, struct gr_buf *text)
{
    gr_buf_puts(b, "  filter/per_order:\n    error_mode: ignore\n    logs:\n      log_record:\n");
    put_attribute(text, "", m->order_field);
    gr_buf_puts(text, " != nil");
    if (gr_str_is(m->per_order_logs, "canary")) {
        gr_buf_puts(text, " and ");
        put_is_canary(m, text, "!=");
    }
    put_item(b, 8, text);
}

enum gr_err
emit_logs(const struct model *m, struct tree *t)
{
    bool filters = gr_str_is(m->per_order_logs, "canary") || gr_str_is(m->per_order_logs, "none");
    struct gr_buf b = GR_BUF_INIT(KUBE_FILE_MAX), text = GR_BUF_INIT(TEXT_BYTES_MAX);
    enum gr_err err;

    if (m->log_fields.n == 0 && !filters)
        return GR_OK;
    put_head(m, &b,
             "# Log records of canary pods, for an OpenTelemetry Collector (contrib), merged with your own "
             "file. Whoever begins a phase tells the pods:\n"
             "#   kubectl annotate pods --overwrite -l ");
    gr_buf_printf(&b, GR_FMT "=" GR_FMT, GR_ARG(m->cohort_label), GR_ARG(m->canary));
    gr_buf_puts(&b, " guardrail/deployment_id=ID guardrail/phase=PHASE\n"
                    "processors:\n  k8sattributes/canary:\n    extract:\n      labels:\n");
    put_extract(&b, m->cohort_label, "", m->cohort_label);
    if (m->log_fields.n > 0) {
        put_annotations(m, &b);
        put_transform(m, &b, &text);
    }
    if (filters)
        put_filter(m, &b, &text);
    gr_buf_printf(&b,
                  "  batch: {}\nservice:\n  pipelines:\n    logs:\n      processors: [k8sattributes/canary, "
                  "%s%sbatch]\n",
                  m->log_fields.n > 0 ? "transform/canary, " : "", filters ? "filter/per_order, " : "");
    err = tree_add(t, GR_STR("deploy/log_enrichment.yaml"), &b);
    gr_buf_fini(&text);
    gr_buf_fini(&b);
    return err;
}
