/* The formulas against numbers computed apart from the code, with Python, from the text of the header. */
#include "config.h"
#include "evidence_math.h"
#include "test_compiler.h"

#include <math.h>

#include "guardrail/base.h"

static const struct counts_row {
    const char *name;
    struct evidence_counts in;
    double d, dispersion, log, plain;
} counts_rows[] = {
    {"four times, slots as Poisson",
     {{80, 2000, 2000}, {1980, 198000, 198000}, 10, 7.84},
     0.03,
     1.313635392,
     14.73197269,
     81.8232718},
    {"alike", {{20, 2000, 2000}, {1980, 198000, 198000}, 10, 2}, 0, 1.291997689, -1.401070845, -1.522261219},
    {"four times, in clusters",
     {{80, 2000, 2000}, {1980, 198000, 198000}, 10, 80},
     0.03,
     6.907443976,
     4.656890656,
     81.8232718},
    {"one slot", {{80, 2000, 2000}, {1980, 198000, 198000}, 1, 0}, 0.03, 1.5, 7.915006149, 81.8232718},
    {"all bad against none",
     {{2000, 2000, 2000}, {0, 198000, 198000}, 10, 0},
     1,
     1,
     25.86315501,
     95236.57298},
    {"high rates", {{300, 500, 500}, {900, 2000, 2000}, 6, 9.5}, 0.15, 1.195376746, 5.480133904, 15.02308666},
    {"weighted", {{40, 1000, 1500}, {990, 99000, 148500}, 5, 3}, 0.03, 1.072815712, 8.945720315, 38.62360887},
    {"no bad event at all", {{0, 2000, 2000}, {0, 198000, 198000}, 10, 0}, 0, 1, 0, 0},
    {"nothing but bad events", {{2000, 2000, 2000}, {198000, 198000, 198000}, 10, 0}, 0, 1, 0, 0},
    {"no slot", {{0, 0, 0}, {0, 0, 0}, 0, 0}, 0, EVIDENCE_COUNT_DISPERSION, 0, 0},
    {"no control", {{80, 2000, 2000}, {0, 0, 0}, 10, 0}, 0, EVIDENCE_COUNT_DISPERSION, 0, 0},
    {"slots without pairs",
     {{80, 2000, 2000}, {1980, 198000, 198000}, 0, 0},
     0,
     EVIDENCE_COUNT_DISPERSION,
     0,
     0},
};

static void
near(const char *name, const char *what, double got, double want)
{
    ck_assert_msg(isfinite(got) && fabs(got - want) <= 1e-8 * (1 + fabs(want)), "%s: %s is %.10g, not %.10g",
                  name, what, got, want);
}

START_TEST(counts_are_tested)
{
    const struct counts_row *r = &counts_rows[_i];

    near(r->name, "difference", evidence_counts_difference(&r->in), r->d);
    if (r->dispersion > 1) /* where it is 1 only because of the clamp the exact value does not matter */
        near(r->name, "dispersion", evidence_counts_dispersion(&r->in), r->dispersion);
    near(r->name, "log L", evidence_counts(&r->in), r->log);
    near(r->name, "textbook", evidence_counts_plain(&r->in), r->plain);
}
END_TEST

static const struct pairs_row {
    const char *name;
    struct evidence_pairs in;
    double log, plain;
} pairs_rows[] = {
    {"constant difference", {5, 1.0, 0, 0, 0, 0.25}, 12.52698293, 4988.793104},
    {"ten slots", {10, 0.4, 0.0025, 0, 0, 0.25}, 10.85251811, 284.0153962},
    {"a lower limit", {10, -0.16, 0.0004, 0, 0, -0.08}, 11.59322093, 283.5254262},
    {"healthy", {40, 0.02, 0.01, 0, 0, 0.25}, -2.588445609, -1.973305566},
    {"exactly alike", {5, 0, 0, 0, 0, 0.25}, -2.619549003, -3.219675186},
    {"a jump in mid-phase, still in the last slots", {20, 0.5, 0.25, 0.25, 8, 0.25}, 1.454833154, 6.97322616},
    {"a jump in mid-phase, eight slots ago", {20, 0.5, 0.25, 0.0025, 8, 0.25}, 12.92993546, 6.97322616},
    {"the last slots no quieter", {20, 0.5, 0.0025, 0.002, 8, 0.25}, 22.51575432, 944.9214928},
    {"the last slots constant", {20, 0.5, 0.25, 0, 8, 0.25}, 30.82946454, 6.97322616},
    {"one of the last slots missing", {20, 0.5, 0.25, 0, 7, 0.25}, 1.454833154, 6.97322616},
    {"four slots say nothing", {4, 1.0, 0.01, 0, 0, 0.25}, 0, 0},
    {"one slot", {1, 1.0, 0, 0, 0, 0.25}, 0, 0},
    {"no slot", {0, 0, 0, 0, 0, 0.25}, 0, 0},
    {"no limit", {10, 1.0, 0.01, 0, 0, 0}, 0, 0},
};

START_TEST(pairs_are_tested)
{
    const struct pairs_row *r = &pairs_rows[_i];

    near(r->name, "log L", evidence_pairs(&r->in), r->log);
    near(r->name, "textbook", evidence_pairs_plain(&r->in), r->plain);
}
END_TEST

/* With ever more slots' worth of variance the formula is the one with a known variance. */
START_TEST(many_slots_are_a_known_variance)
{
    double d = 0.03, v = 1e-4, tau = 0.02;
    double known = 0.5 * log(v / (v + tau * tau)) + d * d * tau * tau / (2 * v * (v + tau * tau));

    ck_assert_double_eq_tol(evidence_log(d, v, tau, 1e9), known, 1e-5);
    ck_assert_double_lt(evidence_log(d, v, tau, 20), known);
    ck_assert_double_lt(evidence_log(d, v, tau, 5), evidence_log(d, v, tau, 20));
}
END_TEST

static const double odd[] = {0, -1, 1e-320, 1e308, (double)INFINITY, -(double)INFINITY, (double)NAN};

START_TEST(nothing_gives_nan)
{
    for (size_t i = 0; i < GR_COUNT(odd); i++)
        for (size_t k = 0; k < GR_COUNT(odd); k++) {
            ck_assert(isfinite(evidence_log(odd[i], odd[k], 0.1, 8)));
            ck_assert(isfinite(evidence_log(odd[i], 0.1, odd[k], 8)));
            ck_assert(isfinite(evidence_log(0.1, 0.1, odd[i], odd[k])));
        }
}
END_TEST

/* One cluster of any size in one of ten slots proves nothing, whatever the textbook says. */
START_TEST(one_cluster_is_no_evidence)
{
    for (double size = 10; size <= 1000; size *= 10) {
        double u = evidence_score(size / 200, 0.01, 200, 19800);
        struct evidence_counts c = {
            .canary = {size, 2000, 2000}, .control = {1980, 198000, 198000}, .slots = 10};

        c.stdvar = u * u * 0.09; /* one slot of u, nine near 0 */
        ck_assert_double_lt(evidence_counts(&c), 10);
    }
}
END_TEST

START_TEST(threshold_is_of_one_side)
{
    near("468 tests, 1 %", "threshold", evidence_threshold(0.01 / 468), 10.060491301345794);
}
END_TEST

START_TEST(score_weighs_a_slot)
{
    near("1 of 100 against 0 of 300", "u", evidence_score(0.01, 0, 100, 300), 0.75);
    near("alike", "u", evidence_score(0.2, 0.2, 5, 7), 0);
}
END_TEST

Suite *
evidence_math_suite(void)
{
    Suite *s = suite_create("evidence_math");
    TCase *tc = tcase_create("evidence_math");

    tcase_add_loop_test(tc, counts_are_tested, 0, GR_COUNT(counts_rows));
    tcase_add_loop_test(tc, pairs_are_tested, 0, GR_COUNT(pairs_rows));
    tcase_add_test(tc, many_slots_are_a_known_variance);
    tcase_add_test(tc, nothing_gives_nan);
    tcase_add_test(tc, one_cluster_is_no_evidence);
    tcase_add_test(tc, threshold_is_of_one_side);
    tcase_add_test(tc, score_weighs_a_slot);
    suite_add_tcase(s, tc);
    return s;
}
