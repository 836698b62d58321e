#include "config.h"
#include "jread.h"

#include "guardrail/number.h"

enum gr_err
jread(struct gr_arena *a, struct gr_str json, const struct gr_node **out)
{
    static const struct gr_node_limits limits = {.depth = 16, .nodes = 1000000, .scalar_bytes = 1u << 20};
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct gr_node *root = NULL;
    uint32_t file = 0;
    enum gr_err err = GR_ENOMEM;

    if (d && (err = gr_sources_add(sources, GR_STR("stored"), json, &file)) == GR_OK)
        err = gr_json_read(a, sources, file, &limits, d, &root);
    if (err == GR_OK)
        *out = root;
    gr_diags_free(d);
    gr_sources_free(sources);
    return err;
}

struct gr_str
jread_str(const struct gr_node *map, const char *name)
{
    const struct gr_node *n = gr_node_get(map, name);

    return n && n->kind == GR_NODE_SCALAR && n->text.p ? n->text : GR_STR("");
}

int64_t
jread_i64(const struct gr_node *map, const char *name, int64_t otherwise)
{
    int64_t v;

    return gr_parse_i64(jread_str(map, name), INT64_MIN, INT64_MAX, &v) == GR_OK ? v : otherwise;
}

double
jread_double(const struct gr_node *map, const char *name, double otherwise)
{
    double v;

    return gr_parse_double(jread_str(map, name), &v) == GR_OK ? v : otherwise;
}

bool
jread_bool(const struct gr_node *map, const char *name)
{
    return gr_str_is(jread_str(map, name), "true");
}

struct label_set
jread_labels(struct gr_arena *a, const struct gr_node *map, const char *name)
{
    const struct gr_node *n = gr_node_get(map, name);
    struct label *items;
    size_t count = 0;

    if (!n || n->kind != GR_NODE_MAP || !(items = gr_arena_array(a, n->count, sizeof *items)))
        return LABELS_NONE;
    gr_node_each (v, n)
        items[count++] = (struct label){v->key, v->text.p ? v->text : GR_STR("")};
    if (labels_sort(items, count) != GR_OK)
        return LABELS_NONE;
    return (struct label_set){items, count};
}
