# rules/: everything that knows Prometheus. Uses base/.
noinst_LIBRARIES += librules.a
librules_a_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS) $(YAML_CFLAGS)
librules_a_SOURCES =
RULES_LIBS = librules.a $(PCRE2_LIBS)
