#!/bin/sh
# The core under valgrind: invalid reads and writes, use of uninitialised memory, leaks. Suites that try every short text or allocation
# thousands of times are left to the sanitizers, which are fast enough for them. `make check-valgrind` runs it.
set -u
: "${GR_BUILDDIR:=.}"
command -v valgrind >/dev/null || { echo "SKIP: needs valgrind"; exit 77; }
# One suite, for xargs below: valgrind.sh ROOM/SUITE
if [ $# -eq 1 ]; then
  room=${1%/*} log=$GR_BUILDDIR/valgrind.$(echo "$1" | tr / .).log
  CK_FORK=no CK_DEFAULT_TIMEOUT=600 CK_RUN_SUITE=${1#*/} valgrind -q --error-exitcode=9 --leak-check=full \
    --errors-for-leak-kinds=definite,indirect "$GR_BUILDDIR/tests/unit/$room/test_$room" >"$log" 2>&1 || { echo "FAILED: $1"; cat "$log"; exit 1; }
  # A suite that does not exist passes without a check.
  grep -q '^100%: Checks: [1-9]' "$log" || { echo "FAILED: $1 ran no check"; exit 1; }
  rm -f "$log"
  exit 0
fi
suites="
  base/arena base/buf base/diag base/diag_print base/file base/json base/node_yaml
  rules/promql_check rules/promql_labels rules/promql_parse rules/promql_print rules/promql_tree rules/rulefile_write
  compiler/lower compiler/options compiler/spec_limit compiler/spec_slices
  webhook/policy webhook/intake webhook/record webhook/labels webhook/expand"
export GR_BUILDDIR
printf '%s\n' $suites | xargs -n 1 -P "$(nproc)" sh "$0"
bad=$?
echo "$(printf '%s\n' $suites | wc -l) suites under valgrind"
[ $bad -eq 0 ]
