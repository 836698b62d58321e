#!/bin/sh
# guardrailctl: what every verb's --json holds (docs/guardrailctl.md says so, and no more), what is drawn of verdicts, plans of everything that
# changes, and words for everything that goes wrong. SHAPES=1 prints the shapes as they are.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
doc=$GR_SRCDIR/docs/guardrailctl.md
unset NO_COLOR GUARDRAIL_SOCKET
make_actions
start_standin
make_policy
make_config auto
start_daemon

# members VERB PATH: as documented, one a line; those that may be absent end in "?"
members() { grep -F "| \`$1\` | \`$2\` | \`" "$doc" | sed 's/.*| `\(.*\)` |$/\1/; s/, */\n/g'; }
# shape VERB PATH ARGUMENTS…: the members of one object of the answer
shape() {
    verb=$1 path=$2
    shift 2
    ctl --json "$@" >"$dir/json" 2>"$dir/stderr"
    shape_of "$verb" "$path"
}
# shape_of VERB PATH: of the answer that is there already
shape_of() {
    got=$(jq -r "$2 | keys[]" "$dir/json" 2>&1)
    if [ -n "${SHAPES:-}" ]; then
        echo "| \`$1\` | \`$2\` | \`$(jq -r "$2 | keys_unsorted | join(\", \")" "$dir/json")\` |"
        return
    fi
    want=$(members "$1" "$2")
    missing=$(for m in $want; do case $m in *\?) ;; *) echo "$got" | grep -qx -e "$m" || echo "$m" ;; esac; done)
    unknown=$(for m in $got; do echo "$want" | tr -d '?' | grep -qx -e "$m" || echo "$m"; done)
    is "shape of $1 $2" "$([ -n "$want" ] || echo 'not documented'; echo $missing):$(echo $unknown)" ":"
}

# every verb has its rows
for verb in $("$ctl_bin" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z].*\)/\1/p' | sed 's/ *[-A-Z|<\[].*//; s/ bash.*//; s/ /_/g' | grep -v completion); do
    verb=$(echo "$verb" | tr _ ' ')
    is "documented: $verb" "$(grep -c "^| \`$verb\` | \`\.\`" "$doc")" 1
done
shape "release start" . release start --stream cluster=equities --deployment d1 --by jane --reason 'release 1'
shape_of "release start" .release
shape "release advance" . release advance d1 --by jane --reason 'no gate' --override
shape "release hold" . release hold d1 --for 1h --by jane --reason x
shape "release resume" . release resume d1 --by jane --reason x
shape "release override" . release override d1 --for 1m --by jane --reason x
shape "release deviate" . release deviate d1 --lasts 30m --commander kim --by jane --reason x
shape_of "release deviate" .release
shape gate . gate d1
shape_of gate .override
vector "$(verdict error_rate XNAS making 2),$(verdict error_rate XNAS agency 1),$(verdict model_drift x x 0)" >"$dir/standin/verdict.json"
printf '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"guardrail":"error_rate"},"values":[%s]}]}}' \
    "$(for i in 9 8 7 6 5 4 3 2 1 0; do printf '%s[%d,"%s"]' "$([ $i = 9 ] || echo ,)" $(($(date +%s) - 60 * i)) $((i > 2 ? 0 : 2)); done)" >"$dir/standin/verdicts.json"
sed 's/"2"/"0.75"/g' "$dir/standin/verdicts.json" >"$dir/standin/effects.json"
shape verdicts . verdicts d1
shape_of verdicts '.guardrails[0]'
shape_of verdicts '.guardrails[0].slices[0]'
is "verdicts: the worst, as words" "$(jq -r '.guardrails[0] | .guardrail, .verdict, (.slices | map(.verdict) | join(" "))' "$dir/json" | tr '\n' ' ')" "error_rate soft soft insufficient "
is "verdicts: thirty points" "$(jq -c '.guardrails[0] | [(.verdicts | length), (.effects | length), .verdicts[29], .effects[29], .verdicts[0]]' "$dir/json")" '[30,30,2,0.75,null]'
is "without UTF-8" "$(LC_ALL=C ctl verdicts d1 | sed -n '3s/  */ /gp')" 'error_rate soft ..........___ss 0.75 ___=# flow=making,venue=XNAS (1 of 2 slices)'
is "with UTF-8" "$(LC_ALL=C.UTF-8 ctl verdicts d1 | sed -n '3s/  */ /gp')" 'error_rate soft ··········▁▁▁▅▅ 0.75 ▁▁▁▅█ flow=making,venue=XNAS (1 of 2 slices)'
yellow=$(printf '\033[33m')
is "coloured where it is asked for" "$(ctl verdicts d1 --color always | grep -cF "${yellow}s")" 1
is "not in a pipe" "$(ctl verdicts d1 | grep -cF "$yellow")" 0
is "never, if that is asked for" "$(ctl status --color never | grep -cF "$yellow")" 0
is "in the status" "$(ctl status | grep -c '^error_rate *soft')" 1
cat >"$dir/terminal.py" <<'PYT'
"""terminal.py COMMAND...: at a terminal, until the screen was drawn twice; prints what stood there the first time."""
import os, pty, signal, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while seen.count(b"\033[H\033[2J") < 2:
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    if not piece:
        break
    seen += piece
os.kill(pid, signal.SIGINT)
sys.stdout.write((seen.split(b"\033[H\033[2J") + [b"", b""])[1].decode())
PYT
TERM=xterm LC_ALL=C.UTF-8 timeout 30 /usr/bin/python3 "$dir/terminal.py" "$ctl_bin" --socket "$dir/admin.sock" status --watch >"$dir/screen"
is "watched at a terminal: the time, the verdict, its line, in colours" \
    "$(head -1 "$dir/screen" | grep -c '^20[-0-9]*T[0-9:]*Z'):$(grep -cF "${yellow}soft" "$dir/screen"):$(grep -cF "▁$(printf '\033[0m')${yellow}▅" "$dir/screen")" 1:1:1
# why a verdict is insufficient, a slice that the policy does not list, one that is missing
# (it is asked once in ten seconds, and anew after a restart)
asked=$(wc -l <"$dir/standin/queries.log")
ctl verdicts d1 >/dev/null
is "who looks again is told what is known" "$(($(wc -l <"$dir/standin/queries.log") - asked))" 0
stop_daemon
vector "$(verdict error_rate XNAS agency 1),$(verdict error_rate XPAR making 3),$(verdict model_drift x x 0),$(verdict error_rate XNAS agency 1 | sed 's/"flow"/"reason":"thin",&/')" >"$dir/standin/verdict.json"
start_daemon
ctl --json verdicts d1 >"$dir/json"
is "when it was asked" "$(jq '(.at | fromdateiso8601) > 0 and .age_ms >= 0' "$dir/json")" true
is "slices" "$(jq -c '[.guardrails[0].slices[] | "\(.slice | to_entries | map(.value) | join("/")) \(.verdict) \(.reason // "")"]' "$dir/json")" \
    '["making/XNAS none ","agency/XNAS insufficient thin","making/XPAR hard "]'
stop_daemon
vector "$(verdict error_rate XNAS making 0),$(verdict error_rate XNAS agency 0),$(verdict model_drift x x 3)" >"$dir/standin/verdict.json"
start_daemon
is "the worst first" "$(LC_ALL=C ctl verdicts d1 | sed -n '3,4s/ .*//p' | tr '\n' ' ')" "model_drift error_rate "
stop_daemon
rm "$dir/standin/verdict.json"
start_daemon
says "Prometheus is gone" 0 "not known: " ctl verdicts d1
says "and the status is there" 0 "d1          cluster=equities  running" ctl status
healthy

soft d1 | post /v1/alerts >/dev/null
eventually "a dead letter" sh -c "[ \"\$('$ctl_bin' --socket '$dir/admin.sock' --json deadletter list | jq '.deadletters | length')\" -gt 0 ]"
shape "deadletter list" . deadletter list
shape_of "deadletter list" '.deadletters[0]'
letter=$(jq -r '.deadletters[0].id' "$dir/json")
shape "deadletter retry" . deadletter retry "$letter" --by jane --reason x
eventually "it is one again" sh -c "[ \"\$('$ctl_bin' --socket '$dir/admin.sock' --json deadletter list | jq '.deadletters | length')\" -gt 0 ]"
shape "deadletter drop" . deadletter drop "$letter" --by jane --reason x
hard d1 | post /v1/alerts >/dev/null
eventually "rolled back" state_is d1 rolled_back
shape "release show" . release show d1
for part in release 'phases[0]' 'breaches[0]' 'effects[0]' 'steps[0]'; do shape_of "release show" ".$part"; done
shape "release list" . release list
shape_of "release list" '.releases[0]'
shape ack . ack d1 --by jane --reason 'seen'
shape status . status
shape_of status '.releases[0]'
shape_of status '.effects[0]'
shape verify . verify "$dir/reports/audit"
is "verify says that it holds" "$(jq -c '[.ok, .broken]' "$dir/json")" '[true,null]'
sed 's/"actor":"jane"/"actor":"joan"/' "$dir/reports/audit/000001.jsonl" >"$dir/changed.jsonl"
shape verify . verify "$dir/changed.jsonl"
is "verify names what is broken" "$(jq -r '"\(.ok) \(.broken)"' "$dir/json" | grep -c 'false changed.jsonl: record')" 1
shape verify . verify --store
shape replay . replay "$dir/reports/audit"
is "replay counts" "$(jq -c '[.ok, .different, .differences]' "$dir/json")" '[true,0,[]]'
is "replay of what was changed" "$(sed 's/"outcome":"[a-z_]*"/"outcome":"nothing"/' "$dir/reports/audit/000001.jsonl" | ctl --json replay - --policies "$dir/reports/audit" | jq -c '[.ok, (.different > 0), (.differences | length > 0)]')" '[false,true,true]'

# the rest of the verbs, on another release that is rolled back by hand
ctl release start --stream cluster=crypto --deployment d2 --by jane >/dev/null
ctl release advance d2 --by jane --reason x --override >/dev/null
echo 30 >"$dir/slow-freeze"
hard d2 | sed 's/"cluster":"equities"/"cluster":"crypto"/' | post /v1/alerts >/dev/null
eventually "freeze runs" ran_is freeze 2
shape "release cancel" . release cancel d2 --by jane --reason x --force
eventually "halted" state_is d2 halted
rm "$dir/slow-freeze"
shape "release rearm" . release rearm d2 --by jane --reason x
ctl --json release confirm d2 --by jane --reason x >"$dir/json" 2>/dev/null
is "refused: status 1" "$?" 1
shape_of error .
shape "release abort" . release abort d2 --by jane --reason x

# Everything that changes says what it would do, and does not do it.
ctl release start --stream cluster=crypto --deployment d3 --by jane >/dev/null
before=$(show d3)
for verb in advance 'override --for 1h' 'deviate --lasts 30m --commander kim' abort hold resume rearm cancel confirm deny; do
    # shellcheck disable=SC2086 # the verb may have words
    set -- $verb
    first=$1
    shift
    ctl release "$first" d3 "$@" --by jane --reason x --dry-run >"$dir/plan" 2>&1
    is "plan of $first" "$([ $? -le 1 ] && grep -c -e "^release $first: [a-z]" "$dir/plan")" 1
done
says "plan of start" 0 "puts the deployment into the first phase" ctl release start --stream cluster=equities --deployment d9 --dry-run
says "plan of ack" 0 "acknowledges" ctl ack d3 --reason x --dry-run
says "plan of retry" 0 "sends dead letters again" ctl deadletter retry --all --dry-run
says "plan of drop" 0 "puts the dead letter away" ctl deadletter drop 1 --reason x --dry-run
is "nothing has changed" "$(show d3)" "$before"
ctl --json release abort d3 --by jane --reason x --dry-run >"$dir/json"
shape_of "--dry-run" .

# what goes wrong
says "a deployment that is none" 2 'Did you mean "d3"?' ctl gate d4
says "nothing like it" 2 "guardrailctl release list shows those there are" ctl release show something-else
says "in a plan as well" 2 'Did you mean "d3"?' ctl release abort d33 --by jane --reason x --dry-run
says "a verb that is none" 2 'did you mean "show"?' ctl release shw d1
says "nobody there" 3 "there is no such socket" "$ctl_bin" --socket "$dir/none.sock" status
says "a file" 3 "that is no socket" "$ctl_bin" --socket "$dir/log" status
says "no server" 3 "nobody answers there" "$ctl_bin" --url http://127.0.0.1:1 status
says "another server" 3 "is not guardraild (202, not JSON)" "$ctl_bin" --url "http://127.0.0.1:$standin_port" status
says "plain HTTP where TLS is asked for" 3 "no TLS with it" "$ctl_bin" --url "https://127.0.0.1:$(cat "$dir/port")" status
says "a colour that is none" 2 "--color takes auto, always or never" ctl status --color blue
says "over TCP nobody is an admin" 2 "role admin" "$ctl_bin" --url "$base" release abort d3 --by jane --reason x --yes
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$dir"
    says "a socket that is closed to you" 3 "you may not open it" setpriv --reuid=65534 --regid=65534 --clear-groups "$ctl_bin" --socket "$dir/admin.sock" status
fi
# A server that gives the one answer of $dir/canned, and ends.
cat >"$dir/canned.py" <<'PY'
import os, socket, sys
where, kind = sys.argv[1], sys.argv[2]
listener = socket.socket(socket.AF_UNIX)
listener.bind(where)
listener.listen(8)
open(where + ".ready", "w").close()
while True:
    peer, _ = listener.accept()
    request = peer.recv(65536).split(b" ")
    if kind == "big":
        body, status = None, b"200 OK"
    elif request[1] == b"/v1/status":
        body, status = b'{"version":"0.0.1","releases":[],"effects":[]}', b"200 OK"
    else:
        body, status = b'{"error":"no such page"}', b"404 Not Found"
    try:
        if body is not None:
            peer.sendall(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body))
        else:
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (65 << 20))
            for _ in range(65):
                peer.sendall(b" " * (1 << 20))
    except OSError:
        pass
    peer.close()
PY
for kind in old big; do
    /usr/bin/python3 "$dir/canned.py" "$dir/$kind.sock" $kind &
    canned_pid=$!
    eventually "a server that is $kind" test -e "$dir/$kind.sock.ready"
    case $kind in
    old)
        says "an old guardraild" 2 "this guardraild does not know the command: it is older" "$ctl_bin" --socket "$dir/old.sock" verdicts d1
        says "and its status" 0 "0.0.1" "$ctl_bin" --socket "$dir/old.sock" status
        ;;
    big) says "an answer without end" 3 "larger than 64 MiB" "$ctl_bin" --socket "$dir/big.sock" status ;;
    esac
    stop_pid $canned_pid
done
stop_daemon
touch "$dir/admin.sock"
says "guardraild has ended" 3 "that is no socket" ctl status
/usr/bin/python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/dead.sock"
says "a socket that nobody listens at" 3 "nobody listens: guardraild does not run" "$ctl_bin" --socket "$dir/dead.sock" status
