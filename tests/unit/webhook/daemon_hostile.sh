#!/bin/sh
# Labels and annotations that want to be commands, markup or paths, through the real daemon under strace: what programs and targets get is
# compared byte for byte, and the list of all that is executed is exact. UPDATE_GOLDEN=1 rewrites hostile/*.golden: read the diff.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
command -v strace >/dev/null || { echo "skipped: strace is missing"; exit 77; }
strace -D -f -qq -o "$dir/try" -e trace=execve /bin/true 2>/dev/null && [ -s "$dir/try" ] ||
    { echo "skipped: strace cannot trace here"; exit 77; }
grep -q __asan_init "$guardraild" && { echo "skipped: the leak check of a sanitizer build does not go with a tracer"; exit 77; }

make_actions
rm "$dir"/actions/bin/*
for name in freeze frozen drain redeploy tickets replay; do
    ln -s "$GR_BUILDDIR/tests/unit/webhook/argdump" "$dir/actions/bin/$name"
done
start_standin
# Every placeholder, whole and in part, beside literals that would mean something to a shell.
make_policy '.actions.rollback.steps[0].run = ["bin/freeze", "freeze", "{deployment_id}", "--cluster={cluster}", "{phase}/{guardrail}/{spec}",
        "$(touch pwned)", "; touch pwned", "`touch pwned`", "a b", "\"q\" '"'q'"'", "{no name}", "{", "", "-rf", "*", "é\n\u001b[31m"]
    | .actions.rollback.steps[1].run = ["bin/drain", "drain", "{deployment_id}"]
    | .actions.rollback.steps[2].pipeline = [["bin/redeploy", "build", "{cluster}"], ["bin/redeploy", "apply", "x{deployment_id}x"]]'
make_config auto
echo "actions_environment: {ARGDUMP: \"$dir/dump\"}" >>"$dir/guardraild.yml"

start_traced() {
    rm -f "$dir/port"
    strace -D -ff -qq -s 65536 -o "$dir/trace" -e trace=execve,execveat,connect "$guardraild" --config "$dir/guardraild.yml" --port-file "$dir/port" 2>>"$dir/log" &
    daemon_pid=$!
    eventually "guardraild listens, traced" test -s "$dir/port" || { tail -5 "$dir/log"; exit 1; }
    base="http://127.0.0.1:$(cat "$dir/port")"
}
jq -c '[.[] | if .repeat then "a" * .repeat else .value end]' "$here/hostile/values.json" >"$dir/values"
count=$(jq length "$dir/values")
settled() { [ "$(curl -s "$base/metrics" | awk '/^guardraild_effects{/ && /state="(ready|retry|running)"/ {n += $2} END {print n + 0}')" = 0 ]; }

# The whole table against a release that is under way, every alert in a body of its own sort.
post_all() {
    ctl release start --stream cluster=equities --deployment d-1.2_x --by tester >/dev/null
    ctl release advance d-1.2_x --by tester --reason x --override >/dev/null
    is "as deployment, the one value from outside that could name a release" \
        "$(hard x | jq -c --slurpfile v "$dir/values" '.alerts = [.alerts[0] as $a | $v[0][] as $x | $a | .labels.deployment_id = $x]' | post /v1/alerts)" 200
    is "as anything else that decides" \
        "$(hard d-1.2_x | jq -c '.alerts = [.alerts[0] as $a | ("cluster", "guardrail", "level", "spec") as $l | $a | .labels[$l] = "$(touch pwned)"]' | post /v1/alerts)" 200
    is "as slices and annotations of a soft breach, four at a time" \
        "$(soft d-1.2_x | jq -c --slurpfile v "$dir/values" '.alerts = [.alerts[0] as $a | $v[0] as $x | range(0; $x | length; 4) as $i | $a
            | .labels.venue = $x[$i] | .labels.flow = ($x[$i + 1] // "") | .annotations.summary = ($x[$i + 2] // "") | .annotations.description = ($x[$i + 3] // "")]' | post /v1/alerts)" 200
    eventually "all is told that there is to tell" settled
}
# What a run of the table says, without what differs from run to run.
plain() {
    sed -e "s|$dir|@DIR@|g" -e "s|$guardraild|@GUARDRAILD@|g" -e 's/20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:.]*Z/@TIME@/g' \
        -e 's/\(audit[": `]*\)[0-9]*:[0-9a-f]\{16\}/\1@AUDIT@/g' -e "s/guardraild\.[0-9]*/guardraild.@N@/g" "$@"
}
golden() {
    plain "$2" >"$dir/got.$1"
    if [ -n "${UPDATE_GOLDEN:-}" ]; then cp "$dir/got.$1" "$here/hostile/$1.golden"; fi
    if cmp -s "$dir/got.$1" "$here/hostile/$1.golden"; then echo "ok: $1 is golden, byte for byte"; else
        fail "$1 differs"
        diff "$here/hostile/$1.golden" "$dir/got.$1" | head -20 | cut -c1-300
    fi
}
# What was executed, a file for each process: path and name, and whether it worked.
executed() { cat "$dir"/trace.* | sed -n 's/^\(execve\(at\)\{0,1\}\)(\("[^"]*"\), \["[^]]*.*\() = .*\)$/\1 \3\4/p' | sort; }

start_traced
is "an escaped NUL is refused" "$(hard x | sed 's/"x"/"d-1.2_x\\u0000;"/' | post /v1/alerts)" 400
jq -c '.[] | {stream: {cluster: "equities"}, deployment_id: ., by: "x", reason: "y"}' "$dir/values" >"$dir/starts"
while read -r body; do
    printf '%s' "$body" | curl -s -o "$dir/answer" -w '%{http_code}\n' -m 10 --unix-socket "$dir/admin.sock" -H 'Content-Type: application/json' --data-binary @- http://x/v1/releases
done <"$dir/starts" | sort | uniq -c | tr -s ' \n' ' ' >"$dir/codes"
is "none of them names a release" "$(cat "$dir/codes")" " $count 400 "
post_all
is "nothing was executed but the daemon" "$(executed | grep -c -v -F "execve \"$guardraild\") = 0")" 0
is "no release but the one is known" "$(ctl --json status | jq '.releases | length')" 1
is "its state" "$(state_of d-1.2_x)" running
is "each unknown deployment was paged" "$(wc -l <"$dir/standin/pagerduty.log")" $((count + 4))

# A real breach, with hostile company: it rolls back, and only what the policy names reaches a program.
is "a breach" "$(hard d-1.2_x | jq -c --arg v "\$(touch pwned)" '.alerts[0] |= (.labels.venue = $v | .labels.phase = $v | .labels.side = $v | .labels.extra = $v | .annotations.summary = $v | .annotations.runbook_url = "https://evil.example/|x>"
    | .annotations.dashboard_url = "javascript:alert(1)" | .generatorURL = $v)' | post /v1/alerts)" 200
eventually "rolled back" state_is d-1.2_x rolled_back
eventually "and told" settled
golden argv "$dir/dump"
golden slack "$dir/standin/slack.log"
golden pagerduty "$dir/standin/pagerduty.log"
executed >"$dir/executed"
golden executed "$dir/executed"
is "no shell, no file that a shell would have made" "$(cat "$dir"/trace.* | grep -c -E 'execve(at)?\("[^"]*/(sh|bash|dash|env)"'):$(find "$dir" "$GR_BUILDDIR"/pwned -name pwned 2>/dev/null | wc -l)" 0:0
is "every line of the log is one event" "$(grep -c -v -E '^ts=20[0-9-]*T[0-9:.]*Z level=' "$dir/log")" 0
is "no control character in it, nor one that turns the line" \
    "$(LC_ALL=C tr -d '\n\40-\176\200-\377' <"$dir/log" | wc -c):$(LC_ALL=C grep -c "$(printf '\342\200\256')" "$dir/log")" 0:0
if command -v python3 >/dev/null; then
    is "the record is YAML" "$(/usr/bin/python3 -c 'import sys, yaml; print(len(list(yaml.safe_load_all(open(sys.argv[1])))))' "$dir/reports/release_decisions/d-1.2_x.yaml" 2>&1 | grep -c '^[1-9]')" 1
fi
is "records are where they belong" "$(find "$dir/reports" -type f -not -path '*/audit/*' | sed "s|$dir/||" | tr '\n' ' ')" "reports/release_decisions/d-1.2_x.yaml "
for file in "$dir"/reports/audit/*.jsonl; do
    [ -e "$file" ] || continue
    is "every line of the audit log is one JSON text" "$(jq -c . "$file" | wc -l)" "$(wc -l <"$file")"
done
if [ -n "${PROMTOOL:-}" ]; then
    is "promtool likes /metrics" "$(curl -s "$base/metrics" | "$PROMTOOL" check metrics 2>&1 | grep -c error)" 0
fi
stop_daemon

# Modes that only look: the same, and nothing is executed, nobody is told.
for mode in observe dry-run; do
    rm -rf "$dir"/store.db* "$dir"/trace.* "$dir"/standin/*.log
    sed -i "s/^mode: .*/mode: $mode/" "$dir/guardraild.yml"
    start_traced
    post_all
    is "a breach" "$(hard d-1.2_x | post /v1/alerts)" 200
    is "$mode: it would have rolled back" "$(show d-1.2_x | jq '[.effects[] | select(.kind == "rollback" and .state == "observed")] | length')" 1
    is "$mode: nothing was executed but the daemon" "$(executed | grep -c -v -F "execve \"$guardraild\") = 0")" 0
    is "$mode: nobody was told" "$(cat "$dir/standin/slack.log" "$dir/standin/pagerduty.log" 2>/dev/null | wc -l)" 0
    is "$mode: who was spoken to" "$(grep -o 'connect(.*sin_port=htons([0-9]*)' "$dir"/trace.* | sed 's/.*htons(\([0-9]*\))/\1/' | sort -u | grep -c -v "^$standin_port\$")" 0
    stop_daemon
done
