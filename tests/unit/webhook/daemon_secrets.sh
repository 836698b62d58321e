#!/bin/sh
# Every secret file holds a canary. After a full and unlucky scenario at log level debug, none of them is anywhere but with whom it is for.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy '.actions.thread = {kind: "slack", channel: "C0123456789", token_file: "bot.token"}
    | (.guardrails[] | select(.name == "error_rate") | .on.soft) += ["thread"]'
make_config auto
sed -i "s|^targets: {|targets: {slack_url: \"http://127.0.0.1:$standin_port/bot-api\", |" "$dir/guardraild.yml"

# Letters and digits, as keys are; each unlike the others.
canary() { echo "CANARY$1" | cat - /dev/urandom | LC_ALL=C tr -dc 'A-Z0-9' | head -c 32; }
for name in slack bot pagerduty commander jira ingest read admin rotated wrong broken open; do
    canary "$(echo $name | tr a-z A-Z)" >"$dir/canary.$name"
    { cat "$dir/canary.$name"; echo; } >>"$dir/canaries"
    { base64 -w0 <"$dir/canary.$name" | cut -c1-40; } >>"$dir/canaries"
done
is "twelve canaries" "$(grep -c ^CANARY "$dir/canaries")" 12
of() { cat "$dir/canary.$1"; }
(umask 077
 echo "http://127.0.0.1:$standin_port/slack/services/T00000000/$(of slack)" >"$dir/secrets/slack.url"
 echo "xoxb-$(of bot)" >"$dir/secrets/bot.token"
 of pagerduty >"$dir/secrets/pagerduty.key"
 of commander >"$dir/secrets/commander.key"
 of jira >"$dir/secrets/jira.token"
 for role in ingest read admin; do { of $role; echo; } >"$dir/secrets/$role.token"; done
 cat >>"$dir/guardraild.yml" <<YAML
auth:
  ingest_token_file: secrets/ingest.token
  read_token_file: secrets/read.token
  admin_token_file: secrets/admin.token
log: {format: logfmt, level: debug}
YAML
)
mkdir "$dir/seen"
# A program tells all it knows: arguments, environment, open descriptors, and those of its parents.
cat >"$dir/actions/bin/freeze" <<SCRIPT
#!/bin/bash
echo "freeze \$*" >>"$dir/ran"
{ echo "\$@"; env; ls -l /proc/self/fd; pid=\$\$
  while [ "\$pid" -gt 1 ] && [ "\$pid" != "\$(cat "$dir/daemon.pid")" ]; do
      cat /proc/\$pid/cmdline /proc/\$pid/environ
      pid=\$(sed -n 's/^PPid:[[:space:]]*//p' /proc/\$pid/status)
  done; } >>"$dir/seen/program" 2>&1
SCRIPT

# Everything that is not a secret's own place: no stand-in, which is who they are for, and no file that holds them.
hits() { grep -r -a -i -l -F -f "$dir/canaries" "$dir" --exclude-dir=standin --exclude-dir=secrets --exclude='canar*' | wc -l; }
bearer() { of="$1"; shift; curl -s -m 20 -H "Authorization: Bearer $of" "$@"; }
ask() { bearer "$(of admin)" "$base$1" >>"$dir/seen/answers"; }
alert_as() { curl -s -o "$dir/answer" -w '%{http_code}' -m 30 -H "Authorization: Bearer $1" -H 'Content-Type: application/json' --data-binary @- "$base/v1/alerts"; }
look() {
    for path in /metrics /v1/status /v1/deadletters /v1/releases /v1/releases/d1 /v1/releases/d2 /v1/releases/d1/gate; do ask "$path"; done
    ctl --json status >>"$dir/seen/ctl" 2>&1
    ctl deadletter list >>"$dir/seen/ctl" 2>&1
    ctl release show d1 >>"$dir/seen/ctl" 2>&1
    for pid in $daemon_pid $(cat /proc/"$daemon_pid"/task/*/children); do
        cat "/proc/$pid/cmdline" "/proc/$pid/environ" /proc/"$pid"/task/*/comm >>"$dir/seen/proc" 2>&1
    done
}

start_daemon
echo "$daemon_pid" >"$dir/daemon.pid"
is "wrong token" "$(hard d1 | alert_as "$(of wrong)")" 401
is "the read token may not post" "$(hard d1 | alert_as "$(of read)")" 403
is "no such scheme" "$(hard d1 | curl -s -o "$dir/answer" -w '%{http_code}' -H "Authorization: Basic $(of wrong | base64 -w0)" -H 'Content-Type: application/json' --data-binary @- "$base/v1/alerts")" 401
is "a token in the path" "$(curl -s -o "$dir/answer" -w '%{http_code}' "$base/v1/$(of wrong)")" 404
start_release d1
ctl release advance d1 --by tester --reason x --override >/dev/null
# Slack refuses, and repeats the address; then its path alone; then it takes the message.
echo 503 >"$dir/standin/slack.status"
cp "$dir/secrets/slack.url" "$dir/standin/slack.body"
is "soft breach" "$(soft d1 | alert_as "$(of ingest)")" 200
eventually "Slack was asked" test -s "$dir/standin/slack.log"
echo "no /services/T00000000/$(of slack)" >"$dir/standin/slack.body"
echo 404 >"$dir/standin/slack.status"
eventually "Slack is a dead letter" sh -c "\"$ctl_bin\" --socket \"$dir/admin.sock\" --json deadletter list | grep -q '\"slack\"'"
rm "$dir/standin/slack.body"
echo 200 >"$dir/standin/slack.status"
is "hard breach" "$(hard d1 | alert_as "$(of ingest)")" 200
eventually "rolled back" state_is d1 rolled_back
eventually "paged with the key" grep -q "$(of pagerduty)" "$dir/standin/pagerduty.log"
eventually "told with the address" sh -c "[ \$(wc -l <'$dir/standin/slack.log') -ge 3 ]"
eventually "record" grep -q rolled_back "$dir/reports/release_decisions/d1.yaml"
is "the program ran and told" "$(grep -a -c ^GR_DEPLOYMENT_ID=d1 "$dir/seen/program")" 1
look

# What is rotated is used at the next message; what is broken or open to others is refused, and not quoted.
of rotated >"$dir/secrets/pagerduty.key"
echo "http://127.0.0.1:$standin_port/slack/ $(of broken)" >"$dir/secrets/slack.url"
ctl release start --stream cluster=crypto --deployment d2 --by tester >/dev/null
ctl release advance d2 --by tester --reason x --override >/dev/null
as_crypto() { sed 's/"cluster":"equities"/"cluster":"crypto"/'; }
is "soft breach of another" "$(soft d2 | as_crypto | alert_as "$(of ingest)")" 200
eventually "a broken address is a dead letter" grep -q 'does not hold what this target needs' "$dir/log"
echo "http://127.0.0.1:1/$(of open)" >"$dir/secrets/slack.url"
chmod 644 "$dir/secrets/slack.url"
is "hard breach of another" "$(hard d2 | as_crypto | alert_as "$(of ingest)")" 200
eventually "paged with the new key" grep -q "$(of rotated)" "$dir/standin/pagerduty.log"
eventually "an open file is refused" grep -q 'is not private' "$dir/log"
chmod 600 "$dir/secrets/slack.url"
start_release d3
soft d3 preflight | alert_as "$(of ingest)" >/dev/null
"$guardraild" --config "$dir/guardraild.yml" --check-config >"$dir/seen/check" 2>&1
chmod 644 "$dir/secrets/ingest.token"
"$guardraild" --config "$dir/guardraild.yml" --check-config >>"$dir/seen/check" 2>&1
is "an open token file is refused" "$?" 2
echo short >"$dir/secrets/read.token"
chmod 600 "$dir/secrets/ingest.token"
"$guardraild" --config "$dir/guardraild.yml" --check-config >>"$dir/seen/check" 2>&1
{ of read; echo; } >"$dir/secrets/read.token"
look

# The runners were forked before any secret was read: not even their memory has one. (Where memory may be read.)
memory_hits() {
    /usr/bin/python3 - "$1" "$dir/canaries" <<'PY'
import sys
needles = [n for n in open(sys.argv[2], "rb").read().split(b"\n") if n.startswith(b"CANARY")]
hits = read = 0
with open("/proc/%s/mem" % sys.argv[1], "rb") as mem:
    for line in open("/proc/%s/maps" % sys.argv[1]):
        span, mode = line.split()[:2]
        if "r" not in mode or "[v" in line:
            continue
        begin, end = (int(x, 16) for x in span.split("-"))
        if end - begin > 1 << 30:
            continue
        try:
            mem.seek(begin)
            data = mem.read(end - begin)
        except OSError:
            continue
        read += len(data)
        hits += sum(n in data for n in needles)
print(hits if read else "nothing read")
PY
}
# (the reader can find one: this shell's own memory has them)
if [ "$(memory_hits $$ 2>/dev/null || echo 0)" -gt 0 ] 2>/dev/null; then
    for pid in $(cat /proc/"$daemon_pid"/task/*/children); do is "no secret in a runner's memory" "$(memory_hits "$pid")" 0; done
else
    echo "not looked at: the runners' memory (it may not be read here)"
fi

is "no secret in the open database, its log, the reports, answers, logs, programs" "$(hits)" 0
stop_daemon
is "nor in what is left" "$(hits)" 0
is "the log is of level debug" "$(grep -c level=debug "$dir/log" >/dev/null; echo $?)" 0

# Would it be noticed? Planted in each kind of place, plainly and as base64.
for place in log store.db seen/metrics reports/release_decisions/d1.yaml; do
    cp "$dir/$place" "$dir/before" 2>/dev/null || : >"$dir/before"
    printf 'x=%s' "$(of pagerduty)" >>"$dir/$place"
    is "a secret planted in $place is found" "$(hits)" 1
    cp "$dir/before" "$dir/$place"
    rm "$dir/before"
done
of jira | base64 -w0 >>"$dir/log"
is "so is one in base64" "$(hits)" 1
