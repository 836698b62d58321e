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
      SKIP*) skipped=$((skipped + 1)) ;;
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
    step "make-$name" make -C "build/$name" -j"$(nproc)" || return 1
  step "check-$name" make -C "build/$name" check -j"$(nproc)" VERBOSE=1
  before=$failed
  count "build/$name"
  [ $failed -eq "$before" ] || trouble=$((trouble - 1)) # counted one by one
}

check_format() { git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror; }

check_clean() {
  local dirty; dirty=$(git status --porcelain)
  [ -z "$dirty" ] || { echo "the tests changed the tree:"; echo "$dirty"; return 1; }
}

[ $install = no ] || install_packages || exit 2
[ $install = no ] || fetch_vmalert
fetch_node
[ -d .git ] && before=$(git status --porcelain)
step autoreconf autoreconf -fi || exit 1
build_and_check gcc CC=gcc CFLAGS='-O2 -g'
if [ $quick = no ]; then
  step valgrind make -C build/gcc check-valgrind
  # One process per test program: the leak check at the end of each forked test would take most of the time.
  CK_FORK=no build_and_check sanitizers CC=clang CFLAGS='-O1 -g' --enable-sanitizers
  step distcheck make -C build/gcc -j"$(nproc)" distcheck DISTCHECK_CONFIGURE_FLAGS=--enable-werror
  if [ -d .git ]; then
    step format check_format
    [ -n "$before" ] || step clean check_clean
  fi
fi
failed=$((failed + trouble))
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
