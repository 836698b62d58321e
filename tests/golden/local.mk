# Golden files: compiled trees that are checked in. `make update-golden` rewrites them; review the diff.
TESTS += tests/golden/run.sh
dist_check_SCRIPTS += tests/golden/run.sh
EXTRA_DIST += examples/kubernetes/compiled examples/tradepulse/compiled
EXTRA_DIST += tests/golden/explain tests/golden/minimal tests/golden/minimal-mimir tests/golden/minimal-operator \
	tests/golden/minimal-vmalert tests/golden/power
update-golden: guardrailc$(EXEEXT)
	GR_SRCDIR='$(abs_top_srcdir)' GR_BUILDDIR='$(abs_top_builddir)' '$(srcdir)/tests/golden/run.sh' --update
	GR_SRCDIR='$(abs_top_srcdir)' GR_BUILDDIR='$(abs_top_builddir)' '$(srcdir)/tests/explain.sh' --update
	GR_SRCDIR='$(abs_top_srcdir)' GR_BUILDDIR='$(abs_top_builddir)' '$(srcdir)/tests/power.sh' --update
.PHONY: update-golden
