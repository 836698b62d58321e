# tests/: one Check program per room, then scripts that run the built programs. Each part adds its own lines.
# The longest first, those that compute beside those that wait for their servers: no processor is idle at the end.
TESTS += tests/e2e/release.sh tests/guardrailtest.sh tests/e2e/loop.sh tests/promtool/run.sh tests/render/queries.sh
include tests/unit/base/local.mk
include tests/unit/rules/local.mk
include tests/unit/compiler/local.mk
include tests/unit/webhook/local.mk
include tests/fuzz/local.mk
include tests/fleet/local.mk
include tests/standins/local.mk
include tests/unit/fleet/local.mk
include tests/e2e/local.mk
include tests/golden/local.mk
include tests/render/local.mk
include tests/tools/local.mk
include tests/bench/local.mk
include tests/crash/local.mk
include tests/simulation/local.mk
include tests/reference/local.mk
EXTRA_DIST += tests/packages.sh tests/packages.txt tests/run.sh
TESTS += tests/explain.sh tests/guardrailc.sh tests/layering.sh tests/lint.sh
dist_check_SCRIPTS += tests/explain.sh tests/guardrailc.sh tests/layering.sh tests/lint.sh tests/promtool/run.sh
TESTS += tests/ci.sh tests/completion.sh tests/completion_ctl.sh tests/manpage.sh
dist_check_SCRIPTS += tests/ci.sh tests/completion.sh tests/completion_ctl.sh tests/manpage.sh
TESTS += tests/reaction.sh tests/links.sh
dist_check_SCRIPTS += tests/reaction.sh tests/links.sh
TESTS += tests/overlays.sh
dist_check_SCRIPTS += tests/overlays.sh
EXTRA_DIST += \
	tests/promtool/daemon.test.yml \
	tests/promtool/demo.test.yml \
	tests/promtool/demo.yml \
	tests/promtool/edges.test.yml \
	tests/promtool/edges.yml \
	tests/promtool/equal.test.yml \
	tests/promtool/equal.yml \
	tests/promtool/evidence.test.yml \
	tests/promtool/evidence.yml \
	tests/promtool/flows.test.yml \
	tests/promtool/flows.yml \
	tests/promtool/kinds.test.yml \
	tests/promtool/kinds.yml \
	tests/promtool/late.test.yml \
	tests/promtool/limits.test.yml \
	tests/promtool/lost.test.yml \
	tests/promtool/pair.test.yml \
	tests/promtool/pair.yml \
	tests/promtool/phases.test.yml \
	tests/promtool/reach.test.yml \
	tests/promtool/reach.yml \
	tests/promtool/shared.test.yml \
	tests/promtool/shared.yml \
	tests/promtool/waived.test.yml \
	tests/promtool/waived.yml \
	tests/promtool/split.test.yml \
	tests/promtool/split.yml \
	tests/promtool/streams.test.yml \
	tests/promtool/streams.yml
EXTRA_DIST += tests/client.py tests/command.sh
EXTRA_DIST += tests/data/matrix.yml tests/data/reaction.yml
EXTRA_DIST += tests/bench/lint.sh
dist_check_SCRIPTS += tests/valgrind.sh
check-valgrind: $(check_PROGRAMS)
	GR_SRCDIR='$(abs_top_srcdir)' GR_BUILDDIR='$(abs_top_builddir)' PROMTOOL='$(PROMTOOL)' sh '$(srcdir)/tests/valgrind.sh'
.PHONY: check-valgrind
TESTS += tests/fmt.sh tests/schema.sh
dist_check_SCRIPTS += tests/guardrailtest.sh
dist_check_SCRIPTS += tests/fmt.sh tests/schema.sh
EXTRA_DIST += tests/schema.py

# guardrailc diff and its change log
TESTS += tests/diff.sh
dist_check_SCRIPTS += tests/diff.sh
EXTRA_DIST += tests/data/diff

# guardrailc power
TESTS += tests/power.sh tests/power_prometheus.sh
dist_check_SCRIPTS += tests/power.sh tests/power_prometheus.sh
EXTRA_DIST += tests/power/history.py tests/power/standin.py
