# Faults: kill -9 at every point and at random, simulated power loss, failing calls.
check_PROGRAMS += tests/crash/guardraild-fault
tests_crash_guardraild_fault_SOURCES = webhook/guardraild.c tests/crash/faultpoints.c
tests_crash_guardraild_fault_CFLAGS = $(libwebhook_a_CFLAGS)
tests_crash_guardraild_fault_LDADD = $(WEBHOOK_LIBS) -ldl
TESTS += tests/crash/crash.sh
dist_check_SCRIPTS += tests/crash/crash.sh
EXTRA_DIST += tests/crash/crash.py

# The full form: every point, a thousand kills under load, a queue of 100,000. About half an hour.
crash: tests/crash/guardraild-fault guardraild
	GR_SRCDIR='$(abs_top_srcdir)' GR_BUILDDIR='$(abs_top_builddir)' GR_CRASH_EVERY=1 GR_CRASH_ROUNDS=1000 \
		GR_CRASH_EFFECTS=100000 sh '$(srcdir)/tests/crash/crash.sh'
.PHONY: crash

check_PROGRAMS += tests/crash/power
tests_crash_power_SOURCES = tests/crash/power.c tests/crash/diskvfs.c tests/crash/diskvfs.h
tests_crash_power_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_crash_power_CFLAGS = $(libwebhook_a_CFLAGS)
tests_crash_power_LDADD = $(WEBHOOK_LIBS)
TESTS += tests/crash/power.sh
dist_check_SCRIPTS += tests/crash/power.sh

# The full form: some minutes.
power-loss: tests/crash/power
	GR_BUILDDIR='$(abs_top_builddir)' GR_POWER_IMAGES=20000 sh '$(srcdir)/tests/crash/power.sh'
.PHONY: power-loss

check_PROGRAMS += tests/crash/torture
tests_crash_torture_SOURCES = tests/crash/torture.c tests/unit/fault.c tests/unit/fault.h
tests_crash_torture_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_crash_torture_CFLAGS = $(libwebhook_a_CFLAGS)
tests_crash_torture_LDADD = $(WEBHOOK_LIBS)
TESTS += tests/crash/torture.sh
dist_check_SCRIPTS += tests/crash/torture.sh

# The full form: every point. Some minutes.
torture: tests/crash/torture
	GR_SRCDIR='$(abs_top_srcdir)' GR_BUILDDIR='$(abs_top_builddir)' GR_TORTURE_EVERY=1 sh '$(srcdir)/tests/crash/torture.sh'
.PHONY: torture
