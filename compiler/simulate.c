/* simulate.c - phases played slot by slot, and every way to decide on the same events. See simulate.h. */
#include "config.h"
#include "simulate.h"

#include <math.h>

#include "evidence_math.h"
#include "guardrail/sys.h"

#define TIDES 8u  /* steps between a day's quietest and busiest slot */
#define SHARED 8u /* equally likely sizes of the factor that both cohorts share in a slot */
#define GROWTH 8u /* steps from healthy to the full regression */
#define RATE_MAX 0.98

static const char *const rule_names[SIM_RULES] = {
    [SIM_EVIDENCE] = "evidence",  [SIM_PLAIN] = "textbook",          [SIM_NAIVE] = "naive",
    [SIM_FOR_3] = "for: 3 slots", [SIM_MIN_COUNT] = "minimum count",
};

const char *
sim_rule_name(enum sim_rule rule)
{
    return rule_names[rule];
}

/* Canary's tables are [growth][tide][shared], control's [tide][shared]. */
struct sim_phase {
    struct sim_test test;
    struct sim_world world;
    uint32_t growths, tides, shareds;
    uint32_t n_tables;
    struct sim_table *tables; /* owned; control's first */
    double tide[TIDES], shared[SHARED];
    uint8_t *tide_of; /* owned; [period], which tide a slot has */
};

/* -- set-up ------------------------------------------------------------------------------------------------------------------- */

static double
grown(const struct sim_phase *p, uint32_t growth)
{
    return growth == 0 ? 1 : 1 + (p->world.regression - 1) * growth / (p->growths - 1);
}

/* Bad events of one slot: rate x total on average, phi times as variable as binomial ones. */
static enum gr_err
tabulate(const struct sim_phase *p, struct sim_table *t, double total, double rate)
{
    rate = rate < RATE_MAX ? rate : RATE_MAX;
    return sim_table_init(t, total * rate, p->world.dispersion * total * rate * (1 - rate));
}

static enum gr_err
tabulate_all(struct sim_phase *p)
{
    uint32_t each = p->tides * p->shareds;
    enum gr_err err = GR_OK;

    for (uint32_t i = 0; err == GR_OK && i < p->n_tables; i++) {
        double tide = p->tide[i / p->shareds % p->tides];
        double rate = p->test.rate * tide * p->shared[i % p->shareds];

        err = i < each
                  ? tabulate(p, &p->tables[i], p->test.control_total * tide, rate)
                  : tabulate(p, &p->tables[i], p->test.canary_total * tide, rate * grown(p, i / each - 1));
    }
    return err;
}

static bool
is_share(double x)
{
    return x >= 0 && x < 1;
}

/* Comparisons are written so that NaN fails. */
static bool
is_test(const struct sim_test *t)
{
    bool counts = t->canary_total > 0 && t->control_total > 0 && t->canary_total < 1e9 &&
                  t->control_total < 1e12 && t->rate > 0 && t->rate < 1;
    bool gauge = t->noise >= 0 && t->noise < 1e3 && fabs(t->rho) < 1;

    return (t->kind == SIM_GAUGE ? gauge : counts) && isfinite(t->limit) && isfinite(t->threshold) &&
           t->floor >= 0 && t->min_events >= 0 && t->min_total >= 0 && t->window >= 1 && t->slots >= 1 &&
           t->slots <= SIM_SLOTS_MAX && t->window <= SIM_SLOTS_MAX;
}

static bool
is_world(const struct sim_world *w)
{
    return w->dispersion >= 1 && w->dispersion <= 1e3 && w->regression >= 0 && w->regression <= 1e6 &&
           w->shared >= 0 && w->shared <= 3 && is_share(w->diurnal) && is_share(w->missing) &&
           is_share(w->restart) && w->period <= SIM_SLOTS_MAX;
}

static enum gr_err
set_tides(struct sim_phase *p)
{
    uint32_t period = p->world.period;

    p->tides = p->world.diurnal > 0 && period > 0 ? TIDES : 1;
    for (uint32_t i = 0; i < p->tides; i++)
        p->tide[i] = 1 + (p->tides > 1 ? p->world.diurnal * ((2 * i + 1.0) / TIDES - 1) : 0);
    if (p->tides == 1)
        return GR_OK;
    p->tide_of = gr_sys.realloc(NULL, period);
    if (!p->tide_of)
        return GR_ENOMEM;
    for (uint32_t i = 0; i < period; i++) {
        double high = (1 + sin(2 * 3.14159265358979323846 * i / period)) / 2 * TIDES;

        p->tide_of[i] = (uint8_t)(high < TIDES ? high : TIDES - 1);
    }
    return GR_OK;
}

/* The middles of equally likely parts of a log-normal factor with mean near 1. */
static void
set_shared(struct sim_phase *p)
{
    double s = p->world.shared;

    p->shareds = s > 0 ? SHARED : 1;
    for (uint32_t i = 0; i < p->shareds; i++)
        p->shared[i] = s > 0 ? exp(s * sim_normal_quantile((i + 0.5) / SHARED) - s * s / 2) : 1;
}

enum gr_err
sim_phase_create(struct sim_phase **out, const struct sim_test *test, const struct sim_world *world)
{
    struct sim_phase *p;
    enum gr_err err;

    if (!is_test(test) || !is_world(world))
        return GR_ERANGE;
    p = gr_sys.realloc(NULL, sizeof *p);
    if (!p)
        return GR_ENOMEM;
    *p = (struct sim_phase){.test = *test, .world = *world, .growths = 1};
    set_shared(p);
    if (world->regression < 1 || world->regression > 1)
        p->growths = world->leak > 0 ? GROWTH + 1 : 2;
    if ((err = set_tides(p)) != GR_OK)
        goto done;
    if (test->kind != SIM_GAUGE)
        p->n_tables = (p->growths + 1) * p->tides * p->shareds;
    if (p->n_tables > 0) {
        err = GR_ENOMEM;
        if ((p->tables = gr_sys.realloc(NULL, p->n_tables * sizeof *p->tables)) == NULL)
            goto done;
        memset(p->tables, 0, p->n_tables * sizeof *p->tables);
        if ((err = tabulate_all(p)) != GR_OK)
            goto done;
    }
    *out = p;
    p = NULL;
done:
    sim_phase_free(p);
    return err;
}

void
sim_phase_free(struct sim_phase *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; p->tables && i < p->n_tables; i++)
        sim_table_fini(&p->tables[i]);
    gr_sys.free(p->tables);
    gr_sys.free(p->tide_of);
    gr_sys.free(p);
}

/* -- one phase ----------------------------------------------------------------------------------------------------------------- */

struct slot {
    double bad[2], total[2]; /* canary, control; gauges: values in bad, 1 in total */
};
struct play {
    const struct sim_phase *p;
    struct sim_rng *rng;
    uint32_t offset; /* into the day */
    double noise;    /* gauges: the last slot's, in standard deviations */
    struct slot window, since;
    double score, square;               /* sums of the recorded difference per slot and of its square */
    double pairs;                       /* how many */
    double last[EVIDENCE_GAUGE_RECENT]; /* gauges: the newest differences, NaN where there was none */
    uint32_t in_row;                    /* excursions */
};

static uint32_t
growth_at(const struct sim_phase *p, uint32_t t)
{
    uint64_t steps;

    if (p->growths == 1 || t < p->world.onset)
        return 0;
    if (p->world.leak == 0)
        return 1;
    steps = (uint64_t)(t - p->world.onset) * GROWTH / p->world.leak;
    return steps < GROWTH ? (uint32_t)steps : GROWTH;
}

static void
move_slot(struct slot *to, const struct slot *by, double sign)
{
    for (int i = 0; i < 2; i++) {
        to->bad[i] += sign * by->bad[i];
        to->total[i] += sign * by->total[i];
    }
}

static uint32_t
tide_at(const struct play *a, uint32_t t)
{
    return a->p->tides > 1 ? a->p->tide_of[(a->offset + t) % a->p->world.period] : 0;
}

static uint32_t
some(uint32_t n, struct sim_rng *rng)
{
    return n > 1 ? (uint32_t)(sim_uniform(rng) * n) : 0;
}

/* What a restart loses was not yet scraped; what was counted before is safe, because increase() sees the reset. */
static void
restart(struct slot *s, struct sim_rng *rng)
{
    double kept = sim_uniform(rng);

    s->bad[0] = floor(s->bad[0] * kept + sim_uniform(rng));
    s->total[0] = fmax(s->bad[0], floor(s->total[0] * kept));
}

static struct slot
count_slot(struct play *a, uint32_t t)
{
    const struct sim_phase *p = a->p;
    uint32_t tide = tide_at(a, t), row = tide * p->shareds + some(p->shareds, a->rng);
    const struct sim_table *control = &p->tables[row];
    const struct sim_table *canary = &p->tables[row + p->tides * p->shareds * (1 + growth_at(p, t))];
    struct slot s = {.total = {p->test.canary_total * p->tide[tide], p->test.control_total * p->tide[tide]}};

    s.bad[0] = fmin(sim_table_draw(canary, a->rng), s.total[0]);
    s.bad[1] = fmin(sim_table_draw(control, a->rng), s.total[1]);
    if (p->world.restart > 0 && sim_uniform(a->rng) < p->world.restart)
        restart(&s, a->rng);
    return s;
}

static struct slot
gauge_slot(struct play *a, uint32_t t)
{
    const struct sim_phase *p = a->p;
    double rho = p->test.rho, level = p->tide[tide_at(a, t)] * p->shared[some(p->shareds, a->rng)];
    struct slot s = {.total = {1, 1}};

    a->noise = t == 0 ? sim_normal(a->rng) : rho * a->noise + sqrt(1 - rho * rho) * sim_normal(a->rng);
    s.bad[1] = level;
    s.bad[0] = level * (grown(p, growth_at(p, t)) + p->test.noise * a->noise);
    return s;
}

static void
record(struct play *a, const struct slot *s, uint32_t t)
{
    double u;

    a->last[t % EVIDENCE_GAUGE_RECENT] = (double)NAN;
    if (!(s->total[0] > 0) || !(s->total[1] > 0))
        return;
    if (a->p->test.kind == SIM_GAUGE)
        u = a->p->test.points ? s->bad[0] - s->bad[1] : s->bad[0] / s->bad[1] - 1;
    else
        u = evidence_score(s->bad[0] / s->total[0], s->bad[1] / s->total[1], s->total[0], s->total[1]);
    a->last[t % EVIDENCE_GAUGE_RECENT] = u;
    a->score += u;
    a->square += u * u;
    a->pairs++;
}

static bool
is_beyond(const struct play *a)
{
    const struct sim_test *t = &a->p->test;
    const struct slot *w = &a->window;
    double canary, control, effect;

    if (!(w->total[0] > 0) || !(w->total[1] > 0))
        return false;
    canary = w->bad[0] / w->total[0];
    control = w->bad[1] / w->total[1];
    if (t->kind == SIM_GOOD) {
        canary = 1 - canary;
        control = 1 - control;
    }
    control = control > t->floor ? control : t->floor;
    effect = t->points ? canary - control : canary / control;
    if (!(control > 0) && !t->points)
        return false;
    return t->lower ? effect < t->limit : effect > t->limit;
}

static bool
has_enough(const struct play *a)
{
    const struct sim_test *t = &a->p->test;
    const struct slot *s = &a->since;

    if (t->kind == SIM_GAUGE)
        return a->pairs >= EVIDENCE_PAIRS_MIN;
    return s->bad[0] >= t->min_events && s->total[0] >= t->min_total && s->total[1] >= t->min_total;
}

static double
stdvar(const struct play *a)
{
    double mean = a->score / a->pairs, v = a->square / a->pairs - mean * mean;

    return v > 0 ? v : 0;
}

/* Of the last slots; NaN when there are fewer, or some have no difference. */
static double
recent(const struct play *a)
{
    double mean = 0, v = 0;

    for (size_t i = 0; i < EVIDENCE_GAUGE_RECENT; i++)
        mean += a->last[i] / EVIDENCE_GAUGE_RECENT;
    for (size_t i = 0; i < EVIDENCE_GAUGE_RECENT; i++)
        v += (a->last[i] - mean) * (a->last[i] - mean) / EVIDENCE_GAUGE_RECENT;
    return a->pairs >= EVIDENCE_GAUGE_RECENT ? v : (double)NAN;
}

/* The difference in the direction of the effect. */
static bool
is_bad_side(const struct sim_test *t, double d)
{
    return t->lower ? d < 0 : d > 0;
}

static bool
supports_gauge(const struct play *a, bool plain)
{
    const struct sim_test *t = &a->p->test;
    struct evidence_pairs e = {.slots = a->pairs,
                               .mean = a->score / a->pairs,
                               .stdvar = stdvar(a),
                               .recent = recent(a),
                               .recent_slots = EVIDENCE_GAUGE_RECENT, /* NaN is never smaller */
                               .limit = t->points ? t->limit : t->limit - 1};

    return is_bad_side(t, e.mean) && (plain ? evidence_pairs_plain(&e) : evidence_pairs(&e)) > t->threshold;
}

static bool
supports(const struct play *a, bool plain)
{
    const struct sim_test *t = &a->p->test;
    const struct slot *s = &a->since;
    struct evidence_counts e;
    double d;

    if (t->kind == SIM_GAUGE)
        return supports_gauge(a, plain);
    e = (struct evidence_counts){.canary = {s->bad[0], s->total[0], s->total[0]},
                                 .control = {s->bad[1], s->total[1], s->total[1]},
                                 .slots = a->pairs,
                                 .stdvar = stdvar(a)};
    d = evidence_counts_difference(&e);
    return is_bad_side(t, t->kind == SIM_GOOD ? -d : d) &&
           (plain ? evidence_counts_plain(&e) : evidence_counts(&e)) > t->threshold;
}

static void
note(uint32_t first[SIM_RULES], enum sim_rule rule, bool fires, uint32_t t)
{
    if (first[rule] == 0 && fires)
        first[rule] = t + 1;
}

static void
decide(struct play *a, uint32_t first[SIM_RULES], uint32_t t)
{
    bool beyond = is_beyond(a), enough;

    a->in_row = beyond ? a->in_row + 1 : 0;
    if (!beyond)
        return;
    enough = has_enough(a);
    note(first, SIM_NAIVE, true, t);
    note(first, SIM_FOR_3, a->in_row >= 3, t);
    note(first, SIM_MIN_COUNT, enough, t);
    if (enough && first[SIM_PLAIN] == 0)
        note(first, SIM_PLAIN, supports(a, true), t);
    if (enough && first[SIM_EVIDENCE] == 0)
        note(first, SIM_EVIDENCE, supports(a, false), t);
}

void
sim_phase_play(const struct sim_phase *p, struct sim_rng *rng, uint32_t first[SIM_RULES])
{
    struct slot ring[SIM_SLOTS_MAX];
    struct play a = {.p = p, .rng = rng};

    a.offset = some(p->world.period, rng);
    memset(first, 0, SIM_RULES * sizeof *first);
    for (uint32_t t = 0; t < p->test.slots; t++) {
        struct slot *s = &ring[t];

        *s = p->test.kind == SIM_GAUGE ? gauge_slot(&a, t) : count_slot(&a, t);
        if (p->world.missing > 0 && sim_uniform(rng) < p->world.missing)
            *s = (struct slot){0};
        record(&a, s, t);
        move_slot(&a.since, s, 1);
        move_slot(&a.window, s, 1);
        if (t >= p->test.window)
            move_slot(&a.window, &ring[t - p->test.window], -1);
        decide(&a, first, t);
    }
}

enum gr_err
sim_estimate(struct sim_tally *out, const struct sim_test *test, const struct sim_world *world,
             uint64_t trials, struct sim_rng *rng)
{
    struct sim_tally tally = {.trials = trials};
    struct sim_phase *p;
    enum gr_err err = sim_phase_create(&p, test, world);

    if (err != GR_OK)
        return err;
    for (uint64_t i = 0; i < trials; i++) {
        uint32_t first[SIM_RULES];

        sim_phase_play(p, rng, first);
        for (int r = 0; r < SIM_RULES; r++) {
            tally.fired[r] += first[r] > 0;
            tally.slots[r] += first[r];
        }
    }
    sim_phase_free(p);
    *out = tally;
    return GR_OK;
}

double
sim_quantile_share(double q, double spread, double factor)
{
    return 1 - sim_normal_cdf(sim_normal_quantile(q) - log(factor) / spread);
}
