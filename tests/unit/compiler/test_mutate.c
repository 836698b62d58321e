/* test_mutate.c - one mistake gives a few findings at its place, and two give both: no cascades, and nothing that only the
 * next run would tell.
 *
 * Every good specification, with mistakes made by machine (mutate.h). GR_MUTATE=all tries all that can be made at one place
 * instead of a sample (a minute), GR_MUTATE=SEED another sample. */
#include "config.h"
#include "mutate.h"

#include "guardrail/sys.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "specs.h"
#include "test_compiler.h"

#define FILES_MAX 200
#define SINGLES 4000 /* of a sample, all files together; a reading takes 0.2 ms to 2 ms */
#define PAIRS 2000

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

static void
found_init(struct found *f, const struct good *good, struct mutation *m, size_t n)
{
    struct model *model = NULL;
    uint32_t file = 0;
    enum gr_err err;

    *f = (struct found){gr_arena_create(64u << 20), gr_sources_create(), NULL, GR_BUF_INIT(4u << 20)};
    f->diags = gr_diags_create(f->sources);
    ck_assert(f->arena && f->diags);
    mutate(good->root, m, n, &f->text);
    ck_assert_int_eq(gr_sources_add(f->sources, gr_str(good->path), gr_buf_str(&f->text), &file), GR_OK);
    err = spec_read(f->arena, f->sources, file, (struct spec_options){.time_scale = 1}, f->diags, &model);
    ck_assert_msg(err == GR_OK || err == GR_EUSER, "%s: %s", good->path, gr_err_name(err));
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

/* It stands in the mapping or list where the mistake is, or it speaks of it (as where a definition is gone, at its uses). */
static bool
is_about(const struct gr_diag_view *v, const struct mutation *m, const struct gr_node *node)
{
    return (v->where.start >= m->parent_start && v->where.end <= m->parent_end) ||
           mentions(v->message, node) || mentions(v->fix, node);
}

/* How often the text of a definition stands elsewhere: each use of one that is gone is a finding of its own. */
static size_t
uses(const struct gr_node *root, const struct gr_node *node)
{
    size_t n = root->kind == GR_NODE_SCALAR && root != node &&
               (gr_str_eq(root->text, node->text) || (node->key.n > 0 && gr_str_eq(root->text, node->key)));

    n += node->kind == GR_NODE_SCALAR && root->key.n > 0 && gr_str_eq(root->key, node->text);
    gr_node_each (item, root)
        n += uses(item, node);
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
        if (is_about(&v, m, node))
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
        printf("%s: %s at node %zu \"" GR_FMT "\" \"" GR_FMT "\": %s:%s\n", good->path,
               mistake_names[m.mistake], m.node, GR_ARG(node->key), GR_ARG(node->text), fault, show(&f));
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

static void
add_file(const char *dir, const char *name)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
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
    suite_add_tcase(s, tc);
    return s;
}
