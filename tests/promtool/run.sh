#!/bin/sh
# Compiles the demo specification and lets promtool prove the emitted rules: the worked cases of sketch.test.yml, and that every
# example's rules pass `promtool check rules --lint-fatal` and every Alertmanager configuration `amtool check-config`.
set -u
: "${GR_SRCDIR:=.}" "${GR_BUILDDIR:=.}" "${PROMTOOL:=$(command -v promtool)}" "${AMTOOL:=$(command -v amtool)}"
[ -n "$PROMTOOL" ] && [ -n "$AMTOOL" ] || { echo "SKIP: needs promtool and amtool"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/promtool.XXXXXX") || exit 1
bad=0
run() { "$@" >"$work/log" 2>&1 || { echo "FAILED: $*"; cat "$work/log"; bad=1; return 1; }; }

for spec in "$GR_SRCDIR"/tests/promtool/*.yml "$GR_SRCDIR"/examples/*/guardrails.yml; do
  case $spec in *.test.yml) continue ;; esac
  for scale in 1 60 1000; do
    out=$work/$(basename "$(dirname "$spec")")-$(basename "$spec" .yml)-$scale
    run "$GR_BUILDDIR/guardrailc" compile -q --time-scale $scale -o "$out" "$spec" || continue
    run "$PROMTOOL" check rules --lint-fatal "$out/prometheus/rules.yml"
    run "$AMTOOL" check-config "$out/alertmanager/alertmanager.yml"
  done
done
cp "$work"/promtool-demo-1/prometheus/rules.yml "$work/rules.yml"
cp "$work"/promtool-kinds-1/prometheus/rules.yml "$work/kinds-rules.yml"
for cases in "$GR_SRCDIR"/tests/promtool/*.test.yml; do
  cp "$cases" "$work/"
  run "$PROMTOOL" test rules "$work/$(basename "$cases")"
done
if [ $bad -eq 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
exit $bad
