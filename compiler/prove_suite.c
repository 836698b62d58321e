/* prove_suite.c - all worlds of a guardrail: the streams that `expect` lists, every phase, long and wide ones. */
#include "config.h"
#include "prove_build.h"

#include <math.h>

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
            struct prove_cell *c = slice->stream == i ? build_cell(b, s) : NULL;
            struct prove_level l =
                bound ? build_level(b, bound, build_beside(bound, build_literal(b, bound, slice), steps))
                      : prove_level_effect(b->w, b->calm);

            if (!c)
                continue;
            c->expected = slice;
            c->labels = with_dynamic(b, slice->labels);
            if (first && !bound && i == 1 && build_compared(b->g)) /* control never was */
                build_fill_one(b, c, PROVE_CANARY, 0, 0, build_scrape(b, mid) + 1, l.v[PROVE_CANARY]);
            else
                build_fill(b, c, 0, first && !bound ? build_scrape(b, mid) + 1 : ALL, l);
            if (!first && !bound &&
                b->g->metric.kind == METRIC_RATIO_GOOD) /* orders, and nobody knows how many were filled */
                for (size_t p = 1; p < build_raw_parts(b); p += 2)
                    for (size_t n = build_scrape(b, mid) + 1; c->raw[PROVE_CANARY][p][0] && n < b->w->scrapes;
                         n++)
                        c->raw[PROVE_CANARY][p][0][n] = PROVE_NONE;
            first = false;
        }
        for (size_t k = 0; b->g->dynamic.n > 0 && k < b->g->n_expected; k++) {
            struct prove_cell *c = b->g->expected[k].stream == i ? build_cell(b, s) : NULL;

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
        struct prove_cell *c = b->g->expected[k].stream == i ? build_cell(b, s) : NULL;

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

/* A bucket that is not a number, just below control's and the canary's quantile, among so many that a lower quantile is found without it. */
static void
fine_world(struct build *b, size_t phase)
{
    static const double shares[] = {0.6, 0.61, 0.62, 0.63, 0.64, 1, 1, 1};
    double first = b->suite->worlds[0]->edges[1];
    struct prove_level l = {0};

    if (b->g->metric.kind != METRIC_HISTOGRAM || !(b->g->phases >> phase & 1u) ||
        !build_world(b, TEXT(b, "a bucket that is not a number in " GR_FMT, GR_ARG(b->m->phases[phase].name)),
                     b->m->sampling_ms, b->gate + 3))
        return;
    b->w->n_edges = b->w->n_parts = GR_COUNT(shares);
    for (size_t i = 0; i < GR_COUNT(shares); i++) {
        b->w->edges[i] = i + 1 < GR_COUNT(shares) ? first * (double)(i + 1) : (double)INFINITY;
        l.v[PROVE_CANARY][i] = l.v[PROVE_CONTROL][i] = 1000 * shares[i];
    }
    for (size_t spoilt = 0; spoilt < 2; spoilt++) {
        struct prove_stream *s;
        struct prove_cell *c = build_outside(b, spoilt ? "bucket-not-a-number" : "fine-buckets", &s);

        build_fill(b, c, 0, ALL, l);
        for (size_t h = 0; c && spoilt && h < 2; h++)
            for (size_t i = 0; c->raw[h][4][0] && i < b->w->scrapes; i++)
                c->raw[h][4][0][i] = (double)NAN;
        (void)build_enter(b, s, D1, phase, 0);
        build_at(s, b->gate + 1);
    }
}

/* Expected slices that show only a part: of counters what is counted without the denominator, of values control alone. */
static void
parts_world(struct build *b)
{
    size_t mid = b->gate, last = b->suite->worlds[0]->n_edges;

    if (b->g->dynamic.n > 0 || !build_world(b, "slices in part", b->m->sampling_ms, b->gate + 4))
        return;
    for (uint32_t i = 0; i < b->m->n_streams; i++) {
        struct prove_stream *s = build_listed(b, i, b->phase);
        struct prove_level calm = prove_level_effect(b->w, b->calm);

        for (size_t k = 0; s && k < s->n_cells; k++) {
            struct prove_cell *c = &s->cells[k];

            build_fill_one(b, c, PROVE_CANARY, 0, 0, build_counts(b->g) ? ALL : build_scrape(b, mid) + 1,
                           calm.v[PROVE_CANARY]);
            if (!b->g->stream_scope)
                build_fill_one(b, c, PROVE_CONTROL, 0, 0, ALL, calm.v[PROVE_CONTROL]);
            for (size_t p = 0; build_counts(b->g) && p < build_raw_parts(b); p++)
                if (build_ratio(b->g) ? p % 2 == 0 : p + 1 == last)
                    for (size_t n = build_scrape(b, mid) + 1; c->raw[0][p][0] && n < b->w->scrapes; n++)
                        c->raw[0][p][0][n] = PROVE_NONE;
        }
        for (size_t k = mid; k <= mid + 2; k++)
            build_at(s, k);
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
    build_wipe(b, c, PROVE_CANARY, build_scrape(b, 2), build_scrape(b, 2) + 1, (double)NAN);
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
    build_calm(&b);
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
    endless_case(&b);
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
    for (size_t p = 0; p < m->n_phases; p++)
        fine_world(&b, p);
    parts_world(&b);
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
