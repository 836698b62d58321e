#include "config.h"
#include "../canned.h"
#include "test_base.h"
#include "guardrail/http_client.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

static struct gr_http_client *client;
static struct gr_http_response response;
static atomic_bool stop;

static void
setup(void)
{
    struct gr_http_options options = {.allow_http = true, .stop = &stop};

    ck_assert_int_eq(gr_http_global_init(), GR_OK);
    ck_assert_int_eq(gr_http_client_create(&options, &client), GR_OK);
    response = (struct gr_http_response)GR_HTTP_RESPONSE_INIT;
    atomic_store(&stop, false);
}

static void
teardown(void)
{
    gr_http_response_fini(&response);
    gr_http_client_free(client);
    gr_http_global_fini();
}

static struct gr_http_request
post(const char *url, int64_t timeout_ms)
{
    return (struct gr_http_request){.post = true,
                                    .url = gr_str(url),
                                    .content_type = GR_STR("application/json"),
                                    .body = GR_STR("{}"),
                                    .deadline_ms = gr_http_now_ms() + timeout_ms};
}

START_TEST(posts)
{
    struct canned *server = canned_start(GR_STR(OK_ANSWER), false);
    const struct gr_http_header header = {GR_STR("X-Test"), GR_STR("value one")};
    struct gr_http_request r = post(canned_url(server), 10000);
    struct gr_buf seen = GR_BUF_INIT(65536);

    r.headers = &header;
    r.header_count = 1;
    ck_assert_int_eq(gr_http_perform(client, &r, &response), GR_OK);
    ck_assert_int_eq(response.status, 200);
    ck_assert_str_eq(gr_buf_cstr(&response.body), "ok");
    ck_assert(response.sent && response.retry_after_ms == -1);
    canned_stop(server, &seen);
    ck_assert(gr_str_starts(gr_buf_str(&seen), GR_STR("POST / HTTP/1.1\r\n")));
    ck_assert(gr_str_ends(gr_buf_str(&seen), GR_STR("\r\n\r\n{}")));
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&seen), "X-Test: value one\r\n"));
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&seen), "Content-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&seen), "User-Agent: guardraild/"));
    ck_assert_ptr_null(strstr(gr_buf_cstr(&seen), "Expect"));
    ck_assert_ptr_null(strstr(gr_buf_cstr(&seen), "Accept-Encoding"));
    gr_buf_fini(&seen);
}
END_TEST

START_TEST(gets)
{
    struct canned *server = canned_start(GR_STR(OK_ANSWER), false);
    struct gr_http_request r = {.url = gr_str(canned_url(server)), .deadline_ms = gr_http_now_ms() + 10000};
    struct gr_buf seen = GR_BUF_INIT(65536);

    ck_assert_int_eq(gr_http_perform(client, &r, &response), GR_OK);
    ck_assert_int_eq(gr_http_perform(client, &r, &response), GR_OK); /* a response is used again */
    ck_assert_str_eq(gr_buf_cstr(&response.body), "ok");
    canned_stop(server, &seen);
    ck_assert(gr_str_starts(gr_buf_str(&seen), GR_STR("GET / HTTP/1.1\r\n")));
    gr_buf_fini(&seen);
}
END_TEST

static const struct answer_row {
    const char *name;
    struct gr_str answer;
    enum gr_err err;
    long status;
    int64_t retry_after_ms;
} answer_rows[] = {
    {"503 with seconds", GR_STR_INIT("HTTP/1.1 503 x\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"), GR_OK,
     503, 30000},
    {"429, other case", GR_STR_INIT("HTTP/1.1 429 x\r\nretry-after:   7  \r\nContent-Length: 0\r\n\r\n"),
     GR_OK, 429, 7000},
    {"too long a wait is cut",
     GR_STR_INIT("HTTP/1.1 429 x\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n"), GR_OK, 429,
     GR_HTTP_RETRY_AFTER_MS_MAX},
    {"nonsense wait", GR_STR_INIT("HTTP/1.1 429 x\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n"), GR_OK,
     429, -1},
    {"a redirect is an answer",
     GR_STR_INIT("HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), GR_OK, 302,
     -1},
    {"nothing", GR_STR_INIT(""), GR_ENET, 0, -1},
    {"no HTTP", GR_STR_INIT("hello\r\n\r\n"), GR_ENET, 0, -1},
    {"cut short", GR_STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), GR_ENET, 0, -1},
    {"says it is too large", GR_STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"), GR_ELIMIT, 0,
     -1},
};

START_TEST(answers)
{
    const struct answer_row *r = &answer_rows[_i];
    struct canned *server = canned_start(r->answer, false);
    struct gr_http_request q = post(canned_url(server), 10000);
    enum gr_err err = gr_http_perform(client, &q, &response);

    ck_assert_msg(err == r->err, "%s: %s (%s)", r->name, gr_err_name(err), response.error);
    ck_assert_int_eq(response.status, r->status);
    ck_assert_int_eq(response.retry_after_ms, r->retry_after_ms);
    ck_assert_msg((err == GR_OK) == (response.error[0] == '\0'), "%s", r->name);
    ck_assert_ptr_null(strstr(response.error, "127.0.0.1"));
    ck_assert(response.sent);
    canned_stop(server, NULL);
}
END_TEST

/* An answer without a stated length, at the limit and one past it. */
START_TEST(size_limit)
{
    struct gr_buf answer = GR_BUF_INIT(4 << 20);
    struct gr_http_request q;
    struct canned *server;
    enum gr_err err;

    gr_buf_puts(&answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    for (size_t i = 0; i < GR_HTTP_RESPONSE_BYTES_MAX + (size_t)_i; i++)
        gr_buf_putc(&answer, 'x');
    server = canned_start(gr_buf_str(&answer), false);
    q = post(canned_url(server), 20000);
    err = gr_http_perform(client, &q, &response);
    ck_assert_msg(err == (_i == 0 ? GR_OK : GR_ELIMIT), "%s", response.error);
    canned_stop(server, NULL);
    gr_buf_fini(&answer);
}
END_TEST

START_TEST(deadline)
{
    struct canned *server = canned_start(GR_STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), true);
    struct gr_http_request q = post(canned_url(server), 150);
    int64_t before = gr_http_now_ms();

    ck_assert_int_eq(gr_http_perform(client, &q, &response), GR_ETIMEOUT);
    ck_assert_int_ge(gr_http_now_ms() - before, 100);
    ck_assert(response.sent);
    q.deadline_ms = gr_http_now_ms() - 1;
    ck_assert_int_eq(gr_http_perform(client, &q, &response), GR_ETIMEOUT);
    ck_assert(!response.sent);
    canned_stop(server, NULL);
}
END_TEST

START_TEST(stopped_from_outside)
{
    struct canned *server = canned_start(GR_STR(""), true);
    struct gr_http_request q = post(canned_url(server), 60000);

    atomic_store(&stop, true);
    ck_assert_int_eq(gr_http_perform(client, &q, &response), GR_ESTATE);
    canned_stop(server, NULL);
}
END_TEST

START_TEST(nobody_listens)
{
    struct canned *server = canned_start(GR_STR(""), false);
    char url[64];
    struct gr_http_request q;

    memcpy(url, canned_url(server), strlen(canned_url(server)) + 1);
    canned_stop(server, NULL); /* the port was free a moment ago, and is again */
    q = post(url, 10000);
    ck_assert_int_eq(gr_http_perform(client, &q, &response), GR_ENET);
    ck_assert(!response.sent);
    ck_assert_uint_gt(strlen(response.error), 0);
}
END_TEST

static const struct refused_row {
    const char *name;
    struct gr_str url, header, value, type;
} refused_rows[] = {
    {"a file", GR_STR_INIT("file:///etc/passwd"), GR_STR_INIT("A"), GR_STR_INIT("b"), GR_STR_INIT("x")},
    {"ftp", GR_STR_INIT("ftp://127.0.0.1/"), GR_STR_INIT("A"), GR_STR_INIT("b"), GR_STR_INIT("x")},
    {"a user", GR_STR_INIT("http://user:secret@127.0.0.1/"), GR_STR_INIT("A"), GR_STR_INIT("b"),
     GR_STR_INIT("x")},
    {"a user alone", GR_STR_INIT("http://user@127.0.0.1/"), GR_STR_INIT("A"), GR_STR_INIT("b"),
     GR_STR_INIT("x")},
    {"CRLF in the address", GR_STR_INIT("http://127.0.0.1/\r\nX: y"), GR_STR_INIT("A"), GR_STR_INIT("b"),
     GR_STR_INIT("x")},
    {"a blank", GR_STR_INIT("http://127.0.0.1/a b"), GR_STR_INIT("A"), GR_STR_INIT("b"), GR_STR_INIT("x")},
    {"a NUL", GR_STR_INIT("http://127.0.0.1/\0x"), GR_STR_INIT("A"), GR_STR_INIT("b"), GR_STR_INIT("x")},
    {"nothing behind the scheme", GR_STR_INIT("http://"), GR_STR_INIT("A"), GR_STR_INIT("b"),
     GR_STR_INIT("x")},
    {"CRLF in a header", GR_STR_INIT("http://127.0.0.1/"), GR_STR_INIT("A"), GR_STR_INIT("b\r\nX: y"),
     GR_STR_INIT("x")},
    {"LF in a header", GR_STR_INIT("http://127.0.0.1/"), GR_STR_INIT("A"), GR_STR_INIT("b\nX: y"),
     GR_STR_INIT("x")},
    {"NUL in a header", GR_STR_INIT("http://127.0.0.1/"), GR_STR_INIT("A"), GR_STR_INIT("b\0c"),
     GR_STR_INIT("x")},
    {"a header's name", GR_STR_INIT("http://127.0.0.1/"), GR_STR_INIT("A: b"), GR_STR_INIT("b"),
     GR_STR_INIT("x")},
    {"no header's name", GR_STR_INIT("http://127.0.0.1/"), GR_STR_INIT(""), GR_STR_INIT("b"),
     GR_STR_INIT("x")},
    {"CRLF in the type", GR_STR_INIT("http://127.0.0.1/"), GR_STR_INIT("A"), GR_STR_INIT("b"),
     GR_STR_INIT("x\r\ny")},
};

START_TEST(refused)
{
    const struct refused_row *r = &refused_rows[_i];
    const struct gr_http_header header = {r->header, r->value};
    struct gr_http_request q = {.post = true,
                                .url = r->url,
                                .headers = &header,
                                .header_count = 1,
                                .content_type = r->type,
                                .deadline_ms = gr_http_now_ms() + 1000};

    ck_assert_msg(gr_http_perform(client, &q, &response) == GR_ERANGE, "%s", r->name);
    ck_assert(!response.sent);
    ck_assert_ptr_null(strstr(response.error, "secret"));
}
END_TEST

START_TEST(plain_http_is_refused)
{
    struct gr_http_options options = {.allow_http = false};
    struct gr_http_client *strict;
    struct gr_http_request q = post("http://127.0.0.1:1/", 1000);

    ck_assert_int_eq(gr_http_client_create(&options, &strict), GR_OK);
    ck_assert_int_eq(gr_http_perform(strict, &q, &response), GR_ERANGE);
    q.url = GR_STR("https://127.0.0.1:1/");
    ck_assert_int_eq(gr_http_perform(strict, &q, &response), GR_ENET); /* allowed; nobody listens there */
    gr_http_client_free(strict);
}
END_TEST

/* A server that speaks plain HTTP where TLS is expected: nothing of the request may get there. */
START_TEST(no_fallback_from_tls)
{
    struct canned *server = canned_start(GR_STR(OK_ANSWER), false);
    struct gr_buf url = GR_BUF_INIT(128), seen = GR_BUF_INIT(65536);
    struct gr_http_request q;

    gr_buf_printf(&url, "https%s", canned_url(server) + 4);
    q = post(gr_buf_cstr(&url), 500);
    ck_assert_int_ne(gr_http_perform(client, &q, &response), GR_OK);
    canned_stop(server, &seen);
    ck_assert_ptr_null(strstr(gr_buf_cstr(&seen), "POST"));
    gr_buf_fini(&url);
    gr_buf_fini(&seen);
}
END_TEST

static const struct retry_row {
    const char *value;
    int64_t ms;
} retry_rows[] = {
    {"0", 0},
    {"120", 120000},
    {" 5\r\n", 5000},
    {"-1", -1},
    {"1.5", -1},
    {"", -1},
    {"99999999999999999999", -1},
    {"Thu, 01 Jan 1970 00:01:00 GMT", 10000}, /* now is 50 s */
    {"Thu, 01 Jan 1970 00:00:01 GMT", 0},
    {"yesterday", -1},
};

START_TEST(retry_after)
{
    ck_assert_int_eq(gr_http_retry_after_parse(gr_str(retry_rows[_i].value), 50000), retry_rows[_i].ms);
}
END_TEST

START_TEST(encodes)
{
    struct gr_buf b = GR_BUF_INIT(256);

    gr_http_encode(&b, GR_STR("aZ09.-_~ {x=\"\xc3\xa9\"}&+%\n"));
    ck_assert_str_eq(gr_buf_cstr(&b), "aZ09.-_~%20%7Bx%3D%22%C3%A9%22%7D%26%2B%25%0A");
    gr_buf_fini(&b);
}
END_TEST

Suite *
http_client_suite(void)
{
    Suite *s = suite_create("http_client");
    TCase *tc = tcase_create("http_client");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, posts);
    tcase_add_test(tc, gets);
    tcase_add_loop_test(tc, answers, 0, GR_COUNT(answer_rows));
    tcase_add_loop_test(tc, size_limit, 0, 2);
    tcase_add_test(tc, deadline);
    tcase_add_test(tc, stopped_from_outside);
    tcase_add_test(tc, nobody_listens);
    tcase_add_loop_test(tc, refused, 0, GR_COUNT(refused_rows));
    tcase_add_test(tc, plain_http_is_refused);
    tcase_add_test(tc, no_fallback_from_tls);
    tcase_add_loop_test(tc, retry_after, 0, GR_COUNT(retry_rows));
    tcase_add_test(tc, encodes);
    suite_add_tcase(s, tc);
    return s;
}
