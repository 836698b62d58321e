#!/bin/sh
# The bounded form of crash.py: a few of the points, a few rounds under load. The full form is `make crash`.
set -u
/usr/bin/python3 "${GR_SRCDIR:?}/tests/crash/crash.py" points --every "${GR_CRASH_EVERY:-90}" --jobs 4 || exit 1
/usr/bin/python3 "$GR_SRCDIR/tests/crash/crash.py" random --rounds "${GR_CRASH_ROUNDS:-10}" --jobs 2
