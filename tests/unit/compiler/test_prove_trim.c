#include "config.h"
#include "test_compiler.h"

#include "prove.h"
#include "prove_trim.h"

/* What a part has. Values with escapes are not read: any may be there. */
static const char file[] = "rule_files: [x]\n"
                           "tests:\n"
                           "  input_series:\n"
                           "  - series: \"raw{cluster=\\\"c1\\\",phase=\\\"p1\\\",my_phase=\\\"p7\\\"}\"\n"
                           "    values: '1x9'\n"
                           "  - series: \"raw{my_phase=\\\"p8\\\",phase=\\\"p2\\\"}\"\n"
                           "    values: '1x9'\n"
                           "  - series: \"odd{region=\\\"a\\\\\\\\b\\\"}\"\n"
                           "    values: '1x9'\n"
                           "  promql_expr_test:\n"
                           "  - expr: \"asked{phase=\\\"p9\\\"}\"\n";

/* What is left of an expression; NULL: nothing. guardrail:other is recorded by a rule of its own. */
static const struct {
    const char *expr, *rest;
} rows[] = {
    {"raw", "raw"},
    {"raw{phase=\"p1\"}", "raw{phase=\"p1\"}"},
    {"raw{phase=\"p3\"}", NULL},
    {"raw{phase=\"p7\"}", NULL}, /* of another label */
    {"raw{phase=\"p9\"}", NULL}, /* is asked for, and not there */
    {"raw{phase=~\"p3|p2\"}", "raw{phase=~\"p3|p2\"}"},
    {"raw{phase=~\"p3|p4\"}", NULL},
    {"raw{phase=~\"p3|\"}", "raw{phase=~\"p3|\"}"},
    {"raw{phase=~\"p3.*\"}", "raw{phase=~\"p3.*\"}"},
    {"raw{phase!=\"p1\"}", "raw{phase!=\"p1\"}"},
    {"raw{phase=\"\"}", "raw{phase=\"\"}"},
    {"raw{cluster=\"c2\"}", NULL},
    {"raw{region=\"r\"}", "raw{region=\"r\"}"},       /* there is one that cannot be read */
    {"raw{made=\"x\"}", "raw{made=\"x\"}"},           /* a rule makes this label */
    {"raw{my_phase=\"p1\"}", "raw{my_phase=\"p1\"}"}, /* nobody looks at this one */
    {"raw{guardrail=\"g\"}", "raw{guardrail=\"g\"}"},
    {"raw{guardrail=\"h\"}", NULL},
    {"absent_name", NULL},
    {"guardrail:other", "guardrail:other"},
    {"guardrail:dead", NULL}, /* recorded by a rule of which nothing is left */
    {"ALERTS", "ALERTS"},
    {"raw or nothing", "raw"},
    {"nothing or raw", "raw"},
    {"nothing or raw{phase=\"p3\"}", NULL},
    {"(nothing or raw) and odd", "(raw) and odd"},
    {"raw and nothing", NULL},
    {"nothing and raw", NULL},
    {"raw unless nothing", "raw"},
    {"nothing unless raw", NULL},
    {"raw / on (cluster) nothing", NULL},
    {"raw * 2 or nothing * 2", "raw * 2"},
    {"2 * nothing", NULL},
    {"nothing > bool 2 or raw", "raw"},
    {"sum by (phase) (nothing) or raw", "raw"},
    {"count(nothing)", NULL},
    {"sum_over_time(nothing[5m]) or raw", "raw"},
    {"histogram_quantile(0.5, nothing) or raw", "raw"},
    {"topk(1, nothing) or raw", "raw"},
    {"-nothing or raw", "raw"},
    {"absent(nothing)", "absent(nothing)"},
    {"vector(scalar(nothing)) or raw", "vector(scalar(nothing)) or raw"},
    {"raw * scalar(nothing)", "raw * scalar(nothing)"},
    {"max_over_time(nothing[5m:1m]) or raw", "max_over_time(nothing[5m:1m]) or raw"},
    {"raw or (odd unless (nothing or nothing2))", "raw or (odd)"},
};

/* Rules of guardrail g: the one under test, and what it may read. */
static struct gr_rule_group *
rules(struct gr_arena *a, const char *expr)
{
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_rule_group *g = gr_rulefile_group(f, GR_STR("group"), 120000);
    struct gr_rule *other;

    (void)gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:tested"), gr_str(expr));
    (void)gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:other"),
                           GR_STR("label_replace(raw, \"made\", \"x\", \"\", \"\")"));
    (void)gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:dead"), GR_STR("guardrail:deader * 2"));
    (void)gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:deader"), GR_STR("nothing"));
    other = gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:theirs"), GR_STR("raw"));
    gr_rule_label(f, other, GR_STR("guardrail"), GR_STR("h"));
    return g;
}

static void
trim(struct gr_arena *a, const char *expr, struct prove_rules *r, struct prove_trimmed *t)
{
    static struct gr_str labels[] = {{"cluster", 7}, {"region", 6}, {"made", 4}};
    struct model m = {.release_labels = {labels, GR_COUNT(labels)}};

    ck_assert_int_eq(prove_rules_read(a, &m, rules(a, expr), GR_STR("g"), false, r), GR_OK);
    ck_assert_int_eq(prove_trim(r, gr_str(file), t), GR_OK);
}

START_TEST(what_is_empty_goes)
{
    struct gr_arena *a = gr_arena_create(4u << 20);
    struct prove_rules r;
    struct prove_trimmed t;

    trim(a, rows[_i].expr, &r, &t);
    ck_assert_msg(gr_str_is(t.exprs[0], rows[_i].rest ? rows[_i].rest : ""), "%s leaves " GR_FMT,
                  rows[_i].expr, GR_ARG(t.exprs[0]));
    ck_assert_uint_eq(t.exprs[4].n, 0); /* another guardrail's */
    gr_arena_free(a);
}
END_TEST

/* A changed rule: all the same, less or more; and what reads it comes back with it. */
START_TEST(changed_rules_are_trimmed)
{
    struct gr_arena *a = gr_arena_create(4u << 20);
    struct prove_rules r;
    struct prove_trimmed t;
    const struct gr_str *exprs = NULL;

    trim(a, "raw or nothing{phase=\"p1\"}", &r, &t);
    ck_assert_int_eq(prove_trim_changed(a, &t, 0, prove_parse(a, GR_STR("raw or nothing{x=\"2\"}")), &exprs),
                     GR_OK);
    ck_assert_ptr_null(exprs);
    ck_assert_int_eq(prove_trim_changed(a, &t, 0, prove_parse(a, GR_STR("raw * 2 or nothing")), &exprs),
                     GR_OK);
    ck_assert(gr_str_is(exprs[0], "raw * 2"));
    ck_assert_int_eq(prove_trim_changed(a, &t, 3, prove_parse(a, GR_STR("nothing2")), &exprs), GR_OK);
    ck_assert_ptr_null(exprs);
    ck_assert_uint_eq(t.exprs[2].n, 0);
    ck_assert_int_eq(prove_trim_changed(a, &t, 3, prove_parse(a, GR_STR("nothing or raw")), &exprs), GR_OK);
    ck_assert(gr_str_is(exprs[3], "raw"));
    ck_assert(gr_str_is(exprs[2], "guardrail:deader * 2")); /* there is something to read again */
    gr_arena_free(a);
}
END_TEST

Suite *
prove_trim_suite(void)
{
    Suite *s = suite_create("prove_trim");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, what_is_empty_goes, 0, GR_COUNT(rows));
    tcase_add_test(tc, changed_rules_are_trimmed);
    suite_add_tcase(s, tc);
    return s;
}
