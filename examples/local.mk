# examples/: specs with their compiled output, and the quickstart.
EXTRA_DIST += \
	examples/kubernetes/README.md \
	examples/kubernetes/guardrails.yml \
	examples/minimal/guardrails.yml \
	examples/tradepulse/guardrails.yml \
	examples/tradepulse/rates.yml \
	examples/tradepulse/overlays/crypto.yml
EXTRA_DIST += examples/quickstart.sh
# guardrailc in CI; tests/ci.sh runs what stands there.
EXTRA_DIST += \
	.pre-commit-hooks.yaml \
	examples/ci/README.md \
	examples/ci/github.yml \
	examples/ci/gitlab.yml \
	examples/ci/install.sh \
	examples/ci/pre-commit
