/* arena.h - memory for one compilation (or one request): many small allocations, freed together, under a byte ceiling.
 *
 * Nothing is freed singly. Handles of other libraries can be registered to be closed with the arena, newest first.
 * A failed allocation is remembered, so that a pass may check once at its end. Not thread-safe. */
#ifndef GUARDRAIL_ARENA_H
#define GUARDRAIL_ARENA_H
#include "guardrail/base.h"

struct gr_arena; /* opaque */

/* ceiling: the most bytes it will hand out. NULL when there is no memory. */
GR_MUST_USE struct gr_arena *gr_arena_create(size_t ceiling);
/* Runs the registered closers, frees everything. Accepts NULL. */
void gr_arena_free(struct gr_arena *a);
/* n zeroed bytes, aligned for any type; NULL when the ceiling or memory ends. n may be 0 (a unique pointer). */
GR_MUST_USE void *gr_arena_alloc(struct gr_arena *a, size_t n);
/* count × size zeroed bytes, overflow-checked. */
GR_MUST_USE void *gr_arena_array(struct gr_arena *a, size_t count, size_t size);
/* Room for one more item in a growing array that lives in the arena: returns the array, moved if need be, with *cap
 * updated; the new part is zeroed. NULL on failure (the old array stays valid).
 *     if (count == cap && !(p = gr_arena_grow(a, items, count, &cap, sizeof *items))) … */
GR_MUST_USE void *gr_arena_grow(struct gr_arena *a, void *items, size_t count, size_t *cap, size_t size);
/* A copy of s, with a NUL behind it that n does not count. On failure p is NULL and n 0. */
struct gr_str gr_arena_dup(struct gr_arena *a, struct gr_str s);
/* Formatted text, NUL-terminated as above. On failure p is NULL and n 0. */
struct gr_str gr_arena_printf(struct gr_arena *a, const char *fmt, ...) GR_PRINTF(2, 3);
/* Calls close(handle) when the arena is freed. On failure calls it at once and returns GR_ENOMEM. */
GR_MUST_USE enum gr_err gr_arena_own(struct gr_arena *a, void *handle, void (*close)(void *handle));
/* Frees all that was handed out and runs the closers, but keeps the newest (and largest) block of memory for what comes: for work done over
 * and over. The ceiling counts from 0 again; a failure is still remembered. */
void gr_arena_reset(struct gr_arena *a);
/* Bytes handed out so far, and GR_ENOMEM if any allocation has failed since creation. */
size_t gr_arena_used(const struct gr_arena *a);
enum gr_err gr_arena_status(const struct gr_arena *a);
#endif
