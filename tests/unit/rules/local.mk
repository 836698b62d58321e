# Unit tests of rules/ (Check).
if HAVE_CHECK
check_PROGRAMS += tests/unit/rules/test_rules
TESTS += tests/unit/rules/test_rules
endif
tests_unit_rules_test_rules_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/rules
tests_unit_rules_test_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(YAML_CFLAGS)
tests_unit_rules_test_rules_LDADD = $(RULES_LIBS) $(BASE_LIBS) $(CHECK_LIBS) -lm
tests_unit_rules_test_rules_SOURCES = \
	tests/unit/rules/promql_gen.c \
	tests/unit/rules/promql_gen.h \
	tests/unit/rules/test_promql_diff.c \
	tests/unit/rules/test_rules.c \
	tests/unit/rules/test_rules.h
