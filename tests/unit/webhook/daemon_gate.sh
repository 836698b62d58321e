#!/bin/sh
# A release from start to seal: the gate needs positive proof; operators are held to the rules; everything is recorded.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy '.phases[2].traffic.agency = 0'
make_config auto
start_daemon

ctl_says "help" 0 "Examples:" --help
ctl_says "version" 0 "guardrailctl" --version
ctl_says "no command" 2 "a command is missing"
ctl_says "did you mean" 2 'did you mean "release"' relaese list
ctl_says "did you mean a verb" 2 'did you mean "advance"' release advanec d1
ctl_says "no id" 2 "needs a deployment id" release show
ctl_says "bad id" 2 "cannot be a deployment id" release show ../../x
ctl_says "too many" 2 "one argument too many" release list x
ctl_says "no reason" 2 "needs --reason" release advance d1
ctl_says "an option of another command" 2 "--override does not go with show" release show d1 --override
ctl_says "no end" 2 "needs --for or --until" release override d1 --reason x
ctl_says "two ends" 2 "exclude each other" release override d1 --reason x --for 5m --until 2099-01-01T00:00:00Z
ctl_says "no number" 2 "is no number" deadletter drop x --reason x
ctl_says "bad stream text" 2 "LABEL=VALUE" release start --stream equities --deployment d1
ctl_says "empty list" 0 "no releases" release list
ctl_says "unknown deployment" 2 "no such deployment" release show d1
ctl_says "unknown stream" 1 "cluster=crypto" release start --stream cluster=bonds --deployment d1
ctl_says "bad deployment" 2 "letters, digits" release start --stream cluster=equities --deployment 'a b'
ctl_says "start" 0 "preflight" release start --stream cluster=equities --deployment d1 --by jane
ctl_says "used id" 1 "already registered" release start --stream cluster=crypto --deployment d1 --by jane
ctl_says "second of a stream" 1 "active release: d1" release start --stream cluster=equities --deployment d2 --by jane
ctl_says "list" 0 "d1" release list
ctl_says "status" 0 "mode                 auto" status

# each manual page knows each option
for pair in "guardraild 8" "guardrailctl 1"; do
    set -- $pair
    for option in $("$GR_BUILDDIR/$1" --help | grep -o -e '--[a-z-]*' | sort -u); do
        grep -q -e "Fl -${option#--}" "$GR_SRCDIR/man/$1.$2" || fail "$1.$2 does not mention $option"
    done
done

# preflight: only schema_changes is expected there, and the check has to pass
ctl_says "gate: check not run, no verdict" 1 "check replay was not run yet" gate d1
ctl_says "gate: verdict missing" 1 "schema_changes {}: no verdict" gate d1
echo 4 >"$dir/exit-replay"
vector '{"metric":{"guardrail":"schema_changes"},"value":[1,"0"]}' >"$dir/standin/verdict.json"
ctl_says "check fails" 1 "check replay failed: exit 4" release advance d1 --by jane --reason go
rm "$dir/exit-replay"
ctl_says "advance" 0 "phase_1" release advance d1 --by jane --reason "replay is clean"
is "replay ran twice" "$(ran replay)" 2

# phase_1: the verdicts
ctl_says "nothing there" 1 "error_rate: no verdict in 2 slices: {" gate d1
healthy
ctl_says "healthy" 0 "open: d1 in phase_1" gate d1
vector "$(verdict error_rate XNAS making 0),$(verdict error_rate XNAS agency 1),$(verdict model_drift x x 0)" >"$dir/standin/verdict.json"
ctl_says "insufficient" 1 "error_rate {flow=agency, venue=XNAS}: insufficient" gate d1
vector "$(verdict error_rate XNAS making 1),$(verdict error_rate XNAS agency 1),$(verdict model_drift x x 0)" >"$dir/standin/verdict.json"
vector "$(verdict error_rate XNAS making 1 | sed 's/"flow"/"reason":"thin","flow"/'),$(verdict error_rate XNAS agency 1 | sed 's/"flow"/"reason":"thin","flow"/')" >"$dir/standin/value.json"
ctl_says "insufficient, in one line with the reason" 1 "error_rate: insufficient (thin) in 2 slices: {" gate d1
vector '' >"$dir/standin/value.json"
vector "$(verdict error_rate XNAS making 0),$(verdict error_rate XNAS agency NaN),$(verdict model_drift x x 0)" >"$dir/standin/verdict.json"
ctl_says "NaN is not healthy" 1 "no valid verdict" gate d1
vector "$(verdict error_rate XNAS making 0),$(verdict error_rate XNAS agency 0)" >"$dir/standin/verdict.json"
ctl_says "one guardrail silent" 1 "model_drift {}: no verdict" gate d1
rm "$dir/standin/verdict.json"
ctl_says "Prometheus is down" 1 "Prometheus could not be asked" gate d1
is "and advance says the same" "$(ctl release advance d1 --by jane --reason go >/dev/null 2>&1; echo $?)" 1
healthy
is "the gate over HTTP" "$(curl -s "$base/v1/releases/d1/gate" | jq -c .promote)" true
is "an open soft breach" "$(soft d1 | post /v1/alerts)" 200
ctl_says "blocks" 1 "open breach soft" gate d1
eventually "extends" sh -c "\"$ctl_bin\" --socket \"$dir/admin.sock\" --json release show d1 | grep -q '\"extended\":true'"
is "resolved" "$(payload "$(alert resolved GuardrailSoftBreach soft d1 phase_1)" | post /v1/alerts)" 200
eventually "over, and not reviewed" sh -c "\"$ctl_bin\" --socket \"$dir/admin.sock\" gate d1 | grep -q 'waits for its review: guardrailctl ack d1'"
ctl_says "another guardrail's" 1 "nothing to acknowledge" ack d1 --by jane --guardrail refdata --reason "looked at it"
ctl_says "review" 0 "acknowledged: 1 breaches that are over, 0 pages" ack d1 --by jane --reason "a burst at the open"
ctl_says "twice" 1 "nothing to acknowledge" ack d1 --by jane --reason "again"
is "who reviewed it" "$(show d1 | jq -r '.breaches[0].acknowledged_by')" jane
eventually "open again after the extension" sh -c "\"$ctl_bin\" --socket \"$dir/admin.sock\" gate d1"
ctl_says "hold" 0 "halting" release hold d1 --by jane --reason "the exchange is halting"
ctl_says "held" 1 ": the exchange is halting" gate d1
is "a hard breach while held" "$(hard d1 | post /v1/alerts)" 200
sleep 0.3
is "runs nothing" "$(ran freeze)" 0
is "state" "$(state_of d1)" running
is "resolved" "$(payload "$(alert resolved GuardrailHardBreach hard d1 phase_1)" | post /v1/alerts)" 200
ctl_says "resume" 0 "phase_1" release resume d1 --by jane --reason "open again"
ctl_says "nothing to resume" 1 "nothing holds" release resume d1 --by jane --reason "again"
ctl_says "a hard breach blocks even when it is over" 1 "a hard breach in this phase" release advance d1 --by jane --reason go
ctl_says "override" 0 "phase_2" release advance d1 --by jane --reason "INC-7, commander Kim" --override
is "override is written down" "$(show d1 | jq -r '.phases[2] | "\(.override) \(.note)"')" "true INC-7, commander Kim"
vector "$(verdict error_rate XNAS making 0)" >"$dir/standin/verdict.json"
ctl_says "a flow without traffic is not waited for" 0 "open: d1 in phase_2" gate d1
echo 1 >"$dir/exit-tickets"
cp "$dir/actions/bin/tickets" "$dir/actions/bin/tickets-closed"
ctl_says "what the next phase requires" 1 "general requires tickets" release advance d1 --by jane --reason go
rm "$dir/exit-tickets"
ctl_says "sealed" 0 "sealed" release advance d1 --by jane --reason "signed off"
record="$dir/reports/release_decisions/d1.yaml"
eventually "record is sealed" sh -c "[ \"\$(stat -c %a '$record')\" = 444 ]"
is "documents" "$(grep -c "^---" "$record")" 8
is "final phase series" "$(curl -s "$base/metrics" | grep '^guardrail_release_phase{.* 1$' | grep -c 'phase="general"')" 1
is "a hard alert of a sealed release runs nothing" "$(hard d1 phase_2 | post /v1/alerts):$(ran freeze)" 200:0
ctl_says "aborting it" 1 "sealed" release abort d1 --by jane --reason x
ctl_says "the stream is free" 0 "preflight" release start --stream cluster=equities --deployment d2 --by jane
ctl_says "abort" 0 "aborted" release abort d2 --by jane --reason "wrong build"

# 400s of the admin API change nothing
admin() { curl -s -o "$dir/answer" -w '%{http_code}' --unix-socket "$dir/admin.sock" -H 'Content-Type: application/json' -d "$2" "http://x$1"; }
is "no by" "$(admin /v1/releases/d1/hold '{"reason":"x"}')" 400
is "by guardraild" "$(admin /v1/releases/d1/hold '{"by":"guardraild","reason":"x"}')" 400
is "by no text" "$(admin /v1/releases/d1/hold '{"by":7,"reason":"x"}')" 400
is "no object" "$(admin /v1/releases/d1/hold '[]')" 400
is "long reason" "$(admin /v1/releases/d1/hold "{\"by\":\"a\",\"reason\":\"$(head -c 1001 /dev/zero | tr '\0' x)\"}")" 400
is "socket mode" "$(stat -c %a "$dir/admin.sock")" 660

# observe: nothing is carried out
stop_daemon
make_config observe
start_daemon
start_release d3
ctl release advance d3 --by jane --reason x --override >/dev/null
: >"$dir/standin/slack.log"
is "observe: hard" "$(hard d3 | post /v1/alerts)" 200
is "observe: soft" "$(soft d3 | post /v1/alerts)" 200
is "observed" "$(effects d3 rollback observed):$(effects d3 notify observed):$(state_of d3)" 1:1:running
is "nothing ran, nothing was sent" "$(ran freeze):$(wc -c <"$dir/standin/slack.log")" 0:0
stop_daemon
make_config auto
start_daemon
sleep 0.5
is "and it stays so in mode auto" "$(ran freeze):$(effects d3 rollback observed)" 0:1

# tokens
stop_daemon
(umask 077; echo ingest-0123456789abcdef >"$dir/ingest"; echo admin-0123456789abcdef >"$dir/admin"; echo read-0123456789abcdef >"$dir/read")
echo 'auth: {ingest_token_file: ingest, admin_token_file: admin, read_token_file: read}' >>"$dir/guardraild.yml"
start_daemon
as() { tok=$1; shift; curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $tok" -H 'Content-Type: application/json' "$@"; }
is "no token" "$(hard d3 | post /v1/alerts)" 401
is "wrong token" "$(as ingest-0123456789abcdeX -d "$(hard d3)" "$base/v1/alerts")" 401
is "ingest may ingest" "$(as ingest-0123456789abcdef -d "$(hard nobody)" "$base/v1/alerts")" 200
is "ingest may not read" "$(as ingest-0123456789abcdef "$base/v1/releases")" 403
is "ingest may not hold" "$(as ingest-0123456789abcdef -d '{}' "$base/v1/releases/d3/hold")" 403
is "read may read" "$(as read-0123456789abcdef "$base/v1/releases")" 200
is "admin may read" "$(as admin-0123456789abcdef "$base/v1/releases")" 200
is "admin over TCP" "$("$ctl_bin" --url "$base" --token-file "$dir/admin" release hold d3 --by jane --reason x >/dev/null; echo $?)" 0
chmod 644 "$dir/admin"
stop_daemon
is "an open token file" "$("$guardraild" --config "$dir/guardraild.yml" >/dev/null 2>&1; echo $?)" 2
chmod 600 "$dir/admin"

# what refuses to start
bad() { # NAME STATUS LINE TEXT
    sed '/^listen:/d' "$dir/guardraild.yml" >"$dir/bad.yml"
    echo "$3" >>"$dir/bad.yml"
    out=$("$guardraild" --config "$dir/bad.yml" --check-config 2>&1)
    got=$?
    if [ $got -eq "$2" ] && printf '%s' "$out" | grep -q -e "$4"; then echo "ok: $1"; else fail "$1: status $got: $out"; fi
}
bad "all addresses" 1 "listen: 0.0.0.0:9095" GR0602
bad "a name for an address" 1 "listen: localhost:9095" GR0209
bad "an unknown key" 1 "lisen: 127.0.0.1:0" 'listen'
bad "tls" 1 "tls: {}" GR0102
is "no such file" "$("$guardraild" --config "$dir/none.yml" 2>/dev/null; echo $?)" 2
is "no option" "$("$guardraild" 2>/dev/null; echo $?)" 2
make_policy '.time_scale = 10'
is "a scaled policy in mode auto" "$("$guardraild" --config "$dir/guardraild.yml" --check-config >/dev/null 2>&1; echo $?)" 1
is "with --allow-scaled" "$("$guardraild" --config "$dir/guardraild.yml" --check-config --allow-scaled 2>&1 | grep -c GR0602)" 0
make_policy
start_daemon
is "two daemons on one store" "$("$guardraild" --config "$dir/guardraild.yml" 2>&1 | grep -c "holds the store's lock")" 1
