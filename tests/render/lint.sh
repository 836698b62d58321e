#!/usr/bin/env bash
# What can be said of dashboards without npm and without Prometheus (lint.py): the rules of grafana/dashboard-linter, layout, queries at once,
# links, units, provisioning; of every example, of overlays, and of specifications with 50 and 1,000 guardrails. And that each check can refuse.
# With GR_THOROUGH=no no check has to refuse anything: that tries the script alone. Skips (77) without python3-yaml or jq.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
python=/usr/bin/python3
$python -c 'import yaml' 2>/dev/null && command -v jq >/dev/null || { echo "SKIP: needs python3-yaml and jq"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/lint.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
lint() { $python "$GR_SRCDIR/tests/render/lint.py" --guardrailc "$GR_BUILDDIR/guardrailc" --needed "$@"; }
compile() { "$GR_BUILDDIR/guardrailc" compile -q "$1" -o "$work/$2" || exit 1; }

trees=()
for spec in "$GR_SRCDIR"/examples/*/guardrails.yml "$GR_SRCDIR"/examples/*/overlays/*.yml; do
  name=$(echo "${spec#"$GR_SRCDIR"/examples/}" | tr / -)
  "$GR_BUILDDIR/guardrailc" compile -q --target prometheus "$spec" -o "$work/${name%.yml}" || exit 1
  trees+=("$work/${name%.yml}")
done
for n in 50 1000; do # 50: the most that have a row each
  mkdir "$work/spec$n" && awk -v n=$n -v dir="$work/spec$n" -f "$GR_SRCDIR/tests/bench/spec.awk" || exit 1
  compile "$work/spec$n/guardrails.yml" $n
  trees+=("$work/$n")
done
lint --counts "${trees[@]}" || exit 1
lint --folder TradePulse/Canary "$work/tradepulse-guardrails" >"$work/out" || { cat "$work/out"; exit 1; }
if [ "${GR_THOROUGH:-yes}" = no ]; then exit 0; fi

# Each edit of a dashboard (or of .lint, or of provisioning) breaks the rule that is named.
refused=0
tree=$work/tradepulse-guardrails
refuses() { # RULE FILE
  lint "$tree" >"$work/out" && { echo "$1 does not refuse: $2"; exit 1; }
  grep -q -e "$1" "$work/out" || { echo "$1 is not named:"; cat "$work/out"; exit 1; }
  refused=$((refused + 1))
}
broken() { # RULE JQ-FILTER
  local file=$tree/grafana/dashboards/TradePulse/Canary/tradepulse-audit.json
  cp "$file" "$work/kept"
  jq "$2" "$work/kept" >"$file" || exit 1
  cmp -s <(jq . "$work/kept") "$file" && { echo "$2 changes nothing"; exit 1; }
  refuses "$1" "$2"
  cp "$work/kept" "$file"
}
edited() { # FINDING FILE SED
  cp "$tree/$2" "$work/kept"
  sed -i -e "$3" "$tree/$2"
  cmp -s "$work/kept" "$tree/$2" && { echo "$3 changes nothing"; exit 1; }
  refuses "$1" "$3"
  cp "$work/kept" "$tree/$2"
}
broken template-datasource-rule '.templating.list[0].label = "Source"'
broken template-label-promql-rule '.templating.list[1].query.query = "label_values(up{, job)"'
broken template-on-time-change-reload-rule '.templating.list[1].refresh = 1'
broken panel-datasource-rule '.panels[0].datasource.uid = "prometheus"'
broken panel-title-description-rule '.panels[0].description = ""'
broken panel-no-targets-rule '.panels[0].targets = []'
broken target-promql-rule '.panels[0].targets[0].expr += " or ("'
broken target-rate-interval-rule '.panels[0].targets[0].expr = "rate(x_total{a=~\"${b}\"}[1m])"'
broken target-counter-agg-rule '.panels[0].targets[0].expr = "sum(x_total{a=~\"${b}\"})"'
broken uneditable-dashboard-rule '.editable = true'
broken units: '.panels[0].fieldConfig.defaults.unit = "seconds"'
broken layout: '.panels[1].gridPos.x = 20'
broken layout: '.panels[1].id = .panels[0].id'
broken queries: '.panels[0].targets += [.panels[0].targets[0], .panels[0].targets[0]]'
broken uid: '.uid = "a b"'
broken 'which is none of these' '.panels[0].links = [{title: "x", url: "/d/elsewhere"}]'
broken 'loses the time' '.links[0].keepTime = false'
lint_file=grafana/dashboards/TradePulse/Canary/.lint
edited 'no rule' $lint_file 's/template-job-rule/template-jobs-rule/'
edited 'has no reason' $lint_file '/template-job-rule/{n;s/reason:.*/note: x/}'
edited 'nothing needs it' $lint_file 's/template-job-rule:/panel-no-targets-rule: {reason: x}\n  template-job-rule:/'
edited 'do not come from the files' grafana/provisioning/dashboards/guardrail.yaml 's/orgId: 1/folder: x/'
edited 'data source' grafana/provisioning/datasources/guardrail.yaml 's/access: proxy/access: some/'
echo "$refused faults refused"

# What the table of rollbacks says of one that is done, one that runs, and one that failed and was asked for again: the old end is not its own.
: "${PROMTOOL:=$(command -v promtool)}"
[ -n "$PROMTOOL" ] || { echo "the table of rollbacks is not looked at: no promtool"; exit 0; }
expr=$(jq -r '.panels[] | select(.title == "Rollbacks") | .targets[1].expr' "$tree/grafana/dashboards/TradePulse/Canary/tradepulse-audit.json" |
  sed -e 's/\$__range/1h/g' -e 's/\${[a-z]*}/.+/g')
jq -n --arg expr "$expr" '
  def times(what; id; more; values): {series: "guardraild_rollback_\(what)_seconds{spec=\"tradepulse\",cluster=\"c\",deployment_id=\"\(id)\",guardrail=\"g\",level=\"hard\"\(more)}", values: values};
  def row(id; state; seconds): {labels: "{cluster=\"c\",deployment_id=\"\(id)\",guardrail=\"g\",level=\"hard\",state=\"\(state)\"}", value: seconds};
  {evaluation_interval: "1m", tests: [{interval: "1m", input_series: [
    times("start"; "d1"; ""; "60x30"), times("end"; "d1"; ",state=\"done\""; "_x3 185x26"),
    times("start"; "d2"; ""; "600x30"),
    times("start"; "d3"; ""; "60x10 900x19"), times("end"; "d3"; ",state=\"failed\""; "_x3 120x7 stale")],
   promql_expr_test: [{expr: $expr, eval_time: "20m", exp_samples: [row("d1"; "done"; 125), row("d2"; "not over"; 600), row("d3"; "not over"; 300)]}]}]}' \
  >"$work/rollbacks.yml"
"$PROMTOOL" test rules "$work/rollbacks.yml" >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
