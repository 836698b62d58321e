/* token_timing.c - does the time that a token takes to be judged tell how much of it is right?  token_timing [SAMPLES]
 *
 * Kinds of tokens are judged in random order; of each two kinds the mean times are compared by Welch's t (B. L. Welch, Biometrika 34,
 * 1947, pp. 28-35), after the slowest twentieth of all samples (interrupts) has been left out. A difference is found when
 * p < 0.01 in two runs out of two. Not run by `make check`: on a busy machine a verdict needs many samples. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "guardrail/number.h"
#include "webhook/tokens.h"

#define SAMPLES 100000u
#define TOKEN "0123456789abcdef0123456789abcdef"

static const struct {
    const char *name, *header;
} kinds[] = {
    {"right", "Bearer 0123456789abcdef0123456789abcdef"},
    {"wrong in the last byte", "Bearer 0123456789abcdef0123456789abcdeg"},
    {"wrong in the first byte", "Bearer X123456789abcdef0123456789abcdef"},
    {"wrong in all", "Bearer XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"},
};
struct sample {
    size_t kind;
    int64_t ns;
};

static int64_t
now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int
by_time(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;

    return (x->ns > y->ns) - (x->ns < y->ns);
}

static void
measure(const struct tokens *t, struct sample *samples, size_t n)
{
    uint64_t random = UINT64_C(88172645463325252); /* xorshift64; any order does that the judge cannot know */

    for (size_t i = 0; i < n; i++) {
        int64_t begin;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        samples[i].kind = (size_t)(random >> 33) % GR_COUNT(kinds);
        begin = now_ns();
        GR_ASSERT((tokens_roles(t, kinds[samples[i].kind].header) != 0) == (samples[i].kind == 0));
        samples[i].ns = now_ns() - begin;
    }
    qsort(samples, n, sizeof *samples, by_time);
}

struct moments {
    double n, mean, variance;
};

static struct moments
moments_of(const struct sample *samples, size_t n, size_t kind)
{
    struct moments m = {0, 0, 0};

    for (size_t i = 0; i < n; i++) /* Welford */
        if (samples[i].kind == kind) {
            double d = (double)samples[i].ns - m.mean;
            m.n += 1;
            m.mean += d / m.n;
            m.variance += d * ((double)samples[i].ns - m.mean);
        }
    m.variance /= m.n - 1;
    return m;
}

/* How many pairs of kinds differ. */
static int
compare(const struct sample *samples, size_t n)
{
    int found = 0;

    for (size_t a = 0; a < GR_COUNT(kinds); a++)
        for (size_t b = a + 1; b < GR_COUNT(kinds); b++) {
            struct moments x = moments_of(samples, n, a), y = moments_of(samples, n, b);
            double t = (x.mean - y.mean) / sqrt(x.variance / x.n + y.variance / y.n);
            double p = erfc(fabs(t) / sqrt(2.0)); /* normal: the samples are many */
            (void)printf("%-24s %8.1f ns   %-24s %8.1f ns   t %6.2f  p %.3f%s\n", kinds[a].name, x.mean,
                         kinds[b].name, y.mean, t, p, p < 0.01 ? "  <--" : "");
            found += p < 0.01;
        }
    return found;
}

int
main(int argc, char **argv)
{
    struct tokens t = {.roles = {[ROLE_INGEST] = {.configured = true, .count = 1}}};
    uint64_t per_kind = SAMPLES;
    size_t n;
    struct sample *samples;
    int found = 0;

    if (argc > 1 && gr_parse_u64(gr_str(argv[1]), 10000000, &per_kind) != GR_OK)
        return 2;
    n = (size_t)per_kind * GR_COUNT(kinds);
    samples = malloc(n * sizeof *samples);
    if (!samples || gr_sha256_hex(GR_STR(TOKEN), t.roles[ROLE_INGEST].sha256[0]) != GR_OK)
        return 3;
    for (int run = 0; run < 2 && (run == 0 || found > 0); run++) {
        measure(&t, samples, n);
        found = compare(samples, n - n / 20);
    }
    free(samples);
    (void)printf("%s\n", found ? "FAIL: the time tells something" : "ok: no difference is significant");
    return found ? 1 : 0;
}
