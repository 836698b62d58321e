/* quote.c - every quoting as one small function from a character to its escaped form.
 *
 * All run over the same loop (quote_each): the text is cut into units, a unit is one code point or one byte that is no
 * valid UTF-8, and runs of units that need no escape are copied whole. Which ASCII characters are asked about at all is a
 * table, since nearly all output of the compiler goes through here. */
#include "config.h"
#include "guardrail/quote.h"
#include "utf8.h"

#define ESCAPE_MAX 16 /* "\xf0\x9f\x98\x80" */
#define NO_CHAR UINT32_MAX

struct unit {
    struct gr_str bytes;
    uint32_t cp; /* NO_CHAR: one byte that is not part of a valid character */
};

/* Writes what must stand for u to out and returns its length; 0 when u stands for itself. */
typedef size_t escape_fn(const struct unit *u, char out[ESCAPE_MAX]);

/* The quotings that ask about an ASCII character. Whoever does not is sure that it stands for itself. */
#define JSON 1u
#define PROMQL 2u
#define YAML 4u
#define REGEX 8u
#define PLAIN 16u /* ends a plain scalar of YAML, or may */
#define OTHERS 32u
#define WIKI 64u
#define ALL (JSON | PROMQL | YAML | PLAIN | OTHERS | WIKI)
#define EIGHT(c)                                                                                             \
    [c] = ALL, [(c) + 1] = ALL, [(c) + 2] = ALL, [(c) + 3] = ALL, [(c) + 4] = ALL, [(c) + 5] = ALL,          \
    [(c) + 6] = ALL, [(c) + 7] = ALL
static const unsigned char asks[128] = {
    EIGHT(0x00),
    EIGHT(0x08),
    EIGHT(0x10),
    EIGHT(0x18),
    [0x7f] = ALL,
    ['"'] = JSON | PROMQL | YAML | OTHERS,
    ['\\'] = JSON | PROMQL | YAML | REGEX | OTHERS | WIKI,
    ['.'] = REGEX,
    ['+'] = REGEX | WIKI,
    ['*'] = REGEX | WIKI,
    ['?'] = REGEX | PLAIN | WIKI,
    ['('] = REGEX,
    [')'] = REGEX,
    ['|'] = REGEX | WIKI,
    ['['] = REGEX | PLAIN | WIKI,
    [']'] = REGEX | PLAIN | WIKI,
    ['{'] = REGEX | PLAIN | WIKI,
    ['}'] = REGEX | PLAIN | WIKI,
    ['^'] = REGEX | WIKI,
    ['$'] = REGEX,
    [','] = PLAIN | OTHERS,
    [':'] = PLAIN | OTHERS,
    ['#'] = PLAIN | WIKI,
    ['&'] = OTHERS,
    ['<'] = OTHERS,
    ['>'] = OTHERS,
    ['\''] = OTHERS,
    ['`'] = OTHERS,
    ['%'] = OTHERS,
    ['_'] = WIKI,
    ['~'] = WIKI,
    ['!'] = WIKI,
};

static bool
is_asked(char c, unsigned who)
{
    return (unsigned char)c >= 0x80 || (asks[(unsigned char)c] & who);
}

static struct unit
next_unit(struct gr_str s)
{
    struct unit u = {{s.p, 1}, NO_CHAR};
    size_t n = utf8_decode(s, &u.cp);

    if (n > 0)
        u.bytes.n = n;
    return u;
}

static void
quote_each(struct gr_buf *b, struct gr_str s, unsigned who, escape_fn *escape)
{
    char out[ESCAPE_MAX];
    size_t run = 0; /* where the bytes that are not copied yet begin */

    for (size_t at = 0; at < s.n;) {
        struct unit u;
        size_t n;

        if (!is_asked(s.p[at], who)) {
            at++;
            continue;
        }
        u = next_unit(gr_str_sub(s, at, s.n));
        n = escape(&u, out);
        if (n > 0) {
            gr_buf_put(b, gr_str_sub(s, run, at));
            gr_buf_put(b, (struct gr_str){out, n});
            run = at + u.bytes.n;
        }
        at += u.bytes.n;
    }
    if (run < s.n)
        gr_buf_put(b, gr_str_sub(s, run, s.n));
}

static size_t
put_text(char out[ESCAPE_MAX], const char *text)
{
    size_t n = strlen(text);

    GR_ASSERT(n <= ESCAPE_MAX);
    memcpy(out, text, n);
    return n;
}

static size_t
put_replacement(char out[ESCAPE_MAX])
{
    return put_text(out, "\xef\xbf\xbd");
}

/* prefix and cp in `digits` hex digits: \u00e9. */
static size_t
put_hex(char out[ESCAPE_MAX], const char *prefix, uint32_t cp, size_t digits)
{
    size_t n = put_text(out, prefix);

    for (size_t i = 0; i < digits; i++)
        out[n + i] = "0123456789abcdef"[cp >> (4 * (digits - 1 - i)) & 0xf];
    return n + digits;
}

/* \xNN for each byte of the unit. */
static size_t
put_bytes(char out[ESCAPE_MAX], const struct unit *u)
{
    size_t n = 0;

    for (size_t i = 0; i < u->bytes.n; i++)
        n += put_hex(out + n, "\\x", (unsigned char)u->bytes.p[i], 2);
    return n;
}

static size_t
escape_json(const struct unit *u, char out[ESCAPE_MAX])
{
    switch (u->cp) {
    case NO_CHAR:
        return put_replacement(out);
    case '"':
        return put_text(out, "\\\"");
    case '\\':
        return put_text(out, "\\\\");
    case '\b':
        return put_text(out, "\\b");
    case '\f':
        return put_text(out, "\\f");
    case '\n':
        return put_text(out, "\\n");
    case '\r':
        return put_text(out, "\\r");
    case '\t':
        return put_text(out, "\\t");
    default:
        /* DEL and the two Unicode line ends are legal as they are, but JavaScript and terminals trip over them. */
        if (u->cp < 0x20 || u->cp == 0x7f || u->cp == 0x2028 || u->cp == 0x2029)
            return put_hex(out, "\\u", u->cp, 4);
        return 0;
    }
}

void
gr_quote_json(struct gr_buf *b, struct gr_str s)
{
    gr_buf_putc(b, '"');
    quote_each(b, s, JSON, escape_json);
    gr_buf_putc(b, '"');
}

static size_t
escape_promql(const struct unit *u, char out[ESCAPE_MAX])
{
    switch (u->cp) {
    case '"':
        return put_text(out, "\\\"");
    case '\\':
        return put_text(out, "\\\\");
    case '\n':
        return put_text(out, "\\n");
    case '\t':
        return put_text(out, "\\t");
    default:
        /* NO_CHAR included: \xNN carries any byte. C1 controls are written byte by byte and read back the same; so is U+FFFD, which
         * Prometheus' lexer takes for broken UTF-8. */
        if (u->cp == NO_CHAR || u->cp < 0x20 || (u->cp >= 0x7f && u->cp < 0xa0) || u->cp == 0xfffd)
            return put_bytes(out, u);
        return 0;
    }
}

void
gr_quote_promql(struct gr_buf *b, struct gr_str s)
{
    gr_buf_putc(b, '"');
    quote_each(b, s, PROMQL, escape_promql);
    gr_buf_putc(b, '"');
}

static bool
is_one_of(uint32_t cp, const char *set)
{
    return cp > 0 && cp < 0x80 && strchr(set, (int)cp) != NULL;
}

static size_t
escape_regex(const struct unit *u, char out[ESCAPE_MAX])
{
    if (!is_one_of(u->cp, "\\.+*?()|[]{}^$"))
        return 0;
    out[0] = '\\';
    out[1] = (char)u->cp;
    return 2;
}

void
gr_quote_regex(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, REGEX, escape_regex);
}

static size_t
escape_yaml(const struct unit *u, char out[ESCAPE_MAX])
{
    switch (u->cp) {
    case NO_CHAR:
        return put_replacement(out);
    case '"':
        return put_text(out, "\\\"");
    case '\\':
        return put_text(out, "\\\\");
    case '\n':
        return put_text(out, "\\n");
    case '\r':
        return put_text(out, "\\r");
    case '\t':
        return put_text(out, "\\t");
    default:
        if (!utf8_is_hidden(u->cp))
            return 0;
        return u->cp > 0xffff ? put_hex(out, "\\U", u->cp, 8) : put_hex(out, "\\u", u->cp, 4);
    }
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
same_word(struct gr_str s, struct gr_str lower)
{
    if (s.n != lower.n)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + ('a' - 'A') : s.p[i]) != lower.p[i])
            return false;
    return true;
}

/* Words that some reader turns into a boolean, a null or a number, in any case. */
static bool
is_yaml_word(struct gr_str s)
{
    static const struct gr_str words[] = {GR_STR_INIT("y"),        GR_STR_INIT("n"),     GR_STR_INIT("yes"),
                                          GR_STR_INIT("no"),       GR_STR_INIT("on"),    GR_STR_INIT("off"),
                                          GR_STR_INIT("true"),     GR_STR_INIT("false"), GR_STR_INIT("null"),
                                          GR_STR_INIT("nil"),      GR_STR_INIT("none"),  GR_STR_INIT("inf"),
                                          GR_STR_INIT("infinity"), GR_STR_INIT("nan")};

    for (size_t i = 0; i < GR_COUNT(words); i++)
        if (same_word(s, words[i]))
            return true;
    return false;
}

/* Whether a reader may take s for a number or a time: it starts like one, and has nothing but what these are made of:
 * 12, +1.5e3, 1_000, 0x1F, 0o17, 0b01, 12:30:45 (sexagesimal), 2024-01-31T10:00:00Z. Generous: "1.2.3" is in, 15m is not. */
static bool
may_be_yaml_number(struct gr_str s)
{
    size_t i = s.p[0] == '+' ? 1 : 0;
    const char *set = "0123456789_.:+-eETtZz ";

    if (i < s.n && s.p[i] == '.')
        return true;
    if (i >= s.n || !is_digit(s.p[i]))
        return false;
    if (s.p[i] == '0' && i + 1 < s.n && is_one_of((unsigned char)s.p[i + 1], "xXoObB"))
        set = "0123456789abcdefABCDEF_.+-pPxXoObB";
    for (; i < s.n; i++)
        if (!is_one_of((unsigned char)s.p[i], set))
            return false;
    return true;
}

/* Plain scalars have to be safe as a key, as a value, and inside [ ] and { }. */
static bool
is_yaml_plain(struct gr_str s)
{
    if (s.n == 0 || s.p[0] == ' ' || s.p[s.n - 1] == ' ' || s.p[s.n - 1] == ':')
        return false;
    if (is_one_of((unsigned char)s.p[0], "-?:,[]{}#&*!|>'\"%@`~=<.") || is_yaml_word(s) ||
        may_be_yaml_number(s))
        return false;
    for (size_t at = 0; at < s.n;) {
        struct unit u;

        if (!is_asked(s.p[at], PLAIN)) {
            at++;
            continue;
        }
        u = next_unit(gr_str_sub(s, at, s.n));
        if (u.cp == NO_CHAR || utf8_is_hidden(u.cp) || is_one_of(u.cp, ",[]{}?"))
            return false;
        if ((u.cp == ':' && s.p[at + 1] == ' ') || (u.cp == '#' && s.p[at - 1] == ' '))
            return false; /* a ':' is never last, a '#' never first: see above */
        at += u.bytes.n;
    }
    return true;
}

void
gr_quote_yaml(struct gr_buf *b, struct gr_str s)
{
    if (is_yaml_plain(s)) {
        gr_buf_put(b, s);
        return;
    }
    gr_buf_putc(b, '"');
    quote_each(b, s, YAML, escape_yaml);
    gr_buf_putc(b, '"');
}

static size_t
escape_exposition(const struct unit *u, char out[ESCAPE_MAX])
{
    switch (u->cp) {
    case NO_CHAR:
    case 0: /* Prometheus' lexer takes a NUL for the end of the text */
        return put_replacement(out);
    case '"':
        return put_text(out, "\\\"");
    case '\\':
        return put_text(out, "\\\\");
    case '\n':
        return put_text(out, "\\n");
    default:
        return 0;
    }
}

void
gr_quote_exposition(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, OTHERS, escape_exposition);
}

static size_t
escape_slack(const struct unit *u, char out[ESCAPE_MAX])
{
    switch (u->cp) {
    case NO_CHAR:
        return put_replacement(out);
    case '&':
        return put_text(out, "&amp;");
    case '<':
        return put_text(out, "&lt;");
    case '>':
        return put_text(out, "&gt;");
    case '`':
        return put_text(out, "'");
    case '\n':
    case '\r':
    case '\t':
        return put_text(out, " ");
    default:
        return utf8_is_hidden(u->cp) ? put_replacement(out) : 0;
    }
}

void
gr_quote_slack(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, OTHERS, escape_slack);
}

static size_t
escape_wiki(const struct unit *u, char out[ESCAPE_MAX])
{
    if (u->cp == NO_CHAR)
        return put_replacement(out);
    if (u->cp == '\n' || u->cp == '\r' || u->cp == '\t')
        return put_text(out, " ");
    if (u->cp >= 0x80 || u->cp < 0x20 || u->cp == 0x7f)
        return utf8_is_hidden(u->cp) ? put_replacement(out) : 0;
    out[0] = '\\';
    out[1] = (char)u->cp;
    return 2;
}

void
gr_quote_wiki(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, WIKI, escape_wiki);
}

static size_t
escape_log(const struct unit *u, char out[ESCAPE_MAX])
{
    size_t digits = 4;

    if (u->cp == '\\')
        return put_text(out, "\\\\");
    if (u->cp == NO_CHAR || u->cp < 0x20 || u->cp == 0x7f)
        return put_bytes(out, u);
    if (!utf8_is_hidden(u->cp))
        return 0;
    while (digits < 6 && u->cp >> (4 * digits) != 0)
        digits++;
    digits = put_hex(out, "\\u{", u->cp, digits);
    out[digits] = '}';
    return digits + 1;
}

void
gr_quote_log(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, OTHERS, escape_log);
}

static size_t
escape_lines(const struct unit *u, char out[ESCAPE_MAX])
{
    return u->cp == '\n' || u->cp == '\\' ? 0 : escape_log(u, out);
}

void
gr_quote_lines(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, OTHERS, escape_lines);
}

static size_t
escape_html(const struct unit *u, char out[ESCAPE_MAX])
{
    switch (u->cp) {
    case NO_CHAR:
        return put_replacement(out);
    case '&':
        return put_text(out, "&amp;");
    case '<':
        return put_text(out, "&lt;");
    case '>':
        return put_text(out, "&gt;");
    case '"':
        return put_text(out, "&quot;");
    case '\'':
        return put_text(out, "&#39;");
    case '\r': /* raw, a browser would turn it into a line feed */
        return put_text(out, "&#13;");
    case '\n':
    case '\t':
        return 0;
    default:
        return utf8_is_hidden(u->cp) ? put_replacement(out) : 0;
    }
}

void
gr_quote_html(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, OTHERS, escape_html);
}

static size_t
escape_github(const struct unit *u, char out[ESCAPE_MAX])
{
    switch (u->cp) {
    case NO_CHAR:
        return put_replacement(out);
    case '%':
        return put_text(out, "%25");
    case '\r':
        return put_text(out, "%0D");
    case '\n':
        return put_text(out, "%0A");
    default:
        return utf8_is_hidden(u->cp) ? put_replacement(out) : 0;
    }
}

static size_t
escape_github_property(const struct unit *u, char out[ESCAPE_MAX])
{
    return u->cp == ':' ? put_text(out, "%3A") : u->cp == ',' ? put_text(out, "%2C") : escape_github(u, out);
}

void
gr_quote_github(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, OTHERS, escape_github);
}

void
gr_quote_github_property(struct gr_buf *b, struct gr_str s)
{
    quote_each(b, s, OTHERS, escape_github_property);
}

void
gr_quote_uri(struct gr_buf *b, struct gr_str path)
{
    if (path.n > 0 && path.p[0] == '/')
        gr_buf_puts(b, "file://");
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-._~/", c) != NULL);

        if (plain)
            gr_buf_putc(b, (char)c);
        else
            gr_buf_printf(b, "%%%02X", (unsigned)c);
    }
}

void
gr_quote_shell(struct gr_buf *b, struct gr_str s)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^";
    bool plain = s.n > 0;

    for (size_t i = 0; i < s.n && plain; i++)
        plain = s.p[i] != '\0' && strchr(safe, s.p[i]) != NULL;
    if (plain) {
        gr_buf_put(b, s);
        return;
    }
    gr_buf_putc(b, '\'');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\'')
            gr_buf_puts(b, "'\\''");
        else
            gr_buf_putc(b, s.p[i]);
    gr_buf_putc(b, '\'');
}
