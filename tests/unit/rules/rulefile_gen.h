/* rulefile_gen.h - random rule files for tests: from a grammar, mostly valid, some of it wrong on purpose or
 * changed afterwards.
 *
 * The same seed gives the same files on every machine. */
#ifndef GUARDRAIL_TESTS_RULEFILE_GEN_H
#define GUARDRAIL_TESTS_RULEFILE_GEN_H
#include "promql_gen.h"

/* Appends one file. g->errors_in: one wrong choice in so many. mutations: lines and characters that are
 * changed afterwards. */
void gen_rulefile(struct gen *g, unsigned mutations);
/* Appends one template. */
void gen_template(struct gen *g);
#endif
