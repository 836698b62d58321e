/* lint_suppress.c - comments that say that a finding is known, and why.
 *
 *     # guardrail ignore CODE[, CODE…]: reason          - this line if something stands before it, else the
 * next line; where a rule
 *                                                         or a group begins in that line, all of it
 *     # guardrail ignore-file CODE[, CODE…]: reason     - the whole file
 *
 * libyaml drops comments, so they are looked for in the text; one inside of a label's or an annotation's
 * value is none. Inside of an expression it is PromQL's comment, which will do. Errors cannot be suppressed:
 * Prometheus would not load the file anyway. */
#include "config.h"
#include "lint.h"

#include <stdlib.h>

#define WORD "guardrail ignore"

struct suppression {
    enum gr_code code;
    uint32_t from, to; /* the bytes it is about */
    uint32_t reach;    /* the largest `to` of this one and those before it that have its code */
    struct gr_span where;
    bool used;
};
struct lint_suppressions {
    struct suppression *items; /* sorted by code, from */
    size_t count, cap;
};
/* Bytes [start, end) of a rule or a group. */
struct extent {
    uint32_t start, end;
    const struct lint_rule *rule; /* NULL: a group */
};
struct finder {
    struct gr_lint *lint;
    struct lint_file *file;
    struct gr_str text;
    struct extent *extents; /* sorted by start */
    size_t count;
    uint32_t next_from, next_start,
        next_end; /* the line that comments from next_from on are about, once known */
};

/* ---- where rules are ---- */

static int
compare_extents(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

/* GR_ENOMEM. */
static enum gr_err
find_extents(struct finder *f)
{
    size_t n = 0;

    f->extents = gr_arena_array(f->lint->arena, f->file->count + f->file->rules, sizeof *f->extents);
    if (!f->extents)
        return GR_ENOMEM;
    for (size_t g = 0; g < f->file->count; g++) {
        const struct lint_group *group = &f->file->groups[g];
        struct extent *whole = &f->extents[n++];

        *whole = (struct extent){group->name_span.start, group->name_span.end, NULL};
        for (size_t i = 0; i < group->count; i++) {
            struct gr_span s = group->rules[i].node->span;

            f->extents[n++] = (struct extent){s.start, s.end, &group->rules[i]};
            if (s.end > whole->end)
                whole->end = s.end;
        }
    }
    f->count = n;
    qsort(f->extents, n, sizeof *f->extents, compare_extents);
    return GR_OK;
}

/* Index of the first extent that starts at `at` or behind it. */
static size_t
extent_from(const struct finder *f, uint32_t at)
{
    size_t low = 0, high = f->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (f->extents[mid].start < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool
in_pairs(const struct lint_pairs *p, uint32_t at)
{
    for (size_t i = 0; i < p->count; i++)
        if (at >= p->items[i].value->span.start && at < p->items[i].value->span.end)
            return true;
    return false;
}

/* Whether the byte is part of a label's or an annotation's value. */
static bool
in_text(const struct finder *f, uint32_t at)
{
    size_t i = extent_from(f, at);

    if (i == 0 || at >= f->extents[i - 1].end || !f->extents[i - 1].rule)
        return false; /* in no rule: where a group begins, none has since */
    return in_pairs(&f->extents[i - 1].rule->labels, at) ||
           in_pairs(&f->extents[i - 1].rule->annotations, at);
}

/* ---- lines ---- */

static uint32_t
line_start(const struct finder *f, uint32_t at)
{
    while (at > 0 && f->text.p[at - 1] != '\n')
        at--;
    return at;
}

static uint32_t
line_end(const struct finder *f, uint32_t at)
{
    const char *p = at < f->text.n ? memchr(f->text.p + at, '\n', f->text.n - at) : NULL;

    return p ? (uint32_t)(p - f->text.p) : (uint32_t)f->text.n;
}

static uint32_t
skip_blanks(const struct finder *f, uint32_t at, uint32_t end)
{
    while (at < end && (f->text.p[at] == ' ' || f->text.p[at] == '\t' || f->text.p[at] == '\r'))
        at++;
    return at;
}

/* What a comment at `hash` is about. */
static void
find_target(struct finder *f, uint32_t hash, uint32_t *from, uint32_t *to)
{
    uint32_t start = line_start(f, hash), end = line_end(f, hash), first = skip_blanks(f, start, end);
    size_t i;

    if (first == hash && hash >= f->next_from &&
        hash < f->next_start) { /* one of several comments in a row */
        start = f->next_start;
        end = f->next_end;
        first = skip_blanks(f, start, end);
    }
    while (end < f->text.n &&
           (first == end || f->text.p[first] == '#')) { /* a comment or empty: the next line */
        start = end + 1;
        end = line_end(f, start);
        first = skip_blanks(f, start, end);
    }
    f->next_from = hash;
    f->next_start = start;
    f->next_end = end;
    *from = start;
    *to = end;
    i = extent_from(f, start);
    if (hash < start && i < f->count && f->extents[i].start < end && f->extents[i].end > end)
        *to = f->extents[i].end;
}

/* ---- comments ---- */

static enum gr_err
add(struct finder *f, struct suppression s)
{
    struct lint_suppressions *list = f->file->suppressions;
    struct suppression *grown =
        gr_arena_grow(f->lint->arena, list->items, list->count, &list->cap, sizeof *list->items);

    if (!grown)
        return GR_ENOMEM;
    list->items = grown;
    list->items[list->count++] = s;
    return GR_OK;
}

static enum gr_err
take_code(struct finder *f, struct gr_str word, struct suppression s)
{
    enum gr_code code = gr_lint_code(word);

    if (code == GR_CODE_COUNT) {
        lint_report(f->lint, GR0506, s.where, GR_STR_NONE, "there is no finding \"" GR_FMT "\"",
                    GR_ARG(gr_str_sub(word, 0, 60)));
        return GR_OK;
    }
    if (gr_code_info(code)->severity == GR_SEV_ERROR) {
        lint_report(f->lint, GR0506, s.where, GR_STR("mend it"), "%s is an error and cannot be suppressed",
                    gr_code_info(code)->code);
        return GR_OK;
    }
    s.code = code;
    return add(f, s);
}

/* The comment from its # to the end of the line; rest is what stands behind the keyword. */
static enum gr_err
take_comment(struct finder *f, struct gr_span where, struct gr_str rest)
{
    struct suppression s = {.where = where, .to = UINT32_MAX};
    size_t colon = gr_str_find(rest, GR_STR(":"), 0);
    struct gr_str codes = gr_str_sub(rest, 0, colon), reason, word;
    bool whole_file = gr_str_starts(rest, GR_STR("-file"));
    enum gr_err err = GR_OK;

    reason = colon == SIZE_MAX ? GR_STR_NONE : gr_str_trim(gr_str_sub(rest, colon + 1, rest.n));
    if (whole_file)
        codes = gr_str_sub(codes, 5, codes.n);
    else
        find_target(f, where.start, &s.from, &s.to);
    if (codes.n > 0 && codes.p[0] != ' ' && codes.p[0] != '\t')
        return GR_OK; /* another word, such as "guardrail ignores" */
    if (gr_str_trim(codes).n == 0)
        lint_report(f->lint, GR0506, where, GR_STR_NONE, "which finding is to be suppressed?");
    else if (reason.n == 0)
        lint_report(f->lint, GR0507, where, GR_STR("write \": \" and the reason behind the code"),
                    "the suppression gives no reason");
    while (err == GR_OK && gr_str_trim(codes).n > 0 && gr_str_next(&codes, ',', &word))
        err = take_code(f, gr_str_trim(word), s);
    return err;
}

static int
compare_suppressions(const void *a, const void *b)
{
    const struct suppression *x = a, *y = b;

    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->where.start > y->where.start) - (x->where.start < y->where.start);
}

static void
sort(struct lint_suppressions *list)
{
    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof *list->items, compare_suppressions);
    for (size_t i = 0; i < list->count; i++) {
        struct suppression *s = &list->items[i];
        bool same = i > 0 && list->items[i - 1].code == s->code;

        s->reach = same && list->items[i - 1].reach > s->to ? list->items[i - 1].reach : s->to;
    }
}

/* The # of the comment whose keyword is at `at`; false: there is none. */
static bool
comment_start(const struct finder *f, size_t at, uint32_t *hash)
{
    while (at > 0 && (f->text.p[at - 1] == ' ' || f->text.p[at - 1] == '\t'))
        at--;
    if (at == 0 || f->text.p[at - 1] != '#')
        return false;
    *hash = (uint32_t)(at - 1);
    return at == 1 || f->text.p[at - 2] == ' ' || f->text.p[at - 2] == '\t' || f->text.p[at - 2] == '\n';
}

enum gr_err
lint_suppressions_read(struct gr_lint *l, struct lint_file *file)
{
    struct finder f = {.lint = l, .file = file, .text = gr_sources_get(l->sources, file->file)->text};
    enum gr_err err = GR_OK;
    uint32_t hash = 0;

    if (!(file->suppressions = gr_arena_alloc(l->arena, sizeof *file->suppressions)))
        return GR_ENOMEM;
    for (size_t at = 0; err == GR_OK && (at = gr_str_find(f.text, GR_STR(WORD), at)) != SIZE_MAX; at++) {
        uint32_t end;

        if (!comment_start(&f, at, &hash))
            continue;
        if (!f.extents && (err = find_extents(&f)) != GR_OK)
            break;
        if (in_text(&f, hash))
            continue;
        end = line_end(&f, (uint32_t)at);
        err = take_comment(&f, (struct gr_span){file->file, hash, end},
                           gr_str_sub(f.text, at + sizeof WORD - 1, end));
        at = end - 1; /* a comment ends where its line does */
    }
    sort(file->suppressions);
    return err;
}

bool
lint_suppressed(struct gr_lint *l, enum gr_code code, struct gr_span where)
{
    const struct lint_suppressions *list =
        where.file > 0 && l->newest[where.file] ? l->newest[where.file]->suppressions : NULL;
    size_t low = 0, high = list ? list->count : 0;
    bool found = false;

    while (low < high) { /* to the first that is behind the place */
        size_t mid = low + (high - low) / 2;
        const struct suppression *s = &list->items[mid];

        if (s->code < code || (s->code == code && s->from <= where.start))
            low = mid + 1;
        else
            high = mid;
    }
    for (; low > 0; low--) {
        struct suppression *s = &list->items[low - 1];

        if (s->code != code || s->reach <= where.start)
            break;
        if (s->to > where.start)
            s->used = found = true;
    }
    return found;
}

void
lint_suppressions_finish(struct gr_lint *l, const struct lint_file *f)
{
    for (size_t i = 0; f->suppressions && i < f->suppressions->count; i++) {
        const struct suppression *s = &f->suppressions->items[i];

        if (!s->used && lint_wants(l, s->code))
            lint_report(l, GR0508, s->where, GR_STR("remove it"), "there is no %s (%s) to suppress here",
                        gr_code_info(s->code)->code, gr_code_info(s->code)->name);
    }
}
