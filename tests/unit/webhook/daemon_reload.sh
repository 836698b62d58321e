#!/bin/sh
# SIGHUP: a new policy is used whole or not at all, for releases that start from then on.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy
make_config auto
start_daemon
stale() { curl -s "$base/metrics" | sed -n 's/^guardraild_policy_stale //p'; }
stale_is() { [ "$(stale)" = "$1" ]; }
hash_in_force() { ctl --json status | jq -r .spec_hash; }
hash_is() { [ "$(hash_in_force)" = "$1" ]; }
old=$(jq -r .spec_hash "$dir/policy.json")
new=ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100
events() { cat "$dir"/reports/audit/*.jsonl | grep -c "\"event\":\"$1\""; }
event_is() { [ "$(events "$1")" = "$2" ]; }

start_release d1
for text in '{"format": 1' '{}' "$(jq '.actions.rollback.steps[0].run[0] = "../x"' "$dir/policy.json")" "$(jq '.time_scale = 10' "$dir/policy.json")" \
    "$(jq '.spec = "another"' "$dir/policy.json")"; do
    refused=$((${refused:-0} + 1))
    printf '%s\n' "$text" >"$dir/policy.json.new"
    mv "$dir/policy.json.new" "$dir/policy.json"
    kill -HUP "$daemon_pid"
    eventually "broken policy $refused: said" event_is "policy refused" $refused
    is "broken policy $refused: the old one stays" "$(hash_in_force):$(stale)" "$old:1"
    make_policy
done
is "the log names the finding" "$(grep -c 'the new policy is not used, the one in force stays' "$dir/log")" 5
rm "$dir/policy.json"
kill -HUP "$daemon_pid"
eventually "no policy: said" event_is "policy refused" 6
is "and alerts are taken" "$(hard nobody | post /v1/alerts)" 200
make_policy
kill -HUP "$daemon_pid"
eventually "the same one again is fine" stale_is 0
is "and nothing new" "$(events "policy in force")" 0

# the new one has another first step; d1 keeps the old one
make_policy ".spec_hash = \"$new\" | .actions.rollback.steps[0].run = [\"bin/freeze\", \"new\"]"
kill -HUP "$daemon_pid"
eventually "a new policy is in force" hash_is "$new"
is "d1 stays with its own" "$(show d1 | jq -r .release.spec_hash)" "$old"
ctl release start --stream cluster=crypto --deployment d2 --by tester >/dev/null
is "d2 has the new one" "$(show d2 | jq -r .release.spec_hash)" "$new"
for id in d1 d2; do ctl release advance $id --by tester --reason x --override >/dev/null; done
hard d1 | post /v1/alerts >/dev/null
eventually "d1 rolls back" state_is d1 rolled_back
hard d2 | sed 's/"cluster":"equities"/"cluster":"crypto"/' | post /v1/alerts >/dev/null
eventually "d2 rolls back" state_is d2 rolled_back
is "each by its policy" "$(grep '^freeze' "$dir/ran" | cut -d' ' -f2 | tr '\n' ' ')" "d1 new "

# Of the configuration the log's level is taken over; whatever else has changed, or is wrong, waits for a restart and is named.
config_stale_is() { [ "$(curl -s "$base/metrics" | sed -n 's/^guardraild_config_stale //p')" = "$1" ]; }
cp "$dir/guardraild.yml" "$dir/kept.yml"
kill -HUP "$daemon_pid"
eventually "as it was: nothing waits" config_stale_is 0
printf 'log: {level: debug}\nconfirm_timeout: 1m\n' >>"$dir/guardraild.yml"
sed -i 's/^mode: auto/mode: observe/' "$dir/guardraild.yml"
kill -HUP "$daemon_pid"
eventually "changed settings: shown" config_stale_is 1
is "named" "$(grep -c 'need a restart.*settings="mode, confirm_timeout"' "$dir/log")" 1
is "the level is another" "$(grep -c 'another level from now on.*level=debug' "$dir/log")" 1
is "the mode is the old one" "$(ctl --json status | jq -r .mode)" auto
echo 'mood: bad' >>"$dir/guardraild.yml"
kill -HUP "$daemon_pid"
eventually "a wrong one is told" grep -q 'the configuration is wrong.*unknown setting' "$dir/log"
rm "$dir/guardraild.yml"
kill -HUP "$daemon_pid"
eventually "none, too" grep -q 'the configuration is wrong.*no such file' "$dir/log"
is "and alerts are taken all the while" "$(hard nobody | post /v1/alerts)" 200
is "nothing else has changed" "$(ctl --json status | jq -r .mode):$(hash_in_force)" "auto:$new"
mv "$dir/kept.yml" "$dir/guardraild.yml"
kill -HUP "$daemon_pid"
eventually "the old one again" config_stale_is 0
is "with its level" "$(grep -c 'another level from now on.*level=info' "$dir/log")" 1

# back and forth, and across a crash
make_policy
kill -HUP "$daemon_pid"
eventually "back" hash_is "$old"
make_policy ".spec_hash = \"$new\" | .actions.rollback.steps[0].run = [\"bin/freeze\", \"new\"]"
kill -HUP "$daemon_pid"
eventually "forth" hash_is "$new"
ctl release start --stream cluster=equities --deployment d3 --by tester >/dev/null
stop_daemon KILL
make_policy
start_daemon
is "after a crash: the file's" "$(hash_in_force)" "$old"
is "after a crash: d3 stays with its own" "$(show d3 | jq -r .release.spec_hash)" "$new"
is "the log is whole" "$(ctl verify --store >/dev/null; echo $?)" 0
eventually "and can be made again from it" "$ctl_bin" replay "$dir/reports/audit"
