/* spec_value.c - fetching checked values from the document, poison, places inside scalars, and small sets of
 * names. */
#include "config.h"
#include "spec_parts.h"

#include "guardrail/duration.h"

/* ---- poison ---- */

void
spec_poison(struct spec *s, const struct gr_node *node)
{
    marks_add(&s->bad, s->a, s->sources, node->span);
}

bool
spec_poisoned(const struct spec *s, const struct gr_node *node)
{
    return marks_has(&s->bad, s->sources, node->span);
}

/* ---- fetching ---- */

const struct gr_node *
spec_get(const struct spec *s, const struct gr_node *map, const char *key)
{
    const struct gr_node *node = gr_node_get(map, key);

    return node && !spec_poisoned(s, node) ? node : NULL;
}

bool
spec_has(const struct gr_node *map, const char *key)
{
    return gr_node_get(map, key) != NULL;
}

struct gr_str
spec_text(const struct spec *s, const struct gr_node *map, const char *key)
{
    const struct gr_node *node = spec_get(s, map, key);

    return node ? node->text : GR_STR_NONE;
}

int64_t
spec_duration(const struct spec *s, const struct gr_node *map, const char *key, int64_t absent)
{
    int64_t ms = 0;

    if (!spec_has(map, key))
        return absent;
    return gr_duration_parse(spec_text(s, map, key), &ms) == GR_OK ? ms : 0;
}

bool
spec_bool(const struct spec *s, const struct gr_node *map, const char *key, bool absent)
{
    return spec_has(map, key) ? gr_str_is(spec_text(s, map, key), "true") : absent;
}

uint32_t
spec_count(const struct spec *s, const struct gr_node *map, const char *key, uint32_t absent)
{
    uint64_t v = 0;

    if (!spec_has(map, key))
        return absent;
    return gr_parse_u64(spec_text(s, map, key), UINT32_MAX, &v) == GR_OK ? (uint32_t)v : 0;
}

struct gr_dec
spec_number(const struct spec *s, const struct gr_node *map, const char *key)
{
    struct gr_dec v;

    return gr_dec_parse(spec_text(s, map, key), &v) == GR_OK ? v : GR_DEC(0, 0);
}

struct gr_dec
spec_share(const struct spec *s, const struct gr_node *map, const char *key)
{
    struct gr_dec v;

    return spec_ratio(spec_text(s, map, key), &v) == GR_OK ? v : GR_DEC(0, 0);
}

int
spec_choice(const struct spec *s, const struct gr_node *map, const char *key, const char *const *choices,
            int absent)
{
    struct gr_str text = spec_text(s, map, key);

    if (!spec_has(map, key))
        return absent;
    for (int i = 0; choices[i]; i++)
        if (gr_str_is(text, choices[i]))
            return i;
    return -1;
}

struct strs
spec_node_texts(struct spec *s, const struct gr_node *node)
{
    struct strs out = {NULL, 0};

    if (!node || spec_poisoned(s, node))
        return out;
    if (!(out.v = gr_arena_array(s->a, node->kind == GR_NODE_LIST ? node->count : 1, sizeof *out.v)))
        return out;
    if (node->kind == GR_NODE_SCALAR)
        out.v[out.n++] = node->text;
    if (node->kind != GR_NODE_LIST)
        return out;
    gr_node_each (item, node)
        if (!spec_poisoned(s, item))
            out.v[out.n++] = item->text;
    return out;
}

struct strs
spec_texts(struct spec *s, const struct gr_node *map, const char *key)
{
    return spec_node_texts(s, spec_get(s, map, key));
}

/* ---- places ---- */

struct gr_span
spec_head(const struct gr_node *node)
{
    const struct gr_node *name = gr_node_get(node, "name");

    if (node->key.n > 0)
        return node->key_span;
    if (name)
        return name->span;
    if (node->kind == GR_NODE_MAP && node->first)
        return node->first->key_span;
    return node->span;
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Walks the decoded text and the text of the file side by side. Quotes aside they differ only in white space
 * (folding, the indentation of blocks), except where there are escapes; then *out stays as it is. */
static void
map_bytes(struct gr_str raw, struct gr_str text, size_t from[2], bool found[2])
{
    size_t want[2] = {from[0], from[1]}, i = 0, j = 0;

    for (;; i++, j++) {
        while (i < text.n && is_space(text.p[i]) && (j >= raw.n || text.p[i] != raw.p[j]))
            i++;
        while (j < raw.n && is_space(raw.p[j]) && (i >= text.n || text.p[i] != raw.p[j]))
            j++;
        for (int k = 0; k < 2; k++)
            if (!found[k] && i >= want[k]) {
                from[k] = j;
                found[k] = true;
            }
        if (i >= text.n || j >= raw.n || text.p[i] != raw.p[j])
            return;
    }
}

struct gr_span
spec_within(const struct spec *s, const struct gr_node *node, size_t start, size_t end)
{
    struct gr_str file = gr_sources_get(s->sources, node->span.file)->text;
    struct gr_str raw = gr_str_sub(file, node->span.start, node->span.end);
    size_t at[2] = {start, end - (end > start)}, skip = node->style == GR_STYLE_QUOTED ? 1 : 0;
    bool found[2] = {false, false};

    if (node->style == GR_STYLE_BLOCK)
        while (skip < raw.n && raw.p[skip] != '\n')
            skip++;
    map_bytes(gr_str_sub(raw, skip, raw.n), node->text, at, found);
    if (!found[0] || !found[1] || start >= end)
        return node->span;
    return (struct gr_span){node->span.file, node->span.start + (uint32_t)(at[0] + skip),
                            node->span.start + (uint32_t)(at[1] + skip + 1)};
}

/* ---- sets of names ---- */

bool
strs_has(const struct strs *set, struct gr_str s)
{
    for (size_t i = 0; i < set->n; i++)
        if (gr_str_eq(set->v[i], s))
            return true;
    return false;
}

void
strs_sort(struct strs *set)
{
    for (size_t i = 1; i < set->n; i++)
        for (size_t j = i; j > 0 && gr_str_cmp(set->v[j - 1], set->v[j]) > 0; j--) {
            struct gr_str t = set->v[j];

            set->v[j] = set->v[j - 1];
            set->v[j - 1] = t;
        }
}

/* Sets are small (labels, values of `expect`), so room is made by powers of two, found from n itself. */
bool
strs_add(struct spec *s, struct strs *set, struct gr_str text)
{
    if (strs_has(set, text))
        return true;
    if ((set->n & (set->n - 1)) == 0) {
        struct gr_str *bigger = gr_arena_array(s->a, set->n ? 2 * set->n : 1, sizeof *bigger);

        if (!bigger)
            return false;
        if (set->n > 0)
            memcpy(bigger, set->v, set->n * sizeof *bigger);
        set->v = bigger;
    }
    set->v[set->n++] = text;
    return true;
}

struct gr_str
strs_nearest(const struct strs *set, struct gr_str s)
{
    return gr_str_nearest(s, set->v, set->n);
}

bool
spec_too_many(struct spec *s, const struct gr_node *list, size_t max, const char *what)
{
    if (!list || list->count <= max)
        return false;
    gr_diag(s->d, GR0002,
            list->kind == GR_NODE_LIST ? list->span
            : list->key.n > 0          ? list->key_span
                                       : spec_head(list),
            gr_arena_printf(s->a, "use at most %zu %s", max, what), "too many %s: %zu", what, list->count);
    spec_poison(s, list);
    return true;
}

struct gr_str
strs_list(struct spec *s, const struct strs *set)
{
    struct gr_buf b = GR_BUF_INIT(4000);
    struct gr_str text;

    for (size_t i = 0; i < set->n && i < 12; i++) {
        gr_buf_puts(&b, i ? ", " : "");
        gr_buf_put(&b, set->v[i]);
    }
    if (set->n > 12)
        gr_buf_puts(&b, ", …");
    text = gr_arena_dup(s->a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return text;
}

struct gr_str
spec_time(struct spec *s, int64_t ms)
{
    struct gr_buf b = GR_BUF_INIT(100);
    struct gr_str text;

    gr_duration_print(&b, ms);
    text = gr_arena_dup(s->a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return text;
}

bool
spec_enough(const struct spec *s)
{
    return gr_diags_count(s->d, GR_SEV_ERROR) + gr_diags_count(s->d, GR_SEV_WARNING) > GR_DIAGS_MAX;
}

struct gr_str
spec_suggest(struct spec *s, struct gr_str name, const struct strs *known, const char *what)
{
    struct gr_str near = strs_nearest(known, name);

    if (spec_enough(s))
        return GR_STR_NONE;
    if (near.n > 0)
        return gr_arena_printf(s->a, "did you mean \"" GR_FMT "\"?", GR_ARG(near));
    if (known->n > 0)
        return gr_arena_printf(s->a, "the %s are: " GR_FMT, what, GR_ARG(strs_list(s, known)));
    return gr_arena_printf(s->a, "the spec has no %s", what);
}

void
pairs_sort(struct pairs *p)
{
    for (size_t i = 1; i < p->n; i++)
        for (size_t j = i; j > 0 && gr_str_cmp(p->v[j - 1].key, p->v[j].key) > 0; j--) {
            struct pair t = p->v[j];

            p->v[j] = p->v[j - 1];
            p->v[j - 1] = t;
        }
}

const struct gr_str *
pairs_get(const struct pairs *p, struct gr_str key)
{
    for (size_t i = 0; i < p->n; i++)
        if (gr_str_eq(p->v[i].key, key))
            return &p->v[i].value;
    return NULL;
}

/* ---- names that stand twice ---- */

bool
names_init(struct spec *s, struct names *set, size_t count)
{
    set->cap = 8;
    while (set->cap < 2 * count)
        set->cap *= 2;
    set->slots = gr_arena_array(s->a, set->cap, sizeof *set->slots);
    return set->slots != NULL;
}

static const struct gr_node *
add_name(struct names *set, const struct gr_node *node, bool by_key)
{
    struct gr_str text = by_key ? node->key : node->text;
    uint64_t h = 14695981039346656037u; /* FNV-1a; the input is a file under 1 MiB that its user wrote */
    size_t i;

    for (size_t k = 0; k < text.n; k++)
        h = (h ^ (unsigned char)text.p[k]) * 1099511628211u;
    for (i = (size_t)h & (set->cap - 1); set->slots[i]; i = (i + 1) & (set->cap - 1))
        if (gr_str_eq(by_key ? set->slots[i]->key : set->slots[i]->text, text))
            return set->slots[i];
    set->slots[i] = node;
    return NULL;
}

const struct gr_node *
names_add(struct names *set, const struct gr_node *node)
{
    return add_name(set, node, false);
}

const struct gr_node *
names_add_key(struct names *set, const struct gr_node *entry)
{
    return add_name(set, entry, true);
}

static void
refuse_twice(struct spec *s, struct names *set, const struct gr_node *node, const struct gr_node *poison,
             const char *what)
{
    const struct gr_node *first = names_add(set, node);

    if (!first)
        return;
    gr_diag(s->d, GR0106, node->span,
            gr_arena_printf(s->a, "give the second %s another name, or remove it", what),
            "the %s \"" GR_FMT "\" is there already", what, GR_ARG(node->text));
    gr_diag_note(s->d, first->span, "the first one is here");
    spec_poison(s, poison);
}

void
spec_refuse_twice(struct spec *s, const struct gr_node *list, const char *what)
{
    struct names set;

    if (!list || list->kind != GR_NODE_LIST || !names_init(s, &set, list->count))
        return;
    gr_node_each (item, list)
        if (!spec_poisoned(s, item))
            refuse_twice(s, &set, item, item, what);
}

void
spec_refuse_same_names(struct spec *s, const struct gr_node *list, const char *what)
{
    struct names set;

    if (!list || list->kind != GR_NODE_LIST || !names_init(s, &set, list->count))
        return;
    gr_node_each (item, list) {
        const struct gr_node *name = spec_get(s, item, "name");

        if (name)
            refuse_twice(s, &set, name, name, what);
    }
}
