#!/bin/bash
# Measures `guardrailc lint` against `promtool check rules` on the same generated files, in one run: CPU time and the most memory of each,
# their ratios, and the PromQL parser's throughput. Not part of make check: it asserts nothing about time.
#
#   tests/bench/lint.sh [RULES…]       default 1000 10000 100000; GR_BUILDDIR is where guardrailc is (default .)
#
# Goal: at least 10 times less CPU, at most a quarter of the memory, growing linearly.
set -u
: "${GR_BUILDDIR:=.}" "${PROMTOOL:=$(command -v promtool)}"
[ -n "$PROMTOOL" ] || { echo "SKIP: needs promtool"; exit 77; }
[ $# -gt 0 ] || set -- 1000 10000 100000
work=$(mktemp -d "$GR_BUILDDIR/bench.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# generate RULES: groups of 20, half alerts, as people write them.
generate() {
  awk -v rules="$1" 'BEGIN {
    print "groups:"
    for (i = 0; i < rules; i++) {
      if (i % 20 == 0) printf "  - name: group-%d\n    interval: 1m\n    rules:\n", i / 20
      if (i % 2 == 0)
        printf "      - record: job:errors_%d:ratio_rate5m\n        expr: |\n          sum by (job, cluster) (rate(http_errors_%d_total{job=~\"api.*\",code!~\"2..\"}[5m]))\n            / on (job, cluster)\n          sum by (job, cluster) (rate(http_requests_%d_total{job=~\"api.*\"}[5m]))\n        labels:\n          team: team-%d\n", i, i, i, i % 7
      else
        printf "      - alert: ManyErrors%d\n        expr: job:errors_%d:ratio_rate5m > 0.0%d\n        for: 10m\n        labels: {severity: page, team: team-%d}\n        annotations:\n          summary: \"Errors of {{ $labels.job }} in {{ $labels.cluster }} are at {{ $value | humanizePercentage }}\"\n          runbook_url: https://runbooks.example.org/errors/%d\n", i, i - 1, i % 9 + 1, i % 7, i
    }
  }'
}

# measure NAME COMMAND…: "CPU-seconds peak-KiB" into $work/NAME. The command must succeed.
measure() {
  local name=$1; shift
  python3 - "$@" >"$work/$name" <<'PY' || { echo "FAILED: $*" >&2; exit 1; }
import os, resource, sys
pid = os.fork()
if pid == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(pid, 0)
print("%.3f %d" % (used.ru_utime + used.ru_stime, used.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
PY
}

printf '%10s %8s  %20s  %20s  %8s %8s\n' rules MB 'guardrailc s / MB' 'promtool s / MB' 'CPU x' 'memory x'
for rules; do
  file=$work/$rules.yml
  generate "$rules" >"$file"
  measure ours "$GR_BUILDDIR/guardrailc" lint "$file"
  measure theirs "$PROMTOOL" check rules --lint-fatal "$file"
  echo "$rules $(stat -c %s "$file") $(cat "$work/ours") $(cat "$work/theirs")" | awk '{
    printf "%10d %8.1f  %11.3f / %6.1f  %11.3f / %6.1f  %8.1f %8.1f\n", $1, $2 / 1e6, $3, $4 / 1024, $5, $6 / 1024, $5 / $3, $6 / $4 }'
done

# The parser alone: expressions through `promql check`.
awk 'BEGIN { for (i = 0; i < 200000; i++)
  printf "sum by (job, cluster) (rate(http_errors_%d_total{job=~\"api.*\",code!~\"2..\"}[5m])) / on (job) sum by (job) (rate(http_requests_total[5m])) > 0.0%d\n", i, i % 9 + 1 }' >"$work/expressions"
start=$(date +%s.%N)
"$GR_BUILDDIR/guardrailc" promql check <"$work/expressions" >/dev/null || exit 1
echo "$(stat -c %s "$work/expressions") $start $(date +%s.%N)" |
  awk '{ printf "promql check: %.1f MB/s, %d expressions/s\n", $1 / 1e6 / ($3 - $2), 200000 / ($3 - $2) }'
