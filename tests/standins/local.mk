# A stand-in for the targets of messages, for tests and for the quickstart: built by plain make.
noinst_PROGRAMS += tests/standins/standin
EXTRA_DIST += tests/standins/proxy.py
tests_standins_standin_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(MHD_CFLAGS)
tests_standins_standin_LDADD = $(BASE_LIBS) $(MHD_LIBS)
tests_standins_standin_SOURCES = tests/standins/standin.c tests/standins/standin_alerts.c tests/standins/standin_check.c \
	tests/standins/standin_check.h tests/standins/standin_jira.c tests/standins/standin_slack.c
