#!/usr/bin/env bash
# One release from its start to its seal against real Prometheus and Alertmanager, time divided by 60; guardraild splits the traffic itself.
#   phase 1   a soft breach extends it; when it is over and the extension has passed, the gate waits for its review
#   phase 2   lasts shorter, and phase 3 is skipped, by the word of an incident commander
#   general   sealed: a hard breach afterwards is told and nothing else
# A deployment controller (tests/unit/webhook/controllers.py) asks the gate meanwhile. Skips (77) without Prometheus or Alertmanager.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
: "${PROMETHEUS:=$(command -v prometheus)}" "${ALERTMANAGER:=$(command -v prometheus-alertmanager)}"
if [ -z "$PROMETHEUS" ] || [ -z "$ALERTMANAGER" ] || ! command -v jq >/dev/null || ! command -v curl >/dev/null ||
  ! /usr/bin/python3 -c 'import yaml' 2>/dev/null; then
  echo "SKIP: needs prometheus, alertmanager, curl, jq and python3-yaml"; exit 77
fi
. "$GR_SRCDIR/tests/e2e/stack.sh"
work=$(mktemp -d "$GR_BUILDDIR/e2e-release.XXXXXX") || exit 1
checks=0 failures=0

ok() { checks=$((checks + 1)); echo "$(date +%T) ok: $1"; }
not_ok() { checks=$((checks + 1)); failures=$((failures + 1)); echo "$(date +%T) NOT OK: $1"; }
expect() { local what=$1; shift; if wait_for 90 "$@"; then ok "$what"; else not_ok "$what"; fi; }
now() { local what=$1; shift; if "$@"; then ok "$what"; else not_ok "$what"; fi; }
finish() {
  stack_down
  echo "$checks checks, $failures failed"
  if [ $failures -gt 0 ]; then echo "kept: $work"; exit 1; fi
  rm -rf "$work"
  exit 0
}
say() { [ -z "${VERBOSE:-}" ] || { echo "--- guardrailctl $*"; ctl "$@"; }; }

field() { ctl release show d1 --json 2>/dev/null | jq -r ".release.$1 // \"\""; }
is_extended() { [ "$(field extended)" = true ]; }
is_state() { [ "$(field state)" = "$1" ]; }
is_phase() { [ "$(field phase)" = "$1" ]; }
advance() { ctl release advance d1 --by jane@example.org --reason "green" >>"$work/log/advance.log" 2>&1; }
gate_says() { ctl gate d1 2>/dev/null | grep -qF -e "$1"; }
has_verdict() { [ -n "$(prom "guardrail:verdict{cluster=\"equities\",guardrail=~\"$1\"} == $2")" ]; }
share() { curl -fsS "http://$FLEET_ADDR/metrics" | grep -q "^fleet_canary_share{.*cluster=\"equities\".*flow=\"$1\".*} $2\$"; }
# argo TEMPLATE PHASE: what becomes of the analysis
argo() { /usr/bin/python3 -B "$GR_SRCDIR/tests/unit/webhook/controllers.py" argo "$GR_SRCDIR/docs/controllers.md" "$1" "$GR_URL" none deployment_id=d1 phase="$2" 2>>"$work/log/argo.log"; }
argo_is() { [ "$(argo "$1" "$2")" = "$3" ]; }

stack_init "$work" 60 || { not_ok "the folder is made"; finish; }
{ cat "$GR_SRCDIR/examples/tradepulse/guardrails.yml"
  printf 'traffic: {on_enter: [{name: split, run: [deploy/bin/set-split, "{deployment_id}", "{phase}", "{traffic_share}"], timeout: 20s}]}\n'
} >"$work/spec.yml"
stack_up "$work/spec.yml" --seed 7 --rps 20000 || { not_ok "the stack starts"; finish; }
printf 'd1 equities\n' >>"$work/run/deployments"
now "the release starts" ctl release start --stream cluster=equities --deployment d1 --by jane@example.org --reason "release 42"
say release show d1
now "the controller waits" argo_is guardrail-gate preflight Running
expect "pre-flight passes" advance
expect "guardraild has split the traffic, and phase 1 begins" is_phase canary_phase_1
now "the fleet has its shares" grep -q 'set-split d1 canary_phase_1 ' "$work/run/actions.log"
say release show d1
now "the controller's step of pre-flight has passed" argo_is guardrail-gate preflight Successful
now "that of phase 1 has not" argo_is guardrail-gate-pause canary_phase_1 Inconclusive

# a soft breach extends
fleet /fault "pnl +5.7 cluster=equities flow=agency track=canary" >/dev/null
expect "a soft breach is seen" has_verdict realized_pnl_delta 2
expect "the phase is extended" is_extended
expect "the gate says until when" gate_says "extended after a soft breach"
say gate d1
earliest=$(field earliest_promotion)
curl -fsS -X POST "http://$FLEET_ADDR/reset" >/dev/null
expect "the breach is over" gate_says "a soft breach is over and waits for its review"
now "the extension counts from the breach's end" [ "$(field earliest_promotion)" \> "$earliest" ]
say gate d1
now "nobody promotes over it" eval '! advance'
now "the review" ctl ack d1 --by kim@example.org --reason "one venue's fee change; the extension is clean"
expect "phase 2 begins when the extension is over" eval 'advance && wait_for 20 is_phase canary_phase_2'
say release show d1

# off the schedule
now "no override without the commander" eval '! ctl release advance d1 --override --by jane@example.org --reason hotfix >/dev/null 2>&1'
now "the commander lets the phase last shorter, and skips the next" ctl release deviate d1 --lasts 12s --to general_availability --commander kim@example.org --by jane@example.org --reason "INC-7: hotfix"
say release show d1
expect "the gate still wants proof, and gets it" eval 'advance && wait_for 20 is_state sealed'
now "everything is the canary's" grep -q 'set-split d1 general_availability .*=1' "$work/run/actions.log"
now "phase 3 was skipped" eval '! grep -q canary_phase_3 "$work/run/actions.log"'
say release show d1
record=$work/reports/release_decisions/d1.yaml
expect "the record is sealed" eval '[ "$(stat -c %a "$record")" = 444 ]'
now "it names the commander" grep -q 'commander: kim@example.org' "$record"
now "and what was off the schedule" grep -q 'outcome: .*lasts 12s instead of 30s; phase general_availability follows' "$record"
now "each promotion has its snapshot" eval '[ "$(grep -c "execution.order_accept.failures:" "$record")" -ge 2 ]'
cp "$record" "$work/record.before"

# sealed: nothing acts
fleet /fault "error_rate x5 track=canary" >/dev/null
fleet /fault "cpu +60 track=canary" >/dev/null 2>&1 || true
sleep 6 # three slots
now "nothing ran" eval '! grep -qE "freeze-intake|drain-sessions|kubectl" "$work/run/actions.log"'
now "nothing is changed any more" eval '! ctl release deviate d1 --lasts 1h --commander kim --by jane --reason x >/dev/null 2>&1 && ! ctl release abort d1 --by jane --reason x >/dev/null 2>&1'
now "the record is as it was" cmp -s "$record" "$work/record.before"
now "the controller goes on" argo_is guardrail-gate canary_phase_2 Successful
[ -z "${VERBOSE:-}" ] || cat "$record"
finish
