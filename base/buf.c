#include "config.h"
#include "guardrail/buf.h"

#include <stdio.h>

#include "guardrail/sys.h"

#define FIRST_BYTES ((size_t)64)

void
gr_buf_init(struct gr_buf *b, size_t max)
{
    *b = (struct gr_buf)GR_BUF_INIT(max);
}

void
gr_buf_fini(struct gr_buf *b)
{
    gr_sys.free(b->p);
    gr_buf_init(b, b->max);
}

void
gr_buf_reset(struct gr_buf *b)
{
    b->n = 0;
    b->err = GR_OK;
    if (b->p)
        b->p[0] = '\0';
}

static char *
fail(struct gr_buf *b, enum gr_err err)
{
    b->err = err;
    return NULL;
}

/* The memory at least doubles, so that n appends cost O(n); cap counts the NUL's byte too. */
char *
gr_buf_room(struct gr_buf *b, size_t n)
{
    size_t need, cap;
    char *p;

    if (b->err != GR_OK)
        return NULL;
    if (n > b->max - b->n)
        return fail(b, GR_ELIMIT);
    if (!gr_size_add(b->n, n, &need) || !gr_size_add(need, 1, &need))
        return fail(b, GR_ENOMEM);
    if (need > b->cap) {
        cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : b->cap * 2;
        cap = cap < FIRST_BYTES ? FIRST_BYTES : cap;
        cap = cap - 1 > b->max ? b->max + 1 : cap;
        cap = cap < need ? need : cap;
        if (!(p = gr_sys.realloc(b->p, cap)))
            return fail(b, GR_ENOMEM);
        gr_sys_advise(p, cap);
        b->p = p;
        b->cap = cap;
    }
    b->p[b->n + n] = '\0'; /* for a caller who fills all n bytes and adds them */
    b->p[b->n] = '\0';
    return b->p + b->n;
}

void
gr_buf_put_growing(struct gr_buf *b, struct gr_str s)
{
    char *room = gr_buf_room(b, s.n);

    if (!room || s.n == 0)
        return;
    memcpy(room, s.p, s.n);
    b->n += s.n;
    b->p[b->n] = '\0';
}

void
gr_buf_put_u64(struct gr_buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    gr_buf_put(b, (struct gr_str){digits + at, sizeof digits - at});
}

void
gr_buf_put_i64(struct gr_buf *b, int64_t v)
{
    if (v < 0)
        gr_buf_putc(b, '-');
    gr_buf_put_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
gr_buf_printf(struct gr_buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    gr_buf_vprintf(b, fmt, ap);
    va_end(ap);
}

/* Formats into the room that is there; only where that is too small, it makes more and formats again. */
void
gr_buf_vprintf(struct gr_buf *b, const char *fmt, va_list ap)
{
    size_t left = b->err == GR_OK ? b->cap - b->n : 0;
    va_list again;
    char *room = NULL;
    int n;

    va_copy(again, ap);
    n = vsnprintf(left > 0 ? b->p + b->n : NULL, left, fmt, ap);
    if (n < 0 || (size_t)n >= left) {
        if (left > 0)
            b->p[b->n] = '\0';
        if (n < 0) /* more than INT_MAX bytes */
            fail(b, b->err == GR_OK ? GR_ELIMIT : b->err);
        else if ((room = gr_buf_room(b, (size_t)n)) != NULL)
            vsnprintf(room, (size_t)n + 1, fmt, again);
        n = room ? n : 0;
    }
    b->n += (size_t)n;
    va_end(again);
}

void
gr_buf_cut(struct gr_buf *b, size_t n)
{
    GR_ASSERT(n <= b->n);
    b->n = n;
    if (b->p)
        b->p[n] = '\0';
}

struct gr_str
gr_buf_str(const struct gr_buf *b)
{
    return (struct gr_str){b->p, b->n};
}

const char *
gr_buf_cstr(const struct gr_buf *b)
{
    return b->p ? b->p : "";
}

enum gr_err
gr_buf_err(const struct gr_buf *b)
{
    return b->err;
}

char *
gr_buf_take(struct gr_buf *b)
{
    char *p = NULL;

    if (b->err == GR_OK && b->n > 0) {
        p = b->p;
        gr_buf_init(b, b->max);
    }
    return p;
}
