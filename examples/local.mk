# examples/: specs with their compiled output, and the quickstart.
EXTRA_DIST += \
	examples/minimal/guardrails.yml \
	examples/tradepulse/guardrails.yml
EXTRA_DIST += examples/quickstart.sh
