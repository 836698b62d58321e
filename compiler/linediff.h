/* linediff.h - what changed between two texts, line by line, as patch(1) reads it.
 *
 * E. W. Myers, An O(ND) Difference Algorithm and Its Variations, Algorithmica 1, 1986: the shortest edit, found in time
 * that grows with the size times the number of changed lines. Bounded: past LINEDIFF_CHANGES_MAX changed lines, all
 * between the common start and the common end is shown as replaced, which is right, only longer. */
#ifndef GUARDRAIL_COMPILER_LINEDIFF_H
#define GUARDRAIL_COMPILER_LINEDIFF_H
#include "guardrail/buf.h"

#define LINEDIFF_CHANGES_MAX 2000u

/* Appends "--- NAME", "+++ NAME" and the hunks, with three lines around each change; nothing when the texts are the same. */
GR_MUST_USE enum gr_err linediff_put(struct gr_buf *out, const char *name, struct gr_str before,
                                     struct gr_str after);
#endif
