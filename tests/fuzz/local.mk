# Fuzz targets. `make check` replays the saved corpus; tests/fuzz/run.sh fuzzes (clang). To add one: fuzz_NAME.c, its block
# here, and at least one file in corpus/NAME.
fuzz_targets = \
	tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_quote \
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
