#!/bin/sh
# The bounded form of crash.py: a few of the points, a few rounds under load, a queue of 10,000. The full form is `make crash`.
set -u
/usr/bin/python3 "${GR_SRCDIR:?}/tests/crash/crash.py" points --every "${GR_CRASH_EVERY:-130}" --jobs 4 || exit 1
/usr/bin/python3 "$GR_SRCDIR/tests/crash/crash.py" random --rounds "${GR_CRASH_ROUNDS:-10}" --jobs 2 || exit 1
/usr/bin/python3 "$GR_SRCDIR/tests/crash/crash.py" restart --effects "${GR_CRASH_EFFECTS:-10000}"
