/* diff_markdown.c - changes for a merge request. */
#include "config.h"
#include "diff_print.h"

#include "guardrail/quote.h"

/* Everything that may begin markup, in CommonMark and in the dialects of code hosts (tables, mentions, references, emoji). */
void
diff_quote_markdown(struct gr_buf *b, struct gr_str s)
{
    struct gr_buf t = GR_BUF_INIT(b->max);

    gr_quote_log(&t, s);
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];

        if (c == '<')
            gr_buf_puts(b, "&lt;");
        else if (c == '>')
            gr_buf_puts(b, "&gt;");
        else if (c == '&')
            gr_buf_puts(b, "&amp;");
        else if (c == '@')
            gr_buf_puts(b, "&#64;");
        else if (c == '#')
            gr_buf_puts(b, "&#35;");
        else if (c == '|')
            gr_buf_puts(b, "&#124;");
        else if (c == ':' && i + 2 < t.n && t.p[i + 1] == '/' && t.p[i + 2] == '/')
            gr_buf_puts(b, "&#58;"); /* no links of their own */
        else if (strchr("\\`*_{}[]()!~$^", c) && c != '\0')
            gr_buf_printf(b, "\\%c", c);
        else
            gr_buf_putc(b, c);
    }
    diff_part_end(b, &t);
}

static void
cell(struct gr_buf *b, struct gr_str s)
{
    gr_buf_putc(b, ' ');
    diff_quote_markdown(b, s);
    gr_buf_puts(b, " |");
}

static void
put_row(const struct diff *d, const struct change *c, struct gr_buf *b)
{
    struct gr_buf t = GR_BUF_INIT(65536);

    gr_buf_printf(b, "| %s%s%s%s |", c->loosens ? "**" : "", change_kind_name(c->kind),
                  c->loosens ? "**" : "",
                  c->coverage   ? ", coverage lost"
                  : c->unproven ? ", cannot be compared"
                                : "");
    cell(b, c->guardrail.n ? c->guardrail : GR_STR("(the specification)"));
    diff_subject(c, &t);
    cell(b, c->aspect == ASPECT_GUARDRAIL ? GR_STR("the guardrail") : gr_buf_str(&t));
    cell(b, c->before.n ? c->before : GR_STR("–"));
    cell(b, c->after.n ? c->after : GR_STR("–"));
    diff_part_end(b, &t);
    diff_place(d, c, &t);
    cell(b, gr_buf_str(&t));
    gr_buf_putc(b, '\n');
    diff_part_end(b, &t);
}

void
diff_markdown_table(const struct diff *d, struct gr_buf *b)
{
    gr_buf_puts(b, "| | Guardrail | What | Before | After | Place |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < d->changes->n; i++)
        put_row(d, &d->changes->v[i], b);
}

void
diff_markdown(const struct diff *d, struct gr_buf *b)
{
    const struct changes *c = d->changes;

    if (c->loosens > 0)
        gr_buf_printf(b, "**%zu change%s loosen%s the guardrails%s.**", c->loosens,
                      c->loosens == 1 ? "" : "s", c->loosens == 1 ? "s" : "",
                      c->coverage ? ", and coverage is lost" : "");
    else
        gr_buf_printf(b, "**Nothing is loosened%s.**",
                      c->unproven ? " as far as it can be compared"
                      : c->n == 0 ? "; the meaning is the same"
                                  : "");
    gr_buf_putc(b, ' ');
    diff_quote_markdown(b, d->from_name);
    gr_buf_printf(b, " (`" GR_FMT "`) → ", GR_ARG(gr_str_sub(c->old_hash, 0, 12)));
    diff_quote_markdown(b, d->to_name);
    gr_buf_printf(b, " (`" GR_FMT "`)\n", GR_ARG(gr_str_sub(c->new_hash, 0, 12)));
    if (c->n == 0)
        return;
    gr_buf_putc(b, '\n');
    diff_markdown_table(d, b);
    gr_buf_putc(b, '\n');
    diff_summary(c, b);
    gr_buf_puts(b, ".\n");
}
