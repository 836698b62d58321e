#!/bin/sh
# The reference evaluator against real Prometheus: for random specifications and worlds the series that promtool's engine computes from the
# emitted rules have to be those of the evaluator. Without arguments a few seeds, always the same (one with GR_THOROUGH=no); by hand
#     GR_BUILDDIR=build tests/reference/run.sh --seed 1000 --count 300
# A failed seed's folder is kept: specification, rules, promtool's file and its output.
set -u
: "${GR_SRCDIR:=.}" "${GR_BUILDDIR:=.}" "${PROMTOOL:=$(command -v promtool)}"
[ -n "$PROMTOOL" ] || { echo "SKIP: needs promtool"; exit 77; }
case $("$PROMTOOL" --version 2>&1) in
  "promtool, version 2."*) open= ;;
  *) open=--left-open ;; # ranges of 3.x do not include their left end
esac
# It may read specifications with the compiler's reader, and has to know nothing of how they become rules.
if nm "$GR_BUILDDIR/tests/reference/reference" 2>/dev/null | grep -qE ' T (rules_lower|lower_slots|lower_evidence|lower_verdict)$'; then
  echo "FAILED: the evaluator is linked with the lowering"; exit 1
fi
work=$(mktemp -d "$GR_BUILDDIR/reference.XXXXXX") || exit 1
if [ $# -eq 0 ]; then
  if [ "${GR_THOROUGH:-yes}" = no ]; then set -- --seed 1 --count 3 --worlds 1; else set -- --seed 1 --count 6 --worlds 2; fi
fi
"$GR_BUILDDIR/tests/reference/reference" --guardrailc "$GR_BUILDDIR/guardrailc" --promtool "$PROMTOOL" --work "$work" $open "$@"
code=$?
if [ $code -eq 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
exit $code
