#include "config.h"
#include "policy_json.h"

#include <stdarg.h>

#include "expand.h"
#include "guardrail/number.h"

void
pj_fail(struct policy_reader *r, enum gr_code code, struct gr_span where, const char *fmt, ...)
{
    struct gr_buf text = GR_BUF_INIT(1024);
    va_list ap;

    va_start(ap, fmt);
    gr_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    gr_diag(r->d, code, where, GR_STR_NONE, "%s", gr_buf_cstr(&text));
    gr_buf_fini(&text);
    r->bad = true;
}

const struct gr_node *
pj_member(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need,
          enum gr_node_kind kind)
{
    const struct gr_node *node = gr_node_get(map, key);

    if (!map)
        return NULL;
    if (!node || node->kind == GR_NODE_NULL) {
        if (need == REQUIRED)
            pj_fail(r, GR0102, map->key.n > 0 ? map->key_span : map->span, "\"%s\" is missing", key);
        return NULL;
    }
    if (node->kind != kind) {
        pj_fail(r, GR0103, node->span, "\"%s\" must be %s, not %s", key, gr_node_kind_name(kind),
                gr_node_kind_name(node->kind));
        return NULL;
    }
    return node;
}

bool
pj_string(struct policy_reader *r, const struct gr_node *node, struct gr_str *out)
{
    struct gr_str copy;

    if (node->kind != GR_NODE_SCALAR || node->style == GR_STYLE_PLAIN) {
        pj_fail(r, GR0103, node->span, "a string is expected here");
        return false;
    }
    copy = gr_arena_dup(r->arena, node->text);
    if (!copy.p) {
        r->no_memory = true;
        return false;
    }
    *out = copy;
    return true;
}

bool
pj_text(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need,
        struct gr_str *out)
{
    const struct gr_node *node = pj_member(r, map, key, need, GR_NODE_SCALAR);

    if (!node)
        return false;
    if (need == REQUIRED && node->style != GR_STYLE_PLAIN && node->text.n == 0) {
        pj_fail(r, GR0108, node->span, "\"%s\" must not be empty", key);
        return false;
    }
    return pj_string(r, node, out);
}

bool
pj_name(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need,
        struct gr_str *out)
{
    struct gr_str name;

    if (!pj_text(r, map, key, need, &name))
        return false;
    if (!expand_value_ok(name)) {
        pj_fail(r, GR0104, gr_node_get(map, key)->span, "\"%s\" must match %s", key, GR_POLICY_VALUE_PATTERN);
        return false;
    }
    *out = name;
    return true;
}

bool
pj_bool(struct policy_reader *r, const struct gr_node *map, const char *key, bool *out)
{
    const struct gr_node *node = pj_member(r, map, key, OPTIONAL, GR_NODE_SCALAR);

    if (!node)
        return false;
    if (node->style != GR_STYLE_PLAIN ||
        (!gr_str_is(node->text, "true") && !gr_str_is(node->text, "false"))) {
        pj_fail(r, GR0103, node->span, "\"%s\" must be true or false", key);
        return false;
    }
    *out = gr_str_is(node->text, "true");
    return true;
}

bool
pj_int(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need, int64_t min,
       int64_t max, int64_t *out)
{
    const struct gr_node *node = pj_member(r, map, key, need, GR_NODE_SCALAR);

    if (!node)
        return false;
    if (node->style != GR_STYLE_PLAIN || gr_parse_i64(node->text, min, max, out) != GR_OK) {
        pj_fail(r, GR0209, node->span, "\"%s\" must be a whole number from %lld to %lld", key, (long long)min,
                (long long)max);
        return false;
    }
    return true;
}

bool
pj_double(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need, double min,
          double max, double *out)
{
    const struct gr_node *node = pj_member(r, map, key, need, GR_NODE_SCALAR);
    double value;

    if (!node)
        return false;
    if (node->style != GR_STYLE_PLAIN || gr_parse_double(node->text, &value) != GR_OK || value < min ||
        value > max) {
        pj_fail(r, GR0209, node->span, "\"%s\" must be a number from %g to %g", key, min, max);
        return false;
    }
    *out = value;
    return true;
}

bool
pj_choice(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need,
          const char *const *names, size_t count, size_t *out)
{
    const struct gr_node *node = pj_member(r, map, key, need, GR_NODE_SCALAR);
    struct gr_buf legal = GR_BUF_INIT(256);

    if (!node)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (node->style != GR_STYLE_PLAIN && gr_str_is(node->text, names[i])) {
            *out = i;
            gr_buf_fini(&legal);
            return true;
        }
        gr_buf_printf(&legal, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    pj_fail(r, GR0105, node->span, "\"%s\" must be one of %s", key, gr_buf_cstr(&legal));
    gr_buf_fini(&legal);
    return false;
}

void *
pj_array(struct policy_reader *r, const struct gr_node *list, size_t max, size_t size, size_t *count)
{
    void *items;

    if (!list)
        return NULL;
    if (list->count > max) {
        pj_fail(r, GR0002, list->span, "%zu entries are more than the %zu allowed", list->count, max);
        return NULL;
    }
    if (!(items = gr_arena_array(r->arena, list->count, size)))
        r->no_memory = true;
    else
        *count = list->count;
    return items;
}

bool
pj_texts(struct policy_reader *r, const struct gr_node *list, size_t max, const struct gr_str **out,
         size_t *count)
{
    size_t n = 0, seen = 0;
    struct gr_str *items = pj_array(r, list, max, sizeof *items, &n);

    if (!items)
        return false;
    gr_node_each (item, list) {
        if (!pj_string(r, item, &items[seen]))
            return false;
        for (size_t i = 0; i < seen; i++)
            if (gr_str_eq(items[i], items[seen])) {
                pj_fail(r, GR0106, item->span, "this name is listed twice");
                return false;
            }
        seen++;
    }
    *out = items;
    *count = n;
    return true;
}

bool
pj_is_label_name(struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
              (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return s.n > 0 && s.n <= 256;
}

bool
pj_labels(struct policy_reader *r, const struct gr_node *map, struct label_set *out)
{
    size_t n = 0, i = 0;
    struct label *items;

    if (map && map->kind != GR_NODE_MAP) {
        pj_fail(r, GR0103, map->span, "a map of labels is expected here");
        return false;
    }
    if (!(items = pj_array(r, map, LABELS_MAX, sizeof *items, &n)))
        return false;
    gr_node_each (item, map) {
        if (!pj_is_label_name(item->key)) {
            pj_fail(r, GR0104, item->key_span, "this is no label name");
            return false;
        }
        items[i].name = gr_arena_dup(r->arena, item->key);
        if (!pj_string(r, item, &items[i].value))
            return false;
        r->no_memory |= !items[i].name.p;
        i++;
    }
    if (r->no_memory ||
        labels_sort(items, n) != GR_OK) /* duplicate keys were a finding of the reader's already */
        return false;
    *out = (struct label_set){items, n};
    return true;
}
