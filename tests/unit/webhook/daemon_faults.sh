#!/bin/sh
# The network between guardraild and its targets fails: after it has healed every message has arrived, and no incident or ticket twice.
# FAULTS="latency bandwidth slicing slow_close down timeout reset truncation" for all; two of them otherwise.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
. "$here/pki.sh"
faults=${FAULTS:-slicing reset}
rounds=$(echo "$faults" | wc -w)
proxy_pid=
target_pid=
end_targets() { stop_pid "$proxy_pid"; stop_pid "$target_pid"; finish; }
trap end_targets EXIT

make_actions
start_standin
new_ca ca
new_cert ca target localhost IP:127.0.0.1 serverAuth
"$GR_BUILDDIR/tests/standins/standin" --tls "$dir/pki/target.crt" "$dir/pki/target.key" >"$dir/target" &
target_pid=$!
eventually "targets listen" test -s "$dir/target" || exit 1
target=$(cat "$dir/target")
echo none >"$dir/fault"
/usr/bin/python3 "$GR_SRCDIR/tests/standins/proxy.py" "$dir/proxy" "$dir/fault" "${target##*:}" &
proxy_pid=$!
eventually "the proxy listens" test -s "$dir/proxy" || exit 1
outside="https://127.0.0.1:$(cat "$dir/proxy")"

make_policy '.actions.ticket.base_url = "'"$outside"'/jira/dc"
    | .actions.ops = {kind: "jsm", base_url: "'"$outside"'/jsm", token_file: "ops"}
    | .actions.thread = {kind: "slack", channel: "C0123456789", token_file: "slack.token"}
    | .actions.hook = {kind: "http", base_url: "'"$outside"'/http"}
    | (.guardrails[] | select(.name == "error_rate") | .on.soft) = ["extend", "notify", "ticket", "page", "ops", "hook", "thread"]'
make_config auto
sed -i "s|^targets:.*|targets: {pagerduty_url: \"$outside/pagerduty/v2/enqueue\", slack_url: \"$outside/slack-api\", ca_file: pki/ca.crt, private_hosts: [127.0.0.1]}|" "$dir/guardraild.yml"
(umask 077
 echo "$outside/slack" >"$dir/secrets/slack.url"
 echo xoxb-standin-0123456789 >"$dir/secrets/slack.token"
 echo dc-token-0123456789 >"$dir/secrets/jira.token"
 echo 00000000-0000-4000-8000-000000000000 >"$dir/secrets/ops")
start_daemon
start_release d1
ctl release advance d1 --by jane --reason x --override >/dev/null

told() { show d1 | jq '[.effects[] | select(.state == "done" and (.kind == "notify" or .kind == "ticket" or .kind == "page"))] | length'; }
told_is() { [ "$(told)" = "$1" ]; }
put_back() { grep -c "message put back" "$dir/log"; }
more_put_back() { [ "$(put_back)" -ge "$1" ]; }
received() { curl -s --cacert "$dir/pki/ca.crt" "$target/received" | jq "$1"; }

done=0
for fault in $faults; do
    before=$(put_back)
    echo "$fault" >"$dir/fault"
    payload "$(alert firing GuardrailSoftBreach soft d1 phase_1 | sed "s/XNAS/X$fault/")" | post /v1/alerts >/dev/null
    case $fault in down | timeout | reset | truncation) eventually "$fault: messages are put back" more_put_back $((before + 3)) ;; esac
    case $fault in latency | bandwidth | slicing | slow_close) eventually "$fault: told meanwhile" told_is $((done + 6)) ;; esac
    echo none >"$dir/fault"
    done=$((done + 6))
    for _ in 1 2 3; do told_is $done || eventually "$fault: healed" told_is $done >/dev/null; done
    is "$fault: all are told" "$(told)" $done
done
is "no dead letters" "$(ctl --json deadletter list | jq '.deadletters | length')" 0
is "one issue each" "$(received '.issues | length')" "$rounds"
is "no comment" "$(received '[.issues[].comments[]] | length')" 0
is "one alert each" "$(received '.alerts | length')" "$rounds"
is "one incident each" "$(received '[.messages[] | select(.target == "pagerduty") | .message.dedup_key] | unique | length')" "$rounds"
is "Slack, with a token: one each" "$(received '.posts | length')" "$rounds"
is "one post each" "$(received '[.messages[] | select(.target == "http")] | length')" "$rounds"
# What follows goes through the last of the faults, too: who took it, and that it is over.
follows() { received "[.messages[] | select(.target == \"pagerduty\" and .message.event_action == \"$1\")] | length"; }
follows_are() { [ "$(follows "$1")" -ge "$2" ]; }
before=$(put_back)
echo "${faults##* }" >"$dir/fault"
ctl ack d1 --by jane --reason "I have it" >/dev/null
case ${faults##* } in down | timeout | reset | truncation) eventually "what follows is put back" more_put_back $((before + 1)) ;; esac
echo none >"$dir/fault"
eventually "acknowledged" follows_are acknowledge "$rounds"
ctl release abort d1 --by jane --reason "no" >/dev/null
for fault in $faults; do
    payload "$(alert resolved GuardrailSoftBreach soft d1 phase_1 | sed "s/XNAS/X$fault/")" | post /v1/alerts >/dev/null
done
eventually "over" follows_are resolve "$rounds"
all_closed() { [ "$(received '[.alerts[] | select(.status == "closed")] | length')" = "$rounds" ]; }
eventually "over at Jira Service Management" all_closed
is "incidents that were acknowledged and resolved" \
    "$(received '[.messages[] | select(.target == "pagerduty" and .message.event_action != "trigger") | .message.dedup_key] | unique | length')" "$rounds"
is "no dead letters" "$(ctl --json deadletter list | jq '.deadletters | length')" 0
slack=$(received '[.messages[] | select(.target == "slack")] | length')
is "Slack: at least one each" "$([ "$slack" -ge "$rounds" ]; echo $?)" 0
echo "$rounds faults, $(put_back) attempts put back, Slack heard $((slack - rounds)) messages twice"
stop_daemon
[ $failures -eq 0 ]
