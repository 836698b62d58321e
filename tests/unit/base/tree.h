/* tree.h - reads a text and writes down all that a reader made of it, for comparing with a table. */
#ifndef TEST_TREE_H
#define TEST_TREE_H
#include "guardrail/node.h"

typedef enum gr_err node_read_fn(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
                                 const struct gr_node_limits *limits, struct gr_diags *d,
                                 struct gr_node **out);

/* Appends the tree. Each node is followed by its place: @start<bytes of its span>. Scalars: p"plain", q"quoted", b"block",
 * null. Lists [a, b], maps {"key"@start<span>: value}. With only_text no places, for comparing trees of two texts. */
void tree_print(struct gr_buf *b, struct gr_str source, const struct gr_node *node, bool only_text);
/* Aborts the test if a span leaves the text or its parent, or if counts or keys are not what they should be. */
void tree_check(struct gr_str source, const struct gr_node *node);
/* Reads text and appends the tree if the answer is GR_OK, else the findings: code@start<span> "message" fix|- {notes}.
 * Returns the reader's answer. limits may be NULL. */
enum gr_err tree_read(struct gr_buf *b, node_read_fn *read, struct gr_str text,
                      const struct gr_node_limits *limits, bool only_text);
#endif
