# webhook/: guardraild and guardrailctl. Uses base/.
noinst_LIBRARIES += libwebhook.a
libwebhook_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(SQLITE_CFLAGS) $(MHD_CFLAGS) $(CURL_CFLAGS) $(GNUTLS_CFLAGS) $(PCRE2_CFLAGS)
# the daemon's core
libwebhook_a_SOURCES = \
	webhook/conf.c webhook/conf.h webhook/db.c webhook/db.h webhook/log.c webhook/log.h \
	webhook/schema.c webhook/schema.h webhook/store.c webhook/store.h
# leaf modules: policy, decisions, programs, messages, records
libwebhook_a_SOURCES += \
	webhook/decide.h \
	webhook/expand.h \
	webhook/http_client.h \
	webhook/labels.h \
	webhook/policy.h \
	webhook/prom.h \
	webhook/record.h \
	webhook/runner.h \
	webhook/sender.h
WEBHOOK_LIBS = libwebhook.a $(BASE_LIBS) $(SQLITE_LIBS) $(MHD_LIBS) $(CURL_LIBS) $(PCRE2_LIBS) -lpthread
