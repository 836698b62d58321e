#include "config.h"
#include "guardrail/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "guardrail/sys.h"

/* Chunks start small, so that a short compilation costs little, and double up to a size at which the cost of one more
 * call no longer matters. A larger request gets a chunk of its own size. */
#define CHUNK_FIRST_BYTES ((size_t)4096)
#define CHUNK_MAX_BYTES ((size_t)8 << 20)

struct chunk {
    struct chunk *older;
    size_t used, size; /* bytes of data */
    _Alignas(max_align_t) unsigned char data[];
};

struct closer {
    struct closer *older;
    void *handle;
    void (*close)(void *handle);
};

struct gr_arena {
    struct chunk *newest;
    struct closer *closers; /* newest first; they live in the chunks */
    size_t ceiling, used;   /* bytes handed out, padding not counted */
    size_t next_chunk;
    enum gr_err err;
};

struct gr_arena *
gr_arena_create(size_t ceiling)
{
    struct gr_arena *a = gr_sys.realloc(NULL, sizeof *a);

    if (a)
        *a = (struct gr_arena){.ceiling = ceiling, .next_chunk = CHUNK_FIRST_BYTES};
    return a;
}

/* Runs the closers, frees chunk c and all older ones. */
static void
drop(struct gr_arena *a, struct chunk *c)
{
    for (struct closer *closer = a->closers; closer; closer = closer->older)
        closer->close(closer->handle);
    a->closers = NULL;
    for (struct chunk *older; c; c = older) {
        older = c->older;
        gr_sys.free(c);
    }
}

void
gr_arena_free(struct gr_arena *a)
{
    if (!a)
        return;
    drop(a, a->newest);
    gr_sys.free(a);
}

void
gr_arena_reset(struct gr_arena *a)
{
    drop(a, a->newest ? a->newest->older : NULL);
    a->used = 0;
    if (a->newest) {
        a->newest->older = NULL;
        a->newest->used = 0;
    }
}

static void *
fail(struct gr_arena *a)
{
    a->err = GR_ENOMEM;
    return NULL;
}

/* A chunk with room for at least n bytes becomes the newest. */
static bool
add_chunk(struct gr_arena *a, size_t n)
{
    size_t size = n > a->next_chunk ? n : a->next_chunk, total;
    struct chunk *c;

    if (!gr_size_add(size, sizeof *c, &total) || !(c = gr_sys.realloc(NULL, total)))
        return false;
    gr_sys_advise(c, total);
    c->older = a->newest;
    c->used = 0;
    c->size = size;
    a->newest = c;
    if (a->next_chunk < CHUNK_MAX_BYTES)
        a->next_chunk *= 2;
    return true;
}

static size_t
padded(size_t n)
{
    size_t align = _Alignof(max_align_t);

    return (n + align - 1) & ~(align - 1);
}

/* Memory that is not cleared. */
static void *
take(struct gr_arena *a, size_t n)
{
    size_t want;
    void *p;

    if (n > a->ceiling - a->used || n > SIZE_MAX / 2)
        return fail(a);
    want = padded(n ? n : 1); /* one byte at least, so that the pointer is unique */
    if ((!a->newest || want > a->newest->size - a->newest->used) && !add_chunk(a, want))
        return fail(a);
    p = a->newest->data + a->newest->used;
    a->newest->used += want;
    a->used += n;
    return p;
}

void *
gr_arena_alloc(struct gr_arena *a, size_t n)
{
    void *p = take(a, n);

    return p ? memset(p, 0, n) : NULL;
}

void *
gr_arena_array(struct gr_arena *a, size_t count, size_t size)
{
    size_t n;

    return gr_size_mul(count, size, &n) ? gr_arena_alloc(a, n) : fail(a);
}

/* If the array is the newest allocation and its chunk has room, it grows where it is. */
static bool
grow_in_place(struct gr_arena *a, void *items, size_t old_bytes, size_t new_bytes)
{
    struct chunk *c = a->newest;
    size_t had = padded(old_bytes ? old_bytes : 1), want = padded(new_bytes);

    if (!c || c->used < had || (unsigned char *)items != c->data + (c->used - had) ||
        want - had > c->size - c->used)
        return false;
    memset((unsigned char *)items + old_bytes, 0, new_bytes - old_bytes);
    c->used += want - had;
    a->used += new_bytes - old_bytes;
    return true;
}

void *
gr_arena_grow(struct gr_arena *a, void *items, size_t count, size_t *cap, size_t size)
{
    size_t more, old_bytes, new_bytes;
    void *moved;

    if (items && count < *cap)
        return items;
    more =
        *cap < 4 ? 8 : *cap * 2; /* *cap counts existing items, so doubling it overflows only if size is 0 */
    if (!gr_size_mul(*cap, size, &old_bytes) || !gr_size_mul(more, size, &new_bytes) || new_bytes < old_bytes)
        return fail(a);
    if (items && new_bytes - old_bytes <= a->ceiling - a->used &&
        grow_in_place(a, items, old_bytes, new_bytes)) {
        *cap = more;
        return items;
    }
    if (!(moved = gr_arena_alloc(a, new_bytes)))
        return NULL;
    if (items && old_bytes)
        memcpy(moved, items, old_bytes);
    *cap = more;
    return moved;
}

struct gr_str
gr_arena_dup(struct gr_arena *a, struct gr_str s)
{
    size_t n;
    char *p;

    if (!gr_size_add(s.n, 1, &n)) {
        fail(a);
        return GR_STR_NONE;
    }
    if (!(p = take(a, n)))
        return GR_STR_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct gr_str){p, s.n};
}

struct gr_str
gr_arena_printf(struct gr_arena *a, const char *fmt, ...)
{
    va_list ap;
    int n;
    char *p;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) /* more than INT_MAX bytes */
        fail(a);
    if (n < 0 || !(p = take(a, (size_t)n + 1)))
        return GR_STR_NONE;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return (struct gr_str){p, (size_t)n};
}

enum gr_err
gr_arena_own(struct gr_arena *a, void *handle, void (*close)(void *handle))
{
    struct closer *c = gr_arena_alloc(a, sizeof *c);

    if (!c) {
        close(handle);
        return GR_ENOMEM;
    }
    *c = (struct closer){a->closers, handle, close};
    a->closers = c;
    return GR_OK;
}

size_t
gr_arena_used(const struct gr_arena *a)
{
    return a->used;
}

enum gr_err
gr_arena_status(const struct gr_arena *a)
{
    return a->err;
}
