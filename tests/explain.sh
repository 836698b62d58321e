#!/usr/bin/env bash
# guardrailc explain SPEC: golden answers in tests/golden/explain, and wrong questions.
#   explain.sh            compares (make check)
#   explain.sh --update   rewrites them (make update-golden); review the diff
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
src=$(cd "$GR_SRCDIR" && pwd) build=$(cd "$GR_BUILDDIR" && pwd)
guardrailc=$build/guardrailc
work=$(mktemp -d "$build/explain.XXXXXX") || exit 1
bad=0 cases=0
# Specs are named relative to the source folder, so that no path of this machine gets into the output.
cd "$src" || exit 1
odd=tests/golden/explain/odd.yml tradepulse=examples/tradepulse/guardrails.yml

# One a line: the golden file, then the arguments.
golden="
tradepulse.txt           $tradepulse
tradepulse.json          $tradepulse --format json
matching-latency.txt     $tradepulse matching_latency_p99
drift-gauge.txt          $tradepulse risk_engine_latency_p95 --slice venue=XNAS cluster=equities --phase canary_phase_2
model-drift.json         $tradepulse model_drift --format json
odd.txt                  $odd
odd-errors.txt           $odd errors
odd-errors-b9.json       $odd errors --slice bucket=b9,zone=a --phase small --format json
odd-point.txt            $odd first_excursion
odd-confirm.txt          $odd saturation
odd-stream.txt           $odd freshness
odd-weights.txt          $odd fills --slice zone=b
overlay.txt              tests/data/specs/good/overlay.yml latency --now 2026-11-23 --phase p1 --slice venue=XNAS,flow=mm
waived.json              tests/data/specs/good/waived.yml errors --now 2026-11-23 --phase p1 --format json
odd-outside.txt          $odd errors --slice zone=c,region=eu
"
while read -r file args; do
  [ -n "$file" ] || continue
  cases=$((cases + 1))
  # shellcheck disable=SC2086
  "$guardrailc" explain $args >"$work/out" 2>"$work/err" </dev/null || { echo "FAILED: explain $args"; cat "$work/err"; bad=$((bad + 1)); continue; }
  [ ! -s "$work/err" ] || { echo "FAILED: explain $args says on standard error:"; cat "$work/err"; bad=$((bad + 1)); }
  if [ "${1:-}" = --update ]; then
    cmp -s "$work/out" "tests/golden/explain/$file" || cp "$work/out" "tests/golden/explain/$file"
  else
    diff -u "tests/golden/explain/$file" "$work/out" || { echo "FAILED: not as before: explain $args (make update-golden, then look at the diff)"; bad=$((bad + 1)); }
  fi
done <<<"$golden"

# asks WANTED_CODE TEXT ARG…: TEXT stands in either stream.
asks() {
  local want=$1 text=$2 got
  shift 2
  cases=$((cases + 1))
  "$guardrailc" explain "$@" >"$work/out" 2>&1 <"${stdin:-/dev/null}"
  got=$?
  [ $got -eq "$want" ] && grep -q -e "$text" "$work/out" && return
  echo "FAILED: explain $*: exit status $got, wanted $want and \"$text\":"
  sed 's/^/  /' "$work/out"
  bad=$((bad + 1))
}
asks 2 "no guardrail 'errros' in odd; did you mean 'errors'?" $odd errros
asks 2 "known are errors, first_excursion" $odd xyzzyx
asks 2 "no phase 'smal' in which errors applies; did you mean 'small'?" $odd errors --phase smal
asks 2 "no phase 'warm' in which errors applies" $odd errors --phase warm
asks 2 "no label 'zoen'; did you mean 'zone'?" $odd errors --slice zoen=a
asks 2 "no label 'zone'; known are cell, region" $odd saturation --slice zone=a
asks 2 "expected has zone=zebra; known are a, b, c" $odd errors --slice zone=zebra
asks 2 "expected has region=eus; did you mean 'eu'?" $odd errors --slice region=eus
asks 2 "label=value" $odd errors --slice zone
asks 2 "label=value" $odd errors --slice zone=
asks 2 "label=value" $odd errors --slice =a
asks 2 "names zone twice" $odd errors --slice zone=a,zone=b
asks 2 "give one --slice" $odd errors --slice zone=a --slice region=eu
asks 2 "one guardrail at a time: 'errors' or 'fills'" $odd errors fills
asks 2 "of which guardrail" $odd --phase small
asks 2 "text or json, not as sarif" $odd --format sarif
asks 2 "about findings, not about a SPEC" $odd --list
asks 2 "go with a SPEC" GR0101 --slice zone=a
asks 2 "no finding 'nothing', and no such file" nothing
asks 2 "cannot read nothing.yml" nothing.yml
asks 2 "--alertmanager-version 0.24 is not supported" $odd --alertmanager-version 0.24
asks 1 "GR0108" -
stdin=$odd
asks 0 "^errors .* sequential" -
asks 0 "^errors of odd .*, -:20" - errors
stdin=
sed 's/^reaction_target: 20m/reaction_target: 2m/' $odd >"$work/slow.yml"
asks 1 "GR0330" "$work/slow.yml"
# What reverses a line on the screen is shown, not done; backslashes stay.
sed 's/{zone: a}/{zone: "a\\u202e\\\\d"}/; s/zone: \[a, b\]/zone: ["a\\u202e\\\\d", b]/' $odd >"$work/reversed.yml"
asks 0 'zone=a.u{202e}.d' "$work/reversed.yml" errors
asks 2 'known are a.u{202e}.d, b' "$work/reversed.yml" errors --slice zone=xyzzyx
# A name that is both: neither is guessed.
cp $odd "$work/rate-of-sum"
cd "$work" || exit 1
asks 2 "a finding, and a file as well: write ./rate-of-sum" rate-of-sum
asks 0 "^errors .* sequential" ./rate-of-sum
asks 0 "^GR0514" GR0514
cd "$src" || exit 1
# The output is JSON to others, too.
if command -v jq >/dev/null; then
  asks 0 . $odd errors --format json
  jq -e '.format_version == 1 and .guardrail.levels[0].reactions[0].total_ms == 148000' "$work/out" >/dev/null || { echo "FAILED: jq"; bad=$((bad + 1)); }
fi
rm -rf "$work"
echo "$cases cases, $bad failed"
[ "$bad" -eq 0 ]
