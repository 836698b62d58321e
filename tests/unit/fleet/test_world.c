#include "config.h"
#include "world.h"

#include <math.h>

#include "guardrail/sys.h"
#include "look.h"
#include "test_fleet.h"

#define RPS 20000.0

/* ---- healthy ---- */

static void
check_gauges(const struct world *w)
{
    ck_assert(look_max(w, FAM_RISK_LATENCY, "track=canary") <
              1.15 * look_min(w, FAM_RISK_LATENCY, "track=control"));
    ck_assert(look_max(w, FAM_CPU, "") < 0.7 && look_min(w, FAM_CPU, "") > 0.4);
    ck_assert(look_min(w, FAM_MEM, "") > 40 && look_max(w, FAM_MEM, "") < 50);
    ck_assert(look_max(w, FAM_PNL, "") < 3 && look_min(w, FAM_PNL, "") > -3);
    ck_assert(look_min(w, FAM_SPREAD, "track=canary") > 0.95 * look_max(w, FAM_SPREAD, "track=control"));
    ck_assert(look_max(w, FAM_REFDATA, "") < 1 && look_min(w, FAM_REFDATA, "") >= 0);
    ck_assert(look_max(w, FAM_MODEL_DRIFT, "") < 0.2 && look_min(w, FAM_MODEL_DRIFT, "") > 0);
    ck_assert(look_max(w, FAM_SCHEMAS, "") <= 0);
    for (size_t v = 0; v < VENUE_COUNT; v++) {
        ck_assert(fabs(look_drift(w, venues[v].name, "canary")) < 2.5);
        ck_assert(fabs(look_drift(w, venues[v].name, "control")) < 2.5);
    }
}

START_TEST(healthy_stays_inside)
{
    static const char *const tracks[] = {"track=canary", "track=control"};
    struct world *w = look_world((uint64_t)_i, RPS);
    double loudest = 0;

    for (int step = 0; step < 300; step++) {
        world_step(w, 15);
        check_gauges(w);
        loudest = fmax(loudest, fabs(look_max(w, FAM_DRIFT, "")));
    }
    ck_assert_msg(loudest > 6, "the market moves the drift past its limit: adjusting for beta matters");
    for (size_t i = 0; i < GR_COUNT(tracks); i++) {
        const char *t = tracks[i];
        double errors =
            (double)look_part(w, FAM_ORDER_ACCEPT, t) / (double)look_total(w, FAM_ORDER_ACCEPT, t);
        double fills = (double)look_part(w, FAM_AGENCY_FILL, t) / (double)look_total(w, FAM_AGENCY_FILL, t);

        ck_assert_msg(fabs(errors - 0.01) < 0.0002, "%s: %g errors", t, errors);
        ck_assert_msg(fabs(fills - 0.891) < 0.001, "%s: %g fills", t,
                      fills); /* 0.2 × 0.93 + 0.3 × 0.9 + 0.5 × 0.87 */
        ck_assert(fabs(look_quantile(w, FAM_MATCH_LATENCY, t, 0.99) - 0.00655) < 0.0001);
        ck_assert(fabs(look_quantile(w, FAM_QUOTE_AGE, t, 0.5) - 0.05) < 0.0002);
    }
    world_free(w);
}
END_TEST

START_TEST(events_follow_rate_and_share)
{
    struct world *w = look_world(3, RPS);
    double all = RPS * 1000;

    world_step(w, 1000);
    ck_assert(fabs((double)look_total(w, FAM_ORDER_ACCEPT, "venue=XNAS flow=agency track=canary") -
                   0.05 * all) < 5 * sqrt(0.05 * all));
    ck_assert(fabs((double)look_total(w, FAM_MATCH_LATENCY, "venue=CME flow=market_making track=control") -
                   0.85 * all) < 5 * sqrt(0.85 * all));
    ck_assert(fabs((double)look_total(w, FAM_QUOTE_AGE,
                                      "venue=CME flow=market_making track=canary symbol_bucket=a-f") -
                   0.15 * all) < 5 * sqrt(0.15 * all));
    ck_assert(fabs((double)look_total(w, FAM_AGENCY_FILL, "venue=XNAS track=canary client_tier=gold") -
                   0.3 * 0.05 * all) < 5 * sqrt(0.3 * 0.05 * all));
    world_free(w);
}
END_TEST

/* The mean of a log-normal distribution is median × e^(σ²/2). */
START_TEST(sum_of_a_histogram_is_its_mean)
{
    struct world *w = look_world(3, RPS);
    size_t i = 0;

    world_step(w, 1000);
    while (w->topology.series[i].family != FAM_MATCH_LATENCY)
        i++;
    ck_assert(fabs(w->points[i].sum / (double)w->points[i].total / (0.003 * exp(0.3257 * 0.3257 / 2)) - 1) <
              0.002);
    world_free(w);
}
END_TEST

/* Whatever was observed, the sum lies between what the buckets' lower and upper edges allow. */
START_TEST(sum_of_a_histogram_fits_its_buckets)
{
    struct world *w = look_world(3, 1);

    world_step(w, 20); /* a handful of events each, mostly away from the mean */
    for (size_t i = 0; i < w->topology.count; i++) {
        const struct family *f = &families[w->topology.series[i].family];
        const struct point *p = &w->points[i];
        double low = 0, high = 0;

        for (size_t b = 0; b < f->edge_count; b++) {
            low += (double)p->bucket[b] * (b > 0 ? f->edges[b - 1].s : 0);
            high += (double)p->bucket[b] * f->edges[b].s;
        }
        if (f->shape == SHAPE_HISTOGRAM && p->bucket[f->edge_count] == 0)
            ck_assert_msg(p->sum >= low && p->sum <= high, "series %zu: %g not in %g to %g", i, p->sum, low,
                          high);
    }
    world_free(w);
}
END_TEST

/* Noise has its standard deviation however finely time is cut; neighbours in time are alike. */
START_TEST(noise_does_not_depend_on_the_step)
{
    static const double steps[] = {30, 3000}; /* risk latency remembers 30 s */
    struct world *w = look_world(4, 1);
    double squares = 0, products = 0, last = 0, keep = exp(-steps[_i] / 30);
    const int count = 4000;
    size_t at = 0;

    look_break(w, "traffic x0");
    while (w->topology.series[at].family != FAM_RISK_LATENCY)
        at++;
    for (int i = 0; i < count; i++) {
        world_step(w, steps[_i]);
        squares += w->points[at].noise * w->points[at].noise;
        products += w->points[at].noise * last;
        last = w->points[at].noise;
    }
    ck_assert_double_eq_tol(sqrt(squares / count), 0.15, 0.01);
    ck_assert_double_eq_tol(products / squares, keep, 0.08);
    world_free(w);
}
END_TEST

/* ---- sameness ---- */

/* Whether a series looks the same in both worlds. */
static bool
same_point(const struct world *a, const struct world *b, size_t i)
{
    const struct point *p = &a->points[i], *q = &b->points[i];

    return p->total == q->total && p->part == q->part &&
           memcmp(p->bucket, q->bucket, sizeof(p->bucket)) == 0 &&
           memcmp(&p->sum, &q->sum, sizeof(p->sum)) == 0 &&
           memcmp(&p->value, &q->value, sizeof(p->value)) == 0;
}

START_TEST(seed_decides)
{
    struct world *a = look_world(5, RPS), *b = look_world(5, RPS), *c = look_world(6, RPS);
    size_t changed = 0;

    for (int i = 0; i < 20; i++) {
        world_step(a, 7);
        world_step(b, 7);
        world_step(c, 7);
    }
    for (size_t i = 0; i < a->topology.count; i++) {
        ck_assert(same_point(a, b, i));
        changed += !same_point(a, c, i);
    }
    ck_assert_uint_ge(changed, a->topology.count - 6); /* all but the sawtooth and the schemas */
    world_free(a);
    world_free(b);
    world_free(c);
}
END_TEST

START_TEST(no_time_no_change)
{
    static const double steps[] = {0, -1, (double)NAN};
    struct world *a = look_world(5, RPS), *b = look_world(5, RPS);

    world_step(a, 60);
    world_step(b, 60);
    for (size_t i = 0; i < GR_COUNT(steps); i++)
        world_step(b, steps[i]);
    for (size_t i = 0; i < a->topology.count; i++)
        ck_assert(same_point(a, b, i));
    ck_assert(a->now_s <= b->now_s && a->now_s >= b->now_s);
    world_free(a);
    world_free(b);
}
END_TEST

START_TEST(huge_step_is_cut)
{
    struct world *w = look_world(5, WORLD_RPS_MAX);

    look_break(w, "traffic x1000");
    world_step(w, 1e300);
    ck_assert(w->now_s <= WORLD_STEP_S_MAX);
    /* 1e7 × 1000 × 1e7 × 5 %: still counted to within a part in a million */
    ck_assert(fabs((double)look_total(w, FAM_ORDER_ACCEPT, "venue=XNAS flow=agency track=canary") / 5e15 -
                   1) < 1e-6);
    world_free(w);
}
END_TEST

static void *
no_memory(void *p, size_t n)
{
    (void)p;
    (void)n;
    return NULL;
}

START_TEST(no_memory_no_world)
{
    struct world *w = NULL;
    enum gr_err got;

    gr_sys.realloc = no_memory;
    got = world_create(&w, &(struct world_options){.seed = 1, .rps = RPS});
    gr_sys = gr_sys_real;
    ck_assert_int_eq(got, GR_ENOMEM);
    ck_assert_ptr_null(w);
    world_free(NULL);
}
END_TEST

/* ---- faults ---- */

enum measure { RATIO, P50, P99, GAUGE };
static const struct effect {
    const char *line;
    enum family_id family;
    enum measure measure;
    const char *hit, *spared; /* series that the fault moves, and some that it does not; spared may be NULL */
    double want, tolerance, healthy;
} effects[] = {
    {"error_rate x2 track=canary venue=XNAS", FAM_ORDER_ACCEPT, RATIO, "track=canary venue=XNAS",
     "track=control venue=XNAS", 0.02, 0.001, 0.01},
    {"error_rate +0.01 flow=agency", FAM_ORDER_ACCEPT, RATIO, "flow=agency", "flow=market_making", 0.02,
     0.0005, 0.01},
    {"error_rate 0.5", FAM_ORDER_ACCEPT, RATIO, "", NULL, 0.5, 0.001, 0.01},
    {"error_rate x1000", FAM_ORDER_ACCEPT, RATIO, "", NULL, 1, 1e-9, 0.01},
    {"match_latency x1.3 track=canary", FAM_MATCH_LATENCY, P99, "track=canary", "track=control", 0.0086,
     0.0002, 0.00655},
    {"match_latency x1.12 venue=CME", FAM_MATCH_LATENCY, P99, "venue=CME", "venue=XNAS", 0.00725, 0.0002,
     0.00655},
    {"quote_age x1.3 symbol_bucket=a-f", FAM_QUOTE_AGE, P50, "symbol_bucket=a-f", "symbol_bucket=g-m", 0.065,
     0.001, 0.05},
    {"fill x0.94 track=canary", FAM_AGENCY_FILL, RATIO, "track=canary", "track=control", 0.94 * 0.891, 0.003,
     0.891},
    {"fill 0.5 client_tier=platinum", FAM_AGENCY_FILL, RATIO, "client_tier=platinum", "client_tier=gold", 0.5,
     0.003, 0.9},
    {"risk_latency x1.3 track=canary", FAM_RISK_LATENCY, GAUGE, "track=canary", "track=control", 13, 0.5, 10},
    {"cpu 0.95 track=canary", FAM_CPU, GAUGE, "track=canary", "track=control", 0.95, 0.02, 0.55},
    {"cpu 1 host=crypto-control-6", FAM_CPU, GAUGE, "host=crypto-control-6", "host=crypto-control-5", 1, 0.05,
     0.55},
    {"mem 8 cluster=equities", FAM_MEM, GAUGE, "cluster=equities", "cluster=crypto", 8, 1, 45},
    {"pnl +9 track=canary", FAM_PNL, GAUGE, "track=canary", "track=control", 9.5, 0.6, 0.5},
    {"pnl -9", FAM_PNL, GAUGE, "", NULL, -8.5, 0.6, 0.5},
    {"spread x0.9 track=canary", FAM_SPREAD, GAUGE, "track=canary", "track=control", 1.8, 0.05, 2},
    {"refdata 6 cluster=crypto", FAM_REFDATA, GAUGE, "cluster=crypto", NULL, 6, 1e-9, 0},
    {"model_drift 0.4", FAM_MODEL_DRIFT, GAUGE, "", NULL, 0.4, 0.05, 0},
    {"schemas 1 cluster=equities", FAM_SCHEMAS, GAUGE, "cluster=equities", NULL, 1, 1e-9, 0},
    {"market_return +50", FAM_MARKET_RETURN, GAUGE, "", NULL, 50, 45, 0},
    {"hedge_beta 2 venue=CME", FAM_HEDGE_BETA, GAUGE, "venue=CME", "venue=XNAS", 2, 0.1, 0.9},
};

static double
measured(const struct world *w, const struct effect *e, const char *filter)
{
    switch (e->measure) {
    case RATIO:
        return (double)look_part(w, e->family, filter) / (double)look_total(w, e->family, filter);
    case P50:
        return look_quantile(w, e->family, filter, 0.5);
    case P99:
        return look_quantile(w, e->family, filter, 0.99);
    case GAUGE:
        break;
    }
    return look_mean(w, e->family, filter);
}

START_TEST(fault_moves_what_it_names)
{
    const struct effect *e = &effects[_i];
    struct world *w = look_world(11, RPS), *healthy = look_world(11, RPS);
    struct fault f = look_fault(w, e->line);
    double got;

    look_break(w, e->line);
    world_step(w, 300);
    world_step(healthy, 300);
    got = measured(w, e, e->hit);
    ck_assert_msg(fabs(got - e->want) <= e->tolerance, "%s: %g, not %g", e->line, got, e->want);
    if (e->spared != NULL) {
        got = measured(w, e, e->spared);
        ck_assert_msg(fabs(got - e->healthy) <= e->tolerance + 1e-9, "%s: spared %g", e->line, got);
    }
    for (size_t i = 0; i < w->topology.count; i++) {
        bool follows = w->topology.series[i].family == FAM_DRIFT &&
                       (e->family == FAM_MARKET_RETURN || e->family == FAM_HEDGE_BETA);

        if (!fault_hits(&f, &w->topology.series[i]) && !follows)
            ck_assert_msg(same_point(w, healthy, i), "%s moved series %zu", e->line, i);
    }
    world_heal(w);
    ck_assert_uint_eq(w->faults.count, 0);
    ck_assert_msg(e->measure != GAUGE || fabs(measured(w, e, e->hit) - e->want) > 0.001, "%s: heals at once",
                  e->line);
    world_free(w);
    world_free(healthy);
}
END_TEST

START_TEST(drift_follows_the_market)
{
    struct world *w = look_world(12, RPS);

    look_break(w, "market_return +100");
    ck_assert(look_min(w, FAM_DRIFT, "") > 40);
    ck_assert(fabs(look_drift(w, "XNAS", "canary")) < 2.5);
    look_break(w, "mtm +7 track=canary venue=XNAS");
    ck_assert(fabs(look_drift(w, "XNAS", "canary") - 7) < 2.5);
    ck_assert(fabs(look_drift(w, "XNAS", "control")) < 2.5);
    world_free(w);
}
END_TEST

START_TEST(traffic_scales_events)
{
    struct world *w = look_world(13, RPS);

    look_break(w, "traffic x0.1 venue=CME track=canary");
    look_break(w, "traffic x0 venue=XNYS");
    world_step(w, 100);
    ck_assert(fabs((double)look_total(w, FAM_ORDER_ACCEPT, "venue=CME track=canary flow=agency") - 10000) <
              600);
    ck_assert(fabs((double)look_total(w, FAM_ORDER_ACCEPT, "venue=XNAS track=canary flow=agency") - 100000) <
              2000);
    ck_assert_uint_eq(look_total(w, FAM_QUOTE_AGE, "venue=XNYS"), 0);
    world_free(w);
}
END_TEST

START_TEST(flat_stops_the_counters)
{
    struct world *w = look_world(14, RPS);
    uint64_t before, other;

    world_step(w, 10);
    before = look_total(w, FAM_ORDER_ACCEPT, "venue=XNYS");
    other = look_total(w, FAM_ORDER_ACCEPT, "venue=XNAS");
    look_break(w, "flat venue=XNYS");
    world_step(w, 10);
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_eq(look_total(w, FAM_ORDER_ACCEPT, "venue=XNYS"), before);
    ck_assert_uint_gt(look_total(w, FAM_ORDER_ACCEPT, "venue=XNAS"), other);
    world_heal(w);
    world_step(w, 10);
    ck_assert_uint_gt(look_total(w, FAM_ORDER_ACCEPT, "venue=XNYS"), before);
    world_free(w);
}
END_TEST

START_TEST(reset_happens_once)
{
    struct world *w = look_world(15, RPS);
    uint64_t before;

    world_step(w, 100);
    before = look_total(w, FAM_MATCH_LATENCY, "venue=XNYS");
    look_break(w, "reset venue=XNYS track=canary");
    ck_assert_uint_eq(w->faults.count, 0);
    ck_assert_uint_eq(look_total(w, FAM_MATCH_LATENCY, "venue=XNYS track=canary"), 0);
    ck_assert_uint_eq(look_part(w, FAM_ORDER_ACCEPT, "venue=XNYS track=canary"), 0);
    ck_assert_uint_gt(look_total(w, FAM_MATCH_LATENCY, "venue=XNYS track=control"), before / 2);
    for (size_t i = 0; i < w->topology.count; i++)
        ck_assert(w->points[i].total > 0 || w->points[i].sum <= 0);
    world_step(w, 10);
    ck_assert_uint_gt(look_total(w, FAM_MATCH_LATENCY, "venue=XNYS track=canary"), 0);
    world_free(w);
}
END_TEST

START_TEST(faults_stack_in_order_up_to_the_limit)
{
    struct world *w = look_world(16, RPS);
    struct fault f = look_fault(w, "silent venue=CME");

    look_break(w, "schemas 4 cluster=crypto");
    look_break(w, "schemas x2");
    look_break(w, "schemas +1");
    ck_assert(fabs(look_max(w, FAM_SCHEMAS, "cluster=crypto") - 9) < 1e-9);
    ck_assert(fabs(look_max(w, FAM_SCHEMAS, "cluster=equities") - 1) < 1e-9);
    while (w->faults.count < FAULTS_MAX)
        ck_assert_int_eq(world_fault(w, &f), GR_OK);
    ck_assert_int_eq(world_fault(w, &f), GR_ELIMIT);
    ck_assert_uint_eq(w->faults.count, FAULTS_MAX);
    world_free(w);
}
END_TEST

Suite *
world_suite(void)
{
    Suite *s = suite_create("world");
    TCase *tc = tcase_create("healthy");

    tcase_add_loop_test(tc, healthy_stays_inside, 0, 6);
    tcase_add_test(tc, events_follow_rate_and_share);
    tcase_add_test(tc, sum_of_a_histogram_is_its_mean);
    tcase_add_test(tc, sum_of_a_histogram_fits_its_buckets);
    tcase_add_loop_test(tc, noise_does_not_depend_on_the_step, 0, 2);
    tcase_add_test(tc, seed_decides);
    tcase_add_test(tc, no_time_no_change);
    tcase_add_test(tc, huge_step_is_cut);
    tcase_add_test(tc, no_memory_no_world);
    suite_add_tcase(s, tc);
    tc = tcase_create("faults");
    tcase_add_loop_test(tc, fault_moves_what_it_names, 0, GR_COUNT(effects));
    tcase_add_test(tc, drift_follows_the_market);
    tcase_add_test(tc, traffic_scales_events);
    tcase_add_test(tc, flat_stops_the_counters);
    tcase_add_test(tc, reset_happens_once);
    tcase_add_test(tc, faults_stack_in_order_up_to_the_limit);
    suite_add_tcase(s, tc);
    return s;
}
