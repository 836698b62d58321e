#include "config.h"
#include "guardrail/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "utf8.h"

static const char *const err_names[] = {
    [GR_OK] = "no error",
    [GR_EUSER] = "the input is wrong",
    [GR_ESYNTAX] = "bad syntax",
    [GR_ERANGE] = "out of range",
    [GR_ELIMIT] = "too large",
    [GR_ENOMEM] = "out of memory",
    [GR_ENOENT] = "no such file or entry",
    [GR_EEXIST] = "exists already",
    [GR_EACCES] = "permission denied",
    [GR_EBUSY] = "locked by another process",
    [GR_EAGAIN] = "temporarily unavailable",
    [GR_ENOSPC] = "no space left",
    [GR_EIO] = "input/output error",
    [GR_ENET] = "network error",
    [GR_ETIMEOUT] = "timed out",
    [GR_ESTATE] = "not possible in the present state",
};
_Static_assert(GR_COUNT(err_names) == GR_ERR_COUNT, "every error has a name");

const char *
gr_err_name(enum gr_err err)
{
    unsigned i = (unsigned)err;

    return i < GR_ERR_COUNT ? err_names[i] : "unknown error";
}

static const struct {
    int errnum;
    enum gr_err err;
} errno_map[] = {
    {0, GR_OK},
    {ENOMEM, GR_ENOMEM},
    {ENOENT, GR_ENOENT},
    {ENOTDIR, GR_ENOENT},
    {EEXIST, GR_EEXIST},
    {ENOTEMPTY, GR_EEXIST},
    {EACCES, GR_EACCES},
    {EPERM, GR_EACCES},
    {EROFS, GR_EACCES},
    {EBUSY, GR_EBUSY},
    {ETXTBSY, GR_EBUSY},
    {EAGAIN, GR_EAGAIN},
    {EINTR, GR_EAGAIN},
    {EMFILE, GR_EAGAIN},
    {ENFILE, GR_EAGAIN},
    {ENOSPC, GR_ENOSPC},
    {EDQUOT, GR_ENOSPC},
    {EFBIG, GR_ELIMIT},
    {E2BIG, GR_ELIMIT},
    {ENAMETOOLONG, GR_ELIMIT},
    {ELOOP, GR_ELIMIT},
    {EMSGSIZE, GR_ELIMIT},
    {ERANGE, GR_ERANGE},
    {EOVERFLOW, GR_ERANGE},
    {ECONNREFUSED, GR_ENET},
    {ECONNRESET, GR_ENET},
    {ECONNABORTED, GR_ENET},
    {ENETUNREACH, GR_ENET},
    {EHOSTUNREACH, GR_ENET},
    {ENETDOWN, GR_ENET},
    {EPIPE, GR_ENET},
    {EADDRINUSE, GR_ENET},
    {EADDRNOTAVAIL, GR_ENET},
    {ETIMEDOUT, GR_ETIMEOUT},
};

enum gr_err
gr_err_from_errno(int errnum)
{
    for (size_t i = 0; i < GR_COUNT(errno_map); i++)
        if (errno_map[i].errnum == errnum)
            return errno_map[i].err;
    return GR_EIO;
}

void
gr_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "guardrail: %s:%d: this cannot be: !(%s). Please report it.\n", file, line, cond);
    abort();
}

int
gr_str_cmp(struct gr_str a, struct gr_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    if (c != 0)
        return c;
    return (a.n > b.n) - (a.n < b.n);
}

bool
gr_str_starts(struct gr_str s, struct gr_str prefix)
{
    return s.n >= prefix.n && gr_str_eq(gr_str_sub(s, 0, prefix.n), prefix);
}

bool
gr_str_ends(struct gr_str s, struct gr_str suffix)
{
    return s.n >= suffix.n && gr_str_eq(gr_str_sub(s, s.n - suffix.n, s.n), suffix);
}

size_t
gr_str_find(struct gr_str s, struct gr_str what, size_t from)
{
    if (from > s.n || what.n > s.n - from)
        return SIZE_MAX;
    if (what.n == 0)
        return from;
    for (size_t i = from; i <= s.n - what.n; i++) {
        const char *hit = memchr(s.p + i, what.p[0], s.n - what.n - i + 1);

        if (!hit)
            break;
        i = (size_t)(hit - s.p);
        if (memcmp(hit, what.p, what.n) == 0)
            return i;
    }
    return SIZE_MAX;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct gr_str
gr_str_trim(struct gr_str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct gr_str
gr_str_sub(struct gr_str s, size_t start, size_t end)
{
    if (end > s.n)
        end = s.n;
    if (start > end)
        start = end;
    /* NULL + 0 is undefined in C11, so an empty slice is passed on as it is. */
    return (struct gr_str){start ? s.p + start : s.p, end - start};
}

bool
gr_str_next(struct gr_str *rest, char sep, struct gr_str *piece)
{
    const char *hit;

    if (!rest->p)
        return false;
    hit = memchr(rest->p, sep, rest->n);
    if (!hit) {
        *piece = *rest;
        *rest = GR_STR_NONE;
        return true;
    }
    *piece = gr_str_sub(*rest, 0, (size_t)(hit - rest->p));
    *rest = gr_str_sub(*rest, piece->n + 1, rest->n);
    return true;
}

bool
gr_str_is_utf8(struct gr_str s)
{
    for (size_t at = 0; at < s.n;) {
        uint32_t cp;
        size_t len;

        if ((at += utf8_ascii(s.p + at, s.n - at)) == s.n)
            break;
        if ((len = utf8_decode(gr_str_sub(s, at, s.n), &cp)) == 0)
            return false;
        at += len;
    }
    return true;
}

/* Names are short; a longer one is not worth a suggestion and would cost quadratic time. */
#define DISTANCE_BYTES_MAX 128u

/* Restricted Damerau-Levenshtein ("optimal string alignment") over three rows. */
size_t
gr_str_distance(struct gr_str a, struct gr_str b, size_t max)
{
    size_t rows[3][DISTANCE_BYTES_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t gap = a.n > b.n ? a.n - b.n : b.n - a.n;

    if (gr_str_eq(a, b))
        return 0;
    if (gap > max || a.n > DISTANCE_BYTES_MAX || b.n > DISTANCE_BYTES_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        before[j] = last[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *spare = before;

        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = last[j - 1] + (a.p[i - 1] != b.p[j - 1]);

            best = best < last[j] + 1 ? best : last[j] + 1;
            best = best < now[j - 1] + 1 ? best : now[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                best = best < before[j - 2] + 1 ? best : before[j - 2] + 1;
            now[j] = best;
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[b.n] <= max ? last[b.n] : SIZE_MAX;
}

struct gr_str
gr_str_nearest(struct gr_str s, const struct gr_str *names, size_t count)
{
    struct gr_str best = GR_STR_NONE;
    size_t limit = s.n <= 4 ? 1 : 2;

    for (size_t i = 0; i < count; i++) {
        size_t d = gr_str_distance(s, names[i], limit);

        if (d == SIZE_MAX)
            continue;
        best = names[i];
        if (d == 0)
            break;
        limit = d - 1; /* from here on only a nearer one wins */
    }
    return best;
}

bool
gr_size_add(size_t a, size_t b, size_t *out)
{
    if (b > SIZE_MAX - a)
        return false;
    *out = a + b;
    return true;
}

bool
gr_size_mul(size_t a, size_t b, size_t *out)
{
    if (a != 0 && b > SIZE_MAX / a)
        return false;
    *out = a * b;
    return true;
}
