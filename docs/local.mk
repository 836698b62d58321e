# docs/: pages and man pages.
dist_man_MANS += man/guardrailc.1
EXTRA_DIST += docs/architecture.md docs/controllers.md docs/decisions.md docs/diagnostics.md docs/diff.md docs/evidence.md docs/evidence-caught.svg docs/evidence-false.svg docs/evidence-paths.svg docs/faults.md docs/guardrailctl.md docs/language.md docs/linting.md docs/metrics.md docs/operations.md docs/outputs.md docs/power.md docs/rule-reference.md docs/testing.md
EXTRA_DIST += docs/images/dashboard-overview.png docs/images/dashboard-phase.png docs/images/status-page.png \
	docs/images/status-page-phone.png

# docs/diagnostics.md is what `guardrailc explain` knows; tests/lint.sh fails when it is stale.
update-pages: guardrailc$(EXEEXT)
	./guardrailc$(EXEEXT) explain --markdown >docs-diagnostics.tmp
	mv docs-diagnostics.tmp $(srcdir)/docs/diagnostics.md
.PHONY: update-pages

# docs/guardrail.schema.json and the tables of docs/language.md are what `guardrailc schema` knows; tests/schema.sh fails when they are stale.
EXTRA_DIST += docs/guardrail.schema.json
update-schema: guardrailc$(EXEEXT)
	./guardrailc$(EXEEXT) schema >docs-schema.tmp
	mv docs-schema.tmp $(srcdir)/docs/guardrail.schema.json
	{ sed '/^### The document/,$$d' $(srcdir)/docs/language.md; ./guardrailc$(EXEEXT) schema --markdown; } >docs-language.tmp
	mv docs-language.tmp $(srcdir)/docs/language.md
.PHONY: update-schema
