/* Runs every suite of compiler/. CK_RUN_SUITE, CK_RUN_CASE and CK_FORK=no narrow it down. */
#include "config.h"
#include "../suites.h"
#include "test_compiler.h"

#include "guardrail/base.h"

/* One row each, so that two people can add one. */
/* clang-format off */
static suite_fn *const suites[] = {
    backend_suite,
    bad_input_suite,
    changelog_suite,
    child_suite,
    compare_suite,
    emit_alertmanager_suite,
    emit_grafana_suite,
    emit_policy_suite,
    facts_suite,
    jsonout_suite,
    jsonstream_suite,
    layout_suite,
    linediff_suite,
    lower_suite,
    model_suite,
    mutate_suite,
    options_suite,
    outnames_suite,
    prove_mutate_suite,
    prove_neutral_suite,
    prove_same_suite,
    prove_trim_suite,
    pages_suite,
    playbook_suite,
    explain_suite, reaction_suite,
    routes_suite,
    scale_suite,
    spec_corpus_suite,
    spec_hash_suite,
    spec_limit_suite,
    spec_slices_suite,
    spec_suite,
    spec_tables_suite,
    spec_value_suite,
    target_suite,
    tree_suite,
    clock_suite, merge_suite, overlay_suite,
    chance_suite, evidence_math_suite, simulate_suite,
    power_prometheus_suite, power_suite, rates_suite,
};
/* clang-format on */

int
main(void)
{
    return suites_run(suites, GR_COUNT(suites));
}
