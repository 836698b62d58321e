/* rates.h - what a system is expected to see: traffic, rates of bad events, noise. The input of `guardrailc power`.
 *
 * A rates file is YAML, read as strictly as a specification (unknown keys, wrong kinds and values out of range are findings with their place).
 * All of it is optional; what it does not say is assumed, and everything that is assumed can be told (rated.assumed).
 *
 *     dispersion: 2                # variance of a slot's bad events, in multiples of the binomial one
 *     autocorrelation: 0.3         # of gauges, from slot to slot
 *     control: 100%                # of what the canary does not get, the share that is labelled control
 *     traffic:                     # requests a second of each (stream, slice, flow) that matches, canary and the rest together; the
 *       - {where: {cluster: eu, flow: web}, per_second: 120}                   entry that names most labels wins, then the later one
 *     guardrails:
 *       errors:
 *         bad: 0.5%                # or good: 97%; of a quantile, spread: 0.5; of a gauge, noise: 4%
 *         per_request: 1           # observations for each request, or per_second: 12, observations in each slice
 *         slices: [{where: {zone: b}, bad: 2%}]
 *
 * docs/power.md has every key. Nothing here simulates. Everything lives in the arena that rates_read() was given. */
#ifndef GUARDRAIL_COMPILER_RATES_H
#define GUARDRAIL_COMPILER_RATES_H
#include "guardrail/diag.h"
#include "model.h"

#define RATES_BYTES_MAX (1u << 20)
#define RATES_PER_SECOND_MAX 1e9
#define RATES_CELLS_MAX 100000u /* (stream, slice, flow) combinations of `expect` */

/* What is taken when the file says nothing. */
#define RATES_PER_SECOND 100.0   /* requests a second in each stream, slice and flow */
#define RATES_BAD 0.01           /* bad events per observation */
#define RATES_DISPERSION 2.0     /* independent events have 1; services with retries and bursts have 2 to 4 */
#define RATES_NOISE 0.05         /* of canary/control - 1, from slot to slot */
#define RATES_NOISE_OF_LIMIT 0.2 /* of canary - control, in multiples of the hard limit */
#define RATES_AUTOCORRELATION 0.3
#define RATES_SPREAD 0.5 /* log standard deviation of values; the 99th percentile is 3.2 times the median */

enum rates_fact { /* the bits of rated.assumed are 1 << these */
                  RATES_FACT_TRAFFIC,
                  RATES_FACT_BAD,
                  RATES_FACT_DISPERSION,
                  RATES_FACT_NOISE,
                  RATES_FACT_AUTOCORRELATION,
                  RATES_FACT_SPREAD,
                  RATES_FACT_CONTROL,
                  RATES_FACT_MIX,
                  RATES_FACT_VALUE,
                  RATES_FACTS
};
const char *rates_fact_name(enum rates_fact fact); /* the key that states it */

/* What one guardrail sees on one slice in one phase. */
struct rated {
    double canary_per_second, control_per_second; /* observations (effective ones of weighted ratios) */
    double bad;                                   /* ratios: bad events per observation */
    double dispersion;
    double noise,
        autocorrelation; /* gauges: of canary/control - 1, or of canary - control in the metric's unit */
    double spread;       /* quantiles */
    double
        value; /* quantiles with a limit in points: the quantile's value, in the metric's unit; 0: not stated */
    unsigned assumed; /* which of them the file does not say */
};

struct rates;
/* Nothing is stated. GR_ENOMEM; GR_ELIMIT past RATES_CELLS_MAX. */
GR_MUST_USE enum gr_err rates_none(struct gr_arena *a, const struct model *m, struct rates **out);
/* Reads a file of the table. GR_OK; GR_EUSER: findings say what is wrong. */
GR_MUST_USE enum gr_err rates_read(struct gr_arena *a, struct gr_sources *sources, uint32_t file,
                                   struct model *m, struct gr_diags *d, struct rates **out);
/* Lays a file on what is known already: what it states holds instead, all else stays. *r is spoilt if it fails. As rates_read. */
GR_MUST_USE enum gr_err rates_lay(struct gr_arena *a, struct gr_sources *sources, uint32_t file,
                                  struct model *m, struct gr_diags *d, struct rates *r);
/* NULL if a guardrail's `key` may be v (shares as ratios), else what it can be. */
const char *rates_refuse(const char *key, double v);
/* grow: what every share of the canary's is multiplied by, up to half of the traffic; 1 asks for the phase as it is. */
struct rated rates_of(const struct rates *r, const struct guardrail *g, const struct slice *slice,
                      const struct phase *p, double grow);
/* By how much the shares that a slice sees in a phase can grow until one of them is half of the traffic; 0: it sees none. */
double rates_grow_max(const struct rates *r, const struct guardrail *g, const struct slice *slice,
                      const struct phase *p);
/* The labels that traffic is stated by, one row for each stream, slice and flow. */
struct rates_cell {
    uint32_t stream;
    struct pairs labels; /* of the slice and the flow, sorted */
    struct gr_str flow;
    double per_second;
    bool assumed;
};
const struct rates_cell *rates_cells(const struct rates *r, size_t *n);
/* Whether a guardrail's slice takes in a cell. */
bool rates_cell_in(const struct model *m, const struct rates_cell *c, const struct guardrail *g,
                   const struct slice *slice);
#endif
