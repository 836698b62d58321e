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
 *             guardrail: err */
#include "config.h"
#include "guardrail/rulefile.h"

#include "guardrail/duration.h"
#include "guardrail/quote.h"

static void
indent(struct gr_buf *b, unsigned levels)
{
    for (unsigned i = 0; i < levels; i++)
        gr_buf_puts(b, "  ");
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

/* A line that a block keeps: no controls (YAML readers refuse or change them), nothing that hides, no blank
 * at the end. */
static bool
is_plain_line(struct gr_str line)
{
    if (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        return false; /* kept by a block, but lost by the next editor */
    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];

        if (c < 0x20 || c == 0x7f || (c >= 0x80 && hides((const unsigned char *)line.p + i, line.n - i)))
            return false;
    }
    return gr_str_is_utf8(line);
}

/* Whether a literal block with |- is to be used and gives back exactly this text: several lines, or one that
 * would need escapes in quotes; no first line that starts with a blank (an indicator of another indentation),
 * no line end at the end. */
static bool
fits_block(struct gr_str s)
{
    struct gr_str rest = s, line;

    if (s.n == 0 || s.p[0] == ' ' || s.p[0] == '\n' || s.p[s.n - 1] == '\n')
        return false;
    if (!memchr(s.p, '\n', s.n) && !memchr(s.p, '"', s.n) && !memchr(s.p, '\\', s.n))
        return false;
    while (gr_str_next(&rest, '\n', &line))
        if (!is_plain_line(line))
            return false;
    return true;
}

/* key: value, of a mapping at this level; the line is indented already. */
static void
put_value(struct gr_buf *b, unsigned level, struct gr_str key, struct gr_str value)
{
    struct gr_str rest = value, line;

    gr_quote_yaml(b, key);
    gr_buf_putc(b, ':');
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

static void
put_entry(struct gr_buf *b, unsigned level, struct gr_str key, struct gr_str value)
{
    indent(b, level);
    put_value(b, level, key, value);
}

/* - key: value, which starts a list's item whose mapping is at this level. */
static void
put_item(struct gr_buf *b, unsigned level, struct gr_str key, struct gr_str value)
{
    indent(b, level - 1);
    gr_buf_puts(b, "- ");
    put_value(b, level, key, value);
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
put_pairs(struct gr_buf *b, unsigned level, const char *key, const struct gr_rule_pairs *pairs)
{
    if (pairs->count == 0)
        return;
    indent(b, level);
    gr_buf_puts(b, key);
    gr_buf_puts(b, ":\n");
    for (size_t i = 0; i < pairs->count; i++)
        put_entry(b, level + 1, pairs->items[i].key, pairs->items[i].value);
}

static void
put_rule(struct gr_buf *b, const struct gr_rule *r)
{
    bool alert = r->kind == GR_RULE_ALERT;

    put_comment(b, 3, r->comment);
    put_item(b, 4, alert ? GR_STR("alert") : GR_STR("record"), r->name);
    put_entry(b, 4, GR_STR("expr"), r->expr);
    if (alert && r->for_ms > 0)
        put_duration(b, 4, "for", r->for_ms);
    if (alert && r->keep_firing_for_ms > 0)
        put_duration(b, 4, "keep_firing_for", r->keep_firing_for_ms);
    put_pairs(b, 4, "labels", &r->labels);
    if (alert)
        put_pairs(b, 4, "annotations", &r->annotations);
}

static void
put_group(struct gr_buf *b, const struct gr_rule_group *g)
{
    put_comment(b, 1, g->comment);
    put_item(b, 2, GR_STR("name"), g->name);
    if (g->interval_ms > 0)
        put_duration(b, 2, "interval", g->interval_ms);
    indent(b, 2);
    gr_buf_puts(b, g->count == 0 ? "rules: []\n" : "rules:\n");
    for (size_t i = 0; i < g->count; i++)
        put_rule(b, g->rules[i]);
}

void
gr_rulefile_write(struct gr_buf *b, const struct gr_rulefile *f, struct gr_str header)
{
    put_comment(b, 0, header);
    gr_buf_puts(b, f->count == 0 ? "groups: []\n" : "groups:\n");
    for (size_t i = 0; i < f->count; i++)
        put_group(b, f->groups[i]);
}
