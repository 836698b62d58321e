#!/bin/sh
# guardrailc test: generated tests pass against the emitted rules, notice planted faults and sampled changes, and say what they cannot do.
# With GR_THOROUGH=no, one guardrail: the others' rules and tests are the same in every build, and the rest is promtool's work.
set -u
thorough=${GR_THOROUGH:-yes}
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

tp=$src/examples/tradepulse/guardrails.yml minimal=$src/examples/minimal/guardrails.yml split=$src/tests/promtool/split.yml
# planted FILE SED RESULT: a fault in rules
planted() {
  sed "$2" "$1" >"$3"
  cmp -s "$1" "$3" && fail "no fault planted: $2"
}

if [ $thorough = yes ]; then
  # One of each kind: ratio, expression; the gauge is changed below.
  expect 0 guardrailc test --now 1970-01-01 "$minimal"
  says '1 guardrails, [0-9]* cases: [0-9]* passed, 0 failed'
  expect 0 guardrailc test --now 1970-01-01 -g mark_to_market_drift "$tp"
  says 'passed  mark_to_market_drift'
  # Cells of metric and limit that no other guardrail here has; all of them: guardrailc test tests/data/matrix.yml.
  for one in bad_points quantile_points weighted_fixed expression_relative; do
    expect 0 guardrailc test -g $one "$src/tests/data/matrix.yml"
    says "passed  $one"
  done
  # The canary's share of the traffic: a tolerance of nothing; a share that is ignored.
  expect 0 guardrailc test -g errors "$src/tests/data/specs/good/traffic-share.yml"
  expect 0 guardrailc test -g hedge "$split"
fi

# Planted faults, in rules that are compiled elsewhere.
guardrailc compile -q --now 1970-01-01 -o "$work/tree" "$tp" || fail "compile"
planted "$work/tree/prometheus/rules.yml" 's/> 0\.35$/> 0.351/' "$work/limit.yml"
expect 1 guardrailc test --now 1970-01-01 -g model_drift --rules "$work/limit.yml" "$tp"
says 'FAILED  model_drift'
says 'case hard-upper-outside at'
says 'wanted .*GuardrailHardBreach'
expect 1 guardrailc test --now 1970-01-01 -g model_drift -q --format json --rules "$work/limit.yml" "$tp"
says '"format_version": *1'
echo 'groups: []' >"$work/none.yml"
expect 2 guardrailc test --rules "$work/none.yml" "$minimal"
says 'there are no rules'

# Files alone, of all that guardrails can be, and what they notice: a share that is wrong, and when guardrails are not judged at all.
for spec in "$minimal" "$split" "$tp" "$src/tests/data/matrix.yml" "$src/tests/data/specs/good/traffic-share.yml"; do
  expect 0 guardrailc test --now 1970-01-01 --write-only "$work/files" "$spec"
  says 'cases written to'
done
[ -s "$work/files/fill.rules.yml" ] && [ -s "$work/files/fill.test.yml" ] || fail "--write-only wrote no files"
# notices NAME SED…: faults that the cases of NAME have to find
notices() {
  expect 0 "$PROMTOOL" test rules "$work/files/$1.test.yml"
  cp "$work/files/$1.rules.yml" "$work/rules.yml" || exit 1
  name=$1; shift
  for fault; do
    planted "$work/rules.yml" "$fault" "$work/files/$name.rules.yml"
    expect 1 "$PROMTOOL" test rules "$work/files/$name.test.yml"
  done
}
if [ $thorough = yes ]; then
  notices fill.share 's/^\( *\)8 \* sqrt(/\19 * sqrt(/' 's/"traffic_share"/"thin"/' 's/ unless guardrail:share:wrong{[^}]*}//' \
    's/^\( *\)or 0\.25 \* guard/\1or 0.26 * guard/'
  notices checkout-watch 's/    for: 2m/    for: 3m/'
fi

# Changes, some of them.
sample=5
[ $thorough = yes ] || sample=1
expect 0 guardrailc test --now 1970-01-01 -g model_drift --mutate --sample $sample "$tp"
says '1 guardrails, [0-9]* cases: [0-9]* passed, 0 failed; '$sample' changed rules: '

# An interrupted run ends its promtool and removes its folder; it ends as the signal would have it.
printf '#!/bin/sh\necho $$ >>"%s/pids"\nexec sleep 1000\n' "$work" >"$work/slow" && chmod +x "$work/slow" || exit 1
for signal in HUP:129 TERM:143; do # in the background SIGINT is ignored
  mkfifo "$work/pids" || exit 1
  PROMTOOL=$work/slow env --default-signal=HUP,TERM "$build/guardrailc" test --now 1970-01-01 -g model_drift "$tp" >"$work/out" 2>&1 &
  pid=$!
  read -r child <"$work/pids"
  kill -s ${signal%:*} $pid
  wait $pid
  got=$?
  [ $got -eq ${signal#*:} ] || fail "$signal: ended with $got"
  kill -0 "$child" 2>/dev/null && fail "$signal: promtool is still there"
  rm -f "$work/pids"
done

# Nothing is left behind.
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
PROMTOOL=$work/absent expect 2 guardrailc test "$minimal"
says "there is no '$work/absent'"
if [ $bad -eq 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
exit $bad
