# docs/: pages and man pages.
dist_man_MANS += man/guardrailc.1
EXTRA_DIST += docs/architecture.md docs/decisions.md docs/language.md docs/linting.md docs/operations.md docs/rule-reference.md
