# Shared by the demo's actions. guardraild starts them in actions_dir with a clean environment; the run folder lies beside it. Every
# call is logged with its arguments, so that tests can count them.
run=$(cd .. && pwd)/run
printf '%s %s %s\n' "$(date +%s.%N)" "$(basename "$0")" "$*" >>"$run/actions.log"

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }
one_deployment() { [ $# -eq 1 ] && [ -n "$1" ] || fail "one deployment is wanted"; }
# A fault for the simulated fleet.
fleet() { curl -fsS -m 5 --data-binary "$1" "http://$(cat "$run/fleet.addr")/fault" >/dev/null || fail "the fleet does not answer"; }
