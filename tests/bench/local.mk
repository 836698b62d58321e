# Benchmarks; not part of `make check`. `make bench` runs those that need no other program.
EXTRA_PROGRAMS += tests/bench/promql
tests_bench_promql_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_bench_promql_SOURCES = tests/bench/promql.c tests/unit/fault.c tests/unit/fault.h tests/unit/rules/promql_gen.c \
	tests/unit/rules/promql_gen.h
tests_bench_promql_LDADD = $(RULES_LIBS) $(BASE_LIBS) -lm
CLEANFILES += tests/bench/promql
EXTRA_DIST += tests/bench/promql.sh
.PHONY: bench
bench: tests/bench/promql
	$(srcdir)/tests/bench/promql.sh $(abs_top_builddir)
