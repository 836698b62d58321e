/* promql_regex.c - whether Prometheus takes a regular expression, and whether it matches the empty string.
 *
 * Prometheus compiles label matchers with Go's regexp, whose language is RE2's: no look-around, no
 * back-references. This checks that syntax (Go 1.19: https://github.com/google/re2/wiki/Syntax), without
 * building anything: one pass, an explicit stack for groups. */
#include "config.h"
#include "promql_lex.h"

#define GROUPS_MAX 250u  /* open groups; Go refuses about 1000 levels of tree */
#define REPEAT_MAX 1000u /* {n,m}, and the product of nested ones */
#define MAX_RUNE 0x10ffff

/* One open group (the whole expression is the first). The text so far is: alternatives, atoms before the last
 * one, the last atom. */
struct group {
    bool alternatives_empty; /* one of the finished alternatives matches "" */
    bool before_empty;       /* the atoms before the last one all match "" */
    bool has_atom, atom_empty;
    unsigned repeat, atom_repeat; /* the greatest product of repeat counts inside, inside the last atom */
};
struct scan {
    struct gr_str re;
    size_t pos;
    struct group groups[GROUPS_MAX];
    size_t open; /* index of the innermost group */
    const char *why;
    size_t at;
};

static bool
fail(struct scan *s, size_t at, const char *why)
{
    s->at = at;
    s->why = why;
    return false;
}

static int
look(const struct scan *s, size_t ahead)
{
    return s->pos + ahead < s->re.n ? (unsigned char)s->re.p[s->pos + ahead] : -1;
}

static bool
is_alnum(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
hex_value(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code point at pos, which is valid UTF-8. */
static int32_t
next_rune(struct scan *s)
{
    int c = look(s, 0);
    unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    int32_t rune = more ? c & (0x3f >> more) : c;

    for (s->pos++; more > 0; more--, s->pos++)
        rune = rune << 6 | (look(s, 0) & 0x3f);
    return rune;
}

static unsigned
greater(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static void
add_atom(struct scan *s, bool empty, unsigned repeat)
{
    struct group *g = &s->groups[s->open];

    if (g->has_atom) {
        g->before_empty = g->before_empty && g->atom_empty;
        g->repeat = greater(g->repeat, g->atom_repeat);
    }
    g->has_atom = true;
    g->atom_empty = empty;
    g->atom_repeat = repeat;
}

static void
end_alternative(struct group *g)
{
    g->alternatives_empty = g->alternatives_empty || (g->before_empty && (!g->has_atom || g->atom_empty));
    if (g->has_atom)
        g->repeat = greater(g->repeat, g->atom_repeat);
    g->has_atom = false;
    g->before_empty = true;
}

/* ---- escapes and classes ---- */

static bool
scan_hex(struct scan *s, size_t start, int32_t *rune)
{
    int32_t value = 0;
    size_t digits = 0;
    bool braces = look(s, 0) == '{';

    s->pos += braces;
    while (hex_value(look(s, 0)) >= 0 && (braces || digits < 2)) {
        value = value * 16 + hex_value(look(s, 0));
        if (value > MAX_RUNE)
            return fail(s, start, "the escape is no code point");
        s->pos++;
        digits++;
    }
    if (braces ? digits == 0 || look(s, 0) != '}' : digits != 2)
        return fail(s, start, "bad escape: \\xhh or \\x{hhhhhh}");
    s->pos += braces;
    *rune = value;
    return true;
}

/* An escape that stands for one character; pos is at the backslash. */
static bool
scan_escape(struct scan *s, int32_t *rune)
{
    static const char letters[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    size_t start = s->pos++;
    int c = look(s, 0);

    if (c < 0)
        return fail(s, start, "the expression ends in a backslash");
    if (c >= '1' && c <= '7' && !(look(s, 1) >= '0' && look(s, 1) <= '7'))
        return fail(s, start, "RE2 has no back-references");
    if (c >= '0' && c <= '7') {
        *rune = 0;
        for (unsigned i = 0; i < 3 && look(s, 0) >= '0' && look(s, 0) <= '7'; i++, s->pos++)
            *rune = *rune * 8 + look(s, 0) - '0';
        return true;
    }
    if (c == 'x') {
        s->pos++;
        return scan_hex(s, start, rune);
    }
    if (c != 0 && strchr(letters, c)) {
        *rune = values[strchr(letters, c) - letters];
        s->pos++;
        return true;
    }
    if (is_alnum(c))
        return fail(s, start, "RE2 has no such escape");
    *rune = next_rune(s);
    return c < 0x80 ? true : fail(s, start, "RE2 has no such escape");
}

/* Whether a name is a Unicode category or script of Go 1.19 (Unicode 13). */
static bool
is_unicode_class(struct gr_str name)
{
    static const char classes[] =
        " Any C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl "
        "Zp Zs"
        " Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali"
        " Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian "
        "Chakma"
        " Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari Dives_Akuru "
        "Dogra"
        " Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek "
        "Gujarati"
        " Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic"
        " Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kayah_Li"
        " Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu"
        " Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin"
        " Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani "
        "Myanmar"
        " Nabataean Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki "
        "Old_Hungarian"
        " Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Oriya "
        "Osage"
        " Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic "
        "Samaritan"
        " Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese"
        " Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana Thai"
        " Tibetan Tifinagh Tirhuta Ugaritic Vai Wancho Warang_Citi Yezidi Yi Zanabazar_Square ";
    struct gr_str rest = {classes, sizeof classes - 1}, piece;

    while (gr_str_next(&rest, ' ', &piece))
        if (piece.n > 0 && gr_str_eq(piece, name))
            return true;
    return false;
}

/* \pL, \p{Greek}, \P{^Greek}; pos is at the backslash. */
static bool
scan_unicode_class(struct scan *s)
{
    size_t start = s->pos, from, end;
    struct gr_str name;

    s->pos += 2;
    if (look(s, 0) < 0)
        return fail(s, start, "a class is missing behind \\p");
    from = s->pos;
    if (look(s, 0) == '{') {
        from++;
        end = gr_str_find(s->re, GR_STR("}"), from);
        if (end == SIZE_MAX)
            return fail(s, start, "\"}\" is missing");
        s->pos = end + 1;
    } else {
        next_rune(s);
        end = s->pos;
    }
    name = gr_str_sub(s->re, from, end);
    if (name.n > 0 && name.p[0] == '^')
        name = gr_str_sub(name, 1, name.n);
    if (!is_unicode_class(name))
        return fail(s, start, "RE2 knows no such class of characters");
    return true;
}

static bool
is_perl_class(int c)
{
    return c > 0 && strchr("dDsSwW", c);
}

/* [:alpha:] or [:^alpha:] at pos; *found tells whether it was one. */
static bool
scan_named_class(struct scan *s, bool *found)
{
    static const char *const names[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
                                        "lower", "print", "punct", "space", "upper", "word",  "xdigit"};
    size_t end = gr_str_find(s->re, GR_STR(":]"), s->pos + 2);
    struct gr_str name;

    *found = false;
    if (end == SIZE_MAX)
        return true;
    name = gr_str_sub(s->re, s->pos + 2, end);
    if (name.n > 0 && name.p[0] == '^')
        name = gr_str_sub(name, 1, name.n);
    for (size_t i = 0; i < GR_COUNT(names) && !*found; i++)
        *found = gr_str_is(name, names[i]);
    if (!*found)
        return fail(s, s->pos, "no such class of characters");
    s->pos = end + 2;
    return true;
}

static bool
scan_class_char(struct scan *s, size_t start, int32_t *rune)
{
    if (look(s, 0) < 0)
        return fail(s, start, "\"]\" is missing");
    if (look(s, 0) == '\\')
        return scan_escape(s, rune);
    *rune = next_rune(s);
    return true;
}

static bool
scan_class_item(struct scan *s, size_t start)
{
    size_t item = s->pos;
    int32_t low, high;
    bool found;

    if (look(s, 0) == '[' && look(s, 1) == ':' && look(s, 2) >= 0) {
        if (!scan_named_class(s, &found))
            return false;
        if (found)
            return true;
    }
    if (look(s, 0) == '\\' && (look(s, 1) == 'p' || look(s, 1) == 'P'))
        return scan_unicode_class(s);
    if (look(s, 0) == '\\' && is_perl_class(look(s, 1))) {
        s->pos += 2;
        return true;
    }
    if (!scan_class_char(s, start, &low))
        return false;
    if (look(s, 0) != '-' || look(s, 1) < 0 || look(s, 1) == ']')
        return true;
    s->pos++;
    if (!scan_class_char(s, start, &high))
        return false;
    return high >= low ? true : fail(s, item, "the range runs backwards");
}

static bool
scan_class(struct scan *s)
{
    size_t start = s->pos++;

    if (look(s, 0) == '^')
        s->pos++;
    for (bool first = true; first || look(s, 0) != ']'; first = false)
        if (!scan_class_item(s, start))
            return false;
    s->pos++;
    add_atom(s, false, 1);
    return true;
}

/* ---- groups ---- */

static bool
open_group(struct scan *s, size_t start)
{
    if (s->open + 1 >= GROUPS_MAX)
        return fail(s, start, "groups are nested too deep");
    s->groups[++s->open] = (struct group){.before_empty = true, .repeat = 1};
    return true;
}

static bool
close_group(struct scan *s)
{
    struct group *g = &s->groups[s->open];

    if (s->open == 0)
        return fail(s, s->pos, "there is no \"(\" for this \")\"");
    s->pos++;
    end_alternative(g);
    s->open--;
    add_atom(s, g->alternatives_empty, g->repeat);
    return true;
}

/* (?P<name>…; pos is at the parenthesis. */
static bool
open_named_group(struct scan *s)
{
    size_t start = s->pos, end = gr_str_find(s->re, GR_STR(">"), start);
    struct gr_str name;

    if (end == SIZE_MAX)
        return fail(s, start, "\">\" is missing behind the group's name");
    name = gr_str_sub(s->re, start + 4, end);
    for (size_t i = 0; i < name.n; i++)
        if (!is_alnum((unsigned char)name.p[i]) && name.p[i] != '_')
            return fail(s, start, "bad name of a group");
    if (name.n == 0)
        return fail(s, start, "bad name of a group");
    s->pos = end + 1;
    return open_group(s, start);
}

/* (?flags) or (?flags:…; pos is at the parenthesis. */
static bool
scan_flags(struct scan *s)
{
    size_t start = s->pos;
    bool minus = false, any = false;

    for (s->pos += 2;; s->pos++) {
        int c = look(s, 0);

        if (c > 0 && strchr("imsU", c)) {
            any = true;
        } else if (c == '-' && !minus) {
            minus = true;
            any = false;
        } else if ((c == ':' || c == ')') && (any || !minus)) {
            s->pos++;
            return c == ':' ? open_group(s, start) : true;
        } else {
            return fail(s, start, "RE2 has no such group (no look-around)");
        }
    }
}

static bool
scan_group(struct scan *s)
{
    if (look(s, 1) == '?') {
        if (look(s, 2) == 'P' && look(s, 3) == '<' && look(s, 4) >= 0)
            return open_named_group(s);
        return scan_flags(s);
    }
    return open_group(s, s->pos++);
}

/* ---- repetition ---- */

/* n of {n,m}: false if the text has no such form. Counts that are far too great come out as REPEAT_MAX + 1.
 * */
static bool
scan_count(struct scan *s, unsigned *count)
{
    int c = look(s, 0);

    if (!(c >= '0' && c <= '9') || (c == '0' && look(s, 1) >= '0' && look(s, 1) <= '9'))
        return false;
    for (*count = 0; (c = look(s, 0)) >= '0' && c <= '9'; s->pos++)
        *count = *count > REPEAT_MAX ? *count : *count * 10 + (unsigned)(c - '0');
    return true;
}

/* {n}, {n,} or {n,m} at pos; false, with pos unmoved, when the brace is a plain character. */
static bool
scan_braces(struct scan *s, unsigned *min, unsigned *max, bool *open_end)
{
    size_t start = s->pos++;

    *open_end = false;
    if (!scan_count(s, min))
        goto plain;
    *max = *min;
    if (look(s, 0) == ',') {
        s->pos++;
        if (look(s, 0) == '}')
            *open_end = true;
        else if (!scan_count(s, max))
            goto plain;
    }
    if (look(s, 0) != '}')
        goto plain;
    s->pos++;
    return true;
plain:
    s->pos = start;
    return false;
}

/* Applies a repetition, whose text started at `start`, to the last atom. again: the text before it was a
 * repetition too. */
static bool
repeat(struct scan *s, size_t start, unsigned min, unsigned factor, bool again)
{
    struct group *g = &s->groups[s->open];

    if (!g->has_atom)
        return fail(s, start, "there is nothing to repeat here");
    if (look(s, 0) == '?')
        s->pos++;
    if (again)
        return fail(s, start, "a repetition cannot be repeated; put it into (?:…)");
    if (min == 0)
        g->atom_empty = true;
    if (factor == 0)
        g->atom_repeat = 1;
    else
        g->atom_repeat *= factor;
    if (factor > 1 && g->atom_repeat > REPEAT_MAX)
        return fail(s, start, "repeated more than 1000 times");
    return true;
}

static bool
scan_counted(struct scan *s, bool again, bool *repeated)
{
    size_t start = s->pos;
    unsigned min, max;
    bool open_end;

    if (!scan_braces(s, &min, &max, &open_end)) {
        s->pos++;
        add_atom(s, false, 1);
        return true;
    }
    if (min > REPEAT_MAX || max > REPEAT_MAX || max < min)
        return fail(s, start, max < min ? "the greater count comes second" : "repeated more than 1000 times");
    *repeated = true;
    return repeat(s, start, min, open_end ? greater(min, 1) : max, again);
}

/* ---- the whole ---- */

/* \Q…\E: every character stands for itself. */
static bool
scan_literal(struct scan *s)
{
    size_t start = s->pos, end = gr_str_find(s->re, GR_STR("\\E"), start);

    if (end == SIZE_MAX) /* it would swallow the anchor that Prometheus adds */
        return fail(s, start, "\\E is missing");
    for (s->pos += 2; s->pos < end;) {
        next_rune(s);
        add_atom(s, false, 1);
    }
    s->pos = end + 2;
    return true;
}

static bool
scan_backslash(struct scan *s)
{
    int c = look(s, 1);
    int32_t rune;

    if (c == 'Q')
        return scan_literal(s);
    if (c == 'p' || c == 'P') {
        if (!scan_unicode_class(s))
            return false;
        add_atom(s, false, 1);
        return true;
    }
    if (is_perl_class(c) || (c > 0 && strchr("AzbB", c))) {
        s->pos += 2;
        add_atom(s, c == 'A' || c == 'z' || c == 'B', 1);
        return true;
    }
    if (!scan_escape(s, &rune))
        return false;
    add_atom(s, false, 1);
    return true;
}

/* One construct. *repeated: it was a repetition; on entry whether the one before was. */
static bool
scan_one(struct scan *s, bool *repeated)
{
    bool again = *repeated;
    int c = look(s, 0);

    *repeated = false;
    switch (c) {
    case '(':
        return scan_group(s);
    case ')':
        return close_group(s);
    case '|':
        s->pos++;
        end_alternative(&s->groups[s->open]);
        return true;
    case '[':
        return scan_class(s);
    case '\\':
        return scan_backslash(s);
    case '{':
        return scan_counted(s, again, repeated);
    case '*':
    case '+':
    case '?':
        s->pos++;
        *repeated = true;
        return repeat(s, s->pos - 1, c == '+', 1, again);
    case '^':
    case '$':
        s->pos++;
        add_atom(s, true, 1);
        return true;
    default:
        next_rune(s);
        add_atom(s, false, 1);
        return true;
    }
}

enum gr_err
gr_promql_regex(struct gr_str re, bool *matches_empty, size_t *at, const char **why)
{
    struct scan s = {.re = re};
    bool repeated = false;

    s.groups[0] = (struct group){.before_empty = true, .repeat = 1};
    if (!gr_str_is_utf8(re))
        fail(&s, 0, "a regular expression must be UTF-8");
    while (!s.why && s.pos < re.n)
        if (!scan_one(&s, &repeated))
            break;
    if (!s.why && s.open > 0)
        fail(&s, re.n, "\")\" is missing");
    if (s.why) {
        *at = s.at;
        *why = s.why;
        return GR_ESYNTAX;
    }
    end_alternative(&s.groups[0]);
    *matches_empty = s.groups[0].alternatives_empty;
    return GR_OK;
}

bool
promql_matches_empty(const struct gr_promql_matcher *m)
{
    bool empty = false;
    const char *why;
    size_t at;

    switch (m->op) {
    case GR_PROMQL_IS:
        return m->value.n == 0;
    case GR_PROMQL_IS_NOT:
        return m->value.n != 0;
    case GR_PROMQL_LIKE:
    case GR_PROMQL_NOT_LIKE:
        if (gr_promql_regex(m->value, &empty, &at, &why) != GR_OK)
            return false;
        return m->op == GR_PROMQL_LIKE ? empty : !empty;
    }
    return false;
}
