#include "config.h"
#include "test_compiler.h"

#include "prove.h"
#include "prove_neutral.h"

#define VALUE "guardrail:slot:value"
#define SUM "guardrail:slot:sum"

static struct bound upper = {.side = SIDE_UPPER}, backstop = {.side = SIDE_BACKSTOP};
static struct guardrail plain[] = {{.name = {"v", 1},
                                    .metric = {.kind = METRIC_GAUGE},
                                    .limit = {.bounds = &upper, .n_bounds = 1}}},
                        stopped[] = {{.name = {"v", 1},
                                      .metric = {.kind = METRIC_GAUGE},
                                      .limit = {.bounds = &backstop, .n_bounds = 1}}},
                        streams[] = {
                            {.name = {"v", 1}, .metric = {.kind = METRIC_GAUGE}, .stream_scope = true}};

/* The first change of this kind: whether it is known to change nothing. Each that is, beside near misses. Slots last two minutes. */
static const struct {
    const char *expr, *what;
    bool equal;
} rows[] = {
    /* 0 */
    {"a * 0 + 0", "operator: -", true},
    {"a * 0 - (0)", "operator: +", true},
    {"a + 1", "operator: -", false},
    {"0 + a", "operator: -", false},
    {"a + b", "operator: -", false},
    /* ties */
    {"6 * a < b and c >= 8 or b", "operator: <=", true},
    {"(2 * (6 * a < b and c >= 8 or b))", "operator: <=", true},
    {"a < b or b", "operator: <=", true},
    {"a > b or b", "operator: >=", true},
    {"a < b or a", "operator: <=", false},
    {"a < b or c", "operator: <=", false},
    {"a < b and c", "operator: <=", false},
    {"c and a < b or b", "operator: <=", false},
    {"a < b unless c or b", "operator: <=", false},
    {"a < bool b or b", "operator: <=", false},
    {"a < on (x) b or b", "operator: <=", false},
    {"a < b or on (x) b", "operator: <=", false},
    {"b or a < b", "operator: <=", false},
    /* even powers */
    {"((n - 7) * sum without (c) (1 / t)) ^ 2", "literal: sign", false}, /* of 7 */
    {"(sum without (c) (1 / t)) ^ 2", "literal: sign", true},
    {"(n * (3 / t)) ^ 4", "literal: sign", true},
    {"(sum without (c) (1 / t)) ^ 3", "literal: sign", false},
    {"(1 + t) ^ 2", "literal: sign", false},
    {"max without (c) (1 / t) ^ 2", "literal: sign", false},
    {"(1 / t) * 2", "literal: sign", false},
    {"sum(ln(1 / t)) ^ 2", "literal: sign", false},
    /* grouped before */
    {"avg by (a, b) ((avg by (a, b) (c)) > -Inf < +Inf)", "aggregation: max", true},
    {"avg by (a, b) (sum by (a) (c))", "aggregation: max", true},
    {"avg by (a) (sum by (a, b) (c))", "aggregation: max", false},
    {"avg by (a) (c)", "aggregation: max", false},
    {"avg by (a) (sum without (b) (c))", "aggregation: max", false},
    {"avg by (a) (topk by (a) (2, c))", "aggregation: max", false},
    {"avg by (a) (sum by (a) (c) + d)", "aggregation: max", false},
    {"count by (a) (sum by (a) (c))", "aggregation: sum", false},
    /* no partner */
    {"(" SUM "{x=~\"t|b\"} or " VALUE "{x=~\"t|b\"}) unless ignoring (c) (" SUM "{x=~\"t|b\"})",
     "matcher: dropped x", false}, /* the left one */
};

/* The same, of the last change of the kind, and with a model. */
static const struct {
    const char *expr, *what;
    const struct guardrail *of;
    bool equal;
} with_slots[] = {
    {"avg_over_time(" VALUE "[1m])", "range: half", plain, true},
    {"avg_over_time(" VALUE "[2m])", "range: half", plain, false},
    {"avg_over_time(" VALUE "[4m])", "range: half", plain, false},
    {"avg_over_time(raw[1m])", "range: half", plain, false},
    {"avg_over_time(" VALUE "[1m] offset 1m)", "range: half", plain, false},
    {"avg_over_time(" VALUE "[1m])", "function: max_over_time", plain, true},
    {"avg_over_time(" VALUE "[2m])", "function: max_over_time", plain, false},
    {"avg_over_time(raw[1m])", "function: max_over_time", plain, false},
    {"count_over_time(" VALUE "[1m])", "function: sum_over_time", plain, false},
    {SUM "{part=~\"total|bucket\"} unless ignoring (cohort) " SUM "{part=~\"total|bucket\"}",
     "matcher: dropped part", plain, true},
    {"(" SUM "{part=\"total\"} or " VALUE ") unless ignoring (cohort) (" SUM "{part=\"total\"} or b)",
     "matcher: dropped part", plain, true},
    {"(" SUM "{guardrail=~\"a|b\"} or " VALUE "{guardrail=\"v\"}) unless ignoring (cohort) (b or " VALUE
     "{guardrail=\"v\"})",
     "matcher: dropped guardrail", plain, true},
    {"(" SUM "{guardrail=~\"a|b\"} or " VALUE "{guardrail=\"w\"}) unless ignoring (cohort) (b or " VALUE
     "{guardrail=\"v\"})",
     "matcher: dropped guardrail", plain, false},
    {SUM "{le=~\"|x\"} and ignoring (cohort) " SUM "{le=~\"|x\"}", "matcher: dropped le", plain, true},
    {VALUE " and ignoring (cohort) " SUM "{le=~\"x\"}", "matcher: dropped le", plain, false},
    {SUM "{part=\"bad\"} unless ignoring (cohort) " SUM "{part=\"total\"}", "matcher: dropped part", plain,
     false},
    {SUM " unless ignoring (cohort) " SUM "{part=\"total\"}", "matcher: dropped part", plain, false},
    {SUM "{part=\"total\"} unless ignoring (part) " SUM "{part=\"total\"}", "matcher: dropped part", plain,
     false},
    {SUM "{part=\"total\"} or " SUM "{part=\"total\"}", "matcher: dropped part", plain, false},
    {"sum(" SUM "{part=\"total\"}) unless ignoring (cohort) " SUM "{part=\"total\"}", "matcher: dropped part",
     plain, false},
    {"a{part=\"total\"} unless ignoring (cohort) a{part=\"total\"}", "matcher: dropped part", plain, false},
    {"guardrail:breach{guardrail=\"b\",side=\"backstop\"}", "matcher: dropped guardrail", plain, true},
    {"guardrail:limit{guardrail=~\"b|c\",side=\"backstop\"}", "matcher: dropped guardrail", plain, true},
    {"guardrail:breach{guardrail=\"v\",side=\"upper\"}", "matcher: dropped guardrail", plain, true},
    {"guardrail:breach{guardrail=\"b\",side=\"backstop\"}", "matcher: dropped guardrail", stopped, false},
    {"guardrail:breach{guardrail!=\"b\",side=\"backstop\"}", "matcher: dropped guardrail", plain, false},
    {"guardrail:breach{guardrail=\"b\",side=~\"backstop\"}", "matcher: dropped guardrail", plain, false},
    {"guardrail:breach{guardrail=\"b\"}", "matcher: dropped guardrail", plain, false},
    {"guardrail:proved{guardrail=\"b\",side=\"backstop\"}", "matcher: dropped guardrail", plain, false},
    {"b unless ignoring (cohort) " VALUE "{cohort=\"k\"}", "matcher: dropped cohort", plain, false},
};
/* Of a value's slot on the left, whose cohort is dropped: the first change. */
static const struct {
    const char *expr;
    const struct guardrail *of;
    bool equal;
} lefts[] = {
    {"(b or " VALUE "{g=\"1\",cohort=\"c\"}) unless ignoring (cohort) (b or " VALUE "{cohort=\"k\"})", plain,
     true},
    {VALUE "{cohort=\"c\"} unless ignoring (cohort) " VALUE "{cohort=\"k\"}", plain, true},
    {VALUE "{cohort=\"c\"} unless ignoring (cohort) " VALUE "{cohort=\"k\"}", stopped, false},
    {VALUE "{cohort=\"c\"} unless ignoring (cohort) " VALUE "{cohort=\"k\"}", streams, false},
    {VALUE "{cohort=\"c\"} unless ignoring (cohort) " VALUE "{cohort=\"x\"}", plain, false},
    {VALUE "{cohort=\"c\"} unless ignoring (cohort) " VALUE "{g=\"1\",cohort=\"k\"}", plain, false},
    {VALUE "{cohort=\"c\"} and ignoring (cohort) " VALUE "{cohort=\"k\"}", plain, false},
    {VALUE "{cohort=\"c\"} unless " VALUE "{cohort=\"k\"}", plain, false},
    {SUM "{cohort=\"c\"} unless ignoring (cohort) " SUM "{cohort=\"k\"}", plain, false},
};

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

static void
asked(const struct guardrail *of, const char *expr, const char *what, bool last, bool equal)
{
    struct gr_arena *a = gr_arena_create(4u << 20);
    struct model m = {
        .sampling_ms = 120000, .time_scale = 1, .control = {"k", 1}, .n_guardrails = of ? 1 : 0};
    struct guardrail copy = of ? *of : (struct guardrail){.name = {"v", 1}};
    struct mutate_change c = {.tree = NULL};
    const char *why;

    m.guardrails = &copy;
    change(a, expr, what, last, &c);
    why = prove_neutral(of ? &m : NULL, &c);
    ck_assert_msg((why != NULL) == equal, "%s, %s: %s", expr, what, why ? why : "not known");
    gr_arena_free(a);
}

START_TEST(neutral_changes_are_known)
{
    asked(NULL, rows[_i].expr, rows[_i].what, false, rows[_i].equal);
}
END_TEST

START_TEST(neutral_changes_of_slots_are_known)
{
    asked(with_slots[_i].of, with_slots[_i].expr, with_slots[_i].what, true, with_slots[_i].equal);
}
END_TEST

START_TEST(what_goes_again_is_known)
{
    asked(lefts[_i].of, lefts[_i].expr, "matcher: dropped cohort", false, lefts[_i].equal);
}
END_TEST

Suite *
prove_neutral_suite(void)
{
    Suite *s = suite_create("prove_neutral");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, neutral_changes_are_known, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, neutral_changes_of_slots_are_known, 0, GR_COUNT(with_slots));
    tcase_add_loop_test(tc, what_goes_again_is_known, 0, GR_COUNT(lefts));
    suite_add_tcase(s, tc);
    return s;
}
