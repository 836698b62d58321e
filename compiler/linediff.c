/* linediff.c - see linediff.h. */
#include "config.h"
#include "linediff.h"

#include "guardrail/arena.h"
#include "guardrail/quote.h"

#define AROUND 3u
#define ARENA_BYTES_MAX ((size_t)256 << 20)

struct text_lines {
    struct gr_str *v; /* with their line ends */
    size_t n;
};
struct linediff {
    struct gr_arena *arena;
    struct text_lines a, b;
    bool *gone, *added; /* by line */
};

static bool
split(struct gr_arena *arena, struct gr_str text, struct text_lines *out)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    if (!(out->v = gr_arena_array(arena, n + 1, sizeof *out->v)))
        return false;
    for (size_t at = 0; at < text.n;) {
        size_t end = gr_str_find(text, GR_STR("\n"), at);

        end = end == SIZE_MAX ? text.n : end + 1;
        out->v[out->n++] = gr_str_sub(text, at, end);
        at = end;
    }
    return true;
}

/* Myers' forward search in a[0, n) and b[0, m). trail[d] is the furthest x on each diagonal k = x - y, from -d to d, after d
 * changes. Returns the number of changes, or SIZE_MAX past the limit; *failed without memory. */
static size_t
search(struct gr_arena *arena, const struct gr_str *a, long n, const struct gr_str *b, long m, long **trail,
       bool *failed)
{
    for (long d = 0; d <= (long)LINEDIFF_CHANGES_MAX; d++) {
        long *v = gr_arena_array(arena, (size_t)(2 * d + 1), sizeof *v), *last = d > 0 ? trail[d - 1] : NULL;

        if (!v) {
            *failed = true;
            return SIZE_MAX;
        }
        trail[d] = v;
        for (long k = -d; k <= d; k += 2) {
            long x = 0, y;

            if (last && (k == -d || (k != d && last[k - 1 + d - 1] < last[k + 1 + d - 1])))
                x = last[k + 1 + d - 1];
            else if (last)
                x = last[k - 1 + d - 1] + 1;
            y = x - k;
            while (x < n && y >= 0 && y < m && gr_str_eq(a[x], b[y])) {
                x++;
                y++;
            }
            v[k + d] = x;
            if (x >= n && y >= m)
                return (size_t)d;
        }
    }
    return SIZE_MAX;
}

/* Walks the trail back and marks what is gone and added; from: lines that are the same at the start. */
static void
mark(struct linediff *l, long **trail, size_t changes, long n, long m, size_t from)
{
    long x = n, y = m;

    for (long d = (long)changes; d > 0; d--) {
        const long *last = trail[d - 1];
        long k = x - y;
        bool down = k == -d || (k != d && last[k - 1 + d - 1] < last[k + 1 + d - 1]);
        long px = down ? last[k + 1 + d - 1] : last[k - 1 + d - 1], py = px - (down ? k + 1 : k - 1);

        if (down)
            l->added[from + (size_t)py] = true;
        else
            l->gone[from + (size_t)px] = true;
        x = px;
        y = py;
    }
}

static enum gr_err
compare(struct linediff *l)
{
    size_t start = 0, end = 0, changes, n, m;
    long **trail = gr_arena_array(l->arena, LINEDIFF_CHANGES_MAX + 1, sizeof *trail);
    bool failed = false;

    if (!trail)
        return GR_ENOMEM;
    while (start < l->a.n && start < l->b.n && gr_str_eq(l->a.v[start], l->b.v[start]))
        start++;
    while (end < l->a.n - start && end < l->b.n - start &&
           gr_str_eq(l->a.v[l->a.n - 1 - end], l->b.v[l->b.n - 1 - end]))
        end++;
    n = l->a.n - start - end;
    m = l->b.n - start - end;
    changes = search(l->arena, l->a.v + start, (long)n, l->b.v + start, (long)m, trail, &failed);
    if (failed)
        return GR_ENOMEM;
    if (changes != SIZE_MAX) {
        mark(l, trail, changes, (long)n, (long)m, start);
        return GR_OK;
    }
    for (size_t i = 0; i < n; i++)
        l->gone[start + i] = true;
    for (size_t i = 0; i < m; i++)
        l->added[start + i] = true;
    return GR_OK;
}

static void
put_line(struct gr_buf *out, char sign, struct gr_str line)
{
    gr_buf_putc(out, sign);
    gr_buf_put(out, line);
    if (line.n == 0 || line.p[line.n - 1] != '\n')
        gr_buf_puts(out, "\n\\ No newline at end of file\n");
}

static bool
changed(const struct linediff *l, size_t i, size_t j)
{
    return (i < l->a.n && l->gone[i]) || (j < l->b.n && l->added[j]);
}

/* The start of a hunk in one text: patch counts from 1, and names the line before an empty range. */
static size_t
first_line(size_t from, size_t count)
{
    return count > 0 ? from + 1 : from;
}

/* One hunk from the lines i and j on, which are AROUND lines or less before its first change; moves both behind it. */
static void
put_hunk(const struct linediff *l, struct gr_buf *out, size_t *i, size_t *j)
{
    size_t ei = *i, ej = *j, quiet = 0, back;

    while (ei < l->a.n || ej < l->b.n) {
        bool gone = ei < l->a.n && l->gone[ei], added = ej < l->b.n && l->added[ej];

        if (!gone && !added && quiet == 2 * AROUND)
            break;
        quiet = gone || added ? 0 : quiet + 1;
        ei += gone || !added;
        ej += !gone;
    }
    back = quiet > AROUND ? quiet - AROUND : 0;
    ei -= back;
    ej -= back;
    gr_buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", first_line(*i, ei - *i), ei - *i, first_line(*j, ej - *j),
                  ej - *j);
    while (*i < ei || *j < ej) {
        if (*i < ei && l->gone[*i]) {
            put_line(out, '-', l->a.v[(*i)++]);
        } else if (*j < ej && l->added[*j]) {
            put_line(out, '+', l->b.v[(*j)++]);
        } else {
            put_line(out, ' ', l->a.v[(*i)++]);
            (*j)++;
        }
    }
}

static void
put_hunks(const struct linediff *l, struct gr_buf *out)
{
    size_t i = 0, j = 0, same = 0;

    while (i < l->a.n || j < l->b.n) {
        if (!changed(l, i, j)) {
            i++;
            j++;
            same++;
            continue;
        }
        same = same < AROUND ? same : AROUND;
        i -= same;
        j -= same;
        put_hunk(l, out, &i, &j);
        same = 0;
    }
}

enum gr_err
linediff_put(struct gr_buf *out, const char *name, struct gr_str before, struct gr_str after)
{
    struct linediff l = {.arena = gr_arena_create(ARENA_BYTES_MAX)};
    enum gr_err err = GR_ENOMEM;

    if (gr_str_eq(before, after)) {
        gr_arena_free(l.arena);
        return GR_OK;
    }
    if (!l.arena || !split(l.arena, before, &l.a) || !split(l.arena, after, &l.b))
        goto done;
    l.gone = gr_arena_array(l.arena, l.a.n + 1, sizeof *l.gone);
    l.added = gr_arena_array(l.arena, l.b.n + 1, sizeof *l.added);
    if (!l.gone || !l.added || (err = compare(&l)) != GR_OK)
        goto done;
    gr_buf_puts(out, "--- ");
    gr_quote_log(out, gr_str(name));
    gr_buf_puts(out, "\n+++ ");
    gr_quote_log(out, gr_str(name));
    gr_buf_putc(out, '\n');
    put_hunks(&l, out);
    err = gr_buf_err(out);
done:
    gr_arena_free(l.arena);
    return err;
}
