# Tools that look at what we generate, and the tests that use them.
TESTS += tests/tools/dashboards.sh tests/tools/routes.sh
dist_check_SCRIPTS += tests/tools/dashboards.sh tests/tools/routes.sh
EXTRA_DIST += tests/tools/typecheck-dashboard.mjs
