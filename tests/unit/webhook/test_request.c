#include "config.h"
#include "test_webhook.h"

#include <string.h>
#include "webhook/request.h"

static const struct {
    const char *method, *path;
    enum gr_err want;
    const char *id, *pattern, *allow;
} rows[] = {
    {"GET", "/metrics", GR_OK, "", "/metrics", ""},
    {"GET", "/v1/releases", GR_OK, "", "/v1/releases", ""},
    {"POST", "/v1/releases", GR_OK, "", "/v1/releases", ""},
    {"GET", "/v1/releases/d1", GR_OK, "d1", "/v1/releases/{id}", ""},
    {"GET", "/v1/releases/d1/gate", GR_OK, "d1", "/v1/releases/{id}/gate", ""},
    {"POST", "/v1/releases/a.b-c_d/hold", GR_OK, "a.b-c_d", "/v1/releases/{id}/hold", ""},
    {"GET", "/v1/releases/", GR_ENOENT, "", NULL, ""},
    {"GET", "/v1/releases//gate", GR_ENOENT, "", NULL, ""},
    {"GET", "/v1/releases/a/b", GR_ENOENT, "", NULL, ""},
    {"GET", "/metrics/", GR_ENOENT, "", NULL, ""},
    {"GET", "", GR_ENOENT, "", NULL, ""},
    {"get", "/metrics", GR_ESTATE, "", NULL, "GET"},
    {"DELETE", "/v1/releases", GR_ESTATE, "", NULL, "GET, POST"},
    {"GET", "/v1/releases/d1/hold", GR_ESTATE, "", NULL, "POST"},
};
START_TEST(found)
{
    const struct route *route = NULL;
    char id[16] = "?", allow[ROUTE_ALLOW_BYTES];
    enum gr_err got = route_find(rows[_i].method, rows[_i].path, id, sizeof id, &route, allow);

    ck_assert_msg(got == rows[_i].want, "%s %s: %s", rows[_i].method, rows[_i].path, gr_err_name(got));
    ck_assert_str_eq(id, rows[_i].id);
    ck_assert_str_eq(allow, rows[_i].allow);
    if (rows[_i].pattern)
        ck_assert_str_eq(route->path, rows[_i].pattern);
    else
        ck_assert_ptr_null(route);
}
END_TEST

START_TEST(an_id_has_a_longest)
{
    const struct route *route = NULL;
    char id[4], allow[ROUTE_ALLOW_BYTES];

    ck_assert_int_eq(route_find("GET", "/v1/releases/abc", id, sizeof id, &route, allow), GR_OK);
    ck_assert_int_eq(route_find("GET", "/v1/releases/abcd", id, sizeof id, &route, allow), GR_ENOENT);
}
END_TEST

/* What stands in the table must hang together: whoever changes something needs the admin role. */
START_TEST(the_table_is_sound)
{
    for (size_t i = 0; i < route_count; i++) {
        const struct route *r = &routes[i];
        bool post = strcmp(r->method, "POST") == 0;
        ck_assert_msg(post || strcmp(r->method, "GET") == 0, "%s", r->path);
        bool asks = strncmp(r->path, "/v1/hooks/", 10) == 0 || strcmp(r->path, "/v1/releases/{id}/gate") == 0;
        ck_assert_msg(!post || r->role == (asks ? ROLE_READ : ROLE_ADMIN) || r->role == ROLE_INGEST ||
                          r->work == WORK_FORM,
                      "%s", r->path);
        ck_assert_msg(r->work != WORK_FORM || post, "%s", r->path);
        ck_assert_msg(r->work != WORK_PAGE || (!post && (r->role == ROLE_READ || r->role == ROLE_NONE)), "%s",
                      r->path);
        ck_assert_msg((r->work == WORK_INTAKE) == (r->handle == NULL), "%s", r->path);
        for (size_t k = 0; k < i; k++)
            ck_assert_msg(strcmp(routes[k].path, r->path) != 0 || strcmp(routes[k].method, r->method) != 0,
                          "%s", r->path);
    }
}
END_TEST

static const struct {
    enum gr_err err;
    const char *text;
    int status;
} statuses[] = {
    {GR_EUSER, "x", 400},   {GR_ENOENT, NULL, 404}, {GR_ELIMIT, NULL, 413}, {GR_ESTATE, "sealed", 409},
    {GR_ESTATE, "", 503},   {GR_EBUSY, NULL, 503},  {GR_ENOSPC, NULL, 503}, {GR_EIO, NULL, 503},
    {GR_ENOMEM, NULL, 503}, {GR_EAGAIN, NULL, 503}, {GR_EEXIST, NULL, 503}, {GR_ENET, NULL, 503},
};
START_TEST(status_of_an_error)
{
    struct request q = {.out = GR_BUF_INIT(4096)};

    request_error_of(&q, statuses[_i].err, statuses[_i].text);
    ck_assert_int_eq(q.status, statuses[_i].status);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&q.out), "{\"error\":\""));
    gr_buf_fini(&q.out);
}
END_TEST

Suite *
request_suite(void)
{
    Suite *suite = suite_create("request");
    TCase *tc = tcase_create("request");

    tcase_add_loop_test(tc, found, 0, GR_COUNT(rows));
    tcase_add_test(tc, an_id_has_a_longest);
    tcase_add_test(tc, the_table_is_sound);
    tcase_add_loop_test(tc, status_of_an_error, 0, GR_COUNT(statuses));
    suite_add_tcase(suite, tc);
    return suite;
}
