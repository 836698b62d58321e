/* lower_prove.c - every expression that leaves the compiler is one that our own front end accepts.
 *
 * Large specifications repeat a few hundred forms tens of thousands of times, with other names and numbers. So each form is parsed once:
 * two expressions have the same form if they differ only where no difference can matter to the parser or the type checker:
 *
 *   - in the letters of a label's value, "…", behind = or !=, that needs no escape and is not empty,
 *   - in those of a regular expression that is nothing but names, "a|b" (any other is part of the form),
 *   - in the digits of a decimal number without exponent or leading zero, outside brackets (a duration is part of the form),
 *   - in the name of a metric: one that stands directly before { or [ and has a colon or an underscore and is no word of PromQL.
 *
 * Everything else, every operator, bracket, label, function and blank, is part of the form. The form, with "v", 1 and m in their places, is an
 * expression itself, and that is what is parsed. */
#include "config.h"
#include "lower.h"

#include <strings.h>
#include "guardrail/strset.h"

#define DIGITS_MAX 15u /* of a number that is surely none too large */
#define TREES_BYTES_MAX ((size_t)256 << 20)

/* What may begin at a character; 0: nothing, it is taken as it is. */
enum { LETTER = 1, MARK = 2, DIGIT = 4, QUOTE = 8, BRACKET = 16, HYPHEN = 32 };
#define L(c) [(c)] = LETTER, [(c) - 'a' + 'A'] = LETTER
static const unsigned char kinds[256] = {
    L('a'),
    L('b'),
    L('c'),
    L('d'),
    L('e'),
    L('f'),
    L('g'),
    L('h'),
    L('i'),
    L('j'),
    L('k'),
    L('l'),
    L('m'),
    L('n'),
    L('o'),
    L('p'),
    L('q'),
    L('r'),
    L('s'),
    L('t'),
    L('u'),
    L('v'),
    L('w'),
    L('x'),
    L('y'),
    L('z'),
    ['_'] = LETTER | MARK,
    [':'] = LETTER | MARK,
    ['0'] = DIGIT,
    ['1'] = DIGIT,
    ['2'] = DIGIT,
    ['3'] = DIGIT,
    ['4'] = DIGIT,
    ['5'] = DIGIT,
    ['6'] = DIGIT,
    ['7'] = DIGIT,
    ['8'] = DIGIT,
    ['9'] = DIGIT,
    ['"'] = QUOTE,
    ['\''] = QUOTE,
    ['`'] = QUOTE,
    ['['] = BRACKET,
    [']'] = BRACKET,
    ['-'] = HYPHEN,
};

static unsigned
kind_at(struct gr_str text, size_t at)
{
    return at < text.n ? kinds[(unsigned char)text.p[at]] : 0;
}

static bool
is_letter(struct gr_str text, size_t at)
{
    return (kind_at(text, at) & LETTER) != 0;
}

static bool
is_digit(struct gr_str text, size_t at)
{
    return (kind_at(text, at) & DIGIT) != 0;
}

/* Words that have an underscore, in any case of letters: no other can be taken for a metric that has one. */
static bool
is_word(struct gr_str s)
{
    static const char *const words[] = {"group_left", "group_right", "count_values", "limit_ratio"};

    for (size_t i = 0; i < GR_COUNT(words); i++)
        if (s.n == strlen(words[i]) && strncasecmp(s.p, words[i], s.n) == 0)
            return true;
    return false;
}

/* A name. A metric becomes "m". */
static size_t
put_name(struct gr_buf *b, struct gr_str text, size_t at)
{
    unsigned kind = 0, seen = 0;
    size_t end = at;
    struct gr_str name;

    for (; (kind = kind_at(text, end)) & (LETTER | DIGIT); end++)
        seen |= kind;
    name = (struct gr_str){text.p + at, end - at};
    if ((seen & MARK) && end < text.n && (text.p[end] == '{' || text.p[end] == '[') && !is_word(name))
        name = GR_STR("m");
    gr_buf_put(b, name);
    return end;
}

/* 12, 0.5; anything else that begins with a digit (05, 0x5, 5m, 1e3) stays as it is. */
static size_t
put_number(struct gr_buf *b, struct gr_str text, size_t at)
{
    size_t end = at, whole;
    bool plain;

    while (is_digit(text, end))
        end++;
    whole = end - at;
    if (end < text.n && text.p[end] == '.' && is_digit(text, end + 1))
        for (end++; is_digit(text, end); end++)
            continue;
    plain = end - at <= DIGITS_MAX && (whole == 1 || text.p[at] != '0') && !is_letter(text, end) &&
            (end == text.n || text.p[end] != '.');
    while (!plain && end < text.n && (is_letter(text, end) || is_digit(text, end) || text.p[end] == '.'))
        end++;
    gr_buf_put(b, plain ? GR_STR("1") : gr_str_sub(text, at, end));
    return end;
}

/* The quoted text that begins at `at`: "v" if it may be any. */
static size_t
put_quoted(struct gr_buf *b, struct gr_str text, size_t at)
{
    char before = at > 0 ? text.p[at - 1] : '\0', quote = text.p[at];
    bool value = before == '=', regex = before == '~'; /* as long as nothing speaks against it */
    size_t end = at + 1;

    for (; end < text.n && text.p[end] != quote; end++) {
        unsigned char c = (unsigned char)text.p[end];

        if (kinds[c] & (LETTER | DIGIT | HYPHEN))
            continue;
        regex = regex && c == '|' && end > at + 1 && text.p[end - 1] != '|';
        value = value && c >= ' ' && c < 0x7f && c != '\\';
        if (c == '\\' && quote != '`')
            end++;
    }
    value = value && end > at + 1; /* an empty one matches series without the label */
    regex = regex && end > at + 1 && text.p[end - 1] != '|';
    end = end < text.n ? end + 1 : text.n;
    gr_buf_put(b, value || regex ? GR_STR("\"v\"") : gr_str_sub(text, at, end));
    return end;
}

/* Writes the form of an expression to b. */
void
lower_form(struct gr_buf *b, struct gr_str text)
{
    size_t brackets = 0, run = 0;

    for (size_t at = 0; at < text.n;) {
        unsigned kind = kind_at(text, at);

        if (kind & BRACKET) {
            brackets += text.p[at] == '[' ? 1 : 0;
            brackets -= text.p[at] == ']' && brackets > 0 ? 1 : 0;
        }
        if (!(kind & (LETTER | QUOTE)) &&
            !((kind & DIGIT) && brackets == 0 && (at == 0 || text.p[at - 1] != '.'))) {
            at++;
            continue;
        }
        gr_buf_put(b, (struct gr_str){text.p + run, at - run});
        at = kind & QUOTE    ? put_quoted(b, text, at)
             : kind & LETTER ? put_name(b, text, at)
                             : put_number(b, text, at);
        run = at;
    }
    gr_buf_put(b, gr_str_sub(text, run, text.n));
}

/* Our front end refuses what it must not: a bug of ours. Only its limits may be reached by what a specification asks for, as by a branch for
 * each of 5,000 different windows. */
static enum gr_err
parse(struct gr_str form, struct gr_arena *trees, struct gr_diags *diags)
{
    struct gr_promql *e = NULL;
    struct gr_diag_view why;
    enum gr_err err;

    err = gr_promql_parse(trees, form, GR_SPAN_NONE, diags, &e);
    if (err == GR_EUSER && gr_diags_get(diags, 0, &why) && why.code == GR0002)
        return GR_ELIMIT;
    GR_ASSERT(err != GR_EUSER);
    return err;
}

enum gr_err
lower_prove(const struct gr_rulefile *file)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    struct gr_arena *arena = gr_arena_create(TREES_BYTES_MAX);
    struct gr_strset forms = GR_STRSET_INIT(arena);
    struct gr_buf form = GR_BUF_INIT(LOWER_EXPR_BYTES_MAX);
    enum gr_err err = diags && arena ? GR_OK : GR_ENOMEM;

    for (size_t g = 0; err == GR_OK && g < file->count; g++)
        for (size_t r = 0; err == GR_OK && r < file->groups[g]->count; r++) {
            struct gr_str expr = file->groups[g]->rules[r]->expr;
            const struct gr_strset_entry *e;

            gr_buf_reset(&form);
            lower_form(&form, expr);
            if (expr.n > GR_PROMQL_BYTES_MAX)
                err = GR_ELIMIT;
            else if ((err = gr_buf_err(&form)) == GR_OK && !(e = gr_strset_add(&forms, gr_buf_str(&form))))
                err = GR_ENOMEM;
            if (err == GR_OK && e->uses == 1)
                err = parse(e->text, arena, diags);
        }
    gr_buf_fini(&form);
    gr_arena_free(arena);
    gr_diags_free(diags);
    gr_sources_free(sources);
    return err;
}
