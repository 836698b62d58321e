/* promtool.h - the real promtool, for tests that compare with it; $PROMTOOL is its path. */
#ifndef GUARDRAIL_TESTS_PROMTOOL_H
#define GUARDRAIL_TESTS_PROMTOOL_H
#include "guardrail/base.h"

bool promtool_exists(void);
/* Runs `promtool VERB rules PATH` with all its output in the file out; its exit status. */
int promtool_run(const char *verb, const char *path, const char *out);
/* The decimal number behind `mark` in the line, or SIZE_MAX. */
size_t promtool_number_behind(struct gr_str line, const char *mark);
/* How long or how random a comparison is: a number of the environment. */
size_t promtool_env(const char *name, size_t otherwise, size_t max);
#endif
