/* slots.c - from samples to slots: which release stream is in which phase, and what each cohort counted in one sampling interval. */
#include "config.h"
#include "parts.h"

#include <math.h>
#include <stdlib.h>

#define PHASE_MEMORY_MS 300000 /* a gap in scraping that phases survive */

bool
is_counted(const struct guardrail *g)
{
    return g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD ||
           g->metric.kind == METRIC_HISTOGRAM;
}

bool
is_against_control(const struct guardrail *g)
{
    return g->limit.against != AGAINST_FIXED;
}

bool
has_backstop_bound(const struct guardrail *g)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].side >= SIDE_BACKSTOP)
            return true;
    return false;
}

/* -- labels -------------------------------------------------------------------------------------------------------------- */

struct pairs
labels_pick(struct gr_arena *a, const struct pairs *from, const struct strs *names)
{
    struct pairs out = {.v = gr_arena_array(a, names->n + 1, sizeof *out.v)};

    for (size_t i = 0; out.v && i < names->n; i++) {
        struct gr_str value = label_of(from, names->v[i]);

        if (value.n)
            out.v[out.n++] = (struct pair){names->v[i], value};
    }
    return out;
}

bool
labels_equal(const struct pairs *a, const struct pairs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!gr_str_eq(a->v[i].key, b->v[i].key) || !gr_str_eq(a->v[i].value, b->v[i].value))
            return false;
    return true;
}

static int
by_text(const void *a, const void *b)
{
    return gr_str_cmp(*(const struct gr_str *)a, *(const struct gr_str *)b);
}

/* Labels that tell a guardrail's cells apart: of the stream, compare_within, dynamic; sorted. */
static struct strs
cell_labels(struct run *r, const struct guardrail *g, bool dynamic)
{
    size_t most = r->m->release_labels.n + g->compare_within.n + g->dynamic.n;
    struct strs out = {.v = gr_arena_array(r->a, most + 1, sizeof *out.v)};

    if (!out.v)
        return out;
    for (size_t i = 0; i < r->m->release_labels.n; i++)
        out.v[out.n++] = r->m->release_labels.v[i];
    for (size_t i = 0; i < g->compare_within.n; i++)
        out.v[out.n++] = g->compare_within.v[i];
    for (size_t i = 0; dynamic && i < g->dynamic.n; i++)
        out.v[out.n++] = g->dynamic.v[i];
    qsort(out.v, out.n, sizeof *out.v, by_text);
    return out;
}

/* -- phases -------------------------------------------------------------------------------------------------------------- */

static struct stream_state *
stream_find(struct run *r, const struct pairs *release)
{
    for (size_t i = 0; i < r->n_streams; i++)
        if (labels_equal(&r->streams[i].release, release))
            return &r->streams[i];
    return NULL;
}

/* Whether the series `start` belongs to the same target as `phase`: all labels alike. */
static bool
start_of_phase(const struct run *r, const struct series *phase, int64_t t_ms, double *start_s)
{
    for (size_t i = 0; i < r->w->n; i++) {
        const struct series *s = &r->w->series[i];

        if (gr_str_eq(s->name, GR_STR("guardrail_release_phase_start_seconds")) &&
            labels_equal(&s->labels, &phase->labels))
            return prom_over_time(r->w, s, t_ms, PHASE_MEMORY_MS, OVER_LAST, start_s);
    }
    return false;
}

/* The newest start among phases that are exported as active. */
static struct era
era_at(const struct run *r, const struct stream_state *stream, size_t k)
{
    int64_t t_ms = (int64_t)k * r->m->sampling_ms;
    struct era e = {0};

    for (size_t i = 0; i < r->w->n; i++) {
        const struct series *s = &r->w->series[i];
        struct pairs release;
        double active, start_s;

        if (!gr_str_eq(s->name, GR_STR("guardrail_release_phase")) ||
            !gr_str_eq(label_of(&s->labels, GR_STR("spec")), r->m->spec))
            continue;
        release = labels_pick(r->a, &s->labels, &r->m->release_labels);
        if (!labels_equal(&release, &stream->release) ||
            !prom_over_time(r->w, s, t_ms, PHASE_MEMORY_MS, OVER_LAST, &active) || active < 1 || active > 1 ||
            !start_of_phase(r, s, t_ms, &start_s) || (e.open && start_s <= e.start_s))
            continue;
        e = (struct era){.open = true,
                         .start_s = start_s,
                         .deployment = label_of(&s->labels, GR_STR("deployment_id")),
                         .phase = label_of(&s->labels, GR_STR("phase"))};
    }
    for (uint32_t i = 0; i < r->m->n_phases; i++)
        if (e.open && gr_str_eq(r->m->phases[i].name, e.phase)) {
            e.p = &r->m->phases[i];
            e.bit = 1u << i;
        }
    return e;
}

static bool
streams_discover(struct run *r)
{
    for (size_t i = 0; i < r->w->n; i++) {
        const struct series *s = &r->w->series[i];
        struct pairs release;
        struct stream_state *grown;

        if (!gr_str_eq(s->name, GR_STR("guardrail_release_phase")))
            continue;
        release = labels_pick(r->a, &s->labels, &r->m->release_labels);
        if (!release.v)
            return false;
        if (stream_find(r, &release))
            continue;
        if (r->n_streams == r->cap_streams) {
            grown = gr_arena_grow(r->a, r->streams, r->n_streams, &r->cap_streams, sizeof *grown);
            if (!grown)
                return false;
            r->streams = grown;
        }
        r->streams[r->n_streams] =
            (struct stream_state){release, gr_arena_array(r->a, r->count, sizeof(struct era))};
        if (!r->streams[r->n_streams++].at)
            return false;
    }
    for (size_t i = 0; i < r->n_streams; i++)
        for (size_t k = 0; k < r->count; k++)
            r->streams[i].at[k] = era_at(r, &r->streams[i], k);
    return true;
}

/* -- cells --------------------------------------------------------------------------------------------------------------- */

static bool
cell_add(struct run *r, const struct guardrail *g, struct pairs labels, const struct slice *slice)
{
    struct pairs release = labels_pick(r->a, &labels, &r->m->release_labels);
    struct stream_state *stream = stream_find(r, &release);
    struct cell *c;

    if (!stream || !labels.n)
        return true;
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].g == g && labels_equal(&r->cells[i].labels, &labels))
            return true;
    if (r->n_cells == r->cap_cells) {
        c = gr_arena_grow(r->a, r->cells, r->n_cells, &r->cap_cells, sizeof *c);
        if (!c)
            return false;
        r->cells = c;
    }
    c = &r->cells[r->n_cells++];
    *c = (struct cell){.g = g, .stream = stream, .labels = labels, .slice = slice, .listed = slice != NULL};
    c->placeholder = slice && g->dynamic.n > 0;
    c->note = gr_arena_array(r->a, r->count, sizeof *c->note);
    for (size_t i = 0; i < LANE_COUNT; i++)
        if (!(c->slot[i] = gr_arena_array(r->a, r->count, sizeof(struct slot))))
            return false;
    return c->note != NULL;
}

/* Stream and slice labels of an entry of `expect`, sorted by name. */
static struct pairs
slice_labels(struct run *r, const struct guardrail *g, const struct slice *slice)
{
    const struct pairs *release = &r->m->streams[slice->stream].release;
    struct pairs all = {.v = gr_arena_array(r->a, release->n + slice->labels.n + 1, sizeof *all.v)};
    struct strs names = cell_labels(r, g, false);

    if (!all.v || !names.v)
        return (struct pairs){0};
    for (size_t i = 0; i < release->n; i++)
        all.v[all.n++] = release->v[i];
    for (size_t i = 0; i < slice->labels.n; i++)
        all.v[all.n++] = slice->labels.v[i];
    return labels_pick(r->a, &all, &names);
}

bool
selector_takes(const struct run *r, const struct guardrail *g, const struct gr_promql *selector,
               struct gr_str suffix, const struct series *s, struct gr_str cohort)
{
    if (!prom_matches(selector, suffix, s))
        return false;
    for (size_t i = 0; i < g->only.n; i++)
        if (!gr_str_eq(label_of(&s->labels, g->only.v[i].key), g->only.v[i].value))
            return false;
    return g->stream_scope || !cohort.n || gr_str_eq(label_of(&s->labels, r->m->cohort_label), cohort);
}

struct find { /* cells of every series that a selector of the guardrail takes */
    struct run *r;
    const struct guardrail *g;
    struct gr_str suffix;
    struct strs names;
    bool ok;
};

static bool
find_cells(struct gr_promql *e, void *ctx)
{
    struct find *f = ctx;
    const struct model *m = f->r->m;

    for (size_t i = 0; f->ok && i < f->r->w->n; i++) {
        const struct series *s = &f->r->w->series[i];

        if (selector_takes(f->r, f->g, e, f->suffix, s, m->canary) ||
            selector_takes(f->r, f->g, e, f->suffix, s, m->control))
            f->ok = cell_add(f->r, f->g, labels_pick(f->r->a, &s->labels, &f->names), NULL);
    }
    return f->ok;
}

static bool
cells_discover(struct run *r, const struct guardrail *g)
{
    struct find f = {r, g, GR_STR_NONE, cell_labels(r, g, true), true};

    if (!f.names.v)
        return false;
    for (size_t i = 0; i < g->n_expected; i++)
        if (!cell_add(r, g, slice_labels(r, g, &g->expected[i]), &g->expected[i]))
            return false;
    if (g->metric.kind == METRIC_HISTOGRAM)
        f.suffix = GR_STR("_bucket");
    gr_promql_selectors(g->metric.part, find_cells, &f);
    if (f.ok && g->metric.total)
        gr_promql_selectors(g->metric.total, find_cells, &f);
    return f.ok;
}

bool
run_discover(struct run *r)
{
    if (!streams_discover(r))
        return false;
    for (size_t i = 0; i < r->m->n_guardrails; i++)
        if (!cells_discover(r, &r->m->guardrails[i]))
            return false;
    return true;
}

/* -- one slot ------------------------------------------------------------------------------------------------------------ */

/* Whether a series belongs to a cell. */
static bool
in_cell(const struct cell *c, const struct pairs *labels)
{
    for (size_t i = 0; i < c->labels.n; i++)
        if (!gr_str_eq(label_of(labels, c->labels.v[i].key), c->labels.v[i].value))
            return false;
    return true;
}

struct count { /* a sum of increases */
    bool known;
    double sum;
};
struct ask { /* what is summed */
    const struct gr_promql *selector;
    struct gr_str suffix, cohort;
    bool squared;   /* weights count twice */
    bool with_edge; /* only buckets of this edge */
    double edge;
};

/* 0 for values that have no weight: they do not count. */
static double
weight_of(const struct guardrail *g, const struct series *s, bool squared)
{
    struct gr_str value = label_of(&s->labels, g->metric.weight_label);

    if (!g->metric.weight_label.n)
        return 1;
    for (size_t i = 0; i < g->metric.n_weights; i++)
        if (gr_str_eq(g->metric.weights[i].value, value)) {
            double weight = gr_dec_double(g->metric.weights[i].weight);

            return squared ? weight * weight : weight;
        }
    return 0;
}

static double
edge_of(const struct series *s)
{
    struct gr_str le = label_of(&s->labels, GR_STR("le"));
    double v = (double)INFINITY;

    return gr_str_eq(le, GR_STR("+Inf")) || gr_parse_double(le, &v) == GR_OK ? v : (double)NAN;
}

static bool
same_edge(double a, double b)
{
    return !(a < b) && !(a > b);
}

static struct count
count_of(const struct run *r, const struct cell *c, const struct ask *ask, size_t k)
{
    const struct model *m = r->m;
    double scale = (double)m->sampling_ms / (double)(m->sampling_ms + m->scrape_ms);
    struct count out = {0};

    for (size_t i = 0; i < r->w->n; i++) {
        const struct series *s = &r->w->series[i];
        double v;

        if (!selector_takes(r, c->g, ask->selector, ask->suffix, s, ask->cohort) || !in_cell(c, &s->labels) ||
            (ask->with_edge && !same_edge(edge_of(s), ask->edge)) ||
            !(weight_of(c->g, s, ask->squared) > 0) ||
            !prom_over_time(r->w, s, (int64_t)k * m->sampling_ms, m->sampling_ms + m->scrape_ms,
                            OVER_INCREASE, &v))
            continue;
        out.known = true;
        out.sum += weight_of(c->g, s, ask->squared) * v * scale;
    }
    return out;
}

static void
record_ratio(const struct run *r, const struct cell *c, struct gr_str cohort, size_t k, struct slot *slot)
{
    const struct metric *metric = &c->g->metric;
    struct ask ask = {.selector = metric->total, .cohort = cohort};
    struct count total = count_of(r, c, &ask, k), square, part;

    ask.squared = true;
    square = count_of(r, c, &ask, k);
    ask = (struct ask){.selector = metric->part, .cohort = cohort};
    part = count_of(r, c, &ask, k);
    /* Bad events that were never counted are none; good ones that nobody counts are no data. */
    slot->on = total.known && (part.known || metric->kind == METRIC_RATIO_BAD);
    slot->part = part.known ? part.sum : total.sum * 0;
    slot->total = total.sum;
    slot->square = square.sum;
}

static void
record_buckets(const struct run *r, const struct cell *c, struct gr_str cohort, size_t k, struct slot *slot)
{
    struct ask ask = {.selector = c->g->metric.part, .suffix = GR_STR("_bucket"), .cohort = cohort};

    ask.with_edge = true;
    for (size_t i = 0; i < r->n_edges; i++) {
        struct count n;

        ask.edge = r->edges[i];
        n = count_of(r, c, &ask, k);
        slot->has[i] = n.known;
        slot->count[i] = n.sum;
    }
    slot->on = r->n_edges && slot->has[r->n_edges - 1];
    slot->total = slot->on ? slot->count[r->n_edges - 1] : 0;
}

/* Whether nothing that is compared in the slot ending at k was there before the phase: an expression may look further back than a slot. */
static bool
is_gated(const struct run *r, const struct guardrail *g, const struct era *e, size_t k)
{
    int64_t back = r->m->sampling_ms, t_ms = (int64_t)k * r->m->sampling_ms;

    if (g->metric.kind == METRIC_PROMQL && expression_reach_ms(g->metric.part) > back)
        back = expression_reach_ms(g->metric.part);
    return e->open && e->start_s <= (double)(t_ms - back - r->m->scrape_ms) / 1000;
}

/* A gauge: each series over the slot's time, those that are finite over all series. An expression: its value now. */
static void
record_value(const struct run *r, const struct cell *c, struct gr_str cohort, size_t k, struct slot *slot)
{
    static const enum over_time over[] = {
        [REDUCE_AVG] = OVER_AVG, [REDUCE_MAX] = OVER_MAX, [REDUCE_MIN] = OVER_MIN};
    static const enum gr_promql_agg agg[] = {
        [REDUCE_AVG] = GR_PROMQL_AVG, [REDUCE_MAX] = GR_PROMQL_MAX, [REDUCE_MIN] = GR_PROMQL_MIN};
    const struct metric *metric = &c->g->metric;
    int64_t t_ms = (int64_t)k * r->m->sampling_ms;
    enum reduce how = metric->kind == METRIC_PROMQL ? REDUCE_AVG : metric->reduce;
    struct gather all = {0};
    double v;

    if (metric->kind == METRIC_PROMQL) {
        struct scope at = {r, c->g, cohort};
        struct vector in = expression_value(&at, metric->part, t_ms);

        for (size_t i = 0; i < in.n; i++)
            if (in_cell(c, &in.v[i].labels) && isfinite(in.v[i].v))
                gather_add(&all, GR_PROMQL_AVG, in.v[i].v);
    } else {
        for (size_t i = 0; i < r->w->n; i++) {
            const struct series *s = &r->w->series[i];

            if (selector_takes(r, c->g, metric->part, GR_STR_NONE, s, cohort) && in_cell(c, &s->labels) &&
                prom_over_time(r->w, s, t_ms, r->m->sampling_ms, over[how], &v) && isfinite(v))
                gather_add(&all, agg[how], v);
        }
    }
    slot->on = all.n > 0;
    slot->value = slot->on ? gather_value(&all, agg[how]) : 0;
}

static void
record_cohort(const struct run *r, const struct cell *c, struct gr_str cohort, size_t k, struct slot *slot)
{
    if (c->g->metric.kind == METRIC_HISTOGRAM)
        record_buckets(r, c, cohort, k, slot);
    else if (is_counted(c->g))
        record_ratio(r, c, cohort, k, slot);
    else
        record_value(r, c, cohort, k, slot);
}

static int
by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The edges of a guardrail's buckets in this world. */
void
edges_use(struct run *r, const struct guardrail *g)
{
    r->n_edges = 0;
    for (size_t i = 0; g->metric.kind == METRIC_HISTOGRAM && i < r->w->n; i++) {
        const struct series *s = &r->w->series[i];
        size_t j = 0;

        if (!prom_matches(g->metric.part, GR_STR("_bucket"), s))
            continue;
        while (j < r->n_edges && !same_edge(edge_of(s), r->edges[j]))
            j++;
        GR_ASSERT(j < EDGES_MAX);
        if (j == r->n_edges)
            r->edges[r->n_edges++] = edge_of(s);
    }
    qsort(r->edges, r->n_edges, sizeof *r->edges, by_number);
}

void
slots_record(struct run *r, struct cell *c, size_t k)
{
    const struct era *e = &c->stream->at[k];
    bool counts = !is_against_control(c->g) || is_gated(r, c->g, e, k);

    edges_use(r, c->g);
    if (!e->open || !(c->g->phases & e->bit) || c->placeholder)
        return;
    if (counts || has_backstop_bound(c->g))
        record_cohort(r, c, r->m->canary, k, &c->slot[counts ? LANE_CANARY : LANE_EARLY][k]);
    if (counts && !c->g->stream_scope)
        record_cohort(r, c, r->m->control, k, &c->slot[LANE_CONTROL][k]);
}

/* -- slots together ------------------------------------------------------------------------------------------------------ */

bool
same_era(const struct cell *c, size_t i, size_t k)
{
    const struct era *a = &c->stream->at[i], *b = &c->stream->at[k];

    return a->open && b->open && gr_str_eq(a->deployment, b->deployment) && gr_str_eq(a->phase, b->phase);
}

size_t
since_start(const struct run *r, size_t k)
{
    int64_t longest = 0, slots;

    for (size_t i = 0; i < r->m->n_phases; i++)
        if (r->m->phases[i].max_ms > longest)
            longest = r->m->phases[i].max_ms;
    slots = longest / r->m->sampling_ms; /* further evaluations, besides k itself */
    if (r->w->left_open && longest % r->m->sampling_ms == 0)
        slots--;
    return (int64_t)k > slots ? k - (size_t)slots : 0;
}

struct pool
slots_pool(const struct run *r, const struct cell *c, enum lane lane, size_t from, size_t k)
{
    struct pool p = {0};

    for (size_t i = from; i <= k; i++) {
        const struct slot *s = &c->slot[lane][i];

        if (!s->on || !same_era(c, i, k))
            continue;
        p.slots++;
        p.sum.part += s->part;
        p.sum.total += s->total;
        p.sum.square += s->square;
        p.sum.value += s->value;
        p.size += fabs(s->value);
        for (size_t j = 0; j < r->n_edges; j++) {
            p.sum.has[j] = p.sum.has[j] || s->has[j];
            p.sum.count[j] += s->count[j];
        }
    }
    p.sum.on = p.slots > 0;
    return p;
}

bool
pool_value(const struct run *r, const struct guardrail *g, const struct pool *p, double *out)
{
    double v;

    if (!p->sum.on)
        return false;
    if (g->metric.kind == METRIC_HISTOGRAM) {
        struct bucket b[EDGES_MAX];
        size_t n = 0;

        for (size_t i = 0; i < r->n_edges; i++)
            if (p->sum.has[i])
                b[n++] = (struct bucket){r->edges[i], p->sum.count[i]};
        v = prom_quantile(gr_dec_double(g->metric.quantile), b, n);
    } else if (is_counted(g)) {
        v = p->sum.total > 0 && isfinite(p->sum.total) ? p->sum.part / p->sum.total : (double)NAN;
    } else {
        v = p->sum.value / (double)p->slots;
    }
    if (!isfinite(v))
        return false;
    *out = v;
    return true;
}
