# End-to-end tests against real Prometheus and Alertmanager.
dist_check_SCRIPTS += tests/e2e/alertmanager.sh tests/e2e/loop.sh tests/e2e/release.sh
TESTS += tests/e2e/alertmanager.sh
EXTRA_DIST += tests/e2e/proxy.py tests/e2e/stack.sh tests/e2e/actions/common.sh tests/e2e/actions/bin/kubectl tests/e2e/actions/bin/kustomize \
	tests/e2e/actions/deploy/bin/drain-sessions tests/e2e/actions/deploy/bin/freeze-intake \
	tests/e2e/actions/deploy/bin/intake-frozen tests/e2e/actions/deploy/bin/replay-feed \
	tests/e2e/actions/deploy/bin/schema-diff tests/e2e/actions/deploy/bin/set-split tests/e2e/actions/deploy/bin/tickets-closed
