#include "config.h"
#include "test_webhook.h"

#include <math.h>
#include <string.h>
#include "fixture.h"
#include "webhook/board.h"

/* A release of the stream equities in phase_1: error_rate in XNAS for two flows, model_drift by bucket. */
struct stage {
    struct gr_arena *arena;
    struct policy *policy;
    struct label_set stream;
    struct release release;
};

static void
stage_make(struct stage *t)
{
    memset(t, 0, sizeof *t);
    t->arena = gr_arena_create(1 << 24);
    t->policy = fixture_policy();
    t->stream = fixture_labels(t->arena, "cluster=equities");
    t->release = (struct release){.id = 1,
                                  .deployment_id = "d-1",
                                  .phase = "phase_1",
                                  .state = RELEASE_RUNNING,
                                  .policy = t->policy,
                                  .stream_row = &t->stream,
                                  .phase_row = policy_phase(t->policy, GR_STR("phase_1"))};
}

static void
stage_end(struct stage *t)
{
    policy_free(t->policy);
    gr_arena_free(t->arena);
}

static struct prom_sample
sample(struct stage *t, const char *labels, double value)
{
    return (struct prom_sample){fixture_labels(t->arena, labels), value};
}

static const struct board_cell *
cell(const struct board *b, const char *guardrail, struct label_set slice)
{
    for (size_t i = 0; i < b->count; i++)
        if (gr_str_is(b->cells[i].guardrail->name, guardrail) && labels_equal(b->cells[i].slice, slice))
            return &b->cells[i];
    return NULL;
}

START_TEST(the_question)
{
    struct stage t;
    struct gr_buf q = GR_BUF_INIT(4096);

    stage_make(&t);
    ck_assert_int_eq(board_query(&q, &t.release), GR_OK);
    ck_assert_str_eq(
        gr_buf_cstr(&q),
        "{__name__=~\"guardrail:verdict|guardrail:insufficient\",spec=\"demo\",cluster=\"equities\","
        "phase=\"phase_1\",deployment_id=\"d-1\"}");
    gr_buf_fini(&q);
    stage_end(&t);
}
END_TEST

/* What is not known is no data, whatever came instead of a verdict. */
static const struct {
    double value;
    enum verdict want;
} values[] = {
    {0, VERDICT_HEALTHY},
    {1, VERDICT_INSUFFICIENT},
    {2, VERDICT_SOFT},
    {3, VERDICT_HARD},
    {(double)NAN, VERDICT_NONE},
    {(double)INFINITY, VERDICT_NONE},
    {-(double)INFINITY, VERDICT_NONE},
    {4, VERDICT_NONE},
    {-1, VERDICT_NONE},
    {0.4, VERDICT_NONE},
    {1e300, VERDICT_NONE},
};
START_TEST(a_verdict_is_one_of_four_numbers)
{
    struct stage t;
    struct board b = {.count = 0};
    struct prom_sample s;

    stage_make(&t);
    s = sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=making", values[_i].value);
    ck_assert_int_eq(board_read(t.arena, &t.release, &(struct prom_vector){&s, 1}, &b), GR_OK);
    ck_assert_int_eq(cell(&b, "error_rate", fixture_labels(t.arena, "venue=XNAS,flow=making"))->verdict,
                     values[_i].want);
    stage_end(&t);
}
END_TEST

START_TEST(what_is_expected_and_absent_is_no_data)
{
    struct stage t;
    struct board b = {.count = 0};
    struct prom_vector none = {NULL, 0};
    size_t expected = 0;

    stage_make(&t);
    ck_assert_int_eq(board_read(t.arena, &t.release, &none, &b), GR_OK);
    for (size_t i = 0; i < b.count; i++) {
        ck_assert_int_eq(b.cells[i].verdict, VERDICT_NONE);
        expected++;
    }
    ck_assert_uint_gt(expected, 1);
    ck_assert(!b.known);
    stage_end(&t);
}
END_TEST

START_TEST(answers_find_their_cells)
{
    struct stage t;
    struct board b = {.count = 0};
    struct prom_sample s[11];
    struct prom_vector v = {s, 0};
    const struct board_cell *c;

    stage_make(&t);
    s[v.count++] = sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=making,reason=thin",
                          1); /* before its verdict */
    s[v.count++] = sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=making", 1);
    s[v.count++] = sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=agency", 0);
    s[v.count++] = sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=agency,pod=b",
                          2); /* twice: the worse one */
    s[v.count++] = sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=agency,reason=thin",
                          1); /* of no such verdict */
    s[v.count++] = sample(&t, "cluster=equities,guardrail=model_drift,symbol_bucket=7", 3); /* not expected */
    s[v.count++] = sample(&t, "cluster=equities,guardrail=unknown", 3);
    s[v.count++] = sample(&t, "cluster=equities,venue=XNAS", 3);
    s[v.count++] = sample(&t, "cluster=crypto,guardrail=error_rate,venue=XNAS,flow=agency", 3); /* not ours */
    s[v.count++] =
        sample(&t, "cluster=equities,deployment_id=d-2,guardrail=error_rate,venue=XNAS,flow=agency", 3);
    s[v.count++] =
        sample(&t, "cluster=equities,phase=phase_2,guardrail=error_rate,venue=XNAS,flow=agency", 3);
    ck_assert_int_eq(board_read(t.arena, &t.release, &v, &b), GR_OK);
    c = cell(&b, "error_rate", fixture_labels(t.arena, "venue=XNAS,flow=making"));
    ck_assert_int_eq(c->verdict, VERDICT_INSUFFICIENT);
    ck_assert(gr_str_is(c->why, "thin"));
    c = cell(&b, "error_rate", fixture_labels(t.arena, "venue=XNAS,flow=agency"));
    ck_assert_int_eq(c->verdict, VERDICT_SOFT);
    ck_assert_uint_eq(c->why.n, 0);
    for (size_t i = 1; i < b.count; i++)
        ck_assert_uint_le(b.cells[i - 1].guardrail->index, b.cells[i].guardrail->index);
    ck_assert(!b.cut);
    stage_end(&t);
}
END_TEST

/* Slices that nobody expected are there up to a limit, and it is said when there are more. */
START_TEST(cells_have_an_end)
{
    struct stage t;
    struct board b = {.count = 0};
    struct prom_sample *s;
    const struct policy_guardrail *g;

    stage_make(&t);
    g = policy_guardrail(t.policy, GR_STR("error_rate"));
    ck_assert_uint_gt(g->slice_label_count, 0);
    s = gr_arena_array(t.arena, BOARD_CELLS_MAX + 1, sizeof *s);
    for (size_t i = 0; i <= BOARD_CELLS_MAX; i++) {
        struct gr_str text = gr_arena_printf(t.arena, "cluster=equities,guardrail=error_rate,venue=V%zu", i);
        s[i] = sample(&t, text.p, 0);
    }
    ck_assert_int_eq(board_read(t.arena, &t.release, &(struct prom_vector){s, BOARD_CELLS_MAX + 1}, &b),
                     GR_OK);
    ck_assert_uint_eq(b.count, BOARD_CELLS_MAX);
    ck_assert(b.cut);
    stage_end(&t);
}
END_TEST

START_TEST(without_prometheus_nothing_is_known)
{
    struct stage t;
    struct board_cache *c;
    const struct board_item *item;

    stage_make(&t);
    ck_assert_int_eq(board_create(&c), GR_OK);
    item = board_get(c, GR_STR(""), &t.release, 1, 1);
    ck_assert_ptr_nonnull(item);
    ck_assert(!board_of(item)->known);
    ck_assert_uint_gt(board_of(item)->count, 0);
    ck_assert_str_eq(board_of(item)->error, "no prometheus_url is configured");
    board_drop(item);
    board_free(c);
    stage_end(&t);
}
END_TEST

Suite *
board_suite(void)
{
    Suite *s = suite_create("board");
    TCase *tc = tcase_create("board");

    tcase_add_test(tc, the_question);
    tcase_add_loop_test(tc, a_verdict_is_one_of_four_numbers, 0, GR_COUNT(values));
    tcase_add_test(tc, what_is_expected_and_absent_is_no_data);
    tcase_add_test(tc, answers_find_their_cells);
    tcase_add_test(tc, cells_have_an_end);
    tcase_add_test(tc, without_prometheus_nothing_is_known);
    suite_add_tcase(s, tc);
    return s;
}
