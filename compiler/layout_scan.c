/* layout_scan.c - takes a YAML file apart. Between the spans of its scalars there is only syntax, so every # there
 * begins a comment. */
#include "config.h"
#include "layout_parts.h"

struct scan {
    struct layout *l;
    size_t pos;
    enum gr_err err;
};

static void scan_value(struct scan *s, struct item *item, size_t column, bool top);

static char
byte_at(struct gr_str text, size_t at)
{
    return at < text.n ? text.p[at] : '\0';
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

size_t
layout_line_end(struct gr_str text, size_t at)
{
    if (byte_at(text, at) == '\r')
        return byte_at(text, at + 1) == '\n' ? 2 : 1;
    return byte_at(text, at) == '\n' ? 1 : 0;
}

size_t
layout_width(struct gr_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

bool
layout_blank_before(struct gr_str text, size_t at)
{
    size_t ends = 0;

    while (at > 0 && ends < 2) {
        char c = text.p[at - 1];

        if (c == '\n' || (c == '\r' && byte_at(text, at) != '\n'))
            ends++;
        else if (!is_blank(c) && c != '\r')
            return false;
        at--;
    }
    return ends == 2;
}

/* Where the text begins, behind a byte order mark. */
static size_t
text_start(struct gr_str text)
{
    return gr_str_starts(text, GR_STR("\xef\xbb\xbf")) ? 3 : 0;
}

static size_t
line_start(struct gr_str text, size_t at)
{
    size_t least = text_start(text);

    while (at > least && text.p[at - 1] != '\n' && text.p[at - 1] != '\r')
        at--;
    return at;
}

static size_t
column_of(struct gr_str text, size_t at)
{
    return layout_width(gr_str_sub(text, line_start(text, at), at));
}

struct block_scalar
block_scalar_at(struct gr_str text, size_t start)
{
    struct block_scalar b = {.comment = 0};
    size_t at = start + 1;

    for (;; at++) {
        char c = byte_at(text, at);

        if (c == '+' || c == '-')
            *(c == '+' ? &b.keep : &b.strip) = true;
        else if (c >= '1' && c <= '9')
            b.increment = (size_t)(c - '0');
        else
            break;
    }
    b.header = gr_str_sub(text, start, at);
    while (is_blank(byte_at(text, at)))
        at++;
    if (byte_at(text, at) == '#')
        b.comment = at;
    while (at < text.n && layout_line_end(text, at) == 0)
        at++;
    b.body = at + layout_line_end(text, at);
    return b;
}

/* Notes the comment at s->pos and moves behind it. */
static void
take_comment(struct scan *s)
{
    struct layout *l = s->l;
    size_t end = s->pos, begin = line_start(l->text, s->pos);
    struct gr_str before;
    struct comment *grown;

    while (end < l->text.n && layout_line_end(l->text, end) == 0)
        end++;
    if (l->n_comments == l->comments_cap) {
        grown = gr_arena_grow(l->arena, l->comments, l->n_comments, &l->comments_cap, sizeof *l->comments);
        if (!grown) {
            s->err = GR_ENOMEM;
            return;
        }
        l->comments = grown;
    }
    before = gr_str_sub(l->text, begin, s->pos);
    l->comments[l->n_comments++] =
        (struct comment){.start = s->pos,
                         .end = s->pos + gr_str_trim(gr_str_sub(l->text, s->pos, end)).n,
                         .column = layout_width(before),
                         .own_line = gr_str_trim(before).n == 0};
    s->pos = end;
}

/* Moves over blanks, line ends and comments. */
static void
gap(struct scan *s)
{
    while (s->err == GR_OK && s->pos < s->l->text.n) {
        char c = s->l->text.p[s->pos];

        if (c == '#')
            take_comment(s);
        else if (is_blank(c) || layout_line_end(s->l->text, s->pos) > 0)
            s->pos++;
        else
            return;
    }
}

static void
expect(struct scan *s, bool fits)
{
    if (s->err == GR_OK && !fits)
        s->err = GR_ESTATE;
}

/* Takes the character, which has to be there. */
static void
take(struct scan *s, char c)
{
    gap(s);
    expect(s, byte_at(s->l->text, s->pos) == c);
    s->pos++;
}

/* Moves over the scalar at [start, end). */
static void
scan_scalar(struct scan *s, struct gr_span span, bool block)
{
    expect(s, s->pos == span.start);
    if (block && s->err == GR_OK) {
        struct block_scalar b = block_scalar_at(s->l->text, span.start);

        if (b.comment > 0) {
            s->pos = b.comment;
            take_comment(s);
        }
    }
    if (s->pos < span.end)
        s->pos = span.end;
}

/* Whether the colon between a key and its value is next, not a key that begins with one, as after `?` alone. */
static bool
is_colon(const struct scan *s, const struct gr_node *value, bool flow)
{
    char after = byte_at(s->l->text, s->pos + 1);

    if (byte_at(s->l->text, s->pos) != ':')
        return false;
    if (value->span.end > value->span.start)
        return s->pos < value->span.start;
    return after == '\0' || is_blank(after) || layout_line_end(s->l->text, s->pos + 1) > 0 ||
           (flow && strchr("#,]}", after));
}

static void
scan_key(struct scan *s, struct item *item, bool flow)
{
    struct gr_span key = item->node->key_span;
    char c;

    gap(s);
    item->at = s->pos;
    if (byte_at(s->l->text, s->pos) == '?' && (key.start != s->pos || key.start == key.end)) {
        s->pos++;
        gap(s);
    }
    c = byte_at(s->l->text, key.start);
    if (key.end > key.start)
        scan_scalar(s, key, c == '|' || c == '>');
    gap(s);
    if (is_colon(s, item->node, flow))
        s->pos++;
}

static void
scan_flow(struct scan *s, struct item *item)
{
    bool map = item->node->kind == GR_NODE_MAP, pair = byte_at(s->l->text, s->pos) != (map ? '{' : '[');
    size_t before = s->l->n_comments;

    item->flow = true;
    if (!pair)
        s->pos++;
    for (struct item *e = item->first; e && s->err == GR_OK; e = e->next) {
        gap(s);
        e->at = s->pos;
        e->flow = true; /* if it is a collection; the pair in [a: b] shows no bracket */
        if (map)
            scan_key(s, e, true);
        scan_value(s, e, 0, false);
        if (pair)
            continue;
        for (gap(s); byte_at(s->l->text, s->pos) == ','; gap(s))
            s->pos++; /* libyaml takes two behind a ? that stands alone */
    }
    if (!pair)
        take(s, map ? '}' : ']');
    item->comments = s->l->n_comments > before;
}

static void
scan_block(struct scan *s, struct item *item)
{
    item->column = column_of(s->l->text, s->pos);
    for (struct item *e = item->first; e && s->err == GR_OK; e = e->next) {
        if (item->node->kind == GR_NODE_MAP) {
            scan_key(s, e, false);
        } else {
            gap(s);
            e->at = s->pos;
            take(s, '-');
        }
        scan_value(s, e, item->column, false);
    }
}

/* Makes the items of a node's entries. */
static void
add_entries(struct scan *s, struct item *item)
{
    struct item *e = gr_arena_array(s->l->arena, item->node->count, sizeof *e);
    size_t i = 0;

    if (!e) {
        s->err = GR_ENOMEM;
        return;
    }
    gr_node_each (node, item->node) {
        e[i].node = node;
        e[i].next = i + 1 < item->node->count ? &e[i + 1] : NULL;
        i++;
    }
    item->first = i > 0 ? e : NULL;
}

/* column: of the block collection around it. */
static void
scan_value(struct scan *s, struct item *item, size_t column, bool top)
{
    const struct gr_node *node = item->node;
    char c;

    item->parent_column = column;
    item->top = top;
    item->start = node->span.start;
    if (node->kind == GR_NODE_NULL && node->span.start == node->span.end) {
        item->start = s->pos;
        return;
    }
    gap(s);
    if (node->kind == GR_NODE_NULL || node->kind == GR_NODE_SCALAR) {
        scan_scalar(s, node->span, node->kind == GR_NODE_SCALAR && node->style == GR_STYLE_BLOCK);
        return;
    }
    expect(s, s->pos == node->span.start);
    add_entries(s, item);
    if (s->err != GR_OK)
        return;
    c = byte_at(s->l->text, s->pos);
    if (c == '[' || c == '{' || (node->kind == GR_NODE_MAP && item->flow))
        scan_flow(s, item);
    else
        scan_block(s, item);
}

/* Whether --- or ... stands there, at the start of its line. */
static bool
has_marker(struct gr_str text, size_t at, const char *marker)
{
    return line_start(text, at) == at && gr_str_is(gr_str_sub(text, at, at + 3), marker) &&
           (at + 3 >= text.n || is_blank(text.p[at + 3]) || layout_line_end(text, at + 3) > 0);
}

enum gr_err
layout_scan(struct layout *l, const struct gr_node *root)
{
    struct scan s = {.l = l, .pos = text_start(l->text)};

    l->mark = SIZE_MAX;
    gap(&s);
    if (has_marker(l->text, s.pos, "---")) {
        l->mark = s.pos;
        s.pos += 3;
        gap(&s);
    }
    if (root->kind != GR_NODE_NULL || root->span.end > root->span.start) {
        if (!(l->root = gr_arena_alloc(l->arena, sizeof *l->root)))
            return GR_ENOMEM;
        l->root->node = root;
        l->root->at = s.pos;
        scan_value(&s, l->root, 0, true);
    }
    gap(&s);
    while (s.err == GR_OK && has_marker(l->text, s.pos, "...")) {
        s.pos += 3;
        gap(&s);
    }
    expect(&s, s.pos == l->text.n);
    return s.err;
}
