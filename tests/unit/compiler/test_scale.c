/* Twice the guardrails take at most 2.2 times the memory, allocations and output: counted, not timed, so that it is the same on every machine.
 * (Instructions are counted by tests/bench/compile.sh.) Both sizes are past MODEL_MANY, where outputs are for programs. */
#include "config.h"
#include "backend.h"
#include "guardrail/sys.h"
#include "specs.h"
#include "test_compiler.h"

static struct cost {
    size_t allocations, bytes, arena, output;
} cost;

static void *
counting_realloc(void *p, size_t n)
{
    cost.allocations++;
    cost.bytes += n;
    return gr_sys_real.realloc(p, n);
}

/* One of each kind in turn, every name and every third limit of its own. */
static void
put_guardrail(struct gr_buf *b, int i)
{
    static const char *const metrics[] = {
        "ratio: {bad: bad_%d_total, total: all_%d_total}",
        "ratio: {good: good_%d_total, total: all_%d_total}",
        "gauge: depth_%d, unit: count",
        "histogram: x_%d_seconds, quantile: 0.99, buckets: [0.001, 0.002, 0.003, 0.004, 0.005, 0.01]",
        "promql: 'avg by (cluster, venue) (x_%d) / 2', unit: count",
        "gauge: cpu_%d, unit: ratio",
    };
    static const char *const limits[] = {
        "against: control, soft: +%d%%, hard: +%d%%, floor: 0.05%%, backstop: 5%%",
        "against: control, soft: -%d%%, hard: -%d%%",
        "against: control, soft: +%d%%, hard: +%d%%",
        "against: control, soft: +%d%%, hard: +%d%%",
        "against: control, soft: +%d%%, hard: +%d%%",
        "against: fixed, bad: above, soft: %d%%, hard: %d%%",
    };
    struct gr_buf metric = GR_BUF_INIT(1000), limit = GR_BUF_INIT(1000);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    gr_buf_printf(&metric, metrics[i % 6], i, i);
    gr_buf_printf(&limit, limits[i % 6], 20 + i % 3, 40 + i % 3);
#pragma GCC diagnostic pop
    gr_buf_printf(b, "  - name: g%d\n    metric: {%s}\n    limit: {%s}\n", i, gr_buf_cstr(&metric),
                  gr_buf_cstr(&limit));
    if (i % 5 == 0 && i % 6 != 1)
        gr_buf_printf(b, "    overrides: [{where: {venue: A}, soft: %s%d%%}]\n", i % 6 == 5 ? "" : "+",
                      15 + i % 3);
    gr_buf_fini(&metric);
    gr_buf_fini(&limit);
}

static struct cost
compile(int guardrails)
{
    struct gr_buf text = GR_BUF_INIT(1u << 20);
    struct gr_str path, content;
    struct tree *t;
    struct specs s;

    gr_buf_puts(&text, "apiVersion: guardrail/v1\nspec: large\nrelease: {labels: [cluster]}\n"
                       "cohorts: {label: track, canary: canary, control: control, compare_within: [venue]}\n"
                       "expect: [{cluster: east, venue: [A, B, C]}]\nsampling: 2m\nscrape_interval: "
                       "30s\nfalse_rollback_budget: 1%\n"
                       "phases:\n  - {name: p1, traffic: 5%, min_duration: 20m}\n  - {name: all, traffic: "
                       "100%, final: true}\n"
                       "on: {hard: [rollback]}\nactions:\n  rollback: {steps: [{name: undo, run: [undo], "
                       "idempotent: true}]}\n"
                       "guardrails:\n");
    for (int i = 0; i < guardrails; i++)
        put_guardrail(&text, i);
    ck_assert_int_eq(gr_buf_err(&text), GR_OK);
    cost = (struct cost){.allocations = 0};
    gr_sys.realloc = counting_realloc;
    specs_read(&s, GR_STR("large.yml"), gr_buf_str(&text));
    ck_assert_msg(s.err == GR_OK, "%s", s.n > 0 ? s.findings[0].message : "?");
    ck_assert_ptr_nonnull(t = tree_create());
    ck_assert_int_eq(target_emit(target_by_name(GR_STR(TARGET_DEFAULT)), s.model, t, s.diags), GR_OK);
    gr_sys.realloc = gr_sys_real.realloc;
    cost.arena = gr_arena_used(s.arena);
    for (size_t i = 0; tree_nth(t, i, &path, &content); i++)
        cost.output += content.n;
    tree_free(t);
    specs_fini(&s);
    gr_buf_fini(&text);
    return cost;
}

static void
check_ratio(const char *what, size_t half, size_t whole)
{
    ck_assert_msg(half > 0 && (double)whole <= 2.2 * (double)half, "%s: %zu for 500 guardrails, %zu for 1000",
                  what, half, whole);
}

START_TEST(cost_is_linear)
{
    struct cost half = compile(500), whole = compile(1000);

    check_ratio("arena", half.arena, whole.arena);
    check_ratio("allocations", half.allocations, whole.allocations);
    check_ratio("bytes allocated", half.bytes, whole.bytes);
    check_ratio("output", half.output, whole.output);
    /* 256 MiB for 10,000 guardrails, with room for the output in memory */
    ck_assert_uint_lt(whole.arena / 1000, 20000);
}
END_TEST

Suite *
scale_suite(void)
{
    Suite *s = suite_create("scale");
    TCase *tc = tcase_create("scale");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, cost_is_linear);
    suite_add_tcase(s, tc);
    return s;
}
