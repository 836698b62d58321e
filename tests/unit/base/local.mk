# Unit tests of base/ (Check).
if HAVE_CHECK
check_PROGRAMS += tests/unit/base/test_base
TESTS += tests/unit/base/test_base
endif
tests_unit_base_test_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(YAML_CFLAGS) $(CJSON_CFLAGS)
tests_unit_base_test_base_LDADD = $(BASE_LIBS) $(CURL_LIBS) $(CHECK_LIBS)
tests_unit_base_test_base_SOURCES = \
	tests/unit/canned.c \
	tests/unit/canned.h \
	tests/unit/base/failing.c \
	tests/unit/base/failing.h \
	tests/unit/base/test_arena.c \
	tests/unit/suites.c tests/unit/suites.h \
	tests/unit/base/test_base.c \
	tests/unit/base/test_base.h \
	tests/unit/base/test_buf.c \
	tests/unit/base/test_diag.c \
	tests/unit/base/test_diag_print.c \
	tests/unit/base/test_diag_sarif.c \
	tests/unit/base/test_duration.c \
	tests/unit/base/test_file.c \
	tests/unit/base/test_hash.c \
	tests/unit/base/test_http_client.c \
	tests/unit/base/test_http_guard.c \
	tests/unit/base/test_json.c \
	tests/unit/base/test_json_print.c \
	tests/unit/base/test_node.c \
	tests/unit/base/test_node_json.c \
	tests/unit/base/test_node_yaml.c \
	tests/unit/base/test_number.c \
	tests/unit/base/test_quantity.c \
	tests/unit/base/test_pages.c \
	tests/unit/base/test_quote.c \
	tests/unit/base/test_source.c \
	tests/unit/base/test_str.c \
	tests/unit/base/test_strset.c \
	tests/unit/base/test_sys.c \
	tests/unit/base/test_template.c \
	tests/unit/base/test_utf8.c \
	tests/unit/base/tree.c \
	tests/unit/base/tree.h \
	tests/unit/fault.c \
	tests/unit/fault.h
