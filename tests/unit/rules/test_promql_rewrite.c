/* test_promql_rewrite.c - matchers, nodes and durations changed in trees; placeholders. */
#include "config.h"
#include "test_rules.h"

#include <stdio.h>

/* What a tree prints as. */
static void
is(const struct gr_promql *e, const char *want)
{
    struct gr_buf b = GR_BUF_INIT(1 << 16);

    gr_promql_print(&b, e);
    ck_assert_str_eq(gr_buf_cstr(&b), want);
    gr_buf_fini(&b);
}

/* ---- add matchers ---- */

struct conflicts {
    size_t count;
    struct gr_span where;
    enum gr_promql_match op;
};

static void
note_conflict(const struct gr_promql *selector, const struct gr_promql_matcher *have,
              const struct gr_promql_matcher *add, void *ctx)
{
    struct conflicts *c = ctx;

    ck_assert_int_eq(selector->kind, GR_PROMQL_SELECTOR);
    ck_assert(gr_str_eq(have->name, add->name));
    c->count++;
    c->where = have->where;
    c->op = have->op;
}

static bool
not_common(const struct gr_promql *selector, void *ctx)
{
    (void)ctx;
    return !gr_str_is(gr_promql_metric(selector), "common");
}

static const struct add_row {
    const char *name, *text, *want;
    enum gr_err err;
    size_t conflicts;
} adds[] = {
    {"everywhere", "rate(a[5m]) / on () b{x=\"y\"}",
     "rate(a{track=\"canary\"}[5m]) / on () b{x=\"y\",track=\"canary\"}", GR_OK, 0},
    {"no metric", "{x=\"y\"}", "{x=\"y\",track=\"canary\"}", GR_OK, 0},
    {"left out", "a * common", "a{track=\"canary\"} * common", GR_OK, 0},
    {"in a subquery", "rate((a)[5m:])", "rate((a{track=\"canary\"})[5m:])", GR_OK, 0},
    {"the same one", "a{track=\"canary\"}", NULL, GR_OK, 0},
    {"another value", "a{track=\"control\"} + b", "a{track=\"control\"} + b{track=\"canary\"}", GR_EUSER, 1},
    {"another operator", "a{track=~\"canary\"}", NULL, GR_EUSER, 1},
    {"two", "a{track=\"\"} + b{track!=\"canary\"}", NULL, GR_EUSER, 2},
    {"conflict in what is left out", "common{track=\"x\"}", NULL, GR_OK, 0},
    {"no selector", "time()", NULL, GR_OK, 0},
};

START_TEST(add_matchers)
{
    const struct add_row *r = &adds[_i];
    struct parsed p;
    struct conflicts found = {0};
    struct gr_promql_matcher m = {.name = GR_STR("track"), .op = GR_PROMQL_IS, .value = GR_STR("canary")};
    struct gr_promql_add add = {&m, 1, not_common, note_conflict, &found};

    parsed_must(&p, r->text);
    ck_assert_int_eq(gr_promql_add_matchers(p.arena, p.expr, &add), r->err);
    is(p.expr, r->want ? r->want : r->text);
    ck_assert_uint_eq(found.count, r->conflicts);
    if (r->conflicts > 0)
        ck_assert_uint_ne(found.where.file, 0);
    add.conflict = NULL;
    ck_assert_int_eq(gr_promql_add_matchers(p.arena, p.expr, &add), r->err);
    is(p.expr, r->want ? r->want : r->text);
    ck_assert_int_eq(gr_promql_check(p.expr, p.diags), GR_OK);
    parsed_fini(&p);
}
END_TEST

START_TEST(name_conflicts_with_metric)
{
    struct parsed p;
    struct conflicts found = {0};
    struct gr_promql_matcher m = {.name = GR_STR("__name__"), .op = GR_PROMQL_IS, .value = GR_STR("b")};
    struct gr_promql_add add = {&m, 1, NULL, note_conflict, &found};

    parsed_must(&p, "a");
    ck_assert_int_eq(gr_promql_add_matchers(p.arena, p.expr, &add), GR_EUSER);
    ck_assert_uint_eq(found.count, 1);
    m.value = GR_STR("a");
    ck_assert_int_eq(gr_promql_add_matchers(p.arena, p.expr, &add), GR_OK);
    is(p.expr, "a");
    parsed_fini(&p);
}
END_TEST

START_TEST(add_without_memory)
{
    struct gr_arena *small = gr_arena_create(4);
    struct parsed p;
    struct gr_promql_matcher m = {
        .name = GR_STR("a_long_label_name"), .op = GR_PROMQL_IS, .value = GR_STR("b")};
    struct gr_promql_add add = {.matchers = &m, .count = 1};

    parsed_must(&p, "a + b");
    ck_assert_int_eq(gr_promql_add_matchers(small, p.expr, &add), GR_ENOMEM);
    is(p.expr, "a + b");
    gr_arena_free(small);
    parsed_fini(&p);
}
END_TEST

/* ---- replace ---- */

START_TEST(replace)
{
    struct parsed p;
    struct gr_promql *x, *wrapped, *old;

    parsed_must(&p, "sum(rate(a[5m])) / b");
    x = gr_promql_select(p.arena, GR_STR("x"), NULL, 0, 0);
    ck_assert_int_eq(gr_promql_replace(&p.expr, x, x), GR_ENOENT);
    ck_assert_int_eq(gr_promql_replace(&p.expr, p.expr->child[1], x), GR_OK);
    is(p.expr, "sum(rate(a[5m])) / x");
    old = p.expr->child[0]->child[0];
    wrapped = gr_promql_call(p.arena, "abs", &old, 1);
    ck_assert_int_eq(gr_promql_replace(&p.expr, old, wrapped), GR_OK);
    is(p.expr, "sum(abs(rate(a[5m]))) / x");
    ck_assert_uint_eq(p.expr->height, 5);
    ck_assert_int_eq(gr_promql_replace(&p.expr, p.expr, x), GR_OK);
    is(p.expr, "x");
    parsed_fini(&p);
}
END_TEST

START_TEST(replace_keeps_height)
{
    struct parsed p;
    struct gr_promql *tall, *leaf;

    parsed_must(&p, "a + b");
    tall = gr_promql_select(p.arena, GR_STR("x"), NULL, 0, 0);
    while (tall->height < GR_PROMQL_HEIGHT_MAX)
        tall = gr_promql_call(p.arena, "abs", &tall, 1);
    ck_assert_ptr_null(gr_promql_call(p.arena, "abs", &tall, 1));
    leaf = p.expr->child[0];
    ck_assert_int_eq(gr_promql_replace(&p.expr, leaf, tall), GR_ELIMIT);
    is(p.expr, "a + b");
    ck_assert_uint_eq(p.expr->height, 2);
    parsed_fini(&p);
}
END_TEST

/* ---- durations ---- */

static const struct range_row {
    const char *text;
    int64_t from_ms, to_ms;
    size_t changed;
    const char *want; /* NULL: the text itself */
} ranges[] = {
    {"rate(a[5m]) / rate(b[1h])", 0, 60000, 2, "rate(a[1m]) / rate(b[1m])"},
    {"rate(a[5m]) / rate(b[1h])", 300000, 60000, 1, "rate(a[1m]) / rate(b[1h])"},
    {"max_over_time(rate(a[5m])[1h:5m])", 0, 120000, 2, "max_over_time(rate(a[2m])[2m:5m])"},
    {"max_over_time(rate(a[5m])[5m:5m] offset 5m)", 300000, 90000, 2,
     "max_over_time(rate(a[1m30s])[1m30s:5m] offset 5m)"},
    {"rate(a[5m])", 60000, 1, 0, NULL},
    {"sum(a offset 5m)", 0, 1, 0, NULL},
};

START_TEST(set_ranges)
{
    const struct range_row *r = &ranges[_i];
    struct parsed p;

    parsed_must(&p, r->text);
    ck_assert_uint_eq(gr_promql_set_ranges(p.expr, r->from_ms, r->to_ms), r->changed);
    is(p.expr, r->want ? r->want : r->text);
    parsed_fini(&p);
}
END_TEST

/* Divides by a thousand. */
static int64_t
thousandth(enum gr_promql_duration what, int64_t ms, void *ctx)
{
    size_t *seen = ctx;

    seen[what]++;
    return ms / 1000;
}

START_TEST(map_durations)
{
    size_t seen[3] = {0};
    struct parsed p;

    parsed_must(&p, "max_over_time(rate(a[50m] offset -10m)[1h:5m] offset 1d) + b");
    ck_assert_int_eq(gr_promql_map_durations(p.expr, thousandth, seen), GR_OK);
    is(p.expr, "max_over_time(rate(a[3s] offset -600ms)[3s600ms:300ms] offset 1m26s400ms) + b");
    ck_assert(seen[GR_PROMQL_RANGE] == 2 && seen[GR_PROMQL_STEP] == 1 && seen[GR_PROMQL_OFFSET] == 2);
    parsed_fini(&p);
}
END_TEST

/* What cannot be is left as it was and reported; an offset of nothing goes. */
START_TEST(map_out_of_range)
{
    size_t seen[3] = {0};
    struct parsed p;

    parsed_must(&p, "rate(a[500ms]) + rate(b[10s] offset 500ms) + rate(c[9s:2ms])");
    ck_assert_int_eq(gr_promql_map_durations(p.expr, thousandth, seen), GR_ERANGE);
    is(p.expr, "rate(a[500ms]) + rate(b[10ms]) + rate(c[9ms:2ms])");
    ck_assert_int_eq(gr_promql_check(p.expr, p.diags), GR_OK);
    parsed_fini(&p);
}
END_TEST

/* ---- placeholders ---- */

/* What the names in the rows below stand for: $e an expression, $v a selector, $five and $text, $l two labels, $none no label,
 * $m two matchers, $nomatch none, $d a duration, $s another. */
struct values {
    struct parsed e, v, five, text;
    struct gr_promql_matcher m[2];
    struct gr_promql_param items[10];
    struct gr_promql_params params;
};

static void
values_init(struct values *w)
{
    static const struct gr_str two[] = {GR_STR_INIT("x"), GR_STR_INIT("y")};

    parsed_must(&w->e, "a + b");
    parsed_must(&w->v, "v{z=\"1\"}");
    parsed_must(&w->five, "-5");
    parsed_must(&w->text, "\"$l\"");
    w->m[0] = (struct gr_promql_matcher){.name = GR_STR("track"), .value = GR_STR("canary")};
    w->m[1] = (struct gr_promql_matcher){
        .name = GR_STR("venue"), .op = GR_PROMQL_NOT_LIKE, .value = GR_STR("A|\"B\"")};
    w->params = (struct gr_promql_params){w->items, GR_COUNT(w->items)};
    w->items[0] = (struct gr_promql_param){"e", GR_PROMQL_PARAM_EXPR, .expr = w->e.expr};
    w->items[1] = (struct gr_promql_param){"v", GR_PROMQL_PARAM_EXPR, .expr = w->v.expr};
    w->items[2] = (struct gr_promql_param){"five", GR_PROMQL_PARAM_EXPR, .expr = w->five.expr};
    w->items[3] = (struct gr_promql_param){"text", GR_PROMQL_PARAM_EXPR, .expr = w->text.expr};
    w->items[4] = (struct gr_promql_param){"l", GR_PROMQL_PARAM_LABELS, .labels = two, .count = 2};
    w->items[5] = (struct gr_promql_param){"none", GR_PROMQL_PARAM_LABELS, .count = 0};
    w->items[6] = (struct gr_promql_param){"m", GR_PROMQL_PARAM_MATCHERS, .matchers = w->m, .count = 2};
    w->items[7] = (struct gr_promql_param){"nomatch", GR_PROMQL_PARAM_MATCHERS, .count = 0};
    w->items[8] = (struct gr_promql_param){"d", GR_PROMQL_PARAM_DURATION, .duration_ms = 90000};
    w->items[9] = (struct gr_promql_param){"s_2", GR_PROMQL_PARAM_DURATION, .duration_ms = 5000};
}

static void
values_fini(struct values *w)
{
    parsed_fini(&w->e);
    parsed_fini(&w->v);
    parsed_fini(&w->five);
    parsed_fini(&w->text);
}

static const struct hole_row {
    const char *text, *want; /* the result, or "place: code" and what is said, joined by one blank */
    const char *says;        /* NULL: it parses */
} holes[] = {
    {"$e", "a + b", NULL},
    {"$e * 2", "(a + b) * 2", NULL},
    {"2 * $e", "2 * (a + b)", NULL},
    {"$e + $e", "a + b + (a + b)", NULL},
    {"-$e", "-(a + b)", NULL},
    {"($e)", "(a + b)", NULL},
    {"$e[5m:$s_2]", "(a + b)[5m:5s]", NULL},
    {"sum by (job,$l) (rate($v[$d] offset $s_2))", "sum by (job, x, y) (rate(v{z=\"1\"}[1m30s] offset 5s))",
     NULL},
    {"$v offset -$d", "v{z=\"1\"} offset -1m30s", NULL},
    {"sum by ($none) (a)", "sum by () (a)", NULL},
    {"a * on ($none, $l,) group_left ($none) b", "a * on (x, y) group_left () b", NULL},
    {"rate({__name__=\"a\",$nomatch}[ $d ])", "rate({__name__=\"a\"}[1m30s])", NULL},
    {"a{$m}", "a{track=\"canary\",venue!~\"A|\\\"B\\\"\"}", NULL},
    {"a{b=\"c\", $m, d!=\"e\"}", "a{b=\"c\",d!=\"e\",track=\"canary\",venue!~\"A|\\\"B\\\"\"}", NULL},
    {"{$m}", "{track=\"canary\",venue!~\"A|\\\"B\\\"\"}", NULL},
    {"a{track=\"canary\",$m,$m}", "a{track=\"canary\",venue!~\"A|\\\"B\\\"\"}", NULL},
    {"$five ^ 2", "(-5) ^ 2", NULL},
    {"label_replace(a, $text, \"$l\", \"\", \"$1\")", "label_replace(a, \"$l\", \"$l\", \"\", \"$1\")", NULL},
    /* what is refused */
    {"$nosuch", "1:1: GR0401", "nothing is given for \"$nosuch\""},
    {"a + $d", "1:5: GR0401", "is a duration, but an expression is expected here"},
    {"a[$e]", "1:3: GR0401", "is an expression, but a duration is expected"},
    {"a{$l}", "1:3: GR0401", "is a list of labels, but a list of matchers is expected"},
    {"sum by ($m) (a)", "1:9: GR0401", "is a list of matchers, but a list of labels is expected"},
    {"a{track=\"x\",$m}", "1:13: GR0404", "matches \"track\" already"},
    {"a{$m,track=~\"canary\"}", "1:3: GR0404", "matches \"track\" already"},
    {"a $e", "1:3: GR0401", "unexpected placeholder \"$e\""},
    {"$", "1:1: GR0401", "a name is expected behind \"$\""},
    {"$1", "1:1: GR0401", "a name is expected"},
    {"a{b=$e}", "1:5: GR0401", "a value in quotes"},
    {"$e{a=\"b\"}", "1:3: GR0401", "unexpected"},
    {"$e[5m]", "1:3: GR0401", "subquery"},
    {"$v[5m][5m]", "1:7: GR0401", "subquery"},
    {"rate($e)", "GR0402", "expects a range vector"},
    {"sum($five)", "GR0402", "expects an instant vector"},
    {"{$nomatch}", "1:1: GR0402", "every series"},
    {"a{$m,$m,$m,$m,$m,$m,$m,$m,$m}", "1:27: GR0401", "more than 8 placeholders"},
};

START_TEST(placeholders)
{
    const struct hole_row *r = &holes[_i];
    struct gr_promql *e = NULL;
    struct values w;
    struct parsed p;
    enum gr_err err;
    const char *message;

    values_init(&w);
    parsed_init(&p, GR_STR("up"));
    ck_assert_int_eq(gr_sources_add(p.sources, GR_STR("t"), gr_str(r->text), &(uint32_t){0}), GR_OK);
    err = gr_promql_parse_with(p.arena, gr_str(r->text), (struct gr_span){2, 0, (uint32_t)strlen(r->text)},
                               &w.params, p.diags, &e);
    message = parsed_message(&p);
    ck_assert_msg((err == GR_OK) == (r->says == NULL), "'%s': %s", r->text, message);
    ck_assert(err == GR_OK || err == GR_EUSER);
    if (err == GR_OK) {
        is(e, r->want);
        is(w.e.expr, "a + b"); /* what was lent is as it was */
        is(w.v.expr, "v{z=\"1\"}");
    } else {
        ck_assert_msg(strstr(message, r->want) && strstr(message, r->says), "'%s': %s", r->text, message);
        ck_assert_ptr_null(e);
        ck_assert_uint_eq(gr_diags_count(p.diags, GR_SEV_ERROR), 1);
    }
    parsed_fini(&p);
    values_fini(&w);
}
END_TEST

/* Without parameters a dollar is what it always was. */
START_TEST(no_placeholders)
{
    struct parsed p;

    parsed_init(&p, GR_STR("$e"));
    ck_assert_int_eq(p.err, GR_EUSER);
    ck_assert_ptr_nonnull(strstr(parsed_message(&p), "unexpected character"));
    parsed_fini(&p);
}
END_TEST

/* More labels than a list may have, by way of placeholders. */
START_TEST(placeholder_limits)
{
    static struct gr_str many[GR_PROMQL_LABELS_MAX];
    static struct gr_promql_matcher matchers[GR_PROMQL_LABELS_MAX];
    char names[GR_PROMQL_LABELS_MAX][8];
    struct gr_promql_param items[] = {
        {"l", GR_PROMQL_PARAM_LABELS, .labels = many, .count = GR_COUNT(many)},
        {"m", GR_PROMQL_PARAM_MATCHERS, .matchers = matchers, .count = GR_COUNT(matchers)},
    };
    struct gr_promql_params params = {items, GR_COUNT(items)};
    static const struct {
        const char *text;
        enum gr_err want;
    } all[] = {
        {"sum by ($l) (a)", GR_OK},
        {"sum by ($l, b) (a)", GR_EUSER},
        {"a{$m}", GR_OK},
        {"a{b=\"c\",$m}", GR_EUSER},
    };

    for (size_t i = 0; i < GR_COUNT(many); i++) {
        snprintf(names[i], sizeof names[i], "l%zu", i);
        many[i] = matchers[i].name = gr_str(names[i]);
    }
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        struct gr_promql *e = NULL;
        struct parsed p;

        parsed_init(&p, GR_STR("up"));
        ck_assert_int_eq(
            gr_promql_parse_with(p.arena, gr_str(all[i].text), GR_SPAN_NONE, &params, p.diags, &e),
            all[i].want);
        ck_assert_msg((strstr(parsed_message(&p), "GR0002") != NULL) == (all[i].want != GR_OK), "%s",
                      all[i].text);
        parsed_fini(&p);
    }
}
END_TEST

START_TEST(placeholders_without_memory)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_promql *e = NULL;
    struct values w;

    values_init(&w);
    for (size_t ceiling = 0; !e; ceiling += 8) {
        struct gr_arena *a = gr_arena_create(ceiling);
        enum gr_err err = gr_promql_parse_with(a, GR_STR("sum by ($l) (rate($v[$d]) * $e + a{$m})"),
                                               GR_SPAN_NONE, &w.params, diags, &e);

        ck_assert_int_eq(err, e ? GR_OK : GR_ENOMEM);
        ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), 0);
        ck_assert_uint_lt(ceiling, 1 << 16);
        gr_arena_free(a);
    }
    values_fini(&w);
    gr_diags_free(diags);
    gr_sources_free(sources);
}
END_TEST

Suite *
promql_rewrite_suite(void)
{
    Suite *s = suite_create("promql_rewrite");
    TCase *tc = tcase_create("rewrite"), *with = tcase_create("placeholders");

    tcase_add_loop_test(tc, add_matchers, 0, GR_COUNT(adds));
    tcase_add_test(tc, name_conflicts_with_metric);
    tcase_add_test(tc, add_without_memory);
    tcase_add_test(tc, replace);
    tcase_add_test(tc, replace_keeps_height);
    tcase_add_loop_test(tc, set_ranges, 0, GR_COUNT(ranges));
    tcase_add_test(tc, map_durations);
    tcase_add_test(tc, map_out_of_range);
    suite_add_tcase(s, tc);
    tcase_add_loop_test(with, placeholders, 0, GR_COUNT(holes));
    tcase_add_test(with, no_placeholders);
    tcase_add_test(with, placeholder_limits);
    tcase_add_test(with, placeholders_without_memory);
    suite_add_tcase(s, with);
    return s;
}
