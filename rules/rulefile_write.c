/* rulefile_write.c - a rule file as YAML.
 *
 * Written by hand rather than through libyaml's emitter, which can write no comments. The form is fixed:
 * block mappings and lists, two blanks a level; a scalar is plain or in double quotes on one line
 * (gr_quote_yaml), or, when it has several lines or would need escapes and a literal block keeps it as it is,
 * such a block:
 *
 *     - name: demo
 *       interval: 2m
 *       rules:
 *         - record: guardrail:slot:sum
 *           expr: |-
 *             sum by (cluster) (…)
 *             or vector(0)
 *           labels:
 *             guardrail: err
 *
 * With anchors, an annotation that occurs again: `description: &a7 |-` and its lines the first time, then `description: *a7`. Only
 * scalars are cited, since YAML readers bound what aliases may unfold to. */
#include "config.h"
#include "guardrail/rulefile.h"

#include "guardrail/duration.h"
#include "guardrail/quote.h"

static void
indent(struct gr_buf *b, unsigned levels)
{
    static const char blanks[] = "                ";

    GR_ASSERT(2 * levels < sizeof blanks);
    gr_buf_put(b, (struct gr_str){blanks, (size_t)2 * levels});
}

/* Bytes of UTF-8 that YAML readers take as line ends or that hide in an editor: C1 controls, LS and PS,
 * bidirectional marks and overrides, the byte order mark. */
static bool
hides(const unsigned char *p, size_t left)
{
    if (left >= 2 && p[0] == 0xc2 && p[1] < 0xa0)
        return true;
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] < 0x90 || p[2] >= 0xa8))
        return p[2] != 0xaf; /* a narrow space is no harm */
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0)
        return true;
    return left >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What a character means for a block; all others (KIND_PLAIN) are kept as they are. A table, since all output comes through here. */
enum kind { KIND_PLAIN, KIND_BAD, KIND_LINE_END, KIND_ESCAPED, KIND_HIGH };
#define FOUR(c, k) [(c)] = (k), [(c) + 1] = (k), [(c) + 2] = (k), [(c) + 3] = (k)
#define SIXTEEN(c, k) FOUR(c, k), FOUR((c) + 4, k), FOUR((c) + 8, k), FOUR((c) + 12, k)
static const unsigned char kinds[256] = {
    FOUR(0, KIND_BAD),        FOUR(4, KIND_BAD),        [8] = KIND_BAD,           ['\t'] = KIND_BAD,
    ['\n'] = KIND_LINE_END,   [11] = KIND_BAD,          FOUR(12, KIND_BAD),       SIXTEEN(16, KIND_BAD),
    ['"'] = KIND_ESCAPED,     ['\\'] = KIND_ESCAPED,    [127] = KIND_BAD,         SIXTEEN(0x80, KIND_HIGH),
    SIXTEEN(0x90, KIND_HIGH), SIXTEEN(0xa0, KIND_HIGH), SIXTEEN(0xb0, KIND_HIGH), SIXTEEN(0xc0, KIND_HIGH),
    SIXTEEN(0xd0, KIND_HIGH), SIXTEEN(0xe0, KIND_HIGH), SIXTEEN(0xf0, KIND_HIGH),
};

/* Whether a literal block with |- is to be used and gives back exactly this text: several lines, or one that
 * would need escapes in quotes; no first line that starts with a blank (an indicator of another indentation),
 * no line end at the end, no blank at the end of a line (kept by a block, but lost by the next editor), nothing that hides. */
static bool
fits_block(struct gr_str s)
{
    bool wants = false, ascii = true;

    if (s.n == 0 || s.p[0] == ' ' || s.p[0] == '\n' || s.p[s.n - 1] == '\n' || is_blank(s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        enum kind kind = (enum kind)kinds[(unsigned char)s.p[i]];

        if (kind == KIND_PLAIN)
            continue;
        switch (kind) {
        case KIND_PLAIN:
            break;
        case KIND_BAD:
            return false;
        case KIND_LINE_END:
            if (is_blank(s.p[i - 1])) /* the first character is none */
                return false;
            wants = true;
            break;
        case KIND_ESCAPED:
            wants = true;
            break;
        case KIND_HIGH:
            if (hides((const unsigned char *)s.p + i, s.n - i))
                return false;
            ascii = false;
            break;
        }
    }
    return wants && (ascii || gr_str_is_utf8(s));
}

/* Names the text, where it will be cited; true: it has been written, and the alias stands for it. */
static bool
put_anchor(struct gr_buf *b, struct gr_strset_entry *text, uint32_t *anchors)
{
    if (!text || text->uses < 2 || text->text.n < GR_RULEFILE_SHARED_MIN)
        return false;
    if (text->mark > 0) {
        gr_buf_puts(b, " *a");
        gr_buf_put_u64(b, text->mark);
        return true;
    }
    text->mark = ++*anchors;
    gr_buf_puts(b, " &a");
    gr_buf_put_u64(b, text->mark);
    return false;
}

/* The value of a mapping at this level, behind the colon. */
static void
put_value(struct gr_buf *b, unsigned level, struct gr_str value)
{
    struct gr_str rest = value, line;

    if (!fits_block(value)) {
        gr_buf_putc(b, ' ');
        gr_quote_yaml(b, value);
        gr_buf_putc(b, '\n');
        return;
    }
    gr_buf_puts(b, " |-\n");
    while (gr_str_next(&rest, '\n', &line)) {
        if (line.n > 0)
            indent(b, level + 1);
        gr_buf_put(b, line);
        gr_buf_putc(b, '\n');
    }
}

/* key: value, of a mapping at this level. */
static void
put_entry(struct gr_buf *b, unsigned level, const char *key, struct gr_str value)
{
    indent(b, level);
    gr_buf_puts(b, key);
    gr_buf_putc(b, ':');
    put_value(b, level, value);
}

/* - key: value, which starts a list's item whose mapping is at this level. */
static void
put_item(struct gr_buf *b, unsigned level, const char *key, struct gr_str value)
{
    indent(b, level - 1);
    gr_buf_puts(b, "- ");
    gr_buf_puts(b, key);
    gr_buf_putc(b, ':');
    put_value(b, level, value);
}

static void
put_duration(struct gr_buf *b, unsigned level, const char *key, int64_t ms)
{
    indent(b, level);
    gr_buf_puts(b, key);
    gr_buf_puts(b, ": ");
    gr_duration_print(b, ms);
    gr_buf_putc(b, '\n');
}

/* # one line for each of the text's, with what YAML would not take as a comment's character escaped. */
static void
put_comment(struct gr_buf *b, unsigned level, struct gr_str comment)
{
    struct gr_str rest = comment, line;

    if (comment.n == 0)
        return;
    while (gr_str_next(&rest, '\n', &line)) {
        indent(b, level);
        gr_buf_puts(b, line.n > 0 ? "# " : "#");
        gr_quote_log(b, line);
        gr_buf_putc(b, '\n');
    }
}

static void
put_pairs(struct gr_buf *b, unsigned level, const char *key, const struct gr_rule_pairs *pairs,
          uint32_t *anchors)
{
    if (pairs->count == 0)
        return;
    indent(b, level);
    gr_buf_puts(b, key);
    gr_buf_puts(b, ":\n");
    for (size_t i = 0; i < pairs->count; i++) {
        const struct gr_rule_pair *pair = &pairs->items[i];

        indent(b, level + 1);
        gr_quote_yaml(b, pair->key);
        gr_buf_putc(b, ':');
        if (anchors && put_anchor(b, pair->text, anchors))
            gr_buf_putc(b, '\n');
        else
            put_value(b, level + 1, pair->value);
    }
}

static void
put_rule(struct gr_buf *b, const struct gr_rule *r, uint32_t *anchors)
{
    bool alert = r->kind == GR_RULE_ALERT;

    put_comment(b, 3, r->comment);
    put_item(b, 4, alert ? "alert" : "record", r->name);
    put_entry(b, 4, "expr", r->expr);
    if (alert && r->for_ms > 0)
        put_duration(b, 4, "for", r->for_ms);
    if (alert && r->keep_firing_for_ms > 0)
        put_duration(b, 4, "keep_firing_for", r->keep_firing_for_ms);
    put_pairs(b, 4, "labels", &r->labels, NULL);
    if (alert)
        put_pairs(b, 4, "annotations", &r->annotations, anchors);
}

static void
put_group(struct gr_buf *b, const struct gr_rule_group *g, uint32_t *anchors)
{
    put_comment(b, 1, g->comment);
    put_item(b, 2, "name", g->name);
    if (g->interval_ms > 0)
        put_duration(b, 2, "interval", g->interval_ms);
    indent(b, 2);
    gr_buf_puts(b, g->count == 0 ? "rules: []\n" : "rules:\n");
    for (size_t i = 0; i < g->count; i++)
        put_rule(b, g->rules[i], anchors);
}

/* Nothing has an anchor yet, though the file may have been written before. */
static void
clear_marks(const struct gr_rulefile *f)
{
    for (size_t g = 0; g < f->count; g++)
        for (size_t r = 0; r < f->groups[g]->count; r++) {
            const struct gr_rule_pairs *pairs = &f->groups[g]->rules[r]->annotations;

            for (size_t i = 0; i < pairs->count; i++)
                if (pairs->items[i].text)
                    pairs->items[i].text->mark = 0;
        }
}

void
gr_rulefile_write(struct gr_buf *b, const struct gr_rulefile *f, struct gr_str header)
{
    uint32_t anchors = 0;

    clear_marks(f);
    put_comment(b, 0, header);
    gr_buf_puts(b, f->count == 0 ? "groups: []\n" : "groups:\n");
    for (size_t i = 0; i < f->count; i++)
        put_group(b, f->groups[i], f->anchors ? &anchors : NULL);
}
