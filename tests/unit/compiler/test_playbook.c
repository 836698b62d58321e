/* The playbook and examples/tradepulse/guardrails.yml say the same. Each change of one side alone must be
 * noticed. */
#include "config.h"
#include "playbook.h"
#include "specs.h"
#include "test_compiler.h"

#include "guardrail/sys.h"

#define PAGE "tests/data/tradepulse-playbook.md"
#define SPEC "examples/tradepulse/guardrails.yml"

/* A file with one replacement; `what` must be in it. */
static struct gr_buf
changed(const char *path, const char *what, const char *with)
{
    char *text = specs_slurp(path);
    struct gr_str s = gr_str(text);
    size_t at = what ? gr_str_find(s, gr_str(what), 0) : s.n;
    struct gr_buf b = GR_BUF_INIT(4u << 20);

    ck_assert_msg(at != SIZE_MAX, "%s does not hold \"%s\"", path, what);
    gr_buf_put(&b, gr_str_sub(s, 0, at));
    if (what) {
        gr_buf_puts(&b, with);
        gr_buf_put(&b, gr_str_sub(s, at + strlen(what), s.n));
    }
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    gr_sys.free(text);
    return b;
}

/* What the audit has to complain about. The spec must compile. */
static struct gr_buf
audit(const struct gr_buf *page, const struct gr_buf *spec)
{
    struct audit a = {.page = gr_buf_str(page), .complaints = GR_BUF_INIT(1u << 20)};
    struct specs s;

    specs_read(&s, GR_STR(SPEC), gr_buf_str(spec));
    ck_assert_msg(s.model, "%s", s.n > 0 ? s.findings[0].message : "no model");
    a.m = s.model;
    audit_tables(&a);
    audit_prose(&a);
    specs_fini(&s);
    return a.complaints;
}

/* With one replacement in each (none where `what` is NULL). */
static void
check(const char *page_what, const char *page_with, const char *spec_what, const char *spec_with)
{
    struct gr_buf page = changed(PAGE, page_what, page_with), spec = changed(SPEC, spec_what, spec_with);
    struct gr_buf complaints = audit(&page, &spec);

    if (!page_what && !spec_what)
        ck_assert_msg(complaints.n == 0, "%s", gr_buf_cstr(&complaints));
    else
        ck_assert_msg(complaints.n > 0, "\"%s\" for \"%s\" was not noticed",
                      page_what ? page_with : spec_with, page_what ? page_what : spec_what);
    gr_buf_fini(&complaints);
    gr_buf_fini(&page);
    gr_buf_fini(&spec);
}

/* The example is clean: no finding at all. */
START_TEST(spec_is_clean)
{
    struct specs s;

    specs_read_file(&s, SPEC);
    ck_assert_msg(s.err == GR_OK && s.n == 0, "%s", s.n > 0 ? s.findings[0].message : "no model");
    specs_fini(&s);
}
END_TEST

START_TEST(page_and_spec_agree)
{
    check(NULL, NULL, NULL, NULL);
}
END_TEST

/* ---- every change of the page is noticed ---- */

static const struct {
    const char *what, *with;
} page_changes[] = {
    {"+25% over control", "+26% over control"},
    {"+40% over control", "-40% over control"},
    {"| +15% | +25% |", "| +15% | +25.5% |"},
    {"| +10% | +20% |", "| +20% | +20% |"},
    {"| 80% | 90% |", "| 80% | 95% |"},
    {"| 20% | 10% |", "| 10% | 20% |"},
    {"±5 bps", "±5%"},
    {"±8 bps", "+8%"},
    {"±6 bps", "±60 bps"},
    {"-8%", "+8%"},
    {"| -3% |", "| 3% |"},
    {"Matching latency (p99)", "Matching latency (p95)"},
    {"`markets.quotes.age_ms`", "`markets.quotes.age_s`"},
    {"Monitored per symbol bucket.", "Monitored per symbol."},
    {"| CPU saturation |", "| Disk saturation |"},
    {"| Memory headroom | `infra.host.mem_available_pct` | 20% | 10% | Hard breach fires auto rollback. |\n",
     ""},
    {"| Memory headroom |",
     "| New thing | `a.b` | 1% | 2% | Latency measured pre-trade. |\n| Memory headroom |"},
    {"0% (shadow only)", "1%"},
    {"15 minutes minimum", "16 minutes minimum"},
    {"0.5% of agency", "0.6% of agency"},
    {"1% of market-making orders, 0.5% of agency flow", "1% of market-making orders"},
    {"45 minutes minimum", "45 hours minimum"},
    {"| Canary Phase 2 |", "| Canary Phase 4 |"},
    {"| General Availability | 100% | Until next release",
     "| General Availability | 100% | 10 minutes minimum"},
    {"2-minute sampling", "5-minute sampling"},
    {"must remain below 5 minutes", "must remain below 6 minutes"},
    {"drift score > 0.35 halts", "drift score > 0.36 halts"},
    {"halts promotion", "triggers rollback"},
    {"aborts deployment pre-flight", "is reported"},
    {"- **Model Drift:**", "- **Another:** `x` > 3.\n- **Model Drift:**"},
    {"(timeout 10 seconds)", "(timeout 20 seconds)"},
    {"kubectl apply -f -`", "kubectl replace -f -`"},
    {"`#deploy-ops`", "`#ops`"},
    {"`tradepulse-prod`", "`tradepulse`"},
    {"5-minute auto-escalation", "15-minute auto-escalation"},
    {"`TradePulse/Canary`", "`TradePulse`"},
    {"Enable 100% sampling", "Enable 10% sampling"},
    {"72 hours", "24 hours"},
    {", and `traffic_share` fields", " fields"},
    {"at least 12 months", "at least 6 months"},
    {"within 24 hours of GA", "within 48 hours of GA"},
    {"`infra/compliance/retention_bucket`", "`infra/bucket`"},
    {"trading ops, risk, and product leads", "trading ops, and product leads"},
    {"`governance/change_log.md`", "`change_log.md`"},
};

START_TEST(change_of_page_is_noticed)
{
    check(page_changes[_i].what, page_changes[_i].with, NULL, NULL);
}
END_TEST

/* ---- and of the spec ---- */

static const struct {
    const char *what, *with;
} spec_changes[] = {
    {"soft: +25%, hard: +40%", "soft: +24%, hard: +40%"},
    {"soft: +15%, hard: +25%", "soft: +15%, hard: +250%"},
    {"soft: +25%, hard: +40%", "hard: +40%"},
    {"      - {where: {venue: XNAS}, soft: +8%, hard: +15%}",
     "      - {where: {cluster: crypto}, soft: +8%}"},
    {"quantile: 0.99", "quantile: 0.9"},
    {"bad: above, soft: 80%", "bad: at_or_above, soft: 80%"},
    {"bad: below, soft: 20%, hard: 10%", "bad: below, soft: 20%, hard: 1%"},
    {"bad: outside, soft: ±5bps, hard: ±8bps", "bad: above, soft: 5bps, hard: 8bps"},
    {"soft: ±4bps, hard: ±6bps", "soft: ±4bps, hard: ±60bps"},
    {"only: {flow: market_making}", "only: {flow: agency}"},
    {"soft: -3%, hard: -5%", "soft: -3pp, hard: -5pp"},
    {"    slice: [symbol_bucket]\n", ""},
    {"bad: at_or_above, hard: 5min", "bad: above, hard: 5min"},
    {"hard: 0.35}", "hard: 0.3}"},
    {"[halt, page, notify]", "[rollback, page, notify]"},
    {"    phases: [preflight]\n    limit: {against: fixed, bad: above, hard: 0}\n    window: 2m\n"
     "    on: {hard: [abort, notify]}             ",
     "    limit: {against: fixed, bad: above, hard: 0}\n    window: 2m\n"
     "    on: {hard: [halt, notify]}              "},
    {"min_duration: 20m", "min_duration: 21m"},
    {"market_making: 15%", "market_making: 16%"},
    {"  - name: canary_phase_2\n    traffic: {market_making: 5%, agency: 2%}\n    min_duration: 30m\n", ""},
    {"hard: [rollback, page]", "hard: [rollback]"},
    {"soft: [extend, notify, ticket]", "soft: [notify, ticket]"},
    {"escalate_after: 5m", "escalate_after: 50m"},
    {"folder: TradePulse/Canary", "folder: Canary"},
    {"[deployment_id, phase, traffic_share]", "[deployment_id, phase]"},
    {"  - name: cpu_saturation", "  - name: cpu"},
};

START_TEST(change_of_spec_is_noticed)
{
    check(NULL, NULL, spec_changes[_i].what, spec_changes[_i].with);
}
END_TEST

Suite *
playbook_suite(void)
{
    Suite *s = suite_create("playbook");
    TCase *tc = tcase_create("playbook");

    tcase_add_test(tc, spec_is_clean);
    tcase_add_test(tc, page_and_spec_agree);
    tcase_add_loop_test(tc, change_of_page_is_noticed, 0, GR_COUNT(page_changes));
    tcase_add_loop_test(tc, change_of_spec_is_noticed, 0, GR_COUNT(spec_changes));
    suite_add_tcase(s, tc);
    return s;
}
