/* rates.c - what holds for a guardrail on a slice: from cells of traffic, shares and facts. */
#include "config.h"
#include "rates_parts.h"

#include <math.h>

static const char *const fact_names[RATES_FACTS] = {
    [RATES_FACT_TRAFFIC] = "per_second",
    [RATES_FACT_BAD] = "bad",
    [RATES_FACT_DISPERSION] = "dispersion",
    [RATES_FACT_NOISE] = "noise",
    [RATES_FACT_AUTOCORRELATION] = "autocorrelation",
    [RATES_FACT_SPREAD] = "spread",
    [RATES_FACT_CONTROL] = "control",
    [RATES_FACT_MIX] = "mix",
    [RATES_FACT_VALUE] = "value",
};

const char *
rates_fact_name(enum rates_fact fact)
{
    return fact_names[fact];
}

/* -- cells ------------------------------------------------------------------------------------------------------------------- */

static bool
lists(const struct stream *st, struct gr_str label)
{
    for (size_t i = 0; i < st->n_slice_labels; i++)
        if (gr_str_eq(st->slice_labels[i], label))
            return true;
    return false;
}

/* How many cells one stream has, the flows counted in. */
static size_t
cells_of(const struct model *m, const struct stream *st)
{
    size_t n = m->flow_label.n > 0 && m->flows.n > 0 && !lists(st, m->flow_label) ? m->flows.n : 1;

    for (size_t i = 0; i < st->n_slice_labels && n <= RATES_CELLS_MAX; i++)
        n *= st->slice_values[i].n;
    return n;
}

/* The k-th combination of the stream's values; the flow runs fastest. */
static bool
fill_cell(struct gr_arena *a, const struct model *m, uint32_t stream, size_t k, struct rates_cell *c)
{
    const struct stream *st = &m->streams[stream];
    bool flows = m->flow_label.n > 0 && m->flows.n > 0 && !lists(st, m->flow_label);

    *c = (struct rates_cell){.stream = stream, .per_second = RATES_PER_SECOND, .assumed = true};
    if (!(c->labels.v = gr_arena_array(a, st->n_slice_labels + 1, sizeof *c->labels.v)))
        return false;
    if (flows) {
        c->labels.v[c->labels.n++] = (struct pair){m->flow_label, m->flows.v[k % m->flows.n]};
        k /= m->flows.n;
    }
    for (size_t i = st->n_slice_labels; i-- > 0;) {
        const struct strs *values = &st->slice_values[i];

        c->labels.v[c->labels.n++] = (struct pair){st->slice_labels[i], values->v[k % values->n]};
        k /= values->n;
    }
    pairs_sort(&c->labels);
    if (m->flow_label.n > 0 && pairs_get(&c->labels, m->flow_label))
        c->flow = *pairs_get(&c->labels, m->flow_label);
    return true;
}

enum gr_err
rates_none(struct gr_arena *a, const struct model *m, struct rates **out)
{
    struct rates *r = gr_arena_alloc(a, sizeof *r);
    size_t n = 0;

    for (size_t i = 0; i < m->n_streams; i++)
        if ((n += cells_of(m, &m->streams[i])) > RATES_CELLS_MAX)
            return GR_ELIMIT;
    if (!r || !(r->cells = gr_arena_array(a, n, sizeof *r->cells)) ||
        !(r->guardrails = gr_arena_array(a, m->n_guardrails, sizeof *r->guardrails)))
        return GR_ENOMEM;
    r->m = m;
    r->control = (double)NAN;
    for (size_t i = 0; i < m->n_streams; i++)
        for (size_t k = 0, of = cells_of(m, &m->streams[i]); k < of; k++)
            if (!fill_cell(a, m, (uint32_t)i, k, &r->cells[r->n_cells++]))
                return GR_ENOMEM;
    for (unsigned k = 0; k < FACTS; k++)
        r->facts.v[k] = (double)NAN;
    for (size_t i = 0; i < m->n_guardrails; i++)
        for (unsigned k = 0; k < FACTS; k++)
            r->guardrails[i].facts.v[k] = (double)NAN;
    *out = r;
    return GR_OK;
}

const struct rates_cell *
rates_cells(const struct rates *r, size_t *n)
{
    *n = r->n_cells;
    return r->cells;
}

/* -- facts ------------------------------------------------------------------------------------------------------------------- */

/* A label that the slice does not have (a dynamic one) matches any value. */
bool
rates_where_slice(const struct model *m, const struct pairs *where, const struct guardrail *g,
                  const struct slice *slice)
{
    for (size_t i = 0; i < where->n; i++) {
        const struct gr_str *have = pairs_get(&slice->labels, where->v[i].key);

        if (!have)
            have = pairs_get(&m->streams[slice->stream].release, where->v[i].key);
        if (!have)
            have = pairs_get(&g->only, where->v[i].key);
        if (have && !gr_str_eq(*have, where->v[i].value))
            return false;
    }
    return true;
}

/* NAN: nowhere stated. Of slices the last that says it wins. */
static double
fact(const struct rates *r, const struct guardrail *g, const struct slice *slice, enum fact which)
{
    const struct rates_guardrail *rg = &r->guardrails[g - r->m->guardrails];

    for (size_t i = rg->n; i-- > 0;)
        if (!isnan(rg->slices[i].facts.v[which]) && rates_where_slice(r->m, &rg->slices[i].where, g, slice))
            return rg->slices[i].facts.v[which];
    return isnan(rg->facts.v[which]) ? r->facts.v[which] : rg->facts.v[which];
}

static double
stated(const struct rates *r, const struct guardrail *g, const struct slice *slice, enum fact which,
       double absent, enum rates_fact tell, struct rated *out)
{
    double v = fact(r, g, slice, which);

    if (!isnan(v))
        return v;
    out->assumed |= 1u << tell;
    return absent;
}

/* Kish's effective share of observations when weights differ: (sum of w m)^2 / sum of w^2 m, m the mix. */
static double
effective(const struct guardrail *g, const double *mix)
{
    double sum = 0, squares = 0;

    for (size_t i = 0; i < g->metric.n_weights; i++) {
        double w = gr_dec_double(g->metric.weights[i].weight);
        double share = mix ? mix[i] : 1 / (double)g->metric.n_weights;

        sum += w * share;
        squares += w * w * share;
    }
    return squares > 0 ? sum * sum / squares : 1;
}

static double
hard_limit(const struct guardrail *g)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == LEVEL_HARD && !side_is_backstop(g->limit.bounds[i].side))
            return fabs(gr_dec_double(g->limit.bounds[i].literal));
    return g->limit.n_bounds > 0 ? fabs(gr_dec_double(g->limit.bounds[0].literal)) : 1;
}

/* -- traffic ----------------------------------------------------------------------------------------------------------------- */

bool
rates_cell_in(const struct model *m, const struct rates_cell *c, const struct guardrail *g,
              const struct slice *slice)
{
    if (c->stream != slice->stream)
        return false;
    for (size_t i = 0; i < c->labels.n; i++) {
        const struct gr_str *want = pairs_get(&slice->labels, c->labels.v[i].key);

        if (!want)
            want = pairs_get(&g->only, c->labels.v[i].key);
        if (want && !gr_str_eq(*want, c->labels.v[i].value))
            return false;
    }
    (void)m;
    return true;
}

static double
share_of(const struct phase *p, struct gr_str flow)
{
    for (size_t i = 0; i < p->n_traffic; i++)
        if (p->traffic[i].flow.n == 0 || flow.n == 0 || gr_str_eq(p->traffic[i].flow, flow))
            return gr_dec_double(p->traffic[i].ratio);
    return 0;
}

static double
dynamic_values(const struct model *m, const struct guardrail *g)
{
    double n = 1;

    for (size_t i = 0; i < g->dynamic.n; i++)
        for (size_t j = 0; j < m->n_dynamic; j++)
            if (gr_str_eq(m->dynamic[j].label, g->dynamic.v[i]))
                n *= m->dynamic[j].at_most;
    return n;
}

/* Observations a second, by cohort, before any factor; *all is what both and the rest have together. */
static void
add_cells(const struct rates *r, const struct guardrail *g, const struct slice *slice, const struct phase *p,
          double grow, struct rated *out, double *all)
{
    double even[2] = {0, 0}, cells = 0, control = isnan(r->control) ? 1 : r->control;

    *all = 0;
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct rates_cell *c = &r->cells[i];
        double share;

        if (!rates_cell_in(r->m, c, g, slice))
            continue;
        share = share_of(p, c->flow);
        share = share * grow > 0.5 && grow > 1 ? (share > 0.5 ? share : 0.5) : share * grow;
        out->canary_per_second += c->per_second * share;
        out->control_per_second += c->per_second * (1 - share) * control;
        even[0] += share;
        even[1] += (1 - share) * control;
        *all += c->per_second;
        cells++;
        if (c->assumed)
            out->assumed |= 1u << RATES_FACT_TRAFFIC;
    }
    if (*all > 0 || cells == 0)
        return;
    out->canary_per_second = even[0] / cells; /* of a rate of 1, if the guardrail has one of its own */
    out->control_per_second = even[1] / cells;
}

static void
scale_traffic(struct rated *out, double factor)
{
    out->canary_per_second *= factor;
    out->control_per_second *= factor;
}

static void
set_traffic(const struct rates *r, const struct guardrail *g, const struct slice *slice,
            const struct phase *p, double grow, struct rated *out)
{
    double all, own = fact(r, g, slice, FACT_PER_SECOND), per_request = fact(r, g, slice, FACT_PER_REQUEST);

    add_cells(r, g, slice, p, grow, out, &all);
    if (isnan(r->control))
        out->assumed |= 1u << RATES_FACT_CONTROL;
    if (!isnan(own)) {
        scale_traffic(out, all > 0 ? own / all : own);
        out->assumed &= ~(1u << RATES_FACT_TRAFFIC);
    } else {
        scale_traffic(out, all > 0 ? (isnan(per_request) ? 1 : per_request) / dynamic_values(r->m, g) : 0);
    }
    if (g->metric.n_weights > 0) {
        const double *mix = r->guardrails[g - r->m->guardrails].mix;

        scale_traffic(out, effective(g, mix));
        out->assumed |= mix ? 0 : 1u << RATES_FACT_MIX;
    }
}

struct rated
rates_of(const struct rates *r, const struct guardrail *g, const struct slice *slice, const struct phase *p,
         double grow)
{
    bool points = g->limit.against == AGAINST_CONTROL_POINTS;
    enum metric_kind kind = g->metric.kind;
    struct rated out = {.assumed = 0};

    if (kind == METRIC_GAUGE || kind == METRIC_PROMQL) {
        out.noise =
            stated(r, g, slice, FACT_NOISE, points ? RATES_NOISE_OF_LIMIT * hard_limit(g) : RATES_NOISE,
                   RATES_FACT_NOISE, &out);
        out.autocorrelation = stated(r, g, slice, FACT_AUTOCORRELATION, RATES_AUTOCORRELATION,
                                     RATES_FACT_AUTOCORRELATION, &out);
        return out;
    }
    set_traffic(r, g, slice, p, grow, &out);
    out.dispersion = stated(r, g, slice, FACT_DISPERSION, RATES_DISPERSION, RATES_FACT_DISPERSION, &out);
    if (kind == METRIC_HISTOGRAM)
        out.spread = stated(r, g, slice, FACT_SPREAD, RATES_SPREAD, RATES_FACT_SPREAD, &out);
    else
        out.bad = stated(r, g, slice, FACT_BAD, RATES_BAD, RATES_FACT_BAD, &out);
    if (kind == METRIC_HISTOGRAM && points)
        out.value = stated(r, g, slice, FACT_VALUE, 0, RATES_FACT_VALUE, &out);
    return out;
}

double
rates_grow_max(const struct rates *r, const struct guardrail *g, const struct slice *slice,
               const struct phase *p)
{
    double most = 0;

    for (size_t i = 0; i < r->n_cells; i++) {
        double share = rates_cell_in(r->m, &r->cells[i], g, slice) ? share_of(p, r->cells[i].flow) : 0;

        most = share > most ? share : most;
    }
    return most > 0 ? (most > 0.5 ? 1 : 0.5 / most) : 0;
}
