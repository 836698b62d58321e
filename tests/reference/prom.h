/* prom.h - Prometheus, as far as the reference evaluator needs it: samples on a scrape grid, and functions of one series.
 *
 * Written from Prometheus' documentation and from the source of version 2.42 (promql/functions.go: extrapolatedRate and the functions
 * …_over_time; promql/quantile.go: bucketQuantile), in our own words:
 *
 *   range       [t − range, t] holds both its ends in 2.x and not the left one in 3.x (left_open). Stale markers are no samples.
 *   increase    the last sample minus the first, plus the value before each reset (a drop of the counter); no result from fewer than two
 *               samples. It is scaled up to the range: at either end by the distance to the range's end where that is less than 1.1 times the
 *               mean distance of samples, else by half that mean; at the start never past the moment when the counter would have been 0.
 *   rate        the same by the range's seconds. delta: of gauges, a drop is no reset and nothing is 0 somewhere. irate: of the last two samples.
 *   offset      everything that far back, extrapolation too.
 *   subquery    [range:step] evaluates at the multiples of step within the range, both ends as above.
 *   instant     the newest sample of the last five minutes; nothing when that is a stale marker.
 *   quantile    linear within a bucket, from 0 in the first one; the last finite edge where the rank lies above it. Of buckets that
 *               are NaN some edge, so a number.
 *
 * A world is what Prometheus scraped: every series has one cell per scrape, at times 0, step, 2 step …. It borrows all its texts. */
#ifndef REFERENCE_PROM_H
#define REFERENCE_PROM_H
#include "compiler/model.h"

enum sample_kind { SAMPLE_NONE, SAMPLE_STALE, SAMPLE_VALUE };
struct sample {
    enum sample_kind kind;
    double v;
};
struct series {
    struct gr_str name;
    struct pairs labels; /* sorted by name */
    struct sample *at;   /* world.scrapes of them */
};
#define SERIES_MAX 4000u
struct world {
    struct series *series;
    size_t n;
    size_t scrapes;
    int64_t step_ms;
    bool left_open; /* Prometheus 3.x */
};

/* Functions of a range. */
enum over_time {
    OVER_AVG,
    OVER_MAX,
    OVER_MIN,
    OVER_LAST,
    OVER_SUM,
    OVER_RATE,
    OVER_INCREASE,
    OVER_DELTA,
    OVER_IRATE
};
/* Samples of one series, or what a subquery gave for one, in [to − range, to]. */
#define POINTS_MAX 64u
struct points {
    int64_t to_ms, range_ms;
    size_t n;
    int64_t t_ms[POINTS_MAX];
    double v[POINTS_MAX];
};
void points_add(struct points *p, int64_t t_ms, double v);

/* The value of a label, empty when the series does not have it. */
struct gr_str label_of(const struct pairs *labels, struct gr_str name);
/* All of these: false when there is no result. t_ms is the evaluation's time. */
bool prom_points(const struct points *p, enum over_time how, double *out);
bool prom_over_time(const struct world *w, const struct series *s, int64_t t_ms, int64_t range_ms,
                    enum over_time how, double *out);
bool prom_instant(const struct world *w, const struct series *s, int64_t t_ms, double *out);

/* One bucket of a histogram: observations up to and including an edge (le), +Inf for the last. */
struct bucket {
    double edge, count;
};
/* Of n buckets, edges ascending, the last one +Inf; NaN where Prometheus says NaN. Changes counts: they are made to ascend. */
double prom_quantile(double q, struct bucket *b, size_t n);
/* A selector's matchers (=, != and alternatives of plain words in =~, !~) and its metric's name. */
bool prom_matches(const struct gr_promql *selector, struct gr_str suffix, const struct series *s);
#endif
