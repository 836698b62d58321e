#!/bin/bash
# Real Alertmanagers, single and as a pair, in front of guardraild: healthy, slow, failing, killed. Each time one rollback and one page,
# however often Alertmanager delivers.
#
#   alertmanager.sh         what make check runs: one Alertmanager, healthy, then 500 for four seconds (10 s)
#   alertmanager.sh full    all eight, side by side (about 75 s)
. "${GR_SRCDIR:?}/tests/e2e/stack.sh"
. "$GR_SRCDIR/tests/unit/webhook/daemon_lib.sh"
[ -x "${ALERTMANAGER:-}" ] || { echo "skipped: Alertmanager is missing"; exit 77; }
[ -x /usr/bin/python3 ] || { echo "skipped: python3 is missing"; exit 77; }
form=${1:-short}

# name, how many Alertmanagers, what happens to the deliveries ("MODE for SECONDS"), when an Alertmanager is killed, when it is over
table_short='
healthy      1  -          -  7
refused      1  refuse,4   -  9'
table_full='
healthy      1  -          -  30
slow         1  slow_20,25 -  75
refused      1  refuse,30  -  60
lost         1  lose,5     -  40
killed       1  -          5  45
pair         2  -          -  45
pair-slow    2  slow_20,25 -  75
pair-refused 2  refuse,30  -  75
pair-killed  2  -          5  60'
[ "$form" = full ] && table=$table_full || table=$table_short

# spawn NAME COMMAND…: in this scenario, output in its folder.
spawn() {
    local name=$1
    shift
    "$@" >>"$here_dir/$name.log" 2>&1 </dev/null &
    own_pids+=($!)
    printf -v "pid_$name" %s "$!"
}
end_own() {
    kill -KILL "${own_pids[@]}" 2>/dev/null
    wait 2>/dev/null
}
start_am() { # a or b
    local port_of="am_port_$1" cluster_of="cluster_port_$1" other=a cluster=(--cluster.listen-address=)
    [ "$1" = a ] && other=b
    local peer_of="cluster_port_$other"
    if [ "$peers" = 2 ]; then
        cluster=(--cluster.listen-address="127.0.0.1:${!cluster_of}" --cluster.peer="127.0.0.1:${!peer_of}" --cluster.settle-timeout=5s
            --cluster.gossip-interval=50ms --cluster.pushpull-interval=1s)
    fi
    spawn "am_$1" "$ALERTMANAGER" --config.file="$here_dir/alertmanager.yml" --storage.path="$here_dir/data_$1" --web.listen-address="127.0.0.1:${!port_of}" --log.level=warn "${cluster[@]}"
    wait_for 20 curl -fsS -o /dev/null "http://127.0.0.1:${!port_of}/-/ready" 2>/dev/null
}
# As Prometheus does, to every Alertmanager, again and again.
send_alert() {
    local am port_of body
    body=$(jq -n --arg d "$deployment" --arg s "$began" --arg e "$(date -u -d '+4 min' +%Y-%m-%dT%H:%M:%SZ)" '[{labels: {alertname: "GuardrailHardBreach", level: "hard",
        side: "upper", deployment_id: $d, phase: "phase_1", spec: "demo", cluster: $d, guardrail: "error_rate", group: "core", venue: "XNAS", flow: "making"},
        annotations: {summary: "error rate", description: "0.4 against 0.1"}, startsAt: $s, endsAt: $e, generatorURL: "http://p/"}]')
    for am in a b; do
        [ "$am" = b ] && [ "$peers" = 1 ] && continue
        port_of="am_port_$am"
        curl -s -o /dev/null -m 5 -H 'Content-Type: application/json' --data-binary "$body" "http://127.0.0.1:${!port_of}/api/v2/alerts"
    done
}

# scenario NAME PEERS TROUBLE KILL-AT END: what came of it goes to $dir/NAME/result
scenario() {
    local name=$1 trouble=$3 kill_at=$4 end=$5 trouble_s=0 t=0
    peers=$2 deployment=am-$name here_dir=$dir/$name own_pids=()
    trap end_own EXIT
    mkdir -p "$here_dir"
    echo pass >"$here_dir/mode"
    [ "$trouble" = - ] || { echo "${trouble%,*}" | tr _ ' ' >"$here_dir/mode"; trouble_s=${trouble#*,}; }
    spawn proxy /usr/bin/python3 "$GR_SRCDIR/tests/e2e/proxy.py" "$(cat "$dir/port")" "$here_dir"
    wait_for 10 test -s "$here_dir/port" || return 1
    cat >"$here_dir/alertmanager.yml" <<YAML
route: {receiver: guardraild, group_by: [deployment_id, guardrail], group_wait: 0s, group_interval: $([ "$form" = full ] && echo 15 || echo 2)s, repeat_interval: 1m}
receivers:
  - name: guardraild
    webhook_configs: [{url: "http://127.0.0.1:$(cat "$here_dir/port")/v1/alerts", send_resolved: true, http_config: {follow_redirects: false}}]
YAML
    am_port_a=$(stack_free_port) am_port_b=$(stack_free_port) cluster_port_a=$(stack_free_port) cluster_port_b=$(stack_free_port)
    start_am a || return 1
    [ "$peers" = 1 ] || { start_am b && sleep 7; } || return 1 # past the settling: a pair that has met
    ctl release start --stream "cluster=$deployment" --deployment "$deployment" --by tester >/dev/null || return 1
    ctl release advance "$deployment" --by tester --reason x --override --commander tester >/dev/null || return 1
    began=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
    while [ "$t" -le "$end" ]; do
        send_alert
        if [ "$t" -ge "$trouble_s" ]; then echo pass >"$here_dir/mode"; fi
        if [ "$kill_at" != - ] && [ "$t" -ge "$kill_at" ]; then
            kill -9 "$pid_am_a"
            wait "$pid_am_a" 2>/dev/null
            start_am a || return 1
            kill_at=-
        fi
        sleep 1
        t=$((t + 1))
    done
    jq -r '"\(.release.state) \([.effects[] | select(.kind == "rollback")] | length) \([.effects[] | select(.kind == "page")] | length)"' <(show "$deployment") >"$here_dir/result"
}

make_actions
start_standin
vector "$(verdict error_rate XNAS making 3)" >"$dir/standin/verdict.json"
names=$(echo "$table" | awk 'NF {printf "%s{\"cluster\": \"am-%s\"}", n++ ? ", " : "", $1}')
# The breaker's window is divided by the time scale: here it never opens.
make_policy ".streams = [$names] | .expected = [.streams[] | {stream: ., guardrail: \"error_rate\", slices: [{venue: \"XNAS\", flow: \"making\"}]}] | .time_scale = 600000"
make_config auto
start_daemon --allow-scaled

jobs_started=()
while read -r name peers trouble kill_at end; do
    [ -n "$name" ] || continue
    (scenario "$name" "$peers" "$trouble" "$kill_at" "$end") </dev/null &
    jobs_started+=($!)
done <<<"$table"
wait "${jobs_started[@]}"

printf '   %-14s %-10s %-10s %-12s %-9s %s\n' scenario attempts delivered state rollbacks pages
while read -r name peers trouble kill_at end; do
    [ -n "$name" ] || continue
    [ -s "$dir/$name/result" ] || { fail "$name: was not carried out"; continue; }
    read -r state rollbacks pages <"$dir/$name/result"
    printf '   %-14s %-10s %-10s %-12s %-9s %s\n' "$name" "$(wc -l <"$dir/$name/log")" "$(awk '$3 == 200' "$dir/$name/log" | wc -l)" "$state" "$rollbacks" "$pages"
    is "$name: one rollback, one page, each program once" "$state $rollbacks $pages $(grep -c "^freeze .*deployment=am-$name\$" "$dir/ran") $(grep -c "^drain .*deployment=am-$name\$" "$dir/ran")" "rolled_back 1 1 1 1"
    is "$name: PagerDuty heard of the breach once" "$(grep -c "\"dedup_key\":\"demo/cluster=am-$name/am-$name/error_rate/" "$dir/standin/pagerduty.log")" 1
    is "$name: there was something to endure" "$(grep -c " $([ "$trouble" = - ] && echo pass || echo "${trouble%%[_,]*}") " "$dir/$name/log" | awk '{print ($1 > 0)}')" 1
done <<<"$table"
