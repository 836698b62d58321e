/* test_promql_diff.c - our verdict on an expression is promtool's.
 *
 * Generated expressions (promql_gen.h) are written into a rule file, one rule each; promtool names every rule
 * it refuses. What both take is printed, read again, and must still be taken by promtool. GR_DIFF_COUNT and
 * GR_DIFF_SEED in the environment make the run longer or other. Without promtool the test says so and passes
 * nothing.
 *
 * Disagreements that are known: none but our limits (promql.h), which no expression made here reaches. */
#include "config.h"
#include "test_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guardrail/duration.h"
#include "guardrail/file.h"
#include "guardrail/node.h"
#include "guardrail/quote.h"
#include "guardrail/rulefile.h"
#include "promql_gen.h"
#include "promtool.h"

/* Sanitizers make our half ten times slower. */
#if defined(__SANITIZE_ADDRESS__)
#define COUNT_DEFAULT 4000u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COUNT_DEFAULT 4000u
#endif
#endif
#ifndef COUNT_DEFAULT
#define COUNT_DEFAULT 20000u
#endif
#define COUNT_MAX 200000u
#define SHOWN_MAX 30u /* disagreements that are printed */
#define GROUP 100u    /* rules in one group */
#define OUTPUT_MAX (256u << 20)

struct one {
    struct gr_buf text;  /* what promtool gets */
    bool ours, promtool; /* taken */
};

/* Where our answer may differ: stated limits, which promtool has not. None is generated on purpose. */
static bool
beyond_limits(const struct one *o)
{
    return o->text.n > GR_PROMQL_BYTES_MAX;
}

static void
write_rules(const char *path, const struct one *all, size_t count)
{
    struct gr_buf b = GR_BUF_INIT(OUTPUT_MAX);

    gr_buf_puts(&b, "groups:\n");
    for (size_t i = 0; i < count; i++) {
        if (i % GROUP == 0)
            gr_buf_printf(&b, "- name: g%zu\n  rules:\n", i / GROUP);
        gr_buf_printf(&b, "  - record: r:%zu\n    expr: ", i);
        gr_quote_yaml(&b, gr_buf_str(&all[i].text));
        gr_buf_putc(&b, '\n');
    }
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    ck_assert_int_eq(gr_file_write(path, gr_buf_str(&b), 0644), GR_OK);
    gr_buf_fini(&b);
}

/* Reads 'group "g3", rule 17, "r:316": could not parse …' lines. Messages may span lines; only the first has
 * the mark. */
static void
read_verdicts(const char *out, struct one *all, size_t count)
{
    struct gr_buf b = GR_BUF_INIT(OUTPUT_MAX);
    struct gr_str rest, line;

    ck_assert_int_eq(gr_file_read(out, &b), GR_OK);
    for (size_t i = 0; i < count; i++)
        all[i].promtool = true;
    rest = gr_buf_str(&b);
    while (gr_str_next(&rest, '\n', &line)) {
        size_t i = promtool_number_behind(line, ", \"r:");

        if (i < count && promtool_number_behind(line, "group \"g") == i / GROUP &&
            promtool_number_behind(line, "\", rule ") == i % GROUP + 1)
            all[i].promtool = false;
    }
    gr_buf_fini(&b);
}

static void
ask_promtool(struct one *all, size_t count)
{
    char folder[64] = "promql-diff-XXXXXX", rules[96], out[96];
    bool any = false;
    int status;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(rules, sizeof rules, "%s/rules.yml", folder);
    snprintf(out, sizeof out, "%s/output", folder);
    write_rules(rules, all, count);
    status = promtool_run("check", rules, out);
    ck_assert_msg(status == 0 || status == 1 || status == 3, "promtool ended with %d", status);
    read_verdicts(out, all, count);
    for (size_t i = 0; i < count; i++)
        any = any || !all[i].promtool;
    ck_assert_msg(any == (status == 1), "promtool ended with %d, but %s rule was refused", status,
                  any ? "a" : "no");
    unlink(rules);
    unlink(out);
    rmdir(folder);
}

/* Verdict and canonical form. The form read again is the same tree and prints the same. */
static bool
judge(struct gr_str text, struct gr_buf *printed)
{
    struct parsed first, second;
    struct gr_buf again = GR_BUF_INIT(1 << 22);
    bool taken;

    parsed_init(&first, text);
    taken = first.err == GR_OK;
    if (taken) {
        gr_promql_print(printed, first.expr);
        ck_assert_int_eq(gr_buf_err(printed), GR_OK);
        parsed_init(&second, gr_buf_str(printed));
        ck_assert_msg(second.err == GR_OK, "'" GR_FMT "' printed as '%s': %s", GR_ARG(text),
                      gr_buf_cstr(printed), parsed_message(&second));
        gr_promql_print(&again, second.expr);
        ck_assert_msg(gr_promql_equal(first.expr, second.expr), "'" GR_FMT "' printed as '%s'", GR_ARG(text),
                      gr_buf_cstr(printed));
        ck_assert_str_eq(gr_buf_cstr(printed), gr_buf_cstr(&again));
        parsed_fini(&second);
    }
    parsed_fini(&first);
    gr_buf_fini(&again);
    return taken;
}

static void
generate(struct one *all, struct one *printed, size_t count)
{
    struct gen g = {.state = promtool_env("GR_DIFF_SEED", 20261123, SIZE_MAX - 1) | 1};

    for (size_t i = 0; i < count; i++) {
        do {
            gr_buf_reset(&all[i].text);
            g.out = &all[i].text;
            g.errors_in = i % 4 == 0 ? 0 : 30;
            if (i % 4 == 3)
                gen_soup(&g);
            else
                gen_expression(&g, i % 4 == 2);
        } while (all[i].text.n == 0); /* an empty expression is a missing one to a rule file */
        ck_assert_int_eq(gr_buf_err(&all[i].text), GR_OK);
        all[i].ours = judge(gr_buf_str(&all[i].text), &printed[i].text);
        if (!all[i].ours)
            gr_buf_puts(&printed[i].text, "up");
    }
}

static void
init_all(struct one *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gr_buf_init(&all[i].text, 1 << 22);
}

static void
free_all(struct one *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gr_buf_fini(&all[i].text);
    free(all);
}

START_TEST(verdicts_agree)
{
    size_t count = promtool_env("GR_DIFF_COUNT", COUNT_DEFAULT, COUNT_MAX), wrong = 0, taken = 0;
    struct one *all = calloc(count, sizeof *all), *printed = calloc(count, sizeof *printed);

    ck_assert(all && printed);
    init_all(all, count);
    init_all(printed, count);
    generate(all, printed, count);
    ask_promtool(all, count);
    ask_promtool(printed, count);
    for (size_t i = 0; i < count; i++) {
        taken += all[i].ours;
        if (all[i].ours != all[i].promtool && !beyond_limits(&all[i]) && wrong++ < SHOWN_MAX)
            printf("%s, promtool %s: %s\n", all[i].ours ? "taken" : "refused",
                   all[i].promtool ? "takes" : "refuses", gr_buf_cstr(&all[i].text));
        if (!printed[i].promtool && wrong++ < SHOWN_MAX)
            printf("%s\n    is printed as what promtool refuses: %s\n", gr_buf_cstr(&all[i].text),
                   gr_buf_cstr(&printed[i].text));
    }
    printf("promql: %zu expressions, %zu taken, %zu disagreements\n", count, taken, wrong);
    (void)fflush(stdout); /* a failure ends the process here */
    ck_assert_msg(taken > count / 4 && taken < count - count / 4,
                  "%zu of %zu taken: the generator proves little", taken, count);
    ck_assert_uint_eq(wrong, 0);
    free_all(all, count);
    free_all(printed, count);
}
END_TEST

/* ---- the worked sketch: printed anew and written by our writer, promtool takes it ---- */

static struct gr_str
scalar(const struct gr_node *map, const char *key)
{
    const struct gr_node *node = gr_node_get(map, key);

    return node ? node->text : GR_STR_NONE;
}

static void
copy_pairs(struct gr_rulefile *f, struct gr_rule *r, const struct gr_node *map,
           void (*add)(struct gr_rulefile *, struct gr_rule *, struct gr_str, struct gr_str))
{
    gr_node_each (pair, map) {
        add(f, r, pair->key, pair->text);
    }
}

static void
copy_rule(struct gr_rulefile *f, struct gr_rule_group *g, const struct gr_node *rule)
{
    bool alert = gr_node_get(rule, "alert") != NULL;
    struct gr_buf printed = GR_BUF_INIT(1 << 20);
    struct gr_rule *r;

    ck_assert(judge(scalar(rule, "expr"), &printed));
    r = gr_rulefile_rule(f, g, alert ? GR_RULE_ALERT : GR_RULE_RECORD,
                         scalar(rule, alert ? "alert" : "record"), gr_buf_str(&printed));
    ck_assert_ptr_nonnull(r);
    if (gr_node_get(rule, "for"))
        ck_assert_int_eq(gr_duration_parse(scalar(rule, "for"), &r->for_ms), GR_OK);
    if (gr_node_get(rule, "keep_firing_for"))
        ck_assert_int_eq(gr_duration_parse(scalar(rule, "keep_firing_for"), &r->keep_firing_for_ms), GR_OK);
    copy_pairs(f, r, gr_node_get(rule, "labels"), gr_rule_label);
    copy_pairs(f, r, gr_node_get(rule, "annotations"), gr_rule_annotation);
    gr_buf_fini(&printed);
}

static void
copy_file(struct gr_rulefile *f, const struct gr_node *root)
{
    gr_node_each (group, gr_node_get(root, "groups")) {
        struct gr_rule_group *g = gr_rulefile_group(f, scalar(group, "name"), 0);

        ck_assert_int_eq(gr_duration_parse(scalar(group, "interval"), &g->interval_ms), GR_OK);
        gr_node_each (rule, gr_node_get(group, "rules")) {
            copy_rule(f, g, rule);
        }
    }
}

START_TEST(sketch_is_taken)
{
    struct gr_buf path = GR_BUF_INIT(4096), text = GR_BUF_INIT(1 << 20), yaml = GR_BUF_INIT(1 << 20);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_arena *a = gr_arena_create(8 << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_node *root = NULL;
    const char *srcdir = getenv("GR_SRCDIR");
    char folder[64] = "promql-sketch-XXXXXX", rules[96], out[96];
    uint32_t file;

    gr_buf_printf(&path, "%s/tests/data/lowering-sketch.yml", srcdir ? srcdir : "..");
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &text), GR_OK);
    ck_assert_int_eq(gr_sources_add(sources, GR_STR("sketch"), gr_buf_str(&text), &file), GR_OK);
    ck_assert_int_eq(gr_yaml_read(a, sources, file, &gr_node_limits_default, diags, &root), GR_OK);
    copy_file(f, root);
    ck_assert_int_eq(gr_arena_status(a), GR_OK);
    gr_rulefile_write(&yaml, f, GR_STR("The worked sketch, in canonical form."));
    ck_assert_int_eq(gr_buf_err(&yaml), GR_OK);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(rules, sizeof rules, "%s/rules.yml", folder);
    snprintf(out, sizeof out, "%s/output", folder);
    ck_assert_int_eq(gr_file_write(rules, gr_buf_str(&yaml), 0644), GR_OK);
    ck_assert_int_eq(promtool_run("check", rules, out), 0);
    gr_buf_reset(&text);
    ck_assert_int_eq(gr_file_read(out, &text), GR_OK);
    ck_assert_msg(strstr(gr_buf_cstr(&text), "SUCCESS: 47 rules found") != NULL, "%s", gr_buf_cstr(&text));
    unlink(rules);
    unlink(out);
    rmdir(folder);
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    gr_buf_fini(&yaml);
    gr_arena_free(a);
    gr_diags_free(diags);
    gr_sources_free(sources);
}
END_TEST

Suite *
promql_diff_suite(void)
{
    Suite *s = suite_create("promql_diff");
    TCase *tc = tcase_create("promtool");

    tcase_set_timeout(tc, 300);
    if (promtool_exists()) {
        tcase_add_test(tc, verdicts_agree);
        tcase_add_test(tc, sketch_is_taken);
    } else
        printf("promql: promtool is missing, the comparison with it is skipped\n");
    suite_add_tcase(s, tc);
    return s;
}
