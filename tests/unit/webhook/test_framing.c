#include "config.h"
#include "test_webhook.h"

#include <stdlib.h>
#include <string.h>
#include "webhook/framing.h"

#define JSON "Content-Type: application/json\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\n"

static const struct {
    const char *name, *method, *path, *headers; /* one a line */
    int status;                                 /* 0: well framed */
} rows[] = {
    {"a GET", "GET", "/metrics", "Host: a\nAccept: */*\n", 0},
    {"a GET of no bytes", "GET", "/metrics", "Content-Length: 0\n", 0},
    {"a GET with a body", "GET", "/metrics", "Content-Length: 1\n", 400},
    {"a GET in chunks", "GET", "/metrics", "Transfer-Encoding: chunked\n", 400},
    {"a GET with 00", "GET", "/metrics", "Content-Length: 00\n", 400},
    {"a POST", "POST", "/v1/alerts", JSON "Content-Length: 2\n", 0},
    {"in any case", "POST", "/v1/alerts", "content-TYPE: Application/JSON\ncontent-LENGTH: 2\n", 0},
    {"with a parameter", "POST", "/v1/alerts",
     "Content-Type: application/json ; charset=utf-8\nContent-Length: 2\n", 0},
    {"no length", "POST", "/v1/alerts", JSON, 411},
    {"in chunks", "POST", "/v1/alerts", JSON "Transfer-Encoding: chunked\n", 411},
    {"a length and chunks", "POST", "/v1/alerts", JSON "Content-Length: 2\nTransfer-Encoding: chunked\n",
     400},
    {"a length twice", "POST", "/v1/alerts", JSON "Content-Length: 2\nContent-Length: 2\n", 400},
    {"chunks twice", "POST", "/v1/alerts", JSON "Transfer-Encoding: chunked\nTransfer-Encoding: x\n", 400},
    {"two hosts", "POST", "/v1/alerts", JSON "Content-Length: 2\nHost: a\nHost: b\n", 400},
    {"two rights", "POST", "/v1/alerts", JSON "Content-Length: 2\nAuthorization: a\nAuthorization: b\n", 400},
    {"two types", "POST", "/v1/alerts", JSON JSON "Content-Length: 2\n", 400},
    {"a length of words", "POST", "/v1/alerts", JSON "Content-Length: two\n", 400},
    {"a negative length", "POST", "/v1/alerts", JSON "Content-Length: -2\n", 400},
    {"a length with a sign", "POST", "/v1/alerts", JSON "Content-Length: +2\n", 400},
    {"two lengths in one", "POST", "/v1/alerts", JSON "Content-Length: 2, 2\n", 400},
    {"a length past 64 bits", "POST", "/v1/alerts", JSON "Content-Length: 18446744073709551616\n", 400},
    {"the most", "POST", "/v1/alerts", JSON "Content-Length: 8388608\n", 0},
    {"one more", "POST", "/v1/alerts", JSON "Content-Length: 8388609\n", 413},
    {"no type", "POST", "/v1/alerts", "Content-Length: 2\n", 415},
    {"another type", "POST", "/v1/alerts", "Content-Type: text/plain\nContent-Length: 2\n", 415},
    {"a longer type", "POST", "/v1/alerts", "Content-Type: application/json5\nContent-Length: 2\n", 415},
    {"an empty type", "POST", "/v1/alerts", "Content-Type: \nContent-Length: 2\n", 415},
    {"a form", "POST", "/ack/x", FORM "Content-Length: 16384\n", 0},
    {"a form too long", "POST", "/ack/x", FORM "Content-Length: 16385\n", 413},
    {"JSON for a form", "POST", "/ack/x", JSON "Content-Length: 2\n", 415},
    {"a form for JSON", "POST", "/v1/alerts", FORM "Content-Length: 2\n", 415},
    {"a name of no token", "GET", "/metrics", "A b: c\n", 400},
    {"no name", "GET", "/metrics", ": c\n", 400},
    {"every character of a token", "GET", "/metrics", "!#$%&'*+-.^_`|~09azAZ: c\n", 0},
    {"a tab in a value", "GET", "/metrics", "A: b\tc\n", 0},
    {"a control in a value", "GET", "/metrics", "A: b\x01\n", 400},
    {"DEL in a value", "GET", "/metrics", "A: b\x7f\n", 400},
    {"UTF-8 in a value", "GET", "/metrics", "A: \xc3\xa9\n", 0},
    {"a folded length", "POST", "/v1/alerts", JSON "Content-Length: 2\nContent-Length-x: 3\n", 400},
    {"a folded right", "GET", "/metrics", "authorizationx: a\n", 400},
};

/* The lines, cut in place; a line has ": " behind its name. */
static void
add(struct framing *f, char *lines)
{
    for (char *line = lines; *line;) {
        char *end = strchr(line, '\n'), *colon = strstr(line, ": ");

        ck_assert(end && colon && colon < end);
        *end = *colon = '\0';
        framing_add(f, line, colon + 2);
        line = end + 1;
    }
}

START_TEST(framed)
{
    struct framing f = {.length = NULL};
    struct request q = {.out = GR_BUF_INIT(4096)};
    char id[300], allow[ROUTE_ALLOW_BYTES], *lines = strdup(rows[_i].headers);
    bool ok;

    ck_assert_ptr_nonnull(lines);
    ck_assert_int_eq(route_find(rows[_i].method, rows[_i].path, id, sizeof id, &q.route, allow), GR_OK);
    add(&f, lines);
    ok = framing_ok(&f, &q);
    ck_assert_msg(ok == (rows[_i].status == 0) && q.status == rows[_i].status, "%s: %d %s", rows[_i].name,
                  q.status, gr_buf_cstr(&q.out));
    ck_assert(ok == (q.out.n == 0));
    gr_buf_fini(&q.out);
    free(lines);
}
END_TEST

Suite *
framing_suite(void)
{
    Suite *s = suite_create("framing");
    TCase *tc = tcase_create("framing");

    tcase_add_loop_test(tc, framed, 0, GR_COUNT(rows));
    suite_add_tcase(s, tc);
    return s;
}
