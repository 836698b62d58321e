# Unit tests of the simulated fleet (Check).
if HAVE_CHECK
check_PROGRAMS += tests/unit/fleet/test_fleet
TESTS += tests/unit/fleet/test_fleet
endif
tests_unit_fleet_test_fleet_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/fleet
tests_unit_fleet_test_fleet_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MHD_CFLAGS)
tests_unit_fleet_test_fleet_LDADD = $(FLEET_LIBS) $(CHECK_LIBS)
tests_unit_fleet_test_fleet_SOURCES = \
	tests/unit/fleet/ask.c tests/unit/fleet/ask.h \
	tests/unit/fleet/look.c tests/unit/fleet/look.h \
	tests/unit/fleet/test_command.c \
	tests/unit/fleet/test_exposition.c \
	tests/unit/fleet/test_fault.c \
	tests/unit/suites.c tests/unit/suites.h tests/unit/fleet/test_fleet.c tests/unit/fleet/test_fleet.h \
	tests/unit/fleet/test_main.c \
	tests/unit/fleet/test_random.c \
	tests/unit/fleet/test_server.c \
	tests/unit/fleet/test_topology.c \
	tests/unit/fleet/test_world.c
