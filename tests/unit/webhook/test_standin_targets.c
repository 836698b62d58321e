/* The stand-ins of Jira, Opsgenie/JSM and a receiver of one's own refuse what the real ones refuse. */
#include "config.h"
#include "test_webhook.h"
#include "tests/standins/standin_check.h"

#include "guardrail/json.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X100 X50 X50
#define X250 X100 X100 X50
#define X500 X250 X250
#define CLOUD "Basic Ym90QGV4YW1wbGUub3JnOmNsb3VkLXRva2Vu"
#define DC "Bearer dc-token-0123456789"
#define V3 "/cloud/rest/api/3"
#define V2 "/dc/rest/api/2"
#define ADF(content) "{\"type\":\"doc\",\"version\":1,\"content\":[" content "]}"
#define PARA(text) "{\"type\":\"paragraph\",\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]}"
#define ISSUE(summary, description, labels)                                                                  \
    "{\"fields\":{\"project\":{\"key\":\"DEPLOY\"},\"issuetype\":{\"name\":\"Task\"},\"summary\":\"" summary \
    "\",\"description\":" description ",\"labels\":[" labels "]}}"
#define JQL(jql) "{\"jql\":\"" jql "\",\"fields\":[\"labels\",\"status\"]}"
#define OURS "project = \\\"DEPLOY\\\" AND labels in (\\\"gr-1\\\")"

static const struct row {
    const char *name, *method, *path, *authorization, *body;
    unsigned status;
    const char *says;
} jira_rows[] = {
    {"search, Cloud", "POST", V3 "/search/jql", CLOUD, JQL(OURS), 200, "\"key\":\"DEPLOY-1\""},
    {"search, Data Center", "POST", V2 "/search", DC, JQL(OURS " ORDER BY created DESC"), 200, "\"total\":1"},
    {"nothing found", "POST", V2 "/search", DC,
     JQL("project = \\\"DEPLOY\\\" AND labels in (\\\"gr-2\\\", \\\"gr-3\\\")"), 200, "\"total\":0"},
    {"the old search of Cloud", "POST", V3 "/search", CLOUD, JQL(OURS), 410, "search/jql"},
    {"the old search of Cloud, read", "GET", V3 "/search", CLOUD, "", 410, "search/jql"},
    {"no fields", "POST", V3 "/search/jql", CLOUD, "{\"jql\":\"" OURS "\"}", 400, "fields"},
    {"startAt is gone", "POST", V3 "/search/jql", CLOUD, "{\"jql\":\"" OURS "\",\"fields\":[],\"startAt\":0}",
     400, "Invalid request"},
    {"JQL without quotes", "POST", V2 "/search", DC, JQL("project = DEPLOY AND labels in (\\\"a\\\")"), 400,
     "JQL"},
    {"JQL that goes on", "POST", V2 "/search", DC, JQL(OURS " OR project = \\\"X\\\""), 400, "JQL"},
    {"an unknown project", "POST", V2 "/search", DC, JQL("project = \\\"X\\\" AND labels in (\\\"a\\\")"),
     400, "project"},
    {"without a token", "POST", V3 "/search/jql", NULL, JQL(OURS), 401, "authenticated"},
    {"Cloud with a bearer", "POST", V3 "/search/jql", DC, JQL(OURS), 401, "authenticated"},
    {"Data Center with basic", "POST", V2 "/search", CLOUD, JQL(OURS), 401, "authenticated"},
    {"v2's path at Cloud's place", "POST", "/cloud/rest/api/2/search", CLOUD, JQL(OURS), 404, "neither"},
    {"create, Cloud", "POST", V3 "/issue", CLOUD, ISSUE("s", ADF(PARA("d")), "\"gr-2\""), 201, "DEPLOY-2"},
    {"create, Data Center", "POST", V2 "/issue", DC, ISSUE("s", "\"d\"", "\"gr-2\""), 201, "DEPLOY-2"},
    {"text at Cloud", "POST", V3 "/issue", CLOUD, ISSUE("s", "\"d\"", ""), 400, "Atlassian Document"},
    {"a document at Data Center", "POST", V2 "/issue", DC, ISSUE("s", ADF(PARA("d")), ""), 400, "string"},
    {"an empty text node", "POST", V3 "/issue", CLOUD, ISSUE("s", ADF(PARA("")), ""), 400, "Document"},
    {"a node out of place", "POST", V3 "/issue", CLOUD,
     ISSUE("s", ADF("{\"type\":\"text\",\"text\":\"a\"}"), ""), 400, "Document"},
    {"an unknown node", "POST", V3 "/issue", CLOUD,
     ISSUE("s", ADF("{\"type\":\"iframe\",\"content\":[]}"), ""), 400, "Document"},
    {"code", "POST", V3 "/issue", CLOUD,
     ISSUE("s", ADF("{\"type\":\"codeBlock\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"), ""), 201,
     "DEPLOY-2"},
    {"bold code", "POST", V3 "/issue", CLOUD,
     ISSUE("s",
           ADF("{\"type\":\"codeBlock\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"marks\":[{"
               "\"type\":\"strong\"}]}]}"),
           ""),
     400, "Document"},
    {"a document of another version", "POST", V3 "/issue", CLOUD,
     ISSUE("s", "{\"type\":\"doc\",\"version\":2,\"content\":[" PARA("a") "]}", ""), 400, "Document"},
    {"a script link", "POST", V3 "/issue", CLOUD,
     ISSUE("s",
           ADF("{\"type\":\"paragraph\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"marks\":[{\"type\":"
               "\"link\",\"attrs\":{\"href\":\"javascript:a\"}}]}]}"),
           ""),
     400, "Document"},
    {"no summary", "POST", V2 "/issue", DC, ISSUE("", "\"d\"", ""), 400, "summary"},
    {"summary at the limit", "POST", V2 "/issue", DC, ISSUE(X250 "xxxxx", "\"d\"", ""), 201, "DEPLOY-2"},
    {"summary past it", "POST", V2 "/issue", DC, ISSUE(X250 "xxxxxx", "\"d\"", ""), 400, "255"},
    {"summary of two lines", "POST", V2 "/issue", DC, ISSUE("a\\nb", "\"d\"", ""), 400, "newline"},
    {"a label with a blank", "POST", V2 "/issue", DC, ISSUE("s", "\"d\"", "\"a b\""), 400, "label"},
    {"a label past the limit", "POST", V2 "/issue", DC, ISSUE("s", "\"d\"", "\"" X250 "xxxxxx\""), 400,
     "label"},
    {"another project", "POST", V2 "/issue", DC,
     "{\"fields\":{\"project\":{\"key\":\"X\"},\"issuetype\":{\"name\":\"Task\"},\"summary\":\"s\"}}", 400,
     "project"},
    {"an unknown type", "POST", V2 "/issue", DC,
     "{\"fields\":{\"project\":{\"key\":\"DEPLOY\"},\"issuetype\":{\"name\":\"Page\"},\"summary\":\"s\"}}",
     400, "issue type"},
    {"an unknown field", "POST", V2 "/issue", DC, "{\"fields\":{\"severity\":1}}", 400, "Field"},
    {"a comment, Cloud", "POST", V3 "/issue/DEPLOY-1/comment", CLOUD, "{\"body\":" ADF(PARA("a")) "}", 201,
     "id"},
    {"a comment, Data Center", "POST", V2 "/issue/DEPLOY-1/comment", DC, "{\"body\":\"a\"}", 201, "id"},
    {"a comment of nothing", "POST", V2 "/issue/DEPLOY-1/comment", DC, "{\"body\":\"\"}", 400, "Comment"},
    {"a comment on nothing", "POST", V2 "/issue/DEPLOY-9/comment", DC, "{\"body\":\"a\"}", 404, "not exist"},
    {"comments", "GET", V2 "/issue/DEPLOY-1/comment", DC, "", 200, "\"comments\":[]"},
    {"transitions", "GET", V2 "/issue/DEPLOY-1/transitions", DC, "", 200, "\"name\":\"Start\""},
    {"a transition", "POST", V2 "/issue/DEPLOY-1/transitions", DC, "{\"transition\":{\"id\":\"31\"}}", 204,
     ""},
    {"a transition from elsewhere", "POST", V2 "/issue/DEPLOY-1/transitions", DC,
     "{\"transition\":{\"id\":\"41\"}}", 400, "workflow"},
    {"a transition by name", "POST", V2 "/issue/DEPLOY-1/transitions", DC,
     "{\"transition\":{\"name\":\"Done\"}}", 400, "workflow"},
};

static struct standin_request
request_of(const struct row *r)
{
    return (struct standin_request){.method = r->method,
                                    .path = r->path,
                                    .authorization = r->authorization,
                                    .content_type = "application/json",
                                    .body = gr_str(r->body)};
}

static void
check_answer(const struct row *r, struct standin_answer *a)
{
    ck_assert_msg(a->status == r->status && strstr(gr_buf_cstr(&a->body), r->says), "%s: %u %s", r->name,
                  a->status, gr_buf_cstr(&a->body));
    ck_assert((a->why[0] == '\0') == (a->status < 300));
    standin_answer_fini(a);
}

START_TEST(jira)
{
    static const struct row first = {"", "POST", V2 "/issue", DC, ISSUE("s", "\"d\"", "\"gr-1\""), 201, ""};
    struct standin_request r = request_of(&first);
    struct standin_jira j;
    struct standin_answer a;

    ck_assert(standin_jira_init(&j));
    standin_jira(&j, &r, &a);
    check_answer(&first, &a);
    r = request_of(&jira_rows[_i]);
    standin_jira(&j, &r, &a);
    check_answer(&jira_rows[_i], &a);
    standin_jira_fini(&j);
}
END_TEST

/* An issue is found after `lag` searches, not before. */
START_TEST(jira_index_lags)
{
    static const struct row create = {"", "POST", V2 "/issue", DC, ISSUE("s", "\"d\"", "\"gr-1\""), 201, ""};
    static const struct row none = {"before", "POST", V2 "/search", DC, JQL(OURS), 200, "\"total\":0"};
    static const struct row one = {"after", "POST", V2 "/search", DC, JQL(OURS), 200, "\"total\":1"};
    const struct row *const rows[] = {&create, &none, &none, &one};
    struct standin_jira j;
    struct standin_answer a;

    ck_assert(standin_jira_init(&j));
    j.lag = 2;
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        struct standin_request r = request_of(rows[i]);

        standin_jira(&j, &r, &a);
        check_answer(rows[i], &a);
    }
    standin_jira_fini(&j);
}
END_TEST

#define GENIE "GenieKey 00000000-0000-4000-8000-000000000000"
#define ALERT(message, rest) "{\"message\":\"" message "\"" rest "}"

static const struct row alert_rows[] = {
    {"an alert", "POST", "/v2/alerts", GENIE, ALERT("m", ",\"alias\":\"a/2\",\"priority\":\"P1\""), 202,
     "requestId"},
    {"another path", "POST", "/v1/alerts", GENIE, ALERT("m", ""), 404, "nothing"},
    {"no key", "POST", "/v2/alerts", NULL, ALERT("m", ""), 401, "authenticate"},
    {"a bearer", "POST", "/v2/alerts", "Bearer x", ALERT("m", ""), 401, "authenticate"},
    {"another key", "POST", "/v2/alerts", "GenieKey x", ALERT("m", ""), 403, "authorized"},
    {"no JSON", "POST", "/v2/alerts", GENIE, "x", 422, "processable"},
    {"an unknown member", "POST", "/v2/alerts", GENIE, ALERT("m", ",\"x\":1"), 422, "processable"},
    {"no message", "POST", "/v2/alerts", GENIE, ALERT("", ""), 422, "empty"},
    {"message at the limit", "POST", "/v2/alerts", GENIE, ALERT(X100 X10 X10 X10, ""), 202, "requestId"},
    {"message past it", "POST", "/v2/alerts", GENIE, ALERT(X100 X10 X10 X10 "x", ""), 422, "130"},
    {"alias at the limit", "POST", "/v2/alerts", GENIE, ALERT("m", ",\"alias\":\"" X500 X10 "xx\""), 202,
     "requestId"},
    {"alias past it", "POST", "/v2/alerts", GENIE, ALERT("m", ",\"alias\":\"" X500 X10 "xxx\""), 422,
     "longer"},
    {"a priority of its own", "POST", "/v2/alerts", GENIE, ALERT("m", ",\"priority\":\"P0\""), 422, "P1"},
    {"a tag past the limit", "POST", "/v2/alerts", GENIE, ALERT("m", ",\"tags\":[\"" X50 "x\"]"), 422,
     "long"},
    {"details that are no texts", "POST", "/v2/alerts", GENIE, ALERT("m", ",\"details\":{\"a\":1}"), 422,
     "texts"},
    {"a responder without a type", "POST", "/v2/alerts", GENIE,
     ALERT("m", ",\"responders\":[{\"name\":\"a\"}]"), 422, "responder"},
    {"a team", "POST", "/v2/alerts", GENIE,
     ALERT("m", ",\"responders\":[{\"type\":\"team\",\"name\":\"a\"}]"), 202, "requestId"},
    {"a question too early", "GET", "/v2/alerts/requests/0", GENIE, "", 404, "not be processed"},
    {"what came of it", "GET", "/v2/alerts/requests/11111111-0000-4000-8000-000000000000", GENIE, "", 200,
     "\"isSuccess\":true"},
    {"close without saying how it is named", "POST", "/v2/alerts/a/1/close", GENIE, "{}", 422,
     "identifierType"},
};

START_TEST(alerts)
{
    static const struct row first = {"",  "POST", "/v2/alerts", GENIE, ALERT("m", ",\"alias\":\"a/1\""),
                                     202, ""};
    struct standin_request r = request_of(&first);
    struct standin_alerts s;
    struct standin_answer a;

    ck_assert(standin_alerts_init(&s));
    standin_alerts(&s, &r, &a);
    check_answer(&first, &a);
    r = request_of(&alert_rows[_i]);
    standin_alerts(&s, &r, &a);
    check_answer(&alert_rows[_i], &a);
    standin_alerts_fini(&s);
}
END_TEST

/* One alert as long as it is open, another one after. */
START_TEST(an_alias_is_one_alert)
{
    static const struct row create = {"",  "POST", "/v2/alerts", GENIE, ALERT("m", ",\"alias\":\"a/1\""),
                                      202, ""};
    static const struct row close = {"", "POST", "/v2/alerts/a/1/close", GENIE, "{}", 202, ""};
    const struct row *const rows[] = {&create, &create, &close, &create};
    static const int counts[] = {1, 1, 1, 2};
    struct standin_alerts s;
    struct standin_answer a;

    ck_assert(standin_alerts_init(&s));
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        struct standin_request r = request_of(rows[i]);

        r.identifier = "alias";
        standin_alerts(&s, &r, &a);
        check_answer(rows[i], &a);
        ck_assert_int_eq(cJSON_GetArraySize(s.alerts), counts[i]);
    }
    standin_alerts_fini(&s);
}
END_TEST

static const struct hook_row {
    const char *name, *method, *path, *authorization, *type, *key, *body;
    unsigned status;
} hook_rows[] = {
    {"a message", "POST", "", NULL, "application/json", "k", "{\"title\":\"t\",\"kind\":\"breach\"}", 200},
    {"with a token", "POST", "/token", "Bearer hook-token-0123456789", "application/json", "k",
     "{\"title\":\"t\",\"kind\":\"breach\"}", 200},
    {"without the token", "POST", "/token", NULL, "application/json", "k",
     "{\"title\":\"t\",\"kind\":\"breach\"}", 401},
    {"with a token too many", "POST", "", "Bearer x", "application/json", "k",
     "{\"title\":\"t\",\"kind\":\"breach\"}", 400},
    {"no type", "POST", "", NULL, NULL, "k", "{\"title\":\"t\",\"kind\":\"breach\"}", 415},
    {"no key", "POST", "", NULL, "application/json", NULL, "{\"title\":\"t\",\"kind\":\"breach\"}", 400},
    {"no JSON", "POST", "", NULL, "application/json", "k", "x", 400},
    {"no title", "POST", "", NULL, "application/json", "k", "{\"kind\":\"breach\"}", 422},
    {"read", "GET", "", NULL, NULL, NULL, "", 405},
};

START_TEST(hook)
{
    const struct hook_row *row = &hook_rows[_i];
    struct standin_request r = {.method = row->method,
                                .path = row->path,
                                .authorization = row->authorization,
                                .content_type = row->type,
                                .idempotency = row->key,
                                .body = gr_str(row->body)};
    struct standin_hook h;
    struct standin_answer a;

    ck_assert(standin_hook_init(&h));
    for (int again = 0; again < 2; again++) {
        standin_hook(&h, &r, &a);
        ck_assert_msg(a.status == row->status, "%s: %u %s", row->name, a.status, a.why);
        ck_assert((a.message != NULL) ==
                  (a.status == 200 && again == 0)); /* a key that it knows is kept once */
        standin_answer_fini(&a);
    }
    standin_hook_fini(&h);
}
END_TEST

Suite *
standin_targets_suite(void)
{
    Suite *s = suite_create("standin_targets");
    TCase *tc = tcase_create("standin_targets");

    tcase_add_loop_test(tc, jira, 0, GR_COUNT(jira_rows));
    tcase_add_test(tc, jira_index_lags);
    tcase_add_loop_test(tc, alerts, 0, GR_COUNT(alert_rows));
    tcase_add_test(tc, an_alias_is_one_alert);
    tcase_add_loop_test(tc, hook, 0, GR_COUNT(hook_rows));
    suite_add_tcase(s, tc);
    return s;
}
