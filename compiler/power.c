/* power.c - phases played for every test of a specification; see power.h. */
#include "config.h"
#include "power_parts.h"

#include <math.h>
#include <stdlib.h>

#define SEARCH_TRIALS 400u   /* a figure within 2 points of 95 % */
#define STEPS 7              /* of a bisection on a log scale: within a few per cent of where it began */
#define WORK_MAX 150000000.0 /* slots and cohorts that the healthy rollouts may play: about two seconds */
#define ROLLOUTS_MIN 500u    /* of so many none at all shows that a budget of 1 % is kept */
#define ROLLOUTS_MOST 20000u
#define LETTER_TRIALS 2000u   /* a figure within 2 points */
#define LETTER_SLOTS_MAX 500u /* so that it costs `check` less than 20 ms */
#define MEMORY 64u            /* rows that equal ones are looked for in */

const double power_factors[POWER_FACTORS] = {1.4, 2, 4};

/* What runs: the result, and where figures of each test begin to be random. */
struct run {
    struct power *p;
    struct gr_arena *a;
    size_t cap;
    uint8_t *hit_min, *hit_max; /* by rollout: rolled back by anything */
    uint8_t *row_min, *row_max; /* ... by one guardrail in one phase */
    uint32_t *firsts;           /* of POWER_TRIALS phases */
    size_t done;                /* guardrails and phases */
    double threshold;           /* of evidence */
    enum gr_err err;
};

/* -- phases ---------------------------------------------------------------------------------------------------------------------- */

struct world {
    double regression;
    uint32_t onset, trials;
    uint64_t stream; /* so that figures do not share their chance */
};

/* In how many of the trials it fired; firsts may be NULL. */
static double
detection(struct run *run, const struct plan *p, struct world w, uint32_t *firsts)
{
    struct sim_world world = {.dispersion = plan_counts(p->g) ? p->rated.dispersion : 1,
                              .regression = w.regression,
                              .onset = w.onset};
    struct sim_phase *phase = NULL;
    struct sim_rng rng;
    uint32_t first[SIM_RULES], fired = 0;

    if (!p->playable || run->err != GR_OK)
        return 0;
    if ((run->err = sim_phase_create(&phase, &p->test, &world)) != GR_OK)
        return 0;
    sim_rng_seed(&rng, run->p->options.seed * 1000003u + w.stream);
    for (uint32_t i = 0; i < w.trials; i++) {
        sim_phase_play(phase, &rng, first);
        fired += first[p->rule] > 0;
        if (firsts)
            firsts[i] = first[p->rule];
    }
    sim_phase_free(phase);
    return (double)fired / w.trials;
}

static double
search_at(struct run *run, const struct plan *p, double k)
{
    return detection(run, p, (struct world){plan_excess(p, k), 0, SEARCH_TRIALS, 7}, NULL);
}

/* -- one row --------------------------------------------------------------------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The slot by which half of the phases had fired; 0: fewer did. */
static uint32_t
median(uint32_t *firsts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (firsts[i] == 0)
            firsts[i] = UINT32_MAX;
    qsort(firsts, n, sizeof *firsts, by_size);
    return firsts[n / 2] == UINT32_MAX ? 0 : firsts[n / 2];
}

/* The least k that is seen, 0 if none is. */
static double
least_seen(struct run *run, const struct plan *p, double most)
{
    double low = log(0.5), high = log(most);

    if (!(most > 0.5) || search_at(run, p, most) < POWER_WANTED)
        return 0;
    for (int i = 0; i < STEPS + 3; i++) {
        double mid = (low + high) / 2;

        if (search_at(run, p, exp(mid)) >= POWER_WANTED)
            high = mid;
        else
            low = mid;
    }
    return exp(high);
}

static double
seen_with(struct run *run, const struct which *w, struct how how)
{
    struct plan p;

    plan_init(&p, w, how);
    return search_at(run, &p, 2);
}

/* The factor on the canary's share with which twice the limit is seen. */
static double
share_needed(struct run *run, const struct which *w)
{
    double most = rates_grow_max(w->r, w->g, w->slice, w->phase), low = 0, high = log(most);

    if (!plan_counts(w->g) || most <= 1 || seen_with(run, w, (struct how){.grow = most}) < POWER_WANTED)
        return 0;
    for (int i = 0; i < STEPS; i++) {
        double mid = (low + high) / 2;

        if (seen_with(run, w, (struct how){.grow = exp(mid)}) >= POWER_WANTED)
            high = mid;
        else
            low = mid;
    }
    return exp(high);
}

/* The slots of a phase that sees twice the limit. */
static uint32_t
slots_needed(struct run *run, const struct which *w, uint32_t slots)
{
    uint32_t low = slots, high = slots;

    do {
        low = high;
        high *= 2;
        if (high > slots * POWER_LONGER_MAX || high > SIM_SLOTS_MAX)
            return 0;
    } while (seen_with(run, w, (struct how){.grow = 1, .slots = high}) < POWER_WANTED && run->err == GR_OK);
    while (high - low > 1 + low / 20) {
        uint32_t mid = low + (high - low) / 2;

        if (seen_with(run, w, (struct how){.grow = 1, .slots = mid}) >= POWER_WANTED)
            high = mid;
        else
            low = mid;
    }
    return high;
}

static enum power_blind
why_blind(struct run *run, const struct plan *p, const struct power_row *r)
{
    const struct sim_test *t = &p->test;
    double bad;

    if (!p->playable)
        return p->g->metric.kind == METRIC_HISTOGRAM && t->points && t->canary_total > 0 ? POWER_NO_VALUE
                                                                                         : POWER_NO_TRAFFIC;
    if (r->twice >= POWER_WANTED)
        return POWER_SEES;
    if (plan_counts(p->g)) {
        if (t->canary_total * t->slots < t->min_total)
            return POWER_TOO_FEW_TOTAL;
        bad = t->canary_total * t->slots * t->rate * plan_excess(p, 2);
        if (bad < t->min_events)
            return POWER_TOO_FEW_BAD;
    }
    return search_at(run, p, plan_excess_max(p)) < POWER_WANTED ? POWER_IMPOSSIBLE : POWER_THIN;
}

static void
fill_detection(struct run *run, const struct which *w, const struct plan *p, struct power_row *r)
{
    struct world world = {.trials = POWER_TRIALS};

    for (size_t i = 0; i < POWER_FACTORS; i++) {
        world.regression = plan_factor(p, power_factors[i]);
        world.stream = 1 + i;
        r->detect[i] = detection(run, p, world, run->firsts);
        r->inside[i] = fabs(world.regression - 1) < fabs(plan_excess(p, 1) - 1) - 1e-9;
    }
    if (p->playable)
        r->median_slots = median(run->firsts, POWER_TRIALS);
    world.onset = p->test.slots / 2;
    world.stream = 4;
    r->late = detection(run, p, world, NULL);
    r->twice = detection(run, p, (struct world){plan_excess(p, 2), 0, POWER_TRIALS, 5}, NULL);
    r->blind = why_blind(run, p, r);
    if (!p->playable)
        return;
    r->sees = least_seen(run, p, plan_excess_max(p));
    if (r->blind == POWER_SEES)
        return;
    r->share = share_needed(run, w) * r->share_now;
    r->longer = slots_needed(run, w, p->min_slots);
}

static bool
same_question(const struct power_row *a, const struct power_row *b)
{
    return a->g->metric.kind == b->g->metric.kind && a->g->limit.against == b->g->limit.against &&
           a->g->window_ms == b->g->window_ms && a->point == b->point && a->slots == b->slots &&
           a->bound->side == b->bound->side && gr_dec_cmp(a->bound->literal, b->bound->literal) == 0 &&
           gr_dec_cmp(a->g->limit.floor, b->g->limit.floor) == 0 &&
           gr_dec_cmp(a->g->metric.quantile, b->g->metric.quantile) == 0 &&
           a->g->evidence.min_events == b->g->evidence.min_events &&
           a->g->evidence.min_total == b->g->evidence.min_total && a->phase == b->phase &&
           memcmp(&a->rated, &b->rated, sizeof a->rated) == 0;
}

static void
copy_answers(struct power_row *to, const struct power_row *from)
{
    memcpy(to->detect, from->detect, sizeof to->detect);
    memcpy(to->inside, from->inside, sizeof to->inside);
    to->late = from->late;
    to->median_slots = from->median_slots;
    to->twice = from->twice;
    to->sees = from->sees;
    to->share = from->share;
    to->longer = from->longer;
    to->blind = from->blind;
}

static void
add_row(struct run *run, const struct which *w, const struct plan *p)
{
    struct power *out = run->p;
    struct power_row *r;

    if (out->n == run->cap) {
        struct power_row *rows = gr_arena_grow(run->a, out->rows, out->n, &run->cap, sizeof *rows);

        if (!rows) {
            run->err = GR_ENOMEM;
            return;
        }
        out->rows = rows;
    }
    r = &out->rows[out->n];
    *r = (struct power_row){.g = w->g, .phase = w->phase, .slice = w->slice, .bound = p->bound};
    memcpy(&r->rated, &p->rated, sizeof r->rated); /* bytes: they are compared */
    r->point = p->rule != SIM_EVIDENCE;
    r->slots = p->min_slots;
    r->share_now = 0.5 / rates_grow_max(w->r, w->g, w->slice, w->phase);
    r->max_slots = plan_max_slots(w->m, w->phase);
    r->canary_total = p->test.canary_total;
    r->control_total = p->test.control_total;
    r->bad = p->test.canary_total * p->test.rate;
    out->assumed |= p->rated.assumed;
    out->n++;
    for (size_t i = out->n - 1; i-- > 0 && out->n - i < MEMORY;)
        if (same_question(r, &out->rows[i])) {
            copy_answers(r, &out->rows[i]);
            return;
        }
    fill_detection(run, w, p, r);
}

/* -- healthy releases ------------------------------------------------------------------------------------------------------------ */

static uint64_t
dynamic_values(const struct model *m, const struct guardrail *g)
{
    uint64_t n = 1;

    for (size_t i = 0; i < g->dynamic.n; i++)
        for (size_t j = 0; j < m->n_dynamic; j++)
            if (gr_str_eq(m->dynamic[j].label, g->dynamic.v[i]) && n < 1000000)
                n *= m->dynamic[j].at_most;
    return n;
}

/* Plays one test in every rollout, once for each value of a dynamic label. */
static void
play_healthy(struct run *run, const struct which *w, uint64_t stream)
{
    struct sim_world world = {.dispersion = 1, .regression = 1};
    uint64_t times = dynamic_values(w->m, w->g);
    struct sim_phase *phase = NULL;
    uint32_t first[SIM_RULES];
    struct sim_rng rng;
    struct plan p;

    plan_init(&p, w, (struct how){.grow = 1, .slots = plan_max_slots(w->m, w->phase), .extended = true});
    if (!p.playable || run->err != GR_OK)
        return;
    if (plan_counts(w->g))
        world.dispersion = p.rated.dispersion;
    if ((run->err = sim_phase_create(&phase, &p.test, &world)) != GR_OK)
        return;
    sim_rng_seed(&rng, run->p->options.seed * 1000003u + 1000 + stream);
    for (uint64_t k = 0; k < times; k++)
        for (uint32_t i = 0; i < run->p->rollouts; i++) {
            sim_phase_play(phase, &rng, first);
            if (first[p.rule] > 0)
                run->row_max[i] = 1;
            if (first[p.rule] > 0 && first[p.rule] <= p.min_slots)
                run->row_min[i] = 1;
        }
    run->p->tests += times;
    sim_phase_free(phase);
}

/* Counts a guardrail's hits in one phase, and passes them on. */
static void
count_hits(struct run *run, uint64_t *min, uint64_t *max)
{
    *min = *max = 0;
    for (uint32_t i = 0; i < run->p->rollouts; i++) {
        *min += run->row_min[i];
        *max += run->row_max[i];
        run->hit_min[i] |= run->row_min[i];
        run->hit_max[i] |= run->row_max[i];
    }
}

/* -- the whole ------------------------------------------------------------------------------------------------------------------- */

static bool
sees_traffic(const struct which *w)
{
    return rates_grow_max(w->r, w->g, w->slice, w->phase) > 0;
}

/* Calls see() for each test of a guardrail in a phase. */
typedef void each_fn(struct run *run, const struct which *w, void *context);
static void
each_test(struct run *run, const struct guardrail *g, const struct phase *phase, const struct bound *base,
          each_fn *see, void *context)
{
    for (size_t i = 0; i < g->n_expected && run->err == GR_OK; i++) {
        struct which w = {run->p->m, run->p->rates, g, phase, &g->expected[i], base, run->threshold};

        if (model_applies(w.m, g, base, w.slice) && sees_traffic(&w))
            see(run, &w, context);
    }
}

struct worst {
    struct which which;
    double clearness;
    bool any;
};

static void
see_worst(struct run *run, const struct which *w, void *context)
{
    struct worst *worst = context;
    struct plan p;
    double c;

    (void)run;
    plan_init(&p, w, (struct how){.grow = 1});
    c = plan_clearness(&p);
    if (worst->any && c >= worst->clearness)
        return;
    *worst = (struct worst){*w, c, true};
}

static void
see_row(struct run *run, const struct which *w, void *context)
{
    struct plan p;

    (void)context;
    plan_init(&p, w, (struct how){.grow = 1});
    add_row(run, w, &p);
}

static void
see_healthy(struct run *run, const struct which *w, void *context)
{
    play_healthy(run, w, (*(uint64_t *)context)++);
}

/* All rows of one guardrail in one phase share the figures of healthy releases. */
static void
guardrail_phase(struct run *run, const struct guardrail *g, const struct phase *phase, uint64_t *stream)
{
    size_t from = run->p->n;
    uint64_t min, max;

    memset(run->row_min, 0, run->p->rollouts);
    memset(run->row_max, 0, run->p->rollouts);
    for (size_t i = 0; i < g->limit.n_bounds; i++) {
        const struct bound *base = &g->limit.bounds[i];
        struct worst worst = {.any = false};

        if (!plan_is_test(base))
            continue;
        each_test(run, g, phase, base, see_healthy, stream);
        each_test(run, g, phase, base, run->p->options.all ? see_row : see_worst, &worst);
        if (worst.any)
            see_row(run, &worst.which, NULL);
    }
    count_hits(run, &min, &max);
    for (size_t i = from; i < run->p->n; i++) {
        run->p->rows[i].false_min = min;
        run->p->rows[i].false_max = max;
    }
}

bool
power_compares(const struct guardrail *g)
{
    for (size_t i = 0; g->limit.against != AGAINST_FIXED && i < g->limit.n_bounds; i++)
        if (plan_is_test(&g->limit.bounds[i]))
            return true;
    return false;
}

/* Slots and cohorts of one rollout, all tests. */
static void
see_work(struct run *run, const struct which *w, void *context)
{
    (void)run;
    *(double *)context += 2.0 * plan_max_slots(w->m, w->phase) * (double)dynamic_values(w->m, w->g);
}

static double
each_guardrail(struct run *run, bool measure)
{
    const struct model *m = run->p->m;
    uint64_t stream = 0;
    double work = 0;

    for (size_t k = 0; k < m->n_phases; k++)
        for (size_t i = 0; i < m->n_guardrails && run->err == GR_OK; i++) {
            const struct guardrail *g = &m->guardrails[i];

            if (!power_compares(g) || !(g->phases >> k & 1u) || m->phases[k].final)
                continue;
            if (!measure) {
                guardrail_phase(run, g, &m->phases[k], &stream);
                run->done++;
                if (run->p->options.tell)
                    run->p->options.tell(run->p->options.arg, run->done, m->n_phases * m->n_guardrails);
                continue;
            }
            for (size_t b = 0; b < g->limit.n_bounds; b++)
                if (plan_is_test(&g->limit.bounds[b]))
                    each_test(run, g, &m->phases[k], &g->limit.bounds[b], see_work, &work);
        }
    return work;
}

static void
choose_rollouts(struct run *run)
{
    struct power *p = run->p;
    double work, fit;

    p->rollouts = p->options.rollouts;
    if (p->rollouts > 0)
        return;
    work = each_guardrail(run, true);
    fit = work > 0 ? WORK_MAX / work : ROLLOUTS_MOST;
    fit = fit < ROLLOUTS_MOST ? fit : ROLLOUTS_MOST;
    p->rollouts = fit < ROLLOUTS_MIN ? ROLLOUTS_MIN : (uint32_t)fit / 100 * 100;
    p->lowered = p->rollouts < POWER_ROLLOUTS;
}

enum gr_err
power_run(struct power *out, const struct model *m, const struct rates *rates, struct power_options options)
{
    struct run run = {.p = out, .a = m->arena};

    *out = (struct power){.m = m, .rates = rates, .options = options};
    run.threshold = model_evidence_threshold(m, LEVEL_HARD);
    choose_rollouts(&run);
    run.hit_min = gr_arena_array(run.a, out->rollouts, 1);
    run.hit_max = gr_arena_array(run.a, out->rollouts, 1);
    run.row_min = gr_arena_array(run.a, out->rollouts, 1);
    run.row_max = gr_arena_array(run.a, out->rollouts, 1);
    run.firsts = gr_arena_array(run.a, POWER_TRIALS, sizeof *run.firsts);
    if (!run.hit_min || !run.hit_max || !run.row_min || !run.row_max || !run.firsts)
        return GR_ENOMEM;
    each_guardrail(&run, false);
    for (uint32_t i = 0; i < out->rollouts; i++) {
        out->false_min += run.hit_min[i];
        out->false_max += run.hit_max[i];
    }
    return run.err;
}

/* -- what it amounts to ---------------------------------------------------------------------------------------------------------- */

double
power_cap(const struct power *p, double cap)
{
    double budget = gr_dec_double(p->m->false_rollback_budget);

    return isnan(cap) && budget > 0 ? budget : cap;
}

double
power_caught(const struct power *p, const struct guardrail *g, size_t factor, bool first_only)
{
    double missed = 1, here = 1;
    const struct phase *phase = NULL;

    for (size_t i = 0; i < p->n; i++) {
        const struct power_row *r = &p->rows[i];

        if (r->g != g || r->inside[factor])
            continue;
        if (phase && r->phase != phase && first_only)
            break;
        if (r->phase != phase) {
            missed *= here;
            here = 0;
        }
        phase = r->phase;
        here = 1 - r->detect[factor] > here ? 1 - r->detect[factor] : here;
    }
    if (!phase)
        return (double)NAN;
    return 1 - missed * here;
}

double
power_of_letter(const struct model *m, const struct guardrail *g, double requests, const struct phase **phase)
{
    const struct bound *b = NULL;
    struct sim_test t = {
        .kind = SIM_BAD, .canary_total = requests, .control_total = 99 * requests, .rate = RATES_BAD};
    struct sim_world world = {.dispersion = 1, .regression = 1};
    struct sim_tally tally;
    struct sim_rng rng;

    *phase = NULL;
    for (size_t i = 0; i < g->limit.n_bounds && !b; i++)
        b = plan_is_test(&g->limit.bounds[i]) ? &g->limit.bounds[i] : NULL;
    for (size_t i = 0; i < m->n_phases && !*phase; i++)
        *phase = g->phases >> i & 1u && model_has_traffic(&m->phases[i], GR_STR_NONE) && !m->phases[i].final
                     ? &m->phases[i]
                     : NULL;
    if (!b || !*phase || g->metric.kind != METRIC_RATIO_BAD || g->limit.against == AGAINST_FIXED ||
        m->sampling_ms < 1 || (*phase)->min_ms < m->sampling_ms)
        return -1;
    t.limit = gr_dec_double(b->literal);
    t.lower = side_is_lower(b->side);
    t.points = g->limit.against == AGAINST_CONTROL_POINTS;
    t.floor = gr_dec_double(g->limit.floor);
    t.min_events = g->evidence.min_events;
    t.min_total = g->evidence.min_total;
    if ((*phase)->min_ms / m->sampling_ms > LETTER_SLOTS_MAX)
        return -1;
    t.slots = (uint32_t)((*phase)->min_ms / m->sampling_ms);
    t.window = (uint32_t)model_window_slots(m, g, *phase);
    sim_rng_seed(&rng, 1);
    if (t.window > t.slots || sim_estimate(&tally, &t, &world, LETTER_TRIALS, &rng) != GR_OK)
        return -1;
    return (double)tally.fired[SIM_MIN_COUNT] / (double)tally.trials;
}
