/* line.h - cuts command text into lines and words. Nothing is copied; no allocation, no errors. */
#ifndef FLEET_LINE_H
#define FLEET_LINE_H
#include "guardrail/base.h"

/* The next line of *rest that says something, trimmed: blank lines and those that begin with # are skipped.
 * *number counts all lines and starts at 0. False at the end. */
bool line_next(struct gr_str *rest, struct gr_str *line, size_t *number);
/* The next word of a line, split at spaces and tabs. False at the end. */
bool word_next(struct gr_str *rest, struct gr_str *word);
#endif
