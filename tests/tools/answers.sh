#!/usr/bin/env bash
# What the overview says of a release in each state, and why: the queries of its tile and its table, asked of promtool. Each state is a stream
# of its own, all at once, so that one state cannot colour another. Skips (77) without promtool or jq.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}" "${PROMTOOL:=$(command -v promtool)}"
[ -n "$PROMTOOL" ] && command -v jq >/dev/null || { echo "SKIP: needs promtool and jq"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/answers.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
"$GR_BUILDDIR/guardrailc" compile -q "$GR_SRCDIR/examples/tradepulse/guardrails.yml" -o "$work/out" || exit 1
overview=$(find "$work/out" -name '*-overview.json')
# Variables: All. The first target of the panel with that title.
query() { jq -r --arg t "$1" '[.panels[] | select(.title == $t)][0].targets[0].expr | gsub("\\$\\{\\w+(:\\w+)?\\}"; ".*")' "$overview"; }

# STREAM ANSWER WHY SERIES…: with PHASE the stream stands in canary_phase_1 for half an hour; V3 is a verdict of 3; START 1700 s is when it began.
# The table has a row for each WHY ("blame": the rollback once more, with the guardrail whose breach was taken on).
states='
go        0 healthy                 phase v0
early     3 early,healthy           phase v0 start=1700
late      0 healthy                 phase v0 start=500
thin      2 thin                    phase v1 thin
young     3 early,thin              phase v1 thin start=1700
missing   4 missing,early           phase v1 missing start=1700
lost      4 no_verdict,healthy      phase v0 expected=other
dynamic   0 healthy                 phase v0,symbol_bucket="a-f" expected=g
soft      5 soft                    phase v2
held      6 held,healthy            phase v0 info=running,held
hard      7 hard                    phase v3
both      7 hard,soft               phase v3 v2,guardrail="h"
halted    8 halted,healthy          phase v0 info=halted
rolling   8 rolling_back,hard       phase v3 info=rolling_back
rolled    8 rolled_back             info=rolled_back entered=500,canary_phase_2 entered=200,preflight
blamed    8 rolled_back,blame       info=rolled_back entered=500,canary_phase_2 accepted=g
aborted   8 aborted                 info=aborted
replaced  0 healthy                 phase v0 info=rolled_back,old entered=500,canary_phase_2
sealed    1 sealed,healthy          phase v0 info=sealed
unknown   9 unknown                 phase
'
input="" tile="" rows=""
series() { input="$input
      - {series: '$1', values: '$2+0x60'}"; }
id() { echo "spec=\"tradepulse\",cluster=\"$1\",deployment_id=\"${2:-d}\""; }
sample() { echo "
          - {labels: '{$1}', value: $2}"; }
declare -A value=([healthy]=0 [sealed]=1 [thin]=2 [early]=3 [missing]=4 [no_verdict]=4 [soft]=5 [held]=6 [blind]=6 [hard]=7 [halted]=8 [rolling_back]=8
  [rolled_back]=8 [aborted]=8 [unknown]=9)
declare -A of=([soft]=g [hard]=g [thin]=g [missing]=g [no_verdict]=other)

while read -r stream answer whys facts; do
  [ -n "$stream" ] || continue
  phase=canary_phase_1
  for fact in $facts; do
    case $fact in
      phase) series "guardrail_release_phase{$(id "$stream"),phase=\"$phase\"}" 1 ;;
      v*) labels=${fact#v?} g=',guardrail="g"'; case $labels in *guardrail=*) g="" ;; esac
        series "guardrail:verdict{$(id "$stream"),phase=\"$phase\"$g$labels}" "${fact:1:1}" ;;
      start=*) series "guardrail:phase_start{$(id "$stream"),phase=\"$phase\"}" "${fact#*=}" ;;
      thin | missing) series "guardrail:insufficient{$(id "$stream"),phase=\"$phase\",guardrail=\"g\",reason=\"$fact\"}" 1 ;;
      expected=*) series "guardrail:expected{$(id "$stream"),phase=\"$phase\",guardrail=\"${fact#*=}\"}" 1 ;;
      entered=*) at=${fact#*=}
        series "guardrail_release_phase_start_seconds{$(id "$stream"),phase=\"${at#*,}\"}" "${at%,*}" ;;
      accepted=*) series "guardraild_breach_accepted{$(id "$stream"),guardrail=\"${fact#*=}\",level=\"hard\"}" 1 ;;
      info=*) state=${fact#info=} held=false deployment=d
        case $state in *,held) held=true ;; *,old) deployment=old ;; esac
        series "guardraild_release_info{$(id "$stream" $deployment),state=\"${state%,*}\",held=\"$held\"}" 1 ;;
    esac
  done
  case $facts in phase*) ;; *entered=*) phase=canary_phase_2 ;; *) phase="" ;; esac
  where="cluster=\"$stream\",deployment_id=\"d\"${phase:+,phase=\"$phase\"}"
  tile=$tile$(sample "$where" "$answer")
  for why in ${whys//,/ }; do
    g=${of[$why]:-}
    [ "$why" = blame ] && { why=rolled_back g=g; }
    [ "$stream" = both ] && [ "$why" = soft ] && g=h
    rows=$rows$(sample "${g:+guardrail=\"$g\",panel=\"$g\",}$where,why=\"$why\"" "${value[$why]}")
  done
done <<<"$states"

put() { # NAME TITLE INPUT SAMPLES
  { printf 'evaluation_interval: 30s\ntests:\n  - interval: 30s\n    input_series:%s\n    promql_expr_test:\n      - eval_time: 30m\n        exp_samples:%s\n        expr: |-\n' "$3" "$4"
    query "$2" | sed 's/^/          /'; } >"$work/$1.test.yml"
}
put tile "May this release go on?" "$input" "$tile"
put table "Why not" "$input" "$rows"
# A watchdog that is silent holds every release of this spec, and none when it is another spec's guardraild that is blind.
input=""
series "guardrail_release_phase{$(id go),phase=\"canary_phase_1\"}" 1
series "guardrail:verdict{$(id go),phase=\"canary_phase_1\",guardrail=\"g\"}" 0
series 'guardraild_policy_info{spec="tradepulse",instance="a",job="j"}' 1
series 'guardraild_blind{instance="a",job="j"}' 1
put blind "May this release go on?" "$input" "$(sample 'cluster="go",deployment_id="d",phase="canary_phase_1"' 6)"
put foreign "May this release go on?" "${input//guardraild_blind\{instance=\"a\"/guardraild_blind\{instance=\"b\"}" \
  "$(sample 'cluster="go",deployment_id="d",phase="canary_phase_1"' 0)"

# Two guardrailds at once, of which one is behind: the worse of what they say, and no error.
input=""
for at in canary_phase_1 canary_phase_2; do
  series "guardrail_release_phase{$(id go),phase=\"$at\",instance=\"$at\"}" 1
  series "guardrail:verdict{$(id go),phase=\"$at\",guardrail=\"g\"}" 0
  series "guardraild_release_info{$(id go),state=\"running\",held=\"$([ $at = canary_phase_1 ] && echo true || echo false)\",instance=\"$at\"}" 1
done
put two "May this release go on?" "$input" "$(for at in canary_phase_1 canary_phase_2; do
  sample "cluster=\"go\",deployment_id=\"d\",phase=\"$at\"" 6; done)"

bad=0
for name in two tile table blind foreign; do
  if "$PROMTOOL" test rules "$work/$name.test.yml" >"$work/log" 2>&1; then echo "ok: $name"; else echo "NOT OK: $name"; cat "$work/log"; bad=1; fi
done
# Whatever the table may say, it says in words.
words=$(jq -r '[.panels[] | select(.title == "Why not")][0].fieldConfig.overrides[] | select(.matcher.options == "Why") | .properties[] |
  select(.id == "mappings") | .value[0].options | keys[]' "$overview")
for why in "${!value[@]}" $(grep -oE '"reason", "[a-z_]+"' "$work/out/prometheus/rules.yml" | cut -d'"' -f4 | sort -u); do
  grep -qx "$why" <<<"$words" || { echo "NOT OK: no words for $why"; bad=1; }
done
exit $bad
