#include "config.h"
#include "guardrail/diag.h"

#include <stdarg.h>
#include <stdio.h>

#include "diag_list.h"
#include "guardrail/sys.h"

/* The formats come from the callers of gr_diag, where the compiler checks them. */
static size_t text_bytes(const char *fmt, va_list ap) GR_PRINTF(1, 0);
static struct gr_str put_text(char *p, size_t n, const char *fmt, va_list ap) GR_PRINTF(3, 0);
static struct finding *finding_create(struct gr_str fix, const char *fmt, va_list ap) GR_PRINTF(2, 0);
static struct note *note_create(const char *fmt, va_list ap) GR_PRINTF(1, 0);

static const struct gr_code_info infos[] = {
#define GR_CODE(number, severity, name, help) {"GR" #number, severity, name, help},
#include "guardrail/diag_codes.def"
#undef GR_CODE
};

const struct gr_code_info *
gr_code_info(enum gr_code code)
{
    GR_ASSERT((size_t)code < GR_COUNT(infos));
    return &infos[code];
}

struct gr_diags *
gr_diags_create(const struct gr_sources *sources)
{
    struct gr_diags *d = gr_sys.realloc(NULL, sizeof *d);

    if (d) {
        memset(d, 0, sizeof *d);
        d->sources = sources;
    }
    return d;
}

static void
finding_free(struct finding *f)
{
    if (!f)
        return;
    for (struct note *n = f->notes, *next; n; n = next) {
        next = n->next;
        gr_sys.free(n);
    }
    gr_sys.free(f);
}

void
gr_diags_free(struct gr_diags *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        finding_free(d->findings[i]);
    gr_sys.free(d);
}

const struct gr_sources *
gr_diags_sources(const struct gr_diags *d)
{
    return d->sources;
}

/* Bytes that the formatted text will take; one that is too long is cut to fit. */
static size_t
text_bytes(const char *fmt, va_list ap)
{
    va_list measure;
    int n;

    va_copy(measure, ap);
    n = vsnprintf(NULL, 0, fmt, measure);
    va_end(measure);
    return n < 0 || (unsigned)n > TEXT_BYTES_MAX ? TEXT_BYTES_MAX : (size_t)n; /* < 0: more than INT_MAX */
}

/* The text was cut at n bytes: lets it end in "…" behind a whole character. */
static size_t
end_in_ellipsis(char *p, size_t n)
{
    static const char ellipsis[] = "\xe2\x80\xa6";

    n -= sizeof ellipsis - 1;
    while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80)
        n--;
    memcpy(p + n, ellipsis, sizeof ellipsis);
    return n + sizeof ellipsis - 1;
}

/* Formats to p, which has room for n bytes and a NUL. */
static struct gr_str
put_text(char *p, size_t n, const char *fmt, va_list ap)
{
    int got = vsnprintf(p, n + 1, fmt, ap);

    if (got < 0)
        n = 0; /* more than INT_MAX bytes: nothing was written that could be relied on */
    if (got > 0 && (size_t)got > n)
        n = end_in_ellipsis(p, n);
    return (struct gr_str){p, n};
}

/* One block: struct, message, NUL, fix. */
static struct finding *
finding_create(struct gr_str fix, const char *fmt, va_list ap)
{
    size_t message_n = text_bytes(fmt, ap), fix_n = fix.n < TEXT_BYTES_MAX ? fix.n : TEXT_BYTES_MAX;
    struct finding *f = gr_sys.realloc(NULL, sizeof *f + message_n + fix_n + 2);
    char *text;

    if (!f)
        return NULL;
    memset(f, 0, sizeof *f);
    text = (char *)(f + 1);
    f->message = put_text(text, message_n, fmt, ap);
    text += message_n + 1;
    if (fix_n > 0)
        memcpy(text, fix.p, fix_n);
    if (fix_n < fix.n)
        fix_n = end_in_ellipsis(text, fix_n);
    text[fix_n] = '\0';
    f->fix = (struct gr_str){text, fix_n};
    return f;
}

static int
compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int
compare(const struct finding *a, const struct finding *b)
{
    int c = compare_u32(a->where.file, b->where.file);

    c = c ? c : compare_u32(a->where.start, b->where.start);
    c = c ? c : compare_u32(a->where.end, b->where.end);
    c = c ? c : compare_u32(a->code, b->code);
    return c ? c : gr_str_cmp(a->message, b->message);
}

/* Index of the first kept finding that is not before f. */
static size_t
place_of(const struct gr_diags *d, const struct finding *f)
{
    size_t low = 0, high = d->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (compare(d->findings[mid], f) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Takes f. An equal one is not counted again; which findings are kept at the limit is decided by the order of the calls. */
static void
insert(struct gr_diags *d, struct finding *f)
{
    size_t at = place_of(d, f);

    if (at < d->count && compare(d->findings[at], f) == 0) {
        finding_free(f);
        return;
    }
    d->by_severity[infos[f->code].severity]++;
    if (d->count == GR_DIAGS_MAX) {
        d->dropped++;
        finding_free(f);
        return;
    }
    memmove(d->findings + at + 1, d->findings + at, (d->count - at) * sizeof d->findings[0]);
    d->findings[at] = f;
    d->count++;
    d->newest = f;
}

void
gr_diag(struct gr_diags *d, enum gr_code code, struct gr_span where, struct gr_str fix, const char *fmt, ...)
{
    struct finding *f;
    va_list ap;

    GR_ASSERT((size_t)code < GR_COUNT(infos));
    d->newest = NULL;
    va_start(ap, fmt);
    f = finding_create(fix, fmt, ap);
    va_end(ap);
    if (!f) {
        d->by_severity[infos[code].severity]++;
        d->dropped++;
        d->lost = true;
        return;
    }
    f->code = code;
    f->where = where;
    insert(d, f);
}

static struct note *
note_create(const char *fmt, va_list ap)
{
    size_t n = text_bytes(fmt, ap);
    struct note *note = gr_sys.realloc(NULL, sizeof *note + n + 1);

    if (note) {
        *note = (struct note){0};
        note->message = put_text((char *)(note + 1), n, fmt, ap);
    }
    return note;
}

void
gr_diag_note(struct gr_diags *d, struct gr_span where, const char *fmt, ...)
{
    struct note *note, **end;
    va_list ap;

    if (!d->newest || d->newest->note_count == NOTES_MAX)
        return;
    va_start(ap, fmt);
    note = note_create(fmt, ap);
    va_end(ap);
    if (!note) {
        d->lost = true;
        return;
    }
    note->where = where;
    for (end = &d->newest->notes; *end; end = &(*end)->next)
        ;
    *end = note;
    d->newest->note_count++;
}

enum gr_err
gr_diags_status(const struct gr_diags *d)
{
    if (d->lost)
        return GR_ENOMEM;
    return d->by_severity[GR_SEV_ERROR] > 0 ? GR_EUSER : GR_OK;
}

size_t
gr_diags_count(const struct gr_diags *d, enum gr_severity severity)
{
    GR_ASSERT((size_t)severity <= GR_SEV_ERROR);
    return d->by_severity[severity];
}

bool
gr_diags_get(const struct gr_diags *d, size_t index, struct gr_diag_view *out)
{
    const struct finding *f;

    if (index >= d->count)
        return false;
    f = d->findings[index];
    *out = (struct gr_diag_view){f->code, f->where, f->message, f->fix};
    return true;
}

void
gr_diags_merge(struct gr_diags *d, const struct gr_diags *from)
{
    size_t kept[GR_SEV_ERROR + 1] = {0};

    GR_ASSERT(d->sources == from->sources && d != from);
    for (size_t i = 0; i < from->count; i++) {
        const struct finding *f = from->findings[i];

        gr_diag(d, f->code, f->where, f->fix, "" GR_FMT, GR_ARG(f->message));
        for (const struct note *n = f->notes; n; n = n->next)
            gr_diag_note(d, n->where, "" GR_FMT, GR_ARG(n->message));
        kept[gr_code_info(f->code)->severity]++;
    }
    for (size_t i = 0; i < GR_COUNT(kept); i++)
        d->by_severity[i] += from->by_severity[i] - kept[i];
    d->dropped += from->dropped;
    d->lost = d->lost || from->lost;
}
