/* test_explain.c - facts behind `guardrailc explain`; its whole answers are golden (tests/explain.sh). */
#include "config.h"
#include "test_compiler.h"

#include "../base/failing.h"
#include "explain.h"
#include "specs.h"

/* Coverage: 90 % of the slots, rounded up, each surely there a slot after the other from the first that counts. sampling 2m, scrape 30s. */
static const struct {
    const char *what, *with;
    size_t phase;
    uint64_t slots, needed;
    int64_t sure_s;
} covered[] = {
    {NULL, NULL, 1, 10, 9, 30 + 120 + 9 * 120},
    {NULL, NULL, 2, 22, 20, 30 + 120 + 20 * 120},
    {"sampling: 2m", "sampling: 1m", 1, 20, 18, 30 + 60 + 18 * 60},
    {"    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n",
     "    limit: {against: fixed, bad: above, hard: 4%}\n    window: 4m\n", 1, 2, 2, 30 + 2 * 120},
};

START_TEST(coverage)
{
    struct specs s;
    struct coverage c;

    specs_read_changed(&s, covered[_i].what, covered[_i].with);
    ck_assert_int_eq(s.err, GR_OK);
    c = explain_coverage(s.model, &s.model->guardrails[0], &s.model->phases[covered[_i].phase]);
    ck_assert_uint_eq(c.slots, covered[_i].slots);
    ck_assert_uint_eq(c.needed, covered[_i].needed);
    ck_assert_int_eq(c.sure_ms, 1000 * covered[_i].sure_s);
    specs_fini(&s);
}
END_TEST

/* Every allocation fails in turn: GR_ENOMEM or the whole answer, never less. */
START_TEST(without_memory)
{
    static const char *const specs[] = {"examples/minimal/guardrails.yml", "tests/golden/explain/odd.yml"};
    struct gr_buf whole = GR_BUF_INIT(16u << 20), got = GR_BUF_INIT(16u << 20), complaint = GR_BUF_INIT(4096);
    const char *name = _i % 2 == 0 ? "error_rate" : "errors";
    bool more = true;

    for (size_t nth = 0; more; nth++) {
        struct specs s;
        struct explain x;
        enum gr_err err;

        ck_assert_uint_lt(nth, 20000);
        specs_read_file(&s, specs[_i % 2]);
        ck_assert_int_eq(s.err, GR_OK);
        if (nth > 0)
            failing_start(nth, _i >= 2);
        if ((err = routes_check(s.model, s.diags)) == GR_OK &&
            (err = explain_init(&x, s.model, s.sources)) == GR_OK &&
            (err = explain_choose(&x, name, NULL, NULL, &complaint)) == GR_OK)
            err = explain_json(&x, &got);
        if (err == GR_OK)
            explain_guardrail_text(&x, &got);
        if (err == GR_OK)
            explain_spec_text(&x, &got);
        if (err == GR_OK)
            err = gr_buf_err(&got);
        more = nth == 0 || failing_stop();
        ck_assert_msg(err == GR_OK || err == GR_ENOMEM, "%zu: %s", nth, gr_err_name(err));
        ck_assert_msg(err == GR_OK || more, "failed without a reason");
        if (nth == 0)
            gr_buf_put(&whole, gr_buf_str(&got));
        else if (err == GR_OK)
            ck_assert_msg(gr_str_eq(gr_buf_str(&got), gr_buf_str(&whole)), "%zu: another answer", nth);
        gr_buf_fini(&got);
        gr_buf_init(&got, 16u << 20);
        specs_fini(&s);
    }
    gr_buf_fini(&whole);
    gr_buf_fini(&got);
    gr_buf_fini(&complaint);
}
END_TEST

Suite *
explain_suite(void)
{
    Suite *s = suite_create("explain");
    TCase *tc = tcase_create("facts");

    tcase_add_loop_test(tc, coverage, 0, (int)GR_COUNT(covered));
    suite_add_tcase(s, tc);
    tc = tcase_create("memory");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, without_memory, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}
