/* share.c - is the canary's share of the traffic the planned one? Ratios against control whose specification says what control gets. */
#include "config.h"
#include "parts.h"

#include <math.h>

#define SIGMAS 8

/* The planned share of a guardrail in a phase. Random specifications have no flows, so there is one for each phase. */
static bool
planned_share(const struct run *r, const struct guardrail *g, const struct phase *p, double *out)
{
    bool ratio = g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD;

    if (r->m->control_traffic == CONTROL_SAMPLE || g->evidence.share_ignored || g->stream_scope ||
        !is_against_control(g) || g->dynamic.n || !ratio || p->n_traffic == 0)
        return false;
    GR_ASSERT(p->n_traffic == 1 && p->traffic[0].flow.n == 0);
    *out = r->m->control_traffic == CONTROL_EQUAL ? 0.5 : gr_dec_double(p->traffic[0].ratio);
    return *out > 0;
}

bool
share_is_wrong(const struct run *r, const struct cell *c, size_t from, size_t k, bool *near)
{
    struct pool canary = slots_pool(r, c, LANE_CANARY, from, k),
                control = slots_pool(r, c, LANE_CONTROL, from, k);
    double all = canary.sum.total + control.sum.total, square = canary.sum.square + control.sum.square;
    double plan, share, n, off;
    bool high, low;

    if (!canary.sum.on || !planned_share(r, c->g, c->stream->at[k].p, &plan) || !(all > 0))
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
