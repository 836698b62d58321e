# compiler/: the guardrail language and its output back ends. Uses base/ and rules/.
noinst_LIBRARIES += libcompiler.a
libcompiler_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(YAML_CFLAGS)
libcompiler_a_SOURCES = \
	compiler/backend.c \
	compiler/backend.h \
	compiler/emit_alertmanager.c \
	compiler/emit_grafana.c \
	compiler/emit_policy.c \
	compiler/jsonout.c \
	compiler/jsonout.h \
	compiler/manifest.c \
	compiler/manifest.h \
	compiler/model.c \
	compiler/model.h \
	compiler/outnames.c \
	compiler/outnames.h \
	compiler/spec.h \
	compiler/tree.c \
	compiler/tree.h
COMPILER_LIBS = libcompiler.a $(RULES_LIBS) $(BASE_LIBS) -lm
