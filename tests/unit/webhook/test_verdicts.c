#include "config.h"
#include "stage.h"
#include "test_webhook.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include "../fault.h"
#include "fixture.h"
#include "webhook/verdicts.h"

/* ---- the two halves ---- */

static const struct verdict_cell *
cell(const struct verdicts *b, const char *guardrail, struct label_set slice)
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
    ck_assert_int_eq(verdicts_query(&q, &t.release), GR_OK);
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
    struct verdicts b = {.count = 0};
    struct prom_sample s;

    stage_make(&t);
    s = stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=making", values[_i].value);
    ck_assert_int_eq(verdicts_read(t.arena, t.arena, &t.release, &(struct prom_vector){&s, 1}, &b), GR_OK);
    ck_assert_int_eq(cell(&b, "error_rate", fixture_labels(t.arena, "venue=XNAS,flow=making"))->verdict,
                     values[_i].want);
    stage_end(&t);
}
END_TEST

START_TEST(what_is_expected_and_absent_is_no_data)
{
    struct stage t;
    struct verdicts b = {.count = 0};
    struct prom_vector none = {NULL, 0};
    size_t expected = 0;

    stage_make(&t);
    ck_assert_int_eq(verdicts_read(t.arena, t.arena, &t.release, &none, &b), GR_OK);
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
    struct verdicts b = {.count = 0};
    struct prom_sample s[11];
    struct prom_vector v = {s, 0};
    const struct verdict_cell *c;

    stage_make(&t);
    s[v.count++] =
        stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=making,reason=thin",
                     1); /* before its verdict */
    s[v.count++] = stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=making", 1);
    s[v.count++] = stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=agency", 0);
    s[v.count++] = stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=agency,pod=b",
                                2); /* twice: the worse one */
    s[v.count++] =
        stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=agency,reason=thin",
                     1); /* of no such verdict */
    s[v.count++] =
        stage_sample(&t, "cluster=equities,guardrail=model_drift,symbol_bucket=7", 3); /* not expected */
    s[v.count++] = stage_sample(&t, "cluster=equities,guardrail=unknown", 3);
    s[v.count++] = stage_sample(&t, "cluster=equities,venue=XNAS", 3);
    s[v.count++] =
        stage_sample(&t, "cluster=crypto,guardrail=error_rate,venue=XNAS,flow=agency", 3); /* not ours */
    s[v.count++] =
        stage_sample(&t, "cluster=equities,deployment_id=d-2,guardrail=error_rate,venue=XNAS,flow=agency", 3);
    s[v.count++] =
        stage_sample(&t, "cluster=equities,phase=phase_2,guardrail=error_rate,venue=XNAS,flow=agency", 3);
    ck_assert_int_eq(verdicts_read(t.arena, t.arena, &t.release, &v, &b), GR_OK);
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
    struct verdicts b = {.count = 0};
    struct prom_sample *s;
    const struct policy_guardrail *g;

    stage_make(&t);
    g = policy_guardrail(t.policy, GR_STR("error_rate"));
    ck_assert_uint_gt(g->slice_label_count, 0);
    s = gr_arena_array(t.arena, VERDICTS_CELLS_MAX + 1, sizeof *s);
    for (size_t i = 0; i <= VERDICTS_CELLS_MAX; i++) {
        struct gr_str text = gr_arena_printf(t.arena, "cluster=equities,guardrail=error_rate,venue=V%zu", i);
        s[i] = stage_sample(&t, text.p, 0);
    }
    ck_assert_int_eq(
        verdicts_read(t.arena, t.arena, &t.release, &(struct prom_vector){s, VERDICTS_CELLS_MAX + 1}, &b),
        GR_OK);
    ck_assert_uint_eq(b.count, VERDICTS_CELLS_MAX);
    ck_assert(b.cut);
    stage_end(&t);
}
END_TEST

/* Each allocation fails once: an honest error, nothing lost. */
START_TEST(no_memory_to_read_an_answer)
{
    struct stage t;
    struct prom_sample s[3];

    stage_make(&t);
    s[0] = stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=making", 1);
    s[1] = stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XPAR,flow=making", 2);
    s[2] = stage_sample(&t, "cluster=equities,guardrail=error_rate,venue=XNAS,flow=making,reason=thin", 1);
    for (unsigned n = 1, failed = 1; failed; n++) {
        struct gr_arena *a, *scratch;
        struct verdicts v = {.count = 0};
        enum gr_err err = GR_ENOMEM;

        fault_arm(FAULT_REALLOC, n, _i == 1, ENOMEM);
        a = gr_arena_create(1 << 20);
        scratch = gr_arena_create(1 << 20);
        if (a && scratch)
            err = verdicts_read(a, scratch, &t.release, &(struct prom_vector){s, 3}, &v);
        failed = fault_hit();
        ck_assert_int_eq(err, failed ? GR_ENOMEM : GR_OK);
        ck_assert_uint_eq(failed ? 0 : 4, v.count);
        gr_arena_free(scratch);
        gr_arena_free(a);
        fault_off();
        ck_assert_int_eq(fault_live(), 0);
    }
    stage_end(&t);
}
END_TEST

/* ---- asking ---- */

#define OURS "\"spec\":\"demo\",\"cluster\":\"equities\","
#define SAMPLE(labels, value) "{\"metric\":{" OURS labels "},\"value\":[1,\"" value "\"]}"
#define ERROR_RATE(flow) "\"guardrail\":\"error_rate\",\"venue\":\"XNAS\",\"flow\":\"" flow "\""
#define NOW_MS INT64_C(1795442400000)

struct asking {
    struct stage stage;
    struct stage_prometheus prom;
    struct gr_http_client *http;
    struct verdicts verdicts;
};

static void
asking_make(struct asking *k)
{
    memset(k, 0, sizeof *k);
    stage_make(&k->stage);
    ck_assert_int_eq(gr_http_client_create(&(struct gr_http_options){.allow_http = true}, &k->http), GR_OK);
}

static enum gr_err
ask_for(struct asking *k, struct gr_str url, int64_t ms, bool over_time)
{
    return verdicts_ask(&(struct verdicts_asking){.http = k->http,
                                                  .url = url,
                                                  .release = &k->stage.release,
                                                  .now_ms = NOW_MS,
                                                  .deadline_ms = gr_http_now_ms() + ms,
                                                  .over_time = over_time},
                        k->stage.arena, &k->verdicts);
}

static enum gr_err
ask(struct asking *k, bool over_time)
{
    return ask_for(k, stage_prometheus_url(&k->prom), 20000, over_time);
}

static void
asking_end(struct asking *k)
{
    if (k->prom.server)
        stage_prometheus_stop(&k->prom);
    stage_prometheus_end(&k->prom);
    gr_http_client_free(k->http);
    stage_end(&k->stage);
}

#define NOW_BODY                                                                                             \
    STAGE_VECTOR(SAMPLE(ERROR_RATE("making"), "1") "," SAMPLE(ERROR_RATE("making") ",\"reason\":\"thin\"",   \
                                                              "1") "," SAMPLE(ERROR_RATE("agency"), "3"))
/* Thirty points end at NOW_MS, 60 s apart. */
#define LINE_BODY(last)                                                                                      \
    STAGE_MATRIX("{\"metric\":{\"guardrail\":\"error_rate\"},\"values\":[[1795440660,\"0\"],[1795442340,"    \
                 "\"NaN\"],[1795442400,\"" last                                                              \
                 "\"]]},{\"metric\":{\"guardrail\":\"unknown\"},\"values\":[["                               \
                 "1795442400,\"3\"]]}")

START_TEST(now_and_over_time)
{
    static const char matchers[] =
        "{spec=\"demo\",cluster=\"equities\",phase=\"phase_1\",deployment_id=\"d-1\"})";
    struct asking k;
    const struct verdict_line *line;
    struct gr_buf want = GR_BUF_INIT(1000);

    asking_make(&k);
    k.prom.body[STAGE_NOW] = GR_STR(NOW_BODY);
    k.prom.body[STAGE_VERDICTS] = GR_STR(LINE_BODY("3"));
    k.prom.body[STAGE_EFFECTS] = GR_STR(LINE_BODY("-0.25"));
    stage_prometheus_start(&k.prom, false);
    ck_assert_int_eq(ask(&k, _i == 1), GR_OK);
    ck_assert(k.verdicts.known && !k.verdicts.cut && k.verdicts.over_time == (_i == 1));
    ck_assert_int_eq(k.verdicts.at_ms, NOW_MS);
    ck_assert_str_eq(k.verdicts.error, "");
    ck_assert_str_eq(k.verdicts.line_error, "");
    ck_assert_uint_eq(k.verdicts.count, 3);
    ck_assert_int_eq(k.verdicts.cells[0].verdict, VERDICT_INSUFFICIENT);
    ck_assert(gr_str_is(k.verdicts.cells[0].why, "thin"));
    ck_assert_int_eq(k.verdicts.cells[1].verdict, VERDICT_HARD);
    ck_assert_int_eq(k.verdicts.cells[2].verdict, VERDICT_NONE); /* model_drift was not heard of */
    ck_assert_uint_eq(k.verdicts.line_count, _i == 1 ? 2 : 0);
    stage_prometheus_stop(&k.prom);
    for (size_t q = 0; q < STAGE_QUESTIONS; q++)
        ck_assert_uint_eq(atomic_load(&k.prom.asked[q]), q == STAGE_NOW || _i == 1);
    if (_i == 1) {
        line = &k.verdicts.lines[0];
        ck_assert(gr_str_is(line->guardrail->name, "error_rate"));
        ck_assert_int_eq(k.verdicts.step_ms, 60000);
        ck_assert_int_eq(line->verdicts[0], VERDICT_HEALTHY);
        ck_assert_int_eq(line->verdicts[1], VERDICT_NONE);
        ck_assert_int_eq(line->verdicts[28], VERDICT_NONE); /* NaN */
        ck_assert_int_eq(line->verdicts[29], VERDICT_HARD);
        ck_assert(isnan(line->effects[1]) && isnan(line->effects[28]));
        ck_assert(fabs(line->effects[29] + 0.25) < 1e-12);
        ck_assert(isnan(k.verdicts.lines[1].effects[29]));
        ck_assert_int_eq(k.verdicts.lines[1].verdicts[29], VERDICT_NONE);
        gr_buf_printf(&want, "max by (guardrail) (guardrail:verdict%s", matchers);
        ck_assert_str_eq(gr_buf_cstr(&k.prom.query[STAGE_VERDICTS]), gr_buf_cstr(&want));
        gr_buf_reset(&want);
        gr_buf_printf(&want, "max by (guardrail) (guardrail:effect%s", matchers);
        ck_assert_str_eq(gr_buf_cstr(&k.prom.query[STAGE_EFFECTS]), gr_buf_cstr(&want));
    }
    gr_buf_fini(&want);
    asking_end(&k);
}
END_TEST

/* Of a guardrail with nothing but lower limits the smallest effect is the worst. */
START_TEST(lower_limits_are_asked_for_the_smallest)
{
    struct asking k;
    struct gr_buf text;
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);

    asking_make(&k);
    fixture_text(&text);
    policy_free(k.stage.policy);
    while (gr_str_find(gr_buf_str(&text), GR_STR("\"side\": \"upper\""), 0) != SIZE_MAX) {
        struct gr_buf lower = GR_BUF_INIT(1 << 20);
        size_t at = gr_str_find(gr_buf_str(&text), GR_STR("\"side\": \"upper\""), 0);

        gr_buf_put(&lower, gr_str_sub(gr_buf_str(&text), 0, at));
        gr_buf_puts(&lower, "\"side\": \"lower\"");
        gr_buf_put(&lower, gr_str_sub(gr_buf_str(&text), at + 15, SIZE_MAX));
        gr_buf_fini(&text);
        text = lower;
    }
    ck_assert_int_eq(policy_parse(GR_STR("p"), gr_buf_str(&text), sources, diags, &k.stage.policy), GR_OK);
    k.stage.release.policy = k.stage.policy;
    k.stage.release.phase_row = policy_phase(k.stage.policy, GR_STR("phase_1"));
    stage_prometheus_start(&k.prom, false);
    ck_assert_int_eq(ask(&k, true), GR_OK);
    stage_prometheus_stop(&k.prom);
    ck_assert_str_eq(
        gr_buf_cstr(&k.prom.query[STAGE_EFFECTS]),
        "max by (guardrail) (guardrail:effect{spec=\"demo\",cluster=\"equities\",phase=\"phase_1\","
        "deployment_id=\"d-1\",guardrail!~\"model_drift|refdata|schema_changes\"}) or min by (guardrail) "
        "(guardrail:effect{spec=\"demo\",cluster=\"equities\",phase=\"phase_1\",deployment_id=\"d-1\","
        "guardrail=~\"model_drift|refdata|schema_changes\"})");
    gr_buf_fini(&text);
    gr_diags_free(diags);
    gr_sources_free(sources);
    asking_end(&k);
}
END_TEST

/* What Prometheus, or what stands in its place, may answer. */
static const struct {
    const char *name, *body;
    int status;
    enum gr_err err; /* asked for what is true now */
} answers[] = {
    {"empty", "", 200, GR_ESYNTAX},
    {"another page", "<html><body>Sign in</body></html>", 200, GR_ESYNTAX},
    {"cut short", "{\"status\":\"success\",\"data\":{\"resultType\":\"vec", 200, GR_ESYNTAX},
    {"something behind it", STAGE_VECTOR("") "x", 200, GR_ESYNTAX},
    {"a list", "[]", 200, GR_ESYNTAX},
    {"null", "null", 200, GR_ESYNTAX},
    {"no data", "{\"status\":\"success\"}", 200, GR_EUSER},
    {"a text for data", "{\"status\":\"success\",\"data\":\"none\"}", 200, GR_EUSER},
    {"a string", "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[1,\"x\"]}}", 200,
     GR_EUSER},
    {"a result that is a map", "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":{}}}",
     200, GR_ESYNTAX},
    {"a lines' result that is null",
     "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":null}}", 200, GR_EUSER},
    {"a sample that is a number", STAGE_VECTOR("7"), 200, GR_ESYNTAX},
    {"a line that is a number", STAGE_MATRIX("7"), 200, GR_EUSER},
    {"a value that is a number", STAGE_VECTOR("{\"metric\":{},\"value\":[1,2]}"), 200, GR_ESYNTAX},
    {"a point of words", STAGE_MATRIX("{\"metric\":{},\"values\":[[\"now\",\"2\"]]}"), 200, GR_EUSER},
    {"a point without a value", STAGE_MATRIX("{\"metric\":{},\"values\":[[1]]}"), 200, GR_EUSER},
    {"labels that are a list", STAGE_VECTOR("{\"metric\":[],\"value\":[1,\"2\"]}"), 200, GR_ESYNTAX},
    {"invalid UTF-8", STAGE_VECTOR("{\"metric\":{\"a\":\"\xff\"},\"value\":[1,\"2\"]}"), 200, GR_ESYNTAX},
    {"a warning", "{\"status\":\"success\",\"warnings\":[\"a store is away\"],\"data\":{}}", 200, GR_ENET},
    {"refused", "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}", 400, GR_EUSER},
    {"too many samples there", "{\"status\":\"error\",\"error\":\"would load too many samples\"}", 422,
     GR_EUSER},
    {"it timed out there", "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"timed out\"}", 503,
     GR_ENET},
    {"it starts", "Service Unavailable", 503, GR_ENET},
    {"a proxy's 502", "<html></html>", 502, GR_ENET},
    {"not found", "404 page not found", 404, GR_ESYNTAX},
    {"sign in", "{\"status\":\"success\"}", 401, GR_ESYNTAX},
};

/* An answer that is none: nothing is known, and it is said why. */
START_TEST(answers_that_are_none)
{
    struct asking k;
    enum gr_err err;

    asking_make(&k);
    k.prom.body[STAGE_NOW] = gr_str(answers[_i].body);
    k.prom.status[STAGE_NOW] = answers[_i].status;
    stage_prometheus_start(&k.prom, false);
    err = ask(&k, true);
    ck_assert_msg(err == answers[_i].err, "%s: %s: %s", answers[_i].name, gr_err_name(err), k.verdicts.error);
    ck_assert(!k.verdicts.known && k.verdicts.count == 0 && k.verdicts.line_count == 0);
    ck_assert_str_ne(k.verdicts.error, "");
    stage_prometheus_stop(&k.prom);
    ck_assert_uint_eq(atomic_load(&k.prom.asked[STAGE_VERDICTS]), 0); /* it is not pestered */
    asking_end(&k);
}
END_TEST

/* Of one of the lines: what is true now is known all the same. */
START_TEST(lines_that_are_none)
{
    struct asking k;
    size_t n = (size_t)_i / 2;
    enum stage_question which = _i % 2 ? STAGE_EFFECTS : STAGE_VERDICTS;

    asking_make(&k);
    k.prom.body[STAGE_NOW] = GR_STR(NOW_BODY);
    k.prom.body[which] = gr_str(answers[n].body);
    k.prom.status[which] = answers[n].status;
    stage_prometheus_start(&k.prom, false);
    ck_assert_int_eq(ask(&k, true), GR_OK);
    ck_assert_msg(k.verdicts.known && k.verdicts.count == 3, "%s", answers[n].name);
    ck_assert_uint_eq(k.verdicts.line_count, 0);
    ck_assert_str_eq(k.verdicts.error, "");
    ck_assert_str_ne(k.verdicts.line_error, "");
    asking_end(&k);
}
END_TEST

/* Samples past the cap, and more bytes than the client takes. */
START_TEST(answers_that_are_too_large)
{
    struct asking k;
    struct gr_buf body = GR_BUF_INIT(32 << 20);

    asking_make(&k);
    gr_buf_puts(&body, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[");
    if (_i == 0)
        for (size_t i = 0; i <= PROM_SAMPLES_MAX; i++)
            gr_buf_printf(&body, "%s{\"metric\":{},\"value\":[1,\"0\"]}", i > 0 ? "," : "");
    else
        while (body.n <= GR_HTTP_RESPONSE_BYTES_MAX)
            gr_buf_puts(&body, "                                                                ");
    gr_buf_puts(&body, "]}}");
    k.prom.body[STAGE_NOW] = gr_buf_str(&body);
    stage_prometheus_start(&k.prom, false);
    ck_assert_int_eq(ask(&k, true), GR_ELIMIT);
    ck_assert(!k.verdicts.known && k.verdicts.error[0] != '\0');
    asking_end(&k);
    gr_buf_fini(&body);
}
END_TEST

START_TEST(it_does_not_answer)
{
    struct asking k;

    asking_make(&k);
    stage_prometheus_start(&k.prom, true);
    ck_assert_int_eq(ask_for(&k, stage_prometheus_url(&k.prom), 100, true), GR_ETIMEOUT);
    ck_assert(!k.verdicts.known && k.verdicts.error[0] != '\0');
    asking_end(&k);
}
END_TEST

START_TEST(it_is_not_there)
{
    struct asking k;
    struct gr_str url;

    asking_make(&k);
    stage_prometheus_start(&k.prom, false);
    url = gr_arena_dup(k.stage.arena, stage_prometheus_url(&k.prom));
    stage_prometheus_stop(&k.prom);
    ck_assert_int_eq(ask_for(&k, url, 20000, true), GR_ENET);
    ck_assert(!k.verdicts.known);
    ck_assert_ptr_null(strstr(k.verdicts.error, "127.0.0.1"));
    asking_end(&k);
}
END_TEST

/* ---- as JSON ---- */

static struct gr_str
print(struct stage *t, const struct verdicts *v, int64_t now_ms)
{
    struct gr_buf b = GR_BUF_INIT(1 << 20);
    struct jw w = JW_INIT(&b);
    struct gr_str out;

    jw_open(&w, NULL, '{');
    verdicts_print(&w, v, now_ms);
    jw_close(&w, '}');
    out = gr_arena_dup(t->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out;
}

/* Thirty points of which only the first and the last are known. */
static const char *
points(struct stage *t, const char *first, const char *last)
{
    struct gr_buf b = GR_BUF_INIT(1000);
    struct gr_str out;

    gr_buf_printf(&b, "[%s", first);
    for (size_t i = 2; i < VERDICTS_POINTS; i++)
        gr_buf_puts(&b, ",null");
    gr_buf_printf(&b, ",%s]", last);
    out = gr_arena_dup(t->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out.p;
}

START_TEST(printed)
{
    struct asking k;
    const char *got, *want, *none;
    size_t same = 0;

    asking_make(&k);
    k.prom.body[STAGE_NOW] = GR_STR(NOW_BODY);
    k.prom.body[STAGE_VERDICTS] = GR_STR(LINE_BODY("3"));
    k.prom.body[STAGE_EFFECTS] = GR_STR(LINE_BODY("-0.25"));
    stage_prometheus_start(&k.prom, false);
    ck_assert_int_eq(ask(&k, true), GR_OK);
    got = print(&k.stage, &k.verdicts, NOW_MS + 7000).p;
    none = points(&k.stage, "null", "null");
    want =
        gr_arena_printf(
            k.stage.arena,
            "{\"at\":\"2026-11-23T14:00:00Z\",\"age_ms\":7000,\"step_ms\":60000,\"error\":null,\"cut\":false,"
            "\"guardrails\":[{\"guardrail\":\"error_rate\",\"verdict\":\"hard\",\"slices\":["
            "{\"slice\":{\"flow\":\"making\",\"venue\":\"XNAS\"},\"verdict\":\"insufficient\",\"reason\":"
            "\"thin\"},"
            "{\"slice\":{\"flow\":\"agency\",\"venue\":\"XNAS\"},\"verdict\":\"hard\"}],"
            "\"verdicts\":%s,\"effects\":%s},"
            "{\"guardrail\":\"model_drift\",\"verdict\":\"none\",\"slices\":[{\"slice\":{},\"verdict\":"
            "\"none\"}],"
            "\"verdicts\":%s,\"effects\":%s}]}",
            points(&k.stage, "0", "3"), points(&k.stage, "0", "-0.25"), none, none)
            .p;
    while (same < strlen(want) && got[same] == want[same])
        same++;
    ck_assert_msg(strcmp(got, want) == 0, "from byte %zu on: %.80s", same, got + same);
    asking_end(&k);
}
END_TEST

START_TEST(printed_without_an_answer)
{
    struct stage t;
    struct verdicts v;

    stage_make(&t);
    ck_assert_int_eq(verdicts_unknown(t.arena, &t.release, "it is \"away\"", &v), GR_OK);
    ck_assert_uint_eq(v.count, 3);
    ck_assert(!v.known && v.over_time);
    ck_assert_str_eq(print(&t, &v, NOW_MS).p,
                     "{\"at\":null,\"age_ms\":0,\"step_ms\":60000,\"error\":\"it is \\\"away\\\"\","
                     "\"cut\":false,\"guardrails\":[]}");
    stage_end(&t);
}
END_TEST

/* A slice that says nothing is no health, whatever the others say; one without traffic counts for nothing. */
static const struct {
    enum verdict a, b;
    const char *worst, *slices;
} worsts[] = {
    {VERDICT_HEALTHY, VERDICT_NONE, "none", "healthy none "},
    {VERDICT_INSUFFICIENT, VERDICT_NONE, "none", "insufficient none "},
    {VERDICT_SOFT, VERDICT_NONE, "soft", "soft none "},
    {VERDICT_HARD, VERDICT_SOFT, "hard", "hard soft "},
    {VERDICT_HEALTHY, VERDICT_IDLE, "healthy", "healthy "},
    {VERDICT_IDLE, VERDICT_IDLE, "none", ""},
};
START_TEST(the_worst_of_slices)
{
    struct stage t;
    struct verdict_cell cells[2];
    struct verdict_line line;
    struct verdicts v = {.cells = cells, .count = 2, .lines = &line, .line_count = 1};
    struct gr_buf want = GR_BUF_INIT(200), slices = GR_BUF_INIT(200);
    struct gr_str got, rest, word;

    stage_make(&t);
    memset(&line, 0, sizeof line);
    line.guardrail = policy_guardrail(t.policy, GR_STR("error_rate"));
    cells[0] = (struct verdict_cell){.guardrail = line.guardrail, .verdict = worsts[_i].a, .why = GR_STR("")};
    cells[1] = (struct verdict_cell){.guardrail = line.guardrail, .verdict = worsts[_i].b, .why = GR_STR("")};
    got = print(&t, &v, NOW_MS);
    gr_buf_printf(&want, "\"guardrail\":\"error_rate\",\"verdict\":\"%s\",\"slices\":[", worsts[_i].worst);
    ck_assert_msg(gr_str_find(got, gr_buf_str(&want), 0) != SIZE_MAX, "%s", got.p);
    rest = gr_str(worsts[_i].slices);
    while (gr_str_next(&rest, ' ', &word))
        if (word.n > 0)
            gr_buf_printf(&slices, "%s{\"slice\":{},\"verdict\":\"" GR_FMT "\"}", slices.n > 0 ? "," : "",
                          GR_ARG(word));
    gr_buf_put(&want, gr_buf_str(&slices));
    gr_buf_putc(&want, ']');
    ck_assert_msg(gr_str_find(got, gr_buf_str(&want), 0) != SIZE_MAX, "%s", got.p);
    gr_buf_fini(&slices);
    gr_buf_fini(&want);
    stage_end(&t);
}
END_TEST

Suite *
verdicts_suite(void)
{
    Suite *s = suite_create("verdicts");
    TCase *tc = tcase_create("verdicts");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, the_question);
    tcase_add_loop_test(tc, a_verdict_is_one_of_four_numbers, 0, GR_COUNT(values));
    tcase_add_test(tc, what_is_expected_and_absent_is_no_data);
    tcase_add_test(tc, answers_find_their_cells);
    tcase_add_test(tc, cells_have_an_end);
    tcase_add_loop_test(tc, no_memory_to_read_an_answer, 0, 2);
    tcase_add_loop_test(tc, now_and_over_time, 0, 2);
    tcase_add_test(tc, lower_limits_are_asked_for_the_smallest);
    tcase_add_loop_test(tc, answers_that_are_none, 0, GR_COUNT(answers));
    tcase_add_loop_test(tc, lines_that_are_none, 0, 2 * GR_COUNT(answers));
    tcase_add_loop_test(tc, answers_that_are_too_large, 0, 2);
    tcase_add_test(tc, it_does_not_answer);
    tcase_add_test(tc, it_is_not_there);
    tcase_add_test(tc, printed);
    tcase_add_test(tc, printed_without_an_answer);
    tcase_add_loop_test(tc, the_worst_of_slices, 0, GR_COUNT(worsts));
    suite_add_tcase(s, tc);
    return s;
}
