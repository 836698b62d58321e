#!/usr/bin/env bash
# What `guardrailc explain` says of the time from a breach to the alert is what promtool sees of the emitted rules: for each kind of
# guardrail, and breaches that begin at different moments of a slot and of a scrape, the alert fires within the terms scrape + slot + gate +
# evidence, and at the worst moment not a slot earlier. Skips (77) without promtool or jq, and with GR_THOROUGH=no: tests/explain.sh runs explain.
set -u
if [ "${GR_THOROUGH:-yes}" = no ]; then echo "SKIP: GR_THOROUGH=no"; exit 77; fi
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/.." && pwd)}" "${GR_BUILDDIR:=$PWD}" "${PROMTOOL:=$(command -v promtool)}"
[ -n "$PROMTOOL" ] && command -v jq >/dev/null || { echo "SKIP: needs promtool and jq"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/reaction.XXXXXX") || exit 1
spec=$GR_SRCDIR/tests/data/reaction.yml slot=120 scrape=30 unit=5
"$GR_BUILDDIR/guardrailc" compile -q --only rules -o "$work/out" "$spec" || exit 1
cp "$work/out/prometheus/rules.yml" "$work/rules.yml"

# Seconds until the alert by the terms of explain; those behind it are Alertmanager's and guardraild's.
bound() {
  "$GR_BUILDDIR/guardrailc" explain "$spec" "$1" --phase p1 --format json |
    jq '.guardrail.levels[] | select(.level == "hard") | .reactions[0].terms | (.scrape + .slot + .gate + .evidence) / 1000'
}
# series OFFSET BEGIN BEFORE AFTER: one sample a scrape, OFFSET seconds behind the whole half minute; from BEGIN on AFTER, "_" none.
# A value "rate N" is a counter that rises by N a second.
series() {
  awk -v offset="$1" -v begin="$2" -v before="$3" -v after="$4" -v step=$scrape -v unit=$unit -v end=$end 'BEGIN {
    if (offset > 0) printf "_x%d ", offset / unit
    n = 0
    for (t = offset; t < end; t += step) {
      v = t < begin ? before : after
      if (v ~ /^rate /) { n += substr(v, 6) * step; v = n }
      printf "%s _x%d ", v, step / unit - 1
    } }'
}
# metrics GUARDRAIL BEGIN OFFSET: what it looks at, just beyond its limit from BEGIN on.
metrics() {
  local canary='cluster="c",track="canary"' control='cluster="c",track="control"'
  case $1 in
    paired)
      echo "  - {series: 'latency_ms{$control}', values: '$(series "$3" "$2" 100 100)'}"
      echo "  - {series: 'latency_ms{$canary}', values: '$(series "$3" "$2" 100 200)'}" ;;
    counted)
      echo "  - {series: 'requests_total{$control}', values: '$(series "$3" "$2" "rate 1000" "rate 1000")'}"
      echo "  - {series: 'requests_total{$canary}', values: '$(series "$3" "$2" "rate 1000" "rate 1000")'}"
      echo "  - {series: 'errors_total{$control}', values: '$(series "$3" "$2" "rate 10" "rate 10")'}"
      echo "  - {series: 'errors_total{$canary}', values: '$(series "$3" "$2" "rate 10" "rate 20")'}" ;;
    *)
      echo "  - {series: 'cpu{$canary}', values: '$(series "$3" "$2" 0.5 0.901)'}" ;;
  esac
}
# scenario GUARDRAIL BEGIN OFFSET PHASE_START WORST
scenario() {
  local guardrail=$1 begin=$2 offset=$3 start=$4 worst=$5 within first
  within=$(bound "$guardrail") end=$(((begin + within) / slot * slot + slot))
  first="min_over_time(timestamp(ALERTS{alertname=\"GuardrailHardBreach\",guardrail=\"$guardrail\",alertstate=\"firing\"})[${end}s:${slot}s])"
  cat <<TEST
- name: "$guardrail, from $begin, scrapes at $offset"
  interval: ${unit}s
  input_series:
  - {series: 'guardrail_release_phase{spec="react",cluster="c",deployment_id="d",phase="p1"}', values: '$(series "$offset" "$start" _ 1)'}
  - {series: 'guardrail_release_phase_start_seconds{spec="react",cluster="c",deployment_id="d",phase="p1"}', values: '$(series "$offset" "$start" _ "$start")'}
$(metrics "$guardrail" "$begin" "$offset")
  promql_expr_test:
  - {expr: '$first <= bool $((begin + within))', eval_time: ${end}s, exp_samples: [{labels: '{cluster="c",deployment_id="d",group="default",guardrail="$guardrail",level="hard",phase="p1",side="upper",spec="react",alertname="GuardrailHardBreach",alertstate="firing"}', value: 1}]}
TEST
  [ "$worst" = worst ] &&
    echo "  - {expr: 'count($first > $((begin + within - slot)))', eval_time: ${end}s, exp_samples: [{labels: '{}', value: 1}]}"
  # Nothing fires before there is a breach.
  echo "  - {expr: 'count($first < $begin)', eval_time: ${end}s}"
}

{
  echo "rule_files: [rules.yml]"
  echo "evaluation_interval: 2m"
  echo "tests:"
  # Against fixed limits: in the middle of a phase that began at 0. A breach just behind an evaluation at 1800 wastes the most.
  for at in "windowed 720" "whole_phase 1800"; do
    guardrail=${at% *} at=${at#* }
    scenario "$guardrail" $((at + 6)) 5 0 worst
    scenario "$guardrail" $((at - 24)) 5 0 -
    scenario "$guardrail" $((at + 61)) 15 0 -
  done
  for guardrail in instant confirmed; do
    scenario $guardrail 696 5 0 worst # just behind a scrape, the next one just behind an evaluation
    scenario $guardrail 726 5 0 -
    scenario $guardrail 839 0 0 -
  done
  # Against control: from the start of the phase. A second too late for the gate at an evaluation wastes the most.
  for guardrail in paired counted; do
    scenario $guardrail 571 5 571 worst
    scenario $guardrail 570 5 570 -
    scenario $guardrail 620 15 620 -
  done
} >"$work/reaction.test.yml"
out=$("$PROMTOOL" test rules "$work/reaction.test.yml" 2>&1)
code=$?
scenarios=$(grep -c "^- name:" "$work/reaction.test.yml")
if [ $code -eq 0 ]; then
  rm -rf "$work"
else
  printf '%s\n' "$out"
  echo "kept: $work"
fi
echo "$scenarios scenarios, exit status $code"
[ "$scenarios" -eq 18 ] || exit 1
exit $code
