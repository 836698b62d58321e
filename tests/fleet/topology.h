/* topology.h - what the simulated fleet consists of: clusters, venues, flows, cohorts, hosts, and every
 * series they export.
 *
 * Metric names and labels are those of the TradePulse playbook and of the example spec; tests and examples
 * rely on them. To add a metric: one row in families[] (topology.c), and one in fault.c for the fault that
 * moves it. Everything here is constant. Strings are static; a label value is compared as text. */
#ifndef FLEET_TOPOLOGY_H
#define FLEET_TOPOLOGY_H
#include "guardrail/base.h"

enum label { L_CLUSTER, L_VENUE, L_FLOW, L_TRACK, L_SYMBOL_BUCKET, L_CLIENT_TIER, L_HOST, LABEL_COUNT };
#define LABEL_BIT(l) (1u << (l))
extern const char *const label_names[LABEL_COUNT];

enum { FLOW_MARKET_MAKING, FLOW_AGENCY, FLOW_COUNT };
extern const char *const flow_names[FLOW_COUNT];

#define VENUE_COUNT 4
struct venue {
    const char *name, *cluster;
    double hedge_beta; /* the venue's own level of hedge_beta */
};
extern const struct venue venues[VENUE_COUNT];

enum family_id {
    FAM_ORDER_ACCEPT,
    FAM_MATCH_LATENCY,
    FAM_QUOTE_AGE,
    FAM_AGENCY_FILL,
    FAM_RISK_LATENCY,
    FAM_CPU,
    FAM_MEM,
    FAM_PNL,
    FAM_SPREAD,
    FAM_MARKET_RETURN, /* before hedge_beta and the drift, which is computed from both */
    FAM_HEDGE_BETA,
    FAM_DRIFT,
    FAM_REFDATA,
    FAM_MODEL_DRIFT,
    FAM_SCHEMAS,
    FAM_COUNT
};

enum shape {
    SHAPE_RATIO,     /* two counters: all events, and those that count (failures, fills) */
    SHAPE_HISTOGRAM, /* log-normally distributed seconds */
    SHAPE_GAUGE,     /* a level with autocorrelated noise */
    SHAPE_SAWTOOTH,  /* a gauge that grows and is set back, from 0 to just below its level */
    SHAPE_DRIFT      /* a gauge: hedge_beta × market_return_bps + its level + noise */
};

struct edge {
    const char *le; /* as exported */
    double s;
};
#define EDGES_MAX 16

struct family {
    const char *name, *help;
    const char *part, *part_help; /* of a ratio: the counter of those that count */
    enum shape shape;
    unsigned labels; /* LABEL_BIT()s */
    unsigned flows;  /* bits of the flows that have it; 0: both */
    /* The healthy level: ratio 0..1, median seconds, or the gauge's value. A series may have its own. */
    double level;
    double min, max; /* of the level with faults and of a gauge with noise */
    double noise;    /* standard deviation: of a gauge, in its unit; of a histogram, of the logarithm */
    double memory_s; /* time constant of a gauge's noise, or the period of a sawtooth, in simulated seconds */
    double rate; /* events per order: 1 gives a series one event per order of its venue, flow and cohort */
    const struct edge *edges; /* of a histogram, ascending, without +Inf */
    size_t edge_count;
};
extern const struct family families[FAM_COUNT];

struct series {
    enum family_id family;
    const char *label[LABEL_COUNT]; /* NULL: does not carry it */
    double level;                   /* the family's, or the venue's or tier's own */
    double rate;                    /* the family's × the tier's share of the orders */
    size_t venue, flow;             /* indices; VENUE_COUNT and FLOW_COUNT when it carries none */
};

#define SERIES_MAX 256
struct topology {
    struct series series[SERIES_MAX]; /* by family, so that the exposition keeps each metric together */
    size_t count;
};
void topology_init(struct topology *t);
#endif
