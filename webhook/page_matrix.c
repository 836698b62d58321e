/* page_matrix.c - the verdicts of one release as a table: guardrails down, the values of one label across.
 *
 *     guardrail        everywhere   XNAS                           XNYS
 *     error_rate                    ✕ hard: agency  ✓ healthy: …   ✓ healthy ×2
 *     cpu_saturation   ✓ healthy
 *
 * The label is the one that most slices have; what else a slice is stands in the cell, which names the worst first. */
#include "config.h"
#include "page_parts.h"

#include <inttypes.h>
#include <stdlib.h>

#define CHIPS_MAX 4u  /* of one cell */
#define NAMES_MAX 16u /* labels that are counted */

static const struct sign signs[VERDICTS] = {
    [VERDICT_IDLE] = {"unknown", "·", "no traffic"},
    [VERDICT_HEALTHY] = {"good", "✓", "healthy"},
    [VERDICT_INSUFFICIENT] = {"unknown", "?", "insufficient"},
    [VERDICT_NONE] = {"unknown", "–", "no data"},
    [VERDICT_SOFT] = {"warn", "!", "soft"},
    [VERDICT_HARD] = {"bad", "✕", "hard"},
};

struct column {
    struct gr_str value; /* of the label; p NULL: slices without it */
    enum verdict worst;
};
/* All cells of one guardrail: cells[from .. from + count). */
struct line {
    size_t from, count;
    enum verdict worst;
};
struct matrix {
    const struct verdicts *v;
    struct gr_arena *arena;
    struct gr_str label; /* across; empty: no slice has a label */
    struct column *columns;
    size_t column_count;
    bool others; /* the last column holds all further values */
    struct line *lines;
    size_t line_count, cap;
};

/* ---- what stands where ---- */

static struct gr_str
most_common_label(const struct verdicts *v)
{
    struct {
        struct gr_str name;
        size_t count;
    } names[NAMES_MAX];
    size_t n = 0, best = 0;

    for (size_t i = 0; i < v->count; i++)
        for (size_t k = 0; k < v->cells[i].slice.count; k++) {
            struct gr_str name = v->cells[i].slice.items[k].name;
            size_t at = 0;

            while (at < n && !gr_str_eq(names[at].name, name))
                at++;
            if (at == n && n < NAMES_MAX) {
                names[n].name = name;
                names[n++].count = 0;
            }
            if (at < n)
                names[at].count++;
        }
    for (size_t i = 1; i < n; i++)
        if (names[i].count > names[best].count ||
            (names[i].count == names[best].count && gr_str_cmp(names[i].name, names[best].name) > 0))
            best = i;
    return n > 0 ? names[best].name : GR_STR("");
}

static struct gr_str
value_of(const struct matrix *m, const struct verdict_cell *cell)
{
    return m->label.n > 0 ? labels_get(cell->slice, m->label) : GR_STR_NONE;
}

static int
by_value(const void *a, const void *b)
{
    const struct column *x = a, *y = b;

    if (!x->value.p || !y->value.p)
        return (x->value.p != NULL) - (y->value.p != NULL);
    return gr_str_cmp(x->value, y->value);
}

static int
by_worst(const void *a, const void *b)
{
    const struct column *x = a, *y = b;

    return x->worst != y->worst ? (x->worst < y->worst) - (x->worst > y->worst) : by_value(a, b);
}

/* The place of a cell's column. */
static size_t
column_of(const struct matrix *m, const struct verdict_cell *cell)
{
    struct gr_str value = value_of(m, cell);

    for (size_t i = 0; i < m->column_count; i++)
        if ((value.p == NULL) == (m->columns[i].value.p == NULL) && gr_str_eq(m->columns[i].value, value))
            return i;
    return m->column_count;
}

/* When there are too many, the worst are kept and the rest share the last one. */
static bool
find_columns(struct matrix *m)
{
    size_t cap = m->v->count;

    if (!(m->columns = gr_arena_array(m->arena, cap ? cap : 1, sizeof *m->columns)))
        return false;
    for (size_t i = 0; i < m->v->count; i++) {
        const struct verdict_cell *cell = &m->v->cells[i];
        size_t at = column_of(m, cell);

        if (at == m->column_count)
            m->columns[m->column_count++] = (struct column){value_of(m, cell), cell->verdict};
        else if (cell->verdict > m->columns[at].worst)
            m->columns[at].worst = cell->verdict;
    }
    m->others = m->column_count > PAGE_MATRIX_COLUMNS;
    if (m->others) {
        qsort(m->columns, m->column_count, sizeof *m->columns, by_worst);
        m->column_count = PAGE_MATRIX_COLUMNS - 1;
    }
    if (m->column_count > 0)
        qsort(m->columns, m->column_count, sizeof *m->columns, by_value);
    return true;
}

static int
by_urgency(const void *a, const void *b)
{
    const struct line *x = a, *y = b;

    if (x->worst != y->worst)
        return x->worst > y->worst ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

static bool
find_lines(struct matrix *m)
{
    const struct verdicts *v = m->v;

    for (size_t i = 0; i < v->count; i++) {
        struct line *l = m->line_count ? &m->lines[m->line_count - 1] : NULL;

        if (l && v->cells[l->from].guardrail == v->cells[i].guardrail) {
            l->count++;
            if (v->cells[i].verdict > l->worst)
                l->worst = v->cells[i].verdict;
            continue;
        }
        if (m->line_count == m->cap &&
            !(m->lines = gr_arena_grow(m->arena, m->lines, m->line_count, &m->cap, sizeof *m->lines)))
            return false;
        m->lines[m->line_count++] = (struct line){.from = i, .count = 1, .worst = v->cells[i].verdict};
    }
    if (m->line_count > 0)
        qsort(m->lines, m->line_count, sizeof *m->lines, by_urgency);
    return true;
}

/* ---- drawing ---- */

/* "agency" of {flow=agency, venue=XNAS} in the column XNAS; in the last column, the whole of it. */
static void
put_rest(struct gr_buf *b, const struct matrix *m, const struct verdict_cell *cell, bool whole)
{
    bool first = true;

    for (size_t i = 0; i < cell->slice.count; i++) {
        if (!whole && m->label.n > 0 && gr_str_eq(cell->slice.items[i].name, m->label))
            continue;
        html_put(b, first ? ": " : " ");
        html_cut(b, cell->slice.items[i].value, 60);
        first = false;
    }
}

static void
put_chip(struct gr_buf *b, const struct matrix *m, const struct verdict_cell *cell, size_t same, bool whole)
{
    struct sign s = signs[cell->verdict];

    html_put(b, "<span class=\"chip %s\"><span aria-hidden=\"true\">%s</span> ", s.class, s.sign);
    if (cell->verdict == VERDICT_INSUFFICIENT && cell->why.n > 0) {
        html_put(b, "insufficient (");
        html_cut(b, cell->why, 40);
        html_put(b, ")");
    } else {
        html_put(b, "%s", s.words);
    }
    if (same > 1)
        html_put(b, " ×%zu", same);
    else if (same == 1)
        put_rest(b, m, cell, whole);
    html_put(b, "</span>");
}

/* One that says it for all if they say the same; else the worst ones, each by itself. */
static void
put_cell(struct gr_buf *b, const struct matrix *m, const struct line *l, size_t column)
{
    size_t count = 0, shown = 0, alike = 0;
    const struct verdict_cell *first = NULL;

    for (size_t i = l->from; i < l->from + l->count; i++)
        if (column_of(m, &m->v->cells[i]) == column) {
            first = first ? first : &m->v->cells[i];
            alike += m->v->cells[i].verdict == first->verdict && gr_str_eq(m->v->cells[i].why, first->why);
            count++;
        }
    if (count > 1 && alike == count) {
        put_chip(b, m, first, count, false);
        return;
    }
    for (int verdict = VERDICTS; verdict-- > 0;)
        for (size_t i = l->from; i < l->from + l->count && shown < CHIPS_MAX; i++)
            if ((int)m->v->cells[i].verdict == verdict && column_of(m, &m->v->cells[i]) == column) {
                put_chip(b, m, &m->v->cells[i], 1, column == m->column_count);
                shown++;
            }
    if (shown < count)
        html_put(b, " <span class=\"soft\">and %zu more</span>", count - shown);
}

static bool
has_cell(const struct matrix *m, const struct line *l, size_t column)
{
    for (size_t i = l->from; i < l->from + l->count; i++)
        if (column_of(m, &m->v->cells[i]) == column)
            return true;
    return false;
}

/* The column's head once more, for a phone: there a guardrail is a block, and the heads are not shown. */
static void
put_place(struct gr_buf *b, const struct matrix *m, size_t column)
{
    if (column < m->column_count && !m->columns[column].value.p)
        return;
    html_put(b, "<span class=\"place\">");
    if (column < m->column_count)
        html_cut(b, m->columns[column].value, 60);
    else
        html_put(b, "others");
    html_put(b, "</span> ");
}

static void
put_heads(struct gr_buf *b, const struct matrix *m)
{
    html_put(b, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Verdicts\">\n<table "
                "class=\"list\">\n"
                "<caption>Verdicts by guardrail");
    if (m->label.n > 0) {
        html_put(b, " and ");
        html_cut(b, m->label, PAGE_TEXT_BYTES);
    }
    html_put(b, "</caption>\n<thead><tr><th scope=\"col\">Guardrail</th>");
    for (size_t i = 0; i < m->column_count; i++) {
        html_put(b, "<th scope=\"col\">");
        if (m->columns[i].value.p)
            html_cut(b, m->columns[i].value, 60);
        else
            html_put(b, m->column_count > 1 ? "everywhere" : "Verdict");
        html_put(b, "</th>");
    }
    if (m->others)
        html_put(b, "<th scope=\"col\">others</th>");
    html_put(b, "</tr></thead>\n<tbody>\n");
}

static void
put_line(struct gr_buf *b, const struct matrix *m, const struct line *l)
{
    const struct policy_guardrail *g = m->v->cells[l->from].guardrail;

    html_put(b, "<tr><th scope=\"row\" class=\"lead\">");
    html_cut(b, g->name, PAGE_TEXT_BYTES);
    html_put(b, "</th>");
    for (size_t i = 0; i < m->column_count + m->others; i++) {
        html_put(b, "<td>");
        if (has_cell(m, l, i)) {
            put_place(b, m, i);
            put_cell(b, m, l, i);
        }
        html_put(b, "</td>");
    }
    html_put(b, "</tr>\n");
}

/* "✕ 1 hard  ✓ 12 healthy": cells, the worst first. */
static void
put_sums(struct gr_buf *b, const struct verdicts *v, int64_t now_ms)
{
    size_t sums[VERDICTS] = {0};

    for (size_t i = 0; i < v->count; i++)
        sums[v->cells[i].verdict]++;
    html_put(b, "<p>");
    for (int i = VERDICTS; i-- > 0;)
        if (sums[i] > 0)
            html_put(b, "<span class=\"chip %s\"><span aria-hidden=\"true\">%s</span> %zu %s</span> ",
                     signs[i].class, signs[i].sign, sums[i], signs[i].words);
    if (v->known) {
        html_put(b, "<span class=\"soft\">Prometheus at ");
        html_time(b, v->at_ms, now_ms);
        html_put(b, "%s</span></p>\n", v->cut ? "; there are more slices than are shown" : "");
    } else {
        html_put(b,
                 "</p>\n<p><span class=\"chip unknown\"><span aria-hidden=\"true\">–</span> no data</span> ");
        html_cut(b, gr_str(v->error), PAGE_TEXT_BYTES);
        html_put(b, "</p>\n");
    }
}

void
part_verdicts(struct gr_buf *b, struct gr_arena *a, const struct verdicts *v, bool all, int64_t now_ms)
{
    struct matrix m = {.v = v, .arena = a, .label = most_common_label(v)};
    size_t shown;

    put_sums(b, v, now_ms);
    if (v->count == 0) {
        html_put(b, "<p class=\"soft\">No guardrail is watched in this phase.</p>\n");
        return;
    }
    if (!find_columns(&m) || !find_lines(&m)) {
        html_put(b, "<p>There is no memory to draw them.</p>\n");
        return;
    }
    shown = !all && m.line_count > PAGE_MATRIX_ROWS ? PAGE_MATRIX_ROWS : m.line_count;
    if (shown > PAGE_ROWS_MAX)
        shown = PAGE_ROWS_MAX;
    put_heads(b, &m);
    for (size_t i = 0; i < shown; i++)
        put_line(b, &m, &m.lines[i]);
    part_table_end(b, shown, (int64_t)m.line_count);
}
