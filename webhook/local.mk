# webhook/: guardraild and guardrailctl. Uses base/.
noinst_LIBRARIES += libwebhook.a
libwebhook_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(SQLITE_CFLAGS) $(MHD_CFLAGS) $(CURL_CFLAGS) $(GNUTLS_CFLAGS) $(PCRE2_CFLAGS)
# the daemon's core
libwebhook_a_SOURCES = \
	webhook/admin.c webhook/admin.h \
	webhook/admin_deviate.c \
	webhook/admin_effects.c \
	webhook/api.c webhook/api.h \
	webhook/app.c webhook/app.h \
	webhook/audit.c webhook/audit.h \
	webhook/auditor.c webhook/auditor.h \
	webhook/board.c webhook/board.h \
	webhook/checks.c webhook/checks.h \
	webhook/circuit.c webhook/circuit.h \
	webhook/conf.c webhook/conf.h \
	webhook/confirm.c webhook/confirm.h \
	webhook/confine.c webhook/confine.h \
	webhook/conns.c webhook/conns.h \
	webhook/credentials.c webhook/credentials.h \
	webhook/courier.c webhook/courier.h \
	webhook/db.c webhook/db.h \
	webhook/desk.c webhook/desk.h \
	webhook/disk.c webhook/disk.h \
	webhook/enact.c webhook/enact.h \
	webhook/engine.c webhook/engine.h \
	webhook/enter.c webhook/enter.h \
	webhook/followup.c webhook/followup.h \
	webhook/form.c webhook/form.h webhook/framing.c webhook/framing.h \
	webhook/gate.c webhook/gate.h \
	webhook/hooks.c \
	webhook/html.c webhook/html.h \
	webhook/intake.c webhook/intake.h \
	webhook/intake_read.c webhook/intake_read.h \
	webhook/jread.c webhook/jread.h \
	webhook/jw.c webhook/jw.h \
	webhook/known.c webhook/known.h \
	webhook/link.c webhook/link.h \
	webhook/link_take.c webhook/link_take.h \
	webhook/listen.c webhook/listen.h \
	webhook/log.c webhook/log.h \
	webhook/metrics.c webhook/metrics.h \
	webhook/outbox.c webhook/outbox.h \
	webhook/pace.c webhook/pace.h \
	webhook/page.c webhook/page.h \
	webhook/page_data.h \
	webhook/page_link.c \
	webhook/page_matrix.c \
	webhook/page_parts.c webhook/page_parts.h \
	webhook/page_read.c \
	webhook/page_style.c \
	webhook/policies.c webhook/policies.h \
	webhook/recorder.c webhook/recorder.h \
	webhook/release.c webhook/release.h webhook/release_row.h \
	webhook/release_phase.c \
	webhook/replay.c webhook/replay.h \
	webhook/request.c webhook/request.h \
	webhook/rollback.c webhook/rollback.h \
	webhook/schema.c webhook/schema.h \
	webhook/server.c webhook/server.h \
	webhook/service.c webhook/service.h \
	webhook/snapshot.c webhook/snapshot.h \
	webhook/store.c webhook/store.h \
	webhook/tls.c webhook/tls.h \
	webhook/tokens.c webhook/tokens.h \
	webhook/verdicts.c webhook/verdicts.h \
	webhook/watchdog.c webhook/watchdog.h
# leaf modules: policy, decisions, programs, messages, records
libwebhook_a_SOURCES += \
	webhook/decide.c webhook/decide.h \
	webhook/decide_json.c webhook/decide_json.h \
	webhook/expand.c webhook/expand.h \
	webhook/labels.c webhook/labels.h \
	webhook/policy.c webhook/policy.h \
	webhook/policy_actions.c \
	webhook/policy_json.c webhook/policy_json.h \
	webhook/policy_read.c \
	webhook/prom.c webhook/prom.h \
	webhook/record.c webhook/record.h \
	webhook/runner.c webhook/runner.h \
	webhook/runner_child.c \
	webhook/runner_job.c \
	webhook/runner_procs.c webhook/runner_procs.h \
	webhook/runner_wire.c webhook/runner_wire.h \
	webhook/sender.c webhook/sender.h \
	webhook/sender_alerts.c \
	webhook/sender_call.h \
	webhook/sender_http.c \
	webhook/sender_jira.c \
	webhook/sender_pagerduty.c \
	webhook/sender_slack.c \
	webhook/sender_slack_api.c \
	webhook/sender_template.c \
	webhook/sender_text.c webhook/sender_text.h
WEBHOOK_LIBS = libwebhook.a $(BASE_LIBS) $(SQLITE_LIBS) $(MHD_LIBS) $(CURL_LIBS) $(PCRE2_LIBS) -lpthread

sbin_PROGRAMS += guardraild
guardraild_SOURCES = webhook/guardraild.c
guardraild_CFLAGS = $(libwebhook_a_CFLAGS)
guardraild_LDADD = $(WEBHOOK_LIBS)

bin_PROGRAMS += guardrailctl
guardrailctl_SOURCES = webhook/guardrailctl.c webhook/ctl.h webhook/ctl_audit.c webhook/ctl_completion.c \
	webhook/ctl_http.c webhook/ctl_plan.c webhook/ctl_print.c \
	webhook/ctl_table.c webhook/ctl_table.h webhook/ctl_verdicts.c
guardrailctl_CFLAGS = $(libwebhook_a_CFLAGS)
guardrailctl_LDADD = $(WEBHOOK_LIBS)
nodist_bashcompletion_DATA += completions/bash/guardrailctl
nodist_fishcompletion_DATA += completions/fish/guardrailctl.fish
nodist_zshcompletion_DATA += completions/zsh/_guardrailctl
CLEANFILES += completions/bash/guardrailctl completions/fish/guardrailctl.fish completions/zsh/_guardrailctl
completions/bash/guardrailctl completions/fish/guardrailctl.fish completions/zsh/_guardrailctl: guardrailctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./guardrailctl completion $$(basename $(@D)) > $@.new && mv $@.new $@

# systemd: the service knows where the program and its configuration are installed
if HAVE_SYSTEMD_UNITS
systemdsystemunit_DATA = webhook/guardraild.service webhook/guardraild.socket
endif
webhook/guardraild.service: webhook/guardraild.service.in Makefile
	@$(MKDIR_P) webhook
	$(AM_V_GEN)sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' $(srcdir)/webhook/guardraild.service.in >$@.tmp && mv $@.tmp $@
CLEANFILES += webhook/guardraild.service webhook/guardraild.service.tmp
EXTRA_DIST += webhook/guardraild.service.in webhook/guardraild.socket
EXTRA_DIST += webhook/guardraild.yml
dist_man_MANS += man/guardraild.8 man/guardrailctl.1
