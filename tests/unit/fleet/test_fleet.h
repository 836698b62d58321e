/* test_fleet.h - the suites of the simulated fleet, one per source file (line.c is tested through
 * command.c). */
#ifndef TEST_FLEET_H
#define TEST_FLEET_H
#include <check.h>
#include <stdlib.h>

Suite *command_suite(void);
Suite *exposition_suite(void);
Suite *fault_suite(void);
Suite *main_suite(void);
Suite *random_suite(void);
Suite *server_suite(void);
Suite *topology_suite(void);
Suite *world_suite(void);
#endif
