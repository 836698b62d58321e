#!/usr/bin/env bash
# The rules of --target vmalert against vmalert itself (Debian's package victoria-metrics has 1.79.5), and what makes the target needed:
# vmalert refuses the rules for Prometheus. Skips (77) without vmalert; VMALERT names it, tests/run.sh fetches it.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
: "${VMALERT:=$(command -v vmalert)}" "${PROMTOOL:=$(command -v promtool)}"
[ -n "$VMALERT" ] || { echo "SKIP: needs vmalert (Debian: victoria-metrics)"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/vmalert.XXXXXX") || exit 1
checks=0 bad=0
fail() { echo "NOT OK: $*"; cat "$work/log"; bad=$((bad + 1)); }
dry_run() { "$VMALERT" -dryRun -rule="$1" >"$work/log" 2>&1; }

for spec in "$GR_SRCDIR"/examples/*/guardrails.yml "$GR_SRCDIR"/tests/promtool/*.yml; do
  case $spec in *.test.yml) continue ;; esac
  name=$(basename "$(dirname "$spec")")-$(basename "$spec" .yml)
  "$GR_BUILDDIR/guardrailc" compile -q --only rules --target vmalert "$spec" -o "$work/$name" >"$work/log" 2>&1 || { fail "$name does not compile"; continue; }
  dry_run "$work/$name/vmalert/rules.yml" || fail "vmalert refuses $name"
  # What stands in for keep_firing_for is PromQL too.
  [ -z "$PROMTOOL" ] || "$PROMTOOL" check rules --lint-fatal "$work/$name/vmalert/rules.yml" >"$work/log" 2>&1 || fail "promtool refuses $name"
  checks=$((checks + 2))
done
"$GR_BUILDDIR/guardrailc" compile -q --only rules "$GR_SRCDIR/examples/minimal/guardrails.yml" -o "$work/plain" || bad=1
if dry_run "$work/plain/prometheus/rules.yml"; then
  echo "this vmalert takes keep_firing_for"
else
  grep -q keep_firing_for "$work/log" || fail "vmalert refuses the rules for Prometheus for another reason"
fi
[ $bad -gt 0 ] && echo "kept: $work" || rm -rf "$work"
echo "$checks checks, $bad failed"
[ $bad -eq 0 ]
