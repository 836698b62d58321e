/* strset.h - a set of texts: each is kept once, however often it is added.
 *
 * Texts and table live in an arena, which outlives the set; there is nothing to free. Adding costs the same whatever is in there already;
 * a text that others collide with too often is kept a second time instead (the hash is no secret, so that may be somebody's intent).
 * Iterating is not offered: the order would be that of the hash. */
#ifndef GUARDRAIL_STRSET_H
#define GUARDRAIL_STRSET_H
#include "guardrail/arena.h"

struct gr_strset_entry {
    struct gr_str text; /* in the arena, with a NUL behind it */
    uint64_t hash;
    size_t uses;   /* how often it was added */
    uint32_t mark; /* the caller's; 0 at first */
};
struct gr_strset {
    struct gr_arena *arena;         /* borrowed */
    struct gr_strset_entry **slots; /* open addressing; NULL: free */
    size_t count, n_slots;          /* n_slots: 0 or a power of two, at least twice count */
    struct gr_strset_entry
        *recent[64]; /* what was added last, by length and both ends: most texts come again soon */
};
#define GR_STRSET_INIT(in_arena)                                                                             \
    {                                                                                                        \
        .arena = (in_arena)                                                                                  \
    }

/* The entry of a text, which is copied if it is new (uses is 1 then). NULL without memory. */
GR_MUST_USE struct gr_strset_entry *gr_strset_add(struct gr_strset *s, struct gr_str text);
#endif
