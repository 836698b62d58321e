/* chance.c - see chance.h. */
#include "config.h"
#include "chance.h"

#include <math.h>

#include "guardrail/sys.h"

#define ROWS_PER_SD 64 /* of a table whose rows stand for several counts */
#define REACH 12       /* standard deviations to either side; the tail beyond is below 1e-12 … */
#define TAIL 40        /* … and so many clusters more, for counts far from normal */

/* -- generator --------------------------------------------------------------------------------------------------------------- */

void
sim_rng_seed(struct sim_rng *rng, uint64_t seed)
{
    for (size_t i = 0; i < GR_COUNT(rng->s); i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        rng->s[i] = z ^ z >> 31;
    }
}

static uint64_t
rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static uint64_t
next(struct sim_rng *rng)
{
    uint64_t *s = rng->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double
sim_uniform(struct sim_rng *rng)
{
    return (double)(next(rng) >> 11) * 0x1p-53;
}

/* G. Marsaglia's polar method; the second number is thrown away, so that the generator is all the state there is. */
double
sim_normal(struct sim_rng *rng)
{
    double x, y, r;

    do {
        x = 2 * sim_uniform(rng) - 1;
        y = 2 * sim_uniform(rng) - 1;
        r = x * x + y * y;
    } while (r >= 1 || r <= 0);
    return x * sqrt(-2 * log(r) / r);
}

/* -- tables ------------------------------------------------------------------------------------------------------------------ */

static double
log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* Of a count k; -HUGE_VAL where it cannot be. Binomial: a whole number of trials, the mean kept. */
static double
log_mass(double k, double mean, double variance)
{
    double share = 1 - variance / mean, trials;

    if (fabs(share) < 1e-6)
        return k * log(mean) - mean - lgamma(k + 1);
    if (share < 0) {
        double size = mean * mean / (variance - mean), success = mean / (size + mean);

        return lgamma(k + size) - lgamma(size) - lgamma(k + 1) + size * log1p(-success) + k * log(success);
    }
    trials = rint(mean / share);
    share = mean / trials;
    return k > trials ? -HUGE_VAL : log_choose(trials, k) + k * log(share) + (trials - k) * log1p(-share);
}

/* Vose's way to fill an alias table (M. D. Vose, IEEE Trans. Softw. Eng. 17, 1991). mass: adds up to n; used up. work: room for n. */
static void
fill(struct sim_table *t, double *mass, uint32_t *work)
{
    uint32_t small = 0, large = t->n; /* two stacks in one array, growing towards each other */

    for (uint32_t i = 0; i < t->n; i++)
        if (mass[i] < 1)
            work[small++] = i;
        else
            work[--large] = i;
    while (small > 0 && large < t->n) {
        uint32_t a = work[--small], b = work[large++];

        t->keep[a] = mass[a];
        t->other[a] = b;
        mass[b] -= 1 - mass[a];
        if (mass[b] < 1)
            work[small++] = b;
        else
            work[--large] = b;
    }
    while (small > 0)
        t->keep[work[--small]] = 1;
    while (large < t->n)
        t->keep[work[large++]] = 1;
}

static void *
room(size_t n, size_t size)
{
    return gr_sys.realloc(NULL, n * size);
}

enum gr_err
sim_table_init(struct sim_table *t, double mean, double variance)
{
    double sd = sqrt(variance), cluster = variance / mean > 1 ? variance / mean : 1, sum = 0;
    double high = ceil(mean + REACH * sd + TAIL * cluster);
    double *mass = NULL;
    uint32_t *work = NULL;
    enum gr_err err = GR_ENOMEM;

    *t = (struct sim_table){.low = floor(fmax(0, mean - REACH * sd)),
                            .step = fmax(1, floor(sd / ROWS_PER_SD))};
    t->n = (uint32_t)((high - t->low) / t->step) + 1;
    mass = room(t->n, sizeof *mass);
    work = room(t->n, sizeof *work);
    t->keep = room(t->n, sizeof *t->keep);
    t->other = room(t->n, sizeof *t->other);
    if (!mass || !work || !t->keep || !t->other)
        goto done;
    for (uint32_t i = 0; i < t->n; i++)
        sum += mass[i] = exp(log_mass(t->low + t->step * i, mean, variance));
    for (uint32_t i = 0; i < t->n; i++)
        mass[i] *= t->n / sum;
    fill(t, mass, work);
    err = GR_OK;
done:
    gr_sys.free(mass);
    gr_sys.free(work);
    if (err != GR_OK)
        sim_table_fini(t);
    return err;
}

void
sim_table_fini(struct sim_table *t)
{
    gr_sys.free(t->keep);
    gr_sys.free(t->other);
    *t = (struct sim_table){0};
}

double
sim_table_draw(const struct sim_table *t, struct sim_rng *rng)
{
    double at = sim_uniform(rng) * t->n;
    uint32_t row = (uint32_t)at;

    return t->low + t->step * (at - row < t->keep[row] ? row : t->other[row]);
}

/* -- probabilities ----------------------------------------------------------------------------------------------------------- */

static double
mass_at(uint64_t k, uint64_t n, double p)
{
    return exp(log_choose((double)n, (double)k) + (double)k * log(p) + (double)(n - k) * log1p(-p));
}

/* P(X <= k), X binomial(n, p), k < n: the smaller tail is summed, away from the middle, until terms no longer count. */
static double
at_most(uint64_t k, uint64_t n, double p)
{
    double term, sum = 0;

    if ((double)k < (double)n * p) {
        term = mass_at(k, n, p);
        for (uint64_t i = k;; i--) {
            sum += term;
            if (i == 0 || term <= sum * 1e-17)
                return sum;
            term *= (double)i / (double)(n - i + 1) * (1 - p) / p;
        }
    }
    term = mass_at(k + 1, n, p);
    for (uint64_t i = k + 1;; i++) {
        sum += term;
        if (i == n || term <= sum * 1e-17)
            return 1 - sum;
        term *= (double)(n - i) / (double)(i + 1) * p / (1 - p);
    }
}

double
sim_upper(uint64_t k, uint64_t n)
{
    double low = 0, high = 1;

    if (k >= n)
        return 1;
    for (int i = 0; i < 60; i++) {
        double p = (low + high) / 2;

        if (at_most(k, n, p) > 0.05)
            low = p;
        else
            high = p;
    }
    return high;
}

double
sim_lower(uint64_t k, uint64_t n)
{
    return 1 - sim_upper(n - (k < n ? k : n), n);
}

double
sim_normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

double
sim_normal_quantile(double p)
{
    double low = -40, high = 40;

    for (int i = 0; i < 80; i++) {
        double x = (low + high) / 2;

        if (sim_normal_cdf(x) < p)
            low = x;
        else
            high = x;
    }
    return low;
}
