# Benchmarks; not part of `make check`. `make bench` runs those that need no other program.
EXTRA_PROGRAMS += tests/bench/bare tests/bench/load tests/bench/promql tests/bench/stamp tests/bench/yaml_parse
tests_bench_bare_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
tests_bench_bare_SOURCES = tests/bench/bare.c
tests_bench_bare_LDADD = $(MHD_LIBS)
tests_bench_load_SOURCES = tests/bench/load.c
tests_bench_load_LDADD = $(BASE_LIBS) -lm
tests_bench_promql_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_bench_promql_SOURCES = tests/bench/promql.c tests/unit/fault.c tests/unit/fault.h tests/unit/rules/promql_gen.c \
	tests/unit/rules/promql_gen.h
tests_bench_promql_LDADD = $(RULES_LIBS) $(BASE_LIBS) -lm
tests_bench_stamp_SOURCES = tests/bench/stamp.c
tests_bench_yaml_parse_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_bench_yaml_parse_SOURCES = tests/bench/yaml_parse.c
tests_bench_yaml_parse_LDADD = $(YAML_LIBS)
CLEANFILES += tests/bench/bare tests/bench/load tests/bench/promql tests/bench/stamp tests/bench/yaml_parse
EXTRA_DIST += tests/bench/compile.sh tests/bench/daemon.sh tests/bench/prometheus.py tests/bench/prometheus.sh tests/bench/promql.sh \
	tests/bench/reaction.py tests/bench/reaction.sh \
	tests/bench/rules.jsonnet tests/bench/rules.py tests/bench/spec.awk
.PHONY: bench
bench: tests/bench/promql tests/bench/yaml_parse guardrailc$(EXEEXT)
	$(srcdir)/tests/bench/promql.sh $(abs_top_builddir)
	$(srcdir)/tests/bench/compile.sh $(abs_top_builddir)
	$(srcdir)/tests/bench/prometheus.sh $(abs_top_builddir)
# Alerts a second, beside other servers; half a minute for each of them.
.PHONY: bench-daemon
bench-daemon: tests/bench/bare tests/bench/load guardraild$(EXEEXT) guardrailctl$(EXEEXT) tests/unit/webhook/standin
	$(srcdir)/tests/bench/daemon.sh $(abs_top_builddir)
# From a hard alert to the first step of its rollback: median, p99, longest.
.PHONY: bench-reaction
bench-reaction: tests/bench/load tests/bench/stamp guardraild$(EXEEXT) guardrailctl$(EXEEXT) tests/unit/webhook/standin
	$(srcdir)/tests/bench/reaction.sh $(abs_top_builddir)
