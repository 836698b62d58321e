/* The simulator, with numbers so plain that the answer is known. */
#include "config.h"
#include "simulate.h"
#include "../base/failing.h"
#include "test_compiler.h"

#include <math.h>

static const struct sim_test ratio = {.canary_total = 1000,
                                      .control_total = 99000,
                                      .rate = 0.01,
                                      .limit = 1.4,
                                      .min_events = 5,
                                      .min_total = 200,
                                      .threshold = 10.06,
                                      .window = 10,
                                      .slots = 40};
static const struct sim_test fill = {.kind = SIM_GOOD,
                                     .canary_total = 1000,
                                     .control_total = 99000,
                                     .rate = 0.1,
                                     .limit = 0.95,
                                     .lower = true,
                                     .min_total = 200,
                                     .threshold = 10.06,
                                     .window = 10,
                                     .slots = 40};
static const struct sim_test gauge = {
    .kind = SIM_GAUGE, .noise = 0.05, .limit = 1.25, .threshold = 10.06, .window = 10, .slots = 40};
static const struct sim_test lower = {.kind = SIM_GAUGE,
                                      .noise = 0.02,
                                      .limit = 0.92,
                                      .lower = true,
                                      .threshold = 10.06,
                                      .window = 10,
                                      .slots = 40};
static const struct sim_test points = {.kind = SIM_GAUGE,
                                       .noise = 0.05,
                                       .limit = 0.25,
                                       .points = true,
                                       .threshold = 10.06,
                                       .window = 10,
                                       .slots = 40};

/* In 500 phases. */
static const struct row {
    const char *name;
    const struct sim_test *test;
    struct sim_world world;
    uint64_t least, most; /* fired by evidence */
} rows[] = {
    {"healthy", &ratio, {.dispersion = 1, .regression = 1}, 0, 0},
    {"healthy, clustered", &ratio, {.dispersion = 4, .regression = 1}, 0, 2},
    {"four times", &ratio, {.dispersion = 4, .regression = 4}, 500, 500},
    {"four times, late", &ratio, {.dispersion = 1, .regression = 4, .onset = 10}, 490, 500},
    {"four times, after the end", &ratio, {.dispersion = 1, .regression = 4, .onset = 40}, 0, 0},
    {"four times, growing", &ratio, {.dispersion = 1, .regression = 4, .leak = 30}, 490, 500},
    {"better than control", &ratio, {.dispersion = 1, .regression = 0.2}, 0, 0},
    {"shared jumps", &ratio, {.dispersion = 1, .regression = 1, .shared = 0.5}, 0, 2},
    {"a day's tide", &ratio, {.dispersion = 1, .regression = 1, .diurnal = 0.5, .period = 30}, 0, 2},
    {"every slot missing but few", &ratio, {.dispersion = 1, .regression = 4, .missing = 0.999}, 0, 20},
    {"missing slots do not blind it", &ratio, {.dispersion = 1, .regression = 4, .missing = 0.3}, 495, 500},
    {"restarts do not blind it", &ratio, {.dispersion = 1, .regression = 4, .restart = 0.2}, 495, 500},
    {"restarts are no regression", &ratio, {.dispersion = 1, .regression = 1, .restart = 0.2}, 0, 2},
    {"fills fall", &fill, {.dispersion = 1, .regression = 2}, 495, 500},
    {"fills hold", &fill, {.dispersion = 1, .regression = 1}, 0, 0},
    {"gauge doubles", &gauge, {.dispersion = 1, .regression = 2}, 500, 500},
    {"gauge holds", &gauge, {.dispersion = 1, .regression = 1}, 0, 0},
    {"gauge moves with control", &gauge, {.dispersion = 1, .regression = 1, .shared = 0.5}, 0, 0},
    {"gauge falls", &lower, {.dispersion = 1, .regression = 0.7}, 500, 500},
    {"gauge rises where less is bad", &lower, {.dispersion = 1, .regression = 2}, 0, 0},
    {"points", &points, {.dispersion = 1, .regression = 2}, 500, 500},
};

START_TEST(phases_end_as_they_must)
{
    const struct row *r = &rows[_i];
    struct sim_rng rng;
    struct sim_tally tally;

    sim_rng_seed(&rng, 5);
    ck_assert_int_eq(sim_estimate(&tally, r->test, &r->world, 500, &rng), GR_OK);
    ck_assert_msg(tally.fired[SIM_EVIDENCE] >= r->least && tally.fired[SIM_EVIDENCE] <= r->most,
                  "%s: %llu of 500 fired", r->name, (unsigned long long)tally.fired[SIM_EVIDENCE]);
    ck_assert_uint_le(tally.fired[SIM_EVIDENCE], tally.fired[SIM_MIN_COUNT]);
    ck_assert_uint_le(tally.fired[SIM_FOR_3], tally.fired[SIM_NAIVE]);
}
END_TEST

/* What stands in the design about the rules that people write: with a 1 % error rate "+40 % over control" fires in 61, 44 and 16 % of
 * healthy 20-minute phases at 50, 200 and 1000 canary requests per slot. */
START_TEST(naive_rules_cry_wolf_as_published)
{
    static const struct {
        double observations, percent;
    } seen[] = {{50, 61}, {200, 44}, {1000, 16}};
    struct sim_world world = {.dispersion = 1, .regression = 1};
    struct sim_rng rng;

    sim_rng_seed(&rng, 9);
    for (size_t i = 0; i < GR_COUNT(seen); i++) {
        struct sim_test test = ratio;
        struct sim_tally tally;

        test.canary_total = seen[i].observations;
        test.control_total = 99 * seen[i].observations;
        test.slots = 10;
        ck_assert_int_eq(sim_estimate(&tally, &test, &world, 5000, &rng), GR_OK);
        ck_assert_double_eq_tol((double)tally.fired[SIM_NAIVE] / 50, seen[i].percent, 4);
    }
}
END_TEST

/* Evidence needs the correction: the textbook's formula fires in several of a hundred healthy clustered phases at alpha = 0.002 %. */
START_TEST(the_textbook_is_not_enough)
{
    struct sim_world world = {.dispersion = 4, .regression = 1};
    struct sim_rng rng;
    struct sim_tally tally;

    sim_rng_seed(&rng, 13);
    ck_assert_int_eq(sim_estimate(&tally, &ratio, &world, 5000, &rng), GR_OK);
    ck_assert_uint_ge(tally.fired[SIM_PLAIN], 150);
    ck_assert_uint_le(tally.fired[SIM_EVIDENCE], 5);
}
END_TEST

START_TEST(same_seed_same_numbers)
{
    struct sim_world world = {.dispersion = 2,
                              .regression = 2,
                              .shared = 0.2,
                              .diurnal = 0.3,
                              .period = 20,
                              .missing = 0.1,
                              .restart = 0.1};
    struct sim_rng one, two;
    struct sim_tally a, b;

    sim_rng_seed(&one, 4);
    sim_rng_seed(&two, 4);
    ck_assert_int_eq(sim_estimate(&a, &ratio, &world, 300, &one), GR_OK);
    ck_assert_int_eq(sim_estimate(&b, &ratio, &world, 300, &two), GR_OK);
    ck_assert_mem_eq(&a, &b, sizeof a);
}
END_TEST

START_TEST(numbers_out_of_range_are_refused)
{
    static const struct sim_world healthy = {.dispersion = 1, .regression = 1};
    struct sim_test tests[8];
    struct sim_world worlds[] = {
        {.dispersion = 0.5, .regression = 1},
        {.dispersion = (double)NAN, .regression = 1},
        {.dispersion = 1, .regression = -1},
        {.dispersion = 1, .regression = 1, .missing = 1},
        {.dispersion = 1, .regression = 1, .period = SIM_SLOTS_MAX + 1},
    };
    struct sim_phase *p = NULL;

    for (size_t i = 0; i < GR_COUNT(tests); i++)
        tests[i] = ratio;
    tests[0].rate = 0;
    tests[1].rate = 1;
    tests[2].canary_total = 0;
    tests[3].slots = SIM_SLOTS_MAX + 1;
    tests[4].window = 0;
    tests[5].limit = (double)NAN;
    tests[6] = gauge;
    tests[6].rho = 1;
    tests[7].slots = 0;
    for (size_t i = 0; i < GR_COUNT(tests); i++)
        ck_assert_int_eq(sim_phase_create(&p, &tests[i], &healthy), GR_ERANGE);
    for (size_t i = 0; i < GR_COUNT(worlds); i++)
        ck_assert_int_eq(sim_phase_create(&p, &ratio, &worlds[i]), GR_ERANGE);
    ck_assert_ptr_null(p);
    sim_phase_free(NULL);
}
END_TEST

/* A log-normal's median is q = 0.5: at the quantile itself the share above it, at exp(spread) one standard deviation further. */
START_TEST(quantiles_are_shares)
{
    ck_assert_double_eq_tol(sim_quantile_share(0.99, 0.5, 1), 0.01, 1e-9);
    ck_assert_double_eq_tol(sim_quantile_share(0.5, 0.5, exp(0.5)), 0.841344746, 1e-9);
}
END_TEST

START_TEST(no_memory)
{
    struct sim_world world = {.dispersion = 1, .regression = 2, .leak = 3, .diurnal = 0.5, .period = 9};
    struct sim_phase *p = NULL;
    enum gr_err err = GR_ENOMEM;

    for (size_t at = 1; err != GR_OK; at++) {
        ck_assert_uint_lt(at, 10000);
        failing_start(at, false);
        err = sim_phase_create(&p, &ratio, &world);
        failing_stop();
        ck_assert(err == GR_OK || (err == GR_ENOMEM && !p));
    }
    sim_phase_free(p);
}
END_TEST

Suite *
simulate_suite(void)
{
    Suite *s = suite_create("simulate");
    TCase *tc = tcase_create("simulate");

    tcase_add_loop_test(tc, phases_end_as_they_must, 0, GR_COUNT(rows));
    tcase_add_test(tc, naive_rules_cry_wolf_as_published);
    tcase_add_test(tc, the_textbook_is_not_enough);
    tcase_add_test(tc, same_seed_same_numbers);
    tcase_add_test(tc, numbers_out_of_range_are_refused);
    tcase_add_test(tc, quantiles_are_shares);
    tcase_add_test(tc, no_memory);
    suite_add_tcase(s, tc);
    return s;
}
