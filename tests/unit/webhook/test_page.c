/* The status page's handlers without a server: every allocation of each fails. What they draw is in daemon_page.sh and daemon_link.sh. */
#include "config.h"
#include "test_webhook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"
#include "breach.h"
#include "fixture.h"
#include "tests/unit/fault.h"
#include "webhook/board.h"
#include "webhook/page.h"

#define HOST "guardraild.example.org"
#define ORIGIN "https://" HOST
#define KEY "0123456789abcdef0123456789abcdef"

static struct bench bench;
static char token[LINK_TOKEN_CHARS + 1]; /* of a link to the page of a hard breach */

static void
setup(void)
{
    struct gr_buf body = GR_BUF_INIT(4096);

    bench_make(&bench);
    bench.conf.public_url = GR_STR(ORIGIN);
    bench.conf.secrets_dir = gr_str(bench.folder);
    bench.conf.ack_key_file = GR_STR("ack.key");
    fixture_file(bench.folder, "ack.key", KEY "\n", 0600);
    ck_assert_int_eq(board_create(bench.app.metrics, &bench.app.board), GR_OK);
    bench_call(
        &bench, breach_start,
        &(struct breach_release){&bench.policies, "equities", "d1", "a <b>new</b> model", app_now_ms()},
        GR_OK);
    breach_print(&body, "firing", "hard", "d1", "equities");
    ck_assert_int_eq(breach_post(&bench.app, gr_buf_str(&body), app_now_ms()), GR_OK);
    ck_assert_int_gt(breach_link(&bench.app, token), 0);
    gr_buf_fini(&body);
}

static void
teardown(void)
{
    board_free(bench.app.board);
    bench_remove(&bench);
}

/* ---- a view ---- */

#define X16 "0123456789abcdef"
#define X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16
#define X4096 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256
static const struct view {
    const char *method, *path, *form;
    int status;
    const char *holds; /* a part of the page that tells it from any other */
} views[] = {
    {"GET", "/", "", 200, "<h2 id=\"attention\">"},
    {"GET", "/still", "", 200, "<h2 id=\"attention\">"},
    {"GET", "/status/1", "", 200, "<main>"},
    {"GET", "/status/99", "", 404, "404"},
    {"GET", "/releases/d1", "", 200, "a &lt;b&gt;new&lt;/b&gt; model"},
    {"GET", "/releases/d2", "", 404, "there is no such deployment"},
    {"GET", "/ack/", "", 200, "<form method=\"post\" action=\"/ack/"},
    {"GET", "/ack/x", "", 403, "this link is not valid"},
    {"POST", "/ack/", "by=jane", 400, "a name and a reason are needed"},
    {"POST", "/ack/", "by=jane&reason=" X4096 X4096 X4096, 400, "the reason is too long"},
    {"POST", "/ack/", "by=%", 400, "the form came broken"},
    {"POST", "/ack/", "by=jane&reason=%3Cb%3E", 200, "<h1>Acknowledged</h1>"},
};

struct seen {
    enum gr_err err; /* of the page's text */
    int status;
    char *text; /* free() */
};

/* As server.c and desk.c do it. An id that is empty is the link's. */
static enum gr_err
visit(const struct view *v, struct seen *out)
{
    struct request q = {.app = &bench.app,
                        .out = GR_BUF_INIT(REQUEST_OUT_BYTES_MAX),
                        .body = GR_BUF_INIT(REQUEST_FORM_BYTES_MAX)};
    struct gr_buf path = GR_BUF_INIT(256);
    char allow[ROUTE_ALLOW_BYTES];
    enum gr_err err = GR_ENOMEM;

    gr_buf_printf(&path, "%s%s", v->path, strcmp(v->path, "/ack/") == 0 ? token : "");
    gr_buf_puts(&q.body, v->form);
    if (gr_buf_err(&path) == GR_OK && gr_buf_err(&q.body) == GR_OK &&
        (q.arena = gr_arena_create(1u << 24)) != NULL) {
        ck_assert_int_eq(route_find(v->method, gr_buf_cstr(&path), q.id, sizeof q.id, &q.route, allow),
                         GR_OK);
        memcpy(q.host, HOST, sizeof HOST);
        q.route->handle(&q);
        err = GR_OK;
        out->err = gr_buf_err(&q.out);
        out->status = q.status;
        out->text = strndup(q.out.p ? q.out.p : "", q.out.n); /* no allocation that may fail */
    }
    gr_arena_free(q.arena);
    gr_buf_fini(&path);
    gr_buf_fini(&q.body);
    gr_buf_fini(&q.out);
    return err;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The same but for numbers: times go on between two views. */
static bool
same_page(const char *a, const char *b)
{
    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            a += strspn(a, "0123456789");
            b += strspn(b, "0123456789");
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return *a == *b;
}

START_TEST(drawn)
{
    struct seen s = {.status = 0};

    ck_assert_int_eq(visit(&views[_i], &s), GR_OK);
    ck_assert_int_eq(s.err, GR_OK);
    ck_assert_msg(s.status == views[_i].status, "%s %s: %d", views[_i].method, views[_i].path, s.status);
    ck_assert_msg(strstr(s.text, views[_i].holds) != NULL, "%s", views[_i].path);
    ck_assert(gr_str_starts(gr_str(s.text), GR_STR("<!DOCTYPE html>\n")) &&
              gr_str_ends(gr_str(s.text), GR_STR("</html>\n")));
    free(s.text);
}
END_TEST

static enum gr_err
run_untake(struct db *db, void *arg)
{
    enum gr_err err = db_run(db, db_use(db, "UPDATE effect SET acked_ms = NULL, acked_by = NULL"));

    (void)arg;
    return err == GR_OK ? db_run(db, db_use(db, "DELETE FROM link")) : err;
}

/* Each allocation fails, once or from then on: the whole page, or one that says what is wrong, or a text that the server does not send.
 * Nothing is left over, and a page is taken if and only if somebody was told so or could not be told anything. */
START_TEST(no_memory)
{
    const struct view *v = &views[_i / 2];
    bool takes = v->status == 200 && strcmp(v->method, "POST") == 0;
    struct seen whole = {.status = 0};
    unsigned n = 0;

    ck_assert_int_eq(visit(v, &whole), GR_OK);
    for (bool failed = true; failed;) {
        struct seen s = {.status = 0};
        enum gr_err err;
        int64_t taken;

        bench_call(&bench, run_untake, NULL, GR_OK);
        fault_arm(FAULT_REALLOC, ++n, _i % 2 != 0, ENOMEM);
        err = visit(v, &s);
        failed = fault_hit();
        fault_off();
        ck_assert_msg(fault_live() == 0, "%s: allocation %u: %ld blocks left", v->path, n, fault_live());
        taken = bench_number(&bench, "SELECT count(*) FROM effect WHERE acked_by = 'jane'");
        if (err == GR_OK && s.err == GR_OK) {
            ck_assert_msg(s.status == v->status || s.status == 503, "%s: allocation %u: %d", v->path, n,
                          s.status);
            ck_assert_msg(s.status == 503 || same_page(s.text, whole.text) ||
                              strstr(s.text, "There is no memory to draw them") != NULL,
                          "%s: allocation %u: another page", v->path, n);
            ck_assert_int_eq(taken > 0, takes && s.status == 200);
        }
        ck_assert(takes || taken == 0);
        ck_assert(failed || (err == GR_OK && s.err == GR_OK && s.status == v->status));
        free(s.text);
    }
    ck_assert_uint_gt(n, 3);
    free(whole.text);
}
END_TEST

Suite *
page_suite(void)
{
    Suite *s = suite_create("page");
    TCase *tc = tcase_create("page");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, drawn, 0, GR_COUNT(views));
    tcase_add_loop_test(tc, no_memory, 0, 2 * GR_COUNT(views));
    suite_add_tcase(s, tc);
    return s;
}
