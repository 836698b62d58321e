/* marks.c - one bit for each byte of a file. */
#include "config.h"
#include "marks.h"

/* The offset of the bit; a value may begin at the end of the text. */
static bool
in_file(const struct gr_sources *sources, struct gr_span where, size_t *bytes)
{
    if (where.file == 0 || where.file > GR_SOURCES_MAX)
        return false;
    *bytes = gr_sources_get(sources, where.file)->text.n;
    return where.start <= *bytes;
}

void
marks_add(struct marks *m, struct gr_arena *a, const struct gr_sources *sources, struct gr_span where)
{
    size_t bytes;

    if (!in_file(sources, where, &bytes))
        return;
    if (!m->bits && !(m->bits = gr_arena_array(a, GR_SOURCES_MAX + 1, sizeof *m->bits)))
        return;
    if (!m->bits[where.file] && !(m->bits[where.file] = gr_arena_alloc(a, bytes / 8 + 1)))
        return;
    m->bits[where.file][where.start / 8] |= (uint8_t)(1u << (where.start % 8));
}

bool
marks_has(const struct marks *m, const struct gr_sources *sources, struct gr_span where)
{
    size_t bytes;

    if (!m->bits || !in_file(sources, where, &bytes) || !m->bits[where.file])
        return false;
    return ((unsigned)m->bits[where.file][where.start / 8] >> (where.start % 8) & 1u) != 0;
}
