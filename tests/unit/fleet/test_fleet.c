/* Runs every suite of the simulated fleet. CK_RUN_SUITE, CK_RUN_CASE and CK_FORK=no narrow it down. */
#include "config.h"
#include "../suites.h"
#include "test_fleet.h"

#include "guardrail/base.h"

static suite_fn *const suites[] = {
    command_suite, exposition_suite, fault_suite,    main_suite,
    random_suite,  server_suite,     topology_suite, world_suite,
};

int
main(void)
{
    return suites_run(suites, GR_COUNT(suites));
}
