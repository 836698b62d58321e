/* Templates, branches, matchers over sets of guardrails, literals per slice, windows. What rules mean is shown by promtool instead
 * (tests/promtool/). */
#include "config.h"
#include "../base/failing.h"
#include "lower.h"
#include <signal.h>
#include "specs.h"
#include "test_compiler.h"

struct fixture {
    struct model m;
    struct lower lo;
};

static void
fixture_init(struct fixture *f, const struct model *m)
{
    struct gr_arena *arena = gr_arena_create(1u << 24);

    ck_assert_ptr_nonnull(arena);
    if (m)
        f->m = *m;
    f->lo = (struct lower){.m = &f->m,
                           .arena = arena,
                           .file = gr_rulefile_create(arena),
                           .expr = GR_BUF_INIT(65536),
                           .spec = GR_STR("spec=\"demo\""),
                           .release = GR_STR("cluster"),
                           .pure = GR_STR("cluster, deployment_id, phase"),
                           .canary = GR_STR("\"$C$1\""),
                           .control = GR_STR("\"old\""),
                           .subject = GR_STR("\"new|stream\""),
                           .dynamic = GR_STR("ignoring (b) "),
                           .dynamic_more = GR_STR(", b")};
    ck_assert_ptr_nonnull(f->lo.file);
    f->lo.group = gr_rulefile_group(f->lo.file, GR_STR("demo"), 120000);
    ck_assert_ptr_nonnull(f->lo.group);
}

static void
fixture_fini(struct fixture *f)
{
    gr_buf_fini(&f->lo.expr);
    gr_arena_free(f->lo.arena);
}

/* -- composing ----------------------------------------------------------------------------------------------------------- */

START_TEST(templates_expand)
{
    struct fixture f = {.m = {.n_guardrails = 0}};

    fixture_init(&f, NULL);
    lower_put(&f.lo, "$S $R $P $C $K $T $Y$Z $$ $2$1$1", "one", "$S two", NULL);
    /* What a variable or an argument holds is never expanded again. */
    ck_assert_str_eq(gr_buf_cstr(&f.lo.expr),
                     "spec=\"demo\" cluster cluster, deployment_id, phase \"$C$1\" \"old\" "
                     "\"new|stream\" ignoring (b) , b $ $S twooneone");
    ck_assert_str_eq(lower_cut(&f.lo, 5), "\"demo\" cluster cluster, deployment_id, phase \"$C$1\" \"old\" "
                                          "\"new|stream\" ignoring (b) , b $ $S twooneone");
    ck_assert_str_eq(gr_buf_cstr(&f.lo.expr), "spec=");
    ck_assert_str_eq(lower_text(&f.lo, "<$1|$S>", "x"), "<x|spec=\"demo\">");
    ck_assert_str_eq(gr_buf_cstr(&f.lo.expr), "spec=");
    fixture_fini(&f);
}
END_TEST

START_TEST(branches_are_joined)
{
    struct fixture f = {.m = {.n_guardrails = 0}};
    struct gr_rule *rule;

    fixture_init(&f, NULL);
    lower_branches(&f.lo, "\nor ");
    ck_assert_ptr_null(lower_record(&f.lo, "none")); /* no branch, no rule */
    ck_assert_uint_eq(f.lo.group->count, 0);
    lower_branch(&f.lo, "a{$S}", NULL);
    lower_put(&f.lo, " + 1", NULL);
    lower_branch(&f.lo, "$1", "b", NULL);
    rule = lower_record(&f.lo, "some");
    ck_assert_ptr_nonnull(rule);
    ck_assert(gr_str_is(rule->expr, "a{spec=\"demo\"} + 1\nor b"));
    ck_assert_uint_eq(f.lo.expr.n, 0);
    fixture_fini(&f);
}
END_TEST

static const struct {
    const char *expr, *form;
} forms[] = {
    {"guardrail:effect{spec=\"a\",venue!=\"b c\"} > 1.25", "m{spec=\"v\",venue!=\"v\"} > 1"},
    {"x_total[150s] offset 5m", "m[150s] offset 5m"},
    {"x[1m:2m] - 12 * 0.5 + .5", "x[1m:2m] - 1 * 1 + .5"},
    /* what may decide whether an expression is valid stays */
    {"up{a=~\"b|c\",d!~\"(\"}", "up{a=~\"v\",d!~\"(\"}"},
    {"x{a=~\"\",b=~\"|c\",d=~\"e|\",f=~\"g||h\"}", "x{a=~\"\",b=~\"|c\",d=~\"e|\",f=~\"g||h\"}"},
    {"x{a=~\"b.\",c=~\"d-e|f:g_1\",h!~\"i\"}", "x{a=~\"b.\",c=~\"v\",h!~\"v\"}"},
    {"x{a=\"b|c\\\"d\",e=~\"f", "x{a=\"b|c\\\"d\",e=~\"v\""},
    {"m{a=\"\"}", "m{a=\"\"}"},
    {"m{a=\"\\x\"}", "m{a=\"\\x\"}"},
    {"m{a=\"\xc3\xa9\"}", "m{a=\"\xc3\xa9\"}"},
    {"m{a='b',c=`d`,e=\"f", "m{a=\"v\",c=\"v\",e=\"v\""},
    {"label_replace(a_b, \"x\", \"$1\", \"y\", \"(.*)\")",
     "label_replace(a_b, \"x\", \"$1\", \"y\", \"(.*)\")"},
    {"group_left{} GROUP_RIGHT{} Count_Values[ up{ rate_x{",
     "group_left{} GROUP_RIGHT{} Count_Values[ up{ m{"},
    {"08 + 007 + 0x1F + 1e3 + 5m + 1.2.3 + 1. + 0", "08 + 007 + 0x1F + 1e3 + 5m + 1.2.3 + 1. + 1"},
    {"1234567890123456 + 123456789012345", "1234567890123456 + 1"},
    {"sum by (a_b) (c_d{}) / on (e) f", "sum by (a_b) (m{}) / on (e) f"},
    {"] 7 [ 7", "] 1 [ 7"},
    {"", ""},
};

START_TEST(forms_of_expressions)
{
    struct gr_buf b = GR_BUF_INIT(65536);

    lower_form(&b, gr_str(forms[_i].expr));
    ck_assert_str_eq(gr_buf_cstr(&b), forms[_i].form);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(a_form_is_proved_once)
{
    static char too_long[GR_PROMQL_BYTES_MAX + 2];
    struct fixture f = {.m = {.n_guardrails = 0}};

    fixture_init(&f, NULL);
    for (int i = 0; i < 3; i++) {
        lower_put(&f.lo, "guardrail:effect{$S} > $1", lower_uint(&f.lo, (uint64_t)i), NULL);
        ck_assert_ptr_nonnull(lower_alert(&f.lo, "A"));
    }
    ck_assert_int_eq(lower_prove(f.lo.file), GR_OK);
    memset(too_long, 'a', sizeof too_long - 1);
    ck_assert_ptr_nonnull(gr_rulefile_rule(f.lo.file, f.lo.group, GR_RULE_RECORD, GR_STR("b"),
                                           (struct gr_str){too_long, sizeof too_long - 1}));
    ck_assert_int_eq(lower_prove(f.lo.file), GR_ELIMIT);
    fixture_fini(&f);
}
END_TEST

/* A chain of branches may become too high for our front end: that is no bug, it is told. */
START_TEST(too_many_branches)
{
    struct fixture f = {.m = {.n_guardrails = 0}};

    fixture_init(&f, NULL);
    f.lo.expr.max = 1u << 20;
    lower_branches(&f.lo, "\nor ");
    for (unsigned i = 0; i < GR_PROMQL_HEIGHT_MAX + 1; i++)
        lower_branch(&f.lo, "a{$S}", NULL);
    ck_assert_ptr_nonnull(lower_record(&f.lo, "r"));
    ck_assert_int_eq(lower_prove(f.lo.file), GR_ELIMIT);
    fixture_fini(&f);
}
END_TEST

START_TEST(no_proof_without_memory)
{
    struct fixture f = {.m = {.n_guardrails = 0}};
    bool failed = true;

    fixture_init(&f, NULL);
    lower_put(&f.lo, "a{$S}", NULL);
    ck_assert_ptr_nonnull(lower_record(&f.lo, "r"));
    for (size_t nth = 1; failed; nth++) {
        enum gr_err err;

        failing_start(nth, false);
        err = lower_prove(f.lo.file);
        failed = failing_stop();
        ck_assert_int_eq(err, failed ? GR_ENOMEM : GR_OK);
    }
    fixture_fini(&f);
}
END_TEST

/* What is no PromQL does not leave the compiler. */
START_TEST(an_invalid_form_stops_the_compiler)
{
    struct fixture f = {.m = {.n_guardrails = 0}};

    fixture_init(&f, NULL);
    lower_put(&f.lo, "a{$S} >", NULL);
    ck_assert_ptr_nonnull(lower_record(&f.lo, "r"));
    (void)!lower_prove(f.lo.file);
}
END_TEST

/* After the first failure nothing is composed any more, and it is the first that is told. */
START_TEST(failures_stick)
{
    struct fixture f = {.m = {.n_guardrails = 0}};

    fixture_init(&f, NULL);
    f.lo.expr.max = 16;
    lower_put(&f.lo, "a text that is longer than that", NULL);
    ck_assert_ptr_null(lower_record(&f.lo, "x"));
    ck_assert_int_eq(f.lo.err, GR_ELIMIT);
    lower_put(&f.lo, "b", NULL);
    lower_branch(&f.lo, "b", NULL);
    ck_assert_uint_eq(f.lo.expr.n, 0);
    ck_assert_str_eq(lower_cut(&f.lo, 0), "");
    ck_assert_ptr_null(lower_alert(&f.lo, "y"));
    ck_assert_int_eq(f.lo.err, GR_ELIMIT);
    fixture_fini(&f);
}
END_TEST

static const struct {
    const char *value, *want;
} replacements[] = {
    {"XNAS", "\"XNAS\""},
    {"a\"b\\c", "\"a\\\"b\\\\c\""},
    {"$1 $$", "\"$$1 $$$$\""},
    {"", "\"\""},
};

START_TEST(replacements_refer_to_no_group)
{
    struct fixture f = {.m = {.n_guardrails = 0}};

    fixture_init(&f, NULL);
    ck_assert_str_eq(lower_replacement(&f.lo, gr_str(replacements[_i].value)), replacements[_i].want);
    fixture_fini(&f);
}
END_TEST

/* -- choosing guardrails ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t n;
    uint32_t picked; /* bits */
    const char *want;
} picks[] = {
    {"none", 3, 0, NULL},
    {"all", 3, 7, ""},
    {"the only one", 1, 1, ""},
    {"one", 3, 2, ",guardrail=\"b\""},
    {"some", 3, 5, ",guardrail=~\"a|c\""},
    {"most of few are still listed", 9, 0xff, ",guardrail=~\"a|b|c|d|e|f|g|h\""},
    {"most of many: the others", 12, 0xdff, ",guardrail!=\"j\""},
    {"more than half of many", 18, 0x3ff, ",guardrail!~\"r|q|p|o|n|m|l|k\""},
    {"half of many", 18, 0x1ff, ",guardrail=~\"a|b|c|d|e|f|g|h|i\""},
};

static bool
has_bit(const struct guardrail *g, const void *arg)
{
    return (*(const uint32_t *)arg >> (g->name.p[0] - 'a') & 1u) != 0;
}

START_TEST(guardrails_are_matched)
{
    static const char names[] = "abcdefghijklmnopqr";
    struct guardrail gs[18] = {{.window_ms = 0}};
    struct fixture f = {.m = {.guardrails = gs, .n_guardrails = picks[_i].n}};
    const char *got;

    for (size_t i = 0; i < GR_COUNT(gs); i++)
        gs[i].name = (struct gr_str){names + i, 1};
    fixture_init(&f, NULL);
    got = lower_which(&f.lo, has_bit, &picks[_i].picked);
    ck_assert_msg((got == NULL) == (picks[_i].want == NULL) && (!got || strcmp(got, picks[_i].want) == 0),
                  "%s: %s", picks[_i].name, got ? got : "none");
    ck_assert_int_eq(lower_any(&f.lo, has_bit, &picks[_i].picked), picks[_i].picked != 0);
    fixture_fini(&f);
}
END_TEST

START_TEST(values_are_quoted_twice)
{
    struct gr_str values[] = {GR_STR("X.NAS"), GR_STR("a\"\\b")};
    struct fixture f = {.m = {.n_guardrails = 0}};

    fixture_init(&f, NULL);
    ck_assert_str_eq(lower_values(&f.lo, GR_STR("venue"), values, 1, false), ",venue=\"X.NAS\"");
    ck_assert_str_eq(lower_values(&f.lo, GR_STR("venue"), values + 1, 1, true), ",venue!=\"a\\\"\\\\b\"");
    ck_assert_str_eq(lower_values(&f.lo, GR_STR("venue"), values, 2, false),
                     ",venue=~\"X\\\\.NAS|a\\\"\\\\\\\\b\"");
    ck_assert_str_eq(lower_values(&f.lo, GR_STR("venue"), values, 2, true),
                     ",venue!~\"X\\\\.NAS|a\\\"\\\\\\\\b\"");
    fixture_fini(&f);
}
END_TEST

/* -- literals ------------------------------------------------------------------------------------------------------------ */

/* The first guardrail of specs_base (a ratio, hard +40 %) with overrides; equities has XNAS and XNYS, crypto BINANCE, flows mm and
 * agency. */
#define HARD "floor: 0.05%}"
static const struct {
    const char *name, *overrides;
    bool dynamic;
    const char *want;
} literals[] = {
    {"none", "", false, "V{} > 1.4"},
    {"one label", "      - {where: {venue: XNAS}, hard: +30%}\n", false,
     "(V{,venue=~\"XNYS|BINANCE\"} > 1.4 or V{,venue!~\"XNYS|BINANCE\"} > 1.3)"},
    {"every slice is overridden alike",
     "      - {where: {venue: XNAS}, hard: +30%}\n      - {where: {venue: XNYS}, hard: +30%}\n"
     "      - {where: {venue: BINANCE}, hard: +30%}\n",
     false, "V{} > 1.3"},
    {"a release label", "      - {where: {cluster: equities}, hard: +30%}\n", false,
     "(V{,cluster=\"crypto\"} > 1.4 or V{,cluster!=\"crypto\"} > 1.3)"},
    {"of another level", "      - {where: {venue: XNAS}, soft: +10%}\n", false, "V{} > 1.4"},
    {"three literals",
     "      - {where: {venue: XNAS}, hard: +30%}\n      - {where: {venue: XNYS}, hard: +35%}\n", false,
     "(V{,venue=\"XNYS\"} > 1.35 or V{,venue=\"BINANCE\"} > 1.4 or V{,venue!~\"XNYS|BINANCE\"} > 1.3)"},
    {"several labels", "      - {where: {venue: XNAS, flow: mm}, hard: +30%}\n", false,
     "(V{,flow=\"mm\",venue=~\"XNYS|BINANCE\"} > 1.4 or V{,flow=\"agency\",venue=~\"XNAS|XNYS|BINANCE\"} > "
     "1.4 or "
     "(V{} unless (V{,flow=\"mm\",venue=~\"XNYS|BINANCE\"} or "
     "V{,flow=\"agency\",venue=~\"XNAS|XNYS|BINANCE\"}))"
     " > 1.3)"},
    {"a dynamic label alone", "      - {where: {symbol_bucket: big}, hard: +30%}\n", true,
     "(V{,symbol_bucket!=\"big\"} > 1.4 or V{,symbol_bucket=\"big\"} > 1.3)"},
    {"two values of a dynamic label",
     "      - {where: {symbol_bucket: big}, hard: +30%}\n      - {where: {symbol_bucket: huge}, hard: "
     "+35%}\n",
     true,
     "(V{,symbol_bucket=\"huge\"} > 1.35 or V{,symbol_bucket!~\"big|huge\"} > 1.4 or "
     "V{,symbol_bucket=\"big\"} > 1.3)"},
    {"a dynamic label and another", "      - {where: {venue: XNAS, symbol_bucket: big}, hard: +30%}\n", true,
     "(V{,symbol_bucket!=\"big\",venue=~\"XNAS|XNYS|BINANCE\"} > 1.4 or "
     "V{,symbol_bucket=\"big\",venue=~\"XNYS|BINANCE\"} > 1.4 or (V{} unless "
     "(V{,symbol_bucket!=\"big\",venue=~\"XNAS|XNYS|BINANCE\"} or "
     "V{,symbol_bucket=\"big\",venue=~\"XNYS|BINANCE\"})) > 1.3)"},
    {"of another level and label", "      - {where: {symbol_bucket: big}, soft: +10%}\n", true, "V{} > 1.4"},
};

START_TEST(literals_follow_the_slice)
{
    struct gr_buf with = GR_BUF_INIT(8192);
    struct fixture f = {.m = {.n_guardrails = 0}};
    const struct guardrail *g;
    struct specs s;

    gr_buf_printf(&with, "%s\n%s%s%s", HARD, literals[_i].dynamic ? "    slice: [symbol_bucket]\n" : "",
                  *literals[_i].overrides ? "    overrides:\n" : "", literals[_i].overrides);
    specs_read_changed(&s, HARD, gr_buf_cstr(&with));
    ck_assert_msg(s.err == GR_OK, "%s: %s", literals[_i].name, s.n > 0 ? s.findings[0].message : "");
    fixture_init(&f, s.model);
    g = &f.m.guardrails[0];
    ck_assert_int_eq(g->limit.bounds[0].level, LEVEL_HARD);
    lower_per_literal(&f.lo, g, &g->limit.bounds[0], "V{$1}", ">");
    ck_assert_int_eq(f.lo.err, GR_OK);
    ck_assert_msg(strcmp(gr_buf_cstr(&f.lo.expr), literals[_i].want) == 0, "%s: %s", literals[_i].name,
                  gr_buf_cstr(&f.lo.expr));
    fixture_fini(&f);
    specs_fini(&s);
    gr_buf_fini(&with);
}
END_TEST

static const struct {
    struct bound b;
    const char *want;
} ops[] = {
    {{.side = SIDE_UPPER}, ">"},    {{.side = SIDE_UPPER, .inclusive = true}, ">="},
    {{.side = SIDE_LOWER}, "<"},    {{.side = SIDE_LOWER, .inclusive = true}, "<="},
    {{.side = SIDE_BACKSTOP}, ">"},
};

START_TEST(sides_have_operators)
{
    ck_assert_str_eq(lower_op(&ops[_i].b), ops[_i].want);
}
END_TEST

/* -- windows and evidence ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int64_t window_ms, min_ms;
    uint32_t scale;
    uint64_t slots;
    int64_t range_ms;
} windows[] = {
    {"the phase's", 0, 1200000, 1, 10, 1140000},
    {"no multiple of the sampling", 0, 2700000, 1, 22, 2580000},
    {"explicit", 240000, 1200000, 1, 2, 180000},
    {"shorter than a slot", 0, 60000, 1, 1, 60000},
    {"a final phase: the longest", 0, 0, 1, 15, 1740000},
    {"scaled: as many slots", 0, 2700000, 60, 22, 43000},
    {"scaled far", 0, 2700000, 1000, 22, 2580},
};

START_TEST(windows_are_whole_slots)
{
    struct phase phases[] = {{.min_ms = windows[_i].min_ms}, {.min_ms = 1800000, .max_ms = 7200000}};
    struct guardrail g = {.window_ms = windows[_i].window_ms};
    struct fixture f = {.m = {.phases = phases,
                              .n_phases = GR_COUNT(phases),
                              .sampling_ms = 120000,
                              .scrape_ms = 30000,
                              .time_scale = windows[_i].scale}};
    uint64_t slots;

    fixture_init(&f, NULL);
    slots = lower_window_slots(&f.lo, &g, &phases[0]);
    ck_assert_msg(slots == windows[_i].slots, "%s: %llu", windows[_i].name, (unsigned long long)slots);
    ck_assert_int_eq(lower_range_ms(&f.lo, slots), windows[_i].range_ms);
    ck_assert_int_eq(lower_test_range_ms(&f.lo), 7200000 / windows[_i].scale);
    fixture_fini(&f);
}
END_TEST

static const struct {
    uint32_t events;
    struct gr_dec q;
    enum metric_kind kind;
    bool backstop;
    uint64_t want;
} totals[] = {
    {5, {99, -2}, METRIC_HISTOGRAM, true, 500},   {5, {5, -1}, METRIC_HISTOGRAM, true, 10},
    {5, {999, -3}, METRIC_HISTOGRAM, true, 5000}, {1, {3, -1}, METRIC_HISTOGRAM, true, 2},
    {0, {99, -2}, METRIC_HISTOGRAM, true, 0},     {5, {99, -2}, METRIC_HISTOGRAM, false, 0},
    {5, {99, -2}, METRIC_RATIO_BAD, true, 0},
};

START_TEST(a_backstop_wants_observations)
{
    struct bound b = {.side = totals[_i].backstop ? SIDE_BACKSTOP : SIDE_UPPER};
    struct guardrail g = {.metric = {.kind = totals[_i].kind, .quantile = totals[_i].q},
                          .limit = {.bounds = &b, .n_bounds = 1},
                          .evidence = {.min_events = totals[_i].events}};

    ck_assert_uint_eq(lower_backstop_total(&g), totals[_i].want);
}
END_TEST

/* Without a budget of its own a level uses the other's. */
START_TEST(thresholds_have_a_budget)
{
    struct specs s;
    struct fixture f = {.m = {.n_guardrails = 0}};
    const char *hard;

    specs_read(&s, GR_STR("base"), gr_str(specs_base));
    ck_assert_int_eq(s.err, GR_OK);
    fixture_init(&f, s.model);
    f.m.false_rollback_budget = GR_DEC(1, -2);
    f.m.false_alarm_budget = GR_DEC(0, 0);
    hard = lower_threshold(&f.lo, LEVEL_HARD);
    ck_assert_str_eq(lower_threshold(&f.lo, LEVEL_SOFT), hard);
    f.m.false_alarm_budget = GR_DEC(1, -1);
    ck_assert_str_eq(lower_threshold(&f.lo, LEVEL_SOFT), hard); /* worked out once */
    f.lo.threshold[LEVEL_SOFT] = NULL;
    ck_assert_str_ne(lower_threshold(&f.lo, LEVEL_SOFT), hard);
    fixture_fini(&f);
    specs_fini(&s);
}
END_TEST

Suite *
lower_suite(void)
{
    Suite *s = suite_create("lower");
    TCase *compose = tcase_create("compose"), *choose = tcase_create("choose"),
          *window = tcase_create("window");

    tcase_add_test(compose, templates_expand);
    tcase_add_loop_test(compose, forms_of_expressions, 0, GR_COUNT(forms));
    tcase_add_test(compose, a_form_is_proved_once);
    tcase_add_test(compose, too_many_branches);
    tcase_add_test(compose, no_proof_without_memory);
    if (getenv("CK_FORK") == NULL)
        tcase_add_test_raise_signal(compose, an_invalid_form_stops_the_compiler, SIGABRT);
    tcase_add_test(compose, branches_are_joined);
    tcase_add_test(compose, failures_stick);
    tcase_add_loop_test(compose, replacements_refer_to_no_group, 0, GR_COUNT(replacements));
    suite_add_tcase(s, compose);
    tcase_add_loop_test(choose, guardrails_are_matched, 0, GR_COUNT(picks));
    tcase_add_test(choose, values_are_quoted_twice);
    tcase_add_loop_test(choose, literals_follow_the_slice, 0, GR_COUNT(literals));
    tcase_add_loop_test(choose, sides_have_operators, 0, GR_COUNT(ops));
    suite_add_tcase(s, choose);
    tcase_add_loop_test(window, windows_are_whole_slots, 0, GR_COUNT(windows));
    tcase_add_loop_test(window, a_backstop_wants_observations, 0, GR_COUNT(totals));
    tcase_add_test(window, thresholds_have_a_budget);
    suite_add_tcase(s, window);
    return s;
}
