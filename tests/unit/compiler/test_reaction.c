#include "config.h"
#include "test_compiler.h"

#include "reaction.h"
#include "routes.h"
#include "specs.h"

/* specs_base: sampling 2m, scrape 30s, phases p1 of 20m and p2 of 45m (44m in whole slots). Allowances are 3 s, dispatch of hard 10 s. */
#define FIXED(metric, rest)                                                                                  \
    "    compare_within: []\n    metric: {gauge: cpu, unit: ratio, reduce: " metric                          \
    "}\n    limit: {against: fixed, " rest
static const struct row {
    const char *name, *guardrail;
    enum level level;
    size_t phase;
    int64_t s, late_s; /* late 0: the same */
    uint64_t slots;
} rows[] = {
    {"ratio, sequential: one slot", NULL, LEVEL_HARD, 1, 30 + 120 + 120 + 13, 30 + 120 + 20 * 60 + 13, 1},
    {"the same in the longer phase", NULL, LEVEL_HARD, 2, 30 + 120 + 120 + 13, 30 + 120 + 44 * 60 + 13, 1},
    {"soft is gathered for a minute", NULL, LEVEL_SOFT, 1, 30 + 120 + 120 + 63, 30 + 120 + 20 * 60 + 63, 1},
    {"no data: two slots of `for`", NULL, LEVEL_NO_DATA, 1, 30 + 120 + 240 + 63, 0, 1},
    {"gauge, sequential: five pairs",
     "    compare_within: [venue]\n    metric: {gauge: l, unit: ms, reduce: avg}\n    limit: {against: "
     "control, hard: +25%}\n",
     LEVEL_HARD, 1, 30 + 120 + 5 * 120 + 13, 30 + 120 + 20 * 60 + 13, 5},
    {"gauge, point: one",
     "    compare_within: [venue]\n    metric: {gauge: l, unit: ms, reduce: avg}\n    limit: {against: "
     "control, hard: +25%}\n"
     "    evidence: point\n",
     LEVEL_HARD, 1, 30 + 120 + 120 + 13, 30 + 120 + 20 * 60 + 13, 1},
    {"a window shorter than the evidence",
     "    compare_within: [venue]\n    metric: {gauge: l, unit: ms, reduce: avg}\n    limit: {against: "
     "control, hard: +25%}\n"
     "    window: 4m\n",
     LEVEL_HARD, 1, 30 + 120 + 5 * 120 + 13, 0, 5},
    {"fixed: the window fills", FIXED("avg", "bad: above, hard: 90%}\n"), LEVEL_HARD, 1,
     30 + 120 + 20 * 60 + 13, 0, 10},
    {"fixed, in whole slots", FIXED("avg", "bad: above, hard: 90%}\n"), LEVEL_HARD, 2,
     30 + 120 + 44 * 60 + 13, 0, 22},
    {"fixed, its own window", FIXED("avg", "bad: above, hard: 90%}\n    window: 4m\n"), LEVEL_HARD, 1,
     30 + 120 + 2 * 120 + 13, 0, 2},
    {"one sample makes a slot", FIXED("max", "bad: above, hard: 90%}\n    window: 4m\n"), LEVEL_HARD, 1,
     30 + 120 + 120 + 13, 0, 2},
    {"of the other side", FIXED("max", "bad: below, hard: 10%}\n    window: 4m\n"), LEVEL_HARD, 1,
     30 + 120 + 2 * 120 + 13, 0, 2},
    {"minimum below", FIXED("min", "bad: below, hard: 10%}\n    window: 4m\n"), LEVEL_HARD, 1,
     30 + 120 + 120 + 13, 0, 2},
    {"k of n", FIXED("avg", "bad: above, hard: 90%}\n    evidence: {confirm: {hard: 3 of 5}}\n"), LEVEL_HARD,
     1, 30 + 120 + 3 * 120 + 13, 0, 3},
    {"soft, two of three", FIXED("max", "bad: above, soft: 80%}\n"), LEVEL_SOFT, 1, 30 + 120 + 120 + 63, 0,
     2},
};

static void
read_row(struct specs *s, const struct row *r)
{
    if (r->guardrail)
        specs_read_changed(s,
                           "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
                           "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n",
                           r->guardrail);
    else
        specs_read_changed(s, NULL, NULL);
    ck_assert_msg(s->err == GR_OK, "%s", r->name);
}

static const struct bound *
bound_at(const struct guardrail *g, enum level level)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level)
            return &g->limit.bounds[i];
    return NULL;
}

START_TEST(adds_up)
{
    const struct row *row = &rows[_i];
    struct specs s;
    struct reaction r;
    int64_t sum = 0, late_s = row->late_s ? row->late_s : row->s;

    read_row(&s, row);
    r = reaction_of(s.model, &s.model->guardrails[0], bound_at(&s.model->guardrails[0], row->level),
                    &s.model->phases[row->phase]);
    ck_assert_msg(r.total_ms == 1000 * row->s, "%s: %lld ms", row->name, (long long)r.total_ms);
    ck_assert_msg(r.late_ms == 1000 * late_s, "%s: late %lld ms", row->name, (long long)r.late_ms);
    ck_assert_uint_eq(r.evidence_slots, row->slots);
    for (size_t i = 0; i < REACTION_TERMS; i++)
        sum += r.ms[i];
    ck_assert_int_eq(sum, r.total_ms);
    specs_fini(&s);
}
END_TEST

START_TEST(worst_of_all)
{
    const struct phase *phase = NULL;
    const struct bound *bound = NULL;
    struct reaction r;
    struct specs s;

    specs_read_changed(&s, "hard: +40%, floor: 0.05%", "hard: +40%, floor: 0.05%, backstop: 5%");
    r = reaction_worst(s.model, &s.model->guardrails[0], LEVEL_HARD, &phase, &bound);
    ck_assert_int_eq(r.total_ms, 283000); /* not the backstop, which takes its window */
    ck_assert(gr_str_is(phase->name, "p2") && bound->side == SIDE_UPPER);
    r = reaction_worst(s.model, &s.model->guardrails[0], LEVEL_NO_DATA, NULL, &bound);
    ck_assert_int_eq(r.total_ms, 453000);
    ck_assert_ptr_null(bound);
    specs_fini(&s);
    specs_read_changed(&s, "soft: +25%, ", "");
    r = reaction_worst(s.model, &s.model->guardrails[0], LEVEL_SOFT, NULL, NULL);
    ck_assert_int_eq(r.total_ms, 0);
    specs_fini(&s);
}
END_TEST

/* The time scale divides what Prometheus and Alertmanager wait for, not our allowances; intervals have a floor. */
START_TEST(scales)
{
    struct specs s;
    struct reaction r;

    specs_read_changed(&s, NULL, NULL);
    s.model->time_scale = 60;
    r = reaction_of(s.model, &s.model->guardrails[0], &s.model->guardrails[0].limit.bounds[0],
                    &s.model->phases[1]);
    ck_assert_int_eq(r.total_ms, 500 + 2000 + 2000 + 1000 + 3000);
    specs_fini(&s);
}
END_TEST

/* What the terms say of the route is what the route says. */
START_TEST(dispatch_is_the_routes)
{
    struct specs s;
    struct routes *routes = NULL;

    specs_read_changed(&s, NULL, NULL);
    ck_assert_int_eq(routes_build(s.model, &routes), GR_OK);
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        struct timing t = routes_timing(s.model, (enum level)level);
        struct alert a = {.name = gr_str(level == LEVEL_HARD   ? "GuardrailHardBreach"
                                         : level == LEVEL_SOFT ? "GuardrailSoftBreach"
                                                               : "GuardrailNoData"),
                          .spec = s.model->spec};
        struct hit hits[ROUTES_HITS_MAX];

        ck_assert_uint_eq(routes_hits(routes, &a, hits), 1);
        ck_assert_int_eq(hits[0].timing->group_wait_ms, t.group_wait_ms);
        ck_assert_int_eq(hits[0].timing->group_interval_ms, t.group_interval_ms);
    }
    specs_fini(&s);
}
END_TEST

Suite *
reaction_suite(void)
{
    Suite *s = suite_create("reaction");
    TCase *tc = tcase_create("terms");

    tcase_add_loop_test(tc, adds_up, 0, (int)GR_COUNT(rows));
    tcase_add_test(tc, worst_of_all);
    tcase_add_test(tc, scales);
    tcase_add_test(tc, dispatch_is_the_routes);
    suite_add_tcase(s, tc);
    return s;
}
