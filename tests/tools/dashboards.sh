#!/usr/bin/env bash
# The examples' dashboards against Grafana's published types: spelling of fields, enums, options of each panel type.
# Skips (77) without the packages of tests/node (node.sh says how they are found).
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
. "$GR_SRCDIR/tests/tools/node.sh"
node_modules || { echo "SKIP: $NODE_WHY"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/dashboards.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
for example in tradepulse minimal; do
  "$GR_BUILDDIR/guardrailc" compile -q "$GR_SRCDIR/examples/$example/guardrails.yml" -o "$work/$example" || exit 1
done
mapfile -t files < <(find "$work" -path '*/grafana/dashboards/*.json' | sort)
[ "${#files[@]}" -ge 7 ] || { echo "only ${#files[@]} dashboards"; exit 1; }
NODE_DIR=$NODE_DIR node "$GR_SRCDIR/tests/tools/typecheck-dashboard.mjs" "${files[@]}"
