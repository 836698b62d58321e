# base/: ground floor. Uses libc, libyaml, cJSON, GnuTLS (hashes), libcurl (http_client.c alone: who asks it links $(CURL_LIBS)).
noinst_LIBRARIES += libbase.a
libbase_a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(CJSON_CFLAGS) $(GNUTLS_CFLAGS) $(CURL_CFLAGS)
libbase_a_SOURCES = \
	base/arena.c \
	base/base.c \
	base/buf.c \
	base/diag.c \
	base/diag_list.h \
	base/diag_print.c \
	base/diag_sarif.c \
	base/duration.c \
	base/file.c \
	base/hash.c \
	base/http_client.c \
	base/http_guard.c \
	base/http_guard.h \
	base/json.c \
	base/json_print.c \
	base/json_scan.c \
	base/json_scan.h \
	base/node.c \
	base/node_build.h \
	base/node_json.c \
	base/node_yaml.c \
	base/number.c \
	base/pages.c \
	base/pages_daemon.def \
	base/pages_emitted.def \
	base/pages_meaning.def \
	base/pages_promql.def \
	base/pages_quantities.def \
	base/pages_rates.def \
	base/pages_reading.def \
	base/pages_rules.def \
	base/pages_structure.def \
	base/pages_targets.def \
	base/quantity.c \
	base/quote.c \
	base/source.c \
	base/strset.c \
	base/sys.c \
	base/template.c \
	base/utf8.c \
	base/utf8.h
BASE_LIBS = libbase.a $(YAML_LIBS) $(CJSON_LIBS) $(GNUTLS_LIBS) -lm
