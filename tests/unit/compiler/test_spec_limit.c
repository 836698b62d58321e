#include "config.h"
#include "specs.h"
#include "test_compiler.h"

#define BASE_METRIC "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
#define BASE_LIMIT "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n"

/* A metric and a limit, and the bounds that come of them: "hard upper 1.4, …" */
static const struct {
    const char *metric, *limit;
    enum against against;
    const char *bounds;
} limits[] = {
    {"ratio: {bad: a, total: b}", "against: control, soft: +25%, hard: +40%, floor: 0.05%, backstop: 5%",
     AGAINST_CONTROL_RELATIVE, "hard upper 1.4; hard backstop 0.05; soft upper 1.25; floor 0.0005"},
    {"ratio: {bad: a, total: b}", "against: control, soft: +25%, floor: 0.0005", AGAINST_CONTROL_RELATIVE,
     "soft upper 1.25; floor 0.0005"},
    {"ratio: {good: a, total: b}", "against: control, soft: -3%, hard: -5%", AGAINST_CONTROL_RELATIVE,
     "hard lower 0.95; soft lower 0.97"},
    {"ratio: {bad: a, total: b}", "against: control, soft: +3pp, hard: +500bps", AGAINST_CONTROL_POINTS,
     "hard upper 0.05; soft upper 0.03"},
    {"gauge: g, unit: bps, signed: true", "against: control, soft: ±5bps, hard: ±0.1pp",
     AGAINST_CONTROL_POINTS, "hard upper 10; hard lower -10; soft upper 5; soft lower -5"},
    {"gauge: g, unit: bps", "against: control, soft: -5%, hard: -8%", AGAINST_CONTROL_RELATIVE,
     "hard lower 0.92; soft lower 0.95"},
    {"gauge: g, unit: ms", "against: control, soft: ±10%", AGAINST_CONTROL_RELATIVE,
     "soft upper 1.1; soft lower 0.9"},
    {"gauge: g, unit: ms", "against: control, soft: +5ms, hard: +0.5s", AGAINST_CONTROL_POINTS,
     "hard upper 500; soft upper 5"},
    {"gauge: g, unit: count", "against: control, hard: +3", AGAINST_CONTROL_POINTS, "hard upper 3"},
    {"gauge: g, unit: ratio, reduce: max", "against: fixed, bad: above, soft: 80%, hard: 90%", AGAINST_FIXED,
     "hard upper 0.9; soft upper 0.8"},
    {"gauge: g, unit: percent, reduce: min", "against: fixed, bad: below, soft: 20%, hard: 10%",
     AGAINST_FIXED, "hard lower 10; soft lower 20"},
    {"gauge: g, unit: bps, signed: true", "against: fixed, bad: outside, soft: ±5bps, hard: +-8bps",
     AGAINST_FIXED, "hard upper 8; hard lower -8; soft upper 5; soft lower -5"},
    {"gauge: g, unit: bps, signed: true", "against: fixed, bad: below, hard: -8bps", AGAINST_FIXED,
     "hard lower -8"},
    {"gauge: g, unit: minutes, reduce: max", "against: fixed, bad: at_or_above, hard: 5min", AGAINST_FIXED,
     "hard upper= 5"},
    {"gauge: g, unit: minutes, reduce: max", "against: fixed, bad: at_or_below, hard: 30s", AGAINST_FIXED,
     "hard lower= 0.5"},
    {"gauge: g, unit: score, reduce: max", "against: fixed, bad: above, hard: 0.35", AGAINST_FIXED,
     "hard upper 0.35"},
    {"histogram: h_seconds, quantile: 0.99", "against: fixed, bad: above, hard: 250ms", AGAINST_FIXED,
     "hard upper 0.25"},
    {"histogram: h_seconds, quantile: 0.99", "against: control, soft: +10%, hard: +20%, backstop: 2s",
     AGAINST_CONTROL_RELATIVE, "hard upper 1.2; hard backstop 2; soft upper 1.1"},
};

static void
print_limit(struct gr_buf *b, const struct limit *l)
{
    for (size_t i = 0; i < l->n_bounds; i++) {
        const struct bound *x = &l->bounds[i];

        gr_buf_printf(b, "%s%s %s%s ", i ? "; " : "", level_name(x->level), side_name(x->side),
                      x->inclusive ? "=" : "");
        gr_dec_print(b, x->literal);
    }
    if (l->floor.mant != 0)
        gr_buf_printf(b, "; floor %s", specs_dec(l->floor));
}

START_TEST(limits_become_literals)
{
    struct gr_buf text = GR_BUF_INIT(4096), got = GR_BUF_INIT(4096);
    const struct limit *l;
    struct specs s;

    gr_buf_printf(&text, "    metric: {%s}\n    limit: {%s}\n", limits[_i].metric, limits[_i].limit);
    specs_read_changed(&s, BASE_METRIC BASE_LIMIT, gr_buf_cstr(&text));
    ck_assert_msg(s.n == 0, "%s: %s", limits[_i].limit, s.findings[0].message);
    l = &specs_guardrail(&s, "errors")->limit;
    print_limit(&got, l);
    ck_assert_str_eq(gr_buf_cstr(&got), limits[_i].bounds);
    ck_assert_int_eq(l->against, limits[_i].against);
    specs_fini(&s);
    gr_buf_fini(&text);
    gr_buf_fini(&got);
}
END_TEST

START_TEST(texts_are_kept)
{
    const struct bound *b;
    struct specs s;

    specs_read_changed(&s, NULL, NULL);
    b = specs_guardrail(&s, "errors")->limit.bounds;
    ck_assert(gr_str_is(b[0].text, "+40%") && gr_str_is(b[1].text, "+25%"));
    ck_assert_uint_eq(b[0].span.end - b[0].span.start, 4);
    specs_fini(&s);
}
END_TEST

Suite *
spec_limit_suite(void)
{
    Suite *s = suite_create("spec_limit");
    TCase *tc = tcase_create("limits");

    tcase_add_loop_test(tc, limits_become_literals, 0, GR_COUNT(limits));
    tcase_add_test(tc, texts_are_kept);
    suite_add_tcase(s, tc);
    return s;
}
