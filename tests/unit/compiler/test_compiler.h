/* test_compiler.h - the suites of compiler/, one per source file. To add one: its file in local.mk, a prototype here, a row in
 * test_compiler.c. */
#ifndef TEST_COMPILER_H
#define TEST_COMPILER_H
#include <check.h>
#include <stdlib.h>

Suite *emit_alertmanager_suite(void);
Suite *emit_grafana_suite(void); /* grafana_*.c, outnames.c */
Suite *emit_policy_suite(void);
Suite *tree_suite(void); /* tree.c, manifest.c */
#endif
