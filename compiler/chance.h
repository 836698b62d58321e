/* chance.h - random numbers for simulations: a generator that is passed in, and tabulated distributions of counts.
 *
 * Same seed, same numbers: no clock, no global. Not for secrets. */
#ifndef GUARDRAIL_COMPILER_CHANCE_H
#define GUARDRAIL_COMPILER_CHANCE_H
#include "guardrail/base.h"

/* xoshiro256** of D. Blackman and S. Vigna (ACM Trans. Math. Softw. 47, 2021), seeded by splitmix64. */
struct sim_rng {
    uint64_t s[4];
};
void sim_rng_seed(struct sim_rng *rng, uint64_t seed);
double sim_uniform(struct sim_rng *rng); /* [0, 1) */
double sim_normal(struct sim_rng *rng);

/* Counts with a given mean and variance, by the alias method (A. J. Walker, ACM Trans. Math. Softw. 3, 1977): negative binomial where the
 * variance is above the mean, Poisson where they are equal, binomial below. Where counts are so spread that single ones do not matter,
 * one row stands for several: rows are at most 1/64 of a standard deviation wide. */
struct sim_table {
    double low, step; /* row i is the count low + step i */
    uint32_t n;
    double *keep;    /* owned: probability of staying in the row drawn */
    uint32_t *other; /* owned: else this one */
};
/* mean > 0, variance > 0. On failure the table is empty. */
GR_MUST_USE enum gr_err sim_table_init(struct sim_table *t, double mean, double variance);
void sim_table_fini(struct sim_table *t); /* accepts an empty one */
double sim_table_draw(const struct sim_table *t, struct sim_rng *rng);

/* 95 % bounds (one-sided; C. J. Clopper, E. S. Pearson, Biometrika 26, 1934) of a probability seen k times in n > 0. */
double sim_upper(uint64_t k, uint64_t n);
double sim_lower(uint64_t k, uint64_t n);
double sim_normal_cdf(double x);
double sim_normal_quantile(double p); /* 0 < p < 1 */
#endif
