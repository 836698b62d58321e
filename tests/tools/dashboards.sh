#!/usr/bin/env bash
# Every dashboard of every example, of the overlays and of 1,000 guardrails against Grafana's published types: spelling of fields, enums,
# options of each panel type; and that the check can refuse. Skips (77) without the packages of tests/node (node.sh says how they are found), and
# with GR_THOROUGH=no: tests/render/lint.sh compiles the same.
set -u
if [ "${GR_THOROUGH:-yes}" = no ]; then echo "SKIP: GR_THOROUGH=no"; exit 77; fi
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
. "$GR_SRCDIR/tests/tools/node.sh"
node_modules || { echo "SKIP: $NODE_WHY"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/dashboards.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
n=0
mkdir "$work/spec" && awk -v n=1000 -v dir="$work/spec" -f "$GR_SRCDIR/tests/bench/spec.awk" || exit 1
for spec in "$GR_SRCDIR"/examples/*/guardrails.yml "$GR_SRCDIR"/examples/*/overlays/*.yml "$work/spec/guardrails.yml"; do
  n=$((n + 1))
  "$GR_BUILDDIR/guardrailc" compile -q --target prometheus "$spec" -o "$work/$n" || exit 1
done
mapfile -t files < <(find "$work" -path '*/grafana/dashboards/*.json' | sort)
[ "$n" -ge 5 ] && [ "${#files[@]}" -ge 23 ] || { echo "only ${#files[@]} dashboards of $n specifications"; exit 1; }
check() { NODE_DIR=$NODE_DIR node "$GR_SRCDIR/tests/tools/typecheck-dashboard.mjs" "$@"; }
check "${files[@]}" || exit 1
good=$(printf '%s\n' "${files[@]}" | grep overview | head -1) broken=()
for edit in 's/"colorMode":/"colourMode":/' 's/"type": "stat"/"type": "stats"/' 's/"useValueForTime": true/"useValueForTime": "yes"/' 's/"hide": 0/"hide": "no"/'; do
  broken+=("$work/broken${#broken[@]}.json")
  sed "$edit" "$good" >"${broken[-1]}" && cmp -s "$good" "${broken[-1]}" && { echo "changes nothing: $edit"; exit 1; }
done
check "${broken[@]}" >"$work/out" 2>&1 && { echo "broken dashboards are not refused"; exit 1; }
for file in "${broken[@]}"; do grep -q "$(basename "$file")" "$work/out" || { echo "$file is not refused:"; cat "$work/out"; exit 1; }; done
echo "${#files[@]} dashboards of $n specifications"
