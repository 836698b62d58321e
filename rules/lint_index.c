/* lint_index.c - what all files together record, read and repeat. */
#include "config.h"
#include "lint.h"

#include "guardrail/sys.h"

static uint64_t
hash_str(struct gr_str s)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a, then mixed, as the low bits choose the slot */

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    h ^= h >> 32;
    return h * UINT64_C(0x9e3779b97f4a7c15);
}

typedef bool same_fn(const void *item, const void *key);

static struct lint_slot *
slot_of(struct lint_table *t, uint64_t hash, same_fn *same, const void *key)
{
    size_t at = (size_t)(hash >> 20) & (t->cap - 1);

    while (t->slots[at].item && (t->slots[at].hash != hash || !same(t->slots[at].item, key)))
        at = (at + 1) & (t->cap - 1);
    return &t->slots[at];
}

static bool
never(const void *item, const void *key)
{
    (void)item;
    (void)key;
    return false;
}

/* Room for one more at half load. */
static enum gr_err
grow(struct lint_table *t)
{
    struct lint_table bigger = {.count = t->count, .cap = t->cap ? t->cap * 2 : 1024};

    if (t->count < t->cap / 2)
        return GR_OK;
    if (!(bigger.slots = gr_sys.realloc(NULL, bigger.cap * sizeof *bigger.slots)))
        return GR_ENOMEM;
    memset(bigger.slots, 0, bigger.cap * sizeof *bigger.slots);
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].item)
            *slot_of(&bigger, t->slots[i].hash, never, NULL) = t->slots[i];
    gr_sys.free(t->slots);
    *t = bigger;
    return GR_OK;
}

/* ---- series ---- */

static bool
same_series(const void *item, const void *key)
{
    const struct lint_series *s = item;

    return gr_str_eq(s->name, *(const struct gr_str *)key);
}

enum gr_err
lint_index_series(struct gr_lint *l, struct gr_str name, struct gr_span where, bool recorded)
{
    uint64_t hash = hash_str(name);
    struct lint_series *s;
    struct lint_slot *slot;
    struct gr_span *place;

    if (grow(&l->series) != GR_OK)
        return GR_ENOMEM;
    slot = slot_of(&l->series, hash, same_series, &name);
    if (!slot->item) {
        if (!(s = gr_arena_alloc(l->arena, sizeof *s)))
            return GR_ENOMEM;
        if (!(s->name = gr_arena_dup(l->arena, name)).p)
            return GR_ENOMEM;
        *slot = (struct lint_slot){hash, s};
        l->series.count++;
    }
    s = slot->item;
    place = recorded ? &s->recorded : &s->read;
    if (place->file == 0)
        *place = where;
    return GR_OK;
}

void
lint_index_finish(struct gr_lint *l)
{
    for (size_t i = 0; i < l->series.cap; i++) {
        const struct lint_series *s = l->series.slots[i].item;

        if (s && s->recorded.file != 0 && s->read.file == 0)
            lint_report(l, GR0523, s->recorded,
                        GR_STR("remove the rule, or check the dashboards that read it"),
                        "no rule in these files reads \"" GR_FMT "\"", GR_ARG(s->name));
        if (s && s->recorded.file == 0 && s->read.file != 0 && memchr(s->name.p, ':', s->name.n))
            lint_report(l, GR0524, s->read,
                        GR_STR("check the spelling, or lint the file that records it as well"),
                        "no rule in these files records \"" GR_FMT "\"", GR_ARG(s->name));
    }
}

void
lint_index_fini(struct gr_lint *l)
{
    gr_sys.free(l->series.slots);
    gr_sys.free(l->rules.slots);
}

/* ---- rules ---- */

static struct gr_str
value_of(const struct lint_pair *p)
{
    return p->value->kind == GR_NODE_SCALAR ? p->value->text : GR_STR_NONE;
}

/* Of the name and the set of labels, in whatever order. */
static uint64_t
hash_rule(const struct lint_rule *r)
{
    uint64_t h = hash_str(r->name);

    for (size_t i = 0; i < r->labels.count; i++)
        h += hash_str(r->labels.items[i].key) ^ hash_str(value_of(&r->labels.items[i])) * 3;
    return h;
}

/* In different files only with the same expression: two specifications record series of the same names, each its own ones. */
static bool
same_rule(const void *item, const void *key)
{
    const struct lint_rule *a = item, *b = key;

    if (a->name_span.file != b->name_span.file && !gr_str_eq(a->expr, b->expr))
        return false;
    if (!gr_str_eq(a->name, b->name) || a->labels.count != b->labels.count)
        return false;
    for (size_t i = 0; i < a->labels.count; i++) {
        const struct lint_pair *x = &a->labels.items[i];
        size_t k = gr_str_eq(b->labels.items[i].key, x->key) ? i : 0; /* mostly in the same order */

        while (k < b->labels.count && !gr_str_eq(b->labels.items[k].key, x->key))
            k++;
        if (k == b->labels.count || !gr_str_eq(value_of(x), value_of(&b->labels.items[k])))
            return false;
    }
    return true;
}

enum gr_err
lint_index_rule(struct gr_lint *l, const struct lint_rule *r)
{
    uint64_t hash = hash_rule(r);
    struct lint_slot *slot;
    const struct lint_rule *first;

    if (grow(&l->rules) != GR_OK)
        return GR_ENOMEM;
    slot = slot_of(&l->rules, hash, same_rule, r);
    if (!slot->item) {
        /* The table holds only what is const to it; the item is never written through. */
        *slot = (struct lint_slot){hash, (void *)(uintptr_t)r};
        l->rules.count++;
        return GR_OK;
    }
    first = slot->item;
    if (lint_report(l, GR0503, r->name_span, GR_STR("remove one of the two, or tell them apart by a label"),
                    "\"" GR_FMT "\" with these labels is here twice", GR_ARG(gr_str_sub(r->name, 0, 200))))
        gr_diag_note(l->diags, first->name_span, "the first one");
    return GR_OK;
}
