#include "config.h"
#include "tree.h"

#include "../../../base/diag_list.h"
#include "guardrail/quote.h"

/* What ends a line for libyaml: CR, LF, NEL, LS, PS. */
static const struct gr_str line_ends[] = {
    GR_STR_INIT("\n"),           GR_STR_INIT("\r"),           GR_STR_INIT("\xc2\x85"),
    GR_STR_INIT("\xe2\x80\xa8"), GR_STR_INIT("\xe2\x80\xa9"),
};

static void
print_place(struct gr_buf *b, struct gr_str source, struct gr_span span)
{
    gr_buf_printf(b, "@%u<", span.start);
    gr_quote_log(b, gr_str_sub(source, span.start, span.end));
    gr_buf_putc(b, '>');
}

void
tree_print(struct gr_buf *b, struct gr_str source, const struct gr_node *node, bool only_text)
{
    bool map = node->kind == GR_NODE_MAP;

    if (node->kind == GR_NODE_NULL)
        gr_buf_puts(b, "null");
    if (node->kind == GR_NODE_SCALAR) {
        gr_buf_putc(b, only_text ? 's' : "pqb"[node->style]);
        gr_quote_json(b, node->text);
    }
    if (map || node->kind == GR_NODE_LIST) {
        gr_buf_putc(b, map ? '{' : '[');
        gr_node_each (item, node) {
            if (item != node->first)
                gr_buf_puts(b, ", ");
            if (map) {
                gr_quote_json(b, item->key);
                if (!only_text)
                    print_place(b, source, item->key_span);
                gr_buf_puts(b, ": ");
            }
            tree_print(b, source, item, only_text);
        }
        gr_buf_putc(b, map ? '}' : ']');
    }
    if (!only_text)
        print_place(b, source, node->span);
}

static bool
inside(struct gr_span inner, struct gr_span outer)
{
    return inner.file == outer.file && inner.start >= outer.start && inner.end <= outer.end &&
           inner.start <= inner.end;
}

/* A plain scalar on one line is its text as it stands. */
static bool
plain_is_as_written(struct gr_str source, const struct gr_node *node)
{
    struct gr_str written = gr_str_sub(source, node->span.start, node->span.end);

    if (node->kind != GR_NODE_SCALAR || node->style != GR_STYLE_PLAIN || node->text.n == 0)
        return true; /* empty: it was refused */
    for (size_t i = 0; i < GR_COUNT(line_ends); i++)
        if (gr_str_find(written, line_ends[i], 0) != SIZE_MAX)
            return true;
    return gr_str_eq(written, node->text);
}

void
tree_check(struct gr_str source, const struct gr_node *node)
{
    size_t count = 0;
    uint32_t at = node->span.start;

    GR_ASSERT(node->span.file > 0 && node->span.start <= node->span.end && node->span.end <= source.n);
    GR_ASSERT(gr_str_is_utf8(node->text) &&
              gr_str_is_utf8(gr_str_sub(source, node->span.start, node->span.end)));
    GR_ASSERT(node->text.n == 0 || !memchr(node->text.p, 0, node->text.n));
    if (node->alias.p) /* what it shares stands elsewhere, and is checked there */
        return;
    GR_ASSERT(plain_is_as_written(source, node));
    gr_node_each (item, node) {
        GR_ASSERT(inside(item->span, node->span));
        if (node->kind == GR_NODE_MAP) {
            GR_ASSERT(item->key.p && inside(item->key_span, node->span));
            GR_ASSERT(item->key_span.start >= at && item->key_span.end <= item->span.start);
        }
        GR_ASSERT(item->span.start >= at);
        at = item->span.end;
        count++;
        tree_check(source, item);
    }
    GR_ASSERT(count == node->count);
}

static void
print_findings(struct gr_buf *b, struct gr_str source, const struct gr_diags *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct finding *f = d->findings[i];

        gr_buf_printf(b, "%s%s", i ? "; " : "", gr_code_info(f->code)->code);
        print_place(b, source, f->where);
        gr_buf_printf(b, " " GR_FMT "%s", GR_ARG(f->message), f->fix.n ? " +fix" : "");
        for (const struct note *n = f->notes; n; n = n->next) {
            gr_buf_puts(b, " see");
            print_place(b, source, n->where);
        }
    }
}

enum gr_err
tree_read(struct gr_buf *b, node_read_fn *read, struct gr_str text, const struct gr_node_limits *limits,
          bool only_text)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct gr_arena *a = gr_arena_create((size_t)1 << 30);
    struct gr_node *node = NULL;
    enum gr_err err = GR_ENOMEM;
    uint32_t file;

    if (!sources || !d || !a || gr_sources_add(sources, GR_STR("f"), text, &file) != GR_OK)
        goto done;
    err = read(a, sources, file, limits, d, &node);
    if (node)
        tree_check(text, node);
    if (err == GR_OK)
        tree_print(b, text, node, only_text);
    else
        print_findings(b, text, d);
    if (err == GR_OK || err == GR_EUSER)
        err = gr_diags_status(d) == err ? err : GR_ENOMEM; /* a finding lost for want of memory */
done:
    gr_arena_free(a);
    gr_diags_free(d);
    gr_sources_free(sources);
    return err;
}
