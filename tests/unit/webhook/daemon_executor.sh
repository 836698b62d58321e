#!/bin/sh
# The executor of rollbacks, sentence by sentence where no other test has it: what programs are told, what is kept of them, what a step that
# fails leads to and who is told by which path, verifying by query, what is asked once more before anything runs, how many run side by side.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
[ -x /usr/bin/python3 ] || { echo "skipped: python3 is missing"; exit 77; }
make_actions
start_standin
for name in freeze drain redeploy; do # these note more
    cat >"$dir/actions/bin/$name" <<SCRIPT
#!/bin/sh
echo "$name \$* deployment=\$GR_DEPLOYMENT_ID fence=\$GR_FENCE key=\$GR_IDEMPOTENCY_KEY" >>"$dir/ran"
[ -f "$dir/print-$name" ] && head -c "\$(cat "$dir/print-$name")" /dev/zero | tr '\\0' x
[ -f "$dir/slow-$name" ] && sleep "\$(cat "$dir/slow-$name")"
[ -f "$dir/exit-$name" ] && exit "\$(cat "$dir/exit-$name")"
exit 0
SCRIPT
done
streams='.streams = [range(9) | {cluster: "s\(.)"}]
    | .expected = [range(9) | {stream: {cluster: "s\(.)"}, guardrail: "error_rate", slices: [{venue: "XNAS", flow: "making"}]}]'
make_policy "$streams | .actions.rollback.steps[3].within_ms = 1000"
make_config auto
vector '{"metric":{},"value":[1,"0"]}' >"$dir/standin/value.json"
begin() { # NUMBER: a release in its phase, of a stream of its own
    ctl release start --stream "cluster=s$1" --deployment "d$1" --by jane >/dev/null
    ctl release advance "d$1" --by jane --reason x --override >/dev/null
}
breach() { hard "d$1" | sed 's/"cluster":"equities"/"cluster":"s'"$1"'"/' | "${2:-cat}" | post /v1/alerts; }
noted() { sed -n "s/^$1 .*deployment=$2 .*$3=\([^ ]*\).*/\1/p" "$dir/ran"; } # STEP DEPLOYMENT WHAT
paged() { grep -c -F -e "$1" "$dir/standin/pagerduty.log"; }
failed_series() { curl -s "$base/metrics" | grep '^guardraild_rollback_failed{'; }
fresh() { # anew: the breaker forgets
    stop_daemon
    rm -rf "$dir"/store.db* "$dir"/slow-* "$dir"/exit-* "$dir"/print-* "$dir/standin/pagerduty.log" "$dir/reports"
    mkdir "$dir/reports"
    : >"$dir/ran"
    : >"$dir/standin/pagerduty.log"
    start_daemon
}
start_daemon

# What is printed is kept: its end, and the hash of all of it. The fence grows, and a step's key is its own.
echo 200000 >"$dir/print-freeze"
begin 1
is "a breach" "$(breach 1)" 200
eventually "rolled back" state_is d1 rolled_back
is "two programs of one step, one key" "$(noted redeploy d1 key | sort -u | wc -l)" 1
is "each step has its own" "$(cut -d= -f4 "$dir/ran" | sort -u | wc -l)" 3
is "all of one rollback have one fence" "$(noted '[a-z]*' d1 fence | sort -u | wc -l)" 1
stop_daemon
is "the journal keeps the end of the output, and the hash of the whole" "$(/usr/bin/python3 - "$dir/store.db" <<'PY'
import hashlib, sqlite3, sys
tail, sha = sqlite3.connect(sys.argv[1]).execute("SELECT tail, output_sha256 FROM step WHERE name = 'freeze'").fetchone()
print(len(tail), sha == hashlib.sha256(b"x" * 200000).hexdigest())
PY
)" "65536 True"
start_daemon
rm "$dir/print-freeze"

# After a crash the same step has the same key and a larger fence.
echo 30 >"$dir/slow-freeze"
begin 2
breach 2 >/dev/null
eventually "freeze runs" ran_is freeze 2
stop_daemon KILL
rm "$dir/slow-freeze"
echo 1 >"$dir/exit-frozen" # the probe: not done
start_daemon
eventually "and again" state_is d2 rolled_back
is "freeze ran twice" "$(noted freeze d2 key | wc -l)" 2
is "with one key" "$(noted freeze d2 key | sort -u | wc -l)" 1
is "and a larger fence" "$(noted freeze d2 fence | { read -r a; read -r b; echo $((b > a)); })" 1
rm "$dir/exit-frozen"

# A step that fails ends the rollback, is told by guardraild's own page and by a series that Alertmanager's pager hears of; both have the command.
fresh
echo 3 >"$dir/exit-freeze"
begin 1
breach 1 >/dev/null
eventually "halted" state_is d1 halted
eventually "paged: what failed, what to type, what is left" paged 'step freeze failed: exit 3; by hand: bin/freeze d1 --cluster=s1; not done either: drain, redeploy, verify'
is "as a series, too" "$(failed_series | grep -c 'deployment_id="d1",step="freeze",command="bin/freeze d1 --cluster=s1"} 1$')" 1
rm "$dir/exit-freeze"
ctl release resume d1 --by jane --reason 'mended' >/dev/null
is "until somebody resumes it" "$(failed_series | wc -l)" 0
ctl release rearm d1 --by jane --reason 'mended' >/dev/null
breach 1 >/dev/null
eventually "armed anew it is rolled back" state_is d1 rolled_back
is "another arming: another key, a larger fence" "$(noted freeze d1 key | sort -u | wc -l):$(noted freeze d1 fence | { read -r a; read -r b; echo $((b > a)); })" 2:1

# Nobody knows whether it ran: the same words.
echo 30 >"$dir/slow-drain"
begin 2
breach 2 >/dev/null
eventually "drain runs" ran_is drain 2
stop_daemon KILL
rm "$dir/slow-drain"
start_daemon
eventually "ambiguous" state_is d2 halted
eventually "paged with the command" paged 'go on by hand; by hand: bin/drain d2; not done either: redeploy, verify'
is "as a series, too" "$(failed_series | grep -c 'deployment_id="d2",step="drain",command="bin/drain d2"} 1$')" 1

# A step whose failure is only told: the rest goes on.
make_policy "$streams | .actions.rollback.steps[1].on_failure = \"page\" | .actions.rollback.steps[3].within_ms = 1000
    | .actions.rollback.steps[3].no_data = \"fail\""
fresh
echo 4 >"$dir/exit-drain"
begin 3
breach 3 >/dev/null
eventually "rolled back all the same" state_is d3 rolled_back
eventually "and told" paged 'step drain failed: exit 4; by hand: bin/drain d3'
is "nothing is said to be left" "$(paged 'not done either')" 0
is "nor is there a series" "$(failed_series | wc -l)" 0

# The last step asks Prometheus, until it holds or the time is over.
vector '{"metric":{},"value":[1,"5"]}' >"$dir/standin/value.json"
begin 4
breach 4 >/dev/null
eventually "it does not hold in time: halted" state_is d4 halted
is "with the value" "$(show d4 | jq -r '.steps[-1] | "\(.name) \(.state) \(.detail)"' | grep -c '^verify failed does not hold: 5, wanted ')" 1
eventually "paged with the question" paged 'to be looked at: '
vector '' >"$dir/standin/value.json"
begin 5
breach 5 >/dev/null
eventually "no data is no yes" state_is d5 halted
is "and told as that" "$(show d5 | jq -r '.steps[-1].detail')" "no data"
rm "$dir/standin/value.json"

# An alert that began before its release was armed is asked about first.
fresh
vector '{"metric":{},"value":[1,"0"]}' >"$dir/standin/value.json"
old() { sed 's/"startsAt":"[^"]*"/"startsAt":"2026-01-01T00:00:00Z"/'; }
vector "" >"$dir/standin/verdict.json"
begin 1
is "an old alert" "$(breach 1 old)" 200
eventually "Prometheus shows no hard breach: held and paged" paged 'Prometheus shows no hard breach now'
is "nothing ran" "$(ran freeze):$(state_of d1):$(show d1 | jq -r '.release.promotion_hold != null')" 0:running:true
vector "$(verdict error_rate XNAS making 3)" >"$dir/standin/verdict.json"
begin 2
breach 2 old >/dev/null
eventually "it does: rolled back" state_is d2 rolled_back
rm "$dir/standin/verdict.json"
begin 3
breach 3 old >/dev/null
eventually "Prometheus is gone: tried again" effects_are d3 rollback retry 1
is "nothing ran" "$(noted freeze d3 key | wc -l)" 0

# Three streams roll back side by side, each once, whatever else breaks meanwhile.
fresh
healthy
echo 20 >"$dir/slow-freeze"
for i in 4 5 6; do begin $i; breach $i >/dev/null; done
eventually "three run at once" ran_is freeze 3
breach 4 >/dev/null
hard d5 | sed 's/"cluster":"equities"/"cluster":"s5"/; s/XNAS/XPAR/' | post /v1/alerts >/dev/null
is "one rollback each" "$(for i in 4 5 6; do show d$i | jq '[.effects[] | select(.kind == "rollback")] | length'; done | tr '\n' ' ')" "1 1 1 "
for i in 4 5 6; do ctl release cancel d$i --by jane --reason 'a test' --force >/dev/null; done
for i in 4 5 6; do eventually "d$i is cancelled in the middle of its step" state_is d$i halted; done
is "and no further step ran" "$(ran drain)" 0
