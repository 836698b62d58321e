/* merge.h - an overlay laid over the document it extends.
 *
 * Along the tables of the language (spec_keys.h): mappings merge by key; lists of mappings merge by the key that the table names
 * (`name`; of overrides `where`); every other value is replaced. A new entry of a list stands behind the entry that stands before it in
 * the overlay, and at the end when that is none. `~` or null takes a key away, `remove: true` an entry. A key that excludes others
 * (slack and pagerduty of an action) replaces them. The short form of a mapping (`evidence: point`) counts as its long one.
 * Every node keeps its place, so findings and explanations name the file a value is from; what only overlays have (waiver, remove) and
 * what names files (extends, include) is not in the result. Neither document is changed; the result borrows from both. */
#ifndef GUARDRAIL_COMPILER_MERGE_H
#define GUARDRAIL_COMPILER_MERGE_H
#include "marks.h"
#include "spec_parts.h"

/* skip: values of the overlay that are left out, as if they were not written. Reports what has no counterpart in the base (GR0321).
 * NULL without memory. */
GR_MUST_USE const struct gr_node *merge_documents(struct spec *s, const struct gr_node *base,
                                                  const struct gr_node *over, const struct marks *skip);
/* The entries that an overlay may leave out one by one begin at these nodes: the part of `node` that holds the place and is merged as one
 * value; NULL when the place is elsewhere. key: the row of `node`. */
const struct gr_node *merge_value_at(const struct gr_node *node, const struct key *key, struct gr_span place);
/* Marks all parts of a value that are merged as one. only_removals: those that take something away. Returns whether there was one. */
bool merge_mark_values(struct spec *s, const struct gr_node *node, const struct key *key, bool only_removals,
                       struct marks *marks);
/* `~` or `null`, in so many letters. */
bool merge_takes_away(const struct gr_node *node);
#endif
