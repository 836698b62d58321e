#!/usr/bin/env bash
# The examples' dashboards against Grafana's published types: spelling of fields, enums, options of each panel type.
# Skips (77) unless NODE_DIR names a folder whose node_modules holds the packages:
#   npm i --prefix "$NODE_DIR" @grafana/schema@13.2.2 typescript@5.9.3
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
if ! command -v node >/dev/null || [ ! -d "${NODE_DIR:-/nowhere}/node_modules/@grafana/schema" ]; then
  echo "SKIP: needs node, and NODE_DIR with @grafana/schema and typescript"; exit 77
fi
work=$(mktemp -d "$GR_BUILDDIR/dashboards.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
for example in tradepulse minimal; do
  "$GR_BUILDDIR/guardrailc" compile -q "$GR_SRCDIR/examples/$example/guardrails.yml" -o "$work/$example" || exit 1
done
mapfile -t files < <(find "$work" -path '*/grafana/dashboards/*.json' | sort)
[ "${#files[@]}" -ge 7 ] || { echo "only ${#files[@]} dashboards"; exit 1; }
NODE_DIR=$NODE_DIR node "$GR_SRCDIR/tests/tools/typecheck-dashboard.mjs" "${files[@]}"
