# scene.sh - a scene to look at dashboards by (bash; source it after tests/e2e/stack.sh): real Prometheus, Alertmanager and guardraild over the
# simulated fleet, with the TradePulse specification. Time is divided by SCALE (120: a slot of two minutes takes a second).
#
#   nothing      guardraild is up, no release was ever started: nothing may look green
#   preflight, canary_phase_1   three streams, all healthy
#   canary_phase_2, canary_phase_3   equities alone, healthy; an operator opened the gate for each
#   hard         equities: hard breach, in this moment · derivatives: soft breach · crypto: silent
#   trouble      the same, with equities rolled back
#
#   scene_start DIR [SCALE]    all programs; then the stage "nothing". SCENE_SPEC: another specification for the same fleet
#   scene_play                 all stages, one after the other. After each, scene_stage NAME is called, if it is defined
#   scene_at NAME              when the stage was over, Unix seconds
scene_fail() { echo "scene: $*" >&2; return 1; }

scene_over() { # NAME
  date "+$1 %s.%3N" >>"$STACK/stages"
  if declare -F scene_stage >/dev/null; then scene_stage "$1"; fi
}
scene_at() { awk -v s="$1" '$1 == s {print $2}' "$STACK/stages"; }

scene_start() {
  stack_init "$1" "${2:-120}" || return 1
  : >"$STACK/stages"
  stack_up "${SCENE_SPEC:-$GR_SRCDIR/examples/tradepulse/guardrails.yml}" --seed 7 --rps 20000 || return 1
  wait_for 30 scene_says "guardraild_store_up" || { scene_fail "guardraild is not scraped"; return 1; }
  scene_over nothing
}

scene_says() { [ -n "$(prom "$1")" ]; }
scene_verb() { ctl release "$@" --by tests --reason "to look at dashboards" >>"$STACK/log/scene.log" 2>&1; }
# Opens the gate, whatever it asks for, and enters the next phase.
scene_advance() { # DEPLOYMENT PHASE
  scene_verb advance "$1" && return 0
  scene_verb override "$1" --for 1m --commander tests && scene_verb advance "$1" || scene_verb advance "$1" --override --commander tests
}
# DEPLOYMENT PHASE: it stands there, and there were enough slots that values and verdicts are lines, not points.
scene_settled() {
  scene_says "count_over_time(guardrail:verdict{deployment_id=\"$1\",phase=\"$2\"}[1h]) > 6 and on (deployment_id, phase) guardrail_release_phase == 1"
}

scene_healthy() { [ -z "$(prom 'guardrail:verdict{phase="canary_phase_1"} > 0')" ] && scene_says 'guardrail:verdict{phase="canary_phase_1"} == 0'; }

scene_play() {
  local d phase
  for d in equities:d-eq derivatives:d-de crypto:d-cr; do
    stack_release "${d##*:}" "${d%%:*}" || { scene_fail "${d##*:} does not start"; return 1; }
  done
  wait_for 30 scene_settled d-eq preflight || { scene_fail "no verdicts in the pre-flight"; return 1; }
  scene_over preflight
  for d in d-eq d-de d-cr; do wait_for 20 scene_advance "$d" || { scene_fail "$d does not pass the pre-flight"; return 1; }; done
  wait_for 30 scene_settled d-eq canary_phase_1 && wait_for 30 scene_settled d-cr canary_phase_1 || { scene_fail "no verdicts in phase 1"; return 1; }
  wait_for 20 scene_healthy || echo "scene: not everything is healthy in phase 1; on a busy machine, and now and then by chance, that happens"
  scene_over canary_phase_1
  fleet /fault "pnl +5.7 cluster=derivatives flow=agency track=canary" >/dev/null
  fleet /fault "silent venue=BINANCE" >/dev/null
  for phase in canary_phase_2 canary_phase_3; do
    wait_for 20 scene_advance d-eq || { scene_fail "d-eq does not enter $phase"; return 1; }
    fleet /share "market_making 0.05 cluster=equities" >/dev/null
    wait_for 30 scene_settled d-eq $phase || { scene_fail "no verdicts in $phase"; return 1; }
    scene_over $phase
  done
  fleet /fault "error_rate x3 track=canary venue=XNAS" >/dev/null
  wait_for 60 scene_says 'guardrail:verdict{cluster="equities"} == 3' || { scene_fail "no hard breach"; return 1; }
  scene_over hard
  wait_for 60 scene_says 'guardrail:verdict{cluster="derivatives"} == 2' || { scene_fail "no soft breach"; return 1; }
  wait_for 60 scene_says 'guardrail:insufficient{cluster="crypto",reason="missing"}' || { scene_fail "the silent stream is not insufficient"; return 1; }
  wait_for 60 scene_says 'guardraild_rollback_end_seconds{deployment_id="d-eq"}' || { scene_fail "d-eq is not rolled back"; return 1; }
  scene_over trouble
}
