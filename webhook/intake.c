#include "config.h"
#include "intake.h"
#include "intake_read.h"

#include "guardrail/diag.h"
#include "guardrail/hash.h"
#include "guardrail/node.h"
#include "guardrail/number.h"

static const struct gr_node_limits body_limits = {
    .depth = INTAKE_DEPTH_MAX, .nodes = INTAKE_NODES_MAX, .scalar_bytes = 65536};

struct parser {
    struct gr_arena *arena;
    struct gr_buf *error;
    int64_t now_ms;
};

static enum gr_err
refuse(struct parser *p, const char *what, struct gr_str which)
{
    gr_buf_puts(p->error, what);
    if (which.n) {
        gr_buf_puts(p->error, ": ");
        gr_buf_put(p->error, gr_str_sub(which, 0, 64));
    }
    return GR_EUSER;
}

static bool
is_string(const struct gr_node *n)
{
    return n && n->kind == GR_NODE_SCALAR && n->style == GR_STYLE_QUOTED;
}

/* A member that must be a string. */
static enum gr_err
want_string(struct parser *p, const struct gr_node *map, const char *name, struct gr_str *out)
{
    const struct gr_node *n = gr_node_get(map, name);

    if (!is_string(n))
        return refuse(p, n ? "this member must be a string" : "a member is missing", gr_str(name));
    *out = n->text;
    return GR_OK;
}

static enum gr_err
parse_pairs(struct parser *p, const struct gr_node *map, const char *what, struct label_set *out)
{
    struct label *items;
    size_t n = 0;

    if (!map || map->kind != GR_NODE_MAP)
        return refuse(p, "an object of strings is expected", gr_str(what));
    if (map->count > INTAKE_LABELS_MAX)
        return refuse(p, "more than 64 entries", gr_str(what));
    if (!(items = gr_arena_array(p->arena, map->count, sizeof *items)))
        return GR_ENOMEM;
    gr_node_each (v, map) {
        if (!intake_name_ok(v->key))
            return refuse(p, "not a label name", v->key);
        if (!is_string(v))
            return refuse(p, "not a string", v->key);
        if (v->text.n > INTAKE_VALUE_BYTES_MAX)
            return refuse(p, "a value is longer than 4096 bytes", v->key);
        items[n++] = (struct label){v->key, v->text};
    }
    if (labels_sort(items, n) != GR_OK)
        return refuse(p, "a name comes twice", gr_str(what));
    *out = (struct label_set){items, n};
    return GR_OK;
}

static enum gr_err
parse_time(struct parser *p, const struct gr_node *map, const char *name, int64_t *out)
{
    struct gr_str text = GR_STR_NONE;
    enum gr_err err;

    if ((err = want_string(p, map, name, &text)) != GR_OK)
        return err;
    return intake_time(text, out) == GR_OK ? GR_OK : refuse(p, "not an RFC 3339 time", gr_str(name));
}

static enum gr_err
parse_status(struct parser *p, const struct gr_node *map, bool *firing)
{
    struct gr_str text = GR_STR_NONE;
    enum gr_err err;

    if ((err = want_string(p, map, "status", &text)) != GR_OK)
        return err;
    *firing = gr_str_is(text, "firing");
    return *firing || gr_str_is(text, "resolved") ? GR_OK
                                                  : refuse(p, "status is firing or resolved", GR_STR_NONE);
}

static enum gr_err
parse_alert(struct parser *p, const struct gr_node *node, struct intake_alert *out)
{
    struct gr_str fingerprint = GR_STR_NONE;
    enum gr_err err;

    if (node->kind != GR_NODE_MAP)
        return refuse(p, "an alert must be an object", GR_STR_NONE);
    if ((err = parse_status(p, node, &out->decide.firing)) != GR_OK)
        return err;
    if ((err = parse_pairs(p, gr_node_get(node, "labels"), "labels", &out->decide.labels)) != GR_OK)
        return err;
    if ((err = parse_pairs(p, gr_node_get(node, "annotations"), "annotations", &out->annotations)) != GR_OK)
        return err;
    if ((err = parse_time(p, node, "startsAt", &out->decide.starts_at_ms)) != GR_OK)
        return err;
    if ((err = parse_time(p, node, "endsAt", &out->decide.ends_at_ms)) != GR_OK)
        return err;
    if ((err = want_string(p, node, "generatorURL", &out->generator_url)) != GR_OK)
        return err;
    if ((err = want_string(p, node, "fingerprint", &fingerprint)) != GR_OK)
        return err;
    out->alertname = labels_get(out->decide.labels, GR_STR("alertname"));
    if (!out->alertname.p)
        return refuse(p, "an alert without alertname", GR_STR_NONE);
    out->decide.spec_hash = labels_get(out->annotations, GR_STR("spec_hash"));
    out->decide.common_cause = labels_get(out->annotations, GR_STR(GR_ANNOTATION_COMMON_CAUSE));
    out->decide.received_ms = p->now_ms;
    return GR_OK;
}

static enum gr_err
parse_alerts(struct parser *p, const struct gr_node *list, struct intake_batch *out)
{
    enum gr_err err;

    if (!list || list->kind != GR_NODE_LIST)
        return refuse(p, "alerts must be a list", GR_STR_NONE);
    if (list->count > INTAKE_ALERTS_MAX) {
        gr_buf_puts(p->error, "more than 10000 alerts");
        return GR_ELIMIT;
    }
    if (!(out->alerts = gr_arena_array(p->arena, list->count, sizeof *out->alerts)))
        return GR_ENOMEM;
    gr_node_each (v, list) {
        if ((err = parse_alert(p, v, &out->alerts[out->count])) != GR_OK)
            return err;
        out->count++;
    }
    return GR_OK;
}

/* Alertmanager before 0.16 leaves the member out. */
static enum gr_err
parse_truncated(struct parser *p, const struct gr_node *root, int64_t *out)
{
    const struct gr_node *n = gr_node_get(root, "truncatedAlerts");

    *out = 0;
    if (!n)
        return GR_OK;
    if (n->kind != GR_NODE_SCALAR || n->style == GR_STYLE_QUOTED ||
        gr_parse_i64(n->text, 0, INT32_MAX, out) != GR_OK)
        return refuse(p, "truncatedAlerts must be a whole number", GR_STR_NONE);
    return GR_OK;
}

static enum gr_err
parse_payload(struct parser *p, const struct gr_node *root, struct intake_batch *out)
{
    static const char *const objects[] = {"groupLabels", "commonLabels", "commonAnnotations"};
    struct gr_str version = GR_STR_NONE, url = GR_STR_NONE;
    struct label_set unused;
    bool firing;
    enum gr_err err;

    if (!root || root->kind != GR_NODE_MAP)
        return refuse(p, "the body must be an object", GR_STR_NONE);
    if ((err = want_string(p, root, "version", &version)) != GR_OK)
        return err;
    if (!gr_str_is(version, "4"))
        return refuse(p, "only payload version 4 is understood, this is", version);
    if ((err = want_string(p, root, "groupKey", &out->group_key)) != GR_OK)
        return err;
    if ((err = want_string(p, root, "receiver", &out->receiver)) != GR_OK)
        return err;
    if ((err = want_string(p, root, "externalURL", &url)) != GR_OK)
        return err;
    if ((err = parse_status(p, root, &firing)) != GR_OK)
        return err;
    if ((err = parse_truncated(p, root, &out->truncated)) != GR_OK)
        return err;
    for (size_t i = 0; i < GR_COUNT(objects); i++)
        if ((err = parse_pairs(p, gr_node_get(root, objects[i]), objects[i], &unused)) != GR_OK)
            return err;
    return parse_alerts(p, gr_node_get(root, "alerts"), out);
}

/* The first finding as one line, without the excerpt that is meant for a terminal. */
static void
first_finding(const struct gr_diags *d, struct gr_buf *error)
{
    struct gr_buf text = GR_BUF_INIT(1u << 20);
    struct gr_str rest, line;

    gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &text);
    rest = gr_buf_str(&text);
    if (gr_buf_err(&text) == GR_OK && gr_str_next(&rest, '\n', &line))
        gr_buf_put(error, gr_str_sub(line, 0, 400));
    else
        gr_buf_puts(error, "the body is not acceptable JSON");
    gr_buf_fini(&text);
}

/* Depth and how many members each list and object has, before memory is spent on them. Knows strings and brackets and nothing else;
 * what is no JSON is left to the reader. */
static enum gr_err
scan(struct gr_str body, struct gr_buf *error)
{
    struct {
        bool list;
        uint32_t commas;
    } open[INTAKE_DEPTH_MAX];
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < body.n; i++) {
        char c = body.p[i];

        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (depth == INTAKE_DEPTH_MAX) {
                gr_buf_puts(error, "nested deeper than 16");
                return GR_EUSER;
            }
            open[depth].list = c == '[';
            open[depth++].commas = 0;
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        } else if (c == ',' && depth > 0 &&
                   ++open[depth - 1].commas >=
                       (open[depth - 1].list ? INTAKE_ALERTS_MAX : INTAKE_MEMBERS_MAX)) {
            gr_buf_puts(error, open[depth - 1].list ? "more than 10000 alerts, or as long a list"
                                                    : "an object of more than 128 members");
            return open[depth - 1].list ? GR_ELIMIT : GR_EUSER;
        }
    }
    return GR_OK;
}

enum gr_err
intake_parse_thorough(struct gr_arena *a, struct gr_str body, int64_t now_ms, struct intake_batch *out,
                      struct gr_buf *error)
{
    struct parser p = {.arena = a, .error = error, .now_ms = now_ms};
    struct intake_batch batch = {.count = 0};
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct gr_node *root = NULL;
    uint32_t file = 0;
    enum gr_err err = GR_ENOMEM;

    if (!d || (err = scan(body, error)) != GR_OK)
        goto done;
    if ((err = gr_sources_add(sources, GR_STR("body"), body, &file)) != GR_OK)
        goto done;
    err = gr_json_read(a, sources, file, &body_limits, d, &root);
    if (err == GR_EUSER) {
        first_finding(d, error);
        goto done;
    }
    if (err == GR_OK && (err = parse_payload(&p, root, &batch)) == GR_OK)
        *out = batch;
done:
    gr_diags_free(d);
    gr_sources_free(sources);
    return err;
}

enum gr_err
intake_parse(struct gr_arena *a, struct gr_str body, int64_t now_ms, struct intake_batch *out,
             struct gr_buf *error)
{
    enum gr_err err = intake_read(a, body, now_ms, out);

    return err == GR_ESTATE ? intake_parse_thorough(a, body, now_ms, out, error) : err;
}

size_t
intake_beats(const struct intake_batch *batch)
{
    size_t n = 0;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->alerts[i].decide.firing && gr_str_is(batch->alerts[i].alertname, GR_ALERT_WATCHDOG))
            n++;
    return n;
}
