/* sender_jira.c, sender_alerts.c and sender_http.c by their rows, against the stand-in, which refuses what the real ones refuse. */
#include "config.h"
#include "fixture.h"
#include "standin_process.h"
#include "test_webhook.h"
#include "webhook/sender.h"

#include "guardrail/json.h"

#define CLOUD_TOKEN "bot@example.org:cloud-token"
#define DC_TOKEN "dc-token-0123456789"
#define DC_BEARER "Bearer " DC_TOKEN
#define GENIE "00000000-0000-4000-8000-000000000000"
#define SETTLE_MS 30

static struct gr_arena *arena;
static struct gr_http_client *http;
static char dir[64];
static struct sender_env env;
static struct standin_process standin;
static atomic_bool stop;
static struct policy_action jira[2], jsm, hook; /* Data Center, Cloud */
static const struct gr_str loopback[] = {GR_STR_INIT("127.0.0.1")};

static struct gr_str
below(const char *path)
{
    return gr_arena_printf(arena, "%s%s", standin.url, path);
}

static void
setup(void)
{
    struct gr_http_options options = {.allow_http = true};

    arena = gr_arena_create(8 << 20);
    fixture_dir(dir, sizeof dir);
    atomic_store(&stop, false);
    ck_assert_int_eq(gr_http_global_init(), GR_OK);
    ck_assert_int_eq(gr_http_client_create(&options, &http), GR_OK);
    env = (struct sender_env){.http = http,
                              .secrets_dir = dir,
                              .allow_http = true,
                              .private_hosts = loopback,
                              .private_host_count = 1,
                              .stop = &stop,
                              .settle_ms = SETTLE_MS};
    standin_start(&standin);
    fixture_file(dir, "dc", DC_TOKEN "\n", 0600);
    fixture_file(dir, "cloud", CLOUD_TOKEN "\n", 0600);
    fixture_file(dir, "genie", GENIE "\n", 0600);
    fixture_file(dir, "hook", "hook-token-0123456789\n", 0600);
    jira[0] = (struct policy_action){.name = GR_STR("ticket"),
                                     .kind = ACTION_JIRA,
                                     .project = GR_STR("DEPLOY"),
                                     .issue_type = GR_STR("Bug"),
                                     .base_url = below("/jira/dc/"),
                                     .token_file = GR_STR("dc")};
    jira[1] = jira[0];
    jira[1].base_url = below("/jira/cloud");
    jira[1].token_file = GR_STR("cloud");
    jsm = (struct policy_action){.name = GR_STR("ops"),
                                 .kind = ACTION_JSM,
                                 .team = GR_STR("trading-ops"),
                                 .base_url = below("/jsm"),
                                 .token_file = GR_STR("genie")};
    hook = (struct policy_action){.name = GR_STR("hook"), .kind = ACTION_HTTP, .base_url = below("/http")};
}

static void
teardown(void)
{
    standin_stop(&standin);
    gr_http_client_free(http);
    gr_http_global_fini();
    fixture_remove(dir);
    gr_arena_free(arena);
}

/* The n-th episode of a breach. */
static struct message
breach(int n)
{
    struct message m = fixture_message(arena);

    m.reference = gr_arena_printf(arena, "G-%d", n);
    m.dedup_key = gr_arena_printf(arena, "demo/tp-1/error_rate/hard/ticket/%d", n);
    m.incident = GR_STR("demo/tp-1/error_rate/hard/ticket");
    m.attempt = 1;
    return m;
}

static struct sender_result
sent(const struct policy_action *a, const struct message *m)
{
    struct sender_result result;

    sender_send(&env, a, m, gr_http_now_ms() + 10000, &result);
    return result;
}

static void
expect(const struct policy_action *a, const struct message *m, enum sender_answer answer, const char *text)
{
    struct sender_result result = sent(a, m);

    ck_assert_msg(result.answer == answer && gr_str_starts(gr_str(result.text), gr_str(text)),
                  "%s, \"%s\"; wanted %s, \"%s\"", sender_answer_name(result.answer), result.text,
                  sender_answer_name(answer), text);
}

static cJSON *
list(const char *name, int count)
{
    cJSON *json = standin_received(&standin, http);
    cJSON *items = cJSON_DetachItemFromObjectCaseSensitive(json, name);

    cJSON_Delete(json);
    ck_assert_msg(cJSON_GetArraySize(items) == count, "%d %s", cJSON_GetArraySize(items), name);
    return items;
}

/* That many issues, the first with so many comments, and in this status. */
static void
issues_are(int count, int comments, const char *status)
{
    cJSON *issues = list("issues", count);
    const cJSON *first = cJSON_GetArrayItem(issues, 0);

    ck_assert_int_eq(cJSON_GetArraySize(gr_json_get(first, "comments")), comments);
    ck_assert(gr_str_is(gr_json_str(first, "status"), status));
    cJSON_Delete(issues);
}

/* -- Jira ---------------------------------------------------------------------------------------------------------------- */

START_TEST(jira_creates_once)
{
    struct message m = breach(1);

    expect(&jira[_i], &m, SENDER_DONE, "created DEPLOY-1");
    issues_are(1, 0, "To Do");
    m.attempt = 2;
    expect(&jira[_i], &m, SENDER_DONE, "created DEPLOY-1 before");
    issues_are(1, 0, "To Do");
}
END_TEST

START_TEST(jira_says_everything)
{
    static const char *const wanted[] = {
        "Hard breach: error_rate (tp-1) - error rate is 2.1 times control's",
        "canary 2.1 % & control 1 %",
        "+40% over control",
        "rolls the release back",
        "hard breach of error",
        "2024-05-16T21:15:00Z",
        "G-1",
        "14:2c26b46b68ffc68f",
        "https://runbooks.example.org/error_rate?a=1&b=2",
    };
    struct message m = breach(1);
    struct gr_buf text = GR_BUF_INIT(65536);
    cJSON *messages;

    expect(&jira[_i], &m, SENDER_DONE, "created");
    messages = list("messages", 1);
    gr_json_print_canonical(&text, messages);
    for (size_t i = 0; i < GR_COUNT(wanted); i++) {
        struct gr_buf quoted = GR_BUF_INIT(4096);
        const char *shown = wanted[i];

        if (_i == 0 && wanted[i][0] == '+')
            shown = "\\\\+40% over control"; /* escaped in wiki text */
        gr_buf_puts(&quoted, shown);
        ck_assert_msg(strstr(gr_buf_cstr(&text), gr_buf_cstr(&quoted)), "no %s in\n%s", shown,
                      gr_buf_cstr(&text));
        gr_buf_fini(&quoted);
    }
    gr_buf_fini(&text);
    cJSON_Delete(messages);
}
END_TEST

START_TEST(jira_comments_on_what_comes_again)
{
    struct message first = breach(1), second = breach(2);

    expect(&jira[_i], &first, SENDER_DONE, "created DEPLOY-1");
    expect(&jira[_i], &second, SENDER_DONE, "commented on DEPLOY-1");
    issues_are(1, 1, "To Do");
    second.attempt = 2;
    expect(&jira[_i], &second, SENDER_DONE, "commented on DEPLOY-1 before");
    issues_are(1, 1, "To Do");
}
END_TEST

/* The answer is lost, and the index lags: the second search of the next attempt finds it. */
START_TEST(jira_searches_twice)
{
    struct message m = breach(1);
    struct sender_result result;
    int64_t begun;

    standin_tell(&standin, http, "{\"target\":\"jira\",\"lag\":1}");
    standin_tell(&standin, http, "{\"target\":\"jira\",\"lose\":true,\"path\":\"/issue\",\"count\":1}");
    result = sent(&jira[_i], &m);
    ck_assert_int_eq(result.answer, SENDER_LATER);
    ck_assert(result.maybe_sent);
    issues_are(1, 0, "To Do");
    m.attempt = 2;
    begun = gr_http_now_ms();
    expect(&jira[_i], &m, SENDER_DONE, "created DEPLOY-1 before");
    ck_assert_int_ge(gr_http_now_ms() - begun, SETTLE_MS);
    issues_are(1, 0, "To Do");
}
END_TEST

/* The same without the care of a second attempt: the stand-in does make a second issue, so the test above can fail. */
START_TEST(jira_would_create_twice)
{
    struct message m = breach(1);

    standin_tell(&standin, http, "{\"target\":\"jira\",\"lag\":1}");
    standin_tell(&standin, http, "{\"target\":\"jira\",\"lose\":true,\"path\":\"/issue\",\"count\":1}");
    ck_assert_int_eq(sent(&jira[_i], &m).answer, SENDER_LATER);
    expect(&jira[_i], &m, SENDER_DONE, "created DEPLOY-2");
}
END_TEST

START_TEST(jira_stops_waiting)
{
    struct message m = breach(1);
    struct sender_result result;

    m.attempt = 2;
    env.settle_ms = 60000;
    atomic_store(&stop, true);
    result = sent(&jira[_i], &m);
    ck_assert_int_eq(result.answer, SENDER_LATER);
    ck_assert_str_eq(result.text, "stopped before it was known whether it had arrived");
}
END_TEST

static const struct reopen_row {
    const char *transition;
    int issues, comments;
    const char *status;
} reopen_rows[] = {
    {"", 2, 0, "Done"}, {"Reopen", 1, 1, "To Do"}, {"Start", 2, 0, "Done"}, /* not from there */
};

START_TEST(jira_reopens)
{
    const struct reopen_row *r = &reopen_rows[_i];
    struct message first = breach(1), second = breach(2);

    expect(&jira[0], &first, SENDER_DONE, "created");
    ck_assert_int_eq(standin_ask(&standin, http, "/jira/dc/rest/api/2/issue/DEPLOY-1/transitions", DC_BEARER,
                                 "{\"transition\":{\"id\":\"31\"}}"),
                     204);
    jira[0].reopen = gr_str(r->transition);
    expect(&jira[0], &second, SENDER_DONE, r->issues == 2 ? "created DEPLOY-2" : "commented on DEPLOY-1");
    issues_are(r->issues, r->comments, r->status);
}
END_TEST

/* -- what the answers mean, at each request of each target ---------------------------------------------------------------- */

static const struct status_row {
    unsigned status;
    int retry_after;
    enum sender_answer answer;
} status_rows[] = {
    {400, -1, SENDER_NEVER}, {401, -1, SENDER_NEVER}, {403, -1, SENDER_NEVER}, {404, -1, SENDER_NEVER},
    {422, -1, SENDER_NEVER}, {302, -1, SENDER_NEVER}, {408, -1, SENDER_LATER}, {429, 7, SENDER_LATER},
    {429, -1, SENDER_LATER}, {500, -1, SENDER_LATER}, {503, 2, SENDER_LATER},
};
static const struct place_row {
    const char *target, *path, *begin;
} place_rows[] = {
    {"jira", "/search", "search: status "},   {"jira", "/issue", "create: status "},
    {"jira", "/comment", "comment: status "}, {"jsm", "/alerts", "alert: status "},
    {"http", "/http", "post: status "},
};

START_TEST(answers)
{
    const struct status_row *r = &status_rows[_i];

    for (size_t i = 0; i < GR_COUNT(place_rows); i++) {
        const struct place_row *p = &place_rows[i];
        const struct policy_action *a = i < 3 ? &jira[0] : i == 3 ? &jsm : &hook;
        struct message m = breach(i == 2 ? 2 : 1); /* the second is a comment on what the first made */
        struct sender_result result;
        struct gr_str retry = GR_STR("");

        if (i == 1)
            m.dedup_key = m.incident = GR_STR("another"); /* nothing of it is there yet */
        if (r->retry_after >= 0)
            retry = gr_arena_printf(arena, ",\"retry_after\":%d", r->retry_after);
        standin_tell(
            &standin, http,
            gr_arena_printf(arena, "{\"target\":\"%s\",\"path\":\"%s\",\"status\":%u,\"count\":1" GR_FMT "}",
                            p->target, p->path, r->status, GR_ARG(retry))
                .p);
        result = sent(a, &m);
        ck_assert_msg(result.answer == r->answer && result.status == (long)r->status &&
                          gr_str_starts(gr_str(result.text), gr_str(p->begin)),
                      "%s%s %u: %s, %s", p->target, p->path, r->status, sender_answer_name(result.answer),
                      result.text);
        ck_assert_int_eq(result.retry_after_ms, r->retry_after >= 0 ? r->retry_after * 1000 : -1);
        ck_assert_int_eq(sent(a, &m).answer, SENDER_DONE); /* told once */
    }
}
END_TEST

/* A wrong token is refused for good, and stands in no text. */
START_TEST(wrong_tokens)
{
    struct policy_action *const actions[] = {&jira[0], &jira[1], &jsm};

    fixture_file(dir, "wrong", "wrong-token-abcdef\n", 0600);
    fixture_file(dir, "wrong-cloud", "who@example.org:wrong-token-abcdef\n", 0600);
    for (size_t i = 0; i < GR_COUNT(actions); i++) {
        struct message m = breach(1);
        struct sender_result result;

        actions[i]->token_file = i == 1 ? GR_STR("wrong-cloud") : GR_STR("wrong");
        result = sent(actions[i], &m);
        ck_assert_int_eq(result.answer, SENDER_NEVER);
        ck_assert(result.status == 401 || result.status == 403);
        ck_assert_ptr_null(strstr(result.text, "wrong-token"));
    }
}
END_TEST

static const struct gr_str hostile[] = {
    GR_STR_INIT("<!channel> {code} [~admin] !http://evil.example/x.png! {html}<script>{html}"),
    GR_STR_INIT("\",\"labels\":[\"x\"],\"x\":\""),
    GR_STR_INIT("\" OR project = \"OTHER"),
    GR_STR_INIT("line\r\nline\ttab\x1b[31m\x01\x7f"),
    GR_STR_INIT("\xff\xfe\xc3\x28 \xed\xa0\x80"),
    GR_STR_INIT("\xe2\x80\xae right to left \xf0\x9f\x98\x80"),
    GR_STR_INIT("\\u0000 \\n \\\" |a|b| * # h1. -- ^~_"),
};

/* Every text of the message is hostile, once as it stands and once 64 KiB of it: each target takes it all the same. */
START_TEST(hostile_texts)
{
    struct fixture_hostile h;

    fixture_hostile_make(&h, hostile[_i / 2], _i % 2 == 1);
    expect(&jira[0], &h.m, SENDER_DONE, "created");
    h.m.dedup_key = GR_STR("b");
    expect(&jira[1], &h.m, SENDER_DONE, "created");
    h.m.incident = GR_STR("b");
    h.m.dedup_key = gr_buf_str(&h.text);
    h.m.incident = GR_STR_NONE;
    expect(&jira[1], &h.m, SENDER_DONE, "created DEPLOY-1 before"); /* its mark does not depend on the Jira */
    expect(&jsm, &h.m, SENDER_DONE, "there");
    expect(&hook, &h.m, SENDER_DONE, "post: status 200");
    fixture_hostile_fini(&h);
}
END_TEST

START_TEST(an_empty_message)
{
    struct message m = {.kind = MESSAGE_BLIND, .dedup_key = GR_STR("k")};

    expect(&jira[0], &m, SENDER_DONE, "created");
    expect(&jsm, &m, SENDER_DONE, "there");
    expect(&hook, &m, SENDER_DONE, "post: status 200");
    m.dedup_key = GR_STR_NONE;
    expect(&jira[0], &m, SENDER_NEVER, "a message without a key");
}
END_TEST

/* -- Opsgenie and JSM ----------------------------------------------------------------------------------------------------- */

START_TEST(jsm_alerts_once)
{
    struct message m = breach(1);
    cJSON *alerts, *messages;
    const cJSON *body;

    standin_tell(&standin, http, "{\"target\":\"jsm\",\"lose\":true,\"count\":1}");
    ck_assert(sent(&jsm, &m).maybe_sent);
    expect(&jsm, &m, SENDER_DONE, "there");
    alerts = list("alerts", 1);
    ck_assert(gr_str_eq(gr_json_str(cJSON_GetArrayItem(alerts, 0), "alias"), m.dedup_key));
    cJSON_Delete(alerts);
    messages = list("messages", 2);
    body = gr_json_get(cJSON_GetArrayItem(messages, 0), "message");
    ck_assert(gr_str_is(gr_json_str(body, "priority"), "P1"));
    ck_assert(gr_str_is(gr_json_str(body, "message"), "Hard breach: error_rate (tp-1)"));
    ck_assert(gr_str_is(gr_json_str(cJSON_GetArrayItem(gr_json_get(body, "responders"), 0), "name"),
                        "trading-ops"));
    cJSON_Delete(messages);
}
END_TEST

START_TEST(jsm_priorities)
{
    static const struct {
        enum message_kind kind;
        enum policy_level level;
        bool ok;
        const char *priority;
    } rows[] = {{MESSAGE_BREACH, LEVEL_HARD, false, "P1"},    {MESSAGE_BREACH, LEVEL_SOFT, false, "P3"},
                {MESSAGE_BREACH, LEVEL_NO_DATA, false, "P3"}, {MESSAGE_HELD, LEVEL_SOFT, false, "P1"},
                {MESSAGE_OUTCOME, LEVEL_HARD, true, "P5"},    {MESSAGE_OUTCOME, LEVEL_HARD, false, "P1"},
                {MESSAGE_BLIND, LEVEL_HARD, false, "P1"},     {MESSAGE_TEST, LEVEL_HARD, false, "P5"}};
    cJSON *messages;

    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        struct message m = breach((int)i);

        m.kind = rows[i].kind;
        m.level = rows[i].level;
        m.ok = rows[i].ok;
        expect(&jsm, &m, SENDER_DONE, "there");
    }
    messages = list("messages", GR_COUNT(rows));
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        ck_assert(
            gr_str_is(gr_json_str(gr_json_get(cJSON_GetArrayItem(messages, (int)i), "message"), "priority"),
                      rows[i].priority));
    cJSON_Delete(messages);
}
END_TEST

START_TEST(jsm_outcomes)
{
    struct message m = breach(1);

    standin_tell(&standin, http, "{\"target\":\"jsm\",\"lag\":2}");
    expect(&jsm, &m, SENDER_DONE, "there");
    standin_tell(&standin, http, "{\"target\":\"jsm\",\"lag\":100}");
    expect(&jsm, &m, SENDER_DONE, "accepted; what came of it is not known yet");
    standin_tell(&standin, http,
                 "{\"target\":\"jsm\",\"method\":\"GET\",\"body\":\"{\\\"data\\\":{\\\"isSuccess\\\":false}}"
                 "\",\"count\":1}");
    expect(&jsm, &m, SENDER_NEVER, "accepted, but nothing came of it");
    standin_tell(&standin, http, "{\"target\":\"jsm\",\"body\":\"<html>login</html>\",\"count\":1}");
    expect(&jsm, &m, SENDER_NEVER, "status 200, but the answer is not Opsgenie's");
}
END_TEST

static void
alert_is(const char *status)
{
    cJSON *alerts = list("alerts", 1);

    ck_assert(gr_str_is(gr_json_str(cJSON_GetArrayItem(alerts, 0), "status"), status));
    cJSON_Delete(alerts);
}

START_TEST(jsm_acknowledges_and_closes)
{
    struct message m = breach(1);
    struct gr_buf key = GR_BUF_INIT(2048);

    while (_i == 1 && key.n < 1000) /* longer than an alias may be */
        gr_buf_puts(&key, "k/%20");
    if (_i == 1)
        m.dedup_key = gr_buf_str(&key);
    expect(&jsm, &m, SENDER_DONE, "there");
    m.kind = MESSAGE_ACKED;
    m.by = GR_STR("jane");
    expect(&jsm, &m, SENDER_DONE, "there");
    alert_is("acked");
    m.kind = MESSAGE_CLOSED;
    expect(&jsm, &m, SENDER_DONE, "there");
    alert_is("closed");
    expect(&jsm, &m, SENDER_DONE, "no alert of it is open there"); /* somebody else was faster */
    gr_buf_fini(&key);
}
END_TEST

static const struct close_row {
    const char *transition, *end; /* end: the issue was put there before */
    enum sender_answer answer;
    const char *text, *status;
    int comments;
} close_rows[] = {
    {"Done", NULL, SENDER_DONE, "commented on DEPLOY-1", "Done", 1},
    {"Done", "31", SENDER_DONE, "DEPLOY-1 is done already", "Done", 0},
    {"Vanish", NULL, SENDER_NEVER, "DEPLOY-1 has no such transition now: Vanish", "To Do", 0},
};

START_TEST(jira_closes)
{
    const struct close_row *r = &close_rows[_i];
    struct message m = breach(1);

    jira[0].close = gr_str(r->transition);
    ck_assert(sender_follows(&jira[0], MESSAGE_CLOSED) && !sender_follows(&jira[0], MESSAGE_ACKED) &&
              !sender_follows(&jira[1], MESSAGE_CLOSED));
    expect(&jira[0], &m, SENDER_DONE, "created");
    if (r->end)
        ck_assert_int_eq(standin_ask(&standin, http, "/jira/dc/rest/api/2/issue/DEPLOY-1/transitions",
                                     DC_BEARER, "{\"transition\":{\"id\":\"31\"}}"),
                         204);
    m.kind = MESSAGE_CLOSED;
    m.key = GR_STR("the end of it");
    expect(&jira[0], &m, r->answer, r->text);
    issues_are(1, r->comments, r->status);
    m.dedup_key = m.incident = GR_STR("another");
    expect(&jira[0], &m, SENDER_DONE, "there is no issue of it");
}
END_TEST

/* -- HTTP ------------------------------------------------------------------------------------------------------------------ */

START_TEST(http_posts)
{
    struct message m = breach(1);
    cJSON *messages;
    const cJSON *body;

    standin_tell(&standin, http, "{\"target\":\"http\",\"lose\":true,\"count\":1}");
    ck_assert_int_eq(sent(&hook, &m).answer, SENDER_LATER);
    expect(&hook, &m, SENDER_DONE, "post: status 200");
    messages = list("messages", 1);
    body = gr_json_get(cJSON_GetArrayItem(messages, 0), "message");
    ck_assert(gr_str_is(gr_json_str(body, "kind"), "breach"));
    ck_assert(gr_str_is(gr_json_str(body, "level"), "hard"));
    ck_assert(gr_str_is(gr_json_str(body, "severity"), "critical"));
    ck_assert(gr_str_is(gr_json_str(gr_json_get(body, "where"), "venue"), "XNAS"));
    ck_assert(gr_str_is(gr_json_str(body, "at"), "2024-05-16T21:15:00Z"));
    ck_assert(gr_str_eq(gr_json_str(body, "key"), m.dedup_key));
    cJSON_Delete(messages);
    hook.base_url = below("/http/token");
    expect(&hook, &m, SENDER_NEVER, "post: status 401");
    hook.token_file = GR_STR("hook");
    expect(&hook, &m, SENDER_DONE, "post: status 200");
}
END_TEST

/* What texts from outside hold stays inside its string. */
START_TEST(http_templates)
{
    struct message m = breach(1);
    cJSON *messages;
    const cJSON *body;

    m.known = m.page = true;
    m.summary = GR_STR("\",\"evil\":\"{title} \\ \n<!channel>");
    hook.body =
        GR_STR("{\"title\":\"{level}: {title}\",\"kind\":\"x\",\"n\":[1.50,true,null,\"{summary}\"],"
               "\"deep\":{\"{ \":\"{where} {release} {at}\"},\"run\":\"{commands}\",\"none\":\"{by}\"}");
    expect(&hook, &m, SENDER_DONE, "post: status 200");
    messages = list("messages", 1);
    body = gr_json_get(cJSON_GetArrayItem(messages, 0), "message");
    ck_assert(gr_str_is(gr_json_str(body, "title"), "hard: Hard breach: error_rate (tp-1)"));
    ck_assert_ptr_null(gr_json_get(body, "evil"));
    ck_assert_str_eq(cJSON_GetArrayItem(gr_json_get(body, "n"), 3)->valuestring,
                     "\",\"evil\":\"{title} \\ \n<!channel>");
    ck_assert(cJSON_IsNull(cJSON_GetArrayItem(gr_json_get(body, "n"), 2)));
    ck_assert(gr_str_is(gr_json_str(gr_json_get(body, "deep"), "{ "),
                        "flow=making, venue=XNAS cluster=equities 2024-05-16T21:15:00Z"));
    ck_assert(gr_str_starts(gr_json_str(body, "run"), GR_STR("Acknowledge: guardrailctl ack --page G-1")));
    ck_assert(gr_json_get(body, "none") && gr_json_str(body, "none").n == 0);
    cJSON_Delete(messages);
}
END_TEST

/* A private address is spoken to only if the configuration names it; the others' senders have theirs from the specification alone. */
START_TEST(http_is_guarded)
{
    struct message m = breach(1);

    env.private_host_count = 0;
    expect(&hook, &m, SENDER_NEVER, "post: the address is private");
    expect(&jsm, &m, SENDER_DONE, "there");
    cJSON_Delete(list("messages", 1));
}
END_TEST

START_TEST(nobody_there)
{
    struct policy_action *const actions[] = {&jira[0], &jsm, &hook};

    for (size_t i = 0; i < GR_COUNT(actions); i++) {
        struct message m = breach(1);
        struct sender_result result;

        actions[i]->base_url = GR_STR("http://127.0.0.1:1");
        result = sent(actions[i], &m);
        ck_assert_int_eq(result.answer, SENDER_LATER);
        ck_assert(!result.maybe_sent && result.status == 0);
        ck_assert_ptr_null(strstr(result.text, "127.0.0.1"));
    }
}
END_TEST

Suite *
sender_targets_suite(void)
{
    Suite *s = suite_create("sender_targets");
    TCase *tc = tcase_create("sender_targets");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, jira_creates_once, 0, 2);
    tcase_add_loop_test(tc, jira_says_everything, 0, 2);
    tcase_add_loop_test(tc, jira_comments_on_what_comes_again, 0, 2);
    tcase_add_loop_test(tc, jira_searches_twice, 0, 2);
    tcase_add_loop_test(tc, jira_would_create_twice, 0, 2);
    tcase_add_loop_test(tc, jira_stops_waiting, 0, 2);
    tcase_add_loop_test(tc, jira_reopens, 0, GR_COUNT(reopen_rows));
    tcase_add_loop_test(tc, answers, 0, GR_COUNT(status_rows));
    tcase_add_test(tc, wrong_tokens);
    tcase_add_loop_test(tc, hostile_texts, 0, 2 * GR_COUNT(hostile));
    tcase_add_test(tc, an_empty_message);
    tcase_add_test(tc, jsm_alerts_once);
    tcase_add_test(tc, jsm_priorities);
    tcase_add_test(tc, jsm_outcomes);
    tcase_add_loop_test(tc, jsm_acknowledges_and_closes, 0, 2);
    tcase_add_loop_test(tc, jira_closes, 0, GR_COUNT(close_rows));
    tcase_add_test(tc, http_posts);
    tcase_add_test(tc, http_templates);
    tcase_add_test(tc, http_is_guarded);
    tcase_add_test(tc, nobody_there);
    suite_add_tcase(s, tc);
    return s;
}
