/* Runs every suite of base/. CK_RUN_SUITE, CK_RUN_CASE and CK_FORK=no narrow it down. */
#include "config.h"
#include "test_base.h"

#include "guardrail/base.h"

/* One row each, so that two people can add one. */
/* clang-format off */
static Suite *(*const suites[])(void) = {
    arena_suite,
    buf_suite,
    diag_print_suite,
    diag_sarif_suite,
    diag_suite,
    duration_suite,
    file_suite,
    hash_suite,
    http_client_suite,
    http_guard_suite,
    json_print_suite,
    json_suite,
    node_json_suite,
    node_suite,
    node_yaml_suite,
    number_suite,
    pages_suite,
    quantity_suite,
    quote_suite,
    source_suite,
    str_suite,
    strset_suite,
    sys_suite,
    template_suite,
    utf8_suite,
};
/* clang-format on */

int
main(void)
{
    SRunner *runner = srunner_create(NULL);
    int failed;

    for (size_t i = 0; i < GR_COUNT(suites); i++)
        srunner_add_suite(runner, suites[i]());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
