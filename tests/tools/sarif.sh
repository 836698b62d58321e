#!/usr/bin/env bash
# SARIF logs of every broken specification and of bad rule files against the schema of SARIF 2.1.0; and that the check can refuse.
# With GR_THOROUGH=no they have to be JSON and no more: what they say is the same in every build.
# Skips (77) without the packages of tests/node (node.sh says how they are found; the schema is in one) and without python3-jsonschema.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
. "$GR_SRCDIR/tests/tools/node.sh"
node_modules || { echo "SKIP: $NODE_WHY"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/sarif.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
guardrailc=$GR_BUILDDIR/guardrailc
schema=$NODE_DIR/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json
[ -e "$schema" ] || { echo "SKIP: NODE_DIR has no @microsoft/jest-sarif"; exit 77; }
/usr/bin/python3 -c 'import jsonschema' 2>/dev/null || { echo "SKIP: needs python3-jsonschema"; exit 77; }
validate() { # LOG…: says what is wrong with them
  /usr/bin/python3 - "$schema" "$@" <<'PYTHON'
import json, jsonschema, sys
validator = jsonschema.Draft4Validator(json.load(open(sys.argv[1])))
bad = 0
for name in sys.argv[2:]:
    for e in list(validator.iter_errors(json.load(open(name))))[:5]:
        bad += 1
        print(f'{name}: {"/".join(map(str, e.path))}: {e.message[:200]}')
sys.exit(bad > 0)
PYTHON
}

{
  for spec in "$GR_SRCDIR"/tests/data/specs/bad/*.yml; do
    "$guardrailc" check --now 2026-11-23 --format sarif "$spec" >"$work/$(basename "$spec").sarif"
  done
  "$guardrailc" check --format sarif "$GR_SRCDIR"/tests/data/specs/*/*.yml >"$work/all.sarif"
  "$guardrailc" check --format sarif "$GR_SRCDIR/examples/minimal/guardrails.yml" >"$work/clean.sarif"
  "$guardrailc" check --format sarif "$work/a file that is not there.yml" >"$work/absent.sarif"
  "$guardrailc" lint --format sarif --enable all --min-severity note "$GR_SRCDIR"/tests/data/rules/*/*.yml >"$work/rules.sarif"
} 2>"$work/err"
[ ! -s "$work/err" ] || { echo "on standard error:"; head -50 "$work/err"; exit 1; } # where sanitizers write
logs=("$work"/*.sarif)
[ "${#logs[@]}" -gt 150 ] || { echo "only ${#logs[@]} logs"; exit 1; }
if [ "${GR_THOROUGH:-yes}" = no ]; then
  /usr/bin/python3 -c 'import json, sys; [json.load(open(log)) for log in sys.argv[1:]]' "${logs[@]}" || exit 1
  echo "${#logs[@]} logs are JSON"; exit 0
fi
validate "${logs[@]}" || exit 1

# Each of these breaks the log.
n=0
for edit in 's/"version":"2.1.0"/"version":"2.0.0"/' 's/"startLine":[0-9]*/"startLine":0/' 's/"level":"error"/"level":"fatal"/' \
  's/"message":{"text"/"message":{"txt"/' 's/"uri"/"url"/' 's/"results"/"result"/' 's/"name":"guardrailc",//'; do
  sed "$edit" "$work/all.sarif" >"$work/broken"
  cmp -s "$work/broken" "$work/all.sarif" && { echo "the edit $edit changes nothing"; exit 1; }
  validate "$work/broken" >/dev/null && { echo "the schema does not refuse $edit"; exit 1; }
  n=$((n + 1))
done
echo "${#logs[@]} logs valid, $n broken ones refused"
