/* pagetext.h - the examples of pages (guardrail/pages.h) completed to whole texts. */
#ifndef TEST_PAGETEXT_H
#define TEST_PAGETEXT_H
#include "guardrail/pages.h"

/* Appends the frame (YAML, its parts beginning with `name:` at the start of a line) with those parts that `parts` has replaced by
 * them, in place; parts that the frame does not have follow at the end. Of a part that stands in `parts` twice both are
 * put; a line `# no name` leaves the frame's out. */
void pagetext_complete(struct gr_buf *out, struct gr_str frame, struct gr_str parts);
#endif
