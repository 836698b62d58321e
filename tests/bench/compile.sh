#!/bin/bash
# Compiles generated specifications (tests/bench/spec.awk) with all outputs and prints time, CPU, peak memory, output and the cost of one
# guardrail, which must not grow; then, in the same run, what others need for rules of the same number: jsonnet and PyYAML to generate them
# (tests/bench/rules.jsonnet, rules.py), promtool to check ours, libyaml to parse our specification without doing anything with it. Last, the
# other commands. Not part of make check: nothing is asserted about time. What is asserted: promtool takes the rules, and under callgrind
# (valgrind) twice the guardrails take at most 2.2 times the instructions.
#
#   tests/bench/compile.sh BUILD_FOLDER [GUARDRAILS…]      default 10 100 1000 10000; peers at the largest; run by `make bench`
#
# Goal: 10,000 guardrails in at most 0.5 s of CPU and 256 MiB. RUNS (3) runs each, the best counts: other work on the machine only adds.
set -u
src=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
shift
[ $# -gt 0 ] || set -- 10 100 1000 10000
: "${PROMTOOL:=$(command -v promtool)}" "${RUNS:=3}"
ours=$build/guardrailc
work=$(mktemp -d "$build/bench.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

# measure COMMAND…: "CPU-seconds wall-seconds peak-MiB" of the best of RUNS runs; $work/out is removed before each. Standard output goes to
# $work/stdout.
measure() {
  python3 - "$work" "$RUNS" "$@" <<'PY'
import os, shutil, sys, time
work, runs, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
best = None
for _ in range(runs):
    shutil.rmtree(work + "/out", ignore_errors=True)
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(work + "/stdout", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        os.dup2(os.open(work + "/stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
        os.execvp(command[0], command)
    _, status, used = os.wait4(pid, 0)
    wall = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) != 0:
        sys.stderr.write("FAILED: %s\n%s" % (" ".join(command), open(work + "/stderr").read()[:2000]))
        sys.exit(1)
    result = (used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)
    best = result if best is None else min(best, result)
print("%.3f %.3f %.1f" % best)
PY
}

printf '%10s %8s %8s %8s %8s %10s %14s\n' guardrails 'spec MB' 'CPU s' 'wall s' 'MiB' 'output MB' 'us each (CPU)'
for n; do
  mkdir "$work/$n" && awk -v n="$n" -v dir="$work/$n" -f "$src/tests/bench/spec.awk" || exit 1
  used=$(measure "$ours" compile -q -o "$work/out" "$work/$n/guardrails.yml") || exit 1
  echo "$n $(cat "$work/$n"/*.yml | wc -c) $used $(find "$work/out" -type f -exec cat {} + | wc -c)" | awk '{
    printf "%10d %8.2f %8.3f %8.3f %8.1f %10.1f %14.1f\n", $1, $2 / 1e6, $3, $4, $5, $6 / 1e6, $3 / $1 * 1e6 }'
  largest=$n
done
ours_used=$used

echo "dashboards of the largest; Grafana opens up to about 1 MiB and 20 queries at once quickly:"
/usr/bin/python3 "$src/tests/render/lint.py" --guardrailc "$ours" --counts "$work/out" || bad=1
echo
rules=$work/out/prometheus/rules.yml
cp "$rules" "$work/rules.yml"
rules=$work/rules.yml

printf '\nat %d guardrails (%d rules, %.1f MB):\n%-46s %8s %8s %9s %9s %9s\n' "$largest" "$(grep -c -e '- record:' -e '- alert:' "$rules")" \
  "$(wc -c <"$rules" | awk '{print $1 / 1e6}')" '' 'CPU s' 'MiB' 'CPU x' 'rules' 'MB'
# row NAME RULES BYTES CPU WALL MIB
row() {
  awk -v name="$1" -v rules="$2" -v bytes="$3" -v cpu="$4" -v mib="$6" -v ours="${ours_used%% *}" 'BEGIN {
    printf "%-46s %8.3f %8.1f %9.2f %9s %9s\n", name, cpu, mib, cpu / ours, rules, bytes ? sprintf("%.1f", bytes / 1e6) : "" }'
}
row 'guardrailc compile, all outputs' '' '' $ours_used
used=$(measure "$build/tests/bench/yaml_parse" "$work/$largest"/*.yml) && row 'libyaml, bare parse of the specification' '' '' $used
# peer NAME PATTERN COMMAND…: it must have generated as many rules; theirs have no descriptions, see rules.jsonnet.
peer() {
  local name=$1 pattern=$2 used; shift 2
  used=$(measure "$@") && row "$name" "$(grep -c "$pattern" "$work/stdout")" "$(wc -c <"$work/stdout")" $used
}
RUNS=1
if command -v jsonnet >/dev/null; then
  peer 'jsonnet, generating such rules' '^ *"expr":' jsonnet --ext-code "n=$largest" "$src/tests/bench/rules.jsonnet"
else
  echo 'jsonnet: not there'
fi
if python3 -c 'import yaml' 2>/dev/null; then
  peer 'PyYAML, generating such rules' '^ *expr:' python3 "$src/tests/bench/rules.py" "$largest"
else
  echo 'PyYAML: not there'
fi
if [ -n "$PROMTOOL" ]; then
  if used=$(measure "$PROMTOOL" check rules "$rules"); then
    row 'promtool check rules, of ours' '' '' $used
  else
    bad=1
  fi
fi

printf '\nthe other commands: CPU s / MiB at %s guardrails\n' "$*"
# command NAME ARGUMENT…: DIR stands for the folder of the specification, OUT for a compiled tree.
others() {
  printf '%-34s' "$1"; shift
  for n in $sizes; do
    used=$(measure "$ours" "${@//DIR/$work/$n}") && echo "$used" | awk '{ printf " %8.3f /%6.1f", $1, $3 }' || { printf ' %17s' failed; bad=1; }
  done
  echo
}
sizes=$*
for n in $sizes; do
  "$ours" compile -q -o "$work/$n/compiled" "$work/$n/guardrails.yml" || exit 1
  mkdir "$work/$n/b" && cp "$work/$n"/*.yml "$work/$n/b" && sed -i '/_cpu_/{n;s/hard: [0-9]*%/hard: 99%/}' "$work/$n"/b/part-*.yml
done
others check check -q DIR/guardrails.yml
others 'compile --check' compile -q --check -o DIR/compiled DIR/guardrails.yml
others 'lint of the rules' lint --fail-on error DIR/compiled/prometheus/rules.yml
"$ours" fmt --help >/dev/null 2>&1 && others 'fmt of the first part' fmt --check DIR/part-0.yml
"$ours" explain --help 2>&1 | grep -q SPEC && others 'explain, the table' explain DIR/guardrails.yml
"$ours" diff --help >/dev/null 2>&1 && others 'diff, a tenth loosened' diff --fail-on never DIR/guardrails.yml DIR/b/guardrails.yml

if command -v valgrind >/dev/null; then
  for n in 500 1000; do
    mkdir -p "$work/c$n" && awk -v n=$n -v dir="$work/c$n" -f "$src/tests/bench/spec.awk" || exit 1
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$ours" compile -q -o "$work/c$n/out" "$work/c$n/guardrails.yml" 2>&1 |
      sed -n 's/.*Collected : \([0-9]*\)$/\1/p' >"$work/c$n/instructions"
  done
  echo "$(cat "$work/c500/instructions") $(cat "$work/c1000/instructions")" | awk '{
    printf "\ninstructions (callgrind, SHA-256 without the processor'\''s help): %.1f million at 500, %.1f at 1000: %.2f times, %d thousand each\n",
      $1 / 1e6, $2 / 1e6, $2 / $1, ($2 - $1) / 500 / 1e3
    exit !($2 <= 2.2 * $1) }' || { echo "FAILED: not linear"; bad=1; }
fi
exit $bad
