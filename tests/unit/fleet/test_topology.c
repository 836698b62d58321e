#include "config.h"
#include "topology.h"

#include "test_fleet.h"

/* The names and labels that the example spec relies on, and how many series each metric has. */
static const struct {
    const char *name, *part, *labels;
    size_t count;
} wanted[FAM_COUNT] = {
    [FAM_ORDER_ACCEPT] = {"execution_order_accept_requests_total", "execution_order_accept_failures_total",
                          "cluster venue flow track ", 16},
    [FAM_MATCH_LATENCY] = {"execution_match_latency_seconds", NULL, "cluster venue flow track ", 16},
    [FAM_QUOTE_AGE] = {"markets_quotes_age_seconds", NULL, "cluster venue flow track symbol_bucket ", 64},
    [FAM_AGENCY_FILL] = {"execution_agency_orders_total", "execution_agency_filled_total",
                         "cluster venue flow track client_tier ", 24},
    [FAM_RISK_LATENCY] = {"risk_latency_p95_ms", NULL, "cluster venue track ", 8},
    [FAM_CPU] = {"infra_host_cpu_utilization", NULL, "cluster track host ", 24},
    [FAM_MEM] = {"infra_host_mem_available_pct", NULL, "cluster track host ", 24},
    [FAM_PNL] = {"pnl_realized_delta_bps", NULL, "cluster venue flow track ", 16},
    [FAM_SPREAD] = {"execution_spread_capture_effective_bps", NULL, "cluster venue flow track ", 8},
    [FAM_MARKET_RETURN] = {"market_return_bps", NULL, "", 1},
    [FAM_HEDGE_BETA] = {"hedge_beta", NULL, "cluster venue ", 4},
    [FAM_DRIFT] = {"pnl_unrealized_drift_bps", NULL, "cluster venue track ", 8},
    [FAM_REFDATA] = {"data_refdata_age_minutes", NULL, "cluster ", 3},
    [FAM_MODEL_DRIFT] = {"analytics_model_guardian_drift_score", NULL, "cluster ", 3},
    [FAM_SCHEMAS] = {"schemas_breaking_changes", NULL, "cluster ", 3},
};

/* Whether the series carries exactly the labels of the blank-terminated list. */
static bool
carries(const struct series *s, struct gr_str list)
{
    struct gr_str name;

    for (size_t l = 0; l < LABEL_COUNT; l++) {
        struct gr_str rest = list;
        bool listed = false;

        while (gr_str_next(&rest, ' ', &name))
            listed = listed || gr_str_is(name, label_names[l]);
        if (listed != (s->label[l] != NULL))
            return false;
    }
    return true;
}

START_TEST(metrics_are_the_playbooks)
{
    const struct family *f = &families[_i];
    static struct topology t; /* too large for comfort on the stack */
    size_t count = 0;

    topology_init(&t);
    ck_assert_str_eq(f->name, wanted[_i].name);
    ck_assert_pstr_eq(f->part, wanted[_i].part);
    for (size_t i = 0; i < t.count; i++) {
        if (t.series[i].family != (enum family_id)_i)
            continue;
        count++;
        ck_assert_msg(carries(&t.series[i], gr_str(wanted[_i].labels)), "%s", f->name);
        ck_assert(f->labels == 0 || strlen(f->help) > 0);
    }
    ck_assert_uint_eq(count, wanted[_i].count);
}
END_TEST

START_TEST(families_are_whole)
{
    const struct family *f = &families[_i];

    ck_assert_ptr_nonnull(f->help);
    ck_assert((f->part != NULL) == (f->shape == SHAPE_RATIO) && (f->part_help != NULL) == (f->part != NULL));
    ck_assert(f->min < f->max);
    ck_assert((f->edge_count > 0) == (f->shape == SHAPE_HISTOGRAM) && f->edge_count <= EDGES_MAX);
    for (size_t i = 1; i < f->edge_count; i++)
        ck_assert(f->edges[i - 1].s < f->edges[i].s);
    ck_assert(f->shape < SHAPE_GAUGE || f->noise <= 0 || f->memory_s > 0);
}
END_TEST

START_TEST(series_stand_by_family)
{
    static struct topology t;

    topology_init(&t);
    for (size_t i = 1; i < t.count; i++)
        ck_assert(t.series[i - 1].family <= t.series[i].family);
    for (size_t i = 0; i < t.count; i++) {
        bool counted = families[t.series[i].family].shape < SHAPE_GAUGE;

        ck_assert(!counted || (t.series[i].venue < VENUE_COUNT && t.series[i].flow < FLOW_COUNT));
    }
}
END_TEST

Suite *
topology_suite(void)
{
    Suite *s = suite_create("topology");
    TCase *tc = tcase_create("topology");

    tcase_add_loop_test(tc, metrics_are_the_playbooks, 0, FAM_COUNT);
    tcase_add_loop_test(tc, families_are_whole, 0, FAM_COUNT);
    tcase_add_test(tc, series_stand_by_family);
    suite_add_tcase(s, tc);
    return s;
}
