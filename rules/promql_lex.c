/* promql_lex.c - PromQL's words. */
#include "config.h"
#include "promql_lex.h"

#define END_OF_TEXT (-1)

static int
peek(const struct lexer *lex)
{
    return lex->pos < lex->text.n ? (unsigned char)lex->text.p[lex->pos] : END_OF_TEXT;
}

static int
peek_behind(const struct lexer *lex, uint32_t ahead)
{
    return lex->pos + ahead < lex->text.n ? (unsigned char)lex->text.p[lex->pos + ahead] : END_OF_TEXT;
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool
is_alpha(int c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_alnum(int c)
{
    return is_alpha(c) || is_digit(c);
}

static bool
is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
accept(struct lexer *lex, const char *chars)
{
    int c = peek(lex);

    if (c <= 0 || !strchr(chars, c))
        return false;
    lex->pos++;
    return true;
}

static void
skip_digits(struct lexer *lex, bool hex)
{
    while (hex ? is_hex(peek(lex)) : is_digit(peek(lex)))
        lex->pos++;
}

static struct token
word(const struct lexer *lex, uint32_t start, enum token_kind kind, unsigned value)
{
    return (struct token){kind, value, start, lex->pos};
}

static struct token
bad_as(struct lexer *lex, uint32_t start, enum gr_code code, const char *why)
{
    lex->code = code;
    lex->why = why;
    if (lex->pos == start && lex->pos < lex->text.n)
        lex->pos++;
    while (lex->pos < lex->text.n && ((unsigned char)lex->text.p[lex->pos] & 0xc0) == 0x80)
        lex->pos++; /* a whole code point */
    return word(lex, start, TOK_BAD, 0);
}

static struct token
bad(struct lexer *lex, uint32_t start, const char *why)
{
    return bad_as(lex, start, GR0401, why);
}

static void
skip_blank(struct lexer *lex, bool comments)
{
    for (;;) {
        if (is_space(peek(lex))) {
            lex->pos++;
        } else if (comments && peek(lex) == '#') {
            while (peek(lex) != END_OF_TEXT && peek(lex) != '\n' && peek(lex) != '\r')
                lex->pos++;
        } else {
            return;
        }
    }
}

/* ---- numbers and durations ---- */

/* A number's text, which need not be a valid number; false if letters follow it. */
static bool
scan_number(struct lexer *lex)
{
    bool hex = accept(lex, "0") && accept(lex, "xX");

    skip_digits(lex, hex);
    if (accept(lex, "."))
        skip_digits(lex, hex);
    if (accept(lex, "eE")) {
        accept(lex, "+-");
        skip_digits(lex, false);
    }
    return !is_alnum(peek(lex));
}

/* The rest of a duration, behind its first number. */
static bool
scan_units(struct lexer *lex)
{
    if (!accept(lex, "smhdwy"))
        return false;
    accept(lex, "s"); /* "ms"; other pairs are refused when the duration is read */
    while (is_digit(peek(lex))) {
        skip_digits(lex, false);
        if (!accept(lex, "smhdw"))
            return false;
        accept(lex, "s");
    }
    return !is_alnum(peek(lex));
}

static struct token
lex_number(struct lexer *lex, uint32_t start)
{
    if (scan_number(lex))
        return word(lex, start, TOK_NUMBER, 0);
    if (peek(lex) == '_' && is_digit(peek_behind(lex, 1))) {
        while (is_alnum(peek(lex)))
            lex->pos++;
        return bad_as(lex, start, GR0403, "underscores in numbers need Prometheus 2.52");
    }
    if (scan_units(lex))
        return word(lex, start, TOK_DURATION, 0);
    while (is_alnum(peek(lex)))
        lex->pos++;
    return bad(lex, start, "bad number or duration");
}

/* What comes first behind "[". */
static struct token
lex_range(struct lexer *lex)
{
    uint32_t start = lex->pos;
    int c = peek(lex);

    if (c == '$')
        return bad(lex, start,
                   "a duration is expected here, as 5m; variables of a dashboard are not part of PromQL");
    if (c == '(' || c == '-' || c == '+')
        return bad_as(lex, start, GR0403,
                      "a duration is expected here, as 5m (arithmetic on durations needs Prometheus 3.4)");
    if (scan_number(lex)) {
        if (start == lex->pos)
            return bad(lex, start, "a duration is expected here, as 5m");
        return bad_as(lex, start, GR0403,
                      "this range has no unit, as 5m has (seconds without one need Prometheus 2.54)");
    }
    if (scan_units(lex))
        return word(lex, start, TOK_DURATION, 0);
    while (is_alnum(peek(lex)))
        lex->pos++;
    return bad(lex, start, "bad duration: whole numbers with the units y, w, d, h, m, s, ms in this order");
}

/* ---- strings ---- */

/* One escape, the backslash is past. The rules of Go; NULL if it is good. */
static const char *
scan_escape(struct lexer *lex, int quote)
{
    int c = peek(lex);
    uint32_t value = 0, base = 16, max = 0x10ffff;
    unsigned digits;

    if (c == END_OF_TEXT)
        return "the escape is not finished";
    if (c == quote || (c != 0 && strchr("abfnrtv\\", c))) {
        lex->pos++;
        return NULL;
    }
    if (c >= '0' && c <= '7')
        digits = 3, base = 8, max = 255;
    else if (c == 'x')
        digits = 2, max = 255;
    else if (c == 'u')
        digits = 4;
    else if (c == 'U')
        digits = 8;
    else if (c > 0 && strchr("dDwWsSpPBzAQE.()[]{}+*?|^$-/", c))
        return "unknown escape; in quotes a regular expression's backslash is written twice, in backquotes "
               "once";
    else
        return "unknown escape: \\a \\b \\f \\n \\r \\t \\v \\\\ \\ooo \\xhh \\uhhhh \\Uhhhhhhhh and the "
               "quote itself exist";
    if (base == 16)
        lex->pos++;
    for (; digits > 0; digits--, lex->pos++) {
        c = peek(lex);
        if (base == 8 ? !(c >= '0' && c <= '7') : !is_hex(c))
            return "too few digits in the escape";
        value = value * base + (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (value > max || (value >= 0xd800 && value < 0xe000))
        return "the escape is no code point";
    return NULL;
}

/* Bytes of the code point at pos; 0 if it is no valid UTF-8, or U+FFFD, which Prometheus takes for an error.
 * */
static uint32_t
code_point_bytes(const struct lexer *lex)
{
    uint32_t left = (uint32_t)lex->text.n - lex->pos, n;
    const char *p = lex->text.p + lex->pos;
    unsigned char c = (unsigned char)*p;

    n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (n > left || !gr_str_is_utf8((struct gr_str){p, n}) || (n == 3 && memcmp(p, "\xef\xbf\xbd", 3) == 0))
        return 0;
    return n;
}

static struct token
lex_string(struct lexer *lex, uint32_t start)
{
    int quote = peek(lex);
    const char *why;
    uint32_t n;

    lex->pos++;
    for (;;) {
        int c = peek(lex);

        if (c == END_OF_TEXT || (c == '\n' && quote != '`'))
            return bad(lex, start, "the string is not closed");
        if (c == quote)
            break;
        if (c == '\\' && quote != '`') {
            uint32_t escape = lex->pos++;

            if ((why = scan_escape(lex, quote)) != NULL) {
                if (peek(lex) != END_OF_TEXT)
                    lex->pos++;
                return bad(lex, escape, why);
            }
            continue;
        }
        if ((n = code_point_bytes(lex)) == 0)
            return bad(lex, lex->pos, "a string must hold valid UTF-8 without U+FFFD");
        lex->pos += n;
    }
    lex->pos++;
    return word(lex, start, TOK_STRING, 0);
}

/* ---- names, operators ---- */

static struct token
lex_name(struct lexer *lex, uint32_t start)
{
    struct token t;
    struct gr_str name;

    while (is_alnum(peek(lex)) || (peek(lex) == ':' && !lex->in_braces))
        lex->pos++;
    t = word(lex, start, TOK_NAME, 0);
    if (lex->in_braces)
        return t;
    name = token_text(lex, t);
    if (!promql_keyword(name, &t) && memchr(name.p, ':', name.n))
        t.kind = TOK_METRIC_NAME;
    return t;
}

/* Inside { }: names, strings, matching operators. */
static struct token
lex_in_braces(struct lexer *lex)
{
    uint32_t start = lex->pos;
    int c = peek(lex);

    if (c == END_OF_TEXT)
        return bad(lex, start, "\"}\" is missing");
    if (is_alpha(c))
        return lex_name(lex, start);
    if (c == '"' || c == '\'' || c == '`')
        return lex_string(lex, start);
    lex->pos++;
    switch (c) {
    case ',':
        return word(lex, start, TOK_COMMA, 0);
    case '}':
        lex->in_braces = false;
        return word(lex, start, TOK_RBRACE, 0);
    case '=':
        if (accept(lex, "~"))
            return word(lex, start, TOK_LIKE, 0);
        return word(lex, start, TOK_EQUAL, 0);
    case '!':
        if (accept(lex, "~"))
            return word(lex, start, TOK_NOT_LIKE, 0);
        if (accept(lex, "="))
            return word(lex, start, TOK_OP, GR_PROMQL_NE);
        return bad(lex, start, "\"!=\" or \"!~\" is expected here");
    default:
        return bad(lex, start, NULL);
    }
}

static struct token
lex_bracket(struct lexer *lex, uint32_t start, int c)
{
    lex->pos++;
    if (c == '[') {
        if (lex->in_brackets)
            return bad(lex, start, "\"[\" cannot stand inside brackets");
        lex->in_brackets = lex->want_duration = true;
        lex->seen_colon = false;
        return word(lex, start, TOK_LBRACKET, 0);
    }
    if (!lex->in_brackets)
        return bad(lex, start, "there is no \"[\" for this \"]\"");
    lex->in_brackets = false;
    return word(lex, start, TOK_RBRACKET, 0);
}

/* = == != < <= > >= outside braces; c is past. */
static struct token
lex_comparison(struct lexer *lex, uint32_t start, int c)
{
    bool equal = accept(lex, "=");

    switch (c) {
    case '=':
        if (!equal && peek(lex) == '~')
            return bad(lex, start, "\"=~\" has a meaning between braces only");
        return equal ? word(lex, start, TOK_OP, GR_PROMQL_EQ) : word(lex, start, TOK_EQUAL, 0);
    case '!':
        return equal ? word(lex, start, TOK_OP, GR_PROMQL_NE) : bad(lex, start, "\"!=\" is expected here");
    case '<':
        return word(lex, start, TOK_OP, equal ? GR_PROMQL_LE : GR_PROMQL_LT);
    default:
        return word(lex, start, TOK_OP, equal ? GR_PROMQL_GE : GR_PROMQL_GT);
    }
}

static struct token
lex_symbol(struct lexer *lex, uint32_t start)
{
    static const struct {
        char c;
        enum token_kind kind;
        unsigned value;
    } symbols[] = {
        {',', TOK_COMMA, 0},          {'@', TOK_AT, 0},
        {'(', TOK_LPAREN, 0},         {')', TOK_RPAREN, 0},
        {'*', TOK_OP, GR_PROMQL_MUL}, {'/', TOK_OP, GR_PROMQL_DIV},
        {'%', TOK_OP, GR_PROMQL_MOD}, {'+', TOK_OP, GR_PROMQL_ADD},
        {'-', TOK_OP, GR_PROMQL_SUB}, {'^', TOK_OP, GR_PROMQL_POW},
    };
    int c = peek(lex);

    if (c == '[' || c == ']')
        return lex_bracket(lex, start, c);
    lex->pos++;
    if (c == '=' || c == '!' || c == '<' || c == '>')
        return lex_comparison(lex, start, c);
    if (c == '{') {
        lex->in_braces = true;
        return word(lex, start, TOK_LBRACE, 0);
    }
    for (size_t i = 0; i < GR_COUNT(symbols); i++)
        if (symbols[i].c == c)
            return word(lex, start, symbols[i].kind, symbols[i].value);
    return bad(lex, start, NULL);
}

/* $name */
static struct token
lex_hole(struct lexer *lex)
{
    uint32_t start = lex->pos++;

    if (!is_alpha(peek(lex)))
        return bad(lex, start, "a name is expected behind \"$\"");
    while (is_alnum(peek(lex)))
        lex->pos++;
    return word(lex, start, TOK_HOLE, 0);
}

struct token
lexer_next(struct lexer *lex)
{
    uint32_t start;
    int c;

    if (lex->want_duration) {
        lex->want_duration = false;
        skip_blank(lex, false);
        return lex->holes && peek(lex) == '$' ? lex_hole(lex) : lex_range(lex);
    }
    skip_blank(lex, true);
    if (lex->holes && peek(lex) == '$')
        return lex_hole(lex);
    if (lex->in_braces)
        return lex_in_braces(lex);
    start = lex->pos;
    c = peek(lex);
    if (c == END_OF_TEXT)
        return word(lex, start, TOK_EOF, 0);
    if (is_digit(c) || (c == '.' && is_digit(peek_behind(lex, 1))))
        return lex_number(lex, start);
    if (c == '"' || c == '\'' || c == '`')
        return lex_string(lex, start);
    if (is_alpha(c) || c == ':') {
        if (!lex->in_brackets)
            return lex_name(lex, start);
        lex->pos++;
        if (lex->seen_colon)
            return bad(lex, start, "a second \":\" in brackets");
        lex->seen_colon = true;
        return word(lex, start, TOK_COLON, 0);
    }
    return lex_symbol(lex, start);
}

struct gr_str
token_text(const struct lexer *lex, struct token t)
{
    return gr_str_sub(lex->text, t.start, t.end);
}

const char *
token_kind_name(enum token_kind kind)
{
    static const char *const names[] = {
        [TOK_EOF] = "end of the expression", [TOK_BAD] = "text",      [TOK_NUMBER] = "number",
        [TOK_DURATION] = "duration",         [TOK_STRING] = "string", [TOK_NAME] = "name",
        [TOK_METRIC_NAME] = "metric name",   [TOK_OP] = "operator",   [TOK_AGG] = "aggregation",
        [TOK_HOLE] = "placeholder",
    };

    return (size_t)kind < GR_COUNT(names) && names[kind] ? names[kind] : NULL;
}

bool
promql_is_label(struct gr_str s)
{
    if (s.n == 0 || is_digit((unsigned char)s.p[0]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum((unsigned char)s.p[i]))
            return false;
    return true;
}
