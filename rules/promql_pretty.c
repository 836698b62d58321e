/* promql_pretty.c - the canonical text of a tree, on as many lines as it takes.
 *
 *     sum by (venue) (
 *       rate(
 *         orders_rejected_total{track="canary"}[5m]
 *       )
 *     )
 *   / ignoring (track)
 *     …
 *
 * The breaks are those of Prometheus' own formatter (promql/parser/prettier.go): a node wider than the limit goes on several
 * lines, its parts one level deeper; an operator stands on a line of its own. What counts is the width of the node alone,
 * without what surrounds it; selectors are never broken. */
#include "config.h"
#include "promql_print.h"

/* Deeper levels are not moved further right, so that the text stays a multiple of the tree. */
#define LEVELS_MAX 60u

struct pretty {
    struct gr_buf *out;
    struct gr_buf line; /* one node on one line; as wide as a line may be */
    bool in_line;       /* a sign was printed: what follows it stands behind it */
};

static void put(struct pretty *p, const struct gr_promql *e, unsigned level);

static void
indent(struct pretty *p, unsigned level)
{
    for (unsigned i = 0; i < level && i < LEVELS_MAX && !p->in_line; i++)
        gr_buf_puts(p->out, "  ");
    p->in_line = false;
}

/* Whether e fits on one line, which p->line then holds. Costs no more than the width: a node is at least as wide as it is high, and
 * printing stops when the line is full. */
static bool
fits(struct pretty *p, const struct gr_promql *e)
{
    if (e->height > p->line.max)
        return false;
    gr_buf_reset(&p->line);
    gr_promql_print(&p->line, e);
    if (gr_buf_err(&p->line) == GR_ENOMEM)
        p->out->err = GR_ENOMEM;
    return gr_buf_err(&p->line) == GR_OK;
}

/* In parentheses that the tree does not show, if need be. */
static void
put_child(struct pretty *p, const struct gr_promql *e, size_t i, unsigned level)
{
    const struct gr_promql paren = {
        .kind = GR_PROMQL_PAREN, .height = e->child[i]->height + 1, .child = &e->child[i], .count = 1};

    put(p, promql_needs_parens(e, i) ? &paren : e->child[i], level);
}

static void
put_args(struct pretty *p, const struct gr_promql *e, unsigned level)
{
    gr_buf_puts(p->out, e->count > 0 ? "(\n" : "()");
    if (e->count == 0)
        return;
    for (size_t i = 0; i < e->count && gr_buf_err(p->out) == GR_OK; i++) {
        gr_buf_puts(p->out, i > 0 ? ",\n" : "");
        put(p, e->child[i], level + 1);
    }
    gr_buf_putc(p->out, '\n');
    indent(p, level);
    gr_buf_putc(p->out, ')');
}

static void
put_binary(struct pretty *p, const struct gr_promql *e, unsigned level)
{
    put_child(p, e, 0, level + 1);
    gr_buf_putc(p->out, '\n');
    indent(p, level);
    promql_print_op(p->out, &e->u.binary);
    gr_buf_putc(p->out, '\n');
    put_child(p, e, 1, level + 1);
}

static void
put(struct pretty *p, const struct gr_promql *e, unsigned level)
{
    bool one_line;

    if (gr_buf_err(p->out) != GR_OK)
        return;
    one_line = fits(p, e);
    if (one_line || e->kind != GR_PROMQL_BINARY) /* a broken one starts with its left operand */
        indent(p, level);
    if (one_line) {
        gr_buf_put(p->out, gr_buf_str(&p->line));
        return;
    }
    switch (e->kind) {
    case GR_PROMQL_NUMBER:
    case GR_PROMQL_STRING:
    case GR_PROMQL_SELECTOR:
        gr_promql_print(p->out, e);
        break;
    case GR_PROMQL_CALL:
    case GR_PROMQL_AGGREGATE:
        promql_print_head(p->out, e);
        put_args(p, e, level);
        break;
    case GR_PROMQL_SUBQUERY:
        p->in_line = true;
        put_child(p, e, 0, level);
        promql_print_subquery_end(p->out, e);
        break;
    case GR_PROMQL_UNARY:
        gr_buf_putc(p->out, e->u.sign);
        p->in_line = true;
        put_child(p, e, 0, level);
        break;
    case GR_PROMQL_PAREN:
        put_args(p, e, level);
        break;
    case GR_PROMQL_BINARY:
        put_binary(p, e, level);
        break;
    }
}

void
gr_promql_pretty(struct gr_buf *b, const struct gr_promql *e, size_t width)
{
    struct pretty p = {.out = b, .line = GR_BUF_INIT(width)};

    put(&p, e, 0);
    gr_buf_fini(&p.line);
}
