/* explain_table.c - all guardrails of a specification, a line each. */
#include "config.h"
#include "explain.h"

#include "guardrail/duration.h"
#include "lower.h"

enum {
    COLUMN_NAME,
    COLUMN_GROUP,
    COLUMN_AGAINST,
    COLUMN_SOFT,
    COLUMN_HARD,
    COLUMN_WINDOW,
    COLUMN_EVIDENCE,
    COLUMN_REACTION,
    COLUMN_ROUTE,
    COLUMNS
};
static const char *const titles[COLUMNS] = {"guardrail", "group",    "against",  "soft", "hard",
                                            "window",    "evidence", "reaction", "route"};
#define COLUMN_MAX 44u /* of a name; longer ones push their line to the right */

/* Characters; those of units and limits take one column each. */
static size_t
display_width(struct gr_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0u) != 0x80u;
    return n;
}

struct table {
    size_t width[COLUMNS];
    int64_t worst_ms;
    bool overridden, grouped;
};

static void
put_windows(const struct explain *x, const struct guardrail *g, struct gr_buf *b)
{
    int64_t slot = model_ms(x->m, x->m->sampling_ms), least = 0, most = 0;

    for (size_t i = 0; i < x->m->n_phases; i++) {
        int64_t w = (int64_t)model_window_slots(x->m, g, &x->m->phases[i]) * slot;

        if (!(g->phases >> i & 1u))
            continue;
        least = least == 0 || w < least ? w : least;
        most = w > most ? w : most;
    }
    gr_duration_print(b, least);
    if (most > least) {
        gr_buf_puts(b, "-");
        gr_duration_print(b, most);
    }
}

/* Who hears of the most severe level that the guardrail has. */
static void
put_receivers(const struct explain *x, const struct guardrail *g, struct gr_buf *b)
{
    for (size_t i = 0; i < x->alerts.n; i++) {
        struct hit hits[ROUTES_HITS_MAX];
        size_t n;

        if (x->alerts.v[i].g != g)
            continue;
        n = routes_hits(x->routes, &x->alerts.v[i], hits);
        for (size_t k = 0; k < n; k++)
            gr_buf_printf(b, "%s%s", k > 0 ? ", " : "", hits[k].receiver->name);
        return;
    }
}

static void
put_cell(const struct explain *x, const struct table *t, const struct guardrail *g, unsigned column,
         struct gr_buf *b)
{
    enum level level = reaction_worst(x->m, g, LEVEL_HARD, NULL, NULL).total_ms > 0 ? LEVEL_HARD : LEVEL_SOFT;
    size_t start = b->n;
    struct reaction r;

    switch (column) {
    case COLUMN_NAME:
        gr_buf_put(b, g->name);
        break;
    case COLUMN_GROUP:
        gr_buf_put(b, g->group);
        break;
    case COLUMN_AGAINST:
        gr_buf_puts(b, is_fixed(g, NULL) ? "fixed" : "control");
        break;
    case COLUMN_SOFT:
    case COLUMN_HARD:
        explain_bounds(g, column == COLUMN_HARD ? LEVEL_HARD : LEVEL_SOFT, b);
        break;
    case COLUMN_WINDOW:
        put_windows(x, g, b);
        break;
    case COLUMN_EVIDENCE:
        explain_evidence(g, level, b);
        break;
    case COLUMN_REACTION:
        r = reaction_worst(x->m, g, LEVEL_HARD, NULL, NULL);
        if (r.total_ms > 0)
            explain_time(r.total_ms, b);
        if (r.total_ms > 0 && r.total_ms == t->worst_ms)
            gr_buf_putc(b, '*');
        break;
    default:
        put_receivers(x, g, b);
        break;
    }
    if (b->n == start)
        gr_buf_putc(b, '-');
}

static void
measure(const struct explain *x, struct table *t, struct gr_buf *out)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);

    for (unsigned c = 0; c < COLUMNS; c++)
        t->width[c] = strlen(titles[c]);
    for (size_t i = 0; i < x->m->n_guardrails; i++) {
        const struct guardrail *g = &x->m->guardrails[i];
        int64_t ms = reaction_worst(x->m, g, LEVEL_HARD, NULL, NULL).total_ms;

        t->worst_ms = ms > t->worst_ms ? ms : t->worst_ms;
        t->grouped = t->grouped || !gr_str_eq(g->group, x->m->guardrails[0].group);
        for (size_t k = 0; k < g->limit.n_overrides; k++)
            t->overridden = true;
    }
    for (size_t i = 0; i < x->m->n_guardrails; i++)
        for (unsigned c = 0; c < COLUMN_ROUTE; c++) {
            size_t width;

            gr_buf_reset(&b);
            put_cell(x, t, &x->m->guardrails[i], c, &b);
            out->err = gr_buf_err(&b) != GR_OK ? gr_buf_err(&b) : out->err;
            width = display_width(gr_buf_str(&b));
            width = width > COLUMN_MAX ? COLUMN_MAX : width;
            t->width[c] = width > t->width[c] ? width : t->width[c];
        }
    gr_buf_fini(&b);
}

/* A group for all is said once, above. */
static bool
is_hidden(const struct table *t, unsigned column)
{
    return column == COLUMN_GROUP && !t->grouped;
}

static void
put_row(const struct explain *x, const struct table *t, const struct guardrail *g, struct gr_buf *b)
{
    struct gr_buf cell = GR_BUF_INIT(1u << 20);

    for (unsigned c = 0; c < COLUMNS; c++) {
        if (is_hidden(t, c))
            continue;
        gr_buf_reset(&cell);
        if (g)
            put_cell(x, t, g, c, &cell);
        else
            gr_buf_puts(&cell, titles[c]);
        b->err = gr_buf_err(&cell) != GR_OK ? gr_buf_err(&cell) : b->err;
        gr_buf_put(b, gr_buf_str(&cell));
        for (size_t w = display_width(gr_buf_str(&cell)); c < COLUMN_ROUTE && w < t->width[c] + 2; w++)
            gr_buf_putc(b, ' ');
    }
    gr_buf_putc(b, '\n');
    gr_buf_fini(&cell);
}

void
explain_spec_text(const struct explain *x, struct gr_buf *b)
{
    struct table t = {.worst_ms = 0};

    measure(x, &t, b);
    put_row(x, &t, NULL, b);
    for (size_t i = 0; i < x->m->n_guardrails; i++)
        put_row(x, &t, &x->m->guardrails[i], b);
    gr_buf_puts(b, "\nreaction: worst case from a hard breach to the first step; * the slowest.");
    gr_buf_puts(b, t.overridden ? " ~ tighter for some slices.\n" : "\n");
    gr_buf_puts(b, "Name a guardrail to see its limits, rules, routes and times in full.\n");
}
