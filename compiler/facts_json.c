/* facts_json.c - facts written as JSON, one fact of the whole and one guardrail a line.
 *
 * Straight into the buffer, not as a tree first: with 10,000 guardrails that would be half a million nodes. */
#include "config.h"
#include "facts_parts.h"

#include "guardrail/quote.h"

/* ,"key": unless it is the first of its object. */
static void
key(struct gr_buf *b, const char *name)
{
    if (b->n > 0 && b->p[b->n - 1] != '{')
        gr_buf_putc(b, ',');
    gr_buf_putc(b, '"');
    gr_buf_puts(b, name);
    gr_buf_puts(b, "\":");
}

static void
text(struct gr_buf *b, const char *name, struct gr_str s)
{
    key(b, name);
    gr_quote_json(b, s);
}

static void
number(struct gr_buf *b, const char *name, struct gr_dec v)
{
    key(b, name);
    gr_dec_print(b, v);
}

static void
items(struct gr_buf *b, const char *name, const struct strs *s)
{
    key(b, name);
    gr_buf_putc(b, '[');
    for (size_t i = 0; i < s->n; i++) {
        gr_buf_puts(b, i ? "," : "");
        gr_quote_json(b, s->v[i]);
    }
    gr_buf_putc(b, ']');
}

static void
put_fact(struct gr_buf *b, const struct fact *f)
{
    enum fact_type type = aspect_type(f->aspect);

    gr_buf_putc(b, '{');
    text(b, "key", gr_str(aspect_key(f->aspect)));
    if (f->of.n > 0)
        text(b, "of", f->of);
    if (type == TYPE_SET || type == TYPE_LIST) {
        items(b, "items", &f->items);
    } else {
        text(b, "text", f->text);
        if (type != TYPE_TEXT)
            number(b, "number", f->number);
    }
    gr_buf_putc(b, '}');
}

static void
put_slice(struct gr_buf *b, const struct fact_slice *s)
{
    gr_buf_putc(b, '{');
    if (s->labels.n > 0) {
        key(b, "labels");
        gr_buf_putc(b, '{');
        for (size_t i = 0; i < s->labels.n; i++) {
            gr_buf_puts(b, i ? "," : "");
            gr_quote_json(b, s->labels.v[i].key);
            gr_buf_putc(b, ':');
            gr_quote_json(b, s->labels.v[i].value);
        }
        gr_buf_putc(b, '}');
    }
    text(b, "text", s->text);
    number(b, "number", s->literal);
    gr_buf_putc(b, '}');
}

static void
put_limit(struct gr_buf *b, const struct fact_limit *l)
{
    gr_buf_putc(b, '{');
    text(b, "level", gr_str(level_name(l->level)));
    text(b, "side", gr_str(side_name(l->side)));
    if (l->inclusive) {
        key(b, "inclusive");
        gr_buf_puts(b, "true");
    }
    if (l->partial) {
        key(b, "partial");
        gr_buf_puts(b, "true");
    }
    text(b, "text", l->text);
    number(b, "number", l->literal);
    if (gr_dec_cmp(l->outside.literal, l->literal) != 0) {
        key(b, "outside");
        put_slice(b, &l->outside);
    }
    if (l->n_slices > 0) {
        key(b, "slices");
        gr_buf_putc(b, '[');
        for (size_t i = 0; i < l->n_slices; i++) {
            gr_buf_puts(b, i ? "," : "");
            put_slice(b, &l->slices[i]);
        }
        gr_buf_putc(b, ']');
    }
    gr_buf_putc(b, '}');
}

void
facts_print_head(struct gr_buf *b, struct gr_str spec, struct gr_str hash, const struct fact *v, size_t n)
{
    gr_buf_printf(b, "{\"format\":%d,\"compiler\":\"guardrail " PACKAGE_VERSION "\"", FACTS_FORMAT);
    text(b, "spec", spec);
    text(b, "spec_hash", hash);
    key(b, "facts");
    gr_buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        gr_buf_puts(b, i ? ",\n" : "\n");
        put_fact(b, &v[i]);
    }
    gr_buf_puts(b, "\n],\"guardrails\":[");
}

void
facts_print_guardrail(struct gr_buf *b, const struct fact_guardrail *g, bool first)
{
    gr_buf_puts(b, first ? "\n{" : ",\n{");
    text(b, "name", g->name);
    key(b, "facts");
    gr_buf_putc(b, '[');
    for (size_t i = 0; i < g->n; i++) {
        gr_buf_puts(b, i ? "," : "");
        put_fact(b, &g->v[i]);
    }
    gr_buf_putc(b, ']');
    key(b, "limits");
    gr_buf_putc(b, '[');
    for (size_t i = 0; i < g->n_limits; i++) {
        gr_buf_puts(b, i ? "," : "");
        put_limit(b, &g->limits[i]);
    }
    gr_buf_putc(b, ']');
    if (g->where.n > 0)
        items(b, "where", &g->where);
    gr_buf_putc(b, '}');
}

void
facts_print_tail(struct gr_buf *b)
{
    gr_buf_puts(b, "\n]}\n");
}

void
facts_print(const struct facts *f, struct gr_buf *b)
{
    facts_print_head(b, f->spec, f->spec_hash, f->v, f->n);
    for (size_t i = 0; i < f->n_guardrails; i++)
        facts_print_guardrail(b, &f->guardrails[i], i == 0);
    facts_print_tail(b);
}
