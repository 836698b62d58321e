/* Runs every suite of base/. CK_RUN_SUITE, CK_RUN_CASE and CK_FORK=no narrow it down. */
#include "config.h"
#include "../suites.h"
#include "test_base.h"

#include "guardrail/base.h"

/* One row each, so that two people can add one. */
/* clang-format off */
static suite_fn *const suites[] = {
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
    return suites_run(suites, GR_COUNT(suites));
}
