#!/bin/sh
# guardrailc test: generated tests pass against the emitted rules, notice planted faults and sampled changes, and say what they cannot do.
set -u
: "${GR_SRCDIR:=.}" "${GR_BUILDDIR:=.}" "${PROMTOOL:=$(command -v promtool)}"
[ -n "$PROMTOOL" ] || { echo "SKIP: needs promtool"; exit 77; }
export PROMTOOL
src=$(cd "$GR_SRCDIR" && pwd) && build=$(cd "$GR_BUILDDIR" && pwd) || exit 1
work=$(mktemp -d "$build/guardrailtest.XXXXXX") || exit 1
TMPDIR=$work; export TMPDIR
bad=0
fail() { echo "FAILED: $*"; bad=1; }
guardrailc() { "$build/guardrailc" "$@"; }
# expect STATUS COMMAND…
expect() {
  want=$1; shift
  "$@" >"$work/out" 2>"$work/err"
  got=$?
  [ $got -eq "$want" ] || { fail "$* gave $got, not $want"; head -c 4000 "$work/out" "$work/err"; }
}
says() { grep -q -e "$1" "$work/out" "$work/err" || { fail "no '$1'"; head -c 2000 "$work/out" "$work/err"; }; }

tp=$src/examples/tradepulse/guardrails.yml
# One of each kind: ratio, expression; a fixed stream gauge is changed below.
expect 0 guardrailc test --now 1970-01-01 "$src/examples/minimal/guardrails.yml"
says '1 guardrails, [0-9]* cases: [0-9]* passed, 0 failed'
for one in mark_to_market_drift; do
  expect 0 guardrailc test --now 1970-01-01 -g $one "$tp"
  says "passed  $one"
done

# Cells of metric and limit that no other guardrail here has; all of them: guardrailc test tests/data/matrix.yml.
for one in bad_points quantile_points weighted_fixed expression_relative; do
  expect 0 guardrailc test -g $one "$src/tests/data/matrix.yml"
  says "passed  $one"
done

# The canary's share of the traffic: a tolerance of nothing too, and faults of the rules that look at it.
split=$src/tests/promtool/split.yml
expect 0 guardrailc test "$src/tests/data/specs/good/traffic-share.yml"
guardrailc compile -q -o "$work/split" "$split" || fail "compile split"
for fault in 's/^\( *\)8 \* sqrt(/\19 * sqrt(/' 's/"traffic_share"/"thin"/' 's/ unless guardrail:share:wrong{[^}]*}//' \
  's/^\( *\)or 0\.25 \* guard/\1or 0.26 * guard/'; do
  sed "$fault" "$work/split/prometheus/rules.yml" >"$work/fault.yml"
  cmp -s "$work/split/prometheus/rules.yml" "$work/fault.yml" && { fail "no fault planted: $fault"; continue; }
  expect 1 guardrailc test -g fill --rules "$work/fault.yml" "$split"
  says 'FAILED  fill'
done

# Planted faults.
guardrailc compile -q --now 1970-01-01 -o "$work/tree" "$src/examples/minimal/guardrails.yml" || fail "compile"
rules=$work/tree/prometheus/rules.yml
sed 's/> 1\.5$/> 1.51/' "$rules" >"$work/limit.yml"
cmp -s "$rules" "$work/limit.yml" && fail "no limit was planted"
expect 1 guardrailc test --now 1970-01-01 --rules "$work/limit.yml" "$src/examples/minimal/guardrails.yml"
says 'FAILED  error_rate'
says 'case hard-upper-outside at'
says 'wanted .*GuardrailHardBreach'
expect 1 guardrailc test --now 1970-01-01 --format json --rules "$work/limit.yml" "$src/examples/minimal/guardrails.yml"
says '"format_version": *1'
sed 's/    for: 2m/    for: 3m/' "$rules" >"$work/for.yml"
cmp -s "$rules" "$work/for.yml" && fail "no delay was planted"
expect 1 guardrailc test --now 1970-01-01 -q --rules "$work/for.yml" "$src/examples/minimal/guardrails.yml"
echo 'groups: []' >"$work/none.yml"
expect 2 guardrailc test --rules "$work/none.yml" "$src/examples/minimal/guardrails.yml"
says 'there are no rules'

# Changes, some of them.
expect 0 guardrailc test --now 1970-01-01 -g model_drift --mutate --sample 5 "$tp"
says 'changed rules: '

# An interrupted run ends its promtool and removes its folder; it ends as the signal would have it.
printf '#!/bin/sh\necho $$ >>"%s/pids"\nexec sleep 1000\n' "$work" >"$work/slow" && chmod +x "$work/slow" || exit 1
for signal in HUP:129 TERM:143; do # in the background SIGINT is ignored
  mkfifo "$work/pids" || exit 1
  PROMTOOL=$work/slow "$build/guardrailc" test --now 1970-01-01 -g model_drift "$tp" >"$work/out" 2>&1 &
  pid=$!
  read -r child <"$work/pids"
  kill -s ${signal%:*} $pid
  wait $pid
  got=$?
  [ $got -eq ${signal#*:} ] || fail "$signal: ended with $got"
  kill -0 "$child" 2>/dev/null && fail "$signal: promtool is still there"
  rm -f "$work/pids"
done

# Files alone; nothing is left behind elsewhere.
expect 0 guardrailc test --write-only "$work/files" -g model_drift "$tp"
says 'written to'
[ -s "$work/files/model_drift.rules.yml" ] && [ -s "$work/files/model_drift.test.yml" ] || fail "--write-only wrote no files"
"$PROMTOOL" test rules "$work/files/model_drift.test.yml" >"$work/out" 2>&1 || fail "files of --write-only do not pass"
[ -z "$(find "$work" -maxdepth 1 -name 'guardrailc-test.*')" ] || fail "temporary folders are left"

# Wrong use.
expect 2 guardrailc test "$tp" -g nothing
says "there is no guardrail 'nothing'"
expect 2 guardrailc test
expect 2 guardrailc test --sample 3 "$tp"
expect 2 guardrailc test --rule guardrail:verdict "$tp"
expect 2 guardrailc test --mutate --rule guardrail:nothing "$tp"
says "no rule has the name 'guardrail:nothing'"
expect 2 guardrailc test --jobs 0 "$tp"
expect 2 guardrailc test --write-only "$work/x" --mutate "$tp"
expect 2 guardrailc test --format sarif "$tp"
PROMTOOL=$work/absent expect 2 guardrailc test "$src/examples/minimal/guardrails.yml"
says "there is no '$work/absent'"
if [ $bad -eq 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
exit $bad
