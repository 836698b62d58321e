# rules/: everything that knows Prometheus. Uses base/.
noinst_LIBRARIES += librules.a
librules_a_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS) $(YAML_CFLAGS)
librules_a_SOURCES = \
	rules/promql_check.c \
	rules/promql_labels.c \
	rules/promql_lex.c \
	rules/promql_lex.h \
	rules/promql_literal.c \
	rules/promql_parse.c \
	rules/promql_parser.c \
	rules/promql_parser.h \
	rules/promql_place.c \
	rules/promql_print.c \
	rules/promql_regex.c \
	rules/promql_table.c \
	rules/promql_tree.c \
	rules/promql_tree.h \
	rules/rulefile.c \
	rules/rulefile_write.c
RULES_LIBS = librules.a $(PCRE2_LIBS)
