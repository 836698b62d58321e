/* mutate.h - specifications with mistakes in them, made by machine.
 *
 * A good specification is read into its tree and printed again, an entry a line, with one or two mistakes put in on the way; so a
 * mistake is known by its kind and the number of its node, and the place where it ended up is known too. */
#ifndef TEST_MUTATE_H
#define TEST_MUTATE_H
#include "guardrail/buf.h"
#include "guardrail/node.h"

enum mistake {
    MISTAKE_DELETE,       /* an entry is gone */
    MISTAKE_MISSPELL_KEY, /* two letters of a key are swapped */
    MISTAKE_MISSPELL,     /* the same for a value */
    MISTAKE_IN_LIST,      /* a scalar became a list */
    MISTAKE_IN_MAP,       /* a scalar became a mapping */
    MISTAKE_FLAT,         /* a list or mapping became a text */
    MISTAKE_NOTHING,      /* there is no value */
    MISTAKE_EMPTY,        /* a list or mapping without entries */
    MISTAKE_UNIT,         /* another unit */
    MISTAKE_SIGN,         /* another sign */
    MISTAKE_HUGE,         /* many digits more */
    MISTAKE_TWICE,        /* the entry stands there twice */
    MISTAKE_COUNT
};
extern const char *const mistake_names[MISTAKE_COUNT];

#define MUTATIONS_MAX 2
struct mutation {
    enum mistake mistake;
    size_t node; /* in the order of the text; the root is 0 */
    /* Set by mutate(): the list or mapping it stands in, and the part of the document (a guardrail, a phase, an action). */
    size_t parent_start, parent_end, part_start, part_end;
};
size_t mutate_nodes(const struct gr_node *root);
const struct gr_node *mutate_node(const struct gr_node *root, size_t number);
/* Whether the mistake can be made at this node. */
bool mutate_possible(const struct gr_node *node, bool is_root, enum mistake mistake);
/* Appends the text with n mistakes. */
void mutate(const struct gr_node *root, struct mutation *m, size_t n, struct gr_buf *out);
#endif
