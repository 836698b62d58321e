/* prove.h - generated unit tests of the emitted rules: what guardrailc test writes and runs.
 *
 * Per guardrail there is a world: release streams side by side, one per case ("hard-upper-at", "control-gone"), each with the raw samples
 * that Prometheus would scrape (prove_suite.c). What must come of them is computed here from the model and the contract in
 * docs/rule-reference.md (prove_eval.c, prove_verdict.c), never by running the rules and with no code of lower_*.c. promtool then runs the rules over the same samples
 * and compares (prove_write.c). All cases of a world are evaluated together: that costs promtool little more than one of them.
 *
 * Cases live in streams that `expect` does not list, so the tightest limits hold there; the listed streams are in each world too, for
 * what is expected, what is missing and each slice's own limit. The label that tells cases apart is the first release label that no guardrail's `only` fixes.
 *
 * Everything is in one arena. Floating point: the operations are those of Prometheus, in its order; results are still compared rounded where
 * they went through a logarithm or a division, see prove_write.c. */
#ifndef GUARDRAIL_COMPILER_PROVE_H
#define GUARDRAIL_COMPILER_PROVE_H
#include "guardrail/buf.h"
#include "guardrail/rulefile.h"
#include "model.h"

#define PROVE_STRANGER                                                                                       \
    "a-stranger" /* a guardrail that no specification has: series named so are in the tests of all */
#define PROVE_NONE (-1e300) /* no sample, no series */
#define PROVE_PARTS 32u     /* counters of one cohort: two per weight, or buckets */
#define PROVE_INSTANCES 2u
#define PROVE_EXPORTS 4u
#define PROVE_BOUNDS 12u
#define PROVE_TIMES 24u
#define PROVE_STEPS_MAX 400u

enum prove_cohort {
    PROVE_CANARY,
    PROVE_CONTROL,
    PROVE_EARLY,
    PROVE_COHORTS
}; /* the last has slots, no samples */

/* One (deployment, phase) that guardraild exports: scrapes [from, to), the phase's series 1 in [on, off). */
struct prove_export {
    const char *deployment;
    size_t phase;
    double start_s;
    double before_s; /* the start that is told before it is on: of an earlier time in this phase */
    size_t from, to, on, off;
    size_t start_to; /* scrapes of the start end here */
};
/* What is known of a cell after one evaluation; PROVE_NONE: there is no such series. */
struct prove_state {
    double window[PROVE_COHORTS];                    /* guardrail:window:value */
    double covered[PROVE_COHORTS];                   /* guardrail:coverage:cohort */
    double total[PROVE_COHORTS], bad[PROVE_COHORTS]; /* since the phase's start */
    bool spoilt[PROVE_COHORTS];                      /* a slot since then has a NaN in some part */
    double coverage, effect, evidence, difference, enough;
    double limit[PROVE_BOUNDS], breach[PROVE_BOUNDS], supported[PROVE_BOUNDS];
    int verdict; /* -1: none */
    const char *reason;
};
/* What a cell's rules are given as it stands, instead of samples; PROVE_NONE: not there. */
struct prove_feed {
    double effect, coverage, evidence, difference, enough;
    double bad;       /* the canary's events since the phase's start */
    double other_bad; /* control's, of which there is no total; 0: none */
    double window;    /* the canary's own value */
    /* The bound of which there are slots beyond it, and enough of them; they and `enough` are all there is. NULL: none. They carry the stream's
     * first export, which is not active any more: nothing comes of them. */
    const struct bound *left_behind;
    double
        stranger; /* what another guardrail's breaches show, as proved at every level and side: all there is; 0: none */
    /* A value proved at this bound, or at its level and another side: all there is. NULL: none. */
    const struct bound *proved;
    double proved_value;
    bool other_side;
    bool
        overdue_elsewhere; /* another phase of this release, and another release in this phase, are overdue */
    bool weightless;       /* both cohorts' totals are 0, their squares are not: all there is */
    bool idle;             /* both cohorts have counted nothing, whatever the effect is */
};
/* A slice of a stream. */
struct prove_cell {
    struct pairs labels;          /* with dynamic ones */
    const struct slice *expected; /* NULL: `expect` does not list it */
    bool
        row; /* stands for an expected slice as such, without a value of its dynamic labels; behind all that have one */
    double *raw[2][PROVE_PARTS][PROVE_INSTANCES]; /* a sample per scrape; NULL: no series */
    double *slot[PROVE_COHORTS][PROVE_PARTS];     /* an entry per step */
    double *good[PROVE_COHORTS];           /* the same: good events, also where their total is not known */
    double *delta, *over[2][PROVE_BOUNDS]; /* beyond a confirmed limit: the canary's slots, control's */
    struct prove_state *state;             /* per step */
    const struct prove_feed *feed;         /* NULL: samples */
    bool strange;                          /* another guardrail, which no specification has, has slots here */
};
struct prove_stream {
    struct gr_str name;
    struct pairs release;
    bool real;
    bool shared;    /* another specification has the same phase open, and does not close it */
    bool intruded;  /* the rules of another specification have recorded series with the same labels */
    uint32_t index; /* of the model's streams, when real */
    struct prove_export exports[PROVE_EXPORTS];
    size_t n_exports;
    struct prove_cell *cells;
    size_t n_cells, cap_cells;
    int *active;               /* per step: index of the export, or -1 */
    size_t times[PROVE_TIMES]; /* steps whose results are compared */
    size_t n_times;
    const struct gr_str *decoys; /* series that must not matter */
    size_t n_decoys;
    double decoy_value;
    size_t twin; /* 1 + the stream of this world that shows the same without decoys; 0: none */
};
struct prove_world {
    struct gr_arena *arena;
    const struct model *m;
    const struct guardrail *g;
    const char *name;      /* of promtool's test group */
    size_t scrapes, steps; /* step k is at k × step_ms, scrape i at i × the scrape interval */
    int64_t step_ms;
    double test_s;                   /* evidence is summed over no more than this */
    const struct prove_share *share; /* of each stream, where the world is about shares; else NULL */
    bool left_open;                  /* ranges of Prometheus 3 leave their left end out */
    double edges[8];                 /* histograms: le of the buckets, the last is infinite */
    size_t n_edges, n_parts;
    struct prove_stream *streams;
    size_t n_streams, cap_streams;
    enum gr_err err;
};
/* All worlds of one guardrail. */
struct prove_suite {
    const struct guardrail *g;
    struct prove_world **worlds;
    size_t n_worlds, cap_worlds;
    size_t cases;
    bool left_open;
    const char *refused; /* why there are none: words for the user */
};

/* -- cases (prove_suite.c) ---------------------------------------------------------------------------------------------- */
/* rules: as they are emitted, for what must not be read; NULL: no such cases. */
GR_MUST_USE enum gr_err prove_suite_build(struct gr_arena *a, const struct model *m,
                                          const struct guardrail *g, const struct gr_rulefile *rules,
                                          bool left_open, struct prove_suite *out);
/* Whether the rule has a part in what becomes of this guardrail (prove_rules.c). */
bool prove_concerns(const struct gr_rule *r, struct gr_str guardrail);
/* An expression of a rule; NULL without memory. */
struct gr_promql *prove_parse(struct gr_arena *a, struct gr_str expr);
/* -- the canary's share of the traffic (prove_share.c) ------------------------------------------------------------------- */
/* What one stream shows. */
struct prove_share {
    size_t phase;
    double share, planned; /* planned 0: nothing is */
    double per_scrape;     /* observations, both cohorts together; before weights */
    bool few;              /* so few that the verdict hangs on min_total as well */
};
/* Adds worlds to the suite of a guardrail that is asked for its share (model_checks_share); to any other nothing. */
GR_MUST_USE enum gr_err prove_share_build(struct gr_arena *a, struct prove_suite *suite,
                                          const struct model *m);
bool prove_share_any(const struct prove_suite *suite);
/* A test file of these worlds; rules as for prove_put_tests. And some streams of one world, without the head. */
void prove_share_put(struct gr_buf *b, const struct prove_suite *suite, const char *rules);
void prove_share_put_world(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to);
/* -- levels: what a scrape adds (counters) or shows (gauges), so that the effect is as wanted (prove_level.c) ------------ */
struct prove_level {
    double v[2][PROVE_PARTS];
};
/* Sets w->edges. */
void prove_level_init(struct prove_world *w);
struct prove_level prove_level_effect(const struct prove_world *w, double effect);
/* The canary's own value (and control's the same): for backstops. */
struct prove_level prove_level_value(const struct prove_world *w, double value);
/* Control below its floor, canary `effect` times the floor. */
struct prove_level prove_level_floor(const struct prove_world *w, double effect);
/* The same shares with `factor` times the observations; rounded to what adds up exactly. */
struct prove_level prove_level_scaled(const struct prove_world *w, struct prove_level l, double factor);
/* -- arithmetic --------------------------------------------------------------------------------------------------------- */
/* Fills slots and states of every cell (prove_eval.c). */
void prove_evaluate(struct prove_world *w);
/* Whether it is known at step k which slices must report; and this one. */
bool prove_expects(const struct prove_world *w, const struct prove_stream *s, const struct slice *slice,
                   size_t k);
double prove_time_s(const struct prove_world *w, size_t k);
const struct prove_export *prove_active(const struct prove_stream *s, size_t k);
bool prove_gate(const struct prove_world *w, const struct prove_stream *s, size_t k);
bool prove_overdue(const struct prove_world *w, const struct prove_stream *s, size_t k);
/* Limits, breaches, verdict of one step (prove_verdict.c). */
void prove_judge(const struct prove_world *w, const struct prove_stream *s, struct prove_cell *c, size_t k);
/* The effect outside the limits, where it is proved at this one's level and side, or of guardrails without a test at all; else PROVE_NONE. */
double prove_proved(const struct prove_world *w, const struct prove_cell *c, const struct bound *b, size_t k);
/* The literal that holds for a slice with these labels outside `expect`. */
double prove_literal_outside(const struct guardrail *g, const struct bound *b, struct pairs labels);
/* Whether there can be several series of each cohort: of an expression only where their mean is what it gives. */
bool prove_shows_instances(const struct prove_world *w);
/* A value that an expression gives when every series of its own shows v (prove_input.c). */
double prove_expression(const struct prove_world *w, double v);
bool prove_has_slot(const struct prove_world *w, const struct prove_cell *c, enum prove_cohort cohort,
                    size_t k);
/* A cohort's own value in one slot. */
double prove_slot_value(const struct prove_world *w, const struct prove_cell *c, enum prove_cohort cohort,
                        size_t k);
struct gr_str prove_canary_name(const struct prove_world *w);
/* What log evidence must exceed, as the rules state it: four decimals. */
double prove_threshold(const struct model *m, enum level level);
uint64_t prove_slots(const struct prove_world *w, size_t phase);
/* -- writing ------------------------------------------------------------------------------------------------------------ */
/* Streams [from, to) of one world: a test of its own, as streams know nothing of each other. */
struct prove_part {
    size_t world, from, to;
};
/* The parts that a suite falls into, a few streams each; counted from 0. false: there are not so many. */
bool prove_part(const struct prove_suite *s, size_t n, struct prove_part *out);
/* input_series (prove_input.c) */
void prove_put_series(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to);
/* NULL, or why samples for this guardrail's selectors cannot be made up. */
const char *prove_input_refused(const struct prove_world *w);
void prove_put_number(struct gr_buf *b, double v);
/* A test file of the worlds that step by step_ms. rules: the name of the rule file beside it (prove_write.c). */
void prove_put_tests(struct gr_buf *b, const struct prove_suite *suite, int64_t step_ms, const char *rules);
void prove_put_part(struct gr_buf *b, const struct prove_suite *suite, const struct prove_part *part,
                    const char *rules);
#endif
