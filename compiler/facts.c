/* facts.c - the table of aspects, and adding facts. */
#include "config.h"
#include "facts_parts.h"

#include <stdlib.h>

#include "guardrail/duration.h"

static const struct {
    const char *key;
    enum fact_scope scope;
    enum fact_type type;
    const char *absent;
} rows[] = {
#define ASPECT(name, key, scope, type, parent, absent, less, more, differs)                                  \
    {key, SCOPE_##scope, TYPE_##type, absent},
#include "aspects.def"
#undef ASPECT
};

const char *
aspect_key(enum aspect aspect)
{
    return rows[aspect].key;
}

enum fact_type
aspect_type(enum aspect aspect)
{
    return rows[aspect].type;
}

enum fact_scope
aspect_scope(enum aspect aspect)
{
    return rows[aspect].scope;
}

const char *
aspect_absent(enum aspect aspect)
{
    return rows[aspect].absent;
}

enum aspect
aspect_by_key(enum fact_scope scope, struct gr_str key)
{
    for (unsigned i = 0; i < ASPECT_COUNT; i++)
        if (rows[i].scope == scope && gr_str_is(key, rows[i].key))
            return (enum aspect)i;
    return ASPECT_COUNT;
}

/* ---- places ---- */

static const struct gr_node *
entry(const struct gr_node *map, struct gr_str key)
{
    gr_node_each (item, map)
        if (map->kind == GR_NODE_MAP && gr_str_eq(item->key, key))
            return item;
    return NULL;
}

/* The value at a path of keys; where it ends early (a default), the span around it. */
static struct gr_span
place(const struct facts_out *o, const char *path)
{
    struct gr_str rest = gr_str(path), key;
    const struct gr_node *node = o->node;

    while (node && gr_str_next(&rest, '.', &key))
        node = entry(node, key);
    if (!node || node == o->node)
        return o->span;
    return node->kind == GR_NODE_MAP || node->kind == GR_NODE_LIST ? node->key_span : node->span;
}

/* ---- adding ---- */

struct gr_str
facts_keep(struct gr_arena *a, struct gr_buf *b)
{
    struct gr_str out = GR_STR_NONE;

    if (gr_buf_err(b) == GR_OK)
        out = gr_arena_dup(a, gr_buf_str(b));
    else if (gr_arena_alloc(a, SIZE_MAX)) /* never: the arena remembers that it could not */
        out = GR_STR_NONE;
    gr_buf_fini(b);
    return out;
}

static struct fact *
add(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path)
{
    struct fact *v = o->v;

    if (o->n == o->cap && !(v = gr_arena_grow(o->a, o->v, o->n, &o->cap, sizeof *v)))
        return NULL;
    o->v = v;
    v += o->n++;
    *v = (struct fact){.aspect = aspect, .of = of, .span = place(o, path ? path : aspect_key(aspect))};
    return v;
}

void
facts_text(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path, struct gr_str text)
{
    struct fact *f = text.n > 0 && !gr_str_is(text, rows[aspect].absent) ? add(o, aspect, of, path) : NULL;

    if (f)
        f->text = text;
}

void
facts_number(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path,
             struct gr_dec number, struct gr_str text)
{
    struct gr_dec absent;
    struct fact *f;

    if (gr_dec_parse(gr_str(rows[aspect].absent), &absent) == GR_OK && gr_dec_cmp(number, absent) == 0)
        return;
    if (!(f = add(o, aspect, of, path)))
        return;
    f->number = number;
    f->text = text;
}

void
facts_ms(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path, int64_t ms)
{
    struct gr_buf b = GR_BUF_INIT(64);

    if (ms > 0) {
        gr_duration_print(&b, ms);
        facts_number(o, aspect, of, path, gr_dec_int(ms), facts_keep(o->a, &b));
    }
}

void
facts_count(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path, int64_t count)
{
    facts_number(o, aspect, of, path, gr_dec_int(count), facts_dec(o->a, gr_dec_int(count)));
}

void
facts_flag(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path, bool on)
{
    const char *text = on ? "true" : "false";
    struct fact *f = strcmp(text, rows[aspect].absent) != 0 ? add(o, aspect, of, path) : NULL;

    if (!f)
        return;
    f->text = gr_str(text);
    f->number = gr_dec_int(on);
}

static int
by_text(const void *a, const void *b)
{
    return gr_str_cmp(*(const struct gr_str *)a, *(const struct gr_str *)b);
}

void
facts_items(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path, struct strs items)
{
    struct fact *f = items.n > 0 ? add(o, aspect, of, path) : NULL;
    size_t n = 0;

    if (!f)
        return;
    f->items = items;
    if (rows[aspect].type != TYPE_SET)
        return;
    if (!(f->items.v = gr_arena_array(o->a, items.n, sizeof *items.v))) {
        f->items.n = 0;
        return;
    }
    memcpy(f->items.v, items.v, items.n * sizeof *items.v);
    qsort(f->items.v, items.n, sizeof *items.v, by_text);
    for (size_t i = 0; i < items.n; i++)
        if (n == 0 || !gr_str_eq(f->items.v[n - 1], f->items.v[i]))
            f->items.v[n++] = f->items.v[i];
    f->items.n = n;
}

void
facts_none(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path)
{
    (void)add(o, aspect, of, path);
}

struct gr_str
facts_dec(struct gr_arena *a, struct gr_dec v)
{
    struct gr_buf b = GR_BUF_INIT(128);

    gr_dec_print(&b, v);
    return facts_keep(a, &b);
}

struct gr_str
facts_percent(struct gr_arena *a, struct gr_dec ratio)
{
    struct gr_dec percent;

    if (gr_dec_mul(ratio, GR_DEC(1, 2), &percent) != GR_OK)
        return facts_dec(a, ratio);
    return gr_arena_printf(a, GR_FMT "%%", GR_ARG(facts_dec(a, percent)));
}

/* ---- order ---- */

static int
by_aspect(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;

    return x->aspect != y->aspect ? (x->aspect > y->aspect) - (x->aspect < y->aspect)
                                  : gr_str_cmp(x->of, y->of);
}

void
facts_sort(struct fact *v, size_t n)
{
    bool sorted = true;

    for (size_t i = 1; i < n && sorted; i++)
        sorted = by_aspect(&v[i - 1], &v[i]) <= 0;
    if (!sorted)
        qsort(v, n, sizeof *v, by_aspect);
}

bool
facts_same_items(const struct strs *a, const struct strs *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = gr_str_eq(a->v[i], b->v[i]);
    return same;
}

int
facts_pairs_cmp(const struct pairs *a, const struct pairs *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int c = gr_str_cmp(a->v[i].key, b->v[i].key);

        if (c == 0)
            c = gr_str_cmp(a->v[i].value, b->v[i].value);
        if (c != 0)
            return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

const struct fact *
facts_find(const struct fact *v, size_t n, enum aspect aspect, struct gr_str of)
{
    struct fact key = {.aspect = aspect, .of = of};

    return n > 0 ? bsearch(&key, v, n, sizeof *v, by_aspect) : NULL;
}

/* ---- the whole ---- */

enum gr_err
facts_of_model(struct gr_arena *a, const struct model *m, struct facts **out)
{
    struct facts *f = gr_arena_alloc(a, sizeof *f);
    struct facts_out o = {.a = a, .m = m, .node = m->root};
    enum gr_err err = f ? GR_OK : GR_ENOMEM;

    if (err != GR_OK || !(f->guardrails = gr_arena_array(a, m->n_guardrails, sizeof *f->guardrails)))
        return GR_ENOMEM;
    f->spec = m->spec;
    f->spec_hash = m->spec_hash;
    facts_spec(&o);
    f->v = o.v;
    f->n = o.n;
    f->n_guardrails = m->n_guardrails;
    for (size_t i = 0; err == GR_OK && i < m->n_guardrails; i++)
        err = facts_guardrail(a, m, facts_default_phases(m), &m->guardrails[i], &f->guardrails[i]);
    if (err == GR_OK)
        err = gr_arena_status(a);
    if (err == GR_OK)
        *out = f;
    return err;
}
