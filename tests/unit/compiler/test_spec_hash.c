#include "config.h"
#include "specs.h"
#include "test_compiler.h"

/* Whether a change of the base changes its hash. */
static const struct {
    const char *what, *with;
    bool same;
} changes[] = {
    {"spec: demo\n", "spec: demo   # a comment\n\n", true},
    {"spec: demo\n", "spec: \"demo\"\n", true},
    {"sampling: 2m\nscrape_interval: 30s\n", "scrape_interval: 30s\nsampling: 2m\n", true},
    {"sampling: 2m\n", "sampling: 120s\n", true},
    {"min_duration: 45m", "min_duration: 45min", true},
    {"false_rollback_budget: 1%", "false_rollback_budget: 100bps", true},
    {"agency: 0.5%", "agency: 0.50%", true},
    {"soft: +25%", "soft: +25.0%", true},
    {"release: {labels: [cluster]}", "release:\n  labels:\n    - cluster", true},
    {"bad: failures_total,", "bad: 'failures_total{}',", true},
    {"at_most: 16", "at_most: 17", false},
    {"sampling: 2m\n", "sampling: 4m\n", false},
    {"soft: +25%", "soft: +26%", false},
    {"soft: +25%, hard: +40%, floor: 0.05%", "soft: +25pp, hard: +40pp", false},
    {"name: errors", "name: error", false},
    {"bad: failures_total,", "bad: 'failures_total{job=\"a\"}',", false},
    {"venue: [XNAS, XNYS]", "venue: [XNYS, XNAS]", false}, /* order is order in all outputs */
    {"run: [bin/undo,", "run: [bin/redo,", false},
};

START_TEST(hash_is_of_the_meaning)
{
    struct specs a, b;

    specs_read_changed(&a, NULL, NULL);
    specs_read_changed(&b, changes[_i].what, changes[_i].with);
    ck_assert_msg(b.model, "%s", b.n ? b.findings[0].message : "");
    ck_assert_uint_eq(a.model->spec_hash.n, 64);
    ck_assert_msg(gr_str_eq(a.model->spec_hash, b.model->spec_hash) == changes[_i].same, "\"%s\" for \"%s\"",
                  changes[_i].with, changes[_i].what);
    specs_fini(&a);
    specs_fini(&b);
}
END_TEST

Suite *
spec_hash_suite(void)
{
    Suite *s = suite_create("spec_hash");
    TCase *tc = tcase_create("hash");

    tcase_add_loop_test(tc, hash_is_of_the_meaning, 0, GR_COUNT(changes));
    suite_add_tcase(s, tc);
    return s;
}
