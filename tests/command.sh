# command.sh - what the tests of guardrailc's commands share (sh): a folder of their own, runs of the program, what must be said. Sourced:
#   . "${GR_SRCDIR:-.}/tests/command.sh"
#   begin NAME     …     finish
set -u
: "${GR_SRCDIR:=.}" "${GR_BUILDDIR:=.}"
src=$(cd "$GR_SRCDIR" && pwd) && build=$(cd "$GR_BUILDDIR" && pwd) || exit 1
guardrailc=$build/guardrailc
bad=0 cases=0 name=
unset NO_COLOR

# begin NAME: goes to a new folder below the build, $work.
begin() {
  work=$(mktemp -d "$build/$1.XXXXXX") && cd "$work" || exit 1
}
# finish: the last command of a test; the folder stays if something failed.
finish() {
  cd "$build" || exit 1
  if [ $bad -eq 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
  echo "$cases cases, $bad failed"
  [ $bad -eq 0 ]
}

# runs NAME WANTED_CODE ARG…: standard input from $stdin, standard output in out, standard error in err.
runs() {
  name=$1 want=$2
  shift 2
  cases=$((cases + 1))
  timeout 300 "$guardrailc" "$@" >out 2>err <"${stdin:-/dev/null}"
  got=$?
  [ $got -eq "$want" ] || fail "exit status $got, not $want"
}
fail() {
  echo "FAILED: $name: $*"
  head -n 40 out | sed 's/^/  out: /'
  head -n 40 err | sed 's/^/  err: /'
  bad=$((bad + 1))
}
# FILE, what it must or must not say: a basic expression, or fixed text where `text=-F`.
says() { grep -q ${text:-} -e "$2" "$1" || fail "$1 does not say: $2"; }
says_not() { grep -q ${text:-} -e "$2" "$1" && fail "$1 says: $2"; }
silent() { [ ! -s "$1" ] || fail "$1 is not silent"; }
