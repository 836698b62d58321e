#!/bin/sh
# Who may do what: the daemon can start nothing, its runners hold no socket and no secret, and nothing outlives either.
export GR_CANARY_VARIABLE=only-the-daemon-sees-this
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
[ -r /proc/self/status ] || { echo "skipped: no /proc"; exit 77; }
make_actions
start_standin
make_policy '.actions.rollback.steps[1].timeout_ms = 1000'
make_config auto
start_daemon

children() { cat /proc/"$1"/task/*/children; }
field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
# The programs of the job leave their pids here; alive PID: it is there and no zombie.
alive() { case $(field "$1" State 2>/dev/null) in '' | Z* | X*) return 1 ;; esac; }
all_dead() { for pid in $(cat "$dir/pids"); do alive "$pid" && return 1; done; return 0; }
gone() { ! alive "$1"; }

# The main process
threads=$(ls "/proc/$daemon_pid/task" | wc -l)
is "several threads" "$((threads > 3))" 1
is "no new privileges, in every thread" "$(cat /proc/$daemon_pid/task/*/status | grep -c '^NoNewPrivs:.1$')" "$threads"
if grep -q 'seccomp=on' "$dir/log"; then
    is "the filter is in every thread" "$(cat /proc/$daemon_pid/task/*/status | grep -c '^Seccomp:.2$')" "$threads"
else
    is "what the log says is so" "$(field "$daemon_pid" Seccomp)" 0
fi
is "no core" "$(awk '/^Max core file size/ {print $5, $6}' "/proc/$daemon_pid/limits")" "0 0"

# The runners
runners=$(children "$daemon_pid")
is "runners" "$(echo "$runners" | wc -w)" 6
for pid in $runners; do
    is "runner: no filter, which its programs would inherit" "$(field "$pid" Seccomp)" 0
    is "runner: one thread" "$(field "$pid" Threads)" 1
    is "runner: /dev/null, its socket, its folder, its signals, its lock" \
        "$(for fd in /proc/$pid/fd/*; do readlink "$fd"; done | sed 's/:\[[0-9]*\]//' | sort | uniq -c | tr -s ' \n' ' ')" \
        "$(printf '%s\n' /dev/null /dev/null /dev/null "$dir/actions" "$dir/store.db.programs" 'anon_inode:[signalfd]' socket | sort | uniq -c | tr -s ' \n' ' ')"
    is "runner: no network socket" "$(for fd in /proc/$pid/fd/*; do readlink "$fd"; done | sed -n 's/socket:\[\([0-9]*\)\]/\1/p' |
        while read -r inode; do cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" "/proc/$pid/net/udp" 2>/dev/null | grep -c " $inode "; done)" 0
    is "runner: its environment is blank" "$(tr -d '\0' <"/proc/$pid/environ" | wc -c)" 0
done
is "the daemon has the variable" "$(tr '\0' '\n' <"/proc/$daemon_pid/environ" | grep -c '^GR_CANARY_VARIABLE=')" 1

# A program that takes no hint: it ignores SIGTERM, forks, and forks twice into a session of its own.
stubborn() {
    cat >"$dir/actions/bin/$1" <<SCRIPT
#!/bin/bash
trap '' TERM HUP INT
env | sort >"$dir/environment"
echo \$\$ >>"$dir/pids"
( echo \$BASHPID >>"$dir/pids"; while :; do sleep 1; done ) &
( setsid bash -c 'trap "" TERM HUP; echo \$\$ >>"$dir/pids"; (trap "" TERM; echo \$BASHPID >>"$dir/pids"; while :; do sleep 1; done) & while :; do sleep 1; done' & )
while :; do sleep 1; done
SCRIPT
}
begin() {
    : >"$dir/pids"
    ctl release start --stream "cluster=$2" --deployment "$1" --by tester >/dev/null
    ctl release advance "$1" --by tester --reason x --override >/dev/null
    hard "$1" | sed 's/"cluster":"equities"/"cluster":"'"$2"'"/' | post /v1/alerts >/dev/null
}
four_run() { [ "$(wc -l <"$dir/pids")" -eq 4 ]; }

stubborn drain
began=$(date +%s)
begin d1 equities
eventually "drain, its child, and two that it let go" four_run
eventually "its deadline ends it, and the rollback goes on" state_is d1 rolled_back
is "all four are dead" "$(all_dead; echo $?)" 0
is "within 15 s" "$(($(date +%s) - began <= 15))" 1
is "its environment" "$(cut -d= -f1 "$dir/environment" | grep -v -e '^_$' -e '^PWD$' -e '^SHLVL$' | tr '\n' ' ')" \
    "GR_ATTEMPT GR_DEPLOYMENT_ID GR_DRY_RUN GR_EFFECT_ID GR_FENCE GR_GUARDRAIL GR_IDEMPOTENCY_KEY GR_PHASE GR_STEP LANG PATH "

# kill -9 of the daemon: the runners see it, and end what runs. The next one waits for that before it runs anything.
make_actions
stubborn freeze
begin d2 crypto
eventually "freeze and three more run" four_run
runners=$(children "$daemon_pid")
began=$(date +%s)
stop_daemon KILL
make_actions
echo 0 >"$dir/exit-frozen"
start_daemon
is "when the next one serves, all four are dead" "$(all_dead; echo $?)" 0
for pid in $runners; do is "so is the runner" "$(gone "$pid"; echo $?)" 0; done
is "within 15 s" "$(($(date +%s) - began <= 15))" 1
is "it told that it waited" "$(grep -c 'waits for programs of an earlier guardraild' "$dir/log")" 1

# kill -9 of a runner: the daemon cannot get another, says so and ends; the journal knows where to go on.
eventually "the probe says done, the rollback goes on" state_is d2 rolled_back
rm "$dir/exit-frozen"
stop_daemon
rm -f "$dir"/store.db*
stubborn freeze
start_daemon
begin d3 equities
eventually "freeze and three more run" four_run
for pid in $(children "$daemon_pid"); do kill -9 "$pid"; done
began=$(date +%s)
wait "$daemon_pid"
is "it ends by itself, with status 3" "$?" 3
daemon_pid=
is "within 15 s" "$(($(date +%s) - began <= 15))" 1
is "it says why" "$(grep -c 'a command runner has ended' "$dir/log")" 1
eventually "all four are dead" all_dead
make_actions
echo 1 >"$dir/exit-frozen"
start_daemon
eventually "a new start finishes it" state_is d3 rolled_back
is "freeze ran in it" "$(ran freeze)" 1
