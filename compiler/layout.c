/* layout.c - reads, lays out, reads again and compares. */
#include "config.h"
#include "layout.h"
#include "layout_parts.h"

#include "guardrail/quote.h"

/* Ends of lines for YAML 1.1 alone: with them the same bytes mean different things to different readers. */
static const struct separator {
    struct gr_str bytes;
    const char *name, *escape;
} separators[] = {
    {GR_STR_INIT("\xc2\x85"), "U+0085", "\\N"},
    {GR_STR_INIT("\xe2\x80\xa8"), "U+2028", "\\L"},
    {GR_STR_INIT("\xe2\x80\xa9"), "U+2029", "\\P"},
};

static void
check_separators(struct gr_str text, uint32_t file, struct gr_diags *d)
{
    for (size_t i = 0; i < GR_COUNT(separators); i++) {
        size_t at = gr_str_find(text, separators[i].bytes, 0);

        if (at != SIZE_MAX)
            gr_diag(d, GR0004, (struct gr_span){file, (uint32_t)at, (uint32_t)(at + separators[i].bytes.n)},
                    GR_STR("remove it, or write its escape in double quotes"),
                    "%s (\"%s\") ends a line for some readers of YAML and not for others", separators[i].name,
                    separators[i].escape);
    }
}

/* A key has to fit on one line, quotes and escapes included. */
static void
check_keys(const struct gr_node *node, struct gr_diags *d)
{
    gr_node_each (e, node) {
        struct gr_buf b = GR_BUF_INIT(1u << 20);

        if (node->kind == GR_NODE_MAP && e->key.n > LAYOUT_KEY_CHARS_MAX / 10) {
            gr_quote_yaml(&b, e->key);
            if (layout_width(gr_buf_str(&b)) > LAYOUT_KEY_CHARS_MAX)
                gr_diag(d, GR0002, e->key_span, GR_STR("shorten it"), "a key has at most %u characters",
                        LAYOUT_KEY_CHARS_MAX);
        }
        gr_buf_fini(&b);
        check_keys(e, d);
    }
}

/* As many values as a specification may have. */
static struct gr_node_limits
layout_limits(void)
{
    struct gr_node_limits limits = gr_node_limits_default;

    limits.nodes = LAYOUT_NODES_MAX;
    return limits;
}

/* ---- the proof ---- */

/* Quotes may go only from what is a text without them, too. */
static bool
same_scalar(const struct gr_node *a, const struct gr_node *b)
{
    struct gr_buf quoted = GR_BUF_INIT(8u << 20);
    bool same = gr_str_eq(a->text, b->text);

    if (same && a->style != GR_STYLE_PLAIN && b->style == GR_STYLE_PLAIN) {
        gr_quote_yaml(&quoted, b->text);
        same = gr_str_eq(gr_buf_str(&quoted), b->text);
        gr_buf_fini(&quoted);
    }
    return same;
}

static bool
same_tree(const struct gr_node *a, const struct gr_node *b)
{
    const struct gr_node *eb = b->first;

    if (a->kind != b->kind || a->count != b->count || !gr_str_eq(a->key, b->key))
        return false;
    if (a->kind == GR_NODE_SCALAR)
        return same_scalar(a, b);
    gr_node_each (ea, a) {
        if (!same_tree(ea, eb))
            return false;
        eb = eb->next;
    }
    return true;
}

static bool
same_comments(const struct layout *a, const struct layout *b)
{
    if (a->n_comments != b->n_comments)
        return false;
    for (size_t i = 0; i < a->n_comments; i++)
        if (!gr_str_eq(gr_str_sub(a->text, a->comments[i].start, a->comments[i].end),
                       gr_str_sub(b->text, b->comments[i].start, b->comments[i].end)))
            return false;
    return true;
}

/* Reads the result as anybody would. GR_ESTATE if it is not the same. */
static enum gr_err
prove(struct gr_arena *a, const struct layout *before, const struct gr_node *root, struct gr_str result)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct layout after = {.arena = a, .text = result};
    struct gr_node_limits limits = layout_limits();
    struct gr_node *again = NULL;
    enum gr_err err = GR_ENOMEM;
    uint32_t file;

    if (!d || gr_sources_add(sources, GR_STR("-"), result, &file) != GR_OK)
        goto done;
    err = gr_yaml_read(a, sources, file, &limits, d, &again);
    if (err == GR_OK && !same_tree(root, again))
        err = GR_ESTATE;
    if (err == GR_OK)
        err = layout_scan(&after, again);
    if (err == GR_OK && !same_comments(before, &after))
        err = GR_ESTATE;
done:
    gr_diags_free(d);
    gr_sources_free(sources);
    return err == GR_EUSER ? GR_ESTATE : err;
}

enum gr_err
layout_format(struct gr_arena *a, const struct gr_sources *sources, uint32_t file, struct gr_diags *d,
              struct gr_buf *out)
{
    struct layout l = {.arena = a, .text = gr_sources_get(sources, file)->text};
    size_t errors = gr_diags_count(d, GR_SEV_ERROR), before = out->n;
    struct gr_node *root = NULL;
    struct gr_node_limits limits = layout_limits();
    enum gr_err err = gr_yaml_read(a, sources, file, &limits, d, &root);

    if (err != GR_OK)
        return err;
    check_separators(l.text, file, d);
    check_keys(root, d);
    if (gr_diags_count(d, GR_SEV_ERROR) > errors)
        return GR_EUSER;
    if ((err = layout_scan(&l, root)) != GR_OK || (err = layout_print(&l, out)) != GR_OK)
        return err;
    return prove(a, &l, root, gr_str_sub(gr_buf_str(out), before, out->n));
}
