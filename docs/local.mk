# docs/: pages and man pages.
dist_man_MANS += man/guardrailc.1
EXTRA_DIST += docs/architecture.md docs/decisions.md docs/diagnostics.md docs/language.md docs/linting.md docs/operations.md docs/rule-reference.md

# docs/diagnostics.md is what `guardrailc explain` knows; tests/lint.sh fails when it is stale.
update-pages: guardrailc$(EXEEXT)
	./guardrailc$(EXEEXT) explain --markdown >docs-diagnostics.tmp
	mv docs-diagnostics.tmp $(srcdir)/docs/diagnostics.md
.PHONY: update-pages
