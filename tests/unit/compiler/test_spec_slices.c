#include "config.h"
#include "specs.h"
#include "test_compiler.h"

/* What is added to the base's guardrail, its slice labels, and the slices that are expected:
 * stream:value/value … */
static const struct {
    const char *added, *within, *slices;
} rows[] = {
    {"", "flow venue", "0:mm/XNAS 0:mm/XNYS 0:agency/XNAS 0:agency/XNYS 1:mm/BINANCE 1:agency/BINANCE"},
    {"    only: {flow: agency}\n", "flow venue", "0:agency/XNAS 0:agency/XNYS 1:agency/BINANCE"},
    {"    only: {venue: XNYS}\n", "flow venue", "0:mm/XNYS 0:agency/XNYS"},
    {"    only: {cluster: crypto}\n", "flow venue", "1:mm/BINANCE 1:agency/BINANCE"},
    {"    compare_within: [flow]\n", "flow", "0:mm 0:agency 1:mm 1:agency"},
    {"    compare_within: [flow]\n    only: {venue: XNAS}\n", "flow", "0:mm 0:agency"},
    {"    compare_within: [venue]\n    only: {flow: mm}\n", "venue", "0:XNAS 0:XNYS 1:BINANCE"},
    {"    compare_within: []\n    only: {flow: mm}\n", "", "0: 1:"},
    {"    slice: [symbol_bucket]\n    only: {flow: mm}\n", "flow venue", "0:mm/XNAS 0:mm/XNYS 1:mm/BINANCE"},
};

static void
print_slices(struct gr_buf *b, const struct guardrail *g)
{
    for (size_t i = 0; i < g->n_expected; i++) {
        gr_buf_printf(b, "%s%u:", i ? " " : "", g->expected[i].stream);
        for (size_t j = 0; j < g->expected[i].labels.n; j++) {
            gr_buf_puts(b, j ? "/" : "");
            gr_buf_put(b, g->expected[i].labels.v[j].value);
        }
    }
}

START_TEST(slices_are_expected)
{
    struct gr_buf got = GR_BUF_INIT(4096), within = GR_BUF_INIT(4096), with = GR_BUF_INIT(4096);
    const struct guardrail *g;
    struct specs s;

    gr_buf_printf(&with, "floor: 0.05%%}\n%s", rows[_i].added);
    specs_read_changed(&s, "floor: 0.05%}\n", gr_buf_cstr(&with));
    ck_assert_msg(s.n == 0, "%s: %s", rows[_i].added, s.findings[0].message);
    g = specs_guardrail(&s, "errors");
    print_slices(&got, g);
    for (size_t i = 0; i < g->compare_within.n; i++)
        gr_buf_printf(&within, "%s" GR_FMT, i ? " " : "", GR_ARG(g->compare_within.v[i]));
    ck_assert_str_eq(gr_buf_cstr(&got), rows[_i].slices);
    ck_assert_str_eq(gr_buf_cstr(&within), rows[_i].within);
    specs_fini(&s);
    gr_buf_fini(&got);
    gr_buf_fini(&within);
    gr_buf_fini(&with);
}
END_TEST

/* An entry with several values of a release label is several streams; it may list its own flows. */
START_TEST(streams_are_multiplied)
{
    struct gr_buf got = GR_BUF_INIT(4096);
    struct specs s;

    specs_read_file(&s, "tests/data/specs/good/several-streams.yml");
    ck_assert_uint_eq(s.model->n_streams, 3);
    ck_assert(gr_str_is(s.model->streams[2].release.v[0].value, "derivatives"));
    print_slices(&got, specs_guardrail(&s, "errors"));
    ck_assert_str_eq(gr_buf_cstr(&got),
                     "0:mm/XNAS 0:mm/XNYS 0:agency/XNAS 0:agency/XNYS 1:mm/BINANCE 2:mm/BINANCE");
    specs_fini(&s);
    gr_buf_fini(&got);
}
END_TEST

/* A fixed limit applies within the labels that its metric has; one value per stream has none. */
START_TEST(labels_follow_the_metric)
{
    struct specs s;

    specs_read_file(&s, "tests/data/specs/good/fixed-intersection.yml");
    ck_assert_uint_eq(specs_guardrail(&s, "cpu")->compare_within.n, 1);
    ck_assert_uint_eq(specs_guardrail(&s, "cpu")->n_expected, 3);
    specs_fini(&s);
    specs_read_file(&s, "tests/data/specs/good/fixed-expression.yml");
    ck_assert_uint_eq(specs_guardrail(&s, "pnl")->compare_within.n, 1);
    specs_fini(&s);
    specs_read_file(&s, "tests/data/specs/good/preflight.yml");
    ck_assert(specs_guardrail(&s, "schema")->stream_scope);
    ck_assert_uint_eq(specs_guardrail(&s, "schema")->compare_within.n, 0);
    ck_assert_uint_eq(specs_guardrail(&s, "schema")->n_expected, 2);
    specs_fini(&s);
}
END_TEST

Suite *
spec_slices_suite(void)
{
    Suite *s = suite_create("spec_slices");
    TCase *tc = tcase_create("slices");

    tcase_add_loop_test(tc, slices_are_expected, 0, GR_COUNT(rows));
    tcase_add_test(tc, streams_are_multiplied);
    tcase_add_test(tc, labels_follow_the_metric);
    suite_add_tcase(s, tc);
    return s;
}
