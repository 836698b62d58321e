/* scenario_world.c - a random world for a model; see scenario.h. */
#include "config.h"
#include "scenario.h"

#include <math.h>
#include <stdlib.h>

static const double edges[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, (double)INFINITY};

/* How the canary of one cell does. */
enum fate {
    FATE_HEALTHY,
    FATE_SOFT,
    FATE_HARD,
    FATE_LATE,
    FATE_BETTER,
    FATE_GONE,
    FATE_RETURNS,
    FATE_CONTROL_GONE,
    FATE_CONTROL_ZERO,
    FATE_NAN,
    FATE_SILENT,
    FATE_COUNT
};
struct making {
    struct gr_arena *a;
    const struct model *m;
    struct world *w;
    struct rng rng;
    struct rng late; /* for what came later into these worlds */
    size_t cap;
    bool ok;
};

static size_t
pick(struct making *k, size_t n)
{
    size_t i = (size_t)(rng_uniform(&k->rng) * (double)n);

    return i < n ? i : n - 1;
}

static bool
chance(struct making *k, double p)
{
    return rng_uniform(&k->rng) < p;
}

static size_t
pick_late(struct making *k, size_t n)
{
    size_t i = (size_t)(rng_uniform(&k->late) * (double)n);

    return i < n ? i : n - 1;
}

static int
by_key(const void *a, const void *b)
{
    return gr_str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* A new series without samples; labels end with a NULL key. */
static struct series *
series_add(struct making *k, struct gr_str name, const struct pairs *common, const struct pair *more,
           size_t n_more)
{
    struct pairs labels = {.v = gr_arena_array(k->a, common->n + n_more + 1, sizeof *labels.v)};
    struct series *s;

    if (k->w->n == k->cap && (s = gr_arena_grow(k->a, k->w->series, k->w->n, &k->cap, sizeof *s)))
        k->w->series = s;
    if (!labels.v || k->w->n == k->cap || k->w->n == SERIES_MAX) {
        k->ok = false;
        return NULL;
    }
    for (size_t i = 0; i < common->n; i++)
        labels.v[labels.n++] = common->v[i];
    for (size_t i = 0; i < n_more; i++)
        if (more[i].key.n && more[i].value.n)
            labels.v[labels.n++] = more[i];
    qsort(labels.v, labels.n, sizeof *labels.v, by_key);
    s = &k->w->series[k->w->n++];
    *s = (struct series){name, labels, gr_arena_array(k->a, k->w->scrapes, sizeof *s->at)};
    k->ok = k->ok && s->at;
    return k->ok ? s : NULL;
}

static bool
known(const struct making *k, struct gr_str name)
{
    for (size_t i = 0; i < k->w->n; i++)
        if (gr_str_eq(k->w->series[i].name, name))
            return true;
    return false;
}

/* -- phases -------------------------------------------------------------------------------------------------------------- */

struct stay { /* in one phase of one deployment; scrapes [from, to) */
    const char *deployment;
    size_t phase, from, to;
    int64_t start_s;
};
#define STAYS_MAX 12u

/* What one daemon exports of one stay: 1 while it lasts, 0 from then on, nothing before. It is up in [up, down), but for a gap. */
static void
stay_export(struct making *k, const struct pairs *release, const struct stay *s, const char *instance,
            const size_t up[4])
{
    struct pair more[] = {{GR_STR("spec"), k->m->spec},
                          {GR_STR("deployment_id"), gr_str(s->deployment)},
                          {GR_STR("phase"), k->m->phases[s->phase].name},
                          {GR_STR("instance"), gr_str(instance)}};
    struct series *phase = series_add(k, GR_STR("guardrail_release_phase"), release, more, GR_COUNT(more));
    size_t at = k->w->n - 1;
    struct series *start =
        series_add(k, GR_STR("guardrail_release_phase_start_seconds"), release, more, GR_COUNT(more));

    if (!phase || !start)
        return;
    phase = &k->w->series[at];
    for (size_t i = s->from; i < k->w->scrapes; i++) {
        if (i < up[0] || i >= up[1] || (i >= up[2] && i < up[3]))
            continue;
        phase->at[i] = (struct sample){SAMPLE_VALUE, i < s->to ? 1 : 0};
        start->at[i] = (struct sample){SAMPLE_VALUE, (double)s->start_s};
    }
    if (chance(k, 0.3) && up[1] < k->w->scrapes &&
        up[1] > s->from) { /* a target that is known to have gone */
        phase->at[up[1]].kind = SAMPLE_STALE;
        start->at[up[1]].kind = SAMPLE_STALE;
    }
}

static void
make_phases(struct making *k, const struct pairs *release)
{
    struct stay stays[STAYS_MAX];
    size_t n = 0, at = pick(k, k->w->scrapes / 8 + 1), end = k->w->scrapes;
    size_t all[4] = {0, k->w->scrapes, 0, 0}, second[4] = {0, k->w->scrapes, 0, 0};
    size_t phase = k->m->phases[0].shadow ? pick(k, 2) : 0;
    static const char *const deployments[STAYS_MAX] = {"d1", "d2", "d3", "d4",  "d5",  "d6",
                                                       "d7", "d8", "d9", "d10", "d11", "d12"};
    size_t deployment = 0;
    int64_t step_s = k->w->step_ms / 1000;

    if (chance(k, 0.2))
        end = k->w->scrapes - pick(k, k->w->scrapes / 3);
    while (n < STAYS_MAX && at < end) {
        const struct phase *p = &k->m->phases[phase];
        double lasts = (p->min_ms ? (double)p->min_ms : 600000.0) * (0.5 + 1.7 * rng_uniform(&k->rng));
        size_t to = at + (size_t)(lasts / (double)k->w->step_ms) + 1;

        /* Seconds since the last scrape: the daemon knows the moment, Prometheus sees it later. */
        stays[n++] = (struct stay){deployments[deployment], phase, at, to < end ? to : end,
                                   (int64_t)at * step_s - (int64_t)pick(k, (size_t)step_s)};
        if (chance(k, 0.12)) { /* another release begins; the old one rests in its phase */
            stays[n - 1].to = chance(k, 0.5) ? k->w->scrapes : to;
            deployment++;
            phase = 0;
        } else if (phase + 1 < k->m->n_phases) {
            phase++;
        } else {
            break;
        }
        at = to;
    }
    if (chance(k, 0.25)) { /* a daemon that cannot be scraped for a while */
        all[2] = pick(k, k->w->scrapes);
        all[3] = all[2] + 1 + pick(k, (size_t)(480000 / k->w->step_ms));
    }
    if (chance(k, 0.25)) { /* a daemon that moves elsewhere; for a while both are up */
        all[1] = k->w->scrapes / 4 + pick(k, k->w->scrapes / 2);
        second[0] = all[1] - pick(k, 6);
        for (size_t i = 0; i < n; i++)
            stay_export(k, release, &stays[i], "b", second);
    }
    for (size_t i = 0; i < n; i++)
        stay_export(k, release, &stays[i], "a", all);
}

/* -- targets ------------------------------------------------------------------------------------------------------------- */

/* One process that is scraped, and what happens to it: all its series share that. */
struct target {
    bool *down;    /* scrapes that are lost */
    bool *stale;   /* scrapes at which it is known to be gone */
    bool *restart; /* counters begin at 0 before this scrape */
    bool *nan;
    double odd;          /* what it says where nan is set: NaN, or infinite */
    double *factor;      /* how bad events do, by scrape */
    double *burst;       /* clustering */
    double rate, spoilt; /* observations a scrape; share of bad ones */
};

static void
target_lose(struct making *k, struct target *t, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < k->w->scrapes; i++)
        t->down[i] = true;
    if (chance(k, 0.5) && from < k->w->scrapes)
        t->stale[from] = true;
}

/* Whether the sample before or after the reset at scrape i is NaN: increase() does not see such a reset and is below 0, and what is said then
 * is left open. */
static bool
hides_reset(const struct target *t, size_t i, size_t n)
{
    size_t before = i, after = i;

    while (before > 0 && t->down[before - 1])
        before--;
    while (after < n && t->down[after])
        after++;
    return (before > 0 && t->nan[before - 1]) || (after < n && t->nan[after]);
}

static double
odd_value(struct making *k)
{
    return (const double[]){(double)NAN, (double)NAN, (double)INFINITY, -(double)INFINITY}[pick_late(k, 4)];
}

static void
target_make(struct making *k, struct target *t, enum fate fate, bool canary)
{
    size_t n = k->w->scrapes, some = pick(k, n);
    double worse = fate == FATE_SOFT                        ? 1.3
                   : fate == FATE_HARD || fate == FATE_LATE ? 2 + 3 * rng_uniform(&k->rng)
                   : fate == FATE_BETTER                    ? 0.3
                                                            : 1;

    for (size_t i = 0; i < n; i++) {
        t->down[i] = t->stale[i] = t->restart[i] = t->nan[i] = false;
        t->factor[i] = canary && (fate != FATE_LATE || i > n / 2) ? worse : 1;
        if (!canary && fate == FATE_CONTROL_ZERO)
            t->factor[i] = 0;
        t->burst[i] = 1;
    }
    if (chance(k, 0.4))
        for (size_t i = 0; i < n; i++)
            t->burst[i] = i % 4 ? t->burst[i - 1] : chance(k, 0.3) ? 2.5 : 0.4;
    if (chance(k, 0.3))
        t->restart[some] = true;
    if (chance(k, 0.3))
        for (size_t i = 0; i < n; i++)
            t->down[i] = chance(k, 0.15);
    if (canary ? fate == FATE_GONE : fate == FATE_CONTROL_GONE)
        target_lose(k, t, some, n);
    if (canary && fate == FATE_RETURNS)
        target_lose(k, t, some, some + n / 6 + 1);
    if (canary && fate == FATE_SILENT)
        target_lose(k, t, 0, n);
    if (fate == FATE_NAN)
        for (size_t i = some; i < some + 3 && i < n; i++)
            t->nan[i] = true;
    t->odd = odd_value(k);
    for (size_t i = 0; i < n; i++)
        t->restart[i] = t->restart[i] && !hides_reset(t, i, n);
}

/* Writes one scrape of a counter that has reached v. */
static void
put_sample(const struct target *t, struct series *s, size_t i, double v)
{
    if (t->stale[i])
        s->at[i] = (struct sample){SAMPLE_STALE, 0};
    else if (!t->down[i])
        s->at[i] = (struct sample){SAMPLE_VALUE, t->nan[i] ? t->odd : v};
}

/* One series alone that is not a number, infinite or, where it `may_go`, marked stale or not there, in some of the scrapes that there are; never where
 * a NaN would hide a reset. */
static void
trouble(struct making *k, const struct target *t, struct series *s, double probability, bool may_go)
{
    size_t from = pick_late(k, k->w->scrapes), to = from + 1 + pick_late(k, 3), what = pick_late(k, 6);
    struct sample bad = {SAMPLE_VALUE, odd_value(k)};

    if (may_go && what < 2)
        bad.kind = what ? SAMPLE_NONE : SAMPLE_STALE;
    if (rng_uniform(&k->late) >= probability)
        return;
    for (size_t i = from > 8 ? from - 8 : 0; i < to + 8 && i < k->w->scrapes; i++)
        if (t->restart[i])
            return;
    for (size_t i = from; i < to && i < k->w->scrapes; i++)
        if (s->at[i].kind == SAMPLE_VALUE)
            s->at[i] = bad;
}

/* Sometimes a denominator hardly grows at first, while its events do: single slots whose quotient is huge, or beyond all numbers. The scrape at which it
 * begins to grow as it should. */
static size_t
hardly_grows(struct making *k, double *by)
{
    size_t until = k->w->scrapes / 10 + pick_late(k, k->w->scrapes / 2);

    *by = pick_late(k, 2) ? 1e-307 : 1e-9;
    return rng_uniform(&k->late) < 0.08 ? until : 0;
}

static void
make_ratio(struct making *k, const struct guardrail *g, const struct target *t, const struct pairs *cell,
           struct pair more[4])
{
    static const char *const tiers[] = {"gold", "silver", "bronze"};
    size_t n_tiers = g->metric.n_weights ? 2 + pick(k, 2) : 1;
    bool good = g->metric.kind == METRIC_RATIO_GOOD;

    for (size_t tier = 0; tier < n_tiers; tier++) {
        struct series *total, *part;
        size_t at = k->w->n;
        double all = floor(1000 * rng_uniform(&k->rng)), some = floor(all * 0.05);
        bool never = !good && chance(k, 0.1);
        double hardly;
        size_t tiny_until = hardly_grows(k, &hardly);

        if (g->metric.n_weights)
            more[2] = (struct pair){g->metric.weight_label, gr_str(tiers[tier])};
        total = series_add(k, gr_promql_metric(g->metric.total), cell, more, 3);
        part = never ? total : series_add(k, gr_promql_metric(g->metric.part), cell, more, 3);
        if (!total || !part)
            return;
        total = &k->w->series[at];
        some = good ? all - some : some;
        for (size_t i = 0; i < k->w->scrapes; i++) {
            uint64_t events = rng_poisson(&k->rng, t->rate / (double)n_tiers);
            double share = t->spoilt * t->factor[i] * t->burst[i];
            uint64_t bad = rng_binomial(&k->rng, events, share < 0.9 ? share : 0.9);

            if (t->restart[i])
                all = some = 0;
            all = i < tiny_until ? (double)i * hardly : all + (double)events;
            some += (double)(good ? events - bad : bad) + (i < tiny_until ? 100 : 0);
            put_sample(t, total, i, all);
            if (!never)
                put_sample(t, part, i, some);
        }
        trouble(k, t, total, 0.04, true);
        if (!never)
            trouble(k, t, part, 0.04, true);
    }
}

static void
make_histogram(struct making *k, const struct guardrail *g, const struct target *t, const struct pairs *cell,
               struct pair more[4])
{
    static const char *const les[] = {"0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "+Inf"};
    struct gr_str base = gr_promql_metric(g->metric.part);
    struct gr_str name = gr_arena_printf(k->a, GR_FMT "_bucket", GR_ARG(base));
    double count[GR_COUNT(edges)];
    size_t at = k->w->n;
    double mean = 0.03 + 0.06 * rng_uniform(&k->rng);

    if (!name.p) {
        k->ok = false;
        return;
    }
    for (size_t e = 0; e < GR_COUNT(edges); e++) {
        more[2] = (struct pair){GR_STR("le"), gr_str(les[e])};
        count[e] = (double)(e * 100);
        if (!series_add(k, name, cell, more, 3))
            return;
    }
    for (size_t i = 0; i < k->w->scrapes; i++) {
        uint64_t left = rng_poisson(&k->rng, t->rate), sum = 0;
        double below = 0, scale = mean * (t->factor[i] > 0 ? t->factor[i] : 0.01);

        for (size_t e = 0; e < GR_COUNT(edges); e++) {
            double share = isinf(edges[e]) ? 1 : 1 - exp(-edges[e] / scale);
            double of_left = below < 1 ? (share - below) / (1 - below) : 1;
            uint64_t here = rng_binomial(&k->rng, left, of_left);

            left -= here;
            sum += here;
            below = share;
            count[e] = (t->restart[i] ? 0 : count[e]) + (double)sum;
            put_sample(t, &k->w->series[at + e], i, count[e]);
        }
    }
    at += pick_late(k, GR_COUNT(edges)); /* without the last one the others are nothing */
    trouble(k, t, &k->w->series[at], 0.25, at + 1 < k->w->n);
}

static void
make_gauge(struct making *k, const struct guardrail *g, const struct target *t, const struct pairs *cell,
           struct pair more[4], struct gr_str name)
{
    struct series *s = series_add(k, name, cell, more, 2);
    double noise = chance(k, 0.3) ? 0 : 1, drift = 0;
    bool stream = g->stream_scope;

    for (size_t i = 0; s && i < k->w->scrapes; i++) {
        double base = stream ? 3 : g->metric.is_signed ? 0 : 10, v;

        drift = 0.8 * drift + 0.6 * rng_normal(&k->rng);
        v = g->metric.is_signed ? 6 * (t->factor[i] - 1) + (t->factor[i] > 0 ? 0 : 6)
                                : base * (t->factor[i] > 1 ? 1 + (t->factor[i] - 1) / 5 : t->factor[i]);
        v += noise * drift * (stream ? 1 : g->metric.is_signed ? 3 : 0.8);
        put_sample(t, s, i, floor(v * 64) / 64);
    }
}

/* The level that a gauge or a rate has where it is 10 otherwise. */
static double
level_of(const struct target *t, size_t i)
{
    return 10 * (t->factor[i] > 1 ? 1 + (t->factor[i] - 1) / 5 : t->factor[i]);
}

/* A counter of expressions. …_events_total: 10 a second; …_calls_total, and …_spent_total by 10 for each call. */
static void
make_counter(struct making *k, const struct target *t, const struct pairs *cell, struct pair more[4],
             struct gr_str name)
{
    struct series *s = series_add(k, name, cell, more, 2);
    double v = floor(1000 * rng_uniform(&k->late)), step_s = (double)k->w->step_ms / 1000;

    for (size_t i = 0; s && i < k->w->scrapes; i++) {
        bool calls = gr_str_ends(name, GR_STR("_calls_total"));
        double events = gr_str_ends(name, GR_STR("_events_total"))
                            ? (double)rng_poisson(&k->late, step_s * level_of(t, i))
                            : (double)rng_poisson(&k->late, t->rate) * (calls ? 1 : level_of(t, i));

        v = (t->restart[i] ? 0 : v) + floor(events * 64) / 64;
        put_sample(t, s, i, v);
    }
    if (s)
        trouble(k, t, s, 0.1, true);
}

struct names {
    struct gr_str v[4];
    size_t n;
};

static bool
note_name(struct gr_promql *e, void *ctx)
{
    struct names *names = ctx;

    if (names->n < GR_COUNT(names->v))
        names->v[names->n++] = gr_promql_metric(e);
    return true;
}

/* All series of one cell of a guardrail: two cohorts of one or two targets. */
static void
make_cell(struct making *k, const struct guardrail *g, struct target *t, const struct pairs *cell)
{
    static const char *const instances[] = {"i0", "i1", "i2", "i3"};
    enum fate fate = chance(k, 0.4) ? FATE_HEALTHY : (enum fate)pick(k, FATE_COUNT);
    double rate = (const double[]){1, 8, 40, 250}[pick(k, 4)];
    double spoilt = (const double[]){0.002, 0.01, 0.04}[pick(k, 3)];
    struct names names = {.n = 0};

    gr_promql_selectors(g->metric.part, note_name, &names);
    for (int cohort = 0; cohort < (g->stream_scope ? 1 : 2); cohort++) {
        size_t n = 1 + pick(k, 2);

        for (size_t i = 0; i < n; i++) {
            struct pair more[4] = {{k->m->cohort_label, cohort ? k->m->control : k->m->canary},
                                   {GR_STR("instance"), gr_str(instances[i + 2 * (size_t)cohort])}};

            if (g->stream_scope)
                more[0].key = GR_STR("zone");
            target_make(k, t, fate, cohort == 0);
            t->rate = rate * (cohort ? 4 : 1);
            t->spoilt = spoilt;
            if (g->metric.kind == METRIC_HISTOGRAM)
                make_histogram(k, g, t, cell, more);
            else if (g->metric.total)
                make_ratio(k, g, t, cell, more);
            else
                for (size_t j = 0; j < names.n; j++)
                    if (gr_str_ends(names.v[j], GR_STR("_total")))
                        make_counter(k, t, cell, more, names.v[j]);
                    else
                        make_gauge(k, g, t, cell, more, names.v[j]);
        }
    }
}

/* The labels of an expected slice, and of one with another venue. */
static struct pairs
cell_labels(struct making *k, const struct guardrail *g, const struct slice *s, const char *dynamic)
{
    const struct pairs *release = &k->m->streams[s->stream].release;
    struct pairs out = {
        .v = gr_arena_array(k->a, release->n + s->labels.n + g->dynamic.n + g->only.n + 1, sizeof *out.v)};

    k->ok = k->ok && out.v;
    for (size_t i = 0; out.v && i < release->n; i++)
        out.v[out.n++] = release->v[i];
    for (size_t i = 0; out.v && i < s->labels.n; i++)
        out.v[out.n++] = s->labels.v[i];
    for (size_t i = 0; out.v && dynamic && i < g->dynamic.n; i++)
        out.v[out.n++] = (struct pair){g->dynamic.v[i], gr_str(dynamic)};
    for (size_t i = 0; out.v && i < g->only.n; i++)
        if (!label_of(&out, g->only.v[i].key).n)
            out.v[out.n++] = g->only.v[i];
    return out;
}

static void
make_guardrail(struct making *k, const struct guardrail *g, struct target *t)
{
    static const char *const values[] = {"b1", "b2"};

    if (known(k, gr_promql_metric(g->metric.part)))
        return;
    for (size_t i = 0; k->ok && i < g->n_expected; i++)
        for (size_t v = 0; v < (g->dynamic.n ? 2u : 1u); v++) {
            struct pairs cell = cell_labels(k, g, &g->expected[i], values[v]);

            make_cell(k, g, t, &cell);
            if (!chance(k, 0.15) || g->compare_within.n == 0 || g->stream_scope)
                continue;
            cell = cell_labels(k, g, &g->expected[i], values[v]); /* outside `expect` */
            for (size_t j = 0; j < cell.n; j++)
                if (gr_str_eq(cell.v[j].key, g->compare_within.v[0]))
                    cell.v[j].value = GR_STR("XZ");
            if (i == 0)
                make_cell(k, g, t, &cell);
        }
}

bool
scenario_world(struct gr_arena *a, const struct model *m, uint64_t seed, uint64_t variant, size_t count,
               struct world *out)
{
    struct making k = {.a = a, .m = m, .w = out, .ok = true};
    size_t scrapes = (count - 1) * (size_t)(m->sampling_ms / m->scrape_ms) + 1;
    struct target t = {.down = gr_arena_array(a, scrapes, sizeof(bool)),
                       .stale = gr_arena_array(a, scrapes, sizeof(bool)),
                       .restart = gr_arena_array(a, scrapes, sizeof(bool)),
                       .nan = gr_arena_array(a, scrapes, sizeof(bool)),
                       .factor = gr_arena_array(a, scrapes, sizeof(double)),
                       .burst = gr_arena_array(a, scrapes, sizeof(double))};

    *out = (struct world){.scrapes = scrapes, .step_ms = m->scrape_ms};
    if (!t.down || !t.stale || !t.restart || !t.nan || !t.factor || !t.burst)
        return false;
    rng_init(&k.rng, seed, 1000 + variant);
    rng_init(&k.late, seed, 2000 + variant);
    for (size_t i = 0; k.ok && i < m->n_streams; i++)
        make_phases(&k, &m->streams[i].release);
    for (size_t i = 0; k.ok && i < m->n_guardrails; i++)
        make_guardrail(&k, &m->guardrails[i], &t);
    return k.ok;
}
