/* test_promql_eval.c - what is inferred about labels holds for every series of the real result.
 *
 * Generated expressions over a few series are evaluated by promtool, which is told to expect nothing and so prints what there is. Each
 * series must have what is certain, lack what is absent, have the values that are fixed, and there must be none where none can be. The
 * second half of the expressions is inferred with the caller's knowledge of the series. Those that Prometheus cannot evaluate (several
 * matches, two series with the same labels) prove nothing. GR_EVAL_COUNT and GR_EVAL_SEED in the environment make it longer or other. */
#include "config.h"
#include "test_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guardrail/file.h"
#include "guardrail/quote.h"
#include "promql_gen.h"
#include "promtool.h"

#define COUNT_DEFAULT 8000u
#define COUNT_MAX 1000000u
#define PER_RUN 2000u /* expressions given to promtool at once */
#define OUTPUT_MAX (256u << 20)
#define SHOWN_MAX 20u

/* ---- the series ---- */

static const struct {
    const char *metric, *labels;
} series[] = {
    {"foo", "a=\"x\",b=\"y\""},        {"foo", "a=\"y\",b=\"x\",c=\"x\""},
    {"foo", "a=\"y\",b=\"y\""},        {"bar", "a=\"x\",b=\"x\""},
    {"bar", "a=\"y\",b=\"x\""},        {"baz", "b=\"y\""},
    {"baz", "c=\"x\",a=\"x\""},        {"one", "a=\"x\""},
    {"le_bucket", "a=\"x\",le=\"1\""}, {"le_bucket", "a=\"x\",le=\"+Inf\""},
};

static bool
knows(const struct gr_promql *selector, const struct gr_str **labels, size_t *count, bool *closed, void *ctx)
{
    static const struct gr_str ab[] = {GR_STR_INIT("a"), GR_STR_INIT("b")};
    struct gr_str metric = gr_promql_metric(selector);

    (void)ctx;
    *labels = ab;
    *count = gr_str_is(metric, "foo") || gr_str_is(metric, "bar") ? 2 : 1;
    *closed = gr_str_is(metric, "bar") || gr_str_is(metric, "one");
    return !gr_str_is(metric, "baz") && metric.n > 0 && !gr_str_is(metric, "none");
}

/* ---- expressions over them ---- */

#define PUT_ANY(g, ...)                                                                                      \
    do {                                                                                                     \
        static const char *const texts_[] = {__VA_ARGS__};                                                   \
        gr_buf_puts((g)->out, texts_[gen_below(g, GR_COUNT(texts_))]);                                       \
    } while (0)

static void vector(struct gen *g);

static void
put(struct gen *g, const char *text)
{
    gr_buf_puts(g->out, text);
}

static void
labels(struct gen *g, const char *word)
{
    unsigned n = gen_below(g, 3);

    put(g, word);
    put(g, " (");
    for (unsigned i = 0; i < n; i++) {
        put(g, i > 0 ? ", " : "");
        PUT_ANY(g, "a", "b", "c", "d", "le", "__name__");
    }
    put(g, ") ");
}

static void
selector(struct gen *g)
{
    unsigned n = gen_below(g, 3);

    PUT_ANY(g, "foo", "bar", "baz", "one", "le_bucket", "none", "{__name__=~\"foo|bar\"",
            "{__name__=\"baz\"");
    if (g->out->p[g->out->n - 1] == '"')
        put(g, ",");
    else
        put(g, "{");
    for (unsigned i = 0; i < n; i++) {
        PUT_ANY(g, "a", "b", "c", "d", "a");
        PUT_ANY(g, "=", "!=", "=~", "!~", "=");
        PUT_ANY(g, "\"x\"", "\"y\"", "\"\"", "\".+\"", "\".*\"", "\"x|y\"", "\"x\"");
        put(g, ",");
    }
    if (g->out->p[g->out->n - 1] == ',')
        gr_buf_cut(g->out, g->out->n - 1);
    put(g, "}");
}

static void
call(struct gen *g)
{
    switch (gen_below(g, 7)) {
    case 0:
        PUT_ANY(g, "rate(", "last_over_time(", "max_over_time(", "absent_over_time(", "present_over_time(");
        selector(g);
        put(g, "[5m])");
        return;
    case 1:
        PUT_ANY(g, "label_replace(", "label_replace(");
        vector(g);
        PUT_ANY(g, ", \"a\"", ", \"c\"", ", \"d\"");
        PUT_ANY(g, ", \"$1\"", ", \"x\"", ", \"\"", ", \"q$1\"");
        PUT_ANY(g, ", \"b\"", ", \"c\"", ", \"\"", ", \"a\"");
        PUT_ANY(g, ", \"(.*)\")", ", \"(.+)\")", ", \"\")", ", \"x\")", ", \"(x).*\")", ", \".*\")");
        return;
    case 2:
        put(g, "label_join(");
        vector(g);
        PUT_ANY(g, ", \"a\"", ", \"c\"", ", \"d\"");
        PUT_ANY(g, ", \"\"", ", \"-\"");
        PUT_ANY(g, ")", ", \"b\")", ", \"d\")", ", \"c\", \"a\")", ", \"d\", \"le\")");
        return;
    case 3:
        PUT_ANY(g, "max_over_time((", "last_over_time((", "absent_over_time((");
        vector(g);
        put(g, ")[4m:1m])");
        return;
    case 4:
        put(g, "histogram_quantile(0.9, ");
        break;
    case 5:
        PUT_ANY(g, "vector(1)", "hour()", "vector(scalar(one))");
        return;
    default:
        PUT_ANY(g, "abs(", "sort(", "timestamp(", "absent(", "hour(", "sgn(");
        break;
    }
    vector(g);
    put(g, ")");
}

static void
aggregation(struct gen *g)
{
    static const char *const names[] = {"sum ", "max ", "count ", "topk ", "count_values ", "quantile "};
    unsigned op = gen_below(g, GR_COUNT(names));

    put(g, names[op]);
    if (gen_below(g, 4) > 0)
        labels(g, gen_below(g, 2) ? "by" : "without");
    put(g, "(");
    if (op == 4)
        PUT_ANY(g, "\"a\", ", "\"d\", ", "\"v\", ");
    else if (op >= 3)
        put(g, "1, ");
    vector(g);
    put(g, ")");
}

static void
binary(struct gen *g)
{
    unsigned op = gen_below(g, 10);
    static const char *const ops[] = {" and ", " or ", " unless ", " + ",      " / ",
                                      " > ",   " == ", " >= ",     " > bool ", " atan2 "};

    put(g, "(");
    vector(g);
    put(g, ops[op]);
    if (op >= 3 && gen_below(g, 6) == 0) {
        put(g, op == 8 ? "1)" : "0)");
        return;
    }
    if (gen_below(g, 3) > 0) {
        labels(g, gen_below(g, 2) ? "on" : "ignoring");
        if (op >= 3 && gen_below(g, 2))
            labels(g, gen_below(g, 2) ? "group_left" : "group_right");
    }
    vector(g);
    put(g, ")");
}

static void
vector(struct gen *g)
{
    if (g->budget == 0 || gen_below(g, 5) == 0) {
        selector(g);
        return;
    }
    g->budget--;
    switch (gen_below(g, 6)) {
    case 0:
        PUT_ANY(g, "-", "+");
        vector(g);
        break;
    case 1:
    case 2:
        aggregation(g);
        break;
    case 3:
        call(g);
        break;
    default:
        binary(g);
        break;
    }
}

/* ---- what promtool says ---- */

struct one {
    struct gr_buf text;
    bool evaluated;
    size_t series;
};

static void
write_cases(const char *path, const struct one *all, size_t count)
{
    struct gr_buf b = GR_BUF_INIT(OUTPUT_MAX);

    gr_buf_puts(&b, "evaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n");
    for (size_t i = 0; i < GR_COUNT(series); i++)
        gr_buf_printf(&b, "  - {series: '%s{%s}', values: '%zu+%zux20'}\n", series[i].metric,
                      series[i].labels, i % 3, i % 4 + 1);
    gr_buf_puts(&b, "  promql_expr_test:\n");
    for (size_t i = 0; i < count; i++) {
        gr_buf_printf(&b, "  - eval_time: 10m\n    expr: \"#%zu\\n", i);
        for (size_t k = 0; k < all[i].text.n; k++) { /* printable characters only */
            gr_buf_puts(&b, all[i].text.p[k] == '"' || all[i].text.p[k] == '\\' ? "\\" : "");
            gr_buf_putc(&b, all[i].text.p[k]);
        }
        gr_buf_puts(&b, "\"\n");
    }
    ck_assert_int_eq(gr_file_write(path, gr_buf_str(&b), 0644), GR_OK);
    gr_buf_fini(&b);
}

/* One label of a series as promtool prints it: name="value", then "," or "}". False at the end. */
static bool
next_label(struct gr_str *rest, struct gr_str *name, struct gr_str *value)
{
    size_t equal = gr_str_find(*rest, GR_STR("=\""), 0), end;

    if (gr_str_starts(*rest, GR_STR("}")))
        return false;
    ck_assert_uint_ne(equal, SIZE_MAX);
    end = gr_str_find(*rest, GR_STR("\""), equal + 2);
    ck_assert_uint_ne(end, SIZE_MAX);
    *name = gr_str_sub(*rest, 0, equal);
    *value = gr_str_sub(*rest, equal + 2, end);
    *rest = gr_str_sub(*rest, end + 1, rest->n);
    if (gr_str_starts(*rest, GR_STR(", ")))
        *rest = gr_str_sub(*rest, 2, rest->n);
    return true;
}

/* NULL, or what is wrong with this series. *rest: behind its "{", then at its "}". */
static const char *
judge_series(const struct gr_promql_labels *l, struct gr_str *rest)
{
    struct gr_str name, value;
    const char *wrong = l->empty ? "there should be none" : NULL;
    size_t certain = 0;

    while (next_label(rest, &name, &value)) {
        const struct gr_promql_label *found = gr_promql_labels_find(l, name);

        if (gr_promql_labels_get(l, name) == GR_PROMQL_ABSENT)
            wrong = "it has a label that should be absent";
        else if (found && found->fixed && !gr_str_eq(found->value, value))
            wrong = "a label has another value than the fixed one";
        certain += found && found->presence == GR_PROMQL_CERTAIN;
    }
    for (size_t i = 0; i < l->count; i++)
        certain -= l->labels[i].presence == GR_PROMQL_CERTAIN;
    return !wrong && certain != 0 ? "it lacks a label that should be certain" : wrong;
}

/* The series of one result: {…} 1E+00, {…} 2E+00 */
static bool
judge(struct one *o, struct gr_str got, bool with_knowledge)
{
    struct gr_promql_labels l;
    struct gr_str rest = got;
    const char *wrong = NULL;
    struct parsed p;
    size_t at;

    parsed_init(&p, gr_buf_str(&o->text));
    ck_assert_msg(p.err == GR_OK, "%s", parsed_message(&p));
    ck_assert_int_eq(gr_promql_labels(p.arena, p.expr, with_knowledge ? knows : NULL, NULL, &l), GR_OK);
    while (!wrong && (at = gr_str_find(rest, GR_STR("{"), 0)) != SIZE_MAX) {
        rest = gr_str_sub(rest, at + 1, rest.n);
        wrong = judge_series(&l, &rest);
        o->series++;
    }
    if (wrong)
        printf("%s\n    gives " GR_FMT "\n    %s\n", gr_buf_cstr(&o->text), GR_ARG(got), wrong);
    parsed_fini(&p);
    return !wrong;
}

/* Lines: `expr: "#17\nfoo", time: 10m, err: …`, or without err, and two lines further `got: …`. */
static size_t
read_results(const char *path, struct one *all, size_t count, bool with_knowledge)
{
    struct gr_buf b = GR_BUF_INIT(OUTPUT_MAX);
    struct gr_str rest, line;
    size_t current = SIZE_MAX, wrong = 0;

    ck_assert_int_eq(gr_file_read(path, &b), GR_OK);
    for (size_t i = 0; i < count; i++)
        all[i].evaluated = true;
    rest = gr_buf_str(&b);
    while (gr_str_next(&rest, '\n', &line)) {
        size_t i = promtool_number_behind(line, "expr: \"#");

        if (i != SIZE_MAX) {
            ck_assert_uint_lt(i, count);
            current = i;
            all[i].evaluated = gr_str_find(line, GR_STR(", time: 10m, err:"), 0) == SIZE_MAX;
        } else if (current != SIZE_MAX && gr_str_starts(line, GR_STR("        got: "))) {
            wrong += !judge(&all[current], gr_str_sub(line, 13, line.n), with_knowledge) && wrong < SHOWN_MAX;
        }
    }
    gr_buf_fini(&b);
    return wrong;
}

static size_t
run(struct gen *g, struct one *all, size_t count, bool with_knowledge)
{
    char folder[64] = "promql-eval-XXXXXX", cases[96], out[96];
    size_t wrong;
    int status;

    for (size_t i = 0; i < count; i++) {
        gr_buf_reset(&all[i].text);
        all[i].series = 0;
        g->out = &all[i].text;
        g->budget = 1 + gen_below(g, 5);
        vector(g);
        ck_assert_int_eq(gr_buf_err(&all[i].text), GR_OK);
    }
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(cases, sizeof cases, "%s/cases.yml", folder);
    snprintf(out, sizeof out, "%s/output", folder);
    write_cases(cases, all, count);
    status = promtool_run("test", cases, out);
    ck_assert_msg(status == 1, "promtool ended with %d", status);
    wrong = read_results(out, all, count, with_knowledge);
    unlink(cases);
    unlink(out);
    rmdir(folder);
    return wrong;
}

START_TEST(inference_holds)
{
    size_t count = promtool_env("GR_EVAL_COUNT", COUNT_DEFAULT, COUNT_MAX), failed = 0, empty = 0, wrong = 0,
           done = 0;
    struct gen g = {.state = promtool_env("GR_EVAL_SEED", 20261125, SIZE_MAX - 1) | 1};
    struct one *all = calloc(PER_RUN, sizeof *all);

    ck_assert_ptr_nonnull(all);
    for (size_t i = 0; i < PER_RUN; i++)
        gr_buf_init(&all[i].text, 1 << 20);
    for (size_t part = 0; done < count; part++) {
        size_t n = count - done < PER_RUN ? count - done : PER_RUN;

        wrong += run(&g, all, n, part % 2 == 1);
        for (size_t i = 0; i < n; i++) {
            failed += !all[i].evaluated;
            empty += all[i].evaluated && all[i].series == 0;
        }
        done += n;
    }
    printf("promql: labels of %zu expressions; %zu without a result, %zu failed, %zu wrong\n", count, empty,
           failed, wrong);
    (void)fflush(stdout); /* a failure ends the process here */
    ck_assert_uint_eq(wrong, 0);
    ck_assert_msg(count - failed - empty > count / 4, "too few had a result");
    for (size_t i = 0; i < PER_RUN; i++)
        gr_buf_fini(&all[i].text);
    free(all);
}
END_TEST

Suite *
promql_eval_suite(void)
{
    Suite *s = suite_create("promql_eval");
    TCase *tc = tcase_create("promtool");

    tcase_set_timeout(tc, 300);
    if (promtool_exists())
        tcase_add_test(tc, inference_holds);
    else
        printf("promql: promtool is missing, inference is not compared with real results\n");
    suite_add_tcase(s, tc);
    return s;
}
