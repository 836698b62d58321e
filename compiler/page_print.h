/* page_print.h - the pages of findings (guardrail/pages.h) as people and programs read them.
 *
 *     GR0103 wrong-type (error)
 *
 *     a value of another kind is expected here.
 *
 *     Why …
 *
 *     Bad:
 *
 *         sampling: [2m]
 *
 *     Good:
 *
 *         sampling: 2m
 *
 * All lines of text fit in 80 columns. */
#ifndef GUARDRAIL_COMPILER_PAGE_PRINT_H
#define GUARDRAIL_COMPILER_PAGE_PRINT_H
#include "guardrail/pages.h"

/* One page; color: ANSI colours. */
void page_print(enum gr_code code, bool color, struct gr_buf *out);
/* A line for each finding there is. */
void page_print_list(bool color, struct gr_buf *out);
/* {"format_version":1,"pages":[{"code":…,"name":…,"severity":…,"help":…,"why":…,"bad":…,"good":…}]}; why, bad and good are
 * null where a finding has no page. GR_ENOMEM. */
GR_MUST_USE enum gr_err page_print_json(const enum gr_code *codes, size_t n, struct gr_buf *out);
/* All of them as a Markdown document, with the code as the anchor: docs/diagnostics.md. */
void page_print_markdown(struct gr_buf *out);
#endif
