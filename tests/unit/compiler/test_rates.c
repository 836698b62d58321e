#include "config.h"
#include "test_compiler.h"

#include "power.h"
#include "specs.h"

/* specs_base: flows mm and agency with 1 % and 0.5 % in p1, 5 % and 2 % in p2; slices of a venue and a flow; sampling 2m. */
#define MORE                                                                                                 \
    "  - name: fills\n"                                                                                      \
    "    metric:\n"                                                                                          \
    "      ratio: {good: filled_total, total: orders_total}\n"                                               \
    "      weights: {label: tier, values: {gold: 3, silver: 1}}\n"                                           \
    "    limit: {against: control, hard: -5%}\n"                                                             \
    "  - name: latency\n"                                                                                    \
    "    compare_within: [venue]\n"                                                                          \
    "    metric: {gauge: latency_ms, unit: ms, reduce: avg}\n"                                               \
    "    limit: {against: control, hard: +50ms}\n"                                                           \
    "  - name: cpu\n"                                                                                        \
    "    compare_within: []\n"                                                                               \
    "    metric: {gauge: cpu, unit: ratio, reduce: max}\n"                                                   \
    "    limit: {against: fixed, bad: above, hard: 90%}\n"                                                   \
    "on: {hard: [rollback]}\n"

static void
read_spec(struct specs *s)
{
    specs_read_changed(s, "on: {hard: [rollback]}\n", MORE);
    ck_assert_int_eq(s->err, GR_OK);
}

static enum gr_err
read_rates(struct specs *s, const char *text, struct rates **out)
{
    uint32_t file;

    ck_assert_int_eq(gr_sources_add(s->sources, GR_STR("rates.yml"), gr_str(text), &file), GR_OK);
    return rates_read(s->arena, s->sources, file, s->model, s->diags, out);
}

static const struct row {
    const char *name, *text, *wants; /* in the findings as they are printed */
} rows[] = {
    {"empty", "", "GR0108"},
    {"a list", "[a]", "GR0108"},
    {"half a document", "traffic: [", "GR0004"},
    {"unknown key", "dispersoin: 2", "did you mean \"dispersion\"?"},
    {"unknown guardrail", "guardrails: {erors: {bad: 1%}}", "did you mean \"errors\"?"},
    {"unknown label", "traffic: [{where: {venu: XNAS}, per_second: 1}]", "did you mean \"venue\"?"},
    {"unknown value", "traffic: [{where: {venue: XNSA}, per_second: 1}]", "did you mean \"XNAS\"?"},
    {"unknown flow", "traffic: [{where: {flow: mn}, per_second: 1}]", "GR0302"},
    {"never together", "traffic: [{where: {cluster: crypto, venue: XNAS}, per_second: 1}]", "GR0801"},
    {"negative", "traffic: [{where: {}, per_second: -1}]", "per_second cannot be -1"},
    {"huge", "traffic: [{where: {}, per_second: 1000000001}]", "write 0 to 1000000000"},
    {"no number", "traffic: [{where: {}, per_second: \"?\"}]", "GR0103"},
    {"no rate", "traffic: [{where: {}}]", "needs the key \"per_second\""},
    {"never bad", "guardrails: {errors: {bad: 0%}}", "never differs from itself"},
    {"always bad", "guardrails: {errors: {bad: 100%}}", "GR0209"},
    {"past 100 %", "guardrails: {errors: {bad: 101%}}", "GR0209"},
    {"always good", "guardrails: {fills: {good: 100%}}", "nothing can be compared"},
    {"bad of a ratio of good", "guardrails: {fills: {bad: 1%}}", "it has per_second, per_request, good"},
    {"both", "guardrails: {errors: {bad: 1%, good: 99%}}", "exclude each other"},
    {"noise of a counter", "guardrails: {errors: {noise: 1%}}", "a ratio of bad events has no `noise`"},
    {"noise in another unit", "guardrails: {latency: {noise: 4%}}", "write it in ms"},
    {"noise without a unit", "guardrails: {latency: {noise: 4}}", "write it in ms"},
    {"no noise", "guardrails: {latency: {noise: 0ms}}", "noise cannot be 0ms"},
    {"bound to itself", "guardrails: {latency: {autocorrelation: 1}}", "write 0 to 0.95"},
    {"less than independent", "dispersion: 0.5", "write 1 (independent events) to 100"},
    {"no control", "control: 0%", "without traffic of control"},
    {"unknown weight", "guardrails: {fills: {mix: {gold: 50%, bronze: 50%}}}",
     "no weight is given to \"bronze\""},
    {"mix of 90 %", "guardrails: {fills: {mix: {gold: 50%, silver: 40%}}}", "90% together"},
    {"mix without weights", "guardrails: {errors: {mix: {gold: 100%}}}", "`mix` is for ratios with weights"},
    {"a fixed limit", "guardrails: {cpu: {noise: 1%}}", "GR0802"},
    {"in a slice", "guardrails: {errors: {slices: [{where: {venue: XNAS}, bad: 0%}]}}", "GR0209"},
};

START_TEST(refuses)
{
    const struct row *r = &rows[_i];
    struct gr_buf out = GR_BUF_INIT(1u << 20);
    struct rates *rates = NULL;
    struct specs s;
    enum gr_err err;

    read_spec(&s);
    err = read_rates(&s, r->text, &rates);
    gr_diags_print(s.diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &out);
    ck_assert_msg(strstr(gr_buf_cstr(&out), r->wants) != NULL, "%s: no \"%s\" in\n%s", r->name, r->wants,
                  gr_buf_cstr(&out));
    ck_assert_msg(strcmp(r->wants, "GR0802") == 0 ? err == GR_OK : err == GR_EUSER, "%s: %s", r->name,
                  gr_err_name(err));
    ck_assert_msg((err == GR_OK) == (rates != NULL), "%s", r->name);
    gr_buf_fini(&out);
    specs_fini(&s);
}
END_TEST

/* What one slice of a guardrail sees in a phase: canary and control, observations a second. */
static const struct seen {
    const char *name, *text, *guardrail, *venue, *flow;
    size_t phase;
    double canary, control, grow;
} seen[] = {
    {"assumed", "dispersion: 1", "errors", "XNAS", "mm", 1, 1, 99, 1},
    {"the flow's share", "dispersion: 1", "errors", "XNAS", "agency", 2, 2, 98, 1},
    {"a tenth of control", "control: 10%", "errors", "XNAS", "mm", 1, 1, 9.9, 1},
    {"of all", "traffic: [{where: {}, per_second: 40}]", "errors", "XNYS", "mm", 1, 0.4, 39.6, 1},
    {"most labels win",
     "traffic: [{where: {venue: XNAS, flow: mm}, per_second: 10}, {where: {venue: XNAS}, per_second: 20}]",
     "errors", "XNAS", "mm", 1, 0.1, 9.9, 1},
    {"then the later",
     "traffic: [{where: {flow: mm}, per_second: 10}, {where: {venue: XNAS}, per_second: 20}]", "errors",
     "XNAS", "mm", 1, 0.2, 19.8, 1},
    {"another venue's", "traffic: [{where: {venue: XNYS}, per_second: 7}]", "errors", "XNAS", "mm", 1, 1, 99,
     1},
    {"per request", "guardrails: {errors: {per_request: 0.5}}", "errors", "XNAS", "mm", 1, 0.5, 49.5, 1},
    {"per second", "guardrails: {errors: {per_second: 30}}", "errors", "XNAS", "mm", 1, 0.3, 29.7, 1},
    {"per second where none is",
     "traffic: [{where: {}, per_second: 0}]\nguardrails: {errors: {per_second: 30}}", "errors", "XNAS", "mm",
     1, 0.3, 29.7, 1},
    {"of a slice", "guardrails: {errors: {per_second: 30, slices: [{where: {venue: XNAS}, per_second: 60}]}}",
     "errors", "XNAS", "mm", 1, 0.6, 59.4, 1},
    {"nothing", "traffic: [{where: {}, per_second: 0}]", "errors", "XNAS", "mm", 1, 0, 0, 1},
    {"ten times the share", "dispersion: 1", "errors", "XNAS", "mm", 1, 10, 90, 10},
    {"half at most", "dispersion: 1", "errors", "XNAS", "mm", 1, 50, 50, 1000},
    /* Kish: (3/2 + 1/2)^2 / (9/2 + 1/2) = 0.8; (0.3 + 0.9)^2 / (0.9 + 0.9) = 0.8; all alike: 1 */
    {"weights, even", "dispersion: 1", "fills", "XNAS", "mm", 1, 0.8, 79.2, 1},
    {"weights, a tenth", "guardrails: {fills: {mix: {gold: 10%, silver: 90%}}}", "fills", "XNAS", "mm", 1,
     0.8, 79.2, 1},
    {"weights, one kind", "guardrails: {fills: {mix: {silver: 100%}}}", "fills", "XNAS", "mm", 1, 1, 99, 1},
};

static bool
has(const struct slice *slice, const char *value)
{
    for (size_t i = 0; i < slice->labels.n; i++)
        if (gr_str_is(slice->labels.v[i].value, value))
            return true;
    return false;
}

START_TEST(traffic_is_shared_out)
{
    const struct seen *r = &seen[_i];
    const struct guardrail *g;
    struct rates *rates = NULL;
    struct specs s;
    bool met = false;

    read_spec(&s);
    ck_assert_int_eq(read_rates(&s, r->text, &rates), GR_OK);
    g = specs_guardrail(&s, r->guardrail);
    for (size_t i = 0; i < g->n_expected; i++) {
        struct rated got;

        if (!has(&g->expected[i], r->venue) || !has(&g->expected[i], r->flow))
            continue;
        met = true;
        got = rates_of(rates, g, &g->expected[i], &s.model->phases[r->phase], r->grow);
        ck_assert_double_eq_tol(got.canary_per_second, r->canary, 1e-9);
        ck_assert_double_eq_tol(got.control_per_second, r->control, 1e-9);
    }
    ck_assert(met);
    specs_fini(&s);
}
END_TEST

START_TEST(a_flow_without_traffic_cannot_grow)
{
    struct rates *rates = NULL;
    const struct guardrail *g;
    struct specs s;

    read_spec(&s);
    ck_assert_int_eq(rates_none(s.arena, s.model, &rates), GR_OK);
    g = specs_guardrail(&s, "latency");
    ck_assert_double_eq_tol(rates_grow_max(rates, g, &g->expected[0], &s.model->phases[0]), 0, 1e-9);
    ck_assert_double_eq_tol(rates_grow_max(rates, g, &g->expected[0], &s.model->phases[1]), 50, 1e-9);
    /* Of a limit in points a fifth: 10 ms. */
    ck_assert_double_eq_tol(rates_of(rates, g, &g->expected[0], &s.model->phases[1], 1).noise, 10, 1e-9);
    specs_fini(&s);
}
END_TEST

/* A file laid on another: what it states holds, in whatever way the other said it. */
START_TEST(laid_on_top)
{
    static const char *const below = "dispersion: 3\ntraffic: [{where: {}, per_second: 40}]\n"
                                     "guardrails:\n  errors: {bad: 2%, dispersion: 6, per_request: 0.5}\n"
                                     "  fills: {good: 80%, mix: {gold: 10%, silver: 90%}}\n";
    static const char *const top = "dispersion: 4\ntraffic: [{where: {venue: XNAS}, per_second: 10}]\n"
                                   "guardrails: {errors: {per_second: 8}, fills: {good: 70%}}\n";
    struct rates *rates = NULL;
    const struct guardrail *g;
    struct rated before, after;
    struct specs s;
    uint32_t file;

    read_spec(&s);
    ck_assert_int_eq(read_rates(&s, below, &rates), GR_OK);
    g = specs_guardrail(&s, "errors");
    before = rates_of(rates, g, &g->expected[0], &s.model->phases[1], 1);
    ck_assert_double_eq_tol(before.dispersion, 6, 1e-9);
    ck_assert_int_eq(gr_sources_add(s.sources, GR_STR("top.yml"), gr_str(top), &file), GR_OK);
    ck_assert_int_eq(rates_lay(s.arena, s.sources, file, s.model, s.diags, rates), GR_OK);
    after = rates_of(rates, g, &g->expected[0], &s.model->phases[1], 1);
    ck_assert_double_eq_tol(after.dispersion, 4, 1e-9); /* stated for all, on top of one's own */
    ck_assert_double_eq_tol(after.bad, 0.02, 1e-9);
    /* 8 a second in the slice, instead of half of 40 requests. */
    ck_assert_double_eq_tol(after.canary_per_second / before.canary_per_second, 8.0 / 20, 1e-9);
    g = specs_guardrail(&s, "fills");
    after = rates_of(rates, g, &g->expected[0], &s.model->phases[1], 1);
    ck_assert_double_eq_tol(after.bad, 0.3, 1e-9);
    ck_assert_uint_eq(after.assumed & 1u << RATES_FACT_MIX, 0);
    specs_fini(&s);
}
END_TEST

Suite *
rates_suite(void)
{
    Suite *s = suite_create("rates");
    TCase *tc = tcase_create("rates");

    tcase_add_loop_test(tc, refuses, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, traffic_is_shared_out, 0, GR_COUNT(seen));
    tcase_add_test(tc, laid_on_top);
    tcase_add_test(tc, a_flow_without_traffic_cannot_grow);
    suite_add_tcase(s, tc);
    return s;
}
