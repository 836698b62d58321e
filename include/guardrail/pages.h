/* pages.h - a page for every finding: why it is one, an example that has it, and the example mended.
 *
 * `guardrailc explain GR0103` prints them, docs/diagnostics.md is generated from them, and other formats may
 * quote them. The data is base/pages_*.def, a file for each hundred of codes. The examples are tests: the bad one has
 * its finding and no other, the good one none. To add a code: its row in diag_codes.def and its page; a test names
 * a code that has none, then `make update-pages` rewrites docs/diagnostics.md. */
#ifndef GUARDRAIL_PAGES_H
#define GUARDRAIL_PAGES_H
#include "guardrail/diag.h"

/* What an example is, and so who checks it. */
enum gr_page_kind {
    GR_PAGE_SPEC,   /* parts of a specification; those that it does not show are the frame's */
    GR_PAGE_FILES,  /* several specifications, each behind a line `# NAME.yml:`; the last one is checked */
    GR_PAGE_RULES,  /* a rule file */
    GR_PAGE_POLICY, /* parts of guardraild's policy.json */
    GR_PAGE_CONFIG, /* guardraild.yml */
    GR_PAGE_SHOWN /* cannot be run as it stands, such as bytes that are no text; tests have cases of their own */
};
struct gr_page {
    enum gr_page_kind kind;
    const char *why;        /* a paragraph, lines of at most 80 columns */
    const char *bad, *good; /* lines of at most 76 bytes: with an indent of 4, a page fits in 80 */
};
/* NULL: the code has no page, which only a code that was just added may have. */
const struct gr_page *gr_page(enum gr_code code);
/* The specification that examples of the first kind are parts of: a part of theirs stands in the place of the
 * frame's part of the same name. */
extern const char gr_page_frame[];
#endif
