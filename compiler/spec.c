/* spec.c - from a document to a model: reads, checks against the tables, then part by part, then as a
 * whole. */
#include "config.h"
#include "spec.h"
#include "spec_parts.h"

#include "guardrail/quote.h"

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
                    v.mant == 0 ? "a budget is more than 0%%: with none, no evidence would ever suffice"
                                : "a budget is less than 50%%: past that, tossing a coin would do");
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
    read_on_enter(s);
    read_guardrails(s);
    read_tail(s);
    read_kubernetes(s);
    read_deploy(s);
    check_spec(s);
    check_reactions(s);
}

/* ---- one document ---- */

enum gr_err
spec_document(const struct spec *of, const struct gr_node *root, struct gr_diags *d, struct model **out)
{
    struct spec s = {.a = of->a, .sources = of->sources, .d = d, .options = of->options, .root = root};
    enum gr_err err;

    GR_ASSERT(s.options.time_scale >= 1 && s.options.time_scale <= 1000);
    if (!(s.m = gr_arena_alloc(s.a, sizeof *s.m)))
        return GR_ENOMEM;
    s.m->arena = s.a;
    s.m->time_scale = s.options.time_scale;
    s.m->root = root;
    keys_check(&s, root, &spec_keys, false);
    if (!spec_poisoned(&s, root))
        read_parts(&s);
    if ((err = gr_arena_status(s.a)) != GR_OK || (err = gr_diags_status(d)) != GR_OK)
        return err;
    if ((err = spec_hash(&s, root, &s.m->spec_hash)) != GR_OK)
        return err;
    *out = s.m;
    return GR_OK;
}

/* Files that libyaml gave up on, or that have forbidden features, or that lack a file they name, are still checked as far as they go: but
 * nothing is missed in them, and no part is read, since what was lost may be what the rest builds on. */
static enum gr_err
check_layers(struct spec *s, const struct loaded *files)
{
    for (size_t i = 0; i < files->n; i++) {
        const struct load_layer *layer = &files->layers[i];

        s->overlay = gr_node_get(layer->root, "extends") != NULL;
        if (layer->root && (layer->root->kind == GR_NODE_MAP || !layer->broken))
            keys_check(s, layer->root, &spec_keys, true);
    }
    return gr_arena_status(s->a) != GR_OK ? GR_ENOMEM : GR_EUSER;
}

/* ---- all its files ---- */

/* path: where the file is, for those it names. */
static enum gr_err
read_files(struct spec *s, struct gr_str path, uint32_t file, struct model **out)
{
    struct loaded *files = gr_arena_alloc(s->a, sizeof *files);
    enum gr_err err;

    if (!files)
        return GR_ENOMEM;
    if (gr_sources_get(s->sources, file)->text.n > SPEC_BYTES_MAX) {
        gr_diag(s->d, GR0002, (struct gr_span){file, 0, 0},
                GR_STR("move guardrails to files of their own and `include` them"),
                "a file of a spec has at most %u bytes", SPEC_BYTES_MAX);
        return GR_EUSER;
    }
    if ((err = load_layers(s, path, file, files)) == GR_EUSER)
        return check_layers(s, files);
    if (err != GR_OK)
        return err;
    if (files->n == 1)
        return spec_document(s, files->layers[0].root, s->d, out);
    return read_overlays(s, files, out);
}

enum gr_err
spec_read(struct gr_arena *a, struct gr_sources *sources, uint32_t file, struct spec_options options,
          struct gr_diags *d, struct model **out)
{
    struct spec s = {.a = a, .sources = sources, .d = d, .options = options};
    struct gr_str path = gr_sources_get(sources, file)->name;
    const char *prefix = options.reader ? options.reader->prefix : NULL;

    if (prefix && gr_str_starts(path, gr_str(prefix)))
        path = gr_str_sub(path, strlen(prefix), path.n);
    return read_files(&s, path, file, out);
}

static enum gr_err
unreadable(struct gr_diags *d, struct gr_str name, const char *why, enum gr_err err)
{
    struct gr_buf quoted = GR_BUF_INIT(8192);

    if (err == GR_ENOMEM)
        return err;
    gr_quote_log(&quoted, name);
    if (err == GR_ELIMIT)
        gr_diag(d, GR0002, GR_SPAN_NONE, GR_STR("move guardrails to files of their own and `include` them"),
                "%s is larger than %u bytes", gr_buf_cstr(&quoted), SPEC_BYTES_MAX);
    else
        gr_diag(d, GR0001, GR_SPAN_NONE, GR_STR("check the path and its permissions"), "cannot read %s: %s",
                gr_buf_cstr(&quoted), why);
    gr_buf_fini(&quoted);
    return err;
}

enum gr_err
spec_open(struct gr_arena *a, struct gr_sources *sources, const char *path, struct spec_options options,
          struct gr_diags *d, struct model **out)
{
    const struct load_reader *reader = options.reader ? options.reader : &load_files;
    struct gr_buf text = GR_BUF_INIT(SPEC_BYTES_MAX), name = GR_BUF_INIT(8192);
    uint32_t file = 0;
    enum gr_err err = reader->read(reader->context, path, false, &text);

    gr_buf_printf(&name, "%s%s", reader->prefix ? reader->prefix : "", path);
    if (err == GR_OK)
        err = gr_buf_err(&name);
    if (err == GR_OK)
        err = gr_sources_add(sources, gr_buf_str(&name), gr_buf_str(&text), &file);
    if (err == GR_OK)
        err = spec_read(a, sources, file, options, d, out);
    else
        err = unreadable(d, gr_buf_str(&name),
                         reader->why ? reader->why(reader->context, path, err) : gr_err_name(err), err);
    gr_buf_fini(&text);
    gr_buf_fini(&name);
    return err;
}
