/* prove_feed.c - cases in which the rules are given effects, evidence and counts as they stand.
 *
 * What no samples bring about: evidence exactly at its threshold, a difference of exactly 0, a histogram's effect exactly at its limit, strong
 * evidence from fewer events than min_events (which no real counts give, where the threshold is high). There are no samples here, so that
 * rules record none of these themselves; limits, breaches, verdicts and alerts must follow from them. */
#include "config.h"
#include "prove_build.h"

#include <math.h>

#define STEPS 5

static const struct row {
    const char *name;
    double beyond;   /* the limit, in steps of build_beside() */
    double evidence; /* times the threshold */
    double difference, coverage, events;
    bool few; /* `enough` is not there */
} rows[] = {
    {"all", 4, 1.01, 0.5, 1, 2, false},
    {"effect-at-limit", 0, 1.01, 0.5, 1, 2, false},
    {"evidence-at-threshold", 4, 1, 0.5, 1, 2, false},
    {"evidence-above", 4, 1.002, 0.5, 1, 2, false},
    {"evidence-below", 4, 0.998, 0.5, 1, 2, false},
    {"no-difference", 4, 1.01, 0, 1, 2, false},
    {"difference-of-one", 4, 1.01, 1, 1, 2, false},
    {"the-other-way", 4, 1.01, -0.5, 1, 2, false},
    {"events-at-least", 4, 1.01, 0.5, 1, 1, false},
    {"events-too-few", 4, 1.01, 0.5, 1, 0.998, false},
    {"not-enough", 4, 1.01, 0.5, 1, 2, true},
    {"covered", -40, 1.01, 0.5, 0.9, 2, false},
    {"not-covered", -40, 1.01, 0.5, 0.8999, 2, false},
    {"far-beyond", 60000, 1.01, 0.5, 1, 2, false},    /* of a backstop: beyond whatever other limits are */
    {"events-of-control", 4, 1.01, 0.5, 1, 0, false}, /* of a backstop: nothing is known of the canary's */
    {"covered-overdue-elsewhere", -40, 1.01, 0.5, 0.9, 2, false},
    {"not-covered-overdue-elsewhere", -40, 1.01, 0.5, 0.8999, 2, false},
};

static void
feed(struct build *b, const struct bound *bound, const struct row *r)
{
    struct prove_stream *s;
    struct prove_cell *c =
        build_outside(b, TEXT(b, "%s-%s-%s", level_name(bound->level), side_name(bound->side), r->name), &s);
    struct prove_feed *f = gr_arena_alloc(b->arena, sizeof *f);
    const struct guardrail *g = b->g;
    double threshold = prove_threshold(b->m, bound->level);
    bool backstop = side_is_backstop(bound->side);

    (void)build_enter(b, s, D1, b->phase, -3600);
    build_at(s, STEPS - 2);
    if (!c || !f) {
        build_failed(b);
        return;
    }
    *f = (struct prove_feed){.effect = build_beside(bound, build_literal(b, bound, NULL), r->beyond),
                             .coverage = r->coverage,
                             .evidence = PROVE_NONE,
                             .difference = PROVE_NONE,
                             .enough = PROVE_NONE,
                             .bad = PROVE_NONE,
                             .window = PROVE_NONE,
                             .overdue_elsewhere = strstr(r->name, "elsewhere") != NULL};
    c->feed = f;
    if (backstop) {
        f->window = f->effect;
        f->effect = b->calm;
    }
    if (!build_compared(g) && !build_counts(g))
        return; /* coverage is enough */
    f->enough = r->few ? PROVE_NONE : build_counts(g) ? g->evidence.min_total + 1 : 5;
    if (build_compared(g) && g->evidence.kind == EVIDENCE_SEQUENTIAL) {
        f->evidence = r->evidence * threshold;
        f->difference = bound->side == SIDE_LOWER ? -r->difference : r->difference;
    }
    if (build_counts(g) && ((build_compared(g) && g->evidence.kind == EVIDENCE_SEQUENTIAL) || backstop))
        f->bad = r->events > 0 ? r->events * fmax(g->evidence.min_events, 1) : PROVE_NONE;
    f->other_bad = r->events > 0 ? 0 : 1;
}

/* Slots beyond a limit that is confirmed by several, of a phase, a release, a stream that is not active (any more). */
static void
left_behind(struct build *b, const struct bound *bound)
{
    static const char *const what[] = {"stream", "phase", "release"};
    size_t other = b->phase;

    for (size_t p = 0; p < b->m->n_phases; p++)
        other = p != b->phase ? p : other;
    for (size_t i = 0; i < GR_COUNT(what); i++) {
        struct prove_stream *s;
        struct prove_cell *c = build_outside(
            b, TEXT(b, "%s-%s-of-another-%s", level_name(bound->level), side_name(bound->side), what[i]), &s);
        struct prove_feed *f = gr_arena_alloc(b->arena, sizeof *f);
        struct prove_export *x = build_enter(b, s, i == 2 ? "d0" : D1, i == 1 ? other : b->phase, -7200);

        if (!c || !f || !x) {
            build_failed(b);
            return;
        }
        x->on = x->off = 0;
        s->shared = true;
        if (i > 0)
            (void)build_enter(b, s, D1, b->phase, -3600);
        *f = (struct prove_feed){.effect = PROVE_NONE,
                                 .coverage = PROVE_NONE,
                                 .evidence = PROVE_NONE,
                                 .difference = PROVE_NONE,
                                 .enough = 1,
                                 .bad = PROVE_NONE,
                                 .window = PROVE_NONE,
                                 .left_behind = bound};
        c->feed = f;
        build_at(s, STEPS - 2);
    }
}

/* What is proved of another guardrail is nothing to this one's alerts. */
static void
strangers(struct build *b)
{
    for (unsigned i = 0; i < 2; i++) {
        struct prove_stream *s;
        struct prove_cell *c = build_outside(b, i ? "a-stranger-above" : "a-stranger-below", &s);
        struct prove_feed *f = gr_arena_alloc(b->arena, sizeof *f);

        (void)build_enter(b, s, D1, b->phase, -3600);
        build_at(s, STEPS - 2);
        if (!c || !f) {
            build_failed(b);
            return;
        }
        *f = (struct prove_feed){.stranger = i ? 1e6 : -1e6};
        c->feed = f;
    }
}

/* The same in the slices that `expect` lists. */
static void
strangers_listed(struct build *b)
{
    for (unsigned above = 0; above < 2 && b->g->limit.n_overrides > 0; above++) {
        if (!build_world(b, above ? "strangers above, by hand" : "strangers below, by hand",
                         b->m->sampling_ms, STEPS))
            return;
        for (uint32_t i = 0; i < b->m->n_streams; i++) {
            struct prove_stream *s = build_listed(b, i, b->phase);

            for (size_t k = 0; s && k < s->n_cells; k++) {
                struct prove_feed *f = gr_arena_alloc(b->arena, sizeof *f);

                if (!f) {
                    build_failed(b);
                    return;
                }
                *f = (struct prove_feed){.stranger = above ? 1e6 : -1e6};
                s->cells[k].feed = f;
            }
            build_at(s, STEPS - 2);
        }
    }
}

/* Where levels are not proved apart, what is exactly at one limit may be beyond another that looks at the same. */
static bool
beyond_another(const struct build *b, const struct bound *bound, const struct slice *slice)
{
    double v = build_literal(b, bound, slice);

    for (size_t i = 0; i < b->g->limit.n_bounds; i++) {
        const struct bound *o = &b->g->limit.bounds[i];
        uint32_t n = o->level == LEVEL_HARD ? b->g->evidence.hard_n : b->g->evidence.soft_n;

        if (o == bound || o->side != bound->side || (!build_compared(b->g) && n > 1))
            continue;
        if (side_is_lower(o->side) ? v < build_literal(b, o, slice) : v > build_literal(b, o, slice))
            return true;
    }
    return false;
}

/* What is proved exactly at a limit (just inside one that counts itself), which is no breach; or, where sides are proved apart, far beyond it at the other side. */
static void
proved(struct build *b, const struct bound *bound)
{
    bool apart = build_compared(b->g) && b->g->evidence.kind == EVIDENCE_SEQUENTIAL;

    for (unsigned other = !apart && beyond_another(b, bound, NULL) ? 1 : 0; other < (apart ? 2 : 1);
         other++) {
        struct prove_stream *s;
        struct prove_cell *c = build_outside(b,
                                             TEXT(b, "%s-%s-proved-%s", level_name(bound->level),
                                                  side_name(bound->side), other ? "elsewhere" : "at-limit"),
                                             &s);
        struct prove_feed *f = gr_arena_alloc(b->arena, sizeof *f);

        (void)build_enter(b, s, D1, b->phase, -3600);
        build_at(s, STEPS - 2);
        if (!c || !f) {
            build_failed(b);
            return;
        }
        *f = (struct prove_feed){.proved = bound,
                                 .other_side = other > 0,
                                 .proved_value = build_beside(bound, build_literal(b, bound, NULL),
                                                              other              ? 100
                                                              : bound->inclusive ? -1
                                                                                 : 0)};
        for (size_t i = 0; other && i < b->g->limit.n_bounds; i++)
            if (b->g->limit.bounds[i].side != bound->side && !side_is_backstop(b->g->limit.bounds[i].side))
                f->proved_value = build_literal(b, bound, NULL); /* the other side has a limit of its own */
        c->feed = f;
    }
}

/* Each slice that `expect` lists proved exactly at its own limit, which others may have tighter. */
static void
proved_listed(struct build *b, const struct bound *bound)
{
    bool apart = build_compared(b->g) && b->g->evidence.kind == EVIDENCE_SEQUENTIAL;

    if (bound->inclusive || b->g->limit.n_overrides == 0 || b->g->dynamic.n > 0 ||
        !build_world(b,
                     TEXT(b, "each slice at its own limit, by hand: %s %s", level_name(bound->level),
                          side_name(bound->side)),
                     b->m->sampling_ms, STEPS))
        return;
    for (uint32_t i = 0; i < b->m->n_streams; i++) {
        struct prove_stream *s = build_listed(b, i, b->phase);

        for (size_t k = 0; s && k < s->n_cells; k++) {
            struct prove_feed *f = gr_arena_alloc(b->arena, sizeof *f);

            if (!f) {
                build_failed(b);
                return;
            }
            if (!apart && beyond_another(b, bound, s->cells[k].expected))
                continue;
            *f = (struct prove_feed){.proved = bound,
                                     .proved_value = build_literal(b, bound, s->cells[k].expected)};
            s->cells[k].feed = f;
        }
        build_at(s, STEPS - 2);
    }
}

/* An effect outside a limit of cohorts that have counted nothing: no rate is made of it. */
static void
idle(struct build *b, const struct bound *bound)
{
    struct prove_stream *s;
    struct prove_cell *c = build_outside(b, "counts-nothing", &s);
    struct prove_feed *f = gr_arena_alloc(b->arena, sizeof *f);

    (void)build_enter(b, s, D1, b->phase, -3600);
    build_at(s, STEPS - 2);
    if (!c || !f) {
        build_failed(b);
        return;
    }
    *f = (struct prove_feed){.effect = build_beside(bound, build_literal(b, bound, NULL), 40),
                             .coverage = 1,
                             .evidence = PROVE_NONE,
                             .difference = PROVE_NONE,
                             .enough = b->g->evidence.min_total > 0 ? PROVE_NONE : 0,
                             .bad = 0,
                             .window = PROVE_NONE,
                             .idle = true};
    c->feed = f;
}

/* Weighted observations that add up to nothing although their squares do not. */
static void
weightless(struct build *b)
{
    struct prove_stream *s;
    struct prove_cell *c = build_outside(b, "weightless", &s);
    struct prove_feed *f = gr_arena_alloc(b->arena, sizeof *f);

    (void)build_enter(b, s, D1, b->phase, -3600);
    build_at(s, STEPS - 2);
    if (!c || !f) {
        build_failed(b);
        return;
    }
    *f = (struct prove_feed){.weightless = true};
    c->feed = f;
}

void
build_fed(struct build *b)
{
    if (!build_world(b, "by hand", b->m->sampling_ms, STEPS))
        return;
    strangers(b);
    if (b->g->metric.n_weights > 0 && b->g->metric.kind == METRIC_RATIO_GOOD)
        weightless(b);
    if (build_compared(b->g) && build_counts(b->g) && b->g->evidence.kind == EVIDENCE_SEQUENTIAL &&
        !side_is_backstop(b->g->limit.bounds[0].side))
        idle(b, &b->g->limit.bounds[0]);
    for (size_t i = 0; i < b->g->limit.n_bounds; i++) {
        const struct bound *bound = &b->g->limit.bounds[i];

        if (side_is_backstop(bound->side) && b->g->metric.kind == METRIC_HISTOGRAM)
            continue; /* its observations are asked for, not its events */
        if (!side_is_backstop(bound->side))
            proved(b, bound);
        if (!build_compared(b->g) &&
            (bound->level == LEVEL_HARD ? b->g->evidence.hard_n : b->g->evidence.soft_n) > 1)
            left_behind(b, bound);
        for (size_t k = 0; k < GR_COUNT(rows); k++)
            if ((build_compared(b->g) || k < 2 || rows[k].beyond < 0) &&
                (side_is_backstop(bound->side) || (rows[k].beyond < 100 && rows[k].events > 0)))
                feed(b, bound, &rows[k]);
    }
    for (size_t i = 0; i < b->g->limit.n_bounds; i++)
        if (!side_is_backstop(b->g->limit.bounds[i].side))
            proved_listed(b, &b->g->limit.bounds[i]);
    strangers_listed(b);
}
