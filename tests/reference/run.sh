#!/bin/sh
# The reference evaluator against real Prometheus: for random specifications and worlds the series that promtool's engine computes from the
# emitted rules have to be those of the evaluator. Without arguments a few seeds, always the same; by hand
#     tests/reference/run.sh --count 250 --seed 1000
set -u
: "${GR_SRCDIR:=.}" "${GR_BUILDDIR:=.}" "${PROMTOOL:=$(command -v promtool)}"
[ -n "$PROMTOOL" ] || { echo "SKIP: needs promtool"; exit 77; }
case $("$PROMTOOL" --version 2>&1) in
  "promtool, version 2."*) open= ;;
  *) open=--left-open ;; # ranges of 3.x do not include their left end
esac
work=$(mktemp -d "$GR_BUILDDIR/reference.XXXXXX") || exit 1
[ $# -gt 0 ] || set -- --seed 1 --count 5
"$GR_BUILDDIR/tests/reference/reference" --guardrailc "$GR_BUILDDIR/guardrailc" --promtool "$PROMTOOL" --work "$work" $open "$@"
code=$?
if [ $code -eq 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
exit $code
