/* prove_cases.c - the cases of a guardrail: what is scraped, and when the answer is compared. */
#include "config.h"
#include "prove_build.h"

#include <math.h>

#define CLOSE 0.003 /* to the evidence threshold */
#define FAR                                                                                                  \
    3000 /* margins: so far that a slot's average is beyond although its first sample is the calm one of the slot before */
#define MARGIN 0.0005 /* "just" inside and outside: a twentieth of a percent of the limit */

bool
build_counts(const struct guardrail *g)
{
    return g->metric.kind != METRIC_GAUGE && g->metric.kind != METRIC_PROMQL;
}

static bool
is_ratio(const struct guardrail *g)
{
    return g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD;
}

bool
build_compared(const struct guardrail *g)
{
    return g->limit.against != AGAINST_FIXED;
}

void
build_failed(struct build *b)
{
    b->w->err = GR_ENOMEM;
}

/* -- worlds, streams, cells, samples ----------------------------------------------------------------------------------------- */

struct prove_world *
build_world(struct build *b, const char *name, int64_t step_ms, size_t steps)
{
    struct prove_suite *s = b->suite;
    struct prove_world *w = gr_arena_alloc(b->arena, sizeof *w), **grown;

    if (!w)
        return NULL;
    if (s->n_worlds == s->cap_worlds) {
        if (!(grown = gr_arena_grow(b->arena, s->worlds, s->n_worlds, &s->cap_worlds, sizeof(void *))))
            return NULL;
        s->worlds = grown;
    }
    *w = (struct prove_world){
        .arena = b->arena, .m = b->m, .g = b->g, .name = name, .step_ms = step_ms, .steps = steps};
    w->scrapes = (size_t)((int64_t)(steps - 1) * step_ms / b->m->scrape_ms) + 1;
    w->left_open = b->suite->left_open;
    for (size_t i = 0; i < b->m->n_phases; i++)
        w->test_s = fmax(w->test_s,
                         (double)(b->m->phases[i].max_ms > b->m->phases[i].min_ms ? b->m->phases[i].max_ms
                                                                                  : b->m->phases[i].min_ms) /
                             1000);
    prove_level_init(w);
    s->worlds[s->n_worlds++] = w;
    return b->w = w;
}

static struct prove_stream *
build_stream(struct build *b)
{
    struct prove_world *w = b->w;
    struct prove_stream *v = w->streams;

    if (w->n_streams == w->cap_streams &&
        !(v = gr_arena_grow(b->arena, v, w->n_streams, &w->cap_streams, sizeof *v))) {
        build_failed(b);
        return NULL;
    }
    w->streams = v;
    b->suite->cases++;
    return &w->streams[w->n_streams++];
}

void
build_at(struct prove_stream *s, size_t k)
{
    size_t i = 0;

    while (s && i < s->n_times && s->times[i] != k)
        i++;
    if (s && i == s->n_times && i < PROVE_TIMES)
        s->times[s->n_times++] = k;
}

struct prove_export *
build_enter(struct build *b, struct prove_stream *s, const char *deployment, size_t phase, double start_s)
{
    struct prove_export *x;

    if (!s)
        return NULL;
    GR_ASSERT(s->n_exports < PROVE_EXPORTS);
    x = &s->exports[s->n_exports++];
    *x = (struct prove_export){deployment, phase, start_s, 0, b->w->scrapes, 0, b->w->scrapes, b->w->scrapes};
    return x;
}

static struct gr_str
invented(const struct guardrail *g, struct gr_str label)
{
    for (size_t i = 0; i < g->only.n; i++)
        if (gr_str_eq(g->only.v[i].key, label))
            return g->only.v[i].value;
    return GR_STR("s1");
}

static struct prove_cell *
cell(struct build *b, struct prove_stream *s)
{
    struct prove_cell *v = s ? s->cells : NULL;

    if (!s || (s->n_cells == s->cap_cells &&
               !(v = gr_arena_grow(b->arena, v, s->n_cells, &s->cap_cells, sizeof *v)))) {
        build_failed(b);
        return NULL;
    }
    s->cells = v;
    return &s->cells[s->n_cells++];
}

/* A stream that `expect` does not list, with one slice, in the phase that most cases use. */
struct prove_cell *
build_outside(struct build *b, const char *name, struct prove_stream **out)
{
    struct prove_stream *s = build_stream(b);
    struct prove_cell *c;
    size_t n = b->g->compare_within.n, d = b->g->dynamic.n;

    *out = s;
    if (!s)
        return NULL;
    s->name = gr_arena_dup(b->arena, gr_str(name));
    s->release = (struct pairs){gr_arena_array(b->arena, b->m->release_labels.n, sizeof(struct pair)),
                                b->m->release_labels.n};
    for (size_t i = 0; s->release.v && i < s->release.n; i++) {
        struct gr_str label = b->m->release_labels.v[i];
        s->release.v[i] = (struct pair){label, gr_str_eq(label, b->key) ? s->name : invented(b->g, label)};
    }
    if (!(c = cell(b, s)))
        return NULL;
    c->labels = (struct pairs){gr_arena_array(b->arena, n + d, sizeof(struct pair)), n + d};
    for (size_t i = 0; c->labels.v && i < n + d; i++) {
        struct gr_str label = i < n ? b->g->compare_within.v[i] : b->g->dynamic.v[i - n];
        c->labels.v[i] = (struct pair){label, invented(b->g, label)};
    }
    if (!s->release.v || !c->labels.v)
        build_failed(b);
    return c;
}

static double *
raw(struct build *b, struct prove_cell *c, size_t cohort, size_t part, size_t instance)
{
    double **v = &c->raw[cohort][part][instance];

    if (!*v && (*v = gr_arena_array(b->arena, b->w->scrapes, sizeof **v)) != NULL)
        for (size_t i = 0; i < b->w->scrapes; i++)
            (*v)[i] = PROVE_NONE;
    if (!*v)
        build_failed(b);
    return *v;
}

static size_t
raw_parts(const struct build *b)
{
    if (b->g->metric.kind == METRIC_HISTOGRAM)
        return b->w->n_edges;
    return is_ratio(b->g) ? 2 * (b->g->metric.n_weights ? b->g->metric.n_weights : 1) : 1;
}

/* Samples of scrapes [from, to) of one instance. Counters go on from what they last were. */
static void
fill_one(struct build *b, struct prove_cell *c, size_t cohort, size_t instance, size_t from, size_t to,
         const double *level)
{
    for (size_t p = 0; c && p < raw_parts(b); p++) {
        double *v = raw(b, c, cohort, p, instance), last = PROVE_NONE;

        for (size_t i = 0; v && i < from && i < b->w->scrapes; i++)
            last = !isnan(v[i]) && v[i] > PROVE_NONE ? v[i] : last;
        for (size_t i = from; v && i < to && i < b->w->scrapes; i++) {
            last = !build_counts(b->g) ? level[p] : last > PROVE_NONE ? last + level[p] : 0;
            v[i] = last;
        }
    }
}

void
build_fill(struct build *b, struct prove_cell *c, size_t from, size_t to, struct prove_level l)
{
    fill_one(b, c, PROVE_CANARY, 0, from, to, l.v[PROVE_CANARY]);
    if (!b->g->stream_scope)
        fill_one(b, c, PROVE_CONTROL, 0, from, to, l.v[PROVE_CONTROL]);
}

static void
wipe(struct build *b, struct prove_cell *c, size_t cohort, size_t from, size_t to, double with)
{
    for (size_t p = 0; c && p < raw_parts(b); p++) {
        double *v = raw(b, c, cohort, p, 0);
        for (size_t i = from; v && i < to && i < b->w->scrapes; i++)
            v[i] = with;
    }
}

size_t
build_scrape(const struct build *b, size_t step)
{
    return (size_t)((int64_t)step * b->w->step_ms / b->m->scrape_ms);
}

/* A stream that shows one level all along. */
struct prove_stream *
build_constant(struct build *b, const char *name, struct prove_level l)
{
    struct prove_stream *s;
    struct prove_cell *c = build_outside(b, name, &s);

    build_fill(b, c, 0, ALL, l);
    (void)build_enter(b, s, D1, b->phase, 0);
    return s;
}

const char *
build_text(struct build *b, struct gr_str s)
{
    if (!s.p)
        build_failed(b);
    return s.p ? s.p : "";
}

/* -- limits ------------------------------------------------------------------------------------------------------------------ */

double
build_literal(const struct build *b, const struct bound *bound, const struct slice *slice)
{
    struct pair dynamic[MODEL_LABELS_MAX];
    size_t n = 0;

    if (slice)
        return gr_dec_double(model_literal(b->m, b->g, bound, slice));
    for (; n < b->g->dynamic.n && n < GR_COUNT(dynamic); n++)
        dynamic[n] = (struct pair){b->g->dynamic.v[n], invented(b->g, b->g->dynamic.v[n])};
    return prove_literal_outside(b->g, bound, (struct pairs){dynamic, n});
}

/* A little further to the bad side (positive steps) or to the good one. */
double
build_beside(const struct bound *bound, double lit, double steps)
{
    double by = steps * (fabs(lit) > 0 ? MARGIN * fabs(lit) : MARGIN);

    return side_is_lower(bound->side) ? lit - by : lit + by;
}

struct prove_level
build_level(const struct build *b, const struct bound *bound, double v)
{
    return side_is_backstop(bound->side) ? prove_level_value(b->w, v) : prove_level_effect(b->w, v);
}

static void
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

/* Effects well inside every limit, and not the neutral one, at which canary and control could be swapped unseen. */
static void
find_calm(struct build *b)
{
    double low = -(double)INFINITY, high = (double)INFINITY,
           neutral = b->g->limit.against == AGAINST_CONTROL_RELATIVE ? 1 : 0;

    for (size_t i = 0; i < b->g->limit.n_bounds; i++) {
        const struct bound *bound = &b->g->limit.bounds[i];
        double v = build_literal(b, bound, NULL);

        if (side_is_backstop(bound->side))
            continue;
        if (side_is_lower(bound->side))
            low = fmax(low, v);
        else
            high = fmin(high, v);
    }
    if (isfinite(low) && isfinite(high))
        neutral = (low + high) / 2;
    else if (!build_compared(b->g) && isfinite(low))
        neutral = low + fabs(low) + (low < 0 || low > 0 ? 0 : 1);
    b->calm = isfinite(high) ? neutral + 0.3 * (high - neutral) : neutral - 0.3 * (neutral - low);
    b->calmer = isfinite(high) ? neutral + 0.1 * (high - neutral) : neutral - 0.1 * (neutral - low);
    if (!build_compared(b->g) && isfinite(high) && !isfinite(low) && high <= 0) {
        b->calm = high - 1; /* "above 0": nothing positive is inside */
        b->calmer = high - 2;
    }
}

/* -- data ------------------------------------------------------------------------------------------------------------------- */

/* All that is not a limit: what is there, what is missing, what is broken. */
static void
data_cases(struct build *b)
{
    struct prove_level calm = prove_level_effect(b->w, b->calm), calmer = prove_level_effect(b->w, b->calmer);
    size_t mid = b->gate + (b->full - b->gate) / 2 + 1, late = b->full + 3;
    struct prove_stream *s;
    struct prove_cell *c;

    c = build_outside(b, "canary-gone", &s);
    build_fill(b, c, 0, build_scrape(b, mid) + 1, calm);
    if (!b->g->stream_scope)
        fill_one(b, c, PROVE_CONTROL, 0, build_scrape(b, mid) + 1, ALL, calm.v[PROVE_CONTROL]);
    (void)build_enter(b, s, D1, b->phase, 0);
    for (size_t k = mid; k <= mid + 4; k++)
        build_at(s, k);
    build_at(s, late);

    c = build_outside(b, "counter-reset", &s); /* or, of gauges, a dip */
    build_fill(b, c, 0, build_scrape(b, mid) - 1, calm);
    for (size_t h = 0; h < 2 && build_counts(b->g); h++)
        for (size_t p = 0; c && p < raw_parts(b); p++)
            if (raw(b, c, h, p, 0))
                raw(b, c, h, p, 0)[build_scrape(b, mid) - 1] = 0;
    build_fill(b, c, build_scrape(b, mid) - (build_counts(b->g) ? 0 : 1), ALL, calmer);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, mid);
    build_at(s, b->full);
    build_at(s, late);

    c = build_outside(b, "not-a-number", &s);
    build_fill(b, c, 0, ALL, calm);
    wipe(b, c, PROVE_CANARY, build_scrape(b, mid) - 1, build_scrape(b, mid), (double)NAN);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, mid);
    build_at(s, mid + 1);
    build_at(s, mid + 2);
    build_at(s, late);

    if (!build_counts(b->g)) {
        c = build_outside(b, "infinite", &s);
        build_fill(b, c, 0, ALL, calm);
        wipe(b, c, PROVE_CANARY, build_scrape(b, mid - 1), build_scrape(b, mid) + 1, (double)INFINITY);
        wipe(b, c, PROVE_CANARY, build_scrape(b, mid + 1), build_scrape(b, mid + 2) + 1, -(double)INFINITY);
        for (size_t k = 0; k < 2 && !b->g->stream_scope; k++)
            wipe(b, c, PROVE_CONTROL, build_scrape(b, mid + 2 * k - 1), build_scrape(b, mid + 2 * k) + 1,
                 k ? (double)INFINITY : -(double)INFINITY);
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = mid; k <= mid + 3; k++)
            build_at(s, k);
    }

    s = build_constant(b, "another-spec", calm);
    if (s)
        s->intruded = true;
    build_at(s, b->full);
    if (b->g->metric.kind != METRIC_PROMQL) {
        c = build_outside(b, "two-instances", &s);
        build_fill(b, c, 0, ALL, calm);
        fill_one(b, c, PROVE_CANARY, 1, 0, ALL, calmer.v[PROVE_CANARY]);
        if (!b->g->stream_scope)
            fill_one(b, c, PROVE_CONTROL, 1, 0, ALL, prove_level_scaled(b->w, calmer, 0.5).v[PROVE_CONTROL]);
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, b->gate);
        build_at(s, b->full);
    }
    if (!build_compared(b->g))
        return;

    c = build_outside(b, "control-gone", &s);
    build_fill(b, c, 0, build_scrape(b, mid) + 1, calm);
    fill_one(b, c, PROVE_CANARY, 0, build_scrape(b, mid) + 1, ALL, calm.v[PROVE_CANARY]);
    (void)build_enter(b, s, D1, b->phase, 0);
    for (size_t k = mid; k <= mid + 5; k++)
        build_at(s, k);
    build_at(s, late);

    c = build_outside(b, "no-control", &s);
    fill_one(b, c, PROVE_CANARY, 0, 0, ALL, calm.v[PROVE_CANARY]);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, 0);
    build_at(s, b->gate);
    build_at(s, b->gate + 2);
    build_at(s, late);

    c = build_outside(b, "no-canary", &s);
    fill_one(b, c, PROVE_CONTROL, 0, 0, ALL, calm.v[PROVE_CONTROL]);
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, b->gate);
    build_at(s, late);

    c = build_outside(b, "zero-control", &s);
    fill_one(b, c, PROVE_CANARY, 0, 0, ALL, calm.v[PROVE_CANARY]);
    fill_one(b, c, PROVE_CONTROL, 0, 0, ALL, (double[PROVE_PARTS]){0});
    (void)build_enter(b, s, D1, b->phase, 0);
    build_at(s, b->gate);
    build_at(s, b->full);

    if (is_ratio(b->g)) { /* observations, and not one event */
        struct prove_level none = calm;
        for (size_t p = 1; p < PROVE_PARTS; p += 2)
            none.v[PROVE_CONTROL][p] = 0;
        s = build_constant(b, "control-without-events", none);
        build_at(s, b->gate);
        build_at(s, b->full);
        c = build_outside(b, "numerator-gone", &s);
        build_fill(b, c, 0, ALL, calm);
        for (size_t p = 1; c && p < raw_parts(b); p += 2)
            for (size_t i = build_scrape(b, mid) + 1; c->raw[PROVE_CANARY][p][0] && i < b->w->scrapes; i++)
                c->raw[PROVE_CANARY][p][0][i] = PROVE_NONE;
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = mid; k <= mid + 3; k++)
            build_at(s, k);
        for (size_t only = 0; only < b->g->metric.n_weights; only++) { /* one weight alone has observations */
            c = build_outside(b, TEXT(b, "weight-%zu-alone", only + 1), &s);
            build_fill(b, c, 0, ALL, calm);
            for (size_t p = 0; c && p < raw_parts(b); p++)
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
static void
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
    for (size_t p = 0; c && p < raw_parts(b); p++)
        if (is_ratio(b->g) ? p % 2 == 0 : p + 1 == last)
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
static void
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

    fill_one(b, c, cohort, 0, 0, build_scrape(b, b->gate) + 1, calm.v[cohort]);
    if (!b->g->stream_scope)
        fill_one(b, c, 1 - cohort, 0, 0, ALL, calm.v[1 - cohort]);
    (void)build_enter(b, s, D1, phase, 0);
    build_at(s, b->gate + 1);
    build_at(s, b->gate + slots + 1);
    build_at(s, b->gate + slots + 2);
}

/* Counters of one cohort stand still for some slots, or all along. */
static void
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
            fill_one(b, c, k, 0, 0, build_scrape(b, mid), calm.v[k]);
            fill_one(b, c, k, 0, build_scrape(b, mid), build_scrape(b, mid + 2) + 1,
                     k == h ? none : calm.v[k]);
            fill_one(b, c, k, 0, build_scrape(b, mid + 2) + 1, ALL, calm.v[k]);
        }
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = mid; k <= mid + 4; k++)
            build_at(s, k);
        build_at(s, b->full + 1);
    }
    c = build_outside(b, "zero-canary", &s);
    fill_one(b, c, PROVE_CANARY, 0, 0, ALL, none);
    fill_one(b, c, PROVE_CONTROL, 0, 0, ALL, calm.v[PROVE_CONTROL]);
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
static void
odd_ratio_cases(struct build *b)
{
    static const double totals[] = {-1.0 / 8192, 1e-305};

    for (unsigned i = 0; i < GR_COUNT(totals) && is_ratio(b->g); i++) {
        struct prove_level l = prove_level_effect(b->w, b->calm);
        struct prove_stream *s;

        if (i > 0 && (b->g->metric.n_weights > 0 || !build_compared(b->g)))
            continue; /* squares would be 0 first; a single slot beyond a fixed limit may be infinite */
        for (size_t p = 0; p < raw_parts(b); p += 2)
            l.v[PROVE_CANARY][p] = totals[i];
        s = build_constant(b, i ? "hardly-a-denominator" : "denominator-falls", l);
        build_at(s, b->gate);
        build_at(s, b->full);
    }
}

/* Gauges of control that no canary can be compared with. */
static void
odd_gauge_cases(struct build *b)
{
    static const struct {
        const char *name;
        double control, canary;
    } odd[] = {
        {"negative-control", -0.5, 100}, {"tiny-control", 1e-310, 100}, {"zero-control-below", 0, -100}};

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
static void
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
static void
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
static void
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
static void
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

static void
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

/* Gauges beyond a limit whose slots differ wildly at first and hardly at the end: with as many of the latter as are looked at alone, and with a gap
 * that leaves fewer. */
static void
recent_cases(struct build *b, const struct bound *bound)
{
    struct scaled x = {build_level(b, bound, build_beside(bound, build_literal(b, bound, NULL), 60)), 0};
    size_t noisy = b->w->steps - 10;

    for (unsigned gap = 0; gap < 2; gap++) {
        struct prove_stream *s;
        struct prove_cell *c = build_outside(b, gap ? "recent-too-few" : "recent-calm", &s);

        for (size_t k = 0, from = 0; k < b->w->steps; k++) {
            size_t to = k + 1 < b->w->steps ? build_scrape(b, k) + 1 : b->w->scrapes;
            struct prove_level l = x.l;
            double swing = k < noisy ? 0.2 : 0.0001;

            l.v[PROVE_CANARY][0] *= k % 2 ? 1 + swing : 1 - swing;
            if (!gap || k < noisy || k > noisy + 4)
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

static void
evidence_cases(struct build *b)
{
    static const struct { /* a million a scrape, and less; at last less than one in all */
        const char *name;
        double factor;
    } sizes[] = {{"dispersed", 1}, {"dispersed-few", 1e-4}, {"dispersed-fewer", 1e-5}, {"fractions", 1.5e-8}};
    const struct bound *first = &b->g->limit.bounds[0];

    if (build_compared(b->g) && !build_counts(b->g) && b->g->evidence.kind == EVIDENCE_SEQUENTIAL &&
        !side_is_backstop(first->side))
        recent_cases(b, first);
    if (build_compared(b->g) && build_counts(b->g) && b->g->evidence.kind == EVIDENCE_SEQUENTIAL &&
        !side_is_backstop(first->side))
        for (size_t i = 0; i < GR_COUNT(sizes); i++)
            dispersed_case(b, first, sizes[i].name, sizes[i].factor);
    for (size_t i = 0; i < b->g->limit.n_bounds; i++)
        if (build_compared(b->g) && !side_is_backstop(b->g->limit.bounds[i].side) &&
            b->g->evidence.kind == EVIDENCE_SEQUENTIAL)
            threshold_case(b, &b->g->limit.bounds[i]);
}

/* min_total to the observation, and one less. */
static void
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
static void
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

/* Beyond a backstop, with a NaN in the lowest bucket alone: of the early slots, of the canary's, or of control's, where it does not matter. */
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
    }
}

/* A backstop counts from the first moment, and stops the moment there are better slots. */
static void
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
        if (b->g->metric.kind == METRIC_HISTOGRAM)
            spoilt_cases(b, bound);
        for (unsigned few = 0; few < 2; few++) {
            struct prove_level l = prove_level_value(b->w, build_beside(bound, v, 20));
            double events = b->g->evidence.min_events * (few ? 0.99 : 1.01),
                   scrapes = (double)build_scrape(b, 2);

            l.v[PROVE_CONTROL][0] = l.v[PROVE_CONTROL][1] = 0;
            if (is_ratio(b->g) && b->g->metric.n_weights == 0) {
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
static void
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

/* -- what is expected -------------------------------------------------------------------------------------------------------- */

static struct pairs
with_dynamic(struct build *b, struct pairs labels)
{
    struct pairs p = {gr_arena_array(b->arena, labels.n + b->g->dynamic.n, sizeof(struct pair)), 0};

    if (!p.v) {
        build_failed(b);
        return p;
    }
    for (; p.n < labels.n; p.n++)
        p.v[p.n] = labels.v[p.n];
    for (size_t i = 0; i < b->g->dynamic.n; i++)
        p.v[p.n++] = (struct pair){b->g->dynamic.v[i], GR_STR("s1")};
    return p;
}

/* Streams that `expect` lists. bound, steps: where each slice stands to its own limit; NULL: it is calm, and the first slice of each stream is gone from
 * the middle on. */
static void
expected_streams(struct build *b, size_t phase, const struct bound *bound, double steps)
{
    size_t mid = b->gate + 1;

    for (uint32_t i = 0; i < b->m->n_streams; i++) {
        struct prove_stream *s = build_stream(b);
        bool first = true;

        if (!s)
            return;
        s->real = true;
        s->index = i;
        s->shared = phase == b->phase && !bound;
        s->release = b->m->streams[i].release;
        (void)build_enter(b, s, D1, phase, 0);
        for (size_t k = 0; k < b->g->n_expected; k++) {
            const struct slice *slice = &b->g->expected[k];
            struct prove_cell *c = slice->stream == i ? cell(b, s) : NULL;
            struct prove_level l =
                bound ? build_level(b, bound, build_beside(bound, build_literal(b, bound, slice), steps))
                      : prove_level_effect(b->w, b->calm);

            if (!c)
                continue;
            c->expected = slice;
            c->labels = with_dynamic(b, slice->labels);
            if (first && !bound && i == 1 && build_compared(b->g)) /* control never was */
                fill_one(b, c, PROVE_CANARY, 0, 0, build_scrape(b, mid) + 1, l.v[PROVE_CANARY]);
            else
                build_fill(b, c, 0, first && !bound ? build_scrape(b, mid) + 1 : ALL, l);
            first = false;
        }
        for (size_t k = 0; b->g->dynamic.n > 0 && k < b->g->n_expected; k++) {
            struct prove_cell *c = b->g->expected[k].stream == i ? cell(b, s) : NULL;

            if (c)
                *c = (struct prove_cell){
                    .labels = b->g->expected[k].labels, .expected = &b->g->expected[k], .row = true};
        }
        s->name = s->n_cells > 0 ? s->release.v[0].value : s->release.v[0].value;
        build_at(s, 1);
        build_at(s, b->gate);
        for (size_t k = mid; k <= mid + 3 && !bound; k++)
            build_at(s, k);
        build_at(s, b->full);
    }
}

struct prove_stream *
build_listed(struct build *b, uint32_t i, size_t phase)
{
    struct prove_stream *s = build_stream(b);

    if (!s)
        return NULL;
    s->real = true;
    s->index = i;
    s->release = b->m->streams[i].release;
    s->name = s->release.v[0].value;
    (void)build_enter(b, s, D1, phase, -3600);
    for (size_t k = 0; k < b->g->n_expected; k++) {
        struct prove_cell *c = b->g->expected[k].stream == i ? cell(b, s) : NULL;

        if (!c)
            continue;
        c->expected = &b->g->expected[k];
        c->labels = b->g->expected[k].labels;
    }
    return s;
}

static const char *const world_names[] = {"inside", "at", "outside"};

static void
override_worlds(struct build *b)
{
    for (size_t i = 0; i < b->g->limit.n_bounds && b->g->limit.n_overrides > 0; i++)
        for (unsigned k = 0; k < 3; k += 2) {
            const struct bound *bound = &b->g->limit.bounds[i];

            if (!build_world(b,
                             TEXT(b, "each slice's own limit: %s %s, %s", level_name(bound->level),
                                  side_name(bound->side), world_names[k]),
                             b->m->sampling_ms, b->full + 1))
                return;
            expected_streams(b, b->phase, bound, k == 0 ? -1 : 1);
        }
}

/* -- suites ----------------------------------------------------------------------------------------------------------------- */

/* A distance between evaluations of which a few make nearly (side < 0), or just more than, the time over which evidence is summed. 0: none. */
static int64_t
long_step(const struct build *b, int64_t side)
{
    int64_t scrape = b->m->scrape_ms, test = (int64_t)(b->suite->worlds[0]->test_s * 1000);

    for (int64_t off = scrape; off < b->m->sampling_ms; off += scrape)
        for (int64_t n = 4; n < 24; n++)
            if ((test + side * off) % (n * scrape) == 0 &&
                ((2 * (int64_t)b->slots - 1) * b->m->sampling_ms / 2) % ((test + side * off) / n) != 0)
                return (test + side * off) / n;
    return 0;
}

/* Beyond a limit, and of slots that differ: the oldest most. */
static void
beyond_from_start(struct build *b)
{
    const struct bound *bound = &b->g->limit.bounds[0];
    double lit = build_literal(b, bound, NULL);
    struct prove_stream *s;
    struct prove_cell *c;

    if (side_is_backstop(bound->side) || b->g->evidence.kind != EVIDENCE_SEQUENTIAL)
        return;
    c = build_outside(b, "beyond-from-the-start", &s);
    for (size_t k = 0, from = 0; k < b->w->steps; k++) {
        size_t to = k + 1 < b->w->steps ? build_scrape(b, k) + 1 : b->w->scrapes;

        build_fill(b, c, from, to,
                   build_level(b, bound,
                               build_beside(bound, lit,
                                            k < 4   ? 300
                                            : k % 2 ? 40
                                                    : 80)));
        from = to;
    }
    (void)build_enter(b, s, D1, b->phase, 0);
    for (size_t k = 5; k < b->w->steps; k += 1 + b->w->steps / 20)
        build_at(s, k);
}

/* Buckets so wide that what is interpolated in them is infinite. */
static void
wide_world(struct build *b)
{
    static const double edges[] = {-(double)INFINITY, -1.7e308, 1.7e308, (double)INFINITY};

    if (b->g->metric.kind != METRIC_HISTOGRAM ||
        !build_world(b, "edges beyond all numbers", b->m->sampling_ms, b->gate + 3))
        return;
    for (size_t i = 0; i < GR_COUNT(edges); i++)
        b->w->edges[i] = edges[i];
    for (size_t in = 0; in < 3; in += 2) { /* the bucket that has all */
        struct prove_level l = {0};

        for (size_t h = 0; h < 2; h++)
            for (size_t i = in; i < GR_COUNT(edges); i++)
                l.v[h][i] = 1000;
        build_at(build_constant(b, in ? "endless-above" : "endless-below", l), b->gate + 1);
    }
}

/* A slot that is not a number, as long as it counts. */
static void
nan_from_start(struct build *b)
{
    struct prove_stream *s;
    struct prove_cell *c;

    if (!build_counts(b->g))
        return;
    c = build_outside(b, "not-a-number-from-the-start", &s);
    build_fill(b, c, 0, ALL, prove_level_effect(b->w, b->calm));
    wipe(b, c, PROVE_CANARY, build_scrape(b, 2), build_scrape(b, 2) + 1, (double)NAN);
    (void)build_enter(b, s, D1, b->phase, 0);
    for (size_t k = 3; k < b->w->steps; k += 1 + b->w->steps / 20)
        build_at(s, k);
}

/* Slots that are nearly, and just more than, as old as evidence is summed over. Few of them, far apart: only their age matters. */
static void
long_worlds(struct build *b)
{
    for (unsigned i = 0; i < 2 && build_compared(b->g); i++) {
        int64_t step = long_step(b, i ? 1 : -1);
        struct prove_stream *s;
        struct prove_cell *c;

        if (step < b->m->sampling_ms)
            continue;
        if (!build_world(b, i ? "older than evidence" : "as old as evidence", step,
                         (size_t)(2.2e3 * b->suite->worlds[0]->test_s / (double)step) + 2))
            return;
        c = build_outside(b, "from-the-start", &s);
        build_fill(b, c, 0, build_scrape(b, 4), prove_level_effect(b->w, b->calm));
        build_fill(b, c, build_scrape(b, 4), ALL, prove_level_effect(b->w, b->calmer));
        (void)build_enter(b, s, D1, b->phase, 0);
        for (size_t k = 5; k < b->w->steps; k += 1 + b->w->steps / 20)
            build_at(s, k);
        beyond_from_start(b);
        nan_from_start(b);
    }
}

/* Of a gauge's newest slots and all of them, those are taken that differ less. Whether the first, which lies far off, is among all of them decides: it is
 * just young enough, or just too old. Slots come so that none is exactly as old as evidence is summed over. */
static void
newest_world(struct build *b)
{
    const struct bound *first = &b->g->limit.bounds[0];
    int64_t test = (int64_t)(b->suite->worlds[0]->test_s * 1000), step = b->m->sampling_ms * 11 / 12;
    size_t oldest = step > 0 ? (size_t)(test / step) : 0;

    if (!build_compared(b->g) || build_counts(b->g) || b->g->evidence.kind != EVIDENCE_SEQUENTIAL ||
        side_is_backstop(first->side) || step % 1000 != 0 || test % step == 0 ||
        oldest + b->gate + 6 > PROVE_STEPS_MAX ||
        !build_world(b, "the newest of all", step, oldest + b->gate + 6))
        return;
    for (size_t old = 0; old < 2; old++) {
        struct prove_level l = build_level(b, first, build_beside(first, build_literal(b, first, NULL), 60));
        size_t far = b->gate + 2, asked = far + oldest + old;
        struct prove_stream *s;
        struct prove_cell *c = build_outside(b, old ? "first-too-old" : "first-young-enough", &s);

        for (size_t k = 0, from = 0; k < b->w->steps; k++) {
            size_t to = k + 1 < b->w->steps ? build_scrape(b, k) + 1 : b->w->scrapes;
            struct prove_level now = l;

            now.v[PROVE_CANARY][0] *= k == far ? 3 : k % 2 ? 1.001 : 0.999;
            if (k + 1 >= far) /* nothing before it */
                build_fill(b, c, from, to, now);
            from = to;
        }
        (void)build_enter(b, s, D1, b->phase, 0);
        build_at(s, asked);
    }
}

static bool
is_slice_label(const struct guardrail *g, struct gr_str label)
{
    for (size_t i = 0; i < g->compare_within.n + g->dynamic.n; i++)
        if (gr_str_eq(i < g->compare_within.n ? g->compare_within.v[i]
                                              : g->dynamic.v[i - g->compare_within.n],
                      label))
            return true;
    return false;
}

static bool
choose(struct build *b)
{
    uint64_t least = UINT64_MAX;
    size_t p;

    for (p = 0; p < b->m->n_phases; p++) {
        uint64_t slots = model_window_slots(b->m, b->g, &b->m->phases[p]);

        if ((b->g->phases >> p & 1u) && (slots < least || b->m->phases[b->phase].final)) {
            least = slots;
            b->phase = p;
        }
    }
    for (size_t i = 0; i < b->m->release_labels.n && b->key.n == 0; i++) {
        bool fixed = false;
        for (size_t k = 0; k < b->g->only.n; k++)
            fixed = fixed || gr_str_eq(b->g->only.v[k].key, b->m->release_labels.v[i]);
        b->key = fixed ? GR_STR_NONE : b->m->release_labels.v[i];
    }
    b->slots = (size_t)least;
    b->gate = (size_t)((b->m->sampling_ms + b->m->scrape_ms + b->m->sampling_ms - 1) / b->m->sampling_ms);
    b->full = b->gate + (b->slots > 8 ? b->slots : 8) - 1;
    if (b->key.n == 0)
        b->suite->refused = "`only` fixes every release label, so that cases cannot be told apart";
    else if (least > PROVE_STEPS_MAX / 2)
        b->suite->refused = "its window is too long: more than 200 slots in the shortest phase";
    else if (b->g->limit.n_bounds > PROVE_BOUNDS)
        b->suite->refused = "it has too many limits";
    else if (b->g->metric.n_weights > 0 && is_slice_label(b->g, b->g->metric.weight_label))
        b->suite->refused = "its weights go by a label of its slices, so that each slice has one of them";
    else if (2 * b->g->metric.n_weights > PROVE_PARTS)
        b->suite->refused = "it has too many weights";
    return !b->suite->refused;
}

/* Nothing is expected in a phase that the guardrail does not watch. */
static void
unwatched_world(struct build *b)
{
    size_t p = 0;

    while (p < b->m->n_phases && (b->g->phases >> p & 1u))
        p++;
    if (p < b->m->n_phases && build_world(b, "a phase that is not watched", b->m->sampling_ms, b->gate + 2))
        expected_streams(b, p, NULL, 0);
}

static void
early_cases(struct build *b, size_t phase)
{
    for (size_t h = 0; h < (build_compared(b->g) ? 2u : 1u); h++)
        early_case(b, phase, h);
}

static void
phase_worlds(struct build *b)
{
    for (size_t p = 0; p < b->m->n_phases; p++) {
        size_t slots = (size_t)model_window_slots(b->m, b->g, &b->m->phases[p]);

        if (!(b->g->phases >> p & 1u) || p == b->phase || b->gate + slots + 3 > PROVE_STEPS_MAX)
            continue;
        if (!build_world(b, TEXT(b, "phase " GR_FMT, GR_ARG(b->m->phases[p].name)), b->m->sampling_ms,
                         b->gate + slots + 3))
            return;
        window_case(b, p);
        denominator_case(b, p, b->gate + 2, PROVE_CANARY);
        early_cases(b, p);
        expected_streams(b, p, NULL, 0);
    }
}

enum gr_err
prove_suite_build(struct gr_arena *a, const struct model *m, const struct guardrail *g,
                  const struct gr_rulefile *rules, bool left_open, struct prove_suite *out)
{
    struct build b = {.arena = a, .m = m, .g = g, .rules = rules, .suite = out};

    *out = (struct prove_suite){.g = g, .left_open = left_open};
    if (!choose(&b))
        return GR_OK;
    find_calm(&b);
    if (!build_world(&b, "cases", m->sampling_ms, b.full + 5))
        return GR_ENOMEM;
    if ((out->refused = prove_input_refused(b.w)) != NULL) {
        out->n_worlds = 0;
        return GR_OK;
    }
    limit_cases(&b);
    data_cases(&b);
    denominator_case(&b, b.phase, b.gate + 2, PROVE_CANARY);
    if (build_compared(b.g))
        denominator_case(&b, b.phase, b.gate + 2, PROVE_CONTROL);
    early_cases(&b, b.phase);
    idle_cases(&b);
    odd_ratio_cases(&b);
    odd_gauge_cases(&b);
    edge_cases(&b);
    turns_case(&b);
    floor_cases(&b);
    window_case(&b, b.phase);
    phase_cases(&b);
    evidence_cases(&b);
    total_cases(&b);
    events_cases(&b);
    backstop_cases(&b);
    confirm_cases(&b);
    expected_streams(&b, b.phase, NULL, 0);
    phase_worlds(&b);
    unwatched_world(&b);
    override_worlds(&b);
    long_worlds(&b);
    newest_world(&b);
    wide_world(&b);
    if (prove_share_build(a, out, m) != GR_OK)
        return GR_ENOMEM;
    build_fed(&b);
    for (size_t p = 0; p < m->n_phases; p++)
        if (g->phases >> p & 1u)
            build_decoys(&b, p);
    for (size_t i = 0; i < out->n_worlds; i++) {
        if (out->worlds[i]->err == GR_OK && !out->worlds[i]->share)
            prove_evaluate(out->worlds[i]);
        if (out->worlds[i]->err != GR_OK)
            return out->worlds[i]->err;
    }
    return gr_arena_status(a);
}
