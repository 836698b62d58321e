/* test_lint.c - the linter on the corpus in tests/data/rules, on the examples of its own pages, and on our
 * own rules.
 *
 * A file of bad/ says on each line what is to be found there: # expect: GR0513 "a part of the message", once
 * or more; nothing else may be found. Lines `# enable: GRnnnn` and `# annotations: LIST` set options. Files
 * of good/ have no finding. */
#include "config.h"
#include "test_rules.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../fault.h"
#include "guardrail/file.h"
#include "guardrail/pages.h"
#include "guardrail/rulelint.h"

struct linted {
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_lint *lint;
    struct gr_lint_options options;
    struct gr_buf findings;
};

static void
linted_init(struct linted *t)
{
    *t = (struct linted){.sources = gr_sources_create()};
    t->diags = gr_diags_create(t->sources);
    ck_assert_ptr_nonnull(t->diags);
    gr_buf_init(&t->findings, 1 << 22);
    gr_lint_defaults(&t->options);
    t->options.min_severity = GR_SEV_NOTE;
    t->options.annotation_count = 0;
}

/* Lints one text after the options in it were taken. */
static void
linted_text(struct linted *t, struct gr_str name, struct gr_str text)
{
    struct gr_str rest = text, line;
    uint32_t file;

    while (gr_str_next(&rest, '\n', &line)) {
        if (gr_str_starts(line, GR_STR("# enable: ")))
            t->options.off[gr_lint_code(gr_str_sub(line, 10, line.n))] = false;
        if (gr_str_starts(line, GR_STR("# annotations: "))) {
            struct gr_str list = gr_str_sub(line, 15, line.n), word;

            while (gr_str_next(&list, ',', &word))
                t->options.annotations[t->options.annotation_count++] = word;
        }
    }
    if (!t->lint)
        t->lint = gr_lint_create(&t->options, t->sources, t->diags);
    ck_assert_ptr_nonnull(t->lint);
    ck_assert_int_eq(gr_sources_add(t->sources, name, text, &file), GR_OK);
    ck_assert_int_ne(gr_lint_file(t->lint, file), GR_ENOMEM);
}

static const char *
linted_findings(struct linted *t)
{
    gr_buf_reset(&t->findings);
    gr_diags_print(t->diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &t->findings);
    if (t->findings.n > 2000)
        gr_buf_cut(&t->findings, 2000); /* Check's messages are short */
    return gr_buf_cstr(&t->findings);
}

static void
linted_fini(struct linted *t)
{
    gr_lint_free(t->lint);
    gr_diags_free(t->diags);
    gr_sources_free(t->sources);
    gr_buf_fini(&t->findings);
}

/* ---- the corpus ---- */

#define FILES_MAX 64u

static const char *
srcdir(void)
{
    const char *s = getenv("GR_SRCDIR");

    return s ? s : "..";
}

static int
compare_paths(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The files of tests/data/rules/KIND, sorted. */
static size_t
list_files(const char *kind, char (*paths)[512])
{
    char folder[400];
    struct dirent *entry;
    size_t n = 0;
    DIR *dir;

    snprintf(folder, sizeof folder, "%s/tests/data/rules/%s", srcdir(), kind);
    dir = opendir(folder);
    ck_assert_msg(dir != NULL, "%s", folder);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        ck_assert_uint_lt(n, FILES_MAX);
        ck_assert_int_lt(snprintf(paths[n++], sizeof paths[0], "%s/%s", folder, entry->d_name), 512);
    }
    closedir(dir);
    qsort(paths, n, sizeof *paths, compare_paths);
    return n;
}

static void
lint_path(struct linted *t, const char *path)
{
    struct gr_buf text = GR_BUF_INIT(1 << 22);

    ck_assert_int_eq(gr_file_read(path, &text), GR_OK);
    linted_text(t, gr_str(strrchr(path, '/') + 1), gr_buf_str(&text));
    ck_assert_int_eq(gr_lint_finish(t->lint), GR_OK);
    gr_buf_fini(&text);
}

/* Whether a finding is announced on its line; *seen has a bit for each that was met. */
static bool
is_expected(struct gr_str line, const struct gr_diag_view *v, uint32_t *seen)
{
    const char *code = gr_code_info(v->code)->code;
    size_t at = 0;

    for (unsigned n = 0; (at = gr_str_find(line, GR_STR("# expect: "), at)) != SIZE_MAX; n++) {
        struct gr_str rest = gr_str_sub(line, at + 10, line.n);
        size_t end = gr_str_find(rest, GR_STR("\" # "), 0);
        struct gr_str part = gr_str_trim(gr_str_sub(rest, 0, end == SIZE_MAX ? rest.n : end + 1));

        at += 10;
        ck_assert_msg(part.n > 9 && part.p[part.n - 1] == '"', "bad expectation: " GR_FMT, GR_ARG(line));
        if ((*seen & 1u << n) == 0 && gr_str_starts(part, gr_str(code)) &&
            gr_str_find(v->message, gr_str_sub(part, 8, part.n - 1), 0) != SIZE_MAX) {
            *seen |= 1u << n;
            return true;
        }
    }
    return false;
}

static unsigned
expectations(struct gr_str line)
{
    unsigned n = 0;

    for (size_t at = 0; (at = gr_str_find(line, GR_STR("# expect: "), at)) != SIZE_MAX; at++)
        n++;
    return n;
}

static void
check_expectations(struct linted *t, const char *path)
{
    struct gr_str rest = gr_sources_get(t->sources, 1)->text, line;
    uint32_t number = 0;
    size_t found = 0, all = 0;
    struct gr_diag_view v;

    while (gr_diags_get(t->diags, all, &v))
        all++;
    while (gr_str_next(&rest, '\n', &line)) {
        uint32_t seen = 0;
        unsigned here = 0;

        number++;
        for (size_t i = 0; gr_diags_get(t->diags, i, &v); i++) {
            if (gr_sources_place(t->sources, v.where.file, v.where.start).line != number)
                continue;
            ck_assert_msg(is_expected(line, &v, &seen), "%s:%u: not announced: %s " GR_FMT "\n%s", path,
                          number, gr_code_info(v.code)->code, GR_ARG(v.message), linted_findings(t));
            here++;
        }
        ck_assert_msg(here == expectations(line), "%s:%u: %u of %u found: " GR_FMT "\n%s", path, number, here,
                      expectations(line), GR_ARG(line), linted_findings(t));
        found += here;
    }
    ck_assert_uint_eq(found, all);
    ck_assert_uint_gt(found, 0);
}

START_TEST(bad_files)
{
    static char paths[FILES_MAX][512];
    size_t n = list_files("bad", paths);
    struct linted t;

    ck_assert_uint_ge(n, 8);
    for (size_t i = 0; i < n; i++) {
        linted_init(&t);
        lint_path(&t, paths[i]);
        check_expectations(&t, paths[i]);
        linted_fini(&t);
    }
}
END_TEST

START_TEST(good_files)
{
    static char paths[FILES_MAX][512];
    size_t n = list_files("good", paths);
    struct linted t;

    ck_assert_uint_ge(n, 7);
    for (size_t i = 0; i < n; i++) {
        linted_init(&t);
        lint_path(&t, paths[i]);
        ck_assert_msg(linted_findings(&t)[0] == '\0', "%s", linted_findings(&t));
        linted_fini(&t);
    }
}
END_TEST

/* ---- pages ---- */

static void
page_text(struct linted *t, enum gr_code code, const char *text)
{
    linted_init(t);
    if (code == GR0527) {
        t->options.annotations[t->options.annotation_count++] = GR_STR("summary");
        t->options.annotations[t->options.annotation_count++] = GR_STR("runbook_url");
    }
    t->options.off[code] = false;
    linted_text(t, GR_STR("example"), gr_str(text));
    ck_assert_int_eq(gr_lint_finish(t->lint), GR_OK);
}

static void
check_page(enum gr_code code, const struct gr_page *page)
{
    const char *name = gr_code_info(code)->code;
    struct gr_diag_view v;
    struct linted t;

    page_text(&t, code, page->bad);
    if (code == GR0505) /* the command's, when there is no rule in any file */
        ck_assert_uint_eq(gr_lint_rules(t.lint), 0);
    else
        ck_assert_msg(gr_diags_get(t.diags, 0, &v), "%s: the bad example has no finding", name);
    for (size_t i = 0; gr_diags_get(t.diags, i, &v); i++)
        ck_assert_msg(v.code == code, "%s: the bad example has others: %s", name, linted_findings(&t));
    linted_fini(&t);
    page_text(&t, code, page->good);
    ck_assert_uint_gt(gr_lint_rules(t.lint), 0);
    ck_assert_msg(linted_findings(&t)[0] == '\0', "%s: the good example has %s", name, linted_findings(&t));
    linted_fini(&t);
}

/* Every finding in rule files has a page; its bad example has that finding alone, its good one none. */
START_TEST(pages)
{
    for (int code = 0; code < GR_CODE_COUNT; code++) {
        const struct gr_page *page = gr_page((enum gr_code)code);

        ck_assert_msg(page || code < GR0501 || code > GR0527, "%s", gr_code_info((enum gr_code)code)->code);
        if (page && page->kind == GR_PAGE_RULES)
            check_page((enum gr_code)code, page);
    }
}
END_TEST

START_TEST(codes_are_found)
{
    for (int code = 0; code < GR_CODE_COUNT; code++)
        ck_assert_int_eq(gr_lint_code(gr_str(gr_code_info((enum gr_code)code)->code)), code);
    ck_assert_int_eq(gr_lint_code(GR_STR("rate-of-sum")), GR0514);
    ck_assert_int_eq(gr_lint_code(GR_STR("")), GR_CODE_COUNT);
}
END_TEST

/* ---- several files, options, limits ---- */

START_TEST(files_are_one_set)
{
    struct linted t;
    const char *s;

    linted_init(&t);
    t.options.off[GR0523] = t.options.off[GR0524] = false;
    linted_text(&t, GR_STR("a"),
                GR_STR("groups: [{name: a, rules: [{record: 'a:b', expr: up}, {record: 'a:c', expr: up}]}]"));
    linted_text(
        &t, GR_STR("b"),
        GR_STR("groups: [{name: a, rules: [{alert: A, expr: 'a:b > 1'}, {record: 'a:c', expr: up}]}]"));
    linted_text(&t, GR_STR("another part of the same series"),
                GR_STR("groups: [{name: a, rules: [{record: 'a:c', expr: 'up{job=\"b\"}'}]}]"));
    ck_assert_int_eq(gr_lint_finish(t.lint), GR_OK);
    ck_assert_uint_eq(gr_lint_rules(t.lint), 5);
    s = linted_findings(&t);
    ck_assert_ptr_nonnull(strstr(s, "b:1:66: GR0503"));
    ck_assert_ptr_null(strstr(s, "another part of the same series:1:"));
    ck_assert_ptr_nonnull(strstr(s, "a:1:64: note: the first one"));
    ck_assert_ptr_nonnull(strstr(s, "no rule in these files reads \"a:c\""));
    ck_assert_ptr_null(strstr(s, "\"a:b\""));
    linted_fini(&t);
}
END_TEST

static const struct option_row {
    const char *name;
    enum gr_code off;
    enum gr_severity min;
    int64_t scrape_ms;
    const char *has; /* NULL: no finding */
} option_rows[] = {
    {"as it is", GR_CODE_COUNT, GR_SEV_WARNING, 15000, "GR0513"},
    {"off", GR0513, GR_SEV_WARNING, 15000, NULL},
    {"errors only", GR_CODE_COUNT, GR_SEV_ERROR, 15000, NULL},
    {"more scrapes", GR_CODE_COUNT, GR_SEV_WARNING, 7500, NULL},
    {"not known", GR_CODE_COUNT, GR_SEV_WARNING, 0, NULL},
};

START_TEST(options_count)
{
    const struct option_row *r = &option_rows[_i];
    struct linted t;

    linted_init(&t);
    if (r->off != GR_CODE_COUNT)
        t.options.off[r->off] = true;
    t.options.min_severity = r->min;
    t.options.scrape_interval_ms = r->scrape_ms;
    linted_text(&t, GR_STR("a"),
                GR_STR("groups: [{name: a, rules: [{record: 'a:b', expr: 'rate(x_total[30s])'}]}]"));
    ck_assert_int_eq(gr_lint_finish(t.lint), GR_OK);
    ck_assert_msg(r->has ? strstr(linted_findings(&t), r->has) != NULL : linted_findings(&t)[0] == '\0',
                  "%s: %s", r->name, linted_findings(&t));
    linted_fini(&t);
}
END_TEST

/* An alias of a list that holds an alias of a list …: what it unfolds to is counted before it is visited. */
START_TEST(aliases_are_bounded)
{
    struct gr_buf b = GR_BUF_INIT(1 << 22);
    struct linted t;

    gr_buf_puts(&b, "groups:\n  - name: g0\n    rules: &r\n");
    for (int i = 0; i < 1000; i++)
        gr_buf_puts(&b, "    - {alert: A, expr: 'up == 0'}\n");
    for (int i = 1; i < 2010; i++)
        gr_buf_printf(&b, "  - {name: g%d, rules: *r}\n", i);
    linted_init(&t);
    t.options.min_severity = GR_SEV_ERROR;
    linted_text(&t, GR_STR("a"), gr_buf_str(&b));
    ck_assert_ptr_nonnull(strstr(linted_findings(&t), "more than 2000000 rules"));
    linted_fini(&t);
    gr_buf_fini(&b);
}
END_TEST

/* The same for merge keys. */
START_TEST(merge_keys_are_bounded)
{
    struct gr_buf b = GR_BUF_INIT(1 << 22);
    struct linted t;

    gr_buf_puts(&b, "groups:\n  - name: g0\n    rules:\n      - {alert: A, expr: 'up == 0', labels: &l {");
    for (int i = 0; i < 900; i++)
        gr_buf_printf(&b, "a%d: b, ", i);
    gr_buf_puts(&b, "}}\n      - &r {alert: B, expr: 'up == 0', labels: {<<: [");
    for (int i = 0; i < 1000; i++)
        gr_buf_puts(&b, "*l, ");
    gr_buf_puts(&b, "]}}\n");
    for (int i = 0; i < 1000; i++)
        gr_buf_puts(&b, "      - *r\n");
    linted_init(&t);
    t.options.min_severity = GR_SEV_ERROR;
    linted_text(&t, GR_STR("a"), gr_buf_str(&b));
    ck_assert_ptr_nonnull(strstr(linted_findings(&t), "merge keys unfold to too much"));
    linted_fini(&t);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(any_allocation_may_fail)
{
    static const char text[] =
        "groups:\n- name: a\n  rules:\n"
        "  - alert: A\n    expr: a > 1 and sum by (x) (b) / c < 2\n"
        "    annotations: {a: '{{ $labels.y }} {{ with $x := 1 }}{{ end }}'}\n"
        "  - {record: 'a:b', expr: up, labels: {<<: {a: b}, c: d}} # guardrail ignore GR0513: x\n";
    struct gr_sources *sources = gr_sources_create();
    struct gr_lint_options defaults;
    bool failed = true;
    uint32_t file;

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f"), gr_str(text), &file), GR_OK);
    gr_lint_defaults(&defaults);
    for (unsigned n = 1; failed; n++) {
        struct gr_diags *d = gr_diags_create(sources);
        struct gr_lint *l;
        enum gr_err err = GR_ENOMEM;

        ck_assert_uint_lt(n, 10000);
        fault_arm(FAULT_REALLOC, n, _i, ENOMEM);
        l = gr_lint_create(&defaults, sources, d);
        if (l && (err = gr_lint_file(l, file)) == GR_OK)
            err = gr_lint_finish(l);
        failed = fault_hit();
        fault_off();
        if (!failed)
            ck_assert_int_eq(err, GR_OK);
        else
            ck_assert_msg(err != GR_OK || gr_diags_status(d) == GR_ENOMEM, "call %u", n);
        gr_lint_free(l);
        gr_diags_free(d);
    }
    gr_sources_free(sources);
}
END_TEST

Suite *
lint_suite(void)
{
    Suite *s = suite_create("lint");
    TCase *corpus = tcase_create("corpus"), *tc = tcase_create("runs");

    tcase_add_test(corpus, bad_files);
    tcase_add_test(corpus, good_files);
    tcase_add_test(corpus, pages);
    tcase_add_test(corpus, codes_are_found);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, files_are_one_set);
    tcase_add_loop_test(tc, options_count, 0, GR_COUNT(option_rows));
    tcase_add_test(tc, aliases_are_bounded);
    tcase_add_test(tc, merge_keys_are_bounded);
    tcase_add_loop_test(tc, any_allocation_may_fail, 0, 2);
    suite_add_tcase(s, corpus);
    suite_add_tcase(s, tc);
    return s;
}
