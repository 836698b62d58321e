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
is "jira is a visible dead letter" "$(ctl --json deadletter list | jq -r '.deadletters[0].target')" jira

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
