#!/usr/bin/env bash
# Pictures of every dashboard of the TradePulse example, drawn with Grafana's own panels against a real Prometheus (scene.sh), dark and light:
#
#   tests/render/render.sh [--keep] [OUT]      default OUT: BUILD/render; run by `make render-dashboards`, five to ten minutes
#
# Look at every picture. What a program can see is checked here: query errors, empty panels, unknown units, transformations and overrides,
# overlaps, ids used twice, more than 20 queries at once. Not part of make check, which asks the same of the queries without drawing
# (queries.sh): the packages of tests/render are 457 MB. Skips (77) without them (npm fetches them; or NODE_DIR), node, chromium, Prometheus,
# Alertmanager, curl or jq. --keep leaves the scene's folder.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
: "${PROMETHEUS:=$(command -v prometheus)}" "${ALERTMANAGER:=$(command -v prometheus-alertmanager)}" "${CHROMIUM:=$(command -v chromium)}"
keep=no
[ "${1:-}" = --keep ] && { keep=yes; shift; }
out=${1:-$GR_BUILDDIR/render}
skip() { echo "SKIP: $*"; exit 77; }
for program in node curl jq; do command -v $program >/dev/null || skip "needs $program"; done
[ -n "$PROMETHEUS" ] && [ -n "$ALERTMANAGER" ] && [ -n "$CHROMIUM" ] || skip "needs prometheus, alertmanager and chromium"
. "$GR_SRCDIR/tests/tools/node.sh"
node_modules render @grafana/ui || skip "$NODE_WHY"
. "$GR_SRCDIR/tests/e2e/stack.sh"
. "$GR_SRCDIR/tests/render/scene.sh"
export CHROMIUM NODE_DIR
mkdir -p "$out" || exit 1
work=$(mktemp -d "$GR_BUILDDIR/scene.XXXXXX") || exit 1
scene_stage() { echo "$(date +%T) scene: $1"; }
scene_start "$work" && scene_play || { echo "the scene did not play; kept: $work"; exit 1; }
dashboards=$work/compiled/grafana/dashboards/TradePulse/Canary
drawn=0 bad=0

# picture DASHBOARD STAGE THEME ARGUMENT…: as it looked when that stage was over
picture() {
  local dashboard=$1 stage=$2 theme=$3 name=$1-$2-$3 to
  shift 3
  to=$(scene_at "$stage") || return
  node "$GR_SRCDIR/tests/render/render.mjs" "$dashboards/tradepulse-$dashboard.json" --prom "$PROM_URL" --out "$out/$name.png" \
    --to "${to/./}" --span 60 --interval 0.25 --theme "$theme" "$@" >"$out/$name.json" || { bad=$((bad + 1)); echo "NOT OK: $name"; }
  drawn=$((drawn + 1))
}

for theme in dark light; do
  picture overview canary_phase_1 $theme --may-be-empty "Why not" --may-be-empty "Why there is no verdict"
  picture overview hard $theme
  picture overview trouble $theme
  picture preflight preflight $theme --may-be-empty "Why not" --may-be-empty "Canary share of the traffic"
  for phase in canary_phase_1 canary_phase_2 canary_phase_3; do picture $phase $phase $theme --may-be-empty "Why not"; done
  picture canary_phase_1 trouble $theme
  picture canary_phase_3 hard $theme
  picture audit trouble $theme
done
for dashboard in "$dashboards"/tradepulse-*.json; do # nothing may look green
  dashboard=${dashboard##*/tradepulse-}
  picture "${dashboard%.json}" nothing dark --allow-empty
done
stack_down
if [ $keep = yes ]; then echo "kept: $work"; else rm -rf "$work"; fi
echo "$drawn pictures in $out, $bad with faults"
[ $bad -eq 0 ]
