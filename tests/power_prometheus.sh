#!/usr/bin/env bash
# guardrailc power --prometheus: what is asked of a strict stand-in, every way in which asking fails, and a real Prometheus with a history whose
# rates are known (tests/power/history.py). Without prometheus or promtool the last part is left out.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
src=$(cd "$GR_SRCDIR" && pwd) build=$(cd "$GR_BUILDDIR" && pwd)
guardrailc=$build/guardrailc
work=$(mktemp -d "$build/power_prometheus.XXXXXX") || exit 1
python=/usr/bin/python3
bad=0 cases=0 pids=()
kinds=$src/tests/golden/power/kinds.yml
at="--at 2026-11-23" quick="--rollouts 50 --max-false-rollback 99%"

fail() { echo "FAILED: $*"; bad=$((bad + 1)); }
finish() {
  for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done
  pids=()
}
trap 'finish; rm -rf "$work"' EXIT
await() { # SECONDS COMMAND…
  local n=$(($1 * 50)); shift
  while [ $n -gt 0 ]; do "$@" && return 0; sleep 0.02; n=$((n - 1)); done
  return 1
}
# asks WANTED_CODE TEXT ARG…: TEXT stands in either stream.
asks() {
  local want=$1 text=$2 got
  shift 2
  cases=$((cases + 1))
  "$guardrailc" power "$@" >"$work/out" 2>"$work/err" </dev/null
  got=$?
  [ $got -eq "$want" ] && cat "$work/out" "$work/err" | grep -q -F -e "$text" && return
  echo "FAILED: power $*: exit status $got, wanted $want and \"$text\":"
  sed 's/^/  /' "$work/out" "$work/err" | head -20
  bad=$((bad + 1))
}

# Wrong questions, before anybody is asked.
asks 2 "--at is for --prometheus URL" "$kinds" --at 2026-11-23
asks 2 "--lookback is for --prometheus URL and --write-rates" "$kinds" --lookback 1d
asks 2 "begins with http:// or https://" "$kinds" --prometheus ftp://x
asks 2 "it names a host" "$kinds" --prometheus http://
asks 2 "it names a host" "$kinds" --prometheus http:///path
asks 2 "no user or password" "$kinds" --prometheus http://a:b@127.0.0.1
asks 2 "before any ? or #" "$kinds" --prometheus 'http://127.0.0.1/?x=1'
asks 2 "no blanks" "$kinds" --prometheus 'http://127.0.0.1/a b'
asks 2 "over https:// only" "$kinds" --prometheus http://10.0.0.1 --prometheus-token-file x
asks 2 "--at is a date" "$kinds" --prometheus http://127.0.0.1 --at yesterday
asks 2 "at most 90d" "$kinds" --prometheus http://127.0.0.1 --lookback 91d
asks 2 "at most 90d" "$kinds" --prometheus http://127.0.0.1 --lookback 7
asks 2 "cannot read" "$kinds" --prometheus http://127.0.0.1 --prometheus-token-file "$work/none"

"$python" "$src/tests/power/standin.py" "$work/port" &
pids+=($!)
await 10 test -e "$work/port" || { echo "FAILED: no stand-in"; exit 1; }
read -r port <"$work/port"
base=http://127.0.0.1:$port

# What ends the asking.
while read -r way text; do
  [ -n "$way" ] || continue
  # shellcheck disable=SC2086
  asks 2 "$text" "$kinds" $at --prometheus "$base/$way"
  grep -q "cannot ask Prometheus at $base/$way" "$work/err" || fail "$way: the message does not name it: $(cat "$work/err")"
  [ ! -s "$work/out" ] || fail "$way: a report was printed"
done <<'EOF'
unauthorized  see --prometheus-token-file (status 401)
forbidden     the token may not read (status 403)
redirect      it redirects: give the address that it leads to (status 302)
nowhere       is a path missing in the URL? (status 404)
busy          it is asked too often: try later (status 429)
broken        it has trouble (status 500)
html          is not Prometheus': is a proxy or a login page in between
half          is not Prometheus'
matrix        is not Prometheus'
huge          the answer is too large
empty         it knows none: is it the right server
nan           it knows none: is it the right server
refuses       it knows none: is it the right server
EOF
free=$port
while (exec 3<>"/dev/tcp/127.0.0.1/$free") 2>/dev/null; do free=$((10000 + RANDOM % 22000)); done
# shellcheck disable=SC2086
asks 2 "connect" "$kinds" $at --prometheus "http://127.0.0.1:$free"

# What it does know.
# shellcheck disable=SC2086
asks 0 "" "$kinds" $at --prometheus "$base/answers" --write-rates
for line in 'control: 1% #' 'per_second: 1$' 'bad: 1%$' 'per_request: 1$' 'good: 1%$' 'mix: {gold: 50%, silver: 50%}$' 'spread: 1$' \
  'value: 1s # the quantile' 'noise: 1 # of canary - control' 'noise: 1% # of canary / control - 1' 'dispersion: 1$' \
  'autocorrelation: 0.95$' '# dispersion: 2 # ? no metric of the specification tells it'; do
  grep -q -e "$line" "$work/out" || fail "no line \"$line\" in $(cat "$work/out")"
done
grep -q 'latency: dispersion: no metric of the specification tells it' "$work/err" || fail "not told: $(cat "$work/err")"
cp "$work/out" "$work/answers.yml"
# shellcheck disable=SC2086
asks 0 "canary_" "$src/examples/tradepulse/guardrails.yml" $at --prometheus "$base/scalar" $quick
# The report is the same, asked or from the file; without chatter with -q.
# shellcheck disable=SC2086
"$guardrailc" power "$kinds" $at --prometheus "$base/answers" $quick -q >"$work/asked" 2>"$work/err"
[ ! -s "$work/err" ] || fail "-q says $(cat "$work/err")"
# shellcheck disable=SC2086
"$guardrailc" power "$kinds" --rates "$work/answers.yml" $quick >"$work/filed"
cmp -s "$work/asked" "$work/filed" || fail "asked and from the file: two reports"
grep -q '^Assumed' "$work/asked" || fail "the report does not say what it assumes"
# A file on top wins, whole or for one guardrail.
printf 'dispersion: 4\ntraffic: [{where: {zone: a}, per_second: 1000}]\nguardrails: {errors: {bad: 50%%}, latency: {per_second: 7}}\n' >"$work/top.yml"
# shellcheck disable=SC2086
asks 0 "" "$kinds" $at --prometheus "$base/answers" --rates "$work/top.yml" $quick --format json -q
grep -q '"assumed": \[[^]]*"dispersion"' "$work/out" && fail "dispersion is stated on top, and called assumed"
printf 'guardrails: {erors: {bad: 50%%}}\n' >"$work/top.yml"
# shellcheck disable=SC2086
asks 1 'did you mean "errors"?' "$kinds" $at --prometheus "$base/answers" --rates "$work/top.yml" $quick
# A token: private, one line, sent.
printf 's3cret\n' >"$work/token"
chmod 644 "$work/token"
# shellcheck disable=SC2086
asks 2 "chmod 600 makes it private" "$kinds" $at --prometheus "$base/token" --prometheus-token-file "$work/token"
chmod 600 "$work/token"
# shellcheck disable=SC2086
asks 0 "control: 1%" "$kinds" $at --prometheus "$base/token" --prometheus-token-file "$work/token" --write-rates
# shellcheck disable=SC2086
asks 2 "status 401" "$kinds" $at --prometheus "$base/token"
grep -q s3cret "$work/out" "$work/err" && fail "the token is told"
printf 'two words\n' >"$work/token"
# shellcheck disable=SC2086
asks 2 "holds more than a token" "$kinds" $at --prometheus "$base/token" --prometheus-token-file "$work/token"
: >"$work/token"
# shellcheck disable=SC2086
asks 2 "is empty" "$kinds" $at --prometheus "$base/token" --prometheus-token-file "$work/token"
kill "${pids[0]}" && wait "${pids[0]}" || fail "the stand-in saw what is no query"
pids=()

# The real one.
: "${PROMETHEUS:=$(command -v prometheus)}" "${PROMTOOL:=$(command -v promtool)}"
if [ -n "$PROMETHEUS" ] && [ -n "$PROMTOOL" ]; then
  "$python" "$src/tests/power/history.py" 1795392000 >"$work/history.om"
  "$PROMTOOL" tsdb create-blocks-from openmetrics "$work/history.om" "$work/data" --max-block-duration=24h -q >/dev/null || fail "no blocks"
  echo 'global: {}' >"$work/prometheus.yml"
  while (exec 3<>"/dev/tcp/127.0.0.1/$free") 2>/dev/null; do free=$((10000 + RANDOM % 22000)); done
  "$PROMETHEUS" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --storage.tsdb.retention.time=20y \
    --web.listen-address="127.0.0.1:$free" --log.level=warn >"$work/prometheus.log" 2>&1 &
  pids+=($!)
  url=http://127.0.0.1:$free
  ready() { "$guardrailc" power "$kinds" $at --prometheus "$url" --lookback 3h --write-rates >"$work/out" 2>"$work/err"; }
  await 30 ready || fail "the real one does not answer: $(cat "$work/err" "$work/prometheus.log")"
  cases=$((cases + 1))
  "$python" - "$work/out" <<'EOF' || fail "not what the history holds: $(cat "$work/out")"
import re, sys
text = open(sys.argv[1]).read()
def value(key, of=None):
    part = text.split('\n  %s:' % of, 1)[1] if of else text
    return float(re.search(r'^ *(?:- )?%s: ([0-9.]+)' % key, part, re.M).group(1))
wanted = [('control', None, 50, 0.01), ('per_second', None, 40, 0.01), ('bad', 'errors', 2, 0.1), ('dispersion', 'errors', 3, 0.6),
          ('per_request', 'fills', 0.5, 0.001), ('good', 'fills', 85, 0.01), ('dispersion', 'fills', 1, 0), ('noise', 'queue', 4.1, 0.5),
          ('autocorrelation', 'queue', 0.06, 0.06)]
wrong = [w for w in wanted if abs(value(w[0], w[1]) - w[2]) > w[3]]
if 'mix: {gold: 20%, silver: 80%}' not in text or text.count('per_second: 20\n') != 2:
    wrong.append(('mix, zone b',))
for name, reason in (('latency', 'no series match'), ('cache_hits', 'no series match')):
    if not re.search(r'\n  %s: \{\}\n( *#.*\n)*.*%s' % (name, reason), text):
        wrong.append((name,))
print(*wrong, sep='\n')
sys.exit(1 if wrong else 0)
EOF
  # shellcheck disable=SC2086
  asks 0 "canary" "$kinds" $at --prometheus "$url" --lookback 3h $quick
  # Before the history began there is nothing.
  asks 2 "it knows none" "$kinds" --at 2026-11-20 --prometheus "$url" --lookback 1h
fi

finish
echo "power --prometheus: $cases cases, $bad failed"
[ $bad -eq 0 ]
