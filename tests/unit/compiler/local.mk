# Unit tests of compiler/ (Check).
if HAVE_CHECK
check_PROGRAMS += tests/unit/compiler/test_compiler
TESTS += tests/unit/compiler/test_compiler
endif
tests_unit_compiler_test_compiler_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/compiler
tests_unit_compiler_test_compiler_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(YAML_CFLAGS) $(CJSON_CFLAGS)
tests_unit_compiler_test_compiler_LDADD = $(COMPILER_LIBS) $(CHECK_LIBS)
tests_unit_compiler_test_compiler_SOURCES = \
	tests/unit/base/failing.h \
	tests/unit/base/failing.c \
	tests/unit/canned.c tests/unit/canned.h tests/unit/compiler/test_power_prometheus.c \
	tests/unit/compiler/test_compiler.h \
	tests/unit/suites.c tests/unit/suites.h \
	tests/unit/compiler/test_compiler.c \
	tests/unit/compiler/scratch.h \
	tests/unit/compiler/scratch.c \
	tests/unit/compiler/testmodel.h \
	tests/unit/compiler/testmodel.c \
	tests/unit/compiler/test_backend.c \
	tests/unit/compiler/test_emit_alertmanager.c \
	tests/unit/compiler/test_emit_grafana.c \
	tests/unit/compiler/test_emit_policy.c \
	tests/unit/compiler/test_jsonout.c \
	tests/unit/compiler/test_jsonstream.c \
	tests/unit/compiler/test_clock.c \
	tests/unit/compiler/test_merge.c \
	tests/unit/compiler/test_scale.c \
	tests/unit/compiler/test_outnames.c \
	tests/unit/compiler/test_prove_mutate.c \
	tests/unit/compiler/test_prove_neutral.c \
	tests/unit/compiler/test_prove_same.c \
	tests/unit/compiler/test_prove_trim.c \
	tests/unit/compiler/test_overlay.c \
	tests/unit/compiler/test_target.c \
	tests/unit/compiler/test_tree.c

# What passes between the rooms: needs both libraries, and the built guardrailc.
if HAVE_CHECK
check_PROGRAMS += tests/unit/compiler/test_contract
TESTS += tests/unit/compiler/test_contract
endif
tests_unit_compiler_test_contract_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_compiler_test_contract_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS) $(SQLITE_CFLAGS) $(PCRE2_CFLAGS)
tests_unit_compiler_test_contract_LDADD = $(WEBHOOK_LIBS) $(CHECK_LIBS)
tests_unit_compiler_test_contract_SOURCES = \
	tests/unit/compiler/scratch.h \
	tests/unit/compiler/scratch.c \
	tests/unit/compiler/test_contract.c

# the spec reader
tests_unit_compiler_test_compiler_SOURCES += \
	tests/unit/compiler/playbook.h \
	tests/unit/compiler/playbook_prose.c \
	tests/unit/compiler/playbook_tables.c \
	tests/unit/compiler/specs.h \
	tests/unit/compiler/specs.c \
	tests/unit/compiler/test_model.c \
	tests/unit/compiler/test_playbook.c \
	tests/unit/compiler/test_spec.c \
	tests/unit/compiler/test_spec_corpus.c \
	tests/unit/compiler/test_spec_hash.c \
	tests/unit/compiler/test_spec_limit.c \
	tests/unit/compiler/test_spec_slices.c \
	tests/unit/compiler/test_spec_tables.c \
	tests/unit/compiler/test_spec_value.c
EXTRA_DIST += tests/data/specs tests/data/tradepulse-playbook.md

# pages of findings, mistakes made by machine, bad input
tests_unit_compiler_test_compiler_SOURCES += \
	tests/unit/pagetext.h \
	tests/unit/pagetext.c \
	tests/unit/compiler/mutate.h \
	tests/unit/compiler/mutate.c \
	tests/unit/compiler/test_bad_input.c \
	tests/unit/compiler/test_mutate.c \
	tests/unit/compiler/test_pages.c

# routes and times
tests_unit_compiler_test_compiler_SOURCES += tests/unit/compiler/test_explain.c \
	tests/unit/compiler/test_reaction.c tests/unit/compiler/test_routes.c

# templates of rules, command lines
tests_unit_compiler_test_compiler_SOURCES += tests/unit/compiler/test_lower.c tests/unit/compiler/test_options.c

# what changed between two specifications
tests_unit_compiler_test_compiler_SOURCES += tests/unit/compiler/test_changelog.c tests/unit/compiler/test_child.c tests/unit/compiler/test_compare.c tests/unit/compiler/test_facts.c

# the layout of specifications
tests_unit_compiler_test_compiler_SOURCES += tests/unit/compiler/test_layout.c tests/unit/compiler/test_linediff.c

# evidence, and releases by chance
tests_unit_compiler_test_compiler_SOURCES += tests/unit/compiler/test_chance.c tests/unit/compiler/test_evidence_math.c \
	tests/unit/compiler/test_simulate.c

# guardrailc power
tests_unit_compiler_test_compiler_SOURCES += tests/unit/compiler/test_power.c tests/unit/compiler/test_rates.c
