/* prove_evidence.c - cases of evidence: just too little and just enough, events, totals, backstops, slots that confirm. */
#include "config.h"
#include "prove_build.h"

#include <math.h>

#define CLOSE 0.003 /* to the evidence threshold */
#define FAR                                                                                                  \
    3000 /* margins: so far that a slot's average is beyond although its first sample is the calm one of the slot before */

/* -- evidence --------------------------------------------------------------------------------------------------------------- */

/* A level so scaled that log Λ at a step is just above (or just below) the threshold. Counters: fewer or more observations; gauges:
 * slots that alternate more or less. */
struct scaled {
    struct prove_level l;
    double swing; /* gauges: of the canary, up and down */
};

static void
fill_scaled(struct build *b, struct prove_cell *c, const struct scaled *x)
{
    for (size_t k = 0, from = 0; k < b->w->steps; k++) {
        size_t to = k + 1 < b->w->steps ? build_scrape(b, k) + 1 : b->w->scrapes;
        struct prove_level l = x->l;

        if (!build_counts(b->g))
            l.v[PROVE_CANARY][0] += k % 2 ? x->swing : -x->swing;
        build_fill(b, c, from, to, l);
        from = to;
    }
}

/* log Λ that a level would give at step k. */
static double
evidence_of(struct build *b, const struct scaled *x, size_t k)
{
    struct prove_world *real = b->w, *tried;
    struct prove_stream *s;
    struct prove_cell *c;
    double v = PROVE_NONE;

    if (!(tried = gr_arena_alloc(b->arena, sizeof *tried)))
        return v;
    *tried = *real;
    tried->streams = NULL;
    tried->n_streams = tried->cap_streams = 0;
    tried->steps = k + 1;
    b->w = tried;
    c = build_outside(b, "x", &s);
    b->suite->cases--;
    fill_scaled(b, c, x);
    (void)build_enter(b, s, D1, b->phase, 0);
    prove_evaluate(tried);
    if (tried->err == GR_OK && c)
        v = c->state[k].evidence;
    b->w = real;
    return v;
}

static struct scaled
scaled_by(const struct build *b, struct prove_level l, double factor)
{
    if (build_counts(b->g))
        return (struct scaled){prove_level_scaled(b->w, l, factor), 0};
    return (struct scaled){l, fabs(l.v[PROVE_CANARY][0] - l.v[PROVE_CONTROL][0]) * 20 * (1 - factor)};
}

/* Evidence grows with the factor. */
static double
factor_for(struct build *b, struct prove_level l, size_t k, double want)
{
    double low = 0, high = 1;

    for (unsigned i = 0; i < 40; i++) {
        double mid = (low + high) / 2;
        struct scaled x = scaled_by(b, l, mid);

        if (evidence_of(b, &x, k) > want)
            high = mid;
        else
            low = mid;
    }
    return high;
}

static void
threshold_case(struct build *b, const struct bound *bound)
{
    double lit = build_literal(b, bound, NULL), want = prove_threshold(b->m, bound->level);
    struct prove_level l = build_level(b, bound, build_beside(bound, lit, 60));
    size_t k = b->full + 1;
    struct prove_stream *s;
    struct prove_cell *c;

    for (unsigned i = 0; i < 2; i++) {
        struct scaled x = scaled_by(b, l, factor_for(b, l, k, want * (i ? 1 + CLOSE : 1 - CLOSE)));

        c = build_outside(b,
                          TEXT(b, "%s-%s-evidence-%s", level_name(bound->level), side_name(bound->side),
                               i ? "just-enough" : "just-too-little"),
                          &s);
        fill_scaled(b, c, &x);
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, k);
    }
}

/* Gauges beyond a limit whose slots differ wildly at first and hardly at the end: with as many of the latter as are looked at alone, and with gaps
 * that leave fewer. */
static void
recent_cases(struct build *b, const struct bound *bound)
{
    struct scaled x = {build_level(b, bound, build_beside(bound, build_literal(b, bound, NULL), 60)), 0};
    size_t noisy = b->w->steps - 10;

    static const struct {
        const char *name;
        size_t
            gap; /* evaluations without samples; a slot less is missing, whose first sample is the last one before */
    } kinds[] = {{"recent-calm", 0}, {"recent-too-few", 4}, {"recent-one-less", 2}};

    for (unsigned i = 0; i < GR_COUNT(kinds); i++) {
        struct prove_stream *s;
        struct prove_cell *c = build_outside(b, kinds[i].name, &s);

        for (size_t k = 0, from = 0; k < b->w->steps; k++) {
            size_t to = k + 1 < b->w->steps ? build_scrape(b, k) + 1 : b->w->scrapes;
            struct prove_level l = x.l;
            double swing = k < noisy ? 0.2 : 0.0001;

            l.v[PROVE_CANARY][0] *= k % 2 ? 1 + swing : 1 - swing;
            if (k <= noisy + 4 - kinds[i].gap || k > noisy + 4)
                build_fill(b, c, from, to, l);
            from = to;
        }
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = b->w->steps - 4; k < b->w->steps; k++)
            build_at(s, k);
    }
}

/* Events that cluster: slots differ more than chance would have it. */
static void
dispersed_case(struct build *b, const struct bound *bound, const char *name, double factor)
{
    double lit = build_literal(b, bound, NULL);
    struct prove_level l[2] = {build_level(b, bound, build_beside(bound, lit, 10)),
                               build_level(b, bound, build_beside(bound, lit, 100))};
    struct prove_stream *s;
    struct prove_cell *c = build_outside(b, name, &s);

    for (size_t k = 0, from = 0; k < b->w->steps; k++) {
        size_t to = k + 1 < b->w->steps ? build_scrape(b, k) + 1 : b->w->scrapes;

        build_fill(b, c, from, to, prove_level_scaled(b->w, l[k % 2], factor));
        from = to;
    }
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, b->full);
    build_at(s, b->full + 1);
}

/* A few events, in every second slot alone: what is added to counts so that none is 0 weighs as much as they do. Of a histogram, observations that are
 * all in the lowest bucket, or above the limit's. */
static void
bursts_case(struct build *b, const struct bound *bound)
{
    struct prove_level few = prove_level_scaled(
        b->w, build_level(b, bound, build_beside(bound, build_literal(b, bound, NULL), 400)), 2e-6);
    struct prove_stream *s;
    struct prove_cell *c = build_outside(b, "bursts", &s);

    for (size_t k = 0, from = 0; k < b->w->steps; k++) {
        size_t to = k + 1 < b->w->steps ? build_scrape(b, k) + 1 : b->w->scrapes;
        struct prove_level l = few;

        for (size_t h = 0; h < 2; h++)
            for (size_t p = 0; p < build_raw_parts(b); p++) {
                size_t all = build_ratio(b->g) ? p - p % 2 : b->w->n_edges - 1;

                if (build_ratio(b->g) ? p % 2 == 1 : p < all)
                    l.v[h][p] = k % 2 ? few.v[h][all] : fmax(0, 2 * few.v[h][p] - few.v[h][all]);
            }
        build_fill(b, c, from, to, l);
        from = to;
    }
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, b->gate + 3);
    build_at(s, b->gate + 4);
    build_at(s, b->full);
    build_at(s, b->full + 1);
}

void
evidence_cases(struct build *b)
{
    static const struct { /* a million a scrape, and less; at last less than one in all */
        const char *name;
        double factor;
    } sizes[] = {{"dispersed", 1},
                 {"dispersed-few", 1e-4},
                 {"dispersed-fewer", 1e-5},
                 {"fractions", 1.5e-8},
                 {"small-fractions", 1e-11}};
    const struct bound *first = &b->g->limit.bounds[0];

    if (build_compared(b->g) && !build_counts(b->g) && b->g->evidence.kind == EVIDENCE_SEQUENTIAL &&
        !side_is_backstop(first->side))
        recent_cases(b, first);
    if (build_compared(b->g) && build_counts(b->g) && b->g->evidence.kind == EVIDENCE_SEQUENTIAL &&
        !side_is_backstop(first->side))
        for (size_t i = 0; i < GR_COUNT(sizes); i++)
            dispersed_case(b, first, sizes[i].name, sizes[i].factor);
    if (build_compared(b->g) && build_counts(b->g) && b->g->evidence.kind == EVIDENCE_SEQUENTIAL &&
        !side_is_backstop(first->side))
        bursts_case(b, first);
    for (size_t i = 0; i < b->g->limit.n_bounds; i++)
        if (build_compared(b->g) && !side_is_backstop(b->g->limit.bounds[i].side) &&
            b->g->evidence.kind == EVIDENCE_SEQUENTIAL)
            threshold_case(b, &b->g->limit.bounds[i]);
}

/* min_total to the observation, and one less. */
void
total_cases(struct build *b)
{
    double least = b->g->evidence.min_total, scrapes = (double)build_scrape(b, b->slots);
    struct prove_level calm = prove_level_effect(b->w, b->calm);

    if (!build_counts(b->g) || least <= 0)
        return;
    for (unsigned i = 0; i < 4; i++) {
        struct prove_level l = calm;
        double want = i % 2 ? least : least * 0.995;

        for (size_t h = 0; h < 2; h++)
            for (size_t p = 0; p < PROVE_PARTS; p++)
                if (i < 2 || h == PROVE_CANARY) /* in both cohorts, and in the canary alone */
                    l.v[h][p] = l.v[h][p] * want / scrapes / 1e6;
        build_at(build_constant(b,
                                TEXT(b, "%s-%s", i < 2 ? "observations" : "canary-observations",
                                     i % 2 ? "enough" : "too-few"),
                                l),
                 b->full);
    }
}

/* min_events of the canary, and a little less, where control has none. */
void
events_cases(struct build *b)
{
    double events = b->g->evidence.min_events;
    size_t k = b->gate + 7;

    if (b->g->metric.kind != METRIC_RATIO_BAD || b->g->metric.n_weights > 0 || events <= 0)
        return;
    for (unsigned i = 0; i < 2; i++) {
        double bad = (i ? events : events * 0.995) / (double)build_scrape(b, 8);
        struct prove_level l = {0};

        l.v[PROVE_CANARY][0] = 8 * bad;
        l.v[PROVE_CANARY][1] = bad;
        l.v[PROVE_CONTROL][0] = 64 * bad;
        l.v[PROVE_CONTROL][1] = b->g->limit.floor.mant ? 0 : bad / 64;
        if (8 * bad * (double)build_scrape(b, 8) < b->g->evidence.min_total) {
            double more = 1.25 * b->g->evidence.min_total / (8 * bad * (double)build_scrape(b, 8));
            l.v[PROVE_CANARY][0] *= more;
            l.v[PROVE_CONTROL][0] *= more;
        }
        build_at(build_constant(b, i ? "events-enough" : "events-too-few", l), k);
    }
}

/* Beyond a backstop, with a NaN in the lowest bucket (or the denominator) alone: of the early slots, of the canary's, or of control's, where it does
 * not matter. */
static void
spoilt_cases(struct build *b, const struct bound *bound)
{
    static const char *const whose[] = {"early", "canary", "control"};
    struct prove_level l = prove_level_value(b->w, build_beside(bound, build_literal(b, bound, NULL), 20));

    for (size_t i = 0; i < GR_COUNT(whose); i++) {
        struct prove_stream *s;
        struct prove_cell *c =
            build_outside(b, TEXT(b, "%s-spoilt-%s", side_name(bound->side), whose[i]), &s);
        size_t at = build_scrape(b, i == 0 ? 1 : b->gate + 1);

        build_fill(b, c, 0, ALL, l);
        if (c && c->raw[i == 2][0][0])
            c->raw[i == 2][0][0][at] = (double)NAN;
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, 1);
        build_at(s, b->gate);
        build_at(s, b->gate + 1);
        build_at(s, b->gate + 2);
        build_at(s, b->full);
        build_at(s, b->full + 3); /* the window has passed */
    }
}

/* A backstop counts from the first moment, and stops the moment there are better slots. */
void
backstop_cases(struct build *b)
{
    for (size_t i = 0; i < b->g->limit.n_bounds; i++) {
        const struct bound *bound = &b->g->limit.bounds[i];
        double v = build_literal(b, bound, NULL);
        struct prove_stream *s;
        struct prove_cell *c;

        if (!side_is_backstop(bound->side))
            continue;
        c = build_outside(b, TEXT(b, "%s-at-once", side_name(bound->side)), &s);
        build_fill(b, c, 0, build_scrape(b, b->gate - 1) + 1,
                   prove_level_value(b->w, build_beside(bound, v, 20)));
        build_fill(b, c, build_scrape(b, b->gate - 1) + 1, ALL, prove_level_value(b->w, v / 2));
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, 0);
        build_at(s, 1);
        build_at(s, b->gate);
        build_at(s, b->gate + 1);
        if (build_counts(b->g))
            spoilt_cases(b, bound);
        c = build_outside(b, TEXT(b, "%s-of-both-together", side_name(bound->side)), &s);
        build_fill_one(b, c, PROVE_CANARY, 0, 0, /* a slot at the gate would want two samples */
                       build_scrape(b, b->gate) -
                           (size_t)((b->m->sampling_ms + b->m->scrape_ms) / b->m->scrape_ms) + 1,
                       prove_level_value(b->w, 0.6 * v).v[PROVE_CANARY]);
        build_fill_one(b, c, PROVE_CONTROL, 0, 0, ALL, prove_level_value(b->w, 0.6 * v).v[PROVE_CONTROL]);
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, b->gate);
        build_at(s, b->gate + 1);
        c = build_outside(b, TEXT(b, "%s-of-control-alone", side_name(bound->side)), &s);
        build_fill_one(b, c, PROVE_CONTROL, 0, 0, ALL,
                       prove_level_value(b->w, build_beside(bound, v, 20)).v[PROVE_CONTROL]);
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, b->gate);
        build_at(s, b->full);
        for (unsigned few = 0; few < 2; few++) {
            struct prove_level l = prove_level_value(b->w, build_beside(bound, v, 20));
            double events = b->g->evidence.min_events * (few ? 0.99 : 1.01),
                   scrapes = (double)build_scrape(b, 2);

            l.v[PROVE_CONTROL][0] = l.v[PROVE_CONTROL][1] = 0;
            if (build_ratio(b->g) && b->g->metric.n_weights == 0) {
                l.v[PROVE_CANARY][0] *= events / scrapes / l.v[PROVE_CANARY][1];
                l.v[PROVE_CANARY][1] = events / scrapes;
            } else {
                l = prove_level_scaled(b->w, l, few ? 1e-6 : 1);
            }
            s = build_constant(b, TEXT(b, "%s-%s", side_name(bound->side), few ? "too-few-events" : "events"),
                               l);
            build_at(s, 1);
            build_at(s, b->gate + 1);
        }
    }
}

/* `confirm: k of n`: slots beyond the limit in a pattern that has every number of them within n. */
void
confirm_cases(struct build *b)
{
    for (size_t i = 0; i < b->g->limit.n_bounds && !build_compared(b->g); i++) {
        const struct bound *bound = &b->g->limit.bounds[i];
        double v = build_literal(b, bound, NULL);
        struct prove_level over = prove_level_effect(b->w, build_beside(bound, v, FAR)),
                           further = prove_level_effect(b->w, build_beside(bound, v, 1.1 * FAR)),
                           calm = prove_level_effect(b->w, b->calm);
        uint32_t n = bound->level == LEVEL_HARD ? b->g->evidence.hard_n : b->g->evidence.soft_n;
        struct prove_stream *s;
        struct prove_cell *c;
        size_t per = build_scrape(b, 1), from = 0;

        if (n < 2)
            continue;
        c = build_outside(b, TEXT(b, "%s-%s-confirmed", level_name(bound->level), side_name(bound->side)),
                          &s);
        for (size_t k = 0; k < b->w->steps; k++) {
            /* one alone; two with one between; a rest; three; and again */
            static const char pattern[] = "001010001110000111000";
            bool bad = k < sizeof pattern - 1 && pattern[k] == '1';

            build_fill(b, c, from, k * per + 1, !bad ? calm : k % 2 ? further : over);
            from = k * per + 1;
        }
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = 2; k < b->w->steps && k < 2 + PROVE_TIMES; k++)
            build_at(s, k);
    }
}
