/* The question that the gate asks; what it makes of the answers is in daemon_gate.sh, what Prometheus answers in tests/promtool. */
#include "config.h"
#include "fixture.h"
#include "test_webhook.h"
#include "webhook/gate.h"

#include <string.h>

#define MATCHERS(phase) "spec=\"demo\",cluster=\"equities\",phase=\"" phase "\",deployment_id=\"d-1\""
#define THIN(phase, names)                                                                                   \
    "guardrail:insufficient{" MATCHERS(phase) ",reason=\"thin\",guardrail=~\"" names "\"}"

static const struct {
    const char *phase, *find, *replace, *query;
} rows[] = {
    {"phase_1", NULL, NULL, "guardrail:verdict{" MATCHERS("phase_1") "}"},
    {"phase_2", NULL, NULL,
     "guardrail:verdict{" MATCHERS("phase_2") "} unless ignoring (reason) " THIN(
         "phase_2", "refdata") " or " THIN("phase_2", "refdata") " * 0"},
    {"phase_2", "\"common_cause\": \"hold\"", "\"thin\": \"allow\"",
     "guardrail:verdict{" MATCHERS("phase_2") "} unless ignoring (reason) " THIN(
         "phase_2", "error_rate|refdata") " or " THIN("phase_2", "error_rate|refdata") " * 0"},
};

START_TEST(thin_verdicts_are_set_apart)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_buf text = GR_BUF_INIT(1 << 20), query = GR_BUF_INIT(1 << 16);
    struct label_set stream = fixture_labels(a, "cluster=equities");
    struct release r = {.deployment_id = "d-1"};
    struct policy *p = NULL;

    fixture_text(&text);
    if (rows[_i].find)
        fixture_replace(&text, rows[_i].find, rows[_i].replace);
    ck_assert_int_eq(policy_parse(GR_STR("p"), gr_buf_str(&text), sources, diags, &p), GR_OK);
    r.policy = p;
    r.phase_row = policy_phase(p, gr_str(rows[_i].phase));
    r.stream_row = &stream;
    strncpy(r.phase, rows[_i].phase, sizeof r.phase - 1);
    ck_assert_int_eq(gate_query(&query, &r), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&query), rows[_i].query);
    gr_buf_fini(&query);
    ck_assert_int_eq(gate_query(&(struct gr_buf)GR_BUF_INIT(8), &r), GR_ELIMIT);
    policy_free(p);
    gr_buf_fini(&text);
    gr_diags_free(diags);
    gr_sources_free(sources);
    gr_arena_free(a);
}
END_TEST

Suite *
gate_suite(void)
{
    Suite *s = suite_create("gate");
    TCase *tc = tcase_create("query");

    tcase_add_loop_test(tc, thin_verdicts_are_set_apart, 0, GR_COUNT(rows));
    suite_add_tcase(s, tc);
    return s;
}
