#!/bin/sh
# Three replicas, five repeats, N deployments that break at once, resolves in between, startsAt and groupKey on the move: N rollbacks, one each.
# And with the breaker as it is by default: three, the rest is held and paged. Full form: daemon_storm.sh 100; in make check N is 15.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
[ -x /usr/bin/python3 ] || { echo "skipped: python3 is missing"; exit 77; }
n=${1:-15}
make_actions
start_standin
# Alerts that began before their release was armed are checked against Prometheus first, which confirms them.
vector "$(verdict error_rate XNAS making 3)" >"$dir/standin/verdict.json"
storm() { /usr/bin/python3 "$here/storm.py" "$base" "$dir/admin.sock" "$n" "$@" >"$dir/storm"; }
all_shows() { for i in $(seq 0 $((n - 1))); do show "d$i"; done | jq -s . >"$dir/shows"; }
rolled_back() { curl -s "$base/metrics" | grep -q "^guardraild_effects{.*target=\"rollback\".*state=\"done\".*} $1\$"; }
policy() {
    make_policy ".streams = [range($n) | {cluster: \"s\(.)\"}]
        | .expected = [range($n) | {stream: {cluster: \"s\(.)\"}, guardrail: \"error_rate\", slices: [{venue: \"XNAS\", flow: \"making\"}]}]
        | .actions.rollback.steps[0].run = [\"bin/freeze\", \"{deployment_id}\"] | .time_scale = $1"
}

# The breaker's window is divided by the time scale, like everything in a demonstration: here it is one millisecond long.
policy 600000
make_config auto
start_daemon --allow-scaled
storm --start
is "every notification is answered 200" "$?" 0
echo "   $(cat "$dir/storm")"
eventually "$n rollbacks are done" rolled_back "$n"
all_shows
is "each deployment is rolled back" "$(jq '[.[] | select(.release.state == "rolled_back")] | length' "$dir/shows")" "$n"
is "each has exactly one rollback" "$(jq -c '[.[] | [.effects[] | select(.kind == "rollback")] | length] | unique' "$dir/shows")" "[1]"
is "each was frozen exactly once" "$(grep '^freeze ' "$dir/ran" | sort | uniq -c | awk '{print $1}' | sort -u | tr '\n' ' '):$(ran freeze)" "1 :$n"
is "each program ran exactly once for each" "$(ran drain):$(ran redeploy)" "$n:$((2 * n))"
is "each was paged exactly once" "$(jq -c '[.[] | [.effects[] | select(.kind == "page")] | length] | unique' "$dir/shows")" "[1]"
is "the same storm again is answered 200" "$(storm; echo $?)" 0
stop_daemon
start_daemon --allow-scaled
is "and once more after a restart" "$(storm; echo $?)" 0
is "nothing runs twice" "$(ran freeze):$(ran drain):$(ran redeploy)" "$n:$n:$((2 * n))"
stop_daemon

# The default: three streams in ten minutes, then a person decides.
rm -f "$dir"/store.db* "$dir/ran"
: >"$dir/ran"
policy 1
start_daemon
storm --start
is "every notification is answered 200" "$?" 0
eventually "three rollbacks are done" rolled_back 3
stop_daemon
start_daemon
is "the breaker outlives a restart" "$(storm; echo $?)" 0
all_shows
is "three are rolled back, the rest run on" "$(jq -c '[.[].release.state] | group_by(.) | map([.[0], length])' "$dir/shows")" "[[\"rolled_back\",3],[\"running\",$((n - 3))]]"
is "three were frozen" "$(ran freeze)" 3
is "each of the rest is held, and paged" "$(jq -c '[.[] | select(.release.state == "running") | .effects | map(.kind) | unique] | unique' "$dir/shows")" '[["hold","page"]]'
stop_daemon

# The breaker's numbers are settings.
rm -f "$dir"/store.db* "$dir/ran"
: >"$dir/ran"
echo 'breaker: {streams: 5, window: 1h}' >>"$dir/guardraild.yml"
start_daemon
storm --start
eventually "five rollbacks are done" rolled_back 5
is "five were frozen" "$(ran freeze)" 5
is "the status says open" "$(ctl --json status | jq -c '[.breaker_streams, .breaker_open]')" "[5,true]"
