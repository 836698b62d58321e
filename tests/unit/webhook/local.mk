# Unit tests of webhook/ (Check).
if HAVE_CHECK
check_PROGRAMS += tests/unit/webhook/test_webhook
TESTS += tests/unit/webhook/test_webhook
endif
tests_unit_webhook_test_webhook_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_webhook_test_webhook_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS) $(SQLITE_CFLAGS) $(MHD_CFLAGS) \
	$(CURL_CFLAGS) $(GNUTLS_CFLAGS) $(PCRE2_CFLAGS)
tests_unit_webhook_test_webhook_LDADD = $(WEBHOOK_LIBS) $(CHECK_LIBS)
tests_unit_webhook_test_webhook_SOURCES = \
	tests/unit/webhook/test_webhook.h \
	tests/unit/suites.c \
	tests/unit/suites.h \
	tests/unit/webhook/test_webhook.c
# leaf modules
tests_unit_webhook_test_webhook_SOURCES += \
	tests/unit/canned.c \
	tests/unit/canned.h \
	tests/unit/webhook/fixture.c \
	tests/unit/webhook/fixture.h \
	tests/unit/webhook/stage.c \
	tests/unit/webhook/stage.h \
	tests/unit/webhook/test_decide.c \
	tests/unit/webhook/test_decide_all.c \
	tests/unit/webhook/test_expand.c \
	tests/unit/webhook/test_gate.c \
	tests/unit/webhook/test_labels.c \
	tests/unit/webhook/test_messages.c \
	tests/unit/webhook/test_pace.c \
	tests/unit/webhook/test_pages.c \
	tests/unit/webhook/test_policy.c \
	tests/unit/webhook/test_prom.c \
	tests/unit/webhook/test_record.c \
	tests/unit/webhook/test_runner.c \
	tests/unit/webhook/standin_process.c \
	tests/unit/webhook/standin_process.h \
	tests/unit/webhook/test_sender.c \
	tests/unit/webhook/test_sender_slack.c \
	tests/unit/webhook/test_sender_targets.c \
	tests/unit/webhook/test_standin.c \
	tests/unit/webhook/test_standin_slack.c \
	tests/unit/webhook/test_standin_targets.c \
	tests/standins/standin_alerts.c \
	tests/standins/standin_check.c \
	tests/standins/standin_check.h \
	tests/standins/standin_jira.c \
	tests/standins/standin_slack.c
EXTRA_DIST += tests/unit/webhook/messages/acknowledged.json tests/unit/webhook/messages/blind.json tests/unit/webhook/messages/hard.json tests/unit/webhook/messages/hard-waits.json tests/unit/webhook/messages/no-data.json \
	tests/unit/webhook/messages/over.json tests/unit/webhook/messages/rollback-failed.json tests/unit/webhook/messages/rolled-back.json tests/unit/webhook/messages/soft.json tests/unit/webhook/messages/unknown.json
EXTRA_DIST += tests/unit/webhook/policy.json tests/unit/webhook/store_v1.sql
# the daemon's core
tests_unit_webhook_test_webhook_SOURCES += \
	tests/unit/fault.c \
	tests/unit/fault.h \
	tests/unit/webhook/bench.c \
	tests/unit/webhook/bench.h \
	tests/unit/webhook/breach.c \
	tests/unit/webhook/breach.h \
	tests/unit/webhook/faultvfs.c \
	tests/unit/webhook/faultvfs.h \
	tests/unit/webhook/test_audit.c \
	tests/unit/webhook/test_board.c \
	tests/unit/webhook/test_circuit.c \
	tests/unit/webhook/test_conf.c \
	tests/unit/webhook/test_conns.c \
	tests/unit/webhook/test_confine.c \
	tests/unit/webhook/test_courier.c \
	tests/unit/webhook/test_disk.c \
	tests/unit/webhook/test_enact.c \
	tests/unit/webhook/test_html.c \
	tests/unit/webhook/test_followup.c \
	tests/unit/webhook/test_framing.c \
	tests/unit/webhook/test_intake.c \
	tests/unit/webhook/test_intake_read.c \
	tests/unit/webhook/test_jw.c \
	tests/unit/webhook/test_known.c \
	tests/unit/webhook/test_link.c \
	tests/unit/webhook/test_log.c \
	tests/unit/webhook/test_metrics.c \
	tests/unit/webhook/test_outbox.c \
	tests/unit/webhook/test_page.c \
	tests/unit/webhook/test_recorder.c \
	tests/unit/webhook/test_release.c \
	tests/unit/webhook/test_schedule.c \
	tests/unit/webhook/test_request.c \
	tests/unit/webhook/test_schema.c \
	tests/unit/webhook/test_server.c \
	tests/unit/webhook/test_service.c \
	tests/unit/webhook/test_store.c \
	tests/unit/webhook/test_tokens.c \
	tests/unit/webhook/test_verdicts.c \
	tests/unit/webhook/test_watchdog.c
# the real daemon, against a stand-in for Prometheus, Slack and PagerDuty
check_PROGRAMS += tests/unit/webhook/standin
tests_unit_webhook_standin_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
tests_unit_webhook_standin_SOURCES = tests/unit/webhook/standin.c
tests_unit_webhook_standin_LDADD = $(BASE_LIBS) $(MHD_LIBS)
check_PROGRAMS += tests/unit/webhook/argdump
tests_unit_webhook_argdump_SOURCES = tests/unit/webhook/argdump.c
EXTRA_DIST += tests/unit/webhook/hostile/markup.json tests/unit/webhook/hostile/values.json tests/unit/webhook/hostile/argv.golden \
	tests/unit/webhook/hostile/executed.golden tests/unit/webhook/hostile/pagerduty.golden \
	tests/unit/webhook/hostile/slack.golden
daemon_tests = \
	tests/unit/webhook/daemon_audit.sh \
	tests/unit/webhook/daemon_confine.sh \
	tests/unit/webhook/daemon_confirm.sh \
	tests/unit/webhook/daemon_crash.sh \
	tests/unit/webhook/daemon_ctl.sh \
	tests/unit/webhook/daemon_executor.sh \
	tests/unit/webhook/daemon_faults.sh \
	tests/unit/webhook/daemon_controllers.sh \
	tests/unit/webhook/daemon_enter.sh \
	tests/unit/webhook/daemon_follow.sh \
	tests/unit/webhook/daemon_gate.sh \
	tests/unit/webhook/daemon_hands.sh \
	tests/unit/webhook/daemon_hostile.sh \
	tests/unit/webhook/daemon_intake.sh \
	tests/unit/webhook/daemon_link.sh \
	tests/unit/webhook/daemon_network.sh \
	tests/unit/webhook/daemon_page.sh \
	tests/unit/webhook/daemon_reload.sh \
	tests/unit/webhook/daemon_rollback.sh \
	tests/unit/webhook/daemon_secrets.sh \
	tests/unit/webhook/daemon_storm.sh \
	tests/unit/webhook/daemon_systemd.sh \
	tests/unit/webhook/daemon_tls.sh
TESTS += $(daemon_tests)
EXTRA_DIST += $(daemon_tests) tests/unit/webhook/daemon_lib.sh tests/unit/webhook/pki.sh \
	tests/unit/webhook/activate.py tests/unit/webhook/browser.py tests/unit/webhook/controllers.py tests/unit/webhook/network.py tests/unit/webhook/page_check.py tests/unit/webhook/storm.py
# make tests/unit/webhook/token_timing && tests/unit/webhook/token_timing
EXTRA_PROGRAMS += tests/unit/webhook/token_timing
tests_unit_webhook_token_timing_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_webhook_token_timing_CFLAGS = $(libwebhook_a_CFLAGS)
tests_unit_webhook_token_timing_SOURCES = tests/unit/webhook/token_timing.c
tests_unit_webhook_token_timing_LDADD = $(WEBHOOK_LIBS) -lm
