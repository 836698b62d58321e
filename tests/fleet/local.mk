# The simulated fleet: a program for demos and tests, never installed. Uses base/. Built by plain make, because the
# quickstart runs it.
noinst_LIBRARIES += tests/fleet/libfleet.a
tests_fleet_libfleet_a_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
tests_fleet_libfleet_a_SOURCES = \
	tests/fleet/command.c tests/fleet/command.h \
	tests/fleet/exposition.c tests/fleet/exposition.h \
	tests/fleet/fault.c tests/fleet/fault.h \
	tests/fleet/line.c tests/fleet/line.h \
	tests/fleet/random.c tests/fleet/random.h \
	tests/fleet/server.c tests/fleet/server.h \
	tests/fleet/topology.c tests/fleet/topology.h \
	tests/fleet/world.c tests/fleet/world.h
FLEET_LIBS = tests/fleet/libfleet.a libbase.a $(MHD_LIBS) -lm

noinst_PROGRAMS += tests/fleet/fleet
tests_fleet_fleet_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
tests_fleet_fleet_SOURCES = tests/fleet/main.c
tests_fleet_fleet_LDADD = $(FLEET_LIBS)
EXTRA_DIST += tests/fleet/README.md
