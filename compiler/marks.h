/* marks.h - a set of places in source files: which values are poisoned, which an overlay does not get.
 *
 * One bit for each byte of a file; a value is told by the byte it begins at, so a copy of a node has the mark of the original. The bits
 * of a file are made when its first mark is. Everything lives in the arena; without memory a mark is lost and the arena says so. */
#ifndef GUARDRAIL_COMPILER_MARKS_H
#define GUARDRAIL_COMPILER_MARKS_H
#include "guardrail/arena.h"
#include "guardrail/source.h"

struct marks {      /* {0} is the empty set */
    uint8_t **bits; /* by file; GR_SOURCES_MAX + 1 of them, or NULL */
};
void marks_add(struct marks *m, struct gr_arena *a, const struct gr_sources *sources, struct gr_span where);
bool marks_has(const struct marks *m, const struct gr_sources *sources, struct gr_span where);
#endif
