/* test_compiler.h - the suites of compiler/, one per source file. To add one: its file in local.mk, a prototype here, a row in
 * test_compiler.c. */
#ifndef TEST_COMPILER_H
#define TEST_COMPILER_H
#include <check.h>
#include <stdlib.h>

Suite *tree_suite(void); /* tree.c, manifest.c */
#endif
