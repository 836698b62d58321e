/* test_base.h - the suites of base/, one per source file. To add one: its file in local.mk, a prototype here, a row in
 * test_base.c. */
#ifndef TEST_BASE_H
#define TEST_BASE_H
#include <check.h>
#include <stdlib.h>

Suite *arena_suite(void);
Suite *buf_suite(void);
Suite *diag_print_suite(void);
Suite *diag_sarif_suite(void);
Suite *diag_suite(void);
Suite *duration_suite(void);
Suite *file_suite(void);
Suite *hash_suite(void);
Suite *http_client_suite(void);
Suite *http_guard_suite(void);
Suite *json_print_suite(void);
Suite *json_suite(void);
Suite *node_json_suite(void);
Suite *node_suite(void);
Suite *node_yaml_suite(void);
Suite *number_suite(void);
Suite *quantity_suite(void);
Suite *pages_suite(void);
Suite *quote_suite(void);
Suite *source_suite(void);
Suite *str_suite(void); /* base.c */
Suite *strset_suite(void);
Suite *sys_suite(void);
Suite *template_suite(void);
Suite *utf8_suite(void);
#endif
