/* test_compiler.h - the suites of compiler/, one per source file. To add one: its file in local.mk, a prototype here, a row in
 * test_compiler.c. */
#ifndef TEST_COMPILER_H
#define TEST_COMPILER_H
#include <check.h>
#include <stdlib.h>

Suite *backend_suite(void);
Suite *clock_suite(void);
Suite *changelog_suite(void);
Suite *child_suite(void);
Suite *compare_suite(void);
Suite *facts_suite(void);
Suite *bad_input_suite(void); /* spec.c and base/ on hostile files */
Suite *emit_alertmanager_suite(void);
Suite *emit_grafana_suite(void); /* grafana_*.c */
Suite *emit_policy_suite(void);
Suite *jsonout_suite(void);
Suite *jsonstream_suite(void);
Suite *layout_suite(void); /* layout*.c */
Suite *linediff_suite(void);
Suite *lower_suite(void); /* lower.c, lower_literal.c; the rest by tests/promtool/ */
Suite *merge_suite(void);
Suite *model_suite(void);
Suite *mutate_suite(void);
Suite *options_suite(void);
Suite *outnames_suite(void);
Suite *prove_mutate_suite(void);
Suite *prove_neutral_suite(void);
Suite *prove_same_suite(void);
Suite *prove_trim_suite(void);
Suite *overlay_suite(void); /* overlay.c, waiver.c, load.c */
Suite *target_suite(void);
Suite *pages_suite(void);    /* of pages.h, and page_print.c by tests/lint.sh */
Suite *playbook_suite(void); /* examples/tradepulse/guardrails.yml */
Suite *explain_suite(void);
Suite *reaction_suite(void);
Suite *routes_suite(void);
Suite *scale_suite(void); /* the whole compiler */
Suite *spec_suite(void);  /* spec.c and the parts that have no suite of their own */
Suite *spec_corpus_suite(void);
Suite *spec_hash_suite(void);
Suite *spec_limit_suite(void);
Suite *spec_slices_suite(void);
Suite *spec_tables_suite(void);
Suite *spec_value_suite(void);
Suite *tree_suite(void); /* tree.c, manifest.c */
Suite *chance_suite(void);
Suite *evidence_math_suite(void);
Suite *simulate_suite(void);
Suite *power_suite(void); /* power.c, power_plan.c; the rest by tests/power.sh */
Suite *power_prometheus_suite(void);
Suite *rates_suite(void);
#endif
