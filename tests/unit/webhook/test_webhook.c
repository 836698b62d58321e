/* Runs every suite of webhook/. CK_RUN_SUITE, CK_RUN_CASE and CK_FORK=no narrow it down. */
#include "config.h"
#include "../suites.h"
#include "test_webhook.h"

#include "guardrail/base.h"

/* One a line: easier to merge. */
/* clang-format off */
static suite_fn *const suites[] = {
    audit_suite,
    board_suite,
    courier_suite,
    decide_suite,
    decide_all_suite,
    expand_suite,
    followup_suite,
    framing_suite,
    gate_suite,
    html_suite,
    labels_suite,
    link_suite,
    page_suite,
    pages_suite,
    policy_suite,
    prom_suite,
    record_suite,
    runner_suite,
    sender_suite,
    sender_slack_suite,
    sender_targets_suite,
    standin_suite,
    standin_slack_suite,
    standin_targets_suite,
    circuit_suite,
    conf_suite,
    conns_suite,
    disk_suite,
    confine_suite,
    enact_suite,
    recorder_suite,
    intake_suite,
    intake_read_suite,
    jw_suite,
    known_suite,
    log_suite,
    messages_suite,
    metrics_suite,
    outbox_suite,
    pace_suite,
    release_suite,
    schedule_suite,
    request_suite,
    server_suite,
    service_suite,
    schema_suite,
    store_suite,
    tokens_suite,
    verdicts_suite,
    watchdog_suite,
};
/* clang-format on */

int
main(void)
{
    return suites_run(suites, GR_COUNT(suites));
}
