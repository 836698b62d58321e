#!/usr/bin/env bash
# The whole loop against real Prometheus and Alertmanager, time divided by 60: three release streams at once.
#   equities      healthy through two phases without an alert, then twice the limit of errors: rolled back exactly once, recorded;
#                 repeats, a killed and restarted guardraild and a restarted Alertmanager change nothing
#   derivatives   a soft breach: one Slack message, the release extended, no rollback
#   crypto        its venue falls silent: insufficient, never healthy, never rolled back
# Skips (77) without Prometheus or Alertmanager. A failure keeps its folder and says where.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
: "${PROMETHEUS:=$(command -v prometheus)}" "${ALERTMANAGER:=$(command -v prometheus-alertmanager)}"
if [ -z "$PROMETHEUS" ] || [ -z "$ALERTMANAGER" ] || ! command -v jq >/dev/null || ! command -v curl >/dev/null; then
  echo "SKIP: needs prometheus, alertmanager, curl and jq"; exit 77
fi
. "$GR_SRCDIR/tests/e2e/stack.sh"
work=$(mktemp -d "$GR_BUILDDIR/e2e-loop.XXXXXX") || exit 1
checks=0 failures=0

ok() { checks=$((checks + 1)); echo "$(date +%T) ok: $1"; }
not_ok() { checks=$((checks + 1)); failures=$((failures + 1)); echo "$(date +%T) NOT OK: $1"; }
# expect WHAT COMMAND…: within 60 s
expect() { local what=$1; shift; if wait_for 60 "$@"; then ok "$what"; else not_ok "$what"; fi; }
# now WHAT COMMAND…: at once
now() { local what=$1; shift; if "$@"; then ok "$what"; else not_ok "$what"; fi; }
give_up() { not_ok "$1"; finish; }
finish() {
  [ -z "${STANDIN_URL:-}" ] || curl -fsS "$STANDIN_URL/received" >"$work/received.json"
  stack_down
  echo "$checks checks, $failures failed"
  if [ $failures -gt 0 ]; then echo "kept: $work"; exit 1; fi
  rm -rf "$work"
  exit 0
}

state() { ctl release show "$1" --json 2>/dev/null | jq -r ".release.state // .state"; }
phase() { ctl release show "$1" --json 2>/dev/null | jq -r ".release.phase // .phase"; }
is_state() { [ "$(state "$1")" = "$2" ]; }
is_phase() { [ "$(phase "$1")" = "$2" ]; }
advance() { ctl release advance "$1" --by tests --reason "end-to-end test" >>"$work/log/advance.log" 2>&1; }
verdicts() { prom "count by (guardrail) (guardrail:verdict{cluster=\"$1\"} == $2)"; }
has_verdict() { [ -n "$(prom "guardrail:verdict{cluster=\"$1\",guardrail=~\"$2\"} == $3")" ]; }
# Alerts of a stream that ever fired.
ever_fired() { prom "count by (alertname, guardrail) (count_over_time(ALERTS{alertstate=\"firing\",cluster=\"$1\",alertname=~\"$2\"}[1h]))"; }
received() { curl -fsS "$STANDIN_URL/received" | jq -r "[.messages[] | select(.target == \"$1\") | .message | tostring | select(contains(\"$2\"))] | length"; }
# First pages about a guardrail: an escalation, which a page that nobody acknowledges comes to, is another incident.
paged() { curl -fsS "$STANDIN_URL/received" | jq -r "[.messages[].message | objects | select(.event_action == \"trigger\") | .dedup_key // empty | select(contains(\"/$1/\") and (contains(\"|escalated|\") | not))] | length"; }
ran() { grep -c " $1 $2" "$work/run/actions.log" 2>/dev/null || true; }

stack_init "$work" 60 || give_up "the folder is made"
stack_up "$GR_SRCDIR/examples/tradepulse/guardrails.yml" --seed 7 --rps 20000 || give_up "the stack starts"

for stream in equities:d-eq derivatives:d-de crypto:d-cr; do
  now "release starts on ${stream%%:*}" stack_release "${stream##*:}" "${stream%%:*}"
done
now "a second release of a stream is refused" eval '! ctl release start --stream cluster=equities --deployment d-eq2 --by tests --reason e2e >/dev/null 2>&1'
now "promotion before the minimum duration is refused" eval '! advance d-eq'
for d in d-eq d-de d-cr; do expect "$d passes pre-flight" advance "$d"; done
now "d-eq is in phase 1" is_phase d-eq canary_phase_1

fleet /fault "pnl +5.7 cluster=derivatives flow=agency track=canary" >/dev/null
fleet /fault "silent venue=BINANCE" >/dev/null

watchdog_beats() { curl -fsS "$GR_URL/metrics" | awk '$1 == "guardraild_watchdog_last_seconds" {exit !($2 > 0)}'; }
expect "the watchdog's beat arrives" watchdog_beats

# crypto: silent
expect "a silent venue is insufficient" has_verdict crypto order_acceptance_error_rate 1
expect "its reason is 'missing'" eval '[ -n "$(prom "guardrail:insufficient{cluster=\"crypto\",reason=\"missing\"}")" ]'
expect "GuardrailNoData fires for it" eval '[ -n "$(ever_fired crypto GuardrailNoData)" ]'
# derivatives: soft
expect "a soft breach gives verdict 2" has_verdict derivatives realized_pnl_delta 2
expect "and reaches Slack" eval '[ "$(received slack "Soft breach, phase extended: realized_pnl_delta")" -ge 1 ]'

# equities: healthy through phase 1
expect "d-eq passes phase 1" advance d-eq
now "d-eq is in phase 2" is_phase d-eq canary_phase_2
now "no alert ever fired for the healthy stream" eval '[ -z "$(ever_fired equities "Guardrail.*")" ]'
now "the silent stream is not promoted" eval '! advance d-cr'
now "the soft stream is not promoted" eval '! advance d-de'

# equities: broken
fleet /share "market_making 0.05 cluster=equities" >/dev/null
fleet /fault "error_rate x3 track=canary venue=XNAS" >/dev/null
expect "the hard breach is seen" has_verdict equities order_acceptance_error_rate 3
expect "d-eq is rolled back" is_state d-eq rolled_back
record=$work/reports/release_decisions/d-eq.yaml
now "freeze ran once" [ "$(ran freeze-intake d-eq)" -eq 1 ]
now "drain ran once" [ "$(ran drain-sessions d-eq)" -eq 1 ]
now "redeploy ran once" [ "$(ran kubectl apply)" -eq 1 ]
now "the rollback is on record" grep -q 'decision: rollback' "$record"
now "with its metric snapshot" grep -q 'execution.order_accept.failures:' "$record"
expect "PagerDuty was told" eval '[ "$(received pagerduty order_acceptance_error_rate)" -ge 1 ]'

# Repeats and restarts change nothing.
cp "$record" "$work/record.before"
pages=$(paged order_acceptance_error_rate)
stack_stop guardraild KILL
now "guardraild starts again after kill -9" stack_guardraild
stack_stop alertmanager TERM
now "Alertmanager starts again" stack_alertmanager
sleep 12 # two of Alertmanager's repeat intervals (5 min / 60)
now "d-eq is still rolled back" is_state d-eq rolled_back
now "nothing ran twice" [ "$(ran freeze-intake d-eq) $(ran drain-sessions d-eq) $(ran kubectl apply)" = "1 1 1" ]
now "nobody was paged twice" [ "$pages $(paged order_acceptance_error_rate)" = "1 1" ]
now "the record is as it was" cmp -s "$record" "$work/record.before"
now "the other streams were never rolled back" [ "$(ran freeze-intake d-de) $(ran freeze-intake d-cr)" = "0 0" ]
now "the silent stream was never healthy while silent" eval '! has_verdict crypto order_acceptance_error_rate 0'
now "one Slack message for the soft breach" [ "$(received slack "Soft breach, phase extended: realized_pnl_delta")" -eq 1 ]
finish
