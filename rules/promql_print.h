/* promql_print.h - what the two printers of PromQL share. Private to rules/. */
#ifndef GUARDRAIL_RULES_PROMQL_PRINT_H
#define GUARDRAIL_RULES_PROMQL_PRINT_H
#include "promql_tree.h"

/* Whether child i stands in parentheses that the tree does not show: only in trees that were built. */
bool promql_needs_parens(const struct gr_promql *e, size_t i);
/* What stands before the parenthesis of a call or an aggregation: `rate`, `sum by (venue) `. */
void promql_print_head(struct gr_buf *b, const struct gr_promql *e);
/* The operator with its clauses: `> bool on (venue) group_left ()`. */
void promql_print_op(struct gr_buf *b, const struct gr_promql_binary *op);
/* What stands behind the operand of a subquery: `[1h:5m] offset 1d`. */
void promql_print_subquery_end(struct gr_buf *b, const struct gr_promql *e);
#endif
