/* evidence_math.h - is the difference between canary and control more than chance? The formulas, and where they come from.
 *
 * Pure functions of what Prometheus has recorded: sums since the start of the phase, the number of slots, and the variance of one recorded
 * difference per slot. The rules (lower_evidence.c) compute the same from the same; the constants below stand in both. Nothing here can give
 * NaN or an infinity: where a formula says nothing (no observations, no bad event at all) evidence is 0, and 0 is never enough.
 *
 * The test is a mixture sequential probability ratio test (H. Robbins, Ann. Math. Stat. 41, 1970; R. Johari, P. Koomen, L. Pekelis, D. Walsh,
 * "Always Valid Inference", Operations Research 70(3), 2022), in the form for an unknown variance, where the normal density becomes
 * Student's: T. L. Lai, Commun. Stat. 5, 1976; H. Wang and A. Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means
 * with unknown variance", Sequential Analysis 44, 2025; as a Bayes factor M. Goenen et al., Am. Statistician 59, 2005. With
 *
 *     d    the difference in the direction of the limit,    tau  the size of difference that is looked for,
 *     V    the estimated variance of d,                     nu   how many slots that estimate is worth (its degrees of freedom),
 *
 *     log L = 1/2 ln(V / (V + tau^2)) + (nu + 1)/2 ln( (nu + d^2/V) / (nu + d^2/(V + tau^2)) )
 *
 * Evidence at level alpha: d on the bad side and log L > ln(1/(2 alpha)), at any slot. For nu -> infinity this is the formula with a known
 * variance, 1/2 ln(V/(V+tau^2)) + d^2 tau^2 / (2V(V+tau^2)). With few slots it asks for more: a variance from five slots is often a
 * third of the true one, and at alpha = 0.002 % a normal test would take that for proof.
 *
 * Both V are shrunk towards a prior guess that counts as EVIDENCE_…_PRIOR slots: so the test is defined from the first slot, one slot alone
 * proves little, and 0 variance is no special case. The priors were chosen by simulation (docs/evidence.md): healthy releases at dispersion 1, 2 and 4. */
#ifndef GUARDRAIL_COMPILER_EVIDENCE_MATH_H
#define GUARDRAIL_COMPILER_EVIDENCE_MATH_H

/* -- counts: ratios, weighted ratios, histogram quantiles ------------------------------------------------------------------------
 *
 *   per cohort, summed since the phase's start: B bad events, N observations; r = B / N
 *       ratio of good events   B = N - good
 *       weighted ratio         N = (sum of w n)^2 / sum of w^2 n, the effective sample size (L. Kish, "Survey Sampling", 1965);
 *                              B = N x weighted bad share
 *       quantile               B = observations above the first bucket edge at or above control's own quantile
 *   d    = r_canary - r_control (of a ratio of good events: the other way round)
 *   p    = (B_canary + B_control) / (N_canary + N_control)                        tau = p
 *   V0   = p (1 - p) (1/N_canary + 1/N_control)           the binomial variance of d when both cohorts are alike
 *   Over-dispersion. Each slot records u = (r_canary,t - r_control,t) / (1/n_canary,t + 1/n_control,t), its difference times the weight of
 *   the slot (the Cochran-Mantel-Haenszel score: W. G. Cochran, Biometrics 10, 1954; N. Mantel, W. Haenszel, J. Natl. Cancer Inst. 22, 1959). A slot where a cohort
 *   has no observations records none. For n such slots
 *   W    = 1 / (1/T_canary + 1/T_control), T the sums of n_t since the phase's start (weighted sums where the metric has weights: what u is
 *        made of), of all slots: one that a single cohort saw counts in its T, though it has no u
 * The slot rate of a quantile is the share above the edge that is known when the slot is recorded: control's quantile since the start until then.
 *   Vb   = sum over cohorts of r'(1 - r')/N,  r' = (B + 1/2)/(N + 1)      the binomial variance of d at the cohorts' own rates
 *   phi  = max(1, (nu0 phi0 + n^2 stdvar(u) / (W^2 Vb)) / nu),    nu = nu0 + n - 1,    nu0 = 8, phi0 = 1.5
 *   V    = phi V0
 *
 * n^2 stdvar(u)/(W^2 Vb) is n - 1 times the usual estimate of dispersion (slot variance over binomial variance; P. McCullagh, J. A. Nelder,
 * "Generalized Linear Models", 1989, 4.5). stdvar is the population's, as in PromQL: 0 for one slot, so phi = phi0 then. Taking the ratio at
 * the cohorts' own rates, and V0 at the pooled one, keeps a real regression from hiding itself in its own larger variance. All n slots
 * with a u count, since the phase's start; there is no least number of them, min_events and min_total stay. */
#define EVIDENCE_COUNT_PRIOR 8.0      /* nu0, in slots */
#define EVIDENCE_COUNT_DISPERSION 1.5 /* phi0 */

struct evidence_cohort {
    double bad, total; /* B, N: effective where weighted */
    double weight;     /* T; = total where nothing is weighted */
};
struct evidence_counts {
    struct evidence_cohort canary, control;
    double slots;  /* n, slots with a u */
    double stdvar; /* of u over these slots */
};
/* log L; >= 0 or negative, finite; 0 when nothing can be said. Says nothing of the side: see evidence_counts_difference(). */
double evidence_counts(const struct evidence_counts *c);
double evidence_counts_difference(
    const struct evidence_counts *c); /* r_canary - r_control; 0 without observations */
double evidence_counts_dispersion(const struct evidence_counts *c); /* phi as used */
/* The formula without any correction, as textbooks have it. For comparison in tables only. */
double evidence_counts_plain(const struct evidence_counts *c);
/* u of one slot; n_ are its observations (or weighted sums), > 0. */
double evidence_score(double canary_rate, double control_rate, double n_canary, double n_control);

/* -- gauges and expressions: paired slot differences -----------------------------------------------------------------------------
 *
 *   delta_t = canary/control - 1 (relative limits) or canary - control (points), one per slot, n of them since the phase's start
 *   d    = avg(delta)                                     tau = 2 |limit|: 0.5 for +25 %
 *   s0   = kappa |limit|, the prior guess of a slot's standard deviation
 *   nu   = nu0 + (n - 1)/2,    nu0 = 4, kappa = 0.2
 *   v    = stdvar(delta), or 6 times that of the last 8 slots where all of them have a delta and it is smaller
 *   V    = 4 (nu0 s0^2 + n v/2) / (nu n)
 *
 * 4 = (1 + rho)/(1 - rho) at rho = 0.6 is how much more the mean of autocorrelated slots varies than that of independent ones (G. E. P. Box,
 * G. M. Jenkins, G. C. Reinsel, "Time Series Analysis"), and such slots are worth about half their number in degrees of freedom (M. S. Bartlett, J. R. Stat. Soc. 98, 1935).
 * It is a constant because an estimate of rho from ten slots is worthless. The prior is the variance floor: a constant difference has
 * stdvar 0. The last 8 slots are asked because a jump in mid-phase is no noise: without them it would raise the variance since the start so far
 * that it could never be evidence. Nothing is decided before EVIDENCE_PAIRS_MIN slots. */
#define EVIDENCE_PAIRS_MIN 5u
#define EVIDENCE_GAUGE_PRIOR 4.0  /* nu0 */
#define EVIDENCE_GAUGE_SPREAD 0.2 /* kappa */
#define EVIDENCE_GAUGE_TAU 2.0    /* tau, in limits */
#define EVIDENCE_GAUGE_INFLATION 4.0
#define EVIDENCE_GAUGE_RECENT 8u         /* slots */
#define EVIDENCE_GAUGE_RECENT_FACTOR 6.0 /* eight slots often show a small part of the variance */

struct evidence_pairs {
    double slots;  /* n */
    double mean;   /* d */
    double stdvar; /* the population's, of delta */
    double recent,
        recent_slots; /* the same of the newest EVIDENCE_GAUGE_RECENT slots, and how many of them have a delta */
    double limit;     /* as a difference: 0.25 for +25 %; its sign does not matter */
};
/* log L; 0 with fewer than EVIDENCE_PAIRS_MIN slots or a limit of 0. */
double evidence_pairs(const struct evidence_pairs *p);

/* The same without correction: independent slots, a normal mean, V = stdvar / (n - 1), at least (tau/25)^2. For comparison in tables only. */
double evidence_pairs_plain(const struct evidence_pairs *p);

/* -- shared ------------------------------------------------------------------------------------------------------------------------ */
/* log L above, for V > 0, tau > 0, nu > 0; else 0. */
double evidence_log(double d, double v, double tau, double nu);
/* ln(1/(2 alpha)), 0 < alpha < 1. */
double evidence_threshold(double alpha);
#endif
