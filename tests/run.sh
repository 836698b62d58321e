#!/usr/bin/env bash
# Installs what building and testing need (Debian 12), builds out of tree, runs every test; .ci/run calls this.
#
#   tests/run.sh             everything: gcc, valgrind, clang with sanitizers, distcheck, formatting
#   tests/run.sh --quick     one build with gcc and its tests
#   tests/run.sh --no-install   as it is, without apt
#
# Ends with a line "N passed, N failed, N skipped" and exits non-zero if anything failed. Logs stay below build/.
set -u
cd "$(dirname "$0")/.." || exit 2
quick=no install=yes
for arg in "$@"; do
  case $arg in
    --quick) quick=yes ;;
    --no-install) install=no ;;
    *) echo "tests/run.sh: unknown option $arg" >&2; exit 2 ;;
  esac
done
passed=0 failed=0 skipped=0 trouble=0
processors=$(nproc)
jobs=$((processors + 2)) # of tests: about half of them wait, for servers and for time to pass
mkdir -p build || exit 2

. tests/packages.sh

# step NAME COMMAND…: runs it with its output in build/NAME.log; a failure is shown and counted.
step() {
  local name=$1 start=$SECONDS; shift
  printf '== %-28s' "$name"
  if "$@" >"build/$name.log" 2>&1; then
    echo "ok    $((SECONDS - start)) s"
  else
    echo "FAILED $((SECONDS - start)) s; the end of build/$name.log:"
    tail -60 "build/$name.log"
    trouble=$((trouble + 1))
    return 1
  fi
}

# Adds up the results of one build folder: a Check program counts as its checks, any other test as one.
count() {
  local trs log checks
  while read -r trs; do
    log=${trs%.trs}.log
    checks=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$log" | tail -1)
    set -- ${checks:-1 0 0}
    case $(sed -n 's/^:test-result: //p' "$trs" | head -1) in
      PASS*) passed=$((passed + $1)) ;;
      SKIP*) grep -qx 'SKIP: GR_THOROUGH=no' "$log" || skipped=$((skipped + 1)) ;; # the first build ran it
      *) [ "$2$3" != 00 ] || set -- 1 1 0
         passed=$((passed + $1 - $2 - $3)) failed=$((failed + $2 + $3)) ;;
    esac
  done < <(find "$1" -name '*.trs')
}

# build_and_check NAME CONFIGURE-ARGUMENTS…
build_and_check() {
  local name=$1 before; shift
  mkdir -p "build/$name"
  find "build/$name" -name '*.trs' -delete # results of an earlier run
  step "configure-$name" sh -c 'cd "$1" && shift && ../../configure --enable-werror -q "$@"' sh "build/$name" "$@" &&
    step "make-$name" make -C "build/$name" -j"$processors" || return 1
  step "check-$name" make -C "build/$name" check -j"$jobs" VERBOSE=1
  before=$failed
  count "build/$name"
  [ $failed -eq "$before" ] || trouble=$((trouble - 1)) # counted one by one
}

check_format() { git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror; }

# Everything that is in the repository and no list names would be missing from the tarball.
check_tarball() {
  tar -tf build/gcc/guardrail-*.tar.xz | sed 's,^[^/]*/,,' | sort >build/tarball.list || return 1
  git ls-files | grep -vE '^(\.ci/|\.gitignore$)' | sort | comm -23 - build/tarball.list >build/tarball.missing
  [ ! -s build/tarball.missing ] || { echo "not in the tarball:"; cat build/tarball.missing; return 1; }
}

check_clean() {
  local dirty; dirty=$(git status --porcelain)
  [ -z "$dirty" ] || { echo "the tests changed the tree:"; echo "$dirty"; return 1; }
}

[ $install = no ] || install_packages || exit 2
[ $install = no ] || fetch_vmalert
fetch_node
[ -d .git ] && before=$(git status --porcelain)
step autoreconf autoreconf -fi || exit 1
# The first build is tested whole. In the others what real servers and other programs make of compiled trees is left out: trees are the same,
# byte for byte (tests/golden). docs/testing.md says what each script leaves out.
GR_THOROUGH=yes build_and_check gcc CC=gcc CFLAGS='-O2 -g'
export GR_THOROUGH=no
if [ $quick = no ]; then
  step valgrind make -C build/gcc check-valgrind
  # One process per test program: the leak check at the end of each forked test would take most of the time; and forks take time everywhere.
  export CK_FORK=no
  build_and_check sanitizers CC=clang CFLAGS='-O1 -g' --enable-sanitizers
  # -O1: the same code was compiled with -O2 above.
  step distcheck make -C build/gcc -j"$jobs" distcheck DISTCHECK_CONFIGURE_FLAGS="--enable-werror CFLAGS=-O1"
  if [ -d .git ]; then
    step tarball check_tarball
    step format check_format
    [ -n "$before" ] || step clean check_clean
  fi
fi
failed=$((failed + trouble))
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
