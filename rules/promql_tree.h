/* promql_tree.h - what the files of the PromQL front end share. Private to rules/. */
#ifndef GUARDRAIL_RULES_PROMQL_TREE_H
#define GUARDRAIL_RULES_PROMQL_TREE_H
#include "promql_lex.h"

/* A node without children's height; NULL without memory. children may be 0. */
GR_MUST_USE struct gr_promql *promql_node(struct gr_arena *a, enum gr_promql_kind kind, size_t children);
/* Sets the height from the children. False past GR_PROMQL_HEIGHT_MAX. */
bool promql_measure(struct gr_promql *e);
/* Adds a copy of m behind the others; false without memory. */
GR_MUST_USE bool promql_append_matcher(struct gr_arena *a, struct gr_promql_selector *s,
                                       const struct gr_promql_matcher *m);
/* Equal but for the place. */
bool promql_same_matcher(const struct gr_promql_matcher *a, const struct gr_promql_matcher *b);
/* How a function is called: clamp(instant vector, scalar, scalar). */
void promql_signature(struct gr_buf *b, const struct gr_promql_function *f);
/* The decoded text of a string token, quotes included in `quoted`, which the lexer has accepted. */
GR_MUST_USE enum gr_err promql_decode(struct gr_arena *a, struct gr_str quoted, struct gr_str *out);
/* Where each byte of a text stands in the YAML scalar that it was read from: map has text.n entries, offsets
 * into raw. raw is the scalar as written: plain, quoted or a block, on one line or many. False where it
 * cannot be told, or without memory. */
GR_MUST_USE bool promql_align(struct gr_arena *a, struct gr_str text, struct gr_str raw, uint32_t **map);
/* A Prometheus duration; GR_ESYNTAX, GR_ERANGE (0, or more than 292 years). */
GR_MUST_USE enum gr_err promql_duration(struct gr_str s, int64_t *ms);
/* A number as PromQL writes it: decimal, 0x…, octal with a leading 0, inf, nan. GR_ESYNTAX, GR_ERANGE. */
GR_MUST_USE enum gr_err promql_number(struct gr_str s, double *out);
#endif
