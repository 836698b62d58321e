/* test_mutate.c - one mistake gives a few findings at its place, and two give both: no cascades, and nothing that only the
 * next run would tell.
 *
 * Every good specification, with mistakes made by machine (mutate.h): each that can be made at one place, and a sample of pairs.
 * GR_MUTATE=SEED takes another sample. */
#include "config.h"
#include "mutate.h"

#include "guardrail/file.h"
#include "guardrail/sys.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "specs.h"
#include "test_compiler.h"

#define FILES_MAX 200
#define BROKEN_MAX 3 /* findings of a broken line: what stands behind it may be read as something else */
#define PAIRS 100    /* of each file; all single mistakes together take 2 s, and each pair three readings */

struct good {
    char *path;
    struct gr_arena *arena;
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_node *root;
    size_t nodes;
};
static struct good files[FILES_MAX];
static size_t n_files;

static struct good *
good_read(int i)
{
    struct good *good = &files[i];
    char *text = specs_slurp(good->path);
    uint32_t file;

    good->arena = gr_arena_create(16u << 20);
    good->sources = gr_sources_create();
    good->diags = gr_diags_create(good->sources);
    ck_assert(good->arena && good->diags);
    ck_assert_int_eq(gr_sources_add(good->sources, gr_str(good->path), gr_str(text), &file), GR_OK);
    ck_assert_int_eq(
        gr_yaml_read(good->arena, good->sources, file, &gr_node_limits_default, good->diags, &good->root),
        GR_OK);
    gr_sys.free(text);
    good->nodes = mutate_nodes(good->root);
    return good;
}

static void
good_fini(struct good *good)
{
    gr_diags_free(good->diags);
    gr_sources_free(good->sources);
    gr_arena_free(good->arena);
}

/* What a reading found. */
struct found {
    struct gr_arena *arena;
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_buf text;
};

/* Takes the text. */
static void
found_text(struct found *f, const char *path, struct gr_buf *text)
{
    struct model *model = NULL;
    uint32_t file = 0;
    enum gr_err err;

    *f = (struct found){gr_arena_create(64u << 20), gr_sources_create(), NULL, *text};
    f->diags = gr_diags_create(f->sources);
    ck_assert(f->arena && f->diags);
    ck_assert_int_eq(gr_sources_add(f->sources, gr_str(path), gr_buf_str(&f->text), &file), GR_OK);
    err = spec_read(f->arena, f->sources, file, (struct spec_options){.time_scale = 1}, f->diags, &model);
    ck_assert_msg(err == GR_OK || err == GR_EUSER, "%s: %s", path, gr_err_name(err));
}

static void
found_init(struct found *f, const struct good *good, struct mutation *m, size_t n)
{
    struct gr_buf text = GR_BUF_INIT(4u << 20);

    mutate(good->root, m, n, &text);
    found_text(f, good->path, &text);
}

static void
found_fini(struct found *f)
{
    gr_diags_free(f->diags);
    gr_sources_free(f->sources);
    gr_arena_free(f->arena);
    gr_buf_fini(&f->text);
}

static size_t
count(const struct found *f)
{
    struct gr_diag_view v;
    size_t n = 0;

    while (gr_diags_get(f->diags, n, &v))
        n++;
    return n;
}

static const char *
show(const struct found *f)
{
    static char text[3000];
    struct gr_diag_view v;
    struct gr_buf b = GR_BUF_INIT(sizeof text - 1);

    for (size_t i = 0; gr_diags_get(f->diags, i, &v); i++)
        gr_buf_printf(&b, "\n    %u: %s " GR_FMT,
                      gr_sources_place(f->sources, v.where.file, v.where.start).line,
                      gr_code_info(v.code)->code, GR_ARG(v.message));
    memcpy(text, gr_buf_cstr(&b), b.n + 1);
    gr_buf_fini(&b);
    return text;
}

/* ---- one mistake ---- */

/* The most findings that one mistake may give. More where a definition is what is wrong: its uses are findings too. */
static const size_t most[MISTAKE_COUNT] = {
    [MISTAKE_DELETE] = 2, [MISTAKE_MISSPELL_KEY] = 2, [MISTAKE_MISSPELL] = 2, [MISTAKE_IN_LIST] = 2,
    [MISTAKE_IN_MAP] = 2, [MISTAKE_FLAT] = 2,         [MISTAKE_NOTHING] = 2,  [MISTAKE_EMPTY] = 2,
    [MISTAKE_UNIT] = 2,   [MISTAKE_SIGN] = 2,         [MISTAKE_HUGE] = 2,     [MISTAKE_TWICE] = 2,
};

/* Something that the changed node names, or named. */
static bool
mentions(struct gr_str text, const struct gr_node *node)
{
    if ((node->key.n > 1 && gr_str_find(text, node->key, 0) != SIZE_MAX) ||
        (node->kind == GR_NODE_SCALAR && node->text.n > 1 && gr_str_find(text, node->text, 0) != SIZE_MAX))
        return true;
    gr_node_each (item, node)
        if (mentions(text, item))
            return true;
    return false;
}

static bool
within(struct gr_span where, size_t start, size_t end)
{
    return where.start >= start && where.end <= end;
}

/* A text that the message quotes stands in the range. */
static bool
quotes(struct gr_str message, struct gr_str range)
{
    size_t start = gr_str_find(message, GR_STR("\""), 0), end;

    while (start != SIZE_MAX && (end = gr_str_find(message, GR_STR("\""), start + 1)) != SIZE_MAX) {
        if (end > start + 2 && gr_str_find(range, gr_str_sub(message, start + 1, end), 0) != SIZE_MAX)
            return true;
        start = gr_str_find(message, GR_STR("\""), end + 1);
    }
    return false;
}

/* It stands in the mapping or list where the mistake is; or it speaks of it (as where a definition is gone, at its uses); or it is
 * about two places of one guardrail that contradict each other, and stands at the other one. */
static bool
is_about(const struct found *f, const struct gr_diag_view *v, const struct mutation *m,
         const struct gr_node *node)
{
    return quotes(v->message, gr_str_sub(gr_buf_str(&f->text), m->parent_start, m->parent_end)) ||
           within(v->where, m->parent_start, m->parent_end) || mentions(v->message, node) ||
           mentions(v->fix, node) || (v->code >= GR0201 && within(v->where, m->part_start, m->part_end));
}

static size_t
uses_of(const struct gr_node *root, const struct gr_node *node)
{
    size_t n = root->kind == GR_NODE_SCALAR && root != node &&
               (gr_str_eq(root->text, node->text) || (node->key.n > 0 && gr_str_eq(root->text, node->key)));

    n += node->kind == GR_NODE_SCALAR && root->key.n > 0 && gr_str_eq(root->key, node->text);
    gr_node_each (item, root)
        n += uses_of(item, node);
    return n;
}

/* How often what is named at or below a node is named elsewhere: each use of a definition that is gone is a finding of its own. */
static size_t
uses(const struct gr_node *root, const struct gr_node *node)
{
    size_t n = node->count == 0 || node->key.n > 0 ? uses_of(root, node) : 0;

    gr_node_each (item, node)
        n += uses(root, item);
    return n;
}

static const char *
single_fault(const struct good *good, const struct found *f, const struct mutation *m)
{
    const struct gr_node *node = mutate_node(good->root, m->node);
    size_t n = count(f);
    struct gr_diag_view v;

    if (n > most[m->mistake] && n > 1 + uses(good->root, node))
        return "too many findings";
    for (size_t i = 0; gr_diags_get(f->diags, i, &v); i++)
        if (is_about(f, &v, m, node))
            return NULL;
    return n > 0 ? "none is near" : NULL;
}

static void
try_single(const struct good *good, struct mutation m)
{
    const struct gr_node *node = mutate_node(good->root, m.node);
    struct found f;
    const char *fault;

    found_init(&f, good, &m, 1);
    if ((fault = single_fault(good, &f, &m)))
        ck_abort_msg("%s: %s at \"" GR_FMT "\" \"" GR_FMT "\": %s:%s", good->path, mistake_names[m.mistake],
                     GR_ARG(node->key), GR_ARG(node->text), fault, show(&f));
    found_fini(&f);
}

START_TEST(one_mistake)
{
    struct good *good = good_read(_i);

    for (size_t node = 0; node < good->nodes; node++)
        for (int mistake = 0; mistake < MISTAKE_COUNT; mistake++)
            if (mutate_possible(mutate_node(good->root, node), node == 0, (enum mistake)mistake))
                try_single(good, (struct mutation){.mistake = (enum mistake)mistake, .node = node});
    good_fini(good);
}
END_TEST

/* ---- two mistakes ---- */

/* The same finding, or one that names what is missing together with what else is. */
static bool
same(const struct gr_diag_view *x, const struct gr_diag_view *y)
{
    size_t start = gr_str_find(x->message, GR_STR("\""), 0);

    if (x->code != y->code)
        return false;
    return gr_str_eq(x->message, y->message) ||
           (x->code == GR0102 && start != SIZE_MAX &&
            gr_str_find(y->message, gr_str_sub(x->message, start, x->message.n), 0) != SIZE_MAX);
}

/* The first finding of `one` that `both` has, too; else NULL and *lost is the first that it has not. */
static bool
told(const struct found *one, const struct found *both, struct gr_diag_view *lost)
{
    struct gr_diag_view x, y;

    for (size_t i = 0; gr_diags_get(one->diags, i, &x); i++) {
        if (i == 0)
            *lost = x;
        for (size_t j = 0; gr_diags_get(both->diags, j, &y); j++)
            if (same(&x, &y))
                return true;
    }
    return false;
}

/* What the tables of the language alone can tell does not depend on anything else. */
static bool
is_structure(const struct gr_diag_view *v)
{
    if (v->code == GR0102) /* those of the tables; the share of a flow and the like are not */
        return gr_str_find(v->message, GR_STR(" needs the key"), 0) != SIZE_MAX &&
               !gr_str_starts(v->message, GR_STR("the final phase")) &&
               !gr_str_starts(v->message, GR_STR("a fixed limit"));
    if (v->code == GR0002)
        return false; /* one entry more or less */
    return v->code < GR0105 || v->code == GR0108 || v->code == GR0201;
}

/* Which part of the document a node is in: its section, and the entry of that. */
static void
part_of(const struct gr_node *root, size_t number, struct gr_str *section, size_t *entry)
{
    size_t at = 1;

    gr_node_each (item, root) {
        size_t n = mutate_nodes(item), inner = at + 1;

        if (number >= at && number < at + n) {
            *section = item->key;
            *entry = at;
            gr_node_each (part, item) {
                if (number >= inner)
                    *entry = inner;
                inner += mutate_nodes(part);
            }
            return;
        }
        at += n;
    }
}

/* Why the other mistake may hide this finding: it is about what things mean, and both are in one guardrail, phase or action; or one of
 * them is in what guardrails build on, and so shows at a guardrail only, which the other one has broken. */
static bool
may_hide(const struct good *good, const struct gr_diag_view *lost, const struct mutation *m,
         const struct mutation *other)
{
    struct gr_str section = GR_STR_NONE, other_section = GR_STR_NONE;
    size_t entry = 0, other_entry = 0;

    if (is_structure(lost))
        return false;
    part_of(good->root, m->node, &section, &entry);
    part_of(good->root, other->node, &other_section, &other_entry);
    return entry == other_entry || !gr_str_is(other_section, "guardrails") ||
           !gr_str_is(section, "guardrails");
}

static void
try_pair(const struct good *good, struct mutation a, struct mutation b)
{
    struct mutation m[2] = {a, b};
    struct found one[2], both;
    struct gr_diag_view lost = {.message = GR_STR_NONE};

    found_init(&one[0], good, &a, 1);
    found_init(&one[1], good, &b, 1);
    found_init(&both, good, m, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct gr_node *node = mutate_node(good->root, m[i].node),
                             *other = mutate_node(good->root, m[1 - i].node);
        if (count(&one[i]) == 0 || told(&one[i], &both, &lost) || may_hide(good, &lost, &m[i], &m[1 - i]))
            continue;
        ck_abort_msg("%s: %s at \"" GR_FMT "\" \"" GR_FMT "\" and %s at \"" GR_FMT "\" \"" GR_FMT
                     "\": lost is %s " GR_FMT ":%s",
                     good->path, mistake_names[m[i].mistake], GR_ARG(node->key), GR_ARG(node->text),
                     mistake_names[m[1 - i].mistake], GR_ARG(other->key), GR_ARG(other->text),
                     gr_code_info(lost.code)->code, GR_ARG(lost.message), show(&both));
    }
    found_fini(&both);
    found_fini(&one[1]);
    found_fini(&one[0]);
}

/* A number in [0, n), from a sequence that the seed decides (Knuth's MMIX generator). */
static size_t
below(uint64_t *state, size_t n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((*state >> 33) % n);
}

static struct mutation
pick(const struct good *good, uint64_t *state)
{
    struct mutation m = {.mistake = MISTAKE_COUNT};

    while (m.mistake == MISTAKE_COUNT ||
           !mutate_possible(mutate_node(good->root, m.node), m.node == 0, m.mistake)) {
        m.node = below(state, good->nodes);
        m.mistake = (enum mistake)below(state, MISTAKE_COUNT);
    }
    return m;
}

static bool
inside(const struct good *good, size_t node, size_t of)
{
    return node >= of && node < of + mutate_nodes(mutate_node(good->root, of));
}

START_TEST(two_mistakes)
{
    const char *seed = getenv("GR_MUTATE");
    uint64_t state = (seed ? strtoull(seed, NULL, 10) : 1) * 1000 + (unsigned)_i;
    struct good *good = good_read(_i);

    for (size_t i = 0; i < PAIRS; i++) {
        struct mutation a = pick(good, &state), b = pick(good, &state);

        if (!inside(good, a.node, b.node) && !inside(good, b.node, a.node))
            try_pair(good, a, b);
    }
    good_fini(good);
}
END_TEST

/* ---- broken lines ---- */

/* Of a line: cut in the middle, a tab in front, without its first colon, bracket or quote, with a quote more. */
enum break_line { BREAK_CUT, BREAK_TAB, BREAK_DROP_COLON, BREAK_DROP_BRACKET, BREAK_QUOTE, BREAK_COUNT };

static bool
break_line(struct gr_str line, enum break_line how, struct gr_buf *out)
{
    static const char *const dropped[BREAK_COUNT] = {[BREAK_DROP_COLON] = ":", [BREAK_DROP_BRACKET] = "[]{}"};
    size_t at = 0;

    if (how == BREAK_CUT) {
        gr_buf_put(out, gr_str_sub(line, 0, line.n / 2));
        return line.n > 1;
    }
    if (how == BREAK_TAB || how == BREAK_QUOTE) {
        gr_buf_printf(out, how == BREAK_TAB ? "\t" GR_FMT : GR_FMT "\"", GR_ARG(line));
        return line.n > 0;
    }
    while (at < line.n && !strchr(dropped[how], line.p[at]))
        at++;
    gr_buf_put(out, gr_str_sub(line, 0, at));
    gr_buf_put(out, gr_str_sub(line, at + 1, line.n));
    return at < line.n;
}

static void
try_line(const struct good *good, struct gr_str text, size_t number, enum break_line how)
{
    struct found f;
    struct gr_str rest = text, line;
    struct gr_buf broken = GR_BUF_INIT(4u << 20);
    bool possible = false;

    for (size_t i = 1; gr_str_next(&rest, '\n', &line); i++) {
        if (i == number)
            possible = break_line(line, how, &broken);
        else
            gr_buf_put(&broken, line);
        gr_buf_puts(&broken, "\n");
    }
    if (possible) {
        found_text(&f, good->path, &broken);
        ck_assert_msg(count(&f) <= BROKEN_MAX, "%s:%zu: broken in way %d:%s", good->path, number, how,
                      show(&f));
        found_fini(&f);
    } else {
        gr_buf_fini(&broken);
    }
}

START_TEST(broken_lines)
{
    struct good *good = good_read(_i);
    struct gr_str text = gr_sources_get(good->sources, 1)->text, rest = text, line;

    for (size_t number = 1; gr_str_next(&rest, '\n', &line); number++)
        for (int how = 0; how < BREAK_COUNT; how++)
            if (line.n > 0 && line.p[0] != '#')
                try_line(good, text, number, (enum break_line)how);
    good_fini(good);
}
END_TEST

/* One that names other files is not all there is to know. Called before the tests run. */
static bool
of_several(const char *path)
{
    const char *src = getenv("GR_SRCDIR");
    struct gr_buf name = GR_BUF_INIT(4096), text = GR_BUF_INIT(4u << 20);
    bool several = false;

    gr_buf_printf(&name, "%s/%s", src ? src : ".", path);
    if (gr_file_read(gr_buf_cstr(&name), &text) == GR_OK)
        several = gr_str_find(gr_buf_str(&text), GR_STR("\nextends:"), 0) != SIZE_MAX ||
                  gr_str_find(gr_buf_str(&text), GR_STR("\ninclude:"), 0) != SIZE_MAX;
    gr_buf_fini(&name);
    gr_buf_fini(&text);
    return several;
}

static void
add_file(const char *dir, const char *name)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    if (of_several(path))
        return;
    files[n_files].path = strdup(path);
    n_files += files[n_files].path != NULL;
}

static void
add_files(void)
{
    static const char good_dir[] = "tests/data/specs/good";
    const char *src = getenv("GR_SRCDIR");
    char path[4096];
    struct dirent *e;
    DIR *d;

    add_file("examples/minimal", "guardrails.yml");
    add_file("examples/tradepulse", "guardrails.yml");
    (void)snprintf(path, sizeof path, "%s/%s", src ? src : ".", good_dir);
    d = opendir(path);
    while (d && (e = readdir(d)) && n_files < FILES_MAX)
        if (gr_str_ends(gr_str(e->d_name), GR_STR(".yml")))
            add_file(good_dir, e->d_name);
    if (d)
        closedir(d);
}

Suite *
mutate_suite(void)
{
    Suite *s = suite_create("mutate");
    TCase *tc = tcase_create("mistakes");

    add_files();
    tcase_add_loop_test(tc, one_mistake, 0, (int)n_files);
    tcase_add_loop_test(tc, broken_lines, 0, (int)n_files);
    tcase_add_loop_test(tc, two_mistakes, 0, (int)n_files);
    suite_add_tcase(s, tc);
    return s;
}
