# Tools that look at what we generate, and the tests that use them.
TESTS += tests/tools/answers.sh tests/tools/dashboards.sh tests/tools/kubernetes.sh tests/tools/routes.sh tests/tools/sarif.sh tests/tools/vmalert.sh
dist_check_SCRIPTS += tests/tools/answers.sh tests/tools/dashboards.sh tests/tools/kubernetes.sh tests/tools/routes.sh
dist_check_SCRIPTS += tests/tools/sarif.sh tests/tools/vmalert.sh
EXTRA_DIST += tests/tools/k8s-plain.mjs tests/tools/k8s-validate.mjs tests/tools/node.sh tests/tools/typecheck-dashboard.mjs
EXTRA_DIST += tests/node/package-lock.json tests/node/package.json
# npm made these below the build folder, and render-dashboards its pictures.
distclean-local: clean-node
clean-node:
	rm -rf node render render-node
.PHONY: clean-node
