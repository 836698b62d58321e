#!/bin/sh
# Builds guardrailc from its sources on Debian 12 and installs it: PREFIX (default /usr/local). Run it anywhere; as root, or
# with sudo there.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
prefix=${PREFIX:-/usr/local}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=
[ "$(id -u)" -eq 0 ] || root=sudo
# The packages of the first part of the list, which is what building needs.
packages=$(sed -n '/^# build/,/^# run/p' "$top/tests/packages.txt" | sed 's/#.*//')
$root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends $packages >/dev/null
cp -R "$top" "$work/source"
cd "$work/source"
[ -x configure ] || autoreconf -fi
mkdir -p "$work/build" && cd "$work/build"
"$work/source/configure" -q --prefix="$prefix"
make -s -j"$(nproc)" guardrailc
$root install -D -m 755 guardrailc "$prefix/bin/guardrailc"
"$prefix/bin/guardrailc" --version
