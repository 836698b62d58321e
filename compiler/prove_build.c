/* prove_build.c - worlds, streams, cells and samples that cases are made of, and where limits are. */
#include "config.h"
#include "prove_build.h"

#include <math.h>

#define MARGIN 0.0005 /* "just" inside and outside: a twentieth of a percent of the limit */

bool
build_counts(const struct guardrail *g)
{
    return g->metric.kind != METRIC_GAUGE && g->metric.kind != METRIC_PROMQL;
}

bool
build_ratio(const struct guardrail *g)
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

struct prove_stream *
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
    *x = (struct prove_export){deployment,    phase, start_s,       start_s,      0,
                               b->w->scrapes, 0,     b->w->scrapes, b->w->scrapes};
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

struct prove_cell *
build_cell(struct build *b, struct prove_stream *s)
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
    if (!(c = build_cell(b, s)))
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

double *
build_raw(struct build *b, struct prove_cell *c, size_t cohort, size_t part, size_t instance)
{
    double **v = &c->raw[cohort][part][instance];

    if (!*v && (*v = gr_arena_array(b->arena, b->w->scrapes, sizeof **v)) != NULL)
        for (size_t i = 0; i < b->w->scrapes; i++)
            (*v)[i] = PROVE_NONE;
    if (!*v)
        build_failed(b);
    return *v;
}

size_t
build_raw_parts(const struct build *b)
{
    if (b->g->metric.kind == METRIC_HISTOGRAM)
        return b->w->n_edges;
    return build_ratio(b->g) ? 2 * (b->g->metric.n_weights ? b->g->metric.n_weights : 1) : 1;
}

/* Samples of scrapes [from, to) of one instance. Counters go on from what they last were. */
void
build_fill_one(struct build *b, struct prove_cell *c, size_t cohort, size_t instance, size_t from, size_t to,
               const double *level)
{
    for (size_t p = 0; c && p < build_raw_parts(b); p++) {
        double *v = build_raw(b, c, cohort, p, instance), last = PROVE_NONE;

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
    build_fill_one(b, c, PROVE_CANARY, 0, from, to, l.v[PROVE_CANARY]);
    if (!b->g->stream_scope)
        build_fill_one(b, c, PROVE_CONTROL, 0, from, to, l.v[PROVE_CONTROL]);
}

void
build_wipe(struct build *b, struct prove_cell *c, size_t cohort, size_t from, size_t to, double with)
{
    for (size_t p = 0; c && p < build_raw_parts(b); p++) {
        double *v = build_raw(b, c, cohort, p, 0);
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

/* Effects well inside every limit, and not the neutral one, at which canary and control could be swapped unseen. */
void
build_calm(struct build *b)
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
