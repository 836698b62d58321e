/* topology.c - see topology.h. The numbers below are the healthy fleet: each stays far inside the playbook's
 * limits. */
#include "config.h"
#include "topology.h"

const char *const label_names[LABEL_COUNT] = {
    [L_CLUSTER] = "cluster",
    [L_VENUE] = "venue",
    [L_FLOW] = "flow",
    [L_TRACK] = "track",
    [L_SYMBOL_BUCKET] = "symbol_bucket",
    [L_CLIENT_TIER] = "client_tier",
    [L_HOST] = "host",
};
const char *const flow_names[FLOW_COUNT] = {[FLOW_MARKET_MAKING] = "market_making", [FLOW_AGENCY] = "agency"};
const struct venue venues[VENUE_COUNT] = {
    {"XNAS", "equities", 0.90},
    {"XNYS", "equities", 1.00},
    {"CME", "derivatives", 1.10},
    {"BINANCE", "crypto", 1.30},
};

static const char *const clusters[] = {"equities", "derivatives", "crypto"};
static const char *const tracks[] = {"canary", "control"};
static const char *const symbol_buckets[] = {"a-f", "g-m", "n-s", "t-z"};
static const struct tier {
    const char *name;
    double fill, share; /* ratio of its orders that are filled, and its share of all agency orders */
} tiers[] = {{"platinum", 0.93, 0.2}, {"gold", 0.90, 0.3}, {"silver", 0.87, 0.5}};
static const struct host {
    const char *cluster, *track, *name;
} hosts[] = {
    {"equities", "canary", "equities-canary-1"},
    {"equities", "canary", "equities-canary-2"},
    {"equities", "control", "equities-control-1"},
    {"equities", "control", "equities-control-2"},
    {"equities", "control", "equities-control-3"},
    {"equities", "control", "equities-control-4"},
    {"equities", "control", "equities-control-5"},
    {"equities", "control", "equities-control-6"},
    {"derivatives", "canary", "derivatives-canary-1"},
    {"derivatives", "canary", "derivatives-canary-2"},
    {"derivatives", "control", "derivatives-control-1"},
    {"derivatives", "control", "derivatives-control-2"},
    {"derivatives", "control", "derivatives-control-3"},
    {"derivatives", "control", "derivatives-control-4"},
    {"derivatives", "control", "derivatives-control-5"},
    {"derivatives", "control", "derivatives-control-6"},
    {"crypto", "canary", "crypto-canary-1"},
    {"crypto", "canary", "crypto-canary-2"},
    {"crypto", "control", "crypto-control-1"},
    {"crypto", "control", "crypto-control-2"},
    {"crypto", "control", "crypto-control-3"},
    {"crypto", "control", "crypto-control-4"},
    {"crypto", "control", "crypto-control-5"},
    {"crypto", "control", "crypto-control-6"},
};

static const struct edge match_edges[] = {
    {"0.001", 0.001}, {"0.002", 0.002}, {"0.003", 0.003}, {"0.004", 0.004}, {"0.005", 0.005},
    {"0.006", 0.006}, {"0.007", 0.007}, {"0.008", 0.008}, {"0.01", 0.01},   {"0.015", 0.015},
};
/* Fine around the median, so that a shift of it by a tenth shows. */
static const struct edge quote_edges[] = {
    {"0.01", 0.01},   {"0.02", 0.02}, {"0.03", 0.03},   {"0.035", 0.035}, {"0.04", 0.04},
    {"0.045", 0.045}, {"0.05", 0.05}, {"0.055", 0.055}, {"0.06", 0.06},   {"0.065", 0.065},
    {"0.07", 0.07},   {"0.08", 0.08}, {"0.1", 0.1},     {"0.15", 0.15},   {"0.2", 0.2},
};

#define C LABEL_BIT(L_CLUSTER)
#define CV (C | LABEL_BIT(L_VENUE))
#define CVT (CV | LABEL_BIT(L_TRACK))
#define CVFT (CVT | LABEL_BIT(L_FLOW))
#define HOST (C | LABEL_BIT(L_TRACK) | LABEL_BIT(L_HOST))

const struct family families[FAM_COUNT] = {
    [FAM_ORDER_ACCEPT] = {.name = "execution_order_accept_requests_total",
                          .help = "Orders offered for acceptance.",
                          .part = "execution_order_accept_failures_total",
                          .part_help = "Orders whose acceptance failed.",
                          .shape = SHAPE_RATIO,
                          .labels = CVFT,
                          .level = 0.01,
                          .max = 1,
                          .rate = 1},
    /* Median 3 ms, 99th percentile 3 ms × e^(2.326 × 0.3257) = 6.4 ms; interpolated in its bucket, 6.5 ms. */
    [FAM_MATCH_LATENCY] = {.name = "execution_match_latency_seconds",
                           .help = "Time from an accepted order to its match.",
                           .shape = SHAPE_HISTOGRAM,
                           .labels = CVFT,
                           .level = 0.003,
                           .min = 1e-9,
                           .max = 10,
                           .noise = 0.3257,
                           .rate = 1,
                           .edges = match_edges,
                           .edge_count = GR_COUNT(match_edges)},
    [FAM_QUOTE_AGE] = {.name = "markets_quotes_age_seconds",
                       .help = "Age of the market's quote when an order uses it.",
                       .shape = SHAPE_HISTOGRAM,
                       .labels = CVFT | LABEL_BIT(L_SYMBOL_BUCKET),
                       .level = 0.05,
                       .min = 1e-9,
                       .max = 100,
                       .noise = 0.35,
                       .rate = 1,
                       .edges = quote_edges,
                       .edge_count = GR_COUNT(quote_edges)},
    [FAM_AGENCY_FILL] = {.name = "execution_agency_orders_total",
                         .help = "Agency orders that reached their end.",
                         .part = "execution_agency_filled_total",
                         .part_help = "Agency orders that were filled.",
                         .shape = SHAPE_RATIO,
                         .labels = CVFT | LABEL_BIT(L_CLIENT_TIER),
                         .flows = 1u << FLOW_AGENCY,
                         .level = 0.9,
                         .max = 1,
                         .rate = 1},
    [FAM_RISK_LATENCY] = {.name = "risk_latency_p95_ms",
                          .help =
                              "95th percentile of the risk engine's latency before a trade, in milliseconds.",
                          .shape = SHAPE_GAUGE,
                          .labels = CVT,
                          .level = 10,
                          .max = 1e6,
                          .noise = 0.15,
                          .memory_s = 30},
    [FAM_CPU] = {.name = "infra_host_cpu_utilization",
                 .help = "Share of a host's processors that is busy, 0 to 1.",
                 .shape = SHAPE_GAUGE,
                 .labels = HOST,
                 .level = 0.55,
                 .max = 1,
                 .noise = 0.01,
                 .memory_s = 60},
    [FAM_MEM] = {.name = "infra_host_mem_available_pct",
                 .help = "Share of a host's memory that is available, 0 to 100.",
                 .shape = SHAPE_GAUGE,
                 .labels = HOST,
                 .level = 45,
                 .max = 100,
                 .noise = 0.4,
                 .memory_s = 120},
    [FAM_PNL] =
        {.name = "pnl_realized_delta_bps",
         .help =
             "Realized profit and loss against the control bucket, normalized for exposure, in basis points.",
         .shape = SHAPE_GAUGE,
         .labels = CVFT,
         .level = 0.5,
         .min = -1e6,
         .max = 1e6,
         .noise = 0.3,
         .memory_s = 60},
    [FAM_SPREAD] = {.name = "execution_spread_capture_effective_bps",
                    .help = "Effective spread captured by market making, in basis points.",
                    .shape = SHAPE_GAUGE,
                    .labels = CVFT,
                    .flows = 1u << FLOW_MARKET_MAKING,
                    .level = 2,
                    .min = -1e6,
                    .max = 1e6,
                    .noise = 0.01,
                    .memory_s = 60},
    [FAM_MARKET_RETURN] =
        {.name = "market_return_bps",
         .help = "Return of the whole market, in basis points.",
         .shape = SHAPE_GAUGE,
         .min = -1e6,
         .max = 1e6,
         .noise = 8, /* unadjusted, this alone breaches the drift limits: adjusting must remove it */
         .memory_s = 300},
    [FAM_HEDGE_BETA] = {.name = "hedge_beta",
                        .help = "The hedging desk's market beta of the venue's book.",
                        .shape = SHAPE_GAUGE,
                        .labels = CV,
                        .min = -100,
                        .max = 100,
                        .noise = 0.01,
                        .memory_s = 600},
    [FAM_DRIFT] = {.name = "pnl_unrealized_drift_bps",
                   .help = "Mark-to-market drift, not yet adjusted for market beta, in basis points.",
                   .shape = SHAPE_DRIFT,
                   .labels = CVT,
                   .min = -1e9,
                   .max = 1e9,
                   .noise = 0.3,
                   .memory_s = 60},
    [FAM_REFDATA] = {.name = "data_refdata_age_minutes",
                     .help = "Age of the reference data, in minutes.",
                     .shape = SHAPE_SAWTOOTH,
                     .labels = C,
                     .level = 0.75,
                     .max = 1e6,
                     .memory_s = 45},
    [FAM_MODEL_DRIFT] = {.name = "analytics_model_guardian_drift_score",
                         .help = "Drift score of the model guardian's check.",
                         .shape = SHAPE_GAUGE,
                         .labels = C,
                         .level = 0.1,
                         .max = 1e6,
                         .noise = 0.01,
                         .memory_s = 300},
    [FAM_SCHEMAS] = {.name = "schemas_breaking_changes",
                     .help = "Breaking changes found by the schema comparison.",
                     .shape = SHAPE_GAUGE,
                     .labels = C,
                     .max = 1e6},
};

static bool
has(const struct family *f, enum label label)
{
    return (f->labels & LABEL_BIT(label)) != 0;
}

static struct series *
add(struct topology *t, enum family_id id)
{
    struct series *s = &t->series[t->count];

    GR_ASSERT(t->count < SERIES_MAX);
    t->count++;
    *s = (struct series){.family = id,
                         .level = families[id].level,
                         .rate = families[id].rate,
                         .venue = VENUE_COUNT,
                         .flow = FLOW_COUNT};
    return s;
}

/* Series that share cluster, venue, flow and track: one, or one per symbol bucket or client tier. */
static void
add_leaves(struct topology *t, const struct series *stem)
{
    const struct family *f = &families[stem->family];
    size_t buckets = has(f, L_SYMBOL_BUCKET) ? GR_COUNT(symbol_buckets) : 1;
    size_t tier_count = has(f, L_CLIENT_TIER) ? GR_COUNT(tiers) : 1;

    for (size_t b = 0; b < buckets; b++) {
        for (size_t i = 0; i < tier_count; i++) {
            struct series *s = add(t, stem->family);

            *s = *stem;
            if (has(f, L_SYMBOL_BUCKET))
                s->label[L_SYMBOL_BUCKET] = symbol_buckets[b];
            if (!has(f, L_CLIENT_TIER))
                continue;
            s->label[L_CLIENT_TIER] = tiers[i].name;
            s->level = tiers[i].fill;
            s->rate *= tiers[i].share;
        }
    }
}

static void
add_tracks(struct topology *t, struct series stem)
{
    if (!has(&families[stem.family], L_TRACK)) {
        add_leaves(t, &stem);
        return;
    }
    for (size_t i = 0; i < GR_COUNT(tracks); i++) {
        stem.label[L_TRACK] = tracks[i];
        add_leaves(t, &stem);
    }
}

static void
add_venues(struct topology *t, enum family_id id)
{
    const struct family *f = &families[id];

    for (size_t v = 0; v < VENUE_COUNT; v++) {
        struct series stem = {
            .family = id, .level = f->level, .rate = f->rate, .venue = v, .flow = FLOW_COUNT};

        stem.label[L_CLUSTER] = venues[v].cluster;
        stem.label[L_VENUE] = venues[v].name;
        if (id == FAM_HEDGE_BETA)
            stem.level = venues[v].hedge_beta;
        if (!has(f, L_FLOW)) {
            add_tracks(t, stem);
            continue;
        }
        for (size_t i = 0; i < FLOW_COUNT; i++) {
            if (f->flows != 0 && (f->flows & 1u << i) == 0)
                continue;
            stem.flow = i;
            stem.label[L_FLOW] = flow_names[i];
            add_tracks(t, stem);
        }
    }
}

static void
add_hosts(struct topology *t, enum family_id id)
{
    for (size_t i = 0; i < GR_COUNT(hosts); i++) {
        struct series *s = add(t, id);

        s->label[L_CLUSTER] = hosts[i].cluster;
        s->label[L_TRACK] = hosts[i].track;
        s->label[L_HOST] = hosts[i].name;
    }
}

void
topology_init(struct topology *t)
{
    memset(t, 0, sizeof(*t));
    for (enum family_id id = 0; id < FAM_COUNT; id++) {
        if (has(&families[id], L_HOST)) {
            add_hosts(t, id);
        } else if (has(&families[id], L_VENUE)) {
            add_venues(t, id);
        } else if (has(&families[id], L_CLUSTER)) {
            for (size_t i = 0; i < GR_COUNT(clusters); i++)
                add(t, id)->label[L_CLUSTER] = clusters[i];
        } else {
            add(t, id);
        }
    }
}
