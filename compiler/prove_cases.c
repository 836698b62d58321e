/* prove_cases.c - cases of limits, of data that is missing or broken, and of phases: what is scraped, and when the answer is compared. */
#include "config.h"
#include "prove_build.h"

#include <math.h>

void
limit_cases(struct build *b)
{
    static const struct {
        const char *name;
        double steps;
    } where[] = {{"inside", -1}, {"at", 0}, {"outside", 1}};

    for (size_t i = 0; i < b->g->limit.n_bounds; i++)
        for (size_t k = 0; k < GR_COUNT(where); k++) {
            const struct bound *bound = &b->g->limit.bounds[i];
            double v = build_beside(bound, build_literal(b, bound, NULL), where[k].steps);
            struct prove_stream *s = build_constant(
                b, TEXT(b, "%s-%s-%s", level_name(bound->level), side_name(bound->side), where[k].name),
                build_level(b, bound, v));

            build_at(s, b->gate);
            build_at(s, b->full);
        }
}

/* -- data ------------------------------------------------------------------------------------------------------------------- */

/* One counter of several that is infinite for a moment. */
static void
infinite_counter_cases(struct build *b)
{
    static const struct {
        const char *name;
        enum prove_cohort whose;
        bool total; /* a ratio's, or a histogram's highest bucket; else events, or its lowest one */
    } cases[] = {{"infinite-total", PROVE_CANARY, true},
                 {"infinite-events", PROVE_CANARY, false},
                 {"infinite-control", PROVE_CONTROL, true}};
    size_t mid = b->gate + (b->full - b->gate) / 2 + 1;

    for (size_t i = 0; i < GR_COUNT(cases) && !(b->g->stream_scope && cases[i].whose); i++) {
        bool highest = cases[i].total != build_ratio(b->g);
        size_t part = !highest ? 0 : build_ratio(b->g) ? 1 : b->w->n_edges - 1;
        struct prove_stream *s;
        struct prove_cell *c = build_outside(b, cases[i].name, &s);
        double *v = c ? build_raw(b, c, cases[i].whose, part, 0) : NULL;

        build_fill(b, c, 0, ALL, prove_level_effect(b->w, b->calm));
        if (v)
            v[build_scrape(b, mid) - 1] = (double)INFINITY;
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = mid - 1; k <= mid + 3; k++)
            build_at(s, k);
        build_at(s, b->full + 3);
    }
}

/* All that is not a limit: what is there, what is missing, what is broken. */
void
data_cases(struct build *b)
{
    struct prove_level calm = prove_level_effect(b->w, b->calm), calmer = prove_level_effect(b->w, b->calmer);
    size_t mid = b->gate + (b->full - b->gate) / 2 + 1, late = b->full + 3;
    struct prove_stream *s;
    struct prove_cell *c;

    c = build_outside(b, "canary-gone", &s);
    build_fill(b, c, 0, build_scrape(b, mid) + 1, calm);
    if (!b->g->stream_scope)
        build_fill_one(b, c, PROVE_CONTROL, 0, build_scrape(b, mid) + 1, ALL, calm.v[PROVE_CONTROL]);
    (void)build_enter(b, s, D1, b->phase, 0);
    for (size_t k = mid; k <= mid + 4; k++)
        build_at(s, k);
    build_at(s, late);

    c = build_outside(b, "counter-reset", &s); /* or, of gauges, a dip */
    build_fill(b, c, 0, build_scrape(b, mid) - 1, calm);
    for (size_t h = 0; h < 2 && build_counts(b->g); h++)
        for (size_t p = 0; c && p < build_raw_parts(b); p++)
            if (build_raw(b, c, h, p, 0))
                build_raw(b, c, h, p, 0)[build_scrape(b, mid) - 1] = 0;
    build_fill(b, c, build_scrape(b, mid) - (build_counts(b->g) ? 0 : 1), ALL, calmer);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, mid);
    build_at(s, b->full);
    build_at(s, late);

    c = build_outside(b, "not-a-number", &s);
    build_fill(b, c, 0, ALL, calm);
    build_wipe(b, c, PROVE_CANARY, build_scrape(b, mid) - 1, build_scrape(b, mid), (double)NAN);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, mid);
    build_at(s, mid + 1);
    build_at(s, mid + 2);
    build_at(s, late);

    if (build_counts(b->g)) {
        infinite_counter_cases(b);
    } else {
        c = build_outside(b, "infinite", &s);
        build_fill(b, c, 0, ALL, calm);
        build_wipe(b, c, PROVE_CANARY, build_scrape(b, mid - 1), build_scrape(b, mid) + 1, (double)INFINITY);
        build_wipe(b, c, PROVE_CANARY, build_scrape(b, mid + 1), build_scrape(b, mid + 2) + 1,
                   -(double)INFINITY);
        for (size_t k = 0; k < 2 && !b->g->stream_scope; k++)
            build_wipe(b, c, PROVE_CONTROL, build_scrape(b, mid + 2 * k - 1),
                       build_scrape(b, mid + 2 * k) + 1, k ? (double)INFINITY : -(double)INFINITY);
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = mid; k <= mid + 3; k++)
            build_at(s, k);
    }

    s = build_constant(b, "another-spec", calm);
    if (s)
        s->intruded = true;
    build_at(s, b->full);
    if (prove_shows_instances(b->w)) {
        c = build_outside(b, "two-instances", &s);
        build_fill(b, c, 0, ALL, calm);
        build_fill_one(b, c, PROVE_CANARY, 1, 0, ALL, calmer.v[PROVE_CANARY]);
        if (!b->g->stream_scope)
            build_fill_one(b, c, PROVE_CONTROL, 1, 0, ALL,
                           prove_level_scaled(b->w, calmer, 0.5).v[PROVE_CONTROL]);
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, b->gate);
        build_at(s, b->full);
    }
    if (b->g->stream_scope)
        return;
    c = build_outside(b, "control-gone", &s); /* a fixed limit asks the canary alone */
    build_fill(b, c, 0, build_scrape(b, mid) + 1, calm);
    build_fill_one(b, c, PROVE_CANARY, 0, build_scrape(b, mid) + 1, ALL, calm.v[PROVE_CANARY]);
    (void)build_enter(b, s, D1, b->phase, 0);
    for (size_t k = mid; k <= mid + 5; k++)
        build_at(s, k);
    build_at(s, late);
    if (!build_compared(b->g))
        return;

    c = build_outside(b, "no-control", &s);
    build_fill_one(b, c, PROVE_CANARY, 0, 0, ALL, calm.v[PROVE_CANARY]);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, 0);
    build_at(s, b->gate);
    build_at(s, b->gate + 2);
    build_at(s, late);

    c = build_outside(b, "no-canary", &s);
    build_fill_one(b, c, PROVE_CONTROL, 0, 0, ALL, calm.v[PROVE_CONTROL]);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, b->gate);
    build_at(s, late);

    c = build_outside(b, "zero-control", &s);
    build_fill_one(b, c, PROVE_CANARY, 0, 0, ALL, calm.v[PROVE_CANARY]);
    build_fill_one(b, c, PROVE_CONTROL, 0, 0, ALL, (double[PROVE_PARTS]){0});
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, b->gate);
    build_at(s, b->full);

    /* which have what this guardrail's have not: both parts, or the one that the other does not go without */
    for (size_t i = 0; i < (b->g->metric.kind == METRIC_RATIO_BAD ? 2 : build_ratio(b->g) ? 1 : 0); i++) {
        bool good = b->g->metric.kind == METRIC_RATIO_GOOD;
        c = build_outside(b, i > 0 ? "total-of-a-stranger" : "slots-of-a-stranger", &s);
        build_fill(b, c, 0, ALL, calm);
        for (size_t p = 0; c && p < build_raw_parts(b); p++)
            if (good ? p % 2 == 1 : i == 0 || p % 2 == 0)
                c->raw[PROVE_CANARY][p][0] = NULL;
        if (c)
            c->strange = true;
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, b->gate);
        build_at(s, b->full);
    }
    if (build_ratio(b->g)) { /* observations, and not one event */
        struct prove_level none = calm;
        for (size_t p = 1; p < PROVE_PARTS; p += 2)
            none.v[PROVE_CONTROL][p] = 0;
        s = build_constant(b, "control-without-events", none);
        build_at(s, b->gate);
        build_at(s, b->full);
        c = build_outside(b, "numerator-gone", &s);
        build_fill(b, c, 0, ALL, calm);
        for (size_t p = 1; c && p < build_raw_parts(b); p += 2)
            for (size_t i = build_scrape(b, mid) + 1; c->raw[PROVE_CANARY][p][0] && i < b->w->scrapes; i++)
                c->raw[PROVE_CANARY][p][0][i] = PROVE_NONE;
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = mid; k <= mid + 3; k++)
            build_at(s, k);
        for (size_t only = 0; only < b->g->metric.n_weights; only++) { /* one weight alone has observations */
            c = build_outside(b, TEXT(b, "weight-%zu-alone", only + 1), &s);
            build_fill(b, c, 0, ALL, calm);
            for (size_t p = 0; c && p < build_raw_parts(b); p++)
                if (p / 2 != only)
                    c->raw[PROVE_CANARY][p][0] = c->raw[PROVE_CONTROL][p][0] = NULL;
            for (size_t i = build_scrape(b, mid) + 1; /* and its numerator stops */
                 c && c->raw[PROVE_CANARY][2 * only + 1][0] && i < b->w->scrapes; i++)
                c->raw[PROVE_CANARY][2 * only + 1][0][i] = PROVE_NONE;
            (void)build_enter(b, s, D1, b->phase, 0);
            build_at(s, b->gate);
            for (size_t k = mid; k <= mid + 3; k++)
                build_at(s, k);
            build_at(s, b->full);
        }
        c = build_outside(b, "numerator-absent", &s);
        build_fill(b, c, 0, ALL, calm);
        for (size_t p = 1; c && p < PROVE_PARTS; p += 2)
            c->raw[PROVE_CANARY][p][0] = NULL;
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, b->gate);
        build_at(s, b->full);
    }
}

/* -- counters that stand still, fall or are hardly there ---------------------------------------------------------------------- */

/* Of one cohort the denominator of a ratio, or the bucket that counts all, is gone from step `mid` on; what it counts goes on. */
void
denominator_case(struct build *b, size_t phase, size_t mid, size_t cohort)
{
    size_t last = b->w->n_edges;
    struct prove_stream *s;
    struct prove_cell *c;

    if (!build_counts(b->g))
        return;
    c = build_outside(b,
                      TEXT(b, "denominator-of-%s-gone-in-" GR_FMT,
                           cohort == PROVE_CANARY ? "canary" : "control", GR_ARG(b->m->phases[phase].name)),
                      &s);
    build_fill(b, c, 0, ALL, prove_level_effect(b->w, b->calm));
    for (size_t p = 0; c && p < build_raw_parts(b); p++)
        if (build_ratio(b->g) ? p % 2 == 0 : p + 1 == last)
            for (size_t i = build_scrape(b, mid) + 1; c->raw[cohort][p][0] && i < b->w->scrapes; i++)
                c->raw[cohort][p][0][i] = PROVE_NONE;
    (void)build_enter(b, s, D1, phase, 0);
    for (size_t k = mid + (cohort == PROVE_CANARY ? 0 : 2); k <= mid + 4;
         k++) /* between, shares are above 1 */
        build_at(s, k);
    if (cohort == PROVE_CANARY)
        build_at(s, b->w->steps - 1);
}

/* A cohort that shows something for a moment only, and is asked for once the window has passed. */
void
early_case(struct build *b, size_t phase, size_t cohort)
{
    size_t slots = (size_t)prove_slots(b->w, phase);
    struct prove_level calm = prove_level_effect(b->w, b->calm);
    struct prove_stream *s;
    struct prove_cell *c =
        build_outside(b,
                      TEXT(b, "%s-gone-early-in-" GR_FMT, cohort == PROVE_CANARY ? "canary" : "control",
                           GR_ARG(b->m->phases[phase].name)),
                      &s);

    build_fill_one(b, c, cohort, 0, 0, build_scrape(b, b->gate) + 1, calm.v[cohort]);
    if (!b->g->stream_scope)
        build_fill_one(b, c, 1 - cohort, 0, 0, ALL, calm.v[1 - cohort]);
    (void)build_enter(b, s, D1, phase, 0);
    build_at(s, b->gate + 1);
    build_at(s, b->gate + slots + 1);
    build_at(s, b->gate + slots + 2);
}

/* Counters of one cohort stand still for some slots, or all along. */
void
idle_cases(struct build *b)
{
    static const double none[PROVE_PARTS];
    struct prove_level calm = prove_level_effect(b->w, b->calm);
    size_t mid = b->gate + 2;
    struct prove_stream *s;
    struct prove_cell *c;

    if (!build_counts(b->g))
        return;
    for (size_t h = 0; h < (b->g->stream_scope ? 1u : 2u); h++) {
        c = build_outside(b, h ? "control-idle" : "canary-idle", &s);
        for (size_t k = 0; k < 2; k++) {
            build_fill_one(b, c, k, 0, 0, build_scrape(b, mid), calm.v[k]);
            build_fill_one(b, c, k, 0, build_scrape(b, mid), build_scrape(b, mid + 2) + 1,
                           k == h ? none : calm.v[k]);
            build_fill_one(b, c, k, 0, build_scrape(b, mid + 2) + 1, ALL, calm.v[k]);
        }
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = mid; k <= mid + 4; k++)
            build_at(s, k);
        build_at(s, b->full + 1);
    }
    c = build_outside(b, "zero-canary", &s);
    build_fill_one(b, c, PROVE_CANARY, 0, 0, ALL, none);
    build_fill_one(b, c, PROVE_CONTROL, 0, 0, ALL, calm.v[PROVE_CONTROL]);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, b->gate);
    build_at(s, b->full);
    if (b->g->metric.kind != METRIC_HISTOGRAM)
        return;
    calm.v[PROVE_CONTROL][b->w->n_edges - 1] = 0; /* buckets count, and the one of all does not */
    s = build_constant(b, "control-total-idle", calm);
    build_at(s, b->gate);
    build_at(s, b->full);
}

/* Denominators that are negative, or so small that the quotient is beyond all numbers. */
void
odd_ratio_cases(struct build *b)
{
    static const double totals[] = {-1.0 / 8192, 1e-305};

    for (unsigned i = 0; i < GR_COUNT(totals) && build_ratio(b->g); i++) {
        struct prove_level l = prove_level_effect(b->w, b->calm);
        struct prove_stream *s;

        if (i > 0 && b->g->metric.n_weights > 0)
            continue; /* squares would be 0 first */
        for (size_t p = 0; p < build_raw_parts(b); p += 2)
            l.v[PROVE_CANARY][p] = totals[i];
        s = build_constant(b, i ? "hardly-a-denominator" : "denominator-falls", l);
        build_at(s, b->gate);
        build_at(s, b->full);
    }
}

/* A counter of events that is minus infinite once: the share of that slot is no number to act on. */
void
endless_case(struct build *b)
{
    struct prove_stream *s;
    struct prove_cell *c;
    double *v;

    if (!build_ratio(b->g) || !(c = build_outside(b, "endless-events", &s)))
        return;
    build_fill(b, c, 0, ALL, prove_level_effect(b->w, b->calm));
    if ((v = build_raw(b, c, PROVE_CANARY, 1, 0)) != NULL)
        v[build_scrape(b, b->gate + 2)] = -(double)INFINITY;
    (void)build_enter(b, s, D1, b->phase, 0);
    for (size_t k = b->gate + 1; k <= b->gate + 5; k++)
        build_at(s, k);
    build_at(s, b->full + 3);
}

/* Gauges of control that no canary can be compared with. */
void
odd_gauge_cases(struct build *b)
{
    static const struct {
        const char *name;
        double control, canary;
    } odd[] = {{"negative-control", -0.5, 100},
               {"small-control", 0.5, 0.505},
               {"tiny-control", 1e-310, 100},
               {"zero-control-below", 0, -100}};

    for (size_t i = 0; i < GR_COUNT(odd) && b->g->limit.against == AGAINST_CONTROL_RELATIVE &&
                       b->g->metric.kind == METRIC_GAUGE;
         i++) {
        struct prove_level l = {0};
        struct prove_stream *s;

        l.v[PROVE_CONTROL][0] = odd[i].control;
        l.v[PROVE_CANARY][0] = odd[i].canary;
        s = build_constant(b, odd[i].name, l);
        build_at(s, b->gate);
        build_at(s, b->full);
    }
}

/* Histograms: control's quantile near an edge of buckets on either side, and in a bucket behind which there are empty ones. */
void
edge_cases(struct build *b)
{
    static const struct {
        const char *name;
        double
            control; /* times the quantile: share up to the edge in the middle; 0: all, and so up to the others */
        double canary;
    } edges[] = {{"edge-under", 0.995, 0.1}, {"edge-over", 1.005, 0.1}, {"edges-tie", 0, 0.4}};
    double q = gr_dec_double(b->g->metric.quantile);

    for (size_t i = 0; i < GR_COUNT(edges) && b->g->metric.kind == METRIC_HISTOGRAM; i++) {
        struct prove_level l = prove_level_effect(b->w, b->calm);
        double all = l.v[PROVE_CONTROL][b->w->n_edges - 1], share = edges[i].control * q;
        struct prove_stream *s;

        l.v[PROVE_CONTROL][0] = l.v[PROVE_CANARY][0] = 0;
        l.v[PROVE_CONTROL][1] = share > 0 && share < 1 ? rint(all * share) : all;
        l.v[PROVE_CONTROL][2] = l.v[PROVE_CONTROL][3] = l.v[PROVE_CANARY][3] = all;
        l.v[PROVE_CANARY][1] = rint(all * edges[i].canary);
        l.v[PROVE_CANARY][2] = rint(all * (share > 0 ? 1 : 0.9));
        s = build_constant(b, edges[i].name, l);
        build_at(s, b->gate + 3);
        build_at(s, b->full);
    }
}

/* Two edges that tie only in the sum of all slots, because what control counts up to them changes places. */
void
turns_case(struct build *b)
{
    struct prove_level l[2];
    struct prove_stream *s;
    struct prove_cell *c;

    if (b->g->metric.kind != METRIC_HISTOGRAM || !build_compared(b->g) ||
        !(c = build_outside(b, "edges-tie-by-turns", &s)))
        return;
    for (size_t i = 0; i < 2; i++) {
        l[i] = prove_level_effect(b->w, b->calm);
        l[i].v[PROVE_CONTROL][0] = l[i].v[PROVE_CANARY][0] = 0;
        l[i].v[PROVE_CONTROL][1] = i ? 999500 : 999000; /* never less up to the higher edge in all */
        l[i].v[PROVE_CONTROL][2] = i ? 999000 : 999500;
        l[i].v[PROVE_CONTROL][3] = l[i].v[PROVE_CANARY][3] = 1000000;
        l[i].v[PROVE_CANARY][1] = 400000;
        l[i].v[PROVE_CANARY][2] = 900000;
    }
    for (size_t k = 0, from = 0; k < b->w->steps; k++) {
        size_t to = k + 1 < b->w->steps ? build_scrape(b, k) + 1 : b->w->scrapes;

        build_fill(b, c, from, to, l[(k + b->gate) % 2]);
        from = to;
    }
    (void)build_enter(b, s, D1, b->phase, 0);
    for (size_t k = 1; k <= 7; k += 2)
        build_at(s, b->gate + k);
}

/* Control below its floor: the canary is compared with that. */
void
floor_cases(struct build *b)
{
    if (b->g->limit.against != AGAINST_CONTROL_RELATIVE || b->g->limit.floor.mant == 0)
        return;
    for (size_t i = 0; i < b->g->limit.n_bounds; i++) {
        const struct bound *bound = &b->g->limit.bounds[i];
        double v = build_literal(b, bound, NULL);

        if (side_is_backstop(bound->side))
            continue;
        build_at(
            build_constant(b, TEXT(b, "floor-%s-%s-inside", level_name(bound->level), side_name(bound->side)),
                           prove_level_floor(b->w, build_beside(bound, v, -20))),
            b->full);
        build_at(build_constant(
                     b, TEXT(b, "floor-%s-%s-outside", level_name(bound->level), side_name(bound->side)),
                     prove_level_floor(b->w, build_beside(bound, v, 20))),
                 b->full);
    }
}

/* The window slides: another level in its second half, seen slot by slot. One stream for each phase. */
void
window_case(struct build *b, size_t phase)
{
    struct prove_level calm = prove_level_effect(b->w, b->calm), calmer = prove_level_effect(b->w, b->calmer);
    size_t slots = (size_t)prove_slots(b->w, phase), first = build_compared(b->g) ? b->gate : 0,
           full = first + slots - 1, half = first + slots / 2 + 1;
    struct prove_stream *s;
    struct prove_cell *c =
        build_outside(b, TEXT(b, "window-of-" GR_FMT, GR_ARG(b->m->phases[phase].name)), &s);

    build_fill(b, c, 0, build_scrape(b, half), calm);
    build_fill(b, c, build_scrape(b, half), ALL, calmer);
    (void)build_enter(b, s, D1, phase, 0);
    build_at(s, first);
    build_at(s, full - (slots > 1));
    build_at(s, full);
    build_at(s, full + 1);
    build_at(s, full + 2);
}

/* -- phases ----------------------------------------------------------------------------------------------------------------- */

/* What was before was bad to its last moment; nothing of it is seen in what comes next, which begins between two slots. */
static void
changed_case(struct build *b, const char *name, const char *before, size_t phase, size_t mid)
{
    const struct bound *hard = &b->g->limit.bounds[0];
    struct prove_level calm = prove_level_effect(b->w, b->calm),
                       bad = build_level(b, hard, build_beside(hard, build_literal(b, hard, NULL), 40));
    struct prove_stream *s;
    struct prove_cell *c = build_outside(b, name, &s);
    struct prove_export *x;
    size_t at = build_scrape(b, mid) + 1;

    build_fill(b, c, 0, at + 1, bad);
    build_fill(b, c, at + 1, ALL, calm);
    x = build_enter(b, s, before, phase, 0);
    if (x)
        x->off = at;
    x = build_enter(b, s, D1, b->phase, (double)at * (double)b->m->scrape_ms / 1000);
    if (x)
        x->from = x->on = at;
    for (size_t k = mid; k <= mid + 5; k++)
        build_at(s, k);
    build_at(s, b->full + 3);
}

/* The phase is entered once more: until then it is told as not active, with the start that it had. */
static void
again_case(struct build *b, size_t mid)
{
    struct prove_stream *s = build_constant(b, "entered-again", prove_level_effect(b->w, b->calm));
    struct prove_export *x = s ? &s->exports[0] : NULL;

    if (x) {
        x->on = build_scrape(b, mid);
        x->start_s = (double)x->on * (double)b->m->scrape_ms / 1000;
        x->before_s = x->start_s - 3600;
    }
    for (size_t k = mid; k <= mid + 3; k++)
        build_at(s, k);
}

/* A phase lasts as long as it may, a second longer, too long with something else that is wrong; or for ever. */
static void
overdue_cases(struct build *b)
{
    static const char *const kinds[] = {"overdue", "overdue-just", "overdue-without-control",
                                        "overdue-suspect"};
    const struct bound *soft = &b->g->limit.bounds[b->g->limit.n_bounds - 1];
    struct prove_level calm = prove_level_effect(b->w, b->calm), few = calm, alone = calm;
    double longest = 0, full_s = (double)((int64_t)b->full * b->w->step_ms) / 1000;

    few = prove_level_scaled(b->w, build_level(b, soft, build_beside(soft, build_literal(b, soft, NULL), 20)),
                             1e-6);
    for (size_t p = 0; p < b->m->n_phases; p++)
        longest = fmax(longest, (double)b->m->phases[p].max_ms / 1000);
    for (size_t p = 0; p < b->m->n_phases; p++) {
        double max = (double)b->m->phases[p].max_ms / 1000;
        bool watched = b->g->phases >> p & 1u;

        for (unsigned i = 0; watched && max > 0 && i < GR_COUNT(kinds); i++) {
            struct prove_stream *s;

            if (i >= 2 && p != b->phase)
                continue;
            if (i == 2 && !build_compared(b->g))
                continue;
            s = build_constant(b, TEXT(b, "%s-in-" GR_FMT, kinds[i], GR_ARG(b->m->phases[p].name)),
                               i == 3 ? few : alone);
            if (!s)
                return;
            s->exports[0].phase = p;
            s->exports[0].start_s = full_s - max - (i > 0 ? 1 : 0);
            for (size_t k = 0; i == 2 && k < PROVE_PARTS && s->n_cells > 0; k++)
                s->cells[0].raw[PROVE_CONTROL][k][0] = NULL;
            build_at(s, b->full);
            build_at(s, b->full + 1);
        }
        if (max <= 0) {
            struct prove_stream *s =
                build_constant(b, TEXT(b, "rests-in-" GR_FMT, GR_ARG(b->m->phases[p].name)), calm);
            if (s) {
                s->exports[0].phase = p;
                s->exports[0].start_s = full_s - longest - 3600;
            }
            build_at(s, b->full);
        }
    }
}

void
phase_cases(struct build *b)
{
    struct prove_level calm = prove_level_effect(b->w, b->calm), bad = calm;
    const struct bound *hard = &b->g->limit.bounds[0];
    size_t mid = b->gate + 2, other = b->phase, unwatched = b->m->n_phases;
    struct prove_stream *s;
    struct prove_cell *c;
    struct prove_export *x;

    bad = build_level(b, hard, build_beside(hard, build_literal(b, hard, NULL), 40));
    for (size_t p = b->m->n_phases; p-- > 0;) {
        if (b->g->phases >> p & 1u)
            other = p != b->phase ? p : other;
        else
            unwatched = p;
    }
    s = build_constant(b, "phase-off", bad);
    if (s)
        s->exports[0].on = s->exports[0].off = 0;
    build_at(s, b->full);
    if (unwatched < b->m->n_phases) {
        s = build_constant(b, "phase-not-watched", bad);
        if (s)
            s->exports[0].phase = unwatched;
        build_at(s, b->full);
    }
    c = build_outside(b, "no-phase", &s);
    build_fill(b, c, 0, ALL, bad);
    build_at(s, b->full);

    if (other != b->phase)
        changed_case(b, "phase-changed", D1, other, mid);
    changed_case(b, "release-changed", "d0", b->phase, mid);
    again_case(b, mid);
    changed_case(b, "release-changed-late", "d0", b->phase, b->gate + 7);

    /* An old deployment rests in its last phase, and still says so. */
    c = build_outside(b, "two-deployments", &s);
    build_fill(b, c, 0, ALL, calm);
    (void)build_enter(b, s, "d0", other, -7200);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, b->gate);
    build_at(s, b->full);

    /* guardraild is not scraped any more: the phase lives on for five minutes. */
    c = build_outside(b, "export-ends", &s);
    build_fill(b, c, 0, ALL, calm);
    x = build_enter(b, s, D1, b->phase, 0);
    if (x)
        x->to = x->start_to = build_scrape(b, mid) + 1;
    if (s)
        s->shared = true;
    for (size_t k = mid; k <= mid + 4; k++)
        build_at(s, k);

    /* Of the two series one ends first: both are needed. */
    for (unsigned i = 0; i < 2; i++) {
        s = build_constant(b, i ? "start-ends-first" : "phase-ends-first", calm);
        if (s && i)
            s->exports[0].start_to = build_scrape(b, mid) + 1;
        else if (s)
            s->exports[0].to = build_scrape(b, mid) + 1;
        for (size_t k = mid + 1; k <= mid + 4; k++)
            build_at(s, k);
    }

    /* The start was a while ago: the gate is open from the first moment, to the second. */
    s = build_constant(b, "gate-opens-late", calm);
    if (s)
        s->exports[0].start_s =
            (double)(b->w->step_ms * 3) / 1000 - (double)(b->m->sampling_ms + b->m->scrape_ms) / 1000;
    build_at(s, 2);
    build_at(s, 3);
    s = build_constant(b, "gate-opens-later", calm);
    if (s)
        s->exports[0].start_s =
            (double)(b->w->step_ms * 3) / 1000 - (double)(b->m->sampling_ms + b->m->scrape_ms) / 1000 + 1;
    build_at(s, 3);
    build_at(s, 4);
    overdue_cases(b);
}
