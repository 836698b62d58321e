#include "config.h"
#include "random.h"

#include <math.h>

#include "guardrail/base.h"
#include "test_fleet.h"

#define DRAWS 20000

/* Mean and variance of many draws lie within 5 standard errors of the distribution's; that of a variance is
 * variance × √((2 + excess kurtosis) / draws). */
static void
check_moments(const char *what, const double *x, double mean, double variance, double kurtosis)
{
    double sum = 0, squares = 0, got;

    for (size_t i = 0; i < DRAWS; i++)
        sum += x[i];
    got = sum / DRAWS;
    ck_assert_msg(fabs(got - mean) <= 5 * sqrt(variance / DRAWS), "%s: mean %g, not %g", what, got, mean);
    for (size_t i = 0; i < DRAWS; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    got = squares / DRAWS;
    ck_assert_msg(fabs(got - variance) <= 5 * variance * sqrt((2 + kurtosis) / DRAWS),
                  "%s: variance %g, not %g", what, got, variance);
}

/* Both sides of each switch between methods. */
static const double means[] = {0.01, 0.5, 9.99, 10.01, 40, 3000, 999999, 1000001, 1e12};

START_TEST(poisson_moments)
{
    double *x = malloc(DRAWS * sizeof(*x)), mean = means[_i];
    struct rng r;

    ck_assert_ptr_nonnull(x);
    rng_init(&r, 1, (uint64_t)_i);
    for (size_t i = 0; i < DRAWS; i++)
        x[i] = (double)rng_poisson(&r, mean);
    check_moments("poisson", x, mean, mean, 1 / mean);
    free(x);
}
END_TEST

static const struct {
    uint64_t n;
    double p;
} trials[] = {
    {1, 0.3},  {20, 0.3},     {30, 0.34},      {1000, 0.0001},      {1000, 0.011},       {1000, 0.5},
    {64, 0.9}, {40000, 0.99}, {1000000, 0.01}, {10000000000, 0.01}, {10000000000, 1e-9},
};

START_TEST(binomial_moments)
{
    double *x = malloc(DRAWS * sizeof(*x)), n = (double)trials[_i].n, p = trials[_i].p, v = n * p * (1 - p);
    struct rng r;

    ck_assert_ptr_nonnull(x);
    rng_init(&r, 2, (uint64_t)_i);
    for (size_t i = 0; i < DRAWS; i++) {
        x[i] = (double)rng_binomial(&r, trials[_i].n, p);
        ck_assert(x[i] <= n);
    }
    check_moments("binomial", x, n * p, v, (1 - 6 * p * (1 - p)) / v);
    free(x);
}
END_TEST

/* χ² of the counts of 0 … cells-2 and "more" against the exact probabilities. With k degrees of freedom it
 * stays below k + 5 √(2k) in all but about one of 10^5 correct samples. */
static void
check_chi_square(const char *what, const uint64_t *seen, const double *p, size_t cells)
{
    double chi = 0, k = (double)cells - 1;

    for (size_t i = 0; i < cells; i++)
        chi += ((double)seen[i] - DRAWS * p[i]) * ((double)seen[i] - DRAWS * p[i]) / (DRAWS * p[i]);
    ck_assert_msg(chi < k + 5 * sqrt(2 * k), "%s: chi square %g for %g degrees of freedom", what, chi, k);
}

#define CELLS 25 /* 0 to 23, and more */

START_TEST(rejection_methods_are_exact)
{
    double poisson[CELLS], binomial[CELLS], left_p = 1, left_b = 1;
    uint64_t seen_p[CELLS] = {0}, seen_b[CELLS] = {0};
    struct rng r;

    poisson[0] = exp(-12.0);
    binomial[0] = pow(0.7, 40);
    for (size_t k = 1; k + 1 < CELLS; k++) {
        poisson[k] = poisson[k - 1] * 12 / (double)k;
        binomial[k] = binomial[k - 1] * (double)(40 - k + 1) / (double)k * (0.3 / 0.7);
    }
    for (size_t k = 0; k + 1 < CELLS; k++) {
        left_p -= poisson[k];
        left_b -= binomial[k];
    }
    poisson[CELLS - 1] = left_p;
    binomial[CELLS - 1] = left_b;
    rng_init(&r, 3, 0);
    for (size_t i = 0; i < DRAWS; i++) {
        uint64_t p = rng_poisson(&r, 12), b = rng_binomial(&r, 40, 0.3);

        seen_p[p < CELLS ? p : CELLS - 1]++;
        seen_b[b < CELLS ? b : CELLS - 1]++;
    }
    /* Cells expected to hold fewer than 5 are left out: the first one or two, and the binomial's last. */
    check_chi_square("poisson", seen_p + 3, poisson + 3, CELLS - 4);
    check_chi_square("binomial", seen_b + 4, binomial + 4, 18);
}
END_TEST

START_TEST(multinomial_spreads_all)
{
    static const double share[] = {0.5, 0.25, 0.125, 0.0625, 0.0625, 0};
    uint64_t out[GR_COUNT(share)] = {1}, sum = 0;
    struct rng r;

    rng_init(&r, 4, 0);
    rng_multinomial(&r, 1000000, share, GR_COUNT(share), out);
    for (size_t i = 0; i < GR_COUNT(share); i++) {
        double sd = sqrt(1e6 * share[i] * (1 - share[i]));

        sum += out[i];
        ck_assert_msg(fabs((double)out[i] - 1e6 * share[i]) <= 5 * sd + 1, "cell %zu", i);
    }
    ck_assert_uint_eq(sum, 1000001); /* what was there stays */
}
END_TEST

START_TEST(streams_differ_and_repeat)
{
    struct rng a, b, c, d;

    rng_init(&a, 1, 0);
    rng_init(&b, 1, 0);
    rng_init(&c, 1, 1);
    rng_init(&d, 2, 0);
    for (int i = 0; i < 100; i++) {
        double u = rng_uniform(&a);

        ck_assert(u > 0 && u < 1);
        ck_assert(u <= rng_uniform(&b) && u >= 0);
        ck_assert(fabs(u - rng_uniform(&c)) > 0);
        ck_assert(fabs(u - rng_uniform(&d)) > 0);
    }
}
END_TEST

START_TEST(edges_of_the_ranges)
{
    struct rng r;

    rng_init(&r, 5, 0);
    ck_assert_uint_eq(rng_poisson(&r, 0), 0);
    ck_assert_uint_eq(rng_poisson(&r, -1), 0);
    ck_assert_uint_eq(rng_poisson(&r, (double)NAN), 0);
    ck_assert_uint_eq(rng_binomial(&r, 0, 0.5), 0);
    ck_assert_uint_eq(rng_binomial(&r, 10, 0), 0);
    ck_assert_uint_eq(rng_binomial(&r, 10, -1), 0);
    ck_assert_uint_eq(rng_binomial(&r, 10, 1), 10);
    ck_assert_uint_eq(rng_binomial(&r, 10, 2), 10);
}
END_TEST

Suite *
random_suite(void)
{
    Suite *s = suite_create("random");
    TCase *tc = tcase_create("random");

    tcase_add_loop_test(tc, poisson_moments, 0, GR_COUNT(means));
    tcase_add_loop_test(tc, binomial_moments, 0, GR_COUNT(trials));
    tcase_add_test(tc, rejection_methods_are_exact);
    tcase_add_test(tc, multinomial_spreads_all);
    tcase_add_test(tc, streams_differ_and_repeat);
    tcase_add_test(tc, edges_of_the_ranges);
    suite_add_tcase(s, tc);
    return s;
}
