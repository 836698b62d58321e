#!/bin/bash
# How fast alerts are taken: guardraild (each answered after it is on disk) beside adnanh's webhook in its default mode (answers before it acts, keeps its
# queue in memory), nginx that returns 200 unread, and a bare libmicrohttpd server. The same bodies, the same machine, one after the other, twice round.
#
# What is posted: no body twice (a fingerprint is another each time), so guardraild has to store each. The alerts in them are those of a hundred groups of other
# slices, which have their turn one after the other: the first time each is new, opens a breach and has its effects; then it repeats as Alertmanager, its replicas
# and its retries repeat what fires, only closer together. The last lines are the worst case, in which every alert of every body was never seen before.
# guardraild answers when the request, what was decided and its effects are in one durable commit: decisions do not lag behind accepts. It is as fast as the
# disk's fdatasync lets it be, which is measured before and after, in the same folder.
#
#   make bench-daemon                       or: daemon.sh BUILD-FOLDER [SECONDS-A-RUN [CONNECTIONS…]]
#
# What is not installed is named and left out (Debian: webhook, nginx-light).
build=${1:?} seconds=${2:-4}
shift $(($# < 2 ? $# : 2))
all_conns=(${@:-1 8 64})
src=$(cd "$(dirname "$0")/../.." && pwd)
export GR_SRCDIR=$src GR_BUILDDIR=$build
. "$src/tests/e2e/stack.sh"
. "$src/tests/unit/webhook/daemon_lib.sh" >/dev/null
load=$build/tests/bench/load
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; finish' EXIT
declare -A port pid path
servers=()

# $1 alerts in one notification, as Alertmanager sends them; load fills in the first fingerprint and the groups.
body() {
    jq -nc --argjson n "$1" --argjson pad "$2" '[range($n) | {status: "firing", labels: {alertname: "GuardrailSoftBreach", cluster: "equities", deployment_id: "d1", flow: "making", group: "core",
        guardrail: "error_rate", level: "soft", phase: "phase_1", side: "upper", spec: "demo", venue: "V%%%%%%%%-\(.)"}, annotations: {summary: ("x" * $pad // "")},
        startsAt: "'"$started"'", endsAt: "0001-01-01T00:00:00Z", generatorURL: "http://p/",
        fingerprint: (if . == 0 then "@@@@@@@@@@@@@@@@" else "00000000000000\(10 + .)" end)}] |
        {receiver: "guardraild", status: "firing", alerts: ., groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: "http://am/", version: "4", groupKey: "{}:{}", truncatedAlerts: 0}'
}
sized() { # ALERTS BYTES
    local bytes
    bytes=$(body "$1" 0 | tr -d '\n' | wc -c)
    body "$1" $((($2 - bytes) / $1)) | tr -d '\n'
}

start_guardraild() {
    make_actions
    start_standin >/dev/null
    make_policy
    make_config observe
    echo 'limits: {connections: 256, connections_per_address: 256, requests_per_second: 0}' >>"$dir/guardraild.yml" # what keeps strangers off would be what is measured
    start_daemon >/dev/null
    start_release d1
    ctl release advance d1 --by tester --reason x --override --commander tester >/dev/null
    port[guardraild]=$(cat "$dir/port") pid[guardraild]=$daemon_pid path[guardraild]=/v1/alerts
    servers+=(guardraild)
}
start_bare() {
    "$build/tests/bench/bare" >"$dir/bare.port" &
    pid[bare]=$! path[bare]=/v1/alerts
    pids+=($!)
    wait_for 10 test -s "$dir/bare.port" && port[bare]=$(cat "$dir/bare.port") && servers+=(bare)
}
start_webhook() {
    command -v webhook >/dev/null || { echo "not there: webhook (adnanh), left out"; return; }
    echo '[{"id": "alerts", "execute-command": "/bin/true"}]' >"$dir/hooks.json"
    port[webhook]=$(stack_free_port)
    webhook -hooks "$dir/hooks.json" -ip 127.0.0.1 -port "${port[webhook]}" >"$dir/webhook.log" 2>&1 &
    pid[webhook]=$! path[webhook]=/hooks/alerts
    pids+=($!)
    wait_for 10 curl -s -o /dev/null "http://127.0.0.1:${port[webhook]}/" && servers+=(webhook)
}
start_nginx() {
    local nginx
    nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || { echo "not there: nginx, left out"; return; }
    port[nginx]=$(stack_free_port)
    mkdir "$dir/nginx"
    cat >"$dir/nginx/nginx.conf" <<CONF
daemon off; master_process off; pid $dir/nginx/pid; error_log $dir/nginx/error.log;
events {}
http { access_log off; keepalive_requests 1000000000; client_body_temp_path $dir/nginx; proxy_temp_path $dir/nginx; fastcgi_temp_path $dir/nginx; uwsgi_temp_path $dir/nginx; scgi_temp_path $dir/nginx;
  server { listen 127.0.0.1:${port[nginx]}; location / { return 200 ok; } } }
CONF
    "$nginx" -c "$dir/nginx/nginx.conf" -p "$dir/nginx" >"$dir/nginx/log" 2>&1 &
    pid[nginx]=$! path[nginx]=/v1/alerts
    pids+=($!)
    wait_for 10 curl -s -o /dev/null "http://127.0.0.1:${port[nginx]}/" && servers+=(nginx)
}

start_guardraild
start_bare
start_nginx
start_webhook
started=$(date -u -d '+1 second' +%Y-%m-%dT%H:%M:%S.000Z) # after the release did, or the alerts were stale
sized 1 601 >"$dir/601"
sized 12 6800 >"$dir/6800"
for bytes in 601 6800; do
    answer=$(curl -s -o "$dir/answer" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @"$dir/$bytes" "$base/v1/alerts")
    [ "$answer" = 200 ] || { echo "guardraild refuses the body: $answer $(cat "$dir/answer")"; exit 1; }
done
# What the disk lets anybody do who waits for it: a write of 16 kB and its fdatasync, 200 times.
disk() {
    /usr/bin/python3 - "$dir/disk" <<'PY'
import os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
times = []
for i in range(200):
    start = time.monotonic()
    os.pwrite(fd, b"x" * 16384, i % 50 * 16384)
    os.fdatasync(fd)
    times.append((time.monotonic() - start) * 1000)
times.sort()
print(f"the disk writes 16 kB durably in {times[100]:.2f} ms (median), {times[180]:.1f} ms (90 %), {times[198]:.1f} ms (99 %)")
PY
}
disk
echo "bodies: $(wc -c <"$dir/601") and $(wc -c <"$dir/6800") bytes; $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg); $seconds s a run"
printf '%-11s %6s %5s %11s %8s %8s %7s %7s %7s  %s\n' server bytes conns accepted/s p50 p99 other failed 'CPU us' 'RSS KiB at start, half, end'
for round in 1 2; do
    for bytes in 601 6800; do
        for conns in "${all_conns[@]}"; do
            for server in "${servers[@]}"; do
                out=$("$load" "${port[$server]}" "${path[$server]}" "$dir/$bytes" $conns "$seconds" "${pid[$server]}") || { echo "$server: load failed"; continue; }
                set -- $out
                printf '%-11s %6s %5s %11s %8s %8s %7s %7s %7s  %s %s %s\n' "$server" $bytes $conns "$1" "$2" "$3" "$5" "$6" "${10}" "$7" "$8" "$9"
                echo "$server $bytes $conns $1 $3 $9 ${10}" >>"$dir/table"
            done
        done
    done
done
if [[ " ${servers[*]} " == *" guardraild "* ]]; then
    echo "every alert of every body new:"
    for bytes in 601 6800; do
        set -- $("$load" "${port[guardraild]}" "${path[guardraild]}" "$dir/$bytes" 64 "$seconds" "${pid[guardraild]}" 0)
        printf '%-11s %6s %5s %11s %8s %8s %7s %7s %7s  %s %s %s\n' guardraild $bytes 64 "$1" "$2" "$3" "$5" "$6" "${10}" "$7" "$8" "$9"
    done
fi
disk
# The better of the two rounds: what else the machine did is not the server's fault, for none of them.
awk '{k = $1 " " $2 " " $3; if (!(k in best) || $4 > best[k]) best[k] = $4; if (!(k in p99) || $5 < p99[k]) p99[k] = $5; if ($6 > rss[$1]) rss[$1] = $6; if ($7 > 0 && (!(k in cpu) || $7 < cpu[k])) cpu[k] = $7}
    function ratio(peer, bytes, conns,   b) { b = best[peer " " bytes " " conns]; return b > 0 ? sprintf("%.2f", best["guardraild " bytes " " conns] / b) : "-" }
    function cost(peer, bytes, conns,   c) { c = cpu["guardraild " bytes " " conns]; return c > 0 ? sprintf("%.2f", cpu[peer " " bytes " " conns] / c) : "-" }
    END { print ""; printf "guardraild accepts, as a multiple of\n%6s %5s %10s %10s %10s %10s %14s %14s\n", "bytes", "conns", "webhook", "bare", "nginx", "p99 ms", "by CPU: webhook", "bare"
        for (i = 1; i <= 2; i++) for (j = 1; j <= 3; j++) { b = i == 1 ? 601 : 6800; c = j == 1 ? 1 : j == 2 ? 8 : 64
            printf "%6d %5d %10s %10s %10s %10s %15s %14s\n", b, c, ratio("webhook", b, c), ratio("bare", b, c), ratio("nginx", b, c), p99["guardraild " b " " c], cost("webhook", b, c), cost("bare", b, c) }
        printf "largest RSS of guardraild: %.1f MiB\n", rss["guardraild"] / 1024
        print "goals at 64 connections: 5 x webhook, 0.5 of bare, p99 under 20 ms, RSS under 32 MiB" }' "$dir/table"
ls -l "$dir/store.db" | awk '{printf "store: %.1f MiB\n", $5 / 1048576}'
