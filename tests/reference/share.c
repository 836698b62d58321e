/* share.c - is the canary's share of the traffic the planned one? Ratios against control whose specification says what control gets. */
#include "config.h"
#include "parts.h"

#include <math.h>

#define SIGMAS 8

/* The canary's share of a flow; of traffic that is not told apart, the one share that all flows have. False where there is none, or no such flow. */
static bool
flow_share(const struct phase *p, struct gr_str flow, double *out)
{
    for (size_t i = 0; i < p->n_traffic; i++)
        if (flow.n == 0 || p->traffic[i].flow.n == 0 || gr_str_eq(p->traffic[i].flow, flow)) {
            *out = gr_dec_double(p->traffic[i].ratio);
            return *out > 0;
        }
    return false;
}

/* The planned share of a slice in a phase: that of its flow, which its labels tell or the guardrail's `only`. */
static bool
planned_share(const struct run *r, const struct cell *c, const struct phase *p, double *out)
{
    const struct guardrail *g = c->g;
    bool ratio = g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD;
    struct gr_str flow = label_of(&c->labels, r->m->flow_label);

    if (r->m->control_traffic == CONTROL_SAMPLE || g->evidence.share_ignored || g->stream_scope ||
        !is_against_control(g) || g->dynamic.n || !ratio)
        return false;
    if (!flow_share(p, flow.n ? flow : label_of(&g->only, r->m->flow_label), out))
        return false;
    if (r->m->control_traffic == CONTROL_EQUAL)
        *out = 0.5;
    return true;
}

bool
flow_is_idle(const struct model *m, const struct pairs *labels, const struct phase *p)
{
    struct gr_str flow = m->flow_label.n ? label_of(labels, m->flow_label) : GR_STR_NONE;

    for (size_t i = 0; flow.n && i < p->n_traffic; i++)
        if (gr_str_eq(p->traffic[i].flow, flow))
            return !(gr_dec_double(p->traffic[i].ratio) > 0);
    return false;
}

bool
share_is_wrong(const struct run *r, const struct cell *c, size_t from, size_t k, bool *near)
{
    struct pool canary = slots_pool(r, c, LANE_CANARY, from, k),
                control = slots_pool(r, c, LANE_CONTROL, from, k);
    double all = canary.sum.total + control.sum.total, square = canary.sum.square + control.sum.square;
    double plan, share, n, off;
    bool high, low;

    if (!canary.sum.on || !planned_share(r, c, c->stream->at[k].p, &plan) || !(all > 0))
        return false;
    share = canary.sum.total / all;
    n = c->g->metric.n_weights ? all * all / square : all;
    off = SIGMAS * sqrt(plan * (1 - plan) / n);
    if (!(off > gr_dec_double(r->m->share_tolerance) * plan))
        off = gr_dec_double(r->m->share_tolerance) * plan;
    high = surely_above(share, plan + off, near);
    low = surely_above(plan - off, share, near);
    return high || low;
}
