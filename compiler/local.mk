# compiler/: the guardrail language and its output back ends. Uses base/ and rules/.
noinst_LIBRARIES += libcompiler.a
libcompiler_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(YAML_CFLAGS)
libcompiler_a_SOURCES =
COMPILER_LIBS = libcompiler.a $(RULES_LIBS) $(BASE_LIBS)
