/* node.c - the tree that both readers build, and looking things up in it. */
#include "config.h"
#include "guardrail/node.h"
#include "guardrail/sys.h"
#include "node_build.h"
#include "utf8.h"

#include <stdlib.h>

const struct gr_node_limits gr_node_limits_default = {
    .depth = 32, .nodes = 100000, .scalar_bytes = 64u << 10};

const struct gr_node *
gr_node_get(const struct gr_node *map, const char *key)
{
    struct gr_str wanted = gr_str(key);

    if (!map || map->kind != GR_NODE_MAP)
        return NULL;
    gr_node_each (item, map)
        if (gr_str_eq(item->key, wanted))
            return item;
    return NULL;
}

const char *
gr_node_kind_name(enum gr_node_kind kind)
{
    switch (kind) {
    case GR_NODE_NULL:
        return "nothing";
    case GR_NODE_SCALAR:
        return "a scalar";
    case GR_NODE_LIST:
        return "a list";
    case GR_NODE_MAP:
        return "a map";
    }
    return "?";
}

struct gr_span
build_span(const struct node_builder *b, size_t start, size_t end)
{
    /* A source has at most GR_SOURCE_BYTES_MAX bytes, so offsets fit. */
    if (start > b->text.n)
        start = b->text.n;
    if (end > b->text.n)
        end = b->text.n;
    return (struct gr_span){b->file, (uint32_t)start, (uint32_t)(end < start ? start : end)};
}

struct gr_span
build_span_char(const struct node_builder *b, size_t at)
{
    uint32_t cp;
    size_t n = utf8_decode(gr_str_sub(b->text, at, b->text.n), &cp);

    return build_span(b, at, at + (n ? n : 1));
}

bool
build_wants_key(const struct node_builder *b)
{
    return b->top && b->top->node->kind == GR_NODE_MAP && !b->top->have_key;
}

void
build_bad_key(struct node_builder *b, struct gr_span span)
{
    struct node_frame *f = b->top;

    GR_ASSERT(build_wants_key(b));
    f->have_key = true;
    f->drop = true;
    f->key = GR_STR_NONE;
    f->key_span = span;
    if (span.end > f->end)
        f->end = span.end;
}

/* A copy of a scalar's text, or false when it is longer than allowed (reported, reading goes on) or holds a NUL. */
static bool
scalar_fits(struct node_builder *b, struct gr_span span, struct gr_str text)
{
    if (text.n > b->limits.scalar_bytes) {
        gr_diag(b->diags, GR0002, build_span_char(b, span.start),
                GR_STR("move long text into a file of its own"), "text of %zu bytes; at most %zu are allowed",
                text.n, b->limits.scalar_bytes);
        b->bad = true;
        return false;
    }
    if (text.n > 0 && memchr(text.p, 0, text.n)) {
        gr_diag(b->diags, GR0003, span, GR_STR("remove the escape for the NUL character"),
                "text must not contain a NUL character");
        b->bad = true;
        return false;
    }
    return true;
}

enum gr_err
build_key(struct node_builder *b, struct gr_str text, struct gr_span span)
{
    build_bad_key(b, span);
    if (!scalar_fits(b, span, text))
        return GR_OK;
    b->top->key = gr_arena_dup(b->arena, text);
    b->top->drop = false;
    return b->top->key.p ? GR_OK : GR_ENOMEM;
}

/* Hangs the node where the text has it: into the open collection, or as the root. */
static void
attach(struct node_builder *b, struct gr_node *node)
{
    struct node_frame *f = b->top;

    if (!f) {
        GR_ASSERT(!b->root);
        b->root = node;
        return;
    }
    if (f->node->kind == GR_NODE_MAP) {
        GR_ASSERT(f->have_key);
        node->key = f->key;
        node->key_span = f->key_span;
        f->have_key = false;
        if (f->drop)
            return;
    }
    *(f->last ? &f->last->next : &f->node->first) = node;
    f->last = node;
    f->node->count++;
}

/* A node that counts against the limit. */
static enum gr_err
new_node(struct node_builder *b, enum gr_node_kind kind, struct gr_span span, struct gr_node **out)
{
    struct gr_node *node;

    if (b->nodes >= b->limits.nodes) {
        gr_diag(b->diags, GR0002, build_span_char(b, span.start), GR_STR("split the document"),
                "more than %zu values in one document", b->limits.nodes);
        b->bad = true;
        return GR_EUSER;
    }
    if (!(node = gr_arena_alloc(b->arena, sizeof *node)))
        return GR_ENOMEM;
    b->nodes++;
    node->kind = kind;
    node->span = span;
    *out = node;
    return GR_OK;
}

enum gr_err
build_scalar(struct node_builder *b, enum gr_node_kind kind, enum gr_node_style style, struct gr_span span,
             struct gr_str text)
{
    struct gr_node *node;
    enum gr_err err;

    if ((err = new_node(b, kind, span, &node)) != GR_OK)
        return err;
    node->style = style;
    if (kind == GR_NODE_SCALAR) {
        if (!scalar_fits(b, span, text))
            text = GR_STR_NONE;
        node->text = gr_arena_dup(b->arena, text);
        if (!node->text.p)
            return GR_ENOMEM;
    }
    attach(b, node);
    if (b->top && span.end > b->top->end)
        b->top->end = span.end;
    return GR_OK;
}

enum gr_err
build_alias(struct node_builder *b, const struct gr_node *target, struct gr_span span, struct gr_str name)
{
    struct gr_node *node;
    enum gr_err err;

    if ((err = new_node(b, target->kind, span, &node)) != GR_OK)
        return err;
    node->style = target->style;
    node->text = target->text;
    node->first = target->first;
    node->count = target->count;
    node->alias = gr_arena_dup(b->arena, name);
    if (!node->alias.p)
        return GR_ENOMEM;
    attach(b, node);
    if (b->top && span.end > b->top->end)
        b->top->end = span.end;
    return GR_OK;
}

static struct node_frame *
new_frame(struct node_builder *b)
{
    struct node_frame *f = b->spare;

    if (!f)
        return gr_arena_alloc(b->arena, sizeof *f);
    b->spare = f->up;
    *f = (struct node_frame){0};
    return f;
}

enum gr_err
build_open(struct node_builder *b, enum gr_node_kind kind, size_t start)
{
    struct node_frame *f;
    enum gr_err err;
    struct gr_node *node;

    if (b->depth >= b->limits.depth) {
        gr_diag(b->diags, GR0002, build_span_char(b, start), GR_STR("use a flatter structure"),
                "nested deeper than %zu levels", b->limits.depth);
        b->bad = true;
        return GR_EUSER;
    }
    if ((err = new_node(b, kind, build_span(b, start, start), &node)) != GR_OK)
        return err;
    if (!(f = new_frame(b)))
        return GR_ENOMEM;
    f->is_key = build_wants_key(b);
    if (!f->is_key)
        attach(b, node);
    f->node = node;
    f->end = node->span.end;
    f->up = b->top;
    b->top = f;
    b->depth++;
    return GR_OK;
}

struct entry {
    struct gr_node *node;
    const struct gr_node *first; /* the first entry with its key, if that is another */
    size_t at;                   /* its place in the map */
};

static int
cmp_entry_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = gr_str_cmp(x->node->key, y->node->key);

    return c ? c : (x->at > y->at) - (x->at < y->at);
}

static int
cmp_entry_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

/* Finds repeated keys by sorting, which no choice of keys can slow down. Returns how many. */
static size_t
find_duplicates(struct entry *entries, size_t count)
{
    size_t found = 0;

    qsort(entries, count, sizeof *entries, cmp_entry_key);
    for (size_t i = 1; i < count; i++) {
        const struct entry *before = &entries[i - 1];

        if (gr_str_eq(entries[i].node->key, before->node->key)) {
            entries[i].first = before->first ? before->first : before->node;
            found++;
        }
    }
    return found;
}

/* Reports the repeated keys and rebuilds the list of entries without them. */
static void
drop_duplicates(struct node_builder *b, struct gr_node *map, struct entry *entries)
{
    struct gr_node **link = &map->first;
    size_t count = map->count;

    qsort(entries, count, sizeof *entries, cmp_entry_place);
    for (size_t i = 0; i < count; i++) {
        struct gr_node *node = entries[i].node;

        if (!entries[i].first) {
            *link = node;
            link = &node->next;
            continue;
        }
        map->count--;
        b->bad = true;
        gr_diag(b->diags, GR0006, node->key_span, GR_STR("remove one of the two, or rename it"),
                "the key \"" GR_FMT "\" is here twice", GR_ARG(gr_str_sub(node->key, 0, 200)));
        gr_diag_note(b->diags, entries[i].first->key_span, "first here");
    }
    *link = NULL;
}

static enum gr_err
check_duplicates(struct node_builder *b, struct gr_node *map)
{
    struct entry few[16], *entries = few;
    size_t i = 0;

    if (map->count < 2)
        return GR_OK;
    if (map->count > GR_COUNT(few)) {
        /* No overflow: each entry's node, larger than this, has been allocated. */
        entries = gr_sys.realloc(NULL, map->count * sizeof *entries);
        if (!entries)
            return GR_ENOMEM;
    }
    for (struct gr_node *node = map->first; node; node = node->next, i++)
        entries[i] = (struct entry){.node = node, .at = i};
    if (find_duplicates(entries, map->count) > 0)
        drop_duplicates(b, map, entries);
    if (entries != few)
        gr_sys.free(entries);
    return GR_OK;
}

enum gr_err
build_close(struct node_builder *b, size_t end)
{
    struct node_frame *f = b->top;
    struct gr_node *node = f->node;
    enum gr_err err = GR_OK;

    node->span = build_span(b, node->span.start, end);
    if (node->kind == GR_NODE_MAP)
        err = check_duplicates(b, node);
    b->top = f->up;
    b->depth--;
    if (f->is_key) {
        gr_diag(b->diags, GR0005, node->span, GR_STR("use plain text as the key"), "%s cannot be a key",
                gr_node_kind_name(node->kind));
        b->bad = true;
        build_bad_key(b, node->span);
    } else if (b->top && node->span.end > b->top->end) {
        b->top->end = node->span.end;
    }
    f->up = b->spare;
    b->spare = f;
    return err;
}

void
build_abandon(struct node_builder *b)
{
    for (struct node_frame *f = b->top; f; f = f->up) {
        f->node->span = build_span(b, f->node->span.start, f->end);
        if (f->up && f->end > f->up->end)
            f->up->end = f->end;
    }
    b->top = NULL;
}

bool
build_check_text(struct node_builder *b, bool *ascii)
{
    struct gr_str fix = GR_STR("save the file as UTF-8");
    size_t n;

    *ascii = true;
    for (size_t at = 0; at < b->text.n; at += n) {
        uint32_t cp = 0;

        n = 1;
        if ((unsigned char)b->text.p[at] - 1u < 0x7fu) /* ASCII, most of any text */
            continue;
        n = utf8_decode(gr_str_sub(b->text, at, b->text.n), &cp);
        if (n == 0 || cp == 0) {
            if (cp == 0 && n > 0)
                fix = GR_STR("remove the byte");
            if (gr_str_starts(b->text, GR_STR("\xff\xfe")) || gr_str_starts(b->text, GR_STR("\xfe\xff")))
                fix = GR_STR("this looks like UTF-16: save the file as UTF-8");
            gr_diag(b->diags, GR0003, build_span(b, at, at + 1), fix,
                    n == 0 ? "byte 0x%02x is not valid UTF-8 here" : "byte 0x%02x (NUL) is not allowed",
                    (unsigned)(unsigned char)b->text.p[at]);
            b->bad = true;
            return false;
        }
        if (n > 1)
            *ascii = false;
    }
    return true;
}
