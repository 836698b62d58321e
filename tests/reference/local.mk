# The reference evaluator, and the property test of the emitted rules against real Prometheus.
check_PROGRAMS += tests/reference/reference
tests_reference_reference_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -I$(top_srcdir)/compiler
tests_reference_reference_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(YAML_CFLAGS)
tests_reference_reference_LDADD = $(COMPILER_LIBS) -lm
tests_reference_reference_SOURCES = \
	tests/fleet/random.c \
	tests/fleet/random.h \
	tests/reference/alerts.c \
	tests/reference/alerts.h \
	tests/reference/chance.c \
	tests/reference/evaluate.c \
	tests/reference/evaluate.h \
	tests/reference/expression.c \
	tests/reference/judge.c \
	tests/reference/oracle.c \
	tests/reference/oracle.h \
	tests/reference/parts.h \
	tests/reference/prom.c \
	tests/reference/prom.h \
	tests/reference/reference.c \
	tests/reference/scenario.h \
	tests/reference/scenario_spec.c \
	tests/reference/scenario_world.c \
	tests/reference/share.c \
	tests/reference/slots.c
TESTS += tests/reference/run.sh
dist_check_SCRIPTS += tests/reference/run.sh
