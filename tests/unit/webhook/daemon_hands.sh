#!/bin/sh
# What people say and do: dead letters, pages, overrides that end. Each is in the audit log with its author.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy '.actions.page.escalate_after_ms = 1000'
make_config auto
start_daemon

letters() { ctl --json deadletter list | jq -r "[.deadletters[] | select(.target == \"$1\")] | length"; }
letters_are() { [ "$(letters "$1")" = "$2" ]; }
letter() { ctl --json deadletter list | jq -r "[.deadletters[] | select(.target == \"$1\")][0].id"; }
logged() { cat "$dir"/reports/audit/*.jsonl | grep -c "\"actor\":\"$1\".*\"event\":\"$2\""; }
logged_is() { [ "$(logged "$1" "$2")" = "$3" ]; }

# dead letters
start_release d1
ctl release advance d1 --by jane --reason x --override >/dev/null
echo 404 >"$dir/standin/slack.status"
soft d1 | post /v1/alerts >/dev/null
eventually "a dead letter" letters_are slack 1
echo 200 >"$dir/standin/slack.status"
ctl_says "of no number" 1 "no such dead letter" deadletter retry 999
ctl_says "one again" 0 "dead letter sent again: 1" deadletter retry "$(letter slack)" --by jane --reason "channel is back"
eventually "it is told" effects_are d1 notify done 1
eventually "on record" logged_is jane "dead letter sent again" 1
echo 404 >"$dir/standin/slack.status"
payload "$(alert firing GuardrailSoftBreach soft d1 phase_1 | sed 's/XNAS/XPAR/')" | post /v1/alerts >/dev/null
eventually "another one" letters_are slack 1
ctl_says "dropping needs a reason" 2 "needs --reason" deadletter drop "$(letter slack)"
ctl_says "dropped" 0 "dead letter dropped: 1" deadletter drop "G-$(letter slack)" --by jane --reason "told them by phone"
is "none left" "$(letters slack)" 0
echo 200 >"$dir/standin/slack.status"
eventually "Jira's token is missing" letters_are jira 2
ctl_says "all that is left" 0 "dead letter sent again: 2" deadletter retry --all --by jane

# a page is taken, by its number or with the release
hard d1 | post /v1/alerts >/dev/null
eventually "rolled back" state_is d1 rolled_back
# who does not answer in time is not the only one: once to the next
eventually "escalated" sh -c "cat '$dir'/reports/audit/*.jsonl | grep -q '\"event\":\"page escalated\"'"
is "to the commander" "$(show d1 | jq -r '[.effects[] | select(.action == "commander")] | length')" 1
eventually "who is told" sh -c "[ \"\$(wc -l <'$dir/standin/pagerduty.log')\" -ge 2 ]"
page=$(show d1 | jq -r '[.effects[] | select(.kind == "page")][0].id')
ctl_says "a page" 0 "page acknowledged: 1" ack --page "G-$page" --by kim --reason "on it"
ctl_says "twice" 1 "acknowledged already" ack --page "$page" --by kim --reason "on it"
is "by whom" "$(show d1 | jq -r "[.effects[] | select(.id == $page)][0].acknowledged_by")" kim
is "a page that is none" "$(curl -s -o "$dir/answer" -w '%{http_code}' --unix-socket "$dir/admin.sock" -H 'Content-Type: application/json' \
    -d '{"by":"kim","reason":"x"}' http://x/v1/pages/x/ack)" 404

# an override opens the gate for a while; a hold keeps it closed all the same
start_release d2
ctl_says "closed" 1 "closed: d2" gate d2
ctl_says "too long" 2 "4 hours at most" release override d2 --for 5h --by jane --reason "INC-7"
ctl_says "not a time" 2 "takes a duration" release override d2 --for soon --by jane --reason "INC-7"
ctl_says "opened" 0 "preflight" release override d2 --for 30m --by jane --reason "INC-7, commander Kim"
ctl_says "open, and says why" 0 "opened by jane until" gate d2
is "with what is known against it" "$(ctl --json gate d2 | jq -r '.promote, (.reasons | length > 0)' | tr '\n' ' ')" "true true "
ctl release hold d2 --by jane --reason "exchange" >/dev/null
ctl_says "no override of a hold" 1 "held by jane until" gate d2
ctl release resume d2 --by jane --reason "goes on" >/dev/null
ctl_says "advance" 0 "phase_1" release advance d2 --by jane --reason "as INC-7 says"
is "as an override" "$(show d2 | jq -r '.phases[1].override')" true
ctl_says "for one phase alone" 1 "closed: d2" gate d2
ctl release override d2 --for 1s --by jane --reason "INC-8" >/dev/null
eventually "it ends" sh -c "! \"$ctl_bin\" --socket \"$dir/admin.sock\" gate d2"
eventually "on record" logged_is jane "gate opened by override" 2

# a plan, and a question at a terminal
ctl_says "a dry run: the gate is closed" 1 "runs the checks, asks the gate" release advance d2 --by jane --reason x --dry-run
ctl_says "a dry run" 0 "d2 is running in phase_1" release abort d2 --by jane --reason x --dry-run
is "as JSON" "$(ctl --json release abort d2 --by jane --reason x --dry-run | jq -r '"\(.dry_run) \(.known.release.state)"')" "true running"
ctl_says "of nobody" 2 "no such deployment" release abort d9 --by jane --reason x --dry-run
is "changes nothing" "$(state_of d2)" running
cat >"$dir/terminal.py" <<'PY'
"""terminal.py ANSWER COMMAND...: at a terminal, with the answer typed when it asks; prints what it showed and its exit status."""
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, typed = b"", False
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    if b"[y/N]" in seen and not typed:
        os.write(fd, sys.argv[1].encode() + b"\n")
        typed = True
print(seen.decode(), "exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
at_terminal() {
    typed=$1
    shift
    TERM=xterm timeout 60 /usr/bin/python3 "$dir/terminal.py" "$typed" "$ctl_bin" --socket "$dir/admin.sock" "$@"
}
is "asked, and no" "$(at_terminal n release abort d2 --by jane --reason x | grep -c -e 'ends the release without a rollback' -e 'Nothing was changed' -e 'exit 1')" 3
is "nothing changed" "$(state_of d2)" running
is "not asked with --yes" "$(at_terminal n release hold d2 --by jane --reason x --yes | grep -c -e 'Go on')" 0
is "asked, and yes" "$(at_terminal y release resume d2 --by jane --reason x | grep -c 'exit 0')" 1
green=$(printf '\033[32mrunning\033[0m')
is "coloured words" "$(at_terminal n status | grep -cF "$green")" 1
is "but not against the wish" "$(NO_COLOR=1 at_terminal n status | grep -cF "$green")" 0
is "nor in a pipe" "$(ctl status | grep -cF "$green")" 0
is "status again and again" "$(timeout -s INT 5 "$ctl_bin" --socket "$dir/admin.sock" status --watch | grep -c '^mode' | sed 's/^[2-9]$/often/')" often
ctl_says "--watch is status's" 2 "--watch does not go with gate" gate d2 --watch

ctl_says "the log is whole" 0 "" verify --store
