#!/usr/bin/env bash
# Golden files: what each case's spec compiles to is checked in and compared byte for byte.
#   run.sh            compares (make check)
#   run.sh --update   rewrites them (make update-golden); review the diff
# A case is a line below: its spec, the folder that holds its compiled tree, and its target. To add one: a line here, the folder in local.mk.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
cases="
examples/tradepulse/guardrails.yml  examples/tradepulse/compiled
examples/minimal/guardrails.yml     tests/golden/minimal
examples/kubernetes/guardrails.yml  examples/kubernetes/compiled   operator
examples/minimal/guardrails.yml     tests/golden/minimal-mimir     mimir
examples/minimal/guardrails.yml     tests/golden/minimal-operator  operator
examples/minimal/guardrails.yml     tests/golden/minimal-vmalert   vmalert
"
guardrailc=$GR_BUILDDIR/guardrailc
failures=0 checks=0

cd "$GR_SRCDIR" || exit 1
# Specs are named relative to the source folder, so that no path of this machine can get into the output.
while read -r spec out target; do
  [ -n "$spec" ] || continue
  checks=$((checks + 1))
  if [ "${1:-}" = --update ]; then
    "$guardrailc" compile --target "${target:-prometheus}" "$spec" -o "$out" || failures=$((failures + 1))
  else
    "$guardrailc" compile --target "${target:-prometheus}" "$spec" -o "$out" --check || { failures=$((failures + 1)); echo "not as compiled now: $out (make update-golden, then look at the diff)"; }
  fi
done <<<"$cases"
# A run that looked at nothing has proved nothing.
[ "$checks" -gt 0 ] || exit 1
echo "$checks golden trees, $failures differ"
[ "$failures" -eq 0 ]
