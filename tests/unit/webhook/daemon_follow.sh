#!/bin/sh
# What follows a message: acknowledged here is acknowledged there; over is over only when the release has ended and the alerts are; what a target will not
# have is told to another. Slack has one thread for each guardrail of a deployment. All of it against strict stand-ins.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
target_pid=
end_target() { stop_pid "$target_pid"; finish; }
trap end_target EXIT

make_actions
start_standin
"$GR_BUILDDIR/tests/standins/standin" >"$dir/target" &
target_pid=$!
eventually "targets listen" test -s "$dir/target" || exit 1
outside=$(cat "$dir/target")

make_policy '.actions.ticket += {base_url: "'"$outside"'/jira/dc", close: "Done"}
    | .actions.notify = {kind: "slack", channel: "C0123456789", token_file: "slack.token"}
    | .actions.ops = {kind: "jsm", base_url: "'"$outside"'/jsm", token_file: "ops"}
    | .actions.hook = {kind: "http", base_url: "'"$outside"'/http", body: "{\"kind\": \"{kind}\", \"title\": \"{title}\"}"}
    | .actions.badge = {kind: "pagerduty", service: "x", routing_key_file: "missing.key", escalate_after_ms: 600000, escalate_to: "commander"}
    | (.guardrails[] | select(.name == "error_rate") | .on) = {hard: ["rollback", "page", "ops", "notify", "hook", "ticket"], soft: ["extend", "notify"]}
    | (.guardrails[] | select(.name == "refdata") | .on.hard) = ["halt", "badge"]'
make_config auto
sed -i "s|^targets:.*|targets: {pagerduty_url: \"$outside/pagerduty/v2/enqueue\", slack_url: \"$outside/slack-api\", allow_http: true, private_hosts: [127.0.0.1]}|" \
    "$dir/guardraild.yml"
(umask 077
 echo xoxb-standin-0123456789 >"$dir/secrets/slack.token"
 echo dc-token-0123456789 >"$dir/secrets/jira.token"
 echo 00000000-0000-4000-8000-000000000000 >"$dir/secrets/ops")
start_daemon
received() { curl -s "$outside/received" | jq -r "$1"; }
is_received() { [ "$(received "$1")" = "$2" ]; }
events() { printf '[.messages[] | select(.target == "pagerduty") | .message.event_action] | map(select(. == "%s")) | length' "$1"; }
titles='[.posts[] | .message.blocks[0].text.text] | join(" / ")'

start_release d1
ctl release advance d1 --by jane --reason x --override >/dev/null
soft d1 | post /v1/alerts >/dev/null
eventually "a soft breach is posted" is_received '.posts | length' 1
starts=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
payload "$(alert firing GuardrailHardBreach hard d1 phase_1 "$starts")" | post /v1/alerts >/dev/null
eventually "rolled back" state_is d1 rolled_back
eventually "the breach and how it ended are posted" is_received '.posts | length' 3
is "in one thread" "$(received '[.posts[1, 2].thread_ts] | unique | length == 1')$(received '.posts[1].thread_ts == .posts[0].ts')" truetrue
is "the first says how it stands, the breach is shown in the channel" "$(received "$titles")$(received '.posts[1].broadcast')" \
    "Rolled back: error_rate (d1) / Hard breach, rolling back: error_rate (d1) / Rolled back: error_rate (d1)true"
is "a page" "$(received "$(events trigger)")" 1
is "nobody has acknowledged" "$(received "$(events acknowledge)")$(received "$(events resolve)")" 00
ctl ack d1 --by jane --reason "I have it" >/dev/null
eventually "acknowledged at PagerDuty" is_received "$(events acknowledge)" 1
eventually "at Jira Service Management" is_received '.alerts[0].status' acked
eventually "and said in the thread" is_received '.posts | length' 4
is "by whom" "$(received '.posts[3].message.text')" "Acknowledged: error_rate (d1) - by jane"
eventually "and to the hook" is_received '[.messages[] | select(.target == "http") | .message.kind] | join(" ")' "breach acknowledged"

# The alerts go on: nothing is over, though the release has ended.
ctl ack d1 --by jane --reason "again" >/dev/null 2>&1
is "nothing is over" "$(received "$(events resolve)")$(received '.issues[0].status')" "0To Do"
payload "$(alert resolved GuardrailHardBreach hard d1 phase_1 "$starts")" | post /v1/alerts >/dev/null
payload "$(alert resolved GuardrailSoftBreach soft d1 phase_1)" | post /v1/alerts >/dev/null
eventually "over at PagerDuty" is_received "$(events resolve)" 1
eventually "at Jira Service Management" is_received '.alerts[0].status' closed
eventually "in Jira" is_received '.issues[0].status' Done
eventually "in the thread, once" is_received '.posts | length' 5
is "the first says so" "$(received '.posts[0].message.blocks[0].text.text')" "Over: error_rate (d1)"
is "one incident, with one key" "$(received '[.messages[] | select(.target == "pagerduty") | .message.dedup_key] | unique | length')" 1

# An alert that resolves while its release runs on ends nothing.
start_release d2
for _ in 1 2; do ctl release advance d2 --by jane --reason x --override >/dev/null; done
refdata() { payload "$(alert "$1" GuardrailHardBreach hard d2 phase_2 "$starts" | sed 's/"error_rate"/"refdata"/; s/,"venue":"XNAS","flow":"making"//')"; }
refdata firing | post /v1/alerts >/dev/null
eventually "who has no key is not told, but the commander" is_received '[.messages[] | select(.target == "pagerduty") | .message.payload.summary] | map(select(. != null and contains("refdata"))) | length' 1
is "with what was the matter" "$(received '[.messages[] | select(.target == "pagerduty")] | last | .message.payload.custom_details.why' | grep -c '^badge could not be told (the secret file missing.key')" 1
is "the dead letter is kept" "$(ctl --json deadletter list | jq -r '[.deadletters[] | .action] | join(" ")')" badge
refdata resolved | post /v1/alerts >/dev/null
is "d2 is halted" "$(state_of d2)" halted
is "nothing more is over" "$(received "$(events resolve)")" 1
ctl release abort d2 --by jane --reason "no" >/dev/null
eventually "with its end it is" is_received "$(events resolve)" 2

# A target that does not answer is left alone, and that is a metric.
curl -s -d '{"target":"slack-api","status":503,"retry_after":60}' "$outside/control" >/dev/null
start_release d3
ctl release advance d3 --by jane --reason x --override >/dev/null
soft d3 | post /v1/alerts >/dev/null
rests() { curl -s "$base/metrics" | grep -q '^guardraild_target_resting_seconds{target="slack",action="notify"} [1-9]'; }
eventually "a target that asked for a pause rests, and /metrics says so" rests
stop_daemon
[ $failures -eq 0 ]
