#!/usr/bin/env bash
# Every query of every dashboard of the TradePulse example against a real Prometheus with real data (scene.sh: healthy, soft, hard, silent;
# time divided by 120): none fails, each panel and each variable has values, each annotation has its marks. Needs no npm. About 50 s, nearly
# all of it waiting. Skips (77) without Prometheus, Alertmanager, curl or jq, and with GR_THOROUGH=no: tests/e2e/loop.sh
# has the same programs do the same, and what is left are Prometheus and a script. A failure keeps its folder and says where.
set -u
if [ "${GR_THOROUGH:-yes}" = no ]; then echo "SKIP: GR_THOROUGH=no"; exit 77; fi
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
: "${PROMETHEUS:=$(command -v prometheus)}" "${ALERTMANAGER:=$(command -v prometheus-alertmanager)}"
if [ -z "$PROMETHEUS" ] || [ -z "$ALERTMANAGER" ] || ! command -v jq >/dev/null || ! command -v curl >/dev/null; then
  echo "SKIP: needs prometheus, alertmanager, curl and jq"; exit 77
fi
. "$GR_SRCDIR/tests/e2e/stack.sh"
. "$GR_SRCDIR/tests/render/scene.sh"
work=$(mktemp -d "$GR_BUILDDIR/queries.XXXXXX") || exit 1
scene_stage() { echo "$(date +%T) scene: $1"; }
scene_start "$work" && scene_play || { echo "the scene did not play; kept: $work"; exit 1; }
dashboards=$work/compiled/grafana/dashboards/TradePulse/Canary
bad=0
# ask STAGE DASHBOARD ARGUMENT…: as it would have been opened when that stage was over
ask() {
  local stage=$1 dashboard=$2
  shift 2
  /usr/bin/python3 "$GR_SRCDIR/tests/render/queries.py" --prom "$PROM_URL" --at "$(scene_at "$stage")" "$@" "$dashboards/tradepulse-$dashboard.json"
}
all=(--marks "Phase changes" --marks "Soft breaches" --marks "Hard breaches" --marks "Rollbacks")
ask trouble overview "${all[@]}" || bad=1
ask trouble audit "${all[@]}" || bad=1
ask trouble canary_phase_1 "${all[@]}" || bad=1
# A shadow phase gets no traffic, and what is healthy gives no reasons.
ask preflight preflight --marks "Phase changes" --may-be-empty "Canary share of the traffic" --may-be-empty "Why not" || bad=1
for phase in canary_phase_1 canary_phase_2 canary_phase_3; do
  ask $phase $phase --marks "Phase changes" --may-be-empty "Why not" || bad=1
done
# It can refuse: nothing was there before the first release but the daemon.
ask nothing overview >"$work/out" && { echo "NOT OK: a dashboard of nothing is not refused"; bad=1; }
grep -q '"May this release go on?" has no data' "$work/out" || { echo "NOT OK:"; cat "$work/out"; bad=1; }
stack_down
[ $bad -eq 0 ] || { echo "kept: $work"; exit 1; }
rm -rf "$work"
