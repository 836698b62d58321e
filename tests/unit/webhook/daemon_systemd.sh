#!/bin/sh
# Under a service manager: sockets handed over, notification, watchdog, restarts under load without a refused connection, and the unit file.
# The argument is the number of restarts (3).
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy
make_config auto
sed -i '/^admin_socket/d' "$dir/guardraild.yml"
chmod 755 "$dir"
/usr/bin/python3 "$here/activate.py" "$dir" "$guardraild" "${1:-3}" || failures=$((failures + 1))
/usr/bin/python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM inbox").fetchone()[0])' \
    "$dir/store.db" >"$dir/stored"
is "stored is what was answered 200" "$(cat "$dir/stored")" "$(cat "$dir/accepted")"

unit="$GR_BUILDDIR/webhook/guardraild.service"
[ -f "$unit" ] || { echo "skipped: configured without systemd units"; exit; }
is "the unit names the program" "$(grep -c '^ExecStart=/.*/guardraild --config /.*/guardrail/guardraild.yml$' "$unit")" 1
if command -v systemd-analyze >/dev/null; then
    # verify would want the program installed; exposure is judged from the text alone
    out=$(systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" 2>&1)
    is "exposure at most 2.0: $(printf '%s' "$out" | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p')" "$?" 0
else
    echo "skipped: systemd-analyze is missing"
fi
# What guardraild itself calls must be in the unit's filter.
if command -v systemd-analyze >/dev/null && command -v strace >/dev/null; then
    allowed() { systemd-analyze syscall-filter --no-pager "$1" 2>/dev/null | sed -n 's/^    \([a-z@][a-z0-9_-]*\)$/\1/p'; }
    expand() {
        for entry in $(allowed "$1"); do
            case $entry in
            @*) expand "$entry" ;;
            *) echo "$entry" ;;
            esac
        done
    }
    # Sets nest, and a recursive function has no variables of its own: the loops above read their lists before they go deeper.
    expand @system-service | sort -u >"$dir/in"
    { expand @privileged; expand @resources; } | sort -u >"$dir/out"
    comm -23 "$dir/in" "$dir/out" >"$dir/may"
    strace -f -qq -o "$dir/trace" "$guardraild" --config "$dir/guardraild.yml" --port-file "$dir/port2" 2>>"$dir/log" &
    tracer=$!
    eventually "serves under strace" test -s "$dir/port2"
    base="http://127.0.0.1:$(cat "$dir/port2")"
    hard nobody | post /v1/alerts >/dev/null
    curl -s "$base/metrics" >/dev/null
    kill -TERM "$(cut -d" " -f1 "/proc/$tracer/task/$tracer/children")"
    wait "$tracer"
    sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$dir/trace" | sort -u >"$dir/called"
    root_only=fchown # SQLite's, when it runs as root
    is "calls outside the unit's filter" "$(comm -23 "$dir/called" "$dir/may" | grep -vx "$root_only" | tr '\n' ' ')" ""
fi
