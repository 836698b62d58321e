/* buf.h - the one growable string. A ceiling given at init, and an error that sticks: appends need no check one by one,
 * but the end does (gr_buf_err). After an error the content stays as it was before the append that failed. */
#ifndef GUARDRAIL_BUF_H
#define GUARDRAIL_BUF_H
#include <stdarg.h>
#include "guardrail/base.h"

struct gr_buf {
    char *p;         /* owned; NUL-terminated whenever not NULL */
    size_t n, cap;   /* bytes used and allocated, the NUL not counted in n */
    size_t max;      /* refuses to grow n past it */
    enum gr_err err; /* GR_OK, GR_ENOMEM or GR_ELIMIT */
};
#define GR_BUF_INIT(ceiling)                                                                                 \
    {                                                                                                        \
        .max = (ceiling)                                                                                     \
    }

void gr_buf_init(struct gr_buf *b, size_t max);
/* Frees the content; the buffer may be used again as an empty one. */
void gr_buf_fini(struct gr_buf *b);
/* Empties it, keeps the memory, forgets the error. */
void gr_buf_reset(struct gr_buf *b);
void gr_buf_put_growing(struct gr_buf *b, struct gr_str s); /* gr_buf_put where the memory does not suffice */
/* The appends are inline: where all that is to be written fits, one costs a comparison and a copy. cap never exceeds max + 1. */
static inline void
gr_buf_put(struct gr_buf *b, struct gr_str s)
{
    if (s.n >= b->cap - b->n || b->err != GR_OK) {
        gr_buf_put_growing(b, s);
        return;
    }
    if (s.n > 0)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    b->p[b->n] = '\0';
}
static inline void
gr_buf_puts(struct gr_buf *b, const char *cstr)
{
    gr_buf_put(b, gr_str(cstr));
}
static inline void
gr_buf_putc(struct gr_buf *b, char c)
{
    gr_buf_put(b, (struct gr_str){&c, 1});
}
/* In decimal digits; what printf would do, at a twentieth of the price. */
void gr_buf_put_u64(struct gr_buf *b, uint64_t v);
void gr_buf_put_i64(struct gr_buf *b, int64_t v);
void gr_buf_printf(struct gr_buf *b, const char *fmt, ...) GR_PRINTF(2, 3);
void gr_buf_vprintf(struct gr_buf *b, const char *fmt, va_list ap) GR_PRINTF(2, 0);
/* Cuts it back to n bytes; n <= b->n. */
void gr_buf_cut(struct gr_buf *b, size_t n);
/* Room for n more bytes, to be filled by the caller who then adds to b->n; NULL sets the error. */
GR_MUST_USE char *gr_buf_room(struct gr_buf *b, size_t n);
/* The content, borrowed until the next change. */
struct gr_str gr_buf_str(const struct gr_buf *b);
/* The content as a C string, never NULL. */
const char *gr_buf_cstr(const struct gr_buf *b);
GR_MUST_USE enum gr_err gr_buf_err(const struct gr_buf *b);
/* Moves the memory out: the caller frees it with gr_sys.free. NULL if empty or failed. */
GR_MUST_USE char *gr_buf_take(struct gr_buf *b);
#endif
