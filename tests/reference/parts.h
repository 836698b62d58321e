/* parts.h - what the files of the reference evaluator share; see evaluate.h. */
#ifndef REFERENCE_PARTS_H
#define REFERENCE_PARTS_H
#include "evaluate.h"

#define EDGES_MAX 16u
#define NEAR 1e-9 /* relative: what two orders of the same sums may differ by, with room to spare */

/* One release stream's active phase at one evaluation. */
struct era {
    bool open;
    struct gr_str deployment, phase;
    const struct phase
        *p;       /* borrowed from the model; NULL for a phase that the specification does not have */
    uint32_t bit; /* of the phase in guardrail.phases */
    double start_s;
};
struct stream_state {
    struct pairs release;
    struct era *at; /* one for each evaluation */
};
/* One slot of one cohort. part: bad or good events, or those of a weighted metric; plain numbers when `on`. */
struct slot {
    bool on;
    double part, total, square;
    double value;
    bool has[EDGES_MAX];
    double count[EDGES_MAX]; /* of buckets */
};
enum lane { LANE_CANARY, LANE_CONTROL, LANE_EARLY, LANE_COUNT }; /* of stream-scope guardrails LANE_CANARY */
/* What is recorded once per slot for both cohorts, and what lies beyond fixed limits that take k of n. */
struct note {
    bool has_delta, has_score, near, near_edge;
    double delta;  /* gauges: the paired difference */
    double score;  /* counts: the weighted difference of rates */
    unsigned over; /* LEVEL_SIDE bits */
};
struct cell {
    const struct guardrail *g;
    struct stream_state *stream;
    struct pairs labels;
    bool listed;      /* a slice of `expect` */
    bool placeholder; /* of a guardrail with dynamic slices: the expected slice without them */
    const struct slice *slice;
    struct slot *slot[LANE_COUNT];
    struct note *note;
};
struct run {
    struct gr_arena *a;
    const struct model *m;
    const struct world *w;
    size_t count; /* evaluations */
    struct stream_state *streams;
    size_t n_streams, cap_streams;
    struct cell *cells;
    size_t n_cells, cap_cells;
    double *edges; /* of the current guardrail's histogram, ascending */
    size_t n_edges;
};
struct pool { /* slots added up */
    size_t slots;
    double size; /* of their values, whatever their sign */
    struct slot sum;
};

/* -- slots.c ---------------------------------------------------------------------------------------------------------------- */
/* The labels of `from` that are named in `names`, in the order of names. p is NULL without memory. */
struct pairs labels_pick(struct gr_arena *a, const struct pairs *from, const struct strs *names);
bool labels_equal(const struct pairs *a, const struct pairs *b);
/* Finds streams and their phases, cells, and edges of histograms. */
bool run_discover(struct run *r);
/* Whether a selector of the guardrail (its name with a suffix) takes a series, of one cohort (empty: of any), in its `only`. */
bool selector_takes(const struct run *r, const struct guardrail *g, const struct gr_promql *selector,
                    struct gr_str suffix, const struct series *s, struct gr_str cohort);
/* Fills run.edges with those of the guardrail's buckets; called before anything is asked about its cells. */
void edges_use(struct run *r, const struct guardrail *g);
/* Records the slots of one cell at evaluation k. */
void slots_record(struct run *r, struct cell *c, size_t k);
/* The slots of a lane from evaluation `from` to k that belong to the era of k, added up. */
struct pool slots_pool(const struct run *r, const struct cell *c, enum lane lane, size_t from, size_t k);
/* The value of pooled slots: a ratio, a quantile, a mean. */
bool pool_value(const struct run *r, const struct guardrail *g, const struct pool *p, double *out);
bool is_counted(const struct guardrail *g); /* ratios and histograms: parts that pool by adding */
bool is_against_control(const struct guardrail *g);
bool has_backstop_bound(const struct guardrail *g);
/* The first evaluation whose slots sums since the start still hold at k. */
size_t since_start(const struct run *r, size_t k);
bool same_era(const struct cell *c, size_t i, size_t k);

/* -- expression.c ----------------------------------------------------------------------------------------------------------- */
struct element {
    struct pairs labels;
    double v;
};
struct vector {
    struct element *v;
    size_t n;
};
struct scope { /* whose expression is evaluated, for which cohort */
    const struct run *r;
    const struct guardrail *g;
    struct gr_str cohort;
};
/* Collects values into one: the mean, the largest, the smallest or the sum. */
struct gather {
    size_t n;
    double v;
};
void gather_add(struct gather *to, enum gr_promql_agg how, double x);
double gather_value(const struct gather *from, enum gr_promql_agg how);
struct vector expression_value(const struct scope *s, const struct gr_promql *e, int64_t t_ms);
/* How far back an expression looks. */
int64_t expression_reach_ms(const struct gr_promql *e);

/* -- chance.c --------------------------------------------------------------------------------------------------------------- */
struct chance {
    bool known;
    double evidence, d; /* d: in the direction of more bad events, or of a larger value */
    bool near_edge;
};
/* Bad events and observations of one lane since the phase's start; of weighted metrics effective ones. */
struct tally {
    bool known;
    double bad, total, weight;
};
struct tally tally_of(const struct run *r, const struct cell *c, enum lane lane, size_t k, bool *near_edge);
/* Writes what chance needs into the note of evaluation k, before chance_of(). */
void chance_note(const struct run *r, struct cell *c, size_t k);
struct chance chance_of(const struct run *r, const struct cell *c, size_t k);
/* ln(1/(2 alpha)) of a level. */
double chance_threshold(const struct run *r, enum level level);
size_t pairs_since_start(const struct run *r, const struct cell *c, size_t k);

/* -- share.c ---------------------------------------------------------------------------------------------------------------- */
/* Whether a slice's flow gets nothing in a phase, so that it cannot report. A slice that does not tell flows apart is never idle. */
bool flow_is_idle(const struct model *m, const struct pairs *labels, const struct phase *p);
/* Whether the canary's share in the window from evaluation `from` to k is not what was planned. */
bool share_is_wrong(const struct run *r, const struct cell *c, size_t from, size_t k, bool *near);

/* -- judge.c ---------------------------------------------------------------------------------------------------------------- */
/* a > b; *near is set when rounding could turn that round. */
bool surely_above(double a, double b, bool *near);
/* False when nothing is said of this cell. */
bool judge(const struct run *r, struct cell *c, size_t k, struct judged *out);
/* Marks in the note of k what lies beyond limits that take k of n slots. */
void judge_note(const struct run *r, struct cell *c, size_t k);
#endif
