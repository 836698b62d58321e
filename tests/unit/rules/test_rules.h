/* test_rules.h - the suites of rules/, and one parsed expression with all that it needs. */
#ifndef GUARDRAIL_TESTS_TEST_RULES_H
#define GUARDRAIL_TESTS_TEST_RULES_H
#include <check.h>

#include "guardrail/promql.h"

Suite *lint_suite(void);
Suite *promql_check_suite(void);
Suite *promql_diff_suite(void);
Suite *promql_eval_suite(void);
Suite *promql_hint_suite(void);
Suite *promql_labels_suite(void);
Suite *promql_lex_suite(void);
Suite *promql_literal_suite(void);
Suite *promql_parse_suite(void);
Suite *promql_place_suite(void);
Suite *promql_pretty_suite(void);
Suite *promql_print_suite(void);
Suite *promql_regex_suite(void);
Suite *promql_rewrite_suite(void);
Suite *promql_table_suite(void);
Suite *promql_tree_suite(void);
Suite *rulefile_suite(void);
Suite *rulefile_diff_suite(void);
Suite *rulefile_write_suite(void);
Suite *template_suite(void);

struct parsed {
    struct gr_arena *arena;
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_promql *expr; /* NULL unless err is GR_OK */
    struct gr_buf message;
    enum gr_err err;
};
/* Parses a text that is a file of its own. */
void parsed_init(struct parsed *p, struct gr_str text);
void parsed_fini(struct parsed *p);
/* The findings as text, without colours; borrowed. */
const char *parsed_message(struct parsed *p);
/* As parsed_init, but fails the test unless it parses. */
void parsed_must(struct parsed *p, const char *text);
#endif
