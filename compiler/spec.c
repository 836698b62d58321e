/* spec.c - from a document to a model: reads, checks against the tables, then part by part, then as a
 * whole. */
#include "config.h"
#include "spec.h"
#include "spec_parts.h"

#define WEBHOOK_URL "http://127.0.0.1:9095"

static void
read_head(struct spec *s)
{
    struct model *m = s->m;
    const struct gr_node *webhook = spec_get(s, s->root, "webhook"),
                         *boards = spec_get(s, s->root, "dashboards");

    m->spec = spec_text(s, s->root, "spec");
    m->owner = spec_text(s, s->root, "owner");
    m->sampling_ms = spec_duration(s, s->root, "sampling", 0);
    m->scrape_ms = spec_duration(s, s->root, "scrape_interval", 0);
    m->webhook_url = spec_has(webhook, "url") ? spec_text(s, webhook, "url") : GR_STR(WEBHOOK_URL);
    m->webhook_token_file = spec_text(s, webhook, "token_file");
    m->dashboards_folder = spec_has(boards, "folder") ? spec_text(s, boards, "folder") : m->spec;
    m->grafana_url = spec_text(s, boards, "grafana_url");
}

static void
read_budgets(struct spec *s)
{
    static const char *const keys[] = {"false_rollback_budget", "false_alarm_budget"};
    struct model *m = s->m;

    m->false_rollback_budget = spec_share(s, s->root, keys[0]);
    m->false_alarm_budget = spec_share(s, s->root, keys[1]);
    for (size_t i = 0; i < GR_COUNT(keys); i++) {
        const struct gr_node *node = spec_get(s, s->root, keys[i]);
        struct gr_dec v = i == 0 ? m->false_rollback_budget : m->false_alarm_budget;

        if (node && (v.mant == 0 || gr_dec_cmp(v, GR_DEC(5, -1)) >= 0))
            gr_diag(s->d, GR0209, node->span, GR_STR("write 1% or the like"),
                    "a budget lies between 0%% and 50%%");
    }
    if (!spec_has(s->root, keys[1]))
        m->false_alarm_budget = m->false_rollback_budget;
}

/* What the spec says about observability and governance; it has no effect on the rules. */
static void
read_tail(struct spec *s)
{
    const struct gr_node *tracing = spec_get(s, s->root, "tracing"), *logs = spec_get(s, s->root, "logs");
    const struct gr_node *reports = spec_get(s, s->root, "reports");
    const struct gr_node *retention = spec_get(s, s->root, "retention");
    const struct gr_node *archive = spec_get(s, retention, "archive");
    struct model *m = s->m;

    m->tracing.given = tracing != NULL;
    m->tracing.canary_sampling = spec_share(s, tracing, "canary_sampling");
    m->tracing.other_sampling =
        spec_has(tracing, "other_sampling") ? spec_share(s, tracing, "other_sampling") : GR_DEC(5, -2);
    m->tracing.retention_ms = spec_duration(s, tracing, "retention", 0);
    m->tracing.attribute =
        spec_has(tracing, "attribute") ? spec_text(s, tracing, "attribute") : m->cohort_label;
    spec_refuse_twice(s, spec_get(s, logs, "fields"), "field");
    m->log_fields = spec_texts(s, logs, "fields");
    m->per_order_logs = spec_has(logs, "per_order") ? spec_text(s, logs, "per_order")
                        : logs                      ? GR_STR("all")
                                                    : GR_STR_NONE;
    m->order_field = spec_has(logs, "order_field") ? spec_text(s, logs, "order_field") : GR_STR("order_id");
    m->daily_report_to = spec_texts(s, spec_get(s, reports, "daily"), "to");
    m->monthly_report_to = spec_texts(s, spec_get(s, reports, "monthly"), "to");
    m->retention.decisions_ms = spec_duration(s, retention, "decisions", 0);
    m->retention.archive_within_ms = spec_duration(s, archive, "within", 0);
    m->retention.vault = spec_text(s, archive, "vault");
    m->change_log = spec_text(s, spec_get(s, s->root, "governance"), "change_log");
}

static void
read_parts(struct spec *s)
{
    read_head(s);
    read_budgets(s);
    read_release(s);
    read_expect(s);
    read_phases(s);
    read_actions(s);
    read_guardrails(s);
    read_tail(s);
    read_kubernetes(s);
    read_deploy(s);
    check_spec(s);
    check_reactions(s);
}

static enum gr_err
start(struct spec *s, struct spec_options options)
{
    size_t bytes = gr_sources_get(s->sources, s->file)->text.n;

    GR_ASSERT(options.time_scale >= 1 && options.time_scale <= 1000);
    s->m = gr_arena_alloc(s->a, sizeof *s->m);
    s->bad_bits = bytes + 1;
    s->bad = gr_arena_alloc(s->a, s->bad_bits / 8 + 1);
    if (!s->m || !s->bad)
        return GR_ENOMEM;
    s->m->arena = s->a;
    s->m->time_scale = options.time_scale;
    return GR_OK;
}

/* All that its reader found are keys that stand twice: then nothing of the document is missing. */
static bool
is_whole(const struct spec *s)
{
    struct gr_diag_view v;
    size_t i;

    for (i = 0; gr_diags_get(s->d, i, &v); i++)
        if (v.where.file == s->file && v.code != GR0006)
            return false;
    return i < GR_DIAGS_MAX;
}

/* A document that libyaml gave up on, or that has forbidden features, is still checked as far as it goes: but
 * nothing is missed in it, and no part is read, since what was lost may be what the rest builds on. */
static enum gr_err
check_document(struct spec *s)
{
    struct gr_node *root = NULL;
    enum gr_err err = gr_yaml_read(s->a, s->sources, s->file, &gr_node_limits_default, s->d, &root);

    if (err != GR_OK && err != GR_EUSER)
        return err;
    if (err == GR_EUSER && root && is_whole(s))
        err = GR_OK;
    if (root && (err == GR_OK || root->kind == GR_NODE_MAP))
        keys_check(s, root, &spec_keys, err != GR_OK);
    s->root = root;
    s->m->root = root;
    return err;
}

enum gr_err
spec_read(struct gr_arena *a, struct gr_sources *sources, uint32_t file, struct spec_options options,
          struct gr_diags *d, struct model **out)
{
    struct spec s = {.a = a, .sources = sources, .d = d, .file = file};
    enum gr_err err;

    if (gr_sources_get(sources, file)->text.n > SPEC_BYTES_MAX) {
        gr_diag(d, GR0002, (struct gr_span){file, 0, 0}, GR_STR("split the spec"),
                "a spec has at most %u bytes", SPEC_BYTES_MAX);
        return GR_EUSER;
    }
    if ((err = start(&s, options)) != GR_OK || (err = check_document(&s)) != GR_OK)
        return err;
    if (!spec_poisoned(&s, s.root))
        read_parts(&s);
    if ((err = gr_arena_status(a)) != GR_OK || (err = gr_diags_status(d)) != GR_OK)
        return err;
    if ((err = spec_hash(&s, s.root, &s.m->spec_hash)) != GR_OK)
        return err;
    *out = s.m;
    return GR_OK;
}
