/* suites.h - the main program of a room's unit tests. CK_RUN_SUITE, CK_RUN_CASE and CK_FORK=no narrow it down. */
#ifndef GUARDRAIL_TEST_SUITES_H
#define GUARDRAIL_TEST_SUITES_H
#include <check.h>
#include <stddef.h>

typedef Suite *suite_fn(void);
/* Runs them; an exit status. */
int suites_run(suite_fn *const *suites, size_t count);
#endif
