/* The layout of specifications: what becomes what, and for texts made at random that nothing is lost. */
#include "config.h"
#include "layout.h"
#include "test_compiler.h"

#include "guardrail/quote.h"
#include "guardrail/sys.h"

#include <dirent.h>
#include <stdio.h>
#include "../base/failing.h"
#include "specs.h"

#define OUT_MAX (8u << 20)

/* ---- one text ---- */

struct laid {
    struct gr_arena *arena;
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_buf out;
    enum gr_err err;
};

static void
laid_make(struct laid *l, struct gr_str text)
{
    uint32_t file;

    *l = (struct laid){
        .arena = gr_arena_create(64u << 20), .sources = gr_sources_create(), .out = GR_BUF_INIT(OUT_MAX)};
    l->diags = gr_diags_create(l->sources);
    ck_assert(l->arena && l->diags);
    ck_assert_int_eq(gr_sources_add(l->sources, GR_STR("spec.yml"), text, &file), GR_OK);
    l->err = layout_format(l->arena, l->sources, file, l->diags, &l->out);
}

static void
laid_fini(struct laid *l)
{
    gr_buf_fini(&l->out);
    gr_diags_free(l->diags);
    gr_sources_free(l->sources);
    gr_arena_free(l->arena);
}

#define WIDE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 40 columns */
static const struct row {
    const char *name, *in, *want; /* want NULL: as it is */
} rows[] = {
    {"nothing", "", NULL},
    {"comments alone", "# a\n\n# b\n", NULL},
    {"empty lines at the ends", "\n\na: 1\n\n\n", "a: 1\n"},
    {"empty lines within", "a: 1\n\n\n\nb: 2\n", "a: 1\n\nb: 2\n"},
    {"an empty line below a key", "a:\n\n  b: 1\n", NULL},
    {"no line end at the end", "a: 1", "a: 1\n"},
    {"CR LF", "a: 1\r\n\r\n# c\r\nb: 2\r\n", "a: 1\n\n# c\nb: 2\n"},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "a: 1\n",
     "a: 1\n"},
    {"blanks at line ends", "a: 1  \nb:  \n  - c\t\n# d \n", "a: 1\nb:\n  - c\n# d\n"},
    {"indented by four", "a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"},
    {"a list not indented", "a:\n- b\n- c\nd: 1\n", "a:\n  - b\n  - c\nd: 1\n"},
    {"dashes with room", "-   a\n-   b: 1\n    c: 2\n", "- a\n- b: 1\n  c: 2\n"},
    {"a mapping below its dash", "-\n  a: 1\n  b: 2\n", "- a: 1\n  b: 2\n"},
    {"lists of lists", "- - a\n  - b\n- - c\n", NULL},
    {"blanks around colons", "a :   1\n\"b\"  : 2\n", "a: 1\nb: 2\n"},
    {"an explicit key", "? a\n: b\n? c\n", "a: b\nc:\n"},
    {"no values", "a:\nb: ~\nc: null\nd:\n  -\n  - x\n", NULL},
    {"a value on the next line", "a:\n  b\n", "a: b\n"},
    {"the mark of a document", "# a\n--- # b\nc: 1\n...\n# d\n", "# a\n---  # b\nc: 1\n# d\n"},
    /* brackets */
    {"brackets", "a: [ b,c ,  d ]\ne: { f:  1,g : 2 }\n", "a: [b, c, d]\ne: {f: 1, g: 2}\n"},
    {"empty brackets", "a: [ ]\nb: {\n}\n", "a: []\nb: {}\n"},
    {"brackets on several lines", "a: [b,\n  c,\n]\n", "a: [b, c]\n"},
    {"pairs in a list", "a: [b: 1, ? c : 2]\n", "a: [{b: 1}, {c: 2}]\n"},
    {"keys without values in brackets", "a: {b, c: }\n", "a: {b: , c: }\n"},
    {"JSON", "{\"a\": [1, {\"b\": true}]}\n", "{a: [1, {b: true}]}\n"},
    {"120 columns", "a: [" WIDE ", " WIDE ", bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]\n", NULL},
    {"121 columns", "a: [" WIDE ", " WIDE ", bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]\n",
     "a:\n  - " WIDE "\n  - " WIDE "\n  - bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"},
    {"120 columns, not bytes", "a: [" WIDE ", " WIDE ", ±±±±±±±±±±±±±±±±±±±±±±±±±±±±±±±]\n", NULL},
    {"a comment does not count", "a: [" WIDE ", " WIDE ", bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]  # c\n", NULL},
    {"a wide mapping behind a dash", "- {a: " WIDE ", b: " WIDE ", c: {d: [" WIDE "]}}\n",
     "- a: " WIDE "\n  b: " WIDE "\n  c: {d: [" WIDE "]}\n"},
    {"comments in brackets", "a: [ # 1\n  b, # 2\n  # 3\n  c # 4\n  , d\n  # 5\n] # 6\n",
     "a:     # 1\n  - b  # 2\n  # 3\n  - c  # 4\n  - d\n  # 5\n# 6\n"},
    {"a comment in empty brackets", "a: [ # 1\n  # 2\n]\nb: 1\n", "a: []  # 1\n# 2\nb: 1\n"},
    {"a comment behind a dash's bracket", "- { # 1\n  a: b }\n", "-  # 1\n  a: b\n"},
    /* comments */
    {"behind values", "a: 1 # x\nb:\t2\t# y\nc: 3#z\n", "a: 1  # x\nb: 2  # y\nc: 3#z\n"},
    {"one column stays one", "a: 1      # x\nbcd: 23   # y\n", NULL},
    {"one column, further right", "a: 1 # x\nb:  [1,2] # y\n", "a: 1  # x\nb: [1, 2]  # y\n"},
    {"one column that is too narrow", "a: [1,2] # x\nb: 2     # y\n", "a: [1, 2]  # x\nb: 2       # y\n"},
    {"not one column", "a: 1         # x\nb: 2     # y\n", "a: 1  # x\nb: 2  # y\n"},
    {"one column across other lines", "a: 1     # x\nb: 2\n\nc:\n  d: 3   # y\n", NULL},
    {"columns are characters", "a: ±±±   # x\nb: 1     # y\n", NULL},
    {"behind a key", "a: # x\n  b: 1\n", "a:  # x\n  b: 1\n"},
    {"between key and value", "a: # x\n  # y\n  b\n", "a:  # x\n  # y\n  b\n"},
    {"behind a dash", "- # x\n  a: 1\n- # y\n  b\n", "-  # x\n  a: 1\n-  # y\n  b\n"},
    {"on lines of their own", "# 1\na:\n      # 2\n      b: 1\n\n      # 3\nc: 1\n",
     "# 1\na:\n  # 2\n  b: 1\n\n  # 3\nc: 1\n"},
    {"by their indentation", "a:\n  b:\n    c: 1\n    # c\n  # b\n# a\nd: 1\n", NULL},
    {"by their indentation, oddly", "a:\n    b:\n        c: 1\n       # b\n  # a\nd: 1\n",
     "a:\n  b:\n    c: 1\n  # b\n# a\nd: 1\n"},
    {"before a list that is not indented", "a:\n# 1\n- b\n# 2\n- c\n# 3\nd: 1\n",
     "a:\n  # 1\n  - b\n  # 2\n  - c\n# 3\nd: 1\n"},
    {"at the end", "a:\n  b: 1\n  # in b\n# at the end\n  # odd\n",
     "a:\n  b: 1\n  # in b\n# at the end\n# odd\n"},
    {"tabs inside", "a: 1  #\tx\ty\n", NULL},
    {"a hash that is none", "a: x#y\nb: \"# z\"\n", NULL},
    /* texts */
    {"quotes that are not needed", "a: 'b c'\nd: \"e\"\n", "a: b c\nd: e\n"},
    {"quotes that some reader needs",
     "a: \"yes\"\nb: \"5\"\nc: \"2024-01-01\"\nd: \"{x}\"\ne: \"\"\nf: \"null\"\ng: \"1:30\"\n", NULL},
    {"double rather than single quotes", "a: '5'\nb: '{x}'\n", "a: \"5\"\nb: \"{x}\"\n"},
    {"single rather than escapes", "a: \"x{y=\\\"z\\\"}\"\nb: '{\"'\n", "a: 'x{y=\"z\"}'\nb: '{\"'\n"},
    {"both quotes", "a: '{\"''}'\n", "a: \"{\\\"'}\"\n"},
    {"escapes keep their spelling", "a: \"\\u00b1{\\t\"\n", NULL},
    {"values keep their spelling", "a: 120s\nb: 0.50%\nc: 1e3\nd: +25 %\ne: yes\nf: TRUE\ng: 007\n", NULL},
    {"keys in quotes", "\"on\": 1\n'a b': 2\n\"c:d\": 3\n", "\"on\": 1\na b: 2\nc:d: 3\n"},
    {"a text of several lines", "a: one\n   two\n\n   three\nb: \"x\n  y\"\n",
     "a: one\n  two\n\n  three\nb: \"x\n  y\"\n"},
    {"several lines in brackets", "a: [one\n  two, \"x\n  y\"]\n", "a: [one two, x y]\n"},
    {"an escaped line end", "a: \"x\\ \n  y\\\n  z\"\n", NULL},
    /* block scalars */
    {"literal", "a: |\n    b\n      c\n\n    d\n", "a: |\n  b\n    c\n\n  d\n"},
    {"folded", "a: >-\n  b\n\n\n  c\nd: 1\n", NULL},
    {"with a comment", "a: |   # x\n b\n# y\nc: 1\n", "a: |  # x\n  b\n# y\nc: 1\n"},
    {"a hash is text", "a: |\n  # b\n  c\n # d\ne: 1\n", "a: |\n  # b\n  c\n# d\ne: 1\n"},
    {"kept line ends", "a: |+\n  b\n\n\nc: 1\n", NULL},
    {"kept line ends at the end", "a: |+\n  b\n\n\n", NULL},
    {"line ends that are not kept", "a: |\n  b\n\n\n\nc: 1\n", "a: |\n  b\n\nc: 1\n"},
    {"blanks at the start", "a: |4\n      b\n    c\n", "a: |2\n    b\n  c\n"},
    {"a digit that is not needed", "a: |4\n    b\n", "a: |\n  b\n"},
    {"blanks at the end are text", "a: |\n  b  \n", NULL},
    {"no text", "a: |\nb: >-\n\nc: 1\n", NULL},
    {"cut by the end", "a: |\n  b", "a: |-\n  b\n"},
    {"in a list", "- |\n    a\n- b: |\n        c\n", "- |\n  a\n- b: |\n    c\n"},
};

START_TEST(is_laid_out)
{
    const struct row *r = &rows[_i];
    const char *want = r->want ? r->want : r->in;
    struct laid once, twice;

    laid_make(&once, gr_str(r->in));
    ck_assert_msg(once.err == GR_OK, "%s: %s", r->name, gr_err_name(once.err));
    ck_assert_msg(gr_str_is(gr_buf_str(&once.out), want), "%s:\n%s---- is not\n%s", r->name,
                  gr_buf_cstr(&once.out), want);
    laid_make(&twice, gr_buf_str(&once.out));
    ck_assert_msg(gr_str_is(gr_buf_str(&twice.out), want), "%s, again:\n%s", r->name,
                  gr_buf_cstr(&twice.out));
    laid_fini(&twice);
    laid_fini(&once);
}
END_TEST

static const struct refusal {
    const char *name, *in;
    enum gr_code code;
} refusals[] = {
    {"no YAML", "a: [b\n", GR0004},          {"an anchor", "a: &x 1\n", GR0005},
    {"a key twice", "a: 1\na: 2\n", GR0006}, {"two documents", "a: 1\n---\nb: 2\n", GR0005},
    {"no UTF-8", "a: \xff\n", GR0003},       {"a line end of YAML 1.1", "a: |\n  b\xe2\x80\xa8  c\n", GR0004},
};

START_TEST(is_refused)
{
    const struct refusal *r = &refusals[_i];
    struct gr_diag_view v;
    struct laid l;

    laid_make(&l, gr_str(r->in));
    ck_assert_msg(l.err == GR_EUSER, "%s: %s", r->name, gr_err_name(l.err));
    ck_assert(gr_diags_get(l.diags, 0, &v));
    ck_assert_msg(v.code == r->code, "%s: %s", r->name, gr_code_info(v.code)->code);
    laid_fini(&l);
}
END_TEST

/* A key of as many characters as it may have, and of one more. */
START_TEST(keys_have_a_limit)
{
    for (size_t n = LAYOUT_KEY_CHARS_MAX; n <= LAYOUT_KEY_CHARS_MAX + 1; n++) {
        struct gr_buf b = GR_BUF_INIT(4096);
        struct laid l;

        gr_buf_puts(&b, "? ");
        for (size_t i = 0; i < n; i++)
            gr_buf_putc(&b, 'k');
        gr_buf_puts(&b, "\n: 1\n");
        laid_make(&l, gr_buf_str(&b));
        ck_assert_int_eq(l.err, n > LAYOUT_KEY_CHARS_MAX ? GR_EUSER : GR_OK);
        laid_fini(&l);
        gr_buf_fini(&b);
    }
}
END_TEST

/* The examples and the good specifications are laid out; all bad ones that are YAML stay what they are. */
static void
each_file(const char *dir, bool laid_out, size_t least)
{
    const char *src = getenv("GR_SRCDIR");
    char path[4096];
    size_t n = 0;
    DIR *d;

    (void)snprintf(path, sizeof path, "%s/%s", src ? src : ".", dir);
    ck_assert_ptr_nonnull((d = opendir(path)));
    for (struct dirent *e; (e = readdir(d));) {
        struct laid l;
        char *text;

        if (!gr_str_ends(gr_str(e->d_name), GR_STR(".yml")))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        text = specs_slurp(path);
        laid_make(&l, gr_str(text));
        ck_assert_msg(l.err == GR_OK || (!laid_out && l.err == GR_EUSER), "%s: %s", path, gr_err_name(l.err));
        ck_assert_msg(!laid_out || gr_str_is(gr_buf_str(&l.out), text), "%s: guardrailc fmt it", path);
        n += l.err == GR_OK;
        laid_fini(&l);
        gr_sys.free(text);
    }
    closedir(d);
    ck_assert_uint_ge(n, least);
}

START_TEST(files_are_laid_out)
{
    each_file("examples/tradepulse", true, 1);
    each_file("examples/minimal", true, 1);
    each_file("tests/data/specs/good", true, 20);
    each_file("tests/data/specs/bad", false, 100);
}
END_TEST

/* ---- at random ---- */

struct maker {
    uint64_t state;
    struct gr_buf b;
    size_t comments, keys;
    const char *line_end;
    bool text_above; /* the last line is of a block scalar: what is indented further would belong to it */
};

/* SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014). */
static unsigned
pick(struct maker *m, unsigned n)
{
    uint64_t z = (m->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ (z >> 31)) % n);
}

static void
blanks(struct maker *m, size_t n)
{
    while (n-- > 0)
        gr_buf_putc(&m->b, ' ');
}

static void
put_hash(struct maker *m)
{
    static const char *const tails[] = {"", " x", ": [y", " \"z", "\tt", " - a: b", " '"};

    gr_buf_printf(&m->b, "#c%zu.%s", m->comments++, tails[pick(m, GR_COUNT(tails))]);
    blanks(m, pick(m, 3) == 0 ? 2 : 0);
}

/* The end of a line, with a comment or without, then perhaps lines of comments and empty ones. most: how far they may be indented. */
static void
end_line(struct maker *m, size_t most)
{
    if (pick(m, 4) == 0) {
        blanks(m, 1 + pick(m, 9));
        put_hash(m);
    }
    gr_buf_puts(&m->b, m->line_end);
    while (pick(m, 3) == 0) {
        if (pick(m, 2) == 0) {
            blanks(m, pick(m, (unsigned)most + 3));
            put_hash(m);
        }
        gr_buf_puts(&m->b, m->line_end);
    }
}

static void
put_scalar(struct maker *m)
{
    static const char *const texts[] = {"plain",      "two words",     "120s",          "+25%",
                                        "\"quoted\"", "'single'",      "\"# no\"",      "a#b",
                                        "'it''s'",    "\"\\u00b1 x\"", "\"say \\\"\"",  "~",
                                        "0.5",        "true",          "\"true\"",      "http://x/y",
                                        "'{a: b}'",   "±5bps",         "\"a\\tb\\\"\"", "-x"};

    gr_buf_puts(&m->b, texts[pick(m, GR_COUNT(texts))]);
}

static void
flow_gap(struct maker *m)
{
    blanks(m, pick(m, 3));
    if (pick(m, 5) == 0) {
        blanks(m, 1);
        end_line(m, 8);
        blanks(m, 20); /* further in than any block around it */
    }
}

static void
put_flow(struct maker *m, unsigned depth)
{
    bool map = pick(m, 2) == 0;
    unsigned n = pick(m, 4);

    gr_buf_putc(&m->b, map ? '{' : '[');
    flow_gap(m);
    for (unsigned i = 0; i < n; i++) {
        if (map)
            gr_buf_printf(&m->b, "k%zu: ", m->keys++);
        if (depth > 0 && pick(m, 3) == 0)
            put_flow(m, depth - 1);
        else
            put_scalar(m);
        flow_gap(m);
        if (i + 1 < n)
            gr_buf_puts(&m->b, ", ");
        flow_gap(m);
    }
    gr_buf_putc(&m->b, map ? '}' : ']');
}

/* A block scalar below something at column `indent`; its lines end the value. */
static void
put_text(struct maker *m, size_t indent)
{
    static const char *const heads[] = {"|", ">", "|-", ">-", "|+", ">+"};
    static const char *const lines[] = {"text", "# text", "  further in", "", "a: b", "- c", "trailing  "};
    size_t in = indent + 1 + pick(m, 4);

    gr_buf_puts(&m->b, heads[pick(m, GR_COUNT(heads))]);
    if (pick(m, 4) == 0) {
        blanks(m, 2);
        put_hash(m);
    }
    gr_buf_puts(&m->b, m->line_end);
    blanks(m, in);
    gr_buf_printf(&m->b, "first%s", m->line_end);
    for (unsigned n = pick(m, 4); n > 0; n--) {
        const char *line = lines[pick(m, GR_COUNT(lines))];

        blanks(m, line[0] ? in : 0);
        gr_buf_printf(&m->b, "%s%s", line, m->line_end);
    }
    m->text_above = true;
}

static void put_block(struct maker *m, size_t indent, unsigned depth);

/* Behind a key or a dash at column `indent`; leaves the line ended. */
static void
put_any(struct maker *m, size_t indent, unsigned depth)
{
    switch (pick(m, depth > 0 ? 6 : 4)) {
    case 0:
    case 1:
        blanks(m, 1 + pick(m, 3));
        put_scalar(m);
        break;
    case 2:
        blanks(m, 1);
        put_flow(m, 2);
        break;
    case 3:
        blanks(m, 1);
        put_text(m, indent);
        return;
    default:
        end_line(m, indent);
        put_block(m, indent + 1 + pick(m, 4), depth - 1);
        return;
    }
    end_line(m, indent);
}

static void
put_block(struct maker *m, size_t indent, unsigned depth)
{
    bool map = indent == 0 || pick(m, 3) > 0;

    for (unsigned n = 1 + pick(m, 4); n > 0; n--) {
        if (m->text_above && pick(m, 3) == 0) { /* a comment that the text above ends at */
            blanks(m, pick(m, (unsigned)indent + 1));
            put_hash(m);
            gr_buf_puts(&m->b, m->line_end);
        }
        m->text_above = false;
        blanks(m, indent);
        if (map)
            gr_buf_printf(&m->b, "k%zu%s:", m->keys++, pick(m, 5) == 0 ? " " : "");
        else
            gr_buf_putc(&m->b, '-');
        put_any(m, indent, depth);
    }
}

/* Each comment is there once, in order. */
static void
check_comments(const struct maker *m, struct gr_str out, const char *text)
{
    size_t at = 0;

    for (size_t i = 0; i < m->comments; i++) {
        char hash[40];

        (void)snprintf(hash, sizeof hash, "#c%zu.", i);
        at = gr_str_find(out, gr_str(hash), at);
        ck_assert_msg(at != SIZE_MAX, "%s is gone or moved:\n%s", hash, text);
        ck_assert_msg(gr_str_find(out, gr_str(hash), at + 1) == SIZE_MAX, "%s is there twice:\n%s", hash,
                      text);
    }
}

/* The tree as text, by means of the tests' own. */
static void
put_tree(struct gr_buf *b, const struct gr_node *node)
{
    static const char *const marks[] = {"0", "s", "[", "{"};

    gr_buf_puts(b, marks[node->kind]);
    gr_quote_json(b, node->key);
    gr_quote_json(b, node->text);
    gr_node_each (e, node)
        put_tree(b, e);
    gr_buf_putc(b, '.');
}

static void
read_tree(struct gr_buf *b, struct gr_str text)
{
    struct laid l;
    struct gr_node *root = NULL;

    laid_make(&l, text); /* for its tables */
    ck_assert_int_eq(gr_yaml_read(l.arena, l.sources, 1, NULL, l.diags, &root), GR_OK);
    put_tree(b, root);
    laid_fini(&l);
}

static void
check_tree(struct gr_str before, struct gr_str after)
{
    struct gr_buf a = GR_BUF_INIT(OUT_MAX), b = GR_BUF_INIT(OUT_MAX);

    read_tree(&a, before);
    read_tree(&b, after);
    ck_assert_msg(gr_str_eq(gr_buf_str(&a), gr_buf_str(&b)), "%.*s", GR_ARG(before));
    gr_buf_fini(&a);
    gr_buf_fini(&b);
}

#define SEEDS 3000
START_TEST(nothing_is_lost)
{
    size_t comments = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct maker m = {.state = seed, .b = GR_BUF_INIT(OUT_MAX), .line_end = seed % 7 ? "\n" : "\r\n"};
        struct laid once, twice;

        if (seed % 5 == 0)
            end_line(&m, 3);
        put_block(&m, 0, 1 + (unsigned)(seed % 5));
        laid_make(&once, gr_buf_str(&m.b));
        ck_assert_msg(once.err == GR_OK, "seed %d: %s:\n%s", (int)seed, gr_err_name(once.err),
                      gr_buf_cstr(&m.b));
        check_comments(&m, gr_buf_str(&once.out), gr_buf_cstr(&m.b));
        check_tree(gr_buf_str(&m.b), gr_buf_str(&once.out));
        comments += m.comments;
        laid_make(&twice, gr_buf_str(&once.out));
        ck_assert_msg(gr_str_eq(gr_buf_str(&once.out), gr_buf_str(&twice.out)),
                      "seed %d:\n%s---- then\n%s---- and again\n%s", (int)seed, gr_buf_cstr(&m.b),
                      gr_buf_cstr(&once.out), gr_buf_cstr(&twice.out));
        laid_fini(&twice);
        laid_fini(&once);
        gr_buf_fini(&m.b);
    }
    ck_assert_uint_gt(comments, 4 * SEEDS);
}
END_TEST

/* Without memory, at whichever step: an honest answer, and nothing leaks. */
START_TEST(memory_may_end)
{
    const char *text = "# a\na: [b, # c\n  d]\ne:\n- f: |\n    g\n";
    size_t nth = 1;

    for (bool failed = true; failed; nth++) {
        struct laid l = {.out = GR_BUF_INIT(OUT_MAX)};
        uint32_t file;

        l.arena = gr_arena_create(64u << 20);
        l.sources = gr_sources_create();
        l.diags = gr_diags_create(l.sources);
        ck_assert_int_eq(gr_sources_add(l.sources, GR_STR("spec.yml"), gr_str(text), &file), GR_OK);
        failing_start(nth, false);
        l.err = layout_format(l.arena, l.sources, file, l.diags, &l.out);
        failed = failing_stop();
        ck_assert_msg(l.err == (failed ? GR_ENOMEM : GR_OK), "allocation %zu: %s", nth, gr_err_name(l.err));
        laid_fini(&l);
    }
    ck_assert_uint_gt(nth, 5);
}
END_TEST

Suite *
layout_suite(void)
{
    Suite *s = suite_create("layout");
    TCase *tc = tcase_create("layout");

    tcase_add_loop_test(tc, is_laid_out, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, is_refused, 0, GR_COUNT(refusals));
    tcase_add_test(tc, keys_have_a_limit);
    tcase_add_test(tc, files_are_laid_out);
    tcase_add_test(tc, nothing_is_lost);
    tcase_add_test(tc, memory_may_end);
    suite_add_tcase(s, tc);
    return s;
}
