/* world.c - see world.h. */
#include "config.h"
#include "world.h"

#include "guardrail/sys.h"

#include <math.h>

static bool
is_canary(const struct series *s)
{
    return s->label[L_TRACK] != NULL && strcmp(s->label[L_TRACK], "canary") == 0;
}

static bool
is_gauge(const struct series *s)
{
    return families[s->family].shape >= SHAPE_GAUGE;
}

enum gr_err
world_create(struct world **out, const struct world_options *options)
{
    struct world *w = gr_sys.realloc(NULL, sizeof(*w));

    if (w == NULL)
        return GR_ENOMEM;
    memset(w, 0, sizeof(*w));
    w->options = *options;
    topology_init(&w->topology);
    for (size_t v = 0; v < VENUE_COUNT; v++) {
        w->share[v][FLOW_MARKET_MAKING] = 0.01;
        w->share[v][FLOW_AGENCY] = 0.005;
    }
    for (size_t i = 0; i < w->topology.count; i++) {
        const struct series *s = &w->topology.series[i];

        rng_init(&w->points[i].rng, options->seed, i);
        if (is_gauge(s))
            w->points[i].noise = families[s->family].noise * rng_normal(&w->points[i].rng);
    }
    world_step(w, 0);
    *out = w;
    return GR_OK;
}

void
world_free(struct world *w)
{
    if (w != NULL)
        gr_sys.free(w);
}

/* Share of a standard normal distribution below x. */
static double
normal_cdf(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

/* Draws n latencies into the buckets. What a bucket adds to the sum is its count × the mean of the
 * log-normal distribution between its edges, exp(mu + sigma²/2) × (Φ(z2 - sigma) - Φ(z1 - sigma)) / (Φ(z2) -
 * Φ(z1)) with z = (ln edge - mu) / sigma. */
static void
observe(struct point *p, const struct family *f, double median_s, uint64_t n)
{
    double share[EDGES_MAX + 1], part[EDGES_MAX + 1], below = 0, part_below = 0;
    uint64_t drawn[EDGES_MAX + 1] = {0};
    double mean_s = median_s * exp(f->noise * f->noise / 2);

    for (size_t i = 0; i <= f->edge_count; i++) {
        double z = i < f->edge_count ? (log(f->edges[i].s / median_s)) / f->noise : HUGE_VAL;
        double upto = normal_cdf(z), part_upto = normal_cdf(z - f->noise);

        share[i] = upto - below;
        part[i] = part_upto - part_below;
        below = upto;
        part_below = part_upto;
    }
    rng_multinomial(&p->rng, n, share, f->edge_count + 1, drawn);
    for (size_t i = 0; i <= f->edge_count; i++) {
        p->bucket[i] += drawn[i];
        if (drawn[i] > 0 && share[i] > 0)
            p->sum += (double)drawn[i] * mean_s * part[i] / share[i];
    }
    p->total += n;
}

static void
step_counted(struct world *w, const struct series *s, struct point *p, double seconds_s)
{
    const struct family *f = &families[s->family];
    double share = w->share[s->venue][s->flow];
    double rate =
        w->options.rps * s->rate * (is_canary(s) ? share : 1 - share) * faults_traffic(&w->faults, s);
    double level = faults_level(&w->faults, s, s->level);
    uint64_t n;

    if (faults_have(&w->faults, ACT_FLAT, s))
        return;
    n = rng_poisson(&p->rng, rate * seconds_s);
    if (f->shape == SHAPE_HISTOGRAM) {
        observe(p, f, level, n);
        return;
    }
    p->total += n;
    p->part += rng_binomial(&p->rng, n, level);
}

/* hedge_beta × market_return_bps of the venue, from the same step: both families stand before the drift. */
static double
market_part(const struct world *w, size_t venue)
{
    double beta = 0, market = 0;

    for (size_t i = 0; i < w->topology.count; i++) {
        const struct series *s = &w->topology.series[i];

        if (s->family == FAM_MARKET_RETURN)
            market = w->points[i].value;
        else if (s->family == FAM_HEDGE_BETA && s->venue == venue)
            beta = w->points[i].value;
    }
    return beta * market;
}

static double
clamped(double v, const struct family *f)
{
    return v < f->min ? f->min : v > f->max ? f->max : v;
}

static void
step_gauge(struct world *w, const struct series *s, struct point *p, double seconds_s)
{
    const struct family *f = &families[s->family];
    double level = s->level;

    if (seconds_s > 0 && f->noise > 0) {
        double keep = exp(-seconds_s / f->memory_s);

        p->noise = p->noise * keep + f->noise * sqrt(1 - keep * keep) * rng_normal(&p->rng);
    }
    if (f->shape == SHAPE_SAWTOOTH)
        level *= fmod(w->now_s, f->memory_s) / f->memory_s;
    level = faults_level(&w->faults, s, level);
    if (f->shape == SHAPE_DRIFT)
        level += market_part(w, s->venue);
    p->value = clamped(level + p->noise, f);
}

void
world_step(struct world *w, double seconds_s)
{
    if (!(seconds_s > 0))
        seconds_s = 0;
    if (seconds_s > WORLD_STEP_S_MAX)
        seconds_s = WORLD_STEP_S_MAX;
    w->now_s += seconds_s;
    for (size_t i = 0; i < w->topology.count; i++) {
        const struct series *s = &w->topology.series[i];

        if (is_gauge(s))
            step_gauge(w, s, &w->points[i], seconds_s);
        else if (seconds_s > 0)
            step_counted(w, s, &w->points[i], seconds_s);
    }
}

static void
reset_counters(struct point *p)
{
    p->total = p->part = 0;
    memset(p->bucket, 0, sizeof(p->bucket));
    p->sum = 0;
}

enum gr_err
world_fault(struct world *w, const struct fault *f)
{
    if (f->kind->act != ACT_RESET) {
        if (w->faults.count == FAULTS_MAX)
            return GR_ELIMIT;
        w->faults.list[w->faults.count++] = *f;
        world_step(w, 0);
        return GR_OK;
    }
    for (size_t i = 0; i < w->topology.count; i++) {
        if (fault_hits(f, &w->topology.series[i]))
            reset_counters(&w->points[i]);
    }
    return GR_OK;
}

void
world_heal(struct world *w)
{
    w->faults.count = 0;
    world_step(w, 0);
}
