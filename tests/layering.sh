#!/bin/sh
# No room includes more than docs/architecture.md allows, every shared header compiles alone, and no file uses a function that STYLE
# bans. Reads the sources; compiles headers with $CC.
: "${GR_SRCDIR:=.}" "${CC:=cc}"
cd "$GR_SRCDIR" || exit 1
bad=0

complain() { echo "$1"; bad=1; }

# includes ROOM OTHER…: a file of ROOM includes a private header of another room.
includes() {
  room=$1; shift
  for other; do
    grep -nE "#include *[\"<](\.\./)*$other/" $room/*.c $room/*.h 2>/dev/null && complain "$room/ must not include from $other/"
    for header in $other/*.h; do
      [ -e "$header" ] || continue
      name=$(basename "$header")
      [ -e "$room/$name" ] && continue # its own header of the same name
      grep -nE "#include *\"$name\"" $room/*.c $room/*.h 2>/dev/null && complain "$room/ must not include $header"
    done
  done
}
includes base rules compiler webhook
includes rules compiler webhook
includes compiler webhook
includes webhook rules compiler

# What the shared headers of a room are: base/ must not reach for those of rules/.
grep -nE '#include "guardrail/(promql|rulefile|policy)\.h"' base/*.c base/*.h && complain "base/ includes a header of a room above it"
grep -nE '#include "guardrail/policy\.h"' rules/*.c rules/*.h && complain "rules/ includes policy.h"
grep -nE '#include "guardrail/(promql|rulefile)\.h"' webhook/*.c webhook/*.h && complain "webhook/ includes a header of rules/"

# System libraries belong to rooms too.
grep -nE '#include <(microhttpd|sqlite3)' base/*.c rules/*.c compiler/*.c base/*.h rules/*.h compiler/*.h &&
  complain "only webhook/ serves HTTP and has a database"
grep -nE '#include <curl/' base/*.c rules/*.c compiler/*.c base/*.h rules/*.h compiler/*.h | grep -v '^base/http_client\.c:' &&
  complain "base/http_client.c alone is libcurl's way in"
grep -nE '#include "guardrail/http_client\.h"' rules/*.c rules/*.h && complain "rules/ asks nobody anything"

# Nothing outside examples/ and tests/ knows the example's names.
grep -niE 'tradepulse' base/*.[ch] rules/*.[ch] webhook/*.[ch] | grep -v 'webhook/.*\* ' && complain "the product knows the example"

# STYLE.md: no unbounded copies, no sloppy numbers, no exit outside main.
grep -nE '\b(strcpy|strcat|sprintf|vsprintf|sscanf|atoi|atol|atof|strtok|gets|alloca)\(' \
  base/*.[ch] rules/*.[ch] compiler/*.[ch] webhook/*.[ch] include/guardrail/*.h && complain "a banned function"
grep -nE '\b(exit|_Exit|abort)\(' base/*.c rules/*.c compiler/*.c webhook/*.c | grep -vE 'gr_assert_failed|base/base.c|webhook/(guardraild|guardrailctl|runner[a-z_]*)\.c' |
  grep -v '_exit(' && complain "exit outside main"

for header in include/guardrail/*.h; do
  echo "#include \"guardrail/$(basename "$header")\"" | $CC -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -x c -fsyntax-only - ||
    complain "$header does not compile alone"
done
exit $bad
