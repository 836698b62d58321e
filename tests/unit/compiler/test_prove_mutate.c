#include "config.h"
#include "test_compiler.h"

#include "mutate.h"
#include "promtool.h"
#include "prove_equal.h"
#include "prove_reach.h"

static struct gr_promql *
parsed(struct gr_arena *a, const char *text)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_promql *e = NULL;

    ck_assert_int_eq(gr_promql_parse(a, gr_str(text), GR_SPAN_NONE, diags, &e), GR_OK);
    gr_diags_free(diags);
    gr_sources_free(sources);
    return e;
}

/* Every change of an expression, in order, one a line; those that Prometheus would not load as "-". */
static const struct {
    const char *expr, *changes;
} rows[] = {
    {"a > 2", "a >= 2\na < 2\na > 2.02\na > 1.98\na > -2\n"},
    {"a * 0", "a / 0\na * 1\na * -1\n"},
    {"a{b=\"c\"}", "a{b!=\"c\"}\na{b=\"mutant\"}\na\n"},
    {"{b=\"c\"}", "-\n{b=\"mutant\"}\n-\n"},
    {"rate(a[4m])", "rate(a[2m])\nrate(a[8m])\nrate(a[6m])\nrate(a[2m])\n"},
    {"increase(a[2m])", "rate(a[2m])\ndelta(a[2m])\nincrease(a[1m])\nincrease(a[4m])\nincrease(a[4m])\n"},
    {"a and on (x) b", "a or on (x) b\na unless on (x) b\na and on () b\na and ignoring (x) b\n"},
    {"sum by (x, y) (a)", "max by (x, y) (a)\nsum by (y) (a)\nsum by (x) (a)\n"},
    {"a > bool 1", "a >= bool 1\na < bool 1\na > 1\na > bool 1.01\na > bool 0.99\na > bool -1\n"},
};

START_TEST(changes_are_all_there)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_promql *e = parsed(a, rows[_i].expr);
    struct gr_buf b = GR_BUF_INIT(65536), before = GR_BUF_INIT(65536), after = GR_BUF_INIT(65536);
    enum gr_err err = GR_OK;

    gr_promql_print(&before, e);
    for (size_t n = 0; err != GR_ENOENT; n++) {
        struct mutate_change c = {.tree = NULL};

        err = mutate_nth(a, e, n, 120000, &c);
        ck_assert(err == GR_OK || err == GR_EUSER || err == GR_ENOENT);
        if (err == GR_OK)
            gr_promql_print(&b, c.tree);
        gr_buf_puts(&b, err == GR_OK ? "\n" : err == GR_EUSER ? "-\n" : "");
    }
    gr_promql_print(&after, e);
    if (strcmp(rows[_i].changes, gr_buf_cstr(&b)) != 0)
        ck_abort_msg("%s:\n%swanted:\n%s", rows[_i].expr, gr_buf_cstr(&b), rows[_i].changes);
    ck_assert_str_eq(gr_buf_cstr(&before), gr_buf_cstr(&after)); /* the tree itself stays */
    gr_buf_fini(&b);
    gr_buf_fini(&before);
    gr_buf_fini(&after);
    gr_arena_free(a);
}
END_TEST

/* Whether dropping the first matcher on `s` is known to change nothing. */
static const struct {
    const char *expr;
    bool equal;
} joins[] = {
    {"a{s=\"1\"} and b{s=\"1\"}", true},
    {"a{s=\"1\"} / ignoring (x) b{s=\"1\"}", true},
    {"a{s=\"1\"} and on (x) b{s=\"1\"}", false},
    {"a{s=\"1\"} and ignoring (s) b{s=\"1\"}", false},
    {"a{s=\"1\"} unless b{s=\"1\"}", false},
    {"a{s=\"1\"} or b{s=\"1\"}", false},
    {"a{s=\"1\"} and b{s=\"2\"}", false},
    {"a{s=\"1\"} and b", false},
    {"sum without (x) (a{s=\"1\"}) > 2 and b{s=\"1\"}", true},
    {"sum by (x) (a{s=\"1\"}) > 2 and b{s=\"1\"}", false},
    {"label_replace(a{s=\"1\"}, \"s\", \"2\", \"\", \"\") and b{s=\"1\"}", false},
    {"label_replace(a{s=\"1\"}, \"t\", \"2\", \"\", \"\") and b{s=\"1\"}", true},
    {"a{s=\"1\"} * 0 + 1 and (b{s=\"1\"} or c{s=\"1\"})", true},
    {"a{s=\"1\"} * 0 + 1 and (b{s=\"1\"} or c)", false},
    {"a{s=\"1\"}", false},
    {"a{s=\"1\"} and on (x) c and ignoring (y) b{s=\"1\"}", true},
    {"a{s=\"1\"} and on (x) c and on (y) b{s=\"1\"}", false},
    {"a{s=\"1\"} * on (x) group_left () c and ignoring (y) b{s=\"1\"}", false}, /* true, but not known */
};

START_TEST(superfluous_matchers_are_known)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_promql *e = parsed(a, joins[_i].expr);
    struct gr_rule rule = {.name = GR_STR("x")};
    struct mutate_change c = {.tree = NULL};
    size_t n = 0;

    while (c.dropped.name.n == 0)
        ck_assert_int_ne(mutate_nth(a, e, n++, 120000, &c), GR_ENOENT);
    ck_assert_msg((prove_equal(NULL, &rule, &c) != NULL) == joins[_i].equal, "%s", joins[_i].expr);
    gr_arena_free(a);
}
END_TEST

/* The first change of this kind: whether it is known to change nothing. Each that is, beside near misses. */
static const struct {
    const char *expr, *what;
    bool equal;
} changes[] = {
    /* a phase's series is 1 */
    {"a * on (x) group_left () guardrail:gate{s=\"1\"}", "operator: /", true},
    {"0.8 * guardrail:open", "operator: /", true},
    {"0.8 * guardrail:cohort:begun{x=\"1\"}", "operator: /", true},
    {"a * on (x) label_replace(guardrail:open, \"c\", \"d\", \"\", \"\")", "operator: /", true},
    {"a * (guardrail:open unless guardrail:gate)", "operator: /", true},
    {"a * (guardrail:open or guardrail:gate)", "operator: /", true},
    {"a * (guardrail:open or guardrail:phase_start)", "operator: /", false},
    {"a * guardrail:phase_start", "operator: /", false},
    {"a * (0.8 * guardrail:gate)", "operator: /", false},
    {"guardrail:gate * a", "operator: /", false},
    {"a * last_over_time(guardrail:gate[5m])", "operator: /", false},
    /* its value is not seen */
    {"a unless max by (x) (b)", "aggregation: min", true},
    {"a and max by (x) (b)", "aggregation: min", true},
    {"a or max by (x) (b)", "aggregation: min", false},
    {"max by (x) (a) unless b", "aggregation: min", false},
    {"a unless max by (x) (b) > 2", "aggregation: min", false},
    {"a unless max by (x) (b) > bool 2", "aggregation: min", false}, /* true, but not known */
    {"a unless max by (x) (b) * c", "aggregation: min", false},
    {"max by (x) (a) * 0 + 1", "aggregation: min", true},
    {"0 * max by (x) (a)", "aggregation: min", true},
    {"max by (x) (a) * 2 + 1", "aggregation: min", false},
    {"max by (x) (a) + 0", "aggregation: min", false},
    {"a unless sum(last_over_time(b[5m]))", "function: min_over_time", true},
    {"a unless sum(last_over_time(b[5m]) == 1)", "function: min_over_time", false},
    {"a unless sum(last_over_time(b[5m]))", "range: half", false},
    {"a and increase(b[5m])", "function: rate", true},
    {"a and increase(b[5m])", "function: delta", false}, /* true, but not known */
    {"a or increase(b[5m])", "function: rate", false},
    {"a / 1", "operator: *", true},
    {"a / 2", "operator: *", false},
    {"1 / a", "operator: *", false},
    {"a unless topk(1, max by (x) (b))", "aggregation: min", false},
    /* groups of one */
    {"sum without (c) (a{c=\"1\"})", "aggregation: max", true},
    {"sum without (c) (a{c=\"1\"} < 5)", "aggregation: max", true},
    {"sum without (c, d) (a{c=\"1\"})", "aggregation: max", false},
    {"sum without (c) (a{c=~\"1|2\"})", "aggregation: max", false},
    {"sum without (c) (a{c!=\"1\"})", "aggregation: max", false},
    {"sum by (c) (a{c=\"1\"})", "aggregation: max", false},
    {"count without (c) (a{c=\"1\"})", "aggregation: sum", false},
    {"sum without (c) (a{c=\"1\"} or b)", "aggregation: max", false},
    {"sum without (cohort) (a{guardrail=\"g\",cohort=~\"canary|stream\"})", "aggregation: max", true},
    {"sum without (cohort) (a{cohort=~\"canary|stream\"})", "aggregation: max", false},
    {"sum without (cohort) (a{guardrail=\"g\",cohort=~\"canary|control\"})", "aggregation: max", false},
    {"sum without (cohort) (a{guardrail=\"g\",cohort=~\"canary|stream\"} or b)", "aggregation: max", false},
    /* all values the same */
    {"max by (x) (a == 1)", "aggregation: min", true},
    {"max by (x) (a >= 1)", "aggregation: min", false},
    {"max by (x) (a == bool 1)", "aggregation: min", false},
    {"max by (x) (a == b)", "aggregation: min", false},
    {"sum by (x) (a == 1)", "aggregation: max", false},
    /* labels that are not there */
    {"sum without (p) (a / ignoring (p) b)", "without: dropped p", true},
    {"sum without (p) (a / ignoring (q) b)", "without: dropped p", false},
    {"sum without (p) (a / ignoring (p) group_left () b)", "without: dropped p", false},
    {"sum without (p) (a)", "without: dropped p", false},
    {"max by (spec, x) (a{spec=\"s\"})", "by: dropped spec", true},
    {"max by (spec, x) (a{spec=\"s\"}) unless on (x) b", "by: dropped spec", true},
    {"max by (spec, x) (a{spec=\"s\"}) > 3", "by: dropped spec", true},
    {"max by (spec, x) (a{spec=\"s\"}) unless b", "by: dropped spec", false},
    {"max by (spec, x) (a{spec=\"s\"}) unless on (spec) b", "by: dropped spec", false},
    {"max by (spec, x) (a{spec=\"s\"}) or on (x) b", "by: dropped spec", false},
    {"max by (spec, x) (a{spec=\"t\"})", "by: dropped spec", false},
    {"max by (spec, x) (a)", "by: dropped spec", false},
    {"max by (spec, x) (a{spec=\"s\"})", "by: dropped x", false},
    /* the newest of several */
    {"topk by (x) (1, a)", "literal: a hundredth more", true},
    {"topk by (x) (1, a)", "literal: a hundredth less", false},
    {"topk by (x) (1, a)", "literal: sign", false},
    {"quantile by (x) (1, a)", "literal: a hundredth more", false},
    {"topk by (x) (1, a > 100)", "literal: a hundredth more", true}, /* the first, of topk */
    {"topk by (spec, x) (1, a{spec=\"s\"})", "by: dropped spec", true},
    {"topk by (spec, x) (1, max by (x, spec) (a{spec=\"s\"}))", "by: dropped spec", true},
    {"topk by (spec, x) (1, a{spec=~\"s|t\"})", "by: dropped spec", false},
    {"topk by (spec, x) (1, a or b{spec=\"s\"})", "by: dropped spec", false},
    {"sum(count_over_time(a[5m])) >= 2", "literal: a hundredth less", true},
    {"sum(count_over_time(a[5m])) >= 2", "literal: a hundredth more", false},
    {"count(a) > 2", "literal: a hundredth more", true},
    {"count(a) > 2", "literal: a hundredth less", false},
    {"count(a) == 2", "literal: a hundredth less", false},
    {"sum(a) >= 2", "literal: a hundredth less", false},
    {"count(a) * 2 >= 2", "literal: a hundredth less", false},
    /* unseen arithmetic */
    {"a and b * 2", "literal: a hundredth more", true},
    {"a and b * 2", "operator: /", true},
    {"a and b * c", "operator: /", false},
    {"a and b > 2", "literal: a hundredth more", false},
    {"a and sum(5 * b or 3 * c)", "literal: a hundredth more", true},
    {"a or b * 2", "literal: a hundredth more", false},
    {"a * 2 and b", "literal: a hundredth more", false},
    /* ranges */
    {"last_over_time(a[5m]) and count_over_time(a[5m]) >= 2", "range: double", true},
    {"last_over_time(a[5m]) and count_over_time(a[5m]) >= 2", "range: half", false},
    {"last_over_time(a[5m]) and count_over_time(a[9m]) >= 2", "range: a slot more", false},
    {"last_over_time(a[5m]) and count_over_time(a[5m]) >= 0", "range: double", false},
    {"last_over_time(a[5m]) and count_over_time(b[5m]) >= 2", "range: double", false},
    {"last_over_time(a{x=\"1\"}[5m]) and count_over_time(a[5m]) >= 2", "range: double", false},
    {"last_over_time(a[5m]) and on (x) count_over_time(a[5m]) >= 2", "range: double", false},
    {"max_over_time(a[5m]) and count_over_time(a[5m]) >= 2", "range: double", false},
    {"last_over_time(a[5m]) or count_over_time(a[5m]) >= 2", "range: double", false},
};

START_TEST(equal_changes_are_known)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_promql *e = parsed(a, changes[_i].expr);
    struct gr_rule_pair label = {GR_STR("spec"), GR_STR("s"), NULL};
    struct gr_rule rule = {.name = GR_STR("x"), .labels = {&label, 1, 1}};
    struct mutate_change c = {.tree = NULL};
    const char *why;

    for (size_t n = 0; !gr_str_eq(c.what, gr_str(changes[_i].what)); n++)
        ck_assert_msg(mutate_nth(a, e, n, 120000, &c) != GR_ENOENT, "%s has no %s", changes[_i].expr,
                      changes[_i].what);
    why = prove_equal(NULL, &rule, &c);
    ck_assert_msg((why != NULL) == changes[_i].equal, "%s, %s: %s", changes[_i].expr, changes[_i].what,
                  why ? why : "not known");
    gr_arena_free(a);
}
END_TEST

/* Whether the tests of guardrail g can tell that matcher s, the first such, was dropped: there only g and a stranger have series. */
static const struct {
    const char *expr;
    bool reaches;
} reached[] = {
    {"a{s=\"1\",guardrail=\"g\"}", true},
    {"a{s=\"1\",guardrail=\"h\"}", false},
    {"a{s=\"1\"}", true},
    {"a{s=\"1\",guardrail=~\"f|h\"}", false},
    {"a{s=\"1\",guardrail=~\"f|g\"}", true},
    {"a{s=\"1\",guardrail=~\"f|a-stranger\"}", true},
    {"a{s=\"1\",guardrail=~\"f.*\"}", true},
    {"a{s=\"1\",guardrail=~\"f|\"}", true},
    {"a{s=\"1\",guardrail!=\"g\"}", true},
    {"a{s=\"1\",guardrail=\"h\"} or b{guardrail=\"g\"}", false}, /* what is or is not joined stays empty */
    {"a{guardrail=\"g\"} / b{s=\"1\",guardrail=\"h\"}", false},
    {"sum(a{s=\"1\",guardrail=\"h\"} / 2 > 1) or b{guardrail=\"g\"}", false},
    {"absent(a{s=\"1\",guardrail=\"h\"})", false}, /* the selector itself is empty, before and after */
};

START_TEST(tests_are_reached)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_promql *e = parsed(a, reached[_i].expr);
    struct mutate_change c = {.tree = NULL};
    size_t n = 0;

    while (!gr_str_is(c.dropped.name, "s"))
        ck_assert_int_ne(mutate_nth(a, e, n++, 120000, &c), GR_ENOENT);
    ck_assert_msg(prove_reaches(&c, parsed(a, c.before.p), GR_STR("g")) == reached[_i].reaches, "%s",
                  reached[_i].expr);
    gr_arena_free(a);
}
END_TEST

/* The matcher on guardrail itself: what it took before counts, and what it takes now. */
START_TEST(dropped_guardrail_reaches_all)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_promql *e = parsed(a, "x{guardrail=\"h\"} > 0");
    struct mutate_change c = {.tree = NULL};

    for (size_t n = 0; n < 3; n++) { /* the operator */
        bool matcher;

        ck_assert_int_eq(mutate_nth(a, e, n, 120000, &c), GR_OK);
        matcher = gr_str_starts(c.what, GR_STR("matcher"));
        ck_assert(prove_reaches(&c, parsed(a, c.before.p), GR_STR("g")) == matcher);
        ck_assert(prove_reaches(&c, parsed(a, c.before.p), GR_STR("h")));
    }
    gr_arena_free(a);
}
END_TEST

static const struct {
    const char *argv[4];
    enum promtool_end end;
    const char *out;
} runs[] = {
    {{"sh", "-c", "echo here; echo there >&2", NULL}, PROMTOOL_PASSED, "here\nthere\n"},
    {{"sh", "-c", "echo bad; exit 1", NULL}, PROMTOOL_FAILED, "bad\n"},
    {{"sh", "-c", "kill -9 $$", NULL}, PROMTOOL_MACHINE, ""},
    {{"/nowhere/promtool", NULL}, PROMTOOL_ABSENT, ""},
};

START_TEST(promtool_ends)
{
    struct promtool_run r = {.running = false}, *all[] = {&r};

    promtool_start(&r, runs[_i].argv);
    while (r.running)
        (void)promtool_wait(all, 1);
    ck_assert_int_eq(r.end, runs[_i].end);
    ck_assert_str_eq(gr_buf_cstr(&r.out), runs[_i].out);
    gr_buf_fini(&r.out);
}
END_TEST

/* Output that tells enough ends a run at once; here it would go on for ever. */
START_TEST(promtool_is_stopped_when_it_has_said_it)
{
    static const char *const argv[] = {"sh", "-c",
                                       "echo one; echo FAILED: two; exec cat /dev/zero >/dev/null", NULL};
    struct promtool_run r = {.running = false, .until = "FAILED:"}, *all[] = {&r};

    promtool_start(&r, argv);
    while (r.running)
        (void)promtool_wait(all, 1);
    ck_assert_int_eq(r.end, PROMTOOL_FAILED);
    gr_buf_fini(&r.out);
}
END_TEST

START_TEST(promtool_is_stopped_when_late)
{
    static const char *const argv[] = {"sh", "-c", "exec cat /dev/zero", NULL};
    struct promtool_run r = {.running = false}, *all[] = {&r};

    promtool_start(&r, argv);
    r.deadline_ms = promtool_clock_ms() - 1;
    while (r.running) {
        (void)promtool_wait(all, 1);
        if (r.running && r.out.n > 1000000)
            promtool_stop(&r);
    }
    ck_assert_int_eq(r.end, PROMTOOL_TIMEOUT);
    ck_assert(r.out.n <= PROMTOOL_BYTES_MAX);
    gr_buf_fini(&r.out);
}
END_TEST

Suite *
prove_mutate_suite(void)
{
    Suite *s = suite_create("prove_mutate");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, changes_are_all_there, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, superfluous_matchers_are_known, 0, GR_COUNT(joins));
    tcase_add_loop_test(tc, equal_changes_are_known, 0, GR_COUNT(changes));
    tcase_add_loop_test(tc, tests_are_reached, 0, GR_COUNT(reached));
    tcase_add_test(tc, dropped_guardrail_reaches_all);
    tcase_add_loop_test(tc, promtool_ends, 0, GR_COUNT(runs));
    tcase_add_test(tc, promtool_is_stopped_when_it_has_said_it);
    tcase_add_test(tc, promtool_is_stopped_when_late);
    suite_add_tcase(s, tc);
    return s;
}
