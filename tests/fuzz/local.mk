# Fuzz targets. `make check` replays the saved corpus; tests/fuzz/run.sh fuzzes (clang). To add one: fuzz_NAME.c, its block
# here, and at least one file in corpus/NAME.
fuzz_targets = \
	tests/fuzz/fuzz_alerts \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_diag \
	tests/fuzz/fuzz_duration \
	tests/fuzz/fuzz_facts \
	tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_layout \
	tests/fuzz/fuzz_number \
	tests/fuzz/fuzz_page \
	tests/fuzz/fuzz_promql \
	tests/fuzz/fuzz_quantity \
	tests/fuzz/fuzz_quote \
	tests/fuzz/fuzz_rulefile \
	tests/fuzz/fuzz_spec \
	tests/fuzz/fuzz_yaml
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/corpus

fuzz_sources = tests/fuzz/fuzz.h tests/fuzz/replay.c tests/unit/base/tree.h tests/unit/base/tree.c

tests_fuzz_fuzz_json_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(fuzz_sources)
tests_fuzz_fuzz_json_LDADD = $(BASE_LIBS)

tests_fuzz_fuzz_quote_SOURCES = tests/fuzz/fuzz_quote.c $(fuzz_sources)
tests_fuzz_fuzz_quote_LDADD = $(BASE_LIBS)

tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c $(fuzz_sources)
tests_fuzz_fuzz_yaml_LDADD = $(BASE_LIBS)

# Small ones: nothing but the target, base/ and the replay.
tests_fuzz_fuzz_diag_SOURCES = tests/fuzz/fuzz_diag.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_diag_LDADD = $(BASE_LIBS)
tests_fuzz_fuzz_duration_SOURCES = tests/fuzz/fuzz_duration.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_duration_LDADD = $(BASE_LIBS)
tests_fuzz_fuzz_number_SOURCES = tests/fuzz/fuzz_number.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_number_LDADD = $(BASE_LIBS)
tests_fuzz_fuzz_quantity_SOURCES = tests/fuzz/fuzz_quantity.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_quantity_LDADD = $(BASE_LIBS)

tests_fuzz_fuzz_promql_SOURCES = tests/fuzz/fuzz_promql.c $(fuzz_sources)
tests_fuzz_fuzz_promql_LDADD = $(RULES_LIBS) $(BASE_LIBS)

tests_fuzz_fuzz_spec_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/compiler
tests_fuzz_fuzz_spec_SOURCES = tests/fuzz/fuzz_spec.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_spec_LDADD = $(COMPILER_LIBS)

tests_fuzz_fuzz_layout_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/compiler
tests_fuzz_fuzz_layout_SOURCES = tests/fuzz/fuzz_layout.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_layout_LDADD = $(COMPILER_LIBS)

tests_fuzz_fuzz_rulefile_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/rules
tests_fuzz_fuzz_rulefile_SOURCES = tests/fuzz/fuzz_rulefile.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_rulefile_LDADD = $(RULES_LIBS) $(BASE_LIBS) -lm

tests_fuzz_fuzz_facts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/compiler
tests_fuzz_fuzz_facts_SOURCES = tests/fuzz/fuzz_facts.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_facts_LDADD = $(COMPILER_LIBS)

# From an HTTP body to a decision, the daemon's configuration, what a browser sends.
tests_fuzz_fuzz_alerts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fuzz_fuzz_alerts_SOURCES = tests/fuzz/fuzz_alerts.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_alerts_LDADD = $(WEBHOOK_LIBS)
tests_fuzz_fuzz_conf_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_conf_LDADD = $(WEBHOOK_LIBS)
tests_fuzz_fuzz_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fuzz_fuzz_page_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
tests_fuzz_fuzz_page_SOURCES = tests/fuzz/fuzz_page.c tests/fuzz/fuzz.h tests/fuzz/replay.c tests/unit/webhook/breach.c tests/unit/webhook/breach.h
tests_fuzz_fuzz_page_LDADD = $(WEBHOOK_LIBS)
