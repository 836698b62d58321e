#!/bin/sh
# How long it takes from the receipt of a hard alert to the first step of its rollback: guardraild with a step that does nothing, from outside
# and by its own journal (whole milliseconds: the request's arrival, and the step's intent on disk). Goals: median under 100 ms, p99 under 1 s.
#
#   make bench-reaction                     or: reaction.sh BUILD-FOLDER [ALERTS-A-KIND]
build=${1:?} n=${2:-200}
GR_SRCDIR=$(cd "$(dirname "$0")/../.." && pwd) GR_BUILDDIR=$build
export GR_SRCDIR GR_BUILDDIR
. "$GR_SRCDIR/tests/unit/webhook/daemon_lib.sh" >/dev/null
[ -x /usr/bin/python3 ] || { echo "skipped: python3 is missing"; exit 77; }
make_actions
cp "$build/tests/bench/stamp" "$dir/actions/bin/stamp"
start_standin >/dev/null
# The breaker's window is divided by the time scale, like everything in a demonstration: here it is one millisecond long.
make_policy ".streams = ([{cluster: \"load\"}] + [range(3 * $n) | {cluster: \"s\(.)\"}])
    | .expected = [range(3 * $n) | {stream: {cluster: \"s\(.)\"}, guardrail: \"error_rate\", slices: [{venue: \"XNAS\", flow: \"making\"}]}]
    | .actions.rollback.steps = [{name: \"first\", run: [\"bin/stamp\", \"{deployment_id}\"], timeout_ms: 10000, on_failure: \"abort\", idempotent: true, retries: 0}]
    | .time_scale = 600000"
make_config auto
echo 'limits: {connections: 256, connections_per_address: 256, requests_per_second: 0}' >>"$dir/guardraild.yml"
start_daemon --allow-scaled >/dev/null
ctl release start --stream cluster=load --deployment load --by bench >/dev/null
ctl release advance load --by bench --reason x --override --commander tester >/dev/null
payload "$(alert firing GuardrailSoftBreach soft load phase_1 | sed 's/equities/load/')" >"$dir/repeat"
echo "$(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg); milliseconds from before the request is sent to the program's start"
/usr/bin/python3 "$GR_SRCDIR/tests/bench/reaction.py" "$base" "$dir/admin.sock" "$dir/actions/stamps" "$build/tests/bench/load" "$dir/repeat" "$n" || failures=1
echo "$(curl -s "$base/metrics" | sed -n "s/^guardraild_alerts_total //p") alerts were accepted in all"
stop_daemon
/usr/bin/python3 - "$dir/store.db" "$n" <<'PY'
import sqlite3, sys
n, db = int(sys.argv[2]), sqlite3.connect(sys.argv[1])
rows = db.execute("SELECT CAST(substr(e.deployment_id, 2) AS INTEGER), s.started_ms - i.rx_ms FROM effect e JOIN inbox i ON i.id = e.inbox_id"
                  " JOIN step s ON s.effect_id = e.id AND s.n = 0 AND s.attempt = 1 WHERE e.target = 'rollback'").fetchall()
print("by the journal: from the arrival to the intent of the first step")
for name, first in (("idle", 0), ("under a load of repeats", n), ("three at once", 2 * n)):
    took = sorted(ms for i, ms in rows if first <= i < first + n)
    if took:
        print("%-28s %5d  median %7.1f  p99 %7.1f  max %7.1f ms" % (name, len(took), took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))], took[-1]))
PY
[ $failures -eq 0 ]
