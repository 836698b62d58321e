#!/usr/bin/env bash
# guardrailc power: golden reports in tests/golden/power, and wrong questions.
#   power.sh            compares (make check)
#   power.sh --update   rewrites them (make update-golden); review the diff
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
src=$(cd "$GR_SRCDIR" && pwd) build=$(cd "$GR_BUILDDIR" && pwd)
guardrailc=$build/guardrailc
work=$(mktemp -d "$build/power.XXXXXX") || exit 1
bad=0 cases=0
[ -x "$guardrailc" ] || { echo "FAILED: there is no $guardrailc"; rmdir "$work"; exit 1; }
cd "$src" || exit 1
kinds=tests/golden/power/kinds.yml rates=tests/golden/power/kinds-rates.yml
tradepulse=examples/tradepulse/guardrails.yml

fail() { echo "FAILED: $*"; bad=$((bad + 1)); }

# One a line: the golden file, the exit status, the arguments.
golden="
kinds.txt           1 $kinds --rates $rates --rollouts 300
kinds.json          1 $kinds --rates $rates --rollouts 300 --format json
kinds-all.txt       0 $kinds --rates $rates --rollouts 300 --all --max-false-rollback 90%
kinds-template.yml  0 $kinds --write-rates
tradepulse.txt      0 $tradepulse --rates examples/tradepulse/rates.yml --rollouts 500
template.yml        0 $tradepulse --write-rates
"
while read -r file want args; do
  [ -n "$file" ] || continue
  cases=$((cases + 1))
  # shellcheck disable=SC2086
  "$guardrailc" power $args >"$work/out" 2>"$work/err" </dev/null
  got=$?
  [ $got -eq "$want" ] || { fail "power $args: exit status $got, wanted $want"; cat "$work/err"; continue; }
  [ ! -s "$work/err" ] || { fail "power $args says on standard error:"; cat "$work/err"; }
  if [ "${1:-}" = --update ]; then
    cmp -s "$work/out" "tests/golden/power/$file" || cp "$work/out" "tests/golden/power/$file"
  else
    diff -u "tests/golden/power/$file" "$work/out" || fail "not as before: power $args (make update-golden, then look at the diff)"
  fi
  case $file in *.txt)
    [ "$(wc -L <"$work/out")" -le 120 ] || fail "$file has a line of more than 120 columns" ;;
  esac
done <<<"$golden"

# The page shows what the program says.
sed -n '/^<!-- report -->/,/^<!-- end -->/p' docs/power.md | sed '/^<!--/d; /^```/d' >"$work/page"
if [ "${1:-}" = --update ]; then
  awk -v report=tests/golden/power/tradepulse.txt '
    /^<!-- report -->/ { print; print "```text"; while ((getline line < report) > 0) print line; print "```"; skip = 1 }
    /^<!-- end -->/ { skip = 0 }
    !skip' docs/power.md >"$work/new"
  cmp -s "$work/new" docs/power.md || cp "$work/new" docs/power.md
else
  diff -u "$work/page" tests/golden/power/tradepulse.txt >"$work/diff" || { fail "docs/power.md is stale: make update-golden"; head -5 "$work/diff"; }
fi

# asks WANTED_CODE TEXT ARG…: TEXT stands in either stream. The rates are $work/rates.yml if they are written there.
asks() {
  local want=$1 text=$2 got
  shift 2
  cases=$((cases + 1))
  "$guardrailc" power "$@" >"$work/out" 2>&1 <"${stdin:-/dev/null}"
  got=$?
  [ $got -eq "$want" ] && grep -q -F -e "$text" "$work/out" && return
  echo "FAILED: power $*: exit status $got, wanted $want and \"$text\":"
  sed 's/^/  /' "$work/out"
  bad=$((bad + 1))
}
write_rates() {
  printf '%s\n' "$1" >"$work/rates.yml"
}
quick="--rollouts 50"
asks 2 "one SPEC is wanted, 0 given"
asks 2 "--rollouts is a whole number from 1 to 1000000, not '0'" $kinds --rollouts 0
asks 2 "--seed is a whole number from 1" $kinds --seed x
asks 2 "--max-false-rollback is a share such as 1%" $kinds --max-false-rollback 0%
asks 2 "--max-false-rollback is a share such as 1%" $kinds --max-false-rollback 5ms
asks 2 "cannot both be standard input" - --rates -
asks 2 "leave out --rates" $kinds --write-rates --rates $rates
asks 2 "--svg wants a file" $kinds --svg -
asks 2 "text or json" $kinds --format sarif
asks 2 "cannot read" $kinds --rates "$work/none.yml"
asks 2 "cannot read" "$work/none.yml"
asks 3 "cannot write" $kinds $quick --svg "$work/none/picture.svg"
write_rates ''
asks 1 "GR0108" $kinds --rates "$work/rates.yml"
asks 1 "--write-rates prints a file to begin with" $kinds --rates "$work/rates.yml"
write_rates '[1, 2'
asks 1 "GR0004" $kinds --rates "$work/rates.yml"
write_rates 'guardrails: {erors: {bad: 1%}}'
asks 1 'did you mean "errors"?' $kinds --rates "$work/rates.yml"
# A rate of 0, and a test whose budget cannot be met by any regression in the time that there is.
write_rates 'traffic: [{where: {}, per_second: 0}]'
asks 0 "by the rates no traffic comes" $kinds $quick --rates "$work/rates.yml" --max-false-rollback 99%
sed 's/^false_rollback_budget: 1%/false_rollback_budget: 0.0000001%/; s/min_duration: 10m/min_duration: 2m/' $kinds >"$work/strict.yml"
asks 0 "the budget asks for too much here" "$work/strict.yml" $quick --rates $rates --max-false-rollback 99%
# A limit in points on a quantile needs the quantile itself.
write_rates 'dispersion: 1'
asks 0 'state the quantile'"'"'s usual `value`' $kinds $quick --rates "$work/rates.yml" --max-false-rollback 99%
# Without a budget the letter is priced, here and by check.
sed '/^false_rollback_budget/d' $kinds >"$work/letter.yml"
asks 0 "this is what the limits buy, taken by their letter" "$work/letter.yml" $quick --rates $rates
asks 1 "OVER BUDGET" "$work/letter.yml" $quick --rates $rates --max-false-rollback 2%
"$guardrailc" check "$work/letter.yml" >"$work/out" 2>&1
grep -q 'one slice of "errors" alone does so in [1-9][0-9]* % of healthy phases of 10m' "$work/out" || fail "check names no figure: $(cat "$work/out")"
# Only fixed limits: nothing to simulate.
awk '/^  - name: errors/ { skip = 1 } /^  - name: cpu/ { skip = 0 } !skip' $kinds >"$work/fixed.yml"
asks 0 "there is no test, and nothing to simulate" "$work/fixed.yml"
write_rates 'guardrails: {cpu: {noise: 1%}}'
asks 0 "GR0802" "$work/fixed.yml" --rates "$work/rates.yml"
# Same seed, same report; another seed, another.
for run in a1 b1 c2; do
  "$guardrailc" power $kinds --rates $rates --rollouts 300 --seed "${run#?}" >"$work/seed.$run"
  cases=$((cases + 1))
done
cmp -s "$work/seed.a1" "$work/seed.b1" || fail "the same seed gave two reports"
cmp -s "$work/seed.a1" "$work/seed.c2" && fail "the seed has no effect"
# The template is a rates file that changes nothing but rounding of `mix`.
"$guardrailc" power $tradepulse --write-rates >"$work/rates.yml"
asks 0 "false_rollback_budget: 1%: kept" $tradepulse --rates "$work/rates.yml" --rollouts 500
grep -q '^Assumed' "$work/out" && fail "the template leaves something to be assumed"
# The picture is XML with a row for each comparison.
"$guardrailc" power $kinds --rates $rates $quick --svg "$work/p.svg" >/dev/null
for name in errors fills latency queue cache_hits letter; do
  grep -q ">$name</text>" "$work/p.svg" || fail "the picture lacks $name"
done
if command -v xmllint >/dev/null; then xmllint --noout "$work/p.svg" || fail "the picture is no XML"; fi

rm -rf "$work"
echo "power: $cases cases, $bad failed"
[ $bad -eq 0 ]
