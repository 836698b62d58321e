#!/bin/sh
# guardraild applies the traffic split of a phase itself: by a program and by POST, before the phase counts as entered; a failure holds and
# pages; a crash in the middle runs it again; whatever ends the release's run wins. And what is off the schedule names the commander.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
cat >"$dir/actions/bin/split" <<SCRIPT
#!/bin/sh
echo "split \$* attempt=\$GR_ATTEMPT" >>"$dir/ran"
trap 'echo "split-term" >>"$dir/ran"; exit 1' TERM
[ -f "$dir/slow-split" ] && { sleep "\$(cat "$dir/slow-split")" & wait; }
[ -f "$dir/exit-split" ] && exit "\$(cat "$dir/exit-split")"
exit 0
SCRIPT
chmod 755 "$dir/actions/bin/split"
start_standin
make_policy '.actions.router = {"kind": "http", "base_url": "http://127.0.0.1:'"$standin_port"'/router"}
  | .phases[0].checks += [{"name": "schemas", "run": ["bin/tickets"], "timeout_ms": 5000, "on_failure": "abort"}]
  | .phases[3].requires = []
  | .phases |= map(if .shadow then . else .on_enter = [
      {"name": "split", "run": ["bin/split", "{phase}", "{traffic_share}"], "timeout_ms": 60000, "retries": 1},
      {"name": "tell", "post": "router", "timeout_ms": 2000, "retries": 0}] end)'
make_config auto
sed -i 's/allow_http: true}/allow_http: true, private_hosts: [127.0.0.1]}/' "$dir/guardraild.yml"
start_daemon
vector '{"metric":{"guardrail":"schema_changes"},"value":[1,"0"]}' >"$dir/standin/verdict.json"
phase_of() { show "$1" | jq -r .release.phase; }
phase_is() { [ "$(phase_of "$1")" = "$2" ]; }
entering_is() { [ "$(show "$1" | jq -r '.release.entering // ""')" = "$2" ]; }
held() { ctl gate "$1" | grep -qF -e "$2"; }

# the first of all: preflight has no traffic, phase_1 has
start_release d1
is "nothing is split in the shadow" "$(ran split)" 0
ctl release advance d1 --by jane --reason "replay is clean" >"$dir/out" 2>&1 || fail "advance: $(cat "$dir/out")"
grep -q "the traffic split of phase_1" "$dir/out" || fail "advance does not say what runs: $(cat "$dir/out")"
eventually "entered when the split is in force" phase_is d1 phase_1
is "the program was told" "$(grep -c "^split phase_1 making=0.01,agency=0.005 attempt=1" "$dir/ran")" 1
is "the router was told" "$(jq -r 'select(.kind == "enter") | "\(.phase) \(.from) \(.traffic_share.making)"' "$dir/standin/http.log" 2>/dev/null)" "phase_1 preflight 0.01"
is "the approver is whoever advanced" "$(show d1 | jq -r '.phases[1] | "\(.approver) \(.note)"')" "jane replay is clean"

# slow: the phase is the old one meanwhile, and the gate says why
healthy
echo 30 >"$dir/slow-split"
ctl release advance d1 --by jane --reason "green" >/dev/null || fail "advance to phase_2"
eventually "applying" sh -c "grep -q '^split phase_2' '$dir/ran'"
is "still the old phase" "$(phase_of d1)" phase_1
eventually "the gate says so" held d1 "the traffic split of phase_2 is being applied"
is "a second advance is refused" "$(ctl release advance d1 --by jane --reason again >/dev/null 2>&1; echo $?)" 1
# killed in the middle: the next start runs the step again
stop_daemon KILL
rm "$dir/slow-split"
start_daemon
eventually "done after a crash" phase_is d1 phase_2
is "it ran once more" "$(grep -c '^split phase_2' "$dir/ran")" 2
is "and the journal knows" "$(show d1 | jq -r '[.steps[] | select(.name == "split") | .state] | join(" ")')" "done ambiguous done"

# a failure holds and pages
vector "$(verdict error_rate XNAS making 0),$(verdict error_rate XNAS agency 0),$(verdict model_drift x x 0)" >"$dir/standin/verdict.json"
echo 3 >"$dir/exit-split"
: >"$dir/standin/pagerduty.log"
ctl release advance d1 --by jane --reason "green" >/dev/null || fail "advance to general"
eventually "promotion is held" held d1 "step split failed: exit 3"
is "tried twice" "$(grep -c '^split general' "$dir/ran")" 2
is "not general" "$(phase_of d1):$(state_of d1)" phase_2:running
eventually "somebody is paged" grep -q "could not be applied" "$dir/standin/pagerduty.log"
rm "$dir/exit-split"
ctl release resume d1 --by jane --reason "the router is back" >/dev/null
eventually "the split of where it stands is put back" sh -c "[ \$(grep -c '^split phase_2' '$dir/ran') = 3 ]"
eventually "and is in force" entering_is d1 ""

# a rollback wins: the running step is ended, and only then does the rollback begin
echo 30 >"$dir/slow-split"
eventually "green again" sh -c "\"$ctl_bin\" --socket \"$dir/admin.sock\" gate d1"
: >"$dir/ran"
ctl release advance d1 --by jane --reason "green" >/dev/null || fail "advance again"
eventually "applying" sh -c "grep -q '^split general' '$dir/ran'"
is "a hard breach" "$(hard d1 phase_2 | post /v1/alerts)" 200
eventually "rolled back" state_is d1 rolled_back
is "the split was ended first" "$(grep -v attempt=0 "$dir/ran" | cut -d' ' -f1 | head -3 | tr '\n' ' ')" "split split-term freeze "
is "its effect" "$(effects d1 enter cancelled)" 1
is "the release never became general" "$(show d1 | jq '[.phases[] | select(.phase == "general")] | length')" 0
rm "$dir/slow-split"

# a check that says no ends the release before traffic; one that cannot be run does not
start_release_in() { ctl release start --stream "cluster=$1" --deployment "$2" --by tester >/dev/null; }
start_release_in crypto d2
mv "$dir/actions/bin/tickets" "$dir/actions/bin/gone"
is "no such program" "$(ctl release advance d2 --by jane --reason go >/dev/null 2>&1; echo $?):$(state_of d2)" 1:running
mv "$dir/actions/bin/gone" "$dir/actions/bin/tickets"
echo 1 >"$dir/exit-tickets"
is "schemas break" "$(ctl release advance d2 --by jane --reason go >/dev/null 2>&1; echo $?):$(state_of d2)" 1:aborted
grep -q 'check schemas failed: exit 1' "$dir/reports/release_decisions/d2.yaml" || eventually "on record" grep -q 'check schemas failed: exit 1' "$dir/reports/release_decisions/d2.yaml"
rm "$dir/exit-tickets"

# off the schedule
stop_daemon
jq '.phases[1].min_duration_ms = 1200000 | .phases[0].min_duration_ms = 900000' "$dir/policy.json" >"$dir/p" && mv "$dir/p" "$dir/policy.json"
start_daemon
start_release_in crypto d3
by="--by jane --reason INC-7"
says "too early" 1 "of the minimum duration remain, until 20" ctl gate d3
says "no override without a commander" 1 "name the incident commander" ctl release advance d3 $by --override
says "nor an open gate" 1 "name the incident commander" ctl release override d3 $by --for 5m
says "deviate needs one, too" 2 "needs --commander" ctl release deviate d3 $by --lasts 1s
says "and something to change" 2 "needs one of --lasts" ctl release deviate d3 $by --commander kim
says "over HTTP as well" 2 '"commander" must name' "$ctl_bin" --socket "$dir/admin.sock" release deviate d3 $by --commander '' --lasts 1s
says "no duration" 2 "from 1s to 7d" ctl release deviate d3 $by --commander kim --lasts soon
says "no such phase" 1 'has no phase "phase_9"' ctl release deviate d3 $by --commander kim --to phase_9
says "no traffic here" 1 "phase preflight gives no traffic" ctl release deviate d3 $by --commander kim --share making=2%
says "skips a phase" 0 "next phase           phase_2" ctl release deviate d3 $by --commander kim@example.org --to phase_2
says "shorter" 0 "off schedule         lasts 1s, phase_2 follows, by kim@example.org" ctl release deviate d3 $by --commander kim@example.org --lasts 1s
eventually "green" sh -c "! \"$ctl_bin\" --socket \"$dir/admin.sock\" gate d3 | grep -q 'minimum duration'"
vector '{"metric":{"guardrail":"schema_changes"},"value":[1,"0"]}' >"$dir/standin/verdict.json"
says "goes there" 0 "deployment" ctl release advance d3 --by jane --reason "hotfix"
eventually "skipped" phase_is d3 phase_2
says "no such flow" 1 'no traffic to "retail"' ctl release deviate d3 $by --commander kim --share retail=2%
says "no share" 1 "must be a share" ctl release deviate d3 $by --commander kim --share making=200%
says "another share" 0 "the traffic split of phase_2" ctl release deviate d3 $by --commander kim --share making=3%
eventually "in force" entering_is d3 ""
is "the program was told of it" "$(grep -c '^split phase_2 making=0.03,agency=0.02' "$dir/ran")" 1
is "and Prometheus" "$(curl -s "$base/metrics" | grep '^guardrail_release_traffic_share' | grep 'deployment_id="d3"' | grep -c 'flow="making"} 0.03')" 1
record="$dir/reports/release_decisions/d3.yaml"
eventually "on record" grep -q "decision: deviation" "$record"
eventually "with the commander" sh -c "[ \"\$(grep -c 'commander: kim@example.org' '$record')\" = 3 ]"
is "what it was" "$(grep -c 'outcome: "\?phase phase_2 follows' "$record")" 1
is "and by whom the phase was entered" "$(show d3 | jq -r '.phases[1] | "\(.phase) \(.approver) \(.commander)"')" "phase_2 jane kim@example.org"
stop_daemon
exit $failures
