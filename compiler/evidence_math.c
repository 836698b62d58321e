/* evidence_math.c - the formulas of evidence_math.h. */
#include "config.h"
#include "evidence_math.h"

#include <float.h>
#include <math.h>

#include "guardrail/base.h"

double
evidence_log(double d, double v, double tau, double nu)
{
    double wide = v + tau * tau, near, far;

    if (!(v > 0) || !(tau > 0) || !(nu > 0) || !isfinite(wide) || !isfinite(nu) || !isfinite(d))
        return 0;
    near = fmin(d * d / v, DBL_MAX); /* of differences beyond all reason */
    far = fmin(d * d / wide, DBL_MAX);
    return 0.5 * log(v / wide) + (nu + 1) / 2 * (log(nu + near) - log(nu + far));
}

double
evidence_threshold(double alpha)
{
    GR_ASSERT(alpha > 0 && alpha < 1);
    return -log(2 * alpha);
}

/* With a known variance. */
static double
plain(double d, double v, double tau)
{
    double tau2 = tau * tau;

    return v > 0 && tau2 > 0 ? 0.5 * log(v / (v + tau2)) + d * d * tau2 / (2 * v * (v + tau2)) : 0;
}

/* -- counts ------------------------------------------------------------------------------------------------------------------ */

static bool
has_both(const struct evidence_counts *c)
{
    return c->canary.total > 0 && c->control.total > 0 && c->canary.weight > 0 && c->control.weight > 0 &&
           c->slots >= 1;
}

static double
rate(const struct evidence_cohort *c)
{
    return c->bad / c->total;
}

static double
pooled(const struct evidence_counts *c)
{
    return (c->canary.bad + c->control.bad) / (c->canary.total + c->control.total);
}

/* V0 */
static double
pooled_variance(const struct evidence_counts *c)
{
    double p = pooled(c);

    return p * (1 - p) * (1 / c->canary.total + 1 / c->control.total);
}

/* Half a bad event more and half a good one keep it above 0 where a cohort saw only one kind. */
static double
own_variance(const struct evidence_cohort *c)
{
    double n = c->total + 1;

    return (c->bad + 0.5) * (c->total - c->bad + 0.5) / (n * n * c->total);
}

double
evidence_score(double canary_rate, double control_rate, double n_canary, double n_control)
{
    return (canary_rate - control_rate) / (1 / n_canary + 1 / n_control);
}

double
evidence_counts_difference(const struct evidence_counts *c)
{
    return has_both(c) ? rate(&c->canary) - rate(&c->control) : 0;
}

static double
freedom(const struct evidence_counts *c)
{
    return EVIDENCE_COUNT_PRIOR + c->slots - 1;
}

double
evidence_counts_dispersion(const struct evidence_counts *c)
{
    double weight, seen, phi;

    if (!has_both(c))
        return EVIDENCE_COUNT_DISPERSION;
    weight = 1 / (1 / c->canary.weight + 1 / c->control.weight) / c->slots;
    seen = c->stdvar / (weight * weight * (own_variance(&c->canary) + own_variance(&c->control)));
    phi = (EVIDENCE_COUNT_PRIOR * EVIDENCE_COUNT_DISPERSION + seen) / freedom(c);
    return phi > 1 ? phi : 1;
}

double
evidence_counts(const struct evidence_counts *c)
{
    if (!has_both(c))
        return 0;
    return evidence_log(evidence_counts_difference(c), evidence_counts_dispersion(c) * pooled_variance(c),
                        pooled(c), freedom(c));
}

double
evidence_counts_plain(const struct evidence_counts *c)
{
    return has_both(c) ? plain(evidence_counts_difference(c), pooled_variance(c), pooled(c)) : 0;
}

/* -- gauges ------------------------------------------------------------------------------------------------------------------ */

double
evidence_pairs(const struct evidence_pairs *p)
{
    double limit = fabs(p->limit), spread = EVIDENCE_GAUGE_SPREAD * limit;
    double nu = EVIDENCE_GAUGE_PRIOR + (p->slots - 1) / 2, v = p->stdvar;

    if (!(p->slots >= EVIDENCE_PAIRS_MIN))
        return 0;
    if (p->recent_slots >= EVIDENCE_GAUGE_RECENT && p->recent * EVIDENCE_GAUGE_RECENT_FACTOR < v)
        v = p->recent * EVIDENCE_GAUGE_RECENT_FACTOR;
    return evidence_log(p->mean,
                        EVIDENCE_GAUGE_INFLATION *
                            (EVIDENCE_GAUGE_PRIOR * spread * spread + p->slots * v / 2) / (nu * p->slots),
                        EVIDENCE_GAUGE_TAU * limit, nu);
}

double
evidence_pairs_plain(const struct evidence_pairs *p)
{
    double least = p->limit * p->limit / 625, v = p->stdvar / (p->slots - 1);

    return p->slots >= EVIDENCE_PAIRS_MIN ? plain(p->mean, v > least ? v : least, fabs(p->limit)) : 0;
}
