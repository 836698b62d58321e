/* random.c - see random.h. Small means are drawn by simple inversion, medium ones by transformed rejection,
 * large ones from the normal distribution, so that no draw loops over the events it counts. */
#include "config.h"
#include "random.h"

#include <math.h>
#include <stdbool.h>

#define SMALL_MEAN 10.0 /* the rejection methods below are stated for means from 10 */
#define LARGE_MEAN 1e6

static uint64_t
splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void
rng_init(struct rng *r, uint64_t seed, uint64_t stream)
{
    uint64_t mixed = stream;
    uint64_t state = seed ^ splitmix64(&mixed);

    for (size_t i = 0; i < 4; i++)
        r->s[i] = splitmix64(&state);
}

static uint64_t
rotl(uint64_t x, unsigned k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t
next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double
rng_uniform(struct rng *r)
{
    return ((double)(next(r) >> 11) + 0.5) * 0x1p-53; /* never 0 or 1, so that logarithms are finite */
}

/* Polar method of Marsaglia; the second number is dropped, which keeps the generator's state one array. */
double
rng_normal(struct rng *r)
{
    double u, v, s;

    do {
        u = 2 * rng_uniform(r) - 1;
        v = 2 * rng_uniform(r) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s <= 0);
    return u * sqrt(-2 * log(s) / s);
}

static uint64_t
rounded_normal(struct rng *r, double mean, double variance)
{
    double x = floor(mean + sqrt(variance) * rng_normal(r) + 0.5);

    return x > 0 ? (uint64_t)x : 0;
}

static uint64_t
small_poisson(struct rng *r, double mean)
{
    double limit = exp(-mean), product = rng_uniform(r);
    uint64_t k = 0;

    while (product > limit) {
        product *= rng_uniform(r);
        k++;
    }
    return k;
}

/* log(k!) - Stirling's main part, for k >= 0. */
static double
stirling_tail(double k)
{
    static const double small[] = {
        0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.0207906721037650,  0.0166446911898211,
        0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
    };
    double k1 = k + 1, k1sq = k1 * k1;

    if (k < 10)
        return small[(size_t)k];
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / k1sq) / k1sq) / k1;
}

/* log(k!) = (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2 + tail; lgamma() is avoided: it writes a global.
 * */
static double
log_factorial(double k)
{
    return (k + 0.5) * log(k + 1) - (k + 1) + 0.918938533204672742 + stirling_tail(k);
}

/* PTRS: W. Hörmann, "The transformed rejection method for generating Poisson random variables", Insurance:
 * Mathematics and Economics 12 (1993), pp. 39-45. */
static uint64_t
medium_poisson(struct rng *r, double mean)
{
    double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
    double inv_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);

    for (;;) {
        double u = rng_uniform(r) - 0.5, v = rng_uniform(r), us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + mean + 0.43);

        if (us >= 0.07 && v <= v_r)
            return (uint64_t)k;
        if (k < 0 || (us < 0.013 && v > us))
            continue;
        if (log(v * inv_alpha / (a / (us * us) + b)) <= -mean + k * log(mean) - log_factorial(k))
            return (uint64_t)k;
    }
}

uint64_t
rng_poisson(struct rng *r, double mean)
{
    if (!(mean > 0))
        return 0;
    if (mean < SMALL_MEAN)
        return small_poisson(r, mean);
    return mean > LARGE_MEAN ? rounded_normal(r, mean, mean) : medium_poisson(r, mean);
}

/* Adds up the geometric gaps between successes; for n * p below SMALL_MEAN, p <= 1/2. */
static uint64_t
small_binomial(struct rng *r, uint64_t n, double p)
{
    double denominator = log1p(-p), at = 0;
    uint64_t k = 0;

    for (;;) {
        at += ceil(log(rng_uniform(r)) / denominator);
        if (at > (double)n)
            return k;
        k++;
    }
}

/* BTRS: W. Hörmann, "The generation of binomial random variates", Journal of Statistical Computation and
 * Simulation 46 (1993), pp. 101-110; for n * p from 10, p <= 1/2. */
static uint64_t
medium_binomial(struct rng *r, double n, double p)
{
    double sd = sqrt(n * p * (1 - p)), odds = p / (1 - p);
    double b = 1.15 + 2.53 * sd, a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5;
    double v_r = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * sd, m = floor((n + 1) * p);

    for (;;) {
        double u = rng_uniform(r) - 0.5, v = rng_uniform(r), us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + c);

        if (k < 0 || k > n)
            continue;
        if (us >= 0.07 && v <= v_r)
            return (uint64_t)k;
        if (log(v * alpha / (a / (us * us) + b)) <=
            (m + 0.5) * log((m + 1) / (odds * (n - m + 1))) + (n + 1) * log((n - m + 1) / (n - k + 1)) +
                (k + 0.5) * log(odds * (n - k + 1) / (k + 1)) + stirling_tail(m) + stirling_tail(n - m) -
                stirling_tail(k) - stirling_tail(n - k))
            return (uint64_t)k;
    }
}

uint64_t
rng_binomial(struct rng *r, uint64_t n, double p)
{
    double mean = (double)n * p;
    uint64_t k;

    if (n == 0 || !(p > 0))
        return 0;
    if (p >= 1)
        return n;
    if (p > 0.5)
        return n - rng_binomial(r, n, 1 - p);
    if (mean < SMALL_MEAN)
        return small_binomial(r, n, p);
    k = mean * (1 - p) > LARGE_MEAN ? rounded_normal(r, mean, mean * (1 - p))
                                    : medium_binomial(r, (double)n, p);
    return k < n ? k : n;
}

void
rng_multinomial(struct rng *r, uint64_t n, const double *share, size_t count, uint64_t *out)
{
    double left = 1;

    for (size_t i = 0; i < count && n > 0; i++) {
        bool last = i + 1 == count || left <= share[i];
        uint64_t k = last ? n : rng_binomial(r, n, share[i] / left);

        out[i] += k;
        n -= k;
        left -= share[i];
    }
}
