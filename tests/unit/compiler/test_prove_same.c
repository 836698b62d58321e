#include "config.h"
#include "test_compiler.h"

#include "prove.h"
#include "prove_same.h"

/* One guardrail of each kind that slots differ by. */
static struct guardrail guardrails[] = {
    {.name = {"r", 1}, .metric = {.kind = METRIC_RATIO_BAD}},
    {.name = {"w", 1}, .metric = {.kind = METRIC_RATIO_GOOD, .n_weights = 2}},
    {.name = {"h", 1}, .metric = {.kind = METRIC_HISTOGRAM}},
    {.name = {"v", 1}, .metric = {.kind = METRIC_GAUGE}},
};

#define SUM "guardrail:slot:sum"
#define TEST "guardrail:test:sum"

/* The first change of this kind (of a comparison the last): whether it is known to change nothing. Each that is, beside near misses. */
static const struct {
    const char *expr, *what;
    bool equal;
} rows[] = {
    /* the other branch is for the other values */
    {"a{v=\"1\"} * 0 + 2 or a{v!=\"1\"} * 0 + 1", "matcher: dropped v", false}, /* the left one wins */
    {"a{q=\"1\"} * 0 + 2 or a{q=\"1\",v!=\"2\"} * 0 + 1", "matcher: dropped v", false},
    {"a{q=\"1\",v=\"1\"} > 1.1 or a{q=\"1\",v!=\"1\"} > 1.08", "matcher: dropped v", true},
    {"a{v=\"1\"} > 1.1 or a{v!=\"1\"} > 1.08", "matcher: dropped v", true},
    {"a{v=~\"1|2\"} > 1.1 or a{v!~\"1|2\"} > 1.1", "matcher: dropped v", true},
    {"a{v=\"1\"} < 1.1 or a{v!=\"1\"} < 1.2", "matcher: dropped v", true},
    {"b or a{v=\"1\"} > 2 or a{v!=\"1\"} > 1", "matcher: dropped v", true},
    {"a{v=\"1\"} > 1.08 or a{v!=\"1\"} > 1.1", "matcher: dropped v", false},
    {"a{v=\"1\"} > 1.1 or a{v!=\"1\"} >= 1.08", "matcher: dropped v", false},
    {"a{v=\"1\"} > 1.1 or a{v!=\"2\"} > 1.08", "matcher: dropped v", false},
    {"a{v=\"1\"} > 1.1 or a{v=\"1\"} > 1.08", "matcher: dropped v", false},
    {"a{v=\"1\"} > 1.1 or b{v!=\"1\"} > 1.08", "matcher: dropped v", false},
    {"a{v=\"1\"} > bool 1.1 or a{v!=\"1\"} > 1.08", "matcher: dropped v", false},
    {"a{v=\"1\"} > 1.1 or on (x) a{v!=\"1\"} > 1.08", "matcher: dropped v", false},
    {"a{v=\"1\"} > 1.1 or a{v!=\"1\",w=\"1\"} > 1.08", "matcher: dropped v", false},
    {"a{v=\"1\"} > 1.1 or b or a{v!=\"1\"} > 1.08", "matcher: dropped v", false},
    {"a{v=\"1\"} > 1.1 and a{v!=\"1\"} > 1.08", "matcher: dropped v", false},
    /* one part that counts all */
    {"sum without (part, le) (" TEST "{part=\"total\"} or " TEST "{part=\"bucket\"})", "aggregation: max",
     true},
    {"sum without (part, le) (" SUM "{part=~\"total|bucket\",le=~\"|\\\\+Inf\"})", "aggregation: max", true},
    {"max without (part, le) (count_over_time(" SUM "{part=~\"total|bucket\",le=~\"|\\\\+Inf\"}[9m]) / 5 or "
     "count_over_time(guardrail:slot:value[9m]) / 5)",
     "aggregation: min", true},
    {"sum without (part) (" SUM "{guardrail=\"r\",part=\"bad\"})", "aggregation: max", true},
    {"sum without (part) (" SUM "{guardrail=\"r\",part=~\"bad|total\"})", "aggregation: max", false},
    {"sum without (part) (" SUM "{guardrail=\"r\"})", "aggregation: max", false},
    {"sum without (part, le) (" SUM "{guardrail=\"h\",part=\"bucket\"})", "aggregation: max", false},
    {"sum without (part, le) (" TEST "{guardrail=\"h\"})", "aggregation: max", true},
    {"sum without (part, le) (" TEST "{part=\"total\"} or " TEST "{part=\"square\"})", "aggregation: max",
     false},
    {"sum without (part, cohort) (" TEST "{part=\"total\"})", "aggregation: max", false},
    {"sum by (part) (" TEST "{part=\"total\"})", "aggregation: max", false},
    {"sum without (part) (a{part=\"total\"})", "aggregation: max", false},
    {"sum without (part) (" TEST "{part=\"total\"} + " TEST "{part=\"bad\"})", "aggregation: max", false},
    {"sum without (part) (rate(" SUM "{part=\"total\"}[9m]))", "aggregation: max", false},
    {"count without (part) (" TEST "{part=\"total\"})", "aggregation: sum", false},
    /* edges that tie */
    {"1 - min without (part, le) (guardrail:test:edge{s=\"1\"})", "aggregation: max", true},
    {"min without (part, le) (guardrail:test:cdf)", "aggregation: max", false},
    {"min without (cohort) (guardrail:test:edge)", "aggregation: max", false},
    {"sum without (part, le) (guardrail:test:edge)", "aggregation: max", false},
    {"min without (part, le) (max_over_time(guardrail:test:edge[9m]))", "aggregation: max", false},
    /* one or else the other */
    {"sum without (c) (a{c=\"1\"} or ignoring (c) b{c=\"2\"})", "aggregation: max", true},
    {"sum without (c) (a or ignoring (c) b{c=\"2\"})", "aggregation: max", false},
    {"sum without (c) (a{c=\"1\"} or b{c=\"2\"})", "aggregation: max", false},
    {"sum without (c, d) (a{c=\"1\"} or ignoring (c) b{c=\"2\"})", "aggregation: max", false},
    {"sum without (c) (a{c=~\"1|3\"} or ignoring (c) b{c=\"2\"})", "aggregation: max", false},
    /* so many limits; the guardrails here have none */
    {"guardrail:effect and (count without (level, side) (guardrail:limit{guardrail=\"r\"}) == 4 or b)",
     "matcher: dropped guardrail", true},
    {"guardrail:effect and (count without (level, side) (guardrail:limit{guardrail=\"r\"}) == 0)",
     "matcher: dropped guardrail", false},
    {"guardrail:effect and (count without (level) (guardrail:limit{guardrail=\"r\"}) == 4)",
     "matcher: dropped guardrail", false},
    {"guardrail:effect or (count without (level, side) (guardrail:limit{guardrail=\"r\"}) == 4)",
     "matcher: dropped guardrail", false},
    {"guardrail:effect and (count without (level, side) (guardrail:limit{guardrail=\"r\"}) >= 4)",
     "matcher: dropped guardrail", false},
    {"b and (count without (level, side) (guardrail:limit{guardrail=\"r\"}) == 4)",
     "matcher: dropped guardrail", false},
    /* divided by nothing */
    {"a / ignoring (p) (b{p=\"t\"} > 0) > -Inf < +Inf", "operator: >=", true},
    {"a / (b > 0) > -Inf < +Inf", "operator: >=", true},
    {"a / ignoring (p) (b > 0) > -Inf < +Inf", "operator: >=", false}, /* there may be two partners */
    {"a / on (p) (b{p=\"t\"} > 0) > -Inf < +Inf", "operator: >=", false},
    {"a / (b > 0 < +Inf) > -Inf < +Inf", "operator: >=", true},
    {"a / (b > 0 < 5) > -Inf < +Inf", "operator: >=", false},
    {"a / (b > 0) < +Inf", "operator: >=", false},
    {"a / (b > 0) > -Inf", "operator: >=", false},
    {"a / (b > 1) > -Inf < +Inf", "operator: >=", false},
    {"a / (b > bool 0) > -Inf < +Inf", "operator: >=", false},
    {"a * (b > 0) > -Inf < +Inf", "operator: >=", false},
    {"(b > 0) / a > -Inf < +Inf", "operator: >=", false},
    {"sum(a / (b > 0)) > -Inf < +Inf", "operator: >=", false},
    /* partners in one group */
    {"sum without (c) (a or ignoring (c) b) * 0 + 1", "ignoring: dropped c", true},
    {"d unless max without (c) (a or ignoring (c) b)", "ignoring: dropped c", true},
    {"sum without (c) (a or ignoring (c) b)", "ignoring: dropped c", false},
    {"sum without (d) (a or ignoring (c) b) * 0", "ignoring: dropped c", false},
    {"sum by (c) (a or ignoring (c) b) * 0", "ignoring: dropped c", false},
    {"sum without (c) (a and ignoring (c) b) * 0", "ignoring: dropped c", false},
    {"sum without (c, d) (a or ignoring (c, d) b) * 0", "ignoring: dropped c",
     false}, /* true, but not known */
};

/* The first change of that kind, in order; the last of them where `last` is asked for. */
static void
change(struct gr_arena *a, const char *expr, const char *what, bool last, struct mutate_change *out)
{
    struct gr_promql *e = prove_parse(a, gr_str(expr));
    struct mutate_change c = {.tree = NULL};
    bool found = false;
    enum gr_err err = GR_OK;

    ck_assert_ptr_nonnull(e);
    for (size_t n = 0; err != GR_ENOENT && (last || !found); n++)
        if ((err = mutate_nth(a, e, n, 120000, &c)) == GR_OK && gr_str_is(c.what, what)) {
            *out = c;
            found = true;
        }
    ck_assert_msg(found, "%s has no %s", expr, what);
}

START_TEST(same_changes_are_known)
{
    struct gr_arena *a = gr_arena_create(4u << 20);
    struct model m = {.guardrails = guardrails, .n_guardrails = GR_COUNT(guardrails)};
    struct mutate_change c = {.tree = NULL};
    const char *why;

    change(a, rows[_i].expr, rows[_i].what, strcmp(rows[_i].what, "operator: >=") == 0, &c);
    why = prove_same(&m, &c);
    ck_assert_msg((why != NULL) == rows[_i].equal, "%s, %s: %s", rows[_i].expr, rows[_i].what,
                  why ? why : "not known");
    gr_arena_free(a);
}
END_TEST

/* The branch on the right: what it takes more of, the left one has. */
static const struct {
    const char *expr;
    bool equal;
} rights[] = {
    {"a{v=\"1\"} * 0 + 2 or a{v!=\"1\"} * 0 + 1", true},
    {"b or a{v=~\"1|2\"} * 0 + 2 or a{v!~\"1|2\"} * 0 + 1", true},
    {"a{v=\"1\"} or a{v!=\"1\"}", true},
    {"a{v=\"1\"} > 2 or a{v!=\"1\"} * 0 + 1", false},
    {"a{v=\"1\"} * 0 + 2 or a{v!=\"1\"} > 1", false},
    {"a{v=\"1\"} * 0 + 2 or a{v!=\"2\"} * 0 + 1", false},
    {"a{v=\"1\",w=\"1\"} * 0 + 2 or a{v!=\"1\"} * 0 + 1", false},
    {"b{v=\"1\"} * 0 + 2 or a{v!=\"1\"} * 0 + 1", false},
    {"a{v=\"1\"} * b or a{v!=\"1\"} * 0 + 1", false},
};

START_TEST(branches_that_have_all_are_known)
{
    struct gr_arena *a = gr_arena_create(4u << 20);
    struct mutate_change c = {.tree = NULL};

    change(a, rights[_i].expr, "matcher: dropped v", true, &c);
    ck_assert_msg((prove_same(NULL, &c) != NULL) == rights[_i].equal, "%s", rights[_i].expr);
    gr_arena_free(a);
}
END_TEST

/* What rules record, and whether the matcher on k, which they all have, is superfluous in x{spec="s",k=…}. */
static const struct {
    const char *expr, *label, *matcher;
    bool known;
} records[] = {
    {"raw{k=\"1\"}", NULL, "k=\"1\"", true},
    {"raw{k=\"1\"}", NULL, "k=~\"1|2\"", true},
    {"raw{k=~\"1|2\"}", NULL, "k=~\"1|2|3\"", true},
    {"raw{k=~\"1|4\"}", NULL, "k=~\"1|2|3\"", false},
    {"raw{k=\"1\"}", NULL, "k!=\"2\"", true},
    {"raw{k=\"2\"}", NULL, "k!=\"2\"", false},
    {"raw", NULL, "k=\"1\"", false},
    {"raw", "1", "k=\"1\"", true},
    {"raw{k=\"1\"}", "2", "k=\"1\"", false},
    {"raw{k=\"1\"} or raw{k=\"2\"}", NULL, "k=\"1\"", false},
    {"raw{k=\"1\"} or raw{k=\"1\",l=\"2\"}", NULL, "k=\"1\"", true},
    {"sum by (k) (raw{k=\"1\"})", NULL, "k=\"1\"", true},
    {"sum without (k) (raw{k=\"1\"})", NULL, "k=\"1\"", false},
    {"sum_over_time(guardrail:inner[3h]) / ignoring (l) other", NULL, "k=\"1\"",
     true}, /* inner is recorded so */
    {"guardrail:inner * on (l) other", NULL, "k=\"1\"", false},
    {"guardrail:inner * on (l) group_left () other", NULL, "k=\"1\"", true},
    {"guardrail:inner * on (l) group_left (k) other", NULL, "k=\"1\"", false},
    {"other * on (l) group_left (k) guardrail:inner", NULL, "k=\"1\"", true},
    {"other * on (l) group_left () guardrail:inner", NULL, "k=\"1\"", false},
    {"other * on (k) group_left () guardrail:inner", NULL, "k=\"1\"", true},
    {"increase(raw{k=\"1\"}[5m])", NULL, "k=\"1\"", true},
    {"count_values(\"k\", raw{k=\"1\"})", NULL, "k=\"1\"", false},
    {"guardrail:x", NULL, "k=\"1\"", false}, /* of itself */
    {"label_replace(raw{k=\"1\"}, \"k\", \"2\", \"\", \"\")", NULL, "k=\"1\"", false},
    {"absent(raw{k=\"1\"})", NULL, "k=\"1\"", false},
    {"raw{k=\"1\"} unless other", NULL, "k=\"1\"", true},
    {"other unless raw{k=\"1\"}", NULL, "k=\"1\"", false},
};

START_TEST(what_is_recorded_is_known)
{
    struct gr_arena *a = gr_arena_create(4u << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_rule_group *g = gr_rulefile_group(f, GR_STR("g"), 120000);
    struct gr_rule *rule, changed = {.name = GR_STR("guardrail:y")};
    struct gr_buf b = GR_BUF_INIT(4096);
    struct mutate_change c = {.tree = NULL};

    (void)gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:inner"), GR_STR("raw{k=\"1\"}"));
    rule = gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:x"), gr_str(records[_i].expr));
    if (records[_i].label)
        gr_rule_label(f, rule, GR_STR("k"), gr_str(records[_i].label));
    for (size_t spec = 0; spec < 2;
         spec++) { /* without a matcher on the specification others have such series */
        gr_buf_reset(&b);
        gr_buf_printf(&b, "guardrail:x{%s%s} > 1", spec ? "spec=\"s\"," : "", records[_i].matcher);
        change(a, gr_buf_cstr(&b), "matcher: dropped k", false, &c);
        ck_assert_msg((prove_recorded(f, &changed, &c) != NULL) == (spec && records[_i].known), "%s, %s",
                      records[_i].expr, gr_buf_cstr(&b));
    }
    change(a, "guardrail:z{spec=\"s\",k=\"1\"}", "matcher: dropped k", false, &c);
    ck_assert_ptr_null(prove_recorded(f, &changed, &c)); /* nobody records it */
    change(a, gr_buf_cstr(&b), "matcher: dropped spec", false, &c);
    ck_assert_ptr_null(prove_recorded(f, &changed, &c));
    gr_buf_fini(&b);
    gr_arena_free(a);
}
END_TEST

/* Beside a rule that records part="total" of what has k="1" and, from a join, p="1": the first change of that kind, or the last. */
#define RECORDED "guardrail:slot:sum{part=\"total\"}"
#define AND_TOTAL " and ignoring (part) " RECORDED
static const struct {
    const char *expr, *label;
    bool last, known;
} besides[] = {
    {"m{k=\"1\"}" AND_TOTAL, "k", false, true},
    {"m{k=\"2\"}" AND_TOTAL, "k", false, false}, /* then nothing has a partner; but nobody asks for that */
    {"m{k=~\"1|2\"}" AND_TOTAL, "k", false, true},
    {"m{j=\"1\"}" AND_TOTAL, "j", false, false},
    {"m{k=\"1\"} and on (l) " RECORDED, "k", false, false},
    {"m{k=\"1\"} and on (k) " RECORDED, "k", false, true},
    {"m{k=\"1\"} and ignoring (part, k) " RECORDED, "k", false, false},
    {"m{k=\"1\"} unless ignoring (part) " RECORDED, "k", false, false},
    {"m{k=\"1\"} or ignoring (part) " RECORDED, "k", false, false},
    {"m{k=\"1\"} * ignoring (part) " RECORDED, "k", false, false},
    {"m{k=\"1\"} and guardrail:slot:sum{part=\"bad\"}", "k", false, false}, /* itself */
    {"m{k=\"1\"} and guardrail:slot:sum", "k", false, false},
    {"m{k=\"1\"} and guardrail:slot:nobody", "k", false, false},
    {"m{k=\"1\"} and raw{k=\"1\"}", "k", false, false},
    {"m{k=\"1\"} and ignoring (part) (" RECORDED " > 0)", "k", false, false}, /* true, but not known */
    {"sum by (k) (increase(m{k=\"1\"}[5m]))" AND_TOTAL, "k", false, true},
    {"sum by (j) (increase(m{k=\"1\"}[5m]))" AND_TOTAL, "k", false, false},
    {"0.8 * m{k=\"1\"}" AND_TOTAL, "k", false, true},
    {"(m{k=\"1\"} or n)" AND_TOTAL, "k", false, true},
    {"(n or m{k=\"1\"})" AND_TOTAL, "k", false, true},
    {"(m{k=\"1\"} or on (l) n)" AND_TOTAL, "k", false, false},
    {"(m{k=\"1\"} or n{k=\"2\"})" AND_TOTAL, "k", false, true},
    {"m{k=\"1\"} * on (l) group_left (p) q" AND_TOTAL, "k", false, true},
    {"m{k=\"1\"} * on (l) group_left (k) q" AND_TOTAL, "k", false, false},
    {"m{k=\"1\"} * on (l) q" AND_TOTAL, "k", false, false},
    {"m * on (l) group_left (p) q{p=\"1\"}" AND_TOTAL, "p", false, true},
    {"m * on (l) group_left (p) q{p=\"2\"}" AND_TOTAL, "p", false, false},
    {"m * on (l) group_left () q{p=\"1\"}" AND_TOTAL, "p", false, false},
    {"m{k=\"1\"}" AND_TOTAL " or ignoring (part) " RECORDED " * 0", "k", false, true},
    {"n or m{k=\"1\"}" AND_TOTAL, "k", false, false}, /* `or` lets in what n has not */
    {"m{k=\"1\"} and ignoring (part) guardrail:slot:sum{part=\"total\",k=\"1\"}", "k", true, true},
    {"m{k=\"2\"} and ignoring (part) guardrail:slot:sum{part=\"total\",k=\"1\"}", "k", true, false},
    {"m and ignoring (part) guardrail:slot:sum{part=\"total\",k=\"1\"}", "k", true, false},
    {"m and ignoring (part, k) guardrail:slot:sum{part=\"total\",k=\"1\"}", "k", true, false},
};

START_TEST(what_has_no_partner_is_known)
{
    struct gr_arena *a = gr_arena_create(4u << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_rule_group *g = gr_rulefile_group(f, GR_STR("g"), 120000);
    struct gr_rule *rule, *other;
    struct gr_buf what = GR_BUF_INIT(64);
    struct mutate_change c = {.tree = NULL};

    rule = gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:slot:sum"),
                            GR_STR("raw{k=\"1\"} * on (l) group_left (p) q{p=\"1\"}"));
    gr_rule_label(f, rule, GR_STR("part"), GR_STR("total"));
    rule = gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:slot:sum"), gr_str(besides[_i].expr));
    gr_rule_label(f, rule, GR_STR("part"), GR_STR("bad"));
    other = gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:effect"), gr_str(besides[_i].expr));
    gr_buf_printf(&what, "matcher: dropped %s", besides[_i].label);
    change(a, besides[_i].expr, gr_buf_cstr(&what), besides[_i].last, &c);
    ck_assert_msg((prove_beside(f, rule, &c) != NULL) == besides[_i].known, "%s", besides[_i].expr);
    ck_assert_ptr_null(prove_beside(f, other, &c)); /* of slots alone */
    gr_buf_fini(&what);
    gr_arena_free(a);
}
END_TEST

Suite *
prove_same_suite(void)
{
    Suite *s = suite_create("prove_same");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, same_changes_are_known, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, branches_that_have_all_are_known, 0, GR_COUNT(rights));
    tcase_add_loop_test(tc, what_is_recorded_is_known, 0, GR_COUNT(records));
    tcase_add_loop_test(tc, what_has_no_partner_is_known, 0, GR_COUNT(besides));
    suite_add_tcase(s, tc);
    return s;
}
