#include "config.h"
#include "mutate.h"

#include "guardrail/quote.h"

const char *const mistake_names[MISTAKE_COUNT] = {
    [MISTAKE_DELETE] = "entry deleted",    [MISTAKE_MISSPELL_KEY] = "key misspelt",
    [MISTAKE_MISSPELL] = "value misspelt", [MISTAKE_IN_LIST] = "scalar as list",
    [MISTAKE_IN_MAP] = "scalar as map",    [MISTAKE_FLAT] = "collection as text",
    [MISTAKE_NOTHING] = "no value",        [MISTAKE_EMPTY] = "emptied",
    [MISTAKE_UNIT] = "another unit",       [MISTAKE_SIGN] = "another sign",
    [MISTAKE_HUGE] = "huge number",        [MISTAKE_TWICE] = "entry twice",
};

static bool
digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number with something around it, as in 2m, +25% or ±5bps. */
static bool
has_number(const struct gr_node *node)
{
    struct gr_str t = node->text;

    return node->kind == GR_NODE_SCALAR && t.n > 0 && t.n < 20 &&
           (digit(t.p[0]) || (t.n > 1 && (t.p[0] == '+' || t.p[0] == '-') && digit(t.p[1])));
}

bool
mutate_possible(const struct gr_node *node, bool is_root, enum mistake mistake)
{
    bool scalar = node->kind == GR_NODE_SCALAR;

    if (is_root)
        return false;
    switch (mistake) {
    case MISTAKE_DELETE:
    case MISTAKE_NOTHING:
    case MISTAKE_TWICE:
        return true;
    case MISTAKE_MISSPELL_KEY:
        return node->key.n > 1;
    case MISTAKE_MISSPELL:
        return scalar && node->text.n > 1 && !has_number(node);
    case MISTAKE_IN_LIST:
    case MISTAKE_IN_MAP:
        return scalar;
    case MISTAKE_FLAT:
    case MISTAKE_EMPTY:
        return node->count > 0;
    case MISTAKE_UNIT:
    case MISTAKE_SIGN:
    case MISTAKE_HUGE:
        return has_number(node);
    case MISTAKE_COUNT:
        break;
    }
    return false;
}

size_t
mutate_nodes(const struct gr_node *root)
{
    size_t n = 1;

    gr_node_each (item, root)
        n += mutate_nodes(item);
    return n;
}

const struct gr_node *
mutate_node(const struct gr_node *root, size_t number)
{
    if (number == 0)
        return root;
    number--;
    gr_node_each (item, root) {
        size_t n = mutate_nodes(item);

        if (number < n)
            return mutate_node(item, number);
        number -= n;
    }
    return NULL;
}

#define PART_DEPTH 2 /* the document, its sections, their entries */

struct printing {
    struct mutation *m;
    size_t n, at; /* at: the number of the next node */
    unsigned depth;
    struct gr_buf *out;
};

static struct mutation *
planned(const struct printing *p, size_t node)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->m[i].node == node)
            return &p->m[i];
    return NULL;
}

/* Two neighbouring bytes that differ change places; else one is added. */
static void
put_misspelt(struct gr_buf *out, struct gr_str text)
{
    struct gr_buf b = GR_BUF_INIT(100000);
    size_t at = text.n / 2;

    while (at + 1 < text.n && (text.p[at] == text.p[at + 1] || ((text.p[at] | text.p[at + 1]) & 0x80)))
        at++;
    if (at + 1 < text.n)
        gr_buf_printf(&b, GR_FMT "%c%c" GR_FMT, GR_ARG(gr_str_sub(text, 0, at)), text.p[at + 1], text.p[at],
                      GR_ARG(gr_str_sub(text, at + 2, text.n)));
    else
        gr_buf_printf(&b, GR_FMT "x", GR_ARG(text));
    gr_quote_yaml(out, gr_buf_str(&b));
    gr_buf_fini(&b);
}

static void
put_number(struct gr_buf *out, struct gr_str text, enum mistake mistake)
{
    bool sign = text.p[0] == '+' || text.p[0] == '-';
    struct gr_str rest = gr_str_sub(text, sign, text.n), number = rest;

    while (number.n > 0 && !digit(number.p[number.n - 1]))
        number.n--;
    if (mistake == MISTAKE_SIGN)
        gr_buf_printf(out, "%s" GR_FMT, text.p[0] == '-' ? "+" : "-", GR_ARG(rest));
    else if (mistake == MISTAKE_HUGE)
        gr_buf_printf(out, GR_FMT "99999999" GR_FMT, GR_ARG(gr_str_sub(text, 0, sign)), GR_ARG(rest));
    else
        gr_buf_printf(out, GR_FMT GR_FMT "%s", GR_ARG(gr_str_sub(text, 0, sign)), GR_ARG(number),
                      gr_str_ends(text, GR_STR("%")) ? "ms" : "%");
}

static void put_node(struct printing *p, const struct gr_node *node);

static void
put_scalar(struct gr_buf *out, const struct gr_node *node)
{
    if (node->style == GR_STYLE_PLAIN &&
        (has_number(node) || gr_str_is(node->text, "true") || gr_str_is(node->text, "false")))
        gr_buf_put(out, node->text);
    else
        gr_quote_yaml(out, node->text);
}

/* A node of the tree whose mistake, if any, is not of its value. */
static void
put_value(struct printing *p, const struct gr_node *node)
{
    bool map = node->kind == GR_NODE_MAP;

    if (node->kind == GR_NODE_SCALAR)
        put_scalar(p->out, node);
    if (node->kind != GR_NODE_MAP && node->kind != GR_NODE_LIST)
        return;
    gr_buf_puts(p->out, map ? "{\n" : "[\n");
    p->depth++;
    gr_node_each (item, node) {
        size_t from = p->at;
        struct mutation *m = planned(p, from);

        put_node(p, item);
        if (m && m->mistake == MISTAKE_TWICE) {
            p->at = from;
            put_node(p, item);
        }
    }
    p->depth--;
    gr_buf_puts(p->out, map ? "}" : "]");
}

static void
put_changed(struct printing *p, const struct gr_node *node, enum mistake mistake)
{
    switch (mistake) {
    case MISTAKE_MISSPELL:
        put_misspelt(p->out, node->text);
        return;
    case MISTAKE_IN_LIST:
        gr_buf_puts(p->out, "[[");
        put_scalar(p->out, node);
        gr_buf_puts(p->out, "]]");
        return;
    case MISTAKE_IN_MAP:
        gr_buf_puts(p->out, "{something: ");
        put_scalar(p->out, node);
        gr_buf_puts(p->out, "}");
        return;
    case MISTAKE_FLAT:
        gr_buf_puts(p->out, "something");
        return;
    case MISTAKE_NOTHING:
        gr_buf_puts(p->out, node->key.n > 0 ? "" : "~");
        return;
    case MISTAKE_EMPTY:
        gr_buf_puts(p->out, node->kind == GR_NODE_MAP ? "{}" : "[]");
        return;
    case MISTAKE_UNIT:
    case MISTAKE_SIGN:
    case MISTAKE_HUGE:
        put_number(p->out, node->text, mistake);
        return;
    case MISTAKE_DELETE:
    case MISTAKE_MISSPELL_KEY:
    case MISTAKE_TWICE:
    case MISTAKE_COUNT:
        put_value(p, node);
        return;
    }
}

/* One entry, with its key and its line end. */
static void
put_node(struct printing *p, const struct gr_node *node)
{
    size_t number = p->at++, start = p->out->n;
    struct mutation *m = planned(p, number);

    if (m && m->mistake == MISTAKE_DELETE) {
        p->at = number + mutate_nodes(node);
        return;
    }
    if (node->key.n > 0) {
        if (m && m->mistake == MISTAKE_MISSPELL_KEY)
            put_misspelt(p->out, node->key);
        else
            gr_quote_yaml(p->out, node->key);
        gr_buf_puts(p->out, ": ");
    }
    if (m)
        put_changed(p, node, m->mistake);
    else
        put_value(p, node);
    p->at = number + mutate_nodes(node);
    gr_buf_puts(p->out, number > 0 ? ",\n" : "\n");
    for (size_t i = 0; i < p->n; i++) { /* the innermost that holds it is done first */
        if (p->m[i].node < number || p->m[i].node >= p->at)
            continue;
        if (p->m[i].node > number && p->m[i].parent_end == 0) {
            p->m[i].parent_start = start;
            p->m[i].parent_end = p->out->n;
        }
        if (p->depth == PART_DEPTH || (p->depth < PART_DEPTH && p->m[i].part_end == 0)) {
            p->m[i].part_start = start;
            p->m[i].part_end = p->out->n;
        }
    }
}

void
mutate(const struct gr_node *root, struct mutation *m, size_t n, struct gr_buf *out)
{
    struct printing p = {m, n, 0, 0, out};

    for (size_t i = 0; i < n; i++)
        m[i].parent_start = m[i].parent_end = m[i].part_start = m[i].part_end = 0;
    put_node(&p, root);
}
