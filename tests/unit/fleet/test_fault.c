#include "config.h"
#include "fault.h"

#include "test_fleet.h"

static const struct row {
    const char *line;
    const char *want; /* printed again, or for a bad line a part of the reason */
    enum gr_err err;
} rows[] = {
    {"error_rate x2 track=canary venue=XNAS", "error_rate x2 venue=XNAS track=canary", GR_OK},
    {"  error_rate\tx2  ", "error_rate x2", GR_OK},
    {"error_rate track=canary x2", "error_rate x2 track=canary", GR_OK},
    {"error_rate 0.03", "error_rate 0.03", GR_OK},
    {"error_rate x1000", "error_rate x1000", GR_OK},
    {"match_latency x1.3 track=canary", "match_latency x1.3 track=canary", GR_OK},
    {"quote_age x1.3 symbol_bucket=a-f", "quote_age x1.3 symbol_bucket=a-f", GR_OK},
    {"risk_latency x1.3", "risk_latency x1.3", GR_OK},
    {"cpu 0.95 track=canary", "cpu 0.95 track=canary", GR_OK},
    {"cpu 0.95 host=crypto-canary-1", "cpu 0.95 host=crypto-canary-1", GR_OK},
    {"mem 8 track=canary", "mem 8 track=canary", GR_OK},
    {"pnl +9", "pnl +9", GR_OK},
    {"pnl -9", "pnl -9", GR_OK},
    {"spread x0.9", "spread x0.9", GR_OK},
    {"fill x0.94 client_tier=platinum", "fill x0.94 client_tier=platinum", GR_OK},
    {"mtm +7", "mtm +7", GR_OK},
    {"refdata 6", "refdata 6", GR_OK},
    {"model_drift 0.4", "model_drift 0.4", GR_OK},
    {"schemas 1", "schemas 1", GR_OK},
    {"silent venue=XNYS", "silent venue=XNYS", GR_OK},
    {"silent metric=risk_latency_p95_ms track=canary", "silent metric=risk_latency_p95_ms track=canary",
     GR_OK},
    {"silent metric=execution_agency_filled_total", "silent metric=execution_agency_filled_total", GR_OK},
    {"flat venue=XNYS", "flat venue=XNYS", GR_OK},
    {"reset venue=XNYS flow=agency", "reset venue=XNYS flow=agency", GR_OK},
    {"control_gone", "control_gone", GR_OK},
    {"canary_gone cluster=crypto", "canary_gone cluster=crypto", GR_OK},
    {"nan risk_latency", "nan risk_latency", GR_OK},
    {"nan mtm track=canary", "nan mtm track=canary", GR_OK},
    {"traffic x0 venue=CME", "traffic x0 venue=CME", GR_OK},
    {"market_return +20", "market_return +20", GR_OK},
    /* kinds */
    {"", "legal kinds: canary_gone, control_gone, cpu", GR_EUSER},
    {"eror_rate x2", "did you mean error_rate?; legal kinds: canary_gone", GR_EUSER},
    {"\x1b[31m", "unknown fault kind \"\\x1b[31m\"", GR_EUSER},
    {"reboot", "flat, hedge_beta", GR_EUSER},
    /* magnitudes */
    {"error_rate", "wants a magnitude", GR_EUSER},
    {"error_rate two", "wants a magnitude: xFACTOR +N -N N; got \"two\"", GR_EUSER},
    {"error_rate x", "got \"x\"", GR_EUSER},
    {"error_rate x+2", "got \"x+2\"", GR_EUSER},
    {"error_rate +-2", "got \"+-2\"", GR_EUSER},
    {"error_rate x-2", "got \"x-2\"", GR_EUSER},
    {"error_rate x1001", "1001 is not in 0 to 1000", GR_EUSER},
    {"error_rate 1.01", "1.01 is not in 0 to 1", GR_EUSER},
    {"error_rate xnan", "got \"xnan\"", GR_EUSER},
    {"pnl +1000001", "not in -1e+06 to 1e+06", GR_EUSER},
    {"pnl -1000001", "not in -1e+06 to 1e+06", GR_EUSER},
    {"mem 100.1", "not in 0 to 100", GR_EUSER},
    {"match_latency 5", "wants a magnitude: xFACTOR; got \"5\"", GR_EUSER},
    {"match_latency +5", "xFACTOR; got", GR_EUSER},
    {"mtm x2", "wants a magnitude: +N -N N", GR_EUSER},
    {"error_rate x2 x3", "\"x3\" is one word too many", GR_EUSER},
    {"silent x2", "one word too many", GR_EUSER},
    {"nan", "as in \"nan risk_latency\"", GR_EUSER},
    {"nan error_rate", "is no gauge; legal: cpu", GR_EUSER},
    {"nan nan", "is no gauge", GR_EUSER},
    /* filters */
    {"error_rate x2 venue=XNSA", "no venue is called \"XNSA\"; legal: XNAS XNYS CME BINANCE", GR_EUSER},
    {"error_rate x2 shop=XNAS", "names no label; legal: cluster venue flow track", GR_EUSER},
    {"error_rate x2 venue=", "no venue is called \"\"", GR_EUSER},
    {"error_rate x2 =XNAS", "names no label", GR_EUSER},
    {"error_rate x2 venue=XNAS venue=XNYS", "a second time", GR_EUSER},
    {"canary_gone track=control", "a second time", GR_EUSER},
    {"error_rate x2 metric=hedge_beta", "names no label", GR_EUSER},
    {"silent metric=hedge", "is no metric; legal: execution_order", GR_EUSER},
    {"silent metric=hedge_beta metric=hedge_beta", "second metric", GR_EUSER},
    {"error_rate x2 cluster=crypto venue=XNAS", "no series carries all of these labels", GR_EUSER},
    {"cpu 0.95 venue=XNAS", "no series carries all of these labels", GR_EUSER},
    {"spread x0.9 flow=agency", "no series carries all of these labels", GR_EUSER},
};

START_TEST(line_parses)
{
    const struct row *r = &rows[_i];
    struct gr_buf why = GR_BUF_INIT(8192), again = GR_BUF_INIT(1024);
    static struct topology t;
    struct fault f = {.value = -77};
    enum gr_err got;

    topology_init(&t);
    got = fault_parse(&t, gr_str(r->line), &f, &why);
    ck_assert_msg(got == r->err, "\"%s\" gave %s: %s", r->line, gr_err_name(got), gr_buf_cstr(&why));
    if (got == GR_OK) {
        fault_print(&again, &f);
        ck_assert_str_eq(gr_buf_cstr(&again), r->want);
        ck_assert_int_eq(fault_parse(&t, gr_buf_str(&again), &f, &why), GR_OK);
        gr_buf_reset(&again);
        fault_print(&again, &f);
        ck_assert_str_eq(gr_buf_cstr(&again), r->want);
        ck_assert_uint_eq(why.n, 0);
    } else {
        ck_assert_msg(strstr(gr_buf_cstr(&why), r->want) != NULL, "\"%s\" says: %s", r->line,
                      gr_buf_cstr(&why));
        ck_assert(f.value < -76 && f.value > -78); /* the output stays as it was */
    }
    gr_buf_fini(&why);
    gr_buf_fini(&again);
}
END_TEST

START_TEST(long_line_is_refused)
{
    struct gr_buf line = GR_BUF_INIT(1024), why = GR_BUF_INIT(1024);
    static struct topology t;
    struct fault f;

    topology_init(&t);
    gr_buf_puts(&line, "silent");
    while (line.n < FAULT_LINE_BYTES_MAX)
        gr_buf_putc(&line, ' ');
    ck_assert_int_eq(fault_parse(&t, gr_buf_str(&line), &f, &why), GR_OK);
    gr_buf_putc(&line, ' ');
    ck_assert_int_eq(fault_parse(&t, gr_buf_str(&line), &f, &why), GR_EUSER);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&why), "longer than 512 bytes"));
    gr_buf_fini(&line);
    gr_buf_fini(&why);
}
END_TEST

START_TEST(kinds_are_sorted_and_explained)
{
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        const struct fault_kind *k = &fault_kinds[i];

        ck_assert_msg(i == 0 || strcmp(fault_kinds[i - 1].name, k->name) < 0, "%s", k->name);
        ck_assert_msg(k->help != NULL && strlen(k->help) > 0, "%s", k->name);
        ck_assert_msg((k->family < FAM_COUNT) == (k->act == ACT_LEVEL), "%s", k->name);
        ck_assert_msg(k->act != ACT_LEVEL || k->forms != 0, "%s", k->name);
        ck_assert_ptr_eq(fault_kind_find(gr_str(k->name)), k);
    }
}
END_TEST

/* Every family can be moved by a fault. */
START_TEST(families_have_their_kind)
{
    size_t found = 0;

    for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
        found += fault_kinds[i].family == (enum family_id)_i;
    ck_assert_uint_eq(found, 1);
}
END_TEST

/* Levels are cut to what the family can say, after every fault has been applied. */
START_TEST(levels_stay_in_range)
{
    static const char *const lines[] = {"cpu x1000", "cpu +5 track=canary", "cpu -1000"};
    static const double want[] = {1, 1, 0};
    struct gr_buf why = GR_BUF_INIT(1024);
    static struct topology t;
    static struct faults all;
    size_t i = 0;

    topology_init(&t);
    while (t.series[i].family != FAM_CPU)
        i++;
    for (all.count = 0; all.count < GR_COUNT(lines);) {
        ck_assert_int_eq(fault_parse(&t, gr_str(lines[all.count]), &all.list[all.count], &why), GR_OK);
        all.count++;
        ck_assert_double_eq_tol(faults_level(&all, &t.series[i], 0.5), want[all.count - 1], 1e-12);
    }
    gr_buf_fini(&why);
}
END_TEST

Suite *
fault_suite(void)
{
    Suite *s = suite_create("fault");
    TCase *tc = tcase_create("fault");

    tcase_add_loop_test(tc, line_parses, 0, GR_COUNT(rows));
    tcase_add_test(tc, long_line_is_refused);
    tcase_add_test(tc, kinds_are_sorted_and_explained);
    tcase_add_test(tc, levels_stay_in_range);
    tcase_add_loop_test(tc, families_have_their_kind, 0, FAM_COUNT);
    suite_add_tcase(s, tc);
    return s;
}
