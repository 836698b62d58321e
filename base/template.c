#include "config.h"
#include "guardrail/template.h"

#define NODES_MAX 1000u

const char *const gr_template_names[GR_TEMPLATE_NAMES] = {
    [GR_TEMPLATE_ACK_URL] = "ack_url",
    [GR_TEMPLATE_ACTION] = "action",
    [GR_TEMPLATE_AT] = "at",
    [GR_TEMPLATE_AUDIT] = "audit",
    [GR_TEMPLATE_BY] = "by",
    [GR_TEMPLATE_COMMANDS] = "commands",
    [GR_TEMPLATE_DASHBOARD_URL] = "dashboard_url",
    [GR_TEMPLATE_DEPLOYMENT_ID] = "deployment_id",
    [GR_TEMPLATE_DESCRIPTION] = "description",
    [GR_TEMPLATE_GUARDRAIL] = "guardrail",
    [GR_TEMPLATE_KEY] = "key",
    [GR_TEMPLATE_KIND] = "kind",
    [GR_TEMPLATE_LEVEL] = "level",
    [GR_TEMPLATE_LIMIT] = "limit",
    [GR_TEMPLATE_METRIC] = "metric",
    [GR_TEMPLATE_NOW] = "now",
    [GR_TEMPLATE_PHASE] = "phase",
    [GR_TEMPLATE_REASON] = "reason",
    [GR_TEMPLATE_RECORD] = "record",
    [GR_TEMPLATE_REFERENCE] = "reference",
    [GR_TEMPLATE_RELEASE] = "release",
    [GR_TEMPLATE_RUNBOOK_URL] = "runbook_url",
    [GR_TEMPLATE_SEVERITY] = "severity",
    [GR_TEMPLATE_SPEC] = "spec",
    [GR_TEMPLATE_SUMMARY] = "summary",
    [GR_TEMPLATE_TITLE] = "title",
    [GR_TEMPLATE_WHERE] = "where",
};

static bool
is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool
gr_template_next(struct gr_str text, size_t *at, size_t *from, struct gr_str *name)
{
    for (size_t i = *at; i < text.n; i++) {
        size_t end = i + 1;

        if (text.p[i] != '{')
            continue;
        while (end < text.n && is_name(text.p[end]))
            end++;
        if (end == i + 1 || end == text.n || text.p[end] != '}')
            continue;
        *from = i;
        *name = gr_str_sub(text, i + 1, end);
        *at = end + 1;
        return true;
    }
    *at = text.n;
    return false;
}

enum gr_template_name
gr_template_name(struct gr_str name)
{
    for (size_t i = 0; i < GR_TEMPLATE_NAMES; i++)
        if (gr_str_is(name, gr_template_names[i]))
            return (enum gr_template_name)i;
    return GR_TEMPLATE_NAMES;
}

/* Depth is bounded by the reader. */
static bool
check(const struct gr_node *node, struct gr_template_fault *fault)
{
    size_t at = 0, from;
    struct gr_str name;

    if (gr_template_next(node->key, &at, &from, &name)) {
        *fault = (struct gr_template_fault){"placeholders stand in values, not in keys", node->key};
        return false;
    }
    at = 0;
    while (node->kind == GR_NODE_SCALAR && gr_template_next(node->text, &at, &from, &name))
        if (gr_template_name(name) == GR_TEMPLATE_NAMES) {
            *fault = (struct gr_template_fault){"there is no placeholder of this name", name};
            return false;
        }
    if (node->kind == GR_NODE_MAP || node->kind == GR_NODE_LIST)
        gr_node_each (item, node)
            if (!check(item, fault))
                return false;
    return true;
}

enum gr_err
gr_template_read(struct gr_arena *a, struct gr_str text, const struct gr_node **out,
                 struct gr_template_fault *fault)
{
    static const struct gr_node_limits limits = {
        .depth = GR_TEMPLATE_DEPTH_MAX, .nodes = NODES_MAX, .scalar_bytes = GR_TEMPLATE_BYTES_MAX};
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct gr_node *root = NULL;
    uint32_t file = 0;
    enum gr_err err = GR_ENOMEM;

    *fault = (struct gr_template_fault){NULL, GR_STR_NONE};
    if (text.n > GR_TEMPLATE_BYTES_MAX) {
        *fault = (struct gr_template_fault){"it is longer than 16 KiB", GR_STR_NONE};
        err = GR_EUSER;
    } else if (d && (err = gr_sources_add(sources, GR_STR("template"), text, &file)) == GR_OK) {
        err = gr_json_read(a, sources, file, &limits, d, &root);
    }
    if (err == GR_EUSER && !fault->what)
        fault->what = "it is no JSON, or nested deeper than 8";
    if (err == GR_OK && root->kind != GR_NODE_MAP) {
        fault->what = "it is no JSON object";
        err = GR_EUSER;
    }
    if (err == GR_OK && !check(root, fault))
        err = GR_EUSER;
    if (err == GR_OK)
        *out = root;
    gr_diags_free(d);
    gr_sources_free(sources);
    return err;
}
