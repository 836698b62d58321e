/* rulefile.c - the model of a rule file. */
#include "config.h"
#include "guardrail/rulefile.h"

#define LABELS_FIRST 4u
#define ANNOTATIONS_FIRST 6u

/* A copy of s; an empty one for an empty s. False without memory. */
static bool
copy(struct gr_rulefile *f, struct gr_str s, struct gr_str *out)
{
    if (s.n == 0)
        return true;
    *out = gr_arena_dup(f->arena, s);
    return out->p != NULL;
}

/* The same, of a text that occurs often: kept once. */
static bool
intern(struct gr_rulefile *f, struct gr_str s, struct gr_str *out, struct gr_strset_entry **entry)
{
    struct gr_strset_entry *e = gr_strset_add(&f->texts, s);

    if (!e)
        return false;
    *out = e->text;
    if (entry)
        *entry = e;
    return true;
}

struct gr_rulefile *
gr_rulefile_create(struct gr_arena *a)
{
    struct gr_rulefile *f = gr_arena_alloc(a, sizeof *f);

    if (f)
        *f = (struct gr_rulefile){.arena = a, .texts = GR_STRSET_INIT(a)};
    return f;
}

struct gr_rule_group *
gr_rulefile_group(struct gr_rulefile *f, struct gr_str name, int64_t interval_ms)
{
    struct gr_rule_group *g, **grown;

    if (!f || (g = gr_arena_alloc(f->arena, sizeof *g)) == NULL || !copy(f, name, &g->name))
        return NULL;
    g->interval_ms = interval_ms;
    if (f->count == f->cap) {
        if ((grown = gr_arena_grow(f->arena, f->groups, f->count, &f->cap, sizeof(struct gr_rule_group *))) ==
            NULL)
            return NULL;
        f->groups = grown;
    }
    f->groups[f->count++] = g;
    return g;
}

struct gr_rule *
gr_rulefile_rule(struct gr_rulefile *f, struct gr_rule_group *g, enum gr_rule_kind kind, struct gr_str name,
                 struct gr_str expr)
{
    struct gr_rule *r, **grown;

    if (!f || !g || (r = gr_arena_alloc(f->arena, sizeof *r)) == NULL)
        return NULL;
    r->kind = kind;
    if (!intern(f, name, &r->name, NULL) || !copy(f, expr, &r->expr))
        return NULL;
    if (g->count == g->cap) {
        if ((grown = gr_arena_grow(f->arena, g->rules, g->count, &g->cap, sizeof(struct gr_rule *))) == NULL)
            return NULL;
        g->rules = grown;
    }
    g->rules[g->count++] = r;
    return r;
}

static void
add_pair(struct gr_rulefile *f, struct gr_rule_pairs *pairs, size_t usual, struct gr_str key,
         struct gr_str value)
{
    struct gr_rule_pair pair = {.text = NULL}, *grown;

    if (!intern(f, key, &pair.key, NULL) || !intern(f, value, &pair.value, &pair.text))
        return;
    for (size_t i = 0; i < pairs->count; i++) {
        if (gr_str_eq(pairs->items[i].key, key)) {
            pairs->items[i] = pair;
            return;
        }
    }
    if (!pairs->items) { /* as many as most rules have */
        if ((pairs->items = gr_arena_array(f->arena, usual, sizeof pair)) == NULL)
            return;
        pairs->cap = usual;
    }
    if (pairs->count == pairs->cap) {
        if ((grown = gr_arena_grow(f->arena, pairs->items, pairs->count, &pairs->cap, sizeof pair)) == NULL)
            return;
        pairs->items = grown;
    }
    pairs->items[pairs->count++] = pair;
}

void
gr_rule_label(struct gr_rulefile *f, struct gr_rule *r, struct gr_str key, struct gr_str value)
{
    if (f && r)
        add_pair(f, &r->labels, LABELS_FIRST, key, value);
}

void
gr_rule_annotation(struct gr_rulefile *f, struct gr_rule *r, struct gr_str key, struct gr_str value)
{
    if (f && r)
        add_pair(f, &r->annotations, ANNOTATIONS_FIRST, key, value);
}

void
gr_rule_comment(struct gr_rulefile *f, struct gr_rule *r, struct gr_str comment)
{
    if (f && r)
        copy(f, comment, &r->comment);
}

void
gr_rule_group_comment(struct gr_rulefile *f, struct gr_rule_group *g, struct gr_str comment)
{
    if (f && g)
        copy(f, comment, &g->comment);
}
