/* node_build.h - what the YAML and the JSON reader share: they call these in the order of the text, and a tree grows.
 *
 * Limits, duplicate keys and keys that are no scalars are handled here, so both formats refuse the same things with the
 * same words. Each function that can fail returns GR_OK (go on), GR_EUSER (a finding was reported, reading cannot go on)
 * or GR_ENOMEM. Findings after which reading goes on set only `bad`. */
#ifndef BASE_NODE_BUILD_H
#define BASE_NODE_BUILD_H
#include "guardrail/node.h"

/* An open list or map. */
struct node_frame {
    struct gr_node *node;
    struct gr_node *last;  /* the newest entry */
    struct node_frame *up; /* borrowed; the free list uses it too */
    struct gr_str key;     /* of the entry to come */
    struct gr_span key_span;
    uint32_t end;  /* where the last thing inside it ends */
    bool flow;     /* YAML: written with brackets */
    bool have_key; /* a key was read, its value was not */
    bool drop;     /* that key is unusable, its value is read and forgotten */
    bool is_key;   /* the collection itself stands where a key belongs */
};

struct node_builder {
    struct gr_arena *arena;
    struct gr_diags *diags;
    struct gr_node_limits limits;
    struct gr_str text; /* the whole source */
    uint32_t file;
    struct node_frame *top, *spare;
    struct gr_node *root;
    size_t depth, nodes;
    bool bad; /* at least one finding was reported */
};

struct gr_span build_span(const struct node_builder *b, size_t start, size_t end);
/* The whole character at this offset; empty at the end of the text. */
struct gr_span build_span_char(const struct node_builder *b, size_t at);
/* Whether what comes next is a key. */
bool build_wants_key(const struct node_builder *b);
/* The key of the next entry; text is copied. */
GR_MUST_USE enum gr_err build_key(struct node_builder *b, struct gr_str text, struct gr_span span);
/* The next entry's key was refused: its value is read and forgotten. */
void build_bad_key(struct node_builder *b, struct gr_span span);
/* A scalar or null value; text is copied. */
GR_MUST_USE enum gr_err build_scalar(struct node_builder *b, enum gr_node_kind kind, enum gr_node_style style,
                                     struct gr_span span, struct gr_str text);
/* The value again that `target`, a finished node, has; name is that of its anchor, copied. */
GR_MUST_USE enum gr_err build_alias(struct node_builder *b, const struct gr_node *target, struct gr_span span,
                                    struct gr_str name);
/* A list or map begins; from here on b->top is its frame. */
GR_MUST_USE enum gr_err build_open(struct node_builder *b, enum gr_node_kind kind, size_t start);
/* It ends before byte `end`. */
GR_MUST_USE enum gr_err build_close(struct node_builder *b, size_t end);
/* Reading stops here: what is open ends with its last entry. */
void build_abandon(struct node_builder *b);
/* Whether the text is UTF-8 without NULs; if not, that is reported. *ascii: whether bytes and characters are the same. */
GR_MUST_USE bool build_check_text(struct node_builder *b, bool *ascii);
#endif
