/* diff_print.h - changes as people and programs read them: text for a terminal, Markdown for a merge request, JSON.
 *
 * Text, grouped by guardrail, one change a line:
 *
 *     old.yml (1f3a…) -> new.yml (9c0d…)
 *
 *     the specification
 *       ! looser    phases.traffic canary_phase_1: 1% -> 5%                      new.yml:42:15
 *     matching_latency_p99
 *       + tighter   limit.hard upper, where venue=XNAS: +20% -> +15%             new.yml:88:31
 *       ! looser    phases: [p1, p2, p3] -> [p1, p2]  (coverage lost)            new.yml:90:13
 *
 *     1 loosened (coverage lost), 1 tightened
 *
 * Signs: ! it loosens, + more protection, - gone, ~ neither. JSON, see docs/diff.md:
 *     {"format_version":1,"old":{"name":…,"spec":…,"spec_hash":…},"new":{…},"summary":{"looser":1,…,"loosens":1,"coverage_lost":1,
 *      "unproven":0},"changes":[{"kind":"looser","loosens":true,"coverage_lost":false,"unproven":false,"guardrail":null,…}]}
 * Foreign text is escaped in each form's way. */
#ifndef GUARDRAIL_COMPILER_DIFF_PRINT_H
#define GUARDRAIL_COMPILER_DIFF_PRINT_H
#include "compare.h"

struct diff {
    const struct changes *changes;
    const struct facts *from, *to;
    struct gr_str from_name, to_name; /* as people call them: a path, "main:guardrails.yml" */
    const struct gr_sources *sources; /* of all places */
    bool color;
};
void diff_text(const struct diff *d, struct gr_buf *b);
void diff_markdown(const struct diff *d, struct gr_buf *b);
/* GR_ENOMEM, GR_ELIMIT. */
GR_MUST_USE enum gr_err diff_json(const struct diff *d, struct gr_buf *b);

/* Parts, not escaped: what changed and where ("limit.hard upper, where venue=XNAS"); "3 loosened (coverage lost in 2), 1 tightened". */
void diff_subject(const struct change *c, struct gr_buf *b);
void diff_summary(const struct changes *c, struct gr_buf *b);
/* "new.yml:42:15", where it stands in the new one, else in the old one; nothing without a place. */
void diff_place(const struct diff *d, const struct change *c, struct gr_buf *b);
/* One line of a Markdown document: control characters, HTML and everything that Markdown has a meaning for is escaped. */
void diff_quote_markdown(struct gr_buf *b, struct gr_str s);
/* t was for a part of b: what went wrong with it is wrong with b. Frees t. */
void diff_part_end(struct gr_buf *b, struct gr_buf *t);
/* The table of changes. */
void diff_markdown_table(const struct diff *d, struct gr_buf *b);
#endif
