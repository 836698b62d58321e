/* facts_read.c - facts.json read back. It may come from a checked-out branch: every key is known, every value has its type, order and
 * uniqueness are established here and not believed, and what is compared later cannot be out of range. */
#include "config.h"
#include "facts_parts.h"

#include <stdlib.h>

#include "guardrail/hash.h"
#include "guardrail/promql.h"

/* format, facts, guardrail, limit, slices, slice, labels: eight deep with the document. */
static const struct gr_node_limits json_limits = {
    .depth = 10, .nodes = 8000000, .scalar_bytes = GR_PROMQL_BYTES_MAX + 64};

struct in {
    struct gr_arena *a;
    struct gr_diags *d;
    bool bad; /* one finding is enough: the file is generated */
};

static bool
refuse(struct in *in, const struct gr_node *node, const char *what)
{
    if (!in->bad)
        gr_diag(in->d, GR0610, node ? node->span : GR_SPAN_NONE,
                GR_STR("compile the tree again, or compare with the specification itself"),
                "no facts of guardrailc: %s", what);
    in->bad = true;
    return false;
}

/* Every key of the map is one of these. */
static bool
only_keys(struct in *in, const struct gr_node *map, const char *const *keys, size_t n)
{
    if (!map || map->kind != GR_NODE_MAP)
        return refuse(in, map, "an object is wanted");
    gr_node_each (entry, map) {
        size_t i = 0;

        while (i < n && !gr_str_is(entry->key, keys[i]))
            i++;
        if (i == n)
            return refuse(in, entry, "an unknown key");
    }
    return true;
}

static bool
get_text(struct in *in, const struct gr_node *map, const char *name, struct gr_str *out)
{
    const struct gr_node *node = gr_node_get(map, name);

    if (!node || node->kind != GR_NODE_SCALAR || node->style != GR_STYLE_QUOTED)
        return refuse(in, node ? node : map, "a text is wanted");
    *out = node->text;
    return true;
}

static bool
get_number(struct in *in, const struct gr_node *map, struct gr_dec *out)
{
    const struct gr_node *node = gr_node_get(map, "number");

    if (!node || node->kind != GR_NODE_SCALAR || node->style != GR_STYLE_PLAIN ||
        gr_dec_parse(node->text, out) != GR_OK)
        return refuse(in, node ? node : map, "a plain number is wanted");
    return true;
}

/* NULL: refused. */
static const struct gr_node *
get_list(struct in *in, const struct gr_node *map, const char *name)
{
    const struct gr_node *node = gr_node_get(map, name);

    if (node && node->kind == GR_NODE_LIST)
        return node;
    (void)refuse(in, node ? node : map, "a list is wanted");
    return NULL;
}

static bool
get_items(struct in *in, const struct gr_node *map, const char *name, struct strs *out)
{
    const struct gr_node *list = get_list(in, map, name);

    if (!list || !(out->v = gr_arena_array(in->a, list->count, sizeof *out->v)))
        return false;
    gr_node_each (item, list) {
        if (item->kind != GR_NODE_SCALAR || item->style != GR_STYLE_QUOTED)
            return refuse(in, item, "a text is wanted");
        out->v[out->n++] = item->text;
    }
    return true;
}

/* ---- facts ---- */

static bool
sorted(const struct strs *s)
{
    for (size_t i = 1; i < s->n; i++)
        if (gr_str_cmp(s->v[i - 1], s->v[i]) >= 0)
            return false;
    return true;
}

static bool
read_fact(struct in *in, const struct gr_node *node, enum fact_scope scope, struct fact *f)
{
    static const char *const keys[] = {"key", "of", "text", "number", "items"};
    struct gr_str name = GR_STR_NONE;
    enum fact_type type;

    *f = (struct fact){.of = GR_STR_NONE};
    if (!only_keys(in, node, keys, GR_COUNT(keys)) || !get_text(in, node, "key", &name))
        return false;
    f->aspect = aspect_by_key(scope, name);
    if (f->aspect == ASPECT_COUNT)
        return refuse(in, gr_node_get(node, "key"), "an unknown fact; is the tree of a newer guardrailc?");
    if (gr_node_get(node, "of") && !get_text(in, node, "of", &f->of))
        return false;
    type = aspect_type(f->aspect);
    if (type == TYPE_SET || type == TYPE_LIST)
        return get_items(in, node, "items", &f->items) &&
               (type == TYPE_LIST || sorted(&f->items) || refuse(in, node, "a set is not in order"));
    if (!get_text(in, node, "text", &f->text) || (type != TYPE_TEXT && !get_number(in, node, &f->number)))
        return false;
    return type != TYPE_FLAG || gr_dec_cmp(f->number, gr_dec_int(0)) == 0 ||
           gr_dec_cmp(f->number, gr_dec_int(1)) == 0 || refuse(in, node, "a flag is 0 or 1");
}

static bool
read_facts(struct in *in, const struct gr_node *map, enum fact_scope scope, struct fact **out, size_t *n)
{
    const struct gr_node *list = get_list(in, map, "facts");
    struct fact *v;

    if (!list || !(v = gr_arena_array(in->a, list->count, sizeof *v)))
        return false;
    gr_node_each (item, list)
        if (!read_fact(in, item, scope, &v[(*n)++]))
            return false;
    facts_sort(v, *n);
    for (size_t i = 1; i < *n; i++)
        if (v[i - 1].aspect == v[i].aspect && gr_str_eq(v[i - 1].of, v[i].of))
            return refuse(in, list, "a fact stands twice");
    *out = v;
    return true;
}

/* ---- limits ---- */

static int
by_key(const void *a, const void *b)
{
    return gr_str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static bool
read_slice(struct in *in, const struct gr_node *node, struct fact_slice *s)
{
    static const char *const keys[] = {"labels", "text", "number"};
    const struct gr_node *labels = gr_node_get(node, "labels");

    *s = (struct fact_slice){.text = GR_STR_NONE};
    if (!only_keys(in, node, keys, GR_COUNT(keys)) || !get_text(in, node, "text", &s->text) ||
        !get_number(in, node, &s->literal))
        return false;
    if (!labels)
        return true;
    if (labels->kind != GR_NODE_MAP || labels->count > 2 * MODEL_LABELS_MAX)
        return refuse(in, labels, "labels of a slice are wanted");
    if (!(s->labels.v = gr_arena_array(in->a, labels->count, sizeof *s->labels.v)))
        return false;
    gr_node_each (entry, labels) {
        if (entry->kind != GR_NODE_SCALAR)
            return refuse(in, entry, "a text is wanted");
        s->labels.v[s->labels.n++] = (struct pair){entry->key, entry->text};
    }
    qsort(s->labels.v, s->labels.n, sizeof *s->labels.v, by_key);
    return true;
}

static int
by_labels(const void *a, const void *b)
{
    return facts_pairs_cmp(&((const struct fact_slice *)a)->labels, &((const struct fact_slice *)b)->labels);
}

static bool
read_slices(struct in *in, const struct gr_node *map, struct fact_limit *l)
{
    const struct gr_node *list = gr_node_get(map, "slices");

    if (!list)
        return true;
    if (list->kind != GR_NODE_LIST)
        return refuse(in, list, "a list is wanted");
    if (!(l->slices = gr_arena_array(in->a, list->count, sizeof *l->slices)))
        return false;
    gr_node_each (item, list)
        if (!read_slice(in, item, &l->slices[l->n_slices++]))
            return false;
    qsort(l->slices, l->n_slices, sizeof *l->slices, by_labels);
    for (size_t i = 1; i < l->n_slices; i++)
        if (by_labels(&l->slices[i - 1], &l->slices[i]) == 0)
            return refuse(in, list, "a slice stands twice");
    return true;
}

/* true, or not there. */
static bool
get_true(struct in *in, const struct gr_node *map, const char *name, bool *out)
{
    const struct gr_node *node = gr_node_get(map, name);

    *out = node != NULL;
    if (node && (node->style != GR_STYLE_PLAIN || !gr_str_is(node->text, "true")))
        return refuse(in, node, "true is wanted");
    return true;
}

static bool
read_limit(struct in *in, const struct gr_node *node, struct fact_limit *l)
{
    static const char *const keys[] = {"level", "side",   "inclusive", "partial",
                                       "text",  "number", "outside",   "slices"};
    const struct gr_node *outside = gr_node_get(node, "outside");
    struct gr_str level = GR_STR_NONE, side = GR_STR_NONE;

    *l = (struct fact_limit){.level = LEVEL_COUNT};
    if (!only_keys(in, node, keys, GR_COUNT(keys)) || !get_text(in, node, "level", &level) ||
        !get_text(in, node, "side", &side) || !get_text(in, node, "text", &l->text) ||
        !get_number(in, node, &l->literal))
        return false;
    for (unsigned i = LEVEL_HARD; i <= LEVEL_SOFT; i++)
        if (gr_str_is(level, level_name((enum level)i)))
            l->level = (enum level)i;
    l->side = (enum side)(SIDE_BACKSTOP_LOWER + 1);
    for (unsigned i = SIDE_UPPER; i <= SIDE_BACKSTOP_LOWER; i++)
        if (gr_str_is(side, side_name((enum side)i)))
            l->side = (enum side)i;
    if (l->level == LEVEL_COUNT || l->side > SIDE_BACKSTOP_LOWER ||
        (side_is_backstop(l->side) && l->level != LEVEL_HARD))
        return refuse(in, node, "an unknown level or side");
    if (!get_true(in, node, "inclusive", &l->inclusive) || !get_true(in, node, "partial", &l->partial))
        return false;
    l->outside.literal = l->literal;
    l->outside.text = l->text;
    return (!outside || read_slice(in, outside, &l->outside)) && read_slices(in, node, l);
}

static int
by_side(const void *a, const void *b)
{
    const struct fact_limit *x = a, *y = b;

    return x->level != y->level ? (int)x->level - (int)y->level : (int)x->side - (int)y->side;
}

static bool
read_limits(struct in *in, const struct gr_node *map, struct fact_guardrail *g)
{
    const struct gr_node *list = get_list(in, map, "limits");

    if (!list)
        return false;
    if (list->count > 8)
        return refuse(in, list, "more limits than there are");
    if (!(g->limits = gr_arena_array(in->a, list->count, sizeof *g->limits)))
        return false;
    gr_node_each (item, list)
        if (!read_limit(in, item, &g->limits[g->n_limits++]))
            return false;
    qsort(g->limits, g->n_limits, sizeof *g->limits, by_side);
    for (size_t i = 1; i < g->n_limits; i++)
        if (by_side(&g->limits[i - 1], &g->limits[i]) == 0)
            return refuse(in, list, "a limit stands twice");
    return true;
}

/* ---- the whole ---- */

static bool
read_guardrail(struct in *in, const struct gr_node *node, struct fact_guardrail *g)
{
    static const char *const keys[] = {"name", "facts", "limits", "where"};

    return only_keys(in, node, keys, GR_COUNT(keys)) && get_text(in, node, "name", &g->name) &&
           read_facts(in, node, SCOPE_GUARDRAIL, &g->v, &g->n) && read_limits(in, node, g) &&
           (!gr_node_get(node, "where") || get_items(in, node, "where", &g->where)) &&
           (g->where.n <= MODEL_LABELS_MAX * 2 || refuse(in, node, "more labels than there are"));
}

static bool
hash_ok(struct gr_str s)
{
    bool ok = s.n == GR_SHA256_HEX;

    for (size_t i = 0; ok && i < s.n; i++)
        ok = (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f');
    return ok;
}

static int
by_name(const void *a, const void *b)
{
    return gr_str_cmp((*(const struct fact_guardrail *const *)a)->name,
                      (*(const struct fact_guardrail *const *)b)->name);
}

static bool
names_differ(struct in *in, const struct gr_node *list, const struct facts *f)
{
    const struct fact_guardrail **v = gr_arena_array(in->a, f->n_guardrails, sizeof *v);

    if (!v)
        return false;
    for (size_t i = 0; i < f->n_guardrails; i++)
        v[i] = &f->guardrails[i];
    qsort(v, f->n_guardrails, sizeof *v, by_name);
    for (size_t i = 1; i < f->n_guardrails; i++)
        if (by_name(&v[i - 1], &v[i]) == 0)
            return refuse(in, list, "a guardrail stands twice");
    return true;
}

static bool
read_root(struct in *in, const struct gr_node *root, struct facts *f)
{
    static const char *const keys[] = {"format", "compiler", "spec", "spec_hash", "facts", "guardrails"};
    const struct gr_node *format = gr_node_get(root, "format"), *list;

    if (!only_keys(in, root, keys, GR_COUNT(keys)))
        return false;
    if (!format || !gr_str_is(format->text, "1") || format->style != GR_STYLE_PLAIN)
        return refuse(in, format ? format : root, "format 1 is wanted");
    if (!get_text(in, root, "spec", &f->spec) || !get_text(in, root, "spec_hash", &f->spec_hash) ||
        !read_facts(in, root, SCOPE_SPEC, &f->v, &f->n) || !(list = get_list(in, root, "guardrails")))
        return false;
    if (!hash_ok(f->spec_hash))
        return refuse(in, gr_node_get(root, "spec_hash"), "a SHA-256 is wanted");
    if (list->count > MODEL_GUARDRAILS_MAX)
        return refuse(in, list, "too many guardrails");
    if (!(f->guardrails = gr_arena_array(in->a, list->count, sizeof *f->guardrails)))
        return false;
    gr_node_each (item, list)
        if (!read_guardrail(in, item, &f->guardrails[f->n_guardrails++]))
            return false;
    return names_differ(in, list, f);
}

enum gr_err
facts_read(struct gr_arena *a, const struct gr_sources *sources, uint32_t file, struct gr_diags *d,
           struct facts **out)
{
    struct in in = {.a = a, .d = d};
    struct facts *f = gr_arena_alloc(a, sizeof *f);
    struct gr_node *root = NULL;
    enum gr_err err;

    if (!f)
        return GR_ENOMEM;
    if ((err = gr_json_read(a, sources, file, &json_limits, d, &root)) != GR_OK)
        return err;
    if (!read_root(&in, root, f))
        return in.bad ? GR_EUSER : GR_ENOMEM;
    *out = f;
    return GR_OK;
}
