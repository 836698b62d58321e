#!/bin/sh
# What a kill -9 leaves behind: nothing acknowledged is lost, no step of unknown outcome is guessed at.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy
make_config auto

fresh() {
    stop_daemon
    rm -f "$dir"/store.db* "$dir"/slow-* "$dir"/exit-* "$dir/standin/"*.log "$dir/ran"
    : >"$dir/ran"
    start_daemon
    start_release "$1"
    ctl release advance "$1" --by tester --reason x --override >/dev/null
}

# 1. After the 200 and before anything was done.
make_config observe
fresh d1
make_config auto
stop_daemon
start_daemon
hard d1 >"$dir/body"
is "hundred at once" "$(for i in $(seq 100); do echo "$base/v1/alerts"; done |
    xargs -P 15 -n 1 curl -s -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' --data-binary "@$dir/body" |
    sort | uniq -c | tr -s ' ')" " 100 200"
eventually "rolled back once" state_is d1 rolled_back
is "one rollback effect" "$(show d1 | jq '[.effects[] | select(.kind == "rollback")] | length')" 1
is "freeze ran once" "$(ran freeze)" 1

fresh d2
echo 30 >"$dir/slow-freeze"
is "accepted" "$(hard d2 | post /v1/alerts)" 200
stop_daemon KILL
rm -f "$dir/slow-freeze"
echo 1 >"$dir/exit-frozen"
start_daemon
eventually "kill after the 200: the rollback happens" state_is d2 rolled_back

# 2. In the middle of a step with a probe.
fresh d3
echo 30 >"$dir/slow-freeze"
hard d3 | post /v1/alerts >/dev/null
eventually "freeze runs" ran_is freeze 1
stop_daemon KILL
rm -f "$dir/slow-freeze"
echo 0 >"$dir/exit-frozen"
start_daemon
eventually "probe says done: goes on" state_is d3 rolled_back
is "freeze did not run again" "$(ran freeze)" 1
is "probe was asked" "$(ran frozen)" 1

fresh d4
echo 30 >"$dir/slow-freeze"
hard d4 | post /v1/alerts >/dev/null
eventually "freeze runs" ran_is freeze 1
stop_daemon KILL
rm -f "$dir/slow-freeze"
echo 1 >"$dir/exit-frozen"
start_daemon
eventually "probe says not done: goes on" state_is d4 rolled_back
is "freeze ran again" "$(ran freeze)" 2

fresh d5
echo 30 >"$dir/slow-freeze"
hard d5 | post /v1/alerts >/dev/null
eventually "freeze runs" ran_is freeze 1
stop_daemon KILL
rm -f "$dir/slow-freeze"
echo 7 >"$dir/exit-frozen"
start_daemon
eventually "probe knows nothing: halted" state_is d5 halted
is "ambiguous" "$(effects d5 rollback ambiguous)" 1
is "nothing ran after it" "$(ran drain)" 0
eventually "a person is paged" grep -q 'nobody knows' "$dir/standin/pagerduty.log"
stop_daemon
start_daemon
is "a restart does not go on by itself" "$(ran drain):$(state_of d5)" 0:halted

# 3. In the middle of a step with neither.
fresh d6
echo 30 >"$dir/slow-drain"
hard d6 | post /v1/alerts >/dev/null
eventually "drain runs" ran_is drain 1
stop_daemon KILL
rm -f "$dir/slow-drain"
start_daemon
eventually "no probe: halted" state_is d6 halted
is "drain did not run again" "$(ran drain)" 1

# 4. In the middle of an idempotent step.
fresh d7
echo 30 >"$dir/slow-redeploy"
hard d7 | post /v1/alerts >/dev/null
eventually "redeploy runs" sh -c "[ \$(grep -c '^redeploy ' $dir/ran) -ge 1 ]"
stop_daemon KILL
rm -f "$dir/slow-redeploy"
start_daemon
eventually "idempotent: runs again" state_is d7 rolled_back
is "freeze once, drain once" "$(ran freeze):$(ran drain)" 1:1

# 5. In the middle of the question that verifies.
fresh d8
vector '{"metric":{},"value":[1,"5"]}' >"$dir/standin/value.json"
hard d8 | post /v1/alerts >/dev/null
eventually "verify asks" grep -q sum%28rate "$dir/standin/queries.log"
stop_daemon KILL
vector '{"metric":{},"value":[1,"0"]}' >"$dir/standin/value.json"
start_daemon
eventually "verify goes on" state_is d8 rolled_back

# 6. A step that fails.
fresh d9
echo 3 >"$dir/exit-freeze"
hard d9 | post /v1/alerts >/dev/null
eventually "failed step: halted" state_is d9 halted
is "abort stops the rest" "$(ran drain)" 0
is "why" "$(show d9 | jq -r .release.halt_reason)" "step freeze failed: exit 3"
rm -f "$dir/exit-freeze"
is "a resend does nothing" "$(hard d9 | post /v1/alerts):$(ran freeze)" 200:1
ctl release resume d9 --by tester --reason 'the script is mended' >/dev/null || fail "resume"
is "resuming arms nothing" "$(hard d9 | post /v1/alerts):$(show d9 | jq -r .release.armed):$(ran freeze)" 200:false:1
is "and the gate says so" "$(ctl --json gate d9 | jq -r '[.reasons[] | select(test("not armed"))] | length')" 1
ctl release rearm d9 --by tester --reason 'the script is mended' >/dev/null || fail "rearm"
hard d9 | post /v1/alerts >/dev/null
eventually "armed anew: rolls back" state_is d9 rolled_back

fresh d10
echo 3 >"$dir/exit-drain"
echo 1 >"$dir/exit-redeploy"
hard d10 | post /v1/alerts >/dev/null
eventually "continue goes on, retries end" state_is d10 halted
is "redeploy tried four times" "$(show d10 | jq '[.steps[] | select(.name == "redeploy")] | length')" 4

# 7. Asked to end in the middle of a step: the step may finish.
fresh d11
echo 1 >"$dir/slow-freeze"
hard d11 | post /v1/alerts >/dev/null
eventually "freeze runs" ran_is freeze 1
stop_daemon
is "the step was finished" "$(grep -c 'step ended.*deployment_id=d11 step=freeze state=done' "$dir/log")" 1
is "the next one was not begun" "$(ran drain)" 0
rm -f "$dir/slow-freeze"
start_daemon
eventually "the rest follows" state_is d11 rolled_back
is "freeze once" "$(ran freeze)" 1
