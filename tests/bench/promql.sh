#!/bin/sh
# How fast expressions are parsed and printed (tests/bench/promql.c): generated ones, ever longer ones, those of the compiled example.
#
#   tests/bench/promql.sh BUILD_FOLDER [RULES.yml]…     run by `make bench`
set -eu
src=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
shift
[ $# -gt 0 ] || set -- "$src/examples/tradepulse/compiled/prometheus/rules.yml"
exec "$build/tests/bench/promql" "$@"
