/* pages.c - the pages of all findings, from the tables beside it. */
#include "config.h"
#include "guardrail/pages.h"

static const struct gr_page pages[GR_CODE_COUNT] = {
#define PAGE(number, kind, why, bad, good) [GR##number] = {GR_PAGE_##kind, why, bad, good},
#include "pages_daemon.def"
#include "pages_emitted.def"
#include "pages_meaning.def"
#include "pages_promql.def"
#include "pages_quantities.def"
#include "pages_rates.def"
#include "pages_reading.def"
#include "pages_rules.def"
#include "pages_structure.def"
#include "pages_targets.def"
#undef PAGE
};

const struct gr_page *
gr_page(enum gr_code code)
{
    GR_ASSERT((size_t)code < GR_COUNT(pages));
    return pages[code].why ? &pages[code] : NULL;
}

const char gr_page_frame[] =
    "apiVersion: guardrail/v1\n"
    "spec: checkout\n"
    "release: {labels: [region]}\n"
    "cohorts: {label: track, canary: canary, control: stable, compare_within: [zone, flow]}\n"
    "expect:\n"
    "  - {region: eu, zone: [a, b]}\n"
    "  - {region: us, zone: [c]}\n"
    "sampling: 2m\n"
    "scrape_interval: 30s\n"
    "false_rollback_budget: 1%\n"
    "flows: {label: flow, values: [web, mobile]}\n"
    "phases:\n"
    "  - {name: preflight, shadow: true, min_duration: 15m}\n"
    "  - {name: first, traffic: {web: 1%, mobile: 0.5%}, min_duration: 20m}\n"
    "  - {name: second, traffic: {web: 5%, mobile: 2%}, min_duration: 30m}\n"
    "  - {name: everyone, traffic: {web: 100%, mobile: 100%}, final: true}\n"
    "guardrails:\n"
    "  - name: errors\n"
    "    metric: {ratio: {bad: errors_total, total: requests_total}}\n"
    "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n"
    "on: {hard: [rollback]}\n"
    "actions:\n"
    "  rollback: {steps: [{name: undo, run: [bin/undo, \"{deployment_id}\"]}]}\n";
