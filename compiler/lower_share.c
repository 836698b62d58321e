/* lower_share.c - does the canary get the share of traffic that was planned?
 *
 * A wrong split makes a comparison meaningless: whoever sends the canary twice its share, or a fifth of it, does not choose at random. So each
 * ratio against control looks at its own totals (`control_traffic: rest` or `equal` says that they add up) over its rolling window, so
 * that a split that was put right is forgotten:
 *
 *     share = canary / (canary + control)       n = canary + control (effective, where weighted)       s = planned
 *     wrong: |share - s| > max(share_tolerance * s, 8 sqrt(s (1 - s) / n))
 *
 * 8 standard deviations of independent events are 4 of events that come in clusters of four: with few observations nothing is said, and a
 * right split is called wrong once in 16,000 looks at most. Two comparisons instead of abs(): as for limits. */
#include "config.h"
#include "lower.h"

/* Standard deviations of the binomial share: see above. */
#define SHARE_SIGMAS 8

bool
lower_checks_share(const struct guardrail *g, const void *arg)
{
    return model_checks_share(arg, g);
}

static bool
is_weighted_share(const struct guardrail *g, const void *arg)
{
    return g->metric.n_weights > 0 && lower_checks_share(g, arg);
}

static bool
is_plain_share(const struct guardrail *g, const void *arg)
{
    return g->metric.n_weights == 0 && lower_checks_share(g, arg);
}

/* -- planned ----------------------------------------------------------------------------------------------------------------- */

/* A set of guardrails with one planned share in a phase: of the slices of one flow, or of all their slices. */
struct plan {
    const struct model *m;
    const struct phase *p;
    struct gr_str flow; /* empty: of those whose slices have no flow */
    struct gr_dec share;
};

static bool
tells_flows(const struct model *m, const struct guardrail *g)
{
    for (size_t i = 0; m->flow_label.n > 0 && i < g->compare_within.n; i++)
        if (gr_str_eq(g->compare_within.v[i], m->flow_label))
            return true;
    return false;
}

static bool
has_plan(const struct guardrail *g, const void *arg)
{
    const struct plan *want = arg;
    struct gr_dec share;

    if (tells_flows(want->m, g) != (want->flow.n > 0))
        return false;
    return (g->phases >> (size_t)(want->p - want->m->phases) & 1u) &&
           model_planned_share(want->m, g, want->p, want->flow, &share) &&
           gr_dec_cmp(share, want->share) == 0;
}

static void
put_plan(struct lower *lo, struct plan *plan)
{
    const struct model *m = lo->m;
    const char *which = lower_which(lo, has_plan, plan);
    size_t from = lo->expr.n;
    uint32_t phase = UINT32_C(1) << (plan->p - m->phases);

    if (!which)
        return;
    lower_put(lo, "$1$2", which, lower_phases(lo, phase, false), NULL);
    if (plan->flow.n > 0)
        lower_put(lo, "$1", lower_values(lo, m->flow_label, &plan->flow, 1, false), NULL);
    which = lower_cut(lo, from);
    lower_branch(lo, "guardrail:share{$S$1} * 0 + $2", which, lower_dec(lo, plan->share), NULL);
}

/* A branch for each phase and flow; guardrails whose slices have no flow may still have different plans, by `only`. */
static void
planned(struct lower *lo)
{
    const struct model *m = lo->m;

    lower_branches(lo, "\nor ");
    for (size_t p = 0; p < m->n_phases; p++) {
        const struct phase *phase = &m->phases[p];

        for (size_t i = 0; i < phase->n_traffic; i++) {
            struct plan plan = {m, phase, phase->traffic[i].flow,
                                m->control_traffic == CONTROL_EQUAL ? GR_DEC(5, -1)
                                                                    : phase->traffic[i].ratio};
            bool again = false;

            if (plan.flow.n > 0)
                put_plan(lo, &plan);
            for (size_t k = 0; k < i && !again; k++)
                again = m->control_traffic == CONTROL_EQUAL ||
                        gr_dec_cmp(phase->traffic[k].ratio, phase->traffic[i].ratio) == 0;
            plan.flow = GR_STR_NONE;
            if (!again)
                put_plan(lo, &plan);
        }
    }
    lower_record(lo, "guardrail:share:planned");
}

/* -- observed ---------------------------------------------------------------------------------------------------------------- */

#define TOTALS(part) "sum without (cohort, part) (guardrail:window:sum{$S$1,part=\"" part "\"$2})"

static const char *
observations(struct lower *lo)
{
    const char *plain = lower_which(lo, is_plain_share, lo->m), *weighted;
    size_t from = lo->expr.n;

    if (plain)
        lower_put(lo, TOTALS("total"), plain, lower_not_early(lo), NULL);
    if ((weighted = lower_which(lo, is_weighted_share, lo->m)) != NULL)
        lower_put(lo,
                  plain ? " or " TOTALS("total") " ^ 2 / " TOTALS("square")
                        : TOTALS("total") " ^ 2 / " TOTALS("square"),
                  weighted, lower_not_early(lo), NULL);
    return lower_cut(lo, from);
}

void
lower_share(struct lower *lo)
{
    const char *which = lower_which(lo, lower_checks_share, lo->m);

    if (!which)
        return;
    lower_put(lo,
              "sum without (cohort, part) (guardrail:window:sum{$S$1,part=\"total\",cohort=$C})\n"
              "  / (" TOTALS("total") " > 0)",
              which, lower_not_early(lo), NULL);
    lower_record(lo, "guardrail:share");
    planned(lo);
    lower_put(lo,
              "$1 * sqrt(guardrail:share:planned{$S} * (1 - guardrail:share:planned{$S}) / ($2))\n"
              "  > $3 * guardrail:share:planned{$S}\n"
              "or $3 * guardrail:share:planned{$S}",
              lower_uint(lo, SHARE_SIGMAS), observations(lo), lower_dec(lo, lo->m->share_tolerance), NULL);
    lower_record(lo, "guardrail:share:tolerance");
    lower_put(lo,
              "guardrail:share{$S} > guardrail:share:planned{$S} + guardrail:share:tolerance{$S}\n"
              "or guardrail:share{$S} < guardrail:share:planned{$S} - guardrail:share:tolerance{$S}",
              NULL);
    lower_record(lo, "guardrail:share:wrong");
}
