#!/bin/sh
# The bounded form of the simulated power loss, and the proof that it notices a disk that lies. The full form is `make power-loss`.
set -u
power="${GR_BUILDDIR:?}/tests/crash/power"
images=${GR_POWER_IMAGES:-400}
seed=$(date +%s)
"$power" "$images" "$seed" none || exit 1
for lie in log all folder; do
    "$power" $((images / 2)) "$seed" $lie 2>/dev/null || { echo "FAIL: a disk that lies ($lie) was not noticed"; exit 1; }
done
