/* layout_parts.h - a YAML file taken apart, for laying it out: the tree of values, each with where its entry begins,
 * and the comments between them. */
#ifndef GUARDRAIL_COMPILER_LAYOUT_PARTS_H
#define GUARDRAIL_COMPILER_LAYOUT_PARTS_H
#include "layout.h"

struct item {
    const struct gr_node *node;
    struct item *first, *next; /* entries */
    size_t at;                 /* where its entry begins: the dash, the key, its ?, or the value itself */
    size_t start;              /* where the value begins; of one that is not written, where it would */
    size_t column;             /* block collections: of their dashes or keys, from 0 */
    size_t parent_column;      /* of the block collection around it; 0 at the top, too */
    bool top;
    bool flow;     /* a collection written with brackets, or the pair in [a: b] */
    bool comments; /* there are comments inside its brackets */
};
struct comment {
    size_t start, end; /* with its #, without blanks at the end */
    size_t column;     /* in characters, from 0 */
    bool own_line;     /* nothing stands before it on its line */
};
struct layout {
    struct gr_arena *arena;
    struct gr_str text;
    struct item *root; /* NULL: nothing but comments */
    size_t mark;       /* where --- stands, or SIZE_MAX */
    struct comment *comments;
    size_t n_comments, comments_cap;
};

/* Takes apart the file whose tree is root. GR_ESTATE if text and tree do not fit together: our bug. */
GR_MUST_USE enum gr_err layout_scan(struct layout *l, const struct gr_node *root);
GR_MUST_USE enum gr_err layout_print(const struct layout *l, struct gr_buf *out);

/* The | or > scalar at `start`: its header, and its lines. */
struct block_scalar {
    struct gr_str header; /* "|", ">-", "|2+" */
    bool keep, strip;     /* + and - */
    size_t increment;     /* a digit of the header, or 0 */
    size_t comment;       /* where the comment behind the header begins, or 0 */
    size_t body;          /* where the first line begins */
};
struct block_scalar block_scalar_at(struct gr_str text, size_t start);
/* The length of the line end at `at`, CR LF being one; or 0. */
size_t layout_line_end(struct gr_str text, size_t at);
/* Characters of s. */
size_t layout_width(struct gr_str s);
/* Whether there is an empty line between `at` and what stands before it. */
bool layout_blank_before(struct gr_str text, size_t at);
#endif
