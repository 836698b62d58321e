/* diff_text.c - changes for a terminal, and the parts that other forms share. */
#include "config.h"
#include "diff_print.h"

#include "guardrail/quote.h"

#define HASH_SHOWN 12u

/* ---- parts ---- */

void
diff_part_end(struct gr_buf *b, struct gr_buf *t)
{
    if (gr_buf_err(t) != GR_OK && gr_buf_err(b) == GR_OK)
        b->err = gr_buf_err(t);
    gr_buf_fini(t);
}

static void
put_slices(const struct change *c, struct gr_buf *b)
{
    for (size_t i = 0; i < c->n_slices; i++) {
        const struct pairs *s = &c->slices[i];

        gr_buf_puts(b, i == 0 ? ", where " : " or ");
        for (size_t k = 0; k < s->n; k++)
            gr_buf_printf(b, "%s" GR_FMT "=" GR_FMT, k ? " " : "", GR_ARG(s->v[k].key),
                          GR_ARG(s->v[k].value));
    }
    if (c->outside)
        gr_buf_puts(b, ", and outside expect");
}

void
diff_subject(const struct change *c, struct gr_buf *b)
{
    static const char *const wheres[] = {[WHERE_ALL] = "",
                                         [WHERE_OTHERS] = ", other slices",
                                         [WHERE_SLICES] = "",
                                         [WHERE_OUTSIDE] = ", slices outside expect"};

    gr_buf_put(b, c->key);
    if (c->of.n > 0)
        gr_buf_printf(b, " " GR_FMT, GR_ARG(c->of));
    if (c->has_side && !side_is_backstop(c->side))
        gr_buf_printf(b, " %s", c->both_sides ? "both sides" : side_name(c->side));
    gr_buf_puts(b, wheres[c->where]);
    if (c->where == WHERE_SLICES)
        put_slices(c, b);
}

static void
put_count(struct gr_buf *b, size_t n, const char *what)
{
    size_t at = b->n;

    if (n > 0)
        gr_buf_printf(b, "%s%zu %s", at > 0 && b->p[at - 1] != '\n' ? ", " : "", n, what);
}

void
diff_summary(const struct changes *c, struct gr_buf *out)
{
    static const char *const words[] = {
        [CHANGE_LOOSER] = "loosened",   [CHANGE_REMOVED] = "removed", [CHANGE_SLOWER] = "slower",
        [CHANGE_REROUTED] = "rerouted", [CHANGE_CHANGED] = "changed", [CHANGE_FASTER] = "faster",
        [CHANGE_TIGHTER] = "tightened", [CHANGE_ADDED] = "added"};
    struct gr_buf b = GR_BUF_INIT(1000);

    for (unsigned i = 0; i < CHANGE_KINDS; i++)
        put_count(&b, c->count[i], words[i]);
    gr_buf_put(out, gr_buf_str(&b));
    if (c->coverage > 0)
        gr_buf_printf(out, "; coverage is lost in %zu place%s", c->coverage, c->coverage == 1 ? "" : "s");
    if (c->unproven > 0)
        gr_buf_printf(out, "; %zu cannot be compared", c->unproven);
    diff_part_end(out, &b);
}

void
diff_place(const struct diff *d, const struct change *c, struct gr_buf *b)
{
    struct gr_span span = c->new_place.file ? c->new_place : c->old_place;
    struct gr_place place;

    if (!d->sources || span.file == 0)
        return;
    place = gr_sources_place(d->sources, span.file, span.start);
    gr_buf_printf(b, GR_FMT ":%u:%u", GR_ARG(gr_sources_get(d->sources, span.file)->name),
                  (unsigned)place.line, (unsigned)place.column);
}

/* ---- text ---- */

struct look {
    char sign;
    const char *color;
};

static struct look
look_of(const struct change *c)
{
    static const struct look looks[] = {
        [CHANGE_LOOSER] = {'!', "31"},   [CHANGE_REMOVED] = {'-', "31"}, [CHANGE_SLOWER] = {'~', "33"},
        [CHANGE_REROUTED] = {'~', "36"}, [CHANGE_CHANGED] = {'~', "33"}, [CHANGE_FASTER] = {'+', "32"},
        [CHANGE_TIGHTER] = {'+', "32"},  [CHANGE_ADDED] = {'+', "32"}};

    return c->loosens ? (struct look){'!', "1;31"} : looks[c->kind];
}

static void
start_color(const struct diff *d, const char *color, struct gr_buf *b)
{
    if (d->color)
        gr_buf_printf(b, "\033[%sm", color);
}

static void
end_color(const struct diff *d, struct gr_buf *b)
{
    if (d->color)
        gr_buf_puts(b, "\033[0m");
}

static void
put_values(const struct change *c, struct gr_buf *b)
{
    gr_buf_puts(b, ": ");
    if (c->kind == CHANGE_ADDED && c->before.n == 0) {
        gr_quote_log(b, c->after);
    } else if (c->kind == CHANGE_REMOVED && c->after.n == 0) {
        gr_quote_log(b, c->before);
    } else {
        gr_quote_log(b, c->before.n ? c->before : GR_STR("none"));
        gr_buf_puts(b, " -> ");
        gr_quote_log(b, c->after.n ? c->after : GR_STR("none"));
    }
    gr_buf_puts(b, c->coverage ? "  (coverage lost)" : "");
    gr_buf_puts(b, c->unproven ? "  (cannot be compared)" : "");
}

static void
put_change(const struct diff *d, const struct change *c, struct gr_buf *b)
{
    struct look look = look_of(c);
    struct gr_buf t = GR_BUF_INIT(65536);

    gr_buf_puts(b, "  ");
    start_color(d, look.color, b);
    gr_buf_printf(b, "%c %-9s", look.sign, change_kind_name(c->kind));
    end_color(d, b);
    if (c->aspect == ASPECT_GUARDRAIL)
        gr_buf_puts(&t, "the guardrail");
    else
        diff_subject(c, &t);
    gr_buf_putc(b, ' ');
    gr_quote_log(b, gr_buf_str(&t));
    put_values(c, b);
    diff_part_end(b, &t);
    diff_place(d, c, &t);
    if (t.n > 0) {
        gr_buf_puts(b, "  ");
        start_color(d, "2", b);
        gr_quote_log(b, gr_buf_str(&t));
        end_color(d, b);
    }
    gr_buf_putc(b, '\n');
    diff_part_end(b, &t);
}

static void
put_head(const struct diff *d, struct gr_buf *b)
{
    gr_quote_log(b, d->from_name);
    gr_buf_printf(b, " (" GR_FMT ") -> ", GR_ARG(gr_str_sub(d->changes->old_hash, 0, HASH_SHOWN)));
    gr_quote_log(b, d->to_name);
    gr_buf_printf(b, " (" GR_FMT ")\n", GR_ARG(gr_str_sub(d->changes->new_hash, 0, HASH_SHOWN)));
}

void
diff_text(const struct diff *d, struct gr_buf *b)
{
    const struct changes *c = d->changes;

    put_head(d, b);
    if (c->n == 0) {
        gr_buf_printf(b, "%s\n",
                      gr_str_eq(c->old_hash, c->new_hash)
                          ? "No difference."
                          : "No difference in meaning; only how it is written differs.");
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        if (i == 0 || !gr_str_eq(c->v[i].guardrail, c->v[i - 1].guardrail)) {
            gr_buf_putc(b, '\n');
            start_color(d, "1", b);
            gr_quote_log(b, c->v[i].guardrail.n ? c->v[i].guardrail : GR_STR("the specification"));
            end_color(d, b);
            gr_buf_putc(b, '\n');
        }
        put_change(d, &c->v[i], b);
    }
    gr_buf_putc(b, '\n');
    diff_summary(c, b);
    gr_buf_puts(b, ".\n");
}
