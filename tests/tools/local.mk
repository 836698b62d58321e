# Tools that look at what we generate, and the tests that use them.
TESTS += tests/tools/dashboards.sh
dist_check_SCRIPTS += tests/tools/dashboards.sh
EXTRA_DIST += tests/tools/typecheck-dashboard.mjs
