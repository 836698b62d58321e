/* promql_print.c - the canonical text of a tree, on one line.
 *
 * sum by (venue) (rate(orders_total{track="canary"}[2m] offset 5m)) / on (venue) group_left () limit > bool
 * 0.5
 *
 * One space around operators and behind commas, clauses of an aggregation before its arguments, strings in
 * double quotes, lists of labels always written out behind group_left and group_right (a parenthesis that
 * follows would be taken for one). */
#include "config.h"
#include "promql_print.h"

#include <math.h>

#include "guardrail/duration.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"

#define STRENGTH_SIGN 5u /* binds as * does */
#define STRENGTH_POW 6u
#define STRENGTH_NONE 7u /* never needs parentheses */

/* How strongly the outermost operator of e holds it together. A negative number reads as a sign. */
static unsigned
strength(const struct gr_promql *e)
{
    if (e->kind == GR_PROMQL_BINARY)
        return promql_op_strength(e->u.binary.op);
    if (e->kind == GR_PROMQL_UNARY ||
        (e->kind == GR_PROMQL_NUMBER && signbit(e->u.number) && !isnan(e->u.number)))
        return STRENGTH_SIGN;
    return STRENGTH_NONE;
}

static void
print_in(struct gr_buf *b, const struct gr_promql *e, bool parens)
{
    if (parens)
        gr_buf_putc(b, '(');
    gr_promql_print(b, e);
    if (parens)
        gr_buf_putc(b, ')');
}

static void
print_number(struct gr_buf *b, double v)
{
    if (isinf(v))
        gr_buf_puts(b, v > 0 ? "Inf" : "-Inf"); /* not "+Inf": that would be a sign, and bind weaker than ^ */
    else
        gr_double_print(b, v);
}

static void
print_labels(struct gr_buf *b, const struct gr_str *labels, size_t count)
{
    gr_buf_puts(b, " (");
    for (size_t i = 0; i < count; i++) {
        gr_buf_puts(b, i ? ", " : "");
        gr_buf_put(b, labels[i]);
    }
    gr_buf_putc(b, ')');
}

/* The place in time: @ before offset, as Prometheus prints it. */
static void
print_shift(struct gr_buf *b, const struct gr_promql_shift *s)
{
    switch (s->at) {
    case GR_PROMQL_AT_NONE:
        break;
    case GR_PROMQL_AT_TIME:
        gr_buf_puts(b, " @ ");
        print_number(b, s->at_s);
        break;
    case GR_PROMQL_AT_START:
        gr_buf_puts(b, " @ start()");
        break;
    case GR_PROMQL_AT_END:
        gr_buf_puts(b, " @ end()");
        break;
    }
    if (s->offset_ms == 0)
        return;
    gr_buf_puts(b, s->offset_ms < 0 ? " offset -" : " offset ");
    gr_duration_print(b, s->offset_ms < 0 ? -s->offset_ms : s->offset_ms);
}

static void
print_selector(struct gr_buf *b, const struct gr_promql_selector *s)
{
    gr_buf_put(b, s->metric);
    if (s->count > 0 || s->metric.n == 0)
        gr_buf_putc(b, '{');
    for (size_t i = 0; i < s->count; i++) {
        gr_buf_puts(b, i ? "," : "");
        gr_buf_put(b, s->matchers[i].name);
        gr_buf_put(b, gr_promql_match_name(s->matchers[i].op));
        gr_quote_promql(b, s->matchers[i].value);
    }
    if (s->count > 0 || s->metric.n == 0)
        gr_buf_putc(b, '}');
    if (s->range_ms != 0) {
        gr_buf_putc(b, '[');
        gr_duration_print(b, s->range_ms);
        gr_buf_putc(b, ']');
    }
    print_shift(b, &s->shift);
}

void
promql_print_subquery_end(struct gr_buf *b, const struct gr_promql *e)
{
    gr_buf_putc(b, '[');
    gr_duration_print(b, e->u.subquery.range_ms);
    gr_buf_putc(b, ':');
    if (e->u.subquery.step_ms != 0)
        gr_duration_print(b, e->u.subquery.step_ms);
    gr_buf_putc(b, ']');
    print_shift(b, &e->u.subquery.shift);
}

static void
print_args(struct gr_buf *b, const struct gr_promql *e)
{
    gr_buf_putc(b, '(');
    for (size_t i = 0; i < e->count && gr_buf_err(b) == GR_OK; i++) {
        gr_buf_puts(b, i ? ", " : "");
        gr_promql_print(b, e->child[i]);
    }
    gr_buf_putc(b, ')');
}

void
promql_print_head(struct gr_buf *b, const struct gr_promql *e)
{
    const struct gr_promql_aggregate *agg = &e->u.aggregate;

    if (e->kind == GR_PROMQL_CALL) {
        gr_buf_put(b, e->u.function->name);
        return;
    }
    gr_buf_put(b, gr_promql_agg_name(agg->op));
    if (agg->clause != GR_PROMQL_ALL) {
        gr_buf_puts(b, agg->clause == GR_PROMQL_BY ? " by" : " without");
        print_labels(b, agg->labels, agg->count);
        gr_buf_putc(b, ' ');
    }
}

bool
promql_needs_parens(const struct gr_promql *e, size_t i)
{
    const struct gr_promql *child = e->child[i];
    unsigned own, inner = strength(child);
    bool to_right;

    if (e->kind == GR_PROMQL_SUBQUERY)
        return inner < STRENGTH_NONE;
    if (e->kind == GR_PROMQL_UNARY) /* before a number the sign would become part of it */
        return inner < STRENGTH_SIGN || (child->kind == GR_PROMQL_BINARY && inner != STRENGTH_POW) ||
               child->kind == GR_PROMQL_NUMBER;
    if (e->kind != GR_PROMQL_BINARY || (i == 1 && child->kind != GR_PROMQL_BINARY))
        return false; /* a sign may follow an operator */
    own = promql_op_strength(e->u.binary.op);
    to_right = own == STRENGTH_POW; /* a ^ b ^ c is a ^ (b ^ c) */
    return inner < own || (inner == own && to_right == (i == 0));
}

void
promql_print_op(struct gr_buf *b, const struct gr_promql_binary *op)
{
    gr_buf_put(b, gr_promql_op_name(op->op));
    if (op->return_bool)
        gr_buf_puts(b, " bool");
    if (op->has_matching) {
        gr_buf_puts(b, op->on ? " on" : " ignoring");
        print_labels(b, op->labels, op->label_count);
    }
    if (op->group != GR_PROMQL_ONE_TO_ONE) {
        gr_buf_puts(b, op->group == GR_PROMQL_GROUP_LEFT ? " group_left" : " group_right");
        print_labels(b, op->include, op->include_count);
    }
}

void
gr_promql_print(struct gr_buf *b, const struct gr_promql *e)
{
    if (gr_buf_err(b) != GR_OK)
        return; /* full: whoever asked whether it fits need not wait for the rest */
    switch (e->kind) {
    case GR_PROMQL_NUMBER:
        print_number(b, e->u.number);
        break;
    case GR_PROMQL_STRING:
        gr_quote_promql(b, e->u.text);
        break;
    case GR_PROMQL_SELECTOR:
        print_selector(b, &e->u.selector);
        break;
    case GR_PROMQL_SUBQUERY:
        print_in(b, e->child[0], promql_needs_parens(e, 0));
        promql_print_subquery_end(b, e);
        break;
    case GR_PROMQL_CALL:
    case GR_PROMQL_AGGREGATE:
        promql_print_head(b, e);
        print_args(b, e);
        break;
    case GR_PROMQL_BINARY:
        print_in(b, e->child[0], promql_needs_parens(e, 0));
        gr_buf_putc(b, ' ');
        promql_print_op(b, &e->u.binary);
        gr_buf_putc(b, ' ');
        print_in(b, e->child[1], promql_needs_parens(e, 1));
        break;
    case GR_PROMQL_UNARY:
        gr_buf_putc(b, e->u.sign);
        print_in(b, e->child[0], promql_needs_parens(e, 0));
        break;
    case GR_PROMQL_PAREN:
        print_in(b, e->child[0], true);
        break;
    }
}
