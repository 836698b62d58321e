/* judge.c - from slots to verdicts: windows, effects, breaches, what supports them, and why nothing can be said. */
#include "config.h"
#include "parts.h"

#include <math.h>

const char *const reason_names[REASON_COUNT] = {"missing", "no_control", "traffic_share",
                                                "overdue", "suspect",    "thin"};
const char *const side_names[SIDE_BACKSTOP_LOWER + 1] = {"upper", "lower", "backstop", "backstop_lower"};

/* The compiler rounds thresholds to four decimals. */
#define THRESHOLD_ROUNDING 6e-5
#define COVERAGE_MIN 0.9
#define PAIRS_MIN 5u

bool
surely_above(double a, double b, bool *near)
{
    if (fabs(a - b) <= NEAR * fmax(fabs(a), fabs(b)))
        *near = true;
    return a > b;
}

static bool
is_low(enum side side)
{
    return side == SIDE_LOWER || side == SIDE_BACKSTOP_LOWER;
}

static bool
is_backstop(enum side side)
{
    return side == SIDE_BACKSTOP || side == SIDE_BACKSTOP_LOWER;
}

/* Whether a value lies beyond a literal: exactly at it only where the limit says so. */
static bool
beyond(const struct bound *b, double value, double literal, bool *near)
{
    if (is_low(b->side) ? surely_above(literal, value, near) : surely_above(value, literal, near))
        return true;
    return b->inclusive && (is_low(b->side) ? !(value > literal) : !(value < literal)) && !isnan(value);
}

static bool
is_among(const struct strs *names, struct gr_str name)
{
    for (size_t i = 0; i < names->n; i++)
        if (gr_str_eq(names->v[i], name))
            return true;
    return false;
}

/* What an override says of a limit's level and side; NULL when it says nothing. */
static const struct bound *
own_bound(const struct override *o, const struct bound *b)
{
    for (size_t i = 0; i < o->n_bounds; i++)
        if (o->bounds[i].level == b->level && o->bounds[i].side == b->side)
            return &o->bounds[i];
    return NULL;
}

/* Whether a slice of `expect` has the cell's values of all static labels that overrides of this limit name. */
static bool
has_values(const struct run *r, const struct cell *c, const struct bound *b, const struct slice *s)
{
    const struct guardrail *g = c->g;

    for (size_t i = 0; i < g->limit.n_overrides; i++) {
        const struct pairs *where = &g->limit.overrides[i].where;

        for (size_t j = 0; own_bound(&g->limit.overrides[i], b) && j < where->n; j++) {
            struct gr_str label = where->v[j].key, listed = label_of(&s->labels, label);

            if (!listed.n)
                listed = label_of(&r->m->streams[s->stream].release, label);
            if (!is_among(&g->dynamic, label) && !gr_str_eq(listed, label_of(&c->labels, label)))
                return false;
        }
    }
    return true;
}

/* Outside `expect`, as far as overrides of this limit can tell. */
static bool
is_outside(const struct run *r, const struct cell *c, const struct bound *b)
{
    for (size_t i = 0; i < c->g->n_expected; i++)
        if (has_values(r, c, b, &c->g->expected[i]))
            return false;
    return true;
}

/* Whether an override's labels are the cell's. */
static bool
holds(const struct cell *c, const struct override *o)
{
    for (size_t i = 0; i < o->where.n; i++) {
        struct gr_str have = label_of(&c->labels, o->where.v[i].key);

        if (have.n && !gr_str_eq(have, o->where.v[i].value))
            return false;
    }
    return true;
}

/* The tightest limit of this level and side that applies to the cell, of all that there are when it is outside `expect`; false when
 * none does. */
static bool
literal_of(const struct run *r, const struct cell *c, const struct bound *b, double *out)
{
    bool found = !b->only_overrides, outside = is_outside(r, c, b);
    double best = found ? gr_dec_double(b->literal) : 0;

    for (size_t i = 0; i < c->g->limit.n_overrides; i++) {
        const struct override *o = &c->g->limit.overrides[i];
        const struct bound *own = outside || holds(c, o) ? own_bound(o, b) : NULL;
        double literal = own ? gr_dec_double(own->literal) : 0;

        if (own && (!found || (is_low(b->side) ? literal > best : literal < best)))
            best = literal;
        found = found || own;
    }
    *out = best;
    return found;
}

/* A fixed limit that takes k of n slots, and not the window's value. */
static bool
confirmed_by_slots(const struct guardrail *g, const struct bound *b, uint32_t *k, uint32_t *n)
{
    *k = b->level == LEVEL_HARD ? g->evidence.hard_k : g->evidence.soft_k;
    *n = b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n;
    return !is_against_control(g) && *n > 1;
}

void
judge_note(const struct run *r, struct cell *c, size_t k)
{
    struct pool slot = slots_pool(r, c, LANE_CANARY, k, k);
    double value, literal;

    if (is_against_control(c->g) || !slot.sum.on || !pool_value(r, c->g, &slot, &value))
        return;
    for (size_t i = 0; i < c->g->limit.n_bounds; i++) {
        const struct bound *b = &c->g->limit.bounds[i];

        if (literal_of(r, c, b, &literal) && beyond(b, value, literal, &c->note[k].near))
            c->note[k].over |= LEVEL_SIDE(b->level, b->side);
    }
}

/* -- what is known at one evaluation --------------------------------------------------------------------------------------- */

struct view {
    const struct run *r;
    const struct cell *c;
    size_t k, from; /* the window's first evaluation */
    size_t slots;   /* in a whole window */
    bool has[LANE_COUNT];
    size_t seen[LANE_COUNT];
    double size[LANE_COUNT];  /* of the window's values: what rounding is measured by */
    double value[LANE_COUNT]; /* of the window, where has */
    struct tally tally[LANE_COUNT];
    struct chance chance;
    bool enough, share_wrong;
    struct judged *out;
};

/* False without control, or with nothing to divide by. */
static bool
effect_of(const struct view *v, double *effect)
{
    const struct limit *l = &v->c->g->limit;
    double control = v->value[LANE_CONTROL], floor = gr_dec_double(l->floor);

    if (!v->has[LANE_CANARY] || (is_against_control(v->c->g) && !v->has[LANE_CONTROL]))
        return false;
    if (l->against == AGAINST_FIXED) {
        *effect = v->value[LANE_CANARY];
    } else if (l->against == AGAINST_CONTROL_POINTS) {
        *effect = v->value[LANE_CANARY] - control;
    } else {
        if (fabs(control) <= NEAR &&
            v->size[LANE_CONTROL] > 0) /* what is left when values cancel each other */
            v->out->near = true;
        if (floor > control)
            control = floor;
        if (!(control > 0))
            return false;
        *effect = v->value[LANE_CANARY] / control;
    }
    return isfinite(*effect);
}

/* The cohorts that are judged. */
static size_t
cohorts(const struct guardrail *g)
{
    return is_against_control(g) ? 2 : 1;
}

static bool
coverage_of(const struct view *v, double *coverage)
{
    if (!v->seen[LANE_CANARY])
        return false;
    *coverage = (double)v->seen[LANE_CANARY] / (double)v->slots;
    if (cohorts(v->c->g) == 2 && v->seen[LANE_CONTROL] && v->seen[LANE_CONTROL] < v->seen[LANE_CANARY])
        *coverage = (double)v->seen[LANE_CONTROL] / (double)v->slots;
    return true;
}

/* Whether a bucket was NaN or infinite since the phase began. */
static bool
is_spoilt(const struct view *v, enum lane lane)
{
    struct pool p = slots_pool(v->r, v->c, lane, since_start(v->r, v->k), v->k);

    for (size_t i = 0; i < v->r->n_edges; i++)
        if (!isfinite(p.sum.count[i]))
            return true;
    return false;
}

/* min_total in each cohort; five paired slots for the test of gauges; a slot for fixed limits. */
static bool
enough_of(const struct view *v)
{
    const struct guardrail *g = v->c->g;
    size_t pairs;

    if (!is_counted(g)) {
        pairs = pairs_since_start(v->r, v->c, v->k);
        return is_against_control(g) ? pairs >= (g->evidence.kind == EVIDENCE_SEQUENTIAL ? PAIRS_MIN : 1)
                                     : v->seen[LANE_CANARY] > 0;
    }
    for (size_t i = 0; i < cohorts(g); i++) {
        const struct tally *t = &v->tally[i];
        struct pool p = slots_pool(v->r, v->c, (enum lane)i, since_start(v->r, v->k), v->k);
        double total = g->metric.kind == METRIC_HISTOGRAM ? p.sum.total : t->total;

        /* A NaN or an infinite counter anywhere since the start is enough for nothing. */
        if (!p.sum.on ||
            !(total >= g->evidence.min_total || surely_above(total, g->evidence.min_total, &v->out->near)) ||
            !isfinite(p.sum.total) || !isfinite(p.sum.part) || !isfinite(p.sum.square) ||
            is_spoilt(v, (enum lane)i))
            return false;
        (void)surely_above(total, g->evidence.min_total, &v->out->near);
    }
    return true;
}

static bool
has_events(const struct view *v, const struct tally *t)
{
    double least = v->c->g->evidence.min_events;

    if (!is_counted(v->c->g))
        return true;
    return surely_above(t->bad, least, &v->out->near) || t->bad >= least;
}

/* A backstop needs min_events bad events, of whatever the canary has counted; a histogram as many observations as make them sure. */
static bool
backstop_supported(const struct view *v, const struct bound *b)
{
    const struct guardrail *g = v->c->g;
    struct pool p = slots_pool(v->r, v->c, LANE_CANARY, since_start(v->r, v->k), v->k);
    enum lane lane = p.sum.on ? LANE_CANARY : LANE_EARLY;
    double q;

    if (g->metric.kind != METRIC_HISTOGRAM)
        return has_events(v, &v->tally[lane]) && isfinite(v->tally[lane].bad);
    if (is_spoilt(v, lane))
        return false;
    p = slots_pool(v->r, v->c, lane, since_start(v->r, v->k), v->k);
    q = gr_dec_double(g->metric.quantile);
    q = ceil(g->evidence.min_events / (is_low(b->side) ? q : 1 - q) - NEAR);
    return surely_above(p.sum.total, q, &v->out->near) || p.sum.total >= q;
}

static bool
control_supported(const struct view *v, const struct bound *b)
{
    double threshold, d = is_low(b->side) ? -v->chance.d : v->chance.d;

    if (!v->enough || !has_events(v, &v->tally[LANE_CANARY]))
        return false;
    if (v->c->g->evidence.kind == EVIDENCE_POINT)
        return true;
    threshold = chance_threshold(v->r, b->level);
    if (v->chance.known && fabs(v->chance.evidence - threshold) <= THRESHOLD_ROUNDING)
        v->out->near = true;
    v->out->near = v->out->near || v->chance.near_edge;
    return v->chance.known && v->chance.evidence > threshold && d > 0;
}

static bool
slots_supported(const struct view *v, const struct bound *b, uint32_t k, uint32_t n)
{
    uint32_t over = 0;

    for (size_t i = v->k + 1 >= n ? v->k + 1 - n : 0; i <= v->k; i++) {
        if (!same_era(v->c, i, v->k))
            continue;
        over += (v->c->note[i].over & LEVEL_SIDE(b->level, b->side)) != 0;
        v->out->near = v->out->near || v->c->note[i].near;
    }
    return over >= k && v->enough;
}

/* Looks at every limit: whether it is breached, and whether that is supported. False when a limit says nothing. */
static void
limits_judge(struct view *v, bool *breached, bool *all_there)
{
    for (size_t i = 0; i < v->c->g->limit.n_bounds; i++) {
        const struct bound *b = &v->c->g->limit.bounds[i];
        enum lane lane = v->has[LANE_CANARY] ? LANE_CANARY : LANE_EARLY;
        double literal, value = is_backstop(b->side) ? v->value[lane] : v->out->effect;
        bool known = is_backstop(b->side) ? v->has[lane] : v->out->effect_known;
        bool breach, supported;
        uint32_t k, n;

        if (!literal_of(v->r, v->c, b, &literal))
            continue;
        *all_there = *all_there && known;
        breach = known && beyond(b, value, literal, &v->out->near);
        *breached = *breached || breach;
        if (confirmed_by_slots(v->c->g, b, &k, &n))
            supported = slots_supported(v, b, k, n);
        else if (is_backstop(b->side))
            supported = breach && backstop_supported(v, b);
        else if (is_against_control(v->c->g))
            supported = breach && control_supported(v, b);
        else
            supported = breach && v->enough;
        if (supported)
            v->out->supported |= LEVEL_SIDE(b->level, b->side);
    }
}

/* -- verdict --------------------------------------------------------------------------------------------------------------- */

static void
view_fill(struct view *v)
{
    const struct era *e = &v->c->stream->at[v->k];
    int64_t window = v->c->g->window_ms ? v->c->g->window_ms : e->p->min_ms;

    v->slots = (size_t)(window / v->r->m->sampling_ms);
    if (!v->slots)
        v->slots = 1;
    v->from = v->k + 1 >= v->slots ? v->k + 1 - v->slots : 0;
    for (int i = 0; i < LANE_COUNT; i++) {
        struct pool p = slots_pool(v->r, v->c, (enum lane)i, v->from, v->k);

        v->seen[i] = p.slots;
        v->size[i] = p.size;
        v->has[i] = pool_value(v->r, v->c->g, &p, &v->value[i]);
        v->tally[i] = tally_of(v->r, v->c, (enum lane)i, v->k, &v->out->near_edge);
    }
    if (is_against_control(v->c->g))
        v->chance = chance_of(v->r, v->c, v->k);
    v->out->near_edge = v->out->near_edge || v->chance.near_edge;
    v->out->evidence_known = v->chance.known && v->c->g->evidence.kind == EVIDENCE_SEQUENTIAL;
    v->out->evidence = v->chance.evidence;
    v->out->effect_known = effect_of(v, &v->out->effect);
    v->out->coverage_known = coverage_of(v, &v->out->coverage);
    for (int i = 0; i < LANE_COUNT; i++)
        v->out->spoilt = v->out->spoilt || is_spoilt(v, (enum lane)i);
    v->enough = enough_of(v);
    v->share_wrong = share_is_wrong(v->r, v->c, v->from, v->k, &v->out->near);
}

static bool
is_expected(const struct view *v)
{
    const struct era *e = &v->c->stream->at[v->k];

    return v->c->listed && e->open && (v->c->g->phases & e->bit) &&
           !flow_is_idle(v->r->m, &v->c->labels, e->p);
}

/* The placeholder of an expected slice reports when any of its dynamic values does. */
static bool
any_value(const struct view *v, bool now)
{
    for (size_t i = 0; i < v->r->n_cells; i++) {
        const struct cell *c = &v->r->cells[i];
        bool inside = c->g == v->c->g && c->stream == v->c->stream && !c->placeholder;

        for (size_t j = 0; inside && j < v->c->labels.n; j++)
            inside = gr_str_eq(label_of(&c->labels, v->c->labels.v[j].key), v->c->labels.v[j].value);
        for (size_t t = now ? v->k : v->from; inside && t <= v->k; t++)
            if (c->slot[LANE_CANARY][t].on && same_era(c, t, v->k))
                return true;
    }
    return false;
}

static int
reason_of(const struct view *v, bool breached, bool overdue)
{
    const struct cell *c = v->c;
    bool now = c->placeholder ? any_value(v, true) : c->slot[LANE_CANARY][v->k].on;
    bool control_now = c->slot[LANE_CONTROL][v->k].on;

    if (is_expected(v) && !now)
        return REASON_MISSING;
    if (is_against_control(c->g) && !c->placeholder &&
        ((now && !control_now) || (v->has[LANE_CANARY] && !v->out->effect_known)))
        return REASON_NO_CONTROL;
    if (v->share_wrong)
        return REASON_TRAFFIC_SHARE;
    if (!v->out->verdict_known || v->out->verdict != 1)
        return -1;
    return overdue ? REASON_OVERDUE : breached ? REASON_SUSPECT : REASON_THIN;
}

bool
judge(const struct run *r, struct cell *c, size_t k, struct judged *out)
{
    const struct era *e = &c->stream->at[k];
    struct view v = {.r = r, .c = c, .k = k, .out = out};
    double now_s = (double)((int64_t)k * r->m->sampling_ms) / 1000;
    bool breached = false, all_there = true, overdue;

    *out = (struct judged){
        .g = c->g, .labels = c->labels, .deployment = e->deployment, .phase = e->phase, .reason = -1};
    if (!e->open || !e->p || !(c->g->phases & e->bit))
        return false;
    view_fill(&v);
    limits_judge(&v, &breached, &all_there);
    /* The test is made of effects outside their limits alone. Of a spoilt histogram it decides nothing, so any edge will do. */
    out->evidence_known =
        out->evidence_known && out->effect_known && (breached || !all_there) && !out->spoilt;
    overdue = e->p->max_ms > 0 && now_s - e->start_s > (double)e->p->max_ms / 1000;
    out->verdict_known = out->supported || out->coverage_known ||
                         (is_expected(&v) && !(c->placeholder && any_value(&v, false)));
    if (out->supported &
        (LEVEL_SIDE(LEVEL_HARD, SIDE_UPPER) | LEVEL_SIDE(LEVEL_HARD, SIDE_LOWER) |
         LEVEL_SIDE(LEVEL_HARD, SIDE_BACKSTOP) | LEVEL_SIDE(LEVEL_HARD, SIDE_BACKSTOP_LOWER)))
        out->verdict = 3;
    else if (out->supported)
        out->verdict = 2;
    else
        out->verdict = out->effect_known && v.enough && out->coverage >= COVERAGE_MIN && all_there &&
                               !breached && !overdue && !v.share_wrong
                           ? 0
                           : 1;
    out->reason = reason_of(&v, breached, overdue);
    return true;
}
