#!/bin/sh
# The budget holds for TradePulse and large regressions are caught: a bounded form of `make simulate`, with one seed.
set -eu
exec "$GR_BUILDDIR/tests/simulation/releases" check "$GR_SRCDIR/examples/tradepulse/guardrails.yml" 1
