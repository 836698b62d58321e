/* rulelint.h - reads any Prometheus rule file, refuses what Prometheus 2.42 refuses, and says what is
 * doubtful.
 *
 * A file passes without a finding of severity error exactly when `promtool check rules` takes it, but for a
 * few documented corners (docs/linting.md); a rule that stands twice is a warning, as it is promtool's lint.
 * All other findings are checks of our own: rows of one table, each with a code GR05xx that can be switched
 * and suppressed in place:
 *     # guardrail ignore GR0513: the exporter is scraped every 5 s        (this line, the next one, or the
 * rule that begins there)
 *     # guardrail ignore-file GR0527: annotated by the alert router
 * A suppression without a reason, or one that suppresses nothing, is a finding itself.
 *
 * Several files are one set: duplicate, unread and unrecorded series are looked for across them. Time and
 * memory are linear in the input: about 15 bytes for each of its bytes. Limits: 64 MiB a file,
 * GR_LINT_RULES_MAX rules in all, 1 MiB an expression. */
#ifndef GUARDRAIL_RULELINT_H
#define GUARDRAIL_RULELINT_H
#include "guardrail/diag.h"

#define GR_LINT_RULES_MAX 2000000u
#define GR_LINT_ANNOTATIONS_MAX 16u

struct gr_lint_options {
    bool off
        [GR_CODE_COUNT]; /* codes not to be reported; see gr_lint_defaults. Errors are reported in any case */
    enum gr_severity min_severity;
    bool always[GR_CODE_COUNT]; /* reported even below min_severity */
    int64_t scrape_interval_ms;
    struct gr_str annotations[GR_LINT_ANNOTATIONS_MAX]; /* that every alert must have; borrowed */
    size_t annotation_count;
};
/* All checks that are on by default, from warnings up, 15 s between scrapes, annotations summary and
 * runbook_url. */
void gr_lint_defaults(struct gr_lint_options *o);
/* The code of "GR0513" or of its name "short-range"; GR_CODE_COUNT if there is none. */
enum gr_code gr_lint_code(struct gr_str text);

struct gr_lint; /* opaque; one run over a set of files */
/* options are copied; sources and diags must outlive the run. NULL without memory. */
GR_MUST_USE struct gr_lint *gr_lint_create(const struct gr_lint_options *options,
                                           const struct gr_sources *sources, struct gr_diags *diags);
void gr_lint_free(struct gr_lint *l);
/* Reads and checks one file of the table. GR_EUSER: Prometheus would refuse it (findings say why).
 * GR_ENOMEM. */
GR_MUST_USE enum gr_err gr_lint_file(struct gr_lint *l, uint32_t file);
/* What needs all files: duplicates, series unread or unrecorded, unused suppressions. GR_ENOMEM. */
GR_MUST_USE enum gr_err gr_lint_finish(struct gr_lint *l);
/* Rules read so far, those with errors included. */
size_t gr_lint_rules(const struct gr_lint *l);

/* Not reported unless asked for: its codes are off in gr_lint_defaults. */
bool gr_lint_off(enum gr_code code);
#endif
