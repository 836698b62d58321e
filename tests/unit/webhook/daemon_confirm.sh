#!/bin/sh
# Mode confirm: a rollback waits for a person, across crashes; without an answer a hard breach is rolled back.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy
make_config confirm
echo 'confirm_timeout: 1h' >>"$dir/guardraild.yml"
start_daemon
waits() { effects_are "$1" rollback waiting 1; }
crypto() { sed 's/"cluster":"equities"/"cluster":"crypto"/'; }
fresh() { # ID [STREAM]
    ctl release start --stream "cluster=${2:-equities}" --deployment "$1" --by tester >/dev/null
    ctl release advance "$1" --by tester --reason x --override >/dev/null
}

fresh d1
is "nothing waits yet" "$(ctl release confirm d1 --by jane --reason x 2>&1)" "guardrailctl: nothing waits for a confirmation (409)"
is "a hard breach" "$(hard d1 | post /v1/alerts)" 200
is "waits" "$(effects d1 rollback waiting):$(state_of d1):$(show d1 | jq -r '.release.confirm_by != null')" 1:running:true
eventually "the page says so" grep -q 'guardrailctl release confirm d1 --reason' "$dir/standin/pagerduty.log"
is "the gate says so" "$(ctl --json gate d1 | jq -r '[.reasons[] | select(test("release confirm d1, or deny"))] | length')" 1
for round in 1 2; do
    stop_daemon KILL
    start_daemon
    is "after kill $round: resent" "$(hard d1 | post /v1/alerts)" 200
    is "after kill $round: it waits on" "$(effects d1 rollback waiting):$(ran freeze)" 1:0
done
is "confirmed" "$(ctl release confirm d1 --by jane --reason 'looks real' >/dev/null; echo $?)" 0
eventually "rolled back" state_is d1 rolled_back
is "once" "$(ran freeze)" 1
eventually "on record" grep -q 'confirmed by jane: looks real' "$dir/reports/release_decisions/d1.yaml"

# a soft one is asked for, and put away when nobody answers
stop_daemon
make_policy '.guardrails[0].on.soft = ["rollback", "notify"]'
sed -i 's/^confirm_timeout.*/confirm_timeout: 1s/' "$dir/guardraild.yml"
start_daemon
fresh d5 crypto
soft d5 | crypto | post /v1/alerts >/dev/null
is "soft: waits" "$(effects d5 rollback waiting)" 1
eventually "soft: put away" effects_are d5 rollback denied 1
is "soft: held" "$(show d5 | jq -r '.release.promotion_hold != null'):$(state_of d5):$(ran freeze)" true:running:1
is "soft: somebody is told" "$(show d5 | jq -r '[.effects[] | select(.kind == "page")] | length')" 1
ctl release abort d5 --by tester --reason x >/dev/null
stop_daemon
make_policy
sed -i 's/^confirm_timeout.*/confirm_timeout: 1h/' "$dir/guardraild.yml"
start_daemon

# denied: Alertmanager's repeats do not ask again; a rearm does
fresh d2 crypto
hard d2 | crypto | post /v1/alerts >/dev/null
is "denied" "$(ctl release deny d2 --by jane --reason 'a test of the exchange' >/dev/null; echo $?)" 0
is "resent" "$(hard d2 | crypto | post /v1/alerts)" 200
is "does not ask again" "$(effects d2 rollback waiting):$(effects d2 rollback denied):$(show d2 | jq -r .release.armed)" 0:1:false
is "rearm" "$(ctl release rearm d2 --by jane --reason 'watching again' >/dev/null; echo $?)" 0
is "resent once more" "$(hard d2 | crypto | post /v1/alerts)" 200
is "asks" "$(effects d2 rollback waiting)" 1

# nobody answers: the wait ends while guardraild is dead, and it is rolled back at the next start
stop_daemon KILL
sed -i 's/^confirm_timeout.*/confirm_timeout: 1s/' "$dir/guardraild.yml"
start_daemon
ctl release deny d2 --by jane --reason 'asked with the old time' >/dev/null
ctl release rearm d2 --by jane --reason 'and again' >/dev/null
vector "$(verdict error_rate XNAS making 3)" >"$dir/standin/verdict.json"
hard d2 | crypto | post /v1/alerts >/dev/null
is "waits a second" "$(effects d2 rollback waiting)" 1
stop_daemon KILL
start_daemon
eventually "nobody answered" state_is d2 rolled_back
is "it says so" "$(show d2 | jq -r '[.effects[] | select(.kind == "rollback" and .state == "done")] | length')" 1
eventually "the record, too" grep -q 'nobody confirmed or denied it in time' "$dir/reports/release_decisions/d2.yaml"

# an abort is asked for, too
ctl release start --stream cluster=equities --deployment d3 --by tester >/dev/null
hard d3 preflight | sed 's/error_rate/schema_changes/' | post /v1/alerts >/dev/null
is "an abort waits" "$(effects d3 abort waiting):$(state_of d3)" 1:running
eventually "and begins" state_is d3 aborted
is "the log is whole" "$(ctl verify --store >/dev/null; echo $?)" 0

