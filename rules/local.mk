# rules/: everything that knows Prometheus. Uses base/.
noinst_LIBRARIES += librules.a
librules_a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
librules_a_SOURCES = \
	rules/lint.c \
	rules/lint.h \
	rules/lint_alert.c \
	rules/lint_expr.c \
	rules/lint_index.c \
	rules/lint_match.c \
	rules/lint_name.c \
	rules/lint_rate.c \
	rules/lint_suppress.c \
	rules/lint_table.c \
	rules/lint_value.c \
	rules/promql_check.c \
	rules/promql_hint.c \
	rules/promql_labels.c \
	rules/promql_lex.c \
	rules/promql_lex.h \
	rules/promql_literal.c \
	rules/promql_parse.c \
	rules/promql_parser.c \
	rules/promql_parser.h \
	rules/promql_place.c \
	rules/promql_pretty.c \
	rules/promql_print.c \
	rules/promql_print.h \
	rules/promql_regex.c \
	rules/promql_rewrite.c \
	rules/promql_table.c \
	rules/promql_tree.c \
	rules/promql_tree.h \
	rules/rulefile.c \
	rules/rulefile_read.c \
	rules/rulefile_write.c \
	rules/template.c \
	rules/template.h \
	rules/template_lex.c
RULES_LIBS = librules.a
