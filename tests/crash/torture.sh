#!/bin/sh
# The bounded form of torture. The full form is `make torture`.
exec "${GR_BUILDDIR:?}/tests/crash/torture" "${GR_TORTURE_EVERY:-25}"
