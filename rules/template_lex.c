/* template_lex.c - the words of Go's text/template, and its literals.
 *
 * Follows text/template/parse/lex.go of Go 1.19 in what is taken; text between actions is never looked at,
 * so trim markers matter only for where an action ends. */
#include "config.h"
#include "template.h"

#include "guardrail/number.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters beyond ASCII count; whether a character there is a letter is not looked up. */
static bool
is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static char
char_at(const struct template_lexer *lex, size_t at)
{
    return at < lex->text.n ? lex->text.p[at] : '\0';
}

static bool
starts(const struct template_lexer *lex, size_t at, const char *what)
{
    return gr_str_starts(gr_str_sub(lex->text, at, lex->text.n), gr_str(what));
}

/* The length of what closes an action at `at`: }} or, with a blank of any kind first, -}}. 0: nothing does.
 * */
static size_t
right_delimiter(const struct template_lexer *lex, size_t at)
{
    if (starts(lex, at, "}}"))
        return 2;
    return is_space(char_at(lex, at)) && starts(lex, at + 1, "-}}") ? 4 : 0;
}

static struct template_token
token(struct template_lexer *lex, enum template_token_kind kind, size_t start, size_t end)
{
    lex->pos = end;
    return (struct template_token){kind, start, end};
}

static struct template_token
bad(struct template_lexer *lex, size_t start, size_t end, const char *why)
{
    lex->why = why;
    return token(lex, TT_ERROR, start, end > lex->text.n ? lex->text.n : end);
}

/* Behind the mark of a comment, which must end right before }}. Moves behind it; false: *error. */
static bool
skip_comment(struct template_lexer *lex, size_t open, size_t at, struct template_token *error)
{
    size_t end = gr_str_find(lex->text, GR_STR("*/"), at + 2), delimiter;

    if (end == SIZE_MAX) {
        *error = bad(lex, open, open + 2, "the comment is not closed");
        return false;
    }
    delimiter = right_delimiter(lex, end + 2);
    if (delimiter == 0) {
        *error = bad(lex, end, end + 2, "the comment must end right before }}");
        return false;
    }
    lex->pos = end + 2 + delimiter;
    return true;
}

/* Outside of actions: the next {{, comments left out. */
static struct template_token
next_text(struct template_lexer *lex)
{
    struct template_token error;

    for (;;) {
        size_t open = gr_str_find(lex->text, GR_STR("{{"), lex->pos), at;

        if (open == SIZE_MAX) {
            at = lex->text.n;
            return lex->pos == at ? token(lex, TT_EOF, at, at) : token(lex, TT_TEXT, lex->pos, at);
        }
        at = open + 2;
        if (char_at(lex, at) == '-' && is_space(char_at(lex, at + 1)))
            at += 2;
        if (!starts(lex, at, "/*")) {
            lex->inside = true;
            lex->parens = 0;
            return token(lex, TT_LEFT, open, at);
        }
        if (!skip_comment(lex, open, at, &error))
            return error;
    }
}

/* Whether a word may end here. */
static bool
at_end_of_word(const struct template_lexer *lex, size_t at)
{
    char c = char_at(lex, at);

    return at >= lex->text.n || is_space(c) || (c && strchr(".,|:)(}", c) != NULL);
}

static const struct {
    const char *name;
    enum template_token_kind kind;
} keywords[] = {
    {"block", TT_BLOCK}, {"break", TT_BREAK}, {"continue", TT_CONTINUE}, {"define", TT_DEFINE},
    {"else", TT_ELSE},   {"end", TT_END},     {"false", TT_BOOL},        {"if", TT_IF},
    {"nil", TT_NIL},     {"range", TT_RANGE}, {"template", TT_TEMPLATE}, {"true", TT_BOOL},
    {"with", TT_WITH},
};

/* A name, .field or $variable; `at` is behind its first character. */
static struct template_token
next_word(struct template_lexer *lex, enum template_token_kind kind, size_t start, size_t at)
{
    struct gr_str word;

    while (at < lex->text.n && is_word(lex->text.p[at]))
        at++;
    if (!at_end_of_word(lex, at))
        return bad(lex, at, at + 1, "a name cannot go on like this");
    word = gr_str_sub(lex->text, start, at);
    if (kind == TT_FIELD && word.n == 1)
        kind = TT_DOT;
    for (size_t i = 0; kind == TT_NAME && i < GR_COUNT(keywords); i++)
        if (gr_str_is(word, keywords[i].name))
            return token(lex, keywords[i].kind, start, at);
    return token(lex, kind, start, at);
}

/* "…" or '…' on one line, or `…`. */
static struct template_token
next_quoted(struct template_lexer *lex, size_t start)
{
    char quote = lex->text.p[start];
    enum template_token_kind kind = quote == '"' ? TT_STRING : quote == '`' ? TT_RAW_STRING : TT_RUNE;

    for (size_t at = start + 1; at < lex->text.n; at++) {
        char c = lex->text.p[at];

        if (c == quote)
            return token(lex, kind, start, at + 1);
        if (quote == '`')
            continue;
        if (c == '\\')
            c = char_at(lex, ++at);
        if (c == '\n')
            break;
    }
    return bad(lex, start, start + 1, "the quote is not closed");
}

static size_t
skip_set(const struct template_lexer *lex, size_t at, const char *set)
{
    while (at < lex->text.n && lex->text.p[at] && strchr(set, lex->text.p[at]))
        at++;
    return at;
}

/* Behind a number as Go's lexer scans it (its value is judged later), or 0 where it goes on with a letter. */
static size_t
scan_number(const struct template_lexer *lex, size_t at)
{
    const char *digits = "0123456789_";
    char c;

    if (char_at(lex, at) == '+' || char_at(lex, at) == '-')
        at++;
    if (char_at(lex, at) == '0') {
        c = (char)(char_at(lex, ++at) | 0x20);
        if (c == 'x')
            digits = "0123456789abcdefABCDEF_";
        if (c == 'o')
            digits = "01234567_";
        if (c == 'b')
            digits = "01_";
        at += c == 'x' || c == 'o' || c == 'b';
    }
    at = skip_set(lex, at, digits);
    if (char_at(lex, at) == '.')
        at = skip_set(lex, at + 1, digits);
    c = (char)(char_at(lex, at) | 0x20);
    if ((strlen(digits) == 11 && c == 'e') || (strlen(digits) == 23 && c == 'p')) {
        at++;
        at += char_at(lex, at) == '+' || char_at(lex, at) == '-';
        at = skip_set(lex, at, "0123456789_");
    }
    at += char_at(lex, at) == 'i';
    return at < lex->text.n && is_word(lex->text.p[at]) ? 0 : at;
}

static struct template_token
next_number(struct template_lexer *lex, size_t start)
{
    size_t at = scan_number(lex, start), second;

    if (at == 0)
        return bad(lex, start, start + 1, "bad number");
    if (char_at(lex, at) != '+' && char_at(lex, at) != '-')
        return token(lex, TT_NUMBER, start, at);
    second = scan_number(lex, at); /* 1+2i */
    if (second == 0 || lex->text.p[second - 1] != 'i')
        return bad(lex, start, at, "bad number");
    return token(lex, TT_COMPLEX, start, second);
}

static struct template_token
next_sign(struct template_lexer *lex, size_t at)
{
    char c = lex->text.p[at];

    switch (c) {
    case '=':
        return token(lex, TT_ASSIGN, at, at + 1);
    case '|':
        return token(lex, TT_PIPE, at, at + 1);
    case ':':
        return char_at(lex, at + 1) == '=' ? token(lex, TT_DECLARE, at, at + 2)
                                           : bad(lex, at, at + 1, "expected :=");
    case '(':
        lex->parens++;
        return token(lex, TT_OPEN, at, at + 1);
    case ')':
        if (lex->parens == 0)
            return bad(lex, at, at + 1, "nothing is open that ) could close");
        lex->parens--;
        return token(lex, TT_CLOSE, at, at + 1);
    default:
        return c >= ' ' && c <= '~' ? token(lex, TT_CHAR, at, at + 1)
                                    : bad(lex, at, at + 1, "a character that has no meaning here");
    }
}

struct template_token
template_next(struct template_lexer *lex)
{
    size_t at = lex->pos, n;
    char c;

    if (!lex->inside)
        return next_text(lex);
    if ((n = right_delimiter(lex, at)) > 0) {
        if (lex->parens > 0)
            return bad(lex, at, at + n, "a parenthesis is not closed");
        lex->inside = false;
        return token(lex, TT_RIGHT, at, at + n);
    }
    if (at >= lex->text.n)
        return bad(lex, at, at, "the action is not closed: }} is missing");
    c = lex->text.p[at];
    if (is_space(c)) { /* up to the blank that may belong to -}} */
        for (n = at; is_space(char_at(lex, n)); n++)
            if (n > at && right_delimiter(lex, n) > 0)
                break;
        return token(lex, TT_SPACE, at, n);
    }
    if (c == '"' || c == '`' || c == '\'')
        return next_quoted(lex, at);
    if (c == '$')
        return next_word(lex, TT_VARIABLE, at, at + 1);
    if (c == '.' && !is_digit(char_at(lex, at + 1)))
        return next_word(lex, TT_FIELD, at, at + 1);
    if (c == '.' || c == '+' || c == '-' || is_digit(c))
        return next_number(lex, at);
    if (is_word(c))
        return next_word(lex, TT_NAME, at, at);
    return next_sign(lex, at);
}

/* ---- literals ---- */

static bool
is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static uint32_t
hex_value(char c)
{
    return (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* The bytes of one character or escape at s.p[at]; 0: Go does not take it. */
static size_t
unquote_char(struct gr_str s, size_t at, char quote)
{
    size_t digits;
    uint32_t value = 0;
    char c = s.p[at];

    if (c != '\\') {
        size_t n = 1;
        while (at + n < s.n && ((unsigned char)s.p[at + n] & 0xc0) == 0x80)
            n++;
        return n;
    }
    c = at + 1 < s.n ? s.p[at + 1] : '\0';
    if (c >= '0' && c <= '7') {
        for (size_t i = 1; i < 4; i++) {
            if (at + i >= s.n || s.p[at + i] < '0' || s.p[at + i] > '7')
                return 0;
            value = value * 8 + (uint32_t)(s.p[at + i] - '0');
        }
        return value <= 255 ? 4 : 0;
    }
    digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0)
        return c && (strchr("abfnrtv\\", c) || c == quote) ? 2 : 0;
    for (size_t i = 0; i < digits; i++) {
        if (at + 2 + i >= s.n || !is_hex(s.p[at + 2 + i]))
            return 0;
        value = value << 4 | hex_value(s.p[at + 2 + i]);
    }
    if (digits > 2 && (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)))
        return 0;
    return 2 + digits;
}

bool
template_string_ok(struct gr_str literal)
{
    if (literal.p[0] == '`')
        return true;
    for (size_t at = 1, n; at + 1 < literal.n; at += n)
        if ((n = unquote_char(gr_str_sub(literal, 0, literal.n - 1), at, '"')) == 0)
            return false;
    return true;
}

bool
template_rune_ok(struct gr_str literal)
{
    size_t n = literal.n > 2 ? unquote_char(gr_str_sub(literal, 0, literal.n - 1), 1, '\'') : 0;

    return n > 0 && n + 2 == literal.n;
}

/* A number's text, rewritten; one that is longer is refused. */
struct digits {
    char p[256];
    size_t n;
    bool too_long;
};

static void
put(struct digits *d, char c)
{
    if (d->n < sizeof d->p)
        d->p[d->n++] = c;
    else
        d->too_long = true;
}

static void
put_all(struct digits *d, struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++)
        put(d, s.p[i]);
}

/* Underscores stand between digits, or behind a prefix. Copies the others. */
static bool
without_underscores(struct gr_str s, bool prefix, struct digits *out)
{
    bool digit_before = prefix;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '_') {
            digit_before = is_hex(s.p[i]);
            put(out, s.p[i]);
        } else if (!digit_before || i + 1 == s.n || !is_hex(s.p[i + 1])) {
            return false;
        } else {
            digit_before = false;
        }
    }
    return true;
}

/* Digits of this base below 2^64. */
static bool
whole_ok(struct gr_str digits, unsigned base, bool negative)
{
    uint64_t value = 0, most = negative ? (uint64_t)1 << 63 : UINT64_MAX;

    for (size_t i = 0; i < digits.n; i++) {
        unsigned d = is_hex(digits.p[i]) ? (unsigned)hex_value(digits.p[i]) : 99;

        if (d >= base || value > (most - d) / base)
            return false;
        value = value * base + d;
    }
    return digits.n > 0;
}

/* A decimal with a point or an exponent, in range. */
static bool
decimal_ok(struct gr_str s)
{
    struct digits d = {.n = 0};
    size_t e = 0, point;
    double value;

    while (e < s.n && (s.p[e] | 0x20) != 'e')
        e++;
    point = gr_str_find(s, GR_STR("."), 0);
    if (s.n == 0 || (point == SIZE_MAX && e == s.n) || (point == 0 && e == 1))
        return false;
    if (point == 0) /* .5 */
        put(&d, '0');
    put_all(&d, gr_str_sub(s, 0, e));
    if (point != SIZE_MAX && point + 1 == e) /* 5. */
        put(&d, '0');
    put_all(&d, gr_str_sub(s, e, s.n));
    return !d.too_long && gr_parse_double((struct gr_str){d.p, d.n}, &value) == GR_OK;
}

/* Digits with an optional point, then p and an exponent. */
static bool
hex_float_ok(struct gr_str s)
{
    size_t i = 0, digits = 0, points = 0, exponent;

    for (; i < s.n && (is_hex(s.p[i]) || s.p[i] == '.'); i++) {
        points += s.p[i] == '.';
        digits += s.p[i] != '.';
    }
    if (digits == 0 || points > 1 || i >= s.n || (s.p[i] | 0x20) != 'p')
        return false;
    i++;
    i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
    for (exponent = i; i < s.n && is_digit(s.p[i]);)
        i++;
    return i == s.n && i > exponent && i - exponent <= 3;
}

bool
template_number_ok(struct gr_str s)
{
    struct digits d = {.n = 0};
    bool negative = s.n > 0 && s.p[0] == '-', imaginary = s.n > 0 && s.p[s.n - 1] == 'i';
    unsigned base = 10;
    struct gr_str digits;

    s = gr_str_sub(s, negative || (s.n > 0 && s.p[0] == '+') ? 1 : 0, imaginary ? s.n - 1 : s.n);
    if (s.n > 1 && s.p[0] == '0') {
        char c = (char)(s.p[1] | 0x20);
        base = c == 'x' ? 16 : c == 'b' ? 2 : c == 'o' ? 8 : 10;
    }
    if (!without_underscores(gr_str_sub(s, base == 10 ? 0 : 2, s.n), base != 10 || (s.n > 0 && s.p[0] == '0'),
                             &d) ||
        d.too_long)
        return false;
    digits = (struct gr_str){d.p, d.n};
    if (base == 16 ? hex_float_ok(digits) : base == 10 && decimal_ok(digits))
        return true;
    if (base == 10 && digits.n > 1 && digits.p[0] == '0' && !imaginary)
        base = 8;
    return whole_ok(digits, base, negative);
}
