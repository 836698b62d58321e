#include "config.h"
#include "../canned.h"
#include "fixture.h"
#include "test_webhook.h"
#include "webhook/prom.h"

#include <math.h>
#include <stdio.h>

#define VECTOR(items) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" items "]}}"

static const struct row {
    const char *name, *body;
    long status;
    enum gr_err err;
    size_t count;
} rows[] = {
    {"no data", VECTOR(""), 200, GR_OK, 0},
    {"one", VECTOR("{\"metric\":{\"__name__\":\"m\",\"b\":\"2\",\"a\":\"1\"},\"value\":[1.5,\"0.25\"]}"), 200,
     GR_OK, 1},
    {"a scalar", "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"7\"]}}", 200,
     GR_OK, 1},
    {"a matrix", "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}", 200, GR_EUSER,
     0},
    {"a bad query", "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}", 400,
     GR_EUSER, 0},
    {"it cannot be executed", "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"many-to-many\"}",
     422, GR_EUSER, 0},
    {"a timeout there", "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"query timed out\"}", 503,
     GR_ENET, 0},
    {"unavailable, no JSON", "Service Unavailable", 503, GR_ENET, 0},
    {"another page", "<html></html>", 200, GR_ESYNTAX, 0},
    {"not found", "404 page not found\n", 404, GR_ESYNTAX, 0},
    {"empty", "", 200, GR_ESYNTAX, 0},
    {"a list", "[]", 200, GR_ESYNTAX, 0},
    {"success with an odd status", VECTOR(""), 206, GR_ESYNTAX, 0},
    {"cut short", "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"resu", 200, GR_ESYNTAX, 0},
    {"no result", "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\"}}", 200, GR_ESYNTAX, 0},
    {"a value that is a number", VECTOR("{\"metric\":{},\"value\":[1,0]}"), 200, GR_ESYNTAX, 0},
    {"a value of words", VECTOR("{\"metric\":{},\"value\":[1,\"seven\"]}"), 200, GR_ESYNTAX, 0},
    {"no value", VECTOR("{\"metric\":{}}"), 200, GR_ESYNTAX, 0},
    {"no labels", VECTOR("{\"value\":[1,\"0\"]}"), 200, GR_ESYNTAX, 0},
    {"a label that is a map", VECTOR("{\"metric\":{\"a\":{}},\"value\":[1,\"0\"]}"), 200, GR_ESYNTAX, 0},
    {"a label twice", VECTOR("{\"metric\":{\"a\":\"1\",\"a\":\"2\"},\"value\":[1,\"0\"]}"), 200, GR_ESYNTAX,
     0},
    {"a warning: data may be missing",
     "{\"status\":\"success\",\"warnings\":[\"remote read "
     "failed\"],\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
     200, GR_ENET, 0},
    {"a hint",
     "{\"status\":\"success\",\"warnings\":[\"PromQL info: "
     "x\"],\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
     200, GR_OK, 0},
};

START_TEST(parses)
{
    const struct row *r = &rows[_i];
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct prom_vector v = {NULL, 99};
    struct prom_error error;
    enum gr_err err = prom_parse(gr_str(r->body), r->status, a, &v, &error);

    ck_assert_msg(err == r->err, "%s: %s: %s", r->name, gr_err_name(err), error.text);
    ck_assert_uint_eq(v.count, err == GR_OK ? r->count : 99);
    ck_assert((error.text[0] == '\0') == (err == GR_OK));
    gr_arena_free(a);
}
END_TEST

START_TEST(labels_and_values)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct prom_vector v;
    struct prom_error error;

    ck_assert_int_eq(
        prom_parse(
            GR_STR(VECTOR(
                "{\"metric\":{\"__name__\":\"m\",\"b\":\"\\u00e9\",\"a\":\"1\"},\"value\":[1,\"NaN\"]},"
                "{\"metric\":{},\"value\":[1,\"+Inf\"]},{\"metric\":{},\"value\":[1,\"-Inf\"]},"
                "{\"metric\":{},\"value\":[1,\"-1e-3\"]}")),
            200, a, &v, &error),
        GR_OK);
    ck_assert_uint_eq(v.count, 4);
    ck_assert(labels_equal(v.samples[0].labels, fixture_labels(a, "a=1,b=\xc3\xa9")));
    ck_assert(isnan(v.samples[0].value) && isinf(v.samples[1].value) && v.samples[2].value < 0);
    ck_assert(fabs(v.samples[3].value + 0.001) < 1e-15);
    gr_arena_free(a);
}
END_TEST

START_TEST(samples_are_bounded)
{
    struct gr_arena *a = gr_arena_create(64 << 20);
    struct gr_buf b = GR_BUF_INIT(16 << 20);
    struct prom_vector v;
    struct prom_error error;

    gr_buf_puts(&b, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[");
    for (size_t i = 0; i < PROM_SAMPLES_MAX + (size_t)_i; i++)
        gr_buf_printf(&b, "%s{\"metric\":{},\"value\":[1,\"0\"]}", i > 0 ? "," : "");
    gr_buf_puts(&b, "]}}");
    ck_assert_int_eq(prom_parse(gr_buf_str(&b), 200, a, &v, &error), _i == 0 ? GR_OK : GR_ELIMIT);
    gr_buf_fini(&b);
    gr_arena_free(a);
}
END_TEST

#define MATRIX(items) "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[" items "]}}"

/* Points come where they belong; what is missing or outside of the range is NaN or left out. */
START_TEST(ranges)
{
    static const struct prom_range range = {.start_ms = 100000, .step_ms = 10000, .points = 4};
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct prom_matrix m = {NULL, 99};
    struct prom_error error;

    ck_assert_int_eq(
        prom_parse_range(GR_STR(MATRIX("{\"metric\":{\"g\":\"x\"},\"values\":[[80,\"9\"],[100,\"0\"],"
                                       "[120.001,\"3\"],[130,\"NaN\"],[140,\"9\"]]},"
                                       "{\"metric\":{\"g\":\"y\"},\"values\":[]}")),
                         200, &range, a, &m, &error),
        GR_OK);
    ck_assert_uint_eq(m.count, 2);
    ck_assert(labels_equal(m.lines[0].labels, fixture_labels(a, "g=x")));
    ck_assert(m.lines[0].values[0] > -0.5 && m.lines[0].values[0] < 0.5 && isnan(m.lines[0].values[1]) &&
              m.lines[0].values[2] > 2.5 && isnan(m.lines[0].values[3]) && isnan(m.lines[1].values[0]));
    gr_arena_free(a);
}
END_TEST

static const struct {
    const char *name, *body;
    long status;
    enum gr_err err;
} bad_ranges[] = {
    {"a vector", VECTOR(""), 200, GR_ESYNTAX},
    {"no values", MATRIX("{\"metric\":{}}"), 200, GR_ESYNTAX},
    {"a value that is a number", MATRIX("{\"metric\":{},\"values\":[[1,2]]}"), 200, GR_ESYNTAX},
    {"a time of words", MATRIX("{\"metric\":{},\"values\":[[\"now\",\"2\"]]}"), 200, GR_ESYNTAX},
    {"refused", "{\"status\":\"error\",\"error\":\"exceeded maximum resolution\"}", 400, GR_EUSER},
};

START_TEST(ranges_that_are_none)
{
    static const struct prom_range range = {.start_ms = 0, .step_ms = 1000, .points = 2};
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct prom_matrix m = {NULL, 99};
    struct prom_error error;
    enum gr_err err =
        prom_parse_range(gr_str(bad_ranges[_i].body), bad_ranges[_i].status, &range, a, &m, &error);

    ck_assert_msg(err == bad_ranges[_i].err, "%s: %s", bad_ranges[_i].name, gr_err_name(err));
    ck_assert(m.count == 99 && error.text[0] != '\0');
    gr_arena_free(a);
}
END_TEST

START_TEST(foreign_words_are_quoted)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct prom_vector v;
    struct prom_error error;

    ck_assert_int_eq(
        prom_parse(GR_STR("{\"status\":\"error\",\"error\":\"a\\nb\\u001b[31m\"}"), 400, a, &v, &error),
        GR_EUSER);
    ck_assert_ptr_nonnull(strstr(error.text, "a\\x0ab\\x1b"));
    gr_arena_free(a);
}
END_TEST

START_TEST(asks)
{
    static const char body[] = VECTOR("{\"metric\":{},\"value\":[1,\"3\"]}");
    struct gr_http_options options = {.allow_http = true};
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_str answer =
        gr_arena_printf(a, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", sizeof body - 1, body);
    struct canned *server = canned_start(answer, false);
    struct gr_str base = gr_arena_printf(a, "%s/", canned_url(server));
    struct gr_buf seen = GR_BUF_INIT(65536);
    struct gr_http_client *c;
    struct prom_vector v;
    struct prom_error error;

    ck_assert_int_eq(gr_http_client_create(&options, &c), GR_OK);
    ck_assert_int_eq(
        prom_query(c, base.p, GR_STR("up{a=\"b\"} == 1"), 12345, gr_http_now_ms() + 10000, a, &v, &error),
        GR_OK);
    ck_assert_uint_eq(v.count, 1);
    canned_stop(server, &seen);
    ck_assert(gr_str_starts(gr_buf_str(&seen), GR_STR("POST /api/v1/query HTTP/1.1\r\n")));
    ck_assert(
        gr_str_ends(gr_buf_str(&seen), GR_STR("\r\n\r\nquery=up%7Ba%3D%22b%22%7D%20%3D%3D%201&time=12.345")));
    ck_assert_int_eq(prom_query(c, base.p, GR_STR("up"), 0, gr_http_now_ms() + 10000, a, &v, &error),
                     GR_ENET); /* it is gone */
    ck_assert_ptr_null(strstr(error.text, "127.0.0.1"));
    ck_assert_int_eq(prom_query(c, base.p, GR_STR(""), 0, gr_http_now_ms() + 1000, a, &v, &error), GR_ERANGE);
    gr_http_client_free(c);
    gr_buf_fini(&seen);
    gr_arena_free(a);
}
END_TEST

START_TEST(bounds)
{
    struct prom_sample s[2] = {{.value = 0.5}, {.value = 0.01}};
    struct prom_vector none = {NULL, 0}, one = {s, 1}, two = {s, 2};

    ck_assert_int_eq(prom_check_bound(&none, true, 1), PROM_NO_DATA);
    ck_assert_int_eq(prom_check_bound(&one, true, 0.5), PROM_FAILS); /* strict */
    ck_assert_int_eq(prom_check_bound(&one, false, 0.5), PROM_FAILS);
    ck_assert_int_eq(prom_check_bound(&two, true, 0.51), PROM_HOLDS);
    ck_assert_int_eq(prom_check_bound(&two, false, 0.2), PROM_FAILS); /* each sample counts */
    s[1].value = (double)NAN;
    ck_assert_int_eq(prom_check_bound(&two, true, 1), PROM_FAILS);
    s[1].value = -(double)INFINITY;
    ck_assert_int_eq(prom_check_bound(&two, true, 1), PROM_FAILS);
}
END_TEST

Suite *
prom_suite(void)
{
    Suite *s = suite_create("prom");
    TCase *tc = tcase_create("prom");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, parses, 0, GR_COUNT(rows));
    tcase_add_test(tc, ranges);
    tcase_add_loop_test(tc, ranges_that_are_none, 0, GR_COUNT(bad_ranges));
    tcase_add_test(tc, labels_and_values);
    tcase_add_loop_test(tc, samples_are_bounded, 0, 2);
    tcase_add_test(tc, foreign_words_are_quoted);
    tcase_add_test(tc, asks);
    tcase_add_test(tc, bounds);
    suite_add_tcase(s, tc);
    return s;
}
