# What evidence is worth, by simulation: a bounded check, the tables and the plots of docs/evidence.md.
check_PROGRAMS += tests/simulation/releases
tests_simulation_releases_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/compiler
tests_simulation_releases_CFLAGS = $(AM_CFLAGS)
tests_simulation_releases_LDADD = $(COMPILER_LIBS) -lm
tests_simulation_releases_SOURCES = \
	tests/simulation/plot.c \
	tests/simulation/plot.h \
	tests/simulation/plots.c \
	tests/simulation/plots.h \
	tests/simulation/release.c \
	tests/simulation/release.h \
	tests/simulation/releases.c
TESTS += tests/simulation/check.sh
dist_check_SCRIPTS += tests/simulation/check.sh

SIMULATED = $(top_srcdir)/examples/tradepulse/guardrails.yml
simulate: tests/simulation/releases$(EXEEXT)
	tests/simulation/releases$(EXEEXT) tables $(SIMULATED) 1 20000
update-plots: tests/simulation/releases$(EXEEXT)
	for plot in caught false paths; do \
		tests/simulation/releases$(EXEEXT) $$plot $(SIMULATED) 1 >docs-plot.tmp && \
		mv docs-plot.tmp $(srcdir)/docs/evidence-$$plot.svg || exit 1; \
	done
# Ten minutes: all that stands below "Measured" in docs/evidence.md.
update-evidence: update-plots
	{ sed '/^## Measured/q' $(srcdir)/docs/evidence.md; \
	  printf '\nCommand: `make simulate`, which is `releases tables examples/tradepulse/guardrails.yml 1 20000` (seed 1); `make update-evidence` writes what follows.\n'; \
	  tests/simulation/releases$(EXEEXT) tables $(SIMULATED) 1 20000; } >docs-evidence.tmp
	mv docs-evidence.tmp $(srcdir)/docs/evidence.md
.PHONY: simulate update-evidence update-plots
