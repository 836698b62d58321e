/* sender_slack_api.c by its row, against the stand-in. */
#include "config.h"
#include "fixture.h"
#include "standin_process.h"
#include "test_webhook.h"
#include "webhook/sender.h"

#include "guardrail/json.h"

#define TOKEN "xoxb-standin-0123456789"

static struct gr_arena *arena;
static struct gr_http_client *http;
static char dir[64];
static struct sender_env env;
static struct standin_process standin;
static struct policy_action slack;

static void
setup(void)
{
    struct gr_http_options options = {.allow_http = true};

    arena = gr_arena_create(8 << 20);
    fixture_dir(dir, sizeof dir);
    ck_assert_int_eq(gr_http_global_init(), GR_OK);
    ck_assert_int_eq(gr_http_client_create(&options, &http), GR_OK);
    standin_start(&standin);
    env = (struct sender_env){.http = http,
                              .secrets_dir = dir,
                              .allow_http = true,
                              .slack_url = gr_arena_printf(arena, "%s/slack-api", standin.url).p};
    fixture_file(dir, "slack.token", TOKEN "\n", 0600);
    slack = (struct policy_action){.name = GR_STR("notify"),
                                   .kind = ACTION_SLACK,
                                   .channel = GR_STR("C0123456789"),
                                   .token_file = GR_STR("slack.token")};
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

static struct message
message(enum message_kind kind, enum policy_level level, const char *key)
{
    return (struct message){.kind = kind,
                            .level = level,
                            .ok = true,
                            .known = true,
                            .spec = GR_STR("demo"),
                            .deployment_id = GR_STR("tp-1"),
                            .phase = GR_STR("phase_1"),
                            .guardrail = GR_STR("error_rate"),
                            .summary = GR_STR("error_rate venue=XNAS: canary +110% against control"),
                            .by = GR_STR("jane"),
                            .reason = GR_STR("as it is"),
                            .now = GR_STR("the release runs in phase_1"),
                            .reference = GR_STR("G-1"),
                            .key = gr_str(key),
                            .dedup_key = gr_str(key),
                            .attempt = 1,
                            .at_ms = INT64_C(1715894100000),
                            .first_ms = INT64_C(1715894100000)};
}

static struct sender_result
sent(const struct message *m)
{
    struct sender_result result;

    sender_send(&env, &slack, m, gr_http_now_ms() + 10000, &result);
    return result;
}

static struct sender_result
expect(const struct message *m, enum sender_answer answer, const char *text)
{
    struct sender_result result = sent(m);

    ck_assert_msg(result.answer == answer && strcmp(result.text, text) == 0, "%s, \"%s\"; wanted %s, \"%s\"",
                  sender_answer_name(result.answer), result.text, sender_answer_name(answer), text);
    return result;
}

static cJSON *
posts(int count)
{
    cJSON *json = standin_received(&standin, http);
    cJSON *items = cJSON_DetachItemFromObjectCaseSensitive(json, "posts");

    cJSON_Delete(json);
    ck_assert_msg(cJSON_GetArraySize(items) == count, "%d posts", cJSON_GetArraySize(items));
    return items;
}

/* The present title of a post. */
static struct gr_str
title(const cJSON *posts, int i)
{
    const cJSON *message = gr_json_get(cJSON_GetArrayItem(posts, i), "message");

    return gr_json_str(gr_json_get(cJSON_GetArrayItem(gr_json_get(message, "blocks"), 0), "text"), "text");
}

START_TEST(one_thread_for_a_topic)
{
    struct message soft = message(MESSAGE_BREACH, LEVEL_SOFT, "a"),
                   hard = message(MESSAGE_BREACH, LEVEL_HARD, "b"),
                   outcome = message(MESSAGE_OUTCOME, LEVEL_HARD, "c");
    struct sender_result first = expect(&soft, SENDER_DONE, "posted");
    cJSON *list;

    ck_assert_str_eq(first.channel, "C0123456789");
    ck_assert_str_ne(first.ts, "");
    hard.act = ACT_ROLLBACK;
    hard.thread_channel = outcome.thread_channel = gr_str(first.channel);
    hard.thread_ts = outcome.thread_ts = gr_str(first.ts);
    hard.head = outcome.head = &soft;
    ck_assert_str_eq(expect(&hard, SENDER_DONE, "posted in its thread").ts, "");
    list = posts(2);
    ck_assert(gr_str_eq(gr_json_str(cJSON_GetArrayItem(list, 1), "thread_ts"), gr_str(first.ts)));
    ck_assert(cJSON_IsTrue(gr_json_get(cJSON_GetArrayItem(list, 1), "broadcast"))); /* seen in the channel */
    ck_assert(gr_str_is(title(list, 0), "Hard breach, rolling back: error_rate (tp-1)"));
    cJSON_Delete(list);
    (void)expect(&outcome, SENDER_DONE, "posted in its thread");
    list = posts(3);
    ck_assert(cJSON_IsFalse(gr_json_get(cJSON_GetArrayItem(list, 2), "broadcast")));
    ck_assert(gr_str_is(title(list, 0), "Rolled back: error_rate (tp-1)"));
    ck_assert_int_eq((int)gr_json_get(cJSON_GetArrayItem(list, 0), "updates")->valuedouble, 2);
    cJSON_Delete(list);
}
END_TEST

/* The answer to a post is lost: the second attempt finds it. In the channel, and in a thread. */
START_TEST(looks_before_it_posts_again)
{
    struct message head = message(MESSAGE_BREACH, LEVEL_SOFT, "a"),
                   m = message(MESSAGE_BREACH, LEVEL_HARD, "b");
    struct sender_result first = expect(&head, SENDER_DONE, "posted"), lost, again;

    if (_i == 1) {
        m.thread_channel = gr_str(first.channel);
        m.thread_ts = gr_str(first.ts);
        m.head = &head;
    }
    standin_tell(&standin, http,
                 "{\"target\":\"slack-api\",\"lose\":true,\"path\":\"/chat.postMessage\",\"count\":1}");
    lost = sent(&m);
    ck_assert_int_eq(lost.answer, SENDER_LATER);
    ck_assert(lost.maybe_sent);
    m.attempt = 2;
    again = expect(&m, SENDER_DONE, "posted before");
    ck_assert(_i == 1 ? again.ts[0] == '\0' : strcmp(again.ts, first.ts) != 0 && again.ts[0] != '\0');
    cJSON_Delete(posts(2));
}
END_TEST

/* Without the scope, or with a channel known by name alone, it is posted twice: so the test above can fail. */
START_TEST(cannot_look)
{
    struct message m = message(MESSAGE_BREACH, LEVEL_HARD, "b");

    if (_i == 0)
        slack.channel = GR_STR("#deploy-ops");
    else
        standin_tell(&standin, http, "{\"target\":\"slack-api\",\"blind\":true}");
    standin_tell(&standin, http,
                 "{\"target\":\"slack-api\",\"lose\":true,\"path\":\"/chat.postMessage\",\"count\":1}");
    ck_assert_int_eq(sent(&m).answer, SENDER_LATER);
    m.attempt = 2;
    (void)expect(&m, SENDER_DONE, "posted");
    cJSON_Delete(posts(2));
}
END_TEST

/* Somebody deleted the first message: what follows begins a thread of its own. */
START_TEST(a_lost_thread)
{
    struct message head = message(MESSAGE_BREACH, LEVEL_SOFT, "a"),
                   m = message(MESSAGE_BREACH, LEVEL_HARD, "b");
    struct sender_result r;

    m.thread_channel = GR_STR("C0123456789");
    m.thread_ts = GR_STR("1715000000.000001");
    m.head = &head;
    r = expect(&m, SENDER_DONE, "posted");
    ck_assert_str_ne(r.ts, "");
    cJSON_Delete(posts(1));
}
END_TEST

static const struct refusal_row {
    const char *channel, *token, *told; /* told: what the stand-in is to do */
    enum sender_answer answer;
    const char *text;
    int64_t retry_after_ms;
} refusal_rows[] = {
    {"C0UNKNOWN00", TOKEN, NULL, SENDER_NEVER, "post: channel_not_found", -1},
    {"C0ARCHIVED0", TOKEN, NULL, SENDER_NEVER, "post: is_archived", -1},
    {"C0NOTINHERE", TOKEN, NULL, SENDER_NEVER, "post: not_in_channel", -1},
    {"#deploy-ops", "xoxb-another-token", NULL, SENDER_NEVER, "post: invalid_auth", -1},
    {"#deploy-ops", TOKEN, "\"body\":\"{\\\"ok\\\":false,\\\"error\\\":\\\"msg_too_long\\\"}\"", SENDER_NEVER,
     "post: msg_too_long", -1},
    {"#deploy-ops", TOKEN,
     "\"retry_after\":3,\"body\":\"{\\\"ok\\\":false,\\\"error\\\":\\\"ratelimited\\\"}\"", SENDER_LATER,
     "post: ratelimited", 3000},
    {"#deploy-ops", TOKEN, "\"body\":\"{\\\"ok\\\":false,\\\"error\\\":\\\"internal_error\\\"}\"",
     SENDER_LATER, "post: internal_error", -1},
    {"#deploy-ops", TOKEN, "\"body\":\"{\\\"ok\\\":false}\"", SENDER_NEVER, "post: refused without a reason",
     -1},
    {"#deploy-ops", TOKEN, "\"body\":\"{\\\"ok\\\":true}\"", SENDER_NEVER, "post: the answer is not Slack's",
     -1},
    {"#deploy-ops", TOKEN, "\"body\":\"<html>log in</html>\"", SENDER_NEVER,
     "post: the answer is not Slack's", -1},
    {"#deploy-ops", TOKEN, "\"status\":429,\"retry_after\":7", SENDER_LATER, "post: status 429", 7000},
    {"#deploy-ops", TOKEN, "\"status\":503", SENDER_LATER, "post: status 503", -1},
    {"#deploy-ops", TOKEN, "\"status\":404", SENDER_NEVER, "post: status 404", -1},
};

START_TEST(refusals)
{
    const struct refusal_row *r = &refusal_rows[_i];
    struct message m = message(MESSAGE_BREACH, LEVEL_HARD, "b");

    slack.channel = gr_str(r->channel);
    fixture_file(dir, "slack.token", r->token, 0600);
    if (r->told)
        standin_tell(&standin, http,
                     gr_arena_printf(arena, "{\"target\":\"slack-api\",\"count\":1,%s}", r->told).p);
    ck_assert_int_eq(expect(&m, r->answer, r->text).retry_after_ms, r->retry_after_ms);
}
END_TEST

/* A first message that cannot be updated now is waited for, before anything is posted; one that never can be is not. */
START_TEST(updates)
{
    struct message head = message(MESSAGE_BREACH, LEVEL_SOFT, "a"),
                   m = message(MESSAGE_BREACH, LEVEL_HARD, "b");
    struct sender_result first = expect(&head, SENDER_DONE, "posted");

    m.thread_channel = gr_str(first.channel);
    m.thread_ts = gr_str(first.ts);
    m.head = &head;
    standin_tell(&standin, http,
                 "{\"target\":\"slack-api\",\"path\":\"/chat.update\",\"status\":503,\"count\":1}");
    (void)expect(&m, SENDER_LATER, "update: status 503");
    cJSON_Delete(posts(1));
    standin_tell(&standin, http,
                 "{\"target\":\"slack-api\",\"path\":\"/chat.update\",\"count\":1,"
                 "\"body\":\"{\\\"ok\\\":false,\\\"error\\\":\\\"cant_update_message\\\"}\"}");
    (void)expect(&m, SENDER_DONE, "posted in its thread");
    cJSON_Delete(posts(2));
}
END_TEST

/* Who took it and that it is over are short. */
START_TEST(short_ones)
{
    struct message m = message(_i == 0 ? MESSAGE_ACKED : MESSAGE_CLOSED, LEVEL_HARD, "b");
    cJSON *list;

    (void)expect(&m, SENDER_DONE, "posted");
    list = posts(1);
    ck_assert(
        gr_str_is(title(list, 0), _i == 0 ? "Acknowledged: error_rate (tp-1)" : "Over: error_rate (tp-1)"));
    ck_assert_int_le(
        cJSON_GetArraySize(gr_json_get(gr_json_get(cJSON_GetArrayItem(list, 0), "message"), "blocks")), 3);
    cJSON_Delete(list);
}
END_TEST

START_TEST(secrets)
{
    static const struct {
        const char *text;
        enum gr_err want;
    } rows[] = {{TOKEN "\n", GR_OK},
                {"https://hooks.slack.com/services/T/B/x", GR_ESYNTAX},
                {"xoxb-\x01", GR_ESYNTAX}};

    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        fixture_file(dir, "slack.token", rows[i].text, 0600);
        ck_assert_int_eq(sender_check(&env, &slack), rows[i].want);
    }
    ck_assert(sender_follows(&slack, MESSAGE_ACKED) && sender_follows(&slack, MESSAGE_CLOSED));
    slack.webhook_url_file = GR_STR("slack.url");
    ck_assert(!sender_follows(&slack, MESSAGE_ACKED) && !sender_follows(&slack, MESSAGE_CLOSED));
}
END_TEST

Suite *
sender_slack_suite(void)
{
    Suite *s = suite_create("sender_slack");
    TCase *tc = tcase_create("sender_slack");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_thread_for_a_topic);
    tcase_add_loop_test(tc, looks_before_it_posts_again, 0, 2);
    tcase_add_loop_test(tc, cannot_look, 0, 2);
    tcase_add_test(tc, a_lost_thread);
    tcase_add_loop_test(tc, refusals, 0, GR_COUNT(refusal_rows));
    tcase_add_test(tc, updates);
    tcase_add_loop_test(tc, short_ones, 0, 2);
    tcase_add_test(tc, secrets);
    suite_add_tcase(s, tc);
    return s;
}
