#!/bin/sh
# The core under valgrind: invalid reads and writes, use of uninitialised memory, leaks. Suites that try every short text or allocation
# thousands of times are left to the sanitizers, which are fast enough for them. `make check-valgrind` runs it.
set -u
: "${GR_BUILDDIR:=.}"
command -v valgrind >/dev/null || { echo "SKIP: needs valgrind"; exit 77; }
bad=0 ran=0
# memcheck ROOM SUITE…
memcheck() {
  room=$1; shift
  for suite; do
    ran=$((ran + 1))
    CK_FORK=no CK_DEFAULT_TIMEOUT=600 CK_RUN_SUITE=$suite valgrind -q --error-exitcode=9 --leak-check=full \
      --errors-for-leak-kinds=definite,indirect "$GR_BUILDDIR/tests/unit/$room/test_$room" >"$GR_BUILDDIR/valgrind.log" 2>&1 ||
      { echo "FAILED: $room/$suite"; cat "$GR_BUILDDIR/valgrind.log"; bad=$((bad + 1)); continue; }
    # A suite that does not exist passes without a check.
    grep -q '^100%: Checks: [1-9]' "$GR_BUILDDIR/valgrind.log" || { echo "FAILED: $room/$suite ran no check"; bad=$((bad + 1)); }
  done
}
memcheck base arena buf diag diag_print file json node_yaml
memcheck rules promql_check promql_labels promql_parse promql_print promql_tree rulefile_write
memcheck compiler lower options spec_limit spec_slices
memcheck webhook policy intake record labels expand
rm -f "$GR_BUILDDIR/valgrind.log"
echo "$ran suites under valgrind, $bad failed"
[ $bad -eq 0 ]
