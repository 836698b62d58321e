/* Also covers sender_text.c, sender_slack.c and sender_pagerduty.c, which are reached by their rows. What they encode is judged by the
 * stand-in's rules; sending goes to the stand-in itself, a process of its own. */
#include "config.h"
#include "../canned.h"
#include "fixture.h"
#include "standin_process.h"
#include "test_webhook.h"
#include "tests/standins/standin_check.h"
#include "webhook/sender.h"
#include "webhook/sender_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "guardrail/json.h"
#include "guardrail/quote.h"

#define KEY "0123456789abcdef0123456789abcdef"

static struct gr_arena *arena;
static struct policy *policy;
static struct gr_http_client *http;
static char dir[64];
static struct sender_env env;

static void
setup(void)
{
    struct gr_http_options options = {.allow_http = true};

    arena = gr_arena_create(8 << 20);
    policy = fixture_policy();
    fixture_dir(dir, sizeof dir);
    ck_assert_int_eq(gr_http_global_init(), GR_OK);
    ck_assert_int_eq(gr_http_client_create(&options, &http), GR_OK);
    env = (struct sender_env){.http = http, .secrets_dir = dir, .allow_http = true};
}

static void
teardown(void)
{
    gr_http_client_free(http);
    gr_http_global_fini();
    fixture_remove(dir);
    policy_free(policy);
    gr_arena_free(arena);
}

static const struct policy_action *
action(const char *name)
{
    return policy_action(policy, gr_str(name));
}

static struct message
breach(void)
{
    struct message m = fixture_message(arena);

    m.action = GR_STR("Rolling back: freeze, drain, redeploy, verify.");
    return m;
}

/* The encoded body, judged; the parsed message is the caller's. */
static cJSON *
encoded(const char *name, const struct message *m, const char *secret)
{
    const struct sender_target *t = sender_target(action(name)->kind);
    struct gr_buf b = GR_BUF_INIT(t->body_bytes_max);
    struct standin_answer a;
    cJSON *message;

    t->encode(&b, action(name), m, gr_str(secret));
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    if (t->kind == ACTION_SLACK)
        standin_slack(gr_buf_str(&b), &a);
    else
        standin_pagerduty(gr_buf_str(&b), &a);
    ck_assert_msg(a.message != NULL, "%u %s: %s\n%s", a.status, gr_buf_cstr(&a.body), a.why, gr_buf_cstr(&b));
    message = a.message;
    a.message = NULL;
    standin_answer_fini(&a);
    gr_buf_fini(&b);
    return message;
}

START_TEST(slack_says_everything)
{
    static const char *const wanted[] = {
        "Hard breach: error_rate (tp-1)",
        "error rate is 2.1 times control's",
        "canary 2.1 % &amp; control 1 %",
        "*Deployment*\\n`tp-1`",
        "*Release*\\n`cluster=equities`",
        "*Where*\\n`flow=making, venue=XNAS`",
        "*Limit*\\n`+40% over control`",
        "guardraild: Rolling back: freeze",
        "\\nWhy: hard breach",
        "Look: `guardrailctl status`",
        ("2024-05-16T21:15:00Z | ref: `17` | record: `reports/release_decisions/tp-1.yaml` | "
         "audit: `14:2c26b46b68ffc68f`"),
        "<https://runbooks.example.org/error_rate?a=1&amp;b=2|Runbook>",
        "<https://grafana.example.org/d/demo|Panel>",
        "\"link_names\":false",
        "\"unfurl_links\":false",
    };
    struct message m = breach();
    cJSON *json = encoded("notify", &m, "unused");
    struct gr_buf text = GR_BUF_INIT(65536);

    gr_json_print_canonical(&text, json);
    for (size_t i = 0; i < GR_COUNT(wanted); i++)
        ck_assert_msg(strstr(gr_buf_cstr(&text), wanted[i]), "no %s in\n%s", wanted[i], gr_buf_cstr(&text));
    gr_buf_fini(&text);
    cJSON_Delete(json);
}
END_TEST

START_TEST(pagerduty_says_everything)
{
    struct message m = breach();
    cJSON *json = encoded("page", &m, KEY);
    const cJSON *payload = gr_json_get(json, "payload"), *details = gr_json_get(payload, "custom_details");

    ck_assert(gr_str_is(gr_json_str(json, "routing_key"), KEY));
    ck_assert(gr_str_eq(gr_json_str(json, "dedup_key"), m.dedup_key));
    ck_assert(gr_str_is(gr_json_str(payload, "severity"), "critical"));
    ck_assert(gr_str_is(gr_json_str(payload, "summary"),
                        "Hard breach: error_rate (tp-1) - error rate is 2.1 times control's"));
    ck_assert(gr_str_is(gr_json_str(payload, "source"), "demo cluster=equities"));
    ck_assert(gr_str_is(gr_json_str(payload, "timestamp"), "2024-05-16T21:15:00Z"));
    ck_assert(gr_str_eq(gr_json_str(details, "guardraild"), m.action));
    ck_assert(gr_str_eq(gr_json_str(details, "audit"), m.audit_head));
    ck_assert(gr_str_is(gr_json_str(details, "where"), "flow=making, venue=XNAS"));
    ck_assert_int_eq(cJSON_GetArraySize(gr_json_get(json, "links")), 2);
    cJSON_Delete(json);
}
END_TEST

static const struct kind_row {
    enum message_kind kind;
    enum policy_level level;
    bool ok;
    const char *title, *severity;
} kind_rows[] = {
    {MESSAGE_BREACH, LEVEL_HARD, false, "Hard breach: error_rate (tp-1)", "critical"},
    {MESSAGE_BREACH, LEVEL_SOFT, false, "Soft breach: error_rate (tp-1)", "warning"},
    {MESSAGE_BREACH, LEVEL_NO_DATA, false, "No data: error_rate (tp-1)", "warning"},
    {MESSAGE_HELD, LEVEL_SOFT, false, "Needs a human: error_rate (tp-1)", "critical"},
    {MESSAGE_OUTCOME, LEVEL_HARD, true, "Rolled back: error_rate (tp-1)", "info"},
    {MESSAGE_OUTCOME, LEVEL_HARD, false, "Rollback incomplete: error_rate (tp-1)", "critical"},
    {MESSAGE_BLIND, LEVEL_HARD, false, "Guardrails are blind: error_rate (tp-1)", "critical"},
    {MESSAGE_TEST, LEVEL_HARD, false, "Drill: error_rate (tp-1)", "info"},
};

START_TEST(kinds)
{
    const struct kind_row *r = &kind_rows[_i];
    struct message m = breach();
    cJSON *json;

    m.kind = r->kind;
    m.level = r->level;
    m.ok = r->ok;
    json = encoded("page", &m, KEY);
    ck_assert(gr_str_is(gr_json_str(gr_json_get(json, "payload"), "severity"), r->severity));
    ck_assert(gr_str_starts(gr_json_str(gr_json_get(json, "payload"), "summary"), gr_str(r->title)));
    cJSON_Delete(json);
    json = encoded("notify", &m, "u");
    ck_assert(gr_str_starts(gr_json_str(json, "text"), gr_str(r->title)));
    cJSON_Delete(json);
}
END_TEST

START_TEST(pagerduty_follows)
{
    struct message m = breach();
    cJSON *json;

    m.kind = _i == 0 ? MESSAGE_ACKED : MESSAGE_CLOSED;
    json = encoded("page", &m, KEY);
    ck_assert(gr_str_is(gr_json_str(json, "event_action"), _i == 0 ? "acknowledge" : "resolve"));
    ck_assert(gr_str_eq(gr_json_str(json, "dedup_key"), m.dedup_key));
    ck_assert_int_eq(cJSON_GetArraySize(json), 3);
    cJSON_Delete(json);
}
END_TEST

/* Names that are more than names stand in no command. */
static const struct command_row {
    const char *name, *deployment;
    enum policy_level level;
    enum message_act act;
    int64_t confirm_by_ms;
    bool page, halted, known;
    const char *with, *without;
} command_rows[] = {
    {"rolls back", "tp-1", LEVEL_HARD, ACT_ROLLBACK, 0, true, false, true,
     "Acknowledge: `guardrailctl ack --page G-17 --reason WHY`\nStop the rollback: `guardrailctl release "
     "cancel tp-1",
     "confirm"},
    {"waits", "tp-1", LEVEL_HARD, ACT_ROLLBACK, 1715894400000, true, false, true,
     "Roll back now: `guardrailctl release confirm tp-1 --reason WHY`\nDo not roll back: `guardrailctl "
     "release deny",
     "cancel"},
    {"soft", "tp-1", LEVEL_SOFT, ACT_EXTEND, 0, false, false, true,
     "guardrailctl ack tp-1 --guardrail error_rate", "--page"},
    {"halted", "tp-1", LEVEL_HARD, ACT_HALT, 0, false, true, true, "guardrailctl release resume tp-1",
     "--page"},
    {"unknown", "tp-1", LEVEL_HARD, ACT_HOLD, 0, true, false, false, "Look: `guardrailctl status`",
     "tp-1 --"},
    {"hostile", "tp-1; rm -rf /", LEVEL_HARD, ACT_ROLLBACK, 0, true, false, true,
     "guardrailctl ack --page G-17", "cancel"},
};

START_TEST(commands)
{
    const struct command_row *r = &command_rows[_i];
    struct message m = breach();
    struct gr_buf text = GR_BUF_INIT(65536), quoted = GR_BUF_INIT(4096);
    struct gr_str wanted;
    cJSON *json;
    const char *shown;

    m.deployment_id = gr_str(r->deployment);
    m.reference = GR_STR("G-17");
    m.level = r->level;
    m.act = r->act;
    m.confirm_by_ms = r->confirm_by_ms;
    m.page = r->page;
    m.halted = r->halted;
    m.known = r->known;
    json = encoded("notify", &m, "u");
    gr_json_print_canonical(&text, json);
    shown = gr_buf_cstr(&text);
    gr_quote_json(&quoted, gr_str(r->with));
    wanted = gr_str_sub(gr_buf_str(&quoted), 1, quoted.n - 1);
    ck_assert_msg(gr_str_find(gr_buf_str(&text), wanted, 0) != SIZE_MAX, "%s: no %s in\n%s", r->name, r->with,
                  shown);
    gr_buf_fini(&quoted);
    ck_assert_msg(!strstr(shown, r->without), "%s: %s in\n%s", r->name, r->without, shown);
    gr_buf_fini(&text);
    cJSON_Delete(json);
}
END_TEST

START_TEST(an_empty_message)
{
    struct message m = {.kind = MESSAGE_BLIND, .spec = GR_STR("demo")};
    cJSON *json = encoded("page", &m, KEY);

    ck_assert(gr_str_is(gr_json_str(gr_json_get(json, "payload"), "summary"), "Guardrails are blind: demo"));
    cJSON_Delete(json);
    cJSON_Delete(encoded("notify", &m, "u"));
    m.spec = GR_STR_NONE;
    cJSON_Delete(encoded("page", &m, KEY));
    cJSON_Delete(encoded("notify", &m, "u"));
}
END_TEST

static const struct gr_str hostile[] = {
    GR_STR_INIT("<!channel> <@U123> <https://evil.example|click>"),
    GR_STR_INIT("\",\"link_names\":true,\"x\":\""),
    GR_STR_INIT("`code` ```x``` & &amp; &lt;"),
    GR_STR_INIT("line\r\nline\ttab\x1b[31m\x01\x7f"),
    GR_STR_INIT("\xff\xfe\xc3\x28 \xed\xa0\x80"),
    GR_STR_INIT("\xe2\x80\xae right to left \xf0\x9f\x98\x80"),
    GR_STR_INIT("a\0b"),
    GR_STR_INIT("\\u0000 \\n \\\""),
};

/* Every text of the message is hostile, once as it stands and once 64 KiB of it. */
START_TEST(hostile_texts)
{
    struct fixture_hostile h;
    cJSON *json;

    fixture_hostile_make(&h, hostile[_i / 2], _i % 2 == 1);
    json = encoded("notify", &h.m, "u");
    ck_assert_ptr_nonnull(gr_json_get(json, "blocks"));
    cJSON_Delete(json);
    json = encoded("page", &h.m, KEY);
    ck_assert_ptr_null(gr_json_get(json, "links"));
    ck_assert_uint_le(gr_json_str(json, "dedup_key").n, 4 * SENDER_DEDUP_BYTES_MAX);
    cJSON_Delete(json);
    fixture_hostile_fini(&h);
}
END_TEST

START_TEST(long_keys_stay_different)
{
    struct gr_buf key = GR_BUF_INIT(1024);
    struct message m = breach();
    cJSON *a, *b;

    while (key.n < 300)
        gr_buf_putc(&key, 'k');
    m.dedup_key = gr_buf_str(&key);
    a = encoded("page", &m, KEY);
    key.p[299] = 'j';
    b = encoded("page", &m, KEY);
    ck_assert_uint_le(gr_json_str(a, "dedup_key").n, SENDER_DEDUP_BYTES_MAX);
    ck_assert(!gr_str_eq(gr_json_str(a, "dedup_key"), gr_json_str(b, "dedup_key")));
    cJSON_Delete(a);
    cJSON_Delete(b);
    gr_buf_fini(&key);
}
END_TEST

START_TEST(cuts_at_characters)
{
    struct gr_buf b = GR_BUF_INIT(256);

    sender_put(&b, GR_STR("abcdef"), sender_plain, 6);
    ck_assert_str_eq(gr_buf_cstr(&b), "abcdef");
    gr_buf_reset(&b);
    sender_put(&b, GR_STR("abcdefg"), sender_plain, 6);
    ck_assert_str_eq(gr_buf_cstr(&b), "abc...");
    gr_buf_reset(&b);
    sender_put(&b, GR_STR("ab\xc3\xa9\xc3\xa9xyz"), sender_plain, 6);
    ck_assert_str_eq(gr_buf_cstr(&b), "ab...");
    gr_buf_reset(&b);
    sender_put(&b, GR_STR("a&&&&"), gr_quote_slack, 10);
    ck_assert_str_eq(gr_buf_cstr(&b), "a&amp;...");
    gr_buf_reset(&b);
    sender_put(&b, GR_STR("&&&&"), gr_quote_slack, 3);
    ck_assert_str_eq(gr_buf_cstr(&b), "...");
    gr_buf_fini(&b);
}
END_TEST

static const struct classify_row {
    const char *action;
    long status;
    const char *body;
    enum sender_answer answer;
} classify_rows[] = {
    {"notify", 200, "ok", SENDER_DONE},
    {"notify", 200, "ok\n", SENDER_DONE},
    {"notify", 200, "", SENDER_NEVER},
    {"notify", 200, "<html>login</html>", SENDER_NEVER},
    {"notify", 200, "{\"ok\":true}", SENDER_NEVER},
    {"notify", 202, "ok", SENDER_NEVER},
    {"notify", 302, "", SENDER_NEVER},
    {"notify", 400, "invalid_blocks", SENDER_NEVER},
    {"notify", 403, "invalid_token", SENDER_NEVER},
    {"notify", 404, "no_service", SENDER_NEVER},
    {"notify", 408, "", SENDER_LATER},
    {"notify", 410, "channel_is_archived", SENDER_NEVER},
    {"notify", 429, "rate_limited", SENDER_LATER},
    {"notify", 500, "rollup_error", SENDER_LATER},
    {"notify", 503, "ok", SENDER_LATER},
    {"page", 202, "{}", SENDER_DONE},
    {"page", 200, "{}", SENDER_NEVER},
    {"page", 301, "", SENDER_NEVER},
    {"page", 400, "{}", SENDER_NEVER},
    {"page", 413, "", SENDER_NEVER},
    {"page", 429, "{}", SENDER_LATER},
    {"page", 500, "", SENDER_LATER},
    {"page", 504, "", SENDER_LATER},
};

START_TEST(classifies)
{
    const struct classify_row *r = &classify_rows[_i];
    const struct sender_target *t = sender_target(action(r->action)->kind);

    ck_assert_msg(t->classify(r->status, gr_str(r->body)) == r->answer, "%s %ld %s", r->action, r->status,
                  r->body);
}
END_TEST

START_TEST(the_table)
{
    size_t n;
    const struct sender_target *const *rows = sender_targets(&n);

    for (size_t i = 0; i < n; i++) {
        ck_assert_str_eq(rows[i]->name, policy_action_kind_name(rows[i]->kind));
        ck_assert_ptr_eq(sender_target(rows[i]->kind), rows[i]);
        ck_assert(i == 0 || strcmp(rows[i - 1]->name, rows[i]->name) < 0);
        ck_assert(rows[i]->body_bytes_max > 0 && rows[i]->interval_ms > 0 && rows[i]->burst > 0 &&
                  rows[i]->age_ms_max > 0);
    }
    ck_assert_ptr_null(sender_target(ACTION_ROLLBACK));
    ck_assert_str_eq(sender_answer_name(SENDER_LATER), "later");
}
END_TEST

/* -- secrets ------------------------------------------------------------------------------------------------------------- */

static const struct secret_row {
    const char *name, *action, *file, *text;
    unsigned mode;
    enum gr_err err;
} secret_rows[] = {
    {"a key", "page", "pagerduty.key", KEY "\n", 0600, GR_OK},
    {"none", "page", NULL, NULL, 0, GR_ENOENT},
    {"open to the group", "page", "pagerduty.key", KEY, 0640, GR_EACCES},
    {"open to all", "page", "pagerduty.key", KEY, 0604, GR_EACCES},
    {"too short", "page", "pagerduty.key", "0123", 0600, GR_ESYNTAX},
    {"empty", "page", "pagerduty.key", "", 0600, GR_ESYNTAX},
    {"with CRLF inside", "page", "pagerduty.key", "0123456789abcdef\r\n456789abcdef01", 0600, GR_ESYNTAX},
    {"an address", "notify", "slack.url", "https://hooks.example.org/services/T0/B0/x\n", 0600, GR_OK},
    {"a plain one, allowed here", "notify", "slack.url", "http://127.0.0.1:1/slack", 0600, GR_OK},
    {"no address", "notify", "slack.url", "hooks.example.org", 0600, GR_ESYNTAX},
    {"two lines", "notify", "slack.url", "https://a.example.org/\nhttps://b.example.org/", 0600, GR_ESYNTAX},
    {"a token", "ticket", "jira.token", "bot@example.org:cloud-token\n", 0600, GR_OK},
    {"a token of two words", "ticket", "jira.token", "Bearer 0123456789", 0600, GR_ESYNTAX},
};

START_TEST(secrets)
{
    const struct secret_row *r = &secret_rows[_i];
    struct message m = breach();
    struct sender_result result;

    if (r->file)
        fixture_file(dir, r->file, r->text, r->mode);
    ck_assert_msg(sender_check(&env, action(r->action)) == r->err, "%s: %s", r->name,
                  gr_err_name(sender_check(&env, action(r->action))));
    if (r->err == GR_OK)
        return;
    sender_send(&env, action(r->action), &m, gr_http_now_ms() + 1000, &result);
    ck_assert_int_eq(result.answer, SENDER_NEVER);
    ck_assert(result.text[0] != '\0' && !result.maybe_sent && result.status == 0);
}
END_TEST

START_TEST(plain_http_needs_leave)
{
    fixture_file(dir, "slack.url", "http://127.0.0.1:1/slack", 0600);
    env.allow_http = false;
    ck_assert_int_eq(sender_check(&env, action("notify")), GR_ESYNTAX);
}
END_TEST

/* The peer repeats the key: it must not stand in what we log. */
START_TEST(secrets_stay_secret)
{
    struct canned *server =
        canned_start(GR_STR("HTTP/1.1 400 x\r\nContent-Length: 36\r\n\r\nbad " KEY), false);
    struct message m = breach();
    struct sender_result result;
    char url[64];

    (void)snprintf(url, sizeof url, "%s", canned_url(server));
    env.pagerduty_url = url;
    fixture_file(dir, "pagerduty.key", KEY "\n", 0600);
    sender_send(&env, action("page"), &m, gr_http_now_ms() + 10000, &result);
    ck_assert_int_eq(result.answer, SENDER_NEVER);
    ck_assert_str_eq(result.text, "status 400");
    canned_stop(server, NULL);
    sender_send(&env, action("page"), &m, gr_http_now_ms() + 10000, &result);
    ck_assert_int_eq(result.answer, SENDER_LATER); /* nobody there now */
    ck_assert_ptr_null(strstr(result.text, "127.0.0.1"));
}
END_TEST

/* It may repeat a part: the end of Slack's URL is a key by itself. Words that the URL happens to hold are no secret. */
static const struct echo_row {
    const char *name, *body, *text;
} echo_rows[] = {
    {"the last part", "no hook XXXXXXXXXXXXXXXXXXXXXXXX here", "status 404"},
    {"the path", "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "status 404"},
    {"a middle part", "team T00000000 is gone", "status 404"},
    {"a short word of it", "no such services", "status 404: no such services"},
    {"none of it", "no_service", "status 404: no_service"},
};

START_TEST(parts_of_a_secret_stay_secret)
{
    const struct echo_row *r = &echo_rows[_i];
    struct gr_str response =
        gr_arena_printf(arena, "HTTP/1.1 404 x\r\nContent-Length: %zu\r\n\r\n%s", strlen(r->body), r->body);
    struct canned *server = canned_start(response, false);
    struct message m = breach();
    struct sender_result result;

    fixture_file(
        dir, "slack.url",
        gr_arena_printf(arena, "%s/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", canned_url(server))
            .p,
        0600);
    sender_send(&env, action("notify"), &m, gr_http_now_ms() + 10000, &result);
    ck_assert_str_eq(result.text, r->text);
    canned_stop(server, NULL);
}
END_TEST

/* -- against the stand-in ------------------------------------------------------------------------------------------------- */

static struct standin_process standin;

static void
standin_setup(void)
{
    setup();
    standin_start(&standin);
    fixture_file(dir, "slack.url", gr_arena_printf(arena, "%s/slack\n", standin.url).p, 0600);
    fixture_file(dir, "pagerduty.key", KEY "\n", 0600);
    env.pagerduty_url = gr_arena_printf(arena, "%s/pagerduty/v2/enqueue", standin.url).p;
}

static void
standin_teardown(void)
{
    standin_stop(&standin);
    teardown();
}

static struct sender_result
sent(const char *name, int64_t timeout_ms)
{
    struct message m = breach();
    struct sender_result result;

    sender_send(&env, action(name), &m, gr_http_now_ms() + timeout_ms, &result);
    return result;
}

START_TEST(arrives)
{
    const cJSON *messages, *first;
    cJSON *json;

    ck_assert_int_eq(sent("notify", 10000).answer, SENDER_DONE);
    ck_assert_int_eq(sent("page", 10000).answer, SENDER_DONE);
    json = standin_received(&standin, http);
    messages = gr_json_get(json, "messages");
    ck_assert_int_eq(cJSON_GetArraySize(messages), 2);
    first = cJSON_GetArrayItem(messages, 0);
    ck_assert(gr_str_is(gr_json_str(first, "target"), "slack") &&
              gr_str_is(gr_json_str(first, "path"), "/slack"));
    ck_assert(gr_str_starts(gr_json_str(gr_json_get(first, "message"), "text"), GR_STR("Hard breach")));
    cJSON_Delete(json);
}
END_TEST

static const struct told_row {
    const char *name, *action, *control;
    enum sender_answer answer;
    long status;
    int64_t retry_after_ms;
    const char *text;
} told_rows[] = {
    {"Slack, slow down", "notify", "{\"target\":\"slack\",\"status\":429,\"retry_after\":2,\"count\":1}",
     SENDER_LATER, 429, 2000, "status 429: rate_limited"},
    {"Slack is broken", "notify", "{\"target\":\"slack\",\"status\":500,\"count\":1}", SENDER_LATER, 500, -1,
     "status 500: rollup_error"},
    {"a login page", "notify", "{\"target\":\"slack\",\"body\":\"<html>login</html>\",\"count\":1}",
     SENDER_NEVER, 200, -1, "status 200: <html>login</html>"},
    {"PagerDuty, slow down", "page",
     "{\"target\":\"pagerduty\",\"status\":429,\"retry_after\":30,\"count\":1}", SENDER_LATER, 429, 30000,
     "status 429: {\"status\":\"throttle exceeded\""},
    {"PagerDuty is broken", "page", "{\"target\":\"pagerduty\",\"status\":503,\"count\":1}", SENDER_LATER,
     503, -1, "status 503"},
};

START_TEST(as_told)
{
    const struct told_row *r = &told_rows[_i];
    struct sender_result result;

    standin_tell(&standin, http, r->control);
    result = sent(r->action, 10000);
    ck_assert_msg(result.answer == r->answer && result.status == r->status &&
                      result.retry_after_ms == r->retry_after_ms,
                  "%s: %s %ld %lld", r->name, sender_answer_name(result.answer), result.status,
                  (long long)result.retry_after_ms);
    ck_assert_msg(gr_str_starts(gr_str(result.text), gr_str(r->text)), "%s: %s", r->name, result.text);
    ck_assert_int_eq(sent(r->action, 10000).answer, SENDER_DONE); /* only once, as told */
}
END_TEST

START_TEST(hangs)
{
    struct sender_result result;

    standin_tell(&standin, http, "{\"target\":\"slack\",\"hang\":true,\"count\":1}");
    result = sent("notify", 200);
    ck_assert_int_eq(result.answer, SENDER_LATER);
    ck_assert(result.maybe_sent && result.status == 0);
    ck_assert_int_eq(sent("notify", 10000).answer, SENDER_DONE);
}
END_TEST

static const struct gone_row {
    const char *path, *text;
} gone_rows[] = {
    {"/slack/none", "status 404: no_service"},
    {"/slack/forbidden", "status 403: invalid_token"},
    {"/slack/archived", "status 410: channel_is_archived"},
};

START_TEST(gone_for_good)
{
    struct sender_result result;

    fixture_file(dir, "slack.url", gr_arena_printf(arena, "%s%s\n", standin.url, gone_rows[_i].path).p, 0600);
    result = sent("notify", 10000);
    ck_assert_int_eq(result.answer, SENDER_NEVER);
    ck_assert_str_eq(result.text, gone_rows[_i].text);
}
END_TEST

START_TEST(refuses_over_http)
{
    struct gr_http_response response = GR_HTTP_RESPONSE_INIT;
    struct gr_str url = gr_arena_printf(arena, "%s/slack", standin.url);
    struct gr_http_request r = {.post = true,
                                .url = url,
                                .content_type = GR_STR("application/json"),
                                .body = GR_STR("{\"text\":\"<!channel>\"}"),
                                .deadline_ms = gr_http_now_ms() + 10000};
    cJSON *json;

    ck_assert_int_eq(gr_http_perform(http, &r, &response), GR_OK);
    ck_assert_int_eq(response.status, 400);
    ck_assert_str_eq(gr_buf_cstr(&response.body), "invalid_payload");
    r.body = GR_STR("{\"text\":\"a\"}");
    r.content_type = GR_STR("text/plain");
    ck_assert_int_eq(gr_http_perform(http, &r, &response), GR_OK);
    ck_assert_int_eq(response.status, 400);
    json = standin_received(&standin, http);
    ck_assert_int_eq(cJSON_GetArraySize(gr_json_get(json, "messages")), 0);
    cJSON_Delete(json);
    gr_http_response_fini(&response);
}
END_TEST

Suite *
sender_suite(void)
{
    Suite *s = suite_create("sender");
    TCase *tc = tcase_create("messages"), *http_case = tcase_create("stand-in");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, slack_says_everything);
    tcase_add_test(tc, pagerduty_says_everything);
    tcase_add_loop_test(tc, kinds, 0, GR_COUNT(kind_rows));
    tcase_add_loop_test(tc, pagerduty_follows, 0, 2);
    tcase_add_loop_test(tc, commands, 0, GR_COUNT(command_rows));
    tcase_add_test(tc, an_empty_message);
    tcase_add_loop_test(tc, hostile_texts, 0, 2 * GR_COUNT(hostile));
    tcase_add_test(tc, long_keys_stay_different);
    tcase_add_test(tc, cuts_at_characters);
    tcase_add_loop_test(tc, classifies, 0, GR_COUNT(classify_rows));
    tcase_add_test(tc, the_table);
    tcase_add_loop_test(tc, secrets, 0, GR_COUNT(secret_rows));
    tcase_add_test(tc, plain_http_needs_leave);
    tcase_add_test(tc, secrets_stay_secret);
    tcase_add_loop_test(tc, parts_of_a_secret_stay_secret, 0, GR_COUNT(echo_rows));
    suite_add_tcase(s, tc);
    tcase_set_timeout(http_case, 30);
    tcase_add_checked_fixture(http_case, standin_setup, standin_teardown);
    tcase_add_test(http_case, arrives);
    tcase_add_loop_test(http_case, as_told, 0, GR_COUNT(told_rows));
    tcase_add_test(http_case, hangs);
    tcase_add_loop_test(http_case, gone_for_good, 0, GR_COUNT(gone_rows));
    tcase_add_test(http_case, refuses_over_http);
    suite_add_tcase(s, http_case);
    return s;
}
