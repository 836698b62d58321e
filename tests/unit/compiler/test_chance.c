#include "config.h"
#include "chance.h"
#include "test_compiler.h"

#include <math.h>

static const struct moments_row {
    const char *name;
    double mean, variance;
} moments_rows[] = {
    {"few, Poisson", 0.5, 0.5},
    {"few, clustered", 0.5, 2},
    {"Poisson", 20, 20},
    {"clustered", 20, 80},
    {"binomial", 100, 50},
    {"many, clustered", 20000, 80000},
    {"many, binomial", 100000, 50000},
    {"a million", 1e6, 1e6},
};

/* Within five standard errors; the fourth moment of the widest row is below 20 variances squared. */
START_TEST(tables_have_their_moments)
{
    const struct moments_row *r = &moments_rows[_i];
    struct sim_table t;
    struct sim_rng rng;
    double sum = 0, square = 0;
    enum { N = 200000 };

    sim_rng_seed(&rng, 7);
    ck_assert_int_eq(sim_table_init(&t, r->mean, r->variance), GR_OK);
    for (int i = 0; i < N; i++) {
        double x = sim_table_draw(&t, &rng) - r->mean;

        ck_assert(x + r->mean >= 0);
        sum += x;
        square += x * x;
    }
    ck_assert_msg(fabs(sum / N) < 5 * sqrt(r->variance / N), "%s: mean off by %g", r->name, sum / N);
    ck_assert_msg(fabs(square / N / r->variance - 1) < 5 * sqrt(20.0 / N), "%s: variance %g, not %g", r->name,
                  square / N, r->variance);
    sim_table_fini(&t);
    sim_table_fini(&t); /* empty */
}
END_TEST

/* P(X = 0) of Poisson and negative binomial, by hand: exp(-0.5); (1/4)^(1/6), size 0.5^2/1.5 = 1/6. */
START_TEST(nothing_is_drawn_as_often_as_it_should)
{
    static const struct {
        double variance, none;
    } rows[] = {{0.5, 0.606531}, {2, 0.793701}};

    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        struct sim_table t;
        struct sim_rng rng;
        int none = 0;

        sim_rng_seed(&rng, 11);
        ck_assert_int_eq(sim_table_init(&t, 0.5, rows[i].variance), GR_OK);
        for (int k = 0; k < 200000; k++)
            none += sim_table_draw(&t, &rng) < 0.5;
        ck_assert_double_eq_tol(none / 200000.0, rows[i].none, 0.006);
        sim_table_fini(&t);
    }
}
END_TEST

START_TEST(seeds_repeat)
{
    struct sim_rng a, b, c;

    sim_rng_seed(&a, 1);
    sim_rng_seed(&b, 1);
    sim_rng_seed(&c, 2);
    for (int i = 0; i < 100; i++) {
        double x = sim_uniform(&a);

        ck_assert(x >= 0 && x < 1);
        ck_assert(x <= sim_uniform(&b) && x >= 0);
        ck_assert(fabs(x - sim_uniform(&c)) > 0);
    }
}
END_TEST

START_TEST(normal_numbers_are_normal)
{
    struct sim_rng rng;
    int beyond = 0;

    sim_rng_seed(&rng, 3);
    for (int i = 0; i < 200000; i++)
        beyond += sim_normal(&rng) > 1.959964;
    ck_assert_double_eq_tol(beyond / 200000.0, 0.025, 0.002);
    ck_assert_double_eq_tol(sim_normal_quantile(0.975), 1.959963985, 1e-8);
    ck_assert_double_eq_tol(sim_normal_cdf(-1), 0.158655254, 1e-9);
}
END_TEST

/* 0 of n: 1 - 0.05^(1/n). 10 of 20: the one-sided bound of tables is 0.6980. All of n: 1. */
START_TEST(bounds_are_clopper_and_pearsons)
{
    ck_assert_double_eq_tol(sim_upper(0, 20000), 1 - pow(0.05, 1 / 20000.0), 1e-12);
    ck_assert_double_eq_tol(sim_upper(10, 20), 0.6980, 5e-5);
    ck_assert_double_eq_tol(sim_lower(10, 20), 1 - 0.6980, 5e-5);
    ck_assert_double_eq_tol(sim_upper(20, 20), 1, 1e-12);
    ck_assert_double_eq_tol(sim_lower(0, 20), 0, 1e-12);
    ck_assert_double_eq_tol(sim_upper(19754, 20000), 0.9877 + 1.645 * sqrt(0.9877 * 0.0123 / 20000), 1e-4);
}
END_TEST

Suite *
chance_suite(void)
{
    Suite *s = suite_create("chance");
    TCase *tc = tcase_create("chance");

    tcase_add_loop_test(tc, tables_have_their_moments, 0, GR_COUNT(moments_rows));
    tcase_add_test(tc, nothing_is_drawn_as_often_as_it_should);
    tcase_add_test(tc, seeds_repeat);
    tcase_add_test(tc, normal_numbers_are_normal);
    tcase_add_test(tc, bounds_are_clopper_and_pearsons);
    suite_add_tcase(s, tc);
    return s;
}
