#!/bin/sh
# guardrailc schema: what is committed is what the tables say, and the schema takes and refuses what the reader does.
set -u
: "${GR_SRCDIR:=.}" "${GR_BUILDDIR:=.}"
src=$(cd "$GR_SRCDIR" && pwd) && build=$(cd "$GR_BUILDDIR" && pwd) || exit 1
work=$(mktemp -d "$build/schema.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
bad=0
fail() { echo "FAILED: $*"; bad=1; }

"$build/guardrailc" schema >"$work/schema.json" || fail "guardrailc schema"
cmp -s "$work/schema.json" "$src/docs/guardrail.schema.json" || fail "docs/guardrail.schema.json is stale: make update-schema"
"$build/guardrailc" schema --markdown >"$work/keys.md" || fail "guardrailc schema --markdown"
sed -n '/^### The document/,$p' "$src/docs/language.md" | cmp -s - "$work/keys.md" ||
  fail "the keys in docs/language.md are stale: make update-schema"
"$build/guardrailc" schema one 2>/dev/null
[ $? -eq 2 ] || fail "an operand is taken"
if [ -w /dev/full ]; then
  "$build/guardrailc" schema >/dev/full 2>"$work/err"
  [ $? -eq 3 ] || fail "into a full device: not 3"
fi
# Debian's modules are for Debian's Python, which need not be the first on the PATH.
python=/usr/bin/python3
$python -c 'import jsonschema, yaml' 2>/dev/null || { [ $bad -eq 0 ] || exit 1; echo "SKIP: needs python3-jsonschema and python3-yaml"; exit 77; }
$python -B "$src/tests/schema.py" "$work/schema.json" "$src" || bad=1
[ $bad -eq 0 ]
