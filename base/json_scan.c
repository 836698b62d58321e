/* json_scan.c - the strict JSON scanner. */
#include "config.h"
#include "json_scan.h"
#include "utf8.h"

enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_CLOSE, /* behind [ */
    EXPECT_KEY_OR_CLOSE,   /* behind { */
    EXPECT_MORE,           /* behind a value: a comma, a bracket, or the end */
    EXPECT_NOTHING         /* the scan is over */
};

void
json_scan_init(struct json_scan *s, struct gr_str text, size_t max_depth)
{
    *s = (struct json_scan){
        .text = text,
        .max_depth = max_depth < JSON_DEPTH_MAX ? max_depth : JSON_DEPTH_MAX,
        .expect = EXPECT_VALUE,
    };
}

bool
json_is_value(enum json_event event)
{
    return event != JSON_CLOSE && event != JSON_KEY && event != JSON_END && event != JSON_BAD;
}

struct gr_str
json_scan_inner(const struct json_scan *s)
{
    return gr_str_sub(s->text, s->start + 1, s->end - 1);
}

/* The byte at an offset, or -1 past the end. */
static int
byte_at(const struct json_scan *s, size_t at)
{
    return at < s->text.n ? (unsigned char)s->text.p[at] : -1;
}

/* The character at `at` is wrong. */
static enum json_event
bad(struct json_scan *s, size_t at, const char *message, const char *fix)
{
    uint32_t cp;
    size_t n = utf8_decode(gr_str_sub(s->text, at, s->text.n), &cp);

    s->fault = JSON_FAULT_SYNTAX;
    s->message = message;
    s->fix = fix;
    s->start = at;
    s->end = at < s->text.n ? at + (n ? n : 1) : at;
    s->expect = EXPECT_NOTHING;
    return JSON_BAD;
}

static bool
in_map(const struct json_scan *s)
{
    return s->depth > 0 && (s->maps[s->depth / 8] & 1u << s->depth % 8) != 0;
}

static void
skip_blanks(struct json_scan *s)
{
    int c;

    while ((c = byte_at(s, s->at)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        s->at++;
}

static enum json_event
done(struct json_scan *s, enum json_event event, size_t end, enum expect expect)
{
    s->start = s->at;
    s->end = s->at = end;
    s->expect = (unsigned char)expect;
    return event;
}

static enum json_event
open_collection(struct json_scan *s, bool map)
{
    unsigned bit;

    if (s->depth >= s->max_depth) {
        (void)bad(s, s->at, "nested too deeply", "use a flatter structure");
        s->fault = JSON_FAULT_DEPTH;
        return JSON_BAD;
    }
    s->depth++;
    bit = 1u << s->depth % 8;
    s->maps[s->depth / 8] = (unsigned char)(map ? s->maps[s->depth / 8] | bit : s->maps[s->depth / 8] & ~bit);
    return done(s, map ? JSON_OPEN_MAP : JSON_OPEN_LIST, s->at + 1,
                map ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE);
}

static enum json_event
close_collection(struct json_scan *s)
{
    s->depth--;
    return done(s, JSON_CLOSE, s->at + 1, EXPECT_MORE);
}

/* The value of the four hex digits at `at`, or -1. */
static int32_t
hex4(struct gr_str text, size_t at)
{
    int32_t v = 0;

    if (at > text.n || text.n - at < 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        char c = text.p[i];
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return v;
}

static bool
is_high(int32_t v)
{
    return v >= 0xd800 && v <= 0xdbff;
}

static bool
is_low(int32_t v)
{
    return v >= 0xdc00 && v <= 0xdfff;
}

/* A fault in a string, in the bytes [start, end). */
static size_t
bad_string(struct json_scan *s, size_t start, size_t end, enum json_fault fault, const char *message,
           const char *fix)
{
    (void)bad(s, start, message, fix);
    s->fault = fault;
    if (end <= s->text.n)
        s->end = end;
    return 0;
}

/* The length of the escape at `at` (a backslash), or 0. */
static size_t
escape_length(struct json_scan *s, size_t at)
{
    int c = byte_at(s, at + 1);
    int32_t v;
    uint32_t cp;
    size_t n;

    if (c < 0x80 && c > 0 && strchr("\"\\/bfnrt", c))
        return 2;
    if (c != 'u') {
        n = utf8_decode(gr_str_sub(s->text, at + 1, s->text.n), &cp);
        return bad_string(s, at, at + 1 + (n ? n : 1), JSON_FAULT_SYNTAX, "unknown escape",
                          "double the backslash");
    }
    v = hex4(s->text, at + 2);
    if (v < 0)
        return bad_string(s, at, at + 2, JSON_FAULT_SYNTAX, "\\u needs four hexadecimal digits", NULL);
    if (v == 0)
        return bad_string(s, at, at + 6, JSON_FAULT_TEXT, "text must not contain a NUL character",
                          "remove the escape for the NUL character");
    if (is_high(v) && byte_at(s, at + 6) == '\\' && byte_at(s, at + 7) == 'u' &&
        is_low(hex4(s->text, at + 8)))
        return 12;
    if (is_high(v) || is_low(v))
        return bad_string(s, at, at + 6, JSON_FAULT_SYNTAX, "half of a surrogate pair",
                          "write the character itself, or both halves");
    return 6;
}

/* The length of what stands at `at` inside a string, or 0 with the fault set. */
static size_t
string_unit(struct json_scan *s, size_t at)
{
    int c = byte_at(s, at);
    uint32_t cp;
    size_t n;

    if (c == '\\')
        return escape_length(s, at);
    if (c < 0)
        return bad_string(s, s->at, s->at + 1, JSON_FAULT_SYNTAX, "this string has no end",
                          "close the quote");
    if (c == '\n' || c == '\r')
        return bad_string(s, at, at + 1, JSON_FAULT_SYNTAX, "a line end inside a string",
                          "close the quote, or write \\n");
    if (c < 0x20)
        return bad_string(s, at, at + 1, JSON_FAULT_SYNTAX, "a control character inside a string",
                          "write it as an escape");
    n = utf8_decode(gr_str_sub(s->text, at, s->text.n), &cp);
    if (n == 0)
        return bad_string(s, at, at + 1, JSON_FAULT_TEXT, "this byte is not valid UTF-8 here",
                          "save it as UTF-8");
    return n;
}

/* The offset behind the string that begins at s->at, or 0 with the fault set. */
static size_t
string_end(struct json_scan *s)
{
    size_t at = s->at + 1, n;

    s->escaped = false;
    for (; byte_at(s, at) != '"'; at += n) {
        if (byte_at(s, at) == '\\')
            s->escaped = true;
        if ((n = string_unit(s, at)) == 0)
            return 0;
    }
    return at + 1;
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static size_t
skip_digits(const struct json_scan *s, size_t at)
{
    while (is_digit(byte_at(s, at)))
        at++;
    return at;
}

static enum json_event
scan_number(struct json_scan *s)
{
    size_t at = s->at + (byte_at(s, s->at) == '-' ? 1 : 0);

    if (!is_digit(byte_at(s, at)))
        return bad(s, at, "a digit is expected here", NULL);
    if (byte_at(s, at) == '0' && is_digit(byte_at(s, at + 1)))
        return bad(s, at, "a number must not begin with a needless 0", "remove the 0");
    at = skip_digits(s, at);
    if (byte_at(s, at) == '.') {
        if (!is_digit(byte_at(s, ++at)))
            return bad(s, at, "a digit is expected behind the point", NULL);
        at = skip_digits(s, at);
    }
    if (byte_at(s, at) == 'e' || byte_at(s, at) == 'E') {
        at++;
        if (byte_at(s, at) == '+' || byte_at(s, at) == '-')
            at++;
        if (!is_digit(byte_at(s, at)))
            return bad(s, at, "a digit is expected in the exponent", NULL);
        at = skip_digits(s, at);
    }
    return done(s, JSON_NUMBER, at, EXPECT_MORE);
}

/* Whether text without quotes, or with the wrong ones, may begin with it. */
static bool
is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80 || c == '\'' || c == '_';
}

static enum json_event
scan_word(struct json_scan *s)
{
    static const struct {
        struct gr_str word;
        enum json_event event;
    } words[] = {
        {GR_STR_INIT("true"), JSON_TRUE},
        {GR_STR_INIT("false"), JSON_FALSE},
        {GR_STR_INIT("null"), JSON_NULL},
    };

    for (size_t i = 0; i < GR_COUNT(words); i++)
        if (gr_str_starts(gr_str_sub(s->text, s->at, s->text.n), words[i].word))
            return done(s, words[i].event, s->at + words[i].word.n, EXPECT_MORE);
    if (s->at == 0 && gr_str_starts(s->text, GR_STR("\xef\xbb\xbf")))
        return bad(s, 0, "a byte order mark is not allowed", "save the file without it");
    return bad(s, s->at, "a value is expected here",
               is_letter(byte_at(s, s->at))
                   ? "put text into double quotes; the words are true, false and null"
                   : NULL);
}

static enum json_event
scan_value(struct json_scan *s)
{
    int c = byte_at(s, s->at);
    size_t end;

    switch (c) {
    case '{':
        return open_collection(s, true);
    case '[':
        return open_collection(s, false);
    case '"':
        end = string_end(s);
        return end ? done(s, JSON_STRING, end, EXPECT_MORE) : JSON_BAD;
    case -1:
        return bad(s, s->at, "the text ends where a value is expected", NULL);
    default:
        return c == '-' || is_digit(c) ? scan_number(s) : scan_word(s);
    }
}

static enum json_event
scan_key(struct json_scan *s)
{
    size_t end, start = s->at;

    if (byte_at(s, s->at) != '"')
        return bad(s, s->at, "a key in double quotes is expected here", NULL);
    if ((end = string_end(s)) == 0)
        return JSON_BAD;
    s->at = end;
    skip_blanks(s);
    if (byte_at(s, s->at) != ':')
        return bad(s, s->at, "a colon is expected behind the key", NULL);
    s->at++;
    s->start = start;
    s->end = end;
    s->expect = EXPECT_VALUE;
    return JSON_KEY;
}

static enum json_event
scan_more(struct json_scan *s)
{
    int c = byte_at(s, s->at);

    if (s->depth == 0)
        return c < 0 ? done(s, JSON_END, s->at, EXPECT_NOTHING)
                     : bad(s, s->at, "nothing is allowed behind the value", NULL);
    if (c == (in_map(s) ? '}' : ']'))
        return close_collection(s);
    if (c != ',')
        return bad(s, s->at, in_map(s) ? "a comma or } is expected here" : "a comma or ] is expected here",
                   NULL);
    s->at++;
    skip_blanks(s);
    if (byte_at(s, s->at) == (in_map(s) ? '}' : ']'))
        return bad(s, s->at, "nothing is between the comma and the bracket", "remove the comma");
    return in_map(s) ? scan_key(s) : scan_value(s);
}

enum json_event
json_scan_next(struct json_scan *s)
{
    skip_blanks(s);
    switch ((enum expect)s->expect) {
    case EXPECT_VALUE_OR_CLOSE:
        return byte_at(s, s->at) == ']' ? close_collection(s) : scan_value(s);
    case EXPECT_KEY_OR_CLOSE:
        return byte_at(s, s->at) == '}' ? close_collection(s) : scan_key(s);
    case EXPECT_VALUE:
        return scan_value(s);
    case EXPECT_MORE:
        return scan_more(s);
    case EXPECT_NOTHING:
        break;
    }
    return s->fault == JSON_FAULT_NONE ? JSON_END : JSON_BAD;
}

/* The character that a one-letter escape stands for. */
static char
short_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* " \ / */
    }
}

size_t
json_decode(struct gr_str inner, char *out)
{
    size_t n = 0;

    for (size_t at = 0; at < inner.n;) {
        int32_t v;

        if (inner.p[at] != '\\') {
            out[n++] = inner.p[at++];
            continue;
        }
        GR_ASSERT(at + 1 < inner.n);
        if (inner.p[at + 1] != 'u') {
            out[n++] = short_escape(inner.p[at + 1]);
            at += 2;
            continue;
        }
        v = hex4(inner, at + 2);
        at += 6;
        if (is_high(v)) {
            v = 0x10000 + ((v - 0xd800) << 10) + (hex4(inner, at + 2) - 0xdc00);
            at += 6;
        }
        GR_ASSERT(v > 0);
        n += utf8_encode((uint32_t)v, out + n);
    }
    return n;
}
