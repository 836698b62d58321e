#!/bin/sh
# The audit log of a real run: written out as files, checked whole, replayed to the same effects; whatever is done to a copy of it is found.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"

verb=verify
log="$dir/reports/audit"
head_is_written() { [ "$(jq .seq "$log/head.json")" = "$(ctl --json verify --store | jq .seq)" ]; }
# damage NAME WANTED-STATUS PATTERN PROGRAM: the program changes a copy of the log in $dir/copy, which verify then names.
damage() {
    rm -rf "$dir/copy"
    cp -r "$log" "$dir/copy"
    chmod -R u+w "$dir/copy"
    (cd "$dir/copy" && eval "$4") || fail "$1: could not be done"
    out=$("$ctl_bin" "$verb" "$dir/copy" 2>&1)
    is "$1: status" "$?" "$2"
    case $out in
    *"$3"*) echo "ok: $1: $(echo "$out" | head -1)" ;;
    *) fail "$1: said \"$out\"" ;;
    esac
}

make_actions
start_standin
make_policy
make_config auto
start_daemon
healthy
start_release d42
ctl release advance d42 --by jane --reason "warm" --override >/dev/null || fail "advance"
is "a soft breach" "$(soft d42 | post /v1/alerts)" 200
is "a stranger" "$(hard d99 | post /v1/alerts)" 200
is "a hard breach" "$(hard d42 | post /v1/alerts)" 200
eventually "rolled back" state_is d42 rolled_back
is "a repeat, which changes nothing" "$(hard d42 | post /v1/alerts)" 200
is "its end" "$(payload "$(alert resolved GuardrailHardBreach hard d42 phase_1)" | post /v1/alerts)" 200
eventually "the log is written out" head_is_written

is "the store's chain holds" "$(ctl verify --store | cut -d: -f1)" ok
"$ctl_bin" verify "$log" >"$dir/verified" || fail "verify: $(cat "$dir/verified")"
is "and so do the files, to the same record" "$(sed 's/.*up to //' "$dir/verified")" "$(ctl verify --store | sed 's/.*up to //')"
is "decisions are replayed" "$("$ctl_bin" replay "$log")" "4 decisions in $(cat "$log"/0*.jsonl | wc -l) records, 0 of them differ"
"$ctl_bin" replay "$log/000001.jsonl" >/dev/null || fail "replay of one file"
"$ctl_bin" replay - --policies "$log" <"$log/000001.jsonl" >/dev/null || fail "replay of standard input"
head=$(sed 's/.*up to //' "$dir/verified" | cut -c1-12)
"$ctl_bin" verify - --head "$head" <"$log/000001.jsonl" >/dev/null || fail "verify of standard input, with its head"
eventually "a message names a record of the log" grep -q 'audit: `' "$dir/standin/slack.log"
head=$(grep -o 'audit: `[^`]*' "$dir/standin/slack.log" | head -1 | cut -d'`' -f2)
is "which is there" "$("$ctl_bin" verify "$log" --head "$head" >/dev/null; echo $?)" 0
is "an open file alone proves no end" "$("$ctl_bin" verify - <"$log/000001.jsonl" >/dev/null; echo $?)" 1
is "nor does a head that it does not hold" "$("$ctl_bin" verify "$log" --head 3:00000000 >/dev/null; echo $?)" 1

damage "a changed letter" 1 "000001.jsonl: record 2 was changed" "sed -i '2s/guardraild/guardraile/' 000001.jsonl"
damage "a dropped record" 1 "record 3 is not where it should be" "sed -i 3d 000001.jsonl"
damage "a doubled record" 1 "record 4 is not where it should be: record 3 stands there" "sed -i 3p 000001.jsonl"
damage "two records swapped" 1 "record 3 is not where" "sed -i '3{h;d};4{G}' 000001.jsonl"
damage "the end cut off" 1 "is not here: the log was cut off after record" "sed -i '\$d' 000001.jsonl"
damage "half a record" 1 "is cut off" "truncate -s -9 000001.jsonl"
damage "an empty file" 1 "the file is empty" ": >000001.jsonl"
damage "the head gone" 1 "nothing says where the log ends" "rm head.json"
damage "the head of another log" 1 "is not the one that is vouched for" "sed -i 's/\"hash\":\"..../\"hash\":\"0000/' head.json"
verb=replay
damage "another effect" 1 "effects: recorded" "sed -i 's/\"kind\":\"rollback\"/\"kind\":\"abort\"/' 000001.jsonl"
damage "another input" 1 "outcome: recorded" "sed -i 's/\"held\":false/\"held\":true/' 000001.jsonl"
damage "a changed policy" 1 "its policy was changed" "for f in policy-*.json; do sed -i 's/rollback/rollbuck/' \$f; done"
damage "a policy gone" 1 "its policy cannot be read" "rm policy-*.json"
damage "a record without its decision" 1 "lacks its decision" "sed -i 's/\"decision\":{/\"decisiom\":{/' 000001.jsonl"
damage "nothing at all" 0 "0 of them differ" ":"

stop_daemon
start_daemon # the log goes on where it was
is "another stranger" "$(hard d98 | post /v1/alerts)" 200
eventually "the log is written out" head_is_written
"$ctl_bin" verify "$log" >/dev/null || fail "verify after a restart"
"$ctl_bin" replay "$log" >/dev/null || fail "replay after a restart"
for arguments in "verify" "replay" "verify $log --store" "verify $log --head 3" "replay $log --head 3:00000000" "gate d42 --policies ." "verify $dir/none"; do
    # shellcheck disable=SC2086
    ctl $arguments >/dev/null 2>&1
    is "refused: $arguments" $? 2
done
exit 0
