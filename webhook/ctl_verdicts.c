/* The verdicts of a release as a table with sparklines: what a person looks at while a phase runs.
 *
 *     Verdicts of d42 in phase_1, the last 30m
 *     GUARDRAIL   VERDICT       30m              EFFECT                   WHERE
 *     error_rate  soft          ▁▁▁▁▁▁▁▁▁▁▁▅▅▅▅  0.31   ▁▁▂▂▃▃▄▅▅▆▆▇▇██  venue=XNAS, flow=making
 *
 * The worst come first. Without UTF-8 the marks are _ ? s H and . for healthy, insufficient, soft, hard and none. */
#include "config.h"
#include "ctl.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "guardrail/duration.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "jread.h"

#define MARKS 15u /* of a sparkline: two points of guardraild's thirty each */
#define POINTS_MAX 100u
#define ROWS_MAX 1000u
#define ROWS_OF_STATUS 20u
#define WHERE_SHOWN 3u

/* By rank: the worst first. */
static const struct kind {
    struct gr_str name;
    const char *mark, *plain, *sgr; /* sgr NULL: not coloured */
    int value;                      /* in "verdicts"; -1: null */
} kinds[] = {
    {GR_STR_INIT("hard"), "█", "H", "31", 3},    {GR_STR_INIT("soft"), "▅", "s", "33", 2},
    {GR_STR_INIT("none"), "·", ".", NULL, -1},   {GR_STR_INIT("insufficient"), "░", "?", NULL, 1},
    {GR_STR_INIT("healthy"), "▁", "_", "32", 0},
};
static const char *const levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const plain_levels[] = {"_", ".", ":", "-", "=", "+", "*", "#"};

static size_t
rank_of(struct gr_str verdict)
{
    size_t i = 0;

    while (i + 1 < GR_COUNT(kinds) && !gr_str_eq(kinds[i].name, verdict))
        i++;
    return gr_str_eq(kinds[i].name, verdict) ? i : 2; /* a word of a newer guardraild: none */
}

static size_t
rank_of_value(double v)
{
    for (size_t i = 0; i < GR_COUNT(kinds); i++)
        if (isfinite(v) ? kinds[i].value >= 0 && fabs(v - kinds[i].value) < 0.5 : kinds[i].value < 0)
            return i;
    return 2;
}

/* The numbers of a list; NaN for null. */
static size_t
read_numbers(const struct gr_node *list, double *out, size_t most)
{
    size_t n = 0;

    if (!list || list->kind != GR_NODE_LIST)
        return 0;
    gr_node_each (v, list) {
        if (n == most)
            break;
        if (v->kind != GR_NODE_SCALAR || gr_parse_double(v->text, &out[n]) != GR_OK)
            out[n] = (double)NAN;
        n++;
    }
    return n;
}

/* The worst of the points that mark i stands for; none only if none of them is there. */
static size_t
worst_of(const double *v, size_t n, size_t i)
{
    size_t from = i * n / MARKS, to = (i + 1) * n / MARKS, worst = GR_COUNT(kinds);

    for (size_t k = from; k < to || k == from; k++)
        if (kinds[rank_of_value(v[k])].value >= 0 && rank_of_value(v[k]) < worst)
            worst = rank_of_value(v[k]);
    return worst < GR_COUNT(kinds) ? worst : rank_of_value((double)NAN);
}

/* Colour is changed where the mark changes, so that a line stays short. */
static void
put_verdict_line(struct gr_buf *b, const double *v, size_t n, const struct ctl *c)
{
    const char *sgr = NULL;

    for (size_t i = 0; i < MARKS && n > 0; i++) {
        const struct kind *kind = &kinds[worst_of(v, n, i)];

        if (c->colour && kind->sgr != sgr) {
            if (sgr)
                gr_buf_puts(b, "\033[0m");
            if (kind->sgr)
                gr_buf_printf(b, "\033[%sm", kind->sgr);
            sgr = kind->sgr;
        }
        gr_buf_puts(b, c->utf8 ? kind->mark : kind->plain);
    }
    if (sgr)
        gr_buf_puts(b, "\033[0m");
}

static void
put_effect_line(struct gr_buf *b, const double *v, size_t n, const struct ctl *c)
{
    double low = (double)INFINITY, high = -(double)INFINITY;

    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i])) {
            low = v[i] < low ? v[i] : low;
            high = v[i] > high ? v[i] : high;
        }
    for (size_t i = 0; i < MARKS && n > 0; i++) {
        size_t from = i * n / MARKS, to = (i + 1) * n / MARKS, count = 0, level = 0;
        double sum = 0;

        if (to == from)
            to = from + 1;
        for (size_t k = from; k < to; k++)
            if (isfinite(v[k])) {
                sum += v[k];
                count++;
            }
        if (count == 0) {
            gr_buf_putc(b, ' ');
            continue;
        }
        if (high > low)
            level =
                (size_t)((sum / (double)count - low) / (high - low) * (double)(GR_COUNT(levels) - 1) + 0.5);
        gr_buf_puts(b, c->utf8 ? levels[level] : plain_levels[level]);
    }
}

/* The last one there is, with four digits. */
static void
put_last(struct gr_buf *b, const double *v, size_t n)
{
    char text[32];

    while (n > 0 && !isfinite(v[n - 1]))
        n--;
    if (n == 0) {
        gr_buf_putc(b, '-');
        return;
    }
    (void)snprintf(text, sizeof text, "%.4g", v[n - 1]);
    gr_buf_puts(b, text);
}

static void
put_slice(struct gr_buf *b, const struct gr_node *slice)
{
    const struct gr_node *labels = gr_node_get(slice, "slice");
    struct gr_str reason = jread_str(slice, "reason");
    bool any = false;

    if (labels && labels->kind == GR_NODE_MAP)
        gr_node_each (l, labels) {
            gr_buf_puts(b, any ? "," : "");
            gr_quote_log(b, l->key);
            gr_buf_putc(b, '=');
            gr_quote_log(b, l->text);
            any = true;
        }
    if (reason.n > 0) {
        gr_buf_puts(b, any ? " (" : "(");
        gr_quote_log(b, reason);
        gr_buf_putc(b, ')');
    }
}

/* Of the worst verdict: "venue=XNAS,flow=making; … and 4 more"; of healthy ones how many there are. */
static void
put_where(struct gr_buf *b, const struct gr_node *row, size_t rank)
{
    const struct gr_node *slices = gr_node_get(row, "slices");
    size_t n = 0;

    if (!slices || slices->kind != GR_NODE_LIST)
        return;
    if (rank + 1 == GR_COUNT(kinds)) {
        if (slices->count > 1)
            gr_buf_printf(b, "%zu slices", slices->count);
        return;
    }
    gr_node_each (s, slices) {
        if (rank_of(jread_str(s, "verdict")) != rank)
            continue;
        if (n < WHERE_SHOWN) {
            gr_buf_puts(b, n ? "; " : "");
            put_slice(b, s);
        }
        n++;
    }
    if (n > WHERE_SHOWN)
        gr_buf_printf(b, " and %zu more", n - WHERE_SHOWN);
    if (n < slices->count && n > 0)
        gr_buf_printf(b, " (%zu of %zu slices)", n, slices->count);
}

struct row {
    const struct gr_node *node;
    size_t rank, place;
};

static int
by_rank(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static size_t
read_rows(const struct gr_node *list, struct row *rows)
{
    size_t n = 0;

    gr_node_each (g, list) {
        if (n == ROWS_MAX)
            break;
        rows[n] = (struct row){g, rank_of(jread_str(g, "verdict")), n};
        n++;
    }
    qsort(rows, n, sizeof *rows, by_rank);
    return n;
}

static void
pad(struct gr_buf *b, size_t from, size_t width)
{
    while (from++ < width && gr_buf_err(b) == GR_OK)
        gr_buf_putc(b, ' ');
}

static void
put_row(struct gr_buf *b, const struct row *r, size_t name_width, const struct ctl *c)
{
    struct gr_buf name = GR_BUF_INIT(16384), last = GR_BUF_INIT(64), where = GR_BUF_INIT(65536);
    double v[POINTS_MAX], e[POINTS_MAX];
    size_t n = read_numbers(gr_node_get(r->node, "verdicts"), v, POINTS_MAX);
    size_t m = read_numbers(gr_node_get(r->node, "effects"), e, POINTS_MAX);

    gr_quote_log(&name, jread_str(r->node, "guardrail"));
    put_last(&last, e, m);
    put_where(&where, r->node, r->rank);
    gr_buf_put(b, gr_buf_str(&name));
    pad(b, ctl_width(gr_buf_str(&name)), name_width + 2);
    gr_buf_put(b, kinds[r->rank].name);
    pad(b, kinds[r->rank].name.n, 14);
    put_verdict_line(b, v, n, c);
    pad(b, n > 0 ? MARKS : 0, MARKS + 2);
    gr_buf_put(b, gr_buf_str(&last));
    pad(b, last.n, 12);
    put_effect_line(b, e, m, c);
    if (where.n > 0) {
        pad(b, m > 0 ? MARKS : 0, MARKS + 2);
        gr_buf_put(b, gr_buf_str(&where));
    }
    while (b->n > 0 && b->p[b->n - 1] == ' ')
        gr_buf_cut(b, b->n - 1);
    gr_buf_putc(b, '\n');
    gr_buf_fini(&name);
    gr_buf_fini(&last);
    gr_buf_fini(&where);
}

static void
put_table(struct gr_buf *b, const struct row *rows, size_t n, const char *span, const struct ctl *c)
{
    size_t width = sizeof "GUARDRAIL" - 1;

    for (size_t i = 0; i < n; i++) {
        struct gr_buf name = GR_BUF_INIT(16384);

        gr_quote_log(&name, jread_str(rows[i].node, "guardrail"));
        if (ctl_width(gr_buf_str(&name)) > width)
            width = ctl_width(gr_buf_str(&name));
        gr_buf_fini(&name);
    }
    gr_buf_puts(b, "GUARDRAIL");
    pad(b, sizeof "GUARDRAIL" - 1, width + 2);
    gr_buf_printf(b, "%-14s%-*s%-12s%-*sWHERE\n", "VERDICT", (int)MARKS + 2, span, "EFFECT", (int)MARKS + 2,
                  "");
    for (size_t i = 0; i < n; i++)
        put_row(b, &rows[i], width, c);
}

void
ctl_print_verdicts(struct gr_buf *b, const struct gr_node *root, const struct ctl *c)
{
    const struct gr_node *list = gr_node_get(root, "guardrails");
    struct row *rows =
        list && list->kind == GR_NODE_LIST ? gr_arena_array(c->arena, ROWS_MAX, sizeof *rows) : NULL;
    struct gr_str error = jread_str(root, "error");
    struct gr_buf span = GR_BUF_INIT(64);
    size_t n = rows ? read_rows(list, rows) : 0, shown = n;
    int64_t age_s = jread_i64(root, "age_ms", 0) / 1000; /* guardraild asks Prometheus now and then */

    gr_duration_print(&span, jread_i64(root, "step_ms", 60000) * 30);
    gr_buf_puts(b, "Verdicts of ");
    gr_quote_log(b, jread_str(root, "deployment_id"));
    gr_buf_puts(b, " in ");
    gr_quote_log(b, jread_str(root, "phase"));
    if (age_s > 0)
        gr_buf_printf(b, ", %" PRId64 " s ago", age_s);
    gr_buf_putc(b, '\n');
    if (error.n > 0 && !gr_str_is(error, "null")) {
        gr_buf_puts(b, "not known: ");
        gr_quote_log(b, error);
        gr_buf_putc(b, '\n');
    } else if (n == 0) {
        gr_buf_puts(b, "no guardrail is active in this phase\n");
    } else {
        if (c->brief && shown > ROWS_OF_STATUS)
            shown = ROWS_OF_STATUS;
        put_table(b, rows, shown, gr_buf_cstr(&span), c);
        if (shown < list->count)
            gr_buf_printf(b, "(and %zu more; guardrailctl verdicts shows them)\n", list->count - shown);
        if (jread_bool(root, "cut"))
            gr_buf_puts(b, "(there are more slices than guardraild looks at)\n");
    }
    gr_buf_fini(&span);
}
