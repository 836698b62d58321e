#include "config.h"
#include "model.h"
#include "specs.h"
#include "test_compiler.h"

static const struct {
    uint32_t scale;
    int64_t ms, want;
} scales[] = {{1, 120000, 120000}, {60, 120000, 2000}, {1000, 500, 1}, {1000, 0, 0}, {7, 100, 14}};

START_TEST(times_are_scaled)
{
    struct model m = {.time_scale = scales[_i].scale};

    ck_assert_int_eq(model_ms(&m, scales[_i].ms), scales[_i].want);
}
END_TEST

START_TEST(tighter_depends_on_side)
{
    ck_assert(model_tighter(SIDE_UPPER, GR_DEC(11, -1), GR_DEC(12, -1)));
    ck_assert(!model_tighter(SIDE_UPPER, GR_DEC(12, -1), GR_DEC(12, -1)));
    ck_assert(model_tighter(SIDE_LOWER, GR_DEC(95, -2), GR_DEC(9, -1)));
    ck_assert(!model_tighter(SIDE_LOWER, GR_DEC(9, -1), GR_DEC(95, -2)));
    ck_assert(model_tighter(SIDE_BACKSTOP, GR_DEC(1, -2), GR_DEC(5, -2)));
}
END_TEST

/* Base hard +40 %; overrides for a venue, a cluster and a dynamic slice. */
#define OVERRIDES                                                                                            \
    "floor: 0.05%}\n    slice: [symbol_bucket]\n    overrides:\n"                                            \
    "      - {where: {venue: XNAS}, hard: +30%}\n"                                                           \
    "      - {where: {cluster: crypto}, hard: +35%}\n"                                                       \
    "      - {where: {venue: XNAS, flow: mm}, soft: +10%}\n"

static const struct {
    const char *venue, *flow, *hard, *soft;
} literals[] =
    {
        {"XNAS", "mm", "1.3", "1.1"},  {"XNAS", "agency", "1.3", "1.25"},
        {"XNYS", "mm", "1.4", "1.25"}, {"BINANCE", "agency", "1.35", "1.25"},
        {NULL, NULL, "1.3", "1.1"}, /* outside of expect: the tightest of all */
};

static const struct slice *
find_slice(const struct guardrail *g, const char *venue, const char *flow)
{
    for (size_t i = 0; venue && i < g->n_expected; i++)
        if (gr_str_is(g->expected[i].labels.v[0].value, flow) &&
            gr_str_is(g->expected[i].labels.v[1].value, venue))
            return &g->expected[i];
    ck_assert_ptr_null(venue);
    return NULL;
}

START_TEST(tightest_limit_wins)
{
    struct specs s;
    const struct guardrail *g;
    const struct slice *slice;

    specs_read_changed(&s, "floor: 0.05%}\n", OVERRIDES);
    g = specs_guardrail(&s, "errors");
    slice = find_slice(g, literals[_i].venue, literals[_i].flow);
    ck_assert_int_eq(g->limit.bounds[0].level, LEVEL_HARD);
    ck_assert_str_eq(specs_dec(model_literal(s.model, g, &g->limit.bounds[0], slice)), literals[_i].hard);
    ck_assert_str_eq(specs_dec(model_literal(s.model, g, &g->limit.bounds[1], slice)), literals[_i].soft);
    specs_fini(&s);
}
END_TEST

/* A dynamic slice has values that nobody knows, so its override applies to all slices. */
START_TEST(dynamic_override_applies_everywhere)
{
    struct specs s;
    const struct guardrail *g;

    specs_read_changed(&s, "floor: 0.05%}\n",
                       "floor: 0.05%}\n    slice: [symbol_bucket]\n    overrides:\n"
                       "      - {where: {symbol_bucket: a}, hard: +30%}\n");
    g = specs_guardrail(&s, "errors");
    ck_assert_str_eq(specs_dec(model_literal(s.model, g, &g->limit.bounds[0], &g->expected[0])), "1.3");
    specs_fini(&s);
}
END_TEST

START_TEST(windows_are_whole_slots)
{
    struct specs s;

    specs_read_changed(&s, NULL, NULL);
    ck_assert_int_eq(model_window_ms(s.model, specs_guardrail(&s, "errors"), &s.model->phases[1]),
                     20 * 60000);
    ck_assert_int_eq(model_window_ms(s.model, specs_guardrail(&s, "errors"), &s.model->phases[2]),
                     44 * 60000);
    ck_assert_int_eq(model_window_ms(s.model, specs_guardrail(&s, "errors"), &s.model->phases[3]), 0);
    specs_fini(&s);
}
END_TEST

/* 3 venues × 2 flows × 2 phases with traffic = 12 tests of each level. */
static const struct {
    const char *name, *what, *with;
    uint64_t hard, soft;
} tests[] = {
    {"base", NULL, NULL, 12, 12},
    {"dynamic", "floor: 0.05%}\n", "floor: 0.05%}\n    slice: [symbol_bucket]\n", 12 * 16, 12 * 16},
    {"only", "floor: 0.05%}\n", "floor: 0.05%}\n    only: {flow: agency}\n", 6, 6},
    {"only, pooled", "floor: 0.05%}\n",
     "floor: 0.05%}\n    only: {flow: agency}\n    compare_within: [venue]\n", 6, 6},
    {"one phase", "floor: 0.05%}\n", "floor: 0.05%}\n    phases: [pre, p2]\n", 6, 6},
    {"flow without traffic", "agency: 0.5%", "agency: 0%", 9, 9},
    {"soft in one venue", "soft: +25%, hard: +40%, floor: 0.05%}\n",
     "hard: +40%, floor: 0.05%}\n    overrides: [{where: {venue: XNAS}, soft: +9%}]\n", 12, 4},
    {"no soft", "soft: +25%, ", "", 12, 0},
    {"backstop is no test", "floor: 0.05%}", "floor: 0.05%, backstop: 5%}", 12, 12},
    {"point", "floor: 0.05%}\n", "floor: 0.05%}\n    evidence: point\n", 0, 0},
    {"two sides",
     "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
     "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n",
     "    metric: {gauge: pnl_bps, unit: bps, signed: true}\n"
     "    limit: {against: control, soft: +5bps, hard: ±8bps}\n",
     24, 12},
    {"fixed", "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n",
     "    limit: {against: fixed, bad: above, soft: 1%, hard: 2%}\n", 0, 0},
};

START_TEST(tests_are_counted)
{
    struct specs s;

    specs_read_changed(&s, tests[_i].what, tests[_i].with);
    ck_assert_msg(s.model, "%s: %s", tests[_i].name, s.n ? s.findings[0].message : "");
    ck_assert_msg(model_tests(s.model, LEVEL_HARD) == tests[_i].hard, "%s: %llu", tests[_i].name,
                  (unsigned long long)model_tests(s.model, LEVEL_HARD));
    ck_assert_msg(model_tests(s.model, LEVEL_SOFT) == tests[_i].soft, "%s: %llu", tests[_i].name,
                  (unsigned long long)model_tests(s.model, LEVEL_SOFT));
    specs_fini(&s);
}
END_TEST

/* ln(1 / (2 × 0.01 / 12)) = ln 600; soft takes the same budget unless it has its own: ln(12 / 0.2) = ln
 * 60. */
START_TEST(threshold_splits_the_budget)
{
    struct specs s;

    specs_read_changed(&s, NULL, NULL);
    ck_assert_double_eq_tol(model_evidence_threshold(s.model, LEVEL_HARD), 6.396929655216146, 1e-12);
    ck_assert_double_eq_tol(model_evidence_threshold(s.model, LEVEL_SOFT), 6.396929655216146, 1e-12);
    specs_fini(&s);
    specs_read_changed(&s, "false_rollback_budget: 1%\n",
                       "false_rollback_budget: 1%\nfalse_alarm_budget: 10%\n");
    ck_assert_double_eq_tol(model_evidence_threshold(s.model, LEVEL_SOFT), 4.0943445622221, 1e-12);
    specs_fini(&s);
    specs_read_changed(&s, "false_rollback_budget: 1%\n", "");
    ck_assert(model_evidence_threshold(s.model, LEVEL_HARD) <= 0);
    specs_fini(&s);
}
END_TEST

START_TEST(actions_are_found)
{
    struct specs s;

    specs_read_changed(&s, NULL, NULL);
    ck_assert_ptr_eq(model_action(s.model, GR_STR("rollback")), &s.model->actions[0]);
    ck_assert_ptr_null(model_action(s.model, GR_STR("hold")));
    ck_assert(model_action_builtin(GR_STR("hold")) && model_action_builtin(GR_STR("extend")) &&
              model_action_builtin(GR_STR("halt")) && model_action_builtin(GR_STR("abort")));
    ck_assert(!model_action_builtin(GR_STR("rollback")));
    ck_assert_str_eq(level_name(LEVEL_NO_DATA), "no_data");
    ck_assert_str_eq(side_name(SIDE_BACKSTOP), "backstop");
    specs_fini(&s);
}
END_TEST

Suite *
model_suite(void)
{
    Suite *s = suite_create("model");
    TCase *tc = tcase_create("questions");

    tcase_add_loop_test(tc, times_are_scaled, 0, GR_COUNT(scales));
    tcase_add_test(tc, tighter_depends_on_side);
    tcase_add_loop_test(tc, tightest_limit_wins, 0, GR_COUNT(literals));
    tcase_add_test(tc, dynamic_override_applies_everywhere);
    tcase_add_test(tc, windows_are_whole_slots);
    tcase_add_loop_test(tc, tests_are_counted, 0, GR_COUNT(tests));
    tcase_add_test(tc, threshold_splits_the_budget);
    tcase_add_test(tc, actions_are_found);
    suite_add_tcase(s, tc);
    return s;
}
