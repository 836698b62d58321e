/* rates_parts.h - what the reader of rates files (rates_read.c) and their use (rates.c) share. */
#ifndef GUARDRAIL_COMPILER_RATES_PARTS_H
#define GUARDRAIL_COMPILER_RATES_PARTS_H
#include "rates.h"
#include "spec_parts.h"

enum fact {
    FACT_PER_SECOND,
    FACT_PER_REQUEST,
    FACT_BAD,
    FACT_DISPERSION,
    FACT_NOISE,
    FACT_AUTOCORRELATION,
    FACT_SPREAD,
    FACT_VALUE,
    FACTS
};
struct facts {
    double v[FACTS]; /* NAN: not stated */
};
struct rates_where {
    struct pairs where;
    struct facts facts;
};
struct rates_guardrail {
    struct facts facts;
    struct rates_where *slices;
    size_t n;
    double *mix; /* shares of metric.weights, in their order; NULL: not stated */
};
struct rates {
    const struct model *m;
    struct facts facts; /* dispersion and autocorrelation of all */
    double control;     /* NAN: not stated */
    struct rates_cell *cells;
    size_t n_cells;
    struct rates_guardrail *guardrails; /* parallel to the model's */
};
bool rates_where_slice(const struct model *m, const struct pairs *where, const struct guardrail *g,
                       const struct slice *slice);
#endif
