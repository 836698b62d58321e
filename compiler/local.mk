# compiler/: the guardrail language and its output back ends. Uses base/ and rules/.
noinst_LIBRARIES += libcompiler.a
libcompiler_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(YAML_CFLAGS)
libcompiler_a_SOURCES = \
	compiler/backend.c \
	compiler/backend.h \
	compiler/clock.c \
	compiler/clock.h \
	compiler/check_operator.c \
	compiler/check_secrets.c \
	compiler/check_secrets.h \
	compiler/emit_alertmanager.c \
	compiler/emit_amconfig.c \
	compiler/emit_argo.c \
	compiler/emit_deploy.c \
	compiler/emit_deploy.h \
	compiler/emit_grafana.c \
	compiler/emit_mimir.c \
	compiler/emit_mimir.h \
	compiler/emit_operator.c \
	compiler/emit_operator.h \
	compiler/emit_policy.c \
	compiler/explain.c \
	compiler/explain.h \
	compiler/explain_json.c \
	compiler/explain_promql.c \
	compiler/explain_table.c \
	compiler/explain_text.c \
	compiler/emit_telemetry.c \
	compiler/emit_vmalert.c \
	compiler/emit_vmalert.h \
	compiler/grafana.h \
	compiler/grafana_annotations.c \
	compiler/grafana_audit.c \
	compiler/grafana_dash.c \
	compiler/grafana_overview.c \
	compiler/grafana_panel.c \
	compiler/grafana_phase.c \
	compiler/grafana_reasons.c \
	compiler/grafana_share.c \
	compiler/grafana_table.c \
	compiler/grafana_value.c \
	compiler/jsonout.c \
	compiler/jsonout.h \
	compiler/jsonstream.c \
	compiler/jsonstream.h \
	compiler/kube.c \
	compiler/kube.h \
	compiler/load.c \
	compiler/load.h \
	compiler/manifest.c \
	compiler/manifest.h \
	compiler/marks.c \
	compiler/marks.h \
	compiler/merge.c \
	compiler/merge.h \
	compiler/model.c \
	compiler/model.h \
	compiler/outnames.c \
	compiler/outnames.h \
	compiler/reaction.c \
	compiler/reaction.h \
	compiler/routes.c \
	compiler/routes.h \
	compiler/routes_match.c \
	compiler/routes_prove.c \
	compiler/overlay.c \
	compiler/spec.c \
	compiler/spec.h \
	compiler/spec_actions.c \
	compiler/spec_check.c \
	compiler/spec_evidence.c \
	compiler/spec_enter.c \
	compiler/spec_expect.c \
	compiler/spec_guardrail.c \
	compiler/spec_hash.c \
	compiler/spec_idle.c \
	compiler/spec_keys.c \
	compiler/spec_keys.h \
	compiler/spec_kubernetes.c \
	compiler/spec_limit.c \
	compiler/spec_metric.c \
	compiler/spec_override.c \
	compiler/spec_parts.h \
	compiler/spec_phases.c \
	compiler/spec_program.c \
	compiler/spec_promql.c \
	compiler/spec_reaction.c \
	compiler/spec_release.c \
	compiler/spec_scalar.c \
	compiler/spec_slices.c \
	compiler/spec_tables.c \
	compiler/spec_value.c \
	compiler/tree.c \
	compiler/tree.h \
	compiler/waiver.c \
	compiler/waiver.h

# lowering
libcompiler_a_SOURCES += \
	compiler/emit_rules.c compiler/lower.c compiler/lower.h compiler/lower_alert.c compiler/lower_annotation.c compiler/lower_evidence.c \
	compiler/lower_literal.c compiler/lower_phase.c compiler/lower_prove.c compiler/lower_share.c compiler/lower_slot.c compiler/lower_verdict.c \
	compiler/lower_window.c

# commands
libcompiler_a_SOURCES += \
	compiler/cmd_check.c compiler/cmd_compile.c compiler/cmd_explain.c compiler/cmd_explain_spec.c compiler/cmd_lint.c \
	compiler/cmd_promql.c compiler/command.h compiler/page_print.c compiler/page_print.h compiler/options.c compiler/options.h \
	compiler/session.c compiler/timescale.c compiler/timescale.h

# generated tests
libcompiler_a_SOURCES += \
	compiler/cmd_test.c compiler/mutate.c compiler/mutate.h compiler/promtool.c compiler/promtool.h compiler/prove.h compiler/prove_build.c compiler/prove_build.h compiler/prove_cases.c compiler/prove_decoy.c compiler/prove_equal.c compiler/prove_evidence.c compiler/prove_suite.c \
	compiler/prove_equal.h compiler/prove_eval.c \
	compiler/prove_feed.c compiler/prove_given.c compiler/prove_input.c compiler/prove_level.c compiler/prove_mutate.c compiler/prove_reach.c compiler/prove_reach.h compiler/prove_report.c compiler/prove_rules.c \
	compiler/prove_neutral.c compiler/prove_neutral.h compiler/prove_rules.h compiler/prove_same.c compiler/prove_same.h compiler/prove_trim.c compiler/prove_trim.h compiler/prove_run.c compiler/prove_run.h compiler/prove_share.c compiler/prove_verdict.c compiler/prove_watch.c compiler/prove_watch.h compiler/prove_write.c compiler/prove_write.h compiler/stop.c compiler/stop.h

# the language for editors
libcompiler_a_SOURCES += compiler/cmd_schema.c compiler/schema.c compiler/schema.h compiler/schema_scalar.c

# the layout of specifications
libcompiler_a_SOURCES += \
	compiler/cmd_fmt.c compiler/layout.c compiler/layout.h compiler/layout_parts.h compiler/layout_print.c \
	compiler/layout_scan.c compiler/linediff.c compiler/linediff.h
COMPILER_LIBS = libcompiler.a $(RULES_LIBS) $(BASE_LIBS) $(CURL_LIBS) -lm

bin_PROGRAMS += guardrailc
guardrailc_SOURCES = compiler/cmd_completion.c compiler/guardrailc.c
guardrailc_CFLAGS = $(AM_CFLAGS)
guardrailc_LDADD = $(COMPILER_LIBS) -lm

# what a specification means, and what changed
libcompiler_a_SOURCES += \
	compiler/aspects.def compiler/changelog.c compiler/changelog.h compiler/cmd_diff.c compiler/compare.c compiler/compare.h compiler/compare_action.c compiler/compare_limit.c \
	compiler/compare_parts.h compiler/compare_time.c compiler/diff_json.c compiler/diff_load.c \
	compiler/diff_load.h compiler/diff_markdown.c compiler/diff_print.h compiler/diff_text.c compiler/emit_facts.c compiler/facts.c compiler/facts.h \
	compiler/facts_guardrail.c compiler/facts_json.c compiler/facts_parts.h compiler/facts_read.c compiler/facts_spec.c \
	compiler/child.c compiler/child.h compiler/gitread.c compiler/gitread.h compiler/signoff.c compiler/signoff.h

# Completion scripts, written by the program itself.
bashcompletiondir = $(datadir)/bash-completion/completions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
zshcompletiondir = $(datadir)/zsh/site-functions
nodist_bashcompletion_DATA = completions/bash/guardrailc
nodist_fishcompletion_DATA = completions/fish/guardrailc.fish
nodist_zshcompletion_DATA = completions/zsh/_guardrailc
CLEANFILES += completions/bash/guardrailc completions/fish/guardrailc.fish completions/zsh/_guardrailc
completions/bash/guardrailc completions/fish/guardrailc.fish completions/zsh/_guardrailc: guardrailc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./guardrailc completion $$(basename $(@D)) > $@.new && mv $@.new $@

# evidence, and releases by chance
libcompiler_a_SOURCES += compiler/chance.c compiler/chance.h compiler/evidence_math.c compiler/evidence_math.h compiler/simulate.c compiler/simulate.h

# guardrailc power
libcompiler_a_SOURCES += compiler/cmd_power.c compiler/power.c compiler/power.h compiler/power_ask.c compiler/power_ask.h compiler/power_json.c compiler/power_parts.h compiler/power_plan.c \
	compiler/power_prometheus.c compiler/power_prometheus.h \
	compiler/power_svg.c compiler/power_template.c compiler/power_text.c compiler/rates.c compiler/rates.h compiler/rates_parts.h compiler/rates_read.c
