/* test_power.c - power against what can be had exactly: normal tails, binomial sums. */
#include "config.h"
#include "test_compiler.h"

#include <math.h>

#include "power_parts.h"
#include "specs.h"

#define ROLLOUTS 4000

static struct power
play(struct specs *s, const char *limit, const char *text)
{
    struct rates *rates = NULL;
    struct power p;
    uint32_t file;

    specs_read_changed(s,
                       "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
                       "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n",
                       limit);
    ck_assert_int_eq(s->err, GR_OK);
    ck_assert_int_eq(gr_sources_add(s->sources, GR_STR("rates.yml"), gr_str(text), &file), GR_OK);
    ck_assert_int_eq(rates_read(s->arena, s->sources, file, s->model, s->diags, &rates), GR_OK);
    ck_assert_int_eq(power_run(&p, s->model, rates, (struct power_options){.seed = 5, .rollouts = ROLLOUTS}),
                     GR_OK);
    return p;
}

/* Within four standard deviations of chance. */
static void
close_to(double got, double want, double n)
{
    double sd = sqrt(want * (1 - want) / n);

    ck_assert_msg(fabs(got - want) <= 4 * sd + 1e-12, "%.4f, and exactly it is %.4f (chance: %.4f)", got,
                  want, sd);
}

/* Looked at slot by slot, with noise that is half of the limit: each of the 3 venues' slots fires with P(Z > 2). p1 has 10 slots, p2 22, and
 * four times as many (40 and 90: 80 and 180 minutes) at their maximum. */
START_TEST(gauges_by_the_letter)
{
    double calm = 1 - sim_normal_cdf(-2);
    struct specs s;
    struct power p = play(&s,
                          "    compare_within: [venue]\n    metric: {gauge: l, unit: ms, reduce: avg}\n"
                          "    limit: {against: control, hard: +50%}\n    evidence: point\n    window: 2m\n",
                          "autocorrelation: 0\nguardrails: {errors: {noise: 25%}}");

    ck_assert_uint_eq(p.n, 2);
    ck_assert_uint_eq(p.tests, 6);
    close_to((double)p.rows[0].false_min / ROLLOUTS, 1 - pow(calm, 3 * 10), ROLLOUTS);
    close_to((double)p.rows[0].false_max / ROLLOUTS, 1 - pow(calm, 3 * 40), ROLLOUTS);
    close_to((double)p.rows[1].false_min / ROLLOUTS, 1 - pow(calm, 3 * 22), ROLLOUTS);
    close_to((double)p.false_min / ROLLOUTS, 1 - pow(calm, 3 * 32), ROLLOUTS);
    close_to((double)p.false_max / ROLLOUTS, 1 - pow(calm, 3 * 130), ROLLOUTS);
    /* 1.4 lies 0.4 of noise below the limit: P(Z > 0.4) a slot; 2 lies 2 beyond it. */
    close_to(p.rows[0].detect[0], 1 - pow(sim_normal_cdf(0.4), 10), POWER_TRIALS);
    ck_assert(p.rows[0].inside[0] && !p.rows[0].inside[1]);
    ck_assert_uint_eq(p.rows[0].median_slots, 1);
    ck_assert_double_eq_tol(power_caught(&p, p.rows[0].g, 2, false), 1, 1e-9);
    specs_fini(&s);
}
END_TEST

static double
binomial(double n, double k, double rate)
{
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(rate) + (n - k) * log1p(-rate));
}

/* P(canary / n > limit x control / N) for independent events, summed over both. */
static double
excursion(double n, double big_n, double canary, double control, double limit)
{
    double p = 0;

    for (double c = 1; c < big_n * control * 3; c++)
        for (double b = floor(limit * c / big_n * n + 1e-9) + 1; b <= n && b < 60; b++)
            p += binomial(big_n, c, control) * binomial(n, b, canary);
    return p;
}

/* 100 observations of the canary a slot, 900 of control; a twin of each venue's flow mm; agency has none. */
START_TEST(counts_by_the_letter)
{
    struct specs s;
    struct power p =
        play(&s,
             "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
             "    limit: {against: control, hard: +200%, floor: 0.001%}\n"
             "    evidence: {kind: point, min_events: 1, min_total: 1}\n    window: 2m\n    phases: [p1]\n",
             "dispersion: 1\ncontrol: 9.0909090909%\ntraffic: [{where: {flow: mm}, per_second: 83.3333333},"
             " {where: {flow: agency}, per_second: 0}]\nguardrails: {errors: {bad: 2%}}");
    const struct power_row *r = &p.rows[0];

    ck_assert_uint_eq(p.n, 1);
    ck_assert_uint_eq(p.tests, 3);
    ck_assert_int_eq(r->blind, POWER_NO_TRAFFIC); /* the worst slice is one without any */
    close_to((double)r->false_min / ROLLOUTS, 1 - pow(1 - excursion(100, 900, 0.02, 0.02, 3), 30), ROLLOUTS);
    specs_fini(&s);
}
END_TEST

/* The regression that makes twice the limit, as the simulator wants it. */
static const struct factor {
    const char *name, *limit, *rates;
    double twice, four, most;
} factors[] = {
    {"relative",
     "ratio: {bad: f_total, total: r_total}}\n    limit: {against: control, hard: +40%, floor: 0.05%}\n",
     "{bad: 1%}", 1.8, 4, 0.97 / 0.004},
    {"below the floor",
     "ratio: {bad: f_total, total: r_total}}\n    limit: {against: control, hard: +50%, floor: 2%}\n",
     "{bad: 1%}", 5, 4, 0.97 / 0.02},
    {"points", "ratio: {bad: f_total, total: r_total}}\n    limit: {against: control, hard: +3pp}\n",
     "{bad: 2%}", 4, 4, 0.96 / 0.03},
    {"good", "ratio: {good: f_total, total: r_total}}\n    limit: {against: control, hard: -5%}\n",
     "{good: 80%}", 1.4, 4, 0.78 / 0.04},
    {"good points", "ratio: {good: f_total, total: r_total}}\n    limit: {against: control, hard: -5pp}\n",
     "{good: 80%}", 1.5, 4, 0.78 / 0.05},
};

START_TEST(regressions)
{
    const struct factor *f = &factors[_i];
    struct gr_buf limit = GR_BUF_INIT(4096), text = GR_BUF_INIT(4096);
    struct rates *rates = NULL;
    struct specs s;
    struct plan p;
    uint32_t file;

    gr_buf_printf(&limit, "    metric: {%s", f->limit);
    gr_buf_printf(&text, "guardrails: {errors: %s}", f->rates);
    specs_read_changed(&s,
                       "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
                       "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n",
                       gr_buf_cstr(&limit));
    ck_assert_int_eq(s.err, GR_OK);
    ck_assert_int_eq(gr_sources_add(s.sources, GR_STR("rates.yml"), gr_buf_str(&text), &file), GR_OK);
    ck_assert_int_eq(rates_read(s.arena, s.sources, file, s.model, s.diags, &rates), GR_OK);
    plan_init(&p,
              &(struct which){s.model, rates, s.model->guardrails, &s.model->phases[1],
                              s.model->guardrails[0].expected, s.model->guardrails[0].limit.bounds, 0},
              (struct how){.grow = 1});
    ck_assert(p.playable);
    ck_assert_double_eq_tol(plan_excess(&p, 2), f->twice, 1e-9);
    ck_assert_double_eq_tol(plan_excess(&p, 0), 1, 1e-9);
    ck_assert_double_eq_tol(plan_factor(&p, 4), f->four, 1e-9);
    ck_assert_double_eq_tol(plan_excess_max(&p), f->most, 1e-6);
    gr_buf_fini(&limit);
    gr_buf_fini(&text);
    specs_fini(&s);
}
END_TEST

/* More traffic sees more; what power asks for suffices. */
START_TEST(what_it_needs_is_enough)
{
    static const char *const limit =
        "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
        "    limit: {against: control, hard: +100%, floor: 0.05%}\n    phases: [p2]\n";
    struct gr_buf text = GR_BUF_INIT(4096);
    struct specs s, more;
    struct power thin = play(&s, limit, "traffic: [{where: {}, per_second: 30}]"), fat;
    const struct power_row *r = &thin.rows[0];

    ck_assert_int_eq(r->blind, POWER_THIN);
    ck_assert_double_gt(r->share, r->share_now);
    ck_assert_uint_gt(r->longer, r->slots);
    gr_buf_printf(&text, "traffic: [{where: {}, per_second: %.3f}]", 30 * 1.3 * r->share / r->share_now);
    fat = play(&more, limit, gr_buf_cstr(&text));
    ck_assert_int_eq(fat.rows[0].blind, POWER_SEES);
    ck_assert_double_lt(fat.rows[0].sees, r->sees);
    gr_buf_fini(&text);
    specs_fini(&more);
    specs_fini(&s);
}
END_TEST

START_TEST(the_letter_has_a_price)
{
    const struct phase *phase;
    struct specs s;

    specs_read_changed(&s, NULL, NULL);
    ck_assert_double_gt(power_of_letter(s.model, s.model->guardrails, 50, &phase), 0);
    ck_assert_double_gt(power_of_letter(s.model, s.model->guardrails, 200, &phase),
                        power_of_letter(s.model, s.model->guardrails, 5000, &phase));
    ck_assert(gr_str_is(phase->name, "p1"));
    specs_fini(&s);
}
END_TEST

Suite *
power_suite(void)
{
    Suite *s = suite_create("power");
    TCase *tc = tcase_create("power");

    tcase_add_test(tc, gauges_by_the_letter);
    tcase_add_test(tc, counts_by_the_letter);
    tcase_add_loop_test(tc, regressions, 0, GR_COUNT(factors));
    tcase_add_test(tc, what_it_needs_is_enough);
    tcase_add_test(tc, the_letter_has_a_price);
    suite_add_tcase(s, tc);
    return s;
}
