/* random.h - the fleet's random numbers: one small generator per series, and exact draws of counts.
 *
 * Every series owns its generator, seeded from the run's seed and the series' number. So the same seed gives
 * the same numbers, and a fault in one series never shifts the numbers of another. Nothing here allocates or
 * fails. */
#ifndef FLEET_RANDOM_H
#define FLEET_RANDOM_H
#include <stddef.h>
#include <stdint.h>

/* xoshiro256** by D. Blackman and S. Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47
 * (2021). */
struct rng {
    uint64_t s[4];
};

/* Streams of the same seed with different numbers are independent. */
void rng_init(struct rng *r, uint64_t seed, uint64_t stream);
/* In the open interval (0, 1). */
double rng_uniform(struct rng *r);
/* Mean 0, standard deviation 1. */
double rng_normal(struct rng *r);
/* A Poisson count. mean is finite and at most 1e15; 0 and below give 0. Constant time whatever the mean.
 * Exact up to a mean of 1e6, the rounded normal distribution above it (its skewness is then below 0.001). */
uint64_t rng_poisson(struct rng *r, double mean);
/* How many of n trials succeed, each with probability p (cut to [0, 1]). Constant time; exact up to a
 * variance of 1e6. */
uint64_t rng_binomial(struct rng *r, uint64_t n, double p);
/* Spreads n over `count` cells with the given shares, which sum to 1: a multinomial draw, added to out[]. */
void rng_multinomial(struct rng *r, uint64_t n, const double *share, size_t count, uint64_t *out);
#endif
