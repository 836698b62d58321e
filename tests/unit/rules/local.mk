# Unit tests of rules/ (Check).
if HAVE_CHECK
check_PROGRAMS += tests/unit/rules/test_rules
TESTS += tests/unit/rules/test_rules
endif
tests_unit_rules_test_rules_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/rules
tests_unit_rules_test_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(YAML_CFLAGS)
tests_unit_rules_test_rules_LDADD = $(RULES_LIBS) $(BASE_LIBS) $(CHECK_LIBS) -lm
tests_unit_rules_test_rules_SOURCES = \
	tests/unit/fault.c \
	tests/unit/fault.h \
	tests/unit/rules/promql_gen.c \
	tests/unit/rules/promql_gen.h \
	tests/unit/rules/promtool.c \
	tests/unit/rules/promtool.h \
	tests/unit/rules/rulefile_gen.c \
	tests/unit/rules/rulefile_gen.h \
	tests/unit/rules/test_lint.c \
	tests/unit/rules/test_promql_check.c \
	tests/unit/rules/test_promql_diff.c \
	tests/unit/rules/test_promql_eval.c \
	tests/unit/rules/test_promql_hint.c \
	tests/unit/rules/test_promql_labels.c \
	tests/unit/rules/test_promql_lex.c \
	tests/unit/rules/test_promql_literal.c \
	tests/unit/rules/test_promql_parse.c \
	tests/unit/rules/test_promql_place.c \
	tests/unit/rules/test_promql_pretty.c \
	tests/unit/rules/test_promql_print.c \
	tests/unit/rules/test_promql_regex.c \
	tests/unit/rules/test_promql_rewrite.c \
	tests/unit/rules/test_promql_table.c \
	tests/unit/rules/test_promql_tree.c \
	tests/unit/rules/test_rulefile.c \
	tests/unit/rules/test_rulefile_diff.c \
	tests/unit/rules/test_rulefile_write.c \
	tests/unit/suites.c tests/unit/suites.h \
	tests/unit/rules/test_rules.c \
	tests/unit/rules/test_rules.h \
	tests/unit/rules/test_template.c
EXTRA_DIST += tests/data/lowering-sketch.yml tests/data/promql-pretty.txt tests/data/rules
