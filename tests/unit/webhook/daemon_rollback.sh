#!/bin/sh
# A release that is broken, from the alert to the record: once, whatever is resent.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy
make_config auto
start_daemon

is "start" "$(ctl release start --stream cluster=equities --deployment d42 --by jane --reason 'first try' >/dev/null; echo $?)" 0
is "first phase" "$(show d42 | jq -r .release.phase)" preflight
ctl release advance d42 --by jane --reason 'no gate today' --override >/dev/null || fail "override"
is "second phase" "$(show d42 | jq -r .release.phase)" phase_1
is "phase series" "$(curl -s "$base/metrics" | grep '^guardrail_release_phase{' | grep ' 1$' | grep -c 'cluster="equities",deployment_id="d42",phase="phase_1"')" 1
is "other phases are 0" "$(curl -s "$base/metrics" | grep '^guardrail_release_phase{' | grep -c ' 0$')" 3

is "soft breach accepted" "$(soft d42 | post /v1/alerts)" 200
eventually "soft breach reaches Slack" grep -q error_rate "$dir/standin/slack.log"
dead_target_is() { [ "$(ctl --json deadletter list | jq -r '.deadletters[0].target')" = "$1" ]; }
eventually "without a token jira is a visible dead letter" dead_target_is jira

is "hard breach accepted" "$(hard d42 | post /v1/alerts)" 200
eventually "rolled back" state_is d42 rolled_back
is "steps in order" "$(cut -d' ' -f1 "$dir/ran" | uniq -c | tr -s ' \n' ' ')" " 1 freeze 1 drain 2 redeploy "
eventually "pager told" test -s "$dir/standin/pagerduty.log"
is "again: accepted" "$(hard d42 | post /v1/alerts)" 200
is "no second rollback" "$(effects d42 rollback done)" 1
is "freeze ran once" "$(ran freeze)" 1
is "all phases 0 after the rollback" "$(curl -s "$base/metrics" | grep '^guardrail_release_phase{' | grep -c ' 1$')" 0
is "breach accepted series" "$(curl -s "$base/metrics" | grep -c '^guardraild_breach_accepted{.*guardrail="error_rate",level="hard"} 1')" 1
eventually "record" grep -q rolled_back "$dir/reports/release_decisions/d42.yaml"
if [ -n "${PROMTOOL:-}" ]; then
    is "promtool likes /metrics" "$(curl -s "$base/metrics" | "$PROMTOOL" check metrics 2>&1 | grep -c error)" 0
fi

stop_daemon
is "socket is gone" "$(test -e "$dir/admin.sock"; echo $?)" 1
start_daemon
is "after a restart: accepted" "$(hard d42 | post /v1/alerts)" 200
is "after a restart: still once" "$(ran freeze)" 1
is "after a restart: same state" "$(state_of d42)" rolled_back

# The stream was rolled back a moment ago: the next one waits for a person.
start_release d43
ctl release advance d43 --by jane --reason x --override >/dev/null
is "cooling: accepted" "$(hard d43 | post /v1/alerts)" 200
is "cooling: nothing runs" "$(ran freeze):$(state_of d43)" 1:running
is "cooling: paged and held" "$(effects d43 rollback ready):$(show d43 | jq -r '.effects | map(.kind) | sort | join(",")')" 0:hold,page
ctl release abort d43 --by jane --reason x >/dev/null

# Another stream is not concerned. An operator's hold stops between two steps, and resume goes on.
echo 1 >"$dir/slow-freeze"
ctl release start --stream cluster=crypto --deployment d44 --by jane >/dev/null
ctl release advance d44 --by jane --reason x --override >/dev/null
hard d44 | sed 's/"cluster":"equities"/"cluster":"crypto"/' | post /v1/alerts >/dev/null
eventually "freeze runs" ran_is freeze 2
ctl release hold d44 --by jane --reason 'wait' >/dev/null || fail hold
eventually "held between steps" effects_are d44 rollback held 1
is "drain did not begin" "$(ran drain)" 1
rm "$dir/slow-freeze"
ctl release resume d44 --by jane --reason 'go on' >/dev/null || fail resume
eventually "goes on" state_is d44 rolled_back
is "freeze was not repeated" "$(ran freeze)" 2

# A slow target delays nothing; a target that refuses is asked again, then told once.
echo 500 >"$dir/standin/slack.status"
ctl release start --stream cluster=equities --deployment d45 --by jane >/dev/null
ctl release advance d45 --by jane --reason x --override >/dev/null
: >"$dir/standin/slack.log"
soft d45 | post /v1/alerts >/dev/null
eventually "Slack was asked twice" sh -c "[ \$(wc -l <'$dir/standin/slack.log') -ge 2 ]"
is "and waits" "$(effects d45 notify retry)" 1
echo 200 >"$dir/standin/slack.status"
eventually "then it is told" effects_are d45 notify done 1

# A hold ends by itself, and what waited goes on. A rollback that runs is cancelled between two steps, or with --force in one.
ctl release abort d45 --by jane --reason x >/dev/null
stop_daemon
rm -rf "$dir/store.db"* "$dir/reports" "$dir/ran"
mkdir "$dir/reports"
: >"$dir/ran"
start_daemon
fresh() { # ID STREAM
    ctl release start --stream "cluster=$2" --deployment "$1" --by jane >/dev/null
    ctl release advance "$1" --by jane --reason x --override >/dev/null
}
crypto() { sed 's/"cluster":"equities"/"cluster":"crypto"/'; }
is "too long" "$(ctl release hold d50 --for 5h --by jane --reason x 2>&1)" "guardrailctl: it must end in one second at least and 4 hours at most (400)"
fresh d50 equities
echo 1 >"$dir/slow-freeze"
hard d50 | post /v1/alerts >/dev/null
eventually "freeze runs" ran_is freeze 1
is "held for two seconds" "$(ctl release hold d50 --for 2s --by jane --reason 'a look' | grep -c '^held until')" 1
is "on /metrics" "$(curl -s "$base/metrics" | grep -c '^guardraild_hold_until_seconds{.*deployment_id="d50"')" 1
is "in the gate" "$(ctl gate d50 | grep -c 'held by jane until 2')" 1
eventually "held between steps" effects_are d50 rollback held 1
eventually "the hold ends, it goes on" state_is d50 rolled_back
is "freeze was not repeated" "$(ran freeze)" 1
is "who ended it" "$(cat "$dir"/reports/audit/*.jsonl | grep -c '"actor":"guardraild".*"event":"hold ended"')" 1

fresh d51 crypto
hard d51 | crypto | post /v1/alerts >/dev/null
eventually "freeze runs" ran_is freeze 2
is "cancel" "$(ctl release cancel d51 --by jane --reason 'wrong alarm' | grep -c 'It runs, and ends before its next step')" 1
eventually "halted" state_is d51 halted
is "freeze ended, drain did not begin" "$(show d51 | jq -r '[.steps[] | "\(.name) \(.state)"] | join(",")'):$(effects d51 rollback cancelled)" "freeze done:1"
is "nothing left to cancel" "$(ctl release cancel d51 --by jane --reason x 2>&1)" "guardrailctl: no rollback of this release waits or runs (409)"
is "not armed" "$(show d51 | jq -r .release.armed)" false
ctl release resume d51 --by jane --reason x >/dev/null
ctl release rearm d51 --by jane --reason x >/dev/null
echo 60 >"$dir/slow-freeze"
hard d51 | crypto | post /v1/alerts >/dev/null
eventually "freeze runs for a minute" ran_is freeze 3
ctl release cancel d51 --by jane --reason 'no, not now' >/dev/null
stop_daemon KILL
rm "$dir/slow-freeze"
start_daemon
eventually "asked before a crash, done after it" state_is d51 halted
is "drain never began" "$(ran drain)" 1
ctl release resume d51 --by jane --reason x >/dev/null
ctl release rearm d51 --by jane --reason x >/dev/null
echo 60 >"$dir/slow-freeze"
hard d51 | crypto | post /v1/alerts >/dev/null
eventually "freeze runs again" ran_is freeze 4
ctl release cancel d51 --by jane --reason 'at once' --force >/dev/null
eventually "ended in the middle" state_is d51 halted
is "and told so" "$(show d51 | jq -r '.steps[-1] | "\(.name) \(.state)"')" "freeze ambiguous"
rm "$dir/slow-freeze"
is "the log is whole" "$(ctl verify --store >/dev/null; echo $?)" 0
