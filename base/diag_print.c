#include "config.h"
#include "guardrail/diag.h"

#include "diag_list.h"
#include "guardrail/quote.h"
#include "utf8.h"

/* What is shown of a source line at most, in columns; a longer line is cut around the caret. */
#define LINE_COLUMNS_MAX 160u
#define LEAD_COLUMNS 60u /* kept before the caret when the line is cut */
/* More bytes than the columns above can need; what is further away is not even looked at. */
#define NEAR_BYTES 2048u

#define ELLIPSIS "\xe2\x80\xa6"

static const char *const severity_names[] = {
    [GR_SEV_NOTE] = "note", [GR_SEV_WARNING] = "warning", [GR_SEV_ERROR] = "error"};
static const char *const severity_colors[] = {
    [GR_SEV_NOTE] = "\033[1;36m", [GR_SEV_WARNING] = "\033[1;35m", [GR_SEV_ERROR] = "\033[1;31m"};
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

/* One character as it is shown. */
struct cell {
    char text[16];
    size_t n;       /* bytes of text */
    unsigned width; /* columns */
    bool tab;
};

struct range {
    uint32_t first, last;
};

static bool
in_ranges(const struct range *r, size_t count, uint32_t cp)
{
    for (size_t i = 0; i < count; i++)
        if (cp >= r[i].first && cp <= r[i].last)
            return true;
    return false;
}

/* After Unicode's EastAsianWidth.txt and general categories Mn and Me, the blocks people meet; a rare character that is
 * missing shifts a caret and nothing else. */
static unsigned
width_of(uint32_t cp)
{
    static const struct range none[] = {
        {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
        {0xe31, 0xe31},   {0xe34, 0xe3a},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
        {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
    static const struct range two[] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},  {0xa960, 0xa97f},
        {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6},
        {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

    if (cp < 0x300)
        return 1;
    if (in_ranges(none, GR_COUNT(none), cp))
        return 0;
    return in_ranges(two, GR_COUNT(two), cp) ? 2 : 1;
}

static void
cell_put(struct cell *c, char ch)
{
    GR_ASSERT(c->n < sizeof c->text);
    c->text[c->n++] = ch;
    c->width++;
}

/* \xNN for a byte, \u{…} for a code point past ASCII. */
static void
cell_escape(struct cell *c, uint32_t value, bool code_point)
{
    int digits = 2;

    cell_put(c, '\\');
    cell_put(c, code_point ? 'u' : 'x');
    if (code_point)
        cell_put(c, '{');
    while (digits < 6 && value >> (4 * digits) != 0)
        digits++;
    for (int i = digits - 1; i >= 0; i--)
        cell_put(c, "0123456789abcdef"[value >> (4 * i) & 15]);
    if (code_point)
        cell_put(c, '}');
}

/* The first character of s, which is not empty; returns its bytes. */
static size_t
cell_read(struct gr_str s, struct cell *c)
{
    uint32_t cp = 0;
    size_t n = utf8_decode(s, &cp);

    *c = (struct cell){.tab = s.p[0] == '\t'};
    if (n == 0 || utf8_is_hidden(cp)) {
        cell_escape(c, n == 0 ? (unsigned char)s.p[0] : cp, n > 1);
        return n == 0 ? 1 : n;
    }
    memcpy(c->text, s.p, n);
    c->n = n;
    c->width = width_of(cp);
    return n;
}

/* Foreign text for a terminal: nothing in it can move the cursor, colour or hide anything. */
static void
put_shown(struct gr_buf *b, struct gr_str s)
{
    struct cell c;

    for (size_t i = 0; i < s.n;) {
        i += cell_read(gr_str_sub(s, i, s.n), &c);
        gr_buf_put(b, (struct gr_str){c.text, c.n});
    }
}

static void
put_times(struct gr_buf *b, const char *what, size_t times)
{
    while (times-- > 0)
        gr_buf_puts(b, what);
}

struct printer {
    const struct gr_diags *d;
    struct gr_buf *out;
    bool color;
};

static void
put_color(const struct printer *p, const char *sequence)
{
    if (p->color)
        gr_buf_puts(p->out, sequence);
}

/* The part of a source line that is looked at, and what to underline; bytes, from the start of `text`. */
struct excerpt {
    struct gr_str text;
    size_t start, end;
    bool cut_left, cut_right; /* there is more of the line */
    size_t from, to;          /* columns shown */
};

static bool
is_continuation(struct gr_str s, size_t i)
{
    return i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80;
}

static void
cut_far_bytes(struct excerpt *e)
{
    size_t left = e->start > NEAR_BYTES ? e->start - NEAR_BYTES : 0;
    size_t right = e->text.n - e->start > NEAR_BYTES ? e->start + NEAR_BYTES : e->text.n;

    while (left < e->start && is_continuation(e->text, left))
        left++;
    while (right > e->start && is_continuation(e->text, right))
        right--;
    e->cut_left = left > 0;
    e->cut_right = right < e->text.n;
    e->text = gr_str_sub(e->text, left, right);
    e->end = e->end > right ? right : e->end;
    e->start -= left;
    e->end -= left;
}

/* A tab counts one column here: how far it reaches is the terminal's affair. */
static unsigned
columns_of(const struct cell *c)
{
    return c->tab ? 1 : c->width;
}

/* Which columns to show: all, or LINE_COLUMNS_MAX of them with the caret inside. */
static void
choose_columns(struct excerpt *e)
{
    size_t columns = 0, caret = 0;
    struct cell c;

    for (size_t i = 0; i < e->text.n;) {
        caret = i <= e->start ? columns : caret;
        i += cell_read(gr_str_sub(e->text, i, e->text.n), &c);
        columns += columns_of(&c);
    }
    caret = e->start >= e->text.n ? columns : caret;
    e->from = 0;
    e->to = columns;
    if (columns > LINE_COLUMNS_MAX) {
        e->from = caret > LEAD_COLUMNS ? caret - LEAD_COLUMNS : 0;
        e->from = e->from > columns - LINE_COLUMNS_MAX ? columns - LINE_COLUMNS_MAX : e->from;
        e->to = e->from + LINE_COLUMNS_MAX;
    }
    e->cut_left = e->cut_left || e->from > 0;
    e->cut_right = e->cut_right || e->to < columns;
}

static void
put_source_line(const struct printer *p, const struct excerpt *e)
{
    size_t at = 0;
    struct cell c;

    if (e->cut_left)
        gr_buf_puts(p->out, ELLIPSIS);
    for (size_t i = 0; i < e->text.n; at += columns_of(&c)) {
        i += cell_read(gr_str_sub(e->text, i, e->text.n), &c);
        if (at < e->from || at + columns_of(&c) > e->to)
            continue;
        if (c.tab)
            gr_buf_putc(p->out, '\t');
        else
            gr_buf_put(p->out, (struct gr_str){c.text, c.n});
    }
    if (e->cut_right)
        gr_buf_puts(p->out, ELLIPSIS);
}

/* Blanks up to the caret (a tab stays a tab, so that both lines move alike), then ^~~~. */
static void
put_caret_line(const struct printer *p, const struct excerpt *e, const char *color)
{
    size_t at = 0, marks = 0;
    struct cell c;

    put_times(p->out, " ", e->cut_left);
    for (size_t i = 0, n; i < e->text.n; i += n, at += columns_of(&c)) {
        n = cell_read(gr_str_sub(e->text, i, e->text.n), &c);
        if (at < e->from || at + columns_of(&c) > e->to)
            continue;
        if (i >= e->start && i < e->end)
            marks += columns_of(&c);
        else if (i < e->start && c.tab)
            gr_buf_putc(p->out, '\t');
        else if (i < e->start)
            put_times(p->out, " ", c.width);
    }
    put_color(p, color);
    gr_buf_putc(p->out, '^');
    put_times(p->out, "~", marks > 0 ? marks - 1 : 0);
    put_color(p, PLAIN);
}

/* The line of a place and what of it is meant; a span that goes on in later lines is underlined to the end of this one. */
static void
put_excerpt(const struct printer *p, struct gr_span where, const char *color)
{
    uint32_t line = gr_sources_place(p->d->sources, where.file, where.start).line;
    const struct gr_source *source = gr_sources_get(p->d->sources, where.file);
    struct excerpt e = {.text = gr_sources_line(p->d->sources, where.file, line)};
    size_t line_at = (size_t)(e.text.p - source->text.p),
           end = where.end > where.start ? where.end : where.start;

    e.start = where.start - line_at < e.text.n ? where.start - line_at : e.text.n;
    e.end = end - line_at < e.text.n ? end - line_at : e.text.n;
    cut_far_bytes(&e);
    choose_columns(&e);
    gr_buf_printf(p->out, "%6u |%s", (unsigned)line, e.text.n > 0 ? " " : "");
    put_source_line(p, &e);
    gr_buf_puts(p->out, "\n       | ");
    put_caret_line(p, &e, color);
    gr_buf_putc(p->out, '\n');
}

/* "file:line:column: ", or nothing. */
static void
put_place(const struct printer *p, struct gr_span where)
{
    struct gr_place at;

    if (where.file == 0)
        return;
    at = gr_sources_place(p->d->sources, where.file, where.start);
    put_color(p, BOLD);
    put_shown(p->out, gr_sources_get(p->d->sources, where.file)->name);
    gr_buf_printf(p->out, ":%u:%u:", (unsigned)at.line, (unsigned)at.column);
    put_color(p, PLAIN);
    gr_buf_putc(p->out, ' ');
}

static void
put_finding_text(const struct printer *p, const struct finding *f)
{
    const struct gr_code_info *info = gr_code_info(f->code);

    put_place(p, f->where);
    gr_buf_printf(p->out, "%s ", info->code);
    put_color(p, severity_colors[info->severity]);
    gr_buf_printf(p->out, "%s:", severity_names[info->severity]);
    put_color(p, PLAIN);
    gr_buf_putc(p->out, ' ');
    put_shown(p->out, f->message);
    gr_buf_putc(p->out, '\n');
    if (f->where.file != 0)
        put_excerpt(p, f->where, severity_colors[info->severity]);
    gr_buf_puts(p->out, "   help: ");
    put_shown(p->out, f->fix.n > 0 ? f->fix : gr_str(info->help));
    gr_buf_putc(p->out, '\n');
    for (const struct note *n = f->notes; n; n = n->next) {
        put_place(p, n->where);
        put_color(p, severity_colors[GR_SEV_NOTE]);
        gr_buf_puts(p->out, "note:");
        put_color(p, PLAIN);
        gr_buf_putc(p->out, ' ');
        put_shown(p->out, n->message);
        gr_buf_putc(p->out, '\n');
    }
}

static void
put_text_format(const struct printer *p)
{
    for (size_t i = 0; i < p->d->count; i++)
        put_finding_text(p, p->d->findings[i]);
    if (p->d->dropped > 0)
        gr_buf_printf(p->out, "… and %zu more, not shown\n", p->d->dropped);
}

/* "file":…,"line":…,"column":… with nulls for what has no place. */
static void
put_place_json(const struct printer *p, struct gr_span where, bool with_end)
{
    struct gr_place start, end;

    if (where.file == 0) {
        gr_buf_puts(p->out, "\"file\":null,\"line\":null,\"column\":null");
        gr_buf_puts(p->out, with_end ? ",\"end_line\":null,\"end_column\":null" : "");
        return;
    }
    start = gr_sources_place(p->d->sources, where.file, where.start);
    end = gr_sources_place(p->d->sources, where.file, where.end > where.start ? where.end : where.start);
    gr_buf_puts(p->out, "\"file\":");
    gr_quote_json(p->out, gr_sources_get(p->d->sources, where.file)->name);
    gr_buf_printf(p->out, ",\"line\":%u,\"column\":%u", (unsigned)start.line, (unsigned)start.column);
    if (with_end)
        gr_buf_printf(p->out, ",\"end_line\":%u,\"end_column\":%u", (unsigned)end.line, (unsigned)end.column);
}

static void
put_finding_json(const struct printer *p, const struct finding *f)
{
    const struct gr_code_info *info = gr_code_info(f->code);

    gr_buf_printf(p->out, "{\"code\":\"%s\",\"severity\":\"%s\",\"name\":\"%s\",\"message\":", info->code,
                  severity_names[info->severity], info->name);
    gr_quote_json(p->out, f->message);
    gr_buf_puts(p->out, ",\"fix\":");
    if (f->fix.n > 0)
        gr_quote_json(p->out, f->fix);
    else
        gr_buf_puts(p->out, "null");
    gr_buf_putc(p->out, ',');
    put_place_json(p, f->where, true);
    gr_buf_puts(p->out, ",\"notes\":[");
    for (const struct note *n = f->notes; n; n = n->next) {
        gr_buf_puts(p->out, n == f->notes ? "{\"message\":" : ",{\"message\":");
        gr_quote_json(p->out, n->message);
        gr_buf_putc(p->out, ',');
        put_place_json(p, n->where, false);
        gr_buf_putc(p->out, '}');
    }
    gr_buf_puts(p->out, "]}");
}

static void
put_json_format(const struct printer *p)
{
    gr_buf_puts(p->out, "{\"format_version\":1,\"findings\":[");
    for (size_t i = 0; i < p->d->count; i++) {
        if (i > 0)
            gr_buf_putc(p->out, ',');
        put_finding_json(p, p->d->findings[i]);
    }
    gr_buf_printf(p->out, "],\"errors\":%zu,\"warnings\":%zu,\"dropped\":%zu}\n",
                  gr_diags_count(p->d, GR_SEV_ERROR), gr_diags_count(p->d, GR_SEV_WARNING), p->d->dropped);
}

void
gr_diags_print(const struct gr_diags *d, struct gr_diag_style style, struct gr_buf *out)
{
    struct printer p = {.d = d, .out = out, .color = style.color && style.format == GR_DIAG_TEXT};

    switch (style.format) {
    case GR_DIAG_TEXT:
        put_text_format(&p);
        break;
    case GR_DIAG_JSON:
        put_json_format(&p);
        break;
    case GR_DIAG_SARIF:
        diags_print_sarif(d, style, out);
        break;
    case GR_DIAG_GITHUB:
        diags_print_github(d, out);
        break;
    }
}
