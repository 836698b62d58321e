/* lint_table.c - the checks of a rule. To add one: its function, a row here, its codes in diag_codes.def, a
 * page for each in base/pages_rules.def and cases in tests/data/rules. */
#include "config.h"
#include "lint.h"

const struct lint_row lint_rows[] = {
    {lint_templates, GR0501, GR0510},   {lint_comparison, GR0511, GR0511},
    {lint_rates, GR0512, GR0514},       {lint_raw_counters, GR0515, GR0515},
    {lint_nan, GR0516, GR0516},         {lint_impossible, GR0517, GR0517},
    {lint_matching, GR0518, GR0520},    {lint_regexes, GR0521, GR0522},
    {lint_intervals, GR0525, GR0525},   {lint_record_name, GR0526, GR0526},
    {lint_annotations, GR0527, GR0527},
};
const size_t lint_row_count = GR_COUNT(lint_rows);
