#!/bin/sh
# Compiles every specification here and lets promtool prove the emitted rules: NAME.test.yml holds the cases of NAME.yml, whose rules it
# calls NAME-rules.yml (it may load those of others, too). Every example's rules pass `promtool check rules --lint-fatal`, every
# Alertmanager configuration `amtool check-config`, at several time scales. With GR_THOROUGH=no one file of cases is proved: the rules are
# the same in every build, and cases are promtool's work alone.
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
    run "$GR_BUILDDIR/guardrailc" compile -q --now 1970-01-01 --time-scale $scale -o "$out" "$spec" || continue
    run "$PROMTOOL" check rules --lint-fatal "$out/prometheus/rules.yml"
    run "$AMTOOL" check-config "$out/alertmanager/alertmanager.yml"
  done
done
for spec in "$GR_SRCDIR"/tests/promtool/*.yml; do
  case $spec in *.test.yml) continue ;; esac
  name=$(basename "$spec" .yml)
  [ -f "$GR_SRCDIR/tests/promtool/$name.test.yml" ] || { echo "FAILED: no cases for $name.yml"; bad=1; }
  cp "$work/promtool-$name-1/prometheus/rules.yml" "$work/$name-rules.yml"
done
# What if the first of a guardrail's limit series (err, hard, upper) is lost: lost.test.yml.
sed '0,/record: guardrail:limit/s//record: lost:limit/' "$work/demo-rules.yml" >"$work/lost-rules.yml"
proved=*
[ "${GR_THOROUGH:-yes}" = yes ] || proved=demo
for cases in "$GR_SRCDIR"/tests/promtool/$proved.test.yml; do
  name=$(basename "$cases" .test.yml)
  hash=$(sed -n 's/^ *spec_hash: "*\([0-9a-f]*\)"*$/\1/p;T;q' "$work/$name-rules.yml" 2>/dev/null)
  sed "s/@spec_hash@/$hash/" "$cases" >"$work/$name.test.yml"
  run "$PROMTOOL" test rules "$work/$(basename "$cases")"
done
if [ $bad -eq 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
exit $bad
