/* spec_hash.c - a document reduced to its meaning: canonical JSON with sorted keys and one spelling for each
 * value.
 *
 * Comments, layout, quoting, the order of keys and the spelling of units ("120s", "2m") play no part; the
 * tables say what a value is. Defaults are not filled in: to state one is a change of the document, if a
 * harmless one. */
#include "config.h"
#include "spec_parts.h"

#include "guardrail/duration.h"
#include "guardrail/hash.h"
#include "guardrail/quote.h"

#include <stdlib.h>

static enum gr_err put_value(struct spec *s, struct gr_buf *b, const struct gr_node *node,
                             const struct key *key);

static void
put_quoted(struct gr_buf *b, struct gr_buf *text)
{
    gr_quote_json(b, gr_buf_str(text));
    if (gr_buf_err(text) != GR_OK && gr_buf_err(b) == GR_OK)
        b->err = gr_buf_err(text); /* half a text would be another meaning */
    gr_buf_fini(text);
}

/* "+25%" and "+25 %" are "+ 0.25 ratio"; a percentage keeps its name, since % and pp mean different
 * things. */
static void
put_quantity(struct gr_buf *b, struct gr_str text)
{
    static const char *const signs[] = {
        [GR_SIGN_NONE] = "", [GR_SIGN_PLUS] = "+", [GR_SIGN_MINUS] = "-", [GR_SIGN_BOTH] = "±"};
    bool of_control = gr_str_ends(text, GR_STR(" of control"));
    struct gr_buf t = GR_BUF_INIT(1000);
    struct gr_quantity q;
    struct gr_str bad;
    struct gr_dec v;

    if (of_control)
        text.n -= strlen(" of control");
    if (gr_quantity_parse(text, &q, &bad) != GR_OK) {
        gr_quote_json(b, text);
        return;
    }
    v = q.sign == GR_SIGN_MINUS ? gr_dec_neg(q.value) : q.value;
    if (q.unit && q.unit->dim != GR_DIM_RATIO && gr_dec_mul(v, q.unit->scale, &v) != GR_OK)
        v = q.value;
    gr_buf_puts(&t, signs[q.sign]);
    gr_dec_print(&t, v);
    if (q.unit)
        gr_buf_printf(&t, " %s",
                      q.unit->dim == GR_DIM_RATIO  ? q.unit->name
                      : q.unit->dim == GR_DIM_TIME ? "s"
                                                   : "B");
    gr_buf_puts(&t, of_control ? " of control" : "");
    put_quoted(b, &t);
}

static void
put_number(struct gr_buf *b, struct gr_str text)
{
    struct gr_dec v;

    if (gr_dec_parse(text, &v) == GR_OK)
        gr_dec_print(b, v);
    else
        gr_quote_json(b, text);
}

/* PromQL is printed from its tree, so that folding and blanks play no part. */
static enum gr_err
put_promql(struct spec *s, struct gr_buf *b, const struct gr_node *node)
{
    struct gr_promql *e = NULL;
    struct gr_buf t = GR_BUF_INIT(GR_PROMQL_BYTES_MAX);
    enum gr_err err = gr_promql_parse(s->a, node->text, node->span, s->d, &e);

    if (err == GR_OK)
        gr_promql_print(&t, e);
    else
        gr_buf_put(&t, node->text);
    put_quoted(b, &t);
    return err == GR_ENOMEM ? GR_ENOMEM : GR_OK;
}

static enum gr_err
put_scalar(struct spec *s, struct gr_buf *b, const struct gr_node *node, const struct key *key)
{
    struct gr_dec ratio;
    int64_t ms;

    if (key->type == KEY_PROMQL)
        return put_promql(s, b, node);
    if (key->type == KEY_DURATION && gr_duration_parse(node->text, &ms) == GR_OK)
        gr_buf_printf(b, "\"%lldms\"", (long long)ms);
    else if (key->type == KEY_SHARE && spec_ratio(node->text, &ratio) == GR_OK)
        gr_dec_print(b, ratio);
    else if (key->type == KEY_QUANTITY)
        put_quantity(b, node->text);
    else if (key->type == KEY_NUMBER || key->type == KEY_COUNT)
        put_number(b, node->text);
    else
        gr_quote_json(b, node->text);
    return GR_OK;
}

static int
by_key(const void *a, const void *b)
{
    return gr_str_cmp((*(const struct gr_node *const *)a)->key, (*(const struct gr_node *const *)b)->key);
}

static enum gr_err
put_map(struct spec *s, struct gr_buf *b, const struct gr_node *map, const struct keys *keys)
{
    const struct gr_node **entries = gr_arena_array(s->a, map->count, sizeof *entries);
    size_t n = 0;
    enum gr_err err = GR_OK;

    if (!entries)
        return GR_ENOMEM;
    gr_node_each (entry, map) {
        const struct key *key = keys_find(keys, entry->key);

        /* Files are no meaning, and what nobody wrote (no place) follows from the rest. */
        if (entry->key_span.file != 0 && !(key->flags & (KEY_FILES | KEY_OVERLAY)))
            entries[n++] = entry;
    }
    qsort(entries, n, sizeof *entries, by_key);
    gr_buf_putc(b, '{');
    for (size_t i = 0; i < n && err == GR_OK; i++) {
        gr_buf_puts(b, i ? "," : "");
        gr_quote_json(b, entries[i]->key);
        gr_buf_putc(b, ':');
        err = put_value(s, b, entries[i], keys_find(keys, entries[i]->key));
    }
    gr_buf_putc(b, '}');
    return err;
}

static enum gr_err
put_list(struct spec *s, struct gr_buf *b, const struct gr_node *list, const struct key *key)
{
    enum gr_err err = GR_OK;

    gr_buf_putc(b, '[');
    for (const struct gr_node *item = list->first; item && err == GR_OK; item = item->next) {
        gr_buf_puts(b, item == list->first ? "" : ",");
        err = put_value(s, b, item, key);
    }
    gr_buf_putc(b, ']');
    return err;
}

static enum gr_err
put_value(struct spec *s, struct gr_buf *b, const struct gr_node *node, const struct key *key)
{
    if (node->kind == GR_NODE_MAP)
        return put_map(s, b, node, key->map);
    if (node->kind == GR_NODE_LIST)
        return put_list(s, b, node, key);
    if (key->type == KEY_MAP && key->scalar)
        key = key->scalar;
    return put_scalar(s, b, node, key);
}

enum gr_err
spec_hash(struct spec *s, const struct gr_node *root, struct gr_str *out)
{
    struct gr_buf b = GR_BUF_INIT(16u << 20);
    char hex[GR_SHA256_HEX + 1];
    enum gr_err err;

    if ((err = put_map(s, &b, root, &spec_keys)) != GR_OK)
        goto done;
    if (gr_buf_err(&b) != GR_OK || gr_sha256_hex(gr_buf_str(&b), hex) != GR_OK) {
        err = GR_ENOMEM;
        goto done;
    }
    *out = gr_arena_dup(s->a, gr_str(hex));
    err = out->p ? GR_OK : GR_ENOMEM;
done:
    gr_buf_fini(&b);
    return err;
}
