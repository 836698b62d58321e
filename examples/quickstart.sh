#!/usr/bin/env bash
# Shows guardrail at work, on this machine alone (Debian 12): installs what it needs, builds, compiles the TradePulse example, and starts real
# Prometheus and Alertmanager, guardraild, a simulated trading fleet and stand-ins for Slack, PagerDuty and Jira on loopback. A canary passes its pre-flight
# and its first phase; in the second it breaks, and is rolled back. Time runs 60 times as fast. Ends by itself and leaves no process.
#
#   examples/quickstart.sh                everything
#   examples/quickstart.sh --no-install   without apt (the packages of tests/packages.txt are there)
#   examples/quickstart.sh --keep         leave the folder with rules, logs and records
set -u
cd "$(dirname "$0")/.." || exit 2
install=yes keep=no
for arg in "$@"; do
  case $arg in
    --no-install) install=no ;;
    --keep) keep=yes ;;
    *) echo "usage: examples/quickstart.sh [--no-install] [--keep]" >&2; exit 2 ;;
  esac
done

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
die() { printf '\n%s\n' "$*" >&2; [ -n "${STACK:-}" ] && echo "The logs are in $STACK/log." >&2; keep=yes; exit 1; }

# -- install and build --------------------------------------------------------------------------------------------------------
. tests/packages.sh
if [ $install = yes ]; then install_packages || die "The packages could not be installed."; fi
mkdir -p build/quickstart
say "Building (the log is build/quickstart/build.log)"
{ [ -x configure ] || autoreconf -fi; } >build/quickstart/build.log 2>&1 &&
  (cd build/quickstart && { [ -f Makefile ] || ../../configure -q CFLAGS='-O2 -g'; } && make -s -j"$(nproc)") >>build/quickstart/build.log 2>&1 ||
  { tail -20 build/quickstart/build.log; die "The build failed."; }

GR_SRCDIR=$PWD GR_BUILDDIR=$PWD/build/quickstart
PROMETHEUS=$(command -v prometheus) && ALERTMANAGER=$(command -v prometheus-alertmanager || command -v alertmanager) ||
  die "Prometheus and Alertmanager are not installed."
. tests/e2e/stack.sh

# -- what is shown ---------------------------------------------------------------------------------------------------------------
verdict_count() { prom "count(guardrail:verdict{deployment_id=\"demo-42\"} == $1)" | tr -d ' '; }
# One line: phase, and how many (guardrail, slice) pairs have each verdict.
status() {
  local phase healthy insufficient soft hard
  phase=$(ctl release show demo-42 --json 2>/dev/null | jq -r '.release | "\(.state) \(.phase)"')
  healthy=$(verdict_count 0) insufficient=$(verdict_count 1) soft=$(verdict_count 2) hard=$(verdict_count 3)
  printf '%3d s  %-32s healthy %-3s insufficient %-3s soft %-3s hard %-3s' $((SECONDS - started)) "$phase" \
    "${healthy:-0}" "${insufficient:-0}" "${soft:-0}" "${hard:-0}"
}
show_status() { if [ -t 1 ]; then printf '\r\033[K%s' "$(status)"; elif [ $((SECONDS % 5)) -eq 0 ]; then status; echo; sleep 1; fi; }
# until_true SECONDS COMMAND…: with the status line
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    show_status
    [ $SECONDS -lt $end ] || { echo; return 1; }
    sleep 0.5
  done
  [ -t 1 ] && printf '\r\033[K'
  status; echo
}
advance() { ctl release advance demo-42 --by "$USER_NAME" --reason "$1"; }
is_state() { [ "$(ctl release show demo-42 --json | jq -r .release.state)" = "$1" ]; }

USER_NAME=${USER:-operator}
work=$(mktemp -d "${TMPDIR:-/tmp}/guardrail-quickstart.XXXXXX") || die "no temporary folder"
at_exit() { stack_down; if [ $keep = yes ]; then echo "Kept: $work"; else rm -rf "$work"; fi; }
stack_init "$work" 60 || die "The demo's folder could not be made."
trap at_exit EXIT
started=$SECONDS

say "1. The specification examples/tradepulse/guardrails.yml becomes rules, routes, dashboards and a policy"
"$GR_BUILDDIR/guardrailc" check examples/tradepulse/guardrails.yml || die "check failed"
stack_up "$GR_SRCDIR/examples/tradepulse/guardrails.yml" --seed 42 --rps 20000 || die "The demo did not start."
echo "compiled: $(jq -r '.files | length' "$work/compiled/manifest.json") files, $(grep -cE '^ +- (record|alert):' "$work/compiled/prometheus/rules.yml") rules"
echo "running:  Prometheus $PROM_URL   Alertmanager $AM_URL   guardraild $GR_URL"

say "2. A release of the equities cluster starts; its canary is healthy (two minutes pass every two seconds)"
stack_release demo-42 equities && ctl release show demo-42 || die "The release did not start."
until_true 60 advance "pre-flight passed" || die "The pre-flight was not passed: $(ctl gate demo-42)"
until_true 60 advance "phase 1 is green" || die "Phase 1 was not passed: $(ctl gate demo-42)"
fleet /share "market_making 0.05 cluster=equities" >/dev/null
fleet /share "agency 0.02 cluster=equities" >/dev/null

say "3. Five per cent of market making in phase 2 - and the new build rejects three times as many orders on XNAS"
sleep 6
fleet /fault "error_rate x3 track=canary venue=XNAS" >/dev/null
broke=$SECONDS
until_true 60 is_state rolled_back || die "The canary was not rolled back."
echo "rolled back $((SECONDS - broke)) s after the fault: $((SECONDS - broke)) minutes in the demo's time"

say "4. What was done, and why: the decision record (without the values of every slice)"
awk '/^decision: rollback/ {on = 1} /^metrics_by_slice:/ {skip = 1; next} /^[a-z]/ {skip = 0} on && !skip {print "   " $0}' \
  "$work/reports/release_decisions/demo-42.yaml"
say "5. The steps that ran, each once"
cut -d' ' -f2- "$work/run/actions.log" | sed 's/^/   /'
say "6. Who was told"
curl -fsS "$STANDIN_URL/received" | jq -r '.messages[] | "   \(.target): \(.message | .payload.summary? // .fields.summary? // .text?)"' | head -6
say "Where to look next"
cat <<'EOF'
   examples/tradepulse/guardrails.yml   the specification: every limit of the playbook, as people write it
   examples/tradepulse/compiled/        what it compiles to
   docs/rule-reference.md               what each emitted series means
   docs/operations.md                   running guardraild for real: modes, secrets, alerts on itself
   guardrailctl --help                  the operator's commands
EOF
echo
echo "The demo took $((SECONDS - started)) s. Everything it started has been stopped."
