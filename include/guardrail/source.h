/* source.h - source files and places in them.
 *
 * A place is a span of byte offsets; line and column are found when printing, from one line table per file. Columns
 * count code points from 1. The table owns copies of names and texts. Limits: GR_SOURCES_MAX files, GR_SOURCE_BYTES_MAX each. */
#ifndef GUARDRAIL_SOURCE_H
#define GUARDRAIL_SOURCE_H
#include "guardrail/base.h"

#define GR_SOURCES_MAX 1024u
#define GR_SOURCE_BYTES_MAX (64u << 20)

struct gr_span {
    uint32_t file;       /* index in the table, from 1; 0: no place */
    uint32_t start, end; /* bytes [start, end) */
};
#define GR_SPAN_NONE ((struct gr_span){0, 0, 0})

struct gr_source {
    struct gr_str name; /* as the user gave it; "-" is standard input */
    struct gr_str text;
};
struct gr_sources; /* opaque */
struct gr_place {
    uint32_t line, column; /* from 1 */
};

GR_MUST_USE struct gr_sources *gr_sources_create(void);
void gr_sources_free(struct gr_sources *s);
/* Copies name and text in; *file is the new index. GR_ELIMIT past the limits. */
GR_MUST_USE enum gr_err gr_sources_add(struct gr_sources *s, struct gr_str name, struct gr_str text,
                                       uint32_t *file);
/* Borrowed until the table is freed; file must be a valid index. */
const struct gr_source *gr_sources_get(const struct gr_sources *s, uint32_t file);
/* Where byte `offset` of a file is; past the end counts as the end. */
struct gr_place gr_sources_place(const struct gr_sources *s, uint32_t file, uint32_t offset);
/* Line `line` (from 1) without its line end; empty past the end. */
struct gr_str gr_sources_line(const struct gr_sources *s, uint32_t file, uint32_t line);
/* The smallest span that covers both; one without a place is ignored. Both in one file. */
struct gr_span gr_span_join(struct gr_span a, struct gr_span b);
#endif
