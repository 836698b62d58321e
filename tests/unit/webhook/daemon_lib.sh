# daemon_lib.sh - what the tests of the real daemon share: a folder, a stand-in for the outside world, guardraild, alerts.
# Sourced by daemon_*.sh. Everything is below the build folder and gone afterwards; a failure keeps it and says where.
set -u
exec </dev/null # guardrailctl asks at a terminal
: "${GR_SRCDIR:?}" "${GR_BUILDDIR:?}"
here="$GR_SRCDIR/tests/unit/webhook"
guardraild="${GUARDRAILD:-$GR_BUILDDIR/guardraild}"
ctl_bin="$GR_BUILDDIR/guardrailctl"
for tool in curl jq; do
    command -v $tool >/dev/null || { echo "skipped: $tool is missing"; exit 77; }
done
dir=$(mktemp -d "$GR_BUILDDIR/daemon.XXXXXX") || exit 99
daemon_pid=
standin_pid=
failures=0
standin_port=

stop_pid() {
    [ -n "$1" ] || return 0
    kill -"${2:-TERM}" "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}
finish() {
    status=$?
    stop_daemon
    stop_pid "$standin_pid"
    if { [ $status -eq 0 ] || [ $status -eq 77 ]; } && [ $failures -eq 0 ] && [ -z "${KEEP:-}" ]; then
        rm -rf "$dir"
    else
        echo "kept for a look: $dir"
        [ $status -ne 0 ] || status=1
    fi
    exit $status
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}
# is NAME GOT WANT
is() {
    if [ "$2" = "$3" ]; then echo "ok: $1"; else fail "$1: got \"$2\", wanted \"$3\""; fi
}
# says NAME WANTED-STATUS WANTED-TEXT COMMAND…: its exit status, and a part of what it prints
says() {
    name=$1 want=$2 text=$3
    shift 3
    out=$("$@" 2>&1)
    got=$?
    if [ $got -eq "$want" ] && printf '%s' "$out" | grep -qF -e "$text"; then
        echo "ok: $name"
    else
        fail "$name: status $got (wanted $want), printed: $out"
    fi
}
# The same of guardrailctl.
ctl_says() {
    name=$1 want=$2 text=$3
    shift 3
    says "$name" "$want" "$text" ctl "$@"
}
# eventually NAME COMMAND…: within 20 s
eventually() {
    name=$1
    shift
    for _ in $(seq 400); do
        if "$@" >/dev/null 2>&1; then
            echo "ok: $name"
            return 0
        fi
        sleep 0.05
    done
    fail "$name: did not come true: $*"
    return 1
}

# The programs of the policy note that they ran, with their arguments, in $dir/ran; a file FAIL-NAME gives their exit status.
make_actions() {
    mkdir -p "$dir/actions/bin" "$dir/secrets" "$dir/reports"
    for name in freeze frozen drain redeploy tickets replay; do
        cat >"$dir/actions/bin/$name" <<SCRIPT
#!/bin/sh
echo "$name \$* attempt=\$GR_ATTEMPT deployment=\$GR_DEPLOYMENT_ID" >>"$dir/ran"
[ -f "$dir/slow-$name" ] && sleep "\$(cat "$dir/slow-$name")"
[ -f "$dir/exit-$name" ] && exit "\$(cat "$dir/exit-$name")"
exit 0
SCRIPT
        chmod 755 "$dir/actions/bin/$name"
    done
    : >"$dir/ran"
}
ran() { grep -c "^$1 " "$dir/ran"; }
ran_is() { [ "$(ran "$1")" = "$2" ]; }

start_standin() {
    mkdir -p "$dir/standin"
    "$GR_BUILDDIR/tests/unit/webhook/standin" "$dir/standin" &
    standin_pid=$!
    eventually "stand-in listens" test -s "$dir/standin/port" || exit 1
    standin_port=$(cat "$dir/standin/port")
    vector '' >"$dir/standin/value.json"
    vector '' >"$dir/standin/verdict.json"
}
vector() { printf '{"status":"success","data":{"resultType":"vector","result":[%s]}}' "$1"; }
# verdict GUARDRAIL VENUE FLOW VALUE
verdict() {
    printf '{"metric":{"__name__":"guardrail:verdict","spec":"demo","cluster":"equities","guardrail":"%s","venue":"%s","flow":"%s"},"value":[1,"%s"]}' "$@"
}
healthy() {
    vector "$(verdict error_rate XNAS making 0),$(verdict error_rate XNAS agency 0),$(verdict model_drift x x 0)" >"$dir/standin/verdict.json"
}

# The checked-in policy with programs that exist here and durations that a test can wait for. $1: a jq filter on top.
make_policy() {
    jq '.phases |= map(if .final then . else .min_duration_ms = 1 end)
        | .phases[0].checks[0].run[0] = "bin/replay" | .phases[3].requires[0].run[0] = "bin/tickets"
        | .actions.rollback.steps[0].run[0] = "bin/freeze" | .actions.rollback.steps[0].probe[0] = "bin/frozen"
        | .actions.rollback.steps[1].run[0] = "bin/drain"
        | .actions.rollback.steps[2].pipeline = [["bin/redeploy", "build"], ["bin/redeploy", "apply"]]
        | .actions.rollback.steps[3].within_ms = 5000
        | .actions.ticket.base_url = "http://127.0.0.1:'"${standin_port:-1}"'/jira"
        | '"${1:-.}" "$here/policy.json" >"$dir/policy.json" || exit 99
}
# make_config MODE
make_config() {
    (umask 077
     echo "http://127.0.0.1:$standin_port/slack" >"$dir/secrets/slack.url"
     echo 0123456789abcdef0123456789abcdef >"$dir/secrets/pagerduty.key"
     echo 0123456789abcdef0123456789abcdef >"$dir/secrets/commander.key")
    cat >"$dir/guardraild.yml" <<YAML
listen: 127.0.0.1:0
admin_socket: admin.sock
store: sqlite:store.db
policy: policy.json
secrets_dir: secrets
actions_dir: actions
reports_dir: reports
prometheus_url: http://127.0.0.1:$standin_port
mode: ${1:-auto}
targets: {pagerduty_url: "http://127.0.0.1:$standin_port/pagerduty", allow_http: true}
YAML
}
start_daemon() {
    rm -f "$dir/port"
    "$guardraild" --config "$dir/guardraild.yml" --port-file "$dir/port" "$@" 2>>"$dir/log" &
    daemon_pid=$!
    eventually "guardraild listens" test -s "$dir/port" || { tail -5 "$dir/log"; exit 1; }
    base="http://127.0.0.1:$(cat "$dir/port")"
}
# Ends it as asked (TERM), which it must do with status 0, or at once (KILL).
stop_daemon() {
    [ -n "$daemon_pid" ] || return 0
    kill -"${1:-TERM}" "$daemon_pid"
    wait "$daemon_pid" 2>/dev/null
    ended=$?
    daemon_pid=
    [ "${1:-TERM}" = KILL ] || [ $ended -eq 0 ] || fail "guardraild ended with status $ended: $(tail -3 "$dir/log")"
}
ctl() { "$ctl_bin" --socket "$dir/admin.sock" "$@"; }
start_release() { ctl release start --stream cluster=equities --deployment "$1" --by tester >/dev/null; }

# alert STATUS ALERTNAME LEVEL DEPLOYMENT PHASE [STARTS]
alert() {
    ends=0001-01-01T00:00:00Z
    [ "$1" = firing ] || ends=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    printf '{"status":"%s","labels":{"alertname":"%s","level":"%s","side":"upper","deployment_id":"%s","phase":"%s","spec":"demo","cluster":"equities","guardrail":"error_rate","group":"core","venue":"XNAS","flow":"making"},"annotations":{"summary":"error rate","description":"0.4 against 0.1"},"startsAt":"%s","endsAt":"%s","generatorURL":"http://p/","fingerprint":"0123456789abcdef"}' \
        "$1" "$2" "$3" "$4" "$5" "${6:-$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)}" "$ends"
}
payload() {
    printf '{"version":"4","groupKey":"{}:{}","truncatedAlerts":0,"status":"firing","receiver":"guardraild","groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am/","alerts":[%s]}' "$1"
}
hard() { payload "$(alert firing GuardrailHardBreach hard "$1" "${2:-phase_1}")"; }
soft() { payload "$(alert firing GuardrailSoftBreach soft "$1" "${2:-phase_1}")"; }
# post PATH, the body from standard input: prints the status
post() { curl -s -o "$dir/answer" -w '%{http_code}' -m 30 -H 'Content-Type: application/json' --data-binary @- "$base$1"; }
show() { ctl --json release show "$1"; }
state_of() { show "$1" | jq -r .release.state; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
effects() { show "$1" | jq -r "[.effects[] | select(.kind == \"$2\" and .state == \"$3\")] | length"; }
effects_are() { [ "$(effects "$1" "$2" "$3")" = "$4" ]; }
