# Benchmarks; not part of `make check`. `make bench` runs those that need no other program.
EXTRA_PROGRAMS += tests/bench/promql tests/bench/yaml_parse
tests_bench_promql_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_bench_promql_SOURCES = tests/bench/promql.c tests/unit/fault.c tests/unit/fault.h tests/unit/rules/promql_gen.c \
	tests/unit/rules/promql_gen.h
tests_bench_promql_LDADD = $(RULES_LIBS) $(BASE_LIBS) -lm
tests_bench_yaml_parse_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_bench_yaml_parse_SOURCES = tests/bench/yaml_parse.c
tests_bench_yaml_parse_LDADD = $(YAML_LIBS)
CLEANFILES += tests/bench/promql tests/bench/yaml_parse
EXTRA_DIST += tests/bench/compile.sh tests/bench/prometheus.py tests/bench/prometheus.sh tests/bench/promql.sh \
	tests/bench/rules.jsonnet tests/bench/rules.py tests/bench/spec.awk
.PHONY: bench
bench: tests/bench/promql tests/bench/yaml_parse guardrailc$(EXEEXT)
	$(srcdir)/tests/bench/promql.sh $(abs_top_builddir)
	$(srcdir)/tests/bench/compile.sh $(abs_top_builddir)
	$(srcdir)/tests/bench/prometheus.sh $(abs_top_builddir)
