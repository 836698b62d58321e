/* layout_print.c - writes a file that was taken apart. Lines are collected with the comments behind them; only when
 * all are there is it known where comments that stand in one column go. */
#include "config.h"
#include "layout_parts.h"

#include "guardrail/quote.h"

#define OUT_BYTES_MAX                                                                                        \
    ((size_t)64 << 20) /* a file of the language's limit of 1 MiB, all of it deeply nested brackets */
#define STEP 2u        /* columns of one level */
#define COMMENT_GAP 2u /* columns before a comment behind something: what yamllint asks for */
#define NO_COMMENT SIZE_MAX

struct line {
    size_t start, end; /* in `text` */
    size_t comment;    /* the comment behind it, or NO_COMMENT */
    bool blank;        /* an empty line before it */
    bool sealed;       /* nothing may follow on this line */
};
struct printer {
    const struct layout *l;
    struct gr_buf text; /* of all lines, without comments behind them and line ends */
    struct line *lines;
    size_t n_lines, lines_cap;
    size_t next;    /* the first comment that is not placed yet */
    bool no_blanks; /* empty lines here would become part of the block scalar above */
    enum gr_err err;
};
struct place {
    size_t indent; /* where entries of the value begin */
    size_t limit;  /* where in the source the next thing behind the value begins */
};

static void put_value(struct printer *p, const struct item *item, struct place at);

/* ---- lines ---- */

static struct line *
last_line(struct printer *p)
{
    return p->n_lines > 0 ? &p->lines[p->n_lines - 1] : NULL;
}

static void
end_line(struct printer *p)
{
    struct line *line = last_line(p);

    if (line)
        line->end = p->text.n;
}

/* Nothing may follow on the last line. */
static void
seal(struct printer *p)
{
    struct line *line = last_line(p);

    if (line)
        line->sealed = true;
}

static void
begin_line(struct printer *p, size_t indent, bool blank)
{
    struct line *grown = p->lines;

    end_line(p);
    if (p->n_lines == p->lines_cap)
        grown = gr_arena_grow(p->l->arena, p->lines, p->n_lines, &p->lines_cap, sizeof *p->lines);
    if (!grown) {
        p->err = GR_ENOMEM;
        return;
    }
    p->lines = grown;
    p->lines[p->n_lines] = (struct line){
        .start = p->text.n, .comment = NO_COMMENT, .blank = blank && !p->no_blanks && p->n_lines > 0};
    p->n_lines++;
    p->no_blanks = false;
    for (size_t i = 0; i < indent; i++)
        gr_buf_putc(&p->text, ' ');
}

static struct gr_str
line_text(struct printer *p)
{
    struct line *line = last_line(p);

    return line ? gr_str_sub(gr_buf_str(&p->text), line->start, p->text.n) : GR_STR_NONE;
}

/* Places the next comment: behind the line, if it was behind something and there is room, else on a line of its own. */
static void
put_comment(struct printer *p, size_t indent)
{
    const struct comment *c = &p->l->comments[p->next++];
    struct line *line = last_line(p);

    if (!c->own_line && line && !line->sealed && line->comment == NO_COMMENT) {
        line->comment = p->next - 1;
        return;
    }
    begin_line(p, indent, layout_blank_before(p->l->text, c->start));
    gr_buf_put(&p->text, gr_str_sub(p->l->text, c->start, c->end));
    seal(p);
}

static bool
comment_before(const struct printer *p, size_t limit)
{
    return p->next < p->l->n_comments && p->l->comments[p->next].start < limit;
}

static void
put_comments(struct printer *p, size_t limit, size_t indent)
{
    while (p->err == GR_OK && comment_before(p, limit))
        put_comment(p, indent);
}

/* The comments at the end of a collection. Between blocks, one belongs to the innermost that it is indented like. */
static void
put_last_comments(struct printer *p, const struct item *item, struct place at)
{
    bool nested = item->top || item->column > item->parent_column;

    while (p->err == GR_OK && comment_before(p, at.limit)) {
        const struct comment *c = &p->l->comments[p->next];

        if (item->flow ? c->start >= item->node->span.end
                       : c->own_line && !(nested && c->column >= item->column))
            return;
        put_comment(p, at.indent);
    }
}

/* ---- scalars ---- */

/* Whether the text in quotes has escapes that say more than a quote or a backslash; those keep their spelling. */
static bool
has_escapes(struct gr_str inside)
{
    for (size_t i = 0; i + 1 < inside.n; i++)
        if (inside.p[i] == '\\' && inside.p[++i] != '"' && inside.p[i] != '\\')
            return true;
    return false;
}

static size_t
count(struct gr_str s, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

/* A text in quotes, or without where every reader takes it for the same text. written: as in the source, or empty. */
static void
put_quoted(struct gr_buf *b, struct gr_str text, struct gr_str written)
{
    size_t escapes = count(text, '"') + count(text, '\\'), before = b->n;

    if (written.n > 2 && written.p[0] == '"' && has_escapes(gr_str_sub(written, 1, written.n - 1))) {
        gr_buf_put(b, written);
        return;
    }
    gr_quote_yaml(b, text);
    if (gr_buf_err(b) != GR_OK || b->n == before || b->p[before] != '"' || escapes == 0 ||
        count(text, '\'') > 0 || b->n - before != text.n + escapes + 2)
        return;
    gr_buf_cut(b, before);
    gr_buf_putc(b, '\'');
    gr_buf_put(b, text);
    gr_buf_putc(b, '\'');
}

/* At the start of a line this ends a document or begins one. */
static bool
is_marker(struct gr_str text)
{
    return gr_str_starts(text, GR_STR("---")) || gr_str_starts(text, GR_STR("..."));
}

/* libyaml takes a lone - in brackets for text; in a block it begins an entry. */
static bool
is_indicator(struct gr_str text)
{
    return text.n > 0 && strchr("-?:", text.p[0]) && (text.n == 1 || text.p[1] == ' ' || text.p[1] == '\t');
}

/* A scalar or key on one line. */
static void
put_short(struct gr_buf *b, struct gr_str text, struct gr_str written)
{
    char first = written.n > 0 ? written.p[0] : '\0';
    bool lines = gr_str_find(written, GR_STR("\n"), 0) != SIZE_MAX ||
                 gr_str_find(written, GR_STR("\r"), 0) != SIZE_MAX;

    if (first != '"' && first != '\'' && !lines && gr_str_eq(text, written) && !is_marker(text) &&
        !is_indicator(text) && text.n > 0)
        gr_buf_put(b, written);
    else
        put_quoted(b, text, lines ? GR_STR_NONE : written);
}

static struct gr_str
written(const struct printer *p, struct gr_span span)
{
    return gr_str_sub(p->l->text, span.start, span.end);
}

/* Takes the first line of *rest, without its end and without blanks around; a blank behind a backslash is text. */
static struct gr_str
next_line(struct gr_str *rest, bool first)
{
    size_t end = 0, start = 0;
    struct gr_str line;

    while (end < rest->n && layout_line_end(*rest, end) == 0)
        end++;
    line = gr_str_sub(*rest, 0, end);
    *rest = gr_str_sub(*rest, end + layout_line_end(*rest, end), rest->n);
    while (!first && start < line.n && (line.p[start] == ' ' || line.p[start] == '\t'))
        start++;
    if (rest->n > 0)
        while (line.n > start && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t') &&
               !(line.n > start + 1 && line.p[line.n - 2] == '\\'))
            line.n--;
    return gr_str_sub(line, start, line.n);
}

/* A plain or quoted scalar as it is written, its further lines indented. */
static void
put_lines(struct printer *p, struct gr_str text, size_t indent)
{
    gr_buf_put(&p->text, next_line(&text, true));
    while (text.n > 0 && p->err == GR_OK) {
        struct gr_str line = next_line(&text, false);

        seal(p);
        begin_line(p, line.n > 0 ? indent : 0, false);
        gr_buf_put(&p->text, line);
    }
}

/* ---- block scalars ---- */

/* Columns of blanks at the start. */
static size_t
leading(struct gr_str line)
{
    size_t n = 0;

    while (n < line.n && line.p[n] == ' ')
        n++;
    return n;
}

/* Takes a line with all blanks; false at the end of the text. */
static bool
raw_line(struct gr_str *rest, struct gr_str *line, bool *ended)
{
    size_t end = 0;

    if (rest->n == 0)
        return false;
    while (end < rest->n && layout_line_end(*rest, end) == 0)
        end++;
    *line = gr_str_sub(*rest, 0, end);
    *ended = end < rest->n;
    *rest = gr_str_sub(*rest, end + layout_line_end(*rest, end), rest->n);
    return true;
}

/* How far the lines of a block scalar are indented in the source: as its header says, or as its first line with text,
 * or as an empty line before that, if it has more blanks; then there is no text. */
static size_t
body_indent(struct gr_str body, const struct item *item, const struct block_scalar *b)
{
    size_t most = item->top ? 1 : item->parent_column + 1;
    struct gr_str line;
    bool ended;

    if (b->increment > 0)
        return (item->top ? 0 : item->parent_column) + b->increment;
    while (raw_line(&body, &line, &ended)) {
        size_t n = leading(line);

        most = n > most ? n : most;
        if (n < line.n)
            break;
    }
    return most;
}

/* The lines that are text: up to the last that has more than its indentation. *first: that which has it first. */
static size_t
body_lines(struct gr_str body, size_t indent, struct gr_str *first)
{
    size_t n = 0, used = 0;
    struct gr_str line;
    bool ended;

    *first = GR_STR_NONE;
    while (raw_line(&body, &line, &ended)) {
        size_t blanks = leading(line);

        if (blanks < indent && blanks < line.n)
            break;
        n++;
        if (line.n <= indent)
            continue;
        used = n;
        if (!first->p)
            *first = gr_str_sub(line, indent, line.n);
    }
    return used;
}

static void
put_body_line(struct printer *p, struct gr_str line, size_t indent)
{
    begin_line(p, line.n > 0 ? indent : 0, false);
    gr_buf_put(&p->text, line);
    seal(p);
}

static size_t
line_ends_at_end(struct gr_str text)
{
    size_t n = 0;

    while (n < text.n && text.p[text.n - 1 - n] == '\n')
        n++;
    return n;
}

/* The header: | or >, a digit where the first line begins with a blank, and how it ends. A text that the end of the
 * file cut short has no line end to keep. */
static void
put_header(struct printer *p, const struct block_scalar *b, struct gr_str first, struct gr_str text)
{
    bool cut = text.n > 0 && text.p[text.n - 1] != '\n';

    gr_buf_putc(&p->text, b->header.p[0]);
    if (first.n > 0 && (first.p[0] == ' ' || first.p[0] == '\t'))
        gr_buf_printf(&p->text, "%u", STEP);
    gr_buf_puts(&p->text, cut || b->strip ? "-" : b->keep ? "+" : "");
}

static void
put_block_scalar(struct printer *p, const struct item *item, size_t indent)
{
    struct block_scalar b = block_scalar_at(p->l->text, item->start);
    struct gr_str rest = gr_str_sub(p->l->text, b.body, p->l->text.n), first, line = GR_STR_NONE;
    size_t from = body_indent(rest, item, &b), n = body_lines(rest, from, &first);
    size_t ends = line_ends_at_end(item->node->text);
    bool ended;

    put_header(p, &b, first, item->node->text);
    if (b.comment > 0)
        put_comments(p, b.comment + 1, indent);
    seal(p);
    for (size_t i = 0; i < n && raw_line(&rest, &line, &ended) && p->err == GR_OK; i++)
        put_body_line(p, gr_str_sub(line, from, line.n), indent);
    for (size_t i = n > 0 ? 1 : 0; b.keep && i < ends && p->err == GR_OK; i++)
        put_body_line(p, GR_STR_NONE, 0);
    p->no_blanks = b.keep;
}

/* ---- collections ---- */

static void put_flow(const struct printer *p, struct gr_buf *b, const struct item *item);

static void
put_flow_entry(const struct printer *p, struct gr_buf *b, const struct item *e, bool map)
{
    const struct gr_node *node = e->node;

    if (map) {
        put_short(b, node->key, written(p, node->key_span));
        gr_buf_puts(b, ": ");
    }
    if (node->kind == GR_NODE_LIST || node->kind == GR_NODE_MAP)
        put_flow(p, b, e);
    else if (node->kind == GR_NODE_NULL)
        gr_buf_put(b, written(p, node->span));
    else
        put_short(b, node->text, written(p, node->span));
}

/* On one line, in brackets. */
static void
put_flow(const struct printer *p, struct gr_buf *b, const struct item *item)
{
    bool map = item->node->kind == GR_NODE_MAP;

    gr_buf_putc(b, map ? '{' : '[');
    for (const struct item *e = item->first; e; e = e->next) {
        if (e != item->first)
            gr_buf_puts(b, ", ");
        put_flow_entry(p, b, e, map);
    }
    gr_buf_putc(b, map ? '}' : ']');
}

/* Whether the collection is in brackets and fits on one line from this column on; it is in b then. */
static bool
fits(struct printer *p, const struct item *item, size_t column, struct gr_buf *b)
{
    if (!item->flow || (item->comments && item->first))
        return false;
    put_flow(p, b, item);
    if (gr_buf_err(b) != GR_OK)
        p->err = gr_buf_err(b);
    return !item->first || column + layout_width(gr_buf_str(b)) <= LAYOUT_WIDTH;
}

static void
put_entries(struct printer *p, const struct item *item, struct place at, bool on_this_line)
{
    bool map = item->node->kind == GR_NODE_MAP;

    for (const struct item *e = item->first; e && p->err == GR_OK; e = e->next) {
        struct place inner = {at.indent + STEP, e->next ? e->next->at : at.limit};

        if (item->flow && !e->next)
            inner.limit = item->node->span.end;
        if (!on_this_line) {
            put_comments(p, e->at, at.indent);
            begin_line(p, at.indent, layout_blank_before(p->l->text, e->at));
        }
        on_this_line = false;
        if (map)
            put_short(&p->text, e->node->key, written(p, e->node->key_span));
        gr_buf_putc(&p->text, map ? ':' : '-');
        put_value(p, e, inner);
    }
    put_last_comments(p, item, at);
}

/* At the cursor, on one line or several; never a block. */
static void
put_scalar(struct printer *p, const struct item *item, size_t indent)
{
    const struct gr_node *node = item->node;
    struct gr_str as_written = written(p, node->span);

    if (node->kind == GR_NODE_NULL)
        gr_buf_put(&p->text, as_written);
    else if (node->style == GR_STYLE_BLOCK)
        put_block_scalar(p, item, indent);
    else if (gr_str_find(as_written, GR_STR("\n"), 0) != SIZE_MAX && !is_marker(as_written) &&
             !is_indicator(as_written))
        put_lines(p, as_written, indent);
    else
        put_short(&p->text, node->text, as_written);
}

/* Moves to where a value begins: one blank further, or past the comments before it to a line of its own. */
static void
begin_value(struct printer *p, const struct item *item, size_t indent, bool next_line)
{
    if (!next_line) {
        gr_buf_putc(&p->text, ' ');
        return;
    }
    put_comments(p, item->start, indent);
    begin_line(p, item->top ? 0 : indent, layout_blank_before(p->l->text, item->start));
}

/* In brackets, or as a block, whose first entry can follow a dash on its line. */
static void
put_collection(struct printer *p, const struct item *item, struct place at, bool next_line)
{
    struct gr_str line = line_text(p);
    bool dash = !next_line && line.n > 0 && line.p[line.n - 1] == '-';
    struct gr_buf b = GR_BUF_INIT(OUT_BYTES_MAX);

    if (fits(p, item, next_line ? at.indent : layout_width(line) + 1, &b)) {
        begin_value(p, item, at.indent, next_line);
        gr_buf_put(&p->text, gr_buf_str(&b));
    } else if (dash && !comment_before(p, item->first->at)) {
        gr_buf_putc(&p->text, ' ');
        put_entries(p, item, at, true);
    } else {
        put_entries(p, item, at, false);
    }
    gr_buf_fini(&b);
}

/* On the line there is what the value belongs to: a dash, or a key with its colon; at the top nothing is. */
static void
put_value(struct printer *p, const struct item *item, struct place at)
{
    const struct gr_node *node = item->node;
    bool next_line = item->top || comment_before(p, item->start);

    if (node->kind == GR_NODE_NULL && node->span.start == node->span.end)
        return;
    if (node->kind == GR_NODE_LIST || node->kind == GR_NODE_MAP) {
        put_collection(p, item, at, next_line);
        return;
    }
    begin_value(p, item, at.indent, next_line);
    put_scalar(p, item, at.indent);
}

/* ---- the whole ---- */

/* Where the comment behind line i goes. Of neighbours in one column all stay in one, further right if need be. */
static void
align(struct printer *p, size_t *columns)
{
    size_t i = 0;

    while (i < p->n_lines) {
        size_t column = 0, end = i, members = 0, from = 0;

        for (; end < p->n_lines; end++) {
            const struct line *line = &p->lines[end];
            struct gr_str text = gr_str_sub(gr_buf_str(&p->text), line->start, line->end);
            size_t least = layout_width(text) + COMMENT_GAP;

            if (line->comment == NO_COMMENT)
                continue;
            if (members > 0 && p->l->comments[line->comment].column != from)
                break;
            from = p->l->comments[line->comment].column;
            column = least > column ? least : column;
            members++;
        }
        if (members > 1 && from > column)
            column = from;
        for (; i < end; i++)
            columns[i] = column;
    }
}

static void
join(struct printer *p, const size_t *columns, struct gr_buf *out)
{
    for (size_t i = 0; i < p->n_lines; i++) {
        const struct line *line = &p->lines[i];
        struct gr_str text = gr_str_sub(gr_buf_str(&p->text), line->start, line->end);

        gr_buf_puts(out, line->blank ? "\n" : "");
        gr_buf_put(out, text);
        if (line->comment != NO_COMMENT) {
            const struct comment *c = &p->l->comments[line->comment];

            for (size_t n = layout_width(text); n < columns[i]; n++)
                gr_buf_putc(out, ' ');
            gr_buf_put(out, gr_str_sub(p->l->text, c->start, c->end));
        }
        gr_buf_putc(out, '\n');
    }
}

static void
put_document(struct printer *p)
{
    const struct layout *l = p->l;

    if (l->mark != SIZE_MAX) {
        put_comments(p, l->mark, 0);
        begin_line(p, 0, layout_blank_before(l->text, l->mark));
        gr_buf_puts(&p->text, "---");
    }
    if (l->root)
        put_value(p, l->root, (struct place){l->root->first ? 0 : STEP, l->text.n});
    put_comments(p, l->text.n, 0);
    end_line(p);
}

enum gr_err
layout_print(const struct layout *l, struct gr_buf *out)
{
    struct printer p = {.l = l, .text = GR_BUF_INIT(OUT_BYTES_MAX)};
    size_t *columns = NULL;

    put_document(&p);
    if (p.err == GR_OK)
        p.err = gr_buf_err(&p.text);
    if (p.err == GR_OK && !(columns = gr_arena_array(l->arena, p.n_lines, sizeof *columns)))
        p.err = GR_ENOMEM;
    if (p.err == GR_OK) {
        align(&p, columns);
        join(&p, columns, out);
        p.err = gr_buf_err(out);
    }
    gr_buf_fini(&p.text);
    return p.err;
}
