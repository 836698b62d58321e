/* promql_gen.h - random PromQL for tests: from a grammar, mostly valid, some of it broken on the way or
 * afterwards.
 *
 * The same seed gives the same expressions on every machine. Texts are valid UTF-8 without NULs, so that they
 * can stand in YAML. */
#ifndef GUARDRAIL_TESTS_PROMQL_GEN_H
#define GUARDRAIL_TESTS_PROMQL_GEN_H
#include "guardrail/buf.h"

struct gen {
    uint64_t state;
    struct gr_buf *out;
    unsigned budget;    /* constructs left in this expression */
    unsigned errors_in; /* one wrong choice in so many; 0: none */
};
/* Appends one expression. mutate: some of its words or characters are changed afterwards. */
void gen_expression(struct gen *g, bool mutate);
/* Appends some words in no order. */
void gen_soup(struct gen *g);
/* 0 … n-1 */
unsigned gen_below(struct gen *g, unsigned n);
#endif
