/* test_power_prometheus.c - what Prometheus may answer, and what becomes of it; time that runs out. tests/power_prometheus.sh has the command. */
#include "config.h"
#include "../canned.h"
#include "test_compiler.h"

#include <math.h>

#include "guardrail/http_client.h"
#include "power_prometheus.h"
#include "specs.h"

#define VECTOR(result) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" result "]}}"
#define SCALAR(value) "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1," value "]}}"

static const struct answer {
    const char *name;
    long status;
    const char *body;
    enum gr_err err;
    double value;    /* if err is GR_OK */
    const char *why; /* else stands in the reason */
} answers[] = {
    {"number", 200, VECTOR("{\"metric\":{},\"value\":[1,\"0.25\"]}"), GR_OK, 0.25, ""},
    {"exponent", 200, VECTOR("{\"metric\":{},\"value\":[1.5,\"1.5e-05\"]}"), GR_OK, 1.5e-5, ""},
    {"scalar", 200, SCALAR("\"7\""), GR_OK, 7, ""},
    {"not a number", 200, SCALAR("\"NaN\""), GR_OK, (double)NAN, ""},
    {"infinite", 200, SCALAR("\"-Inf\""), GR_OK, -(double)INFINITY, ""},
    {"no series", 200, VECTOR(""), GR_ENOENT, 0, "no series match"},
    {"two series", 200, VECTOR("{\"metric\":{}},{\"metric\":{}}"), GR_ENOENT, 0, "several series"},
    {"no value", 200, VECTOR("{\"metric\":{}}"), GR_ESYNTAX, 0, "is not Prometheus'"},
    {"a bare number", 200, SCALAR("7"), GR_ESYNTAX, 0, "is not Prometheus'"},
    {"half a number", 200, SCALAR("\"7x\""), GR_ESYNTAX, 0, "is not Prometheus'"},
    {"a matrix", 200, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
     GR_ESYNTAX, 0, "is not Prometheus'"},
    {"no data", 200, "{\"status\":\"success\"}", GR_ESYNTAX, 0, "is not Prometheus'"},
    {"another's JSON", 200, "{\"ok\":true}", GR_ESYNTAX, 0, "(status 200) is not Prometheus'"},
    {"nothing", 200, "", GR_ESYNTAX, 0, "is not Prometheus'"},
    {"HTML", 200, "<html>", GR_ESYNTAX, 0, "login page"},
    {"success with a strange status", 207, SCALAR("\"7\""), GR_ESYNTAX, 0, "(status 207)"},
    {"too deep", 200, "[[[[[[[[[[[[[[]]]]]]]]]]]]]]", GR_ESYNTAX, 0, "is not Prometheus'"},
    {"refused", 422, "{\"status\":\"error\",\"error\":\"too many samples\\u001b[1m\"}", GR_EUSER, 0,
     "refuses the query (422): too many samples\\x1b[1m"},
    {"a bad query", 400, "{\"status\":\"error\",\"error\":\"parse error\"}", GR_EUSER, 0,
     "(400): parse error"},
    {"too slow", 503, "{\"status\":\"error\",\"error\":\"query timed out\"}", GR_EUSER, 0,
     "(503): query timed out"},
    {"its own trouble", 500, "{\"status\":\"error\",\"error\":\"disk\"}", GR_ENET, 0,
     "answers with status 500: disk"},
    {"a proxy's trouble", 502, "<html>bad gateway", GR_ENET, 0, "it has trouble (status 502)"},
    {"who are you", 401, "", GR_EACCES, 0, "--prometheus-token-file (status 401)"},
    {"not you", 403, "{}", GR_EACCES, 0, "(status 403)"},
    {"elsewhere", 307, "", GR_ENET, 0, "it redirects"},
    {"nowhere", 404, "", GR_ENET, 0, "no /api/v1/query there"},
    {"too often", 429, "", GR_ENET, 0, "try later"},
    {"a part is missing", 200,
     "{\"status\":\"success\",\"warnings\":[\"a store is "
     "down\"],\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"7\"]}}",
     GR_EUSER, 0, "Prometheus warns: a store is down"},
    {"a hint", 200,
     "{\"status\":\"success\",\"warnings\":[\"PromQL info: "
     "x\"],\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"7\"]}}",
     GR_OK, 7, ""},
};

START_TEST(answer_is_read)
{
    const struct answer *a = &answers[_i];
    struct gr_buf why = GR_BUF_INIT(4096);
    double value = -1;
    enum gr_err err = power_prometheus_parse(gr_str(a->body), a->status, &value, &why);

    ck_assert_msg(err == a->err, "%s: %s (%s)", a->name, gr_err_name(err), gr_buf_cstr(&why));
    if (err == GR_OK)
        ck_assert_msg(isnan(a->value) ? isnan(value) : !(value < a->value) && !(value > a->value), "%s: %g",
                      a->name, value);
    else
        ck_assert_msg(strstr(gr_buf_cstr(&why), a->why) != NULL, "%s: %s", a->name, gr_buf_cstr(&why));
    gr_buf_fini(&why);
}
END_TEST

static const struct url {
    const char *url;
    bool token, good;
} urls[] = {
    {"http://prometheus:9090", false, true},
    {"https://prometheus.example/tenant/a/", true, true},
    {"http://localhost:9090", true, true},
    {"http://127.0.0.1", true, true},
    {"http://[::1]:9090/x", true, true},
    {"http://[::2]:9090/x", true, false},
    {"http://127.0.0.1.example", true, false},
    {"http://localhost.example:1", true, false},
    {"http://prometheus:9090", true, false},
    {"prometheus:9090", false, false},
    {"file:///etc/passwd", false, false},
    {"http://:9090", false, false},
    {"https:///x", false, false},
    {"https://me@host", false, false},
    {"https://host?query=1", false, false},
    {"https://host#x", false, false},
    {"https://ho\"st", false, false},
    {"https://host/\n", false, false},
    {"", false, false},
};

START_TEST(url_is_judged)
{
    const struct url *u = &urls[_i];

    ck_assert_msg((power_url_refuse(u->url, u->token) == NULL) == u->good, "%s: %s", u->url,
                  power_url_refuse(u->url, u->token));
}
END_TEST

static enum gr_err
ask(struct specs *s, struct power_asks *asks, struct power_prometheus how, struct gr_buf *trouble)
{
    struct rates *none = NULL;

    specs_read_changed(s, NULL, NULL);
    ck_assert_int_eq(s->err, GR_OK);
    ck_assert_int_eq(rates_none(s->arena, s->model, &none), GR_OK);
    ck_assert_int_eq(power_asks_init(asks, s->model, none, POWER_LOOKBACK_MS), GR_OK);
    how.at_s = SPECS_NOW;
    return power_prometheus_ask(asks, &how, trouble);
}

START_TEST(silence_ends)
{
    struct canned *server = canned_start(GR_STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), true);
    struct gr_buf trouble = GR_BUF_INIT(4096);
    struct power_asks asks;
    struct specs s;
    int64_t before = gr_http_now_ms();

    ck_assert_int_eq(ask(&s, &asks,
                         (struct power_prometheus){canned_url(server), .query_ms = 150, .all_ms = 9000},
                         &trouble),
                     GR_ETIMEOUT);
    ck_assert_int_lt(gr_http_now_ms() - before, 8000);
    ck_assert_str_eq(gr_buf_cstr(&trouble), "no answer within 0 s");
    canned_stop(server, NULL);
    gr_buf_fini(&trouble);
    specs_fini(&s);
}
END_TEST

/* With no time left nothing more is asked, and that is no failure of what was answered. */
START_TEST(time_runs_out)
{
    struct canned *server = canned_start(GR_STR("HTTP/1.1 200 OK\r\n\r\n"), false);
    struct gr_buf trouble = GR_BUF_INIT(4096), seen = GR_BUF_INIT(65536);
    struct power_asks asks;
    struct specs s;

    ck_assert_int_eq(ask(&s, &asks,
                         (struct power_prometheus){canned_url(server), .query_ms = 1000, .all_ms = 0},
                         &trouble),
                     GR_ENOENT);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&trouble), "of 0 values"));
    ck_assert(gr_str_is(asks.v[0].why, "not asked: there are too many questions"));
    canned_stop(server, &seen);
    ck_assert_uint_eq(seen.n, 0);
    gr_buf_fini(&trouble);
    gr_buf_fini(&seen);
    specs_fini(&s);
}
END_TEST

/* What may be stated is taken; what chance puts just outside is brought to the end. */
static const struct taken {
    const char *key;
    double answer, taken; /* NAN: refused */
    const char *why;
} takes[] = {
    {"bad", 0.5, 0.5, ""},
    {"bad", 0, (double)NAN, "a rate of 0 never differs"},
    {"bad", 120, (double)NAN, "the answer is 120%"},
    {"per_second", 0, 0, ""},
    {"per_second", -1, (double)NAN, "it can be 0 to"},
    {"per_second", (double)INFINITY, (double)NAN, "infinite"},
    {"per_second", (double)NAN, (double)NAN, "nothing was counted"},
    {"dispersion", 0.7, 1, ""},
    {"dispersion", 1000, 100, ""},
    {"control", 100.001, 100, ""},
    {"control", 0, (double)NAN, "more than 0%"},
};

START_TEST(answer_is_taken)
{
    const struct taken *t = &takes[_i];
    struct rates *none = NULL;
    struct power_asks asks;
    struct power_ask *a = NULL;
    struct specs s;

    specs_read_changed(&s, NULL, NULL);
    ck_assert_int_eq(rates_none(s.arena, s.model, &none), GR_OK);
    ck_assert_int_eq(power_asks_init(&asks, s.model, none, POWER_LOOKBACK_MS), GR_OK);
    for (size_t i = 0; i < asks.n && !a; i++)
        if (strcmp(asks.v[i].key, t->key) == 0)
            a = &asks.v[i];
    ck_assert_ptr_nonnull(a);
    power_ask_take(&asks, a, t->answer);
    if (isnan(t->taken)) {
        ck_assert(isnan(a->answer));
        ck_assert_msg(strstr(gr_arena_printf(s.arena, GR_FMT, GR_ARG(a->why)).p, t->why) != NULL, GR_FMT,
                      GR_ARG(a->why));
    } else {
        ck_assert_double_eq_tol(a->answer, t->taken, 1e-12);
    }
    specs_fini(&s);
}
END_TEST

Suite *
power_prometheus_suite(void)
{
    Suite *s = suite_create("power_prometheus");
    TCase *tc = tcase_create("power_prometheus");

    tcase_add_loop_test(tc, answer_is_read, 0, GR_COUNT(answers));
    tcase_add_loop_test(tc, url_is_judged, 0, GR_COUNT(urls));
    tcase_add_loop_test(tc, answer_is_taken, 0, GR_COUNT(takes));
    tcase_add_test(tc, silence_ends);
    tcase_add_test(tc, time_runs_out);
    suite_add_tcase(s, tc);
    return s;
}
