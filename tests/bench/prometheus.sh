#!/bin/bash
# What our rules cost a real Prometheus, next to alerts that one writes by hand: 1,000 guardrails (tests/bench/spec.awk) in 3 slices, with the
# sequential test (`evidence`) and without (`point`). Not part of make check; five minutes. See prometheus.py for how it is measured.
#
#   tests/bench/prometheus.sh BUILD_FOLDER [VARIANT…]      default: none naive point evidence; run by `make bench`
#
# The mix, of ten: three ratios against control with floor and backstop or against fixed limits, one ratio of good events, three histograms of
# 11 buckets, two gauges against control, one against fixed limits; two of the series of bad events; three have an override. By hand that is one
# alert for each guardrail and level, and one more for each backstop and override: the same windows, limits and cohorts, but no phases, no
# verdicts, no coverage, no evidence. `naive` looks at the phase's minimum duration of 20 minutes, as ours do, `naive-5m` at five.
#
# Goals, in CPU against `naive`: evidence at most 1.5, point at most 0.75. Nothing is asserted about time; that all variants see the same two
# breaches in a thousand, that all other verdicts are healthy, and that no rule fails, is.
#
# May be set: GUARDRAILS (1000), SCALE (30; lower it where evaluations are missed because the machine is busy), ROUNDS (6), INSTANCES of canary
# and control ('1 1', the worst case, since ours read each series once and alerts by hand once a limit), and KINDS, which of spec.awk's ten (all;
# '0 3 6 9' are the ratios; the first has to be 0).
set -u
src=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
shift
[ $# -gt 0 ] || set -- none naive point evidence
: "${GUARDRAILS:=1000}" "${SCALE:=30}" "${ROUNDS:=6}" "${KINDS:=}" "${INSTANCES:=1 1}"
work=$(mktemp -d "$build/bench.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
command -v "${PROMETHEUS:=prometheus}" >/dev/null || { echo 'prometheus: not there'; exit 0; }
export PROMETHEUS KINDS INSTANCES

variants=()
for name; do
  case $name in
  none) variants+=("$name=none") ;;
  naive) variants+=("$name=naive:20m") ;;
  naive-*) variants+=("$name=naive:${name#naive-}") ;;
  point | evidence)
    mkdir "$work/spec-$name" && awk -v n="$GUARDRAILS" -v kinds="$KINDS" -v dir="$work/spec-$name" -f "$src/tests/bench/spec.awk" || exit 1
    # By the letter, without a budget: the first excursion fires.
    [ "$name" = evidence ] || sed -i '/^false_.*_budget/d' "$work/spec-$name/guardrails.yml"
    "$build/guardrailc" compile -q --only rules --time-scale "$SCALE" -o "$work/out-$name" "$work/spec-$name/guardrails.yml" >"$work/log" 2>&1 ||
      { cat "$work/log"; exit 1; }
    variants+=("$name=$work/out-$name/prometheus/rules.yml") ;;
  *) echo "unknown variant $name" >&2; exit 2 ;;
  esac
done
python3 "$src/tests/bench/prometheus.py" "$work" "$GUARDRAILS" "$SCALE" "$ROUNDS" "${variants[@]}"
